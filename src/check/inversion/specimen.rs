//! Models with a known memory, for the tests of the family.

use crate::check::specimen::{Case, integers, numbers, uniform};
use crate::check::{Answers, Truth};
use crate::data::encode::Slot;
use crate::data::{Schema, Table};
use crate::model::{self, Predictions, Scale};
use crate::seed::Seed;
use crate::tensor::{Element, Tensor, Values};

/// What the model predicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Task {
    /// One of two classes.
    Class,
    /// A number.
    Number,
}

/// Records with a sensitive column `s` that nothing predicts, and a model that remembers the first people (members, then
/// others): it is sure of their outcome exactly when `s` is right, and says 60 % (or a number of its own) otherwise.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is a turn of a test")]
pub(super) struct Memory {
    /// Records of each set.
    pub(super) count: usize,
    /// How many people are remembered.
    pub(super) remembered: usize,
    pub(super) seed: u64,
    /// Values of `s`.
    pub(super) levels: u32,
    /// What is added to `s`.
    pub(super) shift: f64,
    pub(super) task: Task,
    /// Members and others exchanged.
    pub(super) swapped: bool,
    /// The records of each set in the reverse order.
    pub(super) turned: bool,
    /// `s` is the last column and input rather than the second.
    pub(super) last: bool,
    /// Put before the names of the inputs.
    pub(super) input_prefix: &'static str,
    /// The only batch size that the model takes.
    pub(super) batch: Option<usize>,
    /// `s` is an input.
    pub(super) input: bool,
    /// `s` is no input and the answer about everybody tells it.
    pub(super) answers_tell: bool,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            count: 300,
            remembered: 0,
            seed: 0,
            levels: 4,
            shift: 0.0,
            task: Task::Class,
            swapped: false,
            turned: false,
            last: false,
            input_prefix: "",
            batch: None,
            input: true,
            answers_tell: false,
        }
    }
}

/// One set of records.
struct Set {
    ids: Vec<f64>,
    s: Vec<f64>,
    y: Vec<u32>,
}

impl Set {
    fn turn(&mut self) {
        self.ids.reverse();
        self.s.reverse();
        self.y.reverse();
    }
}

impl Memory {
    fn set(&self, first: usize, name: &str) -> Set {
        let seed = Seed::root(self.seed).derive("attribute specimen");
        let draw = |what: &str, levels: u32| uniform(self.count, levels, seed.derive(&format!("{name} {what}")));
        Set {
            ids: (first..first + self.count).map(|id| id as f64).collect(),
            s: draw("s", self.levels).into_iter().map(|s| f64::from(s) + self.shift).collect(),
            y: draw("y", 2),
        }
    }

    fn table(&self, set: &Set) -> Table {
        let (id, s) = (numbers("id", set.ids.clone()), numbers("s", set.s.clone()));
        let (x, y) = (integers("x", &vec![1; self.count]), integers("y", &set.y));
        Table::new(if self.last { vec![id, x, y, s] } else { vec![id, s, x, y] })
    }

    fn answers(&self, set: &Set) -> Answers {
        let told = |s: f64| if self.answers_tell { 0.1 + 0.8 * (s - self.shift) / f64::from(self.levels) } else { 0.4 };
        match self.task {
            Task::Class => Answers {
                predictions: scores(set.s.iter().map(|&s| told(s)).collect()),
                truth: Truth::Classes(set.y.clone()),
            },
            Task::Number => Answers {
                predictions: Predictions::Values(vec![0.5; self.count]),
                truth: Truth::Values(set.y.iter().map(|&y| f64::from(y)).collect()),
            },
        }
    }

    /// The data and the model.
    pub(super) fn case(self) -> Case {
        let (mut first, mut second) = (self.set(0, "members"), self.set(self.count, "nonmembers"));
        let known: Vec<(f64, u32)> =
            first.s.iter().chain(&second.s).copied().zip(first.y.iter().chain(&second.y).copied()).collect();
        if self.swapped {
            std::mem::swap(&mut first, &mut second);
        }
        if self.turned {
            first.turn();
            second.turn();
        }
        let slot = |column: &str| Slot {
            input: format!("{}{column}", self.input_prefix),
            columns: vec![column.to_owned()],
            element: Element::F64,
            row_shape: vec![1],
        };
        let slots = match (self.input && !self.answers_tell, self.last) {
            (false, _) => vec![slot("id")],
            (true, false) => vec![slot("id"), slot("s")],
            (true, true) => vec![slot("id"), slot("x"), slot("s")],
        };
        let reach = if self.levels > 20 { 4.0 } else { 0.5 };
        let answer = move |inputs: &[Tensor]| {
            let column = |at: usize| match &inputs[at].values {
                Values::F64(values) => values.clone(),
                _ => unreachable!("the slots are floats"),
            };
            let (ids, asked) = (column(0), column(inputs.len() - 1));
            let says = |(id, asked): (&f64, &f64)| {
                let (s, y) = known[*id as usize];
                match (*id as usize >= self.remembered, (*asked - s).abs() <= reach) {
                    (true, _) => None,
                    (false, right) => Some((right, y)),
                }
            };
            let said = ids.iter().zip(&asked).map(says);
            match self.task {
                Task::Class => scores(
                    said.map(|said| match said {
                        None => 0.6,
                        Some((right, y)) => {
                            if right == (y == 1) {
                                0.99
                            } else {
                                0.01
                            }
                        }
                    })
                    .collect(),
                ),
                Task::Number => Predictions::Values(
                    said.map(|said| match said {
                        None => 0.6,
                        Some((right, y)) => f64::from(y) + if right { 0.0 } else { 3.0 },
                    })
                    .collect(),
                ),
            }
        };
        let schema = Schema { target: Some("y".into()), sensitive: vec!["s".to_owned()], ..Schema::default() };
        let task = match self.task {
            Task::Class => model::Task::Classification,
            Task::Number => model::Task::Regression,
        };
        let answers = (self.answers(&first), self.answers(&second));
        Case::tables(self.table(&first), self.table(&second), schema)
            .with_target(task, self.batch, slots, answers, answer)
    }
}

/// Scores of two classes from the probability of the second.
fn scores(second: Vec<f64>) -> Predictions {
    let values = second.into_iter().flat_map(|p| [1.0 - p, p]).collect();
    Predictions::Scores { scale: Scale::Probability, classes: 2, values, labels: None }
}
