//! Sentences that belong to no single finding. Layer row 6.
//!
//! Short, people before statistics. Refuses to promise anything: the words "complies" and "safe" do not occur.

use crate::assess::assessment::{Assessment, Stage};
use crate::assess::gate::{Judgement, Outcome, Verdict};
use crate::finding::{Family, Finding, Standing, Unit, grouped};
use crate::stats::Estimate;

/// A stage of a model's life.
pub(super) fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Design => "design",
        Stage::Train => "training",
        Stage::Validate => "validation",
        Stage::Release => "release",
        Stage::Monitor => "in use",
        Stage::Retire => "retirement",
    }
}

/// What a verdict means for somebody who has to decide.
pub(super) fn meaning_of(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "This speaks of the attacks that ran on these files, and of nothing else.",
        Verdict::Fail(_) => "At least one limit is exceeded, with the whole interval. Chance does not explain it.",
        Verdict::Undetermined(_) => {
            "The data neither show that every limit is met nor that one is exceeded. This is not a pass."
        }
    }
}

/// The glossary term that explains a family.
pub(super) fn term_of(family: Family) -> Option<&'static str> {
    match family {
        Family::Dataset => Some("exchangeable"),
        Family::Membership => Some("membership-inference"),
        Family::Inversion => Some("attribute-inference"),
        Family::Disclosure => Some("stored-record"),
        Family::Reidentification => Some("quasi-identifier"),
        Family::Robustness => None,
    }
}

/// Who could do what the checks of a family do, and what they would need.
pub(super) fn who(family: Family) -> &'static str {
    match family {
        Family::Dataset => {
            "Nobody: this checks whether the experiment can support a claim. Identifiers among the columns serve anyone who gets the data."
        }
        Family::Membership => {
            "Anyone who may query the model and holds the record of the person in question: a colleague, a partner, a user of the \
             interface, or a finder of the file."
        }
        Family::Inversion => "Anyone who may query the model and already knows most of a person's record.",
        Family::Disclosure => "Anyone who has a copy of the model file. No query is needed.",
        Family::Reidentification => {
            "Anyone who holds the data and knows a person's quasi-identifiers: a neighbour, an employer, the holder of a register. No \
             model is needed."
        }
        Family::Robustness => {
            "Anyone who enters or forwards the numbers of a record, and chance at every measurement. Integrity (45 CFR 164.312(c)) and \
             safety are at stake here, not disclosure."
        }
    }
}

/// What usually lowers the risk of a finding.
pub(super) fn helps(finding: &Finding) -> &'static str {
    if finding.check == "dataset/identifiers" {
        return "Leave the column out of the data, or coarsen it as its line says; a column that stays behind is declared in the plan.";
    }
    match finding.family() {
        Family::Dataset => "Split members and non-members at random from the same source, by patient, before training.",
        Family::Membership => {
            "Fit the training rows less closely: fewer or shallower trees, larger leaves, stronger regularisation, differentially \
             private training. Answer with less detail. Give access to fewer people."
        }
        Family::Inversion => {
            "Leave the sensitive column out of the model's inputs or coarsen it. Fit less closely. Answer with labels only."
        }
        Family::Disclosure => {
            "Rebuild the file: replace models that keep training rows (nearest neighbours, support vectors, Gaussian processes) by \
             ones that do not, merge rare categories, scale by mean and deviation or by rounded limits, drop metadata."
        }
        Family::Reidentification => {
            "Coarsen quasi-identifiers, for example to wider age bands. Drop those that single out most. Suppress rare combinations."
        }
        Family::Robustness => {
            "Fit less closely, train with noise of the size of the measurement errors, smooth the answer over it. Check inputs for \
             bounds and relations before the model sees them. Show answers near the border as uncertain."
        }
    }
}

