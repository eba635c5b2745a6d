//! What an inverted record is made of: numbers within the bounds that hold-out records have, and choices among the values that
//! they have. Refuses to be printed: its points are guesses of patients' records.

use super::likeness::{Picture, by_columns};
use crate::data::encode::{Slot, joint_codes};
use crate::data::{Cells, Column, Features, Split, Table};
use crate::stats::rank::quantile;
use crate::tensor::{Element, Tensor, Values};

/// Values of a number that a search over coordinates tries.
const TRIED: usize = 8;
/// Most values of a text that it tries, the most frequent ones.
const MOST_LEVELS: usize = 12;
/// The code of a value that no record of the attacker has.
const ABSENT: u32 = u32::MAX;
/// The most that one number counts, in units of what strangers are apart: an outlier is not everything.
const FARTHEST: f64 = 2.0;

/// A record under construction, or one of a person in the same terms.
#[derive(Clone, PartialEq)]
pub(in crate::check::inversion) struct Point {
    /// One per axis.
    pub(in crate::check::inversion) numbers: Vec<f64>,
    /// One per choice: the place of the value in its list.
    pub(in crate::check::inversion) choices: Vec<u32>,
}

/// A number of the record.
pub(in crate::check::inversion) struct Axis {
    /// Its column, or its place in the tensor.
    at: usize,
    /// Smallest and largest value among the attacker's records.
    pub(in crate::check::inversion) low: f64,
    pub(in crate::check::inversion) high: f64,
    pub(in crate::check::inversion) mean: f64,
    /// Standard deviation; 0 where it does not vary, and then it is never moved.
    pub(in crate::check::inversion) spread: f64,
    /// Whether only whole numbers are values.
    pub(in crate::check::inversion) whole: bool,
    /// Values that others have, at even distances in rank.
    pub(in crate::check::inversion) candidates: Vec<f64>,
}

/// A text, or true and false.
pub(in crate::check::inversion) struct Choice {
    /// Its column.
    at: usize,
    /// For each value a row of the non-members that has it.
    rows: Vec<usize>,
    /// The place of the value in `rows` of each member and of each non-member.
    codes: (Vec<u32>, Vec<u32>),
    /// How many of the values are tried.
    pub(in crate::check::inversion) tried: usize,
    /// How probable it is that two of the attacker's records differ.
    strangers: f64,
}

/// Which of the two sets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::check::inversion) enum Side {
    Members,
    Others,
}

/// Everything that points are made of.
pub(in crate::check::inversion) struct Canvas<'a> {
    split: &'a Split,
    pub(in crate::check::inversion) axes: Vec<Axis>,
    pub(in crate::check::inversion) choices: Vec<Choice>,
    picture: Option<Picture>,
}

impl<'a> Canvas<'a> {
    /// The canvas that the attacker's rows of the non-members span; nothing where the model takes texts in a tensor.
    pub(in crate::check::inversion) fn of(split: &'a Split, slots: &[Slot], known: &[usize]) -> Option<Self> {
        let mut canvas = Self { split, axes: Vec::new(), choices: Vec::new(), picture: None };
        match &split.nonmembers.features {
            Features::Tensor(tensor) => canvas.add_tensor(&tensor.take(known), slots)?,
            Features::Table(table) => {
                let fed = |name: &String| slots.iter().any(|slot| slot.columns.contains(name));
                for (at, column) in table.columns().iter().enumerate().filter(|(_, column)| fed(&column.name)) {
                    match (&column.cells, column.cells.take(known).numbers()) {
                        (Cells::Float(_) | Cells::Integer(_), Some(numbers)) => {
                            // A column of floats may feed an input of whole numbers.
                            let floats = |slot: &&Slot| matches!(slot.element, Element::F32 | Element::F64);
                            let mut fed = slots.iter().filter(|slot| slot.columns.contains(&column.name));
                            let whole = matches!(column.cells, Cells::Integer(_)) || !fed.all(|slot| floats(&slot));
                            canvas.axes.push(Axis::of(at, &numbers, whole));
                        }
                        _ => canvas.choices.push(Choice::of(at, split, column, known)?),
                    }
                }
            }
        }
        Some(canvas)
    }

