//! Facts about model and data for the report: names, counts and shares, never a cell.

use std::path::Path;

use rayon::prelude::*;

use super::assessment::{ColumnSummary, DataSummary, ModelSummary};
use crate::check::membership::signal::Signal;
use crate::check::{Answers, Audited, Truth};
use crate::data::encode::joint_codes;
use crate::data::{Features, Schema, Split};
use crate::detect::shown;
use crate::digest::Digest;
use crate::finding::{Count, SMALLEST_SHOWN, partition};
use crate::model::graph::Graph;
use crate::model::{Predictions, largest};
use crate::stats::interval::wilson;
use crate::stats::{Estimate, Level};

/// What the file says and how the model did.
pub(super) fn model(path: &Path, graph: &Graph, digest: Digest, bytes: u64, audited: Option<&Audited>) -> ModelSummary {
    let facts = audited.map(|audited| audited.target.facts());
    let answers = |members: bool| {
        audited.and_then(|audited| if members { audited.members.as_ref() } else { audited.nonmembers.as_ref() })
    };
    ModelSummary {
        file: file_name(path),
        digest,
        bytes,
        producer: shown(&graph.producer),
        opsets: graph.opsets.iter().map(|set| shown(set)).collect(),
        inputs: graph.inputs.iter().map(|port| shown(&port.describe())).collect(),
        outputs: graph.outputs.iter().map(|port| shown(&port.describe())).collect(),
        operators: graph.operators.iter().map(|(name, count)| (shown(name), *count)).collect(),
        metadata_keys: graph.metadata_keys.iter().map(|key| known_key(key)).collect(),
        task: facts.map_or("unknown", |facts| facts.task.name()).to_owned(),
        classes: audited.map(class_names).unwrap_or_default(),
        accuracy_members: answers(true).and_then(accuracy),
        accuracy_nonmembers: answers(false).and_then(accuracy),
        label_agreement: audited.and_then(agreement),
        queries: audited.map_or(0, |audited| audited.target.rows_queried()),
    }
}

/// A key of the metadata, where an exporter writes it; another may be anything.
fn known_key(key: &str) -> String {
    let exporters = ["onnx", "pkg.torch", "torch", "catboost", "skl2onnx", "optimum", "framework", "version", "model_"];
    let known = exporters.iter().any(|exporter| key.starts_with(exporter));
    if known { shown(key) } else { "(a key of its own)".to_owned() }
}

/// A path's last part: folders may name people.
pub(super) fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Class names; a class held by fewer than 11 records is numbered, since its name may tell of single people.
fn class_names(audited: &Audited) -> Vec<String> {
    let classes = &audited.target.facts().classes;
    let counts = class_counts(audited);
    let name = |(at, class): (usize, &String)| {
        let held = counts.get(at).is_some_and(|(a, b)| a + b >= SMALLEST_SHOWN);
        if held { class.clone() } else { format!("class {}", at + 1) }
    };
    classes.iter().enumerate().map(name).collect()
}

/// Members and non-members per class.
fn class_counts(audited: &Audited) -> Vec<(usize, usize)> {
    let mut counts = vec![(0, 0); audited.target.facts().classes.len()];
    if let Some(Truth::Classes(classes)) = audited.members.as_ref().map(|answers| &answers.truth) {
        classes.iter().for_each(|&class| counts[class as usize].0 += 1);
    }
    if let Some(Truth::Classes(classes)) = audited.nonmembers.as_ref().map(|answers| &answers.truth) {
        classes.iter().for_each(|&class| counts[class as usize].1 += 1);
    }
    counts
}

/// Share of right answers; of several labels all must be right.
pub(super) fn accuracy(answers: &Answers) -> Option<Estimate> {
    if !matches!(answers.truth, Truth::Classes(_) | Truth::Flags { .. }) {
        return None;
    }
    let right = Signal::Correctness.scores(&answers.predictions, &answers.truth);
    Some(wilson(right.iter().filter(|right| **right > 0.5).count(), right.len(), Level::P95))
}

/// How often the label output names the class with the largest score, ties counted as agreement.
fn agreement(audited: &Audited) -> Option<Estimate> {
    let (mut agreed, mut total) = (0, 0);
    for answers in [&audited.members, &audited.nonmembers].into_iter().flatten() {
        let Predictions::Scores { classes, values, labels: Some(labels), .. } = &answers.predictions else {
            return None;
        };
        for (row, label) in values.chunks(*classes).zip(labels) {
            let top = row[largest(row) as usize];
            agreed += usize::from(row.get(*label as usize).is_some_and(|score| *score >= top));
            total += 1;
        }
    }
    (total > 0).then(|| wilson(agreed, total, Level::P95))
}

/// Columns, classes and counts.
pub(super) fn data(split: &Split, audited: Option<&Audited>) -> DataSummary {
    let distinct = |codes: &[u32]| {
        let mut codes = codes.to_vec();
        codes.sort_unstable();
        codes.dedup();
        codes.len()
    };
    let patients = match (&split.members.groups, &split.nonmembers.groups) {
        (Some(a), Some(b)) => Some((distinct(a), distinct(b))),
        _ => None,
    };
    let names = audited.map(class_names).unwrap_or_default();
    let counts = audited.map(class_counts).unwrap_or_default();
    DataSummary {
        members: split.members.len(),
        nonmembers: split.nonmembers.len(),
        patients,
        target: split.schema.target.as_ref().map(|target| target.columns().join(", ")).unwrap_or_default(),
        columns: columns(split, audited),
        classes: class_table(names, &counts),
    }
}

/// Records per class and set; what the totals would give away is withheld too.
fn class_table(names: Vec<String>, counts: &[(usize, usize)]) -> Vec<(String, Count, Count)> {
    let members = partition(&counts.iter().map(|count| count.0).collect::<Vec<_>>());
    let nonmembers = partition(&counts.iter().map(|count| count.1).collect::<Vec<_>>());
    names.into_iter().zip(members).zip(nonmembers).map(|((name, a), b)| (name, a, b)).collect()
}

fn columns(split: &Split, audited: Option<&Audited>) -> Vec<ColumnSummary> {
    let (Features::Table(a), Features::Table(b)) = (&split.members.features, &split.nonmembers.features) else {
        return Vec::new();
    };
    let input = |name: &str| {
        let slots = audited.map(|audited| audited.slots.as_slice()).unwrap_or_default();
        slots.iter().find(|slot| slot.columns.iter().any(|column| column == name)).map(|slot| slot.input.clone())
    };
    let summary = |(x, y): (&crate::data::Column, &crate::data::Column)| {
        let missing = |cells: &crate::data::Cells| (0..cells.len()).filter(|&row| cells.is_missing(row)).count();
        let missing = missing(&x.cells) + missing(&y.cells);
        ColumnSummary {
            name: x.name.clone(),
            role: role(&split.schema, &x.name),
            kind: x.cells.kind().to_string(),
            distinct: joint_codes(&x.cells, &y.cells).2 - usize::from(missing > 0),
            missing: Count::of_part(missing, x.cells.len() + y.cells.len()),
            input: input(&x.name),
        }
    };
    let pairs: Vec<_> = a.columns().iter().filter_map(|x| Some((x, b.column(&x.name)?))).collect();
    pairs.into_par_iter().map(summary).collect()
}

fn role(schema: &Schema, column: &str) -> String {
    let roles: Vec<String> = schema.roles(column).iter().map(ToString::to_string).collect();
    if roles.is_empty() { "feature".to_owned() } else { roles.join(", ") }
}
