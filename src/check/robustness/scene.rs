//! What the checks of the family work with: the records of both sides in one table, the space they move in, and the way to
//! ask about moved ones.

use std::sync::atomic::{AtomicU64, Ordering};

use super::rules::Rules;
use super::space::{Axis, Space};
use crate::check::records::{patients, stacked};
use crate::check::{Audited, CheckError, Subject, Truth};
use crate::data::encode::tensors;
use crate::data::{Cells, Column, DataError, Features, Table};
use crate::learn::folds;
use crate::model::Predictions;
use crate::seed::Seed;
use crate::watch::{Event, Unwatched, Watch};

/// Rows that are in memory at once.
const AT_ONCE: usize = 1 << 15;

/// Records of both sides, members first.
pub(super) struct Scene<'a> {
    pub(super) model: &'a Audited,
    pool: Table,
    pub(super) space: Space,
    /// The numbers of every record.
    pub(super) values: Vec<Vec<f64>>,
    /// How many are members.
    pub(super) members: usize,
    /// What the model says about each.
    pub(super) answered: Vec<u32>,
    /// What is right.
    pub(super) truth: Vec<u32>,
    patients: Vec<u32>,
}

/// The records that are looked at, in random order.
pub(super) struct Sample {
    pub(super) members: Vec<usize>,
    pub(super) nonmembers: Vec<usize>,
    /// Records that break the rules as they are and were left out, and of how many.
    pub(super) unruly: (usize, usize),
}

impl Sample {
    /// Both sides, members first.
    pub(super) fn rows(&self) -> Vec<usize> {
        [&self.members[..], &self.nonmembers[..]].concat()
    }
}

/// A record with other numbers.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Point {
    /// The record it is made of.
    pub(super) row: usize,
    /// Its numbers.
    pub(super) values: Vec<f64>,
}

/// What the model says about a point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Reply {
    pub(super) class: u32,
    /// By how much the score of the record's own answer exceeds the best other one; 1 or -1 where there are no scores.
    pub(super) margin: f64,
}

impl<'a> Scene<'a> {
    /// The scene of an assessment; nothing where there is nothing to work with.
    ///
    /// # Errors
    /// When the plan names columns that are not there or hold no numbers, or nothing can be changed.
    pub(super) fn of(subject: &Subject<'a>, rules: &Rules, quantiles: usize) -> Result<Option<Self>, CheckError> {
        let (Some(model), Some(split)) = (subject.model, subject.split) else { return Ok(None) };
        let (Some(members), Some(nonmembers)) = (&model.members, &model.nonmembers) else { return Ok(None) };
        let Some(Truth::Classes(truth)) = members.truth.joined(&nonmembers.truth) else { return Ok(None) };
        let feeds = |name: &str| model.slots.iter().any(|slot| slot.columns.iter().any(|column| column == name));
        let named = rules.named();
        let Some(pool) = stacked(split, |name| feeds(name) || named.iter().any(|(_, column)| *column == name)) else {
            return Ok(None);
        };
        for (setting, column) in named {
            refuse_unknown(&pool, setting, column)?;
        }
        let space = Space::of(&pool, split.members.len(), rules, quantiles, feeds);
        for axis in &space.axes {
            refuse_step(&pool, axis)?;
        }
        let answer = |answers: &Predictions| (0..answers.rows()).map(|row| answers.class(row)).collect::<Vec<u32>>();
        let answered = [answer(&members.predictions), answer(&nonmembers.predictions)].concat();
        let values = space.values(&pool);
        let (a, b) = patients(split);
        let patients = [a, b].concat();
        Ok(Some(Self { model, pool, space, values, members: split.members.len(), answered, truth, patients }))
    }

    /// Up to `most` records of each side that keep the rules, one of each patient, in random order.
    pub(super) fn sample(&self, most: usize, seed: Seed) -> Sample {
        let mut kept = 0;
        let mut seen = 0;
        let mut side = |rows: std::ops::Range<usize>, name: &str| {
            let first = rows.start;
            let own = &self.patients[rows];
            let mut chosen: Vec<usize> =
                folds::representatives(own, seed.derive(name)).into_iter().map(|row| first + row).collect();
            seen += chosen.len();
            chosen.retain(|&row| self.space.keeps_rules(&self.values[row]));
            kept += chosen.len();
            rand::seq::SliceRandom::shuffle(&mut chosen[..], &mut seed.derive(name).derive("order").stream());
            chosen.truncate(most);
            chosen
        };
        let (members, nonmembers) =
            (side(0..self.members, "members"), side(self.members..self.pool.rows(), "nonmembers"));
        Sample { members, nonmembers, unruly: (seen - kept, seen) }
    }

    /// Whether the model gives scores.
    pub(super) fn scores(&self) -> bool {
        matches!(self.model.members.as_ref().map(|answers| &answers.predictions), Some(Predictions::Scores { .. }))
    }

