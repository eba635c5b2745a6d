use super::*;
use crate::data::{Arrays, Population, Schema, Source, Split, ThreatModel};

fn write(name: &str, text: &str, dir: &Path) -> std::path::PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

/// 2^31 cells are over the limit that is set unless a plan raises it, and no number of cells wraps around to a small one.
#[test]
fn the_bytes_of_many_cells_do_not_overflow() {
    let cells = 1_u64 << 31;
    assert_eq!(code_bytes(cells / 8, 8), 1 << 33);
    assert!(code_bytes(cells / 8, 8) > Limits::default().bytes && code_bytes(cells / 60, 60) > Limits::default().bytes);
    assert!(code_bytes(10_000_000, 8) < Limits::default().bytes);
    assert_eq!(code_bytes(u64::MAX / 2, 60), u64::MAX);
    assert!(numbered(Path::new("a.parquet"), u64::from(u32::MAX) - 1).is_ok());
    let refused = numbered(Path::new("a.parquet"), 1 << 33).expect_err("too many");
    assert!(refused.to_string().contains("`a.parquet` has 8589934592 records") && refused.help().contains("sample"));
}

#[test]
fn types_are_settled_over_both_files() {
    let dir = tempfile::tempdir().unwrap();
    let a = write("a.csv", "x;code;flag;t\n1;007;True;None\n2;;False;\n", dir.path());
    let b = write("b.csv", "x;code;flag;t\n1.5;010;True;None\n", dir.path());
    let tables = load_table(&[(&a, "members"), (&b, "nonmembers")], &Reading::default()).unwrap();
    let kinds: Vec<Kind> = tables[0].columns().iter().map(|c| c.cells.kind()).collect();
    assert_eq!(kinds, [Kind::Float, Kind::Text, Kind::Bool, Kind::Text]);
    assert!(tables[0].column("code").unwrap().cells.is_missing(1), "an empty field is missing");
    assert_eq!(tables[0].column("t").unwrap().cells.text(0).as_deref(), Some("None"), "None is text");
}

#[test]
fn markers_are_missing_only_when_listed() {
    let dir = tempfile::tempdir().unwrap();
    let a = write("a.csv", "x\n1\n?\n", dir.path());
    let plain = load_table(&[(&a, "members")], &Reading::default()).unwrap();
    assert_eq!(plain[0].columns()[0].cells.kind(), Kind::Text);
    let reading = Reading { missing: vec!["?".into()], ..Reading::default() };
    let marked = load_table(&[(&a, "members")], &reading).unwrap();
    assert_eq!(marked[0].columns()[0].cells.kind(), Kind::Integer);
}

#[test]
fn a_misfit_is_located_and_not_quoted() {
    let dir = tempfile::tempdir().unwrap();
    let a = write("a.csv", "x\n1\nCANARY-CELL\n", dir.path());
    let reading = Reading { kinds: [("x".to_owned(), Kind::Integer)].into(), ..Reading::default() };
    let text = load_table(&[(&a, "members")], &reading).unwrap_err().to_string();
    assert!(text.contains("row 2") && !text.contains("CANARY"), "{text}");
}

#[test]
fn wide_files_are_read_by_name_and_the_widest_refused() {
    let dir = tempfile::tempdir().unwrap();
    let names = |count: usize| (0..count).map(|at| format!("c{at}")).collect::<Vec<_>>();
    let file = |name: &str, names: &[String]| {
        let cells: Vec<&str> = names.iter().map(|name| if name == "c7" { "7" } else { "1" }).collect();
        write(name, &format!("{}\n{}\n", names.join(","), cells.join(",")), dir.path())
    };
    // The second file has the columns the other way round.
    let mut backwards = names(3_000);
    backwards.reverse();
    let (a, b) = (file("a.csv", &names(3_000)), file("b.csv", &backwards));
    let tables = load_table(&[(&a, "members"), (&b, "nonmembers")], &Reading::default()).unwrap();
    let seventh = tables.iter().map(|table| table.columns()[7].cells.text(0).unwrap());
    assert_eq!(seventh.collect::<Vec<_>>(), ["7", "7"]);
    let wide = file("wide.csv", &names(WIDEST + 1));
    let error = load_table(&[(&wide, "members")], &Reading::default()).unwrap_err();
    assert!(error.to_string().contains("50001 columns") && error.help().contains(".npz"), "{error}");
    assert_eq!(load_columns(&wide, "it", "x", &["c7".to_owned()], &Reading::default()).unwrap().rows(), 1);
}