/// A name for a measure, for readers who do not know its id.
pub(super) fn measure(id: &str) -> String {
    if let Some(rate) = id.strip_prefix("membership/tpr-at-fpr-").and_then(|rate| rate.parse::<f64>().ok()) {
        return format!("Members recognised at {} false positives", super::plot::percent(rate));
    }
    match id {
        "membership/auc" => "Membership attack, area under the curve".to_owned(),
        "membership/control-auc" => "What models that never saw the records can tell".to_owned(),
        "membership/tail-tnr" => "Non-members with a larger loss than nearly all members".to_owned(),
        "membership/transfer-accuracy" => "Accuracy of thresholds learned on a shadow model".to_owned(),
        "membership/permutation-p" => "Chance of so large a result if nothing leaked".to_owned(),
        "membership/subgroup-auc" => "Most exposed group, area under the curve".to_owned(),
        "membership/whole-patient-auc" => "Attack with all records of a patient, area under the curve".to_owned(),
        "membership/exposed-share" => "Members who can be named with one in ten wrong".to_owned(),
        "membership/epsilon-equivalent" => "Epsilon-equivalent of the strongest attack".to_owned(),
        _ if id.starts_with("membership/") && id.ends_with("-auc") => {
            let name = id.trim_start_matches("membership/").trim_end_matches("-auc").replace('-', " ");
            format!("{} attack, area under the curve", capital(&name))
        }
        "inversion/attribute-inference-excess" => "Right guesses owed to the model".to_owned(),
        "inversion/attribute-inference-member-gap" => "Of these, more for members than for others".to_owned(),
        "inversion/informed-reconstruction" => "Members whose record follows from all others and the file".to_owned(),
        "inversion/extraction-attribute" => "Right guesses owed to a copy made with questions".to_owned(),
        "inversion/extraction-informed" => "Members whose record follows from all others and a copy".to_owned(),
        "inversion/reconstruction-excess" => "Likeness of inverted records to members, over the class mean".to_owned(),
        "inversion/reconstruction-member-gap" => "Of this likeness, what is owed to membership".to_owned(),
        "inversion/reconstruction-small-classes" => "Small classes told from what was inverted".to_owned(),
        "inversion/extraction-agreement" => "Same class from a copy made with questions".to_owned(),
        "inversion/version-difference" => {
            "Cells of patients added or taken out that follow from two versions".to_owned()
        }
        "inversion/attribute-inference-individual" => {
            "Members whose value is guessable because they were in the training data".to_owned()
        }
        "dataset/prohibited-columns" => "Columns that have to go".to_owned(),
        "dataset/unsettled-columns" => "Columns to coarsen or to look at".to_owned(),
        "dataset/demographic-uniqueness" => "People who stand alone by what a stranger may know".to_owned(),
        "disclosure/stored-rows" => "Training records that stand in the model file".to_owned(),
        "disclosure/identifier-strings" => "Strings of the file that identify people".to_owned(),
        "disclosure/rare-strings" => "Categories in the file that few people have".to_owned(),
        "disclosure/column-extremes" => "Extreme values of few people in the file".to_owned(),
        "disclosure/cell-lists" => "Columns whose cells the file lists".to_owned(),
        "dataset/blind-auc" => "Members told apart without the model".to_owned(),
        "dataset/overlap" => "Copies of members among non-members".to_owned(),
        "dataset/near-duplicates" => "Non-members who equal a member but for one column".to_owned(),
        "dataset/column-shift" => "Members told apart by one column".to_owned(),
        "dataset/label-shift" => "Members told apart by the outcome".to_owned(),
        "membership/matched-auc" => "Attack among people who are alike, area under the curve".to_owned(),
        "membership/within-stratum-auc" => "Attack within strata of people alike, area under the curve".to_owned(),
        "dataset/duplicates" => "Copies among the members".to_owned(),
        "dataset/label-conflicts" => "Same features, another label".to_owned(),
        "dataset/patient-overlap" => "Patients on both sides".to_owned(),
        "disclosure/small-leaf-share" => "Members in leaves of fewer than 11 people".to_owned(),
        "disclosure/alone-in-all-trees" => "Members alone in their combination of leaves".to_owned(),
        "disclosure/threshold-cells-excess" => "Split constants that are members' values".to_owned(),
        "disclosure/threshold-midpoints-excess" => "Split constants midway between members' values".to_owned(),
        "disclosure/pinned-people-excess" => "People whose own value a split states".to_owned(),
        "disclosure/implied-cell-share" => "Members in small cells that follow from the file".to_owned(),
        "disclosure/verbatim-outcome-excess" => "Outcomes that can be read off leaves".to_owned(),
        "robustness/noise-flip-rate" => "Answers that change when measured again".to_owned(),
        "robustness/noise-member-gap" => "Steadier answers about members under noise".to_owned(),
        "robustness/adversarial-flip-rate" => "Answers that small changes on purpose turn round".to_owned(),
        "robustness/boundary-distance-auc" => "Members told by their distance to the border".to_owned(),
        "reidentification/k" => "Smallest group, k".to_owned(),
        "reidentification/uniqueness" => "People who stand alone".to_owned(),
        "reidentification/unicity" => "People whom a few of their records single out".to_owned(),
        "reidentification/attacker-risk" => "Risk of being re-identified".to_owned(),
        "reidentification/records-at-risk" => "Records in groups that are too small".to_owned(),
        "reidentification/k-map" => "Smallest group of the population, k-map".to_owned(),
        "reidentification/presence" => "Known to be in the data (delta-presence)".to_owned(),
        "reidentification/records-without-diversity" => "Records whose group gives the value away".to_owned(),
        "reidentification/l-diversity" => "Fewest sensitive values of a group, l".to_owned(),
        "reidentification/t-closeness" => "Groups unlike the file, t".to_owned(),
        "reidentification/linkage" => "People found by linking another file".to_owned(),
        "reidentification/linkage-claims" => "People named rightly by an attacker who is sure".to_owned(),
        "reidentification/linkage-precision" => "Links of a sure attacker that are right".to_owned(),
        _ => capital(&id.split_once('/').map_or(id, |(_, name)| name).replace('-', " ").replace("auc", "AUC")),
    }
}

