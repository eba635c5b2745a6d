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
//! On request, `privet assess PLAN --record-evidence FILE` writes these numbers for every record into a file that only its
//! owner can read: a keyed pseudonym, the attack and its score, p-value, posterior, and whether the record can be named.
//! They are in no report.
//!
//! # Reading the number
//! Averages may be near chance while some people are exposed: this number speaks of those people. 0 says that nobody can
//! be named with that confidence.
//!
//! # When it misleads
//! Few non-members cannot name anybody: a p-value is never below 1 / (m + 1). A record that one attack names another may
//! not, and the same attack with other surrogates or references may not either: the report says how far two draws agree.
//! Where that is little, how many can be named stands, and who does not.
//!
//! # Cost
//! Sorting.
//!
//! # References
//! Benjamini and Hochberg, JRSS B 1995; Bates et al., Annals of Statistics 2023 (conformal p-values); Song and Mittal,
//! USENIX Security 2021 (privacy risk score); Knolle et al., Nature 2026 (individual risk in medical models).

use std::collections::BTreeMap;

use serde::Deserialize;

use super::aggregate::standardised;
use super::pool::{Part, Pool, blank};
use super::selection::{Aim, Selection};
use super::stability;
use crate::check::{AttackScores, Check, CheckError, CheckMeta, Need, Output, RecordRisk, Subject};
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
/// Largest score that an evidence file shows, in robust standard deviations.
const MOST_SHOWN: f64 = 99.0;
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
        let mut attacks: Vec<&AttackScores> = halves.0.iter().map(|half| half.attack).collect();
        attacks.dedup_by_key(|attack| &attack.name);
        let names: Vec<&str> = attacks.iter().map(|attack| attack.name.as_str()).collect();
        finding.settings = vec![("attacks, chosen on the other half".to_owned(), names.join("; "))];
        finding.limits.push("Who is named depends on the attack; another attack names other people.".to_owned());
        stability::tell(&mut finding, &pool, &attacks, "from two halves of what it learns from");
        Ok(Output { findings: vec![finding], records: halves.risks(&pool), ..Output::default() })
    }
}

/// The share of the named: what lies between zero and all of the small counts is withheld.
fn share(named: usize, of: usize) -> Estimate {
    let counted = share_of(named, of);
    if counted.method == Method::SuppressedCount { counted } else { clopper_pearson(named, of, Level::P95) }
}

/// The two halves of the patients.
struct Halves<'a>(Vec<Half<'a>>);

/// A half, scored by the attack that is strongest on the other half.
struct Half<'a> {
    attack: &'a AttackScores,
    /// All its rows.
    rows: Vec<usize>,
    /// One record a patient of this half.
    own: Part,
    /// One record a patient of the other half, from which the posterior is learned.
    other: Part,
}

impl<'a> Halves<'a> {
    fn of(pool: &Pool, selection: &Selection<'a>) -> Self {
        let half = |half: usize| {
            let thin = |part: &Part| pool.thin(part, pool.seed().derive("one record a patient"));
            let (own, other) =
                (thin(&pool.part(|row| pool.half[row] == half)), thin(&pool.part(|row| pool.half[row] != half)));
            let attack = selection.best_on(&other, Aim::RateAt(0.01))?;
            let rows = (0..pool.rows()).filter(|&row| pool.half[row] == half).collect();
            Some(Half { attack, rows, own, other })
        };
        Self((0..2).filter_map(half).collect())
    }

    /// How many members can be named, and among how many.
    fn named(&self) -> (usize, usize) {
        self.0.iter().fold((0, 0), |sum, half| {
            let named = half.named();
            (sum.0 + named.iter().filter(|named| **named).count(), sum.1 + named.len())
        })
    }

    /// What is known about every record.
    fn risks(&self, pool: &Pool) -> Vec<RecordRisk> {
        let mut risks: Vec<RecordRisk> = self.0.iter().flat_map(|half| half.risks(pool)).collect();
        risks.sort_by_key(|risk| risk.row);
        risks
    }

