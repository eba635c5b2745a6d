//! Columns in at most 255 bins: all that a histogram learner needs to know of the data.

use crate::data::{Cells, MISSING};

/// The bin of missing cells.
const MISSING_BIN: u8 = 0;
/// Most bins for values.
const MOST: usize = 254;
/// Most bins for numbers: more would cost time and find nothing on tables of this size.
const MOST_NUMERIC: usize = 63;

/// Binned columns of equal length.
#[derive(Default)]
pub struct Binned {
    columns: Vec<Vec<u8>>,
    rows: usize,
}

impl Binned {
    /// Starts without columns.
    pub fn new(rows: usize) -> Self {
        Self { columns: Vec::new(), rows }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub fn width(&self) -> usize {
        self.columns.len()
    }

    pub(super) fn column(&self, index: usize) -> &[u8] {
        &self.columns[index]
    }

    /// Adds a column given in parts (members, then non-members), binned over all rows together without looking at any
    /// label: numbers at quantiles, texts by falling frequency.
    ///
    /// # Panics
    /// When the parts have not as many cells as there are rows, or different types; loaders settle types jointly.
    pub fn push(&mut self, parts: &[&Cells]) {
        assert_eq!(parts.iter().map(|cells| cells.len()).sum::<usize>(), self.rows, "parts fill the rows");
        let mut numbers: Vec<f64> = Vec::with_capacity(self.rows);
        for cells in parts {
            match cells {
                Cells::Float(values) => numbers.extend(values),
                Cells::Integer(values) => numbers.extend(values.iter().map(|v| v.map_or(f64::NAN, |v| v as f64))),
                Cells::Bool(values) => {
                    numbers.extend(values.iter().map(|v| v.map_or(f64::NAN, |v| f64::from(u8::from(v)))));
                }
                Cells::Text { .. } => {
                    let codes: Vec<u32> = parts.iter().flat_map(|part| text_codes(part)).collect();
                    self.columns.push(bin_codes(&codes));
                    return;
                }
            }
        }
        self.push_numbers(&numbers);
    }

    /// Adds a column of numbers; NaN is missing.
    ///
    /// # Panics
    /// When there are not as many numbers as rows.
    pub fn push_numbers(&mut self, numbers: &[f64]) {
        assert_eq!(numbers.len(), self.rows, "a number per row");
        self.columns.push(bin_numbers(numbers));
    }
}

fn text_codes(cells: &Cells) -> Vec<u32> {
    match cells {
        Cells::Text { codes, .. } => codes.clone(),
        other => vec![MISSING; other.len()],
    }
}

fn bin_numbers(numbers: &[f64]) -> Vec<u8> {
    let mut sorted: Vec<f64> = numbers.iter().copied().filter(|v| !v.is_nan()).collect();
    sorted.sort_by(f64::total_cmp);
    // Upper edges at evenly spaced ranks; equal edges collapse, so few distinct values keep a bin each.
    let mut edges: Vec<f64> = (1..=MOST_NUMERIC)
        .filter_map(|i| sorted.get((i * sorted.len() / MOST_NUMERIC).saturating_sub(1)).copied())
        .collect();
    let mut distinct = sorted;
    distinct.dedup();
    if distinct.len() <= MOST_NUMERIC {
        edges = distinct;
    }
    edges.dedup();
    let bin =
        |value: &f64| if value.is_nan() { MISSING_BIN } else { edges.partition_point(|edge| edge < value) as u8 + 1 };
    numbers.iter().map(bin).collect()
}

fn bin_codes(codes: &[u32]) -> Vec<u8> {
    let levels = codes.iter().filter(|&&c| c != MISSING).max().map_or(0, |&c| c as usize + 1);
    let mut counts = vec![0_usize; levels];
    codes.iter().filter(|&&c| c != MISSING).for_each(|&c| counts[c as usize] += 1);
    let mut order: Vec<usize> = (0..levels).collect();
    order.sort_by_key(|&code| (std::cmp::Reverse(counts[code]), code));
    let mut bins = vec![MISSING_BIN; levels];
    for (rank, &code) in order.iter().enumerate() {
        bins[code] = rank.min(MOST - 1) as u8 + 1;
    }
    codes.iter().map(|&c| if c == MISSING { MISSING_BIN } else { bins[c as usize] }).collect()
}
