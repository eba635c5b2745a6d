//! # What it measures
//! For how many of the members an attacker could say "this one was in the training data" with at most one accusation in ten
//! being wrong, and how sure an attacker can be about members at all.
//!
//! # Who could do this
//! Whoever could run the strongest attack; its card says who.
//!
//! # How
//! The attack that is strongest on one half of the patients scores the other half. Each member's score is compared with
//! those of the non-members of the same half: its conformal p-value is the share of non-members at least as high. The
//! procedure of Benjamini and Hochberg then names as many members as it can while at most a tenth of the named are expected
//! to be wrong. With several records a patient, one random record of each counts. The posterior is the share of members
//! among records of similar score, learned on one half and read on the other, for an attacker who expects one in two.
//!
//! # Reading the number
//! Averages may be near chance while some people are exposed: this number speaks of those people. 0 says that nobody can
//! be named with that confidence.
//!
//! # When it misleads
//! Few non-members cannot name anybody: a p-value is never below 1 / (m + 1). A record that one attack names another may
//! not; the stability row says how far two halves of the surrogates agree on who is most exposed.
//!
//! # Cost
//! Sorting.
//!
//! # References
//! Benjamini and Hochberg, JRSS B 1995; Bates et al., Annals of Statistics 2023 (conformal p-values); Song and Mittal,
//! USENIX Security 2021 (privacy risk score); Knolle et al., Nature 2026 (individual risk in medical models).

use serde::Deserialize;

use super::pool::{Part, Pool, blank};
use super::selection::{Aim, Selection};
use crate::check::{Check, CheckError, CheckMeta, Need, Output, Subject};
use crate::finding::{Bar, Count, Evidence, Family, SMALLEST_SHOWN, Severity, Unit, share_of};
use crate::stats::interval::clopper_pearson;
use crate::stats::multiple::{benjamini_hochberg, conformal_p_values};
use crate::stats::{Estimate, Level, Method};
use crate::watch::Watch;

pub(in crate::check) static META: CheckMeta = CheckMeta {
    id: "membership/exposed-records",
    title: "People who can be named as members",
    family: Family::Membership,
    measures: &[SHARE],
    source: include_str!("exposed_records.rs"),
};

const SHARE: &str = "membership/exposed-share";
/// Share of the named who may be wrong.
const WRONG: f64 = 0.1;
/// Severity scale of the share.
const SCALE: [f64; 4] = [0.001, 0.01, 0.05, 0.2];
/// Bins of the posterior.
const BINS: usize = 20;

/// The check. It has no settings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExposedRecords {}

impl Check for ExposedRecords {
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
        let halves = Halves::of(&pool, &selection);
        let (named, of) = halves.named();
        let mut finding = blank(META.id, SHARE, Unit::Share, 0.0);
        let estimate = share(named, of);
        finding.sentence = format!(
            "An attacker could name {} of {} members as such while being wrong about at most one in ten of them.",
            Count::of(named),
            Count::of(of)
        );
        finding.severity = Severity::on_scale(estimate.low, SCALE);
        finding.estimate = Some(estimate);
        finding.evidence.push(halves.posterior());
        finding.settings = vec![("attacks, chosen on the other half".to_owned(), halves.attacks.join("; "))];
        finding.limits.push("Who is named depends on the attack; another attack names other people.".to_owned());
        Ok(vec![finding].into())
    }
}

/// The share of the named: what lies between zero and all of the small counts is withheld.
fn share(named: usize, of: usize) -> Estimate {
    let counted = share_of(named, of);
    if counted.method == Method::SuppressedCount { counted } else { clopper_pearson(named, of, Level::P95) }
}

/// Each half scored by the attack that is strongest on the other.
struct Halves {
    attacks: Vec<String>,
    /// Scores of members and of non-members, per half.
    scores: Vec<(Vec<f64>, Vec<f64>)>,
}

impl Halves {
    fn of(pool: &Pool, selection: &Selection<'_>) -> Self {
        let (mut attacks, mut scores) = (Vec::new(), Vec::new());
        for half in 0..2 {
            let thin = |part: &Part| pool.thin(part, pool.seed().derive("one record a patient"));
            let (own, other) =
                (thin(&pool.part(|row| pool.half[row] == half)), thin(&pool.part(|row| pool.half[row] != half)));
            let Some(attack) = selection.best_on(&other, Aim::RateAt(0.01)) else { continue };
            let of = |rows: &[usize]| rows.iter().map(|&row| attack.of_record[row]).collect::<Vec<f64>>();
            attacks.push(attack.name.clone());
            scores.push((of(&own.members), of(&own.nonmembers)));
        }
        attacks.dedup();
        Self { attacks, scores }
    }

    /// How many members can be named, and among how many.
    fn named(&self) -> (usize, usize) {
        // Each half by itself: p-values of one half share their non-members, and the rate holds within it.
        let of_half = |(members, nonmembers): &(Vec<f64>, Vec<f64>)| {
            let adjusted = benjamini_hochberg(&conformal_p_values(members, nonmembers));
            (adjusted.iter().filter(|q| **q <= WRONG).count(), members.len())
        };
        self.scores.iter().map(of_half).fold((0, 0), |sum, half| (sum.0 + half.0, sum.1 + half.1))
    }

