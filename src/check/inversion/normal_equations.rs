//! The record that was added between two versions of a linear model, or taken out.
//!
//! At the optimum of a linear or logistic model, adding a record `x` with residual `r` moves the weights by `Delta` such that
//! `H Delta = -r x`, with the Hessian `H = sum over records of p' x x'` (`p'` the slope of the link; 1 for squared errors). `x` holds
//! a one for the intercept, so that `H Delta` divided by its first number is the record, whatever `r` is. The Hessian of other
//! people stands in for that of the members: only its shape counts, which is that of the population. The error falls with the root
//! of the number of columns over the number of members, and over that of the others. With several scores the blocks of the Hessian between them count as well, and
//! the records of all scores are combined by least squares.
//!
//! Reference: Bertran et al., "Reconstruction attacks on machine unlearning: simple models are vulnerable" (NeurIPS 2024).

use super::means::row;
use super::optimum::{Link, predict};
use crate::check::Truth;
use crate::check::disclosure::images::Image;
use crate::model::Linear;

/// The record by which two linear maps differ, as far as the records in `known` show the shape of the population; nothing where
/// the maps do not take this image, do not differ, or the intercept did not move. O(records x width x scores).
pub(super) fn record(
    image: &Image<'_>,
    known: &[usize],
    (old, new): (&Linear, &Linear),
    truth: &Truth,
) -> Option<Vec<f64>> {
    let outputs = new.weights.len();
    let fits = new.width() == image.width && old.width() == image.width && old.weights.len() == outputs;
    let link = match truth {
        Truth::Values(_) => Link::Identity,
        Truth::Classes(_) if outputs == 1 => Link::Logistic,
        Truth::Classes(_) => Link::Softmax,
        _ => return None,
    };
    if !fits || known.is_empty() {
        return None;
    }
    // Intercepts come first.
    let moved: Vec<Vec<f64>> = (0..outputs)
        .map(|output| {
            let weights = new.weights[output].iter().zip(&old.weights[output]).map(|(new, old)| new - old);
            std::iter::once(new.intercepts[output] - old.intercepts[output]).chain(weights).collect()
        })
        .collect();
    let mut sums = vec![vec![0.0; image.width + 1]; outputs];
    for &at in known {
        let own = || std::iter::once(1.0).chain(row(image, at));
        let mut p = new.scores(&row(image, at));
        predict(link, &mut p);
        let along: Vec<f64> = moved.iter().map(|moved| moved.iter().zip(own()).map(|(a, b)| a * b).sum()).collect();
        for (output, sum) in sums.iter_mut().enumerate() {
            let slope = |other: usize| match link {
                Link::Identity => f64::from(u8::from(other == output)),
                Link::Logistic => {
                    if other == output {
                        p[output] * (1.0 - p[output])
                    } else {
                        0.0
                    }
                }
                Link::Softmax => p[output] * (f64::from(u8::from(other == output)) - p[other]),
            };
            let weight: f64 = along.iter().enumerate().map(|(other, along)| slope(other) * along).sum();
            sum.iter_mut().zip(own()).for_each(|(sum, value)| *sum += weight * value);
        }
    }
    let square: f64 = sums.iter().map(|sum| sum[0] * sum[0]).sum();
    let value = |column: usize| sums.iter().map(|sum| sum[0] * sum[column]).sum::<f64>() / square;
    let found: Vec<f64> = (1..=image.width).map(value).collect();
    found.iter().all(|value| value.is_finite()).then_some(found)
}
