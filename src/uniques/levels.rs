//! Minimal uniques by size, for tables where the bits of all column sets would take too much memory.

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::bits::bits;
use super::found::Found;
use super::kinds::Kinds;
use super::partition::{Partition, Splitter};
use crate::watch::Watch;

/// Most sets that are kept, over all kinds: half a gigabyte with what is needed to sort them. Wide tables have far more
/// minimal uniques than anybody reads.
const MOST_FOUND: usize = 1 << 25;

/// The kinds that share a column set with a stranger, a bit for each, by the mask of the set.
type Shared = (u64, Vec<u64>);
/// The kinds of which a column set is a minimal unique.
type Uniques = (u64, Vec<u32>);

/// The minimal uniques of every kind of up to `most` columns, and the size up to which they are complete: sizes whose sets
/// would be more than [`MOST_FOUND`] with all smaller ones are left out, and nothing is said when the user stops.
pub(super) fn by_levels(kinds: &Kinds, most: usize, watch: &dyn Watch) -> (Found, usize) {
    up_to(kinds, most, MOST_FOUND, watch)
}

pub(super) fn up_to(kinds: &Kinds, most: usize, most_found: usize, watch: &dyn Watch) -> (Found, usize) {
    let (mut all, mut total): (Vec<Uniques>, usize) = (Vec::new(), 0);
    let (mut shared, mut complete) = (Vec::new(), 0);
    for size in 1..=most {
        let room = if size == 1 { usize::MAX } else { most_found.saturating_sub(total) };
        let Some((found, next)) = level(kinds, size as u32, &shared, room, watch) else { break };
        total += found.iter().map(|(_, kinds)| kinds.len()).sum::<usize>();
        all.extend(found);
        (shared, complete) = (next, size);
    }
    (Found::of_sets(kinds, &all), complete)
}

/// The minimal uniques of one size, given who shares the sets that are one smaller, and who shares the sets of this size.
/// Nothing when they are more than there is room for, or the user stops.
fn level(
    kinds: &Kinds,
    size: u32,
    smaller: &[Shared],
    room: usize,
    watch: &dyn Watch,
) -> Option<(Vec<Uniques>, Vec<Shared>)> {
    let count = AtomicUsize::new(0);
    let task = |&(top, second): &(usize, Option<usize>)| {
        let mut walk = Walk::new(kinds, size, smaller);
        if count.load(Ordering::Relaxed) <= room && !watch.stops() {
            walk.task(top, second);
        }
        count.fetch_add(walk.found.iter().map(|(_, kinds)| kinds.len()).sum(), Ordering::Relaxed);
        (walk.found, walk.shared)
    };
    let columns = 0..kinds.columns();
    let tasks: Vec<(usize, Option<usize>)> = if size == 1 {
        columns.map(|top| (top, None)).collect()
    } else {
        columns.flat_map(|top| (0..top).map(move |second| (top, Some(second)))).collect()
    };
    let parts: Vec<(Vec<Uniques>, Vec<Shared>)> = tasks.par_iter().map(task).collect();
    if count.into_inner() > room || watch.stops() {
        return None;
    }
    let (found, shared): (Vec<Vec<Uniques>>, Vec<Vec<Shared>>) = parts.into_iter().unzip();
    let mut shared = shared.concat();
    shared.sort_unstable_by_key(|(mask, _)| *mask);
    Some((found.concat(), shared))
}

/// The walk through the sets below a few columns: stripped partitions, refined depth first (as in TANE).
struct Walk<'a> {
    kinds: &'a Kinds,
    size: u32,
    smaller: &'a [Shared],
    splitter: Splitter,
    /// A partition for each depth.
    levels: Vec<Partition>,
    /// Kinds that a split leaves alone, and those that stand among their own person's only.
    left: (Vec<u32>, Vec<u32>),
    found: Vec<Uniques>,
    shared: Vec<Shared>,
}

impl<'a> Walk<'a> {
    fn new(kinds: &'a Kinds, size: u32, smaller: &'a [Shared]) -> Self {
        let levels = vec![Partition::default(); size as usize];
        let (splitter, left) = (Splitter::default(), (Vec::new(), Vec::new()));
        Self { kinds, size, smaller, splitter, levels, left, found: Vec::new(), shared: Vec::new() }
    }

    /// The sets with the highest column `top` and the next `second`.
    fn task(&mut self, top: usize, second: Option<usize>) {
        let (mut node, mut deeper) = (Partition::default(), Partition::default());
        self.refine(&Partition::whole(self.kinds.len() as u32), top, 0, &mut node);
        if let Some(second) = second {
            self.refine(&node, second, 1 << top, &mut deeper);
            self.descend(&deeper, second, 1 << top | 1 << second);
        }
    }

    /// A node's set is extended by columns below its lowest. Where nobody shares a set, no larger one is minimal.
    fn descend(&mut self, node: &Partition, lowest: usize, mask: u64) {
        let depth = mask.count_ones();
        if node.is_empty() || depth >= self.size {
            return;
        }
        for column in 0..lowest {
            let mut next = std::mem::take(&mut self.levels[depth as usize]);
            self.refine(node, column, mask, &mut next);
            self.descend(&next, column, mask | 1 << column);
            self.levels[depth as usize] = next;
        }
    }

    /// Splits a node's groups by a column. At the size looked for, what leaves is unique, and what stays is shared.
    fn refine(&mut self, from: &Partition, column: usize, above: u64, into: &mut Partition) {
        let (kinds, mask) = (self.kinds, above | 1 << column);
        let (alone, among_own) = &mut self.left;
        alone.clear();
        among_own.clear();
        let alone_or_not = |kind| alone.push(kind);
        self.splitter.split(from, kinds.codes(column), into, alone_or_not, |part| {
            let stays = kinds.has(part[0], column) && kinds.has_strangers(part);
            if !stays {
                among_own.extend_from_slice(part);
            }
            stays
        });
        if mask.count_ones() < self.size {
            return;
        }
        self.report(column, above, mask);
        if !into.is_empty() {
            let mut shared = vec![0_u64; kinds.len().div_ceil(64)];
            into.rows().iter().for_each(|&kind| shared[kind as usize / 64] |= 1 << (kind % 64));
            self.shared.push((mask, shared));
        }
    }

    /// Of the kinds that have left, those that share every set which is one smaller; they share `above`, or had left before.
    fn report(&mut self, column: usize, above: u64, mask: u64) {
        let who_shares = |set: u64| self.smaller.binary_search_by_key(&set, |(mask, _)| *mask).ok();
        let others = bits(above).map(|bit| who_shares(mask & !bit).map(|at| self.smaller[at].1.as_slice()));
        let Some(others) =
            others.map(|shared| if self.size == 1 { Some(&[][..]) } else { shared }).collect::<Option<Vec<_>>>()
        else {
            return;
        };
        let minimal = |&kind: &u32| {
            self.kinds.has(kind, column)
                && !self.kinds.is_crowd(kind)
                && others.iter().all(|shared| shared[kind as usize / 64] >> (kind % 64) & 1 == 1)
        };
        let found: Vec<u32> = self.left.0.iter().chain(&self.left.1).copied().filter(|kind| minimal(kind)).collect();
        if !found.is_empty() {
            self.found.push((mask, found));
        }
    }
}
