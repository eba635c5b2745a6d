//! # What it measures
//! How many patients an attacker recognises who holds all records of a patient and not only one: every attack's scores of a
//! patient's records are put together, and the best way of doing so is measured on other patients, as the area under the
//! ROC curve over patients (0.5 is chance).
//!
//! # Who could do this
//! Whoever could run the attack that is aggregated, with the patient's whole file: the hospital's staff, an insurer, the
//! patient's family.
//!
//! # How
//! Scores are put on one scale by median and quartiles. Four forms compete: the mean of a patient's scores, their sum (the
//! log-likelihood ratio where records are independent evidence), the largest (one remembered record is enough) and the log
//! of the sum of their exponentials. Nothing of this looks at membership, and a patient's records are taken together
//! whichever set they are in. Attack and form are chosen on one half of the patients and measured on the other, 25 times.
//! The means then compete for `membership/strongest` and are tested by `membership/permutation` like all others.
//! The number of records by itself is the control: where it tells members from others, the two sets were not drawn alike,
//! and nothing that is added up over records competes.
//!
//! # Reading the number
//! The table sets it beside what the same attacks reach with one random record of each patient. Far above it, the model
//! knows people by their files, and limits on single records say too little.
//!
//! # When it misleads
//! Too low: where patients have few records, or a patient stands in both sets. Too high: when members have more records
//! than others for reasons of their own; the control shows that.
//!
//! # Cost
//! Sorting; no query to the model.
//!
//! # References
//! Suri et al., 2022 (subject membership inference); Meinshausen, Meier and Buehlmann, JASA 2009 (choice over splits).

use rayon::prelude::*;
use serde::Deserialize;

use super::aggregate::{self, FORMS, Form, Patients};
use super::pool::{Pool, area_severity, blank};
use super::selection::{Aim, Selection};
use crate::check::{AttackScores, Check, CheckError, CheckMeta, Entry, Need, Output, Subject};
use crate::finding::{Evidence, Family, Finding, Severity, Standing, Table, Unit};
use crate::stats::{Estimate, Level};
use crate::watch::Watch;

pub(in crate::check) static META: CheckMeta = CheckMeta {
    id: aggregate::ID,
    title: "Attacks with all records of a patient",
    family: Family::Membership,
    measures: &[AUC],
    source: include_str!("whole_patient.rs"),
};

const AUC: &str = "membership/whole-patient-auc";
/// False-positive rates of the table.
const RATES: [f64; 3] = [0.1, 0.01, 0.001];
/// How far the interval of the control may lie from 0.5 before the comparison is void.
const TOLERANCE: f64 = 0.02;

/// The check. It has no settings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WholePatient {}

impl Check for WholePatient {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Data, Need::Scores]
    }

    fn run(&self, subject: &Subject<'_>, _watch: &dyn Watch) -> Result<Output, CheckError> {
        let Some(pool) = Pool::of(subject) else { return Ok(Output::default()) };
        let single: Vec<AttackScores> =
            subject.scores.iter().filter(|attack| attack.entry == Entry::Competes).cloned().collect();
        if single.is_empty() {
            return Ok(Output::default());
        }
        let patients = Patients::of(&pool);
        if !patients.several() {
            return Err(CheckError::NotApplicable {
                reason: "no patient is known to have several records".to_owned(),
                remedy: "set `[data] patient` if records belong to patients".to_owned(),
            });
        }
        let pairs: Vec<(&AttackScores, Form)> =
            single.iter().flat_map(|attack| FORMS.map(|form| (attack, form))).collect();
        let mut whole: Vec<AttackScores> =
            pairs.par_iter().map(|(attack, form)| patients.aggregate(&pool, attack, *form)).collect();
        let (people, rows) = pool.of_patients();
        let of_people =
            |attacks: &[AttackScores]| attacks.iter().map(|attack| taken(attack, &rows)).collect::<Vec<_>>();
        let (of_single, of_whole) = (of_people(&single), of_people(&whole));
        let records = patients.records(&pool);
        let records: Vec<f64> = rows.iter().map(|&row| records[row]).collect();
        let control = people.area(&records, &people.whole(), Level::P95);
        let finding = finding(&people, &of_single, &of_whole, &control);
        // One form of each goes on: with all four, the corrections for looking at many attacks would cost more than they add.
        let mut forms = pairs.iter().map(|(_, form)| *form == Form::Mean);
        whole.retain(|_| forms.next().unwrap_or(false));
        if !matches!(finding.standing, Standing::Sound) {
            whole.iter_mut().for_each(|attack| attack.entry = Entry::ForReading);
        }
        Ok(Output { findings: vec![finding], scores: whole, ..Output::default() })
    }
}

