//! The plan: what a user writes, checked as a whole before anything is loaded.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::assessment::Stage;
use super::policy::{PROFILES, Policy, Undetermined};
pub use super::references::ReferencePlan;
pub use super::scores::ScoresPlan;
pub use super::settings::Mistake;
use super::settings::Settings;
use super::{roles, target, threats};
use crate::check;
use crate::data::{Arrays, Kind, Limits, Reading, Schema, Source};
use crate::finding::Family;
use crate::model::{Output, Task};

/// A plan that cannot be used.
#[derive(Debug, Error)]
pub enum PlanError {
    /// The file cannot be read.
    #[error("reading the plan `{file}`: {source}")]
    Io {
        /// The file.
        file: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// The file holds mistakes.
    #[error("the plan `{file}` has {count}:{list}", count = count(.mistakes.len()), list = List(.mistakes))]
    Mistakes {
        /// The file.
        file: PathBuf,
        /// All of them, by line.
        mistakes: Vec<Mistake>,
    },
}

impl PlanError {
    /// The next action.
    pub fn help(&self) -> String {
        match self {
            Self::Io { .. } => "check the path; `assessments/` holds plans to copy".to_owned(),
            Self::Mistakes { .. } => "mend the lines above; `assessments/` holds plans to copy".to_owned(),
        }
    }
}

fn count(mistakes: usize) -> String {
    if mistakes == 1 { "a mistake".to_owned() } else { format!("{mistakes} mistakes") }
}

struct List<'a>(&'a [Mistake]);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for mistake in self.0 {
            let place = if mistake.line == 0 { String::new() } else { format!("line {}: ", mistake.line) };
            write!(f, "\n  {place}{}; {}", mistake.what, mistake.help)?;
        }
        Ok(())
    }
}

/// The model a plan names.
#[derive(Debug, Clone, Default)]
pub struct ModelPlan {
    /// The ONNX file.
    pub path: PathBuf,
    /// `task`.
    pub task: Option<Task>,
    /// `output`.
    pub output: Option<Output>,
    /// `scores`.
    pub scores: Option<String>,
    /// `classes`.
    pub classes: Option<Vec<String>>,
    /// `features`.
    pub features: Option<Vec<String>>,
    /// `times`: the grid of survival curves.
    pub times: Option<Vec<f64>>,
    /// `previous`: the ONNX file of the version before, whose recipients get this one, too.
    pub previous: Option<PathBuf>,
    /// `accuracy` on members, as its owner states it.
    pub accuracy: Option<f64>,
}

/// The data a plan names.
#[derive(Debug, Clone)]
pub struct DataPlan {
    /// Where the records are.
    pub source: Source,
    /// Roles of the columns.
    pub schema: Schema,
    /// How to read the files.
    pub reading: Reading,
    /// Arrays of an archive.
    pub arrays: Arrays,
}

/// A check that the plan switches off, with the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disabled {
    /// Id.
    pub check: String,
    /// Reason.
    pub reason: String,
}

/// A valid plan.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The file it came from.
    pub file: PathBuf,
    /// `assessment.name`.
    pub name: String,
    /// `assessment.purpose`.
    pub purpose: String,
    /// `assessment.requested_by`.
    pub requested_by: String,
    /// `assessment.stage`.
    pub stage: Stage,
    /// `assessment.seed`.
    pub seed: u64,
    /// `assessment.output`.
    pub output: PathBuf,
    /// The model, if any.
    pub model: Option<ModelPlan>,
    /// The data, if any.
    pub data: Option<DataPlan>,
    /// Recorded scores instead of model and data, if any.
    pub scores: Option<ScoresPlan>,
    /// Reference models, if any.
    pub reference: Option<ReferencePlan>,
    /// The policy in force.
    pub policy: Policy,
    /// Settings of checks.
    pub checks: BTreeMap<String, check::Settings>,
    /// Checks switched off.
    pub disabled: Vec<Disabled>,
}

