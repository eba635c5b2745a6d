//! Log-linear models of a table of keys: how many sample uniques are unique in the population, and whether the model fits.

use rayon::prelude::*;

use super::margins::{Effort, NoTable, margin_of, table_within};

/// What a log-linear model says about the sample uniques of a table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogLinear {
    /// Expected number of sample uniques that are unique in the population (tau 1).
    pub population_uniques: f64,
    /// Expected number of right matches of sample uniques, the sum of E(1/F) (tau 2).
    pub right_matches: f64,
    /// Estimated bias of tau 1 over its standard error: over about 2 the model leaves out dependence and the risk is too
    /// high, below -2 it follows the sample too closely and the risk is too low.
    pub dispersion: f64,
    /// The same for tau 2.
    pub dispersion_of_matches: f64,
}

/// A log-linear model fitted to a table of counts.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fitted {
    /// Its interactions; `[0]` is the main effect of the first axis.
    pub(super) terms: Vec<Vec<usize>>,
    /// Expected counts of the sample, last axis fastest.
    pub(super) means: Vec<f64>,
    /// What it says.
    pub(super) says: LogLinear,
    /// Rounds of fitting that it took.
    rounds: usize,
}

/// The dispersion up to which a model is taken to hold, at a level of 5 %.
pub(super) const DISPERSION: f64 = 1.96;
/// What is spent on the model that is asked for.
const EFFORT: Effort = Effort { rounds: 1_000, within: 1e-7, settle: 0.0 };
/// What is spent on each of many models at most. Where combinations are empty the likelihood may have no maximum with positive
/// means, and every further digit takes ten times the rounds; a quarter of a person is less than chance in any total.
pub(super) const QUICK: Effort = Effort { rounds: 100, within: 1e-5, settle: 0.25 };
/// Rounds that cost as much as setting up a fit, and below which no model is tried.
pub(super) const FEWEST_ROUNDS: usize = 10;
/// Cells x interactions x rounds, summed over the models that are tried, that are affordable: a few seconds of one thread.
const BUDGET: usize = 1_500_000_000;

impl LogLinear {
    /// Fits the model with the given interactions (`[[0], [1], [2]]` are main effects) to the counts of a table, last axis
    /// fastest, of a sample with the `fraction` of the population.
    ///
    /// Population counts are Poisson with means lambda, sample counts with mean fraction x lambda; the fitted sample mean over
    /// the fraction is lambda. tau 1 = sum over cells of one record of exp(-(1 - fraction) lambda), tau 2 of
    /// (1 - exp(-(1 - fraction) lambda)) / ((1 - fraction) lambda). O(cells x interactions) a round of fitting.
    ///
    /// References: Skinner and Holmes, Journal of Official Statistics 14 (1998) 361-372; Skinner and Shlomo, Journal of the
    /// American Statistical Association 103 (2008) 989-1001 (dispersion).
    ///
    /// # Errors
    /// As [`table_of_margins`](super::table_of_margins).
    pub fn fit(levels: &[usize], counts: &[f64], terms: &[Vec<usize>], fraction: f64) -> Result<Self, NoTable> {
        Ok(Fitted::of(levels, counts, terms.to_vec(), fraction, None, EFFORT)?.says)
    }

    /// The model whose dispersion is acceptable: main effects, to which the two-way interaction that lowers the dispersion of tau
    /// 1 and tau 2, whichever is larger, most is added until both are below 1.96, none lowers it or trying more would take too
    /// long. Returns the interactions with the model.
    ///
    /// Totals of the models that are tried are reached within a hundred thousandth of the sample, or a quarter of a person after
    /// 100 rounds of fitting, or as many as are affordable; a model with a total farther off is left out. O(cells x interactions x rounds), 1.5 x 10^9 in all: a few seconds of one thread.
    ///
    /// # Errors
    /// As [`LogLinear::fit`] of the main effects.
    pub fn choose(levels: &[usize], counts: &[f64], fraction: f64) -> Result<(Vec<Vec<usize>>, Self), NoTable> {
        let chosen = Fitted::choose(levels, counts, fraction)?;
        Ok((chosen.terms, chosen.says))
    }

