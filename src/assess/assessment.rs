//! The result of one run: everything the report may know.

use serde::{Deserialize, Serialize};

use super::gate::{Judgement, Verdict};
use crate::digest::Digest;
use crate::finding::{Count, Finding};
use crate::stats::interval::clopper_pearson;
use crate::stats::{Estimate, Level};

/// Version of the layout of `report.json`.
pub const SCHEMA_VERSION: u32 = 1;

/// Where in a model's life the assessment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Before data are collected.
    Design,
    /// While training.
    Train,
    /// Before release, on held-out data.
    Validate,
    /// At the release decision.
    Release,
    /// In use.
    Monitor,
    /// When taken out of use.
    Retire,
}

/// A complete result, pure data: rendering it needs neither model nor records.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Assessment {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Name from the plan.
    pub name: String,
    /// Purpose from the plan.
    pub purpose: String,
    /// Stage from the plan.
    pub stage: Stage,
    /// Who asked, from the plan (a role, not a person).
    pub requested_by: String,
    /// The verdict.
    pub verdict: Verdict,
    /// One line per limit of the policy.
    pub judgements: Vec<Judgement>,
    /// What the checks found, in the order of their ids.
    pub findings: Vec<Finding>,
    /// How the checks that ran measure, in the words of their documentation.
    pub methods: Vec<MethodSummary>,
    /// Checks that did not run.
    pub skipped: Vec<Skipped>,
    /// What a reader should know before trusting the numbers.
    pub warnings: Vec<String>,
    /// What a self-test of the instrument on these data showed, if one was made.
    #[serde(default)]
    pub certificate: Option<Certificate>,
    /// What was inferred instead of being told.
    pub inferred: Vec<Inference>,
    /// The model, if there was one.
    pub model: Option<ModelSummary>,
    /// The data, if there were any.
    pub data: Option<DataSummary>,
    /// Files read.
    pub inputs: Vec<InputFile>,
    /// The policy in force.
    pub policy: PolicySummary,
    /// Root seed.
    pub seed: u64,
    /// The program and the runtime it used.
    pub program: Program,
    /// What differs between two runs of the same plan: time and place. Left out of comparisons.
    pub envelope: Envelope,
}

/// How often something happened, with an exact interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    /// How often.
    pub count: usize,
    /// Share of the runs with a Clopper-Pearson interval.
    pub share: Estimate,
}

impl Rate {
    pub(super) fn of(count: usize, runs: usize) -> Self {
        Self { count, share: clopper_pearson(count, runs, Level::P95) }
    }
}

/// A planted leak and how often it was seen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Planted {
    /// Share of the fake members whose answers looked memorised.
    pub share: f64,
    /// How often the gate failed the model.
    pub failed: Rate,
    /// How often the lower bound of the true-positive rate at 1 % lay over chance.
    pub seen: Rate,
}

/// What a self-test showed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Certificate {
    /// Version of the program.
    pub program: String,
    /// Digests of the files of model and data that it was made on.
    pub inputs: Vec<Digest>,
    /// Root seed.
    pub seed: u64,
    /// Relabelled runs.
    pub runs: usize,
    /// Fake members of a run; there are as many fake non-members.
    pub members: usize,
    /// Runs in which the gate failed a model that leaks nothing.
    pub false_fails: Rate,
    /// Runs in which the lower bound of the true-positive rate at 1 % lay over 1 %.
    pub false_rates: Rate,
    /// Runs in which the interval of the area lay over 0.5.
    pub false_areas: Rate,
    /// Runs in which an epsilon above 0 was claimed.
    pub false_epsilons: Rate,
    /// Runs in which the best of all thresholds, uncorrected as in other tools, would have claimed an epsilon above 0.
    pub uncorrected_epsilons: Rate,
    /// Runs in which some attack's own interval, uncorrected for looking at all of them, lay over 0.5.
    pub uncorrected_areas: Rate,
    /// Runs in which the permutation test showed something at 5 %.
    pub false_permutations: Rate,
    /// Runs in which a sound split was called invalid.
    pub false_invalid: Rate,
    /// Planted leaks.
    pub planted: Vec<Planted>,
}

/// What a check says about itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MethodSummary {
    /// Id of the check.
    pub check: String,
    /// Its title.
    pub title: String,
    /// Who could do this.
    pub who: String,
    /// How it measures.
    pub how: String,
    /// Papers and regulations.
    pub references: String,
}

/// A check that did not run, as visible as one that did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Skipped {
    /// Id of the check.
    pub check: String,
    /// Why.
    pub reason: String,
    /// What to do to run it.
    pub remedy: String,
    /// The measures that have no number because of it.
    pub measures: Vec<String>,
}

/// Checks that did not run for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedTogether<'a> {
    /// Why.
    pub reason: &'a str,
    /// What to do to run them.
    pub remedy: &'a str,
    /// Their ids.
    pub checks: Vec<&'a str>,
}

