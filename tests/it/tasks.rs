//! Every task goes through the membership checks: one column, several labels, times to an event. What an over-fitted model
//! remembers is found, and a regularised one is not accused.

use std::fmt::Write;
use std::path::Path;

use privet::check::membership::survival::{Baseline, RiskModel, cox_slope, deviance, martingale};
use privet::cli::onnxruntime::candidates;
use privet::data::encode::{Slot, tensors};
use privet::data::{Features, Reading as Files, load_table};
use privet::model::graph::Graph;
use privet::model::{Hints, OnnxModel, Predictions, Reading, Scale, Task, binding, runtime};
use serde_json::Value;

use crate::support::{Desk, json, quoted, repo, shape_model};

pub(crate) const FLAGS: &str = "[\"cough\", \"fever\", \"rash\"]";
pub(crate) const SURVIVAL: &str = "{ time = \"days\", event = \"died\" }";
pub(crate) const GRID: &str = "times = [50, 100, 200, 400, 800, 1600]";

/// A plan for a table with a split column and a target of any form.
pub(crate) fn plan(model: &str, extra: &str, records: &Path, target: &str) -> String {
    format!(
        "[model]\npath = {}\n{extra}\n[data]\nrecords = {}\nsplit = \"split\"\nmember = \"train\"\nnonmember = \"test\"\n\
         target = {target}\n",
        quoted(&shape_model(model)),
        quoted(records)
    )
}

fn table(name: &str) -> std::path::PathBuf {
    repo(&format!("datasets/shapes/tables/{name}.csv"))
}

/// The report of an assessment that ends with a verdict, whichever.
#[track_caller]
fn assessed(plan: &str) -> Value {
    let desk = Desk::new();
    let ran = desk.assess(plan, &[]);
    assert!([0, 1, 3].contains(&ran.code), "{}\n{}", ran.stdout, ran.stderr);
    desk.report()
}

/// Value and bounds of a measure.
#[track_caller]
fn estimate(report: &Value, measure: &str) -> (f64, f64, f64) {
    let findings = report["findings"].as_array().unwrap();
    let finding = findings.iter().find(|finding| finding["measure"] == measure);
    let estimate = &finding.unwrap_or_else(|| panic!("{measure} was measured"))["estimate"];
    let of = |key: &str| estimate[key].as_f64().unwrap();
    (of("value"), of("low"), of("high"))
}

/// Why a check was skipped.
#[track_caller]
fn skipped<'r>(report: &'r Value, check: &str) -> &'r str {
    let skipped = report["skipped"].as_array().unwrap().iter().find(|skipped| skipped["check"] == check);
    skipped.unwrap_or_else(|| panic!("{check} was skipped"))["reason"].as_str().unwrap()
}

/// The attacks that need neither references nor classes.
#[track_caller]
fn attacked(report: &Value, what: &str) {
    for check in ["threshold", "surrogate-calibrated", "quantile", "worst-case"] {
        let (value, low, high) = estimate(report, &format!("membership/{check}-auc"));
        assert!(low <= value && value <= high && value > 0.3, "{what}, {check}: {value}");
    }
    for check in ["membership/likelihood-ratio", "membership/rmia"] {
        assert!(!skipped(report, check).is_empty(), "{what}");
    }
}

#[test]
fn one_column_goes_through_all_attacks() {
    let cancer = table("cancer");
    attacked(&assessed(&plan("sigmoid", "", &cancer, "\"target\"")), "a sigmoid");
    attacked(&assessed(&plan("logit", "output = \"logits\"", &cancer, "\"target\"")), "a logit");
    let report = assessed(&plan("regression_forest", "", &table("diabetes"), "\"target\""));
    attacked(&report, "a regression");
    assert!(estimate(&report, "membership/threshold-auc").1 > 0.5, "the forest is over-fitted");
    assert!(skipped(&report, "membership/rmia").contains("classes"));
}

/// A number between -1 and 1 that looks random.
fn noise(state: &mut u64) -> f64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) as f64 / f64::from(1_u32 << 30) - 1.0
}

