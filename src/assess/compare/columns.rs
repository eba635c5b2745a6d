//! How the columns of a data set and of its masked version are compared.

use serde::Serialize;

use crate::data::encode::{codes, joint_codes};
use crate::data::{Cells, MISSING};
use crate::linkage::{self, Coordinate, days};

/// How the cells of a column are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ComparedBy {
    /// Numbers in both versions.
    Difference,
    /// Dates in both versions.
    Days,
    /// Equal or not.
    Equality,
    /// Equal or not, once the older version is recoded as the newer one is: somebody who has the originals recodes them.
    Recoding,
    /// Equal or not; numbers were made texts in more than one way, so that nobody can recode the originals.
    LocalRecoding,
}

impl ComparedBy {
    /// Words for a reader.
    pub fn words(self) -> &'static str {
        match self {
            Self::Difference => "difference",
            Self::Days => "difference in days",
            Self::Equality => "equal or not",
            Self::Recoding => "equal or not, once recoded alike",
            Self::LocalRecoding => "equal or not, as it was recoded in several ways",
        }
    }
}

/// A column of both versions.
pub(super) struct Compared {
    pub(super) by: ComparedBy,
    /// The newer version on the left.
    pub(super) coordinate: Coordinate,
    /// Pairs of records whose cells differ.
    pub(super) changed: usize,
}

impl Compared {
    /// Compares the cells of both versions; `pairs` says which row of the older one is which of the newer one. O(rows).
    pub(super) fn of(older: &Cells, newer: &Cells, pairs: &[(usize, usize)]) -> Self {
        match (numbers(older), numbers(newer)) {
            (Some((by, right)), Some((as_well, left))) if by == as_well => {
                let differ = |(old, new): &&(usize, usize)| {
                    let (a, b) = (right[*old], left[*new]);
                    a != b && !(a.is_nan() && b.is_nan())
                };
                let changed = pairs.iter().filter(differ).count();
                Self { by, changed, coordinate: Coordinate::Numbers { left, right } }
            }
            _ => Self::categories(older, newer, pairs),
        }
    }

    fn categories(older: &Cells, newer: &Cells, pairs: &[(usize, usize)]) -> Self {
        let (right, left) = common_codes(older, newer);
        let changed = pairs.iter().filter(|(old, new)| right[*old] != left[*new]).count();
        // Where every cell was blanked there is no text that could stand for numbers.
        let texts = newer.numbers().is_none() && left.iter().any(|code| *code != linkage::MISSING);
        let were_numbers = older.numbers().is_some() && texts;
        let (by, right) = match recoded(&right, &left, pairs) {
            Some(recoded) => (ComparedBy::Recoding, recoded),
            None if were_numbers && changed > 0 => (ComparedBy::LocalRecoding, right),
            None => (ComparedBy::Equality, right),
        };
        Self { by, changed, coordinate: Coordinate::Categories { left, right } }
    }
}

/// The cells as numbers, where they are numbers or dates; missing ones and those that are not finite as NaN.
pub(super) fn numbers(cells: &Cells) -> Option<(ComparedBy, Vec<f64>)> {
    match cells {
        Cells::Bool(_) => None,
        Cells::Integer(_) | Cells::Float(_) => {
            let finite = |value: f64| if value.is_finite() { value } else { f64::NAN };
            Some((ComparedBy::Difference, cells.numbers()?.into_iter().map(finite).collect()))
        }
        Cells::Text { codes, dictionary } => {
            let dates: Vec<f64> =
                dictionary.iter().map(|text| days(text).map(|days| days as f64)).collect::<Option<_>>()?;
            let date = |code: &u32| dates.get(*code as usize).copied().unwrap_or(f64::NAN);
            (!dates.is_empty()).then(|| (ComparedBy::Days, codes.iter().map(date).collect()))
        }
    }
}

/// Codes that are equal where the cells are; cells of two types are compared as texts. A missing cell has no code.
pub(super) fn common_codes(older: &Cells, newer: &Cells) -> (Vec<u32>, Vec<u32>) {
    let (old, new, _) = if older.kind() == newer.kind() {
        joint_codes(older, newer)
    } else {
        joint_codes(&texts(older), &texts(newer))
    };
    let blank = |codes: Vec<u32>, cells: &Cells| {
        let code = |(row, code)| if cells.is_missing(row) { linkage::MISSING } else { code };
        codes.into_iter().enumerate().map(code).collect()
    };
    (blank(old, older), blank(new, newer))
}

/// The cells as canonical texts.
fn texts(cells: &Cells) -> Cells {
    let (mut codes, levels) = codes(cells);
    let mut dictionary = vec![None; levels];
    for (row, code) in codes.iter_mut().enumerate() {
        if cells.is_missing(row) {
            *code = MISSING;
        } else if dictionary[*code as usize].is_none() {
            dictionary[*code as usize] = cells.text(row);
        }
    }
    let dictionary: Vec<String> = dictionary.into_iter().map(Option::unwrap_or_default).collect();
    Cells::Text { codes, dictionary: dictionary.into() }
}

