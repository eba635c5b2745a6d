//! Statistics: numbers in, [`Estimate`]s out. Layer row 0.
//!
//! No input or output and no privacy words: this module knows scores, counts and groups, not patients or models.
//! It refuses to return a bare number where an interval is possible.

pub mod bootstrap;
pub mod contingency;
#[cfg(test)]
mod coverage;
pub mod epsilon;
mod estimate;
pub mod interval;
pub mod matthews;
pub mod means;
pub mod multiple;
pub mod nearest;
pub mod one_run;
pub mod paired;
pub mod permutation;
mod placement;
pub mod power;
pub mod predictive;
pub mod rank;
pub mod ranked;
pub mod roc;
#[cfg(test)]
mod specimen;
pub mod stratified;
pub mod student;
pub(crate) mod uniform;
mod units;

pub use estimate::{Estimate, Level, Method};
