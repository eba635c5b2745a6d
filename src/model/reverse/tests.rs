//! Against the reference evaluator of the onnx package, ONNX Runtime and numpy: `tests/golden/reverse.py`.

use std::path::Path;

use serde_json::Value;

use super::Array;
use crate::model::contents::Contents;
use crate::model::contents::specimen::{Attribute, Draft};

fn list(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

#[test]
fn answers_and_slopes_are_those_of_the_reference() {
    let folder = Path::new("tests/golden/reverse");
    let cases: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(folder.join("cases.json")).unwrap()).unwrap();
    assert!(cases.len() >= 11);
    for case in &cases {
        let name = case["file"].as_str().unwrap();
        let (_, contents, _) = Contents::load(&folder.join(name)).unwrap();
        let reverse = contents.reverse();
        assert_eq!(reverse.obstacle(), None, "{name}");
        let shape = list(&case["shape"]).into_iter().map(|size| size as usize).collect();
        let trace = reverse.forward(&[Array::new(shape, list(&case["input"])).unwrap()]);
        let (output, slopes) = (list(&case["output"]), list(&case["slopes"]));
        let near = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-6 * b.abs().max(1.0));
        let found = trace.of_size(output.len()).find(|&tensor| near(trace.numbers(tensor).unwrap(), &output));
        let tensor = found.unwrap_or_else(|| panic!("no tensor of {name} is its output"));
        let along = reverse.backward(&trace, tensor, &list(&case["weights"])).unwrap();
        assert!(near(&along[0], &slopes), "{name}: {:?} is not {slopes:?}", along[0]);
    }
}

#[test]
fn whatever_hangs_on_another_operator_is_not_computed() {
    let contents = Draft::default()
        .constant("w", &[2, 2], vec![1.0, 2.0, 3.0, 4.0])
        .node("", "Erf", &["w"], Vec::new())
        .node("", "Relu", &["out0"], Vec::new())
        .node("", "Relu", &["w"], Vec::new())
        .contents();
    let reverse = contents.reverse();
    assert_eq!(reverse.obstacle(), Some("Erf"));
    let trace = reverse.forward(&[]);
    assert_eq!(trace.of_size(4).count(), 1, "the second Relu alone");
}

/// Where versions and runtimes differ in what an operator computes, it has no rule.
#[test]
fn what_is_not_said_alike_everywhere_is_not_computed() {
    let refused = |settings: &[(&'static str, i64)]| {
        let mut attributes: Vec<(&'static str, Attribute)> =
            settings.iter().map(|&(name, value)| (name, Attribute::Int(value))).collect();
        attributes.push(("kernel_shape", Attribute::Ints(vec![2, 2])));
        let draft = Draft::default().constant("c", &[1, 1, 3, 3], vec![1.0; 9]);
        draft.node("", "AveragePool", &["c"], attributes).contents().reverse().obstacle().is_some()
    };
    assert!(!refused(&[("ceil_mode", 1)]) && !refused(&[("count_include_pad", 1)]));
    assert!(refused(&[("ceil_mode", 1), ("count_include_pad", 1)]));
}

/// A file may ask for anything.
#[test]
fn hostile_shapes_end_in_nothing() {
    let wide = Attribute::Ints(vec![1 << 40, 1 << 40]);
    let contents = Draft::default()
        .constant("a", &[1, 3000], vec![1.0; 3000])
        .constant("b", &[3000, 1], vec![1.0; 3000])
        .constant("c", &[1, 1, 2, 2], vec![1.0; 4])
        .node("", "Add", &["a", "b"], Vec::new())
        .node("", "MatMul", &["b", "a"], Vec::new())
        .node("", "MaxPool", &["c"], vec![("kernel_shape", wide)])
        .node("", "MaxPool", &["c"], vec![("kernel_shape", Attribute::Ints(vec![3, 3]))])
        .node("", "Transpose", &["c"], vec![("perm", Attribute::Ints(vec![9, 0, 1, 2]))])
        .node("", "Reshape", &["c", "a"], Vec::new())
        .node("", "Concat", &["a", "c"], vec![("axis", Attribute::Int(-9))])
        .node("", "Conv", &["c", "a"], vec![("kernel_shape", Attribute::Ints(vec![1, 1]))])
        .node("", "BatchNormalization", &["c", "a"], Vec::new())
        .contents();
    let trace = contents.reverse().forward(&[]);
    let sizes = [9_000_000, 4, 3004, 3000];
    assert!(sizes.iter().all(|&size| trace.of_size(size).next().is_none()), "nothing fits");
    assert_eq!(trace.cost, 0);
}
