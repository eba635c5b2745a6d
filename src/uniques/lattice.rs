//! The subset lattice of a few columns, one bit for every set of columns and every distinct row.

use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use super::hitting::bits;
use super::kinds::Kinds;
use super::partition::{Partition, Splitter};
use crate::watch::Watch;

/// Most words of 64 bits that are kept: half a gigabyte.
const MOST_WORDS: usize = 1 << 26;
/// Columns whose sets fill one word.
const LOW: usize = 6;
/// Their mask.
const LOWEST: u64 = (1 << LOW) - 1;
/// Groups of up to this many rows are settled pair by pair instead of split further.
const SETTLED: usize = 8;
/// Groups of up to this many rows that differ in the low columns are compared pair by pair there: 64 splits cost more.
const PAIRED: usize = 384;
/// Bit p of entry m is set when p is a subset of m, both masks of the six lowest columns.
const SUBSETS: [u64; 64] = subsets();
/// Bit p of entry j is set when p has bit j.
const WITH: [u64; LOW] = [
    0xAAAA_AAAA_AAAA_AAAA,
    0xCCCC_CCCC_CCCC_CCCC,
    0xF0F0_F0F0_F0F0_F0F0,
    0xFF00_FF00_FF00_FF00,
    0xFFFF_0000_FFFF_0000,
    0xFFFF_FFFF_0000_0000,
];

const fn subsets() -> [u64; 64] {
    let mut all = [0; 64];
    let mut mask = 0;
    while mask < 64 {
        let mut set = 0;
        while set < 64 {
            if set & !mask == 0 {
                all[mask] |= 1 << set;
            }
            set += 1;
        }
        mask += 1;
    }
    all
}

/// For every kind of row and every column set whether somebody else shares the row's values on it.
pub(super) struct Lattice<'a> {
    kinds: &'a Kinds,
    most: u32,
    words: usize,
    shared: Vec<AtomicU64>,
}

impl<'a> Lattice<'a> {
    /// Fills the bits of all sets of up to `most` columns; nothing when they need too much memory. The sets of a task lie in
    /// words of their own, so the order of tasks does not matter.
    pub(super) fn of(kinds: &'a Kinds, most: usize, watch: &dyn Watch) -> Option<Self> {
        let columns = kinds.columns();
        let words = if columns > 32 { return None } else { 1_usize << columns.saturating_sub(LOW) };
        if words.checked_mul(kinds.len()).is_none_or(|all| all > MOST_WORDS) {
            return None;
        }
        let shared = (0..words * kinds.len()).map(|_| AtomicU64::new(0)).collect();
        let lattice = Self { kinds, most: most as u32, words, shared };
        // The empty set is everybody's.
        (0..kinds.len() as u32).for_each(|kind| lattice.mark(kind, 0, 1));
        let tasks: Vec<(usize, Option<usize>)> = (LOW..columns)
            .rev()
            .flat_map(|top| (LOW..top).rev().map(Some).chain([None]).map(move |next| (top, next)))
            .collect();
        tasks.into_par_iter().filter(|_| !watch.stops()).for_each(|task| lattice.task(task));
        let whole = Partition::whole(kinds.len() as u32);
        lattice.split_low(&whole, columns.min(LOW), 0, 0, &mut Walk::new(columns));
        Some(lattice)
    }

    /// All sets with the highest column `top` and the next `second`, or with none of the upper columns besides `top`.
    fn task(&self, (top, second): (usize, Option<usize>)) {
        let mut walk = Walk::new(self.kinds.columns());
        let (mut node, mut deeper) = (Partition::default(), Partition::default());
        self.refine(
            &Partition::whole(self.kinds.len() as u32),
            top,
            0,
            &mut node,
            &mut walk,
            if second.is_none() { LOWEST } else { 0 },
        );
        match second {
            Some(second) if self.most > 1 => {
                self.refine(&node, second, 1 << top, &mut deeper, &mut walk, u64::MAX);
                self.descend(&deeper, second, 1 << top | 1 << second, 0, &mut walk);
            }
            Some(_) => {}
            None => self.low(&node, 1 << top, &mut walk),
        }
    }

