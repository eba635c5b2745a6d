//! What likeness to people says: four cells for each class, three differences with intervals, one verdict for each attack.
//!
//! How near the nearest of some people is depends on how many they are: members and others are compared by the nearest of
//! equally many, expected over all draws. With eleven classes or more the classes are the observations; with fewer they are
//! all there are, and the people are. Refuses classes with too few people for either.

use crate::check::inversion::verdict::Verdict;
use crate::stats::interval::p_above_zero;
use crate::stats::means::{jackknifed, student};
use crate::stats::multiple::holm;
use crate::stats::nearest::{expected_largest, jackknife_variance, without_each};
use crate::stats::{Estimate, Level, Method};

/// Most people among whom the nearest is looked for.
const MOST_NEAR: usize = 10;
/// Fewest classes that are observations.
pub(in crate::check::inversion) const FEWEST_CLASSES: usize = 11;
/// Fewest people of each side of a class where people are observations.
pub(in crate::check::inversion) const FEWEST_PEOPLE: usize = 30;
/// Error probability of all verdicts together.
const ALPHA: f64 = 0.05;

/// How alike the people of one side are to the record that was inverted, and to the class mean of the attacker's records.
#[derive(Debug, Clone, Default)]
pub(in crate::check::inversion) struct Likenesses {
    pub(in crate::check::inversion) attack: Vec<f64>,
    pub(in crate::check::inversion) baseline: Vec<f64>,
}

/// The cells of one class.
#[derive(Debug, Clone, Default)]
pub(in crate::check::inversion) struct ClassCells {
    pub(in crate::check::inversion) members: Likenesses,
    pub(in crate::check::inversion) others: Likenesses,
}

/// What varies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::check::inversion) enum Observed {
    /// Classes; what holds of them holds of such classes.
    Classes,
    /// People within the classes.
    People,
}

/// An attack judged.
#[derive(Debug, Clone)]
pub(in crate::check::inversion) struct Judged {
    /// Likeness of what was inverted to members and to others, and of the class means to both.
    pub(in crate::check::inversion) cells: [f64; 4],
    /// How much more like members it is than the class mean is (g1).
    pub(in crate::check::inversion) excess: Estimate,
    /// How much more like members than like others it is (g2).
    pub(in crate::check::inversion) advantage: Estimate,
    /// The excess on members beyond that on others.
    pub(in crate::check::inversion) gap: Estimate,
    pub(in crate::check::inversion) verdict: Verdict,
}

impl Observed {
    /// What the observations are where this many classes can be used.
    pub(in crate::check::inversion) fn of(classes: usize) -> Self {
        if classes >= FEWEST_CLASSES { Self::Classes } else { Self::People }
    }

    /// Whether a class of so many people on each side can be used.
    pub(in crate::check::inversion) fn takes(self, members: usize, others: usize) -> bool {
        let fewest = if self == Self::Classes { 1 } else { FEWEST_PEOPLE };
        members.min(others) >= fewest
    }

    /// Of how many people the nearest is looked for. A third of the people, where they are observations: the error of an
    /// extreme cannot be had from the same people.
    fn few(self, cells: &ClassCells) -> usize {
        let people = cells.members.attack.len().min(cells.others.attack.len());
        let part = if self == Self::Classes { people } else { people / 3 };
        part.clamp(1, MOST_NEAR)
    }
}

impl Likenesses {
    fn expected(&self, few: usize) -> (f64, f64) {
        (expected_largest(&self.attack, few), expected_largest(&self.baseline, few))
    }

    /// Variances of the attack's cell, and of what it is above the baseline's.
    fn variances(&self, few: usize) -> (f64, f64) {
        let (attack, baseline) = (without_each(&self.attack, few), without_each(&self.baseline, few));
        let above: Vec<f64> = attack.iter().zip(&baseline).map(|(a, b)| a - b).collect();
        (jackknife_variance(&attack), jackknife_variance(&above))
    }
}

