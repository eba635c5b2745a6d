//! Pitman's sampling formula: a population whose classes follow a two-parameter Poisson-Dirichlet law.

use statrs::function::gamma::ln_gamma;

use super::NoFit;
use super::series::{reciprocals, squared_reciprocals};
use crate::equivalence::Histogram;
use crate::seed::Stream;
use crate::stats::uniform::{below, unit};

/// The least and the most `alpha` that is told from 0 and from 1.
const EDGE: f64 = 1e-6;
/// Steps of Newton's method before the search that cannot fail takes over.
const STEPS: usize = 60;

/// A fitted law: 0 < alpha < 1, theta > -alpha.
///
/// Large alpha: many small classes. Reference: Pitman, Probability Theory and Related Fields 102 (1995); Hoshino, Journal of
/// Official Statistics 17 (2001) 499-520.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pitman {
    /// Concentration.
    pub theta: f64,
    /// Discount.
    pub alpha: f64,
}

impl Pitman {
    /// Maximum likelihood: Newton's method on the score equations from Hoshino's moment guess, and where that leaves the
    /// range, nested bisection. O(distinct sizes) a step.
    ///
    /// # Errors
    /// [`NoFit::Uninformative`] when all records are unique or all alike, [`NoFit::Edge`] when the likelihood is highest at
    /// alpha = 0 or below (a few large classes hold everybody), where the law says nothing about unique people.
    ///
    /// ```
    /// use privet::equivalence::Histogram;
    /// use privet::population::Pitman;
    /// let sizes = Histogram::of_sizes([1; 60].into_iter().chain([2; 12]).chain([3; 5]).chain([7]));
    /// let law = Pitman::fit(&sizes)?;
    /// assert!(law.alpha > 0.0 && law.alpha < 1.0);
    /// # Ok::<(), privet::population::NoFit>(())
    /// ```
    pub fn fit(sizes: &Histogram) -> Result<Self, NoFit> {
        let (n, classes) = (sizes.records(), sizes.classes());
        if classes == n || classes < 2 {
            return Err(NoFit::Uninformative);
        }
        newton(sizes, guess(sizes)).or_else(|| nested(sizes)).ok_or(NoFit::Edge)
    }

    /// The likeliest law with alpha = 0 (up to 2e-6), Ewens' sampling formula: the edge of the range, where the likelihood is
    /// highest whenever [`Pitman::fit`] refuses with [`NoFit::Edge`].
    ///
    /// # Errors
    /// [`NoFit::Uninformative`] as [`Pitman::fit`].
    pub fn fit_on_the_edge(sizes: &Histogram) -> Result<Self, NoFit> {
        if sizes.classes() == sizes.records() || sizes.classes() < 2 {
            return Err(NoFit::Uninformative);
        }
        Ok(best_theta(sizes, EDGE * 2.0))
    }

    /// Expected number of unique people in a population:
    /// N Gamma(theta + 1) Gamma(theta + alpha + N - 1) / (Gamma(theta + alpha) Gamma(theta + N)).
    pub fn uniques(&self, population: f64) -> f64 {
        // Gamma(y + alpha - 1) / Gamma(y) at a large y by Stirling's series: two logarithms of Gamma would cancel.
        let y = self.theta + population;
        let shift = self.alpha - 1.0;
        let ratio = if y > 1e4 {
            let z = y + shift;
            (z - 0.5) * (shift / y).ln_1p() + shift * y.ln() - shift + (1.0 / z - 1.0 / y) / 12.0
        } else {
            ln_gamma(y + shift) - ln_gamma(y)
        };
        (population.ln() + ln_gamma(self.theta + 1.0) - ln_gamma(self.theta + self.alpha) + ratio).exp()
    }

    /// Hoshino's approximation of [`Pitman::uniques`] for a population much larger than theta, which the literature and ARX
    /// print: Gamma(theta + 1) / Gamma(theta + alpha) N^alpha. Too large where N is not: 3 % on ARX's adult data at N = n.
    pub fn uniques_of_a_large_population(&self, population: f64) -> f64 {
        (ln_gamma(self.theta + 1.0) - ln_gamma(self.theta + self.alpha) + self.alpha * population.ln()).exp()
    }

