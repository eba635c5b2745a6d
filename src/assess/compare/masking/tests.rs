//! Maskings whose answers are known.

use super::*;
use crate::data::{Column, Table};

const ROWS: usize = 300;

fn version(columns: Vec<(&str, Cells)>) -> Version {
    let input = crate::assess::assessment::InputFile {
        role: "a version".to_owned(),
        file: "data.csv".to_owned(),
        sha256: crate::digest::Digest::of_bytes(b""),
        bytes: 0,
    };
    let column = |(name, cells): (&str, Cells)| Column { name: name.to_owned(), cells };
    Version { input, table: Table::new(columns.into_iter().map(column).collect()) }
}

fn floats(value: impl Fn(usize) -> f64) -> Cells {
    Cells::Float((0..ROWS).map(value).collect())
}

fn texts(value: impl Fn(usize) -> String) -> Cells {
    let dictionary: Vec<String> = (0..ROWS).map(value).collect();
    Cells::Text { codes: (0..ROWS as u32).collect(), dictionary: dictionary.into() }
}

fn how(set: &[&str]) -> How {
    How { quasi_identifiers: set.iter().map(ToString::to_string).collect(), ..How::default() }
}

#[track_caller]
fn shown(older: &Version, newer: &Version, how: &How) -> Masked {
    match masking(Some(older), newer, how).unwrap() {
        Masking::Shown(masked) => masked,
        Masking::NotShown { not_shown } => panic!("{not_shown}"),
    }
}

fn right(masked: &Masked, way: Way) -> Estimate {
    masked.linkage.iter().find(|found| found.way == way).unwrap().right
}

fn disclosed(masked: &Masked, k: f64, rule: Rule) -> f64 {
    masked.intervals.iter().find(|found| found.k == k && found.rule == rule).unwrap().disclosed.value
}

/// Nothing is masked, and three people are alike each: all intervals hold, and one in three is found, by either way.
#[test]
fn what_is_not_masked_is_found_by_class() {
    let same = || version(vec![("age", floats(|row| (row / 3) as f64)), ("sex", texts(|_| "f".to_owned()))]);
    let found = shown(&same(), &same(), &how(&["age", "sex"]));
    assert_eq!(disclosed(&found, 0.01, Rule::All), 1.0);
    assert_eq!(found.intervals.len(), 2, "one column of numbers has one rule");
    assert!((right(&found, Way::Nearest).value - 1.0 / 3.0).abs() < 1e-12);
    // Equal records are linked in random order, not in that of the file.
    assert!(right(&found, Way::OneToOne).covers(1.0 / 3.0), "{:?}", right(&found, Way::OneToOne));
    assert_eq!(found.linkage[0].by_chance, 1.0 / 300.0);
    assert!(found.columns.iter().all(|column| column.changed.value == 0.0));
}

/// Groups of three numbers in a row became their means: the middle one is its own mean and is found, its neighbours are not. The
/// means spread by 86.9, so that 0.01 of it holds the middle ones, and 0.05 everybody.
#[test]
fn microaggregated_numbers_have_closed_forms() {
    let older = version(vec![("x", floats(|row| row as f64))]);
    let newer = version(vec![("x", floats(|row| (row / 3 * 3 + 1) as f64))]);
    let found = shown(&older, &newer, &how(&["x"]));
    assert_eq!((disclosed(&found, 0.01, Rule::All), disclosed(&found, 0.05, Rule::All)), (1.0 / 3.0, 1.0));
    assert!((right(&found, Way::Nearest).value - 1.0 / 3.0).abs() < 1e-12);
    // The least total is that within the groups; who is whose within them is open.
    assert!(right(&found, Way::OneToOne).covers(1.0 / 3.0));
    // Of another group's mean 0.87 off: nobody. 4.3 off: nine others, but for six at the ends of the file.
    assert_eq!(found.intervals[0].of_a_stranger, 0.002, "200 of 300 * 299, rounded down");
    let near = (0..300_usize).map(|i| (0..300).filter(|j| *j != i && i.abs_diff(j / 3 * 3 + 1) <= 4).count());
    let exact = near.sum::<usize>() as f64 / (300.0 * 299.0);
    assert_eq!(found.intervals[1].of_a_stranger, (exact * 1000.0).floor() / 1000.0);
    assert_eq!(found.columns[0].changed.value, 2.0 / 3.0);
}

