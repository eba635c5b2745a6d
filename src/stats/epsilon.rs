//! Lower bounds on epsilon from the errors of a two-sided test.
//!
//! A mechanism is (epsilon, delta)-indistinguishable when every test that tells its two cases apart obeys
//! TPR <= e^epsilon FPR + delta and TNR <= e^epsilon FNR + delta. Rates that break the inequality therefore bound
//! epsilon from below. Refuses a threshold that was chosen on the scores it is judged by, except under the name of
//! [`uncorrected_best_threshold`].
//!
//! Reference: Kairouz, Oh and Viswanath, ICML (2015); Jagielski, Ullman and Oprea, `NeurIPS` (2020).

use rayon::prelude::*;

use super::Level;
use super::interval::{beta_cdf, beta_quantile, clopper_pearson, normal_quantile};
use super::multiple::median_rule;
use super::roc::{Cut, Roc};
use super::uniform::below;
use super::units::Units;
use crate::seed::{Seed, Stream};

/// What a threshold made of the positives and the negatives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Positives at or above the threshold.
    pub true_positives: usize,
    /// Negatives at or above the threshold.
    pub false_positives: usize,
    /// Positives below the threshold.
    pub false_negatives: usize,
    /// Negatives below the threshold.
    pub true_negatives: usize,
}

impl Counts {
    /// Counts of scores on both sides of a threshold.
    pub fn at(threshold: f64, positives: &[f64], negatives: &[f64]) -> Self {
        let above = |scores: &[f64]| scores.iter().filter(|&&score| score >= threshold).count();
        let (true_positives, false_positives) = (above(positives), above(negatives));
        Self {
            true_positives,
            false_positives,
            false_negatives: positives.len() - true_positives,
            true_negatives: negatives.len() - false_positives,
        }
    }

    /// Number of positives.
    pub fn positives(&self) -> usize {
        self.true_positives + self.false_negatives
    }

    /// Number of negatives.
    pub fn negatives(&self) -> usize {
        self.false_positives + self.true_negatives
    }
}

/// A range of epsilon; `high` is infinite where nothing bounds it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    /// Lower end, at least 0.
    pub low: f64,
    /// Upper end, possibly infinite.
    pub high: f64,
}

/// Lower confidence bound on epsilon at a threshold fixed beforehand.
///
/// `max(0, ln((TPR_low - delta) / FPR_high), ln((TNR_low - delta) / FNR_high))` with Clopper-Pearson bounds at alpha/2
/// each. Both directions rest on the same two events, that either error rate lies below its upper bound (the lower
/// bound of TPR is 1 minus the upper bound of FNR, that of TNR 1 minus that of FPR), so taking the larger one costs no
/// further correction: the bound exceeds the true epsilon with probability at most alpha. At least 0, 0 when a side is
/// empty. O(1).
///
/// ```
/// use privet::stats::{epsilon::{Counts, lower_bound}, Level};
/// let perfect = Counts { true_positives: 100, true_negatives: 100, ..Counts::default() };
/// let rate = 1.0 - 0.025_f64.powf(0.01);                           // upper bound of 0 errors among 100
/// assert!((lower_bound(perfect, 0.0, Level::P95) - ((1.0 - rate) / rate).ln()).abs() < 1e-9);      // 3.28
/// ```
pub fn lower_bound(counts: Counts, delta: f64, level: Level) -> f64 {
    let fpr = highest_rate(counts.false_positives, counts.negatives(), level);
    let fnr = highest_rate(counts.false_negatives, counts.positives(), level);
    larger_direction(fpr, fnr, delta).max(0.0)
}

/// Clopper-Pearson's upper end alone.
pub(super) fn highest_rate(k: usize, n: usize, level: Level) -> f64 {
    if k >= n { 1.0 } else { beta_quantile((k + 1) as f64, (n - k) as f64, 1.0 - level.alpha() / 2.0) }
}

/// The larger of the two log ratios; minus infinity where delta explains everything.
fn larger_direction(fpr: f64, fnr: f64, delta: f64) -> f64 {
    let ratio = |kept: f64, lost: f64| if kept > delta { ((kept - delta) / lost).ln() } else { f64::NEG_INFINITY };
    ratio(1.0 - fnr, fpr).max(ratio(1.0 - fpr, fnr))
}

