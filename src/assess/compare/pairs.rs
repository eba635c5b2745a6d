//! Which record of a version is which of the other one.

use super::columns::common_codes;
use crate::data::Cells;
use crate::finding::SMALLEST_SHOWN;
use crate::linkage::MISSING;

/// Records of both versions that belong together.
#[derive(Debug, PartialEq)]
pub(super) struct Pairs {
    /// The row of the older version and that of the newer one.
    pub(super) rows: Vec<(usize, usize)>,
    /// The pairs of each person, by their place in `rows`.
    pub(super) people: Vec<Vec<usize>>,
    /// How they were brought together.
    pub(super) by: PairedBy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PairedBy {
    /// The order alone.
    Order,
    /// The order, and the column of people says the same.
    OrderAndPerson,
    /// The order, as the column of people has other values throughout.
    OrderAndNewNames,
    /// The column of people.
    Person,
    /// The column of people, whose values are the same for a part of the records alone though there are as many in either version.
    PersonInPart,
}

impl PairedBy {
    /// Words for a reader.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Order => "the order of the rows",
            Self::OrderAndPerson => "the order of the rows, in which the column that says whose a record is agrees",
            Self::OrderAndNewNames => {
                "the order of the rows, as no value of the column that says whose a record is occurs in both versions"
            }
            Self::Person => "the column that says whose a record is",
            Self::PersonInPart => "the column that says whose a record is, of which only a part is in both versions",
        }
    }
}

impl Pairs {
    /// Pairs rows by their order, or by the person where each has one record in either version.
    ///
    /// # Errors
    /// Why there are no pairs, in a sentence.
    pub(super) fn of(older: usize, newer: usize, patient: Option<(&Cells, &Cells)>) -> Result<Self, String> {
        let in_order = || (0..older).map(|row| (row, row)).collect::<Vec<_>>();
        let alone =
            |rows: Vec<(usize, usize)>, by| Self { people: (0..rows.len()).map(|pair| vec![pair]).collect(), rows, by };
        let Some((old, new)) = patient.map(|(old, new)| common_codes(old, new)) else {
            return if older == newer {
                Ok(alone(in_order(), PairedBy::Order))
            } else {
                Err("the versions have different numbers of records, so that nothing says which belong together: give the \
                     same records in the same order, or name a column of people that both have with --patient"
                    .to_owned())
            };
        };
        if old == new && old.iter().any(|code| *code != MISSING) {
            return Ok(Self { people: by_person(&old), rows: in_order(), by: PairedBy::OrderAndPerson });
        }
        let rows = joined(&old, &new);
        match rows {
            Some(rows) if !rows.is_empty() => {
                let in_part = older == newer && rows.len() < older;
                let by = if in_part { PairedBy::PersonInPart } else { PairedBy::Person };
                Ok(alone(unless_few_are_left(rows, older, newer)?, by))
            }
            _ if older == newer && none_in_both(&old, &new) => {
                Ok(Self { people: by_person(&old), rows: in_order(), by: PairedBy::OrderAndNewNames })
            }
            _ => Err(
                "the versions have their records in different orders, and the column that says whose a record is does \
                      not tell which belong together: give the same records in the same order, or one record per person"
                    .to_owned(),
            ),
        }
    }
}

/// Rows by person, in order of first appearance; a row without a person is one of its own.
fn by_person(codes: &[u32]) -> Vec<Vec<usize>> {
    let levels = codes.iter().filter(|code| **code != MISSING).max().map_or(0, |most| *most as usize + 1);
    let mut place = vec![None; levels];
    let mut people: Vec<Vec<usize>> = Vec::new();
    for (row, &code) in codes.iter().enumerate() {
        match place.get_mut(code as usize) {
            Some(Some(person)) => {
                let person: &mut Vec<usize> = &mut people[*person];
                person.push(row);
            }
            Some(unknown) => {
                *unknown = Some(people.len());
                people.push(vec![row]);
            }
            None => people.push(vec![row]),
        }
    }
    people
}

/// The row of each code; nothing where a code has several.
fn row_of(codes: &[u32], levels: usize) -> Option<Vec<Option<usize>>> {
    let mut rows = vec![None; levels];
    for (row, &code) in codes.iter().enumerate().filter(|(_, code)| **code != MISSING) {
        if rows[code as usize].replace(row).is_some() {
            return None;
        }
    }
    Some(rows)
}

fn levels(old: &[u32], new: &[u32]) -> usize {
    old.iter().chain(new).filter(|code| **code != MISSING).max().map_or(0, |most| *most as usize + 1)
}

/// Rows with equal codes, in the order of the older version; nothing where a code has several rows.
fn joined(old: &[u32], new: &[u32]) -> Option<Vec<(usize, usize)>> {
    let levels = levels(old, new);
    let (older, newer) = (row_of(old, levels)?, row_of(new, levels)?);
    let mut rows: Vec<(usize, usize)> = older.into_iter().zip(newer).filter_map(|(old, new)| old.zip(new)).collect();
    rows.sort_unstable();
    Some(rows)
}

fn none_in_both(old: &[u32], new: &[u32]) -> bool {
    let mut seen = vec![false; levels(old, new)];
    old.iter().filter(|code| **code != MISSING).for_each(|code| seen[*code as usize] = true);
    !new.iter().any(|code| *code != MISSING && seen[*code as usize])
}

