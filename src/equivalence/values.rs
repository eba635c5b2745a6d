//! How often each value of another column occurs in each class: records by class, then a sweep.

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
    /// of a class counts once. O(n + the sum over classes of records x log(records)).
    ///
    /// # Panics
    /// When the column or the people have another number of records than the classes.
    pub fn of(classes: &Classes, sensitive: &Column, people: Option<&[u32]>) -> Self {
        let of_record = classes.of_record();
        assert_eq!(of_record.len(), sensitive.len(), "the column describes the records of the classes");
        assert!(people.is_none_or(|people| people.len() == of_record.len()), "every record has its person");
        // Records by class, each as its code and its person; where nobody is known, every record is somebody else.
        let mut next = Vec::with_capacity(classes.count());
        let mut before = 0_usize;
        for &records in classes.records() {
            next.push(before);
            before += records as usize;
        }
        let mut members = vec![0_u64; of_record.len()];
        for (row, &class) in of_record.iter().enumerate() {
            let person = people.map_or(row as u32, |people| people[row]);
            let at = &mut next[class as usize];
            members[*at] = u64::from(sensitive.code(row)) << 32 | u64::from(person);
            *at += 1;
        }
        let mut starts = Vec::with_capacity(classes.count() + 1);
        let (mut runs, mut total) = (Vec::new(), vec![0_u64; sensitive.levels() as usize]);
        let mut begin = 0;
        for end in next {
            starts.push(runs.len() as u32);
            let members = &mut members[begin..end];
            members.par_sort_unstable();
            for run in members.chunk_by(|a, b| a >> 32 == b >> 32) {
                let people = run.chunk_by(|a, b| a == b).count();
                let code = (run[0] >> 32) as u32;
                runs.push((code, people as u32));
                total[code as usize] += people as u64;
            }
            begin = end;
        }
        starts.push(runs.len() as u32);
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
