//! Distinct rows, and what is known about each.

use crate::equivalence::{Classes, Column};

/// Columns whose sets fill one word of 64 bits.
pub(super) const LOW: usize = 6;

/// Rows that agree in every column are of one kind. Kinds are numbered in the order of their codes in the lowest columns, so
/// that those which agree in all of them stand together in every group.
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
    /// Whose a kind is, where people have several rows.
    person: Option<Vec<u32>>,
    /// The place in the caller's order of each column.
    place: Vec<usize>,
}

impl Kinds {
    /// Takes the classes of the columns over people as kinds. O(rows + kinds x columns).
    pub(super) fn of(columns: &[&Column], people: Option<&[u32]>) -> Self {
        let classes = Classes::of(columns, people);
        let taken: Vec<Column> = columns.iter().map(|column| column.take(classes.first())).collect();
        let place = by_collisions(&taken);
        let order = by_low_codes(&taken, &place);
        let mut number = vec![0_u32; order.len()];
        order.iter().zip(0..).for_each(|(&class, kind)| number[class as usize] = kind);
        let firsts: Vec<u32> = order.iter().map(|&class| classes.first()[class as usize]).collect();
        let taken: Vec<Column> = taken.iter().map(|column| column.take(&order)).collect();
        let person = people.map(|people| firsts.iter().map(|&row| people[row as usize]).collect());
        let crowd = order.iter().map(|&class| classes.sizes()[class as usize] > 1).collect();
        let present_in = |kind: usize| {
            let present = place.iter().enumerate().filter(|(_, j)| !taken[**j].is_missing(kind));
            present.fold(0_u64, |mask, (bit, _)| mask | 1 << bit)
        };
        let present = (0..firsts.len()).map(present_in).collect();
        let codes: Vec<Vec<u32>> =
            place.iter().map(|&j| (0..firsts.len()).map(|kind| taken[j].code(kind)).collect()).collect();
        let rows = (0..firsts.len()).flat_map(|kind| codes.iter().map(move |column| column[kind])).collect();
        let of_row = classes.of_record().iter().map(|&class| number[class as usize]).collect();
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

    /// Whether somebody in a group of two or more can be unique and somebody else is in it.
    pub(super) fn has_strangers(&self, part: &[u32]) -> bool {
        let first = part[0];
        let others = |&kind: &u32| self.is_crowd(kind) || self.person_of(kind) != self.person_of(first);
        if self.is_crowd(first) { part.iter().any(|&kind| !self.is_crowd(kind)) } else { part[1..].iter().any(others) }
    }

    /// The person of a kind, or one of them.
    pub(super) fn person_of(&self, kind: u32) -> u64 {
        self.person.as_ref().map_or(u64::from(kind), |person| u64::from(person[kind as usize]))
    }

    /// The codes of the lowest columns of a kind; 0 where there are fewer columns.
    pub(super) fn low(&self, kind: u32) -> [u32; LOW] {
        let (at, width) = (kind as usize * self.codes.len(), self.codes.len().min(LOW));
        let mut low = [0; LOW];
        low[..width].copy_from_slice(&self.rows[at..at + width]);
        low
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

/// Classes in the order of their codes in the lowest columns.
fn by_low_codes(taken: &[Column], place: &[usize]) -> Vec<u32> {
    let classes = taken.first().map_or(0, Column::len);
    let low = &place[..place.len().min(LOW)];
    let mut order: Vec<u32> = (0..classes as u32).collect();
    // A stable sort by each column, the first one last.
    for &j in low.iter().rev() {
        let column = &taken[j];
        let mut next = vec![0_usize; column.levels() as usize + 1];
        order.iter().for_each(|&class| next[column.code(class as usize) as usize + 1] += 1);
        (1..next.len()).for_each(|code| next[code] += next[code - 1]);
        let mut sorted = vec![0; order.len()];
        for &class in &order {
            let at = &mut next[column.code(class as usize) as usize];
            sorted[*at] = class;
            *at += 1;
        }
        order = sorted;
    }
    order
}
