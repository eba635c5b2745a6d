//! What one check means for another.
//!
//! A split that is not sound, or was not tested, voids every result that compares members with non-members; the remedies for
//! a shift stand by themselves. The blind classifier is the baseline of the area under the curve.

use crate::check::blind::apart_reason;
use crate::check::dataset::column_shift::{BY, COLUMN_SHIFT, LABEL_SHIFT};
use crate::check::dataset::split_integrity::BLIND_AUC;
use crate::check::membership::matched::{MATCHED, WITHIN};
use crate::check::membership::surrogate_calibrated::CONTROL;
use crate::check::robustness::COMPARING;
use crate::finding::{Baseline, Family, Finding, Standing, Unit};

const UNTESTED: &str = "the split was not tested: `dataset/split-integrity` did not run, so nobody knows whether members and \
                        non-members are comparable.";

/// Why comparisons of members with non-members say nothing.
struct Void {
    standing: Standing,
    /// Whether matching can mend it: people differ, rather than stand on both sides.
    by_shift: bool,
}

/// Relates the findings of a run; `stated` is what the plan says about how a file of scores was drawn.
pub(super) fn relate(findings: &mut [Finding], stated: Option<&str>) {
    name_columns(findings);
    let blind = findings.iter().find(|finding| finding.measure == BLIND_AUC).cloned();
    let mut void = void(findings, blind.as_ref(), stated);
    let remedy = |finding: &Finding| [MATCHED, WITHIN].contains(&finding.measure.as_str());
    if let Some(void) = &mut void
        && void.by_shift
        && let Standing::Invalid { reason } = &mut void.standing
        && let Some(sentence) = findings.iter().find(|f| f.measure == MATCHED).and_then(on_matched)
    {
        reason.push_str(&sentence);
    }
    let compares = |finding: &Finding| {
        matches!(finding.family(), Family::Membership | Family::Inversion)
            || COMPARING.contains(&finding.measure.as_str())
    };
    for finding in findings.iter_mut().filter(|finding| compares(finding)) {
        let spared = |void: &Void| void.by_shift && remedy(finding);
        if let (Some(void), Standing::Sound) = (void.as_ref().filter(|void| !spared(void)), &finding.standing) {
            finding.standing = void.standing.clone();
        }
        if finding.measure == "membership/auc" {
            finding.baseline = blind.as_ref().and_then(|blind| blind.estimate).map(|estimate| Baseline {
                name: "classifier that never saw the model, on all records".to_owned(),
                estimate,
            });
        }
    }
}

/// The blind classifier says that the sets differ; the columns say why.
fn name_columns(findings: &mut [Finding]) {
    let shifted = findings.iter().find(|finding| shift(finding) && finding.measure != BLIND_AUC && invalid(finding));
    let columns = shifted.and_then(|finding| finding.settings.iter().find(|(name, _)| name == BY));
    let Some(columns) = columns.map(|(_, columns)| columns.clone()) else { return };
    for finding in findings.iter_mut().filter(|finding| finding.measure == BLIND_AUC && shift(finding)) {
        if let (Standing::Invalid { reason }, Some(area)) = (&mut finding.standing, &finding.estimate) {
            *reason = apart_reason(area, Some(&columns));
        }
    }
}

fn invalid(finding: &Finding) -> bool {
    matches!(finding.standing, Standing::Invalid { .. })
}

/// Whether a finding tells of different people, rather than of the same people on both sides.
fn shift(finding: &Finding) -> bool {
    match finding.measure.as_str() {
        COLUMN_SHIFT | LABEL_SHIFT | CONTROL => true,
        BLIND_AUC => finding.estimate.is_some_and(|area| area.low > 0.5),
        _ => false,
    }
}

fn void(findings: &[Finding], blind: Option<&Finding>, stated: Option<&str>) -> Option<Void> {
    let of_split = |finding: &&Finding| finding.family() == Family::Dataset || finding.measure == CONTROL;
    let faults: Vec<&Finding> = findings.iter().filter(of_split).filter(|finding| invalid(finding)).collect();
    // People on both sides cannot be matched away, so they come first.
    let first = faults.iter().find(|finding| !shift(finding)).or(faults.first());
    if let Some(first) = first {
        return Some(Void { standing: first.standing.clone(), by_shift: shift(first) });
    }
    let standing = match blind {
        None => Standing::Invalid { reason: UNTESTED.to_owned() },
        // A file of scores alone has nothing to test the split with; then the plan may vouch for it.
        Some(_) if stated.is_some() => return None,
        Some(blind) if blind.standing != Standing::Sound => blind.standing.clone(),
        Some(_) => return None,
    };
    Some(Void { standing, by_shift: false })
}

