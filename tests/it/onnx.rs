//! Every model of `datasets/shapes`: what the reader makes of its outputs, and which must ask.

use std::path::{Path, PathBuf};

use privet::cli::onnxruntime::candidates;
use privet::data::encode::{Slot, codes, tensors};
use privet::data::{Features, Limits, Reading as Files, load_table, load_tensor};
use privet::model::graph::Graph;
use privet::model::{Hints, ModelError, OnnxModel, Predictions, Reading, Scale, binding, canonical_label, runtime};
use privet::tensor::Tensor;
use serde_json::Value;

use crate::support::{Desk, Ran, Sheet, json, npy, npz, records_plan, repo, shape_model};

/// How far an answer may be from onnxruntime's in Python.
const CLOSE: f64 = 1e-6;
/// Rows in `expected.json`.
const ROWS: usize = 8;

fn expected(model: &str) -> Value {
    json("datasets/shapes/expected.json")["models"][model].clone()
}

fn table_of(model: &str) -> (String, Value) {
    let name = expected(model)["table"].as_str().unwrap().to_owned();
    let table = json("datasets/shapes/expected.json")["tables"][&name].clone();
    (name, table)
}

fn texts(value: &Value) -> Vec<String> {
    let text = |item: &Value| item.as_str().map_or_else(|| item.to_string(), str::to_owned);
    value.as_array().unwrap().iter().map(text).collect()
}

/// The records of a model, the columns that feed it, and the distinct labels.
fn records(model: &str, graph: &Graph) -> (Features, Vec<Slot>, Vec<String>, bool) {
    let (_, table) = table_of(model);
    let file = repo("datasets/shapes").join(table["file"].as_str().unwrap());
    if table["features"].is_string() {
        let arrays = load_tensor(&file, Limits::default()).unwrap();
        let of = |name: &str| arrays.iter().find(|(known, _)| known == name).unwrap().1.clone();
        let mut labels: Vec<String> = of("labels").to_f64().unwrap().iter().map(ToString::to_string).collect();
        labels.sort();
        labels.dedup();
        let images = of("images");
        let feeds = binding::bind_tensor(graph, &images.row_shape).unwrap();
        return (Features::Tensor(images), slots(feeds), labels, false);
    }
    let loaded = load_table(&[(Path::new(&file), "the table")], &Files::default()).unwrap().remove(0);
    let known = expected(model);
    let features = texts(if known["columns"].is_array() { &known["columns"] } else { &table["features"] });
    let feeds = binding::bind(graph, &features, Some(&features)).unwrap();
    let target = &loaded.column(table["target"].as_str().unwrap()).unwrap().cells;
    let mut labels: Vec<String> = (0..target.len()).map(|row| canonical_label(&target.text(row).unwrap())).collect();
    labels.sort();
    labels.dedup();
    let continuous = codes(target).1 > 20;
    (Features::Table(loaded), slots(feeds), labels, continuous)
}

fn slots(feeds: Vec<binding::Feed>) -> Vec<Slot> {
    let slot = |feed: binding::Feed| Slot {
        input: feed.input,
        columns: feed.columns,
        element: feed.element,
        row_shape: feed.row_shape,
    };
    feeds.into_iter().map(slot).collect()
}

/// Runs a model over its whole table, in the batches it insists on, and reads its outputs.
fn read(model: &str, change: impl Fn(&mut Hints)) -> Result<(Reading, Predictions), ModelError> {
    let path = shape_model(model);
    let (graph, bytes) = Graph::load(&path)?;
    let opened = OnnxModel::open(&path, &graph, bytes, runtime::load(&candidates(None))?)?;
    let (features, slots, labels, continuous) = records(model, &graph);
    let inputs = tensors(&features, &slots).unwrap();
    let rows = inputs[0].rows();
    let mut hints = Hints { labels, continuous, ..Hints::default() };
    change(&mut hints);
    let size = binding::batch(&graph).unwrap_or(rows);
    let mut outputs: Vec<(String, Tensor)> = Vec::new();
    for start in (0..rows).step_by(size) {
        let batch: Vec<Tensor> = inputs.iter().map(|tensor| tensor.slice(start, start + size)).collect();
        for (name, tensor) in opened.run(&batch)? {
            match outputs.iter_mut().find(|(known, _)| *known == name) {
                Some((_, known)) => known.extend(tensor),
                None => outputs.push((name, tensor)),
            }
        }
    }
    let (reading, _) = Reading::infer(&outputs, rows, &graph, &hints)?;
    let predictions = reading.read(&outputs, rows)?;
    Ok((reading, predictions))
}

