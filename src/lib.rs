//! privet assesses the privacy risk of a trained model before it is released.
//!
//! Given an ONNX model, the records it was trained on (members) and records it was not (non-members), it attacks the model,
//! measures the data, judges the results against a policy and writes a report.
//!
//! ```no_run
//! use privet::assess::{plan::Plan, run::run};
//! use privet::watch::Unwatched;
//!
//! let plan = Plan::load("assessments/readmission.toml".as_ref())?;
//! let assessment = run(&plan, &privet::cli::onnxruntime::candidates(None), &Unwatched)?;
//! println!("{}", assessment.verdict.word());
//! # Ok::<(), privet::assess::AssessError>(())
//! ```
//!
//! # Layers
//!
//! | row | modules | may import |
//! |---|---|---|
//! | 0 | [`stats`], [`seed`], [`digest`], [`watch`], [`tensor`], [`detect`], [`equivalence`], [`linkage`], [`population`], [`uniques`] | each other |
//! | 1 | [`data`], [`model`], [`finding`] | row 0; `finding` is the vocabulary of counts and may be named by all |
//! | 2 | [`learn`] | rows 0-1 |
//! | 3 | [`check`] | rows 0-2; a check never imports another check |
//! | 4 | [`assess`] | rows 0-3 |
//! | 6 | [`report`] | the result types of `assess`, `finding`, `stats`, `digest` |
//! | 7 | [`cli`] | everything; nothing imports it |
//!
//! A report is rendered from an [`assess::assessment::Assessment`], which has no room for a record, so no renderer can leak
//! one.

pub mod assess;
pub mod check;
pub mod cli;
pub mod data;
pub mod detect;
pub mod digest;
pub mod equivalence;
pub mod finding;
pub mod learn;
pub mod linkage;
pub mod model;
pub mod population;
pub mod report;
pub mod seed;
pub mod stats;
pub mod tensor;
pub mod uniques;
pub mod watch;
