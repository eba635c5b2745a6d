//! The canary test: no cell of the data is in any output, log, error or temporary file.
//!
//! Texts, numbers and dates that occur nowhere else are planted in every place a cell can have; then privet runs well and
//! badly, as talkative as it gets, and everything it wrote is searched. Column names, missing markers and class names that
//! the plan's author wrote are not cells and are not planted.

use std::fs;
use std::path::{Path, PathBuf};

use privet::digest::Digest;
use privet::model::contents::Contents;

use crate::support::{
    Desk, Ran, Sheet, finish, npy, npz, proto, quoted, records_plan, repo, shape_model, with_constant, with_metadata,
};
use crate::tasks;

const TEXT: &str = "CANARY7f3aQx";
const NUMBER: &str = "918273645.25";
const WHOLE: &str = "73519264";
const DATE: &str = "1907-03-14";

/// What a planted cell could look like after rounding, grouping, casing, or as days since 1970.
const TRACES: [&str; 13] = [
    "canary", "7f3aqx", "918273", "918,273", "918 273", "9.18e8", "9.1827", "9.183e8", "7351926", "73,519", "7.35e7",
    "1907-03", "-22939",
];

#[track_caller]
fn clean(what: &str, text: &str) {
    let lower = text.to_lowercase();
    for trace in TRACES {
        if let Some((before, after)) = lower.split_once(trace) {
            let before: String = before.chars().rev().take(60).collect::<Vec<_>>().into_iter().rev().collect();
            let after: String = after.chars().take(60).collect();
            panic!("{what} holds `{trace}`: ...{before}{trace}{after}...");
        }
    }
}

/// Every file under a folder.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

/// The user's own program may print what it likes, into a file that nobody else may read.
fn is_log_of_a_training(file: &Path) -> bool {
    let is_log = file.extension().is_some_and(|ending| ending == "log")
        && file.parent().is_some_and(|folder| folder.ends_with(".privet/references"));
    #[cfg(unix)]
    if is_log {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600, "{}", file.display());
    }
    is_log
}

/// A desk whose input files are known, so that everything else on it was written by the program.
struct Cage {
    desk: Desk,
    inputs: Vec<PathBuf>,
}

impl Cage {
    fn new() -> Self {
        Self { desk: Desk::new(), inputs: Vec::new() }
    }

    fn put(&mut self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.desk.write(name, content);
        self.inputs.push(path.clone());
        path
    }

    /// Runs with these arguments, as talkative as it gets, and searches everything that comes out.
    #[track_caller]
    fn run(&mut self, what: &str, plan: &str, arguments: &[&str]) -> Ran {
        let plan = self.put("plan.toml", plan);
        let mut command = self.desk.privet();
        for (name, value) in [("RUST_BACKTRACE", "full"), ("RUST_LOG", "trace"), ("ORT_LOG", "trace")] {
            command.env(name, value);
        }
        let ran = finish(command.arg("assess").arg(&plan).arg("--out").arg(self.desk.path("out")).args(arguments));
        clean(&format!("{what}: standard output"), &ran.stdout);
        clean(&format!("{what}: standard error"), &ran.stderr);
        let mut written = Vec::new();
        files(&self.desk.path(""), &mut written);
        for file in written.iter().filter(|file| !self.inputs.contains(file) && !is_log_of_a_training(file)) {
            clean(&format!("{what}: {}", file.display()), &String::from_utf8_lossy(&fs::read(file).unwrap()));
            clean(&format!("{what}: a file name"), &file.file_name().unwrap().to_string_lossy());
        }
        ran
    }

    /// Runs any command and searches everything that comes out, but for files that have to hold records.
    #[track_caller]
    fn command(&mut self, what: &str, arguments: &[&str]) -> Ran {
        // The commands are about canaries: the word alone is no trace, the planted text goes on with a 7.
        let search = |what: String, text: &str| {
            let text = text
                .to_lowercase()
                .replace("canary7", "<planted>")
                .replace("canary", "")
                .replace("<planted>", "canary7");
            clean(&what, &text);
        };
        let ran = self.desk.run(arguments);
        search(format!("{what}: standard output"), &ran.stdout);
        search(format!("{what}: standard error"), &ran.stderr);
        let mut written = Vec::new();
        files(&self.desk.path(""), &mut written);
        let with_rows = |file: &Path| file.ends_with("include.csv") || file.ends_with("canaries.csv");
        for file in written.iter().filter(|file| !self.inputs.contains(file) && !with_rows(file)) {
            search(format!("{what}: {}", file.display()), &String::from_utf8_lossy(&fs::read(file).unwrap()));
        }
        ran
    }

    /// A run that must fail on its input.
    #[track_caller]
    fn fails(&mut self, what: &str, plan: &str) {
        for arguments in [&["-v"][..], &["--format", "json"]] {
            let ran = self.run(what, plan, arguments);
            assert_eq!(ran.code, 2, "{what}: the error path is taken\n{}{}", ran.stdout, ran.stderr);
        }
    }

    /// A run that must end with a verdict.
    #[track_caller]
    fn succeeds(&mut self, what: &str, plan: &str) {
        for arguments in [&["-v"][..], &["--format", "json"], &["-q"]] {
            let ran = self.run(what, plan, arguments);
            assert!([0, 1, 3].contains(&ran.code), "{what}: {}\n{}", ran.code, ran.stderr);
        }
        assert!(self.desk.report_text().len() > 1000, "{what}: the report that was searched is there");
        assert!(self.desk.html().len() > 1000, "{what}: the page that was searched is there");
    }
}

/// Adult with planted cells wherever they do no harm: identifiers, patients, dates, features of every type, and a rare
/// value of the split column. Every 13th row is planted, so that more than ten people share each.
fn planted() -> Sheet {
    let mut sheet = Sheet::shape("adult");
    for (column, cell) in [("native-country", TEXT), ("workclass", TEXT), ("age", WHOLE), ("hours-per-week", NUMBER)] {
        let at = sheet.column(column);
        sheet.rows.iter_mut().step_by(13).for_each(|row| cell.clone_into(&mut row[at]));
    }
    let split = sheet.column("split");
    sheet.rows.iter_mut().skip(5).step_by(50).for_each(|row| TEXT.clone_into(&mut row[split]));
    sheet
        .fill("record", |row| format!("{TEXT}-{row}"))
        .fill("person", |row| format!("{WHOLE}{}", row / 2))
        .fill("born", |row| if row % 3 == 0 { DATE.to_owned() } else { format!("{DATE}T{row}") })
        .fill("weight", |row| format!("{NUMBER}{row}"))
}

