//! Histograms that the tests of the population models share.

use std::collections::BTreeMap;

use crate::equivalence::Histogram;
use crate::seed::Stream;
use crate::stats::uniform::below;

/// From pairs of a class size and the number of such classes.
pub(super) fn of(pairs: &[(u32, usize)]) -> Histogram {
    Histogram::of_sizes(pairs.iter().flat_map(|&(size, count)| std::iter::repeat_n(size, count)))
}

/// Class sizes of a simple random sample of people whose classes are given.
pub(super) fn sample(classes: &[u32], records: usize, stream: &mut Stream) -> Histogram {
    let mut people = classes.to_vec();
    let mut sizes: BTreeMap<u32, u32> = BTreeMap::new();
    for drawn in 0..records {
        let other = drawn + below(people.len() - drawn, stream);
        people.swap(drawn, other);
        *sizes.entry(people[drawn]).or_default() += 1;
    }
    Histogram::of_sizes(sizes.into_values())
}

/// ARX's adult data, 30,162 rows and nine columns, whose exact answers ARX's tests print.
pub(super) fn adult() -> Histogram {
    of(&[
        (1, 15512),
        (2, 2098),
        (3, 754),
        (4, 375),
        (5, 189),
        (6, 155),
        (7, 97),
        (8, 73),
        (9, 39),
        (10, 37),
        (11, 29),
        (12, 18),
        (13, 23),
        (14, 14),
        (15, 15),
        (16, 9),
        (17, 11),
        (18, 10),
        (19, 10),
        (20, 5),
        (21, 3),
        (22, 4),
        (23, 3),
        (24, 2),
        (25, 1),
        (26, 3),
        (27, 5),
        (29, 1),
        (30, 2),
        (32, 1),
        (34, 1),
        (35, 1),
        (36, 1),
        (45, 1),
    ])
}

/// The counts that ARX's `TestRiskMetrics` asserts on these data.
#[test]
fn adult_of_arx() {
    let sizes = adult();
    assert_eq!((sizes.records(), sizes.classes(), sizes.largest()), (30_162, 19_502, 45));
    assert!((sizes.distinction() - 0.646_575_160_798_355_5).abs() < 1e-15);
    assert!((sizes.of_size(1) as f64 / 30_162.0 - 0.514_289_503_348_584_4).abs() < 1e-15);
    assert_eq!([5, 11, 12, 20].map(|size| sizes.below(size)), [23_470, 27_329, 27_648, 29_285]);
}
