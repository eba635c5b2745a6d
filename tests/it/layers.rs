//! Who may import whom: the table of `src/lib.rs`, kept by reading the source. Also sizes of files and bare unwraps.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::repo;

/// The most lines a file may have.
const LONGEST: usize = 700;

/// The rows of the table; the modules of row 0 may import each other.
const ROW_0: &[&str] =
    &["stats", "seed", "digest", "watch", "tensor", "detect", "equivalence", "linkage", "population", "uniques"];
const ROW_1: &[&str] = &["data", "model", "finding"];
const ROW_2: &[&str] = &["learn"];

/// What each module above row 0 may import besides itself.
const MAY: &[(&str, &[&[&str]])] = &[
    ("data", &[ROW_0, &["finding::Count"]]),
    ("model", &[ROW_0, &["finding::Count"]]),
    ("finding", &[ROW_0]),
    ("learn", &[ROW_0, ROW_1]),
    ("check", &[ROW_0, ROW_1, ROW_2]),
    ("assess", &[ROW_0, ROW_1, ROW_2, &["check"]]),
    ("report", &[&["assess::assessment", "assess::gate", "assess::policy", "finding", "stats", "digest"]]),
    ("cli", &[ROW_0, ROW_1, ROW_2, &["check", "assess", "report"]]),
    ("lib", &[]),
    ("main", &[&["cli"]]),
];

/// Crates that one place may name, so that they can be exchanged there.
const HOLDERS: &[(&str, &[&str])] = &[
    ("parquet", &["data/parquet.rs", "data/parquet/tests.rs", "data/parquet_codes.rs"]),
    ("arrow_array", &["data/parquet.rs", "data/parquet/tests.rs", "data/parquet_codes.rs"]),
    ("arrow_schema", &["data/parquet.rs", "data/parquet/tests.rs", "data/parquet_codes.rs"]),
    ("csv", &["data/csv.rs"]),
    ("npyz", &["data/npy.rs"]),
    ("zip", &["data/npy.rs"]),
    ("ort", &["model/onnx.rs", "model/runtime.rs"]),
    ("prost", &["model/proto.rs", "model/graph.rs"]),
    ("plotters", &["report/chart.rs"]),
    ("askama", &["report/"]),
    ("getrandom", &["seed.rs"]),
    ("clap", &["cli/"]),
    ("anyhow", &["cli/"]),
    ("indicatif", &["cli/"]),
    ("comfy_table", &["cli/"]),
    ("ctrlc", &["cli/interrupt.rs"]),
    ("rustix", &["assess/program.rs"]),
];

/// A source file: its path below `src`, and its code without comments.
struct Source {
    path: String,
    code: String,
    lines: usize,
}

impl Source {
    fn module(&self) -> &str {
        self.path.split(['/', '.']).next().unwrap()
    }
}

fn sources() -> Vec<Source> {
    let mut files = Vec::new();
    collect(&repo("src"), &mut files);
    files.sort();
    assert!(files.len() > 50, "the source is read: {} files", files.len());
    files.iter().map(|file| source(file)).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
}

fn source(file: &Path) -> Source {
    let text = fs::read_to_string(file).unwrap();
    let path = file.strip_prefix(repo("src")).unwrap().to_string_lossy().replace('\\', "/");
    let kept: Vec<&str> = text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
    Source { path, code: kept.join("\n"), lines: text.lines().count() }
}

/// The files that are compiled for tests only: their module is declared under `#[cfg(test)]`.
fn tests_only(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        let stem = source.path.trim_end_matches(".rs");
        let folder = stem.strip_suffix("/mod").unwrap_or(stem);
        let lines: Vec<&str> = source.code.lines().map(str::trim).collect();
        for pair in lines.windows(2).filter(|pair| pair[0] == "#[cfg(test)]") {
            if let Some(name) = pair[1].strip_suffix(';').and_then(|line| line.rsplit_once("mod ")) {
                found.push(format!("{folder}/{}.rs", name.1));
            }
        }
    }
    assert!(found.iter().any(|path| path == "check/specimen.rs"), "the files of tests are found: {found:?}");
    found
}

/// The paths below `crate::` that a code names: `a::b::C` for `use crate::a::{b::C, ...}` as well.
fn imports(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let before = code[..at].chars().next_back();
        if before.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != '$') {
            expand("", &code[at + "crate::".len()..], &mut found);
        }
    }
    found
}

/// Unfolds `a::{b, c::d}` into `a::b` and `a::c::d`. Returns how much of the text belongs to the path.
fn expand(prefix: &str, text: &str, found: &mut Vec<String>) -> usize {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':').unwrap_or(text.len());
    let stem = format!("{prefix}{}", &text[..end]);
    if !text[end..].starts_with('{') {
        found.push(stem.trim_end_matches(':').to_owned());
        return end;
    }
    let mut at = end + 1;
    loop {
        at += text[at..].find(|c: char| !c.is_whitespace() && c != ',').unwrap_or(0);
        if at >= text.len() || text[at..].starts_with('}') {
            return at + 1;
        }
        let step = expand(&stem, &text[at..], found);
        at += step.max(1);
    }
}

/// Whether a path lies at or below an allowed one.
fn below(path: &str, allowed: &str) -> bool {
    path == allowed
        || path.starts_with(&format!("{allowed}::"))
        || allowed.split("::").next() == Some(path) && !allowed.contains("::")
}

