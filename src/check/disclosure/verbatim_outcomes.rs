//! # What it measures
//! Whether the leaves of regression trees hold the outcomes of members to the letter.
//!
//! # Who could do this
//! Whoever holds the file and knows a person's other columns, and reads the outcome off the leaf that the person reaches: a
//! cost, a laboratory value, a length of stay.
//!
//! # How
//! Every record is sent through the trees. Its outcome counts as read when the number that most of its leaves state is the
//! outcome, within the rounding of a 32-bit float: as it stands, times the number of trees (exporters of forests divide), and
//! for boosting divided by a usual learning rate in the first tree, each with and without the base value. The reading that
//! finds most members is taken, and the interval is widened for having chosen. The same reading is tried on records from
//! outside. Where a patient column is declared, the first record of each patient counts.
//!
//! # Reading the number
//! Points beyond the records from outside. 100: the file hands out everybody's outcome to those who know the rest of the
//! record. 0: a leaf tells no more about members than about others.
//!
//! # When it misleads
//! Outcomes with few values are hit by chance, inside and outside. A learning rate that is not usual hides outcomes from this
//! check, not from an attacker who tries it.
//!
//! # Cost
//! Trees x records x depth comparisons, and sorting the leaves of every record.
//!
//! # References
//! Breiman, Friedman, Olshen and Stone, Classification and Regression Trees (1984): a leaf states the mean of its members, a
//! leaf of one its outcome. 45 CFR 164.514(b)(1).

use rayon::prelude::*;
use serde::Deserialize;

use super::counted;
use super::grove::{Grove, Planted, one_each};
use crate::check::records::patients;
use crate::check::{Check, CheckError, CheckMeta, Need, Output, Subject, Truth};
use crate::finding::{Evidence, Family, Finding, SMALLEST_SHOWN, Severity, Table, Unit, part_of};
use crate::model::trees::Aggregate;
use crate::stats::Level;
use crate::stats::interval::newcombe;
use crate::watch::Watch;

pub(in crate::check) static META: CheckMeta = CheckMeta {
    id: "disclosure/verbatim-outcomes",
    title: "Outcomes written into leaves",
    family: Family::Disclosure,
    measures: &[READ],
    source: include_str!("verbatim_outcomes.rs"),
};

const READ: &str = "disclosure/verbatim-outcome-excess";
const SCALE: [f64; 4] = [0.02, 0.05, 0.1, 0.2];
/// Learning rates that libraries and tutorials set.
const RATES: [f64; 8] = [0.5, 0.3, 0.2, 0.1, 0.05, 0.03, 0.02, 0.01];

/// The check. It has no settings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerbatimOutcomes {}

impl Check for VerbatimOutcomes {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::File, Need::Queries, Need::Data, Need::Target]
    }

    fn run(&self, subject: &Subject<'_>, _watch: &dyn Watch) -> Result<Output, CheckError> {
        let (Some(split), Some(model)) = (subject.split, subject.model) else { return Ok(Output::default()) };
        let truths = (model.members.as_ref().map(|a| &a.truth), model.nonmembers.as_ref().map(|a| &a.truth));
        let (Some(Truth::Values(inside)), Some(Truth::Values(outside))) = truths else {
            return Err(CheckError::NotApplicable {
                reason: "the model predicts no number".to_owned(),
                remedy: "nothing is missing: leaves of classifiers are read by `disclosure/implied-cells`".to_owned(),
            });
        };
        let grove = Grove::of(subject)?;
        let people = patients(split);
        let rows = (one_each(&people.0), one_each(&people.1));
        let readings: Vec<Reading> = grove.planted.iter().flat_map(readings).collect();
        let found: Vec<Found> = readings
            .iter()
            .filter_map(|reading| {
                let planted = grove.planted.iter().find(|planted| std::ptr::eq(planted.ensemble, reading.ensemble))?;
                Some(Found {
                    members: read(reading, &planted.members, inside, &rows.0),
                    others: read(reading, &planted.nonmembers, outside, &rows.1),
                })
            })
            .collect();
        let mut finding = finding(&readings, &found, (rows.0.len(), rows.1.len()));
        grove.qualify(&mut finding);
        Ok(vec![finding].into())
    }
}

/// A way of reading outcomes off leaves.
struct Reading<'a> {
    ensemble: &'a crate::model::trees::Ensemble,
    words: String,
    /// Trees that are read.
    trees: usize,
    factor: f64,
    added: f64,
}

fn readings<'a>(planted: &Planted<'a>) -> Vec<Reading<'a>> {
    let ensemble = planted.ensemble;
    let trees = ensemble.trees();
    let base = ensemble.base.first().copied().filter(|base| *base != 0.0);
    let mut readings = Vec::new();
    let mut push = |words: &str, trees: usize, factor: f64| {
        let with = |added: f64, words: String| Reading { ensemble, words, trees, factor, added };
        readings.push(with(0.0, words.to_owned()));
        readings.extend(base.map(|base| with(base, format!("{words}, plus the base value"))));
    };
    push("as it stands", trees, 1.0);
    if trees > 1 && ensemble.aggregate == Aggregate::Sum {
        push("times the number of trees", trees, trees as f64);
        for rate in RATES {
            push(&format!("first tree, learning rate {rate}"), 1, 1.0 / rate);
        }
    }
    readings
}

/// Records whose outcome is read.
#[derive(Clone, Copy)]
struct Found {
    members: usize,
    others: usize,
}

