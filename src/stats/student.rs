//! Logarithms of densities and tail probabilities, exact far out in the tails.
//!
//! A ratio of likelihoods lives where densities underflow, so that everything here stays on the log scale. Refuses
//! nothing: a scale of 0 or NaN gives NaN or an infinity, as the formula does.

use std::f64::consts::{LN_2, PI};

use statrs::function::gamma::{gamma_ur, ln_gamma};

/// Log density of the normal distribution: `-z^2/2 - ln(scale) - ln(2 pi)/2` with `z = (x - mean)/scale`. O(1).
///
/// ```
/// use privet::stats::student::normal_ln_density;
/// assert!((normal_ln_density(0.0, 0.0, 1.0) + 0.918_938_533_204_672_7).abs() < 1e-15);
/// ```
pub fn normal_ln_density(x: f64, mean: f64, scale: f64) -> f64 {
    let z = (x - mean) / scale;
    -0.5 * z * z - scale.ln() - 0.5 * (2.0 * PI).ln()
}

/// Log density of Student's t distribution with any real number of degrees of freedom above 0.
///
/// `lnG((v+1)/2) - lnG(v/2) - ln(v pi)/2 - ln(scale) - (v+1)/2 ln(1 + z^2/v)`. An infinite `v` is the normal density;
/// from 200 degrees on the difference of the two log-gammas comes from its asymptotic series, where subtracting two
/// large numbers would lose digits. O(1).
///
/// ```
/// use privet::stats::student::ln_density;
/// assert!((ln_density(0.0, 0.0, 1.0, 1.0) + std::f64::consts::PI.ln()).abs() < 1e-14);      // Cauchy: 1/pi at 0
/// ```
pub fn ln_density(x: f64, mean: f64, scale: f64, degrees: f64) -> f64 {
    if degrees.is_infinite() {
        return normal_ln_density(x, mean, scale);
    }
    let z = (x - mean) / scale;
    let norm = ln_gamma_half_step(degrees / 2.0) - 0.5 * (degrees * PI).ln() - scale.ln();
    norm - 0.5 * (degrees + 1.0) * log_one_plus_square(z, degrees)
}

/// `ln(1 + z^2/v)` without overflow of the square.
fn log_one_plus_square(z: f64, degrees: f64) -> f64 {
    if z.abs() < 1e100 { (z * z / degrees).ln_1p() } else { 2.0 * z.abs().ln() - degrees.ln() }
}

/// `lnG(a + 1/2) - lnG(a)`.
fn ln_gamma_half_step(a: f64) -> f64 {
    if a < 100.0 {
        return ln_gamma(a + 0.5) - ln_gamma(a);
    }
    // ln(a)/2 - 1/(8a) + 1/(192 a^3) - 1/(640 a^5) + O(a^-7)
    0.5 * a.ln() - 1.0 / (8.0 * a) + 1.0 / (192.0 * a.powi(3)) - 1.0 / (640.0 * a.powi(5))
}

/// Log of the standard normal distribution function, `ln Phi(x)`.
///
/// Below -10 from the asymptotic expansion `-x^2/2 - ln(-x) - ln(2 pi)/2 + ln(1 - 1/x^2 + 3/x^4 - 15/x^6 + ...)`, above
/// from the incomplete gamma function, the other tail's where x is positive. Relative error below 1e-12; minus infinity
/// only at minus infinity. O(1).
///
/// Reference: Abramowitz and Stegun (1964), 26.2.12.
///
/// ```
/// use privet::stats::student::log_ndtr;
/// assert!((log_ndtr(0.0) + std::f64::consts::LN_2).abs() < 1e-15);
/// assert!((log_ndtr(-40.0) + 804.608_442_013_754_1).abs() < 1e-9);      // Phi(-40) itself is 3.7e-350
/// ```
pub fn log_ndtr(x: f64) -> f64 {
    if x.is_infinite() {
        return x.min(0.0);
    }
    if x == 0.0 {
        return -LN_2;
    }
    if x > -10.0 {
        let both_tails = gamma_ur(0.5, 0.5 * x * x); // statrs's erfc is good to 1e-10 only
        return if x > 0.0 { (-0.5 * both_tails).ln_1p() } else { both_tails.ln() - LN_2 };
    }
    let inverse = 1.0 / (x * x);
    let (mut term, mut series) = (1.0, 0.0);
    for odd in (1..40).step_by(2) {
        let next = -term * f64::from(odd) * inverse;
        if next.abs() < f64::EPSILON / 4.0 || next.abs() >= f64::abs(term) {
            break; // an asymptotic series is cut off at its smallest term
        }
        term = next;
        series += term;
    }
    -0.5 * x * x - (-x).ln() - 0.5 * (2.0 * PI).ln() + series.ln_1p()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_degrees_are_normal_and_the_series_joins_without_a_step() {
        for x in [-30.0, -1.0, 0.0, 0.5, 8.0] {
            let normal = normal_ln_density(x, 0.5, 2.0);
            assert!((ln_density(x, 0.5, 2.0, 1e15) - normal).abs() < 1e-10);
            assert_eq!(ln_density(x, 0.5, 2.0, f64::INFINITY), normal);
        }
        let direct = |a: f64| ln_gamma(a + 0.5) - ln_gamma(a);
        assert!((ln_gamma_half_step(100.0) - direct(100.0)).abs() < 1e-12);
    }

    #[test]
    fn the_tail_joins_the_centre() {
        for edge in [-10.0_f64, 0.0] {
            let step = log_ndtr(edge + 1e-9) - log_ndtr(edge - 1e-9);
            assert!((0.0..1e-7).contains(&step), "{edge}: {step}");
        }
        assert_eq!(log_ndtr(f64::NEG_INFINITY), f64::NEG_INFINITY);
        assert_eq!(log_ndtr(f64::INFINITY), 0.0);
    }
}
