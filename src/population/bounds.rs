//! What a sample says about the unique people of any population.

use statrs::function::gamma::{gamma_lr, gamma_ur};

use super::pitman::bisect;
use crate::equivalence::Histogram;
use crate::stats::interval::{clopper_pearson, difference};
use crate::stats::{Estimate, Level, Method};

/// A 95 % interval of the share of a population that is unique in it, U / N, which assumes nothing but that the sample is a
/// simple random one of `population` people: no model. `value` is the share of the sample that is unique in the sample.
///
/// Upper end: whoever is unique in the population is unique in every sample that holds them, so the uniques of the
/// population in the sample, hypergeometric with mean n U / N, are at most the `c_1` uniques of the sample, and
/// E `c_1` / n >= U / N. The end is therefore that of Clopper and Pearson for `c_1` of n; `c_1` / n alone is a statistic,
/// and smaller than U / N in about half of the samples where nearly all sample uniques are unique in the population.
///
/// Lower end: a class of F >= 2 people gives the sample a unique at most 2 (N - n) / (n - 1) times as often as a pair (with
/// equality for F = 2), so U / N >= (E `c_1` - 2 (N - n) / (n - 1) E `c_2`) / n. Uniques and pairs are sums of rare
/// indicators, one per class, never both 1; their variances are at most their means and their covariance lowers that of the
/// difference, so Poisson's limits, combined by Zou and Donner's method, are wide enough. 0 where pairs explain all uniques,
/// which in small fractions of a population they nearly always do.
///
/// Where the sample is everybody both ends are what was counted. Without records the whole range.
///
/// The lower end inverts the argument of Skinner and Elliot, JRSS B 64 (2002) 855-867.
///
/// ```
/// use privet::equivalence::Histogram;
/// use privet::population::bounds_of_uniques;
/// // A hundred people, all different: of a population twice as large most must be unique, of a million perhaps nobody.
/// let all = Histogram::of_sizes([1; 100]);
/// assert!(bounds_of_uniques(&all, 200.0).low > 0.7);
/// assert_eq!(bounds_of_uniques(&all, 1e6).low, 0.0);
/// // Nobody alone among a hundred is not nobody alone in the population.
/// let pairs = Histogram::of_sizes([2; 50]);
/// assert!((bounds_of_uniques(&pairs, 1e6).high - (1.0 - 0.025_f64.powf(0.01))).abs() < 1e-12);
/// ```
pub fn bounds_of_uniques(sizes: &Histogram, population: f64) -> Estimate {
    let n = sizes.records();
    let (alone, pairs) = (sizes.of_size(1), sizes.of_size(2));
    let value = alone as f64 / n.max(1) as f64;
    if n > 0 && n as f64 >= population {
        return Estimate::exact(value, n as usize);
    }
    let above = clopper_pearson(alone as usize, n as usize, Level::P95);
    let low = if n < 2 {
        0.0
    } else {
        let per_pair = 2.0 * (population - n as f64) / (n as f64 - 1.0);
        (difference(&poisson(alone, 1.0), &poisson(pairs, per_pair)).low / n as f64).max(0.0)
    };
    Estimate { value, low, high: above.high, level: Level::P95, n: n as usize, method: Method::AnyPopulation }
}

/// A Poisson count times a factor, with Garwood's limits.
fn poisson(count: u64, factor: f64) -> Estimate {
    let (k, tail) = (count as f64, Level::P95.alpha() / 2.0);
    let most = k + 10.0 * k.sqrt() + 20.0;
    let low = if count == 0 { 0.0 } else { bisect(0.0, k, |mean| tail - gamma_lr(k, mean)) };
    let high = bisect(k, most, |mean| gamma_ur(k + 1.0, mean) - tail);
    let method = Method::AnyPopulation;
    Estimate { value: k * factor, low: low * factor, high: high * factor, level: Level::P95, n: 1, method }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::population::fixtures::{adult, of, sample};
    use crate::seed::Seed;

    /// Garwood's limits of 0, 1, 10 and 100 as tables print them.
    #[test]
    fn limits_of_counts_are_garwoods() {
        for (count, low, high) in
            [(0, 0.0, 3.6889), (1, 0.0253, 5.5716), (10, 4.7954, 18.3904), (100, 81.3640, 121.6268)]
        {
            let found = poisson(count, 1.0);
            assert!((found.low - low).abs() < 1e-4 && (found.high - high).abs() < 1e-4, "{count}: {found:?}");
        }
        let many = poisson(1_000_000, 2.0);
        assert!((many.low - 1_996_082.0).abs() < 10.0 && (many.high - 2_003_924.0).abs() < 10.0, "{many:?}");
    }

    #[test]
    fn everybody_is_exact() {
        let found = bounds_of_uniques(&adult(), 30_162.0);
        assert_eq!((found.low, found.high, found.method), (found.value, found.value, Method::Exact));
        let nobody = bounds_of_uniques(&of(&[]), 100.0);
        assert_eq!((nobody.low, nobody.high), (0.0, 1.0));
    }

    /// Pairs alone give most uniques per pair: there the inequality is an equality, so this is the population that comes
    /// nearest to the lower end. One with uniques alone comes nearest to the upper end.
    #[test]
    fn hardest_populations_are_covered() {
        let pairs: Vec<u32> = (0..4_000).map(|person| person / 2).collect();
        let half: Vec<u32> =
            (0..4_000_u32).map(|person| if person < 2_000 { person } else { 2_000 + person / 2 }).collect();
        let few: Vec<u32> = (0..4_000_u32).map(|person| if person < 200 { person } else { 200 + person % 4 }).collect();
        for (people, truth) in [(pairs, 0.0), (half, 0.5), (few, 0.05)] {
            for records in [200, 1_000, 2_000, 3_600] {
                let covers = |run: u64| {
                    let drawn = sample(&people, records, &mut Seed::root(run).derive("sample").stream());
                    bounds_of_uniques(&drawn, 4_000.0).covers(truth)
                };
                let covered = (0..100).filter(|&run| covers(run)).count();
                // 95 of 100 are promised; 88 or fewer would come in one of 200 right programs.
                assert!(covered > 88, "{truth} at {records}: {covered}");
            }
        }
    }
}
