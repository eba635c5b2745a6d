//! Placement values: what `DeLong`'s and Obuchowski's variances are made of.
//!
//! An area under the curve is the mean of the placements of its positives, and a difference of two areas on the same
//! rows is the mean of the differences of theirs, so that one variance serves both. O(N log N) for N scores. Refuses an
//! empty side.

use super::rank::midranks;

/// A side whose `n` units all score alike may still hold others: about one in `n` could differ by everything.
fn floor(variance: f64, n: usize) -> f64 {
    if variance > 0.0 { variance } else { (n as f64).powi(-2) }
}

/// `DeLong`'s structural components: for every score the share of the other side that it beats.
pub(super) struct Placements {
    /// Mid-rank area under the curve, or a difference of two.
    pub(super) auc: f64,
    positives: Vec<f64>,
    negatives: Vec<f64>,
}

impl Placements {
    /// The components of one area.
    pub(super) fn of(positives: &[f64], negatives: &[f64]) -> Self {
        let (n, m) = (positives.len(), negatives.len());
        assert!(n > 0 && m > 0, "both sides have scores");
        let pooled: Vec<f64> = positives.iter().chain(negatives).copied().collect();
        let ranks = midranks(&pooled);
        let beaten = |pooled: &[f64], within: &[f64], others: usize| -> Vec<f64> {
            pooled.iter().zip(within).map(|(all, own)| (all - own) / others as f64).collect()
        };
        let of_positives = beaten(&ranks[..n], &midranks(positives), m);
        let of_negatives = beaten(&ranks[n..], &midranks(negatives), n);
        let auc = of_positives.iter().sum::<f64>() / n as f64;
        Self { auc, positives: of_positives, negatives: of_negatives.iter().map(|v| 1.0 - v).collect() }
    }

    /// The components of a difference of two areas on the same rows.
    pub(super) fn minus(&self, other: &Self) -> Self {
        let difference = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a - b).collect();
        Self {
            auc: self.auc - other.auc,
            positives: difference(&self.positives, &other.positives),
            negatives: difference(&self.negatives, &other.negatives),
        }
    }

    /// `DeLong`'s variance.
    pub(super) fn variance(&self) -> f64 {
        let spread = |values: &[f64]| {
            let n = values.len() as f64;
            if n < 2.0 {
                return 0.0;
            }
            values.iter().map(|v| (v - self.auc).powi(2)).sum::<f64>() / (n - 1.0) / n
        };
        let spread = |values: &[f64]| floor(spread(values), values.len());
        spread(&self.positives) + spread(&self.negatives)
    }

    /// Obuchowski's variance and the smaller number of clusters on a side.
    pub(super) fn clustered_variance(&self, of_positives: &[u32], of_negatives: &[u32]) -> (f64, usize) {
        let groups = of_positives.iter().chain(of_negatives).max().map_or(0, |&g| g as usize + 1);
        let mut sums = vec![(0.0_f64, 0.0_f64); groups];
        let mut counts = vec![(0_usize, 0_usize); groups];
        for (value, &group) in self.positives.iter().zip(of_positives) {
            sums[group as usize].0 += value - self.auc;
            counts[group as usize].0 += 1;
        }
        for (value, &group) in self.negatives.iter().zip(of_negatives) {
            sums[group as usize].1 += value - self.auc;
            counts[group as usize].1 += 1;
        }
        let positive_groups = counts.iter().filter(|c| c.0 > 0).count();
        let negative_groups = counts.iter().filter(|c| c.1 > 0).count();
        let both_groups = counts.iter().filter(|c| c.0 > 0 || c.1 > 0).count();
        let (n, m) = (self.positives.len() as f64, self.negatives.len() as f64);
        let corrected = |groups: usize| if groups > 1 { groups as f64 / (groups - 1) as f64 } else { 0.0 };
        let s10: f64 = sums.iter().map(|s| s.0 * s.0).sum::<f64>() * corrected(positive_groups) / (n * n);
        let s01: f64 = sums.iter().map(|s| s.1 * s.1).sum::<f64>() * corrected(negative_groups) / (m * m);
        let s11: f64 = sums.iter().map(|s| s.0 * s.1).sum::<f64>() * corrected(both_groups) / (n * m);
        let (s10, s01) = (floor(s10, positive_groups), floor(s01, negative_groups));
        ((s10 + s01 + 2.0 * s11).max(0.0), positive_groups.min(negative_groups))
    }
}
