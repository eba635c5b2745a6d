//! Ensembles that no exporter writes.

use super::{Ensemble, Rows, Unreadable, of_contents};
use crate::model::contents::specimen::Draft;
use crate::model::proto::{AttributeProto, NodeProto, TensorProto};
use crate::tensor::{Tensor, Values};

fn ints(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto { name: Some(name.to_owned()), ints: values.to_vec(), ..AttributeProto::default() }
}

fn floats(name: &str, values: &[f32]) -> AttributeProto {
    AttributeProto { name: Some(name.to_owned()), floats: values.to_vec(), ..AttributeProto::default() }
}

fn texts(name: &str, values: &[&str]) -> AttributeProto {
    let strings = values.iter().map(|text| text.as_bytes().to_vec()).collect();
    AttributeProto { name: Some(name.to_owned()), strings, ..AttributeProto::default() }
}

fn tensor(name: &str, data_type: i32, raw: Vec<u8>, size: usize) -> AttributeProto {
    let tensor = TensorProto {
        dims: vec![size as i64],
        data_type: Some(data_type),
        raw_data: Some(raw),
        ..TensorProto::default()
    };
    AttributeProto { name: Some(name.to_owned()), t: Some(tensor), ..AttributeProto::default() }
}

/// `x[0] <= 1 ? 10 : (x[1] > 2 ? 20 : 30)`.
fn stump() -> Vec<AttributeProto> {
    vec![
        ints("nodes_treeids", &[0, 0, 0, 0, 0]),
        ints("nodes_nodeids", &[0, 1, 2, 3, 4]),
        ints("nodes_featureids", &[0, 0, 1, 0, 0]),
        texts("nodes_modes", &["BRANCH_LEQ", "LEAF", "BRANCH_GT", "LEAF", "LEAF"]),
        floats("nodes_values", &[1.0, 0.0, 2.0, 0.0, 0.0]),
        ints("nodes_truenodeids", &[1, 0, 3, 0, 0]),
        ints("nodes_falsenodeids", &[2, 0, 4, 0, 0]),
        ints("target_treeids", &[0, 0, 0]),
        ints("target_nodeids", &[1, 3, 4]),
        ints("target_ids", &[0, 0, 0]),
        floats("target_weights", &[10.0, 20.0, 30.0]),
        ints("nodes_missing_value_tracks_true", &[0, 0, 1, 0, 0]),
    ]
}

/// The same tree with codes 5 and 7 of the first column going to 10, in the operator of opset 5.
fn numbered() -> Vec<AttributeProto> {
    let f32s = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    vec![
        ints("tree_roots", &[0]),
        ints("nodes_featureids", &[0, 1]),
        tensor("nodes_modes", 2, vec![6, 3], 2),
        tensor("nodes_splits", 1, f32s(&[0.0, 2.0]), 2),
        tensor("membership_values", 1, f32s(&[5.0, 7.0, f32::NAN]), 3),
        ints("nodes_truenodeids", &[0, 1]),
        ints("nodes_trueleafs", &[1, 1]),
        ints("nodes_falsenodeids", &[1, 2]),
        ints("nodes_falseleafs", &[0, 1]),
        ints("leaf_targetids", &[0, 0, 0]),
        tensor("leaf_weights", 1, f32s(&[10.0, 20.0, 30.0]), 3),
    ]
}

fn read(operator: &str, attribute: Vec<AttributeProto>) -> Result<Ensemble, String> {
    let node = NodeProto {
        op_type: Some(operator.to_owned()),
        domain: Some("ai.onnx.ml".to_owned()),
        input: vec!["x".to_owned()],
        attribute,
        ..NodeProto::default()
    };
    of_contents(&Draft::default().with(node).contents()).remove(0).map_err(|Unreadable { what, .. }| what)
}

fn with(mut attributes: Vec<AttributeProto>, changed: AttributeProto) -> Vec<AttributeProto> {
    attributes.retain(|attribute| attribute.name != changed.name);
    attributes.push(changed);
    attributes
}

