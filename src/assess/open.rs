//! Opening the model for the records at hand: binds columns to inputs, works out what the outputs mean, asks about every
//! record once.

use std::path::Path;
use std::sync::Arc;

use super::AssessError;
use super::assessment::Inference;
use super::plan::ModelPlan;
use super::target;
use crate::check::disclosure::Fed;
use crate::check::{AnswerSource, Answers, Audited, Truth};
use crate::data::encode::{Slot, codes, tensors};
use crate::data::{Cells, Features, Outcome, Records, Split, Target};
use crate::finding::Count;
use crate::model::graph::Graph;
use crate::model::runtime::Runtime;
use crate::model::{Hints, Metered, ModelError, ModelFamily, OnnxModel, Reading, Task, binding, class_of};
use crate::tensor::Tensor;
use crate::watch::Watch;

/// Records of each set that are shown to the model to learn what its outputs mean.
const PROBE: usize = 256;
/// The step of a run in which the model is asked about all records.
pub(super) const ANSWERS: &str = "answers";

/// A model file, parsed and ready to be asked.
pub(super) struct Loaded {
    pub(super) graph: Graph,
    model: OnnxModel,
}

impl Loaded {
    pub(super) fn open(path: &Path, runtime: &'static Runtime) -> Result<Self, AssessError> {
        let (graph, bytes) = Graph::load(path)?;
        Self::of(path, graph, bytes, runtime)
    }

    pub(super) fn of(
        path: &Path,
        graph: Graph,
        bytes: Vec<u8>,
        runtime: &'static Runtime,
    ) -> Result<Self, AssessError> {
        let model = OnnxModel::open(path, &graph, bytes, runtime)?;
        Ok(Self { graph, model })
    }
}

/// Binds a model's inputs to the columns of the data and works out what its outputs mean.
pub(super) fn open(
    plan: &ModelPlan,
    Loaded { graph, model }: Loaded,
    split: &Split,
) -> Result<(Audited, Vec<Inference>), AssessError> {
    let graph = &graph;
    let slots = slots(graph, split, plan)?;
    let mut inferred: Vec<Inference> = slots.iter().filter_map(renamed).collect();
    let hints = hints(plan, split);
    if let (None, Some(task)) = (plan.task, hints.task) {
        let from = "the form of `[data] target`".to_owned();
        inferred.push(Inference { setting: "model.task".to_owned(), value: task.name().to_owned(), from });
    }
    let batch = binding::batch(graph);
    let (reading, notes) = probe(&model, graph, &slots, split, &hints, batch)?;
    inferred.extend(notes.into_iter().map(|(setting, value, from)| Inference { setting, value, from }));
    let target = Arc::new(Metered::new(model.understood(reading, batch)));
    let family = ModelFamily::of(graph);
    let source = AnswerSource::Model;
    Ok((Audited { target, source, family, slots, members: None, nonmembers: None, fed: Fed::default() }, inferred))
}

/// Asks about every record of both sets, where their outcomes are known.
pub(super) fn ask(audited: &mut Audited, split: &Split, watch: &dyn Watch) -> Result<(), AssessError> {
    if let (Some(a), Some(b)) = (&split.members.target, &split.nonmembers.target) {
        let outcome = split.schema.target.as_ref();
        let truths = (truth(a, outcome, audited, "member")?, truth(b, outcome, audited, "non-member")?);
        check_labels(&truths)?;
        audited.members = Some(answers(audited, &split.members, truths.0, watch)?);
        audited.nonmembers = Some(answers(audited, &split.nonmembers, truths.1, watch)?);
    }
    Ok(())
}

fn slots(graph: &Graph, split: &Split, plan: &ModelPlan) -> Result<Vec<Slot>, AssessError> {
    let feeds = match &split.members.features {
        Features::Table(table) => {
            let columns: Vec<String> = if graph.inputs.len() == 1 {
                // All feature columns, in file order.
                table.columns().iter().map(|c| c.name.clone()).filter(|name| split.schema.is_feature(name)).collect()
            } else {
                table.columns().iter().map(|c| c.name.clone()).collect()
            };
            if let Some(missing) = plan.features.iter().flatten().find(|name| table.column(name).is_none()) {
                return Err(AssessError::Mismatch {
                    what: format!("`model.features` names the column `{missing}`, which the data do not have"),
                    help: "compare the names with the header of the file".to_owned(),
                });
            }
            binding::bind(graph, &columns, plan.features.as_deref())?
        }
        Features::Tensor(tensor) => binding::bind_tensor(graph, &tensor.row_shape)?,
    };
    let slot = |feed: binding::Feed| Slot {
        input: feed.input,
        columns: feed.columns,
        element: feed.element,
        row_shape: feed.row_shape,
    };
    Ok(feeds.into_iter().map(slot).collect())
}

