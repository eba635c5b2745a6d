//! Attribute inference through ONNX files: verdicts on models that remember and models that do not, and what turning the
//! experiment round does to them.

use serde_json::Value;

use crate::support::{Desk, Sheet, example, proto, quoted, records_plan, repo, shape_model, with_constant};

fn finding<'r>(report: &'r Value, measure: &str, scope: &str) -> &'r Value {
    let id = format!("inversion/attribute-inference-{measure}");
    let found = report["findings"].as_array().unwrap().iter().find(|f| f["measure"] == *id && f["scope"] == *scope);
    found.unwrap_or_else(|| panic!("{id} of {scope} is reported"))
}

fn setting<'r>(finding: &'r Value, name: &str) -> &'r str {
    let pairs = finding["settings"].as_array().unwrap();
    pairs.iter().find(|pair| pair[0] == *name).map_or("", |pair| pair[1].as_str().unwrap())
}

/// The rows of a table whose caption starts like this.
fn rows<'r>(finding: &'r Value, caption: &str) -> Vec<&'r Vec<Value>> {
    let tables = finding["evidence"].as_array().unwrap();
    let table = tables.iter().find(|t| t["caption"].as_str().is_some_and(|text| text.starts_with(caption))).unwrap();
    table["rows"].as_array().unwrap().iter().map(|row| row.as_array().unwrap()).collect()
}

fn percent(cell: &Value) -> f64 {
    cell.as_str().unwrap().split(" %").next().unwrap().parse().unwrap()
}

fn plan(model: &str, members: &str, others: &str, rest: &str) -> String {
    let data = |name: &str| quoted(&repo(&format!("datasets/readmission/{name}.parquet")));
    format!(
        "[model]\npath = {}\n[data]\nmembers = {}\nnonmembers = {}\ntarget = \"readmitted\"\npatient = \"patient_nbr\"\n\
         [columns]\nidentifiers = [\"encounter_id\"]\nsensitive = [\"diag_1\", \"gender\"]\n{rest}",
        quoted(&repo(&format!("datasets/readmission/{model}.onnx"))),
        data(members),
        data(others)
    )
}

/// Only the control and this check.
fn only() -> String {
    let list = Desk::new().run(&["explain"]).stdout;
    let off = |id: &str| format!("[checks.\"{id}\"]\nenabled = false\nreason = \"not looked at here\"\n");
    let kept = ["dataset/split-integrity", "inversion/attribute-inference"];
    let checks = list.lines().filter(|line| !line.starts_with(' ')).filter_map(|line| line.split_whitespace().next());
    checks.filter(|id| id.contains('/') && !kept.contains(id)).map(off).collect()
}

/// The confidence-based attack on the over-fitted forest: right three times as often on members as on people it never
/// saw, and no better on those than naming the most frequent diagnosis; on the regularised model it knows nobody.
#[test]
fn an_over_fitted_forest_knows_its_members() {
    let csmia = |name: &str| {
        let report = example(name).desk.report();
        let excess = finding(&report, "excess", "diag_1").clone();
        let row: Vec<Value> = rows(&excess, "Every attack")[0].clone();
        assert!(row[0].as_str().unwrap().contains("CSMIA"));
        (percent(&row[1]), percent(&row[2]), report)
    };
    let (members, others, _) = csmia("readmission");
    assert!(members > 25.0 && others < 12.0, "{members} {others}");
    let (members, others, report) = csmia("readmission-regularised");
    assert!((members - others).abs() < 4.0, "{members} {others}");
    let individual = finding(&report, "individual", "diag_1");
    assert_eq!(setting(individual, "verdict"), "no leak by the model shown");
}

