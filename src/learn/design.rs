//! Rows as linear learners and networks need them: a few standardised numbers and a list of indicators that are on.
//!
//! A text column becomes an indicator per level; levels of a single row share one, so that no feature stands for one
//! person. Columns of 0 and 1 are indicators as they are. Other numbers are standardised over all rows; a missing number
//! is the mean, with an indicator of its own. Columns of one value say nothing and are left out.

use super::encoded::Raw;
use crate::data::MISSING;

/// Least rows of a level with an indicator of its own.
const LEAST: usize = 2;
/// The code of an indicator that is off.
const OFF: u32 = u32::MAX;

/// All rows. Features are numbered: standardised columns first, then indicators.
pub(super) struct Design {
    /// Row-major, `rows x numeric`.
    dense: Vec<f32>,
    numeric: usize,
    /// Where the indicators of a row start in `on`; one more than rows.
    starts: Vec<usize>,
    /// Features that are 1.
    on: Vec<u32>,
    /// Row-major, `rows x blocks`: the indicator of each block that is on, or [`OFF`].
    codes: Vec<u32>,
    blocks: usize,
    width: usize,
}

/// A block of indicators of which at most one is on in a row.
struct Indicators {
    /// Per row the indicator, or [`OFF`].
    codes: Vec<u32>,
    levels: u32,
}

impl Design {
    /// Encodes columns of `rows` cells each.
    pub(super) fn new<'a>(columns: impl Iterator<Item = &'a Raw>, rows: usize) -> Self {
        let mut standardised: Vec<Vec<f32>> = Vec::new();
        let mut blocks: Vec<Indicators> = Vec::new();
        for column in columns {
            match column {
                Raw::Codes(codes) => blocks.extend(levels(codes)),
                Raw::Numbers(numbers) if numbers.iter().all(|&v| v == 0.0 || v == 1.0 || !v.is_finite()) => {
                    blocks.extend(flags(numbers.iter().map(|&v| v == 1.0)));
                    blocks.extend(flags(numbers.iter().map(|v| !v.is_finite())));
                }
                Raw::Numbers(numbers) => {
                    standardised.extend(standardise(numbers));
                    blocks.extend(flags(numbers.iter().map(|v| !v.is_finite())));
                }
            }
        }
        let numeric = standardised.len();
        let dense = (0..rows).flat_map(|row| standardised.iter().map(move |column| column[row])).collect();
        let mut firsts = Vec::with_capacity(blocks.len());
        let mut width = numeric as u32;
        for block in &blocks {
            firsts.push(width);
            width += block.levels;
        }
        let (mut starts, mut on) = (vec![0], Vec::new());
        for row in 0..rows {
            let codes = blocks.iter().zip(&firsts).map(|(block, first)| (block.codes[row], first));
            on.extend(codes.filter(|(code, _)| *code != OFF).map(|(code, first)| first + code));
            starts.push(on.len());
        }
        let codes = (0..rows).flat_map(|row| blocks.iter().map(move |block| block.codes[row])).collect();
        Self { dense, numeric, starts, on, codes, blocks: blocks.len(), width: width as usize }
    }

    /// Number of features.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Number of standardised columns, the first features.
    pub(super) fn numeric(&self) -> usize {
        self.numeric
    }

    /// Standardised numbers of a row.
    pub(super) fn numbers(&self, row: usize) -> &[f32] {
        &self.dense[row * self.numeric..(row + 1) * self.numeric]
    }

    /// Number of indicators that are on in one of two rows only. Without branches, which no processor could guess.
    pub(super) fn differing(&self, first: usize, second: usize) -> u32 {
        let codes = |row: usize| &self.codes[row * self.blocks..(row + 1) * self.blocks];
        let apart = |(&a, &b): (&u32, &u32)| u32::from(a != b) * (u32::from(a != OFF) + u32::from(b != OFF));
        codes(first).iter().zip(codes(second)).map(apart).sum()
    }

    /// Features of a row that are 1, in ascending order.
    pub(super) fn on(&self, row: usize) -> &[u32] {
        &self.on[self.starts[row]..self.starts[row + 1]]
    }
}

