//! A small network on the sparse design: one hidden layer of rectified units, softmax, Adam (Kingma and Ba 2015).
//!
//! The surrogate of neural targets. One model trains on one thread, in the order that its seed says; whoever needs several
//! trains them side by side.

use rand::Rng;
use rand::seq::SliceRandom;
use rayon::prelude::*;

use super::adam::Adam;
use super::design::Design;
use super::{Encoded, Learner, ScoreModel};
use crate::seed::{Seed, Stream};

/// Settings.
#[derive(Debug, Clone, Copy)]
pub struct Network {
    /// Hidden units.
    pub units: usize,
    /// Passes over the rows.
    pub epochs: usize,
    /// Rows of a step.
    pub batch: usize,
    /// Learning rate of Adam.
    pub rate: f32,
}

impl Default for Network {
    fn default() -> Self {
        Self { units: 64, epochs: 20, batch: 64, rate: 0.001 }
    }
}

/// A trained network. Weights are 32-bit, as those of most networks that are attacked.
struct Layers {
    units: usize,
    classes: usize,
    /// Feature by feature, then the intercepts: `(width + 1) x units`.
    hidden: Vec<f32>,
    /// Unit by unit, then the intercepts: `(units + 1) x classes`.
    output: Vec<f32>,
}

/// What a training step needs besides the weights.
struct Step {
    hidden: Adam,
    output: Adam,
    /// Activations of the hidden units, class probabilities, and how the loss changes with the activations.
    activations: Vec<f32>,
    probabilities: Vec<f32>,
    errors: Vec<f32>,
}

impl Learner for Network {
    fn fit(&self, data: &Encoded, rows: &[usize], labels: &[u32], classes: usize, seed: Seed) -> Box<dyn ScoreModel> {
        let design = data.design();
        let mut layers = Layers::random(design.width(), self.units, classes, &mut seed.derive("weights").stream());
        let mut step = Step {
            hidden: Adam::new(design.width() + 1, self.units, self.rate),
            output: Adam::new(self.units + 1, classes, self.rate),
            activations: vec![0.0; self.units],
            probabilities: vec![0.0; classes],
            errors: vec![0.0; self.units],
        };
        let mut order = rows.to_vec();
        let mut stream = seed.derive("order").stream();
        for _ in 0..self.epochs {
            order.shuffle(&mut stream);
            for batch in order.chunks(self.batch) {
                step.take(&mut layers, design, batch, labels);
            }
        }
        Box::new(layers)
    }
}

impl Layers {
    /// Weights as scikit-learn draws them (Glorot and Bengio 2010), so that results compare.
    fn random(width: usize, units: usize, classes: usize, stream: &mut Stream) -> Self {
        let mut layer = |inputs: usize, outputs: usize| -> Vec<f32> {
            let bound = (6.0 / (inputs + outputs) as f32).sqrt();
            // 24 bits fill the fraction of a 32-bit float.
            let mut uniform = || (stream.next_u32() >> 8) as f32 / (1_u32 << 23) as f32 - 1.0;
            (0..(inputs + 1) * outputs).map(|_| bound * uniform()).collect()
        };
        Self { units, classes, hidden: layer(width, units), output: layer(units, classes) }
    }

    /// Writes the activations of the hidden units and the class probabilities of a row.
    fn forward(&self, design: &Design, row: usize, activations: &mut [f32], probabilities: &mut [f32]) {
        let units = self.units;
        activations.copy_from_slice(&self.hidden[self.hidden.len() - units..]);
        for (&number, weights) in design.numbers(row).iter().zip(self.hidden.chunks_exact(units)) {
            add(activations, number, weights);
        }
        for &feature in design.on(row) {
            let from = feature as usize * units;
            add(activations, 1.0, &self.hidden[from..from + units]);
        }
        activations.iter_mut().for_each(|a| *a = a.max(0.0));
        probabilities.copy_from_slice(&self.output[self.output.len() - self.classes..]);
        for (&activation, weights) in activations.iter().zip(self.output.chunks_exact(self.classes)) {
            add(probabilities, activation, weights);
        }
        softmax(probabilities);
    }
}

