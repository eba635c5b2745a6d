//! What can be said before data are collected, and what is sealed before a model is trained: `power` and `canaries`.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::bad_input::{cancer, plan as cancer_plan};
use crate::support::{Desk, Ran, Sheet, quoted, records_plan, repo, shape_model};
use privet::assess::canaries::Mode;
use privet::assess::canaries::audit::{Files, audit};
use privet::assess::canaries::draw::{Request, draw};
use privet::assess::plan::Plan;
use privet::digest::Digest;
use privet::stats::Level;
use privet::watch::Unwatched;

// ------------------------------------------------------------------ power

fn power(arguments: &[&str]) -> Value {
    let ran = Desk::new().run(&[&["power", "--json"], arguments].concat()).exits(0);
    assert!(ran.stderr.is_empty(), "{}", ran.stderr);
    serde_json::from_str(&ran.stdout).unwrap()
}

#[test]
fn power_answers_before_data_are_collected() {
    let power = power(&["--members", "1000", "--nonmembers", "1000"]);
    let one = &power["one_attack"];
    assert!((one["detectable_area"].as_f64().unwrap() - 0.532).abs() < 5e-4);
    assert!((one["largest_epsilon"].as_f64().unwrap() - 5.60).abs() < 5e-3);
    assert_eq!(power["strongest"]["members"], 500);
    let text = Desk::new().run(&["power", "--members", "1000", "--nonmembers", "1000"]).exits(0).stdout;
    for part in ["0.532", "5.60", "membership/tpr-at-fpr-0.01", "can pass", "more would let"] {
        assert!(text.contains(part), "{part}:\n{text}");
    }
}

#[test]
fn power_counts_the_patients_of_a_plan() {
    let plan = repo("assessments/readmission.toml");
    let power = power(&[plan.to_str().unwrap()]);
    assert_eq!((&power["unit"], &power["members"]["records"]["shown"]), (&"patients".into(), &10_000.into()));
    assert_eq!(power["one_attack"]["members"], power["members"]["patients"]["shown"]);
    let three = self::power(&["--members", "900", "--nonmembers", "900", "--records-per-patient", "3", "--icc", "0"]);
    let one = self::power(&["--members", "900", "--nonmembers", "900"]);
    let error = |power: &Value| power["one_attack"]["null_standard_error"].as_f64().unwrap();
    assert_eq!(error(&three), error(&one), "records that have nothing in common are independent");
    assert!(
        error(&self::power(&["--members", "900", "--nonmembers", "900", "--records-per-patient", "3"])) > error(&one)
    );
}

#[test]
fn power_agrees_with_what_an_assessment_asks_for() {
    let plan = repo("assessments/heart.toml");
    let power = power(&[plan.to_str().unwrap()]);
    let limits = power["limits"].as_array().unwrap();
    let rate = limits.iter().find(|limit| limit["measure"] == "membership/tpr-at-fpr-0.01").unwrap();
    assert_eq!((&rate["can_fail"], &rate["needed_to_fail"]), (&"impossible".into(), &874.into()));
    let off = ["reidentification/k", "reidentification/uniqueness"];
    assert!(limits.iter().all(|limit| !off.contains(&limit["measure"].as_str().unwrap())), "switched off");
}

#[test]
fn power_hides_small_counts_and_refuses_bad_input() {
    let desk = Desk::new();
    let small = desk.run(&["power", "--members", "7", "--nonmembers", "500"]).exits(0).stdout;
    assert!(small.contains("<11") && !small.contains(" 7 "), "{small}");
    let same = desk.run(&["power", "--members", "3", "--nonmembers", "500"]).exits(0).stdout;
    assert_eq!(small, same, "any count from 1 to 10 reads the same");
    for arguments in [
        &["power"][..],
        &["power", "--members", "100"],
        &["power", "--nonmembers", "100"],
        &["power", "--members", "0", "--nonmembers", "5"],
        &["power", "--members", "9", "--nonmembers", "5", "--icc", "2"],
        &["power", "--members", "9", "--nonmembers", "5", "--records-per-patient", "0.5"],
        &["power", "plan.toml", "--members", "9", "--nonmembers", "5"],
    ] {
        assert!(!desk.run(arguments).exits(2).stderr.is_empty());
    }
    desk.run(&["power", "absent.toml"]).refuses(&["absent.toml"]);
    desk.write("model.toml", format!("[model]\npath = {}\n", quoted(&shape_model("tensor"))));
    desk.run(&["power", "model.toml"]).refuses(&["model.toml", "no data", "--members"]);
}

