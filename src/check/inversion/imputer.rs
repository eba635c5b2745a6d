//! The adversary without the model: guesses a sensitive value from the other columns and the outcome.
//!
//! Trained on auxiliary records only (non-members that are not attacked), never on members: only what an attack finds
//! beyond this guess is a leak. The most frequent value, a linear model, a forest, boosted trees and nearest neighbours
//! compete by cross-validation over patients; the winner learns from all auxiliary records.

use rayon::prelude::*;

use super::domain::Domain;
use crate::learn::boosted::Boosted;
use crate::learn::forest::Forest;
use crate::learn::logistic::Logistic;
use crate::learn::nearest::Nearest;
use crate::learn::{Encoded, Learner, Regressor, folds};
use crate::seed::Seed;
use crate::stats::matthews::matthews;
use crate::stats::rank::quantile;

/// Folds of the competition.
const FOLDS: usize = 3;
/// Most records that compete; the winner learns from all.
const MOST_COMPETING: usize = 1500;
/// Most values that boosted trees compete for.
pub(super) const MOST_BOOSTED: usize = 8;
/// The least probability whose logarithm counts.
const LEAST: f64 = 1e-6;
/// A learner with its name.
type Named<L> = (&'static str, Box<L>);
/// The guesser that needs no columns.
pub(super) const MAJORITY: &str = "most frequent value";
/// The same for numbers.
const MEDIAN: &str = "median";

/// What the adversary thinks of the people it is asked about.
pub(super) struct Imputed {
    /// Probability of every candidate, `people x candidates`, by the learner that is right most often.
    pub(super) posterior: Vec<f64>,
    /// How probable the guess about each person is, by the learner with the smallest logarithmic loss: a learner that
    /// always names the most frequent value may be right most often and cannot say whom it is right about.
    pub(super) sureness: Vec<f64>,
    /// The guessed number of each person, where numbers are guessed.
    pub(super) numbers: Vec<f64>,
    /// Name of the winner.
    pub(super) guesser: &'static str,
    /// How all that competed did, by cross-validation.
    pub(super) trials: Vec<Trial>,
}

/// How an adversary without the model did on auxiliary records that it had not learned from.
#[derive(Clone)]
pub(super) struct Trial {
    pub(super) guesser: &'static str,
    /// Right guesses, of so many.
    pub(super) right: (usize, usize),
    /// Matthews' correlation of the guesses with the truth; numbers have none.
    pub(super) matthews: Option<f64>,
}

/// What the adversary has to learn from.
pub(super) struct Lessons<'a> {
    /// The columns it knows, of members and then of non-members.
    pub(super) data: &'a Encoded,
    /// The patient of each row of `data`.
    pub(super) patients: &'a [u32],
    /// The rows it may learn from.
    pub(super) auxiliary: &'a [usize],
}

