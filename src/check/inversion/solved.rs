//! A linear model from its answers: d + 1 questions about d inputs.
//!
//! The attacker's mean record, and that record with one input moved by a standard deviation, give log-odds that are linear in the
//! inputs where the model is; their differences are its weights. Reference: Tramer et al., USENIX Security 2016.

use super::learned::Taught;
use crate::check::{Audited, CheckError};
use crate::data::Split;
use crate::data::encode::{Slot, tensors};
use crate::model::{Linear, Predictions, largest, log_probability};
use crate::tensor::{Element, Tensor, Values};
use crate::watch::Watch;

/// Most inputs of equations.
const MOST_INPUTS: usize = 10_000;

/// A copy: how it was made, and its class for each record measured.
pub(super) struct Copy {
    pub(super) how: &'static str,
    pub(super) questions: usize,
    pub(super) classes: Vec<u32>,
    /// The scores of a linear copy.
    pub(super) linear: Option<Linear>,
    /// What one that learned from labels was taught.
    pub(super) taught: Option<Taught>,
}

/// The inputs of some records as one row of numbers each; nothing where an input is no float.
pub(super) fn numbers(inputs: &[Tensor], slots: &[Slot]) -> Option<Vec<Vec<f64>>> {
    let floats = |slot: &Slot| matches!(slot.element, Element::F32 | Element::F64);
    if slots.is_empty() || !slots.iter().all(floats) {
        return None;
    }
    let parts: Vec<(usize, Vec<f64>)> =
        inputs.iter().map(|tensor| Some((tensor.row_len(), tensor.to_f64()?))).collect::<Option<_>>()?;
    let row = |at: usize| parts.iter().flat_map(move |(width, values)| values[at * width..(at + 1) * width].to_vec());
    Some((0..inputs.first().map_or(0, Tensor::rows)).map(|at| row(at).collect()).collect())
}

/// Rows of numbers as the inputs of the model.
fn inputs(rows: &[Vec<f64>], slots: &[Slot]) -> Vec<Tensor> {
    let mut from = 0;
    let of_slot = |slot: &Slot| {
        let width: usize = slot.row_shape.iter().product();
        let cells = || rows.iter().flat_map(|row| row[from..from + width].iter().copied());
        let values = match slot.element {
            Element::F64 => Values::F64(cells().collect()),
            _ => Values::F32(cells().map(|value| value as f32).collect()),
        };
        from += width;
        Tensor { row_shape: slot.row_shape.clone(), values }
    };
    slots.iter().map(of_slot).collect()
}

/// Log-odds of each class against the first, by record; nothing where only classes are named.
fn log_odds(predictions: &Predictions) -> Option<Vec<Vec<f64>>> {
    let Predictions::Scores { scale, classes, values, .. } = predictions else { return None };
    let of_row = |row: &[f64]| {
        let first = log_probability(*scale, row, 0);
        (0..*classes).map(|class| log_probability(*scale, row, class) - first).collect()
    };
    Some(values.chunks(*classes).map(of_row).collect())
}

/// The linear model that d + 1 answers determine.
pub(super) fn equations(
    model: &Audited,
    split: &Split,
    own: &[usize],
    asked: &[usize],
    (check, watch): (&'static str, &dyn Watch),
) -> Result<Option<Copy>, CheckError> {
    let of = |rows: &[usize]| -> Result<Option<Vec<Vec<f64>>>, CheckError> {
        let features = split.nonmembers.take(rows).features;
        Ok(numbers(&tensors(&features, &model.slots)?, &model.slots))
    };
    let (Some(own), Some(others)) = (of(own)?, of(asked)?) else { return Ok(None) };
    let width = own.first().map_or(0, Vec::len);
    if width == 0 || width > MOST_INPUTS {
        return Ok(None);
    }
    let (base, step): (Vec<f64>, Vec<f64>) = (0..width).map(|at| centre(&own.iter().map(|row| row[at]))).unzip();
    let mut questions = vec![base.clone(); width + 1];
    for (at, question) in questions.iter_mut().skip(1).enumerate() {
        question[at] += step[at];
    }
    // The question as the model reads it: a 32-bit input moves what was asked by its last digit.
    let asked_for = inputs(&questions, &model.slots);
    let Some(read) = numbers(&asked_for, &model.slots) else { return Ok(None) };
    let Some(odds) = log_odds(&model.target.query(&asked_for, check, watch)?) else { return Ok(None) };
    let weight = |at: usize, class: usize| (odds[at + 1][class] - odds[0][class]) / (read[at + 1][at] - read[0][at]);
    let classes = odds[0].len();
    let weights: Vec<Vec<f64>> = (0..classes).map(|class| (0..width).map(|at| weight(at, class)).collect()).collect();
    let intercept =
        |class: usize| odds[0][class] - weights[class].iter().zip(&read[0]).map(|(w, base)| w * base).sum::<f64>();
    let intercepts: Vec<f64> = (0..classes).map(intercept).collect();
    let class_of = |row: &Vec<f64>| {
        let score = |class: usize| {
            // A missing cell is taken for the mean.
            let moved = row.iter().zip(&read[0]).map(|(value, base)| if value.is_nan() { 0.0 } else { value - base });
            odds[0][class] + weights[class].iter().zip(moved).map(|(weight, moved)| weight * moved).sum::<f64>()
        };
        largest(&(0..classes).map(score).collect::<Vec<f64>>())
    };
    let how = "the equations of a linear model";
    let classes = others.iter().map(class_of).collect();
    Ok(Some(Copy { how, questions: width + 1, classes, linear: Some(scores(weights, intercepts)), taught: None }))
}

/// Log-odds against the first class as scores: of two classes that of the second; of several those that sum to zero, as the
/// optimum of a penalty on all of them has it.
fn scores(mut weights: Vec<Vec<f64>>, mut intercepts: Vec<f64>) -> Linear {
    if weights.len() == 2 {
        return Linear { weights: weights.split_off(1), intercepts: intercepts.split_off(1) };
    }
    let classes = weights.len().max(1) as f64;
    for column in 0..weights.first().map_or(0, Vec::len) {
        let mean = weights.iter().map(|weights| weights[column]).sum::<f64>() / classes;
        weights.iter_mut().for_each(|weights| weights[column] -= mean);
    }
    let mean = intercepts.iter().sum::<f64>() / classes;
    intercepts.iter_mut().for_each(|intercept| *intercept -= mean);
    Linear { weights, intercepts }
}

/// Mean and standard deviation of the cells that are there; 1 where they do not vary.
fn centre(cells: &(impl Iterator<Item = f64> + Clone)) -> (f64, f64) {
    let present = || cells.clone().filter(|cell| cell.is_finite());
    let n = (present().count() as f64).max(1.0);
    let mean = present().sum::<f64>() / n;
    let spread = (present().map(|cell| (cell - mean).powi(2)).sum::<f64>() / n).sqrt();
    (mean, if spread > 0.0 { spread } else { 1.0 })
}
