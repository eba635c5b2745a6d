//! The last unknown record of a linear model at its optimum.
//!
//! A linear or logistic model with an L2 penalty and a free intercept satisfies, at its optimum, `sum r_i = 0` and
//! `sum r_i x_i = -lambda w` with residuals `r_i = prediction - truth`. Who knows all records but one solves for the last:
//! `r_t = -sum of the others`, `x_t = -(lambda w + sum of the others' r_i x_i) / r_t`; with several scores the equations are
//! solved together by least squares. References: Balle, Cherubin and Hayes, "Reconstructing training data with informed
//! adversaries" (2022).

use super::means::{Columns, row};
use crate::check::Truth;
use crate::check::disclosure::images::Image;
use crate::model::{Linear, log_sum_exp};

/// How near a cell has to be, in standard deviations.
pub(super) const NEAR: f64 = 0.05;
/// Share of columns that have to be near.
pub(super) const MOST_COLUMNS: f64 = 0.9;
/// The stationarity residual from which nothing can be computed: the average member would be off by as much as a stranger.
pub(super) const NO_OPTIMUM: f64 = 1.0;

/// How scores become predictions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    /// As they are.
    Identity,
    /// A logistic function for each.
    Logistic,
    /// A softmax over all.
    Softmax,
}

impl Link {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Identity => "linear regression",
            Self::Logistic => "logistic regression",
            Self::Softmax => "multinomial logistic regression",
        }
    }
}

/// The equations of an optimum over all members.
pub(super) struct Optimum<'a> {
    image: &'a Image<'a>,
    linear: &'a Linear,
    columns: Columns,
    /// Residuals, record by record.
    residuals: Vec<f64>,
    /// Sums of the residuals of each score.
    free: Vec<f64>,
    /// Sums of residual times record, score by score.
    sums: Vec<Vec<f64>>,
    /// The penalty that fits best.
    pub(super) strength: f64,
    /// The link that fits best.
    pub(super) link: Link,
    /// How far the equations are from holding: the median over columns of the error of the average member, in standard
    /// deviations.
    pub(super) residual: f64,
}

impl<'a> Optimum<'a> {
    /// The equations of the link and the penalty that hold best; nothing where model and outcomes do not fit together.
    pub(super) fn of(image: &'a Image<'a>, members: usize, linear: &'a Linear, truth: &Truth) -> Option<Self> {
        let links: &[Link] = match truth {
            Truth::Values(_) if linear.weights.len() == 1 => &[Link::Identity],
            Truth::Classes(_) if linear.weights.len() == 1 => &[Link::Logistic, Link::Identity],
            Truth::Classes(_) => &[Link::Softmax, Link::Logistic, Link::Identity],
            _ => return None,
        };
        let fits = links.iter().filter_map(|link| Self::with(image, members, linear, truth, *link));
        fits.min_by(|a, b| a.residual.total_cmp(&b.residual))
    }

    fn with(image: &'a Image<'a>, members: usize, linear: &'a Linear, truth: &Truth, link: Link) -> Option<Self> {
        let (width, outputs) = (image.width, linear.weights.len());
        if linear.width() != width || members == 0 || truth.len() != members {
            return None;
        }
        let rows: Vec<usize> = (0..members).collect();
        let columns = Columns::of(image, &rows);
        let mut residuals = Vec::with_capacity(members * outputs);
        for at in 0..members {
            let mut scores = linear.scores(&row(image, at));
            predict(link, &mut scores);
            scores.iter_mut().enumerate().for_each(|(output, score)| *score -= wanted(truth, at, output, outputs));
            residuals.extend(scores);
        }
        if residuals.iter().any(|residual| !residual.is_finite()) {
            return None;
        }
        let mut free = vec![0.0; outputs];
        let mut sums = vec![vec![0.0; width]; outputs];
        for (at, own) in residuals.chunks(outputs).enumerate() {
            for ((residual, free), sum) in own.iter().zip(&mut free).zip(&mut sums) {
                *free += residual;
                row(image, at).zip(sum).for_each(|(value, sum)| *sum += residual * value);
            }
        }
        let mut optimum =
            Self { image, linear, columns, residuals, free, sums, strength: 0.0, link, residual: f64::INFINITY };
        optimum.choose_strength(members);
        Some(optimum)
    }

    /// Grid of the penalties that people set, their sums and means over records, and the one of least squares.
    fn choose_strength(&mut self, members: usize) {
        let decades = (-6..=6).flat_map(|power| [1.0, 2.0, 5.0].map(|digit| digit * 10.0_f64.powi(power)));
        let mut grid: Vec<f64> = decades.flat_map(|value| [value, value * members as f64]).collect();
        grid.push(0.0);
        let best = |grid: &[f64]| {
            let rated = grid.iter().map(|&strength| (self.error(strength), strength));
            rated.min_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or((f64::INFINITY, 0.0))
        };
        let (on_grid, fitted) = (best(&grid), best(&[self.least_squares()]));
        // A fitted penalty always does a little better than the true one; it is taken only where none of the grid serves.
        let chosen = if on_grid.0 <= 2.0 * fitted.0 { on_grid } else { fitted };
        (self.residual, self.strength) = chosen;
    }

