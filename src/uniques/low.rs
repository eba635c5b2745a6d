//! The sets of the six lowest columns in which the kinds of a group agree with a stranger, as 64 bits.

use super::kinds::{Kinds, LOW};
use super::lattice::LOWEST;
use super::partition::{Partition, Splitter};

/// Groups of up to this many different rows are compared pair by pair, larger ones split 63 times.
const PAIRED: usize = 384;
/// Bits of a field of packed codes, the highest of which is free.
const FIELD: usize = 10;
/// The lowest and the highest bit of every field.
const ONES: u64 = fields(0);
const GUARDS: u64 = fields(FIELD - 1);
/// Moves the lowest bits of the fields side by side, to bit 45 and above: field i by 45 - 9 i.
const GATHER: u64 = {
    let (mut all, mut field) = (0, 0);
    while field < LOW {
        all |= 1 << (45 - (FIELD - 1) * field);
        field += 1;
    }
    all
};
/// Bit p of entry m is set when p is a subset of m, both masks of the lowest columns.
pub(super) const SUBSETS: [u64; 64] = subsets();
/// Bit p of entry j is set when p has bit j.
pub(super) const WITH: [u64; LOW] = [
    0xAAAA_AAAA_AAAA_AAAA,
    0xCCCC_CCCC_CCCC_CCCC,
    0xF0F0_F0F0_F0F0_F0F0,
    0xFF00_FF00_FF00_FF00,
    0xFFFF_0000_FFFF_0000,
    0xFFFF_FFFF_0000_0000,
];

const fn fields(bit: usize) -> u64 {
    let (mut all, mut field) = (0, 0);
    while field < LOW {
        all |= 1 << (FIELD * field + bit);
        field += 1;
    }
    all
}

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

/// What the low columns of every kind are.
pub(super) struct LowSets<'a> {
    kinds: &'a Kinds,
    /// What names the combination of low codes of a kind, and [`CROWD`]: the codes themselves in fields of a word where every
    /// column has few enough levels, the number of the combination otherwise. Equal ones stand together.
    key: Vec<u64>,
    narrow: bool,
    /// The codes of the combinations by their numbers, where keys are numbers.
    codes: [Vec<u32>; LOW],
}

/// A combination of low codes in a group.
#[derive(Debug, Clone, Copy)]
struct Item {
    key: u64,
    /// Whose it is; several people's has a number of its own beyond 32 bits.
    person: u64,
    /// Bit p is set when the item agrees with a stranger in the low columns of the mask p, and maybe more.
    agreed: u64,
    /// Its first kind, and how many they are.
    kind: u32,
    kinds: u32,
}

/// Room for the work on a group.
#[derive(Debug, Default)]
pub(super) struct Room {
    items: Vec<Item>,
    splitter: Splitter,
    levels: [Partition; LOW],
    /// Codes of the items by low column.
    codes: [Vec<u32>; LOW],
}

/// The bit of a key that says that the kind is several people's.
const CROWD: u64 = 1 << 63;
/// Added to a kind it is nobody's number.
const SEVERAL: u64 = 1 << 32;
/// Agreement in all low columns.
const SAME: u64 = 1 << LOWEST;

impl<'a> LowSets<'a> {
    pub(super) fn of(kinds: &'a Kinds) -> Self {
        let all = 0..kinds.len() as u32;
        let narrow = all.clone().all(|kind| kinds.low(kind).iter().all(|&code| code < 1 << (FIELD - 1)));
        let mut codes = [const { Vec::new() }; LOW];
        let mut last = None;
        let mut number = |low: [u32; LOW]| {
            if last != Some(low) {
                codes.iter_mut().zip(low).for_each(|(codes, code)| codes.push(code));
                last = Some(low);
            }
            codes[0].len() as u64 - 1
        };
        let pack = |low: [u32; LOW]| (0..).zip(low).fold(0, |all, (j, code)| all | u64::from(code) << (FIELD * j));
        let key = |kind| {
            let low = kinds.low(kind);
            (if narrow { pack(low) } else { number(low) }) | if kinds.is_crowd(kind) { CROWD } else { 0 }
        };
        let key = all.map(key).collect();
        Self { kinds, key, narrow, codes }
    }