#[test]
fn separators_quotes_and_byte_order_mark() {
    let dir = tempfile::tempdir().unwrap();
    let a = write("a.csv", "\u{feff}a;b\n\"x;y\";\"line\nbreak\"\n", dir.path());
    let table = &load_table(&[(&a, "members")], &Reading::default()).unwrap()[0];
    assert_eq!(table.columns()[0].name, "a");
    assert_eq!(table.columns()[0].cells.text(0).as_deref(), Some("x;y"));
}

/// Ids that no number holds are told apart, and numbers stay numbers.
#[test]
fn whole_numbers_that_floats_would_merge_stay_texts() {
    let dir = tempfile::tempdir().unwrap();
    let distinct = |cells: &[String]| {
        let file = write("ids.csv", &format!("id\n{}\n", cells.join("\n")), dir.path());
        let table = load_table(&[(&file, "it")], &Reading::default()).unwrap().remove(0);
        let cells = &table.columns()[0].cells;
        (cells.kind(), super::super::encode::codes(cells).1)
    };
    let ids = |first: i128| (0..100).map(|at| (first + at).to_string()).collect::<Vec<_>>();
    let with = |mut cells: Vec<String>, more: &str| {
        cells.push(more.to_owned());
        cells
    };
    assert_eq!(distinct(&ids(30_000_000_000_000_000_000)), (Kind::Text, 100));
    assert_eq!(distinct(&ids(1_000_000_000_000_000_000)), (Kind::Integer, 100));
    assert_eq!(distinct(&with(ids(1_000_000_000_000_000_000), "9999999999999999999")), (Kind::Text, 101));
    assert_eq!(distinct(&with(ids(12_345_678_901_234_567), "1.5")), (Kind::Text, 101));
    assert_eq!(distinct(&with(ids(7), "1.5")), (Kind::Float, 101));
    assert_eq!(distinct(&["1e300".to_owned(), "0.1".to_owned(), "-3".to_owned()]), (Kind::Float, 3));
    // The types of two files meet in one that holds both.
    let whole = write("whole.csv", &format!("id\n{}\n", ids(12_345_678_901_234_567).join("\n")), dir.path());
    let half = write("half.csv", "id\n1.5\n", dir.path());
    let tables = load_table(&[(&whole, "members"), (&half, "nonmembers")], &Reading::default()).unwrap();
    assert_eq!(super::super::encode::codes(&tables[0].columns()[0].cells).1, 100);
}

/// A register needs the columns of its threat model and no others, whatever roles and types the data give to those.
#[test]
fn a_register_may_lack_the_patient_column() {
    let dir = tempfile::tempdir().unwrap();
    let records = "pid,age,sex\n1,30,f\n2,31,m\n";
    let (members, nonmembers) = (write("a.csv", records, dir.path()), write("b.csv", records, dir.path()));
    let register = write("register.csv", "age,sex\n30,f\n31,m\n32,f\n", dir.path());
    let margins = write("margins.csv", "age,sex,people\n30,f,5\n31,m,7\n", dir.path());
    for population in [Population::Register(register), Population::Margins(margins)] {
        let threat = ThreatModel { population: Some(population), ..ThreatModel::of("q", &["age", "sex"]) };
        let schema = Schema { patient: Some("pid".into()), quasi_identifiers: vec![threat], ..Schema::default() };
        let source = Source::Two { members: members.clone(), nonmembers: nonmembers.clone(), labels: None };
        let types = |column: &str| [(column.to_owned(), Kind::Text)].into();
        let load = |kinds| {
            let reading = Reading { kinds, ..Reading::default() };
            Split::load(&source, schema.clone(), &reading, &Arrays::default())
        };
        let split = load(types("pid")).unwrap();
        assert_eq!(split.registers[0].as_ref().unwrap().column("age").unwrap().cells.kind(), Kind::Integer);
        let error = load(types("nobody")).err().unwrap().to_string();
        assert!(error.contains("columns.types") && error.contains("`nobody`"), "{error}");
    }
}

/// The places that are named are those in the file.
#[test]
fn two_columns_of_one_name_are_refused_where_they_stand() {
    let dir = tempfile::tempdir().unwrap();
    let file = write("a.csv", "x,a,y,a\n1,2,3,4\n", dir.path());
    let text = load_columns(&file, "it", "x", &["a".to_owned()], &Reading::default()).unwrap_err().to_string();
    assert!(text.contains("columns 2 and 4"), "{text}");
    assert!(load_columns(&file, "it", "x", &["y".to_owned()], &Reading::default()).is_ok());
}
