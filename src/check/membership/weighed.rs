//! What an attack with reference models weighs: one number per record, or one per label.
//!
//! Labels that do not exclude each other are weighed one by one: their likelihood ratios multiply. A number's error, and the
//! deviance residual of a risk score, keeps its sign. A model that was trained on a record answers nearer to its truth than its peers do, from
//! whichever side: an absolute error would take an answer on the other side of the truth for the same answer.

use super::pool::{MOST_DEVIANCE, confidence, confidence_of_labels};
use super::survival::deviances;
use crate::check::Truth;
use crate::model::Predictions;

/// Where a model's answer lies when it was trained on the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tail {
    /// Higher than that of its peers.
    Upper,
    /// Nearer to zero than that of its peers, from either side.
    Both,
}

/// The tail in which members of such answers are looked for.
pub(super) fn tail(predictions: &Predictions) -> Tail {
    match predictions {
        Predictions::Values(_) | Predictions::Risks(_) => Tail::Both,
        Predictions::Scores { .. }
        | Predictions::Labels(_)
        | Predictions::Flags { .. }
        | Predictions::Curves { .. } => Tail::Upper,
    }
}

/// The numbers that are weighed, a list over the records for each.
pub(super) fn weighed(predictions: &Predictions, truth: &Truth) -> Vec<Vec<f64>> {
    match (predictions, truth) {
        (Predictions::Values(values), Truth::Values(truth)) => {
            vec![values.iter().zip(truth).map(|(value, truth)| truth - value).collect()]
        }
        (Predictions::Risks(risks), Truth::Survival { events, hazards: Some(hazards), .. }) => {
            let residuals = deviances(risks, events, hazards);
            vec![residuals.into_iter().map(|residual| residual.clamp(-MOST_DEVIANCE, MOST_DEVIANCE)).collect()]
        }
        (Predictions::Flags { .. }, Truth::Flags { .. }) => confidence_of_labels(predictions, truth),
        _ => vec![confidence(predictions, truth)],
    }
}
