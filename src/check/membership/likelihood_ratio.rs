//! # What it measures
//! How many people an attacker recognises who has trained models like the one under test on data like its data (reference
//! or shadow models) and compares the likelihood of the model's answer under "trained on this record" with that under "not
//! trained on it". Reported as the area under the ROC curve; its rates stand in the table of all attacks.
//!
//! # Who could do this
//! Somebody with data of the same kind, the training program, and time to train a handful of models; and anybody with the
//! reference models themselves.
//!
//! # How
//! The signal is the scaled logit of the true class. For each record the references that were trained on it and those that
//! were not give means and variances; variances are moderated: shrunk towards the pooled variance with a weight of four
//! scores, and the predictive density is Student's t. Where references were trained on records of the pool, the score is
//! the log ratio of the two densities (online); otherwise how many standard deviations the model's answer lies over the
//! references' (offline, one-sided). The two-sided density of the reference implementations, and pooled and per-record
//! variances, are in the table for comparison. With four references or more this attack competes for the strongest; below,
//! `membership/rmia` does.
//!
//! # Reading the number
//! The strongest known attack at low false-positive rates once eight or more references exist.
//!
//! # When it misleads
//! Too low: with few references, or references trained on much more or less data than the model. Too high: when masks are
//! wrong; a mask that contradicts its model's own answers is refused.
//!
//! # Cost
//! One query per record and reference.
//!
//! # References
//! Carlini et al., S&P 2022 (LiRA); Smyth 2004 (moderated variances); Brannvall 2026 (BaVarIA, variance priors for LiRA).

use serde::Deserialize;

use super::moments::{Moments, ReferenceTable, Seen};
use super::pool::{Pool, Signals, competing};
use crate::check::{AttackScores, Check, CheckError, CheckMeta, Entry, Need, Output, Subject};
use crate::finding::{Count, Family};
use crate::stats::student::{ln_density, normal_ln_density};
use crate::watch::Watch;

pub(in crate::check) static META: CheckMeta = CheckMeta {
    id: "membership/likelihood-ratio",
    title: "Likelihood-ratio attack with reference models (LiRA)",
    family: Family::Membership,
    measures: &[AUC],
    source: include_str!("likelihood_ratio.rs"),
};

const AUC: &str = "membership/likelihood-ratio-auc";
/// Weight of the pooled variance, in scores.
const PRIOR: f64 = 4.0;
/// Fewest references with which it competes.
const FEWEST: usize = 4;

/// The check. It has no settings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LikelihoodRatio {}

impl Check for LikelihoodRatio {
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
        let out = table.moments(&pool, Seen::Out);
        let inside = table.online().then(|| table.moments(&pool, Seen::In));
        let attack = Attack { own: signals.confidence(), out: &out, inside: inside.as_ref() };
        let mut scores = attack.forms();
        let entry = if table.references() >= FEWEST { Entry::Competes } else { Entry::ForReading };
        scores[0].entry = entry;
        let mut finding = pool.area_finding(
            &scores[0],
            AUC,
            "An attacker with reference models weighs how likely the model's answer is with and without the record.",
        );
        finding.settings.push(("reference models".to_owned(), table.references().to_string()));
        finding.settings.push(("budget".to_owned(), budget(table.references()).to_owned()));
        let unknown = out.unknown();
        if unknown > 0 {
            finding.limits.push(format!(
                "{} records were in the training data of every reference; for them the average of the others stands in.",
                Count::of(unknown)
            ));
        }
        Ok(Output { findings: vec![finding], scores })
    }
}

/// Why this attack or another is the one to look at.
fn budget(references: usize) -> &'static str {
    if references >= FEWEST {
        "four or more references: moderated variances make this the strongest attack"
    } else {
        "one to three references: variances cannot be known, so membership/rmia competes instead"
    }
}

struct Attack<'a> {
    own: &'a [f64],
    out: &'a Moments,
    inside: Option<&'a Moments>,
}

impl Attack<'_> {
    /// Every form, the recommended one first.
    fn forms(&self) -> Vec<AttackScores> {
        let mut forms = Vec::new();
        if let Some(inside) = self.inside {
            let pooled = |m: &Moments, row: usize, x: f64| normal_ln_density(x, m.mean[row], m.pooled.sqrt());
            let own = |m: &Moments, row: usize, x: f64| {
                normal_ln_density(x, m.mean[row], m.own[row].unwrap_or(m.pooled).sqrt())
            };
            forms.push(self.named("online, moderated t", |row, x| ratio(moderated, inside, self.out, row, x)));
            forms.push(self.named("online, pooled variance", |row, x| ratio(pooled, inside, self.out, row, x)));
            forms.push(self.named("online, variance per record", |row, x| ratio(own, inside, self.out, row, x)));
        }
        let out = self.out;
        forms.push(self.named("offline, one-sided, moderated", |row, x| (x - out.mean[row]) / scale(out, row)));
        forms.push(self.named("offline, one-sided, pooled variance", |row, x| (x - out.mean[row]) / out.pooled.sqrt()));
        forms.push(self.named("offline, one-sided, variance per record", |row, x| {
            (x - out.mean[row]) / out.own[row].unwrap_or(out.pooled).sqrt()
        }));
        forms.push(self.named("offline, density, pooled variance", |row, x| {
            -normal_ln_density(x, out.mean[row], out.pooled.sqrt())
        }));
        forms
    }

    fn named(&self, form: &str, score: impl Fn(usize, f64) -> f64) -> AttackScores {
        let of_record = self.own.iter().enumerate().map(|(row, &x)| score(row, x)).collect();
        let attack = competing(META.id, format!("likelihood ratio, {form}"), of_record);
        AttackScores { entry: Entry::ForReading, ..attack }
    }
}

fn ratio(density: impl Fn(&Moments, usize, f64) -> f64, inside: &Moments, out: &Moments, row: usize, x: f64) -> f64 {
    density(inside, row, x) - density(out, row, x)
}

/// The moderated standard deviation with its degrees of freedom; a record without scores counts as one at the mean of all.
fn moderation(side: &Moments, row: usize) -> (f64, f64, f64) {
    let n = side.count[row].max(1) as f64;
    let degrees = PRIOR + n - 1.0;
    let own = side.own[row].map_or(0.0, |variance| (n - 1.0) * variance);
    (((PRIOR * side.pooled + own) / degrees).sqrt(), degrees, n)
}

fn scale(side: &Moments, row: usize) -> f64 {
    let (deviation, _, n) = moderation(side, row);
    deviation * (1.0 + 1.0 / n).sqrt()
}

/// ln of the predictive density: Student's t about the record's mean.
fn moderated(side: &Moments, row: usize, x: f64) -> f64 {
    let (_, degrees, _) = moderation(side, row);
    ln_density(x, side.mean[row], scale(side, row), degrees)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::membership::specimen::referenced;
    use crate::check::specimen::{Case, Specimen};

    impl Specimen for LikelihoodRatio {
        const MEASURE: &'static str = AUC;

        fn null(seed: u64) -> (Case, f64) {
            (referenced(300, 0.0, 2.0, 10, seed), 0.5)
        }

        fn leaky() -> Case {
            referenced(600, 4.0, 2.0, 10, 1)
        }

        /// A shift of one, known up to the noise of forty references: Phi(1 / sqrt(2 (1 + 1/40))); variances are known by then.
        fn graded(seed: u64) -> (Case, f64) {
            (referenced(600, 1.0, 2.0, 40, seed), 0.757_545_932_274_886)
        }
    }
}