/// An indicator per level, one for all rare levels and one for missing cells; none where all rows are alike.
fn levels(codes: &[u32]) -> Option<Indicators> {
    let count = codes.iter().filter(|&&code| code != MISSING).max().map_or(0, |&code| code as usize + 1);
    let mut counts = vec![0_usize; count + 1]; // missing cells are the last level
    let place = |code: u32| if code == MISSING { count } else { code as usize };
    codes.iter().for_each(|&code| counts[place(code)] += 1);
    let mut indicator = vec![OFF; count + 1];
    let mut levels = 0;
    for (level, _) in counts.iter().enumerate().filter(|(_, rows)| **rows >= LEAST) {
        indicator[level] = levels;
        levels += 1;
    }
    if counts.iter().any(|rows| (1..LEAST).contains(rows)) {
        indicator.iter_mut().filter(|code| **code == OFF).for_each(|code| *code = levels);
        levels += 1;
    }
    (levels > 1).then(|| Indicators { codes: codes.iter().map(|&code| indicator[place(code)]).collect(), levels })
}

/// One indicator; none where all rows are alike.
fn flags(values: impl Iterator<Item = bool>) -> Option<Indicators> {
    let codes: Vec<u32> = values.map(|value| if value { 0 } else { OFF }).collect();
    let on = codes.iter().filter(|&&code| code == 0).count();
    (on > 0 && on < codes.len()).then_some(Indicators { codes, levels: 1 })
}

/// Numbers with mean 0 and standard deviation 1, the mean where missing; none where they do not vary.
fn standardise(numbers: &[f64]) -> Option<Vec<f32>> {
    let known = || numbers.iter().filter(|v| v.is_finite());
    let count = known().count().max(1) as f64;
    let mean = known().sum::<f64>() / count;
    let deviation = (known().map(|v| (v - mean).powi(2)).sum::<f64>() / count).sqrt();
    // Sums of the largest floats overflow; such a column cannot be scaled.
    if !deviation.is_finite() || deviation <= mean.abs() * 1e-12 {
        return None;
    }
    Some(numbers.iter().map(|v| if v.is_finite() { ((v - mean) / deviation) as f32 } else { 0.0 }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_flags_and_numbers() {
        let columns = [
            Raw::Codes(vec![0, 0, 1, 1, 2, 3, MISSING, MISSING]), // levels 0 and 1, missing, rare (2 and 3)
            Raw::Numbers(vec![0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]),
            Raw::Numbers(vec![1.0, 3.0, 1.0, 3.0, 1.0, 3.0, f64::NAN, 2.0]), // mean 2, variance 6 / 7
            Raw::Numbers(vec![7.0; 8]),
            Raw::Codes(vec![0; 8]),
        ];
        let design = Design::new(columns.iter(), 8);
        assert_eq!((design.numeric(), design.width()), (1, 1 + 4 + 1 + 1));
        let on: Vec<&[u32]> = (0..8).map(|row| design.on(row)).collect();
        assert_eq!(on, [&[1][..], &[1, 5], &[2], &[2, 5], &[4], &[4], &[3, 6], &[3]]);
        for (first, second) in (0..8).flat_map(|first| (0..8).map(move |second| (first, second))) {
            let alone = |a: &[u32], b: &[u32]| a.iter().filter(|feature| !b.contains(feature)).count() as u32;
            let apart = alone(on[first], on[second]) + alone(on[second], on[first]);
            assert_eq!(design.differing(first, second), apart, "{first} {second}");
        }
        let scaled = |row: usize| f64::from(design.numbers(row)[0]);
        assert!((scaled(1) - (7.0_f64 / 6.0).sqrt()).abs() < 1e-6);
        assert_eq!((scaled(6), scaled(7)), (0.0, 0.0));
    }
}