// ------------------------------------------------------------------ canaries

/// A desk with a plan whose records are a number and a label, and 1,300 candidates.
fn registry() -> Desk {
    let desk = Desk::new();
    let rows = |range: std::ops::Range<usize>| {
        range.fold("id,label\n".to_owned(), |mut text, id| {
            let _ = writeln!(text, "{id},{}", id % 2);
            text
        })
    };
    desk.write("members.csv", rows(0..100));
    desk.write("nonmembers.csv", rows(100..1_400));
    desk.write("plan.toml", "[data]\nmembers = \"members.csv\"\nnonmembers = \"nonmembers.csv\"\ntarget = \"label\"\n");
    desk
}

fn seal(desk: &Desk, more: &[&str]) -> Ran {
    desk.run(&[&["canaries", "plan", "plan.toml", "--out", "secret"], more].concat())
}

fn open(desk: &Desk, model: &Path) -> Ran {
    let model = model.display().to_string();
    desk.run(&[
        "canaries",
        "audit",
        "plan.toml",
        "--model",
        &model,
        "--sealed",
        "secret/sealed.json",
        "--commitment",
        "secret/commitment.json",
        "--canaries",
        "secret/canaries.csv",
        "--json",
        "audit.json",
    ])
}

fn read(desk: &Desk, name: &str) -> Value {
    serde_json::from_slice(&fs::read(desk.path(name)).unwrap()).unwrap()
}

/// The rows of the file of canaries: number and planted label.
fn canaries(desk: &Desk) -> Vec<(usize, usize)> {
    let text = fs::read_to_string(desk.path("secret/canaries.csv")).unwrap();
    let cells = |line: &str| line.split_once(',').map(|(id, label)| (id.parse().unwrap(), label.parse().unwrap()));
    text.lines().skip(1).filter_map(cells).collect()
}

fn coins(desk: &Desk) -> Vec<bool> {
    read(desk, "secret/sealed.json")["coins"].as_str().unwrap().chars().map(|coin| coin == '1').collect()
}

/// A model that remembers the labels of the given records and believes the opposite of all others.
fn memoriser(desk: &Desk, remembered: &[(usize, usize)], all: &[(usize, usize)]) -> std::path::PathBuf {
    let mut table = vec![[0.5_f32; 2]; 2_000];
    for &(id, label) in all {
        let right = if remembered.contains(&(id, label)) { 0.99 } else { 0.01 };
        table[id][label] = right;
        table[id][1 - label] = 1.0 - right;
    }
    desk.write("model.onnx", lookup(&table))
}

