//! What a model's outputs mean: decided once, from the file's structure, the plan's settings and the answers to a few
//! records; printed and stored. Where it cannot be known, the user is asked for the setting by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::graph::Graph;
use super::heads;
use super::onnx::Outputs;
use super::{ModelError, Predictions, Scale, UNKNOWN, largest};
use crate::tensor::{Tensor, Values};

/// What a model predicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// One of a few classes.
    Classification,
    /// A number.
    Regression,
    /// Each of several labels, which do not exclude each other.
    MultiLabel,
    /// How long until an event, where some are not followed up to it.
    Survival,
}

impl Task {
    /// Its name in a plan.
    pub fn name(self) -> &'static str {
        match self {
            Self::Classification => "classification",
            Self::Regression => "regression",
            Self::MultiLabel => "multi-label",
            Self::Survival => "survival",
        }
    }
}

/// What an output holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Output {
    /// Probabilities (or the probability of the second class).
    Probabilities,
    /// Logits (or the logit of the second class).
    Logits,
    /// Predicted numbers.
    Value,
    /// The predicted class.
    Label,
}

/// What the plan says about the model, and the labels of the data.
#[derive(Debug, Clone, Default)]
pub struct Hints {
    /// `[model] task`.
    pub task: Option<Task>,
    /// `[model] output`.
    pub output: Option<Output>,
    /// `[model] scores`: name of the output that holds the scores.
    pub scores: Option<String>,
    /// `[model] classes`, in the order of the scores.
    pub classes: Option<Vec<String>>,
    /// Distinct labels of the data, sorted.
    pub labels: Vec<String>,
    /// Whether the target column holds numbers that are not whole.
    pub continuous: bool,
    /// The label columns of a model of several labels, in the order of the plan.
    pub flags: Vec<String>,
    /// `[model] times`: the grid of survival curves.
    pub times: Option<Vec<f64>>,
}

/// Something worked out: setting, value, from what.
pub type Note = (String, String, String);

/// Steps of a vote share: a forest's probabilities are sums of 32-bit floats, so two equal shares can differ in the last
/// bits, which are the exporter's and not the model's. A decimal grid keeps common shares away from its rounding edges.
const VOTE_STEPS: f64 = 1e6;

/// How the outputs become predictions.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    label: Option<String>,
    scores: Scores,
    classes: Vec<String>,
    summed_votes: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scores {
    /// One tensor with a column per class.
    Matrix { output: String, scale: Scale },
    /// One output per class.
    PerClass { outputs: Vec<String> },
    /// One column: the score of the second of two classes.
    Single { output: String, scale: Scale },
    /// No scores.
    None,
    /// A predicted number.
    Value { output: String },
    /// One tensor with a column per label.
    Flags { output: String, scale: Scale, labels: usize },
    /// One output per label.
    PerFlag { outputs: Vec<String>, scale: Scale },
    /// A risk score.
    Risk { output: String },
    /// A survival curve on a grid of times.
    Curve { output: String, times: Arc<[f64]> },
}

/// A label as text that does not depend on how its type prints it: `1`, `1.0` and `01` of a number are one label.
///
/// ```
/// use privet::model::canonical_label;
/// assert_eq!(canonical_label("1.0"), "1");
/// assert_eq!(canonical_label("true"), "1");
/// assert_eq!(canonical_label(">30"), ">30");
/// ```
pub fn canonical_label(text: &str) -> String {
    let text = text.trim();
    match text {
        "true" | "True" | "TRUE" => return "1".to_owned(),
        "false" | "False" | "FALSE" => return "0".to_owned(),
        _ => {}
    }
    match text.parse::<f64>() {
        Ok(value) if value.fract() == 0.0 && value.abs() < 1e15 => format!("{}", value as i64),
        Ok(value) if value.is_finite() => value.to_string(),
        _ => text.to_owned(),
    }
}

/// A float output: name, columns, values.
pub(super) type ScoreColumns<'a> = (&'a str, usize, Vec<f64>);

