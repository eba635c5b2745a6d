//! The program: exit codes, what goes where, what is written, and the same bytes for the same input.

use std::collections::BTreeSet;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use privet::assess::gate::Verdict;
use privet::assess::plan::Plan;
use privet::assess::run::run;
use privet::cli::onnxruntime::candidates;
use privet::watch::{Event, Watch};
use serde_json::Value;

use crate::support::{Desk, Sheet, example, finish, quoted, records_plan, repo};

/// A plan that takes a fraction of a second.
fn heart() -> std::path::PathBuf {
    repo("assessments/heart.toml")
}

/// The same data with quasi-identifiers that single people out: two limits are exceeded for sure.
fn failing_plan() -> String {
    let rest = "missing = [\"?\"]\n[columns]\nquasi_identifiers = [\"age\", \"sex\"]";
    records_plan(&repo("datasets/heart/overfit.onnx"), "", &repo("datasets/heart/heart.csv"), "disease", rest)
}

fn verdict(report: &Value) -> &str {
    report["verdict"]["outcome"].as_str().unwrap()
}

// ------------------------------------------------------------------ exit codes

#[test]
fn a_leaking_model_fails_its_gate() {
    let example = example("readmission");
    assert_eq!(example.ran.code, 1, "{}", example.ran.stderr);
    let report = example.desk.report();
    assert_eq!(verdict(&report), "fail");
    let leak = judgement(&report, "membership/tpr-at-fpr-0.01");
    assert_eq!(leak["outcome"], "breach", "it is the model that leaks, not only the table: {leak}");
}

#[test]
fn the_regularised_model_does_not_fail_on_membership() {
    let report = example("readmission-regularised").desk.report();
    let membership = |j: &&Value| j["measure"].as_str().unwrap().starts_with("membership/");
    let judged: Vec<&Value> = report["judgements"].as_array().unwrap().iter().filter(membership).collect();
    assert!(!judged.is_empty());
    assert!(judged.iter().all(|judgement| judgement["outcome"] != "breach"), "{judged:?}");
}

#[test]
fn a_small_study_is_undetermined_and_says_what_it_would_need() {
    let example = example("heart");
    assert_eq!(example.ran.code, 3, "{}", example.ran.stdout);
    let report = example.desk.report();
    assert_eq!(verdict(&report), "undetermined");
    let doubt = judgement(&report, "membership/tpr-at-fpr-0.01");
    assert_eq!(doubt["outcome"], "doubt");
    let needed = doubt["needed"].as_str().unwrap();
    // 437 non-members bound a rate of 1 % at 97.5 %, and half of the records choose the attack.
    assert!(needed.contains("874"), "`{needed}`");
    assert!(example.ran.stdout.contains("874"), "the terminal says it too");
}

#[test]
fn images_pass_or_are_undetermined() {
    let example = example("images");
    assert!([0, 3].contains(&example.ran.code), "{}", example.ran.stdout);
    let report = example.desk.report();
    let skipped = report["skipped"].as_array().unwrap();
    for check in ["reidentification/k-anonymity", "membership/partial-record", "inversion/attribute-inference"] {
        let found =
            skipped.iter().find(|skip| skip["check"] == check).expect("what does not apply to images is listed");
        assert!(!found["reason"].as_str().unwrap().is_empty());
    }
    let mut said = example.ran.stdout.lines().filter(|line| line.starts_with("skipped "));
    assert!(said.any(|line| line.contains("reidentification/k-anonymity")), "{}", example.ran.stdout);
}

fn judgement<'r>(report: &'r Value, measure: &str) -> &'r Value {
    report["judgements"].as_array().unwrap().iter().find(|judgement| judgement["measure"] == measure).unwrap()
}

#[test]
fn exit_zero_masks_verdicts_and_nothing_else() {
    let desk = Desk::new();
    desk.assess(&failing_plan(), &[]).exits(1);
    desk.assess(&failing_plan(), &["--exit-zero"]).exits(0);
    assert_eq!(verdict(&desk.report()), "fail", "the report keeps the verdict");
    desk.assess_file(&heart(), &["--exit-zero"]).exits(0);
    desk.assess("[model]\npath = \"absent.onnx\"\n", &["--exit-zero"]).refuses(&["absent.onnx"]);
}

