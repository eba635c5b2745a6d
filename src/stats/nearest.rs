//! The largest of a few values drawn from many, and its error by leaving one out.
//!
//! How near the nearest of some people is depends on how many they are. Two groups of different sizes are compared by the
//! nearest of equally many drawn from each, expected over all draws. Refuses nothing; without values there is nothing to
//! expect.

/// The expected largest of `few` values drawn without replacement.
///
/// With the values in descending order, the k-th is the largest of the draw with probability
/// `C(n-k, few-1) / C(n, few)`; these weights follow from one another. `few` is taken as 1 to n; NaN without values.
/// O(n log n).
///
/// ```
/// use privet::stats::nearest::expected_largest;
/// // Of 3, 1 and 2 the pairs are (3,1), (3,2) and (1,2).
/// assert!((expected_largest(&[3.0, 1.0, 2.0], 2) - (3.0 + 3.0 + 2.0) / 3.0).abs() < 1e-12);
/// ```
pub fn expected_largest(values: &[f64], few: usize) -> f64 {
    let order = descending(values);
    if order.is_empty() {
        return f64::NAN;
    }
    order.iter().zip(weights(values.len(), few)).map(|(&at, weight)| weight * values[at]).sum()
}

/// [`expected_largest`] with each value left out in turn, in the order of the values; empty for fewer than two. O(n log n).
///
/// ```
/// use privet::stats::nearest::without_each;
/// // Without 3 the largest of one is 1.5 in the mean, without 1 it is 2.5, without 2 it is 2.
/// assert_eq!(without_each(&[3.0, 1.0, 2.0], 1), [1.5, 2.5, 2.0]);
/// ```
pub fn without_each(values: &[f64], few: usize) -> Vec<f64> {
    let n = values.len();
    if n < 2 {
        return Vec::new();
    }
    let order = descending(values);
    let weights = weights(n - 1, few);
    // Those before the one left out keep their place, those behind move up by one.
    let mut behind: f64 = order.iter().skip(1).zip(&weights).map(|(&at, weight)| weight * values[at]).sum();
    let mut before = 0.0;
    let mut found = vec![0.0; n];
    for (place, &at) in order.iter().enumerate() {
        found[at] = before + behind;
        if let (Some(weight), Some(&next)) = (weights.get(place), order.get(place + 1)) {
            before += weight * values[at];
            behind -= weight * values[next];
        }
    }
    found
}

/// The jackknife variance of a statistic from its values with each observation left out: `(n-1)/n` times the sum of squares
/// about their mean; 0 for fewer than two.
///
/// Reference: Efron and Stein, Annals of Statistics 9 (1981) 586-596.
///
/// ```
/// use privet::stats::nearest::{jackknife_variance, without_each};
/// // The mean of 1, 2 and 3: the variance of the values, 1, over 3.
/// assert!((jackknife_variance(&without_each(&[1.0, 2.0, 3.0], 1)) - 1.0 / 3.0).abs() < 1e-12);
/// ```
pub fn jackknife_variance(left_out: &[f64]) -> f64 {
    let n = left_out.len() as f64;
    if n < 2.0 {
        return 0.0;
    }
    let mean = left_out.iter().sum::<f64>() / n;
    (n - 1.0) / n * left_out.iter().map(|value| (value - mean).powi(2)).sum::<f64>()
}

fn descending(values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
    order
}

fn weights(n: usize, few: usize) -> Vec<f64> {
    let few = few.clamp(1, n.max(1)) as f64;
    let mut weight = few / n.max(1) as f64;
    let following = |place: usize| {
        let now = weight;
        let left = (n - place) as f64;
        weight *= ((left - few) / (left - 1.0).max(1.0)).max(0.0);
        now
    };
    (0..n).map(following).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Every subset of a size, tried.
    fn tried(values: &[f64], few: usize) -> f64 {
        let subsets = (0_u32..1 << values.len()).filter(|set| set.count_ones() as usize == few);
        let largest = |set: u32| {
            let chosen = values.iter().enumerate().filter(|(at, _)| set >> at & 1 == 1);
            chosen.map(|(_, value)| *value).fold(f64::NEG_INFINITY, f64::max)
        };
        let all: Vec<f64> = subsets.map(largest).collect();
        all.iter().sum::<f64>() / all.len() as f64
    }

    proptest! {
        #[test]
        fn equals_every_subset_tried(values in prop::collection::vec(-5_i32..5, 2..10), few in 1_usize..10) {
            let values: Vec<f64> = values.into_iter().map(f64::from).collect();
            let few = few.min(values.len());
            prop_assert!((expected_largest(&values, few) - tried(&values, few)).abs() < 1e-9);
            for (at, found) in without_each(&values, few.min(values.len() - 1)).iter().enumerate() {
                let mut others = values.clone();
                others.remove(at);
                prop_assert!((found - tried(&others, few.min(others.len()))).abs() < 1e-9);
            }
        }
    }
}
