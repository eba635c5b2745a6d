//! The share of a population that is unique, by model, with a parametric-bootstrap interval.

use rand::Rng;
use rayon::prelude::*;

use super::{NoFit, Pitman, SlidedNegativeBinomial, zayatz};
use crate::equivalence::Histogram;
use crate::seed::{Seed, Stream};
use crate::stats::interval::normal_quantile;
use crate::stats::{Estimate, Level, Method};

/// A model of the population.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Model {
    /// [`Pitman`].
    Pitman,
    /// Ewens' sampling formula: [`Pitman`] on the edge of its range, alpha = 0.
    Ewens,
    /// [`zayatz`].
    Zayatz,
    /// [`SlidedNegativeBinomial`].
    SlidedNegativeBinomial,
}

impl Model {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Pitman, Self::Ewens, Self::Zayatz, Self::SlidedNegativeBinomial];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pitman => "Pitman",
            Self::Ewens => "Ewens",
            Self::Zayatz => "Zayatz",
            Self::SlidedNegativeBinomial => "slided negative binomial",
        }
    }
}

/// A model fitted to a sample: its share, and a way to draw samples like it.
struct Fitted {
    share: f64,
    source: Source,
}

/// Where samples are drawn from.
enum Source {
    Law(Pitman),
    /// Cumulative probabilities of class sizes, with the sizes.
    Classes(Vec<(f64, u32)>),
}

/// Samples drawn for an interval at most and at least; in between as many as keep the records drawn within a bound.
const REPLICATES: (usize, usize) = (40, 200);
const DRAWN: usize = 10_000_000;

/// The share of the population that is unique in it, between 0 and the share of the sample that is unique in the sample: a
/// person unique in the population is unique in every sample that holds them, so no larger share is believed.
///
/// `population` is the number of people from which the sample was drawn at random; at least the number of records.
///
/// # Errors
/// As the model.
///
/// ```
/// use privet::equivalence::Histogram;
/// use privet::population::{Model, unique_share};
/// let sizes = Histogram::of_sizes([1; 60].into_iter().chain([2; 12]).chain([3; 5]).chain([7]));
/// // Where the sample is everybody, Zayatz's answer is what was counted.
/// assert!((unique_share(Model::Zayatz, &sizes, 106.0)? - 60.0 / 106.0).abs() < 1e-12);
/// # Ok::<(), privet::population::NoFit>(())
/// ```
pub fn unique_share(model: Model, sizes: &Histogram, population: f64) -> Result<f64, NoFit> {
    Ok(share(model, sizes, population)?.clamp(0.0, uniqueness(sizes)))
}

/// The rule of Dankar and others: Pitman where the sample is at most a tenth of the population, otherwise the smaller of the
/// slided negative binomial and Zayatz; Zayatz where the choice has no fit. Nobody where nobody is unique in the sample.
///
/// Reference: Dankar, El Emam, Neisa and Roffey, BMC Medical Informatics and Decision Making 12:66 (2012).
///
/// # Errors
/// When Zayatz has none either.
pub fn dankar(sizes: &Histogram, population: f64) -> Result<(Model, f64), NoFit> {
    chosen(sizes, population, |model| unique_share(model, sizes, population), |share| *share)
}

/// [`dankar`]'s choice among answers of any kind.
pub(super) fn chosen<T>(
    sizes: &Histogram,
    population: f64,
    answer: impl Fn(Model) -> Result<T, NoFit>,
    share: impl Fn(&T) -> f64,
) -> Result<(Model, T), NoFit> {
    let of = |model: Model| answer(model).map(|found| (model, found));
    if sizes.of_size(1) > 0 && sizes.records() as f64 <= 0.1 * population {
        return of(Model::Pitman).or_else(|_| of(Model::Zayatz));
    }
    let zayatz = of(Model::Zayatz);
    match (of(Model::SlidedNegativeBinomial), zayatz) {
        (Ok(negative), Ok(zayatz)) if share(&negative.1) > share(&zayatz.1) => Ok(zayatz),
        (Ok(negative), _) => Ok(negative),
        (Err(_), zayatz) => zayatz,
    }
}

