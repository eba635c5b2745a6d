//! Counting people in leaves.

use super::grove::Grove;
use crate::check::records::patients;
use crate::check::{CheckError, Subject};
use crate::finding::SMALLEST_SHOWN;
use crate::model::repair::LeafPeople;

/// Trees whose leaves are held for all records at a time.
const BLOCK: usize = 32;

/// A kind of leaf, by the people in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// Fewer people than this.
    Below(usize),
    /// All members have the same outcome.
    Pure,
    /// The same, and fewer than 11 people.
    PureSmall,
    /// The member's outcome is shared by fewer than 11 people of the leaf, which holds others too.
    SmallGroup,
}

impl Cut {
    /// All, in the order of the table.
    pub(super) const ALL: [Self; 7] = [
        Self::Below(2),
        Self::Below(5),
        Self::Below(10),
        Self::Below(SMALLEST_SHOWN),
        Self::Pure,
        Self::PureSmall,
        Self::SmallGroup,
    ];

    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Below(2) => "one person",
            Self::Below(5) => "fewer than 5 people",
            Self::Below(10) => "fewer than 10 people",
            Self::Below(_) => "fewer than 11 people",
            Self::Pure => "one outcome only",
            Self::PureSmall => "one outcome only, fewer than 11 people",
            Self::SmallGroup => "fewer than 11 people of the member's outcome among others",
        }
    }

    pub(super) fn needs_classes(self) -> bool {
        !matches!(self, Self::Below(_))
    }
}

/// Counts for one kind of leaf.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    /// Leaves of this kind.
    pub(super) leaves: usize,
    /// Member records in them, summed over trees.
    pub(super) members: usize,
    /// Member records in the tree that has most.
    pub(super) worst_tree: usize,
    /// Records from outside that reach them, summed over trees.
    pub(super) nonmembers: usize,
}

/// What was counted.
pub(super) struct Occupancy {
    counts: Vec<Counts>,
    /// Leaves in all trees.
    pub(super) leaves: usize,
    /// Whether outcomes were known.
    pub(super) classes: bool,
    /// A number for the combination of leaves of every member, and of every other record.
    pub(super) cells: (Vec<u128>, Vec<u128>),
    /// Leaves of single people: depth, ensemble, leaf.
    singles: Vec<(u32, usize, usize)>,
}

impl Occupancy {
    pub(super) fn of_cut(&self, cut: Cut) -> Counts {
        Cut::ALL.iter().zip(&self.counts).find(|(known, _)| **known == cut).map_or(Counts::default(), |(_, c)| *c)
    }

    /// The leaves of single people with the fewest conditions, as ensemble and leaf.
    pub(super) fn shortest(&self, count: usize) -> Vec<(usize, usize)> {
        let mut singles = self.singles.clone();
        singles.sort_unstable();
        singles.into_iter().take(count).map(|(_, planted, leaf)| (planted, leaf)).collect()
    }
}

/// Sends all records through all trees and counts. `classes` are the members' outcomes, `people` the patients of members and
/// of others.
pub(super) fn occupancy(grove: &Grove<'_>, classes: Option<&[u32]>, people: (&[u32], &[u32])) -> Occupancy {
    let mut sum = Occupancy {
        counts: vec![Counts::default(); Cut::ALL.len()],
        leaves: 0,
        classes: classes.is_some(),
        cells: (vec![0; people.0.len()], vec![0; people.1.len()]),
        singles: Vec::new(),
    };
    for (at, planted) in grove.planted.iter().enumerate() {
        let ensemble = planted.ensemble;
        sum.leaves += ensemble.leaves.len();
        for start in (0..ensemble.trees()).step_by(BLOCK) {
            let trees = start..start + BLOCK;
            let outside = ensemble.route(trees.clone(), &planted.nonmembers, |_, leaves| leaves);
            let counted = ensemble.route(trees, &planted.members, |tree, leaves| {
                let others = &outside[tree - start];
                (of_tree(ensemble.leaves_of(tree), &leaves, others, classes, people.0), leaves)
            });
            for (tree, ((counts, singles), leaves)) in counted.into_iter().enumerate() {
                for (total, of_tree) in sum.counts.iter_mut().zip(counts) {
                    total.leaves += of_tree.leaves;
                    total.members += of_tree.members;
                    total.nonmembers += of_tree.nonmembers;
                    total.worst_tree = total.worst_tree.max(of_tree.members);
                }
                let depth = |leaf: usize| ensemble.leaves.get(leaf).map_or(0, |leaf| leaf.depth);
                sum.singles.extend(singles.into_iter().map(|leaf| (depth(leaf), at, leaf)));
                add(&mut sum.cells.0, &leaves, at);
                add(&mut sum.cells.1, &outside[tree], at);
            }
        }
    }
    sum
}

/// Adds a leaf to the number of every record's combination. Sums of well-mixed numbers are equal only for equal leaves (two
/// of a million records agree by chance once in 10^26).
fn add(cells: &mut [u128], leaves: &[u32], ensemble: usize) {
    for (cell, &leaf) in cells.iter_mut().zip(leaves) {
        let key = (ensemble as u64) << 32 | u64::from(leaf);
        *cell = cell.wrapping_add(u128::from(mixed(key)) << 64 | u128::from(mixed(!key)));
    }
}

