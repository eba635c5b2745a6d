//! Ranks with ties, and how far two rankings agree.

/// Mid-ranks: 1-based ranks in ascending order, ties sharing the mean of their places. O(n log n).
///
/// ```
/// assert_eq!(privet::stats::rank::midranks(&[10.0, 20.0, 10.0]), [1.5, 3.0, 1.5]);
/// ```
pub fn midranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_unstable_by(|&i, &j| values[i].total_cmp(&values[j]));
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    while start < order.len() {
        let value = values[order[start]];
        let end = start + order[start..].iter().take_while(|&&i| values[i] == value).count();
        let middle = (start + end + 1) as f64 / 2.0;
        for &index in &order[start..end] {
            ranks[index] = middle;
        }
        start = end;
    }
    ranks
}

/// The `q`-quantile (0 to 1) of sorted values, linear between order statistics (type 7, as NumPy's default).
///
/// # Panics
/// When `sorted` is empty; callers check.
pub fn quantile(sorted: &[f64], q: f64) -> f64 {
    let position = q.clamp(0.0, 1.0) * (sorted.len() - 1) as f64;
    let below = position.floor() as usize;
    let above = position.ceil() as usize;
    sorted[below] + (sorted[above] - sorted[below]) * (position - below as f64)
}

/// Spearman's rank correlation: Pearson's correlation of the mid-ranks. Between -1 and 1; `None` when a list is
/// constant or has fewer than two values. O(n log n).
///
/// Reference: Spearman, American Journal of Psychology 15 (1904) 72-101.
///
/// ```
/// use privet::stats::rank::spearman;
/// assert_eq!(spearman(&[1.0, 2.0, 3.0], &[10.0, 100.0, 1000.0]), Some(1.0));
/// assert_eq!(spearman(&[1.0, 1.0], &[3.0, 4.0]), None);
/// ```
///
/// # Panics
/// When the lists differ in length.
pub fn spearman(first: &[f64], second: &[f64]) -> Option<f64> {
    assert_eq!(first.len(), second.len(), "both lists belong to the same rows");
    let middle = (first.len() + 1) as f64 / 2.0;
    let centred = |values: &[f64]| midranks(values).iter().map(|rank| rank - middle).collect::<Vec<_>>();
    let (first, second) = (centred(first), centred(second));
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let spread = (dot(&first, &first) * dot(&second, &second)).sqrt();
    (spread > 0.0).then(|| (dot(&first, &second) / spread).clamp(-1.0, 1.0))
}

/// Jaccard similarity of the top `share` (0 to 1) of two score lists: rows at the top of both by rows at the top of
/// either.
///
/// The top holds the `ceil(share n)` largest scores, at least one, and every score tied with the last of them. Between
/// 0 and 1; two unrelated lists agree to about share / (2 - share), 0.026 for the top 5 %. `None` without rows, and where
/// ties make a top more than twice as large as was asked for, since everybody agrees about everybody. O(n log n).
///
/// ```
/// use privet::stats::rank::top_share_jaccard;
/// // Top half: rows {2, 3} and {1, 3}; one of three in common.
/// let overlap = top_share_jaccard(&[0.0, 1.0, 2.0, 3.0], &[0.0, 8.0, 1.0, 9.0], 0.5);
/// assert!(overlap.is_some_and(|overlap| (overlap - 1.0 / 3.0).abs() < 1e-12));
/// assert_eq!(top_share_jaccard(&[1.0; 4], &[1.0; 4], 0.25), None);
/// ```
///
/// # Panics
/// When the lists differ in length.
pub fn top_share_jaccard(first: &[f64], second: &[f64], share: f64) -> Option<f64> {
    assert_eq!(first.len(), second.len(), "both lists belong to the same rows");
    if first.is_empty() {
        return None;
    }
    let size = ((share * first.len() as f64).ceil() as usize).clamp(1, first.len());
    let top = |values: &[f64]| -> Vec<bool> {
        let mut sorted = values.to_vec();
        sorted.sort_unstable_by(|a, b| b.total_cmp(a));
        values.iter().map(|value| *value >= sorted[size - 1]).collect()
    };
    let (a, b) = (top(first), top(second));
    let blurred = |top: &[bool]| top.iter().filter(|inside| **inside).count() > 2 * size;
    if blurred(&a) || blurred(&b) {
        return None;
    }
    let both = a.iter().zip(&b).filter(|(x, y)| **x && **y).count();
    let either = a.iter().zip(&b).filter(|(x, y)| **x || **y).count();
    Some(both as f64 / either as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ties_at_the_edge_of_the_top_all_belong_to_it() {
        // The top 1 of two equal scores is both of them, and that of four says nothing.
        assert_eq!(top_share_jaccard(&[1.0, 1.0, 0.0, 0.0], &[0.0, 1.0, 2.0, 3.0], 0.25), Some(0.0));
        assert_eq!(top_share_jaccard(&[1.0, 1.0, 0.0, 0.0], &[0.0, 3.0, 2.0, 1.0], 0.25), Some(0.5));
        assert_eq!(top_share_jaccard(&[1.0; 4], &[0.0, 1.0, 2.0, 3.0], 0.25), None);
    }

    proptest! {
        #[test]
        fn agreement_is_symmetric_and_blind_to_the_order_of_rows(rows in prop::collection::vec((-5_i32..5, -5_i32..5), 2..40), share in 0.0_f64..1.0) {
            let column = |rows: &[(i32, i32)], pick: fn(&(i32, i32)) -> i32| rows.iter().map(|row| f64::from(pick(row))).collect::<Vec<_>>();
            let (a, b) = (column(&rows, |row| row.0), column(&rows, |row| row.1));
            let backwards: Vec<_> = rows.iter().rev().copied().collect();
            let (c, d) = (column(&backwards, |row| row.0), column(&backwards, |row| row.1));
            prop_assert_eq!(top_share_jaccard(&a, &b, share), top_share_jaccard(&d, &c, share));
            prop_assert!(top_share_jaccard(&a, &a, share).is_none_or(|overlap| overlap == 1.0));
            match (spearman(&a, &b), spearman(&d, &c)) {
                (Some(x), Some(y)) => prop_assert!((x - y).abs() < 1e-12),
                (x, y) => prop_assert_eq!(x, y),
            }
        }
    }
}