    /// The statistic that is farther from 0.
    pub(super) fn farther(&self) -> f64 {
        let [one, two] = [self.dispersion, self.dispersion_of_matches];
        if two.abs() > one.abs() { two } else { one }
    }

    fn of(counts: &[f64], means: &[f64], fraction: f64) -> Self {
        let rest = 1.0 - fraction;
        let mut found = [0.0; 2];
        let (mut bias, mut variance) = ([0.0; 2], [0.0; 2]);
        for (&count, &mean) in counts.iter().zip(means).filter(|(_, mean)| **mean > 0.0) {
            let lambda = mean / fraction;
            for (at, risk) in [unique(rest, lambda), matched(rest, lambda)].into_iter().enumerate() {
                if count == 1.0 {
                    found[at] += risk.value;
                }
                // The bias of a cell, expanded around lambda: unbiased estimates of (lambda - fitted) and of its square.
                let weight = mean * (-mean).exp();
                let linear = -weight * risk.slope / fraction;
                let square = weight * risk.bend / (2.0 * fraction * fraction);
                bias[at] += linear * (count - mean) + square * ((count - mean).powi(2) - count);
                variance[at] += linear * linear * mean + 2.0 * square * square * mean * mean;
            }
        }
        let standard = |at: usize| if variance[at] > 0.0 { bias[at] / variance[at].sqrt() } else { 0.0 };
        Self {
            population_uniques: found[0],
            right_matches: found[1],
            dispersion: standard(0),
            dispersion_of_matches: standard(1),
        }
    }
}

impl Fitted {
    /// Fits a model; `start` is the table of a model with fewer interactions, from which the way is shorter.
    pub(super) fn of(
        levels: &[usize],
        counts: &[f64],
        terms: Vec<Vec<usize>>,
        fraction: f64,
        start: Option<&[f64]>,
        effort: Effort,
    ) -> Result<Self, NoTable> {
        let margins: Vec<_> = terms.iter().map(|axes| margin_of(levels, counts, axes)).collect();
        let (means, rounds) = table_within(levels, &margins, start, effort)?;
        let says = LogLinear::of(counts, &means, fraction);
        Ok(Self { terms, means, says, rounds })
    }

    /// [`LogLinear::choose`]. The same on any number of threads.
    pub(super) fn choose(levels: &[usize], counts: &[f64], fraction: f64) -> Result<Self, NoTable> {
        let axes = levels.len();
        let main = (0..axes).map(|axis| vec![axis]).collect();
        let mut model = Self::of(levels, counts, main, fraction, None, QUICK)?;
        let mut budget = BUDGET;
        while model.says.dispersion.max(model.says.dispersion_of_matches) > DISPERSION {
            let pairs = (0..axes).flat_map(|a| (a + 1..axes).map(move |b| vec![a, b]));
            let left: Vec<_> = pairs.filter(|pair| !model.terms.contains(pair)).collect();
            let round = (model.terms.len() + 1) * counts.len();
            // What is affordable is settled before any is tried, so that it is the same on any number of threads.
            let affordable = budget / (left.len() * round).max(1);
            if affordable < 2 * FEWEST_ROUNDS {
                break;
            }
            let effort = Effort { rounds: (affordable - FEWEST_ROUNDS).min(QUICK.rounds), ..QUICK };
            let with = |pair: Vec<usize>| {
                let more = [model.terms.clone(), vec![pair]].concat();
                Self::of(levels, counts, more, fraction, Some(&model.means), effort).ok()
            };
            let tried: Vec<Option<Self>> = left.into_par_iter().map(with).collect();
            let taken =
                |tried: &Option<Self>| FEWEST_ROUNDS + tried.as_ref().map_or(effort.rounds, |tried| tried.rounds);
            budget -= round * tried.iter().map(taken).sum::<usize>();
            let size = |model: &Self| model.says.farther().abs();
            let best = tried.into_iter().flatten().min_by(|a, b| size(a).total_cmp(&size(b)));
            match best {
                Some(better) if size(&better) < size(&model) => model = better,
                _ => break,
            }
        }
        Ok(model)
    }
}

