//! How many rows every set of columns singles out, and what each column contributes.

use super::bits::bits;
use super::kinds::Kinds;
use super::lattice::Lattice;
use crate::equivalence::Column;
use crate::watch::Watch;

/// Most columns whose sets are all counted.
pub const MOST_COLUMNS: usize = 12;

/// For every set of columns the number of rows that nobody else shares it with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subsets {
    columns: usize,
    unique: Vec<usize>,
}

impl Subsets {
    /// Counts over all 2^m sets; a missing cell is a value where `columns` say so by not marking it as missing. Nothing for
    /// more than [`MOST_COLUMNS`] columns, for rows whose sets need more than half a gigabyte, and when the user stops.
    ///
    /// ```
    /// use privet::equivalence::Column;
    /// use privet::uniques::Subsets;
    /// use privet::watch::Unwatched;
    /// let (sex, age) = (Column::new([0, 0, 1, 1], 2, None), Column::new([3, 4, 4, 4], 5, None));
    /// let subsets = Subsets::of(&[&sex, &age], None, &Unwatched).ok_or("two columns")?;
    /// assert_eq!([0b01, 0b10, 0b11].map(|set| subsets.unique(set)), [0, 1, 2]);
    /// assert_eq!(subsets.shapley(), [0.5, 1.5]);
    /// # Ok::<(), &str>(())
    /// ```
    pub fn of(columns: &[&Column], people: Option<&[u32]>, watch: &dyn Watch) -> Option<Self> {
        if columns.is_empty() || columns.len() > MOST_COLUMNS {
            return None;
        }
        let kinds = Kinds::of(columns, people);
        let inner = Lattice::of(&kinds, columns.len(), watch).filter(|_| !watch.stops())?.unique_rows();
        let mut unique = vec![0; inner.len()];
        for (set, count) in inner.into_iter().enumerate() {
            let place = |bit: u64| 1 << kinds.place(bit.trailing_zeros() as usize);
            unique[bits(set as u64).map(place).sum::<usize>()] = count;
        }
        Some(Self { columns: columns.len(), unique })
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Number of rows that nobody shares a set of columns with; bit j of the mask is column j.
    ///
    /// # Panics
    /// When the mask has a column that is not there.
    pub fn unique(&self, set: usize) -> usize {
        self.unique[set]
    }

    /// The sets of a size, those that single out most rows first; among equals the smaller mask.
    pub fn strongest(&self, size: u32) -> Vec<usize> {
        let mut sets: Vec<usize> = (0..self.unique.len()).filter(|set| set.count_ones() == size).collect();
        sets.sort_by_key(|&set| (std::cmp::Reverse(self.unique[set]), set));
        sets
    }

    /// The Shapley value of every column in rows: its mean contribution over all orders in which the columns could be added.
    /// The values add up to the number of rows unique on all columns. Exact; O(m 2^m).
    ///
    /// Reference: Shapley, Contributions to the Theory of Games II (1953) 307-317.
    pub fn shapley(&self) -> Vec<f64> {
        let m = self.columns;
        // |S|! (m - |S| - 1)! / m! for a set S without the column.
        let mut weight = vec![1.0 / m as f64; m];
        for size in 1..m {
            weight[size] = weight[size - 1] * size as f64 / (m - size) as f64;
        }
        let value = |column: usize| {
            let without = (0..self.unique.len()).filter(|set| set >> column & 1 == 0);
            without
                .map(|set| {
                    let gain = self.unique[set | 1 << column] - self.unique[set];
                    weight[set.count_ones() as usize] * gain as f64
                })
                .sum()
        };
        (0..m).map(value).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;
    use crate::watch::Unwatched;

    proptest! {
        #[test]
        fn counts_equal_grouping(rows in prop::collection::vec((prop::array::uniform8(0_u32..3), 0_u32..40), 1..60)) {
            let columns: Vec<Column> = (0..8).map(|j| Column::new(rows.iter().map(|row| row.0[j]), 3, None)).collect();
            let people: Vec<u32> = rows.iter().map(|row| row.1).collect();
            let subsets = Subsets::of(&columns.iter().collect::<Vec<_>>(), Some(&people), &Unwatched).expect("few columns");
            for set in 1..256_usize {
                let key = |row: &[u32; 8]| (0..8).map(|j| if set >> j & 1 == 1 { row[j] } else { 9 }).collect::<Vec<_>>();
                let mut groups: HashMap<Vec<u32>, Vec<u32>> = HashMap::new();
                rows.iter().for_each(|row| groups.entry(key(&row.0)).or_default().push(row.1));
                let alone = rows.iter().filter(|row| groups[&key(&row.0)].iter().all(|person| *person == row.1)).count();
                prop_assert_eq!(subsets.unique(set), alone);
            }
            let sum: f64 = subsets.shapley().iter().sum();
            prop_assert!((sum - subsets.unique(255) as f64).abs() < 1e-9);
        }
    }

    #[test]
    fn thirteen_columns_are_too_many() {
        let column = Column::new([0, 1], 2, None);
        assert_eq!(Subsets::of(&[&column; 13], None, &Unwatched), None);
        assert_eq!(Subsets::of(&[], None, &Unwatched), None);
    }
}