    fn add_tensor(&mut self, known: &Tensor, slots: &[Slot]) -> Option<()> {
        let values = known.to_f64()?;
        let width = known.row_len();
        let column = |at: usize| values.iter().skip(at).step_by(width).copied().collect::<Vec<f64>>();
        let whole = slots.iter().all(|slot| !matches!(slot.element, Element::F32 | Element::F64));
        self.axes = (0..width).map(|at| Axis::of(at, &column(at), whole)).collect();
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        self.picture = Picture::of(&known.row_shape, high - low);
        if self.picture.is_some() {
            // One scale for all points of a picture: those at its border hardly vary, and may all the same.
            let mean_square = self.axes.iter().map(|axis| axis.spread.powi(2)).sum::<f64>() / width.max(1) as f64;
            self.axes.iter_mut().for_each(|axis| (axis.low, axis.high, axis.spread) = (low, high, mean_square.sqrt()));
        }
        Some(())
    }

    /// The column that an axis is; nothing where records are tensors.
    pub(in crate::check::inversion) fn column(&self, axis: usize) -> Option<&str> {
        let table = self.split.nonmembers.table()?;
        table.columns().get(self.axes.get(axis)?.at).map(|column| column.name.as_str())
    }

    /// Whether records are rows of a table.
    pub(in crate::check::inversion) fn is_table(&self) -> bool {
        self.split.nonmembers.table().is_some()
    }

    /// Whether there are numbers that vary.
    pub(in crate::check::inversion) fn has_numbers(&self) -> bool {
        self.axes.iter().any(|axis| axis.spread > 0.0)
    }

    /// Records of people as points.
    pub(in crate::check::inversion) fn people(&self, side: Side, rows: &[usize]) -> Vec<Point> {
        let records = if side == Side::Members { &self.split.members } else { &self.split.nonmembers };
        let numbers: Vec<Vec<f64>> = match &records.features {
            Features::Tensor(tensor) => {
                let taken = tensor.take(rows);
                taken.to_f64().unwrap_or_default().chunks(taken.row_len().max(1)).map(<[f64]>::to_vec).collect()
            }
            Features::Table(table) => {
                let column = |axis: &Axis| table.columns()[axis.at].cells.take(rows).numbers().unwrap_or_default();
                let columns: Vec<Vec<f64>> = self.axes.iter().map(column).collect();
                (0..rows.len()).map(|row| columns.iter().map(|column| column[row]).collect()).collect()
            }
        };
        let code = |choice: &Choice, row: usize| {
            if side == Side::Members { choice.codes.0[row] } else { choice.codes.1[row] }
        };
        let point = |(numbers, &row): (Vec<f64>, &usize)| Point {
            numbers,
            choices: self.choices.iter().map(|choice| code(choice, row)).collect(),
        };
        numbers.into_iter().zip(rows).map(point).collect()
    }

    /// The mean of some records; of texts the most frequent one.
    pub(in crate::check::inversion) fn mean(&self, points: &[Point]) -> Point {
        let number = |at: usize| {
            let (mut sum, mut n) = (0.0, 0.0);
            for value in points.iter().map(|point| point.numbers[at]).filter(|value| value.is_finite()) {
                sum += value;
                n += 1.0;
            }
            if n > 0.0 { sum / n } else { self.axes[at].mean }
        };
        let usual = |at: usize| {
            let mut counts = vec![0_usize; self.choices[at].rows.len()];
            for point in points {
                if let Some(count) = counts.get_mut(point.choices[at] as usize) {
                    *count += 1;
                }
            }
            // The first of equals.
            (0..counts.len()).rev().max_by_key(|&level| counts[level]).unwrap_or(0) as u32
        };
        Point {
            numbers: (0..self.axes.len()).map(number).collect(),
            choices: (0..self.choices.len()).map(usual).collect(),
        }
    }

    /// The nearest point that the model may be asked about: within the bounds, whole where it has to be.
    pub(in crate::check::inversion) fn settled(&self, mut point: Point) -> Point {
        for (value, axis) in point.numbers.iter_mut().zip(&self.axes) {
            if axis.spread > 0.0 {
                *value = value.clamp(axis.low, axis.high);
            } else {
                *value = axis.mean;
            }
            if axis.whole {
                *value = value.round();
            }
        }
        point
    }

    /// Points as records.
    pub(in crate::check::inversion) fn features(&self, points: &[Point]) -> Features {
        let table = match &self.split.nonmembers.features {
            Features::Tensor(tensor) => {
                let values = points.iter().flat_map(|point| point.numbers.iter().copied()).collect();
                return Features::Tensor(Tensor { row_shape: tensor.row_shape.clone(), values: Values::F64(values) });
            }
            Features::Table(table) => table,
        };
        let column = |at: usize, cells: Cells| Column { name: table.columns()[at].name.clone(), cells };
        let numbers = self.axes.iter().enumerate().map(|(place, axis)| {
            let values = points.iter().map(|point| point.numbers[place]);
            let cells = if axis.whole {
                Cells::Integer(values.map(|value| value.is_finite().then_some(value as i64)).collect())
            } else {
                Cells::Float(values.collect())
            };
            column(axis.at, cells)
        });
        let texts = self.choices.iter().enumerate().map(|(place, choice)| {
            let rows: Vec<usize> = points.iter().map(|point| choice.rows[point.choices[place] as usize]).collect();
            column(choice.at, table.columns()[choice.at].cells.take(&rows))
        });
        Features::Table(Table::new(numbers.chain(texts).collect()))
    }

