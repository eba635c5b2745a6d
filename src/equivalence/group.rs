//! Keys into groups: a radix partition by a multiplicative hash, then one open-addressing table per partition that stays in
//! the cache.
//!
//! The records are cut into blocks of a fixed size and every block is partitioned by itself; a partition is the
//! concatenation of its slices over the blocks, so its records stand in file order whatever thread did which block.

use rayon::prelude::*;

/// Records of a block.
const BLOCK: usize = 1 << 18;
/// Keys of a partition, about: they and their table fit into a second-level cache.
const PARTITION: usize = 1 << 14;
/// More partitions than this would cost the scatter more than they save the tables.
const MOST_PARTITIONS: usize = 1 << 11;

/// Keys, partitioned.
struct Partitioned {
    /// Number of leading bits of the hash that choose the partition.
    bits: u32,
    blocks: Vec<Block>,
}

/// The keys of a block by partition.
struct Block {
    keys: Vec<u64>,
    /// Where each partition starts; one more than there are partitions.
    starts: Vec<u32>,
}

fn hash(key: u64) -> u64 {
    // Folding first: the product alone moves nothing from the high half of a key into the partition's bits evenly.
    (key ^ (key >> 32)).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// The leading bits of a hash; none for a single partition.
fn leading(hash: u64, bits: u32) -> usize {
    if bits == 0 { 0 } else { (hash >> (64 - bits)) as usize }
}

impl Partitioned {
    fn of(keys: &[u64]) -> Self {
        let partitions = (keys.len() / PARTITION).next_power_of_two().min(MOST_PARTITIONS);
        let bits = partitions.trailing_zeros();
        let blocks = keys.par_chunks(BLOCK).map(|keys| Block::of(keys, bits)).collect();
        Self { bits, blocks }
    }

    fn partitions(&self) -> usize {
        1 << self.bits
    }

    /// The slices of a partition, one per block.
    fn slices(&self, partition: usize) -> impl Iterator<Item = &[u64]> {
        self.blocks.iter().map(move |block| block.slice(partition))
    }

    fn len(&self, partition: usize) -> usize {
        self.slices(partition).map(<[u64]>::len).sum()
    }
}

impl Block {
    fn of(keys: &[u64], bits: u32) -> Self {
        let mut starts = vec![0_u32; (1 << bits) + 1];
        for &key in keys {
            starts[leading(hash(key), bits) + 1] += 1;
        }
        for partition in 1..starts.len() {
            starts[partition] += starts[partition - 1];
        }
        let mut next = starts.clone();
        let mut sorted = vec![0; keys.len()];
        for &key in keys {
            let at = &mut next[leading(hash(key), bits)];
            sorted[*at as usize] = key;
            *at += 1;
        }
        Self { keys: sorted, starts }
    }

    fn slice(&self, partition: usize) -> &[u64] {
        &self.keys[self.starts[partition] as usize..self.starts[partition + 1] as usize]
    }
}

/// A table from keys to small numbers, which grows with the distinct keys and not with the records.
#[derive(Default)]
struct Slots {
    keys: Vec<u64>,
    /// The number of the slot's group plus one; 0 where the slot is free.
    groups: Vec<u32>,
    /// Keys in the table.
    used: u32,
    /// Bits of the hash that chose the partition and tell nothing within it.
    skipped: u32,
}

impl Slots {
    /// Empties the table and makes room for so many keys.
    fn reset(&mut self, expected: usize, skipped: u32) {
        let size = (2 * expected).next_power_of_two().max(16);
        self.keys.resize(size, 0);
        self.groups.clear();
        self.groups.resize(size, 0);
        self.used = 0;
        self.skipped = skipped;
    }

    /// The group of a key; a new one, numbered in order of appearance, where the key is new.
    fn group(&mut self, key: u64) -> u32 {
        if 2 * self.used as usize >= self.groups.len() {
            self.grow();
        }
        let at = self.find(key);
        if self.groups[at] == 0 {
            self.used += 1;
            self.keys[at] = key;
            self.groups[at] = self.used;
        }
        self.groups[at] - 1
    }

    fn find(&self, key: u64) -> usize {
        let mask = self.groups.len() - 1;
        let bits = self.groups.len().trailing_zeros();
        let mut at = leading(hash(key) << self.skipped, bits);
        while self.groups[at] != 0 && self.keys[at] != key {
            at = (at + 1) & mask;
        }
        at
    }

    fn grow(&mut self) {
        let (keys, groups) = (std::mem::take(&mut self.keys), std::mem::take(&mut self.groups));
        self.keys = vec![0; 2 * keys.len()];
        self.groups = vec![0; 2 * groups.len()];
        for (key, group) in keys.into_iter().zip(groups).filter(|(_, group)| *group != 0) {
            let at = self.find(key);
            self.keys[at] = key;
            self.groups[at] = group;
        }
    }
}

/// The sizes of all groups of equal keys, without saying which is which; in no meaningful order, but always the same.
pub(super) fn sizes(keys: Vec<u64>) -> Vec<u32> {
    let parts = Partitioned::of(&keys);
    drop(keys);
    let count = |slots: &mut Slots, partition: usize| {
        slots.reset(parts.len(partition).min(2 * PARTITION), parts.bits);
        let mut sizes: Vec<u32> = Vec::new();
        for &key in parts.slices(partition).flatten() {
            let group = slots.group(key) as usize;
            if group == sizes.len() {
                sizes.push(0);
            }
            sizes[group] += 1;
        }
        sizes
    };
    let of_partitions: Vec<Vec<u32>> =
        (0..parts.partitions()).into_par_iter().map_init(Slots::default, count).collect();
    of_partitions.concat()
}

/// The group of every record, groups numbered in order of first appearance, and the first record of every group.
pub(super) fn groups(keys: &[u64]) -> (Vec<u32>, Vec<u32>) {
    let parts = Partitioned::of(keys);
    let number = |slots: &mut Slots, partition: usize| {
        let len = parts.len(partition);
        slots.reset(len.min(2 * PARTITION), parts.bits);
        let mut ids: Vec<u32> = Vec::with_capacity(len);
        ids.extend(parts.slices(partition).flatten().map(|&key| slots.group(key)));
        (ids, slots.used)
    };
    let of_partitions: Vec<(Vec<u32>, u32)> =
        (0..parts.partitions()).into_par_iter().map_init(Slots::default, number).collect();
    let mut groups = vec![0_u32; keys.len()];
    let offsets: Vec<u32> = running(of_partitions.iter().map(|(_, used)| *used));
    let begins = begins(&parts);
    groups.par_chunks_mut(BLOCK).zip(keys.par_chunks(BLOCK)).enumerate().for_each(|(block, (groups, keys))| {
        let mut next = begins[block].clone();
        for (group, &key) in groups.iter_mut().zip(keys) {
            let partition = leading(hash(key), parts.bits);
            *group = offsets[partition] + of_partitions[partition].0[next[partition] as usize];
            next[partition] += 1;
        }
    });
    let count = of_partitions.iter().map(|(_, used)| *used as usize).sum();
    drop((parts, of_partitions));
    let first = renumber(&mut groups, count);
    (groups, first)
}

/// Where each block's records start within each partition.
fn begins(parts: &Partitioned) -> Vec<Vec<u32>> {
    let mut next = vec![0_u32; parts.partitions()];
    let of_block = |block: &Block| {
        let begins = next.clone();
        for (partition, at) in next.iter_mut().enumerate() {
            *at += block.slice(partition).len() as u32;
        }
        begins
    };
    parts.blocks.iter().map(of_block).collect()
}

/// Sums of everything before.
fn running(counts: impl Iterator<Item = u32>) -> Vec<u32> {
    counts
        .scan(0, |sum, count| {
            let before = *sum;
            *sum += count;
            Some(before)
        })
        .collect()
}

/// Numbers groups in order of first appearance; returns the first record of each.
fn renumber(groups: &mut [u32], count: usize) -> Vec<u32> {
    let mut new = vec![u32::MAX; count];
    let mut first = Vec::with_capacity(count);
    for (row, group) in groups.iter_mut().enumerate() {
        let named = &mut new[*group as usize];
        if *named == u32::MAX {
            *named = first.len() as u32;
            first.push(row as u32);
        }
        *group = *named;
    }
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Equal groups, first records and sizes as sorting gives them, over several partitions and blocks, with keys that
    /// differ in their low, high or middle bits only, and one group that holds half of all records.
    #[test]
    fn groups_equal_those_of_sorting() {
        let rows = 3 * BLOCK / 2 + 17;
        for shift in [0, 20, 44] {
            let keys: Vec<u64> = (0..rows as u64)
                .map(|row| if row % 2 == 0 { 7 } else { (row.wrapping_mul(row) % 60_000) << shift })
                .collect();
            let (ids, first) = groups(&keys);
            assert!(first.iter().enumerate().all(|(group, &row)| ids[row as usize] as usize == group));
            assert!(first.is_sorted(), "groups are numbered in order of appearance");
            assert!(keys.iter().zip(&ids).all(|(&key, &id)| keys[first[id as usize] as usize] == key));
            let mut distinct = keys.clone();
            distinct.sort_unstable();
            distinct.dedup();
            assert_eq!(distinct.len(), first.len());
            let mut counted = vec![0_u32; first.len()];
            ids.iter().for_each(|&id| counted[id as usize] += 1);
            let mut sizes = sizes(keys);
            sizes.sort_unstable();
            counted.sort_unstable();
            assert_eq!(sizes, counted);
        }
    }

    #[test]
    fn no_record_and_one() {
        assert_eq!(groups(&[]), (vec![], vec![]));
        assert_eq!(groups(&[u64::MAX]), (vec![0], vec![0]));
        assert_eq!(sizes(vec![0, 0]), [2]);
    }
}
