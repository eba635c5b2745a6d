//! The adversary without the model: guesses a sensitive value from the other columns and the outcome.
//!
//! Trained on auxiliary records only (non-members that are not attacked), never on members: only what an attack finds
//! beyond this guess is a leak.

use crate::learn::boosted::Boosted;
use crate::learn::{Encoded, Learner};
use crate::seed::Seed;

/// Posterior probabilities of every candidate value for some rows, and which guesser gave them.
pub(super) struct Imputed {
    /// Row-major, `rows x candidates`.
    pub(super) posterior: Vec<f64>,
    /// Name of the winner.
    pub(super) guesser: &'static str,
}

/// Imputes the candidate index of `asked` rows. `truth` holds the candidate of each row where it is one.
///
/// Majority and boosted trees compete on every fourth auxiliary row; the winner is fitted to all of them.
pub(super) fn impute(
    data: &Encoded,
    auxiliary: &[usize],
    truth: &[Option<u32>],
    candidates: usize,
    asked: &[usize],
    seed: Seed,
) -> Imputed {
    let known: Vec<usize> = auxiliary.iter().copied().filter(|&row| truth[row].is_some()).collect();
    let labels: Vec<u32> = truth.iter().map(|candidate| candidate.unwrap_or(0)).collect();
    let quarter = |wanted: bool| -> Vec<usize> {
        known.iter().enumerate().filter(|(at, _)| (at % 4 == 0) == wanted).map(|(_, &row)| row).collect()
    };
    let (test, train) = (quarter(true), quarter(false));
    let learner = Boosted { rounds: 25, rate: 0.2, ..Boosted::default() };
    let majority = |rows: &[usize]| shares(rows, &labels, candidates);
    if candidates < 2 || train.is_empty() {
        return Imputed { posterior: majority(&known).repeat(asked.len()), guesser: "most frequent value" };
    }
    let trained = learner.fit(data, &train, &labels, candidates, seed).probabilities(data, &test);
    let hits = |posterior: &[f64]| {
        let guesses = posterior.chunks(candidates).map(crate::model::largest);
        test.iter().zip(guesses).filter(|(row, guess)| labels[**row] == *guess).count()
    };
    if hits(&trained) > hits(&majority(&train).repeat(test.len())) {
        let posterior = learner.fit(data, &known, &labels, candidates, seed).probabilities(data, asked);
        return Imputed { posterior, guesser: "boosted trees on the other columns and the outcome" };
    }
    Imputed { posterior: majority(&known).repeat(asked.len()), guesser: "most frequent value" }
}

/// Shares of the candidates, with one added to every count.
pub(super) fn shares(rows: &[usize], labels: &[u32], candidates: usize) -> Vec<f64> {
    let mut counts = vec![1.0_f64; candidates];
    rows.iter().for_each(|&row| counts[labels[row] as usize] += 1.0);
    let total: f64 = counts.iter().sum();
    counts.into_iter().map(|count| count / total).collect()
}
