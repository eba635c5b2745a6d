//! The ends of a column, and whether a number of the file is one of them.

use super::images::Image;
use crate::finding::SMALLEST_SHOWN;

/// Allowed difference, as a share of the value or of the column's range, whichever is larger.
const TOLERANCE: f64 = 4e-6;
/// Fewest distinct values of a list of cells.
const FEWEST_IN_LIST: usize = 10;

/// An end of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    /// The smallest value.
    Low,
    /// The largest value.
    High,
}

impl Side {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Low => "smallest",
            Self::High => "largest",
        }
    }
}

/// One column of an image: its ends, and the values that only one of the sets has.
pub(super) struct Ends {
    /// Stands for the column: equal columns have equal digests. Members only, so that a column that was clipped at their
    /// ends on its way, which changes others, is still the same.
    pub(super) digest: u64,
    low_high: [End; 2],
    reach: f64,
    of_members: Vec<f32>,
    of_others: Vec<f32>,
}

#[derive(Clone, Copy, Default)]
struct End {
    value: f32,
    people: usize,
    shared: bool,
}

/// A digest of the values of a column in their order.
pub(super) fn digest(values: impl Iterator<Item = f32>) -> u64 {
    values.fold(0xcbf2_9ce4_8422_2325, |hash, value| {
        let bits = if value.is_nan() { f32::NAN.to_bits() } else { (value + 0.0).to_bits() };
        (hash ^ u64::from(bits)).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23)
    })
}

/// Finite values in ascending order.
fn sorted(values: impl Iterator<Item = f32>) -> Vec<f32> {
    let mut values: Vec<f32> = values.filter(|value| value.is_finite()).map(|value| value + 0.0).collect();
    values.sort_by(f32::total_cmp);
    values
}

impl Ends {
    pub(super) fn of(image: &Image<'_>, column: usize, members: usize) -> Self {
        let all = || image.values.iter().skip(column).step_by(image.width).copied();
        let (inside, outside) = (sorted(all().take(members)), sorted(all().skip(members)));
        let end = |mine: Option<&f32>, theirs: Option<&f32>| {
            let value = mine.copied().unwrap_or(f32::NAN);
            let people = inside.iter().filter(|other| **other == value).count();
            End { value, people, shared: theirs == Some(&value) }
        };
        let ends = [end(inside.first(), outside.first()), end(inside.last(), outside.last())];
        let range = f64::from(ends[1].value) - f64::from(ends[0].value);
        let apart = |mine: &[f32], theirs: &[f32]| {
            let mut kept: Vec<f32> =
                mine.iter().filter(|value| theirs.binary_search_by(|t| t.total_cmp(value)).is_err()).copied().collect();
            kept.dedup();
            kept
        };
        Self {
            digest: digest(all().take(members)),
            low_high: ends,
            reach: range,
            of_members: apart(&inside, &outside),
            of_others: apart(&outside, &inside),
        }
    }

    fn end(&self, side: Side) -> End {
        self.low_high[usize::from(side == Side::High)]
    }

    /// Whether the end is a number that not every file holds anyway, of a column that varies.
    pub(super) fn tells(&self, side: Side) -> bool {
        let value = self.end(side).value;
        value.is_finite() && value != 0.0 && value.abs() != 1.0 && self.reach > 0.0
    }

    /// Whether few members have the end, and the others' end is another.
    pub(super) fn belongs_to_few(&self, side: Side) -> bool {
        let end = self.end(side);
        (1..SMALLEST_SHOWN).contains(&end.people) && !end.shared && self.tells(side)
    }

    /// Whether a number is the end, within the precision of the arithmetic of a scaler.
    pub(super) fn meets(&self, side: Side, value: f64) -> bool {
        let end = f64::from(self.end(side).value);
        (value - end).abs() <= TOLERANCE * end.abs().max(self.reach)
    }

    /// Whether a number is the end to the bit, and no number that occurs anyway: it has a fraction or four digits.
    pub(super) fn is_exactly(&self, side: Side, value: f64) -> bool {
        const FOUR_DIGITS: f64 = 1000.0;
        self.tells(side) && self.end(side).value == value as f32 && (value.fract() != 0.0 || value.abs() >= FOUR_DIGITS)
    }
}

/// Whether an ascending list of numbers is made of cells of the members.
pub(super) fn cells_in_list(list: &[f64], column: &Ends) -> bool {
    if list.len() < FEWEST_IN_LIST || list.windows(2).any(|pair| pair[0] > pair[1] || pair[0].is_nan()) {
        return false;
    }
    let mut distinct: Vec<f32> = list.iter().map(|&value| value as f32).collect();
    distinct.dedup();
    let among = |cells: &[f32]| {
        let known = |value: &&f32| cells.binary_search_by(|cell| cell.total_cmp(value)).is_ok();
        distinct.iter().filter(known).count()
    };
    let (inside, outside) = (among(&column.of_members), among(&column.of_others));
    distinct.len() >= FEWEST_IN_LIST
        && inside >= FEWEST_IN_LIST
        && inside * 5 >= distinct.len() * 4
        && outside * 10 <= distinct.len()
}