/// Three columns of numbers, of which the first is masked for everybody and the second for every other record.
#[test]
fn a_column_to_spare_makes_the_older_rule() {
    let column =
        |far: fn(usize) -> bool| floats(move |row| (row * 7 % 300) as f64 + if far(row) { 150.0 } else { 0.0 });
    let older = version(vec![("a", column(|_| false)), ("b", column(|_| false)), ("c", column(|_| false))]);
    let newer = version(vec![("a", column(|_| true)), ("b", column(|row| row % 2 == 0)), ("c", column(|_| false))]);
    let found = shown(&older, &newer, &how(&["a", "b", "c"]));
    assert_eq!((disclosed(&found, 0.05, Rule::All), disclosed(&found, 0.05, Rule::AllButOne)), (0.0, 0.5));
    let only = How { numbers: vec!["c".to_owned()], ..how(&["a", "b"]) };
    let found = shown(&older, &newer, &only);
    assert_eq!(disclosed(&found, 0.01, Rule::All), 1.0);
    let looked: Vec<(bool, bool)> = found.columns.iter().map(|column| (column.linked, column.interval)).collect();
    assert_eq!(looked, [(true, false), (true, false), (false, true)]);
}

/// Ages became decades: somebody who has the ages knows the decades, and finds one in ten.
#[test]
fn recoded_columns_are_found_by_class() {
    let older = version(vec![("age", Cells::Integer((0..ROWS as i64).map(|row| Some(row % 100)).collect()))]);
    let newer = version(vec![("age", texts(|row| format!("{0}0-{0}9", row % 100 / 10)))]);
    let found = shown(&older, &newer, &how(&["age"]));
    assert_eq!(found.columns[0].by, ComparedBy::Recoding);
    assert_eq!(right(&found, Way::Nearest).n, ROWS);
    // 30 of each decade; the expected number is ten, which is shown as any number to ten.
    assert_eq!(right(&found, Way::Nearest).method, Method::SuppressedCount);
    assert!(right(&found, Way::Nearest).covers(1.0 / 30.0));
    assert!(found.intervals.is_empty());
    assert!(!found.limits[0].contains("no nearer"), "{}", found.limits[0]);
}

/// The rows of the newer version are in another order: nothing is found, and it is said that this may be why. With a column of
/// people everybody is.
#[test]
fn rows_that_do_not_belong_together_are_said_to() {
    let value = |row: usize| (row * 7919 % 3001) as f64;
    let person = |order: fn(usize) -> usize| Cells::Integer((0..ROWS).map(|row| Some(order(row) as i64)).collect());
    let older = version(vec![("x", floats(value)), ("person", person(|row| row))]);
    let newer = version(vec![("x", floats(|row| value(row * 7 % 300))), ("person", person(|row| row * 7 % 300))]);
    let found = shown(&older, &newer, &how(&["x"]));
    assert!(found.limits[0].contains("say nothing"), "{:?}", found.limits);
    assert!(right(&found, Way::Nearest).high < 0.1);
    let by_person = How { patient: Some("person".to_owned()), ..how(&["x"]) };
    let found = shown(&older, &newer, &by_person);
    assert_eq!((right(&found, Way::Nearest).value, right(&found, Way::OneToOne).value), (1.0, 1.0));
    assert_eq!((found.unit.as_str(), found.records), ("people", Count::Shown(300)));
    assert!(!found.limits[0].contains("order"), "{:?}", found.limits);
}

