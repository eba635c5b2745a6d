//! The search for minimal sample uniques.

use rayon::prelude::*;
use thiserror::Error;

use super::found::Found;
use super::hitting::minimal_hitting_sets;
use super::kinds::Kinds;
use super::lattice::Lattice;
use super::partition::{Partition, Splitter};
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

/// Groups of up to this many rows are settled by hitting sets instead of further splits.
const SETTLED: usize = 8;

impl MinimalUniques {
    /// Searches. `people` says whose record each row is; without it every row is a person.
    ///
    /// Partitions are refined depth first over the set-enumeration tree (stripped partitions, as in TANE), rows that nobody
    /// shares leave, and small groups are settled at once from the columns in which their pairs agree. What is shared is kept
    /// as a bit for every set and distinct row, from which the minimal sets are read 64 at a time; where these bits need more
    /// than half a gigabyte, as lists. Exponential in the number of columns in the worst case, since the number of MSUs is;
    /// bounded by [`Settings::work`]. The same on any number of threads.
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
        let found = match Lattice::of(&kinds, max_size, watch) {
            // A lattice that was not filled would call unique what somebody shares.
            Some(_) if watch.stops() => vec![Found::nothing(&kinds)],
            Some(lattice) => lattice.minimal(),
            None => vec![by_lists(&kinds, max_size, watch)],
        };
        Ok(Self::collected(&kinds, &found, max_size, watch.stops()))
    }

    /// The search by lists, which tables of moderate width do not reach.
    #[cfg(test)]
    pub(super) fn of_lists(columns: &[&Column], people: Option<&[u32]>, max_size: usize) -> Self {
        let kinds = Kinds::of(columns, people);
        let found = by_lists(&kinds, max_size, &crate::watch::Unwatched);
        Self::collected(&kinds, &[found], max_size, false)
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

/// The MSUs of every kind where the bits of all column sets would take too much memory: lists of those found so far.
fn by_lists(kinds: &Kinds, max_size: usize, watch: &dyn Watch) -> Found {
    let mut known: Vec<Vec<u64>> = vec![Vec::new(); kinds.len()];
    for top in 0..kinds.columns() {
        if watch.stops() || max_size == 0 {
            break;
        }
        step(kinds, top, max_size as u32, &mut known);
    }
    let mut found = Found::default();
    for of_kind in known {
        found.masks.extend(of_kind);
        found.end_of_kind(kinds);
    }
    found
}

/// Finds the MSUs whose highest column is `top` and adds them to what is known.
///
/// A node's set is extended by columns below its lowest; sets are so met in the order of their masks as numbers, subsets
/// before supersets, and a unique set is minimal when none of those known before lies in it.
fn step(kinds: &Kinds, top: usize, most: u32, known: &mut [Vec<u64>]) {
    let read: &[Vec<u64>] = known;
    let mut first = Branch::new(kinds, most, read);
    let mut base = Partition::default();
    first.refine(&Partition::whole(kinds.len() as u32), top, 0, &mut base);
    let branch = |below: usize| {
        let mut branch = Branch::new(kinds, most, read);
        let mut node = Partition::default();
        branch.refine(&base, below, 1 << top, &mut node);
        branch.descend(&node, below, 1 << top | 1 << below, 0);
        branch.found
    };
    let deeper: Vec<Vec<(u32, u64)>> =
        if most > 1 { (0..top).into_par_iter().map(branch).collect() } else { Vec::new() };
    let found: Vec<(u32, u64)> = std::iter::once(first.found).chain(deeper).flatten().collect();
    for (kind, mask) in found {
        let of_kind = &mut known[kind as usize];
        if !of_kind.iter().any(|other| other & !mask == 0) {
            of_kind.push(mask);
        }
    }
}

/// The search below one node.
struct Branch<'a> {
    kinds: &'a Kinds,
    most: u32,
    known: &'a [Vec<u64>],
    found: Vec<(u32, u64)>,
    splitter: Splitter,
    /// A partition for each depth.
    levels: Vec<Partition>,
    sets: Vec<u64>,
}

impl<'a> Branch<'a> {
    fn new(kinds: &'a Kinds, most: u32, known: &'a [Vec<u64>]) -> Self {
        let levels = vec![Partition::default(); kinds.columns()];
        Self { kinds, most, known, found: Vec::new(), splitter: Splitter::default(), levels, sets: Vec::new() }
    }

    /// Splits a node's groups by a column; what is unique or settled is reported, the rest stands in `into`.
    fn refine(&mut self, from: &Partition, column: usize, above: u64, into: &mut Partition) {
        let mut splitter = std::mem::take(&mut self.splitter);
        let mask = above | 1 << column;
        let mut alone = Vec::new();
        splitter.split(from, self.kinds.codes(column), into, |kind| alone.push(kind), |part| self.judge(part, mask));
        for kind in alone.into_iter().filter(|&kind| self.kinds.has(kind, column) && !self.kinds.is_crowd(kind)) {
            self.report(kind, mask);
        }
        self.splitter = splitter;
    }

    /// Whether a group has to be split further.
    fn judge(&mut self, part: &[u32], mask: u64) -> bool {
        let kinds = self.kinds;
        let column = mask & mask.wrapping_neg();
        if kinds.present(part[0]) & column == 0 {
            return false;
        }
        if !kinds.has_strangers(part) {
            part.iter().filter(|&&kind| !kinds.is_crowd(kind)).for_each(|&kind| self.report(kind, mask));
            return false;
        }
        if mask.count_ones() >= self.most || column == 1 {
            return false;
        }
        if part.len() > SETTLED {
            return true;
        }
        self.settle(part, mask);
        false
    }

    /// Reports what makes each row of a small group unique in columns below the lowest of the mask.
    fn settle(&mut self, part: &[u32], mask: u64) {
        let (kinds, most) = (self.kinds, self.most - mask.count_ones());
        let below = (mask & mask.wrapping_neg()) - 1;
        let mut sets = std::mem::take(&mut self.sets);
        for &kind in part.iter().filter(|&&kind| !kinds.is_crowd(kind)) {
            // A column that completes a set known to be unique leads to nothing minimal.
            let rests = self.known[kind as usize].iter().map(|other| other & !mask);
            let completing = rests.filter(|rest| rest.is_power_of_two()).fold(0, |all, rest| all | rest);
            let usable = below & kinds.present(kind) & !completing;
            let others = part.iter().filter(|&&other| other != kind && kinds.strangers(kind, other));
            sets.clear();
            sets.extend(others.map(|&other| usable & !kinds.agreement(kind, other)));
            minimal_hitting_sets(&sets, most, |more| self.report(kind, mask | more));
        }
        self.sets = sets;
    }

    fn report(&mut self, kind: u32, mask: u64) {
        if !self.known[kind as usize].iter().any(|other| other & !mask == 0) {
            self.found.push((kind, mask));
        }
    }

    fn descend(&mut self, node: &Partition, lowest: usize, mask: u64, depth: usize) {
        if node.is_empty() || mask.count_ones() >= self.most {
            return;
        }
        for column in 0..lowest {
            let mut next = std::mem::take(&mut self.levels[depth]);
            self.refine(node, column, mask, &mut next);
            self.descend(&next, column, mask | 1 << column, depth + 1);
            self.levels[depth] = next;
        }
    }
}
