//! Versions with known differences.

use super::*;

fn profile(text: &str) -> Profile {
    let set = vec!["sex".to_owned(), "age".to_owned()];
    profile_by(text, &How { quasi_identifiers: set, ..How::default() })
}

fn profile_by(text: &str, how: &How) -> Profile {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("data.csv");
    std::fs::write(&file, text).unwrap();
    Profile::of(&Version::load(&file, "data", how).unwrap(), how).unwrap()
}

/// 20 people alone among 2,020, then 23 among 2,023: neither the three nor anything from which they follow is shown.
#[test]
fn a_few_people_more_are_not_told_by_subtraction() {
    let of = |alone: usize, large: usize| {
        let crowd = (0..large).map(|row| format!("{},60\n", ["f", "m"][row % 2]));
        let rows = crowd.chain((0..alone).map(|row| format!("x,{row}\n"))).collect::<String>();
        profile(&format!("sex,age\n{rows}"))
    };
    let told = |before: &Profile, after: &Profile| {
        let found = compare(before, after).unwrap();
        let all = found.changes.into_iter().chain(found.histogram);
        all.map(|change| (change.measure, change.after, change.change)).collect::<Vec<_>>()
    };
    let found = told(&of(20, 2000), &of(23, 2000));
    let of_measure = |found: &[(String, String, String)], measure: &str| {
        let (_, after, change) = found.iter().find(|(known, ..)| known == measure).unwrap();
        (after.clone(), change.clone())
    };
    let hidden = |count: &str| (count.to_owned(), String::new());
    for measure in ["records", "alone", "100 and more"] {
        assert_eq!(of_measure(&found, measure), hidden("withheld"), "{measure}");
    }
    // 30 of 2,010, the fewest that there can be: of 2,023 it would tell of the three.
    assert_eq!(of_measure(&found, "records that stand alone"), hidden("at most 1.49 %"));
    // 32 people more: the total may be shown, so a second band may not.
    let found = told(&of(20, 2000), &of(29, 2023));
    assert_eq!(of_measure(&found, "records"), ("2,052".to_owned(), "+32".to_owned()));
    assert_eq!(of_measure(&found, "alone"), hidden("withheld"));
    assert_eq!(of_measure(&found, "100 and more"), hidden("withheld"));
    let found = told(&of(20, 2000), &of(40, 2000));
    assert_eq!(of_measure(&found, "alone"), ("40".to_owned(), "+20".to_owned()));
}

/// 100 people with ten records each, everybody with an age of their own: each record is certain to be found. Then two people
/// of each age: every other. By records it was groups of ten.
#[test]
fn the_average_risk_counts_people() {
    let text = |ages: usize| {
        let rows = (0..1000).map(|row| format!("p{},f,{}", row / 10, row / 10 % ages)).collect::<Vec<_>>();
        format!("person,sex,age\n{}\n", rows.join("\n"))
    };
    let set = || vec!["sex".to_owned(), "age".to_owned()];
    let how = How { quasi_identifiers: set(), patient: Some("person".to_owned()), ..How::default() };
    assert_eq!(profile_by(&text(100), &how).average_risk, 1.0);
    assert_eq!(profile_by(&text(50), &how).average_risk, 0.5);
    assert!((profile(&text(100)).average_risk - 0.1).abs() < 1e-12);
}

#[test]
fn versions_that_were_measured_otherwise_are_refused_by_name() {
    let (before, _) = versions();
    let other = |change: &dyn Fn(&mut Profile)| {
        let mut after = before.clone();
        change(&mut after);
        compare(&before, &after).unwrap_err().to_string()
    };
    let cases: [(&str, String); 5] = [
        ("quasi-identifiers: `sex`, `age` before, `sex` after", other(&|p| p.quasi_identifiers = vec!["sex".into()])),
        ("whose a record is: none before, `pid` after", other(&|p| p.patient = Some("pid".into()))),
        ("missing cell: none before, `?` after", other(&|p| p.missing = vec!["?".into()])),
        ("postcodes: census-2020 before, census-2010 after", other(&|p| p.postcodes = "census-2010".into())),
        ("ages are counted: 2026 before, 2031 after", other(&|p| p.year = 2031)),
    ];
    for (expected, found) in cases {
        assert!(found.contains(expected), "{found}");
    }
    let how = |missing: &[&str]| How {
        quasi_identifiers: vec!["sex".to_owned(), "age".to_owned()],
        missing: missing.iter().map(ToString::to_string).collect(),
        ..How::default()
    };
    let text = "sex,age\nf,?\nm,60\n";
    assert!(compare(&profile_by(text, &how(&["?", "NA"])), &profile_by(text, &how(&["NA", "?"]))).is_ok());
    assert!(compare(&profile_by(text, &how(&["?"])), &profile_by(text, &how(&[]))).is_err());
}

