//! The same numbers for a file alone, of any size: no plan, no model, no judgement.

use serde::Serialize;

use super::{AttributeDisclosure, Sensitive};
use super::{Grouped, STEPS, nested, rounded_down, told};
use crate::data::{Cells, ThreatModel};
use crate::equivalence::{Classes, Column, Histogram};
use crate::finding::{Count, Finding, part_of, share_of};
use crate::stats::Estimate;

/// What the quasi-identifiers of a file give away. Counts of 1 to 10 people are withheld.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measurement {
    /// The quasi-identifiers.
    pub quasi_identifiers: Vec<String>,
    /// Records.
    pub records: u64,
    /// People, where it is known whose the records are: the sizes of groups are people then, and records otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub people: Option<Count>,
    /// Groups of records that share every quasi-identifier; nothing where a number of small groups would follow that is withheld.
    pub classes: Option<u64>,
    /// Size of the smallest group, a missing cell being a value of its own.
    pub k: u32,
    /// The smallest number of matches where a missing cell matches everything; nothing where it takes too long.
    pub k_wildcard: Option<u64>,
    /// Size of the largest group.
    pub largest: u32,
    /// Records with a missing quasi-identifier, in words.
    pub incomplete: String,
    /// Share of records in groups of one.
    pub uniqueness: Estimate,
    /// Group sizes, and in words how many records are in smaller groups.
    pub below: Vec<(usize, String)>,
    /// Mean over records of 1 / size of the group; of records the same as distinction, groups per record. Rounded down, or nothing,
    /// where the number of groups is not told.
    pub average_risk: Option<f64>,
    /// Share of pairs of records that can be told apart; nothing where the number of groups is not told.
    pub separation: Option<f64>,
    /// What groups tell about the sensitive column.
    pub sensitive: Vec<Finding>,
}

/// The records of a file, counted by group: what every measure is computed from.
pub struct Counted<'a> {
    threat: &'a ThreatModel,
    sensitive: Option<(&'a str, &'a Cells)>,
    groups: Groups<'a>,
}

/// Groups, as far as the measures need them.
enum Groups<'a> {
    /// How many there are of each size, and how many records lack a cell.
    Sizes(Histogram, u64),
    /// Which record is in which.
    Known(Grouped<'a>),
}

impl<'a> Counted<'a> {
    /// Counts columns of codes; `people` says whose each record is, if known. Without people, missing cells and a sensitive
    /// column 4 or 8 bytes of memory per record besides the codes, which are used up.
    pub fn of(
        threat: &'a ThreatModel,
        columns: Vec<Column>,
        people: Option<&'a [u32]>,
        sensitive: Option<(&'a str, &'a Cells)>,
    ) -> Self {
        let sizes = people.is_none() && sensitive.is_none() && columns.iter().all(|column| !column.may_miss());
        let groups = if sizes {
            Groups::Sizes(Histogram::of_columns(columns), 0)
        } else {
            let classes = Classes::of(&columns.iter().collect::<Vec<_>>(), people);
            Groups::Known(Grouped { threat, columns, classes, people })
        };
        Self { threat, sensitive, groups }
    }

    /// Groups that were counted before, and how many of their records lack a cell.
    pub fn before(threat: &'a ThreatModel, histogram: Histogram, incomplete: u64) -> Self {
        Self { threat, sensitive: None, groups: Groups::Sizes(histogram, incomplete) }
    }

    /// Measures what the groups give away.
    pub fn measure(&self) -> Measurement {
        let grouped = match &self.groups {
            Groups::Sizes(histogram, incomplete) => {
                // Without missing cells every reading is the same.
                let k = (*incomplete == 0).then(|| u64::from(histogram.smallest()));
                let incomplete = part_of(*incomplete as usize, histogram.records() as usize);
                return of_histogram(self.threat, histogram, k, incomplete);
            }
            Groups::Known(grouped) => grouped,
        };
        let wildcard = grouped.wild(0.0).and_then(|wild| wild.wildcard.into_iter().min());
        let incomplete = part_of(grouped.incomplete(), grouped.records());
        let mut measurement = of_histogram(self.threat, &grouped.classes.histogram(), wildcard, incomplete);
        if let Some(people) = grouped.people {
            by_person(&mut measurement, grouped, people);
        }
        if let Some((name, cells)) = self.sensitive {
            let told = AttributeDisclosure::default().findings(grouped, &Sensitive::of(name, cells), &[]);
            measurement.sensitive = told;
        }
        measurement
    }
}

/// Sizes of groups as people, and records by them.
fn by_person(measurement: &mut Measurement, grouped: &Grouped<'_>, people: &[u32]) {
    let n = grouped.records();
    let mut everybody = people.to_vec();
    everybody.sort_unstable();
    everybody.dedup();
    measurement.people = Some(Count::of(everybody.len()));
    measurement.k = grouped.k() as u32;
    measurement.largest = grouped.classes.sizes().iter().copied().max().unwrap_or(0);
    measurement.uniqueness = share_of(grouped.below(2), n);
    measurement.below = STEPS.into_iter().zip(nested(STEPS.map(|step| grouped.below(step)), n)).collect();
    let told = told(STEPS.map(|step| grouped.below(step)), n);
    measurement.average_risk =
        if told { Some(grouped.average_risk()) } else { rounded_down(grouped.average_risk(), n) };
    (measurement.classes, measurement.separation) =
        if told { (measurement.classes, measurement.separation) } else { (None, None) };
}

fn of_histogram(
    threat: &ThreatModel,
    histogram: &Histogram,
    k_wildcard: Option<u64>,
    incomplete: String,
) -> Measurement {
    let records = histogram.records();
    let below = STEPS.map(|step| histogram.below(step as u32) as usize);
    let told = told(below, records as usize);
    let below = nested(below, records as usize);
    Measurement {
        quasi_identifiers: threat.columns.clone(),
        records,
        people: None,
        classes: told.then(|| histogram.classes()),
        k: histogram.smallest(),
        k_wildcard,
        largest: histogram.largest(),
        incomplete,
        uniqueness: share_of(histogram.of_size(1) as usize, records as usize),
        below: STEPS.into_iter().zip(below).collect(),
        average_risk: if told {
            Some(histogram.distinction())
        } else {
            rounded_down(histogram.distinction(), records as usize)
        },
        separation: told.then(|| histogram.separation()),
        sensitive: Vec::new(),
    }
}
