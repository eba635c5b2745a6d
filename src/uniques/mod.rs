//! What makes a record unique: the smallest column sets on which nobody else shares its values. Layer row 0.
//!
//! Pure functions of coded columns; nothing here knows a name, a value or a table. A missing cell is no item: no record is
//! unique through it, and it equals nothing.

mod bits;
mod found;
mod kinds;
mod lattice;
mod levels;
mod low;
mod minimal;
mod partition;
mod scores;
mod subsets;
#[cfg(test)]
mod tests;

pub use minimal::{MinimalUniques, MostColumns, Settings};
pub use scores::{Scores, Scoring, disclosure_share};
pub use subsets::{MOST_COLUMNS, Subsets};
