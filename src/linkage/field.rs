//! Fields: a column of both files and the levels at which two of its values agree.

use std::collections::HashMap;

use rayon::prelude::*;

use super::similarity::{Prepared, days, one_edit};

/// The code of a missing value.
pub const MISSING: u32 = u32::MAX;

/// Similarities at which texts agree less than exactly, from alike to hardly alike (the levels of Splink's name comparison).
const ALIKE: [f64; 3] = [0.92, 0.88, 0.7];
/// Days within which dates agree less than exactly: a month, a year.
const NEAR_DAYS: [i64; 2] = [31, 366];
/// Fewest digits of a number that may be mistyped: short numbers are all one edit apart.
const FEWEST_DIGITS: usize = 4;

/// The distinct values of a field, by code, and how they are compared.
#[derive(Debug, Clone, PartialEq)]
pub enum Domain {
    /// So many values, equal or not.
    Exact(usize),
    /// Texts: equal, Jaro-Winkler similarity at least 0.92, 0.88, 0.7, or less.
    Text(Vec<String>),
    /// Numbers: equal; within `close` or one digit mistyped; within `near`; further.
    Number {
        /// The numbers.
        values: Vec<f64>,
        /// The largest difference of close numbers, at least 0.
        close: f64,
        /// The largest difference of numbers that are near.
        near: f64,
    },
    /// Dates as texts: equal, one edit apart, within a month, within a year, further.
    Date(Vec<String>),
}

impl Domain {
    /// Number of values.
    pub fn len(&self) -> usize {
        match self {
            Self::Exact(values) => *values,
            Self::Text(values) | Self::Date(values) => values.len(),
            Self::Number { values, .. } => values.len(),
        }
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of levels of agreement; equal is the last.
    pub fn levels(&self) -> u8 {
        match self {
            Self::Exact(_) => 2,
            Self::Number { .. } => 4,
            Self::Text(_) | Self::Date(_) => 5,
        }
    }

    /// The levels in words, from different to equal.
    pub fn words(&self) -> &'static [&'static str] {
        match self {
            Self::Exact(_) => &["different", "equal"],
            Self::Number { .. } => &["different", "near", "close", "equal"],
            Self::Text(_) => &["different", "hardly alike", "similar", "alike", "equal"],
            Self::Date(_) => &["different", "within a year", "within a month", "mistyped", "equal"],
        }
    }

    /// The least level that counts as agreement: equal, or what is next to it where there are levels between (texts alike,
    /// dates mistyped, numbers close or mistyped).
    pub fn least_agreement(&self) -> u8 {
        self.levels() - u8::from(self.levels() > 2)
    }

    /// The levels of one left value against some right ones.
    fn compare(&self, left: u32, rights: &[u32]) -> Vec<u8> {
        let equal = self.levels();
        let each = |level: &dyn Fn(usize) -> u8| {
            rights.iter().map(|&right| if right == left { equal } else { level(right as usize) }).collect()
        };
        let at = left as usize;
        match self {
            Self::Exact(_) => each(&|_| 1),
            Self::Text(values) => {
                let prepared = Prepared::new(&values[at]);
                each(&|right| {
                    let similarity = prepared.jaro_winkler(&values[right]);
                    4 - ALIKE.iter().position(|least| similarity >= *least).unwrap_or(ALIKE.len()) as u8
                })
            }
            Self::Number { values, close, near } => {
                let printed = values[at].to_string();
                each(&|right| {
                    let difference = (values[at] - values[right]).abs();
                    let mistyped = || {
                        let other = values[right].to_string();
                        printed.len().min(other.len()) >= FEWEST_DIGITS && one_edit(&printed, &other)
                    };
                    match difference {
                        _ if difference <= *close || mistyped() => 3,
                        _ if difference <= *near => 2,
                        _ => 1,
                    }
                })
            }
            Self::Date(values) => {
                let day = days(&values[at]);
                each(&|right| {
                    if one_edit(&values[at], &values[right]) {
                        return 4;
                    }
                    let apart = day.zip(days(&values[right])).map(|(a, b)| (a - b).abs());
                    let within = |most: i64| apart.is_some_and(|apart| apart <= most);
                    1 + NEAR_DAYS.into_iter().filter(|most| within(*most)).count() as u8
                })
            }
        }
    }
}

/// A column of both files in codes of one domain.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Code of each record of the left file, or [`MISSING`].
    pub left: Vec<u32>,
    /// Code of each record of the right file, or [`MISSING`].
    pub right: Vec<u32>,
    /// The values.
    pub domain: Domain,
}

/// One side of a field in codes of its own: the distinct values that the side has, in ascending order of their codes.
struct Side {
    /// Place in `values` of each record, or [`MISSING`].
    places: Vec<u32>,
    values: Vec<u32>,
}

impl Side {
    fn of(codes: &[u32], levels: usize) -> Self {
        let mut place = vec![MISSING; levels];
        codes.iter().filter(|&&code| code != MISSING).for_each(|&code| place[code as usize] = 0);
        let values: Vec<u32> = (0..levels as u32).filter(|&code| place[code as usize] == 0).collect();
        values.iter().zip(0..).for_each(|(&code, at)| place[code as usize] = at);
        let of = |&code: &u32| if code == MISSING { MISSING } else { place[code as usize] };
        Self { places: codes.iter().map(of).collect(), values }
    }
}

/// A field whose distinct pairs of values have been compared, each once.
pub(super) struct Compared {
    left: Side,
    right: Side,
    memo: Memo,
}

