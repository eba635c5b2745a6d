//! The space that an attack moves in: all numbers, or the few directions in which hold-out records differ. One unit is a
//! standard deviation in both.

use rand::Rng;

use super::canvas::{Canvas, Point};
use crate::learn::components::Components;
use crate::seed::Stream;
use crate::stats::interval::normal_quantile;

/// A way from vectors to points.
pub(super) struct Frame<'a> {
    canvas: &'a Canvas<'a>,
    /// Where the vector of zeros lies; its texts are those of every point.
    base: Point,
    directions: Directions<'a>,
}

enum Directions<'a> {
    /// The axes that vary.
    Axes(Vec<usize>),
    /// Components of the standardised numbers, and where the base lies among them.
    Prior(&'a Components, Vec<f64>),
}

impl<'a> Frame<'a> {
    /// All numbers, around a point.
    pub(super) fn of_axes(canvas: &'a Canvas<'a>, base: Point) -> Self {
        let varying = (0..canvas.axes.len()).filter(|&at| canvas.axes[at].spread > 0.0).collect();
        Self { canvas, base, directions: Directions::Axes(varying) }
    }

    /// The components of hold-out records, from the place that is nearest to a point.
    pub(super) fn of_prior(canvas: &'a Canvas<'a>, base: Point, prior: &'a Components) -> Self {
        let place = prior.place(&standardised(canvas, &base));
        Self { canvas, base, directions: Directions::Prior(prior, place) }
    }

    /// Numbers of a vector.
    pub(super) fn width(&self) -> usize {
        match &self.directions {
            Directions::Axes(axes) => axes.len(),
            Directions::Prior(prior, _) => prior.len(),
        }
    }

    /// Where an attack starts.
    pub(super) fn origin(&self) -> Vec<f64> {
        match &self.directions {
            Directions::Axes(axes) => vec![0.0; axes.len()],
            Directions::Prior(_, place) => place.clone(),
        }
    }

    /// The point of a vector, within what the model may be asked.
    pub(super) fn point(&self, vector: &[f64]) -> Point {
        let mut point = self.base.clone();
        match &self.directions {
            Directions::Axes(axes) => {
                for (&at, moved) in axes.iter().zip(vector) {
                    point.numbers[at] += moved * self.canvas.axes[at].spread;
                }
            }
            Directions::Prior(prior, _) => {
                for ((value, axis), z) in point.numbers.iter_mut().zip(&self.canvas.axes).zip(prior.record(vector)) {
                    *value = axis.mean + axis.spread * z;
                }
            }
        }
        self.canvas.settled(point)
    }

    /// Draws a vector back to where its point lies within bounds; components have none.
    pub(super) fn bounded(&self, vector: &mut [f64]) {
        if let Directions::Axes(axes) = &self.directions {
            for (&at, moved) in axes.iter().zip(vector) {
                let axis = &self.canvas.axes[at];
                let base = self.base.numbers[at];
                *moved = moved.clamp((axis.low - base) / axis.spread, (axis.high - base) / axis.spread);
            }
        }
    }

    /// How far to look along one coordinate for a difference: a thousandth, or as far as the next whole number.
    pub(super) fn reach(&self, coordinate: usize) -> f64 {
        const SMALL: f64 = 1e-3;
        match &self.directions {
            Directions::Axes(axes) => {
                let axis = &self.canvas.axes[axes[coordinate]];
                if axis.whole { SMALL.max(1.0 / axis.spread) } else { SMALL }
            }
            Directions::Prior(..) if self.canvas.axes.iter().any(|axis| axis.whole) => 0.5,
            Directions::Prior(..) => SMALL,
        }
    }

    /// Whether a coordinate is a number that need not be whole.
    pub(super) fn has_fractions(&self) -> bool {
        matches!(&self.directions, Directions::Axes(axes) if axes.iter().any(|&at| !self.canvas.axes[at].whole))
    }

    /// Stands still along whole numbers.
    pub(super) fn keep_fractions(&self, direction: &mut [f64]) {
        if let Directions::Axes(axes) = &self.directions {
            let whole = axes.iter().zip(direction).filter(|(at, _)| self.canvas.axes[**at].whole);
            whole.for_each(|(_, part)| *part = 0.0);
        }
    }

    /// One unit along one of the coordinates in turn, as far as [`Frame::reach`] says.
    pub(super) fn unit(&self, turn: usize) -> Vec<f64> {
        let mut direction = vec![0.0; self.width()];
        if let Some(at) = turn.checked_rem(self.width()) {
            direction[at] = self.reach(at);
        }
        direction
    }

    /// The slopes along the coordinates, from those along the numbers of a point.
    pub(super) fn slopes(&self, of_numbers: &[f64]) -> Vec<f64> {
        let of_axis = |at: usize| of_numbers[at] * self.canvas.axes[at].spread;
        match &self.directions {
            Directions::Axes(axes) => axes.iter().map(|&at| of_axis(at)).collect(),
            Directions::Prior(prior, _) => {
                let along = |(direction, spread): (&Vec<f64>, &f64)| {
                    direction.iter().enumerate().map(|(at, part)| part * of_axis(at)).sum::<f64>() * spread
                };
                prior.directions.iter().zip(&prior.spreads).map(along).collect()
            }
        }
    }
}

/// The numbers of a point in standard deviations from the mean; 0 for what does not vary.
pub(super) fn standardised(canvas: &Canvas<'_>, point: &Point) -> Vec<f64> {
    let one = |(value, axis): (&f64, &super::canvas::Axis)| {
        let z = (value - axis.mean) / axis.spread;
        if z.is_finite() { z } else { 0.0 }
    };
    point.numbers.iter().zip(&canvas.axes).map(one).collect()
}

/// A vector of independent standard normal numbers.
pub(super) fn normal(width: usize, stream: &mut Stream) -> Vec<f64> {
    let mut draw = || (f64::from(stream.next_u32()) + 0.5) / (f64::from(u32::MAX) + 1.0);
    (0..width).map(|_| normal_quantile(draw())).collect()
}

/// Euclidean length.
pub(super) fn length(vector: &[f64]) -> f64 {
    vector.iter().map(|value| value * value).sum::<f64>().sqrt()
}

/// `a + factor b`.
pub(super) fn moved(a: &[f64], factor: f64, b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + factor * b).collect()
}
