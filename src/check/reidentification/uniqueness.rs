//! # What it measures
//! The share of training records whose combination of quasi-identifiers no other person in the file has, and how much each
//! quasi-identifier contributes to it.
//!
//! # Who could do this
//! Anybody who knows a person's quasi-identifiers and can look into the data, or into whatever reproduces them.
//!
//! # How
//! Records in groups of one, counted by person where a patient column is declared; a missing cell is a value of its own,
//! which never makes the share smaller. The contribution of a column is the fall of the share when it is left out.
//!
//! # Reading the number
//! A unique record is certain to be found by somebody who knows the person is in the data. Unique in the sample is not
//! unique in the population: the smaller the sample, the larger the difference.
//!
//! # When it misleads
//! Depends on which columns are declared as quasi-identifiers; contributions of columns that say the same thing are small
//! for each of them.
//!
//! # Cost
//! One pass over the table, and one over its groups per quasi-identifier.
//!
//! # References
//! Dalenius 1986; Sweeney 2000; Skinner and Elliot 2002; Rocher et al., Nature Communications 2019.

use serde::Deserialize;

use super::{Grouped, counted};
use crate::check::{Check, CheckError, CheckMeta, Need, Output, Subject};
use crate::equivalence::Column;
use crate::finding::{Bar, Count, Evidence, Family, Finding, SMALLEST_SHOWN, Severity, Unit, part_of, share_of};
use crate::watch::Watch;

pub(in crate::check) static META: CheckMeta = CheckMeta {
    id: "reidentification/uniqueness",
    title: "Sample uniqueness",
    family: Family::Reidentification,
    measures: &["reidentification/uniqueness"],
    source: include_str!("uniqueness.rs"),
};

/// The check. It has no settings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Uniqueness {}

impl Check for Uniqueness {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Data, Need::Table, Need::QuasiIdentifiers]
    }

    fn run(&self, subject: &Subject<'_>, _watch: &dyn Watch) -> Result<Output, CheckError> {
        let Some(split) = subject.split else { return Ok(Output::default()) };
        Ok(Grouped::all(split).iter().map(finding).collect())
    }
}

fn finding(grouped: &Grouped<'_>) -> Finding {
    let columns = &grouped.threat.columns;
    let (n, alone) = (grouped.records(), grouped.below(2));
    let share = share_of(alone, n);
    let mut finding = counted(META.id, "reidentification/uniqueness", &grouped.threat.name, Unit::Share, share);
    finding.sentence = format!(
        "For {} training records, nobody else in the file shares their combination of {}.",
        part_of(alone, n),
        columns.join(", ")
    );
    finding.severity = match alone as f64 / n as f64 {
        0.0 => Severity::VeryLow,
        share if share <= 0.001 => Severity::Moderate,
        share if share <= 0.01 => Severity::High,
        _ => Severity::VeryHigh,
    };
    finding.settings = vec![("quasi-identifiers".to_owned(), columns.join(", "))];
    finding.evidence.extend(contributions(grouped, alone));
    finding.limits.push("Contributions that would tell of fewer than 11 records are not drawn.".to_owned());
    finding
}