/// An ONNX file that looks its answer up: `probabilities = reshape(gather(table, id))`. Written by hand, field by field.
fn lookup(table: &[[f32; 2]]) -> Vec<u8> {
    fn varint(mut value: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        while value > 127 {
            bytes.push((value & 127) as u8 | 128);
            value >>= 7;
        }
        bytes.push(value as u8);
        bytes
    }
    let number = |field: u64, value: u64| [varint(field << 3), varint(value)].concat();
    let bytes =
        |field: u64, value: &[u8]| [varint(field << 3 | 2), varint(value.len() as u64), value.to_vec()].concat();
    let text = |field: u64, value: &str| bytes(field, value.as_bytes());
    let node = |inputs: [&str; 2], output: &str, kind: &str| {
        [text(1, inputs[0]), text(1, inputs[1]), text(2, output), text(4, kind)].concat()
    };
    let tensor = |name: &str, shape: &[u64], kind: u64, raw: &[u8]| {
        let dims: Vec<u8> = shape.iter().flat_map(|&size| number(1, size)).collect();
        [dims, number(2, kind), text(8, name), bytes(9, raw)].concat()
    };
    let port = |name: &str, kind: u64, columns: u64| {
        let free = bytes(1, &text(2, "N"));
        let fixed = bytes(1, &number(1, columns));
        let shape = bytes(2, &[free, fixed].concat());
        [text(1, name), bytes(2, &bytes(1, &[number(1, kind), shape].concat()))].concat()
    };
    let cells: Vec<u8> = table.iter().flatten().flat_map(|cell| cell.to_le_bytes()).collect();
    let shape: Vec<u8> = [-1_i64, 2].iter().flat_map(|size| size.to_le_bytes()).collect();
    let graph = [
        bytes(1, &node(["table", "id"], "found", "Gather")),
        bytes(1, &node(["found", "shape"], "probabilities", "Reshape")),
        text(2, "lookup"),
        bytes(5, &tensor("table", &[table.len() as u64, 2], 1, &cells)),
        bytes(5, &tensor("shape", &[2], 7, &shape)),
        bytes(11, &port("id", 7, 1)),
        bytes(12, &port("probabilities", 1, 2)),
    ]
    .concat();
    [number(1, 8), bytes(8, &[text(1, ""), number(2, 17)].concat()), bytes(7, &graph)].concat()
}

/// 500 guesses, all right: 5.11.
#[test]
fn a_perfect_memoriser_reaches_the_ceiling() {
    let desk = registry();
    seal(&desk, &["--count", "1000", "--guess-in", "250", "--guess-out", "250", "--delta", "0"]).exits(0);
    let (all, coins) = (canaries(&desk), coins(&desk));
    assert!(all.iter().all(|(id, label)| *label != id % 2), "every label is wrong");
    let remembered: Vec<(usize, usize)> =
        all.iter().zip(&coins).filter(|(_, coin)| **coin).map(|(row, _)| *row).collect();
    let include = fs::read_to_string(desk.path("secret/include.csv")).unwrap();
    let expected =
        remembered.iter().fold("id,label\n".to_owned(), |text, (id, label)| text + &format!("{id},{label}\n"));
    assert!(include == expected, "the rows to include are those whose coin says in");
    let ran = open(&desk, &memoriser(&desk, &remembered, &all)).exits(0);
    let bounds = &read(&desk, "audit.json")["bounds"];
    assert_eq!((&bounds["right"], &bounds["guessed"]), (&500.into(), &500.into()));
    assert!((bounds["epsilon"].as_f64().unwrap() - 5.11).abs() < 5e-3, "{bounds}");
    assert_eq!(bounds["epsilon"], bounds["ceiling"]);
    for part in ["5.11", "500 of 500", "scaled logit", "lower bound", "one run can show"] {
        assert!(ran.stdout.contains(part), "{part}:\n{}", ran.stdout);
    }
    assert!(!ran.stdout.contains("REHEARSAL"));
    let commitment = Digest::of_file(&desk.path("secret/commitment.json")).unwrap().to_string();
    assert!(ran.stdout.contains(&commitment), "to be compared with the published file");
}

/// A model that saw none of them, asked in 100 rehearsals through everything but the terminal.
#[test]
fn a_model_that_saw_nothing_gives_no_epsilon() {
    let desk = Desk::new();
    let file = desk.write("a.csv", cancer().csv());
    desk.write("plan.toml", cancer_plan(&file, ""));
    let plan = Plan::load(&desk.path("plan.toml")).unwrap();
    let candidates = privet::cli::onnxruntime::candidates(None);
    let proves_nothing = |seed: &u64| {
        let request = Request {
            candidates: None,
            count: 80,
            mode: if seed.is_multiple_of(2) { Mode::Natural } else { Mode::Mislabelled },
            guessed_in: None,
            guessed_out: None,
            delta: 1e-5,
            level: Level::P95,
            seed: Some(*seed),
        };
        let drawn = draw(&plan, &request).unwrap();
        let files = Files {
            model: shape_model("tensor"),
            sealed: desk.write("sealed.json", drawn.sealed),
            commitment: desk.write("commitment.json", drawn.commitment),
            canaries: desk.write("canaries.csv", drawn.canaries),
        };
        audit(&plan, &files, &candidates, &Unwatched).unwrap().bounds.epsilon == 0.0
    };
    let nothing = (0..100).filter(proves_nothing).count();
    assert!(nothing >= 95, "{nothing} of 100");
}