#[test]
fn warn_turns_undetermined_into_success() {
    let desk = Desk::new();
    let rest = "missing = [\"?\"]\n[policy]\nundetermined = \"warn\"";
    let plan =
        records_plan(&repo("datasets/heart/overfit.onnx"), "", &repo("datasets/heart/heart.csv"), "disease", rest);
    let ran = desk.assess(&plan, &["-q"]).exits(0);
    assert!(ran.stdout.contains("UNDETERMINED"), "the verdict stays what it is: {}", ran.stdout);
    desk.assess(&plan.replace("warn", "fail"), &["-q"]).exits(3);
}

#[test]
fn usage_errors_exit_with_two() {
    let desk = Desk::new();
    for arguments in [
        &[][..],
        &["asess"],
        &["assess"],
        &["assess", "a.toml", "--no-such-flag"],
        &["assess", "a.toml", "-q", "-v"],
        &["assess", "a.toml", "--threads", "0"],
        &["assess", "a.toml", "--seed", "-1"],
        &["assess", "a.toml", "--format", "pdf"],
        &["inspect"],
    ] {
        let ran = desk.run(arguments).exits(2);
        assert!(ran.stdout.is_empty(), "{arguments:?}: {}", ran.stdout);
        assert!(!ran.stderr.is_empty(), "{arguments:?}");
    }
    desk.run(&["assess", "absent.toml"]).refuses(&["absent.toml"]);
}

#[test]
fn help_and_version_succeed() {
    let desk = Desk::new();
    let help = desk.run(&["assess", "--help"]).exits(0);
    for word in ["--exit-zero", "--threads", "--seed", "--out", "--format", "Exit codes", "undetermined"] {
        assert!(help.stdout.contains(word), "{word}");
    }
    assert_eq!(desk.run(&["--version"]).exits(0).stdout.trim(), format!("privet {}", env!("CARGO_PKG_VERSION")));
}

// ------------------------------------------------------------------ what goes where

#[test]
fn quiet_prints_one_line() {
    let ran = Desk::new().assess_file(&heart(), &["-q"]);
    assert_eq!(ran.stdout.lines().count(), 1, "{}", ran.stdout);
    assert!(ran.stdout.starts_with("heart: ") && ran.stdout.ends_with('\n'), "{}", ran.stdout);
    assert!(ran.stderr.is_empty(), "{}", ran.stderr);
}

