//! `privet measure`: a file alone, and files that are hard to measure.

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use proptest::prelude::*;
use serde_json::Value;

use crate::support::{Desk, finish, repo};

fn measured(desk: &Desk, arguments: &[&str]) -> Value {
    let mut all = vec!["measure"];
    all.extend(arguments);
    all.push("--json");
    serde_json::from_str(&desk.run(&all).exits(0).stdout).unwrap()
}

/// The same classes whether columns are read as codes of a Parquet file or as cells of a CSV file.
#[test]
fn parquet_and_csv_agree() {
    let desk = Desk::new();
    let adult = repo("datasets/adult/adult.parquet");
    let table =
        privet::data::load_table(&[(adult.as_path(), "adult")], &privet::data::Reading::default()).unwrap().remove(0);
    let mut csv = "age,education,fnlwgt\n".to_owned();
    let text = |name: &str, row: usize| table.column(name).unwrap().cells.text(row).unwrap();
    for row in 0..table.rows() {
        writeln!(csv, "{},{},{}", text("age", row), text("education", row), text("fnlwgt", row)).unwrap();
    }
    let csv = desk.write("adult.csv", csv);
    for columns in ["age,education", "fnlwgt,age", "education"] {
        let [a, b] = [&adult, &csv].map(|file| {
            let mut found = measured(&desk, &[file.to_str().unwrap(), "--quasi-identifiers", columns]);
            let envelope = found["envelope"].take();
            let seconds = envelope["seconds"].as_array().unwrap();
            assert_eq!(seconds.iter().map(|step| &step[0]).collect::<Vec<_>>(), ["read", "classes", "measures"]);
            found
        });
        assert_eq!(a, b, "{columns}");
        assert_eq!(a["records"], 32_561);
    }
}

/// Age, place, ward and a score.
type Record = (Option<i64>, Option<u8>, u8, i64);

fn records() -> impl Strategy<Value = Vec<Record>> {
    let age = prop::option::weighted(0.95, 20_i64..60);
    prop::collection::vec((age, prop::option::weighted(0.9, 0_u8..6), 0_u8..3, 0_i64..5), 100..1_500)
}

fn csv(records: &[Record]) -> String {
    let mut text = "age,place,ward,score\n".to_owned();
    for (age, place, ward, score) in records {
        let age = age.map_or(String::new(), |age| age.to_string());
        let place = place.map_or(String::new(), |place| format!("p{place}"));
        writeln!(text, "{age},{place},w{ward},{score}").unwrap();
    }
    text
}

/// A Parquet file with so many rows in a row group.
fn grouped(records: &[Record], rows: usize) -> Vec<u8> {
    let columns: [(&str, ArrayRef); 4] = [
        ("age", Arc::new(records.iter().map(|record| record.0).collect::<Int64Array>())),
        ("place", Arc::new(records.iter().map(|r| r.1.map(|place| format!("p{place}"))).collect::<StringArray>())),
        ("ward", Arc::new(records.iter().map(|record| Some(format!("w{}", record.2))).collect::<StringArray>())),
        ("score", Arc::new(records.iter().map(|record| Some(record.3)).collect::<Int64Array>())),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let settings = WriterProperties::builder().set_max_row_group_row_count(Some(rows)).build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(settings)).unwrap();
    writer.write(&batch).unwrap();
    let written = writer.close().unwrap();
    assert_eq!(written.num_row_groups(), records.len().div_ceil(rows));
    bytes
}

/// What is printed for a file on so many threads, but for the envelope, which comes last.
fn printed(desk: &Desk, file: &Path, threads: usize) -> String {
    let wanted = ["measure", file.to_str().unwrap(), "--quasi-identifiers", "age,place,ward", "--sensitive", "score"];
    let threads = threads.to_string();
    let ran = finish(desk.privet().args(wanted).arg("--json").env("RAYON_NUM_THREADS", threads)).exits(0);
    let (numbers, _) = ran.stdout.split_once("\"envelope\"").unwrap();
    assert!(numbers.contains("\"k\"") && numbers.contains("t-closeness"), "{numbers}");
    numbers.to_owned()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    /// One table as row groups of any size, as CSV and as CSV whose two parts are exchanged, on any number of threads: the same
    /// bytes.
    #[test]
    fn row_groups_chunks_and_threads_change_no_byte(
        records in records(),
        rows in 1_usize..400,
        cut in 0_usize..1_500,
        threads in 2_usize..9,
    ) {
        let desk = Desk::new();
        let file = desk.write("whole.parquet", grouped(&records, records.len()));
        let expected = printed(&desk, &file, 1);
        prop_assert_eq!(&printed(&desk, &file, threads), &expected);
        let file = desk.write("parts.parquet", grouped(&records, rows));
        prop_assert_eq!(&printed(&desk, &file, 1), &expected);
        prop_assert_eq!(&printed(&desk, &file, threads), &expected);
        let file = desk.write("whole.csv", csv(&records));
        prop_assert_eq!(&printed(&desk, &file, threads), &expected);
        let (head, tail) = records.split_at(cut % records.len());
        let file = desk.write("exchanged.csv", csv(&[tail, head].concat()));
        prop_assert_eq!(&printed(&desk, &file, threads), &expected);
    }
}