/// Runs an audit after one of its files was changed, and puts the file back.
fn tampered(desk: &Desk, name: &str, change: impl Fn(String) -> String) -> Ran {
    let path = desk.path("secret").join(name);
    let original = fs::read_to_string(&path).unwrap();
    let changed = change(original.clone());
    assert_ne!(changed, original, "something was changed");
    fs::write(&path, changed).unwrap();
    let ran = open(desk, &desk.path("model.onnx"));
    fs::write(&path, original).unwrap();
    ran
}

#[track_caller]
fn is_integrity_failure(ran: Ran, texts: &[&str]) {
    let ran = ran.exits(5).says(&["error: ", "\nhelp: ", "nothing was judged"]).says(texts);
    assert!(ran.stdout.is_empty(), "{}", ran.stdout);
}

#[test]
fn altered_files_are_integrity_failures() {
    let desk = registry();
    seal(&desk, &["--count", "100"]).exits(0);
    let all = canaries(&desk);
    memoriser(&desk, &all, &all);
    open(&desk, &desk.path("model.onnx")).exits(0);
    let flip = |text: String| {
        let at = text.find("\"coins\": \"").unwrap() + 10;
        let coin = if text.as_bytes()[at] == b'0' { "1" } else { "0" };
        [&text[..at], coin, &text[at + 1..]].concat()
    };
    is_integrity_failure(tampered(&desk, "sealed.json", flip), &["sealed.json", "SHA-256"]);
    is_integrity_failure(tampered(&desk, "sealed.json", |text| text + " "), &["sealed.json"]);
    is_integrity_failure(tampered(&desk, "canaries.csv", |text| text + "1,1\n"), &["canaries.csv", "SHA-256"]);
    is_integrity_failure(tampered(&desk, "canaries.csv", |text| text.replacen(",0\n", ",1\n", 1)), &["canaries.csv"]);
    // More guesses, now that the result is known: the sealed file remembers what was said.
    for (before, after) in
        [("\"guessed_in\": 10", "\"guessed_in\": 40"), ("0.95", "0.6"), ("\"canaries\": 100", "\"canaries\": 90")]
    {
        let ran = tampered(&desk, "commitment.json", |text| text.replace(before, after));
        is_integrity_failure(ran, &["commitment.json", "terms"]);
    }
    fs::remove_file(desk.path("audit.json")).unwrap();
    tampered(&desk, "commitment.json", |_| "{}".to_owned()).refuses(&["commitment.json", "no commitment"]);
    assert!(!desk.path("audit.json").exists(), "no result of changed files");
}

/// Files that agree by their digests and cannot be meant: somebody wrote them, but not `canaries plan`.
#[test]
fn wrong_counts_are_integrity_failures() {
    for (what, edit) in [
        ("one coin for each", (|sealed| sealed["coins"] = "0101".into()) as fn(&mut Value)),
        ("one coin for each", |sealed| sealed["coins"] = "2".repeat(100).into()),
        ("cannot be meant", |sealed| sealed["terms"]["guessed_in"] = 91.into()),
        ("cannot be meant", |sealed| sealed["terms"]["delta"] = 1.5.into()),
        ("holds 100 rows", |sealed| {
            sealed["terms"]["canaries"] = 99.into();
            sealed["coins"] = "0".repeat(99).into();
        }),
    ] {
        let desk = registry();
        seal(&desk, &["--count", "100"]).exits(0);
        let mut sealed = read(&desk, "secret/sealed.json");
        edit(&mut sealed);
        let text = sealed.to_string();
        let mut commitment = read(&desk, "secret/commitment.json");
        commitment["terms"] = sealed["terms"].clone();
        commitment["sealed_sha256"] = Digest::of_bytes(text.as_bytes()).to_string().into();
        fs::write(desk.path("secret/sealed.json"), text).unwrap();
        fs::write(desk.path("secret/commitment.json"), commitment.to_string()).unwrap();
        let all = canaries(&desk);
        is_integrity_failure(open(&desk, &memoriser(&desk, &all, &all)), &[what]);
    }
}

