//! Where a record may be moved: the numbers of its columns, what each may become, and how far that is.

use super::relation::Bound;
use super::rules::{Direction, Rules};
use crate::data::{Cells, Table};
use crate::stats::rank::quantile;

/// What a value may be off a grid, in steps.
const OFF_GRID: f64 = 1e-6;

/// A column of numbers.
#[derive(Debug, Clone)]
pub(super) struct Axis {
    pub(super) name: String,
    /// Its place in the pooled table.
    pub(super) at: usize,
    /// One standard deviation of the error of measurement; 0 where it has none.
    pub(super) error: f64,
    /// Whether the plan states that error.
    pub(super) declared: bool,
    /// Whether measurement adds noise.
    pub(super) noisy: bool,
    /// Smallest and largest value, and where they come from.
    range: (f64, f64),
    bounds: Bounds,
    /// Zero for a column without steps.
    pub(super) step: f64,
    pub(super) free: bool,
    direction: Option<Direction>,
    /// Its group of columns of which one is 1.
    group: Option<usize>,
    /// Values of non-members at even distances in rank.
    quantiles: Vec<f64>,
}

/// Where a range comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bounds {
    /// The plan states it: nothing lies outside.
    Stated,
    /// It was seen among non-members: a record may lie outside.
    Seen,
}

/// All columns of numbers, and the rules between them.
#[derive(Debug, Clone)]
pub(super) struct Space {
    pub(super) axes: Vec<Axis>,
    groups: Vec<Vec<usize>>,
    relations: Vec<Bound>,
}

impl Space {
    /// The space of a pooled table whose non-members start at `first`. `feeds` says whether the model takes a column.
    pub(super) fn of(
        pool: &Table,
        first: usize,
        rules: &Rules,
        quantiles: usize,
        feeds: impl Fn(&str) -> bool,
    ) -> Self {
        let mut axes: Vec<Axis> = Vec::new();
        for (at, column) in pool.columns().iter().enumerate() {
            let Some(numbers) = column.cells.numbers() else { continue };
            let seen = Seen::of(numbers.get(first..).unwrap_or_default());
            let name = column.name.clone();
            let group = rules.one_hot.iter().position(|group| group.contains(&name));
            let declared = rules.measurement_error.get(&name).copied();
            let whole = !matches!(column.cells, Cells::Float(_));
            let step = rules.step.get(&name).copied().unwrap_or(if whole || group.is_some() { 1.0 } else { 0.0 });
            let error = declared.unwrap_or(rules.default_error * seen.deviation);
            let flag = matches!(column.cells, Cells::Bool(_)) || group.is_some();
            // True and false have no error of measurement; an attacker changes them where the plan says so.
            let named = rules.mutable.as_ref().is_some_and(|names| names.contains(&name));
            let free = rules.may_change(&name)
                && (!matches!(column.cells, Cells::Bool(_)) || named || group.is_some())
                && error > 0.0
                && feeds(&name);
            let stated = rules.bounds.get(&name);
            axes.push(Axis {
                at,
                error,
                declared: declared.is_some(),
                noisy: feeds(&name) && error > 0.0 && !flag && (declared.is_some() || rules.may_change(&name)),
                range: stated.map_or(seen.range, |[low, high]| (*low, *high)),
                bounds: if stated.is_some() { Bounds::Stated } else { Bounds::Seen },
                step,
                free,
                direction: rules.direction.get(&name).copied(),
                group,
                quantiles: seen.quantiles(quantiles),
                name,
            });
        }
        // Whatever an equation gives follows from the others: moving it alone leads nowhere.
        let place = |name: &str| axes.iter().position(|axis| axis.name == name);
        let relations = rules.relations.iter().filter_map(|relation| relation.bind(place)).collect();
        let groups = rules.one_hot.iter().map(|group| group.iter().filter_map(|name| place(name)).collect()).collect();
        Self { axes, groups, relations }
    }

    /// The numbers of all rows, one list per row.
    pub(super) fn values(&self, pool: &Table) -> Vec<Vec<f64>> {
        let columns: Vec<Vec<f64>> = self
            .axes
            .iter()
            .map(|axis| pool.columns().get(axis.at).and_then(|column| column.cells.numbers()).unwrap_or_default())
            .collect();
        (0..pool.rows()).map(|row| columns.iter().map(|c| c.get(row).copied().unwrap_or(f64::NAN)).collect()).collect()
    }

