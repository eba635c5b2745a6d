//! The gate: findings against limits.
//!
//! Compares interval bounds, never point estimates: over the limit with its whole interval is a breach, under it with
//! its whole interval is met, anything else is a doubt. A check that did not run, or whose experiment cannot support a
//! claim, is a doubt too; silence never reads as a pass.

use serde::{Deserialize, Serialize};

use super::assessment::Skipped;
use super::policy::{Limit, Policy};
use crate::finding::{Family, Finding, Standing, Worse};
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
/// Every limit of the policy is judged, and every fact, with or without a limit. A limit whose measure nobody produced is a doubt, unless the policy says that the
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
    let unlimited = |finding: &&Finding| !policy.limits.iter().any(|limit| limit.measure == finding.measure);
    let facts = findings.iter().filter(unlimited).filter(|finding| finding.standing == Standing::Fact);
    judgements.extend(facts.map(|finding| fact(finding, finding.null_value.unwrap_or(0.0))));
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
    let because = skipped.iter().find(|skipped| skipped.measures.contains(&limit.measure));
    let (reason, needed) = match because {
        Some(skipped) => (format!(": {}", skipped.reason), format!("To measure it, {}.", skipped.remedy)),
        None => (String::new(), "Declare what it needs, or switch its check off with a reason.".to_owned()),
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
fn settling(family: Family, estimate: &Estimate, limit: f64) -> String {
    if estimate.method == Method::SuppressedCount {
        return "The count is from 1 to 10 and withheld; the limit lies within what it could be.".to_owned();
    }
    if family == Family::Reidentification {
        return "The interval contains the limit. What settles it is a larger part of the population in the data, a register of the \
                population, or coarser quasi-identifiers."
            .to_owned();
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
        "The interval contains the limit; at least {factor:.1} times as many records would be needed if the value stayed; `privet \
         power` counts them."
    )
}

/// A fact is a breach, whatever the limit.
fn fact(finding: &Finding, limit: f64) -> Judgement {
    Judgement {
        subject: finding.subject(),
        measure: finding.measure.clone(),
        limit,
        outcome: Outcome::Breach,
        sentence: format!("{} (a fact: no limit excuses it).", finding.sentence.trim_end_matches('.')),
        needed: String::new(),
    }
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
        (Standing::Fact, _) => Some(fact(finding, limit.limit)),
        (Standing::Invalid { reason }, _) => {
            judgement(Outcome::Doubt, format!("`{}` cannot be judged: {reason}", finding.subject()), String::new())
        }
        (Standing::Insufficient { .. }, _) | (_, None) if limit.only_where_measured => None,
        (Standing::Insufficient { reason, needed }, _) => judgement(Outcome::Doubt, reason.clone(), needed.clone()),
        (Standing::Sound, None) => {
            judgement(Outcome::Doubt, format!("`{}` has no number.", finding.subject()), String::new())
        }
        (Standing::Sound, Some(_)) if !finding.unit.admits(limit.limit) => judgement(
            Outcome::Doubt,
            format!("`limits.\"{}\"` is {}, which the measure cannot be.", finding.measure, limit.limit),
            "Write shares as parts of one: 0.07 for 7 %.".to_owned(),
        ),
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
                judgement(Outcome::Doubt, numbers, settling(finding.family(), &estimate, limit.limit))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assess::policy::Undetermined;
    use crate::finding::{Severity, Unit};
    use crate::stats::Level;

    const MEASURE: &str = "membership/auc";

    /// 61 for 61 %: no area is larger, and nothing is met.
    #[test]
    fn a_limit_that_nothing_can_reach_is_not_met() {
        for (limit, outcome) in [(61.0, Outcome::Doubt), (-0.1, Outcome::Doubt), (1.0, Outcome::Met)] {
            let mut policy =
                Policy { profile: "none".to_owned(), undetermined: Undetermined::Fail, limits: Vec::new() };
            policy.set(MEASURE, limit);
            let (_, judgements) = judge(&[finding(0.4, 0.6)], &[], &policy);
            assert_eq!(judgements.iter().map(|judgement| judgement.outcome).collect::<Vec<_>>(), [outcome], "{limit}");
        }
    }

    fn finding(low: f64, high: f64) -> Finding {
        let value = f64::midpoint(low, high);
        let estimate = Estimate { value, low, high, level: Level::P95, n: 100, method: Method::Wilson };
        Finding {
            check: "membership/threshold".to_owned(),
            measure: MEASURE.to_owned(),
            scope: String::new(),
            sentence: "A sentence.".to_owned(),
            estimate: Some(estimate),
            unit: Unit::Area,
            worse: Worse::Higher,
            null_value: Some(0.5),
            baseline: None,
            severity: Severity::Low,
            standing: Standing::Sound,
            evidence: Vec::new(),
            limits: Vec::new(),
            settings: Vec::new(),
        }
    }

    fn policy(limit: f64) -> Policy {
        let mut policy = Policy { profile: "test".to_owned(), undetermined: Undetermined::Fail, limits: Vec::new() };
        policy.set(MEASURE, limit);
        policy
    }

    fn word(findings: &[Finding], policy: &Policy) -> &'static str {
        judge(findings, &[], policy).0.word()
    }

    #[test]
    fn bounds_decide_and_not_the_value() {
        assert_eq!(word(&[finding(0.61, 0.70)], &policy(0.6)), "fail");
        assert_eq!(word(&[finding(0.50, 0.59)], &policy(0.6)), "pass");
        assert_eq!(word(&[finding(0.50, 0.70)], &policy(0.6)), "undetermined");
        assert_eq!(word(&[finding(0.40, 0.61)], &policy(0.6)), "undetermined", "the value alone would pass");
    }

    #[test]
    fn where_lower_is_worse_the_bounds_change_places() {
        let of = |low, high| Finding { worse: Worse::Lower, unit: Unit::People, ..finding(low, high) };
        assert_eq!(word(&[of(11.0, 11.0)], &policy(11.0)), "pass");
        assert_eq!(word(&[of(10.0, 10.0)], &policy(11.0)), "fail");
        assert_eq!(word(&[of(10.0, 12.0)], &policy(11.0)), "undetermined");
    }

    #[test]
    fn silence_never_passes() {
        assert_eq!(word(&[], &policy(0.6)), "undetermined", "not measured");
        assert_eq!(
            word(&[finding(0.5, 0.5)], &Policy { limits: Vec::new(), ..policy(0.6) }),
            "undetermined",
            "no limit"
        );
        let none = Finding { estimate: None, ..finding(0.5, 0.5) };
        assert_eq!(word(&[none], &policy(0.6)), "undetermined", "no number");
        let invalid = Standing::Invalid { reason: "r".to_owned() };
        for (low, high) in [(0.5, 0.5), (0.9, 0.9)] {
            let void = Finding { standing: invalid.clone(), ..finding(low, high) };
            assert_eq!(word(&[void], &policy(0.6)), "undetermined", "an invalid number is no number");
        }
        let few = Standing::Insufficient { reason: "r".to_owned(), needed: "n".to_owned() };
        let thin = Finding { standing: few, ..finding(0.5, 0.5) };
        assert_eq!(word(&[thin], &policy(0.6)), "undetermined");
        assert_eq!(word(&[finding(f64::NAN, f64::NAN)], &policy(0.6)), "undetermined");
    }

    #[test]
    fn the_worst_scope_decides_and_a_breach_outweighs_a_doubt() {
        let second = Finding { scope: "b".to_owned(), ..finding(0.9, 0.95) };
        let (verdict, judgements) = judge(&[finding(0.5, 0.7), second], &[], &policy(0.6));
        assert_eq!(verdict.word(), "fail");
        assert_eq!(judgements.len(), 2, "the doubt is still listed");
    }

    #[test]
    fn a_fact_fails_with_any_limit_and_with_none() {
        let seen = Finding { standing: Standing::Fact, null_value: Some(0.0), ..finding(0.2, 0.2) };
        for policy in [policy(0.1), policy(0.9), Policy { limits: Vec::new(), ..policy(0.6) }] {
            let (verdict, judgements) = judge(std::slice::from_ref(&seen), &[], &policy);
            assert_eq!((verdict.word(), judgements.len()), ("fail", 1));
        }
    }

    #[test]
    fn a_limit_where_measured_is_silent_only_about_too_few_records() {
        let mut policy = policy(0.6);
        policy.limits[0].only_where_measured = true;
        assert!(judge(&[], &[], &policy).1.is_empty());
        let invalid = Finding { standing: Standing::Invalid { reason: "r".to_owned() }, ..finding(0.5, 0.5) };
        assert_eq!(judge(&[invalid], &[], &policy).1[0].outcome, Outcome::Doubt);
        assert_eq!(word(&[finding(0.7, 0.8)], &policy), "fail");
    }

    #[test]
    fn an_unmeasured_limit_gives_the_reason_of_its_own_check() {
        let skipped = |check: &str, measure: &str, reason: &str| Skipped {
            check: check.to_owned(),
            reason: reason.to_owned(),
            remedy: "do it".to_owned(),
            measures: vec![measure.to_owned()],
        };
        let others =
            [skipped("membership/other", "membership/x", "other"), skipped("membership/threshold", MEASURE, "own")];
        let (_, judgements) = judge(&[], &others, &policy(0.6));
        assert!(judgements[0].sentence.contains("own") && judgements[0].needed.contains("do it"));
    }

    #[test]
    fn a_doubt_says_how_many_times_as_many_records() {
        // 0.65 is 0.05 over the limit and 0.15 from its lower end: three times too wide, nine times as many records.
        let (_, judgements) = judge(&[finding(0.50, 0.80)], &[], &policy(0.6));
        assert!(judgements[0].needed.contains("at least 9.0 times"), "{}", judgements[0].needed);
    }
}
