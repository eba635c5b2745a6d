//! The risk of one record given how many records share its key in the sample and how many people the weights say they stand
//! for (Benedetti and Franconi; mu-Argus).

use rand::Rng;

use crate::seed::Stream;

/// The expected value of 1/F for a record of which `in_sample` records (f, at least 1) share the key, standing for `people`
/// (the sum of their weights, F): F given f is negative binomial with p = f / F, so
/// r = (p/f) 2F1(1, 1; f + 1; 1 - p), between 1/F and 1/f. A sum of weights below f says that everybody is in the sample:
/// r = 1/f. Not a number where `people` is not.
///
/// From r(f + 1) = p/(1 - p) (1/f - r(f)), which shrinks errors while p < 1/2, starting at r(1) = p/(1 - p) ln(1/p);
/// elsewhere by the series (p/f) sum over j of prod over i <= j of i (1 - p)/(f + i), whose terms are positive and fall
/// geometrically. O(min(f, 64)).
///
/// References: Benedetti and Franconi, New techniques and technologies for statistics (1998); Polettini and Seri, Computational
/// aspects of individual risk (CASC, 2003).
///
/// ```
/// use privet::population::individual_risk;
/// // One record that stands for 45.5 people, and a register of everybody.
/// assert!((individual_risk(1, 45.5) - 0.085_791_288_223_75).abs() < 1e-13);
/// assert_eq!(individual_risk(4, 4.0), 0.25);
/// ```
pub fn individual_risk(in_sample: usize, people: f64) -> f64 {
    let f = in_sample.max(1) as f64;
    let p = f / people;
    if people <= f {
        return 1.0 / f;
    }
    // Weights so large that p vanishes leave no risk.
    if p == 0.0 {
        return 0.0;
    }
    if p < 0.5 && in_sample < 64 {
        let odds = p / (1.0 - p);
        let first = odds * -p.ln();
        return (1..in_sample).fold(first, |risk, size| odds * (1.0 / size as f64 - risk));
    }
    let (mut term, mut sum, mut i) = (1.0, 1.0, 1.0);
    while term > 1e-17 * sum {
        term *= i * (1.0 - p) / (f + i);
        sum += term;
        i += 1.0;
    }
    p / f * sum
}

/// Draws the number of people F of the population that share a key of which `in_sample` records (f, at least 1) are in the
/// sample and whose weights stand for `people`: the law behind [`individual_risk`], F the trials until the f-th success of
/// probability p = f / `people`; f where `people` is not larger. Sums of geometric numbers up to f = 30, beyond that the normal
/// law of the same mean and variance, cut at f. O(min(f, 30)).
pub fn draw_population_class(in_sample: usize, people: f64, stream: &mut Stream) -> f64 {
    let f = in_sample.max(1) as f64;
    let p = f / people;
    if p.is_nan() || p >= 1.0 || people <= 0.0 {
        return f;
    }
    // In (0, 1], so that its logarithm is finite.
    let mut unit = || ((stream.next_u64() >> 11) as f64 + 1.0) / (1_u64 << 53) as f64;
    if in_sample <= 30 {
        let failures = (-p).ln_1p();
        return (0..in_sample.max(1)).map(|_| 1.0 + (unit().ln() / failures).floor()).sum();
    }
    let normal = (-2.0 * unit().ln()).sqrt() * (std::f64::consts::TAU * unit()).cos();
    (people + normal * (people * (1.0 - p) / p).sqrt()).round().max(f)
}

/// The risk that at least one of a household's members is re-identified: one less the product of (1 - r). Exact; the
/// inclusion-exclusion sum over all subsets that some packages expand is the same number.
///
/// ```
/// let risk = privet::population::household_risk([0.5, 0.5]);
/// assert!((risk - 0.75).abs() < 1e-15);
/// ```
pub fn household_risk(members: impl IntoIterator<Item = f64>) -> f64 {
    -members.into_iter().map(|risk| (-risk).ln_1p()).sum::<f64>().exp_m1()
}