impl Lessons<'_> {
    /// Imputes the rows in `asked`.
    pub(super) fn impute(&self, domain: &Domain, asked: &[usize], seed: Seed) -> Imputed {
        let known: Vec<usize> = self.auxiliary.iter().copied().filter(|&row| domain.is_attackable(row)).collect();
        match domain {
            Domain::Values { .. } => self.impute_values(domain, &known, asked, seed),
            Domain::Points { truth, points, tolerance, .. } => {
                self.impute_numbers(truth, points, *tolerance, &known, asked, seed)
            }
        }
    }

    /// The fold of each of the known rows that compete; others have none.
    fn competing(&self, known: &[usize], seed: Seed) -> Vec<(usize, usize)> {
        let kept = known.len().min(MOST_COMPETING);
        let rows: Vec<usize> = (0..kept).map(|at| known[at * known.len() / kept]).collect();
        let groups: Vec<u32> = rows.iter().map(|&row| self.patients[row]).collect();
        let folds = folds::assign(&groups, &vec![0; groups.len()], FOLDS, seed.derive("folds"));
        rows.into_iter().zip(folds).collect()
    }

    fn impute_values(&self, domain: &Domain, known: &[usize], asked: &[usize], seed: Seed) -> Imputed {
        let (labels, candidates) = (domain.labels(), domain.len());
        let competing = self.competing(known, seed);
        let majority = |rows: &[usize]| shares(rows, &labels, candidates);
        // How it did, and the logarithmic loss of the probabilities.
        let trial = |entry: Option<&Named<dyn Learner>>| -> (Trial, f64) {
            let (mut truth, mut guesses, mut loss) = (Vec::new(), Vec::new(), 0.0);
            for fold in 0..FOLDS {
                let (test, train) = parted(&competing, fold);
                let posterior = match entry {
                    Some((_, learner)) => {
                        learner.fit(self.data, &train, &labels, candidates, seed).probabilities(self.data, &test)
                    }
                    None => majority(&train).repeat(test.len()),
                };
                for (&row, posterior) in test.iter().zip(posterior.chunks(candidates)) {
                    truth.push(labels[row]);
                    guesses.push(crate::model::largest(posterior));
                    loss -= posterior[labels[row] as usize].max(LEAST).ln();
                }
            }
            let right = truth.iter().zip(&guesses).filter(|(truth, guess)| truth == guess).count();
            let matthews = Some(matthews(&truth, &guesses));
            (Trial { guesser: name(entry), right: (right, truth.len()), matthews }, loss)
        };
        let learners = learners(candidates);
        let mut trials = vec![(trial(None), None)];
        if candidates > 1 && competing.len() >= 2 * FOLDS {
            trials.extend(learners.iter().map(|entry| (trial(Some(entry)), Some(entry))));
        }
        // The first of equals: a learner has to beat the most frequent value, and the learners before it.
        let rightest = trials.iter().rev().max_by_key(|trial| trial.0.0.right.0).and_then(|trial| trial.1);
        let surest = trials.iter().min_by(|a, b| a.0.1.total_cmp(&b.0.1)).and_then(|trial| trial.1);
        let by = |entry: Option<&Named<dyn Learner>>| {
            self.posterior(entry.map(|entry| entry.1.as_ref()), domain, known, asked, seed)
        };
        let posterior = by(rightest);
        let of_surest = if name(surest) == name(rightest) { posterior.clone() } else { by(surest) };
        let people = posterior.chunks(candidates).zip(of_surest.chunks(candidates));
        let sureness = people.map(|(guess, sure)| sure[crate::model::largest(guess) as usize]).collect();
        let trials = trials.into_iter().map(|trial| trial.0.0).collect();
        Imputed { posterior, sureness, numbers: Vec::new(), guesser: name(rightest), trials }
    }

    /// Probabilities of the candidates by a learner, or by their shares.
    fn posterior(
        &self,
        learner: Option<&dyn Learner>,
        domain: &Domain,
        known: &[usize],
        asked: &[usize],
        seed: Seed,
    ) -> Vec<f64> {
        let (labels, candidates) = (domain.labels(), domain.len());
        match learner {
            Some(learner) => learner.fit(self.data, known, &labels, candidates, seed).probabilities(self.data, asked),
            None => shares(known, &labels, candidates).repeat(asked.len()),
        }
    }

    /// Imputes by a learner that was chosen before. Its posterior of numbers is left out.
    pub(super) fn impute_with(&self, guesser: &'static str, domain: &Domain, asked: &[usize], seed: Seed) -> Imputed {
        let known: Vec<usize> = self.auxiliary.iter().copied().filter(|&row| domain.is_attackable(row)).collect();
        match domain {
            Domain::Values { .. } => {
                let learners = learners(domain.len());
                let learner = learners.iter().find(|entry| entry.0 == guesser).map(|entry| entry.1.as_ref());
                let posterior = self.posterior(learner, domain, &known, asked, seed);
                Imputed { posterior, sureness: Vec::new(), numbers: Vec::new(), guesser, trials: Vec::new() }
            }
            Domain::Points { truth, .. } => {
                let learners = regressors();
                let learner = learners.iter().find(|entry| entry.0 == guesser).map(|entry| entry.1.as_ref());
                let numbers = self.predicted(learner, &targets(truth), &known, asked, seed);
                Imputed { posterior: Vec::new(), sureness: Vec::new(), numbers, guesser, trials: Vec::new() }
            }
        }
    }

    /// Numbers by a learner, or their median.
    fn predicted(
        &self,
        learner: Option<&dyn Regressor>,
        targets: &[f64],
        train: &[usize],
        test: &[usize],
        seed: Seed,
    ) -> Vec<f64> {
        let median = || {
            let mut values: Vec<f64> = train.iter().map(|&row| targets[row]).collect();
            values.sort_by(f64::total_cmp);
            if values.is_empty() { 0.0 } else { quantile(&values, 0.5) }
        };
        match learner {
            Some(learner) => learner.fit(self.data, train, targets, seed).values(self.data, test),
            None => vec![median(); test.len()],
        }
    }

    fn impute_numbers(
        &self,
        truth: &[f64],
        points: &[f64],
        tolerance: f64,
        known: &[usize],
        asked: &[usize],
        seed: Seed,
    ) -> Imputed {
        let targets = targets(truth);
        let competing = self.competing(known, seed);
        // Hits within the tolerance decide, squared errors between equals.
        let score = |learner: Option<&dyn Regressor>| -> (usize, f64) {
            let fold = |fold: usize| {
                let (test, train) = parted(&competing, fold);
                let found = self.predicted(learner, &targets, &train, &test, seed);
                let errors = found.into_iter().zip(&test).map(|(v, &row)| v - targets[row]);
                errors.fold((0, 0.0), |(hits, squares), error| {
                    (hits + usize::from(error.abs() <= tolerance), squares + error * error)
                })
            };
            (0..FOLDS).map(fold).fold((0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1))
        };
        let learners = regressors();
        let mut best: ((usize, f64), Option<&Named<dyn Regressor>>) = (score(None), None);
        let trial = |guesser, found: (usize, f64)| Trial { guesser, right: (found.0, competing.len()), matthews: None };
        let mut trials = vec![trial(MEDIAN, best.0)];
        if competing.len() >= 2 * FOLDS {
            for entry in &learners {
                let found = score(Some(entry.1.as_ref()));
                trials.push(trial(entry.0, found));
                if found.0 > best.0.0 || (found.0 == best.0.0 && found.1 < best.0.1) {
                    best = (found, Some(entry));
                }
            }
        }
        let guesser = best.1.map_or(MEDIAN, |entry| entry.0);
        let numbers = self.predicted(best.1.map(|entry| entry.1.as_ref()), &targets, known, asked, seed);
        let deviation = (best.0.1 / competing.len().max(1) as f64).sqrt().max(tolerance).max(f64::MIN_POSITIVE);
        let posterior = numbers.par_iter().flat_map_iter(|&mean| bell(points, mean, deviation)).collect();
        Imputed { posterior, sureness: Vec::new(), numbers, guesser, trials }
    }
}

