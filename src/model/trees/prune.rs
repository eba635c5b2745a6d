//! Trees without small leaves.

use super::parse::Parent;
use super::{Ensemble, Leaf, Way, Weight};

/// What has become of a split.
#[derive(Clone)]
enum Fate {
    /// It stays, with the splits below it as they have become.
    Split(usize),
    /// It is a leaf now: the people in it and what it adds.
    Leaf(Vec<u32>, Vec<Weight>),
}

impl Ensemble {
    /// The same trees without leaves of fewer than `least` people, where `people` lists those of every leaf. A small leaf
    /// beside another leaf is merged with it, its value the mean weighted by people; a small leaf beside more splits is left
    /// out, and its rows go on to those. Somebody in two leaves counts once in what they become. A tree of fewer people keeps
    /// one leaf. O((splits + people) log people).
    #[must_use]
    pub fn pruned(&self, people: &[Vec<u32>], least: usize) -> Self {
        let mut fates: Vec<Fate> = (0..self.splits.len()).map(Fate::Split).collect();
        let fate = |fates: &[Fate], way: Way| match (way.as_leaf(), way.as_split()) {
            (Some(leaf), _) => Fate::Leaf(people.get(leaf).cloned().unwrap_or_default(), self.weights(leaf).to_vec()),
            (_, Some(split)) => fates[split].clone(),
            (None, None) => Fate::Leaf(Vec::new(), Vec::new()),
        };
        // Splits stand before those below them: from the end on, everything below is known.
        for at in (0..self.splits.len()).rev() {
            let split = &self.splits[at];
            fates[at] = match (fate(&fates, split.yes), fate(&fates, split.no)) {
                (Fate::Leaf(a, x), Fate::Leaf(b, y)) if a.len() < least || b.len() < least => {
                    let weights = mean((a.len(), &x), (b.len(), &y));
                    Fate::Leaf(together(a, b), weights)
                }
                (Fate::Leaf(a, _), Fate::Split(other)) if a.len() < least => Fate::Split(other),
                (Fate::Split(other), Fate::Leaf(b, _)) if b.len() < least => Fate::Split(other),
                _ => Fate::Split(at),
            };
        }
        let mut grown =
            Self { roots: Vec::new(), splits: Vec::new(), leaves: Vec::new(), weights: Vec::new(), ..self.clone() };
        for (tree, &root) in self.roots.iter().enumerate() {
            let mut waiting: Vec<(Fate, Parent, u32)> = vec![(fate(&fates, root), None, 0)];
            while let Some((fated, parent, depth)) = waiting.pop() {
                let way = match fated {
                    Fate::Leaf(_, weights) => {
                        let (first, len) = (grown.weights.len() as u32, weights.len() as u32);
                        grown.weights.extend(weights);
                        grown.leaves.push(Leaf { tree: tree as u32, depth, first, len });
                        Way::leaf(grown.leaves.len() - 1)
                    }
                    Fate::Split(at) => {
                        let split = self.splits[at];
                        let index = grown.splits.len();
                        grown.splits.push(split);
                        waiting.push((fate(&fates, split.no), Some((index, false)), depth + 1));
                        waiting.push((fate(&fates, split.yes), Some((index, true)), depth + 1));
                        Way::split(index)
                    }
                };
                match parent {
                    None => grown.roots.push(way),
                    Some((above, true)) => grown.splits[above].yes = way,
                    Some((above, false)) => grown.splits[above].no = way,
                }
            }
        }
        grown
    }
}

/// The people of two leaves, each once.
fn together(mut first: Vec<u32>, second: Vec<u32>) -> Vec<u32> {
    first.extend(second);
    first.sort_unstable();
    first.dedup();
    first
}

/// What two leaves add on average over their people; a value that one of them lacks is zero there.
fn mean((a, x): (usize, &[Weight]), (b, y): (usize, &[Weight])) -> Vec<Weight> {
    let total = (a + b) as f64;
    let (p, q) = if a + b == 0 { (0.5, 0.5) } else { (a as f64 / total, b as f64 / total) };
    let mut sums: Vec<Weight> = Vec::new();
    for (weight, share) in x.iter().map(|w| (w, p)).chain(y.iter().map(|w| (w, q))) {
        match sums.iter_mut().find(|sum| sum.target == weight.target) {
            Some(sum) => sum.value += share * weight.value,
            None => sums.push(Weight { target: weight.target, value: share * weight.value }),
        }
    }
    sums
}
