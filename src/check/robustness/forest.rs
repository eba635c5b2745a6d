//! Threshold moves: small changes of a record against an ensemble of trees whose file is there.
//!
//! Only cells between thresholds matter, and the sums of the trees along one column are known for all of its cells after one walk
//! through the trees. Within a distance the search moves one column after another to the cell that lowers the score of the
//! record's own answer most; the distance is then shrunk, by bisection and from there on step by step, each time from the record
//! and from the last change that served. What is found is the smallest change that this greedy search sees, asked about before it
//! is believed: an upper bound of the smallest change, which is exact for few trees most of the time. Refuses to speak of anything
//! but one ensemble that is fed by an input of the model and whose sums explain the model's answers.
//!
//! Reference: Zhang, Zhang and Hsieh, "An efficient adversarial attack for tree ensembles", NeurIPS 2020 (moves between leaves);
//! Kantchelian, Tygar and Joseph, ICML 2016 (the exact problem is NP-hard).

use rayon::prelude::*;

use super::boxes::{Interval, Precision};
use super::scene::{Asking, Point, Scene};
use super::search::Found;
use crate::check::{CheckError, Subject};
use crate::model::largest;
use crate::model::trees::{Aggregate, Ensemble, Rows};
use crate::tensor::{Element, Tensor, Values};

/// Rounds of bisection of the distance.
const ROUNDS: usize = 12;
/// Most steps by which the last change is improved.
const MOST_STEPS: usize = 30;
/// Most cells of all columns together: beyond, a walk takes too long.
const MOST_CELLS: usize = 100_000;
/// How much smaller than the last one the next change has to be.
const SMALLER: f64 = 1.0 - 1e-9;

/// The share of answers that the sums must explain: ties are broken by the last bits of 32-bit sums.
const EXPLAINED: f64 = 0.99;

/// How sums become a class.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Rule {
    /// The class with the largest sum.
    Largest,
    /// The second of two classes where the last sum exceeds a number.
    Above(f64),
}

impl Rule {
    fn class(self, sums: &[f64]) -> u32 {
        match self {
            Self::Largest => largest(sums),
            Self::Above(least) => u32::from(sums.last().is_some_and(|sum| *sum > least)),
        }
    }

    /// By how much a class leads; negative where it does not.
    fn lead(self, sums: &[f64], class: u32) -> f64 {
        match self {
            Self::Largest => {
                let others = sums.iter().enumerate().filter(|(at, _)| *at != class as usize).map(|(_, sum)| *sum);
                sums.get(class as usize).copied().unwrap_or(0.0) - others.fold(f64::NEG_INFINITY, f64::max)
            }
            Self::Above(least) => {
                let over = sums.last().copied().unwrap_or(0.0) - least;
                if class == 1 { over } else { -over }
            }
        }
    }
}

/// A column that trees compare.
struct Column {
    feature: u32,
    axis: usize,
    /// Largest values of its cells but the last.
    cuts: Vec<f64>,
}

/// A cell of a column that a record can be moved to.
#[derive(Clone, Copy)]
struct Move {
    cell: usize,
    value: f64,
    /// In measurement errors.
    change: f64,
}

/// An ensemble against which records can be moved.
pub(super) struct Forest<'a> {
    ensemble: &'a Ensemble,
    precision: Precision,
    /// The axis of each column of the ensemble's input.
    axes: Vec<Option<usize>>,
    columns: Vec<Column>,
    rule: Rule,
}

/// Where a search stands.
#[derive(Clone)]
struct State {
    /// The ensemble's input.
    row: Vec<f64>,
    /// The chosen move of each column.
    moves: Vec<Move>,
}

impl State {
    fn change(&self) -> f64 {
        self.moves.iter().map(|to| to.change).fold(0.0, f64::max)
    }
}

impl<'a> Forest<'a> {
    /// The ensemble of the model, if its sums explain the answers; nothing where rules tie columns together.
    pub(super) fn of(subject: &Subject<'a>, scene: &Scene<'_>) -> Option<Self> {
        let [Ok(ensemble)] = subject.file?.contents.trees() else { return None };
        let slot = scene.model.slots.iter().find(|slot| slot.input == ensemble.input)?;
        let summed = matches!(ensemble.aggregate, Aggregate::Sum | Aggregate::Average);
        let ordered = ensemble.splits.iter().all(|split| split.mode.orders());
        if !summed || !ordered || !scene.space.separable() {
            return None;
        }
        let place = |name: &String| scene.space.axes.iter().position(|axis| axis.name == *name);
        let axes: Vec<Option<usize>> = slot.columns.iter().map(place).collect();
        let precision = if slot.element == Element::F64 { Precision::Double } else { Precision::Single };
        let single = precision == Precision::Single;
        let column = |feature: u32| {
            let axis = axes.get(feature as usize).copied().flatten()?;
            Some(Column { feature, axis, cuts: ensemble.cuts(feature, single) })
        };
        let columns: Vec<Column> = ensemble.features().into_iter().map(column).collect::<Option<_>>()?;
        if columns.iter().map(|column| column.cuts.len() + 1).sum::<usize>() > MOST_CELLS {
            return None;
        }
        let mut forest = Self { ensemble, precision, axes, columns, rule: Rule::Largest };
        let sums = forest.all_sums(scene)?;
        let targets = ensemble.targets.max(1);
        let rules = [Rule::Largest, Rule::Above(0.0), Rule::Above(0.5)];
        let explains = |rule: &Rule| {
            let right =
                sums.chunks(targets).zip(&scene.answered).filter(|(sums, own)| rule.class(sums) == **own).count();
            right as f64 >= EXPLAINED * scene.answered.len() as f64
        };
        forest.rule = rules.into_iter().filter(|rule| *rule != Rule::Largest || targets > 1).find(explains)?;
        Some(forest)
    }

