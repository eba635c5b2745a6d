//! Parquet into raw columns, one row group after the other.

use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::temporal_conversions::{as_date, as_datetime};
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Date64Type, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection,
};
use parquet::arrow::{ArrowWriter, ProjectionMask};

use super::DataError;
use super::csv::Dictionary;
use super::load::{Limits, RawColumn, check_names, check_width};
use super::subset::{Part, Sink, changed, unlike};
use super::table::{Cells, Table};
use crate::detect::value_form;

/// The cells of one column while batches arrive.
enum Builder {
    Text(Dictionary),
    Integer(Vec<Option<i64>>),
    Float(Vec<f64>),
    Bool(Vec<Option<bool>>),
    /// So many cells of a type that has no values.
    Missing(usize),
}

/// The footer of a file. Dictionaries of anything but texts are asked for as what they hold, and texts, where `coded`, as
/// dictionaries, so that pages of codes are not unpacked.
pub(super) fn footer(path: &Path, file: &File, coded: bool) -> Result<ArrowReaderMetadata, DataError> {
    let no_file =
        |_| DataError::Damaged { file: path.into(), what: "it is not a Parquet file, or it is cut short".to_owned() };
    let plain = ArrowReaderMetadata::load(file, ArrowReaderOptions::new()).map_err(no_file)?;
    let is_text = |kind: &DataType| matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    let asked = |field: &Arc<Field>| match field.data_type() {
        DataType::Dictionary(_, value) if !is_text(value) => {
            Arc::new(field.as_ref().clone().with_data_type(value.as_ref().clone()))
        }
        kind if coded && is_text(kind) => {
            let codes = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
            Arc::new(field.as_ref().clone().with_data_type(codes))
        }
        _ => Arc::clone(field),
    };
    let fields: Vec<Arc<Field>> = plain.schema().fields().iter().map(asked).collect();
    if plain.schema().fields().iter().eq(&fields) {
        return Ok(plain);
    }
    let schema = Arc::new(Schema::new_with_metadata(fields, plain.schema().metadata().clone()));
    let options = ArrowReaderOptions::new().with_schema(schema);
    ArrowReaderMetadata::try_new(Arc::clone(plain.metadata()), options).map_err(no_file)
}

/// The names of the columns.
pub(super) fn names(path: &Path) -> Result<Vec<String>, DataError> {
    let file = File::open(path).map_err(|source| DataError::Io { file: path.into(), source })?;
    let footer = footer(path, &file, false)?;
    Ok(footer.schema().fields().iter().map(|field| field.name().clone()).collect())
}

/// Reads a Parquet file: all columns, or those named.
pub(super) fn read(path: &Path, limits: Limits, only: Option<&[String]>) -> Result<Vec<RawColumn>, DataError> {
    let damaged = |what: &str| DataError::Damaged { file: path.into(), what: what.to_owned() };
    let file = File::open(path).map_err(|source| DataError::Io { file: path.into(), source })?;
    let footer = footer(path, &file, false)?;
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, footer);
    check_size(path, &builder, limits)?;
    let builder = match only {
        Some(only) => {
            let mask = ProjectionMask::columns(builder.parquet_schema(), only.iter().map(String::as_str));
            builder.with_projection(mask)
        }
        None => builder,
    };
    let schema = builder.schema().clone();
    if only.is_none() {
        check_width(path, schema.fields().len())?;
    }
    if let Some((at, what)) =
        schema.fields().iter().enumerate().find_map(|(at, field)| Some((at, value_form(field.name())?)))
    {
        return Err(DataError::Shape {
            what: format!("reading `{}`: the name of column {} is {what}", path.display(), at + 1),
            help: "name the column by what it holds".to_owned(),
        });
    }
    let wanted = |name: &String| only.is_none_or(|only| only.contains(name));
    let named = schema.fields().iter().enumerate().filter(|(_, field)| wanted(field.name()));
    check_names(path, named.map(|(at, field)| (at, field.name().as_str())))?;
    let mut columns = Vec::new();
    for field in schema.fields().iter().filter(|field| wanted(field.name())) {
        let column = builder_for(field.data_type()).ok_or_else(|| unread(path, field))?;
        columns.push((field.name().clone(), column));
    }
    let reader: ParquetRecordBatchReader = builder.build().map_err(|_| damaged("its row groups cannot be read"))?;
    for batch in reader {
        let batch = batch.map_err(|_| damaged("a row group is damaged"))?;
        for ((name, column), array) in columns.iter_mut().zip(batch.columns()) {
            append(column, array).ok_or_else(|| out_of_range(path, name, array.data_type()))?;
        }
    }
    Ok(columns.into_iter().map(|(name, column)| finish(name, column)).collect())
}

