//! Structural facts from the ONNX protobuf: what the file says about itself, without running anything.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use prost::Message;

use super::ModelError;
use super::proto::{
    AttributeProto, GraphProto, ModelProto, NodeProto, TypeProto, ValueInfoProto, tensor_shape_proto::dimension,
    type_proto,
};
use crate::tensor::Element;

/// The largest file that protobuf can hold.
const LARGEST: u64 = (1 << 31) - 1;

/// An input or output as declared.
#[derive(Debug, Clone, PartialEq)]
pub struct Port {
    /// Name.
    pub name: String,
    /// Type.
    pub kind: PortKind,
}

/// A declared type.
#[derive(Debug, Clone, PartialEq)]
pub enum PortKind {
    /// A tensor; `None` stands for a free dimension.
    Tensor {
        /// Element type, where privet knows it.
        element: Option<Element>,
        /// Dimensions.
        shape: Vec<Option<usize>>,
    },
    /// Anything else (sequences of maps), in words.
    Other(String),
}

impl Port {
    /// `name: type [shape]`.
    pub fn describe(&self) -> String {
        match &self.kind {
            PortKind::Tensor { element, shape } => {
                let element = element.map_or("other".to_owned(), |e| e.to_string());
                let dims: Vec<String> = shape.iter().map(|d| d.map_or("N".to_owned(), |d| d.to_string())).collect();
                format!("{}: {element} [{}]", self.name, dims.join(", "))
            }
            PortKind::Other(words) => format!("{}: {words}", self.name),
        }
    }
}

/// A sequence-of-maps output and the tensor it is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct ZipMap {
    /// Name of the output.
    pub output: String,
    /// Name of the tensor inside the graph.
    pub tensor: String,
    /// Class labels in column order.
    pub classes: Vec<String>,
}

/// The link that turns logits into a probability output.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// Name of the probability output.
    pub output: String,
    /// Name of the logits inside the graph.
    pub logits: String,
}

/// What the file says about itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Graph {
    /// Program and version that wrote it.
    pub producer: String,
    /// Operator sets.
    pub opsets: Vec<String>,
    /// Inputs that must be fed (initializers left out).
    pub inputs: Vec<Port>,
    /// Outputs.
    pub outputs: Vec<Port>,
    /// Operators and how often each occurs, sub-graphs included.
    pub operators: BTreeMap<String, usize>,
    /// Metadata keys.
    pub metadata_keys: Vec<String>,
    /// Sequence-of-maps outputs that can be by-passed.
    pub zip_maps: Vec<ZipMap>,
    /// Probability outputs whose logits can be had.
    pub links: Vec<Link>,
    /// Lists of class labels found in the operators' attributes, without repetition.
    pub class_lists: Vec<Vec<String>>,
    /// External data files that the weights lie in.
    pub external: Vec<String>,
    /// Whether classes are scored by plain sums of tree leaves (votes), without a link function on top.
    pub summed_votes: bool,
    /// Whether trees predict a number by their average.
    pub averaged_trees: bool,
}

impl Graph {
    /// Reads and parses a model file. Returns the facts and the bytes.
    ///
    /// # Errors
    /// When the file cannot be read, is larger than protobuf allows, or is no ONNX model.
    pub fn load(path: &Path) -> Result<(Self, Vec<u8>), ModelError> {
        decode(path).map(|(graph, _, bytes)| (graph, bytes))
    }

    fn of(model: &ModelProto, graph: &GraphProto) -> Self {
        let initializers: Vec<&str> = graph.initializer.iter().filter_map(|tensor| tensor.name.as_deref()).collect();
        let fed = |port: &&ValueInfoProto| !initializers.contains(&port.name());
        let mut operators = BTreeMap::new();
        let mut class_lists = Vec::new();
        walk(graph, &mut |node| {
            *operators.entry(operator_name(node)).or_insert(0) += 1;
            if let Some(classes) = class_labels(node).filter(|classes| !class_lists.contains(classes)) {
                class_lists.push(classes);
            }
        });
        let producer = format!("{} {}", model.producer_name(), model.producer_version()).trim().to_owned();
        let opset = |domain: &str| if domain.is_empty() { "ai.onnx".to_owned() } else { domain.to_owned() };
        Self {
            producer,
            opsets: model.opset_import.iter().map(|o| format!("{} {}", opset(o.domain()), o.version())).collect(),
            inputs: graph.input.iter().filter(fed).map(port).collect(),
            outputs: graph.output.iter().map(port).collect(),
            operators,
            metadata_keys: model.metadata_props.iter().map(|entry| entry.key().to_owned()).collect(),
            zip_maps: zip_maps(graph),
            links: links(graph),
            class_lists,
            external: external(graph),
            summed_votes: summed_votes(graph),
            averaged_trees: averaged_trees(graph),
        }
    }