/// The differences of one attack: values and intervals at a level.
struct Differences {
    cells: [f64; 4],
    excess: Measure,
    advantage: Measure,
    gap: Measure,
}

/// A difference before its interval: one number per class, or a number with its variance over `n` people.
enum Measure {
    Classes(Vec<f64>),
    People(f64, f64, usize),
}

impl Measure {
    fn at(&self, level: Level) -> Estimate {
        match self {
            Self::Classes(values) => student(values, level).unwrap_or(Estimate {
                value: values.first().copied().unwrap_or(f64::NAN),
                low: f64::NEG_INFINITY,
                high: f64::INFINITY,
                level,
                n: values.len(),
                method: Method::StudentT,
            }),
            Self::People(value, variance, n) => jackknifed(*value, *variance, *n, level),
        }
    }
}

impl Differences {
    fn of(classes: &[ClassCells], observed: Observed) -> Self {
        let count = classes.len().max(1) as f64;
        let few: Vec<usize> = classes.iter().map(|cells| observed.few(cells)).collect();
        let four: Vec<[f64; 4]> = classes
            .iter()
            .zip(&few)
            .map(|(class, &few)| {
                let ((a, i), (b, j)) = (class.members.expected(few), class.others.expected(few));
                [a, b, i, j]
            })
            .collect();
        let mean = |of: &dyn Fn(&[f64; 4]) -> f64| four.iter().map(of).sum::<f64>() / count;
        let cells = [0, 1, 2, 3].map(|at| mean(&|cells| cells[at]));
        let signs: [fn(&[f64; 4]) -> f64; 3] = [|c| c[0] - c[2], |c| c[0] - c[1], |c| c[0] - c[2] - c[1] + c[3]];
        let [excess, advantage, gap] = match observed {
            Observed::Classes => signs.map(|of| Measure::Classes(four.iter().map(of).collect())),
            Observed::People => {
                let mut sums = [0.0; 3];
                let mut people = [0; 2];
                for (class, &few) in classes.iter().zip(&few) {
                    let ((a, above), (b, above_others)) = (class.members.variances(few), class.others.variances(few));
                    let of_class = [above, a + b, above + above_others];
                    sums.iter_mut().zip(of_class).for_each(|(sum, variance)| *sum += variance / count / count);
                    people[0] += class.members.attack.len();
                    people[1] += class.others.attack.len();
                }
                let n = people[0].min(people[1]);
                [0, 1, 2].map(|at| Measure::People(mean(&signs[at]), sums[at], n))
            }
        };
        Self { cells, excess, advantage, gap }
    }

    fn p_values(&self) -> [f64; 2] {
        let p = |measure: &Measure| p_above_zero(|level| measure.at(level));
        // Both must be there, which needs no correction (an intersection-union test).
        [p(&self.excess), p(&self.advantage).max(p(&self.gap))]
    }
}

/// Judges attacks on the same classes together: Holm's correction over both questions of all of them, and intervals that hold
/// together with 95 %.
pub(in crate::check::inversion) fn judge(attacks: &[Vec<ClassCells>], observed: Observed) -> Vec<Judged> {
    let level = Level::joint_95(3 * attacks.len());
    let all: Vec<Differences> = attacks.iter().map(|classes| Differences::of(classes, observed)).collect();
    let adjusted = holm(&all.iter().flat_map(Differences::p_values).collect::<Vec<f64>>());
    let judged = all.iter().zip(adjusted.chunks_exact(2)).map(|(found, p)| Judged {
        cells: found.cells,
        excess: found.excess.at(level),
        advantage: found.advantage.at(level),
        gap: found.gap.at(level),
        verdict: Verdict::of(p[0] < ALPHA, p[1] < ALPHA),
    });
    judged.collect()
}

