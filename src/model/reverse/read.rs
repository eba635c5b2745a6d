//! Nodes of a graph as rules. Refuses what it does not know to the last attribute: a rule that is nearly right is wrong.

use super::rules::{Norm, Rule, Then};
use super::windows::{Padding, Window};
use crate::model::proto::{AttributeProto, NodeProto};

/// Largest kernel, stride or padding along a dimension.
const MOST: i64 = 1 << 10;

/// The attributes of a node.
struct Node<'n>(&'n NodeProto);

impl Node<'_> {
    fn find(&self, name: &str) -> Option<&AttributeProto> {
        self.0.attribute.iter().find(|attribute| attribute.name() == name)
    }

    fn int(&self, name: &str, default: i64) -> i64 {
        self.find(name).map_or(default, |attribute| attribute.i.unwrap_or(0))
    }

    fn float(&self, name: &str, default: f64) -> f64 {
        self.find(name).map_or(default, |attribute| f64::from(attribute.f.unwrap_or(0.0)))
    }

    fn text(&self, name: &str) -> String {
        let found = self.find(name).and_then(|attribute| attribute.s.as_deref());
        found.map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default()
    }

    fn floats(&self, name: &str) -> Vec<f64> {
        self.find(name).map_or_else(Vec::new, |a| a.floats.iter().map(|&value| f64::from(value)).collect())
    }

    fn ints(&self, name: &str) -> Vec<i64> {
        self.find(name).map_or_else(Vec::new, |attribute| attribute.ints.clone())
    }

    fn inputs(&self) -> usize {
        self.0.input.iter().filter(|name| !name.is_empty()).count()
    }

    /// Whether an input that may be left out is there.
    fn has(&self, at: usize) -> bool {
        self.0.input.get(at).is_some_and(|name| !name.is_empty())
    }
}

/// The rule of a node in a version of the standard; nothing where there is none.
pub(super) fn rule(node: &NodeProto, version: i64) -> Option<Rule> {
    let node = Node(node);
    match (node.0.domain(), node.0.op_type()) {
        ("" | "ai.onnx", operator) => standard(&node, operator, version),
        ("ai.onnx.ml", operator) => classical(&node, operator),
        _ => None,
    }
}

fn standard(node: &Node<'_>, operator: &str, version: i64) -> Option<Rule> {
    Some(match operator {
        "Identity" | "Dropout" => Rule::Same,
        // To floats of any length; whole numbers have no slope.
        "Cast" => matches!(node.int("to", 0), 1 | 11).then_some(Rule::Same)?,
        "Add" => Rule::Add,
        "Sub" => Rule::Sub,
        "Mul" => Rule::Mul,
        "Div" => Rule::Div,
        "Neg" => Rule::Neg,
        "Exp" => Rule::Exp,
        "Log" => Rule::Log,
        "Sqrt" => Rule::Sqrt,
        "Relu" => Rule::Relu,
        "LeakyRelu" => Rule::LeakyRelu(node.float("alpha", 0.01)),
        "Clip" if version < 11 => Rule::Clip(node.float("min", f64::MIN), node.float("max", f64::MAX)),
        "Clip" => Rule::ClipTo { low: node.has(1), high: node.has(2) },
        "Sigmoid" => Rule::Sigmoid,
        "Tanh" => Rule::Tanh,
        "Softmax" | "LogSoftmax" => {
            // Before version 13 the dimensions from the axis on were one, and the axis was the second.
            let flat = version < 13;
            Rule::Softmax { axis: node.int("axis", if flat { 1 } else { -1 }), flat, log: operator == "LogSoftmax" }
        }
        "MatMul" => Rule::MatMul,
        "Gemm" => Rule::Gemm {
            alpha: node.float("alpha", 1.0),
            beta: node.float("beta", 1.0),
            transposed: (node.int("transA", 0) != 0, node.int("transB", 0) != 0),
        },
        "Flatten" => Rule::Flatten(node.int("axis", 1)),
        "Reshape" => (node.int("allowzero", 0) == 0 && node.inputs() == 2).then_some(Rule::Reshape)?,
        "Squeeze" => Rule::Shaped(node.ints("axes"), false),
        "Unsqueeze" => Rule::Shaped(node.ints("axes"), true),
        "Transpose" => {
            let order = node.ints("perm").into_iter().map(usize::try_from).collect::<Result<_, _>>();
            Rule::Transpose(order.ok()?)
        }
        "Concat" => Rule::Concat(node.find("axis")?.i.unwrap_or(0)),
        "Conv" => Rule::Conv { window: window(node, false)?, groups: usize::try_from(node.int("group", 1)).ok()? },
        "MaxPool" => (node.int("storage_order", 0) == 0).then_some(Rule::MaxPool(window(node, true)?))?,
        "AveragePool" => {
            let (window, padded) = (window(node, true)?, node.int("count_include_pad", 0) != 0);
            // What a window that hangs over the end is divided by differs between versions and runtimes.
            (!(window.overhangs && padded)).then_some(Rule::AveragePool { window, padded })?
        }
        "GlobalAveragePool" => Rule::GlobalAverage,
        "GlobalMaxPool" => Rule::GlobalLargest,
        "BatchNormalization" => {
            let trains = node.int("training_mode", 0) != 0 || (version < 9 && node.int("spatial", 1) == 0);
            (!trains).then_some(Rule::BatchNormalization(node.float("epsilon", 1e-5)))?
        }
        _ => return None,
    })
}