/// Lower confidence bound on epsilon with a threshold that is chosen on one random half and judged on the other.
///
/// Every split deals half of the units of each stratum (positive, negative, both) to the choice, which takes the
/// threshold with the largest Wilson bound there, and bounds epsilon on the rest by [`lower_bound`]. The median of
/// `splits` bounds at half the alpha holds at `level` ([`median_rule`]); a single split is judged at the full alpha.
/// With `clusters` (the group of every positive and of every negative) a cluster stays on one half, and the judging
/// half counts one row of each cluster and side, drawn at random, so that the counts are binomial. 25 splits are
/// customary. At least 0; the same for any number of threads. O(splits N log N).
///
/// References: Meinshausen, Meier and Buhlmann, JASA 104 (2009) for the median of splits.
///
/// # Panics
/// When a side is empty or there is no split.
pub fn split_bound(
    positives: &[f64],
    negatives: &[f64],
    clusters: Option<(&[u32], &[u32])>,
    delta: f64,
    level: Level,
    splits: usize,
    seed: Seed,
) -> f64 {
    let units = Units::of(positives.len(), negatives.len(), clusters);
    let level = if splits > 1 { level.shared(2) } else { level };
    let bound = |split: usize| {
        let mut stream = seed.derive(&format!("split {split}")).stream();
        let choosing = units.half(&mut stream);
        let half = |scores: &[f64], of: &[u32]| -> Vec<f64> {
            let kept = scores.iter().zip(of).filter(|(_, unit)| choosing[**unit as usize]);
            kept.map(|(score, _)| *score).collect()
        };
        let (p, q) = (half(positives, &units.of_positives), half(negatives, &units.of_negatives));
        if p.is_empty() || q.is_empty() {
            return 0.0;
        }
        let threshold = best_threshold(&Roc::new(&p, &q), delta, level);
        let judged = |scores: &[f64], of: &[u32], stream: &mut Stream| one_a_unit(scores, of, &choosing, stream);
        let p = judged(positives, &units.of_positives, &mut stream);
        let q = judged(negatives, &units.of_negatives, &mut stream);
        lower_bound(Counts::at(threshold, &p, &q), delta, level)
    };
    median_rule(&(0..splits).into_par_iter().map(bound).collect::<Vec<_>>())
}

/// One score of every unit outside the choosing half, drawn at random among its scores on this side.
fn one_a_unit(scores: &[f64], units: &[u32], choosing: &[bool], stream: &mut Stream) -> Vec<f64> {
    let mut kept = vec![(0_usize, 0.0); choosing.len()];
    for (&score, &unit) in scores.iter().zip(units) {
        let (seen, drawn) = &mut kept[unit as usize];
        *seen += 1;
        if !choosing[unit as usize] && (*seen == 1 || below(*seen, stream) == 0) {
            *drawn = score;
        }
    }
    let outside = kept.iter().zip(choosing).filter(|((seen, _), choosing)| *seen > 0 && !**choosing);
    outside.map(|((_, score), _)| *score).collect()
}

/// The threshold whose Wilson bounds prove the largest epsilon: fast, and good enough to rank thresholds. What it is judged
/// by must be other scores than these.
///
/// # Panics
/// Never: a curve has at least one threshold.
pub fn best_threshold(roc: &Roc, delta: f64, level: Level) -> f64 {
    let z = normal_quantile(1.0 - level.alpha() / 2.0);
    let (n, m) = (roc.positives(), roc.negatives());
    let promise = |cut: &Cut| {
        let fpr = wilson_high(cut.false_positives, m, z);
        larger_direction(fpr, wilson_high(n - cut.true_positives, n, z), delta)
    };
    let cuts = roc.cuts();
    let best = cuts.iter().map(|cut| (promise(cut), cut.threshold)).max_by(|a, b| a.0.total_cmp(&b.0));
    best.expect("a curve has a threshold").1
}

