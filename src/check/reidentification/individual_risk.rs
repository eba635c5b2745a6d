//! # What it measures
//! The probability that a record is re-identified, given how many people of the population share its quasi-identifiers by the
//! sampling weights; its mean over the records, the largest, and that of households.
//!
//! # Who could do this
//! Somebody with a register of the population who links a record with one of the people that share its quasi-identifiers.
//!
//! # How
//! The weights of a group are summed: that many people of the population it stands for. The number of them given those in the
//! sample is negative binomial, and the risk is the mean of one over it (Benedetti and Franconi; mu-Argus). A household is
//! re-identified when one of its members is.
//!
//! # Reading the number
//! A mean of 1 % says that one record in a hundred is expected to be re-identified if all are tried. The largest risk is that
//! of the most exposed record.
//!
//! # When it misleads
//! Weights that were calibrated on other variables than the quasi-identifiers estimate small groups badly, in both directions.
//! Against somebody who knows who is in the sample weights protect nobody.
//!
//! # Cost
//! One pass over the groups.
//!
//! # References
//! Benedetti and Franconi 1998; Franconi and Polettini, Privacy in Statistical Databases (2004); Templ, Statistical
//! Disclosure Control for Microdata (2017).

use serde::Deserialize;

use super::{Grouped, counted, severity_among};
use crate::check::{Check, CheckError, CheckMeta, Need, Output, Subject};
use crate::data::encode::column;
use crate::data::{DataError, Split, Table};
use crate::finding::{Family, Finding, Severity, Unit, part_of};
use crate::population::{expected_reidentifications, household_risk, individual_risk};
use crate::stats::Estimate;
use crate::watch::Watch;

pub(in crate::check) static META: CheckMeta = CheckMeta {
    id: "reidentification/individual-risk",
    title: "Individual risk by sampling weights",
    family: Family::Reidentification,
    measures: &[MEAN, LARGEST, HOUSEHOLD],
    source: include_str!("individual_risk.rs"),
};

const MEAN: &str = "reidentification/individual-risk";
const LARGEST: &str = "reidentification/largest-individual-risk";
const HOUSEHOLD: &str = "reidentification/household-risk";

/// The check. It has no settings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IndividualRisk {}

impl Check for IndividualRisk {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Data, Need::Table, Need::QuasiIdentifiers]
    }

    fn run(&self, subject: &Subject<'_>, _watch: &dyn Watch) -> Result<Output, CheckError> {
        let Some(split) = subject.split else { return Ok(Output::default()) };
        let mut findings = Vec::new();
        for grouped in Grouped::all(split) {
            findings.extend(of_threat(split, &grouped)?);
        }
        if findings.is_empty() {
            return Err(CheckError::NotApplicable {
                reason: "no threat model names a column of sampling weights".to_owned(),
                remedy: "name it as `weights = \"COLUMN\"` under `[threats.NAME]` if the data are a weighted sample"
                    .to_owned(),
            });
        }
        Ok(findings.into())
    }
}

fn of_threat(split: &Split, grouped: &Grouped<'_>) -> Result<Vec<Finding>, CheckError> {
    let (threat, Some(table)) = (grouped.threat, split.members.table()) else { return Ok(Vec::new()) };
    let Some(name) = &threat.weights else { return Ok(Vec::new()) };
    let weights = weights(table, &threat.name, name)?;
    let risks = risks(grouped, &weights);
    let n = risks.len();
    let expected = expected_reidentifications(&risks);
    let largest = risks.iter().copied().fold(0.0, f64::max);
    let small = weights.iter().filter(|&&weight| weight < 1.0).count();
    let make = |measure: &str, value: f64, severity: Severity, sentence: String| {
        let mut finding = counted(META.id, measure, &threat.name, Unit::Share, Estimate::exact(value, n));
        finding.sentence = sentence;
        finding.severity = severity;
        finding.limits = limits();
        if small > 0 {
            finding.limits.push(format!(
                "{} records have a weight below 1; a group whose weights add up to less than its records is read as complete, \
                 which is the highest risk.",
                part_of(small, n)
            ));
        }
        finding.settings = vec![
            ("quasi-identifiers".to_owned(), threat.columns.join(", ")),
            ("weights".to_owned(), name.clone()),
            ("people that the records stand for".to_owned(), format!("{:.0}", weights.iter().sum::<f64>())),
        ];
        finding
    };
    let show = |value: f64| Unit::Share.show(value);
    let mean = expected / n.max(1) as f64;
    let mut findings = vec![
        make(
            MEAN,
            mean,
            Severity::on_scale(mean, [0.0025, 0.01, 0.05, 0.2]),
            format!(
                "An attacker with a register of the population who tries all records is expected to re-identify {} of them \
                 by {}.",
                show(mean),
                threat.columns.join(", ")
            ),
        ),
        make(
            LARGEST,
            largest,
            severity_among(1.0 / largest),
            format!("The most exposed record is re-identified with a probability of {}.", show(largest)),
        ),
    ];
    if let Some(mean) = threat.households.as_ref().and_then(|name| by_household(table, name, &risks)) {
        findings.push(make(
            HOUSEHOLD,
            mean,
            Severity::on_scale(mean, [0.0025, 0.01, 0.05, 0.2]),
            format!(
                "{} of the records belong to households of which a member is expected to be re-identified.",
                show(mean)
            ),
        ));
    }
    Ok(findings)
}

