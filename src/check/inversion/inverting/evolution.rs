//! Evolution of a normal distribution towards points that fit (CMA-ES), from answers alone.
//!
//! The covariance is kept with its Cholesky factor, which replaces the decomposition into eigenvectors.
//!
//! References: Hansen, "The CMA evolution strategy: a tutorial", arXiv:1604.00772; Krause, Arbones and Igel, NIPS 2016 (the
//! Cholesky form).

use super::frame::{length, moved, normal};
use crate::seed::Stream;

/// The distribution and its paths.
pub(super) struct Evolution {
    mean: Vec<f64>,
    sigma: f64,
    /// Lower half, row by row.
    covariance: Vec<Vec<f64>>,
    factor: Vec<Vec<f64>>,
    path: Vec<f64>,
    sigma_path: Vec<f64>,
    weights: Vec<f64>,
    offspring: usize,
    generation: i32,
    /// The normal numbers of the last generation.
    drawn: Vec<Vec<f64>>,
}

impl Evolution {
    /// Starts at a place with a step.
    pub(super) fn new(mean: Vec<f64>, sigma: f64) -> Self {
        let n = mean.len();
        let offspring = 4 + (3.0 * (n.max(1) as f64).ln()) as usize;
        let parents = offspring / 2;
        let raw: Vec<f64> = (1..=parents).map(|at| (parents as f64 + 0.5).ln() - (at as f64).ln()).collect();
        let total: f64 = raw.iter().sum();
        let identity: Vec<Vec<f64>> = (0..n).map(|i| (0..n).map(|j| f64::from(u8::from(i == j))).collect()).collect();
        Self {
            path: vec![0.0; n],
            sigma_path: vec![0.0; n],
            covariance: identity.clone(),
            factor: identity,
            weights: raw.into_iter().map(|weight| weight / total).collect(),
            offspring,
            mean,
            sigma,
            generation: 0,
            drawn: Vec::new(),
        }
    }

    /// Standard deviation of the distribution.
    pub(super) fn sigma(&self) -> f64 {
        self.sigma
    }

    /// Draws a generation.
    pub(super) fn draw(&mut self, stream: &mut Stream) -> Vec<Vec<f64>> {
        let n = self.mean.len();
        self.drawn = (0..self.offspring).map(|_| normal(n, stream)).collect();
        let place = |z: &Vec<f64>| moved(&self.mean, self.sigma, &self.turned(z));
        self.drawn.iter().map(place).collect()
    }

    /// Learns from how well the generation fits; larger is better, in the order of the draw.
    pub(super) fn learn(&mut self, fits: &[f64]) {
        let n = self.mean.len() as f64;
        let mut order: Vec<usize> = (0..fits.len()).collect();
        order.sort_by(|&a, &b| fits[b].total_cmp(&fits[a]));
        let effective = 1.0 / self.weights.iter().map(|weight| weight * weight).sum::<f64>();
        let c_sigma = (effective + 2.0) / (n + effective + 5.0);
        let damping = 1.0 + c_sigma + 2.0 * (((effective - 1.0) / (n + 1.0)).sqrt() - 1.0).max(0.0);
        let c_path = (4.0 + effective / n) / (n + 4.0 + 2.0 * effective / n);
        let c_one = 2.0 / ((n + 1.3).powi(2) + effective);
        let c_many = (2.0 * (effective - 2.0 + 1.0 / effective) / ((n + 2.0).powi(2) + effective)).min(1.0 - c_one);
        let best: Vec<(f64, &Vec<f64>)> =
            self.weights.iter().copied().zip(order.iter().map(|&at| &self.drawn[at])).collect();
        let mut centre = vec![0.0; self.mean.len()];
        best.iter().for_each(|(weight, z)| centre = moved(&centre, *weight, z));
        let turned: Vec<(f64, Vec<f64>)> = best.iter().map(|(weight, z)| (*weight, self.turned(z))).collect();
        let step = self.turned(&centre);
        self.mean = moved(&self.mean, self.sigma, &step);
        self.generation += 1;
        blend(&mut self.sigma_path, 1.0 - c_sigma, (c_sigma * (2.0 - c_sigma) * effective).sqrt(), &centre);
        let expected = n.sqrt() * (1.0 - 1.0 / (4.0 * n) + 1.0 / (21.0 * n * n));
        let started = (1.0 - (1.0 - c_sigma).powi(2 * self.generation)).sqrt();
        let stalls = length(&self.sigma_path) / started < (1.4 + 2.0 / (n + 1.0)) * expected;
        let gain = if stalls { (c_path * (2.0 - c_path) * effective).sqrt() } else { 0.0 };
        blend(&mut self.path, 1.0 - c_path, gain, &step);
        let lost = if stalls { 0.0 } else { c_one * c_path * (2.0 - c_path) };
        let kept = 1.0 - c_one - c_many + lost;
        for i in 0..self.mean.len() {
            for j in 0..=i {
                let many: f64 = turned.iter().map(|(weight, y)| weight * y[i] * y[j]).sum();
                let cell = &mut self.covariance[i][j];
                *cell = kept * *cell + c_one * self.path[i] * self.path[j] + c_many * many;
            }
        }
        self.sigma *= (c_sigma / damping * (length(&self.sigma_path) / expected - 1.0)).exp().min(2.0);
        self.refactor();
    }