fn sums(ensemble: &Ensemble, rows: &[[f32; 2]]) -> Vec<f64> {
    let rows = Tensor { row_shape: vec![2], values: Values::F32(rows.concat()) };
    ensemble.sums(&Rows::of(&rows, ensemble).expect("the rows are wide enough"))
}

#[test]
fn rows_take_the_branch_of_their_comparison() {
    let tree = read("TreeEnsembleRegressor", stump()).expect("it is a tree");
    let rows = [[1.0, 9.0], [1.5, 2.5], [1.5, 2.0], [f32::NAN, 2.0], [2.0, f32::NAN]];
    // A missing first cell goes to the right, a missing second one satisfies its split.
    assert_eq!(sums(&tree, &rows), [10.0, 20.0, 30.0, 30.0, 20.0]);
    assert_eq!((tree.trees(), tree.depth(), tree.leaves_of(0)), (1, 2, 0..3));
    assert_eq!([tree.path(0), tree.path(1), tree.path(2)], [vec![0], vec![0, 1], vec![0, 1]]);
}

#[test]
fn the_operator_of_opset_5_tests_sets_of_codes() {
    let tree = read("TreeEnsemble", numbered()).expect("it is a tree");
    assert_eq!(sums(&tree, &[[5.0, 0.0], [7.0, 0.0], [6.0, 3.0], [6.0, 2.0]]), [10.0, 10.0, 20.0, 30.0]);
}

/// Written and read again, the trees are the same; so are small leaves merged, a tree that is nothing but a leaf among them.
#[test]
fn trees_of_opset_5_are_written_as_they_were_read() {
    let written = |ensemble: &Ensemble, wide: bool| {
        let splits =
            if wide { tensor("nodes_splits", 11, vec![0; 16], 2) } else { tensor("nodes_splits", 1, vec![0; 8], 2) };
        let mut node = NodeProto {
            op_type: Some("TreeEnsemble".to_owned()),
            domain: Some("ai.onnx.ml".to_owned()),
            input: vec!["x".to_owned()],
            attribute: vec![splits, AttributeProto { i: Some(2), ..ints("n_targets", &[]) }],
            ..NodeProto::default()
        };
        super::write::replace(&mut node, ensemble).expect("opset 5 can say it");
        read("TreeEnsemble", node.attribute).expect("what was written is a tree")
    };
    let rows = [[5.0, 0.0], [7.0, 0.0], [6.0, 3.0], [6.0, 2.0], [f32::NAN, f32::NAN]];
    let tree = read("TreeEnsemble", numbered()).expect("it is a tree");
    let people =
        |[a, b, c]: [u32; 3]| [(0, a), (100, b), (200, c)].map(|(from, n)| (from..from + n).collect::<Vec<u32>>());
    for wide in [false, true] {
        for counts in [[20, 20, 20], [5, 20, 20], [20, 20, 5], [20, 3, 2]] {
            let pruned = tree.pruned(&people(counts), 11);
            let again = written(&pruned, wide);
            let first =
                |sums: Vec<f64>| sums.iter().step_by(again.targets).map(|v| (v * 1e4).round()).collect::<Vec<f64>>();
            assert_eq!(
                first(sums(&again, &rows)),
                sums(&pruned, &rows).iter().map(|v| (v * 1e4).round()).collect::<Vec<f64>>()
            );
            assert_eq!(
                (again.leaves.len(), again.splits.len()),
                (pruned.leaves.len(), pruned.splits.len()),
                "{counts:?}"
            );
        }
    }
}

