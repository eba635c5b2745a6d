//! Whole linkages on planted truth.

use rand::Rng;

use super::*;
use crate::seed::Seed;

const PEOPLE: usize = 300;

/// People with four columns of 12 values each, and a left copy in which one cell in ten is another value and one in ten is
/// missing; the left half has decoys of other people.
fn people(seed: u64, levels: u64) -> Vec<Field> {
    let mut stream = Seed::root(seed).stream();
    (0..4)
        .map(|_| {
            let right: Vec<u32> = (0..PEOPLE).map(|_| (stream.next_u64() % levels) as u32).collect();
            let copied = right.iter().map(|&code| match stream.next_u64() % 10 {
                0 => (stream.next_u64() % levels) as u32,
                1 => MISSING,
                _ => code,
            });
            let mut left: Vec<u32> = copied.collect();
            left.extend((0..PEOPLE).map(|_| (stream.next_u64() % levels) as u32));
            Field { left, right, domain: Domain::Exact(levels as usize) }
        })
        .collect()
}

fn units() -> Vec<u32> {
    (0..PEOPLE as u32).collect()
}

/// Right first candidates among the left records that have a match, and right and wrong links of one-to-one.
fn score(links: &Links) -> (usize, usize, usize) {
    let first = (0..PEOPLE).filter(|&left| links.best[left].first().is_some_and(|best| best.unit as usize == left));
    let claimed = links.one_to_one(0.5);
    let right = (0..PEOPLE).filter(|&left| claimed[left].is_some_and(|link| link.unit as usize == left)).count();
    (first.count(), right, claimed.iter().flatten().count() - right)
}

#[test]
fn planted_matches_are_found() {
    let fields = people(1, 40);
    let links = link(&fields, &Blocking::all(2 * PEOPLE, PEOPLE), &units(), Seed::root(1));
    assert_eq!((links.learned, links.pairs, links.values), (Learned::Em, 180_000, 4 * 1600));
    for (m, u) in links.model.m.iter().zip(&links.model.u) {
        // Known: 8/9 and a bit of those that are there agree; strangers agree one time in 40.
        assert!((m[1] - 0.89).abs() < 0.04 && (u[1] - 0.025).abs() < 0.005, "{m:?} {u:?}");
    }
    // Pairs by the columns that agree, counted by the definition.
    let agreeing = |left: usize, right: usize| {
        fields.iter().filter(|field| field.left[left] != MISSING && field.left[left] == field.right[right]).count()
    };
    let mut counted = vec![0; 5];
    (0..2 * PEOPLE * PEOPLE).for_each(|pair| counted[agreeing(pair / PEOPLE, pair % PEOPLE)] += 1);
    assert_eq!((links.agreeing.iter().sum::<u64>(), &links.agreeing), (180_000, &counted));
    for (left, best) in links.best.iter().enumerate() {
        assert!(best.iter().all(|found| usize::from(found.agreeing) == agreeing(left, found.unit as usize)));
    }
    let (first, right, wrong) = score(&links);
    assert!(first > 240 && right > 200 && wrong * 10 < right, "{first} {right} {wrong}");
    // The probabilities mean what they say: expected and true numbers of right links agree.
    let expected: f64 = links.one_to_one(0.5).iter().flatten().map(|link| link.posterior).sum();
    assert!((expected - right as f64).abs() < 25.0, "{expected} {right}");
}

#[test]
fn blocks_find_what_they_can_reach() {
    let fields = people(1, 40);
    let blocking = Blocking::on(&fields, &[vec![0], vec![1]]);
    let links = link(&fields, &blocking, &units(), Seed::root(1));
    let all = link(&fields, &Blocking::all(2 * PEOPLE, PEOPLE), &units(), Seed::root(1));
    assert!(links.pairs <= blocking.bound() && links.pairs * 10 < all.pairs);
    let ((some, ..), (first, ..)) = (score(&links), score(&all));
    assert!(some <= first && some * 10 > first * 9, "{some} of {first}");
    for (within, whole) in links.model.m.iter().zip(&all.model.m) {
        assert!((within[1] - whole[1]).abs() < 0.06, "{within:?} {whole:?}");
    }
    assert!((links.model.lambda / all.model.lambda - 1.0).abs() < 0.2, "{} {}", links.model.lambda, all.model.lambda);
}

/// Two values per column cannot tell 300 people apart: EM would fit anything, so it is not asked.
#[test]
fn too_little_to_learn_from_is_not_learned_from() {
    let links = link(&people(2, 2), &Blocking::all(2 * PEOPLE, PEOPLE), &units(), Seed::root(1));
    assert_eq!(links.learned, Learned::Expected);
    let claimed = links.one_to_one(0.5);
    assert!(claimed.iter().all(Option::is_none), "nobody can be claimed");
    assert!(links.best.iter().all(|best| best.len() == 16 && best.iter().all(|candidate| candidate.posterior < 0.5)));
}

/// A rare value says more: with the same pattern, the rare one has the larger weight.
#[test]
fn rare_values_weigh_more() {
    let right: Vec<u32> = (0..100).map(|row| u32::from(row == 0)).collect();
    let field = Field { left: vec![0, 1], right, domain: Domain::Exact(2) };
    let links = link(&[field], &Blocking::all(2, 100), &(0..100).collect::<Vec<_>>(), Seed::root(1));
    let [common, rare] = [0, 1].map(|left: usize| links.best[left][0]);
    assert!((rare.weight - common.weight - 99_f64.log2()).abs() < 1e-9);
    assert_eq!(rare.unit, 0);
}

/// Values of which each is one person's: strangers never agree, and the weights stay finite.
#[test]
fn unique_values_find_their_owner() {
    let own: Vec<u32> = (0..PEOPLE as u32).collect();
    let fields = [0, 1].map(|_| Field { left: own.clone(), right: own.clone(), domain: Domain::Exact(PEOPLE) });
    let links = link(&fields, &Blocking::all(PEOPLE, PEOPLE), &own, Seed::root(1));
    let found = links.one_to_one(0.5);
    assert!(
        (0..PEOPLE).all(|left| found[left].is_some_and(|link| link.unit as usize == left && link.weight.is_finite()))
    );
}

/// A unit with several records counts once, with all its odds.
#[test]
fn units_are_counted_not_records() {
    let field = Field { left: vec![0], right: vec![0, 0, 0, 1], domain: Domain::Exact(2) };
    let links = link(&[field], &Blocking::all(1, 4), &[7, 7, 8, 9], Seed::root(1));
    let best = &links.best[0];
    assert_eq!(best.len(), 3);
    let of = |unit: u32| best.iter().find(|candidate| candidate.unit == unit).unwrap();
    assert!((of(7).posterior / of(8).posterior - 2.0).abs() < 1e-9);
    assert!(best.iter().map(|candidate| candidate.posterior).sum::<f64>() < 1.0);
}

#[test]
fn no_thread_count_changes_a_link() {
    let fields = people(3, 10);
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| link(&fields, &Blocking::on(&fields, &[vec![0, 1], vec![2]]), &units(), Seed::root(5)))
    };
    assert_eq!(on(1), on(3));
}