/// Recorded predictions of a regression and sixteen references: whoever was trained on a record errs by its own noise,
/// others by the record's error as well, which may have either sign.
#[test]
fn likelihood_ratios_of_a_regression_are_had_from_a_score_file() {
    let desk = Desk::new();
    let mut state = 7;
    let names: Vec<String> = (0..16).map(|i| format!("r{i},m{i}")).collect();
    let mut csv = format!("member,y,target,{}\n", names.join(","));
    for row in 0..400 {
        let (truth, error) = (50.0 * noise(&mut state), 2.0 * noise(&mut state));
        let mut said = |seen: bool| truth + noise(&mut state) + if seen { 0.0 } else { error };
        let member = row % 2 == 0;
        let _ = write!(csv, "{},{truth},{}", u8::from(member), said(member));
        for reference in 0..16 {
            let seen = (row / 2 + reference) % 2 == 0;
            let _ = write!(csv, ",{},{}", said(seen), u8::from(seen));
        }
        csv.push('\n');
    }
    let file = desk.write("scores.csv", csv);
    let mut plan = format!(
        "[scores]\nfile = {}\nmember = \"member\"\nlabel = \"y\"\nkind = \"value\"\ntarget = [\"target\"]\nrandom_split = \"by coin\"\n",
        quoted(&file)
    );
    for i in 0..16 {
        let _ = write!(plan, "[scores.references.r{i}]\nscores = [\"r{i}\"]\nmember = \"m{i}\"\n");
    }
    let ran = desk.assess(&plan, &[]);
    assert!([0, 1, 3].contains(&ran.code), "{}\n{}", ran.stdout, ran.stderr);
    let report = desk.report();
    let ratio = estimate(&report, "membership/likelihood-ratio-auc");
    let threshold = estimate(&report, "membership/threshold-auc");
    assert!(ratio.1 > 0.6 && ratio.0 > threshold.0 + 0.03, "{ratio:?} and {threshold:?}");
}

// ------------------------------------------------------------------ several labels

#[test]
fn several_labels_leak_when_over_fitted_and_not_when_regularised() {
    let over = assessed(&plan("flags_overfit", "task = \"multi-label\"", &table("flags"), FLAGS));
    assert_eq!(over["model"]["task"], "multi-label");
    assert_eq!(over["data"]["target"], "cough, fever, rash");
    attacked(&over, "labels");
    for measure in ["threshold-auc", "surrogate-calibrated-auc", "worst-case-auc"] {
        let (value, low, _) = estimate(&over, &format!("membership/{measure}"));
        assert!(low > 0.7, "{measure}: {value}");
    }
    assert!(
        over["model"]["accuracy_members"]["value"].as_f64() > over["model"]["accuracy_nonmembers"]["value"].as_f64()
    );
    for check in ["membership/label-only", "membership/rmia", "inversion/attribute-inference"] {
        assert!(skipped(&over, check).contains("one of several classes"), "{check}");
    }
    // Without `task` the list says it; the outputs are one per label, in another order.
    let regularised = assessed(&plan("flags_regularised", "", &table("flags"), FLAGS));
    assert_eq!(regularised["model"]["task"], "multi-label");
    attacked(&regularised, "regularised labels");
    for measure in ["threshold-auc", "auc"] {
        let (value, low, _) = estimate(&regularised, &format!("membership/{measure}"));
        assert!(low < 0.5 && value < 0.6, "{measure}: {value}");
    }
}

// ------------------------------------------------------------------ survival

