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

/// Records without a patient number are no records of one person, who would then stand alone in every group.
#[test]
fn a_record_without_a_patient_number_is_a_person_of_its_own() {
    let desk = Desk::new();
    let lines: Vec<String> = people(false)
        .lines()
        .enumerate()
        .map(|(row, line)| format!("{line},{}", if row == 0 { "mrn" } else { "" }))
        .collect();
    let file = desk.write("blank.csv", lines.join("\n"));
    let file = file.to_str().unwrap();
    let compared = |more: &[&str]| {
        let arguments = [&["compare", file, file, "--quasi-identifiers", "sex,age", "--json"], more].concat();
        serde_json::from_str::<Value>(&desk.run(&arguments).exits(0).stdout).unwrap()["changes"].clone()
    };
    assert_eq!(compared(&["--patient", "mrn"]), compared(&[]));
    assert_eq!(compared(&[])[2]["after"], "0.00 %");
}

/// Numbers from 0 to 299, or the means of three in a row, and ages as numbers or decades.
fn measured(masked: bool) -> String {
    let mut text = "mass,age\n".to_owned();
    for row in 0..300 {
        let (mass, age) = (row * 7 % 300, row % 60 + 20);
        if masked {
            writeln!(text, "{},{}0-{}9", mass / 3 * 3 + 1, age / 10, age / 10).unwrap();
        } else {
            writeln!(text, "{mass},{age}").unwrap();
        }
    }
    text
}

#[test]
fn how_well_a_masking_hides_is_shown() {
    let desk = Desk::new();
    let (old, new) = (desk.write("old.csv", measured(false)), desk.write("new.csv", measured(true)));
    let (old, new) = (old.to_str().unwrap(), new.to_str().unwrap());
    let set = ["--exit-zero", "--quasi-identifiers"];
    let arguments = |rest: &[&'static str]| [&["compare", old, new][..], &set, rest].concat();
    let text = desk.run(&arguments(&["mass,age"])).exits(0).stdout;
    for part in ["Masking: 300 records", "recoded", "all within 0.01", "nearest original", "one to one", "33.3 %"] {
        assert!(text.contains(part), "`{part}` is not in:\n{text}");
    }
    let found: Value = serde_json::from_str(&desk.run(&arguments(&["mass", "--json"])).exits(0).stdout).unwrap();
    // The middle one of three is its mean: within 0.01 deviations, and the nearest one.
    let (interval, linked) = (&found["masking"]["intervals"][0], &found["masking"]["linkage"][0]);
    assert_eq!((&interval["k"], &interval["rule"]), (&0.01.into(), &"all".into()));
    for estimate in [&interval["disclosed"], &linked["right"]] {
        assert!((estimate["value"].as_f64().unwrap() - 1.0 / 3.0).abs() < 1e-12, "{estimate}");
    }
    // Intervals of a column that nobody links by.
    let found = desk.run(&arguments(&["age", "--numbers", "mass", "--json"])).exits(0).stdout;
    let found: Value = serde_json::from_str(&found).unwrap();
    assert_eq!(found["masking"]["columns"][1]["linked"], false);
    // A column that is named twice counts once.
    let json = |rest: &[&'static str]| desk.run(&[&arguments(rest)[..], &["--json"]].concat()).exits(0).stdout;
    assert_eq!(json(&["mass,age,mass", "--numbers", "mass,mass"]), json(&["mass,age", "--numbers", "mass"]));
    desk.run(&arguments(&["mass", "--numbers", "age"])).refuses(&["--numbers", "`age`", "--missing"]);
    let help = desk.run(&["compare", "--help"]).exits(0).stdout;
    assert!(help.contains("--numbers") && help.contains("Masking: where AFTER holds the same records"), "{help}");
}

/// Other numbers of rows, and a kept profile: nothing is shown, and why is said.
#[test]
fn a_masking_that_cannot_be_judged_is_said_to_be_none() {
    let desk = Desk::new();
    let text = measured(false);
    let old = desk.write("old.csv", &text);
    let new = desk.write("new.csv", text.split_inclusive('\n').take(200).collect::<String>());
    let (old, new, kept) = (old.to_str().unwrap(), new.to_str().unwrap(), desk.path("kept.json"));
    let set = ["--exit-zero", "--quasi-identifiers", "mass"];
    let told = |arguments: &[&str]| desk.run(arguments).exits(0).stdout.contains("is not shown: the ");
    assert!(told(&[&["compare", old, new][..], &set].concat()));
    let keep = ["--keep", kept.to_str().unwrap()];
    desk.run(&[&["compare", old, old][..], &set, &keep].concat()).exits(0);
    assert!(told(&[&["compare", keep[1], old][..], &set].concat()));
    let unknown = [&["compare", keep[1], old][..], &set, &["--numbers", "none"]].concat();
    desk.run(&unknown).refuses(&["--numbers", "`none`", "header"]);
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