fn classical(node: &Node<'_>, operator: &str) -> Option<Rule> {
    Some(match operator {
        "Scaler" => {
            let scale = node.floats("scale");
            Rule::Scaler(node.floats("offset"), if scale.is_empty() { vec![1.0] } else { scale })
        }
        "Normalizer" => Rule::Normalizer(match node.text("norm").as_str() {
            "" | "MAX" => Norm::Largest,
            "L1" => Norm::Sum,
            "L2" => Norm::Square,
            _ => return None,
        }),
        "LinearClassifier" => {
            let then = then(node)?;
            let weights = node.floats("coefficients");
            let mut intercepts = node.floats("intercepts");
            let classes = node
                .ints("classlabels_ints")
                .len()
                .max(node.find("classlabels_strings").map_or(0, |a| a.strings.len()));
            if intercepts.is_empty() {
                intercepts = vec![0.0; classes];
            }
            // One row of weights for two classes makes two scores by rules of its own.
            let rows = intercepts.len();
            (rows > 1 && rows == classes && !weights.is_empty() && weights.len().is_multiple_of(rows))
                .then_some(Rule::Linear { weights, intercepts, then })?
        }
        "LinearRegressor" => {
            let targets =
                usize::try_from(node.int("targets", 1)).ok().filter(|targets| (1..=1 << 16).contains(targets))?;
            let weights = node.floats("coefficients");
            let intercepts =
                Some(node.floats("intercepts")).filter(|list| !list.is_empty()).unwrap_or(vec![0.0; targets]);
            let fits = intercepts.len() == targets && !weights.is_empty() && weights.len().is_multiple_of(targets);
            fits.then_some(Rule::Linear { weights, intercepts, then: then(node)? })?
        }
        _ => return None,
    })
}

fn then(node: &Node<'_>) -> Option<Then> {
    match node.text("post_transform").as_str() {
        "" | "NONE" => Some(Then::Nothing),
        "LOGISTIC" => Some(Then::Logistic),
        "SOFTMAX" => Some(Then::Softmax),
        _ => None,
    }
}

/// The window of a convolution or a pooling; the kernel of a convolution without one is that of its weights, which only the
/// graph knows.
fn window(node: &Node<'_>, pools: bool) -> Option<Window> {
    let whole = |value: i64| usize::try_from(value).ok().filter(|_| value <= MOST);
    let pair = |name: &str, default: i64, rank: usize| -> Option<[usize; 2]> {
        let list = Some(node.ints(name)).filter(|list| !list.is_empty()).unwrap_or(vec![default; rank]);
        match list[..] {
            [one] => Some([1, whole(one)?]),
            [first, second] => Some([whole(first)?, whole(second)?]),
            _ => None,
        }
    };
    let kernel = node.ints("kernel_shape");
    let rank = kernel.len();
    if !(1..=2).contains(&rank) {
        return None;
    }
    let kernel = pair("kernel_shape", 1, rank)?;
    let (strides, dilations) = (pair("strides", 1, rank)?, pair("dilations", 1, rank)?);
    if kernel.contains(&0) || strides.contains(&0) || (pools && dilations != [1, 1]) {
        return None;
    }
    let pads: Vec<usize> = node.ints("pads").into_iter().map(whole).collect::<Option<_>>()?;
    let overhangs = node.int("ceil_mode", 0) != 0;
    let padding = match (node.text("auto_pad").as_str(), &pads[..]) {
        ("" | "NOTSET", []) => Padding::Given { before: [0, 0], behind: [0, 0] },
        ("" | "NOTSET", &[a, b]) if rank == 1 => Padding::Given { before: [0, a], behind: [0, b] },
        ("" | "NOTSET", &[a, b, c, d]) if rank == 2 => Padding::Given { before: [a, b], behind: [c, d] },
        // Whether a last window hangs over where the padding is worked out is not said alike everywhere.
        ("VALID", []) if !overhangs => Padding::Given { before: [0, 0], behind: [0, 0] },
        ("SAME_UPPER", []) if !overhangs => Padding::MoreBehind,
        ("SAME_LOWER", []) if !overhangs => Padding::MoreBefore,
        _ => return None,
    };
    Some(Window { kernel, strides, dilations, padding, overhangs })
}
