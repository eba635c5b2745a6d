//! What the model file itself gives away: found where it is, not found where it is not, and hostile files refused.

use std::fs;
use std::path::{Path, PathBuf};

use privet::model::contents::Contents;
use serde_json::Value;

use crate::support::{Desk, Ran, Sheet, proto, quoted, records_plan, repo, shape_model, with_constant, with_metadata};

fn stored(name: &str) -> PathBuf {
    repo(&format!("datasets/stored/{name}.onnx"))
}

fn cancer() -> PathBuf {
    repo("datasets/shapes/tables/cancer.csv")
}

fn plan(model: &Path) -> String {
    records_plan(model, "", &cancer(), "target", "")
}

fn finding<'r>(report: &'r Value, measure: &str) -> &'r Value {
    report["findings"].as_array().unwrap().iter().find(|finding| finding["measure"] == measure).unwrap()
}

fn value(report: &Value, measure: &str) -> f64 {
    finding(report, measure)["estimate"]["value"].as_f64().unwrap()
}

fn outcome(report: &Value, measure: &str) -> String {
    let judgements = report["judgements"].as_array().unwrap();
    let found = judgements.iter().find(|judgement| judgement["measure"] == measure).unwrap();
    found["outcome"].as_str().unwrap().to_owned()
}

// ------------------------------------------------------------------ stored rows

/// `build.py` prints that 42 of the 100 members are support vectors.
#[test]
fn support_vectors_fail_the_gate_by_themselves() {
    let desk = Desk::new();
    let ran = desk.assess(&plan(&stored("svc")), &[]).exits(1);
    let report = desk.report();
    assert_eq!(value(&report, "disclosure/stored-rows"), 0.42);
    assert_eq!(finding(&report, "disclosure/stored-rows")["standing"]["kind"], "fact");
    assert_eq!(finding(&report, "disclosure/stored-rows")["severity"], "very-high");
    assert!(ran.stdout.contains("42 of 100 training records"), "{}", ran.stdout);
    let table = finding(&report, "disclosure/stored-rows")["evidence"][0].to_string();
    assert!(table.contains("support_vectors of SVMClassifier") && table.contains("the output of Scaler"), "{table}");
    // No limit excuses a fact.
    desk.assess(&(plan(&stored("svc")) + "[limits]\n\"disclosure/stored-rows\" = 0.9\n"), &[]).exits(1);
}

#[test]
fn swapped_sets_find_nothing() {
    let desk = Desk::new();
    for model in ["svc", "knn", "minmax"] {
        let swapped = plan(&stored(model))
            .replace("member = \"train\"\nnonmember = \"test\"", "member = \"test\"\nnonmember = \"train\"");
        let ran = desk.assess(&swapped, &[]);
        assert!([0, 3].contains(&ran.code), "{model}: {}", ran.stdout);
        let report = desk.report();
        assert_eq!(value(&report, "disclosure/stored-rows"), 0.0, "{model}");
        assert_eq!(value(&report, "disclosure/column-extremes"), 0.0, "{model}");
        assert_eq!(outcome(&report, "disclosure/stored-rows"), "met", "{model}");
    }
}

#[test]
fn nearest_neighbours_keep_everybody() {
    let desk = Desk::new();
    desk.assess(&plan(&stored("knn")), &[]).exits(1);
    assert_eq!(value(&desk.report(), "disclosure/stored-rows"), 1.0);
}

