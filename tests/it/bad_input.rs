//! Bad input: each gets exit code 2, a reason that names file or setting, a next action, and nothing like a verdict.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;

use crate::support::{Desk, Ran, Sheet, quoted, records_plan, shape_model};
use crate::tasks;

/// A plan for the `tensor` model with a table of our own.
pub(crate) fn plan(records: &Path, rest: &str) -> String {
    records_plan(&shape_model("tensor"), "", records, "target", rest)
}

/// Assesses a file with the `tensor` model.
pub(crate) fn assess(desk: &Desk, name: &str, content: impl AsRef<[u8]>, rest: &str) -> Ran {
    let file = desk.write(name, content);
    desk.assess(&plan(&file, rest), &[])
}

pub(crate) fn cancer() -> Sheet {
    Sheet::shape("cancer")
}

/// Two files and the `tensor` model.
pub(crate) fn two(members: &Path, nonmembers: &Path, rest: &str) -> String {
    format!(
        "[model]\npath = {}\n[data]\nmembers = {}\nnonmembers = {}\ntarget = \"target\"\n{rest}\n",
        quoted(&shape_model("tensor")),
        quoted(members),
        quoted(nonmembers)
    )
}

/// The members of the table without the split column.
fn members() -> Sheet {
    cancer().keep("split", |cell| cell == "train").without("split")
}

/// The non-members of the table without the split column.
fn nonmembers() -> Sheet {
    cancer().keep("split", |cell| cell == "test").without("split")
}

/// The tests below change one thing each: unchanged, the data are assessed.
#[test]
fn the_unchanged_data_are_fine() {
    let desk = Desk::new();
    let ran = assess(&desk, "a.csv", cancer().csv(), "");
    assert!([0, 1, 3].contains(&ran.code), "{}", ran.stderr);
    let (a, b) = (desk.write("m.csv", members().csv()), desk.write("n.csv", nonmembers().csv()));
    let ran = desk.assess(&two(&a, &b, ""), &[]);
    assert!([0, 1, 3].contains(&ran.code), "{}", ran.stderr);
}

// ------------------------------------------------------------------ files

#[test]
fn missing_files_are_named_with_their_settings_and_lines() {
    let desk = Desk::new();
    let text = "[model]\npath = \"gone.onnx\"\n[data]\nmembers = \"gone.csv\"\nnonmembers = \"lost.parquet\"\n";
    let line = [
        "line 2: `model.path`",
        "gone.onnx",
        "line 4: `data.members`",
        "gone.csv",
        "line 5: `data.nonmembers`",
        "lost.parquet",
    ];
    desk.assess(text, &[]).refuses(&line);
}

#[test]
fn a_folder_is_no_file() {
    let desk = Desk::new();
    fs::create_dir(desk.path("folder.csv")).unwrap();
    desk.assess(&plan(&desk.path("folder.csv"), ""), &[]).refuses(&["data.records", "folder.csv"]);
    desk.assess_file(&desk.path("folder.csv"), &[]).refuses(&["folder.csv"]);
}

#[test]
fn what_is_not_onnx_is_refused() {
    let desk = Desk::new();
    let table = desk.write("a.csv", cancer().csv());
    for (name, content) in
        [("text.onnx", &b"this is a text and no model"[..]), ("empty.onnx", b""), ("zip.onnx", b"PK\x03\x04junk")]
    {
        let model = desk.write(name, content);
        desk.assess(&records_plan(&model, "", &table, "target", ""), &[]).refuses(&[name, "ONNX"]);
    }
}

#[test]
fn a_truncated_model_is_refused_wherever_it_is_cut() {
    let desk = Desk::new();
    let table = desk.write("a.csv", cancer().csv());
    let whole = fs::read(shape_model("tensor")).unwrap();
    for cut in [1, whole.len() / 4, whole.len() / 2, whole.len() * 3 / 4, whole.len() - 40, whole.len() - 1] {
        let model = desk.write("cut.onnx", &whole[..cut]);
        desk.assess(&records_plan(&model, "", &table, "target", ""), &[]).refuses(&["cut.onnx"]);
    }
}

