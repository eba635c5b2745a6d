//! Equivalence classes: records that share every value of a set of columns. Layer row 0.
//!
//! Numbers in, numbers out: this module knows codes, classes and counts, not cells, quasi-identifiers or risks. Every
//! count is an exact integer, and nothing depends on the number of threads. It refuses to accept equal hashes as equal
//! keys: keys are the packed codes themselves.
//!
//! The road of a record: one code per column ([`Column`]) -> one mixed-radix `u64`, made a tile of records at a time -> a
//! partition, small enough for the cache, and the 32 bits (or 64) that tell its keys apart -> a slot of an open-addressing table
//! -> a class ([`Classes`]) or a count ([`Histogram`]).

mod classes;
mod column;
mod group;
mod histogram;
mod matching;
mod pack;
mod partition;
mod values;

pub use classes::{Classes, Quotient};
pub use column::Column;
pub use histogram::Histogram;
pub use matching::{Matched, matches, people_matches};
pub use values::Values;

#[cfg(test)]
mod tests;
