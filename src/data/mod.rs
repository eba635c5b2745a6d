//! The data: two sets of records, what each column is, and how cells become tensors and codes. Layer row 1.
//!
//! Reads CSV, Parquet and NumPy files. Refuses to guess what a missing-value marker is, to parse a file that is larger
//! than the stated limit, and to put a cell value into an error: messages carry file names, column names, line numbers
//! and counts only.

mod csv;
pub mod encode;
mod error;
mod load;
mod npy;
mod parquet;
mod schema;
mod split;
mod table;

pub use error::DataError;
pub use load::{Limits, Reading, load_table};
pub use npy::load_tensor;
pub use schema::{Kind, Outcome, Role, Schema};
pub use split::{Arrays, Features, Records, Source, Split, Target};
pub use table::{Cells, Column, MISSING, Table};
