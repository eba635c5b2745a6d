//! Edits of a model file that take disclosures out of it. Nothing is claimed of them here: whoever edits measures again.

use super::contents::{Contents, Part};
use super::graph::encoded;
use super::proto::{AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto, StringStringEntryProto};
use super::trees::{Ensemble, is_ensemble, write};

/// What was changed in a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Edits {
    /// Split constants that are others now.
    pub constants: usize,
    /// Numbers of scalers that are others now.
    pub offsets: usize,
    /// Entries of metadata, documentation texts, names of nodes and training information that are gone.
    pub texts: usize,
    /// Lists of hit rates (training records by node) that are gone.
    pub hit_rates: usize,
}

/// The people in each leaf of an ensemble.
pub type LeafPeople = Vec<Vec<u32>>;

/// What became of the leaves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Merged {
    /// Leaves before.
    pub before: usize,
    /// Leaves after.
    pub after: usize,
    /// Ensembles whose leaves could not be merged.
    pub left: usize,
}

impl Contents {
    /// The file with constants of splits and of scalers rounded to some significant digits, without metadata, documentation
    /// texts, names of nodes, training information and hit rates. What the graph computes changes by the rounding only.
    pub fn rounded(&self, digits: u32) -> (Vec<u8>, Edits) {
        let mut model = self.model().clone();
        let mut edits = Edits::default();
        edits.texts += model.training_info.len();
        model.training_info.clear();
        forget(&mut model.metadata_props, &mut model.doc_string, &mut edits);
        if let Some(graph) = &mut model.graph {
            graph_edits(graph, digits, &mut edits);
        }
        for FunctionProto { node, doc_string, metadata_props, .. } in &mut model.functions {
            forget(metadata_props, doc_string, &mut edits);
            node.iter_mut().for_each(|node| node_edits(node, digits, &mut edits));
        }
        (encoded(&model), edits)
    }

    /// The file without leaves of fewer than `least` people. `people` lists those of every leaf, ensemble by ensemble in
    /// the order of [`Contents::trees`]; an ensemble without a list stays as it is.
    pub fn merged(&self, people: &[Option<LeafPeople>], least: usize) -> (Vec<u8>, Merged) {
        let mut model: ModelProto = self.model().clone();
        let mut merged = Merged::default();
        let mut found = self.trees().iter().zip(people.iter().chain(std::iter::repeat(&None)));
        // Only ensembles of the main graph are read; those elsewhere come in the same order and are passed over.
        let places: Vec<bool> = self
            .nodes()
            .iter()
            .filter(|at| is_ensemble(at.node) && at.part != Part::Training)
            .map(|at| at.part == Part::Graph)
            .collect();
        let nodes = model.graph.iter_mut().flat_map(|graph| &mut graph.node).filter(|node| is_ensemble(node));
        let mut nodes = nodes.collect::<Vec<_>>().into_iter();
        for in_graph in places {
            let Some((tree, counts)) = found.next() else { break };
            let node = if in_graph { nodes.next() } else { None };
            let pruned = match (tree, counts, node) {
                (Ok(ensemble), Some(counts), Some(node)) => prune(ensemble, counts, node, least),
                _ => None,
            };
            match pruned {
                Some((before, after)) => {
                    merged.before += before;
                    merged.after += after;
                }
                None => merged.left += 1,
            }
        }
        (encoded(&model), merged)
    }
}

fn prune(ensemble: &Ensemble, people: &[Vec<u32>], node: &mut NodeProto, least: usize) -> Option<(usize, usize)> {
    let pruned = ensemble.pruned(people, least);
    write::replace(node, &pruned)?;
    Some((ensemble.leaves.len(), pruned.leaves.len()))
}

/// Clears texts and counts those that said something.
fn forget(entries: &mut Vec<StringStringEntryProto>, text: &mut Option<String>, edits: &mut Edits) {
    edits.texts += entries.len() + usize::from(text.as_ref().is_some_and(|text| !text.is_empty()));
    entries.clear();
    *text = None;
}

fn graph_edits(graph: &mut GraphProto, digits: u32, edits: &mut Edits) {
    forget(&mut graph.metadata_props, &mut graph.doc_string, edits);
    // The standard asks for a name.
    edits.texts += usize::from(!matches!(graph.name(), "" | "graph"));
    graph.name = Some("graph".to_owned());
    let values = graph.input.iter_mut().chain(&mut graph.output).chain(&mut graph.value_info);
    values.for_each(|value| forget(&mut value.metadata_props, &mut value.doc_string, edits));
    for tensor in &mut graph.initializer {
        forget(&mut tensor.metadata_props, &mut tensor.doc_string, edits);
    }
    graph.node.iter_mut().for_each(|node| node_edits(node, digits, edits));
}

