//! Published tables, brute force and laws.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::{Classes, Column, Histogram, Values, matches, people_matches};

/// Codes in which 0 stands for a missing value.
fn column(values: &[u32]) -> Column {
    let levels = values.iter().max().map_or(1, |&most| most + 1);
    Column::new(values.iter().copied(), levels, Some(0))
}

fn masses(classes: &Classes) -> Vec<f64> {
    classes.records().iter().map(|&records| f64::from(records)).collect()
}

/// Per record: missing values match all, match with weight 0, and are values of their own.
fn three_ways(columns: &[Column]) -> [Vec<f64>; 3] {
    let columns: Vec<&Column> = columns.iter().collect();
    let classes = Classes::of(&columns, None);
    let found = matches(&columns, &classes, &masses(&classes)).expect("few patterns");
    let of_records = |f: &dyn Fn(usize) -> f64| classes.of_record().iter().map(|&class| f(class as usize)).collect();
    [
        of_records(&|class| found[class].wildcard()),
        of_records(&|class| found[class].weighted(0.0)),
        of_records(&|class| f64::from(classes.records()[class])),
    ]
}

/// The three tables of ARX's `TestWildcardMatching`: wildcard as ARX, sdcMicro (alpha = 1) and brute force have it, alpha = 0
/// as sdcMicro 5.8.1 printed it.
#[test]
fn wildcard_tables_of_arx_and_alpha_of_sdcmicro() {
    let sex_and_zip = [column(&[1, 1, 1, 0, 0, 2, 2, 1]), column(&[11, 11, 11, 11, 11, 12, 0, 0])];
    let expected = [
        vec![6., 6., 6., 7., 7., 2., 4., 6.],
        vec![3., 3., 3., 5., 5., 1., 2., 4.],
        vec![3., 3., 3., 2., 2., 1., 1., 1.],
    ];
    assert_eq!(three_ways(&sex_and_zip), expected);
    let age = column(&[0, 68, 68, 0, 0, 0, 68, 68, 68, 68]);
    let sex = column(&[2, 2, 0, 0, 0, 0, 2, 0, 2, 2]);
    let zip = column(&[5, 5, 5, 5, 5, 5, 0, 6, 6, 6]);
    let expected = [
        vec![7., 7., 7., 7., 7., 7., 10., 4., 4., 4.],
        vec![2., 1., 2., 4., 4., 4., 4., 3., 2., 2.],
        vec![1., 1., 1., 3., 3., 3., 1., 1., 2., 2.],
    ];
    assert_eq!(three_ways(&[age, sex, zip]), expected);
    let age = column(&[73, 73, 0, 0, 0, 67, 67, 67, 67, 67]);
    let code = column(&[7, 7, 7, 7, 2, 2, 2, 7, 7, 7]);
    let expected = [
        vec![4., 4., 7., 7., 3., 3., 3., 5., 5., 5.],
        vec![2., 2., 7., 7., 3., 2., 2., 3., 3., 3.],
        vec![2., 2., 2., 2., 1., 2., 2., 3., 3., 3.],
    ];
    assert_eq!(three_ways(&[age, code]), expected);
}

/// sdcMicro's `test_freqCalc.R`: eight records, sample frequencies and sums of weights, without and with missing values.
#[test]
fn weighted_tables_of_sdcmicro() {
    let (a, b) = (column(&[2, 3, 2, 2, 3, 3, 1, 2]), column(&[3, 3, 3, 3, 3, 3, 4, 3]));
    let weights = [18.0, 45.5, 39.0, 17.0, 92.0, 8.0, 123.5, 51.0];
    let frequencies = |c: &[u32]| {
        let c = column(c);
        let columns = [&a, &b, &c];
        let classes = Classes::of(&columns, None);
        let mut weighed = vec![0.0; classes.count()];
        classes.of_record().iter().zip(weights).for_each(|(&class, weight)| weighed[class as usize] += weight);
        [masses(&classes), weighed].map(|mass| {
            let found = matches(&columns, &classes, &mass).expect("few patterns");
            classes.of_record().iter().map(|&class| found[class as usize].wildcard()).collect::<Vec<_>>()
        })
    };
    let complete = [vec![3., 1., 3., 1., 2., 2., 1., 3.], vec![108., 45.5, 108., 17., 100., 100., 123.5, 108.]];
    assert_eq!(frequencies(&[1, 3, 1, 2, 1, 1, 1, 1]), complete);
    let missing = [vec![3., 1., 4., 2., 2., 2., 1., 3.], vec![108., 45.5, 125., 56., 100., 100., 123.5, 108.]];
    assert_eq!(frequencies(&[1, 3, 0, 2, 1, 1, 0, 1]), missing);
    let single = column(&[2, 3, 0, 2, 1, 0, 1, 2]);
    assert_eq!(three_ways(&[single])[0], [5., 3., 8., 5., 4., 8., 4., 5.]);
}

