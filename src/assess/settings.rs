//! Typed access to a TOML document that collects every mistake with its line instead of stopping at the first.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

/// A mistake in a plan.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// 1-based line; 0 for something that is missing altogether.
    pub line: usize,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub help: String,
}

/// A parsed document and the mistakes found so far.
pub(super) struct Settings {
    root: toml::Table,
    lines: BTreeMap<String, usize>,
    pub(super) mistakes: Vec<Mistake>,
}

impl Settings {
    /// Parses a document; a document that is no TOML has one mistake per syntax error.
    pub(super) fn parse(text: &str) -> Result<Self, Vec<Mistake>> {
        let line_at = |offset: usize| text[..offset.min(text.len())].matches('\n').count() + 1;
        let (document, errors) = DeTable::parse_recoverable(text);
        let mistakes: Vec<Mistake> = errors
            .iter()
            .map(|error| Mistake {
                line: error.span().map_or(0, |span| line_at(span.start)),
                what: format!("not valid TOML: {}", error.message()),
                help: "see toml.io for the syntax; texts need quotes".to_owned(),
            })
            .collect();
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let mut lines = BTreeMap::new();
        note_lines("", document.get_ref(), &line_at, &mut lines);
        let root = text.parse::<toml::Table>().map_err(|error| {
            vec![Mistake { line: 0, what: format!("not valid TOML: {}", error.message()), help: String::new() }]
        })?;
        Ok(Self { root, lines, mistakes: Vec::new() })
    }

    /// The line of a key, or of its table.
    pub(super) fn line(&self, path: &str) -> usize {
        let parent = path.rsplit_once('.').map_or("", |(parent, _)| parent);
        self.lines.get(path).or_else(|| self.lines.get(parent)).copied().unwrap_or(0)
    }

    /// Adds a mistake about a key.
    pub(super) fn complain(&mut self, path: &str, what: impl Into<String>, help: impl Into<String>) {
        self.mistakes.push(Mistake { line: self.line(path), what: what.into(), help: help.into() });
    }

    /// The names of the keys of a table; empty where it is not there.
    pub(super) fn keys(&self, table: &str) -> Vec<String> {
        self.table(table).map(|table| table.keys().cloned().collect()).unwrap_or_default()
    }

    pub(super) fn table(&self, path: &str) -> Option<&toml::Table> {
        if path.is_empty() {
            return Some(&self.root);
        }
        path.split('.').try_fold(&self.root, |table, name| table.get(name)?.as_table())
    }

    /// Complains about every key of a table that is not among the known ones.
    pub(super) fn only(&mut self, table: &str, known: &[&str]) {
        for key in self.keys(table) {
            if !known.contains(&key.as_str()) {
                let path = if table.is_empty() { key.clone() } else { format!("{table}.{key}") };
                let close = known.iter().find(|name| similar(name, &key));
                let help = match close {
                    Some(name) => format!("did you mean `{name}`?"),
                    None => format!("known here: {}", known.join(", ")),
                };
                self.complain(&path, format!("`{path}` is not a setting"), help);
            }
        }
    }

    /// Whether a key is there.
    pub(super) fn has(&self, table: &str, key: &str) -> bool {
        self.value(table, key).is_some()
    }

    pub(super) fn value(&self, table: &str, key: &str) -> Option<&toml::Value> {
        self.table(table)?.get(key)
    }

    /// A value of a wanted type; a complaint where it has another.
    pub(super) fn take<T>(
        &mut self,
        table: &str,
        key: &str,
        wanted: &str,
        convert: impl Fn(&toml::Value) -> Option<T>,
    ) -> Option<T> {
        let value = self.value(table, key)?;
        let converted = convert(value);
        if converted.is_none() {
            self.complain(
                &format!("{table}.{key}"),
                format!("`{table}.{key}` must be {wanted}"),
                format!("write {table}.{key} as {wanted}"),
            );
        }
        converted
    }

    /// A path of a file that must exist, relative to a folder.
    pub(super) fn existing(&mut self, folder: &Path, table: &str, key: &str) -> Option<PathBuf> {
        let path = folder.join(self.text(table, key)?);
        if !path.is_file() {
            self.complain(
                &format!("{table}.{key}"),
                format!("`{table}.{key}` names `{}`, which is no file", path.display()),
                "paths are relative to the plan's folder",
            );
        }
        Some(path)
    }

    pub(super) fn text(&mut self, table: &str, key: &str) -> Option<String> {
        self.take(table, key, "a text in quotes that is not empty", |value| {
            value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
        })
    }

    pub(super) fn texts(&mut self, table: &str, key: &str) -> Option<Vec<String>> {
        self.take(table, key, "a list of texts", text_list)
    }

    pub(super) fn whole(&mut self, table: &str, key: &str) -> Option<u64> {
        self.take(table, key, "a whole number from 0", |value| value.as_integer().and_then(|v| u64::try_from(v).ok()))
    }

    pub(super) fn number(&mut self, table: &str, key: &str) -> Option<f64> {
        self.take(table, key, "a number", |value| value.as_float().or(value.as_integer().map(|v| v as f64)))
    }

    /// One of a few words, deserialised.
    pub(super) fn word<T: serde::de::DeserializeOwned>(&mut self, table: &str, key: &str, words: &[&str]) -> Option<T> {
        let wanted =
            format!("one of {}", words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", "));
        self.take(table, key, &wanted, |value| value.clone().try_into().ok())
    }
}

/// A list of texts.
pub(super) fn text_list(value: &toml::Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect()
}

fn note_lines(
    prefix: &str,
    table: &DeTable<'_>,
    line_at: &impl Fn(usize) -> usize,
    lines: &mut BTreeMap<String, usize>,
) {
    for (key, value) in table {
        let name: &str = key.get_ref();
        let path = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") };
        lines.insert(path.clone(), line_at(key.span().start));
        if let DeValue::Table(inner) = value.get_ref() {
            note_lines(&path, inner, line_at, lines);
        }
    }
}

/// Whether a name is likely a misspelling of another: the same letters, or one edit apart.
fn similar(known: &str, given: &str) -> bool {
    let plain = |text: &str| text.to_lowercase().replace(['-', '_', ' '], "");
    let (a, b): (Vec<char>, Vec<char>) = (plain(known).chars().collect(), plain(given).chars().collect());
    if a == b {
        return true;
    }
    if a.len().abs_diff(b.len()) > 1 {
        return false;
    }
    let start = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let end = a[start..].iter().rev().zip(b[start..].iter().rev()).take_while(|(x, y)| x == y).count();
    a.len().max(b.len()) - start - end <= 1
}
