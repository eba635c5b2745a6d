//! Outputs that are neither one class nor one number: several labels at once, and time to an event. What cannot be known is
//! asked for by name.

use super::graph::Graph;
use super::reading::{Hints, Note, Output, Probe, ScoreColumns, Scores, ask, is_distribution, note};
use super::{ModelError, Scale, binding::normalise};

/// Largest difference between a probability and the sigmoid of the logit behind it.
const AGREE: f64 = 1e-4;

fn in_unit(values: &[f64]) -> bool {
    values.iter().all(|value| value.is_nan() || (-1e-3..=1.001).contains(value))
}

/// The scores of several labels: one output with a column each, or one output each.
pub(super) fn flags(
    columns: &[&ScoreColumns<'_>],
    probe: &Probe<'_>,
    graph: &Graph,
    hints: &Hints,
    notes: &mut Vec<Note>,
) -> Result<Scores, ModelError> {
    let labels = hints.flags.len();
    let wide: Vec<&&ScoreColumns<'_>> = columns.iter().filter(|(_, width, _)| *width == labels).collect();
    match wide[..] {
        [(name, _, values)] if labels > 1 => {
            let scale = scale(values, labels, hints, notes)?;
            let (output, scale) = logits_behind(name, labels, values, scale, probe, graph, notes);
            Ok(Scores::Flags { output, scale, labels })
        }
        _ if columns.len() == labels && columns.iter().all(|(_, width, _)| *width == 1) => {
            let all: Vec<f64> = columns.iter().flat_map(|(_, _, values)| values.iter().copied()).collect();
            let scale = scale(&all, 1, hints, notes)?;
            Ok(Scores::PerFlag { outputs: in_order_of_labels(columns, hints, notes), scale })
        }
        _ => {
            let given: Vec<String> = columns.iter().map(|(name, width, _)| format!("`{name}` with {width}")).collect();
            Err(ask(
                &format!(
                    "`[data] target` lists {labels} labels and the model's outputs have other widths: {}",
                    given.join(", ")
                ),
                "list the label columns in the order of the model's scores under `[data] target`, or name the output with \
                 `[model] scores = \"...\"`",
            ))
        }
    }
}

/// Whether the scores of labels are probabilities.
fn scale(values: &[f64], width: usize, hints: &Hints, notes: &mut Vec<Note>) -> Result<Scale, ModelError> {
    match hints.output {
        Some(Output::Probabilities) => return Ok(Scale::Probability),
        Some(Output::Logits) => return Ok(Scale::Logit),
        Some(Output::Value | Output::Label) | None => {}
    }
    if width > 1 && is_distribution(values, width) {
        return Err(ask(
            "the model's scores of each record add up to 1, as those of classes do that exclude each other",
            "set `[model] task = \"classification\"`, or `output = \"probabilities\"` where each label stands for itself",
        ));
    }
    let (scale, words) = if in_unit(values) { (Scale::Probability, "probabilities") } else { (Scale::Logit, "logits") };
    notes.push(note("model.output", words, "whether the scores of the labels lie between 0 and 1"));
    Ok(scale)
}

/// The logits behind a sigmoid, where the file has them and they agree with the probabilities.
fn logits_behind(
    name: &str,
    labels: usize,
    values: &[f64],
    scale: Scale,
    probe: &Probe<'_>,
    graph: &Graph,
    notes: &mut Vec<Note>,
) -> (String, Scale) {
    let link = graph.links.iter().find(|link| link.output == name);
    let logits = link.and_then(|link| probe.score(&link.logits)).filter(|(_, width, _)| *width == labels);
    let agree = |logits: &[f64]| values.iter().zip(logits).all(|(p, z)| (p - 1.0 / (1.0 + (-z).exp())).abs() < AGREE);
    match logits.filter(|(_, _, logits)| scale == Scale::Probability && agree(logits)) {
        Some((logits, _, _)) => {
            notes.push(note("model logits", logits, "the tensor before the final sigmoid"));
            ((*logits).to_owned(), Scale::Logit)
        }
        None => (name.to_owned(), scale),
    }
}

/// One output per label: by name where the names are those of the labels, else in the order of the file.
fn in_order_of_labels(columns: &[&ScoreColumns<'_>], hints: &Hints, notes: &mut Vec<Note>) -> Vec<String> {
    let named = |label: &String| {
        columns.iter().find(|(name, _, _)| normalise(name) == normalise(label)).map(|(name, _, _)| (*name).to_owned())
    };
    if let Some(outputs) = hints.flags.iter().map(named).collect::<Option<Vec<String>>>() {
        return outputs;
    }
    notes.push(note(
        "model outputs",
        "in the order of `[data] target`",
        "their number; their names are not the labels'",
    ));
    columns.iter().map(|(name, _, _)| (*name).to_owned()).collect()
}

/// A risk score, or a survival curve on the grid of times that the plan gives.
pub(super) fn survival(
    columns: &[&ScoreColumns<'_>],
    hints: &Hints,
    notes: &mut Vec<Note>,
) -> Result<Scores, ModelError> {
    let [(name, width, values)] = columns else {
        return Err(ask(
            &format!("the model has {} numeric outputs, and a survival model is read from one", columns.len()),
            "name the risk score or the survival curve with `[model] scores = \"...\"`",
        ));
    };
    let output = (*name).to_owned();
    match &hints.times {
        None if *width == 1 => {
            notes.push(note("model.output", "a risk score, higher for earlier events", "one column"));
            Ok(Scores::Risk { output })
        }
        None => Err(ask(
            &format!("the output `{name}` has {width} columns: of which times, cannot be known"),
            "set `[model] times = [...]`, the grid of the survival curve in the unit of the time column",
        )),
        Some(times) if times.len() != *width => Err(ask(
            &format!("`[model] times` lists {} times and the output `{name}` has {width} columns", times.len()),
            "list one time per column, in their order; leave `times` out for a risk score",
        )),
        Some(_) if !in_unit(values) => Err(ask(
            &format!("the output `{name}` has values outside 0 to 1, which are no probabilities of survival"),
            "name the output that holds survival probabilities with `[model] scores = \"...\"`",
        )),
        Some(times) => Ok(Scores::Curve { output, times: times.as_slice().into() }),
    }
}
