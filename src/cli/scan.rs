//! `privet scan`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;

use anyhow::Context;
use comfy_table::ColumnConstraint;

use super::args;
use super::assess::with_help;
use super::{Exit, show};
use crate::assess::scan::{Outcome, Scan, scan_file};
use crate::check::dataset::{ScanSettings, Scanned};
use crate::detect::Class;

pub(super) fn run(arguments: &args::Scan) -> anyhow::Result<Exit> {
    let settings = ScanSettings {
        limited_data_set: arguments.limited_data_set,
        zip3: None,
        zip3_file: arguments.zip3.clone(),
        accepted: arguments.accept.iter().cloned().collect::<BTreeMap<String, String>>(),
        year: arguments.year,
        hash_search: arguments.hash_search,
    };
    let scan = scan_file(&arguments.data, arguments.patient.as_deref(), &settings).map_err(with_help)?;
    let mut out = std::io::stdout().lock();
    if arguments.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&scan).context("writing JSON")?)?;
    } else {
        write!(out, "{}", text(&scan, arguments.verbose))?;
    }
    let exit = match scan.outcome() {
        Outcome::Clear => Exit::Pass,
        Outcome::Review => Exit::Undetermined,
        Outcome::Findings => Exit::Fail,
    };
    Ok(if arguments.exit_zero { exit.masked() } else { exit })
}

fn text(scan: &Scan, verbose: bool) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{}: {} records, {} columns", scan.file.file, scan.records, scan.columns.len());
    let _ =
        writeln!(text, "  judged by {}; postcodes {}; ages by {}\n", scan.mode.words(), scan.postcodes.0, scan.year);
    let mut shown: Vec<&Scanned> = scan.columns.iter().filter(|column| !column.rule.is_empty()).collect();
    shown.sort_by_key(|column| std::cmp::Reverse(column.class));
    if !shown.is_empty() {
        let mut table = show::table(&["column", "class", "item", "rule", "rows", "shapes", "remark"]);
        for column in &shown {
            table.add_row(row(column));
        }
        for whole in [0, 1, 3, 4] {
            if let Some(column) = table.column_mut(whole) {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        let _ = writeln!(text, "{table}\n");
    }
    if verbose {
        for column in shown {
            let terms: Vec<String> = column.terms.iter().map(|(what, odds)| format!("{odds:+.1} {what}")).collect();
            let _ = writeln!(text, "{}: {:+.1} = {}", column.column, column.log_odds, terms.join("; "));
        }
        text.push('\n');
    }
    if let Some(alone) = &scan.alone {
        let _ = writeln!(text, "{}\n", alone.sentence);
    }
    let count = |class| scan.of_class(class).count();
    let silent = scan.columns.len() - scan.columns.iter().filter(|c| c.class > Class::Clear).count();
    let _ = writeln!(
        text,
        "{} prohibited, {} conditional, {} to review, {silent} clear. Clear says that nothing was recognised.",
        count(Class::Prohibited),
        count(Class::Conditional),
        count(Class::Review)
    );
    text
}

fn row(column: &Scanned) -> [String; 7] {
    let accepted = column.accepted.as_ref().map(|reason| format!("accepted: {reason}"));
    let remarks: Vec<&str> =
        accepted.as_deref().into_iter().chain([column.remark.as_str()]).filter(|r| !r.is_empty()).collect();
    [
        column.column.clone(),
        column.class.word().to_owned(),
        column.item.map(|item| format!("({}) {}", item.letter(), item.words())).unwrap_or_default(),
        column.rule.clone(),
        column.concerned.to_string(),
        column.shapes.first().cloned().unwrap_or_default(),
        remarks.join("; "),
    ]
}
