//! Nothing that voids the experiment reads as a pass: copies, shared patients, shifted samples, controls switched off,
//! cells that swallow records, labels that only look alike.

use std::fmt::Write as _;

use serde_json::Value;

use crate::bad_input::{cancer, two};
use crate::support::{Desk, Ran, quoted, repo};

/// Seeded numbers between 0 and 1, so that tables are the same in every run.
fn noise(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed.wrapping_mul(2_862_933_555_777_941_757).wrapping_add(3_037_000_493);
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Records with three features, a patient each, and a label.
fn table(rows: std::ops::Range<usize>, shift: f64, seed: u64) -> String {
    let mut next = noise(seed);
    let mut text = "a,b,c,patient,y\n".to_owned();
    for row in rows {
        let (a, b, c) = (next() + shift, next(), (next() * 4.0).floor());
        let y = u8::from(next() < 0.5);
        let _ = writeln!(text, "{a:.6},{b:.6},{c},{row},{y}");
    }
    text
}

/// Assesses two tables without a model: enough for the control and the re-identification checks.
fn data_only(desk: &Desk, members: &str, nonmembers: &str, rest: &str) -> Ran {
    let (m, n) = (desk.write("m.csv", members), desk.write("n.csv", nonmembers));
    let plan = format!(
        "[data]\nmembers = {}\nnonmembers = {}\ntarget = \"y\"\npatient = \"patient\"\n{rest}",
        quoted(&m),
        quoted(&n)
    );
    desk.assess(&plan, &[])
}

fn standing(report: &Value, measure: &str) -> String {
    let findings = report["findings"].as_array().unwrap();
    let found = findings.iter().find(|finding| finding["measure"] == measure).unwrap();
    found["standing"]["kind"].as_str().unwrap().to_owned()
}

#[test]
fn a_random_split_is_sound() {
    let desk = Desk::new();
    data_only(&desk, &table(0..600, 0.0, 1), &table(600..1200, 0.0, 2), "");
    assert_eq!(standing(&desk.report(), "dataset/blind-auc"), "sound");
    assert_eq!(standing(&desk.report(), "dataset/patient-overlap"), "sound");
}

#[test]
fn non_members_that_are_members_void_the_comparison() {
    let desk = Desk::new();
    let members = table(0..600, 0.0, 1);
    let some: Vec<&str> = members.lines().take(401).collect();
    data_only(&desk, &members, &some.join("\n"), "");
    let report = desk.report();
    assert_eq!(standing(&report, "dataset/overlap"), "invalid");
    assert_eq!(standing(&report, "dataset/patient-overlap"), "invalid");
}

/// Copies that printing has changed in a far digit, under other patient numbers: only their resemblance tells.
#[test]
fn near_copies_void_the_comparison() {
    let desk = Desk::new();
    data_only(&desk, &table(0..600, 0.0, 1), &table(600..1200, 0.000_01, 1), "");
    let report = desk.report();
    assert_eq!(standing(&report, "dataset/overlap"), "sound", "no record is the same to the letter");
    assert_eq!(standing(&report, "dataset/blind-auc"), "invalid");
}

#[test]
fn patients_on_both_sides_void_the_comparison() {
    let desk = Desk::new();
    data_only(&desk, &table(0..600, 0.0, 1), &table(500..1100, 0.0, 2), "");
    assert_eq!(standing(&desk.report(), "dataset/patient-overlap"), "invalid");
}

#[test]
fn a_shifted_sample_voids_the_attacks() {
    // Small tumours against large ones: whatever the model says, the radius tells the sets apart.
    let desk = Desk::new();
    let of = |large: bool| {
        cancer().without("split").keep("mean_radius", move |cell| (cell.parse::<f64>().unwrap() > 13.4) == large).csv()
    };
    let (small, large) = (desk.write("small.csv", of(false)), desk.write("large.csv", of(true)));
    let ran = desk.assess(&two(&small, &large, ""), &[]);
    assert_ne!(ran.code, 0, "{}", ran.stdout);
    assert_eq!(standing(&desk.report(), "membership/auc"), "invalid");
}

#[test]
fn a_control_that_is_off_voids_membership_and_inversion() {
    let desk = Desk::new();
    let plan = std::fs::read_to_string(repo("assessments/readmission-regularised.toml")).unwrap();
    let plan = plan.replace("../datasets", repo("datasets").to_str().unwrap()).replace("output  = ", "# output = ");
    let off = "[checks.\"dataset/split-integrity\"]\nenabled = false\nreason = \"a test\"\n";
    let ran = desk.assess(&format!("{plan}\n{off}"), &[]);
    assert_ne!(ran.code, 0, "{}", ran.stdout);
    for measure in ["membership/auc", "membership/tpr-at-fpr-0.01", "inversion/attribute-inference-excess"] {
        assert_eq!(standing(&desk.report(), measure), "invalid", "{measure}");
    }
}

#[test]
fn the_control_cannot_be_disabled_by_its_tolerance() {
    for tolerance in ["nan", "0.5", "-1.0"] {
        let desk = Desk::new();
        let rest = format!("[checks.\"dataset/split-integrity\"]\ntolerance = {tolerance}\n");
        data_only(&desk, &table(0..50, 0.0, 1), &table(50..100, 0.0, 2), &rest).refuses(&["tolerance", "0 to 0.1"]);
    }
}

#[test]
fn limits_are_finite_and_not_set_on_checks_that_are_off() {
    let desk = Desk::new();
    let rest = "[limits]\n\"reidentification/k\" = inf\n\"reidentification/uniqueness\" = 0.1\n\
                [checks.\"reidentification/uniqueness\"]\nenabled = false\nreason = \"a test\"\n";
    data_only(&desk, &table(0..50, 0.0, 1), &table(50..100, 0.0, 2), rest).refuses(&[
        "finite",
        "reidentification/uniqueness",
        "switched off",
    ]);
}

#[test]
fn limits_that_are_not_judged_are_named() {
    let desk = Desk::new();
    data_only(&desk, &table(0..50, 0.0, 1), &table(50..100, 0.0, 2), "");
    let warnings = desk.report()["warnings"].to_string();
    assert!(warnings.contains("membership/tpr-at-fpr-0.01") && warnings.contains("not judged"), "{warnings}");
}

#[test]
fn an_unclosed_quote_is_no_silent_loss_of_records() {
    let desk = Desk::new();
    let members = table(0..200, 0.0, 1).replace(",100,", ",\"100,");
    data_only(&desk, &members, &table(200..400, 0.0, 2), "").refuses(&["m.csv", "quote"]);
}

#[test]
fn nearly_all_unique_never_reads_as_nearly_none() {
    let desk = Desk::new();
    let members = table(0..500, 0.0, 1);
    let twin = members.lines().nth(5).unwrap().to_owned();
    let rest = "[columns]\nquasi_identifiers = [\"a\"]\n";
    data_only(&desk, &format!("{members}{}\n", twin.replace(",4,", ",900,")), &table(500..900, 0.0, 2), rest);
    let text = desk.report_text();
    assert!(text.contains("For all but <11 of 501 training records"), "{text}");
}
