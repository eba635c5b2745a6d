//! Keys into partitions: what shares a key shares a partition, and a partition with its table fits into the cache.
//!
//! The records are cut into blocks of a fixed size and every block is partitioned by itself, which fits into the second-level
//! cache; a partition is the concatenation of its slices over the blocks, so its records stand in file order whatever
//! thread did which block.
//!
//! A partition knows a part of its keys, so that of a key of 32 bits and as many as choose the partition, only 32 are kept: the
//! partition is the upper part of the key, moved by a hash of the lower, and the two give the key back. Larger keys are
//! kept whole. In neither way do two keys look alike.

use std::ops::Range;

use rayon::prelude::*;

use super::pack::{Packing, TILE};

/// Records of a block.
pub(super) const BLOCK: usize = 1 << 17;
/// Records of a partition, about.
const PARTITION: usize = 1 << 12;
/// More partitions than this would cost the blocks more than they save the tables.
const MOST_BITS: u32 = 12;

/// What is kept of a key within its partition.
pub(super) trait Rest: Copy + Eq + Default + Send + Sync {
    /// The partition of a key among 2^bits, and what tells it from the other keys of the partition.
    fn split(key: u64, bits: u32) -> (usize, Self);

    /// A number whose leading bits are spread evenly; the first `bits` of them tell nothing within a partition.
    fn hash(self) -> u64;
}

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// The leading bits of a hash; none where there is no choice.
pub(super) fn leading(hash: u64, bits: u32) -> usize {
    // A shift by 64 is none, so it is done in two steps.
    (hash >> 1 >> (63 - bits)) as usize
}

impl Rest for u32 {
    fn split(key: u64, bits: u32) -> (usize, Self) {
        let rest = key as u32;
        (leading(rest.hash(), bits) ^ (key >> 32) as usize, rest)
    }

    fn hash(self) -> u64 {
        u64::from(self).wrapping_mul(GOLDEN)
    }
}

impl Rest for u64 {
    fn split(key: u64, bits: u32) -> (usize, Self) {
        (leading(key.hash(), bits), key)
    }

    fn hash(self) -> u64 {
        // Folding first: the product alone moves nothing from the high half of a key into the leading bits evenly.
        (self ^ (self >> 32)).wrapping_mul(GOLDEN)
    }
}

/// Into how many partitions so many records are to be cut, as a power of two.
pub(super) fn bits_for(rows: usize) -> u32 {
    (rows / PARTITION).next_power_of_two().trailing_zeros().min(MOST_BITS)
}

/// Whether 32 bits tell the keys of a partition apart.
pub(super) fn is_narrow(packing: &Packing<'_>) -> bool {
    packing.domain() <= 1 << (32 + bits_for(packing.rows()))
}

/// Keys, partitioned.
pub(super) struct Partitioned<R> {
    bits: u32,
    rows: usize,
    blocks: Vec<Block<R>>,
}

/// The keys of a block by partition.
struct Block<R> {
    rests: Vec<R>,
    /// Where each partition starts; one more than there are partitions.
    starts: Vec<u32>,
}

/// What a thread needs while it partitions a block.
#[derive(Default)]
struct Scratch<R> {
    rests: Vec<R>,
    partitions: Vec<u16>,
}

impl<R: Rest> Partitioned<R> {
    pub(super) fn of(packing: &Packing<'_>) -> Self {
        let (rows, bits) = (packing.rows(), bits_for(packing.rows()));
        let block = |scratch: &mut Scratch<R>, at: usize| {
            Block::of(packing, at * BLOCK..rows.min((at + 1) * BLOCK), bits, scratch)
        };
        let blocks = (0..rows.div_ceil(BLOCK)).into_par_iter().map_init(Scratch::default, block).collect();
        Self { bits, rows, blocks }
    }

    /// Bits that choose the partition.
    pub(super) fn bits(&self) -> u32 {
        self.bits
    }

