//! What a sensitive attribute can be: candidate values for the attacker to try, and how a guess is scored.
//!
//! Candidates come from records the attacker may learn from, never from members. An attribute may be several columns (the
//! indicators of a one-hot group), which are always set together to a combination that occurs.

use super::intervals::Intervals;
use crate::data::encode::joint_codes;
use crate::data::{Cells, Table};
use crate::stats::rank::quantile;

/// A sensitive attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attribute {
    /// Its name in the report.
    pub(super) name: String,
    /// Its columns.
    pub(super) columns: Vec<String>,
}

impl Attribute {
    /// The columns in a table; nothing where one is missing.
    pub(super) fn cells<'t>(&self, table: &'t Table) -> Option<Vec<&'t Cells>> {
        self.columns.iter().map(|name| table.column(name).map(|column| &column.cells)).collect()
    }
}

/// The values an attacker tries.
pub(super) enum Domain {
    /// Values (or combinations of several columns) that occur.
    Values {
        /// The value of each member row, then of each non-member row; nothing where it is missing or rarer.
        truth: Vec<Option<u32>>,
        /// A non-member row that has each value.
        exemplars: Vec<usize>,
    },
    /// Points of a number.
    Points {
        /// The number of each member row, then of each non-member row; NaN where it is missing.
        truth: Vec<f64>,
        /// The points, ascending.
        points: Vec<f64>,
        /// How far a right guess may be off, in units of the column.
        tolerance: f64,
        /// Interquartile range among the records the attacker learns from.
        spread: f64,
        /// Whether the column holds whole numbers.
        whole: bool,
        /// The stretches that the points stand for, where the answers can only change between them.
        intervals: Option<Intervals>,
    },
}

/// How finely an attribute is searched.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grid {
    /// Most values; a number with more is searched at points.
    pub(super) values: usize,
    /// Points of such a number.
    pub(super) points: usize,
    /// Most stretches between thresholds of trees of which each is tried instead.
    pub(super) intervals: usize,
    /// Tolerance in units of the column where the plan gives one.
    pub(super) tolerance: Option<f64>,
}

/// The share of the interquartile range within which a guess of a number is right, where the plan says nothing.
const TOLERANCE: f64 = 0.1;

impl Domain {
    /// The candidates that occur among the `auxiliary` non-members; nothing where a column is missing.
    /// `intervals` gives the stretches between thresholds on a column of these numbers, members first.
    pub(super) fn of(
        attribute: &Attribute,
        tables: (&Table, &Table),
        auxiliary: &[usize],
        grid: Grid,
        intervals: impl Fn(&[f64]) -> Option<Intervals>,
    ) -> Option<Self> {
        let (members, others) = (attribute.cells(tables.0)?, attribute.cells(tables.1)?);
        let (in_codes, out_codes, levels) = combined(&members, &others);
        let missing = |cells: &[&Cells], row: usize| cells.iter().any(|cells| cells.is_missing(row));
        let mut counts = vec![0_usize; levels];
        let mut exemplar = vec![usize::MAX; levels];
        for &row in auxiliary.iter().filter(|&&row| !missing(&others, row)) {
            let code = out_codes[row] as usize;
            counts[code] += 1;
            exemplar[code] = exemplar[code].min(row);
        }
        let present = counts.iter().filter(|&&count| count > 0).count();
        if let ([first], [second]) = (&members[..], &others[..])
            && (present > grid.values || grid.tolerance.is_some())
            && matches!(first, Cells::Integer(_) | Cells::Float(_))
            && let (Some(a), Some(b)) = (first.numbers(), second.numbers())
        {
            let intervals = intervals(&[&a[..], &b[..]].concat()).filter(|found| found.len() <= grid.intervals);
            return Some(Self::points(a, b, auxiliary, grid, matches!(first, Cells::Integer(_)), intervals));
        }
        let mut order: Vec<usize> = (0..levels).filter(|&code| counts[code] > 0).collect();
        // By falling frequency, equally frequent ones by their first row among those learned from.
        order.sort_by_key(|&code| (std::cmp::Reverse(counts[code]), exemplar[code]));
        order.truncate(grid.values);
        let mut candidate: Vec<Option<u32>> = vec![None; levels];
        order.iter().enumerate().for_each(|(at, &code)| candidate[code] = Some(at as u32));
        let truth = in_codes.iter().chain(&out_codes).map(|&code| candidate[code as usize]).collect();
        Some(Self::Values { truth, exemplars: order.into_iter().map(|code| exemplar[code]).collect() })
    }

