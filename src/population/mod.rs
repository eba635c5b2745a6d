//! From a sample to the population it was drawn from: how many people are unique there, and how likely a record is
//! re-identified. Layer row 0.
//!
//! Pure functions of histograms of class sizes, weights and margins; nothing here knows a table or a person. Every model
//! refuses where it does not hold ([`NoFit`]) instead of returning a number, and no estimate exceeds what was counted in the
//! sample.

mod copula;
mod estimate;
mod evidence;
#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod golden;
mod individual;
mod log_linear;
mod margins;
mod negative_binomial;
mod pitman;
mod series;
mod unseen;
mod zayatz;

pub use copula::{GaussianCopula, bivariate_normal, correctness_of_key, uniqueness_of_key};
pub use estimate::{Model, Uniques, dankar, unique_share, unique_share_estimate};
pub use evidence::{arx_group_with_evidence, group_with_evidence};
pub use individual::{expected_reidentifications, household_risk, individual_risk};
pub use log_linear::LogLinear;
pub use margins::{MOST_CELLS, Margin, NoTable, table_of_margins};
pub use negative_binomial::SlidedNegativeBinomial;
pub use pitman::Pitman;
pub use unseen::{PopulationGroup, smallest_group};
pub use zayatz::zayatz;

use thiserror::Error;

/// Why a model says nothing about a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NoFit {
    /// All records are unique, or none, or all are alike.
    #[error(
        "the sample does not hold both unique and repeated combinations, so nothing can be learned about repetition"
    )]
    Uninformative,
    /// The likelihood is highest on the edge of the model's range.
    #[error("the best fit lies on the edge of the model's range: a few large groups hold nearly everybody")]
    Edge,
    /// The equations have no solution.
    #[error("the model's equations have no solution for these counts")]
    NoSolution,
}
