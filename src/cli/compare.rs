//! `privet compare`.

use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;

use anyhow::Context;

use super::args;
use super::assess::with_help;
use super::outputs::Private;
use super::{Exit, chosen, helped, once, one, show};
use crate::assess::compare::masking::{IntervalDisclosure, Masked, Masking, Rule, Way, masking};
use crate::assess::compare::{Change, Comparison, How, Profile, Version, compare};
use crate::data::{DataError, Reading, column_names};
use crate::finding::{Unit, grouped};

pub(super) fn run(arguments: &args::Compare) -> anyhow::Result<Exit> {
    // A file that cannot be read is told of when it is.
    let columns = column_names(&arguments.after, &Reading::default()).unwrap_or_default();
    let how = How {
        quasi_identifiers: once(&chosen(&arguments.quasi_identifiers, &columns)),
        patient: arguments.patient.as_deref().map(|name| one(name, &columns).to_owned()),
        missing: arguments.missing.clone(),
        numbers: once(&chosen(&arguments.numbers, &columns)),
        seed: arguments.seed,
    };
    // A bad path fails before anything is measured.
    let keep = arguments.keep.as_deref().map(|file| Ok::<_, anyhow::Error>((file, kept(file)?))).transpose()?;
    let is_profile = arguments.before.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json"));
    let load = |file: &Path, role: &str| Version::load(file, role, &how).map_err(with_help);
    let older = if is_profile { None } else { Some(load(&arguments.before, "older version")?) };
    let before = match &older {
        Some(older) => Profile::of(older, &how),
        None => Profile::load(&arguments.before),
    };
    let before = before.map_err(with_help)?;
    let newer = load(&arguments.after, "newer version")?;
    let after = Profile::of(&newer, &how).map_err(with_help)?;
    let comparison = compare(&before, &after).map_err(with_help)?;
    let masking = masking(older.as_ref(), &newer, &how).map_err(with_help)?;
    let comparison = Comparison { masking: Some(masking), ..comparison };
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
    match &found.masking {
        Some(Masking::Shown(masked)) => text.push_str(&masked_text(masked)),
        Some(Masking::NotShown { not_shown }) => {
            let _ = writeln!(text, "\nHow well the newer version masks the older one is not shown: {not_shown}.");
        }
        None => {}
    }
    text
}

/// How well a masking hides: columns, intervals, linkage, and why the numbers may be wrong.
fn masked_text(masked: &Masked) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "\nMasking: {} records of both versions, paired by {}\n", masked.records, masked.paired_by);
    let mut columns = show::table(&["column", "compared by", "cells that changed", "looked at by"]);
    for column in &masked.columns {
        let looked = [(column.interval, "intervals"), (column.linked, "linkage")];
        let looked: Vec<&str> = looked.into_iter().filter_map(|(looks, name)| looks.then_some(name)).collect();
        columns.add_row([
            &*column.name,
            column.by.words(),
            &Unit::Share.show_at_most(&column.changed),
            &looked.join(", "),
        ]);
    }
    let _ = writeln!(text, "{columns}\n");
    if masked.intervals.is_empty() {
        let _ = writeln!(
            text,
            "No column that intervals look at holds numbers in both versions: name some with --numbers.\n"
        );
    } else {
        let first = format!("{} whose numbers lie near their masked values", masked.unit);
        let mut intervals = show::table(&[&first, "share", "95 % interval", "a stranger's"]);
        for found in &masked.intervals {
            let stranger = Unit::Share.show(found.of_a_stranger);
            let interval = Unit::Share.show_interval(&found.disclosed);
            intervals.add_row([&rule(found), &Unit::Share.show_at_most(&found.disclosed), &interval, &stranger]);
        }
        let _ = writeln!(text, "{intervals}\n");
    }
    let first = format!("{} found by distance", masked.unit);
    let mut linkage = show::table(&[&first, "share", "95 % interval", "by chance", "looked for", "among"]);
    for found in &masked.linkage {
        let (way, among) = match found.way {
            Way::Nearest => ("nearest original", format!("all {} originals", grouped(found.among as u64))),
            Way::OneToOne => ("one to one, least total", format!("the originals of these {}", masked.unit)),
        };
        let interval = Unit::Share.show_interval(&found.right);
        let chance = format!("1 in {}", grouped((1.0 / found.by_chance).round() as u64));
        let looked = format!("{} {}", grouped(found.right.n as u64), masked.unit);
        linkage.add_row([way, &Unit::Share.show_at_most(&found.right), &interval, &chance, &looked, &among]);
    }
    let _ = writeln!(text, "{linkage}\n");
    for limit in &masked.limits {
        let _ = writeln!(text, "- {limit}");
    }
    text
}

fn rule(found: &IntervalDisclosure) -> String {
    let which = match found.rule {
        Rule::All => "all",
        Rule::AllButOne => "all but at most one",
    };
    format!("{which} within {} standard deviations", found.k)
}

fn table(first: &str, changes: &[Change]) -> comfy_table::Table {
    let mut table = show::table(&[first, "before", "after", "change", ""]);
    for change in changes {
        let worse = if change.worse { "worse" } else { "" };
        table.add_row([change.measure.as_str(), &change.before, &change.after, &change.change, worse]);
    }
    table
}