/// [`unique_share`] with an interval by parametric bootstrap: samples as large as the one at hand are drawn from the fitted
/// model and fitted again; their mean error is taken off and their spread gives the width, both on the logit scale.
///
/// Pitman's and Ewens' laws are drawn from themselves; a drawn sample whose likelihood is highest on the edge counts with
/// the law there. Zayatz and the slided negative binomial (through Shlosser's number of classes) are not consistent with the
/// populations they imply, so for them classes are drawn from the sample's mix of sizes. The interval covers chance in the
/// draw of the sample and in who the uniques are, not that the population may follow another law.
/// O(replicates x (records + fit)); the same on any number of threads.
///
/// Reference: Davison and Hinkley, Bootstrap methods (1997), section 5.2.
///
/// # Errors
/// As the model.
pub fn unique_share_estimate(model: Model, sizes: &Histogram, population: f64, seed: Seed) -> Result<Estimate, NoFit> {
    let n = sizes.records() as usize;
    let bound = uniqueness(sizes);
    if sizes.of_size(1) == 0 && n > 0 {
        return Ok(Estimate::exact(0.0, n));
    }
    let fitted = fit(model, sizes, population)?;
    let value = fitted.share.clamp(0.0, bound);
    if n as f64 >= population {
        return Ok(Estimate::exact(bound, n));
    }
    let replicates = (DRAWN / n.max(1)).clamp(REPLICATES.0, REPLICATES.1);
    let again = |replicate: usize| {
        let mut stream = seed.derive(model.name()).derive(&replicate.to_string()).stream();
        logit(share_again(model, &fitted.source.draw(n, &mut stream), population))
    };
    let found: Vec<f64> = (0..replicates).into_par_iter().map(again).collect();
    let mean = found.iter().sum::<f64>() / found.len() as f64;
    let spread = found.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (found.len() as f64 - 1.0);
    let centre = 2.0 * logit(fitted.share) - mean;
    // Who is unique is itself drawn: a share s of N people has a variance of about s (1 - s) / N, on this scale its inverse.
    let drawn = 1.0 / (population * value * (1.0 - value)).max(1.0);
    let half = normal_quantile(1.0 - Level::P95.alpha() / 2.0) * (spread + drawn).sqrt();
    let end = |x: f64| (1.0 / (1.0 + (-x).exp())).min(bound);
    let (low, high) = (end(centre - half).min(value), end(centre + half).max(value));
    Ok(Estimate { value, low, high, level: Level::P95, n, method: Method::ParametricBootstrap })
}

/// Share of records that are alone in their class; 0 without records.
fn uniqueness(sizes: &Histogram) -> f64 {
    sizes.of_size(1) as f64 / sizes.records().max(1) as f64
}

fn logit(share: f64) -> f64 {
    let share = share.clamp(1e-12, 1.0 - 1e-12);
    (share / (1.0 - share)).ln()
}

/// A model's share, before the bound.
fn share(model: Model, sizes: &Histogram, population: f64) -> Result<f64, NoFit> {
    let uniques = match model {
        Model::Pitman => Pitman::fit(sizes)?.uniques(population),
        Model::Ewens => Pitman::fit_on_the_edge(sizes)?.uniques(population),
        Model::Zayatz => zayatz(sizes, population)?,
        Model::SlidedNegativeBinomial => SlidedNegativeBinomial::fit(sizes, population)?.uniques(),
    };
    Ok(uniques / population)
}

/// The share of a drawn sample, which must not be lost: the nearest law where there is none, and the sample's own share where
/// it says nothing.
fn share_again(model: Model, sizes: &Histogram, population: f64) -> f64 {
    let found = match share(model, sizes, population) {
        Err(NoFit::Edge) => share(Model::Ewens, sizes, population),
        Err(NoFit::NoSolution) => share(Model::Zayatz, sizes, population),
        found => found,
    };
    found.unwrap_or_else(|_| uniqueness(sizes))
}

fn fit(model: Model, sizes: &Histogram, population: f64) -> Result<Fitted, NoFit> {
    let source = match model {
        Model::Pitman => Source::Law(Pitman::fit(sizes)?),
        Model::Ewens => Source::Law(Pitman::fit_on_the_edge(sizes)?),
        Model::Zayatz | Model::SlidedNegativeBinomial => {
            let mut sum = 0.0;
            let steps = sizes.counts().iter().map(|&(size, count)| {
                sum += count as f64;
                (sum, size)
            });
            Source::Classes(steps.collect())
        }
    };
    Ok(Fitted { share: share(model, sizes, population)?, source })
}

