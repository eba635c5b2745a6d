//! Means of columns that a file stores, recognised by the records they were taken over.
//!
//! A stored vector counts as the mean of some members when it is theirs in every column that varies, to a fraction of the
//! spread. What can be worked out of it depends on the last digits: whoever uses it must compare with the truth.

use crate::check::Truth;
use crate::check::disclosure::images::Image;
use crate::model::contents::{Contents, StoredArray};

/// How far a stored mean may be from the members' mean to be recognised, in standard deviations of a record.
const RECOGNISED: f64 = 0.02;
/// Fewest columns that vary: one number is the mean of something by chance.
const FEWEST_COLUMNS: usize = 2;
/// Fewest records of a group.
const FEWEST: usize = 3;
/// Most values of an array that may hold means.
const MOST_VALUES: usize = 1 << 20;
/// Operators whose constants are subtracted from, or compared with, records.
const TAKERS: [&str; 4] = ["Scaler", "Sub", "Add", "Imputer"];

/// Means and spreads of the columns of an image over some records.
pub(super) struct Columns {
    /// Mean by column.
    pub(super) mean: Vec<f64>,
    /// Standard deviation by column.
    pub(super) spread: Vec<f64>,
    /// Columns that vary and have no missing cell.
    pub(super) telling: Vec<usize>,
    /// Number of records.
    pub(super) records: usize,
}

impl Columns {
    /// O(records x width), two passes.
    pub(super) fn of(image: &Image<'_>, rows: &[usize]) -> Self {
        let (width, n) = (image.width, rows.len().max(1) as f64);
        let (mut mean, mut spread) = (vec![0.0; width], vec![0.0; width]);
        for &at in rows {
            row(image, at).zip(&mut mean).for_each(|(value, mean)| *mean += value / n);
        }
        for &at in rows {
            let apart = row(image, at).zip(&mean).map(|(value, mean)| (value - mean).powi(2) / n);
            apart.zip(&mut spread).for_each(|(square, spread)| *spread += square);
        }
        spread.iter_mut().for_each(|spread| *spread = spread.sqrt());
        // Less than the rounding of the numbers themselves is no variation.
        let varies = |&at: &usize| spread[at].is_finite() && spread[at] > 1e-6 * mean[at].abs().max(1e-30);
        let telling = (0..width).filter(varies).collect();
        Self { mean, spread, telling, records: rows.len() }
    }

    /// Whether a stored vector is the mean of these records.
    pub(super) fn is_mean(&self, vector: &[f64]) -> bool {
        let near = |&at: &usize| (vector[at] - self.mean[at]).abs() <= RECOGNISED * self.spread[at];
        vector.len() == self.mean.len() && self.telling.len() >= FEWEST_COLUMNS && self.telling.iter().all(near)
    }
}

/// The numbers of one record.
pub(super) fn row<'i>(image: &'i Image<'_>, at: usize) -> impl Iterator<Item = f64> + Clone + 'i {
    image.values[at * image.width..(at + 1) * image.width].iter().map(|&value| f64::from(value))
}

/// The members as a whole, then by class where classes are known and more than one occurs.
pub(super) fn groups(members: usize, truth: Option<&Truth>) -> Vec<Vec<usize>> {
    let mut groups = vec![(0..members).collect::<Vec<usize>>()];
    if let Some(Truth::Classes(classes)) = truth {
        let count = classes.iter().max().map_or(0, |&most| most as usize + 1);
        let mut by_class = vec![Vec::new(); count];
        classes.iter().enumerate().take(members).for_each(|(at, &class)| by_class[class as usize].push(at));
        groups.extend(by_class);
    }
    groups.retain(|rows| rows.len() >= FEWEST);
    groups
}

/// Whether an array may hold means.
pub(super) fn may_hold_means(array: &StoredArray<'_>) -> bool {
    array.place.operator().is_some_and(|operator| TAKERS.contains(&operator))
        && array.len().is_some_and(|len| (FEWEST_COLUMNS..=MOST_VALUES).contains(&len))
}

/// The arrays of a file that may hold means, decoded, in the order of the walk.
pub(super) fn vectors(contents: &Contents) -> Vec<(Vec<usize>, Vec<f64>)> {
    let arrays = contents.arrays().into_iter().filter(may_hold_means);
    arrays.filter_map(|array| Some((array.shape.clone(), array.numbers().ok()?.values))).collect()
}

/// The rows of an array for records of some width. Nothing where the width does not fit.
pub(super) fn rows_of(values: &[f64], width: usize) -> Vec<&[f64]> {
    if width == 0 || !values.len().is_multiple_of(width) { Vec::new() } else { values.chunks(width).collect() }
}