/// Expected number of records that are re-identified: the sum of their risks, with compensation so that order and chunks do
/// not show in the last digit.
pub fn expected_reidentifications(risks: &[f64]) -> f64 {
    let (mut sum, mut lost) = (0.0_f64, 0.0_f64);
    for &risk in risks {
        let next = sum + risk;
        lost += if sum.abs() >= risk.abs() { (sum - next) + risk } else { (risk - next) + sum };
        sum = next;
    }
    sum + lost
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn close(found: f64, expected: f64, within: f64) {
        assert!((found - expected).abs() <= within * expected, "{found} is not {expected}");
    }

    /// sdcMicro's `test_indivRisk.R` and `francdat`, with the digits of an independent implementation; the fifth and sixth
    /// stand in the SDC practice guide as well.
    #[test]
    fn risks_equal_sdcmicro() {
        for (f, people, risk) in [
            (1, 45.5, 0.085_791_288_223_75),
            (2, 100.0, 0.018_778_832_567_50),
            (3, 108.0, 0.013_552_968_371_74),
            (1, 17.0, 0.177_075_834_003_52),
            (1, 123.5, 0.039_316_254_335_25),
            (2, 360.0, 0.005_424_519_932_25),
            (1, 215.0, 0.025_096_439_383_77),
            (2, 110.0, 0.017_144_261_596_3),
            (2, 84.5, 0.022_042_326_183_3),
            (1, 541.0, 0.011_654_480_146_0),
            (1, 8.0, 0.297_063_077_382_8),
            (1, 5.0, 0.402_359_478_108_5),
        ] {
            close(individual_risk(f, people), risk, 5e-12);
        }
        for (f, risk) in [
            (5, 0.002_491_747_769_354_888),
            (10, 0.001_109_726_170_791_7),
            (20, 0.000_526_023_735_166_82),
            (60, 0.000_169_462_312_995_01),
        ] {
            close(individual_risk(f, f as f64 / 0.01), risk, 1e-12);
        }
    }

    /// sdcMicro's `francdat`: from four keys and weights to frequencies, sums of weights and risks.
    #[test]
    fn francdat_equals_sdcmicro() {
        let keys: [[u32; 8]; 4] =
            [[1, 1, 1, 3, 4, 4, 6, 1], [2, 2, 2, 3, 3, 3, 2, 2], [5, 1, 1, 1, 1, 1, 1, 5], [1, 1, 1, 5, 4, 1, 5, 1]];
        let weights = [18.0, 45.5, 39.0, 17.0, 541.0, 8.0, 5.0, 92.0];
        let columns = keys.map(|codes| crate::equivalence::Column::new(codes, 7, None));
        let used: Vec<_> = columns.iter().collect();
        let classes = crate::equivalence::Classes::of(&used, None);
        let mut sums = vec![0.0; classes.count()];
        classes.of_record().iter().zip(weights).for_each(|(&class, weight)| sums[class as usize] += weight);
        let found = classes.of_record().iter().map(|&class| {
            let (size, people) = (classes.sizes()[class as usize], sums[class as usize]);
            (size, people, individual_risk(size as usize, people))
        });
        let expected = [
            (2, 110.0, 0.017_144_261_596_3),
            (2, 84.5, 0.022_042_326_183_3),
            (2, 84.5, 0.022_042_326_183_3),
            (1, 17.0, 0.177_075_834_003_5),
            (1, 541.0, 0.011_654_480_146_0),
            (1, 8.0, 0.297_063_077_382_8),
            (1, 5.0, 0.402_359_478_108_5),
            (2, 110.0, 0.017_144_261_596_3),
        ];
        for ((size, people, risk), (f, stood_for, expected)) in found.zip(expected) {
            assert_eq!((size, people), (f, stood_for));
            close(risk, expected, 1e-11);
        }
    }

    /// f = 1: p/(1-p) ln(1/p); f = 2: p/(1-p) - (p/(1-p))^2 ln(1/p).
    #[test]
    fn closed_forms() {
        for p in [1e-9, 1e-4, 0.1, 0.49, 0.51, 0.9, 0.999] {
            let odds = p / (1.0 - p);
            close(individual_risk(1, 1.0 / p), odds * -f64::ln(p), 1e-12);
            close(individual_risk(2, 2.0 / p), odds + odds * odds * f64::ln(p), 1e-9);
        }
    }

    /// The mean of 1 / F over draws is the risk, for sums of geometric numbers and for the normal law.
    #[test]
    fn draws_have_the_law_of_the_risk() {
        let stream = &mut crate::seed::Seed::root(3).stream();
        for (f, people, within) in
            [(1, 1.5, 0.01), (1, 45.5, 0.05), (3, 108.0, 0.03), (30, 400.0, 0.01), (31, 400.0, 0.02)]
        {
            let draws: Vec<f64> = (0..40_000).map(|_| draw_population_class(f, people, stream)).collect();
            let mean = draws.iter().map(|people| 1.0 / people).sum::<f64>() / 40_000.0;
            close(mean, individual_risk(f, people), within);
            close(draws.iter().sum::<f64>() / 40_000.0, people, 0.03);
        }
        assert_eq!([0.0, 2.0, 3.0, f64::NAN].map(|people| draw_population_class(3, people, stream)), [3.0; 4]);
    }

    #[test]
    fn odd_weights_stay_in_range() {
        // Below the size of the sample, none, negative: read as a sample of everybody, which is the highest risk.
        assert!(individual_risk(3, f64::NAN).is_nan());
        assert_eq!([-4.0, 0.0, 0.5, 3.0].map(|people| individual_risk(3, people)), [1.0 / 3.0; 4]);
        assert_eq!(individual_risk(3, f64::INFINITY), 0.0);
        assert!((household_risk([0.1; 3]) - 0.271).abs() < 1e-15);
        assert_eq!(household_risk([1.0, 0.5]), 1.0);
        assert_eq!(expected_reidentifications(&[1.0, 1e100, 1.0, -1e100]), 2.0);
    }

    proptest! {
        /// r lies in (1/F, 1/f], and both ways to compute it agree where either could be used.
        #[test]
        fn risks_lie_between_the_population_and_the_sample(f in 1_usize..200, p in 1e-6_f64..1.0) {
            let people = f as f64 / p;
            let risk = individual_risk(f, people);
            prop_assert!(risk >= (1.0 / people) * (1.0 - 1e-12) && risk <= 1.0 / f as f64);
            let odds = p / (1.0 - p);
            let next = individual_risk(f + 1, (f + 1) as f64 / p);
            prop_assert!((next - odds * (1.0 / f as f64 - risk)).abs() < 1e-9 * next.max(odds * risk));
            // More of as many people in the sample: towards 1/F. Fewer people outside it: towards 1/f.
            if people >= (f + 1) as f64 {
                prop_assert!(individual_risk(f + 1, people) <= risk * (1.0 + 1e-12));
            }
            let nearly = individual_risk(f, f as f64 * (1.0 + 1e-9));
            prop_assert!((nearly * f as f64 - 1.0).abs() < 1e-8 && risk <= nearly * (1.0 + 1e-8));
        }
    }
}
