//! `privet repair`.

use std::fmt::Write as _;
use std::io::Write;

use super::args;
use super::assess::with_help;
use super::{Exit, onnxruntime, progress};
use crate::assess::plan::Plan;
use crate::assess::repair::{self, Measured, Quality, Repaired, Wishes};
use crate::finding::{Finding, Unit, grouped};

pub(super) fn run(arguments: &args::Repair) -> anyhow::Result<Exit> {
    let plan = arguments.plan.as_deref().map(Plan::load).transpose().map_err(|error| with_help(error.into()))?;
    let wishes = Wishes { digits: u32::from(arguments.digits), least: usize::from(arguments.least) };
    let watch = progress::watch(!arguments.no_progress);
    let candidates = onnxruntime::candidates(arguments.onnxruntime.as_deref());
    let repaired = repair::run(&arguments.model, &arguments.out, wishes, plan.as_ref(), &candidates, watch.as_ref())
        .map_err(with_help)?;
    let mut out = std::io::stdout().lock();
    write!(out, "{}", text(&repaired, wishes))?;
    writeln!(out, "written: {}", arguments.out.display())?;
    Ok(Exit::Pass)
}

fn text(repaired: &Repaired, wishes: Wishes) -> String {
    let mut text = String::new();
    let edits = &repaired.edits;
    let count = |count: usize| grouped(count as u64);
    let digits = wishes.digits;
    let _ = writeln!(text, "constants of splits rounded to {digits} significant digits: {}", count(edits.constants));
    let _ = writeln!(text, "numbers of scalers rounded to {digits} significant digits: {}", count(edits.offsets));
    let _ = writeln!(text, "names, documentation and metadata entries dropped: {}", count(edits.texts));
    let _ = writeln!(text, "lists of hit rates dropped: {}", count(edits.hit_rates));
    match &repaired.merged {
        Some(merged) => {
            let _ = writeln!(
                text,
                "leaves of fewer than {} people merged: {} leaves before, {} after",
                wishes.least,
                count(merged.before),
                count(merged.after)
            );
            if merged.left > 0 {
                let _ = writeln!(text, "tree ensembles that could not be merged: {}", count(merged.left));
            }
        }
        None => text.push_str("leaves merged: none\n"),
    }
    match &repaired.measured {
        Some((before, after)) => table(&mut text, before, after),
        None => text.push_str(
            "nothing was measured, so nothing is claimed: `--plan` names the data to merge small leaves by and to measure with\n",
        ),
    }
    text
}

/// Accuracy and every disclosure finding, before and after.
fn table(text: &mut String, before: &Measured, after: &Measured) {
    let mut rows: Vec<[String; 3]> = vec![["measured".to_owned(), "before".to_owned(), "after".to_owned()]];
    if let (Some(old), Some(new)) = (before.quality, after.quality) {
        for (set, old, new) in [("members", old.0, new.0), ("others", old.1, new.1)] {
            let name = match old {
                Quality::Accuracy(_) => "accuracy",
                Quality::Error(_) => "mean absolute error",
            };
            rows.push([format!("{name}, {set}"), quality(old), quality(new)]);
        }
    }
    let of = |findings: &[Finding], subject: &str| {
        let found = findings.iter().find(|finding| finding.subject() == subject);
        match found {
            None => "not measured".to_owned(),
            Some(finding) => finding.estimate.map_or("no number".to_owned(), |e| {
                let value = finding.unit.show(e.value);
                if e.low == e.high { value } else { format!("{value} ({})", finding.unit.show_interval(&e)) }
            }),
        }
    };
    let mut subjects: Vec<String> = before.findings.iter().chain(&after.findings).map(Finding::subject).collect();
    let mut seen: Vec<String> = Vec::new();
    subjects.retain(|subject| {
        !seen.contains(subject) && {
            seen.push(subject.clone());
            true
        }
    });
    for subject in subjects {
        rows.push([subject.clone(), of(&before.findings, &subject), of(&after.findings, &subject)]);
    }
    let width = |at: usize| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0);
    let (first, second) = (width(0), width(1));
    for [name, old, new] in &rows {
        let _ = writeln!(text, "  {name:<first$}  {old:<second$}  {new}");
    }
}

fn quality(quality: Quality) -> String {
    match quality {
        Quality::Accuracy(estimate) => Unit::Share.show_estimate(&estimate),
        Quality::Error(error) => format!("{:.4} ({:.4} to {:.4})", error.value, error.low, error.high),
    }
}