    /// How many members have how high a posterior, learned on the other half.
    fn posterior(&self) -> Evidence {
        let mut counts = vec![0_usize; 5];
        let mut total = 0_usize;
        for half in &self.0 {
            let bins = half.learned();
            for score in half.scores(&half.own.members) {
                let p = bins.at(score);
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

impl Half<'_> {
    fn scores(&self, rows: &[usize]) -> Vec<f64> {
        rows.iter().map(|&row| self.attack.of_record[row]).collect()
    }

    /// Which of the members that stand for their patients can be named. Each half by itself: p-values of one half share their
    /// non-members, and the rate holds within it.
    fn named(&self) -> Vec<bool> {
        let p = conformal_p_values(&self.scores(&self.own.members), &self.scores(&self.own.nonmembers));
        benjamini_hochberg(&p).into_iter().map(|q| q <= WRONG).collect()
    }

    /// The posterior of this half's attack, learned on the other half.
    fn learned(&self) -> Posterior {
        Posterior::of(&(self.scores(&self.other.members), self.scores(&self.other.nonmembers)))
    }

    fn risks(&self, pool: &Pool) -> Vec<RecordRisk> {
        let exposed: BTreeMap<usize, bool> = self.own.members.iter().copied().zip(self.named()).collect();
        let stands_for: BTreeMap<u32, f64> =
            self.own.nonmembers.iter().map(|&row| (pool.groups[row], self.attack.of_record[row])).collect();
        let mut others = self.scores(&self.own.nonmembers);
        others.sort_unstable_by(f64::total_cmp);
        let (bins, shown) = (self.learned(), standardised(pool, &self.attack.of_record));
        let risk = |&row: &usize| {
            let score = self.attack.of_record[row];
            let (mut above, mut all) = (others.len() - others.partition_point(|other| *other < score), others.len());
            // Nobody is compared with a record of their own.
            if let Some(&own) = stands_for.get(&pool.groups[row]).filter(|_| !pool.is_member(row)) {
                above -= usize::from(own >= score);
                all -= 1;
            }
            RecordRisk {
                row,
                attack: self.attack.name.clone(),
                score: shown[row].clamp(-MOST_SHOWN, MOST_SHOWN),
                p_value: (above + 1) as f64 / (all + 1) as f64,
                posterior: bins.at(score),
                exposed: exposed.get(&row).copied(),
            }
        };
        self.rows.iter().map(risk).collect()
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
    use crate::check::membership::specimen::{attacked, case, patients};
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

    /// What the evidence says about records is what the report says about all: as many exposed, one row for each record, and a
    /// posterior that is right on average. Members with a shift of two have one of E[1 / (1 + exp(-(2 s - 2)))] over
    /// s ~ N(2, 1): 0.775, and non-members one of 0.225 (numerical integration, SciPy).
    #[test]
    fn evidence_on_records_agrees_with_the_report() {
        let case = attacked(case(1500, 2.0, 4), 4);
        let output = case.output(&ExposedRecords {}, 4);
        assert_eq!(output.records.iter().map(|risk| risk.row).collect::<Vec<_>>(), (0..3000).collect::<Vec<_>>());
        let named = output.records.iter().filter(|risk| risk.exposed == Some(true)).count();
        let share = output.findings[0].estimate.unwrap().value;
        assert!((named as f64 / 1500.0 - share).abs() < 1e-12 && named > 10, "{named} {share}");
        let (members, others) = output.records.split_at(1500);
        assert!(others.iter().all(|risk| risk.exposed.is_none()) && members.iter().all(|risk| risk.exposed.is_some()));
        let mean = |risks: &[RecordRisk]| risks.iter().map(|risk| risk.posterior).sum::<f64>() / risks.len() as f64;
        let (of_members, of_others) = (mean(members), mean(others));
        assert!((of_members - 0.775).abs() < 0.03 && (of_others - 0.225).abs() < 0.03, "{of_members} {of_others}");
        // P-values of non-members are uniform: half of them are below one half.
        let low = others.iter().filter(|risk| risk.p_value <= 0.5).count();
        assert!((720..=780).contains(&low), "{low} of 1500");
    }

    /// Records that do not stand for their patient are not tested, and a patient is not compared with their own records.
    #[test]
    fn one_record_of_a_patient_is_tested() {
        let case = attacked(patients(300, 3, 2.0, 2), 2);
        let output = case.output(&ExposedRecords {}, 2);
        let tested = output.records.iter().filter(|risk| risk.exposed.is_some()).count();
        assert_eq!((output.records.len(), tested), (1800, 300));
        let low = output.records[900..].iter().filter(|risk| risk.p_value <= 0.5).count();
        assert!((400..=500).contains(&low), "{low} of 900");
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