/// The number of a finding in people, or its own sentence where there is no better one.
pub(super) fn in_people(finding: &Finding, assessment: &Assessment) -> String {
    let (Some(estimate), Standing::Sound) = (finding.estimate, &finding.standing) else {
        return finding.sentence.clone();
    };
    let measure = finding.measure.as_str();
    // Rates count patients where records belong to patients.
    let (members, unit) = assessment.data.as_ref().map_or((0, ""), |data| match data.patients {
        Some((members, _)) => (members, "patients in the training data"),
        None => (data.members, "member records"),
    });
    if measure.starts_with("membership/tpr-at-fpr-") && members >= 100 {
        let known = round_to_two_digits(estimate.value * members as f64);
        let chance = finding.null_value.map_or_else(String::new, |null| {
            format!("; chance gives about {}", grouped(round_to_two_digits(null * members as f64)))
        });
        return format!("About {} of {} {unit} are recognised{chance}.", grouped(known), grouped(members as u64));
    }
    match (measure, finding.unit) {
        ("reidentification/k", _) if estimate.value < 1.5 => {
            "At least one person stands alone: a risk of 1 in 1.".to_owned()
        }
        ("reidentification/k", _) => {
            format!("The most exposed person hides among {:.0}: a risk of 1 in {:.0}.", estimate.value, estimate.value)
        }
        ("reidentification/uniqueness", _) if estimate.value <= 0.0 => "Nobody stands alone.".to_owned(),
        ("reidentification/uniqueness", _) if estimate.value < 0.01 => {
            "Fewer than 1 in 100 people stand alone.".to_owned()
        }
        ("reidentification/uniqueness", _) => format!("About {:.0} in 100 people stand alone.", estimate.value * 100.0),
        _ => finding.sentence.clone(),
    }
}

fn round_to_two_digits(people: f64) -> u64 {
    if people < 10.0 {
        return people.round() as u64;
    }
    let unit = 10_f64.powf(people.log10().floor() - 1.0);
    ((people / unit).round() * unit).round() as u64
}

