//! Linking two files: patterns counted, the model learned, the best candidates of every left record kept.

use std::collections::HashMap;

use rand::Rng;
use rayon::prelude::*;

use super::blocking::Blocking;
use super::field::{Compared, Field, MISSING};
use super::model::{LEAST, Learning, Model, Strangers};
use super::patterns::Patterns;
use crate::seed::Seed;
use crate::stats::uniform::below;

/// Most fields: the levels of all of them are the digits of one 64-bit number.
pub const MOST_FIELDS: usize = 24;
/// Best units kept per left record.
const KEPT: usize = 16;
/// Random pairs that show how often strangers agree, where not all pairs are compared.
const RANDOM_PAIRS: usize = 200_000;
/// Share of matches that agree exactly, before anything is learned.
const AGREEMENT: f64 = 0.9;
/// Patterns that are counted in a plain table.
const DENSE: u64 = 1 << 20;
/// Parts of the work: fixed, so that sums do not depend on the number of threads.
const PARTS: usize = 8;

/// How the model came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Learned {
    /// By EM.
    Em,
    /// Not at all: no pattern would more likely than not be a match, so EM would fit the dependence between columns instead of
    /// the matches; m is what an attacker expects, u what random pairs show.
    Expected,
}

/// A right unit that could be the one of a left record.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// The unit.
    pub unit: u32,
    /// Match weight in bits of its best record.
    pub weight: f64,
    /// Probability that it is the one, given that at most one unit is.
    pub posterior: f64,
    /// Fields in which its best record agrees ([`super::Domain::least_agreement`]).
    pub agreeing: u8,
    /// Order among equal weights: random, and the same in every run.
    lot: u64,
}

/// Two linked files.
#[derive(Debug, Clone, PartialEq)]
pub struct Links {
    /// The model; its share of matches speaks of all pairs.
    pub model: Model,
    /// How it came about.
    pub learned: Learned,
    /// Pairs that were compared.
    pub pairs: u64,
    /// Distinct patterns among them.
    pub patterns: usize,
    /// At `[a]` the pairs that agree in `a` fields ([`super::Domain::least_agreement`]); a missing side is no agreement.
    pub agreeing: Vec<u64>,
    /// Pairs of distinct values that were compared.
    pub values: usize,
    /// For each left record the best units, best first, 16 at most.
    pub best: Vec<Vec<Candidate>>,
}

/// Links the records of a left file to the units (people) of a right one, of which each right record belongs to one.
///
/// Compares the pairs of `blocking`. u is what random pairs show (all pairs where all are compared); m is learned by EM, within
/// each block on the fields that the block is not made of; the share of matches follows from the blocks' shares and the
/// probability that a match falls into its block. Exact agreement on a rare value weighs more: u of the exact level is
/// replaced by the value's frequency in the right file. O(pairs x fields) + O(patterns x fields) a step of EM.
///
/// # Panics
/// When there are more than [`MOST_FIELDS`] fields, or lengths differ.
pub fn link(fields: &[Field], blocking: &Blocking, right_unit: &[u32], seed: Seed) -> Links {
    assert!(fields.len() <= MOST_FIELDS, "the levels of all fields fit one number");
    assert_eq!(blocking.rights(), right_unit.len(), "each right record has a unit");
    let work = Work::new(fields, blocking);
    let patterns = work.count(blocking);
    let units = distinct(right_unit).max(1) as f64;
    let rows_per_unit = right_unit.len() as f64 / units;
    let most_matches = (blocking.lefts() as f64 * rows_per_unit).max(1.0);
    let all = (blocking.lefts() as f64 * blocking.rights() as f64).max(1.0);
    let u = work.strangers(&patterns, blocking, seed.derive("random pairs"));
    let start = Model::expecting(AGREEMENT, (most_matches / all).min(0.5), u);
    let stands_out = patterns.iter().any(|(pattern, _)| start.posterior(pattern) >= 0.5);
    let (model, learned) = if stands_out {
        (work.learn(start, &patterns, blocking, most_matches), Learned::Em)
    } else {
        (start, Learned::Expected)
    };
    let model = model.ordered();
    let best = work.best(&model, &patterns, blocking, right_unit, seed.derive("ties"));
    let values = work.compared.iter().map(Compared::compared).sum();
    let mut agreeing = vec![0; fields.len() + 1];
    patterns.iter().for_each(|(pattern, count)| agreeing[usize::from(work.agreeing(pattern))] += count);
    Links { model, learned, pairs: patterns.pairs(), patterns: patterns.iter().count(), agreeing, values, best }
}

fn distinct(units: &[u32]) -> usize {
    let mut units = units.to_vec();
    units.sort_unstable();
    units.dedup();
    units.len()
}

