//! What reference models say about each record, from both sides: those that were trained on it (IN) and those that were not
//! (OUT).

use rayon::prelude::*;

use super::pool::{Pool, confidence, whole};
use super::weighed::weighed;
use crate::check::{Reference, Subject, Truth};
use crate::model::{Predictions, log_probability};

/// Fewest squared units a variance may have: equal scores must not divide by zero.
const LEAST_VARIANCE: f64 = 1e-12;

/// One number per record and reference, with the masks.
pub(super) struct ReferenceTable {
    /// One list over the pool per reference.
    values: Vec<Vec<f64>>,
    /// Whether the reference was trained on the record.
    trained: Vec<Vec<bool>>,
}

/// One side of the references, per record.
pub(super) struct Moments {
    /// Mean; where no reference is on this side, the mean of all scores of the side.
    pub(super) mean: Vec<f64>,
    /// Number of references on this side.
    pub(super) count: Vec<usize>,
    /// Variance with n - 1 in the denominator; nothing below two scores.
    pub(super) own: Vec<Option<f64>>,
    /// Variance pooled over records, each centred on its own mean.
    pub(super) pooled: f64,
}

/// Which references of a record are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// Those trained on it.
    In,
    /// Those not trained on it.
    Out,
}

/// What a reference says about the pool, and the truth.
fn reference_answers(subject: &Subject<'_>, reference: &Reference) -> Option<(Predictions, Truth)> {
    let model = subject.model?;
    let truth = model.members.as_ref()?.truth.joined(&model.nonmembers.as_ref()?.truth)?;
    whole(subject, &reference.predictions.0, &reference.predictions.1, truth)
}

/// On what the references were trained.
fn masks(subject: &Subject<'_>) -> Vec<Vec<bool>> {
    let mask = |reference: &Reference| [&reference.trained_on.0[..], &reference.trained_on.1[..]].concat();
    subject.references.iter().map(mask).collect()
}

impl ReferenceTable {
    /// The main signal of every reference.
    pub(super) fn of(subject: &Subject<'_>, signal: impl Fn(&Predictions, &Truth) -> Vec<f64> + Sync) -> Option<Self> {
        let value = |reference: &Reference| {
            let (predictions, truth) = reference_answers(subject, reference)?;
            Some(signal(&predictions, &truth))
        };
        let values: Option<Vec<Vec<f64>>> = subject.references.par_iter().map(value).collect();
        Some(Self { values: values?, trained: masks(subject) })
    }

    /// A table for every number that is weighed.
    pub(super) fn weighed(subject: &Subject<'_>) -> Vec<Self> {
        let of_reference = |reference: &Reference| {
            let (predictions, truth) = reference_answers(subject, reference)?;
            Some(weighed(&predictions, &truth))
        };
        let of_references: Option<Vec<Vec<Vec<f64>>>> = subject.references.par_iter().map(of_reference).collect();
        let of_references = of_references.unwrap_or_default();
        let columns = of_references.first().map_or(0, Vec::len);
        let column = |at: usize| Self {
            values: of_references.iter().map(|columns| columns[at].clone()).collect(),
            trained: masks(subject),
        };
        (0..columns).map(column).collect()
    }

    /// The table of main signals.
    pub(super) fn main(subject: &Subject<'_>) -> Option<Self> {
        Self::of(subject, confidence)
    }

    /// The table of probabilities of the true class; nothing where the model gives none.
    pub(super) fn probabilities(subject: &Subject<'_>) -> Option<Self> {
        let model = subject.model?;
        matches!(model.members.as_ref()?.predictions, Predictions::Scores { .. }).then_some(())?;
        Self::of(subject, probability)
    }

    /// The first and the second half of the references; nothing where a half would have fewer than `fewest` of them, or
    /// one half were trained on records and the other not.
    pub(super) fn halves(&self, fewest: usize) -> Option<[Self; 2]> {
        let middle = self.references() / 2;
        let of = |range: std::ops::Range<usize>| Self {
            values: self.values[range.clone()].to_vec(),
            trained: self.trained[range].to_vec(),
        };
        let halves = [of(0..middle), of(middle..self.references())];
        let alike = halves.iter().all(|half| half.online() == self.online());
        (middle >= fewest && alike).then_some(halves)
    }

