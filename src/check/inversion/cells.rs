//! The measurement that every attack of the family shares: four cells.
//!
//! The attack and an adversary with the same knowledge but no model guess about the same people, once people the model was
//! trained on and once people it never saw. Everybody counts once: callers bring one record per patient, so that people are
//! the units of every interval. Refuses nothing; empty cells give intervals over the whole range.

use crate::stats::interval::{Paired, clopper_pearson, difference, newcombe, p_above_zero, residual, wilson};
use crate::stats::matthews::matthews;
use crate::stats::{Estimate, Level};

/// One adversary's guesses about some people.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Guesses {
    /// Which guesses are right.
    pub(super) right: Vec<bool>,
    /// How sure the adversary was; only the order counts.
    pub(super) confidence: Vec<f64>,
    /// The guessed values as codes; empty where a number is guessed.
    pub(super) values: Vec<u32>,
}

/// What both adversaries said about the people of one set.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Side {
    /// With the model.
    pub(super) attack: Guesses,
    /// Without it.
    pub(super) baseline: Guesses,
    /// The true values as codes; empty where a number is guessed.
    pub(super) truth: Vec<u32>,
}

/// The four cells.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Cells {
    /// People the model was trained on.
    pub(super) members: Side,
    /// People it was not.
    pub(super) others: Side,
}

/// The people an adversary is surest of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Top {
    /// How many: whole blocks of equally sure guesses.
    pub(super) people: usize,
    /// How many of them are guessed right.
    pub(super) right: usize,
}

fn take<T: Copy>(values: &[T], rows: &[usize]) -> Vec<T> {
    rows.iter().filter_map(|&row| values.get(row).copied()).collect()
}

impl Guesses {
    /// How many are right.
    pub(super) fn hits(&self) -> usize {
        self.right.iter().filter(|right| **right).count()
    }

    /// The share that is right.
    pub(super) fn rate(&self, level: Level) -> Estimate {
        wilson(self.hits(), self.right.len(), level)
    }

    /// The guesses about some people.
    pub(super) fn take(&self, rows: &[usize]) -> Self {
        Self {
            right: take(&self.right, rows),
            confidence: take(&self.confidence, rows),
            values: take(&self.values, rows),
        }
    }

    /// People from the surest on, and where blocks of equally sure guesses end.
    fn ranked(&self) -> (Vec<usize>, Vec<usize>) {
        let mut order: Vec<usize> = (0..self.right.len()).collect();
        order.sort_by(|&a, &b| self.confidence[b].total_cmp(&self.confidence[a]).then(a.cmp(&b)));
        let same = |end: usize| self.confidence[order[end]] == self.confidence[order[end - 1]];
        let ends = (1..=order.len()).filter(|&end| end == order.len() || !same(end)).collect();
        (order, ends)
    }

    /// The `count` people the adversary is surest of, and all who tie with the last of them. O(n log n).
    pub(super) fn surest(&self, count: usize) -> Vec<usize> {
        let (mut order, ends) = self.ranked();
        let end = ends.into_iter().find(|&end| end >= count).unwrap_or(order.len());
        order.truncate(end);
        order
    }

    /// What the adversary achieves on the `count` people it is surest of.
    pub(super) fn top(&self, count: usize) -> Top {
        let rows = self.surest(count);
        Top { people: rows.len(), right: rows.iter().filter(|&&row| self.right[row]).count() }
    }

    /// The fewest people from the surest on among whom the right guesses make up `recall` of everybody; nothing where the
    /// adversary never gets that far.
    pub(super) fn top_at_recall(&self, recall: f64) -> Option<Top> {
        let wanted = ((recall * self.right.len() as f64).ceil() as usize).max(1);
        let (order, ends) = self.ranked();
        let (mut start, mut right) = (0, 0);
        for end in ends {
            right += order[start..end].iter().filter(|&&row| self.right[row]).count();
            if right >= wanted {
                return Some(Top { people: end, right });
            }
            start = end;
        }
        None
    }
}

impl Top {
    /// The share that is right, exact interval.
    pub(super) fn precision(self, level: Level) -> Estimate {
        clopper_pearson(self.right, self.people, level)
    }
}

impl Side {
    /// The side of some people.
    pub(super) fn take(&self, rows: &[usize]) -> Self {
        Self { attack: self.attack.take(rows), baseline: self.baseline.take(rows), truth: take(&self.truth, rows) }
    }

    /// Number of people.
    pub(super) fn people(&self) -> usize {
        self.attack.right.len()
    }

