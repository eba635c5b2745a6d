//! Disclosure: what does the model file itself hold of the people it was trained on? No question is put to the model.

pub mod column_extremes;
mod extremes;
pub(in crate::check) mod grove;
pub(in crate::check) mod images;
pub mod implied_cells;
pub mod leaf_occupancy;
mod leaves;
mod matching;
mod search;
pub mod stored_rows;
pub mod stored_strings;
pub mod threshold_provenance;
#[cfg(test)]
mod tree_specimen;
pub mod verbatim_outcomes;

pub use grove::Fed;
pub use leaves::people_in_leaves;

use crate::finding::{Count, Finding, SMALLEST_SHOWN, Severity, Standing, Unit, Worse, share_of};
use crate::stats::{Estimate, Method};

/// What an array that cannot be read asks for.
const WHOLE: &str = "Export the model so that every array can be read: values whole, external data beside the file.";

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

/// A share of people at the start of a sentence; where 1 to 10 stand on either side, its worse end.
pub(in crate::check) fn share_text(count: usize, total: usize) -> String {
    let share = share_of(count, total);
    if share.low == share.high {
        Unit::Share.show(share.value)
    } else {
        format!("At most {}", Unit::Share.show(share.high))
    }
}

/// A number of things of which each may stand for a person: 1 to 10 are shown as that range.
pub(in crate::check) fn items(count: usize, of: usize) -> Estimate {
    let exact = Estimate::exact(count as f64, of);
    match Count::of(count) {
        Count::Withheld => {
            let high = (SMALLEST_SHOWN - 1) as f64;
            Estimate { value: high, low: 1.0, high, method: Method::SuppressedCount, ..exact }
        }
        _ => exact,
    }
}
