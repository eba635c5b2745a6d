//! Gradient-boosted trees on binned columns.
//!
//! Second-order boosting of the softmax loss with level-wise histogram trees (Friedman 2001; Chen and Guestrin 2016).
//! Own code because no kept crate offers it on stable Rust with class probabilities and thread-independent results, and
//! because attacks live on its speed. Sums run in row order within a column, so threads change nothing.

use rayon::prelude::*;

use super::{Encoded, Learner, Regressor, ScoreModel, ValueModel, scores};
use crate::seed::Seed;

/// Settings. The defaults suit weak signals in tables of 10^2 to 10^6 rows.
#[derive(Debug, Clone, Copy)]
pub struct Boosted {
    /// Rounds (trees per class).
    pub rounds: usize,
    /// Depth of a tree.
    pub depth: usize,
    /// Learning rate.
    pub rate: f64,
    /// L2 penalty on leaf values.
    pub penalty: f64,
    /// Least sum of second derivatives in a leaf.
    pub least_weight: f64,
}

impl Default for Boosted {
    fn default() -> Self {
        Self { rounds: 50, depth: 4, rate: 0.1, penalty: 1.0, least_weight: 5.0 }
    }
}

/// A tree as a list of nodes; leaves hold values.
struct Tree {
    nodes: Vec<Node>,
}

enum Node {
    Leaf(f64),
    Split { column: usize, bin: u8, left: usize, right: usize },
}

impl Tree {
    fn value(&self, data: &Encoded, row: usize) -> f64 {
        let mut at = 0;
        loop {
            match &self.nodes[at] {
                Node::Leaf(value) => return *value,
                Node::Split { column, bin, left, right } => {
                    at = if data.bins(*column)[row] <= *bin { *left } else { *right };
                }
            }
        }
    }
}

/// A trained ensemble: `classes` trees per round (one for two classes).
struct Ensemble {
    start: Vec<f64>,
    rounds: Vec<Vec<Tree>>,
}

/// A trained ensemble for numbers.
struct Sum {
    start: f64,
    trees: Vec<Tree>,
}

/// The best cut of a node.
struct Cut {
    gain: f64,
    column: usize,
    bin: u8,
}

impl Learner for Boosted {
    fn fit(&self, data: &Encoded, rows: &[usize], labels: &[u32], classes: usize, _: Seed) -> Box<dyn ScoreModel> {
        let outputs = scores::outputs(classes);
        let start = scores::starting(rows, labels, classes);
        let mut scores: Vec<Vec<f64>> = start.iter().map(|&score| vec![score; rows.len()]).collect();
        let mut rounds = Vec::with_capacity(self.rounds);
        for _ in 0..self.rounds {
            let gradients = gradients(&scores, rows, labels);
            let grow = |output: usize| {
                let (first, second) = &gradients[output];
                self.grow(data, rows, first, second)
            };
            let trees: Vec<(Tree, Vec<f64>)> = (0..outputs).into_par_iter().map(grow).collect();
            for (scores, (_, steps)) in scores.iter_mut().zip(&trees) {
                scores.iter_mut().zip(steps).for_each(|(score, step)| *score += step);
            }
            rounds.push(trees.into_iter().map(|(tree, _)| tree).collect());
        }
        Box::new(Ensemble { start, rounds })
    }
}

impl Regressor for Boosted {
    fn fit(&self, data: &Encoded, rows: &[usize], targets: &[f64], _: Seed) -> Box<dyn ValueModel> {
        let start = rows.iter().map(|&row| targets[row]).sum::<f64>() / rows.len().max(1) as f64;
        let mut errors: Vec<f64> = rows.iter().map(|&row| start - targets[row]).collect();
        let second = vec![1.0; rows.len()];
        let mut trees = Vec::with_capacity(self.rounds);
        for _ in 0..self.rounds {
            let (tree, steps) = self.grow(data, rows, &errors, &second);
            errors.iter_mut().zip(&steps).for_each(|(error, step)| *error += step);
            trees.push(tree);
        }
        Box::new(Sum { start, trees })
    }
}

/// First and second derivatives of the loss per output.
fn gradients(scores: &[Vec<f64>], rows: &[usize], labels: &[u32]) -> Vec<(Vec<f64>, Vec<f64>)> {
    let derivative = |p: f64, hit: bool| (p - f64::from(u8::from(hit)), (p * (1.0 - p)).max(1e-9));
    if let [only] = scores {
        let pairs = only.iter().zip(rows).map(|(score, &row)| derivative(scores::logistic(*score), labels[row] == 1));
        return vec![pairs.unzip()];
    }
    let normaliser: Vec<f64> = (0..rows.len()).map(|i| scores.iter().map(|s| s[i].exp()).sum()).collect();
    let of_class = |class: usize| {
        let p = |i: usize| scores[class][i].exp() / normaliser[i];
        rows.iter().enumerate().map(|(i, &row)| derivative(p(i), labels[row] as usize == class)).unzip()
    };
    (0..scores.len()).into_par_iter().map(of_class).collect()
}

