//! Models whose robustness is known.

use crate::check::specimen::{Case, normal, numbers, uniform};
use crate::check::{Answers, Truth};
use crate::data::encode::{Slot, tensors};
use crate::data::{Column, Features, Schema, Table};
use crate::model::contents::specimen::{Attribute, Draft};
use crate::model::trees::specimen::forest;
use crate::model::trees::{self, Rows};
use crate::model::{Predictions, Scale};
use crate::seed::Seed;
use crate::tensor::{Element, Tensor, Values};

fn slots(width: usize) -> Vec<Slot> {
    vec![Slot {
        input: "x".to_owned(),
        columns: (0..width).map(|column| format!("x{column}")).collect(),
        element: Element::F64,
        row_shape: vec![width],
    }]
}

fn table(width: usize, rows: usize, seed: Seed) -> Table {
    let column = |at: usize| numbers(&format!("x{at}"), normal(rows, 0.0, seed.derive(&at.to_string())));
    Table::new((0..width).map(column).collect::<Vec<Column>>())
}

/// A model of two classes that scores rows of normal numbers as given; the truth is what it says.
pub(super) fn case(
    members: Table,
    nonmembers: Table,
    score: impl Fn(&[f64]) -> f64 + Clone + Send + Sync + 'static,
) -> Case {
    let width = members.columns().len();
    let answer = move |inputs: &[Tensor]| {
        let cells = inputs[0].to_f64().expect("numbers");
        let values = cells.chunks(width).flat_map(|row| [0.0, score(row)]).collect();
        Predictions::Scores { scale: Scale::Logit, classes: 2, values, labels: None }
    };
    let side = |table: &Table| {
        let predictions = answer(&tensors(&Features::Table(table.clone()), &slots(width)).expect("numbers"));
        let truth = Truth::Classes((0..predictions.rows()).map(|row| predictions.class(row)).collect());
        Answers { predictions, truth }
    };
    let (a, b) = (side(&members), side(&nonmembers));
    Case::tables(members, nonmembers, Schema::default()).with_model(slots(width), a, b, answer)
}

/// The sign of a weighted sum of columns `x0`, `x1` and so on, each of them N(0, 1).
pub(super) fn linear(weights: &[f64], rows: usize, seed: u64) -> Case {
    let seed = Seed::root(seed).derive("robustness specimen");
    let weights = weights.to_vec();
    let side = |name: &str| table(weights.len(), rows, seed.derive(name));
    let (members, nonmembers) = (side("members"), side("nonmembers"));
    case(members, nonmembers, move |row| row.iter().zip(&weights).map(|(cell, weight)| cell * weight).sum())
}

/// A model with one answer.
pub(super) fn always(rows: usize, seed: u64) -> Case {
    linear(&[0.0, 0.0], rows, seed)
}

/// A model whose answer hangs on a far digit.
pub(super) fn coin(rows: usize, seed: u64) -> Case {
    let seed = Seed::root(seed).derive("coin specimen");
    let score = |row: &[f64]| (row[0] * 1e5).sin();
    case(table(2, rows, seed.derive("members")), table(2, rows, seed.derive("nonmembers")), score)
}

/// One column of quarters from -4 to 4.
fn quarters(name: &str, rows: usize, seed: Seed) -> Column {
    let values = uniform(rows, 33, seed.derive(name)).into_iter().map(|at| f64::from(at) / 4.0 - 4.0);
    numbers(name, values.collect())
}

/// A file with a forest grown at random, records of three columns of quarters, and its classes (1 where the sum is above 0) as a
/// function.
pub(super) fn planted(seed: u64, trees: usize, splits: usize, rows: usize) -> (Case, impl Fn(&[f64]) -> u32 + Clone) {
    let contents = forest(seed, trees, splits, 3);
    let ensemble = trees::specimen::planted(&contents);
    let score = move |row: &[f64]| {
        let tensor = Tensor { row_shape: vec![3], values: Values::F64(row.to_vec()) };
        ensemble.sums(&Rows::of(&tensor, &ensemble).expect("a row"))[0]
    };
    let side = |name: &str| {
        let seed = Seed::root(seed).derive("planted").derive(name);
        Table::new(["x0", "x1", "x2"].map(|column| quarters(column, rows, seed)).to_vec())
    };
    let case = case(side("members"), side("nonmembers"), score.clone()).with_file(contents);
    (case, move |row: &[f64]| u32::from(score(row) > 0.0))
}

/// A file with one tree of so many splits on three columns of quarters, grown at random and cut between the quarters, the
/// records, and the tree as a function.
pub(super) fn grown(splits: usize, rows: usize, seed: Seed) -> (Case, impl Fn(&[f64]) -> u32 + Clone) {
    let draws = |name: &str, levels: u32| uniform(2 * splits + 1, levels, seed.derive(name));
    let (features, cuts, classes) = (draws("features", 3), draws("cuts", 32), draws("classes", 2));
    // A heap: node n has children 2n + 1 and 2n + 2; the first `splits` nodes split.
    let cut = move |node: usize| f64::from(cuts[node]) / 4.0 - 3.875;
    let tree = {
        let (features, cut) = (features.clone(), cut.clone());
        move |row: &[f64]| {
            let mut node = 0;
            while node < splits {
                node = if row[features[node] as usize] <= cut(node) { 2 * node + 1 } else { 2 * node + 2 };
            }
            // Leaves alternate, whatever was drawn, so that there are two answers.
            classes[node] ^ (node as u32 & 1)
        }
    };
    let nodes = 2 * splits + 1;
    let ints = |of: &dyn Fn(usize) -> usize| Attribute::Ints((0..nodes).map(|node| of(node) as i64).collect());
    let leaf = |node: usize| node >= splits;
    let modes = (0..nodes).map(|node| if leaf(node) { "LEAF" } else { "BRANCH_LEQ" }.to_owned()).collect();
    let values = (0..nodes).map(|node| if leaf(node) { 0.0 } else { cut(node) as f32 }).collect();
    let leaves: Vec<i64> = (splits..nodes).map(|node| node as i64).collect();
    let attributes = vec![
        ("nodes_treeids", ints(&|_| 0)),
        ("nodes_nodeids", ints(&|node| node)),
        ("nodes_featureids", ints(&|node| features[node] as usize)),
        ("nodes_modes", Attribute::Texts(modes)),
        ("nodes_values", Attribute::Floats(values)),
        ("nodes_truenodeids", ints(&|node| if leaf(node) { 0 } else { 2 * node + 1 })),
        ("nodes_falsenodeids", ints(&|node| if leaf(node) { 0 } else { 2 * node + 2 })),
        ("class_treeids", Attribute::Ints(vec![0; leaves.len()])),
        ("class_ids", Attribute::Ints(vec![0; leaves.len()])),
        ("class_weights", Attribute::Floats(vec![1.0; leaves.len()])),
        ("class_nodeids", Attribute::Ints(leaves)),
        ("classlabels_int64s", Attribute::Ints(vec![0, 1])),
    ];
    let contents = Draft::default().node("ai.onnx.ml", "TreeEnsembleClassifier", &["x"], attributes).contents();
    let side = |name: &str| {
        let seed = seed.derive(name);
        Table::new(["x0", "x1", "x2"].map(|column| quarters(column, rows, seed)).to_vec())
    };
    let score = {
        let tree = tree.clone();
        move |row: &[f64]| 2.0 * f64::from(tree(row)) - 1.0
    };
    (case(side("members"), side("nonmembers"), score).with_file(contents), tree)
}
