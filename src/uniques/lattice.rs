//! The subset lattice of a few columns, one bit for every set of columns and every distinct row.

use rayon::prelude::*;

use super::bits::bits;
use super::found::Found;
use super::kinds::{Kinds, LOW};
use super::low::{LowSets, Room, WITH};
use super::partition::{Partition, Splitter};
use crate::watch::Watch;

/// Most words of 64 bits that are kept: half a gigabyte.
const MOST_WORDS: usize = 1 << 26;
/// The mask of the low columns.
pub(super) const LOWEST: u64 = (1 << LOW) - 1;

/// Kinds whose minimal sets are read together.
const BLOCK: usize = 1 << 10;

/// For every kind of row and every column set whether somebody else shares the row's values on it.
pub(super) struct Lattice<'a> {
    kinds: &'a Kinds,
    most: u32,
    /// For every set of upper columns a word of every kind: bit p is set where the kind shares the low columns of the mask p
    /// with them. Nothing where nobody shares the upper columns.
    planes: Vec<Vec<u64>>,
}

impl<'a> Lattice<'a> {
    /// Fills the bits of all sets of up to `most` columns; nothing when they need too much memory.
    pub(super) fn of(kinds: &'a Kinds, most: usize, watch: &dyn Watch) -> Option<Self> {
        let columns = kinds.columns();
        let words = if columns > 32 { return None } else { 1_usize << columns.saturating_sub(LOW) };
        if words.checked_mul(kinds.len()).is_none_or(|all| all > MOST_WORDS) {
            return None;
        }
        let low = LowSets::of(kinds);
        let tasks: Vec<(usize, Option<usize>)> = (LOW..columns)
            .rev()
            .flat_map(|top| (LOW..top).rev().map(Some).chain([None]).map(move |next| (top, next)))
            .collect();
        let task = |&task: &(usize, Option<usize>)| {
            let mut walk = Walk::new(kinds, &low, most as u32);
            if !watch.stops() {
                walk.task(task);
            }
            walk.found
        };
        let found: Vec<Vec<(usize, Vec<u64>)>> = tasks.par_iter().map(task).collect();
        let mut planes = vec![Vec::new(); words];
        found.into_iter().flatten().for_each(|(word, plane)| planes[word] = plane);
        let mut all = Walk::new(kinds, &low, most as u32);
        planes[0] = all.plane(&Partition::whole(kinds.len() as u32));
        // The empty set is everybody's.
        planes[0].iter_mut().for_each(|word| *word |= 1);
        Some(Self { kinds, most: most as u32, planes })
    }

    /// The minimal sets that nobody shares with each kind, those of a block of kinds one after the other.
    pub(super) fn minimal(&self) -> Vec<Found> {
        let blocks: Vec<usize> = (0..self.kinds.len()).step_by(BLOCK).collect();
        let of_block = |&start: &usize| {
            let (mut found, mut shared) = (Found::default(), vec![0; self.planes.len()]);
            for kind in start..self.kinds.len().min(start + BLOCK) {
                if !self.kinds.is_crowd(kind as u32) {
                    shared.iter_mut().enumerate().for_each(|(word, shared)| *shared = self.word(kind, word));
                    self.minimal_of(kind as u32, &shared, &mut found.masks);
                }
                found.end_of_kind(self.kinds);
            }
            found
        };
        blocks.par_iter().map(of_block).collect()
    }

    /// The minimal sets of a kind from the words of all sets of upper columns.
    fn minimal_of(&self, kind: u32, shared: &[u64], found: &mut Vec<u64>) {
        let columns = self.kinds.columns();
        let valid = if columns < LOW { (1 << (1 << columns)) - 1 } else { u64::MAX };
        let absent = !self.kinds.present(kind);
        for (word, &here) in shared.iter().enumerate() {
            let mut minimal = !here & valid;
            for (j, with) in WITH.iter().enumerate().take(columns) {
                minimal &= here << (1 << j) | !with;
            }
            for bit in bits(word as u64) {
                minimal &= shared[word ^ bit as usize];
            }
            let sets = bits(minimal).map(|bit| (word as u64) << LOW | u64::from(bit.trailing_zeros()));
            found.extend(sets.filter(|set| set & absent == 0 && set.count_ones() <= self.most));
        }
    }

