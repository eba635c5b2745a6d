//! What the tests of the learners share: tables to learn from, and laws that hold for all of them.

use std::sync::Arc;

use rand::Rng;

use super::{Encoded, Learner, Regressor};
use crate::data::Cells;
use crate::seed::Seed;

/// Uniform numbers from 0 to 1.
pub(super) fn noise(rows: usize, seed: u64) -> Vec<f64> {
    let mut stream = Seed::root(seed).stream();
    (0..rows).map(|_| f64::from(stream.next_u32()) / f64::from(u32::MAX)).collect()
}

/// A column of texts with the given number of levels.
pub(super) fn texts(rows: usize, levels: u32, seed: u64) -> Cells {
    let codes = noise(rows, seed).into_iter().map(|v| ((v * f64::from(levels)) as u32).min(levels - 1)).collect();
    Cells::Text { codes, dictionary: Arc::default() }
}

/// A table of three columns, and whether one of the first two numbers, but not both, is large.
pub(super) fn exclusive_or(rows: usize) -> (Encoded, Vec<u32>) {
    let (a, b, c) = (noise(rows, 1), noise(rows, 2), noise(rows, 3));
    let mut data = Encoded::new(rows);
    [&a, &b, &c].into_iter().for_each(|column| data.push_numbers(column));
    (data, a.iter().zip(&b).map(|(a, b)| u32::from((*a > 0.5) != (*b > 0.3))).collect())
}

/// A table of numbers, flags and texts, and three classes that depend on all of them.
pub(super) fn mixed(rows: usize) -> (Encoded, Vec<u32>) {
    let (a, b) = (noise(rows, 4), noise(rows, 5));
    let flag: Vec<f64> = noise(rows, 6).into_iter().map(|v| f64::from(u8::from(v > 0.7))).collect();
    let text = texts(rows, 12, 7);
    let mut data = Encoded::new(rows);
    [&a, &b, &flag].into_iter().for_each(|column| data.push_numbers(column));
    data.push(&[&text]);
    let Cells::Text { codes, .. } = &text else { unreachable!("a column of texts") };
    let label = |row: usize| {
        let sum = a[row] + 0.5 * flag[row] + if codes[row].is_multiple_of(3) { 0.9 } else { 0.0 };
        u32::from(sum > 0.5) + u32::from(sum > 1.2)
    };
    (data, (0..rows).map(label).collect())
}

/// The share of `rows` whose most probable class is the right one.
pub(super) fn accuracy(probabilities: &[f64], rows: &[usize], labels: &[u32]) -> f64 {
    let guesses = probabilities.chunks(probabilities.len() / rows.len()).map(crate::model::largest);
    guesses.zip(rows).filter(|(guess, row)| *guess == labels[**row]).count() as f64 / rows.len() as f64
}

/// The share of right guesses about the second half after learning from the first.
pub(super) fn held_out(learner: &dyn Learner, (data, labels): &(Encoded, Vec<u32>), classes: usize) -> f64 {
    let rows: Vec<usize> = (0..labels.len()).collect();
    let (train, test) = rows.split_at(labels.len() / 2);
    let model = learner.fit(data, train, labels, classes, Seed::root(1));
    accuracy(&model.probabilities(data, test), test, labels)
}

fn on_threads<T: Send>(work: impl Fn() -> T + Sync) -> [T; 2] {
    [1, 2].map(|threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads start");
        pool.install(&work)
    })
}

/// One thread and two give the same probabilities to the last bit.
pub(super) fn same_on_any_threads(learner: &dyn Learner) {
    let (data, labels) = mixed(900);
    let rows: Vec<usize> = (0..900).collect();
    let [one, two] =
        on_threads(|| learner.fit(&data, &rows[..600], &labels, 3, Seed::root(1)).probabilities(&data, &rows));
    assert!(one.iter().zip(&two).all(|(a, b)| a.to_bits() == b.to_bits()));
    assert!(one.chunks(3).all(|row| (row.iter().sum::<f64>() - 1.0).abs() < 1e-6), "rows sum to one");
}

/// One thread and two give the same values to the last bit.
pub(super) fn same_values_on_any_threads(regressor: &dyn Regressor) {
    let (data, _) = mixed(900);
    let targets = noise(900, 9);
    let rows: Vec<usize> = (0..900).collect();
    let [one, two] = on_threads(|| regressor.fit(&data, &rows[..600], &targets, Seed::root(1)).values(&data, &rows));
    assert!(one.iter().zip(&two).all(|(a, b)| a.to_bits() == b.to_bits()));
}

/// A class without rows, two classes of which one is absent, and no rows at all still give probabilities.
pub(super) fn survives_absent_classes(learner: &dyn Learner) {
    let (data, labels) = mixed(300);
    let all: Vec<usize> = (0..300).collect();
    let ones: Vec<usize> = all.iter().copied().filter(|&row| labels[row] == 1).collect();
    for (rows, classes) in [(&all[..], 5), (&ones[..], 2), (&[], 2), (&[], 3)] {
        let p = learner.fit(&data, rows, &labels, classes, Seed::root(1)).probabilities(&data, &all);
        assert_eq!(p.len(), 300 * classes);
        assert!(p.iter().all(|p| (0.0..=1.0).contains(p)), "{classes} classes of {} rows", rows.len());
    }
}
