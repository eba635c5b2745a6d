//! Which kind of learner a file comes from, read from its operators.

use serde::{Deserialize, Serialize};

use super::graph::Graph;

/// A kind of learner, as far as operators tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ModelFamily {
    /// Trees whose votes are averaged: random forests, extra trees, single trees.
    Forest,
    /// Trees whose values are added and go through a link: gradient boosting.
    Boosted,
    /// Linear and logistic models.
    Linear,
    /// Support vectors, nearest neighbours, Gaussian processes.
    Kernel,
    /// Layers of matrix products or convolutions.
    Network,
    /// None of these.
    Unknown,
}

impl ModelFamily {
    /// The kind of learner that wrote a graph. Trees come before matrix products, which also scale inputs.
    ///
    /// Gradient boosting is told from a forest by the link behind the sum, or by the operator's own post-transform.
    pub fn of(graph: &Graph) -> Self {
        let has = |part: &str| graph.operators.keys().any(|name| name.rsplit("::").next().unwrap_or(name) == part);
        let any = |parts: &[&str]| parts.iter().any(|part| has(part));
        if any(&["TreeEnsembleClassifier", "TreeEnsembleRegressor", "TreeEnsemble"]) {
            return if graph.summed_votes || graph.averaged_trees { Self::Forest } else { Self::Boosted };
        }
        if any(&["SVMClassifier", "SVMRegressor", "TopK", "CDist"]) {
            return Self::Kernel;
        }
        if any(&["LinearClassifier", "LinearRegressor"]) {
            return Self::Linear;
        }
        if any(&["Conv", "LSTM", "GRU", "RNN", "Attention", "MultiHeadAttention"]) {
            return Self::Network;
        }
        let products: usize =
            ["Gemm", "MatMul", "FusedMatMul"].iter().filter_map(|name| graph.operators.get(*name)).sum();
        match products {
            0 => Self::Unknown,
            1 => Self::Linear,
            _ => Self::Network,
        }
    }

    /// Words for a reader.
    pub fn words(self) -> &'static str {
        match self {
            Self::Forest => "a forest of trees",
            Self::Boosted => "boosted trees",
            Self::Linear => "a linear model",
            Self::Kernel => "a kernel or neighbour model",
            Self::Network => "a neural network",
            Self::Unknown => "a model of unknown kind",
        }
    }
}
