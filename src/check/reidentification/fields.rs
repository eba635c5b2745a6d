//! Columns of two files as fields of a linkage: how the values of a column are compared, and how they go wrong.

use crate::data::encode::{codes, joint_codes};
use crate::data::{Cells, MISSING};
use crate::linkage::{self, Domain, Field, days};
use crate::seed::Stream;
use crate::stats::uniform::{below, unit};

/// Most values of a column of numbers that are compared as categories.
const FEW_NUMBERS: usize = 20;
/// Most values of a column of texts that are compared as categories.
const FEW_TEXTS: usize = 50;
/// Close numbers that are no whole ones, and near numbers, in standard deviations.
const CLOSE: f64 = 0.01;
const NEAR: f64 = 0.1;

/// How the values of a column are compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Comparing {
    /// Equal or not: few values.
    Categories,
    /// By the similarity of texts.
    Texts,
    /// By difference.
    Numbers { close: f64, near: f64 },
    /// As dates.
    Dates,
}

impl Comparing {
    /// The way that fits a column: by its type, its number of distinct values, and whether all of them are dates.
    pub(super) fn of(cells: &Cells) -> Self {
        let values = distinct(cells);
        let all_dates = !values.is_empty() && values.iter().all(|value| days(value).is_some());
        match cells {
            Cells::Bool(_) => Self::Categories,
            Cells::Text { .. } | Cells::Integer(_) if all_dates => Self::Dates,
            Cells::Text { .. } if values.len() <= FEW_TEXTS => Self::Categories,
            Cells::Text { .. } => Self::Texts,
            Cells::Integer(_) | Cells::Float(_) if values.len() <= FEW_NUMBERS => Self::Categories,
            Cells::Integer(_) => Self::Numbers { close: 1.0, near: (NEAR * spread(cells)).max(2.0) },
            Cells::Float(_) => Self::Numbers { close: CLOSE * spread(cells), near: NEAR * spread(cells) },
        }
    }

    /// Words for a reader.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Categories => "equal or not",
            Self::Texts => "similarity of texts",
            Self::Numbers { .. } => "difference",
            Self::Dates => "distance of dates",
        }
    }

    /// A column of the attacker's file and one of the data as a field.
    pub(super) fn field(self, attacker: &Cells, data: &Cells) -> Field {
        let (mut left, mut right, levels) = joint_codes(attacker, data);
        let mut texts = vec![None; levels];
        for (codes, cells) in [(&mut left, attacker), (&mut right, data)] {
            for (row, code) in codes.iter_mut().enumerate() {
                if cells.is_missing(row) {
                    *code = linkage::MISSING;
                } else if self != Self::Categories && texts[*code as usize].is_none() {
                    texts[*code as usize] = cells.text(row);
                }
            }
        }
        // The code of missing cells has no text and is never compared.
        let texts = || texts.iter().map(|text| text.clone().unwrap_or_default()).collect::<Vec<String>>();
        let domain = match self {
            Self::Categories => Domain::Exact(levels),
            Self::Texts => Domain::Text(texts()),
            Self::Dates => Domain::Date(texts()),
            Self::Numbers { close, near } => {
                let values = texts().iter().map(|text| text.parse().unwrap_or(f64::NAN)).collect();
                Domain::Number { values, close, near }
            }
        };
        Field { left, right, domain }
    }

    /// The cells of an attacker who has some of them wrong and lacks others: each is missing with one probability, else wrong
    /// with another. A category becomes that of a random record, a text gets a typing error, a date another digit, a number
    /// moves by one (by a hundredth of a standard deviation where it is no whole one).
    pub(super) fn marred(self, cells: &Cells, others: &Cells, rates: Rates, stream: &mut Stream) -> Cells {
        let rows = cells.len();
        let draws: Vec<(bool, bool)> =
            (0..rows).map(|_| (unit(stream) < rates.missing, unit(stream) < rates.error)).collect();
        let wrong = |row: usize| !draws[row].0 && draws[row].1;
        let shift = |stream: &mut Stream| if below(2, stream) == 0 { -1_i8 } else { 1 };
        let marred = match (self, cells) {
            (Self::Numbers { .. }, Cells::Integer(values)) => {
                let mut values = values.clone();
                for row in (0..rows).filter(|&row| wrong(row)) {
                    let step = i64::from(shift(stream));
                    values[row] = values[row].map(|value| value.saturating_add(step));
                }
                Cells::Integer(values)
            }
            (Self::Numbers { close, .. }, Cells::Float(values)) => {
                let mut values = values.clone();
                (0..rows).filter(|&row| wrong(row)).for_each(|row| values[row] += f64::from(shift(stream)) * close);
                Cells::Float(values)
            }
            (Self::Dates, Cells::Integer(values)) => {
                let mut values = values.clone();
                for row in (0..rows).filter(|&row| wrong(row)) {
                    values[row] = values[row].and_then(|value| mistyped(&value.to_string(), stream).parse().ok());
                }
                Cells::Integer(values)
            }
            (Self::Texts | Self::Dates, Cells::Text { codes, dictionary }) => {
                let (mut codes, mut dictionary) = (codes.clone(), dictionary.to_vec());
                for row in (0..rows).filter(|&row| wrong(row) && !cells.is_missing(row)) {
                    let text = &dictionary[codes[row] as usize];
                    let typed = if self == Self::Dates { mistyped(text, stream) } else { misspelt(text, stream) };
                    codes[row] = dictionary.len() as u32;
                    dictionary.push(typed);
                }
                Cells::Text { codes, dictionary: dictionary.into() }
            }
            _ => swapped(cells, others, wrong, stream),
        };
        blanked(&marred, |row| draws[row].0)
    }
}

