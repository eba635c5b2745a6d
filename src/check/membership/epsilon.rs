//! # What it measures
//! How large the epsilon of differential privacy would at least have to be for a model that gives away as much as the
//! strongest attack finds: the epsilon-equivalent of this attack, 0 when nothing is found.
//!
//! # Who could do this
//! Whoever could run the strongest attack; its card says who.
//!
//! # How
//! A mechanism with a given epsilon keeps TPR below e^epsilon FPR + delta for every attack and threshold. The patients are
//! cut into two halves; attack and threshold are chosen on the first, and on the second, with one random record of each
//! patient, Clopper-Pearson bounds of both rates give a lower bound. The median over 25 cuts at half the error is reported.
//! The best threshold on all records, uncorrected, is printed beside it because other tools print it: it is no bound. A
//! credible interval with Jeffreys priors at the threshold of the middle cut is a second opinion.
//!
//! # Reading the number
//! e to the epsilon is the factor by which the attack's accusations are more often right than wrong, at equal numbers.
//! Few records cannot prove a large epsilon; the upper end says what as many could prove at most.
//!
//! # When it misleads
//! It is no audit of differential privacy: an ordinary split is not a set of independent coins. Only planted records
//! (`privet canaries`) give an epsilon of the training itself.
//!
//! # Cost
//! Sorting.
//!
//! # References
//! Kairouz et al., ICML 2015; Jagielski et al., NeurIPS 2020; Zanella-Beguelin et al., ICML 2023 (joint beta); Meinshausen
//! et al., JASA 2009 (median over splits).

use rayon::prelude::*;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::pool::{Pool, blank};
use super::selection::Selection;
use crate::check::{Check, CheckError, CheckMeta, Need, Output, Subject};
use crate::finding::{Evidence, Family, Finding, Severity, Standing, Table, Unit};
use crate::stats::epsilon::{Counts, best_threshold, joint_beta, lower_bound, uncorrected_best_threshold};
use crate::stats::power::largest_provable_epsilon;
use crate::stats::roc::Roc;
use crate::stats::{Estimate, Level, Method};
use crate::watch::Watch;

pub(in crate::check) static META: CheckMeta = CheckMeta {
    id: "membership/epsilon",
    title: "Epsilon-equivalent of the strongest attack",
    family: Family::Membership,
    measures: &[EPSILON],
    source: include_str!("epsilon.rs"),
};

const EPSILON: &str = "membership/epsilon-equivalent";
/// The row of the rule that other tools use; a self-test counts how often it claims something where nothing leaks.
pub const UNCORRECTED: &str = "best of all thresholds, uncorrected, as other tools print it";
/// Severity scale of a proven epsilon.
const SCALE: [f64; 4] = [0.1, 0.5, 1.0, 3.0];
/// Fewest records on either side for a statement.
const FEWEST: usize = 20;

/// The check.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Epsilon {
    /// The delta of differential privacy, from 0 to below 0.1.
    #[serde(deserialize_with = "delta")]
    delta: f64,
}

fn delta<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let value = f64::deserialize(deserializer)?;
    if (0.0..0.1).contains(&value) { Ok(value) } else { Err(D::Error::custom("must be from 0 to below 0.1")) }
}

impl Default for Epsilon {
    fn default() -> Self {
        Self { delta: 1e-5 }
    }
}

impl Check for Epsilon {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Data, Need::Scores]
    }

    fn run(&self, subject: &Subject<'_>, _watch: &dyn Watch) -> Result<Output, CheckError> {
        let Some(pool) = Pool::of(subject) else { return Ok(Output::default()) };
        let selection = Selection::of(&pool, subject.scores);
        if selection.attacks().is_empty() {
            return Ok(Output::default());
        }
        Ok(vec![self.finding(&pool, &selection)].into())
    }
}

/// What one cut proves.
struct Proof {
    bound: f64,
    counts: Counts,
    attack: usize,
}

