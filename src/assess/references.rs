//! Reference models: models like the target of which it is known what they were trained on.

use std::path::{Path, PathBuf};

use super::AssessError;
use super::open::{self, Loaded};
use super::plan::ModelPlan;
use super::scores::flags;
use super::settings::Settings;
use super::summary::file_name;
use super::trainer::{self, TrainerPlan};
use super::training::Trained;
use crate::check::membership::{signal::Signal, survival::RiskModel};
use crate::check::{Reference, Truth};
use crate::data::{Reading, Split, Table, load_table};
use crate::model::Predictions;
use crate::model::runtime::Runtime;
use crate::stats::Level;
use crate::stats::roc::auc;
use crate::watch::{Event, Watch};

/// `[reference]`.
#[derive(Debug, Clone)]
pub enum ReferencePlan {
    /// Models that are there.
    Given {
        /// ONNX files.
        models: Vec<PathBuf>,
        /// A table with a column of ones and zeros per model: members first, then non-members, in file order. Nothing
        /// where the models are declared to have seen none of the records.
        masks: Option<PathBuf>,
    },
    /// Models that a program of the user's makes.
    Trained(TrainerPlan),
}

/// A model of which it is known what it was trained on.
pub(super) struct Known {
    path: PathBuf,
    name: String,
    /// How messages call its file.
    file: String,
    trained_on: (Vec<bool>, Vec<bool>),
}

impl Known {
    /// A model that was trained for this run.
    pub(super) fn of(trained: &Trained) -> Self {
        let name = format!("reference {}", trained.index);
        let trained_on = (trained.subset.members.clone(), trained.subset.nonmembers.clone());
        Self { path: trained.model.clone(), file: name.clone(), name, trained_on }
    }
}

/// The keys of `[reference]` that belong to models that are there.
const GIVEN: [&str; 3] = ["models", "masks", "disjoint"];
/// The step of a run in which reference models are asked.
pub(super) const STEP: &str = "references";

impl ReferencePlan {
    /// Reads `[reference]`.
    pub(super) fn of(s: &mut Settings, folder: &Path) -> Option<Self> {
        s.table("reference")?;
        s.only("reference", &[&GIVEN[..], &trainer::KEYS].concat());
        if s.has("reference", "command") {
            refuse(s, &GIVEN, |key| {
                let what = format!("`reference.command` and `reference.{key}` exclude each other");
                (what, "privet draws the records of models that it lets train, and knows their masks")
            });
            return TrainerPlan::of(s, folder).map(Self::Trained);
        }
        refuse(s, &trainer::KEYS, |key| {
            let what = format!("`reference.{key}` belongs to `reference.command`, which is not set");
            (what, "set `command`, or remove the setting")
        });
        let names = s.texts("reference", "models").unwrap_or_default();
        if names.is_empty() {
            s.complain(
                "reference.models",
                "`[reference]` names no `models`",
                "list ONNX files of models like the target, or set `command` to let your own program train some",
            );
        }
        let mut models = Vec::new();
        for name in names {
            let path = folder.join(&name);
            if !path.is_file() {
                let what = format!("`reference.models` names `{}`, which is no file", path.display());
                s.complain("reference.models", what, "paths are relative to the plan's folder");
            }
            models.push(path);
        }
        let masks = s.existing(folder, "reference", "masks");
        let disjoint = s.take("reference", "disjoint", "true or false", toml::Value::as_bool).unwrap_or(false);
        if disjoint == s.has("reference", "masks") {
            s.complain(
                "reference.masks",
                "`[reference]` must say what the models were trained on",
                "set `masks` to a table with a column of 1 and 0 per model, or `disjoint = true` where they saw none of the \
                 records; not both",
            );
        }
        Some(Self::Given { models, masks })
    }
}

