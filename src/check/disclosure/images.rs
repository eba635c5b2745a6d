//! What every record looks like wherever the model might compare it with a stored one: as the model's inputs, as the
//! columns of the table, and at every stage inside the model.

use std::collections::BTreeSet;

use crate::check::{CheckError, ModelFile, Subject};
use crate::data::encode::tensors;
use crate::data::{Features, Split};
use crate::model::Stage;
use crate::model::contents::{Lineage, StoredArray};
use crate::tensor::{Tensor, Values};

/// Arrays of fewer values hold no row worth looking for.
pub(super) const FEWEST_VALUES: usize = 4;
/// Most steps of following arrays through the graph; larger graphs are compared with inputs only.
const MOST_STEPS: usize = 50_000_000;

/// All records at one place. Refuses to be printed.
pub(super) struct Image<'c> {
    /// The place in words.
    pub(super) what: String,
    /// The tensor of the file, for stages inside the model.
    pub(super) tensor: Option<&'c str>,
    /// Numbers per record.
    pub(super) width: usize,
    /// Members first, then non-members, row by row.
    pub(super) values: Vec<f32>,
}

/// All images, and what is missing among them.
pub(super) struct Images<'c> {
    pub(super) list: Vec<Image<'c>>,
    pub(super) members: usize,
    /// Why something is missing, in sentences.
    pub(super) gaps: Vec<String>,
}

impl<'c> Images<'c> {
    /// Makes the images; `arrays` are those that records will be compared with.
    pub(super) fn of(
        subject: &Subject<'_>,
        split: &Split,
        file: &'c ModelFile,
        lineage: &Lineage<'c>,
        arrays: &[StoredArray<'c>],
    ) -> Result<Self, CheckError> {
        let mut images = Self { list: Vec::new(), members: split.members.len(), gaps: Vec::new() };
        let inputs = match subject.model {
            Some(model) if !model.slots.is_empty() => {
                let mut inputs = tensors(&split.members.features, &model.slots)?;
                for (all, more) in inputs.iter_mut().zip(tensors(&split.nonmembers.features, &model.slots)?) {
                    all.extend(more);
                }
                inputs
            }
            _ => Vec::new(),
        };
        images.add("the model's inputs".to_owned(), None, beside_each_other(&inputs));
        images.add("the columns of the table".to_owned(), None, of_table(split));
        if let (Some(inside), false) = (&file.inside, inputs.is_empty()) {
            let wanted = images.wanted(lineage, arrays);
            let names: Vec<String> = wanted.iter().map(|(name, _)| (*name).to_owned()).collect();
            // A row can only stand in an array that has as many numbers or a multiple.
            let lens: BTreeSet<usize> = arrays.iter().filter_map(StoredArray::len).collect();
            let fits = |width: usize| width > 1 && lens.iter().any(|len| *len >= width && len.is_multiple_of(width));
            match inside.stages(&file.contents, &names, &inputs, &fits) {
                Ok(stages) => {
                    if stages.left_out > 0 {
                        images.gaps.push(format!(
                            "{} tensors inside the model are too large to be compared with what the file stores.",
                            stages.left_out
                        ));
                    }
                    for Stage { name, width, values } in stages.kept {
                        let found = wanted.iter().find(|(wanted, _)| *wanted == name);
                        if let Some((tensor, operator)) = found {
                            images.add(format!("the output of {operator}"), Some(*tensor), (width, values));
                        }
                    }
                }
                Err(_) => images.gaps.push(
                    "The runtime does not give out what lies inside the model, so stored rows were looked for among its \
                     inputs only: rows stored after a transformation would be missed."
                        .to_owned(),
                ),
            }
        }
        Ok(images)
    }

    /// Tensors that some array does not feed into: there it may be compared with records.
    fn wanted(&mut self, lineage: &Lineage<'c>, arrays: &[StoredArray<'c>]) -> Vec<(&'c str, String)> {
        let tensors = lineage.tensors();
        if tensors.len().saturating_mul(arrays.len()) > MOST_STEPS {
            self.gaps.push("The graph is too large to follow: rows were looked for among its inputs only.".to_owned());
            return Vec::new();
        }
        let mut behind_all: Option<BTreeSet<&str>> = None;
        for array in arrays.iter().filter(|array| array.len().is_some_and(|len| len >= FEWEST_VALUES)) {
            let behind = lineage.behind(array);
            behind_all = Some(match behind_all {
                Some(all) => all.intersection(&behind).copied().collect(),
                None => behind,
            });
        }
        let behind_all = behind_all.unwrap_or_default();
        tensors.into_iter().filter(|(name, _)| !behind_all.contains(name)).collect()
    }

    /// Adds an image unless it repeats an earlier one or holds no row of two numbers.
    fn add(&mut self, what: String, tensor: Option<&'c str>, (width, values): (usize, Vec<f32>)) {
        let same = |image: &Image<'_>| image.width == width && equal(&image.values, &values);
        if width > 1 && !values.is_empty() && !self.list.iter().any(same) {
            self.list.push(Image { what, tensor, width, values });
        }
    }
}

fn equal(a: &[f32], b: &[f32]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
}

/// The numbers of several inputs as one row per record.
fn beside_each_other(inputs: &[Tensor]) -> (usize, Vec<f32>) {
    let numeric = inputs.iter().filter(|tensor| !matches!(tensor.values, Values::Text(_)));
    let columns: Vec<(usize, Vec<f64>)> =
        numeric.filter_map(|tensor| Some((tensor.row_len(), tensor.to_f64()?))).collect();
    let rows = inputs.first().map_or(0, Tensor::rows);
    let width = columns.iter().map(|(width, _)| width).sum();
    let mut values = Vec::with_capacity(rows * width);
    for row in 0..rows {
        for (width, column) in &columns {
            values.extend(column[row * width..(row + 1) * width].iter().map(|&value| value as f32));
        }
    }
    (width, values)
}

/// The numeric feature columns of both sets in file order.
fn of_table(split: &Split) -> (usize, Vec<f32>) {
    let (Features::Table(members), Features::Table(others)) = (&split.members.features, &split.nonmembers.features)
    else {
        return (0, Vec::new());
    };
    let features = members.columns().iter().filter(|column| split.schema.is_feature(&column.name));
    let both = |name: &str, cells: &crate::data::Cells| {
        let more = others.column(name)?.cells.numbers()?;
        Some([cells.numbers()?, more].concat())
    };
    let columns: Vec<Vec<f64>> = features.filter_map(|column| both(&column.name, &column.cells)).collect();
    let rows = members.rows() + others.rows();
    let values = (0..rows).flat_map(|row| columns.iter().map(move |column| column[row] as f32)).collect();
    (columns.len(), values)
}
