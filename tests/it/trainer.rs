//! Bring your own trainer: subsets, cache, retry, time-out, Ctrl-C and array jobs, with a program that copies a model.

#![cfg(unix)]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Desk, Ran, finish, json, quoted, records_plan, repo};

/// Notes the call, does what the file `behaviour` says, and hands over a model that was there all along.
const SCRIPT: &str = "echo \"$3 $4\" >> calls\n. ./behaviour\ncp stand-in.onnx \"$2\"\n";
const COMMAND: &str = "command = [\"/bin/sh\", \"train.sh\", \"{train}\", \"{model}\", \"{seed}\", \"{index}\"]";

/// A desk with a program, its behaviour, and a plan with these settings.
struct Shop {
    desk: Desk,
    plan: PathBuf,
}

impl Shop {
    fn new(behaviour: &str, settings: &str) -> Self {
        let desk = Desk::new();
        desk.write("train.sh", SCRIPT);
        desk.write("behaviour", behaviour);
        desk.copy("datasets/heart/regularised.onnx", "stand-in.onnx");
        let plan = desk.write("plan.toml", heart(settings));
        Self { desk, plan }
    }

    fn reference(&self, arguments: &[&str]) -> Ran {
        finish(self.desk.privet().arg("reference").arg(arguments[0]).arg(&self.plan).args(&arguments[1..]))
    }

    /// The seeds and numbers with which the program was called.
    fn calls(&self) -> Vec<String> {
        let calls = fs::read_to_string(self.desk.path("calls")).unwrap_or_default();
        calls.lines().map(str::to_owned).collect()
    }

    fn cache(&self) -> PathBuf {
        self.desk.path(".privet/references")
    }

    /// Names in the cache that end so.
    fn cached(&self, ending: &str) -> Vec<PathBuf> {
        let mut found: Vec<PathBuf> = fs::read_dir(self.cache())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.to_string_lossy().ends_with(ending))
            .collect();
        found.sort();
        found
    }

    /// The ONNX files of the cache.
    fn models(&self) -> Vec<PathBuf> {
        self.cached("").into_iter().map(|path| path.join("model.onnx")).filter(|path| path.is_file()).collect()
    }

    /// Starts a training of everything and waits until the program runs.
    fn start(&self) -> Child {
        let privet = std::process::Command::new(env!("CARGO_BIN_EXE_privet"))
            .args(["reference", "train"])
            .arg(&self.plan)
            .current_dir(self.desk.path(""))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        wait_for(|| self.desk.path("running").exists());
        privet
    }

    /// No folder in which a model was being trained, no training file.
    #[track_caller]
    fn is_tidy(&self) {
        assert_eq!(self.cached(".partial"), Vec::<PathBuf>::new());
        assert!(self.models().iter().all(|model| !model.with_file_name("train.csv").exists()));
    }
}

fn heart(settings: &str) -> String {
    let rest = format!("missing = [\"?\"]\n[reference]\n{COMMAND}\n{settings}");
    records_plan(&repo("datasets/heart/overfit.onnx"), "", &repo("datasets/heart/heart.csv"), "disease", &rest)
}

