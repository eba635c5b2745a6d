//! Column sets found for kinds, one kind after the other.

use super::bits::bits;
use super::kinds::Kinds;

/// The sets of some kinds, as masks of the caller's columns, by size and then by value.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) masks: Vec<u64>,
    /// Where each kind's sets end.
    pub(super) ends: Vec<usize>,
}

impl Found {
    /// No set of any kind.
    pub(super) fn nothing(kinds: &Kinds) -> Self {
        Self { masks: Vec::new(), ends: vec![0; kinds.len()] }
    }

    /// From the kinds of every set, a mask in the inner order of columns.
    pub(super) fn of_sets(kinds: &Kinds, sets: &[(u64, Vec<u32>)]) -> Self {
        // Counts become places of each kind's first set; while the sets are laid down, of its next.
        let mut ends = vec![0_usize; kinds.len()];
        sets.iter().flat_map(|(_, of)| of).for_each(|&kind| ends[kind as usize] += 1);
        let mut total = 0;
        for end in &mut ends {
            total += std::mem::replace(end, total);
        }
        let mut masks = vec![0; total];
        for (mask, of) in sets {
            for &kind in of {
                let at = &mut ends[kind as usize];
                masks[*at] = *mask;
                *at += 1;
            }
        }
        let mut start = 0;
        for &end in &ends {
            in_order(kinds, &mut masks[start..end]);
            start = end;
        }
        Self { masks, ends }
    }

    /// The sets laid down since the last end, in the inner order of columns, are all of a kind.
    pub(super) fn end_of_kind(&mut self, kinds: &Kinds) {
        in_order(kinds, &mut self.masks[self.ends.last().copied().unwrap_or(0)..]);
        self.ends.push(self.masks.len());
    }
}

/// Tells a kind's sets by the caller's columns and sorts them.
fn in_order(kinds: &Kinds, masks: &mut [u64]) {
    let place = |bit: u64| 1 << kinds.place(bit.trailing_zeros() as usize);
    masks.iter_mut().for_each(|mask| *mask = bits(*mask).map(place).sum());
    masks.sort_unstable_by_key(|mask| (mask.count_ones(), *mask));
}
