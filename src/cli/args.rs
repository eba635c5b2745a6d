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
    /// Measure the re-identification risk of a file, without plan or model: groups, k, what they tell; judges nothing
    Measure(Measure),
    /// Compare two versions of a data set: what became easier to tell apart, and which columns came in; prints no value
    Compare(Compare),
    /// Find columns of a table that identify people: the 18 items of Safe Harbor; needs no plan and no model
    Scan(Scan),
    /// Make reference models with the training program that the plan names
    #[command(subcommand)]
    Reference(Reference),
    /// Write a copy of a model with rounded constants, without metadata and small leaves, and measure what that did
    Repair(Repair),
    /// Explain a check: what it measures, how, when it misleads
    Explain(Explain),
    /// Say what data of this size can show, before or after they are collected
    Power(Power),
    /// Plan an audit of one training run with canaries, and carry it out
    Canaries(Canaries),
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
    /// Also write what is known about each record, under keyed pseudonyms, into a new file that only its owner can read
    #[arg(long, value_name = "FILE")]
    pub(super) record_evidence: Option<PathBuf>,
    /// Key of the pseudonyms, 64 hexadecimal digits; without it a new key is written to FILE.key
    #[arg(long, value_name = "FILE", requires = "record_evidence")]
    pub(super) record_key: Option<PathBuf>,
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
#[command(
    after_help = "Exit codes:\n  0   nothing got worse\n  1   people are easier to tell apart, or a risky column came in\n  2   usage or input error\n  5   a kept profile is not what was written\n--exit-zero turns 1 into 0.\n\nWorse is: the smallest group shrinks and has fewer than 11 people; a share (people who stand alone, or in groups of fewer\nthan 11) or the average risk rises by more than 0.1 points; a risky column comes in or gets worse.\n\nMasking: where AFTER holds the same records as BEFORE in the same order, or both have one record per person of --patient, it is\nshown how well AFTER hides the people of BEFORE. Intervals: the share of records whose numbers (--numbers, or those among the\nquasi-identifiers; blanked ones are not compared) all lie within 0.01 and 0.05 standard deviations of their masked values, as sdcMicro (from 5.6.0 on) counts them, and\nwhere at most one lies outside, as older releases did. Linkage: the share of at most 1,000 people whose original is the nearest by\nGower's distance over the quasi-identifiers, and whose original is theirs where all are linked one to one with the least total\ndistance; beside what chance would give. What would tell of 1 to 10 people is shown as the range that any\nsuch number would give, its worse end first, and a stranger's share is rounded down. The section is not shown, and a sentence says why, where BEFORE is a kept profile or nothing says\nwhich records belong together (other numbers of rows). It does not change the exit code."
)]
pub(super) struct Compare {
    /// The older version: a table (CSV or Parquet), or a profile that was kept (.json)
    pub(super) before: PathBuf,
    /// The newer version: a table
    pub(super) after: PathBuf,
    /// The columns that others may know of a person, separated by commas; may be repeated, and is one column where one is called so
    #[arg(long, value_name = "COLUMNS", required = true)]
    pub(super) quasi_identifiers: Vec<String>,
    /// Column that says whose a record is: groups count people then
    #[arg(long, value_name = "COLUMN")]
    pub(super) patient: Option<String>,
    /// A text that means a missing cell, besides the empty one; may be repeated
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(super) missing: Vec<String>,
    /// Columns of numbers whose masking is looked at, instead of those among the quasi-identifiers
    #[arg(long, value_name = "COLUMNS")]
    pub(super) numbers: Vec<String>,
    /// Root seed of the sample of people that are linked to their originals
    #[arg(long, default_value_t = 0)]
    pub(super) seed: u64,
    /// Keep the profile of the newer version in a new file, to compare the next one with it without these data
    #[arg(long, value_name = "FILE")]
    pub(super) keep: Option<PathBuf>,
    /// Print JSON instead of tables
    #[arg(long)]
    pub(super) json: bool,
    /// Exit with 0 whatever got worse
    #[arg(long)]
    pub(super) exit_zero: bool,
}

#[derive(Debug, Args)]
pub(super) struct Measure {
    /// A table: CSV or Parquet
    pub(super) data: PathBuf,
    /// The columns that others may know of a person, separated by commas; may be repeated, and is one column where one is called so
    #[arg(long, value_name = "COLUMNS", required = true)]
    pub(super) quasi_identifiers: Vec<String>,
    /// Column that says whose a record is: groups count people then
    #[arg(long, value_name = "COLUMN")]
    pub(super) patient: Option<String>,
    /// The column that must not be learned about a person
    #[arg(long, value_name = "COLUMN")]
    pub(super) sensitive: Option<String>,
    /// A text that means a missing cell, besides the empty one; may be repeated
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(super) missing: Vec<String>,
    /// Largest size of the file once it is unpacked, or four bytes per cell of the columns named; 4 GiB by default. A larger
    /// Parquet file is read in several passes, unless a patient or a sensitive column is named
    #[arg(long, value_name = "BYTES")]
    pub(super) max_bytes: Option<u64>,
    /// Print JSON instead of lines
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
#[command(
    after_help = "Exit codes:\n  0   nothing was recognised\n  1   columns have to go or to become coarser\n  2   usage or input error\n  3   somebody has to look at a column\n--exit-zero turns 1 and 3 into 0."
)]
pub(super) struct Scan {
    /// The table: .csv, .tsv or .parquet
    pub(super) data: PathBuf,
    /// Judge by the list for limited data sets: dates, ages, town, state and postcode may stay
    #[arg(long)]
    pub(super) limited_data_set: bool,
    /// Populations behind the first three digits of postcodes, instead of those of the 2020 census (a TOML file)
    #[arg(long, value_name = "FILE")]
    pub(super) zip3: Option<PathBuf>,
    /// Column that says whose a record is: uniqueness is counted by person then
    #[arg(long, value_name = "COLUMN")]
    pub(super) patient: Option<String>,
    /// A column that may stay, with the reason; may be given several times
    #[arg(long, value_name = "COLUMN=REASON", value_parser = accepted)]
    pub(super) accept: Vec<(String, String)>,
    /// Year by which ages are counted
    #[arg(long, value_name = "YEAR")]
    pub(super) year: Option<i64>,
    /// Whole numbers below this are tried as the source of digests; 0 tries none
    #[arg(long, value_name = "N")]
    pub(super) hash_search: Option<u64>,
    /// Print JSON instead of a table
    #[arg(long)]
    pub(super) json: bool,
    /// Print the evidence for each column
    #[arg(short, long)]
    pub(super) verbose: bool,
    /// Exit with 0 whatever was found
    #[arg(long)]
    pub(super) exit_zero: bool,
}

