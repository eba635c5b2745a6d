//! Columns into keys: one mixed-radix number per record.

use rayon::prelude::*;

use super::column::{Column, each};

/// Records packed at a time: their keys stay in the first cache while the columns pass by.
const TILE: usize = 4096;

/// How many of the columns, from the first on, fit into one key beside a number below `base`; with one more key than fits
/// counted as none. At least one where `base` is below 2^32.
pub(super) fn fitting(base: u64, columns: &[&Column]) -> usize {
    let mut domain = u128::from(base.max(1));
    columns
        .iter()
        .take_while(|column| {
            domain *= u128::from(column.levels());
            domain <= 1 << 64
        })
        .count()
}

/// The keys of all records: `first` (or zero), then every column as one digit. The columns must fit.
pub(super) fn keys(rows: usize, first: Option<&[u32]>, columns: &[&Column]) -> Vec<u64> {
    let mut keys = vec![0_u64; rows];
    keys.par_chunks_mut(TILE).enumerate().for_each(|(tile, keys)| {
        let range = tile * TILE..tile * TILE + keys.len();
        if let Some(first) = first {
            keys.iter_mut().zip(&first[range.clone()]).for_each(|(key, &digit)| *key = u64::from(digit));
        }
        for column in columns {
            let levels = u64::from(column.levels());
            each!(column.codes(), codes => {
                for (key, &code) in keys.iter_mut().zip(&codes[range.clone()]) {
                    // The product of all levels is at most 2^64, so nothing wraps.
                    *key = *key * levels + u64::from(code);
                }
            });
        }
    });
    keys
}