    fn paired(&self) -> Paired {
        Paired::of(&self.attack.right, &self.baseline.right)
    }

    /// What the model adds on the same people.
    pub(super) fn excess(&self, level: Level) -> Estimate {
        self.paired().difference(level)
    }

    /// Matthews' correlation of guess and truth, with and without the model; nothing for numbers.
    pub(super) fn matthews(&self) -> Option<(f64, f64)> {
        let of = |guesses: &Guesses| matthews(&self.truth, &guesses.values);
        let codes = !self.truth.is_empty() && self.attack.values.len() == self.truth.len();
        (codes && self.baseline.values.len() == self.truth.len()).then(|| (of(&self.attack), of(&self.baseline)))
    }
}

impl Cells {
    /// The cells of some members and of some others.
    pub(super) fn take(&self, members: &[usize], others: &[usize]) -> Self {
        Self { members: self.members.take(members), others: self.others.take(others) }
    }

    /// What the model adds on members, paired by person (g1): Newcombe's interval.
    pub(super) fn excess(&self, level: Level) -> Estimate {
        self.members.excess(level)
    }

    /// How much better the attack does on members than on others (g2, Yeom's attribute advantage).
    pub(super) fn advantage(&self, level: Level) -> Estimate {
        let (a, b) = (&self.members.attack, &self.others.attack);
        newcombe(a.hits(), a.right.len(), b.hits(), b.right.len(), level)
    }

    /// What the model adds on members beyond what it adds on others, a difference in differences: the luck of the
    /// adversary without the model drops out.
    pub(super) fn gap(&self, level: Level) -> Estimate {
        difference(&self.members.excess(level), &self.others.excess(level))
    }

    /// The success on members beyond what is possible without the model or without membership, in shares of what was left
    /// to gain (Anonymeter's residual risk). The control is imputation on members or the attack on others, whichever is right
    /// more often; nothing where that is always right.
    pub(super) fn residual(&self, level: Level) -> Option<Estimate> {
        let (imputed, outside) = (self.members.baseline.rate(level), self.others.attack.rate(level));
        let control = if imputed.value >= outside.value { imputed } else { outside };
        residual(&self.members.attack.rate(level), &control)
    }

    /// Two-sided p-value of "the model adds nothing on members": the larger of `McNemar`'s exact test and the one that
    /// belongs to the interval.
    pub(super) fn p_excess(&self) -> f64 {
        (2.0 * self.members.paired().mcnemar()).min(1.0).max(p_above_zero(|level| self.excess(level)))
    }

