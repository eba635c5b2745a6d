//! A table in memory: typed columns, immutable once loaded. It refuses to be printed.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::Kind;

/// The code of a missing text cell.
pub const MISSING: u32 = u32::MAX;

/// The cells of one column.
#[derive(Clone, PartialEq)]
pub enum Cells {
    /// Dictionary-coded text; [`MISSING`] marks a missing cell.
    Text {
        /// One code per row.
        codes: Vec<u32>,
        /// The texts, in order of first appearance.
        dictionary: Arc<Vec<String>>,
    },
    /// Whole numbers.
    Integer(Vec<Option<i64>>),
    /// Numbers; a missing cell is NaN.
    Float(Vec<f64>),
    /// True or false.
    Bool(Vec<Option<bool>>),
}

impl Cells {
    /// The type.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Text { .. } => Kind::Text,
            Self::Integer(_) => Kind::Integer,
            Self::Float(_) => Kind::Float,
            Self::Bool(_) => Kind::Bool,
        }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Text { codes, .. } => codes.len(),
            Self::Integer(values) => values.len(),
            Self::Float(values) => values.len(),
            Self::Bool(values) => values.len(),
        }
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the cell of a row is missing.
    pub fn is_missing(&self, row: usize) -> bool {
        match self {
            Self::Text { codes, .. } => codes[row] == MISSING,
            Self::Integer(values) => values[row].is_none(),
            Self::Float(values) => values[row].is_nan(),
            Self::Bool(values) => values[row].is_none(),
        }
    }

    /// The cell of a row as canonical text, or nothing where it is missing. Whole floats read like integers, so that a
    /// label `1.0` equals a class `1`.
    pub fn text(&self, row: usize) -> Option<String> {
        match self {
            Self::Text { codes, dictionary } => dictionary.get(codes[row] as usize).cloned(),
            Self::Integer(values) => values[row].map(|value| value.to_string()),
            Self::Float(values) => (!values[row].is_nan()).then(|| canonical_float(values[row])),
            Self::Bool(values) => values[row].map(|value| value.to_string()),
        }
    }

    /// The cells as numbers, missing ones as NaN; nothing for text.
    pub fn numbers(&self) -> Option<Vec<f64>> {
        match self {
            Self::Text { .. } => None,
            Self::Integer(values) => Some(values.iter().map(|v| v.map_or(f64::NAN, |v| v as f64)).collect()),
            Self::Float(values) => Some(values.clone()),
            Self::Bool(values) => Some(values.iter().map(|v| v.map_or(f64::NAN, |v| f64::from(u8::from(v)))).collect()),
        }
    }

    /// A copy of some rows, in the given order.
    #[must_use]
    pub fn take(&self, rows: &[usize]) -> Self {
        match self {
            Self::Text { codes, dictionary } => {
                Self::Text { codes: rows.iter().map(|&r| codes[r]).collect(), dictionary: Arc::clone(dictionary) }
            }
            Self::Integer(values) => Self::Integer(rows.iter().map(|&r| values[r]).collect()),
            Self::Float(values) => Self::Float(rows.iter().map(|&r| values[r]).collect()),
            Self::Bool(values) => Self::Bool(rows.iter().map(|&r| values[r]).collect()),
        }
    }

    /// These cells with others of the same type below them; nothing where the types differ.
    #[must_use]
    pub fn stacked(&self, below: &Self) -> Option<Self> {
        Some(match (self, below) {
            (Self::Text { codes, dictionary }, Self::Text { codes: more, dictionary: other }) => {
                let (dictionary, translated) = joined(dictionary, other);
                let recoded = more.iter().map(|&code| translated.get(code as usize).copied().unwrap_or(MISSING));
                Self::Text { codes: codes.iter().copied().chain(recoded).collect(), dictionary }
            }
            (Self::Integer(a), Self::Integer(b)) => Self::Integer([&a[..], &b[..]].concat()),
            (Self::Float(a), Self::Float(b)) => Self::Float([&a[..], &b[..]].concat()),
            (Self::Bool(a), Self::Bool(b)) => Self::Bool([&a[..], &b[..]].concat()),
            _ => return None,
        })
    }

    /// `len` copies of the cell of one row.
    #[must_use]
    pub fn repeat(&self, row: usize, len: usize) -> Self {
        self.take(&vec![row; len])
    }
}