fn name(entry: Option<&Named<dyn Learner>>) -> &'static str {
    entry.map_or(MAJORITY, |entry| entry.0)
}

/// Numbers to learn; rows without one are never learned from.
fn targets(truth: &[f64]) -> Vec<f64> {
    truth.iter().map(|value| if value.is_nan() { 0.0 } else { *value }).collect()
}

/// Probabilities of points under a normal distribution, each standing for the stretch to its neighbours.
fn bell(points: &[f64], mean: f64, deviation: f64) -> Vec<f64> {
    let last = points.len().saturating_sub(1);
    let stretch = |at: usize| points[(at + 1).min(last)] - points[at.saturating_sub(1)];
    // From the nearest point on, so that a mean far off all of them leaves something.
    let square = |point: f64| ((point - mean) / deviation).powi(2);
    let least = points.iter().map(|&point| square(point)).fold(f64::INFINITY, f64::min);
    let mut weights: Vec<f64> = points
        .iter()
        .enumerate()
        .map(|(at, &point)| stretch(at).max(f64::MIN_POSITIVE) * (-0.5 * (square(point) - least)).exp())
        .collect();
    let sum: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|weight| *weight /= sum);
    weights
}

/// Test and training rows of a fold.
fn parted(competing: &[(usize, usize)], fold: usize) -> (Vec<usize>, Vec<usize>) {
    let rows = |wanted: bool| competing.iter().filter(|row| (row.1 == fold) == wanted).map(|row| row.0).collect();
    (rows(true), rows(false))
}

