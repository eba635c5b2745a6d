//! Placement values: what `DeLong`'s and Obuchowski's variances are made of.
//!
//! An area under the curve is the mean of the placements of its positives, and a difference of two areas on the same
//! rows is the mean of the differences of theirs, so that one variance serves both. O(N log N) for N scores. Refuses an
//! empty side.

/// A side whose `n` units all score alike may still hold others: about one in `n` could differ by everything.
fn floor(variance: f64, n: usize) -> f64 {
    if variance > 0.0 { variance } else { (n as f64).powi(-2) }
}

/// The scores of one side in ascending order, with the place each came from.
struct Ordered(Vec<(f64, u32)>);

impl Ordered {
    fn of(scores: &[f64]) -> Self {
        let mut ordered: Vec<(f64, u32)> = scores.iter().copied().zip(0..).collect();
        // `total_cmp` alone would part 0 from -0, which are ties; adding 0 makes them one.
        ordered.iter_mut().for_each(|(score, _)| *score += 0.0);
        ordered.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        Self(ordered)
    }

    /// For every score, in the order they came in, the share of the other side that it beats; a tie is half a win.
    fn beats(&self, other: &Self) -> Vec<f64> {
        let mut shares = vec![0.0; self.0.len()];
        let (mut below, mut through) = (0, 0);
        for &(score, place) in &self.0 {
            below += other.0[below..].iter().take_while(|(rival, _)| *rival < score).count();
            through += other.0[through..].iter().take_while(|(rival, _)| *rival <= score).count();
            shares[place as usize] = (below + through) as f64 / 2.0 / other.0.len() as f64;
        }
        shares
    }
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
        assert!(!positives.is_empty() && !negatives.is_empty(), "both sides have scores");
        let (of_positives, of_negatives) = (Ordered::of(positives), Ordered::of(negatives));
        let (wins, losses) = (of_positives.beats(&of_negatives), of_negatives.beats(&of_positives));
        let negatives = losses.into_iter().map(|share| 1.0 - share).collect();
        let auc = wins.iter().sum::<f64>() / wins.len() as f64;
        Self { auc, positives: wins, negatives }
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
