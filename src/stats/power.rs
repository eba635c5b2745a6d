//! What an audit of a given size could find, before any score is taken.
//!
//! `n` positives, `m` negatives. Refuses nothing: zero rows give infinite errors and no bound.

use statrs::function::beta::ln_beta;
use statrs::function::factorial::ln_binomial;

use super::Level;
use super::epsilon::{Counts, lower_bound};
use super::interval::{clopper_pearson, normal_quantile};
use super::roc::{possible_rank, sure_rank};

/// Standard error of the area under the curve of a useless score without ties: `sqrt((n + m + 1) / (12 n m))`.
///
/// ```
/// assert!((privet::stats::power::null_standard_error(100, 100) - 0.0409).abs() < 5e-5);
/// ```
pub fn null_standard_error(n: usize, m: usize) -> f64 {
    ((n + m + 1) as f64 / (12.0 * n as f64 * m as f64)).sqrt()
}

/// The area that a one-sided test at 5 % finds with probability 0.8: `0.5 + (z_0.95 + z_0.80) SE0`, that is 0.5 + 2.486
/// SE0.
///
/// The error of a better score is a little smaller than SE0, so this is slightly cautious. At most 1.
///
/// ```
/// assert!((privet::stats::power::detectable_auc(1_000, 1_000) - 0.532).abs() < 5e-4);
/// ```
pub fn detectable_auc(n: usize, m: usize) -> f64 {
    (0.5 + (normal_quantile(0.95) + normal_quantile(0.8)) * null_standard_error(n, m)).min(1.0)
}

/// The 95th percentile of the best area among `k` independent useless scores: `0.5 + z_(0.95^(1/k)) SE0`, at most 1.
///
/// ```
/// assert!((privet::stats::power::best_of_null(10, 100, 100) - 0.605).abs() < 5e-4);
/// ```
pub fn best_of_null(k: usize, n: usize, m: usize) -> f64 {
    let each = 0.95_f64.powf(1.0 / k.max(1) as f64);
    (0.5 + normal_quantile(each) * null_standard_error(n, m)).min(1.0)
}

/// The smallest false-positive rate at which `m` negatives are expected to give five false positives: `5/m`, at most 1.
pub fn smallest_full_fpr(m: usize) -> f64 {
    (5.0 / m as f64).min(1.0)
}

/// The smallest false-positive rate that has a distribution-free lower bound at all: `1 - (alpha/2)^(1/m)`.
///
/// The inverse of [`super::roc::negatives_needed`].
///
/// ```
/// use privet::stats::{power::smallest_bounded_fpr, Level};
/// assert!(smallest_bounded_fpr(368, Level::P95) <= 0.01 && smallest_bounded_fpr(367, Level::P95) > 0.01);
/// ```
pub fn smallest_bounded_fpr(m: usize, level: Level) -> f64 {
    1.0 - (level.alpha() / 2.0).powf(1.0 / m as f64)
}

/// The largest epsilon that a perfect score could prove with a fixed threshold (Clopper-Pearson, [`lower_bound`]).
///
/// ```
/// use privet::stats::{power::largest_provable_epsilon, Level};
/// assert!((largest_provable_epsilon(500, 500, 0.0, Level::P95) - 4.91).abs() < 5e-3);
/// ```
pub fn largest_provable_epsilon(n: usize, m: usize, delta: f64, level: Level) -> f64 {
    lower_bound(Counts { true_positives: n, true_negatives: m, ..Counts::default() }, delta, level)
}

/// How much the variance of a mean grows because rows come in clusters: `1 + (sum s^2 / sum s - 1) icc`.
///
/// `sizes` are the rows of each cluster and `icc` the correlation of two rows of one cluster. For equal sizes this is
/// the usual `1 + (s - 1) icc`; for unequal ones `sum s^2 / sum s` is the mean size times 1 + CV^2. Dividing the number
/// of rows by it gives the number of independent rows that would say as much. No rows give 1. O(clusters).
///
/// References: Kish, Survey Sampling (1965); Eldridge, Ashby and Kerry, Int. J. Epidemiology 35 (2006) 1292-1300.
///
/// ```
/// use privet::stats::power::design_effect;
/// assert!((design_effect(&[4, 4, 4], 0.5) - 2.5).abs() < 1e-12);
/// assert!((design_effect(&[1, 3], 0.5) - 1.75).abs() < 1e-12);      // (1 + 9) / 4 = 2.5
/// ```
pub fn design_effect(sizes: &[usize], icc: f64) -> f64 {
    let sum = |power: i32| sizes.iter().map(|&size| (size as f64).powi(power)).sum::<f64>();
    if sum(1) > 0.0 { 1.0 + (sum(2) / sum(1) - 1.0) * icc } else { 1.0 }
}

/// Whether a perfect score would prove a true-positive rate over `limit` at a false-positive rate: without that, no score
/// can. The bound is that of [`super::roc::Roc::tpr_at_fpr_bounds`].
///
/// ```
/// use privet::stats::{power::rate_can_exceed, Level};
/// assert!(rate_can_exceed(368, 368, 0.01, 0.03, Level::P95) && !rate_can_exceed(367, 367, 0.01, 0.03, Level::P95));
/// ```
pub fn rate_can_exceed(n: usize, m: usize, fpr: f64, limit: f64, level: Level) -> bool {
    sure_rank(m, fpr, level) > 0 && clopper_pearson(n, n, level).low > limit
}

