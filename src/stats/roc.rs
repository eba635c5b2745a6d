//! The receiver operating characteristic of a score that should be larger for positives.
//!
//! Ties are handled as whole blocks: a threshold between two equal scores does not exist, and no point of the curve is
//! interpolated. O(N log N) for N scores.

use super::interval::{beta_cdf, clopper_pearson, normal_quantile};
use super::placement::Placements;
use super::{Estimate, Level, Method};

/// The scores of positives and negatives, sorted once in descending order.
#[derive(Debug, Clone)]
pub struct Roc {
    positives: Vec<f64>,
    negatives: Vec<f64>,
}

/// One achievable operating point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Share of negatives at or above the threshold.
    pub fpr: f64,
    /// Share of positives at or above the threshold.
    pub tpr: f64,
}

/// A number read off the curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Statistic {
    /// Area under the curve.
    Auc,
    /// Largest true-positive rate at a false-positive rate of at most this.
    TprAtFpr(f64),
}

/// A threshold and the scores at or above it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cut {
    pub(super) threshold: f64,
    pub(super) true_positives: usize,
    pub(super) false_positives: usize,
}

/// How far a rate at a fixed false-positive rate can be estimated from `m` negatives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Estimability {
    /// Fewer than one false positive is allowed: there is no number.
    None,
    /// One to five false positives are expected: a number with a warning.
    Weak,
    /// Five or more.
    Full,
}

impl Roc {
    /// Builds the curve.
    ///
    /// # Panics
    /// When a score is NaN or a side is empty; scores are made by privet, and empty sides are refused on loading.
    pub fn new(positives: &[f64], negatives: &[f64]) -> Self {
        assert!(!positives.is_empty() && !negatives.is_empty(), "both sides have scores");
        let descending = |scores: &[f64]| {
            assert!(scores.iter().all(|s| !s.is_nan()), "scores are numbers");
            let mut sorted = scores.to_vec();
            sorted.sort_unstable_by(|a, b| b.total_cmp(a));
            sorted
        };
        Self { positives: descending(positives), negatives: descending(negatives) }
    }

    /// Number of positives.
    pub fn positives(&self) -> usize {
        self.positives.len()
    }

    /// Number of negatives, the count that limits what can be said about small false-positive rates.
    pub fn negatives(&self) -> usize {
        self.negatives.len()
    }

    /// All achievable points from (0, 0) to (1, 1), one per distinct score.
    pub fn points(&self) -> Vec<Point> {
        let (n, m) = (self.positives.len() as f64, self.negatives.len() as f64);
        let cuts = self.cuts();
        let rates = cuts.iter().map(|c| Point { fpr: c.false_positives as f64 / m, tpr: c.true_positives as f64 / n });
        std::iter::once(Point { fpr: 0.0, tpr: 0.0 }).chain(rates).collect()
    }

    /// What every distinct score makes of both sides as a threshold, in descending order.
    pub(super) fn cuts(&self) -> Vec<Cut> {
        let mut cuts = Vec::new();
        let (mut i, mut j) = (0, 0);
        loop {
            let threshold = match (self.positives.get(i), self.negatives.get(j)) {
                (Some(&p), Some(&q)) => p.max(q),
                (Some(&p), None) => p,
                (None, Some(&q)) => q,
                (None, None) => return cuts,
            };
            i += self.positives[i..].iter().take_while(|&&s| s >= threshold).count();
            j += self.negatives[j..].iter().take_while(|&&s| s >= threshold).count();
            cuts.push(Cut { threshold, true_positives: i, false_positives: j });
        }
    }

    /// The largest true-positive rate among achievable thresholds whose false-positive rate does not exceed `fpr`.
    pub fn tpr_at_fpr(&self, fpr: f64) -> f64 {
        let allowed = allowed(fpr, self.negatives.len());
        // The best threshold lies just above the first negative that may not be let in.
        let hits = match self.negatives.get(allowed) {
            Some(&barred) => self.positives.partition_point(|&s| s > barred),
            None => self.positives.len(),
        };
        hits as f64 / self.positives.len() as f64
    }

