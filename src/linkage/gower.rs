//! Gower's distance between the records of two files, and the record that is nearest by it.

use std::ops::Range;

use super::MISSING;

/// Records whose distances are computed together, a column at a time.
const BLOCK: usize = 1024;
/// Distances that differ by no more are one: sums of the same parts in another order differ in the last digits.
const TIED: f64 = 1e-9;

/// One column of two files.
#[derive(Debug, Clone, PartialEq)]
pub enum Coordinate {
    /// Numbers, compared by difference; one that is not finite is missing.
    Numbers {
        /// Of the first file.
        left: Vec<f64>,
        /// Of the second file.
        right: Vec<f64>,
    },
    /// Codes, equal or not; [`MISSING`] is missing.
    Categories {
        /// Of the first file.
        left: Vec<u32>,
        /// Of the second file.
        right: Vec<u32>,
    },
}

impl Coordinate {
    fn rows(&self) -> (usize, usize) {
        match self {
            Self::Numbers { left, right } => (left.len(), right.len()),
            Self::Categories { left, right } => (left.len(), right.len()),
        }
    }

    /// Numbers as shares of the range of both files together, missing ones as NaN; 0 where the range is 0.
    fn scaled(self) -> Self {
        let Self::Numbers { left, right } = self else { return self };
        // Of a quarter of two numbers the difference is always finite.
        let quarters = || left.iter().chain(&right).filter(|value| value.is_finite()).map(|value| 0.25 * value);
        let least = quarters().fold(f64::INFINITY, f64::min);
        let range = quarters().fold(f64::NEG_INFINITY, f64::max) - least;
        let scale = |value: &f64| match value {
            value if !value.is_finite() => f64::NAN,
            value if range > 0.0 => (0.25 * value - least) / range,
            _ => 0.0,
        };
        Self::Numbers { left: left.iter().map(scale).collect(), right: right.iter().map(scale).collect() }
    }
}

/// Gower's distance between the records of two files with the same columns: the mean over the columns of a distance from 0 to
/// 1.
///
/// Two numbers differ by their absolute difference over the range of the column in both files together (0 where all are
/// equal), two categories by 0 or 1. A column that lacks a value on either side is left out of that pair; a pair that has no
/// column left is as far apart as can be, 1. All columns weigh the same.
///
/// Reference: Gower, Biometrics 27 (1971) 857-871.
///
/// ```
/// use privet::linkage::{Coordinate, Gower};
/// let age = Coordinate::Numbers { left: vec![20.0, 30.0], right: vec![20.0, 40.0] };
/// let sex = Coordinate::Categories { left: vec![0, 1], right: vec![0, 1] };
/// let gower = Gower::of(vec![age, sex]);
/// assert_eq!(gower.distance(1, 0), (0.5 + 1.0) / 2.0);
/// ```
#[derive(Debug, Clone)]
pub struct Gower {
    coordinates: Vec<Coordinate>,
    rows: (usize, usize),
}

/// Room for the distances of a block: sums and numbers of the columns that were compared.
#[derive(Default)]
struct Block {
    sums: Vec<f64>,
    compared: Vec<f64>,
}

impl Gower {
    /// The distance over these columns.
    ///
    /// # Panics
    /// When the columns of a file differ in length.
    pub fn of(coordinates: Vec<Coordinate>) -> Self {
        let rows = coordinates.first().map_or((0, 0), Coordinate::rows);
        assert!(coordinates.iter().all(|column| column.rows() == rows), "columns have one length");
        Self { coordinates: coordinates.into_iter().map(Coordinate::scaled).collect(), rows }
    }

    /// The distance between a record of the first file and one of the second, from 0 to 1. O(columns).
    ///
    /// # Panics
    /// When there is no such record.
    pub fn distance(&self, left: usize, right: usize) -> f64 {
        self.block(left, right..right + 1, &mut Block::default()).next().unwrap_or(1.0)
    }

    /// The chance that somebody who takes the record of the second file that is nearest to a record of the first one takes one
    /// of `own`: a random one of those that are equally near (within 1e-9).
    ///
    /// O(records of the second file times columns) at most; ends where a nearer record is found.
    ///
    /// # Panics
    /// When there is no such record.
    pub fn chance_of(&self, left: usize, own: &[usize]) -> f64 {
        let distances: Vec<f64> = own.iter().map(|&right| self.distance(left, right)).collect();
        let nearest = distances.iter().copied().fold(f64::INFINITY, f64::min);
        let mut block = Block::default();
        let mut tied = 0_usize;
        for start in (0..self.rows.1).step_by(BLOCK) {
            let end = (start + BLOCK).min(self.rows.1);
            let (nearer, as_near) =
                self.block(left, start..end, &mut block).fold((0, 0), |(nearer, as_near), found| {
                    (nearer + usize::from(found < nearest - TIED), as_near + usize::from(found <= nearest + TIED))
                });
            if nearer > 0 {
                return 0.0;
            }
            tied += as_near;
        }
        let ours = distances.iter().filter(|distance| **distance <= nearest + TIED).count();
        ours as f64 / tied.max(1) as f64
    }

