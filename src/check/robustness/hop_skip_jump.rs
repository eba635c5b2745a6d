//! The decision-based search: `HopSkipJump` in the largest-change norm, in units of measurement error, under the rules.
//!
//! A record with another answer is walked to the border by bisection; at the border random steps, of which only the answers
//! are seen, estimate the direction in which the answer changes; a step in that direction, and to the border again. Chen,
//! Jordan and Wainwright, IEEE S&P 2020. Columns with steps are probed by whole steps, and whatever the rules forbid counts as
//! an answer that did not change.

use rand::Rng;
use rand::seq::SliceRandom;
use rayon::prelude::*;

use super::scene::{Asking, Point, Scene};
use super::search::Found;
use crate::check::CheckError;
use crate::seed::{Seed, Stream};

/// Records of the other side of the border that are tried as a start.
const STARTS: usize = 50;
/// Random steps of the first round; the n-th has the square root of n times as many.
const FIRST: usize = 50;
/// Width of the last bisection as a share of the distance.
const CLOSE: f64 = 1e-3;

/// The smallest changes found for some records with at most `cap` questions each.
///
/// # Errors
/// When the model cannot be asked.
pub(super) fn search(
    scene: &Scene<'_>,
    asking: &Asking<'_>,
    rows: &[usize],
    cap: usize,
    seed: Seed,
) -> Result<Vec<Option<Found>>, CheckError> {
    let free: Vec<usize> = (0..scene.space.axes.len()).filter(|&axis| scene.space.axes[axis].free).collect();
    if free.is_empty() {
        return Ok(vec![None; rows.len()]);
    }
    let jump = |&row: &usize| {
        let stream = seed.derive(&row.to_string()).stream();
        Jump { scene, asking, row, own: &scene.values[row], free: &free, left: cap, stream }.run()
    };
    rows.par_iter().map(jump).collect::<Vec<_>>().into_iter().collect()
}

struct Jump<'a> {
    scene: &'a Scene<'a>,
    asking: &'a Asking<'a>,
    row: usize,
    own: &'a [f64],
    free: &'a [usize],
    left: usize,
    stream: Stream,
}

