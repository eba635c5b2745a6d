//! The independent units behind positives and negatives: rows, or clusters of rows that move together.
//!
//! Units come in three strata: with positives only, with negatives only, with both. Resampling and splitting keep the
//! size of each, so that the numbers of positives and negatives stay about what they are.

use super::uniform::{below, shuffle};
use crate::seed::Stream;

/// Which unit every row belongs to, and the units of each stratum.
pub(super) struct Units {
    /// The unit of every positive.
    pub(super) of_positives: Vec<u32>,
    /// The unit of every negative.
    pub(super) of_negatives: Vec<u32>,
    /// Units with positives only, with negatives only and with both; empty strata are left out.
    pub(super) strata: Vec<Vec<u32>>,
    /// One more than the largest unit.
    pub(super) len: usize,
}

impl Units {
    /// The units of `n` positives and `m` negatives: their clusters, or every row by itself.
    pub(super) fn of(n: usize, m: usize, clusters: Option<(&[u32], &[u32])>) -> Self {
        let (of_positives, of_negatives) = match clusters {
            Some((p, q)) => (p.to_vec(), q.to_vec()),
            None => ((0..n as u32).collect(), (n as u32..(n + m) as u32).collect()),
        };
        assert_eq!((n, m), (of_positives.len(), of_negatives.len()), "every row has a cluster");
        let len = of_positives.iter().chain(&of_negatives).max().map_or(0, |&unit| unit as usize + 1);
        let mut sides = vec![(false, false); len];
        of_positives.iter().for_each(|&unit| sides[unit as usize].0 = true);
        of_negatives.iter().for_each(|&unit| sides[unit as usize].1 = true);
        let with = |wanted: (bool, bool)| -> Vec<u32> {
            (0..len as u32).filter(|&unit| sides[unit as usize] == wanted).collect()
        };
        let mut strata = vec![with((true, false)), with((false, true)), with((true, true))];
        strata.retain(|stratum| !stratum.is_empty());
        Self { of_positives, of_negatives, strata, len }
    }

    /// The smaller number of units on a side.
    pub(super) fn smaller_side(&self) -> usize {
        let distinct = |units: &[u32]| {
            let mut seen = vec![false; self.len];
            units.iter().filter(|&&unit| !std::mem::replace(&mut seen[unit as usize], true)).count()
        };
        distinct(&self.of_positives).min(distinct(&self.of_negatives))
    }

    /// A random half of every stratum, as one flag a unit; the smaller half where a stratum is odd.
    pub(super) fn half(&self, stream: &mut Stream) -> Vec<bool> {
        let mut inside = vec![false; self.len];
        for stratum in &self.strata {
            let mut order = stratum.clone();
            shuffle(&mut order, stream);
            order[..stratum.len() / 2].iter().for_each(|&unit| inside[unit as usize] = true);
        }
        inside
    }

    /// How often each unit is drawn when every stratum is drawn from with replacement as often as it has units.
    pub(super) fn draw(&self, stream: &mut Stream) -> Vec<u32> {
        let mut weights = vec![0; self.len];
        for stratum in &self.strata {
            for _ in 0..stratum.len() {
                weights[stratum[below(stratum.len(), stream)] as usize] += 1;
            }
        }
        weights
    }
}
