//! Lower bounds on epsilon from a single run in which fair coins decided what went in.
//!
//! Each of `coins` candidates was put in or left out by a coin of its own; afterwards a rule guessed some of the coins
//! and was right about a number of them. Guesses must be fixed before the coins are looked at (for example the k
//! highest and the k lowest scores, k chosen beforehand); choosing the best number of guesses afterwards breaks every
//! bound here. Refuses nothing else: a split that no coin made gives numbers that mean "as if", not an audit.

use rayon::prelude::*;
use statrs::distribution::{ContinuousCDF, Normal};
use statrs::function::factorial::ln_binomial;

use super::Level;
use super::epsilon::{Counts, highest_rate};
use super::interval::{beta_cdf, normal_quantile, wilson};
use super::multiple::median_rule;
use super::roc::Roc;
use super::student::log_ndtr;
use super::uniform::shuffle;
use crate::seed::Seed;

/// How well the coins were guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guesses {
    /// Candidates with a coin, guessed or not.
    pub coins: usize,
    /// Coins that were guessed.
    pub guessed: usize,
    /// Guesses that were right.
    pub right: usize,
}

/// Probability of at least this many right guesses under (`epsilon`, `delta`)-indistinguishability, at most 1.
///
/// With `q = e^epsilon / (1 + e^epsilon)`: `b + 2 m delta max over i of (P[Bin(r, q) >= v - i] - b) / i` where
/// `b = P[Bin(r, q) >= v]`, m coins, r guesses, v right. Rises with epsilon. O(v).
///
/// Reference: Steinke, Nasr and Jagielski, `NeurIPS` (2023), theorem 5.2 and appendix D.
///
/// ```
/// use privet::stats::one_run::{Guesses, p_value};
/// let guesses = Guesses { coins: 10, guessed: 10, right: 10 };
/// assert!((p_value(guesses, 0.0, 0.0) - 0.5_f64.powi(10)).abs() < 1e-15);       // ten coins by luck
/// ```
pub fn p_value(guesses: Guesses, epsilon: f64, delta: f64) -> f64 {
    let Guesses { coins, guessed, right } = guesses;
    let q = 1.0 / (1.0 + (-epsilon).exp());
    let beta = beta_cdf(right as f64, (guessed - right.min(guessed) + 1) as f64, q);
    if delta <= 0.0 || right == 0 {
        return beta;
    }
    let (mut added, mut alpha) = (0.0, 0.0_f64);
    for i in 1..=right {
        let k = right - i;
        let log = ln_binomial(guessed as u64, k as u64) + k as f64 * q.ln()
            - (guessed - k) as f64 * (1.0 + epsilon.exp()).ln();
        added += log.exp(); // P[Bin = k]; ln(1 - q) = -ln(1 + e^epsilon)
        alpha = alpha.max(added / i as f64);
    }
    (beta + 2.0 * coins as f64 * delta * alpha).min(1.0)
}

/// Lower confidence bound on epsilon: the largest one that the guesses contradict at the level, at least 0.
///
/// All right without delta give `ln(q / (1 - q))` with `q = alpha^(1/n)`: 3.49 for 100 coins, 5.11 for 500, 5.81 for
/// 1,000 and 7.42 for 5,000, which no single run can pass. By bisection to 1e-9. O(v).
///
/// Reference: as for [`p_value`].
///
/// ```
/// use privet::stats::{one_run::{Guesses, lower_bound}, Level};
/// let bound = lower_bound(Guesses { coins: 100, guessed: 100, right: 100 }, 0.0, Level::P95);
/// assert!((bound - 3.492_965).abs() < 1e-6);
/// ```
pub fn lower_bound(guesses: Guesses, delta: f64, level: Level) -> f64 {
    largest(|epsilon| p_value(guesses, epsilon, delta) <= level.alpha())
}

/// Lower confidence bound on epsilon under the hypothesis that the mechanism is Gaussian, at least 0.
///
/// The trade-off curve `f(x) = Phi(Phi^-1(1 - x) - mu)` of the mu that makes the mechanism exactly (epsilon, delta) is
/// run down the number of right guesses: starting at `h = a (r - v)/m`, `t = a v/m`, for i = v - 1, ..., 0 take `h' =
/// max(h, Phi(Phi^-1(t) - mu))` and `t += i/(r - i) (h' - h)`; the claim falls when `t + h > r/m` at the end. Tighter
/// than [`lower_bound`] where the hypothesis fits. `delta` must be above 0; otherwise the bound is 0. O(v) a step.
///
/// Reference: Mahloujifar, Melis and Chaudhuri, arXiv 2410.22235 (2024), algorithm 3.
pub fn gaussian_lower_bound(guesses: Guesses, delta: f64, level: Level) -> f64 {
    if delta <= 0.0 || guesses.guessed == 0 {
        return 0.0;
    }
    largest(|epsilon| gaussian_is_contradicted(guesses, gaussian_mu(epsilon, delta), level.alpha()))
}

