//! The linear map of a file, where it has exactly one: scores are weights times features plus intercepts.
//!
//! Reads the operators of `ai.onnx.ml`, and a single matrix product with a constant. Refuses files with several of them: which
//! one was fitted to what is then not stated.

use super::contents::{Contents, NodeAt, Part};
use super::proto::{GraphProto, NodeProto};

/// Most weights that are read.
const MOST: usize = 1 << 24;

/// A linear map. Refuses to be printed.
pub struct Linear {
    /// One row of weights per score, all of the same length, at least one.
    pub weights: Vec<Vec<f64>>,
    /// An intercept per score.
    pub intercepts: Vec<f64>,
}

impl Linear {
    /// Features that it takes.
    pub fn width(&self) -> usize {
        self.weights.first().map_or(0, Vec::len)
    }

    /// The scores of a row of features.
    ///
    /// # Panics
    /// Never; features beyond the width are left out.
    pub fn scores(&self, row: &(impl Iterator<Item = f64> + Clone)) -> Vec<f64> {
        let score = |(weights, intercept): (&Vec<f64>, &f64)| {
            intercept + weights.iter().zip(row.clone()).map(|(weight, value)| weight * value).sum::<f64>()
        };
        self.weights.iter().zip(&self.intercepts).map(score).collect()
    }

    /// Weights and intercepts as they stand in a file, row after row; nothing where their numbers do not fit. Two rows of which
    /// one is the negative of the other are the one score of two classes.
    fn of(flat: &[f64], intercepts: Vec<f64>) -> Option<Self> {
        let outputs = intercepts.len();
        if outputs == 0 || flat.is_empty() || !flat.len().is_multiple_of(outputs) || flat.len() > MOST {
            return None;
        }
        let width = flat.len() / outputs;
        let mut weights: Vec<Vec<f64>> = flat.chunks(width).map(<[f64]>::to_vec).collect();
        let mut intercepts = intercepts;
        let mirrored = matches!(&weights[..], [a, b] if a.iter().zip(b).all(|(a, b)| *a == -*b));
        if mirrored {
            weights.remove(0);
            intercepts.remove(0);
        }
        Some(Self { weights, intercepts })
    }
}

impl Contents {
    /// The only linear map of the file, if there is exactly one. O(nodes + weights).
    pub fn linear(&self) -> Option<Linear> {
        let nodes: Vec<NodeAt<'_>> = self.nodes().into_iter().filter(|at| at.part == Part::Graph).collect();
        let named = |names: &[&str]| -> Vec<&NodeAt<'_>> {
            nodes.iter().filter(|at| names.contains(&at.node.op_type())).collect()
        };
        match (&named(&["LinearClassifier", "LinearRegressor"])[..], &named(&["Gemm", "MatMul"])[..]) {
            ([one], _) => of_operator(one),
            ([], [one]) => self.of_product(one.node, one.graph?),
            _ => None,
        }
    }

    fn of_product(&self, node: &NodeProto, graph: &GraphProto) -> Option<Linear> {
        let constant = |name: &str| {
            let tensor = graph.initializer.iter().find(|tensor| tensor.name() == name)?;
            Some((tensor.dims.clone(), self.decoded(tensor).ok()?.values))
        };
        let (dims, values) = constant(node.input.get(1)?)?;
        let &[rows, columns] = &dims[..] else { return None };
        let (rows, columns) = (usize::try_from(rows).ok()?, usize::try_from(columns).ok()?);
        let attribute = |name: &str| node.attribute.iter().find(|attribute| attribute.name() == name);
        let flag = |name: &str| attribute(name).is_some_and(|attribute| attribute.i() != 0);
        let factor = |name: &str| attribute(name).map_or(1.0, |attribute| f64::from(attribute.f()));
        if flag("transA") || values.is_empty() {
            return None;
        }
        let by_output = if flag("transB") { values } else { transposed(&values, rows, columns) };
        let outputs = if flag("transB") { rows } else { columns };
        let bias = if node.op_type() == "Gemm" {
            node.input.get(2).and_then(|name| constant(name))
        } else {
            let product = node.output.first()?;
            let added = graph.node.iter().find(|next| next.op_type() == "Add" && next.input.contains(product));
            added.and_then(|next| next.input.iter().filter(|name| *name != product).find_map(|name| constant(name)))
        };
        let bias = bias.map_or_else(|| vec![0.0; outputs], |(_, values)| values);
        let intercepts: Vec<f64> = bias.into_iter().map(|value| value * factor("beta")).collect();
        let weights: Vec<f64> = by_output.into_iter().map(|value| value * factor("alpha")).collect();
        if intercepts.len() == outputs { Linear::of(&weights, intercepts) } else { None }
    }
}