fn limits() -> Vec<String> {
    [
        "Exact for the weights as they are; weights estimate how many people share a group only as well as they were calibrated \
         on the quasi-identifiers.",
        "An attacker who knows who is in the sample faces 1 / group size instead, which is larger.",
        "A missing quasi-identifier counts as a value of its own: smaller groups, never a smaller risk.",
    ]
    .map(str::to_owned)
    .to_vec()
}

/// More people than this have no record to stand for them.
const MOST_PEOPLE: f64 = 1e10;

/// The weights, all of them over 0.
fn weights(table: &Table, threat: &str, name: &str) -> Result<Vec<f64>, CheckError> {
    let setting = format!("threats.{threat}.weights");
    let refuse = |what: &str| {
        Err(CheckError::Data(DataError::Shape {
            what: format!("`{setting}` names the column `{name}`, which {what}"),
            help: "name the column of final sampling weights: for every record the number of people it stands for"
                .to_owned(),
        }))
    };
    match table.column(name).and_then(|column| column.cells.numbers()) {
        None => refuse("is no column of numbers"),
        Some(weights) if weights.iter().any(|weight| weight.is_nan()) => refuse("has missing cells"),
        Some(weights) if weights.iter().any(|weight| *weight <= 0.0 || weight.is_infinite()) => {
            refuse("has weights that are not over 0")
        }
        Some(weights) if weights.iter().any(|weight| *weight > MOST_PEOPLE) => {
            refuse("has weights that stand for more people than there are")
        }
        Some(weights) => Ok(weights),
    }
}

/// The risk of every record.
fn risks(grouped: &Grouped<'_>, weights: &[f64]) -> Vec<f64> {
    let classes = &grouped.classes;
    let mut people = vec![0.0; classes.count()];
    classes.of_record().iter().zip(weights).for_each(|(&class, weight)| people[class as usize] += weight);
    let of_class: Vec<f64> = classes
        .records()
        .iter()
        .zip(&people)
        .map(|(&records, &people)| individual_risk(records as usize, people))
        .collect();
    classes.of_record().iter().map(|&class| of_class[class as usize]).collect()
}

/// Mean over records of the risk of their household; a record whose household is missing is one of its own.
fn by_household(table: &Table, name: &str, risks: &[f64]) -> Option<f64> {
    let households = column(&table.column(name)?.cells);
    let mut members: Vec<Vec<f64>> = vec![Vec::new(); households.levels() as usize];
    let mut alone = Vec::new();
    for (row, &risk) in risks.iter().enumerate() {
        if households.is_missing(row) { alone.push(risk) } else { members[households.code(row) as usize].push(risk) }
    }
    let shared = members.into_iter().flat_map(|members| {
        let count = members.len();
        std::iter::repeat_n(household_risk(members), count)
    });
    let all: Vec<f64> = shared.chain(alone).collect();
    Some(expected_reidentifications(&all) / risks.len().max(1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::specimen::{Case, Specimen, integers, numbers};
    use crate::data::{Schema, Table, ThreatModel};

    /// 512 records in groups of `size`, each record standing for `weight` people, in households of two.
    fn case(size: u32, weight: f64) -> Case {
        let table = || {
            Table::new(vec![
                integers("q", &(0..512).map(|row| row / size).collect::<Vec<_>>()),
                numbers("w", vec![weight; 512]),
                integers("home", &(0..512).map(|row| row / 2).collect::<Vec<_>>()),
            ])
        };
        let threat = ThreatModel {
            weights: Some("w".to_owned()),
            households: Some("home".to_owned()),
            ..ThreatModel::of("survey", &["q"])
        };
        Case::tables(table(), table(), Schema { quasi_identifiers: vec![threat], ..Schema::default() })
    }

    impl Specimen for IndividualRisk {
        const MEASURE: &'static str = MEAN;

        fn null(seed: u64) -> (Case, f64) {
            // Weights so large that the risk of a record of its own vanishes: ln(F) / (F - 1).
            let people = 2.0_f64.powi(30 + (seed % 8) as i32);
            (case(1, people), individual_risk(1, people))
        }

        fn leaky() -> Case {
            case(1, 1.0)
        }

        fn graded(seed: u64) -> (Case, f64) {
            let weight = 2.0 + seed as f64;
            (case(2, weight), individual_risk(2, 2.0 * weight))
        }
    }

    #[test]
    fn households_multiply() {
        let findings = case(1, 45.5).run(&IndividualRisk {}, 1);
        let value = |measure: &str| findings.iter().find(|f| f.measure == measure).unwrap().estimate.unwrap().value;
        assert!((value(MEAN) - 0.085_791_288_223_75).abs() < 1e-12);
        assert_eq!(value(MEAN), value(LARGEST));
        assert!((value(HOUSEHOLD) - (1.0 - (1.0 - 0.085_791_288_223_75_f64).powi(2))).abs() < 1e-12);
    }

    #[test]
    fn weights_that_cannot_be_are_refused_and_small_ones_said() {
        for weight in [0.0, -3.0, f64::NAN, f64::INFINITY] {
            let refused = case(1, weight).refused(&IndividualRisk {}, 1);
            assert!(refused.to_string().contains("threats.survey.weights"), "{refused}");
        }
        let finding = case(2, 0.5).run(&IndividualRisk {}, 1).remove(0);
        assert_eq!(finding.estimate.unwrap().value, 0.5);
        assert!(finding.limits.iter().any(|limit| limit.contains("below 1")));
    }
}
