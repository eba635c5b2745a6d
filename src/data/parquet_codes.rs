//! Some columns of a Parquet file as codes, without making their cells: dictionary pages stay dictionaries, row groups are
//! read in parallel, and what is kept of a cell is a byte or two.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Date64Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use rayon::prelude::*;

use super::DataError;
use super::load::{Reading, code_bytes, no_column, numbered};
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
    reading: &'a Reading,
    metadata: ArrowReaderMetadata,
}

impl<'a> Opened<'a> {
    pub(super) fn of(path: &'a Path, reading: &'a Reading) -> Result<Self, DataError> {
        let no_file = |_| DataError::Damaged {
            file: path.into(),
            what: "it is not a Parquet file, or it is cut short".to_owned(),
        };
        let io = |source| DataError::Io { file: path.into(), source };
        let file = File::open(path).map_err(io)?;
        let plain = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()).map_err(no_file)?;
        // Texts are asked for as dictionaries, so that pages of codes are not unpacked.
        let coded = |field: &Arc<Field>| match field.data_type() {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
                let coded = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
                Arc::new(field.as_ref().clone().with_data_type(coded))
            }
            _ => Arc::clone(field),
        };
        let fields: Vec<Arc<Field>> = plain.schema().fields().iter().map(coded).collect();
        let schema = Arc::new(Schema::new_with_metadata(fields, plain.schema().metadata().clone()));
        let options = ArrowReaderOptions::new().with_schema(schema);
        let metadata = ArrowReaderMetadata::load(&file, options).map_err(no_file)?;
        Ok(Self { path, reading, metadata })
    }

    /// Refuses by what the footer declares, before anything is unpacked.
    fn check_size(&self, columns: usize) -> Result<(), DataError> {
        let rows = self.rows()?;
        if self.fits(columns) { Ok(()) } else { Err(self.too_large(code_bytes(rows, columns))) }
    }

    /// Whether the codes of so many columns are within the limit.
    pub(super) fn fits(&self, columns: usize) -> bool {
        code_bytes(self.declared(), columns) <= self.reading.limits.bytes
    }

    pub(super) fn too_large(&self, bytes: u64) -> DataError {
        DataError::TooLarge { file: self.path.into(), bytes, limit: self.reading.limits.bytes }
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

    pub(super) fn field(&self, name: &str, setting: &str) -> Result<usize, DataError> {
        let names: Vec<String> = self.metadata.schema().fields().iter().map(|field| field.name().clone()).collect();
        let found = names.iter().position(|other| other == name);
        found.ok_or_else(|| no_column(setting, name, &format!("`{}`", self.path.display()), &names))
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
    pub(super) fn code(
        &self,
        fields: &[usize],
        group: usize,
        mut batch: impl FnMut(&mut [Coder<'a>]) -> Result<(), DataError>,
    ) -> Result<Vec<Coder<'a>>, DataError> {
        let file = File::open(self.path).map_err(|source| DataError::Io { file: self.path.into(), source })?;
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone());
        let mask = ProjectionMask::roots(builder.parquet_schema(), fields.iter().copied());
        let builder = builder.with_projection(mask).with_row_groups(vec![group]).with_batch_size(BATCH);
        let reader = builder.build().map_err(|_| self.damaged("its row groups cannot be read"))?;
        let mut coders: Vec<Coder<'a>> = fields.iter().map(|_| Coder::new(&self.reading.missing)).collect();
        for read in reader {
            let read = read.map_err(|_| self.damaged("a row group is damaged"))?;
            for ((coder, array), &field) in coders.iter_mut().zip(read.columns()).zip(fields) {
                let field = self.metadata.schema().field(field);
                coder.append(array).ok_or_else(|| {
                    let (name, kind) = (field.name(), field.data_type());
                    self.damaged(&format!("column `{name}` has the type {kind}, which privet does not read"))
                })?;
            }
            batch(&mut coders)?;
        }
        Ok(coders)
    }
}

/// Hands out the codes of a column.
pub(super) struct Coder<'a> {
    markers: &'a [String],
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
    fn new(markers: &'a [String]) -> Self {
        Self { markers, codes: Vec::new(), keys: Vec::new(), numbers: HashMap::new(), texts: HashMap::new() }
    }

    fn number(&mut self, value: Option<u64>) -> u32 {
        if let Some(&code) = self.numbers.get(&value) {
            return code;
        }
        let code = self.keys.len() as u32;
        self.numbers.insert(value, code);
        self.keys.push(value.map_or(Key::Missing, Key::Number));
        code
    }

    fn text(&mut self, text: &str) -> u32 {
        if text.is_empty() || self.markers.iter().any(|marker| marker == text) {
            return self.number(None);
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
        macro_rules! integers {
            ($type:ty) => {{
                let array = array.as_primitive::<$type>();
                let key = |value| i64::from(value).cast_unsigned();
                let least = least_of(array.iter().flatten().map(i64::from));
                self.integers(array.iter().map(|value| value.map(key)), least);
            }};
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
            DataType::Date32 => integers!(Date32Type),
            DataType::Date64 => integers!(Date64Type),
            DataType::Timestamp(TimeUnit::Second, _) => integers!(TimestampSecondType),
            DataType::Timestamp(TimeUnit::Millisecond, _) => integers!(TimestampMillisecondType),
            DataType::Timestamp(TimeUnit::Microsecond, _) => integers!(TimestampMicrosecondType),
            DataType::Timestamp(TimeUnit::Nanosecond, _) => integers!(TimestampNanosecondType),
            DataType::UInt64 => self.integers(array.as_primitive::<UInt64Type>().iter(), 0),
            DataType::Boolean => self.integers(array.as_boolean().iter().map(|value| value.map(u64::from)), 0),
            DataType::Float32 => {
                self.floats(array.as_primitive::<Float32Type>().iter().map(|value| value.map(f64::from)));
            }
            DataType::Float64 => self.floats(array.as_primitive::<Float64Type>().iter()),
            _ => return None,
        }
        Some(())
    }

    /// Whole numbers by their bits; those within reach of the least one are looked up once.
    fn integers(&mut self, values: impl Iterator<Item = Option<u64>>, least: u64) {
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
                    *code = self.number(value);
                    *code
                }
                None => self.number(value),
            };
            self.codes.push(code);
        }
    }

    fn floats(&mut self, values: impl Iterator<Item = Option<f64>>) {
        for value in values {
            // Adding zero turns -0 into 0, which equals it.
            let code = self.number(value.filter(|value| !value.is_nan()).map(|value| (value + 0.0).to_bits()));
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
                self.number(None)
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

/// The bits of the least number; 0 where there is none.
fn least_of(values: impl Iterator<Item = i64>) -> u64 {
    values.min().unwrap_or(0).cast_unsigned()
}