fn transposed(values: &[f64], rows: usize, columns: usize) -> Vec<f64> {
    (0..columns).flat_map(|column| values.iter().skip(column).step_by(columns).take(rows).copied()).collect()
}

fn of_operator(at: &NodeAt<'_>) -> Option<Linear> {
    let floats = |name: &str| -> Option<Vec<f64>> {
        Some(at.attribute(name)?.floats.iter().map(|&value| f64::from(value)).collect())
    };
    let weights = floats("coefficients")?;
    let targets = at.attribute("targets").map_or(1, |attribute| usize::try_from(attribute.i()).unwrap_or(0).min(MOST));
    let intercepts = floats("intercepts").filter(|values| !values.is_empty()).unwrap_or_else(|| vec![0.0; targets]);
    Linear::of(&weights, intercepts)
}

#[cfg(test)]
mod tests {
    use crate::model::contents::specimen::{Attribute, Draft};

    #[test]
    fn operators_and_products_read_the_same() {
        let operator = Draft::default().node(
            "ai.onnx.ml",
            "LinearRegressor",
            &["x"],
            vec![
                ("coefficients", Attribute::Floats(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0])),
                ("intercepts", Attribute::Floats(vec![7.0, 8.0])),
            ],
        );
        // The same weights, feature by feature.
        let product = Draft::default()
            .constant("w", &[3, 2], vec![1.0, 4.0, 2.0, 5.0, 3.0, 6.0])
            .constant("b", &[2], vec![7.0, 8.0])
            .node("", "Gemm", &["x", "w", "b"], Vec::new());
        let sum = Draft::default()
            .constant("w", &[3, 2], vec![1.0, 4.0, 2.0, 5.0, 3.0, 6.0])
            .constant("b", &[2], vec![7.0, 8.0])
            .node("", "MatMul", &["x", "w"], Vec::new())
            .node("", "Add", &["out0", "b"], Vec::new());
        for draft in [operator, product, sum] {
            let linear = draft.contents().linear().unwrap();
            // 1*1 + 2*10 + 3*100 + 7 and 4*1 + 5*10 + 6*100 + 8
            assert_eq!(linear.scores(&[1.0, 10.0, 100.0].into_iter()), [328.0, 662.0]);
        }
    }

    #[test]
    fn mirrored_rows_are_one_score_and_misfits_none() {
        let of = |coefficients: Vec<f32>, intercepts: Vec<f32>| {
            let attributes =
                vec![("coefficients", Attribute::Floats(coefficients)), ("intercepts", Attribute::Floats(intercepts))];
            Draft::default().node("ai.onnx.ml", "LinearClassifier", &["x"], attributes).contents().linear()
        };
        let two = of(vec![-1.0, -2.0, 1.0, 2.0], vec![-3.0, 3.0]).unwrap();
        assert_eq!((two.weights, two.intercepts), (vec![vec![1.0, 2.0]], vec![3.0]));
        assert!(of(vec![1.0, 2.0, 3.0], vec![1.0, 2.0]).is_none());
        assert!(of(Vec::new(), vec![1.0]).is_none());
        let deep = Draft::default().constant("w", &[1, 1], vec![1.0]).node("", "MatMul", &["x", "w"], Vec::new()).node(
            "",
            "MatMul",
            &["out0", "w"],
            Vec::new(),
        );
        assert!(deep.contents().linear().is_none(), "two layers are no linear model");
    }
}