/// An attack on some rows.
fn taken(attack: &AttackScores, rows: &[usize]) -> AttackScores {
    AttackScores {
        check: attack.check,
        name: attack.name.clone(),
        of_record: rows.iter().map(|&row| attack.of_record[row]).collect(),
        entry: attack.entry,
        draws: None,
    }
}

fn finding(people: &Pool, single: &[AttackScores], whole: &[AttackScores], control: &Estimate) -> Finding {
    let (one, all) = (Selection::of(people, single), Selection::of(people, whole));
    let chosen = all.strongest(Aim::Area);
    let mut finding = blank(META.id, AUC, Unit::Area, 0.5);
    finding.estimate = chosen.estimate;
    match chosen.estimate.filter(|estimate| estimate.n >= super::pool::FEWEST) {
        Some(estimate) => {
            finding.sentence = format!(
                "Given all records of a patient from the training data and of one who was not, the attacker picks the right \
                 one {} of the time; guessing is right 50 % of the time.",
                Unit::Share.show(estimate.value)
            );
            finding.severity = area_severity(&estimate);
        }
        None => finding.standing = people.too_few(chosen.reporting, 0.01, 2),
    }
    let total: usize = chosen.picks.iter().map(|(_, count)| count).sum();
    let picks: Vec<String> =
        chosen.picks.iter().map(|(attack, count)| format!("{} ({count} of {total})", attack.name)).collect();
    finding.settings = vec![("attack and form, chosen on the other half of the patients".to_owned(), picks.join("; "))];
    finding.limits.push("It takes all records of a patient to be known to the attacker.".to_owned());
    finding
        .evidence
        .push(table(&[("one random record of each patient", &one), ("all records of each patient", &all)], control));
    if control.low > 0.5 + TOLERANCE || control.high < 0.5 - TOLERANCE {
        finding.severity = Severity::VeryLow;
        finding.standing = Standing::Invalid {
            reason: format!(
                "the number of records alone tells members from non-members (area {}, interval {}): whatever is added up over \
                 a patient's records would seem to succeed. Draw members and non-members by one rule, with the same span of \
                 time for each patient.",
                Unit::Area.show(control.value),
                Unit::Area.show_interval(control)
            ),
        };
    }
    finding
}

