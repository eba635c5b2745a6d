//! Columns in at most 255 bins: all that a histogram learner needs to know of the data.

use crate::data::MISSING;

/// The bin of missing cells.
const MISSING_BIN: u8 = 0;
/// Most bins for values.
const MOST: usize = 254;
/// Most bins for numbers: more would cost time and find nothing on tables of this size.
const MOST_NUMERIC: usize = 63;

/// Least rows of a text with a bin of its own.
const LEAST: usize = 5;

/// The place of a code in an order without a meaning (the finaliser of `SplitMix64`, a bijection).
fn scattered(code: usize) -> u64 {
    let mut mixed = code as u64;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

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

/// Bins texts by falling frequency of their codes; the rarest share the last bin, as do all that a learner could not learn from.
///
/// Codes count the texts in the order of the file, where members stand first: among equally frequent texts that order would tell
/// members from others. They are ordered by a number that has nothing to do with it.
pub(super) fn of_codes(codes: &[u32]) -> Vec<u8> {
    let levels = codes.iter().filter(|&&c| c != MISSING).max().map_or(0, |&c| c as usize + 1);
    let mut counts = vec![0_usize; levels];
    codes.iter().filter(|&&c| c != MISSING).for_each(|&c| counts[c as usize] += 1);
    let mut order: Vec<usize> = (0..levels).collect();
    order.sort_by_key(|&code| (std::cmp::Reverse(counts[code]), scattered(code), code));
    let mut bins = vec![MISSING_BIN; levels];
    for (rank, &code) in order.iter().enumerate() {
        let bin = if counts[code] < LEAST { MOST - 1 } else { rank.min(MOST - 1) };
        bins[code] = bin as u8 + 1;
    }
    codes.iter().map(|&c| if c == MISSING { MISSING_BIN } else { bins[c as usize] }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_the_file_says_nothing() {
        // Texts that stand in one record only share a bin; so do those of four.
        let unique: Vec<u32> = (0..600).collect();
        assert!(of_codes(&unique).iter().all(|&bin| bin == of_codes(&unique)[0]));
        // Forty texts of ten records each: bins of their own, in no order of their first records.
        let codes: Vec<u32> = (0..400).map(|row| row / 10).collect();
        let bins = of_codes(&codes);
        let firsts: Vec<u8> = bins.iter().step_by(10).copied().collect();
        let mut distinct = firsts.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), 40);
        let rising = firsts.windows(2).filter(|pair| pair[0] < pair[1]).count();
        assert!((10..30).contains(&rising), "{rising} of 39 steps go up");
        // The frequent one comes first, missing cells are apart.
        let codes = [vec![3; 20], vec![1; 9], vec![MISSING; 3]].concat();
        let bins = of_codes(&codes);
        assert_eq!((bins[0], bins[20], bins[29]), (1, 2, MISSING_BIN));
    }
}
