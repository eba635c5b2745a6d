//! The smallest change that moves a record to another leaf of a single tree, exactly.
//!
//! A leaf is a box: an interval per column. The largest change that is needed to get into a box is the largest over the
//! columns of what each needs alone, as long as no rule ties columns together, so that going through the leaves gives the
//! smallest change in that norm (Kantchelian, Tygar and Joseph, ICML 2016, give the program for many trees). Refuses to speak
//! of anything but one tree that is fed by an input of the model and decides alone.

use super::scene::{Asking, Point, Scene};
use super::search::Found;
use crate::check::{CheckError, Subject};
use crate::model::trees::{Ensemble, Mode, Split, Way};
use crate::tensor::Element;

/// The precision in which the runtime compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Precision {
    Single,
    Double,
}

impl Precision {
    /// A number as it is compared.
    pub(super) fn cell(self, value: f64) -> f64 {
        if self == Self::Single { f64::from(value as f32) } else { value }
    }

    /// The next number.
    pub(super) fn above(self, value: f64) -> f64 {
        if self == Self::Single { f64::from((value as f32).next_up()) } else { value.next_up() }
    }

    fn below(self, value: f64) -> f64 {
        if self == Self::Single { f64::from((value as f32).next_down()) } else { value.next_down() }
    }

    /// The nearest value of an interval that a number may take.
    pub(super) fn nearest(self, scene: &Scene<'_>, own: f64, side: &Interval) -> Option<f64> {
        if own.is_nan() {
            return side.missing.then_some(own);
        }
        let inside = |value: f64| {
            let cell = self.cell(value);
            side.low <= cell && cell <= side.high
        };
        if inside(own) {
            return Some(own);
        }
        let (low, high) = scene.space.reach(side.axis, own);
        let edge = if self.cell(own) < side.low { side.low } else { side.high };
        let step = scene.space.axes[side.axis].step;
        let reached = |value: &f64| low <= *value && *value <= high && inside(*value);
        if step <= 0.0 {
            return Some(edge).filter(reached);
        }
        let steps = ((edge - own) / step).trunc();
        // The edge itself may lie between two steps, or be off by a rounding.
        let around = [steps - 1.0, steps, steps + 1.0].into_iter().map(|steps| own + steps * step);
        around.filter(reached).min_by(|a, b| (a - own).abs().total_cmp(&(b - own).abs()))
    }
}

/// The cells of one column that lead to a leaf.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Interval {
    pub(super) axis: usize,
    pub(super) low: f64,
    pub(super) high: f64,
    /// Whether a missing cell leads there too.
    pub(super) missing: bool,
}

/// The way to a leaf.
struct LeafBox {
    leaf: usize,
    sides: Vec<Interval>,
}

/// A tree whose leaves are boxes in the space of the records.
pub(super) struct Boxes {
    leaves: Vec<LeafBox>,
    precision: Precision,
}

impl Boxes {
    /// The boxes of the model's only tree; nothing where there is another model, or a rule ties columns together.
    pub(super) fn of(subject: &Subject<'_>, scene: &Scene<'_>) -> Option<Self> {
        let [Ok(ensemble)] = subject.file?.contents.trees() else { return None };
        let slot = scene.model.slots.iter().find(|slot| slot.input == ensemble.input)?;
        if ensemble.trees() != 1 || !scene.space.separable() {
            return None;
        }
        let axis = |feature: u32| {
            let name = slot.columns.get(feature as usize)?;
            scene.space.axes.iter().position(|axis| axis.name == *name)
        };
        let precision = if slot.element == Element::F64 { Precision::Double } else { Precision::Single };
        leaves(ensemble, precision, axis).map(|leaves| Self { leaves, precision })
    }

