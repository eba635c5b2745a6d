//! Ridge regression on a few dense features.

/// A trained model: what is expected of a number, given features.
#[derive(Debug, Clone, PartialEq)]
pub struct Ridge {
    weights: Vec<f64>,
    means: Vec<f64>,
    level: f64,
}

impl Ridge {
    /// Least squares with an L2 penalty of `strength` on the weights, as scikit-learn's `Ridge(alpha)`: features are
    /// centred, the intercept is free. `features` holds `width` numbers per row, row-major.
    ///
    /// O(rows x width^2 + width^3). Without rows every prediction is 0.
    ///
    /// ```
    /// use privet::learn::ridge::Ridge;
    /// // y = 2 x with strength 2: weight = sum(x y) / (sum(x^2) + 2) about the means = 4 / 4.
    /// let model = Ridge::fit(&[1.0, 3.0], 1, &[2.0, 6.0], 2.0);
    /// assert!((model.predict(&[3.0]) - 5.0).abs() < 1e-12);
    /// ```
    ///
    /// # Panics
    /// When there are not `width` features per target.
    pub fn fit(features: &[f64], width: usize, targets: &[f64], strength: f64) -> Self {
        assert_eq!(features.len(), width * targets.len(), "features fill the rows");
        let rows = targets.len().max(1) as f64;
        let level = targets.iter().sum::<f64>() / rows;
        let mut means = vec![0.0; width];
        for row in features.chunks_exact(width.max(1)) {
            means.iter_mut().zip(row).for_each(|(mean, value)| *mean += value / rows);
        }
        let (mut gram, mut moments) = (vec![0.0; width * width], vec![0.0; width]);
        let mut centred = vec![0.0; width];
        for (row, target) in features.chunks_exact(width.max(1)).zip(targets) {
            centred.iter_mut().zip(row.iter().zip(&means)).for_each(|(c, (value, mean))| *c = value - mean);
            for i in 0..width {
                moments[i] += centred[i] * (target - level);
                for j in 0..=i {
                    gram[i * width + j] += centred[i] * centred[j];
                }
            }
        }
        (0..width).for_each(|i| gram[i * width + i] += strength);
        let weights = solve(&mut gram, moments, width);
        Self { weights, means, level }
    }

    /// What is expected for a row of features.
    pub fn predict(&self, row: &[f64]) -> f64 {
        let terms = self.weights.iter().zip(row.iter().zip(&self.means));
        self.level + terms.map(|(weight, (value, mean))| weight * (value - mean)).sum::<f64>()
    }
}

/// Solves a positive definite system by Cholesky's decomposition of its lower half.
fn solve(gram: &mut [f64], mut x: Vec<f64>, width: usize) -> Vec<f64> {
    for i in 0..width {
        for j in 0..=i {
            let inner: f64 = (0..j).map(|k| gram[i * width + k] * gram[j * width + k]).sum();
            let rest = gram[i * width + j] - inner;
            // A feature that others determine has nothing left; its weight is then as good as zero.
            gram[i * width + j] = if i == j { rest.max(1e-12).sqrt() } else { rest / gram[j * width + j] };
        }
    }
    for i in 0..width {
        let known: f64 = (0..i).map(|k| gram[i * width + k] * x[k]).sum();
        x[i] = (x[i] - known) / gram[i * width + i];
    }
    for i in (0..width).rev() {
        let known: f64 = (i + 1..width).map(|k| gram[k * width + i] * x[k]).sum();
        x[i] = (x[i] - known) / gram[i * width + i];
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recovers_a_plane() {
        let rows: Vec<[f64; 2]> = (0..50).map(|i| [f64::from(i % 7), f64::from(i % 5)]).collect();
        let targets: Vec<f64> = rows.iter().map(|[a, b]| 3.0 * a - 2.0 * b + 1.0).collect();
        let model = Ridge::fit(&rows.concat(), 2, &targets, 1e-9);
        assert!((model.predict(&[10.0, 4.0]) - 23.0).abs() < 1e-6);
    }
}
