//! Which column feeds which model input. Names only: no cell is looked at.
//!
//! Exporters rename columns (`education-num` becomes `education_num`), so names are compared after normalising; two
//! columns that normalise to the same name are an error, not a guess.

use super::ModelError;
use super::graph::{Graph, Port, PortKind};
use crate::tensor::Element;

/// One input with the columns that feed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feed {
    /// Name of the model input.
    pub input: String,
    /// Columns in the order of the input's features; empty for tensor records.
    pub columns: Vec<String>,
    /// Element type.
    pub element: Element,
    /// Shape of one row.
    pub row_shape: Vec<usize>,
}

/// A name as exporters might have changed it: lower case, letters and digits only.
///
/// ```
/// use privet::model::binding::normalise;
/// assert_eq!(normalise("education-num"), normalise("education_num"));
/// ```
pub fn normalise(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The fixed batch size of a model, if its inputs have one.
pub fn batch(graph: &Graph) -> Option<usize> {
    graph.inputs.iter().find_map(|input| match &input.kind {
        PortKind::Tensor { shape, .. } => shape.first().copied().flatten(),
        PortKind::Other(_) => None,
    })
}

/// Matches columns to inputs.
///
/// `columns` are those that describe a record, in file order. A model with one input takes all of them, in that order or
/// the order of `features` where the plan gives one; a model with several inputs takes one column each, by name.
///
/// # Errors
/// When an input finds no column, or several; when the number of columns is not the input's width.
pub fn bind(graph: &Graph, columns: &[String], features: Option<&[String]>) -> Result<Vec<Feed>, ModelError> {
    match &graph.inputs[..] {
        [] => Err(ModelError::Run { what: "the model has no input".to_owned() }),
        [only] => Ok(vec![bind_matrix(only, columns, features)?]),
        several => {
            let feeds =
                several.iter().map(|input| bind_column(input, several, columns)).collect::<Result<Vec<_>, _>>()?;
            let twice = |(at, feed): &(usize, &Feed)| feeds[..*at].iter().any(|other| other.columns == feed.columns);
            match feeds.iter().enumerate().find(twice) {
                None => Ok(feeds),
                Some((_, feed)) => Err(ModelError::Input {
                    input: feed.input.clone(),
                    what: format!("and another input both match the column `{}`", feed.columns.join(", ")),
                    help: "name the columns exactly as the model names its inputs".to_owned(),
                }),
            }
        }
    }
}

/// The single input of a model whose records are tensors of the given row shape.
///
/// # Errors
/// When the model has several inputs.
pub fn bind_tensor(graph: &Graph, row_shape: &[usize]) -> Result<Vec<Feed>, ModelError> {
    let [input] = &graph.inputs[..] else {
        return Err(ModelError::Run {
            what: format!("the model has {} inputs, the records are one tensor", graph.inputs.len()),
        });
    };
    let (element, declared) = tensor_kind(input)?;
    // Free dimensions take the record's size; `[N, 1, 28, 28]` accepts records of `[28, 28]` with the same cells.
    let fixed: Option<Vec<usize>> = declared.iter().skip(1).copied().collect();
    let row_shape = fixed.filter(|shape| !shape.is_empty()).unwrap_or_else(|| row_shape.to_vec());
    Ok(vec![Feed { input: input.name.clone(), columns: Vec::new(), element, row_shape }])
}

fn tensor_kind(input: &Port) -> Result<(Element, &[Option<usize>]), ModelError> {
    match &input.kind {
        PortKind::Tensor { element: Some(element), shape } => Ok((*element, shape)),
        _ => Err(ModelError::Input {
            input: input.name.clone(),
            what: format!("has a type that privet cannot feed ({})", input.describe()),
            help: "export the model with float32, float64, int64, int32, uint8, bool or string inputs".to_owned(),
        }),
    }
}

fn bind_column(input: &Port, all: &[Port], columns: &[String]) -> Result<Feed, ModelError> {
    let (element, shape) = tensor_kind(input)?;
    let exact = columns.iter().filter(|column| **column == input.name);
    let mut found: Vec<&String> = exact.collect();
    if found.is_empty() {
        found = columns.iter().filter(|column| normalise(column) == normalise(&input.name)).collect();
        // A column that another input names exactly is not a candidate here.
        found.retain(|column| !all.iter().any(|other| other.name == **column));
    }
    match found[..] {
        [column] => {
            let row_shape = vec![1; shape.len().saturating_sub(1)];
            Ok(Feed { input: input.name.clone(), columns: vec![column.clone()], element, row_shape })
        }
        [] => Err(ModelError::Input {
            input: input.name.clone(),
            what: "has no column of its name in the data".to_owned(),
            help: "name the column as the model does, or remove it from `[columns] leave_out` or `identifiers`"
                .to_owned(),
        }),
        _ => {
            let names: Vec<String> = found.iter().map(|name| format!("`{name}`")).collect();
            Err(ModelError::Input {
                input: input.name.clone(),
                what: format!("could be any of the columns {}", names.join(", ")),
                help: "rename the columns, or leave all but one out with `[columns] leave_out`".to_owned(),
            })
        }
    }
}

fn bind_matrix(input: &Port, columns: &[String], features: Option<&[String]>) -> Result<Feed, ModelError> {
    let (element, shape) = tensor_kind(input)?;
    let columns = features.map_or_else(|| columns.to_vec(), <[String]>::to_vec);
    let width = shape.get(1).copied().flatten();
    if shape.len() == 2 && width.is_none_or(|width| width == columns.len()) {
        let row_shape = vec![columns.len()];
        return Ok(Feed { input: input.name.clone(), columns, element, row_shape });
    }
    let wanted = width.map_or("a shape that is no table".to_owned(), |width| format!("{width} features"));
    Err(ModelError::Input {
        input: input.name.clone(),
        what: format!("takes {wanted}, the data have {} feature columns", columns.len()),
        help: "list the model's features in training order under `[model] features`, or leave the others out with \
               `[columns] leave_out`"
            .to_owned(),
    })
}