fn softmax(row: &[f64]) -> Vec<f64> {
    let top = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = row.iter().map(|z| (z - top).exp()).collect();
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / sum).collect()
}

/// A row of `expected.json` as probabilities of all classes.
fn wanted(kind: &str, row: &[f64]) -> Vec<f64> {
    match kind {
        "sigmoid" => vec![1.0 - row[0], row[0]],
        "logit" => softmax(&[0.0, row[0]]),
        "logits" => softmax(row),
        _ => row.to_vec(),
    }
}

fn numbers(row: &Value) -> Vec<f64> {
    row.as_array().unwrap().iter().map(|value| value.as_f64().unwrap_or(f64::NAN)).collect()
}

/// Asserts that classes, labels and scores of the first rows are onnxruntime's.
#[track_caller]
fn equals_expected(model: &str, change: impl Fn(&mut Hints)) {
    let (reading, predictions) = read(model, change).unwrap();
    let known = expected(model);
    if let Some(labels) = known["label"].as_array() {
        for (row, label) in labels.iter().enumerate() {
            let label = label.as_str().map_or_else(|| label.to_string(), str::to_owned);
            assert_eq!(reading.classes()[predictions.class(row) as usize], label, "{model}, label of row {row}");
        }
    }
    if known["classes"].is_array() {
        assert_eq!(reading.classes(), texts(&known["classes"]), "{model}, classes");
    }
    let kind = known["scores"].as_str().unwrap();
    match &predictions {
        Predictions::Values(values) => {
            assert_eq!(kind, "value", "{model}");
            for (row, value) in known["values"].as_array().unwrap().iter().enumerate() {
                assert!((values[row] - numbers(value)[0]).abs() <= 1e-4, "{model}, value of row {row}");
            }
        }
        Predictions::Labels(_) => assert_eq!(kind, "none", "{model}"),
        Predictions::Flags { .. } | Predictions::Risks(_) | Predictions::Curves { .. } => {
            panic!("{model}: see tasks.rs")
        }
        Predictions::Scores { scale, classes, values, .. } => {
            let rows = known["values"].as_array().unwrap();
            assert_eq!(rows.len(), ROWS);
            for (row, value) in rows.iter().enumerate() {
                let found = &values[row * classes..(row + 1) * classes];
                let found = if *scale == Scale::Logit { softmax(found) } else { found.to_vec() };
                for (a, b) in found.iter().zip(wanted(kind, &numbers(value))) {
                    assert!((a - b).abs() <= CLOSE || (a.is_nan() && b.is_nan()), "{model}, row {row}: {a} is not {b}");
                }
            }
        }
    }
}

/// All models whose outputs speak for themselves.
#[test]
fn outputs_equal_onnxruntimes() {
    let known = json("datasets/shapes/expected.json");
    let asks = ["logit", "unknown_operator"];
    let models: Vec<&String> =
        known["models"].as_object().unwrap().keys().filter(|name| !asks.contains(&name.as_str())).collect();
    assert_eq!(models.len(), 21, "{models:?}");
    for model in models {
        equals_expected(model, |_| {});
    }
}

/// Logits keep their digits: they are compared as they are, before any softmax.
#[test]
fn logits_are_kept_as_logits() {
    for model in ["logits", "image_logits", "external_data"] {
        let Predictions::Scores { scale, classes, values, .. } = read(model, |_| {}).unwrap().1 else {
            panic!("{model}")
        };
        assert_eq!(scale, Scale::Logit, "{model}");
        for (row, value) in expected(model)["values"].as_array().unwrap().iter().enumerate() {
            for (a, b) in values[row * classes..(row + 1) * classes].iter().zip(numbers(value)) {
                assert!((a - b).abs() <= 1e-5, "{model}, row {row}: {a} is not {b}");
            }
        }
    }
}

/// A single column outside 0 to 1 could be a logit or a score: privet asks, and does as it is told.
#[test]
fn a_single_logit_is_asked_about_by_name() {
    let error = read("logit", |_| {}).err().unwrap();
    assert!(matches!(error, ModelError::Ask { .. }), "{error}");
    assert!(error.help().contains("[model] output"), "{}", error.help());
    equals_expected("logit", |hints| hints.output = Some(privet::model::Output::Logits));
}

/// A single column does not say which of two words it speaks of.
#[test]
fn classes_are_asked_for_when_labels_are_words() {
    let words = |hints: &mut Hints| hints.labels = vec!["benign".to_owned(), "malignant".to_owned()];
    for model in ["sigmoid", "logits", "softmax_batch1"] {
        let error = read(model, words).err().unwrap();
        assert!(matches!(error, ModelError::Ask { .. }), "{model}: {error}");
        assert!(error.help().contains("[model] classes"), "{model}: {}", error.help());
    }
    let told = |hints: &mut Hints| {
        words(hints);
        hints.classes = Some(vec!["benign".to_owned(), "malignant".to_owned()]);
    };
    assert_eq!(read("sigmoid", told).unwrap().0.classes(), ["benign", "malignant"]);
}

