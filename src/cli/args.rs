//! What the command line understands.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Assesses the privacy risk of a trained model before it is released.
#[derive(Debug, Parser)]
#[command(name = "privet", version, after_help = super::exit::TABLE)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Attack the model, measure the data, judge, write the report
    Assess(Assess),
    /// Show what an ONNX file says about itself; runs nothing
    Inspect(Inspect),
    /// Make reference models with the training program that the plan names
    #[command(subcommand)]
    Reference(Reference),
    /// Explain a check: what it measures, how, when it misleads
    Explain(Explain),
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
#[command(after_help = super::exit::TABLE)]
pub(super) struct Assess {
    /// The plan, a TOML file (see assessments/ for plans to copy)
    pub(super) plan: PathBuf,
    /// Exit with 0 where the verdict would give 1, 3 or 4
    #[arg(long)]
    pub(super) exit_zero: bool,
    /// What to print on standard output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,
    /// Folder for report.json and report.html instead of the plan's
    #[arg(long, value_name = "FOLDER")]
    pub(super) out: Option<PathBuf>,
    /// Root seed instead of the plan's
    #[arg(long)]
    pub(super) seed: Option<u64>,
    /// Threads; the results do not depend on it
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) threads: Option<u16>,
    /// The ONNX Runtime library to use
    #[arg(long, value_name = "FILE")]
    pub(super) onnxruntime: Option<PathBuf>,
    /// Print the verdict line only
    #[arg(short, long, conflicts_with = "verbose")]
    pub(super) quiet: bool,
    /// Print what was inferred, settings, seconds per step
    #[arg(short, long)]
    pub(super) verbose: bool,
    /// Draw no progress bars
    #[arg(long)]
    pub(super) no_progress: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// A plan summary, a table of findings, the verdict
    Text,
    /// The whole report.json
    Json,
}

#[derive(Debug, Subcommand)]
pub(super) enum Reference {
    /// Write the training files and a manifest into the cache, for a cluster; trains nothing
    Plan(ReferencePlan),
    /// Train what the cache does not hold: all references, or one as a job of an array
    Train(ReferenceTrain),
    /// Remove the training files that `plan` wrote; models stay
    Clear(ReferenceClear),
}

#[derive(Debug, Args)]
pub(super) struct ReferencePlan {
    /// The plan, with `[reference] command`
    pub(super) plan: PathBuf,
    /// Root seed instead of the plan's
    #[arg(long)]
    pub(super) seed: Option<u64>,
    /// Write the manifest alone, no training files
    #[arg(long)]
    pub(super) manifest_only: bool,
}

#[derive(Debug, Args)]
pub(super) struct ReferenceTrain {
    /// The plan, with `[reference] command`
    pub(super) plan: PathBuf,
    /// Number of the reference, from 1; without it, all
    #[arg(long, value_name = "I")]
    pub(super) index: Option<usize>,
    /// Root seed instead of the plan's
    #[arg(long)]
    pub(super) seed: Option<u64>,
    /// Draw no progress bars
    #[arg(long)]
    pub(super) no_progress: bool,
}

#[derive(Debug, Args)]
pub(super) struct ReferenceClear {
    /// The plan, with `[reference] command`
    pub(super) plan: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct Inspect {
    /// The ONNX file
    pub(super) model: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct Explain {
    /// Id of a check or of a measure; without it, the list of checks
    pub(super) id: Option<String>,
}
