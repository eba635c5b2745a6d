//! # What it measures
//! The smallest group of people in the training data who share all quasi-identifiers (k), how many records sit in small
//! groups, and the risks derived from group sizes.
//!
//! # Who could do this
//! Prosecutor: somebody who knows that a certain person is in the data and knows the person's quasi-identifiers.
//! Journalist: somebody who knows a person of the population, not whether they are in the data. Marketer: somebody who
//! wants to re-identify as many records as possible.
//!
//! # How
//! Records are grouped by their quasi-identifiers; where a patient column is declared, group sizes count patients. A
//! missing cell is read as a value of its own and as a wildcard that matches everything; the worse k is judged.
//! Prosecutor risk of a record is 1 / its group size; the average is over records, not over groups. For journalist and
//! marketer risk both files together stand for the population, so these are upper bounds.
//!
//! # Reading the number
//! k = 1: somebody is alone. 11 is the smallest cell that the Centers for Medicare and Medicaid Services publish; a risk
//! limit written 0.09 means 1/11.
//!
//! # When it misleads
//! k says nothing about what is learned once a group is found (see l-diversity and t-closeness), and depends on which
//! columns are declared as quasi-identifiers. Model outputs may leak without any of this.
//!
//! # Cost
//! One pass over the table.
//!
//! # References
//! Samarati and Sweeney 1998; Sweeney 2002; El Emam, "Guide to the De-Identification of Personal Health Information"
//! (2013); 45 CFR 164.514(b).

use serde::Deserialize;

use super::classes::STEPS;
use super::{Classes, counted, sets};
use crate::check::{Check, CheckError, CheckMeta, Need, Output, Subject};
use crate::data::{Split, ThreatModel};
use crate::finding::{Count, Evidence, Family, Finding, SMALLEST_SHOWN, Severity, SizeShare, Table, Unit, part_of};
use crate::stats::Estimate;
use crate::watch::Watch;

pub(in crate::check) static META: CheckMeta = CheckMeta {
    id: "reidentification/k-anonymity",
    title: "k-anonymity",
    family: Family::Reidentification,
    measures: &["reidentification/k"],
    source: include_str!("k_anonymity.rs"),
};

/// Sizes on the chart of class sizes.
const GRID: [usize; 14] = [1, 2, 3, 4, 5, 7, 10, 20, 50, 100, 200, 500, 1000, 5000];

/// The check. It has no settings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KAnonymity {}

impl Check for KAnonymity {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Data, Need::Table, Need::QuasiIdentifiers]
    }

    fn run(&self, subject: &Subject<'_>, _watch: &dyn Watch) -> Result<Output, CheckError> {
        let Some(split) = subject.split else { return Ok(Output::default()) };
        let population = population(split);
        let all = sets(split).into_iter().zip(population);
        Ok(all.map(|((threat, classes), population)| finding(threat, &classes, &population)).collect())
    }
}

/// For every set: for each member record the people of both files who share its quasi-identifiers.
fn population(split: &Split) -> Vec<Vec<usize>> {
    let (Some(members), Some(nonmembers)) = (split.members.table(), split.nonmembers.table()) else {
        return Vec::new();
    };
    let groups = match (&split.members.groups, &split.nonmembers.groups) {
        (Some(a), Some(b)) => Some([a.as_slice(), b.as_slice()].concat()),
        _ => None,
    };
    let of_set = |threat: &ThreatModel| {
        let joined: Vec<crate::data::Cells> = threat
            .columns
            .iter()
            .filter_map(|column| Some((&members.column(column)?.cells, &nonmembers.column(column)?.cells)))
            .map(|(a, b)| {
                // Joint codes as whole numbers: only equality matters here.
                let (x, y, _) = crate::data::encode::joint_codes(a, b);
                let missing =
                    (0..a.len()).map(|row| a.is_missing(row)).chain((0..b.len()).map(|row| b.is_missing(row)));
                let coded = x.into_iter().chain(y).zip(missing);
                crate::data::Cells::Integer(
                    coded.map(|(code, missing)| (!missing).then_some(i64::from(code))).collect(),
                )
            })
            .collect();
        let classes = Classes::of(&joined.iter().collect::<Vec<_>>(), groups.as_deref());
        classes.size_of_record[..members.rows()].to_vec()
    };
    split.schema.quasi_identifiers.iter().map(of_set).collect()
}