/// The finaliser of `SplitMix64`.
fn mixed(key: u64) -> u64 {
    let key = key.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let key = (key ^ key >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let key = (key ^ key >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    key ^ key >> 31
}

/// Counts of one tree, and its leaves of single people.
fn of_tree(
    range: std::ops::Range<usize>,
    leaves: &[u32],
    outside: &[u32],
    classes: Option<&[u32]>,
    people: &[u32],
) -> (Vec<Counts>, Vec<usize>) {
    let size = range.len();
    let at = |leaf: u32| (leaf as usize).saturating_sub(range.start).min(size.saturating_sub(1));
    // (leaf, class, person) in order: people, classes and people per class of a leaf stand together.
    let class = |row: usize| classes.and_then(|classes| classes.get(row)).copied().unwrap_or(0);
    let mut rows: Vec<(u32, u32, u32)> =
        leaves.iter().enumerate().map(|(row, &leaf)| (leaf, class(row), people[row])).collect();
    let mut by_person: Vec<(u32, u32)> = rows.iter().map(|&(leaf, _, person)| (leaf, person)).collect();
    by_person.sort_unstable();
    by_person.dedup();
    let (mut inside, mut records, mut reached) = (vec![0_usize; size], vec![0_usize; size], vec![0_usize; size]);
    by_person.iter().for_each(|&(leaf, _)| inside[at(leaf)] += 1);
    leaves.iter().for_each(|&leaf| records[at(leaf)] += 1);
    outside.iter().for_each(|&leaf| reached[at(leaf)] += 1);
    let (mut outcomes, mut in_small_groups) = (vec![0_usize; size], vec![0_usize; size]);
    rows.sort_unstable();
    for group in rows.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
        let leaf = at(group[0].0);
        outcomes[leaf] += 1;
        let members = 1 + group.windows(2).filter(|pair| pair[0].2 != pair[1].2).count();
        in_small_groups[leaf] += if members < SMALLEST_SHOWN { group.len() } else { 0 };
    }
    let count = |cut: &Cut| {
        let mut counts = Counts::default();
        for leaf in (0..size).filter(|&leaf| inside[leaf] > 0) {
            let members = match cut {
                Cut::Below(limit) => records[leaf] * usize::from(inside[leaf] < *limit),
                Cut::Pure => records[leaf] * usize::from(outcomes[leaf] == 1),
                Cut::PureSmall => records[leaf] * usize::from(outcomes[leaf] == 1 && inside[leaf] < SMALLEST_SHOWN),
                Cut::SmallGroup => in_small_groups[leaf] * usize::from(outcomes[leaf] > 1),
            };
            counts.leaves += usize::from(members > 0);
            counts.members += members;
            counts.nonmembers += if members > 0 { reached[leaf] } else { 0 };
        }
        counts
    };
    let singles = (0..size).filter(|&leaf| inside[leaf] == 1).map(|leaf| range.start + leaf).collect();
    (Cut::ALL.iter().map(count).collect(), singles)
}

/// How many records belong to the only person with their combination of leaves, which nobody of `others` has.
pub(super) fn alone(cells: &[u128], others: &[u128], people: &[u32]) -> usize {
    let mut taken = others.to_vec();
    taken.sort_unstable();
    let mut rows: Vec<(u128, u32)> = cells.iter().copied().zip(people.iter().copied()).collect();
    rows.sort_unstable();
    let single = |group: &&[(u128, u32)]| group.iter().all(|row| row.1 == group[0].1);
    let groups = rows.chunk_by(|a, b| a.0 == b.0).filter(single);
    groups.filter(|group| taken.binary_search(&group[0].0).is_err()).map(<[_]>::len).sum()
}

/// The people of the training data in each leaf, ensemble by ensemble in the order of the file; nothing for an ensemble that
/// cannot be read or fed.
///
/// # Errors
/// When the file holds no trees, or the runtime fails on the way to them.
pub fn people_in_leaves(subject: &Subject<'_>) -> Result<Vec<Option<LeafPeople>>, CheckError> {
    let grove = Grove::of(subject)?;
    let people = subject.split.map(|split| patients(split).0).unwrap_or_default();
    let mut found: Vec<Option<LeafPeople>> = vec![None; subject.file.map_or(0, |file| file.contents.trees().len())];
    for planted in &grove.planted {
        let ensemble = planted.ensemble;
        let by_tree = ensemble.route(0..ensemble.trees(), &planted.members, |tree, leaves| {
            let mut pairs: Vec<(u32, u32)> = leaves.into_iter().zip(people.iter().copied()).collect();
            pairs.sort_unstable();
            pairs.dedup();
            let range = ensemble.leaves_of(tree);
            let mut of_leaf = vec![Vec::new(); range.len()];
            for (leaf, person) in pairs {
                if let Some(list) = of_leaf.get_mut((leaf as usize).saturating_sub(range.start)) {
                    list.push(person);
                }
            }
            of_leaf
        });
        if let Some(slot) = found.get_mut(planted.index) {
            *slot = Some(by_tree.concat());
        }
    }
    Ok(found)
}