/// The ends of 30 columns: those that hold-out records reach too, and a smallest value of 0, do not count.
#[test]
fn a_scaler_to_a_range_gives_the_ends_away() {
    let desk = Desk::new();
    desk.assess(&plan(&stored("minmax")), &[]).exits(1);
    let report = desk.report();
    let (mut ends, sheet) = (0, Sheet::shape("cancer"));
    let split = sheet.column("split");
    for column in
        (0..sheet.header.len()).filter(|column| !["split", "target"].contains(&sheet.header[*column].as_str()))
    {
        let of = |set: &str| -> Vec<f32> {
            let rows = sheet.rows.iter().filter(|row| row[split] == set);
            let mut cells: Vec<f32> = rows.map(|row| row[column].parse().unwrap()).collect();
            cells.sort_by(f32::total_cmp);
            cells
        };
        let (inside, outside) = (of("train"), of("test"));
        for (mine, theirs) in [(inside[0], outside[0]), (inside[99], outside[99])] {
            let people = inside.iter().filter(|cell| **cell == mine).count();
            ends += usize::from(people <= 10 && mine != theirs && mine != 0.0 && mine.abs() != 1.0);
        }
    }
    assert!(ends > 50, "{ends}");
    assert_eq!(value(&report, "disclosure/column-extremes"), ends as f64);
    assert_eq!(value(&report, "disclosure/stored-rows"), 0.0);
}

/// Models that keep nobody, over tables and images.
#[test]
fn clean_files_stay_clean() {
    let desk = Desk::new();
    let models: [(&str, &str, &str); 6] = [
        ("tensor", "cancer", "target"),
        ("float64", "cancer", "target"),
        ("softmax_batch1", "wine", "target"),
        ("nan_lightgbm", "heart", "disease"),
        ("nan_xgboost", "heart", "disease"),
        ("columns_zipmap_string", "adult", "income"),
    ];
    for (model, table, target) in models {
        let table = repo(&format!("datasets/shapes/tables/{table}.csv"));
        let missing = if target == "disease" { "missing = [\"?\"]" } else { "" };
        desk.assess(&records_plan(&shape_model(model), "", &table, target, missing), &["--exit-zero"]).exits(0);
        let report = desk.report();
        for measure in ["disclosure/stored-rows", "disclosure/identifier-strings", "disclosure/column-extremes"] {
            assert_eq!(value(&report, measure), 0.0, "{model}: {measure}");
            assert_eq!(outcome(&report, measure), "met", "{model}: {measure}");
        }
    }
}

// ------------------------------------------------------------------ strings

#[test]
fn an_identifier_in_the_metadata_fails_and_a_file_alone_is_not_enough_to_pass() {
    let desk = Desk::new();
    let model = fs::read(shape_model("tensor")).unwrap();
    let alone = |name: &str, bytes: &[u8]| format!("[model]\npath = {}\n", quoted(&desk.write(name, bytes)));
    let clean = desk.assess(&alone("clean.onnx", &model), &[]).exits(3);
    assert!(clean.stdout.contains("disclosure/stored-rows"), "{}", clean.stdout);
    let ran = desk.assess(&alone("told.onnx", &with_metadata(&model, "note", "SSN 123-45-6789")), &[]).exits(1);
    assert!(!ran.stdout.contains("123-45") && !desk.report_text().contains("123-45"));
    assert!(desk.report_text().contains("social security numbers"));
}

// ------------------------------------------------------------------ hostile files

/// The reason why the last array of a file cannot be read.
fn unread(desk: &Desk, bytes: &[u8]) -> &'static str {
    let file = desk.write("model.onnx", bytes);
    let (_, contents, _) = Contents::load(&file).unwrap();
    let arrays = contents.arrays();
    let reasons: Vec<&str> = arrays.iter().filter_map(|array| array.numbers().err()).map(|u| u.reason()).collect();
    assert_eq!(reasons.len(), 1, "{reasons:?}");
    reasons[0]
}

fn external(location: &str, offset: &str) -> Vec<u8> {
    let entry = |key: &str, value: &str| proto(13, [proto(1, key), proto(2, value)].concat());
    [entry("location", location), entry("offset", offset), vec![14 << 3, 1]].concat()
}

