//! # What it measures
//! The smallest group of people in the training data who share all quasi-identifiers (k), and how many records sit in small
//! groups.
//!
//! # Who could do this
//! Prosecutor: somebody who knows that a certain person is in the data and knows the person's quasi-identifiers.
//!
//! # How
//! Records are grouped by their quasi-identifiers; where a patient column is declared, group sizes count patients. A
//! missing cell is read as a value of its own, as a wildcard that matches everything, and in between as a wildcard where
//! other records with missing cells count by the setting `alpha` (0 to 1, default 0); the worst k is judged. No record is
//! ever dropped because a cell is missing.
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
//! One pass over the table; with missing cells one more for each pattern of them.
//!
//! # References
//! Samarati and Sweeney 1998; Sweeney 2002; El Emam, "Guide to the De-Identification of Personal Health Information"
//! (2013); Templ, Kowarik and Meindl, Journal of Statistical Software 67 (2015), for missing cells; 45 CFR 164.514(b).

use serde::{Deserialize, Deserializer};

use super::grouped::Wild;
use super::{Apart, Grouped, STEPS, counted, nested, severity_among, told};
use crate::check::settings::between;
use crate::check::{Check, CheckError, CheckMeta, Need, Output, Subject};
use crate::finding::{
    Count, Evidence, Family, Finding, SMALLEST_SHOWN, SizeShare, Table, Unit, grouped as thousands, part_of,
};
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

/// The check.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KAnonymity {
    /// How much other records with missing cells count, from 0 to 1, in the weighted reading.
    #[serde(deserialize_with = "weight")]
    pub alpha: f64,
}

fn weight<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    between(deserializer, 0.0, 1.0)
}

impl Check for KAnonymity {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Data, Need::Table, Need::QuasiIdentifiers]
    }

    fn run(&self, subject: &Subject<'_>, _watch: &dyn Watch) -> Result<Output, CheckError> {
        let Some(split) = subject.split else { return Ok(Output::default()) };
        Ok(Grouped::all(split).iter().map(|grouped| finding(grouped, self.alpha)).collect())
    }
}

fn finding(grouped: &Grouped<'_>, alpha: f64) -> Finding {
    let columns = &grouped.threat.columns;
    let (k, n) = (grouped.k(), grouped.records());
    let estimate = Estimate::exact(k as f64, n);
    let mut finding = counted(META.id, "reidentification/k", &grouped.threat.name, Unit::People, estimate);
    let plain = nested(STEPS.map(|step| grouped.below(step)), n);
    let small = match plain[STEPS.len() - 1].as_str() {
        "withheld" => String::new(),
        count => format!("; {count} of {} records sit in groups of fewer than 11", Count::of(n)),
    };
    finding.sentence = format!("The smallest group of people sharing {} has {k}{small}.", columns.join(", "));
    finding.severity = severity_among(k as f64);
    let wild = grouped.wild(alpha);
    finding.evidence = vec![
        Evidence::ClassSizes { title: title(grouped, &plain[STEPS.len() - 1]), points: cumulative(grouped) },
        table(grouped, &plain, wild.as_ref(), alpha),
    ];
    let not_computed = || "not computed: too many patterns of missing cells".to_owned();
    let wildcard = wild.as_ref().and_then(|wild| wild.wildcard.iter().min());
    let weighted = wild.as_ref().map(|wild| wild.weighted.iter().copied().fold(f64::INFINITY, f64::min));
    finding.settings = vec![
        ("quasi-identifiers".to_owned(), columns.join(", ")),
        ("records with a missing quasi-identifier".to_owned(), part_of(grouped.incomplete(), n)),
        ("k, missing as a value of its own (never the larger, judged)".to_owned(), k.to_string()),
        ("k, missing as a wildcard".to_owned(), wildcard.map_or_else(not_computed, u64::to_string)),
        (
            format!("k in records, others with missing cells weighing {alpha}"),
            weighted.map_or_else(not_computed, |k| {
                format!("{k:.2}").trim_end_matches('0').trim_end_matches('.').to_owned()
            }),
        ),
    ];
    finding
}

fn title(grouped: &Grouped<'_>, small: &str) -> String {
    let share = grouped.below(11) as f64 / grouped.records().max(1) as f64;
    match small {
        "withheld" | "<11" => "Groups that people hide in, by size".to_owned(),
        _ => format!("{} of records hide among fewer than 11 people", Unit::Share.show(share)),
    }
}

