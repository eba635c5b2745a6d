//! The model behind a meter: fixed batch boundaries, batches spread over the cores, rows counted.

use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use super::{ModelError, ModelFacts, Predictions, Target};
use crate::tensor::Tensor;
use crate::watch::{Event, Watch};

/// Rows per call where the model does not fix a number. Part of what makes two runs equal: never depends on the machine.
const BATCH: usize = 1024;

/// A target with a meter.
pub struct Metered {
    target: Box<dyn Target>,
    rows: AtomicU64,
}

impl Metered {
    /// Puts a meter on a target.
    pub fn new(target: Box<dyn Target>) -> Self {
        Self { target, rows: AtomicU64::new(0) }
    }

    /// The target's facts.
    pub fn facts(&self) -> &ModelFacts {
        self.target.facts()
    }

    /// Rows sent to the model so far.
    pub fn rows_queried(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    /// Answers any number of rows, in order.
    ///
    /// # Errors
    /// When the model fails on a batch, or answers with something that is not a number.
    pub fn query(&self, inputs: &[Tensor], step: &str, watch: &dyn Watch) -> Result<Predictions, ModelError> {
        let rows = inputs.first().map_or(0, Tensor::rows);
        let size = self.facts().batch.unwrap_or(BATCH);
        let starts: Vec<usize> = (0..rows).step_by(size).collect();
        let done = AtomicU64::new(0);
        let answer = |&start: &usize| {
            let end = (start + size).min(rows);
            let answers = self.query_batch(inputs, start, end);
            let so_far = done.fetch_add((end - start) as u64, Ordering::Relaxed) + (end - start) as u64;
            watch.on(&Event::Progress { step, done: so_far, total: rows as u64 });
            answers
        };
        let parts: Vec<Result<Predictions, ModelError>> = starts.par_iter().map(answer).collect();
        self.rows.fetch_add(rows as u64, Ordering::Relaxed);
        let parts = parts.into_iter().collect::<Result<Vec<_>, _>>()?;
        let joined = Predictions::concat(parts)
            .ok_or_else(|| ModelError::Run { what: "there is no row to ask about".to_owned() })?;
        match joined.rows_not_a_number() {
            0 => Ok(joined),
            bad => Err(ModelError::Run {
                what: format!(
                    "the model answers `not a number` for {} of {rows} records",
                    crate::finding::Count::of(bad)
                ),
            }),
        }
    }

    fn query_batch(&self, inputs: &[Tensor], start: usize, end: usize) -> Result<Predictions, ModelError> {
        let short = self.facts().batch.filter(|&size| size > end - start);
        let Some(size) = short else {
            let batch: Vec<Tensor> = inputs.iter().map(|tensor| tensor.slice(start, end)).collect();
            return self.target.query(&batch);
        };
        // A model that insists on its batch size gets the last row again and again; the surplus answers are dropped.
        let rows: Vec<usize> = (start..start + size).map(|row| row.min(end - 1)).collect();
        let batch: Vec<Tensor> = inputs.iter().map(|tensor| tensor.take(&rows)).collect();
        let mut answers = self.target.query(&batch)?;
        answers.truncate(end - start);
        Ok(answers)
    }
}