fn assert_none(what: &str, faults: &[String]) {
    assert!(faults.is_empty(), "{what}:\n  {}", faults.join("\n  "));
}

#[test]
fn imports_are_unfolded() {
    let code = "use crate::a::{B, c::{D, E}, f};\nlet x = crate::g::h(); $crate::no::no; my_crate::no;";
    assert_eq!(imports(code), ["a::B", "a::c::D", "a::c::E", "a::f", "g::h"]);
}

#[test]
fn layers_import_downwards() {
    let mut faults = Vec::new();
    for source in sources() {
        let own = source.module();
        let row = MAY.iter().find(|(module, _)| *module == own).map(|row| row.1);
        let row = row.or_else(|| ROW_0.contains(&own).then_some(&[ROW_0]));
        let allowed = row.unwrap_or_else(|| panic!("src/{} is in no row of the table", source.path)).concat();
        for path in imports(&source.code) {
            let target = path.split("::").next().unwrap_or_default();
            if target != own && own != "lib" && !allowed.iter().any(|allowed| below(&path, allowed)) {
                faults.push(format!("src/{} imports crate::{path}", source.path));
            }
        }
    }
    assert_none("imports that the table in src/lib.rs does not allow", &faults);
}

/// `super::super::` would be a way around the table.
#[test]
fn nobody_climbs_out_of_a_module() {
    let deep = |source: &&Source| {
        let depth = source.path.matches('/').count();
        source.code.contains("super::super::") && depth < 2
    };
    let faults: Vec<String> = sources().iter().filter(deep).map(|source| format!("src/{}", source.path)).collect();
    assert_none("`super::super::` leaves the module", &faults);
}

#[test]
fn a_check_never_imports_another() {
    let sources = sources();
    let is_check =
        |path: &str| path.starts_with("check/") && path.matches('/').count() == 2 && !path.ends_with("/mod.rs");
    // A file is a check when it holds the constant facts of one.
    let checks: Vec<(&str, &str)> = sources
        .iter()
        .filter(|source| is_check(&source.path) && source.code.contains("static META: CheckMeta"))
        .map(|source| source.path.trim_start_matches("check/").trim_end_matches(".rs").split_once('/').unwrap())
        .collect();
    assert!(checks.len() >= 5, "the checks are found: {checks:?}");
    let mut faults = Vec::new();
    let free = tests_only(&sources);
    let bound = |path: &str| is_check(path) && !free.iter().any(|test| test == path);
    for source in sources.iter().filter(|source| bound(&source.path)) {
        let own = source.path.trim_start_matches("check/").trim_end_matches(".rs");
        for (family, file) in checks.iter().filter(|(family, file)| format!("{family}/{file}") != own) {
            let by_path = imports(&source.code).iter().any(|path| below(path, &format!("check::{family}::{file}")));
            let by_super = own.starts_with(&format!("{family}/")) && source.code.contains(&format!("super::{file}"));
            if by_path || by_super {
                faults.push(format!("src/{} imports the check {family}/{file}", source.path));
            }
        }
    }
    assert_none("checks that import checks", &faults);
}

#[test]
fn outside_crates_stay_where_they_are_held() {
    let mut faults = Vec::new();
    for source in sources() {
        for (name, holders) in HOLDERS {
            let holds = holders.iter().any(|holder| source.path.starts_with(holder));
            if !holds && names_crate(&source.code, name) {
                faults.push(format!("src/{} names {name}", source.path));
            }
        }
    }
    assert_none("crates named outside the files that hold them", &faults);
}

/// Whether code names a crate: `name::` that is not the end of a longer path, or `use name;`.
fn names_crate(code: &str, name: &str) -> bool {
    let starts_path = |at: usize| {
        let before = code[..at].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != ':')
    };
    let module_of_ours = code.contains(&format!("mod {name};"));
    !module_of_ours && code.match_indices(&format!("{name}::")).any(|(at, _)| starts_path(at))
        || code.contains(&format!("use {name};"))
}

#[test]
fn no_file_is_too_long() {
    let long = |source: &&Source| source.lines > LONGEST && source.path != "model/proto.rs"; // generated
    let faults: Vec<String> =
        sources().iter().filter(long).map(|source| format!("src/{}: {} lines", source.path, source.lines)).collect();
    assert_none("files longer than the limit", &faults);
}

#[test]
fn nothing_is_unwrapped_outside_tests() {
    let mut faults = Vec::new();
    let sources = sources();
    let free = tests_only(&sources);
    for source in &sources {
        // Unit tests stand at the end of a file, or in a file of their own.
        let code = source.code.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        if code.contains(".unwrap()") && !free.contains(&source.path) {
            faults.push(format!("src/{}", source.path));
        }
    }
    assert_none("`.unwrap()` outside tests", &faults);
}

/// Files that reach outside: only the loaders open data, only the command line reads the environment or prints.
#[test]
fn only_the_command_line_touches_the_world() {
    let mut faults = Vec::new();
    for source in sources().iter().filter(|source| source.module() != "cli") {
        for word in [
            "std::env::var",
            "env::var(",
            "env::var_os(",
            "println!",
            "eprintln!",
            "process::exit",
            "std::net",
            "TcpStream",
        ] {
            if source.code.contains(word) {
                faults.push(format!("src/{} uses {word}", source.path));
            }
        }
    }
    assert_none("the environment, the terminal or the network outside src/cli", &faults);
}