/// Leaves that speak of two targets after they were merged: the sum is the same as that of a tree for each; a mean has no such form.
#[test]
fn merged_leaves_of_two_targets_become_two_trees() {
    let two = vec![
        ints("leaf_targetids", &[0, 1, 0]),
        AttributeProto { i: Some(2), ..ints("n_targets", &[]) },
        AttributeProto { i: Some(1), ..ints("aggregate_function", &[]) },
    ];
    let attributes = two.into_iter().fold(numbered(), with);
    let tree = read("TreeEnsemble", attributes.clone()).expect("it is a tree");
    let people: Vec<Vec<u32>> = vec![(0..20).collect(), (100..115).collect(), (200..205).collect()];
    let pruned = tree.pruned(&people, 11);
    let node = |attribute: Vec<AttributeProto>| NodeProto {
        op_type: Some("TreeEnsemble".to_owned()),
        domain: Some("ai.onnx.ml".to_owned()),
        input: vec!["x".to_owned()],
        attribute,
        ..NodeProto::default()
    };
    let mut written = node(attributes);
    super::write::replace(&mut written, &pruned).expect("a sum has two trees");
    let again = read("TreeEnsemble", written.attribute.clone()).expect("it is two trees");
    let rows = [[5.0, 0.0], [6.0, 3.0], [6.0, 2.0]];
    assert_eq!(again.trees(), 2);
    assert_eq!(sums(&again, &rows), sums(&pruned, &rows));
    // 15 people with 20 of the second, 5 with 30 of the first.
    assert_eq!(sums(&pruned, &rows), [10.0, 0.0, 7.5, 15.0, 7.5, 15.0]);
    let mean = Ensemble { aggregate: super::Aggregate::Average, ..pruned };
    assert!(super::write::replace(&mut written, &mean).is_none());
}

/// Each is refused with a reason; none panics, none runs for ever.
#[test]
fn attributes_that_lie_are_refused() {
    let lies = vec![
        (ints("nodes_nodeids", &[0, 1, 2, 3]), "differ in length"),
        (floats("nodes_values", &[1.0]), "differ in length"),
        (ints("nodes_nodeids", &[0, 1, 2, 3, 3]), "same number"),
        (ints("nodes_truenodeids", &[1, 0, 99, 0, 0]), "leads nowhere"),
        (ints("nodes_truenodeids", &[1, 0, 0, 0, 0]), "two ways"),
        (ints("nodes_truenodeids", &[2, 0, 2, 0, 0]), "two ways"),
        (ints("nodes_truenodeids", &[-1, 0, i64::MIN, 0, 0]), "leads nowhere"),
        (ints("nodes_featureids", &[-5, 0, 1, 0, 0]), "no column"),
        (ints("nodes_featureids", &[i64::MAX, 0, 1, 0, 0]), "no column"),
        (texts("nodes_modes", &["BRANCH_LEQ", "LEAF", "BRANCH_XOR", "LEAF", "LEAF"]), "comparison"),
        (ints("target_nodeids", &[1, 3, 77]), "belongs to no node"),
        (ints("target_ids", &[0, 0, 4]), "does not exist"),
        (ints("target_ids", &[0, 0, -4]), "does not exist"),
        (ints("target_treeids", &[0]), "differ in length"),
        (floats("target_weights", &[f32::NAN, 1.0, 1.0]), "not a number"),
        (floats("base_values", &[1.0; 9]), "base values"),
        (ints("nodes_missing_value_tracks_true", &[1]), "differ in length"),
        (ints("nodes_treeids", &[0, 1, 0, 1, 0]), "belongs to no node"),
        (ints("nodes_treeids", &[]), "differ in length"),
        (tensor("nodes_values_as_tensor", 11, vec![1, 2, 3], 5), "type or length"),
        (tensor("nodes_values_as_tensor", 11, Vec::new(), usize::MAX), "type or length"),
    ];
    for (lie, reason) in lies {
        let name = lie.name.clone().unwrap_or_default();
        let error = read("TreeEnsembleRegressor", with(stump(), lie)).unwrap_err();
        assert!(error.contains(reason), "{name}: {error}");
    }
    let empty = read("TreeEnsembleRegressor", Vec::new()).unwrap_err();
    assert!(empty.contains("no tree"), "{empty}");
}