/// Complains about keys of `[reference]` that do not go with the others.
fn refuse(s: &mut Settings, keys: &[&str], complaint: impl Fn(&str) -> (String, &'static str)) {
    for key in keys {
        if s.has("reference", key) {
            let (what, help) = complaint(key);
            s.complain(&format!("reference.{key}"), what, help);
        }
    }
}

/// The models that a plan names, with what it says they were trained on.
///
/// # Errors
/// When the masks cannot be read or do not fit the records.
pub(super) fn given(models: &[PathBuf], masks: Option<&Path>, split: &Split) -> Result<Vec<Known>, AssessError> {
    let table = match masks {
        Some(file) => Some(load_table(&[(file, "the mask file")], &Reading::default())?.remove(0)),
        None => None,
    };
    let known = |path: &PathBuf| {
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let trained_on = mask(&name, table.as_ref(), split)?;
        Ok(Known { path: path.clone(), name, file: file_name(path), trained_on })
    };
    models.iter().map(known).collect()
}

fn mask(name: &str, masks: Option<&Table>, split: &Split) -> Result<(Vec<bool>, Vec<bool>), AssessError> {
    let (n, m) = (split.members.len(), split.nonmembers.len());
    let mask = match masks {
        Some(table) if table.rows() != n + m => {
            return Err(AssessError::Mismatch {
                what: format!("the mask file has {} rows and there are {} records", table.rows(), n + m),
                help: "write one row per record: members first, then non-members, in file order".to_owned(),
            });
        }
        Some(table) => flags(table, name, "reference.masks")?,
        None => vec![false; n + m],
    };
    Ok((mask[..n].to_vec(), mask[n..].to_vec()))
}

/// Asks every model about every record.
///
/// # Errors
/// When a model does not fit the data or the target, or a mask does not fit the model's own answers.
pub(super) fn ask(
    known: Vec<Known>,
    target: &ModelPlan,
    split: &Split,
    runtime: &'static Runtime,
    watch: &dyn Watch,
) -> Result<Vec<Reference>, AssessError> {
    let total = known.len() as u64;
    let mut references = Vec::new();
    for (done, known) in known.into_iter().enumerate() {
        watch.on(&Event::Progress { step: STEP, done: done as u64, total });
        references.push(one(known, target, split, runtime, watch)?);
    }
    Ok(references)
}

fn one(
    known: Known,
    target: &ModelPlan,
    split: &Split,
    runtime: &'static Runtime,
    watch: &dyn Watch,
) -> Result<Reference, AssessError> {
    let Known { path, name, file, trained_on } = known;
    let opened = Loaded::open(&path, runtime)?;
    let plan = ModelPlan { path, accuracy: None, ..target.clone() };
    let (mut audited, _) = open::open(&plan, opened, split)?;
    open::ask(&mut audited, split, watch)?;
    let (Some(members), Some(nonmembers)) = (audited.members, audited.nonmembers) else {
        return Err(AssessError::Mismatch {
            what: "reference models need to know the records' outcomes".to_owned(),
            help: "set `[data] target`, or drop `[reference]`".to_owned(),
        });
    };
    let truths = (&members.truth, &nonmembers.truth);
    let reference = Reference { name, predictions: (members.predictions, nonmembers.predictions), trained_on };
    refuse_wrong_mask(&reference, truths, &file)?;
    Ok(reference)
}

/// The main signal of members and non-members; that of risk scores takes its baseline from what it was not trained on.
fn mask_scores(reference: &Reference, (a, b): (&Truth, &Truth), trained: &[bool]) -> Option<Vec<f64>> {
    let predictions = Predictions::concat(vec![reference.predictions.0.clone(), reference.predictions.1.clone()])?;
    let truth = match (&predictions, a.joined(b)?) {
        (Predictions::Risks(risks), Truth::Survival { times, events, .. }) => {
            let untrained: Vec<usize> = (0..trained.len()).filter(|&row| !trained[row]).collect();
            let model = RiskModel::fit(&untrained, risks, &times, &events);
            let hazards = Some(times.iter().map(|&time| model.hazard_at(time)).collect());
            Truth::Survival { times, events, hazards }
        }
        (_, truth) => truth,
    };
    Some(Signal::main(&predictions).scores(&predictions, &truth))
}

/// A model is surer of what it was trained on. One that is surer of the other records has its mask the wrong way round, or
/// its rows in another order.
pub(super) fn refuse_wrong_mask(
    reference: &Reference,
    (in_truth, out_truth): (&Truth, &Truth),
    file: &str,
) -> Result<(), AssessError> {
    let mask = [&reference.trained_on.0[..], &reference.trained_on.1[..]].concat();
    let Some(scores) = mask_scores(reference, (in_truth, out_truth), &mask) else { return Ok(()) };
    let of = |wanted: bool| -> Vec<f64> {
        scores.iter().zip(&mask).filter(|(_, trained)| **trained == wanted).map(|(score, _)| *score).collect()
    };
    let (trained, untrained) = (of(true), of(false));
    if trained.is_empty() || untrained.is_empty() {
        return Ok(());
    }
    let area = auc(&trained, &untrained, None, Level::P95);
    if area.n >= 100 && area.high < 0.49 {
        return Err(AssessError::Mismatch {
            what: format!(
                "the reference `{file}` is surer of the records that its mask says it was not trained on (area {:.3})",
                area.value
            ),
            help: "check that 1 means trained on, and that the rows of the masks are in the order of the records"
                .to_owned(),
        });
    }
    Ok(())
}