const ROLES: &str = "patient = \"person\"\n[columns]\nidentifiers = [\"record\"]\n\
                     quasi_identifiers = [\"age\", \"native-country\", \"born\", \"weight\"]\nsensitive = [\"workclass\", \"native-country\"]";

fn adult_plan(records: &Path, rest: &str) -> String {
    records_plan(&shape_model("columns_zipmap_string"), "", records, "income", rest)
}

#[test]
fn a_trace_is_found() {
    for text in ["x CANARY7F3AQX y", "9.182736e8", "918,273,645", "born 1907-03-14", "73519264"] {
        assert!(std::panic::catch_unwind(|| clean("a text", text)).is_err(), "{text}");
    }
}

// ------------------------------------------------------------------ good runs

#[test]
fn nothing_leaks_from_a_good_run() {
    let mut cage = Cage::new();
    let file = cage.put("data.csv", planted().csv());
    cage.succeeds("a table", &adult_plan(&file, ROLES));
    // Records were inverted within the bounds and texts that are planted, and none of them is in what was searched.
    let report = cage.desk.report();
    let inverted = report["findings"].as_array().unwrap().iter();
    let mut inverted = inverted.filter(|finding| finding["measure"] == "inversion/reconstruction-excess");
    assert!(inverted.any(|finding| finding["estimate"].is_object()), "records are inverted, or the search is idle");
    let sets =
        "[columns.quasi_identifiers]\nclose = [\"age\", \"native-country\"]\nfar = [\"weight\", \"born\", \"record\"]";
    cage.succeeds("named sets", &adult_plan(&file, sets));
    cage.succeeds(
        "data alone",
        &adult_plan(&file, ROLES)
            .split_off("[model]".len())
            .split_once("[data]")
            .map(|(_, rest)| format!("[data]{rest}"))
            .unwrap(),
    );
}

/// A model file that stores records, identifiers and planted texts wherever a file has room for them: what is found is
/// counted, and not shown.
#[test]
fn nothing_leaks_from_what_the_file_stores() {
    let mut cage = Cage::new();
    let sheet = planted();
    let file = cage.put("data.csv", sheet.csv());
    let number = |cell: &str| match cell {
        "true" => Some(1.0),
        "false" => Some(0.0),
        _ => cell.parse::<f32>().ok(),
    };
    let apart = ["record", "person", "split", "income"].map(|name| sheet.column(name));
    let numeric: Vec<usize> = (0..sheet.header.len())
        .filter(|at| !apart.contains(at) && sheet.rows.iter().all(|row| number(&row[*at]).is_some()))
        .collect();
    let split = sheet.column("split");
    let members: Vec<&Vec<String>> = sheet.rows.iter().filter(|row| row[split] == "train").collect();
    let rows: Vec<f32> = members.iter().flat_map(|row| numeric.iter().filter_map(|at| number(&row[*at]))).collect();
    let shape = [members.len() as u64, numeric.len() as u64];
    let said = format!("{TEXT} born {DATE}, MRN {WHOLE}, {TEXT}-7");
    let documented = proto(12, &said);
    let model = with_constant(&shape_model("columns_zipmap_string"), &said, &shape, &rows, &documented);
    let model = with_metadata(&model, &said, &said);
    let graph = [proto(2, &said), proto(10, &said)].concat();
    let model = [model, proto(2, &said), proto(4, &said), proto(6, &said), proto(7, graph)].concat();
    let path = cage.put("model.onnx", &model);
    let plan = records_plan(&path, "", &file, "income", ROLES);
    cage.succeeds("a file that stores records", &plan);
    let report = cage.desk.report();
    for measure in ["disclosure/stored-rows", "disclosure/identifier-strings"] {
        let findings = report["findings"].as_array().unwrap();
        let found = findings.iter().find(|finding| finding["measure"] == measure).unwrap();
        assert!(
            found["estimate"]["value"].as_f64().unwrap() > 0.3,
            "{measure} is found, or the search is idle: {found}"
        );
    }
    // Means with and without the last member: its record follows from both files, and is not shown.
    let width = numeric.len();
    let mean = |members: usize| -> Vec<f32> {
        let sum =
            |at: usize| rows.iter().skip(at).step_by(width).take(members).map(|&cell| f64::from(cell)).sum::<f64>();
        (0..width).map(|at| (sum(at) / members as f64) as f32).collect()
    };
    let with_mean = |members: usize| {
        let model = with_constant(&shape_model("columns_zipmap_string"), "m", &[width as u64], &mean(members), &[]);
        let node = [proto(1, "m"), proto(1, "m"), proto(2, "gone"), proto(4, "Sub")].concat();
        [model, proto(7, proto(1, node))].concat()
    };
    let new = cage.put("new.onnx", with_mean(members.len()));
    let old = cage.put("old.onnx", with_mean(members.len() - 1));
    let previous = format!("previous = {}\n", quoted(&old));
    cage.succeeds("two versions", &records_plan(&new, &previous, &file, "income", ROLES));
    let report = cage.desk.report();
    let findings = report["findings"].as_array().unwrap();
    let found = |measure: &str| findings.iter().find(|finding| finding["measure"] == measure).unwrap();
    let last = found("inversion/informed-reconstruction");
    assert!(last["estimate"]["value"].as_f64().unwrap() > 0.1, "records are worked out, or the search is idle: {last}");
    // The planted numbers are alike in all records, so that the control withdraws what follows of the added one.
    let update = found("inversion/version-difference");
    assert!(update["evidence"].as_array().is_some_and(|tables| !tables.is_empty()), "means changed: {update}");
    let model = path.display().to_string();
    cage.command("inspect", &["inspect", &model]).exits(0);
    let alone = format!("[model]\npath = {}\n", quoted(&path));
    cage.succeeds("the file alone", &alone);
    // Refused: the constant promises more than there is, under a name that nobody should read.
    let bad = with_constant(&path, &said, &[1 << 40], &[918_273_645.25], &[]);
    let path = cage.put("bad.onnx", bad);
    cage.run("a refused file", &records_plan(&path, "", &file, "income", ROLES), &["-v"]);
}

