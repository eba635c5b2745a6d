//! The sections after the findings, as tables. Layer row 6.
//!
//! Refuses to leave a section out: what is missing is said to be missing.

use super::plot;
use super::rich::Rich;
use super::table::TableView;
use super::words;
use crate::assess::assessment::{Assessment, DataSummary, ModelSummary};
use crate::finding::grouped;
use crate::finding::{Count, Evidence, Finding};
use crate::stats::Estimate;

/// A row of plain cells.
fn row(cells: &[&str]) -> Vec<Rich> {
    cells.iter().map(|cell| Rich::new(*cell)).collect()
}

/// Columns and classes of the data.
pub(super) fn data(data: &DataSummary) -> Vec<TableView> {
    let columns = data.columns.iter().map(|c| {
        let input = c.input.as_deref().unwrap_or("none");
        row(&[&c.name, &c.role, &c.kind, &grouped(c.distinct as u64), &c.missing.to_string(), input])
    });
    let names = ["Column", "Role", "Type", "Distinct values", "Missing cells", "Model input"];
    let mut tables = vec![TableView::new("Columns and their roles", &names, columns.collect())];
    if !data.classes.is_empty() {
        let classes =
            data.classes.iter().map(|(name, members, others)| row(&[name, &members.to_string(), &others.to_string()]));
        let caption = format!("Records by value of the target `{}`", data.target.replace('`', "'"));
        tables.push(TableView::new(caption, &["Value", "Members", "Non-members"], classes.collect()));
    }
    tables
}

/// How many records and people the data hold.
pub(super) fn data_sentence(data: &DataSummary) -> Rich {
    let mut text =
        format!("{} records of members and {} of non-members.", Count::of(data.members), Count::of(data.nonmembers));
    if let Some((members, others)) = data.patients {
        let people = format!("{} and {} people", Count::of(members), Count::of(others));
        text = format!(
            "{text} They belong to {people}; one person's records stay together in every split and every interval."
        );
    }
    Rich::new(text)
}

/// Facts about the model.
pub(super) fn model(model: &ModelSummary) -> Vec<TableView> {
    let or_none = |list: &[String]| if list.is_empty() { "none".to_owned() } else { list.join(", ") };
    let accuracy = |e: Option<Estimate>| e.map_or("not measured".to_owned(), |e| share(&e));
    let operators: Vec<String> = model.operators.iter().map(|(name, times)| format!("{name} ({times})")).collect();
    let mut facts = vec![
        row(&["file", &model.file]),
        row(&["size", &format!("{} bytes", grouped(model.bytes))]),
        row(&["written by", &model.producer]),
        row(&["task", &model.task]),
        row(&["classes", &or_none(&model.classes)]),
        row(&["right on members", &accuracy(model.accuracy_members)]),
        row(&["right on non-members", &accuracy(model.accuracy_nonmembers)]),
        row(&["operator sets", &or_none(&model.opsets)]),
        row(&["operators", &or_none(&operators)]),
        row(&["metadata keys", &or_none(&model.metadata_keys)]),
        row(&["rows sent to it", &grouped(model.queries)]),
    ];
    facts.insert(1, vec![Rich::new("SHA-256"), Rich::code(&model.digest.to_string())]);
    let ports = |kind: &str, list: &[String]| -> Vec<Vec<Rich>> {
        list.iter().map(|port| vec![Rich::new(kind), Rich::new(port)]).collect()
    };
    let mut all = ports("input", &model.inputs);
    all.extend(ports("output", &model.outputs));
    vec![
        TableView::new("Facts about the model file", &["Fact", "Value"], facts),
        TableView::new("Inputs and outputs", &["Kind", "Name, type and shape"], all),
    ]
}

/// A share with its interval.
fn share(e: &Estimate) -> String {
    use crate::finding::Unit::Share;
    format!("{} (interval {}; {} records)", Share.show(e.value), words::interval(Share, e), Count::of(e.n))
}

/// Whether the label output and the largest probability agree, where the model has both.
pub(super) fn agreement(model: &ModelSummary) -> Rich {
    let Some(e) = model.label_agreement else {
        return Rich::new("The model does not have both a label and probabilities, so the two could not be compared.");
    };
    if e.value >= 1.0 {
        return Rich::new(format!(
            "The label output and the largest probability agree in all of {} answers compared.",
            Count::of(e.n)
        ));
    }
    Rich::new(format!(
        "The label output and the largest probability differ in {} of {} answers (interval {} to {}). An attack that uses labels and \
         one that uses probabilities may disagree there.",
        plot::percent(1.0 - e.value),
        Count::of(e.n),
        plot::percent(1.0 - e.high),
        plot::percent(1.0 - e.low)
    ))
}

