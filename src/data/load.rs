//! Files into tables: picks the reader, settles every column's type over all files at once, shares dictionaries.
//!
//! Cells mean what the file says. An empty field is missing; `?`, `NA` and the like are text unless listed as missing.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use super::table::{Cells, Column, MISSING, Table};
use super::texts::{Markers, bits, fits, is_exact_whole, parse_bool, parse_float};
use super::{Auxiliary, DataError, Kind};
use crate::equivalence::Column as Codes;
use crate::finding::Count;

/// How much may be read.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Largest size of a file, unpacked, in bytes.
    pub bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 4 << 30 }
    }
}

/// How files are to be read.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    /// CSV separator; detected when not given.
    pub separator: Option<u8>,
    /// Texts that mean a missing cell.
    pub missing: Vec<String>,
    /// Column types that override inference.
    pub kinds: BTreeMap<String, Kind>,
    /// Size limits.
    pub limits: Limits,
}

/// A column as a reader delivers it.
pub(super) struct RawColumn {
    name: String,
    cells: RawCells,
}

enum RawCells {
    /// Text of a format without types; numbers may hide in it.
    Untyped { codes: Vec<u32>, texts: Vec<String> },
    /// Text that the file declares to be text.
    Stated { codes: Vec<u32>, texts: Vec<String> },
    /// Values of a declared type.
    Typed(Cells),
}

impl RawColumn {
    pub(super) fn text(name: String, codes: Vec<u32>, texts: Vec<String>) -> Self {
        Self { name, cells: RawCells::Untyped { codes, texts } }
    }

    pub(super) fn stated_text(name: String, codes: Vec<u32>, texts: Vec<String>) -> Self {
        Self { name, cells: RawCells::Stated { codes, texts } }
    }

    pub(super) fn typed(name: String, cells: Cells) -> Self {
        Self { name, cells: RawCells::Typed(cells) }
    }

    /// All cells of a column whose file says nothing but that they are missing.
    pub(super) fn missing(name: String, rows: usize) -> Self {
        Self::text(name, vec![MISSING; rows], Vec::new())
    }

    fn mark_missing(&mut self, markers: &Markers<'_>) {
        if markers.is_empty() {
            return;
        }
        match &mut self.cells {
            RawCells::Untyped { codes, texts } | RawCells::Stated { codes, texts } => {
                let is_marker: Vec<bool> = texts.iter().map(|text| markers.text(text)).collect();
                for code in codes {
                    if is_marker.get(*code as usize) == Some(&true) {
                        *code = MISSING;
                    }
                }
            }
            RawCells::Typed(Cells::Integer(values)) => {
                values.iter_mut().for_each(|value| *value = value.filter(|&value| !markers.whole(value)));
            }
            RawCells::Typed(Cells::Float(values)) => {
                values.iter_mut().filter(|value| markers.float(bits(**value))).for_each(|value| *value = f64::NAN);
            }
            RawCells::Typed(Cells::Bool(values)) => {
                values.iter_mut().for_each(|value| *value = value.filter(|&value| !markers.bool(value)));
            }
            RawCells::Typed(Cells::Text { .. }) => {}
        }
    }

    /// The narrowest type that holds every cell; nothing when all cells are missing.
    fn kind(&self) -> Option<Kind> {
        match &self.cells {
            RawCells::Typed(cells) => Some(cells.kind()),
            RawCells::Stated { .. } => Some(Kind::Text),
            RawCells::Untyped { codes, texts } => {
                let used = used(codes, texts);
                used.first()?;
                let kinds = [Kind::Integer, Kind::Float, Kind::Bool];
                Some(kinds.into_iter().find(|&kind| used.iter().all(|text| fits(text, kind))).unwrap_or(Kind::Text))
            }
        }
    }

    /// Whether floats hold every cell, so that no two become one.
    fn fits_floats(&self) -> bool {
        match &self.cells {
            RawCells::Typed(Cells::Integer(values)) => values.iter().flatten().all(|&value| is_exact_whole(value)),
            RawCells::Typed(cells) => cells.kind() == Kind::Float,
            RawCells::Stated { .. } => false,
            RawCells::Untyped { codes, texts } => used(codes, texts).into_iter().all(|text| fits(text, Kind::Float)),
        }
    }
}

