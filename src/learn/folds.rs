//! Folds that keep groups together.

use rand::seq::SliceRandom;

use crate::seed::Seed;

/// Assigns every row to one of `folds` folds so that rows of one group share a fold and each stratum is spread evenly.
///
/// `groups` gives a group per row (every row its own where there are none), `strata` a small code per row; a group is
/// dealt out within the stratum of its first row. Deterministic for a seed. O(n log n).
pub fn assign(groups: &[u32], strata: &[u32], folds: usize, seed: Seed) -> Vec<usize> {
    let levels = groups.iter().max().map_or(0, |&g| g as usize + 1);
    let mut stratum_of: Vec<Option<u32>> = vec![None; levels];
    for (&group, &stratum) in groups.iter().zip(strata) {
        stratum_of[group as usize].get_or_insert(stratum);
    }
    let mut present: Vec<(u32, usize)> =
        stratum_of.iter().enumerate().filter_map(|(group, stratum)| stratum.map(|s| (s, group))).collect();
    present.shuffle(&mut seed.stream());
    present.sort_by_key(|(stratum, _)| *stratum); // stable: the shuffled order stays within a stratum
    let mut fold_of = vec![0_usize; levels];
    for (position, (_, group)) in present.iter().enumerate() {
        fold_of[*group] = position % folds;
    }
    groups.iter().map(|&group| fold_of[group as usize]).collect()
}

/// One row of each group, drawn at random: a sample of independent rows. In ascending order.
pub fn representatives(groups: &[u32], seed: Seed) -> Vec<usize> {
    let mut order: Vec<usize> = (0..groups.len()).collect();
    order.shuffle(&mut seed.stream());
    let mut seen = vec![false; groups.iter().max().map_or(0, |&g| g as usize + 1)];
    order.retain(|&row| !std::mem::replace(&mut seen[groups[row] as usize], true));
    order.sort_unstable();
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_stay_together_and_strata_are_spread() {
        let groups: Vec<u32> = (0..200).map(|i| i / 2).collect();
        let strata: Vec<u32> = (0..200).map(|i| u32::from(i >= 100)).collect();
        let folds = assign(&groups, &strata, 5, Seed::root(1));
        assert!((0..200).step_by(2).all(|i| folds[i] == folds[i + 1]));
        for fold in 0..5 {
            let first = (0..100).filter(|&i| folds[i] == fold).count();
            assert_eq!(first, 20, "50 groups of two rows over five folds");
        }
    }

    #[test]
    fn one_row_a_group() {
        assert_eq!(representatives(&[0, 0, 1, 2, 2, 2], Seed::root(3)).len(), 3);
    }
}
