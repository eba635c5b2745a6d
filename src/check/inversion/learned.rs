//! Copies that learn from labels: the model is asked about the attacker's records, then about mixtures of their columns.
//!
//! Reference: Orekondy et al., "Knockoff nets", CVPR 2019.

use rand::Rng;

use super::solved::Copy;
use crate::check::records::side_by_side;
use crate::check::{Audited, CheckError};
use crate::data::encode::tensors;
use crate::data::{Column, Features, Split, Table};
use crate::learn::boosted::Boosted;
use crate::learn::logistic::Logistic;
use crate::learn::{Encoded, Learner};
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
    /// The learner that was chosen, once it is.
    learner: Option<usize>,
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
        Ok(Some(Self { questions, labels, known, classes, learner: None, seed: seed.derive("copy") }))
    }

    /// The copy with its classes for some records.
    pub(super) fn copy(mut self, split: &Split, records: &Features) -> Copy {
        let data = self.data(split, records);
        let learner = self.chosen(&data);
        self.learner = Some(learner);
        let classes = self.says(&data).chunks(self.classes).map(largest).collect();
        Copy { how: learners()[learner].0, questions: self.labels.len(), classes, linear: None, taught: Some(self) }
    }

    /// Number of classes.
    pub(super) fn classes(&self) -> usize {
        self.classes
    }

    /// Probabilities of the classes for some records, row by row. No question is asked.
    pub(super) fn probabilities(&self, split: &Split, records: &Features) -> Vec<f64> {
        self.says(&self.data(split, records))
    }

    /// The questions, then other records.
    fn data(&self, split: &Split, records: &Features) -> Encoded {
        let rows = match records {
            Features::Table(table) => table.rows(),
            Features::Tensor(tensor) => tensor.rows(),
        };
        side_by_side(split, &self.questions, records, self.labels.len() + rows)
    }

    fn says(&self, data: &Encoded) -> Vec<f64> {
        let asked: Vec<usize> = (self.labels.len()..data.rows()).collect();
        self.fitted(data, self.learner.unwrap_or(0), &self.known, &asked)
    }

    fn fitted(&self, data: &Encoded, learner: usize, train: &[usize], rows: &[usize]) -> Vec<f64> {
        let model = learners()[learner].1.fit(data, train, &self.labels, self.classes, self.seed);
        model.probabilities(data, rows)
    }

    /// The learner that is right most often about a quarter of the labels, the first of equals.
    fn chosen(&self, data: &Encoded) -> usize {
        let quarter = |wanted: bool| -> Vec<usize> {
            let numbered = self.known.iter().enumerate();
            numbered.filter(|(at, _)| at.is_multiple_of(4) == wanted).map(|(_, &row)| row).collect()
        };
        let (test, train) = (quarter(true), quarter(false));
        let hits = |learner: usize| {
            let guesses = self.fitted(data, learner, &train, &test);
            let right = guesses.chunks(self.classes).map(largest).zip(&test);
            right.filter(|(guess, row)| *guess == self.labels[**row]).count()
        };
        (0..learners().len()).rev().max_by_key(|&learner| hits(learner)).unwrap_or(0)
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
