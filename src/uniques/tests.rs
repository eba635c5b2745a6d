//! The search against brute force and against sdcMicro's printed numbers.

use proptest::prelude::*;

use super::*;
use crate::equivalence::Column;
use crate::watch::{Event, Unwatched, Watch};

const ALL: Settings = Settings { max_size: 64, work: u64::MAX };

fn coded(columns: &[Vec<u32>], missing: Option<u32>) -> Vec<Column> {
    let levels = |codes: &[u32]| codes.iter().copied().chain(missing).max().map_or(1, |code| code + 1);
    columns.iter().map(|codes| Column::new(codes.iter().copied(), levels(codes), missing)).collect()
}

fn search(columns: &[Vec<u32>], missing: Option<u32>, people: Option<&[u32]>, settings: &Settings) -> MinimalUniques {
    let coded = coded(columns, missing);
    MinimalUniques::of(&coded.iter().collect::<Vec<_>>(), people, settings, &Unwatched).expect("few columns")
}

/// Columns of a table that is typed by rows.
fn columns<const M: usize>(rows: &[[u32; M]]) -> Vec<Vec<u32>> {
    (0..M).map(|j| rows.iter().map(|row| row[j]).collect()).collect()
}

fn close(found: &[f64], expected: &[f64], within: f64) {
    assert_eq!(found.len(), expected.len());
    assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() <= within), "{found:?} is not {expected:?}");
}

/// The uniques by the definition: unique on the set among the rows that have all its values, and on no smaller set.
fn brute_force(columns: &[Vec<u32>], missing: Option<u32>, people: &[u32], most: u32) -> Vec<Vec<u64>> {
    let m = columns.len();
    let inside = |mask: u64| (0..m).filter(move |j| mask >> j & 1 == 1);
    let unique = |row: usize, mask: u64| {
        inside(mask).all(|j| Some(columns[j][row]) != missing)
            && (0..people.len())
                .all(|other| people[other] == people[row] || inside(mask).any(|j| columns[j][other] != columns[j][row]))
    };
    let minimal = |row: usize, mask: u64| {
        unique(row, mask) && inside(mask).all(|j| mask == 1 << j || !unique(row, mask & !(1 << j)))
    };
    let of_row = |row: usize| {
        let masks = (1..1_u64 << m).filter(|mask| mask.count_ones() <= most && minimal(row, *mask));
        let mut masks: Vec<u64> = masks.collect();
        masks.sort_unstable_by_key(|mask| (mask.count_ones(), *mask));
        masks
    };
    (0..people.len()).map(of_row).collect()
}

proptest! {
    #[test]
    fn the_search_equals_brute_force(
        rows in prop::collection::vec((prop::array::uniform8(0_u32..3), 0_u32..40), 1..50),
        sparse in prop::bool::ANY,
        most in 1_usize..9,
    ) {
        let table: Vec<[u32; 8]> = rows.iter().map(|row| row.0).collect();
        let columns = columns(&table);
        let missing = sparse.then_some(2);
        let alone: Vec<u32> = (0..rows.len() as u32).collect();
        let shared: Vec<u32> = rows.iter().map(|row| row.1).collect();
        let settings = Settings { max_size: most, ..ALL };
        for people in [None, Some(shared.as_slice())] {
            let found = search(&columns, missing, people, &settings);
            let expected = brute_force(&columns, missing, people.unwrap_or(&alone), most as u32);
            for (row, expected) in expected.iter().enumerate() {
                prop_assert_eq!(found.of_row(row), expected.as_slice(), "row {}", row);
            }
            let coded = coded(&columns, missing);
            let by_size = MinimalUniques::by_size(&coded.iter().collect::<Vec<_>>(), people, most, usize::MAX);
            prop_assert_eq!(&by_size, &found);
        }
    }
}

/// Eight people by age, gender, income and education (sdcMicro's `test_suda2.R`, "book example").
const BOOK: [[u32; 4]; 8] =
    [[0, 0, 1, 0], [0, 0, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 1, 0, 1], [0, 1, 0, 0], [0, 1, 0, 2], [1, 0, 0, 1]];

/// Ten people by residence, gender, education and labour status (the same file, "sdc guideline").
const GUIDELINE: [[u32; 4]; 10] = [
    [0, 0, 0, 0],
    [0, 0, 0, 0],
    [0, 0, 1, 1],
    [0, 1, 2, 0],
    [1, 0, 2, 2],
    [0, 1, 2, 0],
    [0, 0, 3, 1],
    [0, 1, 4, 2],
    [0, 0, 0, 1],
    [0, 0, 0, 1],
];