    /// The smallest changes; nothing where the answers show that the tree does not decide alone.
    ///
    /// # Errors
    /// When the model cannot be asked.
    pub(super) fn search(
        &self,
        scene: &Scene<'_>,
        asking: &Asking<'_>,
        rows: &[usize],
    ) -> Result<Option<Vec<Option<Found>>>, CheckError> {
        // The nearest point of every leaf for every record, and for every leaf the record that is nearest to it.
        let mut nearest: Vec<Vec<(f64, usize)>> = Vec::with_capacity(rows.len());
        let mut shown: Vec<Option<(f64, usize)>> = vec![None; self.leaves.len()];
        for &row in rows {
            let mut of_row: Vec<(f64, usize)> =
                (0..self.leaves.len()).filter_map(|at| Some((self.change(scene, row, at)?, at))).collect();
            of_row.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            for &(change, at) in &of_row {
                if shown[at].is_none_or(|(known, _)| change < known) {
                    shown[at] = Some((change, row));
                }
            }
            nearest.push(of_row);
        }
        // One question tells the answer of a leaf.
        let seen: Vec<(usize, Point)> = shown
            .iter()
            .enumerate()
            .filter_map(|(at, shown)| Some((at, self.point(scene, (*shown)?.1, at)?)))
            .collect();
        if seen.is_empty() {
            return Ok(None);
        }
        let replies = asking.ask(&seen.iter().map(|(_, point)| point.clone()).collect::<Vec<Point>>())?;
        let mut answer_of: Vec<Option<u32>> = vec![None; self.leaves.len()];
        seen.iter().zip(&replies).for_each(|((at, _), reply)| answer_of[*at] = Some(reply.class));
        let mut points = Vec::new();
        for (&row, of_row) in rows.iter().zip(&nearest) {
            let own = scene.answered[row];
            let at_home = of_row.first().filter(|(change, _)| *change == 0.0).and_then(|(_, at)| answer_of[*at]);
            if at_home != Some(own) {
                return Ok(None);
            }
            let other = of_row.iter().find(|(_, at)| answer_of[*at].is_some_and(|answer| answer != own));
            points.push(other.and_then(|(_, at)| self.point(scene, row, *at)));
        }
        let asked: Vec<Point> = points.iter().flatten().cloned().collect();
        let replies = if asked.is_empty() { Vec::new() } else { asking.ask(&asked)? };
        if !asked.iter().zip(&replies).all(|(point, reply)| asking.flipped(point, reply)) {
            return Ok(None);
        }
        let found = |point: Option<Point>| {
            let point = point?;
            let (change, touched) = scene.space.change(&scene.values[point.row], &point.values);
            Some(Found { values: point.values, change, touched })
        };
        Ok(Some(points.into_iter().map(found).collect()))
    }

    /// The largest change that a record needs to get into a box; nothing where it cannot.
    fn change(&self, scene: &Scene<'_>, row: usize, at: usize) -> Option<f64> {
        let own = &scene.values[row];
        self.leaves[at].sides.iter().try_fold(0.0, |largest, side| {
            let to = self.precision.nearest(scene, own[side.axis], side)?;
            let change = if to == own[side.axis] || to.is_nan() {
                0.0
            } else {
                (to - own[side.axis]).abs() / scene.space.axes[side.axis].error
            };
            Some(f64::max(largest, change))
        })
    }

    fn point(&self, scene: &Scene<'_>, row: usize, at: usize) -> Option<Point> {
        let own = &scene.values[row];
        let mut values = own.clone();
        for side in &self.leaves[at].sides {
            values[side.axis] = self.precision.nearest(scene, own[side.axis], side)?;
        }
        scene.space.permits(own, &values).then_some(Point { row, values })
    }
}

/// The boxes of a tree; nothing where a split compares codes, or a column has no place.
fn leaves(ensemble: &Ensemble, precision: Precision, axis: impl Fn(u32) -> Option<usize>) -> Option<Vec<LeafBox>> {
    let mut waiting: Vec<(Way, Vec<Interval>)> = vec![(*ensemble.roots.first()?, Vec::new())];
    let mut leaves = Vec::new();
    while let Some((way, sides)) = waiting.pop() {
        if let Some(leaf) = way.as_leaf() {
            leaves.push(LeafBox { leaf, sides });
            continue;
        }
        let split = way.as_split().and_then(|split| ensemble.splits.get(split))?;
        let axis = axis(split.feature)?;
        if !split.mode.orders() {
            return None;
        }
        for (next, yes) in [(split.no, false), (split.yes, true)] {
            let mut sides = sides.clone();
            let side = half(split, yes, precision, axis);
            match sides.iter_mut().find(|known| known.axis == axis) {
                Some(known) => {
                    known.low = known.low.max(side.low);
                    known.high = known.high.min(side.high);
                    known.missing &= side.missing;
                }
                None => sides.push(side),
            }
            if sides.iter().all(|side| side.low <= side.high || side.missing) {
                waiting.push((next, sides));
            }
        }
    }
    leaves.sort_by_key(|leaf| leaf.leaf);
    Some(leaves)
}

