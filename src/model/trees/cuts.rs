//! Where the answers of trees can change when a single column moves, and which leaves some columns alone still allow.

use super::{Aggregate, Ensemble, Mode, Split, Way};

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

    /// The sums of the trees (as [`Ensemble::sums`], for sums and averages) for a row in each cell of one column, row-major:
    /// `cuts.len() + 1` cells of `targets` sums. `cuts` are those of the column, `row` holds cells as they are compared.
    ///
    /// One walk per tree, both ways at splits on the column: O(trees x depth + leaves met + cells x targets). Columns must be
    /// compared by size only.
    ///
    /// # Panics
    /// When the row is shorter than the ensemble's width.
    pub fn profile(&self, row: &[f64], feature: u32, cuts: &[f64]) -> Vec<f64> {
        let (cells, targets) = (cuts.len() + 1, self.targets.max(1));
        // What changes from one cell to the next.
        let mut steps = vec![0.0; (cells + 1) * targets];
        let mut waiting: Vec<(Way, usize, usize)> = Vec::new();
        for &root in &self.roots {
            waiting.push((root, 0, cells));
            while let Some((way, from, to)) = waiting.pop() {
                if let Some(leaf) = way.as_leaf() {
                    for weight in self.weights(leaf) {
                        steps[from * targets + weight.target as usize] += weight.value;
                        steps[to * targets + weight.target as usize] -= weight.value;
                    }
                    continue;
                }
                let Some(split) = way.as_split().and_then(|split| self.splits.get(split)) else { continue };
                if split.feature != feature {
                    let yes = self.satisfied(split, row[split.feature as usize]);
                    waiting.push((if yes { split.yes } else { split.no }, from, to));
                    continue;
                }
                // Cells up to the cut of this split are on its lower side.
                let strict = matches!(split.mode, Mode::Below | Mode::AtLeast);
                let border = cuts.partition_point(|cut| if strict { *cut < split.value } else { *cut <= split.value });
                let border = border.clamp(from, to);
                let lower_is_yes = matches!(split.mode, Mode::AtMost | Mode::Below);
                let (lower, upper) = if lower_is_yes { (split.yes, split.no) } else { (split.no, split.yes) };
                waiting
                    .extend([(lower, from, border), (upper, border, to)].into_iter().filter(|(_, from, to)| from < to));
            }
        }
        let divisor = if self.aggregate == Aggregate::Average { self.trees().max(1) as f64 } else { 1.0 };
        let base = |target: usize| self.base.get(target).copied().unwrap_or(0.0);
        let mut sums = vec![0.0; cells * targets];
        let mut running = vec![0.0; targets];
        for cell in 0..cells {
            for (target, running) in running.iter_mut().enumerate() {
                *running += steps[cell * targets + target];
                sums[cell * targets + target] = *running / divisor + base(target);
            }
        }
        sums
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

        /// The sums along a column are those of rows sent through the trees one by one.
        #[test]
        fn a_profile_is_what_rows_in_each_cell_sum_to(seed in 0_u64..200, feature in 0_u32..3, row in prop::array::uniform3(-4.0_f32..4.0)) {
            let ensemble = planted(&forest(seed, 5, 15, 3));
            let cuts = ensemble.cuts(feature, true);
            let own: Vec<f64> = row.iter().map(|&cell| f64::from(cell)).collect();
            let profile = ensemble.profile(&own, feature, &cuts);
            let ends = cuts.iter().copied().chain([9.0]);
            let cells: Vec<f32> = ends
                .flat_map(|end| {
                    let mut row = row;
                    row[feature as usize] = end as f32;
                    row
                })
                .collect();
            let tensor = Tensor { row_shape: vec![3], values: Values::F32(cells) };
            let sums = ensemble.sums(&Rows::of(&tensor, &ensemble).expect("a table"));
            prop_assert_eq!(profile.len(), sums.len());
            prop_assert!(profile.iter().zip(&sums).all(|(a, b)| (a - b).abs() < 1e-9), "{:?} {:?}", profile, sums);
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