/// Sets that differ: the report names the columns that betray the split, and no level, date or number of them.
#[test]
fn nothing_leaks_from_columns_that_betray_the_split() {
    let mut cage = Cage::new();
    let split = planted().column("split");
    let shifted = planted();
    let member: Vec<bool> = shifted.rows.iter().map(|row| row[split] == "train").collect();
    let often = |row: usize| member[row] != row.is_multiple_of(8);
    let sheet = shifted
        .fill("workclass", |row| if often(row) { TEXT.to_owned() } else { format!("{TEXT}b") })
        .fill("ward", |row| format!("{TEXT}-{}", if often(row) { row % 5 } else { 5 + row % 30 }))
        .fill("seen", |row| if often(row) { DATE.to_owned() } else { format!("1907-03-1{}", 5 + row % 5) })
        .fill("dose", |row| if often(row) { NUMBER.to_owned() } else { String::new() })
        .fill("case", |row| format!("{WHOLE}{}", if member[row] { row } else { 5000 + row }));
    let file = cage.put("data.csv", sheet.csv());
    cage.succeeds("a shifted table", &adult_plan(&file, &ROLES.replace("\"record\"", "\"record\", \"case\"")));
    let report = cage.desk.report_text();
    assert!(report.contains("`ward`") || report.contains("`dose`"), "the columns are named");
    let target = sheet.fill("income", |row| if often(row) { ">50K".to_owned() } else { "<=50K".to_owned() });
    let file = cage.put("data.csv", target.csv());
    cage.succeeds("a shifted outcome", &adult_plan(&file, ROLES));
}

/// The file about single records holds pseudonyms and scores: no cell, row number or identifier, with patients and without, and
/// for a regression, whose residuals are as large as the planted targets.
#[test]
fn nothing_leaks_into_the_file_about_records() {
    let mut cage = Cage::new();
    let file = cage.put("data.csv", planted().csv());
    let adult = adult_plan(&file, ROLES);
    let sheet = Sheet::shape("diabetes");
    let targets: Vec<String> = sheet.rows.iter().map(|row| row[10].clone()).collect();
    let sheet = sheet.fill("target", |row| if row < 12 { NUMBER.to_owned() } else { targets[row].clone() });
    let file = cage.put("numbers.csv", sheet.csv());
    let numbers = records_plan(&shape_model("regression_forest"), "task = \"regression\"", &file, "target", "");
    for (what, plan, name) in [("patients", adult, "people.csv"), ("a regression", numbers, "numbers-people.csv")] {
        let ran = cage.run(what, &plan, &["-v", "--record-evidence", name]);
        assert!([0, 1, 3].contains(&ran.code), "{what}: {}\n{}", ran.code, ran.stderr);
        let text = fs::read_to_string(cage.desk.path(name)).unwrap();
        assert!(text.lines().count() > 100, "{what}: the file that was searched is there");
        // A second request is refused, without a word of what is there.
        let ran = cage.run(what, &plan, &["--record-evidence", name]);
        assert_eq!(ran.code, 2, "{what}: {}", ran.stderr);
    }
}

/// Records are changed and measured again within rules that the plan states: neither a cell nor a changed one is shown, whether
/// the rules are kept, broken by planted cells, or about a column that cannot be changed.
#[test]
fn nothing_leaks_from_rules_about_columns() {
    let mut cage = Cage::new();
    let file = cage.put("data.csv", planted().csv());
    let rules = |rest: &str| adult_plan(&file, &format!("{ROLES}\n[robustness]\n{rest}"));
    let declared = "measurement_error = { age = 2.0 }\ndirection = { age = \"up\" }\nrelations = [\"age >= 1\"]";
    for search in ["auto", "decisions", "both"] {
        let settings = format!("[checks.\"robustness/adversarial\"]\nsearch = \"{search}\"\nqueries = 20000");
        cage.succeeds(search, &rules(&format!("{declared}\n{settings}")));
        let report = cage.desk.report();
        let findings = report["findings"].as_array().unwrap();
        for measure in ["robustness/noise-flip-rate", "robustness/adversarial-flip-rate"] {
            assert!(findings.iter().any(|finding| finding["measure"] == measure), "{measure}, or the search is idle");
        }
    }
    cage.succeeds("planted cells break a bound", &rules("bounds = { age = [0, 120], hours-per-week = [0, 100] }"));
    cage.fails("a rule about texts", &rules("step = { workclass = 2.0 }"));
    cage.fails("a rule about nothing", &rules("step = { absent = 2.0 }"));
    cage.fails("no relation", &rules("relations = [\"age\"]"));
}

/// Values of sensitive columns are what the attack guesses: they are in no table and no sentence.
#[test]
fn nothing_leaks_from_sensitive_columns_of_each_type() {
    let mut cage = Cage::new();
    let file = cage.put("data.csv", planted().csv());
    for column in ["age", "hours-per-week", "workclass", "us-born"] {
        cage.succeeds(column, &adult_plan(&file, &format!("[columns]\nsensitive = [\"{column}\"]")));
    }
}

/// Every form of the attack on attributes: numbers searched at points that are people's, several columns as one attribute,
/// companions filled in from others, attributes that are no input, groups by planted values, and a model of numbers.
#[test]
fn nothing_leaks_from_attacks_on_attributes() {
    let mut cage = Cage::new();
    let half = |row: usize| if row.is_multiple_of(2) { NUMBER.to_owned() } else { format!("{}", row % 90) };
    let sheet = planted()
        .fill("hours-per-week", half)
        .fill("ward", |row| if row % 3 == 0 { TEXT.to_owned() } else { format!("{TEXT}{}", row % 4) });
    let file = cage.put("data.csv", sheet.csv());
    let check = "[checks.\"inversion/attribute-inference\"]\ncandidates = 5\nqueries = 4000\n";
    for (what, sensitive, settings) in [
        ("points", "\"hours-per-week\", \"age\"", ""),
        ("a tolerance", "\"hours-per-week\"", "tolerance = { hours-per-week = 2.5 }\n"),
        ("one attribute of two columns", "\"workclass\"", "one_hot = { home = [\"workclass\", \"native-country\"] }\n"),
        ("unknown companions", "\"workclass\"", "unknown = [\"age\", \"native-country\"]\nfillings = 3\n"),
        ("no input, and groups", "\"ward\", \"born\"", "columns = [\"ward\", \"native-country\"]\n"),
    ] {
        let left = "leave_out = [\"record\", \"person\", \"weight\"]";
        let plan = adult_plan(&file, &format!("[columns]\n{left}\nsensitive = [{sensitive}]\n{check}{settings}"));
        cage.succeeds(what, &plan);
        assert!(cage.desk.report_text().contains("attribute-inference-excess"), "{what}");
    }
    let wrong = format!("[columns]\nsensitive = [\"workclass\"]\n{check}unknown = [\"nowhere\"]\n");
    cage.fails("a column that is not there", &adult_plan(&file, &wrong));
    let sheet = Sheet::shape("diabetes").set(4, "bmi", NUMBER).set(9, "bp", NUMBER);
    let file = cage.put("numbers.csv", sheet.csv());
    let plan = records_plan(
        &shape_model("regression_forest"),
        "task = \"regression\"",
        &file,
        "target",
        "[columns]\nsensitive = [\"bmi\", \"sex\"]",
    );
    cage.succeeds("a model of numbers", &plan);
    assert!(cage.desk.report_text().contains("attribute-inference-excess"), "a regression is attacked");
}