    /// The largest difference between true- and false-positive rate over all thresholds (membership advantage).
    ///
    /// The threshold is chosen on the same scores, so this is optimistic: for reading, not for judging.
    pub fn advantage(&self) -> f64 {
        self.points().iter().map(|p| p.tpr - p.fpr).fold(0.0, f64::max)
    }

    /// What `m` negatives can say about a false-positive rate.
    pub fn estimability(&self, fpr: f64) -> Estimability {
        estimability(self.negatives.len(), fpr)
    }

    /// The true-positive rate at a false-positive rate with a distribution-free interval.
    ///
    /// Lower end: the threshold is the k0-th largest negative, k0 being the largest k with
    /// P(Beta(k, m-k+1) <= f) >= 1 - a/2, so its true false-positive rate is at most f with probability 1 - a/2; the
    /// rate of positives above it gets a Clopper-Pearson lower bound at a/2. Upper end symmetrically. Ties are counted
    /// against the bound on both sides. The union bound makes the joint level at least 1 - a per side. Conservative:
    /// the interval may leave out nothing that a narrower method would include.
    ///
    /// Degenerate cases: no k0 (too few negatives) gives the lower end 0, no k1 gives the upper end 1.
    pub fn tpr_at_fpr_bounds(&self, fpr: f64, level: Level) -> Estimate {
        let (n, m) = (self.positives.len(), self.negatives.len());
        let low = match sure_rank(m, fpr, level) {
            0 => 0.0,
            k => {
                let threshold = self.negatives[k - 1];
                clopper_pearson(self.positives.partition_point(|&s| s > threshold), n, level).low
            }
        };
        let high = match possible_rank(m, fpr, level) {
            Some(k) => {
                let threshold = self.negatives[k - 1];
                clopper_pearson(self.positives.partition_point(|&s| s >= threshold), n, level).high
            }
            None => 1.0,
        };
        let value = self.tpr_at_fpr(fpr);
        Estimate {
            value,
            low: low.min(value),
            high: high.max(value),
            level,
            n: n.min(m),
            method: Method::DistributionFree,
        }
    }
}

/// False positives allowed at a false-positive rate among `m` negatives: the largest whole number not above `fpr * m`.
pub fn allowed(fpr: f64, m: usize) -> usize {
    let mut count = (fpr * m as f64).floor() as usize;
    while count > 0 && count as f64 / m as f64 > fpr {
        count -= 1; // 0.1 * 30 is 3.0000000000000004 or 2.9999...: settle it by the definition
    }
    while m > 0 && ((count + 1) as f64) / m as f64 <= fpr {
        count += 1;
    }
    count
}

/// What `m` negatives can say about a false-positive rate; the limits 1 and 5 follow the research of score audits.
pub fn estimability(m: usize, fpr: f64) -> Estimability {
    let expected = fpr * m as f64 + 1e-9;
    if expected < 1.0 {
        Estimability::None
    } else if expected < 5.0 {
        Estimability::Weak
    } else {
        Estimability::Full
    }
}

