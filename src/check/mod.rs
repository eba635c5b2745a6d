//! The checks: what privet measures. Layer row 3.
//!
//! One file per check, grouped by family; a check never imports another check. Each says what it measures in the same
//! headings (printed by `privet explain ID`) and must pass the generated tests below from its first commit: *null*,
//! *leaky*, *graded*, *deterministic*, *explained*.

pub mod blind;
pub mod dataset;
pub mod disclosure;
mod groups;
pub mod inversion;
pub mod membership;
mod records;
pub mod reidentification;
pub mod robustness;
mod settings;
#[cfg(test)]
mod specimen;
mod truth;

pub use truth::{Hazard, Truth};

use std::collections::BTreeMap;
use std::sync::Arc;

use thiserror::Error;

use crate::data::encode::Slot;
use crate::data::{DataError, Split};
use crate::finding::{Family, Finding};
use crate::model::contents::Contents;
use crate::model::{Inside, Metered, ModelError, ModelFamily, Predictions};
use crate::seed::Seed;
use crate::watch::Watch;

/// What a model answered about one set of records, and what would have been right.
pub struct Answers {
    /// The answers.
    pub predictions: Predictions,
    /// The truth.
    pub truth: Truth,
}

/// Where answers come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerSource {
    /// A model that can be asked more questions.
    Model,
    /// A file of recorded scores: what is not in it cannot be had.
    ScoreFile,
}

/// The model with its answers about the records, computed once and shared by all checks.
pub struct Audited {
    /// The model.
    pub target: Arc<Metered>,
    /// Where its answers come from.
    pub source: AnswerSource,
    /// The kind of learner that the file's operators show.
    pub family: ModelFamily,
    /// How columns become its inputs.
    pub slots: Vec<Slot>,
    /// Answers about members, if the data have a target column.
    pub members: Option<Answers>,
    /// Answers about non-members.
    pub nonmembers: Option<Answers>,
    /// What feeds the trees of the file, once a check asked for it.
    pub fed: disclosure::Fed,
}

/// The file of the model: what an attacker reads without asking the model anything.
pub struct ModelFile {
    /// What it stores.
    pub contents: Contents,
    /// The way to see what records look like inside the model; missing where no runtime was loaded.
    pub inside: Option<Inside>,
    /// What the previous version of the model stores, where the plan names one.
    pub previous: Option<Contents>,
}

/// A model like the target whose training records are known (a shadow model).
pub struct Reference {
    /// Its name: the file or the column group.
    pub name: String,
    /// Its answers about members and non-members.
    pub predictions: (Predictions, Predictions),
    /// Which members and which non-members it was trained on.
    pub trained_on: (Vec<bool>, Vec<bool>),
}

/// A model like the target that answered about records of its own, of which it is known which it was trained on.
pub struct Shadow {
    /// Answers about the records that it was trained on.
    pub members: Answers,
    /// Answers about records that it was not.
    pub nonmembers: Answers,
}

/// What one attack says about every record: larger is more like a member.
#[derive(Debug, Clone, PartialEq)]
pub struct AttackScores {
    /// Id of the check that made them.
    pub check: &'static str,
    /// Name for tables.
    pub name: String,
    /// Members first, then non-members, in file order.
    pub of_record: Vec<f64>,
    /// Whether it takes part in the choice of the strongest attack.
    pub entry: Entry,
    /// The same attack twice over, each time learned from another half of what it learns from (surrogates, references,
    /// training records); nothing where it learns nothing, or from too little.
    pub draws: Option<[Vec<f64>; 2]>,
}

/// Whether an attack takes part in the choice of the strongest one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// It does.
    Competes,
    /// It is shown for comparison with other tools and papers.
    ForReading,
}

/// What is known about a single record. For an evidence file that is written on request and read by few; no report has room
/// for it.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordRisk {
    /// Row in the pool: members first, then non-members, in file order.
    pub row: usize,
    /// Name of the attack that was chosen on the other half of the patients.
    pub attack: String,
    /// Its score in robust standard deviations over the median of the record's half, from -99 to 99: no number of the data.
    pub score: f64,
    /// Share of comparable non-members (one record a patient, its own patient left out) with a score at least as high,
    /// counting the record itself.
    pub p_value: f64,
    /// Share of members among records of such a score on the other half, for an attacker who expects one in two.
    pub posterior: f64,
    /// Whether it is among those who can be named; nothing for non-members and for records that do not stand for their
    /// patient.
    pub exposed: Option<bool>,
}

