//! Intervals of means. Refuses fewer than two observations.

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::interval::normal_quantile;
use super::{Estimate, Level, Method};

/// The mean of independent numbers with Student's interval; nothing for fewer than two. O(n).
///
/// Degenerate case: equal numbers give an interval of no width.
///
/// ```
/// use privet::stats::{Level, means::student};
/// let e = student(&[1.0, 2.0, 3.0, 4.0], Level::P95).unwrap();
/// // 2.5 -+ t(0.975, 3) sqrt(5/3 / 4), as scipy.stats.t.interval gives it.
/// assert!((e.low - 0.445_739_743_239_479_4).abs() < 1e-9 && (e.high - 4.554_260_256_760_521).abs() < 1e-9);
/// ```
pub fn student(values: &[f64], level: Level) -> Option<Estimate> {
    let n = values.len();
    if n < 2 {
        return None;
    }
    let value = values.iter().sum::<f64>() / n as f64;
    let squares: f64 = values.iter().map(|v| (v - value).powi(2)).sum();
    let t = StudentsT::new(0.0, 1.0, (n - 1) as f64).ok()?.inverse_cdf(1.0 - level.alpha() / 2.0);
    let half = t * (squares / (n - 1) as f64 / n as f64).sqrt();
    Some(Estimate { value, low: value - half, high: value + half, level, n, method: Method::StudentT })
}

/// A number with a jackknife variance and a normal interval; `n` is the number of people it rests on. O(1).
///
/// ```
/// use privet::stats::{Level, means::jackknifed};
/// let e = jackknifed(0.5, 0.01, 40, Level::P95);
/// assert!((e.high - (0.5 + 0.195_996_398_454_005_4)).abs() < 1e-9);
/// ```
pub fn jackknifed(value: f64, variance: f64, n: usize, level: Level) -> Estimate {
    let half = normal_quantile(1.0 - level.alpha() / 2.0) * variance.sqrt();
    Estimate { value, low: value - half, high: value + half, level, n, method: Method::Jackknife }
}
