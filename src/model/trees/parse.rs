//! Attributes of a tree-ensemble node into an [`Ensemble`]. Every length and every reference is checked: the file may lie.

use thiserror::Error;

use super::tensor::numbers;
use super::{Aggregate, Ensemble, Kind, Leaf, Mode, Split, Transform, Way, Weight};
use crate::model::contents::{Contents, NodeAt, Part, Place};
use crate::model::proto::{AttributeProto, NodeProto};

/// Comparisons on one path that no learner makes; a longer one would only cost time.
const DEEPEST: u32 = 10_000;

/// An ensemble that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the trees of {place} cannot be read: {what}")]
pub struct Unreadable {
    /// Where it stands.
    pub place: Place,
    /// Why.
    pub what: String,
}

/// The tree ensembles of a file, in the order of its nodes. Those inside other nodes and in local functions see other rows
/// than the graph's inputs and are named, not read.
pub(in crate::model) fn of_contents(contents: &Contents) -> Vec<Result<Ensemble, Unreadable>> {
    let nodes = contents.nodes().into_iter().filter(|at| is_ensemble(at.node) && at.part != Part::Training);
    let read = |at: NodeAt<'_>| {
        let parsed = if at.part == Part::Graph { parse(at.node) } else { Err("it lies inside another node") };
        parsed.map_err(|what| Unreadable { place: at.place(None), what: what.to_owned() })
    };
    nodes.map(read).collect()
}

pub(in crate::model) fn is_ensemble(node: &NodeProto) -> bool {
    matches!(node.op_type(), "TreeEnsembleClassifier" | "TreeEnsembleRegressor" | "TreeEnsemble")
        && node.domain() == "ai.onnx.ml"
}

fn parse(node: &NodeProto) -> Result<Ensemble, &'static str> {
    let attributes = Attributes(node);
    let raw = match node.op_type() {
        "TreeEnsemble" => numbered(&attributes)?,
        "TreeEnsembleClassifier" => keyed(&attributes, "class")?,
        _ => keyed(&attributes, "target")?,
    };
    let grown = grow(&raw)?;
    let kind = if node.op_type() == "TreeEnsembleClassifier" { Kind::Classes } else { Kind::Targets };
    let highest = grown.weights.iter().map(|weight| weight.target as usize + 1).max().unwrap_or(1);
    let targets = match kind {
        Kind::Classes => attributes.classes(),
        Kind::Targets => usize::try_from(attributes.int("n_targets").unwrap_or(1)).unwrap_or(0),
    };
    if highest > targets {
        return Err("a leaf speaks of a class or target that does not exist");
    }
    let base = match attributes.get("base_values_as_tensor") {
        Some(attribute) => attribute.t.as_ref().and_then(numbers).ok_or("its base values cannot be read")?,
        None => attributes.floats("base_values"),
    };
    if base.len() > targets {
        return Err("it has more base values than classes or targets");
    }
    Ok(Ensemble {
        input: node.input.first().cloned().ok_or("no tensor feeds it")?,
        kind,
        targets,
        width: grown.splits.iter().map(|split| split.feature as usize + 1).max().unwrap_or(1),
        aggregate: attributes.aggregate()?,
        transform: attributes.transform()?,
        base,
        roots: grown.roots,
        splits: grown.splits,
        leaves: grown.leaves,
        weights: grown.weights,
        sets: raw.sets,
    })
}

/// Attributes by name.
struct Attributes<'n>(&'n NodeProto);