/// The default scores stand in sdcMicro's tests; the older scores, the DIS and the contributions were printed by sdcMicro.
#[test]
fn printed_tables_equal_sdcmicro() {
    let book = search(&columns(&BOOK), None, None, &ALL);
    close(&Scores::of(&book, Scoring::Factorial).of_row, &[0.0, 0.0, 0.0, 0.0, 4.0, 2.0, 6.0, 8.0], 0.0);
    close(&Scores::of(&book, Scoring::Ihsn).of_row, &[0.0, 0.0, 0.0, 0.0, 1.0, 0.5, 1.75, 2.25], 1e-15);
    let guideline = search(&columns(&GUIDELINE), None, None, &ALL);
    let scores = Scores::of(&guideline, Scoring::Factorial);
    close(&scores.of_row, &[0.0, 0.0, 6.0, 0.0, 12.0, 0.0, 6.0, 10.0, 0.0, 0.0], 0.0);
    close(&scores.of_column, &[0.235_29, 0.176_47, 0.647_06, 0.235_29], 5e-6);
    // Four are unique on all columns; six stand in pairs.
    let of = |scores: &Scores, fraction: f64| {
        let all = scores.disclosure(4, disclosure_share(4, 6, fraction).expect("there are pairs"));
        [all[0], all[2], all[4], all[6], all[7]]
    };
    close(&of(&scores, 0.01), &[0.0, 0.004_986_80, 0.011_383_01, 0.004_986_80, 0.009_166_68], 5e-9);
    // sdcMicro holds theta in single precision, which moves the eighth digit here; in double precision these are the
    // numbers of the formula on uniques that another program found by brute force.
    close(&of(&scores, 0.2), &[0.0, 0.110_353_381_0, 0.221_773_687_1, 0.110_353_381_0, 0.186_313_289_5], 1e-10);
    let single = scores.disclosure(4, f64::from(4.0_f32 * 0.2 / (4.0_f32 * 0.2 + 6.0 * (1.0 - 0.2_f32))));
    close(&[single[2], single[4], single[7]], &[0.110_353_37, 0.221_773_68, 0.186_313_28], 5e-9);
    let ihsn = Scores::of(&guideline, Scoring::Ihsn);
    close(&ihsn.of_row, &[0.0, 0.0, 1.75, 0.0, 3.25, 0.0, 1.75, 2.75, 0.0, 0.0], 1e-15);
    close(&of(&ihsn, 0.01), &[0.0, 0.005_120_31, 0.010_702_06, 0.005_120_31, 0.008_775_09], 5e-9);
}

#[test]
fn columns_of_three_equal_sdcmicro() {
    let table = vec![
        vec![2, 2, 2, 2, 2, 2, 4, 2, 3, 2],
        vec![2, 5, 2, 4, 3, 2, 1, 2, 3, 5],
        vec![1, 1, 3, 3, 3, 3, 2, 1, 1, 2],
    ];
    let scores = Scores::of(&search(&table, None, None, &ALL), Scoring::Factorial);
    assert_eq!(scores.of_row, [0.0, 1.0, 0.0, 2.0, 2.0, 0.0, 4.0, 0.0, 3.0, 2.0]);
}

#[test]
fn nothing_is_unique_through_a_missing_cell() {
    let table = vec![vec![0, 1, 1, 9], vec![5, 5, 9, 6]];
    let found = search(&table, Some(9), None, &ALL);
    assert_eq!(
        (0..4).map(|row| found.of_row(row).to_vec()).collect::<Vec<_>>(),
        [vec![0b01], vec![0b11], vec![], vec![0b10]]
    );
}

#[test]
fn degenerate_tables_have_answers() {
    assert_eq!(search(&[], None, None, &ALL).rows(), 0);
    assert_eq!(search(&[vec![]], None, None, &ALL).rows(), 0);
    let constant = search(&[vec![1; 50], vec![2; 50]], None, None, &ALL);
    assert!((0..50).all(|row| constant.of_row(row).is_empty()));
    let missing = search(&[vec![7; 50], (0..50).collect()], Some(7), None, &ALL);
    assert_eq!((missing.of_row(0), missing.of_row(7)), (&[0b10][..], &[][..]));
    assert_eq!(search(&[vec![4]], None, None, &ALL).of_row(0), [0b1]);
    let many = vec![vec![0, 1]; 65];
    let many = coded(&many, None);
    let refused = MinimalUniques::of(&many.iter().collect::<Vec<_>>(), None, &ALL, &Unwatched);
    assert_eq!(refused, Err(MostColumns(65)));
}

