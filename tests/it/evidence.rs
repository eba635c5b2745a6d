//! The file about single records: on request only, for its owner only, never over another file, and nothing of it in the report.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::support::{Desk, Sheet, records_plan, shape_model};

const PLAN: &str = "[checks.\"membership/surrogate-calibrated\"]\nhalves = 2\n";

/// Adult with two records a patient.
fn plan(desk: &Desk) -> (String, Sheet) {
    let sheet = Sheet::shape("adult").fill("person", |row| format!("p{}", row / 2));
    let data = desk.write("data.csv", sheet.csv());
    let rest = format!("patient = \"person\"\n[columns]\nidentifiers = [\"person\"]\n{PLAN}");
    (records_plan(&shape_model("columns_zipmap_string"), "", &data, "income", &rest), sheet)
}

fn rows(text: &str) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_file_about_records_is_written_on_request() {
    let desk = Desk::new();
    let (plan, sheet) = plan(&desk);
    desk.assess(&plan, &[]);
    let mut without = desk.report();
    without["envelope"].take();
    let ran = desk.assess(&plan, &["--record-evidence", "people.csv"]);
    assert!(ran.stdout.contains("people.csv") && ran.stdout.contains("people.csv.key"), "{}{}", ran.stdout, ran.stderr);
    let text = fs::read_to_string(desk.path("people.csv")).unwrap();
    assert!(text.starts_with("record,patient,member,attack,score,p_value,posterior,exposed\n"));
    let rows = rows(&text);
    let split = sheet.column("split");
    let members = sheet.rows.iter().filter(|row| row[split] == "train").count();
    assert_eq!(rows.len(), sheet.rows.len());
    assert_eq!(rows.iter().filter(|row| row[2] == "1").count(), members);
    for row in &rows {
        assert!(
            (0.0..=1.0).contains(&row[5].parse::<f64>().unwrap())
                && (0.0..=1.0).contains(&row[6].parse::<f64>().unwrap())
        );
        assert!(row[4].parse::<f64>().unwrap().abs() <= 99.0 && ["", "yes", "no"].contains(&row[7].as_str()));
    }
    let people: BTreeSet<&String> = rows.iter().map(|row| &row[1]).collect();
    assert_eq!(people.len(), sheet.rows.len().div_ceil(2));
    // The report says that it was written and nothing of what is in it.
    let mut report = desk.report();
    let note = report["envelope"]["record_evidence"].clone();
    assert_eq!(note["file"], "people.csv");
    let sum = privet::digest::Digest::of_bytes(text.as_bytes()).to_string();
    assert_eq!(note["sha256"], sum.as_str());
    assert!(desk.html().contains(&sum) && note["holds"].as_str().unwrap().contains("pseudonym"));
    for row in rows.iter().step_by(97) {
        assert!(!desk.report_text().contains(&row[0]) && !desk.html().contains(&row[1]));
    }
    report["envelope"].take();
    assert_eq!(without, report, "asking for evidence changes nothing else");
    #[cfg(unix)]
    assert_eq!((mode(&desk.path("people.csv")), mode(&desk.path("people.csv.key"))), (0o600, 0o600));
}

/// Whoever holds the key finds a row: its pseudonym follows from the digest of the file and the number of the record.
#[test]
fn the_key_ties_pseudonyms_to_rows_and_gives_the_same_ones_again() {
    let desk = Desk::new();
    let (plan, sheet) = plan(&desk);
    let key = "0f".repeat(32);
    desk.write("key", format!("{key}\n"));
    for name in ["one.csv", "two.csv"] {
        desk.assess(&plan, &["--record-evidence", name, "--record-key", "key", "-q"]);
    }
    let [one, two] = ["one.csv", "two.csv"].map(|name| fs::read_to_string(desk.path(name)).unwrap());
    assert_eq!(one, two, "same files, plan, seed and key");
    assert!(!desk.path("one.csv.key").exists(), "a given key is not written again");
    let digest = privet::digest::Digest::of_file(&desk.path("data.csv")).unwrap();
    let rows = rows(&one);
    for (at, row) in sheet.rows.iter().enumerate().step_by(101) {
        let known = privet::digest::Digest::keyed(&[0x0f; 32], format!("{digest}:{}", at + 1).as_bytes()).to_string();
        let found = rows.iter().find(|row| known.starts_with(&row[0])).unwrap();
        assert_eq!(found[2] == "1", row[sheet.column("split")] == "train");
    }
}

#[test]
fn nothing_that_is_there_is_overwritten() {
    let desk = Desk::new();
    let broken = desk.write("broken.onnx", "no model");
    let plan = format!("[model]\npath = '{}'\n", broken.display());
    let refuse = |arguments: &[&str], said: &[&str]| {
        let ran = desk.assess(&plan, arguments).refuses(said);
        assert!(!ran.stderr.contains("broken.onnx"), "the path is looked at first: {}", ran.stderr);
    };
    desk.write("there.csv", "mine");
    refuse(&["--record-evidence", "there.csv"], &["there.csv", "overwritten", "--record-evidence"]);
    desk.write("new.csv.key", "mine");
    refuse(&["--record-evidence", "new.csv"], &["new.csv.key", "overwritten"]);
    refuse(&["--record-evidence", "no/such/folder.csv"], &["folder.csv", "--record-evidence"]);
    desk.write("short", "0f0f");
    refuse(&["--record-evidence", "other.csv", "--record-key", "short"], &["64", "openssl"]);
    refuse(&["--record-evidence", "other.csv", "--record-key", "nowhere"], &["nowhere", "--record-key"]);
    desk.assess(&plan, &["--record-key", "short"]).exits(2);
    for name in ["there.csv", "new.csv.key"] {
        assert_eq!(fs::read_to_string(desk.path(name)).unwrap(), "mine");
    }
    desk.assess(&plan, &["--record-evidence", "failed.csv"]).exits(2);
    let left: Vec<String> = fs::read_dir(desk.path(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains("failed") || name.contains("partial"))
        .collect();
    assert!(left.is_empty(), "a failed run leaves no file: {left:?}");
}

#[test]
fn without_an_attack_there_is_no_file() {
    let desk = Desk::new();
    let (plan, _) = plan(&desk);
    let data = format!("[data]{}", plan.split_once("[data]").unwrap().1);
    let ran = desk.assess(&data.replace(PLAN, ""), &["--record-evidence", "people.csv"]);
    assert!(ran.stdout.contains("not written"), "{}{}", ran.stdout, ran.stderr);
    assert!(!desk.path("people.csv").exists() && !desk.path("people.csv.key").exists());
}
