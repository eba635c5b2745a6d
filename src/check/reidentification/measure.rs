//! The same numbers for a file alone, of any size: no plan, no model, no judgement.

use serde::Serialize;

use super::attribute_disclosure::{AttributeDisclosure, Sensitive};
use super::{Grouped, STEPS, nested};
use crate::data::{Cells, ThreatModel};
use crate::equivalence::{Classes, Column, Histogram};
use crate::finding::{Finding, part_of, share_of};
use crate::stats::Estimate;

/// What the quasi-identifiers of a file give away. Counts of 1 to 10 people are withheld.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measurement {
    /// The quasi-identifiers.
    pub quasi_identifiers: Vec<String>,
    /// Records.
    pub records: u64,
    /// Groups of records that share every quasi-identifier.
    pub classes: u64,
    /// Records of the smallest group, a missing cell being a value of its own.
    pub k: u32,
    /// The smallest number of matches where a missing cell matches everything; nothing where it takes too long.
    pub k_wildcard: Option<u64>,
    /// Records of the largest group.
    pub largest: u32,
    /// Records with a missing quasi-identifier, in words.
    pub incomplete: String,
    /// Share of records that stand alone.
    pub uniqueness: Estimate,
    /// Group sizes, and in words how many records are in smaller groups.
    pub below: Vec<(usize, String)>,
    /// Mean over records of 1 / size of the group; the same as distinction, groups per record.
    pub average_risk: f64,
    /// Share of pairs of records that can be told apart.
    pub separation: f64,
    /// What groups tell about the sensitive column.
    pub sensitive: Vec<Finding>,
}

/// Measures columns of codes. Without missing cells and a sensitive column 16 bytes of memory per record besides the codes.
pub fn measure(threat: &ThreatModel, columns: Vec<Column>, sensitive: Option<(&str, &Cells)>) -> Measurement {
    if sensitive.is_none() && columns.iter().all(|column| !column.may_miss()) {
        let histogram = Histogram::of_columns(columns);
        let k = u64::from(histogram.smallest());
        return of_histogram(threat, &histogram, Some(k), part_of(0, histogram.records() as usize));
    }
    let classes = Classes::of(&columns.iter().collect::<Vec<_>>(), None);
    let grouped = Grouped { threat, columns, classes, people: None };
    let wildcard = grouped.wild(0.0).and_then(|wild| wild.wildcard.into_iter().min());
    let incomplete = part_of(grouped.incomplete(), grouped.records());
    let mut measurement = of_histogram(threat, &grouped.classes.histogram(), wildcard, incomplete);
    if let Some((name, cells)) = sensitive {
        let told = AttributeDisclosure::default().findings(&grouped, &Sensitive::of(name, cells), &[]);
        measurement.sensitive = told;
    }
    measurement
}

fn of_histogram(
    threat: &ThreatModel,
    histogram: &Histogram,
    k_wildcard: Option<u64>,
    incomplete: String,
) -> Measurement {
    let records = histogram.records();
    let below = nested(STEPS.map(|step| histogram.below(step as u32) as usize), records as usize);
    Measurement {
        quasi_identifiers: threat.columns.clone(),
        records,
        classes: histogram.classes(),
        k: histogram.smallest(),
        k_wildcard,
        largest: histogram.largest(),
        incomplete,
        uniqueness: share_of(histogram.of_size(1) as usize, records as usize),
        below: STEPS.into_iter().zip(below).collect(),
        average_risk: histogram.distinction(),
        separation: histogram.separation(),
        sensitive: Vec::new(),
    }
}
