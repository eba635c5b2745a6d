//! Partitions into groups: one open-addressing table per partition that stays in the cache.

use rayon::prelude::*;

use super::histogram::Tally;
use super::pack::Packing;
use super::partition::{BLOCK, Partitioned, Rest, each_key, is_narrow, leading};

/// Room that a table starts with, at most; it grows with the distinct keys and not with the records.
const MOST_EXPECTED: usize = 1 << 15;

/// Partitions that share a table and a tally.
const CHUNK: usize = 64;

/// A table from the keys of a partition to a number that is not 0.
#[derive(Default)]
struct Slots<R> {
    /// Key and number; 0 where the slot is free.
    table: Vec<(R, u32)>,
    /// Keys in the table.
    used: usize,
    /// Bits of the hash that tell nothing.
    skipped: u32,
}

impl<R: Rest> Slots<R> {
    /// Empties the table and makes room for the keys of so many records.
    fn reset(&mut self, records: usize, skipped: u32) {
        let size = (2 * records.min(MOST_EXPECTED)).next_power_of_two().max(16);
        self.table.clear();
        self.table.resize(size, (R::default(), 0));
        (self.used, self.skipped) = (0, skipped);
    }

    /// The number of a key, 0 where it is new; then it must be set. A load of one half at most keeps searches short.
    #[inline]
    fn number(&mut self, rest: R) -> &mut u32 {
        if 2 * self.used >= self.table.len() {
            self.grow();
        }
        let at = find(&self.table, rest, self.skipped);
        let slot = &mut self.table[at];
        self.used += usize::from(slot.1 == 0);
        slot.0 = rest;
        &mut slot.1
    }

    #[cold]
    fn grow(&mut self) {
        let mut larger = vec![(R::default(), 0); 2 * self.table.len()];
        for slot in self.table.drain(..).filter(|slot| slot.1 != 0) {
            let at = find(&larger, slot.0, self.skipped);
            larger[at] = slot;
        }
        self.table = larger;
    }
}

/// Where a key stands, or would.
#[inline]
fn find<R: Rest>(slots: &[(R, u32)], rest: R, skipped: u32) -> usize {
    let mask = slots.len() - 1;
    let mut at = leading(rest.hash() << skipped, slots.len().trailing_zeros()) & mask;
    loop {
        let (key, number) = slots[at];
        let (free, same) = (number == 0, key == rest);
        // Both questions at once: which of them is answered with yes cannot be foreseen, that one is mostly can.
        if free | same {
            return at;
        }
        at = (at + 1) & mask;
    }
}

/// Partitions of keys that fit into 32 bits with the partition's number, and of those that do not.
pub(super) enum Keys {
    Narrow(Partitioned<u32>),
    Wide(Partitioned<u64>),
}

impl Keys {
    /// The keys of all records; columns are no longer needed.
    pub(super) fn of(packing: &Packing<'_>) -> Self {
        if is_narrow(packing) { Self::Narrow(Partitioned::of(packing)) } else { Self::Wide(Partitioned::of(packing)) }
    }

    /// How many groups of equal keys have which size.
    pub(super) fn tally(&self) -> Tally {
        match self {
            Self::Narrow(parts) => tally(parts),
            Self::Wide(parts) => tally(parts),
        }
    }
}

fn tally<R: Rest>(parts: &Partitioned<R>) -> Tally {
    let count = |(slots, rests): &mut (Slots<R>, Vec<R>), mut tally: Tally, partition: usize| {
        parts.gather(partition, rests);
        slots.reset(rests.len(), parts.bits());
        for &rest in rests.iter() {
            *slots.number(rest) += 1;
        }
        // Most groups are single records in most data: they are what is left once the others are counted.
        let mut several = 0;
        for &(_, size) in slots.table.iter().filter(|slot| slot.1 > 1) {
            several += 1;
            tally.add(size, 1);
        }
        tally.add(1, slots.used as u64 - several);
        tally
    };
    // Sums do not depend on who added first.
    let of_chunk = |chunk: usize| {
        let mut scratch = (Slots::default(), Vec::new());
        let range = chunk * CHUNK..parts.count().min((chunk + 1) * CHUNK);
        range.fold(Tally::default(), |tally, partition| count(&mut scratch, tally, partition))
    };
    (0..parts.count().div_ceil(CHUNK)).into_par_iter().map(of_chunk).reduce(Tally::default, Tally::merged)
}