/// The class that a label names: the same text, or, where that is unambiguous among the classes, the same number or truth
/// value printed differently.
///
/// ```
/// use privet::model::class_of;
/// assert_eq!(class_of(&["0".into(), "1".into()], "1.0"), Some(1));
/// assert_eq!(class_of(&["250.0".into(), "250.00".into()], "250.00"), Some(1));
/// assert_eq!(class_of(&["250.0".into(), "250.00".into()], "250"), None);
/// ```
pub fn class_of(classes: &[String], label: &str) -> Option<usize> {
    if let Some(exact) = classes.iter().position(|class| class == label) {
        return Some(exact);
    }
    let wanted = canonical_label(label);
    let mut same = classes.iter().enumerate().filter(|(_, class)| canonical_label(class) == wanted);
    match (same.next(), same.next()) {
        (Some((only, _)), None) => Some(only),
        _ => None,
    }
}

/// The answers to a few records, sorted into labels and scores.
pub(super) struct Probe<'a> {
    rows: usize,
    labels: Vec<(&'a str, Vec<String>)>,
    scores: Vec<ScoreColumns<'a>>,
}

impl<'a> Probe<'a> {
    fn of(outputs: &'a Outputs, rows: usize) -> Self {
        let mut probe = Self { rows, labels: Vec::new(), scores: Vec::new() };
        for (name, tensor) in outputs {
            match &tensor.values {
                Values::F32(_) | Values::F64(_) => {
                    let values = tensor.to_f64().unwrap_or_default();
                    if rows > 0 && !values.is_empty() && values.len().is_multiple_of(rows) {
                        probe.scores.push((name, values.len() / rows, values));
                    }
                }
                _ => {
                    let labels = label_texts(tensor);
                    if labels.len() == rows {
                        probe.labels.push((name, labels));
                    }
                }
            }
        }
        probe
    }

    pub(super) fn score(&self, name: &str) -> Option<&ScoreColumns<'a>> {
        self.scores.iter().find(|(candidate, _, _)| *candidate == name)
    }
}

fn label_texts(tensor: &Tensor) -> Vec<String> {
    match &tensor.values {
        Values::Text(texts) => texts.iter().map(str::to_owned).collect(),
        Values::I64(values) => values.iter().map(ToString::to_string).collect(),
        Values::I32(values) => values.iter().map(ToString::to_string).collect(),
        Values::U8(values) => values.iter().map(ToString::to_string).collect(),
        Values::Bool(values) => values.iter().map(|&value| u8::from(value).to_string()).collect(),
        Values::F32(_) | Values::F64(_) => Vec::new(),
    }
}

pub(super) fn ask(what: &str, help: &str) -> ModelError {
    ModelError::Ask { what: what.to_owned(), help: help.to_owned() }
}

impl Reading {
    /// Works out what the outputs mean from the answers to `rows` records.
    ///
    /// # Errors
    /// [`ModelError::Ask`] when it cannot be known.
    pub fn infer(
        outputs: &Outputs,
        rows: usize,
        graph: &Graph,
        hints: &Hints,
    ) -> Result<(Self, Vec<Note>), ModelError> {
        let probe = Probe::of(outputs, rows);
        let mut notes = Vec::new();
        let label = probe.labels.first().map(|(name, _)| (*name).to_owned());
        let columns: Vec<&ScoreColumns<'_>> = candidates(&probe, graph, hints)?;
        let task = infer_task(&columns, label.as_deref(), hints)?;
        if hints.task.is_none() {
            notes.push(note("model.task", task.name(), "outputs and target"));
        }
        let unlabelled = |scores| Self { label: None, scores, classes: Vec::new(), summed_votes: false };
        match task {
            Task::MultiLabel => {
                let scores = heads::flags(&columns, &probe, graph, hints, &mut notes)?;
                return Ok((unlabelled(scores), notes));
            }
            Task::Survival => return Ok((unlabelled(heads::survival(&columns, hints, &mut notes)?), notes)),
            Task::Classification | Task::Regression => {}
        }
        if task == Task::Regression {
            let [only] = columns[..] else {
                return Err(ask(
                    "the model has several numeric outputs",
                    "name the predicted number with `[model] scores = \"...\"`",
                ));
            };
            let scores = Scores::Value { output: only.0.to_owned() };
            return Ok((unlabelled(scores), notes));
        }
        let scores = infer_scores(&columns, &probe, graph, hints, &mut notes)?;
        let classes = infer_classes(&scores, &probe, graph, hints, &mut notes)?;
        let summed_votes = graph.summed_votes && !matches!(scores, Scores::None);
        if summed_votes {
            notes.push(note(
                "model probabilities",
                "read in steps of 0.000001",
                "a sum of float32 tree votes has no finer meaning",
            ));
        }
        if let Some(label) = &label {
            notes.push(note("model label output", label, "its type"));
        }
        Ok((Self { label, scores, classes, summed_votes }, notes))
    }

