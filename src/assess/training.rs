//! Reference models from the user's own training program: draws the subsets, runs the program, keeps the models.
//!
//! Layer row 4. What the program prints goes to a file beside the models and nowhere else: it may quote records. A
//! training file lies in the cache while its training runs; one that was asked for stays until it is cleared.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use serde::Serialize;

use super::AssessError;
pub use super::cache::Kept;
use super::cache::{self, Cache, cache_error, private_append, private_file};
use super::plan::{DataPlan, Plan, ReferencePlan};
use super::program::{self, Ended};
use super::subsets::Recipe;
pub use super::subsets::Subset;
pub use super::trainer::TrainerPlan;
use crate::data::{DataError, Source, Split, subset_ending, write_subset};
use crate::digest::Digest;
use crate::model::graph::Graph;
use crate::seed::Seed;
use crate::watch::{Event, Watch};

/// The step of a run in which reference models are trained.
pub const STEP: &str = "training references";
/// Version of what goes into a key and of the manifest.
const VERSION: u32 = 1;

/// The reference models of a plan and the program that makes them.
pub struct Trainer<'a> {
    plan: &'a TrainerPlan,
    data: &'a DataPlan,
    split: &'a Split,
    cache: Cache,
    references: Vec<Reference>,
}

/// A reference model, made or not.
#[derive(Debug)]
struct Reference {
    subset: Subset,
    key: Digest,
}

/// A trained reference model.
#[derive(Debug)]
pub struct Trained {
    /// Number of the reference, from 1.
    pub index: usize,
    /// The ONNX file.
    pub model: PathBuf,
    /// What it was trained on.
    pub subset: Subset,
    /// Seconds of training; nothing where it was in the cache.
    pub seconds: Option<f64>,
}

/// The state of one reference model, for a reader.
#[derive(Debug)]
pub struct State {
    /// Number of the reference, from 1.
    pub index: usize,
    /// Number of records in its subset.
    pub records: usize,
    /// What the cache holds.
    pub kept: Kept,
}

/// `manifest.json`: no ids, no cells.
#[derive(Serialize)]
struct Manifest {
    version: u32,
    references: Vec<ManifestEntry>,
}

impl Manifest {
    fn text(&self) -> String {
        serde_json::to_string_pretty(self).expect("texts and numbers are JSON") + "\n"
    }
}

#[derive(Serialize)]
struct ManifestEntry {
    index: usize,
    key: Digest,
    seed: u32,
    records: usize,
    train: String,
    model: String,
    mask_sha256: Digest,
}

/// The records of a plan.
///
/// # Errors
/// When the plan has none, or they cannot be read.
pub fn records(plan: &Plan) -> Result<Split, AssessError> {
    let data = plan.data.as_ref().ok_or_else(no_command)?;
    Ok(Split::load(&data.source, data.schema.clone(), &data.reading, &data.arrays)?)
}

/// Removes the training files that were written on request; whether there were any.
///
/// # Errors
/// When the plan has no command, or they cannot be removed.
pub fn clear(plan: &Plan) -> Result<bool, AssessError> {
    let Some(ReferencePlan::Trained(trainer)) = &plan.reference else { return Err(no_command()) };
    if !trainer.cache.is_dir() {
        return Ok(false);
    }
    let cache = Cache::open(&trainer.cache)?;
    cache.sweep()?;
    cache.clear_subsets()
}

fn no_command() -> AssessError {
    AssessError::Mismatch {
        what: "the plan has no `[reference] command`, so there is nothing to train".to_owned(),
        help: "set `reference.command` to your training program, see the README".to_owned(),
    }
}

impl<'a> Trainer<'a> {
    /// Draws the subsets of a plan and works out their keys; trains nothing.
    ///
    /// # Errors
    /// When the plan has no command, the data have no target or too few patients, or the cache cannot be used.
    pub fn of(plan: &'a Plan, split: &'a Split) -> Result<Self, AssessError> {
        let (Some(ReferencePlan::Trained(trainer)), Some(data)) = (&plan.reference, &plan.data) else {
            return Err(no_command());
        };
        if split.members.target.is_none() || split.nonmembers.target.is_none() {
            return Err(AssessError::Mismatch {
                what: "reference models need to know the records' outcomes".to_owned(),
                help: "set `[data] target`, or drop `[reference]`".to_owned(),
            });
        }
        let cache = Cache::open(&trainer.cache)?;
        let digest =
            |path: &Path| Digest::of_file(path).map_err(|source| DataError::Io { file: path.to_owned(), source });
        let files = match &data.source {
            Source::Two { members, nonmembers, .. } => vec![members, nonmembers],
            Source::One { records, .. } => vec![records],
        };
        let of_data = files.into_iter().map(|path| digest(path)).collect::<Result<Vec<_>, _>>()?;
        let named = |(name, path): &(String, PathBuf)| Ok((name.clone(), digest(path)?));
        let inputs = trainer.inputs.iter().map(named).collect::<Result<Vec<_>, DataError>>()?;
        let recipe = Recipe {
            version: VERSION,
            command: &trainer.command,
            data: &of_data,
            inputs: &inputs,
            names_index: trainer.names_index(),
        };
        let reference = |index| {
            let subset = Subset::draw(split, Seed::root(plan.seed), index)?;
            Ok(Reference { key: recipe.key(&subset, split), subset })
        };
        let references = (1..=trainer.count).map(reference).collect::<Result<Vec<_>, AssessError>>()?;
        Ok(Self { plan: trainer, data, split, cache, references })
    }