/// A file that is larger than the limit is read in passes, and the numbers are the same.
#[test]
fn files_over_the_limit_are_counted_in_passes() {
    let desk = Desk::new();
    let adult = repo("datasets/adult/adult.parquet");
    let file = adult.to_str().unwrap();
    for columns in ["age,education,sex", "sex", "workclass,occupation,native-country,sex"] {
        let mut whole = measured(&desk, &[file, "--quasi-identifiers", columns, "--missing", "?"]);
        assert!(whole["envelope"].take()["passes"].is_null());
        for limit in ["90000", "30000"] {
            let mut parts =
                measured(&desk, &[file, "--quasi-identifiers", columns, "--missing", "?", "--max-bytes", limit]);
            let passes = parts["envelope"].take()["passes"].as_u64().unwrap();
            assert_eq!(passes, (32_561 * 32_u64).div_ceil(limit.parse().unwrap()));
            // A wildcard is matched with every record, for which they would have to be there.
            assert_eq!(parts["k_wildcard"].is_null(), whole["incomplete"] != "0 of 32,561");
            parts["k_wildcard"] = whole["k_wildcard"].clone();
            assert_eq!(parts, whole, "{columns} {limit}");
        }
    }
    let shown = desk.run(&["measure", file, "--quasi-identifiers", "sex", "--max-bytes", "50000"]).exits(0).stdout;
    assert!(shown.contains("larger than --max-bytes"), "{shown}");
    // The values of this column alone are too many, and a sensitive column is read whole.
    let limit = ["--max-bytes", "30000"];
    desk.run(&[&["measure", file, "--quasi-identifiers", "fnlwgt"][..], &limit].concat()).refuses(&["once unpacked"]);
    let sensitive = ["measure", file, "--quasi-identifiers", "sex", "--sensitive", "income"];
    desk.run(&[&sensitive[..], &limit].concat()).refuses(&["once unpacked"]);
}

#[test]
fn adult_with_a_sensitive_column() {
    let desk = Desk::new();
    let adult = repo("datasets/adult/adult.parquet");
    let six = "age,education,occupation,relationship,sex,native-country";
    let file = adult.to_str().unwrap();
    let found = measured(&desk, &[file, "--quasi-identifiers", six, "--sensitive", "income"]);
    assert_eq!((&found["classes"], &found["k"], &found["largest"]), (&15_093.into(), &1.into(), &45.into()));
    let closeness =
        found["sensitive"].as_array().unwrap().iter().find(|f| f["measure"] == "reidentification/t-closeness");
    let t = closeness.unwrap()["estimate"]["value"].as_f64().unwrap();
    assert!((t - 0.759_190_442_553_975_6).abs() < 1e-9);
    let shown = desk.run(&["measure", file, "--quasi-identifiers", six]).exits(0).stdout;
    assert!(shown.contains("smallest group, k") && shown.contains("15,093"), "{shown}");
}