/// Markers that the plan lists are missing cells; the cells beside them stay secret.
#[test]
fn nothing_leaks_beside_missing_markers() {
    let mut cage = Cage::new();
    let sheet = planted().fill("gap", |row| if row % 4 == 0 { "n/k".to_owned() } else { format!("{TEXT}{row}") });
    let file = cage.put("data.csv", sheet.csv());
    cage.succeeds("markers", &adult_plan(&file, "missing = [\"n/k\"]\n[columns]\nquasi_identifiers = [\"gap\"]"));
}

/// A regression: the target is a number of a person, and the errors are as large as the planted ones.
#[test]
fn nothing_leaks_from_a_regression() {
    let mut cage = Cage::new();
    for rows in [1, 12] {
        let sheet = Sheet::shape("diabetes");
        let targets: Vec<String> = sheet.rows.iter().map(|row| row[10].clone()).collect();
        let sheet = sheet.fill("target", |row| if row < rows { NUMBER.to_owned() } else { targets[row].clone() });
        let file = cage.put("data.csv", sheet.csv());
        let plan = records_plan(&shape_model("regression_forest"), "task = \"regression\"", &file, "target", "");
        cage.succeeds(&format!("{rows} planted targets"), &plan);
    }
}

/// Trees whose constants and leaves are planted cells of a member, in a file that names the member: assessed and repaired.
#[test]
fn nothing_leaks_from_trees() {
    let mut cage = Cage::new();
    let sheet = Sheet::shape("diabetes");
    let target = sheet.column("target");
    let (bmi, targets): (Vec<String>, Vec<String>) =
        sheet.rows.iter().map(|row| (row[2].clone(), row[target].clone())).unzip();
    let plant = |row: usize, cells: &[String]| if row < 2 { NUMBER.to_owned() } else { cells[row].clone() };
    let sheet = sheet.fill("bmi", |row| plant(row, &bmi)).fill("target", |row| plant(row, &targets));
    let file = cage.put("data.csv", sheet.csv());
    let (_, contents, mut bytes) = Contents::load(&shape_model("regression_forest")).unwrap();
    let forest = contents.trees()[0].as_ref().unwrap();
    let planted = NUMBER.parse::<f32>().unwrap();
    for old in [forest.splits[0].value as f32, forest.weights(0)[0].value as f32] {
        let old = old.to_le_bytes();
        let places: Vec<usize> =
            bytes.windows(4).enumerate().filter(|(_, four)| *four == old).map(|(at, _)| at).collect();
        assert!(!places.is_empty());
        places.into_iter().for_each(|at| bytes[at..at + 4].copy_from_slice(&planted.to_le_bytes()));
    }
    // Field 6 of a model: its documentation.
    bytes.extend([&[0x32, TEXT.len() as u8], TEXT.as_bytes()].concat());
    let model = cage.put("model.onnx", bytes);
    let rest = "[columns]\nquasi_identifiers = [\"bmi\"]\n[policy]\nprofile = \"cms\"";
    let plan = records_plan(&model, "task = \"regression\"", &file, "target", rest);
    cage.succeeds("planted trees", &plan);
    let plan = cage.put("plan.toml", plan).display().to_string();
    let (model, repaired) = (model.display().to_string(), cage.desk.path("repaired.onnx").display().to_string());
    cage.command("repair", &["repair", &model, "--out", &repaired]).exits(0);
    let measured = cage.desk.path("measured.onnx").display().to_string();
    cage.command("repair with data", &["repair", &model, "--out", &measured, "--plan", &plan]).exits(0);
    cage.command("repair onto a file", &["repair", &model, "--out", &measured]).refuses(&["measured.onnx", "exists"]);
    cage.command("repair onto itself", &["repair", &model, "--out", &model]).refuses(&["is the model itself"]);
}

/// Several labels and survival times: planted features, times and columns beside them, attacked by all that applies, with
/// references and on records filled in from others; and targets that are refused.
#[test]
fn nothing_leaks_from_targets_of_several_columns() {
    let mut cage = Cage::new();
    let planted = |name: &str| {
        let sheet = Sheet::shape(name).set(4, "x1", NUMBER).set(7, "x2", NUMBER);
        sheet.fill("born", |row| if row % 9 == 0 { DATE.to_owned() } else { format!("{TEXT}{row}") })
    };
    let rest = |references: [&str; 2]| {
        let models = references.map(|model| quoted(&shape_model(model))).join(", ");
        format!(
            "[columns]\nidentifiers = [\"born\"]\nquasi_identifiers = [\"x1\", \"x2\"]\n[reference]\nmodels = [{models}]\ndisjoint = true\n"
        )
    };
    let flags = cage.put("flags.csv", planted("flags").csv());
    let references = rest(["flags_overfit", "flags_regularised"]);
    cage.succeeds("labels", &(tasks::plan("flags_overfit", "", &flags, tasks::FLAGS) + &references));
    assert!(cage.desk.report_text().contains("membership/likelihood-ratio-auc"), "the references were used");
    assert!(cage.desk.report_text().contains("membership/partial-record-auc"), "records were filled in");
    let sheet = planted("survival").set(10, "days", NUMBER).set(11, "days", WHOLE);
    let survival = cage.put("survival.csv", sheet.csv());
    let references = rest(["survival_regularised", "survival_overfit"]);
    cage.succeeds("risks", &(tasks::plan("survival_overfit", "", &survival, tasks::SURVIVAL) + &references));
    assert!(cage.desk.report_text().contains("membership/likelihood-ratio-auc"), "the references were used");
    let own = "[columns]\nidentifiers = [\"born\"]\n";
    cage.succeeds("curves", &(tasks::plan("survival_curve", tasks::GRID, &survival, tasks::SURVIVAL) + own));
    for (column, cell) in [("fever", TEXT), ("fever", WHOLE), ("fever", NUMBER), ("fever", "")] {
        let file = cage.put("flags.csv", planted("flags").set(3, column, cell).csv());
        cage.fails("a label", &(tasks::plan("flags_overfit", "", &file, tasks::FLAGS) + own));
    }
    for (column, cell) in [("died", TEXT), ("died", WHOLE), ("days", TEXT), ("days", DATE), ("days", "-918273645.25")] {
        let file = cage.put("survival.csv", planted("survival").set(3, column, cell).csv());
        cage.fails("a time or event", &(tasks::plan("survival_overfit", "", &file, tasks::SURVIVAL) + own));
    }
}