    fn all_sums(&self, scene: &Scene<'_>) -> Option<Vec<f64>> {
        let cells: Vec<f64> = scene.values.iter().flat_map(|own| self.row(own)).collect();
        let values = match self.precision {
            Precision::Single => Values::F32(cells.into_iter().map(|cell| cell as f32).collect()),
            Precision::Double => Values::F64(cells),
        };
        let tensor = Tensor { row_shape: vec![self.axes.len()], values };
        Some(self.ensemble.sums(&Rows::of(&tensor, self.ensemble)?))
    }

    /// The ensemble's input for the numbers of a record.
    fn row(&self, own: &[f64]) -> Vec<f64> {
        self.axes.iter().map(|axis| axis.map_or(f64::NAN, |axis| self.precision.cell(own[axis]))).collect()
    }

    /// Smallest changes that the search finds and the model confirms.
    ///
    /// # Errors
    /// When the model cannot be asked.
    pub(super) fn search(
        &self,
        scene: &Scene<'_>,
        asking: &Asking<'_>,
        rows: &[usize],
    ) -> Result<Vec<Option<Found>>, CheckError> {
        let points: Vec<Option<Point>> = rows.par_iter().map(|&row| self.nearest(scene, row)).collect();
        let asked: Vec<Point> = points.iter().flatten().cloned().collect();
        let mut replies = if asked.is_empty() { Vec::new() } else { asking.ask(&asked)? }.into_iter();
        let found = |point: Option<Point>| {
            let point = point?;
            let reply = replies.next()?;
            let (change, touched) = scene.space.change(&scene.values[point.row], &point.values);
            asking.flipped(&point, &reply).then_some(Found { values: point.values, change, touched })
        };
        Ok(points.into_iter().map(found).collect())
    }

    fn nearest(&self, scene: &Scene<'_>, row: usize) -> Option<Point> {
        let own = &scene.values[row];
        let class = scene.answered[row];
        let moves: Vec<Vec<Move>> = self.columns.iter().map(|column| self.moves(scene, own, column)).collect();
        let home = |moves: &Vec<Move>| *moves.iter().min_by(|a, b| a.change.total_cmp(&b.change)).unwrap_or(&STAY);
        let start = State { row: self.row(own), moves: moves.iter().map(home).collect() };
        let mut best = self.descend(&moves, start.clone(), class, f64::INFINITY)?;
        let mut least = 0.0;
        for _ in 0..ROUNDS {
            let within = f64::midpoint(least, best.change());
            match self.closer(&moves, &start, &best, class, within) {
                Some(found) => best = found,
                None => least = within,
            }
        }
        for _ in 0..MOST_STEPS {
            match self.closer(&moves, &start, &best, class, best.change() * SMALLER) {
                Some(found) => best = found,
                None => break,
            }
        }
        let mut values = own.clone();
        for (column, to) in self.columns.iter().zip(&best.moves) {
            if to.change > 0.0 {
                values[column.axis] = to.value;
            }
        }
        scene.space.permits(own, &values).then_some(Point { row, values })
    }

    /// Another answer within a distance, from the record or from the best change so far, cut down to the distance.
    fn closer(&self, moves: &[Vec<Move>], start: &State, best: &State, class: u32, within: f64) -> Option<State> {
        let mut cut = best.clone();
        for ((column, moves), to) in self.columns.iter().zip(moves).zip(&mut cut.moves) {
            if to.change > within {
                // The furthest cell on the way there that is near enough; the record's own always is.
                let home = moves.iter().find(|of| of.change == 0.0).map_or(to.cell, |of| of.cell);
                let between = home.min(to.cell)..=home.max(to.cell);
                let on_the_way = |of: &&Move| of.change <= within && between.contains(&of.cell);
                let furthest = moves.iter().filter(on_the_way).max_by(|a, b| a.change.total_cmp(&b.change));
                *to = *furthest.unwrap_or(to);
                cut.row[column.feature as usize] = self.precision.cell(to.value);
            }
        }
        let from_best = if cut.change() <= within { self.descend(moves, cut, class, within) } else { None };
        from_best.or_else(|| self.descend(moves, start.clone(), class, within))
    }

