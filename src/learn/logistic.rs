//! Multinomial logistic regression on the sparse design.
//!
//! The surrogate that any model can be compared with: cheap, convex, hence the same for everybody. Penalty and intercept
//! are scikit-learn's (`LogisticRegression(C=1)`), and so are the probabilities (`tests/golden/logistic.json`).

use rayon::prelude::*;

use super::design::Design;
use super::lbfgs::minimise;
use super::{Encoded, Learner, ScoreModel, scores};
use crate::seed::Seed;

/// Rows whose losses are computed in one piece of work.
const ROWS: usize = 128;
/// Features whose derivatives are computed in one piece of work.
const FEATURES: usize = 32;

/// Settings.
#[derive(Debug, Clone, Copy)]
pub struct Logistic {
    /// Weight of the losses against the L2 penalty, scikit-learn's `C`.
    pub weight: f64,
    /// Most steps of the optimiser.
    pub steps: usize,
    /// How far a weight may be from its best value, at most.
    pub tolerance: f64,
}

impl Default for Logistic {
    fn default() -> Self {
        Self { weight: 1.0, steps: 500, tolerance: 0.001 }
    }
}

/// A trained model: weights feature by feature, then the intercepts.
struct Linear {
    weights: Vec<f64>,
    outputs: usize,
}

/// What is minimised: the losses of some rows plus the penalty.
struct Problem<'a> {
    design: &'a Design,
    rows: &'a [usize],
    labels: &'a [u32],
    outputs: usize,
    penalty: f64,
    /// Per indicator the places in `rows` where it is on, in ascending order, one indicator after the other.
    places: Vec<u32>,
    /// Where the places of an indicator start; one more than indicators.
    starts: Vec<usize>,
}

impl Learner for Logistic {
    fn fit(&self, data: &Encoded, rows: &[usize], labels: &[u32], classes: usize, _: Seed) -> Box<dyn ScoreModel> {
        let design = data.design();
        let outputs = scores::outputs(classes);
        let mut start = vec![0.0; design.width() * outputs];
        start.extend(scores::starting(rows, labels, classes));
        let problem = Problem::new(design, rows, labels, outputs, 1.0 / self.weight);
        // The penalty's share of the second derivative bounds how far a gradient lets the weights be from the best.
        let tolerance = self.tolerance * problem.penalty;
        let weights = minimise(start, self.steps, tolerance, |weights, gradient| problem.at(weights, gradient));
        Box::new(Linear { weights, outputs })
    }
}

impl<'a> Problem<'a> {
    fn new(design: &'a Design, rows: &'a [usize], labels: &'a [u32], outputs: usize, penalty: f64) -> Self {
        let numeric = design.numeric();
        let mut starts = vec![0_usize; design.width() - numeric + 1];
        for &row in rows {
            design.on(row).iter().for_each(|&feature| starts[feature as usize - numeric + 1] += 1);
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut places = vec![0; starts.last().copied().unwrap_or(0)];
        let mut free = starts.clone();
        for (place, &row) in rows.iter().enumerate() {
            for &feature in design.on(row) {
                let free = &mut free[feature as usize - numeric];
                places[*free] = place as u32;
                *free += 1;
            }
        }
        Self { design, rows, labels, outputs, penalty, places, starts }
    }

    /// The value at some weights, and the gradient. Every sum runs in the order of the rows, whatever the threads.
    fn at(&self, weights: &[f64], gradient: &mut [f64]) -> f64 {
        let mut errors = vec![0.0; self.rows.len() * self.outputs];
        let pieces = errors.par_chunks_mut(ROWS * self.outputs).zip(self.rows.par_chunks(ROWS));
        let losses: Vec<f64> = pieces.map(|(errors, rows)| self.losses(weights, rows, errors)).collect();
        let (slopes, intercepts) = gradient.split_at_mut(self.design.width() * self.outputs);
        intercepts.fill(0.0);
        errors.chunks_exact(self.outputs).for_each(|errors| add(intercepts, 1.0, errors));
        slopes.copy_from_slice(&weights[..slopes.len()]);
        let penalty = 0.5 * self.penalty * super::lbfgs::dot(slopes, slopes);
        slopes.iter_mut().for_each(|slope| *slope *= self.penalty);
        let (dense, sparse) = slopes.split_at_mut(self.design.numeric() * self.outputs);
        let dense = dense.par_chunks_mut(FEATURES * self.outputs).enumerate();
        dense.for_each(|(piece, slopes)| self.numeric_slopes(piece * FEATURES, &errors, slopes));
        let sparse = sparse.par_chunks_mut(FEATURES * self.outputs).enumerate();
        sparse.for_each(|(piece, slopes)| self.indicator_slopes(piece * FEATURES, &errors, slopes));
        losses.iter().sum::<f64>() + penalty
    }

    /// The summed losses of at most [`ROWS`] rows; writes how far every score's probability is from the truth.
    fn losses(&self, weights: &[f64], rows: &[usize], errors: &mut [f64]) -> f64 {
        let mut sum = 0.0;
        // Of two classes the loss is ln(1 + e^-|score|) and what a wrong sign adds. One logarithm of the product serves all:
        // no factor is over 2, and 2^128 is far from overflow.
        let mut product = 1.0;
        for (&row, errors) in rows.iter().zip(errors.chunks_exact_mut(self.outputs)) {
            let label = self.labels[row] as usize;
            scores_of(self.design, row, weights, errors);
            if let [score] = errors {
                let rest = (-score.abs()).exp();
                let wrong = (*score > 0.0) != (label == 1);
                sum += if wrong { score.abs() } else { 0.0 };
                product *= 1.0 + rest;
                let likelier = 1.0 / (1.0 + rest);
                let probability = if *score > 0.0 { likelier } else { rest * likelier };
                *score = probability - label as f64;
            } else {
                let of_label = errors[label];
                sum += scores::softmax(errors) - of_label;
                errors[label] -= 1.0;
            }
        }
        sum + product.ln()
    }

    /// Adds the derivatives of some standardised columns, of which the first is `first`.
    fn numeric_slopes(&self, first: usize, errors: &[f64], slopes: &mut [f64]) {
        let count = slopes.len() / self.outputs;
        for (&row, errors) in self.rows.iter().zip(errors.chunks_exact(self.outputs)) {
            let numbers = &self.design.numbers(row)[first..first + count];
            if let [error] = errors {
                slopes.iter_mut().zip(numbers).for_each(|(slope, &number)| *slope += f64::from(number) * error);
                continue;
            }
            for (slopes, &number) in slopes.chunks_exact_mut(self.outputs).zip(numbers) {
                add(slopes, f64::from(number), errors);
            }
        }
    }

    /// Adds the derivatives of some indicators, of which the first is `first`.
    fn indicator_slopes(&self, first: usize, errors: &[f64], slopes: &mut [f64]) {
        for (at, slopes) in slopes.chunks_exact_mut(self.outputs).enumerate() {
            let places = &self.places[self.starts[first + at]..self.starts[first + at + 1]];
            if let [slope] = slopes {
                *slope += places.iter().map(|&place| errors[place as usize]).sum::<f64>();
                continue;
            }
            for &place in places {
                let from = place as usize * self.outputs;
                add(slopes, 1.0, &errors[from..from + self.outputs]);
            }
        }
    }
}

fn add(sums: &mut [f64], factor: f64, values: &[f64]) {
    sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += factor * value);
}