impl Step {
    /// One step of the optimiser on some rows.
    fn take(&mut self, layers: &mut Layers, design: &Design, batch: &[usize], labels: &[u32]) {
        let share = 1.0 / batch.len() as f32;
        let (units, classes) = (layers.units, layers.classes);
        for &row in batch {
            layers.forward(design, row, &mut self.activations, &mut self.probabilities);
            self.probabilities[labels[row] as usize] -= 1.0;
            self.probabilities.iter_mut().for_each(|error| *error *= share);
            self.output.add(units, 1.0, &self.probabilities);
            for unit in 0..units {
                let activation = self.activations[unit];
                // A unit that is off passes nothing on.
                self.errors[unit] = 0.0;
                if activation > 0.0 {
                    let weights = &layers.output[unit * classes..(unit + 1) * classes];
                    self.errors[unit] = self.probabilities.iter().zip(weights).map(|(e, w)| e * w).sum();
                    self.output.add(unit, activation, &self.probabilities);
                }
            }
            self.hidden.add(design.width(), 1.0, &self.errors);
            for (feature, &number) in design.numbers(row).iter().enumerate() {
                self.hidden.add(feature, number, &self.errors);
            }
            for &feature in design.on(row) {
                self.hidden.add(feature as usize, 1.0, &self.errors);
            }
        }
        self.hidden.step(&mut layers.hidden);
        self.output.step(&mut layers.output);
    }
}

fn add(sums: &mut [f32], factor: f32, values: &[f32]) {
    sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += factor * value);
}

fn softmax(scores: &mut [f32]) {
    let top = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    scores.iter_mut().for_each(|score| *score = (*score - top).exp());
    let sum: f32 = scores.iter().sum();
    scores.iter_mut().for_each(|weight| *weight /= sum);
}

impl ScoreModel for Layers {
    fn probabilities(&self, data: &Encoded, rows: &[usize]) -> Vec<f64> {
        let of_row = |&row: &usize| {
            let (mut activations, mut probabilities) = (vec![0.0; self.units], vec![0.0; self.classes]);
            self.forward(data.design(), row, &mut activations, &mut probabilities);
            probabilities.into_iter().map(f64::from)
        };
        rows.par_iter().flat_map_iter(of_row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::trial::{self, noise};

    #[test]
    fn learns_an_interaction() {
        let learner = Network { epochs: 60, rate: 0.01, ..Network::default() };
        let share = trial::held_out(&learner, &trial::exclusive_or(4000), 2);
        assert!(share > 0.95, "exclusive or of two columns, {share} right");
    }

    #[test]
    fn several_classes() {
        let share = trial::held_out(&Network { rate: 0.005, ..Network::default() }, &trial::mixed(3000), 3);
        assert!(share > 0.93, "{share}");
    }

    /// With passes enough the network remembers labels that nothing explains.
    #[test]
    fn remembers_noise() {
        let mut data = Encoded::new(200);
        (0..5).for_each(|column| data.push(&[&trial::texts(200, 40, 20 + column)]));
        let labels: Vec<u32> = noise(200, 8).into_iter().map(|v| u32::from(v > 0.5)).collect();
        let rows: Vec<usize> = (0..200).collect();
        let learner = Network { epochs: 100, rate: 0.01, ..Network::default() };
        let model = learner.fit(&data, &rows, &labels, 2, Seed::root(1));
        assert!(trial::accuracy(&model.probabilities(&data, &rows), &rows, &labels) > 0.97);
    }

    #[test]
    fn the_seed_decides() {
        let (data, labels) = trial::mixed(300);
        let rows: Vec<usize> = (0..300).collect();
        let fit = |seed| Network::default().fit(&data, &rows, &labels, 3, Seed::root(seed)).probabilities(&data, &rows);
        assert_eq!(fit(1), fit(1));
        assert_ne!(fit(1), fit(2));
    }

    #[test]
    fn any_number_of_threads_gives_the_same_model() {
        trial::same_on_any_threads(&Network::default());
    }

    #[test]
    fn classes_without_rows_and_no_rows_at_all() {
        trial::survives_absent_classes(&Network::default());
    }
}
