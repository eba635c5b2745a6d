//! `report.html`: one page for people, in one file. Layer row 6.
//!
//! No script, no network, no font or image from elsewhere; it opens from a `file://` address. Everything that comes from a
//! plan or from data is escaped. Refuses to show anything that is not in the assessment.

use askama::Template;

use super::card::{Card, cards};
use super::glossary::{TERMS, Term};
use super::rich::Rich;
use super::summary::{self, Tile, VerdictView};
use super::table::TableView;
use super::{ReportError, date, json, page, words};
use crate::assess::assessment::{Assessment, ModelSummary};

const STYLE: &str = include_str!("../../reports/templates/style.css");

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    style: String,
    assessment: &'a Assessment,
    stage: &'static str,
    date: String,
    result: String,
    short: String,
    verdict: VerdictView,
    tiles: Vec<Tile>,
    rests_on: Vec<Rich>,
    not_assessed: Vec<Rich>,
    next_step: Rich,
    cards: Vec<Card>,
    agreement: Option<Rich>,
    data_sentence: Option<Rich>,
    data: Vec<TableView>,
    model: Vec<TableView>,
    methods: TableView,
    power: Vec<Rich>,
    checks: Vec<page::MethodView>,
    selftest: Option<TableView>,
    policy: TableView,
    skipped: TableView,
    warnings: Vec<Rich>,
    inferred: TableView,
    command: String,
    program: TableView,
    checksums: String,
    terms: &'static [Term],
}

/// The assessment as one HTML page.
///
/// # Errors
/// When a chart or the page cannot be put together; neither depends on the machine.
pub fn render(assessment: &Assessment) -> Result<String, ReportError> {
    let result = json::result_digest(assessment);
    let model = assessment.model.as_ref();
    let page = Page {
        style: style(model, result.short()),
        assessment,
        stage: words::stage(assessment.stage),
        date: date::utc_date(assessment.envelope.started).unwrap_or_else(|| "not recorded".to_owned()),
        result: result.to_string(),
        short: result.short().to_owned(),
        verdict: summary::verdict(assessment),
        tiles: summary::tiles(assessment)?,
        rests_on: summary::rests_on(assessment),
        not_assessed: summary::not_assessed(assessment),
        next_step: Rich::new(words::next_step(assessment)),
        cards: cards(assessment)?,
        agreement: model.map(page::agreement),
        data_sentence: assessment.data.as_ref().map(page::data_sentence),
        data: assessment.data.as_ref().map(page::data).unwrap_or_default(),
        model: model.map(page::model).unwrap_or_default(),
        methods: page::methods(&assessment.findings),
        power: page::power(assessment),
        checks: page::checks(assessment),
        selftest: page::selftest(assessment),
        policy: page::policy(assessment),
        skipped: page::skipped(assessment),
        warnings: assessment.warnings.iter().map(Rich::new).collect(),
        inferred: page::inferred(assessment),
        command: page::command(assessment),
        program: page::program(assessment),
        checksums: page::checksums(assessment),
        terms: &TERMS,
    };
    let mut html = page.render()?;
    if !html.ends_with('\n') {
        html.push('\n');
    }
    Ok(html)
}

