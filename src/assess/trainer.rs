//! `[reference] command`: the user's own training program, which makes the reference models.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::settings::Settings;

/// The settings of a training program.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainerPlan {
    /// Program and arguments, with placeholders.
    pub command: Vec<String>,
    /// How many models.
    pub count: usize,
    /// How many are trained at the same time.
    pub parallel: usize,
    /// How often one is tried.
    pub attempts: usize,
    /// How long one may take.
    pub timeout: Duration,
    /// Where models are kept.
    pub cache: PathBuf,
    /// Files that the program depends on, as the plan names them, and where they are.
    pub inputs: Vec<(String, PathBuf)>,
    /// Where the program runs: the plan's folder.
    pub folder: PathBuf,
}

/// The keys of `[reference]` that belong to a command.
pub(super) const KEYS: [&str; 7] = ["command", "count", "parallel", "attempts", "timeout_minutes", "cache", "inputs"];

const PLACEHOLDERS: [&str; 4] = ["train", "model", "seed", "index"];
const MOST: u64 = 256;
const MOST_ATTEMPTS: u64 = 10;
/// A week.
const LONGEST_MINUTES: f64 = 10_080.0;

impl TrainerPlan {
    /// Reads the part of `[reference]` that belongs to a command.
    pub(super) fn of(s: &mut Settings, folder: &Path) -> Option<Self> {
        let command = command(s)?;
        let mut number = |key: &str, default: u64, most: u64| {
            let value = s.whole("reference", key).unwrap_or(default);
            if !(1..=most).contains(&value) {
                let what = format!("`reference.{key}` must be from 1 to {most}");
                s.complain(&format!("reference.{key}"), what, format!("leave it out for {default}"));
            }
            value as usize
        };
        let count = number("count", 8, MOST);
        let parallel = number("parallel", 1, MOST);
        let attempts = number("attempts", 2, MOST_ATTEMPTS);
        let minutes = s.number("reference", "timeout_minutes").unwrap_or(60.0);
        let sensible = minutes > 0.0 && minutes <= LONGEST_MINUTES;
        if !sensible {
            let what = format!("`reference.timeout_minutes` must be more than 0 and at most {LONGEST_MINUTES}");
            s.complain("reference.timeout_minutes", what, "leave it out for 60");
        }
        let cache = s.text("reference", "cache").unwrap_or_else(|| ".privet/references".to_owned());
        Some(Self {
            inputs: inputs(s, folder, &command),
            command,
            count,
            parallel,
            attempts,
            timeout: Duration::from_secs_f64(if sensible { minutes * 60.0 } else { 3600.0 }),
            cache: folder.join(cache),
            folder: if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder.to_owned() },
        })
    }

    /// Whether the command says which reference it makes.
    pub(super) fn names_index(&self) -> bool {
        self.command.iter().any(|argument| placeholders(argument).contains(&"index"))
    }

    /// The command with every placeholder filled in.
    pub(super) fn filled(&self, value: impl Fn(&str) -> String) -> Vec<String> {
        self.command.iter().map(|argument| fill(argument, &value)).collect()
    }
}

fn command(s: &mut Settings) -> Option<Vec<String>> {
    let path = "reference.command";
    let command = s.texts("reference", "command")?;
    if command.first().is_none_or(String::is_empty) {
        s.complain(path, "`reference.command` names no program", "write it as [\"python\", \"train.py\", ...]");
        return None;
    }
    let found: Vec<&str> = command.iter().flat_map(|argument| placeholders(argument)).collect();
    for name in &found {
        if !PLACEHOLDERS.contains(name) {
            let known = "known are {train}, {model}, {seed} and {index}";
            s.complain(path, format!("`reference.command` holds the unknown placeholder `{{{name}}}`"), known);
        }
    }
    for (name, help) in [
        ("train", "privet puts the file of training records there"),
        ("model", "the program writes its ONNX file there"),
    ] {
        if !found.contains(&name) {
            s.complain(path, format!("`reference.command` does not use `{{{name}}}`"), help);
        }
    }
    Some(command)
}

/// Files whose content belongs to the key of a model: those that the plan lists and those that the command names.
fn inputs(s: &mut Settings, folder: &Path, command: &[String]) -> Vec<(String, PathBuf)> {
    let mut names = s.texts("reference", "inputs").unwrap_or_default();
    for name in &names {
        let path = folder.join(name);
        if !path.is_file() {
            let what = format!("`reference.inputs` names `{}`, which is no file", path.display());
            s.complain("reference.inputs", what, "paths are relative to the plan's folder; list files, not folders");
        }
    }
    let named = command.iter().filter(|argument| Path::new(argument).is_relative() && folder.join(argument).is_file());
    names.extend(named.cloned());
    names.sort();
    names.dedup();
    names.into_iter().map(|name| (name.clone(), folder.join(name))).collect()
}

/// The words in braces of an argument; braces around anything but lower-case letters are text.
fn placeholders(argument: &str) -> Vec<&str> {
    pieces(argument).into_iter().filter_map(Result::err).collect()
}

fn fill(argument: &str, value: &impl Fn(&str) -> String) -> String {
    pieces(argument).into_iter().map(|piece| piece.map_or_else(value, str::to_owned)).collect()
}

/// An argument cut into texts and the names of placeholders (the error side).
fn pieces(argument: &str) -> Vec<Result<&str, &str>> {
    let mut found = Vec::new();
    let (mut rest, mut text) = (argument, 0);
    while let Some(open) = rest[text..].find('{').map(|at| text + at) {
        let inner = &rest[open + 1..];
        let length = inner.find(|c: char| !c.is_ascii_lowercase() && c != '_').unwrap_or(inner.len());
        if length > 0 && inner[length..].starts_with('}') {
            found.extend([Ok(&rest[..open]), Err(&inner[..length])]);
            (rest, text) = (&inner[length + 1..], 0);
        } else {
            text = open + 1;
        }
    }
    found.push(Ok(rest));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_words_in_braces() {
        assert_eq!(placeholders("--out={model}"), ["model"]);
        assert_eq!(placeholders("{train}{seed}"), ["train", "seed"]);
        assert_eq!(placeholders("{\"depth\": 3} {} {A} {x"), Vec::<&str>::new());
        assert_eq!(placeholders("{{model}}"), ["model"]);
    }

    #[test]
    fn filling_is_not_repeated() {
        let value = |name: &str| if name == "train" { "{model}".to_owned() } else { "m".to_owned() };
        assert_eq!(fill("a{train}b{model}c{\"d\":1}", &value), "a{model}bmc{\"d\":1}");
    }
}