struct Work<'f> {
    fields: &'f [Field],
    compared: Vec<Compared>,
    strides: Vec<u64>,
    space: u64,
}

impl<'f> Work<'f> {
    fn new(fields: &'f [Field], blocking: &Blocking) -> Self {
        let compared = if blocking.keys().is_empty() {
            fields.iter().map(Compared::fully).collect()
        } else {
            let candidates: Vec<Vec<u32>> =
                (0..blocking.lefts()).into_par_iter().map(|left| blocking.candidates(left)).collect();
            fields.iter().map(|field| Compared::within(field, &candidates)).collect()
        };
        let mut space = 1;
        let strides = fields
            .iter()
            .map(|field| {
                let stride = space;
                space *= u64::from(field.domain.levels()) + 1;
                stride
            })
            .collect();
        Self { fields, compared, strides, space }
    }

    /// The levels that a number stands for.
    fn digits(&self, number: u64) -> Vec<u8> {
        let digit = |(stride, field): (&u64, &Field)| (number / stride % (u64::from(field.domain.levels()) + 1)) as u8;
        self.strides.iter().zip(self.fields).map(digit).collect()
    }

    /// Fields in which a pattern agrees.
    fn agreeing(&self, pattern: &[u8]) -> u8 {
        let agrees = |(level, field): &(&u8, &Field)| **level >= field.domain.least_agreement();
        pattern.iter().zip(self.fields).filter(agrees).count() as u8
    }

    /// The pattern numbers of a left record with its candidates.
    fn numbers(&self, left: usize, candidates: &[u32], numbers: &mut Vec<u64>) {
        numbers.clear();
        numbers.resize(candidates.len(), 0);
        for (compared, stride) in self.compared.iter().zip(&self.strides) {
            compared.add(left, candidates, *stride, numbers);
        }
    }

    /// Left records in a fixed number of parts.
    fn parts(blocking: &Blocking) -> Vec<std::ops::Range<usize>> {
        let size = blocking.lefts().div_ceil(PARTS).max(1);
        (0..blocking.lefts()).step_by(size).map(|start| start..(start + size).min(blocking.lefts())).collect()
    }

    fn count(&self, blocking: &Blocking) -> Patterns {
        let counted: Vec<Vec<(u64, u64)>> =
            Self::parts(blocking).into_par_iter().map(|part| self.count_part(part, blocking)).collect();
        let levels = self.fields.iter().map(|field| field.domain.levels()).collect();
        let all = counted.into_iter().flatten().map(|(number, count)| (self.digits(number), count));
        Patterns::of(levels, all.collect())
    }

    fn count_part(&self, part: std::ops::Range<usize>, blocking: &Blocking) -> Vec<(u64, u64)> {
        let mut numbers = Vec::new();
        let mut plain = vec![0_u64; if self.space <= DENSE { self.space as usize } else { 0 }];
        let mut sparse: HashMap<u64, u64> = HashMap::new();
        for left in part {
            let candidates = blocking.candidates(left);
            self.numbers(left, &candidates, &mut numbers);
            if plain.is_empty() {
                numbers.iter().for_each(|&number| *sparse.entry(number).or_insert(0) += 1);
            } else {
                numbers.iter().for_each(|&number| plain[number as usize] += 1);
            }
        }
        let seen = plain.into_iter().enumerate().filter(|(_, count)| *count > 0);
        seen.map(|(number, count)| (number as u64, count)).chain(sparse).collect()
    }

    /// How often strangers agree: levels among random pairs, or among all where all are compared. Half a pair is added to
    /// every level, so that none is impossible.
    fn strangers(&self, patterns: &Patterns, blocking: &Blocking, seed: Seed) -> Vec<Vec<f64>> {
        let mut counts: Vec<Vec<f64>> =
            self.fields.iter().map(|field| vec![0.5; usize::from(field.domain.levels())]).collect();
        if blocking.keys().is_empty() {
            for (pattern, count) in patterns.iter() {
                for (of, &level) in counts.iter_mut().zip(pattern).filter(|(_, level)| **level > 0) {
                    of[usize::from(level) - 1] += count as f64;
                }
            }
        } else if blocking.lefts() > 0 && blocking.rights() > 0 {
            let mut stream = seed.stream();
            let each = RANDOM_PAIRS.div_ceil(blocking.lefts());
            let rights = blocking.rights();
            let drawn: Vec<Vec<u32>> =
                (0..blocking.lefts()).map(|_| (0..each).map(|_| below(rights, &mut stream) as u32).collect()).collect();
            for (of, field) in counts.iter_mut().zip(self.fields) {
                let compared = Compared::within(field, &drawn);
                let mut levels = Vec::new();
                for (left, others) in drawn.iter().enumerate() {
                    levels.clear();
                    levels.resize(others.len(), 0);
                    compared.add(left, others, 1, &mut levels);
                    levels.iter().filter(|&&level| level > 0).for_each(|&level| of[level as usize - 1] += 1.0);
                }
            }
        }
        let shares = |of: Vec<f64>| {
            let total: f64 = of.iter().sum();
            of.into_iter().map(|count| count / total).collect()
        };
        counts.into_iter().map(shares).collect()
    }

