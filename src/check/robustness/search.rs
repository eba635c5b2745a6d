//! The score-based search: one column at a time over quantile values, all columns together against the score, then as close
//! to the record as the answer stays changed.

use super::scene::{Asking, Point, Reply, Scene};
use crate::check::CheckError;

/// Changes of all columns together that are tried, in multiples of the budget.
const LADDER: [f64; 9] = [0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0];
/// Rounds of bisection along a line.
const ROUNDS: usize = 10;
/// Points that are in memory at once, about.
const AT_ONCE: usize = 1 << 15;

/// A changed record with another answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Found {
    pub(super) values: Vec<f64>,
    /// The largest change of a number, in measurement errors.
    pub(super) change: f64,
    /// How many numbers are changed.
    pub(super) touched: usize,
}

/// How hard to look.
#[derive(Debug, Clone, Copy)]
pub(super) struct Effort {
    /// The change that is asked about first, in measurement errors.
    pub(super) near: f64,
    /// Most columns that are changed one after another.
    pub(super) columns: usize,
}

impl Effort {
    /// Most questions about one record.
    pub(super) fn cost(self, scene: &Scene<'_>, quantiles: usize) -> usize {
        let free = scene.space.axes.iter().filter(|axis| axis.free).count();
        1 + self.columns.max(1) * free * (quantiles + 2) + LADDER.len() + 2 * ROUNDS
    }
}

/// A record on its way.
struct Trial<'a> {
    row: usize,
    own: &'a [f64],
    /// Where the search stands, and the margin there.
    at: Vec<f64>,
    margin: f64,
    moved: Vec<usize>,
    best: Option<Found>,
    /// For every column the direction that lowers the margin.
    downhill: Vec<f64>,
}

/// A step of one trial along one column.
struct Step {
    trial: usize,
    axis: usize,
    point: Point,
}

/// A line from a record to a point with another answer, and the shares of it between which the answer changes.
struct Line {
    trial: usize,
    far: Vec<f64>,
    low: f64,
    high: f64,
}

/// The smallest changes found that change the answers about some records; nothing where none was found.
pub(super) fn search(
    scene: &Scene<'_>,
    asking: &Asking<'_>,
    rows: &[usize],
    effort: Effort,
    cost: usize,
) -> Result<Vec<Option<Found>>, CheckError> {
    let mut found = Vec::with_capacity(rows.len());
    for part in rows.chunks((AT_ONCE / cost.max(1)).max(1)) {
        let mut search =
            Search { scene, asking, effort, trials: part.iter().map(|&row| Trial::of(scene, row)).collect() };
        search.run()?;
        found.extend(search.trials.into_iter().map(|trial| trial.best));
    }
    Ok(found)
}

struct Search<'a> {
    scene: &'a Scene<'a>,
    asking: &'a Asking<'a>,
    effort: Effort,
    trials: Vec<Trial<'a>>,
}

impl<'a> Trial<'a> {
    fn of(scene: &'a Scene<'_>, row: usize) -> Self {
        let own = &scene.values[row][..];
        let downhill = vec![0.0; own.len()];
        Self { row, own, at: own.to_vec(), margin: f64::INFINITY, moved: Vec::new(), best: None, downhill }
    }

    fn consider(&mut self, scene: &Scene<'_>, values: &[f64]) {
        let (change, touched) = scene.space.change(self.own, values);
        if touched > 0 && self.best.as_ref().is_none_or(|best| change < best.change) {
            self.best = Some(Found { values: values.to_vec(), change, touched });
        }
    }
}