fn node_edits(node: &mut NodeProto, digits: u32, edits: &mut Edits) {
    forget(&mut node.metadata_props, &mut node.doc_string, edits);
    edits.texts += usize::from(node.name.take().is_some_and(|name| !name.is_empty()));
    for attribute in &mut node.attribute {
        edits.texts += usize::from(attribute.doc_string.take().is_some_and(|text| !text.is_empty()));
        attribute.g.iter_mut().chain(&mut attribute.graphs).for_each(|graph| graph_edits(graph, digits, edits));
    }
    if is_ensemble(node) {
        let before = node.attribute.len();
        node.attribute.retain(|attribute| !attribute.name().starts_with("nodes_hitrates"));
        edits.hit_rates += before - node.attribute.len();
        edits.constants += round_constants(node, digits);
    }
    if (node.op_type(), node.domain()) == ("Scaler", "ai.onnx.ml") {
        for attribute in node.attribute.iter_mut().filter(|a| matches!(a.name(), "offset" | "scale")) {
            edits.offsets += attribute.floats.iter_mut().map(|value| usize::from(round(value, digits))).sum::<usize>();
        }
    }
}

/// Rounds the constants of comparisons by size; codes of categories stay.
fn round_constants(node: &mut NodeProto, digits: u32) -> usize {
    let by_size = |name: &[u8]| matches!(name, b"BRANCH_LEQ" | b"BRANCH_LT" | b"BRANCH_GTE" | b"BRANCH_GT");
    let find = |node: &NodeProto, name: &str| node.attribute.iter().position(|attribute| attribute.name() == name);
    let modes: Vec<bool> = match (find(node, "nodes_modes"), node.op_type()) {
        (Some(at), "TreeEnsemble") => {
            let tensor = node.attribute[at].t.as_ref();
            tensor
                .and_then(|tensor| tensor.raw_data.as_deref())
                .unwrap_or_default()
                .iter()
                .map(|mode| *mode < 4)
                .collect()
        }
        (Some(at), _) => node.attribute[at].strings.iter().map(|name| by_size(name)).collect(),
        (None, _) => Vec::new(),
    };
    let ordered = |at: usize| modes.get(at).copied().unwrap_or(false);
    let mut changed = 0;
    for AttributeProto { name, floats, t, .. } in &mut node.attribute {
        if !matches!(name.as_deref(), Some("nodes_values" | "nodes_values_as_tensor" | "nodes_splits")) {
            continue;
        }
        let mut edit = |(at, value): (usize, &mut f32)| changed += usize::from(ordered(at) && round(value, digits));
        floats.iter_mut().enumerate().for_each(&mut edit);
        let Some(tensor) = t else { continue };
        tensor.float_data.iter_mut().enumerate().for_each(&mut edit);
        let kind = tensor.data_type();
        let mut edit_wide = |at: usize, value: &mut f64| {
            let rounded = if ordered(at) { significant(*value, digits) } else { *value };
            changed += usize::from(rounded != *value && !value.is_nan());
            *value = rounded;
        };
        tensor.double_data.iter_mut().enumerate().for_each(|(at, value)| edit_wide(at, value));
        let raw = tensor.raw_data.as_deref_mut().unwrap_or_default();
        if kind == 11 {
            for (at, bytes) in raw.as_chunks_mut::<8>().0.iter_mut().enumerate() {
                let mut value = f64::from_le_bytes(*bytes);
                edit_wide(at, &mut value);
                *bytes = value.to_le_bytes();
            }
        } else if kind == 1 {
            for (at, bytes) in raw.as_chunks_mut::<4>().0.iter_mut().enumerate() {
                let value = f32::from_le_bytes(*bytes);
                let mut rounded = f64::from(value);
                edit_wide(at, &mut rounded);
                *bytes = (rounded as f32).to_le_bytes();
            }
        }
    }
    changed
}

/// Rounds in place; whether the number is another now.
fn round(value: &mut f32, digits: u32) -> bool {
    let rounded = significant(f64::from(*value), digits) as f32;
    let changed = rounded != *value && !value.is_nan();
    *value = rounded;
    changed
}

/// A number with that many significant decimal digits.
///
/// ```
/// use privet::model::repair::significant;
/// assert_eq!(significant(1234.5, 2), 1200.0);
/// assert_eq!(significant(-0.098_76, 3), -0.098_8);
/// ```
pub fn significant(value: f64, digits: u32) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let place = f64::from(digits) - 1.0 - value.abs().log10().floor();
    let scale = 10_f64.powf(place);
    let rounded = (value * scale).round() / scale;
    if rounded.is_finite() { rounded } else { value }
}