fn finding(threat: &ThreatModel, classes: &Classes, population: &[usize]) -> Finding {
    let (name, columns) = (&threat.name, &threat.columns);
    let k = classes.k();
    let n = classes.records();
    let mut finding = counted(META.id, "reidentification/k", name, Unit::People, Estimate::exact(k as f64, n));
    let plain = nested(STEPS.map(|step| classes.below(step)), n);
    let small = match plain[STEPS.len() - 1].as_str() {
        "withheld" => String::new(),
        count => format!("; {count} of {} records sit in groups of fewer than 11", Count::of(n)),
    };
    finding.sentence = format!("The smallest group of people sharing {} has {k}{small}.", columns.join(", "));
    finding.severity = severity(k);
    finding.evidence = vec![
        Evidence::ClassSizes { title: title(classes, &plain[STEPS.len() - 1]), points: cumulative(classes) },
        table(classes, plain, population),
    ];
    let wildcard =
        classes.k_wildcard().map_or("not computed: too many patterns of missing cells".to_owned(), |k| k.to_string());
    finding.settings = vec![
        ("quasi-identifiers".to_owned(), columns.join(", ")),
        ("records with a missing quasi-identifier".to_owned(), part_of(classes.incomplete, n)),
        ("k, missing as a value of its own (never the larger, judged)".to_owned(), k.to_string()),
        ("k, missing as a wildcard".to_owned(), wildcard),
    ];
    finding
}

/// Levels of the likelihood table: largest record risk 1/20, 1/11, 1/5, 1/3.
fn severity(k: usize) -> Severity {
    match k {
        20.. => Severity::VeryLow,
        11..=19 => Severity::Low,
        5..=10 => Severity::Moderate,
        3..=4 => Severity::High,
        _ => Severity::VeryHigh,
    }
}

fn title(classes: &Classes, small: &str) -> String {
    let share = classes.below(11) as f64 / classes.records().max(1) as f64;
    match small {
        "withheld" | "<11" => "Groups that people hide in, by size".to_owned(),
        _ => format!("{} of records hide among fewer than 11 people", Unit::Share.show(share)),
    }
}

/// Cumulative share of records by class size on a fixed grid, in steps of at least 11 records: a smaller step is drawn
/// with the next one, a small last step with the one before.
fn cumulative(classes: &Classes) -> Vec<SizeShare> {
    let n = classes.records();
    let largest = classes.size_of_record.iter().copied().max().unwrap_or(1);
    let reached = GRID.iter().position(|&size| size >= largest).unwrap_or(GRID.len() - 1);
    let mut drawn: Vec<usize> = Vec::new();
    for &size in &GRID[..=reached] {
        let before = drawn.last().copied().unwrap_or(0);
        let count = classes.below(size + 1);
        drawn.push(if count - before >= SMALLEST_SHOWN { count } else { before });
    }
    let last = drawn.last().copied().unwrap_or(0);
    if classes.below(GRID[reached] + 1) == n && last != n {
        // Fewer than 11 records are left over: the last step takes them in and is moved to the end.
        let before = drawn.iter().rev().copied().find(|&count| count < last).unwrap_or(0);
        drawn.iter_mut().filter(|count| **count == last).for_each(|count| *count = before);
        if let Some(end) = drawn.last_mut() {
            *end = n;
        }
    }
    GRID.iter().zip(drawn).map(|(&size, count)| SizeShare { size, share: count as f64 / n.max(1) as f64 }).collect()
}

/// Nested counts as text. A count that differs from the last one shown by 1 to 10 is withheld, because the difference
/// would be a count of people too.
fn nested(counts: [usize; 4], total: usize) -> [String; 4] {
    let mut shown = 0;
    counts.map(|count| {
        let part = Count::of_part(count, total);
        let telling = Count::of(count - shown) == Count::Withheld && part != Count::Withheld;
        if telling {
            return Count::Hidden.to_string();
        }
        if part == Count::Shown(count) {
            shown = count;
        }
        part.to_string()
    })
}