    /// Moves one column after another, each time the one that lowers the lead of the record's answer most; nothing where the
    /// answer stays.
    fn descend(&self, moves: &[Vec<Move>], mut state: State, class: u32, within: f64) -> Option<State> {
        let targets = self.ensemble.targets.max(1);
        let mut lead = f64::INFINITY;
        for _ in 0..=2 * self.columns.len() {
            let mut next: Option<(f64, f64, usize, Move)> = None;
            for (at, (column, moves)) in self.columns.iter().zip(moves).enumerate() {
                let profile = self.ensemble.profile(&state.row, column.feature, &column.cuts);
                for to in moves.iter().filter(|to| to.change <= within) {
                    let sums = &profile[to.cell * targets..(to.cell + 1) * targets];
                    let found = self.rule.lead(sums, class);
                    let changed = self.rule.class(sums) != class;
                    let found = if changed { f64::NEG_INFINITY } else { found };
                    // Of equally good ones the smallest change.
                    if next.is_none_or(|(best, change, ..)| found < best || found == best && to.change < change) {
                        next = Some((found, to.change, at, *to));
                    }
                }
            }
            let (found, _, at, to) = next?;
            if found >= lead {
                return None;
            }
            lead = found;
            state.moves[at] = to;
            state.row[self.columns[at].feature as usize] = self.precision.cell(to.value);
            if found == f64::NEG_INFINITY {
                return Some(state);
            }
        }
        None
    }

    /// The cells of a column that a record may be moved to, its own among them.
    fn moves(&self, scene: &Scene<'_>, own: &[f64], column: &Column) -> Vec<Move> {
        let own = own[column.axis];
        let cell = self.precision.cell(own);
        let home = column.cuts.partition_point(|cut| *cut < cell);
        let error = scene.space.axes[column.axis].error;
        let to = |at: usize| {
            if at == home || own.is_nan() {
                return (at == home).then_some(Move { cell: at, value: own, change: 0.0 });
            }
            let low = at.checked_sub(1).map_or(f64::NEG_INFINITY, |before| self.precision.above(column.cuts[before]));
            let high = column.cuts.get(at).copied().unwrap_or(f64::INFINITY);
            let side = Interval { axis: column.axis, low, high, missing: false };
            let value = self.precision.nearest(scene, own, &side)?;
            Some(Move { cell: at, value, change: (value - own).abs() / error })
        };
        (0..=column.cuts.len()).filter_map(to).collect()
    }
}

/// What stands for the move of a column without cells.
const STAY: Move = Move { cell: 0, value: f64::NAN, change: 0.0 };

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::robustness::rules::Rules;
    use crate::check::robustness::specimen::planted;
    use crate::watch::Unwatched;

    /// Three columns on a grid of quarters against forests cut between the quarters: no change is smaller than the smallest on the
    /// grid, all change the answer, and nine in ten are the smallest.
    #[test]
    fn threshold_moves_are_mostly_the_smallest_of_a_grid() {
        let rules = Rules::of(
            &"measurement_error = { x0 = 0.5, x1 = 0.25, x2 = 1.0 }\nstep = { x0 = 0.25, x1 = 0.25, x2 = 0.25 }\n\
              bounds = { x0 = [-4, 4], x1 = [-4, 4], x2 = [-4, 4] }\ndirection = { x2 = \"up\" }"
                .parse()
                .unwrap(),
        )
        .unwrap();
        let (mut exact, mut all) = (0, 0);
        for seed in 0..12 {
            let (case, class) = planted(seed, 7, 15, 8);
            let subject = case.subject(1);
            let scene = Scene::of(&subject, &rules, 4).unwrap().unwrap();
            let asking = Asking::new(&scene, "test", &Unwatched, 0);
            let rows: Vec<usize> = (0..8).collect();
            let forest = Forest::of(&subject, &scene).expect("the sums explain the answers");
            let found = forest.search(&scene, &asking, &rows).unwrap();
            let grid: Vec<f64> = (-16..=16).map(|quarter| f64::from(quarter) / 4.0).collect();
            for (&row, found) in rows.iter().zip(&found) {
                let own = &scene.values[row];
                let mut least = f64::INFINITY;
                for &x in &grid {
                    for &y in &grid {
                        for z in grid.iter().copied().filter(|z| *z >= own[2]) {
                            let change = (x - own[0]).abs() / 0.5;
                            let change = change.max((y - own[1]).abs() / 0.25).max((z - own[2]).abs());
                            if change < least && class(&[x, y, z]) != class(own) {
                                least = change;
                            }
                        }
                    }
                }
                let change = found.as_ref().map_or(f64::INFINITY, |found| found.change);
                assert!(change >= least, "{change} is less than the least, {least}");
                if let Some(found) = found {
                    assert!(class(&found.values) != class(own) && scene.space.permits(own, &found.values));
                }
                all += 1;
                exact += usize::from(change == least);
            }
        }
        assert!(exact * 10 >= all * 9, "{exact} of {all}");
    }
}
