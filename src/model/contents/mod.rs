//! What a model file stores: every array and every string, wherever in the file it stands. Layer row 1.
//!
//! A file is taken apart, never run: the walk goes through the graph, its sub-graphs, local functions and training
//! information. Values are decoded one array at a time, when they are asked for, so that memory stays bounded by the file
//! and one array. What cannot be read (cut short, of an unknown type, in a file that is absent or elsewhere) is listed with
//! the reason. Refuses to print what it holds: names, strings and numbers of a file may be those of people.

mod arrays;
mod external;
mod lineage;
mod place;
#[cfg(test)]
pub(crate) mod specimen;
mod strings;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

pub use arrays::{Numbers, Precision, Quantised, StoredArray, Unread};
pub use lineage::Lineage;
pub(in crate::model) use place::operator;
pub use place::{Part, Place, Stand};
pub use strings::{StoredString, TextKind};

use super::ModelError;
use super::graph::{Graph, attribute, decode};
use super::proto::{AttributeProto, GraphProto, ModelProto, NodeProto};
use super::reverse::Reverse;
use super::trees::{self, Ensemble, Unreadable};

/// A model file taken apart.
pub struct Contents {
    model: ModelProto,
    /// The file itself; external data lie beside it.
    file: PathBuf,
    /// Its trees, once they were asked for.
    trees: OnceLock<Vec<Result<Ensemble, Unreadable>>>,
    /// Counts of training records by leaf, once they were asked for.
    leaf_counts: OnceLock<Vec<Vec<u64>>>,
}

impl fmt::Debug for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Contents({} nodes)", self.nodes().len())
    }
}

/// A node with where it stands.
#[derive(Clone, Copy)]
pub(super) struct NodeAt<'c> {
    pub(super) node: &'c NodeProto,
    /// Its number in the order of the walk, from 1.
    pub(super) number: usize,
    pub(super) part: Part,
    /// The graph that it stands in; functions have none.
    pub(super) graph: Option<&'c GraphProto>,
}

impl<'c> NodeAt<'c> {
    /// An attribute by name.
    pub(super) fn attribute(&self, name: &str) -> Option<&'c AttributeProto> {
        attribute(self.node, name)
    }

    /// The place of the node, or of one of its attributes.
    pub(super) fn place(&self, attribute: Option<&str>) -> Place {
        Place::of_node(self.part, self.number, self.node, attribute)
    }
}

impl Contents {
    /// Reads a model file: the facts, the contents and the bytes.
    ///
    /// # Errors
    /// As [`Graph::load`].
    pub fn load(path: &Path) -> Result<(Graph, Self, Vec<u8>), ModelError> {
        let (graph, model, bytes) = decode(path)?;
        Ok((graph, Self { model, file: path.to_owned(), trees: OnceLock::new(), leaf_counts: OnceLock::new() }, bytes))
    }

    /// The file as it was decoded.
    pub(super) fn model(&self) -> &ModelProto {
        &self.model
    }

    /// Every node, those of sub-graphs, functions and training information included. O(nodes).
    pub(super) fn nodes(&self) -> Vec<NodeAt<'_>> {
        let mut found = Vec::new();
        for (part, graph) in self.roots() {
            collect(part, Some(graph), &graph.node, &mut found);
        }
        for function in &self.model.functions {
            collect(Part::Function, None, &function.node, &mut found);
        }
        for (at, node) in found.iter_mut().enumerate() {
            node.number = at + 1;
        }
        found
    }

    /// Every graph, sub-graphs included.
    fn graphs(&self) -> Vec<(Part, &GraphProto)> {
        let mut graphs = self.roots();
        for node in self.nodes() {
            let part = if node.part == Part::Graph { Part::SubGraph } else { node.part };
            graphs.extend(inner(node.node).map(|graph| (part, graph)));
        }
        graphs
    }

    /// The graphs that are no sub-graphs.
    fn roots(&self) -> Vec<(Part, &GraphProto)> {
        let main = self.model.graph.iter().map(|graph| (Part::Graph, graph));
        let training = self.model.training_info.iter();
        let training = training.flat_map(|info| info.initialization.iter().chain(&info.algorithm));
        main.chain(training.map(|graph| (Part::Training, graph))).collect()
    }

    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// Every array that the file stores, in the order of the walk. Nothing is decoded yet.
    pub fn arrays(&self) -> Vec<StoredArray<'_>> {
        arrays::all(self)
    }

    /// Every tree ensemble, in the order of the nodes; read once.
    pub fn trees(&self) -> &[Result<Ensemble, Unreadable>] {
        self.trees.get_or_init(|| trees::of_contents(self))
    }

    /// Numbers of training records that tables beside the trees state for each leaf, tree by tree; read once.
    pub fn leaf_counts(&self) -> &[Vec<u64>] {
        self.leaf_counts.get_or_init(|| trees::counts::of_contents(self))
    }

    /// The main graph as a program that can be differentiated.
    pub fn reverse(&self) -> Reverse {
        Reverse::of(&self.model, &|tensor| self.decoded(tensor).ok().map(|numbers| numbers.values))
    }

    /// Every string that the file stores, in the order of the walk.
    pub fn strings(&self) -> Vec<StoredString<'_>> {
        strings::all(self)
    }
}

/// The graphs in the attributes of a node.
fn inner(node: &NodeProto) -> impl Iterator<Item = &GraphProto> {
    node.attribute.iter().flat_map(|attribute| attribute.g.iter().chain(&attribute.graphs))
}

/// Decoding refuses messages nested deeper than a hundred levels, so this ends.
fn collect<'c>(part: Part, graph: Option<&'c GraphProto>, nodes: &'c [NodeProto], found: &mut Vec<NodeAt<'c>>) {
    for node in nodes {
        found.push(NodeAt { node, number: 0, part, graph });
        let part = if part == Part::Graph { Part::SubGraph } else { part };
        inner(node).for_each(|graph| collect(part, Some(graph), &graph.node, found));
    }
}