    /// Draws a sample of `records` from the law: record by record, a new class with probability
    /// (theta + alpha C) / (theta + i), else a class with probability proportional to its size less alpha. O(records).
    pub(super) fn draw(&self, records: usize, stream: &mut Stream) -> Histogram {
        let mut class_of: Vec<u32> = Vec::with_capacity(records);
        let mut sizes: Vec<u32> = Vec::new();
        for i in 0..records {
            let share = (self.theta + self.alpha * sizes.len() as f64) / (self.theta + i as f64);
            let class = if i == 0 || unit(stream) < share {
                sizes.push(0);
                sizes.len() - 1
            } else {
                loop {
                    // The class of an earlier record is drawn by size; it is kept with probability 1 - alpha / size.
                    let class = class_of[below(i, stream)] as usize;
                    if unit(stream) * f64::from(sizes[class]) >= self.alpha {
                        break class;
                    }
                }
            };
            sizes[class] += 1;
            class_of.push(class as u32);
        }
        Histogram::of_sizes(sizes)
    }
}

/// Gradient of the log-likelihood in (theta, alpha), and its second derivatives (theta theta, theta alpha, alpha alpha).
fn derivatives(sizes: &Histogram, law: Pitman) -> ([f64; 2], [f64; 3]) {
    let Pitman { theta, alpha } = law;
    let steps = sizes.classes() as f64 - 1.0;
    let after = sizes.records() as f64 - 1.0;
    let first = reciprocals(theta / alpha + 1.0, steps) / alpha;
    let second = squared_reciprocals(theta / alpha + 1.0, steps) / (alpha * alpha);
    let inside = |sum: fn(f64, f64) -> f64| -> f64 {
        sizes.counts().iter().map(|&(size, count)| count as f64 * sum(1.0 - alpha, f64::from(size) - 1.0)).sum()
    };
    let gradient = [first - reciprocals(theta + 1.0, after), (steps - theta * first) / alpha - inside(reciprocals)];
    let curvature = [
        squared_reciprocals(theta + 1.0, after) - second,
        -(first - theta * second) / alpha,
        -(steps - 2.0 * theta * first + theta * theta * second) / (alpha * alpha) - inside(squared_reciprocals),
    ];
    (gradient, curvature)
}

/// Hoshino's moment guess, moved into the range.
fn guess(sizes: &Histogram) -> Pitman {
    let (n, classes) = (sizes.records() as f64, sizes.classes() as f64);
    let alone = sizes.of_size(1) as f64;
    let c = alone * (alone - 1.0) / sizes.of_size(2).max(1) as f64;
    let theta =
        (n * classes * c - alone * (n - 1.0) * (2.0 * classes + c)) / (2.0 * alone * classes + alone * c - n * c);
    let alpha = (theta * (alone - n) + (n - 1.0) * alone) / (n * classes);
    let alpha = if alpha.is_finite() { alpha.clamp(0.05, 0.95) } else { 0.5 };
    Pitman { theta: if theta.is_finite() { theta.max(0.1) } else { classes }, alpha }
}

fn newton(sizes: &Histogram, start: Pitman) -> Option<Pitman> {
    let inside = |law: &Pitman| law.alpha > EDGE && law.alpha < 1.0 - EDGE && law.theta > -law.alpha;
    // Scores in units of their scale, so that both count.
    let scale = [sizes.classes() as f64 / start.theta.abs().max(1.0), sizes.records() as f64];
    let size = |gradient: &[f64; 2]| (gradient[0] / scale[0]).hypot(gradient[1] / scale[1]);
    let mut law = start;
    let (mut gradient, mut curvature) = derivatives(sizes, law);
    for _ in 0..STEPS {
        let [a, b, d] = curvature;
        let determinant = a * d - b * b;
        // A maximum has a negative definite matrix; elsewhere Newton's step leads away.
        if a >= 0.0 || determinant <= 0.0 {
            return None;
        }
        let step =
            [(d * gradient[0] - b * gradient[1]) / determinant, (a * gradient[1] - b * gradient[0]) / determinant];
        let mut share = 1.0;
        let next = loop {
            let next = Pitman { theta: law.theta - share * step[0], alpha: law.alpha - share * step[1] };
            if inside(&next) && size(&derivatives(sizes, next).0) < size(&gradient) {
                break Some(next);
            }
            share *= 0.5;
            if share < 1e-4 {
                break None;
            }
        };
        let Some(next) = next else {
            return (size(&gradient) < 1e-11).then_some(law);
        };
        law = next;
        (gradient, curvature) = derivatives(sizes, law);
        if size(&gradient) < 1e-15 {
            break;
        }
    }
    (size(&gradient) < 1e-11).then_some(law)
}

