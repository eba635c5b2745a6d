//! Columns into keys: one mixed-radix number per record, made a tile at a time and never stored for the whole table.

use std::ops::Range;

use super::column::{Codes, Column, each};

/// Records packed at a time: their keys stay in the first cache while the columns pass by.
pub(super) const TILE: usize = 2048;

/// Levels that are packed in 16 bits: eight records at a time where the processor can.
const SHORT: u64 = 1 << 16;

/// Columns that make one key.
pub(super) struct Packing<'a> {
    rows: usize,
    first: Option<&'a [u32]>,
    digits: Vec<Digit<'a>>,
    domain: u128,
}

/// One digit of the keys: a column, or several with few levels between them.
struct Digit<'a> {
    columns: &'a [&'a Column],
    levels: u64,
}

impl<'a> Packing<'a> {
    /// As many of the columns, from the first on, as fit into one key beside `first`, which is below its bound; and how many
    /// those are. At least one fits where the bound is below 2^32.
    pub(super) fn of(rows: usize, first: Option<(&'a [u32], u64)>, columns: &'a [&'a Column]) -> (Self, usize) {
        let (first, bound) = first.unzip();
        let base = u128::from(bound.unwrap_or(1).max(1));
        let mut domain = base;
        let fitting = columns.iter().take_while(|column| {
            domain *= u128::from(column.levels());
            domain <= 1 << 64
        });
        let fitting = fitting.count();
        let digits = digits(&columns[..fitting]);
        let domain = digits.iter().fold(base, |domain, digit| domain * u128::from(digit.levels));
        (Self { rows, first, digits, domain }, fitting)
    }

    /// Number of records.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Keys are below this number, which is at most 2^64.
    pub(super) fn domain(&self) -> u128 {
        self.domain
    }

    /// The keys of some records, at most [`TILE`]: `first`, then every column as one digit.
    pub(super) fn keys(&self, range: &Range<usize>, keys: &mut [u64]) {
        match self.first {
            Some(first) => {
                keys.iter_mut().zip(&first[range.clone()]).for_each(|(key, &digit)| *key = u64::from(digit));
            }
            None => keys.fill(0),
        }
        let mut short = [0_u16; TILE];
        for digit in &self.digits {
            if let [column] = digit.columns {
                each!(column.codes(), codes => append(keys, &codes[range.clone()], digit.levels));
            } else {
                let short = &mut short[..keys.len()];
                digit.pack(range, short);
                append(keys, short, digit.levels);
            }
        }
    }
}

/// Neighbouring columns are one digit where that needs no more than 16 bits.
fn digits<'a>(mut columns: &'a [&'a Column]) -> Vec<Digit<'a>> {
    let mut digits = Vec::new();
    while let [first, rest @ ..] = columns {
        let mut levels = u64::from(first.levels());
        let more = rest.iter().take_while(|column| {
            let fits = levels * u64::from(column.levels()) <= SHORT;
            levels *= if fits { u64::from(column.levels()) } else { 1 };
            fits
        });
        let (now, later) = columns.split_at(1 + more.count());
        digits.push(Digit { columns: now, levels });
        columns = later;
    }
    digits
}

/// One digit more for every key. The domain of all keys is at most 2^64, so nothing wraps.
fn append<T: Copy + Into<u64>>(keys: &mut [u64], digits: &[T], levels: u64) {
    keys.iter_mut().zip(digits).for_each(|(key, &digit)| *key = *key * levels + digit.into());
}

impl Digit<'_> {
    fn pack(&self, range: &Range<usize>, short: &mut [u16]) {
        short.fill(0);
        for column in self.columns {
            // 2^16 levels are 0 in 16 bits: then the other columns have one level, and what is multiplied is 0 too.
            let levels = column.levels() as u16;
            match column.codes() {
                Codes::Byte(codes) => short
                    .iter_mut()
                    .zip(&codes[range.clone()])
                    .for_each(|(short, &code)| *short = *short * levels + u16::from(code)),
                Codes::Short(codes) => short
                    .iter_mut()
                    .zip(&codes[range.clone()])
                    .for_each(|(short, &code)| *short = *short * levels + code),
                Codes::Word(_) => unreachable!("a column of more than 2^16 levels is a digit of its own"),
            }
        }
    }
}