/// How much of the attacker's file is wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rates {
    /// Share of the cells that are missing.
    pub(super) missing: f64,
    /// Share of the others that are wrong.
    pub(super) error: f64,
}

/// Cells of which some are those of random rows of another column of the same type.
fn swapped(cells: &Cells, others: &Cells, wrong: impl Fn(usize) -> bool, stream: &mut Stream) -> Cells {
    let rows = cells.len();
    let from: Vec<usize> =
        (0..rows).map(|row| if wrong(row) { rows + below(others.len(), stream) } else { row }).collect();
    cells.stacked(others).map_or_else(|| cells.clone(), |both| both.take(&from))
}

fn blanked(cells: &Cells, blank: impl Fn(usize) -> bool) -> Cells {
    match cells {
        Cells::Text { codes, dictionary } => Cells::Text {
            codes: codes.iter().enumerate().map(|(row, &code)| if blank(row) { MISSING } else { code }).collect(),
            dictionary: dictionary.clone(),
        },
        Cells::Integer(values) => {
            Cells::Integer(values.iter().enumerate().map(|(row, value)| value.filter(|_| !blank(row))).collect())
        }
        Cells::Float(values) => {
            let value = |(row, &value)| if blank(row) { f64::NAN } else { value };
            Cells::Float(values.iter().enumerate().map(value).collect())
        }
        Cells::Bool(values) => {
            Cells::Bool(values.iter().enumerate().map(|(row, value)| value.filter(|_| !blank(row))).collect())
        }
    }
}

/// A text with one letter left out, doubled, replaced or swapped with its neighbour.
fn misspelt(text: &str, stream: &mut Stream) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    if letters.is_empty() {
        return String::new();
    }
    let at = below(letters.len(), stream);
    match below(4, stream) {
        0 if letters.len() > 1 => {
            letters.remove(at);
        }
        1 => {
            let letter = letters[at];
            letters.insert(at, letter);
        }
        2 if at + 1 < letters.len() => letters.swap(at, at + 1),
        _ => letters[at] = char::from(b'a' + below(26, stream) as u8),
    }
    letters.into_iter().collect()
}

/// A text with one digit replaced by another.
fn mistyped(text: &str, stream: &mut Stream) -> String {
    let digits: Vec<usize> =
        text.char_indices().filter(|(_, letter)| letter.is_ascii_digit()).map(|(at, _)| at).collect();
    if digits.is_empty() {
        return text.to_owned();
    }
    let at = digits[below(digits.len(), stream)];
    let digit = (text.as_bytes()[at] - b'0' + 1 + below(9, stream) as u8) % 10;
    format!("{}{digit}{}", &text[..at], &text[at + 1..])
}

/// The distinct values of a column as texts, missing ones left out.
fn distinct(cells: &Cells) -> Vec<String> {
    let (codes, levels) = codes(cells);
    let mut seen = vec![false; levels];
    let first = |(row, code): (usize, u32)| {
        if std::mem::replace(&mut seen[code as usize], true) { None } else { cells.text(row) }
    };
    codes.into_iter().enumerate().filter_map(first).collect()
}