/// The rows stand in their order, but the people got new numbers out of the same range, or out of one that overlaps it: the
/// numbers pair others, and that is said.
#[test]
fn people_who_were_given_the_numbers_of_others_are_said_to_be() {
    let value = |row: usize| (row * 7919 % 3001) as f64;
    let person = |of: fn(usize) -> usize| Cells::Integer((0..ROWS).map(|row| Some(of(row) as i64)).collect());
    let of = |number: fn(usize) -> usize| version(vec![("x", floats(value)), ("person", person(number))]);
    let how = How { patient: Some("person".to_owned()), ..how(&["x"]) };
    let older = of(|row| row);
    let found = shown(&older, &of(|row| row * 7 % 300), &how);
    assert!(right(&found, Way::Nearest).high < 0.1);
    let doubts = |found: &Masked| {
        ["say nothing: compare without --patient", "only a part"]
            .map(|doubt| found.limits.iter().any(|limit| limit.contains(doubt)))
    };
    assert_eq!(doubts(&found), [true, false], "{:?}", found.limits);
    let found = shown(&older, &of(|row| 270 + row * 7 % 300), &how);
    assert_eq!((found.records, doubts(&found)), (Count::Shown(30), [true, true]), "{:?}", found.limits);
    // Numbers that say where the row stands, of rows that were shuffled.
    let numbered = version(vec![("x", floats(|row| value(row * 7 % 300))), ("person", person(|row| row))]);
    assert!(shown(&older, &numbered, &how).limits[0].contains("say nothing"));
    // The same people in another order, 30 of whom are others.
    let others = version(vec![
        ("x", floats(|row| value(row * 7 % 300))),
        ("person", person(|row| row * 7 % 300 + if row * 7 % 300 < 30 { 900 } else { 0 })),
    ]);
    let found = shown(&older, &others, &how);
    assert_eq!((found.records, doubts(&found)), (Count::Shown(270), [false, true]), "{:?}", found.limits);
}

/// Forty people, and the same forty and three more: 18 of them stand everywhere, as they would for any few others.
#[test]
fn a_few_people_more_follow_from_no_number_of_pairs() {
    let numbers = |people: std::ops::Range<i64>| Cells::Integer(people.map(Some).collect());
    let of = |people: std::ops::Range<i64>| version(vec![("x", numbers(people.clone())), ("person", numbers(people))]);
    let how = How { patient: Some("person".to_owned()), ..how(&["x"]) };
    for newer in [0..43, 0..50, 3..40, 5..48] {
        let found = shown(&of(0..40), &of(newer), &how);
        assert_eq!(found.records, Count::Shown(18));
        let numbers = found.columns.iter().map(|column| column.changed.n);
        let numbers = numbers.chain(found.intervals.iter().map(|interval| interval.disclosed.n));
        let mut numbers = numbers.chain(found.linkage.iter().map(|linkage| linkage.right.n));
        assert!(numbers.all(|n| n == 18));
        assert_eq!((found.linkage[0].among, found.linkage[1].among), (40, 18));
    }
}

/// A hundred of 300 numbers are as they were, and five more nearly: the five do not follow.
#[test]
fn few_people_follow_from_no_cells_that_changed() {
    let older = version(vec![("x", floats(|row| row as f64))]);
    let by = |row: usize, near: usize| match row {
        0..100 => 0.0,
        row if row < 100 + near => 0.001,
        _ => 150.0,
    };
    let moved = |near: usize| floats(move |row| row as f64 + by(row, near));
    let inside = |near: usize| {
        let found = shown(&older, &version(vec![("x", moved(near))]), &how(&["x"]));
        assert_eq!(found.columns[0].changed, Estimate::exact(200.0 / 300.0, 300));
        found.intervals[0].disclosed
    };
    assert_eq!((inside(5).method, inside(5)), (Method::SuppressedCount, inside(8)));
    assert!(inside(5).covers(105.0 / 300.0) && inside(5).value == 110.0 / 300.0);
    assert_eq!((inside(0), inside(20)), (wilson(100, 300, Level::P95), wilson(120, 300, Level::P95)));
}

#[test]
fn a_strangers_share_counts_no_pairs() {
    let cases = [(200, 89_700, 0.002), (89_700, 89_700, 1.0), (89, 89_700, 0.0), (150, 1_560, 0.09), (109, 110, 0.9)];
    for (found, pairs, expected) in cases {
        assert_eq!(rounded_down(found, pairs), expected, "{found} of {pairs}");
    }
}

