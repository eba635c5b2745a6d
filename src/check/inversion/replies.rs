//! Asking the model about people with every candidate value in place of the true one.
//!
//! What comes back is the same for every task: how well a candidate fits the known outcome, whether it reproduces it, and
//! how sure the model is of what it says instead. Rounded where the runtime's last bits are noise, so that equal answers
//! are ties whatever batch they came in. Columns that the attacker does not know either are filled with those of records
//! it has, and the answers averaged.

use std::sync::atomic::{AtomicU64, Ordering};

use rand::Rng;

use super::domain::{Attribute, Domain};
use super::section::{STEPS, Search};
use crate::check::{Audited, CheckError, Truth};
use crate::data::encode::tensors;
use crate::data::{Features, Table};
use crate::model::{Predictions, Scale, log_probability};
use crate::seed::Seed;
use crate::watch::{Event, Unwatched, Watch};

/// Probabilities closer than this are equal: sums of 32-bit votes differ in the seventh digit.
const ROUNDED: f64 = 1e-6;

/// What the model says about one person with one candidate in place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Reply {
    /// Whether the answer is the known outcome.
    pub(super) reproduces: bool,
    /// ln of the model's confidence in the known outcome (for numbers: the Gaussian of the error).
    pub(super) fit: f64,
    /// ln of its confidence in what it says, where that is something else.
    pub(super) sure: f64,
    /// The class it says; 0 for numbers.
    pub(super) class: u32,
}

/// Replies about some people, one per candidate, those of a person together.
pub(super) struct Replies {
    /// Number of candidates.
    pub(super) candidates: usize,
    /// The replies.
    pub(super) of: Vec<Reply>,
    /// The class of each person; empty where a number is predicted.
    pub(super) outcomes: Vec<u32>,
}

impl Replies {
    /// The replies about each person.
    pub(super) fn people(&self) -> std::slice::ChunksExact<'_, Reply> {
        self.of.chunks_exact(self.candidates.max(1))
    }

    /// How many people's replies are the same for every candidate: the attribute says nothing there.
    pub(super) fn silent(&self) -> usize {
        let same = |replies: &&[Reply]| replies.iter().all(|r| r.fit == replies[0].fit && r.class == replies[0].class);
        self.people().filter(same).count()
    }
}

/// The people asked about: their records and outcomes.
pub(super) struct People<'a> {
    /// Their records.
    pub(super) records: Table,
    /// Their outcomes.
    pub(super) outcomes: Truth,
    /// The records that hold candidate values and companions.
    pub(super) known: &'a Table,
}

/// Companion columns that the attacker does not know, and the records it fills them from.
#[derive(Clone, Copy)]
pub(super) struct Companions<'a> {
    /// The columns.
    pub(super) columns: &'a [String],
    /// Rows of the records that the attacker has.
    pub(super) rows: &'a [usize],
    /// How many fillings are averaged.
    pub(super) draws: usize,
    /// Where draws come from.
    pub(super) seed: Seed,
}

impl Companions<'_> {
    /// How many questions a candidate costs per person.
    pub(super) fn questions(&self) -> usize {
        if self.columns.is_empty() || self.rows.is_empty() { 1 } else { self.draws.max(1) }
    }
}

/// The model with the progress of all questions.
#[derive(Clone, Copy)]
pub(super) struct Interview<'a> {
    pub(super) model: &'a Audited,
    pub(super) step: &'static str,
    pub(super) watch: &'a dyn Watch,
    /// How far off the model's numbers usually are, for tasks that predict one.
    pub(super) scale: f64,
    /// Questions asked so far, about all attributes.
    pub(super) asked: &'a AtomicU64,
    /// Questions planned.
    pub(super) planned: u64,
}

