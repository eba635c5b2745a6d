//! Scores of special uniques (SUDA), what columns contribute to them, and disclosure risk (DIS-SUDA).

use super::MinimalUniques;
use super::bits::bits;

/// How an MSU of size k among M columns counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scoring {
    /// (M - k)!, the number of orders in which the other columns can be added; the default of sdcMicro.
    Factorial,
    /// (2^(M-k) - 1) k! (M - k)! / M!, of the older IHSN tool.
    Ihsn,
}

impl Scoring {
    /// The weight of an MSU of `size` among `columns`.
    pub fn weight(self, columns: usize, size: usize) -> f64 {
        let factorial = |n: usize| (1..=n).map(|i| i as f64).product::<f64>();
        let rest = columns - size;
        match self {
            Self::Factorial => factorial(rest),
            Self::Ihsn => (2_f64.powi(rest as i32) - 1.0) * factorial(size) * factorial(rest) / factorial(columns),
        }
    }
}

/// Scores of all rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    /// Score of each row: the sum of the weights of its MSUs, 0 where it has none. A lower bound where the search was cut.
    pub of_row: Vec<f64>,
    /// Share of the sum of all scores that comes from MSUs with a column in them, 0 to 1; these add up to more than 1. 0 where
    /// there is no score.
    pub of_column: Vec<f64>,
    /// Number of MSUs of size 1, 2, ...
    pub by_size: Vec<usize>,
    columns: usize,
}

impl Scores {
    /// Adds the weights of every row's MSUs. O(rows + MSUs).
    ///
    /// ```
    /// use privet::equivalence::Column;
    /// use privet::uniques::{MinimalUniques, Scores, Scoring, Settings};
    /// use privet::watch::Unwatched;
    /// // Three rows of sdcMicro's tests: scores 2, 4, 2; contributions 50, 37.5 and 37.5 %.
    /// let columns = [[2, 1, 1], [0, 3, 0], [0, 6, 0]].map(|codes| Column::new(codes, 7, None));
    /// let found = MinimalUniques::of(&columns.each_ref(), None, &Settings::default(), &Unwatched)?;
    /// let scores = Scores::of(&found, Scoring::Factorial);
    /// assert_eq!(scores.of_row, [2.0, 4.0, 2.0]);
    /// assert_eq!(scores.of_column, [0.5, 0.375, 0.375]);
    /// # Ok::<(), privet::uniques::MostColumns>(())
    /// ```
    pub fn of(uniques: &MinimalUniques, scoring: Scoring) -> Self {
        let columns = uniques.columns;
        let weights: Vec<f64> = (0..=columns).map(|size| scoring.weight(columns, size)).collect();
        let (mut of_column, mut by_size, mut whole) = (vec![0.0; columns], vec![0; columns], 0.0);
        let row = |row: usize| {
            let mut score = 0.0;
            for &mask in uniques.of_row(row) {
                let size = mask.count_ones() as usize;
                score += weights[size];
                by_size[size - 1] += 1;
                bits(mask).for_each(|bit| of_column[bit.trailing_zeros() as usize] += weights[size]);
            }
            whole += score;
            score
        };
        let of_row: Vec<f64> = (0..uniques.rows()).map(row).collect();
        if whole > 0.0 {
            of_column.iter_mut().for_each(|sum| *sum /= whole);
        }
        Self { of_row, of_column, by_size, columns }
    }

    /// Rows with a score.
    pub fn scored(&self) -> usize {
        self.of_row.iter().filter(|&&score| score > 0.0).count()
    }

    /// DIS of each row: the probability that a match on the row's values is right, spread over the unique rows by their
    /// scores. 1 / (1 + (U/theta - U) / (S^Q A)) with Q = 1 + (8 - M)/20 and A the sum of S^-Q over rows with a score, where
    /// `unique` is the number U of rows unique on all columns and `share` the theta of [`disclosure_share`]. 0 where S is 0.
    ///
    /// Reference: Elliot, Integrating file and record level disclosure risk assessment (2002); the form is sdcMicro's, in
    /// double precision.
    pub fn disclosure(&self, unique: usize, share: f64) -> Vec<f64> {
        let power = 1.0 + (8.0 - self.columns as f64) / 20.0;
        let spread: f64 = self.of_row.iter().filter(|&&score| score > 0.0).map(|score| score.powf(-power)).sum();
        let odds = unique as f64 / share - unique as f64;
        let risk = |&score: &f64| if score > 0.0 { 1.0 / (1.0 + odds / (score.powf(power) * spread)) } else { 0.0 };
        self.of_row.iter().map(risk).collect()
    }

    /// Share of the sum of all scores that comes from MSUs with a column in them, for the rows of each level of it; 0 to 1 of
    /// what the rows of the level score, 0 where they score nothing.
    pub fn of_levels(uniques: &MinimalUniques, scoring: Scoring, column: usize, codes: &[u32]) -> Vec<f64> {
        let levels = codes.iter().max().map_or(0, |&code| code as usize + 1);
        let (mut with, mut whole) = (vec![0.0; levels], vec![0.0; levels]);
        for (row, &code) in codes.iter().enumerate() {
            for &mask in uniques.of_row(row) {
                let weight = scoring.weight(uniques.columns, mask.count_ones() as usize);
                whole[code as usize] += weight;
                if mask >> column & 1 == 1 {
                    with[code as usize] += weight;
                }
            }
        }
        with.iter().zip(&whole).map(|(with, whole)| if *whole > 0.0 { with / whole } else { 0.0 }).collect()
    }
}

/// File-level DIS (Skinner and Elliot): the probability theta that a unique match is right,
/// U phi / (U phi + P (1 - phi)), of `unique` rows U, rows in pairs P and the sampling fraction phi. Nothing where no two rows
/// are a pair, since the estimate then rests on nothing (sdcMicro calls it 1), and where nobody is unique.
///
/// Reference: Skinner and Elliot, Journal of the Royal Statistical Society B 64 (2002) 855-867.
///
/// ```
/// use privet::uniques::disclosure_share;
/// assert_eq!(disclosure_share(10, 0, 0.1), None);
/// assert_eq!(disclosure_share(10, 10, 0.5), Some(0.5));
/// ```
pub fn disclosure_share(unique: usize, in_pairs: usize, fraction: f64) -> Option<f64> {
    let (right, wrong) = (unique as f64 * fraction, in_pairs as f64 * (1.0 - fraction));
    (unique > 0 && in_pairs > 0).then(|| right / (right + wrong))
}