#[test]
fn survival_models_leak_when_over_fitted_and_not_when_regularised() {
    for (model, extra) in [("survival_overfit", "task = \"survival\""), ("survival_curve", GRID)] {
        let report = assessed(&plan(model, extra, &table("survival"), SURVIVAL));
        assert_eq!(report["model"]["task"], "survival");
        attacked(&report, model);
        let (value, low, _) = estimate(&report, "membership/threshold-auc");
        assert!(low > 0.52, "{model}: {value}");
        for check in ["membership/label-only", "membership/rmia"] {
            assert!(skipped(&report, check).contains("one of several classes"), "{check}");
        }
    }
    let report = assessed(&plan("survival_regularised", "", &table("survival"), SURVIVAL));
    attacked(&report, "a regularised risk score");
    for measure in ["threshold-auc", "auc"] {
        let (value, low, _) = estimate(&report, &format!("membership/{measure}"));
        assert!(low < 0.5 && value < 0.6, "{measure}: {value}");
    }
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

/// scikit-survival's slope and baseline with tied times, lifelines' slope and residuals without ties.
#[test]
fn baseline_and_residuals_equal_published_ones() {
    let golden = json("tests/golden/survival.json");
    let (risks, times) = (numbers(&golden["risks"]), numbers(&golden["times"]));
    let events: Vec<bool> = golden["events"].as_array().unwrap().iter().map(|event| event == true).collect();
    let close =
        |found: f64, wanted: f64, what: &str| assert!((found - wanted).abs() < 1e-7, "{what}: {found} {wanted}");
    let slope = cox_slope(&times, &events, &risks);
    close(slope, golden["tied"]["slope"].as_f64().unwrap(), "slope with ties");
    let scaled: Vec<f64> = risks.iter().map(|risk| slope * risk).collect();
    let baseline = Baseline::fit(&times, &events, &scaled);
    for (at, cumulative) in numbers(&golden["tied"]["at"]).into_iter().zip(numbers(&golden["tied"]["cumulative"])) {
        close(baseline.ln_at(at).exp(), cumulative, "cumulative hazard");
    }
    let apart = numbers(&golden["apart"]["times"]);
    close(cox_slope(&apart, &events, &risks), golden["apart"]["slope"].as_f64().unwrap(), "slope without ties");
    let rows: Vec<usize> = (0..apart.len()).collect();
    let model = RiskModel::fit(&rows, &risks, &apart, &events);
    for row in rows {
        let expected = model.hazard_at(apart[row]).ln_expected(risks[row]);
        close(martingale(events[row], expected), numbers(&golden["apart"]["martingale"])[row], "martingale residual");
        close(deviance(events[row], expected), numbers(&golden["apart"]["deviance"])[row], "deviance residual");
    }
}

// ------------------------------------------------------------------ what the outputs mean

/// The reading of a model of `tasks` in `expected.json` about its first rows.
fn read(model: &str, hints: &Hints) -> Predictions {
    let known = &json("datasets/shapes/expected.json")["tasks"][model];
    let file = table(known["table"].as_str().unwrap());
    let loaded = load_table(&[(file.as_path(), "the table")], &Files::default()).unwrap().remove(0);
    let columns: Vec<String> =
        loaded.columns().iter().map(|column| column.name.clone()).filter(|name| name.starts_with('x')).collect();
    let (graph, bytes) = Graph::load(&shape_model(model)).unwrap();
    let feeds = binding::bind(&graph, &columns, Some(&columns)).unwrap();
    let slot = |feed: binding::Feed| Slot {
        input: feed.input,
        columns: feed.columns,
        element: feed.element,
        row_shape: feed.row_shape,
    };
    let slots: Vec<Slot> = feeds.into_iter().map(slot).collect();
    let opened =
        OnnxModel::open(&shape_model(model), &graph, bytes, runtime::load(&candidates(None)).unwrap()).unwrap();
    let inputs = tensors(&Features::Table(loaded.take(&[0, 1, 2, 3, 4, 5, 6, 7])), &slots).unwrap();
    let outputs = opened.run(&inputs).unwrap();
    let (reading, _) = Reading::infer(&outputs, 8, &graph, hints).unwrap();
    reading.read(&outputs, 8).unwrap()
}

/// onnxruntime's answers to the first rows: the columns of the named outputs side by side.
fn wanted(model: &str, outputs: &[&str]) -> Vec<f64> {
    let known = &json("datasets/shapes/expected.json")["tasks"][model]["outputs"];
    (0..8).flat_map(|row| outputs.iter().flat_map(move |output| numbers(&known[*output][row]))).collect()
}

#[track_caller]
fn equal(found: &[f64], wanted: &[f64]) {
    assert_eq!(found.len(), wanted.len());
    assert!(found.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-5 * (1.0 + b.abs())), "{found:?}\n{wanted:?}");
}

#[test]
fn outputs_are_read_as_onnxruntime_gives_them() {
    let flags = ["cough", "fever", "rash"];
    let hints = Hints { task: Some(Task::MultiLabel), flags: flags.map(str::to_owned).to_vec(), ..Hints::default() };
    let Predictions::Flags { scale, labels, values } = read("flags_overfit", &hints) else { panic!("labels") };
    assert_eq!((scale, labels), (Scale::Logit, 3), "the logits behind the sigmoid");
    let values: Vec<f64> = values.into_iter().map(|z| 1.0 / (1.0 + (-z).exp())).collect();
    equal(&values, &wanted("flags_overfit", &["probabilities"]));
    let Predictions::Flags { values, .. } = read("flags_regularised", &hints) else { panic!("labels") };
    equal(&values, &wanted("flags_regularised", &flags));
    let hints = Hints { task: Some(Task::Survival), ..Hints::default() };
    let Predictions::Risks(values) = read("survival_overfit", &hints) else { panic!("risks") };
    equal(&values, &wanted("survival_overfit", &["z"]));
    let hints = Hints { times: Some(vec![50.0, 100.0, 200.0, 400.0, 800.0, 1600.0]), ..hints };
    let Predictions::Curves { times, values } = read("survival_curve", &hints) else { panic!("curves") };
    assert_eq!(times.len(), 6);
    equal(&values, &wanted("survival_curve", &["survival"]));
}
