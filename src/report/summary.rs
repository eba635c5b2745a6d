//! The first screen: verdict, reasons, three tiles, what it rests on, what was not assessed. Layer row 6.
//!
//! Refuses to let a gap look like a pass: a family without a judged number says that it was not assessed, and why.

use super::ReportError;
use super::card::{Badge, badge};
use super::plot::{Bullet, bullet};
use super::rich::{Rich, Svg};
use super::words;
use crate::assess::assessment::{Assessment, SkippedTogether};
use crate::assess::gate::{Judgement, Outcome, Verdict};
use crate::finding::grouped;
use crate::finding::{Count, Family, Finding, Severity, Standing};

/// The verdict with its reasons.
pub(super) struct VerdictView {
    /// Word and shape.
    pub(super) badge: Badge,
    /// The word as a sentence.
    pub(super) word: String,
    /// The verdict in one sentence.
    pub(super) sentence: Rich,
    /// What it means for somebody who has to decide.
    pub(super) meaning: &'static str,
    /// Limits that are exceeded.
    pub(super) breaches: Vec<Rich>,
    /// Limits in doubt.
    pub(super) doubts: Vec<Rich>,
}

/// One of the three tiles.
pub(super) struct Tile {
    /// What the tile speaks of.
    pub(super) title: &'static str,
    /// Word and shape.
    pub(super) badge: Badge,
    /// The measure shown.
    pub(super) measure: Rich,
    /// Its value.
    pub(super) value: Rich,
    /// Its interval.
    pub(super) interval: Rich,
    /// The bar.
    pub(super) bullet: Option<Svg>,
    /// One line in terms of people.
    pub(super) meaning: Rich,
    /// How all limits of the tile fared.
    pub(super) tally: String,
}

/// The verdict.
pub(super) fn verdict(assessment: &Assessment) -> VerdictView {
    let (outcome, reasons, otherwise) = match &assessment.verdict {
        Verdict::Pass => (Outcome::Met, &[][..], "Every limit of the policy is met with the whole interval."),
        Verdict::Fail(reasons) => (Outcome::Breach, reasons.as_slice(), "A limit is exceeded."),
        Verdict::Undetermined(reasons) => (Outcome::Doubt, reasons.as_slice(), "No limit of the policy was judged."),
    };
    let first = if outcome == Outcome::Met { None } else { words::leading(assessment, outcome) };
    let lead = first.map(|judgement| said(assessment, judgement)).or_else(|| reasons.first().cloned());
    let rest = |outcome: Outcome| -> Vec<Rich> {
        let kept =
            assessment.judgements.iter().filter(|judgement| judgement.outcome == outcome && Some(*judgement) != first);
        kept.map(|judgement| Rich::new(said(assessment, judgement))).collect()
    };
    VerdictView {
        badge: Badge::of(outcome),
        word: format!("{}.", words::capital(outcome.word())),
        sentence: Rich::new(lead.unwrap_or_else(|| otherwise.to_owned())),
        meaning: words::meaning_of(&assessment.verdict),
        breaches: rest(Outcome::Breach),
        doubts: rest(Outcome::Doubt),
    }
}

fn said_in_full(judgement: &Judgement) -> String {
    format!("{} {}", judgement.sentence, judgement.needed).trim().to_owned()
}

/// A judgement as the sentence of the verdict: the finding's own words where it has a number.
fn said(assessment: &Assessment, judgement: &Judgement) -> String {
    let measured = words::find(assessment, judgement).filter(|f| f.standing.supports_claim() && f.estimate.is_some());
    match measured {
        Some(finding) => format!("{} {}", headline(finding, judgement), judgement.needed).trim().to_owned(),
        None => said_in_full(judgement),
    }
}

/// The sentence of a finding with interval and limit.
fn headline(finding: &Finding, judgement: &Judgement) -> String {
    let limit = finding.unit.show(judgement.limit);
    let range = finding.estimate.filter(|estimate| estimate.low < estimate.high).map_or_else(String::new, |estimate| {
        let level = super::plot::short(estimate.level.value() * 100.0);
        format!("{level} % interval {}; ", words::interval(finding.unit, &estimate))
    });
    format!("{} ({range}limit {limit}).", finding.sentence.trim_end_matches('.'))
}

/// The three tiles.
///
/// # Errors
/// When a bar cannot be drawn.
pub(super) fn tiles(assessment: &Assessment) -> Result<Vec<Tile>, ReportError> {
    let families: [(&str, &[Family]); 3] = [
        ("Membership", &[Family::Membership]),
        ("Inversion and disclosure", &[Family::Inversion, Family::Disclosure]),
        ("Re-identification", &[Family::Reidentification]),
    ];
    families.into_iter().map(|(title, families)| tile(assessment, title, families)).collect()
}

