//! The attacker's file: who is in it, what it says of them, and which of them is whom in the data.

use super::fields::{Comparing, Rates};
use crate::data::encode::joint_codes;
use crate::data::{Auxiliary, Cells, Records, Split, Table, ThreatModel};
use crate::seed::{Seed, Stream};
use crate::stats::uniform::{below, shuffle};

/// A file that is linked to the member records: one record per person.
pub(super) struct AttackerFile {
    /// Its columns, in the order of the threat model's.
    pub(super) columns: Vec<Cells>,
    /// The person of the data that each record is of; nothing for people who are not in the data.
    pub(super) truth: Vec<Option<u32>>,
}

impl AttackerFile {
    /// Records of people who are in the data.
    pub(super) fn known(&self) -> usize {
        self.truth.iter().flatten().count()
    }

    /// A file that somebody really has, one random record each of at most `most` people in it. Who they are in the data is
    /// told by a column of both files, which is used for nothing else; without one nobody knows.
    pub(super) fn given(split: &Split, threat: &ThreatModel, table: &Table, most: usize, seed: Seed) -> Option<Self> {
        let persons = people_of(&split.members);
        let mut rows: Vec<usize> = (0..table.rows()).collect();
        let mut truth = vec![None; rows.len()];
        if let Some(name) = threat.auxiliary.as_ref().and_then(Auxiliary::truth_column) {
            let (theirs, ours) = (&table.column(name)?.cells, &split.members.table()?.column(name)?.cells);
            let (codes, own, levels) = joint_codes(theirs, ours);
            let mut person_of = vec![None; levels];
            (0..own.len())
                .filter(|&row| !ours.is_missing(row))
                .for_each(|row| person_of[own[row] as usize] = Some(persons[row]));
            // Who has no identifier is somebody of their own, and nobody of the data.
            let people =
                (0..codes.len()).map(|row| if theirs.is_missing(row) { (levels + row) as u32 } else { codes[row] });
            truth = people.clone().map(|code| person_of.get(code as usize).copied().flatten()).collect();
            let mut stream = seed.derive("records").stream();
            rows = random_row_each(people.collect(), |_| true, usize::MAX, &mut stream)
                .into_iter()
                .map(|(_, row)| row)
                .collect();
        }
        shuffle(&mut rows, &mut seed.derive("people").stream());
        rows.truncate(most);
        rows.sort_unstable();
        let columns = threat.columns.iter().map(|name| Some(table.column(name)?.cells.take(&rows)));
        Some(Self { columns: columns.collect::<Option<_>>()?, truth: rows.iter().map(|&row| truth[row]).collect() })
    }

    /// The file of a rehearsal: one random record each of some members, then of some people who are none, marred at the given
    /// rates.
    pub(super) fn rehearsed(
        split: &Split,
        threat: &ThreatModel,
        comparing: &[Comparing],
        (known, others): (usize, usize),
        rates: Rates,
        seed: Seed,
    ) -> Option<Self> {
        let (members, nonmembers) = (split.members.table()?, split.nonmembers.table()?);
        let mut stream = seed.derive("people").stream();
        let inside = random_row_each(people_of(&split.members), |_| true, known, &mut stream);
        // Somebody with records on both sides is in the data.
        let mut people: Vec<u32> = split.members.groups.clone().unwrap_or_default();
        people.sort_unstable();
        let stranger = |person: u32| people.binary_search(&person).is_err();
        let outside = random_row_each(people_of(&split.nonmembers), stranger, others, &mut stream);
        let rows = |drawn: &[(u32, usize)]| drawn.iter().map(|(_, row)| *row).collect::<Vec<usize>>();
        let (in_rows, out_rows) = (rows(&inside), rows(&outside));
        let column = |(name, comparing): (&String, &Comparing)| {
            let (member, other) = (&members.column(name)?.cells, &nonmembers.column(name)?.cells);
            let cells = member.take(&in_rows).stacked(&other.take(&out_rows))?;
            let mut stream = seed.derive("errors").derive(name).stream();
            Some(comparing.marred(&cells, member, rates, &mut stream))
        };
        let columns = threat.columns.iter().zip(comparing).map(column).collect::<Option<Vec<Cells>>>()?;
        let truth = inside.iter().map(|(person, _)| Some(*person)).chain(outside.iter().map(|_| None)).collect();
        Some(Self { columns, truth })
    }
}

/// The person of each record: its patient, or the record itself.
pub(super) fn people_of(records: &Records) -> Vec<u32> {
    records.groups.clone().unwrap_or_else(|| (0..records.len() as u32).collect())
}

/// A random row each of at most `most` random people among those wanted, in the order of the people's codes.
fn random_row_each(
    people: Vec<u32>,
    wanted: impl Fn(u32) -> bool,
    most: usize,
    stream: &mut Stream,
) -> Vec<(u32, usize)> {
    let mut rows: Vec<(u32, usize)> = people.into_iter().zip(0..).filter(|(person, _)| wanted(*person)).collect();
    rows.sort_unstable();
    let mut people: Vec<&[(u32, usize)]> = rows.chunk_by(|a, b| a.0 == b.0).collect();
    shuffle(&mut people, stream);
    people.truncate(most);
    people.sort_unstable();
    people.into_iter().map(|rows| rows[below(rows.len(), stream)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::specimen::{Case, integers};
    use crate::data::{Schema, Table};

    /// Patients are drawn, not records, and nobody with a record among the members plays a stranger.
    #[test]
    fn one_record_per_patient_and_no_member_among_the_others() {
        let table = |patients: &[u32]| Table::new(vec![integers("patient", patients), integers("age", patients)]);
        let schema = Schema {
            patient: Some("patient".to_owned()),
            quasi_identifiers: vec![ThreatModel::of("", &["age"])],
            ..Schema::default()
        };
        let case = Case::tables(table(&[5, 5, 5, 6, 7, 7]), table(&[6, 8, 8, 9]), schema);
        let comparing = [Comparing::Categories];
        let rates = Rates { missing: 0.0, error: 0.0 };
        let threat = &case.split.schema.quasi_identifiers[0];
        let file = AttackerFile::rehearsed(&case.split, threat, &comparing, (10, 10), rates, Seed::root(1)).unwrap();
        assert_eq!(file.truth, [Some(0), Some(1), Some(2), None, None]);
        let ages: Vec<Option<String>> = (0..5).map(|row| file.columns[0].text(row)).collect();
        assert_eq!(ages, ["5", "6", "7", "8", "9"].map(|age| Some(age.to_owned())));
    }
}