/// Writes the scores of a row: one for two classes, one per class for more.
fn scores_of(design: &Design, row: usize, weights: &[f64], scores: &mut [f64]) {
    let outputs = scores.len();
    let (slopes, intercepts) = weights.split_at(design.width() * outputs);
    scores.copy_from_slice(intercepts);
    if let [score] = scores {
        let numbers = slopes.iter().zip(design.numbers(row));
        numbers.for_each(|(slope, &number)| *score += slope * f64::from(number));
        design.on(row).iter().for_each(|&feature| *score += slopes[feature as usize]);
        return;
    }
    for (slopes, &number) in slopes.chunks_exact(outputs).zip(design.numbers(row)) {
        add(scores, f64::from(number), slopes);
    }
    for &feature in design.on(row) {
        let from = feature as usize * outputs;
        add(scores, 1.0, &slopes[from..from + outputs]);
    }
}

impl ScoreModel for Linear {
    fn probabilities(&self, data: &Encoded, rows: &[usize]) -> Vec<f64> {
        let of_row = |&row: &usize| {
            let mut scores = vec![0.0; self.outputs];
            scores_of(data.design(), row, &self.weights, &mut scores);
            scores::probabilities(scores)
        };
        rows.par_iter().flat_map_iter(of_row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Cells, MISSING};
    use crate::learn::trial;
    use serde_json::Value;
    use std::sync::Arc;

    fn list(value: &Value) -> &[Value] {
        value.as_array().unwrap()
    }

    /// The table of a golden case; texts are codes with -1 for missing.
    fn encoded(case: &Value, rows: usize) -> Encoded {
        let mut data = Encoded::new(rows);
        for column in list(&case["texts"]) {
            let codes = list(column).iter().map(|code| code.as_u64().map_or(MISSING, |code| code as u32)).collect();
            data.push(&[&Cells::Text { codes, dictionary: Arc::default() }]);
        }
        for column in list(&case["numbers"]) {
            data.push_numbers(&list(column).iter().map(|v| v.as_f64().unwrap_or(f64::NAN)).collect::<Vec<f64>>());
        }
        data
    }

    #[test]
    fn probabilities_are_those_of_scikit_learn() {
        let file = std::fs::read_to_string("tests/golden/logistic.json").unwrap();
        for case in list(&serde_json::from_str(&file).unwrap()) {
            let labels: Vec<u32> = list(&case["labels"]).iter().map(|label| label.as_u64().unwrap() as u32).collect();
            let data = encoded(case, labels.len());
            let rows: Vec<usize> = (0..labels.len()).collect();
            let train = &rows[..case["train"].as_u64().unwrap() as usize];
            let classes = case["classes"].as_u64().unwrap() as usize;
            let learner = Logistic { weight: case["weight"].as_f64().unwrap(), ..Logistic::default() };
            let found = learner.fit(&data, train, &labels, classes, Seed::root(0)).probabilities(&data, &rows);
            let expected = list(&case["probabilities"]).iter().flat_map(list);
            for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
                let expected = expected.as_f64().unwrap();
                assert!((found - expected).abs() < 1e-3, "{classes} classes, {at}: {found} is not {expected}");
            }
        }
    }

    #[test]
    fn any_number_of_threads_gives_the_same_model() {
        trial::same_on_any_threads(&Logistic::default());
    }

    #[test]
    fn classes_without_rows_and_no_rows_at_all() {
        trial::survives_absent_classes(&Logistic::default());
    }
}