fn tile(assessment: &Assessment, title: &'static str, families: &[Family]) -> Result<Tile, ReportError> {
    let ours = |id: &str| families.iter().any(|family| id.split('/').next() == Some(family.id()));
    let judged: Vec<&Judgement> = assessment.judgements.iter().filter(|judgement| ours(&judgement.measure)).collect();
    let Some(worst) = worst(assessment, &judged) else { return Ok(gap(assessment, title, ours)) };
    let finding = words::find(assessment, worst);
    let estimate = finding.and_then(|finding| finding.estimate.map(|estimate| (finding, estimate)));
    let drawn = estimate.map(|(finding, estimate)| Bullet {
        estimate,
        unit: finding.unit,
        worse: finding.worse,
        limit: worst.limit,
        null_value: finding.null_value,
    });
    let value = |(finding, e): (&Finding, crate::stats::Estimate)| Rich::new(words::show(finding.unit, e.value));
    let interval =
        estimate.filter(|(_, e)| e.low < e.high).map(|(finding, e)| Rich::new(words::interval(finding.unit, &e)));
    let sentence = finding.map_or_else(|| worst.sentence.clone(), |finding| words::in_people(finding, assessment));
    let invalid = finding.is_some_and(|finding| matches!(finding.standing, Standing::Invalid { .. }));
    let meaning = if invalid || finding.is_none() { worst.sentence.clone() } else { sentence };
    Ok(Tile {
        title,
        badge: finding.map_or(Badge::of(worst.outcome), |finding| badge(finding, Some(worst))),
        measure: Rich::new(words::measure(&worst.measure)),
        value: estimate.map_or_else(|| Rich::new("No number"), value),
        interval: interval.unwrap_or_default(),
        bullet: drawn.as_ref().map_or(Ok(None), bullet)?,
        meaning: Rich::new(if worst.outcome == Outcome::Met { meaning + &unjudged(assessment, ours) } else { meaning }),
        tally: tally(&judged),
    })
}

/// The worst judgement: by outcome, then by the severity of its finding, then by how near it is to its limit; the first of equals.
fn worst<'a>(assessment: &Assessment, judged: &[&'a Judgement]) -> Option<&'a Judgement> {
    let rank = |judgement: &Judgement| {
        let finding = words::find(assessment, judgement);
        let value = finding.and_then(|finding| finding.estimate).map_or(0.0, |estimate| estimate.value);
        // The part of the limit that is used up; of a limit of nothing, nothing is.
        let near = if judgement.limit > 0.0 { value / judgement.limit } else { 0.0 };
        (judgement.outcome, finding.map(|finding| finding.severity), near)
    };
    judged.iter().copied().reduce(|worst, next| if rank(next) > rank(worst) { next } else { worst })
}

/// The most severe finding that no limit judges, in words, where it is severe: a pass is no word about it.
fn unjudged(assessment: &Assessment, ours: impl Fn(&str) -> bool) -> String {
    let judged =
        |finding: &Finding| assessment.judgements.iter().any(|judgement| judgement.subject == finding.subject());
    let severe = assessment.findings.iter().filter(|finding| {
        ours(&finding.measure)
            && !judged(finding)
            && finding.standing.supports_claim()
            && finding.severity >= Severity::High
    });
    let most = severe.reduce(|most, next| if next.severity > most.severity { next } else { most });
    most.map_or_else(String::new, |finding| {
        let value = finding.estimate.map_or_else(String::new, |e| format!(", {}", words::show(finding.unit, e.value)));
        let (severity, name) = (finding.severity.words(), words::measure(&finding.measure));
        format!(" No limit judges what is of {severity} severity here: {name}{value}.")
    })
}

fn tally(judged: &[&Judgement]) -> String {
    let count = |outcome| judged.iter().filter(|judgement| judgement.outcome == outcome).count();
    let parts = [(Outcome::Breach, "exceeded"), (Outcome::Doubt, "undetermined"), (Outcome::Met, "met")];
    let said = parts.into_iter().filter_map(|(outcome, word)| match count(outcome) {
        0 => None,
        number => Some(format!("{number} {word}")),
    });
    let limits = if judged.len() == 1 {
        "1 limit"
    } else {
        return format!("{} limits: {}", judged.len(), said.collect::<Vec<_>>().join(", "));
    };
    format!("{limits}: {}", said.map(|part| part.trim_start_matches("1 ").to_owned()).collect::<Vec<_>>().join(", "))
}