#[test]
fn external_data_are_read_beside_the_model_only() {
    let desk = Desk::new();
    let tensor = shape_model("tensor");
    let of = |location: &str, offset: &str| with_constant(&tensor, "w", &[4], &[], &external(location, offset));
    desk.write("beside.bin", [0_u8; 20]);
    fs::create_dir(desk.path("folder")).unwrap();
    let file = desk.write("model.onnx", of("beside.bin", "4"));
    let contents = Contents::load(&file).unwrap().1;
    assert!(contents.arrays().iter().all(|array| array.numbers().is_ok()), "a good one is read");
    let cases = [
        ("beside.bin", "8", "shorter"),
        ("beside.bin", "-4", "not a number"),
        ("beside.bin", "18446744073709551615", "shorter"),
        ("absent.bin", "0", "absent"),
        ("model.onnx", "0", "the model file itself"),
        ("../beside.bin", "0", "outside"),
        ("/etc/hostname", "0", "outside"),
        ("", "0", "outside"),
        ("folder", "0", "no ordinary file"),
    ];
    for (location, offset, reason) in cases {
        let said = unread(&desk, &of(location, offset));
        assert!(said.contains(reason), "{location} at {offset}: {said}");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::symlink;
        symlink("/etc/hostname", desk.path("away.bin")).unwrap();
        symlink("loop.bin", desk.path("loop.bin")).unwrap();
        assert!(unread(&desk, &of("away.bin", "0")).contains("outside"));
        assert!(unread(&desk, &of("loop.bin", "0")).contains("leads nowhere"));
    }
}

/// Shapes that promise more than there is cost no memory.
#[test]
fn impossible_shapes_are_named_and_not_believed() {
    let desk = Desk::new();
    let tensor = shape_model("tensor");
    let shapes: [&[u64]; 5] =
        [&[1_000_000_000], &[1 << 62, 4], &[u64::MAX, 3], &[1_000_000_000, 0, 1_000_000_000, 1_000_000_000], &[3]];
    for (shape, reason) in
        shapes.iter().zip(["more values", "more values", "more values", "another number", "another number"])
    {
        let said = unread(&desk, &with_constant(&tensor, "w", shape, &[1.0, 2.0], &[]));
        assert!(said.contains(reason), "{shape:?}: {said}");
    }
}

/// The runtime refuses some of these and not others; the program panics over none, and passes none silently.
#[test]
fn hostile_files_end_with_a_reason() {
    let desk = Desk::new();
    let (tensor, wine) = (shape_model("tensor"), repo("datasets/shapes/tables/wine.csv"));
    let hostile: [Vec<u8>; 6] = [
        with_constant(&tensor, "w", &[1_000_000_000], &[], &[]),
        with_constant(&tensor, "w", &[1 << 62, 4], &[1.0], &[]),
        with_constant(&tensor, "w", &[4], &[], &external("absent.bin", "0")),
        with_constant(&tensor, "w", &[4], &[], &external("model.onnx", "0")),
        with_constant(&tensor, "w", &[4], &[], &external("../../../../../../etc/hostname", "0")),
        [
            fs::read(&tensor).unwrap(),
            (0..200).fold(Vec::new(), |inner, _| proto(7, proto(1, proto(5, proto(6, inner))))),
        ]
        .concat(),
    ];
    for (at, bytes) in hostile.iter().enumerate() {
        let model = desk.write("model.onnx", bytes);
        let ran: Ran = desk.assess(&records_plan(&model, "", &wine, "target", ""), &[]);
        assert!([2, 3].contains(&ran.code), "file {at}: {}\n{}{}", ran.code, ran.stdout, ran.stderr);
        assert!(!ran.stderr.contains("panicked"), "file {at}: {}", ran.stderr);
    }
}

#[test]
fn unknown_operators_are_read_and_not_run() {
    let (_, contents, _) = Contents::load(&shape_model("unknown_operator")).unwrap();
    assert!(contents.arrays().iter().all(|array| array.numbers().is_ok()));
    assert!(!contents.strings().is_empty());
}