/// Any byte of a model may be wrong: never a panic, never a hang.
#[test]
fn a_damaged_model_is_no_panic() {
    let desk = Desk::new();
    let table = desk.write("a.csv", cancer().csv());
    let whole = fs::read(shape_model("tensor")).unwrap();
    for at in (0..whole.len()).step_by(97) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0xA5;
        let model = desk.write("damaged.onnx", bytes);
        let ran = desk.assess(&records_plan(&model, "", &table, "target", ""), &["-q"]);
        assert!([0, 1, 2, 3].contains(&ran.code), "byte {at}: {} {}", ran.code, ran.stderr);
    }
}

#[test]
fn an_unknown_ending_is_refused() {
    assess(&Desk::new(), "a.xlsx", "PK", "").refuses(&["a.xlsx", "CSV or Parquet"]);
}

#[test]
fn empty_files_are_refused() {
    let desk = Desk::new();
    assess(&desk, "empty.csv", "", "").refuses(&["empty.csv"]);
    assess(&desk, "blank.csv", "\n\n", "").refuses(&[]);
    assess(&desk, "bom.csv", b"\xEF\xBB\xBF", "").refuses(&["bom.csv"]);
    assess(&desk, "empty.parquet", "", "").refuses(&["empty.parquet"]);
    let header = cancer().keep("split", |_| false).csv();
    assess(&desk, "header.csv", header, "").refuses(&["no record"]);
}

#[test]
fn text_that_is_not_utf_8_is_refused_with_its_line() {
    let desk = Desk::new();
    let mut bytes =
        cancer().fill("note", |row| if row == 4 { "M@ller".to_owned() } else { "x".to_owned() }).csv().into_bytes();
    bytes.iter_mut().filter(|byte| **byte == b'@').for_each(|byte| *byte = 0xFC);
    assess(&desk, "latin1.csv", bytes, "").refuses(&["latin1.csv", "line 6", "not UTF-8", "iconv"]);
    let wide: Vec<u8> =
        std::iter::once(0xFEFF).chain(cancer().csv().encode_utf16()).flat_map(u16::to_le_bytes).collect();
    assess(&desk, "utf16.csv", wide, "").refuses(&["utf16.csv", "not UTF-8"]);
}

#[test]
fn a_ragged_row_is_refused_with_its_line() {
    let desk = Desk::new();
    for (name, cells) in [("short.csv", "1,2,3"), ("long.csv", &"1,".repeat(40))] {
        let mut lines: Vec<String> = cancer().csv().lines().map(str::to_owned).collect();
        lines[7] = cells.to_owned();
        assess(&desk, name, lines.join("\n"), "").refuses(&[name, "line 8", "the header has 32", "separator"]);
    }
}

#[test]
fn duplicate_columns_are_refused() {
    let sheet = cancer().rename("mean_texture", "mean_radius");
    assess(&Desk::new(), "twice.csv", sheet.csv(), "").refuses(&["twice.csv", "have the same name", "rename"]);
}

// ------------------------------------------------------------------ columns and labels