/// Leaves more pairs out where their number would tell that 1 to 10 people of a version have none. How many stay follows from
/// numbers of records that are shown elsewhere: that of the older version, and that of the newer one unless they differ by 1
/// to 10. Of those at most 20 have no pair then, so that 22 fewer are always there, and no version has fewer than 11 people
/// that are left out.
///
/// # Errors
/// Why nothing is left, in a sentence.
fn unless_few_are_left(
    mut rows: Vec<(usize, usize)>,
    older: usize,
    newer: usize,
) -> Result<Vec<(usize, usize)>, String> {
    let is_few = |people: usize| (1..SMALLEST_SHOWN).contains(&people);
    let pairs = rows.len();
    if pairs < SMALLEST_SHOWN || !(is_few(older - pairs) || is_few(newer - pairs)) {
        return Ok(rows);
    }
    let all = if is_few(older.abs_diff(newer)) { older } else { older.min(newer) };
    rows.truncate(all.saturating_sub(2 * SMALLEST_SHOWN));
    if rows.len() < SMALLEST_SHOWN {
        return Err(
            "too few people are in both versions to be counted without telling how many are in one alone".to_owned()
        );
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people(values: impl IntoIterator<Item = i64>) -> Cells {
        Cells::Integer(values.into_iter().map(|value| (value >= 0).then_some(value)).collect())
    }

    fn pairs(old: &Cells, new: &Cells) -> Result<Pairs, String> {
        Pairs::of(old.len(), new.len(), Some((old, new)))
    }

    #[test]
    fn rows_are_paired_by_order() {
        let found = Pairs::of(3, 3, None).unwrap();
        assert_eq!((found.rows.len(), found.people.len(), found.by), (3, 3, PairedBy::Order));
        assert!(Pairs::of(3, 4, None).unwrap_err().contains("different numbers of records"));
        let same = people([7, 7, -1, 8, -1]);
        let found = pairs(&same, &same).unwrap();
        assert_eq!(found.people, [vec![0, 1], vec![2], vec![3], vec![4]]);
        assert_eq!(found.by, PairedBy::OrderAndPerson);
        let renamed = pairs(&same, &people([107, 107, -1, 108, -1])).unwrap();
        assert_eq!((renamed.by, renamed.people.len()), (PairedBy::OrderAndNewNames, 4));
    }

    #[test]
    fn people_with_one_record_are_joined() {
        let (old, new) = (people(0..40), people((0..60).rev()));
        let found = pairs(&old, &new).unwrap();
        assert_eq!((found.by, found.rows.len()), (PairedBy::Person, 40));
        assert!(found.rows.iter().all(|(old, new)| *new == 59 - old));
        // Three people of the newer version have no older record: as many are left out as of forty always are.
        assert_eq!(pairs(&people(0..40), &people((0..43).rev())).unwrap().rows.len(), 18);
        let found = pairs(&people(0..40), &people((0..40).rev())).unwrap();
        assert_eq!((found.by, found.rows.len()), (PairedBy::Person, 40));
        let found = pairs(&people(0..40), &people((20..60).rev())).unwrap();
        assert_eq!((found.by, found.rows.len()), (PairedBy::PersonInPart, 20));
        let texts = Cells::Text { codes: vec![1, 0], dictionary: vec!["4".to_owned(), "3".to_owned()].into() };
        assert_eq!(pairs(&people([3, 4]), &texts).unwrap().by, PairedBy::OrderAndPerson, "numbers and their texts");
    }

    /// Whoever knows the number of older records, and that of newer ones unless they differ by 1 to 10, learns no number of
    /// people from 1 to 10 who are in one version alone.
    #[test]
    fn the_number_of_pairs_tells_of_no_few_people() {
        let is_few = |people: usize| (1..SMALLEST_SHOWN).contains(&people);
        for (older, newer) in (33..80_usize).flat_map(|older| (33..80_usize).map(move |newer| (older, newer))) {
            let known = if is_few(older.abs_diff(newer)) { older } else { older.min(newer) };
            for both in SMALLEST_SHOWN..=older.min(newer) {
                let left = unless_few_are_left((0..both).map(|row| (row, row)).collect(), older, newer).unwrap().len();
                let few = is_few(older - both) || is_few(newer - both);
                assert_eq!(left, if few { known - 22 } else { both }, "{both} of {older} and {newer}");
                assert!(!is_few(older - left) && !is_few(newer - left), "{both} of {older} and {newer}");
            }
        }
    }

    #[test]
    fn few_people_of_whom_some_are_in_one_version_are_not_said_to_be_fewer() {
        let refused = pairs(&people(0..20), &people((5..25).rev())).unwrap_err();
        assert!(refused.contains("in one alone"), "{refused}");
        assert_eq!(pairs(&people(0..20), &people((15..35).rev())).unwrap().rows.len(), 5, "these are fewer than 11");
    }

    #[test]
    fn several_records_in_another_order_are_not_paired() {
        let refused = pairs(&people([1, 1, 2]), &people([2, 1, 1])).unwrap_err();
        assert!(refused.contains("different orders"), "{refused}");
        assert!(pairs(&people([1, 2]), &people([3, 4, 5])).is_err(), "nobody is in both, and the numbers differ");
    }
}