/// How each number was obtained.
pub(super) fn methods(findings: &[Finding]) -> TableView {
    let rows = findings.iter().map(|finding| {
        let (method, n, level) = finding.estimate.map_or(("no number".to_owned(), String::new(), String::new()), |e| {
            (
                e.method.words().to_owned(),
                Count::of(e.n).to_string(),
                format!("{} %", plot::short(e.level.value() * 100.0)),
            )
        });
        vec![Rich::code(&finding.subject()), Rich::new(method), Rich::new(n), Rich::new(level)]
    });
    TableView::new("How each interval was obtained", &["Measure", "Method", "Rests on", "Level"], rows.collect())
}

/// How a check measures, in its own words.
pub(super) struct MethodView {
    /// Anchor on the page.
    pub(super) id: String,
    /// Title.
    pub(super) title: Rich,
    /// Id of the check.
    pub(super) check: String,
    /// How it measures.
    pub(super) how: Rich,
    /// Papers and regulations.
    pub(super) references: Rich,
}

/// The checks that found something, once each however many findings they left.
pub(super) fn checks(assessment: &Assessment) -> Vec<MethodView> {
    let view = |method: &crate::assess::assessment::MethodSummary| MethodView {
        id: method.check.replace('/', "-"),
        title: Rich::new(&method.title),
        check: method.check.clone(),
        how: Rich::new(&method.how),
        references: Rich::new(&method.references),
    };
    assessment.methods.iter().map(view).collect()
}

/// What a self-test of the instrument on these data showed.
pub(super) fn selftest(assessment: &Assessment) -> Option<TableView> {
    let certificate = assessment.certificate.as_ref()?;
    let rate = |rate: &crate::assess::assessment::Rate| {
        let shown = share(&rate.share);
        format!("{} of {}; {shown}", rate.count, rate.share.n).replace(" records)", " runs)")
    };
    let nothing = [
        ("failed a model that leaks nothing", &certificate.false_fails),
        ("bound of the rate at 1 % false positives over chance", &certificate.false_rates),
        ("interval of the area over 0.5", &certificate.false_areas),
        ("epsilon above 0", &certificate.false_epsilons),
        ("for comparison: epsilon above 0 by the uncorrected rule of other tools", &certificate.uncorrected_epsilons),
        ("for comparison: some attack's own interval over 0.5", &certificate.uncorrected_areas),
        ("permutation test under 5 %", &certificate.false_permutations),
        ("sound split called invalid", &certificate.false_invalid),
    ];
    let mut rows: Vec<Vec<Rich>> = nothing.iter().map(|(what, of)| row(&["nothing", what, &rate(of)])).collect();
    for planted in &certificate.planted {
        let leak = format!("{} of members memorised", plot::percent(planted.share));
        rows.push(row(&[&leak, "failed the model", &rate(&planted.failed)]));
        rows.push(row(&[&leak, "bound of the rate at 1 % false positives over chance", &rate(&planted.seen)]));
    }
    let caption = format!(
        "The instrument on these data: {} runs with {} relabelled non-members on either side",
        certificate.runs,
        Count::of(certificate.members)
    );
    Some(TableView::new(caption, &["What leaked", "What happened", "How often"], rows))
}

/// What could have been detected: the lowest false-positive rate on a curve, and what stayed undetermined.
pub(super) fn power(assessment: &Assessment) -> Vec<Rich> {
    let mut lines = Vec::new();
    if let Some(lowest) =
        assessment.findings.iter().flat_map(|finding| &finding.evidence).filter_map(first_rate).reduce(f64::min)
    {
        lines.push(format!(
            "The lowest false-positive rate that these non-members can show is {}. Below it the report makes no claim.",
            plot::percent(lowest)
        ));
    }
    let widest = assessment
        .findings
        .iter()
        .filter_map(|f| f.estimate.map(|e| (f, e.high - e.low)))
        .filter(|(f, _)| matches!(f.unit, crate::finding::Unit::Share | crate::finding::Unit::ShareDifference));
    if let Some((finding, width)) =
        widest.reduce(|a, b| if b.1 > a.1 { b } else { a }).filter(|(_, width)| *width > 0.0)
    {
        lines.push(format!(
            "The widest interval is {} points wide (`{}`). A change smaller than that would not show with these records.",
            plot::short(width * 100.0),
            finding.subject().replace('`', "'")
        ));
    }
    if lines.is_empty() {
        lines.push("No number here rests on a sample, so there is no power to state.".to_owned());
    }
    lines.into_iter().map(Rich::new).collect()
}