#[test]
fn absent_columns_are_named() {
    let desk = Desk::new();
    let file = desk.write("a.csv", cancer().csv());
    for (key, rest) in [
        ("columns.identifiers", "[columns]\nidentifiers = [\"nobody\"]"),
        ("columns.quasi_identifiers", "[columns]\nquasi_identifiers = [\"nobody\"]"),
        ("columns.sensitive", "[columns]\nsensitive = [\"nobody\"]"),
        ("columns.leave_out", "[columns]\nleave_out = [\"nobody\"]"),
        ("columns.types", "[columns.types]\nnobody = \"text\""),
        ("data.patient", "patient = \"nobody\""),
    ] {
        desk.assess(&plan(&file, rest), &[]).refuses(&[key, "`nobody`"]);
    }
    let wrong_target = records_plan(&shape_model("tensor"), "", &file, "Target", "");
    desk.assess(&wrong_target, &[]).refuses(&["data.target", "did you mean `target`?"]);
    desk.assess(&plan(&file, "").replace("split = \"split\"", "split = \"set\""), &[])
        .refuses(&["data.split", "`set`"]);
    let narrow = desk.write("narrow.csv", cancer().without("mean_area").csv());
    desk.assess(&plan(&narrow, ""), &[]).refuses(&["takes 30 features, the data have 29", "[model] features"]);
    let (a, b) = (desk.write("m.csv", members().csv()), desk.write("n.csv", nonmembers().without("mean_area").csv()));
    desk.assess(&two(&a, &b, ""), &[]).refuses(&["`mean_area`", "the non-member file"]);
}

#[test]
fn a_column_of_the_wrong_type_is_named() {
    let desk = Desk::new();
    assess(&desk, "a.csv", cancer().set(3, "mean_area", "large").csv(), "").refuses(&["`mean_area`", "text"]);
    let typed = "[columns.types]\nmean_area = \"integer\"";
    assess(&desk, "b.csv", cancer().csv(), typed).refuses(&["`mean_area` cannot be read as integer", "columns.types"]);
    let adult = desk.write("c.csv", Sheet::shape("adult").set(5, "age", "39.5").csv());
    let model = shape_model("columns_zipmap_string");
    desk.assess(&records_plan(&model, "", &adult, "income", ""), &[]).refuses(&["`age`", "int64"]);
    let missing = desk.write("d.csv", Sheet::shape("adult").set(5, "age", "").csv());
    desk.assess(&records_plan(&model, "", &missing, "income", ""), &[])
        .refuses(&["`age` has missing cells", "no missing value"]);
}

#[test]
fn a_label_that_the_model_never_saw_is_refused() {
    let desk = Desk::new();
    assess(&desk, "a.csv", cancer().set(3, "target", "2").csv(), "").refuses(&[
        "label",
        "none of the model's 2 classes",
        "[model] classes",
    ]);
    let words =
        Sheet::shape("adult").fill("income", |row| if row % 3 == 0 { "rich".to_owned() } else { "poor".to_owned() });
    let file = desk.write("b.csv", words.csv());
    let plan = records_plan(&shape_model("columns_zipmap_string"), "", &file, "income", "");
    desk.assess(&plan, &[]).refuses(&["none of the model's 2 classes"]);
}

#[test]
fn a_missing_label_is_located() {
    let sheet = cancer().set(4, "target", ""); // every second row is a member: row 4 is the third
    assess(&Desk::new(), "a.csv", sheet.csv(), "").refuses(&["target is missing", "member record 3"]);
}

#[test]
fn one_class_only_is_refused() {
    assess(&Desk::new(), "a.csv", cancer().fill("target", |_| "1".to_owned()).csv(), "")
        .refuses(&["one class only", "[data] target"]);
}

#[test]
fn answers_that_are_no_numbers_are_refused() {
    let desk = Desk::new();
    let file = desk.write("a.csv", Sheet::shape("wine").csv());
    desk.assess(&records_plan(&shape_model("nan_probability"), "", &file, "target", ""), &[])
        .refuses(&["`not a number`"]);
}

/// A model that is told to be far better than it is on these data is fed with something else than its owner fed it.
#[test]
fn an_accuracy_far_from_the_stated_one_stops_the_run() {
    let desk = Desk::new();
    let flipped = cancer().rows.iter().map(|row| if row[30] == "1" { "0" } else { "1" }.to_owned()).collect::<Vec<_>>();
    let file = desk.write("a.csv", cancer().fill("target", |row| flipped[row].clone()).csv());
    let stated = records_plan(&shape_model("tensor"), "accuracy = 0.98", &file, "target", "");
    desk.assess(&stated, &[]).refuses(&["98.0 %", "not what the model expects", "[model] accuracy"]);
}