    /// Number of rows that nobody shares a column set with, for every set by its mask; needs all sizes to have been filled.
    pub(super) fn unique_rows(&self) -> Vec<usize> {
        let columns = self.kinds.columns();
        let weights = self.kinds.rows_of_kinds();
        let word = |word: usize| {
            let mut counts = [0_usize; 64];
            for kind in (0..self.kinds.len()).filter(|&kind| !self.kinds.is_crowd(kind as u32)) {
                bits(!self.word(kind, word)).for_each(|bit| counts[bit.trailing_zeros() as usize] += weights[kind]);
            }
            counts
        };
        let counts: Vec<[usize; 64]> = (0..self.planes.len()).into_par_iter().map(word).collect();
        counts.into_iter().flatten().take(1 << columns).collect()
    }

    fn word(&self, kind: usize, word: usize) -> u64 {
        self.planes[word].get(kind).copied().unwrap_or(0)
    }
}

/// The walk through the sets of upper columns of one task.
struct Walk<'a> {
    kinds: &'a Kinds,
    low: &'a LowSets<'a>,
    most: u32,
    splitter: Splitter,
    levels: Vec<Partition>,
    room: Room,
    /// Planes by the word of their upper columns.
    found: Vec<(usize, Vec<u64>)>,
}

impl<'a> Walk<'a> {
    fn new(kinds: &'a Kinds, low: &'a LowSets<'a>, most: u32) -> Self {
        let levels = vec![Partition::default(); kinds.columns() + 1];
        Self { kinds, low, most, splitter: Splitter::default(), levels, room: Room::default(), found: Vec::new() }
    }

    /// All sets with the highest column `top` and the next `second`, or with none of the upper columns besides `top`.
    fn task(&mut self, (top, second): (usize, Option<usize>)) {
        let (mut node, mut deeper) = (Partition::default(), Partition::default());
        self.refine(&Partition::whole(self.kinds.len() as u32), top, &mut node);
        match second {
            Some(second) if self.most > 1 => {
                self.refine(&node, second, &mut deeper);
                self.descend(&deeper, second, 1 << top | 1 << second, 0);
            }
            Some(_) => {}
            None => self.keep(&node, 1 << top),
        }
    }

    /// The plane of a node of upper columns, and the nodes below it.
    fn descend(&mut self, node: &Partition, lowest: usize, mask: u64, depth: usize) {
        if node.is_empty() {
            return;
        }
        self.keep(node, mask);
        if mask.count_ones() >= self.most {
            return;
        }
        for column in LOW..lowest {
            let mut next = std::mem::take(&mut self.levels[depth]);
            self.refine(node, column, &mut next);
            self.descend(&next, column, mask | 1 << column, depth + 1);
            self.levels[depth] = next;
        }
    }

    fn keep(&mut self, node: &Partition, mask: u64) {
        let plane = self.plane(node);
        self.found.push(((mask >> LOW) as usize, plane));
    }

    /// The low columns that the kinds of each group share.
    fn plane(&mut self, node: &Partition) -> Vec<u64> {
        let mut plane = vec![0; self.kinds.len()];
        node.groups().for_each(|group| self.low.mark(group, &mut plane, &mut self.room));
        plane
    }

    /// Splits the groups of a node; those in which somebody can be unique and somebody else is stand in `into`.
    fn refine(&mut self, from: &Partition, column: usize, into: &mut Partition) {
        let kinds = self.kinds;
        self.splitter.split(
            from,
            kinds.codes(column),
            into,
            |_| {},
            |part| kinds.has(part[0], column) && kinds.has_strangers(part),
        );
    }
}