/// What the remedy found, as a sentence after the reason.
fn on_matched(finding: &Finding) -> Option<String> {
    match (&finding.standing, finding.estimate) {
        (Standing::Sound, Some(estimate)) => Some(format!(
            " On the records that could be matched, the attack's area is {} (interval {}; see `{MATCHED}`).",
            Unit::Area.show(estimate.value),
            Unit::Area.show_interval(&estimate)
        )),
        (Standing::Insufficient { .. }, _) => {
            Some(" Too few members have a non-member like them for a comparison of matched records.".to_owned())
        }
        (Standing::Invalid { .. }, _) => {
            Some(" Matching records by what the columns show does not make the sets alike either.".to_owned())
        }
        (Standing::Sound | Standing::Fact, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{Severity, Worse};
    use crate::stats::{Estimate, Level, Method};

    fn finding(measure: &str, standing: Standing, low: f64) -> Finding {
        let estimate = Estimate { value: low, low, high: low, level: Level::P95, n: 100, method: Method::DelongLogit };
        Finding {
            check: measure.to_owned(),
            measure: measure.to_owned(),
            scope: String::new(),
            sentence: String::new(),
            estimate: Some(estimate),
            unit: Unit::Area,
            worse: Worse::Higher,
            null_value: Some(0.5),
            baseline: None,
            severity: Severity::Low,
            standing,
            evidence: Vec::new(),
            limits: Vec::new(),
            settings: Vec::new(),
        }
    }

    fn invalid(reason: &str) -> Standing {
        Standing::Invalid { reason: reason.to_owned() }
    }

    fn related(mut findings: Vec<Finding>) -> Vec<Finding> {
        relate(&mut findings, None);
        findings
    }

    fn reason(finding: &Finding) -> &str {
        match &finding.standing {
            Standing::Invalid { reason } => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_shift_names_its_columns_and_spares_the_remedy() {
        let column = Finding {
            settings: vec![(BY.to_owned(), "the column `age`".to_owned())],
            ..finding(COLUMN_SHIFT, invalid("by age"), 0.8)
        };
        let findings = related(vec![
            finding(BLIND_AUC, invalid("differ"), 0.8),
            column,
            finding("membership/auc", Standing::Sound, 0.7),
            finding(MATCHED, Standing::Sound, 0.51),
            finding(WITHIN, Standing::Sound, 0.52),
        ]);
        assert!(reason(&findings[0]).contains("mostly by the column `age`"), "the blind classifier's own reason");
        let void = reason(&findings[2]);
        assert!(void.contains("`age`") && void.contains("the attack's area is 0.510"), "{void}");
        assert_eq!([&findings[3].standing, &findings[4].standing], [&Standing::Sound; 2]);
    }

    #[test]
    fn what_matching_cannot_mend_voids_the_remedy_too() {
        for fault in [finding("dataset/overlap", invalid("copies"), 0.3), finding(BLIND_AUC, invalid("copied"), 0.4)] {
            let findings = related(vec![
                finding(BLIND_AUC, Standing::Sound, 0.5),
                fault,
                finding(COLUMN_SHIFT, invalid("by age"), 0.8),
                finding(MATCHED, Standing::Sound, 0.51),
            ]);
            assert!(reason(&findings[3]).starts_with("cop"), "{}", reason(&findings[3]));
        }
        assert!(reason(&related(vec![finding(MATCHED, Standing::Sound, 0.5)])[0]).contains("not tested"));
    }

    #[test]
    fn a_column_apart_from_the_features_voids_nothing() {
        let findings = related(vec![
            finding(BLIND_AUC, Standing::Sound, 0.49),
            finding(COLUMN_SHIFT, Standing::Sound, 0.9),
            finding("membership/auc", Standing::Sound, 0.7),
        ]);
        assert_eq!(findings[2].standing, Standing::Sound);
        assert!(findings[2].baseline.is_some());
    }
}
