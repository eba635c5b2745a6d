//! Scores sorted once, to be looked at for many subsets of rows and many labellings.

/// Rows in descending order of their score, with the ends of blocks of equal scores.
#[derive(Debug, Clone)]
pub struct Ranked {
    order: Vec<u32>,
    /// One past the last place of each block of ties.
    ends: Vec<u32>,
}

/// What a row is in a labelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Counts as a positive.
    Positive,
    /// Counts as a negative.
    Negative,
    /// Does not count.
    Out,
}

impl Ranked {
    /// Sorts. O(N log N).
    ///
    /// # Panics
    /// When a score is not a number; callers make their own scores.
    pub fn new(scores: &[f64]) -> Self {
        assert!(scores.iter().all(|score| !score.is_nan()), "scores are numbers");
        let mut order: Vec<u32> = (0..scores.len() as u32).collect();
        order.sort_unstable_by(|&a, &b| scores[b as usize].total_cmp(&scores[a as usize]).then(a.cmp(&b)));
        let mut ends = Vec::new();
        for place in 1..=order.len() {
            // 0 and -0 are ties, which `total_cmp` alone would part.
            if place == order.len() || scores[order[place] as usize] != scores[order[place - 1] as usize] {
                ends.push(place as u32);
            }
        }
        Self { order, ends }
    }

    /// Mann-Whitney area under the curve of a labelling, ties counted half; 0.5 where a side is empty. O(N).
    ///
    /// ```
    /// use privet::stats::ranked::{Ranked, Side};
    /// let ranked = Ranked::new(&[3.0, 2.0, 2.0, 1.0]);
    /// let side = |row: usize| if row < 2 { Side::Positive } else { Side::Negative };
    /// assert_eq!(ranked.area(side), 0.875); // pairs: 1, 1, 1/2, 1
    /// ```
    pub fn area(&self, side: impl Fn(usize) -> Side) -> f64 {
        let (mut positives, mut negatives, mut won) = (0.0, 0.0, 0.0);
        self.blocks(&side, |p, q| {
            // Positives seen before beat these negatives; those of the same block tie.
            won += q * (positives + p / 2.0);
            positives += p;
            negatives += q;
            true
        });
        if positives > 0.0 && negatives > 0.0 { won / (positives * negatives) } else { 0.5 }
    }

    /// The largest true-positive rate of a labelling over whole blocks of ties with at most `allowed` false positives;
    /// `total` is its number of positives. 0 without any. O(rows down to the last false positive that is allowed).
    pub fn tpr_with_false_positives(&self, allowed: usize, total: usize, side: impl Fn(usize) -> Side) -> f64 {
        let (mut positives, mut negatives) = (0.0, 0.0);
        self.blocks(&side, |p, q| {
            if negatives + q > allowed as f64 {
                return false;
            }
            positives += p;
            negatives += q;
            true
        });
        if total > 0 { positives / total as f64 } else { 0.0 }
    }

    /// Walks the blocks of ties from the top with their numbers of positives and negatives, until told to stop.
    fn blocks(&self, side: &impl Fn(usize) -> Side, mut visit: impl FnMut(f64, f64) -> bool) {
        let mut start = 0;
        for &end in &self.ends {
            let (mut p, mut q) = (0_u32, 0_u32);
            for &row in &self.order[start..end as usize] {
                // Sums of comparisons, since no processor guesses the branches of a random labelling.
                let side = side(row as usize);
                p += u32::from(side == Side::Positive);
                q += u32::from(side == Side::Negative);
            }
            if !visit(f64::from(p), f64::from(q)) {
                return;
            }
            start = end as usize;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::{Level, roc};
    use proptest::prelude::*;

    proptest! {
        /// The same numbers as the curve that is built for one labelling, ties included.
        #[test]
        fn agrees_with_the_curve(a in prop::collection::vec(0_u8..6, 1..30), b in prop::collection::vec(0_u8..6, 1..30), f in 0.0_f64..1.0) {
            let (a, b): (Vec<f64>, Vec<f64>) = (a.into_iter().map(f64::from).collect(), b.into_iter().map(f64::from).collect());
            let n = a.len();
            let ranked = Ranked::new(&[a.clone(), b.clone()].concat());
            let side = |row: usize| if row < n { Side::Positive } else { Side::Negative };
            prop_assert!((ranked.area(side) - roc::auc(&a, &b, None, Level::P95).value).abs() < 1e-12);
            let roc = roc::Roc::new(&a, &b);
            prop_assert_eq!(ranked.tpr_with_false_positives(roc::allowed(f, b.len()), n, side), roc.tpr_at_fpr(f));
        }
    }
}