impl<'n> Attributes<'n> {
    fn get(&self, name: &str) -> Option<&'n AttributeProto> {
        self.0.attribute.iter().find(|attribute| attribute.name() == name)
    }

    fn ints(&self, name: &str) -> &'n [i64] {
        self.get(name).map_or(&[], |attribute| &attribute.ints)
    }

    fn int(&self, name: &str) -> Option<i64> {
        self.get(name).map(AttributeProto::i)
    }

    fn floats(&self, name: &str) -> Vec<f64> {
        self.get(name).map_or(Vec::new(), |attribute| attribute.floats.iter().map(|&value| f64::from(value)).collect())
    }

    /// Numbers that stand in a list of floats or, in 64 bits, in a tensor beside it.
    fn numbers(&self, name: &str) -> Result<Vec<f64>, &'static str> {
        match self.get(&format!("{name}_as_tensor")).and_then(|attribute| attribute.t.as_ref()) {
            Some(tensor) => numbers(tensor).ok_or("a tensor of numbers has a type or length that cannot be read"),
            None => Ok(self.floats(name)),
        }
    }

    fn tensor(&self, name: &str) -> Result<Vec<f64>, &'static str> {
        let tensor =
            self.get(name).and_then(|attribute| attribute.t.as_ref()).ok_or("a tensor of numbers is missing")?;
        numbers(tensor).ok_or("a tensor of numbers has a type or length that cannot be read")
    }

    fn classes(&self) -> usize {
        let labels = |name: &str| self.get(name).map_or(0, |a| a.ints.len().max(a.strings.len()));
        labels("classlabels_strings").max(labels("classlabels_int64s"))
    }

    fn aggregate(&self) -> Result<Aggregate, &'static str> {
        let Some(attribute) = self.get("aggregate_function") else { return Ok(Aggregate::Sum) };
        match (attribute.s(), attribute.i()) {
            (b"SUM", _) | (b"", 1) => Ok(Aggregate::Sum),
            (b"AVERAGE", _) | (b"", 0) => Ok(Aggregate::Average),
            (b"MIN", _) | (b"", 2) => Ok(Aggregate::Min),
            (b"MAX", _) | (b"", 3) => Ok(Aggregate::Max),
            _ => Err("its aggregate function is unknown"),
        }
    }

    fn transform(&self) -> Result<Transform, &'static str> {
        let Some(attribute) = self.get("post_transform") else { return Ok(Transform::None) };
        match (attribute.s(), attribute.i()) {
            (b"NONE", _) | (b"", 0) => Ok(Transform::None),
            (b"SOFTMAX", _) | (b"", 1) => Ok(Transform::Softmax),
            (b"LOGISTIC", _) | (b"", 2) => Ok(Transform::Logistic),
            (b"SOFTMAX_ZERO", _) | (b"", 3) => Ok(Transform::SoftmaxZero),
            (b"PROBIT", _) | (b"", 4) => Ok(Transform::Probit),
            _ => Err("its transform is unknown"),
        }
    }
}

/// A branch as the file gives it: an index into its nodes, or into its leaves.
#[derive(Clone, Copy)]
enum Branch {
    Split(usize),
    Leaf(usize),
}

/// The nodes as the file gives them, references resolved to indices and nothing known about their shape.
struct Raw {
    roots: Vec<Branch>,
    features: Vec<i64>,
    values: Vec<f64>,
    modes: Vec<Mode>,
    yes: Vec<Branch>,
    no: Vec<Branch>,
    missing: Vec<bool>,
    /// Weights of each leaf.
    leaves: Vec<Vec<Weight>>,
    sets: Vec<Vec<f64>>,
}

const LENGTHS: &str = "its attributes differ in length";

/// Missing-value flags, which may be left out.
fn flags(given: &[i64], nodes: usize) -> Result<Vec<bool>, &'static str> {
    match given.len() {
        0 => Ok(vec![false; nodes]),
        len if len == nodes => Ok(given.iter().map(|&flag| flag != 0).collect()),
        _ => Err(LENGTHS),
    }
}

fn weight(target: i64, value: f64) -> Result<Weight, &'static str> {
    let target = u32::try_from(target).map_err(|_| "a leaf speaks of a class or target that does not exist")?;
    if value.is_nan() { Err("a leaf's value is not a number") } else { Ok(Weight { target, value }) }
}

/// The operator of opset 5: branches are indices.
fn numbered(attributes: &Attributes<'_>) -> Result<Raw, &'static str> {
    let features = attributes.ints("nodes_featureids");
    let nodes = features.len();
    let modes: Vec<Mode> =
        attributes.tensor("nodes_modes")?.into_iter().map(mode_of_number).collect::<Option<_>>().ok_or(MODE)?;
    let mut values = attributes.tensor("nodes_splits")?;
    let targets = attributes.ints("leaf_targetids");
    let weights = attributes.tensor("leaf_weights")?;
    if values.len() != nodes || modes.len() != nodes || targets.len() != weights.len() {
        return Err(LENGTHS);
    }
    // A comparison whose branches both lead to the same leaf is how a tree that is nothing but a leaf is written.
    let only_leaf = |at: usize| {
        let of = |name: &str| attributes.ints(name).get(at).copied();
        let both =
            of("nodes_trueleafs").is_some_and(|leaf| leaf != 0) && of("nodes_falseleafs").is_some_and(|leaf| leaf != 0);
        let leaf = of("nodes_truenodeids").filter(|leaf| both && Some(*leaf) == of("nodes_falsenodeids"));
        leaf.and_then(|leaf| usize::try_from(leaf).ok()).filter(|leaf| *leaf < weights.len())
    };
    let split_at = |at: usize| only_leaf(at).map_or(Branch::Split(at), Branch::Leaf);
    let branches = |ids: &str, leafs: &str| -> Result<Vec<Branch>, &'static str> {
        let (ids, leafs) = (attributes.ints(ids), attributes.ints(leafs));
        if ids.len() != nodes || leafs.len() != nodes {
            return Err(LENGTHS);
        }
        let branch = |(&id, &leaf): (&i64, &i64)| {
            let limit = if leaf == 0 { nodes } else { weights.len() };
            let id = usize::try_from(id).ok().filter(|id| *id < limit).ok_or(DANGLING)?;
            Ok(if leaf == 0 { split_at(id) } else { Branch::Leaf(id) })
        };
        ids.iter().zip(leafs).map(branch).collect()
    };
    let yes = branches("nodes_truenodeids", "nodes_trueleafs")?;
    let no = branches("nodes_falsenodeids", "nodes_falseleafs")?;
    let root = |&id: &i64| usize::try_from(id).ok().filter(|id| *id < nodes).map(split_at).ok_or(DANGLING);
    let roots = attributes.ints("tree_roots").iter().map(root).collect::<Result<_, _>>()?;
    let mut sets: Vec<Vec<f64>> = Vec::new();
    if modes.contains(&Mode::Member) {
        let listed = attributes.tensor("membership_values")?;
        let mut lists = listed.split(|value| value.is_nan()).map(<[f64]>::to_vec);
        for (value, _) in values.iter_mut().zip(&modes).filter(|(_, mode)| **mode == Mode::Member) {
            *value = sets.len() as f64;
            sets.push(lists.next().ok_or("a set of codes is missing")?);
        }
    }
    let leaves =
        targets.iter().zip(&weights).map(|(&t, &w)| Ok(vec![weight(t, w)?])).collect::<Result<_, &'static str>>()?;
    let missing = flags(attributes.ints("nodes_missing_value_tracks_true"), nodes)?;
    Ok(Raw { roots, features: features.to_vec(), values, modes, yes, no, missing, leaves, sets })
}