/// A class that few people have is not named, whatever the model says it can tell apart.
#[test]
fn nothing_leaks_from_rare_labels_of_the_data() {
    let mut cage = Cage::new();
    let sheet = Sheet::shape("wine");
    let labels: Vec<String> = sheet.rows.iter().map(|row| row[13].clone()).collect();
    let file = cage
        .put("data.csv", sheet.fill("target", |row| if row < 3 { TEXT.to_owned() } else { labels[row].clone() }).csv());
    for model in ["label_only", "logits", "zipmap_columns", "label_disagrees", "softmax_batch1"] {
        cage.fails(model, &records_plan(&shape_model(model), "", &file, "target", ""));
    }
    cage.run(
        "no model",
        &format!(
            "[data]\n{}",
            records_plan(&shape_model("logits"), "", &file, "target", "").split_once("[data]\n").unwrap().1
        ),
        &["-v"],
    );
}

/// Attacks that ask about changed records: copies with noise and records filled in from others, on all records and on
/// a sample, with and without patients, and on a model that names a class only.
#[test]
fn nothing_leaks_from_changed_records() {
    let mut cage = Cage::new();
    let file = cage.put("data.csv", planted().csv());
    let strong = "[checks.\"membership/label-only\"]\nqueries = 30\nflip = 0.5\nnoise = 5.0\n";
    let sample = "[checks.\"membership/label-only\"]\nmost_rows = 15\nqueries = 30\n\
                  [checks.\"membership/partial-record\"]\nmost_rows = 15\n";
    let far = "[columns]\nquasi_identifiers = [\"weight\", \"native-country\", \"hours-per-week\", \"workclass\"]";
    for (what, rest) in [
        ("strong noise", format!("{ROLES}\n{strong}")),
        ("a sample", format!("{ROLES}\n{sample}")),
        ("other columns", format!("{far}\n{strong}")),
    ] {
        cage.succeeds(what, &adult_plan(&file, &rest));
        let report = cage.desk.report_text();
        for measure in ["tail-tnr", "label-only-auc", "partial-record-auc"] {
            assert!(report.contains(&format!("\"measure\": \"membership/{measure}\"")), "{what}: {measure} is there");
        }
    }
    let sheet = Sheet::shape("wine");
    let file = cage.put("wine.csv", sheet.set(4, "alcohol", NUMBER).set(6, "proline", NUMBER).csv());
    let known = "[columns]\nquasi_identifiers = [\"alcohol\", \"proline\"]";
    for model in ["label_only", "logits"] {
        cage.succeeds(model, &records_plan(&shape_model(model), "", &file, "target", known));
    }
    let file = cage.put("gaps.csv", planted().set(3, "native-country", "").set(8, "workclass", "").csv());
    cage.run("gaps", &adult_plan(&file, ROLES), &["-v"]);
}

// ------------------------------------------------------------------ errors

#[test]
fn nothing_leaks_from_columns_of_the_wrong_type() {
    let mut cage = Cage::new();
    for (column, cell) in [
        ("age", TEXT),
        ("age", NUMBER),
        ("age", DATE),
        ("age", ""),
        ("education-num", TEXT),
        ("capital-gain", TEXT),
        ("capital-gain", DATE),
        ("us-born", TEXT),
        ("us-born", NUMBER),
    ] {
        let file = cage.put("data.csv", planted().set(0, column, cell).csv());
        cage.fails(&format!("`{column}`"), &adult_plan(&file, ROLES));
    }
    let file = cage.put("data.csv", planted().csv());
    for (column, kind) in
        [("record", "integer"), ("born", "float"), ("native-country", "bool"), ("weight", "integer"), ("age", "bool")]
    {
        cage.fails(
            &format!("`{column}` as {kind}"),
            &adult_plan(&file, &format!("[columns.types]\n{column} = \"{kind}\"")),
        );
    }
    let numbers = planted().set(7, "workclass", "1.5").rename("workclass", "old").rename("weight", "workclass");
    let file = cage.put("data.csv", numbers.csv());
    cage.fails("numbers for text", &adult_plan(&file, ""));
}

#[test]
fn nothing_leaks_from_labels() {
    let mut cage = Cage::new();
    for cell in [TEXT, NUMBER, WHOLE, DATE, ""] {
        let file = cage.put("data.csv", planted().set(2, "income", cell).csv());
        cage.fails(&format!("the label `{cell}`"), &adult_plan(&file, ROLES));
        let file = cage.put("data.csv", planted().fill("income", |_| cell.to_owned()).csv());
        cage.fails(&format!("only the label `{cell}`"), &adult_plan(&file, ROLES));
    }
    for target in ["record", "person", "born", "weight", "age"] {
        let file = cage.put("data.csv", planted().csv());
        cage.fails(
            &format!("`{target}` as the target"),
            &records_plan(&shape_model("columns_zipmap_string"), "", &file, target, ""),
        );
    }
    let sheet = Sheet::shape("cancer");
    let file = cage.put("words.csv", sheet.fill("target", |row| format!("{TEXT}{}", row % 2)).csv());
    for model in ["sigmoid", "tensor", "zipmap_int", "logit"] {
        cage.fails(model, &records_plan(&shape_model(model), "", &file, "target", ""));
    }
}

#[test]
fn nothing_leaks_from_the_split() {
    let mut cage = Cage::new();
    let file = cage.put("data.csv", planted().csv());
    let plan = adult_plan(&file, ROLES);
    cage.fails("no members", &plan.replace("\"train\"", "\"learn\""));
    cage.fails("no split column", &plan.replace("split = \"split\"", "split = \"sets\""));
    cage.fails("a column of ids", &plan.replace("split = \"split\"", "split = \"record\""));
    let same = cage.put("same.csv", planted().without("split").csv());
    let two = |target: &str| {
        format!(
            "[model]\npath = {}\n[data]\nmembers = {}\nnonmembers = {}\ntarget = \"{target}\"\n",
            quoted(&shape_model("columns_zipmap_string")),
            quoted(&same),
            quoted(&file)
        )
    };
    cage.run("overlap", &two("income"), &["-v"]);
    let other = cage.put("other.csv", planted().without("split").rename("age", "alter").csv());
    cage.fails("another column", &two("income").replace(&quoted(&file), &quoted(&other)));
}