    /// Two-sided p-value of "being a member adds nothing": the larger of those of the advantage and of the gap, both of
    /// which must be there (an intersection-union test needs no correction).
    pub(super) fn p_member(&self) -> f64 {
        p_above_zero(|level| self.advantage(level)).max(p_above_zero(|level| self.gap(level)))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::check::specimen::{normal, uniform};
    use crate::seed::Seed;
    use proptest::prelude::*;

    /// Guesses that are right where told, all equally sure.
    pub(in crate::check::inversion) fn guesses(right: &[bool]) -> Guesses {
        Guesses { right: right.to_vec(), confidence: vec![0.0; right.len()], values: Vec::new() }
    }

    /// Cells with given numbers of right guesses; the two adversaries are right about the same people as far as possible.
    pub(in crate::check::inversion) fn cells(n: usize, [a, i, b, j]: [usize; 4]) -> Cells {
        let first = |hits: usize| guesses(&(0..n).map(|row| row < hits).collect::<Vec<bool>>());
        let side = |attack, baseline| Side { attack: first(attack), baseline: first(baseline), truth: Vec::new() };
        Cells { members: side(a, i), others: side(b, j) }
    }

    #[test]
    fn differences_worked_out_by_hand() {
        let found = cells(1000, [950, 800, 530, 800]);
        assert!((found.excess(Level::P95).value - 0.15).abs() < 1e-12);
        assert!((found.advantage(Level::P95).value - 0.42).abs() < 1e-12);
        assert!((found.gap(Level::P95).value - 0.42).abs() < 1e-12, "0.15 - (-0.27)");
        // (0.95 - 0.80) / (1 - 0.80)
        let gained = found.residual(Level::P95).expect("something is left");
        assert!((gained.value - 0.75).abs() < 1e-12 && gained.covers(0.75));
        assert_eq!(cells(50, [50, 50, 40, 40]).residual(Level::P95), None, "nothing was left to gain");
        assert!(found.p_excess() < 1e-6 && found.p_member() < 1e-6);
        // Exchanging members and others turns the advantage round and leaves nothing.
        let swapped = Cells { members: found.others.clone(), others: found.members.clone() };
        assert!((swapped.advantage(Level::P95).value + 0.42).abs() < 1e-12);
        assert!(swapped.p_excess() == 1.0 && swapped.p_member() == 1.0);
        assert_eq!(swapped.residual(Level::P95).expect("something is left").high, 0.0);
    }

    #[test]
    fn the_surest_come_in_whole_blocks_of_ties() {
        let found = Guesses {
            right: vec![true, false, true, true, false, false],
            confidence: vec![0.9, 0.5, 0.9, 0.5, 0.1, 0.1],
            values: Vec::new(),
        };
        assert_eq!(found.top(1), Top { people: 2, right: 2 });
        assert_eq!(found.top(3), Top { people: 4, right: 3 });
        assert_eq!(found.top(100), Top { people: 6, right: 3 });
        // Half of six people are three right guesses, reached with the second block; all of them never are.
        assert_eq!(found.top_at_recall(0.5), Some(Top { people: 4, right: 3 }));
        assert_eq!(found.top_at_recall(0.6), None);
    }

    /// The interval of the difference in differences holds its level where attack and imputation are right together,
    /// and agrees with a bootstrap over people.
    #[test]
    fn the_gap_covers_and_agrees_with_a_bootstrap() {
        let side = |seed: Seed, attack: f64| {
            let luck = normal(400, 0.0, seed.derive("luck"));
            let own = normal(400, 0.0, seed.derive("own"));
            let right = |cut: f64, own: &[f64]| -> Vec<bool> {
                luck.iter().zip(own).map(|(luck, own)| luck + own < cut).collect()
            };
            let (first, second) = (right(attack, &own), right(0.5, &normal(400, 0.0, seed.derive("second"))));
            Side { attack: guesses(&first), baseline: guesses(&second), truth: Vec::new() }
        };
        let case = |run: u64| {
            let seed = Seed::root(run).derive("gap");
            Cells { members: side(seed.derive("members"), 0.5), others: side(seed.derive("others"), 0.5) }
        };
        let covered = (0..400).filter(|&run| case(run).gap(Level::P95).covers(0.0)).count();
        assert!((368..=396).contains(&covered), "{covered} of 400");
        let cells = case(1);
        let draws: Vec<f64> = (0..600)
            .map(|draw| {
                let seed = Seed::root(draw).derive("bootstrap");
                let rows = |name: &str| uniform(400, 400, seed.derive(name)).into_iter().map(|row| row as usize);
                let (a, b): (Vec<usize>, Vec<usize>) = (rows("a").collect(), rows("b").collect());
                cells.take(&a, &b).gap(Level::P95).value
            })
            .collect();
        let mean = draws.iter().sum::<f64>() / 600.0;
        let deviation = (draws.iter().map(|draw| (draw - mean).powi(2)).sum::<f64>() / 600.0).sqrt();
        let gap = cells.gap(Level::P95);
        assert!(((gap.high - gap.low) / (2.0 * 1.96 * deviation) - 1.0).abs() < 0.15, "{gap:?} and {deviation}");
    }

    proptest! {
        /// The order of the people changes no number.
        #[test]
        fn permuting_people_changes_nothing(rows in prop::collection::vec((any::<bool>(), any::<bool>(), 0_u8..5, 0_u32..3, 0_u32..3), 2..60), turn in 1_usize..59) {
            let side = |rows: &[(bool, bool, u8, u32, u32)]| Side {
                attack: Guesses {
                    right: rows.iter().map(|row| row.0).collect(),
                    confidence: rows.iter().map(|row| f64::from(row.2)).collect(),
                    values: rows.iter().map(|row| row.3).collect(),
                },
                baseline: Guesses {
                    right: rows.iter().map(|row| row.1).collect(),
                    confidence: vec![0.0; rows.len()],
                    values: rows.iter().map(|row| row.4).collect(),
                },
                truth: rows.iter().map(|row| row.4).collect(),
            };
            let mut turned = rows.clone();
            turned.rotate_left(turn % rows.len());
            let (a, b) = (side(&rows), side(&turned));
            prop_assert_eq!(a.excess(Level::P95), b.excess(Level::P95));
            prop_assert_eq!(a.matthews(), b.matthews());
            for count in [1, 10, 50] {
                prop_assert_eq!(a.attack.top(count), b.attack.top(count));
            }
            prop_assert_eq!(a.attack.top_at_recall(0.05), b.attack.top_at_recall(0.05));
        }
    }
}
