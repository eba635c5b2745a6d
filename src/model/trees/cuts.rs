//! Where the answers of trees can change when a single column moves, and which leaves some columns alone still allow.

use super::{Ensemble, Mode, Split, Way};

impl Ensemble {
    /// The largest cell of each stretch of a column on which no split changes its mind, in ascending order and without the
    /// last stretch, which has no end. `single` says that cells are compared in 32 bits. O(splits log splits).
    ///
    /// A comparison for *at most t* ends a stretch in `t`, one for *below t* in the number before `t`; one for equality ends
    /// two, before `t` and in `t`.
    pub fn cuts(&self, feature: u32, single: bool) -> Vec<f64> {
        let below = |value: f64| if single { f64::from((value as f32).next_down()) } else { value.next_down() };
        let mut cuts: Vec<f64> = Vec::new();
        for split in self.splits.iter().filter(|split| split.feature == feature) {
            match split.mode {
                Mode::AtMost | Mode::Above => cuts.push(split.value),
                Mode::Below | Mode::AtLeast => cuts.push(below(split.value)),
                Mode::Equal | Mode::Different => cuts.extend([below(split.value), split.value]),
                Mode::Member => {
                    let set = self.sets.get(split.value as usize).map_or(&[][..], Vec::as_slice);
                    cuts.extend(set.iter().flat_map(|&code| [below(code), code]));
                }
            }
        }
        cuts.retain(|cut| !cut.is_nan());
        cuts.sort_by(f64::total_cmp);
        cuts.dedup();
        cuts
    }

    /// The columns that some split asks for, in ascending order.
    pub fn features(&self) -> Vec<u32> {
        let mut features: Vec<u32> = self.splits.iter().map(|split| split.feature).collect();
        features.sort_unstable();
        features.dedup();
        features
    }

    /// The leaves of a tree that a row can reach of which only some cells are known: `known` gives the cell of a column, or
    /// nothing. O(splits of the tree).
    pub fn reachable(&self, tree: usize, known: impl Fn(u32) -> Option<f64>) -> Vec<usize> {
        let mut waiting: Vec<Way> = self.roots.get(tree).copied().into_iter().collect();
        let mut leaves = Vec::new();
        while let Some(way) = waiting.pop() {
            if let Some(leaf) = way.as_leaf() {
                leaves.push(leaf);
                continue;
            }
            let Some(split) = way.as_split().and_then(|split| self.splits.get(split)) else { continue };
            waiting.extend(self.ways(split, known(split.feature)));
        }
        leaves
    }

    fn ways(&self, split: &Split, cell: Option<f64>) -> impl Iterator<Item = Way> {
        let yes = cell.is_none_or(|cell| self.satisfied(split, cell));
        let no = cell.is_none_or(|cell| !self.satisfied(split, cell));
        [(no, split.no), (yes, split.yes)].into_iter().filter(|(open, _)| *open).map(|(_, way)| way)
    }
}

#[cfg(test)]
mod tests {
    use crate::model::trees::Rows;
    use crate::model::trees::specimen::{forest, planted};
    use crate::tensor::{Tensor, Values};
    use proptest::prelude::*;

    proptest! {
        /// On a grid much finer than the cuts, leaves change exactly where a cut lies between two neighbours.
        #[test]
        fn leaves_change_at_cuts_and_nowhere_else(seed in 0_u64..200, other in -4_i8..4) {
            let ensemble = planted(&forest(seed, 5, 15, 3));
            let cuts = ensemble.cuts(0, true);
            let grid: Vec<f32> = (-80..=80).map(|step| step as f32 / 16.0).collect();
            let cells: Vec<f32> = grid.iter().flat_map(|&cell| [cell, f32::from(other), 0.25]).collect();
            let tensor = Tensor { row_shape: vec![3], values: Values::F32(cells) };
            let rows = Rows::of(&tensor, &ensemble).expect("a table");
            let leaves = ensemble.route(0..ensemble.trees(), &rows, |_, leaves| leaves);
            for (at, pair) in grid.windows(2).enumerate() {
                let between = cuts.iter().any(|&cut| f64::from(pair[0]) <= cut && cut < f64::from(pair[1]));
                let changed = leaves.iter().any(|tree| tree[at] != tree[at + 1]);
                prop_assert!(between || !changed, "between {} and {}", pair[0], pair[1]);
            }
        }

        /// The leaf of a row is among those that its known cells allow; all cells known leave one leaf, none all leaves.
        #[test]
        fn known_cells_allow_the_leaf_of_the_row(seed in 0_u64..200, row in prop::array::uniform3(-4.0_f32..4.0), known in 0_u8..8) {
            let ensemble = planted(&forest(seed, 5, 15, 3));
            let tensor = Tensor { row_shape: vec![3], values: Values::F32(row.to_vec()) };
            let rows = Rows::of(&tensor, &ensemble).expect("a table");
            for (tree, leaves) in ensemble.route(0..ensemble.trees(), &rows, |_, leaves| leaves).iter().enumerate() {
                let cell = |feature: u32| (known >> feature & 1 == 1).then(|| f64::from(row[feature as usize]));
                let allowed = ensemble.reachable(tree, cell);
                prop_assert!(allowed.contains(&(leaves[0] as usize)));
                prop_assert!(known != 7 || allowed.len() == 1);
                prop_assert!(known != 0 || allowed.len() == ensemble.leaves_of(tree).len());
            }
        }
    }
}
