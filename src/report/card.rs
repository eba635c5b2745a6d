//! The card of one finding, always of the same build. Layer row 6.
//!
//! A finding that may not be judged says so before its number, and shows neither a severity nor a pass.

use super::ReportError;
use super::numbers::{Figure, figures};
use super::rich::Rich;
use super::table::TableView;
use super::words;
use crate::assess::assessment::{Assessment, MethodSummary};
use crate::assess::gate::{Judgement, Outcome};
use crate::finding::{Count, Finding, Severity, Standing};
use crate::stats::{Estimate, Method};

/// A word with the shape that goes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Badge {
    /// The word.
    pub(super) word: &'static str,
    /// The shape, and the style-sheet class: `pass`, `fail`, `undetermined` or `open`.
    pub(super) shape: &'static str,
}

impl Badge {
    /// The badge of an outcome.
    pub(super) fn of(outcome: Outcome) -> Self {
        let shape = outcome.word();
        Self { word: shape, shape }
    }

    /// The badge of something that no limit judges.
    pub(super) const fn open(word: &'static str) -> Self {
        Self { word, shape: "open" }
    }
}

/// One labelled number.
pub(super) struct Number {
    /// The glossary term of the label, or nothing.
    pub(super) term: &'static str,
    /// Its label.
    pub(super) label: Rich,
    /// The number.
    pub(super) value: Rich,
    /// What else to know about it.
    pub(super) note: Rich,
}

/// A note that the number may not be judged.
pub(super) struct Caveat {
    /// In a few words.
    pub(super) title: &'static str,
    /// Why.
    pub(super) reason: Rich,
    /// What would be enough.
    pub(super) needed: Rich,
}

/// The card of a finding.
pub(super) struct Card {
    /// Anchor on the page.
    pub(super) anchor: String,
    /// Heading of the family.
    pub(super) family: &'static str,
    /// The glossary term of the family.
    pub(super) term: Option<&'static str>,
    /// Severity in words.
    pub(super) severity: &'static str,
    /// How the finding fared.
    pub(super) badge: Badge,
    /// The result in plain words.
    pub(super) sentence: Rich,
    /// Why it may not be judged, if so.
    pub(super) caveat: Option<Caveat>,
    /// The numbers.
    pub(super) numbers: Vec<Number>,
    /// Charts.
    pub(super) figures: Vec<Figure>,
    /// Tables of the check.
    pub(super) tables: Vec<TableView>,
    /// Who could do this.
    pub(super) who: Rich,
    /// Anchor of the check in the list of methods.
    pub(super) check: String,
    /// Title of the check, where the list of methods has it.
    pub(super) method: Option<Rich>,
    /// Whether a limit judges it.
    pub(super) judged: bool,
    /// When this misleads.
    pub(super) limits: Vec<Rich>,
    /// What usually helps.
    pub(super) helps: &'static str,
    /// Settings and ids.
    pub(super) settings: TableView,
    /// Measure with its scope, as code.
    pub(super) subject: Rich,
    /// A name for the measure.
    pub(super) measure: Rich,
    /// What part of the data it speaks of, or nothing.
    pub(super) scope: Rich,
    /// The number in one cell.
    pub(super) value: Rich,
    /// The interval in one cell.
    pub(super) interval: Rich,
    /// The limit in one cell.
    pub(super) limit: Rich,
}

/// All cards: the worst first, what no limit judges after what was exceeded or is in doubt.
///
/// # Errors
/// When a chart cannot be drawn.
pub(super) fn cards(assessment: &Assessment) -> Result<Vec<Card>, ReportError> {
    let judged =
        |finding: &Finding| assessment.judgements.iter().find(|judgement| judgement.subject == finding.subject());
    let mut order: Vec<(&Finding, Option<&Judgement>)> = assessment.findings.iter().map(|f| (f, judged(f))).collect();
    order.sort_by_key(|(finding, judgement)| {
        let outcome = match judgement.map(|j| j.outcome) {
            Some(Outcome::Breach) => 0,
            Some(Outcome::Doubt) => 1,
            None => 2,
            Some(Outcome::Met) => 3,
        };
        (std::cmp::Reverse(settled(finding)), outcome)
    });
    let method = |finding: &Finding| assessment.methods.iter().find(|method| method.check == finding.check);
    let card = |(at, (finding, judgement))| card(at + 1, finding, judgement, method(finding));
    order.into_iter().enumerate().map(card).collect()
}

/// The severity, where it may be judged; what may not be judged stands among the moderate.
fn settled(finding: &Finding) -> Severity {
    if finding.standing.supports_claim() { finding.severity } else { finding.severity.max(Severity::Moderate) }
}

/// How a finding fared.
pub(super) fn badge(finding: &Finding, judgement: Option<&Judgement>) -> Badge {
    match (&finding.standing, judgement) {
        (Standing::Invalid { .. }, _) => Badge { word: "invalid", shape: "undetermined" },
        (Standing::Insufficient { .. }, _) => Badge { word: "undetermined", shape: "undetermined" },
        (Standing::Sound | Standing::Fact, Some(judgement)) => Badge::of(judgement.outcome),
        (Standing::Sound | Standing::Fact, None) => Badge::open("no limit"),
    }
}