/// Thirty people with ten records each: people are counted, and any record of theirs is the right one.
#[test]
fn people_are_counted_not_records() {
    let older = || version(vec![("x", floats(|row| (row / 10) as f64)), ("person", floats(|row| (row / 10) as f64))]);
    let found = shown(&older(), &older(), &How { patient: Some("person".to_owned()), ..how(&["x"]) });
    let nearest = right(&found, Way::Nearest);
    assert_eq!((nearest.value, nearest.n), (1.0, 30));
    assert!((found.linkage[0].by_chance - 1.0 / 30.0).abs() < 1e-15);
    assert_eq!(found.intervals[0].disclosed.n, 30);
    assert_eq!((found.linkage[1].among, found.linkage[1].right.value), (30, 1.0));
}

/// Noise of a tenth of the range: the sample of 1,000 of 3,000 people is the same on any number of threads, and another one
/// with another seed.
#[test]
fn no_thread_count_changes_a_number() {
    let values =
        |shift: usize| Cells::Float((0..3000).map(|row| ((row * 7919 + shift * (row % 7)) % 3001) as f64).collect());
    let (older, newer) = (version(vec![("x", values(0))]), version(vec![("x", values(1))]));
    let on = |threads: usize, seed: u64| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let how = How { seed, ..how(&["x"]) };
        serde_json::to_string(&pool.install(|| shown(&older, &newer, &how))).unwrap()
    };
    let one = on(1, 0);
    assert_eq!(one, on(3, 0));
    assert_ne!(one, on(1, 1));
    let found: serde_json::Value = serde_json::from_str(&one).unwrap();
    assert_eq!((&found["linkage"][0]["right"]["n"], &found["linkage"][0]["among"]), (&1000.into(), &3000.into()));
    assert_eq!(found["linkage"][1]["by_chance"], 0.001);
}

#[test]
fn what_cannot_be_told_is_not_shown() {
    let older = version(vec![("x", floats(|row| row as f64)), ("name", texts(|row| format!("n{row}")))]);
    let ten = version(vec![("x", Cells::Float(vec![1.0; 10])), ("name", Cells::Float(vec![1.0; 10]))]);
    let reason = |older: Option<&Version>, newer: &Version| match masking(older, newer, &how(&["x"])).unwrap() {
        Masking::NotShown { not_shown } => not_shown,
        Masking::Shown(_) => panic!("nothing can be told"),
    };
    assert!(reason(None, &older).contains("kept profile"));
    assert!(reason(Some(&older), &ten).contains("different numbers of records"));
    assert!(reason(Some(&ten), &ten).contains("fewer than 11"));
    let asked = |name: &str| {
        let how = How { numbers: vec![name.to_owned()], ..how(&["x"]) };
        masking(Some(&older), &older, &how).unwrap_err().to_string()
    };
    assert!(asked("name").contains("does not hold numbers"), "{}", asked("name"));
    assert!(asked("none").contains("`--numbers` names the column `none`"), "{}", asked("none"));
    // Beside a kept profile as well.
    let beside_profile = |name: &str| {
        masking(None, &older, &How { numbers: vec![name.to_owned()], ..how(&["x"]) }).map_err(|error| error.to_string())
    };
    assert!(beside_profile("none").unwrap_err().contains("`--numbers` names the column `none`"));
    assert!(beside_profile("name").unwrap_err().contains("does not hold numbers"));
    assert!(beside_profile("x").is_ok());
}

/// Ten of a hundred, all but three, and a count that is ten more than one that is shown.
#[test]
fn few_people_follow_from_no_number() {
    let list = |count: usize| (0..100).map(|row| f64::from(u8::from(row < count))).collect::<Vec<_>>();
    let mut told = Told::default();
    let found: Vec<Estimate> = [0, 10, 97, 50, 60, 61, 100].map(|count| told.mean(&list(count))).to_vec();
    let exact: Vec<bool> = found.iter().map(|found| found.method == Method::Wilson).collect();
    assert_eq!(exact, [true, false, false, true, false, true, true]);
    assert_eq!((found[1].value, found[2].value, found[4].value), (0.1, 1.0, 0.6));
    assert!(found[1].low == 0.0 && found[4].low < 0.5 && found[4].high > 0.6);
    assert_eq!(found[3], wilson(50, 100, Level::P95));
    // The same whatever the number is.
    assert_eq!(Told::default().mean(&list(1)), Told::default().mean(&list(10)));
}
