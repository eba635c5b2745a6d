//! The file about single records of `privet assess`, and its key.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::args::Assess;
use super::assess::{tidy, with_help};
use super::helped;
use super::outputs::Private;
use crate::assess::assessment::Assessment;
use crate::assess::evidence::{Key, Records};

/// The files that were asked for, opened before the run.
pub(super) struct Evidence {
    path: PathBuf,
    file: Private,
    key: Key,
    /// Where a new key goes.
    new_key: Option<(PathBuf, Private)>,
}

/// A file that is not written.
#[derive(Debug, thiserror::Error)]
#[error("the file `{file}` of `{setting}`: {source}")]
struct Refused {
    file: String,
    setting: &'static str,
    source: std::io::Error,
}

fn refused(path: &Path, setting: &'static str, source: std::io::Error) -> anyhow::Error {
    let help = match (setting, source.kind()) {
        ("--record-key", _) => "name a key that can be read, or leave --record-key out and a key is made".to_owned(),
        (_, std::io::ErrorKind::AlreadyExists) => {
            "name a file that does not exist yet with --record-evidence".to_owned()
        }
        _ => "name a new file in a folder that can be written with --record-evidence".to_owned(),
    };
    helped(Refused { file: tidy(path), setting, source }, help)
}

impl Evidence {
    /// Opens what the arguments ask for; nothing where they ask for nothing.
    pub(super) fn open(arguments: &Assess) -> anyhow::Result<Option<Self>> {
        let Some(path) = arguments.record_evidence.clone() else { return Ok(None) };
        let open = |path: &Path| Private::open(path).map_err(|source| refused(path, "--record-evidence", source));
        let (key, new_key) = if let Some(given) = &arguments.record_key {
            let text = std::fs::read_to_string(given).map_err(|source| refused(given, "--record-key", source))?;
            (Key::parse(&text).map_err(with_help)?, None)
        } else {
            let mut name = path.clone().into_os_string();
            name.push(".key");
            let beside = PathBuf::from(name);
            let file = open(&beside)?;
            (Key::fresh().map_err(with_help)?, Some((beside, file)))
        };
        Ok(Some(Self { file: open(&path)?, path, key, new_key }))
    }

    /// Writes the files and notes them in the assessment; the lines are for the reader of the terminal.
    pub(super) fn write(
        self,
        records: Option<&Records>,
        assessment: Assessment,
    ) -> anyhow::Result<(Assessment, String)> {
        let Some(records) = records else {
            return Ok((assessment, "record evidence: not written, since no membership attack ran\n".to_owned()));
        };
        let csv = records.csv(&self.key);
        let mut lines = format!("record evidence: {} (only its owner can read it)\n", tidy(&self.path));
        if let Some((path, file)) = self.new_key {
            file.write(&self.key.text()).map_err(|source| refused(&path, "--record-evidence", source))?;
            let _ = writeln!(lines, "its key: {} (keep it elsewhere: with it, pseudonyms are rows)", tidy(&path));
        }
        self.file.write(&csv).map_err(|source| refused(&self.path, "--record-evidence", source))?;
        let name = self.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Ok((assessment.with_evidence(name, &csv), lines))
    }
}