/// How many of the rows show their outcome as the most frequent value of their leaves.
fn read(reading: &Reading<'_>, rows: &crate::model::trees::Rows<'_>, outcomes: &[f64], asked: &[usize]) -> usize {
    let ensemble = reading.ensemble;
    let value = |leaf: u32| {
        let first = ensemble.weights(leaf as usize).first().map_or(0.0, |weight| weight.value);
        (first * reading.factor + reading.added) as f32
    };
    let by_tree: Vec<Vec<f32>> = ensemble.route(0..reading.trees, rows, |_, leaves| {
        let values: Vec<f32> = leaves.into_iter().map(value).collect();
        asked.iter().filter_map(|&row| values.get(row)).copied().collect()
    });
    let shown = |(at, &row): (usize, &usize)| {
        let mut values: Vec<f32> = by_tree.iter().filter_map(|tree| tree.get(at)).copied().collect();
        values.sort_by(f32::total_cmp);
        let most = values.chunk_by(|a, b| same(f64::from(*a), f64::from(*b))).max_by_key(|group| group.len());
        most.and_then(|group| group.first()).zip(outcomes.get(row)).is_some_and(|(&v, &y)| same(f64::from(v), y))
    };
    asked.par_iter().enumerate().filter(|&pair| shown(pair)).count()
}

/// Equal within the rounding of a few operations on 32-bit floats.
fn same(a: f64, b: f64) -> bool {
    (a - b).abs() <= 4.0 * f64::from(f32::EPSILON) * a.abs().max(b.abs())
}

fn finding(readings: &[Reading<'_>], found: &[Found], (n, m): (usize, usize)) -> Finding {
    let share = |count: usize, of: usize| count as f64 / of.max(1) as f64;
    let gain = |found: &Found| share(found.members, n) - share(found.others, m);
    let best = (0..found.len()).max_by(|&a, &b| gain(&found[a]).total_cmp(&gain(&found[b])).then(b.cmp(&a)));
    let Found { members: k, others: j } = best.map_or(Found { members: 0, others: 0 }, |at| found[at]);
    let small = |count: usize| (1..SMALLEST_SHOWN).contains(&count);
    let (worst, least) = (if small(k) { (SMALLEST_SHOWN - 1).min(n) } else { k }, if small(j) { 1 } else { j });
    let estimate = newcombe(worst, n.max(1), least, m.max(1), Level::joint_95(found.len()));
    let mut finding = counted(META.id, READ, Unit::ShareDifference, estimate);
    finding.sentence = format!(
        "The outcomes of {} people of the training data can be read off the leaves that their records reach, to the letter; of \
         those outside it is {}.",
        part_of(k, n),
        part_of(j, m)
    );
    finding.severity = Severity::on_scale(estimate.low, SCALE);
    let rows = readings.iter().zip(found).filter(|(_, found)| found.members > 0 || found.others > 0);
    let row = |(reading, found): (&Reading<'_>, &Found)| {
        vec![reading.words.clone(), part_of(found.members, n), part_of(found.others, m)]
    };
    finding.evidence.push(Evidence::Table(Table {
        caption: "People whose outcome is the number that most of their leaves state, by the way of reading it"
            .to_owned(),
        columns: ["reading", "members", "others"].map(str::to_owned).to_vec(),
        rows: rows.map(row).collect(),
    }));
    finding.settings = vec![("ways of reading a leaf that were tried".to_owned(), found.len().to_string())];
    finding.limits.push(
        "Remedy: train with at least 11 records a leaf, or merge small leaves in the file: `privet repair`.".to_owned(),
    );
    finding
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::disclosure::tree_specimen::{Planting, evenly};
    use crate::check::specimen::{Case, Specimen, normal};
    use crate::seed::Seed;

    /// 200 members alone in their leaves, of which the first `told` state the member's outcome.
    fn leaves(told: usize, seed: u64) -> Case {
        let outcomes = normal(200, 50.0, Seed::root(seed).derive("outcomes"));
        let noise = normal(200, 50.0, Seed::root(seed).derive("noise"));
        let planting = Planting {
            members: (0..200).map(f64::from).collect(),
            others: evenly(200, 0.25),
            cuts: (1..200).map(|leaf| leaf as f32 - 0.5).collect(),
            outcomes: Some((outcomes.clone(), normal(200, 50.0, Seed::root(seed).derive("others")))),
            ..Planting::default()
        };
        planting.case(move |leaf| vec![if leaf < told { outcomes[leaf] as f32 } else { noise[leaf] as f32 }])
    }

    impl Specimen for VerbatimOutcomes {
        const MEASURE: &'static str = READ;

        fn null(seed: u64) -> (Case, f64) {
            (leaves(0, seed), 0.0)
        }

        fn leaky() -> Case {
            leaves(200, 1)
        }

        fn graded(seed: u64) -> (Case, f64) {
            let told = 20 + seed as usize % 50;
            (leaves(told, seed), told as f64 / 200.0)
        }
    }

    #[test]
    fn a_classifier_has_no_outcome_to_read() {
        let case = Planting { members: evenly(50, 0.0), others: evenly(50, 0.25), ..Planting::default() };
        let refused = case.case(|_| vec![0.5]).refused(&VerbatimOutcomes {}, 1);
        assert!(matches!(refused, CheckError::NotApplicable { .. }));
    }
}