impl Boosted {
    /// Grows one tree and returns it with the step of every training row.
    fn grow(&self, data: &Encoded, rows: &[usize], first: &[f64], second: &[f64]) -> (Tree, Vec<f64>) {
        let mut nodes = vec![Node::Leaf(0.0)];
        let mut steps = vec![0.0; rows.len()];
        let mut open: Vec<(usize, Vec<u32>)> = vec![(0, (0..rows.len() as u32).collect())];
        for level in 0..=self.depth {
            let mut next = Vec::new();
            for (at, members) in open {
                let g: f64 = members.iter().map(|&i| first[i as usize]).sum();
                let h: f64 = members.iter().map(|&i| second[i as usize]).sum();
                let cut =
                    if level < self.depth { self.best_cut(data, rows, first, second, &members, (g, h)) } else { None };
                let Some(cut) = cut else {
                    let value = -g / (h + self.penalty) * self.rate;
                    nodes[at] = Node::Leaf(value);
                    members.iter().for_each(|&i| steps[i as usize] = value);
                    continue;
                };
                let column = data.bins(cut.column);
                let (left, right) = members.iter().partition(|&&i| column[rows[i as usize]] <= cut.bin);
                let (l, r) = (nodes.len(), nodes.len() + 1);
                nodes.extend([Node::Leaf(0.0), Node::Leaf(0.0)]);
                nodes[at] = Node::Split { column: cut.column, bin: cut.bin, left: l, right: r };
                next.extend([(l, left), (r, right)]);
            }
            open = next;
        }
        (Tree { nodes }, steps)
    }

    fn best_cut(
        &self,
        data: &Encoded,
        rows: &[usize],
        first: &[f64],
        second: &[f64],
        members: &[u32],
        (g, h): (f64, f64),
    ) -> Option<Cut> {
        if h < 2.0 * self.least_weight {
            return None;
        }
        let parent = g * g / (h + self.penalty);
        let cut_of = |column: usize| {
            let bins = data.bins(column);
            let mut sums = [(0.0_f64, 0.0_f64); 256];
            for &i in members {
                let sum = &mut sums[usize::from(bins[rows[i as usize]])];
                sum.0 += first[i as usize];
                sum.1 += second[i as usize];
            }
            let mut best: Option<Cut> = None;
            let (mut gl, mut hl) = (0.0, 0.0);
            for (bin, sum) in sums.iter().enumerate().take(255) {
                gl += sum.0;
                hl += sum.1;
                let (gr, hr) = (g - gl, h - hl);
                if sum.1 == 0.0 || hl < self.least_weight || hr < self.least_weight {
                    continue;
                }
                let gain = gl * gl / (hl + self.penalty) + gr * gr / (hr + self.penalty) - parent;
                if gain > 1e-9 && best.as_ref().is_none_or(|b| gain > b.gain) {
                    best = Some(Cut { gain, column, bin: bin as u8 });
                }
            }
            best
        };
        let cuts: Vec<Option<Cut>> = if members.len() * data.width() > 50_000 {
            (0..data.width()).into_par_iter().map(cut_of).collect()
        } else {
            (0..data.width()).map(cut_of).collect()
        };
        // The first of equal gains, whatever thread found it.
        cuts.into_iter().flatten().fold(None, |best: Option<Cut>, cut| match best {
            Some(best) if best.gain >= cut.gain => Some(best),
            _ => Some(cut),
        })
    }
}

impl ScoreModel for Ensemble {
    fn probabilities(&self, data: &Encoded, rows: &[usize]) -> Vec<f64> {
        let of_row = |&row: &usize| -> Vec<f64> {
            let mut scores = self.start.clone();
            for trees in &self.rounds {
                scores.iter_mut().zip(trees).for_each(|(score, tree)| *score += tree.value(data, row));
            }
            scores::probabilities(scores)
        };
        rows.par_iter().flat_map_iter(of_row).collect()
    }
}

impl ValueModel for Sum {
    fn values(&self, data: &Encoded, rows: &[usize]) -> Vec<f64> {
        let of_row = |&row: &usize| self.trees.iter().fold(self.start, |sum, tree| sum + tree.value(data, row));
        rows.par_iter().map(of_row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::trial::{self, noise};

    #[test]
    fn learns_an_interaction_and_ignores_noise() {
        let share = trial::held_out(&Boosted::default(), &trial::exclusive_or(4000), 2);
        assert!(share > 0.95, "exclusive or of two columns, {share} right");
    }

    #[test]
    fn several_classes() {
        let learner = Boosted { rounds: 20, rate: 0.3, ..Boosted::default() };
        let share = trial::held_out(&learner, &trial::mixed(3000), 3);
        assert!(share > 0.95, "{share}");
    }

    #[test]
    fn numbers() {
        let (a, b) = (noise(3000, 5), noise(3000, 6));
        let mut data = Encoded::new(3000);
        [&a, &b].into_iter().for_each(|column| data.push_numbers(column));
        let targets: Vec<f64> = a.iter().zip(&b).map(|(a, b)| 10.0 * a + if *b > 0.5 { 3.0 } else { 0.0 }).collect();
        let (train, test): (Vec<usize>, Vec<usize>) = (0..3000).partition(|row| row % 2 == 0);
        let model = Regressor::fit(&Boosted::default(), &data, &train, &targets, Seed::root(0));
        let errors =
            model.values(&data, &test).into_iter().zip(&test).map(|(value, &row)| (value - targets[row]).powi(2));
        let error = errors.sum::<f64>() / 1500.0;
        assert!(error < 0.3, "mean squared error {error}, of a variance of 10.6");
    }

    #[test]
    fn any_number_of_threads_gives_the_same_model() {
        trial::same_on_any_threads(&Boosted::default());
        trial::same_values_on_any_threads(&Boosted::default());
    }

    #[test]
    fn classes_without_rows_and_no_rows_at_all() {
        trial::survives_absent_classes(&Boosted::default());
    }
}
