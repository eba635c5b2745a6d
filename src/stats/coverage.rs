//! Do the intervals hold what they promise? Coverage over many drawn samples whose truth is known.

use std::fmt::Write as _;

use rayon::prelude::*;
use statrs::distribution::{ContinuousCDF, Normal};

use super::bootstrap::{Interval, Resampling, bootstrap};
use super::paired::{Scored, auc_difference};
use super::roc::{Roc, Statistic, auc};
use super::specimen::{bell, group_effects};
use super::{Estimate, Level};
use crate::seed::{Seed, Stream};

/// Members one standard deviation above non-members.
const SHIFT: f64 = 1.0;
/// Share of the variance that the records of a patient have in common.
const SHARED: f64 = 0.5;

/// One score per record, standard normal plus a shift, and the patient of each.
struct Side {
    scores: Vec<f64>,
    patients: Vec<u32>,
}

fn side(patients: usize, records: usize, first: u32, shift: f64, stream: &mut Stream) -> Side {
    let (scores, groups) = group_effects(patients, records, SHARED, stream);
    let scores = scores.into_iter().map(|score| score + shift).collect();
    Side { scores, patients: groups.into_iter().map(|group| first + group).collect() }
}

/// What an interval is asked for, and the truth.
struct Promise {
    name: &'static str,
    patients: usize,
    records: usize,
    truth: f64,
    interval: fn(&Side, &Side, u64) -> Estimate,
    /// The share of samples that may be covered: 93 to 97 %, or at least 95 % where the method is conservative by design.
    allowed: (f64, f64),
}

fn clusters<'a>(members: &'a Side, others: &'a Side) -> Option<(&'a [u32], &'a [u32])> {
    let several = members.patients.windows(2).any(|pair| pair[0] == pair[1]);
    several.then_some((&members.patients[..], &others.patients[..]))
}

fn delong(members: &Side, others: &Side, _seed: u64) -> Estimate {
    auc(&members.scores, &others.scores, clusters(members, others), Level::P95)
}

/// Two readings of the same signal, the second with noise that costs it some of its area; the truth is of the first less
/// the second.
fn difference(members: &Side, others: &Side, seed: u64) -> Estimate {
    let mut stream = Seed::root(seed).derive("second reading").stream();
    let mut noisy = |side: &Side| side.scores.iter().map(|score| score + bell(&mut stream)).collect::<Vec<f64>>();
    let (p, q) = (noisy(members), noisy(others));
    let first = Scored { positives: &members.scores, negatives: &others.scores };
    let second = Scored { positives: &p, negatives: &q };
    auc_difference(first, second, clusters(members, others), Level::P95)
}

fn resampled(members: &Side, others: &Side, seed: u64, statistic: Statistic) -> Estimate {
    let how = Resampling { replicates: 400, interval: Interval::Bca, ..Resampling::new(Seed::root(seed)) };
    bootstrap(&members.scores, &others.scores, clusters(members, others), &[statistic], &how)[0]
}

fn bootstrap_area(members: &Side, others: &Side, seed: u64) -> Estimate {
    resampled(members, others, seed, Statistic::Auc)
}

fn bootstrap_rate(members: &Side, others: &Side, seed: u64) -> Estimate {
    resampled(members, others, seed, Statistic::TprAtFpr(0.1))
}

fn bootstrap_low_rate(members: &Side, others: &Side, seed: u64) -> Estimate {
    resampled(members, others, seed, Statistic::TprAtFpr(0.01))
}

fn distribution_free(members: &Side, others: &Side, _seed: u64) -> Estimate {
    Roc::new(&members.scores, &others.scores).tpr_at_fpr_bounds(0.1, Level::P95)
}

#[test]
fn intervals_cover_what_they_promise() {
    let normal = Normal::standard();
    let area = normal.cdf(SHIFT / 2.0_f64.sqrt());
    let noisy = normal.cdf(SHIFT / 4.0_f64.sqrt()); // a variance of 2 on either side
    let rate = normal.cdf(SHIFT - normal.inverse_cdf(0.9));
    let low_rate = normal.cdf(SHIFT - normal.inverse_cdf(0.99));
    let (exact, over) = ((0.93, 0.97), (0.95, 1.0));
    let promise = |name, patients, records, truth, interval, allowed| Promise {
        name,
        patients,
        records,
        truth,
        interval,
        allowed,
    };
    let promises = [
        promise("area, DeLong", 150, 1, area, delong, exact),
        promise("area, Obuchowski, 3 records a patient", 80, 3, area, delong, exact),
        promise("paired difference, DeLong", 150, 1, area - noisy, difference, exact),
        promise("paired difference, 3 records a patient", 80, 3, area - noisy, difference, exact),
        promise("area, bootstrap", 100, 1, area, bootstrap_area, exact),
        promise("area, bootstrap, 3 records a patient", 80, 3, area, bootstrap_area, exact),
        promise("TPR at 10 %, bootstrap", 300, 1, rate, bootstrap_rate, exact),
        promise("TPR at 10 %, bootstrap, 3 records a patient", 200, 3, rate, bootstrap_rate, exact),
        promise("TPR at 1 %, bootstrap", 1_000, 1, low_rate, bootstrap_low_rate, exact),
        promise("TPR at 10 %, distribution-free", 300, 1, rate, distribution_free, over),
    ];
    let (mut table, mut wrong) = (String::new(), false);
    for (index, promise) in promises.iter().enumerate() {
        let covered = |run: u64| {
            let mut stream = Seed::root(run).derive(&format!("coverage {index}")).stream();
            let members = side(promise.patients, promise.records, 0, SHIFT, &mut stream);
            let others = side(promise.patients, promise.records, promise.patients as u32, 0.0, &mut stream);
            (promise.interval)(&members, &others, run).covers(promise.truth)
        };
        let runs = 800;
        let share = (0..runs).into_par_iter().filter(|&run| covered(run)).count() as f64 / runs as f64;
        let _ = writeln!(table, "{:45} {:5.1} % of {runs}", promise.name, 100.0 * share);
        wrong |= !(promise.allowed.0..=promise.allowed.1).contains(&share);
    }
    assert!(!wrong, "\n{table}");
}
