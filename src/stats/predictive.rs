//! What a positive answer is worth when positives are rare.
//!
//! Refuses to speak of a predictive value without a stated prior.

use super::{Estimate, Level, Method};

/// Positive predictive value `TPR pi / (TPR pi + FPR (1 - pi))` at the prior share `pi` of positives.
///
/// Between 0 and 1; equal to the prior for a test that guesses. It rises with TPR and falls with FPR, so that the
/// interval runs from the worst ends (TPR low, FPR high) to the best (TPR high, FPR low). The two intervals hold
/// together with the level that is left after both of their alphas (Bonferroni): give both at `Level::shared(2)` to get
/// the level meant. Degenerate case: a test that never answers yes tells nothing and keeps the prior. O(1).
///
/// Reference: Jayaraman and others, `PoPETs` 2021(2) 348-368, for the prior in place of balanced sides.
///
/// ```
/// use privet::stats::{Estimate, predictive::positive_predictive_value};
/// // 1 positive in 10: 0.9 * 0.1 / (0.9 * 0.1 + 0.1 * 0.9) = 1/2
/// let value = positive_predictive_value(&Estimate::exact(0.9, 50), &Estimate::exact(0.1, 50), 0.1);
/// assert!((value.value - 0.5).abs() < 1e-12);
/// ```
pub fn positive_predictive_value(tpr: &Estimate, fpr: &Estimate, prior: f64) -> Estimate {
    let at = |tpr: f64, fpr: f64| {
        let (hits, alarms) = (tpr * prior, fpr * (1.0 - prior));
        if hits + alarms > 0.0 { hits / (hits + alarms) } else { prior }
    };
    let left = tpr.level.alpha() + fpr.level.alpha();
    Estimate {
        value: at(tpr.value, fpr.value),
        low: at(tpr.low, fpr.high),
        high: at(tpr.high, fpr.low),
        level: Level::new(1.0 - left).unwrap_or(tpr.level),
        n: tpr.n.min(fpr.n),
        method: Method::WorstEnds,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::interval::clopper_pearson;
    use proptest::prelude::*;

    #[test]
    fn guessing_keeps_the_prior() {
        for prior in [0.5, 0.1, 0.01] {
            for rate in [0.0, 0.3, 1.0] {
                let rate = Estimate::exact(rate, 10);
                assert!((positive_predictive_value(&rate, &rate, prior).value - prior).abs() < 1e-12);
            }
        }
    }

    proptest! {
        #[test]
        fn ends_enclose_the_value(hits in 0_usize..=40, alarms in 0_usize..=40, prior in 0.001_f64..0.999) {
            let level = Level::P95.shared(2);
            let value = positive_predictive_value(&clopper_pearson(hits, 40, level), &clopper_pearson(alarms, 40, level), prior);
            prop_assert!(value.low <= value.value && value.value <= value.high);
            prop_assert!((0.0..=1.0).contains(&value.low) && (0.0..=1.0).contains(&value.high));
            prop_assert!((value.level.value() - 0.95).abs() < 1e-12);
        }
    }
}
