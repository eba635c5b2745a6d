//! Validity of the experiment: what must be known before any attack means anything.

pub mod column_shift;
mod columns;
pub mod identifiers;
mod inventory;
mod safe_harbor;
mod scanned;
pub mod split_integrity;

pub use safe_harbor::{Alone, alone};
pub use scanned::{ScanSettings, Scanned, scan};
