//! Per-record signals: one number per record, larger meaning more like a member.
//!
//! Stable forms in 64 bits, from logits where the model has them: `1 - p` of a 32-bit probability has a resolution of
//! 6e-8, a difference of logits does not. Logarithms of probabilities are floored at 1e-38, the smallest normal float32.

use super::survival::{deviance, log_likelihood, martingale};
use crate::check::Truth;
use crate::model::{PROBABILITY_FLOOR, Predictions, Scale, largest, log_odds_against, log_probability, log_rest};

/// What is computed from a record's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// ln p of the true class: minus the cross-entropy loss (Yeom et al. 2018).
    LogConfidence,
    /// Logit of the true class against all others (Carlini et al. 2022).
    ScaledLogit,
    /// The mean over several labels of the logit of each.
    LabelMean,
    /// Minus the entropy of the answer; needs no label (Salem et al. 2019).
    Entropy,
    /// Minus Song and Mittal's modified entropy (2021).
    ModifiedEntropy,
    /// Whether the answer is right.
    Correctness,
    /// Minus the absolute error of a predicted number.
    AbsoluteError,
    /// Minus the absolute deviance residual of a risk score (Therneau et al. 1990).
    Deviance,
    /// Minus the absolute martingale residual of a risk score.
    Martingale,
    /// How many pairs with other people a risk score puts in the order of their events.
    Concordance,
    /// ln of what a survival curve says about what happened.
    Likelihood,
}

