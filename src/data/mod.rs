//! The data: two sets of records, what each column is, and how cells become tensors and codes. Layer row 1.
//!
//! Reads CSV, Parquet and NumPy files. Refuses to guess what a missing-value marker is, to parse a file that is larger
//! than the stated limit, and to put a cell value into an error: messages carry file names, column names, line numbers
//! and counts only. What it writes are subsets of the records, into files that the caller has made.

mod csv;
pub mod encode;
mod error;
mod hierarchy;
mod load;
mod npy;
mod parquet;
mod parquet_codes;
mod parquet_passes;
mod schema;
mod split;
mod subset;
mod table;
mod texts;
mod threat;
mod write;

pub use error::DataError;
pub use hierarchy::Hierarchy;
pub use load::{Limits, Reading, column_names, load_codes, load_columns, load_table, load_verbatim};
pub use npy::load_tensor;
pub use parquet_passes::{Passed, load_passes};
pub use schema::{Kind, Outcome, Role, Schema};
pub use split::{Arrays, Features, Records, Source, Split, Target};
pub use subset::{subset_ending, write_subset};
pub use table::{Cells, Column, MISSING, Table};
pub use threat::{Attacker, Auxiliary, PEOPLE, Population, ThreatModel};
pub use write::Format;