    /// The distances between a record of the first file and some of the second.
    fn block<'a>(&self, left: usize, rights: Range<usize>, room: &'a mut Block) -> impl Iterator<Item = f64> + use<'a> {
        room.sums.clear();
        room.sums.resize(rights.len(), 0.0);
        room.compared.clear();
        room.compared.resize(rights.len(), 0.0);
        for coordinate in &self.coordinates {
            match coordinate {
                Coordinate::Numbers { left: ours, right } if !ours[left].is_nan() => {
                    let difference = |other: &f64| (!other.is_nan()).then(|| (ours[left] - other).abs());
                    room.add(right[rights.clone()].iter().map(difference));
                }
                Coordinate::Categories { left: ours, right } if ours[left] != MISSING => {
                    let differs = |other: &u32| (*other != MISSING).then(|| f64::from(u8::from(ours[left] != *other)));
                    room.add(right[rights.clone()].iter().map(differs));
                }
                Coordinate::Numbers { .. } | Coordinate::Categories { .. } => {}
            }
        }
        let mean = |(sum, compared): (&f64, &f64)| if *compared > 0.0 { sum / compared } else { 1.0 };
        room.sums.iter().zip(&room.compared).map(mean)
    }
}

impl Block {
    /// Adds a column: a distance for each record, nothing where a value is missing.
    fn add(&mut self, distances: impl Iterator<Item = Option<f64>>) {
        for ((sum, compared), distance) in self.sums.iter_mut().zip(&mut self.compared).zip(distances) {
            *sum += distance.unwrap_or(0.0);
            *compared += f64::from(u8::from(distance.is_some()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linkage::assign;
    use proptest::prelude::*;

    fn numbers(left: &[f64], right: &[f64]) -> Coordinate {
        Coordinate::Numbers { left: left.to_vec(), right: right.to_vec() }
    }

    fn categories(left: &[u32], right: &[u32]) -> Coordinate {
        Coordinate::Categories { left: left.to_vec(), right: right.to_vec() }
    }

    fn costs(gower: &Gower) -> Vec<f64> {
        let (lefts, rights) = gower.rows;
        (0..lefts)
            .flat_map(|left| (0..rights).map(move |right| (left, right)))
            .map(|(l, r)| gower.distance(l, r))
            .collect()
    }

    /// The share of records that the assignment with the least total links to the record in the same place, and that total.
    fn one_to_one(gower: &Gower) -> (f64, f64) {
        let (costs, n) = (costs(gower), gower.rows.0);
        let columns = assign(&costs, n);
        let right = columns.iter().enumerate().filter(|(row, column)| row == *column).count();
        (right as f64 / n as f64, columns.iter().enumerate().map(|(row, column)| costs[row * n + column]).sum())
    }

    /// sdcMicro's example of mixed columns: ages 20 and 40, sexes f and m, regions A and B; masked 20 and 30, f and m, B and B.
    #[test]
    fn mixed_columns_of_sdcmicro() {
        let gower = Gower::of(vec![
            numbers(&[20.0, 40.0], &[20.0, 30.0]),
            categories(&[0, 1], &[0, 1]),
            categories(&[0, 1], &[1, 1]),
        ]);
        let expected = [1.0 / 3.0, 5.0 / 6.0, 2.0 / 3.0, 1.0 / 6.0];
        for (found, expected) in costs(&gower).into_iter().zip(expected) {
            assert!((found - expected).abs() < 1e-15, "{found} {expected}");
        }
        assert_eq!(one_to_one(&gower).0, 1.0);
    }

    /// The examples of Herranz, Nin, Rodriguez and Tassa (2015), with the answers of sdcMicro's tests.
    #[test]
    fn examples_of_global_linkage() {
        let first = Gower::of(vec![
            numbers(&[1.0, 0.0, -1.0, 0.0], &[0.0, 0.0, -2.1, 0.0]),
            numbers(&[0.0, 1.0, 0.0, -1.0], &[0.0, 2.1, 0.0, -2.1]),
        ]);
        assert_eq!(one_to_one(&first).0, 1.0);
        let second = Gower::of(vec![numbers(&[1.0, 2.0, 3.0, 4.0], &[2.0, 3.0, 4.0, -0.1])]);
        assert_eq!(one_to_one(&second).0, 0.0);
        // A total of 99 before it is divided by the range.
        let third = Gower::of(vec![numbers(&[0.0, 2.0, 100.0], &[0.0, 100.0, 101.0])]);
        assert!((one_to_one(&third).1 - 99.0 / 101.0).abs() < 1e-15);
    }

    #[test]
    fn missing_values_are_left_out() {
        let gower = Gower::of(vec![
            numbers(&[0.0, f64::NAN, 4.0], &[f64::INFINITY, 1.0, 4.0]),
            categories(&[0, 1, MISSING], &[1, MISSING, 1]),
        ]);
        // The range is 4.
        let expected = [1.0, 0.25, 1.0, 0.0, 1.0, 0.0, 1.0, 0.75, 0.0];
        assert_eq!(costs(&gower), expected);
        assert_eq!(gower.chance_of(2, &[2]), 1.0);
        assert_eq!(gower.chance_of(0, &[0]), 0.0);
        assert_eq!(gower.chance_of(1, &[0]), 0.5, "as near as the third, for which nothing else speaks");
        assert_eq!(Gower::of(vec![numbers(&[3.0], &[3.0, 3.0])]).distance(0, 1), 0.0);
        assert_eq!(Gower::of(vec![numbers(&[-1.7e308, 1.7e308], &[1.7e308])]).distance(0, 0), 1.0);
    }

    #[test]
    fn many_records_are_compared_in_blocks() {
        let rights: Vec<f64> = (0..3000).map(|row| f64::from(row / 3)).collect();
        let gower = Gower::of(vec![numbers(&rights, &rights)]);
        for own in [0, 1022, 1023, 1024, 1025, 2999] {
            assert_eq!(gower.chance_of(own, &[own]), 1.0 / 3.0);
        }
        assert_eq!(gower.chance_of(6, &[6, 8, 2000]), 2.0 / 3.0, "two of the three are the person's");
        assert_eq!(gower.chance_of(6, &[9]), 0.0);
    }

    /// Records of two columns: a number from 0 to 3 and a category of two, each sometimes missing.
    fn records() -> impl Strategy<Value = Vec<(Option<u8>, Option<u32>)>> {
        prop::collection::vec((prop::option::weighted(0.9, 0_u8..4), prop::option::weighted(0.9, 0_u32..2)), 1..40)
    }

    fn gower(left: &[(Option<u8>, Option<u32>)], right: &[(Option<u8>, Option<u32>)]) -> Gower {
        let number = |row: &(Option<u8>, Option<u32>)| row.0.map_or(f64::NAN, f64::from);
        let code = |row: &(Option<u8>, Option<u32>)| row.1.unwrap_or(MISSING);
        Gower::of(vec![
            Coordinate::Numbers { left: left.iter().map(number).collect(), right: right.iter().map(number).collect() },
            Coordinate::Categories { left: left.iter().map(code).collect(), right: right.iter().map(code).collect() },
        ])
    }

    proptest! {
        /// Nothing is masked: a complete record is found as often as it is drawn from those that equal it.
        #[test]
        fn without_masking_everybody_is_found_in_their_class(rows in records()) {
            let rows: Vec<_> = rows.into_iter().filter(|row| row.0.is_some() && row.1.is_some()).collect();
            let found = gower(&rows, &rows);
            for (row, cells) in rows.iter().enumerate() {
                let class = rows.iter().filter(|other| *other == cells).count();
                prop_assert_eq!(found.chance_of(row, &[row]), 1.0 / class as f64);
            }
        }

        /// The chances of all records of the second file add up to one, and a tie is shared.
        #[test]
        fn somebody_is_taken(left in records(), right in records()) {
            let found = gower(&left, &right);
            for row in 0..left.len() {
                let all: f64 = (0..right.len()).map(|own| found.chance_of(row, &[own])).sum();
                prop_assert!((all - 1.0).abs() < 1e-12);
            }
        }

        /// Both files in another order, the same in both: everybody is found as before, and the least total is the same.
        #[test]
        fn the_order_of_the_file_changes_nothing(
            (pairs, order) in prop::collection::vec((0_u8..9, 0_u32..2, 0_u8..9, 0_u32..2), 1..30).prop_flat_map(|pairs| {
                let order: Vec<usize> = (0..pairs.len()).collect();
                (Just(pairs), Just(order).prop_shuffle())
            })
        ) {
            let side = |order: &[usize]| {
                let left: Vec<_> = order.iter().map(|&at| (Some(pairs[at].0), Some(pairs[at].1))).collect();
                let right: Vec<_> = order.iter().map(|&at| (Some(pairs[at].2), Some(pairs[at].3))).collect();
                gower(&left, &right)
            };
            let (before, after) = (side(&(0..pairs.len()).collect::<Vec<_>>()), side(&order));
            for (place, &row) in order.iter().enumerate() {
                prop_assert_eq!(before.chance_of(row, &[row]), after.chance_of(place, &[place]));
            }
            prop_assert!((one_to_one(&before).1 - one_to_one(&after).1).abs() < 1e-9);
        }
    }
}
