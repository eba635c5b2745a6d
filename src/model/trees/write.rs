//! An [`Ensemble`] back into the attributes of its node.

use super::{Ensemble, Mode};
use crate::model::proto::attribute_proto::AttributeType;
use crate::model::proto::{AttributeProto, NodeProto, TensorProto};

/// Writes the trees into the node that they were read from; nothing where it is of opset 5, whose attributes differ, or
/// where an attribute keeps a length that no longer fits.
pub(in crate::model) fn replace(node: &mut NodeProto, ensemble: &Ensemble) -> Option<()> {
    let of = match node.op_type() {
        "TreeEnsembleClassifier" => "class",
        "TreeEnsembleRegressor" => "target",
        _ => return None,
    };
    let wide = |name: &str| node.attribute.iter().any(|attribute| attribute.name() == name && attribute.t.is_some());
    let (wide_values, wide_weights) = (wide("nodes_values_as_tensor"), wide(&format!("{of}_weights_as_tensor")));
    let mut written = Written::default();
    for tree in 0..ensemble.trees() {
        written.tree(ensemble, tree);
    }
    let own = ["treeids", "nodeids", "ids", "weights", "weights_as_tensor"].map(|what| format!("{of}_{what}"));
    let trees = |name: &str| name.starts_with("nodes_") || own.iter().any(|known| known == name);
    node.attribute.retain(|attribute| !trees(attribute.name()));
    node.attribute.extend(vec![
        ints("nodes_treeids", written.trees),
        ints("nodes_nodeids", written.ids),
        ints("nodes_featureids", written.features),
        texts("nodes_modes", written.modes),
        numbers("nodes_values", written.values, wide_values),
        ints("nodes_truenodeids", written.yes),
        ints("nodes_falsenodeids", written.no),
        ints("nodes_missing_value_tracks_true", written.missing),
        ints(&format!("{of}_treeids"), written.leaf_trees),
        ints(&format!("{of}_nodeids"), written.leaf_ids),
        ints(&format!("{of}_ids"), written.targets),
        numbers(&format!("{of}_weights"), written.weights, wide_weights),
    ]);
    Some(())
}

#[derive(Default)]
struct Written {
    trees: Vec<i64>,
    ids: Vec<i64>,
    features: Vec<i64>,
    modes: Vec<&'static str>,
    values: Vec<f64>,
    yes: Vec<i64>,
    no: Vec<i64>,
    missing: Vec<i64>,
    leaf_trees: Vec<i64>,
    leaf_ids: Vec<i64>,
    targets: Vec<i64>,
    weights: Vec<f64>,
}

impl Written {
    /// Adds a tree, its nodes numbered from 0 in the order in which they are met.
    fn tree(&mut self, ensemble: &Ensemble, tree: usize) {
        let start = self.ids.len();
        let mut waiting = vec![(ensemble.roots[tree], None::<(usize, bool)>)];
        while let Some((way, parent)) = waiting.pop() {
            let (at, id) = (self.ids.len(), (self.ids.len() - start) as i64);
            match parent {
                Some((above, true)) => self.yes[above] = id,
                Some((above, false)) => self.no[above] = id,
                None => {}
            }
            let split = way.as_split().and_then(|split| ensemble.splits.get(split));
            self.trees.push(tree as i64);
            self.ids.push(id);
            self.features.push(split.map_or(0, |split| i64::from(split.feature)));
            self.modes.push(split.map_or("LEAF", |split| name(split.mode)));
            self.values.push(split.map_or(0.0, |split| split.value));
            self.missing.push(split.map_or(0, |split| i64::from(split.missing_is_yes)));
            self.yes.push(0);
            self.no.push(0);
            if let Some(split) = split {
                waiting.push((split.no, Some((at, false))));
                waiting.push((split.yes, Some((at, true))));
            }
            for weight in way.as_leaf().map_or(&[][..], |leaf| ensemble.weights(leaf)) {
                self.leaf_trees.push(tree as i64);
                self.leaf_ids.push(id);
                self.targets.push(i64::from(weight.target));
                self.weights.push(weight.value);
            }
        }
    }
}

fn name(mode: Mode) -> &'static str {
    match mode {
        Mode::AtMost => "BRANCH_LEQ",
        Mode::Below => "BRANCH_LT",
        Mode::AtLeast => "BRANCH_GTE",
        Mode::Above => "BRANCH_GT",
        Mode::Equal | Mode::Member => "BRANCH_EQ",
        Mode::Different => "BRANCH_NEQ",
    }
}

fn attribute(name: &str, kind: AttributeType) -> AttributeProto {
    AttributeProto { name: Some(name.to_owned()), r#type: Some(kind as i32), ..AttributeProto::default() }
}

fn ints(name: &str, ints: Vec<i64>) -> AttributeProto {
    AttributeProto { ints, ..attribute(name, AttributeType::Ints) }
}

fn texts(name: &str, texts: Vec<&str>) -> AttributeProto {
    let strings = texts.into_iter().map(|text| text.as_bytes().to_vec()).collect();
    AttributeProto { strings, ..attribute(name, AttributeType::Strings) }
}

/// Numbers in 32 bits, or in 64 as a tensor where they stood so.
fn numbers(name: &str, values: Vec<f64>, wide: bool) -> AttributeProto {
    if !wide {
        let floats = values.into_iter().map(|value| value as f32).collect();
        return AttributeProto { floats, ..attribute(name, AttributeType::Floats) };
    }
    let tensor = TensorProto {
        dims: vec![values.len() as i64],
        data_type: Some(11),
        double_data: values,
        ..TensorProto::default()
    };
    AttributeProto { t: Some(tensor), ..attribute(&format!("{name}_as_tensor"), AttributeType::Tensor) }
}