fn first_rate(evidence: &Evidence) -> Option<f64> {
    let Evidence::Roc(curve) = evidence else { return None };
    curve.points.iter().map(|point| point.fpr).find(|fpr| *fpr > 0.0)
}

/// The policy: each limit with its reason and how it fared.
pub(super) fn policy(assessment: &Assessment) -> TableView {
    let rows = assessment.policy.limits.iter().map(|limit| {
        let judged: Vec<_> =
            assessment.judgements.iter().filter(|judgement| judgement.measure == limit.measure).collect();
        let fared =
            judged.iter().map(|judgement| judgement.outcome).max().map_or("not judged", |outcome| outcome.word());
        let unit =
            assessment.findings.iter().find(|finding| finding.measure == limit.measure).map(|finding| finding.unit);
        let shown = unit.map_or_else(|| plot::short(limit.limit), |unit| unit.show(limit.limit));
        vec![
            Rich::code(&limit.measure),
            Rich::new(shown),
            Rich::new(fared),
            Rich::new(&limit.origin),
            Rich::new(&limit.reason),
        ]
    });
    TableView::new("Limits in force", &["Measure", "Limit", "Outcome", "Set by", "Reason"], rows.collect())
}

/// Checks that did not run.
pub(super) fn skipped(assessment: &Assessment) -> TableView {
    let rows = assessment.skipped.iter().map(|skipped| {
        let remedy = if skipped.remedy.is_empty() { "nothing to do" } else { &skipped.remedy };
        vec![Rich::code(&skipped.check), Rich::new(words::capital(&skipped.reason)), Rich::new(words::capital(remedy))]
    });
    TableView::new("Checks that did not run", &["Check", "Why", "What would run it"], rows.collect())
}

/// What was worked out instead of being told.
pub(super) fn inferred(assessment: &Assessment) -> TableView {
    let rows =
        assessment.inferred.iter().map(|i| vec![Rich::code(&i.setting), Rich::new(&i.value), Rich::new(&i.from)]);
    TableView::new("Inferred settings", &["Setting", "Taken as", "Because"], rows.collect())
}

/// Versions, seed and place.
pub(super) fn program(assessment: &Assessment) -> TableView {
    let program = &assessment.program;
    let mut rows = vec![
        row(&["privet", &program.version]),
        row(&["ONNX Runtime", if program.runtime_version.is_empty() { "not used" } else { &program.runtime_version }]),
        row(&["root seed", &assessment.seed.to_string()]),
        row(&["layout of report.json", &assessment.schema_version.to_string()]),
        row(&["platform", &assessment.envelope.platform]),
        row(&["threads", &assessment.envelope.threads.to_string()]),
    ];
    if let Some(digest) = &program.runtime_digest {
        rows.insert(2, vec![Rich::new("ONNX Runtime library, SHA-256"), Rich::code(&digest.to_string())]);
    }
    if let Some(note) = &assessment.envelope.record_evidence {
        let text = format!("{}, SHA-256 {}, holds {}. {}", note.file, note.sha256, note.holds, note.reading);
        rows.push(row(&["file about single records, none of which is in this report", &text]));
    }
    TableView::new("What computed the numbers", &["What", "Value"], rows)
}

/// Digests of the files read, in the form that `sha256sum --check` reads.
pub(super) fn checksums(assessment: &Assessment) -> String {
    let lines: Vec<String> =
        assessment.inputs.iter().map(|input| format!("{}  {}", input.sha256, input.file)).collect();
    lines.join("\n")
}

/// The command that repeats the assessment.
pub(super) fn command(assessment: &Assessment) -> String {
    let plan = assessment.inputs.iter().find(|input| input.role.contains("plan"));
    format!("privet assess {}", plan.map_or("PLAN", |input| input.file.as_str()))
}
