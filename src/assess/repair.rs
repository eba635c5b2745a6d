//! A model file with disclosures taken out, and what that did: measured before and after, never promised.

use std::fs;
use std::path::{Path, PathBuf};

use super::AssessError;
use super::plan::Plan;
use super::run::{applicable, bad_settings, judged};
use super::summary;
use super::world::World;
use crate::check::{self, Answers, CheckError, Truth, disclosure};
use crate::finding::{Family, Finding};
use crate::model::contents::Contents;
use crate::model::repair::{Edits, Merged};
use crate::model::runtime::Candidate;
use crate::model::{ModelError, Predictions};
use crate::stats::means::student;
use crate::stats::{Estimate, Level};
use crate::watch::{Clock, Watch};

/// What to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wishes {
    /// Significant decimal digits that constants of splits and scalers keep.
    pub digits: u32,
    /// Fewest people in a leaf.
    pub least: usize,
}

/// How well a model does on one set of records.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Quality {
    /// The share of right answers.
    Accuracy(Estimate),
    /// The mean absolute error of a number.
    Error(Estimate),
}

/// A model, measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// On members and on others.
    pub quality: Option<(Quality, Quality)>,
    /// What the disclosure checks found.
    pub findings: Vec<Finding>,
}

/// What was done, and what it did where there were data to measure it with.
#[derive(Debug, Clone, PartialEq)]
pub struct Repaired {
    /// Changes that need no data.
    pub edits: Edits,
    /// What became of small leaves, where there are data and trees.
    pub merged: Option<Merged>,
    /// The model before and after.
    pub measured: Option<(Measured, Measured)>,
}

/// Writes the edited model to `out`. With a plan, whose data say how many people a leaf holds, small leaves are merged and
/// the model is measured before and after.
///
/// # Errors
/// When the file is no model or keeps weights in other files, `out` exists or cannot be written, or the plan's data do not
/// fit.
pub fn run(
    model: &Path,
    out: &Path,
    wishes: Wishes,
    plan: Option<&Plan>,
    candidates: &[Candidate],
    watch: &dyn Watch,
) -> Result<Repaired, AssessError> {
    let (graph, contents, _) = Contents::load(model)?;
    let same = fs::canonicalize(out).is_ok_and(|known| fs::canonicalize(model).is_ok_and(|path| path == known));
    let mismatch = |what: &str, help: &str| AssessError::Mismatch { what: what.to_owned(), help: help.to_owned() };
    if same {
        return Err(mismatch(
            "`--out` is the model itself",
            "write to another file: the original is needed to compare with",
        ));
    }
    if out.exists() {
        return Err(mismatch(
            &format!("`--out` names `{}`, which exists", out.display()),
            "choose another name, or remove the file first: nothing is overwritten",
        ));
    }
    if !graph.external.is_empty() {
        return Err(mismatch(
            "the model keeps weights in other files, which `privet repair` does not edit",
            "save the model as a single file first (`onnx.save(onnx.load(MODEL), FILE)`)",
        ));
    }
    let (bytes, edits) = contents.rounded(wishes.digits);
    let failed = |source| AssessError::from(ModelError::Io { file: out.to_owned(), source });
    // Under its name only when it is whole.
    let partial = Partial(out.with_extension("onnx.partial"));
    let write = |bytes: &[u8]| fs::write(&partial.0, bytes).map_err(failed);
    let Some(plan) = plan else {
        write(&bytes)?;
        fs::rename(&partial.0, out).map_err(failed)?;
        return Ok(Repaired { edits, merged: None, measured: None });
    };
    let mut clock = Clock::new(watch);
    let with = |path: &Path| {
        let mut plan = Plan { reference: None, scores: None, ..plan.clone() };
        path.clone_into(&mut plan.model.get_or_insert_default().path);
        plan
    };
    let before = measure(&with(model), candidates, &mut clock)?;
    write(&bytes)?;
    let plan = with(&partial.0);
    let world = World::prepare(&plan, candidates, &mut clock)?;
    let merged = match disclosure::people_in_leaves(&world.subject(plan.seed)) {
        Ok(people) => {
            let (bytes, merged) = Contents::load(&partial.0)?.1.merged(&people, wishes.least);
            write(&bytes)?;
            Some(merged)
        }
        Err(CheckError::NotApplicable { .. }) => None,
        Err(source) => return Err(AssessError::Check { check: "repair".to_owned(), source }),
    };
    drop(world);
    let after = measure(&plan, candidates, &mut clock)?;
    fs::rename(&partial.0, out).map_err(failed)?;
    Ok(Repaired { edits, merged, measured: Some((before, after)) })
}

/// A file in the making, removed if it does not get its name.
struct Partial(PathBuf);

impl Drop for Partial {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn measure(plan: &Plan, candidates: &[Candidate], clock: &mut Clock<'_>) -> Result<Measured, AssessError> {
    let world = World::prepare(plan, candidates, clock)?;
    let subject = world.subject(plan.seed);
    let all = check::all(&plan.checks).map_err(|complaints| bad_settings(&complaints))?;
    let checks: Vec<_> = all.into_iter().filter(|check| check.meta().family == Family::Disclosure).collect();
    let policy = applicable(plan, &subject, &checks);
    let findings = judged(plan, &checks, &policy, &subject, clock)?.findings;
    let answers = world.audited.as_ref().and_then(|a| a.members.as_ref().zip(a.nonmembers.as_ref()));
    let quality = answers.and_then(|(members, others)| quality(members).zip(quality(others)));
    Ok(Measured { quality, findings })
}

fn quality(answers: &Answers) -> Option<Quality> {
    match (&answers.truth, &answers.predictions) {
        (Truth::Values(truth), Predictions::Values(values)) => {
            let errors: Vec<f64> = truth.iter().zip(values).map(|(y, v)| (y - v).abs()).collect();
            student(&errors, Level::P95).map(Quality::Error)
        }
        _ => summary::accuracy(answers).map(Quality::Accuracy),
    }
}
