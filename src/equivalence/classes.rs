//! The classes of a table: which record is in which, and how large each is.

use super::column::Column;
use super::group;
use super::histogram::Histogram;
use super::pack::Packing;

/// The equivalence classes of a set of columns, numbered in order of first appearance.
///
/// ```
/// use privet::equivalence::{Classes, Column};
/// let sex = Column::new([0, 0, 1, 1, 1], 2, None);
/// let age = Column::new([4, 4, 4, 4, 2], 5, None);
/// let classes = Classes::of(&[&sex, &age], None);
/// assert_eq!(classes.of_record(), [0, 0, 1, 1, 2]);
/// assert_eq!(classes.sizes(), [2, 2, 1]);
/// // The second and third record, and the fourth and fifth, are one person each.
/// let people = Classes::of(&[&sex, &age], Some(&[0, 1, 1, 2, 2]));
/// assert_eq!(people.sizes(), [2, 2, 1]);
/// assert_eq!(people.quotient(&[&sex]).people, Some(vec![2, 2]));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Classes {
    of_record: Vec<u32>,
    first: Vec<u32>,
    records: Vec<u32>,
    people: Option<People>,
}

/// Who is in which class.
#[derive(Debug, Clone, PartialEq, Eq)]
struct People {
    /// Class and person, each pair once, sorted.
    pairs: Vec<(u32, u32)>,
    /// People per class.
    sizes: Vec<u32>,
}

/// The classes of fewer columns, made of finer classes instead of records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quotient {
    /// The class of each finer class, numbered in order of first appearance.
    pub of_class: Vec<u32>,
    /// Records per class.
    pub records: Vec<u32>,
    /// People per class, where people are known.
    pub people: Option<Vec<u32>>,
}

impl Quotient {
    /// People per class where people are known, records otherwise.
    pub fn sizes(&self) -> &[u32] {
        self.people.as_deref().unwrap_or(&self.records)
    }
}

impl Classes {
    /// Forms the classes; without columns all records are alike. `people` gives the person of each record, if known.
    /// O(n) expected per key of 64 bits; one is enough for most sets of columns. With people O(n log n).
    ///
    /// # Panics
    /// When columns and people have different lengths, or there are 2^32 records or more.
    pub fn of(columns: &[&Column], people: Option<&[u32]>) -> Self {
        let rows = columns.first().map(|column| column.len()).or(people.map(<[u32]>::len)).unwrap_or(0);
        assert!(people.is_none_or(|people| people.len() == rows), "every record has its person");
        let (of_record, first) = keyed_rows(rows, columns, group::groups);
        let mut records = vec![0_u32; first.len()];
        of_record.iter().for_each(|&class| records[class as usize] += 1);
        let count = first.len();
        let people = people.map(|people| People::of(of_record.iter().copied().zip(people.iter().copied()), count));
        Self { of_record, first, records, people }
    }

    /// Number of classes.
    pub fn count(&self) -> usize {
        self.first.len()
    }

    /// The class of each record.
    pub fn of_record(&self) -> &[u32] {
        &self.of_record
    }

    /// The first record of each class: it stands for the others.
    pub fn first(&self) -> &[u32] {
        &self.first
    }

    /// Records per class.
    pub fn records(&self) -> &[u32] {
        &self.records
    }

    /// People per class, where people are known.
    pub fn people(&self) -> Option<&[u32]> {
        self.people.as_ref().map(|people| people.sizes.as_slice())
    }

    /// Class and person, each pair once, sorted; where people are known.
    pub fn members(&self) -> Option<&[(u32, u32)]> {
        self.people.as_ref().map(|people| people.pairs.as_slice())
    }

    /// People per class where people are known, records otherwise.
    pub fn sizes(&self) -> &[u32] {
        self.people().unwrap_or(&self.records)
    }

    /// Records in classes of fewer than `size` people (or records, where people are unknown).
    pub fn below(&self, size: u32) -> usize {
        let small = self.sizes().iter().zip(&self.records).filter(|(people, _)| **people < size);
        small.map(|(_, &records)| records as usize).sum()
    }

    /// How many classes have which number of records.
    pub fn histogram(&self) -> Histogram {
        Histogram::of_sizes(self.records.iter().copied())
    }

    /// How many classes have which number of people; of records where people are unknown.
    pub fn people_histogram(&self) -> Histogram {
        Histogram::of_sizes(self.sizes().iter().copied())
    }

    /// The classes of some of the columns, found from the classes alone. O(classes).
    pub fn quotient(&self, columns: &[&Column]) -> Quotient {
        let taken: Vec<Column> = columns.iter().map(|column| column.take(&self.first)).collect();
        let (of_class, first) = keyed_rows(self.count(), &taken.iter().collect::<Vec<_>>(), group::groups);
        let mut records = vec![0_u32; first.len()];
        for (&class, &size) in of_class.iter().zip(&self.records) {
            records[class as usize] += size;
        }
        let coarser = |people: &People| {
            let pairs = people.pairs.iter().map(|&(class, person)| (of_class[class as usize], person));
            People::of(pairs, first.len()).sizes
        };
        Quotient { records, people: self.people.as_ref().map(coarser), of_class }
    }
}

impl People {
    fn of(pairs: impl Iterator<Item = (u32, u32)>, classes: usize) -> Self {
        let mut pairs: Vec<(u32, u32)> = pairs.collect();
        pairs.sort_unstable();
        pairs.dedup();
        let mut sizes = vec![0_u32; classes];
        pairs.iter().for_each(|&(class, _)| sizes[class as usize] += 1);
        Self { pairs, sizes }
    }
}

/// Does something with the keys of some columns: two are equal where all columns are. Columns that do not fit into one key are
/// taken in turns: the classes of those before become a column of their own, so that a key stays exact whatever the
/// number of columns.
pub(super) fn keyed<T>(columns: &[&Column], with: impl FnOnce(&Packing<'_>) -> T) -> T {
    keyed_rows(columns.first().map_or(0, |column| column.len()), columns, with)
}

fn keyed_rows<T>(rows: usize, mut columns: &[&Column], with: impl FnOnce(&Packing<'_>) -> T) -> T {
    assert!(rows < u32::MAX as usize, "records are numbered in 32 bits");
    assert!(columns.iter().all(|column| column.len() == rows), "columns have one length");
    let mut before: Option<(Vec<u32>, u64)> = None;
    loop {
        let base = before.as_ref().map_or(1, |(_, classes)| *classes);
        let first = before.as_ref().map(|(of_record, classes)| (of_record.as_slice(), *classes));
        let (packing, fitting) = Packing::of(rows, first, columns);
        let later = &columns[fitting..];
        // Nothing divides records that all stand alone.
        if later.is_empty() || base == rows as u64 {
            return with(&packing);
        }
        let (of_record, first) = group::groups(&packing);
        before = Some((of_record, first.len() as u64));
        columns = later;
    }
}