const MODE: &str = "a comparison is unknown";
const DANGLING: &str = "a branch leads nowhere";

fn mode_of_number(number: f64) -> Option<Mode> {
    let modes = [Mode::AtMost, Mode::Below, Mode::AtLeast, Mode::Above, Mode::Equal, Mode::Different, Mode::Member];
    modes.into_iter().enumerate().find(|(at, _)| *at as f64 == number).map(|(_, mode)| mode)
}

/// A comparison by name; nothing inside for a leaf.
fn mode_of_name(name: &[u8]) -> Result<Option<Mode>, &'static str> {
    Ok(Some(match name {
        b"LEAF" => return Ok(None),
        b"BRANCH_LEQ" => Mode::AtMost,
        b"BRANCH_LT" => Mode::Below,
        b"BRANCH_GTE" => Mode::AtLeast,
        b"BRANCH_GT" => Mode::Above,
        b"BRANCH_EQ" => Mode::Equal,
        b"BRANCH_NEQ" => Mode::Different,
        _ => return Err(MODE),
    }))
}

/// Where the node of a tree with a given number stands: pairs in order, found by bisection.
struct Index(Vec<((i64, i64), usize)>);

impl Index {
    fn of(trees: &[i64], nodes: &[i64]) -> Result<Self, &'static str> {
        let mut pairs: Vec<((i64, i64), usize)> =
            trees.iter().zip(nodes).enumerate().map(|(at, (&tree, &node))| ((tree, node), at)).collect();
        pairs.sort_unstable();
        let twice = pairs.windows(2).any(|pair| pair[0].0 == pair[1].0);
        if twice { Err("two nodes of a tree have the same number") } else { Ok(Self(pairs)) }
    }

    fn find(&self, tree: i64, node: i64) -> Option<usize> {
        let at = self.0.binary_search_by_key(&(tree, node), |pair| pair.0).ok()?;
        self.0.get(at).map(|pair| pair.1)
    }
}