/// What a check hands over.
#[derive(Debug, Default)]
pub struct Output {
    /// What it says.
    pub findings: Vec<Finding>,
    /// The scores of its attacks, for the checks that follow.
    pub scores: Vec<AttackScores>,
    /// What it knows about single records.
    pub records: Vec<RecordRisk>,
}

impl FromIterator<Finding> for Output {
    fn from_iter<I: IntoIterator<Item = Finding>>(findings: I) -> Self {
        findings.into_iter().collect::<Vec<Finding>>().into()
    }
}

impl From<Vec<Finding>> for Output {
    fn from(findings: Vec<Finding>) -> Self {
        Self { findings, ..Self::default() }
    }
}

/// Everything a check may look at. Read-only.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// The data, if there are any.
    pub split: Option<&'a Split>,
    /// The model, if there is one.
    pub model: Option<&'a Audited>,
    /// The model's file, if it was read; it is there without data too.
    pub file: Option<&'a ModelFile>,
    /// Reference models, if there are any.
    pub references: &'a [Reference],
    /// A shadow model with records of its own, if there is one.
    pub shadow: Option<&'a Shadow>,
    /// What the attacks that ran before said about every record.
    pub scores: &'a [AttackScores],
    /// The root seed; a check derives streams by its own id.
    pub seed: Seed,
}

/// What a check cannot do without. The runner turns what is missing into a visible *skipped*.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// A model, or its recorded answers.
    Model,
    /// A model that can be asked more questions.
    Queries,
    /// The file of the model.
    File,
    /// Reference models.
    References,
    /// A shadow model with records of its own.
    Shadow,
    /// Scores of attacks that ran before.
    Scores,
    /// Records.
    Data,
    /// Records in a table.
    Table,
    /// A target column.
    Target,
    /// A model that says a class.
    Classification,
    /// A model that says one class or one number.
    OneOutcome,
    /// Sensitive columns.
    Sensitive,
    /// Quasi-identifiers.
    QuasiIdentifiers,
    /// The previous version of the model.
    Previous,
}

/// Constant facts about a check.
#[derive(Debug, Clone, Copy)]
pub struct CheckMeta {
    /// Id: family and file name, for example `membership/threshold`.
    pub id: &'static str,
    /// Title for a reader.
    pub title: &'static str,
    /// Family.
    pub family: Family,
    /// Ids of the measures it reports.
    pub measures: &'static [&'static str],
    /// The source file, whose module comment is the documentation.
    source: &'static str,
}

impl CheckMeta {
    /// The documentation: the module comment of the check's file.
    pub fn explanation(&self) -> String {
        let lines = self.source.lines().take_while(|line| line.starts_with("//!"));
        lines.map(|line| line.trim_start_matches("//!").trim_start()).collect::<Vec<_>>().join("\n")
    }

    /// The text under one heading of the documentation, as one paragraph.
    pub fn section(&self, heading: &str) -> String {
        let text = self.explanation();
        let mut lines = text.lines().skip_while(|line| line.trim_start_matches("# ") != heading);
        lines.next();
        lines.take_while(|line| !line.starts_with("# ")).collect::<Vec<_>>().join(" ").trim().to_owned()
    }
}