impl Judged {
    /// What is owed to membership at least: the lower end of the smallest of the three differences, 0 where the verdict does
    /// not say so.
    pub(in crate::check::inversion) fn owed(&self) -> f64 {
        if self.verdict != Verdict::Individual {
            return 0.0;
        }
        [&self.excess, &self.advantage, &self.gap].iter().map(|e| e.low).fold(f64::INFINITY, f64::min).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::specimen::normal;
    use crate::seed::Seed;
    use proptest::prelude::*;

    /// Likenesses of `people` on each side around four means.
    fn class(people: usize, means: [f64; 4], seed: u64) -> ClassCells {
        let draw = |at: usize| -> Vec<f64> {
            let noise = normal(people, 0.0, Seed::root(seed).derive(&at.to_string()));
            noise.into_iter().map(|z| means[at] + 0.1 * z).collect()
        };
        ClassCells {
            members: Likenesses { attack: draw(0), baseline: draw(2) },
            others: Likenesses { attack: draw(1), baseline: draw(3) },
        }
    }

    fn verdict(means: [f64; 4], classes: u64) -> Verdict {
        let people = if classes < 11 { 300 } else { 3 };
        let cells: Vec<ClassCells> = (0..classes).map(|seed| class(people, means, seed)).collect();
        judge(&[cells], Observed::of(classes as usize))[0].verdict
    }

    #[test]
    fn each_of_the_four_verdicts_by_people_and_by_classes() {
        for classes in [2, 40] {
            assert_eq!(verdict([0.9, 0.5, 0.6, 0.6], classes), Verdict::Individual);
            assert_eq!(verdict([0.9, 0.9, 0.6, 0.6], classes), Verdict::Distribution);
            assert_eq!(verdict([0.6, 0.4, 0.8, 0.8], classes), Verdict::Latent);
            assert_eq!(verdict([0.5, 0.5, 0.8, 0.8], classes), Verdict::None);
            assert_eq!(verdict([0.5, 0.9, 0.6, 0.6], classes), Verdict::None, "members and others exchanged");
            // The class mean is as much nearer to members: the sets differ, whoever looks.
            assert_eq!(verdict([0.9, 0.7, 0.6, 0.4], classes), Verdict::Distribution);
        }
    }

    /// More people on one side are no nearer: 300 members against 60 others of the same distribution.
    #[test]
    fn the_larger_side_is_not_nearer() {
        let gap = |seed: u64| {
            let (many, few) = (class(300, [0.5; 4], seed), class(60, [0.5; 4], seed + 1000));
            let cells = ClassCells { members: many.members, others: few.others };
            judge(&[vec![cells]], Observed::People)[0].advantage
        };
        let found: Vec<Estimate> = (0..40).map(gap).collect();
        let mean = found.iter().map(|e| e.value).sum::<f64>() / 40.0;
        assert!(mean.abs() < 0.02, "{mean}; the nearest of 300 is 0.06 nearer than the nearest of 60");
        assert!(found.iter().filter(|e| e.covers(0.0)).count() >= 37);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// Exchanging members and others turns the advantage and the gap round, and nothing depends on the order of people.
        #[test]
        fn exchanged_sides_mirror_and_order_is_nothing(seed in 0_u64..1000, shift in -0.3_f64..0.3) {
            let cells = class(40, [0.5 + shift, 0.5, 0.6, 0.6], seed);
            let mirrored = ClassCells { members: cells.others.clone(), others: cells.members.clone() };
            let mut turned = cells.clone();
            for side in [&mut turned.members, &mut turned.others] {
                side.attack.reverse();
                side.baseline.reverse();
            }
            let of = |cells: &ClassCells| judge(&[vec![cells.clone()]], Observed::People).remove(0);
            let (a, b, c) = (of(&cells), of(&mirrored), of(&turned));
            prop_assert!((a.advantage.value + b.advantage.value).abs() < 1e-12);
            prop_assert!((a.gap.low + b.gap.high).abs() < 1e-9);
            prop_assert!((a.gap.low - c.gap.low).abs() < 1e-9 && a.verdict == c.verdict);
        }
    }
}
