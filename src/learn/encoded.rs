//! The records as learners see them: bins for trees, and on demand a design for linear learners and networks.

use std::sync::{Arc, OnceLock};

use super::bins;
use super::design::Design;
use crate::data::{Cells, MISSING};

/// Columns of equal length, encoded over all rows together without looking at any label.
#[derive(Default)]
pub struct Encoded {
    columns: Vec<Arc<Encoding>>,
    rows: usize,
    /// Built when the first linear learner asks for it; trees never do.
    design: OnceLock<Design>,
}

/// One column: its bins and the cells they stand for.
struct Encoding {
    bins: Vec<u8>,
    cells: Raw,
}

/// The cells of a column.
pub(super) enum Raw {
    /// Text codes with [`MISSING`].
    Codes(Vec<u32>),
    /// Numbers; NaN is missing.
    Numbers(Vec<f64>),
}

impl Encoded {
    /// Starts without columns.
    pub fn new(rows: usize) -> Self {
        Self { rows, ..Self::default() }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub fn width(&self) -> usize {
        self.columns.len()
    }

    /// Adds a column given in parts (members, then non-members): bins of numbers lie at quantiles, those of texts are by
    /// falling frequency.
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
                    self.add(bins::of_codes(&codes), Raw::Codes(codes));
                    return;
                }
            }
        }
        self.add(bins::of_numbers(&numbers), Raw::Numbers(numbers));
    }

    /// Adds a column of numbers; NaN is missing.
    ///
    /// # Panics
    /// When there are not as many numbers as rows.
    pub fn push_numbers(&mut self, numbers: &[f64]) {
        assert_eq!(numbers.len(), self.rows, "a number per row");
        self.add(bins::of_numbers(numbers), Raw::Numbers(numbers.to_vec()));
    }

    fn add(&mut self, bins: Vec<u8>, cells: Raw) {
        self.columns.push(Arc::new(Encoding { bins, cells }));
        self.design = OnceLock::new();
    }

    /// The same records, all with the cells of one `row` in some columns.
    ///
    /// # Panics
    /// When there is no such row or column.
    pub fn with_all_as(&self, columns: &[usize], row: usize) -> Self {
        let mut placed = Self { columns: self.columns.clone(), ..Self::new(self.rows) };
        for &column in columns {
            let Encoding { bins, cells } = &*self.columns[column];
            let cells = match cells {
                Raw::Codes(codes) => Raw::Codes(vec![codes[row]; self.rows]),
                Raw::Numbers(numbers) => Raw::Numbers(vec![numbers[row]; self.rows]),
            };
            placed.columns[column] = Arc::new(Encoding { bins: vec![bins[row]; self.rows], cells });
        }
        placed
    }

    /// The bins of a column.
    pub(super) fn bins(&self, column: usize) -> &[u8] {
        &self.columns[column].bins
    }

    /// Whether a column holds texts: its bins have no order that means anything.
    pub(super) fn is_text(&self, column: usize) -> bool {
        matches!(self.columns[column].cells, Raw::Codes(_))
    }

    /// The design of linear learners.
    pub(super) fn design(&self) -> &Design {
        // Built on one thread: work that waits for others inside the lock could wait for itself.
        self.design.get_or_init(|| Design::new(self.columns.iter().map(|column| &column.cells), self.rows))
    }
}

fn text_codes(cells: &Cells) -> Vec<u32> {
    match cells {
        Cells::Text { codes, .. } => codes.clone(),
        other => vec![MISSING; other.len()],
    }
}