impl Signal {
    /// Name for tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::LogConfidence => "loss",
            Self::ScaledLogit => "scaled logit",
            Self::LabelMean => "mean scaled logit",
            Self::Entropy => "entropy",
            Self::ModifiedEntropy => "modified entropy",
            Self::Correctness => "correctness",
            Self::AbsoluteError => "absolute error",
            Self::Deviance => "deviance residual",
            Self::Martingale => "martingale residual",
            Self::Concordance => "concordance",
            Self::Likelihood => "survival likelihood",
        }
    }

    /// The signals that answers of this kind allow.
    pub fn of(predictions: &Predictions) -> &'static [Self] {
        match predictions {
            Predictions::Flags { .. } => &[
                Self::LogConfidence,
                Self::ScaledLogit,
                Self::LabelMean,
                Self::Entropy,
                Self::ModifiedEntropy,
                Self::Correctness,
            ],
            Predictions::Scores { .. } => {
                &[Self::LogConfidence, Self::ScaledLogit, Self::Entropy, Self::ModifiedEntropy, Self::Correctness]
            }
            Predictions::Labels(_) => &[Self::Correctness],
            Predictions::Values(_) => &[Self::AbsoluteError],
            Predictions::Risks(_) => &[Self::Deviance, Self::Martingale],
            Predictions::Curves { .. } => &[Self::Likelihood],
        }
    }

    /// The signal from which attacks with a second opinion (references, surrogates, quantiles) start: the one whose
    /// distribution is nearest to normal.
    pub fn main(predictions: &Predictions) -> Self {
        match predictions {
            Predictions::Scores { .. } | Predictions::Flags { .. } => Self::ScaledLogit,
            Predictions::Labels(_) => Self::Correctness,
            Predictions::Values(_) => Self::AbsoluteError,
            Predictions::Risks(_) => Self::Deviance,
            Predictions::Curves { .. } => Self::Likelihood,
        }
    }

    /// The signal of every record. O(rows x classes). Of several labels that do not exclude each other the
    /// probability of all together counts, and the answer is right where all are. A risk score without a baseline hazard has no signal.
    pub fn scores(self, predictions: &Predictions, truth: &Truth) -> Vec<f64> {
        match (predictions, truth) {
            (Predictions::Values(values), Truth::Values(truth)) => {
                values.iter().zip(truth).map(|(value, truth)| -(value - truth).abs()).collect()
            }
            (predictions, Truth::Classes(truth)) if self == Self::Correctness => truth
                .iter()
                .enumerate()
                .map(|(row, &class)| f64::from(u8::from(predictions.class(row) == class)))
                .collect(),
            (Predictions::Scores { scale, classes, values, .. }, Truth::Classes(truth)) => {
                let rows = values.chunks(*classes).zip(truth);
                rows.map(|(row, &class)| self.of_row(*scale, row, class as usize)).collect()
            }
            (Predictions::Flags { scale, labels, values }, Truth::Flags { values: truth, .. }) => {
                let rows = values.chunks(*labels).zip(truth.chunks(*labels));
                rows.map(|(row, truth)| self.of_flags(*scale, row, truth)).collect()
            }
            (Predictions::Risks(risks), Truth::Survival { events, hazards: Some(hazards), .. }) => {
                let residual = if self == Self::Martingale { martingale } else { deviance };
                let rows = risks.iter().zip(hazards).zip(events);
                rows.map(|((&risk, hazard), &event)| -residual(event, hazard.ln_expected(risk)).abs()).collect()
            }
            (Predictions::Curves { times: grid, values }, Truth::Survival { times, events, .. }) => {
                let rows = values.chunks(grid.len()).zip(times).zip(events);
                rows.map(|((curve, &time), &event)| log_likelihood(grid, curve, time, event)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The signal of one record with several labels.
    fn of_flags(self, scale: Scale, row: &[f64], truth: &[bool]) -> f64 {
        let labels = || row.iter().zip(truth).map(|(&score, &holds)| (two_classes(scale, score), usize::from(holds)));
        if self == Self::Correctness {
            return f64::from(u8::from(labels().all(|(pair, class)| largest(&pair) as usize == class)));
        }
        let sum = |signal: Self| labels().map(|(pair, class)| signal.of_row(scale, &pair, class)).sum::<f64>();
        match self {
            // The odds of this answer against every other: as near to normal as those of one label, in the order of the loss.
            Self::ScaledLogit => {
                let all = sum(Self::LogConfidence);
                all - (-all.exp_m1()).max(PROBABILITY_FLOOR).ln()
            }
            Self::LabelMean => sum(Self::ScaledLogit) / row.len() as f64,
            signal => sum(signal),
        }
    }

    fn of_row(self, scale: Scale, row: &[f64], class: usize) -> f64 {
        match self {
            Self::LogConfidence => log_probability(scale, row, class),
            Self::ScaledLogit => scaled_logit(scale, row, class),
            Self::Entropy => (0..row.len())
                .map(|j| log_probability(scale, row, j))
                .filter(|l| l.is_finite())
                .map(|l| l.exp() * l)
                .sum(),
            Self::ModifiedEntropy => modified_entropy(scale, row, class),
            _ => 0.0,
        }
    }
}

/// The scores of "no" and "yes" from that of "yes".
pub(super) fn two_classes(scale: Scale, score: f64) -> [f64; 2] {
    match scale {
        Scale::Logit => [0.0, score],
        Scale::Probability => [1.0 - score, score],
    }
}

/// Logit of a class against all others: ln p - ln (sum of the others).
pub(super) fn scaled_logit(scale: Scale, row: &[f64], class: usize) -> f64 {
    match scale {
        Scale::Logit => -log_odds_against(row, class),
        Scale::Probability => log_probability(scale, row, class) - log_rest(scale, row, class),
    }
}

/// `(1 - p_y) ln p_y` plus the sum over the others of `p_j ln (1 - p_j)`.
fn modified_entropy(scale: Scale, row: &[f64], class: usize) -> f64 {
    let of_class = log_rest(scale, row, class).exp() * log_probability(scale, row, class);
    let others = (0..row.len()).filter(|&j| j != class);
    of_class + others.map(|j| log_probability(scale, row, j).exp() * log_rest(scale, row, j)).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logits_and_probabilities_agree() {
        let logits = [1.5, -0.5, 0.25];
        let norm = crate::model::log_sum_exp(logits.iter().copied());
        let probabilities: Vec<f64> = logits.iter().map(|z| (z - norm).exp()).collect();
        for signal in [Signal::LogConfidence, Signal::ScaledLogit, Signal::Entropy, Signal::ModifiedEntropy] {
            for class in 0..3 {
                let a = signal.of_row(Scale::Logit, &logits, class);
                let b = signal.of_row(Scale::Probability, &probabilities, class);
                assert!((a - b).abs() < 1e-12, "{signal:?} {a} {b}");
            }
        }
    }

    /// Labels (yes, no) with p = (0.9, 0.2): 0.9 x 0.8 = 0.72, odds 72 to 28, and the mean of ln 9 and ln 4. Half is not more than half.
    #[test]
    fn labels_add_up() {
        let flags = |p: [f64; 2]| Predictions::Flags { scale: Scale::Probability, labels: 2, values: p.to_vec() };
        let truth = Truth::Flags { labels: 2, values: vec![true, false] };
        let of = |signal: Signal, p| signal.scores(&flags(p), &truth)[0];
        assert!((of(Signal::LogConfidence, [0.9, 0.2]) - 0.72_f64.ln()).abs() < 1e-12);
        assert!((of(Signal::ScaledLogit, [0.9, 0.2]) - (0.72_f64 / 0.28).ln()).abs() < 1e-12);
        assert!((of(Signal::LabelMean, [0.9, 0.2]) - 6.0_f64.ln()).abs() < 1e-12);
        let entropy = |p: f64| p * p.ln() + (1.0 - p) * (1.0 - p).ln();
        assert!((of(Signal::Entropy, [0.9, 0.2]) - entropy(0.9) - entropy(0.2)).abs() < 1e-12);
        assert_eq!([[0.9, 0.2], [0.9, 0.6], [0.5, 0.2]].map(|p| of(Signal::Correctness, p)), [1.0, 0.0, 0.0]);
    }

    #[test]
    fn logits_keep_what_probabilities_lose() {
        // p = 1 - e^-50 is 1 in any float; the logit still tells.
        let far = scaled_logit(Scale::Logit, &[50.0, 0.0], 0);
        let farther = scaled_logit(Scale::Logit, &[60.0, 0.0], 0);
        assert!((far - 50.0).abs() < 1e-12 && (farther - 60.0).abs() < 1e-12);
    }

    #[test]
    fn modified_entropy_of_song_and_mittal() {
        // p = (.7, .2, .1), y = 0: -(.3 ln .7 + .2 ln .8 + .1 ln .9) = 0.16216...
        let value = -modified_entropy(Scale::Probability, &[0.7, 0.2, 0.1], 0);
        assert!((value - (-(0.3 * 0.7_f64.ln() + 0.2 * 0.8_f64.ln() + 0.1 * 0.9_f64.ln()))).abs() < 1e-12);
    }
}
