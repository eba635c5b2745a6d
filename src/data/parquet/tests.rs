use super::*;
use crate::data::{Kind, Reading, load_codes, load_passes, load_table};

/// A file of some columns, in row groups of so many rows.
fn file(folder: &Path, name: &str, columns: &[(&str, ArrayRef)], rows: usize) -> std::path::PathBuf {
    let path = folder.join(name);
    let field = |(name, array): &(&str, ArrayRef)| Field::new(*name, array.data_type().clone(), true);
    let schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
    let arrays = columns.iter().map(|(_, array)| Arc::clone(array)).collect();
    let batch = RecordBatch::try_new(Arc::clone(&schema), arrays).unwrap();
    let properties = parquet::file::properties::WriterProperties::builder().set_max_row_group_row_count(Some(rows));
    let mut writer = ArrowWriter::try_new(File::create(&path).unwrap(), schema, Some(properties.build())).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    path
}

fn one(file: &Path, reading: &Reading) -> Result<Table, DataError> {
    load_table(&[(file, "it")], reading).map(|mut tables| tables.remove(0))
}

/// The cells of a column, and how many classes it has among codes, where a missing cell is one.
fn both(file: &Path, name: &str, reading: &Reading) -> (Vec<String>, usize) {
    let table = one(file, reading).unwrap();
    let cells = &table.column(name).unwrap().cells;
    let codes = load_codes(file, "it", &[name.to_owned()], reading).unwrap();
    let lacks = (0..cells.len()).all(|row| codes[0].is_missing(row) == cells.is_missing(row));
    assert!(lacks, "`{name}` lacks the same cells both ways");
    ((0..cells.len()).map(|row| cells.text(row).unwrap_or_default()).collect(), codes[0].levels() as usize)
}

#[test]
fn types_of_no_value_half_a_float_and_coded_numbers_are_read() {
    type Half = <Float16Type as ArrowPrimitiveType>::Native;
    let folder = tempfile::tempdir().unwrap();
    let halves: arrow_array::PrimitiveArray<Float16Type> =
        [Some(1.5), None, Some(-2.0)].into_iter().map(|value| value.map(<Half>::from_f32)).collect();
    let keys = || arrow_array::Int8Array::from(vec![Some(1), Some(0), None]);
    let coded = |values: ArrayRef| -> ArrayRef { Arc::new(arrow_array::DictionaryArray::new(keys(), values)) };
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("gone", Arc::new(arrow_array::NullArray::new(3))),
        ("half", Arc::new(halves)),
        ("whole", coded(Arc::new(arrow_array::Int64Array::from(vec![7, 1 << 60])))),
        ("float", coded(Arc::new(arrow_array::Float64Array::from(vec![0.5, 2.0])))),
        ("word", coded(Arc::new(arrow_array::StringArray::from(vec!["a", "b"])))),
    ];
    let file = file(folder.path(), "odd.parquet", &columns, 2);
    for (name, texts, levels) in [
        ("gone", ["", "", ""], 1),
        ("half", ["1.5", "", "-2"], 3),
        ("whole", ["1152921504606846976", "7", ""], 3),
        ("float", ["2", "0.5", ""], 3),
        ("word", ["b", "a", ""], 3),
    ] {
        let (cells, found) = both(&file, name, &Reading::default());
        assert_eq!((cells, found), (texts.map(str::to_owned).to_vec(), levels), "{name}");
    }
}

/// A marker is the number, truth value or date that it says, read as cells, as codes and in passes.
#[test]
fn markers_of_missing_cells_hold_in_columns_of_all_types() {
    let folder = tempfile::tempdir().unwrap();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("age", Arc::new(arrow_array::Int32Array::from(vec![30, 31, 999]))),
        ("big", Arc::new(arrow_array::UInt64Array::from(vec![30, 999, 32]))),
        ("lab", Arc::new(arrow_array::Float64Array::from(vec![0.5, 999.0, f64::NAN]))),
        ("low", Arc::new(arrow_array::Float32Array::from(vec![0.5, -9.99, 1.0]))),
        ("sure", Arc::new(arrow_array::BooleanArray::from(vec![true, false, true]))),
        ("day", Arc::new(arrow_array::Date32Array::from(vec![0, 1, 2]))),
        ("word", Arc::new(arrow_array::StringArray::from(vec!["999", "x", "y"]))),
    ];
    let file = file(folder.path(), "marked.parquet", &columns, 2);
    let missing = ["999", "-9.99", "false", "1970-01-02"].map(str::to_owned).to_vec();
    let reading = Reading { missing, ..Reading::default() };
    for (name, texts, levels) in [
        ("age", ["30", "31", ""], 3),
        ("big", ["30", "", "32"], 3),
        ("lab", ["0.5", "", ""], 2),
        ("low", ["0.5", "", "1"], 3),
        ("sure", ["true", "", "true"], 2),
        ("day", ["1970-01-01", "", "1970-01-03"], 3),
        ("word", ["", "x", "y"], 3),
    ] {
        let (cells, found) = both(&file, name, &reading);
        assert_eq!((cells, found), (texts.map(str::to_owned).to_vec(), levels), "{name}");
    }
    // 999 rows of three values: more codes than the limit has room for, and fewer values.
    let many = |values: [i64; 3]| -> ArrayRef {
        Arc::new(arrow_array::Int64Array::from_iter_values(values.into_iter().cycle().take(999)))
    };
    let file =
        self::file(folder.path(), "many.parquet", &[("age", many([30, 31, 999])), ("sex", many([1, 2, 1]))], 100);
    let tight = Reading { limits: Limits { bytes: 3_000 }, ..reading };
    let passed = load_passes(&file, "it", &["age".to_owned(), "sex".to_owned()], &tight).unwrap().unwrap();
    assert_eq!(passed.incomplete, 333);
}