/// Wilson's upper bound of `k` among `n` for the normal quantile `z`.
fn wilson_high(k: usize, n: usize, z: f64) -> f64 {
    let (n, z2) = (n as f64, z * z);
    let p = k as f64 / n;
    (p + z2 / (2.0 * n) + z * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt()) / (1.0 + z2 / n)
}

/// The largest bound of all thresholds on the same scores, WITHOUT a correction for the search: not a bound.
///
/// This is the rule that several tools print as epsilon. Useless scores get a number above 0 in far more than alpha of
/// the audits (see the tests), so it is only for standing beside [`split_bound`]. O(N) beta quantiles at worst.
///
/// # Panics
/// When a side is empty.
pub fn uncorrected_best_threshold(positives: &[f64], negatives: &[f64], delta: f64, level: Level) -> f64 {
    let (n, m) = (positives.len(), negatives.len());
    let cuts = Roc::new(positives, negatives).cuts();
    let mut fpr = vec![None; m + 1];
    let mut fnr = vec![None; n + 1];
    let mut best = 0.0_f64;
    for (at, cut) in cuts.iter().enumerate() {
        let beaten_by_next = cuts.get(at + 1).is_some_and(|next| next.false_positives == cut.false_positives);
        let beaten_by_last = at > 0 && cuts[at - 1].true_positives == cut.true_positives;
        let (fp, fn_) = (cut.false_positives, n - cut.true_positives);
        // A bound never exceeds what was observed.
        let observed = larger_direction(fp as f64 / m as f64, fn_ as f64 / n as f64, delta);
        if !beaten_by_next && !beaten_by_last && observed > best {
            let fpr = *fpr[fp].get_or_insert_with(|| highest_rate(fp, m, level));
            let fnr = *fnr[fn_].get_or_insert_with(|| highest_rate(fn_, n, level));
            best = best.max(larger_direction(fpr, fnr, delta));
        }
    }
    best
}

/// The interval of epsilon at a fixed threshold from the corners of the rectangle of Clopper-Pearson intervals of both
/// error rates, each at alpha/2.
///
/// Where the rectangle touches the line of guessing the lower end is 0; where a rate may be 0 the upper end is
/// infinite. Wider than [`joint_beta`] since the corners of a rectangle are farther out than a region of the same
/// probability.
pub fn rectangle(counts: Counts, delta: f64, level: Level) -> Range {
    let each = level.shared(2);
    let fpr = clopper_pearson(counts.false_positives, counts.negatives(), each);
    let fnr = clopper_pearson(counts.false_negatives, counts.positives(), each);
    let corners = [(fpr.low, fnr.low), (fpr.high, fnr.high)].map(|(fpr, fnr)| of_rates(fpr, fnr, delta));
    let guessing = (fnr.high > 1.0 - fpr.high) != (fnr.low > 1.0 - fpr.low);
    let low = if guessing { 0.0 } else { corners[0].min(corners[1]) };
    Range { low, high: corners[0].max(corners[1]) }
}

/// The smallest epsilon that allows these error rates: 0 inside the region of guessing, infinite where a rate is 0.
///
/// ```
/// use privet::stats::epsilon::of_rates;
/// assert!((of_rates(0.1, 0.5, 0.0) - 5.0_f64.ln()).abs() < 1e-12);            // TPR 0.5 is five times FPR 0.1
/// assert!((of_rates(0.9, 0.5, 0.0) - 5.0_f64.ln()).abs() < 1e-12);            // the same test with its answer turned
/// assert_eq!(of_rates(0.5, 0.5, 0.0), 0.0);
/// ```
pub fn of_rates(fpr: f64, fnr: f64, delta: f64) -> f64 {
    let (fpr, fnr) = if fpr > 1.0 - fnr { (1.0 - fnr, 1.0 - fpr) } else { (fpr, fnr) };
    larger_direction(fpr, fnr, delta).max(0.0)
}

/// Points of the integral of [`joint_beta`]; the ends are right to 5e-4 of their size.
const NODES: u32 = 1_000;