#[test]
fn nothing_leaks_from_damaged_text() {
    let mut cage = Cage::new();
    let good = planted().csv();
    let mut lines: Vec<String> = good.lines().map(str::to_owned).collect();
    lines[9] = format!("{TEXT},{NUMBER},{WHOLE}");
    let ragged = lines.join("\n");
    let mut latin = good.clone().into_bytes();
    let at = good.match_indices(TEXT).nth(30).unwrap().0;
    latin[at + 3] = 0xE9;
    let quote = good.replacen(TEXT, &format!("\"{TEXT}"), 1);
    let null = good.replacen(TEXT, &format!("\0{TEXT}\u{1b}[31m"), 1);
    let wide: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (what, content) in
        [("ragged", ragged.into_bytes()), ("Latin-1", latin), ("an open quote", quote.into_bytes()), ("UTF-16", wide)]
    {
        let file = cage.put("data.csv", content);
        cage.fails(what, &adult_plan(&file, ROLES));
    }
    let file = cage.put("data.csv", null);
    cage.run("control characters", &adult_plan(&file, ROLES), &["-v"]);
    let file = cage.put("data.csv", &good);
    cage.fails("another separator", &adult_plan(&file, &format!("separator = \";\"\n{ROLES}")));
    cage.fails("too large", &adult_plan(&file, &format!("max_bytes = 100\n{ROLES}")));
    let model = cage.put("model.onnx", good.as_bytes());
    cage.fails("data as the model", &records_plan(&model, "", &file, "income", ""));
    let shown = cage.desk.privet().arg("inspect").arg(&model).output().unwrap();
    clean("inspect of data", &String::from_utf8_lossy(&[shown.stdout, shown.stderr].concat()));
    for name in ["data.parquet", "data.npy", "data.npz", "data.xlsx"] {
        let disguised = cage.put(name, &good);
        cage.fails(name, &adult_plan(&disguised, ROLES));
    }
}

/// Without a header the first record stands where names are expected, and names are shown: but not those nobody wrote.
#[test]
fn nothing_leaks_from_a_table_without_a_header() {
    let mut cage = Cage::new();
    let sheet = planted();
    for first in [0, 1, 13] {
        let rows: Vec<String> = sheet.rows[first..].iter().map(|row| row.join(",")).collect();
        let file = cage.put("data.csv", rows.join("\n"));
        cage.fails(&format!("no header, from row {first}"), &adult_plan(&file, ROLES));
    }
    // A setting that is part of a cell: the closest name is a cell.
    let file = cage.put("one.csv", format!("{TEXT}-income,a,b\n1,2,3\n4,5,6\n"));
    cage.fails("a close name", &adult_plan(&file, "").replace("split = \"split\"", "split = \"income\""));
}

/// A plan file that is really the data: a mix-up on the command line.
#[test]
fn nothing_leaks_when_the_data_are_taken_for_the_plan() {
    let mut cage = Cage::new();
    let headless = planted().csv().split_once('\n').unwrap().1.to_owned();
    for text in [
        planted().csv(),
        headless,
        format!("{TEXT} = \n"),
        format!("[data]\nmembers = {DATE}\nnonmembers = {NUMBER}\n"),
    ] {
        cage.fails("data as the plan", &text);
    }
}

#[test]
fn nothing_leaks_from_damaged_parquet() {
    let mut cage = Cage::new();
    let whole = parquet(&planted());
    let file = cage.put("whole.parquet", &whole);
    cage.run("Parquet", &adult_plan(&file, ROLES), &["-v"]);
    for cut in [whole.len() / 3, whole.len() - 9] {
        let file = cage.put("cut.parquet", &whole[..cut]);
        cage.fails("cut Parquet", &adult_plan(&file, ROLES));
    }
    for at in (4..whole.len()).step_by(whole.len() / 25) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x3C;
        let file = cage.put("bent.parquet", bytes);
        cage.run("bent Parquet", &adult_plan(&file, ROLES), &["-v"]);
    }
}

