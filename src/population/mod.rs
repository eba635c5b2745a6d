//! From a sample to the population it was drawn from: how many people are unique there, and how likely a record is
//! re-identified. Layer row 0.
//!
//! Pure functions of histograms of class sizes, coded columns, weights and margins; nothing here knows a cell or a person.
//! Every model refuses where it does not hold ([`NoFit`], [`NoAnswer`]) instead of returning a number, and no estimate leaves the bounds that hold for
//! every population ([`bounds_of_uniques`]).

mod bounds;
mod copula;
mod copula_keys;
mod estimate;
mod evidence;
mod fit;
#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod golden;
mod individual;
mod log_linear;
mod log_linear_cells;
mod margins;
mod negative_binomial;
mod order;
mod pitman;
#[cfg(test)]
mod planted;
mod polychoric;
mod sample_uniques;
mod series;
mod unseen;
mod zayatz;

pub use bounds::bounds_of_uniques;
pub use copula::{GaussianCopula, correctness_of_key, uniqueness_of_key};
pub use copula_keys::copula_answer;
pub use estimate::{Answer, MISFIT, Model, Uniques, dankar, unique_share, unique_share_estimate};
pub use evidence::{arx_group_with_evidence, group_with_evidence};
pub use individual::{draw_population_class, expected_reidentifications, household_risk, individual_risk};
pub use log_linear::LogLinear;
pub use log_linear_cells::{LogLinearAnswer, log_linear_answer};
pub use margins::{MOST_CELLS, Margin, NoTable, table_of_margins};
pub use negative_binomial::SlidedNegativeBinomial;
pub use order::levels_in_order;
pub use pitman::Pitman;
pub use polychoric::bivariate_normal;
pub use sample_uniques::{NoAnswer, RecordAnswer};
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
    /// The fitted model expects other class sizes than were counted.
    #[error("the model expects other class sizes than were counted")]
    Misfit,
    /// The likelihood is highest on the edge of the model's range.
    #[error("the best fit lies on the edge of the model's range: a few large groups hold nearly everybody")]
    Edge,
    /// The equations have no solution.
    #[error("the model's equations have no solution for these counts")]
    NoSolution,
}
