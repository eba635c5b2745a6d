//! Minimal hitting sets of a few sets of columns.

/// Calls `found` with every minimal set of at most `most` columns that meets each of the sets (as bit masks), smaller indices
/// of bits having no priority; with the empty set where there is nothing to meet. Nothing where a set is empty. The order
/// depends on the sets alone.
///
/// Berge's multiplication: the hitting sets of the first j sets are crossed with the next. Exponential in the number of sets,
/// which are few. Reference: Berge, Hypergraphs (1989), section 2.1.
pub(super) fn minimal_hitting_sets(sets: &[u64], most: u32, mut found: impl FnMut(u64)) {
    match *sets {
        [] => found(0),
        [only] if most >= 1 => bits(only).for_each(found),
        [a, b] => {
            if most >= 1 {
                bits(a & b).for_each(&mut found);
            }
            if most >= 2 {
                bits(a & !b).for_each(|first| bits(b & !a).for_each(|second| found(first | second)));
            }
        }
        _ => multiply(sets, most).into_iter().for_each(found),
    }
}

fn multiply(sets: &[u64], most: u32) -> Vec<u64> {
    let mut hitting = vec![0_u64];
    for &set in sets {
        let (mut next, missed): (Vec<u64>, Vec<u64>) = hitting.into_iter().partition(|have| have & set != 0);
        let kept = next.len();
        for have in missed.into_iter().filter(|have| have.count_ones() < most) {
            for column in bits(set) {
                let more = have | column;
                // What was crossed is minimal unless it holds a set that needed no crossing.
                if !next[..kept].iter().any(|other| other & !more == 0) {
                    next.push(more);
                }
            }
        }
        hitting = next;
    }
    hitting
}

/// The single bits of a mask, from the lowest.
pub(super) fn bits(mask: u64) -> impl Iterator<Item = u64> {
    std::iter::successors(Some(mask), |left| Some(left & left.wrapping_sub(1)))
        .take_while(|left| *left != 0)
        .map(|left| left & left.wrapping_neg())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn they_equal_brute_force(sets in prop::collection::vec(0_u64..128, 0..6), most in 0_u32..5) {
            let hits = |mask: u64| sets.iter().all(|set| set & mask != 0);
            let minimal = |mask: &u64| hits(*mask) && bits(*mask).all(|bit| !hits(mask & !bit)) && mask.count_ones() <= most;
            let expected: Vec<u64> = (0..128).filter(minimal).collect();
            let mut found = Vec::new();
            minimal_hitting_sets(&sets, most, |mask| found.push(mask));
            found.sort_unstable();
            prop_assert_eq!(found, expected);
        }
    }
}