/// A note for an input whose name is not its column's.
fn renamed(slot: &Slot) -> Option<Inference> {
    match &slot.columns[..] {
        [column] if *column != slot.input => Some(Inference {
            setting: format!("input {}", slot.input),
            value: format!("column {column}"),
            from: "the names without punctuation and case".to_owned(),
        }),
        _ => None,
    }
}

fn hints(plan: &ModelPlan, split: &Split) -> Hints {
    let targets = [&split.members.target, &split.nonmembers.target];
    let mut labels = Vec::new();
    let mut continuous = false;
    let one = |target| matches!(target, None | Some(&Outcome::One(_)));
    let targets = targets.into_iter().flatten().filter(|_| one(split.schema.target.as_ref()));
    for cells in targets.flat_map(Target::columns) {
        if let Cells::Float(values) = cells {
            continuous |= values.iter().any(|value| !value.is_nan() && value.fract() != 0.0);
        }
        let (codes, levels) = codes(cells);
        let mut seen = vec![false; levels];
        for (row, code) in codes.into_iter().enumerate() {
            if !std::mem::replace(&mut seen[code as usize], true) {
                labels.extend(cells.text(row));
            }
        }
    }
    labels.sort();
    labels.dedup();
    Hints {
        task: plan.task.or_else(|| split.schema.target.as_ref().and_then(target::task_of)),
        output: plan.output,
        scores: plan.scores.clone(),
        classes: plan.classes.clone(),
        labels,
        continuous,
        flags: match &split.schema.target {
            Some(Outcome::Labels(names)) => names.clone(),
            _ => Vec::new(),
        },
        times: plan.times.clone(),
    }
}

fn probe(
    model: &OnnxModel,
    graph: &Graph,
    slots: &[Slot],
    split: &Split,
    hints: &Hints,
    batch: Option<usize>,
) -> Result<(Reading, Vec<crate::model::Note>), AssessError> {
    let mut outputs: Vec<(String, Tensor)> = Vec::new();
    let mut rows = 0;
    for records in [&split.members, &split.nonmembers] {
        let count = records.len().min(PROBE);
        let size = batch.unwrap_or(count);
        for start in (0..count).step_by(size) {
            // A fixed batch that the records do not fill is filled with the last record again.
            let wanted: Vec<usize> = (start..start + size).map(|row| row.min(records.len() - 1)).collect();
            let answer = model.run(&tensors(&records.take(&wanted).features, slots)?)?;
            rows += size;
            append(&mut outputs, answer);
        }
    }
    Ok(Reading::infer(&outputs, rows, graph, hints)?)
}

/// Joins the outputs of several batches by name.
fn append(outputs: &mut Vec<(String, Tensor)>, more: Vec<(String, Tensor)>) {
    for (name, tensor) in more {
        match outputs.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => known.extend(tensor),
            None => outputs.push((name, tensor)),
        }
    }
}

/// What the target column says in the model's terms.
fn truth(target: &Target, outcome: Option<&Outcome>, audited: &Audited, set: &str) -> Result<Truth, AssessError> {
    let missing = |row: &usize| target.columns().iter().any(|cells| cells.is_missing(*row));
    let rows = target.columns().first().map_or(0, Cells::len);
    if let Some(row) = (0..rows).find(missing) {
        return Err(AssessError::Mismatch {
            what: format!("the target is missing in {set} record {}", row + 1),
            help: "leave records without an outcome out of both sets".to_owned(),
        });
    }
    match (audited.target.facts().task, outcome, target.columns()) {
        (Task::MultiLabel, Some(Outcome::Labels(names)), _) => target::labels(target, names, set),
        (Task::Survival, Some(Outcome::Survival { time, event }), _) => target::survival(target, time, event, set),
        (Task::Regression, _, [cells]) => numbers(cells),
        (Task::Classification, _, [cells]) => classes(cells, audited, set),
        (task, _, _) => Err(AssessError::Mismatch {
            what: format!("the target of the data does not fit a model whose task is {}", task.name()),
            help: "set `[data] target`: a column, a list of label columns, or { time = \"...\", event = \"...\" }"
                .to_owned(),
        }),
    }
}