    /// Number of partitions.
    pub(super) fn count(&self) -> usize {
        1 << self.bits
    }

    /// Number of records.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// The records of a partition, in file order.
    pub(super) fn gather(&self, partition: usize, into: &mut Vec<R>) {
        into.clear();
        self.blocks.iter().for_each(|block| into.extend_from_slice(block.slice(partition)));
    }

    /// Where each block's records start within each partition.
    pub(super) fn begins(&self) -> Vec<Vec<u32>> {
        let mut next = vec![0_u32; self.count()];
        let of_block = |block: &Block<R>| {
            let begins = next.clone();
            for (at, ends) in next.iter_mut().zip(block.starts.windows(2)) {
                *at += ends[1] - ends[0];
            }
            begins
        };
        self.blocks.iter().map(of_block).collect()
    }
}

/// Hands over the partition and the rest of every key of a range, in file order.
pub(super) fn each_key<R: Rest>(
    packing: &Packing<'_>,
    range: Range<usize>,
    bits: u32,
    mut with: impl FnMut(usize, usize, R),
) {
    let mut keys = [0_u64; TILE];
    for from in range.clone().step_by(TILE) {
        let tile = from..range.end.min(from + TILE);
        let keys = &mut keys[..tile.len()];
        packing.keys(&tile, keys);
        for (at, &key) in keys.iter().enumerate() {
            let (partition, rest) = R::split(key, bits);
            with(from - range.start + at, partition, rest);
        }
    }
}

impl<R: Rest> Block<R> {
    fn of(packing: &Packing<'_>, range: Range<usize>, bits: u32, scratch: &mut Scratch<R>) -> Self {
        let rows = range.len();
        scratch.rests.resize(rows, R::default());
        scratch.partitions.resize(rows, 0);
        let (rests, partitions) = (&mut scratch.rests[..rows], &mut scratch.partitions[..rows]);
        let mut starts = vec![0_u32; (1 << bits) + 1];
        each_key(packing, range, bits, |row, partition, rest| {
            rests[row] = rest;
            partitions[row] = partition as u16;
            starts[partition + 1] += 1;
        });
        for partition in 1..starts.len() {
            starts[partition] += starts[partition - 1];
        }
        let mut next = starts.clone();
        let mut sorted = vec![R::default(); rows];
        for (&rest, &partition) in rests.iter().zip(partitions.iter()) {
            let at = &mut next[usize::from(partition)];
            sorted[*at as usize] = rest;
            *at += 1;
        }
        Self { rests: sorted, starts }
    }

    fn slice(&self, partition: usize) -> &[R] {
        &self.rests[self.starts[partition] as usize..self.starts[partition + 1] as usize]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Partition and rest give the key back, so different keys never look alike.
        #[test]
        fn nothing_of_a_key_is_lost(key: u64, bits in 0..=MOST_BITS) {
            let narrow = key & ((1 << (32 + bits)) - 1);
            let (partition, rest) = u32::split(narrow, bits);
            prop_assert!(partition < 1 << bits);
            let high = (partition ^ leading(rest.hash(), bits)) as u64;
            prop_assert_eq!(high << 32 | u64::from(rest), narrow);
            let (partition, rest) = u64::split(key, bits);
            prop_assert!(partition < 1 << bits);
            prop_assert_eq!(rest, key);
        }
    }

    /// Numbers that follow each other, and those that differ in high digits only, are spread over the partitions.
    #[test]
    fn partitions_are_even() {
        for shift in [0, 10, 20, 26] {
            let mut counts = vec![[0_u32; 2]; 1 << 8];
            for number in 0_u64..1 << 14 {
                counts[u32::split(number << shift, 8).0][0] += 1;
                counts[u64::split(number << shift, 8).0][1] += 1;
            }
            assert!(counts.iter().flatten().all(|&count| count < 4 * 64), "{shift}");
        }
    }
}
