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
        "CSV" => super::csv::cut(&parts, reading.separator, &sink),
        "Parquet" => super::parquet::cut(&parts, &sink),
        "npz" => super::npy::cut(&parts, &sink),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Arrays, Schema, load_table, load_tensor};

    /// Cuts the second and third member and the first non-member.
    fn cut(first: &Path, second: &Path) -> Result<std::path::PathBuf, DataError> {
        let source = Source::Two { members: first.into(), nonmembers: second.into(), labels: None };
        let reading = Reading::default();
        let split = Split::load(&source, Schema::default(), &reading, &Arrays::default())?;
        let to = first.with_file_name(format!("cut.{}", subset_ending(&source)));
        let file = File::create(&to).unwrap();
        let mask = |wanted: &[usize], len: usize| (0..len).map(|row| wanted.contains(&row)).collect::<Vec<bool>>();
        let masks = (mask(&[1, 2], split.members.len()), mask(&[0], split.nonmembers.len()));
        write_subset(&source, &split, (&masks.0, &masks.1), &reading, (file, &to))?;
        Ok(to)
    }

    fn pair(ending: &str, first: &[u8], second: &[u8]) -> (tempfile::TempDir, Result<Vec<u8>, DataError>) {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(format!("{name}.{ending}"));
        std::fs::write(path("a"), first).unwrap();
        std::fs::write(path("b"), second).unwrap();
        let bytes = cut(&path("a"), &path("b")).map(|to| std::fs::read(to).unwrap());
        (dir, bytes)
    }

    /// Quotes, doubled quotes, line breaks in cells, blank lines, numbers as they were typed, no line break at the end.
    #[test]
    fn csv_records_keep_their_bytes() {
        let members = b"a;b\n1;x\n\n01.50;\"y;\"\"z\"\"\nnext \"\n\n+3 ; w\n4;v\n";
        let cut = pair("csv", members, b"a;b\n\n007;last").1.unwrap();
        assert_eq!(String::from_utf8(cut).unwrap(), "a;b\n01.50;\"y;\"\"z\"\"\nnext \"\n+3 ; w\n007;last\n");
    }

    #[test]
    fn byte_order_marks_and_line_breaks_stay() {
        let members = "\u{feff}a,b\r\n1,x\r\n2,y\r\n3,z\r\n";
        let cut = pair("csv", members.as_bytes(), b"a,b\r\n4,w\r\n").1.unwrap();
        assert_eq!(String::from_utf8(cut).unwrap(), "\u{feff}a,b\r\n2,y\r\n3,z\r\n4,w\r\n");
    }

    #[test]
    fn files_that_are_not_alike_are_refused() {
        for other in ["b,a\n1,2\n", "a;b\n1;2\n"] {
            let error = pair("csv", b"a,b\n1,2\n3,4\n5,6\n", other.as_bytes()).1.unwrap_err();
            assert!(error.help().contains("same") || error.to_string().contains("does not have"), "{error}");
        }
    }

    #[test]
    fn one_file_with_a_split_column() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.csv");
        std::fs::write(&path, "x,s\n0,out\n1,in\n2,in\n3,other\n4,out\n5,in\n").unwrap();
        let source = Source::One { records: path, member: "in".to_owned(), nonmember: "out".to_owned() };
        let schema = Schema { split: Some("s".to_owned()), ..Schema::default() };
        let reading = Reading::default();
        let split = Split::load(&source, schema, &reading, &Arrays::default()).unwrap();
        let to = dir.path().join("cut.csv");
        let file = File::create(&to).unwrap();
        write_subset(&source, &split, (&[true, false, true], &[false, true]), &reading, (file, &to)).unwrap();
        assert_eq!(std::fs::read_to_string(&to).unwrap(), "x,s\n1,in\n5,in\n4,out\n");
    }

    #[test]
    fn parquet_rows_keep_their_types() {
        let (first, second) = ("datasets/readmission/members.parquet", "datasets/readmission/nonmembers.parquet");
        let (_dir, cut) = pair("parquet", &std::fs::read(first).unwrap(), &std::fs::read(second).unwrap());
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cut.parquet");
        std::fs::write(&path, cut.unwrap()).unwrap();
        let load = |path: &Path| load_table(&[(path, "a file")], &Reading::default()).unwrap().remove(0);
        let (cut, members, nonmembers) = (load(&path), load(first.as_ref()), load(second.as_ref()));
        assert_eq!(cut.rows(), 3);
        for (column, (member, nonmember)) in
            cut.columns().iter().zip(members.columns().iter().zip(nonmembers.columns()))
        {
            let texts = [member.cells.text(1), member.cells.text(2), nonmember.cells.text(0)];
            assert_eq!((column.name.as_str(), column.cells.kind()), (member.name.as_str(), member.cells.kind()));
            assert!((0..3).all(|row| column.cells.text(row) == texts[row]));
        }
    }

    #[test]
    fn arrays_keep_their_names_and_what_is_no_record_is_copied() {
        let array = |kind: &str, shape: &str, cells: &[u8]| {
            let text = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({shape}), }}");
            let text = format!("{text}{}\n", " ".repeat(64 - (10 + text.len() + 1) % 64));
            [b"\x93NUMPY\x01\x00", &(text.len() as u16).to_le_bytes()[..], text.as_bytes(), cells].concat()
        };
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        for (name, rows, first) in [("a.npz", 4_u8, 0_u8), ("b.npz", 3, 100)] {
            let cells: Vec<u8> = (0..rows * 2).map(|cell| first + cell).collect();
            let labels: Vec<u8> = (0..rows).map(|row| first + row).collect();
            let entries = [
                ("x.npy", array("|u1", &format!("{rows}, 2, 1"), &cells)),
                ("y.npy", array("|u1", &format!("{rows},"), &labels)),
                ("names.npy", array("|u1", "2, 1", &[7, 8])),
            ];
            crate::data::npy::archive_of(&path(name), &entries);
        }
        let source = Source::Two { members: path("a.npz"), nonmembers: path("b.npz"), labels: None };
        let arrays = Arrays { features: Some("x".to_owned()), labels: Some("y".to_owned()) };
        let reading = Reading::default();
        let split = Split::load(&source, Schema::default(), &reading, &arrays).unwrap();
        let file = File::create(path("cut.npz")).unwrap();
        let masks = ([false, true, true, false], [true, false, false]);
        write_subset(&source, &split, (&masks.0, &masks.1), &reading, (file, &path("cut.npz"))).unwrap();
        let loaded = load_tensor(&path("cut.npz"), reading.limits).unwrap();
        let found: Vec<(String, Vec<usize>, usize)> =
            loaded.iter().map(|(name, tensor)| (name.clone(), tensor.row_shape.clone(), tensor.rows())).collect();
        let wanted = [("x", vec![2, 1], 3), ("y", vec![], 3), ("names", vec![1], 2)];
        assert_eq!(found, wanted.map(|(name, shape, rows)| (name.to_owned(), shape, rows)));
        assert!(loaded[0].1.values == crate::tensor::Values::U8(vec![2, 3, 4, 5, 100, 101]));
        assert!(loaded[1].1.values == crate::tensor::Values::U8(vec![1, 2, 100]));
    }
}
