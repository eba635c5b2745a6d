//! The difference of two areas under the curve on the same rows.
//!
//! Two scores of the same rows go up and down together, so their difference is far better known than either of them.
//! Refuses rows that differ between the two scores.

use super::interval::normal_quantile;
use super::placement::Placements;
use super::{Estimate, Level, Method};

/// The scores that one rule gives to the positives and to the negatives, in the order of the rows.
#[derive(Debug, Clone, Copy)]
pub struct Scored<'a> {
    /// Scores of the positives.
    pub positives: &'a [f64],
    /// Scores of the negatives.
    pub negatives: &'a [f64],
}

/// Area of `first` minus area of `second` with `DeLong`'s interval for correlated curves.
///
/// The value is between -1 and 1, 0 for two equally good scores; the interval is
/// `value -+ z sqrt(var)` cut off at -1 and 1, `var` being the variance of the differences of the placements, which is
/// var(A1) + var(A2) - 2 cov(A1, A2). `clusters` gives for every positive and then every negative the group that it
/// belongs to; with them the covariance is Obuchowski's. O(N log N).
///
/// Degenerate cases: a side on which the two scores place every row alike counts as if one of its units could differ,
/// so that the interval of a score against itself is narrow but never closes.
///
/// References: `DeLong`, `DeLong` and Clarke-Pearson, Biometrics 44 (1988) 837-845; Sun and Xu, IEEE Signal Processing
/// Letters 21 (2014) 1389-1393; Obuchowski, Biometrics 53 (1997) 567-578.
///
/// ```
/// use privet::stats::{paired::{Scored, auc_difference}, Level};
/// // Areas 8/9 and 5/9. Placements of the positives differ by 1/3, 2/3, 0 and those of the negatives likewise, so that
/// // the variance is 2 (1/9) / 3 and z = (1/3) / 0.2722.
/// let first = Scored { positives: &[3.0, 6.0, 5.0], negatives: &[1.0, 2.0, 4.0] };
/// let second = Scored { positives: &[1.0, 2.0, 6.0], negatives: &[0.0, 4.0, 3.0] };
/// let e = auc_difference(first, second, None, Level::P95);
/// assert!((e.value - 1.0 / 3.0).abs() < 1e-12);
/// assert!((e.low - (1.0 / 3.0 - 1.959_963_984_540_054 * (2.0_f64 / 27.0).sqrt())).abs() < 1e-9);
/// ```
///
/// # Panics
/// When a side is empty or the two scores do not belong to the same rows.
pub fn auc_difference(
    first: Scored<'_>,
    second: Scored<'_>,
    clusters: Option<(&[u32], &[u32])>,
    level: Level,
) -> Estimate {
    let (n, m) = (first.positives.len(), first.negatives.len());
    assert_eq!((n, m), (second.positives.len(), second.negatives.len()), "both scores belong to the same rows");
    let place = |scored: Scored<'_>| Placements::of(scored.positives, scored.negatives);
    let placed = place(first).minus(&place(second));
    let (variance, units, method) = match clusters {
        None => (placed.variance(), n.min(m), Method::PairedDelong),
        Some((of_positives, of_negatives)) => {
            let (variance, units) = placed.clustered_variance(of_positives, of_negatives);
            (variance, units, Method::ClusteredPairedDelong)
        }
    };
    let half = normal_quantile(1.0 - level.alpha() / 2.0) * variance.sqrt();
    let value = placed.auc;
    Estimate { value, low: (value - half).max(-1.0), high: (value + half).min(1.0), level, n: units, method }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_score_against_itself_is_zero_and_keeps_a_width() {
        let scored = Scored { positives: &[0.3, 0.9, 0.4], negatives: &[0.1, 0.35] };
        let e = auc_difference(scored, scored, None, Level::P95);
        assert_eq!(e.value, 0.0);
        assert!(e.low < 0.0 && e.high > 0.0, "{e:?}");
    }

    #[test]
    fn clusters_of_one_are_the_plain_difference() {
        let first = Scored { positives: &[0.3, 0.9, 0.4, 0.8], negatives: &[0.1, 0.35, 0.2] };
        let second = Scored { positives: &[0.5, 0.7, 0.1, 0.9], negatives: &[0.3, 0.25, 0.6] };
        let plain = auc_difference(first, second, None, Level::P95);
        let clustered = auc_difference(first, second, Some((&[0, 1, 2, 3], &[4, 5, 6])), Level::P95);
        assert!((plain.low - clustered.low).abs() < 1e-12 && (plain.high - clustered.high).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn exchanging_the_scores_mirrors_the_interval(rows in prop::collection::vec((-5_i32..5, -5_i32..5), 2..40), cut in 1_usize..39) {
            let cut = cut.min(rows.len() - 1);
            let column = |pick: fn(&(i32, i32)) -> i32| rows.iter().map(|row| f64::from(pick(row))).collect::<Vec<_>>();
            let (a, b) = (column(|row| row.0), column(|row| row.1));
            let first = Scored { positives: &a[..cut], negatives: &a[cut..] };
            let second = Scored { positives: &b[..cut], negatives: &b[cut..] };
            let forward = auc_difference(first, second, None, Level::P95);
            let backward = auc_difference(second, first, None, Level::P95);
            prop_assert!((forward.value + backward.value).abs() < 1e-12);
            prop_assert!((forward.low + backward.high).abs() < 1e-12);
            prop_assert!(forward.low <= forward.value && forward.value <= forward.high);
        }
    }
}
