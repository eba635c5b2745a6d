//! # What it measures
//! Whether the model has lost the hard cases: the share of people outside the training data on whom the model errs more
//! than on nearly every member. The finding takes the loss that only one member in a thousand exceeds; where a model
//! leaks nothing, one non-member in a thousand exceeds it too.
//!
//! # Who could do this
//! A triage for the auditor, not an attack: it names nobody. Somebody with the same answers could say of the people beyond
//! the threshold that they were hardly in the training data.
//!
//! # How
//! The loss of every record (here by the scaled logit, which orders records of two classes in the same way; the absolute
//! error for predicted numbers) is compared with a quantile of the members' losses. The threshold comes from the members
//! alone and is counted on the non-members alone. The interval allows for both: an order-statistic bound on the members'
//! quantile joined with Clopper-Pearson on the non-members' share, distribution-free. Where patients have several records,
//! one random record of each counts.
//!
//! # Reading the number
//! A triage: an absent tail of high-loss members predicts that reference-model attacks will succeed; not evidence about a
//! record. A training process that leaves some members with a high loss has not fitted each of them; one that leaves none
//! has, and an attacker who trains models of the same kind is likely to see who. The quantile 0.999 is judged and not the
//! worst member: it means the same in a file of any size, and no single odd or mislabelled record decides it. The table
//! has the worst member and the quantile 0.99 beside it. The severity never exceeds *high*.
//!
//! # When it misleads
//! Too low: a few mislabelled members keep the tail of a model that has memorised all others (compare the quantile 0.99).
//! Too high: when members and non-members differ for other reasons (see `dataset/split-integrity`), so do their tails.
//!
//! # Cost
//! Sorting; no query to the model.
//!
//! # References
//! Dodd et al., arXiv 2510.19773; Yeom et al., CSF 2018; Carlini et al., S&P 2022; Clopper and Pearson, Biometrika 1934.

use serde::Deserialize;

use super::pool::{FEWEST, Part, Pool, Signals, blank, percent};
use crate::check::{Check, CheckError, CheckMeta, Need, Output, Subject};
use crate::finding::{Evidence, Family, Finding, Severity, Table, Unit};
use crate::model::Predictions;
use crate::stats::interval::clopper_pearson;
use crate::stats::roc::{Estimability, Roc, estimability};
use crate::stats::{Estimate, Level};
use crate::watch::Watch;

pub(in crate::check) static META: CheckMeta = CheckMeta {
    id: "membership/tail",
    title: "Losses beyond those of members",
    family: Family::Membership,
    measures: &[TNR],
    source: include_str!("tail.rs"),
};

const TNR: &str = "membership/tail-tnr";
/// The share of members beyond the quantile that is judged.
const JUDGED: f64 = 0.001;
/// The shares of members beyond the quantiles of the table; zero is the worst member.
const SHARES: [f64; 3] = [0.0, JUDGED, 0.01];
/// Severity scale of the proven share; a triage stops at high.
const SCALE: [f64; 4] = [0.01, 0.05, 0.2, 1.0];

/// The check. It has no settings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tail {}

impl Check for Tail {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Model, Need::Data, Need::Target]
    }

    fn run(&self, subject: &Subject<'_>, _watch: &dyn Watch) -> Result<Output, CheckError> {
        let (Some(pool), Some(signals)) = (Pool::of(subject), Signals::of(subject)) else {
            return Ok(Output::default());
        };
        let answers = subject.model.and_then(|model| model.members.as_ref());
        if answers.is_some_and(|answers| matches!(answers.predictions, Predictions::Labels(_))) {
            return Err(CheckError::NotApplicable {
                reason: "the model names a class without a confidence: its losses have no tail".to_owned(),
                remedy: "give a model that states probabilities or scores".to_owned(),
            });
        }
        let units = pool.thin(&pool.whole(), pool.seed().derive("one record a patient"));
        let losses = Losses::of(signals.main(), &units);
        Ok(std::iter::once(finding(&pool, &losses, signals.main_name())).collect())
    }
}

/// The losses of independent units of either side.
struct Losses {
    /// Non-members against members: the share of positives beyond a quantile of the negatives is a rate of this curve.
    curve: Roc,
    /// Non-members beyond the worst member.
    beyond_worst: usize,
    members: usize,
    nonmembers: usize,
}

impl Losses {
    fn of(signal: &[f64], units: &Part) -> Self {
        let loss = |rows: &[usize]| -> Vec<f64> { rows.iter().map(|&row| -signal[row]).collect() };
        let (members, nonmembers) = (loss(&units.members), loss(&units.nonmembers));
        let worst = members.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Self {
            curve: Roc::new(&nonmembers, &members),
            beyond_worst: nonmembers.iter().filter(|&&loss| loss > worst).count(),
            members: members.len(),
            nonmembers: nonmembers.len(),
        }
    }