/// The numbers of a regression.
fn numbers(cells: &Cells) -> Result<Truth, AssessError> {
    let values = match cells {
        Cells::Float(values) => values.clone(),
        Cells::Integer(values) => values.iter().map(|v| v.map_or(f64::NAN, |v| v as f64)).collect(),
        Cells::Bool(_) | Cells::Text { .. } => {
            return Err(AssessError::Mismatch {
                what: format!("the model predicts a number and the target column holds {}", cells.kind()),
                help: "set `[data] target` to the predicted column, or `[model] task = \"classification\"`".to_owned(),
            });
        }
    };
    Ok(Truth::Values(values))
}

/// The classes of a classification.
fn classes(cells: &Cells, audited: &Audited, set: &str) -> Result<Truth, AssessError> {
    let classes: Vec<String> = audited.target.facts().classes.clone();
    // Each distinct label once, then a table: labels repeat.
    let (label_of, levels) = codes(cells);
    let mut class_of_label: Vec<Option<u32>> = vec![None; levels];
    let mut seen = vec![false; levels];
    for (row, &label) in label_of.iter().enumerate() {
        if !std::mem::replace(&mut seen[label as usize], true) {
            let class = cells.text(row).and_then(|text| class_of(&classes, &text)).map(|at| at as u32);
            if class.is_some() && class_of_label.contains(&class) {
                return Err(AssessError::Mismatch {
                    what: format!("two different labels of the {set} records read like the same class of the model"),
                    help: "list the model's classes to the letter under `[model] classes`, or set the target's type"
                        .to_owned(),
                });
            }
            class_of_label[label as usize] = class;
        }
    }
    let codes: Vec<Option<u32>> = label_of.iter().map(|&label| class_of_label[label as usize]).collect();
    let unknown = codes.iter().filter(|code| code.is_none()).count();
    if unknown > 0 {
        let row = codes.iter().position(Option::is_none).map_or(0, |row| row + 1);
        return Err(AssessError::Mismatch {
            what: format!(
                "{} {set} records carry a label that is none of the model's {} classes, the first is record {row}",
                Count::of(unknown),
                classes.len()
            ),
            help: "check `[data] target`; where the model's labels read differently, list them under `[model] classes` in \
                   the order of its scores"
                .to_owned(),
        });
    }
    Ok(Truth::Classes(codes.into_iter().flatten().collect()))
}

fn check_labels(truths: &(Truth, Truth)) -> Result<(), AssessError> {
    let (a, b) = match truths {
        (Truth::Classes(a), Truth::Classes(b)) => (a, b),
        (Truth::Survival { events: a, .. }, Truth::Survival { events: b, .. })
            if !a.iter().chain(b).any(|event| *event) =>
        {
            return Err(AssessError::Mismatch {
                what: "no record has the event: there is nothing to predict".to_owned(),
                help: "check the `event` column of `[data] target`, where 1 means that it happened".to_owned(),
            });
        }
        _ => return Ok(()),
    };
    let first = a.first();
    if a.iter().chain(b).any(|label| Some(label) != first) {
        return Ok(());
    }
    Err(AssessError::Mismatch {
        what: "all records carry the same label: the target has one class only".to_owned(),
        help: "check `[data] target`, or add records of the other classes to both sets".to_owned(),
    })
}

fn answers(audited: &Audited, records: &Records, truth: Truth, watch: &dyn Watch) -> Result<Answers, AssessError> {
    let inputs = tensors(&records.features, &audited.slots)?;
    let predictions = audited.target.query(&inputs, ANSWERS, watch)?;
    if predictions.rows() != records.len() {
        return Err(ModelError::Run { what: "the model gave another number of answers than records".to_owned() }.into());
    }
    Ok(Answers { predictions, truth })
}
