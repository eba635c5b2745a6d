//! Intervals of proportions and of their differences.
//!
//! Checked against SciPy and statsmodels in `tests/golden/intervals.json`.

use statrs::distribution::{ContinuousCDF, Normal};
use statrs::function::beta::beta_reg;

use super::{Estimate, Level, Method};

/// The standard normal quantile at probability `p`.
///
/// ```
/// assert!((privet::stats::interval::normal_quantile(0.975) - 1.959_963_984_540_054).abs() < 1e-9);
/// ```
pub fn normal_quantile(p: f64) -> f64 {
    Normal::standard().inverse_cdf(p)
}

/// The standard normal distribution function, the inverse of [`normal_quantile`].
pub fn normal_cdf(x: f64) -> f64 {
    Normal::standard().cdf(x)
}

/// Distribution function of Beta(`a`, `b`) at `x`, with the edges `a = 0` (mass at 0) and `b = 0` (mass at 1).
pub fn beta_cdf(a: f64, b: f64, x: f64) -> f64 {
    if x >= 1.0 || a <= 0.0 {
        return 1.0;
    }
    if x <= 0.0 || b <= 0.0 {
        return 0.0;
    }
    beta_reg(a, b, x)
}

/// Quantile of Beta(`a`, `b`) by bisection: slower than Newton's method and never wrong.
pub fn beta_quantile(a: f64, b: f64, p: f64) -> f64 {
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if beta_cdf(a, b, middle) < p {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

/// Clopper-Pearson interval of `k` successes in `n` trials: exact, never below its level.
///
/// Zero trials give the whole range. Reference: Clopper and Pearson, Biometrika 26 (1934).
///
/// ```
/// use privet::stats::{interval::clopper_pearson, Level};
/// let e = clopper_pearson(0, 100, Level::P95);      // upper end 1 - 0.025^(1/100)
/// assert_eq!(e.low, 0.0);
/// assert!((e.high - (1.0 - 0.025_f64.powf(0.01))).abs() < 1e-12);
/// ```
pub fn clopper_pearson(k: usize, n: usize, level: Level) -> Estimate {
    let (k_f, n_f, tail) = (k as f64, n as f64, level.alpha() / 2.0);
    let low = if k == 0 { 0.0 } else { beta_quantile(k_f, n_f - k_f + 1.0, tail) };
    let high = if k >= n { 1.0 } else { beta_quantile(k_f + 1.0, n_f - k_f, 1.0 - tail) };
    let value = if n == 0 { 0.0 } else { k_f / n_f };
    Estimate { value, low, high, level, n, method: Method::ClopperPearson }
}

/// Wilson score interval of `k` successes in `n` trials. Zero trials give the whole range.
///
/// Reference: Wilson, JASA 22 (1927); recommended by Brown, Cai and `DasGupta` (2001).
///
/// ```
/// use privet::stats::{interval::wilson, Level};
/// let e = wilson(50, 100, Level::P95);
/// assert!((e.low - 0.403_831_530_365_99).abs() < 1e-9 && (e.high - 0.596_168_469_634_01).abs() < 1e-9);
/// ```
pub fn wilson(k: usize, n: usize, level: Level) -> Estimate {
    if n == 0 {
        return Estimate { value: 0.0, low: 0.0, high: 1.0, level, n, method: Method::Wilson };
    }
    let estimate = score_interval(k as f64 / n as f64, n as f64, level);
    Estimate { n, ..estimate }
}

/// The score interval of a share `p` that rests on as many independent trials.
fn score_interval(p: f64, trials: f64, level: Level) -> Estimate {
    let z = normal_quantile(1.0 - level.alpha() / 2.0);
    let centre = p + z * z / (2.0 * trials);
    let half = z * (p * (1.0 - p) / trials + z * z / (4.0 * trials * trials)).sqrt();
    let scale = 1.0 + z * z / trials;
    let low = if p <= 0.0 { 0.0 } else { (centre - half) / scale };
    let high = if p >= 1.0 { 1.0 } else { (centre + half) / scale };
    Estimate { value: p, low, high, level, n: trials as usize, method: Method::Wilson }
}

/// Wilson score interval of a share that was tried several times on each of some units: `shares` holds each unit's share
/// of successes among `trials` trials.
///
/// The number of trials in Wilson's formula is the effective one, `p (1 - p)` over the variance of the mean of the shares
/// (the sample size divided by the design effect), between the number of units and that of all trials. Where all trials
/// agree it is the number of units: one unit tried often is one unit. No unit gives the whole range.
///
/// Reference: Korn and Graubard, Survey Methodology 24 (1998); Franco, Little, Louis and Slud, Journal of Survey Statistics
/// and Methodology 7 (2019).
///
/// ```
/// use privet::stats::{interval::{wilson, wilson_of_units}, Level};
/// // Units that are all or nothing are as many trials as there are units.
/// let shares: Vec<f64> = (0..100).map(|unit| f64::from(u8::from(unit % 4 == 0))).collect();
/// let (clustered, plain) = (wilson_of_units(&shares, 20, Level::P95), wilson(25, 100, Level::P95));
/// assert!((clustered.low - plain.low).abs() < 1e-3 && (clustered.high - plain.high).abs() < 1e-3);
/// ```
pub fn wilson_of_units(shares: &[f64], trials: usize, level: Level) -> Estimate {
    let units = shares.len() as f64;
    if shares.is_empty() {
        return wilson(0, 0, level);
    }
    let p = shares.iter().sum::<f64>() / units;
    let variance = shares.iter().map(|share| (share - p).powi(2)).sum::<f64>() / (units - 1.0).max(1.0) / units;
    let spread = p * (1.0 - p);
    let effective = if spread <= 0.0 || variance <= 0.0 { units } else { spread / variance };
    let estimate = score_interval(p.clamp(0.0, 1.0), effective.clamp(units, units * trials.max(1) as f64), level);
    Estimate { n: shares.len(), ..estimate }
}

/// Difference `k1/n1 - k2/n2` of independent proportions, Newcombe's hybrid score interval (his method 10).
///
/// Reference: Newcombe, Statistics in Medicine 17 (1998) 873-890.
pub fn newcombe(k1: usize, n1: usize, k2: usize, n2: usize, level: Level) -> Estimate {
    let (first, second) = (wilson(k1, n1, level), wilson(k2, n2, level));
    Estimate { method: Method::Newcombe, ..difference(&first, &second) }
}

/// Difference of two independent estimates from their own intervals (the method of variance estimates recovery): each end
/// takes the distance to the end of either interval that it depends on. The level is that of the two, which must agree.
///
/// Reference: Zou and Donner, Statistics in Medicine 27 (2008) 1693-1702. Newcombe's interval is the case of two Wilson
/// intervals.
pub fn difference(first: &Estimate, second: &Estimate) -> Estimate {
    let value = first.value - second.value;
    Estimate {
        value,
        low: value - (first.value - first.low).hypot(second.high - second.value),
        high: value + (first.high - first.value).hypot(second.value - second.low),
        level: first.level,
        n: first.n.min(second.n),
        method: Method::DifferenceOfIntervals,
    }
}

/// What a share `a` gains over that of a control `c`, in parts of what the control leaves to gain: (a - c) / (1 - c), Anonymeter's
/// residual risk. 0 where the control is as large or larger, 1 where `a` is 1; nothing where the control is 1.
///
/// Delta method on the two intervals, each end from the ends that it depends on, cut off at 0 and 1. The two count as
/// independent: where they rise and fall together the interval is wider than need be.
/// The level is that of the two, which must agree.
///
/// References: Giomi, Boenisch, Wehmeyer and Tasnadi, Proceedings on Privacy Enhancing Technologies 2023 (2) 312-328; for ends
/// of unequal distance Zou and Donner, Statistics in Medicine 27 (2008) 1693-1702.
///
/// ```
/// use privet::stats::{interval::{residual, wilson}, Level};
/// let (share, control) = (wilson(90, 100, Level::P95), wilson(80, 100, Level::P95));
/// let gained = residual(&share, &control).expect("the control leaves something");
/// assert!((gained.value - 0.5).abs() < 1e-12 && gained.covers(0.5));
/// assert_eq!(residual(&share, &wilson(7, 7, Level::P95)), None);
/// ```
pub fn residual(share: &Estimate, control: &Estimate) -> Option<Estimate> {
    let left = 1.0 - control.value;
    if left <= 0.0 {
        return None;
    }
    let value = (share.value - control.value) / left;
    // Slopes in a and, downwards, in c.
    let (by_share, by_control) = (1.0 / left, (1.0 - share.value) / (left * left));
    let below = (by_share * (share.value - share.low)).hypot(by_control * (control.high - control.value));
    let above = (by_share * (share.high - share.value)).hypot(by_control * (control.value - control.low));
    Some(Estimate {
        value: value.max(0.0),
        low: (value - below).max(0.0),
        high: (value + above).clamp(0.0, 1.0),
        level: share.level,
        n: share.n.min(control.n),
        method: Method::DeltaOfIntervals,
    })
}

/// The smallest error probability (one minus the level) at which an interval still lies over zero; at most 1.
///
/// The two-sided p-value that belongs to a family of nested intervals, by 60 bisections on the logarithm; the smallest
/// that is told apart is 1e-12.
///
/// ```
/// use privet::stats::interval::{newcombe, p_above_zero};
/// let p = p_above_zero(|level| newcombe(56, 70, 48, 80, level));
/// assert!(p > 0.005 && p < 0.01); // the 99 % interval reaches zero, the 95 % interval does not
/// assert_eq!(p_above_zero(|level| newcombe(1, 10, 5, 10, level)), 1.0);
/// ```
pub fn p_above_zero(interval: impl Fn(Level) -> Estimate) -> f64 {
    let above = |ln_alpha: f64| Level::new(1.0 - ln_alpha.exp()).is_some_and(|level| interval(level).low > 0.0);
    let (mut fails, mut holds) = (1e-12_f64.ln(), 0.999_999_f64.ln());
    if !above(holds) {
        return 1.0;
    }
    if above(fails) {
        return fails.exp();
    }
    for _ in 0..60 {
        let middle = 0.5 * (fails + holds);
        if above(middle) {
            holds = middle;
        } else {
            fails = middle;
        }
    }
    holds.exp()
}

/// A two-by-two table of paired successes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Paired {
    /// Both succeeded.
    pub both: usize,
    /// Only the first succeeded.
    pub first_only: usize,
    /// Only the second succeeded.
    pub second_only: usize,
    /// Neither succeeded.
    pub neither: usize,
}

impl Paired {
    /// The table of two sequences of outcomes of the same length.
    pub fn of(first: &[bool], second: &[bool]) -> Self {
        let mut table = Self::default();
        for pair in first.iter().zip(second) {
            match pair {
                (true, true) => table.both += 1,
                (true, false) => table.first_only += 1,
                (false, true) => table.second_only += 1,
                (false, false) => table.neither += 1,
            }
        }
        table
    }

    /// Number of pairs.
    pub fn n(&self) -> usize {
        self.both + self.first_only + self.second_only + self.neither
    }

    /// Difference of the two success rates (first minus second), Newcombe's interval for paired proportions
    /// (method 10 of his paired paper, with the continuity-corrected correlation).
    ///
    /// Reference: Newcombe, Statistics in Medicine 17 (1998) 2635-2650.
    pub fn difference(&self, level: Level) -> Estimate {
        let n = self.n();
        if n == 0 {
            return Estimate { value: 0.0, low: -1.0, high: 1.0, level, n, method: Method::NewcombePaired };
        }
        let first = wilson(self.both + self.first_only, n, level);
        let second = wilson(self.both + self.second_only, n, level);
        let value = first.value - second.value;
        let phi = self.correlation();
        let spread = |x: f64, y: f64| (x * x - 2.0 * phi * x * y + y * y).max(0.0).sqrt();
        let low = value - spread(first.value - first.low, second.high - second.value);
        let high = value + spread(second.value - second.low, first.high - first.value);
        Estimate { value, low, high, level, n, method: Method::NewcombePaired }
    }

    /// `McNemar`'s exact test of whether the first succeeds more often than the second: the probability of at least as
    /// many pairs that only the first got, if each discordant pair had been a fair coin. One-sided, 1 without such pairs.
    /// O(discordant pairs).
    ///
    /// References: `McNemar`, Psychometrika 12 (1947) 153-157; for the exact form Fagerland, Lydersen and Laake, BMC
    /// Medical Research Methodology 13 (2013) 91.
    ///
    /// ```
    /// use privet::stats::interval::Paired;
    /// // 12 of 14 discordant pairs: (91 + 14 + 1) / 2^14.
    /// let table = Paired { both: 20, first_only: 12, second_only: 2, neither: 16 };
    /// assert!((table.mcnemar() - 106.0 / 16_384.0).abs() < 1e-12);
    /// ```
    pub fn mcnemar(&self) -> f64 {
        // P(X >= k) of a binomial with probability a half is the distribution function of Beta(k, n - k + 1) there.
        match self.first_only {
            0 => 1.0,
            first => beta_cdf(first as f64, (self.second_only + 1) as f64, 0.5),
        }
    }

    fn correlation(&self) -> f64 {
        let [a, b, c, d] = [self.both, self.first_only, self.second_only, self.neither].map(|x| x as f64);
        let margins = (a + b) * (c + d) * (a + c) * (b + d);
        if margins <= 0.0 {
            return 0.0;
        }
        let product = a * d - b * c;
        let corrected = if product > 0.0 { (product - self.n() as f64 / 2.0).max(0.0) } else { product };
        corrected / margins.sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::uniform::below;

    /// Middle and half width as Anonymeter's `test_confidence.py` asserts them (Wilson's interval under another name).
    #[test]
    fn wilson_equals_anonymeter() {
        for (k, n, middle, half, within) in [
            (850, 1000, 0.849, 0.022, 5e-4),
            (0, 1000, 0.002, 0.002, 5e-4),
            (1000, 1000, 0.998, 0.002, 5e-4),
            (100, 100, 0.981_503_250_896_507_1, 0.018_496_749_103_492_84, 1e-12),
            (23, 100, 0.239_988_244_515_886_13, 0.081_555_585_712_851_67, 1e-12),
            (11, 100, 0.124_427_464_300_724_4, 0.061_885_500_730_078_73, 1e-12),
        ] {
            let found = wilson(k, n, Level::P95);
            let (centre, width) = (f64::midpoint(found.low, found.high), (found.high - found.low) / 2.0);
            assert!((centre - middle).abs() < within && (width - half).abs() < within, "{k} of {n}: {found:?}");
        }
    }

    /// Anonymeter's `test_confidence.py`: (0.9, 0.8) leaves 0.5; (0.9 +- 0.02, 0.85 +- 0.02) 0.333 +- 0.16.
    #[test]
    fn residual_equals_anonymeter() {
        let about = |value: f64, error: f64| Estimate {
            low: value - error,
            high: value + error,
            ..Estimate::exact(value, 1000)
        };
        let known = residual(&about(0.9, 0.0), &about(0.8, 0.0)).expect("something is left");
        for end in [known.value, known.low, known.high] {
            assert!((end - 0.5).abs() < 1e-12, "{known:?}");
        }
        let found = residual(&about(0.9, 0.02), &about(0.85, 0.02)).expect("something is left");
        let (middle, half) = (f64::midpoint(found.low, found.high), (found.high - found.low) / 2.0);
        assert!((found.value - 1.0 / 3.0).abs() < 1e-12 && (middle - found.value).abs() < 1e-12, "{found:?}");
        // By hand: hypot(0.02 / 0.15, 0.02 x 0.1 / 0.15^2) = 0.16025.
        assert!((half - 0.16).abs() < 5e-4 && (half - 0.160_246_9).abs() < 1e-6, "{half}");
        // Worse than the control, and a control that leaves nothing.
        let worse = residual(&about(0.7, 0.01), &about(0.8, 0.01)).expect("something is left");
        assert_eq!((worse.value, worse.low, worse.high), (0.0, 0.0, 0.0));
        assert_eq!(residual(&about(1.0, 0.0), &about(1.0, 0.0)), None);
    }

    /// Both ends of the interval miss a true residual of 0.4 about as often as they may.
    #[test]
    fn residual_covers() {
        let seed = crate::seed::Seed::root(7);
        let drawn = |share: f64, name: &str| {
            let mut stream = seed.derive(name).stream();
            (0..300).filter(|_| below(1000, &mut stream) < (1000.0 * share) as usize).count()
        };
        let one = |run: u32| {
            let (a, c) = (drawn(0.7, &format!("attack {run}")), drawn(0.5, &format!("control {run}")));
            residual(&wilson(a, 300, Level::P95), &wilson(c, 300, Level::P95)).expect("something is left")
        };
        let covered = (0..1000).filter(|&run| one(run).covers(0.4)).count();
        // 950 expected; a standard deviation is 7.
        assert!((925..=975).contains(&covered), "{covered}");
    }

    #[test]
    fn paired_difference_of_newcombes_table() {
        // Newcombe (1998), table II: a=20, b=12, c=2, d=16 of n=50; method 10 gives 0.0562 to 0.3292 about 0.2.
        let table = Paired { both: 20, first_only: 12, second_only: 2, neither: 16 };
        let e = table.difference(Level::P95);
        assert!((e.value - 0.2).abs() < 1e-12);
        assert!((e.low - 0.0562).abs() < 5e-5, "{}", e.low);
        assert!((e.high - 0.3292).abs() < 5e-5, "{}", e.high);
    }

    #[test]
    fn unpaired_difference_of_newcombes_table() {
        // Newcombe (1998), table II, row (a): 56/70 - 48/80: method 10 gives 0.0524 to 0.3339.
        let e = newcombe(56, 70, 48, 80, Level::P95);
        assert!((e.low - 0.0524).abs() < 5e-5 && (e.high - 0.3339).abs() < 5e-5);
    }

    #[test]
    fn beta_quantile_inverts_the_distribution_function() {
        for (a, b, p) in [(1.0, 1.0, 0.3), (7.0, 94.0, 0.025), (500.0, 3.0, 0.975), (0.5, 0.5, 0.1)] {
            assert!((beta_cdf(a, b, beta_quantile(a, b, p)) - p).abs() < 1e-10);
        }
    }
}
