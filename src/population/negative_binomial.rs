//! The slided negative binomial model (SNB): a class has one person more than a negative binomial number.

use super::NoFit;
use crate::equivalence::Histogram;

/// A fitted model: F - 1 is negative binomial with shape alpha and success probability beta, in K classes.
///
/// Reference: Chen and Keller-McNulty, Journal of Official Statistics 14 (1998) 79-95. Two formulae differ from ARX's
/// `ModelSNB`, which multiplies by (1 - D)^(alpha + 2) where the expectation divides, and subtracts 1 outside the bracket of
/// Shlosser's sum; as published there the equations have no solution on real data.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SlidedNegativeBinomial {
    /// Shape, over 0.
    pub alpha: f64,
    /// Success probability, between 0 and 1.
    pub beta: f64,
    /// Classes in the population.
    pub classes: f64,
}

/// Points on which the second equation is looked at for changes of sign.
const GRID: usize = 240;

impl SlidedNegativeBinomial {
    /// Solves the expectations of `c_1` and `c_2` for alpha and beta, with Shlosser's estimate of the number of classes. The
    /// first equation gives one or two alpha for every beta; the second is scanned over beta on the logit scale and bisected.
    ///
    /// # Errors
    /// [`NoFit::Uninformative`] when all or none are unique or no two are alike, [`NoFit::NoSolution`] when the equations
    /// have none.
    pub fn fit(sizes: &Histogram, population: f64) -> Result<Self, NoFit> {
        let fraction = (sizes.records() as f64 / population).min(1.0);
        if sizes.of_size(1) == 0 || sizes.of_size(2) == 0 || sizes.classes() == sizes.records() {
            return Err(NoFit::Uninformative);
        }
        let classes = shlosser(sizes, fraction).ok_or(NoFit::NoSolution)?;
        let (alone, pairs) = (sizes.of_size(1) as f64, sizes.of_size(2) as f64);
        let target = (alone / (classes * fraction)).ln();
        let roots = [Branch::Rising, Branch::Falling].into_iter().flat_map(|branch| {
            let excess = |logit: f64| {
                let beta = 1.0 / (1.0 + (-logit).exp());
                let model = Self { alpha: shape(target, beta, fraction, branch)?, beta, classes };
                Some((model, (model.expected_pairs(fraction) / pairs).ln()))
            };
            crossings(&excess)
        });
        // Where several fit, the one whose number of people is nearest to the population's.
        let distance = |model: &Self| (model.people() / population).ln().abs();
        roots.min_by(|a, b| distance(a).total_cmp(&distance(b))).ok_or(NoFit::NoSolution)
    }

    /// Expected number of people: a class has 1 + alpha (1 - beta) / beta.
    pub fn people(&self) -> f64 {
        self.classes * (1.0 + self.alpha * (1.0 - self.beta) / self.beta)
    }

    /// Expected number of unique people: K beta^alpha.
    pub fn uniques(&self) -> f64 {
        self.classes * self.beta.powf(self.alpha)
    }

    /// Expected number of pairs in a sample.
    fn expected_pairs(&self, fraction: f64) -> f64 {
        let Self { alpha, beta, classes } = *self;
        let d = (1.0 - fraction) * (1.0 - beta);
        let rest = (alpha * beta.ln() - (alpha + 2.0) * (-d).ln_1p()).exp();
        0.5 * classes * fraction * fraction * alpha * (1.0 - beta) * rest * (2.0 - (1.0 - alpha) * d)
    }
}

/// Shlosser's estimate of the number of classes in the population, in the form of Haas and Stokes (JASA 93 (1998) 1475-1487).
pub(super) fn shlosser(sizes: &Histogram, fraction: f64) -> Option<f64> {
    let sum = |term: &dyn Fn(f64) -> f64| -> f64 {
        sizes.counts().iter().map(|&(size, count)| term(f64::from(size)) * count as f64).sum()
    };
    let rest = 1.0 - fraction;
    let first = sum(&|i| i * fraction * fraction * (1.0 - fraction * fraction).powf(i - 1.0));
    let second = sum(&|i| rest.powf(i) * ((1.0 + fraction).powf(i) - 1.0));
    let third = sum(&|i| rest.powf(i));
    let fourth = sum(&|i| i * fraction * rest.powf(i - 1.0));
    let classes = sizes.classes() as f64;
    if rest <= 0.0 {
        return Some(classes);
    }
    let unseen = sizes.of_size(1) as f64 * first / second * (third / fourth).powi(2);
    (unseen.is_finite() && unseen >= 0.0).then_some(classes + unseen)
}

/// The two solutions of the first equation for alpha.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Branch {
    /// Below the top: only where more sample uniques are seen than classes are drawn.
    Rising,
    /// Above it.
    Falling,
}