impl Epsilon {
    fn finding(&self, pool: &Pool, selection: &Selection<'_>) -> Finding {
        let mut proofs: Vec<Proof> =
            (0..selection.cuts()).into_par_iter().filter_map(|cut| self.prove(selection, cut)).collect();
        let mut finding = blank(META.id, EPSILON, Unit::Epsilon, 0.0);
        proofs.sort_by(|a, b| a.bound.total_cmp(&b.bound));
        let Some(middle) = proofs.get(proofs.len().saturating_sub(1) / 2) else {
            finding.standing = Standing::Insufficient {
                reason: "too few records are left on either half for a bound on epsilon.".to_owned(),
                needed: format!("At least {} members and as many non-members would do.", 4 * FEWEST),
            };
            return finding;
        };
        let n = middle.counts.positives().min(middle.counts.negatives());
        let most = largest_provable_epsilon(
            middle.counts.positives(),
            middle.counts.negatives(),
            self.delta,
            Level::P95.shared(2),
        );
        let estimate = Estimate {
            value: middle.bound,
            low: middle.bound,
            high: most.max(middle.bound),
            level: Level::P95,
            n,
            method: Method::LowerBound,
        };
        finding.sentence = if middle.bound > 0.0 {
            format!(
                "The strongest attack gives away as much as a training with an epsilon of at least {} would allow; so many records \
                 could prove at most {}.",
                Unit::Epsilon.show(middle.bound),
                Unit::Epsilon.show(most)
            )
        } else {
            "The attacks prove no epsilon above 0.".to_owned()
        };
        finding.severity = Severity::on_scale(middle.bound, SCALE);
        finding.estimate = Some(estimate);
        finding.limits.push(
            "An epsilon-equivalent of this attack, not an audit of differential privacy: who became a member was not decided by \
             sealed coin flips (`privet canaries`)."
                .to_owned(),
        );
        finding.settings = vec![
            ("delta".to_owned(), self.delta.to_string()),
            ("attack of the middle cut".to_owned(), selection.attacks()[middle.attack].name.clone()),
        ];
        finding.evidence.push(self.table(pool, selection, middle));
        finding
    }

    /// Chooses attack and threshold on the first half of a cut and judges them on the second.
    fn prove(&self, selection: &Selection<'_>, cut: usize) -> Option<Proof> {
        let level = Level::joint_95(2);
        let (choosing, reporting) = selection.halves(cut);
        if [&choosing, &reporting].iter().any(|part| part.members.len() < FEWEST || part.nonmembers.len() < FEWEST) {
            return None;
        }
        let promise = |(index, attack): (usize, &&crate::check::AttackScores)| {
            let of = |rows: &[usize]| -> Vec<f64> { rows.iter().map(|&row| attack.of_record[row]).collect() };
            let (members, others) = (of(&choosing.members), of(&choosing.nonmembers));
            let threshold = best_threshold(&Roc::new(&members, &others), self.delta, level);
            let bound = lower_bound(Counts::at(threshold, &members, &others), self.delta, level);
            (bound, index, threshold)
        };
        let promises: Vec<(f64, usize, f64)> = selection.attacks().iter().enumerate().map(promise).collect();
        // The first of equally promising attacks, whatever order they are compared in.
        let best = promises.into_iter().reduce(|best, other| if other.0 > best.0 { other } else { best })?;
        let attack = selection.attacks()[best.1];
        let of = |rows: &[usize]| -> Vec<f64> { rows.iter().map(|&row| attack.of_record[row]).collect() };
        let counts = Counts::at(best.2, &of(&reporting.members), &of(&reporting.nonmembers));
        Some(Proof { bound: lower_bound(counts, self.delta, level), counts, attack: best.1 })
    }

    fn table(&self, pool: &Pool, selection: &Selection<'_>, middle: &Proof) -> Evidence {
        let scored = pool.scored(&selection.attacks()[middle.attack].of_record);
        let naive = uncorrected_best_threshold(scored.positives, scored.negatives, self.delta, Level::P95);
        let credible = joint_beta(middle.counts, self.delta, Level::P95);
        let end = |value: f64| if value.is_finite() { Unit::Epsilon.show(value) } else { "unbounded".to_owned() };
        let row = |rule: &str, value: String, valid: &str| vec![rule.to_owned(), value, valid.to_owned()];
        Evidence::Table(Table {
            caption: "Epsilon by several rules".to_owned(),
            columns: ["rule", "epsilon", "a valid lower bound"].map(str::to_owned).to_vec(),
            rows: vec![
                row("median of 25 halves, chosen and judged apart", Unit::Epsilon.show(middle.bound), "yes"),
                row(
                    "Jeffreys credible interval, middle cut",
                    format!("{} to {}", end(credible.low), end(credible.high)),
                    "second opinion",
                ),
                row(UNCORRECTED, Unit::Epsilon.show(naive), "no"),
            ],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::membership::specimen::{attacked, case};
    use crate::check::specimen::{Case, Specimen};

    impl Specimen for Epsilon {
        const MEASURE: &'static str = EPSILON;

        fn null(seed: u64) -> (Case, f64) {
            (attacked(case(300, 0.0, seed), seed), 0.0)
        }

        fn leaky() -> Case {
            attacked(case(2000, 4.0, 1), 1)
        }

        /// Two normal laws one apart are told apart without limit far out: any finite bound lies below the truth, which the
        /// interval covers at the largest epsilon that so many records could prove.
        fn graded(seed: u64) -> (Case, f64) {
            (attacked(case(800, 1.0, seed), seed), 3.0)
        }
    }
}