fn learners(candidates: usize) -> Vec<Named<dyn Learner>> {
    let mut learners: Vec<Named<dyn Learner>> = vec![
        ("logistic regression", Box::new(Logistic { steps: 60, tolerance: 0.05, ..Logistic::default() })),
        ("random forest", Box::new(Forest { trees: 50, least_leaf: 3 })),
        ("nearest neighbours", Box::new(Nearest { most_rows: 500, ..Nearest::default() })),
    ];
    // A tree per value and round: too slow for many values, where the forest does as well.
    if candidates <= MOST_BOOSTED {
        let boosted: Box<dyn Learner> = Box::new(Boosted { rounds: 25, rate: 0.2, ..Boosted::default() });
        learners.insert(0, ("boosted trees", boosted));
    }
    learners
}

fn regressors() -> Vec<Named<dyn Regressor>> {
    vec![
        ("boosted trees", Box::new(Boosted { rounds: 25, rate: 0.2, ..Boosted::default() })),
        ("random forest", Box::new(Forest { trees: 50, ..Forest::for_values() })),
    ]
}

/// Shares of the candidates, with one added to every count.
pub(super) fn shares(rows: &[usize], labels: &[u32], candidates: usize) -> Vec<f64> {
    let mut counts = vec![1.0_f64; candidates];
    rows.iter().for_each(|&row| counts[labels[row] as usize] += 1.0);
    let total: f64 = counts.iter().sum();
    counts.into_iter().map(|count| count / total).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::specimen::{normal, uniform};

    fn domain(codes: &[u32]) -> Domain {
        Domain::Values { truth: codes.iter().map(|&code| Some(code)).collect(), exemplars: vec![0, 1, 2] }
    }

    #[test]
    fn learns_what_the_columns_say_and_nothing_from_noise() {
        let seed = Seed::root(4);
        let codes = uniform(600, 3, seed);
        let (mut told, mut noise) = (Encoded::new(600), Encoded::new(600));
        told.push_numbers(&codes.iter().map(|&code| f64::from(code % 2)).collect::<Vec<f64>>());
        noise.push_numbers(&normal(600, 0.0, seed.derive("noise")));
        let patients: Vec<u32> = (0..600).collect();
        let auxiliary: Vec<usize> = (0..400).collect();
        let asked: Vec<usize> = (400..600).collect();
        let hits = |data: &Encoded| {
            let imputed =
                Lessons { data, patients: &patients, auxiliary: &auxiliary }.impute(&domain(&codes), &asked, seed);
            let guesses = imputed.posterior.chunks(3).map(crate::model::largest);
            (asked.iter().zip(guesses).filter(|(row, guess)| codes[**row] == *guess).count(), imputed.guesser)
        };
        let (found, guesser) = hits(&told);
        assert!(found > 110 && guesser != MAJORITY, "two thirds of 200 are to be had: {found} by {guesser}");
        assert!(hits(&noise).0 < 100, "a third is to be had");
    }

    /// The guess and the posterior of negative numbers: y = -10 + x with x known.
    #[test]
    fn numbers_are_imputed_within_their_tolerance() {
        let seed = Seed::root(5);
        let x: Vec<f64> = uniform(600, 1000, seed).into_iter().map(|v| f64::from(v) / 100.0).collect();
        let truth: Vec<f64> = x.iter().map(|x| x - 10.0).collect();
        let mut data = Encoded::new(600);
        data.push_numbers(&x);
        let points: Vec<f64> = (0..20).map(|i| -9.75 + 0.5 * f64::from(i)).collect();
        let domain =
            Domain::Points { truth: truth.clone(), points, tolerance: 0.5, spread: 5.0, whole: false, intervals: None };
        let patients: Vec<u32> = (0..600).collect();
        let (auxiliary, asked): (Vec<usize>, Vec<usize>) = (0..600).partition(|row| row % 3 > 0);
        let imputed = Lessons { data: &data, patients: &patients, auxiliary: &auxiliary }.impute(&domain, &asked, seed);
        let hits = imputed.numbers.iter().zip(&asked).filter(|(v, row)| (*v - truth[**row]).abs() <= 0.5).count();
        assert!(hits > 180, "{hits} of 200 by {}", imputed.guesser);
        assert!(imputed.posterior.chunks(20).all(|row| (row.iter().sum::<f64>() - 1.0).abs() < 1e-9));
    }
}