/// A dictionary that holds the texts of two, the first one's in their places, and the place of each of the second's.
/// Columns that were loaded together share one and copy nothing.
fn joined(first: &Arc<Vec<String>>, second: &Arc<Vec<String>>) -> (Arc<Vec<String>>, Vec<u32>) {
    if Arc::ptr_eq(first, second) {
        return (Arc::clone(first), (0..first.len() as u32).collect());
    }
    let mut texts: Vec<String> = first.to_vec();
    let mut places: HashMap<String, u32> = first.iter().cloned().zip(0..).collect();
    let place = |text: &String| {
        *places.entry(text.clone()).or_insert_with(|| {
            texts.push(text.clone());
            (texts.len() - 1) as u32
        })
    };
    let translated = second.iter().map(place).collect();
    (Arc::new(texts), translated)
}

/// A whole float as an integer, any other as it prints.
fn canonical_float(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e15 { format!("{}", value as i64) } else { value.to_string() }
}

/// A named column.
#[derive(Clone)]
pub struct Column {
    /// Name, as in the header.
    pub name: String,
    /// Cells.
    pub cells: Cells,
}

impl fmt::Debug for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Column(`{}`: {} cells of {})", self.name, self.cells.len(), self.cells.kind())
    }
}

/// Columns of equal length.
#[derive(Clone, Debug, Default)]
pub struct Table {
    columns: Vec<Column>,
    rows: usize,
}

impl Table {
    /// Puts columns together.
    ///
    /// # Panics
    /// When the columns have different lengths; loaders make them from the same rows.
    pub fn new(columns: Vec<Column>) -> Self {
        let rows = columns.first().map_or(0, |column| column.cells.len());
        assert!(columns.iter().all(|column| column.cells.len() == rows), "columns have one length");
        Self { columns, rows }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The columns in file order.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// A column by name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// A copy of some rows.
    #[must_use]
    pub fn take(&self, rows: &[usize]) -> Self {
        let take = |c: &Column| Column { name: c.name.clone(), cells: c.cells.take(rows) };
        Self { columns: self.columns.iter().map(take).collect(), rows: rows.len() }
    }

    /// A copy with one column replaced.
    ///
    /// # Panics
    /// When the new cells have another length.
    #[must_use]
    pub fn with(&self, name: &str, cells: &Cells) -> Self {
        assert_eq!(cells.len(), self.rows, "a replaced column keeps its length");
        let replace =
            |c: &Column| if c.name == name { Column { name: c.name.clone(), cells: cells.clone() } } else { c.clone() };
        Self { columns: self.columns.iter().map(replace).collect(), rows: self.rows }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(codes: &[u32], dictionary: &[&str]) -> Cells {
        let dictionary = Arc::new(dictionary.iter().map(|&text| text.to_owned()).collect());
        Cells::Text { codes: codes.to_vec(), dictionary }
    }

    #[test]
    fn stacked_texts_keep_their_meaning() {
        let stacked = texts(&[1, MISSING], &["a", "b"]).stacked(&texts(&[0, MISSING, 1], &["b", "c"])).unwrap();
        let read: Vec<Option<String>> = (0..stacked.len()).map(|row| stacked.text(row)).collect();
        let expected = [Some("b"), None, Some("b"), None, Some("c")];
        assert_eq!(read, expected.map(|text| text.map(str::to_owned)));
        assert!(stacked.stacked(&Cells::Bool(vec![None])).is_none(), "types do not mix");
    }
}
