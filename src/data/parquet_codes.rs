//! Some columns of a Parquet file as codes, without making their cells: dictionary pages stay dictionaries, row groups are
//! read in parallel, and what is kept of a cell is a byte or two.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Date64Type, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, TimeUnit};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReaderBuilder};
use rayon::prelude::*;

use super::DataError;
use super::load::{Reading, check_names, code_bytes, no_column, numbered};
use super::parquet::{day_text, footer, is_read, time_text, unread};
use super::texts::{Markers, bits};
use crate::equivalence::Column;

/// Rows decoded at a time.
const BATCH: usize = 1 << 16;

/// A cell, as far as equality goes.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum Key {
    Missing,
    Number(u64),
    Text(String),
}

/// The codes of one column in one row group, and what each code stands for.
struct Piece {
    codes: Column,
    keys: Vec<Key>,
}

/// Reads the columns named, in that order.
pub(super) fn read(path: &Path, names: &[String], setting: &str, reading: &Reading) -> Result<Vec<Column>, DataError> {
    let opened = Opened::of(path, reading)?;
    opened.check_size(names.len())?;
    let fields: Vec<usize> = names.iter().map(|name| opened.field(name, setting)).collect::<Result<_, _>>()?;
    let groups = opened.groups();
    let tasks: Vec<(usize, usize)> = fields.iter().flat_map(|&field| (0..groups).map(move |g| (field, g))).collect();
    let mut pieces =
        tasks.into_par_iter().map(|(field, group)| opened.piece(field, group)).collect::<Vec<_>>().into_iter();
    let mut of_columns: Vec<Vec<Piece>> = Vec::new();
    for _ in &fields {
        of_columns.push(pieces.by_ref().take(groups).collect::<Result<_, _>>()?);
    }
    Ok(of_columns.into_par_iter().map(joined).collect())
}

/// One column of its row groups: codes in order of first appearance of the row groups' keys.
fn joined(pieces: Vec<Piece>) -> Column {
    let mut known: HashMap<Key, u32> = HashMap::new();
    let translated = |piece: Piece| {
        let code = |key: Key| {
            let next = known.len() as u32;
            *known.entry(key).or_insert(next)
        };
        (piece.codes, piece.keys.into_iter().map(code).collect())
    };
    let parts: Vec<(Column, Vec<u32>)> = pieces.into_iter().map(translated).collect();
    Column::joined(parts, known.len() as u32, known.get(&Key::Missing).copied())
}

/// A file whose footer was read.
pub(super) struct Opened<'a> {
    path: &'a Path,
    limit: u64,
    markers: Markers<'a>,
    metadata: ArrowReaderMetadata,
}

impl<'a> Opened<'a> {
    pub(super) fn of(path: &'a Path, reading: &'a Reading) -> Result<Self, DataError> {
        let file = File::open(path).map_err(|source| DataError::Io { file: path.into(), source })?;
        let metadata = footer(path, &file, true)?;
        Ok(Self { path, limit: reading.limits.bytes, markers: Markers::of(&reading.missing), metadata })
    }

    /// Refuses by what the footer declares, before anything is unpacked.
    fn check_size(&self, columns: usize) -> Result<(), DataError> {
        let rows = self.rows()?;
        if self.fits(columns) { Ok(()) } else { Err(self.too_large(code_bytes(rows, columns))) }
    }

    /// Whether the codes of so many columns are within the limit.
    pub(super) fn fits(&self, columns: usize) -> bool {
        code_bytes(self.declared(), columns) <= self.limit
    }

    pub(super) fn too_large(&self, bytes: u64) -> DataError {
        DataError::too_large(self.path, bytes, self.limit)
    }

    fn declared(&self) -> u64 {
        self.metadata.metadata().file_metadata().num_rows().max(0) as u64
    }

    /// Number of records: some, and no more than can be numbered.
    pub(super) fn rows(&self) -> Result<u64, DataError> {
        let rows = self.declared();
        if rows == 0 {
            return Err(DataError::Empty { what: format!("`{}`", self.path.display()) });
        }
        numbered(self.path, rows).map(|()| rows)
    }

    /// Number of row groups.
    pub(super) fn groups(&self) -> usize {
        self.metadata.metadata().num_row_groups()
    }