// ------------------------------------------------------------------ through the program

/// The plan for a model and its own table.
fn plan(model: &str, extra: &str) -> String {
    let (_, table) = table_of(model);
    let records = repo("datasets/shapes").join(table["file"].as_str().unwrap());
    records_plan(&shape_model(model), extra, &records, table["target"].as_str().unwrap(), "")
}

/// Assesses and demands a verdict, whichever.
#[track_caller]
fn judged(desk: &Desk, plan: &str) -> Ran {
    let ran = desk.assess(plan, &[]);
    assert!([0, 1, 3].contains(&ran.code), "{}\n{}", ran.stdout, ran.stderr);
    ran
}

fn inferred(report: &Value, setting: &str) -> Option<String> {
    let notes = report["inferred"].as_array().unwrap();
    notes.iter().find(|note| note["setting"] == setting).map(|note| note["value"].as_str().unwrap().to_owned())
}

#[test]
fn every_table_model_is_assessed() {
    let features = "features = [\"workclass\", \"education\", \"marital-status\", \"occupation\", \"relationship\", \"race\", \
                    \"sex\", \"native-country\"]";
    let models = [
        "zipmap_int",
        "tensor",
        "zipmap_columns",
        "label_only",
        "float64",
        "sigmoid",
        "softmax_batch1",
        "logits",
        "columns_zipmap_string",
        "regression_forest",
        "nan_lightgbm",
        "nan_xgboost",
        "colliding_names",
    ];
    for model in models {
        let desk = Desk::new();
        judged(&desk, &plan(model, ""));
        let report = desk.report();
        let task = if model == "regression_forest" { "regression" } else { "classification" };
        assert_eq!(report["model"]["task"], task, "{model}");
        assert_eq!(inferred(&report, "model.task").as_deref(), Some(task), "{model}: what was inferred is stored");
    }
    let desk = Desk::new();
    judged(&desk, &plan("string_tensor", features));
    assert_eq!(desk.report()["model"]["classes"], serde_json::json!(["<=50K", ">50K"]));
}

#[test]
fn the_logit_model_stops_until_told() {
    let desk = Desk::new();
    desk.assess(&plan("logit", ""), &[]).refuses(&["output = \"logits\""]);
    judged(&desk, &plan("logit", "output = \"logits\""));
}

#[test]
fn labels_as_words_stop_the_sigmoid_until_told() {
    let desk = Desk::new();
    let column = Sheet::shape("cancer").column("target");
    let sheet = Sheet::shape("cancer");
    let words: Vec<&str> =
        sheet.rows.iter().map(|row| if row[column] == "1" { "benign" } else { "malignant" }).collect();
    let file = desk.write("words.csv", sheet.clone().fill("target", |row| words[row].to_owned()).csv());
    let plan = |extra: &str| records_plan(&shape_model("sigmoid"), extra, &file, "target", "");
    desk.assess(&plan(""), &[]).refuses(&["[model] classes"]);
    judged(&desk, &plan("classes = [\"malignant\", \"benign\"]"));
    assert!(desk.report()["model"]["accuracy_members"]["value"].as_f64().unwrap() > 0.9);
}

#[test]
fn renamed_columns_are_matched_and_the_match_is_stored() {
    let desk = Desk::new();
    judged(&desk, &plan("columns_zipmap_string", ""));
    let report = desk.report();
    assert_eq!(inferred(&report, "input education_num").as_deref(), Some("column education-num"));
    assert!(inferred(&report, "input age").is_none(), "an equal name is no inference");
}

#[test]
fn colliding_names_bind_exactly_or_not_at_all() {
    let desk = Desk::new();
    judged(&desk, &plan("colliding_names", ""));
    let columns = desk.report()["data"]["columns"].clone();
    for name in ["a-b", "a_b"] {
        let column = columns.as_array().unwrap().iter().find(|column| column["name"] == name).unwrap();
        assert_eq!(column["input"], name, "each column feeds the input of its own name");
    }
    let file = desk.write("renamed.csv", Sheet::shape("colliding").rename("a-b", "a.b").rename("a_b", "A b").csv());
    let renamed = records_plan(&shape_model("colliding_names"), "", &file, "target", "");
    desk.assess(&renamed, &[]).refuses(&["model input `a-b` could be any of the columns `a.b`, `A b`"]);
    let file = desk.write("absent.csv", Sheet::shape("colliding").without("a-b").csv());
    let absent = records_plan(&shape_model("colliding_names"), "", &file, "target", "");
    desk.assess(&absent, &[]).refuses(&["`a-b`", "has no column of its name"]);
}