    /// The low columns of a node of upper columns, and the nodes below it.
    fn descend(&self, node: &Partition, lowest: usize, mask: u64, depth: usize, walk: &mut Walk) {
        if node.is_empty() {
            return;
        }
        self.low(node, mask, walk);
        if mask.count_ones() >= self.most {
            return;
        }
        for column in LOW..lowest {
            let mut next = std::mem::take(&mut walk.levels[depth]);
            self.refine(node, column, mask, &mut next, walk, u64::MAX);
            self.descend(&next, column, mask | 1 << column, depth + 1, walk);
            walk.levels[depth] = next;
        }
    }

    /// All sets of low columns with a set of upper columns, whose groups are given.
    fn low(&self, node: &Partition, mask: u64, walk: &mut Walk) {
        let mut items = std::mem::take(&mut walk.items);
        for group in node.groups() {
            self.gather(group, &mut items);
            if items.len() <= PAIRED {
                self.pair(group, &mut items, (mask >> LOW) as usize);
            } else {
                group.iter().for_each(|&kind| self.mark(kind, (mask >> LOW) as usize, 1));
                let group = Partition::of(group);
                self.split_low(&group, LOW, mask, 0, walk);
            }
        }
        walk.items = items;
    }

    /// The kinds of a group by their low columns, those that agree in all of them together.
    fn gather(&self, group: &[u32], items: &mut Vec<Item>) {
        items.clear();
        let item =
            |&kind: &u32| Item { codes: self.kinds.low(kind), kind, shared: 0, person: self.kinds.only_person(kind) };
        items.extend(group.iter().map(item));
        items.sort_unstable_by(|a, b| a.codes.cmp(&b.codes).then(a.kind.cmp(&b.kind)));
        items.dedup_by(|next, kept| {
            let same = next.codes == kept.codes;
            if same && (kept.person.is_none() || kept.person != next.person) {
                kept.person = None;
                kept.shared = SUBSETS[(self.kinds.present(kept.kind) & LOWEST) as usize];
            }
            same
        });
    }

    /// Marks for every kind of a group the sets of low columns in which it agrees with a stranger.
    fn pair(&self, group: &[u32], items: &mut [Item], word: usize) {
        for at in 0..items.len() {
            let (before, rest) = items.split_at_mut(at + 1);
            let a = &mut before[at];
            let present = self.kinds.present(a.kind);
            for b in rest.iter_mut().filter(|b| a.person.is_none() || a.person != b.person) {
                let same = agreement(&a.codes, &b.codes) & present;
                let pattern = SUBSETS[same as usize];
                a.shared |= pattern;
                b.shared |= pattern;
            }
        }
        for &kind in group {
            let codes = self.kinds.low(kind);
            let at = items.partition_point(|item| item.codes < codes);
            self.mark(kind, word, items[at].shared);
        }
    }

    /// All sets of low columns by splitting, for large groups.
    fn split_low(&self, node: &Partition, lowest: usize, mask: u64, depth: usize, walk: &mut Walk) {
        if node.is_empty() || mask.count_ones() >= self.most {
            return;
        }
        for column in 0..lowest {
            let mut next = std::mem::take(&mut walk.low_levels[depth]);
            self.refine(node, column, mask, &mut next, walk, u64::MAX);
            next.rows()
                .iter()
                .for_each(|&kind| self.mark(kind, (mask >> LOW) as usize, 1 << (mask & LOWEST | 1 << column)));
            self.split_low(&next, column, mask | 1 << column, depth + 1, walk);
            walk.low_levels[depth] = next;
        }
    }

    /// Splits the groups of a node; small ones are settled in the columns that are this task's to
    /// mark, if there are any; the others stand in `into`.
    fn refine(&self, from: &Partition, column: usize, above: u64, into: &mut Partition, walk: &mut Walk, settled: u64) {
        let mask = above | 1 << column;
        let kinds = self.kinds;
        walk.splitter.split(from, kinds.codes(column), into, |part| {
            if part.len() == 1 || !kinds.has(part[0], column) || kinds.all_crowds(part) || kinds.one_person(part) {
                return false;
            }
            if settled != 0 && part.len() <= SETTLED {
                self.settle(part, mask, settled);
                return false;
            }
            true
        });
    }

