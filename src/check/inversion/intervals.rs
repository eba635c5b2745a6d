//! Stretches of a number on which a model of trees cannot change its answer.
//!
//! Between two neighbouring thresholds on a column nothing that trees say can change: one question for each stretch tells
//! everything that a finer search would. Thresholds on a column that reaches the trees scaled are scaled back, where the scale is
//! the same straight line for every record.

use crate::check::disclosure::grove::{Grove, Planted};
use crate::stats::rank::quantile;

/// How far a scaled cell may be off its line, as a share of itself and of the spread of its column.
const STRAIGHT: f64 = 1e-5;
/// How near to the end of a stretch a value may stand for it where ends were scaled back, as a share of the spread.
const MARGIN: f64 = 1e-6;

/// Stretches of a column, from left to right, without a gap.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Intervals {
    /// The largest value of each stretch but the last.
    ends: Vec<f64>,
    /// Whether values are compared in 32 bits.
    single: bool,
    /// How far a value should stay away from an end to be on the right side of it.
    margin: f64,
    /// The smallest and the largest known value.
    range: (f64, f64),
}

impl Intervals {
    /// The stretches of a column with these numbers, members first; nothing where some trees are out of sight or none
    /// compares the column.
    pub(super) fn of(grove: &Grove<'_>, numbers: &[f64]) -> Option<Self> {
        if !grove.unread.is_empty() {
            return None;
        }
        let mut sorted: Vec<f64> = numbers.iter().copied().filter(|value| value.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        let spread = sorted.last()? - sorted.first()?;
        let mut found = Self { ends: Vec::new(), single: true, margin: 0.0, range: (0.0, 0.0) };
        for planted in &grove.planted {
            for feature in planted.ensemble.features() {
                let Some(line) = Line::of(planted, feature, numbers) else { continue };
                let cuts = planted.ensemble.cuts(feature, planted.members.single());
                found.ends.extend(cuts.into_iter().map(|cut| line.back(cut)));
                found.single &= planted.members.single();
                if !line.is_identity() {
                    found.margin = MARGIN * spread;
                }
            }
        }
        found.ends.sort_by(f64::total_cmp);
        found.ends.dedup();
        (!found.ends.is_empty()).then_some(found)
    }

    /// Number of stretches.
    pub(super) fn len(&self) -> usize {
        self.ends.len() + 1
    }

    /// The stretch that a number lies in; the first for a missing one.
    pub(super) fn place(&self, value: f64) -> usize {
        let cell = if self.single { f64::from(value as f32) } else { value };
        self.ends.partition_point(|end| *end < cell)
    }

    fn stretch(&self, at: usize) -> (f64, f64) {
        let low = at.checked_sub(1).map_or(f64::NEG_INFINITY, |before| self.ends[before]);
        (low, self.ends.get(at).copied().unwrap_or(f64::INFINITY))
    }

    /// How long a stretch is between the smallest and the largest known value.
    pub(super) fn width(&self, at: usize) -> f64 {
        let (low, high) = self.stretch(at);
        (high.min(self.range.1) - low.max(self.range.0)).max(0.0)
    }

    /// A value for each stretch: the middle one of the known values in it, else one between its ends. Stretches that hold no
    /// value of the column (no whole number) join the next one. `known` is sorted and not empty.
    pub(super) fn with_values(mut self, known: &[f64], whole: bool) -> (Self, Vec<f64>) {
        self.range = (known[0], known[known.len() - 1]);
        let mut values = Vec::with_capacity(self.len());
        let mut at = 0;
        while at < self.len() {
            match self.value(at, known, whole) {
                Some(value) => {
                    values.push(value);
                    at += 1;
                }
                None => {
                    self.ends.remove(at.min(self.ends.len() - 1));
                }
            }
        }
        (self, values)
    }

    fn value(&self, at: usize, known: &[f64], whole: bool) -> Option<f64> {
        let (low, high) = self.stretch(at);
        let inside =
            |value: &f64| self.place(*value) == at && value - low >= self.margin && high - value >= self.margin;
        let from = known.partition_point(|value| self.place(*value) < at);
        let to = known.partition_point(|value| self.place(*value) <= at);
        let seen: Vec<f64> = known[from..to].iter().copied().filter(inside).collect();
        if let Some(value) = seen.get(seen.len() / 2) {
            return Some(*value);
        }
        let (least, most) = (known[0], known[known.len() - 1]);
        let size = least.abs().max(most.abs()).max(self.margin);
        let step =
            (0.1 * (quantile(known, 0.75) - quantile(known, 0.25))).max(1e-3 * if size > 0.0 { size } else { 1.0 });
        let middle = match (low.is_finite(), high.is_finite()) {
            (true, true) => f64::midpoint(low, high),
            (false, _) => high.min(least) - step,
            (true, false) => low.max(most) + step,
        };
        // A stretch without a known value has none to be rounded to, unless it holds a whole number.
        let tried = if whole { [middle.round(), low.floor() + 1.0, high.floor()] } else { [middle, high, low + step] };
        tried.into_iter().filter(|value| value.is_finite()).find(|value| self.place(*value) == at)
    }
}

/// How a feature of trees follows from a column: `cell = slope * number + shift`.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Line {
    slope: f64,
    shift: f64,
}