    /// The place of a column. Refuses a name that two columns have and a type that is not read.
    pub(super) fn field(&self, name: &str, setting: &str) -> Result<usize, DataError> {
        let fields = self.metadata.schema().fields();
        let named = || fields.iter().enumerate().filter(|(_, field)| field.name() == name);
        let Some((place, field)) = named().next() else {
            let names: Vec<String> = fields.iter().map(|field| field.name().clone()).collect();
            return Err(no_column(setting, name, &format!("`{}`", self.path.display()), &names));
        };
        check_names(self.path, named().map(|(at, _)| (at, name)))?;
        if is_read(field.data_type()) { Ok(place) } else { Err(unread(self.path, field)) }
    }

    pub(super) fn damaged(&self, what: &str) -> DataError {
        DataError::Damaged { file: self.path.into(), what: what.to_owned() }
    }

    /// One column of one row group.
    fn piece(&self, field: usize, group: usize) -> Result<Piece, DataError> {
        let coder = self.code(&[field], group, |_| Ok(()))?.remove(0);
        let levels = coder.keys.len() as u32;
        Ok(Piece { codes: Column::new(coder.codes, levels, None), keys: coder.keys })
    }

    /// Codes of some columns, by ascending place, of one row group; `batch` sees those of every batch, may take them, and may end
    /// the reading. Every call opens the file anew: readers of one handle would move each other's place.
    pub(super) fn code<'o>(
        &'o self,
        fields: &[usize],
        group: usize,
        mut batch: impl FnMut(&mut [Coder<'o>]) -> Result<(), DataError>,
    ) -> Result<Vec<Coder<'o>>, DataError> {
        let file = File::open(self.path).map_err(|source| DataError::Io { file: self.path.into(), source })?;
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone());
        let mask = ProjectionMask::roots(builder.parquet_schema(), fields.iter().copied());
        let builder = builder.with_projection(mask).with_row_groups(vec![group]).with_batch_size(BATCH);
        let reader = builder.build().map_err(|_| self.damaged("its row groups cannot be read"))?;
        let mut coders: Vec<Coder<'o>> = fields.iter().map(|_| Coder::new(&self.markers)).collect();
        for read in reader {
            let read = read.map_err(|_| self.damaged("a row group is damaged"))?;
            for ((coder, array), &field) in coders.iter_mut().zip(read.columns()).zip(fields) {
                let field = self.metadata.schema().field(field);
                coder.append(array).ok_or_else(|| unread(self.path, field))?;
            }
            batch(&mut coders)?;
        }
        Ok(coders)
    }
}

/// Hands out the codes of a column.
pub(super) struct Coder<'a> {
    markers: &'a Markers<'a>,
    /// Codes of the records so far.
    pub(super) codes: Vec<u32>,
    /// What each code stands for.
    pub(super) keys: Vec<Key>,
    numbers: HashMap<Option<u64>, u32>,
    texts: HashMap<String, u32>,
}

/// Distance between the least and the largest number of a batch up to which codes are looked up in a list.
const NARROW: u64 = 1 << 16;

impl<'a> Coder<'a> {
    fn new(markers: &'a Markers<'a>) -> Self {
        Self { markers, codes: Vec::new(), keys: Vec::new(), numbers: HashMap::new(), texts: HashMap::new() }
    }

    /// The code of a number by its bits; `is_marker` says which stand for a missing cell.
    fn number(&mut self, value: Option<u64>, is_marker: &impl Fn(u64) -> bool) -> u32 {
        if let Some(&code) = self.numbers.get(&value) {
            return code;
        }
        if value.is_some_and(is_marker) {
            let code = self.missing();
            self.numbers.insert(value, code);
            return code;
        }
        let code = self.keys.len() as u32;
        self.numbers.insert(value, code);
        self.keys.push(value.map_or(Key::Missing, Key::Number));
        code
    }

    fn missing(&mut self) -> u32 {
        self.number(None, &|_| false)
    }

    fn text(&mut self, text: &str) -> u32 {
        if text.is_empty() || self.markers.text(text) {
            return self.missing();
        }
        if let Some(&code) = self.texts.get(text) {
            return code;
        }
        let code = self.keys.len() as u32;
        self.texts.insert(text.to_owned(), code);
        self.keys.push(Key::Text(text.to_owned()));
        code
    }

