//! Which pairs a linkage compares within its budget, and the exact join that needs no linkage.

use crate::linkage::{Blocking, Field};
use crate::seed::Seed;
use crate::stats::uniform::below;

/// Fewest people in the attacker's file: with fewer, intervals say nothing. Beyond that pairs are saved by blocking.
const FEWEST: usize = 200;
/// Most keys that are chosen.
const MOST_KEYS: usize = 3;
/// Columns that keys of two are made of.
const PAIRED: usize = 6;

/// The people that the attacker's file may have.
pub(super) fn most_people(records: usize, pairs: usize) -> usize {
    (pairs / records.max(1)).max(FEWEST)
}

/// All pairs where the budget allows; else those within the given keys, else within keys that are chosen: up to three single
/// columns that tell most, else pairs of columns, else all columns together.
///
/// # Errors
/// The number of pairs that even the best choice would compare.
pub(super) fn choose(fields: &[Field], keys: &[Vec<usize>], budget: u64) -> Result<Blocking, u64> {
    if !keys.is_empty() {
        let blocking = Blocking::on(fields, keys);
        return within(blocking, budget);
    }
    let (left, right) = fields.first().map_or((0, 0), |field| (field.left.len(), field.right.len()));
    if let Ok(all) = within(Blocking::all(left, right), budget) {
        return Ok(all);
    }
    let bound = |key: &Vec<usize>| Blocking::on(fields, std::slice::from_ref(key)).bound();
    let mut single: Vec<(u64, Vec<usize>)> =
        (0..fields.len()).map(|field| (bound(&vec![field]), vec![field])).collect();
    single.sort();
    if let Some(keys) = affordable(&single, budget) {
        return Ok(Blocking::on(fields, &keys));
    }
    let telling: Vec<usize> = single.iter().take(PAIRED).map(|(_, key)| key[0]).collect();
    let pairs = telling.iter().enumerate().flat_map(|(at, &a)| telling[at + 1..].iter().map(move |&b| vec![a, b]));
    let mut double: Vec<(u64, Vec<usize>)> = pairs.map(|key| (bound(&key), key)).collect();
    double.sort();
    match affordable(&double, budget) {
        Some(keys) => Ok(Blocking::on(fields, &keys)),
        None => within(Blocking::on(fields, &[(0..fields.len()).collect()]), budget),
    }
}

fn within(blocking: Blocking, budget: u64) -> Result<Blocking, u64> {
    let bound = blocking.bound();
    if bound <= budget { Ok(blocking) } else { Err(bound) }
}

/// The first keys, in ascending order of their pairs, that the budget allows together.
fn affordable(keys: &[(u64, Vec<usize>)], budget: u64) -> Option<Vec<Vec<usize>>> {
    let mut left = budget;
    let mut chosen = Vec::new();
    for (bound, key) in keys.iter().take(MOST_KEYS) {
        if *bound > left {
            break;
        }
        left -= bound;
        chosen.push(key.clone());
    }
    (!chosen.is_empty()).then_some(chosen)
}

/// Whom the records of the attacker's file find by an exact join on all columns; nobody where a cell is missing.
pub(super) struct Joined {
    /// The person that each record finds, a random one where there are several.
    pub(super) any: Vec<Option<u32>>,
    /// The same where it finds one person, whom no other record finds: what a careful attacker claims.
    pub(super) single: Vec<Option<u32>>,
}

/// Joins the records of the attacker's file with those of the data, of which each belongs to one of `people`.
pub(super) fn exact_join(fields: &[Field], people: &[u32], seed: Seed) -> Joined {
    let join = Blocking::on(fields, &[(0..fields.len()).collect()]);
    let mut stream = seed.stream();
    let mut met = vec![0_u32; people.iter().max().map_or(0, |&most| most as usize + 1)];
    let one = |left: usize| {
        let mut found: Vec<u32> = join.candidates(left).into_iter().map(|row| people[row as usize]).collect();
        found.sort_unstable();
        found.dedup();
        found.iter().for_each(|&person| met[person as usize] += 1);
        let any = (!found.is_empty()).then(|| found[below(found.len(), &mut stream)]);
        (any, any.filter(|_| found.len() == 1))
    };
    let (any, alone): (Vec<_>, Vec<Option<u32>>) = (0..join.lefts()).map(one).unzip();
    let single = alone.into_iter().map(|found| found.filter(|&person| met[person as usize] == 1)).collect();
    Joined { any, single }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linkage::{Domain, MISSING};

    /// Records of 1, 2, 3, 3, nothing and 4 against a person with 1 in two records, two with 2, one with 3 and none with 4.
    #[test]
    fn single_matches_are_alone_on_both_sides() {
        let (left, right) = (vec![1, 2, 3, 3, MISSING, 4], vec![1, 1, 2, 2, 3]);
        let field = Field { left, right, domain: Domain::Exact(5) };
        let found = exact_join(&[field], &[7, 7, 8, 9, 5], Seed::root(1));
        assert_eq!(found.single, [Some(7), None, None, None, None, None], "two find person 5");
        assert!(matches!(found.any[1], Some(8 | 9)), "{:?}", found.any);
        assert_eq!([0, 2, 3, 4, 5].map(|left: usize| found.any[left]), [Some(7), Some(5), Some(5), None, None]);
    }
}