/// The most useful next step.
pub(super) fn next_step(assessment: &Assessment) -> String {
    let invalid = assessment.findings.iter().find(|f| matches!(f.standing, Standing::Invalid { .. }));
    if let Some(finding) = invalid {
        let Standing::Invalid { reason } = &finding.standing else { return String::new() };
        return format!("Mend the experiment first: {}. Then assess again.", reason.trim_end_matches('.'));
    }
    if let Some(finding) = leading(assessment, Outcome::Breach).and_then(|judgement| find(assessment, judgement)) {
        return format!("{} Then assess again with the same plan.", helps(finding));
    }
    let needed = assessment.judgements.iter().find(|j| j.outcome == Outcome::Doubt && !j.needed.is_empty());
    if let Some(judgement) = needed {
        return format!("To settle `{}`: {}", judgement.subject, judgement.needed);
    }
    if let Some(skipped) = assessment.skipped.iter().find(|skipped| !skipped.remedy.is_empty()) {
        return format!(
            "Close a gap: {} (`{}` did not run because {}).",
            skipped.remedy.trim_end_matches('.'),
            skipped.check,
            skipped.reason
        );
    }
    "File this report with the model. Assess again when the model, the data or the circle of users changes.".to_owned()
}

/// The judgement of an outcome that leads the others: measured before unmeasured, then by severity, then the first.
pub(super) fn leading(assessment: &Assessment, outcome: Outcome) -> Option<&Judgement> {
    let rank = |judgement: &Judgement| find(assessment, judgement).map(|finding| finding.severity);
    let those = assessment.judgements.iter().filter(|judgement| judgement.outcome == outcome);
    those.reduce(|first, next| if rank(next) > rank(first) { next } else { first })
}

/// The finding that a judgement speaks of.
pub(super) fn find<'a>(assessment: &'a Assessment, judgement: &Judgement) -> Option<&'a Finding> {
    assessment.findings.iter().find(|finding| finding.subject() == judgement.subject)
}

/// A measured value with its sign or its unit in full.
pub(super) fn show(unit: Unit, value: f64) -> String {
    match unit {
        Unit::People if (value - 1.0).abs() < f64::EPSILON => "1 person".to_owned(),
        Unit::People => format!("{} people", unit.show(value)),
        Unit::ShareDifference if value > 0.0 => format!("+{}", unit.show(value)),
        _ => signed(&unit.show(value)),
    }
}

/// An interval with its unit once: `24.0 to 32.0 %`.
pub(super) fn interval(unit: Unit, estimate: &Estimate) -> String {
    if estimate.low.to_bits() == estimate.high.to_bits() {
        return signed(&unit.show(estimate.value));
    }
    unit.show_interval(estimate).split(" to ").map(signed).collect::<Vec<_>>().join(" to ")
}

/// A number with a minus sign instead of a hyphen.
fn signed(number: &str) -> String {
    number.strip_prefix('-').map_or_else(|| number.to_owned(), |rest| format!("\u{2212}{rest}"))
}

/// A text with its first letter in upper case.
pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn people_are_rounded_and_grouped() {
        let assessment = sample::failing();
        let tpr =
            assessment.findings.iter().find(|f| f.measure == "membership/tpr-at-fpr-0.01").expect("in the sample");
        assert_eq!(
            in_people(tpr, &assessment),
            "About 2,000 of 7,013 patients in the training data are recognised; chance gives about 70."
        );
        assert_eq!(round_to_two_digits(2_846.0), 2_800);
        assert_eq!([grouped(7), grouped(1_020_000)], ["7", "1,020,000"]);
    }

    #[test]
    fn the_next_step_fits_the_verdict() {
        assert!(next_step(&sample::failing()).starts_with("Fit the training rows less closely"));
        assert!(next_step(&sample::undetermined()).starts_with("Mend the experiment first"));
        assert!(next_step(&sample::passing()).starts_with("Close a gap"));
    }
}
