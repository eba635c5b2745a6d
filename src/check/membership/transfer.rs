//! # What it measures
//! How often an attacker is right who learned thresholds on a shadow model, about records of which half are members:
//! attack accuracy, 50 % being chance. One threshold per class and signal.
//!
//! # Who could do this
//! Somebody with a model like the one under test, and records of which it is known whether that model was trained on them.
//! Membership in the model under test is not used to learn anything.
//!
//! # How
//! For every class and signal (correctness, confidence, entropy, modified entropy) the threshold that is right most often
//! on the shadow's records is applied to the records of the model under test. Accuracy is the mean of the shares of members
//! and of non-members that are called right. The finding is that of the modified entropy, which the authors recommend; the
//! interval is Newcombe's on the difference of the two rates.
//!
//! # Reading the number
//! An average over everybody: it says little about the few who are exposed at low false-positive rates.
//!
//! # When it misleads
//! Too low: when the shadow is less over-fitted than the model. Classes of few shadow records have coarse thresholds.
//!
//! # Cost
//! Sorting.
//!
//! # References
//! Song and Mittal, USENIX Security 2021; Shokri et al., S&P 2017 (shadow models).

use serde::Deserialize;

use super::pool::{Pool, Signals, blank};
use super::signal::Signal;
use crate::check::{Check, CheckError, CheckMeta, Need, Output, Subject, Truth};
use crate::finding::{Evidence, Family, Finding, Severity, Table, Unit};
use crate::stats::interval::newcombe;
use crate::stats::{Estimate, Level};
use crate::watch::Watch;

pub(in crate::check) static META: CheckMeta = CheckMeta {
    id: "membership/transfer",
    title: "Thresholds learned on a shadow model",
    family: Family::Membership,
    measures: &[ACCURACY],
    source: include_str!("transfer.rs"),
};

const ACCURACY: &str = "membership/transfer-accuracy";
/// Severity scale of an accuracy.
const SCALE: [f64; 4] = [0.52, 0.55, 0.6, 0.7];
/// Signals in the order of the paper, with its names.
const SIGNALS: [(Signal, &str); 4] = [
    (Signal::Correctness, "correctness"),
    (Signal::LogConfidence, "confidence"),
    (Signal::Entropy, "entropy"),
    (Signal::ModifiedEntropy, "modified entropy"),
];

/// The check. It has no settings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transfer {}

impl Check for Transfer {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Model, Need::Data, Need::Target, Need::Classification, Need::Shadow]
    }

    fn run(&self, subject: &Subject<'_>, _watch: &dyn Watch) -> Result<Output, CheckError> {
        let (Some(pool), Some(signals), Some(shadow)) = (Pool::of(subject), Signals::of(subject), subject.shadow)
        else {
            return Ok(Output::default());
        };
        let mut accuracies: Vec<(&str, Estimate)> = Vec::new();
        for (signal, name) in SIGNALS {
            let Some(values) = signals.get(signal) else { continue };
            let known = |answers: &crate::check::Answers| match &answers.truth {
                Truth::Classes(classes) => (signal.scores(&answers.predictions, &answers.truth), classes.clone()),
                _ => (Vec::new(), Vec::new()),
            };
            let thresholds = thresholds(&known(&shadow.members), &known(&shadow.nonmembers), signals.levels);
            accuracies.push((name, accuracy(&pool, &signals.classes, values, &thresholds)));
        }
        Ok(accuracies.last().map(|(name, best)| finding(name, *best, &accuracies)).into_iter().collect())
    }
}

/// The best threshold of every class; a class without shadow records takes 0, as the authors' program does.
fn thresholds(members: &(Vec<f64>, Vec<u32>), nonmembers: &(Vec<f64>, Vec<u32>), levels: usize) -> Vec<f64> {
    let of = |(values, classes): &(Vec<f64>, Vec<u32>), class: usize| -> Vec<f64> {
        values.iter().zip(classes).filter(|(_, c)| **c as usize == class).map(|(value, _)| *value).collect()
    };
    (0..levels).map(|class| threshold(&of(members, class), &of(nonmembers, class))).collect()
}

