//! The entry ticket of a check: tests generated for every one from cases it supplies itself.
//!
//! *null*: nothing leaks, and the interval covers the expected value at its nominal rate over fixed seeds. *leaky*:
//! everything leaks, and the severity is high. *graded*: a known leak, and the interval covers it. *deterministic*: any
//! thread count gives the same bytes. *explained*: all headings are there.

use std::sync::Arc;

use super::disclosure::Fed;
use super::{
    AnswerSource, Answers, AttackScores, Audited, Check, CheckError, ModelFile, Output, Reference, Shadow, Subject,
};
use crate::data::encode::Slot;
use crate::data::{Cells, Column, Schema, Split, Table};
use crate::finding::{Finding, Severity};
use crate::model::contents::Contents;
use crate::model::{Metered, ModelError, ModelFacts, ModelFamily, Predictions, Target, Task};
use crate::seed::Seed;
use crate::tensor::Tensor;
use crate::watch::Unwatched;
use rand::Rng;

/// What a check supplies for its generated tests.
pub(crate) trait Specimen: Check + Default {
    /// The measure that the tests look at.
    const MEASURE: &'static str;
    /// The least severity when everything leaks; below high only for what informs and does not judge.
    const WORST: Severity = Severity::High;
    /// Nothing leaks; the value that the interval should cover.
    fn null(seed: u64) -> (Case, f64);
    /// Everything leaks.
    fn leaky() -> Case;
    /// A known leak and its size.
    fn graded(seed: u64) -> (Case, f64);
}

/// Data and model of one test.
pub(crate) struct Case {
    pub(crate) split: Split,
    pub(crate) model: Option<Audited>,
    pub(crate) file: Option<ModelFile>,
    pub(crate) references: Vec<Reference>,
    pub(crate) shadow: Option<Shadow>,
    pub(crate) scores: Vec<AttackScores>,
}

type Answer = dyn Fn(&[Tensor]) -> Predictions + Send + Sync;

/// A hand-written model.
struct Oracle {
    facts: ModelFacts,
    answer: Box<Answer>,
}

impl Target for Oracle {
    fn facts(&self) -> &ModelFacts {
        &self.facts
    }

    fn query(&self, inputs: &[Tensor]) -> Result<Predictions, ModelError> {
        Ok((self.answer)(inputs))
    }
}

impl Case {
    /// Two tables with the given roles.
    pub(crate) fn tables(members: Table, nonmembers: Table, schema: Schema) -> Self {
        let split = Split::of_tables(members, nonmembers, schema, Vec::new()).expect("test data are whole");
        Self { split, model: None, file: None, references: Vec::new(), shadow: None, scores: Vec::new() }
    }

    /// Adds a two-class model with the given answers about the records.
    pub(crate) fn with_model(
        self,
        slots: Vec<Slot>,
        members: Answers,
        nonmembers: Answers,
        answer: impl Fn(&[Tensor]) -> Predictions + Send + Sync + 'static,
    ) -> Self {
        self.with_target(Task::Classification, None, slots, (members, nonmembers), answer)
    }

    /// Adds a model of two classes or of a number, which may insist on a batch size.
    pub(crate) fn with_target(
        self,
        task: Task,
        batch: Option<usize>,
        slots: Vec<Slot>,
        (members, nonmembers): (Answers, Answers),
        answer: impl Fn(&[Tensor]) -> Predictions + Send + Sync + 'static,
    ) -> Self {
        let classes = if task == Task::Classification { vec!["0".to_owned(), "1".to_owned()] } else { Vec::new() };
        let facts = ModelFacts { task, classes, batch };
        let target = Arc::new(Metered::new(Box::new(Oracle { facts, answer: Box::new(answer) })));
        let audited = Audited {
            target,
            source: AnswerSource::Model,
            family: ModelFamily::Unknown,
            slots,
            members: Some(members),
            nonmembers: Some(nonmembers),
            fed: Fed::default(),
        };
        Self { model: Some(audited), ..self }
    }

    /// Adds a file that stores something.
    pub(crate) fn with_file(self, contents: Contents) -> Self {
        Self { file: Some(ModelFile { contents, inside: None, previous: None }), ..self }
    }

    /// Adds the file of the version before.
    pub(crate) fn with_previous(mut self, contents: Contents) -> Self {
        if let Some(file) = &mut self.file {
            file.previous = Some(contents);
        }
        self
    }

    /// The scores that an attack gives, for the checks that follow.
    pub(crate) fn scored_by<C: Check>(mut self, attack: &C, seed: u64) -> Self {
        let scores = self.output(attack, seed).scores;
        self.scores.extend(scores);
        self
    }