fn wait_for(condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(30), "it never came");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn signal(process: u32, name: &str) {
    let status = std::process::Command::new("/bin/sh").args(["-c", &format!("kill -{name} {process}")]).status();
    assert!(status.unwrap().success());
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

// ------------------------------------------------------------------ plans

#[test]
fn mistakes_of_a_command_are_reported_in_one_go() {
    let ran = Desk::new()
        .assess(
            &heart("count = 0\nparallel = 300\nattempts = 0\ntimeout_minutes = -1\ninputs = [\"none.py\"]\nmasks = \"m.csv\"")
                .replace("\"{seed}\"", "\"--x={speed}\"")
                .replace("\"{model}\"", "\"{Model}\""),
            &[],
        )
        .refuses(&["8 mistakes", "`{speed}`", "does not use `{model}`", "reference.count", "reference.parallel"])
        .says(&["reference.attempts", "reference.timeout_minutes", "none.py", "`reference.masks` exclude each other"]);
    assert_eq!(ran.stderr.matches("line 12: ").count(), 2, "the command's line: {}", ran.stderr);
}

#[test]
fn settings_without_a_command_are_refused() {
    let plan = heart("").replace(COMMAND, "models = []\ndisjoint = true\ncount = 3");
    Desk::new().assess(&plan, &[]).refuses(&["`reference.count` belongs to `reference.command`"]);
    Desk::new().assess(&heart("").replace(COMMAND, "command = []"), &[]).refuses(&["names no program"]);
}

#[test]
fn a_plan_without_a_command_has_nothing_to_train() {
    let desk = Desk::new();
    let plan = repo("assessments/heart.toml").display().to_string();
    for what in ["plan", "train", "clear"] {
        desk.run(&["reference", what, &plan]).refuses(&["no `[reference] command`"]);
    }
}

// ------------------------------------------------------------------ training files

#[test]
fn training_files_are_cut_from_the_users_file() {
    let shop = Shop::new("", "count = 3");
    let ran = shop.reference(&["plan"]).exits(0);
    for part in ["PATIENT DATA", "reference clear", "--index I", "manifest.json", "reference 3: "] {
        assert!(ran.stdout.contains(part), "{part}: {}", ran.stdout);
    }
    let original = fs::read_to_string(repo("datasets/heart/heart.csv")).unwrap();
    let lines: BTreeSet<&str> = original.lines().collect();
    let members = original.lines().filter(|line| line.ends_with(";train")).count();
    let file = |index: usize| shop.cache().join(format!("subsets/reference-{index}.csv"));
    let texts: Vec<String> = (1..=3).map(|index| fs::read_to_string(file(index)).unwrap()).collect();
    for text in &texts {
        assert_eq!(text.lines().next(), original.lines().next(), "the header is the user's");
        assert!(text.lines().all(|line| lines.contains(line)), "records keep their bytes");
        assert!(text.lines().count() - 1 <= members && text.lines().count() + 2 > members, "as many as the target had");
        let sides: Vec<bool> = text.lines().skip(1).map(|line| line.ends_with(";train")).collect();
        assert!(sides.is_sorted_by(|a, b| a >= b), "members come first");
    }
    assert!(texts[0] != texts[1] && texts[1] != texts[2]);
    assert_eq!((mode(&shop.cache()), mode(&shop.cache().join("subsets")), mode(&file(1))), (0o700, 0o700, 0o600));
    let manifest = fs::read_to_string(shop.cache().join("manifest.json")).unwrap();
    shop.reference(&["plan"]).exits(0);
    assert_eq!(fs::read_to_string(file(1)).unwrap(), texts[0], "the same seed, the same bytes");
    assert_eq!(fs::read_to_string(shop.cache().join("manifest.json")).unwrap(), manifest);
    shop.reference(&["plan", "--seed", "5"]).exits(0);
    assert_ne!(fs::read_to_string(file(1)).unwrap(), texts[0]);
    shop.reference(&["clear"]).exits(0);
    assert!(!shop.cache().join("subsets").exists() && shop.calls().is_empty());
    shop.reference(&["plan", "--manifest-only"]).exits(0);
    assert!(!shop.cache().join("subsets").exists());
}

#[test]
fn the_manifest_says_where_everything_is() {
    let shop = Shop::new("", "count = 2");
    shop.reference(&["plan"]).exits(0);
    shop.reference(&["train"]).exits(0);
    let file = shop.cache().join("manifest.json");
    let manifest = json(&file.display().to_string());
    assert_eq!(manifest["version"], 1);
    for (entry, call) in manifest["references"].as_array().unwrap().iter().zip(shop.calls()) {
        assert_eq!(format!("{} {}", entry["seed"], entry["index"]), call, "the seed that the program was given");
        let path = |key: &str| shop.cache().join(entry[key].as_str().unwrap());
        let lines = fs::read_to_string(path("train")).unwrap().lines().count();
        assert_eq!(entry["records"], lines - 1);
        assert!(path("model").is_file());
        assert_eq!(entry["mask_sha256"].as_str().unwrap().len(), 64);
    }
    assert_eq!(mode(&file), 0o600);
}

#[test]
fn the_program_gets_the_subset_in_a_private_place() {
    let shop = Shop::new("cp \"$1\" seen.csv; ls -l \"$1\" | cut -c1-10 > mode", "count = 1");
    shop.reference(&["plan"]).exits(0);
    shop.reference(&["train"]).exits(0);
    let written = fs::read(shop.cache().join("subsets/reference-1.csv")).unwrap();
    assert_eq!(fs::read(shop.desk.path("seen.csv")).unwrap(), written);
    assert_eq!(fs::read_to_string(shop.desk.path("mode")).unwrap().trim(), "-rw-------");
    shop.is_tidy();
}

#[test]
fn a_cache_that_others_can_read_is_refused() {
    let shop = Shop::new("", "count = 1\ncache = \"open\"");
    fs::create_dir(shop.desk.path("open")).unwrap();
    fs::set_permissions(shop.desk.path("open"), fs::Permissions::from_mode(0o755)).unwrap();
    shop.reference(&["train"]).refuses(&["open to other users", "chmod 700", "reference.cache"]);
}

// ------------------------------------------------------------------ the cache

#[test]
fn a_second_run_trains_nothing() {
    let shop = Shop::new("", "count = 3\nparallel = 2");
    let first = shop.reference(&["train"]).exits(0);
    assert_eq!(first.stdout.matches("trained in").count(), 3, "{}", first.stdout);
    let second = shop.reference(&["train"]).exits(0);
    assert_eq!(second.stdout.matches("in the cache").count(), 3, "{}", second.stdout);
    assert_eq!(shop.calls().len(), 3);
    let seeds: BTreeSet<String> = shop.calls().into_iter().collect();
    assert_eq!(seeds.len(), 3, "each has a seed of its own");
    shop.is_tidy();
}

/// The key follows what a model depends on, and nothing else.
#[test]
fn only_what_matters_trains_again() {
    let shop = Shop::new("", "count = 2");
    shop.reference(&["train"]).exits(0);
    let with = |settings: &str, head: &str| fs::write(&shop.plan, format!("{head}{}", heart(settings))).unwrap();
    let trained = || {
        let before = shop.calls().len();
        shop.reference(&["train"]).exits(0);
        shop.calls().len() - before
    };
    with(
        "count = 2\nparallel = 2\nattempts = 5\ntimeout_minutes = 3\n[limits]\n\"membership/auc\" = 0.9",
        "[assessment]\nname = \"other\"\n",
    );
    assert_eq!(trained(), 0, "names, limits and how the work is done change no model");
    with("count = 3", "");
    assert_eq!(trained(), 1, "more references keep those that are there");
    with("count = 2", "[assessment]\nseed = 4\n");
    assert_eq!(trained(), 2, "another seed draws other records");
    with("count = 2\ninputs = [\"behaviour\"]", "");
    assert_eq!(trained(), 2, "another input");
    shop.desk.write("behaviour", "# changed");
    assert_eq!(trained(), 2, "an input that changed");
    with("count = 2", "");
    assert_eq!(trained(), 0, "and back again");
    shop.desk.write("train.sh", format!("{SCRIPT}# changed"));
    assert_eq!(trained(), 2, "a file that the command names is an input by itself");
}

#[test]
fn a_damaged_model_is_trained_again() {
    let shop = Shop::new("", "count = 2");
    shop.reference(&["train"]).exits(0);
    let models = shop.models();
    fs::write(&models[0], "bent").unwrap();
    let planned = shop.reference(&["plan", "--manifest-only"]).exits(0);
    assert_eq!(planned.stdout.matches("damaged in the cache, to be trained again").count(), 1, "{}", planned.stdout);
    shop.reference(&["train"]).exits(0);
    assert_eq!(shop.calls().len(), 3);
    assert_eq!(fs::read(&models[0]).unwrap(), fs::read(shop.desk.path("stand-in.onnx")).unwrap());
}

#[test]
fn an_array_of_jobs_fills_the_cache() {
    let shop = Shop::new("", "count = 3");
    for index in ["2", "3", "1", "3"] {
        shop.reference(&["train", "--index", index]).exits(0);
    }
    assert_eq!(shop.calls().iter().map(|call| call.split(' ').nth(1).unwrap()).collect::<Vec<_>>(), ["2", "3", "1"]);
    for index in ["0", "4"] {
        shop.reference(&["train", "--index", index]).refuses(&["`reference.count` is 3"]);
    }
    let ran = shop.reference(&["train"]).exits(0);
    assert_eq!(ran.stdout.matches("in the cache").count(), 3, "{}", ran.stdout);
}

#[test]
fn a_model_from_elsewhere_is_taken_over() {
    let shop = Shop::new("", "count = 1");
    shop.reference(&["plan"]).exits(0);
    let manifest = json(&shop.cache().join("manifest.json").display().to_string());
    let place = shop.cache().join(manifest["references"][0]["model"].as_str().unwrap());
    fs::create_dir(place.parent().unwrap()).unwrap();
    fs::copy(shop.desk.path("stand-in.onnx"), place).unwrap();
    shop.reference(&["train"]).exits(0);
    assert!(shop.calls().is_empty());
}

// ------------------------------------------------------------------ failures

#[test]
fn a_failure_names_the_log_and_quotes_nothing() {
    let shop = Shop::new("echo SECRET-OF-A-PATIENT; echo SECRET-TOO >&2; exit 7", "count = 3");
    let ran = shop.reference(&["train"]).refuses(&["reference model 1 of 3", "exit code 7", "tried 2 times", ".log"]);
    assert!(!ran.stderr.contains("SECRET") && !ran.stdout.contains("SECRET"), "{}", ran.stderr);
    assert_eq!(shop.calls().len(), 2, "nothing new is begun after a failure");
    let logs = shop.cached(".log");
    let log = fs::read_to_string(&logs[0]).unwrap();
    assert_eq!((log.matches("SECRET-OF").count(), log.matches("SECRET-TOO").count()), (2, 2), "{log}");
    assert!(ran.stderr.contains(&logs[0].display().to_string()) && mode(&logs[0]) == 0o600);
    shop.is_tidy();
}

#[test]
fn a_second_attempt_may_succeed() {
    let shop = Shop::new("[ -e again ] || { touch again; exit 1; }", "count = 1");
    shop.reference(&["train"]).exits(0);
    assert_eq!(shop.calls().len(), 2);
    shop.desk.write("behaviour", "exit 1");
    fs::write(&shop.plan, heart("count = 1\nattempts = 1").replace("[model]", "[assessment]\nseed = 9\n[model]"))
        .unwrap();
    shop.reference(&["train"]).refuses(&["tried once"]);
    assert_eq!(shop.calls().len(), 3);
}

/// What was finished before a failure is there afterwards.
#[test]
fn a_run_that_failed_is_resumed() {
    let shop = Shop::new("[ \"$4\" != 3 ] || [ -e mended ] || exit 1", "count = 4\nattempts = 1");
    shop.reference(&["train"]).refuses(&["reference model 3 of 4"]);
    assert_eq!(shop.calls().len(), 3);
    shop.desk.write("mended", "");
    let ran = shop.reference(&["train"]).exits(0);
    assert_eq!(ran.stdout.matches("in the cache").count(), 2, "{}", ran.stdout);
    assert_eq!(shop.calls().len(), 5);
}

#[test]
fn success_without_a_model_is_a_failure() {
    let shop = Shop::new("exit 0", "count = 1");
    shop.reference(&["train"]).refuses(&["wrote no file to {model}"]);
    shop.desk.write("behaviour", "echo text > \"$2\"; exit 0");
    shop.reference(&["train"]).refuses(&["no ONNX file"]);
    assert!(shop.models().is_empty());
    let shop = Shop::new("", "count = 1");
    fs::write(&shop.plan, heart("").replace("/bin/sh", "no-such-program")).unwrap();
    shop.reference(&["train"]).refuses(&["starting `no-such-program`", "no shell"]);
    shop.is_tidy();
}

#[test]
fn a_program_that_takes_too_long_is_ended_with_all_it_started() {
    let shop = Shop::new("sleep 600 & echo $! > sleeper; wait", "count = 1\nattempts = 1\ntimeout_minutes = 0.01");
    let start = Instant::now();
    shop.reference(&["train"]).refuses(&["took longer than 0.01 minutes"]);
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    is_gone(&shop.desk.path("sleeper"));
    shop.is_tidy();
}

/// The process whose number is in a file has ended.
#[track_caller]
fn is_gone(file: &Path) {
    let process = fs::read_to_string(file).unwrap();
    let alive = || {
        let state = fs::read_to_string(format!("/proc/{}/stat", process.trim())).unwrap_or_default();
        !state.is_empty() && !state.contains(") Z ")
    };
    wait_for(|| !alive());
}

#[test]
fn ctrl_c_ends_the_program_and_cleans_up() {
    for name in ["INT", "TERM"] {
        let shop = Shop::new("echo $$ > number; touch running; sleep 600", "count = 2");
        let privet = shop.start();
        assert_eq!(shop.cached(".partial").len(), 1);
        signal(privet.id(), name);
        let output = privet.wait_with_output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains("stopped") && text.contains("finished models stay in the cache"), "{text}");
        is_gone(&shop.desk.path("number"));
        shop.is_tidy();
    }
}