/// The best theta for an alpha: the score falls from infinity at theta = -alpha to below zero.
fn best_theta(sizes: &Histogram, alpha: f64) -> Pitman {
    let score = |log: f64| derivatives(sizes, Pitman { theta: log.exp() - alpha, alpha }).0[0];
    Pitman { theta: bisect(-30.0, 40.0, score).exp() - alpha, alpha }
}

/// The alpha at which the likelihood along the best thetas stops rising.
fn nested(sizes: &Histogram) -> Option<Pitman> {
    let rise = |alpha: f64| derivatives(sizes, best_theta(sizes, alpha)).0[1];
    if rise(EDGE * 2.0) <= 0.0 || rise(1.0 - 2.0 * EDGE) >= 0.0 {
        return None;
    }
    Some(best_theta(sizes, bisect(EDGE * 2.0, 1.0 - 2.0 * EDGE, rise)))
}

/// Where a function that starts above zero and ends below it crosses.
pub(super) fn bisect(mut low: f64, mut high: f64, function: impl Fn(f64) -> f64) -> f64 {
    for _ in 0..80 {
        let middle = 0.5 * (low + high);
        if function(middle) > 0.0 { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::population::fixtures::{adult, of};
    use crate::seed::Seed;

    fn close(found: f64, expected: f64, within: f64) {
        assert!((found - expected).abs() <= within * expected.abs(), "{found} is not {expected}");
    }

    /// ARX's `TestRiskMetrics` asserts the shares at sampling fractions 0.1 and 0.01; the digits are those of an
    /// independent solver.
    #[test]
    fn adult_equals_arx() {
        let sizes = adult();
        let start = guess(&sizes);
        close(start.theta, 4_134.314_586_8, 1e-10);
        close(start.alpha, 0.692_411_328_0, 1e-9);
        for law in [Pitman::fit(&sizes).unwrap(), nested(&sizes).unwrap()] {
            close(law.theta, 3_176.233_517_9, 1e-10);
            close(law.alpha, 0.717_948_948_2, 1e-9);
            for (fraction, share) in [
                (0.01, 0.144_608_353),
                (0.1, 0.276_849_939),
                (0.2, 0.336_628_017),
                (0.5, 0.435_902_798),
                (0.9, 0.514_506_367),
                (1.0, 0.530_023_937),
            ] {
                let population = (30_162.0_f64 / fraction).round();
                close(law.uniques_of_a_large_population(population) / population, share, 2e-9);
            }
        }
    }

    /// The expected number has no excess at N = n, and equals the product formula.
    #[test]
    fn expected_uniques_equal_the_product() {
        let law = Pitman::fit(&adult()).unwrap();
        close(law.uniques(30_162.0) / 30_162.0, 0.514_289_5, 3e-3);
        for law in [law, Pitman { theta: 2.5, alpha: 0.3 }, Pitman { theta: -0.2, alpha: 0.6 }] {
            for population in [2_u32, 50, 9_000, 30_000] {
                let product: f64 = (1..population)
                    .map(|i| (law.theta + law.alpha + f64::from(i) - 1.0) / (law.theta + f64::from(i)))
                    .product();
                close(law.uniques(f64::from(population)), f64::from(population) * product, 1e-9);
            }
        }
        close(law.uniques(1e12), law.uniques_of_a_large_population(1e12), 1e-6);
    }

    /// A sample drawn from a law has the expected classes and uniques, and its fit finds the law again.
    #[test]
    fn the_law_is_found_again() {
        let law = Pitman { theta: 300.0, alpha: 0.6 };
        let mut stream = Seed::root(1).derive("pitman").stream();
        let drawn: Vec<Histogram> = (0..40).map(|_| law.draw(4_000, &mut stream)).collect();
        let mean = |of: &dyn Fn(&Histogram) -> f64| drawn.iter().map(of).sum::<f64>() / 40.0;
        close(mean(&|sizes| sizes.of_size(1) as f64), law.uniques(4_000.0), 0.01);
        close(mean(&|sizes| Pitman::fit(sizes).unwrap().alpha), 0.6, 0.02);
    }

    #[test]
    fn what_the_law_cannot_say_is_refused() {
        assert_eq!(Pitman::fit(&of(&[(1, 500)])), Err(NoFit::Uninformative));
        assert_eq!(Pitman::fit(&of(&[(500, 1)])), Err(NoFit::Uninformative));
        assert_eq!(Pitman::fit(&of(&[])), Err(NoFit::Uninformative));
        // Twenty classes of about the same size: fewer small ones than any alpha > 0 gives.
        assert_eq!(Pitman::fit(&of(&[(1, 1), (90, 9), (100, 10)])), Err(NoFit::Edge));
    }
}
