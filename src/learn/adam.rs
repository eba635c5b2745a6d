//! Adam for weights of which a step touches few (Kingma and Ba 2015).
//!
//! Weights come in groups, one per input. A group without a gradient stands still, as in `SparseAdam` of `PyTorch`: the
//! time of a step then goes with the inputs that are on in the batch and not with those there are, and a rare level's
//! weights do not drift between its records.

/// Decay of the mean of gradients, and of their squares.
const DECAY: [f32; 2] = [0.9, 0.999];
/// Keeps steps finite where gradients vanish.
const LEAST: f32 = 1e-8;

/// State of the optimiser for groups of equal size.
pub(super) struct Adam {
    size: usize,
    rate: f32,
    gradients: Vec<f32>,
    means: Vec<f32>,
    squares: Vec<f32>,
    /// Groups with a gradient since the last step, and the same as a flag per group.
    touched: Vec<u32>,
    is_touched: Vec<bool>,
    /// The decays to the power of the steps taken.
    powers: [f32; 2],
}

impl Adam {
    /// For `groups` of `size` weights.
    pub(super) fn new(groups: usize, size: usize, rate: f32) -> Self {
        let zeros = || vec![0.0; groups * size];
        Self {
            size,
            rate,
            gradients: zeros(),
            means: zeros(),
            squares: zeros(),
            touched: Vec::new(),
            is_touched: vec![false; groups],
            powers: [1.0; 2],
        }
    }

    /// Adds `factor * values` to the gradient of a group.
    pub(super) fn add(&mut self, group: usize, factor: f32, values: &[f32]) {
        if !std::mem::replace(&mut self.is_touched[group], true) {
            self.touched.push(group as u32);
        }
        let gradient = &mut self.gradients[group * self.size..(group + 1) * self.size];
        gradient.iter_mut().zip(values).for_each(|(sum, value)| *sum += factor * value);
    }

    /// Moves the weights of all groups that have a gradient, and forgets the gradients.
    pub(super) fn step(&mut self, weights: &mut [f32]) {
        self.powers = [self.powers[0] * DECAY[0], self.powers[1] * DECAY[1]];
        let correction = (1.0 - self.powers[1]).sqrt();
        let rate = self.rate * correction / (1.0 - self.powers[0]);
        for group in self.touched.drain(..) {
            let group = group as usize;
            self.is_touched[group] = false;
            let range = group * self.size..(group + 1) * self.size;
            let gradients = self.gradients[range.clone()].iter_mut();
            let moments = self.means[range.clone()].iter_mut().zip(&mut self.squares[range.clone()]);
            for ((weight, gradient), (mean, square)) in weights[range].iter_mut().zip(gradients).zip(moments) {
                *mean += (1.0 - DECAY[0]) * (*gradient - *mean);
                *square += (1.0 - DECAY[1]) * (*gradient * *gradient - *square);
                *weight -= rate * *mean / (square.sqrt() + LEAST * correction);
                *gradient = 0.0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With bias corrected, the first step is the rate against the sign of the gradient; a group without one stays.
    #[test]
    fn steps() {
        let mut adam = Adam::new(3, 2, 0.1);
        let mut weights = [1.0_f32; 6];
        adam.add(2, 2.0, &[3.0, -0.5]);
        adam.step(&mut weights);
        let expected = [1.0, 1.0, 1.0, 1.0, 0.9, 1.1];
        assert!(weights.iter().zip(expected).all(|(w, e)| (w - e).abs() < 1e-6), "{weights:?}");
        // second step, same gradient: both moments are those of a constant, so the step is the rate again
        adam.add(2, 2.0, &[3.0, -0.5]);
        adam.step(&mut weights);
        assert!((weights[4] - 0.8).abs() < 1e-5 && weights[0] == 1.0, "{weights:?}");
    }
}
