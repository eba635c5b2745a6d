//! Where in a file something stands, in words that come from the standard and not from the file.

use std::fmt;

use crate::model::proto::NodeProto;

/// A part of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The graph that is run.
    Graph,
    /// A graph inside a node (`If`, `Loop`, `Scan`).
    SubGraph,
    /// A local function.
    Function,
    /// What was kept for training.
    Training,
    /// The file as a whole.
    Model,
}

/// What kind of place it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stand {
    /// A constant of a graph, by its number from 1, and the operator that takes it first.
    Initializer {
        /// Number from 1, in the order of the walk.
        number: usize,
        /// The operator that takes it.
        feeds: Option<String>,
    },
    /// A node, or an attribute of it.
    Node {
        /// Number from 1, in the order of the walk.
        number: usize,
        /// Its operator.
        operator: String,
        /// The attribute.
        attribute: Option<String>,
    },
    /// Something else: words for it.
    Other(&'static str),
}

/// Where something stands. Shows operators and attributes of the standard by name, anything else as *custom*: names are
/// written by whoever made the file and may name people.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The part.
    pub part: Part,
    /// The place within it.
    pub stand: Stand,
}

impl Place {
    /// A node, or one of its attributes.
    pub(in crate::model) fn of_node(part: Part, number: usize, node: &NodeProto, attribute: Option<&str>) -> Self {
        let attribute = attribute.map(|name| known(&ATTRIBUTES, name).unwrap_or("custom").to_owned());
        Self { part, stand: Stand::Node { number, operator: operator(node), attribute } }
    }

    /// A place with words of its own.
    pub(in crate::model) fn other(part: Part, words: &'static str) -> Self {
        Self { part, stand: Stand::Other(words) }
    }

    /// The operator that the place belongs to, if any.
    pub fn operator(&self) -> Option<&str> {
        match &self.stand {
            Stand::Node { operator, .. } | Stand::Initializer { feeds: Some(operator), .. } => Some(operator),
            _ => None,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.stand {
            Stand::Initializer { number, feeds: Some(feeds) } => write!(f, "constant {number}, taken by {feeds}")?,
            Stand::Initializer { number, feeds: None } => write!(f, "constant {number}")?,
            Stand::Node { number, operator, attribute: Some(attribute) } => {
                write!(f, "attribute {attribute} of {operator}, node {number}")?;
            }
            Stand::Node { number, operator, attribute: None } => write!(f, "{operator}, node {number}")?,
            Stand::Other(words) => f.write_str(words)?,
        }
        match self.part {
            Part::Graph | Part::Model => Ok(()),
            Part::SubGraph => f.write_str(", in a sub-graph"),
            Part::Function => f.write_str(", in a local function"),
            Part::Training => f.write_str(", in the training information"),
        }
    }
}

/// The name of an operator, where the standard's domains have it; every operator of theirs is one capitalised word.
pub(in crate::model) fn operator(node: &NodeProto) -> String {
    let name = node.op_type();
    let standard = matches!(node.domain(), "" | "ai.onnx" | "ai.onnx.ml" | "com.microsoft");
    let word = name.len() <= 32
        && name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.chars().all(|c| c.is_ascii_alphanumeric())
        && name.chars().filter(char::is_ascii_digit).count() < 4;
    if standard && word { name.to_owned() } else { "a custom operator".to_owned() }
}

fn known<'k>(names: &[&'k str], name: &str) -> Option<&'k str> {
    names.iter().find(|known| **known == name).copied()
}

/// Attributes of the standard that hold numbers or strings.
const ATTRIBUTES: [&str; 67] = [
    "axes",
    "axis",
    "base_values",
    "base_values_as_tensor",
    "bins",
    "cats_int64s",
    "cats_strings",
    "class_ids",
    "class_nodeids",
    "class_treeids",
    "class_weights",
    "class_weights_as_tensor",
    "classlabels_int64s",
    "classlabels_ints",
    "classlabels_strings",
    "coefficients",
    "default_float",
    "default_int64",
    "default_string",
    "default_tensor",
    "idx",
    "imputed_value_floats",
    "imputed_value_int64s",
    "int64_vocabulary",
    "intercepts",
    "kernel_params",
    "keys_floats",
    "keys_int64s",
    "keys_strings",
    "keys_tensor",
    "leaf_targetids",
    "leaf_weights",
    "locale",
    "max",
    "membership_values",
    "min",
    "ngram_counts",
    "ngram_indexes",
    "nodes_hitrates",
    "nodes_hitrates_as_tensor",
    "nodes_modes",
    "nodes_splits",
    "nodes_values",
    "nodes_values_as_tensor",
    "offset",
    "pool_int64s",
    "pool_strings",
    "prob_a",
    "prob_b",
    "replaced_value_float",
    "rho",
    "scale",
    "separators",
    "sparse_value",
    "stopwords",
    "string_vocabulary",
    "support_vectors",
    "target_weights",
    "target_weights_as_tensor",
    "threshold",
    "tokenexp",
    "value",
    "value_float",
    "value_floats",
    "value_strings",
    "values_floats",
    "values_strings",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_file_are_not_shown() {
        let node = |domain: &str, operator: &str| NodeProto {
            domain: Some(domain.to_owned()),
            op_type: Some(operator.to_owned()),
            ..NodeProto::default()
        };
        let shown = |domain: &str, operator: &str, attribute: &str| {
            Place::of_node(Part::Graph, 3, &node(domain, operator), Some(attribute)).to_string()
        };
        assert_eq!(
            shown("ai.onnx.ml", "SVMClassifier", "support_vectors"),
            "attribute support_vectors of SVMClassifier, node 3"
        );
        assert_eq!(shown("ward", "JohnDoe", "mrn_4711"), "attribute custom of a custom operator, node 3");
        assert_eq!(operator(&node("", "Jane Doe 1950")), "a custom operator");
        assert!(ATTRIBUTES.is_sorted());
    }
}