#[test]
fn coins_are_fresh_unless_it_is_a_rehearsal() {
    let sealed = |more: &[&str]| {
        let desk = registry();
        let ran = seal(&desk, &[&["--count", "200"], more].concat()).exits(0);
        let all = canaries(&desk);
        let audited = open(&desk, &memoriser(&desk, &[], &all)).exits(0);
        let files =
            ["sealed.json", "commitment.json"].map(|name| fs::read_to_string(desk.path("secret").join(name)).unwrap());
        (ran.stdout, audited.stdout, files, read(&desk, "audit.json"))
    };
    let (first, second) = (sealed(&[]), sealed(&[]));
    assert_ne!(first.2, second.2, "nobody can know the coins");
    assert!(!first.0.contains("REHEARSAL") && !first.1.contains("REHEARSAL") && first.3["rehearsal"].is_null());
    assert_eq!(read_terms(&first.2[1])["rehearsal"], Value::Null);
    let (first, second) = (sealed(&["--seed", "7"]), sealed(&["--seed", "7"]));
    assert_eq!(first.2, second.2);
    for text in [&first.0, &first.1, first.3["rehearsal"].as_str().unwrap()] {
        assert!(text.contains("REHEARSAL") && text.contains("seed 7"), "{text}");
    }
    assert!(first.2.iter().all(|file| read_terms(file)["rehearsal"] == 7), "both files say so");
}

fn read_terms(file: &str) -> Value {
    serde_json::from_str::<Value>(file).unwrap()["terms"].clone()
}