/// The probability that the upper bound of a useless score's true-positive rate at a false-positive rate is at most
/// `limit`, the bound being that of [`super::roc::Roc::tpr_at_fpr_bounds`].
///
/// The bound looks at the positives above the k-th largest negative, k as in that function; for a useless score without
/// ties their number is beta-binomial with parameters k and m - k + 1, whatever the score's distribution. 0 where no
/// number of positives would do. O(n limit).
///
/// ```
/// use privet::stats::{power::chance_to_clear, Level};
/// assert_eq!(chance_to_clear(100, 100, 0.01, 0.03, Level::P95), 0.0); // none of 100 still reaches 3.6 %
/// assert!(chance_to_clear(5_000, 5_000, 0.01, 0.03, Level::P95) > 0.999);
/// ```
pub fn chance_to_clear(n: usize, m: usize, fpr: f64, limit: f64, level: Level) -> f64 {
    let Some(k) = possible_rank(m, fpr, level) else { return 0.0 };
    let clears = |above: usize| clopper_pearson(above, n, level).high <= limit;
    if !clears(0) {
        return 0.0;
    }
    let (mut most, mut too_many) = (0, n + 1);
    while too_many - most > 1 {
        let middle = usize::midpoint(most, too_many);
        if clears(middle) { most = middle } else { too_many = middle }
    }
    let (a, b) = (k as f64, (m - k + 1) as f64);
    let weight = |x: usize| {
        let log = ln_binomial(n as u64, x as u64) + ln_beta(x as f64 + a, (n - x) as f64 + b) - ln_beta(a, b);
        log.exp()
    };
    (0..=most).map(weight).sum::<f64>().min(1.0)
}

/// How many negatives (and as many positives) give a useless score the given chance to clear a limit, to two leading
/// digits; nothing where a hundred million do not. See [`chance_to_clear`].
///
/// ```
/// use privet::stats::{power::{chance_to_clear, negatives_for_chance}, Level};
/// let needed = negatives_for_chance(0.8, 0.01, 0.03, Level::P95).expect("3 % lie over 1 %");
/// assert!(chance_to_clear(needed, needed, 0.01, 0.03, Level::P95) >= 0.8);
/// assert_eq!(negatives_for_chance(0.8, 0.01, 0.01, Level::P95), None);
/// ```
pub fn negatives_for_chance(chance: f64, fpr: f64, limit: f64, level: Level) -> Option<usize> {
    // The chance saws up and down a little as ranks jump: a tenth more must do as well.
    let enough = |m: usize| [m, m + m / 10].iter().all(|&m| chance_to_clear(m, m, fpr, limit, level) >= chance);
    if limit <= fpr {
        return None;
    }
    let mut m = (1.0 / fpr).ceil() as usize; // fewer expect not a single false positive
    while !enough(m) {
        m += 10_usize.pow(m.ilog10().saturating_sub(1));
        if m > 100_000_000 {
            return None;
        }
    }
    Some(m)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;
    use crate::stats::roc::Roc;
    use crate::stats::specimen::uniform;

    /// Section 5.4 of the research on membership tests: null error, detectable area, best of ten, smallest rate with
    /// five false positives, largest provable epsilon.
    #[test]
    fn the_table_of_sizes() {
        for (n, error, area, best, fpr, epsilon) in [
            (100, 0.0409, 0.602, 0.605, 0.05, 3.28),
            (200, 0.0289, 0.572, 0.574, 0.025, 3.98),
            (500, 0.0183, 0.545, 0.547, 0.01, 4.91),
            (1_000, 0.0129, 0.532, 0.533, 0.005, 5.60),
            (2_000, 0.0091, 0.523, 0.523, 0.0025, 6.29),
            (5_000, 0.0058, 0.514, 0.515, 0.001, 7.21),
            (10_000, 0.0041, 0.510, 0.510, 0.0005, 7.90),
        ] {
            let near = |found: f64, expected: f64, digit: f64| {
                assert!((found - expected).abs() <= 0.5001 * digit, "{n}: {found} is not {expected}");
            };
            near(null_standard_error(n, n), error, 1e-4);
            near(detectable_auc(n, n), area, 1e-3);
            near(best_of_null(10, n, n), best, 1e-3);
            near(smallest_full_fpr(n), fpr, 1e-9);
            near(largest_provable_epsilon(n, n, 0.0, Level::P95), epsilon, 1e-2);
        }
    }
    /// The stated chance is met by useless scores; and no bound but the perfect score's decides whether a limit can be
    /// exceeded at all.
    #[test]
    fn useless_scores_clear_a_limit_as_often_as_stated() {
        let mut stream = Seed::root(5).derive("null").stream();
        for (n, m, fpr, limit) in [(300, 400, 0.1, 0.16), (900, 700, 0.01, 0.03), (500, 1_000, 0.01, 0.03)] {
            let mut clear = 0;
            for _ in 0..600 {
                let mut draw = |count: usize| (0..count).map(|_| uniform(&mut stream)).collect::<Vec<f64>>();
                let roc = Roc::new(&draw(n), &draw(m));
                clear += usize::from(roc.tpr_at_fpr_bounds(fpr, Level::P95).high <= limit);
            }
            let stated = chance_to_clear(n, m, fpr, limit, Level::P95);
            let seen = clopper_pearson(clear, 600, Level::new(0.999).unwrap());
            assert!(seen.covers(stated), "{n} {m} {fpr}: stated {stated}, seen {seen:?}");
        }
    }
}
