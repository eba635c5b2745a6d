//! Which tensors of the graph depend on which stored array.
//!
//! A stored row is compared with what records look like *before* it comes into play. Behind it, a tensor may hold the row
//! because it was looked up there (an embedding, the value of a leaf), which says nothing about training.

use std::collections::{BTreeMap, BTreeSet};

use super::arrays::Origin;
use super::{Contents, Part, StoredArray, inner};
use crate::model::proto::{GraphProto, ModelProto, NodeProto, SparseTensorProto, TensorProto, ValueInfoProto};

/// The flow of tensors through the graph that is run.
pub struct Lineage<'c> {
    /// Names that a node of the main graph reads, itself or in its sub-graphs.
    reads: Vec<(&'c NodeProto, BTreeSet<&'c str>)>,
    /// The number in the walk of each node of the main graph and of those inside it: the place of the outer one.
    outer: BTreeMap<usize, usize>,
    /// Nodes that call a local function.
    calls: Vec<usize>,
    outputs: BTreeSet<&'c str>,
}

impl<'c> Lineage<'c> {
    /// Follows the graph of a file. O(edges).
    pub fn of(contents: &'c Contents) -> Self {
        let graph = contents.model.graph.as_ref();
        let nodes = graph.map_or(&[][..], |graph| &graph.node);
        let mut reads = Vec::with_capacity(nodes.len());
        let mut calls = Vec::new();
        for (at, node) in nodes.iter().enumerate() {
            let mut names = BTreeSet::new();
            read_by(node, &mut names);
            reads.push((node, names));
            let called = |function: &crate::model::proto::FunctionProto| {
                function.name() == node.op_type() && function.domain() == node.domain()
            };
            if contents.model.functions.iter().any(called) {
                calls.push(at);
            }
        }
        let (mut outer, mut at) = (BTreeMap::new(), None);
        for node in contents.nodes() {
            match node.part {
                Part::Graph => at = Some(at.map_or(0, |at: usize| at + 1)),
                Part::SubGraph => {}
                _ => continue,
            }
            outer.extend(at.map(|at| (node.number, at)));
        }
        let outputs = graph.iter().flat_map(|graph| &graph.output).map(ValueInfoProto::name).collect();
        Self { reads, outer, calls, outputs }
    }

    /// Names of all tensors that nodes of the main graph make, in their order, with the operator that makes each; sequences
    /// and maps that a `ZipMap` makes are left out.
    pub fn tensors(&self) -> Vec<(&'c str, String)> {
        let made = self.reads.iter().filter(|(node, _)| node.op_type() != "ZipMap");
        let named = made.flat_map(|(node, _)| {
            let outputs = node.output.iter().filter(|name| !name.is_empty());
            outputs.map(|name| (name.as_str(), super::place::operator(node)))
        });
        named.collect()
    }

    /// Whether the model gives a tensor out as it is.
    pub fn is_output(&self, tensor: &str) -> bool {
        self.outputs.contains(tensor)
    }

    /// Names of the tensors that depend on an array. O(edges).
    pub fn behind(&self, array: &StoredArray<'c>) -> BTreeSet<&'c str> {
        let mut reached: BTreeSet<&str> = BTreeSet::new();
        let mut touched = vec![false; self.reads.len()];
        match (array.origin, array.place.part) {
            (_, Part::Training | Part::Model) | (Origin::Elsewhere, _) => {}
            (_, Part::Function) => self.calls.iter().for_each(|&at| touched[at] = true),
            (Origin::Constant(name), _) => {
                reached.insert(name);
            }
            (Origin::Node(number), _) => {
                if let Some(flag) = self.outer.get(&number).and_then(|&at| touched.get_mut(at)) {
                    *flag = true;
                }
            }
        }
        // Nodes stand in topological order, as the standard demands: one pass is enough.
        for (at, (node, reads)) in self.reads.iter().enumerate() {
            if touched[at] || reads.iter().any(|name| reached.contains(name)) {
                reached.extend(node.output.iter().map(String::as_str));
            }
        }
        reached
    }
}

impl Contents {
    /// The model without whatever the named tensors do not need: its graph ends in them and in nothing else.
    pub(in crate::model) fn ending_in(&self, names: &[String]) -> ModelProto {
        let model = &self.model;
        let empty = GraphProto::default();
        let graph = model.graph.as_ref().unwrap_or(&empty);
        let mut needed: BTreeSet<&str> = names.iter().map(String::as_str).collect();
        let mut nodes: Vec<&NodeProto> = Vec::new();
        for node in graph.node.iter().rev().filter(|node| !node.output.is_empty()) {
            if node.output.iter().any(|name| needed.contains(name.as_str())) {
                read_by(node, &mut needed);
                nodes.push(node);
            }
        }
        let kept = |tensor: &&TensorProto| needed.contains(tensor.name());
        let sparse = |tensor: &&SparseTensorProto| tensor.values.as_ref().is_some_and(|values| kept(&values));
        // Old files list their constants among the inputs, too; one that is gone must not be asked for.
        let constant = |name: &str| graph.initializer.iter().any(|tensor| tensor.name() == name);
        let fed = |info: &&ValueInfoProto| needed.contains(info.name()) || !constant(info.name());
        let output = |name: &String| ValueInfoProto { name: Some(name.clone()), ..ValueInfoProto::default() };
        ModelProto {
            ir_version: model.ir_version,
            opset_import: model.opset_import.clone(),
            functions: model.functions.clone(),
            graph: Some(GraphProto {
                name: graph.name.clone(),
                node: nodes.into_iter().rev().cloned().collect(),
                initializer: graph.initializer.iter().filter(kept).cloned().collect(),
                sparse_initializer: graph.sparse_initializer.iter().filter(sparse).cloned().collect(),
                input: graph.input.iter().filter(fed).cloned().collect(),
                output: names.iter().map(output).collect(),
                value_info: graph.value_info.iter().filter(|info| needed.contains(info.name())).cloned().collect(),
                quantization_annotation: graph.quantization_annotation.clone(),
                ..GraphProto::default()
            }),
            ..ModelProto::default()
        }
    }
}

/// All names that a node reads: its inputs, and those of the nodes of its sub-graphs, whose own constants count as read.
fn read_by<'c>(node: &'c NodeProto, names: &mut BTreeSet<&'c str>) {
    names.extend(node.input.iter().map(String::as_str).filter(|name| !name.is_empty()));
    for graph in inner(node) {
        names.extend(constants(graph));
        graph.node.iter().for_each(|node| read_by(node, names));
    }
}

fn constants(graph: &GraphProto) -> impl Iterator<Item = &str> {
    graph.initializer.iter().map(TensorProto::name)
}
