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
//! re-identified when one of its members is. Where a patient column is declared, groups count people and a person's weight
//! counts once. Intervals draw the numbers of people in the population from that law (parametric bootstrap).
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
//! One pass over the groups, and at most 200 draws of them.
//!
//! # References
//! Benedetti and Franconi 1998; Franconi and Polettini, Privacy in Statistical Databases (2004); Templ, Statistical
//! Disclosure Control for Microdata (2017).

use rayon::prelude::*;
use serde::Deserialize;

use super::{Grouped, counted, severity_among};
use crate::check::{Check, CheckError, CheckMeta, Need, Output, Subject};
use crate::data::encode::column;
use crate::data::{DataError, Split, Table};
use crate::equivalence::Column;
use crate::finding::{Family, Finding, Severity, Unit, part_of};
use crate::population::{draw_population_class, expected_reidentifications, household_risk, individual_risk};
use crate::seed::Seed;
use crate::stats::rank::quantile;
use crate::stats::{Estimate, Level, Method};
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
            findings.extend(of_threat(split, &grouped, subject.seed.derive(META.id).derive(&grouped.threat.name))?);
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

fn of_threat(split: &Split, grouped: &Grouped<'_>, seed: Seed) -> Result<Vec<Finding>, CheckError> {
    let (threat, Some(table)) = (grouped.threat, split.members.table()) else { return Ok(Vec::new()) };
    let Some(name) = &threat.weights else { return Ok(Vec::new()) };
    let weights = weights(table, &threat.name, name)?;
    let sums = stood_for(grouped, &weights, name)?;
    let households = threat.households.as_ref().and_then(|name| table.column(name)).map(|found| column(&found.cells));
    let (told, ranges) =
        (Told::of(grouped, &sums, households.as_ref()), Ranges::of(grouped, &sums, households.as_ref(), seed));
    let (records, people) = (grouped.records(), split.members.people());
    let small = weights.iter().filter(|&&weight| weight < 1.0).count();
    let make = |measure: &str, value: f64, (low, high): (f64, f64), severity: Severity, sentence: String| {
        let (low, high) = (low.min(value), high.max(value));
        let estimate = Estimate { value, low, high, level: Level::P95, n: people, method: Method::ModelLaw };
        let mut finding = counted(META.id, measure, &threat.name, Unit::Share, estimate);
        finding.sentence = sentence;
        finding.severity = severity;
        finding.limits = limits();
        if small > 0 {
            finding.limits.push(format!(
                "{} records have a weight below 1; a group whose weights add up to less than its records is read as complete, \
                 which is the highest risk.",
                part_of(small, records)
            ));
        }
        finding.settings = vec![
            ("quasi-identifiers".to_owned(), threat.columns.join(", ")),
            ("weights".to_owned(), name.clone()),
            ("people that the records stand for".to_owned(), format!("{:.0}", sums.iter().sum::<f64>())),
        ];
        finding
    };
    let show = |value: f64| Unit::Share.show(value);
    let (mean, largest) = (told.mean, told.largest.1);
    let mut findings = vec![
        make(
            MEAN,
            mean,
            ranges.mean,
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
            ranges.largest,
            severity_among(1.0 / largest),
            format!("The most exposed record is re-identified with a probability of {}.", show(largest)),
        ),
    ];
    if let Some((mean, range)) = told.household.zip(ranges.household) {
        findings.push(make(
            HOUSEHOLD,
            mean,
            range,
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
        "The interval is that of the model: how many people share a group given those in the sample, the weights being right. \
         They are only as right as they were calibrated on the quasi-identifiers.",
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

/// For every class the people of the population that its members stand for: the sum of their weights, a person's counted
/// once.
fn stood_for(grouped: &Grouped<'_>, weights: &[f64], name: &str) -> Result<Vec<f64>, CheckError> {
    let classes = &grouped.classes;
    let mut sums = vec![0.0; classes.count()];
    let Some(people) = grouped.people else {
        classes.of_record().iter().zip(weights).for_each(|(&class, weight)| sums[class as usize] += weight);
        return Ok(sums);
    };
    let mut rows: Vec<usize> = (0..weights.len()).collect();
    rows.sort_unstable_by_key(|&row| (people[row], classes.of_record()[row], row));
    for same in rows.chunk_by(|&a, &b| people[a] == people[b]) {
        let weight = weights[same[0]];
        if same.iter().any(|&row| (weights[row] - weight).abs() > 1e-9 * weight) {
            return Err(CheckError::Data(DataError::Shape {
                what: format!("`threats.{}.weights`: `{name}` gives records of one person different weights", grouped.threat.name),
                help: "give every record of a person the number of people that the person stands for, or list one record per \
                       person"
                    .to_owned(),
            }));
        }
        for within in same.chunk_by(|&a, &b| classes.of_record()[a] == classes.of_record()[b]) {
            sums[classes.of_record()[within[0]] as usize] += weight;
        }
    }
    Ok(sums)
}

/// The risks of one threat model, expected or drawn.
struct Told {
    /// Mean over the records.
    mean: f64,
    /// The class with the largest, and that.
    largest: (usize, f64),
    /// Mean over the records of that of their household, where those are known.
    household: Option<f64>,
}

impl Told {
    /// Of the expected risks, given how many people each class stands for.
    fn of(grouped: &Grouped<'_>, sums: &[f64], households: Option<&Column>) -> Self {
        let sizes = grouped.classes.sizes().iter().zip(sums);
        let of_class: Vec<f64> = sizes.map(|(&size, &people)| individual_risk(size as usize, people)).collect();
        let of_record = of_records(grouped, &of_class);
        let largest = of_class.iter().copied().enumerate().fold(
            (0, 0.0),
            |best, found| {
                if found.1 > best.1 { found } else { best }
            },
        );
        let mean = expected_reidentifications(&of_record) / of_record.len().max(1) as f64;
        Self { mean, largest, household: households.map(|households| by_household(households, &of_record)) }
    }
}

fn of_records(grouped: &Grouped<'_>, of_class: &[f64]) -> Vec<f64> {
    grouped.classes.of_record().iter().map(|&class| of_class[class as usize]).collect()
}

/// Draws for the intervals, at most and at least; in between as many as keep the records drawn within a bound.
const REPLICATES: (usize, usize) = (40, 200);
const DRAWN: usize = 10_000_000;

/// Where 95 % of the draws lie when the number of people in each class of the population is drawn from its law.
struct Ranges {
    mean: (f64, f64),
    /// Of the class whose expected risk is the largest.
    largest: (f64, f64),
    household: Option<(f64, f64)>,
}

impl Ranges {
    fn of(grouped: &Grouped<'_>, sums: &[f64], households: Option<&Column>, seed: Seed) -> Self {
        let most = Told::of(grouped, sums, None).largest.0;
        let replicates = (DRAWN / grouped.records().max(1)).clamp(REPLICATES.0, REPLICATES.1);
        let again = |replicate: usize| {
            let mut stream = seed.derive(&replicate.to_string()).stream();
            let sizes = grouped.classes.sizes().iter().zip(sums);
            let draw = |(&size, &people): (&u32, &f64)| 1.0 / draw_population_class(size as usize, people, &mut stream);
            let of_class: Vec<f64> = sizes.map(draw).collect();
            let of_record = of_records(grouped, &of_class);
            let mean = expected_reidentifications(&of_record) / of_record.len().max(1) as f64;
            (mean, of_class.get(most).copied().unwrap_or(0.0), households.map(|found| by_household(found, &of_record)))
        };
        let drawn: Vec<(f64, f64, Option<f64>)> = (0..replicates).into_par_iter().map(again).collect();
        Self {
            mean: middle(drawn.iter().map(|draw| draw.0).collect()),
            largest: middle(drawn.iter().map(|draw| draw.1).collect()),
            household: households.map(|_| middle(drawn.iter().filter_map(|draw| draw.2).collect())),
        }
    }
}

/// Where 95 % of some numbers lie.
fn middle(mut numbers: Vec<f64>) -> (f64, f64) {
    numbers.sort_by(f64::total_cmp);
    let tail = Level::P95.alpha() / 2.0;
    (quantile(&numbers, tail), quantile(&numbers, 1.0 - tail))
}

/// Mean over records of the risk of their household; a record whose household is missing is one of its own.
fn by_household(households: &Column, risks: &[f64]) -> f64 {
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
    expected_reidentifications(&all) / risks.len().max(1) as f64
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
            let people = 2.0_f64.powi(26 + (seed % 8) as i32);
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

    /// Sixty people with ten records each stand for themselves: each is recognised for certain. Weights that differ within a
    /// person are refused.
    #[test]
    fn records_of_a_person_are_one_person() {
        let of = |weight: &dyn Fn(u32) -> f64| {
            let people: Vec<u32> = (0..600).map(|row| row / 10).collect();
            let table = || {
                let weights = (0..600).map(weight).collect();
                Table::new(vec![integers("pid", &people), integers("q", &people), numbers("w", weights)])
            };
            let threat = ThreatModel { weights: Some("w".to_owned()), ..ThreatModel::of("survey", &["q"]) };
            let schema =
                Schema { patient: Some("pid".to_owned()), quasi_identifiers: vec![threat], ..Schema::default() };
            Case::tables(table(), table(), schema)
        };
        let estimate = of(&|_| 1.0).run(&IndividualRisk {}, 1).remove(0).estimate.unwrap();
        assert_eq!((estimate.value, estimate.low, estimate.high, estimate.n), (1.0, 1.0, 1.0, 60));
        let found = of(&|_| 8.0).run(&IndividualRisk {}, 1).remove(0).estimate.unwrap();
        assert!((found.value - 0.297_063_077_382_8).abs() < 1e-12, "{found:?}");
        let refused = of(&|row| f64::from(1 + row % 2)).refused(&IndividualRisk {}, 1).to_string();
        assert!(refused.contains("one person different weights"), "{refused}");
    }

    /// The interval of the model: one over a geometric number for a record alone, and narrower by the root of 512 for the mean.
    #[test]
    fn intervals_are_those_of_the_law() {
        let found = case(1, 45.5).run(&IndividualRisk {}, 1);
        let of = |measure: &str| found.iter().find(|f| f.measure == measure).unwrap().estimate.unwrap();
        // F is geometric with p = 1 / 45.5: at most 2 with probability 0.043, at least 151 with 0.036.
        let largest = of(LARGEST);
        assert!((0.33..=1.0).contains(&largest.high) && largest.low < 1.0 / 120.0, "{largest:?}");
        // E 1/F^2 is p / q Li2(q) = 0.0341 and so the standard deviation of the mean 0.0072.
        let mean = of(MEAN);
        assert!((0.02..0.036).contains(&(mean.high - mean.low)), "{mean:?}");
        assert!(mean.covers(0.085_79));
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