    /// Writes for every kind of a group the sets of low columns in which it agrees with a stranger.
    pub(super) fn mark(&self, group: &[u32], plane: &mut [u64], room: &mut Room) {
        self.gather(group, &mut room.items);
        if room.items.len() > PAIRED {
            self.split(room);
        } else if self.narrow {
            pair(&mut room.items, |a, b| fields_agree(a.key, b.key));
        } else {
            pair(&mut room.items, |a, b| self.agreement(a.key as usize, b.key as usize));
        }
        let mut rest = group;
        for item in &room.items {
            let of_item = rest.split_off(..item.kinds as usize).expect("items are the kinds of the group");
            let present = SUBSETS[(self.kinds.present(item.kind) & LOWEST) as usize];
            let shared = below(item.agreed) & present;
            of_item.iter().for_each(|&kind| plane[kind as usize] = shared);
        }
    }

    /// The combinations of a group, in order.
    fn gather(&self, group: &[u32], items: &mut Vec<Item>) {
        items.clear();
        for &kind in group {
            let (key, crowd) = (self.key[kind as usize] & !CROWD, self.key[kind as usize] & CROWD != 0);
            let person = if crowd { SEVERAL + u64::from(kind) } else { self.kinds.person_of(kind) };
            match items.last_mut() {
                Some(last) if last.key == key => {
                    last.kinds += 1;
                    if last.person != person {
                        last.person = SEVERAL + u64::from(kind);
                        last.agreed = SAME;
                    }
                }
                _ => items.push(Item { key, person, agreed: if crowd { SAME } else { 0 }, kind, kinds: 1 }),
            }
        }
    }

    /// Bit j where two combinations have the same code in the low column j.
    fn agreement(&self, a: usize, b: usize) -> u64 {
        self.codes.iter().enumerate().fold(0, |mask, (j, codes)| mask | u64::from(codes[a] == codes[b]) << j)
    }

    /// Marks the agreement of all items by splitting them by every set of columns.
    fn split(&self, room: &mut Room) {
        for (j, codes) in room.codes.iter_mut().enumerate() {
            codes.clear();
            codes.extend(room.items.iter().map(|item| self.kinds.low(item.kind)[j]));
        }
        room.items.iter_mut().for_each(|item| item.agreed |= 1);
        let whole = Partition::whole(room.items.len() as u32);
        self.descend(&whole, LOW, 0, room);
    }

    /// The sets of a node's columns and more columns below the lowest of them.
    fn descend(&self, node: &Partition, lowest: usize, mask: u64, room: &mut Room) {
        for column in 0..lowest {
            let mut next = std::mem::take(&mut room.levels[lowest - 1]);
            let items = &room.items;
            room.splitter.split(
                node,
                &room.codes[column],
                &mut next,
                |_| {},
                |part| {
                    let first = items[part[0] as usize];
                    let strangers = part[1..].iter().any(|&item| items[item as usize].person != first.person);
                    strangers && self.kinds.has(first.kind, column)
                },
            );
            let mask = mask | 1 << column;
            next.rows().iter().for_each(|&item| room.items[item as usize].agreed |= 1 << mask);
            if !next.is_empty() {
                self.descend(&next, column, mask, room);
            }
            room.levels[lowest - 1] = next;
        }
    }
}

/// Marks the agreement of all pairs of different people.
fn pair(items: &mut [Item], agreement: impl Fn(&Item, &Item) -> u64) {
    for at in 0..items.len() {
        let (before, rest) = items.split_at_mut(at + 1);
        let a = &mut before[at];
        let mut agreed = a.agreed;
        for b in rest {
            let bit = u64::from(a.person != b.person) << agreement(a, b);
            agreed |= bit;
            b.agreed |= bit;
        }
        a.agreed = agreed;
    }
}

/// Bit j where two packed rows have the same field j. A field of zero borrows its own guard and no other.
fn fields_agree(a: u64, b: u64) -> u64 {
    let equal = !(((a ^ b) | GUARDS) - ONES) & GUARDS;
    (equal >> (FIELD - 1)).wrapping_mul(GATHER) >> 45 & LOWEST
}

/// The bits of all subsets of the marked masks.
fn below(mut marked: u64) -> u64 {
    for (j, with) in WITH.iter().enumerate() {
        marked |= (marked & with) >> (1 << j);
    }
    marked
}