/// Sixty columns: the size is lowered until the work is bounded, and the result says so.
#[test]
fn many_columns_are_cut_and_say_so() {
    let table: Vec<Vec<u32>> =
        (0..60_u32).map(|j| (0..300_u32).map(|row| (row * row * (j + 3) + row * j) % 251 % 3).collect()).collect();
    let found = search(&table, None, None, &Settings { max_size: 60, work: 20_000_000 });
    assert_eq!((found.max_size, found.is_complete()), (3, false));
    assert!((0..300).flat_map(|row| found.of_row(row)).all(|mask| mask.count_ones() <= 3));
}

/// Codes below a number of levels, small ones more often.
fn noise() -> impl FnMut(u64) -> u32 {
    let mut state = 1_u64;
    move |levels| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (a, b) = ((state >> 33) % levels, (state >> 45) % levels);
        (a * b / levels) as u32
    }
}

/// Groups too large to be compared by pairs, and columns with more levels than a field of packed codes holds: both ways of
/// keeping what is known agree.
#[test]
fn large_groups_and_wide_columns_equal_the_search_by_size() {
    let mut next = noise();
    let people: Vec<u32> = (0..1500).map(|_| next(1400)).collect();
    for levels in [[3, 4, 5, 6, 7, 8, 20, 90], [600, 700, 600, 700, 600, 700, 3, 800]] {
        let table: Vec<Vec<u32>> = levels.iter().map(|&levels| (0..1500).map(|_| next(levels)).collect()).collect();
        for (missing, people) in
            [(None, None), (Some(2), None), (None, Some(people.as_slice())), (Some(0), Some(&people))]
        {
            let columns = coded(&table, missing);
            let columns: Vec<&Column> = columns.iter().collect();
            let found = search(&table, missing, people, &ALL);
            assert_eq!(found, MinimalUniques::by_size(&columns, people, 8, usize::MAX));
            assert!((0..1500).any(|row| !found.of_row(row).is_empty()));
        }
    }
}

/// Wide tables have more minimal uniques than memory: sizes are left out whole, and what is there equals a cut search.
#[test]
fn sizes_without_room_are_left_out() {
    let mut next = noise();
    let table: Vec<Vec<u32>> = (0..9).map(|_| (0..200).map(|_| next(4)).collect()).collect();
    let columns = coded(&table, None);
    let columns: Vec<&Column> = columns.iter().collect();
    let all = MinimalUniques::by_size(&columns, None, 9, usize::MAX);
    let sets = |found: &MinimalUniques| (0..200).map(|row| found.of_row(row).len()).sum::<usize>();
    let most = sets(&all) / 2;
    let cut = MinimalUniques::by_size(&columns, None, 9, most);
    assert!(cut.max_size < 9 && !cut.is_complete() && sets(&cut) <= most && sets(&cut) > 0);
    assert_eq!(cut, search(&table, None, None, &Settings { max_size: cut.max_size, ..ALL }));
    assert!(sets(&MinimalUniques::by_size(&columns, None, cut.max_size + 1, usize::MAX)) > most);
}

#[test]
fn threads_change_nothing() {
    let table: Vec<Vec<u32>> =
        (2..9_u32).map(|j| (0..400_u32).map(|row| row * row * j % (j * 5 + 1)).collect()).collect();
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| search(&table, None, None, &ALL))
    };
    assert_eq!(on(1), on(3));
}

/// Stops at once.
struct Impatient;

impl Watch for Impatient {
    fn on(&self, _event: &Event<'_>) {}

    fn stops(&self) -> bool {
        true
    }
}

#[test]
fn a_stopped_search_says_so() {
    let table = vec![(0..9).collect::<Vec<u32>>()];
    let table = coded(&table, None);
    let found = MinimalUniques::of(&[&table[0]], None, &ALL, &Impatient).expect("few columns");
    assert!(found.stopped && !found.is_complete());
    assert!((0..9).all(|row| found.of_row(row).is_empty()), "nothing is called unique that was not looked at");
}
