//! Distinct rows, and what is known about each.

use crate::equivalence::{Classes, Column};

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
    /// Takes the classes of the columns over people as kinds. O(rows + kinds x columns).
    pub(super) fn of(columns: &[&Column], people: Option<&[u32]>) -> Self {
        let classes = Classes::of(columns, people);
        let firsts = classes.first();
        let person = firsts.iter().map(|&row| people.map_or(row, |people| people[row as usize])).collect();
        let crowd = classes.sizes().iter().map(|&size| size > 1).collect();
        let taken: Vec<Column> = columns.iter().map(|column| column.take(firsts)).collect();
        let place = by_collisions(&taken);
        let present_in = |kind: usize| {
            let present = place.iter().enumerate().filter(|(_, j)| !taken[**j].is_missing(kind));
            present.fold(0_u64, |mask, (bit, _)| mask | 1 << bit)
        };
        let present = (0..firsts.len()).map(present_in).collect();
        let codes: Vec<Vec<u32>> =
            place.iter().map(|&j| (0..firsts.len()).map(|kind| taken[j].code(kind)).collect()).collect();
        let rows = (0..firsts.len()).flat_map(|kind| codes.iter().map(move |column| column[kind])).collect();
        Self { of_row: classes.of_record().to_vec(), codes, rows, present, crowd, person, place }
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

/// Columns by the number of pairs of kinds that agree in them, most first: the last, which say most, are split by first, so
/// that groups are small from the start.
fn by_collisions(columns: &[Column]) -> Vec<usize> {
    let collisions = |column: &Column| {
        let mut counts = vec![0_u64; column.levels() as usize];
        (0..column.len()).for_each(|kind| counts[column.code(kind) as usize] += 1);
        counts.iter().map(|count| count * count).sum::<u64>()
    };
    let pairs: Vec<u64> = columns.iter().map(collisions).collect();
    let mut place: Vec<usize> = (0..columns.len()).collect();
    place.sort_by_key(|&j| (std::cmp::Reverse(pairs[j]), j));
    place
}
