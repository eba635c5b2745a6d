//! What models of single records say about the people who are unique in a sample, with intervals by parametric bootstrap.

use rayon::prelude::*;
use thiserror::Error;

use super::fit::{Bins, counted, p_value};
use super::{MISFIT, NoTable, bounds_of_uniques};
use crate::equivalence::Histogram;
use crate::seed::{Seed, Stream};
use crate::stats::interval::normal_quantile;
use crate::stats::{Estimate, Level, Method};

/// A model of single records: it says how many people share a key, and draws samples like the one that it was fitted to.
pub(super) trait RecordModel: Sync + Sized {
    /// Records as the model counts them.
    type Sample;
    /// Sizes of its groups.
    fn sizes(sample: &Self::Sample) -> Histogram;
    /// Numbers of groups by size.
    fn bins(sample: &Self::Sample) -> Bins {
        counted(&Self::sizes(sample))
    }
    /// A sample as large as the one that the model was fitted to.
    fn draw(&self, stream: &mut Stream) -> Self::Sample;
    /// The same model fitted to another sample; nothing where it has no fit.
    fn again(&self, sample: &Self::Sample) -> Option<Self>;
    /// For at most so many of the sample's uniques, spread evenly: the probability that nobody of the `others`, who are not
    /// in the sample, shares the key, and the mean of 1 over the number of people with it.
    fn risks(&self, sample: &Self::Sample, others: f64, most: usize) -> Vec<[f64; 2]>;
}

/// A sample and where it comes from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Drawn {
    /// Records, each of another person.
    pub(super) records: usize,
    /// People of the population.
    pub(super) population: f64,
    /// Samples to draw for the intervals.
    pub(super) replicates: usize,
}

/// What a model of single records says; values have the mean error of drawn samples taken off, and are held within the bounds
/// that hold for every population ([`bounds_of_uniques`]). Sample uniques are people whose key nobody else of the sample has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RecordAnswer {
    /// Share of the population that is unique in it, 0 to 1: tau 1 over the number of records, since whoever is unique in the
    /// population is unique in every sample that holds them.
    pub unique_share: Estimate,
    /// tau 1 over the number of sample uniques: the share of them that is unique in the population, 0 to 1.
    pub population_uniques: Estimate,
    /// tau 2 over the number of sample uniques: the share of matches with them that are right, 0 to 1.
    pub right_matches: Estimate,
    /// p-value of the test that the sample has the group sizes that the fitted model draws, 0 to 1.
    pub fit: f64,
    /// Sample uniques that the model expects over those counted.
    pub expected_over_counted: f64,
    /// Samples on which the intervals rest: drawn from the model, and fitted again.
    pub replicates: usize,
}

/// Why a model of single records says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
pub enum NoAnswer {
    /// The sample is the population.
    #[error("everybody is in the data")]
    Everybody,
    /// No key has to be modelled.
    #[error("one column has no combinations")]
    OneColumn,
    /// Nobody to speak of.
    #[error("nobody is unique in the data")]
    NoUniques,
    /// From 1 to 10 sample uniques.
    #[error("fewer than 11 people are unique in the data")]
    FewUniques,
    /// The fit would take too long.
    #[error("too many records and columns for its cost: give fewer columns, or a sample of the records")]
    TooLarge,
    /// The table of all combinations is too large.
    #[error("more than {0} combinations of values are possible, most of them empty: merge values or leave out columns")]
    TooManyCells(usize),
    /// Columns depend on each other as no normal variables do.
    #[error("the correlations of the columns do not fit together (shrunk to {0:.2} of them)")]
    Shrunk(f64),
    /// Skinner and Shlomo's statistic is out of its range.
    #[error("{} (dispersion {dispersion:.1}; pairs of columns that depend on each other in the model: {pairs})",
        if *.dispersion > 0.0 { "it leaves out dependence between columns, so its risks would be too high" }
        else { "it follows the data too closely, so its risks would be too low" })]
    Dispersion {
        /// The statistic for tau 1 or tau 2, whichever is farther out.
        dispersion: f64,
        /// Two-way interactions in the model.
        pairs: usize,
    },
    /// The model draws other samples than the one at hand.
    #[error(
        "does not agree with the groups: it expects {expected_over_counted:.2} times the people unique in the data"
    )]
    Misfit {
        /// Sample uniques that the model expects over those counted.
        expected_over_counted: f64,
    },
    /// The model has no fit to too many of the samples drawn from it.
    #[error("no interval: only {fitted} of {drawn} samples drawn from it could be fitted again")]
    FewRefits {
        /// Samples that could be fitted.
        fitted: usize,
        /// Samples drawn.
        drawn: usize,
    },
    /// No fit by iterations.
    #[error("no fit: {0}")]
    NoTable(#[from] NoTable),
}

