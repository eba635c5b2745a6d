//! The model under test: something that answers queries, and the facts its file states. Layer row 1.
//!
//! Two files name the ONNX Runtime binding ([`runtime`] and `onnx.rs`); everything else sees [`Target`], so statistical
//! tests use exact hand-written models whose leakage is known. Refuses to repeat the runtime's own error texts, which may
//! quote cells, and to guess what an output means where it cannot be known.

pub mod binding;
pub mod contents;
mod error;
mod family;
pub mod graph;
mod heads;
mod linear;
mod metered;
mod onnx;
#[allow(missing_docs, unreachable_pub, clippy::pedantic, clippy::enum_variant_names, reason = "generated code")]
mod proto;
mod reading;
pub mod repair;
pub mod reverse;
pub mod runtime;
mod stages;
pub mod trees;

pub use error::ModelError;
pub use family::ModelFamily;
pub use linear::Linear;
pub use metered::Metered;
pub use onnx::OnnxModel;
pub use reading::{Hints, Note, Output, Reading, Task, canonical_label, class_of};
pub use stages::{Inside, Stage, Stages};

use std::sync::Arc;

use crate::tensor::Tensor;

/// The label code of an answer that is none of the known classes.
pub const UNKNOWN: u32 = u32::MAX;

/// Whether scores are probabilities or logits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Non-negative, summing to one per row.
    Probability,
    /// Any real number; a softmax away from probabilities.
    Logit,
}

/// What the model answered, one entry per row.
#[derive(Clone, PartialEq)]
pub enum Predictions {
    /// A score per class, row-major, `rows * classes` values.
    Scores {
        /// Their scale.
        scale: Scale,
        /// Number of classes.
        classes: usize,
        /// The scores.
        values: Vec<f64>,
        /// The label output's class per row, where the model has one.
        labels: Option<Vec<u32>>,
    },
    /// Only a class per row.
    Labels(Vec<u32>),
    /// A number per row.
    Values(Vec<f64>),
    /// A score for each of several labels that do not exclude each other, row-major, `rows * labels` values.
    Flags {
        /// Their scale: the probability that the label holds, or its logit.
        scale: Scale,
        /// Number of labels.
        labels: usize,
        /// The scores.
        values: Vec<f64>,
    },
    /// A risk score per row: the higher, the earlier the event.
    Risks(Vec<f64>),
    /// A survival curve per row, row-major, `rows * times` probabilities of having no event up to each time.
    Curves {
        /// The times, ascending.
        times: Arc<[f64]>,
        /// The probabilities.
        values: Vec<f64>,
    },
}

impl Predictions {
    /// Number of rows.
    pub fn rows(&self) -> usize {
        match self {
            Self::Scores { classes: width, values, .. } | Self::Flags { labels: width, values, .. } => {
                values.len() / width
            }
            Self::Labels(labels) => labels.len(),
            Self::Values(values) | Self::Risks(values) => values.len(),
            Self::Curves { times, values } => values.len() / times.len(),
        }
    }

    /// Puts batches of the same kind together.
    pub fn concat(parts: Vec<Self>) -> Option<Self> {
        let mut parts = parts.into_iter();
        let mut joined = parts.next()?;
        for part in parts {
            match (&mut joined, part) {
                (Self::Scores { values, labels, .. }, Self::Scores { values: more, labels: more_labels, .. }) => {
                    values.extend(more);
                    if let (Some(labels), Some(more)) = (labels.as_mut(), more_labels) {
                        labels.extend(more);
                    }
                }
                (Self::Labels(labels), Self::Labels(more)) => labels.extend(more),
                (Self::Values(values), Self::Values(more))
                | (Self::Risks(values), Self::Risks(more))
                | (Self::Flags { values, .. }, Self::Flags { values: more, .. })
                | (Self::Curves { values, .. }, Self::Curves { values: more, .. }) => values.extend(more),
                _ => return None,
            }
        }
        Some(joined)
    }

    /// A copy of some rows.
    #[must_use]
    pub fn take(&self, rows: &[usize]) -> Self {
        let of = |values: &[f64], width: usize| -> Vec<f64> {
            rows.iter().flat_map(|row| &values[row * width..(row + 1) * width]).copied().collect()
        };
        match self {
            Self::Scores { scale, classes, values, labels } => Self::Scores {
                scale: *scale,
                classes: *classes,
                values: of(values, *classes),
                labels: labels.as_ref().map(|labels| rows.iter().map(|&row| labels[row]).collect()),
            },
            Self::Labels(labels) => Self::Labels(rows.iter().map(|&row| labels[row]).collect()),
            Self::Values(values) => Self::Values(of(values, 1)),
            Self::Risks(values) => Self::Risks(of(values, 1)),
            Self::Flags { scale, labels, values } => {
                Self::Flags { scale: *scale, labels: *labels, values: of(values, *labels) }
            }
            Self::Curves { times, values } => {
                Self::Curves { times: Arc::clone(times), values: of(values, times.len()) }
            }
        }
    }