    /// What the model predicts.
    pub fn task(&self) -> Task {
        match self.scores {
            Scores::Value { .. } => Task::Regression,
            Scores::Flags { .. } | Scores::PerFlag { .. } => Task::MultiLabel,
            Scores::Risk { .. } | Scores::Curve { .. } => Task::Survival,
            Scores::Matrix { .. } | Scores::PerClass { .. } | Scores::Single { .. } | Scores::None => {
                Task::Classification
            }
        }
    }

    /// Classes in the order of the scores.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// Turns the outputs of one batch into predictions.
    ///
    /// # Errors
    /// When an output is missing or has another number of rows than the batch.
    pub fn read(&self, outputs: &Outputs, rows: usize) -> Result<Predictions, ModelError> {
        let probe = Probe::of(outputs, rows);
        let missing =
            |name: &str| ModelError::Run { what: format!("the output `{name}` has not one answer per record") };
        let column = |name: &str| probe.score(name).ok_or_else(|| missing(name));
        let labels = match &self.label {
            None => None,
            Some(name) => {
                let found = probe.labels.iter().find(|(candidate, _)| candidate == name);
                let texts = &found.ok_or_else(|| missing(name))?.1;
                Some(texts.iter().map(|text| self.class_code(text)).collect::<Vec<u32>>())
            }
        };
        let (scale, values) = match &self.scores {
            Scores::Value { output } => return Ok(Predictions::Values(column(output)?.2.clone())),
            Scores::None => return labels.map(Predictions::Labels).ok_or_else(|| missing("label")),
            Scores::Matrix { output, scale } => (*scale, column(output)?.2.clone()),
            Scores::Risk { output } => return Ok(Predictions::Risks(column(output)?.2.clone())),
            Scores::Curve { output, times } => {
                let values = column(output)?.2.clone();
                let whole = values.len() == rows * times.len();
                return whole
                    .then(|| Predictions::Curves { times: Arc::clone(times), values })
                    .ok_or_else(|| missing(output));
            }
            Scores::Flags { output, scale, labels } => {
                let values = column(output)?.2.clone();
                let whole = values.len() == rows * labels;
                return whole.then(|| self.flags(*scale, *labels, values)).ok_or_else(|| missing(output));
            }
            Scores::PerFlag { outputs, scale } => {
                return Ok(self.flags(*scale, outputs.len(), Self::per_class(outputs, &probe)?));
            }
            Scores::PerClass { outputs } => (Scale::Probability, Self::per_class(outputs, &probe)?),
            Scores::Single { output, scale } => (*scale, second_of_two(&column(output)?.2, *scale)),
        };
        if values.len() != rows * self.classes.len() {
            return Err(missing("scores"));
        }
        let values = if scale == Scale::Probability { self.tidy(values) } else { values };
        Ok(Predictions::Scores { scale, classes: self.classes.len(), values, labels })
    }

    fn flags(&self, scale: Scale, labels: usize, values: Vec<f64>) -> Predictions {
        let values = if scale == Scale::Probability { self.tidy(values) } else { values };
        Predictions::Flags { scale, labels, values }
    }

    fn class_code(&self, text: &str) -> u32 {
        class_of(&self.classes, text).map_or(UNKNOWN, |index| index as u32)
    }