/// The operators before opset 5: nodes are named by the number of their tree and their own.
fn keyed(attributes: &Attributes<'_>, of: &str) -> Result<Raw, &'static str> {
    let (trees, ids) = (attributes.ints("nodes_treeids"), attributes.ints("nodes_nodeids"));
    let features = attributes.ints("nodes_featureids");
    let nodes = trees.len();
    let names = attributes.get("nodes_modes").map_or(&[][..], |attribute| &attribute.strings);
    let (yes, no) = (attributes.ints("nodes_truenodeids"), attributes.ints("nodes_falsenodeids"));
    let values = attributes.numbers("nodes_values")?;
    if [ids.len(), features.len(), names.len(), yes.len(), no.len(), values.len()].iter().any(|len| *len != nodes) {
        return Err(LENGTHS);
    }
    let modes: Vec<Option<Mode>> = names.iter().map(|name| mode_of_name(name)).collect::<Result<_, _>>()?;
    let index = Index::of(trees, ids)?;
    // Leaves are numbered by themselves, in the order of the file.
    let mut number_of_leaf = vec![usize::MAX; nodes];
    let mut count = 0;
    for (at, _) in modes.iter().enumerate().filter(|(_, mode)| mode.is_none()) {
        number_of_leaf[at] = count;
        count += 1;
    }
    let branch_at = |at: usize| match modes[at] {
        Some(_) => Branch::Split(at),
        None => Branch::Leaf(number_of_leaf[at]),
    };
    let branch = |at: usize, to: &[i64]| match modes[at] {
        None => Ok(Branch::Split(at)), // never followed: it is a leaf
        Some(_) => index.find(trees[at], to[at]).map(branch_at).ok_or(DANGLING),
    };
    let mut leaves = vec![Vec::new(); count];
    let column = |what: &str| attributes.ints(&format!("{of}_{what}"));
    let (of_tree, of_node, target) = (column("treeids"), column("nodeids"), column("ids"));
    let weights = attributes.numbers(&format!("{of}_weights"))?;
    if [of_node.len(), target.len(), weights.len()].iter().any(|len| *len != of_tree.len()) {
        return Err(LENGTHS);
    }
    for at in 0..of_tree.len() {
        let node = index.find(of_tree[at], of_node[at]).ok_or("a value belongs to no node")?;
        // Some exporters give inner nodes a value, which the runtime never reads.
        if let Branch::Leaf(leaf) = branch_at(node) {
            leaves[leaf].push(weight(target[at], weights[at])?);
        }
    }
    let starts = (0..nodes).filter(|&at| at == 0 || trees[at] != trees[at - 1]);
    let mut seen: Vec<i64> = Vec::new();
    let mut roots = Vec::new();
    for at in starts {
        seen.push(trees[at]);
        roots.push(branch_at(at));
    }
    seen.sort_unstable();
    if seen.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err("the nodes of a tree do not stand together");
    }
    Ok(Raw {
        roots,
        features: features.to_vec(),
        values,
        modes: modes.iter().map(|mode| mode.unwrap_or(Mode::AtMost)).collect(),
        yes: (0..nodes).map(|at| branch(at, yes)).collect::<Result<_, _>>()?,
        no: (0..nodes).map(|at| branch(at, no)).collect::<Result<_, _>>()?,
        missing: flags(attributes.ints("nodes_missing_value_tracks_true"), nodes)?,
        leaves,
        sets: Vec::new(),
    })
}

/// The trees, laid out one after the other.
struct Grown {
    roots: Vec<Way>,
    splits: Vec<Split>,
    leaves: Vec<Leaf>,
    weights: Vec<Weight>,
}

/// Which branch of a split waits for its place.
pub(super) type Parent = Option<(usize, bool)>;

/// Walks every tree from its root. A node that is met twice makes a circle or belongs to two trees: neither is a tree.
fn grow(raw: &Raw) -> Result<Grown, &'static str> {
    let mut grown = Grown { roots: Vec::new(), splits: Vec::new(), leaves: Vec::new(), weights: Vec::new() };
    if raw.roots.is_empty() {
        return Err("it holds no tree");
    }
    let mut met = vec![false; raw.features.len()];
    let mut met_leaf = vec![false; raw.leaves.len()];
    let mut waiting: Vec<(Branch, Parent, u32)> = Vec::new();
    for (tree, &root) in raw.roots.iter().enumerate() {
        waiting.push((root, None, 0));
        while let Some((branch, parent, depth)) = waiting.pop() {
            if depth > DEEPEST {
                return Err("a tree is deeper than any learner grows");
            }
            let (seen, way) = match branch {
                Branch::Split(at) => (&mut met[at], Way::split(grown.splits.len())),
                Branch::Leaf(at) => (&mut met_leaf[at], Way::leaf(grown.leaves.len())),
            };
            if std::mem::replace(seen, true) {
                return Err("a node is reached in two ways");
            }
            match parent {
                None => grown.roots.push(way),
                Some((split, true)) => grown.splits[split].yes = way,
                Some((split, false)) => grown.splits[split].no = way,
            }
            match branch {
                Branch::Leaf(at) => {
                    let (first, len) = (grown.weights.len() as u32, raw.leaves[at].len() as u32);
                    grown.weights.extend(&raw.leaves[at]);
                    grown.leaves.push(Leaf { tree: tree as u32, depth, first, len });
                }
                Branch::Split(at) => {
                    let feature = u32::try_from(raw.features[at]).map_err(|_| "a split names no column")?;
                    let (value, mode) = (raw.values[at], raw.modes[at]);
                    let missing_is_yes = raw.missing[at];
                    let index = grown.splits.len();
                    grown.splits.push(Split { value, feature, yes: way, no: way, mode, missing_is_yes });
                    waiting.push((raw.no[at], Some((index, false)), depth + 1));
                    waiting.push((raw.yes[at], Some((index, true)), depth + 1));
                }
            }
        }
    }
    Ok(grown)
}
