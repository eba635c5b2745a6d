//! The attacker's own models. Layer row 2.
//!
//! Learners see encoded columns and class codes, never names or texts. They are deterministic: the same rows and seed
//! give the same model on any number of threads.

mod adam;
mod bins;
pub mod boosted;
pub mod components;
mod design;
mod encoded;
pub mod folds;
pub mod forest;
mod growth;
mod lbfgs;
pub mod logistic;
pub mod nearest;
pub mod network;
pub mod ridge;
mod scores;
#[cfg(test)]
mod trial;

pub use encoded::Encoded;

use crate::seed::Seed;

/// Something that can be trained to tell classes apart.
pub trait Learner: Send + Sync {
    /// Trains on the given rows of `data`; `labels` holds a class code below `classes` per row of `data`.
    fn fit(&self, data: &Encoded, rows: &[usize], labels: &[u32], classes: usize, seed: Seed) -> Box<dyn ScoreModel>;
}

/// A trained model of classes.
pub trait ScoreModel: Send + Sync {
    /// Class probabilities of the given rows of the data it was trained on, row-major.
    fn probabilities(&self, data: &Encoded, rows: &[usize]) -> Vec<f64>;
}

/// Something that can be trained to predict a number.
pub trait Regressor: Send + Sync {
    /// Trains on the given rows of `data`; `targets` holds a number per row of `data`.
    fn fit(&self, data: &Encoded, rows: &[usize], targets: &[f64], seed: Seed) -> Box<dyn ValueModel>;
}

/// A trained model of a number.
pub trait ValueModel: Send + Sync {
    /// Predictions for the given rows of the data it was trained on.
    fn values(&self, data: &Encoded, rows: &[usize]) -> Vec<f64>;
}
