//! Whether a model of the population fits the sample it was fitted to.

use statrs::function::gamma::gamma_ur;

use super::{Pitman, SlidedNegativeBinomial};
use crate::equivalence::Histogram;

/// Sizes that are counted one by one; larger classes are counted together.
const SIZES: usize = 5;
/// A bin that expects less is put together with the next one.
const LEAST: f64 = 5.0;

/// Classes of 1 to 5 records and of more.
pub(super) type Bins = [f64; SIZES + 1];

/// What was counted.
pub(super) fn counted(sizes: &Histogram) -> Bins {
    let mut bins = [0.0; SIZES + 1];
    sizes.counts().iter().for_each(|&(size, count)| bins[(size as usize).min(SIZES + 1) - 1] += count as f64);
    bins
}

/// What a law expects in a sample of `records`:
/// E `c_j` = C(n, j) (1 - alpha)_{j - 1} (theta + alpha)_{n - j} / (theta + 1)_{n - 1}, from `c_1` by ratios. O(records).
pub(super) fn of_pitman(law: &Pitman, records: u64) -> Bins {
    let (mut bins, n) = ([0.0; SIZES + 1], records as f64);
    let mut expected = law.uniques(n);
    for size in 1..=records {
        let j = size as f64;
        bins[(size as usize).min(SIZES + 1) - 1] += expected;
        expected *= (n - j) / (j + 1.0) * (j - law.alpha) / (law.theta + law.alpha + n - j - 1.0);
    }
    bins
}

/// What the slided negative binomial expects: a class has one person more than a negative binomial number, of whom each is
/// drawn with probability `fraction`.
pub(super) fn of_negative_binomial(model: &SlidedNegativeBinomial, fraction: f64) -> Bins {
    let SlidedNegativeBinomial { alpha, beta, classes } = *model;
    // A thinned negative binomial number is one.
    let success = beta / (beta + fraction * (1.0 - beta));
    let mut bins = [0.0; SIZES + 1];
    let (mut mass, mut before, mut drawn) = (success.powf(alpha), 0.0, 0.0);
    for j in 0..=SIZES {
        let here = (1.0 - fraction) * mass + fraction * before;
        drawn += here;
        if j > 0 {
            bins[j - 1] = classes * here;
        }
        before = mass;
        mass *= (alpha + j as f64) / (j as f64 + 1.0) * (1.0 - success);
    }
    bins[SIZES] = classes * (1.0 - drawn).max(0.0);
    bins
}

/// What Zayatz's assumption expects: as many classes of each size as make the counted uniques, mixed as in the sample.
pub(super) fn of_mix(sizes: &Histogram, fraction: f64) -> Bins {
    let mut bins = [0.0; SIZES + 1];
    for &(size, count) in sizes.counts() {
        let people = f64::from(size);
        let mut mass = (1.0 - fraction).powf(people);
        let mut left = 1.0 - mass;
        for j in 1..=SIZES.min(size as usize) {
            mass *= (people - j as f64 + 1.0) / j as f64 * fraction / (1.0 - fraction);
            bins[j - 1] += count as f64 * mass;
            left -= mass;
        }
        bins[SIZES] += count as f64 * left.max(0.0);
    }
    let scale = sizes.of_size(1) as f64 / bins[0];
    bins.map(|expected| expected * scale)
}