/// Standard deviation of the numbers that are there; 0 where there is none.
fn spread(cells: &Cells) -> f64 {
    let numbers: Vec<f64> = cells.numbers().unwrap_or_default().into_iter().filter(|value| value.is_finite()).collect();
    let n = numbers.len().max(1) as f64;
    let mean = numbers.iter().sum::<f64>() / n;
    (numbers.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linkage::one_edit;
    use crate::seed::Seed;
    use std::sync::Arc;

    fn texts(values: &[String]) -> Cells {
        Cells::Text { codes: (0..values.len() as u32).collect(), dictionary: Arc::new(values.to_vec()) }
    }

    fn numbered(prefix: &str, count: usize) -> Cells {
        texts(&(0..count).map(|at| format!("{prefix}{at}")).collect::<Vec<_>>())
    }

    #[test]
    fn columns_are_compared_by_what_they_hold() {
        let dates = texts(&["1950-02-28".to_owned(), "1961-01-01".to_owned()]);
        assert_eq!(Comparing::of(&dates), Comparing::Dates);
        assert_eq!(Comparing::of(&Cells::Integer(vec![Some(19_500_228), None])), Comparing::Dates);
        assert_eq!(Comparing::of(&numbered("name", 50)), Comparing::Categories);
        assert_eq!(Comparing::of(&numbered("name", 51)), Comparing::Texts);
        assert_eq!(Comparing::of(&Cells::Integer((0..20).map(Some).collect())), Comparing::Categories);
        let ages = Comparing::of(&Cells::Integer((0..100).map(Some).collect()));
        assert!(matches!(ages, Comparing::Numbers { close: 1.0, near } if (near - 2.886).abs() < 1e-3), "{ages:?}");
        assert_eq!(Comparing::of(&Cells::Integer(vec![None])), Comparing::Categories);
    }

    #[test]
    fn missing_cells_are_missing_in_the_field() {
        let (a, b) = (Cells::Integer(vec![Some(7), None]), Cells::Integer(vec![None, Some(7), Some(8)]));
        let field = Comparing::Numbers { close: 1.0, near: 2.0 }.field(&a, &b);
        assert_eq!((field.left[1], field.right[0]), (MISSING, MISSING));
        assert_eq!(field.left[0], field.right[1]);
        let Domain::Number { values, .. } = &field.domain else { panic!("numbers") };
        assert_eq!(values[field.right[2] as usize], 8.0);
    }

    #[test]
    fn as_many_cells_go_wrong_as_asked_and_in_the_way_of_their_kind() {
        let rates = Rates { missing: 0.1, error: 0.2 };
        let names = numbered("margaret ", 2000);
        let others = numbered("x", 3);
        for (kind, cells) in [
            (Comparing::Texts, names),
            (Comparing::Dates, texts(&vec!["1950-02-28".to_owned(); 2000])),
            (Comparing::Numbers { close: 1.0, near: 2.0 }, Cells::Integer((0..2000).map(Some).collect())),
            (Comparing::Numbers { close: 0.5, near: 2.0 }, Cells::Float((0..2000).map(f64::from).collect())),
            (Comparing::Categories, texts(&vec!["a".to_owned(); 2000])),
        ] {
            let mut stream = Seed::root(4).stream();
            let other = if matches!(cells, Cells::Text { .. }) { &others } else { &cells };
            let marred = kind.marred(&cells, other, rates, &mut stream);
            let missing = (0..2000).filter(|&row| marred.is_missing(row)).count();
            let wrong: Vec<usize> =
                (0..2000).filter(|&row| !marred.is_missing(row) && marred.text(row) != cells.text(row)).collect();
            // 200 and 360 of 2,000; four standard deviations are 54 and 69. A typing error may change nothing.
            assert!(missing.abs_diff(200) < 54 && wrong.len().abs_diff(355) < 75, "{kind:?} {missing} {}", wrong.len());
            if matches!(kind, Comparing::Texts | Comparing::Dates) {
                let text = |cells: &Cells, row| cells.text(row).unwrap();
                assert!(wrong.iter().all(|&row| one_edit(&text(&marred, row), &text(&cells, row))));
            }
        }
    }
}
