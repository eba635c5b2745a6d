//! Neighbours of records: copies with a little noise, each column by its kind.
//!
//! Every cell's noise comes from a stream of its own column and record, so that neither the order in which records are
//! asked about nor the number of threads changes a copy.

use rand::Rng;
use rayon::prelude::*;
use serde::Deserialize;

use crate::data::{Cells, Column, Features, MISSING, Table};
use crate::seed::{Seed, Stream};
use crate::stats::interval::normal_quantile;
use crate::tensor::{Tensor, Values};

/// Probability that a text is replaced by one drawn from its column.
pub(super) const RESAMPLE: f64 = 0.05;

/// How much noise.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct Noise {
    /// Probability that a cell of a column with two values takes the other one.
    pub(super) flip: f64,
    /// Standard deviation of what is added to a number, in standard deviations of its column.
    pub(super) scale: f64,
}

/// What happens to the cells of a column.
enum Change {
    /// The other one of two values.
    Flip { probability: f64, low: f64, high: f64 },
    /// Normal noise; whole numbers stay whole and within the range of the column.
    Shift { deviation: f64, whole: Option<(f64, f64)> },
    /// A text drawn from these codes.
    Resample { codes: Vec<u32> },
}

/// Records that can be copied with noise.
pub(super) struct Neighbours<'a> {
    features: &'a Features,
    /// One per column; a single one for tensors.
    changes: Vec<Change>,
    seed: Seed,
}

impl<'a> Neighbours<'a> {
    /// Learns how each column varies over all records; nothing for tensors of texts.
    pub(super) fn of(features: &'a Features, noise: Noise, seed: Seed) -> Option<Self> {
        let changes = match features {
            Features::Table(table) => table.columns().par_iter().map(|c| Change::of_cells(&c.cells, noise)).collect(),
            Features::Tensor(tensor) => vec![Change::of_numbers(&tensor.to_f64()?, noise)],
        };
        Some(Self { features, changes, seed })
    }

    /// `copies` noisy copies of each of the rows, those of one row together.
    pub(super) fn of_rows(&self, rows: &[usize], copies: usize) -> Features {
        match self.features {
            Features::Table(table) => {
                let changed = |(column, change): (&Column, &Change)| {
                    let seed = self.seed.derive(&column.name);
                    Column { name: column.name.clone(), cells: change.cells(&column.cells, rows, copies, seed) }
                };
                Features::Table(Table::new(table.columns().par_iter().zip(&self.changes).map(changed).collect()))
            }
            Features::Tensor(tensor) => Features::Tensor(self.tensor(tensor, rows, copies)),
        }
    }

    fn tensor(&self, tensor: &Tensor, rows: &[usize], copies: usize) -> Tensor {
        let [change] = &self.changes[..] else { return tensor.take(&[]) };
        let noisy = |&row: &usize| {
            let mut stream = stream(self.seed, row);
            let clean = tensor.take(&[row]).to_f64().unwrap_or_default();
            let copy = |_| clean.iter().map(|&value| change.number(value, &mut stream)).collect::<Vec<f64>>();
            (0..copies).flat_map(copy).collect::<Vec<f64>>()
        };
        // As 64-bit floats, which the encoder turns into the element type of the model's input.
        let values: Vec<Vec<f64>> = rows.par_iter().map(noisy).collect();
        Tensor { row_shape: tensor.row_shape.clone(), values: Values::F64(values.concat()) }
    }
}

impl Change {
    fn of_cells(cells: &Cells, noise: Noise) -> Self {
        match cells {
            Cells::Text { codes, .. } => {
                Self::Resample { codes: codes.iter().copied().filter(|&code| code != MISSING).collect() }
            }
            Cells::Bool(_) => Self::Flip { probability: noise.flip, low: 0.0, high: 1.0 },
            Cells::Integer(values) => {
                Self::of_numbers(&values.iter().flatten().map(|&value| value as f64).collect::<Vec<f64>>(), noise)
            }
            Cells::Float(values) => Self::of_numbers(values, noise),
        }
    }

