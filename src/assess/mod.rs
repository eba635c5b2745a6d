//! One run, from plan to verdict. Layer row 4.
//!
//! [`plan`] turns a file into valid settings and reports every mistake at once; [`run`] loads, asks, checks and judges;
//! [`assessment`] is the result, pure data.

pub mod assessment;
pub mod gate;
mod open;
pub mod plan;
pub mod policy;
pub mod power;
mod references;
pub mod run;
mod scores;
mod settings;
mod summary;
mod target;

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
    /// Model and data do not fit together.
    #[error("{what}")]
    Mismatch {
        /// How.
        what: String,
        /// What to do.
        help: String,
    },
}

impl AssessError {
    /// The next action, as a sentence for the user.
    pub fn help(&self) -> String {
        match self {
            Self::Plan(error) => error.help(),
            Self::Data(error) | Self::Check { source: CheckError::Data(error), .. } => error.help(),
            Self::Model(error) | Self::Check { source: CheckError::Model(error), .. } => error.help(),
            Self::Check { source: CheckError::NotApplicable { remedy, .. }, .. } => remedy.clone(),
            Self::Mismatch { help, .. } => help.clone(),
        }
    }
}