/// The group of every record, groups numbered in order of first appearance, and the first record of every group.
pub(super) fn groups(packing: &Packing<'_>) -> (Vec<u32>, Vec<u32>) {
    if is_narrow(packing) { groups_of::<u32>(packing) } else { groups_of::<u64>(packing) }
}

fn groups_of<R: Rest>(packing: &Packing<'_>) -> (Vec<u32>, Vec<u32>) {
    let parts = Partitioned::<R>::of(packing);
    let number = |(slots, rests): &mut (Slots<R>, Vec<R>), partition: usize| {
        parts.gather(partition, rests);
        slots.reset(rests.len(), parts.bits());
        let mut next = 0;
        let of_record = |&rest: &R| {
            let number = slots.number(rest);
            if *number == 0 {
                next += 1;
                *number = next;
            }
            *number - 1
        };
        let ids: Vec<u32> = rests.iter().map(of_record).collect();
        (ids, next)
    };
    let of_partitions: Vec<(Vec<u32>, u32)> =
        (0..parts.count()).into_par_iter().map_init(Default::default, number).collect();
    let mut groups = vec![0_u32; parts.rows()];
    let offsets: Vec<u32> = running(of_partitions.iter().map(|(_, used)| *used));
    let (begins, bits) = (parts.begins(), parts.bits());
    drop(parts);
    groups.par_chunks_mut(BLOCK).zip(begins).enumerate().for_each(|(block, (groups, mut next))| {
        each_key(packing, block * BLOCK..block * BLOCK + groups.len(), bits, |row, partition, _: R| {
            groups[row] = offsets[partition] + of_partitions[partition].0[next[partition] as usize];
            next[partition] += 1;
        });
    });
    let count = of_partitions.iter().map(|(_, used)| *used as usize).sum();
    drop(of_partitions);
    let first = renumber(&mut groups, count);
    (groups, first)
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
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::super::{Classes, Column, Histogram};
    use super::*;

    /// Classes and their histogram as a map of whole records gives them.
    fn agree(columns: &[Column], what: &str) {
        let rows = columns[0].len();
        let mut known: BTreeMap<Vec<u32>, u32> = BTreeMap::new();
        let (mut expected, mut first, mut records) = (Vec::new(), Vec::new(), Vec::new());
        for row in 0..rows {
            let next = known.len() as u32;
            let class = *known.entry(columns.iter().map(|column| column.code(row)).collect()).or_insert(next);
            if class == next {
                first.push(row as u32);
                records.push(0);
            }
            records[class as usize] += 1;
            expected.push(class);
        }
        let classes = Classes::of(&columns.iter().collect::<Vec<_>>(), None);
        assert_eq!(classes.of_record(), expected, "{what}");
        assert_eq!(classes.first(), first, "{what}");
        assert_eq!(classes.records(), records, "{what}");
        let mut sizes: BTreeMap<u32, u64> = BTreeMap::new();
        records.into_iter().for_each(|size| *sizes.entry(size).or_default() += 1);
        let found = Histogram::of_columns(columns.to_vec());
        assert_eq!(found.counts(), sizes.into_iter().collect::<Vec<_>>(), "{what}");
    }

    /// Levels of columns whose keys are few, just fit into 32 bits, 32 bits and the partition's, or 64, and just do not;
    /// and columns that are packed in 16 bits in every way.
    const SHAPES: [&[u32]; 12] = [
        &[90, 2, 8, 16, 50, 5, 40, 1000],
        &[1 << 16, 1 << 16],
        &[1, 1 << 16, 1, 1 << 16, 2],
        &[1 << 17, 1 << 17],
        &[(1 << 17) + 1, 1 << 17],
        &[256, 256, 256, 256, 256, 256, 256, 256],
        &[1 << 20, 1 << 20, 1 << 24],
        &[1 << 20, 1 << 20, (1 << 24) + 1],
        &[u32::MAX, u32::MAX],
        &[u32::MAX, u32::MAX, u32::MAX, 3],
        &[1, 1, 1],
        &[7, 1, 300, 1, 100_000],
    ];

    /// The code, before it is cut to the levels, of a row in a column.
    type Drawn = fn(u64, u64) -> u64;

    /// Two bits of partitions, so that keys below 2^34 are kept in 32 bits.
    #[test]
    fn every_key_space_is_exact() {
        let rows = 16_500_u64;
        assert_eq!(super::super::partition::bits_for(rows as usize), 2);
        // All alone as far as levels allow, one class, half of all records in one class, the largest codes, few classes.
        let data: [(&str, Drawn); 6] = [
            ("alone", |row, at| row.wrapping_mul(0x9E37_79B9_7F4A_7C15 ^ at << 17) >> 20),
            ("counted", |row, at| row >> (5 * at)),
            ("one", |_, at| 3 + at),
            ("skewed", |row, at| if row % 2 == 0 { 1 } else { row * row * (at + 1) }),
            ("largest", |row, _| u64::MAX - row % 3),
            ("few", |row, at| row * row % 11 + at),
        ];
        for levels in SHAPES {
            for (name, code) in data {
                let column = |(at, &levels): (usize, &u32)| {
                    // From the top for codes near the largest 64-bit number, so that the largest code occurs.
                    let of_row = |row| match code(row, at as u64) {
                        large if large > u64::MAX - 8 => levels - 1 - (u64::MAX - large) as u32 % levels,
                        small => (small % u64::from(levels)) as u32,
                    };
                    Column::new((0..rows).map(of_row), levels, None)
                };
                let columns: Vec<Column> = levels.iter().enumerate().map(column).collect();
                agree(&columns, &format!("{name} of {levels:?}"));
            }
        }
    }

    /// Several blocks, and partitions whose table has to grow.
    #[test]
    fn several_blocks_and_growing_tables_are_exact() {
        let rows = 3 * BLOCK as u64 / 2 + 17;
        let skewed = |row: u64| if row.is_multiple_of(2) { 7 } else { (row * row % 90_000) as u32 };
        let high = Column::new((0..rows).map(skewed), 1 << 20, Some(7));
        let low = Column::new((0..rows).map(|row| (row % 3) as u32), 1 << 10, None);
        agree(&[high.clone(), low.clone()], "narrow");
        agree(&[high, low, Column::new((0..rows).map(|_| 9), 1 << 30, None)], "wide");
        let mut slots = Slots::<u32>::default();
        slots.reset(1, 0);
        for round in 1..4 {
            for key in 0..1000 {
                *slots.number(key << 11) += 1;
                assert_eq!(*slots.number(key << 11), round);
            }
        }
        assert_eq!((slots.used, slots.table.len()), (1000, 2048));
    }

    #[test]
    fn no_record_and_one() {
        let nobody = Column::new([], 5, None);
        agree(&[nobody.clone(), nobody], "nobody");
        agree(&[Column::new([4], 5, Some(4))], "one");
        assert_eq!(Classes::of(&[], None).count(), 0);
        assert_eq!(Histogram::of_columns(Vec::new()).classes(), 0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn random_columns_are_grouped_as_by_a_map(
            levels in prop::collection::vec(prop_oneof![1_u32..6, 200_u32..300, 60_000_u32..70_000, 1_u32..u32::MAX], 1..9),
            spread in 1_u64..5000,
            rows in 1_u64..9000,
            seed: u64,
        ) {
            let column = |(at, &levels): (usize, &u32)| {
                let code = |row: u64| {
                    let drawn = (row.wrapping_mul(seed | 1) >> 7) % spread;
                    (drawn.wrapping_mul(seed.rotate_left(at as u32) | 1) % u64::from(levels)) as u32
                };
                Column::new((0..rows).map(code), levels, (at % 2 == 0).then_some(0))
            };
            let columns: Vec<Column> = levels.iter().enumerate().map(column).collect();
            agree(&columns, "random");
        }
    }
}