/// A sheet as a Parquet file of texts: every number arrives with the wrong type.
fn parquet(sheet: &Sheet) -> Vec<u8> {
    let column = |at: usize| -> arrow_array::ArrayRef {
        std::sync::Arc::new(sheet.rows.iter().map(|row| Some(row[at].as_str())).collect::<arrow_array::StringArray>())
    };
    let columns = sheet.header.iter().enumerate().map(|(at, name)| (name.clone(), column(at)));
    let batch = arrow_array::RecordBatch::try_from_iter(columns).unwrap();
    let mut bytes = Vec::new();
    let mut writer = parquet::arrow::ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

/// Tensors: a planted pixel and a planted label.
#[test]
fn nothing_leaks_from_tensors() {
    let mut cage = Cage::new();
    let rows = 40_u8;
    let cells = || 0..u16::from(rows) * 64;
    let pixels: Vec<u8> =
        cells().flat_map(|i| if i % 97 == 0 { 918_273_645.25_f32 } else { f32::from(i % 17) }.to_le_bytes()).collect();
    let other: Vec<u8> = cells().flat_map(|i| f32::from(i % 13).to_le_bytes()).collect();
    let labels = |odd: i64| {
        (0..rows).flat_map(|i| (if i == 7 { odd } else { i64::from(i % 10) }).to_le_bytes()).collect::<Vec<u8>>()
    };
    let archive = |pixels: &[u8], odd: i64| {
        npz(&[
            ("images", npy("<f4", &[rows.into(), 8, 8], pixels)),
            ("labels", npy("<i8", &[rows.into()], &labels(odd))),
        ])
    };
    let nonmembers = cage.put("nonmembers.npz", archive(&other, 3));
    let plan = |members: &Path| {
        let model = shape_model("image_logits");
        format!(
            "[model]\npath = {}\n[data]\nmembers = {}\nnonmembers = {}\n",
            quoted(&model),
            quoted(members),
            quoted(&nonmembers)
        )
    };
    let members = cage.put("members.npz", archive(&pixels, 3));
    cage.succeeds("a planted pixel", &plan(&members));
    let members = cage.put("members.npz", archive(&pixels, 73_519_264));
    cage.fails("a planted label", &plan(&members));
    let whole = archive(&pixels, 3);
    let members = cage.put("members.npz", &whole[..whole.len() / 2]);
    cage.fails("a cut archive", &plan(&members));
}

/// The model itself fails on a batch: the runtime's own words may quote the cells it was given.
#[test]
fn nothing_leaks_from_a_model_that_fails_on_a_batch() {
    let mut cage = Cage::new();
    let file = cage.put("data.csv", Sheet::shape("wine").set(4, "alcohol", NUMBER).set(6, "proline", NUMBER).csv());
    cage.fails("not a number", &records_plan(&shape_model("nan_probability"), "", &file, "target", ""));
    let strings = "features = [\"workclass\", \"education\", \"marital-status\", \"occupation\", \"relationship\", \"race\", \"sex\", \"native-country\"]";
    let file = cage.put("adult.csv", planted().csv());
    cage.run(
        "unknown categories",
        &records_plan(&shape_model("string_tensor"), strings, &file, "income", ROLES),
        &["-v"],
    );
    let disease = planted().rename("income", "readmitted").csv();
    let file = cage.put("other.csv", disease);
    cage.fails("another model", &records_plan(&repo("datasets/readmission/overfit.onnx"), "", &file, "readmitted", ""));
}

/// Of the four files of an audit with canaries two hold rows, and nothing else does: neither what is printed, nor what is
/// sealed, nor what is published, nor any complaint.
#[test]
fn nothing_leaks_from_planning() {
    let mut cage = Cage::new();
    let file = cage.put("data.csv", planted().csv());
    cage.put("plan.toml", adult_plan(&file, ROLES));
    cage.command("power", &["power", "plan.toml"]).exits(0);
    cage.command("power", &["power", "plan.toml", "--json"]).exits(0);
    let plan = ["canaries", "plan", "plan.toml", "--out", "secret", "--count"];
    cage.command("too many canaries", &[&plan[..], &["5000"]].concat()).exits(2);
    cage.command("canaries", &[&plan[..], &["60"]].concat()).exits(0);
    for name in ["include.csv", "canaries.csv"] {
        let rows = fs::read_to_string(cage.desk.path("secret").join(name)).unwrap();
        assert!(rows.contains(TEXT), "{name} holds rows, or the search is idle");
    }
    let model = shape_model("columns_zipmap_string").display().to_string();
    let audit = |canaries: &'static str| {
        ["canaries", "audit", "plan.toml", "--model", &model, "--sealed", "secret/sealed.json", "--commitment"]
            .into_iter()
            .chain(["secret/commitment.json", "--canaries", canaries, "--json"])
            .map(str::to_owned)
            .chain([format!("{}.json", canaries.replace('/', "-"))])
            .collect::<Vec<String>>()
    };
    let mut run = |what: &str, canaries: &'static str| {
        let arguments = audit(canaries);
        cage.command(what, &arguments.iter().map(String::as_str).collect::<Vec<_>>())
    };
    run("audit", "secret/canaries.csv").exits(0);
    run("the wrong file", "data.csv").exits(5);
    run("no file", "absent.csv").exits(2);
    cage.put("plan.toml", adult_plan(&file, "").replace("income", "record"));
    cage.command("ids as labels", &["canaries", "plan", "plan.toml", "--out", "other", "--count", "60"]);
    cage.put("plan.toml", adult_plan(&file, "[columns.types]\nborn = \"float\""));
    cage.command("a wrong type", &["canaries", "plan", "plan.toml", "--out", "third", "--count", "60"]).exits(2);
    cage.command("a wrong type", &["power", "plan.toml"]).exits(2);
}

/// A file measured alone: by rows and by people, with a sensitive column, in passes, and with settings that are wrong.
#[test]
fn nothing_leaks_from_a_measurement() {
    let mut cage = Cage::new();
    cage.put("data.csv", planted().csv());
    let measure = ["measure", "data.csv", "--quasi-identifiers", "age,native-country,born,weight,record"];
    let ran = cage.command("a file", &measure).exits(0);
    assert!(ran.stdout.contains("smallest group, k"), "{}", ran.stdout);
    cage.command("as JSON", &[&measure[..], &["--json", "--missing", "-9"]].concat()).exits(0);
    cage.command("by person", &[&measure[..], &["--patient", "person", "--sensitive", "income"]].concat()).exits(0);
    cage.command("what tells all", &[&measure[..], &["--sensitive", "record", "--json"]].concat()).exits(0);
    for wrong in [&["--patient", "absent"][..], &["--sensitive", "absent"], &["--max-bytes", "10"]] {
        cage.command("a wrong setting", &[&measure[..], wrong].concat()).exits(2);
    }
}

/// Two versions of a table, one of them masked in every way: nothing of a cell is printed, kept or complained of.
#[test]
fn nothing_leaks_from_a_comparison() {
    let mut cage = Cage::new();
    cage.put("old.csv", planted().csv());
    let masked = planted()
        .fill("weight", |row| format!("{NUMBER}{}", row / 3))
        .fill("person", |row| format!("{WHOLE}{}", row / 2 + 1_000_000))
        .fill("record", |row| format!("{TEXT}-{}", row / 50));
    cage.put("new.csv", masked.csv());
    let set = ["--quasi-identifiers", "age,native-country,born,weight,record", "--exit-zero"];
    let compare = ["compare", "old.csv", "new.csv"];
    let ran = cage.command("a comparison", &[&compare[..], &set].concat()).exits(0);
    assert!(ran.stdout.contains("nearest original"), "the masking is judged, or the search is idle:\n{}", ran.stdout);
    cage.command("as JSON", &[&compare[..], &set, &["--json", "--keep", "kept.json"]].concat()).exits(0);
    cage.command("by person", &[&compare[..], &set, &["--patient", "person", "--numbers", "weight,age"]].concat())
        .exits(0);
    cage.command("with a profile", &[&["compare", "kept.json", "new.csv"][..], &set].concat()).exits(0);
    cage.command("texts for numbers", &[&compare[..], &set, &["--numbers", "record"]].concat()).exits(2);
    cage.put("short.csv", planted().csv().split_inclusive('\n').take(100).collect::<String>());
    cage.command("other rows", &[&["compare", "old.csv", "short.csv"][..], &set].concat()).exits(0);
}

