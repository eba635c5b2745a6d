//! `privet repair`: what it takes out of a file is gone when the file is assessed again.

use privet::model::contents::Contents;
use serde_json::Value;

use crate::support::{Desk, quoted, repo};

const HEART: &str = "datasets/heart/overfit.onnx";

fn plan(model: &std::path::Path) -> String {
    format!(
        "[model]\npath = {}\n[data]\nrecords = {}\nsplit = \"split\"\nmember = \"train\"\nnonmember = \"test\"\ntarget = \
         \"disease\"\nmissing = [\"?\"]\n[policy]\nprofile = \"cms\"\n",
        quoted(model),
        quoted(&repo("datasets/heart/heart.csv"))
    )
}

fn value(report: &Value, measure: &str) -> f64 {
    let findings = report["findings"].as_array().unwrap();
    let found = findings.iter().find(|finding| finding["measure"] == measure);
    found.unwrap_or_else(|| panic!("{measure} was measured"))["estimate"]["value"].as_f64().unwrap()
}

#[test]
fn small_leaves_and_exact_constants_are_gone() {
    let desk = Desk::new();
    let (model, out) = (repo(HEART), desk.path("repaired.onnx"));
    let plan_file = desk.write("before.toml", plan(&model));
    let arguments = [
        "repair",
        model.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
        "--plan",
        plan_file.to_str().unwrap(),
        "--digits",
        "2",
    ]; // the model's constants are midpoints of whole numbers, with three digits
    let ran = desk.run(&arguments).exits(0);
    for text in ["fewer than 11 people merged", "accuracy, members", "disclosure/small-leaf-share", "before", "after"] {
        assert!(ran.stdout.contains(text), "{text}:\n{}", ran.stdout);
    }
    desk.assess(&plan(&model), &["--exit-zero"]).exits(0);
    let before = desk.report();
    desk.assess(&plan(&out), &["--exit-zero"]).exits(0);
    let after = desk.report();
    let share = "disclosure/small-leaf-share";
    assert!(value(&before, share) > 0.1, "{}", value(&before, share));
    assert_eq!(value(&after, share), 0.0);
    let midpoints = "disclosure/threshold-midpoints-excess";
    assert!(value(&after, midpoints) < value(&before, midpoints) / 2.0);
    // The table says what the assessments say.
    let line = ran.stdout.lines().find(|line| line.contains(share)).unwrap();
    assert!(line.trim_end().ends_with("0.0 %"), "{line}");
}

/// Without data nothing is merged and nothing claimed; the trees are the same but for their constants.
#[test]
fn without_data_nothing_is_claimed() {
    let desk = Desk::new();
    let (model, out) = (repo("datasets/shapes/nan_xgboost.onnx"), desk.path("repaired.onnx"));
    let ran = desk.run(&["repair", model.to_str().unwrap(), "--out", out.to_str().unwrap(), "--digits", "1"]).exits(0);
    assert!(ran.stdout.contains("nothing was measured, so nothing is claimed"), "{}", ran.stdout);
    let (before, after) = (Contents::load(&model).unwrap().1, Contents::load(&out).unwrap().1);
    let (before, after) = (before.trees()[0].as_ref().unwrap(), after.trees()[0].as_ref().unwrap());
    assert_eq!((before.leaves.len(), &before.roots), (after.leaves.len(), &after.roots));
    let one_digit = |value: f64| {
        let text = format!("{:.0e}", value.abs());
        (text.parse::<f64>().unwrap() - value.abs()).abs() <= 1e-6 * value.abs()
    };
    assert!(after.splits.iter().all(|split| one_digit(split.value)));
    assert!(!before.splits.iter().all(|split| one_digit(split.value)));
}

#[test]
fn a_file_that_cannot_be_written_or_read_is_refused() {
    let desk = Desk::new();
    let model = repo(HEART);
    let model = model.to_str().unwrap();
    desk.run(&["repair", model, "--out", model]).refuses(&["is the model itself"]);
    let nowhere = desk.path("no/such/folder.onnx");
    desk.run(&["repair", model, "--out", nowhere.to_str().unwrap()]).refuses(&["folder.onnx"]);
    let elsewhere = repo("datasets/shapes/external_data.onnx");
    let out = desk.path("out.onnx");
    desk.run(&["repair", elsewhere.to_str().unwrap(), "--out", out.to_str().unwrap()])
        .refuses(&["weights in other files"]);
    let text = desk.write("text.onnx", "no model");
    desk.run(&["repair", text.to_str().unwrap(), "--out", out.to_str().unwrap()]).refuses(&["text.onnx"]);
    assert!(!out.exists());
}