/// Sample uniques below which nothing is said: 1 to 10 people are counted nowhere.
const FEWEST: f64 = 11.0;
/// Sample uniques that are scored: of the sample, and of each drawn one.
const SCORED: (usize, usize) = (2_000, 400);
/// Samples drawn for an interval, at least and at most.
const REPLICATES: (usize, usize) = (20, 40);
/// Share of the samples drawn that have to be fitted again: those that are not are sparser than the others, so nobody knows
/// how wide an interval without many of them should be.
const REFITTED: f64 = 0.75;
/// The largest difference between expected and counted share of people alone or in pairs at which a model that fails the test of
/// its fit is heard, on the scale of [`angle`]: 5 of 100 people where half are alone, 2 where one in twenty is.
const OFF: f64 = 0.05;

/// As many replicates as a budget allows; nothing where it does not allow the fewest.
pub(super) fn replicates(cost: f64, budget: f64) -> Option<usize> {
    let affordable = (budget / cost.max(1.0)) as usize;
    (affordable >= REPLICATES.0).then(|| affordable.min(REPLICATES.1))
}

/// Whether there are sample uniques that may be counted.
pub(super) fn enough_uniques(counted: &Bins) -> Result<(), NoAnswer> {
    match counted[0] {
        0.0 => Err(NoAnswer::NoUniques),
        alone if alone < FEWEST => Err(NoAnswer::FewUniques),
        _ => Ok(()),
    }
}

/// Answers with intervals. Samples are drawn from the model, the model is fitted to each, and what that says of the sample's own
/// uniques is held against what the model that drew it says of them; the mean of these errors is taken off and their spread
/// gives the width, besides who of the uniques is unique in the population by chance, and who of them was scored. A sample that
/// the model has no fit to is left out of the errors, and there is no answer where more than a quarter are.
///
/// Values and intervals are then held within [`bounds_of_uniques`], values at most at the share of the sample that is unique:
/// where at least a share `low` of the population is unique in it, at least `low` n of the sample are on average, among its uniques.
///
/// Numbers of groups of 1 to 5 people and more are held against their means in the drawn samples (chi-squared test). A model
/// that fails the test is refused where it is far off about the people alone or in pairs; where it is not, its intervals are
/// wider by as much as it is off (a rule of thumb: a model wrong about what was counted may be as wrong about what was not).
///
/// O(replicates x (fit + draw + 400 keys)); the same on any number of threads.
///
/// # Errors
/// [`NoAnswer::NoUniques`], [`NoAnswer::FewUniques`], [`NoAnswer::Misfit`], [`NoAnswer::FewRefits`].
pub(super) fn answer<M: RecordModel>(
    model: &M,
    sample: &M::Sample,
    drawn: Drawn,
    seed: Seed,
) -> Result<RecordAnswer, NoAnswer> {
    let (n, sizes) = (drawn.records as f64, M::sizes(sample));
    let counted = counted(&sizes);
    enough_uniques(&counted)?;
    let others = drawn.population - n;
    let replicates: Vec<Replicate> = (0..drawn.replicates)
        .into_par_iter()
        .map(|at| Replicate::of(model, others, &mut seed.derive(&at.to_string()).stream()))
        .collect();
    let expected: Bins = std::array::from_fn(|at| mean(replicates.iter().map(|replicate| replicate.bins[at])));
    let fit = p_value(&counted, &expected, 1);
    let expected_over_counted = expected[0] / counted[0];
    let off = if fit < MISFIT { distance(&counted, &expected, n) } else { 0.0 };
    if off > OFF {
        return Err(NoAnswer::Misfit { expected_over_counted });
    }
    let refitted: Vec<(&Replicate, [f64; 2])> = replicates.iter().filter_map(|one| Some((one, one.fitted?))).collect();
    if (refitted.len() as f64) < REFITTED * drawn.replicates as f64 {
        return Err(NoAnswer::FewRefits { fitted: refitted.len(), drawn: drawn.replicates });
    }
    let scored = model.risks(sample, others, SCORED.0);
    let (alone, found) = (counted[0], means(&scored));
    let bounds = bounds_of_uniques(&sizes, drawn.population);
    let of_uniques = |at: usize| {
        let drawn_errors = refitted.iter().map(|(one, fitted)| angle(fitted[at]) - angle(one.right[at])).collect();
        let spread = mean(scored.iter().map(|risk| (risk[at] - found[at]).powi(2)));
        let of_scoring = (1.0 - scored.len() as f64 / alone) * spread / scored.len() as f64;
        let of_scoring = of_scoring / (4.0 * found[at] * (1.0 - found[at])).max(1e-9);
        let says =
            Errors { drawn: drawn_errors, besides: of_scoring + 0.25 / alone, off }.around(found[at], drawn.records);
        within(says, bounds.low * n / alone, 1.0, 1.0)
    };
    let unique = |one: &Replicate, share: f64| one.bins[0] / n * share;
    let centre = mean(refitted.iter().map(|(one, _)| unique(one, one.right[0])));
    let drawn_errors = refitted.iter().map(|(one, fitted)| angle(unique(one, fitted[0])) - angle(centre)).collect();
    let errors = Errors { drawn: drawn_errors, besides: 0.25 / drawn.population, off };
    let unique_share = errors.around(alone / n * found[0], drawn.records);
    Ok(RecordAnswer {
        unique_share: within(unique_share, bounds.low, bounds.value, bounds.high),
        population_uniques: of_uniques(0),
        right_matches: of_uniques(1),
        fit,
        expected_over_counted,
        replicates: refitted.len(),
    })
}