    /// Keeps the first rows.
    pub fn truncate(&mut self, rows: usize) {
        match self {
            Self::Scores { classes, values, labels, .. } => {
                values.truncate(rows * *classes);
                if let Some(labels) = labels {
                    labels.truncate(rows);
                }
            }
            Self::Labels(labels) => labels.truncate(rows),
            Self::Values(values) | Self::Risks(values) => values.truncate(rows),
            Self::Flags { labels, values, .. } => values.truncate(rows * *labels),
            Self::Curves { times, values } => values.truncate(rows * times.len()),
        }
    }

    /// The predicted class of a row: the label output where there is one, else the largest score (the first of equals).
    pub fn class(&self, row: usize) -> u32 {
        match self {
            Self::Scores { labels: Some(labels), .. } | Self::Labels(labels) => labels[row],
            Self::Scores { classes, values, .. } => largest(&values[row * classes..(row + 1) * classes]),
            Self::Values(_) | Self::Flags { .. } | Self::Risks(_) | Self::Curves { .. } => UNKNOWN,
        }
    }

    /// Whether any score or value is not a number, and in how many rows.
    pub fn rows_not_a_number(&self) -> usize {
        let (width, values) = match self {
            Self::Labels(_) => return 0,
            Self::Scores { classes: width, values, .. } | Self::Flags { labels: width, values, .. } => (*width, values),
            Self::Values(values) | Self::Risks(values) => (1, values),
            Self::Curves { times, values } => (times.len(), values),
        };
        values.chunks(width).filter(|row| row.iter().any(|value| !value.is_finite())).count()
    }
}

/// Index of the largest value, the first of equals.
pub fn largest(values: &[f64]) -> u32 {
    let mut best = 0;
    for (index, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = index;
        }
    }
    best as u32
}

/// The floor of a probability inside a logarithm: the smallest normal 32-bit float.
pub const PROBABILITY_FLOOR: f64 = 1e-38;

/// ln of a sum of exponentials, without overflow.
pub fn log_sum_exp(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let top = values.clone().fold(f64::NEG_INFINITY, f64::max);
    if top == f64::NEG_INFINITY {
        return top;
    }
    top + values.map(|value| (value - top).exp()).sum::<f64>().ln()
}

/// ln (1 + e^x), exact in both tails.
fn softplus(x: f64) -> f64 {
    if x > 0.0 { x + (-x).exp().ln_1p() } else { x.exp().ln_1p() }
}

/// ln of the odds against a class, from one row of logits. Every other form loses digits to cancellation when one class
/// has nearly all the mass.
pub fn log_odds_against(logits: &[f64], class: usize) -> f64 {
    let gaps = logits.iter().enumerate().filter(move |(j, _)| *j != class).map(move |(_, z)| z - logits[class]);
    log_sum_exp(gaps)
}

/// ln of the probability of a class, from one row of scores.
pub fn log_probability(scale: Scale, row: &[f64], class: usize) -> f64 {
    match scale {
        Scale::Logit => -softplus(log_odds_against(row, class)),
        Scale::Probability => row[class].max(PROBABILITY_FLOOR).ln(),
    }
}

/// ln of the probability of all other classes together, from one row of scores.
pub fn log_rest(scale: Scale, row: &[f64], class: usize) -> f64 {
    match scale {
        Scale::Logit => -softplus(-log_odds_against(row, class)),
        Scale::Probability => {
            let others = row.iter().enumerate().filter(|(j, _)| *j != class).map(|(_, p)| p);
            others.sum::<f64>().max(PROBABILITY_FLOOR).ln()
        }
    }
}

/// What everybody may know about a model.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelFacts {
    /// What it predicts.
    pub task: Task,
    /// Classes in the order of the scores; empty for every other task.
    pub classes: Vec<String>,
    /// The only batch size it accepts, where it is fixed.
    pub batch: Option<usize>,
}

/// The model under test. Attacks can only ask it questions.
pub trait Target: Send + Sync {
    /// Facts.
    fn facts(&self) -> &ModelFacts;

    /// Answers one batch: one tensor per model input, all with the same number of rows.
    ///
    /// # Errors
    /// When the model cannot run on these tensors.
    fn query(&self, inputs: &[Tensor]) -> Result<Predictions, ModelError>;
}
