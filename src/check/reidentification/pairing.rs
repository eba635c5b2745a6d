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

/// The person that each record of the attacker's file finds by an exact join on all columns, a random one where there are
/// several; nobody where a cell is missing.
pub(super) fn exact_join(fields: &[Field], people: &[u32], seed: Seed) -> Vec<Option<u32>> {
    let join = Blocking::on(fields, &[(0..fields.len()).collect()]);
    let mut stream = seed.stream();
    let one = |left: usize| {
        let mut found: Vec<u32> = join.candidates(left).into_iter().map(|row| people[row as usize]).collect();
        found.sort_unstable();
        found.dedup();
        (!found.is_empty()).then(|| found[below(found.len(), &mut stream)])
    };
    (0..join.lefts()).map(one).collect()
}