    /// Number of references.
    pub(super) fn references(&self) -> usize {
        self.values.len()
    }

    /// Whether any reference was trained on any record.
    pub(super) fn online(&self) -> bool {
        self.trained.iter().flatten().any(|&trained| trained)
    }

    /// The scores of a record on one side.
    pub(super) fn of_record(&self, row: usize, side: Seen) -> impl Iterator<Item = f64> + '_ {
        let wanted = side == Seen::In;
        self.values.iter().zip(&self.trained).filter(move |(_, t)| t[row] == wanted).map(move |(v, _)| v[row])
    }

    /// Visits the scores of one side, reference by reference, so that memory is read in its order.
    fn visit(&self, side: Seen, mut visit: impl FnMut(usize, f64)) {
        let wanted = side == Seen::In;
        for (values, trained) in self.values.iter().zip(&self.trained) {
            let seen = values.iter().zip(trained).enumerate().filter(|(_, (_, t))| **t == wanted);
            seen.for_each(|(row, (value, _))| visit(row, *value));
        }
    }

    /// The mean of one side per record; where no reference is on this side, the mean of all scores of the side.
    pub(super) fn means(&self, pool: &Pool, side: Seen) -> Vec<f64> {
        self.counted_means(pool, side).1
    }

    /// Number of scores and mean per record, and the mean of all scores.
    fn counted_means(&self, pool: &Pool, side: Seen) -> (Vec<usize>, Vec<f64>, f64) {
        let (mut count, mut mean) = (vec![0_usize; pool.rows()], vec![0.0; pool.rows()]);
        self.visit(side, |row, value| {
            count[row] += 1;
            mean[row] += value;
        });
        let overall = mean.iter().sum::<f64>() / count.iter().sum::<usize>().max(1) as f64;
        mean.iter_mut().zip(&count).for_each(|(mean, &n)| *mean = if n > 0 { *mean / n as f64 } else { overall });
        (count, mean, overall)
    }

    /// Means and variances of one side.
    pub(super) fn moments(&self, pool: &Pool, side: Seen) -> Moments {
        let (count, mean, overall) = self.counted_means(pool, side);
        let mut spread = vec![0.0; pool.rows()];
        self.visit(side, |row, value| spread[row] += (value - mean[row]).powi(2));
        let several = || count.iter().zip(&spread).filter(|(n, _)| **n > 1);
        let freedom: usize = several().map(|(n, _)| n - 1).sum();
        let pooled = if freedom > 0 {
            several().map(|(_, spread)| spread).sum::<f64>() / freedom as f64
        } else {
            // Without any record of two scores all there is, is the spread between records.
            let mut squares = 0.0;
            self.visit(side, |_, value| squares += (value - overall).powi(2));
            squares / count.iter().sum::<usize>().max(1) as f64
        };
        let variance = |(&n, spread): (&usize, &f64)| (n > 1).then(|| (spread / (n - 1) as f64).max(LEAST_VARIANCE));
        let own = count.iter().zip(&spread).map(variance).collect();
        Moments { mean, count, own, pooled: pooled.max(LEAST_VARIANCE) }
    }
}

impl Moments {
    /// Records that no reference of this side speaks of.
    pub(super) fn unknown(&self) -> usize {
        self.count.iter().filter(|&&count| count == 0).count()
    }
}

/// The probability of the true class per record.
pub(super) fn probability(predictions: &Predictions, truth: &Truth) -> Vec<f64> {
    log_probabilities(predictions, truth).into_iter().map(f64::exp).collect()
}

/// ln of the probability of the true class per record; empty where there are no scores.
pub(super) fn log_probabilities(predictions: &Predictions, truth: &Truth) -> Vec<f64> {
    match (predictions, truth) {
        (Predictions::Scores { scale, classes, values, .. }, Truth::Classes(truth)) => {
            let rows = values.chunks(*classes).zip(truth);
            rows.map(|(row, &class)| log_probability(*scale, row, class as usize)).collect()
        }
        _ => Vec::new(),
    }
}
