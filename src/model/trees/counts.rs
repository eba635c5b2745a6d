//! Numbers of training records that a file states leaf by leaf: the tables beside the trees of an isolation forest.

use std::collections::BTreeMap;

use super::parse::is_ensemble;
use crate::model::contents::{Contents, Part};
use crate::model::proto::NodeProto;

/// Operators between a tree and its table that change no number.
const COPIES: [&str; 4] = ["Cast", "Identity", "Reshape", "Squeeze"];

/// The counts of each tree: the values of the tables that translate leaves into whole numbers which add up to the same
/// total (the sample size) in at least half of the trees. Tables of depths do not. O(nodes log nodes).
pub(in crate::model) fn of_contents(contents: &Contents) -> Vec<Vec<u64>> {
    let nodes: Vec<&NodeProto> =
        contents.nodes().into_iter().filter(|at| at.part == Part::Graph).map(|at| at.node).collect();
    let producer: BTreeMap<&str, &NodeProto> =
        nodes.iter().flat_map(|node| node.output.iter().map(|name| (name.as_str(), *node))).collect();
    let trees = nodes.iter().filter(|node| is_ensemble(node)).count();
    let tables = nodes.iter().filter(|node| node.op_type() == "LabelEncoder" && reads_tree(node, &producer));
    let mut by_total: BTreeMap<u64, Vec<Vec<u64>>> = BTreeMap::new();
    for counts in tables.filter_map(|node| whole(node)) {
        by_total.entry(counts.iter().sum()).or_default().push(counts);
    }
    let found = by_total.into_values().max_by_key(Vec::len).unwrap_or_default();
    if found.len() >= 2 && 2 * found.len() >= trees { found } else { Vec::new() }
}

fn reads_tree(node: &NodeProto, producer: &BTreeMap<&str, &NodeProto>) -> bool {
    let mut node = node;
    // A circle would need more steps than operators that copy stand in a row anywhere.
    for _ in 0..8 {
        let Some(before) = node.input.first().and_then(|name| producer.get(name.as_str())) else { return false };
        if is_ensemble(before) {
            return true;
        }
        if !COPIES.contains(&before.op_type()) {
            return false;
        }
        node = before;
    }
    false
}

/// The values of a table, if they are whole numbers from 1 on.
fn whole(node: &NodeProto) -> Option<Vec<u64>> {
    let values = |name: &str| node.attribute.iter().find(|attribute| attribute.name() == name);
    let floats = values("values_floats").map(|a| a.floats.iter().map(|&v| f64::from(v)).collect::<Vec<f64>>());
    let ints = values("values_int64s").map(|a| a.ints.iter().map(|&v| v as f64).collect::<Vec<f64>>());
    let numbers = floats.filter(|list| !list.is_empty()).or(ints)?;
    let counts = numbers.iter().all(|v| *v >= 1.0 && *v <= 1e9 && v.fract() == 0.0);
    (counts && !numbers.is_empty()).then(|| numbers.into_iter().map(|v| v as u64).collect())
}
