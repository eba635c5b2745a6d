//! Parquet into raw columns, one row group after the other.

use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Date64Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, SchemaRef, TimeUnit};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection};
use parquet::arrow::{ArrowWriter, ProjectionMask};

use super::DataError;
use super::csv::Dictionary;
use super::load::{Limits, RawColumn, check_width};
use super::subset::{Part, Sink, changed, unlike};
use super::table::{Cells, Table};
use crate::detect::value_form;

/// The cells of one column while batches arrive.
enum Builder {
    Text(Dictionary),
    Integer(Vec<Option<i64>>),
    Float(Vec<f64>),
    Bool(Vec<Option<bool>>),
}

/// Reads a Parquet file: all columns, or those named.
pub(super) fn read(path: &Path, limits: Limits, only: Option<&[String]>) -> Result<Vec<RawColumn>, DataError> {
    let damaged = |what: &str| DataError::Damaged { file: path.into(), what: what.to_owned() };
    let file = File::open(path).map_err(|source| DataError::Io { file: path.into(), source })?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file)
        .map_err(|_| damaged("it is not a Parquet file, or it is cut short"))?;
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
    let mut columns = Vec::new();
    for field in schema.fields().iter().filter(|field| wanted(field.name())) {
        let column = builder_for(field.data_type()).ok_or_else(|| {
            unread(&format!("reading `{}`: column `{}`", path.display(), field.name()), field.data_type())
        })?;
        columns.push((field.name().clone(), column));
    }
    let reader: ParquetRecordBatchReader = builder.build().map_err(|_| damaged("its row groups cannot be read"))?;
    for batch in reader {
        let batch = batch.map_err(|_| damaged("a row group is damaged"))?;
        for ((name, column), array) in columns.iter_mut().zip(batch.columns()) {
            append(column, array).ok_or_else(|| damaged(&format!("column `{name}` holds a value out of range")))?;
        }
    }
    Ok(columns.into_iter().map(|(name, column)| finish(name, column)).collect())
}

/// An error for a type that is not read. Only its kind is named: the fields of a nested one may hold anything.
fn unread(column: &str, kind: &DataType) -> DataError {
    let (kind, help) = match kind {
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
    DataError::Shape { what: format!("{column} holds {kind}, which privet does not read"), help: help.to_owned() }
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
        return Err(DataError::TooLarge { file: path.into(), bytes, limit: limits.bytes });
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
        DataType::Float32 | DataType::Float64 => Builder::Float(Vec::new()),
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
            array.as_primitive::<$type>().value_as_datetime(row)?.to_string()
        };
    }
    Some(match array.data_type() {
        DataType::Date32 => array.as_primitive::<Date32Type>().value_as_date(row)?.to_string(),
        DataType::Date64 => time!(Date64Type),
        DataType::Timestamp(TimeUnit::Second, _) => time!(TimestampSecondType),
        DataType::Timestamp(TimeUnit::Millisecond, _) => time!(TimestampMillisecondType),
        DataType::Timestamp(TimeUnit::Microsecond, _) => time!(TimestampMicrosecondType),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => time!(TimestampNanosecondType),
        _ => return None,
    })
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
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Reading, load_codes};

    /// What is not read is refused with what to do; a name that is a value is not shown.
    #[test]
    fn types_and_names_that_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("refused.parquet");
        let refused = |name: &str, array: ArrayRef| {
            let batch = RecordBatch::try_from_iter_with_nullable([(name, array, true)]).unwrap();
            let mut writer = ArrowWriter::try_new(File::create(&file).unwrap(), batch.schema(), None).unwrap();
            writer.write(&batch).unwrap();
            writer.close().unwrap();
            let error = crate::data::load_table(&[(file.as_path(), "it")], &Reading::default()).unwrap_err();
            (error.to_string(), error.help())
        };
        let decimals = arrow_array::Decimal128Array::from(vec![4_711_082_i128]);
        let bytes = arrow_array::BinaryArray::from(vec![b"219-09-8999".as_slice()]);
        let times = arrow_array::Time32SecondArray::from(vec![4_711]);
        let lists = arrow_array::new_null_array(&DataType::new_list(DataType::Int32, true), 1);
        for (array, kind) in [
            (Arc::new(decimals) as ArrayRef, "decimal"),
            (Arc::new(bytes), "bytes"),
            (Arc::new(times), "times"),
            (lists, "lists"),
        ] {
            let (what, help) = refused("mrn", array);
            assert!(what.contains("`mrn`") && what.contains(kind) && help.contains("to text"), "{what}: {help}");
        }
        let (what, _) = refused("219-09-8999", Arc::new(arrow_array::Int64Array::from(vec![1])));
        assert!(what.contains("column 1 is a social security number") && !what.contains("8999"), "{what}");
    }

    /// Dates and times are what they would be in a CSV file, and no numbers that a model might take for measurements.
    #[test]
    fn dates_and_times_are_texts() {
        let second = arrow_array::TimestampMicrosecondArray::from(vec![Some(1_500_000), None, Some(-1_000_000)]);
        let columns: Vec<(&str, ArrayRef, bool)> = vec![
            ("day", Arc::new(arrow_array::Date32Array::from(vec![Some(-22_939), Some(0), None])), true),
            ("second", Arc::new(second.with_timezone("UTC")), true),
        ];
        let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("dates.parquet");
        let mut writer = ArrowWriter::try_new(File::create(&file).unwrap(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        let reading = Reading::default();
        let table = crate::data::load_table(&[(file.as_path(), "dates")], &reading).unwrap().remove(0);
        let texts = |name: &str| {
            let cells = &table.column(name).unwrap().cells;
            (0..3).map(|row| cells.text(row).unwrap_or_default()).collect::<Vec<_>>()
        };
        assert_eq!(texts("day"), ["1907-03-14", "1970-01-01", ""]);
        assert_eq!(texts("second"), ["1970-01-01 00:00:01.500", "", "1969-12-31 23:59:59"]);
        let codes = load_codes(&file, "", &["second".to_owned(), "day".to_owned()], &reading).unwrap();
        assert_eq!(codes.iter().map(crate::equivalence::Column::levels).collect::<Vec<_>>(), [3, 3]);
        assert!(codes[0].is_missing(1) && codes[1].is_missing(2));
    }
}