    fn turned(&self, z: &[f64]) -> Vec<f64> {
        self.factor.iter().enumerate().map(|(i, row)| row[..=i].iter().zip(z).map(|(a, z)| a * z).sum()).collect()
    }

    /// Cholesky's decomposition; a covariance that lost its digits starts anew.
    fn refactor(&mut self) {
        let n = self.mean.len();
        for i in 0..n {
            for j in 0..=i {
                let before: f64 = (0..j).map(|k| self.factor[i][k] * self.factor[j][k]).sum();
                let left = self.covariance[i][j] - before;
                if i == j && (left.is_nan() || left <= 1e-14) {
                    *self = Self { generation: self.generation, ..Self::new(self.mean.clone(), self.sigma) };
                    return;
                }
                self.factor[i][j] = if i == j { left.sqrt() } else { left / self.factor[j][j] };
            }
        }
    }
}

fn blend(path: &mut [f64], kept: f64, gain: f64, step: &[f64]) {
    path.iter_mut().zip(step).for_each(|(path, step)| *path = kept * *path + gain * step);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    fn best(start: Vec<f64>, generations: usize, fit: impl Fn(&[f64]) -> f64) -> (Vec<f64>, f64) {
        let mut evolution = Evolution::new(start, 0.5);
        let mut stream = Seed::root(1).stream();
        let mut best = (Vec::new(), f64::NEG_INFINITY);
        for _ in 0..generations {
            let drawn = evolution.draw(&mut stream);
            let fits: Vec<f64> = drawn.iter().map(|x| fit(x)).collect();
            for (x, &fit) in drawn.iter().zip(&fits) {
                if fit > best.1 {
                    best = (x.clone(), fit);
                }
            }
            evolution.learn(&fits);
        }
        best
    }

    /// The valley of Rosenbrock, whose lowest point is one in every coordinate: no walk along single coordinates gets there.
    #[test]
    fn the_end_of_a_bent_valley_is_found() {
        let valley =
            |x: &[f64]| -x.windows(2).map(|w| 100.0 * (w[1] - w[0] * w[0]).powi(2) + (1.0 - w[0]).powi(2)).sum::<f64>();
        let (found, fit) = best(vec![-0.5; 5], 600, valley);
        assert!(fit > -1e-8 && found.iter().all(|x| (x - 1.0).abs() < 1e-3), "{fit}");
    }

    /// An ellipsoid a thousand times as long as wide: the covariance has to be learned.
    #[test]
    fn the_shape_of_a_hill_is_learned() {
        let hill = |x: &[f64]| {
            -x.iter().enumerate().map(|(at, x)| 10_f64.powf(6.0 * at as f64 / 7.0) * (x - 0.3).powi(2)).sum::<f64>()
        };
        let (_, fit) = best(vec![1.0; 8], 500, hill);
        assert!(fit > -1e-8, "{fit}");
    }
}