    /// EM on all pairs, or within each key's blocks.
    fn learn(&self, start: Model, patterns: &Patterns, blocking: &Blocking, most_matches: f64) -> Model {
        let all = blocking.lefts() as f64 * blocking.rights() as f64;
        if blocking.keys().is_empty() {
            let learning = Learning {
                most_lambda: (most_matches / all).min(1.0),
                tolerance: 1e-7,
                steps: 300,
                ..Learning::default()
            };
            return start.learn(patterns, learning).model;
        }
        let mut sums: Vec<Vec<f64>> = start.m.iter().map(|of| vec![0.0; of.len()]).collect();
        let mut sessions = vec![0_usize; self.fields.len()];
        let mut matches = Vec::new();
        for (at, key) in blocking.keys().into_iter().enumerate() {
            let block = self.count(&blocking.only(at)).without(key);
            let pairs = block.pairs() as f64;
            if pairs == 0.0 {
                continue;
            }
            let most_lambda = (most_matches / pairs).min(0.999);
            let begin = Model { lambda: most_lambda / 2.0, ..start.clone() };
            let learning = Learning { u: Strangers::Kept, most_lambda, tolerance: 1e-7, steps: 300 };
            let fit = begin.learn(&block, learning).model;
            for field in (0..self.fields.len()).filter(|field| !key.contains(field)) {
                sums[field].iter_mut().zip(&fit.m[field]).for_each(|(sum, m)| *sum += m);
                sessions[field] += 1;
            }
            matches.push((key.to_vec(), fit.lambda * pairs));
        }
        let mean = |((sum, &count), before): ((Vec<f64>, &usize), &Vec<f64>)| match count {
            0 => before.clone(),
            count => sum.into_iter().map(|m| m / count as f64).collect(),
        };
        let m: Vec<Vec<f64>> = sums.into_iter().zip(&sessions).zip(&start.m).map(mean).collect();
        let reached = |key: &[usize]| key.iter().map(|&field| m[field].last().copied().unwrap_or(1.0)).product::<f64>();
        let mut found: Vec<f64> = matches.iter().map(|(key, count)| count / reached(key).max(0.1)).collect();
        found.sort_by(f64::total_cmp);
        let found = found.get(found.len() / 2).copied().unwrap_or(most_matches).min(most_matches);
        Model { lambda: (found / all).clamp(1.0 / all.max(2.0), 0.5), m, ..start }
    }

    /// How much exact agreement of a left record's value adds for its rarity, in bits; per field.
    fn rarity(&self, model: &Model) -> Vec<Vec<f64>> {
        let one = |(field, u): (&Field, &Vec<f64>)| {
            let mut counts = vec![0_u32; field.domain.len()];
            let known = field.right.iter().filter(|&&code| code != MISSING);
            let total = known.map(|&code| counts[code as usize] += 1).count() as f64;
            let exact = u.last().copied().unwrap_or(1.0).max(LEAST);
            let gain = |&code: &u32| match counts.get(code as usize) {
                Some(&count) if count > 0 => (exact * total / f64::from(count)).log2(),
                _ => 0.0,
            };
            field.left.iter().map(gain).collect()
        };
        self.fields.iter().zip(&model.u).map(one).collect()
    }

    fn best(
        &self,
        model: &Model,
        patterns: &Patterns,
        blocking: &Blocking,
        right_unit: &[u32],
        seed: Seed,
    ) -> Vec<Vec<Candidate>> {
        let lookup = Lookup::new(self, model, patterns);
        let rarity = self.rarity(model);
        let prior = model.prior_weight();
        let ties = seed.stream().next_u64();
        let part = |part: std::ops::Range<usize>| {
            let mut numbers = Vec::new();
            part.map(|left| {
                let candidates = blocking.candidates(left);
                self.numbers(left, &candidates, &mut numbers);
                let gains: Vec<f64> = rarity.iter().map(|of| of[left]).collect();
                let mut shortlist = Shortlist::default();
                for (&number, &right) in numbers.iter().zip(&candidates) {
                    let known = lookup.at(number);
                    let (mut weight, mut equal) = (known.weight, known.equal);
                    while equal != 0 {
                        weight += gains[equal.trailing_zeros() as usize];
                        equal &= equal - 1;
                    }
                    let unit = right_unit[right as usize];
                    let lot = mix(ties ^ mix((left as u64) << 32 | u64::from(unit)));
                    let odds = (weight + prior).exp2();
                    shortlist.offer(Candidate { unit, weight, posterior: odds, agreeing: known.agreeing, lot });
                }
                shortlist.settled()
            })
            .collect::<Vec<Vec<Candidate>>>()
        };
        Self::parts(blocking).into_par_iter().map(part).collect::<Vec<_>>().concat()
    }
}

