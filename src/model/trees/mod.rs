//! Tree ensembles as a file states them: splits, leaves and the way of every row to its leaf. No row is sent to a runtime.
//!
//! `parse.rs` reads the three operators of `ai.onnx.ml` into one flat structure. Rows are routed as the runtime routes them:
//! in the precision of the tensor that feeds the node, with the node's own comparison and its rule for missing values.
//! Refuses an ensemble whose attributes disagree, that is no forest of trees, or that is deeper than any learner grows.

pub(super) mod counts;
mod cuts;
#[cfg(test)]
mod hostile;
mod parse;
mod prune;
#[cfg(test)]
pub(crate) mod specimen;
mod tensor;
pub(super) mod write;

pub use parse::Unreadable;
pub(super) use parse::{is_ensemble, of_contents};

use std::borrow::Cow;

use rayon::prelude::*;

use crate::tensor::{Tensor, Values};

/// How a split compares a cell with its constant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Not above.
    AtMost,
    /// Below.
    Below,
    /// Not below.
    AtLeast,
    /// Above.
    Above,
    /// Equal, for codes of categories.
    Equal,
    /// Different, for codes of categories.
    Different,
    /// One of a set of codes.
    Member,
}

impl Mode {
    /// Whether the constant lies between cells of a measured quantity, rather than naming categories.
    pub fn orders(self) -> bool {
        matches!(self, Self::AtMost | Self::Below | Self::AtLeast | Self::Above)
    }
}

/// Where a branch leads: a split, or a leaf. By default the first split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Way(u32);

/// The bit that tells a leaf.
const LEAF: u32 = 1 << 31;
/// Rows that walk through a tree at a time.
const ABREAST: usize = 16;

impl Way {
    fn split(index: usize) -> Self {
        Self(index as u32)
    }

    fn leaf(index: usize) -> Self {
        Self(index as u32 | LEAF)
    }

    /// The leaf's index, if it is one.
    pub fn as_leaf(self) -> Option<usize> {
        (self.0 & LEAF != 0).then_some((self.0 & !LEAF) as usize)
    }

    /// The split's index, if it is one.
    pub fn as_split(self) -> Option<usize> {
        (self.0 & LEAF == 0).then_some(self.0 as usize)
    }
}

/// A split.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Split {
    /// The constant; for [`Mode::Member`] the index of the set.
    pub value: f64,
    /// The column of the ensemble's input.
    pub feature: u32,
    /// Where a row goes that satisfies the comparison.
    pub yes: Way,
    /// Where the others go.
    pub no: Way,
    /// The comparison.
    pub mode: Mode,
    /// Whether a missing value satisfies it.
    pub missing_is_yes: bool,
}

/// A leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leaf {
    /// The tree it belongs to.
    pub tree: u32,
    /// Number of comparisons on the way to it.
    pub depth: u32,
    first: u32,
    len: u32,
}

/// What a leaf adds to one class or target.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weight {
    /// The class or target.
    pub target: u32,
    /// The value.
    pub value: f64,
}

/// How the trees' values become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aggregate {
    /// Their sum.
    Sum,
    /// Their mean.
    Average,
    /// The smallest.
    Min,
    /// The largest.
    Max,
}

/// What the operator does to the sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transform {
    /// Nothing.
    None,
    /// Softmax.
    Softmax,
    /// The logistic function.
    Logistic,
    /// Softmax that keeps zeros.
    SoftmaxZero,
    /// The inverse of the normal distribution function.
    Probit,
}

/// What an ensemble predicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Scores of classes.
    Classes,
    /// Numbers; the operator of opset 5 does not say which.
    Targets,
}

/// One tree-ensemble node of a graph.
#[derive(Debug, Clone, PartialEq)]
pub struct Ensemble {
    /// The tensor that feeds it.
    pub input: String,
    /// What it predicts.
    pub kind: Kind,
    /// Classes or targets.
    pub targets: usize,
    /// How many columns its splits ask for.
    pub width: usize,
    /// How the trees' values become one.
    pub aggregate: Aggregate,
    /// What the operator does to the sums.
    pub transform: Transform,
    /// What is added per class or target; empty for nothing.
    pub base: Vec<f64>,
    /// Where each tree starts.
    pub roots: Vec<Way>,
    /// All splits, tree by tree.
    pub splits: Vec<Split>,
    /// All leaves, tree by tree.
    pub leaves: Vec<Leaf>,
    weights: Vec<Weight>,
    sets: Vec<Vec<f64>>,
}

