//! Evidence: what a chart or table is drawn from.
//!
//! Everything stands on fixed grids chosen without looking at single records, so that no point of a chart is a person.

use serde::{Deserialize, Serialize};

use crate::stats::Estimate;

/// Material for one chart or table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Evidence {
    /// A receiver operating characteristic.
    Roc(Curve),
    /// Distributions of a score in two or more groups.
    Distributions(Histogram),
    /// Cumulative share of people by the size of the group they hide in.
    ClassSizes {
        /// The finding the chart shows, in words.
        title: String,
        /// Points in ascending size.
        points: Vec<SizeShare>,
    },
    /// Attack against baseline, on members and on non-members.
    FourCells {
        /// The finding the chart shows, in words.
        title: String,
        /// One entry per set of records.
        pairs: Vec<CellPair>,
    },
    /// Named quantities.
    Bars {
        /// The finding the chart shows, in words.
        title: String,
        /// The axis, with its unit.
        axis: String,
        /// The bars, in the order to draw them.
        bars: Vec<Bar>,
    },
    /// A table of text.
    Table(Table),
}

/// A curve of true- against false-positive rate with pointwise bounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// The finding the chart shows, in words.
    pub title: String,
    /// Points in ascending false-positive rate, on a fixed grid.
    pub points: Vec<CurvePoint>,
    /// The policy's limit, as (false-positive rate, true-positive rate); filled in by the gate.
    pub limit: Option<(f64, f64)>,
}

/// One point of a curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// False-positive rate.
    pub fpr: f64,
    /// True-positive rate.
    pub tpr: f64,
    /// Lower bound of the true-positive rate.
    pub low: f64,
    /// Upper bound of the true-positive rate.
    pub high: f64,
}

/// Shares per bin for several groups on the same bins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    /// The finding the chart shows, in words.
    pub title: String,
    /// The axis, with its unit.
    pub axis: String,
    /// Bin edges, one more than bins.
    pub edges: Vec<f64>,
    /// One series per group; the first is drawn upwards, the second downwards.
    pub series: Vec<Series>,
}

/// One group of a histogram.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// The group's name.
    pub name: String,
    /// Share of the group in each bin; bins of 1 to 10 people are merged into their neighbour.
    pub shares: Vec<f64>,
}

/// A point of a cumulative class-size chart.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SizeShare {
    /// Class size.
    pub size: usize,
    /// Share of people in classes of at most that size.
    pub share: f64,
}

/// Attack and baseline on one set of records.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CellPair {
    /// The set, for example `members`.
    pub name: String,
    /// Success of the attack.
    pub attack: Estimate,
    /// Success of the baseline.
    pub baseline: Estimate,
}

/// A named quantity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bar {
    /// Its name.
    pub label: String,
    /// Its value.
    pub value: f64,
}

/// A table for people: a caption, headings and rows of text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// Caption.
    pub caption: String,
    /// Column headings.
    pub columns: Vec<String>,
    /// Rows, each as long as `columns`.
    pub rows: Vec<Vec<String>>,
}
