//! `privet reference`.

use std::io::Write;
use std::path::Path;

use super::args::{Reference, ReferenceClear, ReferencePlan, ReferenceTrain};
use super::assess::{tidy, with_help};
use super::{Exit, interrupt, progress};
use crate::assess::plan::Plan;
use crate::assess::training::{self, Kept, STEP, State, Trained, Trainer};
use crate::finding::Count;
use crate::watch::{Event, Watch};

pub(super) fn run(arguments: &Reference) -> anyhow::Result<Exit> {
    match arguments {
        Reference::Plan(arguments) => plan(arguments),
        Reference::Train(arguments) => train(arguments),
        Reference::Clear(arguments) => clear(arguments),
    }
}

fn load(file: &Path, seed: Option<u64>) -> anyhow::Result<Plan> {
    let mut plan = Plan::load(file).map_err(|error| with_help(error.into()))?;
    plan.seed = seed.unwrap_or(plan.seed);
    Ok(plan)
}

fn plan(arguments: &ReferencePlan) -> anyhow::Result<Exit> {
    let plan = load(&arguments.plan, arguments.seed)?;
    let split = training::records(&plan).map_err(with_help)?;
    let trainer = Trainer::of(&plan, &split).map_err(with_help)?;
    let manifest = trainer.write_manifest().map_err(with_help)?;
    let mut out = std::io::stdout().lock();
    let states = trainer.states().map_err(with_help)?;
    for state in &states {
        writeln!(out, "{}", line(state))?;
    }
    let members = split.members.len();
    if states.iter().any(|state| state.records * 20 < members * 19) {
        writeln!(
            out,
            "warning: the model was trained on {} records and half of the pool is less; attacks with references trained \
             on less are weaker. Give more non-members.",
            Count::of(members)
        )?;
    }
    writeln!(out, "manifest: {}", tidy(&manifest))?;
    if !arguments.manifest_only {
        let folder = trainer.write_subsets().map_err(with_help)?;
        let file = tidy(&arguments.plan);
        writeln!(
            out,
            "\n{} files with PATIENT DATA were written to {}\nThey stay until you run: privet reference clear {file}\n\
             Train each with: privet reference train {file} --index I   (I from 1 to {})\n\
             or without privet: put the ONNX file where the manifest says `model`.",
            states.len(),
            tidy(&folder),
            states.len()
        )?;
    }
    Ok(Exit::Pass)
}

fn line(state: &State) -> String {
    let kept = match state.kept {
        Kept::Whole(_) => "in the cache",
        Kept::Absent => "to be trained",
        Kept::Damaged => "damaged in the cache, to be trained again",
    };
    format!("reference {}: {} records, {kept}", state.index, Count::of(state.records))
}

fn train(arguments: &ReferenceTrain) -> anyhow::Result<Exit> {
    let plan = load(&arguments.plan, arguments.seed)?;
    let split = training::records(&plan).map_err(with_help)?;
    let trainer = Trainer::of(&plan, &split).map_err(with_help)?;
    if arguments.index.is_none() {
        trainer.write_manifest().map_err(with_help)?;
    }
    let watch = interrupt::watch(progress::watch(!arguments.no_progress));
    watch.on(&Event::Started { step: STEP });
    let trained = trainer.train(arguments.index, &watch);
    watch.on(&Event::Finished { step: STEP });
    let mut out = std::io::stdout().lock();
    for Trained { index, seconds, .. } in trained.map_err(with_help)? {
        match seconds {
            Some(seconds) => writeln!(out, "reference {index}: trained in {seconds:.1} s")?,
            None => writeln!(out, "reference {index}: in the cache")?,
        }
    }
    Ok(Exit::Pass)
}

fn clear(arguments: &ReferenceClear) -> anyhow::Result<Exit> {
    let plan = load(&arguments.plan, None)?;
    let any = training::clear(&plan).map_err(with_help)?;
    let text = if any { "the training files are removed; models stay" } else { "there were no training files" };
    writeln!(std::io::stdout().lock(), "{text}")?;
    Ok(Exit::Pass)
}