/// The style sheet with the digests that stand at the foot of every printed page.
///
/// Digests read from a file may hold anything; only hexadecimal digits enter the style sheet.
fn style(model: Option<&ModelSummary>, result: &str) -> String {
    let model: String =
        model.map_or("none", |model| model.digest.short()).chars().filter(char::is_ascii_alphanumeric).collect();
    STYLE.replace("MODEL_DIGEST", &model).replace("RESULT_DIGEST", result)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assess::assessment::Envelope;
    use crate::assess::gate::Verdict;
    use crate::finding::{Bar, Curve, Evidence};
    use crate::report::sample;

    fn pages() -> Vec<String> {
        let samples = [sample::failing(), sample::undetermined(), sample::passing(), sample::hostile()];
        samples.iter().map(|assessment| render(assessment).expect("renders")).collect()
    }

    /// The page without its style sheet and markup declarations.
    fn body(html: &str) -> &str {
        html.split_once("<body>").expect("a body").1
    }

    #[test]
    fn hostile_names_stay_text() {
        let html = render(&sample::hostile()).expect("renders");
        assert!(!html.to_lowercase().contains("<script"));
        assert!(html.contains("&lt;script&gt;") || html.contains("&#60;script&#62;"));
        assert_eq!(html.matches("</style>").count(), 1);
        assert_eq!(html.matches("<svg").count(), html.matches("</svg>").count());
        assert!(html.contains("{{ 7 }}"));
    }

    #[test]
    fn nothing_is_fetched_and_nothing_runs() {
        for html in pages() {
            assert!(html.contains("default-src 'none'; style-src 'unsafe-inline'; img-src data:"));
            for fetched in [
                " src=",
                "http://",
                "https://",
                "url(",
                "@import",
                "<link",
                "<iframe",
                "<img",
                "javascript:",
                " onclick",
            ] {
                assert!(!html.contains(fetched), "{fetched}");
            }
            let links = html.split(" href=\"").skip(1);
            assert!(links.into_iter().all(|link| link.starts_with('#')), "links stay on the page");
        }
    }

    #[test]
    fn the_page_is_small_and_the_same_every_time() {
        for (html, again) in pages().into_iter().zip(pages()) {
            assert!(html.len() < 250_000, "{} bytes", html.len());
            assert_eq!(html, again);
        }
    }

    #[test]
    fn no_word_promises_too_much() {
        let banned =
            ["complies", "complian", "certif", "guarantee", "very small risk", " safe", "NaN", "Infinity", "!"];
        for html in pages().iter().take(3) {
            for word in banned {
                assert!(!body(html).contains(word), "{word}");
            }
        }
    }

    #[test]
    fn every_finding_and_every_skipped_check_is_there() {
        let assessment = sample::failing();
        let html = render(&assessment).expect("renders");
        for finding in &assessment.findings {
            assert!(html.contains(&finding.measure) && html.contains(&finding.check), "{}", finding.measure);
        }
        for skipped in &assessment.skipped {
            assert!(
                html.contains(&skipped.check) && html.contains(&words::capital(&skipped.reason)),
                "{}",
                skipped.check
            );
        }
        for part in ["2026-11-21", "20261121", "privet assess readmission.toml", "float32"] {
            assert!(html.contains(part), "{part}");
        }
    }

    #[test]
    fn an_invalid_or_thin_experiment_never_reads_as_a_pass() {
        let html = render(&sample::undetermined()).expect("renders");
        assert!(html.contains("Invalid: the experiment cannot support a claim"));
        assert!(html.contains("Undetermined: too few records"));
        assert!(html.contains("not settled"));
    }

    #[test]
    fn an_empty_assessment_renders_and_is_no_pass() {
        let mut empty = sample::failing();
        empty.findings.clear();
        empty.judgements.clear();
        empty.skipped.clear();
        empty.inputs.clear();
        empty.policy.limits.clear();
        (empty.model, empty.data) = (None, None);
        empty.verdict = Verdict::Undetermined(Vec::new());
        empty.envelope = Envelope::default();
        let html = render(&empty).expect("renders");
        assert!(html.contains("Undetermined.") && html.contains("not recorded"));
        assert_eq!(html.matches("Not assessed").count() + html.matches("not assessed").count(), 4, "tiles and heading");
        assert!(!html.contains("badge pass"));
    }

    #[test]
    fn evidence_without_numbers_is_not_drawn() {
        let mut odd = sample::failing();
        let nothing = Curve { title: "nothing".to_owned(), points: Vec::new(), limit: Some((0.0, f64::NAN)) };
        let bar = Bar { label: "odd".to_owned(), value: f64::INFINITY };
        let bars = Evidence::Bars { title: "odd".to_owned(), axis: "share".to_owned(), bars: vec![bar] };
        odd.findings[0].evidence = vec![Evidence::Roc(nothing), bars];
        let html = render(&odd).expect("renders");
        assert_eq!(html.matches("There is too little to draw.").count(), 2);
    }

    #[test]
    fn headings_are_in_order_and_links_lead_somewhere() {
        for html in pages() {
            let levels: Vec<u32> = body(&html)
                .split("<h")
                .skip(1)
                .filter_map(|rest| rest.chars().next().and_then(|level| level.to_digit(10)))
                .collect();
            assert_eq!(levels.iter().filter(|level| **level == 1).count(), 1);
            assert!(levels.windows(2).all(|pair| pair[1] <= pair[0] + 1), "{levels:?}");
            for link in html.split(" href=\"#").skip(1) {
                let id = link.split('"').next().unwrap_or_default();
                assert!(html.contains(&format!(" id=\"{id}\"")), "{id}");
            }
            assert_eq!(html.matches("<table").count(), html.matches("<caption").count());
        }
    }
}
