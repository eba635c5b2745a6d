//! Pairs of a member and a non-member that resemble each other.

use rand::seq::SliceRandom;

use crate::seed::Seed;

/// A row on a line, within a block that its partner must share.
#[derive(Debug, Clone, Copy)]
pub(super) struct Placed {
    pub(super) row: usize,
    pub(super) block: usize,
    pub(super) at: f64,
}

/// Nearest-neighbour matching without replacement: members in random order take the nearest free non-member of their
/// block that is at most `caliper` away. Returns pairs (member, non-member) in ascending order. O(n log n).
pub(super) fn pair(members: &[Placed], nonmembers: &[Placed], caliper: f64, seed: Seed) -> Vec<(usize, usize)> {
    let key = |a: &Placed, b: &Placed| a.block.cmp(&b.block).then(a.at.total_cmp(&b.at)).then(a.row.cmp(&b.row));
    let mut others = nonmembers.to_vec();
    others.sort_by(key);
    let mut order = members.to_vec();
    order.shuffle(&mut seed.stream());
    // The next free place at or after one, and at or before one, shifted by one so that 0 means none.
    let (mut after, mut before) = (Links::new(others.len() + 1), Links::new(others.len() + 1));
    let mut pairs = Vec::new();
    for member in order {
        let place = others.partition_point(|other| key(other, &Placed { row: 0, ..member }).is_lt());
        let up = after.find(place);
        let down = before.find(place);
        let near = |place: usize| {
            let other = others.get(place)?;
            let distance = (other.at - member.at).abs();
            (other.block == member.block && distance <= caliper).then_some((distance, place))
        };
        let candidates = [near(up), down.checked_sub(1).and_then(near)];
        let best = candidates.into_iter().flatten().reduce(|a, b| if b.0 < a.0 { b } else { a });
        if let Some((_, taken)) = best {
            after.skip(taken, taken + 1);
            before.skip(taken + 1, taken);
            pairs.push((member.row, others[taken].row));
        }
    }
    pairs.sort_unstable();
    pairs
}

/// Places that lead to the nearest free one (a disjoint-set forest with halved paths).
struct Links(Vec<usize>);

impl Links {
    fn new(places: usize) -> Self {
        Self((0..places).collect())
    }

    fn find(&mut self, mut place: usize) -> usize {
        while self.0[place] != place {
            self.0[place] = self.0[self.0[place]];
            place = self.0[place];
        }
        place
    }

    fn skip(&mut self, place: usize, to: usize) {
        self.0[place] = to;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn placed(at: &[(usize, f64)], first: usize) -> Vec<Placed> {
        at.iter().enumerate().map(|(i, &(block, at))| Placed { row: first + i, block, at }).collect()
    }

    #[test]
    fn the_nearest_within_the_caliper_and_block() {
        let members = placed(&[(0, 1.0), (0, 9.0), (1, 1.0)], 0);
        let others = placed(&[(0, 1.2), (0, 0.7), (0, 7.0), (1, 3.0)], 10);
        assert_eq!(pair(&members, &others, 0.5, Seed::root(1)), [(0, 10)]);
        assert_eq!(pair(&members, &others, 2.0, Seed::root(1)), [(0, 10), (1, 12), (2, 13)]);
    }

    proptest! {
        /// Nobody is used twice, every pair keeps the rules, and nobody is left out whom a free partner could have.
        #[test]
        fn pairs_are_lawful(a in prop::collection::vec((0_usize..2, 0_u8..30), 0..25), b in prop::collection::vec((0_usize..2, 0_u8..30), 0..25), caliper in 0_u8..6, seed in 0_u64..50) {
            let float = |v: &[(usize, u8)]| v.iter().map(|&(block, at)| (block, f64::from(at))).collect::<Vec<_>>();
            let (members, others) = (placed(&float(&a), 0), placed(&float(&b), 100));
            let pairs = pair(&members, &others, f64::from(caliper), Seed::root(seed));
            let mut used: Vec<usize> = pairs.iter().flat_map(|&(x, y)| [x, y]).collect();
            used.sort_unstable();
            let count = used.len();
            used.dedup();
            prop_assert_eq!(used.len(), count);
            let fits = |x: &Placed, y: &Placed| x.block == y.block && (x.at - y.at).abs() <= f64::from(caliper);
            prop_assert!(pairs.iter().all(|&(x, y)| fits(&members[x], &others[y - 100])));
            let free = |row: usize| used.binary_search(&row).is_err();
            for x in members.iter().filter(|x| free(x.row)) {
                prop_assert!(!others.iter().any(|y| free(y.row) && fits(x, y)));
            }
        }
    }
}