    /// The share of non-members beyond the loss that a share of members exceeds. Beyond the worst member it speaks of
    /// this file's worst member, which the non-members did not choose: a plain proportion.
    fn beyond(&self, share: f64) -> Option<Estimate> {
        if share <= 0.0 {
            return Some(clopper_pearson(self.beyond_worst, self.nonmembers, Level::P95));
        }
        let estimable = self.nonmembers >= FEWEST && estimability(self.members, share) != Estimability::None;
        estimable.then(|| self.curve.tpr_at_fpr_bounds(share, Level::P95))
    }

    /// What a model that leaks nothing would show: for the worst of n members 1 in n + 1.
    fn chance(&self, share: f64) -> f64 {
        if share <= 0.0 { 1.0 / (self.members + 1) as f64 } else { share }
    }
}

fn finding(pool: &Pool, losses: &Losses, signal: &str) -> Finding {
    let mut finding = blank(META.id, TNR, Unit::Share, JUDGED);
    finding.limits.push(
        "A triage: an absent tail of high-loss members predicts that reference-model attacks will succeed; not evidence \
         about a record."
            .to_owned(),
    );
    if pool.grouped {
        finding.limits.push("One random record per patient counts.".to_owned());
    }
    finding.settings = vec![
        ("signal".to_owned(), signal.to_owned()),
        ("quantile of the members' losses".to_owned(), (1.0 - JUDGED).to_string()),
    ];
    finding.evidence.push(table(losses));
    let Some(estimate) = losses.beyond(JUDGED) else {
        // Members and non-members have changed places: it is the members who set the threshold.
        finding.standing = pool.too_few((losses.members, losses.nonmembers), JUDGED, 1);
        finding.sentence =
            format!("The loss that {} of members exceed cannot be found with these records.", percent(JUDGED));
        return finding;
    };
    finding.sentence = format!(
        "The model errs more on {} of {} that it never saw than on 99.9 % of its members; without a leak it would be {}.",
        Unit::Share.show(estimate.value),
        pool.unit(),
        percent(JUDGED)
    );
    finding.severity = Severity::on_scale(estimate.low, SCALE);
    finding.estimate = Some(estimate);
    finding
}

fn table(losses: &Losses) -> Evidence {
    let row = |share: f64| {
        let threshold =
            if share <= 0.0 { "the worst member".to_owned() } else { format!("{} of members", percent(1.0 - share)) };
        let (value, interval) = losses.beyond(share).map_or_else(
            || ("not estimable".to_owned(), String::new()),
            |estimate| (Unit::Share.show(estimate.value), Unit::Share.show_interval(&estimate)),
        );
        vec![threshold, value, interval, Unit::Share.show(losses.chance(share))]
    };
    Evidence::Table(Table {
        caption: "Non-members with a loss higher than that of nearly every member".to_owned(),
        columns: ["higher than", "non-members", "95 % interval", "without a leak"].map(str::to_owned).to_vec(),
        rows: SHARES.map(row).to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::membership::specimen::case;
    use crate::check::specimen::{Case, Specimen};
    use crate::finding::Standing;

    impl Specimen for Tail {
        const MEASURE: &'static str = TNR;

        fn null(seed: u64) -> (Case, f64) {
            (case(4000, 0.0, seed), JUDGED)
        }

        fn leaky() -> Case {
            case(4000, 4.0, 1)
        }

        /// With a shift of two standard deviations: Phi(2 - 3.0902) = 0.13780541289830034.
        fn graded(seed: u64) -> (Case, f64) {
            (case(4000, 2.0, seed), 0.137_805_412_898_300_34)
        }
    }

    /// Members have losses 0 to 9 and non-members 5.5 to 14.5: six of ten lie beyond the worst member (9).
    #[test]
    fn beyond_the_worst_member() {
        let signal: Vec<f64> = (0..10).map(|i| -f64::from(i)).chain((0..10).map(|i| -5.5 - f64::from(i))).collect();
        let losses = Losses::of(&signal, &Part { members: (0..10).collect(), nonmembers: (10..20).collect() });
        let worst = losses.beyond(0.0).unwrap();
        assert_eq!((worst.value, worst.n), (0.6, 10));
        assert!(losses.beyond(0.01).is_none(), "ten members have no quantile 0.99");
    }

    #[test]
    fn few_members_say_how_many_would_do() {
        let findings = case(500, 1.0, 5).run(&Tail {}, 5);
        let Standing::Insufficient { needed, .. } = &findings[0].standing else { panic!("500 are too few") };
        assert!(needed.contains("3688"), "{needed}");
        assert!(findings[0].estimate.is_none());
        let Evidence::Table(table) = &findings[0].evidence[0] else { panic!("a table") };
        assert_eq!(table.rows[1][1], "not estimable");
        assert_ne!(table.rows[2][1], "not estimable", "500 members have a quantile 0.99");
    }
}
