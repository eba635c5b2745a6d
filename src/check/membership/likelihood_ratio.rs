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
//! The signal is the scaled logit of the true class; for a predicted number its error with its sign, since members may be
//! pulled to the truth from either side; for a risk score the deviance residual; for labels that do not exclude each other
//! one scaled logit each, whose log ratios add up. For each record the references that were trained on it and those that
//! were not give means and variances; variances are moderated: shrunk towards the pooled variance with a weight of four
//! scores, and the predictive density is Student's t. Where references were trained on records of the pool, the score is
//! the log ratio of the two densities (online); otherwise how many standard deviations the model's answer lies over the
//! references' (offline, one-sided), or, for errors, the log ratio of a
//! normal density about zero to that about the references' mean. The two-sided density of the reference implementations, and pooled and per-record
//! variances, are in the table for comparison. With four references or more this attack competes for the strongest; below,
//! `membership/rmia` does. The first and the second half of the references, taken as two attacks, show how far the ranking
//! of people depends on which references were trained.
//!
//! # Reading the number
//! The strongest known attack at low false-positive rates once eight or more references exist. Where the two halves of the
//! references agree little on the top 5 % of members, the area stands and a list of names does not.
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
use super::pool::{Pool, answers, competing};
use super::stability;
use super::weighed::{Tail, tail, weighed};
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
        let Some(pool) = Pool::of(subject) else {
            return Ok(Output::default());
        };
        let tables = ReferenceTable::weighed(subject);
        let (Some(attack), Some(table)) = (Attack::of(subject, &pool, &tables), tables.first()) else {
            return Ok(Output::default());
        };
        let mut scores = attack.forms();
        let entry = if table.references() >= FEWEST { Entry::Competes } else { Entry::ForReading };
        scores[0].entry = entry;
        scores[0].draws = draws(subject, &pool, &tables);
        let mut finding = pool.area_finding(
            &scores[0],
            AUC,
            "An attacker with reference models weighs how likely the model's answer is with and without the record.",
        );
        finding.settings.push(("reference models".to_owned(), table.references().to_string()));
        finding.settings.push(("budget".to_owned(), budget(table.references()).to_owned()));
        let unknown = attack.weighed.first().map_or(0, |weighed| weighed.out.unknown());
        if unknown > 0 {
            finding.limits.push(format!(
                "{} records were in the training data of every reference; for them the average of the others stands in.",
                Count::of(unknown)
            ));
        }
        stability::tell(&mut finding, &pool, &[&scores[0]], "two halves of the references");
        Ok(Output { findings: vec![finding], scores, ..Output::default() })
    }
}

/// The recommended form from each half of the references.
fn draws(subject: &Subject<'_>, pool: &Pool, tables: &[ReferenceTable]) -> Option<[Vec<f64>; 2]> {
    let halves: Option<Vec<[ReferenceTable; 2]>> = tables.iter().map(|table| table.halves(FEWEST / 2)).collect();
    let (first, second): (Vec<ReferenceTable>, Vec<ReferenceTable>) = halves?.into_iter().map(|[a, b]| (a, b)).unzip();
    let form = |tables: &[ReferenceTable]| Some(Attack::of(subject, pool, tables)?.forms().swap_remove(0).of_record);
    Some([form(&first)?, form(&second)?])
}

/// Why this attack or another is the one to look at.
fn budget(references: usize) -> &'static str {
    if references >= FEWEST {
        "four or more references: moderated variances make this the strongest attack"
    } else {
        "one to three references: variances cannot be known, so membership/rmia competes instead"
    }
}

/// One number that is weighed: what the model says, and what the references say on both sides.
struct Weighed {
    own: Vec<f64>,
    out: Moments,
    inside: Option<Moments>,
}

/// The standard deviation of what the references say about a record.
type Spread = fn(&Moments, usize) -> f64;

struct Attack {
    tail: Tail,
    weighed: Vec<Weighed>,
}

impl Attack {
    fn of(subject: &Subject<'_>, pool: &Pool, tables: &[ReferenceTable]) -> Option<Self> {
        let (predictions, truth) = answers(subject)?;
        let one = |(own, table): (Vec<f64>, &ReferenceTable)| Weighed {
            own,
            out: table.moments(pool, Seen::Out),
            inside: table.online().then(|| table.moments(pool, Seen::In)),
        };
        let weighed = weighed(&predictions, &truth).into_iter().zip(tables).map(one).collect();
        Some(Self { tail: tail(&predictions), weighed })
    }