    /// Whether columns can be moved one by one: nothing ties one to another.
    pub(super) fn separable(&self) -> bool {
        self.relations.is_empty() && self.groups.is_empty()
    }

    /// Whether a record keeps the rules as it is.
    pub(super) fn keeps_rules(&self, record: &[f64]) -> bool {
        self.relations.iter().all(|relation| relation.holds(record))
            && self.groups.iter().all(|group| one_hot(group, record))
            && self.axes.iter().zip(record).all(|(axis, &value)| {
                axis.bounds == Bounds::Seen || value.is_nan() || (axis.range.0 <= value && value <= axis.range.1)
            })
    }

    /// The range in which one number of a record may move.
    pub(super) fn reach(&self, axis: usize, own: f64) -> (f64, f64) {
        let Some(axis) = self.axes.get(axis).filter(|axis| axis.free && own.is_finite()) else { return (own, own) };
        let low = if axis.direction == Some(Direction::Up) { own } else { axis.range.0.min(own) };
        let high = if axis.direction == Some(Direction::Down) { own } else { axis.range.1.max(own) };
        (low, high)
    }

    /// The nearest value to `wanted` that one number of a record may take.
    fn settle(&self, axis: usize, own: f64, wanted: f64) -> f64 {
        let (low, high) = self.reach(axis, own);
        if low.to_bits() == high.to_bits() || wanted.is_nan() {
            return own;
        }
        let inside = wanted.clamp(low, high);
        let step = self.axes.get(axis).map_or(0.0, |axis| axis.step);
        if step <= 0.0 { inside } else { on_grid(own, inside, step, low, high) }
    }

    /// The nearest record to `wanted` that may be made of `own`; nothing where a relation forbids it.
    pub(super) fn project(&self, own: &[f64], wanted: &[f64]) -> Option<Vec<f64>> {
        let mut record: Vec<f64> =
            own.iter().zip(wanted).enumerate().map(|(axis, (&own, &wanted))| self.settle(axis, own, wanted)).collect();
        for group in &self.groups {
            let movable = group.iter().all(|&at| self.axes[at].free) && one_hot(group, own);
            let hot = group.iter().copied().reduce(|best, at| if wanted[at] > wanted[best] { at } else { best });
            for &at in group {
                record[at] = if movable { f64::from(u8::from(hot == Some(at))) } else { own[at] };
            }
        }
        self.solve(&mut record);
        self.permits(own, &record).then_some(record)
    }

    /// Sets what equations give.
    fn solve(&self, record: &mut [f64]) {
        for relation in &self.relations {
            if let Some((at, value)) = relation.solved(record)
                && self.axes[at].free
                && record[at].is_finite()
                && !relation.holds(record)
            {
                record[at] = value;
            }
        }
    }

    /// A record with one number changed, and whatever is tied to it.
    pub(super) fn with(&self, own: &[f64], record: &[f64], axis: usize, value: f64) -> Option<Vec<f64>> {
        let mut wanted = record.to_vec();
        if let Some(group) = self.axes.get(axis)?.group.and_then(|group| self.groups.get(group)) {
            group.iter().for_each(|&at| wanted[at] = 0.0);
        }
        *wanted.get_mut(axis)? = value;
        self.project(own, &wanted)
    }

    /// Whether a record may be made of `own`: every rule at once.
    pub(super) fn permits(&self, own: &[f64], record: &[f64]) -> bool {
        let number = |(at, axis): (usize, &Axis)| {
            let (from, to) = (own[at], record[at]);
            if from.to_bits() == to.to_bits() || from == to {
                return true;
            }
            let (low, high) = self.reach(at, from);
            let steps = (to - from) / axis.step;
            let gridded = axis.step <= 0.0 || (steps - steps.round()).abs() <= OFF_GRID;
            axis.free && low <= to && to <= high && gridded
        };
        self.axes.iter().enumerate().all(number)
            && self.groups.iter().all(|group| !one_hot(group, own) || one_hot(group, record))
            && self.relations.iter().all(|relation| relation.holds(record))
    }