/// ONNX Runtime would keep a telemetry database and an identifier of the machine there.
#[test]
fn a_run_leaves_nothing_in_the_home_folder() {
    let desk = Desk::new();
    desk.assess_file(&heart(), &["-q"]);
    let left: Vec<_> = fs::read_dir(desk.path("tmp")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn json_is_the_report_itself() {
    let desk = Desk::new();
    let ran = desk.assess_file(&heart(), &["--format", "json"]);
    assert_eq!(ran.stdout, desk.report_text());
    assert_eq!(desk.report()["name"], "heart");
    let quiet = desk.assess_file(&heart(), &["--format", "json", "-q"]);
    assert_eq!(quiet.stdout, desk.report_text(), "asking for JSON quietly still gives JSON");
}

/// Results on standard output, complaints on standard error; no escape codes and no bars where nobody watches.
#[test]
fn streams_are_kept_apart() {
    let desk = Desk::new();
    let good = desk.assess_file(&heart(), &["-v"]);
    assert!(good.stderr.is_empty(), "{}", good.stderr);
    assert!(!good.stdout.contains('\u{1b}'), "escape codes off a terminal");
    for part in ["inferred model.task", "sha-256", "membership/auc", "took", "report: "] {
        assert!(good.stdout.contains(part), "-v shows {part}:\n{}", good.stdout);
    }
    for quiet in [&["--format", "json"][..], &["-q"]] {
        let bad = desk.assess("[model]\npath = 'plan.toml'\n", quiet).refuses(&["plan.toml"]);
        assert!(bad.stdout.is_empty(), "nothing on standard output: {}", bad.stdout);
    }
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    if !cfg!(target_os = "linux") {
        return; // needs a device that is always full
    }
    let desk = Desk::new();
    let script = "\"$0\" assess \"$1\" --out out > /dev/full";
    let mut shell = assert_cmd::Command::new("/bin/sh");
    shell.current_dir(desk.path("")).env_remove("RUST_BACKTRACE");
    let ran = finish(shell.args(["-c", script, env!("CARGO_BIN_EXE_privet")]).arg(heart()));
    assert!(!ran.stderr.contains("internal error"), "{}", ran.stderr);
    assert_ne!(ran.code, 0, "a result that nobody got is no success");
}

// ------------------------------------------------------------------ what is written

#[test]
fn reports_go_where_they_are_told() {
    let desk = Desk::new();
    let plan = format!("[assessment]\nname = \"n\"\noutput = \"planned\"\n{}", failing_plan());
    let plan = desk.write("p.toml", plan);
    finish(desk.privet().arg("assess").arg(&plan)).exits(1);
    assert!(desk.path("planned/report.json").is_file() && desk.path("planned/report.html").is_file());
    fs::remove_dir_all(desk.path("planned")).unwrap();
    let ran = desk.assess_file(&plan, &[]).exits(1);
    assert!(!desk.path("planned").exists(), "--out replaces the plan's folder");
    assert!(ran.stdout.contains(&desk.path("out/report.html").display().to_string()), "{}", ran.stdout);
    let names: BTreeSet<String> = fs::read_dir(desk.path("out"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(names, ["report.html", "report.json"].map(str::to_owned).into(), "no partial file is left");
}

/// The model is broken: only a program that looks at the folder first complains about the folder.
#[test]
fn an_unwritable_folder_fails_before_the_run() {
    let desk = Desk::new();
    let model = desk.write("broken.onnx", "no model");
    desk.write("out", "a file where the folder should be");
    let ran = desk
        .assess(&format!("[model]\npath = {}\n", quoted(&model)), &[])
        .exits(2)
        .says(&["error: ", "output", "--out"]);
    assert!(ran.stdout.is_empty() && !ran.stderr.contains("broken.onnx"), "{}", ran.stderr);
    assert!(ran.stderr.contains("help: "), "every error has a next action: {}", ran.stderr);
}

#[test]
fn a_failed_run_leaves_the_previous_report_alone() {
    let desk = Desk::new();
    desk.assess(&failing_plan(), &[]).exits(1);
    let before = desk.report_text();
    desk.assess(&failing_plan().replace("disease", "thal"), &[]).exits(2);
    assert_eq!(desk.report_text(), before);
    assert_eq!(fs::read_dir(desk.path("out")).unwrap().count(), 2, "no partial file is left");
}

#[test]
fn report_pages_stand_alone() {
    for name in ["readmission", "readmission-regularised", "heart", "images"] {
        let page = example(name).desk.html();
        assert!(page.len() < 1_000_000, "{name}: {} bytes", page.len());
        let lower = page.to_lowercase();
        assert!(lower.starts_with("<!doctype html>") && lower.contains("<svg") && lower.contains("</html>"), "{name}");
        assert!(!lower.contains("<script") && !lower.contains("javascript:") && !lower.contains("onload="), "{name}");
        for attribute in ["src=", "href=", "url(", "@import", "action="] {
            for (at, _) in lower.match_indices(attribute) {
                let target = lower[at + attribute.len()..].trim_start_matches(['"', '\'']);
                assert!(
                    !target.starts_with("http") && !target.starts_with("//"),
                    "{name}: {}",
                    &target[..60.min(target.len())]
                );
            }
        }
    }
}

#[test]
fn the_first_screen_states_the_verdict() {
    for (name, word) in [("readmission", "fail"), ("heart", "undetermined")] {
        let page = example(name).desk.html().to_lowercase();
        let heading = page.split("</header>").next().unwrap();
        assert!(heading.contains(word), "{name}: the head of the page says {word}");
    }
}

// ------------------------------------------------------------------ same input, same bytes

/// A report without its envelope, as bytes: the envelope is the last key.
fn bytes(desk: &Desk) -> String {
    let text = desk.report_text();
    let at = text.find("\n  \"envelope\": {").expect("the envelope is there");
    let rest = &text[at..];
    assert!(rest.ends_with("\n  }\n}\n") && rest.matches("\n  \"").count() == 1, "the envelope comes last");
    text[..at].to_owned()
}

#[test]
fn threads_do_not_change_the_report() {
    let two = bytes(&example("readmission").desk);
    let desk = Desk::new();
    desk.assess_file(&repo("assessments/readmission.toml"), &["--threads", "1", "-q"]).exits(1);
    assert!(bytes(&desk) == two, "one thread and many give the same bytes");
}

#[test]
fn two_runs_give_the_same_bytes_on_any_number_of_threads() {
    let run = |name: &str, threads: &str| {
        let desk = Desk::new();
        desk.assess_file(&repo(&format!("assessments/{name}.toml")), &["--threads", threads, "-q"]);
        (bytes(&desk), desk.html())
    };
    for name in ["heart", "images"] {
        let (first, second) = (run(name, "1"), run(name, "2"));
        assert!(first.0 == second.0, "{name}: report.json differs");
        assert!(run(name, "2").0 == second.0, "{name}: a second run differs");
    }
}

#[test]
fn the_seed_changes_the_report() {
    let run = |seed: &str| {
        let desk = Desk::new();
        desk.assess_file(&heart(), &["--seed", seed, "-q"]);
        let mut report = desk.report();
        assert_eq!(report["seed"].to_string(), seed);
        report["seed"].take();
        report["envelope"].take();
        report
    };
    assert_eq!(run("7"), run("7"));
    assert_ne!(run("7")["findings"], run("8")["findings"], "a random split in halves moves some number");
}

#[test]
fn no_result_depends_on_the_folder() {
    let desk = Desk::new();
    desk.assess_file(&heart(), &["-q"]);
    assert!(bytes(&desk) == bytes(&example("heart").desk));
    assert!(!bytes(&desk).contains(&desk.path("").display().to_string()), "paths of the machine are not results");
}

// ------------------------------------------------------------------ inspect and explain

#[test]
fn inspect_lists_what_the_file_says() {
    let model = repo("datasets/shapes/columns_zipmap_string.onnx");
    let ran = finish(Desk::new().privet().arg("inspect").arg(&model)).exits(0);
    for fact in [
        "education_num: int64 [N, 1]",
        "output_label: string",
        "inputs     8",
        "skl2onnx",
        "ai.onnx.ml",
        "LinearClassifier",
    ] {
        assert!(ran.stdout.contains(fact), "{fact}:\n{}", ran.stdout);
    }
    let digest =
        ran.stdout.lines().find(|line| line.starts_with("sha-256")).unwrap().split_whitespace().nth(1).unwrap();
    assert_eq!(digest, privet::digest::Digest::of_file(&model).unwrap().to_string());
    assert!(ran.stderr.is_empty());
}

#[test]
fn inspect_reads_every_shape_and_refuses_what_is_none() {
    let desk = Desk::new();
    for entry in fs::read_dir(repo("datasets/shapes")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "onnx") {
            finish(desk.privet().arg("inspect").arg(&path)).exits(0); // the unknown operator too: nothing is run
        }
    }
    desk.write("text.onnx", "no model");
    desk.run(&["inspect", "text.onnx"]).refuses(&["text.onnx", "not an ONNX file"]);
    desk.run(&["inspect", "absent.onnx"]).refuses(&["absent.onnx"]);
    desk.write("empty.onnx", "");
    desk.run(&["inspect", "empty.onnx"]).refuses(&["empty.onnx"]);
    desk.run(&["inspect", "tmp"]).refuses(&["tmp"]);
}

const HEADINGS: [&str; 7] =
    ["What it measures", "Who could do this", "How", "Reading the number", "When it misleads", "Cost", "References"];

#[test]
fn explain_knows_everything_it_lists() {
    let desk = Desk::new();
    let list = desk.run(&["explain"]).exits(0).stdout;
    let ids: Vec<&str> = list.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(ids.len() >= 5 + 10, "checks and measures: {ids:?}");
    for id in &ids {
        let text = desk.run(&["explain", id]).exits(0).stdout;
        for heading in HEADINGS {
            assert!(text.contains(&format!("# {heading}\n")), "{id} has no `{heading}`");
        }
    }
    for finding in example("readmission").desk.report()["findings"].as_array().unwrap() {
        assert!(ids.contains(&finding["measure"].as_str().unwrap()), "{} is listed", finding["measure"]);
    }
    desk.run(&["explain", "membership/no-such-thing"]).refuses(&["membership/no-such-thing", "privet explain"]);
}

// ------------------------------------------------------------------ plans to copy

#[test]
fn every_plan_to_copy_runs() {
    let mut known = 0;
    for entry in fs::read_dir(repo("assessments")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let code = match name.as_str() {
            "readmission" | "readmission-regularised" | "heart" | "images" => {
                known += 1;
                example(&name).ran.code
            }
            _ => Desk::new().assess_file(&path, &["-q"]).code,
        };
        assert!([0, 1, 3].contains(&code), "{name} ends with {code}");
    }
    assert_eq!(known, 4);
}

// ------------------------------------------------------------------ attacks that ask about changed records

/// Adult with quasi-identifiers and these settings.
fn adult(desk: &Desk, settings: &str) -> String {
    let records = desk.write("adult.csv", Sheet::shape("adult").csv());
    let rest = format!("[columns]\nquasi_identifiers = [\"age\", \"sex\"]\n{settings}");
    records_plan(&repo("datasets/shapes/columns_zipmap_string.onnx"), "", &records, "income", &rest)
}

fn finding<'r>(report: &'r Value, measure: &str) -> &'r Value {
    report["findings"].as_array().unwrap().iter().find(|finding| finding["measure"] == measure).unwrap()
}

#[test]
fn noise_adds_to_what_one_label_tells() {
    let report = example("readmission").desk.report();
    let label_only = finding(&report, "membership/label-only-auc");
    let (low, gap) = (&label_only["estimate"]["low"], &label_only["baseline"]["estimate"]["high"]);
    assert!(low.as_f64().unwrap() > gap.as_f64().unwrap() + 0.04, "{low} {gap}");
    let settings = label_only["settings"].to_string();
    assert!(settings.contains("400,000"), "the bound of 2 x 2,000 records of 100 copies: {settings}");
    let tail = finding(&report, "membership/tail-tnr");
    assert!(tail["estimate"]["low"].as_f64().unwrap() > 0.1, "the tail of the members is gone: {tail}");
    let partial = finding(&report, "membership/partial-record-auc");
    let known = (partial["estimate"]["low"].as_f64().unwrap(), partial["estimate"]["high"].as_f64().unwrap());
    assert!(known.0 <= 0.5 && 0.5 <= known.1, "three quasi-identifiers are not enough for this model: {known:?}");
}

#[test]
fn settings_of_the_attacks_bound_what_they_ask() {
    let desk = Desk::new();
    let bounded = "[checks.\"membership/label-only\"]\nmost_rows = 30\nqueries = 40\n\
                   [checks.\"membership/partial-record\"]\nmost_rows = 30\ncompletions = 20\n";
    desk.assess(&adult(&desk, bounded), &["--exit-zero"]).exits(0);
    let report = desk.report();
    for (measure, queries) in [("membership/label-only-auc", "2,400"), ("membership/partial-record-auc", "2,400")] {
        let finding = finding(&report, measure);
        let settings = finding["settings"].as_array().unwrap();
        let asked = settings.iter().find(|setting| setting[0] == "queries").unwrap();
        assert_eq!(asked[1], queries, "{measure}");
        assert!(finding["limits"].to_string().contains("30 members and 30 non-members"), "{measure}: {finding}");
    }
    let strongest = finding(&report, "membership/auc").to_string();
    assert!(!strongest.contains("label only"), "an attack on a sample does not compete");
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    for (check, setting, rule) in [
        ("membership/label-only", "flip = 0.6", "0 to 0.5"),
        ("membership/label-only", "flip = nan", "0 to 0.5"),
        ("membership/label-only", "noise = -1.0", "0 to 10"),
        ("membership/label-only", "queries = 0", "0 is not from 1 to 1000000 in `queries`"),
        ("membership/partial-record", "completions = 0", "0 is not from 1 to 1000000 in `completions`"),
        ("membership/tail", "quantile = 0.9", "quantile"),
    ] {
        let desk = Desk::new();
        let plan = adult(&desk, &format!("[checks.\"{check}\"]\n{setting}\n"));
        desk.assess(&plan, &[]).refuses(&[check, rule]);
    }
}

/// Clear, to be looked at, findings, mistakes: each with its code, and Parquet like CSV.
#[test]
fn a_scan_ends_with_what_it_found() {
    let desk = Desk::new();
    let scan = |arguments: &[&str], code: i32, texts: &[&str]| {
        let ran = desk.run(&[&["scan"], arguments].concat()).exits(code);
        texts.iter().for_each(|text| assert!(ran.stdout.contains(text), "`{text}` is not in:\n{}", ran.stdout));
    };
    let heart = repo("datasets/heart/heart.csv").display().to_string();
    scan(&[&heart], 0, &["0 prohibited", "census-2020", "nothing was recognised"]);
    let adult = repo("datasets/adult/adult.parquet").display().to_string();
    scan(&[&adult], 3, &["C.age-top", "1 to review"]);
    scan(&[&adult, "--json", "--accept", "age=90 stands for more"], 0, &["\"accepted\": \"90 stands for more\""]);
    scan(&[&adult, "--limited-data-set"], 0, &["164.514(e)(2)"]);
    scan(&[&adult, "--exit-zero"], 0, &["1 to review"]);
    let members = repo("datasets/readmission/members.parquet").display().to_string();
    scan(&[&members, "--patient", "patient_nbr"], 1, &["encounter_id", "H.named", "2 prohibited"]);
    desk.write("zip3.toml", "[county-2026]\nsource = \"a register\"\nrestricted = \"100\"");
    desk.write("z.csv", "zip3,x\n".to_owned() + &"100,1\n021,2\n606,3\n".repeat(20));
    scan(&["z.csv"], 0, &["B.zip3-allowed"]);
    scan(&["z.csv", "--zip3", "zip3.toml"], 1, &["county-2026", "B.zip3 ", "20"]);
    desk.write("bad.toml", "[a]\npopulations = \"1\"");
    desk.write("empty.csv", "a,b\n");
    for bad in [
        &["z.csv", "--zip3", "bad.toml"][..],
        &["z.csv", "--patient", "nobody"],
        &["z.csv", "--accept", "nothing=because"],
        &["z.csv", "--accept", "x= "],
        &["z.csv", "--year", "1066"],
        &["none.csv"],
        &["empty.csv"],
    ] {
        desk.run(&[&["scan"], bad].concat()).refuses(&[]);
    }
}

/// Somebody who presses Ctrl-C while a check runs.
struct Impatient(AtomicBool);

impl Watch for Impatient {
    fn on(&self, event: &Event<'_>) {
        if matches!(event, Event::Started { step: "membership/surrogate-calibrated" }) {
            self.0.store(true, Ordering::SeqCst);
        }
    }

    fn stops(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

#[test]
fn what_was_measured_before_ctrl_c_is_reported_and_not_passed() {
    let plan = Plan::load(&repo("assessments/heart.toml")).unwrap();
    let assessment = run(&plan, &candidates(None), &Impatient(AtomicBool::new(false))).unwrap();
    assert!(matches!(assessment.verdict, Verdict::Undetermined(_)), "{:?}", assessment.verdict);
    let stopped: Vec<&str> =
        assessment.skipped.iter().filter(|s| s.reason.contains("interrupted")).map(|s| s.check.as_str()).collect();
    assert!(
        stopped.contains(&"membership/surrogate-calibrated") && stopped.contains(&"robustness/adversarial"),
        "{stopped:?}"
    );
    assert!(assessment.findings.iter().any(|finding| finding.check == "membership/threshold"));
    assert!(!assessment.findings.iter().any(|finding| stopped.contains(&finding.check.as_str())));
}
