//! Principal components: the few directions in which records differ most.
//!
//! By subspace iteration with a Rayleigh-Ritz step, so that wide records (images) cost rows times columns times components.
//! Deterministic for a seed. Refuses nothing: directions without variance are left out.
//!
//! Reference: Halko, Martinsson and Tropp, SIAM Review 53 (2011) 217-288, algorithm 4.4.

use rayon::prelude::*;

use crate::seed::Seed;
use crate::stats::interval::normal_quantile;
use rand::Rng;

/// Passes of the iteration.
const PASSES: usize = 8;
/// Directions more than asked for.
const MORE: usize = 6;
/// Sweeps over all pairs of directions; Jacobi's method converges quadratically.
const SWEEPS: usize = 12;

/// Directions with the standard deviation of the records along each, the largest first.
pub struct Components {
    /// The mean record.
    pub mean: Vec<f64>,
    /// Unit vectors at right angles to one another.
    pub directions: Vec<Vec<f64>>,
    /// Standard deviations along them, over zero.
    pub spreads: Vec<f64>,
}

impl Components {
    /// At most `most` components of records of equal length. O(rows x columns x `most`).
    ///
    /// # Panics
    /// When the records have different lengths.
    pub fn of(rows: &[Vec<f64>], most: usize, seed: Seed) -> Self {
        let width = rows.first().map_or(0, Vec::len);
        assert!(rows.iter().all(|row| row.len() == width), "records have one length");
        let n = rows.len().max(1) as f64;
        let mut mean = vec![0.0; width];
        rows.iter().for_each(|row| mean.iter_mut().zip(row).for_each(|(mean, value)| *mean += value / n));
        let centred: Vec<Vec<f64>> =
            rows.iter().map(|row| row.iter().zip(&mean).map(|(value, mean)| value - mean).collect()).collect();
        let kept = (most + MORE).min(width).min(rows.len());
        let mut basis: Vec<Vec<f64>> = (0..kept).map(|at| noise(width, seed.derive(&at.to_string()))).collect();
        orthogonal(&mut basis);
        for _ in 0..PASSES {
            basis = basis.par_iter().map(|direction| spread_along(&centred, direction)).collect();
            orthogonal(&mut basis);
        }
        // The covariance within the subspace, turned to its axes.
        let images: Vec<Vec<f64>> = basis.par_iter().map(|direction| spread_along(&centred, direction)).collect();
        let mut small: Vec<Vec<f64>> = basis.iter().map(|a| images.iter().map(|b| dot(a, b) / n).collect()).collect();
        let turns = jacobi(&mut small);
        let mut order: Vec<usize> = (0..basis.len()).collect();
        order.sort_by(|&a, &b| small[b][b].total_cmp(&small[a][a]));
        // Less than the rounding of the numbers themselves is no direction.
        let largest = order.first().map_or(0.0, |&at| small[at][at]);
        let rounding = 1e-9 * largest + 1e-24 * dot(&mean, &mean);
        order.retain(|&at| small[at][at] > rounding);
        order.truncate(most);
        let direction = |&at: &usize| -> Vec<f64> {
            (0..width).map(|column| basis.iter().enumerate().map(|(k, b)| turns[k][at] * b[column]).sum()).collect()
        };
        Self {
            mean,
            directions: order.iter().map(direction).collect(),
            spreads: order.iter().map(|&at| small[at][at].sqrt()).collect(),
        }
    }

    /// Number of components.
    pub fn len(&self) -> usize {
        self.spreads.len()
    }

    /// Whether the records do not differ.
    pub fn is_empty(&self) -> bool {
        self.spreads.is_empty()
    }

    /// The record at a place, given in standard deviations along the components.
    pub fn record(&self, place: &[f64]) -> Vec<f64> {
        let mut record = self.mean.clone();
        for ((direction, spread), at) in self.directions.iter().zip(&self.spreads).zip(place) {
            record.iter_mut().zip(direction).for_each(|(value, part)| *value += at * spread * part);
        }
        record
    }

    /// The place of a record, in standard deviations along the components.
    pub fn place(&self, record: &[f64]) -> Vec<f64> {
        let moved: Vec<f64> = record.iter().zip(&self.mean).map(|(value, mean)| value - mean).collect();
        self.directions.iter().zip(&self.spreads).map(|(direction, spread)| dot(direction, &moved) / spread).collect()
    }
}

fn noise(width: usize, seed: Seed) -> Vec<f64> {
    let mut stream = seed.stream();
    let mut draw = move || (f64::from(stream.next_u32()) + 0.5) / (f64::from(u32::MAX) + 1.0);
    (0..width).map(|_| normal_quantile(draw())).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// A direction times the sum of squares and products of the records.
fn spread_along(rows: &[Vec<f64>], direction: &[f64]) -> Vec<f64> {
    let mut sum = vec![0.0; direction.len()];
    for row in rows {
        let along = dot(row, direction);
        sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += along * value);
    }
    sum
}