/// The tile of a family that no limit judged.
fn gap(assessment: &Assessment, title: &'static str, ours: impl Fn(&str) -> bool) -> Tile {
    let measured = assessment.findings.iter().find(|finding| ours(&finding.check));
    let skipped = assessment.skipped.iter().find(|skipped| ours(&skipped.check));
    let meaning = match (measured, skipped) {
        (Some(finding), _) => format!("{} The policy sets no limit for it.", finding.sentence),
        (None, Some(skipped)) => format!("`{}` did not run: {}.", skipped.check, skipped.reason.trim_end_matches('.')),
        (None, None) => "No check of this kind ran.".to_owned(),
    };
    Tile {
        title,
        badge: Badge::open(if measured.is_some() { "not judged" } else { "not assessed" }),
        measure: Rich::new(if measured.is_some() { "No limit applies" } else { "Nothing was measured" }),
        value: Rich::new("No number"),
        interval: Rich::default(),
        bullet: None,
        meaning: Rich::new(meaning),
        tally: "0 limits: a gap, not a pass".to_owned(),
    }
}

/// What the verdict rests on.
pub(super) fn rests_on(assessment: &Assessment) -> Vec<Rich> {
    let mut lines = Vec::new();
    if let Some(data) = &assessment.data {
        let mut line =
            format!("{} member and {} non-member records", Count::of(data.members), Count::of(data.nonmembers));
        if let Some((members, others)) = data.patients {
            line = format!("{line} of {} and {} people", Count::of(members), Count::of(others));
        }
        lines.push(line + ".");
    }
    if let Some(model) = &assessment.model {
        lines.push(format!("{} answers of the model file itself, asked as an outsider would.", grouped(model.queries)));
    }
    let checks = ran(assessment).len();
    let noun = if checks == 1 { "check" } else { "checks" };
    lines.push(format!("{checks} {noun} ran; {} did not.", assessment.skipped.len()));
    lines.push(format!("Policy `{}` with {} limits.", assessment.policy.profile, assessment.policy.limits.len()));
    lines.into_iter().map(Rich::new).collect()
}

/// Most checks that the first page names one by one.
const NAMED: usize = 3;

/// What was not assessed, by the reason: few checks by name, more as a number of each kind.
pub(super) fn not_assessed(assessment: &Assessment) -> Vec<Rich> {
    let line = |group: SkippedTogether<'_>| {
        let checks = if group.checks.len() <= NAMED {
            group.checks.iter().map(|check| format!("`{check}`")).collect::<Vec<_>>().join(", ")
        } else {
            let kind = |check: &&str| check.split('/').next().unwrap_or_default().to_owned();
            let mut kinds: Vec<String> = Vec::new();
            group.checks.iter().map(kind).for_each(|kind| {
                if !kinds.contains(&kind) {
                    kinds.push(kind);
                }
            });
            format!("{} checks of {}", group.checks.len(), kinds.join(", "))
        };
        Rich::new(format!("{checks}: {}.", words::capital(group.reason.trim_end_matches('.'))))
    };
    assessment.skipped_by_reason().into_iter().map(line).collect()
}

/// Ids of the checks that left a finding, each once, in their order.
pub(super) fn ran(assessment: &Assessment) -> Vec<&str> {
    let mut checks: Vec<&str> = assessment.findings.iter().map(|finding| finding.check.as_str()).collect();
    checks.dedup();
    checks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn the_worst_measure_of_a_family_fills_its_tile() {
        let tiles = tiles(&sample::failing()).expect("drawn in memory");
        let words: Vec<_> = tiles.iter().map(|tile| tile.badge.word).collect();
        assert_eq!(words, ["fail", "undetermined", "fail"]);
        assert_eq!(tiles[0].value.plain(), "28.0 %");
        assert_eq!(tiles[0].tally, "2 limits: 2 exceeded");
    }

    #[test]
    fn a_family_that_was_not_measured_never_reads_as_a_pass() {
        let mut assessment = sample::passing();
        assessment.findings.clear();
        assessment.judgements.clear();
        assessment.verdict = Verdict::Undetermined(Vec::new());
        let tiles = tiles(&assessment).expect("drawn in memory");
        assert!(tiles.iter().all(|tile| tile.badge.shape == "open" && tile.tally.contains("not a pass")));
        assert_eq!(verdict(&assessment).word, "Undetermined.");
    }
}
