//! The trees of a file with the rows that feed them, shared by the checks that read trees.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use crate::check::{Audited, CheckError, ModelFile, Subject};
use crate::data::encode::{codes, joint_codes, tensors};
use crate::data::{Cells, Split};
use crate::finding::{Finding, Standing};
use crate::model::trees::{Ensemble, Rows};
use crate::tensor::{Tensor, Values};

/// What feeds the ensembles of a file, by the tensor's name: computed when a check first asks, and kept with the model.
#[derive(Default)]
pub struct Fed(OnceLock<BTreeMap<String, FedTensor>>);

/// One tensor that feeds an ensemble, for every record.
struct FedTensor {
    members: Tensor,
    nonmembers: Tensor,
    /// The column that each of its features shows.
    names: Vec<String>,
    /// Whether it is an input of the graph, in its own precision.
    direct: bool,
}

/// An ensemble with its rows.
pub(in crate::check) struct Planted<'a> {
    /// Its place among the ensembles of the file.
    pub(super) index: usize,
    pub(in crate::check) ensemble: &'a Ensemble,
    pub(in crate::check) members: Rows<'a>,
    pub(in crate::check) nonmembers: Rows<'a>,
    names: &'a [String],
}

impl Planted<'_> {
    /// What a feature shows, in words.
    pub(super) fn name(&self, feature: usize) -> String {
        self.names.get(feature).cloned().unwrap_or_else(|| numbered(feature))
    }
}

/// All ensembles of a file.
pub(in crate::check) struct Grove<'a> {
    pub(in crate::check) planted: Vec<Planted<'a>>,
    /// Why some trees could not be read or fed, in words.
    pub(in crate::check) unread: Vec<String>,
}

impl<'a> Grove<'a> {
    /// The trees of the file with the rows of both sets.
    ///
    /// # Errors
    /// When the file holds no trees, or the runtime fails on the way to them.
    pub(in crate::check) fn of(subject: &Subject<'a>) -> Result<Self, CheckError> {
        let trees = subject.file.map_or(&[][..], |file| file.contents.trees());
        if trees.is_empty() {
            return Err(no_trees());
        }
        let (Some(model), Some(split)) = (subject.model, subject.split) else { return Err(no_trees()) };
        if model.fed.0.get().is_none() {
            let wanted: Vec<&Ensemble> = trees.iter().flatten().collect();
            let fed = feed(subject, model, split, &wanted)?;
            // Another thread may have been faster; it found the same.
            let _ = model.fed.0.set(fed);
        }
        let fed = model.fed.0.get();
        let mut grove = Self { planted: Vec::new(), unread: Vec::new() };
        for (index, tree) in trees.iter().enumerate() {
            let ensemble = match tree {
                Ok(ensemble) => ensemble,
                Err(unreadable) => {
                    grove.unread.push(unreadable.to_string());
                    continue;
                }
            };
            let tensors = fed.and_then(|fed| fed.get(&ensemble.input));
            // Rows from inside the model come in 32 bits: constants that need more could send one the wrong way.
            let exact = |fed: &&FedTensor| {
                fed.direct || ensemble.splits.iter().all(|split| f64::from(split.value as f32) == split.value)
            };
            let planted = tensors.filter(exact).and_then(|fed| {
                let (members, nonmembers) = (Rows::of(&fed.members, ensemble)?, Rows::of(&fed.nonmembers, ensemble)?);
                Some(Planted { index, ensemble, members, nonmembers, names: &fed.names })
            });
            match planted {
                Some(planted) => grove.planted.push(planted),
                None => {
                    grove.unread.push("the rows that feed a tree ensemble cannot be had from the runtime".to_owned());
                }
            }
        }
        Ok(grove)
    }

    /// Number of trees.
    pub(super) fn trees(&self) -> usize {
        self.planted.iter().map(|planted| planted.ensemble.trees()).sum()
    }

    /// A finding about trees of which some could not be read may not pass.
    pub(super) fn qualify(&self, finding: &mut Finding) {
        if let Some(first) = self.unread.first() {
            finding.standing = Standing::Invalid {
                reason: format!("{} of the file's tree ensembles could not be looked at: {first}", self.unread.len()),
            };
        }
    }
}

fn no_trees() -> CheckError {
    CheckError::NotApplicable {
        reason: "the file holds no tree ensemble".to_owned(),
        remedy: "nothing is missing: this check reads trees only".to_owned(),
    }
}

fn numbered(feature: usize) -> String {
    format!("feature {} of the trees' input", feature + 1)
}

/// The tensors that feed the ensembles, of all records.
fn feed(
    subject: &Subject<'_>,
    model: &Audited,
    split: &Split,
    ensembles: &[&Ensemble],
) -> Result<BTreeMap<String, FedTensor>, CheckError> {
    let rows = split.members.len();
    let mut both = tensors(&split.members.features, &model.slots)?;
    for (tensor, more) in both.iter_mut().zip(tensors(&split.nonmembers.features, &model.slots)?) {
        tensor.extend(more);
    }
    let names: Vec<&str> = ensembles.iter().map(|ensemble| ensemble.input.as_str()).collect();
    let fed = reached(model, subject.file, &both, &names)?;
    let of = |(name, fed): (String, Reached)| {
        let (members, nonmembers) = (fed.tensor.slice(0, rows), fed.tensor.slice(rows, fed.tensor.rows()));
        (name, named(members, nonmembers, split, fed.direct))
    };
    Ok(fed.into_iter().map(of).collect())
}

