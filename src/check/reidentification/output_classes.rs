//! # What it measures
//! How many training records share their answer of the model, rounded as a recipient sees it; and how many are singled out by
//! their answer, alone or beside the quasi-identifiers of each threat model.
//!
//! # Who could do this
//! Somebody who sees answers about people (a risk score in a letter, a list of predictions, a second data set that holds them)
//! and can look into the data with the model, or into a table of them.
//!
//! # How
//! The answer is one more quasi-identifier. Records with equal rounded answers form a group; groups are counted by person where
//! a patient column is declared. Probabilities are rounded to `digits` decimals, other numbers to as many significant digits.
//! For a threat model the groups are those of its quasi-identifiers and the answer; what the quasi-identifiers do alone stands
//! beside it as the baseline.
//!
//! # Reading the number
//! Where an answer is nobody else's, whoever has the answer has found the record. A few decimals less are often enough: the
//! table shows what each costs. What counts for a threat model is how far the share is above its baseline.
//!
//! # When it misleads
//! Counted among the training records only: in a larger population fewer answers are unique. A model that answers with labels
//! or few levels cannot single out anybody by itself. It says nothing about membership; the membership checks do.
//!
//! # Cost
//! One pass over the answers and one grouping per threat model.
//!
//! # References
//! The structural attack of SACRO-ML (Jefferson and others, GRAIMATTER Green Paper, 2022), which counts records with equal
//! answers; Sweeney 2002 for groups of equal records.

use std::collections::HashMap;

use serde::Deserialize;

use super::{Grouped, counted};
use crate::check::settings::within;
use crate::check::{Check, CheckError, CheckMeta, Need, Output, Subject};
use crate::equivalence::{Classes, Column};
use crate::finding::{Baseline, Count, Evidence, Family, Finding, Severity, Table, Unit, part_of, share_of};
use crate::model::{Predictions, Scale};
use crate::watch::Watch;

pub(in crate::check) static META: CheckMeta = CheckMeta {
    id: "reidentification/output-classes",
    title: "Records that their answer singles out",
    family: Family::Reidentification,
    measures: &[ALONE, BESIDE],
    source: include_str!("output_classes.rs"),
};

const ALONE: &str = "reidentification/output-uniqueness";
const BESIDE: &str = "reidentification/output-singles-out";
/// Digits that the table shows.
const SHOWN: [usize; 4] = [1, 2, 3, 4];
/// Most digits that a number of 64 bits has.
const MOST_DIGITS: usize = 15;
/// Severity scale of a share of records.
const SCALE: [f64; 4] = [0.0, 0.01, 0.05, 0.2];

/// The check.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OutputClasses {
    /// Digits of an answer that a recipient sees: decimals of a probability, significant digits of another number; 1 to 15.
    #[serde(deserialize_with = "within::<1, MOST_DIGITS, _>")]
    pub digits: usize,
}

impl Default for OutputClasses {
    fn default() -> Self {
        Self { digits: 2 }
    }
}

impl Check for OutputClasses {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Model, Need::Data, Need::Target]
    }

    fn run(&self, subject: &Subject<'_>, _watch: &dyn Watch) -> Result<Output, CheckError> {
        let (Some(split), Some(answers)) = (subject.split, subject.model.and_then(|model| model.members.as_ref()))
        else {
            return Ok(Output::default());
        };
        let people = split.members.groups.as_deref();
        let answered = Answered { predictions: &answers.predictions, people };
        let digits = self.digits;
        let mut findings = vec![answered.alone(digits)];
        findings.extend(Grouped::all(split).iter().map(|grouped| answered.beside(grouped, digits)));
        Ok(findings.into())
    }
}

/// The answers about the members.
struct Answered<'a> {
    predictions: &'a Predictions,
    people: Option<&'a [u32]>,
}