/// The setting under which checks get the table `[robustness]`.
const RULES: &str = "rules";
const TABLES: [&str; 11] = [
    "assessment",
    "model",
    "data",
    "columns",
    threats::TABLE,
    "robustness",
    "scores",
    "reference",
    "policy",
    "limits",
    "checks",
];
const STAGES: [&str; 6] = ["design", "train", "validate", "release", "monitor", "retire"];

impl Plan {
    /// Reads and checks a plan.
    ///
    /// # Errors
    /// When the file cannot be read, or holds mistakes: then all of them, by line.
    pub fn load(file: &Path) -> Result<Self, PlanError> {
        let text = std::fs::read_to_string(file).map_err(|source| PlanError::Io { file: file.into(), source })?;
        Self::parse(file, &text).map_err(|mut mistakes| {
            mistakes.sort();
            PlanError::Mistakes { file: file.into(), mistakes }
        })
    }

    fn parse(file: &Path, text: &str) -> Result<Self, Vec<Mistake>> {
        let mut settings = Settings::parse(text)?;
        let folder = file.parent().unwrap_or(Path::new("")).to_path_buf();
        let s = &mut settings;
        s.only("", &TABLES);
        for table in s.keys("") {
            if s.table(&table).is_none() {
                s.complain(
                    &table,
                    format!("`{table}` must be a table"),
                    format!("write `[{table}]` on a line of its own"),
                );
            }
        }
        s.only("columns", &["identifiers", "quasi_identifiers", "sensitive", "hierarchies", "leave_out", "types"]);
        s.only("assessment", &["name", "purpose", "requested_by", "stage", "seed", "output"]);
        let stem = file.file_stem().map_or("assessment".to_owned(), |stem| stem.to_string_lossy().into_owned());
        let name = s.text("assessment", "name").unwrap_or(stem);
        let output = s.text("assessment", "output").map_or_else(|| Path::new("../reports").join(&name), PathBuf::from);
        let plan = Self {
            file: file.to_owned(),
            purpose: s.text("assessment", "purpose").unwrap_or_default(),
            requested_by: s.text("assessment", "requested_by").unwrap_or_default(),
            stage: s.word("assessment", "stage", &STAGES).unwrap_or(Stage::Release),
            seed: s.whole("assessment", "seed").unwrap_or(0),
            output: folder.join(output),
            model: model_plan(s, &folder),
            data: data_plan(s, &folder),
            scores: scores_plan(s, &folder),
            reference: reference_plan(s, &folder),
            policy: policy_plan(s),
            disabled: Vec::new(),
            checks: BTreeMap::new(),
            name,
        };
        let task = plan.model.as_ref().and_then(|model| model.task);
        if let Some(data) = &plan.data {
            target::fit(s, task, data.schema.target.as_ref());
        }
        let (checks, disabled) = checks_plan(s, &folder);
        refuse_limits_of(s, &disabled);
        if plan.model.is_none() && plan.data.is_none() && plan.scores.is_none() && s.mistakes.is_empty() {
            s.complain(
                "",
                "the plan names neither a model nor data nor scores",
                "set `[model] path`, `[data] members` and `nonmembers`, or both; or `[scores]` for recorded scores",
            );
        }
        if s.mistakes.is_empty() { Ok(Self { checks, disabled, ..plan }) } else { Err(settings.mistakes) }
    }
}

/// A limit that the plan sets on a check that it switches off would never be judged.
fn refuse_limits_of(s: &mut Settings, disabled: &[Disabled]) {
    for measure in s.keys("limits") {
        let off = disabled.iter().find(|off| {
            check::METAS.iter().any(|meta| meta.id == off.check && meta.measures.contains(&measure.as_str()))
        });
        if let Some(off) = off {
            s.complain(
                &format!("limits.{measure}"),
                format!("`limits.\"{measure}\"` is set and `{}`, which measures it, is switched off", off.check),
                "remove one of the two",
            );
        }
    }
}

