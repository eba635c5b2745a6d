//! The trees that are read from a file give the runtime's answers.

use std::path::Path;

use privet::cli::onnxruntime::candidates;
use privet::data::encode::{Slot, tensors};
use privet::data::{Features, Reading as Files, Table, load_table};
use privet::model::contents::Contents;
use privet::model::graph::Graph;
use privet::model::trees::{Ensemble, Rows, Transform};
use privet::model::{Inside, OnnxModel, binding, runtime};
use privet::tensor::{Tensor, Values};

use crate::support::{Desk, records_plan, repo, shape_model};

fn slots(graph: &Graph, table: &Table, left_out: &[&str]) -> Vec<Slot> {
    let names: Vec<String> = table.columns().iter().map(|column| column.name.clone()).collect();
    let features: Vec<String> = names.into_iter().filter(|name| !left_out.contains(&name.as_str())).collect();
    let feeds = binding::bind(graph, &features, None).unwrap();
    let slot = |feed: binding::Feed| Slot {
        input: feed.input,
        columns: feed.columns,
        element: feed.element,
        row_shape: feed.row_shape,
    };
    feeds.into_iter().map(slot).collect()
}

/// The operator's own last step, as the runtime takes it.
fn finished(ensemble: &Ensemble, sums: &[f64]) -> Vec<f64> {
    let logistic = |z: f64| 1.0 / (1.0 + (-z).exp());
    let one_number = (0..ensemble.leaves.len()).all(|leaf| ensemble.weights(leaf).len() <= 1);
    let row = |row: &[f64]| -> Vec<f64> {
        match (ensemble.transform, row) {
            // Two classes and one number a leaf: the number belongs to the second class.
            (Transform::None, [a, b]) if one_number => vec![1.0 - (a + b), a + b],
            (Transform::Logistic, [a, b]) if one_number => vec![logistic(-(a + b)), logistic(a + b)],
            (Transform::None, row) => row.to_vec(),
            (Transform::Logistic, row) => row.iter().map(|&z| logistic(z)).collect(),
            (Transform::Softmax, row) => {
                let top = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let weights: Vec<f64> = row.iter().map(|z| (z - top).exp()).collect();
                weights.iter().map(|weight| weight / weights.iter().sum::<f64>()).collect()
            }
            (other, _) => panic!("{other:?} is not in these files"),
        }
    };
    sums.chunks(ensemble.targets).flat_map(row).collect()
}

/// The largest gap between the answers of the runtime and those of the trees, over all rows of a table.
fn gap(model: &str, data: &str, left_out: &[&str], missing: &[&str]) -> f64 {
    let path = repo(model);
    let (graph, contents, bytes) = Contents::load(&path).unwrap();
    let runtime = runtime::load(&candidates(None)).unwrap();
    let files = Files { missing: missing.iter().map(|&text| text.to_owned()).collect(), ..Files::default() };
    let table = load_table(&[(Path::new(&repo(data)), "the table")], &files).unwrap().remove(0);
    let slots = slots(&graph, &table, left_out);
    let inputs = tensors(&Features::Table(table), &slots).unwrap();
    let ensemble = contents.trees()[0].as_ref().unwrap();
    let fed = if let Some(at) = slots.iter().position(|slot| slot.input == ensemble.input) {
        inputs[at].clone()
    } else {
        let inside = Inside::new(graph.clone(), runtime, None);
        let names = [ensemble.input.clone()];
        let stage = inside.stages(&contents, &names, &inputs, &|width| width > 0).unwrap().kept.remove(0);
        Tensor { row_shape: vec![stage.width], values: Values::F32(stage.values) }
    };
    let ours = finished(ensemble, &ensemble.sums(&Rows::of(&fed, ensemble).unwrap()));
    let outputs = OnnxModel::open(&path, &graph, bytes, runtime).unwrap().run(&inputs).unwrap();
    let is_scores = |tensor: &&Tensor| matches!(tensor.values, Values::F32(_)) && tensor.row_len() == ensemble.targets;
    let theirs = outputs.iter().map(|(_, tensor)| tensor).find(is_scores).unwrap().to_f64().unwrap();
    assert_eq!(ours.len(), theirs.len(), "{model}");
    assert!(theirs.len() >= 100, "{model}");
    ours.iter().zip(&theirs).map(|(a, b)| (a - b).abs() / b.abs().max(1.0)).fold(0.0, f64::max)
}

const HEART: &str = "datasets/shapes/tables/heart.csv";
const DIABETES: &str = "datasets/shapes/tables/diabetes.csv";
const READMISSION: &[&str] = &["readmitted", "patient_nbr", "encounter_id"];

/// Forests that vote, boosted trees of two libraries with missing values, pipelines with encoders, a regression, three
/// classes, and the operator of opset 5.
#[test]
fn trees_give_the_runtimes_answers() {
    let cases: [(&str, &str, &[&str], &[&str]); 8] = [
        ("datasets/heart/overfit.onnx", "datasets/heart/heart.csv", &["disease", "split"], &["?"]),
        ("datasets/shapes/nan_lightgbm.onnx", HEART, &["disease", "split"], &[]),
        ("datasets/shapes/nan_xgboost.onnx", HEART, &["disease", "split"], &[]),
        ("datasets/shapes/regression_forest.onnx", DIABETES, &["target", "split"], &[]),
        ("datasets/shapes/trees_opset5.onnx", DIABETES, &["target", "split"], &[]),
        ("datasets/shapes/trees_softmax.onnx", "datasets/shapes/tables/wine.csv", &["target", "split"], &[]),
        ("datasets/readmission/overfit.onnx", "datasets/readmission/nonmembers.parquet", READMISSION, &[]),
        ("datasets/readmission/regularised.onnx", "datasets/readmission/members.parquet", READMISSION, &[]),
    ];
    for (model, data, left_out, missing) in cases {
        let gap = gap(model, data, left_out, missing);
        // Sums of up to 500 numbers, ours in 64 bits, theirs in 32.
        assert!(gap < 2e-6, "{model}: {gap}");
    }
}

/// The sentence of a finding about a model of `datasets/shapes` on the heart table.
fn sentence(model: &str, measure: &str) -> String {
    let desk = Desk::new();
    let plan = records_plan(&shape_model(model), "", &repo(HEART), "disease", "");
    desk.assess(&plan, &["--exit-zero"]).exits(0);
    let report = desk.report();
    let findings = report["findings"].as_array().unwrap();
    let found = findings.iter().find(|finding| finding["measure"] == measure);
    found.unwrap_or_else(|| panic!("{measure} was measured"))["sentence"].as_str().unwrap().to_owned()
}

/// XGBoost splits at cells of the training data, LightGBM midway between two; `benches/tree_disclosure.py` shows both on
/// larger data, beside numpy.
#[test]
fn split_constants_are_traced_to_members() {
    let (cells, midpoints) = ("disclosure/threshold-cells-excess", "disclosure/threshold-midpoints-excess");
    let xgboost = sentence("nan_xgboost", cells);
    assert!(xgboost.starts_with("100.0 % of the") && xgboost.contains("exact value of a cell"), "{xgboost}");
    let lightgbm = sentence("nan_lightgbm", midpoints);
    // The others are LightGBM's own constant between zero and anything above, 1e-35.
    assert!(lightgbm.starts_with("90.0 % of the") && lightgbm.contains("in the middle"), "{lightgbm}");
    assert!(sentence("nan_lightgbm", cells).starts_with("0.0 % of the"));
}
