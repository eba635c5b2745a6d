//! The report: a finished assessment in, bytes out. Layer row 6.
//!
//! Everything here is pure: the same [`Assessment`](crate::assess::assessment::Assessment) gives the same bytes, so that a
//! report can be drawn again from `report.json` without model or data. This layer knows results only. It refuses to read
//! files, to measure, to judge, and to name anything from the data, model or check layers: rows are not in its vocabulary.

mod card;
mod chart;
mod date;
mod glossary;
pub mod html;
pub mod json;
mod numbers;
mod page;
mod plot;
mod rich;
#[cfg(test)]
mod sample;
mod summary;
mod table;
mod words;

use thiserror::Error;

/// What can go wrong while a report is rendered.
#[derive(Debug, Error)]
pub enum ReportError {
    /// A chart could not be drawn.
    #[error("drawing a chart of the report: {0}")]
    Chart(String),
    /// The page could not be filled in.
    #[error("filling in the report page")]
    Page(#[from] askama::Error),
}
