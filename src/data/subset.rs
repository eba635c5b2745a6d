//! Subsets of the records as files of the format that the user gave: cut from the original files, not printed again from
//! parsed cells, so that a training program sees exactly what it knows.
//!
//! Refuses files whose columns stand in another order than in the first one, and to name a cell.

use std::fs::File;
use std::path::Path;

use super::load::extension;
use super::{DataError, Reading, Source, Split};

/// Rows of one file, in ascending order.
pub(super) struct Part<'a> {
    pub(super) file: &'a Path,
    pub(super) rows: Vec<usize>,
    /// Records in the whole file, where the file is one of tensors.
    pub(super) records: usize,
}

/// Where a subset goes.
pub(super) struct Sink<'a> {
    pub(super) file: File,
    pub(super) path: &'a Path,
}

impl Sink<'_> {
    pub(super) fn failed(&self, source: std::io::Error) -> DataError {
        DataError::Write { file: self.path.into(), source }
    }
}

/// The ending of a subset's file: that of the file of members.
pub fn subset_ending(source: &Source) -> String {
    extension(match source {
        Source::Two { members, .. } => members,
        Source::One { records, .. } => records,
    })
}

/// Writes the chosen members, then the chosen non-members, each in file order, into an empty file.
///
/// CSV records keep their bytes, Parquet columns their types, `.npz` archives the names of their arrays.
///
/// # Errors
/// When a file cannot be read or written, or the two files do not have the same columns in the same order.
pub fn write_subset(
    source: &Source,
    split: &Split,
    (members, nonmembers): (&[bool], &[bool]),
    reading: &Reading,
    (file, path): (File, &Path),
) -> Result<(), DataError> {
    let (first, second) = match source {
        Source::Two { members, nonmembers, labels: None } => (members, nonmembers),
        Source::Two { labels: Some(_), .. } => return Err(apart()),
        Source::One { records, .. } => (records, records),
    };
    let chosen = |rows: &[usize], mask: &[bool]| -> Vec<usize> {
        rows.iter().zip(mask).filter(|(_, chosen)| **chosen).map(|(row, _)| *row).collect()
    };
    let part = |file, rows: &[usize], mask: &[bool]| Part { file, rows: chosen(rows, mask), records: rows.len() };
    let parts = [part(first, &split.file_rows.0, members), part(second, &split.file_rows.1, nonmembers)];
    let kind = |path: &Path| match extension(path).as_str() {
        "csv" | "txt" | "data" | "tsv" => "CSV",
        "parquet" => "Parquet",
        "npz" => "npz",
        _ => "",
    };
    if kind(first) != kind(second) {
        return Err(unlike(second, "is of another format than the first one"));
    }
    let sink = Sink { file, path };
    match kind(first) {
        "CSV" => super::csv::cut(&parts, reading.separator, sink),
        "Parquet" => super::parquet::cut(&parts, sink),
        "npz" => super::npy::cut(&parts, sink),
        _ => Err(apart()),
    }
}

/// Features without their labels are nothing to train on.
fn apart() -> DataError {
    DataError::Shape {
        what: "training files cannot be cut from `.npy` arrays: features and labels lie in files of their own"
            .to_owned(),
        help: "save features and labels of each set as one `.npz` archive".to_owned(),
    }
}

/// Files from which one file cannot be cut.
pub(super) fn unlike(file: &Path, how: &str) -> DataError {
    DataError::Shape {
        what: format!("training files are cut from both files of records, and `{}` {how}", file.display()),
        help: "write both files with the same program: same format, same columns in the same order".to_owned(),
    }
}

/// A file that is shorter than when its records were read.
pub(super) fn changed(file: &Path) -> DataError {
    DataError::Damaged { file: file.into(), what: "it changed while it was in use".to_owned() }
}