    /// Operator domains that come with no ONNX Runtime.
    pub fn foreign_domains(&self) -> Vec<String> {
        let known = ["ai.onnx", "com.microsoft", "org.pytorch"];
        let foreign = |name: &&String| name.contains("::") && !known.iter().any(|k| name.starts_with(k));
        self.operators.keys().filter(foreign).cloned().collect()
    }
}

/// Reads and parses a model file: the facts, everything in it, and the bytes.
pub(super) fn decode(path: &Path) -> Result<(Graph, ModelProto, Vec<u8>), ModelError> {
    let io = |source| ModelError::Io { file: path.into(), source };
    let bytes = fs::metadata(path).map_err(io)?.len();
    if bytes > LARGEST {
        return Err(ModelError::TooLarge { file: path.into(), bytes, limit: LARGEST });
    }
    let bytes = fs::read(path).map_err(io)?;
    let not_onnx = |what: &str| ModelError::NotOnnx { file: path.into(), what: what.to_owned() };
    let model =
        ModelProto::decode(bytes.as_slice()).map_err(|_| not_onnx("it is not an ONNX file, or it is cut short"))?;
    let graph = model.graph.as_ref().ok_or_else(|| not_onnx("it holds no graph"))?;
    if graph.node.is_empty() || graph.output.is_empty() {
        return Err(not_onnx("its graph is empty"));
    }
    let facts = Graph::of(&model, graph);
    Ok((facts, model, bytes))
}

/// Bytes that, appended to a model file, add outputs to its graph: protobuf merges repeated messages.
pub(super) fn added_outputs(names: &[String]) -> Vec<u8> {
    let output =
        names.iter().map(|name| ValueInfoProto { name: Some(name.clone()), ..ValueInfoProto::default() }).collect();
    let graph = GraphProto { output, ..GraphProto::default() };
    ModelProto { graph: Some(graph), ..ModelProto::default() }.encode_to_vec()
}

/// A model as the bytes of a file.
pub(super) fn encoded(model: &ModelProto) -> Vec<u8> {
    model.encode_to_vec()
}

fn operator_name(node: &NodeProto) -> String {
    match node.domain() {
        "" | "ai.onnx" => node.op_type().to_owned(),
        domain => format!("{domain}::{}", node.op_type()),
    }
}

fn walk(graph: &GraphProto, visit: &mut impl FnMut(&NodeProto)) {
    for node in &graph.node {
        visit(node);
        for attribute in &node.attribute {
            attribute.g.iter().chain(&attribute.graphs).for_each(|inner| walk(inner, visit));
        }
    }
}

fn port(info: &ValueInfoProto) -> Port {
    Port {
        name: info.name().to_owned(),
        kind: info.r#type.as_ref().map_or(PortKind::Other("unknown".into()), port_kind),
    }
}

fn port_kind(kind: &TypeProto) -> PortKind {
    match &kind.value {
        Some(type_proto::Value::TensorType(tensor)) => {
            let dims = tensor.shape.as_ref().map_or(&[][..], |shape| &shape.dim);
            let size = |d: &super::proto::tensor_shape_proto::Dimension| match d.value {
                Some(dimension::Value::DimValue(size)) if size > 0 => Some(size as usize),
                _ => None,
            };
            PortKind::Tensor { element: element(tensor.elem_type()), shape: dims.iter().map(size).collect() }
        }
        Some(type_proto::Value::SequenceType(_)) => PortKind::Other("sequence of maps".to_owned()),
        Some(type_proto::Value::MapType(_)) => PortKind::Other("map".to_owned()),
        _ => PortKind::Other("unknown".to_owned()),
    }
}

