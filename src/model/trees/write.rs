//! An [`Ensemble`] back into the attributes of its node.

use super::{Aggregate, Ensemble, Mode, Way};
use crate::model::proto::attribute_proto::AttributeType;
use crate::model::proto::{AttributeProto, NodeProto, TensorProto};

/// Writes the trees into the node that they were read from; nothing where that operator cannot say what they are.
pub(in crate::model) fn replace(node: &mut NodeProto, ensemble: &Ensemble) -> Option<()> {
    if node.op_type() == "TreeEnsemble" {
        return replace_numbered(node, ensemble);
    }
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

/// The operator of opset 5: nodes and leaves in lists of their own, a leaf with a value for one target.
fn replace_numbered(node: &mut NodeProto, ensemble: &Ensemble) -> Option<()> {
    let wide = |name: &str| {
        let tensor = node.attribute.iter().find(|attribute| attribute.name() == name)?.t.as_ref()?;
        Some(tensor.data_type() == DOUBLE)
    };
    let wide = wide("nodes_splits")?;
    let mut written = Numbered::default();
    for tree in 0..ensemble.trees() {
        written.tree(ensemble, tree)?;
    }
    let own = ["leaf_targetids", "leaf_weights", "tree_roots", "membership_values"];
    node.attribute.retain(|attribute| !attribute.name().starts_with("nodes_") && !own.contains(&attribute.name()));
    node.attribute.extend(vec![
        ints("tree_roots", written.roots),
        ints("nodes_featureids", written.features),
        tensor("nodes_modes", bytes(&written.modes)),
        tensor("nodes_splits", reals(&written.values, wide)),
        ints("nodes_truenodeids", written.yes.iter().map(|to| to.0).collect()),
        ints("nodes_trueleafs", written.yes.iter().map(|to| to.1).collect()),
        ints("nodes_falsenodeids", written.no.iter().map(|to| to.0).collect()),
        ints("nodes_falseleafs", written.no.iter().map(|to| to.1).collect()),
        ints("nodes_missing_value_tracks_true", written.missing),
        ints("leaf_targetids", written.targets),
        tensor("leaf_weights", reals(&written.weights, wide)),
    ]);
    if !written.sets.is_empty() {
        node.attribute.push(tensor("membership_values", reals(&written.sets, wide)));
    }
    Some(())
}

/// The number of 64-bit floats in `TensorProto.DataType`.
const DOUBLE: i32 = 11;

/// Where a branch leads: an index, and 1 for a leaf.
type To = (i64, i64);

#[derive(Default)]
struct Numbered {
    roots: Vec<i64>,
    features: Vec<i64>,
    modes: Vec<u8>,
    values: Vec<f64>,
    yes: Vec<To>,
    no: Vec<To>,
    missing: Vec<i64>,
    targets: Vec<i64>,
    weights: Vec<f64>,
    /// Sets of codes, each with a missing number behind it.
    sets: Vec<f64>,
}

impl Numbered {
    /// Adds a tree; once per target where leaves speak of several, which only a sum allows.
    fn tree(&mut self, ensemble: &Ensemble, tree: usize) -> Option<()> {
        let root = *ensemble.roots.get(tree)?;
        let leaves = || ensemble.leaves_of(tree);
        if leaves().all(|leaf| ensemble.weights(leaf).len() <= 1) {
            self.copy(ensemble, root, None);
            return Some(());
        }
        if ensemble.aggregate != Aggregate::Sum {
            return None;
        }
        let mut targets: Vec<u32> =
            leaves().flat_map(|leaf| ensemble.weights(leaf)).map(|weight| weight.target).collect();
        targets.sort_unstable();
        targets.dedup();
        targets.into_iter().for_each(|target| self.copy(ensemble, root, Some(target)));
        Some(())
    }

    /// Adds the splits and leaves below a root, of one target or of whichever each leaf speaks.
    fn copy(&mut self, ensemble: &Ensemble, root: Way, only: Option<u32>) {
        self.roots.push(self.features.len() as i64);
        let mut waiting = vec![(root, None::<(usize, bool)>)];
        while let Some((way, parent)) = waiting.pop() {
            let to = match way.as_split().and_then(|split| ensemble.splits.get(split)) {
                Some(split) => {
                    let at = self.features.len();
                    self.node(ensemble, split);
                    waiting.push((split.no, Some((at, false))));
                    waiting.push((split.yes, Some((at, true))));
                    (at as i64, 0)
                }
                None => self.leaf(ensemble, way, only),
            };
            match parent {
                Some((above, true)) => self.yes[above] = to,
                Some((above, false)) => self.no[above] = to,
                // A tree that is a leaf is a comparison whose branches both lead there.
                None if to.1 == 1 => {
                    self.node(
                        ensemble,
                        &super::Split {
                            mode: Mode::AtMost,
                            value: 0.0,
                            feature: 0,
                            yes: way,
                            no: way,
                            missing_is_yes: true,
                        },
                    );
                    let at = self.features.len() - 1;
                    (self.yes[at], self.no[at]) = (to, to);
                }
                None => {}
            }
        }
    }

    fn node(&mut self, ensemble: &Ensemble, split: &super::Split) {
        self.features.push(i64::from(split.feature));
        self.modes.push(match split.mode {
            Mode::AtMost => 0,
            Mode::Below => 1,
            Mode::AtLeast => 2,
            Mode::Above => 3,
            Mode::Equal => 4,
            Mode::Different => 5,
            Mode::Member => 6,
        });
        if split.mode == Mode::Member {
            self.sets.extend(ensemble.sets.get(split.value as usize).into_iter().flatten());
            self.sets.push(f64::NAN);
        }
        self.values.push(if split.mode == Mode::Member { 0.0 } else { split.value });
        self.missing.push(i64::from(split.missing_is_yes));
        self.yes.push((0, 0));
        self.no.push((0, 0));
    }

    fn leaf(&mut self, ensemble: &Ensemble, way: Way, only: Option<u32>) -> To {
        let weights = way.as_leaf().map_or(&[][..], |leaf| ensemble.weights(leaf));
        let weight = weights.iter().find(|weight| only.is_none_or(|only| weight.target == only));
        self.targets.push(i64::from(weight.map_or(only.unwrap_or(0), |weight| weight.target)));
        self.weights.push(weight.map_or(0.0, |weight| weight.value));
        (self.weights.len() as i64 - 1, 1)
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
    tensor(&format!("{name}_as_tensor"), reals(&values, true))
}

fn tensor(name: &str, tensor: TensorProto) -> AttributeProto {
    AttributeProto { t: Some(tensor), ..attribute(name, AttributeType::Tensor) }
}

fn bytes(values: &[u8]) -> TensorProto {
    let raw_data = Some(values.to_vec());
    TensorProto { dims: vec![values.len() as i64], data_type: Some(2), raw_data, ..TensorProto::default() }
}

fn reals(values: &[f64], wide: bool) -> TensorProto {
    let raw = values.iter();
    let (data_type, raw) = if wide {
        (DOUBLE, raw.flat_map(|value| value.to_le_bytes()).collect())
    } else {
        (1, raw.flat_map(|value| (*value as f32).to_le_bytes()).collect::<Vec<u8>>())
    };
    TensorProto {
        dims: vec![values.len() as i64],
        data_type: Some(data_type),
        raw_data: Some(raw),
        ..TensorProto::default()
    }
}
