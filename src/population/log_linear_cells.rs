//! The log-linear model as a model of the keys of people.

use super::log_linear::{DISPERSION, FEWEST_ROUNDS, Fitted, QUICK};
use super::margins::Effort;
use super::sample_uniques::{
    Drawn, NoAnswer, RecordAnswer, RecordModel, answer, enough_uniques, replicates as affordable,
};
use crate::equivalence::{Column, Histogram};
use crate::seed::{Seed, Stream};
use crate::stats::uniform::unit;

/// Most cells of a table: most of more would be empty, and fits take too long.
const MOST: usize = 1 << 18;
/// Cells and records, times samples drawn, that are affordable.
const BUDGET: f64 = 1e7;
/// Cells x interactions x rounds of fitting, summed over samples drawn, that are affordable: a few seconds of one thread.
const ROUNDS: f64 = 2e9;

/// What a log-linear model says about the people who are unique in a sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogLinearAnswer {
    /// What it says.
    pub says: RecordAnswer,
    /// Skinner and Shlomo's statistic for tau 1 and for tau 2, between -1.96 and 1.96.
    pub dispersion: [f64; 2],
    /// Two-way interactions that it holds, and those that there are.
    pub interactions: [usize; 2],
}

/// What the log-linear model chosen by its dispersion ([`LogLinear::choose`](super::LogLinear::choose)) says about the people
/// who are unique in a sample of a population, with intervals by drawing samples from it and fitting the same interactions
/// again (that others might have been chosen is not in them). A drawn sample whose fit is more than a quarter of a person
/// off in a total after 100 rounds, or as many as are affordable, is left out. Choice and intervals take a few
/// seconds each at most.
///
/// Every record is of another person; a missing value is a level of its own. Nothing where the dispersion of tau 1 or tau 2 stays
/// outside -1.96 to 1.96 with all interactions that lower it (or as many as were affordable).
///
/// # Errors
/// [`NoAnswer`].
pub fn log_linear_answer(columns: &[Column], population: f64, seed: Seed) -> Result<LogLinearAnswer, NoAnswer> {
    let records = columns.first().map_or(0, Column::len);
    if records as f64 >= population {
        return Err(NoAnswer::Everybody);
    }
    if columns.len() < 2 {
        return Err(NoAnswer::OneColumn);
    }
    let cells = Cells::of(columns, MOST).ok_or(NoAnswer::TooManyCells(MOST))?;
    let cost = (cells.counts.len() + records) as f64;
    let replicates = affordable(cost, BUDGET).ok_or(NoAnswer::TooLarge)?;
    enough_uniques(&CellModel::bins(&cells))?;
    let fraction = records as f64 / population;
    let fitted = Fitted::choose(&cells.levels, &cells.counts, fraction)?;
    let pairs = fitted.terms.len() - columns.len();
    let dispersion = [fitted.says.dispersion, fitted.says.dispersion_of_matches];
    let farther = fitted.says.farther();
    if farther.abs() > DISPERSION {
        return Err(NoAnswer::Dispersion { dispersion: farther, pairs });
    }
    let round = fitted.terms.len() as f64 * cells.counts.len() as f64;
    let refits = affordable(round * 2.0 * FEWEST_ROUNDS as f64, ROUNDS);
    let replicates = replicates.min(refits.ok_or(NoAnswer::TooLarge)?);
    let rounds = (ROUNDS / (replicates as f64 * round)) as usize;
    let effort = Effort { rounds: (rounds - FEWEST_ROUNDS).min(QUICK.rounds), ..QUICK };
    let model = CellModel::of(fitted, cells.levels.clone(), records, fraction, effort);
    let drawn = Drawn { records, population, replicates };
    let says = answer(&model, &cells, drawn, seed)?;
    Ok(LogLinearAnswer { says, dispersion, interactions: [pairs, columns.len() * (columns.len() - 1) / 2] })
}

/// A table of all combinations of levels, last axis fastest, with the number of people in each.
struct Cells {
    levels: Vec<usize>,
    counts: Vec<f64>,
}

impl Cells {
    /// Counts people; a missing value is a level, one that nobody has is none. Nothing where there are more than `most` cells.
    fn of(columns: &[Column], most: usize) -> Option<Self> {
        let (mut levels, mut places) = (Vec::new(), vec![0; columns.first().map_or(0, Column::len)]);
        let mut cells = 1_usize;
        for column in columns {
            let mut place = vec![None; column.levels() as usize];
            let mut used = 0;
            for row in 0..column.len() {
                place[column.code(row) as usize].get_or_insert_with(|| {
                    used += 1;
                    used - 1
                });
            }
            cells = cells.checked_mul(used).filter(|cells| *cells <= most)?;
            for (row, at) in places.iter_mut().enumerate() {
                *at = *at * used + place[column.code(row) as usize].expect("every code of a record has its place");
            }
            levels.push(used);
        }
        let mut counts = vec![0.0; cells];
        places.into_iter().for_each(|place| counts[place] += 1.0);
        Some(Self { levels, counts })
    }
}

/// A fitted log-linear model of a table.
struct CellModel {
    fitted: Fitted,
    levels: Vec<usize>,
    records: usize,
    fraction: f64,
    /// What is spent on fitting it again.
    effort: Effort,
    /// Means up to and with each cell.
    summed: Vec<f64>,
}

impl CellModel {
    fn of(fitted: Fitted, levels: Vec<usize>, records: usize, fraction: f64, effort: Effort) -> Self {
        let sum = |sum: &mut f64, mean: &f64| {
            *sum += mean;
            Some(*sum)
        };
        let summed = fitted.means.iter().scan(0.0, sum).collect();
        Self { fitted, levels, records, fraction, effort, summed }
    }
}

impl RecordModel for CellModel {
    type Sample = Cells;

    fn sizes(sample: &Cells) -> Histogram {
        Histogram::of_sizes(sample.counts.iter().map(|&count| count as u32))
    }

    fn draw(&self, stream: &mut Stream) -> Cells {
        let whole = self.summed.last().copied().unwrap_or(0.0);
        let mut counts = vec![0.0; self.summed.len()];
        for _ in 0..self.records {
            let point = whole * unit(stream);
            let cell = self.summed.partition_point(|sum| *sum <= point).min(counts.len() - 1);
            counts[cell] += 1.0;
        }
        Cells { levels: self.levels.clone(), counts }
    }

    fn again(&self, sample: &Cells) -> Option<Self> {
        let terms = self.fitted.terms.clone();
        let start = Some(self.fitted.means.as_slice());
        let fitted = Fitted::of(&self.levels, &sample.counts, terms, self.fraction, start, self.effort).ok()?;
        Some(Self::of(fitted, self.levels.clone(), self.records, self.fraction, self.effort))
    }

    fn risks(&self, sample: &Cells, others: f64, most: usize) -> Vec<[f64; 2]> {
        let alone: Vec<f64> = sample
            .counts
            .iter()
            .zip(&self.fitted.means)
            .filter(|(count, _)| **count == 1.0)
            .map(|(_, mean)| *mean)
            .collect();
        let step = alone.len().div_ceil(most).max(1);
        let risk = |mean: &f64| {
            let unseen = others * mean / self.records as f64;
            [(-unseen).exp(), if unseen > 0.0 { -(-unseen).exp_m1() / unseen } else { 1.0 }]
        };
        alone.iter().step_by(step).map(risk).collect()
    }
}
