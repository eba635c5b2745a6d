//! Trees on one column, grown by hand: every leaf is an interval between two cuts.

use crate::check::specimen::{Case, numbers};
use crate::check::{Answers, Truth};
use crate::data::encode::Slot;
use crate::data::{Cells, Column, Schema, Table};
use crate::model::contents::specimen::{Attribute, Draft};
use crate::model::{Predictions, Scale};
use crate::tensor::Element;

/// What grows.
#[derive(Default)]
pub(super) struct Planting {
    pub(super) members: Vec<f64>,
    pub(super) others: Vec<f64>,
    /// Where the column is cut.
    pub(super) cuts: Vec<f32>,
    /// Classes of the members.
    pub(super) classes: Option<Vec<u32>>,
    /// Numbers to predict instead of classes.
    pub(super) outcomes: Option<(Vec<f64>, Vec<f64>)>,
    /// Patients of both sides.
    pub(super) patients: Option<(Vec<u32>, Vec<u32>)>,
}

/// 0, 1, 2, ... moved by something.
pub(super) fn evenly(count: u32, by: f64) -> Vec<f64> {
    (0..count).map(|at| f64::from(at) + by).collect()
}

/// The attributes of a tree in the making.
#[derive(Default)]
struct Nodes {
    modes: Vec<String>,
    values: Vec<f32>,
    yes: Vec<i64>,
    no: Vec<i64>,
    leaf_ids: Vec<i64>,
}

impl Nodes {
    /// Adds a balanced tree over some cuts; returns its root. Leaves come in the order of their intervals.
    fn grow(&mut self, cuts: &[f32]) -> i64 {
        let at = self.modes.len();
        let split = !cuts.is_empty();
        self.modes.push(if split { "BRANCH_LEQ" } else { "LEAF" }.to_owned());
        self.values.push(cuts.get(cuts.len() / 2).copied().unwrap_or(0.0));
        self.yes.push(0);
        self.no.push(0);
        if split {
            self.yes[at] = self.grow(&cuts[..cuts.len() / 2]);
            self.no[at] = self.grow(&cuts[cuts.len() / 2 + 1..]);
        } else {
            self.leaf_ids.push(at as i64);
        }
        at as i64
    }
}

impl Planting {
    /// A file with the tree, whose leaves state what `leaf` says, and the records.
    pub(super) fn case(self, leaf: impl Fn(usize) -> Vec<f32>) -> Case {
        let mut cuts = self.cuts.clone();
        cuts.sort_by(f32::total_cmp);
        cuts.dedup();
        let mut nodes = Nodes::default();
        nodes.grow(&cuts);
        let count = nodes.modes.len();
        let weights: Vec<(usize, f32)> =
            (0..nodes.leaf_ids.len()).flat_map(|at| leaf(at).into_iter().map(move |w| (at, w))).collect();
        let ids: Vec<i64> = weights.iter().map(|(at, _)| nodes.leaf_ids[*at]).collect();
        let of_weights = vec![0; weights.len()];
        let values: Vec<f32> = weights.iter().map(|(_, weight)| *weight).collect();
        let regression = self.outcomes.is_some();
        let (operator, kind) =
            if regression { ("TreeEnsembleRegressor", "target") } else { ("TreeEnsembleClassifier", "class") };
        let of = |what: &str| format!("{kind}_{what}");
        let (treeids, nodeids, targetids, weightids) = (of("treeids"), of("nodeids"), of("ids"), of("weights"));
        let mut attributes = vec![
            ("nodes_treeids", Attribute::Ints(vec![0; count])),
            ("nodes_nodeids", Attribute::Ints((0..count as i64).collect())),
            ("nodes_featureids", Attribute::Ints(vec![0; count])),
            ("nodes_modes", Attribute::Texts(nodes.modes)),
            ("nodes_values", Attribute::Floats(nodes.values)),
            ("nodes_truenodeids", Attribute::Ints(nodes.yes)),
            ("nodes_falsenodeids", Attribute::Ints(nodes.no)),
            (treeids.as_str(), Attribute::Ints(of_weights.clone())),
            (nodeids.as_str(), Attribute::Ints(ids)),
            (targetids.as_str(), Attribute::Ints(of_weights)),
            (weightids.as_str(), Attribute::Floats(values)),
        ];
        if !regression {
            attributes.push(("classlabels_int64s", Attribute::Ints(vec![0, 1])));
        }
        let contents = Draft::default().node("ai.onnx.ml", operator, &["x"], attributes).contents();
        self.records().with_file(contents)
    }

    fn records(self) -> Case {
        let (n, m) = (self.members.len(), self.others.len());
        let table = |values: Vec<f64>, patients: Option<Vec<u32>>| {
            let mut columns = vec![numbers("x", values)];
            columns.extend(patients.map(|patients| Column {
                name: "patient".to_owned(),
                cells: Cells::Integer(patients.into_iter().map(|patient| Some(i64::from(patient))).collect()),
            }));
            Table::new(columns)
        };
        let (of_members, of_others) = self.patients.unzip();
        let schema = Schema { patient: of_members.as_ref().map(|_| "patient".to_owned()), ..Schema::default() };
        let slot =
            Slot { input: "x".to_owned(), columns: vec!["x".to_owned()], element: Element::F32, row_shape: vec![1] };
        let answers = |rows: usize, truth: Option<Truth>| Answers {
            predictions: Predictions::Scores {
                scale: Scale::Probability,
                classes: 2,
                values: vec![0.5; 2 * rows],
                labels: None,
            },
            truth: truth.unwrap_or_else(|| Truth::Classes(vec![0; rows])),
        };
        let (inside, outside) = self.outcomes.unzip();
        let truth = inside.map(Truth::Values).or(self.classes.map(Truth::Classes));
        let (members, others) = (answers(n, truth), answers(m, outside.map(Truth::Values)));
        let unasked = |_: &[crate::tensor::Tensor]| Predictions::Labels(Vec::new());
        Case::tables(table(self.members, of_members), table(self.others, of_others), schema).with_model(
            vec![slot],
            members,
            others,
            unasked,
        )
    }
}