impl Jump<'_> {
    fn run(mut self) -> Result<Option<Found>, CheckError> {
        let Some(mut at) = self.start()? else { return Ok(None) };
        at = self.walk_back(&at)?;
        let mut best = at.clone();
        for round in 0.. {
            let (distance, _) = self.scene.space.change(self.own, &at);
            let tries = (FIRST as f64 * f64::from(round + 1).sqrt()) as usize;
            if distance <= 0.0 || self.left < tries + 20 {
                break;
            }
            let direction = self.direction(&at, distance, tries)?;
            let Some(next) = self.jump(&at, &direction, distance / f64::from(round + 1).sqrt())? else { break };
            at = self.walk_back(&next)?;
            if self.scene.space.change(self.own, &at).0 < self.scene.space.change(self.own, &best).0 {
                best.clone_from(&at);
            }
        }
        let (change, touched) = self.scene.space.change(self.own, &best);
        Ok(Some(Found { values: best, change, touched }))
    }

    /// Which of some points have another answer; a point that the rules forbid has none.
    fn flips(&mut self, points: &[Option<Vec<f64>>]) -> Result<Vec<bool>, CheckError> {
        let points: Vec<Option<&Vec<f64>>> = points.iter().map(|point| point.as_ref()).collect();
        let asked: Vec<Point> = points
            .iter()
            .flatten()
            .take(self.left)
            .map(|values| Point { row: self.row, values: (*values).clone() })
            .collect();
        self.left -= asked.len();
        let replies = if asked.is_empty() { Vec::new() } else { self.asking.ask(&asked)? };
        let mut flips = asked.iter().zip(&replies).map(|(point, reply)| self.asking.flipped(point, reply));
        Ok(points.iter().map(|point| point.is_some() && flips.next().unwrap_or(false)).collect())
    }

    /// The nearest of some non-members with another answer, as far as this record may become like them.
    fn start(&mut self) -> Result<Option<Vec<f64>>, CheckError> {
        let answered = &self.scene.answered;
        let mut others: Vec<usize> =
            (self.scene.members..answered.len()).filter(|&row| answered[row] != answered[self.row]).collect();
        others.shuffle(&mut self.stream);
        others.truncate(STARTS);
        let space = &self.scene.space;
        let points: Vec<Option<Vec<f64>>> =
            others.iter().map(|&row| space.project(self.own, &self.scene.values[row])).collect();
        let flips = self.flips(&points)?;
        let hits = points.into_iter().zip(flips).filter_map(|(point, flipped)| point.filter(|_| flipped));
        Ok(hits.min_by(|a, b| space.change(self.own, a).0.total_cmp(&space.change(self.own, b).0)))
    }

    /// The point nearest to the record that has another answer, among those that cut all changes at the same number of
    /// measurement errors.
    fn walk_back(&mut self, from: &[f64]) -> Result<Vec<f64>, CheckError> {
        let (top, _) = self.scene.space.change(self.own, from);
        let (mut low, mut high, mut best) = (0.0, top, from.to_vec());
        while high - low > CLOSE * high && self.left > 0 {
            let middle = f64::midpoint(low, high);
            let cut: Vec<f64> = self
                .scene
                .space
                .axes
                .iter()
                .zip(self.own.iter().zip(from))
                .map(|(axis, (own, from))| own + (from - own).clamp(-middle * axis.error, middle * axis.error))
                .collect();
            let point = self.scene.space.project(self.own, &cut);
            if self.flips(std::slice::from_ref(&point))?.contains(&true)
                && let Some(point) = point
            {
                high = middle;
                best = point;
            } else {
                low = middle;
            }
        }
        Ok(best)
    }

    /// The direction in which the answer changes, as signs per free column.
    fn direction(&mut self, at: &[f64], distance: f64, tries: usize) -> Result<Vec<f64>, CheckError> {
        let size = 0.1 * distance / (self.free.len() as f64).sqrt();
        let steps: Vec<Vec<f64>> = (0..tries).map(|_| self.random_step()).collect();
        let points: Vec<Option<Vec<f64>>> = steps
            .iter()
            .map(|step| {
                let mut wanted = at.to_vec();
                for (&axis, step) in self.free.iter().zip(step) {
                    let of = &self.scene.space.axes[axis];
                    // Less than a step would round to nothing.
                    wanted[axis] += step * (size * of.error).max(of.step);
                }
                self.scene.space.project(self.own, &wanted)
            })
            .collect();
        let signs: Vec<f64> = self.flips(&points)?.into_iter().map(|flip| if flip { 1.0 } else { -1.0 }).collect();
        let mean = signs.iter().sum::<f64>() / tries.max(1) as f64;
        let mut sum = vec![0.0; self.free.len()];
        for (step, sign) in steps.iter().zip(&signs) {
            // Where all agree their mean says nothing about the difference: the sign itself does.
            let weight = if mean.abs() >= 1.0 { *sign } else { sign - mean };
            sum.iter_mut().zip(step).for_each(|(sum, step)| *sum += weight * step);
        }
        Ok(sum.into_iter().map(|sum| if sum == 0.0 { 0.0 } else { sum.signum() }).collect())
    }

    fn random_step(&mut self) -> Vec<f64> {
        self.free.iter().map(|_| 2.0 * f64::from(self.stream.next_u32()) / f64::from(u32::MAX) - 1.0).collect()
    }

    /// A step that keeps the answer changed, the largest of some halvings.
    fn jump(&mut self, at: &[f64], direction: &[f64], mut length: f64) -> Result<Option<Vec<f64>>, CheckError> {
        for _ in 0..8 {
            let mut wanted = at.to_vec();
            for (&axis, direction) in self.free.iter().zip(direction) {
                wanted[axis] += direction * length * self.scene.space.axes[axis].error;
            }
            let point = self.scene.space.project(self.own, &wanted);
            if self.flips(std::slice::from_ref(&point))?.contains(&true) {
                return Ok(point);
            }
            length /= 2.0;
        }
        Ok(None)
    }
}
