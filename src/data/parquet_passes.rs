//! Classes of a Parquet file whose codes do not fit into memory: the file is read several times, and each time the records of a part of the
//! keys are counted. Nothing is written to disk: what stands for a patient's cells belongs in no temporary file.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::Path;

use rayon::prelude::*;

use super::DataError;
use super::load::{Reading, extension};
use super::parquet_codes::{Key, Opened};
use crate::equivalence::Histogram;

/// Bytes of a record that is alone in its class, with the copy that is made when parts are put together.
const BYTES_EACH: u64 = 32;
/// Bytes of a value that a column knows, in the maps that hold it, besides its text.
const BYTES_KNOWN: u64 = 256;
/// Most times that a file is read.
const MOST_PASSES: u64 = 4096;
/// Keys that are counted before equal ones are put together.
const LOOSE: usize = 1 << 20;

/// A file, counted without having been in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    /// Class sizes, a missing cell being a value of its own.
    pub histogram: Histogram,
    /// Records with a missing cell.
    pub incomplete: u64,
    /// How often the file was read, besides once for the values of its columns.
    pub passes: u64,
}

/// The class sizes of a Parquet file whose codes would be larger than the limit; nothing for other files. Memory is about the limit for
/// the keys of a pass, as much for the values of the columns, and what a row group's values and a batch of rows take on every thread.
///
/// # Errors
/// As [`super::load_codes`]; [`DataError::TooLarge`] where the values of the columns alone pass the limit, [`DataError::Shape`] where the
/// columns have 2^64 combinations of values or more.
pub fn load_passes(
    path: &Path,
    setting: &str,
    names: &[String],
    reading: &Reading,
) -> Result<Option<Passed>, DataError> {
    if extension(path) != "parquet" {
        return Ok(None);
    }
    let opened = Opened::of(path, reading)?;
    let mut fields: Vec<usize> = names.iter().map(|name| opened.field(name, setting)).collect::<Result<_, _>>()?;
    if opened.fits(fields.len()) {
        return Ok(None);
    }
    fields.sort_unstable();
    let bytes = opened.rows()?.saturating_mul(BYTES_EACH);
    let passes = bytes.div_ceil(reading.limits.bytes.max(1));
    if passes > MOST_PASSES {
        return Err(opened.too_large(bytes));
    }
    let known = known(&opened, &fields, reading.limits.bytes)?;
    let digits = Digits::of(known).ok_or_else(|| DataError::Shape {
        what: format!(
            "`{}` does not fit into the limit of {} bytes, and {} columns of it have more combinations of values than can be counted \
             part by part",
            path.display(),
            reading.limits.bytes,
            fields.len()
        ),
        help: "raise the limit with --max-bytes, name fewer columns in --quasi-identifiers, or coarsen some".to_owned(),
    })?;
    let mut passed = Passed { histogram: Histogram::default(), incomplete: 0, passes };
    for pass in 0..passes {
        let counted = |group: usize| digits.counted(&opened, &fields, group, (pass, passes));
        let groups: Vec<(Vec<Counted>, u64)> =
            (0..opened.groups()).into_par_iter().map(counted).collect::<Result<_, _>>()?;
        passed.incomplete += groups.iter().map(|group| group.1).sum::<u64>();
        let mut classes: Vec<Counted> = groups.into_iter().flat_map(|group| group.0).collect();
        together(&mut classes);
        passed.histogram = passed.histogram.and(&Histogram::of_sizes(classes.into_iter().map(|class| class.1)));
    }
    Ok(Some(passed))
}

/// The values of every column, in the order of their first appearance.
fn known(opened: &Opened<'_>, fields: &[usize], limit: u64) -> Result<Vec<HashMap<Key, u64>>, DataError> {
    let (mut known, mut bytes): (Vec<HashMap<Key, u64>>, u64) = (vec![HashMap::new(); fields.len()], 0);
    let groups: Vec<usize> = (0..opened.groups()).collect();
    for some in groups.chunks(2 * rayon::current_num_threads()) {
        let found = |&group: &usize| {
            // What each coder knew at the last batch, and its bytes: only new values are looked at.
            let mut seen = vec![(0, 0); fields.len()];
            opened.code(fields, group, |coders| {
                for (coder, (known, bytes)) in coders.iter_mut().zip(&mut seen) {
                    coder.codes.clear();
                    *bytes += coder.keys[*known..].iter().map(bytes_of).sum::<u64>();
                    *known = coder.keys.len();
                }
                within(opened, seen.iter().map(|(_, bytes)| bytes).sum(), limit)
            })
        };
        // Row group by row group in their order, so that what is refused does not depend on the number of threads.
        for coders in some.par_iter().map(found).collect::<Vec<_>>() {
            for (known, coder) in known.iter_mut().zip(coders?) {
                for key in coder.keys {
                    let next = known.len() as u64;
                    if let Entry::Vacant(place) = known.entry(key) {
                        bytes += bytes_of(place.key());
                        place.insert(next);
                    }
                }
            }
            within(opened, bytes, limit)?;
        }
    }
    Ok(known)
}