/// The texts that some cell has.
fn used<'t>(codes: &[u32], texts: &'t [String]) -> Vec<&'t str> {
    let mut used = vec![false; texts.len()];
    codes.iter().filter(|&&code| code != MISSING).for_each(|&code| used[code as usize] = true);
    texts.iter().zip(used).filter(|(_, used)| *used).map(|(text, _)| text.as_str()).collect()
}

/// Reads one or more files of the same columns, in order, with joint types and dictionaries.
///
/// # Errors
/// When a file cannot be read, is larger than the limit, or the columns do not fit together.
pub fn load_table(files: &[(&Path, &str)], reading: &Reading) -> Result<Vec<Table>, DataError> {
    let (mut raws, markers) = (Vec::new(), Markers::of(&reading.missing));
    for (path, _) in files {
        let mut columns = read(path, reading, None)?;
        columns.iter_mut().for_each(|column| column.mark_missing(&markers));
        check_columns(path, &columns)?;
        raws.push(columns);
    }
    let names: Vec<String> = raws.first().map_or(Vec::new(), |first| first.iter().map(|c| c.name.clone()).collect());
    if let Some(name) = reading.kinds.keys().find(|name| !names.contains(name)) {
        return Err(no_column("columns.types", name, files.first().map_or("", |f| f.1), &names));
    }
    settle(&mut raws, files, reading)
}

/// Reads one file to the letter: every cell of a CSV file is the text that stands there, markers of missing values too.
/// For rows that are written again.
///
/// # Errors
/// As for [`load_table`].
pub fn load_verbatim(path: &Path, reading: &Reading) -> Result<Table, DataError> {
    let columns = read(path, reading, None)?;
    check_columns(path, &columns)?;
    let column = |RawColumn { name, cells }| {
        let cells = match cells {
            RawCells::Typed(cells) => cells,
            RawCells::Untyped { codes, texts } | RawCells::Stated { codes, texts } => {
                Cells::Text { codes, dictionary: Arc::new(texts) }
            }
        };
        Column { name, cells }
    };
    Ok(Table::new(columns.into_iter().map(column).collect()))
}

/// Reads all columns, or those named.
fn read(path: &Path, reading: &Reading, only: Option<&[String]>) -> Result<Vec<RawColumn>, DataError> {
    check_size(path, reading.limits)?;
    if extension(path) == "parquet" {
        return super::parquet::read(path, reading.limits, only);
    }
    super::csv::read(path, csv_separator(path, reading)?, only)
}

/// The names of the columns of a file, in its order; reads no record.
///
/// # Errors
/// When the file cannot be read or has no names.
pub fn column_names(path: &Path, reading: &Reading) -> Result<Vec<String>, DataError> {
    if extension(path) == "parquet" {
        return super::parquet::names(path);
    }
    check_size(path, reading.limits)?;
    super::csv::names(path, csv_separator(path, reading)?)
}

/// The separator that the ending or the plan says; refuses what is no CSV file.
fn csv_separator(path: &Path, reading: &Reading) -> Result<Option<u8>, DataError> {
    match extension(path).as_str() {
        "csv" | "txt" | "data" => Ok(reading.separator),
        "tsv" => Ok(reading.separator.or(Some(b'\t'))),
        _ => Err(DataError::Format { file: path.into() }),
    }
}

fn check_size(path: &Path, limits: Limits) -> Result<(), DataError> {
    let bytes = std::fs::metadata(path).map_err(|source| DataError::Io { file: path.into(), source })?.len();
    if bytes > limits.bytes { Err(DataError::too_large(path, bytes, limits.bytes)) } else { Ok(()) }
}