    /// How many members have how high a posterior, learned on the other half.
    fn posterior(&self) -> Evidence {
        let mut counts = vec![0_usize; 5];
        let mut total = 0_usize;
        for (half, (members, _)) in self.scores.iter().enumerate() {
            let Some(other) = self.scores.get(1 - half) else { continue };
            let bins = Posterior::of(other);
            for score in members {
                let p = bins.at(*score);
                counts[((p * 5.0) as usize).min(4)] += 1;
                total += 1;
            }
        }
        let labels = ["under 20 %", "20 to 40 %", "40 to 60 %", "60 to 80 %", "over 80 %"];
        let small = counts.iter().any(|count| (1..SMALLEST_SHOWN).contains(count));
        // A small bar would tell of few people, and so would what the others leave of the whole: neighbours are joined.
        let shown: Vec<(String, usize)> = if small {
            vec![
                ("under 60 %".to_owned(), counts[..3].iter().sum()),
                ("over 60 %".to_owned(), counts[3..].iter().sum()),
            ]
        } else {
            labels.iter().map(|label| (*label).to_owned()).zip(counts).collect()
        };
        let bar = |(label, count): (String, usize)| Bar { label, value: count as f64 / total.max(1) as f64 };
        let withheld = shown.iter().any(|(_, count)| (1..SMALLEST_SHOWN).contains(count));
        Evidence::Bars {
            title: "How sure an attacker can be that a member is one, expecting one in two".to_owned(),
            axis: "share of members".to_owned(),
            bars: if withheld { Vec::new() } else { shown.into_iter().map(bar).collect() },
        }
    }
}

/// The share of members among records of similar score, with one added to every count; never falling.
struct Posterior {
    edges: Vec<f64>,
    values: Vec<f64>,
}

impl Posterior {
    fn of((members, nonmembers): &(Vec<f64>, Vec<f64>)) -> Self {
        let mut pooled: Vec<f64> = members.iter().chain(nonmembers).copied().collect();
        pooled.sort_by(f64::total_cmp);
        let mut edges: Vec<f64> = (1..BINS).filter_map(|bin| pooled.get(bin * pooled.len() / BINS).copied()).collect();
        edges.dedup();
        let count = |scores: &[f64]| {
            let mut counts = vec![1.0; edges.len() + 1];
            scores.iter().for_each(|score| counts[edges.partition_point(|edge| edge <= score)] += 1.0);
            let total: f64 = counts.iter().sum();
            counts.into_iter().map(|count| count / total).collect::<Vec<f64>>()
        };
        let (of_members, of_others) = (count(members), count(nonmembers));
        let shares = of_members.iter().zip(&of_others).map(|(a, b)| a / (a + b)).collect();
        Self { values: rising(shares), edges }
    }

    fn at(&self, score: f64) -> f64 {
        self.values[self.edges.partition_point(|edge| *edge <= score)]
    }
}

/// The closest values that never fall, by pooling neighbours that do (isotonic regression).
fn rising(values: Vec<f64>) -> Vec<f64> {
    let mut blocks: Vec<(f64, usize)> = Vec::new();
    for value in values {
        blocks.push((value, 1));
        while blocks.len() > 1 && blocks[blocks.len() - 2].0 > blocks[blocks.len() - 1].0 {
            let (b, m) = blocks.pop().unwrap_or_default();
            let (a, n) = blocks.pop().unwrap_or_default();
            blocks.push(((a * n as f64 + b * m as f64) / (n + m) as f64, n + m));
        }
    }
    blocks.into_iter().flat_map(|(value, count)| vec![value; count]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::membership::specimen::{attacked, case};
    use crate::check::specimen::{Case, Specimen};

    impl Specimen for ExposedRecords {
        const MEASURE: &'static str = SHARE;

        fn null(seed: u64) -> (Case, f64) {
            (attacked(case(300, 0.0, seed), seed), 0.0)
        }

        fn leaky() -> Case {
            attacked(case(2000, 6.0, 1), 1)
        }

        /// With equal numbers and a shift of four, the threshold at which a tenth of the named are wrong (scaled to the
        /// conservative null, FPR = 0.1 TPR) lies where Phi(t - 4) and Phi(t) meet: TPR 0.994, FPR 0.099.
        fn graded(seed: u64) -> (Case, f64) {
            (attacked(case(1500, 4.0, seed), seed), 0.996_5)
        }
    }

    #[test]
    fn falling_neighbours_are_pooled() {
        assert_eq!(rising(vec![0.1, 0.5, 0.3, 0.9]), [0.1, 0.4, 0.4, 0.9]);
    }

    /// Among the named of a half at most a tenth are expected to be no members: members that are really non-members.
    #[test]
    fn nobody_is_named_when_nothing_leaks() {
        let named = |seed: u64| {
            let findings = attacked(case(400, 0.0, seed), seed).run(&ExposedRecords {}, seed);
            findings[0].estimate.is_some_and(|estimate| estimate.high > 0.02 && estimate.value > 0.0)
        };
        let wrong = (0..60).filter(|&seed| named(seed)).count();
        assert!(wrong <= 14, "{wrong} of 60: each half may name somebody in one of ten runs");
    }
}
