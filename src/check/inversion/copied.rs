//! Attacks on the file, tried on a copy: does it matter that only questions may be asked?
//!
//! A linear model that was solved for with questions has weights like the file's. Whoever knows all records but one computes the
//! last from them as from the file (see `optimum.rs`). The copy does not say in what units the model was trained: inputs as they are
//! and in standard deviations are tried, and the better optimum speaks.

use rayon::prelude::*;

use super::optimum::{NO_OPTIMUM, Optimum};
use crate::check::Truth;
use crate::check::disclosure::images::Image;
use crate::model::Linear;

/// What follows from a linear copy for somebody who knows all other records.
pub(super) struct Informed {
    /// Members whose record follows.
    pub(super) found: usize,
    /// How far the copy is from an optimum over the members, in standard deviations.
    pub(super) residual: f64,
}

impl Informed {
    /// Tries the attack on members whose inputs are these; nothing where copy, inputs and outcomes do not fit together.
    pub(super) fn of(copy: &Linear, rows: &[Vec<f64>], truth: &Truth) -> Option<Self> {
        let width = rows.first()?.len();
        let n = rows.len() as f64;
        let mean = |column: usize| rows.iter().map(|row| row[column]).sum::<f64>() / n;
        let centre: Vec<f64> = (0..width).map(mean).collect();
        let spread = |column: usize| {
            let square = rows.iter().map(|row| (row[column] - centre[column]).powi(2)).sum::<f64>() / n;
            if square > 0.0 { square.sqrt() } else { 1.0 }
        };
        let spread: Vec<f64> = (0..width).map(spread).collect();
        let as_it_is = (vec![0.0; width], vec![1.0; width]);
        let tried = [as_it_is, (centre, spread)].map(|(shift, scale)| in_units(copy, rows, &shift, &scale));
        let fits = tried.iter().filter_map(|(image, linear)| Optimum::of(image, rows.len(), linear, truth));
        let best = fits.min_by(|a, b| a.residual.total_cmp(&b.residual))?;
        let solved = best.residual <= NO_OPTIMUM;
        let found = (0..rows.len()).into_par_iter().filter(|&member| solved && best.recovers(member)).count();
        Some(Self { found, residual: best.residual })
    }

    /// Whether the copy is at an optimum from which anything can be computed.
    pub(super) fn is_optimum(&self) -> bool {
        self.residual <= NO_OPTIMUM
    }
}

/// Records and a copy in other units: `(value - shift) / scale`.
fn in_units(copy: &Linear, rows: &[Vec<f64>], shift: &[f64], scale: &[f64]) -> (Image<'static>, Linear) {
    let width = shift.len();
    let values = rows
        .iter()
        .flat_map(|row| row.iter().zip(shift).zip(scale).map(|((v, shift), scale)| ((v - shift) / scale) as f32));
    let image = Image { what: "the copy's inputs".to_owned(), tensor: None, width, values: values.collect() };
    let moved = |(weights, intercept): (&Vec<f64>, &f64)| {
        intercept + weights.iter().zip(shift).map(|(w, shift)| w * shift).sum::<f64>()
    };
    let linear = Linear {
        weights: copy
            .weights
            .iter()
            .map(|weights| weights.iter().zip(scale).map(|(w, scale)| w * scale).collect())
            .collect(),
        intercepts: copy.weights.iter().zip(&copy.intercepts).map(moved).collect(),
    };
    (image, linear)
}