impl Interview<'_> {
    /// Asks about every candidate.
    ///
    /// # Errors
    /// When the model cannot be asked.
    pub(super) fn about(
        &self,
        people: &People<'_>,
        attribute: &Attribute,
        domain: &Domain,
        companions: Companions<'_>,
    ) -> Result<Replies, CheckError> {
        let (rows, candidates) = (people.records.rows(), domain.len());
        let blank = Reply { reproduces: false, fit: f64::NEG_INFINITY, sure: 0.0, class: 0 };
        let mut of = vec![blank; rows * candidates];
        for candidate in 0..candidates {
            let mut records = people.records.clone();
            for name in &attribute.columns {
                if let Some(column) = people.known.column(name) {
                    records = records.with(name, &domain.column(&column.cells, &vec![candidate; rows]));
                }
            }
            let answers = self.answers(&records, people, companions)?;
            for row in 0..rows {
                of[row * candidates + candidate] = self.read(&answers, &people.outcomes, row);
            }
        }
        let outcomes = match &people.outcomes {
            Truth::Classes(classes) => classes.clone(),
            _ => Vec::new(),
        };
        Ok(Replies { candidates, of, outcomes })
    }

    /// For numbers: the value between the neighbours of each person's best point at which the known outcome fits best, by
    /// golden-section search over all people at once. A person whose best point is not the only one keeps no value.
    ///
    /// Reference: Kiefer, Proceedings of the AMS 4 (1953) 502-506.
    ///
    /// # Errors
    /// When the model cannot be asked.
    pub(super) fn refined(
        &self,
        people: &People<'_>,
        attribute: &Attribute,
        domain: &Domain,
        replies: &Replies,
        companions: Companions<'_>,
    ) -> Result<Vec<Option<f64>>, CheckError> {
        let Domain::Points { points, whole: false, intervals: None, .. } = domain else { return Ok(Vec::new()) };
        let mut searches: Vec<Search> = replies.people().map(|replies| Search::around(points, replies)).collect();
        let ask = |values: Vec<f64>| -> Result<Vec<f64>, CheckError> {
            let mut records = people.records.clone();
            for name in &attribute.columns {
                records = records.with(name, &domain.numbers(values.clone()));
            }
            let answers = self.answers(&records, people, companions)?;
            Ok((0..values.len()).map(|row| self.read(&answers, &people.outcomes, row).fit).collect())
        };
        let fits = ask(searches.iter().map(|search| search.inner.0.0).collect())?;
        searches.iter_mut().zip(fits).for_each(|(search, fit)| search.inner.0.1 = fit);
        let fits = ask(searches.iter().map(|search| search.inner.1.0).collect())?;
        searches.iter_mut().zip(fits).for_each(|(search, fit)| search.inner.1.1 = fit);
        for _ in 0..STEPS {
            let fits = ask(searches.iter_mut().map(Search::narrow).collect())?;
            searches.iter_mut().zip(fits).for_each(|(search, fit)| search.learn(fit));
        }
        Ok(searches.iter().map(Search::best).collect())
    }

    /// Asks about one record per person.
    ///
    /// # Errors
    /// When the model cannot be asked.
    pub(super) fn answers(
        &self,
        records: &Table,
        people: &People<'_>,
        companions: Companions<'_>,
    ) -> Result<Predictions, CheckError> {
        let draws = companions.questions();
        if draws == 1 {
            return self.ask(records.clone());
        }
        let mut parts = Vec::with_capacity(draws);
        for draw in 0..draws {
            let mut stream = companions.seed.derive(&draw.to_string()).stream();
            let count = companions.rows.len() as u64;
            // One record fills all unknown columns, so that they fit together.
            let pick = || companions.rows[((u64::from(stream.next_u32()) * count) >> 32) as usize];
            let donors: Vec<usize> = std::iter::repeat_with(pick).take(records.rows()).collect();
            let mut filled = records.clone();
            for name in companions.columns {
                if let Some(column) = people.known.column(name) {
                    filled = filled.with(name, &column.cells.take(&donors));
                }
            }
            parts.push(self.ask(filled)?);
        }
        Ok(averaged(parts))
    }

    fn ask(&self, records: Table) -> Result<Predictions, CheckError> {
        let rows = records.rows() as u64;
        let answers =
            self.model.target.query(&tensors(&Features::Table(records), &self.model.slots)?, self.step, &Unwatched)?;
        let done = self.asked.fetch_add(rows, Ordering::Relaxed) + rows;
        self.watch.on(&Event::Progress { step: self.step, done, total: self.planned.max(done) });
        Ok(answers)
    }

    /// One answer in the light of the known outcome.
    pub(super) fn read(&self, answers: &Predictions, outcomes: &Truth, row: usize) -> Reply {
        match (outcomes, answers) {
            (Truth::Values(values), Predictions::Values(found)) => {
                let error = (values[row] - found[row]) / self.scale;
                let fit = -0.5 * error * error;
                // How wrong it is stands in for how sure it is of something else.
                Reply { reproduces: error.abs() <= 1.0, fit, sure: (1.0 - fit.exp()).max(ROUNDED).ln(), class: 0 }
            }
            (Truth::Classes(classes), _) => {
                let (class, outcome) = (answers.class(row), classes[row]);
                let fit = log_confidence(answers, row, outcome as usize);
                Reply { reproduces: class == outcome, fit, sure: log_confidence(answers, row, class as usize), class }
            }
            _ => Reply { reproduces: false, fit: 0.0, sure: 0.0, class: 0 },
        }
    }
}

