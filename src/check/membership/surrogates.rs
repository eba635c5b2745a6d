//! What surrogates learn, and what they say about records that they have not seen.

use serde::Deserialize;

use super::pool::{MOST_DEVIANCE, answers, confidence};
use super::survival::{Baseline, deviance, martingale};
use crate::check::{Subject, Truth};
use crate::learn::forest::Forest;
use crate::learn::logistic::Logistic;
use crate::learn::network::Network;
use crate::learn::{Encoded, Learner, Regressor};
use crate::model::{ModelFamily, Predictions, Scale};
use crate::seed::Seed;

/// A kind of surrogate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Surrogate {
    /// Multinomial logistic regression.
    Logistic,
    /// Random forest.
    Forest,
    /// Network with one hidden layer.
    Network,
}

impl Surrogate {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Logistic => "logistic regression",
            Self::Forest => "random forest",
            Self::Network => "small network",
        }
    }

    /// One that is cheap and one of the kind that the model's operators show.
    fn for_family(family: ModelFamily) -> Vec<Self> {
        match family {
            ModelFamily::Linear => vec![Self::Logistic],
            ModelFamily::Network => vec![Self::Logistic, Self::Network],
            ModelFamily::Forest | ModelFamily::Boosted | ModelFamily::Kernel | ModelFamily::Unknown => {
                vec![Self::Logistic, Self::Forest]
            }
        }
    }

    fn learner(self) -> Box<dyn Learner> {
        match self {
            Self::Logistic => Box::new(Logistic::default()),
            Self::Forest => Box::new(Forest::default()),
            Self::Network => Box::new(Network { epochs: 10, ..Network::default() }),
        }
    }
}

/// What surrogates learn.
pub(super) enum Task {
    /// Classes.
    Classes(Vec<u32>, usize),
    /// Numbers.
    Values(Vec<f64>),
    /// A list over the records for each of several labels.
    Flags(Vec<Vec<u32>>),
    /// Times to an event.
    Survival {
        times: Vec<f64>,
        events: Vec<bool>,
        /// Whether the model gives curves, whose likelihood counts, and not risks, whose residual does.
        curves: bool,
    },
}

impl Task {
    pub(super) fn of(subject: &Subject<'_>) -> Option<Self> {
        let (predictions, truth) = answers(subject)?;
        Some(match truth {
            Truth::Classes(classes) => {
                let levels = classes.iter().max().map_or(1, |&class| class as usize + 1);
                Self::Classes(classes, levels.max(2))
            }
            Truth::Values(values) => Self::Values(values),
            Truth::Flags { labels, values } => {
                let of_label = |label: usize| values.iter().skip(label).step_by(labels).map(|&flag| u32::from(flag));
                Self::Flags((0..labels).map(|label| of_label(label).collect()).collect())
            }
            Truth::Survival { times, events, .. } => {
                Self::Survival { times, events, curves: matches!(predictions, Predictions::Curves { .. }) }
            }
        })
    }

    /// Whether a forest of numbers is the only kind of surrogate.
    pub(super) fn of_numbers(&self) -> bool {
        matches!(self, Self::Values(_) | Self::Survival { .. })
    }

    /// The kinds of surrogates for a model of this family.
    pub(super) fn surrogates(&self, family: ModelFamily) -> Vec<Surrogate> {
        if self.of_numbers() { vec![Surrogate::Forest] } else { Surrogate::for_family(family) }
    }
}

/// What a surrogate trained on some rows says about others, as the main signal.
pub(super) fn confidence_of(
    kind: Surrogate,
    data: &Encoded,
    task: &Task,
    training: &[usize],
    rows: &[usize],
    seed: Seed,
) -> Vec<f64> {
    match task {
        Task::Classes(labels, classes) => {
            let values = kind.learner().fit(data, training, labels, *classes, seed).probabilities(data, rows);
            let predictions =
                Predictions::Scores { scale: Scale::Probability, classes: *classes, values, labels: None };
            let truth = Truth::Classes(rows.iter().map(|&row| labels[row]).collect());
            confidence(&predictions, &truth)
        }
        Task::Values(targets) => {
            let forest = Forest::for_values();
            let model = Regressor::fit(&forest, data, training, targets, seed);
            let truth = Truth::Values(rows.iter().map(|&row| targets[row]).collect());
            confidence(&Predictions::Values(model.values(data, rows)), &truth)
        }
        Task::Flags(of_labels) => {
            let labels = of_labels.len();
            let (mut values, mut truth) = (vec![0.0; rows.len() * labels], vec![false; rows.len() * labels]);
            for (at, codes) in of_labels.iter().enumerate() {
                let p = kind.learner().fit(data, training, codes, 2, seed).probabilities(data, rows);
                for (position, &row) in rows.iter().enumerate() {
                    values[position * labels + at] = p[2 * position + 1];
                    truth[position * labels + at] = codes[row] == 1;
                }
            }
            let predictions = Predictions::Flags { scale: Scale::Probability, labels, values };
            confidence(&predictions, &Truth::Flags { labels, values: truth })
        }
        Task::Survival { times, events, curves } => {
            // Nelson and Aalen's hazard is Breslow's of scores that are all zero.
            let of = |values: &[f64]| -> Vec<f64> { training.iter().map(|&row| values[row]).collect() };
            let seen: Vec<bool> = training.iter().map(|&row| events[row]).collect();
            let baseline = Baseline::fit(&of(times), &seen, &vec![0.0; training.len()]);
            let risks = risks_of(&baseline, data, times, events, training, rows, seed);
            let fit = |(&row, risk): (&usize, f64)| {
                let ln_expected = baseline.ln_at(times[row]) + risk;
                let residual = deviance(events[row], ln_expected).clamp(-MOST_DEVIANCE, MOST_DEVIANCE);
                if *curves { -residual * residual / 2.0 } else { -residual.abs() }
            };
            rows.iter().zip(risks).map(fit).collect()
        }
    }
}

/// A forest's guess of the residual that a model without any knowledge leaves: near zero it is a log hazard (Therneau et al.
/// 1990).
fn risks_of(
    baseline: &Baseline,
    data: &Encoded,
    times: &[f64],
    events: &[bool],
    training: &[usize],
    rows: &[usize],
    seed: Seed,
) -> Vec<f64> {
    let unexplained: Vec<f64> =
        times.iter().zip(events).map(|(&time, &event)| martingale(event, baseline.ln_at(time))).collect();
    Regressor::fit(&Forest::for_values(), data, training, &unexplained, seed).values(data, rows)
}
