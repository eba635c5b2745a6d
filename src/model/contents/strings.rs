//! The strings of a file.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use super::{Contents, Part, Place};
use crate::model::proto::{AttributeProto, GraphProto, StringStringEntryProto, TensorProto, ValueInfoProto};

/// What a string is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TextKind {
    /// A value that records have: a category, a word of a vocabulary, a label.
    Category,
    /// A name of a tensor, node, graph, function or dimension.
    Name,
    /// A key or a value of the metadata.
    Metadata,
    /// A doc string.
    Documentation,
    /// What wrote the file.
    Producer,
    /// The path of an external file.
    Path,
    /// A setting of an operator, for example an expression for words.
    Setting,
}

impl TextKind {
    /// Words for a reader.
    pub fn words(self) -> &'static str {
        match self {
            Self::Category => "categories and vocabularies",
            Self::Name => "names of tensors and nodes",
            Self::Metadata => "metadata",
            Self::Documentation => "doc strings",
            Self::Producer => "producer fields",
            Self::Path => "paths of external files",
            Self::Setting => "settings of operators",
        }
    }
}

/// One string of a file. Refuses to be printed.
#[derive(Clone, PartialEq)]
pub struct StoredString<'c> {
    /// Where it stands.
    pub place: Place,
    /// What it is for.
    pub kind: TextKind,
    /// The text; bytes that are no UTF-8 are replaced.
    pub text: Cow<'c, str>,
}

impl fmt::Debug for StoredString<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoredString({}, {} bytes)", self.place, self.text.len())
    }
}

struct Finds<'c>(Vec<StoredString<'c>>);

impl<'c> Finds<'c> {
    fn text(&mut self, place: &Place, kind: TextKind, text: &'c str) {
        if !text.is_empty() {
            self.0.push(StoredString { place: place.clone(), kind, text: Cow::Borrowed(text) });
        }
    }

    fn bytes(&mut self, place: &Place, kind: TextKind, bytes: &'c [u8]) {
        if !bytes.is_empty() {
            self.0.push(StoredString { place: place.clone(), kind, text: String::from_utf8_lossy(bytes) });
        }
    }

    fn entries(&mut self, part: Part, words: &'static str, entries: &'c [StringStringEntryProto]) {
        let place = Place::other(part, words);
        for entry in entries {
            self.text(&place, TextKind::Metadata, entry.key());
            self.text(&place, TextKind::Metadata, entry.value());
        }
    }

    fn tensor(&mut self, place: &Place, part: Part, tensor: &'c TensorProto) {
        distinct(&tensor.string_data).for_each(|text| self.bytes(place, TextKind::Category, text));
        self.text(&Place::other(part, "name of a tensor"), TextKind::Name, tensor.name());
        self.text(&Place::other(part, "doc string of a tensor"), TextKind::Documentation, tensor.doc_string());
        self.entries(part, "metadata of a tensor", &tensor.metadata_props);
        let path = Place::other(part, "path of an external file");
        for entry in &tensor.external_data {
            self.text(&path, TextKind::Path, entry.value());
        }
    }

    fn port(&mut self, part: Part, port: &'c ValueInfoProto) {
        self.text(&Place::other(part, "name of an input or output"), TextKind::Name, port.name());
        self.text(&Place::other(part, "doc string of an input or output"), TextKind::Documentation, port.doc_string());
        self.entries(part, "metadata of an input or output", &port.metadata_props);
    }

    fn graph(&mut self, part: Part, graph: &'c GraphProto) {
        self.text(&Place::other(part, "name of the graph"), TextKind::Name, graph.name());
        self.text(&Place::other(part, "doc string of the graph"), TextKind::Documentation, graph.doc_string());
        self.entries(part, "metadata of the graph", &graph.metadata_props);
        let tensors = graph.initializer.iter().chain(graph.sparse_initializer.iter().filter_map(|s| s.values.as_ref()));
        let place = Place::other(part, "a constant of texts");
        tensors.for_each(|tensor| self.tensor(&place, part, tensor));
        graph.input.iter().chain(&graph.output).chain(&graph.value_info).for_each(|port| self.port(part, port));
    }

