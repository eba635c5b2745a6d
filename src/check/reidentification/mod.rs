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

use crate::finding::{Count, Finding, SMALLEST_SHOWN, Severity, Standing, Unit, Worse, part_of, share_of};
use crate::stats::{Estimate, Method};

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

    /// A count that may be shown beside those before it; it counts as shown then.
    fn show(&mut self, count: usize) -> Count {
        let part = self.beside(count);
        if part == Count::Shown(count) {
            self.shown.push(count);
        }
        part
    }

    /// A count as it may be shown beside those before it, and not beside what comes after.
    fn beside(&self, count: usize) -> Count {
        let part = Count::of_part(count, self.total);
        let near = self.shown.iter().any(|&other| Count::of(count.abs_diff(other)) == Count::Withheld);
        if part == Count::Shown(count) && near { Count::Hidden } else { part }
    }

    /// A count as text.
    fn text(&mut self, count: usize) -> String {
        self.show(count).to_string()
    }

    /// The share that a count of the total is; where the count is hidden beside another one, as any count hidden there would be.
    fn share(&mut self, count: usize) -> Estimate {
        let own = share_of(count, self.total);
        if own.method != Method::Exact || self.show(count) == Count::Shown(count) {
            return own;
        }
        let few = SMALLEST_SHOWN - 1;
        let Some(near) = self.shown.iter().copied().find(|other| (1..=few).contains(&other.abs_diff(count))) else {
            return own;
        };
        let (least, most) = if near > count { (near.saturating_sub(few), near - 1) } else { (near + 1, near + few) };
        let share = |count: usize| count.min(self.total) as f64 / self.total.max(1) as f64;
        Estimate { value: share(most), low: share(least), high: share(most), method: Method::SuppressedCount, ..own }
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

/// Whether all of these counts may be shown beside each other. Where one may not, no number may be shown from which it would follow.
fn told<const N: usize>(counts: [usize; N], total: usize) -> bool {
    let mut apart = Apart::of(total);
    counts.iter().all(|&count| apart.show(count) == Count::Shown(count))
}

/// A share rounded down in the finest steps that stand for 11 records or more, hundredths or tenths; nothing of few records.
fn rounded_down(share: f64, records: usize) -> Option<f64> {
    let steps = [100.0, 10.0].into_iter().find(|steps| records as f64 >= steps * SMALLEST_SHOWN as f64)?;
    Some((share * steps).floor() / steps)
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

    #[test]
    fn a_share_near_another_is_a_range() {
        let mut apart = Apart::of(1000);
        let shares = [500, 495, 507, 480, 500, 0].map(|count| apart.share(count));
        let ends = shares.map(|share| (share.low, share.value, share.high));
        let exact = |share: f64| (share, share, share);
        assert_eq!(ends, [exact(0.5), (0.49, 0.499, 0.499), (0.501, 0.51, 0.51), exact(0.48), exact(0.5), exact(0.0)]);
        assert_eq!(apart.beside(470), Count::Hidden);
        assert_eq!(apart.beside(460), Count::Shown(460));
    }
}