impl Ensemble {
    /// Number of trees.
    pub fn trees(&self) -> usize {
        self.roots.len()
    }

    /// What a leaf adds.
    pub fn weights(&self, leaf: usize) -> &[Weight] {
        let Some(leaf) = self.leaves.get(leaf) else { return &[] };
        self.weights.get(leaf.first as usize..(leaf.first + leaf.len) as usize).unwrap_or_default()
    }

    /// The leaves of a tree, as a range of indices.
    pub fn leaves_of(&self, tree: usize) -> std::ops::Range<usize> {
        let start = self.leaves.partition_point(|leaf| (leaf.tree as usize) < tree);
        let end = self.leaves.partition_point(|leaf| (leaf.tree as usize) <= tree);
        start..end
    }

    /// The deepest leaf.
    pub fn depth(&self) -> usize {
        self.leaves.iter().map(|leaf| leaf.depth as usize).max().unwrap_or(0)
    }

    /// The columns that are compared on the way to a leaf, from the root. O(splits of the tree).
    pub fn path(&self, leaf: usize) -> Vec<u32> {
        let tree = self.leaves.get(leaf).map_or(0, |leaf| leaf.tree as usize);
        let mut waiting: Vec<(Way, usize)> = self.roots.get(tree).map(|&root| (root, 0)).into_iter().collect();
        let mut path: Vec<u32> = Vec::new();
        while let Some((way, depth)) = waiting.pop() {
            path.truncate(depth);
            if way.as_leaf() == Some(leaf) {
                return path;
            }
            if let Some(split) = way.as_split().and_then(|split| self.splits.get(split)) {
                path.push(split.feature);
                waiting.extend([(split.no, depth + 1), (split.yes, depth + 1)]);
            }
        }
        Vec::new()
    }

    fn satisfied(&self, split: &Split, cell: f64) -> bool {
        if cell.is_nan() {
            return split.missing_is_yes;
        }
        match split.mode {
            Mode::AtMost => cell <= split.value,
            Mode::Below => cell < split.value,
            Mode::AtLeast => cell >= split.value,
            Mode::Above => cell > split.value,
            Mode::Equal => cell == split.value,
            Mode::Different => cell != split.value,
            Mode::Member => self.sets.get(split.value as usize).is_some_and(|set| set.contains(&cell)),
        }
    }

    /// The leaf that each row reaches in the tree that starts at `root`.
    ///
    /// Several rows walk at a time: a step waits for memory, and the steps of other rows do not depend on it.
    fn walks<T: Copy + Into<f64>>(&self, root: Way, cells: &[T], width: usize) -> Vec<u32> {
        let mut leaves = Vec::with_capacity(cells.len() / width);
        for rows in cells.chunks(width * ABREAST) {
            let mut ways = [root; ABREAST];
            let ways = &mut ways[..rows.len() / width];
            let mut walking = true;
            while walking {
                walking = false;
                for (way, row) in ways.iter_mut().zip(rows.chunks_exact(width)) {
                    if way.0 & LEAF == 0 {
                        let split = &self.splits[way.0 as usize];
                        let cell: f64 = row[split.feature as usize].into();
                        // By index and not by a branch, which no processor could guess.
                        *way = [split.no, split.yes][usize::from(self.satisfied(split, cell))];
                        walking = true;
                    }
                }
            }
            leaves.extend(ways.iter().map(|way| way.0 & !LEAF));
        }
        leaves
    }

    /// Sends every row through some trees. `read` gets a tree and the leaf that each row reaches in it, and runs on all
    /// cores; its results come in the order of the trees.
    ///
    /// `O(trees * rows * depth)` comparisons; the leaves of a single tree are held at a time and core.
    pub fn route<R: Send>(
        &self,
        trees: std::ops::Range<usize>,
        rows: &Rows<'_>,
        read: impl Fn(usize, Vec<u32>) -> R + Sync,
    ) -> Vec<R> {
        let tree = |tree: usize| {
            let root = self.roots[tree];
            let leaves: Vec<u32> = match &rows.cells {
                Cells::F32(cells) => self.walks(root, cells, rows.width),
                Cells::F64(cells) => self.walks(root, cells, rows.width),
            };
            read(tree, leaves)
        };
        let trees = trees.start..trees.end.min(self.trees());
        trees.into_par_iter().map(tree).collect()
    }