    fn per_class(outputs: &[String], probe: &Probe<'_>) -> Result<Vec<f64>, ModelError> {
        let mut values = vec![0.0; probe.rows * outputs.len()];
        for (class, name) in outputs.iter().enumerate() {
            let (_, _, column) = probe.score(name).ok_or_else(|| ModelError::Run {
                what: format!("the output `{name}` has not one answer per record"),
            })?;
            for (row, value) in column.iter().enumerate() {
                values[row * outputs.len() + class] = *value;
            }
        }
        Ok(values)
    }

    /// Probabilities without what float32 arithmetic adds to them: an ulp beyond 0 or 1, and noise in sums of votes.
    fn tidy(&self, values: Vec<f64>) -> Vec<f64> {
        let clamp = |value: f64| if value.is_nan() { value } else { value.clamp(0.0, 1.0) };
        let settle = |value: f64| if self.summed_votes { (value * VOTE_STEPS).round() / VOTE_STEPS } else { value };
        values.into_iter().map(|value| settle(clamp(value))).collect()
    }
}

pub(super) fn note(setting: &str, value: &str, from: &str) -> Note {
    (setting.to_owned(), value.to_owned(), from.to_owned())
}

/// The score of two classes from that of the second; in 64 bits `1 - p` of a 32-bit probability is exact.
fn second_of_two(values: &[f64], scale: Scale) -> Vec<f64> {
    let first = |value: f64| if scale == Scale::Probability { 1.0 - value } else { 0.0 };
    values.iter().flat_map(|&value| [first(value), value]).collect()
}

/// The float outputs of the file that may hold scores; tensors exposed for their logits come in later.
fn candidates<'p, 'a>(
    probe: &'p Probe<'a>,
    graph: &Graph,
    hints: &Hints,
) -> Result<Vec<&'p ScoreColumns<'a>>, ModelError> {
    if let Some(name) = &hints.scores {
        let name = graph.zip_maps.iter().find(|zip| zip.output == *name).map_or(name, |zip| &zip.tensor);
        let found = probe.score(name).ok_or_else(|| {
            let names: Vec<&str> = graph.outputs.iter().map(|output| output.name.as_str()).collect();
            ask(
                &format!("`[model] scores` names the output `{name}`, which holds no numbers per record"),
                &format!("the outputs are {}", names.join(", ")),
            )
        })?;
        return Ok(vec![found]);
    }
    let zipped = |name: &str| graph.zip_maps.iter().any(|zip| zip.tensor == name);
    let declared = |name: &str| graph.outputs.iter().any(|output| output.name == name);
    Ok(probe.scores.iter().filter(|(name, _, _)| zipped(name) || declared(name)).collect())
}

