//! `privet measure`: re-identification risk of a file, without a plan or a model.

use std::io::Write;

use serde::Serialize;

use super::args::Measure;
use super::{Exit, chosen, helped, once, one, printable, show};
use crate::check::reidentification::{Counted, Measurement};
use crate::data::{
    DataError, Limits, Passed, Reading, Table, ThreatModel, column_names, load_codes, load_columns, load_passes,
};
use crate::equivalence::Column;
use crate::finding::{Count, Evidence, Unit, grouped};
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
    /// How often a file was read that is larger than the limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    passes: Option<u64>,
}

/// A file that was read: its codes, whose each record is and the sensitive column, or its groups alone where it is larger than
/// the limit.
enum Read {
    Codes { columns: Vec<Column>, people: Option<Vec<u32>>, sensitive: Option<Table> },
    Passed(Passed),
}

pub(super) fn run(arguments: &Measure) -> anyhow::Result<Exit> {
    let mut clock = Clock::new(&Unwatched);
    let (measurement, passes) = measured(arguments, &mut clock).map_err(|error| {
        let error = error.limited_by("--max-bytes");
        let help = error.help();
        helped(error, help)
    })?;
    let mut out = std::io::stdout().lock();
    if arguments.json {
        let written = Written { measurement: &measurement, envelope: Envelope { seconds: clock.seconds, passes } };
        writeln!(out, "{}", serde_json::to_string_pretty(&written)?)?;
    } else {
        print(&mut out, &measurement)?;
        if let Some(passes) = passes {
            let times = if passes == 1 { "once".to_owned() } else { format!("{passes} times") };
            writeln!(
                out,
                "\nThe file is larger than --max-bytes: it was read once for its values, and {times} to count them."
            )?;
        }
    }
    Ok(Exit::Pass)
}

fn measured(arguments: &Measure, clock: &mut Clock<'_>) -> Result<(Measurement, Option<u64>), DataError> {
    const SETTING: &str = "--quasi-identifiers";
    let limits = arguments.max_bytes.map_or(Limits::default(), |bytes| Limits { bytes });
    let reading = Reading { missing: arguments.missing.clone(), limits, ..Reading::default() };
    let columns = column_names(&arguments.data, &reading)?;
    let names = once(&chosen(&arguments.quasi_identifiers, &columns));
    if names.len() > 64 {
        return Err(DataError::Shape {
            what: format!("{} quasi-identifiers are named", names.len()),
            help: "name from 1 to 64 columns".to_owned(),
        });
    }
    let threat = ThreatModel::of("", &names);
    let read = clock.time("read", || {
        if arguments.sensitive.is_none()
            && arguments.patient.is_none()
            && let Some(passed) = load_passes(&arguments.data, SETTING, &names, &reading)?
        {
            return Ok(Read::Passed(passed));
        }
        let codes = load_codes(&arguments.data, SETTING, &names, &reading)?;
        let sensitive = arguments.sensitive.as_ref().map(|name| {
            let place = format!("`{}`", arguments.data.display());
            let name = one(name, &columns).to_owned();
            load_columns(&arguments.data, &place, "--sensitive", &[name], &reading)
        });
        let people = arguments.patient.as_ref().map(|name| {
            let name = one(name, &columns).to_owned();
            let codes = load_codes(&arguments.data, "--patient", &[name], &reading)?;
            Ok::<_, DataError>(codes.first().map(Column::people).unwrap_or_default())
        });
        Ok::<_, DataError>(Read::Codes {
            columns: codes,
            people: people.transpose()?,
            sensitive: sensitive.transpose()?,
        })
    })?;
    let (columns, people, sensitive) = match read {
        Read::Codes { columns, people, sensitive } => (columns, people, sensitive),
        Read::Passed(found) => {
            let counted = Counted::before(&threat, found.histogram, found.incomplete);
            return Ok((clock.time("measures", || counted.measure()), Some(found.passes)));
        }
    };
    let column = sensitive.as_ref().and_then(|table| table.columns().first());
    let column = column.map(|column| (column.name.as_str(), &column.cells));
    let counted = clock.time("classes", || Counted::of(&threat, columns, people.as_deref(), column));
    Ok((clock.time("measures", || counted.measure()), None))
}

fn print(out: &mut impl Write, found: &Measurement) -> std::io::Result<()> {
    let line = |out: &mut dyn Write, name: &str, value: &str| writeln!(out, "{name:<42} {}", printable(value));
    line(out, "quasi-identifiers", &found.quasi_identifiers.join(", "))?;
    line(out, "records", &grouped(found.records))?;
    if let Some(people) = &found.people {
        line(out, "people, who are counted in groups", &people.to_string())?;
    }
    let hidden = || Count::Hidden.to_string();
    line(out, "groups", &found.classes.map_or_else(hidden, grouped))?;
    line(out, "smallest group, k", &found.k.to_string())?;
    let wildcard = found
        .k_wildcard
        .map_or("not computed: too many records or patterns of missing cells".to_owned(), |k| k.to_string());
    line(out, "k, a missing cell matching everything", &wildcard)?;
    line(out, "records with a missing quasi-identifier", &found.incomplete)?;
    line(out, "largest group", &grouped(u64::from(found.largest)))?;
    line(out, "records that stand alone", &Unit::Share.show_interval(&found.uniqueness))?;
    for (size, records) in &found.below {
        let people = if found.people.is_some() { " people" } else { "" };
        line(out, &format!("records in groups of fewer than {size}{people}"), records)?;
    }
    let average = match (found.average_risk, found.classes) {
        (Some(risk), Some(_)) => format!("{risk:.6}"),
        (Some(risk), None) => format!("at least {risk:.2}"),
        (None, _) => hidden(),
    };
    line(out, "average risk over records", &average)?;
    let separation = found.separation.map_or_else(hidden, |share| format!("{share:.6}"));
    line(out, "pairs of records that can be told apart", &separation)?;
    for finding in &found.sensitive {
        writeln!(out, "\n{}", printable(&finding.sentence))?;
        for evidence in &finding.evidence {
            if let Evidence::Table(table) = evidence {
                let header: Vec<_> = table.columns.iter().map(|name| printable(name)).collect();
                let mut shown = show::table(&header.iter().map(AsRef::as_ref).collect::<Vec<_>>());
                for row in &table.rows {
                    shown.add_row(row.iter().map(|cell| printable(cell)));
                }
                writeln!(out, "{shown}")?;
            }
        }
    }
    Ok(())
}
