//! `privet compare`: two versions of a data set, and a profile kept instead of the older one.

use std::fmt::Write;

use serde_json::Value;

use crate::support::Desk;

/// People by sex and decade; `fine` gives a third of them an age of their own, and everybody a code.
fn people(fine: bool) -> String {
    let mut text = (if fine { "sex,age,token\n" } else { "sex,age\n" }).to_owned();
    for row in 0..600 {
        let age = if fine && row < 200 { 1_000 + row } else { row % 6 * 10 };
        let token = if fine { format!(",zq{:06}", row * 7919 % 1_000_000) } else { String::new() };
        writeln!(text, "{},{age}{token}", ["f", "m"][row / 6 % 2]).unwrap();
    }
    text
}

#[test]
fn a_version_that_tells_people_apart_ends_with_one() {
    let desk = Desk::new();
    let (old, new) = (desk.write("old.csv", people(false)), desk.write("new.csv", people(true)));
    let (old, new) = (old.to_str().unwrap(), new.to_str().unwrap());
    let kept = desk.path("kept.json");
    let set = ["--quasi-identifiers", "sex,age"];
    let worse = desk.run(&["compare", old, new, set[0], set[1]]).exits(1).stdout;
    for text in ["records that stand alone", "+33.33 points", "new column `token`", "easier to tell apart"] {
        assert!(worse.contains(text), "`{text}` is not in:\n{worse}");
    }
    assert!(!worse.contains("zq0"), "a cell is shown:\n{worse}");
    desk.run(&["compare", old, old, set[0], set[1], "--keep", kept.to_str().unwrap()]).exits(0);
    let profile = std::fs::read_to_string(&kept).unwrap();
    assert!(!profile.contains("\"f\""), "a cell is kept:\n{profile}");
    let against_kept = desk.run(&["compare", kept.to_str().unwrap(), new, set[0], set[1], "--json"]).exits(1).stdout;
    let found: Value = serde_json::from_str(&against_kept).unwrap();
    assert_eq!(found["changes"][1]["after"], "1");
    assert_eq!(found["risky"][0]["column"], "token");
}

#[test]
fn mistakes_are_named() {
    let desk = Desk::new();
    let old = desk.write("old.csv", people(false));
    let old = old.to_str().unwrap();
    desk.run(&["compare", old, old, "--quasi-identifiers", "sex,height"]).refuses(&["`height`", "header"]);
    let kept = desk.path("kept.json");
    let kept = kept.to_str().unwrap();
    desk.run(&["compare", old, old, "--quasi-identifiers", "sex", "--keep", kept]).exits(0);
    desk.run(&["compare", old, old, "--quasi-identifiers", "sex", "--keep", kept]).refuses(&["--keep"]);
    desk.run(&["compare", kept, old, "--quasi-identifiers", "age"]).refuses(&["quasi-identifiers"]);
    desk.run(&["compare", kept, old, "--quasi-identifiers", "sex", "--missing", "?"]).refuses(&["missing cell", "`?`"]);
    let text = std::fs::read_to_string(kept).unwrap();
    let changed = desk.write("changed.json", text.replace("\"k\": 300", "\"k\": 301"));
    desk.run(&["compare", changed.to_str().unwrap(), old, "--quasi-identifiers", "sex"]).exits(5);
}

/// The first record of a file without header is shown neither in a message nor in a profile.
#[test]
fn a_record_in_place_of_the_header_is_refused() {
    let desk = Desk::new();
    let rows = "f,1950-02-28,north\nm,1961-07-01,south\n".repeat(20);
    let (bare, kept) = (desk.write("bare.csv", &rows), desk.path("kept.json"));
    let (bare, kept) = (bare.to_str().unwrap(), kept.to_str().unwrap());
    for arguments in [vec!["scan", bare], vec!["compare", bare, bare, "--quasi-identifiers", "north", "--keep", kept]] {
        let ran = desk.run(&arguments).refuses(&["field 2 is a date", "column names"]);
        assert!(!format!("{}{}", ran.stdout, ran.stderr).contains("1950"), "{}", ran.stderr);
    }
    assert!(std::fs::read_to_string(kept).unwrap_or_default().is_empty(), "a record is kept");
}
