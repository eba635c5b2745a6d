//! `privet assess`.

use std::io::Write;
use std::path::Path;

use anyhow::Context;

use super::args::{Assess, Format};
use super::evidence::Evidence;
use super::outputs::Outputs;
use super::{Exit, ending, helped, interrupt, onnxruntime, progress, show};
use crate::assess::AssessError;
use crate::assess::plan::Plan;
use crate::assess::run;
use crate::report::{html, json};

const JSON: &str = "report.json";
const HTML: &str = "report.html";

pub(super) fn run(arguments: &Assess) -> anyhow::Result<Exit> {
    let plan = load(arguments)?;
    let folder = plan.output.clone();
    let mut outputs = Outputs::open(&folder, &[JSON, HTML]).map_err(|source| unwritable(&folder, source))?;
    let evidence = Evidence::open(arguments)?;
    if !arguments.quiet && arguments.format == Format::Text {
        write!(std::io::stdout().lock(), "{}", show::plan(&plan))?;
    }
    let watch = interrupt::watch(progress::watch(!arguments.no_progress && !arguments.quiet));
    let candidates = onnxruntime::candidates(arguments.onnxruntime.as_deref());
    let threads = arguments.threads.map_or(0, usize::from);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().context("starting the threads")?;
    let (assessment, records) =
        pool.install(|| run::run_with_records(&plan, &candidates, &watch)).map_err(with_help)?;
    let (assessment, about_records) = match evidence {
        Some(evidence) => evidence.write(records.as_ref(), assessment)?,
        None => (assessment, String::new()),
    };
    let text = json::render(&assessment);
    let page = html::render(&assessment).context("rendering the report")?;
    let written = [
        outputs.write(JSON, &text).map_err(|source| unwritable(&folder, source))?,
        outputs.write(HTML, &page).map_err(|source| unwritable(&folder, source))?,
    ];
    let mut out = std::io::stdout().lock();
    match (arguments.format, arguments.quiet) {
        (Format::Json, _) => write!(out, "{text}")?,
        (Format::Text, true) => writeln!(out, "{}", show::verdict_line(&assessment))?,
        (Format::Text, false) => {
            write!(out, "{}", show::assessment(&assessment, arguments.verbose))?;
            let files: Vec<String> = written.iter().map(|path| tidy(path)).collect();
            writeln!(out, "report: {}", files.join(", "))?;
            write!(out, "{about_records}")?;
        }
    }
    if arguments.quiet || arguments.format == Format::Json {
        write!(std::io::stderr().lock(), "{about_records}")?;
    }
    let exit = Exit::of(&assessment.verdict, plan.policy.undetermined);
    Ok(if arguments.exit_zero { exit.masked() } else { exit })
}

/// An output folder that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("writing into the output folder `{folder}`: {source}")]
struct Unwritable {
    folder: String,
    source: std::io::Error,
}

pub(super) fn unwritable(folder: &Path, source: std::io::Error) -> anyhow::Error {
    let help = "choose a folder that can be written with --out or `[assessment] output`".to_owned();
    helped(Unwritable { folder: tidy(folder), source }, help)
}

fn load(arguments: &Assess) -> anyhow::Result<Plan> {
    let mut plan = Plan::load(&arguments.plan).map_err(|error| with_help(error.into()))?;
    if let Some(folder) = &arguments.out {
        plan.output.clone_from(folder);
    }
    if let Some(seed) = arguments.seed {
        plan.seed = seed;
    }
    Ok(plan)
}

/// An error of a run with its next action.
pub(super) fn with_help(error: AssessError) -> anyhow::Error {
    let help = error.help();
    let exit = if matches!(error, AssessError::Integrity { .. }) { Exit::Integrity } else { Exit::Usage };
    ending(error, help, exit)
}

/// A path without `x/..` detours, for reading.
pub(super) fn tidy(path: &Path) -> String {
    let mut parts: Vec<std::path::Component<'_>> = Vec::new();
    for part in path.components() {
        let goes_up = part == std::path::Component::ParentDir;
        if goes_up && matches!(parts.last(), Some(std::path::Component::Normal(_))) {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    parts.iter().collect::<std::path::PathBuf>().display().to_string()
}