fn gaussian_is_contradicted(guesses: Guesses, mu: f64, alpha: f64) -> bool {
    let [m, r, v] = [guesses.coins, guesses.guessed, guesses.right].map(|count| count as f64);
    let (mut right, mut wrong) = (alpha * v / m, alpha * (r - v) / m);
    let normal = Normal::standard();
    for i in (0..guesses.right).rev() {
        let next = wrong.max(normal.cdf(normal_quantile(right.min(1.0)) - mu));
        if next == wrong {
            break; // nothing moves any more
        }
        right = (right + i as f64 / (r - i as f64) * (next - wrong)).min(1.0);
        wrong = next;
    }
    right + wrong > r / m
}

/// Delta of a Gaussian mechanism with parameter `mu` at `epsilon`:
/// `Phi(-epsilon/mu + mu/2) - e^epsilon Phi(-epsilon/mu - mu/2)`, taken on the log scale. Between 0 and 1. O(1).
///
/// Reference: Dong, Roth and Su, JRSS B 84 (2022) 3-37, corollary 1 (2.13 of the preprint).
///
/// ```
/// use privet::stats::one_run::gaussian_delta;
/// // At epsilon 0: 2 Phi(mu/2) - 1
/// assert!((gaussian_delta(0.0, 1.0) - 0.382_924_922_548_026).abs() < 1e-12);
/// ```
pub fn gaussian_delta(epsilon: f64, mu: f64) -> f64 {
    if mu <= 0.0 {
        return 0.0;
    }
    let first = log_ndtr(-epsilon / mu + mu / 2.0);
    let second = epsilon + log_ndtr(-epsilon / mu - mu / 2.0);
    if second >= first { 0.0 } else { first.exp() * -(second - first).exp_m1() }
}

/// The mu whose Gaussian mechanism has exactly this delta at this epsilon.
fn gaussian_mu(epsilon: f64, delta: f64) -> f64 {
    let mut high = 1.0;
    while gaussian_delta(epsilon, high) < delta && high < 1e6 {
        high *= 2.0;
    }
    bisect(0.0, high, |mu| gaussian_delta(epsilon, mu) < delta)
}

/// Epsilon at `delta` of the Gaussian mechanism that error rates bound from below, at least 0.
///
/// `mu = Phi^-1(1 - FPR) - Phi^-1(FNR)` with upper confidence bounds on both rates, then the epsilon of that mu. Rates
/// that do not beat guessing (their sum reaches 1) prove nothing: 0, never the size of a negative mu. A statement about
/// Gaussian mechanisms only. `delta` must be above 0; otherwise the bound is infinite for any mu above 0.
///
/// References: Nasr and others, USENIX Security (2023); Dong, Roth and Su (2022).
///
/// ```
/// use privet::stats::one_run::epsilon_of_gaussian;
/// assert_eq!(epsilon_of_gaussian(0.6, 0.5, 1e-5), 0.0);
/// assert!(epsilon_of_gaussian(0.05, 0.05, 1e-5) > 10.0);
/// ```
pub fn epsilon_of_gaussian(fpr_high: f64, fnr_high: f64, delta: f64) -> f64 {
    if fpr_high + fnr_high >= 1.0 {
        return 0.0;
    }
    let mu = normal_quantile(1.0 - fpr_high) - normal_quantile(fnr_high);
    if delta <= 0.0 {
        return f64::INFINITY;
    }
    largest(|epsilon| gaussian_delta(epsilon, mu) > delta)
}

/// Lower confidence bound on the epsilon at `delta` of a Gaussian mechanism, with a threshold that is chosen on one random
/// half of either side and judged on the other.
///
/// On the first half the threshold with the largest `Phi^-1(1 - FPR) - Phi^-1(FNR)` of Wilson's upper ends is taken; the
/// other half gives Clopper-Pearson's upper ends at alpha/2 each, and [`epsilon_of_gaussian`] the bound. The median of
/// `splits` such bounds at half the alpha holds at `level`; a single split is judged at the full alpha. Scores of
/// different rows must be independent, which those of one run are only nearly. At least 0, and 0 when a half is empty;
/// the same for any number of threads. O(splits N log N).
///
/// References: Nasr and others, USENIX Security (2023); Meinshausen, Meier and Buhlmann, JASA 104 (2009) for the median.
pub fn gaussian_split_bound(
    positives: &[f64],
    negatives: &[f64],
    delta: f64,
    level: Level,
    splits: usize,
    seed: Seed,
) -> f64 {
    let level = if splits > 1 { level.shared(2) } else { level };
    let bound = |split: usize| {
        let mut stream = seed.derive(&format!("split {split}")).stream();
        let mut halves = |scores: &[f64]| {
            let mut mixed = scores.to_vec();
            shuffle(&mut mixed, &mut stream);
            let rest = mixed.split_off(mixed.len() / 2);
            (mixed, rest)
        };
        let ((p, judged_p), (q, judged_q)) = (halves(positives), halves(negatives));
        if p.is_empty() || q.is_empty() {
            return 0.0;
        }
        let counts = Counts::at(widest_cut(&p, &q, level), &judged_p, &judged_q);
        let fpr = highest_rate(counts.false_positives, counts.negatives(), level);
        let fnr = highest_rate(counts.false_negatives, counts.positives(), level);
        epsilon_of_gaussian(fpr, fnr, delta)
    };
    median_rule(&(0..splits).into_par_iter().map(bound).collect::<Vec<_>>())
}

