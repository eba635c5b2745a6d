//! Column sets found for kinds, one kind after the other.

use super::hitting::bits;
use super::kinds::Kinds;

/// The sets of some kinds.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The sets as masks; by the caller's columns for kinds that have ended, by the inner order for the last one.
    pub(super) masks: Vec<u64>,
    /// Where each kind's sets end.
    pub(super) ends: Vec<usize>,
}

impl Found {
    /// No set of any kind.
    pub(super) fn nothing(kinds: &Kinds) -> Self {
        Self { masks: Vec::new(), ends: vec![0; kinds.len()] }
    }

    /// The masks since the last end are all of a kind: they are told by the caller's columns, by size and then by value.
    pub(super) fn end_of_kind(&mut self, kinds: &Kinds) {
        let masks = &mut self.masks[self.ends.last().copied().unwrap_or(0)..];
        let place = |bit: u64| 1 << kinds.place(bit.trailing_zeros() as usize);
        masks.iter_mut().for_each(|mask| *mask = bits(*mask).map(place).sum());
        masks.sort_unstable_by_key(|mask| (mask.count_ones(), *mask));
        self.ends.push(self.masks.len());
    }
}