/// Reads an attacker's file: the columns of a threat model and the truth under the names that they have in the data, as the
/// types that they have there.
///
/// # Errors
/// As for [`load_table`]; `threat` is the place in the plan.
pub(super) fn load_auxiliary(
    auxiliary: &Auxiliary,
    threat: &str,
    columns: &[(String, Kind)],
    reading: &Reading,
) -> Result<Table, DataError> {
    let truth = auxiliary.truth.iter().map(|(_, theirs)| theirs);
    let theirs: Vec<String> = auxiliary.columns.iter().chain(truth).cloned().collect();
    let kinds = theirs.iter().zip(columns).map(|(name, (_, kind))| (name.clone(), *kind)).collect();
    let reading = Reading { kinds, ..reading.clone() };
    let table = load_columns(&auxiliary.file, "the auxiliary file", &format!("{threat}.match"), &theirs, &reading)?;
    let renamed = theirs.iter().zip(columns).filter_map(|(theirs, (ours, _))| {
        table.column(theirs).map(|column| Column { name: ours.clone(), cells: column.cells.clone() })
    });
    Ok(Table::new(renamed.collect()))
}

/// Reads some columns of a file, as the types that `reading` gives them or that fit. `setting` is what names the columns.
///
/// # Errors
/// As for [`load_table`].
pub fn load_columns(
    path: &Path,
    place: &str,
    setting: &str,
    names: &[String],
    reading: &Reading,
) -> Result<Table, DataError> {
    load_more_columns(path, place, setting, (names, None), reading)
}

/// [`load_columns`] with one column more where the file has it.
pub(super) fn load_more_columns(
    path: &Path,
    place: &str,
    setting: &str,
    (names, more): (&[String], Option<&String>),
    reading: &Reading,
) -> Result<Table, DataError> {
    let wanted: Vec<String> = names.iter().chain(more).cloned().collect();
    let mut raw = read(path, reading, Some(&wanted))?;
    let markers = Markers::of(&reading.missing);
    raw.iter_mut().for_each(|column| column.mark_missing(&markers));
    if let Some(name) = names.iter().find(|name| raw.iter().all(|column| column.name != **name)) {
        return Err(no_column(setting, name, place, &[]));
    }
    let table = settle(&mut [raw], &[(path, place)], reading)?.remove(0);
    numbered(path, table.rows() as u64)?;
    if table.rows() == 0 { Err(DataError::Empty { what: place.to_owned() }) } else { Ok(table) }
}

/// Reads some columns of a file as codes, in the order named: of Parquet without making the cells, so that far more rows fit
/// into memory than [`load_columns`] could hold.
///
/// # Errors
/// As for [`load_table`].
pub fn load_codes(path: &Path, setting: &str, names: &[String], reading: &Reading) -> Result<Vec<Codes>, DataError> {
    if extension(path) == "parquet" {
        return super::parquet_codes::read(path, names, setting, reading);
    }
    let table = load_columns(path, &format!("`{}`", path.display()), setting, names, reading)?;
    Ok(names.iter().filter_map(|name| table.column(name)).map(|column| super::encode::column(&column.cells)).collect())
}

/// Refuses more records than classes can number.
pub(super) fn numbered(path: &Path, rows: u64) -> Result<(), DataError> {
    if rows < u64::from(u32::MAX) {
        return Ok(());
    }
    Err(DataError::Shape {
        what: format!("`{}` has {rows} records, and records are numbered in 32 bits", path.display()),
        help: "measure the parts of the file one by one, or a random sample of its records".to_owned(),
    })
}

/// Bytes that the codes of so many cells need at most.
pub(super) fn code_bytes(rows: u64, columns: usize) -> u64 {
    rows.saturating_mul(4).saturating_mul(columns as u64)
}

/// A file's ending in lower case.
pub(super) fn extension(path: &Path) -> String {
    path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default()
}

/// Refuses two columns of one name among some columns, each with its place in the file.
pub(super) fn check_names<'n>(path: &Path, columns: impl Iterator<Item = (usize, &'n str)>) -> Result<(), DataError> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (place, name) in columns {
        if let Some(first) = places.insert(name, place) {
            return Err(DataError::DuplicateColumn { file: path.into(), first: first + 1, second: place + 1 });
        }
    }
    Ok(())
}

fn check_columns(path: &Path, columns: &[RawColumn]) -> Result<(), DataError> {
    if columns.is_empty() {
        return Err(DataError::Empty { what: format!("`{}`", path.display()) });
    }
    Ok(())
}

/// The most columns of a table that is read whole.
const WIDEST: usize = 50_000;