// ------------------------------------------------------------------ targets of several columns

/// A plan for one of the models of several labels or times.
fn of_task(model: &str, extra: &str, records: &Path, target: &str, rest: &str) -> String {
    tasks::plan(model, extra, records, target) + rest
}

#[test]
fn a_target_that_does_not_fit_the_task_is_refused_with_its_line() {
    let desk = Desk::new();
    let flags = desk.write("flags.csv", Sheet::shape("flags").csv());
    for (extra, target, says) in [
        ("task = \"multi-label\"", "\"cough\"", ["`data.target` names one column", "target = [\"a\", \"b\"]"]),
        ("task = \"multi-label\"", "[\"cough\"]", ["is a list of 1 columns", "two labels or more"]),
        ("", "[\"cough\", \"fever\", \"cough\"]", ["lists `cough` twice", "once"]),
        ("task = \"classification\"", tasks::FLAGS, ["`data.target` lists labels", "make the two agree"]),
        ("task = \"survival\"", tasks::FLAGS, ["`data.target` lists labels", "make the two agree"]),
        ("task = \"survival\"", "\"cough\"", ["names no time and event", "time = \"days\""]),
        ("task = \"regression\"", tasks::SURVIVAL, ["names time and event", "make the two agree"]),
        ("", "{ time = \"days\" }", ["`data.target` must be", "event ="]),
        ("", "3", ["`data.target` must be", "a list of label columns"]),
    ] {
        let ran = desk.assess(&of_task("flags_overfit", extra, &flags, target, ""), &[]).refuses(&says);
        assert!(ran.stderr.contains("line 9: "), "{}", ran.stderr);
    }
    for times in ["[1]", "[2, 1]", "[-1, 2]", "[1, \"2\"]", "\"1, 2\""] {
        let plan = of_task("survival_curve", &format!("times = {times}"), &flags, tasks::SURVIVAL, "");
        desk.assess(&plan, &[]).refuses(&["line 3: `model.times`", "ascending"]);
    }
}

#[test]
fn labels_and_events_other_than_one_and_zero_are_located() {
    let desk = Desk::new();
    let flags = |sheet: Sheet| desk.write("flags.csv", sheet.csv());
    let plan = |file: &Path, target: &str| of_task("flags_overfit", "", file, target, "");
    for cell in ["2", "yes", "0.5"] {
        let file = flags(Sheet::shape("flags").set(4, "fever", cell)); // every second row is a member
        desk.assess(&plan(&file, tasks::FLAGS), &[]).refuses(&[
            "`fever`",
            "1 and 0",
            "member record 3",
            "[data] target",
        ]);
    }
    let file = flags(Sheet::shape("flags").set(4, "fever", ""));
    desk.assess(&plan(&file, tasks::FLAGS), &[]).refuses(&["target is missing", "member record 3"]);
    let file = flags(Sheet::shape("flags"));
    desk.assess(&plan(&file, "[\"cough\", \"fevr\", \"rash\"]"), &[]).refuses(&["data.target", "`fevr`", "header"]);
    let survival = |sheet: Sheet| {
        let file = desk.write("survival.csv", sheet.csv());
        desk.assess(&of_task("survival_overfit", "", &file, tasks::SURVIVAL, ""), &[])
    };
    let sheet = || Sheet::shape("survival");
    survival(sheet().set(5, "died", "2")).refuses(&["`died`", "1 and 0", "non-member record 3"]);
    survival(sheet().set(5, "days", "-3")).refuses(&["`days`", "below zero", "non-member record 3"]);
    survival(sheet().set(5, "days", "")).refuses(&["target is missing", "non-member record 3"]);
    survival(sheet().set(5, "days", "2001-02-03")).refuses(&["`days`", "times are numbers", "not as dates"]);
    survival(sheet().fill("died", |_| "0".to_owned())).refuses(&["no record has the event", "`event`"]);
    survival(sheet().without("died")).refuses(&["data.target", "`died`"]);
}

