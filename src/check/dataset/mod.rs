//! Validity of the experiment: what must be known before any attack means anything.

pub mod column_shift;
pub mod split_integrity;
