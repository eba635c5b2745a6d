//! # What it measures
//! Whether anything at all was found, by any attack, in any group, by any measure: the probability that so large a result
//! would occur somewhere if nothing leaked (the family-wise p-value).
//!
//! # Who could do this
//! Nobody: this is the statistician's guard against reading the largest of many numbers.
//!
//! # How
//! Membership labels are exchanged at random between patients, thousands of times; each time every attack is measured anew,
//! on everybody and in every group, by its area and its true-positive rate at a false-positive rate of 1 %. Each number is
//! compared with the largest that the exchanged labels give anywhere (max-T of Westfall and Young), which keeps one error
//! rate for all of them whatever their correlation. Attacks that learn from labels learn on one half of the patients and
//! are tested on the other; the two halves are combined by the smaller p-value, doubled.
//!
//! # Reading the number
//! Below 5 % something leaks. Above, nothing was shown, which is not the same as nothing leaking.
//!
//! # When it misleads
//! It asks whether, not how much. It is exact when members and non-members were assigned at random, as in a random split;
//! a split by time or place breaks that.
//!
//! # Cost
//! Sorting each attack once, then counting for every permutation.
//!
//! # References
//! Westfall and Young, Resampling-based multiple testing (1993); Phipson and Smyth 2010.

use serde::Deserialize;

use super::pool::{AREA_SCALE, Pool, blank, percent};
use crate::check::groups::{Group, Values, groups};
use crate::check::settings::within;
use crate::check::{AttackScores, Check, CheckError, CheckMeta, Entry, Need, Output, Subject};
use crate::finding::{Evidence, Family as Kind, Finding, Severity, Table, Unit, Worse};
use crate::stats::permutation::{Design, Family, Tested, max_t};
use crate::stats::roc::Statistic;
use crate::stats::{Estimate, Level, Method};
use crate::watch::{Event, Watch};

pub(in crate::check) static META: CheckMeta = CheckMeta {
    id: "membership/permutation",
    title: "Permutation test over all attacks and groups",
    family: Kind::Membership,
    measures: &[P_VALUE],
    source: include_str!("permutation.rs"),
};

const P_VALUE: &str = "membership/permutation-p";
const STATISTICS: [Statistic; 2] = [Statistic::Auc, Statistic::TprAtFpr(0.01)];
/// The check.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Permutation {
    /// Permutations, from 199 to 100,000.
    #[serde(deserialize_with = "within::<199, 100_000, _>")]
    permutations: usize,
    /// Columns whose groups are tested; the quasi-identifiers where none are named.
    columns: Option<Vec<String>>,
    /// Values that may be named, by column; others are numbered by their frequency.
    values: Values,
}

impl Default for Permutation {
    fn default() -> Self {
        Self { permutations: 1999, columns: None, values: Values::new() }
    }
}

impl Check for Permutation {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Data, Need::Scores]
    }

    fn run(&self, subject: &Subject<'_>, watch: &dyn Watch) -> Result<Output, CheckError> {
        let Some(pool) = Pool::of(subject) else { return Ok(Output::default()) };
        let attacks: Vec<&AttackScores> =
            subject.scores.iter().filter(|attack| attack.entry == Entry::Competes).collect();
        if attacks.is_empty() {
            return Ok(Output::default());
        }
        let mut all = vec![Group { name: "everybody".to_owned(), rows: (0..pool.rows() as u32).collect() }];
        all.extend(groups(subject, pool.sides(), self.columns.as_deref(), &self.values)?);
        let mut tested: Vec<Vec<Tested>> = Vec::new();
        for half in 0..2 {
            tested.push(self.half(&pool, &attacks, &all, half));
            watch.on(&Event::Progress { step: META.id, done: half as u64 + 1, total: 2 });
        }
        let joint = |index: usize| {
            let smaller = tested.iter().map(|half| half[index].adjusted).fold(1.0, f64::min);
            (2.0 * smaller).min(1.0)
        };
        let p: Vec<f64> = (0..tested[0].len()).map(joint).collect();
        Ok(vec![self.finding(&attacks, &all, &tested, &p)].into())
    }
}

#[cfg(test)]
impl Permutation {
    /// Few permutations, for tests of many runs.
    pub(super) fn quick() -> Self {
        Self { permutations: 199, columns: None, values: Values::new() }
    }
}

impl Permutation {
    /// Tests everything on one half of the patients.
    fn half(&self, pool: &Pool, attacks: &[&AttackScores], groups: &[Group], half: usize) -> Vec<Tested> {
        let rows: Vec<usize> = (0..pool.rows()).filter(|&row| pool.half[row] == half).collect();
        let mut place = vec![u32::MAX; pool.rows()];
        rows.iter().enumerate().for_each(|(at, &row)| place[row] = at as u32);
        let positive: Vec<bool> = rows.iter().map(|&row| pool.is_member(row)).collect();
        let clusters: Vec<u32> = rows.iter().map(|&row| pool.groups[row]).collect();
        let scores: Vec<Vec<f64>> =
            attacks.iter().map(|attack| rows.iter().map(|&row| attack.of_record[row]).collect()).collect();
        let scores: Vec<&[f64]> = scores.iter().map(Vec::as_slice).collect();
        let within: Vec<Vec<u32>> = groups
            .iter()
            .map(|group| group.rows.iter().map(|&row| place[row as usize]).filter(|&at| at != u32::MAX).collect())
            .collect();
        let within: Vec<&[u32]> = within.iter().map(Vec::as_slice).collect();
        let design = Design { positive: &positive, clusters: pool.grouped.then_some(&clusters), strata: None };
        let family = Family { scores: &scores, groups: &within, statistics: &STATISTICS };
        let seed = pool.seed().derive(META.id).derive(&half.to_string());
        max_t(&design, &family, self.permutations, seed).tested
    }