fn infer_task(columns: &[&ScoreColumns<'_>], label: Option<&str>, hints: &Hints) -> Result<Task, ModelError> {
    if let Some(task) = hints.task {
        return Ok(task);
    }
    if hints.output == Some(Output::Value) {
        return Ok(Task::Regression);
    }
    match columns {
        [] if label.is_some() => Ok(Task::Classification),
        [] => Err(ask("the model has no output with an answer per record", "check the model with `privet inspect`")),
        [(_, 1, _)] if label.is_none() && (hints.continuous || hints.labels.len() > 2) => Ok(Task::Regression),
        _ => Ok(Task::Classification),
    }
}

pub(super) fn is_distribution(values: &[f64], classes: usize) -> bool {
    let close =
        |row: &[f64]| (row.iter().sum::<f64>() - 1.0).abs() <= 1e-3 && row.iter().all(|p| (-1e-3..=1.001).contains(p));
    values.chunks(classes).all(|row| row.iter().any(|p| p.is_nan()) || close(row))
}

fn infer_scores(
    columns: &[&ScoreColumns<'_>],
    probe: &Probe<'_>,
    graph: &Graph,
    hints: &Hints,
    notes: &mut Vec<Note>,
) -> Result<Scores, ModelError> {
    let stated = match hints.output {
        Some(Output::Probabilities) => Some(Scale::Probability),
        Some(Output::Logits) => Some(Scale::Logit),
        Some(Output::Label) => return Ok(Scores::None),
        Some(Output::Value) | None => None,
    };
    match columns {
        [] => Ok(Scores::None),
        [(name, 1, values)] => {
            let in_unit = values.iter().all(|p| p.is_nan() || (0.0..=1.0).contains(p));
            let scale = match stated {
                Some(scale) => scale,
                None if in_unit => Scale::Probability,
                None => {
                    return Err(ask(
                        "the model's only output is one column of numbers outside 0 to 1: a logit or a score, which cannot be known",
                        "set `[model] output = \"logits\"`, or `task = \"regression\"`",
                    ));
                }
            };
            if stated.is_none() {
                notes.push(note("model.output", "probabilities", "one column of values between 0 and 1"));
            }
            Ok(prefer_logits(name, 1, values, scale, probe, graph, notes))
        }
        [(name, width, values)] => {
            let scale = match stated {
                Some(scale) => scale,
                None if is_distribution(values, *width) => Scale::Probability,
                None if values.iter().all(|p| (0.0..=1.0).contains(p)) => {
                    return Err(ask(
                        "the model's scores lie between 0 and 1 and do not add up to 1: one sigmoid per class or something else",
                        "set `[model] output = \"probabilities\"` or `\"logits\"`",
                    ));
                }
                None => Scale::Logit,
            };
            if stated.is_none() {
                let words = if scale == Scale::Logit { "logits" } else { "probabilities" };
                notes.push(note("model.output", words, "whether the scores of each record add up to 1"));
            }
            Ok(prefer_logits(name, *width, values, scale, probe, graph, notes))
        }
        several if several.iter().all(|(_, width, _)| *width == 1) => {
            notes.push(note("model.output", "probabilities", "one output per class"));
            Ok(Scores::PerClass { outputs: several.iter().map(|(name, _, _)| (*name).to_owned()).collect() })
        }
        several => {
            let names: Vec<&str> = several.iter().map(|(name, _, _)| *name).collect();
            Err(ask(
                &format!("several outputs could hold the scores: {}", names.join(", ")),
                "name one with `[model] scores = \"...\"`",
            ))
        }
    }
}

/// Takes the logits behind a softmax or sigmoid where the file has them and they agree with the probabilities: small
/// probabilities keep their digits.
fn prefer_logits(
    name: &str,
    width: usize,
    values: &[f64],
    scale: Scale,
    probe: &Probe<'_>,
    graph: &Graph,
    notes: &mut Vec<Note>,
) -> Scores {
    let zipped = graph.zip_maps.iter().find(|zip| zip.tensor == name).map(|zip| zip.output.as_str());
    let link = graph.links.iter().find(|link| link.output == name || Some(link.output.as_str()) == zipped);
    let logits = link.and_then(|link| probe.score(&link.logits)).filter(|(_, w, _)| *w == width);
    let agreed = logits.filter(|(_, _, logits)| scale == Scale::Probability && agree(values, logits, width));
    let (output, scale) = match agreed {
        Some((logits, _, _)) => {
            notes.push(note("model logits", logits, "the tensor before the final softmax or sigmoid"));
            ((*logits).to_owned(), Scale::Logit)
        }
        None => (name.to_owned(), scale),
    };
    if width == 1 { Scores::Single { output, scale } } else { Scores::Matrix { output, scale } }
}

fn agree(probabilities: &[f64], logits: &[f64], width: usize) -> bool {
    let link = |row: &[f64]| -> Vec<f64> {
        if width == 1 {
            return row.iter().map(|z| 1.0 / (1.0 + (-z).exp())).collect();
        }
        let top = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = row.iter().map(|z| (z - top).exp()).collect();
        let sum: f64 = weights.iter().sum();
        weights.into_iter().map(|w| w / sum).collect()
    };
    let pairs = probabilities.chunks(width).zip(logits.chunks(width));
    pairs.into_iter().all(|(p, z)| p.iter().zip(link(z)).all(|(p, q)| (p - q).abs() < 1e-4))
}

fn infer_classes(
    scores: &Scores,
    probe: &Probe<'_>,
    graph: &Graph,
    hints: &Hints,
    notes: &mut Vec<Note>,
) -> Result<Vec<String>, ModelError> {
    let width = match scores {
        Scores::Matrix { output, .. } => probe.score(output).map(|(_, width, _)| *width),
        Scores::PerClass { outputs } => Some(outputs.len()),
        Scores::Single { .. } => Some(2),
        _ => None,
    };
    if let Some(classes) = &hints.classes {
        if width.is_some_and(|width| width != classes.len()) {
            return Err(ask(
                &format!(
                    "`[model] classes` lists {} classes, the model has {}",
                    classes.len(),
                    width.unwrap_or_default()
                ),
                "list them in the order of the score columns",
            ));
        }
        return Ok(classes.clone());
    }
    let fits = |classes: &Vec<String>| width.is_none_or(|width| width == classes.len());
    let mut stated = graph.zip_maps.iter().map(|zip| &zip.classes).chain(&graph.class_lists).filter(|list| fits(list));
    if let Some(classes) = stated.next()
        && stated.all(|other| other == classes)
    {
        notes.push(note("model.classes", "in the order of the file", "class labels stored in the model's operators"));
        return Ok(classes.clone());
    }
    if let Some(classes) = classes_by_answers(scores, probe, width) {
        notes.push(note(
            "model.classes",
            "in the order of the scores",
            "the label output and the largest score of the same records",
        ));
        return Ok(classes);
    }
    let count = width.unwrap_or(hints.labels.len());
    let numbered: Vec<String> = (0..count).map(|class| class.to_string()).collect();
    if !hints.labels.is_empty() && hints.labels.iter().all(|label| class_of(&numbered, label).is_some()) {
        notes.push(note("model.classes", "0, 1, ... in order", "the labels of the data are these numbers"));
        return Ok(numbered);
    }
    if width.is_none() {
        // A model that only names classes needs no order.
        let mut classes: Vec<String> = probe.labels.iter().flat_map(|(_, texts)| texts.clone()).collect();
        classes.extend(hints.labels.iter().cloned());
        classes.sort();
        classes.dedup();
        notes.push(note("model.classes", "as named", "the label output and the data"));
        return Ok(classes);
    }
    Err(ask(
        &format!("which of the model's {count} scores belongs to which class cannot be known"),
        "set `[model] classes = [...]` in the order of the score columns (for one column: the class it speaks of last)",
    ))
}

/// The class of each column, from records whose largest score is in that column and the label the model gives them.
fn classes_by_answers(scores: &Scores, probe: &Probe<'_>, width: Option<usize>) -> Option<Vec<String>> {
    let (_, labels) = probe.labels.first()?;
    let width = width?;
    let column_of_row: Vec<u32> = match scores {
        Scores::Matrix { output, .. } => probe.score(output)?.2.chunks(width).map(largest).collect(),
        Scores::PerClass { outputs } => {
            let columns: Option<Vec<&Vec<f64>>> =
                outputs.iter().map(|name| probe.score(name).map(|(_, _, v)| v)).collect();
            let columns = columns?;
            (0..probe.rows).map(|row| largest(&columns.iter().map(|c| c[row]).collect::<Vec<f64>>())).collect()
        }
        Scores::Single { output, scale } => {
            let values = &probe.score(output)?.2;
            second_of_two(values, *scale).chunks(2).map(largest).collect()
        }
        _ => return None,
    };
    let mut votes: BTreeMap<(u32, &str), usize> = BTreeMap::new();
    for (column, label) in column_of_row.iter().zip(labels) {
        *votes.entry((*column, label)).or_insert(0) += 1;
    }
    let winner = |column: usize| {
        let of_column = votes.iter().filter(|((c, _), _)| *c as usize == column);
        of_column.max_by_key(|(_, count)| **count).map(|((_, label), _)| (*label).to_owned())
    };
    let classes: Vec<String> = (0..width).map(winner).collect::<Option<_>>()?;
    let distinct = (0..width).all(|i| !classes[..i].contains(&classes[i]));
    distinct.then_some(classes)
}
