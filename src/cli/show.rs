//! Plans and assessments as text for a terminal: no colour, so nothing depends on one.

use std::fmt::Write;

use comfy_table::{ColumnConstraint, ContentArrangement, LineStyle, Table, TableStyle};

use crate::assess::assessment::Assessment;
use crate::assess::gate::{Outcome, Verdict};
use crate::assess::plan::Plan;
use crate::data::Source;
use crate::finding::{Finding, Standing};

/// Columns of the table where the environment does not say how wide the terminal is.
const WIDTH: u16 = 120;
/// A line under the headings and none between the rows.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// What is about to happen.
pub(super) fn plan(plan: &Plan) -> String {
    let name = |path: &std::path::Path| path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let model = plan.model.as_ref().map_or("none".to_owned(), |model| name(&model.path));
    let data = match plan.data.as_ref().map(|data| &data.source) {
        Some(Source::Two { members, nonmembers, .. }) => format!("{} and {}", name(members), name(nonmembers)),
        Some(Source::One { records, .. }) => name(records),
        None => "none".to_owned(),
    };
    let mut text = String::new();
    let _ = writeln!(text, "{}{}{}", plan.name, if plan.purpose.is_empty() { "" } else { ": " }, plan.purpose);
    let _ = writeln!(text, "  model {model}; data {data}; policy {}; seed {}\n", plan.policy.profile, plan.seed);
    text
}

/// One line: the verdict and how many limits fared how.
pub(super) fn verdict_line(assessment: &Assessment) -> String {
    let count = |outcome: Outcome| assessment.judgements.iter().filter(|j| j.outcome == outcome).count();
    format!(
        "{}: {} ({} over the limit, {} undetermined, {} met; {} checks skipped)",
        assessment.name,
        assessment.verdict.word().to_uppercase(),
        count(Outcome::Breach),
        count(Outcome::Doubt),
        count(Outcome::Met),
        assessment.skipped.len()
    )
}

/// Findings, what was skipped, the verdict.
pub(super) fn assessment(assessment: &Assessment, verbose: bool) -> String {
    let mut text = String::new();
    if verbose {
        text.push_str(&details(assessment));
    }
    let _ = writeln!(text, "{}", findings(assessment));
    for skipped in assessment.skipped_by_reason() {
        let _ = writeln!(text, "skipped {}: {}; {}", skipped.checks.join(", "), skipped.reason, skipped.remedy);
    }
    for warning in &assessment.warnings {
        let _ = writeln!(text, "warning: {warning}");
    }
    let reasons: &[String] = match &assessment.verdict {
        Verdict::Pass => &[],
        Verdict::Fail(reasons) | Verdict::Undetermined(reasons) => reasons,
    };
    text.push('\n');
    for reason in reasons {
        let _ = writeln!(text, "- {reason}");
    }
    let _ = writeln!(text, "\n{}", verdict_line(assessment));
    text
}

/// An empty table as wide as the terminal.
pub(super) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    table.load_style(STYLE).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(columns.unwrap_or(WIDTH));
    table.set_header(header);
    table
}

fn findings(assessment: &Assessment) -> Table {
    let mut table = table(&["measure", "value", "interval", "baseline", "limit", "verdict"]);
    for finding in &assessment.findings {
        table.add_row(row(finding, assessment));
    }
    // Ids are copied into plans; a number in two lines reads as another number.
    for whole in 0..=5 {
        if let Some(column) = table.column_mut(whole) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    table
}

fn row(finding: &Finding, assessment: &Assessment) -> [String; 6] {
    let unit = finding.unit;
    let judgement = assessment.judgements.iter().find(|judgement| judgement.subject == finding.subject());
    let verdict = match (&finding.standing, judgement) {
        (Standing::Invalid { .. }, _) => "invalid".to_owned(),
        (_, Some(judgement)) => judgement.outcome.word().to_owned(),
        (Standing::Insufficient { .. }, None) => "too few records".to_owned(),
        (Standing::Sound | Standing::Fact, None) => "no limit".to_owned(),
    };
    [
        finding.subject(),
        finding.estimate.map_or("none".to_owned(), |estimate| unit.show(estimate.value)),
        finding.estimate.map_or(String::new(), |estimate| {
            if estimate.low == estimate.high { "exact".to_owned() } else { unit.show_range(&estimate) }
        }),
        // What can be had without the model, or what a model shows that leaks nothing.
        match (&finding.baseline, finding.null_value) {
            (Some(baseline), _) => baseline_text(finding, baseline.estimate.value),
            (None, value) => value.map_or(String::new(), |value| format!("no leak: {}", unit.show(value))),
        },
        judgement.map_or(String::new(), |judgement| unit.show(judgement.limit)),
        verdict,
    ]
}

/// A baseline of a difference is a rate of success, not a difference.
fn baseline_text(finding: &Finding, value: f64) -> String {
    match finding.unit {
        crate::finding::Unit::ShareDifference => crate::finding::Unit::Share.show(value),
        unit => unit.show(value),
    }
}

fn details(assessment: &Assessment) -> String {
    let mut text = String::new();
    for inference in &assessment.inferred {
        let _ = writeln!(text, "inferred {} = {} (from {})", inference.setting, inference.value, inference.from);
    }
    for input in &assessment.inputs {
        let _ = writeln!(text, "{} {} sha-256 {}", input.role, input.file, input.sha256);
    }
    let program = &assessment.program;
    let _ = writeln!(text, "privet {}, ONNX Runtime {}", program.version, program.runtime_version);
    for (step, seconds) in &assessment.envelope.seconds {
        let _ = writeln!(text, "{step} took {seconds:.2} s");
    }
    text.push('\n');
    text
}