    /// How alike a point and a person are: 1 for equal ones, about 0 for strangers.
    pub(in crate::check::inversion) fn likeness(&self, point: &Point, person: &Point) -> f64 {
        if let Some(picture) = &self.picture {
            return picture.similarity(&point.numbers, &person.numbers);
        }
        let varying = self.axes.iter().enumerate().filter(|(_, axis)| axis.spread > 0.0);
        let numbers = varying.map(|(at, axis)| {
            let moved = (point.numbers[at] - person.numbers[at]) / axis.spread;
            // Two strangers differ by twice the variance; what is missing is as far as a stranger.
            (if moved.is_finite() { (moved * moved / 2.0).min(FARTHEST) } else { 1.0 }, 1.0)
        });
        let texts = self
            .choices
            .iter()
            .enumerate()
            .map(|(at, choice)| (f64::from(u8::from(point.choices[at] != person.choices[at])), choice.strangers));
        by_columns(numbers.chain(texts))
    }

    /// Share of the numbers of a point that lie at the edge of their range.
    pub(in crate::check::inversion) fn saturation(&self, point: &Point) -> f64 {
        let varying: Vec<(&Axis, f64)> =
            self.axes.iter().zip(point.numbers.iter().copied()).filter(|(axis, _)| axis.spread > 0.0).collect();
        let at_edge = varying.iter().filter(|(axis, value)| *value <= axis.low || *value >= axis.high).count();
        at_edge as f64 / varying.len().max(1) as f64
    }
}

impl Axis {
    fn of(at: usize, numbers: &[f64], whole: bool) -> Self {
        let mut known: Vec<f64> = numbers.iter().copied().filter(|value| value.is_finite()).collect();
        known.sort_by(f64::total_cmp);
        let n = known.len().max(1) as f64;
        let mean = known.iter().sum::<f64>() / n;
        let spread = (known.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n).sqrt();
        let (low, high) = (known.first().copied().unwrap_or(0.0), known.last().copied().unwrap_or(0.0));
        // Less than the rounding of the numbers themselves is no variation.
        let varies = spread.is_finite() && spread > 1e-9 * mean.abs() && high > low;
        // A column without a known value is asked about as it is: missing.
        let mean = if known.is_empty() { f64::NAN } else { mean };
        Self { at, low, high, mean, spread: if varies { spread } else { 0.0 }, whole, candidates: tried(&known) }
    }
}

/// Values at even distances in rank, each once.
fn tried(sorted: &[f64]) -> Vec<f64> {
    if sorted.is_empty() {
        return Vec::new();
    }
    let mut values: Vec<f64> = (0..TRIED).map(|at| quantile(sorted, (at as f64 + 0.5) / TRIED as f64)).collect();
    values.dedup();
    values
}

impl Choice {
    /// How many values there are.
    pub(in crate::check::inversion) fn values(&self) -> usize {
        self.rows.len()
    }

    fn of(at: usize, split: &Split, column: &Column, known: &[usize]) -> Option<Self> {
        let members = split.members.table()?.column(&column.name)?;
        let (others, members, levels) = joint_codes(&column.cells, &members.cells);
        let mut counts = vec![0_usize; levels];
        let mut shown = vec![None; levels];
        for &row in known {
            counts[others[row] as usize] += 1;
            shown[others[row] as usize].get_or_insert(row);
        }
        let mut order: Vec<usize> = (0..levels).filter(|&level| counts[level] > 0).collect();
        order.sort_by_key(|&level| std::cmp::Reverse(counts[level]));
        let mut place = vec![ABSENT; levels];
        order.iter().enumerate().for_each(|(to, &level)| place[level] = to as u32);
        let total = known.len().max(1) as f64;
        let alike: f64 = counts.iter().map(|&count| (count as f64 / total).powi(2)).sum();
        let recoded = |codes: Vec<u32>| codes.into_iter().map(|code| place[code as usize]).collect();
        Some(Self {
            at,
            rows: order.iter().filter_map(|&level| shown[level]).collect(),
            codes: (recoded(members), recoded(others)),
            tried: order.len().min(MOST_LEVELS),
            strangers: 1.0 - alike,
        })
    }
}