/// The codes of the older version as the newer one writes them, where every value became one value and those that changed
/// became at most half as many: coarser classes, and no noise or names in place of names.
fn recoded(older: &[u32], newer: &[u32], pairs: &[(usize, usize)]) -> Option<Vec<u32>> {
    let known = older.iter().filter(|code| **code != linkage::MISSING);
    let levels = known.max().map_or(0, |most| *most as usize + 1);
    let mut became: Vec<Option<u32>> = vec![None; levels];
    for &(old, new) in pairs {
        let (from, to) = (older[old], newer[new]);
        if from != linkage::MISSING && to != linkage::MISSING && *became[from as usize].get_or_insert(to) != to {
            return None;
        }
    }
    let moved = became.iter().zip(0_u32..).filter_map(|(to, from)| to.filter(|to| *to != from));
    let mut images: Vec<u32> = moved.collect();
    let changed = images.len();
    images.sort_unstable();
    images.dedup();
    let code = |code: &u32| became.get(*code as usize).copied().flatten().unwrap_or(*code);
    (changed > 0 && changed >= 2 * images.len()).then(|| older.iter().map(code).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts_of(values: &[&str]) -> Cells {
        let dictionary: Vec<String> = values.iter().filter(|text| !text.is_empty()).map(ToString::to_string).collect();
        let mut next = 0..;
        let codes = values.iter().map(|text| if text.is_empty() { MISSING } else { next.next().unwrap() });
        Cells::Text { codes: codes.collect(), dictionary: dictionary.into() }
    }

    fn integers(values: &[i64]) -> Cells {
        Cells::Integer(values.iter().map(|&value| (value >= 0).then_some(value)).collect())
    }

    fn compared(older: &Cells, newer: &Cells) -> (ComparedBy, usize, Coordinate) {
        let pairs: Vec<(usize, usize)> = (0..older.len()).map(|row| (row, row)).collect();
        let found = Compared::of(older, newer, &pairs);
        (found.by, found.changed, found.coordinate)
    }

    #[test]
    fn numbers_and_dates_are_compared_by_difference() {
        let (by, changed, coordinate) =
            compared(&integers(&[1, 2, -1, -1]), &Cells::Float(vec![1.0, 2.5, f64::NAN, 3.0]));
        assert_eq!((by, changed), (ComparedBy::Difference, 2));
        let Coordinate::Numbers { left, right } = coordinate else { panic!("numbers") };
        assert_eq!((left[1], right[1], left[2].is_nan()), (2.5, 2.0, true));
        let (by, changed, coordinate) =
            compared(&texts_of(&["1970-01-01", "", "1970-01-03"]), &texts_of(&["1970-01-02", "", "1970-01-03"]));
        assert_eq!((by, changed), (ComparedBy::Days, 1));
        let Coordinate::Numbers { left, right } = coordinate else { panic!("days") };
        assert_eq!((left[0], right[2], right[1].is_nan()), (1.0, 2.0, true));
    }

    #[test]
    fn coarser_classes_are_recoded_and_noise_is_not() {
        let ages = integers(&[31, 35, 38, 42, -1]);
        let (by, changed, coordinate) = compared(&ages, &texts_of(&["30-39", "30-39", "30-39", "42", ""]));
        assert_eq!((by, changed), (ComparedBy::Recoding, 3));
        let Coordinate::Categories { left, right } = coordinate else { panic!("categories") };
        assert_eq!(left, right);
        assert!(left[..3].iter().all(|code| *code == left[0]) && left[3] != left[0] && left[4] == linkage::MISSING);
        // One by one, as a name for a name: nothing that somebody without the key could repeat.
        let names = texts_of(&["n1", "n2", "n3", "n4", "n5"]);
        assert_eq!(compared(&names, &texts_of(&["x1", "x2", "x3", "x4", "x5"])).0, ComparedBy::Equality);
        // The same age became two things.
        let (by, changed, _) = compared(&integers(&[31, 31, 38, 38]), &texts_of(&["30-39", "31", "30-39", "*"]));
        assert_eq!((by, changed), (ComparedBy::LocalRecoding, 3));
        assert_eq!(compared(&names, &names).0, ComparedBy::Equality);
        let truth = Cells::Bool(vec![Some(true), None]);
        assert_eq!(compared(&truth, &truth).1, 0);
    }

    #[test]
    fn a_column_that_is_gone_says_nothing() {
        let (by, changed, coordinate) = compared(&integers(&[3, 4]), &texts_of(&["", ""]));
        assert_eq!((by, changed), (ComparedBy::Equality, 2));
        let Coordinate::Categories { left, .. } = coordinate else { panic!("categories") };
        assert_eq!(left, [linkage::MISSING; 2]);
    }
}