fn model_plan(s: &mut Settings, folder: &Path) -> Option<ModelPlan> {
    s.only("model", &["path", "task", "output", "scores", "classes", "features", "times", "accuracy", "previous"]);
    s.table("model")?;
    if !s.has("model", "path") {
        s.complain(
            "model.path",
            "`[model]` has no `path`",
            "name the ONNX file, or drop `[model]` to assess data alone",
        );
    }
    let accuracy = s.number("model", "accuracy");
    if accuracy.is_some_and(|accuracy| !(0.0..=1.0).contains(&accuracy)) {
        s.complain("model.accuracy", "`model.accuracy` must be from 0 to 1", "write 0.85 for 85 %");
    }
    Some(ModelPlan {
        path: s.existing(folder, "model", "path").unwrap_or_default(),
        task: s.word("model", "task", &["classification", "regression", "multi-label", "survival"]),
        output: s.word("model", "output", &["probabilities", "logits", "value", "label"]),
        scores: s.text("model", "scores"),
        classes: s.take("model", "classes", "a list of labels", label_list),
        features: s.texts("model", "features"),
        times: target::times(s),
        previous: s.existing(folder, "model", "previous"),
        accuracy,
    })
}

/// Labels as texts, whatever type they were written in.
fn label_list(value: &toml::Value) -> Option<Vec<String>> {
    let label = |item: &toml::Value| match item {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(flag) => Some(flag.to_string()),
        toml::Value::Float(number) => Some(number.to_string()),
        _ => None,
    };
    value.as_array().filter(|items| items.len() > 1)?.iter().map(label).collect()
}

const DATA_KEYS: [&str; 15] = [
    "members",
    "nonmembers",
    "members_labels",
    "nonmembers_labels",
    "records",
    "split",
    "member",
    "nonmember",
    "target",
    "patient",
    "separator",
    "missing",
    "max_bytes",
    "array",
    "labels",
];

fn data_plan(s: &mut Settings, folder: &Path) -> Option<DataPlan> {
    s.only("data", &DATA_KEYS);
    s.table("data")?;
    let source = source_plan(s, folder)?;
    let separator = s.take("data", "separator", "a single character", |value| {
        value.as_str().filter(|text| text.len() == 1).map(|text| text.as_bytes()[0])
    });
    let limits = s.whole("data", "max_bytes").map_or(Limits::default(), |bytes| Limits { bytes });
    let types = column_types(s);
    let schema = Schema {
        patient: s.text("data", "patient"),
        target: target::target(s),
        split: s.text("data", "split"),
        ..column_roles(s, folder)
    };
    roles::check(s, &schema);
    let missing = s.texts("data", "missing").unwrap_or_default();
    let arrays = Arrays { features: s.text("data", "array"), labels: s.text("data", "labels") };
    Some(DataPlan { source, schema, reading: Reading { separator, missing, kinds: types, limits }, arrays })
}

/// The roles that `[columns]` and `[threats]` give.
fn column_roles(s: &mut Settings, folder: &Path) -> Schema {
    Schema {
        identifiers: s.texts("columns", "identifiers").unwrap_or_default(),
        quasi_identifiers: threats::threats(s, folder),
        sensitive: s.texts("columns", "sensitive").unwrap_or_default(),
        hierarchies: hierarchies(s, folder),
        leave_out: s.texts("columns", "leave_out").unwrap_or_default(),
        ..Schema::default()
    }
}

/// The files that `[columns.hierarchies]` gives.
fn hierarchies(s: &mut Settings, folder: &Path) -> Vec<(String, PathBuf)> {
    const TABLE: &str = "columns.hierarchies";
    if s.has("columns", "hierarchies") && s.table(TABLE).is_none() {
        s.complain(
            TABLE,
            format!("`{TABLE}` must be a table of files"),
            "write `diagnosis = \"hierarchy.csv\"` below it",
        );
    }
    let columns = s.keys(TABLE).into_iter();
    columns.filter_map(|column| Some((column.clone(), s.existing(folder, TABLE, &column)?))).collect()
}

