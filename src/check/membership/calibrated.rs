//! # What it measures
//! How many people an attacker recognises who subtracts from the model's confidence about a record what reference models
//! that were not trained on it say about it. Reported as the area under the ROC curve; its rates stand in the table of all
//! attacks.
//!
//! # Who could do this
//! Somebody with data of the same kind who can train one model; and anybody with a reference model.
//!
//! # How
//! Three forms: the difference to the mean of the references (difficulty calibration), the share of references with a
//! larger loss (Attack-R, for fifty references and more), and the log of the ratio to their mean probability (BASE, the
//! ranking of RMIA). They are shown for comparison; `membership/rmia` and `membership/likelihood-ratio` compete.
//!
//! # Reading the number
//! Above the threshold attack when the model's confidence depends on how hard records are.
//!
//! # When it misleads
//! Too low: when references are much worse than the model, their scale differs and the difference says little.
//!
//! # Cost
//! One query per record and reference.
//!
//! # References
//! Watson et al., ICLR 2022; Ye et al., CCS 2022 (Attack-R); Lassila et al. 2025 (BASE).

use serde::Deserialize;

use super::moments::{ReferenceTable, Seen, log_probabilities};
use super::pool::{Pool, Signals, competing};
use crate::check::{AttackScores, Check, CheckError, CheckMeta, Entry, Need, Output, Subject};
use crate::finding::Family;
use crate::watch::Watch;

pub(in crate::check) static META: CheckMeta = CheckMeta {
    id: "membership/calibrated",
    title: "Difficulty calibration with reference models",
    family: Family::Membership,
    measures: &[AUC],
    source: include_str!("calibrated.rs"),
};

const AUC: &str = "membership/calibrated-auc";
/// Fewest references for which shares of them are fine enough.
const FEWEST_FOR_SHARES: usize = 50;

/// The check. It has no settings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibrated {}

impl Check for Calibrated {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Model, Need::Data, Need::Target, Need::References]
    }

    fn run(&self, subject: &Subject<'_>, _watch: &dyn Watch) -> Result<Output, CheckError> {
        let (Some(pool), Some(signals)) = (Pool::of(subject), Signals::of(subject)) else {
            return Ok(Output::default());
        };
        let Some(table) = ReferenceTable::main(subject) else { return Ok(Output::default()) };
        let (own, out) = (signals.confidence(), table.moments(&pool, Seen::Out));
        let form = |name: &str, of_record: Vec<f64>| AttackScores {
            entry: Entry::ForReading,
            ..competing(META.id, name, of_record)
        };
        let difference = own.iter().zip(&out.mean).map(|(own, mean)| own - mean).collect();
        let mut scores = vec![form("difference to the references", difference)];
        if table.references() >= FEWEST_FOR_SHARES {
            let share = |(row, own): (usize, &f64)| {
                let below = table.of_record(row, Seen::Out).filter(|value| value < own).count();
                below as f64 / out.count[row].max(1) as f64
            };
            scores.push(form("share of references with a larger loss", own.iter().enumerate().map(share).collect()));
        }
        scores.extend(base(subject, &pool).map(|values| form("log ratio to the references' mean (BASE)", values)));
        let mut finding = pool.area_finding(
            &scores[0],
            AUC,
            "An attacker with reference models subtracts what they say about the record.",
        );
        finding.settings.push(("reference models".to_owned(), table.references().to_string()));
        Ok(Output { findings: vec![finding], scores, ..Output::default() })
    }
}

/// ln p of the model minus ln of the mean p of all references.
fn base(subject: &Subject<'_>, pool: &Pool) -> Option<Vec<f64>> {
    let table = ReferenceTable::probabilities(subject)?;
    let model = subject.model?;
    let (members, nonmembers) = (model.members.as_ref()?, model.nonmembers.as_ref()?);
    let mut own = log_probabilities(&members.predictions, &members.truth);
    own.extend(log_probabilities(&nonmembers.predictions, &nonmembers.truth));
    let mean = |row: usize| {
        let sum: f64 = table.of_record(row, Seen::In).chain(table.of_record(row, Seen::Out)).sum();
        sum / table.references() as f64
    };
    Some((0..pool.rows()).map(|row| own[row] - mean(row).max(1e-12).ln()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::membership::specimen::referenced;
    use crate::check::specimen::{Case, Specimen};

    impl Specimen for Calibrated {
        const MEASURE: &'static str = AUC;

        fn null(seed: u64) -> (Case, f64) {
            (referenced(300, 0.0, 2.0, 10, seed), 0.5)
        }

        fn leaky() -> Case {
            referenced(600, 4.0, 2.0, 10, 1)
        }

        /// A shift of one, known up to the noise of nine references: Phi(1 / sqrt(2 (1 + 1/9))).
        fn graded(seed: u64) -> (Case, f64) {
            (referenced(600, 1.0, 2.0, 9, seed), 0.748_832_522_819_749)
        }
    }
}