    /// The record as measured once more: `noise` in standard deviations of each column's error. Nothing where a relation
    /// forbids it.
    pub(super) fn measured_again(&self, own: &[f64], mut noise: impl FnMut() -> f64) -> Option<Vec<f64>> {
        let mut record = own.to_vec();
        for (axis, value) in self.axes.iter().zip(&mut record) {
            if !axis.noisy || !value.is_finite() {
                continue;
            }
            let before = *value;
            let (low, high) = (axis.range.0.min(before), axis.range.1.max(before));
            let wanted = before + axis.error * noise();
            *value = match (axis.step > 0.0, axis.bounds) {
                (true, _) => on_grid(before, wanted.clamp(low, high), axis.step, low, high),
                (false, Bounds::Stated) => wanted.clamp(low, high),
                (false, Bounds::Seen) => wanted,
            };
        }
        self.solve(&mut record);
        self.relations.iter().all(|relation| relation.holds(&record)).then_some(record)
    }

    /// The largest change of any number in units of its measurement error, and how many numbers changed.
    pub(super) fn change(&self, own: &[f64], record: &[f64]) -> (f64, usize) {
        let changes =
            self.axes.iter().zip(own.iter().zip(record)).filter(|(_, (from, to))| from != to && !from.is_nan());
        changes.fold((0.0, 0), |(largest, count), (axis, (from, to))| {
            let units = if axis.error > 0.0 { (to - from).abs() / axis.error } else { f64::INFINITY };
            (f64::max(largest, units), count + 1)
        })
    }

    /// Values that are worth trying for one number of a record.
    pub(super) fn candidates(&self, axis: usize, own: f64, near: f64) -> Vec<f64> {
        let Some(of) = self.axes.get(axis).filter(|axis| axis.free && own.is_finite()) else { return Vec::new() };
        if of.group.is_some() {
            return if own == 0.0 { vec![1.0] } else { Vec::new() };
        }
        let around = [own - near * of.error, own + near * of.error];
        let wanted = around.into_iter().chain(of.quantiles.iter().copied());
        let mut values: Vec<f64> = wanted.map(|wanted| self.settle(axis, own, wanted)).filter(|v| *v != own).collect();
        values.sort_by(f64::total_cmp);
        values.dedup();
        values
    }
}

/// The multiple of `step` from `own` that is nearest to `wanted` and within a range.
fn on_grid(own: f64, wanted: f64, step: f64, low: f64, high: f64) -> f64 {
    let steps = ((wanted - own) / step).round();
    let value = own + steps * step;
    if value > high {
        own + (steps - 1.0) * step
    } else if value < low {
        own + (steps + 1.0) * step
    } else {
        value
    }
}

fn one_hot(group: &[usize], record: &[f64]) -> bool {
    let count = |wanted: f64| group.iter().filter(|&&at| record[at] == wanted).count();
    count(1.0) == 1 && count(0.0) + 1 == group.len()
}

/// What non-members show of a column.
struct Seen {
    sorted: Vec<f64>,
    range: (f64, f64),
    deviation: f64,
}