#[test]
fn outputs_of_another_width_than_the_target_are_named() {
    let desk = Desk::new();
    let flags = desk.write("flags.csv", Sheet::shape("flags").csv());
    let survival = desk.write("survival.csv", Sheet::shape("survival").csv());
    let without = "[columns]\nleave_out = [\"rash\"]\n";
    for model in ["flags_overfit", "flags_regularised"] {
        let plan = of_task(model, "", &flags, "[\"cough\", \"fever\"]", without);
        desk.assess(&plan, &[]).refuses(&["lists 2 labels", "other widths", "[data] target", "[model] scores"]);
    }
    for (model, extra, says) in [
        ("survival_curve", "", ["`survival` has 6 columns", "[model] times"]),
        ("survival_curve", "times = [1, 2]", ["lists 2 times", "6 columns"]),
        ("survival_overfit", "times = [1, 2]", ["lists 2 times", "leave `times` out"]),
    ] {
        desk.assess(&of_task(model, extra, &survival, tasks::SURVIVAL, ""), &[]).refuses(&says);
    }
    // Scores that add up to 1 are those of classes that exclude each other.
    let wine = Sheet::shape("wine").fill("a", |row| (row % 2).to_string()).fill("b", |row| (row % 3 / 2).to_string());
    let wine = desk.write("wine.csv", wine.fill("c", |_| "0".to_owned()).without("target").csv());
    let plan = of_task("softmax_batch1", "", &wine, "[\"a\", \"b\", \"c\"]", "");
    desk.assess(&plan, &[]).refuses(&["add up to 1", "[model] task"]);
}

// ------------------------------------------------------------------ the split

#[test]
fn an_empty_split_is_refused() {
    let desk = Desk::new();
    let file = desk.write("a.csv", cancer().csv());
    for (from, to, set) in [("\"train\"", "\"Train\"", "member set"), ("\"test\"", "\"holdout\"", "non-member set")] {
        desk.assess(&plan(&file, "").replace(from, to), &[]).refuses(&[set, "no record"]);
    }
}

#[test]
fn the_same_file_twice_is_refused() {
    let desk = Desk::new();
    let (a, copy) = (desk.write("m.csv", members().csv()), desk.write("copy.csv", members().csv()));
    desk.assess(&two(&a, &a, ""), &[]).refuses(&["same file", "[data] nonmembers"]);
    desk.assess(&two(&a, &copy, ""), &[]).refuses(&["same file", "[data] nonmembers"]);
}

/// The same records in another order or encoding: there is nothing to compare, and nothing passes.
#[test]
fn the_same_records_in_another_form_are_refused() {
    let desk = Desk::new();
    let members = members();
    let file = desk.write("m.csv", members.csv());
    let mut reversed = members.clone();
    reversed.rows.reverse();
    let quoted_cells = format!("\"{}\"\r\n", members.csv().trim_end().replace(',', "\";\"").replace('\n', "\"\r\n\""));
    for form in [desk.write("reversed.csv", reversed.csv()), desk.write("quoted.csv", quoted_cells)] {
        desk.assess(&two(&file, &form, ""), &[]).refuses(&["the same records", "not trained on"]);
    }
    // A Parquet file of texts beside a CSV of numbers is refused for its types before its records are compared.
    let parquet = write_parquet(&desk, "same.parquet", &members);
    assert_eq!(desk.assess(&two(&file, &parquet, ""), &["-q"]).code, 2);
}