/// Refuses a table of more columns than anybody looks at one by one.
pub(super) fn check_width(path: &Path, columns: usize) -> Result<(), DataError> {
    if columns <= WIDEST {
        return Ok(());
    }
    Err(DataError::Shape {
        what: format!("reading `{}`: {columns} columns are more than the limit of {WIDEST}", path.display()),
        help: "keep the columns that matter, or give measurements by the thousand as a tensor (.npz)".to_owned(),
    })
}

fn settle(raws: &mut [Vec<RawColumn>], files: &[(&Path, &str)], reading: &Reading) -> Result<Vec<Table>, DataError> {
    let names: Vec<String> = raws.first().map_or(Vec::new(), |first| first.iter().map(|c| c.name.clone()).collect());
    let mut tables: Vec<Vec<Column>> = raws.iter().map(|_| Vec::new()).collect();
    let place_of = |raw: &Vec<RawColumn>| -> HashMap<String, usize> {
        raw.iter().enumerate().map(|(at, column)| (column.name.clone(), at)).collect()
    };
    let places: Vec<HashMap<String, usize>> = raws.iter().map(place_of).collect();
    let mut left: Vec<Vec<Option<RawColumn>>> = raws.iter_mut().map(|raw| raw.drain(..).map(Some).collect()).collect();
    for name in &names {
        let mut parts = Vec::new();
        for ((raw, places), (_, place)) in left.iter_mut().zip(&places).zip(files) {
            let Some(column) = places.get(name).and_then(|&at| raw[at].take()) else {
                let others: Vec<String> = raw.iter().flatten().map(|column| column.name.clone()).collect();
                return Err(no_column("data", name, place, &others));
            };
            parts.push(column);
        }
        let kind = joint_kind(name, &parts, reading)?;
        let mut shared = Shared::default();
        for ((table, part), (_, place)) in tables.iter_mut().zip(parts).zip(files) {
            table.push(Column { name: name.clone(), cells: convert(part, kind, &mut shared, place)? });
        }
        shared.finish(&mut tables);
    }
    Ok(tables.into_iter().map(Table::new).collect())
}

/// An error for a column that is not there, with the closest name.
pub(super) fn no_column(setting: &str, column: &str, place: &str, names: &[String]) -> DataError {
    // Only a name that is the same but for case and punctuation: where a file has no header, names are cells.
    let plain = |name: &str| name.to_lowercase().replace(['-', '_', ' ', '.'], "");
    let close = names.iter().find(|name| plain(name) == plain(column)).cloned();
    DataError::NoColumn { setting: setting.into(), column: column.into(), place: place.into(), close }
}

fn joint_kind(name: &str, parts: &[RawColumn], reading: &Reading) -> Result<Kind, DataError> {
    if let Some(&kind) = reading.kinds.get(name) {
        return Ok(kind);
    }
    let mut joint: Option<Kind> = None;
    for part in parts {
        joint = match (joint, part.kind()) {
            (None, kind) | (kind, None) => kind,
            (Some(a), Some(b)) if a == b => Some(a),
            (Some(Kind::Integer | Kind::Float), Some(Kind::Integer | Kind::Float))
                if parts.iter().all(RawColumn::fits_floats) =>
            {
                Some(Kind::Float)
            }
            (Some(a), Some(b)) => {
                if parts.iter().any(|part| matches!(part.cells, RawCells::Typed(_))) {
                    let (members, nonmembers) = (a.to_string(), b.to_string());
                    return Err(DataError::KindClash { column: name.into(), members, nonmembers });
                }
                Some(Kind::Text)
            }
        };
    }
    Ok(joint.unwrap_or(Kind::Text))
}

/// The dictionary that the parts of one text column share.
#[derive(Default)]
struct Shared {
    texts: Vec<String>,
    index: HashMap<String, u32>,
}

impl Shared {
    fn code(&mut self, text: &str) -> u32 {
        if let Some(&code) = self.index.get(text) {
            return code;
        }
        let code = self.texts.len() as u32;
        self.texts.push(text.to_owned());
        self.index.insert(text.to_owned(), code);
        code
    }

