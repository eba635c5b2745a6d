//! What the tests share: a desk to put files on, and a privet that runs in an environment of its own.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use assert_cmd::Command;
use serde_json::Value;
use tempfile::TempDir;

/// A path of the repository.
pub(crate) fn repo(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A path as a TOML text: literal quotes, so that no character of it means anything.
pub(crate) fn quoted(path: &Path) -> String {
    format!("'{}'", path.display())
}

/// A JSON file of the repository.
pub(crate) fn json(path: &str) -> Value {
    serde_json::from_slice(&fs::read(repo(path)).unwrap()).unwrap()
}

/// How a run of the program ended.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// Asserts the exit code and shows everything when it is another.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Asserts that standard error holds every one of these texts.
    #[track_caller]
    pub(crate) fn says(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(self.stderr.contains(text), "`{text}` is not in:\n{}", self.stderr);
        }
        self
    }

    /// Asserts what every refusal owes its reader: exit code 2, a reason, a next action, and nothing like a verdict.
    #[track_caller]
    pub(crate) fn refuses(self, texts: &[&str]) -> Self {
        let ran = self.exits(2).says(&["error: ", "\nhelp: "]).says(texts);
        assert!(!ran.stderr.contains("internal error") && !ran.stderr.contains("panicked"), "{}", ran.stderr);
        for word in ["PASS", "FAIL", "UNDETERMINED", "\"verdict\"", "report:"] {
            assert!(!ran.stdout.contains(word), "`{word}` on standard output:\n{}", ran.stdout);
        }
        ran
    }
}

/// A folder with the files of one test. `out` receives the reports, `tmp` is the program's temporary folder.
pub(crate) struct Desk {
    folder: TempDir,
}

impl Desk {
    pub(crate) fn new() -> Self {
        let desk = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(desk.path("tmp")).unwrap();
        desk
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        fs::write(self.path(name), content).unwrap();
        self.path(name)
    }

    /// Puts a file of the repository on the desk.
    pub(crate) fn copy(&self, from: &str, name: &str) -> PathBuf {
        fs::copy(repo(from), self.path(name)).unwrap();
        self.path(name)
    }

    /// privet in an environment that holds nothing of the tester's but, where set, the ONNX Runtime to use.
    pub(crate) fn privet(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_privet"));
        command
            .env_clear()
            .env("TMPDIR", self.path("tmp"))
            .env("HOME", self.path("tmp"))
            .current_dir(self.folder.path());
        for kept in ["ORT_DYLIB_PATH", "LD_LIBRARY_PATH", "SystemRoot"] {
            if let Some(value) = std::env::var_os(kept) {
                command.env(kept, value);
            }
        }
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        finish(self.privet().args(arguments))
    }

    /// Writes a plan and assesses it into `out`.
    pub(crate) fn assess(&self, plan: &str, arguments: &[&str]) -> Ran {
        let plan = self.write("plan.toml", plan);
        self.assess_file(&plan, arguments)
    }

    /// Assesses a plan file into `out`.
    pub(crate) fn assess_file(&self, plan: &Path, arguments: &[&str]) -> Ran {
        finish(self.privet().arg("assess").arg(plan).arg("--out").arg(self.path("out")).args(arguments))
    }

    pub(crate) fn report(&self) -> Value {
        serde_json::from_str(&self.report_text()).unwrap()
    }

    pub(crate) fn report_text(&self) -> String {
        fs::read_to_string(self.path("out/report.json")).unwrap()
    }

    pub(crate) fn html(&self) -> String {
        fs::read_to_string(self.path("out/report.html")).unwrap()
    }
}

/// Runs a command to its end. A signal counts as code -1, which no test expects.
pub(crate) fn finish(command: &mut Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// One assessment with its files, made once for all tests that look at it.
pub(crate) struct Example {
    pub(crate) desk: Desk,
    pub(crate) ran: Ran,
}

/// The assessment of a plan under `assessments/`, run at its first use.
pub(crate) fn example(name: &str) -> &'static Example {
    static EXAMPLES: [OnceLock<Example>; 4] = [const { OnceLock::new() }; 4];
    let at =
        ["readmission", "readmission-regularised", "heart", "images"].iter().position(|known| *known == name).unwrap();
    EXAMPLES[at].get_or_init(|| {
        let desk = Desk::new();
        let ran = desk.assess_file(&repo(&format!("assessments/{name}.toml")), &[]);
        Example { desk, ran }
    })
}

/// A small table as text, to be changed and written as CSV. Reads the plain tables of `datasets/shapes` (no quotes).
#[derive(Clone)]
pub(crate) struct Sheet {
    pub(crate) header: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

impl Sheet {
    /// A table of `datasets/shapes/tables`.
    pub(crate) fn shape(name: &str) -> Self {
        let text = fs::read_to_string(repo(&format!("datasets/shapes/tables/{name}.csv"))).unwrap();
        let mut lines = text.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
        Self { header: lines.next().unwrap(), rows: lines.collect() }
    }