/// Many records of one person are one person; a record without a patient number is a person of its own.
#[test]
fn people_are_counted_where_patients_are_named() {
    let desk = Desk::new();
    // 30 records of one patient, 15 of 15 patients, 20 without a number, 12 of patients that each have a record above as well.
    let mut csv = "sex,age,mrn\n".to_owned();
    csv += &"F,30,p0\n".repeat(30);
    (1..=15).for_each(|patient| writeln!(csv, "F,31,p{patient}").unwrap());
    csv += &"M,40,\n".repeat(20);
    (0..12).for_each(|patient| writeln!(csv, "M,41,p{patient}").unwrap());
    let file = desk.write("visits.csv", csv);
    let file = file.to_str().unwrap();
    let rows = measured(&desk, &[file, "--quasi-identifiers", "sex,age"]);
    assert_eq!((&rows["k"], &rows["largest"], &rows["uniqueness"]["value"]), (&12.into(), &30.into(), &0.0.into()));
    assert!(rows.get("people").is_none());
    let people = measured(&desk, &[file, "--quasi-identifiers", "sex,age", "--patient", "mrn"]);
    assert_eq!((&people["k"], &people["largest"], &people["k_wildcard"]), (&1.into(), &20.into(), &1.into()));
    assert_eq!((&people["people"]["shown"], &people["classes"]), (&36.into(), &4.into()));
    assert_eq!(people["uniqueness"]["value"], 30.0 / 77.0);
    // Classes of 1, 15, 20 and 12 people with 30, 15, 20 and 12 records.
    assert!((people["average_risk"].as_f64().unwrap() - 33.0 / 77.0).abs() < 1e-12);
    assert_eq!(rows["separation"], people["separation"]);
    let shown = desk.run(&["measure", file, "--quasi-identifiers", "sex,age", "--patient", "mrn"]).exits(0).stdout;
    assert!(shown.contains("people, who are counted in groups          36"), "{shown}");
    assert!(shown.contains("records in groups of fewer than 2 people"), "{shown}");
    desk.run(&["measure", file, "--quasi-identifiers", "sex", "--patient", "nobody"]).refuses(&["--patient", "nobody"]);
}

/// Few people are not counted out loud.
#[test]
fn small_counts_are_withheld() {
    let desk = Desk::new();
    let csv: String = (0..500).map(|row| if row < 3 { format!("{row},x\n") } else { "99,y\n".to_owned() }).collect();
    let file = desk.write("few.csv", format!("a,b\n{csv}"));
    let shown = desk.run(&["measure", file.to_str().unwrap(), "--quasi-identifiers", "a,b"]).exits(0).stdout;
    assert!(
        shown.lines().any(|line| line.starts_with("records in groups of fewer than 2") && line.ends_with("<11")),
        "{shown}"
    );
}

/// 100 stand alone and three groups have two: 103 groups of 106 records would tell of the three.
#[test]
fn few_people_follow_from_no_number_of_groups() {
    let desk = Desk::new();
    let rows: String = (0..106)
        .fold("a\n".to_owned(), |text, row| text + &format!("{}\n", if row < 100 { row } else { 200 + row / 2 }));
    let file = desk.write("pairs.csv", rows);
    let found = measured(&desk, &[file.to_str().unwrap(), "--quasi-identifiers", "a"]);
    for hidden in ["classes", "average_risk", "separation"] {
        assert!(found[hidden].is_null(), "{hidden}: {}", found[hidden]);
    }
    let shown = desk.run(&["measure", file.to_str().unwrap(), "--quasi-identifiers", "a"]).exits(0).stdout;
    assert!(shown.contains("withheld") && !shown.contains("103") && !shown.contains("0.97"), "{shown}");
}

#[test]
fn odd_files_are_measured_in_bounded_time() {
    let desk = Desk::new();
    let mut csv = "level,constant,gone\n".to_owned();
    for row in 0..1_000_000 {
        writeln!(csv, "v{row},same,").unwrap();
    }
    let file = desk.write("odd.csv", csv);
    let file = file.to_str().unwrap();
    let all = measured(&desk, &[file, "--quasi-identifiers", "level,constant,gone"]);
    assert_eq!((&all["classes"], &all["k"], &all["k_wildcard"]), (&1_000_000.into(), &1.into(), &1.into()));
    let gone = measured(&desk, &[file, "--quasi-identifiers", "constant,gone"]);
    assert_eq!((&gone["classes"], &gone["k"]), (&1.into(), &1_000_000.into()));
    assert_eq!(gone["incomplete"], "1,000,000 of 1,000,000");
}

/// Sixty columns with missing cells in as many patterns as there are records: exact groups, and a wildcard that is either
/// computed or said not to be.
#[test]
fn sixty_quasi_identifiers() {
    let desk = Desk::new();
    let names: Vec<String> = (0..60).map(|at| format!("q{at}")).collect();
    let mut csv = format!("{}\n", names.join(","));
    for row in 0_u64..3000 {
        let cell = |at: u64| {
            if (row >> (at % 12)) & 1 == 1 && at < 12 { String::new() } else { (row * (at + 7) % 1013).to_string() }
        };
        writeln!(csv, "{}", (0..60).map(cell).collect::<Vec<_>>().join(",")).unwrap();
    }
    let file = desk.write("sixty.csv", csv);
    let found = measured(&desk, &[file.to_str().unwrap(), "--quasi-identifiers", &names.join(",")]);
    assert_eq!((&found["records"], &found["classes"]), (&3000.into(), &3000.into()));
}