/// What some records look like at a tensor of the graph.
pub(in crate::check) struct Reached {
    pub(in crate::check) tensor: Tensor,
    /// Whether it is an input of the graph, in its own precision.
    pub(in crate::check) direct: bool,
}

/// What records look like at some tensors of the graph: an input as it is, anything else from the runtime; those that cannot
/// be had are left out.
///
/// # Errors
/// When the runtime fails on the way.
pub(in crate::check) fn reached(
    model: &Audited,
    file: Option<&ModelFile>,
    inputs: &[Tensor],
    names: &[&str],
) -> Result<BTreeMap<String, Reached>, CheckError> {
    let mut found = BTreeMap::new();
    let mut inner: Vec<String> = Vec::new();
    for &name in names {
        match model.slots.iter().position(|slot| slot.input == name).and_then(|at| inputs.get(at)) {
            Some(tensor) => {
                found.insert(name.to_owned(), Reached { tensor: tensor.clone(), direct: true });
            }
            None if !inner.iter().any(|known| known == name) => inner.push(name.to_owned()),
            None => {}
        }
    }
    let inside = file.and_then(|file| Some((file, file.inside.as_ref()?)));
    if let (false, Some((file, inside))) = (inner.is_empty(), inside) {
        for stage in inside.stages(&file.contents, &inner, inputs, &|width| width > 0)?.kept {
            let tensor = Tensor { row_shape: vec![stage.width], values: Values::F32(stage.values) };
            found.insert(stage.name, Reached { tensor, direct: false });
        }
    }
    Ok(found)
}

fn named(members: Tensor, nonmembers: Tensor, split: &Split, direct: bool) -> FedTensor {
    let names = names(&members, &nonmembers, split);
    FedTensor { members, nonmembers, names, direct }
}

/// Which column each feature shows: the one that holds the same numbers in every record, else the text column with the
/// fewest values that determines it (an encoder's output).
fn names(members: &Tensor, nonmembers: &Tensor, split: &Split) -> Vec<String> {
    let width = members.row_len();
    let (Some(first), Some(second)) = (split.members.table(), split.nonmembers.table()) else {
        return (0..width).map(numbered).collect();
    };
    let (Some(a), Some(b)) = (members.to_f64(), nonmembers.to_f64()) else {
        return (0..width).map(numbered).collect();
    };
    let cells = |feature: usize| -> Vec<f64> {
        let of = |values: &[f64]| values.iter().skip(feature).step_by(width).copied().collect::<Vec<f64>>();
        [of(&a), of(&b)].concat()
    };
    let (mut numbers, mut texts) = (Vec::new(), Vec::new());
    for column in first.columns().iter().filter(|column| split.schema.is_feature(&column.name)) {
        let Some(other) = second.column(&column.name) else { continue };
        if let (Some(x), Some(y)) = (column.cells.numbers(), other.cells.numbers()) {
            numbers.push((column.name.as_str(), [x, y].concat()));
        } else {
            let (x, y, levels) = joint_codes(&column.cells, &other.cells);
            texts.push((column.name.as_str(), [x, y].concat(), levels));
        }
    }
    texts.sort_by_key(|(_, _, levels)| *levels);
    let same =
        |cell: f64, number: f64| cell == number || cell == f64::from(number as f32) || cell.is_nan() && number.is_nan();
    let name = |feature: usize| {
        let cells = cells(feature);
        let shows = |numbers: &[f64]| cells.iter().zip(numbers).all(|(&cell, &number)| same(cell, number));
        if let Some((name, _)) = numbers.iter().find(|(_, numbers)| shows(numbers)) {
            return (*name).to_owned();
        }
        let found = texts.iter().find(|(_, codes, levels)| determines(codes, *levels, &cells));
        found.map_or_else(|| numbered(feature), |(name, _, _)| format!("{name} (encoded)"))
    };
    (0..width).map(name).collect()
}

/// Whether equal codes always go with equal cells, and the cells are not all the same.
fn determines(codes: &[u32], levels: usize, cells: &[f64]) -> bool {
    let mut of_code: Vec<Option<u64>> = vec![None; levels];
    let follows = codes.iter().zip(cells).all(|(&code, cell)| {
        of_code.get_mut(code as usize).is_some_and(|known| *known.get_or_insert(cell.to_bits()) == cell.to_bits())
    });
    follows && cells.iter().any(|cell| Some(cell) != cells.first())
}

/// The first record of every patient: what is counted over people must not count one twice.
pub(super) fn one_each(people: &[u32]) -> Vec<usize> {
    let (of_row, levels) = codes(&Cells::Integer(people.iter().map(|&person| Some(i64::from(person))).collect()));
    let mut met = vec![false; levels];
    let new = |row: &usize| !std::mem::replace(&mut met[of_row[*row] as usize], true);
    (0..people.len()).filter(new).collect()
}