/// Gram and Schmidt's method, twice over for the digits; what has nothing of its own left becomes zero.
fn orthogonal(basis: &mut [Vec<f64>]) {
    for at in 0..basis.len() {
        let (before, rest) = basis.split_at_mut(at);
        let own = &mut rest[0];
        let length = dot(own, own).sqrt();
        for _ in 0..2 {
            for other in before.iter() {
                let along = dot(own, other);
                own.iter_mut().zip(other).for_each(|(value, part)| *value -= along * part);
            }
        }
        let left = dot(own, own).sqrt();
        let scale = if left > 1e-10 * length && left > 0.0 { 1.0 / left } else { 0.0 };
        own.iter_mut().for_each(|value| *value *= scale);
    }
}

/// Turns a symmetric matrix to its axes in place; returns the turns, one column per axis (Jacobi's method).
fn jacobi(matrix: &mut [Vec<f64>]) -> Vec<Vec<f64>> {
    let n = matrix.len();
    let mut turns: Vec<Vec<f64>> = (0..n).map(|i| (0..n).map(|j| f64::from(u8::from(i == j))).collect()).collect();
    for _ in 0..SWEEPS {
        for p in 0..n {
            for q in p + 1..n {
                if matrix[p][q].abs() <= 1e-300 {
                    continue;
                }
                let theta = (matrix[q][q] - matrix[p][p]) / (2.0 * matrix[p][q]);
                let tangent = theta.signum() / (theta.abs() + theta.hypot(1.0));
                let cosine = 1.0 / tangent.hypot(1.0);
                let sine = tangent * cosine;
                let turn = |a: f64, b: f64| (cosine * a - sine * b, sine * a + cosine * b);
                for row in matrix.iter_mut().chain(turns.iter_mut()) {
                    (row[p], row[q]) = turn(row[p], row[q]);
                }
                let (upper, lower) = matrix.split_at_mut(q);
                for (a, b) in upper[p].iter_mut().zip(lower[0].iter_mut()) {
                    (*a, *b) = turn(*a, *b);
                }
            }
        }
    }
    turns
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Records on a plane in five columns, twice as wide along one direction as along the other.
    #[test]
    fn a_planted_plane_is_found() {
        let unit = |values: [f64; 5]| {
            let length = dot(&values, &values).sqrt();
            values.map(|value| value / length)
        };
        let (a, b) = (unit([1.0, 1.0, 0.0, 0.0, 1.0]), unit([1.0, -1.0, 2.0, 0.0, 0.0]));
        let draws = (noise(4000, Seed::root(1)), noise(4000, Seed::root(2)));
        let row = |(x, y): (&f64, &f64)| (0..5).map(|at| 7.0 + 2.0 * x * a[at] + y * b[at]).collect::<Vec<f64>>();
        let rows: Vec<Vec<f64>> = draws.0.iter().zip(&draws.1).map(row).collect();
        let found = Components::of(&rows, 4, Seed::root(3));
        assert_eq!(found.len(), 2, "there is no third direction");
        assert!((found.spreads[0] - 2.0).abs() < 0.08 && (found.spreads[1] - 1.0).abs() < 0.04, "{:?}", found.spreads);
        assert!(dot(&found.directions[0], &a).abs() > 0.999 && dot(&found.directions[1], &b).abs() > 0.999);
        // A record of the plane is its place, there and back.
        let back = found.record(&found.place(&rows[17]));
        assert!(back.iter().zip(&rows[17]).all(|(a, b)| (a - b).abs() < 1e-9));
    }

    /// Against a matrix whose eigenvalues are known: 3 - sqrt 2, 3 and 3 + sqrt 2.
    #[test]
    fn axes_of_a_known_matrix() {
        let mut matrix = vec![vec![3.0, 1.0, 0.0], vec![1.0, 3.0, 1.0], vec![0.0, 1.0, 3.0]];
        let turns = jacobi(&mut matrix);
        let mut values: Vec<f64> = (0..3).map(|at| matrix[at][at]).collect();
        values.sort_by(f64::total_cmp);
        let expected = [3.0 - 2_f64.sqrt(), 3.0, 3.0 + 2_f64.sqrt()];
        assert!(values.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{values:?}");
        assert!((0..3).all(|k| (turns.iter().map(|row| row[k] * row[k]).sum::<f64>() - 1.0).abs() < 1e-12));
    }

    #[test]
    fn records_that_do_not_differ_have_no_direction() {
        assert!(Components::of(&vec![vec![1.0, 2.0]; 9], 3, Seed::root(1)).is_empty());
        assert!(Components::of(&[], 3, Seed::root(1)).is_empty());
    }
}