/// 200 people in two groups of a hundred; afterwards 40 of them are told apart by age, and a column of codes came in.
fn versions() -> (Profile, Profile) {
    let age = |row: usize, split: bool| if split && row < 40 { 20 + row } else { 60 };
    let text = |split: bool| {
        let header = if split { "sex,age,code\n" } else { "sex,age\n" };
        let row = |row: usize| {
            let code = if split { format!(",c{row}") } else { String::new() };
            format!("{},{}{code}\n", ["f", "m"][row % 2], age(row, split))
        };
        header.to_owned() + &(0..200).map(row).collect::<String>()
    };
    (profile(&text(false)), profile(&text(true)))
}

#[test]
fn what_got_worse_is_named() {
    let (before, after) = versions();
    let found = compare(&before, &after).unwrap();
    let told: Vec<(&str, &str, bool)> = found.changes.iter().map(|c| (&*c.measure, &*c.change, c.worse)).collect();
    // 40 of 200 stand alone; 2 groups of 200 become 42.
    assert_eq!(
        told,
        [
            ("records", "+0", false),
            ("smallest group, k", "-99", true),
            ("records that stand alone", "+20.00 points", true),
            ("records in groups of fewer than 11", "+20.00 points", true),
            ("average risk of a record", "+20.00 points", true),
        ]
    );
    let bands: Vec<&str> = found.histogram.iter().map(|change| &*change.change).collect();
    assert_eq!(bands, ["+40", "+0", "+0", "+0", "+0", "+160", "-200"]);
    assert_eq!(found.risky.iter().map(|risky| (&*risky.column, risky.new)).collect::<Vec<_>>(), [("code", true)]);
    assert!(found.is_worse());
}

#[test]
fn nothing_is_worse_backwards_and_alike() {
    let (before, after) = versions();
    let back = compare(&after, &before).unwrap();
    assert!(!back.is_worse());
    assert_eq!(back.gone, ["code"]);
    assert!(!compare(&after, &after).unwrap().is_worse());
}

/// 100 and 100 people, or 101 and 99; ten and 190.
#[test]
fn a_smaller_group_is_worse_when_it_is_small() {
    let of = |first: usize| {
        let rows = (0..200).map(|row| if row < first { "f,60\n" } else { "m,60\n" });
        profile(&("sex,age\n".to_owned() + &rows.collect::<String>()))
    };
    let k = |before: usize, after: usize| compare(&of(before), &of(after)).unwrap().changes[1].worse;
    assert!(!k(100, 101));
    assert!(!k(100, 11));
    assert!(k(100, 10));
    assert!(k(10, 9));
    assert!(!k(9, 10));
}

#[test]
fn a_kept_profile_says_the_same_and_a_changed_one_is_refused() {
    let (_, after) = versions();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kept.json");
    let text = serde_json::to_string_pretty(&after).unwrap();
    std::fs::write(&file, &text).unwrap();
    assert_eq!(Profile::load(&file).unwrap(), after);
    std::fs::write(&file, "{\"format\": \"privet-profile-1\"}").unwrap();
    assert!(Profile::load(&file).unwrap_err().to_string().contains("another format"));
    std::fs::write(&file, text.replace("\"k\": 1", "\"k\": 7")).unwrap();
    assert!(matches!(Profile::load(&file), Err(AssessError::Integrity { .. })));
}