#[cfg(unix)]
#[test]
fn only_the_owner_reads_what_holds_rows_or_coins() {
    use std::os::unix::fs::PermissionsExt;
    let desk = registry();
    let ran = seal(&desk, &["--count", "100"]).exits(0);
    let mode = |path: &str| fs::metadata(desk.path(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("secret"), 0o700);
    for name in ["include.csv", "canaries.csv", "sealed.json", "commitment.json"] {
        assert_eq!(mode(&format!("secret/{name}")), 0o600, "{name}");
        assert!(ran.stdout.contains(name), "{}", ran.stdout);
    }
    assert!(ran.stdout.contains("only its owner can read it"), "{}", ran.stdout);
    seal(&desk, &["--count", "100"]).refuses(&["secret", "not empty", "--out"]);
}

/// Rows are written to the letter, in the format and with the separator of the candidates; where one file holds both sets,
/// included rows become members.
#[test]
fn rows_come_out_as_they_went_in() {
    let desk = Desk::new();
    let text = fs::read_to_string(repo("datasets/heart/heart.csv")).unwrap();
    let plan = fs::read_to_string(repo("assessments/heart.toml")).unwrap();
    desk.write("plan.toml", plan.replace("../datasets", &repo("datasets").display().to_string()));
    seal(&desk, &["--count", "100", "--mode", "natural"]).exits(0);
    let lines = |name: &str| -> Vec<String> {
        let text = fs::read_to_string(desk.path(name)).unwrap();
        text.lines().map(str::to_owned).collect()
    };
    let (all, include) = (lines("secret/canaries.csv"), lines("secret/include.csv"));
    assert!(all.len() == 101 && all.iter().all(|line| text.lines().any(|known| known == line)));
    let member = |line: &String| line.replace(";test", ";train");
    assert!(include[1..].iter().all(|line| line.ends_with(";train") && all.iter().map(member).any(|a| a == *line)));
    assert_eq!(include.len() - 1, coins(&desk).iter().filter(|coin| **coin).count());
    let members = crate::bad_input::write_parquet(&desk, "m.parquet", &cancer().without("split"));
    let others =
        crate::bad_input::write_parquet(&desk, "n.parquet", &cancer().set(0, "mean_radius", "1").without("split"));
    desk.write("plan.toml", crate::bad_input::two(&members, &others, ""));
    desk.run(&["canaries", "plan", "plan.toml", "--out", "rows", "--count", "60"]).exits(0);
    assert!(desk.path("rows/include.parquet").is_file() && desk.path("rows/canaries.parquet").is_file());
}

/// One coin a patient, and no two canaries alike.
#[test]
fn coins_share_no_patient_and_no_record() {
    let desk = Desk::new();
    let rows = (0..300).fold("person,x,label\n".to_owned(), |mut text, row| {
        let _ = writeln!(text, "{},{},{}", row / 3, row % 150, row % 2);
        text
    });
    desk.write("a.csv", rows);
    desk.write("b.csv", "person,x,label\n900,1,0\n901,2,1\n");
    let plan = "[data]\nmembers = \"b.csv\"\nnonmembers = \"a.csv\"\ntarget = \"label\"\npatient = \"person\"\n";
    desk.write("plan.toml", plan);
    seal(&desk, &["--count", "101"]).refuses(&["--count", "one a patient", "--candidates"]);
    seal(&desk, &["--count", "60"]).exits(0);
    let text = fs::read_to_string(desk.path("secret/canaries.csv")).unwrap();
    let part = |at: usize| -> std::collections::BTreeSet<&str> {
        text.lines().skip(1).filter_map(|line| line.split(',').nth(at)).collect()
    };
    assert_eq!((part(0).len(), part(1).len()), (60, 60));
}

#[test]
fn canaries_refuse_bad_input() {
    let desk = registry();
    seal(&desk, &["--count", "5000"]).refuses(&["--count", "1,300 candidates"]);
    seal(&desk, &["--count", "100", "--guess-in", "60", "--guess-out", "60"]).refuses(&["120 guesses", "--guess-in"]);
    seal(&desk, &["--count", "100", "--guess-in", "0", "--guess-out", "0"]).refuses(&["no guess"]);
    seal(&desk, &["--candidates", "absent.csv"]).refuses(&["absent.csv"]);
    let other = desk.write("other.csv", "number,label\n1,0\n2,1\n");
    seal(&desk, &["--candidates", other.to_str().unwrap()]).refuses(&["`number`"]);
    for bad in [["--delta", "1"], ["--level", "1"], ["--count", "3"], ["--mode", "loud"], ["--seed", "-1"]] {
        seal(&desk, &bad).exits(2);
    }
    assert!(!desk.path("secret").exists(), "nothing is written of a plan that fails");
    let model = shape_model("tensor");
    open(&desk, &model).refuses(&["commitment.json"]);
    desk.write("plan.toml", "[data]\nmembers = \"members.csv\"\nnonmembers = \"nonmembers.csv\"\n");
    seal(&desk, &[]).refuses(&["label", "[data] target"]);
    desk.write("plan.toml", format!("[model]\npath = {}\n", quoted(&model)));
    seal(&desk, &[]).refuses(&["plan.toml", "no data", "[data]"]);
    let file = desk.write("regression.csv", Sheet::shape("diabetes").fill("target", |row| format!("{row}.5")).csv());
    desk.write("plan.toml", records_plan(&shape_model("regression_forest"), "", &file, "target", ""));
    seal(&desk, &["--count", "50"]).refuses(&["not classes", "--mode natural"]);
    seal(&desk, &["--count", "50", "--mode", "natural"]).exits(0);
    let images = repo("assessments/images.toml").display().to_string();
    desk.run(&["canaries", "plan", &images, "--out", "tensors"]).refuses(&["members.npz", "rows of a table"]);
}