/// An error for a type that is not read. Only its kind is named: the fields of a nested one may hold anything.
pub(super) fn unread(path: &Path, field: &Field) -> DataError {
    let (kind, help) = match field.data_type() {
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Decimal256(..) => (
            "decimal numbers",
            "cast the column to text if it holds codes, to a 64-bit number if it holds measurements",
        ),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            ("bytes", "cast the column to text, or leave it out")
        }
        DataType::Time32(_) | DataType::Time64(_) | DataType::Duration(_) | DataType::Interval(_) => {
            ("times of day or spans of time", "cast the column to text")
        }
        kind if kind.is_nested() => {
            ("lists or records inside a cell", "give every part a column of its own, or cast the column to text")
        }
        _ => ("a type", "cast the column to text"),
    };
    DataError::Shape {
        what: format!(
            "reading `{}`: column `{}` holds {kind}, which privet does not read",
            path.display(),
            field.name()
        ),
        help: help.to_owned(),
    }
}

/// An error for a value that the cells of a table cannot hold as it is.
fn out_of_range(path: &Path, name: &str, kind: &DataType) -> DataError {
    let what = match kind {
        DataType::UInt64 => "whole numbers from 2^63 on, which are not read as numbers",
        _ => "a date beyond the calendar",
    };
    DataError::Shape {
        what: format!("reading `{}`: column `{name}` holds {what}", path.display()),
        help: "cast the column to text".to_owned(),
    }
}

/// Whether cells of a type are read.
pub(super) fn is_read(kind: &DataType) -> bool {
    builder_for(kind).is_some()
}

/// A table as Parquet, numbers as 64 bits.
pub(super) fn write(table: &Table) -> Option<Vec<u8>> {
    let array = |cells: &Cells| -> ArrayRef {
        match cells {
            Cells::Text { .. } => {
                Arc::new((0..cells.len()).map(|row| cells.text(row)).collect::<arrow_array::StringArray>())
            }
            Cells::Integer(values) => Arc::new(arrow_array::Int64Array::from(values.clone())),
            Cells::Float(values) => Arc::new(
                values.iter().map(|value| (!value.is_nan()).then_some(*value)).collect::<arrow_array::Float64Array>(),
            ),
            Cells::Bool(values) => Arc::new(arrow_array::BooleanArray::from(values.clone())),
        }
    };
    let columns = table.columns().iter().map(|column| (column.name.clone(), array(&column.cells), true));
    let batch = RecordBatch::try_from_iter_with_nullable(columns).ok()?;
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).ok()?;
    writer.write(&batch).ok()?;
    writer.close().ok()?;
    Some(bytes)
}

/// Copies rows into a file with the columns and types of the first one.
pub(super) fn cut(parts: &[Part<'_>; 2], sink: &Sink<'_>) -> Result<(), DataError> {
    let schema = chosen(&parts[0])?.0;
    let failed = |error: parquet::errors::ParquetError| sink.failed(std::io::Error::other(kind_of(&error)));
    let mut writer = ArrowWriter::try_new(&sink.file, schema.clone(), None).map_err(failed)?;
    for part in parts {
        let (own, reader) = chosen(part)?;
        let columns = |schema: &SchemaRef| -> Vec<(String, DataType)> {
            schema.fields().iter().map(|field| (field.name().clone(), field.data_type().clone())).collect()
        };
        if columns(&own) != columns(&schema) {
            return Err(unlike(part.file, "has other columns or types than the first one, or in another order"));
        }
        let mut rows = 0;
        for batch in reader {
            let batch = batch.map_err(|_| changed(part.file))?;
            rows += batch.num_rows();
            let batch = RecordBatch::try_new(schema.clone(), batch.columns().to_vec())
                .map_err(|_| unlike(part.file, "has missing cells in a column that the first one says has none"))?;
            writer.write(&batch).map_err(failed)?;
        }
        if rows != part.rows.len() {
            return Err(changed(part.file));
        }
    }
    writer.close().map_err(failed)?;
    Ok(())
}

/// A writer's error without its words, which may quote.
fn kind_of(error: &parquet::errors::ParquetError) -> &'static str {
    match error {
        parquet::errors::ParquetError::External(_) => "the disk does not take the file",
        _ => "the columns cannot be written",
    }
}

