//! One run, from plan to verdict. Layer row 4.
//!
//! [`plan`] turns a file into valid settings and reports every mistake at once; [`run`] loads, asks, checks and judges;
//! [`assessment`] is the result, pure data. [`training`] lets the user's own program make reference models.

pub mod assessment;
mod cache;
pub mod canaries;
pub mod compare;
pub mod evidence;
pub mod gate;
mod open;
pub mod plan;
pub mod policy;
pub mod power;
mod program;
mod references;
mod relate;
pub mod repair;
mod roles;
pub mod run;
pub mod scan;
mod scores;
pub mod selftest;
mod settings;
mod subsets;
mod summary;
mod target;
mod threats;
mod trainer;
pub mod training;
mod world;

use std::path::PathBuf;

use thiserror::Error;

use crate::check::CheckError;
use crate::data::DataError;
use crate::model::ModelError;

/// Why a run could not finish.
#[derive(Debug, Error)]
pub enum AssessError {
    /// The plan.
    #[error(transparent)]
    Plan(#[from] plan::PlanError),
    /// The data.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The model.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A check.
    #[error("check `{check}`: {source}")]
    Check {
        /// Its id.
        check: String,
        /// The cause.
        source: CheckError,
    },
    /// A file is not the one that was promised.
    #[error("{what}")]
    Integrity {
        /// Which and how.
        what: String,
        /// What to do.
        help: String,
    },
    /// Model and data do not fit together.
    #[error("{what}")]
    Mismatch {
        /// How.
        what: String,
        /// What to do.
        help: String,
    },
    /// The cache of reference models cannot be used.
    #[error("using `{path}` in the cache of reference models: {source}")]
    Cache {
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// A reference model could not be trained.
    #[error("training reference model {index} of {count}: `reference.command` {what}; its output is in `{log}`")]
    Training {
        /// Which one, from 1.
        index: usize,
        /// How many there are to be.
        count: usize,
        /// How the command ended.
        what: String,
        /// The file with what it printed. That is not repeated: it may quote records.
        log: PathBuf,
    },
    /// The user stopped the run.
    #[error("stopped while reference models were trained")]
    Stopped,
}

impl AssessError {
    /// The next action, as a sentence for the user.
    pub fn help(&self) -> String {
        match self {
            Self::Plan(error) => error.help(),
            Self::Data(error) | Self::Check { source: CheckError::Data(error), .. } => error.help(),
            Self::Model(error) | Self::Check { source: CheckError::Model(error), .. } => error.help(),
            Self::Check { source: CheckError::NotApplicable { remedy, .. }, .. } => remedy.clone(),
            Self::Mismatch { help, .. } | Self::Integrity { help, .. } => help.clone(),
            Self::Cache { .. } => "make room and give yourself the right to write, or set `reference.cache`".to_owned(),
            Self::Training { .. } => {
                "read the file (it may quote records), mend the command and run again: finished models stay in the cache"
                    .to_owned()
            }
            Self::Stopped => "run again: finished models stay in the cache".to_owned(),
        }
    }
}
