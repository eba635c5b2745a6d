//! Model files made in memory for tests.

use std::path::PathBuf;
use std::sync::OnceLock;

use super::Contents;
use crate::model::proto::{AttributeProto, GraphProto, ModelProto, NodeProto, StringStringEntryProto, TensorProto};

/// A file under construction.
#[derive(Default)]
pub(crate) struct Draft {
    model: ModelProto,
    graph: GraphProto,
}

/// The value of an attribute.
pub(crate) enum Attribute {
    Int(i64),
    Floats(Vec<f32>),
    Ints(Vec<i64>),
    Texts(Vec<String>),
}

impl Draft {
    /// Adds a float constant.
    pub(crate) fn constant(mut self, name: &str, shape: &[usize], values: Vec<f32>) -> Self {
        self.graph.initializer.push(TensorProto {
            name: Some(name.to_owned()),
            dims: shape.iter().map(|&size| size as i64).collect(),
            data_type: Some(1),
            float_data: values,
            ..TensorProto::default()
        });
        self
    }

    /// Adds a node of a domain.
    pub(crate) fn node(
        mut self,
        domain: &str,
        operator: &str,
        inputs: &[&str],
        attributes: Vec<(&str, Attribute)>,
    ) -> Self {
        let texts = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let output = format!("out{}", self.graph.node.len());
        self.graph.node.push(NodeProto {
            domain: Some(domain.to_owned()),
            op_type: Some(operator.to_owned()),
            input: texts(inputs),
            output: vec![output],
            attribute: attributes.into_iter().map(|(name, value)| attribute(name, value)).collect(),
            ..NodeProto::default()
        });
        self
    }

    /// Adds a node as it is.
    pub(crate) fn with(mut self, node: NodeProto) -> Self {
        self.graph.node.push(node);
        self
    }

    /// Adds an entry of the model's metadata.
    pub(crate) fn metadata(mut self, key: &str, value: &str) -> Self {
        let entry = StringStringEntryProto { key: Some(key.to_owned()), value: Some(value.to_owned()) };
        self.model.metadata_props.push(entry);
        self
    }

    /// The finished file.
    pub(crate) fn contents(mut self) -> Contents {
        self.model.graph = Some(self.graph);
        Contents {
            model: self.model,
            file: PathBuf::from("specimen.onnx"),
            trees: OnceLock::new(),
            leaf_counts: OnceLock::new(),
        }
    }
}

fn attribute(name: &str, value: Attribute) -> AttributeProto {
    let mut made = AttributeProto { name: Some(name.to_owned()), ..AttributeProto::default() };
    match value {
        Attribute::Int(value) => made.i = Some(value),
        Attribute::Floats(values) => made.floats = values,
        Attribute::Ints(values) => made.ints = values,
        Attribute::Texts(texts) => made.strings = texts.into_iter().map(String::into_bytes).collect(),
    }
    made
}
