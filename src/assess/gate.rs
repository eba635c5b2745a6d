//! The gate: findings against limits.
//!
//! Compares interval bounds, never point estimates: over the limit with its whole interval is a breach, under it with
//! its whole interval is met, anything else is a doubt. A check that did not run, or whose experiment cannot support a
//! claim, is a doubt too; silence never reads as a pass.

use serde::{Deserialize, Serialize};

use super::assessment::Skipped;
use super::policy::{Limit, Policy};
use crate::finding::{Finding, Standing, Worse};
use crate::stats::{Estimate, Method};

/// The answer to "may it be released?".
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "outcome", content = "because")]
pub enum Verdict {
    /// Every limit is met with its whole interval.
    Pass,
    /// At least one limit is exceeded with the whole interval.
    Fail(Vec<String>),
    /// Nothing is exceeded for sure, and not everything is met for sure.
    Undetermined(Vec<String>),
}

impl Verdict {
    /// One word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail(_) => "fail",
            Self::Undetermined(_) => "undetermined",
        }
    }
}

/// How one limit fared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Met with the whole interval.
    Met,
    /// Neither met nor exceeded for sure.
    Doubt,
    /// Exceeded with the whole interval.
    Breach,
}

impl Outcome {
    /// One word, the same that the verdict uses.
    pub fn word(self) -> &'static str {
        match self {
            Self::Met => "pass",
            Self::Doubt => "undetermined",
            Self::Breach => "fail",
        }
    }
}

/// One limit applied to one finding, or to the absence of one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// Measure with scope, as [`Finding::subject`].
    pub subject: String,
    /// Measure.
    pub measure: String,
    /// The limit.
    pub limit: f64,
    /// How it fared.
    pub outcome: Outcome,
    /// Why, in a sentence.
    pub sentence: String,
    /// What would settle a doubt, or nothing.
    pub needed: String,
}

/// Applies a policy to findings.
///
/// Every limit of the policy is judged. A limit whose measure nobody produced is a doubt, unless the policy says that the
/// measure only counts where it can be measured.
pub fn judge(findings: &[Finding], skipped: &[Skipped], policy: &Policy) -> (Verdict, Vec<Judgement>) {
    let mut judgements = Vec::new();
    for limit in &policy.limits {
        let matching: Vec<&Finding> = findings.iter().filter(|f| f.measure == limit.measure).collect();
        if matching.is_empty() && !limit.only_where_measured {
            judgements.push(unmeasured(limit, skipped));
        }
        judgements.extend(matching.into_iter().filter_map(|finding| weigh(finding, limit)));
    }
    (verdict(&judgements), judgements)
}

fn verdict(judgements: &[Judgement]) -> Verdict {
    let sentences = |outcome: Outcome| -> Vec<String> {
        let kept = judgements.iter().filter(|j| j.outcome == outcome);
        kept.map(|j| if j.needed.is_empty() { j.sentence.clone() } else { format!("{} {}", j.sentence, j.needed) })
            .collect()
    };
    let breaches = sentences(Outcome::Breach);
    let doubts = sentences(Outcome::Doubt);
    if !breaches.is_empty() {
        Verdict::Fail(breaches)
    } else if judgements.is_empty() {
        Verdict::Undetermined(vec![
            "No limit of the policy applies to what was measured: nothing was judged.".to_owned(),
        ])
    } else if !doubts.is_empty() {
        Verdict::Undetermined(doubts)
    } else {
        Verdict::Pass
    }
}

fn unmeasured(limit: &Limit, skipped: &[Skipped]) -> Judgement {
    // A check reports under its family; the checks of that family that did not run are why there is no number.
    let family = limit.measure.split('/').next().unwrap_or_default();
    let of_family = skipped.iter().filter(|s| s.check.split('/').next() == Some(family));
    let (reasons, remedies): (Vec<&str>, Vec<&str>) = of_family.map(|s| (s.reason.as_str(), s.remedy.as_str())).unzip();
    let (reason, needed) = match (reasons.first(), remedies.first()) {
        (Some(reason), Some(remedy)) => (format!(": {reason}"), format!("To measure it, {remedy}.")),
        _ => (String::new(), "Declare what it needs, or switch its check off with a reason.".to_owned()),
    };
    Judgement {
        subject: limit.measure.clone(),
        measure: limit.measure.clone(),
        limit: limit.limit,
        outcome: Outcome::Doubt,
        sentence: format!("`{}` was not measured{reason}.", limit.measure),
        needed,
    }
}

/// How many times as many records would shrink the interval enough, if the value stayed where it is. Widths fall with the
/// square root of the number of records, at the edge of the range (nothing seen) with the number itself.
fn settling(estimate: &Estimate, limit: f64) -> String {
    if estimate.method == Method::SuppressedCount {
        return "The count is from 1 to 10 and withheld; the limit lies within what it could be.".to_owned();
    }
    let distance = (estimate.value - limit).abs();
    let reach = if estimate.value > limit { estimate.value - estimate.low } else { estimate.high - estimate.value };
    let factor = if estimate.value == 0.0 { reach / distance } else { (reach / distance).powi(2) };
    if !factor.is_finite() || factor > 100.0 {
        return "The interval contains the limit; more than a hundred times as many records would be needed, or scores with \
                fewer ties."
            .to_owned();
    }
    format!(
        "The interval contains the limit; about {factor:.1} times as many records would settle it if the value stayed."
    )
}

/// Judges one finding; nothing when the limit only counts where it can be measured and it cannot.
fn weigh(finding: &Finding, limit: &Limit) -> Option<Judgement> {
    let judgement = |outcome, sentence: String, needed: String| {
        Some(Judgement {
            subject: finding.subject(),
            measure: finding.measure.clone(),
            limit: limit.limit,
            outcome,
            sentence,
            needed,
        })
    };
    match (&finding.standing, finding.estimate) {
        (Standing::Invalid { reason }, _) => {
            judgement(Outcome::Doubt, format!("`{}` cannot be judged: {reason}", finding.subject()), String::new())
        }
        (Standing::Insufficient { .. }, _) | (_, None) if limit.only_where_measured => None,
        (Standing::Insufficient { reason, needed }, _) => judgement(Outcome::Doubt, reason.clone(), needed.clone()),
        (Standing::Sound, None) => {
            judgement(Outcome::Doubt, format!("`{}` has no number.", finding.subject()), String::new())
        }
        (Standing::Sound, Some(estimate)) => {
            let (over, under) = match finding.worse {
                Worse::Higher => (estimate.low > limit.limit, estimate.high <= limit.limit),
                Worse::Lower => (estimate.high < limit.limit, estimate.low >= limit.limit),
            };
            let interval = if estimate.low == estimate.high {
                String::new()
            } else {
                format!("interval {}, ", finding.unit.show_interval(&estimate))
            };
            let words = finding.sentence.trim_end_matches('.');
            let numbers = format!("{words} ({interval}limit {}).", finding.unit.show(limit.limit));
            if over {
                judgement(Outcome::Breach, numbers, String::new())
            } else if under {
                judgement(Outcome::Met, numbers, String::new())
            } else {
                judgement(Outcome::Doubt, numbers, settling(&estimate, limit.limit))
            }
        }
    }
}