/// p-value of Pearson's chi-squared test that what was counted is what a model with so many fitted parameters expects. A bin
/// that expects fewer than five is put together with the next one, so that the test holds for small samples; numbers of
/// classes vary less than Poisson's, so a right model is left out in fewer samples than the level says.
pub(super) fn p_value(counted: &Bins, expected: &Bins, parameters: usize) -> f64 {
    let (mut statistic, mut bins) = (0.0, 0_usize);
    let (mut seen, mut hoped) = (0.0, 0.0);
    for (at, (counted, expected)) in counted.iter().zip(expected).enumerate() {
        seen += counted;
        hoped += expected;
        let last = at == SIZES && (seen > 0.0 || hoped > 0.0);
        if hoped >= LEAST || last {
            // The last bin may expect nobody at all: one class there is no proof.
            let hoped_here = f64::max(hoped, 1.0);
            statistic += f64::powi(seen - hoped, 2) / hoped_here;
            bins += 1;
            (seen, hoped) = (0.0, 0.0);
        }
    }
    let freedom = bins.saturating_sub(parameters).max(1);
    if statistic <= 0.0 {
        // `gamma_ur` refuses 0.
        return 1.0;
    }
    gamma_ur(freedom as f64 / 2.0, statistic / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::population::fixtures::{adult, of, sample};
    use crate::seed::Seed;

    /// Means over samples drawn from the law itself.
    #[test]
    fn expectations_of_pitman_are_those_of_its_samples() {
        let law = Pitman { theta: 50.0, alpha: 0.4 };
        let expected = of_pitman(&law, 400);
        let mut mean = [0.0; SIZES + 1];
        for run in 0..400_u64 {
            let bins = counted(&law.draw(400, &mut Seed::root(run).stream()));
            mean.iter_mut().zip(bins).for_each(|(mean, bin)| *mean += bin / 400.0);
        }
        for (found, expected) in mean.iter().zip(expected) {
            // Four standard errors of a mean whose variance is at most that of the number of classes.
            assert!((found - expected).abs() < 4.0 * (expected / 100.0).sqrt(), "{mean:?} {expected:?}");
        }
        // All records are in some class.
        let all: f64 = (1..=5).zip(expected).map(|(size, classes)| f64::from(size) * classes).sum();
        assert!(all < 400.0);
    }

    /// The first two are what the model's equations equate.
    #[test]
    fn expectations_of_fitted_models_are_what_they_were_fitted_to() {
        let (sizes, population) = (adult(), 301_620.0);
        let seen = counted(&sizes);
        let model = SlidedNegativeBinomial::fit(&sizes, population).unwrap();
        let expected = of_negative_binomial(&model, 0.1);
        assert!(
            (expected[0] / seen[0] - 1.0).abs() < 1e-6 && (expected[1] / seen[1] - 1.0).abs() < 1e-5,
            "{expected:?}"
        );
        let mix = of_mix(&of(&[(1, 60), (2, 12)]), 0.5);
        // Per class of two the half of a unique and a quarter of a pair; per unique a half.
        let scale = 60.0 / (30.0 + 6.0);
        assert!((mix[0] - 60.0).abs() < 1e-12 && (mix[1] - 3.0 * scale).abs() < 1e-12, "{mix:?}");
    }

    #[test]
    fn what_is_expected_exactly_fits() {
        let bins = [60.0, 20.0, 0.0, 0.0, 0.0, 0.0];
        assert_eq!([p_value(&bins, &bins, 1), p_value(&[0.0; 6], &[0.0; 6], 1)], [1.0; 2]);
    }

    /// A right model is kept in 95 % of the samples or more; one for another population never is.
    #[test]
    fn misfits_are_told_from_fits() {
        let law = Pitman { theta: 200.0, alpha: 0.5 };
        let p_of = |sizes: &Histogram| {
            let fitted = Pitman::fit(sizes).or_else(|_| Pitman::fit_on_the_edge(sizes)).unwrap();
            p_value(&counted(sizes), &of_pitman(&fitted, sizes.records()), 2)
        };
        let kept = (0..60_u64).filter(|&run| p_of(&law.draw(2_000, &mut Seed::root(run).stream())) >= 0.05).count();
        assert!(kept >= 53, "{kept}");
        let mixed: Vec<u32> = (0..50_000_u32).map(|at| if at < 1_000 { at } else { 1_000 + at / 400 }).collect();
        assert!((0..10_u64).all(|run| p_of(&sample(&mixed, 2_000, &mut Seed::root(run).stream())) < 0.01));
    }
}