/// Probabilities and weights of the midpoint rule after the substitution `u = 10 t^3 - 15 t^4 + 6 t^5`, which crowds
/// the points near 0 and 1 where rates close to their edge make epsilon large.
fn nodes() -> impl IndexedParallelIterator<Item = (f64, f64)> {
    (0..NODES).into_par_iter().map(|i| {
        let t = (f64::from(i) + 0.5) / f64::from(NODES);
        let u = t.powi(3) * (10.0 - 15.0 * t + 6.0 * t * t);
        (u, 30.0 * (t * (1.0 - t)).powi(2) / f64::from(NODES))
    })
}

/// Credible interval of epsilon with Jeffreys priors on both error rates.
///
/// FPR ~ Beta(FP + 1/2, TN + 1/2) and FNR ~ Beta(FN + 1/2, TP + 1/2) independently; the ends are the alpha/2 and 1 -
/// alpha/2 quantiles of epsilon([`of_rates`]), that is the smallest regions {epsilon <= e} that hold that much of the
/// posterior. One rate is integrated over 1,000 of its quantiles, the other exactly: no random numbers. A credible, not
/// a confidence interval: a second opinion beside [`lower_bound`].
///
/// Reference: Zanella-Beguelin and others, Bayesian estimation of differential privacy, ICML (2023). Their program
/// (`privacy_estimates`) prints [0.145, 6.399] for the example below, found with a tolerance of 0.01 in epsilon and
/// 0.005 in probability; the exact ends are 0.1439 and 6.4156.
///
/// ```
/// use privet::stats::{epsilon::{Counts, joint_beta}, Level};
/// let counts = Counts { true_positives: 487, true_negatives: 1, false_positives: 512, false_negatives: 0 };
/// let range = joint_beta(counts, 1e-5, Level::new(0.9).expect("a share"));
/// assert!((range.low - 0.1439).abs() < 1e-4 && (range.high - 6.4156).abs() < 1e-4);
/// ```
pub fn joint_beta(counts: Counts, delta: f64, level: Level) -> Range {
    let posterior = |errors: usize, rest: usize| (errors as f64 + 0.5, rest as f64 + 0.5);
    let (a, b) = posterior(counts.false_negatives, counts.true_positives);
    let fnr: Vec<(f64, f64)> = nodes().map(|(u, weight)| (beta_quantile(a, b, u), weight)).collect();
    let (a, b) = posterior(counts.false_positives, counts.true_negatives);
    let within = |epsilon: f64| -> f64 {
        let (up, down) = (epsilon.exp(), (-epsilon).exp());
        let share = |&(x, weight): &(f64, f64)| {
            let low = (1.0 - delta - x * up).max((1.0 - delta - x) * down).max(0.0);
            let high = (1.0 + (delta - x) * down).min(delta + (1.0 - x) * up).min(1.0);
            (beta_cdf(a, b, high) - beta_cdf(a, b, low)).max(0.0) * weight
        };
        let shares: Vec<f64> = fnr.par_iter().map(share).collect(); // summed in order: threads change nothing
        shares.iter().sum::<f64>()
    };
    let tail = level.alpha() / 2.0;
    Range { low: quantile(within, tail), high: quantile(within, 1.0 - tail) }
}

