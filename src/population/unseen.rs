//! How many people of the population share a key: those of the sample, and as many besides as a model expects.

use statrs::function::gamma::{gamma_lr, ln_gamma};

/// People of the population with one key, `seen` of them in the sample: F = seen + Poisson(unseen), the law of the log-linear
/// models (Skinner and Shlomo, Journal of the American Statistical Association 103 (2008) 989-1001) for a simple random sample
/// of a population whose groups are Poisson.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PopulationGroup {
    /// People of the sample, at least 1.
    pub seen: u32,
    /// Expected number of people who are not in the sample, not negative.
    pub unseen: f64,
}

/// From here on the law is as narrow as its first two moments say, to six digits.
const LARGE: f64 = 1e6;
/// Standard deviations beyond which the law has no weight that counts.
const FAR: f64 = 12.0;

impl PopulationGroup {
    /// Probability that at least `size` people share the key, 0 to 1.
    ///
    /// ```
    /// use privet::population::PopulationGroup;
    /// let alone = PopulationGroup { seen: 1, unseen: 0.7 };
    /// assert_eq!(alone.at_least(1), 1.0);
    /// // Unique in the population where nobody else is there: exp(-0.7).
    /// assert!((1.0 - alone.at_least(2) - (-0.7_f64).exp()).abs() < 1e-12);
    /// ```
    pub fn at_least(&self, size: u64) -> f64 {
        match size.saturating_sub(u64::from(self.seen)) {
            0 => 1.0,
            _ if self.unseen <= 0.0 => 0.0,
            more => gamma_lr(more as f64, self.unseen),
        }
    }

    /// Mean and variance of 1 / F, the probability that a match with one of these people is right. O(sqrt(unseen)).
    pub fn match_probability(&self) -> (f64, f64) {
        let (seen, mean) = (f64::from(self.seen), self.unseen);
        if mean <= 0.0 {
            return (1.0 / seen, 0.0);
        }
        if mean > LARGE {
            let inverse = 1.0 / (seen + mean);
            return (inverse * (1.0 + mean * inverse * inverse), mean * inverse.powi(4));
        }
        let reach = FAR * mean.sqrt() + 30.0;
        let first = (mean - reach).max(0.0).floor();
        let mut weight = (first * mean.ln() - mean - ln_gamma(first + 1.0)).exp();
        let (mut whole, mut of_first, mut of_second, mut more) = (0.0, 0.0, 0.0, first);
        while more <= mean + reach {
            let inverse = 1.0 / (seen + more);
            whole += weight;
            of_first += weight * inverse;
            of_second += weight * inverse * inverse;
            more += 1.0;
            weight *= mean / more;
        }
        // The first weight is a difference of large logarithms; what is wrong with it is wrong with their sum too.
        let (mean, second) = (of_first / whole, of_second / whole);
        (mean, (second - mean * mean).max(0.0))
    }
}

/// The largest size that all groups reach with a probability of at least `level`, groups being independent: a quantile of the
/// smallest group, k of the k-map. 0 without groups. O(groups x log size).
///
/// ```
/// use privet::population::{PopulationGroup, smallest_group};
/// // The smaller is 1 with probability exp(-2) = 0.135, so it is larger at a level of 0.8 and not at 0.9.
/// let groups = [PopulationGroup { seen: 1, unseen: 2.0 }, PopulationGroup { seen: 500, unseen: 9.0 }];
/// assert_eq!((smallest_group(&groups, 0.8), smallest_group(&groups, 0.9)), (2, 1));
/// ```
pub fn smallest_group(groups: &[PopulationGroup], level: f64) -> u64 {
    let highest = |group: &PopulationGroup| {
        u64::from(group.seen)
            + (group.unseen + FAR * group.unseen.sqrt() + 30.0 * f64::from(u8::from(group.unseen > 0.0))) as u64
    };
    let Some(most) = groups.iter().map(highest).min() else { return 0 };
    let reached = |size: u64| {
        // Groups that are far larger than this reach it.
        let close = groups
            .iter()
            .filter(|group| f64::from(group.seen) + group.unseen - FAR * group.unseen.sqrt() < size as f64);
        close.map(|group| group.at_least(size).ln()).sum::<f64>().exp() >= level
    };
    let (mut below, mut above) = (1, most + 1);
    while above - below > 1 {
        let middle = below + (above - below) / 2;
        if reached(middle) { below = middle } else { above = middle }
    }
    below
}

#[cfg(test)]
mod tests {
    use super::*;

    /// E 1/(1 + X) = (1 - exp(-m)) / m for a Poisson X of mean m; the mean of two records is by the recursion of Poisson terms
    /// E 1/(2 + X) = (1 - E 1/(1 + X)) / m.
    #[test]
    fn match_probabilities_have_closed_forms() {
        for mean in [1e-9, 0.01, 0.7, 3.0, 50.0, 4e3, 9.9e5, 2e6] {
            let of = |seen| PopulationGroup { seen, unseen: mean }.match_probability();
            let one = -f64::exp_m1(-mean) / mean;
            assert!((of(1).0 / one - 1.0).abs() < 1e-9, "{mean}");
            if mean > 0.005 {
                assert!((of(2).0 / ((1.0 - one) / mean) - 1.0).abs() < 1e-6, "{mean}");
            }
        }
        // Two points: X = 0 with probability 1 - 1e-4 and 1 otherwise, nearly: variance of 1/(1 + X) is p q / 4.
        let (_, variance) = PopulationGroup { seen: 1, unseen: 1e-4 }.match_probability();
        assert!((variance / (1e-4 / 4.0) - 1.0).abs() < 1e-3);
        // Where the sum ends and the moments begin, both say the same.
        let (sum, moments) = (LARGE, LARGE * (1.0 + 1e-12));
        let [a, b] = [sum, moments].map(|unseen| PopulationGroup { seen: 3, unseen }.match_probability());
        assert!((a.0 / b.0 - 1.0).abs() < 1e-9 && (a.1 / b.1 - 1.0).abs() < 1e-4, "{a:?} {b:?}");
    }

    /// By brute force over the product of the laws.
    #[test]
    fn the_smallest_group_has_the_law_of_a_minimum() {
        let groups: Vec<PopulationGroup> = [(1, 3.5), (2, 1.0), (4, 0.0), (1, 9.0), (30, 100.0)]
            .map(|(seen, unseen)| PopulationGroup { seen, unseen })
            .to_vec();
        for level in [0.025, 0.3, 0.5, 0.9, 0.975] {
            let all = |size: u64| groups.iter().map(|group| group.at_least(size)).product::<f64>();
            let expected = (1..200).filter(|size| all(*size) >= level).max().expect("one person is there");
            assert_eq!(smallest_group(&groups, level), expected);
        }
        assert_eq!(smallest_group(&[], 0.5), 0);
        assert_eq!(smallest_group(&[PopulationGroup { seen: 7, unseen: 0.0 }], 0.9), 7);
    }
}