#[test]
fn refusals_name_the_setting() {
    let desk = Desk::new();
    let file = desk.write("a.csv", "a,b\n1,CANARY\n2,x\n");
    let file = file.to_str().unwrap();
    desk.run(&["measure", file, "--quasi-identifiers", "nobody"]).refuses(&["--quasi-identifiers", "`nobody`"]);
    desk.run(&["measure", file, "--quasi-identifiers", "a", "--sensitive", "who"]).refuses(&["--sensitive", "`who`"]);
    let broken = desk.write("b.parquet", "CANARY");
    let ran =
        desk.run(&["measure", broken.to_str().unwrap(), "--quasi-identifiers", "a"]).refuses(&["not a Parquet file"]);
    assert!(!ran.stderr.contains("CANARY"));
}

/// Numbers of twenty digits are as many groups as there are numbers.
#[test]
fn ids_of_twenty_digits_are_told_apart() {
    let desk = Desk::new();
    let mut csv = "id,s\n".to_owned();
    (0..1000).for_each(|row| writeln!(csv, "{},{}", 30_000_000_000_000_000_000_u128 + row, row % 3).unwrap());
    let file = desk.write("ids.csv", csv);
    let found = measured(&desk, &[file.to_str().unwrap(), "--quasi-identifiers", "id"]);
    assert_eq!((&found["classes"], &found["k"]), (&1000.into(), &1.into()));
}

/// Names with commas, blanks and control characters, markers that begin with a hyphen.
#[test]
fn odd_names_and_markers_are_understood() {
    let desk = Desk::new();
    let mut csv = "\"city, state\",age,a\u{1b}[31mb\n".to_owned();
    (0..40).for_each(|row| writeln!(csv, "{},{},x", row % 2, if row < 20 { -9 } else { row % 4 }).unwrap());
    let file = desk.write("odd.csv", csv);
    let file = file.to_str().unwrap();
    let lists: [&[&str]; 3] = [&["city, state"], &[" age ", "city, state"], &["age, a\u{1b}[31mb"]];
    for (list, names) in
        lists.into_iter().zip([&["city, state"][..], &["age", "city, state"], &["age", "a\u{1b}[31mb"]])
    {
        let mut arguments = vec![file];
        list.iter().for_each(|columns| arguments.extend(["--quasi-identifiers", columns]));
        assert_eq!(measured(&desk, &arguments)["quasi_identifiers"], serde_json::json!(names));
    }
    let marked =
        measured(&desk, &[file, "--quasi-identifiers", "age", "--missing", "-9", "--sensitive", " city, state"]);
    assert_eq!(marked["incomplete"], "20 of 40");
    let same = ["compare", file, file, "--quasi-identifiers", "city, state", "--quasi-identifiers", "age"];
    desk.run(&[&same[..], &["--missing", "-9"]].concat()).exits(0);
    let odd = ["measure", file, "--quasi-identifiers", "a\u{1b}[31mb,city"];
    let shown = desk.run(&[&odd[..3], &["a\u{1b}[31mb", "--sensitive", "a\u{1b}[31mb"]].concat()).exits(0).stdout;
    assert!(!shown.contains('\u{1b}') && shown.contains("a\\u{1b}[31mb"), "{shown}");
    let refused = desk.run(&odd).refuses(&["`city`"]).stderr;
    assert!(!refused.contains('\u{1b}'), "{refused}");
}

/// What is too large is refused with the setting of this command, and a Parquet file is not to be made one.
#[test]
fn the_limit_is_named_by_its_option() {
    let desk = Desk::new();
    let file = desk.write("a.csv", "a,b\n1,2\n");
    let limit = ["--quasi-identifiers", "a", "--max-bytes", "5"];
    let csv = desk.run(&[&["measure", file.to_str().unwrap()][..], &limit].concat()).refuses(&["--max-bytes"]).stderr;
    assert!(csv.contains("to Parquet") && !csv.contains("max_bytes"), "{csv}");
    let adult = repo("datasets/adult/adult.parquet");
    let limit = ["--quasi-identifiers", "fnlwgt", "--max-bytes", "30000"];
    let parquet =
        desk.run(&[&["measure", adult.to_str().unwrap()][..], &limit].concat()).refuses(&["--max-bytes"]).stderr;
    assert!(!parquet.contains("to Parquet") && !parquet.contains("max_bytes"), "{parquet}");
}