#[test]
fn lies_in_the_operator_of_opset_5_are_refused() {
    let lies = [
        (ints("tree_roots", &[7]), "leads nowhere"),
        (ints("tree_roots", &[0, 0]), "two ways"),
        (ints("nodes_falsenodeids", &[0, 2]), "two ways"),
        (ints("nodes_falsenodeids", &[1, 3]), "leads nowhere"),
        (tensor("nodes_modes", 2, vec![6, 9], 2), "comparison"),
        (tensor("membership_values", 1, Vec::new(), 9), "type or length"),
        (ints("leaf_targetids", &[0]), "differ in length"),
        (tensor("nodes_splits", 8, vec![0; 8], 2), "type or length"),
    ];
    for (lie, reason) in lies {
        let name = lie.name.clone().unwrap_or_default();
        let error = read("TreeEnsemble", with(numbered(), lie)).unwrap_err();
        assert!(error.contains(reason), "{name}: {error}");
    }
}

/// A path of a million comparisons would cost every row a million steps.
#[test]
fn a_tree_without_end_is_refused() {
    let depth = 20_000_i64;
    let nodes = 2 * depth + 1;
    let ids: Vec<i64> = (0..nodes).collect();
    let is_split = |id: &i64| id % 2 == 0 && *id < nodes - 1;
    let modes: Vec<&str> = ids.iter().map(|id| if is_split(id) { "BRANCH_LEQ" } else { "LEAF" }).collect();
    let long = vec![
        ints("nodes_treeids", &vec![0; nodes as usize]),
        ints("nodes_nodeids", &ids),
        ints("nodes_featureids", &vec![0; nodes as usize]),
        texts("nodes_modes", &modes),
        floats("nodes_values", &vec![0.0; nodes as usize]),
        ints("nodes_truenodeids", &ids.iter().map(|id| if is_split(id) { id + 1 } else { 0 }).collect::<Vec<_>>()),
        ints("nodes_falsenodeids", &ids.iter().map(|id| if is_split(id) { id + 2 } else { 0 }).collect::<Vec<_>>()),
    ];
    assert!(read("TreeEnsembleRegressor", long).unwrap_err().contains("deeper"));
}

#[test]
fn rows_that_are_too_narrow_are_not_routed() {
    let tree = read("TreeEnsembleRegressor", with(stump(), ints("nodes_featureids", &[4_000_000_000, 0, 1, 0, 0])));
    let rows = Tensor { row_shape: vec![2], values: Values::F32(vec![1.0, 2.0]) };
    assert!(Rows::of(&rows, &tree.expect("it is a tree")).is_none());
}

/// A stump whose right side is a split: small leaves beside a leaf are merged, small leaves beside a split left out.
#[test]
fn small_leaves_are_merged_or_left_out() {
    let tree = read("TreeEnsembleRegressor", stump()).expect("it is a tree");
    let rows = [[1.0, 0.0], [2.0, 3.0], [2.0, 1.0]];
    let people =
        |[a, b, c]: [u32; 3]| [(0, a), (100, b), (200, c)].map(|(from, n)| (from..from + n).collect::<Vec<u32>>());
    assert_eq!(sums(&tree.pruned(&people([20, 20, 20]), 11), &rows), [10.0, 20.0, 30.0]);
    // 20 people with 20 and 5 with 30: 22.
    assert_eq!(sums(&tree.pruned(&people([20, 20, 5]), 11), &rows), [10.0, 22.0, 22.0]);
    // The left leaf is small: its rows go on to the right.
    assert_eq!(sums(&tree.pruned(&people([5, 20, 20]), 11), &rows), [30.0, 20.0, 30.0]);
    // The right side together is still small: all is one leaf, 20 x 10 + 3 x 20 + 2 x 30 over 25.
    let one = tree.pruned(&people([20, 3, 2]), 11);
    assert_eq!((sums(&one, &rows), one.leaves.len(), one.splits.len()), (vec![12.8; 3], 1, 0));
    // Eight people with 20 and the same eight with 30 are eight people.
    let eight = (0..8).collect::<Vec<u32>>();
    let same = tree.pruned(&[(0..20).collect(), eight.clone(), eight], 11);
    assert_eq!(same.leaves.len(), 1);
}
