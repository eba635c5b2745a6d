//! The correlation of guesses with the truth over any number of values. Refuses lists of different lengths.

/// Matthews' correlation coefficient of guessed and true codes, Gorodkin's form for any number of values: the
/// correlation between the indicator tables of truth and guess.
///
/// Between -1 and 1, 0 for guesses that say nothing, also when all guesses or all truths are the same value. Unlike the
/// share of right guesses it does not reward naming the most frequent value. O(n + values).
///
/// References: Matthews, BBA 405 (1975) 442-451; Gorodkin, Computational Biology and Chemistry 28 (2004) 367-374.
///
/// ```
/// use privet::stats::matthews::matthews;
/// // Right 3 of 4: (TP TN - FP FN) / sqrt(...) = (2 1 - 0 1) / sqrt(2 3 1 2).
/// let found = matthews(&[1, 1, 1, 0], &[1, 1, 0, 0]);
/// assert!((found - 2.0 / 12.0_f64.sqrt()).abs() < 1e-12);
/// assert_eq!(matthews(&[1, 0], &[1, 1]), 0.0);
/// ```
///
/// # Panics
/// When the lists differ in length.
pub fn matthews(truth: &[u32], guesses: &[u32]) -> f64 {
    assert_eq!(truth.len(), guesses.len(), "a guess per truth");
    let values = truth.iter().chain(guesses).max().map_or(0, |&code| code as usize + 1);
    let (mut of_truth, mut of_guesses) = (vec![0.0_f64; values], vec![0.0_f64; values]);
    let mut right = 0.0;
    for (&truth, &guess) in truth.iter().zip(guesses) {
        of_truth[truth as usize] += 1.0;
        of_guesses[guess as usize] += 1.0;
        right += f64::from(u8::from(truth == guess));
    }
    let n = truth.len() as f64;
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let spread = (n * n - dot(&of_truth, &of_truth)) * (n * n - dot(&of_guesses, &of_guesses));
    if spread <= 0.0 { 0.0 } else { (right * n - dot(&of_truth, &of_guesses)) / spread.sqrt() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `sklearn.metrics.matthews_corrcoef` of scikit-learn 1.9.1.
    #[test]
    fn several_values_equal_scikit_learn() {
        let truth = [0, 1, 2, 2, 1, 0, 3, 3, 2, 1, 0, 0];
        let guess = [0, 2, 2, 2, 1, 0, 3, 1, 0, 1, 0, 3];
        assert!((matthews(&truth, &guess) - 0.547_169_811_320_754_7).abs() < 1e-12, "{}", matthews(&truth, &guess));
        assert!(
            (matthews(&guess, &truth) - 0.547_169_811_320_754_7).abs() < 1e-12,
            "exchanging truth and guess changes nothing"
        );
    }
}
