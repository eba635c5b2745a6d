//! `privet compare`.

use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;

use anyhow::Context;

use super::args;
use super::assess::with_help;
use super::outputs::Private;
use super::{Exit, helped, show};
use crate::assess::compare::{Change, Comparison, How, Profile, compare};
use crate::data::DataError;

pub(super) fn run(arguments: &args::Compare) -> anyhow::Result<Exit> {
    let how = How {
        quasi_identifiers: arguments.quasi_identifiers.clone(),
        patient: arguments.patient.clone(),
        missing: arguments.missing.clone(),
    };
    // A bad path fails before anything is measured.
    let keep = arguments.keep.as_deref().map(|file| Ok::<_, anyhow::Error>((file, kept(file)?))).transpose()?;
    let is_profile = arguments.before.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json"));
    let before = if is_profile {
        Profile::load(&arguments.before)
    } else {
        Profile::of_file(&arguments.before, "older version", &how)
    };
    let before = before.map_err(with_help)?;
    let after = Profile::of_file(&arguments.after, "newer version", &how).map_err(with_help)?;
    let comparison = compare(&before, &after).map_err(with_help)?;
    if let Some((file, kept)) = keep {
        let text = serde_json::to_string_pretty(&after).context("writing JSON")? + "\n";
        kept.write(&text).with_context(|| format!("writing `{}`", file.display()))?;
    }
    let mut out = std::io::stdout().lock();
    if arguments.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&comparison).context("writing JSON")?)?;
    } else {
        write!(out, "{}", text(&comparison, &after.unit))?;
    }
    let exit = if comparison.is_worse() { Exit::Fail } else { Exit::Pass };
    Ok(if arguments.exit_zero { exit.masked() } else { exit })
}

fn kept(file: &Path) -> anyhow::Result<Private> {
    Private::open(file).map_err(|source| {
        let error = DataError::Io { file: file.to_owned(), source };
        helped(error, "give --keep a path that does not exist yet, in a folder that does".to_owned())
    })
}

fn text(found: &Comparison, unit: &str) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{} -> {}; groups count {unit}\n", found.before.file, found.after.file);
    let _ = writeln!(text, "{}\n", table("measure", &found.changes));
    let _ = writeln!(text, "{}\n", table("records in groups of", &found.histogram));
    for risky in &found.risky {
        let new = if risky.new { "new column" } else { "column" };
        let _ = writeln!(text, "{new} `{}`: {}", risky.column, risky.why.join("; "));
    }
    if !found.gone.is_empty() {
        let _ = writeln!(text, "gone: {}", found.gone.join(", "));
    }
    let _ = writeln!(
        text,
        "{}",
        if found.is_worse() { "People are easier to tell apart than before." } else { "Nothing got worse." }
    );
    text
}

fn table(first: &str, changes: &[Change]) -> comfy_table::Table {
    let mut table = show::table(&[first, "before", "after", "change", ""]);
    for change in changes {
        let worse = if change.worse { "worse" } else { "" };
        table.add_row([change.measure.as_str(), &change.before, &change.after, &change.change, worse]);
    }
    table
}