#[test]
fn exchanging_members_and_others_turns_the_verdict_round() {
    let verdicts = |members: &str, others: &str| -> Vec<(String, f64)> {
        let desk = Desk::new();
        let ran = desk.assess(&plan("overfit", members, others, &only()), &["--exit-zero"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let report = desk.report();
        let verdict = |column: &str| {
            let gap = finding(&report, "member-gap", column)["estimate"]["value"].as_f64().unwrap();
            (setting(finding(&report, "individual", column), "verdict").to_owned(), gap)
        };
        ["diag_1", "gender"].map(verdict).to_vec()
    };
    let (forward, backward) = (verdicts("members", "nonmembers"), verdicts("nonmembers", "members"));
    assert!(forward.iter().any(|(verdict, _)| verdict == "individual disclosure"), "{forward:?}");
    for ((verdict, gap), (_, before)) in backward.iter().zip(&forward) {
        assert_ne!(verdict, "individual disclosure");
        assert!(gap <= before, "{gap} {before}");
    }
}

/// A network with a neuron that goes up and down many times over one column, and an attribute that is no input and is high where
/// the neuron is: no hundred records show that to somebody without the file, and the answer, which does not use the neuron, says
/// nothing. The file does.
#[test]
fn a_hidden_neuron_tells_an_attribute_that_is_no_input() {
    let desk = Desk::new();
    let sheet = Sheet::shape("cancer");
    let inputs: Vec<String> =
        sheet.header.iter().filter(|name| !["split", "target"].contains(&name.as_str())).cloned().collect();
    let waves: Vec<f32> = inputs.iter().map(|name| if name == "mean_texture" { 60.0 } else { 0.0 }).collect();
    let node = |kind: &str, from: &[&str], to: &str| {
        let inputs: Vec<u8> = from.iter().flat_map(|name| proto(1, name)).collect();
        proto(7, proto(1, [inputs, proto(2, to), proto(4, kind)].concat()))
    };
    let waving = |kind: &str| {
        let model = with_constant(&shape_model("sigmoid"), "waves", &[30, 1], &waves, &[]);
        [model, node("MatMul", &["input", "waves"], "stretched"), node(kind, &["stretched"], "wave")].concat()
    };
    let column = sheet.column("mean_texture");
    let high = |row: usize| {
        let cell: f64 = sheet.rows[row][column].parse().unwrap();
        u8::from((60.0 * cell).sin() > 0.0).to_string()
    };
    let records = desk.write("records.csv", sheet.clone().fill("secret", high).csv());
    let rates = |kind: &str| -> Vec<(String, f64)> {
        let model = desk.write("model.onnx", waving(kind));
        let names: Vec<String> = inputs.iter().map(|name| format!("\"{name}\"")).collect();
        let extra = format!("features = [{}]", names.join(", "));
        let rest = format!("[columns]\nsensitive = [\"secret\"]\n{}", only());
        let ran = desk.assess(&records_plan(&model, &extra, &records, "target", &rest), &["--exit-zero"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let report = desk.report();
        let table = rows(finding(&report, "excess", "secret"), "Every attack").into_iter();
        table.map(|row| (row[0].as_str().unwrap().to_owned(), percent(&row[1]))).collect()
    };
    let by = |rates: &[(String, f64)], name: &str| rates.iter().find(|(by, _)| by.contains(name)).unwrap().1;
    let found = rates("Sin");
    assert!(by(&found, "hidden neurons") > 90.0, "{found:?}");
    assert!(by(&found, "model of the answers") < 75.0, "{found:?}");
    // The same network with a neuron that does not wave.
    let silent = rates("Tanh");
    assert!(by(&silent, "hidden neurons") < 75.0, "{silent:?}");
}

/// Costs are stated and kept: fewer queries, fewer people, wider intervals.
#[test]
fn fewer_queries_widen_the_interval() {
    let width = |queries: usize| {
        let desk = Desk::new();
        let rest = format!("{}[checks.\"inversion/attribute-inference\"]\nqueries = {queries}\n", only());
        let ran = desk.assess(&plan("overfit", "members", "nonmembers", &rest), &["--exit-zero"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let report = desk.report();
        let excess = finding(&report, "excess", "gender");
        let sent: usize = setting(excess, "queries planned and sent").replace(',', "").parse().unwrap();
        assert!(sent <= queries, "{sent} of {queries}");
        let estimate = &excess["estimate"];
        estimate["high"].as_f64().unwrap() - estimate["low"].as_f64().unwrap()
    };
    assert!(width(600) > 1.5 * width(20_000));
}
