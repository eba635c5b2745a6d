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
    /// Test the instrument on the plan's own non-members: false fails, and power against planted leaks
    Selftest(Selftest),
    /// Show what an ONNX file says about itself; runs nothing
    Inspect(Inspect),
    /// Explain a check: what it measures, how, when it misleads
    Explain(Explain),
    /// Say what data of this size can show, before or after they are collected
    Power(Power),
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

#[derive(Debug, Args)]
pub(super) struct Selftest {
    /// The plan, a TOML file
    pub(super) plan: PathBuf,
    /// Runs on relabelled non-members
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(super) runs: Option<u32>,
    /// Runs per planted leak
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(super) planted: Option<u32>,
    /// Most patients (or records) on either side of a run
    #[arg(long, value_parser = clap::value_parser!(u32).range(20..))]
    pub(super) records: Option<u32>,
    /// Folder for selftest.json instead of the plan's
    #[arg(long, value_name = "FOLDER")]
    pub(super) out: Option<PathBuf>,
    /// The ONNX Runtime library to use
    #[arg(long, value_name = "FILE")]
    pub(super) onnxruntime: Option<PathBuf>,
    /// Draw no progress bars
    #[arg(long)]
    pub(super) no_progress: bool,
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

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["plan", "members"]))]
pub(super) struct Power {
    /// The plan whose data are counted; no model is asked
    pub(super) plan: Option<PathBuf>,
    /// Records the model will be trained on, where there is no plan yet
    #[arg(long, value_name = "N", requires = "nonmembers", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) members: Option<u32>,
    /// Records it will not be trained on
    #[arg(long, value_name = "M", requires = "members", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) nonmembers: Option<u32>,
    /// Records that a patient has on average
    #[arg(long, value_name = "R", requires = "members", value_parser = from_one)]
    pub(super) records_per_patient: Option<f64>,
    /// Correlation of two records of one patient, from 0 (as different as two people) to 1 (the same again)
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = share)]
    pub(super) icc: f64,
    /// Print JSON instead of tables
    #[arg(long)]
    pub(super) json: bool,
}

/// A number of at least 1.
fn from_one(text: &str) -> Result<f64, String> {
    number(text, |value| value >= 1.0, "a number from 1")
}

/// A number from 0 to 1.
fn share(text: &str) -> Result<f64, String> {
    number(text, |value| (0.0..=1.0).contains(&value), "a number from 0 to 1")
}

fn number(text: &str, fits: impl Fn(f64) -> bool, wanted: &str) -> Result<f64, String> {
    text.parse().ok().filter(|&value: &f64| value.is_finite() && fits(value)).ok_or_else(|| format!("write {wanted}"))
}