/// How far the share falls when a column is left out. A bar is drawn only where none of the counts behind it (alone,
/// still alone, the fall, and what is left of the whole) is from 1 to 10; without any bar there is no chart. Where from 1 to 10 are
/// still alone, which the columns that matter most lead to, the bar is as long as 10 would make it.
fn contributions(grouped: &Grouped<'_>, alone: usize) -> Option<Evidence> {
    let (columns, n) = (&grouped.threat.columns, grouped.records());
    let bar = |left_out: usize| {
        let rest: Vec<&Column> =
            grouped.columns.iter().enumerate().filter(|(j, _)| *j != left_out).map(|(_, column)| column).collect();
        let coarser = grouped.classes.quotient(&rest);
        let small = coarser.sizes().iter().zip(&coarser.records).filter(|(size, _)| **size < 2);
        let still: usize = small.map(|(_, &records)| records as usize).sum();
        let few = Count::of(still) == Count::Withheld;
        let still = if few { SMALLEST_SHOWN - 1 } else { still };
        let fall = alone.saturating_sub(still);
        let telling = [alone, if few { 0 } else { still }, fall, n - alone, n - still];
        let shown = telling.iter().all(|&count| matches!(Count::of(count), Count::Shown(_)));
        let label = if few { format!("{} (or more)", columns[left_out]) } else { columns[left_out].clone() };
        shown.then(|| (left_out, Bar { label, value: 100.0 * fall as f64 / n as f64 }))
    };
    let mut bars: Vec<(usize, Bar)> = (0..columns.len()).filter_map(bar).collect();
    bars.sort_by(|(_, a), (_, b)| b.value.total_cmp(&a.value).then_with(|| a.label.cmp(&b.label)));
    let of_those = if bars.len() < columns.len() { "Of the columns drawn, " } else { "" };
    let longest = bars.first()?.1.value;
    let most: Vec<String> =
        bars.iter().filter(|(_, bar)| bar.value == longest).map(|(j, _)| format!("`{}`", columns[*j])).collect();
    let title = match most.as_slice() {
        [most] if longest > 0.0 => format!("{of_those}{most} contributes most to uniqueness"),
        _ if longest > 0.0 => format!("{of_those}{} contribute most to uniqueness", most.join(" and ")),
        _ if alone > 0 => "No single column makes these records unique".to_owned(),
        _ => "No record is unique".to_owned(),
    };
    let bars = bars.into_iter().map(|(_, bar)| bar).collect();
    Some(Evidence::Bars { title, axis: "fall of the unique share when left out (percentage points)".to_owned(), bars })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::specimen::{Case, Specimen, integers};
    use crate::data::{Schema, Table, ThreatModel};

    /// A table of 1,000 records of which the given number stand alone.
    fn case(alone: u32) -> Case {
        let values: Vec<u32> = (0..1000).map(|row| if row < alone { row + 10 } else { row % 2 }).collect();
        let table = || Table::new(vec![integers("q", &values), integers("same", &[1; 1000])]);
        let schema = Schema { quasi_identifiers: vec![ThreatModel::of("", &["q", "same"])], ..Schema::default() };
        Case::tables(table(), table(), schema)
    }

    impl Specimen for Uniqueness {
        const MEASURE: &'static str = "reidentification/uniqueness";

        fn null(_seed: u64) -> (Case, f64) {
            (case(0), 0.0)
        }

        fn leaky() -> Case {
            case(500)
        }

        fn graded(seed: u64) -> (Case, f64) {
            let alone = seed as u32;
            (case(alone), f64::from(alone) / 1000.0)
        }
    }

    #[test]
    fn the_contributing_column_is_named() {
        let findings = case(300).run(&Uniqueness {}, 1);
        let Evidence::Bars { bars, .. } = &findings[0].evidence[0] else { panic!("bars are drawn") };
        assert_eq!((bars[0].label.as_str(), bars[0].value), ("q", 30.0));
        assert_eq!(bars[1].value, 0.0);
    }

    /// 45 stand alone: 25 by both columns, 5 by the second and 15 by the first. Without the first 5 still do, which is drawn as
    /// if they were 10.
    #[test]
    fn the_column_that_leaves_few_alone_is_drawn() {
        let row = |row: u32| match row {
            0..25 => (200 + row % 5, 300 + row / 5),
            25..30 => (1, 400 + row),
            30..45 => (500 + row, 1),
            _ => (1, 1),
        };
        let (first, second): (Vec<u32>, Vec<u32>) = (0..1000).map(row).unzip();
        let table = || Table::new(vec![integers("a", &first), integers("b", &second)]);
        let schema = Schema { quasi_identifiers: vec![ThreatModel::of("", &["a", "b"])], ..Schema::default() };
        let findings = Case::tables(table(), table(), schema).run(&Uniqueness {}, 1);
        let Evidence::Bars { title, bars, .. } = &findings[0].evidence[0] else { panic!("bars are drawn") };
        assert_eq!((bars[0].label.as_str(), bars[0].value), ("a (or more)", 3.5));
        assert_eq!((bars[1].label.as_str(), bars[1].value), ("b", 3.0));
        assert_eq!(title, "`a` contributes most to uniqueness");
    }
}