/// The types that `[columns.types]` gives.
fn column_types(s: &mut Settings) -> BTreeMap<String, Kind> {
    let kinds =
        s.take("columns", "types", "a table of column types", |value| value.as_table().cloned()).unwrap_or_default();
    let mut types = BTreeMap::new();
    for (column, kind) in kinds {
        if let Ok(kind) = kind.try_into::<Kind>() {
            types.insert(column, kind);
        } else {
            let path = format!("columns.types.{column}");
            s.complain(
                &path,
                format!("`{path}` must be a column type"),
                "use \"text\", \"integer\", \"float\" or \"bool\"",
            );
        }
    }
    types
}

fn scores_plan(s: &mut Settings, folder: &Path) -> Option<ScoresPlan> {
    s.table("scores")?;
    for table in ["model", "data", "reference"] {
        if s.table(table).is_some() {
            s.complain(
                table,
                format!("`[{table}]` and `[scores]` exclude each other"),
                "recorded scores stand for model, data and references",
            );
        }
    }
    let roles = column_roles(s, folder);
    let mut plan = ScoresPlan::of(s, folder, &roles)?;
    plan.reading.kinds = column_types(s);
    Some(plan)
}

fn reference_plan(s: &mut Settings, folder: &Path) -> Option<ReferencePlan> {
    s.table("reference")?;
    if s.table("model").is_none() || s.table("data").is_none() {
        s.complain("reference", "`[reference]` needs `[model]` and `[data]`", "set both, or drop `[reference]`");
    }
    ReferencePlan::of(s, folder)
}

fn source_plan(s: &mut Settings, folder: &Path) -> Option<Source> {
    let (one, two) = (s.has("data", "records"), s.has("data", "members") || s.has("data", "nonmembers"));
    if one && two {
        s.complain(
            "data.records",
            "`data.records` and `data.members` exclude each other",
            "give two files, or one with a split column",
        );
        return None;
    }
    let mut need = |key: &str, help: &str| {
        if !s.has("data", key) {
            s.complain(&format!("data.{key}"), format!("`[data]` has no `{key}`"), help);
        }
    };
    if one {
        need("split", "name the column that says member or non-member");
        need("member", "give the value of the split column for members");
        need("nonmember", "give the value of the split column for non-members");
        return Some(Source::One {
            records: s.existing(folder, "data", "records")?,
            member: s.take("data", "member", "a value", label)?,
            nonmember: s.take("data", "nonmember", "a value", label)?,
        });
    }
    need("members", "name the file of records the model was trained on");
    need("nonmembers", "name the file of records it was not trained on");
    let labels = match (s.has("data", "members_labels"), s.has("data", "nonmembers_labels")) {
        (false, false) => None,
        (true, true) => {
            Some((s.existing(folder, "data", "members_labels")?, s.existing(folder, "data", "nonmembers_labels")?))
        }
        _ => {
            s.complain(
                "data.members_labels",
                "labels are named for one set only",
                "set both `members_labels` and `nonmembers_labels`",
            );
            None
        }
    };
    let members = s.existing(folder, "data", "members");
    let nonmembers = s.existing(folder, "data", "nonmembers");
    Some(Source::Two { members: members?, nonmembers: nonmembers?, labels })
}

fn label(value: &toml::Value) -> Option<String> {
    label_list(&toml::Value::Array(vec![value.clone(), value.clone()])).and_then(|mut labels| labels.pop())
}

