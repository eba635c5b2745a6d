//! The Gaussian copula as a model of the keys of people, missing values among them.

use std::collections::BTreeMap;

use super::copula::{GaussianCopula, correctness_of_key, uniqueness_of_key};
use super::order::levels_in_order;
use super::sample_uniques::{Drawn, NoAnswer, RecordAnswer, RecordModel, answer, replicates};
use crate::equivalence::{Classes, Column, Histogram};
use crate::seed::{Seed, Stream};
use crate::stats::uniform::below;

/// Points of the lattice for one key: on six columns of census data, 2,048 change no mean over sample uniques by 0.0002.
const POINTS: usize = 64;
/// Records x columns^2, times samples drawn, that are affordable: 30,000 records of nine columns take a fortieth.
const BUDGET: f64 = 1e8;
/// Factor below which correlations are shrunk too far.
const SHRUNK: f64 = 0.9;

/// What a Gaussian copula says about the people who are unique in a sample of a population.
///
/// Every record is of another person. `ordered` says which columns have codes in an order that means something; the levels of
/// the others are put into one ([`levels_in_order`]). A missing value is one of its own: which values are missing together is
/// drawn from the sample, and taken to be independent of the others. Keys have their probability by a lattice of 64 points, and
/// at most 2,000 sample uniques are scored.
///
/// Reference: Rocher, Hendrickx and de Montjoye, Nature Communications 10:3069 (2019).
///
/// # Errors
/// [`NoAnswer`].
///
/// # Panics
/// When columns differ in length, or there is not one flag for each.
pub fn copula_answer(
    columns: &[Column],
    ordered: &[bool],
    population: f64,
    seed: Seed,
) -> Result<RecordAnswer, NoAnswer> {
    let (records, m) = (columns.first().map_or(0, Column::len), columns.len() as f64);
    if records as f64 >= population {
        return Err(NoAnswer::Everybody);
    }
    if columns.len() < 2 {
        return Err(NoAnswer::OneColumn);
    }
    let replicates = replicates(records as f64 * m * m, BUDGET).ok_or(NoAnswer::TooLarge)?;
    let mut columns = levels_in_order(columns, ordered);
    // Narrow levels first: what follows then varies less from point to point of the lattice.
    columns.sort_by_key(|column| std::cmp::Reverse(column.levels()));
    let keys = Keys::of(columns);
    let model = KeyCopula::fit(&keys);
    if model.copula.shrunk() < SHRUNK {
        return Err(NoAnswer::Shrunk(model.copula.shrunk()));
    }
    answer(&model, &keys, Drawn { records, population, replicates }, seed)
}

/// People with their keys.
struct Keys {
    columns: Vec<Column>,
    classes: Classes,
}

impl Keys {
    fn of(columns: Vec<Column>) -> Self {
        let classes = Classes::of(&columns.iter().collect::<Vec<_>>(), None);
        Self { columns, classes }
    }

    fn len(&self) -> usize {
        self.classes.of_record().len()
    }

    fn key(&self, row: usize) -> Vec<Option<u32>> {
        self.columns.iter().map(|column| (!column.is_missing(row)).then(|| column.code(row))).collect()
    }
}

/// A copula of the values, and which of them are missing together; the two are taken to be independent.
struct KeyCopula {
    copula: GaussianCopula,
    /// Patterns of missing values, with the share of people that have them.
    patterns: BTreeMap<Vec<bool>, f64>,
    /// Pattern of each person, as the patterns are numbered.
    like: Vec<u32>,
    /// Levels of each column, and the code of a missing value.
    shape: Vec<(u32, Option<u32>)>,
}

impl KeyCopula {
    fn fit(keys: &Keys) -> Self {
        let pattern = |row: usize| -> Vec<bool> { keys.columns.iter().map(|column| column.is_missing(row)).collect() };
        let mut patterns: BTreeMap<Vec<bool>, f64> = BTreeMap::new();
        (0..keys.len()).for_each(|row| *patterns.entry(pattern(row)).or_default() += 1.0);
        patterns.values_mut().for_each(|count| *count /= keys.len() as f64);
        let number: BTreeMap<&Vec<bool>, u32> = patterns.keys().zip(0..).collect();
        let like = (0..keys.len()).map(|row| number[&pattern(row)]).collect();
        let missing =
            |column: &Column| (0..column.len()).find(|&row| column.is_missing(row)).map(|row| column.code(row));
        let shape = keys.columns.iter().map(|column| (column.levels(), missing(column))).collect();
        Self { copula: GaussianCopula::fit(&keys.columns), patterns, like, shape }
    }

    /// Probability of a key.
    fn share(&self, key: &[Option<u32>]) -> f64 {
        let pattern: Vec<bool> = key.iter().map(Option::is_none).collect();
        self.patterns.get(&pattern).copied().unwrap_or(0.0) * self.copula.share_by(key, POINTS)
    }
}

impl RecordModel for KeyCopula {
    type Sample = Keys;

    fn sizes(sample: &Keys) -> Histogram {
        Histogram::of_sizes(sample.classes.records().iter().copied())
    }

    fn draw(&self, stream: &mut Stream) -> Keys {
        let patterns: Vec<&Vec<bool>> = self.patterns.keys().collect();
        let n = self.like.len();
        let mut codes: Vec<Vec<u32>> = vec![Vec::with_capacity(n); self.shape.len()];
        for _ in 0..n {
            let pattern = patterns[if patterns.len() == 1 { 0 } else { self.like[below(n, stream)] as usize }];
            for (at, code) in self.copula.draw(stream).into_iter().enumerate() {
                codes[at].push(match self.shape[at].1 {
                    Some(missing) if pattern[at] => missing,
                    _ => code,
                });
            }
        }
        let column =
            |(codes, (levels, missing)): (Vec<u32>, &(u32, Option<u32>))| Column::new(codes, *levels, *missing);
        Keys::of(codes.into_iter().zip(&self.shape).map(column).collect())
    }

    fn again(&self, sample: &Keys) -> Option<Self> {
        Some(Self::fit(sample))
    }

    fn risks(&self, sample: &Keys, others: f64, most: usize) -> Vec<[f64; 2]> {
        let alone = sample.classes.records().iter().zip(sample.classes.first()).filter(|(size, _)| **size == 1);
        let rows: Vec<usize> = alone.map(|(_, &row)| row as usize).collect();
        let step = rows.len().div_ceil(most).max(1);
        let risk = |&row: &usize| {
            let share = self.share(&sample.key(row));
            [uniqueness_of_key(share, others + 1.0), correctness_of_key(share, others + 1.0)]
        };
        rows.iter().step_by(step).map(risk).collect()
    }
}