    /// Every form, the recommended one first. What is weighed together adds up: logs of ratios, or standard deviations.
    fn forms(&self) -> Vec<AttackScores> {
        let mut forms = Vec::new();
        if self.weighed.iter().all(|weighed| weighed.inside.is_some()) {
            let pooled = |m: &Moments, row: usize, x: f64| normal_ln_density(x, m.mean[row], m.pooled.sqrt());
            let own = |m: &Moments, row: usize, x: f64| {
                normal_ln_density(x, m.mean[row], m.own[row].unwrap_or(m.pooled).sqrt())
            };
            forms.push(self.named("online, moderated t", |w, row| w.ratio(moderated, row)));
            forms.push(self.named("online, pooled variance", |w, row| w.ratio(pooled, row)));
            forms.push(self.named("online, variance per record", |w, row| w.ratio(own, row)));
        }
        let spreads: [(&str, Spread); 3] = [
            ("moderated", scale),
            ("pooled variance", |out, _| out.pooled.sqrt()),
            ("variance per record", |out, row| out.own[row].unwrap_or(out.pooled).sqrt()),
        ];
        let side = if self.tail == Tail::Upper { "one-sided" } else { "towards the truth" };
        for (name, spread) in spreads {
            forms.push(
                self.named(&format!("offline, {side}, {name}"), |w, row| w.beyond(self.tail, row, spread(&w.out, row))),
            );
        }
        forms.push(self.named("offline, density, pooled variance", |w, row| {
            -normal_ln_density(w.own[row], w.out.mean[row], w.out.pooled.sqrt())
        }));
        forms
    }

    fn named(&self, form: &str, score: impl Fn(&Weighed, usize) -> f64) -> AttackScores {
        let rows = self.weighed.first().map_or(0, |weighed| weighed.own.len());
        let of_record = (0..rows).map(|row| self.weighed.iter().map(|weighed| score(weighed, row)).sum()).collect();
        let attack = competing(META.id, format!("likelihood ratio, {form}"), of_record);
        AttackScores { entry: Entry::ForReading, ..attack }
    }
}

impl Weighed {
    /// ln of the density on the side of the trained over that on the other side.
    fn ratio(&self, density: impl Fn(&Moments, usize, f64) -> f64, row: usize) -> f64 {
        let inside = self.inside.as_ref().map_or(0.0, |inside| density(inside, row, self.own[row]));
        inside - density(&self.out, row, self.own[row])
    }

    /// How far the answer lies from where models that have not seen the record put it, in the direction of members: in
    /// standard deviations, or, where the truth is zero, as the log ratio of a normal density about zero to theirs.
    fn beyond(&self, tail: Tail, row: usize, deviation: f64) -> f64 {
        let (x, mean) = (self.own[row], self.out.mean[row]);
        match tail {
            Tail::Upper => (x - mean) / deviation,
            Tail::Both => mean * (mean - 2.0 * x) / (2.0 * deviation * deviation),
        }
    }
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
    use crate::check::membership::specimen::{erring, referenced, threshold_area};
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

    /// A regression whose peers err by `h` (standard deviation 1) about a record that they have not seen and by nothing on
    /// average about one that they have, each with noise of 1: the ratio is that of two normals `h` apart, of which
    /// different records have different `h`. Its area is E Phi(sqrt(h1^2 + h2^2) / 2) = (1 + k / sqrt(1 + k^2)) / 2 with
    /// k = 1/2: 0.7236. By the absolute error alone it is (2 / pi) atan(sqrt 2) = 0.608.
    #[test]
    fn both_tails_of_an_error_matter() {
        let case = erring(2000, 60, 3);
        let output = case.output(&LikelihoodRatio::default(), 3);
        let area = output.findings[0].estimate.unwrap();
        assert!((area.value - 0.7236).abs() < 0.025, "{area:?}");
        let offline = output.scores.iter().find(|attack| attack.name.contains("offline, towards the truth, moderated"));
        let (members, nonmembers) = offline.unwrap().of_record.split_at(2000);
        let offline = crate::stats::roc::auc(members, nonmembers, None, crate::stats::Level::P95).value;
        assert!((offline - 0.7236).abs() < 0.025, "{offline}");
        let absolute = threshold_area(&case, 3);
        assert!((absolute.value - 0.608).abs() < 0.025, "{absolute:?}");
    }
}
