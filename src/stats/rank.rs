//! Ranks with ties.

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
