//! Questions on the way to one record: what is wanted, what may still be asked, and how well answers fit.

use std::sync::atomic::{AtomicU64, Ordering};

use super::canvas::{Canvas, Point};
use crate::check::{Audited, CheckError};
use crate::data::encode::tensors;
use crate::model::{Predictions, log_probability};
use crate::watch::{Event, Unwatched, Watch};

/// The probability at which an attack stops: what comes after it makes the model surer and the record stranger (Fredrikson
/// et al. stop where the cost, one minus the probability, falls below a limit).
const SURE: f64 = 0.95;
/// How near an answer has to be to a wanted number, in standard deviations of the outcome.
const NEAR: f64 = 0.05;

/// What the model should say about the record.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::check::inversion) enum Goal {
    /// A class.
    Class(usize),
    /// A number, with the standard deviation of the outcome.
    Value(f64, f64),
}

impl Goal {
    /// How well an answer fits: ln of the probability of the class, or minus the square of how far the number is off.
    pub(in crate::check::inversion) fn fit(self, answers: &Predictions, row: usize) -> f64 {
        match (self, answers) {
            (Self::Class(class), Predictions::Scores { scale, classes, values, .. }) if class < *classes => {
                log_probability(*scale, &values[row * classes..(row + 1) * classes], class)
            }
            (Self::Value(wanted, spread), Predictions::Values(values)) => -((values[row] - wanted) / spread).powi(2),
            _ => f64::NEG_INFINITY,
        }
    }

    /// Whether a fit is good enough to stop.
    pub(in crate::check::inversion) fn is_met(self, fit: f64) -> bool {
        match self {
            Self::Class(_) => fit >= SURE.ln(),
            Self::Value(..) => fit >= -NEAR * NEAR,
        }
    }

    /// Whether an answer says what is wanted, by its class alone.
    fn is_said(self, answers: &Predictions, row: usize) -> bool {
        matches!(self, Self::Class(class) if answers.class(row) as usize == class)
    }
}

/// The meter of a run: what all attacks together have asked.
pub(in crate::check::inversion) struct Meter<'a> {
    pub(in crate::check::inversion) step: &'static str,
    pub(in crate::check::inversion) watch: &'a dyn Watch,
    /// Most questions of all of them.
    pub(in crate::check::inversion) planned: u64,
    pub(in crate::check::inversion) asked: AtomicU64,
}

/// Questions of one attack on one class.
pub(in crate::check::inversion) struct Asking<'a> {
    pub(in crate::check::inversion) canvas: &'a Canvas<'a>,
    pub(in crate::check::inversion) model: &'a Audited,
    pub(in crate::check::inversion) meter: &'a Meter<'a>,
    pub(in crate::check::inversion) goal: Goal,
    /// What may still be asked.
    pub(in crate::check::inversion) purse: usize,
    /// What was asked.
    pub(in crate::check::inversion) asked: usize,
}

impl Asking<'_> {
    /// How well some points fit; nothing where the purse does not reach for all of them.
    ///
    /// # Errors
    /// When the model cannot be asked.
    pub(in crate::check::inversion) fn fits(&mut self, points: &[Point]) -> Result<Option<Vec<f64>>, CheckError> {
        let answers = self.answers(points)?;
        Ok(answers.map(|answers| (0..points.len()).map(|row| self.goal.fit(&answers, row)).collect()))
    }

    /// Whether the model says what is wanted about some points; nothing where the purse does not reach.
    ///
    /// # Errors
    /// When the model cannot be asked.
    pub(in crate::check::inversion) fn said(&mut self, points: &[Point]) -> Result<Option<Vec<bool>>, CheckError> {
        let answers = self.answers(points)?;
        Ok(answers.map(|answers| (0..points.len()).map(|row| self.goal.is_said(&answers, row)).collect()))
    }

    /// What the model says about some points; nothing where the purse does not reach for all of them.
    ///
    /// # Errors
    /// When the model cannot be asked.
    pub(in crate::check::inversion) fn answers(&mut self, points: &[Point]) -> Result<Option<Predictions>, CheckError> {
        if points.is_empty() || points.len() > self.purse {
            return Ok(None);
        }
        self.purse -= points.len();
        self.asked += points.len();
        let inputs = tensors(&self.canvas.features(points), &self.model.slots)?;
        let answers = self.model.target.query(&inputs, self.meter.step, &Unwatched)?;
        let more = points.len() as u64;
        let done = self.meter.asked.fetch_add(more, Ordering::Relaxed) + more;
        let total = self.meter.planned.max(done);
        self.meter.watch.on(&Event::Progress { step: self.meter.step, done, total });
        Ok(Some(answers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An attack stops once the model is sure, neither before nor never: a cost falls below its limit, it does not rise above it.
    #[test]
    fn a_goal_is_met_when_the_model_is_sure() {
        let says = |p: f64| Predictions::Scores {
            scale: crate::model::Scale::Probability,
            classes: 2,
            values: vec![1.0 - p, p],
            labels: None,
        };
        let met = |goal: Goal, answers: &Predictions| goal.is_met(goal.fit(answers, 0));
        assert!([0.04, 0.62, 0.94].iter().all(|&p| !met(Goal::Class(1), &says(p))));
        assert!([0.96, 0.996, 1.0].iter().all(|&p| met(Goal::Class(1), &says(p))));
        assert!(met(Goal::Class(0), &says(0.04)), "the other class");
        // A number of standard deviation 2 is met within 0.1, from either side.
        let number = |value: f64| met(Goal::Value(-7.0, 2.0), &Predictions::Values(vec![value]));
        assert!(number(-7.09) && number(-6.91) && !number(-7.11) && !number(-6.89));
    }
}