/// The alpha at which the expectation of `c_1` over K phi is `exp(target)`: a root of
/// alpha ln(beta / (1 - D)) + ln(1 + alpha D / (1 - D)) - target, which rises from 0 to a top and falls for ever.
fn shape(target: f64, beta: f64, fraction: f64, branch: Branch) -> Option<f64> {
    let d = (1.0 - fraction) * (1.0 - beta);
    let (slope, odds) = ((beta / (1.0 - d)).ln(), d / (1.0 - d));
    let value = |alpha: f64| alpha * slope + (alpha * odds).ln_1p() - target;
    // It is highest where slope + odds / (1 + alpha odds) = 0.
    let top = if odds > 0.0 { (-1.0 / slope - 1.0 / odds).max(0.0) } else { 0.0 };
    if slope >= 0.0 || value(top) < 0.0 {
        return None;
    }
    let (mut above, mut below) = (top, 0.0);
    if branch == Branch::Falling {
        below = top.max(1e-3);
        while value(below) > 0.0 {
            below *= 2.0;
            if below > 1e15 {
                return None;
            }
        }
    } else if target <= 0.0 {
        return None;
    }
    for _ in 0..70 {
        let middle = 0.5 * (above + below);
        if value(middle) > 0.0 { above = middle } else { below = middle }
    }
    Some(0.5 * (above + below))
}

/// The models at which the excess changes its sign along a branch, from many small classes (beta near 1) to few large ones.
fn crossings(excess: &impl Fn(f64) -> Option<(SlidedNegativeBinomial, f64)>) -> Vec<SlidedNegativeBinomial> {
    let mut found = Vec::new();
    let mut before: Option<(f64, Option<f64>)> = None;
    for step in 0..=GRID {
        let logit = 12.0 - 26.0 * step as f64 / GRID as f64;
        let value = excess(logit).map(|found| found.1);
        let earlier = before.replace((logit, value));
        let Some((earlier, other)) = earlier else { continue };
        // A branch ends between two points of the grid: its end takes the place of the point beyond.
        let (from, to) = match (other, value) {
            (Some(_), Some(_)) => (earlier, logit),
            (Some(_), None) => (earlier, end(earlier, logit, excess)),
            (None, Some(_)) => (end(logit, earlier, excess), logit),
            (None, None) => continue,
        };
        found.extend(crossing(from, to, excess));
    }
    found
}

/// The last point with a value on the way from one that has to one that has not.
fn end(with: f64, without: f64, excess: &impl Fn(f64) -> Option<(SlidedNegativeBinomial, f64)>) -> f64 {
    let (mut with, mut without) = (with, without);
    for _ in 0..60 {
        let middle = 0.5 * (with + without);
        if excess(middle).is_some() { with = middle } else { without = middle }
    }
    with
}

/// The model between two points, if their signs differ and it is no jump.
fn crossing(
    from: f64,
    to: f64,
    excess: &impl Fn(f64) -> Option<(SlidedNegativeBinomial, f64)>,
) -> Option<SlidedNegativeBinomial> {
    let positive = |logit: f64| excess(logit).map(|found| found.1 > 0.0);
    let sign = positive(from)?;
    if positive(to)? == sign {
        return None;
    }
    let (mut near, mut far) = (from, to);
    for _ in 0..70 {
        let middle = 0.5 * (near + far);
        if positive(middle)? == sign { near = middle } else { far = middle }
    }
    let (model, value) = excess(0.5 * (near + far))?;
    (value.abs() < 1e-6).then_some(model)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::population::fixtures::{adult, of};

    /// The roots that an independent solver of 30 digits finds; ARX's test fails its build when its own formulae converge at all.
    #[test]
    fn adult_equals_an_independent_solver() {
        for (fraction, classes) in [(0.1, 105_499.473_8), (0.2, 65_149.982_6)] {
            let fraction = 30_162.0 / (30_162.0_f64 / fraction).round();
            let found = shlosser(&adult(), fraction).unwrap();
            assert!((found - classes).abs() < 5e-5, "{found}");
        }
        for (fraction, share) in [
            (0.01, 0.204_679_015_3),
            (0.1, 0.249_976_937_6),
            (0.2, 0.319_459_375_4),
            (0.5, 0.427_023_314_5),
            (0.9, 0.499_822_500_9),
            (1.0, 0.514_289_503_348_584_4),
        ] {
            let population = (30_162.0_f64 / fraction).round();
            let found = SlidedNegativeBinomial::fit(&adult(), population).unwrap().uniques() / population;
            assert!((found - share).abs() < 1e-9, "{fraction}: {found}");
        }
    }

    /// The expectations of the numbers of uniques and pairs are those of thinned negative binomial classes.
    #[test]
    fn expectations_agree() {
        let (model, fraction) = (SlidedNegativeBinomial { alpha: 0.7, beta: 0.2, classes: 1000.0 }, 0.3_f64);
        // F - 1 = y with mass Gamma(alpha + y) / (Gamma(alpha) y!) beta^alpha (1 - beta)^y; of 1 + y people two are drawn.
        let (mut mass, mut pairs) = (model.beta.powf(model.alpha), 0.0);
        for y in 0..2_000 {
            let people = f64::from(y) + 1.0;
            let two = people * (people - 1.0) / 2.0 * fraction.powi(2) * (1.0 - fraction).powi(y - 1);
            pairs += model.classes * mass * two;
            mass *= (model.alpha + f64::from(y)) / people * (1.0 - model.beta);
        }
        assert!((pairs - model.expected_pairs(fraction)).abs() < 1e-9);
        assert!((model.people() - 3_800.0).abs() < 1e-9);
    }

    #[test]
    fn what_cannot_be_solved_is_refused() {
        for sizes in [of(&[(1, 9)]), of(&[(2, 9)]), of(&[(1, 3), (3, 9)]), of(&[])] {
            assert_eq!(SlidedNegativeBinomial::fit(&sizes, 1e4), Err(NoFit::Uninformative));
        }
    }
}
