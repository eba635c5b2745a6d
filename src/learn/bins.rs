//! Columns in at most 255 bins: all that a histogram learner needs to know of the data.

use crate::data::MISSING;

/// The bin of missing cells.
const MISSING_BIN: u8 = 0;
/// Most bins for values.
const MOST: usize = 254;
/// Most bins for numbers: more would cost time and find nothing on tables of this size.
const MOST_NUMERIC: usize = 63;

/// Bins numbers at quantiles; NaN is missing.
pub(super) fn of_numbers(numbers: &[f64]) -> Vec<u8> {
    let mut sorted: Vec<f64> = numbers.iter().copied().filter(|v| !v.is_nan()).collect();
    sorted.sort_by(f64::total_cmp);
    // Upper edges at evenly spaced ranks; equal edges collapse, so few distinct values keep a bin each.
    let mut edges: Vec<f64> = (1..=MOST_NUMERIC)
        .filter_map(|i| sorted.get((i * sorted.len() / MOST_NUMERIC).saturating_sub(1)).copied())
        .collect();
    let mut distinct = sorted;
    distinct.dedup();
    if distinct.len() <= MOST_NUMERIC {
        edges = distinct;
    }
    edges.dedup();
    let bin =
        |value: &f64| if value.is_nan() { MISSING_BIN } else { edges.partition_point(|edge| edge < value) as u8 + 1 };
    numbers.iter().map(bin).collect()
}

/// Bins texts by falling frequency of their codes; the rarest share the last bin.
pub(super) fn of_codes(codes: &[u32]) -> Vec<u8> {
    let levels = codes.iter().filter(|&&c| c != MISSING).max().map_or(0, |&c| c as usize + 1);
    let mut counts = vec![0_usize; levels];
    codes.iter().filter(|&&c| c != MISSING).for_each(|&c| counts[c as usize] += 1);
    let mut order: Vec<usize> = (0..levels).collect();
    order.sort_by_key(|&code| (std::cmp::Reverse(counts[code]), code));
    let mut bins = vec![MISSING_BIN; levels];
    for (rank, &code) in order.iter().enumerate() {
        bins[code] = rank.min(MOST - 1) as u8 + 1;
    }
    codes.iter().map(|&c| if c == MISSING { MISSING_BIN } else { bins[c as usize] }).collect()
}
