//! Forests grown at random, for tests.

use super::Ensemble;
use crate::model::contents::Contents;
use crate::model::contents::specimen::{Attribute, Draft};
use crate::seed::Seed;
use rand::Rng;

/// A file whose only node is a forest of `trees` trees of `splits` splits each over the first `columns` columns of `x`, cut in
/// the middle between quarters from -4 to 4, with values of -2 to 2 in steps of a quarter in its leaves.
pub(crate) fn forest(seed: u64, trees: usize, splits: usize, columns: usize) -> Contents {
    let mut stream = Seed::root(seed).derive("forest specimen").stream();
    let mut draw = |levels: usize| stream.next_u32() as usize % levels;
    // A heap: node n has children 2n + 1 and 2n + 2; the first nodes split.
    let nodes = 2 * splits + 1;
    let split = |node: usize| node < splits;
    let all = || (0..trees).flat_map(|tree| (0..nodes).map(move |node| (tree, node)));
    let ints = |of: &mut dyn FnMut(usize, usize) -> usize| {
        Attribute::Ints(all().map(|(tree, node)| of(tree, node) as i64).collect())
    };
    let features = ints(&mut |_, _| draw(columns));
    let values = all().map(|(_, node)| if split(node) { draw(32) as f32 / 4.0 - 3.875 } else { 0.0 }).collect();
    let modes = all().map(|(_, node)| if split(node) { "BRANCH_LEQ" } else { "LEAF" }.to_owned()).collect();
    let leaves: Vec<(usize, usize)> = all().filter(|(_, node)| !split(*node)).collect();
    let weights = leaves.iter().map(|_| draw(17) as f32 / 4.0 - 2.0).collect();
    let of_leaves =
        |of: &dyn Fn(&(usize, usize)) -> usize| Attribute::Ints(leaves.iter().map(|l| of(l) as i64).collect());
    let attributes = vec![
        ("nodes_treeids", ints(&mut |tree, _| tree)),
        ("nodes_nodeids", ints(&mut |_, node| node)),
        ("nodes_featureids", features),
        ("nodes_modes", Attribute::Texts(modes)),
        ("nodes_values", Attribute::Floats(values)),
        ("nodes_truenodeids", ints(&mut |_, node| if split(node) { 2 * node + 1 } else { 0 })),
        ("nodes_falsenodeids", ints(&mut |_, node| if split(node) { 2 * node + 2 } else { 0 })),
        ("target_treeids", of_leaves(&|leaf| leaf.0)),
        ("target_nodeids", of_leaves(&|leaf| leaf.1)),
        ("target_ids", of_leaves(&|_| 0)),
        ("target_weights", Attribute::Floats(weights)),
        ("n_targets", Attribute::Int(1)),
    ];
    Draft::default().node("ai.onnx.ml", "TreeEnsembleRegressor", &["x"], attributes).contents()
}

/// The forest of such a file.
pub(crate) fn planted(contents: &Contents) -> Ensemble {
    contents.trees()[0].clone().expect("a forest that can be read")
}
