//! Zayatz's estimator: the sample's mix of class sizes taken as the population's.

use super::NoFit;
use crate::equivalence::Histogram;

/// Expected number of unique people in a population of `population` from which the sample is a simple random one:
/// `c_1` P(unique in the population | unique in the sample) / phi, with
/// P = `c_1` phi / sum of `c_i` Hyp(1; N, i, n), Hyp the hypergeometric probability that one record of a class of i is drawn.
///
/// Biased upwards for small samples, whose classes are smaller than those of the population. O(largest class).
///
/// Reference: Zayatz, Estimation of the percent of unique population elements on a microdata file using the sample, US Bureau
/// of the Census SRD RR-91/08 (1991).
///
/// # Errors
/// [`NoFit::Uninformative`] without records.
pub fn zayatz(sizes: &Histogram, population: f64) -> Result<f64, NoFit> {
    if sizes.records() == 0 {
        return Err(NoFit::Uninformative);
    }
    let alone = sizes.of_size(1) as f64;
    if alone == 0.0 {
        return Ok(0.0);
    }
    // P(one of i) / P(one of one) = i prod over j < i - 1 of (N - n - j) / (N - 1 - j), by products that cannot overflow.
    let n = sizes.records() as f64;
    let (mut product, mut reached, mut sum) = (1.0_f64, 0, 0.0);
    for &(size, count) in sizes.counts() {
        while reached < size - 1 {
            product *= ((population - n - f64::from(reached)) / (population - 1.0 - f64::from(reached))).max(0.0);
            reached += 1;
        }
        sum += count as f64 * f64::from(size) * product;
    }
    Ok(alone * alone * population / n / sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::population::fixtures::{adult, of};

    /// ARX's `TestRiskMetrics` asserts the shares at 0.1 and 0.2, and sample uniqueness where the sample is everybody.
    #[test]
    fn adult_equals_arx() {
        for (fraction, share) in [
            (0.01, 0.271_712_720),
            (0.1, 0.320_740_239_346_618_9),
            (0.2, 0.357_709_923_482_912_5),
            (0.5, 0.431_949_448),
            (0.9, 0.499_985_225),
            (1.0, 0.514_289_503_348_584_4),
        ] {
            let population = (30_162.0_f64 / fraction).round();
            let found = zayatz(&adult(), population).unwrap() / population;
            assert!((found - share).abs() < 1e-9, "{fraction}: {found}");
        }
    }

    /// P(unique in the population | unique in the sample) by SciPy's hypergeometric: of all of ARX's adult data as a tenth of a
    /// population, and of ARX's subset as a tenth of those data. Of the 2,465 uniques of the subset 1,527 (0.62) are unique
    /// there: small samples lead this estimator to answer too high.
    #[test]
    fn uniques_of_the_sample_are_often_those_of_the_population() {
        let subset = of(&[(1, 2465), (2, 180), (3, 44), (4, 7), (5, 5), (6, 1)]);
        for (sizes, population, expected) in
            [(adult(), 301_620.0, 0.623_656_981_652_8), (subset, 30_162.0, 0.839_490_739_276_9)]
        {
            let (alone, fraction) = (sizes.of_size(1) as f64, sizes.records() as f64 / population);
            let probability = zayatz(&sizes, population).unwrap() * fraction / alone;
            assert!((probability - expected).abs() < 1e-10, "{probability}");
        }
    }

    /// Where the sample is everybody its uniques are the population's, to the last.
    #[test]
    fn everybody_is_exact() {
        for sizes in [of(&[(1, 7), (2, 5), (9, 1)]), of(&[(1, 1), (400, 3)]), of(&[(1, 12)])] {
            let found = zayatz(&sizes, sizes.records() as f64).unwrap();
            assert!((found - sizes.of_size(1) as f64).abs() < 1e-9, "{found}");
        }
    }

    #[test]
    fn nobody_alone_is_nobody_unique() {
        assert_eq!(zayatz(&of(&[(2, 5)]), 100.0), Ok(0.0));
        assert_eq!(zayatz(&of(&[]), 100.0), Err(NoFit::Uninformative));
    }
}