impl Line {
    fn is_identity(self) -> bool {
        self.slope == 1.0 && self.shift == 0.0
    }

    /// The number that is scaled to a cell.
    fn back(self, cell: f64) -> f64 {
        if self.is_identity() { cell } else { (cell - self.shift) / self.slope }
    }

    /// The line of a feature; nothing where it does not follow from the column, or does not vary with it.
    fn of(planted: &Planted<'_>, feature: u32, numbers: &[f64]) -> Option<Self> {
        let feature = feature as usize;
        let cells = [planted.members.column(feature), planted.nonmembers.column(feature)].concat();
        let pairs = || numbers.iter().zip(&cells).filter(|(number, _)| number.is_finite());
        if pairs().all(|(number, cell)| number == cell || f64::from(*number as f32) == *cell) {
            return Some(Self { slope: 1.0, shift: 0.0 });
        }
        let first = pairs().min_by(|a, b| a.0.total_cmp(b.0))?;
        let last = pairs().max_by(|a, b| a.0.total_cmp(b.0))?;
        let slope = (last.1 - first.1) / (last.0 - first.0);
        let line = Self { slope, shift: first.1 - slope * first.0 };
        let spread = (last.1 - first.1).abs();
        let straight = |(number, cell): (&f64, &f64)| {
            (slope * number + line.shift - cell).abs() <= STRAIGHT * (cell.abs() + spread)
        };
        (slope.is_finite() && slope != 0.0 && pairs().all(straight)).then_some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn intervals(ends: &[f64]) -> Intervals {
        Intervals { ends: ends.to_vec(), single: true, margin: 0.0, range: (-2.0, 9.0) }
    }

    #[test]
    fn ends_belong_to_the_stretch_before_them() {
        let of = intervals(&[-1.0, 0.5, 2.0]);
        let places: Vec<usize> = [-3.0, -1.0, -0.9, 0.5, 0.6, 2.0, 2.1].map(|value| of.place(value)).to_vec();
        assert_eq!(places, [0, 0, 1, 1, 2, 2, 3]);
        assert_eq!(of.place(0.5 + 1e-9), 1, "the runtime does not see the difference");
        assert_eq!([0, 1, 2, 3].map(|at| of.width(at)), [1.0, 1.5, 1.5, 7.0]);
    }

    /// No whole number lies between 1.2 and 1.8: that stretch joins the next one.
    #[test]
    fn stretches_without_a_whole_number_vanish() {
        let (left, values) = intervals(&[1.2, 1.8, 3.0]).with_values(&[0.0, 1.0, 5.0], true);
        assert_eq!((left.ends, values), (vec![1.2, 3.0], vec![1.0, 2.0, 5.0]));
        let (left, values) = intervals(&[0.2, 0.4]).with_values(&[0.0], true);
        assert_eq!((left.len(), values.len()), (2, 2), "the middle one has none");
    }

    proptest! {
        /// Every stretch is spoken for by a value of its own, whatever is known.
        #[test]
        fn a_value_stands_in_its_own_stretch(ends in prop::collection::btree_set(-40_i32..40, 1..12), known in prop::collection::vec(-30.0_f64..30.0, 1..20), whole: bool) {
            let mut known: Vec<f64> = known.into_iter().map(|value| if whole { value.round() } else { value }).collect();
            known.sort_by(f64::total_cmp);
            let ends: Vec<f64> = ends.into_iter().map(|end| f64::from(end) / 4.0).collect();
            let (left, values) = intervals(&ends).with_values(&known, whole);
            prop_assert_eq!(left.len(), values.len());
            prop_assert!(whole || left.len() == ends.len() + 1);
            for (at, value) in values.iter().enumerate() {
                prop_assert_eq!(left.place(*value), at);
                prop_assert!(!whole || value.fract() == 0.0);
            }
        }
    }
}