/// The cells that take one branch of a split.
fn half(split: &Split, yes: bool, precision: Precision, axis: usize) -> Interval {
    let missing = split.missing_is_yes == yes;
    let (at_most, strict) = match split.mode {
        Mode::AtMost => (yes, !yes),
        Mode::Below => (yes, yes),
        Mode::AtLeast => (!yes, !yes),
        _ => (!yes, yes),
    };
    // Whoever is not at most the constant is above it.
    let (low, high) = match (at_most, strict) {
        (true, false) => (f64::NEG_INFINITY, split.value),
        (true, true) => (f64::NEG_INFINITY, precision.below(split.value)),
        (false, false) => (split.value, f64::INFINITY),
        (false, true) => (precision.above(split.value), f64::INFINITY),
    };
    Interval { axis, low, high, missing }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::robustness::rules::Rules;
    use crate::check::robustness::specimen::grown;
    use crate::seed::Seed;
    use crate::watch::Unwatched;
    use proptest::prelude::*;

    #[test]
    fn halves_meet_without_a_gap() {
        let split = |mode| Split {
            value: 1.5,
            feature: 0,
            yes: Way::default(),
            no: Way::default(),
            mode,
            missing_is_yes: false,
        };
        let up = f64::from(1.5_f32.next_up());
        let down = f64::from(1.5_f32.next_down());
        for (mode, yes, no) in [
            (Mode::AtMost, (f64::NEG_INFINITY, 1.5), (up, f64::INFINITY)),
            (Mode::Below, (f64::NEG_INFINITY, down), (1.5, f64::INFINITY)),
            (Mode::AtLeast, (1.5, f64::INFINITY), (f64::NEG_INFINITY, down)),
            (Mode::Above, (up, f64::INFINITY), (f64::NEG_INFINITY, 1.5)),
        ] {
            let of = |yes| {
                let side = half(&split(mode), yes, Precision::Single, 0);
                (side.low, side.high)
            };
            assert_eq!((of(true), of(false)), (yes, no), "{mode:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        /// Three columns on a grid of quarters, cut between the quarters: all 33^3 records of the grid are tried.
        #[test]
        fn no_point_of_a_grid_is_nearer(seed in 0_u64..1000) {
            let rules = Rules::of(
                &"measurement_error = { x0 = 0.5, x1 = 0.25, x2 = 1.0 }\nstep = { x0 = 0.25, x1 = 0.25, x2 = 0.25 }\n\
                  bounds = { x0 = [-4, 4], x1 = [-4, 4], x2 = [-4, 4] }\ndirection = { x2 = \"up\" }"
                    .parse()
                    .unwrap(),
            )
            .unwrap();
            let (case, tree) = grown(12, 8, Seed::root(seed));
            let subject = case.subject(1);
            let scene = Scene::of(&subject, &rules, 4).unwrap().unwrap();
            let asking = Asking::new(&scene, "test", &Unwatched, 0);
            let rows: Vec<usize> = (0..8).collect();
            let boxes = Boxes::of(&subject, &scene).expect("a single tree");
            let found = boxes.search(&scene, &asking, &rows).unwrap().expect("the tree decides alone");
            let grid: Vec<f64> = (-16..=16).map(|quarter| f64::from(quarter) / 4.0).collect();
            for (&row, found) in rows.iter().zip(&found) {
                let own = &scene.values[row];
                let class = tree(own);
                let mut least = f64::INFINITY;
                for &x in &grid {
                    for &y in &grid {
                        for z in grid.iter().copied().filter(|z| *z >= own[2]) {
                            if tree(&[x, y, z]) != class {
                                let change = (x - own[0]).abs() / 0.5;
                                let change = change.max((y - own[1]).abs() / 0.25).max((z - own[2]).abs());
                                least = least.min(change);
                            }
                        }
                    }
                }
                prop_assert_eq!(found.as_ref().map_or(f64::INFINITY, |found| found.change), least);
                if let Some(found) = found {
                    prop_assert!(tree(&found.values) != class && scene.space.permits(own, &found.values));
                }
            }
        }
    }
}