/// What one record and what all records tell, each by the attack chosen on other patients.
fn table(selections: &[(&str, &Selection<'_>)], control: &Estimate) -> Evidence {
    let cell = |unit: Unit, estimate: Option<Estimate>| {
        estimate.map_or("not estimable".to_owned(), |e| unit.show_estimate(&e))
    };
    let row = |(name, selection): &(&str, &Selection<'_>)| {
        let mut cells = vec![(*name).to_owned(), cell(Unit::Area, selection.strongest(Aim::Area).estimate)];
        cells.extend(RATES.map(|fpr| cell(Unit::Share, selection.strongest(Aim::RateAt(fpr)).estimate)));
        cells
    };
    let mut rows: Vec<Vec<String>> = selections.iter().map(row).collect();
    let nothing = || "-".to_owned();
    rows.push(vec![
        "number of records alone (control)".to_owned(),
        cell(Unit::Area, Some(*control)),
        nothing(),
        nothing(),
        nothing(),
    ]);
    Evidence::Table(Table {
        caption: "Over patients: what an attacker tells from one record and from all records, with 95 % intervals; attack and \
                  form are chosen on other patients"
            .to_owned(),
        columns: ["the attacker holds", "area", "TPR at 10 %", "TPR at 1 %", "TPR at 0.1 %"].map(str::to_owned).to_vec(),
        rows,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::membership::specimen::{attacked, case, family_p, judged, patients, strongest, unequal};
    use crate::check::specimen::{Case, Specimen};

    fn scored(count: usize, records: usize, mean: f64, seed: u64) -> Case {
        attacked(patients(count, records, mean, seed), seed)
    }

    fn value(findings: &[Finding], measure: &str) -> Estimate {
        findings.iter().find(|finding| finding.measure == measure).and_then(|finding| finding.estimate).unwrap()
    }

    impl Specimen for WholePatient {
        const MEASURE: &'static str = AUC;

        fn null(seed: u64) -> (Case, f64) {
            (scored(120, 3, 0.0, seed), 0.5)
        }

        fn leaky() -> Case {
            scored(300, 3, 3.0, 1)
        }

        /// Four independent records, each half a standard deviation higher for members: the sum is one higher in units of its
        /// own, so the area is Phi(1 / sqrt 2) = 0.760249938906524; of a single record it is Phi(0.5 / sqrt 2) = 0.638.
        fn graded(seed: u64) -> (Case, f64) {
            (scored(500, 4, 0.5, seed), 0.760_249_938_906_524)
        }
    }

    /// The planted truth of the graded case: what all records tell is found, and the attack competes for the strongest.
    #[test]
    fn all_records_tell_more_than_one() {
        let case = scored(600, 4, 0.5, 3);
        let single = strongest(&case, 3);
        let output = case.output(&WholePatient {}, 3);
        let whole = value(&output.findings, AUC);
        assert!(single.high < 0.70 && whole.low > 0.70, "{single:?} {whole:?}");
        let both = case.scored_by(&WholePatient {}, 3);
        assert!((strongest(&both, 3).value - whole.value).abs() < 0.02, "{:?}", strongest(&both, 3));
        // Phi(1 - 1.2816) = 0.389 for all records, Phi(0.5 - 1.2816) = 0.217 for one.
        let rate = judged(&both, "membership/tpr-at-fpr-0.1", 3).value;
        assert!((rate - 0.389).abs() < 0.1, "{rate}");
    }

    /// One remembered record of five is found by the largest score, not by the mean.
    #[test]
    fn the_form_is_chosen_by_what_leaks() {
        let case = attacked(unequal(400, [5, 5], 5, 4.0), 5);
        let findings = case.run(&WholePatient {}, 5);
        let picks = &findings[0].settings[0].1;
        assert!(
            picks.starts_with("scaled logit") || picks.contains("largest") || picks.contains("log-sum-exp"),
            "{picks}"
        );
        assert!(!picks.split("; ").next().unwrap_or("").contains("mean"), "{picks}");
    }

    /// Members with more records than others: the sum would betray that, so nothing competes and nothing is claimed.
    #[test]
    fn more_records_of_members_are_no_leak() {
        let case = attacked(unequal(300, [4, 2], 6, 0.0), 6);
        let output = case.output(&WholePatient {}, 6);
        assert!(
            matches!(&output.findings[0].standing, Standing::Invalid { reason } if reason.contains("number of records"))
        );
        assert!(output.scores.iter().all(|attack| attack.entry == Entry::ForReading));
    }

    #[test]
    fn patients_of_one_record_change_nothing() {
        for case in [attacked(case(100, 1.0, 1), 1), scored(100, 1, 1.0, 1)] {
            assert!(matches!(case.refused(&WholePatient {}, 1), CheckError::NotApplicable { .. }));
        }
    }

    /// The aggregated forms are part of the family, and its error rate stays what it was.
    #[test]
    fn the_permutation_test_keeps_its_error_rate() {
        let wrong = (0..60)
            .filter(|&seed| {
                let case = scored(50, 3, 0.0, seed).scored_by(&WholePatient {}, seed);
                family_p(&case, seed) < 0.05
            })
            .count();
        assert!(wrong <= 8, "{wrong} of 60: three expected, 9 or more once in 250 right programs");
    }
}
