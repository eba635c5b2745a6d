//! What one column of a table shows: its distinct values, their shapes, how many people share one.

use std::borrow::Cow;
use std::collections::BTreeMap;

/// The most distinct values of a column that are looked at.
pub const SAMPLE: usize = 2_000;
/// The longest mask that is shown.
const LONGEST_MASK: usize = 24;

/// The order of a column of whole numbers in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// None of the others.
    Free,
    /// The number of the row, from any start.
    RowNumber,
    /// Every number of a range once, in any order.
    DenseRange,
}

/// A column of a table, as far as the scan needs it.
#[derive(Clone)]
pub struct Column<'a> {
    /// Its name.
    pub name: &'a str,
    /// Distinct present values, at most [`SAMPLE`] of them, each with the rows that have it.
    pub values: Vec<(Cow<'a, str>, usize)>,
    /// Distinct present values altogether.
    pub distinct: usize,
    /// Rows with a value.
    pub rows: usize,
    /// People with a value; rows where people are not known.
    pub people: usize,
    /// Distinct pairs of a person and a value; as many as people where everybody has one value.
    pub pairs: usize,
    /// The range of the numbers and whether they are whole; nothing for texts.
    pub numbers: Option<Numbers>,
    /// Order in the file.
    pub order: Order,
}

/// What a column of numbers shows, without the outermost values: those may be mistyped or stand for something missing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Numbers {
    /// The smallest but for 2 % of the distinct ones.
    pub low: f64,
    /// The largest but for 2 % of the distinct ones.
    pub high: f64,
    /// Whether 95 % of the distinct ones are whole.
    pub whole: bool,
}

impl Numbers {
    /// The range of some distinct numbers; nothing where there are none.
    ///
    /// ```
    /// use privet::detect::Numbers;
    /// let ages = (0..99).map(f64::from).chain([999.0]).collect();
    /// assert_eq!(Numbers::of(ages), Some(Numbers { low: 2.0, high: 97.0, whole: true }));
    /// ```
    pub fn of(mut distinct: Vec<f64>) -> Option<Self> {
        distinct.sort_unstable_by(f64::total_cmp);
        let cut = distinct.len() / 50;
        let whole = distinct.iter().filter(|value| value.fract() == 0.0).count();
        let (low, high) = (*distinct.get(cut)?, *distinct.get(distinct.len() - 1 - cut)?);
        Some(Self { low, high, whole: whole * 20 >= distinct.len() * 19 })
    }
}

/// Texts that stand for a missing value.
const ABSENT: [&str; 18] = [
    "",
    "na",
    "n/a",
    "nan",
    "null",
    "none",
    "?",
    "-",
    "--",
    ".",
    "unknown",
    "missing",
    "nil",
    "n.a.",
    "not available",
    "unk",
    "(null)",
    "#n/a",
];

/// Whether a text says that there is no value.
pub fn is_absent(text: &str) -> bool {
    ABSENT.contains(&text.trim().to_lowercase().as_str())
}

impl Column<'_> {
    /// Share of rows, or of people where everybody has one value, that have a value of their own; from 0 to 1.
    pub fn uniqueness(&self) -> f64 {
        let by_row = self.distinct as f64 / self.rows.max(1) as f64;
        let by_person = if self.pairs == self.people { self.distinct as f64 / self.people.max(1) as f64 } else { 0.0 };
        by_row.max(by_person).min(1.0)
    }

    /// The shapes of the values, the most frequent first: digits as `9`, letters as `A` or `a`, the rest as it is; with the
    /// number of sampled distinct values and of rows.
    pub fn shapes(&self) -> Vec<Shape> {
        let mut shapes: BTreeMap<String, Shape> = BTreeMap::new();
        for (text, rows) in &self.values {
            let mask = mask(text.trim());
            let shape = shapes.entry(mask.clone()).or_insert(Shape { mask, values: 0, rows: 0 });
            shape.values += 1;
            shape.rows += rows;
        }
        let mut shapes: Vec<Shape> = shapes.into_values().collect();
        shapes.sort_by(|a, b| b.values.cmp(&a.values).then(b.rows.cmp(&a.rows)).then_with(|| a.mask.cmp(&b.mask)));
        shapes
    }

    /// About how many rows of the column stand behind some rows of the sample.
    pub(super) fn projected(&self, rows: usize) -> usize {
        let seen: usize = self.values.iter().map(|(_, rows)| rows).sum();
        if seen == self.rows { rows } else { (rows as f64 / seen.max(1) as f64 * self.rows as f64).round() as usize }
    }

    /// Share of sampled distinct values that fulfil a condition; 0 where there are none.
    pub(super) fn share(&self, fits: impl Fn(&str) -> bool) -> f64 {
        let hits = self.values.iter().filter(|(text, _)| fits(text.trim())).count();
        hits as f64 / self.values.len().max(1) as f64
    }
}

/// A shape of values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// Digits as `9`, letters as `A` or `a`.
    pub mask: String,
    /// Sampled distinct values of this shape.
    pub values: usize,
    /// Their rows.
    pub rows: usize,
}

/// The shape of a text. Holds no digit but 9 and no letter but A and a.
///
/// ```
/// use privet::detect::mask;
/// assert_eq!(mask("219-09-8999"), "999-99-9999");
/// assert_eq!(mask("Doe, Jane"), "Aaa, Aaaa");
/// ```
pub fn mask(text: &str) -> String {
    let sign = |c: char| match c {
        c if c.is_numeric() => '9',
        c if c.is_uppercase() => 'A',
        c if c.is_alphabetic() => 'a',
        c if c.is_ascii_graphic() || c == ' ' => c,
        _ => '_',
    };
    let mut mask: String = text.chars().take(LONGEST_MASK).map(sign).collect();
    if text.chars().count() > LONGEST_MASK {
        mask.push('…');
    }
    mask
}