    /// The sums about the means of the columns: the same at the optimum, and of fewer digits.
    fn centred(&self, output: usize, column: usize) -> f64 {
        self.sums[output][column] - self.free[output] * self.columns.mean[column]
    }

    fn least_squares(&self) -> f64 {
        let (mut product, mut square) = (0.0, 0.0);
        for &column in &self.columns.telling {
            let scale = self.columns.spread[column].powi(-2);
            for (output, weights) in self.linear.weights.iter().enumerate() {
                product -= scale * self.centred(output, column) * weights[column];
                square += scale * weights[column].powi(2);
            }
        }
        if square > 0.0 { (product / square).max(0.0) } else { 0.0 }
    }

    /// The error of the average member under a penalty, in standard deviations.
    fn error(&self, strength: f64) -> f64 {
        let outputs = self.linear.weights.len();
        let norm = |values: &[f64]| values.iter().map(|value| value * value).sum::<f64>().sqrt();
        let mean = self.residuals.chunks(outputs).map(norm).sum::<f64>() / self.columns.records as f64;
        let of_column = |&column: &usize| {
            let left = self.linear.weights.iter().enumerate();
            let left = left.map(|(output, weights)| self.centred(output, column) + strength * weights[column]);
            norm(&left.collect::<Vec<f64>>()) / (mean * self.columns.spread[column])
        };
        let mut errors: Vec<f64> = self.columns.telling.iter().map(of_column).collect();
        errors.sort_by(f64::total_cmp);
        let median = errors.get(errors.len() / 2).copied().unwrap_or(f64::INFINITY);
        let left = median.max(norm(&self.free) / mean);
        if left.is_nan() { f64::INFINITY } else { left }
    }

    /// The record of one member from all others and the file.
    pub(super) fn last(&self, member: usize) -> Vec<f64> {
        let outputs = self.linear.weights.len();
        let own = &self.residuals[member * outputs..(member + 1) * outputs];
        // Everything about the member drops out of these: what is left is what the others sum to.
        let solved: Vec<f64> = own.iter().zip(&self.free).map(|(own, free)| -(free - own)).collect();
        let square: f64 = solved.iter().map(|residual| residual * residual).sum();
        let value = |(column, truth): (usize, f64)| {
            let of_output = |output: usize| {
                let others = self.sums[output][column] - own[output] * truth;
                -solved[output] * (self.strength * self.linear.weights[output][column] + others)
            };
            (0..outputs).map(of_output).sum::<f64>() / square
        };
        row(self.image, member).enumerate().map(value).collect()
    }

    /// A number of a member's true record.
    pub(super) fn value(&self, member: usize, column: usize) -> f64 {
        f64::from(self.image.values[member * self.image.width + column])
    }

    /// Whether the record of a member follows, in nine of ten columns.
    pub(super) fn recovers(&self, member: usize) -> bool {
        let last = self.last(member);
        alike(|column| last[column], |column| self.value(member, column), self.columns())
    }

    /// Means and spreads of the members' columns.
    pub(super) fn columns(&self) -> &Columns {
        &self.columns
    }
}

/// Whether two records are alike in nine of ten columns that vary.
pub(super) fn alike(a: impl Fn(usize) -> f64, b: impl Fn(usize) -> f64, columns: &Columns) -> bool {
    let allowed = ((1.0 - MOST_COLUMNS) * columns.telling.len() as f64 + 1e-9) as usize;
    let apart = |&&column: &&usize| {
        let distance = (a(column) - b(column)).abs();
        // What is no number is near nothing.
        distance.is_nan() || distance > NEAR * columns.spread[column]
    };
    !columns.telling.is_empty() && columns.telling.iter().filter(apart).take(allowed + 1).count() <= allowed
}

pub(super) fn predict(link: Link, scores: &mut [f64]) {
    match link {
        Link::Identity => {}
        Link::Logistic => scores.iter_mut().for_each(|score| *score = 1.0 / (1.0 + (-*score).exp())),
        Link::Softmax => {
            let total = log_sum_exp(scores.iter().copied());
            scores.iter_mut().for_each(|score| *score = (*score - total).exp());
        }
    }
}

/// What a score should have predicted.
fn wanted(truth: &Truth, at: usize, output: usize, outputs: usize) -> f64 {
    match truth {
        Truth::Values(values) => values[at],
        // A single score is that of the second of two classes.
        Truth::Classes(classes) => f64::from(u8::from(classes[at] as usize == if outputs == 1 { 1 } else { output })),
        _ => f64::NAN,
    }
}
