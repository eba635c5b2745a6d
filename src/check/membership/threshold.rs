//! # What it measures
//! How well an attacker who sees the model's answer about a record can tell whether that record was in the training
//! data, by comparing one number with a threshold. The finding is the area under the ROC curve (0.5 is chance) of the
//! scaled logit, the attack everybody can run; every other threshold attack is in the table of all attacks.
//!
//! # Who could do this
//! Anybody who can query the model with a person's full record and knows the person's outcome; entropy needs no outcome.
//! The attacker needs some records of either kind to set a threshold.
//!
//! # How
//! Five signals (loss, scaled logit, entropy, modified entropy, correctness; absolute error for regression), each with one
//! threshold for all and with one per class (class ranks learned among the non-members of the other half of the patients;
//! classes with fewer than 20 fall back to all). Of several labels the probability of all together counts. A survival curve
//! gives the density at the time of an event or the probability of none up to the end of follow-up; a risk score the deviance
//! and martingale residuals of Cox's model of that score, fitted to the non-members of the other half, and its concordance
//! with them; with and without the event count as classes. The interval of the area is DeLong's on the logit scale (Obuchowski's for
//! several records a patient).
//!
//! # Reading the number
//! An area near 0.5 says that a threshold does not separate members from others on average. It hides the few who are
//! exposed: the rates at low false-positive rates of `membership/strongest` are what to judge.
//!
//! # When it misleads
//! Too low: a threshold on the loss is at chance at low false-positive rates for well-trained models even where attacks
//! with surrogates or reference models recognise many. Too high: when members and non-members differ for other reasons
//! (see `dataset/split-integrity`), any score separates them.
//!
//! # Cost
//! One query per record, then sorting.
//!
//! # References
//! Therneau et al., Biometrika 1990 (residuals); Breslow 1974; Yeom et al., CSF 2018; Salem et al., NDSS 2019; Song and Mittal, USENIX Security 2021; Carlini et al., S&P 2022;
//! DeLong et al., Biometrics 1988; Obuchowski, Biometrics 1997.

use serde::Deserialize;

use super::class_ranks::by_class;
use super::pool::{Pool, Signals, competing};
use crate::check::{AttackScores, Check, CheckError, CheckMeta, Need, Output, Subject};
use crate::finding::Family;
use crate::watch::Watch;

pub(in crate::check) static META: CheckMeta = CheckMeta {
    id: "membership/threshold",
    title: "Threshold attacks on the model's answers",
    family: Family::Membership,
    measures: &[AUC],
    source: include_str!("threshold.rs"),
};

const AUC: &str = "membership/threshold-auc";

/// The check. It has no settings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Threshold {}

impl Check for Threshold {
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
        let mut scores: Vec<AttackScores> = Vec::new();
        for (signal, values) in &signals.all {
            scores.push(competing(META.id, format!("{}, one threshold", signal.name()), values.clone()));
            if signals.levels > 1 {
                let ranked = by_class(&pool, &signals, values);
                scores.push(competing(META.id, format!("{}, one threshold per class", signal.name()), ranked));
            }
        }
        let main = AttackScores { of_record: signals.main().to_vec(), ..scores[0].clone() };
        let main = AttackScores { name: format!("{}, one threshold", signals.main_name()), ..main };
        let finding = pool.area_finding(&main, AUC, "An attacker compares the model's confidence with a threshold.");
        Ok(Output { findings: vec![finding], scores, ..Output::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::membership::specimen::case;
    use crate::check::specimen::{Case, Specimen};

    impl Specimen for Threshold {
        const MEASURE: &'static str = AUC;

        fn null(seed: u64) -> (Case, f64) {
            (case(300, 0.0, seed), 0.5)
        }

        fn leaky() -> Case {
            case(800, 4.0, 1)
        }

        /// A shift of one standard deviation has an area of Phi(1 / sqrt 2) = 0.760249938906524.
        fn graded(seed: u64) -> (Case, f64) {
            (case(800, 1.0, seed), 0.760_249_938_906_524)
        }
    }
}
