//! Random forests on binned columns (Breiman 2001).
//!
//! The surrogate of tree ensembles, and the one that memorises like they do. Every tree has a seed of its own and grows on
//! one thread, so threads change nothing. Probabilities are means of leaf shares, as scikit-learn's.

use rayon::prelude::*;

use super::growth::{Case, Growth, Tree, below};
use super::{Encoded, Learner, Regressor, ScoreModel, ValueModel, scores};
use crate::seed::{Seed, Stream};

/// Rows that are looked up in one piece of work.
const ROWS: usize = 256;

/// Settings.
#[derive(Debug, Clone, Copy)]
pub struct Forest {
    /// Number of trees.
    pub trees: usize,
    /// Fewest records in a leaf.
    pub least_leaf: usize,
}

impl Default for Forest {
    /// Fully grown trees.
    fn default() -> Self {
        Self { trees: 100, least_leaf: 1 }
    }
}

impl Forest {
    /// The usual settings for numbers: leaves of five records, whose means are less noisy than single values.
    pub fn for_values() -> Self {
        Self { least_leaf: 5, ..Self::default() }
    }
}

/// Trained trees.
struct Ensemble {
    trees: Vec<Tree>,
    /// Numbers in a leaf.
    outputs: usize,
    /// What is added to every number; all there is where there was no record to learn from.
    start: f64,
}

impl Forest {
    /// Grows trees on bootstrap samples of `cases`; `tried` columns compete for every cut.
    fn grow(&self, data: &Encoded, cases: &[Case], outputs: usize, tried: usize, seed: Seed) -> Vec<Tree> {
        if cases.is_empty() {
            return Vec::new();
        }
        let one = |tree: usize| {
            let mut stream = seed.derive(&format!("tree {tree}")).stream();
            let sample = bootstrap(cases, &mut stream);
            Growth::new(data, outputs, self.least_leaf, tried.max(1), stream).tree(sample)
        };
        (0..self.trees).into_par_iter().map(one).collect()
    }
}

/// As many cases as there are, drawn with replacement; a case drawn twice has weight two.
fn bootstrap(cases: &[Case], stream: &mut Stream) -> Vec<Case> {
    let mut drawn = vec![0_u32; cases.len()];
    (0..cases.len()).for_each(|_| drawn[below(stream, cases.len())] += 1);
    let weighted = |(case, &times): (&Case, &u32)| Case { weight: f64::from(times), ..*case };
    cases.iter().zip(&drawn).filter(|(_, times)| **times > 0).map(weighted).collect()
}

impl Learner for Forest {
    fn fit(&self, data: &Encoded, rows: &[usize], labels: &[u32], classes: usize, seed: Seed) -> Box<dyn ScoreModel> {
        let outputs = scores::outputs(classes);
        // Of two classes the share of the second says all; of more each has a place in the sums.
        let case = |&row: &usize| match outputs {
            1 => Case { row: row as u32, output: 0, weight: 1.0, value: f64::from(labels[row]) },
            _ => Case { row: row as u32, output: labels[row], weight: 1.0, value: 1.0 },
        };
        let cases: Vec<Case> = rows.iter().map(case).collect();
        let trees = self.grow(data, &cases, outputs, data.width().isqrt(), seed);
        let start = if rows.is_empty() { 1.0 / classes as f64 } else { 0.0 };
        Box::new(Ensemble { trees, outputs, start })
    }
}

impl Regressor for Forest {
    fn fit(&self, data: &Encoded, rows: &[usize], targets: &[f64], seed: Seed) -> Box<dyn ValueModel> {
        // Centred, so that sums of squares lose no digits to a large mean.
        let start = rows.iter().map(|&row| targets[row]).sum::<f64>() / rows.len().max(1) as f64;
        let case = |&row: &usize| Case { row: row as u32, output: 0, weight: 1.0, value: targets[row] - start };
        let cases: Vec<Case> = rows.iter().map(case).collect();
        let trees = self.grow(data, &cases, 1, data.width() / 3, seed);
        Box::new(Ensemble { trees, outputs: 1, start })
    }
}

impl Ensemble {
    /// The means of the leaves that some rows fall in, row-major.
    fn means(&self, data: &Encoded, rows: &[usize]) -> Vec<f64> {
        let mut means = vec![0.0; rows.len() * self.outputs];
        let pieces = means.par_chunks_mut(ROWS * self.outputs).zip(rows.par_chunks(ROWS));
        pieces.for_each(|(means, rows)| {
            // Tree by tree, so that one tree at a time has to be in the cache.
            for tree in &self.trees {
                for (means, &row) in means.chunks_exact_mut(self.outputs).zip(rows) {
                    means.iter_mut().zip(tree.leaf(data, row)).for_each(|(mean, value)| *mean += f64::from(*value));
                }
            }
            means.iter_mut().for_each(|mean| *mean = self.start + *mean / self.trees.len().max(1) as f64);
        });
        means
    }
}

impl ScoreModel for Ensemble {
    fn probabilities(&self, data: &Encoded, rows: &[usize]) -> Vec<f64> {
        let shares = self.means(data, rows);
        if self.outputs > 1 {
            return shares;
        }
        shares.into_iter().flat_map(|share| [1.0 - share, share]).collect()
    }
}

impl ValueModel for Ensemble {
    fn values(&self, data: &Encoded, rows: &[usize]) -> Vec<f64> {
        self.means(data, rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::trial::{self, noise};

    #[test]
    fn learns_an_interaction_and_ignores_noise() {
        let share = trial::held_out(&Forest::default(), &trial::exclusive_or(4000), 2);
        assert!(share > 0.93, "exclusive or of two columns, {share} right");
    }

    #[test]
    fn several_classes() {
        let share = trial::held_out(&Forest::default(), &trial::mixed(3000), 3);
        assert!(share > 0.93, "{share}");
    }

    /// A fully grown forest remembers: the true class of a training row has most votes, whatever the labels are.
    #[test]
    fn remembers_noise() {
        let (data, _) = trial::mixed(400);
        let labels: Vec<u32> = noise(400, 8).into_iter().map(|v| u32::from(v > 0.5)).collect();
        let rows: Vec<usize> = (0..400).collect();
        let model = Learner::fit(&Forest::default(), &data, &rows, &labels, 2, Seed::root(1));
        assert!(trial::accuracy(&model.probabilities(&data, &rows), &rows, &labels) > 0.97);
    }

    #[test]
    fn numbers() {
        let (a, b) = (noise(3000, 5), noise(3000, 6));
        let mut data = Encoded::new(3000);
        [&a, &b].into_iter().for_each(|column| data.push_numbers(column));
        let targets: Vec<f64> = a.iter().zip(&b).map(|(a, b)| 1e6 + 10.0 * a + 3.0 * (b + 0.5).floor()).collect();
        let (train, test): (Vec<usize>, Vec<usize>) = (0..3000).partition(|row| row % 2 == 0);
        let model = Regressor::fit(&Forest::for_values(), &data, &train, &targets, Seed::root(0));
        let errors =
            model.values(&data, &test).into_iter().zip(&test).map(|(value, &row)| (value - targets[row]).powi(2));
        let error = errors.sum::<f64>() / 1500.0;
        assert!(error < 0.3, "mean squared error {error}, of a variance of 10.6");
    }

    #[test]
    fn any_number_of_threads_gives_the_same_model() {
        trial::same_on_any_threads(&Forest::default());
        trial::same_values_on_any_threads(&Forest::for_values());
    }

    #[test]
    fn classes_without_rows_and_no_rows_at_all() {
        trial::survives_absent_classes(&Forest::default());
    }
}