fn policy_plan(s: &mut Settings) -> Policy {
    s.only("policy", &["profile", "undetermined"]);
    let profile = s.text("policy", "profile").unwrap_or_else(|| PROFILES[0].to_owned());
    let mut policy = Policy::profile(&profile).unwrap_or_else(|| {
        s.complain(
            "policy.profile",
            format!("`policy.profile` is no known profile: `{profile}`"),
            format!("known: {}", PROFILES.join(", ")),
        );
        Policy { profile, undetermined: Undetermined::Fail, limits: Vec::new() }
    });
    policy.undetermined = s.word("policy", "undetermined", &["fail", "warn"]).unwrap_or(Undetermined::Fail);
    let known: Vec<&str> = check::METAS.iter().flat_map(|meta| meta.measures).copied().collect();
    s.only("limits", &known);
    for measure in s.keys("limits") {
        match s.number("limits", &measure) {
            Some(limit) if limit.is_finite() => policy.set(&measure, limit),
            Some(_) => s.complain(
                &format!("limits.{measure}"),
                format!("`limits.\"{measure}\"` must be a finite number"),
                "to drop a limit, switch its check off with a reason",
            ),
            None => {}
        }
    }
    policy
}

fn checks_plan(s: &mut Settings, folder: &Path) -> (BTreeMap<String, check::Settings>, Vec<Disabled>) {
    let known: Vec<&str> = check::METAS.iter().map(|meta| meta.id).collect();
    s.only("checks", &known);
    let mut settings = BTreeMap::new();
    let mut disabled = Vec::new();
    for id in s.keys("checks").into_iter().filter(|id| known.contains(&id.as_str())) {
        let path = format!("checks.{id}");
        let Some(mut given) = s.value("checks", &id).and_then(toml::Value::as_table).cloned() else {
            s.complain(
                &path,
                format!("`{path}` must be a table"),
                format!("write `[checks.\"{id}\"]` on a line of its own"),
            );
            continue;
        };
        let enabled = given.remove("enabled").is_none_or(|value| value.as_bool() != Some(false));
        let reason = given.remove("reason").and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default();
        if !enabled && reason.trim().is_empty() {
            s.complain(
                &path,
                format!("`{path}` is switched off without a `reason`"),
                "a check that does not run needs a reason in the report",
            );
        } else if !enabled {
            disabled.push(Disabled { check: id.clone(), reason });
        }
        // Paths are relative to the plan, those in the settings of a check too.
        if let Some(toml::Value::String(file)) = given.get_mut("zip3_file") {
            *file = folder.join(&*file).to_string_lossy().into_owned();
        }
        settings.insert(id, given);
    }
    robustness_plan(s, &mut settings);
    if let Err(complaints) = check::all(&settings) {
        for (id, complaint) in complaints {
            s.complain(
                &format!("checks.{id}"),
                format!("`checks.\"{id}\"`: {complaint}"),
                format!("see `privet explain {id}`"),
            );
        }
    }
    (settings, disabled)
}

