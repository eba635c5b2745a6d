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

/// A file of scores of a model that never saw anybody in it and is surer of the young; members are younger by `shift`
/// standard deviations, and the model is surer of them by `leak` of its own noise.
fn trap(shift: f64, leak: f64, seed: u64) -> String {
    let mut next = noise(seed);
    let mut bell = move || (0..12).map(|_| next()).sum::<f64>() - 6.0;
    let mut text = "member,age,hours,visits,y,p_0,p_1\n".to_owned();
    for row in 0..3000 {
        let member = row % 2;
        let of_member = f64::from(member);
        let (age, hours, visits) = (50.0 - 12.0 * (bell() + shift * of_member), 38.0 + 8.0 * bell(), bell().abs());
        let y = u8::from(bell() > 0.0);
        let own = bell() + leak * of_member + (50.0 - age) / 24.0;
        let of_truth = 1.0 / (1.0 + (-own).exp());
        let p = if y == 1 { of_truth } else { 1.0 - of_truth };
        let _ = writeln!(text, "{member},{age:.0},{hours:.0},{visits:.0},{y},{:.6},{p:.6}", 1.0 - p);
    }
    text
}

fn assess_trap(desk: &Desk, shift: f64, leak: f64) -> (Ran, Value) {
    let file = desk.write("scores.csv", trap(shift, leak, 11));
    let plan = format!("[scores]\nfile = {}\nmember = \"member\"\nlabel = \"y\"\ntarget = \"p_*\"\n", quoted(&file));
    let ran = desk.assess(&plan, &[]);
    let report = desk.report();
    (ran, report)
}

fn finding<'r>(report: &'r Value, measure: &str) -> &'r Value {
    report["findings"].as_array().unwrap().iter().find(|finding| finding["measure"] == measure).unwrap()
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

/// The trap that no other tool sees: members are younger, and the model is surer of the young.
#[test]
fn an_age_shift_is_undetermined_names_the_age_and_is_matched_away() {
    let desk = Desk::new();
    let (ran, report) = assess_trap(&desk, 1.0, 0.0);
    let ran = ran.exits(3);
    assert!(finding(&report, "membership/auc")["estimate"]["low"].as_f64().unwrap() > 0.55, "the trap is one");
    for measure in ["membership/auc", "membership/tpr-at-fpr-0.01"] {
        assert_eq!(standing(&report, measure), "invalid", "{measure}");
    }
    let because = report["verdict"]["because"].to_string();
    assert!(because.contains("`age`") && !because.contains("`hours`"), "{because}");
    assert!(because.contains("could be matched") && because.contains("membership/matched-auc"), "{because}");
    assert!(ran.stdout.contains("`age`"), "{}", ran.stdout);
    assert_eq!(finding(&report, "dataset/column-shift")["scope"], "age");
    for measure in ["membership/matched-auc", "membership/within-stratum-auc"] {
        assert_eq!(standing(&report, measure), "sound", "{measure}");
        let estimate = &finding(&report, measure)["estimate"];
        let bound = |end: &str| estimate[end].as_f64().unwrap();
        assert!(bound("low") <= 0.5 && bound("high") >= 0.5, "{measure}: {estimate}");
    }
}

#[test]
fn a_leak_under_an_age_shift_is_undetermined_and_still_shown() {
    let desk = Desk::new();
    let (ran, report) = assess_trap(&desk, 1.0, 1.5);
    ran.exits(3);
    assert_eq!(standing(&report, "membership/tpr-at-fpr-0.01"), "invalid");
    let matched = finding(&report, "membership/matched-auc");
    assert_eq!(matched["standing"]["kind"], "sound");
    assert!(matched["estimate"]["low"].as_f64().unwrap() > 0.7, "{}", matched["estimate"]);
    assert!(matched["limits"].to_string().contains("could be matched"));
}

#[test]
fn without_a_shift_the_remedy_is_skipped_with_the_reason() {
    let desk = Desk::new();
    let (_, report) = assess_trap(&desk, 0.0, 1.5);
    assert_eq!(standing(&report, "membership/auc"), "sound");
    let skipped = report["skipped"].as_array().unwrap();
    let matched = skipped.iter().find(|skipped| skipped["check"] == "membership/matched").unwrap();
    assert!(matched["reason"].as_str().unwrap().contains("no difference to match away"));
}

/// Members are last year's patients: a number that runs on says so, though the model never sees it.
#[test]
fn a_split_by_time_is_named_by_its_running_number() {
    let desk = Desk::new();
    let rest = "[columns]\nleave_out = [\"b\"]\n";
    data_only(&desk, &table(0..600, 0.0, 1), &table(600..1200, 0.0, 2), rest);
    let report = desk.report();
    let findings = report["findings"].as_array().unwrap();
    let apart = findings.iter().find(|f| f["measure"] == "dataset/column-shift" && f["scope"] == "patient").unwrap();
    assert!(apart["sentence"].as_str().unwrap().contains("by time"), "{apart}");
    assert_eq!(apart["standing"]["kind"], "sound", "the model does not see it");
    assert_eq!(standing(&report, "dataset/blind-auc"), "sound");
}