/// The smallest epsilon with `within(epsilon) >= p`, to 1e-9; infinite when 50 is not enough.
fn quantile(within: impl Fn(f64) -> f64, p: f64) -> f64 {
    let (mut low, mut high) = (0.0, 50.0);
    if within(low) >= p {
        return 0.0;
    }
    if within(high) < p {
        return f64::INFINITY;
    }
    while high - low > 1e-9 {
        let middle = 0.5 * (low + high);
        if within(middle) < p {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::specimen::{bell, group_effects};
    use proptest::prelude::*;

    #[test]
    fn microsofts_example() {
        let counts = Counts { true_positives: 487, true_negatives: 1, false_positives: 512, false_negatives: 0 };
        let level = Level::new(0.9).expect("a share");
        assert_eq!(rectangle(counts, 1e-5, level), Range { low: 0.0, high: f64::INFINITY });
        let joint = joint_beta(counts, 1e-5, level);
        assert!((joint.low - 0.145).abs() < 0.01 && (joint.high - 6.399).abs() < 0.02, "{joint:?}");
        assert_eq!(lower_bound(counts, 1e-5, level), 0.0);
    }

    /// Useless audits in which our bound, the uncorrected rule, and the uncorrected rule tried on both signs of the
    /// score (four directions, as TensorFlow Privacy tries them) exceed 0.
    fn false_claims(rows: usize, runs: u64) -> [usize; 3] {
        let mut stream = Seed::root(5).derive("epsilon under the null").stream();
        let mut claims = [0; 3];
        for run in 0..runs {
            let mut scores = || (0..rows).map(|_| bell(&mut stream)).collect::<Vec<_>>();
            let (p, q) = (scores(), scores());
            let ours = split_bound(&p, &q, None, 1e-5, Level::P95, 25, Seed::root(run));
            let negated = |scores: &[f64]| scores.iter().map(|s| -s).collect::<Vec<_>>();
            let two = uncorrected_best_threshold(&p, &q, 1e-5, Level::P95);
            let four = two.max(uncorrected_best_threshold(&negated(&p), &negated(&q), 1e-5, Level::P95));
            claims.iter_mut().zip([ours, two, four]).for_each(|(count, bound)| *count += usize::from(bound > 0.0));
        }
        claims
    }

    /// With 600 rows a side and 200 audits: 0 % of ours, 8.5 % and 14.5 % of the others.
    #[test]
    fn useless_scores_prove_nothing_and_the_uncorrected_rule_says_otherwise() {
        let [ours, two, four] = false_claims(500, 120);
        assert!(ours <= 6, "split bound above 0 in {ours} of 120 useless audits");
        assert!(four > 6 && two > 0, "the uncorrected rule is above 0 in {two} and {four} of 120");
    }

    #[test]
    fn clusters_that_repeat_their_rows_prove_no_more() {
        let mut stream = Seed::root(6).derive("repeated").stream();
        let mut above = 0;
        for run in 0..200 {
            let (p, groups) = group_effects(40, 10, 0.999, &mut stream);
            let (q, _) = group_effects(40, 10, 0.999, &mut stream);
            let others: Vec<u32> = groups.iter().map(|g| g + 40).collect();
            let clusters = Some((groups.as_slice(), others.as_slice()));
            above += usize::from(split_bound(&p, &q, clusters, 0.0, Level::P95, 25, Seed::root(run)) > 0.0);
        }
        assert!(above <= 10, "{above} of 200");
    }

    #[test]
    fn leaking_scores_are_bounded_away_from_zero() {
        let positives: Vec<f64> = (0..500).map(f64::from).collect();
        let negatives: Vec<f64> = (0..500).map(|i| f64::from(i) - 450.0).collect();
        let bound = split_bound(&positives, &negatives, None, 0.0, Level::P95, 25, Seed::root(1));
        // Nothing beats the bound that a perfect test of the 250 judged rows could give.
        let perfect = Counts { true_positives: 250, true_negatives: 250, ..Counts::default() };
        assert!(bound > 2.5 && bound < lower_bound(perfect, 0.0, Level::P95.shared(2)), "{bound}");
        let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
        let alone =
            one_thread.install(|| split_bound(&positives, &negatives, None, 0.0, Level::P95, 25, Seed::root(1)));
        assert_eq!(bound, alone);
    }

    proptest! {
        #[test]
        fn a_bound_exceeds_neither_the_observation_nor_the_uncorrected_rule(p in prop::collection::vec(-4_i32..9, 1..50), q in prop::collection::vec(-9_i32..4, 1..50), threshold in -9_i32..9) {
            let float = |v: &[i32]| v.iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
            let (p, q) = (float(&p), float(&q));
            let counts = Counts::at(f64::from(threshold), &p, &q);
            let bound = lower_bound(counts, 0.0, Level::P95);
            let rates = (counts.false_positives as f64 / q.len() as f64, counts.false_negatives as f64 / p.len() as f64);
            prop_assert!(bound <= of_rates(rates.0, rates.1, 0.0) + 1e-12);
            prop_assert!(bound <= uncorrected_best_threshold(&p, &q, 0.0, Level::P95) + 1e-12);
        }
    }
}