    /// Points in the stretches between thresholds, else at the quantiles of what the attacker knows.
    fn points(
        members: Vec<f64>,
        others: Vec<f64>,
        auxiliary: &[usize],
        grid: Grid,
        whole: bool,
        intervals: Option<Intervals>,
    ) -> Self {
        let mut known: Vec<f64> = auxiliary.iter().map(|&row| others[row]).filter(|value| value.is_finite()).collect();
        known.sort_by(f64::total_cmp);
        let at = |q: f64| if known.is_empty() { 0.0 } else { quantile(&known, q) };
        let spread = at(0.75) - at(0.25);
        let round = |value: f64| if whole { value.round() } else { value };
        let count = grid.points.max(2);
        let mut points: Vec<f64> = if known.is_empty() {
            Vec::new()
        } else {
            (0..count).map(|i| round(at((i as f64 + 0.5) / count as f64))).collect()
        };
        points.dedup();
        let mut found = None;
        if let (Some(intervals), false) = (intervals, known.is_empty()) {
            let (left, values) = intervals.with_values(&known, whole);
            points = values;
            found = Some(left);
        }
        let tolerance = grid.tolerance.unwrap_or(TOLERANCE * spread);
        let mut truth = members;
        truth.extend(others);
        truth.iter_mut().filter(|value| !value.is_finite()).for_each(|value| *value = f64::NAN);
        Self::Points { truth, points, tolerance, spread, whole, intervals: found }
    }

    /// Whether values between the candidates can be tried too.
    pub(super) fn is_smooth(&self) -> bool {
        matches!(self, Self::Points { whole: false, intervals: None, .. })
    }

    /// Number of candidates.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Values { exemplars, .. } => exemplars.len(),
            Self::Points { points, .. } => points.len(),
        }
    }

    /// Whether the value of a row is known and, where values are tried, one of them: another can be guessed by nobody, and
    /// counting it as a failure of both adversaries would shrink any leak.
    pub(super) fn is_attackable(&self, row: usize) -> bool {
        match self {
            Self::Values { truth, .. } => truth[row].is_some(),
            Self::Points { truth, .. } => !truth[row].is_nan(),
        }
    }

    /// The candidate of each row: its value, or the point nearest to its number; 0 where it has none.
    pub(super) fn labels(&self) -> Vec<u32> {
        match self {
            Self::Values { truth, .. } => truth.iter().map(|code| code.unwrap_or(0)).collect(),
            Self::Points { truth, .. } => truth.iter().map(|&value| self.place(value) as u32).collect(),
        }
    }

    /// The point that stands for a number: that of its stretch, or the nearest; 0 for a missing one and among values.
    pub(super) fn place(&self, value: f64) -> usize {
        match self {
            Self::Values { .. } => 0,
            Self::Points { intervals: Some(intervals), .. } => intervals.place(value),
            Self::Points { points, .. } => nearest(points, value),
        }
    }

    /// The cells of a column for records into each of which a candidate is put.
    pub(super) fn column(&self, cells: &Cells, candidates: &[usize]) -> Cells {
        match self {
            Self::Values { exemplars, .. } => {
                cells.take(&candidates.iter().map(|&candidate| exemplars[candidate]).collect::<Vec<usize>>())
            }
            Self::Points { points, .. } => {
                self.numbers(candidates.iter().map(|&candidate| points[candidate]).collect())
            }
        }
    }

    /// Numbers as cells of the column.
    pub(super) fn numbers(&self, values: Vec<f64>) -> Cells {
        match self {
            Self::Points { whole: true, .. } => {
                Cells::Integer(values.into_iter().map(|value| Some(value.round() as i64)).collect())
            }
            _ => Cells::Float(values),
        }
    }
}

