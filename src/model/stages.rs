//! What records look like at every stage inside a model: after the scaler, the encoder, a layer.
//!
//! One pass through the runtime over a copy of the file that ends in the tensors asked for; nodes behind them do not run.
//! Memory is bounded: wide tensors and those beyond the budget are left out, and their number is told.

use rayon::prelude::*;

use super::ModelError;
use super::contents::Contents;
use super::graph::{Graph, encoded};
use super::onnx::OnnxModel;
use super::runtime::Runtime;
use crate::tensor::Tensor;

/// The widest row that is kept.
const WIDEST: usize = 1 << 16;
/// Most numbers kept over all stages and records: half a gibibyte.
const MOST: usize = 1 << 27;
/// Most numbers of all stages in one batch.
const IN_BATCH: usize = 1 << 22;
/// Rows of the trial that tells how wide each tensor is; few models have constants of just as many rows.
const TRIAL: usize = 3;

/// What is needed to look inside a model.
pub struct Inside {
    graph: Graph,
    runtime: &'static Runtime,
    batch: Option<usize>,
}

/// The rows of all records at one stage, row by row. Refuses to be printed.
pub struct Stage {
    /// The tensor's name in the file.
    pub name: String,
    /// Numbers per record.
    pub width: usize,
    /// The numbers, `records * width` of them.
    pub values: Vec<f32>,
}

/// All stages of a pass.
#[derive(Default)]
pub struct Stages {
    /// Those that were kept, in the order asked for.
    pub kept: Vec<Stage>,
    /// How many tensors with a row per record were left out for their size.
    pub left_out: usize,
}

impl Inside {
    /// A way into the model of these facts; `batch` is the only number of rows it takes, if it insists.
    pub fn new(graph: Graph, runtime: &'static Runtime, batch: Option<usize>) -> Self {
        Self { graph, runtime, batch }
    }

    /// Runs records through the model and keeps what the named tensors hold for each of them, where they are of a wanted
    /// width.
    ///
    /// # Errors
    /// When the runtime refuses to end the graph in these tensors, or to run it.
    pub fn stages(
        &self,
        contents: &Contents,
        names: &[String],
        inputs: &[Tensor],
        wanted: &dyn Fn(usize) -> bool,
    ) -> Result<Stages, ModelError> {
        let rows = inputs.first().map_or(0, Tensor::rows);
        if names.is_empty() || rows == 0 {
            return Ok(Stages::default());
        }
        let trial = self.open(contents, names)?;
        let batch = self.batch.unwrap_or(TRIAL.min(rows));
        let answers = trial.run(&cut(inputs, 0, batch, rows))?;
        drop(trial);
        let is_row = |tensor: &Tensor| tensor.rows() == batch && wanted(tensor.row_len()) && tensor.to_f64().is_some();
        let by_row = answers.into_iter().filter(|(_, tensor)| is_row(tensor));
        let mut widths: Vec<(String, usize)> = by_row.map(|(name, tensor)| (name, tensor.row_len())).collect();
        let (found, mut budget) = (widths.len(), MOST);
        widths.retain(|(_, width)| {
            let cost = width.saturating_mul(rows);
            let fits = *width <= WIDEST && cost <= budget;
            budget -= if fits { cost } else { 0 };
            fits
        });
        let left_out = found - widths.len();
        if widths.is_empty() {
            return Ok(Stages { kept: Vec::new(), left_out });
        }
        let names: Vec<String> = widths.iter().map(|(name, _)| name.clone()).collect();
        let model = self.open(contents, &names)?;
        let total: usize = widths.iter().map(|(_, width)| width).sum();
        let size = self.batch.unwrap_or((IN_BATCH / total).clamp(1, 1024));
        let starts: Vec<usize> = (0..rows).step_by(size).collect();
        let part = |&start: &usize| model.run(&cut(inputs, start, size, rows));
        let parts: Vec<_> = starts.par_iter().map(part).collect::<Result<_, ModelError>>()?;
        let mut kept: Vec<Stage> = widths
            .into_iter()
            .map(|(name, width)| Stage { name, width, values: Vec::with_capacity(rows * width) })
            .collect();
        for outputs in parts {
            for (name, tensor) in outputs {
                let stage = kept.iter_mut().find(|stage| stage.name == name && stage.width == tensor.row_len());
                if let (Some(stage), Some(values)) = (stage, tensor.to_f64()) {
                    stage.values.extend(values.into_iter().map(|value| value as f32));
                }
            }
        }
        // A batch filled up with its last row is longer than the records; a tensor that changed its shape is shorter.
        for stage in &mut kept {
            stage.values.truncate(rows * stage.width);
        }
        kept.retain(|stage| stage.values.len() == rows * stage.width);
        Ok(Stages { kept, left_out })
    }

    fn open(&self, contents: &Contents, names: &[String]) -> Result<OnnxModel, ModelError> {
        let bytes = encoded(&contents.ending_in(names));
        OnnxModel::ending_in(contents.file(), &self.graph, bytes, names, self.runtime)
    }
}

/// The rows from `start` on, as many as wanted: the last one again where there are no more and the model insists.
fn cut(inputs: &[Tensor], start: usize, size: usize, rows: usize) -> Vec<Tensor> {
    let wanted: Vec<usize> = (start..start + size).map(|row| row.min(rows - 1)).collect();
    inputs.iter().map(|tensor| tensor.take(&wanted)).collect()
}