impl Search<'_> {
    fn run(&mut self) -> Result<(), CheckError> {
        let own: Vec<Point> =
            self.trials.iter().map(|trial| Point { row: trial.row, values: trial.own.to_vec() }).collect();
        let replies = self.asking.ask(&own)?;
        self.trials.iter_mut().zip(replies).for_each(|(trial, reply)| trial.margin = reply.margin);
        for round in 0..self.effort.columns.max(1) {
            self.one_column_more(round == 0)?;
        }
        let lines: Vec<Line> = self.lines_to_best();
        self.bisect(lines)?;
        self.all_columns()
    }

    /// Tries every column beside those that were moved before.
    fn one_column_more(&mut self, first: bool) -> Result<(), CheckError> {
        let mut steps = Vec::new();
        for (index, trial) in self.trials.iter().enumerate() {
            // From the second round on only records that no smaller number of columns changed.
            if trial.best.is_some() || trial.moved.len() < usize::from(!first) {
                continue;
            }
            for axis in (0..trial.own.len()).filter(|axis| !trial.moved.contains(axis)) {
                for value in self.scene.space.candidates(axis, trial.own[axis], self.effort.near) {
                    if let Some(values) = self.scene.space.with(trial.own, &trial.at, axis, value) {
                        steps.push(Step { trial: index, axis, point: Point { row: trial.row, values } });
                    }
                }
            }
        }
        let replies = self.ask(&steps)?;
        let mut best: Vec<Option<(f64, usize)>> = vec![None; self.trials.len()];
        let mut lowest: Vec<Vec<f64>> = if first {
            self.trials.iter().map(|trial| vec![trial.margin; trial.own.len()]).collect()
        } else {
            Vec::new()
        };
        for (at, (step, reply)) in steps.iter().zip(&replies).enumerate() {
            let trial = &mut self.trials[step.trial];
            if self.asking.flipped(&step.point, reply) {
                trial.consider(self.scene, &step.point.values);
            }
            if reply.margin < trial.margin && best[step.trial].is_none_or(|(margin, _)| reply.margin < margin) {
                best[step.trial] = Some((reply.margin, at));
            }
            if let Some(lowest) = lowest.get_mut(step.trial)
                && reply.margin < lowest[step.axis]
            {
                lowest[step.axis] = reply.margin;
                trial.downhill[step.axis] = (step.point.values[step.axis] - trial.own[step.axis]).signum();
            }
        }
        for (trial, best) in self.trials.iter_mut().zip(best) {
            if let Some((margin, at)) = best {
                trial.margin = margin;
                trial.at.clone_from(&steps[at].point.values);
                trial.moved.push(steps[at].axis);
            } else {
                trial.moved.clear(); // Nothing helps any more.
            }
        }
        Ok(())
    }

    fn ask(&self, steps: &[Step]) -> Result<Vec<Reply>, CheckError> {
        if steps.is_empty() {
            return Ok(Vec::new());
        }
        self.asking.ask(&steps.iter().map(|step| step.point.clone()).collect::<Vec<Point>>())
    }

    /// Moves all columns together, each in the direction that lowers the margin: for a linear model the smallest change.
    fn all_columns(&mut self) -> Result<(), CheckError> {
        let space = &self.scene.space;
        let mut steps = Vec::new();
        for (index, trial) in self.trials.iter().enumerate() {
            if trial.downhill.iter().all(|direction| *direction == 0.0) {
                continue;
            }
            for (rung, scale) in LADDER.iter().enumerate() {
                let far = self.far(trial, scale * self.effort.near);
                if let Some(values) = space.project(trial.own, &far) {
                    steps.push(Step { trial: index, axis: rung, point: Point { row: trial.row, values } });
                }
            }
        }
        let replies = self.ask(&steps)?;
        let mut first: Vec<Option<usize>> = vec![None; self.trials.len()];
        for (step, reply) in steps.iter().zip(&replies) {
            if self.asking.flipped(&step.point, reply) && first[step.trial].is_none_or(|rung| step.axis < rung) {
                first[step.trial] = Some(step.axis);
                self.trials[step.trial].consider(self.scene, &step.point.values);
            }
        }
        let line = |(trial, rung): (usize, Option<usize>)| {
            let rung = rung?;
            let below = rung.checked_sub(1).map_or(0.0, |below| LADDER[below] / LADDER[rung]);
            let far = self.far(&self.trials[trial], LADDER[rung] * self.effort.near);
            Some(Line { trial, far, low: below, high: 1.0 })
        };
        let lines = first.into_iter().enumerate().filter_map(line).collect();
        self.bisect(lines)
    }

    /// The record with every column moved downhill by some measurement errors.
    fn far(&self, trial: &Trial<'_>, errors: f64) -> Vec<f64> {
        let axes = self.scene.space.axes.iter().zip(trial.own.iter().zip(&trial.downhill));
        axes.map(|(axis, (own, direction))| own + direction * errors * axis.error).collect()
    }

    fn lines_to_best(&self) -> Vec<Line> {
        let line = |(trial, of): (usize, &Trial<'_>)| {
            of.best.as_ref().map(|best| Line { trial, far: best.values.clone(), low: 0.0, high: 1.0 })
        };
        self.trials.iter().enumerate().filter_map(line).collect()
    }

    /// Walks back to the records along lines, as far as the answers stay changed.
    fn bisect(&mut self, mut lines: Vec<Line>) -> Result<(), CheckError> {
        for _ in 0..ROUNDS {
            let mut steps = Vec::new();
            for (index, line) in lines.iter().enumerate() {
                let trial = &self.trials[line.trial];
                let share = f64::midpoint(line.low, line.high);
                let wanted: Vec<f64> =
                    trial.own.iter().zip(&line.far).map(|(own, far)| own + share * (far - own)).collect();
                if let Some(values) = self.scene.space.project(trial.own, &wanted) {
                    steps.push(Step { trial: index, axis: 0, point: Point { row: trial.row, values } });
                }
            }
            let replies = self.ask(&steps)?;
            let mut flips = vec![false; lines.len()];
            for (step, reply) in steps.iter().zip(&replies) {
                flips[step.trial] = self.asking.flipped(&step.point, reply);
                if flips[step.trial] {
                    self.trials[lines[step.trial].trial].consider(self.scene, &step.point.values);
                }
            }
            for (line, flipped) in lines.iter_mut().zip(flips) {
                let middle = f64::midpoint(line.low, line.high);
                if flipped { line.high = middle } else { line.low = middle }
            }
        }
        Ok(())
    }
}