/// ARX's five rows (`TestRiskQuasiIdentifiers`): distinction and separation of every set of columns.
#[test]
fn distinction_and_separation_of_arx() {
    // 20 F CA, 30 F CA, 40 F TX, 20 M NY, 40 M CA
    let (age, sex) = (column(&[2, 3, 4, 2, 4]), column(&[1, 1, 1, 2, 2]));
    let state = column(&[1, 1, 2, 3, 1]);
    let cases: [(&[&Column], f64, f64); 7] = [
        (&[&sex], 0.4, 0.6),
        (&[&state], 0.6, 0.7),
        (&[&age], 0.6, 0.8),
        (&[&sex, &state], 0.8, 0.9),
        (&[&sex, &age], 1.0, 1.0),
        (&[&state, &age], 1.0, 1.0),
        (&[&sex, &state, &age], 1.0, 1.0),
    ];
    for (columns, distinction, separation) in cases {
        let histogram = Classes::of(columns, None).histogram();
        assert!((histogram.distinction() - distinction).abs() < 1e-12);
        assert!((histogram.separation() - separation).abs() < 1e-12);
    }
}

/// Columns whose product of levels is far beyond 2^64 are grouped as exactly as few.
#[test]
fn sixty_columns_are_exact() {
    let rows = 4000_u32;
    let columns: Vec<Column> = (0..60_u32)
        .map(|at| Column::new((0..rows).map(|row| (row % 1999 * (at + 1) + row / 3998) % 65_537), 1 << 20, None))
        .collect();
    let columns: Vec<&Column> = columns.iter().collect();
    let classes = Classes::of(&columns, None);
    let key = |row: u32| -> Vec<u32> { columns.iter().map(|column| column.code(row as usize)).collect() };
    let mut keys: Vec<Vec<u32>> = (0..rows).map(key).collect();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!((classes.count(), keys.len()), (2001, 2001));
    assert!((0..rows).all(|row| key(row) == key(classes.first()[classes.of_record()[row as usize] as usize])));
    let owned: Vec<Column> = columns.iter().map(|&column| column.clone()).collect();
    assert_eq!(Histogram::of_columns(owned), classes.histogram());
}

/// A million levels, a constant, and nothing but missing values.
#[test]
fn odd_columns() {
    let many = Column::new(0..1_000_000, 1_000_000, None);
    let constant = Column::new(std::iter::repeat_n(0, 1_000_000), 1, None);
    assert_eq!(Histogram::of_columns(vec![many.clone(), constant.clone()]).counts(), [(1, 1_000_000)]);
    assert_eq!(Classes::of(&[&constant], None).sizes(), [1_000_000]);
    let missing = Column::new(std::iter::repeat_n(0, 1_000_000), 1, Some(0));
    let columns = [&many, &missing];
    let classes = Classes::of(&columns, None);
    let found = matches(&columns, &classes, &masses(&classes)).expect("one pattern");
    assert!(found.iter().all(|matched| matched.wildcard() == 1.0));
}

/// Distinct people (or rows) whose values agree with a row's wherever both are there.
fn brute_force(columns: &[Vec<u32>], people: &[u32]) -> Vec<u64> {
    let agree = |a: usize, b: usize| columns.iter().all(|c| c[a] == 0 || c[b] == 0 || c[a] == c[b]);
    let matching = |a: usize| {
        let mut found: Vec<u32> = (0..people.len()).filter(|&b| agree(a, b)).map(|b| people[b]).collect();
        found.sort_unstable();
        found.dedup();
        found.len() as u64
    };
    (0..people.len()).map(matching).collect()
}

type Row = (u32, u32, u32, u32);

fn rows() -> impl Strategy<Value = Vec<Row>> {
    prop::collection::vec((0_u32..3, 0_u32..3, 0_u32..4, 0_u32..12), 1..60)
}