    /// Marks what pairs of a small group share in some columns below the lowest of the mask.
    fn settle(&self, part: &[u32], mask: u64, columns: u64) {
        let below = ((mask & mask.wrapping_neg()) - 1) & columns;
        let (word, place) = ((mask >> LOW) as usize, mask & LOWEST);
        for (at, &a) in part.iter().enumerate() {
            for &b in part[at + 1..].iter().filter(|&&b| self.kinds.strangers(a, b)) {
                let same = below & self.kinds.agreement(a, b);
                let pattern = SUBSETS[(same & LOWEST) as usize] << place;
                let upper = (same >> LOW) as usize;
                // Every subset of the upper columns, down to none.
                let mut subset = upper;
                loop {
                    self.mark(a, word | subset, pattern);
                    self.mark(b, word | subset, pattern);
                    if subset == 0 {
                        break;
                    }
                    subset = (subset - 1) & upper;
                }
            }
        }
    }

    /// Only one task writes a word, so no increment is lost between reading and writing.
    fn mark(&self, kind: u32, word: usize, pattern: u64) {
        let at = &self.shared[kind as usize * self.words + word];
        let before = at.load(Ordering::Relaxed);
        if before | pattern != before {
            at.store(before | pattern, Ordering::Relaxed);
        }
    }

    /// The minimal sets that nobody shares with each kind, in ascending order of their masks.
    pub(super) fn minimal(&self) -> Vec<Vec<u64>> {
        let columns = self.kinds.columns();
        let valid = if columns < LOW { (1 << (1 << columns)) - 1 } else { u64::MAX };
        let of_kind = |kind: usize| {
            let mut found = Vec::new();
            if self.kinds.is_crowd(kind as u32) {
                return found;
            }
            let absent = !self.kinds.present(kind as u32);
            let shared: Vec<u64> = self.row(kind).collect();
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
            found
        };
        (0..self.kinds.len()).into_par_iter().map(of_kind).collect()
    }

    /// Number of rows that nobody shares a column set with, for every set by its mask; needs all sizes to have been filled.
    pub(super) fn unique_rows(&self) -> Vec<usize> {
        let columns = self.kinds.columns();
        let weights = self.kinds.rows_of_kinds();
        let word = |word: usize| {
            let mut counts = [0_usize; 64];
            for kind in (0..self.kinds.len()).filter(|&kind| !self.kinds.is_crowd(kind as u32)) {
                let shared = self.shared[kind * self.words + word].load(Ordering::Relaxed);
                bits(!shared).for_each(|bit| counts[bit.trailing_zeros() as usize] += weights[kind]);
            }
            counts
        };
        let counts: Vec<[usize; 64]> = (0..self.words).into_par_iter().map(word).collect();
        counts.into_iter().flatten().take(1 << columns).collect()
    }

    fn row(&self, kind: usize) -> impl Iterator<Item = u64> + '_ {
        self.shared[kind * self.words..(kind + 1) * self.words].iter().map(|word| word.load(Ordering::Relaxed))
    }
}

/// A kind among those of a group that differ from each other in the low columns.
#[derive(Debug, Clone)]
struct Item {
    codes: [u32; LOW],
    kind: u32,
    /// The sets of low columns that it is known to share with a stranger.
    shared: u64,
    /// Whose it is, unless it is several people's.
    person: Option<u32>,
}

/// Bit j where two rows agree in the low column j.
fn agreement(a: &[u32; LOW], b: &[u32; LOW]) -> u64 {
    a.iter().zip(b).enumerate().fold(0, |mask, (bit, (a, b))| mask | u64::from(a == b) << bit)
}

/// Room for the walk of one task.
struct Walk {
    splitter: Splitter,
    levels: Vec<Partition>,
    low_levels: Vec<Partition>,
    items: Vec<Item>,
}

impl Walk {
    fn new(columns: usize) -> Self {
        let levels = vec![Partition::default(); columns + 1];
        Self { splitter: Splitter::default(), levels, low_levels: vec![Partition::default(); LOW], items: Vec::new() }
    }
}