/// A column and a reason.
fn accepted(text: &str) -> Result<(String, String), String> {
    let (column, reason) = text.split_once('=').ok_or("write COLUMN=REASON")?;
    Ok((column.to_owned(), reason.to_owned()))
}

#[derive(Debug, Args)]
pub(super) struct Repair {
    /// The ONNX file
    pub(super) model: PathBuf,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    pub(super) out: PathBuf,
    /// The plan whose data say how many people a leaf holds, and measure the model before and after
    #[arg(long)]
    pub(super) plan: Option<PathBuf>,
    /// Significant decimal digits that constants of splits and scalers keep
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=9))]
    pub(super) digits: u8,
    /// Fewest people in a leaf; smaller ones are merged, which needs `--plan`
    #[arg(long, value_name = "PEOPLE", default_value_t = 11, value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) least: u16,
    /// The ONNX Runtime library to use
    #[arg(long, value_name = "FILE")]
    pub(super) onnxruntime: Option<PathBuf>,
    /// Draw no progress bars
    #[arg(long)]
    pub(super) no_progress: bool,
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

#[derive(Debug, Args)]
pub(super) struct Canaries {
    #[command(subcommand)]
    pub(super) command: CanaryCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum CanaryCommand {
    /// Before training: choose canaries, flip a coin for each, seal the coins
    Plan(CanaryPlan),
    /// After training: verify the files, guess the coins from the model, bound epsilon from below
    Audit(CanaryAudit),
}

#[derive(Debug, Args)]
pub(super) struct CanaryPlan {
    /// A plan whose [data] says how records are read and which column is the label
    pub(super) plan: PathBuf,
    /// New or empty folder for the four files; only its owner can read it
    #[arg(long, value_name = "FOLDER")]
    pub(super) out: PathBuf,
    /// Table of candidate records with the plan's columns, instead of the plan's non-members
    #[arg(long, value_name = "FILE")]
    pub(super) candidates: Option<PathBuf>,
    /// Canaries
    #[arg(long, value_name = "C", default_value_t = 500, value_parser = clap::value_parser!(u32).range(20..=1_000_000))]
    pub(super) count: u32,
    /// What a canary is
    #[arg(long, value_enum, default_value_t = CanaryMode::Mislabelled)]
    pub(super) mode: CanaryMode,
    /// Guesses "in", fixed beforehand; a tenth of the canaries unless given
    #[arg(long, value_name = "K")]
    pub(super) guess_in: Option<u32>,
    /// Guesses "out", fixed beforehand; a tenth of the canaries unless given
    #[arg(long, value_name = "K")]
    pub(super) guess_out: Option<u32>,
    /// Delta at which epsilon is bounded; 0 for pure differential privacy
    #[arg(long, default_value_t = 1e-5, value_parser = below_one)]
    pub(super) delta: f64,
    /// Confidence level of the bounds
    #[arg(long, default_value_t = 0.95, value_parser = inside)]
    pub(super) level: f64,
    /// Rehearsal: coins from a seed instead of the operating system; marked in every file, and no evidence
    #[arg(long)]
    pub(super) seed: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum CanaryMode {
    /// Records as they are
    Natural,
    /// Records with the label of another class, drawn at random
    Mislabelled,
}

#[derive(Debug, Args)]
pub(super) struct CanaryAudit {
    /// The plan that the canaries were made with; its [model] and [data] say how the model is asked
    pub(super) plan: PathBuf,
    /// The finished ONNX model
    #[arg(long, value_name = "FILE")]
    pub(super) model: PathBuf,
    /// sealed.json, from whoever kept it
    #[arg(long, value_name = "FILE")]
    pub(super) sealed: PathBuf,
    /// commitment.json, as it was published
    #[arg(long, value_name = "FILE")]
    pub(super) commitment: PathBuf,
    /// The file of all canaries
    #[arg(long, value_name = "FILE")]
    pub(super) canaries: PathBuf,
    /// Also write the result as JSON
    #[arg(long, value_name = "FILE")]
    pub(super) json: Option<PathBuf>,
    /// The ONNX Runtime library to use
    #[arg(long, value_name = "FILE")]
    pub(super) onnxruntime: Option<PathBuf>,
}

/// A number from 0 to less than 1.
fn below_one(text: &str) -> Result<f64, String> {
    number(text, |value| (0.0..1.0).contains(&value), "a number from 0 to less than 1")
}

/// A number between 0 and 1.
fn inside(text: &str) -> Result<f64, String> {
    number(text, |value| value > 0.0 && value < 1.0, "a number between 0 and 1")
}