impl Seen {
    fn of(values: &[f64]) -> Self {
        let mut sorted: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        let count = sorted.len().max(1) as f64;
        let mean = sorted.iter().sum::<f64>() / count;
        let deviation = (sorted.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt();
        // Without a value nothing is known, and nothing moves.
        let range =
            (sorted.first().copied().unwrap_or(f64::INFINITY), sorted.last().copied().unwrap_or(f64::NEG_INFINITY));
        Self { sorted, range, deviation }
    }

    fn quantiles(&self, count: usize) -> Vec<f64> {
        if self.sorted.is_empty() {
            return Vec::new();
        }
        (0..count).map(|at| quantile(&self.sorted, (at as f64 + 0.5) / count as f64)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Column;
    use proptest::prelude::*;

    const RULES: &str = "bounds = { low = [0, 100], high = [0, 200] }\nimmutable = [\"fixed\"]\ndirection = { age = \"up\" }\n\
        one_hot = [[\"x\", \"y\", \"z\"]]\nrelations = [\"low <= high\", \"total = low + high\", \"if x = 1 then age >= 40\"]";

    /// Records that keep the rules.
    pub(super) fn table(rows: usize) -> Table {
        let float = |name: &str, of: &dyn Fn(f64) -> f64| Column {
            name: name.to_owned(),
            cells: Cells::Float((0..rows).map(|row| of(row as f64)).collect()),
        };
        let whole = |name: &str, of: &dyn Fn(usize) -> i64| Column {
            name: name.to_owned(),
            cells: Cells::Integer((0..rows).map(|row| Some(of(row))).collect()),
        };
        let low = |row: f64| 10.0 + (row * 7.3) % 60.0;
        let high = |row: f64| low(row) + 5.0 + (row * 3.1) % 40.0;
        Table::new(vec![
            float("low", &low),
            float("high", &high),
            float("total", &|row| low(row) + high(row)),
            float("fixed", &|row| row),
            whole("age", &|row| 40 + (row as i64 * 13) % 50),
            whole("x", &|row| i64::from(row % 3 == 0)),
            whole("y", &|row| i64::from(row % 3 == 1)),
            whole("z", &|row| i64::from(row % 3 == 2)),
        ])
    }

    fn space() -> (Space, Vec<Vec<f64>>) {
        let pool = table(90);
        let space = Space::of(&pool, 30, &Rules::of(&RULES.parse().unwrap()).unwrap(), 8, |_| true);
        let values = space.values(&pool);
        (space, values)
    }

    /// The rules of this table, written out by hand.
    fn allowed(own: &[f64], to: &[f64]) -> bool {
        let hot: f64 = to[5..8].iter().sum();
        (0.0..=100.0).contains(&to[0])
            && (0.0..=200.0).contains(&to[1])
            && to[0] <= to[1] + 1e-6
            && (to[2] - to[0] - to[1]).abs() < 1e-6
            && to[3] == own[3]
            && to[4] >= own[4]
            && to[4].fract() == 0.0
            && hot == 1.0
            && to[5..8].iter().all(|flag| *flag == 0.0 || *flag == 1.0)
            && (to[5] == 0.0 || to[4] >= 40.0)
    }

    proptest! {
        #[test]
        fn no_rule_is_ever_broken(row in 0_usize..90, wanted in prop::collection::vec(-300.0_f64..300.0, 8), axis in 0_usize..8) {
            let (space, values) = space();
            let own = &values[row];
            prop_assert!(space.keeps_rules(own));
            if let Some(record) = space.project(own, &wanted) {
                prop_assert!(allowed(own, &record), "{:?}", record);
                prop_assert!(space.permits(own, &record));
                // Moving on from there keeps the rules too.
                if let Some(next) = space.with(own, &record, axis, wanted[0]) {
                    prop_assert!(allowed(own, &next), "{:?}", next);
                }
            }
            for value in space.candidates(axis, own[axis], 3.0) {
                if let Some(next) = space.with(own, own, axis, value) {
                    prop_assert!(allowed(own, &next), "{:?}", next);
                }
            }
        }
    }

    #[test]
    fn rules_leave_room_to_move() {
        let (space, values) = space();
        let moves = |axis: usize| {
            let own = &values[40];
            let to = space.candidates(axis, own[axis], 3.0).into_iter().filter_map(|v| space.with(own, own, axis, v));
            to.filter(|to| to != own).count()
        };
        let moves: Vec<usize> = (0..8).map(moves).collect();
        assert!(moves[0] > 2 && moves[1] > 2 && moves[4] > 2, "{moves:?}");
        assert_eq!((moves[2], moves[3]), (0, 0), "what follows and what is fixed does not move alone: {moves:?}");
        assert_eq!(moves[5] + moves[6] + moves[7], 2, "the group has two other states: {moves:?}");
    }

    #[test]
    fn a_change_is_counted_in_measurement_errors() {
        let rules = Rules::of(&"measurement_error = { a = 2.0, b = 0.5 }".parse().unwrap()).unwrap();
        let column = |name: &str| Column { name: name.to_owned(), cells: Cells::Float(vec![0.0, 10.0]) };
        let space = Space::of(&Table::new(vec![column("a"), column("b")]), 0, &rules, 2, |_| true);
        assert_eq!(space.change(&[0.0, 0.0], &[4.0, 0.5]), (2.0, 2));
        assert_eq!(space.change(&[0.0, f64::NAN], &[0.0, f64::NAN]), (0.0, 0));
    }

    #[test]
    fn a_grid_stays_within_its_range() {
        assert_eq!(on_grid(0.5, 3.1, 1.0, 0.0, 3.2), 2.5);
        assert_eq!(on_grid(5.0, 1.4, 2.0, 1.2, 9.0), 3.0);
    }
}
