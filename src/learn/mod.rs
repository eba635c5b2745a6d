//! The attacker's own models. Layer row 2.
//!
//! Learners see binned columns and class codes, never names or texts. They are deterministic: the same rows give the
//! same model on any number of threads.

mod binned;
pub mod boosted;
pub mod folds;

pub use binned::Binned;

/// Something that can be trained to tell classes apart.
pub trait Learner: Send + Sync {
    /// Trains on the given rows of `data`; `labels` holds a class code below `classes` per row of `data`.
    fn fit(&self, data: &Binned, rows: &[usize], labels: &[u32], classes: usize) -> Box<dyn ScoreModel>;
}

/// A trained model.
pub trait ScoreModel: Send + Sync {
    /// Class probabilities of the given rows, row-major.
    fn probabilities(&self, data: &Binned, rows: &[usize]) -> Vec<f64>;
}