/// Whole numbers are exact or refused, whatever stands on the other side.
#[test]
fn whole_numbers_do_not_become_others() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, array: ArrayRef| file(folder.path(), name, &[("id", array)], 10);
    let large = file("u64.parquet", Arc::new(arrow_array::UInt64Array::from(vec![u64::MAX, u64::MAX - 1, 1])));
    let error = one(&large, &Reading::default()).unwrap_err();
    assert!(error.to_string().contains("`id` holds whole numbers from 2^63 on") && error.help().contains("to text"));
    let codes = load_codes(&large, "it", &["id".to_owned()], &Reading::default()).unwrap();
    assert_eq!(codes[0].levels(), 3);
    let near = 1_i64 << 60;
    let whole = file("i64.parquet", Arc::new(arrow_array::Int64Array::from(vec![near, near + 1])));
    let small = file("small.parquet", Arc::new(arrow_array::Int64Array::from(vec![near, 1])));
    let float = file("f64.parquet", Arc::new(arrow_array::Float64Array::from(vec![1.5])));
    let joint = |first: &Path| load_table(&[(first, "members"), (&float, "nonmembers")], &Reading::default());
    assert!(matches!(joint(&whole), Err(DataError::KindClash { .. })));
    assert_eq!(joint(&small).unwrap()[0].columns()[0].cells.kind(), Kind::Float);
    let stated = |kind: Kind| Reading { kinds: [("id".to_owned(), kind)].into(), ..Reading::default() };
    assert!(matches!(one(&whole, &stated(Kind::Float)), Err(DataError::Kind { .. })));
    let beyond =
        file("beyond.parquet", Arc::new(arrow_array::Float64Array::from(vec![2_f64.powi(63), 2_f64.powi(64)])));
    assert!(matches!(one(&beyond, &stated(Kind::Integer)), Err(DataError::Kind { .. })));
}

/// Reading codes refuses as reading cells does: two columns of one name, types that are not read.
#[test]
fn codes_are_refused_with_the_same_words() {
    let folder = tempfile::tempdir().unwrap();
    let number = || -> ArrayRef { Arc::new(arrow_array::Int64Array::from(vec![1])) };
    let twice = file(folder.path(), "twice.parquet", &[("x", number()), ("a", number()), ("a", number())], 10);
    let lists = arrow_array::new_null_array(&DataType::new_list(DataType::Int32, true), 1);
    let decimals: ArrayRef = Arc::new(arrow_array::Decimal128Array::from(vec![4_711_082_i128]));
    let bytes: ArrayRef = Arc::new(arrow_array::BinaryArray::from(vec![b"x".as_slice()]));
    let times: ArrayRef = Arc::new(arrow_array::Time32SecondArray::from(vec![4_711]));
    let unread =
        file(folder.path(), "unread.parquet", &[("d", decimals), ("b", bytes), ("t", times), ("l", lists)], 10);
    for (file, name) in [(&twice, "a"), (&unread, "d"), (&unread, "b"), (&unread, "t"), (&unread, "l")] {
        let names = [name.to_owned()];
        let codes = load_codes(file, "it", &names, &Reading::default()).unwrap_err();
        let cells = crate::data::load_columns(file, "it", "it", &names, &Reading::default()).unwrap_err();
        assert_eq!((codes.to_string(), codes.help()), (cells.to_string(), cells.help()));
        assert!(codes.to_string().contains("columns 2 and 3") || codes.help().contains("to text"), "{codes}");
    }
}

/// What is too large is the same number on any number of threads.
#[test]
fn too_many_values_are_refused_alike_on_all_threads() {
    let folder = tempfile::tempdir().unwrap();
    let values: ArrayRef = Arc::new(arrow_array::Int64Array::from_iter_values(0..40_000));
    let file = file(folder.path(), "many.parquet", &[("id", values)], 100);
    let refused = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let reading = Reading { limits: Limits { bytes: 125_000 }, ..Reading::default() };
        pool.install(|| load_passes(&file, "it", &["id".to_owned()], &reading)).unwrap_err().to_string()
    };
    let first = refused(1);
    // Five row groups of a hundred values, 256 bytes each.
    assert!(first.contains("many.parquet") && first.contains("128000 bytes"), "{first}");
    assert_eq!([refused(2), refused(5)], [first.clone(), first]);
}

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
        let error = load_table(&[(file.as_path(), "it")], &Reading::default()).unwrap_err();
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
    let table = load_table(&[(file.as_path(), "dates")], &reading).unwrap().remove(0);
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
