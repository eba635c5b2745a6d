//! Disclosure: what does the model file itself hold of the people it was trained on? No question is put to the model.

mod grove;
mod images;
pub mod implied_cells;
pub mod leaf_occupancy;
mod leaves;
mod matching;
mod search;
pub mod stored_rows;
pub mod threshold_provenance;
#[cfg(test)]
mod tree_specimen;
pub mod verbatim_outcomes;

pub use grove::Fed;
pub use leaves::people_in_leaves;

use crate::finding::{Finding, Severity, Standing, Unit, Worse};
use crate::stats::Estimate;

/// A finding counted in the file.
pub(in crate::check) fn counted(check: &str, measure: &str, unit: Unit, estimate: Estimate) -> Finding {
    Finding {
        check: check.to_owned(),
        measure: measure.to_owned(),
        scope: String::new(),
        sentence: String::new(),
        estimate: Some(estimate),
        unit,
        worse: Worse::Higher,
        null_value: Some(0.0),
        baseline: None,
        severity: Severity::VeryLow,
        standing: Standing::Sound,
        evidence: Vec::new(),
        limits: Vec::new(),
        settings: Vec::new(),
    }
}