impl Answered<'_> {
    fn alone(&self, digits: usize) -> Finding {
        let classes = self.classes(&[], digits);
        let (n, alone) = (self.predictions.rows(), classes.below(2));
        let mut finding = counted(META.id, ALONE, "", Unit::Share, share_of(alone, n));
        finding.sentence = format!(
            "For {} training records, nobody else in the file has their answer of the model, of which {digits} digits are seen.",
            part_of(alone, n)
        );
        finding.null_value = Some(0.0);
        finding.severity = Severity::on_scale(alone as f64 / n.max(1) as f64, SCALE);
        finding.evidence = vec![self.by_digits(digits)];
        finding.limits = limits();
        finding.settings = vec![
            ("digits of an answer that are seen".to_owned(), digits.to_string()),
            ("different answers".to_owned(), classes.count().to_string()),
            ("smallest group".to_owned(), classes.sizes().iter().min().map_or(0, |&size| size).to_string()),
        ];
        finding
    }

    /// What rounding does. A count that differs from another one shown by 1 to 10 people is hidden: the difference would be a
    /// count of people too.
    fn by_digits(&self, digits: usize) -> Evidence {
        let n = self.predictions.rows();
        let mut all: Vec<usize> = SHOWN.into_iter().filter(|&other| other != digits).collect();
        all.insert(0, digits);
        let mut shown: Vec<usize> = Vec::new();
        let mut row = |digits: usize| {
            let classes = self.classes(&[], digits);
            let alone = classes.below(2);
            let telling = shown.iter().any(|&other| Count::of(other.abs_diff(alone)) == Count::Withheld);
            let count = if telling { Count::Hidden } else { Count::of_part(alone, n) };
            if count == Count::Shown(alone) {
                shown.push(alone);
            }
            let smallest = classes.sizes().iter().min().map_or(0, |&size| size);
            (
                digits,
                [digits.to_string(), classes.count().to_string(), smallest.to_string(), count.to_string()].to_vec(),
            )
        };
        let mut rows: Vec<(usize, Vec<String>)> = all.into_iter().map(&mut row).collect();
        rows.sort_by_key(|(digits, _)| *digits);
        Evidence::Table(Table {
            caption: "What rounding the answers does".to_owned(),
            columns: ["digits seen", "different answers", "smallest group", "records alone"]
                .map(str::to_owned)
                .to_vec(),
            rows: rows.into_iter().map(|(_, row)| row).collect(),
        })
    }

    fn beside(&self, grouped: &Grouped<'_>, digits: usize) -> Finding {
        let known: Vec<&Column> = grouped.columns.iter().collect();
        let (n, without) = (grouped.records(), grouped.below(2));
        let with = self.classes(&known, digits).below(2);
        let mut finding = counted(META.id, BESIDE, &grouped.threat.name, Unit::Share, share_of(with, n));
        finding.sentence = format!(
            "{} training records are singled out by {} with the model's answer.",
            part_of(with, n),
            grouped.threat.columns.join(", ")
        );
        let added = with.saturating_sub(without);
        finding.severity = Severity::on_scale(added as f64 / n.max(1) as f64, SCALE);
        finding.limits = limits();
        if matches!(Count::of(added), Count::Shown(_)) {
            let estimate = share_of(without, n);
            finding.baseline = Some(Baseline { name: "the quasi-identifiers alone".to_owned(), estimate });
        } else {
            finding.limits.push(
                "The answer adds 1 to 10 records to those that the quasi-identifiers single out alone.".to_owned(),
            );
        }
        finding.settings = vec![
            ("quasi-identifiers".to_owned(), grouped.threat.columns.join(", ")),
            ("digits of an answer that are seen".to_owned(), digits.to_string()),
        ];
        finding
    }

    /// Groups by some columns and the rounded answers.
    fn classes(&self, columns: &[&Column], digits: usize) -> Classes {
        let answers = rounded(self.predictions, digits);
        let all: Vec<&Column> = columns.iter().copied().chain(&answers).collect();
        Classes::of(&all, self.people)
    }
}

fn limits() -> Vec<String> {
    vec![
        "Counted among the training records: in a larger population fewer answers are unique.".to_owned(),
        "Rests on how many digits of an answer a recipient sees (setting `digits`).".to_owned(),
    ]
}

/// The rounded answers as columns of codes, one for each number of an answer.
fn rounded(predictions: &Predictions, digits: usize) -> Vec<Column> {
    let decimals = |value: f64| (value * 10_f64.powi(digits as i32)).round();
    // Two roads to one number end in one text.
    let significant = |value: f64| format!("{value:.*e}", digits - 1).parse().unwrap_or(f64::NAN);
    let is_share = |scale: Scale| scale == Scale::Probability;
    let coded = |values: &[f64], width: usize, shares: bool| -> Vec<Column> {
        let round = |value: f64| if shares { decimals(value) } else { significant(value) };
        (0..width).map(|j| codes(values.iter().skip(j).step_by(width).map(|&value| round(value)))).collect()
    };
    match predictions {
        Predictions::Scores { scale, classes, values, .. } => coded(values, *classes, is_share(*scale)),
        Predictions::Flags { scale, labels, values } => coded(values, *labels, is_share(*scale)),
        Predictions::Labels(labels) => vec![codes(labels.iter().map(|&label| f64::from(label)))],
        Predictions::Values(values) | Predictions::Risks(values) => coded(values, 1, false),
        Predictions::Curves { times, values } => coded(values, times.len(), true),
    }
}