    /// The sums of the trees for every row before the operator's transform, row-major: what the runtime computes, in 64
    /// bits.
    pub fn sums(&self, rows: &Rows<'_>) -> Vec<f64> {
        let n = rows.len();
        let neutral = match self.aggregate {
            Aggregate::Sum | Aggregate::Average => 0.0,
            Aggregate::Min => f64::INFINITY,
            Aggregate::Max => f64::NEG_INFINITY,
        };
        let mut sums = vec![neutral; n * self.targets];
        for leaves in self.route(0..self.trees(), rows, |_, leaves| leaves) {
            for (row, leaf) in leaves.into_iter().enumerate() {
                for weight in self.weights(leaf as usize) {
                    let Some(sum) = sums.get_mut(row * self.targets + weight.target as usize) else { continue };
                    *sum = match self.aggregate {
                        Aggregate::Sum | Aggregate::Average => *sum + weight.value,
                        Aggregate::Min => sum.min(weight.value),
                        Aggregate::Max => sum.max(weight.value),
                    };
                }
            }
        }
        let divisor = if self.aggregate == Aggregate::Average { self.trees().max(1) as f64 } else { 1.0 };
        let base = |at: usize| self.base.get(at % self.targets.max(1)).copied().unwrap_or(0.0);
        sums.iter().enumerate().map(|(at, sum)| sum / divisor + base(at)).collect()
    }
}

enum Cells<'a> {
    F32(Cow<'a, [f32]>),
    F64(Cow<'a, [f64]>),
}

/// Rows of the tensor that feeds an ensemble, in the precision in which the runtime compares them.
pub struct Rows<'a> {
    cells: Cells<'a>,
    width: usize,
}

impl<'a> Rows<'a> {
    /// Rows for an ensemble; nothing where the tensor is no table of numbers that is wide enough for its splits.
    pub fn of(tensor: &'a Tensor, ensemble: &Ensemble) -> Option<Self> {
        let width = tensor.row_len();
        if width == 0 || width < ensemble.width || tensor.row_shape.len() > 1 {
            return None;
        }
        let cells = match &tensor.values {
            Values::F32(cells) => Cells::F32(cells.as_slice().into()),
            Values::F64(cells) => Cells::F64(cells.as_slice().into()),
            // The runtime compares whole numbers as 32-bit floats.
            Values::I64(cells) => Cells::F32(cells.iter().map(|&cell| cell as f32).collect()),
            Values::I32(cells) => Cells::F32(cells.iter().map(|&cell| cell as f32).collect()),
            Values::U8(_) | Values::Bool(_) | Values::Text(_) => return None,
        };
        Some(Self { cells, width })
    }

    /// Some of the rows.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn take(&self, rows: &[usize]) -> Rows<'static> {
        fn taken<T: Copy>(cells: &[T], width: usize, rows: &[usize]) -> Cow<'static, [T]> {
            rows.iter().flat_map(|row| &cells[row * width..(row + 1) * width]).copied().collect()
        }
        let cells = match &self.cells {
            Cells::F32(cells) => Cells::F32(taken(cells, self.width, rows)),
            Cells::F64(cells) => Cells::F64(taken(cells, self.width, rows)),
        };
        Rows { cells, width: self.width }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        match &self.cells {
            Cells::F32(cells) => cells.len() / self.width,
            Cells::F64(cells) => cells.len() / self.width,
        }
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether cells are compared in 32 bits.
    pub fn single(&self) -> bool {
        matches!(self.cells, Cells::F32(_))
    }

    /// One cell.
    ///
    /// # Panics
    /// When there is no such row or column.
    pub fn cell(&self, row: usize, column: usize) -> f64 {
        match &self.cells {
            Cells::F32(cells) => f64::from(cells[row * self.width + column]),
            Cells::F64(cells) => cells[row * self.width + column],
        }
    }

    /// Number of columns.
    pub fn width(&self) -> usize {
        self.width
    }

    /// One column.
    pub fn column(&self, feature: usize) -> Vec<f64> {
        match &self.cells {
            Cells::F32(cells) => cells.iter().skip(feature).step_by(self.width).map(|&cell| f64::from(cell)).collect(),
            Cells::F64(cells) => cells.iter().skip(feature).step_by(self.width).copied().collect(),
        }
    }
}