    /// Hands the finished dictionary to the columns just made.
    fn finish(self, tables: &mut [Vec<Column>]) {
        let texts = Arc::new(self.texts);
        for table in tables {
            if let Some(Column { cells: Cells::Text { dictionary, .. }, .. }) = table.last_mut() {
                *dictionary = Arc::clone(&texts);
            }
        }
    }
}

fn convert(raw: RawColumn, kind: Kind, shared: &mut Shared, place: &str) -> Result<Cells, DataError> {
    let RawColumn { name, cells } = raw;
    let (codes, texts) = match cells {
        RawCells::Typed(cells) => return retype(&name, cells, kind, shared, place),
        RawCells::Untyped { codes, texts } | RawCells::Stated { codes, texts } => (codes, texts),
    };
    if kind == Kind::Text {
        let map: Vec<u32> = texts.iter().map(|text| shared.code(text)).collect();
        let codes = codes.into_iter().map(|code| map.get(code as usize).copied().unwrap_or(MISSING)).collect();
        return Ok(Cells::Text { codes, dictionary: Arc::new(Vec::new()) });
    }
    let unfit: Vec<bool> = texts.iter().map(|text| !fits(text, kind)).collect();
    let misfit = |code: &u32| unfit.get(*code as usize) == Some(&true);
    if let Some(row) = codes.iter().position(misfit) {
        return Err(DataError::Kind {
            column: name,
            kind: kind.to_string(),
            cells: Count::of(codes.iter().filter(|code| misfit(code)).count()).to_string(),
            row: row + 1,
            place: place.to_owned(),
        });
    }
    Ok(match kind {
        Kind::Integer => {
            let values: Vec<Option<i64>> = texts.iter().map(|text| text.parse().ok()).collect();
            Cells::Integer(codes.iter().map(|&code| values.get(code as usize).copied().flatten()).collect())
        }
        Kind::Float => {
            let values: Vec<f64> = texts.iter().map(|text| parse_float(text).unwrap_or(f64::NAN)).collect();
            Cells::Float(codes.iter().map(|&code| values.get(code as usize).copied().unwrap_or(f64::NAN)).collect())
        }
        Kind::Bool | Kind::Text => {
            let values: Vec<Option<bool>> = texts.iter().map(|text| parse_bool(text)).collect();
            Cells::Bool(codes.iter().map(|&code| values.get(code as usize).copied().flatten()).collect())
        }
    })
}

/// Changes the type of typed cells, where that loses nothing.
fn retype(name: &str, cells: Cells, kind: Kind, shared: &mut Shared, place: &str) -> Result<Cells, DataError> {
    if cells.kind() == kind {
        return Ok(cells);
    }
    let misfit = |rows: Vec<usize>| DataError::Kind {
        column: name.to_owned(),
        kind: kind.to_string(),
        cells: Count::of(rows.len()).to_string(),
        row: rows.first().map_or(0, |row| row + 1),
        place: place.to_owned(),
    };
    Ok(match (cells, kind) {
        (Cells::Integer(values), Kind::Float) => {
            let inexact = |&row: &usize| values[row].is_some_and(|value| !is_exact_whole(value));
            let broken: Vec<usize> = (0..values.len()).filter(inexact).collect();
            if !broken.is_empty() {
                return Err(misfit(broken));
            }
            Cells::Float(values.into_iter().map(|v| v.map_or(f64::NAN, |v| v as f64)).collect())
        }
        (Cells::Float(values), Kind::Integer) => {
            let within = -(2_f64.powi(63))..2_f64.powi(63);
            let whole = |value: f64| value.fract() == 0.0 && within.contains(&value);
            let broken: Vec<usize> = (0..values.len()).filter(|&r| !values[r].is_nan() && !whole(values[r])).collect();
            if !broken.is_empty() {
                return Err(misfit(broken));
            }
            Cells::Integer(values.into_iter().map(|v| (!v.is_nan()).then_some(v as i64)).collect())
        }
        (cells, Kind::Text) => {
            let codes =
                (0..cells.len()).map(|row| cells.text(row).map_or(MISSING, |text| shared.code(&text))).collect();
            Cells::Text { codes, dictionary: Arc::new(Vec::new()) }
        }
        (cells, _) => return Err(misfit((0..cells.len()).collect())),
    })
}

#[cfg(test)]
mod tests;