impl Source {
    /// A sample of so many records.
    fn draw(&self, records: usize, stream: &mut Stream) -> Histogram {
        let steps = match self {
            Self::Law(law) => return law.draw(records, stream),
            Self::Classes(steps) => steps,
        };
        let whole = steps.last().map_or(0.0, |step| step.0);
        let mut left = u32::try_from(records).expect("a histogram counts fewer than 2^32 records");
        let mut drawn = Vec::new();
        while left > 0 && whole > 0.0 {
            let point = whole * (stream.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
            let at = steps.partition_point(|step| step.0 <= point).min(steps.len() - 1);
            let size = steps[at].1.min(left);
            drawn.push(size);
            left -= size;
        }
        Histogram::of_sizes(drawn)
    }
}

/// What the models say together.
#[derive(Debug, Clone, PartialEq)]
pub struct Uniques {
    /// The choice of [`dankar`]'s rule.
    pub model: Model,
    /// Its share; the interval reaches from the least lower to the largest upper end of all models that have a fit, since the
    /// choice of the model moves the answer more than chance does.
    pub estimate: Estimate,
    /// Every model with its share and interval, or why it has none. Ewens stands in only where Pitman has none.
    pub models: Vec<(Model, Result<Estimate, NoFit>)>,
}

impl Uniques {
    /// Asks every model.
    ///
    /// # Errors
    /// [`NoFit::Uninformative`] without records.
    pub fn of(sizes: &Histogram, population: f64, seed: Seed) -> Result<Self, NoFit> {
        let ask = |model: Model| (model, unique_share_estimate(model, sizes, population, seed));
        let pitman = ask(Model::Pitman);
        let edge = (pitman.1 == Err(NoFit::Edge)).then(|| ask(Model::Ewens));
        let others = [Model::SlidedNegativeBinomial, Model::Zayatz].map(ask);
        let models: Vec<_> = std::iter::once(pitman).chain(edge).chain(others).collect();
        let answer = |model: Model| {
            let found = models.iter().find(|(asked, _)| *asked == model);
            found.map_or(Err(NoFit::NoSolution), |(_, found)| *found)
        };
        let (model, chosen) = chosen(sizes, population, answer, |estimate| estimate.value)?;
        let found = || models.iter().filter_map(|(_, found)| found.ok());
        let low = found().map(|estimate| estimate.low).fold(chosen.low, f64::min);
        let high = found().map(|estimate| estimate.high).fold(chosen.high, f64::max);
        Ok(Self { model, estimate: Estimate { low, high, ..chosen }, models })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::population::fixtures::{adult, of};

    /// ARX's `TestRiskMetrics`: its choice is Pitman at 0.01 and 0.1 and Zayatz at 0.2, where its slided negative binomial
    /// fails; the right one is smaller.
    #[test]
    fn the_rule_chooses() {
        let sizes = adult();
        let at = |fraction: f64| dankar(&sizes, (30_162.0 / fraction).round()).unwrap();
        assert_eq!(
            [0.01, 0.1, 0.2, 1.0].map(|fraction| at(fraction).0),
            [Model::Pitman, Model::Pitman, Model::SlidedNegativeBinomial, Model::SlidedNegativeBinomial]
        );
        assert!((at(0.2).1 - 0.319_459_375).abs() < 2e-8);
        assert!((at(1.0).1 - 0.514_289_503_348_584_4).abs() < 1e-9);
        // All unique: Pitman has no fit, and Zayatz is bounded by the sample.
        assert_eq!(dankar(&of(&[(1, 50)]), 1e6), Ok((Model::Zayatz, 1.0)));
        assert_eq!(dankar(&of(&[(2, 50)]), 1e6), Ok((Model::Zayatz, 0.0)));
    }

    #[test]
    fn no_share_exceeds_the_sample() {
        for sizes in [adult(), of(&[(1, 3), (2, 40), (5, 9)]), of(&[(1, 900), (2, 3)])] {
            for factor in [1.0, 1.5, 10.0, 1e4] {
                for model in Model::ALL {
                    let population = sizes.records() as f64 * factor;
                    if let Ok(share) = unique_share(model, &sizes, population) {
                        assert!((0.0..=uniqueness(&sizes)).contains(&share), "{model:?} {factor} {share}");
                    }
                }
            }
        }
    }

    /// A population drawn from the model: the intervals of samples from it cover its unique share.
    #[test]
    fn intervals_cover_under_the_model() {
        let law = Pitman { theta: 200.0, alpha: 0.5 };
        let truth = law.uniques(20_000.0) / 20_000.0;
        let covered = |model: Model| {
            let covers = |run: u64| {
                let seed = Seed::root(run);
                let sample = law.draw(2_000, &mut seed.derive("sample").stream());
                unique_share_estimate(model, &sample, 20_000.0, seed).unwrap().covers(truth)
            };
            (0..40).filter(|&run| covers(run)).count()
        };
        // 95 % of 40 are 38; fewer than 34 would happen once in 70 right programs.
        assert!(covered(Model::Pitman) >= 34, "{}", covered(Model::Pitman));
    }

    #[test]
    fn threads_change_nothing() {
        let run = || unique_share_estimate(Model::Pitman, &adult(), 3e5, Seed::root(1)).unwrap();
        let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        assert_eq!(one.install(run), run());
    }
}