fn card(
    number: usize,
    finding: &Finding,
    judgement: Option<&Judgement>,
    method: Option<&MethodSummary>,
) -> Result<Card, ReportError> {
    let (figures, tables) = figures(&finding.evidence)?;
    let sound = finding.standing.supports_claim();
    let family = finding.family();
    let show = |value: f64| Rich::new(finding.unit.show(value));
    Ok(Card {
        anchor: format!("finding-{number}"),
        family: family.title(),
        term: words::term_of(family),
        severity: if sound { finding.severity.words() } else { "not settled" },
        badge: badge(finding, judgement),
        sentence: Rich::new(&finding.sentence),
        caveat: caveat(&finding.standing),
        numbers: numbers(finding, judgement),
        figures,
        tables,
        who: method.map_or_else(|| Rich::new(words::who(family)), |method| Rich::new(&method.who)),
        check: finding.check.replace('/', "-"),
        method: method.map(|method| Rich::new(&method.title)),
        judged: judgement.is_some() || finding.standing != Standing::Sound,
        limits: finding.limits.iter().map(Rich::new).collect(),
        helps: words::helps(finding),
        settings: settings(finding),
        subject: Rich::code(&finding.subject()),
        measure: Rich::new(words::measure(&finding.measure)),
        scope: if finding.scope.is_empty() { Rich::default() } else { Rich::code(&finding.scope) },
        value: finding.estimate.map_or_else(|| Rich::new("none"), |e| Rich::new(words::show(finding.unit, e.value))),
        interval: finding.estimate.map_or_else(Rich::default, |e| interval(finding, &e)),
        limit: judgement.map_or_else(|| Rich::new("none"), |j| show(j.limit)),
    })
}

fn interval(finding: &Finding, estimate: &Estimate) -> Rich {
    if estimate.method == Method::Exact {
        Rich::new("counted")
    } else {
        Rich::new(words::interval(finding.unit, estimate))
    }
}

fn caveat(standing: &Standing) -> Option<Caveat> {
    match standing {
        Standing::Sound => None,
        Standing::Fact => Some(Caveat {
            title: "A fact: it was seen, not estimated, and no limit excuses it.",
            reason: Rich::default(),
            needed: Rich::default(),
        }),
        Standing::Insufficient { reason, needed } => Some(Caveat {
            title: "Undetermined: too few records. This is not a pass.",
            reason: sentence(reason),
            needed: sentence(needed),
        }),
        Standing::Invalid { reason } => Some(Caveat {
            title: "Invalid: the experiment cannot support a claim, whatever the number says. This is not a pass.",
            reason: sentence(reason),
            needed: Rich::default(),
        }),
    }
}

/// Text with a capital and a full stop.
fn sentence(text: &str) -> Rich {
    let text = words::capital(text.trim());
    Rich::new(if text.is_empty() || text.ends_with('.') { text } else { format!("{text}.") })
}

fn numbers(finding: &Finding, judgement: Option<&Judgement>) -> Vec<Number> {
    let unit = finding.unit;
    let number = |label: &str, value: String, note: String| Number {
        term: term_of(label),
        label: Rich::new(label),
        value: Rich::new(value),
        note: Rich::new(note),
    };
    let mut numbers = Vec::new();
    match finding.estimate {
        Some(e) if e.method == Method::Exact => {
            numbers.push(number("Measured", words::show(unit, e.value), "counted, no sampling error".to_owned()));
        }
        Some(e) => {
            let value = if e.method == Method::SuppressedCount {
                words::interval(unit, &e)
            } else {
                words::show(unit, e.value)
            };
            let note = format!("{} % interval", super::plot::short(e.level.value() * 100.0));
            numbers.push(number("Measured", value, String::new()));
            numbers.push(number("Interval", words::interval(unit, &e), note));
        }
        None => numbers.push(number("Measured", "no number".to_owned(), "none can be estimated".to_owned())),
    }
    if let Some(null) = finding.null_value {
        numbers.push(number("Without a leak", unit.show(null), "null value".to_owned()));
    }
    if let Some(baseline) = &finding.baseline {
        let share = crate::finding::Unit::Share;
        let unit = if unit == crate::finding::Unit::ShareDifference { share } else { unit };
        numbers.push(number("Without the model", unit.show(baseline.estimate.value), baseline.name.clone()));
    }
    match judgement {
        Some(j) => numbers.push(number("Limit", unit.show(j.limit), side(finding).to_owned())),
        None => numbers.push(number("Limit", "none".to_owned(), "the policy sets none".to_owned())),
    }
    numbers
}

/// The glossary term that explains a label of the row of numbers.
fn term_of(label: &str) -> &'static str {
    match label {
        "Interval" => "interval",
        "Without a leak" => "no-leak",
        "Without the model" => "baseline",
        "Limit" => "limit",
        _ => "",
    }
}

fn side(finding: &Finding) -> &'static str {
    match finding.worse {
        crate::finding::Worse::Higher => "at most",
        crate::finding::Worse::Lower => "at least",
    }
}

fn settings(finding: &Finding) -> TableView {
    let row = |name: &str, value: String| vec![Rich::new(name), Rich::new(value)];
    let mut rows = vec![
        row("measure", format!("`{}`", finding.measure)),
        row("check", format!("`{}`", finding.check)),
        row("scope", if finding.scope.is_empty() { "whole data".to_owned() } else { finding.scope.clone() }),
    ];
    if let Some(estimate) = finding.estimate {
        rows.push(row("interval method", estimate.method.words().to_owned()));
        rows.push(row("rests on", format!("{} independent units", Count::of(estimate.n))));
    }
    if let Some(Estimate { method, n, .. }) = finding.baseline.as_ref().map(|baseline| baseline.estimate) {
        rows.push(row("baseline interval", format!("{}, {} units", method.words(), Count::of(n))));
    }
    rows.extend(finding.settings.iter().map(|(name, value)| row(name, value.clone())));
    TableView::new("Settings that produced the number", &["Setting", "Value"], rows)
}