/// The largest k such that the k-th largest of `m` negatives has a true false-positive rate of at most `fpr` with
/// probability 1 - a/2; 0 when there is none.
pub fn sure_rank(m: usize, fpr: f64, level: Level) -> usize {
    let sure = |k: usize| beta_cdf(k as f64, (m - k + 1) as f64, fpr) >= 1.0 - level.alpha() / 2.0;
    let (mut low, mut high) = (0, m);
    while low < high {
        let middle = (low + high).div_ceil(2);
        if sure(middle) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    low
}

/// The smallest k such that the k-th largest of `m` negatives has a true false-positive rate of at least `fpr` with
/// probability 1 - a/2.
pub(super) fn possible_rank(m: usize, fpr: f64, level: Level) -> Option<usize> {
    let past = |k: usize| beta_cdf(k as f64, (m - k + 1) as f64, fpr) <= level.alpha() / 2.0;
    if !past(m) {
        return None;
    }
    let (mut low, mut high) = (1, m);
    while low < high {
        let middle = usize::midpoint(low, high);
        if past(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Some(low)
}

/// The smallest number of negatives for which a false-positive rate has a distribution-free lower bound at all.
///
/// ```
/// use privet::stats::{roc::negatives_needed, Level};
/// assert_eq!(negatives_needed(0.01, Level::P95), 368);      // membership.md 0.5: ln(0.025) / ln(0.99)
/// assert_eq!(negatives_needed(0.001, Level::P95), 3688);
/// ```
pub fn negatives_needed(fpr: f64, level: Level) -> usize {
    ((level.alpha() / 2.0).ln() / (1.0 - fpr).ln()).ceil() as usize
}

/// How many negatives (and as many positives) a useless score needs for its upper bound at a false-positive rate to lie
/// under a limit, to two leading digits.
///
/// ```
/// use privet::stats::{roc::negatives_to_clear, Level};
/// let needed = negatives_to_clear(0.01, 0.03, Level::P95);
/// assert!((500..1000).contains(&needed));
/// ```
pub fn negatives_to_clear(fpr: f64, limit: f64, level: Level) -> usize {
    let clears = |m: usize| possible_rank(m, fpr, level).is_some_and(|k| clopper_pearson(k, m, level).high <= limit);
    let mut m = negatives_needed(fpr, level);
    while !clears(m) && m < 100_000_000 {
        m += 10_usize.pow(m.ilog10().saturating_sub(1));
    }
    m
}

/// Area under the curve with `DeLong`'s interval on the logit scale.
///
/// `clusters` gives for every positive and then every negative the group (patient) it belongs to; with them the
/// variance is Obuchowski's for clustered records. The estimate is the mid-rank Mann-Whitney statistic, between 0 and
/// 1, 0.5 for a useless score. Degenerate cases: an area of exactly 0 or 1 gets an exact one-sided bound; a side
/// without any variation counts as if one of its units could differ. Below ten units a side the interval is too narrow:
/// callers refuse.
///
/// References: `DeLong`, `DeLong` and Clarke-Pearson, Biometrics 44 (1988); Sun and Xu (2014) for the mid-rank form;
/// Obuchowski, Biometrics 53 (1997) for clusters.
///
/// # Panics
/// When a side is empty.
pub fn auc(positives: &[f64], negatives: &[f64], clusters: Option<(&[u32], &[u32])>, level: Level) -> Estimate {
    let placed = Placements::of(positives, negatives);
    let (n, m) = (positives.len(), negatives.len());
    let value = placed.auc;
    let (variance, units) = match clusters {
        None => (placed.variance(), n.min(m)),
        Some((of_positives, of_negatives)) => placed.clustered_variance(of_positives, of_negatives),
    };
    if value <= 0.0 || value >= 1.0 {
        let reach = (level.alpha() / 2.0).powf(1.0 / units as f64);
        let (low, high) = if value >= 1.0 { (reach, 1.0) } else { (0.0, 1.0 - reach) };
        return Estimate { value, low, high, level, n: units, method: Method::EdgeBound };
    }
    let null_variance = (n + m + 1) as f64 / (12.0 * n as f64 * m as f64);
    let error = if variance > 0.0 { variance } else { null_variance }.sqrt();
    let half = normal_quantile(1.0 - level.alpha() / 2.0) * error / (value * (1.0 - value));
    let logit = (value / (1.0 - value)).ln();
    let back = |x: f64| 1.0 / (1.0 + (-x).exp());
    let method = if clusters.is_some() { Method::ClusteredDelongLogit } else { Method::DelongLogit };
    Estimate { value, low: back(logit - half), high: back(logit + half), level, n: units, method }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tie_blocks_count_whole() {
        // positives 2, 1, 1; negatives 1, 0: thresholds 2 (fpr 0, tpr 1/3), 1 (1/2, 1), 0 (1, 1)
        let roc = Roc::new(&[2.0, 1.0, 1.0], &[1.0, 0.0]);
        assert_eq!(roc.points()[1], Point { fpr: 0.0, tpr: 1.0 / 3.0 });
        assert_eq!(roc.points()[2], Point { fpr: 0.5, tpr: 1.0 });
        assert_eq!(roc.tpr_at_fpr(0.49), 1.0 / 3.0);
        assert_eq!(roc.tpr_at_fpr(0.5), 1.0);
    }

    #[test]
    fn all_ties_are_chance() {
        let e = auc(&[1.0; 50], &[1.0; 40], None, Level::P95);
        assert_eq!(e.value, 0.5);
        assert!(e.low < 0.45 && e.high > 0.55, "a constant score proves nothing: {e:?}");
        assert_eq!(Roc::new(&[1.0; 50], &[1.0; 40]).tpr_at_fpr(0.1), 0.0);
    }

    #[test]
    fn perfect_separation_keeps_a_bound() {
        let e = auc(&[2.0; 30], &[1.0; 40], None, Level::P95);
        assert_eq!((e.value, e.high), (1.0, 1.0));
        assert!((e.low - 0.025_f64.powf(1.0 / 30.0)).abs() < 1e-12);
    }

    #[test]
    fn clusters_of_one_are_plain_delong() {
        let (p, q) = ([0.3, 0.9, 0.4, 0.8], [0.1, 0.35, 0.2]);
        let plain = auc(&p, &q, None, Level::P95);
        let clustered = auc(&p, &q, Some((&[0, 1, 2, 3], &[4, 5, 6])), Level::P95);
        assert!((plain.low - clustered.low).abs() < 1e-12 && (plain.high - clustered.high).abs() < 1e-12);
    }

    #[test]
    fn doubling_every_record_within_its_cluster_changes_nothing() {
        let (p, q) = ([0.3, 0.9, 0.4, 0.8, 0.5], [0.1, 0.35, 0.2, 0.6]);
        let single = auc(&p, &q, Some((&[0, 1, 2, 3, 4], &[5, 6, 7, 8])), Level::P95);
        let (p2, q2) = ([p, p].concat(), [q, q].concat());
        let double = auc(&p2, &q2, Some((&[0, 1, 2, 3, 4, 0, 1, 2, 3, 4], &[5, 6, 7, 8, 5, 6, 7, 8])), Level::P95);
        assert!((single.low - double.low).abs() < 1e-12 && (single.high - double.high).abs() < 1e-12);
    }

    #[test]
    fn smallest_provable_rates() {
        assert_eq!(sure_rank(367, 0.01, Level::P95), 0);
        assert_eq!(sure_rank(368, 0.01, Level::P95), 1);
        assert_eq!(sure_rank(3687, 0.001, Level::P95), 0);
        assert_eq!(sure_rank(3688, 0.001, Level::P95), 1);
    }

    proptest! {
        #[test]
        fn negating_the_scores_mirrors_the_area(p in prop::collection::vec(-5_i32..5, 1..40), q in prop::collection::vec(-5_i32..5, 1..40)) {
            let float = |v: &[i32], sign: f64| v.iter().map(|&x| sign * f64::from(x)).collect::<Vec<_>>();
            let forward = auc(&float(&p, 1.0), &float(&q, 1.0), None, Level::P95);
            let backward = auc(&float(&p, -1.0), &float(&q, -1.0), None, Level::P95);
            prop_assert!((forward.value + backward.value - 1.0).abs() < 1e-12);
            prop_assert!(forward.low <= forward.value && forward.value <= forward.high);
        }

        #[test]
        fn rate_at_a_point_equals_the_curve(p in prop::collection::vec(-9_i32..9, 1..60), q in prop::collection::vec(-9_i32..9, 1..60), f in 0.0_f64..1.0) {
            let float = |v: &[i32]| v.iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
            let roc = Roc::new(&float(&p), &float(&q));
            let on_curve = roc.points().iter().filter(|x| x.fpr <= f).map(|x| x.tpr).fold(0.0, f64::max);
            prop_assert_eq!(roc.tpr_at_fpr(f), on_curve);
        }
    }
}
