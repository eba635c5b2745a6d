//! Distinct rows, and what is known about each.

use super::Codes;
use super::partition::{Partition, Splitter};

/// Rows that agree in every column are of one kind.
pub(super) struct Kinds {
    of_row: Vec<u32>,
    /// Codes by column, the most identifying column last.
    codes: Vec<Vec<u32>>,
    /// The same by kind.
    rows: Vec<u32>,
    /// Columns in which a kind has a value.
    present: Vec<u64>,
    /// Several people share the whole row, so it is never unique.
    crowd: Vec<bool>,
    person: Vec<u32>,
    /// The place in the caller's order of each column.
    place: Vec<usize>,
}

impl Kinds {
    /// Finds the kinds; every row is a person where `people` are not given. O(rows x columns).
    pub(super) fn of(columns: &[Codes<'_>], people: Option<&[u32]>) -> Self {
        let rows = columns.first().map_or(0, |column| column.codes.len());
        assert!(columns.iter().all(|column| column.codes.len() == rows), "columns are equally long");
        let (of_row, firsts) = distinct(columns, rows);
        let who = |row: usize| people.map_or(row as u32, |people| people[row]);
        let person: Vec<u32> = firsts.iter().map(|&row| who(row as usize)).collect();
        let mut crowd = vec![false; firsts.len()];
        for (row, &kind) in of_row.iter().enumerate() {
            crowd[kind as usize] |= who(row) != person[kind as usize];
        }
        let place = by_collisions(columns, &firsts);
        let missing = |column: &Codes<'_>, row: u32| column.missing == Some(column.codes[row as usize]);
        let bits_of = |row: &u32| {
            let present = place.iter().enumerate().filter(|(_, j)| !missing(&columns[**j], *row));
            present.fold(0_u64, |mask, (bit, _)| mask | 1 << bit)
        };
        let present = firsts.iter().map(bits_of).collect();
        let gather = |&j: &usize| firsts.iter().map(|&row| columns[j].codes[row as usize]).collect();
        let codes: Vec<Vec<u32>> = place.iter().map(gather).collect();
        let rows = (0..firsts.len()).flat_map(|kind| codes.iter().map(move |column| column[kind])).collect();
        Self { of_row, codes, rows, present, crowd, person, place }
    }

    /// Number of kinds.
    pub(super) fn len(&self) -> usize {
        self.crowd.len()
    }

    pub(super) fn columns(&self) -> usize {
        self.codes.len()
    }

    /// The kind of each row.
    pub(super) fn of_row(&self) -> &[u32] {
        &self.of_row
    }

    /// Number of rows of each kind.
    pub(super) fn rows_of_kinds(&self) -> Vec<usize> {
        let mut rows = vec![0; self.len()];
        self.of_row.iter().for_each(|&kind| rows[kind as usize] += 1);
        rows
    }

    /// The codes of a column.
    pub(super) fn codes(&self, column: usize) -> &[u32] {
        &self.codes[column]
    }

    /// The place of a column in the caller's order.
    pub(super) fn place(&self, column: usize) -> usize {
        self.place[column]
    }

    /// The columns in which a kind has a value.
    pub(super) fn present(&self, kind: u32) -> u64 {
        self.present[kind as usize]
    }

    pub(super) fn has(&self, kind: u32, column: usize) -> bool {
        self.present[kind as usize] >> column & 1 == 1
    }

    pub(super) fn is_crowd(&self, kind: u32) -> bool {
        self.crowd[kind as usize]
    }

    /// Whether nobody in a group can be unique.
    pub(super) fn all_crowds(&self, part: &[u32]) -> bool {
        part.iter().all(|&kind| self.is_crowd(kind))
    }

    /// Whether a group is one person.
    pub(super) fn one_person(&self, part: &[u32]) -> bool {
        let person = self.person[part[0] as usize];
        part.iter().all(|&kind| !self.is_crowd(kind) && self.person[kind as usize] == person)
    }

    /// Whether two kinds are of different people.
    pub(super) fn strangers(&self, a: u32, b: u32) -> bool {
        self.is_crowd(a) || self.is_crowd(b) || self.person[a as usize] != self.person[b as usize]
    }

    /// The person of a kind, unless it is several people's.
    pub(super) fn only_person(&self, kind: u32) -> Option<u32> {
        (!self.is_crowd(kind)).then(|| self.person[kind as usize])
    }

    /// The codes of the lowest columns of a kind.
    ///
    /// # Panics
    /// When there are fewer columns.
    pub(super) fn low<const LOW: usize>(&self, kind: u32) -> [u32; LOW] {
        let at = kind as usize * self.codes.len();
        let mut low = [0; LOW];
        low.copy_from_slice(&self.rows[at..at + LOW]);
        low
    }

    /// The columns in which two kinds have the same value.
    pub(super) fn agreement(&self, a: u32, b: u32) -> u64 {
        let width = self.codes.len();
        let row = |kind: u32| &self.rows[kind as usize * width..(kind as usize + 1) * width];
        let equal = row(a).iter().zip(row(b)).enumerate();
        let mask = equal.fold(0_u64, |mask, (bit, (a, b))| mask | u64::from(a == b) << bit);
        mask & self.present(a) & self.present(b)
    }
}

/// Numbers rows that agree in every column alike, in order of first appearance; and the first row of each number.
fn distinct(columns: &[Codes<'_>], rows: usize) -> (Vec<u32>, Vec<u32>) {
    let mut group = Partition::whole(rows as u32);
    let (mut splitter, mut next) = (Splitter::default(), Partition::default());
    for column in columns {
        splitter.split(&group, column.codes, &mut next, |part| part.len() > 1);
        std::mem::swap(&mut group, &mut next);
    }
    // The first row of the group of each row, and from these the numbers.
    let mut first: Vec<u32> = (0..rows as u32).collect();
    group.groups().for_each(|part| part.iter().for_each(|&row| first[row as usize] = part[0]));
    let (mut of_row, mut firsts) = (vec![0; rows], Vec::new());
    for row in 0..rows {
        if first[row] as usize == row {
            of_row[row] = firsts.len() as u32;
            firsts.push(row as u32);
        } else {
            of_row[row] = of_row[first[row] as usize];
        }
    }
    (of_row, firsts)
}

/// Columns by the number of pairs of rows that agree in them, most first: the last, which say most, are split by first, so
/// that groups are small from the start.
fn by_collisions(columns: &[Codes<'_>], firsts: &[u32]) -> Vec<usize> {
    let collisions = |column: &Codes<'_>| {
        let mut counts: Vec<u64> = Vec::new();
        for &row in firsts {
            let code = column.codes[row as usize] as usize;
            if code >= counts.len() {
                counts.resize(code + 1, 0);
            }
            counts[code] += 1;
        }
        counts.iter().map(|count| count * count).sum::<u64>()
    };
    let pairs: Vec<u64> = columns.iter().map(collisions).collect();
    let mut place: Vec<usize> = (0..columns.len()).collect();
    place.sort_by_key(|&j| (std::cmp::Reverse(pairs[j]), j));
    place
}
