//! Rows on their way out again: the only place that turns cells into bytes, for files that have to hold records.

use std::path::Path;

use super::load::extension;
use super::{DataError, Reading, Table};

/// A table in the format of a file: Parquet for Parquet, otherwise CSV with the separator of that file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// CSV with this separator.
    Csv(u8),
    /// Parquet; numbers have 64 bits whatever they had before.
    Parquet,
}

impl Format {
    /// The format of a file.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn of(path: &Path, reading: &Reading) -> Result<Self, DataError> {
        match extension(path).as_str() {
            "parquet" => Ok(Self::Parquet),
            "tsv" => Ok(Self::Csv(reading.separator.unwrap_or(b'\t'))),
            _ => super::csv::separator(path, reading.separator).map(Self::Csv),
        }
    }

    /// The ending of a file in this format.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Csv(b'\t') => "tsv",
            Self::Csv(_) => "csv",
            Self::Parquet => "parquet",
        }
    }

    /// The bytes of a file.
    ///
    /// # Errors
    /// When the writer refuses the table, which it has no reason to.
    pub fn bytes(self, table: &Table) -> Result<Vec<u8>, DataError> {
        let bytes = match self {
            Self::Csv(separator) => super::csv::write(table, separator),
            Self::Parquet => super::parquet::write(table),
        };
        bytes.ok_or_else(|| DataError::Shape {
            what: "the rows cannot be written in the format of the file they came from".to_owned(),
            help: "convert the candidates to CSV".to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Cells, Column, load_table, load_verbatim};

    #[test]
    fn what_is_written_reads_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.csv");
        std::fs::write(&path, "x;t;flag\n1.0;\"a;b\";True\n;None;False\n").unwrap();
        let reading = Reading::default();
        let verbatim = load_verbatim(&path, &reading).unwrap();
        let format = Format::of(&path, &reading).unwrap();
        assert_eq!(format, Format::Csv(b';'));
        assert_eq!(format.bytes(&verbatim).unwrap(), std::fs::read(&path).unwrap(), "to the letter");
        let typed = load_table(&[(&path, "a")], &reading).unwrap().remove(0);
        let copy = dir.path().join("b.parquet");
        std::fs::write(&copy, Format::Parquet.bytes(&typed).unwrap()).unwrap();
        let back = load_table(&[(&copy, "b")], &reading).unwrap().remove(0);
        let texts = |cells: &Cells| (0..2).map(|row| cells.text(row)).collect::<Vec<_>>();
        let same = |(a, b): (&Column, &Column)| a.name == b.name && texts(&a.cells) == texts(&b.cells);
        assert!(typed.columns().iter().zip(back.columns()).all(same));
    }
}
