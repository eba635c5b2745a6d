//! Everything that the checks look at: data, model, references, loaded and asked once.

use std::sync::Arc;

use super::AssessError;
use super::assessment::Inference;
use super::open;
use super::plan::Plan;
use super::run::{Clock, load};
use crate::check::{Answers, AttackScores, Audited, Reference, Shadow, Subject};
use crate::data::Split;
use crate::model::graph::Graph;
use crate::model::runtime::{self, Candidate, Runtime};
use crate::seed::Seed;

/// The file of the model under test.
pub(super) struct Opened {
    pub(super) graph: Graph,
    pub(super) runtime: &'static Runtime,
}

/// Everything that the checks look at, loaded and asked.
#[derive(Default)]
pub(super) struct World {
    pub(super) split: Option<Split>,
    pub(super) opened: Option<Opened>,
    pub(super) audited: Option<Audited>,
    pub(super) references: Vec<Reference>,
    pub(super) shadow: Option<Shadow>,
    pub(super) attacks: Vec<AttackScores>,
    pub(super) inferred: Vec<Inference>,
}

impl World {
    pub(super) fn prepare(plan: &Plan, candidates: &[Candidate], clock: &mut Clock<'_>) -> Result<Self, AssessError> {
        if let Some(scores) = &plan.scores {
            let scored = clock.time("scores", || scores.load())?;
            return Ok(Self {
                split: Some(scored.split),
                audited: scored.audited,
                references: scored.references,
                shadow: scored.shadow,
                attacks: scored.attacks,
                ..Self::default()
            });
        }
        let watch = clock.watch;
        let mut world = Self::default();
        if let Some(data) = &plan.data {
            world.split = Some(clock.time("data", || load(data))?);
        }
        let Some(model) = &plan.model else { return Ok(world) };
        let runtime = clock.time("runtime", || runtime::load(candidates))?;
        let (graph, bytes) = Graph::load(&model.path)?;
        if let Some(split) = &world.split {
            let (mut audited, notes) = clock.time("model", || open::open(model, &graph, bytes, runtime, split))?;
            world.inferred.extend(notes);
            clock.time(open::ANSWERS, || open::ask(&mut audited, split, watch))?;
            world.audited = Some(audited);
            if let Some(reference) = &plan.reference {
                world.references = clock.time("references", || reference.load(model, split, runtime, watch))?;
            }
        }
        world.opened = Some(Opened { graph, runtime });
        Ok(world)
    }

    pub(super) fn subject(&self, seed: u64) -> Subject<'_> {
        Subject {
            split: self.split.as_ref(),
            model: self.audited.as_ref(),
            references: &self.references,
            shadow: self.shadow.as_ref(),
            scores: &self.attacks,
            seed: Seed::root(seed),
        }
    }
}

/// Non-members split anew: some play members, the others non-members. What comes out leaks nothing by construction.
impl World {
    /// The world in which `fake` rows of the non-members are the members and `rest` the non-members.
    ///
    /// # Errors
    /// When there are no data.
    pub(super) fn relabelled(&self, fake: &[usize], rest: &[usize]) -> Result<Self, AssessError> {
        let split = self.split.as_ref().ok_or_else(|| AssessError::Mismatch {
            what: "there are no data to test the instrument with".to_owned(),
            help: "set `[data]` or `[scores]`".to_owned(),
        })?;
        let members = split.members.len();
        let answers = |rows: &[usize]| {
            let all = self.audited.as_ref().and_then(|audited| audited.nonmembers.as_ref());
            all.map(|answers| Answers { predictions: answers.predictions.take(rows), truth: answers.truth.take(rows) })
        };
        let audited = self.audited.as_ref().map(|audited| Audited {
            target: Arc::clone(&audited.target),
            source: audited.source,
            family: audited.family,
            slots: audited.slots.clone(),
            members: answers(fake),
            nonmembers: answers(rest),
        });
        let reference = |reference: &Reference| {
            let of = |rows: &[usize]| reference.predictions.1.take(rows);
            let mask = |rows: &[usize]| rows.iter().map(|&row| reference.trained_on.1[row]).collect();
            Reference {
                name: reference.name.clone(),
                predictions: (of(fake), of(rest)),
                trained_on: (mask(fake), mask(rest)),
            }
        };
        let attack = |attack: &AttackScores| AttackScores {
            of_record: fake.iter().chain(rest).map(|&row| attack.of_record[members + row]).collect(),
            ..attack.clone()
        };
        Ok(Self {
            split: Some(Split {
                members: split.nonmembers.take(fake),
                nonmembers: split.nonmembers.take(rest),
                schema: split.schema.clone(),
                warnings: Vec::new(),
            }),
            audited,
            references: self.references.iter().map(reference).collect(),
            attacks: self.attacks.iter().map(attack).collect(),
            ..Self::default()
        })
    }
}