    /// What a check gets to see of it.
    pub(crate) fn subject(&self, seed: u64) -> Subject<'_> {
        Subject {
            split: Some(&self.split),
            model: self.model.as_ref(),
            file: self.file.as_ref(),
            references: &self.references,
            shadow: self.shadow.as_ref(),
            scores: &self.scores,
            seed: Seed::root(seed),
        }
    }

    pub(crate) fn output<C: Check>(&self, check: &C, seed: u64) -> Output {
        self.tried(check, seed).expect("the check runs on its own specimen")
    }

    /// Why a check does not run.
    pub(crate) fn refused<C: Check>(&self, check: &C, seed: u64) -> CheckError {
        self.tried(check, seed).expect_err("the check does not apply")
    }

    /// As an assessment does it: settings first.
    fn tried<C: Check>(&self, check: &C, seed: u64) -> Result<Output, CheckError> {
        let subject = self.subject(seed);
        check.fits(&subject).and_then(|()| check.run(&subject, &Unwatched))
    }

    pub(crate) fn run<C: Check>(&self, check: &C, seed: u64) -> Vec<Finding> {
        self.output(check, seed).findings
    }
}

/// Normal random numbers with a mean.
pub(crate) fn normal(count: usize, mean: f64, seed: Seed) -> Vec<f64> {
    let mut stream = seed.stream();
    let mut uniform = move || (f64::from(stream.next_u32()) + 0.5) / (f64::from(u32::MAX) + 1.0);
    (0..count).map(|_| mean + crate::stats::interval::normal_quantile(uniform())).collect()
}

/// Random whole numbers below `levels`.
pub(crate) fn uniform(count: usize, levels: u32, seed: Seed) -> Vec<u32> {
    let mut stream = seed.stream();
    (0..count).map(|_| stream.next_u32() % levels).collect()
}

/// A column of numbers.
pub(crate) fn numbers(name: &str, values: Vec<f64>) -> Column {
    Column { name: name.to_owned(), cells: Cells::Float(values) }
}

/// A column of whole numbers.
pub(crate) fn integers(name: &str, values: &[u32]) -> Column {
    Column {
        name: name.to_owned(),
        cells: Cells::Integer(values.iter().map(|&value| Some(i64::from(value))).collect()),
    }
}

fn measured<S: Specimen>(findings: Vec<Finding>) -> Finding {
    findings.into_iter().find(|finding| finding.measure == S::MEASURE).expect("the specimen's measure is reported")
}

fn covered<S: Specimen>(seeds: std::ops::Range<u64>, case: fn(u64) -> (Case, f64)) -> usize {
    let hit = |seed: u64| {
        let (case, expected) = case(seed);
        let estimate = measured::<S>(case.run(&S::default(), seed)).estimate.expect("the specimen is large enough");
        estimate.covers(expected)
    };
    seeds.filter(|&seed| hit(seed)).count()
}

pub(super) fn null<S: Specimen>() {
    // 95 % of 60 are 57 with a standard deviation of 1.7; fewer than 51 would happen once in 1,700 right programs.
    let covered = covered::<S>(0..60, S::null);
    assert!(covered >= 51, "{covered} of 60 null runs covered");
}

pub(super) fn graded<S: Specimen>() {
    let covered = covered::<S>(100..120, S::graded);
    assert!(covered >= 16, "{covered} of 20 graded runs covered");
}

pub(super) fn leaky<S: Specimen>() {
    let finding = measured::<S>(S::leaky().run(&S::default(), 1));
    assert!(finding.severity >= S::WORST, "{:?} for {}", finding.severity, finding.sentence);
}

pub(super) fn deterministic<S: Specimen>() {
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads start");
        let findings = pool.install(|| S::graded(3).0.run(&S::default(), 7));
        serde_json::to_string(&findings).expect("findings serialise")
    };
    let (one, two, three) = (on(1), on(2), on(3));
    assert_eq!(one, two);
    assert_eq!(one, three);
}

pub(super) fn explained<S: Specimen>() {
    let check = S::default();
    let text = check.meta().explanation();
    let headings = [
        "# What it measures",
        "# Who could do this",
        "# How",
        "# Reading the number",
        "# When it misleads",
        "# Cost",
        "# References",
    ];
    let found: Vec<&str> = text.lines().filter(|line| line.starts_with("# ")).collect();
    assert_eq!(found, headings);
    let prefix = check.meta().family.id();
    assert!(check.meta().measures.iter().all(|measure| measure.starts_with(prefix)), "measures carry the family");
}