fn unzip(rows: &[Row]) -> ([Vec<u32>; 3], Vec<u32>) {
    let columns = [
        rows.iter().map(|row| row.0).collect(),
        rows.iter().map(|row| row.1).collect(),
        rows.iter().map(|row| row.2).collect(),
    ];
    (columns, rows.iter().map(|row| row.3).collect())
}

proptest! {
    #[test]
    fn matches_equal_brute_force(rows in rows()) {
        let (values, people) = unzip(&rows);
        let columns = values.each_ref().map(|values| column(values));
        let columns: Vec<&Column> = columns.iter().collect();
        let classes = Classes::of(&columns, None);
        let found = matches(&columns, &classes, &masses(&classes)).unwrap();
        let each: Vec<u32> = (0..people.len() as u32).collect();
        for (&class, expected) in classes.of_record().iter().zip(brute_force(&values, &each)) {
            let matched = found[class as usize];
            prop_assert_eq!(matched.wildcard(), expected as f64);
            // A missing value of its own never matches more; less weight never matches more.
            prop_assert!(matched.own <= matched.weighted(0.0) && matched.weighted(0.3) <= matched.wildcard());
        }
        // Without a missing value all readings are one.
        let whole = values.each_ref().map(|codes| column(&codes.iter().map(|code| code + 1).collect::<Vec<_>>()));
        let [wildcard, weighted, own] = three_ways(&whole);
        prop_assert!(wildcard == own && weighted == own);
        let classes = Classes::of(&columns, Some(&people));
        let found = people_matches(&columns, &classes).unwrap();
        let of_record: Vec<u64> = classes.of_record().iter().map(|&class| found[class as usize]).collect();
        prop_assert_eq!(of_record, brute_force(&values, &people));
    }

    /// Values of a class and how many people (or records) have each, as sets count them.
    #[test]
    fn values_equal_brute_force(rows in rows()) {
        let (codes, people) = unzip(&rows);
        let [a, b, sensitive] = codes.each_ref().map(|values| column(values));
        let classes = Classes::of(&[&a, &b], None);
        let each: Vec<u32> = (0..people.len() as u32).collect();
        for (known, counted) in [(Some(people.as_slice()), &people), (None, &each)] {
            let values = Values::of(&classes, &sensitive, known);
            let mut expected: Vec<BTreeMap<u32, BTreeSet<u32>>> = vec![BTreeMap::new(); classes.count()];
            for (row, &class) in classes.of_record().iter().enumerate() {
                expected[class as usize].entry(sensitive.code(row)).or_default().insert(counted[row]);
            }
            let mut total = vec![0; sensitive.levels() as usize];
            for (class, expected) in expected.into_iter().enumerate() {
                let expected: Vec<(u32, u32)> = expected.into_iter().map(|(code, who)| (code, who.len() as u32)).collect();
                expected.iter().for_each(|&(code, count)| total[code as usize] += u64::from(count));
                prop_assert_eq!(values.class(class).collect::<Vec<_>>(), expected);
            }
            prop_assert_eq!(values.total(), total);
        }
    }

    #[test]
    fn suppressing_a_value_never_lowers_the_matches(rows in rows(), at in 0_usize..60, which in 0_usize..3) {
        let (mut values, people) = unzip(&rows);
        let each: Vec<u32> = (0..people.len() as u32).collect();
        let before = brute_force(&values, &each);
        let at = at % rows.len();
        values[which][at] = 0;
        let columns = values.each_ref().map(|values| column(values));
        let columns: Vec<&Column> = columns.iter().collect();
        let classes = Classes::of(&columns, None);
        let found = matches(&columns, &classes, &masses(&classes)).unwrap();
        for (&class, before) in classes.of_record().iter().zip(before) {
            prop_assert!(found[class as usize].wildcard() >= before as f64);
        }
    }

    /// Any order of records and of columns, and any names of values: the same people stand together.
    #[test]
    fn order_and_names_change_no_class(
        (rows, order) in rows().prop_flat_map(|rows| {
            let order: Vec<usize> = (0..rows.len()).collect();
            (Just(rows), Just(order).prop_shuffle())
        }),
        places in Just(vec![0_usize, 1, 2]).prop_shuffle(),
        names in prop::array::uniform3(Just(vec![0_u32, 1, 2, 3]).prop_shuffle()),
    ) {
        let (values, people) = unzip(&rows);
        let columns = values.each_ref().map(|values| column(values));
        let columns: Vec<&Column> = columns.iter().collect();
        let renamed = |place: usize| {
            let codes = order.iter().map(|&row| names[place][values[place][row] as usize]);
            Column::new(codes, 4, Some(names[place][0]))
        };
        let others: Vec<Column> = places.iter().map(|&place| renamed(place)).collect();
        let others: Vec<&Column> = others.iter().collect();
        let moved: Vec<u32> = order.iter().map(|&row| people[row]).collect();
        for (people, moved) in [(None, None), (Some(people.as_slice()), Some(moved.as_slice()))] {
            let (before, after) = (Classes::of(&columns, people), Classes::of(&others, moved));
            prop_assert_eq!(before.histogram(), after.histogram());
            prop_assert_eq!(before.people_histogram(), after.people_histogram());
            let size = |classes: &Classes, row: usize| classes.sizes()[classes.of_record()[row] as usize];
            let wild = |columns: &[&Column], classes: &Classes| {
                let found = matches(columns, classes, &masses(classes)).unwrap();
                let of_record = |&class: &u32| found[class as usize].wildcard();
                classes.of_record().iter().map(of_record).collect::<Vec<f64>>()
            };
            let (of_before, of_after) = (wild(&columns, &before), wild(&others, &after));
            for (at, &row) in order.iter().enumerate() {
                prop_assert_eq!(size(&before, row), size(&after, at));
                prop_assert_eq!(of_before[row], of_after[at]);
            }
        }
    }

    #[test]
    fn laws_of_classes(rows in rows()) {
        let (values, people) = unzip(&rows);
        let [a, b, c] = values.each_ref().map(|values| column(values));
        let n = rows.len();
        let classes = Classes::of(&[&a, &b], Some(&people));
        let histogram = classes.histogram();
        // Sizes add up, and the reciprocals of all records' sizes add up to the number of classes.
        prop_assert_eq!(histogram.records(), n as u64);
        prop_assert_eq!(histogram.classes(), classes.count() as u64);
        let reciprocal = |&class: &u32| 1.0 / f64::from(classes.records()[class as usize]);
        prop_assert!((classes.of_record().iter().map(reciprocal).sum::<f64>() - classes.count() as f64).abs() < 1e-9);
        prop_assert!(classes.people().unwrap().iter().zip(classes.records()).all(|(people, records)| people <= records));
        // One column more never makes a class larger.
        let finer = Classes::of(&[&a, &b, &c], Some(&people));
        for row in 0..n {
            let size = |classes: &Classes| classes.sizes()[classes.of_record()[row] as usize];
            prop_assert!(size(&finer) <= size(&classes));
        }
        let finest = finer.histogram();
        prop_assert!(finest.distinction() >= histogram.distinction());
        prop_assert!(finest.separation() >= histogram.separation() - 1e-12);
        prop_assert!(finest.of_size(1) >= histogram.of_size(1));
        // Coarser classes of classes are the classes of fewer columns.
        let quotient = finer.quotient(&[&a, &b]);
        prop_assert_eq!(quotient.sizes(), classes.sizes());
        prop_assert_eq!(&quotient.records, classes.records());
        let through: Vec<u32> = finer.of_record().iter().map(|&class| quotient.of_class[class as usize]).collect();
        prop_assert_eq!(through, classes.of_record());
        prop_assert_eq!(Histogram::of_columns(vec![a.clone(), b.clone()]), histogram);
        // Values of classes add up to the table.
        let values = Values::of(&classes, &c, None);
        let all = (0..values.classes()).flat_map(|class| values.class(class)).map(|(_, count)| u64::from(count));
        prop_assert_eq!(all.sum::<u64>(), n as u64);
        prop_assert_eq!(values.total().iter().sum::<u64>(), n as u64);
    }
}

#[test]
fn threads_change_nothing() {
    let columns: Vec<Column> = (1..5_u64)
        .map(|at| Column::new((0..700_000_u64).map(|row| (row * row / at % 97) as u32), 97, Some(3)))
        .collect();
    let columns: Vec<&Column> = columns.iter().collect();
    let people: Vec<u32> = (0..700_000).map(|row| row / 3).collect();
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads start");
        pool.install(|| {
            let classes = Classes::of(&columns, Some(&people));
            let found = matches(&columns, &classes, &masses(&classes));
            let histogram = Histogram::of_columns(columns.iter().map(|&column| column.clone()).collect());
            assert_eq!(histogram, classes.histogram());
            (histogram, found, classes)
        })
    };
    let one = on(1);
    assert!(one == on(2) && one == on(3));
}
