//! An order for the levels of a column that has none.

use super::polychoric::counts;
use crate::equivalence::Column;

/// Records that the order is learned from, at most.
const RECORDS: usize = 20_000;
/// Rounds of reciprocal averaging.
const ROUNDS: usize = 30;

/// The columns with the levels of some of them in an order in which the copula can see dependence: that of the first axis of the
/// correspondence analysis of the column beside all others, found by reciprocal averaging; levels that are alike there stand
/// by frequency. A column with an order of its own is left as it is, and so is the code of a missing value. Chosen once and
/// then kept: replicates are coded alike. O(rounds x columns^2 x records), of at most 20,000 records spread evenly.
///
/// Reference: Hill, Applied Statistics 23 (1974) 340-354.
///
/// ```
/// use privet::equivalence::Column;
/// use privet::population::levels_in_order;
/// // Levels 0 and 2 go with the low numbers, 1 with the high ones: it stands at an end.
/// let texts = Column::new([0, 2, 0, 2, 1, 1], 3, None);
/// let numbers = Column::new([0, 0, 1, 1, 2, 2], 3, None);
/// let ordered = levels_in_order(&[texts, numbers.clone()], &[false, true]);
/// assert_eq!(ordered[1], numbers);
/// assert_ne!(ordered[0].code(4), 1);
/// ```
///
/// # Panics
/// When columns differ in length, or there is not one flag for each.
pub fn levels_in_order(columns: &[Column], ordered: &[bool]) -> Vec<Column> {
    assert_eq!(columns.len(), ordered.len(), "every column has its flag");
    let rows = columns.first().map_or(0, Column::len);
    let step = rows.div_ceil(RECORDS).max(1);
    let rows: Vec<usize> = (0..rows).step_by(step).collect();
    let place = |(at, column): (usize, &Column)| {
        if ordered[at] { column.clone() } else { recoded(column, &scores(columns, at, &rows)) }
    };
    columns.iter().enumerate().map(place).collect()
}

/// The first axis of a column's levels beside those of the other columns.
fn scores(columns: &[Column], at: usize, rows: &[usize]) -> Vec<f64> {
    let column = &columns[at];
    let frequency = counts(column);
    // Levels that are equally frequent start apart, or no axis would be found.
    let apart = |level: usize| 0.01 * (level as f64 * 0.618_034).fract();
    let mut score: Vec<f64> = frequency.iter().enumerate().map(|(level, count)| count.ln_1p() + apart(level)).collect();
    let others: Vec<&Column> = columns.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, c)| c).collect();
    for _ in 0..ROUNDS {
        let mut next = vec![0.0; score.len()];
        let mut weight = vec![0.0; score.len()];
        for other in &others {
            let levels = other.levels() as usize;
            let (mut mean, mut size) = (vec![0.0; levels], vec![0.0; levels]);
            let both = || rows.iter().filter(|&&row| !column.is_missing(row) && !other.is_missing(row));
            for &row in both() {
                mean[other.code(row) as usize] += score[column.code(row) as usize];
                size[other.code(row) as usize] += 1.0;
            }
            mean.iter_mut().zip(&size).for_each(|(mean, size)| *mean /= f64::max(*size, 1.0));
            for &row in both() {
                next[column.code(row) as usize] += mean[other.code(row) as usize];
                weight[column.code(row) as usize] += 1.0;
            }
        }
        next.iter_mut().zip(&weight).for_each(|(next, weight)| *next /= f64::max(*weight, 1.0));
        let Some(standard) = standardised(&next, &weight) else { break };
        score = standard;
    }
    score
}

/// Scores with mean 0 and variance 1 over the records; nothing where all are alike.
fn standardised(score: &[f64], weight: &[f64]) -> Option<Vec<f64>> {
    let whole: f64 = weight.iter().sum();
    let mean = score.iter().zip(weight).map(|(s, w)| s * w).sum::<f64>() / whole.max(1.0);
    let variance = score.iter().zip(weight).map(|(s, w)| w * (s - mean).powi(2)).sum::<f64>() / whole.max(1.0);
    let centred = |(s, w): (&f64, &f64)| if *w > 0.0 { (s - mean) / variance.sqrt() } else { 0.0 };
    (variance > 1e-20).then(|| score.iter().zip(weight).map(centred).collect())
}

/// The same column with its levels by score, equal scores by frequency.
fn recoded(column: &Column, scores: &[f64]) -> Column {
    let frequency = counts(column);
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]).then(frequency[b].total_cmp(&frequency[a])).then(a.cmp(&b)));
    let mut code = vec![0; order.len()];
    order.iter().enumerate().for_each(|(new, &old)| code[old] = new as u32);
    let missing = (0..column.len()).find(|&row| column.is_missing(row)).map(|row| code[column.code(row) as usize]);
    Column::new((0..column.len()).map(|row| code[column.code(row) as usize]), column.levels(), missing)
}