    fn of_numbers(values: &[f64], noise: Noise) -> Self {
        let known: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
        let (low, high) =
            known.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), &value| (a.min(value), b.max(value)));
        if low < high && known.iter().all(|&value| value == low || value == high) {
            return Self::Flip { probability: noise.flip, low, high };
        }
        let count = known.len().max(1) as f64;
        let mean = known.iter().sum::<f64>() / count;
        let deviation = (known.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt();
        let whole = low <= high && known.iter().all(|value| value.fract() == 0.0);
        Self::Shift { deviation: noise.scale * deviation, whole: whole.then_some((low, high)) }
    }

    /// The noisy copies of a column's cells. What is missing stays missing.
    fn cells(&self, cells: &Cells, rows: &[usize], copies: usize, seed: Seed) -> Cells {
        match cells {
            Cells::Text { codes, dictionary } => Cells::Text {
                codes: each(rows, copies, seed, |row, stream| self.text(codes[row], stream)),
                dictionary: dictionary.clone(),
            },
            Cells::Integer(values) => Cells::Integer(each(rows, copies, seed, |row, stream| {
                values[row].map(|value| self.number(value as f64, stream) as i64)
            })),
            Cells::Float(values) => {
                Cells::Float(each(rows, copies, seed, |row, stream| self.number(values[row], stream)))
            }
            Cells::Bool(values) => Cells::Bool(each(rows, copies, seed, |row, stream| {
                values[row].map(|value| self.number(f64::from(u8::from(value)), stream) > 0.5)
            })),
        }
    }

    fn number(&self, value: f64, stream: &mut Stream) -> f64 {
        if !value.is_finite() {
            return value;
        }
        match self {
            Self::Flip { probability, low, high } if uniform(stream) < *probability => {
                if value == *low {
                    *high
                } else {
                    *low
                }
            }
            Self::Shift { deviation, whole } => {
                let moved = value + deviation * normal_quantile(uniform(stream));
                whole.map_or(moved, |(low, high)| moved.round().clamp(low, high))
            }
            Self::Flip { .. } | Self::Resample { .. } => value,
        }
    }

    fn text(&self, code: u32, stream: &mut Stream) -> u32 {
        match self {
            Self::Resample { codes } if code != MISSING && uniform(stream) < RESAMPLE => {
                codes[below(codes.len(), stream)]
            }
            _ => code,
        }
    }
}

/// One value per row and copy, each row from a stream of its own.
fn each<T>(rows: &[usize], copies: usize, seed: Seed, mut value: impl FnMut(usize, &mut Stream) -> T) -> Vec<T> {
    let mut values = Vec::with_capacity(rows.len() * copies);
    for &row in rows {
        let mut stream = stream(seed, row);
        values.extend((0..copies).map(|_| value(row, &mut stream)));
    }
    values
}

/// The random stream of a record.
pub(super) fn stream(seed: Seed, row: usize) -> Stream {
    seed.derive(&row.to_string()).stream()
}

/// A random whole number below `count`, which is not zero.
pub(super) fn below(count: usize, stream: &mut Stream) -> usize {
    ((u64::from(stream.next_u32()) * count as u64) >> 32) as usize
}