    pub(crate) fn column(&self, name: &str) -> usize {
        self.header.iter().position(|column| column == name).unwrap()
    }

    /// Sets one cell.
    #[must_use]
    pub(crate) fn set(mut self, row: usize, column: &str, cell: &str) -> Self {
        let at = self.column(column);
        cell.clone_into(&mut self.rows[row][at]);
        self
    }

    /// Sets a whole column by row number, and adds it where there is none.
    #[must_use]
    pub(crate) fn fill(mut self, column: &str, cell: impl Fn(usize) -> String) -> Self {
        let at = self.header.iter().position(|name| name == column).unwrap_or_else(|| {
            self.header.push(column.to_owned());
            self.rows.iter_mut().for_each(|row| row.push(String::new()));
            self.header.len() - 1
        });
        self.rows.iter_mut().enumerate().for_each(|(number, row)| row[at] = cell(number));
        self
    }

    #[must_use]
    pub(crate) fn without(mut self, column: &str) -> Self {
        let at = self.column(column);
        self.header.remove(at);
        self.rows.iter_mut().for_each(|row| drop(row.remove(at)));
        self
    }

    #[must_use]
    pub(crate) fn rename(mut self, column: &str, name: &str) -> Self {
        let at = self.column(column);
        name.clone_into(&mut self.header[at]);
        self
    }

    /// The rows whose cell in a column fulfils a condition.
    #[must_use]
    pub(crate) fn keep(mut self, column: &str, condition: impl Fn(&str) -> bool) -> Self {
        let at = self.column(column);
        self.rows.retain(|row| condition(&row[at]));
        self
    }

    pub(crate) fn csv(&self) -> String {
        let mut text = self.header.join(",") + "\n";
        for row in &self.rows {
            let _ = writeln!(text, "{}", row.join(","));
        }
        text
    }
}

/// A plan for one table with a split column. `model` is the file, `extra` goes between `[model]` and `[data]`.
pub(crate) fn records_plan(model: &Path, extra: &str, records: &Path, target: &str, rest: &str) -> String {
    format!(
        "[model]\npath = {}\n{extra}\n[data]\nrecords = {}\nsplit = \"split\"\nmember = \"train\"\nnonmember = \"test\"\n\
         target = \"{target}\"\n{rest}\n",
        quoted(model),
        quoted(records)
    )
}

/// A model of `datasets/shapes`.
pub(crate) fn shape_model(name: &str) -> PathBuf {
    repo(&format!("datasets/shapes/{name}.onnx"))
}

/// The bytes of a `.npy` file with a header of our choice: it may lie.
pub(crate) fn npy(kind: &str, shape: &[usize], data: &[u8]) -> Vec<u8> {
    let shape: String = shape.iter().fold(String::new(), |text, size| text + &format!("{size}, "));
    let header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({shape}), }}");
    let padding = 64 - (10 + header.len() + 1) % 64;
    let header = format!("{header}{}\n", " ".repeat(padding));
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(u16::try_from(header.len()).unwrap().to_le_bytes());
    bytes.extend(header.bytes());
    bytes.extend(data);
    bytes
}

/// The bytes of an `.npz` archive.
pub(crate) fn npz(arrays: &[(&str, Vec<u8>)]) -> Vec<u8> {
    use std::io::Write as _;
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in arrays {
        archive.start_file(format!("{name}.npy"), zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// A field of a protobuf message that holds bytes: a text, or a message of its own.
pub(crate) fn proto(field: u64, bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let bytes = bytes.as_ref();
    [varint(field << 3 | 2), varint(bytes.len() as u64), bytes.to_vec()].concat()
}

/// A field of a protobuf message that holds a whole number.
pub(crate) fn proto_number(field: u64, number: u64) -> Vec<u8> {
    [varint(field << 3), varint(number)].concat()
}

fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number > 127 {
        bytes.push(number as u8 & 127 | 128);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// A model file with one more constant of 32-bit floats: protobuf merges what is appended. `more` are further fields of the
/// constant.
pub(crate) fn with_constant(model: &Path, name: &str, shape: &[u64], values: &[f32], more: &[u8]) -> Vec<u8> {
    let dims: Vec<u8> = shape.iter().flat_map(|&size| proto_number(1, size)).collect();
    let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let raw = if values.is_empty() { Vec::new() } else { proto(9, raw) };
    let tensor = [dims, proto_number(2, 1), proto(8, name), raw, more.to_vec()].concat();
    [fs::read(model).unwrap(), proto(7, proto(5, tensor))].concat()
}

/// A model file with one more entry of metadata.
pub(crate) fn with_metadata(model: &[u8], key: &str, value: &str) -> Vec<u8> {
    [model.to_vec(), proto(14, [proto(1, key), proto(2, value)].concat())].concat()
}
