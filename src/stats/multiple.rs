//! Many tests at once, and one test repeated.
//!
//! Refuses nothing but empty lists where a number must come out; p-values are taken as they are given.

/// Benjamini and Hochberg's adjusted p-values, in the order of the input.
///
/// Ordered ascending, `q_i = min over j >= i of p_j m / j`, at most 1. Rejecting every test with `q_i <= a` keeps the
/// expected share of false rejections at or below `a` when the tests are independent or positively dependent. O(m log
/// m).
///
/// Reference: Benjamini and Hochberg, JRSS B 57 (1995) 289-300.
///
/// ```
/// use privet::stats::multiple::benjamini_hochberg;
/// // 0.01 * 3 / 1 = 0.03, 0.02 * 3 / 2 = 0.03, 0.5 * 3 / 3 = 0.5
/// let adjusted = benjamini_hochberg(&[0.5, 0.01, 0.02]);
/// assert!(adjusted.iter().zip([0.5, 0.03, 0.03]).all(|(found, expected)| (found - expected).abs() < 1e-12));
/// ```
pub fn benjamini_hochberg(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&i, &j| p_values[i].total_cmp(&p_values[j]));
    let mut adjusted = vec![1.0; p_values.len()];
    let mut smallest = 1.0_f64;
    for (place, &index) in order.iter().enumerate().rev() {
        smallest = smallest.min(p_values[index] * (p_values.len() as f64 / (place + 1) as f64));
        adjusted[index] = smallest;
    }
    adjusted
}

/// Holm's adjusted p-values, in the order of the input.
///
/// Ordered ascending, `q_i = max over j <= i of p_j (m - j + 1)`, at most 1. Rejecting every test with `q_i <= a` keeps
/// the probability of a single false rejection at or below `a`, whatever the dependence between the tests. O(m log m).
///
/// Reference: Holm, Scandinavian Journal of Statistics 6 (1979) 65-70.
///
/// ```
/// use privet::stats::multiple::holm;
/// // 0.01 * 3, max(0.03, 0.02 * 2), max(0.04, 0.5 * 1)
/// let adjusted = holm(&[0.5, 0.01, 0.02]);
/// assert!(adjusted.iter().zip([0.5, 0.03, 0.04]).all(|(found, expected)| (found - expected).abs() < 1e-12));
/// ```
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&i, &j| p_values[i].total_cmp(&p_values[j]));
    let mut adjusted = vec![1.0; p_values.len()];
    let mut largest = 0.0_f64;
    for (place, &index) in order.iter().enumerate() {
        largest = largest.max(p_values[index] * (p_values.len() - place) as f64).min(1.0);
        adjusted[index] = largest;
    }
    adjusted
}

/// Conformal p-values: `p_i = (1 + #{negatives >= s_i}) / (m + 1)` for every score `s_i` against `m` negatives.
///
/// Between 1/(m+1) and 1. Valid one by one when a score under the null is exchangeable with the negatives; together
/// they are positively dependent, so that [`benjamini_hochberg`] keeps its rate. No negatives give 1 everywhere. O((n +
/// m) log m).
///
/// References: Vovk, Gammerman and Shafer (2005); Bates and others, Annals of Statistics 51 (2023) 149-178.
///
/// ```
/// use privet::stats::multiple::conformal_p_values;
/// assert_eq!(conformal_p_values(&[9.0, 2.0, 0.0], &[1.0, 2.0, 3.0]), [0.25, 0.75, 1.0]);
/// ```
pub fn conformal_p_values(scores: &[f64], negatives: &[f64]) -> Vec<f64> {
    let mut sorted = negatives.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let (m, total) = (sorted.len(), (sorted.len() + 1) as f64);
    scores.iter().map(|&score| (1 + m - sorted.partition_point(|&s| s < score)) as f64 / total).collect()
}

/// One lower bound from many random splits of the same data: the median of bounds that each hold at half the alpha.
///
/// More than half of the splits must exceed a number for the median to do so, which happens under the null with at most
/// twice the probability that a single one does. An even number of bounds takes the lower of the two in the middle.
///
/// Reference: Meinshausen, Meier and Buhlmann, JASA 104 (2009) 1671-1681, theorem 3.1 with gamma = 1/2.
///
/// ```
/// use privet::stats::multiple::median_rule;
/// assert_eq!(median_rule(&[0.0, 3.0, 1.0, 2.0]), 1.0);
/// ```
///
/// # Panics
/// When there is no bound.
pub fn median_rule(bounds: &[f64]) -> f64 {
    assert!(!bounds.is_empty(), "there is a bound");
    let mut sorted = bounds.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted[(sorted.len() - 1) / 2]
}

/// One p-value from many random splits of the same data: twice the median, at most 1.
///
/// An even number takes the upper of the two in the middle. Reference: as for [`median_rule`].
///
/// ```
/// use privet::stats::multiple::median_p;
/// assert_eq!(median_p(&[0.01, 0.02, 0.3]), 0.04);
/// assert_eq!(median_p(&[0.7, 0.9]), 1.0);
/// ```
///
/// # Panics
/// When there is no p-value.
pub fn median_p(p_values: &[f64]) -> f64 {
    assert!(!p_values.is_empty(), "there is a p-value");
    let mut sorted = p_values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    (2.0 * sorted[sorted.len() / 2]).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn adjusting_keeps_the_order_and_never_lowers(p in prop::collection::vec(0.0_f64..1.0, 1..60)) {
            let q = benjamini_hochberg(&p);
            for i in 0..p.len() {
                prop_assert!(q[i] >= p[i] && q[i] <= 1.0);
                for j in 0..p.len() {
                    prop_assert!(p[i] > p[j] || q[i] <= q[j]);
                }
            }
        }

        #[test]
        fn holm_lies_between_the_single_test_and_bonferroni(p in prop::collection::vec(0.0_f64..1.0, 1..60)) {
            let q = holm(&p);
            for i in 0..p.len() {
                prop_assert!(q[i] >= p[i] && q[i] <= (p[i] * p.len() as f64).min(1.0) && q[i] >= benjamini_hochberg(&p)[i]);
            }
        }

        #[test]
        fn the_order_of_the_negatives_is_nothing(scores in prop::collection::vec(-9_i32..9, 1..30), negatives in prop::collection::vec(-9_i32..9, 0..30)) {
            let float = |v: &[i32]| v.iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
            let mut backwards = float(&negatives);
            backwards.reverse();
            prop_assert_eq!(conformal_p_values(&float(&scores), &float(&negatives)), conformal_p_values(&float(&scores), &backwards));
        }
    }
}
