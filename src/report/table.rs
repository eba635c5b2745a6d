//! A table as the page shows it: caption, headings, rows. Layer row 6.
//!
//! Refuses to exist without a caption: every table says what it holds.

use super::rich::Rich;
use crate::finding;

/// A heading.
pub(super) struct Column {
    /// Text.
    pub(super) name: Rich,
    /// Whether the column holds numbers, which are set flush right.
    pub(super) numeric: bool,
}

/// A table.
pub(super) struct TableView {
    /// Caption.
    pub(super) caption: Rich,
    /// Headings.
    pub(super) columns: Vec<Column>,
    /// Rows; the first cell names the row.
    pub(super) rows: Vec<Vec<Rich>>,
}

impl TableView {
    /// A table; columns in which every cell begins like a number are set as numbers.
    pub(super) fn new(caption: impl Into<String>, columns: &[&str], rows: Vec<Vec<Rich>>) -> Self {
        let columns = columns
            .iter()
            .enumerate()
            .map(|(at, name)| Column { name: Rich::new(*name), numeric: at > 0 && numeric(&rows, at) })
            .collect();
        Self { caption: Rich::new(caption), columns, rows }
    }

    /// A table that a check wrote.
    pub(super) fn of(table: &finding::Table) -> Self {
        let names: Vec<&str> = table.columns.iter().map(String::as_str).collect();
        let rows = table.rows.iter().map(|row| row.iter().map(Rich::new).collect()).collect();
        Self::new(table.caption.as_str(), &names, rows)
    }

    /// The cells of a row after the first, each with whether its column holds numbers.
    pub(super) fn cells<'a>(&self, row: &'a [Rich]) -> Vec<(&'a Rich, bool)> {
        let numeric = self.columns.iter().map(|column| column.numeric).chain(std::iter::repeat(false));
        row.iter().zip(numeric).skip(1).collect()
    }
}

fn numeric(rows: &[Vec<Rich>], at: usize) -> bool {
    let looks =
        |cell: &Rich| cell.plain().trim_start_matches(['-', '<', '\u{2212}']).starts_with(|c: char| c.is_ascii_digit());
    let mut cells = rows.iter().filter_map(|row| row.get(at)).filter(|cell| !cell.plain().is_empty()).peekable();
    cells.peek().is_some() && cells.all(looks)
}
