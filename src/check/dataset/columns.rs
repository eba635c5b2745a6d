//! Columns of both sets, prepared to be tried as detectors of membership.

use std::cmp::Ordering;

use rayon::prelude::*;

use crate::data::encode::joint_codes;
use crate::data::{Cells, MISSING, Outcome, Role, Split};
use crate::stats::rank::quantile;

/// Most levels that are taken as they are; numbers of more are cut into ranges, texts of more are put in order too.
pub(super) const MOST_LEVELS: usize = 20;
/// Ranges of a column of numbers.
const RANGES: usize = 16;

/// What a column is to the comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Feature,
    Outcome,
    /// Identifier, patient or left out: named, voids nothing.
    Apart(Role),
}

/// How a column betrays membership.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Size,
    Level,
    Order,
    Missing,
}

impl Way {
    /// How, in words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Size => "its size",
            Self::Level => "which value it has",
            Self::Order => "its place in order",
            Self::Missing => "whether it is missing",
        }
    }
}

/// A column of both sets, members first.
pub(super) struct Column {
    pub(super) name: String,
    pub(super) part: Part,
    /// Numbers with NaN for missing; places in order for texts.
    pub(super) values: Vec<f64>,
    pub(super) missing: Vec<bool>,
    /// Levels or ranges; missing is one of its own.
    pub(super) codes: Vec<u32>,
    pub(super) levels: usize,
    pub(super) ways: Vec<Way>,
}

/// Every column that both sets have, prepared.
pub(super) fn columns(split: &Split) -> Vec<Column> {
    let mut columns: Vec<Column> = Vec::new();
    if let (Some(a), Some(b)) = (split.members.table(), split.nonmembers.table()) {
        let pairs: Vec<(&str, Part, &Cells, &Cells)> = a
            .columns()
            .iter()
            .filter_map(|column| {
                let part = part_of_comparison(split, &column.name)?;
                Some((column.name.as_str(), part, &column.cells, &b.column(&column.name)?.cells))
            })
            .collect();
        columns = pairs.into_par_iter().map(|(name, part, x, y)| Column::of(name, part, x, y)).collect();
    }
    if let (Some(a), Some(b)) = (&split.members.target, &split.nonmembers.target) {
        let names = split.schema.target.as_ref().map(Outcome::columns).unwrap_or_default();
        for (at, (a, b)) in a.columns().iter().zip(b.columns()).enumerate() {
            columns.push(Column::of(names.get(at).copied().unwrap_or("labels"), Part::Outcome, a, b));
        }
    }
    columns.retain(|column| !column.ways.is_empty());
    columns
}

/// What a column of the table is to the comparison; nothing for the outcome, scores and the column that says who is a member.
fn part_of_comparison(split: &Split, name: &str) -> Option<Part> {
    let roles = split.schema.roles(name);
    if [Role::Target, Role::Split, Role::Score].iter().any(|role| roles.contains(role)) {
        return None;
    }
    let apart = [Role::Identifier, Role::Patient, Role::LeftOut].into_iter().find(|role| roles.contains(role));
    Some(apart.map_or(Part::Feature, Part::Apart))
}

impl Column {
    fn of(name: &str, part: Part, first: &Cells, second: &Cells) -> Self {
        let (in_codes, out_codes, mut levels) = joint_codes(first, second);
        let mut codes = [in_codes, out_codes].concat();
        let missing: Vec<bool> =
            [first, second].iter().flat_map(|cells| (0..cells.len()).map(|row| cells.is_missing(row))).collect();
        let numbers = first.numbers().zip(second.numbers()).map(|(a, b)| [a, b].concat());
        let mut ways = Vec::new();
        let gaps = missing.iter().filter(|&&gap| gap).count();
        let present = levels - usize::from(gaps > 0);
        if gaps > 0 && gaps < missing.len() {
            ways.push(Way::Missing);
        }
        let is_text = numbers.is_none();
        let values = match numbers {
            Some(values) => {
                if present > 1 {
                    ways.push(Way::Size);
                }
                if present > MOST_LEVELS {
                    (codes, levels) = ranges(&values);
                }
                values
            }
            None => places(&codes, levels, [first, second]),
        };
        if is_text && present > MOST_LEVELS {
            ways.push(Way::Order);
        }
        // Two levels without gaps of numbers say the same by size; one level says nothing.
        if levels > 2 || is_text && levels == 2 {
            ways.push(Way::Level);
        }
        Self { name: name.to_owned(), part, values, missing, codes, levels, ways }
    }
}

/// Ranges of numbers between quantiles of both sets together; missing is a range of its own.
fn ranges(values: &[f64]) -> (Vec<u32>, usize) {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let cuts: Vec<f64> = (1..RANGES).map(|cut| quantile(&sorted, cut as f64 / RANGES as f64)).collect();
    let code = |value: &f64| if value.is_nan() { RANGES } else { cuts.partition_point(|cut| cut < value) };
    (values.iter().map(|value| code(value) as u32).collect(), RANGES + 1)
}

/// The place of every text when the distinct ones are put in order, digits as numbers; NaN where it is missing.
fn places(codes: &[u32], levels: usize, parts: [&Cells; 2]) -> Vec<f64> {
    let mut texts: Vec<Option<&str>> = vec![None; levels];
    let mut at = 0;
    for cells in parts {
        if let Cells::Text { codes: own, dictionary } = cells {
            for &code in own {
                if code != MISSING {
                    texts[codes[at] as usize] = dictionary.get(code as usize).map(String::as_str);
                }
                at += 1;
            }
        }
    }
    let mut order: Vec<(usize, &str)> =
        texts.iter().enumerate().filter_map(|(code, text)| text.map(|text| (code, text))).collect();
    order.sort_by(|a, b| natural(a.1, b.1).then_with(|| a.1.cmp(b.1)));
    let mut place = vec![f64::NAN; levels];
    for (rank, (code, _)) in order.into_iter().enumerate() {
        place[code] = rank as f64;
    }
    codes.iter().map(|&code| place[code as usize]).collect()
}

/// The order of texts in which runs of digits count as numbers: `v9` comes before `v10`.
fn natural(first: &str, second: &str) -> Ordering {
    let (mut a, mut b) = (first.as_bytes(), second.as_bytes());
    loop {
        let (Some(x), Some(y)) = (a.first(), b.first()) else { return a.len().cmp(&b.len()) };
        if x.is_ascii_digit() && y.is_ascii_digit() {
            let run = |text: &[u8]| text.iter().take_while(|c| c.is_ascii_digit()).count();
            let ((x, rest_a), (y, rest_b)) = (a.split_at(run(a)), b.split_at(run(b)));
            let trimmed = |digits: &[u8]| digits.iter().take_while(|&&c| c == b'0').count();
            let (x, y) = (&x[trimmed(x)..], &y[trimmed(y)..]);
            match x.len().cmp(&y.len()).then_with(|| x.cmp(y)) {
                Ordering::Equal => (a, b) = (rest_a, rest_b),
                unequal => return unequal,
            }
        } else if x == y {
            (a, b) = (&a[1..], &b[1..]);
        } else {
            return x.cmp(y);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_count_as_numbers() {
        let mut texts = ["v10", "v9", "a2", "v010b", "V1", ""];
        texts.sort_by(|a, b| natural(a, b));
        assert_eq!(texts, ["", "V1", "a2", "v9", "v10", "v010b"]);
    }
}