/// Codes of combinations of cells over both tables.
fn combined(members: &[&Cells], others: &[&Cells]) -> (Vec<u32>, Vec<u32>, usize) {
    let pairs: Vec<(Vec<u32>, Vec<u32>, usize)> = members.iter().zip(others).map(|(a, b)| joint_codes(a, b)).collect();
    let mut pairs = pairs.into_iter();
    let Some(first) = pairs.next() else { return (Vec::new(), Vec::new(), 0) };
    pairs.fold(first, |(a, b, _), (c, d, more)| {
        // Numbered anew in order of appearance, so that codes stay dense however many columns there are.
        let mut seen = std::collections::BTreeMap::new();
        let mut code = |x: u32, y: u32| {
            let next = seen.len() as u32;
            *seen.entry(u64::from(x) * more as u64 + u64::from(y)).or_insert(next)
        };
        let first = a.iter().zip(&c).map(|(&x, &y)| code(x, y)).collect();
        let second = b.iter().zip(&d).map(|(&x, &y)| code(x, y)).collect();
        (first, second, seen.len())
    })
}

/// The place of the point nearest to a value, the lower of two; 0 for a missing value.
pub(super) fn nearest(points: &[f64], value: f64) -> usize {
    let after = points.partition_point(|&point| point < value);
    match (after.checked_sub(1), points.get(after)) {
        (Some(before), Some(&point)) => {
            if point - value < value - points[before] {
                after
            } else {
                before
            }
        }
        (Some(before), None) => before,
        (None, _) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::specimen::{integers, numbers};

    const GRID: Grid = Grid { values: 20, points: 10, intervals: 256, tolerance: None };

    fn no_trees(_: &[f64]) -> Option<Intervals> {
        None
    }

    fn attribute(columns: &[&str]) -> Attribute {
        Attribute { name: "a".to_owned(), columns: columns.iter().map(|&name| name.to_owned()).collect() }
    }

    #[test]
    fn numbers_with_many_values_are_searched_at_their_quantiles_negative_ones_too() {
        let values: Vec<f64> = (0..1001).map(|i| f64::from(i) / 100.0 - 10.0).collect(); // -10 to 0
        let table = Table::new(vec![numbers("a", values)]);
        let auxiliary: Vec<usize> = (0..1001).collect();
        let Some(Domain::Points { points, tolerance, spread, .. }) =
            Domain::of(&attribute(&["a"]), (&table, &table), &auxiliary, GRID, no_trees)
        else {
            panic!("points")
        };
        assert_eq!((points.len(), points[0], points[9]), (10, -9.5, -0.5));
        assert!((spread - 5.0).abs() < 1e-9 && (tolerance - 0.5).abs() < 1e-9);
        assert_eq!(nearest(&points, -9.1), 0);
        assert_eq!(nearest(&points, -8.9), 1);
        assert_eq!((nearest(&points, -99.0), nearest(&points, 99.0)), (0, 9));
    }

    #[test]
    fn a_one_hot_group_is_one_attribute_of_combinations_that_occur() {
        let on = |which: u32| (0..30).map(|row| u32::from(row % 3 == which)).collect::<Vec<u32>>();
        let table = Table::new(vec![integers("x", &on(0)), integers("y", &on(1)), integers("z", &on(2))]);
        let attribute = attribute(&["x", "y", "z"]);
        let rows: Vec<usize> = (0..30).collect();
        let domain = Domain::of(&attribute, (&table, &table), &rows, GRID, no_trees).unwrap();
        assert_eq!(domain.len(), 3, "of eight combinations three occur");
        for candidate in 0..3 {
            let set: Vec<Option<String>> = attribute
                .cells(&table)
                .unwrap()
                .into_iter()
                .map(|cells| domain.column(cells, &[candidate]).text(0))
                .collect();
            assert_eq!(set.iter().filter(|cell| cell.as_deref() == Some("1")).count(), 1, "{set:?}");
        }
        assert_eq!(domain.labels()[..6], [0, 1, 2, 0, 1, 2]);
    }

    #[test]
    fn values_nobody_learned_from_and_missing_ones_are_not_attacked() {
        let members = Table::new(vec![integers("a", &[1, 2, 3])]);
        let others = Table::new(vec![integers("a", &[1, 2, 2])]);
        let domain = Domain::of(&attribute(&["a"]), (&members, &others), &[0, 1, 2], GRID, no_trees).unwrap();
        let attackable: Vec<bool> = (0..6).map(|row| domain.is_attackable(row)).collect();
        assert_eq!(attackable, [true, true, false, true, true, true]);
        assert_eq!(domain.labels(), [1, 0, 0, 1, 0, 0], "the more frequent value is the first");
    }
}