/// A risk as a function of lambda, with its first two derivatives.
struct Risk {
    value: f64,
    slope: f64,
    bend: f64,
}

/// exp(-rest lambda).
fn unique(rest: f64, lambda: f64) -> Risk {
    let value = (-rest * lambda).exp();
    Risk { value, slope: -rest * value, bend: rest * rest * value }
}

/// (1 - exp(-x)) / x with x = rest lambda; by its series where x is small.
fn matched(rest: f64, lambda: f64) -> Risk {
    let x = rest * lambda;
    let (value, first, second) = if x < 1e-3 {
        (1.0 - x / 2.0 + x * x / 6.0, -0.5 + x / 3.0 - x * x / 8.0, 1.0 / 3.0 - x / 4.0 + x * x / 10.0)
    } else {
        let fall = (-x).exp();
        let value = -(-x).exp_m1() / x;
        let first = (fall - value) / x;
        (value, first, (-fall - 2.0 * first) / x)
    };
    Risk { value, slope: rest * first, bend: rest * rest * second }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::{Seed, Stream};
    use crate::stats::uniform::{below, unit};

    /// Sex by water by roof of a survey, 4,580 people.
    const SURVEY: [u32; 80] = [
        10, 288, 3, 4, 0, 3, 33, 0, 0, 0, 83, 642, 5, 7, 3, 261, 627, 0, 1, 0, 41, 236, 0, 3, 2, 0, 13, 0, 0, 0, 2, 12,
        0, 0, 0, 2, 14, 0, 0, 1, 9, 279, 3, 4, 0, 1, 29, 0, 0, 0, 71, 646, 8, 9, 4, 278, 584, 0, 4, 0, 41, 257, 0, 2,
        2, 0, 13, 0, 0, 0, 11, 11, 0, 0, 0, 1, 13, 0, 0, 4,
    ];

    fn main_effects(axes: usize) -> Vec<Vec<usize>> {
        (0..axes).map(|axis| vec![axis]).collect()
    }

    /// An independent computation from the theory; the mean of the sample in the place of lambda would give 0.9921.
    #[test]
    fn survey_equals_the_theory() {
        let counts = SURVEY.map(f64::from);
        let found = LogLinear::fit(&[2, 8, 5], &counts, &main_effects(3), 0.01).unwrap();
        assert!((found.population_uniques - 0.002_315_199_153_080).abs() < 1e-12);
        assert!((found.right_matches - 0.170_939_862_249_139).abs() < 1e-12);
    }

    /// Ten records of three columns, each standing for a hundred people (sdcMicro's example of `modRisk`), main effects: the mean
    /// of a cell is 10 p q r, and lambda a hundred times that. sdcMicro prints 0.552916 and 0.705384: the mean of the sample in
    /// the place of lambda, over the nine cells that are not empty.
    #[test]
    fn ten_rows_by_closed_form() {
        let rows = [2, 3, 2, 3, 3, 1, 2, 3, 2, 2]
            .into_iter()
            .zip([2, 1, 2, 2, 1, 2, 1, 1, 1, 2])
            .zip([5, 4, 4, 5, 4, 4, 3, 3, 2, 2]);
        let mut counts = [0.0; 24];
        rows.for_each(|((a, b), c)| counts[(a - 1) * 8 + (b - 1) * 4 + c - 2] += 1.0);
        let found = LogLinear::fit(&[3, 2, 4], &counts, &main_effects(3), 0.01).unwrap();
        // The eight cells of one record: 4 of mean 0.5, 2 of 0.4, one of 1 and one of 0.2.
        let means = [0.5, 0.5, 0.5, 0.5, 0.4, 0.4, 1.0, 0.2];
        let sum = |of: &dyn Fn(f64) -> f64| means.iter().map(|&mean| of(mean)).sum::<f64>();
        let unique_people = sum(&|mean| f64::exp(-99.0 * mean));
        assert!((found.population_uniques / unique_people - 1.0).abs() < 1e-9, "{found:?}");
        // 1 / (99 mean) for each, as good as: 19 / 99.
        assert!((found.right_matches - 19.0 / 99.0).abs() < 1e-9, "{found:?}");
        let theirs = [sum(&|mean| unique(0.99, mean).value) / 9.0, sum(&|mean| matched(0.99, mean).value) / 9.0];
        assert!((theirs[0] - 0.552_915_951_536).abs() < 1e-9, "{theirs:?}");
        assert!((theirs[1] - 0.705_384_209_241).abs() < 1e-9, "{theirs:?}");
    }

    /// Slopes and bends are those of the values.
    #[test]
    fn derivatives_are_right() {
        for risk in [unique, matched] {
            for lambda in [2e-4, 0.3, 2.0, 30.0] {
                let (h, at) = (1e-4 * f64::max(lambda, 0.1), risk(0.9, lambda));
                let (low, high) = (risk(0.9, lambda - h), risk(0.9, lambda + h));
                assert!((at.slope - (high.value - low.value) / (2.0 * h)).abs() < 1e-6, "{lambda}");
                assert!((at.bend - (high.slope - low.slope) / (2.0 * h)).abs() < 1e-6, "{lambda}");
            }
        }
    }

    fn poisson(mean: f64, stream: &mut Stream) -> u32 {
        let (limit, mut product, mut count) = ((-mean).exp(), 1.0, 0);
        loop {
            product *= unit(stream);
            if product <= limit {
                return count;
            }
            count += 1;
        }
    }

    /// A population in which two of three columns depend on each other: main effects are told to be too few, the dependence is
    /// added, and the chosen model finds the true number of population uniques among the sample uniques.
    #[test]
    fn dependence_is_found_and_the_truth_with_it() {
        let levels = [12, 12, 10];
        let (mut truth, mut chosen, mut plain) = (0.0, 0.0, 0.0);
        for run in 0..6 {
            let mut stream = Seed::root(run).derive("table").stream();
            let mut counts = Vec::new();
            for cell in 0..1440_usize {
                let (a, b, c) = (cell / 120, cell / 10 % 12, cell % 10);
                let near = if a.abs_diff(b) < 2 { 12.0 } else { 0.8 };
                let lambda = near * 8.0 / (1 + c) as f64;
                let population = poisson(lambda, &mut stream);
                let kept = (0..population).filter(|_| below(5, &mut stream) == 0).count();
                truth += f64::from(u8::from(kept == 1 && population == 1));
                counts.push(kept as f64);
            }
            let (terms, model) = LogLinear::choose(&levels, &counts, 0.2).unwrap();
            assert!(terms.contains(&vec![0, 1]), "{terms:?}");
            let independent = LogLinear::fit(&levels, &counts, &main_effects(3), 0.2).unwrap();
            assert!(independent.dispersion > 1.96 && model.dispersion < 1.96, "{independent:?} {model:?}");
            chosen += model.population_uniques;
            plain += independent.population_uniques;
        }
        // About 200 in all: a standard deviation of 7 %.
        assert!((chosen / truth - 1.0).abs() < 0.2, "{truth} {chosen} {plain}");
    }

    /// Two empty cells in opposite corners, all pairs: the likelihood has no maximum with positive means, so the last digits take
    /// thousands of rounds. A quick fit ends early, and says as good as the same.
    #[test]
    fn the_last_digits_are_left_out() {
        let counts = [0.0, 25.0, 20.0, 30.0, 15.0, 35.0, 40.0, 0.0];
        let pairs = [[0, 1], [0, 2], [1, 2]].map(Vec::from).to_vec();
        let fit = |effort: Effort| Fitted::of(&[2; 3], &counts, pairs.clone(), 0.05, None, effort);
        let long = Effort { rounds: 10_000, within: 1e-5, settle: 0.0 };
        assert_eq!(fit(EFFORT).err(), Some(NoTable::Unreached));
        let (quick, slow) = (fit(QUICK).unwrap(), fit(long).unwrap());
        assert!(quick.rounds == 100 && slow.rounds > 1_000, "{} {}", quick.rounds, slow.rounds);
        let close = |(a, b): (&f64, &f64)| (a - b).abs() < 0.25;
        assert!(quick.means.iter().zip(&slow.means).all(close), "{:?} {:?}", quick.means, slow.means);
    }
}