    /// What the cache holds of every reference.
    ///
    /// # Errors
    /// When the cache cannot be read.
    pub fn states(&self) -> Result<Vec<State>, AssessError> {
        let state = |reference: &Reference| {
            let Subset { index, .. } = reference.subset;
            Ok(State { index, records: reference.subset.records(), kept: self.cache.find(&reference.key)? })
        };
        self.references.iter().map(state).collect()
    }

    /// Writes the overview of all references into the cache.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_manifest(&self) -> Result<PathBuf, AssessError> {
        let ending = subset_ending(&self.data.source);
        let entry = |reference: &Reference| ManifestEntry {
            index: reference.subset.index,
            key: reference.key.clone(),
            seed: reference.subset.seed,
            records: reference.subset.records(),
            train: format!("{}/reference-{}.{ending}", cache::SUBSETS, reference.subset.index),
            model: format!("{}/{}", reference.key, cache::MODEL),
            mask_sha256: reference.subset.mask_digest(),
        };
        let manifest = Manifest { version: VERSION, references: self.references.iter().map(entry).collect() };
        self.cache.write(cache::MANIFEST, &manifest.text())
    }

    /// Writes the training file of every reference, to stay until [`clear`]. They are patient data.
    ///
    /// # Errors
    /// When the records cannot be cut or written.
    pub fn write_subsets(&self) -> Result<PathBuf, AssessError> {
        let folder = self.cache.open_subsets()?;
        let ending = subset_ending(&self.data.source);
        for reference in &self.references {
            self.cut(&reference.subset, &self.cache.subset(reference.subset.index, &ending))?;
        }
        Ok(folder)
    }

    fn cut(&self, subset: &Subset, path: &Path) -> Result<(), AssessError> {
        let file = private_file(path).map_err(|source| cache_error(path, source))?;
        let masks = (&subset.members[..], &subset.nonmembers[..]);
        Ok(write_subset(&self.data.source, self.split, masks, &self.data.reading, (file, path))?)
    }

    /// Makes what the cache does not hold: one reference, or all. In the order of their numbers.
    ///
    /// After a failure nothing new is begun; what is being trained is finished and kept.
    ///
    /// # Errors
    /// When the command fails as often as it may be tried, the user stops it, or the cache cannot be used.
    pub fn train(&self, only: Option<usize>, watch: &dyn Watch) -> Result<Vec<Trained>, AssessError> {
        self.cache.sweep()?;
        let mut found = Vec::new();
        let mut missing = Vec::new();
        for reference in self.wanted(only)? {
            match self.cache.find(&reference.key)? {
                Kept::Whole(model) => found.push(reference.trained(model, None)),
                Kept::Absent | Kept::Damaged => missing.push(reference),
            }
        }
        found.extend(self.train_missing(&missing, watch)?);
        found.sort_by_key(|trained| trained.index);
        Ok(found)
    }

    fn wanted(&self, only: Option<usize>) -> Result<Vec<&Reference>, AssessError> {
        let count = self.references.len();
        match only {
            None => Ok(self.references.iter().collect()),
            Some(index) if (1..=count).contains(&index) => Ok(vec![&self.references[index - 1]]),
            Some(index) => Err(AssessError::Mismatch {
                what: format!("there is no reference {index}: `reference.count` is {count}"),
                help: format!("give an index from 1 to {count}"),
            }),
        }
    }

    fn train_missing(&self, missing: &[&Reference], watch: &dyn Watch) -> Result<Vec<Trained>, AssessError> {
        let (next, done, failed) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicBool::new(false));
        let results: Mutex<Vec<(usize, Result<Trained, AssessError>)>> = Mutex::default();
        let total = missing.len() as u64;
        let progress = |done: usize| watch.on(&Event::Progress { step: STEP, done: done as u64, total });
        let work = || {
            while !failed.load(Ordering::Relaxed) && !watch.stops() {
                let Some(reference) = missing.get(next.fetch_add(1, Ordering::Relaxed)) else { return };
                let result = self.train_one(reference, watch);
                match &result {
                    Ok(_) => progress(done.fetch_add(1, Ordering::Relaxed) + 1),
                    Err(_) => failed.store(true, Ordering::Relaxed),
                }
                results.lock().unwrap_or_else(PoisonError::into_inner).push((reference.subset.index, result));
            }
        };
        progress(0);
        std::thread::scope(|scope| {
            (0..self.plan.parallel.min(missing.len())).for_each(|_| drop(scope.spawn(work)));
        });
        let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
        results.sort_by_key(|(index, _)| *index);
        if watch.stops() {
            return Err(AssessError::Stopped);
        }
        results.into_iter().map(|(_, result)| result).collect()
    }

    fn train_one(&self, reference: &Reference, watch: &dyn Watch) -> Result<Trained, AssessError> {
        let lock = self.cache.lock(&reference.key, watch)?;
        if let Kept::Whole(model) = self.cache.find(&reference.key)? {
            return Ok(reference.trained(model, None)); // somebody else was faster
        }
        let log = self.cache.log(&reference.key);
        private_file(&log).map_err(|source| cache_error(&log, source))?;
        let mut failure = String::new();
        for attempt in 1..=self.plan.attempts {
            match self.attempt(reference, attempt, &log, watch)? {
                Ok(trained) => return Ok(trained),
                Err(what) => failure = what,
            }
        }
        drop(lock);
        let times = if self.plan.attempts == 1 { "once".to_owned() } else { format!("{} times", self.plan.attempts) };
        Err(AssessError::Training {
            index: reference.subset.index,
            count: self.references.len(),
            what: format!("{failure} (tried {times})"),
            log,
        })
    }

    /// Runs the command once; how it failed, where trying again may help.
    fn attempt(
        &self,
        reference: &Reference,
        attempt: usize,
        log: &Path,
        watch: &dyn Watch,
    ) -> Result<Result<Trained, String>, AssessError> {
        let workspace = self.cache.workspace(&reference.key)?;
        let file = workspace.training_file(&subset_ending(&self.data.source));
        self.cut(&reference.subset, &file)?;
        let command = self.plan.filled(|name| match name {
            "train" => file.to_string_lossy().into_owned(),
            "model" => workspace.model().to_string_lossy().into_owned(),
            "seed" => reference.subset.seed.to_string(),
            _ => reference.subset.index.to_string(),
        });
        let started = Instant::now();
        let ended = note(log, attempt, self.plan.attempts)
            .and_then(|log| program::run(&command, &self.plan.folder, &log, self.plan.timeout, watch))
            .map_err(|source| self.not_started(&source))?;
        let seconds = started.elapsed().as_secs_f64();
        let failure = match ended {
            Ended::Stopped => return Err(AssessError::Stopped),
            Ended::TooLate => Some(format!("took longer than {} minutes", self.plan.timeout.as_secs_f64() / 60.0)),
            Ended::Alone(status) if !status.success() => Some(program::in_words(status)),
            Ended::Alone(_) if !workspace.model().is_file() => Some("wrote no file to {model}".to_owned()),
            Ended::Alone(_) => Graph::load(&workspace.model())
                .err()
                .map(|_| "wrote something to {model} that is no ONNX file".to_owned()),
        };
        match failure {
            Some(what) => Ok(Err(what)),
            None => Ok(Ok(reference.trained(workspace.keep(&file, seconds)?, Some(seconds)))),
        }
    }

    fn not_started(&self, source: &std::io::Error) -> AssessError {
        let program = self.plan.command.first().map_or("", String::as_str);
        AssessError::Mismatch {
            what: format!("starting `{program}`, the program of `reference.command`: {}", source.kind()),
            help: "name a program that the system finds, or a path relative to the plan's folder; there is no shell"
                .to_owned(),
        }
    }
}

impl Reference {
    fn trained(&self, model: PathBuf, seconds: Option<f64>) -> Trained {
        Trained { index: self.subset.index, model, subset: self.subset.clone(), seconds }
    }
}

/// Opens a log to add to, with a line that says which attempt begins.
fn note(log: &Path, attempt: usize, attempts: usize) -> std::io::Result<std::fs::File> {
    use std::io::Write;
    let mut file = private_append(log)?;
    writeln!(file, "privet: attempt {attempt} of {attempts}")?;
    Ok(file)
}