/// Nothing can clean up behind itself when it is killed: the next run does.
#[test]
fn the_next_run_cleans_up_behind_a_killed_one() {
    let shop = Shop::new("[ \"$4\" = 1 ] || [ -e running ] || { touch running; sleep 3; }", "count = 2");
    let mut privet = shop.start();
    signal(privet.id(), "KILL");
    privet.wait().unwrap();
    assert_eq!(shop.cached(".partial").len(), 1, "patient data are still there");
    std::thread::sleep(Duration::from_secs(4)); // the program itself goes on for a while
    let ran = shop.reference(&["train", "--index", "1"]).exits(0);
    assert!(ran.stdout.contains("in the cache"), "{}", ran.stdout);
    shop.is_tidy();
    shop.reference(&["train"]).exits(0);
    assert_eq!(shop.models().len(), 2);
}

// ------------------------------------------------------------------ the assessment

#[test]
fn an_assessment_trains_asks_and_finds_its_models_again() {
    let shop = Shop::new("", "count = 4");
    let assess = || {
        let ran = shop.desk.assess_file(&shop.plan, &["-v"]);
        assert!([1, 3].contains(&ran.code), "{}", ran.stderr);
        let mut report = shop.desk.report();
        report["envelope"].take();
        report
    };
    let first = assess();
    assert_eq!(shop.calls().len(), 4);
    let findings = first["findings"].as_array().unwrap();
    for measure in ["membership/likelihood-ratio-auc", "membership/rmia-auc", "membership/calibrated-auc"] {
        assert!(findings.iter().any(|finding| finding["measure"] == measure), "{measure}");
    }
    let inputs = first["inputs"].as_array().unwrap();
    let files = |role: &str| inputs.iter().filter(|input| input["role"] == role).count();
    assert_eq!((files("reference model"), files("input of reference training")), (4, 1));
    assert_eq!(assess(), first, "the same bytes from the cache");
    assert_eq!(shop.calls().len(), 4);
    shop.is_tidy();
}

/// Without outcomes nobody can be asked: that is said before hours of training.
#[test]
fn what_cannot_be_asked_is_not_trained() {
    let shop = Shop::new("", "");
    fs::write(&shop.plan, heart("").replace("target = \"disease\"", "")).unwrap();
    shop.reference(&["train"]).refuses(&["`[data] target`"]);
    let arrays = format!(
        "[model]\npath = {}\n[data]\nmembers = {1}\nnonmembers = {1}\ntarget = \"age\"\n[reference]\n{COMMAND}\n",
        quoted(&repo("datasets/heart/overfit.onnx")),
        quoted(&repo("datasets/heart/heart.csv"))
    );
    fs::write(&shop.plan, arrays).unwrap();
    shop.desk.assess_file(&shop.plan, &[]).refuses(&["the same file"]);
    assert!(shop.calls().is_empty());
}