/// A random number strictly between 0 and 1.
fn uniform(stream: &mut Stream) -> f64 {
    (f64::from(stream.next_u32()) + 0.5) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    const NOISE: Noise = Noise { flip: 0.03, scale: 0.1 };

    fn table() -> Features {
        let float: Vec<f64> = (0..100).map(|i| if i == 5 { f64::NAN } else { f64::from(i) / 7.0 }).collect();
        let text = Cells::Text {
            codes: (0..100).map(|i| if i == 5 { MISSING } else { i % 3 }).collect(),
            dictionary: Arc::new(["a", "b", "c"].map(str::to_owned).to_vec()),
        };
        let cells = [
            ("float", Cells::Float(float)),
            ("whole", Cells::Integer((0..100).map(|i| (i != 5).then_some(i)).collect())),
            ("two", Cells::Integer((0..100).map(|i| (i != 5).then_some(3 + 4 * (i % 2))).collect())),
            ("bool", Cells::Bool((0..100).map(|i| (i != 5).then_some(i % 2 == 0)).collect())),
            ("text", text),
        ];
        Features::Table(Table::new(cells.map(|(name, cells)| Column { name: name.to_owned(), cells }).to_vec()))
    }

    fn copies(rows: &[usize], copies: usize) -> Table {
        let features = table();
        match Neighbours::of(&features, NOISE, Seed::root(1)).unwrap().of_rows(rows, copies) {
            Features::Table(table) => table,
            Features::Tensor(_) => unreachable!("a table stays one"),
        }
    }

    #[test]
    fn missing_cells_stay_missing() {
        let copies = copies(&[5], 50);
        assert!(copies.columns().iter().all(|column| (0..50).all(|row| column.cells.is_missing(row))));
    }

    /// Rates of 4,000 copies: a flip has 3 %, a text drawn anew 5 % of which a third stay, so 3.3 % (standard errors of
    /// 0.3 %).
    #[test]
    fn cells_change_as_often_as_they_should() {
        let copies = copies(&[2, 4], 2000);
        let Features::Table(clean) = table() else { panic!("a table") };
        let changed = |name: &str| {
            let (noisy, clean) = (&copies.column(name).unwrap().cells, &clean.column(name).unwrap().cells);
            (0..4000).filter(|&row| noisy.text(row) != clean.text([2, 4][row / 2000])).count() as f64 / 4000.0
        };
        assert!((changed("two") - 0.03).abs() < 0.01 && (changed("bool") - 0.03).abs() < 0.01);
        assert!((changed("text") - 0.033).abs() < 0.01);
        assert!(changed("float") > 0.99);
    }

    #[test]
    fn whole_numbers_stay_whole_and_within_their_range() {
        let copies = copies(&[0, 99], 1000);
        let Cells::Integer(values) = &copies.column("whole").unwrap().cells else { panic!("whole numbers") };
        assert!(values.iter().flatten().all(|value| (0..=99).contains(value)));
        assert!(values.iter().flatten().any(|&value| value == 3), "one standard deviation of the noise is 2.9");
        let Cells::Integer(values) = &copies.column("two").unwrap().cells else { panic!("whole numbers") };
        assert!(values.iter().flatten().all(|value| [3, 7].contains(value)));
    }

    #[test]
    fn a_copy_does_not_depend_on_the_company_it_is_made_in() {
        let (alone, together) = (copies(&[7], 10), copies(&[1, 7, 9], 10));
        for (one, other) in alone.columns().iter().zip(together.columns()) {
            let rows: Vec<usize> = (10..20).collect();
            assert!(one.cells == other.cells.take(&rows), "column {}", one.name);
        }
    }

    #[test]
    fn tensors_get_noise_in_proportion_to_their_spread() {
        let values: Vec<f64> = (0..4000).map(|i| f64::from(i % 100) + 0.5).collect(); // standard deviation 28.87
        let features = Features::Tensor(Tensor { row_shape: vec![40], values: Values::F64(values.clone()) });
        let neighbours = Neighbours::of(&features, NOISE, Seed::root(2)).unwrap();
        let Features::Tensor(noisy) = neighbours.of_rows(&[3], 100) else { panic!("tensors stay tensors") };
        let noisy = noisy.to_f64().unwrap();
        let errors: f64 = (0..4000).map(|i| (noisy[i] - values[120 + i % 40]).powi(2)).sum();
        assert!(((errors / 4000.0).sqrt() - 2.887).abs() < 0.2, "{}", (errors / 4000.0).sqrt());
    }
}