    /// Appends a batch; nothing where the type is not read.
    fn append(&mut self, array: &ArrayRef) -> Option<()> {
        let markers = self.markers;
        macro_rules! numbers {
            ($type:ty, $is_marker:expr) => {{
                let array = array.as_primitive::<$type>();
                let key = |value| i64::from(value).cast_unsigned();
                let least = least_of(array.iter().flatten().map(i64::from));
                let is_marker = $is_marker;
                self.integers(array.iter().map(|value| value.map(key)), least, |bits| is_marker(bits.cast_signed()));
            }};
        }
        macro_rules! integers {
            ($type:ty) => {
                numbers!($type, |value: i64| markers.whole(value))
            };
        }
        macro_rules! times {
            ($type:ty) => {
                numbers!($type, |value| marks(markers, || time_text::<$type>(value)))
            };
        }
        macro_rules! floats {
            ($type:ty) => {
                self.floats(array.as_primitive::<$type>().iter().map(|value| value.map(f64::from)))
            };
        }
        match array.data_type() {
            DataType::Dictionary(_, _) => self.append_texts(array)?,
            DataType::Int8 => integers!(Int8Type),
            DataType::Int16 => integers!(Int16Type),
            DataType::Int32 => integers!(Int32Type),
            DataType::Int64 => integers!(Int64Type),
            DataType::UInt8 => integers!(UInt8Type),
            DataType::UInt16 => integers!(UInt16Type),
            DataType::UInt32 => integers!(UInt32Type),
            DataType::Date32 => numbers!(Date32Type, |day| marks(markers, || day_text(day))),
            DataType::Date64 => times!(Date64Type),
            DataType::Timestamp(TimeUnit::Second, _) => times!(TimestampSecondType),
            DataType::Timestamp(TimeUnit::Millisecond, _) => times!(TimestampMillisecondType),
            DataType::Timestamp(TimeUnit::Microsecond, _) => times!(TimestampMicrosecondType),
            DataType::Timestamp(TimeUnit::Nanosecond, _) => times!(TimestampNanosecondType),
            DataType::UInt64 => {
                self.integers(array.as_primitive::<UInt64Type>().iter(), 0, |value| markers.whole(value));
            }
            DataType::Boolean => {
                let values = array.as_boolean().iter().map(|value| value.map(u64::from));
                self.integers(values, 0, |value| markers.bool(value == 1));
            }
            DataType::Float16 => floats!(Float16Type),
            DataType::Float32 => floats!(Float32Type),
            DataType::Float64 => floats!(Float64Type),
            DataType::Null => {
                let code = self.missing();
                self.codes.extend(std::iter::repeat_n(code, array.len()));
            }
            _ => return None,
        }
        Some(())
    }

    /// Whole numbers by their bits; those within reach of the least one are looked up once.
    fn integers(&mut self, values: impl Iterator<Item = Option<u64>>, least: u64, is_marker: impl Fn(u64) -> bool) {
        let mut known = vec![u32::MAX; NARROW as usize];
        let mut missing = u32::MAX;
        for value in values {
            let place = match value {
                Some(value) => known.get_mut(usize::try_from(value.wrapping_sub(least)).unwrap_or(usize::MAX)),
                None => Some(&mut missing),
            };
            let code = match place {
                Some(code) if *code != u32::MAX => *code,
                Some(code) => {
                    *code = self.number(value, &is_marker);
                    *code
                }
                None => self.number(value, &is_marker),
            };
            self.codes.push(code);
        }
    }

    fn floats(&mut self, values: impl Iterator<Item = Option<f64>>) {
        let markers = self.markers;
        for value in values {
            let key = value.filter(|value| !value.is_nan()).map(bits);
            let code = self.number(key, &|bits| markers.float(bits));
            self.codes.push(code);
        }
    }

    fn append_texts(&mut self, array: &ArrayRef) -> Option<()> {
        let coded = array.as_any_dictionary_opt()?;
        let values = coded.values();
        let text_at = |index: usize| match values.data_type() {
            DataType::Utf8 => Some(values.as_string::<i32>().value(index)),
            DataType::LargeUtf8 => Some(values.as_string::<i64>().value(index)),
            _ => None,
        };
        // Only what occurs is looked up: a batch may bring a dictionary that is larger than itself.
        let mut known = vec![u32::MAX; values.len()];
        for (row, key) in coded.normalized_keys().into_iter().enumerate() {
            let code = if array.is_null(row) || values.is_empty() {
                self.missing()
            } else if known[key] == u32::MAX {
                known[key] = self.text(text_at(key)?);
                known[key]
            } else {
                known[key]
            };
            self.codes.push(code);
        }
        Some(())
    }
}

/// Whether a date or time stands for a missing cell. Its text is made only where there are such texts.
fn marks(markers: &Markers<'_>, text: impl FnOnce() -> Option<String>) -> bool {
    !markers.is_empty() && text().is_some_and(|text| markers.text(&text))
}

/// The bits of the least number; 0 where there is none.
fn least_of(values: impl Iterator<Item = i64>) -> u64 {
    values.min().unwrap_or(0).cast_unsigned()
}
