//! Validity of the experiment: what must be known before any attack means anything.

pub mod column_shift;
mod columns;
pub mod split_integrity;