/// The threshold at which the upper ends of both error rates are furthest apart on the normal scale.
fn widest_cut(positives: &[f64], negatives: &[f64], level: Level) -> f64 {
    let (n, m) = (positives.len(), negatives.len());
    let mut best = (f64::NEG_INFINITY, f64::INFINITY);
    for cut in Roc::new(positives, negatives).cuts() {
        let fpr = wilson(cut.false_positives, m, level).high;
        let fnr = wilson(n - cut.true_positives, n, level).high;
        let width = normal_quantile(1.0 - fpr) - normal_quantile(fnr);
        if width > best.0 {
            best = (width, cut.threshold);
        }
    }
    best.1
}

/// The largest epsilon for which a falling condition holds, 0 when it never does.
fn largest(holds: impl Fn(f64) -> bool) -> f64 {
    if !holds(0.0) {
        return 0.0;
    }
    let mut high = 1.0;
    while holds(high) && high < 1e4 {
        high *= 2.0;
    }
    bisect(high / 2.0 * f64::from(u8::from(high > 1.0)), high, holds)
}

/// The end of the range in which a condition that holds at `low` goes on holding, to 1e-10.
fn bisect(mut low: f64, mut high: f64, holds: impl Fn(f64) -> bool) -> f64 {
    while high - low > 1e-10 * high.max(1.0) {
        let middle = 0.5 * (low + high);
        if holds(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::specimen::{bell, uniform};

    #[test]
    fn ceilings_of_perfect_guesses() {
        for (n, ceiling) in [(100, 3.49), (500, 5.11), (1_000, 5.81), (5_000, 7.42)] {
            let perfect = Guesses { coins: n, guessed: n, right: n };
            let bound = lower_bound(perfect, 0.0, Level::P95);
            assert!((bound - ceiling).abs() < 5e-3, "{n}: {bound}");
            let q = 0.05_f64.powf(1.0 / n as f64);
            assert!((bound - (q / (1.0 - q)).ln()).abs() < 1e-8);
        }
    }

    #[test]
    fn delta_costs_and_half_right_proves_nothing() {
        let good = Guesses { coins: 1_000, guessed: 200, right: 180 };
        let (without, with) = (lower_bound(good, 0.0, Level::P95), lower_bound(good, 1e-5, Level::P95));
        assert!(without > with && with > 1.0, "{without} {with}");
        let half = Guesses { right: 100, ..good };
        assert_eq!(lower_bound(half, 1e-5, Level::P95), 0.0);
        assert_eq!(gaussian_lower_bound(half, 1e-5, Level::P95), 0.0);
    }

    /// Coins guessed by luck: the bound may exceed 0 in 5 % of the runs.
    #[test]
    fn lucky_guesses_claim_within_the_level() {
        let mut stream = Seed::root(12).derive("coins").stream();
        let mut claims = [0_usize; 2];
        for _ in 0..2_000 {
            let right = (0..100).filter(|_| uniform(&mut stream) < 0.5).count();
            let guesses = Guesses { coins: 100, guessed: 100, right };
            claims[0] += usize::from(lower_bound(guesses, 0.0, Level::P95) > 0.0);
            claims[1] += usize::from(gaussian_is_contradicted(guesses, gaussian_mu(0.0, 1e-5), 0.05));
        }
        assert!(claims.iter().all(|&count| count <= 110), "{claims:?} of 2000");
    }

    /// A Gaussian mechanism with mu 2 has epsilon 8.2 or so at delta 1e-5: the bound stays below and is not idle.
    #[test]
    fn the_gaussian_split_bound_stays_below_the_truth() {
        let mut stream = Seed::root(3).derive("gaussian").stream();
        let truth = largest(|epsilon| gaussian_delta(epsilon, 2.0) > 1e-5);
        let mut over = 0;
        for run in 0..100 {
            let mut draw = |mean: f64| (0..250).map(|_| mean + bell(&mut stream)).collect::<Vec<f64>>();
            let (p, q, useless) = (draw(2.0), draw(0.0), draw(0.0));
            let seed = Seed::root(run);
            let bound = gaussian_split_bound(&p, &q, 1e-5, Level::P95, 5, seed);
            assert!(bound > 2.0, "{bound}");
            over += usize::from(bound > truth);
            over += usize::from(gaussian_split_bound(&useless, &q, 1e-5, Level::P95, 5, seed) > 0.0);
        }
        assert!(over <= 10, "{over} of 200 over the truth {truth}");
    }
}
