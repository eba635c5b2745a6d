//! Nearest neighbours on the standardised design.
//!
//! The distance is Euclidean; an indicator in which two rows differ counts one half, so that two different texts are one
//! apart. Refuses nothing; without rows to learn from all classes are equally likely.

use rayon::prelude::*;

use super::design::Design;
use super::{Encoded, Learner, ScoreModel};
use crate::seed::Seed;

/// Settings.
#[derive(Debug, Clone, Copy)]
pub struct Nearest {
    /// How many neighbours vote.
    pub neighbours: usize,
    /// Most rows to look among; of more, evenly spaced ones are kept.
    pub most_rows: usize,
}

impl Default for Nearest {
    fn default() -> Self {
        Self { neighbours: 15, most_rows: 2000 }
    }
}

/// The rows that vote.
struct Voters {
    rows: Vec<usize>,
    labels: Vec<u32>,
    classes: usize,
    neighbours: usize,
}

impl Learner for Nearest {
    fn fit(&self, _: &Encoded, rows: &[usize], labels: &[u32], classes: usize, _: Seed) -> Box<dyn ScoreModel> {
        let kept = rows.len().min(self.most_rows.max(1));
        let rows: Vec<usize> = (0..kept).map(|at| rows[at * rows.len() / kept.max(1)]).collect();
        let labels = rows.iter().map(|&row| labels[row]).collect();
        Box::new(Voters { rows, labels, classes, neighbours: self.neighbours.max(1) })
    }
}

impl ScoreModel for Voters {
    fn probabilities(&self, data: &Encoded, rows: &[usize]) -> Vec<f64> {
        let design = data.design();
        let vote = |&row: &usize| -> Vec<f64> {
            let mut nearest: Vec<(f32, u32)> =
                self.rows.iter().zip(0..).map(|(&other, at)| (distance(design, row, other), at)).collect();
            let count = self.neighbours.min(nearest.len());
            // One more vote for each class: a share of 15 is no certainty.
            let mut votes = vec![1.0 / self.classes as f64; self.classes];
            if count > 0 {
                // Equal distances by place, so that the choice does not depend on the algorithm.
                nearest.select_nth_unstable_by(count - 1, |a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
                nearest[..count].iter().for_each(|&(_, at)| votes[self.labels[at as usize] as usize] += 1.0);
            }
            votes.iter_mut().for_each(|votes| *votes /= count as f64 + 1.0);
            votes
        };
        rows.par_iter().flat_map_iter(vote).collect()
    }
}

/// Squared distance of two rows.
fn distance(design: &Design, first: usize, second: usize) -> f32 {
    let numbers = design.numbers(first).iter().zip(design.numbers(second)).map(|(a, b)| (a - b) * (a - b)).sum::<f32>();
    numbers + 0.5 * design.differing(first, second) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::trial;

    #[test]
    fn learns_what_is_near() {
        let share = trial::held_out(&Nearest::default(), &trial::exclusive_or(4000), 2);
        assert!(share > 0.85, "{share}");
    }

    #[test]
    fn any_number_of_threads_gives_the_same_model() {
        trial::same_on_any_threads(&Nearest::default());
    }

    #[test]
    fn classes_without_rows_and_no_rows_at_all() {
        trial::survives_absent_classes(&Nearest::default());
    }
}
