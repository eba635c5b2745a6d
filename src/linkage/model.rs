//! The Fellegi-Sunter model: how likely each level of agreement is for a match and for two strangers.

use super::Patterns;

/// The digit of a pattern whose comparison has a missing side.
pub const MISSING_LEVEL: u8 = 0;
/// Least probability in a weight: no single level is proof.
pub(super) const LEAST: f64 = 1e-9;

/// Probabilities of the levels of every comparison, given a match (m) and given no match (u), and the share of matches.
///
/// Levels count from 1 (different) to the number of levels (equal); a missing side is level 0, which says nothing: its factor
/// is 1 and it takes no part in the sums of m and u.
///
/// References: Fellegi and Sunter, JASA 64 (1969) 1183-1210; Winkler (1988) for the estimation by EM; Enamorado, Fifield and
/// Imai, American Political Science Review 113 (2019) for missing values and counts of patterns.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// Share of matches among the pairs, between 0 and 1.
    pub lambda: f64,
    /// Per comparison the probability of each level from 1 among matches; sums to 1.
    pub m: Vec<Vec<f64>>,
    /// The same among pairs of strangers.
    pub u: Vec<Vec<f64>>,
}

/// What EM may change, and for how long.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Learning {
    /// Whether u is learned too, or kept.
    pub u: Strangers,
    /// The largest share of matches that is possible.
    pub most_lambda: f64,
    /// Most steps.
    pub steps: usize,
    /// It ends when no probability changes by more.
    pub tolerance: f64,
}

/// What becomes of u.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strangers {
    /// Learned with the rest.
    Learned,
    /// Kept: it is known from random pairs.
    Kept,
}

impl Default for Learning {
    fn default() -> Self {
        Self { u: Strangers::Learned, most_lambda: 1.0, steps: 1000, tolerance: 1e-10 }
    }
}

/// A model learned by EM.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// The model.
    pub model: Model,
    /// Log-likelihood (natural) of the patterns before each step and at the end; never falls.
    pub log_likelihoods: Vec<f64>,
    /// Whether it settled within the steps.
    pub settled: bool,
}

impl Model {
    /// What an attacker expects before seeing data: `agreement` of the matches agree exactly, the rest is spread over the
    /// other levels, more on the similar ones.
    pub fn expecting(agreement: f64, lambda: f64, u: Vec<Vec<f64>>) -> Self {
        let expect = |levels: &Vec<f64>| {
            let others = levels.len().saturating_sub(1);
            // Weights 1, 2, 3, ... from different to similar.
            let total = (others * (others + 1) / 2) as f64;
            let lower = (1..=others).map(|rank| (1.0 - agreement) * rank as f64 / total);
            lower.chain([if others == 0 { 1.0 } else { agreement }]).collect()
        };
        Self { lambda, m: u.iter().map(expect).collect(), u }
    }

    /// log2 of m/u of one level of one comparison; 0 where a side is missing.
    pub fn level_weight(&self, comparison: usize, level: u8) -> f64 {
        match level {
            MISSING_LEVEL => 0.0,
            level => {
                let at = usize::from(level) - 1;
                (self.m[comparison][at].max(LEAST) / self.u[comparison][at].max(LEAST)).log2()
            }
        }
    }

    /// The match weight of a pattern in bits: log2 of how much more often matches show it than strangers.
    pub fn weight(&self, pattern: &[u8]) -> f64 {
        pattern.iter().enumerate().map(|(comparison, &level)| self.level_weight(comparison, level)).sum()
    }

    /// The weight of the share of matches itself: log2(lambda / (1 - lambda)).
    pub fn prior_weight(&self) -> f64 {
        (self.lambda.max(f64::MIN_POSITIVE) / (1.0 - self.lambda).max(f64::MIN_POSITIVE)).log2()
    }

    /// Probability that a pair of a pattern is a match.
    ///
    /// ```
    /// use privet::linkage::Model;
    /// let agree = |probability: f64| vec![1.0 - probability, probability];
    /// let model = Model { lambda: 0.5, m: vec![agree(0.9)], u: vec![agree(0.1)] };
    /// assert!((model.posterior(&[2]) - 0.9).abs() < 1e-12 && (model.posterior(&[0]) - 0.5).abs() < 1e-12);
    /// ```
    pub fn posterior(&self, pattern: &[u8]) -> f64 {
        let (both, matched) = self.likelihoods(pattern);
        if both > 0.0 { matched / both } else { 0.0 }
    }

    /// Probability of a pattern, and the part of it that matches make.
    fn likelihoods(&self, pattern: &[u8]) -> (f64, f64) {
        let (mut matched, mut strange) = (self.lambda, 1.0 - self.lambda);
        for (comparison, &level) in pattern.iter().enumerate().filter(|(_, level)| **level != MISSING_LEVEL) {
            matched *= self.m[comparison][usize::from(level) - 1];
            strange *= self.u[comparison][usize::from(level) - 1];
        }
        (matched + strange, matched)
    }

