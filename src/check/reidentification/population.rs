//! The members of a threat model beside the register of their population.

use super::Grouped;
use crate::data::encode::{column, joint_column};
use crate::data::{Cells, Table};
use crate::equivalence::{Classes, Column};

/// For every class of the members the people of the population that share its quasi-identifiers, and what the population
/// knows besides.
pub(super) struct Beside {
    /// People of the population in the class of each class of the members; at least as many as members.
    pub(super) population: Vec<u64>,
    /// Classes of members of which the population has nobody.
    pub(super) missing: usize,
    /// Records in those classes.
    pub(super) missing_records: usize,
    /// Classes of which the population has somebody, and fewer people than the members.
    pub(super) too_small: usize,
    /// Classes of the population without a member.
    pub(super) unseen: usize,
    /// Whether people of the register were told apart; otherwise every row of it counts as a person.
    pub(super) people: bool,
}

impl Beside {
    /// Groups members and register together. A missing cell is a value of its own, in both: this never makes a class of the
    /// population larger than it is. A class of members that the register does not have, or has with fewer people, is given
    /// as many as there are members. Where the register has the `patient` column, rows of a person in a class count once, and a
    /// row without a patient is a person of its own. O(n + N log N).
    pub(super) fn of(grouped: &Grouped<'_>, members: &Table, register: &Table, patient: Option<&str>) -> Self {
        let names = &grouped.threat.columns;
        let cells = |name: &String| Some((&members.column(name)?.cells, &register.column(name)?.cells));
        let columns: Vec<Column> = names.iter().filter_map(cells).map(|(a, b)| joint_column(a, b)).collect();
        let joint = Classes::of(&columns.iter().collect::<Vec<_>>(), None);
        let of_register = &joint.of_record()[grouped.records()..];
        let patients = patient.and_then(|name| register.column(name)).map(|found| column(&found.cells));
        let people = people_of(of_register, joint.count(), patients.as_ref());
        let mut beside = Self {
            population: Vec::new(),
            missing: 0,
            missing_records: 0,
            too_small: 0,
            unseen: 0,
            people: patients.is_some(),
        };
        for (class, (&first, &sample)) in grouped.classes.first().iter().zip(grouped.classes.sizes()).enumerate() {
            let (sample, known) = (u64::from(sample), people[joint.of_record()[first as usize] as usize]);
            if known == 0 {
                beside.missing += 1;
                beside.missing_records += grouped.classes.records()[class] as usize;
            } else if known < sample {
                beside.too_small += 1;
            }
            beside.population.push(known.max(sample));
        }
        beside.unseen = joint.count() - grouped.classes.count();
        beside
    }

    /// Members and other records as one population: an upper bound of the risk where no register is known.
    pub(super) fn of_both_files(
        grouped: &Grouped<'_>,
        members: &Table,
        others: &Table,
        people: Option<&[u32]>,
    ) -> Vec<u64> {
        let names = &grouped.threat.columns;
        let cells = |name: &String| Some((&members.column(name)?.cells, &others.column(name)?.cells));
        let pairs: Vec<(&Cells, &Cells)> = names.iter().filter_map(cells).collect();
        let columns: Vec<Column> = pairs.into_iter().map(|(a, b)| joint_column(a, b)).collect();
        let joint = Classes::of(&columns.iter().collect::<Vec<_>>(), people);
        let of_class = |&row: &u32| u64::from(joint.sizes()[joint.of_record()[row as usize] as usize]);
        grouped.classes.first().iter().map(of_class).collect()
    }
}

/// People in each class.
fn people_of(of_record: &[u32], classes: usize, patients: Option<&Column>) -> Vec<u64> {
    let mut people = vec![0_u64; classes];
    let Some(patients) = patients else {
        of_record.iter().for_each(|&class| people[class as usize] += 1);
        return people;
    };
    let known = |row: &usize| !patients.is_missing(*row);
    let mut pairs: Vec<(u32, u32)> =
        (0..of_record.len()).filter(known).map(|row| (of_record[row], patients.code(row))).collect();
    pairs.sort_unstable();
    pairs.dedup();
    pairs.iter().for_each(|&(class, _)| people[class as usize] += 1);
    (0..of_record.len()).filter(|row| !known(row)).for_each(|row| people[of_record[row] as usize] += 1);
    people
}

/// What an attacker faces who does not know who of the population is in the data (El Emam 2013).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Journalist {
    /// The smallest class of the population with a member: k of the k-map.
    pub(super) k_map: u64,
    /// Classes over people of the population in them: the average where every class is attacked alike.
    pub(super) by_class: f64,
    /// Mean over the members' classes, weighed by their size: the share that a marketer re-identifies.
    pub(super) marketer: f64,
    /// Smallest and largest share of a class of the population that are members, over the classes with a member
    /// (delta-presence).
    pub(super) presence: (f64, f64),
}

impl Journalist {
    pub(super) fn of(grouped: &Grouped<'_>, population: &[u64]) -> Self {
        let sizes = || grouped.classes.sizes().iter().map(|&size| f64::from(size)).zip(population);
        let shares = || sizes().map(|(sample, &people)| (sample / people as f64).min(1.0));
        let people: u64 = population.iter().sum();
        Self {
            k_map: population.iter().min().copied().unwrap_or(0),
            by_class: population.len() as f64 / people.max(1) as f64,
            marketer: grouped.mean(|class| 1.0 / population[class] as f64),
            presence: (shares().fold(1.0, f64::min), shares().fold(0.0, f64::max)),
        }
    }

    /// The larger of the two averages, as ARX reports it.
    pub(super) fn average(&self) -> f64 {
        self.by_class.max(self.marketer)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::check::specimen::integers;
    use crate::data::ThreatModel;

    proptest! {
        /// The larger the population, the smaller every risk: k-map is at least k, a journalist's largest risk at most a
        /// prosecutor's, and a marketer gains at most what a prosecutor does on average.
        #[test]
        fn a_population_never_adds_risk(people in prop::collection::vec((0_u32..4, 0_u32..3), 2..60), sampled in 1_usize..60) {
            let table = |people: &[(u32, u32)]| {
                let column = |of: fn(&(u32, u32)) -> u32| people.iter().map(of).collect::<Vec<_>>();
                Table::new(vec![integers("a", &column(|p| p.0)), integers("b", &column(|p| p.1))])
            };
            let (members, register) = (table(&people[..sampled.min(people.len())]), table(&people));
            let threat = ThreatModel::of("", &["a", "b"]);
            let cells: Vec<&Cells> = members.columns().iter().map(|column| &column.cells).collect();
            let grouped = Grouped::of(&threat, &cells, None);
            let beside = Beside::of(&grouped, &members, &register, None);
            prop_assert_eq!((beside.missing, beside.too_small), (0, 0));
            let journalist = Journalist::of(&grouped, &beside.population);
            prop_assert!(journalist.k_map >= grouped.k() as u64);
            prop_assert!(journalist.marketer <= grouped.average_risk() + 1e-12);
            prop_assert!(journalist.average() <= 1.0 && journalist.presence.0 > 0.0 && journalist.presence.1 <= 1.0);
        }
    }
}
