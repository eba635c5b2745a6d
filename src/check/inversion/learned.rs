//! Copies that learn from labels: the model is asked about the attacker's records, then about mixtures of their columns.
//!
//! Reference: Orekondy et al., "Knockoff nets", CVPR 2019.

use rand::Rng;

use super::solved::Copy;
use crate::check::records::side_by_side;
use crate::check::{Audited, CheckError};
use crate::data::encode::tensors;
use crate::data::{Column, Features, Split, Table};
use crate::learn::Learner;
use crate::learn::boosted::Boosted;
use crate::learn::logistic::Logistic;
use crate::model::largest;
use crate::seed::Seed;
use crate::watch::Watch;

/// A learner: its words, and itself.
type Named = (&'static str, Box<dyn Learner>);

/// What a copy learned from. Refuses to be printed.
pub(super) struct Taught {
    questions: Features,
    labels: Vec<u32>,
    /// The questions whose label is a class of the model.
    known: Vec<usize>,
    classes: usize,
    seed: Seed,
}

fn learners() -> [Named; 2] {
    [
        ("logistic regression on its labels", Box::new(Logistic::default())),
        ("boosted trees on its labels", Box::new(Boosted { rounds: 25, rate: 0.2, ..Boosted::default() })),
    ]
}

impl Taught {
    /// Asks for the labels of `budget` records, made of the `own` of the attacker; nothing where there are not as many.
    ///
    /// # Errors
    /// When the model cannot be asked.
    pub(super) fn of(
        model: &Audited,
        split: &Split,
        own: &[usize],
        budget: usize,
        seed: Seed,
        (check, watch): (&'static str, &dyn Watch),
    ) -> Result<Option<Self>, CheckError> {
        let Some(questions) = questions(split, own, budget, seed.derive("questions")) else { return Ok(None) };
        let answers = model.target.query(&tensors(&questions, &model.slots)?, check, watch)?;
        let labels: Vec<u32> = (0..budget).map(|row| answers.class(row)).collect();
        let classes = model.target.facts().classes.len();
        let known = (0..budget).filter(|&row| (labels[row] as usize) < classes).collect();
        Ok(Some(Self { questions, labels, known, classes, seed: seed.derive("copy") }))
    }

    /// The copy with its classes for some records.
    pub(super) fn copy(self, split: &Split, records: &Features) -> Copy {
        let (how, probabilities) = self.says(split, records);
        let classes = probabilities.chunks(self.classes).map(largest).collect();
        Copy { how, questions: self.labels.len(), classes, linear: None, taught: Some(self) }
    }

    /// Number of classes.
    pub(super) fn classes(&self) -> usize {
        self.classes
    }

    /// Probabilities of the classes for some records, row by row, by the learner that is right most often about a quarter of the
    /// labels, and its name. No question is asked.
    pub(super) fn says(&self, split: &Split, records: &Features) -> (&'static str, Vec<f64>) {
        let rows = match records {
            Features::Table(table) => table.rows(),
            Features::Tensor(tensor) => tensor.rows(),
        };
        let budget = self.labels.len();
        let data = side_by_side(split, &self.questions, records, budget + rows);
        let quarter = |wanted: bool| -> Vec<usize> {
            let numbered = self.known.iter().enumerate();
            numbered.filter(|(at, _)| at.is_multiple_of(4) == wanted).map(|(_, &row)| row).collect()
        };
        let (test, train) = (quarter(true), quarter(false));
        let predicted = |learner: &dyn Learner, train: &[usize], rows: &[usize]| {
            learner.fit(&data, train, &self.labels, self.classes, self.seed).probabilities(&data, rows)
        };
        let hits = |learner: &dyn Learner| {
            let guesses = predicted(learner, &train, &test);
            let right = guesses.chunks(self.classes).map(largest).zip(&test);
            right.filter(|(guess, row)| *guess == self.labels[**row]).count()
        };
        let learners = learners();
        // The first of equals.
        let best = learners.iter().rev().max_by_key(|(_, learner)| hits(learner.as_ref())).unwrap_or(&learners[0]);
        let asked: Vec<usize> = (budget..budget + rows).collect();
        (best.0, predicted(best.1.as_ref(), &self.known, &asked))
    }
}

/// Records to ask about: the attacker's own, then mixtures of their columns. Tensors are not mixed.
fn questions(split: &Split, own: &[usize], budget: usize, seed: Seed) -> Option<Features> {
    let first = &own[..budget.min(own.len())];
    let table = match &split.nonmembers.features {
        Features::Tensor(tensor) => return (first.len() == budget).then(|| Features::Tensor(tensor.take(first))),
        Features::Table(table) => table,
    };
    let column = |column: &Column| {
        let mut stream = seed.derive(&column.name).stream();
        let mixed = (first.len()..budget).map(|_| own[stream.next_u32() as usize % own.len()]);
        let rows: Vec<usize> = first.iter().copied().chain(mixed).collect();
        Column { name: column.name.clone(), cells: column.cells.take(&rows) }
    };
    Some(Features::Table(Table::new(table.columns().iter().map(column).collect())))
}