/// Memory that a value takes.
fn bytes_of(key: &Key) -> u64 {
    BYTES_KNOWN + if let Key::Text(text) = key { 3 * text.len() as u64 } else { 0 }
}

fn within(opened: &Opened<'_>, bytes: u64, limit: u64) -> Result<(), DataError> {
    if bytes > limit { Err(opened.too_large(bytes)) } else { Ok(()) }
}

/// A key and how many records have it.
type Counted = (u64, u32);

/// Puts equal keys together.
fn together(keys: &mut Vec<Counted>) {
    keys.par_sort_unstable_by_key(|key| key.0);
    keys.dedup_by(|later, kept| {
        let equal = later.0 == kept.0;
        kept.1 += if equal { later.1 } else { 0 };
        equal
    });
}

/// What each value of each column adds to a key, and whether it is a missing one.
struct Digits(Vec<HashMap<Key, (u64, bool)>>);

impl Digits {
    /// Nothing where the columns have 2^64 combinations of values or more.
    fn of(known: Vec<HashMap<Key, u64>>) -> Option<Self> {
        let mut weight = 1_u64;
        let mut digits = Vec::with_capacity(known.len());
        for known in known {
            let levels = known.len() as u64;
            let digit = |(key, code): (Key, u64)| {
                let missing = key == Key::Missing;
                (key, (code * weight, missing))
            };
            let next = weight.checked_mul(levels.max(1))?;
            digits.push(known.into_iter().map(digit).collect());
            weight = next;
        }
        Some(Self(digits))
    }

    /// The keys of a row group that belong to a pass, and how many of their records lack a cell.
    fn counted(
        &self,
        opened: &Opened<'_>,
        fields: &[usize],
        group: usize,
        (pass, passes): (u64, u64),
    ) -> Result<(Vec<Counted>, u64), DataError> {
        let (mut counted, mut incomplete): (Vec<Counted>, u64) = (Vec::new(), 0);
        let mut loose = LOOSE;
        // What the codes of this row group add, which are handed out as values appear.
        let mut adding: Vec<Vec<(u64, bool)>> = vec![Vec::new(); fields.len()];
        opened.code(fields, group, |coders| {
            let mut keys = vec![(0_u64, false); coders.first().map_or(0, |coder| coder.codes.len())];
            for ((coder, adding), digits) in coders.iter_mut().zip(&mut adding).zip(&self.0) {
                let known = adding.len();
                for key in &coder.keys[known..] {
                    let digit = digits.get(key).ok_or_else(|| opened.damaged("it changed while it was read"))?;
                    adding.push(*digit);
                }
                for ((key, lacks), code) in keys.iter_mut().zip(coder.codes.drain(..)) {
                    let (digit, missing) = adding[code as usize];
                    *key += digit;
                    *lacks |= missing;
                }
            }
            for (key, lacks) in keys.into_iter().filter(|key| part(key.0, passes) == pass) {
                counted.push((key, 1));
                incomplete += u64::from(lacks);
            }
            if counted.len() > loose {
                together(&mut counted);
                loose = LOOSE.max(2 * counted.len());
            }
            Ok(())
        })?;
        together(&mut counted);
        counted.shrink_to_fit();
        Ok((counted, incomplete))
    }
}

/// The part of a key among so many, evenly.
fn part(key: u64, parts: u64) -> u64 {
    let mixed = (key ^ (key >> 32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    ((u128::from(mixed) * u128::from(parts)) >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_even_and_complete() {
        for parts in [1, 7, 100] {
            let mut counts = vec![0_u64; parts as usize];
            (0..100_000).for_each(|key| counts[part(key, parts) as usize] += 1);
            let mean = 100_000.0 / parts as f64;
            assert!(counts.iter().all(|&count| (count as f64 - mean).abs() < 0.1 * mean), "{counts:?}");
        }
    }

    #[test]
    fn equal_keys_are_put_together() {
        let mut keys = vec![(3, 1), (1, 2), (3, 4), (1, 1), (2, 1)];
        together(&mut keys);
        assert_eq!(keys, [(1, 3), (2, 1), (3, 5)]);
    }

    #[test]
    fn more_combinations_than_keys_are_not_packed() {
        let known = |levels: u64| (0..levels).map(|code| (Key::Number(code), code)).collect::<HashMap<_, _>>();
        assert!(Digits::of(vec![known(1 << 16); 4]).is_none());
        let digits = Digits::of(vec![known(1 << 16), known(1 << 16), known(1 << 16), known((1 << 16) - 1)]).unwrap();
        assert_eq!(digits.0[2][&Key::Number(3)], (3 << 32, false));
    }
}