enum Memo {
    /// All pairs of values: row per left value.
    Full(Vec<u8>),
    /// Those that occur, for files that are compared within blocks.
    Some(HashMap<u64, u8>),
}

impl Compared {
    /// Compares every left value with every right one. O(left values x right values).
    pub(super) fn fully(field: &Field) -> Self {
        let (left, right) = (Side::of(&field.left, field.domain.len()), Side::of(&field.right, field.domain.len()));
        let rows: Vec<Vec<u8>> =
            left.values.par_iter().map(|&value| field.domain.compare(value, &right.values)).collect();
        Self { left, right, memo: Memo::Full(rows.concat()) }
    }

    /// Compares the values that meet in the given candidates of each left record.
    pub(super) fn within(field: &Field, candidates: &[Vec<u32>]) -> Self {
        let (left, right) = (Side::of(&field.left, field.domain.len()), Side::of(&field.right, field.domain.len()));
        let mut met: Vec<u64> = candidates
            .par_iter()
            .enumerate()
            .flat_map_iter(|(row, others)| {
                let place = left.places[row];
                let rights = others.iter().map(|&other| right.places[other as usize]);
                let mut met: Vec<u64> = rights
                    .filter(|&other| place != MISSING && other != MISSING)
                    .map(|other| key(place, other))
                    .collect();
                met.sort_unstable();
                met.dedup();
                met
            })
            .collect();
        met.par_sort_unstable();
        met.dedup();
        let rows: Vec<&[u64]> = met.chunk_by(|a, b| a >> 32 == b >> 32).collect();
        let levels: Vec<Vec<u8>> = rows
            .par_iter()
            .map(|row| {
                let others: Vec<u32> =
                    row.iter().map(|pair| right.values[(pair & u64::from(u32::MAX)) as usize]).collect();
                field.domain.compare(left.values[(row[0] >> 32) as usize], &others)
            })
            .collect();
        let memo = met.iter().copied().zip(levels.concat()).collect();
        Self { left, right, memo: Memo::Some(memo) }
    }

    /// Adds `stride` times the level of a left record with each of some right ones; nothing where a side is missing.
    pub(super) fn add(&self, left: usize, candidates: &[u32], stride: u64, patterns: &mut [u64]) {
        let place = self.left.places[left];
        if place == MISSING {
            return;
        }
        let places = &self.right.places;
        match &self.memo {
            Memo::Full(levels) => {
                let width = self.right.values.len();
                let row = &levels[place as usize * width..][..width];
                for (pattern, &other) in patterns.iter_mut().zip(candidates) {
                    let level = row.get(places[other as usize] as usize).copied().unwrap_or(0);
                    *pattern += stride * u64::from(level);
                }
            }
            Memo::Some(levels) => {
                for (pattern, &other) in patterns.iter_mut().zip(candidates) {
                    let other = places[other as usize];
                    let level = if other == MISSING { 0 } else { levels[&key(place, other)] };
                    *pattern += stride * u64::from(level);
                }
            }
        }
    }

    /// The number of pairs of distinct values that were compared.
    pub(super) fn compared(&self) -> usize {
        match &self.memo {
            Memo::Full(levels) => levels.len(),
            Memo::Some(levels) => levels.len(),
        }
    }
}

fn key(left: u32, right: u32) -> u64 {
    u64::from(left) << 32 | u64::from(right)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(values: &[&str]) -> Vec<String> {
        values.iter().map(|&value| value.to_owned()).collect()
    }

    #[test]
    fn levels_of_each_kind() {
        let names = Domain::Text(texts(&["martha", "marhta", "margaret", "zoe"]));
        assert_eq!(names.compare(0, &[0, 1, 2, 3]), [5, 4, 2, 1]);
        let dates = Domain::Date(texts(&["1950-02-28", "1950-02-23", "1950-03-15", "1951-01-14", "1960-11-30", "?"]));
        assert_eq!(dates.compare(0, &[0, 1, 2, 3, 4, 5]), [5, 4, 3, 2, 1, 1]);
        let numbers = Domain::Number { values: vec![4223.0, 4224.0, 4323.0, 4260.0, 9000.0], close: 1.0, near: 50.0 };
        assert_eq!(numbers.compare(0, &[0, 1, 2, 3, 4]), [4, 3, 3, 2, 1]);
        assert_eq!(Domain::Exact(2).compare(1, &[0, 1]), [1, 2]);
        for domain in [names, dates, numbers, Domain::Exact(2)] {
            assert_eq!(domain.words().len(), usize::from(domain.levels()));
            let agrees = domain.words()[usize::from(domain.least_agreement()) - 1];
            assert!(["alike", "mistyped", "close", "equal"].contains(&agrees), "{agrees}");
        }
    }

    #[test]
    fn the_memo_within_candidates_says_what_the_full_one_says() {
        let domain = Domain::Text(texts(&["anna", "ana", "bert", "berta"]));
        let field = Field { left: vec![0, MISSING, 2], right: vec![1, 3, MISSING, 0], domain };
        let candidates = vec![vec![0, 2, 3], vec![0, 1], vec![1, 2]];
        let (full, some) = (Compared::fully(&field), Compared::within(&field, &candidates));
        for (row, others) in candidates.iter().enumerate() {
            let levels = |compared: &Compared| {
                let mut levels = vec![0; others.len()];
                compared.add(row, others, 1, &mut levels);
                levels
            };
            assert_eq!(levels(&full), levels(&some));
        }
        assert_eq!((full.compared(), some.compared()), (6, 3));
    }
}
