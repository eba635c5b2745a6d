//! How many classes have which size: all that summaries and population models need.

use std::collections::BTreeMap;

use super::classes;
use super::column::Column;
use super::group::Keys;

/// Class sizes and how often each occurs, by ascending size.
///
/// ```
/// use privet::equivalence::Histogram;
/// // ages 20 30 40 20 40: two pairs and one who stands alone
/// let ages = Histogram::of_sizes([2, 1, 2]);
/// assert_eq!((ages.records(), ages.classes(), ages.smallest(), ages.of_size(1)), (5, 3, 1, 1));
/// assert_eq!((ages.distinction(), ages.separation()), (0.6, 0.8));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Histogram {
    /// Size and number of classes of that size; none of them 0.
    counts: Vec<(u32, u64)>,
}

impl Histogram {
    /// Counts class sizes; empty classes do not count.
    pub fn of_sizes(sizes: impl IntoIterator<Item = u32>) -> Self {
        let mut tally = Tally::default();
        sizes.into_iter().for_each(|size| tally.add(size, 1));
        tally.into()
    }

    /// The histogram of the classes of some columns, with no class told from another: 4 bytes of memory per record where
    /// keys are below 2^32 or little above it, 8 otherwise. The columns are used up. O(n) expected.
    ///
    /// # Panics
    /// When there are 2^32 records or more.
    pub fn of_columns(columns: Vec<Column>) -> Self {
        let keys = classes::keyed(&columns.iter().collect::<Vec<_>>(), Keys::of);
        drop(columns);
        keys.tally().into()
    }

    /// The classes of both, where no class is in both.
    #[must_use]
    pub fn and(self, others: &Self) -> Self {
        let mut counts: BTreeMap<u32, u64> = self.counts.into_iter().collect();
        others.counts.iter().for_each(|&(size, classes)| *counts.entry(size).or_default() += classes);
        Self { counts: counts.into_iter().collect() }
    }

    /// Size and number of classes of that size, by ascending size.
    pub fn counts(&self) -> &[(u32, u64)] {
        &self.counts
    }

    /// Number of records (or of people, where sizes count people; a person in two classes counts twice).
    pub fn records(&self) -> u64 {
        self.counts.iter().map(|&(size, count)| u64::from(size) * count).sum()
    }

    /// Number of classes.
    pub fn classes(&self) -> u64 {
        self.counts.iter().map(|&(_, count)| count).sum()
    }

    /// Size of the smallest class, k; 0 without classes.
    pub fn smallest(&self) -> u32 {
        self.counts.first().map_or(0, |&(size, _)| size)
    }

    /// Size of the largest class; 0 without classes.
    pub fn largest(&self) -> u32 {
        self.counts.last().map_or(0, |&(size, _)| size)
    }

    /// Classes of one size.
    pub fn of_size(&self, size: u32) -> u64 {
        self.counts.binary_search_by_key(&size, |&(size, _)| size).map_or(0, |at| self.counts[at].1)
    }

    /// Records in classes smaller than `size`.
    pub fn below(&self, size: u32) -> u64 {
        let small = self.counts.iter().take_while(|&&(f, _)| f < size);
        small.map(|&(f, count)| u64::from(f) * count).sum()
    }

    /// Classes per record, from 0 to 1: the mean over records of 1 / class size, so the average and the marketer risk as
    /// well; 0 without records.
    pub fn distinction(&self) -> f64 {
        self.classes() as f64 / self.records().max(1) as f64
    }

    /// Share of pairs of records that differ in some column (Motwani and Xu 2007); 0 for fewer than two records.
    pub fn separation(&self) -> f64 {
        let n = u128::from(self.records());
        if n < 2 {
            return 0.0;
        }
        let equal = |&(size, count): &(u32, u64)| u128::from(size) * u128::from(size - 1) * u128::from(count);
        1.0 - self.counts.iter().map(equal).sum::<u128>() as f64 / (n * (n - 1)) as f64
    }
}

/// Sizes while they are counted: most classes are small and are counted in a list, the others in a map.
pub(super) struct Tally {
    small: Vec<u64>,
    large: BTreeMap<u32, u64>,
}

impl Default for Tally {
    fn default() -> Self {
        Self { small: vec![0; 1024], large: BTreeMap::new() }
    }
}

impl Tally {
    /// So many classes more, or none where their size is 0.
    pub(super) fn add(&mut self, size: u32, classes: u64) {
        match self.small.get_mut(size as usize) {
            Some(count) => *count += classes,
            None => *self.large.entry(size).or_default() += classes,
        }
    }

    /// The classes of both.
    pub(super) fn merged(mut self, other: Self) -> Self {
        self.small.iter_mut().zip(other.small).for_each(|(count, more)| *count += more);
        other.large.into_iter().for_each(|(size, more)| *self.large.entry(size).or_default() += more);
        self
    }
}

impl From<Tally> for Histogram {
    fn from(tally: Tally) -> Self {
        let small = (0..).zip(tally.small).skip(1).filter(|(_, count)| *count > 0);
        Self { counts: small.chain(tally.large).collect() }
    }
}