    /// Log-likelihood (natural) of all pairs.
    pub fn log_likelihood(&self, patterns: &Patterns) -> f64 {
        let one =
            |(pattern, count): (&[u8], u64)| count as f64 * self.likelihoods(pattern).0.max(f64::MIN_POSITIVE).ln();
        patterns.iter().map(one).sum()
    }

    /// Improves the model by expectation and maximisation on counts of patterns. O(patterns x comparisons) a step.
    ///
    /// The bound on the share of matches is kept in every maximisation, so the likelihood never falls.
    #[must_use]
    pub fn learn(self, patterns: &Patterns, learning: Learning) -> Fit {
        let mut model = self;
        let mut log_likelihoods = vec![model.log_likelihood(patterns)];
        let mut settled = false;
        for _ in 0..learning.steps {
            let next = model.step(patterns, learning);
            let change = next.distance(&model);
            model = next;
            log_likelihoods.push(model.log_likelihood(patterns));
            if change <= learning.tolerance {
                settled = true;
                break;
            }
        }
        Fit { model, log_likelihoods, settled }
    }

    fn step(&self, patterns: &Patterns, learning: Learning) -> Self {
        let zeros = |levels: &Vec<Vec<f64>>| levels.iter().map(|of| vec![0.0; of.len()]).collect::<Vec<Vec<f64>>>();
        let (mut m, mut u) = (zeros(&self.m), zeros(&self.u));
        let (mut matched, mut all) = (0.0, 0.0);
        for (pattern, count) in patterns.iter() {
            let count = count as f64;
            let hit = count * self.posterior(pattern);
            matched += hit;
            all += count;
            for (comparison, &level) in pattern.iter().enumerate().filter(|(_, level)| **level != MISSING_LEVEL) {
                m[comparison][usize::from(level) - 1] += hit;
                u[comparison][usize::from(level) - 1] += count - hit;
            }
        }
        let lambda = if all > 0.0 { (matched / all).min(learning.most_lambda) } else { self.lambda };
        let u = if learning.u == Strangers::Kept { self.u.clone() } else { shares(u, &self.u) };
        Self { lambda, m: shares(m, &self.m), u }
    }

    /// The largest change of a probability.
    fn distance(&self, other: &Self) -> f64 {
        let pairs = |a: &Vec<Vec<f64>>, b: &Vec<Vec<f64>>| {
            a.iter().flatten().zip(b.iter().flatten()).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max)
        };
        (self.lambda - other.lambda).abs().max(pairs(&self.m, &other.m)).max(pairs(&self.u, &other.u))
    }

    /// The same model with weights that never fall from a level to a more similar one: who links knows that agreement speaks
    /// for a match. Neighbouring levels that say otherwise are pooled (m is shared in proportion to u).
    #[must_use]
    pub fn ordered(mut self) -> Self {
        for (m, u) in self.m.iter_mut().zip(&self.u) {
            // Blocks of pooled levels: sum of m, sum of u, number of levels.
            let mut blocks: Vec<(f64, f64, usize)> = Vec::new();
            for (&m, &u) in m.iter().zip(u) {
                let mut block = (m.max(LEAST), u.max(LEAST), 1);
                while let Some(&(before_m, before_u, count)) = blocks.last()
                    && before_m / before_u > block.0 / block.1
                {
                    blocks.pop();
                    block = (before_m + block.0, before_u + block.1, count + block.2);
                }
                blocks.push(block);
            }
            let ratios = blocks.iter().flat_map(|&(m, u, count)| std::iter::repeat_n(m / u, count));
            let pooled: Vec<f64> = ratios.zip(u).map(|(ratio, u)| ratio * u.max(LEAST)).collect();
            m.copy_from_slice(&pooled);
        }
        self
    }
}

