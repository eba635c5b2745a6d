//! Robustness: do the model's answers hold when a record is measured again, or changed on purpose?
//!
//! A matter of integrity and safety (45 CFR 164.312(c)), not of disclosure: a section of its own in the report, judged only
//! where a plan sets a limit.

pub mod adversarial;
mod boxes;
mod forest;
mod hop_skip_jump;
pub mod natural_noise;
mod relation;
mod rules;
mod scene;
mod search;
mod space;
#[cfg(test)]
mod specimen;
mod table;

pub use rules::{Direction, Rules};

use crate::finding::{Finding, Severity, Standing, Unit, Worse};

/// Measures that compare members with non-members, and fall with an experiment that cannot.
pub const COMPARING: [&str; 2] = [natural_noise::GAP, adversarial::DISTANCE];

/// Fewest records of a side that are reported on.
const FEWEST: usize = 20;

/// An empty finding.
fn blank(check: &str, measure: &str, unit: Unit, null_value: f64) -> Finding {
    Finding {
        check: check.to_owned(),
        measure: measure.to_owned(),
        scope: String::new(),
        sentence: String::new(),
        estimate: None,
        unit,
        worse: Worse::Higher,
        null_value: Some(null_value),
        baseline: None,
        severity: Severity::VeryLow,
        standing: Standing::Sound,
        evidence: Vec::new(),
        limits: Vec::new(),
        settings: Vec::new(),
    }
}

/// Takes the number from a finding that rests on too few records.
fn refuse_too_few(finding: &mut Finding, members: usize, nonmembers: usize) {
    if members.min(nonmembers) < FEWEST {
        finding.standing = Standing::Insufficient {
            reason: format!("fewer than {FEWEST} members or non-members could be looked at."),
            needed: "Hundreds of records on either side would do.".to_owned(),
        };
    }
}
