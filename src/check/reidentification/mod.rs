//! Re-identification: can people be singled out in the data?

mod attacker;
pub mod attribute_disclosure;
pub mod column_search;
mod diversity;
mod fields;
mod found;
#[cfg(test)]
mod golden;
mod grouped;
pub mod individual_risk;
pub mod k_anonymity;
pub mod linkage;
mod margins;
mod measure;
pub mod output_classes;
mod pairing;
mod population;
pub mod population_uniqueness;
mod record_models;
pub mod record_risk;
pub mod special_uniques;
pub mod unicity;
pub mod uniqueness;

pub use grouped::Grouped;
pub use measure::{Counted, Measurement};

use attribute_disclosure::{AttributeDisclosure, Sensitive};

use crate::finding::{Count, Finding, Severity, Standing, Unit, Worse, part_of};
use crate::stats::Estimate;

/// Sizes at which people are counted in reports.
const STEPS: [usize; 4] = [2, 3, 5, 11];

/// A finding counted on the whole member file.
fn counted(check: &str, measure: &str, scope: &str, unit: Unit, estimate: Estimate) -> Finding {
    Finding {
        check: check.to_owned(),
        measure: measure.to_owned(),
        scope: scope.to_owned(),
        sentence: String::new(),
        estimate: Some(estimate),
        unit,
        worse: if matches!(unit, Unit::People | Unit::Items) { Worse::Lower } else { Worse::Higher },
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

/// The counts of one file that a finding shows: a count that differs from one shown before by 1 to 10 is withheld, because
/// the difference may be a count of people too, and so is one that leaves 1 to 10 over.
struct Apart {
    total: usize,
    shown: Vec<usize>,
}

impl Apart {
    /// Of a file of `total` records.
    fn of(total: usize) -> Self {
        Self { total, shown: Vec::new() }
    }

    /// A count as text.
    fn text(&mut self, count: usize) -> String {
        let part = Count::of_part(count, self.total);
        if part != Count::Shown(count) {
            return part.to_string();
        }
        if self.shown.iter().any(|&other| Count::of(count.abs_diff(other)) == Count::Withheld) {
            return Count::Hidden.to_string();
        }
        self.shown.push(count);
        part.to_string()
    }

    /// A count with the whole it is a part of, as [`part_of`] says it.
    fn part(&mut self, count: usize) -> String {
        let hidden = Count::Hidden.to_string();
        if Count::of_part(count, self.total) == Count::Shown(count) && self.text(count) == hidden {
            return format!("{hidden} of {}", Count::of(self.total));
        }
        part_of(count, self.total)
    }
}

/// Counts of one file as text.
fn nested<const N: usize>(counts: [usize; N], total: usize) -> [String; N] {
    let mut apart = Apart::of(total);
    counts.map(|count| apart.text(count))
}

/// Levels of the likelihood of being recognised: largest risk 1/20, 1/11, 1/5, 1/3.
fn severity_among(people: f64) -> Severity {
    match people {
        20.0.. => Severity::VeryLow,
        11.0.. => Severity::Low,
        5.0.. => Severity::Moderate,
        3.0.. => Severity::High,
        _ => Severity::VeryHigh,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_of_counts_are_counts_too() {
        assert_eq!(nested([12, 15, 40, 41], 100), ["12", "withheld", "40", "withheld"]);
        assert_eq!(nested([3, 12, 95, 100], 100), ["<11", "12", "withheld", "100"]);
        // In any order, and not only beside the one before.
        assert_eq!(nested([500, 60, 55, 495, 60], 1000), ["500", "60", "withheld", "withheld", "60"]);
        let mut apart = Apart::of(1000);
        let texts = [500, 495, 3, 995].map(|count| apart.part(count));
        assert_eq!(texts, ["500 of 1,000", "withheld of 1,000", "<11 of 1,000", "all but <11 of 1,000"]);
    }
}