    fn finding(&self, attacks: &[&AttackScores], groups: &[Group], tested: &[Vec<Tested>], p: &[f64]) -> Finding {
        let smallest = p.iter().copied().fold(1.0, f64::min);
        let mut finding = blank(META.id, P_VALUE, Unit::Share, 1.0);
        finding.worse = Worse::Lower;
        finding.null_value = None;
        finding.sentence = format!(
            "If nothing leaked, so large a result of any attack in any group would be seen in {} of cases{}.",
            Unit::Share.show(smallest),
            if smallest < 0.05 { "" } else { ", so nothing was shown" }
        );
        finding.severity = severity(tested, p);
        finding.estimate = Some(Estimate {
            value: smallest,
            low: smallest,
            high: smallest,
            level: Level::P95,
            n: self.permutations,
            method: Method::Permutation,
        });
        finding.settings = vec![
            ("permutations on each half".to_owned(), self.permutations.to_string()),
            ("attacks".to_owned(), attacks.len().to_string()),
            ("groups".to_owned(), groups.len().to_string()),
        ];
        finding.limits.push("It asks whether anything leaks, not how much.".to_owned());
        finding.evidence.push(table(attacks, groups, tested, p));
        finding
    }
}

/// How bad what was shown is: by the largest area among the results that chance does not explain.
fn severity(tested: &[Vec<Tested>], p: &[f64]) -> Severity {
    let shown = (0..p.len()).filter(|&at| p[at] < 0.05 && tested[0][at].statistic == Statistic::Auc);
    let area = shown.flat_map(|at| tested.iter().map(move |half| half[at].observed)).fold(0.5, f64::max);
    Severity::on_scale(area, AREA_SCALE)
}

/// The strongest result in every group.
fn table(attacks: &[&AttackScores], groups: &[Group], tested: &[Vec<Tested>], p: &[f64]) -> Evidence {
    let mut order: Vec<usize> = (0..p.len()).collect();
    let strength = |at: usize| tested.iter().map(|half| half[at].standardised).fold(f64::NEG_INFINITY, f64::max);
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]).then(strength(b).total_cmp(&strength(a))).then(a.cmp(&b)));
    let mut seen = vec![false; groups.len()];
    order.retain(|&at| !std::mem::replace(&mut seen[tested[0][at].group], true));
    let row = |&at: &usize| {
        let one = &tested[0][at];
        let measure = match one.statistic {
            Statistic::Auc => "area".to_owned(),
            Statistic::TprAtFpr(fpr) => format!("TPR at {}", percent(fpr)),
        };
        let show = |value: f64| match one.statistic {
            Statistic::Auc => Unit::Area.show(value),
            Statistic::TprAtFpr(_) => Unit::Share.show(value),
        };
        let values: Vec<String> = tested.iter().map(|half| show(half[at].observed)).collect();
        vec![
            groups[one.group].name.clone(),
            attacks[one.score].name.clone(),
            measure,
            values.join(" and "),
            Unit::Share.show(p[at]),
        ]
    };
    Evidence::Table(Table {
        caption: format!("The strongest result in every group, corrected for looking at all {} of them", p.len()),
        columns: ["group", "attack", "measure", "on the two halves", "corrected p-value"].map(str::to_owned).to_vec(),
        rows: order.iter().map(row).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::membership::specimen::{attacked, case, family_p};
    use crate::check::specimen::{Case, Specimen};

    impl Specimen for Permutation {
        const MEASURE: &'static str = P_VALUE;

        /// The smallest of many p-values has no value to cover; a run in which nothing is shown stands at 1, 0.5, ...
        fn null(seed: u64) -> (Case, f64) {
            let case = attacked(case(60, 0.0, seed), seed);
            let p = case.run(&Self::default(), seed)[0].estimate.map_or(1.0, |estimate| estimate.value);
            // Above 5 % the case covers itself; below it covers nothing.
            (case, if p > 0.05 { p } else { -1.0 })
        }

        fn leaky() -> Case {
            attacked(case(400, 4.0, 1), 1)
        }

        /// With a leak of two standard deviations the smallest p-value that 1,999 permutations allow.
        fn graded(seed: u64) -> (Case, f64) {
            (attacked(case(300, 2.0, seed), seed), 2.0 / 2000.0)
        }
    }

    /// One error rate for ten attacks and two measures: at most 5 % of null runs show anything.
    #[test]
    fn the_family_keeps_its_error_rate() {
        let wrong = (0..100).filter(|&seed| family_p(&attacked(case(100, 0.0, seed), seed), seed) < 0.05).count();
        assert!(wrong <= 11, "{wrong} of 100: 5 expected, 12 or more once in 250 right programs");
    }
}
