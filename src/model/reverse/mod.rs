//! Slopes of a model's answer along its inputs, worked out from the operators of its file (reverse-mode differentiation).
//!
//! For one record at a time, in 64-bit arithmetic. The operators are those of linear models, networks of matrix products and
//! convolutions; whatever hangs on another operator is not computed. Refuses to run anything: the file is read as a formula,
//! sizes are bounded, and whoever uses the slopes compares them with differences of the model's own answers first.

mod array;
mod bounds;
mod matrices;
mod read;
mod rules;
mod windows;

pub use array::Array;

use std::collections::BTreeMap;

use super::proto::{ModelProto, NodeProto, OperatorSetIdProto, TensorProto};
use rules::Rule;

/// A graph as a program that can be differentiated.
pub struct Reverse {
    steps: Vec<Step>,
    constants: BTreeMap<usize, Array>,
    /// Inputs by name, with their places among the tensors.
    inputs: Vec<(String, usize)>,
    tensors: usize,
    /// The first node without a rule.
    obstacle: Option<String>,
}

/// Most numbers that the tensors of a record may hold together: what a file asks for is not what a machine has.
pub const MOST_HELD: usize = 1 << 23;

struct Step {
    rule: Rule,
    inputs: Vec<usize>,
    output: usize,
}

/// What every tensor holds for one record. Refuses to be printed.
pub struct Trace {
    values: Vec<Option<Array>>,
    /// Multiplications of all steps, roughly.
    pub cost: u64,
}

impl Reverse {
    /// Reads the main graph of a model; `decoded` gives the numbers of a constant. O(nodes + constants).
    pub(super) fn of(model: &ModelProto, decoded: &dyn Fn(&TensorProto) -> Option<Vec<f64>>) -> Self {
        let version = model.opset_import.iter().find(|set| matches!(set.domain(), "" | "ai.onnx"));
        let version = version.map_or(1, OperatorSetIdProto::version);
        let mut found =
            Self { steps: Vec::new(), constants: BTreeMap::new(), inputs: Vec::new(), tensors: 0, obstacle: None };
        let Some(graph) = &model.graph else { return found };
        let mut places: BTreeMap<&str, usize> = BTreeMap::new();
        for constant in &graph.initializer {
            let place = found.add(&mut places, constant.name());
            found.hold(place, constant, decoded);
        }
        for input in graph.input.iter().filter(|input| !graph.initializer.iter().any(|c| c.name() == input.name())) {
            let place = found.add(&mut places, input.name());
            found.inputs.push((input.name().to_owned(), place));
        }
        for node in &graph.node {
            let inputs =
                node.input.iter().filter(|name| !name.is_empty()).map(|name| places.get(name.as_str()).copied());
            let inputs: Option<Vec<usize>> = inputs.collect();
            let tensor = node.attribute.iter().find(|attribute| attribute.name() == "value").and_then(|a| a.t.as_ref());
            if let ("Constant", Some(tensor), Some(name)) = (node.op_type(), tensor, node.output.first()) {
                let place = found.add(&mut places, name);
                found.hold(place, tensor, decoded);
                continue;
            }
            if let (Some(rule), Some(inputs), Some(output)) = (read::rule(node, version), inputs, scored(node)) {
                let output = found.add(&mut places, output);
                found.steps.push(Step { rule, inputs, output });
            } else {
                let named = || super::contents::operator(node);
                found.obstacle.get_or_insert_with(named);
            }
        }
        found
    }

