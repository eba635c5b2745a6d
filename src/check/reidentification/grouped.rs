//! The member records, grouped by the quasi-identifiers of a threat model.
//!
//! Three readings of a missing cell. *Own*: missing is a value of its own. *Wildcard*: a missing cell matches every value
//! (symmetric, not transitive, so there are no classes, only a count of matches per record). *Weighted*: as wildcard, with
//! other records that miss something counted by a share alpha. Own never gives the larger number; all are reported and the
//! worst is judged. Where patients are declared, sizes count patients, not rows.

use crate::data::encode::column;
use crate::data::{Cells, Split, ThreatModel};
use crate::equivalence::{Classes, Column, matches, people_matches};

/// The members of a threat model.
pub struct Grouped<'a> {
    /// The threat model.
    pub threat: &'a ThreatModel,
    /// Its columns, coded.
    pub columns: Vec<Column>,
    /// Its classes over the members.
    pub classes: Classes,
    /// The patient of each record, where one is declared.
    pub people: Option<&'a [u32]>,
}

/// People (or records) that match the records of each class.
pub(super) struct Wild {
    /// Where a missing cell matches everything.
    pub(super) wildcard: Vec<u64>,
    /// Records, where others that miss something count by the share alpha. Records and not people: half a person is no
    /// person.
    pub(super) weighted: Vec<f64>,
}

impl<'a> Grouped<'a> {
    /// Every threat model of the split over its member records; none where the records are tensors.
    pub fn all(split: &'a Split) -> Vec<Self> {
        let Some(table) = split.members.table() else { return Vec::new() };
        let people = split.members.groups.as_deref();
        let of_threat = |threat: &'a ThreatModel| {
            let cells = threat.columns.iter().filter_map(|name| table.column(name)).map(|column| &column.cells);
            Self::of(threat, &cells.collect::<Vec<_>>(), people)
        };
        split.schema.quasi_identifiers.iter().map(of_threat).collect()
    }

    /// Groups records by some cells. `people` gives the patient of each record, if known. O(n) expected.
    ///
    /// ```
    /// use privet::check::reidentification::Grouped;
    /// use privet::data::{Cells, ThreatModel};
    /// let threat = ThreatModel::of("", &["sex"]);
    /// let sex = Cells::Integer(vec![Some(1), Some(1), Some(2), Some(2), None]);
    /// let grouped = Grouped::of(&threat, &[&sex], None);
    /// assert_eq!((grouped.k(), grouped.classes.count(), grouped.incomplete()), (1, 3, 1));
    /// assert!((grouped.average_risk() - 3.0 / 5.0).abs() < 1e-12);
    /// ```
    pub fn of(threat: &'a ThreatModel, cells: &[&Cells], people: Option<&'a [u32]>) -> Self {
        let columns: Vec<Column> = cells.iter().map(|cells| column(cells)).collect();
        let classes = Classes::of(&columns.iter().collect::<Vec<_>>(), people);
        Self { threat, columns, classes, people }
    }

    /// Number of records.
    pub fn records(&self) -> usize {
        self.classes.of_record().len()
    }

    /// People in the smallest class.
    pub fn k(&self) -> usize {
        self.classes.sizes().iter().min().map_or(0, |&size| size as usize)
    }

    /// Records in classes of fewer than `size` people.
    pub fn below(&self, size: usize) -> usize {
        self.classes.below(u32::try_from(size).unwrap_or(u32::MAX))
    }

    /// Records of the classes that are wanted.
    pub(super) fn counted(&self, wanted: impl Fn(usize) -> bool) -> usize {
        let records = self.classes.records().iter().enumerate();
        records.filter(|(class, _)| wanted(*class)).map(|(_, &records)| records as usize).sum()
    }

    /// Mean over records of 1 / people in the class: the share that an attacker who knows everybody is in the data would
    /// re-identify.
    pub fn average_risk(&self) -> f64 {
        self.mean(|class| 1.0 / f64::from(self.classes.sizes()[class]))
    }

    /// Mean over records of a number that their class has.
    pub(super) fn mean(&self, of_class: impl Fn(usize) -> f64) -> f64 {
        let records = self.classes.records().iter().enumerate();
        let sum: f64 = records.map(|(class, &records)| f64::from(records) * of_class(class)).sum();
        sum / self.records().max(1) as f64
    }

    /// Whether the records of a class miss a quasi-identifier.
    fn is_incomplete(&self, class: usize) -> bool {
        let row = self.classes.first()[class] as usize;
        self.columns.iter().any(|column| column.is_missing(row))
    }

    /// Records with a missing quasi-identifier.
    pub fn incomplete(&self) -> usize {
        self.counted(|class| self.is_incomplete(class))
    }

    /// The other readings of missing cells; nothing where there are too many patterns of them to compare in bounded time.
    pub(super) fn wild(&self, alpha: f64) -> Option<Wild> {
        let records: Vec<f64> = self.classes.records().iter().map(|&records| f64::from(records)).collect();
        if self.columns.iter().all(|column| !column.may_miss()) {
            let wildcard = self.classes.sizes().iter().map(|&size| u64::from(size)).collect();
            return Some(Wild { wildcard, weighted: records });
        }
        let columns: Vec<&Column> = self.columns.iter().collect();
        let found = matches(&columns, &self.classes, &records)?;
        let wildcard = match self.people {
            Some(_) => people_matches(&columns, &self.classes)?,
            None => found.iter().map(|matched| matched.wildcard() as u64).collect(),
        };
        Some(Wild { wildcard, weighted: found.iter().map(|matched| matched.weighted(alpha)).collect() })
    }
}
