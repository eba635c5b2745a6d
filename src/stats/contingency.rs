//! Tables of counts. Refuses tables of fewer than two rows or columns that hold anything: there is nothing to compare.

use statrs::distribution::{ChiSquared, ContinuousCDF};

/// What Pearson's test found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChiSquare {
    /// The statistic.
    pub statistic: f64,
    /// Degrees of freedom.
    pub degrees: usize,
    /// Probability of a statistic at least as large when the two samples are of one distribution.
    pub p: f64,
}

/// Pearson's chi-square test that two samples fall into categories with the same probabilities.
///
/// `counts` holds a pair of counts per category. The statistic is the sum over cells of (seen - expected)^2 / expected;
/// categories that nobody is in do not count. Nothing where a sample is empty or all fall into one category. The p-value
/// is approximate where expected counts are below five. O(categories).
///
/// Reference: Pearson, Philosophical Magazine 50 (1900).
///
/// ```
/// use privet::stats::contingency::chi_square;
/// // Expected 15 in every cell: 4 x 25 / 15.
/// let found = chi_square(&[(20, 10), (10, 20)]).unwrap();
/// assert!((found.statistic - 100.0 / 15.0).abs() < 1e-12);
/// assert_eq!(found.degrees, 1);
/// assert!((found.p - 0.009_823_274_507_519_249).abs() < 1e-9);
/// assert_eq!(chi_square(&[(20, 10)]), None);
/// ```
pub fn chi_square(counts: &[(usize, usize)]) -> Option<ChiSquare> {
    let seen: Vec<(f64, f64)> = counts.iter().filter(|(a, b)| a + b > 0).map(|&(a, b)| (a as f64, b as f64)).collect();
    let (first, second) = seen.iter().fold((0.0, 0.0), |sum, cell| (sum.0 + cell.0, sum.1 + cell.1));
    if seen.len() < 2 || first == 0.0 || second == 0.0 {
        return None;
    }
    let total = first + second;
    let off = |seen: f64, row: f64, column: f64| (seen - row * column / total).powi(2) / (row * column / total);
    let statistic: f64 = seen.iter().map(|&(a, b)| off(a, a + b, first) + off(b, a + b, second)).sum();
    let degrees = seen.len() - 1;
    let distribution = ChiSquared::new(degrees as f64).ok()?;
    Some(ChiSquare { statistic, degrees, p: distribution.sf(statistic) })
}