/// A sheet of numbers as a Parquet file of floats and an integer target.
pub(crate) fn write_parquet(desk: &Desk, name: &str, sheet: &Sheet) -> std::path::PathBuf {
    let column = |at: usize| -> ArrayRef {
        let cells = || sheet.rows.iter().map(move |row| row[at].as_str());
        if sheet.header[at] == "target" {
            return Arc::new(cells().map(|cell| cell.parse::<i64>().unwrap()).collect::<arrow_array::Int64Array>());
        }
        match cells().map(str::parse::<f64>).collect::<Result<Vec<f64>, _>>() {
            Ok(numbers) => Arc::new(arrow_array::Float64Array::from(numbers)),
            Err(_) => Arc::new(cells().map(Some).collect::<StringArray>()),
        }
    };
    let columns = sheet.header.iter().enumerate().map(|(at, name)| (name.clone(), column(at)));
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let file = fs::File::create(desk.path(name)).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    desk.path(name)
}

// ------------------------------------------------------------------ plans

#[test]
fn five_mistakes_are_reported_in_one_go() {
    let text = "[assessment]\nnmae = \"x\"\nseed = -1\n[model]\npath = \"none.onnx\"\n[limits]\n\"membership/auk\" = 0.5\n\
                [checks.\"membership/threshold\"]\nenabled = false\n";
    let ran = Desk::new().assess(text, &[]).refuses(&["plan.toml", "5 mistakes"]);
    let lines: Vec<&str> = ran.stderr.lines().filter_map(|line| line.trim_start().strip_prefix("line ")).collect();
    let numbers: Vec<&str> = lines.iter().map(|line| line.split(':').next().unwrap()).collect();
    assert_eq!(numbers, ["2", "3", "5", "7", "8"], "{}", ran.stderr);
    assert!(
        lines.iter().all(|line| line.split_once("; ").is_some_and(|(_, help)| !help.is_empty())),
        "each has a remedy"
    );
    for part in ["nmae", "known here: name", "seed", "none.onnx", "membership/auk", "reason"] {
        assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
    }
}

#[test]
fn plans_that_are_no_plans_are_refused() {
    let desk = Desk::new();
    for text in ["this is no plan", "", "[model]\n", "[data]\ntarget = \"x\"\n", "[model\npath = 1", "model = 3\n"] {
        desk.assess(text, &[]).refuses(&["plan.toml"]);
    }
    let binary: Vec<u8> = (0..=255).cycle().take(5000).collect();
    let plan = desk.write("binary.toml", binary);
    desk.assess_file(&plan, &[]).refuses(&["binary.toml"]);
}

#[test]
fn settings_of_the_wrong_type_are_refused() {
    let desk = Desk::new();
    let file = desk.write("a.csv", cancer().csv());
    for (setting, line) in [
        ("data.separator", "separator = \"ab\""),
        ("data.missing", "missing = \"?\""),
        ("data.max_bytes", "max_bytes = \"1 GB\""),
        ("policy.undetermined", "[policy]\nundetermined = \"pass\""),
        ("policy.profile", "[policy]\nprofile = \"gdpr\""),
        ("columns.types.target", "[columns.types]\ntarget = \"date\""),
        ("limits.membership/auc", "[limits]\n\"membership/auc\" = \"low\""),
    ] {
        desk.assess(&plan(&file, line), &[]).refuses(&[setting]);
    }
}

// ------------------------------------------------------------------ ONNX Runtime

#[test]
fn no_onnx_runtime_names_the_remedies() {
    let desk = Desk::new();
    let file = desk.write("a.csv", cancer().csv());
    let remedies = ["--onnxruntime", "ORT_DYLIB_PATH", "pip install onnxruntime"];
    let ran = desk.assess(&plan(&file, ""), &["--onnxruntime", "/nonexistent/libonnxruntime.so"]).refuses(&remedies);
    assert!(ran.stderr.contains("/nonexistent/libonnxruntime.so"), "{}", ran.stderr);
    let text = desk.write("libonnxruntime.so", "a text");
    let plan = desk.write("plan.toml", plan(&file, ""));
    let mut command = desk.privet();
    command.env("ORT_DYLIB_PATH", &text).arg("assess").arg(&plan).arg("--out").arg(desk.path("out"));
    crate::support::finish(&mut command).refuses(&remedies).says(&["libonnxruntime.so", "is no ONNX Runtime"]);
}