/// One drawn sample: its groups, and the means by the model it was drawn from and by the one fitted to it.
struct Replicate {
    bins: Bins,
    right: [f64; 2],
    /// Nothing where it has no fit.
    fitted: Option<[f64; 2]>,
}

/// An estimate held between bounds, its value between the lower one and `most`, which is at most `high`.
fn within(says: Estimate, low: f64, most: f64, high: f64) -> Estimate {
    let held = |end: f64| end.clamp(low, high);
    Estimate { value: says.value.clamp(low, most), low: held(says.low), high: held(says.high), ..says }
}

impl Replicate {
    fn of<M: RecordModel>(model: &M, others: f64, stream: &mut Stream) -> Self {
        let drawn = model.draw(stream);
        let by = |model: &M| means(&model.risks(&drawn, others, SCORED.1));
        let right = by(model);
        Self { bins: M::bins(&drawn), right, fitted: model.again(&drawn).map(|again| by(&again)) }
    }
}

fn mean(numbers: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = numbers.len().max(1) as f64;
    numbers.sum::<f64>() / count
}

fn means(risks: &[[f64; 2]]) -> [f64; 2] {
    [0, 1].map(|at| mean(risks.iter().map(|risk| risk[at])))
}

/// How far a model is off about the share of people alone, or in pairs, whichever is more.
fn distance(counted: &Bins, expected: &Bins, n: f64) -> f64 {
    let share = |bins: &Bins, at: usize| angle((at + 1) as f64 * bins[at] / n);
    [0, 1].map(|at| (share(counted, at) - share(expected, at)).abs()).into_iter().fold(0.0, f64::max)
}

/// The scale on which the variance of a share does not depend on it, and which has room for none and for all.
fn angle(share: f64) -> f64 {
    share.clamp(0.0, 1.0).sqrt().asin()
}

/// What an interval is made of, on the scale of [`angle`].
struct Errors {
    /// Of drawn samples.
    drawn: Vec<f64>,
    /// Variance besides.
    besides: f64,
    /// What is added on either side.
    off: f64,
}