/// ln of the model's confidence in a class; a model that only names classes is taken to be right 99 times in 100.
pub(super) fn log_confidence(reply: &Predictions, row: usize, class: usize) -> f64 {
    match reply {
        Predictions::Scores { scale, classes, values, .. } => {
            let scores = &values[row * classes..(row + 1) * classes];
            match scale {
                _ if class >= *classes => f64::NEG_INFINITY,
                Scale::Probability => ((scores[class] / ROUNDED).round() * ROUNDED).max(0.1 * ROUNDED).ln(),
                Scale::Logit => log_probability(*scale, scores, class),
            }
        }
        Predictions::Labels(labels) => if labels[row] as usize == class { 0.99_f64 } else { 0.01 }.ln(),
        _ => 0.0,
    }
}

/// Answers to the same people, averaged: probabilities of classes (votes where a model only names them), or numbers.
fn averaged(parts: Vec<Predictions>) -> Predictions {
    let count = parts.len().max(1) as f64;
    let mean = |lists: Vec<Vec<f64>>| -> Vec<f64> {
        let mut sum = vec![0.0; lists.first().map_or(0, Vec::len)];
        lists.iter().for_each(|list| sum.iter_mut().zip(list).for_each(|(sum, value)| *sum += value / count));
        sum
    };
    let classes = parts.iter().map(width).max().unwrap_or(0);
    match parts.first() {
        Some(Predictions::Values(_)) => {
            let values = parts.into_iter().filter_map(|part| match part {
                Predictions::Values(values) => Some(values),
                _ => None,
            });
            Predictions::Values(mean(values.collect()))
        }
        Some(Predictions::Scores { .. } | Predictions::Labels(_)) => {
            let values = mean(parts.iter().map(|part| shares(part, classes)).collect());
            Predictions::Scores { scale: Scale::Probability, classes, values, labels: None }
        }
        _ => parts.into_iter().next().unwrap_or(Predictions::Labels(Vec::new())),
    }
}

fn width(part: &Predictions) -> usize {
    match part {
        Predictions::Scores { classes, .. } => *classes,
        Predictions::Labels(labels) => {
            let known = labels.iter().filter(|&&label| label != crate::model::UNKNOWN);
            known.max().map_or(0, |&label| label as usize + 1)
        }
        _ => 1,
    }
}

/// Probabilities of all classes, row by row.
fn shares(part: &Predictions, classes: usize) -> Vec<f64> {
    let of_row = |row: usize| match part {
        Predictions::Scores { scale, classes, values, .. } => {
            let scores = &values[row * classes..(row + 1) * classes];
            (0..*classes).map(|class| log_probability(*scale, scores, class).exp()).collect()
        }
        _ => (0..classes as u32).map(|class| f64::from(u8::from(part.class(row) == class))).collect::<Vec<f64>>(),
    };
    (0..part.rows()).flat_map(of_row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn averaged_answers_are_mean_probabilities_votes_or_numbers() {
        let scores = |p: f64| Predictions::Scores {
            scale: Scale::Probability,
            classes: 2,
            values: vec![1.0 - p, p],
            labels: Some(vec![0]),
        };
        let Predictions::Scores { values, .. } = averaged(vec![scores(0.2), scores(0.6)]) else { panic!("scores") };
        assert!((values[1] - 0.4).abs() < 1e-9);
        let votes =
            averaged(vec![Predictions::Labels(vec![1]), Predictions::Labels(vec![0]), Predictions::Labels(vec![1])]);
        assert_eq!(votes.class(0), 1);
        assert!(
            averaged(vec![Predictions::Values(vec![1.0]), Predictions::Values(vec![4.0])])
                == Predictions::Values(vec![2.5])
        );
    }

    /// Votes of a forest that differ in the seventh digit are the same.
    #[test]
    fn the_last_bits_of_probabilities_do_not_part_candidates() {
        let says = |p: f64| Predictions::Scores {
            scale: Scale::Probability,
            classes: 2,
            values: vec![1.0 - p, p],
            labels: None,
        };
        assert_eq!(log_confidence(&says(0.7), 0, 1), log_confidence(&says(0.7 + 2e-8), 0, 1));
        assert!(log_confidence(&says(0.7), 0, 1) < log_confidence(&says(0.71), 0, 1));
    }
}
