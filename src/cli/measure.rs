//! `privet measure`: re-identification risk of a file, without a plan or a model.

use std::io::Write;

use serde::Serialize;

use super::args::Measure;
use super::{Exit, helped, show};
use crate::check::reidentification::{Counted, Measurement};
use crate::data::{DataError, Limits, Reading, ThreatModel, load_codes, load_columns};
use crate::finding::{Evidence, Unit, grouped};
use crate::watch::{Clock, Unwatched};

/// What is written as JSON. As in a report, all that differs from run to run is in the envelope, which comes last.
#[derive(Serialize)]
struct Written<'a> {
    #[serde(flatten)]
    measurement: &'a Measurement,
    envelope: Envelope,
}

#[derive(Serialize)]
struct Envelope {
    seconds: Vec<(String, f64)>,
}

pub(super) fn run(arguments: &Measure) -> anyhow::Result<Exit> {
    let mut clock = Clock::new(&Unwatched);
    let measurement = measured(arguments, &mut clock).map_err(|error| {
        let help = error.help();
        helped(error, help)
    })?;
    let mut out = std::io::stdout().lock();
    if arguments.json {
        let written = Written { measurement: &measurement, envelope: Envelope { seconds: clock.seconds } };
        writeln!(out, "{}", serde_json::to_string_pretty(&written)?)?;
    } else {
        print(&mut out, &measurement)?;
    }
    Ok(Exit::Pass)
}

fn measured(arguments: &Measure, clock: &mut Clock<'_>) -> Result<Measurement, DataError> {
    const SETTING: &str = "--quasi-identifiers";
    let mut names: Vec<String> = Vec::new();
    for name in &arguments.quasi_identifiers {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    if names.len() > 64 {
        return Err(DataError::Shape {
            what: format!("{} quasi-identifiers are named", names.len()),
            help: "name from 1 to 64 columns".to_owned(),
        });
    }
    let limits = arguments.max_bytes.map_or(Limits::default(), |bytes| Limits { bytes });
    let reading = Reading { missing: arguments.missing.clone(), limits, ..Reading::default() };
    let (columns, sensitive) = clock.time("read", || {
        let columns = load_codes(&arguments.data, SETTING, &names, &reading)?;
        let sensitive = arguments.sensitive.as_ref().map(|name| {
            let place = format!("`{}`", arguments.data.display());
            load_columns(&arguments.data, &place, "--sensitive", std::slice::from_ref(name), &reading)
        });
        Ok::<_, DataError>((columns, sensitive.transpose()?))
    })?;
    let column = sensitive.as_ref().and_then(|table| table.columns().first());
    let column = column.map(|column| (column.name.as_str(), &column.cells));
    let threat = ThreatModel::of("", &names);
    let counted = clock.time("classes", || Counted::of(&threat, columns, column));
    Ok(clock.time("measures", || counted.measure()))
}

fn print(out: &mut impl Write, found: &Measurement) -> std::io::Result<()> {
    let line = |out: &mut dyn Write, name: &str, value: &str| writeln!(out, "{name:<42} {value}");
    line(out, "quasi-identifiers", &found.quasi_identifiers.join(", "))?;
    line(out, "records", &grouped(found.records))?;
    line(out, "groups", &grouped(found.classes))?;
    line(out, "smallest group, k", &found.k.to_string())?;
    let wildcard =
        found.k_wildcard.map_or("not computed: too many patterns of missing cells".to_owned(), |k| k.to_string());
    line(out, "k, a missing cell matching everything", &wildcard)?;
    line(out, "records with a missing quasi-identifier", &found.incomplete)?;
    line(out, "largest group", &grouped(u64::from(found.largest)))?;
    line(out, "records that stand alone", &Unit::Share.show_interval(&found.uniqueness))?;
    for (size, records) in &found.below {
        line(out, &format!("records in groups of fewer than {size}"), records)?;
    }
    line(out, "average risk over records", &format!("{:.6}", found.average_risk))?;
    line(out, "pairs of records that can be told apart", &format!("{:.6}", found.separation))?;
    for finding in &found.sensitive {
        writeln!(out, "\n{}", finding.sentence)?;
        for evidence in &finding.evidence {
            if let Evidence::Table(table) = evidence {
                let header: Vec<&str> = table.columns.iter().map(String::as_str).collect();
                let mut shown = show::table(&header);
                for row in &table.rows {
                    shown.add_row(row);
                }
                writeln!(out, "{shown}")?;
            }
        }
    }
    Ok(())
}