/// The columns of a file, and its chosen rows.
fn chosen(part: &Part<'_>) -> Result<(SchemaRef, ParquetRecordBatchReader), DataError> {
    let file = File::open(part.file).map_err(|source| DataError::Io { file: part.file.into(), source })?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|_| changed(part.file))?;
    let total = builder.metadata().file_metadata().num_rows().max(0) as usize;
    if part.rows.last().is_some_and(|&last| last >= total) {
        return Err(changed(part.file));
    }
    let ranges = part.rows.iter().map(|&row| Range { start: row, end: row + 1 });
    let selection = RowSelection::from_consecutive_ranges(ranges, total);
    let schema = builder.schema().clone();
    let reader = builder.with_row_selection(selection).build().map_err(|_| changed(part.file))?;
    Ok((schema, reader))
}

/// Refuses by what the footer declares, before anything is unpacked.
fn check_size(path: &Path, builder: &ParquetRecordBatchReaderBuilder<File>, limits: Limits) -> Result<(), DataError> {
    let metadata = builder.metadata();
    let declared: u64 = metadata.row_groups().iter().map(|group| group.total_byte_size().max(0) as u64).sum();
    let rows = metadata.file_metadata().num_rows().max(0) as u64;
    let cells = rows.saturating_mul(metadata.file_metadata().schema_descr().num_columns() as u64);
    let bytes = declared.max(cells.saturating_mul(4)); // a cell takes at least a code of four bytes
    if bytes > limits.bytes {
        return Err(DataError::too_large(path, bytes, limits.bytes));
    }
    Ok(())
}

fn builder_for(kind: &DataType) -> Option<Builder> {
    Some(match kind {
        DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View
        | DataType::Date32
        | DataType::Date64
        | DataType::Timestamp(_, _) => Builder::Text(Dictionary::default()),
        DataType::Dictionary(_, value) => return builder_for(value).filter(|b| matches!(b, Builder::Text(_))),
        DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32
        | DataType::UInt64 => Builder::Integer(Vec::new()),
        DataType::Float16 | DataType::Float32 | DataType::Float64 => Builder::Float(Vec::new()),
        DataType::Null => Builder::Missing(0),
        DataType::Boolean => Builder::Bool(Vec::new()),
        _ => return None,
    })
}

/// Appends a batch; nothing when a cell does not fit.
fn append(builder: &mut Builder, array: &ArrayRef) -> Option<()> {
    match builder {
        Builder::Text(dictionary) => append_text(dictionary, array),
        Builder::Integer(values) => append_integers(values, array),
        Builder::Float(values) => {
            match array.data_type() {
                DataType::Float16 => {
                    values.extend(array.as_primitive::<Float16Type>().iter().map(|v| v.map_or(f64::NAN, f64::from)));
                }
                DataType::Float32 => {
                    values.extend(array.as_primitive::<Float32Type>().iter().map(|v| v.map_or(f64::NAN, f64::from)));
                }
                _ => values.extend(array.as_primitive::<Float64Type>().iter().map(|v| v.unwrap_or(f64::NAN))),
            }
            Some(())
        }
        Builder::Bool(values) => {
            values.extend(array.as_boolean().iter());
            Some(())
        }
        Builder::Missing(cells) => {
            *cells += array.len();
            Some(())
        }
    }
}