#[test]
fn an_unknown_operator_is_named() {
    Desk::new().assess(&plan("unknown_operator", ""), &[]).refuses(&["unknown_operator.onnx", "Mystery"]);
}

#[test]
fn answers_that_are_no_numbers_are_refused() {
    Desk::new().assess(&plan("nan_probability", ""), &[]).refuses(&["`not a number`", "records"]);
}

#[test]
fn label_and_probabilities_that_disagree_are_counted() {
    let desk = Desk::new();
    judged(&desk, &plan("label_disagrees", ""));
    let agreement = desk.report()["model"]["label_agreement"]["value"].as_f64().unwrap();
    assert!(agreement > 0.2 && agreement < 0.99, "{agreement}");
    judged(&desk, &plan("tensor", ""));
    assert_eq!(desk.report()["model"]["label_agreement"]["value"].as_f64(), Some(1.0));
    judged(&desk, &plan("logits", ""));
    assert!(desk.report()["model"]["label_agreement"].is_null(), "without a label output there is nothing to agree");
}

/// Digits as two archives: `members` of the table's file says which record goes where.
fn digits(desk: &Desk, table: &str) -> [PathBuf; 2] {
    let arrays = load_tensor(&repo(&format!("datasets/shapes/tables/{table}.npz")), Limits::default()).unwrap();
    let of = |name: &str| &arrays.iter().find(|(known, _)| known == name).unwrap().1;
    let inside = of("members").to_f64().unwrap();
    [(1.0, "members.npz"), (0.0, "nonmembers.npz")].map(|(side, file)| {
        let rows: Vec<usize> = (0..inside.len()).filter(|&row| (inside[row] - side).abs() < 0.5).collect();
        let bytes =
            |tensor: Tensor| tensor.to_f64().unwrap().into_iter().flat_map(f64::to_le_bytes).collect::<Vec<u8>>();
        let (images, labels) = (of("images").take(&rows), of("labels").take(&rows));
        let shape = [&[rows.len()][..], &images.row_shape].concat();
        desk.write(
            file,
            npz(&[
                ("images", npy("<f8", &shape, &bytes(images))),
                ("labels", npy("<f8", &[rows.len()], &bytes(labels))),
            ]),
        )
    })
}

fn digits_plan(model: &Path, [members, nonmembers]: &[PathBuf; 2]) -> String {
    format!(
        "[model]\npath = '{}'\n[data]\nmembers = '{}'\nnonmembers = '{}'\n",
        model.display(),
        members.display(),
        nonmembers.display()
    )
}

#[test]
fn images_are_assessed() {
    let desk = Desk::new();
    let files = digits(&desk, "digits");
    judged(&desk, &digits_plan(&shape_model("image_logits"), &files));
    assert_eq!(desk.report()["model"]["classes"].as_array().unwrap().len(), 10);
    let accuracy = desk.report()["model"]["accuracy_members"]["value"].as_f64().unwrap();
    assert!(accuracy > 0.9, "the labels are matched to the scores: {accuracy}");
}

/// Labels that are numbers but not 0, 1, ...: matched by what the file says, not by their place.
#[test]
fn labels_three_and_seven_are_matched() {
    let desk = Desk::new();
    let files = digits(&desk, "digits37");
    judged(&desk, &digits_plan(&shape_model("labels_3_7"), &files));
    let report = desk.report();
    assert_eq!(report["model"]["classes"], serde_json::json!(["3", "7"]));
    assert!(report["model"]["accuracy_members"]["value"].as_f64().unwrap() > 0.9);
}

#[test]
fn external_data_is_found_beside_the_model_and_missed_by_name() {
    let desk = Desk::new();
    let files = digits(&desk, "digits");
    let model = desk.copy("datasets/shapes/external_data.onnx", "external_data.onnx");
    desk.assess(&digits_plan(&model, &files), &[]).refuses(&["external_data.onnx.data"]);
    let weights = desk.copy("datasets/shapes/external_data.onnx.data", "external_data.onnx.data");
    judged(&desk, &digits_plan(&model, &files));
    let whole = std::fs::read(&weights).unwrap();
    desk.write("external_data.onnx.data", &whole[..whole.len() / 2]);
    desk.assess(&digits_plan(&model, &files), &[]).refuses(&["external_data.onnx.data"]);
}