    fn features(&self, points: &[Point]) -> Features {
        let rows: Vec<usize> = points.iter().map(|point| point.row).collect();
        let mut axes = self.space.axes.iter().enumerate().peekable();
        let columns = self.pool.columns().iter().enumerate().map(|(at, column)| {
            let axis = axes.next_if(|(_, axis)| axis.at == at);
            let cells = match axis {
                Some((axis, _)) => moved(&column.cells, points.iter().map(|point| point.values[axis])),
                None => column.cells.take(&rows),
            };
            Column { name: column.name.clone(), cells }
        });
        Features::Table(Table::new(columns.collect()))
    }
}

fn refuse_unknown(pool: &Table, setting: &str, column: &str) -> Result<(), CheckError> {
    let help = "name a column of numbers of the data; `privet explain robustness/adversarial` says what is taken";
    let shape = |what: String| CheckError::Data(DataError::Shape { what, help: help.to_owned() });
    match pool.column(column) {
        None => Err(shape(format!("`{setting}` names `{column}`, which is no column of the data"))),
        // Texts are never changed: to say so is no mistake.
        Some(found) if found.cells.numbers().is_none() && setting != "robustness.immutable" => {
            Err(shape(format!("`{setting}` names `{column}`, which holds text; only numbers are changed")))
        }
        Some(_) => Ok(()),
    }
}

fn refuse_step(pool: &Table, axis: &Axis) -> Result<(), CheckError> {
    let whole = !matches!(pool.columns().get(axis.at).map(|column| &column.cells), Some(Cells::Float(_)));
    if !whole || axis.step.fract() == 0.0 {
        return Ok(());
    }
    Err(CheckError::Data(DataError::Shape {
        what: format!("`robustness.step` of `{}` is no whole number, and the column holds whole numbers", axis.name),
        help: format!("use a whole step, or set `[columns.types] {} = \"float\"`", axis.name),
    }))
}

/// Cells of the type of a column.
fn moved(like: &Cells, values: impl Iterator<Item = f64>) -> Cells {
    match like {
        Cells::Integer(_) => Cells::Integer(values.map(|v| (!v.is_nan()).then_some(v as i64)).collect()),
        Cells::Bool(_) => Cells::Bool(values.map(|v| (!v.is_nan()).then_some(v > 0.5)).collect()),
        Cells::Float(_) | Cells::Text { .. } => Cells::Float(values.collect()),
    }
}

/// Questions about points, with the progress of them all.
pub(super) struct Asking<'a> {
    scene: &'a Scene<'a>,
    step: &'static str,
    watch: &'a dyn Watch,
    total: u64,
    asked: AtomicU64,
}

impl<'a> Asking<'a> {
    /// Questions of a check: about `total` in all.
    pub(super) fn new(scene: &'a Scene<'a>, step: &'static str, watch: &'a dyn Watch, total: usize) -> Self {
        Self { scene, step, watch, total: total as u64, asked: AtomicU64::new(0) }
    }

    /// How many were asked.
    pub(super) fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    /// What the model says about some points, in order.
    ///
    /// # Errors
    /// When the model cannot be asked.
    pub(super) fn ask(&self, points: &[Point]) -> Result<Vec<Reply>, CheckError> {
        let mut replies = Vec::with_capacity(points.len());
        for chunk in points.chunks(AT_ONCE) {
            let inputs = tensors(&self.scene.features(chunk), &self.scene.model.slots)?;
            let answers = self.scene.model.target.query(&inputs, self.step, &Unwatched)?;
            replies.extend(chunk.iter().enumerate().map(|(at, point)| {
                let own = self.scene.answered[point.row];
                let class = answers.class(at);
                Reply { class, margin: margin(&answers, at, own, class) }
            }));
            let done = self.asked.fetch_add(chunk.len() as u64, Ordering::Relaxed) + chunk.len() as u64;
            self.watch.on(&Event::Progress { step: self.step, done: done.min(self.total), total: self.total });
        }
        Ok(replies)
    }

    /// Whether the model's answer about a point is another than about its record.
    pub(super) fn flipped(&self, point: &Point, reply: &Reply) -> bool {
        reply.class != self.scene.answered[point.row]
    }
}

fn margin(answers: &Predictions, at: usize, own: u32, class: u32) -> f64 {
    match answers {
        Predictions::Scores { classes, values, .. } if (own as usize) < *classes => {
            let row = &values[at * classes..(at + 1) * classes];
            let others = row.iter().enumerate().filter(|(other, _)| *other != own as usize).map(|(_, score)| *score);
            let best = others.fold(f64::NEG_INFINITY, f64::max);
            row[own as usize] - best
        }
        _ => {
            if class == own {
                1.0
            } else {
                -1.0
            }
        }
    }
}