    fn attribute(&mut self, place: &Place, part: Part, attribute: &'c AttributeProto) {
        let listed = !attribute.strings.is_empty();
        // The comparisons of a forest are a list of half a million times the same few.
        distinct(&attribute.strings).for_each(|text| self.bytes(place, TextKind::Category, text));
        if let Some(text) = attribute.s.as_deref().filter(|_| !listed) {
            self.bytes(place, TextKind::Setting, text);
        }
        attribute.t.iter().chain(&attribute.tensors).for_each(|tensor| self.tensor(place, part, tensor));
        self.text(&Place::other(part, "doc string of an attribute"), TextKind::Documentation, attribute.doc_string());
    }
}

/// The texts of a list, each once, in the order in which they are met.
fn distinct(texts: &[Vec<u8>]) -> impl Iterator<Item = &[u8]> {
    let mut seen = BTreeSet::new();
    texts.iter().map(Vec::as_slice).filter(move |text| seen.insert(*text))
}

/// Every string of a file that is not empty; a text that a list repeats counts once.
pub(super) fn all(contents: &Contents) -> Vec<StoredString<'_>> {
    let model = &contents.model;
    let mut finds = Finds(Vec::new());
    for (words, text) in [
        ("name of the producer", model.producer_name()),
        ("version of the producer", model.producer_version()),
        ("domain of the model", model.domain()),
    ] {
        finds.text(&Place::other(Part::Model, words), TextKind::Producer, text);
    }
    finds.text(&Place::other(Part::Model, "doc string of the model"), TextKind::Documentation, model.doc_string());
    finds.entries(Part::Model, "metadata of the model", &model.metadata_props);
    contents.graphs().into_iter().for_each(|(part, graph)| finds.graph(part, graph));
    for node in contents.nodes() {
        let place = |words| Place::other(node.part, words);
        finds.text(&place("name of a node"), TextKind::Name, node.node.name());
        let domain = node.node.domain();
        if !matches!(domain, "" | "ai.onnx" | "ai.onnx.ml" | "com.microsoft") {
            finds.text(&place("name of a custom operator"), TextKind::Name, node.node.op_type());
            finds.text(&place("name of a custom operator"), TextKind::Name, domain);
        }
        node.node.output.iter().for_each(|name| finds.text(&place("name of a tensor"), TextKind::Name, name));
        finds.text(&place("doc string of a node"), TextKind::Documentation, node.node.doc_string());
        finds.entries(node.part, "metadata of a node", &node.node.metadata_props);
        for attribute in &node.node.attribute {
            finds.attribute(&node.place(Some(attribute.name())), node.part, attribute);
        }
    }
    for function in &model.functions {
        let place = |words| Place::other(Part::Function, words);
        finds.text(&place("name of a function"), TextKind::Name, function.name());
        finds.text(&place("name of a function"), TextKind::Name, function.domain());
        finds.text(&place("doc string of a function"), TextKind::Documentation, function.doc_string());
        finds.entries(Part::Function, "metadata of a function", &function.metadata_props);
        function.value_info.iter().for_each(|port| finds.port(Part::Function, port));
        let default = place("default of an attribute");
        function.attribute_proto.iter().for_each(|attribute| finds.attribute(&default, Part::Function, attribute));
    }
    for info in &model.training_info {
        finds.entries(Part::Training, "bindings", &info.initialization_binding);
        finds.entries(Part::Training, "bindings", &info.update_binding);
    }
    for configuration in &model.configuration {
        let place = Place::other(Part::Model, "name of a device");
        configuration.device.iter().for_each(|device| finds.text(&place, TextKind::Metadata, device));
    }
    finds.0
}
