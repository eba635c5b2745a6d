//! Re-identification: can people be singled out in the data?

mod classes;
pub mod k_anonymity;
pub mod uniqueness;

pub use classes::Classes;

use crate::data::{Split, ThreatModel};
use crate::finding::{Finding, Severity, Standing, Unit, Worse};
use crate::stats::Estimate;

/// Class statistics of every threat model over the member records.
pub(in crate::check) fn sets(split: &Split) -> Vec<(&ThreatModel, Classes)> {
    let Some(table) = split.members.table() else { return Vec::new() };
    let groups = split.members.groups.as_deref();
    let of_set = |threat: &ThreatModel| {
        let cells = threat
            .columns
            .iter()
            .filter_map(|column| table.column(column))
            .map(|column| &column.cells)
            .collect::<Vec<_>>();
        Classes::of(&cells, groups)
    };
    split.schema.quasi_identifiers.iter().map(|threat| (threat, of_set(threat))).collect()
}

/// A finding counted on the whole member file.
pub(in crate::check) fn counted(check: &str, measure: &str, scope: &str, unit: Unit, estimate: Estimate) -> Finding {
    Finding {
        check: check.to_owned(),
        measure: measure.to_owned(),
        scope: scope.to_owned(),
        sentence: String::new(),
        estimate: Some(estimate),
        unit,
        worse: if unit == Unit::People { Worse::Lower } else { Worse::Higher },
        null_value: None,
        baseline: None,
        severity: Severity::VeryLow,
        standing: Standing::Sound,
        evidence: Vec::new(),
        limits: vec![
            "Measured on the member records; an attacker who does not know who is in the data faces the population instead \
             (journalist and marketer risk)."
                .to_owned(),
        ],
        settings: Vec::new(),
    }
}