impl Errors {
    fn around(&self, found: f64, n: usize) -> Estimate {
        let average = mean(self.drawn.iter().copied());
        let spread = self.drawn.iter().map(|error| (error - average).powi(2)).sum::<f64>();
        let variance = spread / (self.drawn.len() as f64 - 1.0) + self.besides;
        let half = normal_quantile(1.0 - Level::P95.alpha() / 2.0) * variance.sqrt() + self.off;
        let share = |angle: f64| angle.clamp(0.0, std::f64::consts::FRAC_PI_2).sin().powi(2);
        let centre = angle(found) - average;
        let (value, low, high) = (share(centre), share(centre - half), share(centre + half));
        Estimate { value, low, high, level: Level::P95, n, method: Method::ParametricBootstrap }
    }
}

#[cfg(test)]
mod tests {
    use rand::Rng;

    use super::*;

    /// Says that half of its uniques are unique in the population, and fitted again six of ten; fitted to one of `fails` in ten
    /// samples never.
    struct Stub {
        says: f64,
        fails: u64,
    }

    fn alone_and_in_pairs(alone: usize, pairs: usize) -> Histogram {
        Histogram::of_sizes(std::iter::repeat_n(1, alone).chain(std::iter::repeat_n(2, pairs)))
    }

    impl RecordModel for Stub {
        type Sample = (Histogram, bool);

        fn sizes(sample: &Self::Sample) -> Histogram {
            sample.0.clone()
        }

        fn draw(&self, stream: &mut Stream) -> Self::Sample {
            (alone_and_in_pairs(60, 20), stream.next_u64() % 10 >= self.fails)
        }

        fn again(&self, sample: &Self::Sample) -> Option<Self> {
            sample.1.then_some(Self { says: 0.6, fails: 0 })
        }

        fn risks(&self, _: &Self::Sample, _: f64, _: usize) -> Vec<[f64; 2]> {
            vec![[self.says; 2]; 60]
        }
    }

    fn ask(says: f64, fails: u64, sizes: Histogram, population: f64) -> Result<RecordAnswer, NoAnswer> {
        let drawn = Drawn { records: sizes.records() as usize, population, replicates: 40 };
        answer(&Stub { says, fails }, &(sizes, true), drawn, Seed::root(1))
    }

    /// The error of the others is taken off whole, as if those without a fit had never been drawn.
    #[test]
    fn samples_without_a_fit_are_left_out() {
        let corrected = (2.0 * 0.5_f64.sqrt().asin() - 0.6_f64.sqrt().asin()).sin().powi(2);
        let all = ask(0.5, 0, alone_and_in_pairs(60, 20), 1e4).unwrap();
        let some = ask(0.5, 1, alone_and_in_pairs(60, 20), 1e4).unwrap();
        assert!(all.replicates == 40 && (30..40).contains(&some.replicates), "{some:?}");
        for says in [all, some] {
            assert!((says.population_uniques.value - corrected).abs() < 1e-12, "{says:?}");
        }
        let none = ask(0.5, 7, alone_and_in_pairs(60, 20), 1e4);
        assert!(matches!(none, Err(NoAnswer::FewRefits { fitted, drawn: 40 }) if fitted < 30), "{none:?}");
    }

    /// Of a sample of nearly everybody most uniques are unique in the population, whatever a model says; and never more than
    /// are unique in the sample.
    #[test]
    fn bounds_hold_for_models_too() {
        let sizes = alone_and_in_pairs(60, 20);
        let bounds = bounds_of_uniques(&sizes, 102.0);
        assert!(bounds.low > 0.3, "{bounds:?}");
        let low = ask(0.05, 0, sizes.clone(), 102.0).unwrap();
        assert_eq!((low.unique_share.value, low.unique_share.low), (bounds.low, bounds.low));
        assert!((low.population_uniques.value - bounds.low * 100.0 / 60.0).abs() < 1e-12, "{low:?}");
        let high = ask(1.0, 0, sizes, 1e4).unwrap();
        assert_eq!((high.unique_share.value, high.population_uniques.high), (0.6, 1.0));
        let most = bounds_of_uniques(&alone_and_in_pairs(60, 20), 1e4).high;
        assert!(high.unique_share.high <= most && high.unique_share.high > 0.6, "{high:?}");
    }
}