    fn add<'n>(&mut self, places: &mut BTreeMap<&'n str, usize>, name: &'n str) -> usize {
        let place = self.tensors;
        self.tensors += 1;
        places.insert(name, place);
        place
    }

    fn hold(&mut self, place: usize, tensor: &TensorProto, decoded: &dyn Fn(&TensorProto) -> Option<Vec<f64>>) {
        let shape: Option<Vec<usize>> = tensor.dims.iter().map(|&dim| usize::try_from(dim).ok()).collect();
        let array = shape.zip(decoded(tensor)).and_then(|(shape, values)| Array::new(shape, values));
        if let Some(array) = array {
            self.constants.insert(place, array);
        }
    }

    /// Names of the inputs.
    pub fn inputs(&self) -> impl Iterator<Item = &str> {
        self.inputs.iter().map(|(name, _)| name.as_str())
    }

    /// The first operator without a rule, if there is one.
    pub fn obstacle(&self) -> Option<&str> {
        self.obstacle.as_deref()
    }

    /// What every tensor holds for one record, as far as it can be computed with [`MOST_HELD`] numbers in all. The inputs are in the order of [`Reverse::inputs`],
    /// with a first dimension of 1.
    pub fn forward(&self, inputs: &[Array]) -> Trace {
        let mut trace = Trace { values: vec![None; self.tensors], cost: 0 };
        for ((_, place), array) in self.inputs.iter().zip(inputs) {
            trace.values[*place] = Some(array.clone());
        }
        let mut held = 0;
        for step in &self.steps {
            if held > MOST_HELD {
                break;
            }
            let arrays = self.arrays(step, &trace);
            let output = arrays.as_ref().and_then(|arrays| step.rule.forward(arrays));
            if let (Some(arrays), Some(output)) = (&arrays, &output) {
                trace.cost += step.rule.cost(arrays, output);
                held += output.values.len();
            }
            trace.values[step.output] = output;
        }
        trace
    }

    fn arrays<'t>(&'t self, step: &Step, trace: &'t Trace) -> Option<Vec<&'t Array>> {
        let one = |&at: &usize| self.constants.get(&at).or(trace.values[at].as_ref());
        step.inputs.iter().map(one).collect()
    }

    /// Slopes along every input, from those along one tensor of the trace; zero along what it does not depend on. Nothing
    /// where the tensor was not computed or has another size.
    pub fn backward(&self, trace: &Trace, tensor: usize, slopes: &[f64]) -> Option<Vec<Vec<f64>>> {
        let mut along: Vec<Option<Array>> = vec![None; self.tensors];
        let shape = trace.values.get(tensor)?.as_ref()?.shape.clone();
        along[tensor] = Some(Array::new(shape, slopes.to_vec())?);
        for step in self.steps.iter().rev() {
            let Some(of_output) = along[step.output].take() else { continue };
            let arrays = self.arrays(step, trace)?;
            let found = step.rule.backward(&arrays, trace.values[step.output].as_ref()?, &of_output)?;
            for (&at, more) in step.inputs.iter().zip(found) {
                let Some(more) = more.filter(|_| !self.constants.contains_key(&at)) else { continue };
                along[at] = Some(match along[at].take() {
                    Some(known) => known.zip(&more, |a, b| a + b),
                    None => more,
                });
            }
        }
        let of_input = |(_, place): &(String, usize)| match (&along[*place], &trace.values[*place]) {
            (Some(slopes), _) => Some(slopes.values.clone()),
            (None, Some(input)) => Some(vec![0.0; input.values.len()]),
            (None, None) => None,
        };
        self.inputs.iter().map(of_input).collect()
    }
}

/// The output that a rule computes: the first, of a classifier the second.
fn scored(node: &NodeProto) -> Option<&str> {
    let at = usize::from(node.op_type() == "LinearClassifier");
    node.output.get(at).map(String::as_str).filter(|name| !name.is_empty())
}

impl Trace {
    /// Tensors of so many numbers that were computed, the last ones first.
    pub fn of_size(&self, size: usize) -> impl Iterator<Item = usize> + '_ {
        let fits = move |at: &usize| self.values[*at].as_ref().is_some_and(|array| array.values.len() == size);
        (0..self.values.len()).rev().filter(fits)
    }

    /// The numbers of a tensor.
    pub fn numbers(&self, tensor: usize) -> Option<&[f64]> {
        Some(&self.values.get(tensor)?.as_ref()?.values)
    }
}

#[cfg(test)]
mod tests;