fn append_text(dictionary: &mut Dictionary, array: &ArrayRef) -> Option<()> {
    let mut push = |text: Option<&str>| match text {
        Some(text) if !text.is_empty() => dictionary.push(text),
        _ => dictionary.push_missing(),
    };
    match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().iter().for_each(push),
        DataType::LargeUtf8 => array.as_string::<i64>().iter().for_each(push),
        DataType::Utf8View => array.as_string_view().iter().for_each(push),
        DataType::Date32 | DataType::Date64 | DataType::Timestamp(_, _) => {
            for row in 0..array.len() {
                push(if array.is_null(row) { None } else { Some(moment(array, row)?) }.as_deref());
            }
        }
        DataType::Dictionary(_, _) => {
            let coded = array.as_any_dictionary_opt()?;
            let keys = coded.normalized_keys();
            let values = coded.values();
            let text_at = |index: usize| match values.data_type() {
                DataType::Utf8 => Some(values.as_string::<i32>().value(index)),
                DataType::LargeUtf8 => Some(values.as_string::<i64>().value(index)),
                _ => None,
            };
            for (row, key) in keys.into_iter().enumerate() {
                push(if array.is_null(row) || values.is_empty() { None } else { Some(text_at(key)?) });
            }
        }
        _ => return None,
    }
    Some(())
}

/// A date or a time as a CSV file would have it: `1931-04-02`, `1931-04-02 13:05:00`; of a zone, in universal time. Nothing where
/// it lies beyond the calendar.
fn moment(array: &ArrayRef, row: usize) -> Option<String> {
    macro_rules! time {
        ($type:ty) => {
            time_text::<$type>(array.as_primitive::<$type>().value(row))?
        };
    }
    Some(match array.data_type() {
        DataType::Date32 => day_text(array.as_primitive::<Date32Type>().value(row).into())?,
        DataType::Date64 => time!(Date64Type),
        DataType::Timestamp(TimeUnit::Second, _) => time!(TimestampSecondType),
        DataType::Timestamp(TimeUnit::Millisecond, _) => time!(TimestampMillisecondType),
        DataType::Timestamp(TimeUnit::Microsecond, _) => time!(TimestampMicrosecondType),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => time!(TimestampNanosecondType),
        _ => return None,
    })
}

/// A day since 1970.
pub(super) fn day_text(day: i64) -> Option<String> {
    as_date::<Date32Type>(day).map(|date| date.to_string())
}

/// A moment in the unit of its type.
pub(super) fn time_text<T: ArrowPrimitiveType>(moment: i64) -> Option<String> {
    as_datetime::<T>(moment).map(|time| time.to_string())
}

fn append_integers(values: &mut Vec<Option<i64>>, array: &ArrayRef) -> Option<()> {
    macro_rules! widen {
        ($type:ty) => {
            values.extend(array.as_primitive::<$type>().iter().map(|v| v.map(i64::from)))
        };
    }
    match array.data_type() {
        DataType::Int8 => widen!(Int8Type),
        DataType::Int16 => widen!(Int16Type),
        DataType::Int32 => widen!(Int32Type),
        DataType::Int64 => widen!(Int64Type),
        DataType::UInt8 => widen!(UInt8Type),
        DataType::UInt16 => widen!(UInt16Type),
        DataType::UInt32 => widen!(UInt32Type),
        DataType::UInt64 => {
            for value in array.as_primitive::<UInt64Type>() {
                values.push(value.map(i64::try_from).transpose().ok()?);
            }
        }
        _ => return None,
    }
    Some(())
}

fn finish(name: String, builder: Builder) -> RawColumn {
    match builder {
        Builder::Text(dictionary) => {
            let (codes, texts) = dictionary.into_parts();
            RawColumn::stated_text(name, codes, texts)
        }
        Builder::Integer(values) => RawColumn::typed(name, Cells::Integer(values)),
        Builder::Float(values) => RawColumn::typed(name, Cells::Float(values)),
        Builder::Bool(values) => RawColumn::typed(name, Cells::Bool(values)),
        Builder::Missing(rows) => RawColumn::missing(name, rows),
    }
}

#[cfg(test)]
mod tests;