/// Sums turned into shares; what was never seen keeps its shares.
fn shares(sums: Vec<Vec<f64>>, before: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let share = |(sums, before): (Vec<f64>, &Vec<f64>)| {
        let total: f64 = sums.iter().sum();
        if total > 0.0 { sums.iter().map(|sum| sum / total).collect() } else { before.clone() }
    };
    sums.into_iter().zip(before).map(share).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn binary(agree: &[f64]) -> Vec<Vec<f64>> {
        agree.iter().map(|&probability| vec![1.0 - probability, probability]).collect()
    }

    /// The 4,000 pairs with known parameters that Splink's tests hold (`known_params_comparison_vectors.csv`).
    fn known() -> Patterns {
        let counts = [
            ([1, 1, 1], 1407),
            ([1, 1, 2], 408),
            ([1, 2, 1], 63),
            ([1, 2, 2], 522),
            ([2, 1, 1], 163),
            ([2, 1, 2], 172),
            ([2, 2, 1], 67),
            ([2, 2, 2], 1198),
        ];
        Patterns::of(vec![2; 3], counts.iter().map(|(pattern, count)| (pattern.to_vec(), *count)).collect())
    }

    #[test]
    fn parameters_of_splinks_known_pairs() {
        let start = Model { lambda: 1e-4, m: binary(&[0.95; 3]), u: binary(&[0.05; 3]) };
        let fit = start.learn(&known(), Learning { tolerance: 1e-13, ..Learning::default() });
        assert!(fit.settled);
        assert!((fit.model.lambda - 0.5).abs() < 1e-9);
        for (found, expected) in fit.model.m.iter().zip([0.7, 0.9, 0.95]) {
            assert!((found[1] - expected).abs() < 1e-9, "{found:?}");
        }
        for (found, expected) in fit.model.u.iter().zip([0.1, 0.025, 0.2]) {
            assert!((found[1] - expected).abs() < 1e-9, "{found:?}");
        }
        // By hand: .3 .1 .05 / (.3 .1 .05 + .9 .975 .8) and so on.
        let posterior = |pattern: &[u8]| fit.model.posterior(pattern);
        assert!((posterior(&[1, 1, 1]) - 0.002_132_196_162_046_9).abs() < 1e-9);
        assert!((posterior(&[1, 2, 1]) - 0.428_571_428_571_4).abs() < 1e-9);
        assert!((posterior(&[2, 2, 2]) - 0.999_165).abs() < 1e-6);
        let weight = fit.model.weight(&[2, 0, 1]);
        assert!((weight - (7.0_f64.log2() + (0.05_f64 / 0.8).log2())).abs() < 1e-8, "missing says nothing: {weight}");
        assert!(fit.log_likelihoods.windows(2).all(|pair| pair[1] >= pair[0] - 1e-6));
    }

    fn patterns() -> impl Strategy<Value = Patterns> {
        prop::collection::vec((0_u8..=2, 0_u8..=3, 0_u8..=2, 1_u64..40), 1..20).prop_map(|rows| {
            let counts = rows.into_iter().map(|(a, b, c, count)| (vec![a, b, c], count)).collect();
            Patterns::of(vec![2, 3, 2], counts)
        })
    }

    fn start() -> Model {
        let u = vec![vec![0.8, 0.2], vec![0.6, 0.3, 0.1], vec![0.7, 0.3]];
        Model::expecting(0.9, 0.1, u)
    }

    proptest! {
        #[test]
        fn the_likelihood_never_falls(patterns in patterns(), most in 0.05_f64..1.0, kept in any::<bool>()) {
            let u = if kept { Strangers::Kept } else { Strangers::Learned };
            let start = Model { lambda: most / 2.0, ..start() };
            let fit = start.learn(&patterns, Learning { u, most_lambda: most, steps: 60, tolerance: 0.0 });
            for pair in fit.log_likelihoods.windows(2) {
                prop_assert!(pair[1] >= pair[0] - 1e-9 * pair[0].abs().max(1.0));
            }
            prop_assert!(fit.model.lambda <= most + 1e-12);
            for of in fit.model.m.iter().chain(&fit.model.u) {
                prop_assert!((of.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            }
        }

        /// A count of a pattern is as many pairs of it, but for what steps make of the order in which numbers are added: near a saddle
        /// each multiplies the last digit by two or three, so they are few.
        #[test]
        fn counts_equal_pairs(patterns in patterns()) {
            let learning = Learning { steps: 8, tolerance: 0.0, ..Learning::default() };
            let single: Vec<(Vec<u8>, u64)> = patterns
                .iter()
                .flat_map(|(pattern, count)| (0..count).map(move |_| (pattern.to_vec(), 1)))
                .collect();
            let one_by_one = start().learn(&Patterns::unmerged(vec![2, 3, 2], single), learning).model;
            let counted = start().learn(&patterns, learning).model;
            prop_assert!(counted.distance(&one_by_one) < 1e-9);
        }

        #[test]
        fn ordered_weights_never_fall(m in prop::collection::vec(0.01_f64..1.0, 4), u in prop::collection::vec(0.01_f64..1.0, 4)) {
            let normed = |of: &[f64]| of.iter().map(|x| x / of.iter().sum::<f64>()).collect::<Vec<f64>>();
            let model = Model { lambda: 0.1, m: vec![normed(&m)], u: vec![normed(&u)] }.ordered();
            let weights: Vec<f64> = (1..=4).map(|level| model.level_weight(0, level)).collect();
            prop_assert!(weights.windows(2).all(|pair| pair[1] >= pair[0] - 1e-9), "{:?}", weights);
            prop_assert!((model.m[0].iter().sum::<f64>() - 1.0).abs() < 1e-9);
        }
    }
}