/// Something privet worked out for itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inference {
    /// The plan setting that would have said it.
    pub setting: String,
    /// What was taken.
    pub value: String,
    /// From what.
    pub from: String,
}

/// Facts about the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelSummary {
    /// File name.
    pub file: String,
    /// Digest of the file.
    pub digest: Digest,
    /// Bytes of the file.
    pub bytes: u64,
    /// Program that wrote it.
    pub producer: String,
    /// Operator sets, for example `ai.onnx 14`.
    pub opsets: Vec<String>,
    /// Inputs as `name: type [shape]`.
    pub inputs: Vec<String>,
    /// Outputs as `name: type`.
    pub outputs: Vec<String>,
    /// Operators with how often each occurs.
    pub operators: Vec<(String, usize)>,
    /// Metadata keys (keys only).
    pub metadata_keys: Vec<String>,
    /// Task: `classification` or `regression`.
    pub task: String,
    /// Classes in the order of the output columns; labels held by fewer than 11 people are numbered instead.
    pub classes: Vec<String>,
    /// Accuracy on members.
    pub accuracy_members: Option<Estimate>,
    /// Accuracy on non-members.
    pub accuracy_nonmembers: Option<Estimate>,
    /// How often the label output and the largest probability agree, where the model has both.
    pub label_agreement: Option<Estimate>,
    /// Number of rows that were sent to the model.
    pub queries: u64,
}

/// Facts about the data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataSummary {
    /// Member records.
    pub members: usize,
    /// Non-member records.
    pub nonmembers: usize,
    /// Patients among members and among non-members, where a patient column is declared.
    pub patients: Option<(usize, usize)>,
    /// Name of the target column.
    pub target: String,
    /// Columns.
    pub columns: Vec<ColumnSummary>,
    /// People per class: name, members, non-members.
    pub classes: Vec<(String, Count, Count)>,
}

/// One column, without any of its values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnSummary {
    /// Name.
    pub name: String,
    /// Roles, for example `quasi-identifier`.
    pub role: String,
    /// Type of the cells.
    pub kind: String,
    /// Number of distinct values in both files.
    pub distinct: usize,
    /// Missing cells in both files.
    pub missing: Count,
    /// The model input it feeds, if any.
    pub input: Option<String>,
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InputFile {
    /// What it was used as.
    pub role: String,
    /// File name without its folder.
    pub file: String,
    /// SHA-256.
    pub sha256: Digest,
    /// Size in bytes.
    pub bytes: u64,
}

/// The policy in force.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PolicySummary {
    /// Name of the profile.
    pub profile: String,
    /// What an undetermined verdict does.
    pub undetermined: String,
    /// Limits, the profile's and the plan's.
    pub limits: Vec<LimitSummary>,
}

/// One limit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LimitSummary {
    /// Measure.
    pub measure: String,
    /// Limit.
    pub limit: f64,
    /// Why this limit.
    pub reason: String,
    /// `profile` or `plan`.
    pub origin: String,
}

/// What computed the numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Program {
    /// Version of privet.
    pub version: String,
    /// Version of ONNX Runtime, if one was loaded.
    pub runtime_version: String,
    /// Digest of the ONNX Runtime library.
    pub runtime_digest: Option<Digest>,
}

/// Time and place of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Envelope {
    /// Start in seconds since 1970-01-01 UTC.
    pub started: u64,
    /// Seconds per step.
    pub seconds: Vec<(String, f64)>,
    /// Threads.
    pub threads: usize,
    /// Operating system and architecture.
    pub platform: String,
    /// Where ONNX Runtime was found.
    pub runtime_path: String,
    /// The file about single records, if one was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_evidence: Option<EvidenceNote>,
}

/// That a file about single records was written, and what it holds. Nothing of the file itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvidenceNote {
    /// Name of the file without its folder.
    pub file: String,
    /// Digest of its content.
    pub sha256: Digest,
    /// What it holds.
    pub holds: String,
    /// What its reader must know.
    pub reading: String,
}

impl Assessment {
    /// The checks that did not run, by the reason, in the order of the first of each.
    pub fn skipped_by_reason(&self) -> Vec<SkippedTogether<'_>> {
        let mut together: Vec<SkippedTogether<'_>> = Vec::new();
        for Skipped { check, reason, remedy, .. } in &self.skipped {
            match together.iter_mut().find(|group| group.reason == reason && group.remedy == remedy) {
                Some(group) => group.checks.push(check),
                None => together.push(SkippedTogether { reason, remedy, checks: vec![check] }),
            }
        }
        together
    }

    /// The assessment without what differs between two runs: the subject of every comparison.
    #[must_use]
    pub fn without_envelope(&self) -> Self {
        Self { envelope: Envelope::default(), ..self.clone() }
    }
}
