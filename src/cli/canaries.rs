//! `privet canaries plan` and `privet canaries audit`.

use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;

use anyhow::Context;

use super::args::{Canaries, CanaryAudit, CanaryCommand, CanaryMode, CanaryPlan};
use super::assess::{tidy, unwritable, with_help};
use super::outputs::{Outputs, Private};
use super::{Exit, helped, onnxruntime};
use crate::assess::canaries::audit::{self, Audit, Files};
use crate::assess::canaries::draw::{self, Drawn, Request};
use crate::assess::canaries::{Mode, Terms};
use crate::assess::plan::Plan;
use crate::finding::grouped;
use crate::stats::Level;
use crate::watch::Unwatched;

const SEALED: &str = "sealed.json";
const COMMITMENT: &str = "commitment.json";

pub(super) fn run(arguments: &Canaries) -> anyhow::Result<Exit> {
    match &arguments.command {
        CanaryCommand::Plan(arguments) => plan(arguments),
        CanaryCommand::Audit(arguments) => audit(arguments),
    }
}

fn plan(arguments: &CanaryPlan) -> anyhow::Result<Exit> {
    let plan = Plan::load(&arguments.plan).map_err(|error| with_help(error.into()))?;
    let request = Request {
        candidates: arguments.candidates.clone(),
        count: arguments.count as usize,
        mode: match arguments.mode {
            CanaryMode::Natural => Mode::Natural,
            CanaryMode::Mislabelled => Mode::Mislabelled,
        },
        guessed_in: arguments.guess_in.map(|count| count as usize),
        guessed_out: arguments.guess_out.map(|count| count as usize),
        delta: arguments.delta,
        level: Level::new(arguments.level).context("the level was checked on reading")?,
        seed: arguments.seed,
    };
    let drawn = draw::draw(&plan, &request).map_err(with_help)?;
    let [include, canaries] = ["include", "canaries"].map(|name| format!("{name}.{}", drawn.format.extension()));
    let failed = |source| occupied(&arguments.out, source);
    let files: [(&str, &[u8]); 4] = [
        (&include, &drawn.include),
        (&canaries, &drawn.canaries),
        (SEALED, drawn.sealed.as_bytes()),
        (COMMITMENT, drawn.commitment.as_bytes()),
    ];
    let mut outputs = Outputs::open_private(&arguments.out, &files.map(|(name, _)| name)).map_err(failed)?;
    for (name, bytes) in files {
        outputs.write_bytes(name, bytes).map_err(failed)?;
    }
    write!(std::io::stdout().lock(), "{}", planned(&drawn, &arguments.out, &include, &canaries))?;
    Ok(Exit::Pass)
}

/// A folder that may hold the coins of another audit.
#[derive(Debug, thiserror::Error)]
#[error("the folder `{0}` of `--out` is not empty, and nothing in it is overwritten")]
struct Occupied(String);

fn occupied(folder: &Path, source: std::io::Error) -> anyhow::Error {
    if source.kind() == std::io::ErrorKind::AlreadyExists && folder.is_dir() {
        return helped(Occupied(tidy(folder)), "name a folder that does not exist yet with --out".to_owned());
    }
    unwritable(folder, source)
}

fn planned(drawn: &Drawn, folder: &Path, include: &str, canaries: &str) -> String {
    let terms = &drawn.terms;
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{} canaries of {} candidates, {}; a coin each, {}",
        grouped(terms.canaries as u64),
        drawn.candidates,
        terms.mode.word(),
        if terms.rehearsal.is_some() { "from a seed" } else { "from the operating system" }
    );
    let _ = writeln!(text, "  {}", fixed(terms));
    let _ = writeln!(text, "  with every guess right they would prove an epsilon of {:.2}\n", drawn.ceiling);
    let _ = writeln!(text, "in {} (only its owner can read it: two of the files hold records of people)", tidy(folder));
    let width = canaries.len().max(COMMITMENT.len());
    for (name, what) in [
        (include, "add these rows to the training data, once each, and no other canary"),
        (canaries, "all canaries with the labels that the model will be asked about; needed for the audit"),
        (SEALED, "the coins: give it to somebody who neither trains nor audits, until the model is finished"),
        (COMMITMENT, "publish it now: it proves later that coins, guesses and canaries were fixed before training"),
    ] {
        let _ = writeln!(text, "  {name:<width$}  {what}");
    }
    if let Some(warning) = terms.warning() {
        let _ = writeln!(text, "\n{warning}");
    }
    text
}

fn fixed(terms: &Terms) -> String {
    format!(
        "fixed beforehand: {} guesses in, {} guesses out, delta {}, confidence {} %",
        grouped(terms.guessed_in as u64),
        grouped(terms.guessed_out as u64),
        terms.delta,
        100.0 * terms.level.value()
    )
}

fn audit(arguments: &CanaryAudit) -> anyhow::Result<Exit> {
    let plan = Plan::load(&arguments.plan).map_err(|error| with_help(error.into()))?;
    let files = Files {
        model: arguments.model.clone(),
        sealed: arguments.sealed.clone(),
        commitment: arguments.commitment.clone(),
        canaries: arguments.canaries.clone(),
    };
    let candidates = onnxruntime::candidates(arguments.onnxruntime.as_deref());
    let unwritable = |file: &Path, source| {
        let help = "choose a new file that can be written with --json; nothing is overwritten".to_owned();
        helped(Unwritable { file: tidy(file), source }, help)
    };
    let json = arguments.json.as_deref();
    let kept = json.map(|file| Private::open(file).map_err(|source| unwritable(file, source))).transpose()?;
    let audit = audit::audit(&plan, &files, &candidates, &Unwatched).map_err(with_help)?;
    if let (Some(kept), Some(file)) = (kept, json) {
        let text = serde_json::to_string_pretty(&audit).context("writing JSON")?;
        kept.write(&(text + "\n")).map_err(|source| unwritable(file, source))?;
    }
    write!(std::io::stdout().lock(), "{}", audited(&audit))?;
    Ok(Exit::Pass)
}

/// A file that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("writing `{file}`: {source}")]
struct Unwritable {
    file: String,
    source: std::io::Error,
}

fn audited(audit: &Audit) -> String {
    let (terms, bounds) = (&audit.terms, &audit.bounds);
    let mut text = String::new();
    if let Some(warning) = &audit.rehearsal {
        let _ = writeln!(text, "{warning}\n");
    }
    let _ = writeln!(text, "{} asked about {} {} canaries", audit.model, bounds.coins, terms.mode.word());
    let _ = writeln!(text, "  model sha-256       {}", audit.model_sha256);
    let _ = writeln!(text, "  commitment sha-256  {}  compare it with the published file", audit.commitment_sha256);
    let _ = writeln!(text, "  {}; ranked by {}\n", fixed(terms), audit.signal);
    let _ = writeln!(text, "right guesses               {} of {}", bounds.right, bounds.guessed);
    let _ = writeln!(text, "epsilon at least            {:.2}", bounds.epsilon);
    let form = |epsilon: Option<f64>| epsilon.map_or("needs a delta over 0".to_owned(), |value| format!("{value:.2}"));
    let _ = writeln!(text, "  if Gaussian (f-DP)        {}", form(bounds.epsilon_f_dp));
    let _ = writeln!(text, "  if Gaussian (error rates) {}", form(bounds.epsilon_gaussian));
    let _ = writeln!(text, "with every guess right      {:.2}\n", bounds.ceiling);
    for sentence in &audit.reading {
        let _ = writeln!(text, "- {sentence}");
    }
    text
}