/// The table `[robustness]` goes to every check of the family; what is wrong with it is said once.
fn robustness_plan(s: &mut Settings, settings: &mut BTreeMap<String, check::Settings>) {
    let of_family = check::METAS.iter().filter(|meta| meta.family == Family::Robustness);
    let ids: Vec<&str> = of_family.map(|meta| meta.id).collect();
    for id in &ids {
        if settings.get_mut(*id).is_some_and(|given| given.remove(RULES).is_some()) {
            s.complain(
                &format!("checks.{id}"),
                format!("`{RULES}` is no setting of `{id}`"),
                "write the rules about columns under `[robustness]`, for all checks of the family",
            );
        }
    }
    let Some(rules) = s.table("robustness").cloned() else { return };
    match check::robustness::Rules::of(&rules) {
        Ok(_) => {
            for id in ids {
                settings.entry(id.to_owned()).or_default().insert(RULES.to_owned(), rules.clone().into());
            }
        }
        Err(complaint) => s.complain(
            "robustness",
            format!("`[robustness]`: {complaint}"),
            "see the README, \"Robustness\", for what the table takes",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Attacker, Population, ThreatModel};

    fn mistakes(text: &str) -> Vec<Mistake> {
        let mut mistakes = Plan::parse(Path::new("plan.toml"), text).map(|_| ()).unwrap_err();
        mistakes.sort();
        mistakes
    }

    #[test]
    fn five_mistakes_in_one_go_with_their_lines() {
        let text = "[assessment]\nnmae = \"x\"\nseed = -1\n[model]\npath = \"none.onnx\"\n[limits]\n\"membership/auk\" = 0.5\n[checks.\"membership/threshold\"]\nenabled = false\n";
        let lines: Vec<usize> = mistakes(text).iter().map(|mistake| mistake.line).collect();
        assert_eq!(lines, [2, 3, 5, 7, 8]);
    }

    #[test]
    fn misspelt_keys_are_recognised() {
        assert_eq!(mistakes("[assessment]\nnmae = \"x\"\n[model]\npaht = \"y\"\n").len(), 3);
        assert!(mistakes("[policy]\nprofil = \"hipaa\"\n")[0].help.contains("`profile`"));
    }

    #[test]
    fn no_toml_at_all() {
        assert!(mistakes("this is no plan").iter().all(|mistake| mistake.what.starts_with("not valid TOML")));
    }

    #[test]
    fn rules_about_columns_reach_every_check_of_robustness() {
        let text = "[model]\npath = \"plan.toml\"\n[robustness]\nmeasurement_error = { a = 2.0 }\n";
        let parsed =
            Plan::parse(Path::new("plan.toml"), &text.replace("path = \"plan.toml\"", "path = \"Cargo.toml\""));
        let plan = parsed.expect("a file that is there");
        for id in ["robustness/natural-noise", "robustness/adversarial"] {
            assert!(plan.checks[id][RULES].get("measurement_error").is_some(), "{id}");
        }
        let wrong = mistakes(&text.replace("2.0", "-2.0"));
        assert_eq!(wrong.iter().filter(|mistake| mistake.what.contains("must be above 0")).count(), 1, "{wrong:?}");
        assert!(wrong.iter().any(|mistake| mistake.line == 3), "{wrong:?}");
        let twice = mistakes("[checks.\"robustness/adversarial\"]\nrules = { }\n");
        assert!(twice.iter().any(|mistake| mistake.help.contains("[robustness]")), "{twice:?}");
    }

    /// Every contradiction of two roles, and every name that is given twice, at the line of the setting.
    #[test]
    fn columns_with_roles_that_exclude_each_other_are_refused() {
        let plan = |data: &str, columns: &str| {
            format!("[data]\nmembers = \"Cargo.toml\"\nnonmembers = \"Cargo.toml\"\n{data}\n[columns]\n{columns}\n")
        };
        for (data, columns, said) in [
            ("target = \"y\"\npatient = \"y\"", "", "is the patient (`data.patient`) and the target (`data.target`)"),
            ("target = \"y\"", "identifiers = [\"y\"]", "is the target (`data.target`) and the identifier"),
            (
                "patient = \"p\"",
                "quasi_identifiers = [\"a\", \"p\"]",
                "is the patient (`data.patient`) and the quasi-identifier",
            ),
            ("patient = \"p\"", "sensitive = [\"p\"]", "and the sensitive (`columns.sensitive`)"),
            ("target = [\"x\", \"y\"]", "leave_out = [\"y\"]", "and the left out (`columns.leave_out`)"),
            ("", "sensitive = [\"a\", \"b\", \"a\"]", "`columns.sensitive` names `a` twice"),
        ] {
            let found = mistakes(&plan(data, columns));
            assert!(found.iter().any(|mistake| mistake.what.contains(said) && mistake.line > 3), "{said}: {found:?}");
        }
        let allowed = plan(
            "target = \"y\"\npatient = \"p\"",
            "identifiers = [\"p\"]\nsensitive = [\"y\"]\nquasi_identifiers = [\"a\", \"y\"]",
        );
        assert!(Plan::parse(Path::new("plan.toml"), &allowed).is_ok());
    }

    fn threats(text: &str) -> Vec<ThreatModel> {
        let data = "[data]\nmembers = \"Cargo.toml\"\nnonmembers = \"Cargo.toml\"\n";
        let plan = Plan::parse(Path::new("plan.toml"), &format!("{data}{text}")).expect("a right plan");
        plan.data.expect("data").schema.quasi_identifiers
    }

    #[test]
    fn short_and_long_forms_of_threats() {
        let plain = threats("[columns]\nquasi_identifiers = [\"age\", \"sex\"]\n");
        assert_eq!(plain, [ThreatModel::of("", &["age", "sex"])]);
        let both = threats(
            "[columns.quasi_identifiers]\nnear = [\"age\"]\n[threats.near]\nfraction = 0.1\n[threats.far]\ncolumns = [\"sex\"]\n\
             attacker = \"journalist\"\npopulation = 317238626\nattempt = 0.05\nweights = \"w\"\nhouseholds = \"h\"\n",
        );
        let near = ThreatModel { population: Some(Population::Fraction(0.1)), ..ThreatModel::of("near", &["age"]) };
        let far = ThreatModel {
            attacker: Attacker::Journalist,
            population: Some(Population::Size(317_238_626)),
            attempt: 0.05,
            weights: Some("w".to_owned()),
            households: Some("h".to_owned()),
            ..ThreatModel::of("far", &["sex"])
        };
        assert_eq!(both, [near, far]);
        let register = threats("[threats.a]\ncolumns = [\"x\"]\npopulation = \"Cargo.lock\"\n");
        assert_eq!(register[0].population, Some(Population::Register("Cargo.lock".into())));
        let margins = threats("[threats.a]\ncolumns = [\"x\"]\npopulation = { margins = \"Cargo.lock\" }\n");
        assert_eq!(margins[0].population, Some(Population::Margins("Cargo.lock".into())));
        assert_eq!(margins[0].population_file(), Some(Path::new("Cargo.lock")));
    }

    #[test]
    fn an_attackers_file_has_names_of_its_own() {
        let text = "[threats.a]\ncolumns = [\"age\", \"zip\"]\nauxiliary = \"Cargo.lock\"\nmatch = { zip = \"post code\" }\n\
                    truth = { id = \"number\" }\n";
        let auxiliary = threats(text)[0].auxiliary.clone().expect("a file");
        assert_eq!(auxiliary.columns, ["age", "post code"]);
        assert_eq!(auxiliary.truth, Some(("id".to_owned(), "number".to_owned())));
        let wrong = "[data]\nmembers = \"Cargo.toml\"\nnonmembers = \"Cargo.toml\"\n[threats.a]\ncolumns = [\"age\"]\n\
                     auxiliary = \"none.csv\"\nmatch = { zip = \"plz\" }\ntruth = { age = \"age\" }\n[threats.b]\n\
                     columns = [\"age\"]\ntruth = { id = \"id\" }\n[threats.c]\ncolumns = [\"age\"]\nmatch = 3\n";
        let lines: Vec<usize> = mistakes(wrong).iter().map(|mistake| mistake.line).collect();
        assert_eq!(lines, [6, 7, 8, 11, 14, 14]);
    }

    #[test]
    fn mistakes_about_threats_have_their_lines() {
        let text = "[data]\nmembers = \"Cargo.toml\"\nnonmembers = \"Cargo.toml\"\n[threats.a]\ncolumns = [\"x\", \"x\"]\n\
                    attempt = 2\npopulation = 0\nattacker = \"spy\"\n[threats.b]\nfraction = 0.0\nwho = \"x\"\n[threats.c]\n\
                    columns = [\"x\"]\npopulation = \"none.csv\"\nfraction = 0.1\n[threats.d]\ncolumns = [\"x\"]\n\
                    population = { margin = 3 }\n[threats.e]\ncolumns = [\"people\"]\n\
                    population = { margins = \"Cargo.toml\" }\n";
        let lines: Vec<usize> = mistakes(text).iter().map(|mistake| mistake.line).collect();
        assert_eq!(lines, [5, 6, 7, 8, 9, 10, 11, 14, 15, 18, 18, 21]);
    }
}