/// What is known of a pattern.
#[derive(Clone, Copy)]
struct Known {
    weight: f64,
    /// The fields in which it agrees exactly, as the bits of a word.
    equal: u32,
    agreeing: u8,
}

/// What is known of each pattern.
struct Lookup {
    entries: Vec<Known>,
    plain: Vec<u32>,
    sparse: HashMap<u64, u32>,
}

impl Lookup {
    fn new(work: &Work<'_>, model: &Model, patterns: &Patterns) -> Self {
        let entry = |pattern: &[u8]| {
            let equal = pattern.iter().zip(patterns.levels()).enumerate();
            let equal =
                equal.filter(|(_, (level, most))| level == most).fold(0, |bits, (field, _)| bits | 1_u32 << field);
            Known { weight: model.weight(pattern), equal, agreeing: work.agreeing(pattern) }
        };
        let entries: Vec<Known> = patterns.iter().map(|(pattern, _)| entry(pattern)).collect();
        let number =
            |pattern: &[u8]| pattern.iter().zip(&work.strides).map(|(&level, stride)| u64::from(level) * stride).sum();
        let numbered = patterns.iter().map(|(pattern, _)| number(pattern)).zip(0_u32..);
        let (mut plain, mut sparse) = (Vec::new(), HashMap::new());
        if work.space <= DENSE {
            plain = vec![0; work.space as usize];
            numbered.for_each(|(number, at): (u64, u32)| plain[number as usize] = at);
        } else {
            sparse = numbered.collect();
        }
        Self { entries, plain, sparse }
    }

    fn at(&self, number: u64) -> Known {
        let at = if self.plain.is_empty() { self.sparse[&number] } else { self.plain[number as usize] };
        self.entries[at as usize]
    }
}

/// The best units of one left record.
#[derive(Default)]
struct Shortlist {
    best: Vec<Candidate>,
    /// Odds of all units together.
    odds: f64,
}

impl Shortlist {
    /// A record of a unit; `posterior` holds the sum of its odds until the list is settled.
    fn offer(&mut self, mut entry: Candidate) {
        self.odds += entry.posterior;
        let rank = |candidate: &Candidate| (candidate.weight, candidate.lot);
        let full = self.best.len() == KEPT;
        if full && self.best.last().is_some_and(|last| rank(last) > rank(&entry)) {
            return;
        }
        if let Some(at) = self.best.iter().position(|known| known.unit == entry.unit) {
            let known = self.best.remove(at);
            let odds = entry.posterior + known.posterior;
            entry = Candidate { posterior: odds, ..if known.weight > entry.weight { known } else { entry } };
        } else if full {
            self.best.pop();
        }
        let at = self.best.partition_point(|known| rank(known) > rank(&entry));
        self.best.insert(at, entry);
    }

    fn settled(mut self) -> Vec<Candidate> {
        // Odds beyond all bounds are certainty.
        let share = |odds: f64| if odds.is_finite() { odds / (1.0 + self.odds) } else { 1.0 };
        self.best.iter_mut().for_each(|candidate| candidate.posterior = share(candidate.posterior));
        self.best
    }
}

/// A bijective mixing of 64 bits (`SplitMix64`): a lot that depends on nothing but its ticket.
fn mix(ticket: u64) -> u64 {
    let mut z = ticket.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Links {
    /// The links of at least this posterior, each unit linked once, the largest weights first (greedy).
    ///
    /// O(candidates log candidates).
    pub fn one_to_one(&self, least: f64) -> Vec<Option<Candidate>> {
        let mut offers: Vec<(usize, &Candidate)> = self
            .best
            .iter()
            .enumerate()
            .flat_map(|(left, best)| best.iter().map(move |candidate| (left, candidate)))
            .filter(|(_, candidate)| candidate.posterior >= least)
            .collect();
        offers.sort_by(|(a_left, a), (b_left, b)| {
            b.weight.total_cmp(&a.weight).then(b.lot.cmp(&a.lot)).then(a_left.cmp(b_left))
        });
        let units = offers.iter().map(|(_, candidate)| candidate.unit as usize + 1).max().unwrap_or(0);
        let mut taken = vec![false; units];
        let mut links = vec![None; self.best.len()];
        for (left, candidate) in offers {
            if links[left].is_none() && !taken[candidate.unit as usize] {
                taken[candidate.unit as usize] = true;
                links[left] = Some(*candidate);
            }
        }
        links
    }
}