/// One way of attacking the model or measuring the data.
pub trait Check: Send + Sync {
    /// Constant facts.
    fn meta(&self) -> &'static CheckMeta;
    /// What it cannot do without.
    fn needs(&self) -> &'static [Need];
    /// Whether its settings fit the data: asked of all checks before the first one runs.
    ///
    /// # Errors
    /// When a setting names what the data do not have.
    fn fits(&self, _: &Subject<'_>) -> Result<(), CheckError> {
        Ok(())
    }
    /// Runs.
    ///
    /// # Errors
    /// When the model or the data cannot be used as the check needs it.
    fn run(&self, subject: &Subject<'_>, watch: &dyn Watch) -> Result<Output, CheckError>;
}

/// Why a check could not finish.
#[derive(Debug, Error)]
pub enum CheckError {
    /// The model.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The data.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The check does not apply after all.
    #[error("{reason}")]
    NotApplicable {
        /// Why.
        reason: String,
        /// What to do.
        remedy: String,
    },
}

/// The settings of a check as a plan gives them.
pub type Settings = toml::Table;

/// The list of checks. A check is one file and one line here.
macro_rules! checks {
    ($($family:ident :: $file:ident :: $type:ident),+ $(,)?) => {
        /// Every check with the given settings; a check that is not named has its defaults.
        ///
        /// # Errors
        /// The id and the complaint, for settings that a check does not understand.
        pub fn all(settings: &BTreeMap<String, Settings>) -> Result<Vec<Box<dyn Check>>, Vec<(String, String)>> {
            let mut checks: Vec<Box<dyn Check>> = Vec::new();
            let mut complaints = Vec::new();
            $({
                let meta = &$family::$file::META;
                let given = settings.get(meta.id).cloned().unwrap_or_default();
                match toml::Value::Table(given).try_into::<$family::$file::$type>() {
                    Ok(check) => checks.push(Box::new(check)),
                    Err(error) => complaints.push((meta.id.to_owned(), settings::complaint(&error))),
                }
            })+
            if complaints.is_empty() { Ok(checks) } else { Err(complaints) }
        }

        /// The constant facts of every check, in the order in which they run.
        pub const METAS: &[&CheckMeta] = &[$(&$family::$file::META),+];

        #[cfg(test)]
        mod generated {
            $(mod $file {
                use crate::check::specimen;
                use crate::check::$family::$file::$type as Subject;
                #[test] fn null() { specimen::null::<Subject>() }
                #[test] fn leaky() { specimen::leaky::<Subject>() }
                #[test] fn graded() { specimen::graded::<Subject>() }
                #[test] fn deterministic() { specimen::deterministic::<Subject>() }
                #[test] fn explained() { specimen::explained::<Subject>() }
            })+
        }
    };
}

checks! {
    dataset::split_integrity::SplitIntegrity,
    dataset::column_shift::ColumnShift,
    dataset::identifiers::Identifiers,
    membership::threshold::Threshold,
    membership::surrogate_calibrated::SurrogateCalibrated,
    membership::quantile::Quantile,
    membership::worst_case::WorstCase,
    membership::calibrated::Calibrated,
    membership::likelihood_ratio::LikelihoodRatio,
    membership::rmia::Rmia,
    membership::tail::Tail,
    membership::label_only::LabelOnly,
    membership::partial_record::PartialRecord,
    membership::transfer::Transfer,
    membership::whole_patient::WholePatient,
    membership::strongest::Strongest,
    membership::permutation::Permutation,
    membership::subgroups::Subgroups,
    membership::exposed_records::ExposedRecords,
    membership::epsilon::Epsilon,
    membership::matched::Matched,
    disclosure::stored_rows::StoredRows,
    disclosure::stored_strings::StoredStrings,
    disclosure::column_extremes::ColumnExtremes,
    inversion::attribute_inference::AttributeInference,
    inversion::informed_reconstruction::InformedReconstruction,
    inversion::version_difference::VersionDifference,
    inversion::extraction::Extraction,
    inversion::reconstruction::Reconstruction,
    disclosure::leaf_occupancy::LeafOccupancy,
    disclosure::threshold_provenance::ThresholdProvenance,
    disclosure::implied_cells::ImpliedCells,
    disclosure::verbatim_outcomes::VerbatimOutcomes,
    reidentification::k_anonymity::KAnonymity,
    reidentification::uniqueness::Uniqueness,
    reidentification::record_risk::RecordRisk,
    reidentification::attribute_disclosure::AttributeDisclosure,
    reidentification::population_uniqueness::PopulationUniqueness,
    reidentification::individual_risk::IndividualRisk,
    reidentification::special_uniques::SpecialUniques,
    reidentification::column_search::ColumnSearch,
    reidentification::unicity::Unicity,
    reidentification::linkage::Linkage,
    reidentification::output_classes::OutputClasses,
    robustness::natural_noise::NaturalNoise,
    robustness::adversarial::Adversarial,
}
