//! Everything that the checks look at: data, model, references, loaded and asked once.

use std::sync::Arc;

use super::AssessError;
use super::assessment::{Inference, InputFile};
use super::open::{self, Loaded};
use super::plan::{Plan, ReferencePlan};
use super::references::{self, Known};
use super::run::{describe, load};
use super::training::{self, Trained, Trainer};
use crate::check::disclosure::Fed;
use crate::check::{Answers, AttackScores, Audited, ModelFile, Reference, Shadow, Subject};
use crate::data::Split;
use crate::model::contents::Contents;
use crate::model::graph::Graph;
use crate::model::runtime::{self, Candidate, Runtime};
use crate::model::{Inside, binding};
use crate::seed::Seed;
use crate::watch::Clock;

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
    pub(super) file: Option<Arc<ModelFile>>,
    pub(super) references: Vec<Reference>,
    /// Files of the references that were trained for this assessment.
    pub(super) trained: Vec<InputFile>,
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
        let read = || plan.data.as_ref().map(load).transpose();
        let Some(model) = &plan.model else {
            world.split = clock.time("data", read)?;
            return Ok(world);
        };
        let start = || {
            let (runtime, file) = rayon::join(|| runtime::load(candidates), || Contents::load(&model.path));
            let (runtime, (graph, contents, bytes)) = (runtime?, file?);
            // Without data nobody asks the model anything, and its file is looked at alone.
            let open = || Loaded::of(&model.path, graph.clone(), bytes, runtime);
            // The report wants the library's digest; the model need not wait for it.
            let (ready, digest) = rayon::join(|| plan.data.is_some().then(open).transpose(), || runtime.digest());
            digest?;
            Ok::<_, AssessError>((graph.clone(), contents, ready?, runtime))
        };
        let (split, started) = clock.both(("data", read), ("model", start));
        world.split = split?;
        let (graph, contents, ready, runtime) = started?;
        let inside = Some(Inside::new(graph.clone(), runtime, binding::batch(&graph)));
        let previous = model.previous.as_deref().map(Contents::load).transpose()?.map(|(_, contents, _)| contents);
        world.file = Some(Arc::new(ModelFile { contents, inside, previous }));
        if let (Some(split), Some(ready)) = (&world.split, ready) {
            let (mut audited, notes) = clock.time("outputs", || open::open(model, ready, split))?;
            world.inferred.extend(notes);
            clock.time(open::ANSWERS, || open::ask(&mut audited, split, watch))?;
            world.audited = Some(audited);
            if let Some(reference) = &plan.reference {
                let (known, trained) = known_references(plan, reference, split, clock)?;
                world.references =
                    clock.time(references::STEP, || references::ask(known, model, split, runtime, watch))?;
                world.trained = trained;
            }
        }
        world.opened = Some(Opened { graph, runtime });
        Ok(world)
    }

    pub(super) fn subject(&self, seed: u64) -> Subject<'_> {
        Subject {
            split: self.split.as_ref(),
            model: self.audited.as_ref(),
            file: self.file.as_deref(),
            references: &self.references,
            shadow: self.shadow.as_ref(),
            scores: &self.attacks,
            seed: Seed::root(seed),
        }
    }
}

/// The reference models with what they were trained on; those of a command are trained unless the cache holds them.
fn known_references(
    plan: &Plan,
    reference: &ReferencePlan,
    split: &Split,
    clock: &mut Clock<'_>,
) -> Result<(Vec<Known>, Vec<InputFile>), AssessError> {
    let watch = clock.watch;
    match reference {
        ReferencePlan::Given { models, masks } => Ok((references::given(models, masks.as_deref(), split)?, Vec::new())),
        ReferencePlan::Trained(_) => {
            let trainer = Trainer::of(plan, split)?;
            trainer.write_manifest()?;
            let trained = clock.time(training::STEP, || trainer.train(None, watch))?;
            let file = |trained: &Trained| {
                let described = describe("reference model", &trained.model)?;
                Ok(InputFile { file: format!("reference {}", trained.index), ..described })
            };
            let files = trained.iter().map(file).collect::<Result<_, AssessError>>()?;
            Ok((trained.iter().map(Known::of).collect(), files))
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
        let rows_of = |rows: &[usize]| rows.iter().map(|&row| split.file_rows.1[row]).collect();
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
            fed: Fed::default(),
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
            draws: None, // recorded scores have none
            of_record: fake.iter().chain(rest).map(|&row| attack.of_record[members + row]).collect(),
            ..attack.clone()
        };
        Ok(Self {
            split: Some(Split {
                members: split.nonmembers.take(fake),
                nonmembers: split.nonmembers.take(rest),
                schema: split.schema.clone(),
                registers: split.registers.clone(),
                hierarchies: split.hierarchies.clone(),
                auxiliaries: split.auxiliaries.clone(),
                file_rows: (rows_of(fake), rows_of(rest)),
                warnings: Vec::new(),
            }),
            audited,
            file: self.file.clone(),
            references: self.references.iter().map(reference).collect(),
            attacks: self.attacks.iter().map(attack).collect(),
            ..Self::default()
        })
    }
}