/// A training program that prints its records wherever it can, well and badly: they are in its log and nowhere else, and
/// no training file is left.
#[cfg(unix)]
#[test]
fn nothing_leaks_from_a_training_program() {
    let mut cage = Cage::new();
    let file = cage.put("data.csv", planted().csv());
    let model = shape_model("columns_zipmap_string").display().to_string();
    let plan = |script: &str| {
        let command =
            format!("[reference]\ncommand = [\"/bin/sh\", \"{script}\", \"{{train}}\", \"{{model}}\"]\ncount = 2");
        adult_plan(&file, &format!("{ROLES}\n{command}"))
    };
    let print = "cat \"$1\"; cat \"$1\" >&2\n";
    for (name, end) in
        [("fails.sh", "exit 1"), ("empty.sh", ""), ("text.sh", "cat \"$1\" > \"$2\""), ("dies.sh", "kill -9 $$")]
    {
        cage.put(name, format!("{print}{end}\n"));
        cage.fails(name, &plan(name));
    }
    cage.put("good.sh", format!("{print}cp '{model}' \"$2\"\n"));
    cage.succeeds("a talkative program", &plan("good.sh"));
    let logs = |path: &PathBuf| is_log_of_a_training(path) && fs::read_to_string(path).unwrap().contains(TEXT);
    let mut written = Vec::new();
    files(&cage.desk.path(""), &mut written);
    assert!(written.iter().filter(|path| logs(path)).count() >= 4, "the program did print what was searched for");
}

/// A table with a column of every item of the Safe Harbor list, under telling names and names that say nothing.
fn identifying(rows: std::ops::Range<usize>) -> String {
    const HEADER: &str = "first_name,patient_name,c1,street,city,zip,dob,phone,fax,c2,email,ssn,c3,mrn,member_id,iban,dea,licence_plate,\
                          device_serial,c4,homepage,ip,fingerprint,photo,uuid,hashed_ssn,note,age,sex,income";
    let row = |at: usize| {
        let ssn = format!("{:03}-4{}-{:04}", 201 + at % 400, at % 10, 7001 + at);
        let hashed = Digest::of_bytes(ssn.replace('-', "").as_bytes());
        format!(
            "Zebulon{at}x,Zebulon Quartermaine{at}x,\"Quartermaine, Obadiah{at}x\",{at} Larkspurxyz Street,Quillbury{at}x,021{:02}-4{at:03},\
             19{:02}-03-{:02}T{at},(617) 555-{:04},617-554-{:04},(617) 553-{:04},zq{at}@quillbury.example,{ssn},{ssn},MR{:07},W{:09},\
             GB82WEST1234569876{:04},AB12345{:02},QZX-{:04},SN{:08},00:1A:2B:3C:{:02}:{:02},https://quillbury.example/u/{at},\
             203.0.113.{},Rk1SACAyMAAA{:08},faces/zebulon{at}.jpg,123e4567-e89b-42d3-a456-{:012},{hashed},\
             seen with daughter Mary Johnson {at} times and called 617-552-{:04},{},{},{}",
            at % 100,
            30 + at % 60,
            at % 28 + 1,
            1000 + at,
            2000 + at,
            3000 + at,
            4_711_000 + at,
            815_000_000 + at,
            1000 + at,
            at % 100,
            1000 + at,
            47_110_000 + at,
            at % 100,
            at / 100,
            at % 250 + 1,
            11_110_000 + at,
            880_000_000_000_u64 + at as u64,
            5000 + at,
            20 + at % 80,
            ["f", "m"][at % 2],
            at % 2,
        )
    };
    rows.fold(format!("{HEADER}\n"), |csv, at| csv + &row(at) + "\n")
}

/// Cells of a table that would give a person away: eight digits or six other characters and more.
fn telling(csv: &str) -> Vec<String> {
    let cells = csv.lines().skip(1).flat_map(|line| line.split([',', '"'])).map(str::trim);
    let long = |cell: &&str| cell.len() >= if cell.bytes().all(|byte| byte.is_ascii_digit()) { 8 } else { 6 };
    cells.filter(long).map(str::to_lowercase).collect()
}

#[track_caller]
fn holds_none(what: &str, text: &str, cells: &[String]) {
    let lower = text.to_lowercase();
    for cell in cells {
        assert!(!lower.contains(cell), "{what} holds a cell");
    }
}

/// Every kind of identifier, scanned and assessed: columns are named, nothing of a cell is shown.
#[test]
fn nothing_leaks_from_a_scan() {
    let desk = Desk::new();
    let (members, others) = (identifying(0..240), identifying(240..480));
    let cells = [telling(&members), telling(&others)].concat();
    assert!(cells.len() > 5000, "there is something to find: {}", cells.len());
    desk.write("people.csv", &members);
    desk.write("others.csv", &others);
    for (arguments, code) in [
        (&["scan", "people.csv"][..], 1),
        (&["scan", "people.csv", "--json"], 1),
        (&["scan", "people.csv", "-v", "--limited-data-set", "--patient", "mrn"], 1),
        (&["scan", "people.csv", "--zip3", "others.csv"], 2),
        (&["scan", "people.csv", "--patient", "Zebulon0x"], 2),
    ] {
        let ran = desk.run(arguments);
        assert_eq!(ran.code, code, "{arguments:?}: {}", ran.stderr);
        let asked: Vec<String> =
            cells.iter().filter(|cell| !arguments.iter().any(|a| a.to_lowercase() == **cell)).cloned().collect();
        holds_none(&format!("{arguments:?}"), &format!("{}{}", ran.stdout, ran.stderr), &asked);
    }
    let json: serde_json::Value = serde_json::from_str(&desk.run(&["scan", "people.csv", "--json"]).stdout).unwrap();
    let mut letters: Vec<&str> =
        json["columns"].as_array().unwrap().iter().filter_map(|c| c["letter"].as_str()).collect();
    letters.sort_unstable();
    letters.dedup();
    assert_eq!(letters.concat(), "ABCDEFGHIJKLMNOPQR", "every item is there to leak");
    let plan = "[data]\nmembers = \"people.csv\"\nnonmembers = \"others.csv\"\ntarget = \"income\"\npatient = \"mrn\"\n\
                [columns]\nquasi_identifiers = [\"dob\", \"zip\"]\n[checks.\"dataset/identifiers\"]\naccepted = { c4 = \"of the lab\" }\n";
    desk.write("plan.toml", plan);
    for arguments in [&["-v"][..], &["--format", "json"]] {
        let ran = desk.run(&[&["assess", "plan.toml", "--out", "out"], arguments].concat());
        assert_eq!(ran.code, 1, "{}", ran.stderr);
        holds_none("an assessment", &format!("{}{}", ran.stdout, ran.stderr), &cells);
        assert!(ran.stdout.contains("dataset/prohibited-columns"), "the check ran");
    }
    let mut written = Vec::new();
    files(&desk.path("out"), &mut written);
    assert!(written.len() >= 2, "reports are there");
    for file in written {
        holds_none(&file.display().to_string(), &String::from_utf8_lossy(&fs::read(&file).unwrap()), &cells);
    }
}
