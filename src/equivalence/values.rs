//! How often each value of another column occurs in each class: one sort, then everything is a sweep.

use rayon::prelude::*;

use super::classes::Classes;
use super::column::Column;

/// The values of a column by class, and in the whole table.
///
/// ```
/// use privet::equivalence::{Classes, Column, Values};
/// let ward = Column::new([0, 1, 0, 1], 2, None);
/// let diagnosis = Column::new([2, 0, 2, 1], 3, None);
/// let values = Values::of(&Classes::of(&[&ward], None), &diagnosis, None);
/// assert_eq!(values.class(0).collect::<Vec<_>>(), [(2, 2)]);
/// assert_eq!(values.class(1).collect::<Vec<_>>(), [(0, 1), (1, 1)]);
/// assert_eq!(values.total(), [1, 1, 2]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Values {
    /// Where the runs of each class start; one more than there are classes.
    starts: Vec<u32>,
    /// Code and count, by class and then by code.
    runs: Vec<(u32, u32)>,
    total: Vec<u64>,
}

impl Values {
    /// Counts the codes of `sensitive` within each class. With `people`, a person who has the same value in several records
    /// of a class counts once. O(n log n).
    ///
    /// # Panics
    /// When the column or the people have another number of records than the classes.
    pub fn of(classes: &Classes, sensitive: &Column, people: Option<&[u32]>) -> Self {
        let of_record = classes.of_record();
        assert_eq!(of_record.len(), sensitive.len(), "the column describes the records of the classes");
        let pair = |row: usize| (u64::from(of_record[row]) << 32) | u64::from(sensitive.code(row));
        let mut pairs: Vec<u64> = if let Some(people) = people {
            assert_eq!(of_record.len(), people.len(), "every record has its person");
            let mut triples: Vec<(u64, u32)> =
                (0..people.len()).into_par_iter().map(|row| (pair(row), people[row])).collect();
            triples.par_sort_unstable();
            triples.dedup();
            triples.into_iter().map(|(pair, _)| pair).collect()
        } else {
            (0..of_record.len()).into_par_iter().map(pair).collect()
        };
        pairs.par_sort_unstable();
        let mut starts = Vec::with_capacity(classes.count() + 1);
        let (mut runs, mut total) = (Vec::new(), vec![0_u64; sensitive.levels() as usize]);
        for run in pairs.chunk_by(|a, b| a == b) {
            let (class, code) = ((run[0] >> 32) as usize, run[0] as u32);
            while starts.len() <= class {
                starts.push(runs.len() as u32);
            }
            runs.push((code, run.len() as u32));
            total[code as usize] += run.len() as u64;
        }
        starts.resize(classes.count() + 1, runs.len() as u32);
        Self { starts, runs, total }
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.starts.len() - 1
    }

    /// Code and count of every value that occurs in a class, by ascending code.
    pub fn class(&self, class: usize) -> impl Iterator<Item = (u32, u32)> + Clone {
        self.runs[self.starts[class] as usize..self.starts[class + 1] as usize].iter().copied()
    }

    /// How often each code occurs in the whole table, counted as in the classes.
    pub fn total(&self) -> &[u64] {
        &self.total
    }
}