/// The first observed value, members before others, that is right most often as "at least this is a member".
fn threshold(members: &[f64], others: &[f64]) -> f64 {
    let sorted = |values: &[f64]| {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        sorted
    };
    let (in_order, out_order) = (sorted(members), sorted(others));
    // Without records of one kind its share counts as nothing, as a mean over nothing would.
    let share = |sorted: &[f64], below: bool, value: f64| {
        let under = sorted.partition_point(|v| *v < value);
        let count = if below { under } else { sorted.len() - under };
        count as f64 / sorted.len().max(1) as f64
    };
    let mut best = (0.0, 0.0);
    for &value in members.iter().chain(others) {
        let right = share(&in_order, false, value) + share(&out_order, true, value);
        if right > best.1 {
            best = (value, right);
        }
    }
    best.0
}

fn accuracy(pool: &Pool, classes: &[u32], values: &[f64], thresholds: &[f64]) -> Estimate {
    let part = pool.thin(&pool.whole(), pool.seed().derive("one record a patient"));
    let called = |rows: &[usize]| rows.iter().filter(|&&row| values[row] >= thresholds[classes[row] as usize]).count();
    let (n, m) = (part.members.len(), part.nonmembers.len());
    let difference = newcombe(called(&part.members), n, called(&part.nonmembers), m, Level::P95);
    let half = |rate: f64| f64::midpoint(1.0, rate);
    Estimate { value: half(difference.value), low: half(difference.low), high: half(difference.high), ..difference }
}

fn finding(name: &str, estimate: Estimate, all: &[(&str, Estimate)]) -> Finding {
    let mut finding = blank(META.id, ACCURACY, Unit::Share, 0.5);
    finding.sentence = format!(
        "An attacker with a shadow model is right about {} of records of which half are members; guessing is right about 50 %.",
        Unit::Share.show(estimate.value)
    );
    finding.severity = if estimate.low > 0.5 { Severity::on_scale(estimate.low, SCALE) } else { Severity::VeryLow };
    finding.estimate = Some(estimate);
    finding.settings = vec![("signal".to_owned(), name.to_owned())];
    let row = |(name, estimate): &(&str, Estimate)| {
        vec![(*name).to_owned(), format!("{:.3}", estimate.value), Unit::Share.show_interval(estimate)]
    };
    finding.evidence.push(Evidence::Table(Table {
        caption: "Attack accuracy with one threshold per class, learned on the shadow model".to_owned(),
        columns: ["signal", "accuracy", "95 % interval"].map(str::to_owned).to_vec(),
        rows: all.iter().map(row).collect(),
    }));
    finding
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Shadow;
    use crate::check::membership::specimen::{case, side};
    use crate::check::specimen::{Case, Specimen};
    use crate::seed::Seed;

    /// A shadow of its own records that leaks as much as the model.
    fn shadowed(count: usize, mean: f64, seed: u64) -> Case {
        let of = |name: &str, mean: f64| side(2000, mean, Seed::root(seed).derive("shadow").derive(name));
        let shadow = Shadow { members: of("members", mean.max(0.5)), nonmembers: of("nonmembers", 0.0) };
        Case { shadow: Some(shadow), ..case(count, mean, seed) }
    }

    impl Specimen for Transfer {
        const MEASURE: &'static str = ACCURACY;

        fn null(seed: u64) -> (Case, f64) {
            (shadowed(300, 0.0, seed), 0.5)
        }

        fn leaky() -> Case {
            shadowed(800, 4.0, 1)
        }

        /// The modified entropy of a shift of two is cut near its middle: Phi(1) = 0.8413.
        fn graded(seed: u64) -> (Case, f64) {
            (shadowed(400, 2.0, seed), 0.841_344_746_068_543)
        }
    }

    #[test]
    fn the_first_of_equally_good_thresholds_wins() {
        // 3 and 2 are both right about three of four pairs; 3 stands first.
        assert_eq!(threshold(&[3.0, 2.0], &[2.5, 1.0]), 3.0);
        assert_eq!(threshold(&[], &[]), 0.0);
    }
}
