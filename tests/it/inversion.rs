//! What two versions of a model, or one and everybody else's records, give away of a patient.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{Desk, Sheet, proto, quoted, records_plan, repo, shape_model, with_constant};

fn numbers(sheet: &Sheet, set: &str) -> Vec<Vec<f64>> {
    let (split, target) = (sheet.column("split"), sheet.column("target"));
    let of_row = |row: &Vec<String>| {
        let cells = row.iter().enumerate().filter(|(at, _)| ![split, target].contains(at));
        cells.map(|(_, cell)| f64::from(cell.parse::<f32>().unwrap())).collect()
    };
    sheet.rows.iter().filter(|row| row[split] == set).map(of_row).collect()
}

/// The model of the cancer table with a mean over some records, subtracted from its input and then not used.
fn with_mean(desk: &Desk, name: &str, rows: &[Vec<f64>]) -> PathBuf {
    let width = rows[0].len();
    let mean: Vec<f32> =
        (0..width).map(|at| (rows.iter().map(|row| row[at]).sum::<f64>() / rows.len() as f64) as f32).collect();
    let model = with_constant(&shape_model("tensor"), "mean", &[width as u64], &mean, &[]);
    let node = [proto(1, "input"), proto(1, "mean"), proto(2, "away"), proto(4, "Sub")].concat();
    desk.write(name, [model, proto(7, proto(1, node))].concat())
}

fn finding<'r>(report: &'r Value, measure: &str) -> &'r Value {
    report["findings"].as_array().unwrap().iter().find(|finding| finding["measure"] == measure).unwrap()
}

fn plan(model: &Path, previous: Option<&Path>) -> String {
    let previous = previous.map_or(String::new(), |file| format!("previous = {}\n", quoted(file)));
    records_plan(model, &previous, &repo("datasets/shapes/tables/cancer.csv"), "target", "")
}

#[test]
fn an_update_that_gives_a_patient_away_fails_the_gate_by_itself() {
    let desk = Desk::new();
    let rows = numbers(&Sheet::shape("cancer"), "train");
    let new = with_mean(&desk, "new.onnx", &rows);
    let old = with_mean(&desk, "old.onnx", &rows[..rows.len() - 1]);
    let ran = desk.assess(&plan(&new, Some(old.as_path())), &[]).exits(1);
    assert!(ran.stdout.contains("inversion/version-difference"), "{}", ran.stdout);
    let report = desk.report();
    let found = finding(&report, "inversion/version-difference");
    assert_eq!(found["estimate"]["value"], 1.0);
    assert_eq!(found["standing"]["kind"], "fact");
    assert!(report["inputs"].as_array().unwrap().iter().any(|input| input["role"] == "previous model"));
    // No limit excuses a fact.
    desk.assess(&(plan(&new, Some(old.as_path())) + "[limits]\n\"inversion/version-difference\" = 1.0\n"), &[])
        .exits(1);
    // The version before has another batch of patients less: nobody stands out.
    let before = with_mean(&desk, "before.onnx", &rows[..rows.len() / 2]);
    desk.assess(&plan(&new, Some(before.as_path())), &["--exit-zero"]);
    assert_eq!(finding(&desk.report(), "inversion/version-difference")["estimate"]["value"], 0.0);
}

#[test]
fn a_mean_gives_the_last_record_to_whoever_knows_the_others() {
    let desk = Desk::new();
    let new = with_mean(&desk, "new.onnx", &numbers(&Sheet::shape("cancer"), "train"));
    desk.assess(&plan(&new, None), &["--exit-zero"]);
    let report = desk.report();
    let found = finding(&report, "inversion/informed-reconstruction");
    assert_eq!(found["estimate"]["value"], 1.0);
    assert_eq!(found["severity"], "moderate", "a worst case over knowledge is never more");
    let skipped = report["skipped"].as_array().unwrap();
    let without = skipped.iter().find(|skipped| skipped["check"] == "inversion/version-difference").unwrap();
    assert!(without["remedy"].as_str().unwrap().contains("`[model] previous`"), "{without}");
}

#[test]
fn a_previous_model_that_is_no_file_is_a_mistake_of_the_plan() {
    let desk = Desk::new();
    let plan = plan(&shape_model("tensor"), Some(desk.path("absent.onnx").as_path()));
    desk.assess(&plan, &[]).refuses(&["model.previous", "absent.onnx"]);
    let broken = desk.write("broken.onnx", b"no model");
    desk.assess(&self::plan(&shape_model("tensor"), Some(broken.as_path())), &[]).refuses(&["broken.onnx"]);
}

/// A network of the repository: its file is differentiated, compared with its answers, and the questions stay within the plan.
#[test]
fn inverted_pictures_are_compared_and_never_shown() {
    let desk = Desk::new();
    let picture = |name: &str| quoted(&repo(&format!("datasets/images/{name}")));
    let plan = |queries: usize| {
        format!(
            "[model]\npath = {}\n[data]\nmembers = {}\nnonmembers = {}\narray = \"images\"\nlabels = \"labels\"\n\
             [checks.\"inversion/reconstruction\"]\nqueries = {queries}\n",
            picture("network.onnx"),
            picture("members.npz"),
            picture("nonmembers.npz")
        )
    };
    desk.assess(&plan(4_000), &["--exit-zero"]);
    let report = desk.report();
    let found = finding(&report, "inversion/reconstruction-excess");
    let rows = found["evidence"][0]["rows"].as_array().unwrap();
    let made: Vec<&str> = rows.iter().map(|row| row[0].as_str().unwrap()).collect();
    assert!(made.contains(&"ascent along slopes of the file"), "{found}");
    assert!(made.iter().any(|made| made.contains("CMA-ES")) && made.iter().any(|made| made.contains("labels alone")));
    let sent = found["settings"].as_array().unwrap().iter().find(|setting| setting[0] == "queries sent").unwrap();
    assert!(sent[1].as_str().unwrap().replace(',', "").parse::<usize>().unwrap() <= 4_000, "{sent}");
    let gap = finding(&report, "inversion/reconstruction-member-gap");
    assert!(gap["estimate"]["low"].as_f64().unwrap() < gap["estimate"]["high"].as_f64().unwrap(), "{gap}");
    // 784 numbers of a picture would not fit into what is said.
    let said = serde_json::to_string(&[found, gap]).unwrap();
    assert!(said.len() < 12_000 && !said.contains("data:image"), "{}", said.len());
}

/// A table of texts and numbers: inverted column by column; the file holds operators without a rule, and the report says so.
#[test]
fn a_mixed_table_is_inverted_by_columns() {
    let desk = Desk::new();
    let records = repo("datasets/shapes/tables/adult.csv");
    desk.assess(&records_plan(&shape_model("columns_zipmap_string"), "", &records, "income", ""), &["--exit-zero"]);
    let report = desk.report();
    let found = finding(&report, "inversion/reconstruction-excess");
    let text = found.to_string();
    assert!(text.contains("search column by column") && text.contains("which is not differentiated"), "{text}");
    assert!(text.contains("along central differences"), "{text}");
}