/// Element types by their number in `TensorProto.DataType`.
fn element(code: i32) -> Option<Element> {
    Some(match code {
        1 => Element::F32,
        2 => Element::U8,
        6 => Element::I32,
        7 => Element::I64,
        8 => Element::Text,
        9 => Element::Bool,
        11 => Element::F64,
        _ => return None,
    })
}

/// An attribute of a node, by name.
pub(super) fn attribute<'n>(node: &'n NodeProto, name: &str) -> Option<&'n AttributeProto> {
    node.attribute.iter().find(|attribute| attribute.name() == name)
}

/// Class labels of an `ai.onnx.ml` operator.
fn class_labels(node: &NodeProto) -> Option<Vec<String>> {
    let names = ["classlabels_strings", "classlabels_int64s", "classlabels_ints", "classlabels_i"];
    let found = names.iter().filter_map(|name| attribute(node, name));
    let mut lists = found.map(|attribute| {
        let texts = attribute.strings.iter().map(|text| String::from_utf8_lossy(text).into_owned());
        texts.chain(attribute.ints.iter().map(ToString::to_string)).collect::<Vec<String>>()
    });
    lists.find(|list| !list.is_empty())
}

fn producer<'g>(graph: &'g GraphProto, tensor: &str) -> Option<&'g NodeProto> {
    graph.node.iter().find(|node| node.output.iter().any(|output| output == tensor))
}

fn zip_maps(graph: &GraphProto) -> Vec<ZipMap> {
    let maps = graph.output.iter().filter_map(|output| {
        let node = producer(graph, output.name()).filter(|node| node.op_type() == "ZipMap")?;
        let classes = class_labels(node).unwrap_or_default();
        Some(ZipMap { output: output.name().to_owned(), tensor: node.input.first()?.clone(), classes })
    });
    maps.collect()
}

/// Outputs made by a final softmax or sigmoid, possibly behind operators that copy.
fn links(graph: &GraphProto) -> Vec<Link> {
    let logits_of = |output: &str| {
        let mut node = producer(graph, output)?;
        while matches!(node.op_type(), "Identity" | "ZipMap") {
            node = producer(graph, node.input.first()?)?;
        }
        let is_link = node.domain().is_empty() && matches!(node.op_type(), "Softmax" | "Sigmoid");
        is_link.then(|| node.input.first().cloned()).flatten()
    };
    let links = graph
        .output
        .iter()
        .filter_map(|output| Some(Link { output: output.name().to_owned(), logits: logits_of(output.name())? }));
    links.collect()
}

/// A tree-ensemble classifier whose scores are not transformed, in a graph without a final link.
fn summed_votes(graph: &GraphProto) -> bool {
    let plain = |node: &NodeProto| {
        let transform = attribute(node, "post_transform").map(|a| String::from_utf8_lossy(a.s()).into_owned());
        node.op_type() == "TreeEnsembleClassifier" && transform.is_none_or(|t| t == "NONE")
    };
    let linked = |node: &NodeProto| matches!(node.op_type(), "Softmax" | "Sigmoid" | "Exp");
    graph.node.iter().any(plain) && !graph.node.iter().any(linked)
}

/// A tree-ensemble regressor that averages, or divides its sum by the number of trees in the leaf weights.
fn averaged_trees(graph: &GraphProto) -> bool {
    graph
        .node
        .iter()
        .filter(|node| node.op_type() == "TreeEnsembleRegressor")
        .any(|node| attribute(node, "aggregate_function").is_some_and(|a| String::from_utf8_lossy(a.s()) == "AVERAGE"))
}

fn external(graph: &GraphProto) -> Vec<String> {
    let mut files: Vec<String> = graph
        .initializer
        .iter()
        .flat_map(|tensor| &tensor.external_data)
        .filter(|entry| entry.key() == "location")
        .map(|entry| entry.value().to_owned())
        .collect();
    files.sort();
    files.dedup();
    files
}