fn table(classes: &Classes, plain: [String; 4], population: &[usize]) -> Evidence {
    let n = classes.records();
    let risk = |value: f64| format!("{value:.4}");
    let largest_journalist = population.iter().map(|&f| 1.0 / f as f64).fold(0.0, f64::max);
    let average_journalist = population.iter().map(|&f| 1.0 / f as f64).sum::<f64>() / n.max(1) as f64;
    let mut rows = vec![
        vec!["equivalence classes".to_owned(), classes.count.to_string(), String::new()],
        vec!["prosecutor risk, largest".to_owned(), risk(1.0 / classes.k().max(1) as f64), String::new()],
        vec!["prosecutor risk, average over records".to_owned(), risk(classes.average_risk()), String::new()],
        vec!["journalist risk, largest (both files as population)".to_owned(), risk(largest_journalist), String::new()],
        vec!["marketer risk (both files as population)".to_owned(), risk(average_journalist), String::new()],
    ];
    let wild = STEPS.map(|step| match classes.below_wildcard(step) {
        None => "not computed".to_owned(),
        // Beside the other column a count that differs by 1 to 10 would tell of that many people.
        Some(count) if count == classes.below(step) => String::new(),
        Some(count) if Count::of(classes.below(step).abs_diff(count)) == Count::Withheld => "withheld".to_owned(),
        Some(count) => Count::of_part(count, n).to_string(),
    });
    for ((step, plain), wild) in STEPS.iter().zip(plain).zip(wild) {
        let wild = if wild.is_empty() { plain.clone() } else { wild };
        rows.push(vec![format!("records in groups of fewer than {step}"), plain, wild]);
    }
    Evidence::Table(Table {
        caption: "Group sizes and risks; the last column reads a missing cell as a wildcard".to_owned(),
        columns: ["measure", "missing is a value", "missing matches all"].map(str::to_owned).to_vec(),
        rows,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::specimen::{Case, Specimen, integers};
    use crate::data::{Schema, Table as Data};

    /// A table whose single quasi-identifier forms classes of the given sizes.
    fn case(sizes: &[usize]) -> Case {
        let values: Vec<u32> =
            sizes.iter().enumerate().flat_map(|(value, &size)| std::iter::repeat_n(value as u32, size)).collect();
        let table = || Data::new(vec![integers("q", &values)]);
        let schema = Schema { quasi_identifiers: vec![ThreatModel::of("", &["q"])], ..Schema::default() };
        Case::tables(table(), table(), schema)
    }

    impl Specimen for KAnonymity {
        const MEASURE: &'static str = "reidentification/k";

        fn null(seed: u64) -> (Case, f64) {
            let size = 50 + seed as usize;
            (case(&[size; 4]), size as f64)
        }

        fn leaky() -> Case {
            case(&[1; 40])
        }

        fn graded(seed: u64) -> (Case, f64) {
            let k = 1 + seed as usize % 13;
            (case(&[30, k + 5, k, 44]), k as f64)
        }
    }

    #[test]
    fn differences_of_counts_are_counts_too() {
        assert_eq!(nested([12, 15, 40, 41], 100), ["12", "withheld", "40", "withheld"]);
        assert_eq!(nested([3, 12, 95, 100], 100), ["<11", "12", "withheld", "100"]);
    }

    #[test]
    fn the_chart_never_steps_by_fewer_than_eleven() {
        let points = {
            let cells = crate::data::Cells::Integer(
                (0..100).map(|row| Some(i64::from(row < 95) * i64::from(row / 5))).collect(),
            );
            cumulative(&Classes::of(&[&cells], None))
        };
        let counts: Vec<usize> = points.iter().map(|point| (point.share * 100.0).round() as usize).collect();
        assert!(
            counts.windows(2).all(|pair| pair[1] == pair[0] || pair[1] - pair[0] >= 11 || pair[1] == 100),
            "{counts:?}"
        );
    }
}