/// Equal numbers get equal codes; what is no number is a value of its own.
fn codes(values: impl Iterator<Item = f64>) -> Column {
    let mut known: HashMap<u64, u32> = HashMap::new();
    let code = |value: f64| {
        let next = known.len() as u32;
        // Adding zero turns -0 into 0, which equals it.
        *known.entry(if value.is_nan() { f64::NAN.to_bits() } else { (value + 0.0).to_bits() }).or_insert(next)
    };
    let codes: Vec<u32> = values.map(code).collect();
    Column::new(codes, known.len() as u32, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::specimen::{Case, Specimen, integers};
    use crate::check::{Answers, Truth};
    use crate::data::{Schema, Table as Data, ThreatModel};
    use crate::model::Task;

    /// A thousand records; the first `alone` have an answer of their own, the others one of two.
    fn case(alone: u32) -> Case {
        let answer = |row: u32| {
            if row < alone { f64::from(10 + row % 90) * 10_f64.powi((row / 90) as i32 + 1) } else { f64::from(row % 2) }
        };
        numbers(&(0..1000).map(answer).collect::<Vec<_>>(), &(0..1000).map(|row| row % 4).collect::<Vec<_>>())
    }

    /// A model of a number beside a column that is a quasi-identifier.
    fn numbers(values: &[f64], known: &[u32]) -> Case {
        let table = || Data::new(vec![integers("q", known)]);
        let schema = Schema { quasi_identifiers: vec![ThreatModel::of("", &["q"])], ..Schema::default() };
        let answers =
            || Answers { predictions: Predictions::Values(values.to_vec()), truth: Truth::Values(values.to_vec()) };
        let silent = |_: &[crate::tensor::Tensor]| Predictions::Values(Vec::new());
        Case::tables(table(), table(), schema).with_target(
            Task::Regression,
            None,
            Vec::new(),
            (answers(), answers()),
            silent,
        )
    }

    impl Specimen for OutputClasses {
        const MEASURE: &'static str = ALONE;

        fn null(_seed: u64) -> (Case, f64) {
            (case(0), 0.0)
        }

        fn leaky() -> Case {
            case(800)
        }

        fn graded(seed: u64) -> (Case, f64) {
            (case(seed as u32), f64::from(seed as u32) / 1000.0)
        }
    }

    /// Forty values of a column, forty answers, no pair of them twice: each alone is shared by forty, both by nobody.
    #[test]
    fn answers_single_out_beside_what_is_known() {
        let known: Vec<u32> = (0..1600).map(|row| row / 40).collect();
        let findings = numbers(&(0..1600).map(|row| f64::from(row % 40 + 10)).collect::<Vec<_>>(), &known)
            .run(&OutputClasses::default(), 1);
        let of = |measure: &str| findings.iter().find(|finding| finding.measure == measure).expect("measured");
        assert_eq!(of(ALONE).estimate.map(|alone| alone.value), Some(0.0));
        let beside = of(BESIDE);
        assert_eq!(beside.estimate.map(|beside| beside.value), Some(1.0));
        assert_eq!(beside.baseline.as_ref().map(|baseline| baseline.estimate.value), Some(0.0));
        assert_eq!(beside.severity, Severity::VeryHigh);
    }

    /// 0.123 and 0.124 are one answer to two decimals, and two to three; 1234 and 1199 are one to two significant digits.
    #[test]
    fn answers_are_rounded_as_they_are_seen() {
        let groups = |predictions: &Predictions, digits: usize| {
            let columns = rounded(predictions, digits);
            Classes::of(&columns.iter().collect::<Vec<_>>(), None).count()
        };
        let shares = Predictions::Scores {
            scale: Scale::Probability,
            classes: 2,
            values: vec![0.123, 0.877, 0.124, 0.876, 0.5, 0.5],
            labels: None,
        };
        assert_eq!((groups(&shares, 2), groups(&shares, 3)), (2, 3));
        let values = Predictions::Values(vec![1234.0, 1199.0, 0.0, -0.0, f64::NAN, f64::NAN, 0.0012]);
        assert_eq!((groups(&values, 2), groups(&values, 4)), (4, 5));
        assert_eq!(groups(&Predictions::Labels(vec![0, 1, 1, 0]), 1), 2);
    }

    /// Where the answer adds few people to those singled out already, the number of these is not to be had by subtraction.
    #[test]
    fn few_people_are_not_told_by_a_difference() {
        let known: Vec<u32> = (0..1000).map(|row| if row < 500 { row + 10 } else { row % 2 }).collect();
        let answer = |row: u32| if (500..505).contains(&row) { f64::from(row) * 100.0 } else { 7.0 };
        let findings = numbers(&(0..1000).map(answer).collect::<Vec<_>>(), &known).run(&OutputClasses { digits: 3 }, 1);
        let beside = findings.iter().find(|finding| finding.measure == BESIDE).expect("measured");
        assert!(beside.baseline.is_none() && beside.limits.iter().any(|limit| limit.contains("1 to 10 records")));
    }
}
