//! Record linkage: which record of one file is the person of a record of another. Layer row 0.
//!
//! Codes, values and counts in, links out: this module knows fields, patterns and units, not patients or risks. It refuses to
//! treat a missing value as agreement or disagreement, and to compare a pair of values twice.
//!
//! The road of a pair: its values -> levels of agreement ([`Domain`], memoised per distinct pair of values) -> a pattern
//! ([`Patterns`]) -> a weight by the Fellegi-Sunter [`Model`] -> the shortlist of its left record ([`Links`]).
//!
//! Of a file that was masked the originals are known: [`Gower`]'s distance finds the nearest one, [`assign`] those that
//! are nearest in all, and [`Intervals`] tells which numbers are still near their originals.

mod assignment;
mod blocking;
mod field;
mod gower;
mod intervals;
mod links;
mod model;
mod patterns;
mod similarity;

pub use assignment::assign;
pub use blocking::Blocking;
pub use field::{Domain, Field, MISSING};
pub use gower::{Coordinate, Gower};
pub use intervals::{Inside, Intervals};
pub use links::{Candidate, Learned, Links, MOST_FIELDS, link};
pub use model::{Fit, Learning, MISSING_LEVEL, Model, Strangers};
pub use patterns::Patterns;
pub use similarity::{days, jaro, jaro_winkler, one_edit};

#[cfg(test)]
mod tests;
