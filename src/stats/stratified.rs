//! Areas under the curve within strata, and their mean. Refuses strata in which a side is empty.

use super::interval::normal_quantile;
use super::placement::Placements;
use super::{Estimate, Level, Method};

/// The scores of one stratum.
#[derive(Debug, Clone, Default)]
pub struct Stratum {
    /// Scores of the positives.
    pub positives: Vec<f64>,
    /// Scores of the negatives.
    pub negatives: Vec<f64>,
}

/// The mean of the areas within strata: how often a positive scores above a negative of the same stratum.
///
/// A stratum of n positives and m negatives weighs `n m / (n + m + 1)`, which is best where the score is useless (van
/// Elteren's weights); a stratum without one of the sides weighs nothing. The variance is the weighted sum of `DeLong`'s,
/// the interval lies on the logit scale. Rows are taken as independent. `n` of the estimate is the number of rows of the
/// smaller side in all strata that count. Nothing where no stratum has both sides. O(N log N).
///
/// Degenerate cases: a mean of exactly 0 or 1 has the exact one-sided bound of one area.
///
/// References: van Elteren, Bulletin of the International Statistical Institute 37 (1960); `DeLong`, `DeLong` and
/// Clarke-Pearson, Biometrics 44 (1988).
///
/// ```
/// use privet::stats::{stratified::{Stratum, auc}, Level};
/// // Areas 1 and 1/2 of strata that weigh alike.
/// let first = Stratum { positives: vec![2.0, 3.0], negatives: vec![0.0, 1.0] };
/// let second = Stratum { positives: vec![7.0, 7.0], negatives: vec![7.0, 7.0] };
/// assert!((auc(&[first, second], Level::P95).unwrap().value - 0.75).abs() < 1e-12);
/// assert!(auc(&[Stratum { positives: vec![1.0], negatives: vec![] }], Level::P95).is_none());
/// ```
pub fn auc(strata: &[Stratum], level: Level) -> Option<Estimate> {
    let (mut total, mut mean, mut variance, mut sides) = (0.0, 0.0, 0.0, (0, 0));
    for stratum in strata.iter().filter(|stratum| !stratum.positives.is_empty() && !stratum.negatives.is_empty()) {
        let (n, m) = (stratum.positives.len(), stratum.negatives.len());
        let placed = Placements::of(&stratum.positives, &stratum.negatives);
        let weight = n as f64 * m as f64 / (n + m + 1) as f64;
        total += weight;
        mean += weight * placed.auc;
        variance += weight * weight * placed.variance();
        sides = (sides.0 + n, sides.1 + m);
    }
    if total <= 0.0 {
        return None;
    }
    let (value, error) = (mean / total, variance.sqrt() / total);
    let n = sides.0.min(sides.1);
    if value <= 0.0 || value >= 1.0 {
        let reach = (level.alpha() / 2.0).powf(1.0 / n as f64);
        let (low, high) = if value >= 1.0 { (reach, 1.0) } else { (0.0, 1.0 - reach) };
        return Some(Estimate { value, low, high, level, n, method: Method::EdgeBound });
    }
    let half = normal_quantile(1.0 - level.alpha() / 2.0) * error / (value * (1.0 - value));
    let logit = (value / (1.0 - value)).ln();
    let back = |x: f64| 1.0 / (1.0 + (-x).exp());
    Some(Estimate {
        value,
        low: back(logit - half),
        high: back(logit + half),
        level,
        n,
        method: Method::StratifiedDelong,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;
    use crate::stats::roc;
    use crate::stats::specimen::bell;

    #[test]
    fn one_stratum_is_the_plain_area() {
        let (positives, negatives) = (vec![0.3, 0.9, 0.4, 0.8], vec![0.1, 0.35, 0.2]);
        let plain = roc::auc(&positives, &negatives, None, Level::P95);
        let found = auc(&[Stratum { positives, negatives }], Level::P95).unwrap();
        assert!((found.value - plain.value).abs() < 1e-12 && (found.low - plain.low).abs() < 1e-12);
    }

    /// A score that says nothing within strata that differ in level and in their share of positives.
    #[test]
    fn intervals_cover_chance_within_strata() {
        let mut stream = Seed::root(5).derive("stratified coverage").stream();
        let mut covered = 0;
        for _ in 0..1000 {
            let mut side = |count: usize, level: f64| (0..count).map(|_| level + bell(&mut stream)).collect::<Vec<_>>();
            let strata: Vec<Stratum> = [(10, 40, 0.0), (25, 25, 1.0), (40, 10, 2.0)]
                .map(|(n, m, level)| Stratum { positives: side(n, level), negatives: side(m, level) })
                .to_vec();
            covered += usize::from(auc(&strata, Level::P95).unwrap().covers(0.5));
        }
        assert!((930..=975).contains(&covered), "{covered} of 1000");
    }
}
