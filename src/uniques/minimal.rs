//! The search for minimal sample uniques.

use thiserror::Error;

use super::found::Found;
use super::kinds::Kinds;
use super::lattice::Lattice;
use super::levels::by_levels;
use crate::equivalence::Column;
use crate::watch::Watch;

/// More columns than a mask has bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{0} columns are more than the 64 that a search over column sets can hold")]
pub struct MostColumns(pub usize);

/// What is searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// The largest column set looked at.
    pub max_size: usize,
    /// Bound on (column sets) x (distinct rows): the largest size is lowered until the search stays below, whatever the data.
    pub work: u64,
}

impl Default for Settings {
    /// Sets of up to five columns, 10^10 steps (a minute at most on two cores, mostly far less).
    fn default() -> Self {
        Self { max_size: 5, work: 10_000_000_000 }
    }
}

/// Every record's minimal sample uniques (MSU): column sets on which no other person has the record's values, while every
/// smaller set is shared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MinimalUniques {
    /// Number of columns.
    pub columns: usize,
    /// The largest set that was looked at; less than the number of columns where the search was cut.
    pub max_size: usize,
    /// Whether the user stopped the search; what is missing then is missing.
    pub stopped: bool,
    kind_of_row: Vec<u32>,
    starts: Vec<usize>,
    masks: Vec<u64>,
}

impl MinimalUniques {
    /// Searches. `people` says whose record each row is; without it every row is a person.
    ///
    /// Partitions are refined depth first over the set-enumeration tree (stripped partitions, as in TANE), and rows that
    /// nobody shares leave. What is shared is kept as a bit for every set and distinct row, from which the minimal sets are
    /// read 64 at a time; where these bits need more than half a gigabyte, one size after the other, with the bits of the
    /// size before. Exponential in the number of columns in the worst case, since the number of MSUs is; bounded by
    /// [`Settings::work`] and, size by size, by the memory that the MSUs themselves need. The same on any number of threads.
    ///
    /// References: Elliot, Manning and Ford, International Journal of Uncertainty, Fuzziness and Knowledge-Based Systems 10
    /// (2002); Manning, Haglin and Keane, Data Mining and Knowledge Discovery 16 (2008) 165-196; Huhtala and others, The
    /// Computer Journal 42 (1999) 100-111.
    ///
    /// # Errors
    /// [`MostColumns`] over 64 columns.
    ///
    /// ```
    /// use privet::equivalence::Column;
    /// use privet::uniques::{MinimalUniques, Settings};
    /// use privet::watch::Unwatched;
    /// // The third row is unique by its first column, the others need both.
    /// let (a, b) = (Column::new([1, 1, 0], 2, None), Column::new([0, 1, 1], 2, None));
    /// let found = MinimalUniques::of(&[&a, &b], None, &Settings::default(), &Unwatched)?;
    /// assert_eq!([found.of_row(0), found.of_row(1), found.of_row(2)], [&[0b10][..], &[0b11], &[0b01]]);
    /// # Ok::<(), privet::uniques::MostColumns>(())
    /// ```
    ///
    /// # Panics
    /// When columns differ in length.
    pub fn of(
        columns: &[&Column],
        people: Option<&[u32]>,
        settings: &Settings,
        watch: &dyn Watch,
    ) -> Result<Self, MostColumns> {
        if columns.len() > 64 {
            return Err(MostColumns(columns.len()));
        }
        let kinds = Kinds::of(columns, people);
        let max_size = affordable(columns.len(), kinds.len(), settings);
        let (found, max_size) = match Lattice::of(&kinds, max_size, watch) {
            // A lattice that was not filled would call unique what somebody shares.
            Some(_) if watch.stops() => (vec![Found::nothing(&kinds)], max_size),
            Some(lattice) => (lattice.minimal(), max_size),
            None => {
                let (found, complete) = by_levels(&kinds, max_size, watch);
                (vec![found], complete)
            }
        };
        Ok(Self::collected(&kinds, &found, max_size, watch.stops()))
    }

    /// The search by size, which tables of moderate width do not reach; with room for so many sets.
    #[cfg(test)]
    pub(super) fn by_size(columns: &[&Column], people: Option<&[u32]>, max_size: usize, most_found: usize) -> Self {
        let kinds = Kinds::of(columns, people);
        let (found, complete) = super::levels::up_to(&kinds, max_size, most_found, &crate::watch::Unwatched);
        Self::collected(&kinds, &[found], complete, false)
    }

    fn collected(kinds: &Kinds, found: &[Found], max_size: usize, stopped: bool) -> Self {
        let (mut starts, mut masks) = (vec![0], Vec::with_capacity(found.iter().map(|found| found.masks.len()).sum()));
        for found in found {
            starts.extend(found.ends.iter().map(|end| masks.len() + end));
            masks.extend_from_slice(&found.masks);
        }
        Self { columns: kinds.columns(), max_size, stopped, kind_of_row: kinds.of_row().to_vec(), starts, masks }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.kind_of_row.len()
    }

    /// The MSUs of a row as bit masks of columns (bit j for column j), by size and then by value.
    pub fn of_row(&self, row: usize) -> &[u64] {
        let kind = self.kind_of_row[row] as usize;
        &self.masks[self.starts[kind]..self.starts[kind + 1]]
    }

    /// Whether sets of every size were looked at.
    pub fn is_complete(&self) -> bool {
        self.max_size == self.columns && !self.stopped
    }
}

/// The largest size for which all sets together cost no more than the bound; at least 1.
fn affordable(columns: usize, kinds: usize, settings: &Settings) -> usize {
    let (mut sets, mut of_size) = (0_u128, 1_u128);
    for size in 1..=columns.min(settings.max_size) {
        of_size = of_size * (columns - size + 1) as u128 / size as u128;
        sets += of_size;
        if size > 1 && sets.saturating_mul(kinds as u128) > u128::from(settings.work) {
            return size - 1;
        }
    }
    columns.min(settings.max_size)
}