/// Cumulative share of records by class size on a fixed grid, in steps of at least 11 records: where a step is smaller, its point is left
/// out, so that it is drawn with the next one, a small last step with the one before.
fn cumulative(grouped: &Grouped<'_>) -> Vec<SizeShare> {
    let n = grouped.records();
    let largest = grouped.classes.sizes().iter().max().map_or(1, |&size| size as usize);
    let reached = GRID.iter().position(|&size| size >= largest).unwrap_or(GRID.len() - 1);
    let mut drawn: Vec<usize> = Vec::new();
    for &size in &GRID[..=reached] {
        let before = drawn.last().copied().unwrap_or(0);
        let count = grouped.below(size + 1);
        drawn.push(if count - before >= SMALLEST_SHOWN { count } else { before });
    }
    let last = drawn.last().copied().unwrap_or(0);
    if grouped.below(GRID[reached] + 1) == n && last != n {
        // Fewer than 11 records are left over: the last step takes them in and is moved to the end.
        let before = drawn.iter().rev().copied().find(|&count| count < last).unwrap_or(0);
        drawn.iter_mut().filter(|count| **count == last).for_each(|count| *count = before);
        if let Some(end) = drawn.last_mut() {
            *end = n;
        }
    }
    let known = GRID.iter().zip(drawn).filter(|&(&size, count)| count == grouped.below(size + 1));
    known.map(|(&size, count)| SizeShare { size, share: count as f64 / n.max(1) as f64 }).collect()
}

fn table(grouped: &Grouped<'_>, plain: &[String; 4], wild: Option<&Wild>, alpha: f64) -> Evidence {
    // The groups of one reading lie within those of another, so the differences between readings are counts too.
    let mut apart = Apart::of(grouped.records());
    STEPS.iter().for_each(|step| drop(apart.text(grouped.below(*step))));
    let not_computed = || STEPS.map(|_| "not computed".to_owned());
    let wildcard = wild.map_or_else(not_computed, |wild| {
        STEPS.map(|step| apart.text(grouped.counted(|class| wild.wildcard[class] < step as u64)))
    });
    let weighted = wild.map_or_else(not_computed, |wild| {
        STEPS.map(|step| apart.text(grouped.counted(|class| wild.weighted[class] < step as f64)))
    });
    let told = told(STEPS.map(|step| grouped.below(step)), grouped.records());
    let count = if told { thousands(grouped.classes.count() as u64) } else { Count::Hidden.to_string() };
    let mut rows = vec![vec!["equivalence classes".to_owned(), count, String::new(), String::new()]];
    for (at, step) in STEPS.iter().enumerate() {
        let label = format!("records in groups of fewer than {step}");
        rows.push(vec![label, plain[at].clone(), weighted[at].clone(), wildcard[at].clone()]);
    }
    let weighing = format!("missing matches complete records, others weigh {alpha}");
    Evidence::Table(Table {
        caption: "Group sizes; a missing cell read in three ways".to_owned(),
        columns: vec![
            "measure".to_owned(),
            "missing is a value".to_owned(),
            weighing,
            "missing matches all".to_owned(),
        ],
        rows,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::settings;
    use crate::check::specimen::{Case, Specimen, integers};
    use crate::data::{Schema, Table as Data, ThreatModel};

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
    fn settings_are_checked() {
        assert!(toml::from_str::<KAnonymity>("alpha = 0.5").is_ok());
        for wrong in ["alpha = 7.5", "alpha = -0.1", "alpha = nan"] {
            let refused = settings::refused::<KAnonymity>(wrong);
            assert!(refused.ends_with("is not from 0 to 1 in `alpha`"), "{refused}");
        }
    }

    /// 100 alone and three pairs: the six are not told by a point of the chart, by what it lacks, or by the number of groups.
    #[test]
    fn few_people_follow_from_no_number_of_groups() {
        let mut sizes = vec![1; 100];
        sizes.extend([2, 2, 2]);
        let finding = case(&sizes).run(&KAnonymity::default(), 1).remove(0);
        let Evidence::ClassSizes { points, .. } = &finding.evidence[0] else { panic!("sizes are drawn") };
        assert_eq!(points.iter().map(|point| (point.size, point.share)).collect::<Vec<_>>(), [(2, 1.0)]);
        let Evidence::Table(table) = &finding.evidence[1] else { panic!("groups are counted") };
        assert_eq!(table.rows[0][..2], ["equivalence classes", "withheld"]);
        sizes.extend([2; 10]);
        let finding = case(&sizes).run(&KAnonymity::default(), 1).remove(0);
        let Evidence::Table(table) = &finding.evidence[1] else { panic!("groups are counted") };
        assert_eq!(table.rows[0][..2], ["equivalence classes", "113"]);
    }

    #[test]
    fn the_chart_never_steps_by_fewer_than_eleven() {
        let points = {
            let cells = crate::data::Cells::Integer(
                (0..100).map(|row| Some(i64::from(row < 95) * i64::from(row / 5))).collect(),
            );
            let threat = ThreatModel::of("", &["q"]);
            cumulative(&Grouped::of(&threat, &[&cells], None))
        };
        let counts: Vec<usize> = points.iter().map(|point| (point.share * 100.0).round() as usize).collect();
        assert!(
            counts.windows(2).all(|pair| pair[1] == pair[0] || pair[1] - pair[0] >= 11 || pair[1] == 100),
            "{counts:?}"
        );
    }
}
