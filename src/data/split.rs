//! The split: what was trained on, what was not.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::encode::joint_column;
use super::load::{Limits, extension, load_auxiliary, load_more_columns, no_column};
use super::{
    Auxiliary, Cells, DataError, Hierarchy, Kind, Outcome, PEOPLE, Population, Reading, Schema, Table, ThreatModel,
    load_table, load_tensor,
};
use crate::finding::Count;
use crate::tensor::Tensor;

/// Where the records are.
#[derive(Debug, Clone)]
pub enum Source {
    /// Two files.
    Two {
        /// Records the model was trained on.
        members: PathBuf,
        /// Records it was not.
        nonmembers: PathBuf,
        /// Labels, for `.npy` arrays that keep them in files of their own.
        labels: Option<(PathBuf, PathBuf)>,
    },
    /// One table with a column that tells.
    One {
        /// The table.
        records: PathBuf,
        /// Value of the split column for members.
        member: String,
        /// Value of the split column for non-members.
        nonmember: String,
    },
}

/// What describes a record.
#[derive(Debug, Clone)]
pub enum Features {
    /// Named columns.
    Table(Table),
    /// One tensor.
    Tensor(Tensor),
}

/// The cells that the model predicts: one column or several, in the order of the plan.
#[derive(Clone)]
pub struct Target(Vec<Cells>);

impl Target {
    /// Its columns; at least one.
    pub fn columns(&self) -> &[Cells] {
        &self.0
    }

    /// A copy of some rows.
    #[must_use]
    pub fn take(&self, rows: &[usize]) -> Self {
        Self(self.0.iter().map(|cells| cells.take(rows)).collect())
    }
}

impl From<Cells> for Target {
    fn from(cells: Cells) -> Self {
        Self(vec![cells])
    }
}

/// One set of records.
#[derive(Clone)]
pub struct Records {
    /// What describes them. A table keeps all its columns, identifiers and target too.
    pub features: Features,
    /// What the model predicts, where a target is declared.
    pub target: Option<Target>,
    /// The patient of each record, in codes shared by both sets, where a patient column is declared.
    pub groups: Option<Vec<u32>>,
}

impl Records {
    /// Number of records.
    pub fn len(&self) -> usize {
        match &self.features {
            Features::Table(table) => table.rows(),
            Features::Tensor(tensor) => tensor.rows(),
        }
    }

    /// Number of people: distinct patients where a patient column is declared, records otherwise.
    pub fn people(&self) -> usize {
        let Some(groups) = &self.groups else { return self.len() };
        let mut patients = groups.clone();
        patients.sort_unstable();
        patients.dedup();
        patients.len()
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The table, unless the records are tensors.
    pub fn table(&self) -> Option<&Table> {
        match &self.features {
            Features::Table(table) => Some(table),
            Features::Tensor(_) => None,
        }
    }

    /// A copy of some records.
    #[must_use]
    pub fn take(&self, rows: &[usize]) -> Self {
        let features = match &self.features {
            Features::Table(table) => Features::Table(table.take(rows)),
            Features::Tensor(tensor) => Features::Tensor(tensor.take(rows)),
        };
        Self {
            features,
            target: self.target.as_ref().map(|target| target.take(rows)),
            groups: self.groups.as_ref().map(|groups| rows.iter().map(|&row| groups[row]).collect()),
        }
    }
}

/// The table that says what the population of a threat model is, where the plan names one.
fn population_of(
    threat: &ThreatModel,
    patient: Option<&String>,
    setting: &str,
    reading: &Reading,
) -> Result<Option<Table>, DataError> {
    let read = |file: &Path, what: &str, names: &[String], more: Option<&String>| {
        let place = format!("{what} `{}`", file.display());
        load_more_columns(file, &place, setting, (names, more), reading).map(Some)
    };
    match &threat.population {
        Some(Population::Register(file)) => read(file, "the register of the population", &threat.columns, patient),
        Some(Population::Margins(file)) => {
            let names: Vec<String> = threat.columns.iter().cloned().chain([PEOPLE.to_owned()]).collect();
            read(file, "the margins of the population", &names, None)
        }
        _ => Ok(None),
    }
}

/// Both sets and the roles of their columns.
#[derive(Clone)]
pub struct Split {
    /// Records the model was trained on.
    pub members: Records,
    /// Records it was not trained on.
    pub nonmembers: Records,
    /// Roles of the columns.
    pub schema: Schema,
    /// For each threat model of the schema the register of its population, where the plan names one: a table of its
    /// quasi-identifiers, one row per person or with the patient column as well; or its margins, with a column [`PEOPLE`]
    /// besides.
    pub registers: Vec<Option<Arc<Table>>>,
    /// The hierarchies of columns.
    pub hierarchies: BTreeMap<String, Hierarchy>,
    /// For each threat model the attacker's file, where the plan names one: its quasi-identifiers and the column that identifies
    /// people, under their names in the data.
    pub auxiliaries: Vec<Option<Arc<Table>>>,
    /// The row of each member and of each non-member in its file.
    pub file_rows: (Vec<usize>, Vec<usize>),
    /// What a reader should know about the loading.
    pub warnings: Vec<String>,
}

impl Split {
    /// Loads both sets.
    ///
    /// `array` and `labels` name the arrays of an `.npz` archive.
    ///
    /// # Errors
    /// When a file cannot be read or a declared column is not there.
    pub fn load(source: &Source, schema: Schema, reading: &Reading, arrays: &Arrays) -> Result<Self, DataError> {
        let split = match source {
            Source::Two { members, nonmembers, labels } if is_tensor(members) => {
                let label_files = |second: bool| labels.as_ref().map(|(a, b)| if second { b } else { a }.as_path());
                let members = tensor_records(members, label_files(false), arrays, reading.limits)?;
                let nonmembers = tensor_records(nonmembers, label_files(true), arrays, reading.limits)?;
                check_shapes(&members, &nonmembers)?;
                Self::new(members, nonmembers, schema, Vec::new())?
            }
            Source::Two { members, nonmembers, .. } => {
                let files = [(members.as_path(), "the member file"), (nonmembers.as_path(), "the non-member file")];
                let mut tables = load_table(&files, reading)?.into_iter();
                let (Some(members), Some(nonmembers)) = (tables.next(), tables.next()) else {
                    unreachable!("two files make two tables")
                };
                Self::of_tables(members, nonmembers, schema, Vec::new())?
            }
            Source::One { records, member, nonmember } => {
                let mut tables = load_table(&[(records.as_path(), "the records file")], reading)?;
                let table = tables.remove(0);
                let column = schema.split.clone().unwrap_or_default();
                let cells = &column_of(&table, "data.split", &column)?.cells;
                let rows_of = |wanted: &str| -> Vec<usize> {
                    (0..table.rows()).filter(|&row| cells.text(row).as_deref() == Some(wanted)).collect()
                };
                let (in_rows, out_rows) = (rows_of(member), rows_of(nonmember));
                let ignored = table.rows() - in_rows.len() - out_rows.len();
                let mut warnings = Vec::new();
                if ignored > 0 {
                    warnings.push(format!(
                        "{} records have another value in the split column `{column}` and were left out.",
                        Count::of(ignored)
                    ));
                }
                let split = Self::of_tables(table.take(&in_rows), table.take(&out_rows), schema, warnings)?;
                Self { file_rows: (in_rows, out_rows), ..split }
            }
        };
        split.with_context(reading)
    }

    /// Loads what the plan names besides the records: registers of populations, attackers' files, hierarchies of columns.
    ///
    /// # Errors
    /// When such a file cannot be read or lacks a column, or a population is said to be smaller than the data.
    pub fn with_context(mut self, reading: &Reading) -> Result<Self, DataError> {
        let Some(table) = self.members.table() else { return Ok(self) };
        let people = self.members.people();
        let (mut registers, mut auxiliaries) = (Vec::new(), Vec::new());
        for threat in &self.schema.quasi_identifiers {
            if let Some(Population::Size(size)) = threat.population
                && size < people as u64
            {
                return Err(DataError::Shape {
                    what: format!(
                        "the population of `threats.{}` is smaller than the data that come from it",
                        threat.name
                    ),
                    help: "give the number of people of the population that the records were drawn from".to_owned(),
                });
            }
            // As the types that the columns have in the data, so that equal cells are equal.
            let kind = |name: &String| Some((name.clone(), table.column(name)?.cells.kind()));
            let patient = self.schema.patient.as_ref();
            let kinds: BTreeMap<String, Kind> = threat.columns.iter().chain(patient).filter_map(kind).collect();
            let reading = Reading { kinds, ..reading.clone() };
            let setting = format!("threats.{}.columns", threat.name);
            registers.push(population_of(threat, patient, &setting, &reading)?.map(Arc::new));
            let truth = threat.auxiliary.as_ref().and_then(Auxiliary::truth_column);
            let truth = truth.and_then(|name| Some((name.to_owned(), table.column(name)?.cells.kind())));
            let kinds: Vec<(String, Kind)> = threat.columns.iter().filter_map(kind).chain(truth).collect();
            let load = |auxiliary| load_auxiliary(auxiliary, &format!("threats.{}", threat.name), &kinds, &reading);
            auxiliaries.push(threat.auxiliary.as_ref().map(load).transpose()?.map(Arc::new));
        }
        self.registers = registers;
        for (column, file) in &self.schema.hierarchies {
            self.hierarchies.insert(column.clone(), Hierarchy::load(file, reading.separator)?);
        }
        self.auxiliaries = auxiliaries;
        Ok(self)
    }

    /// The threat models, each with the register of its population where there is one.
    pub fn threats(&self) -> impl Iterator<Item = (&ThreatModel, Option<&Table>)> {
        let registers = self.registers.iter().map(Option::as_deref).chain(std::iter::repeat(None));
        self.schema.quasi_identifiers.iter().zip(registers)
    }

    /// The threat models, each with the attacker's file where there is one.
    pub fn linked(&self) -> impl Iterator<Item = (&ThreatModel, Option<&Table>)> {
        let files = self.auxiliaries.iter().map(Option::as_deref).chain(std::iter::repeat(None));
        self.schema.quasi_identifiers.iter().zip(files)
    }

    /// Makes a split of two tables with the same columns.
    ///
    /// # Errors
    /// When a set is empty or a declared column is not there.
    pub fn of_tables(
        members: Table,
        nonmembers: Table,
        schema: Schema,
        warnings: Vec<String>,
    ) -> Result<Self, DataError> {
        check_roles(&members, &schema)?;
        let target_of = |table: &Table| {
            let names = schema.target.as_ref()?.columns();
            let cells: Option<Vec<Cells>> = names.iter().map(|name| Some(table.column(name)?.cells.clone())).collect();
            cells.map(Target)
        };
        let (in_target, out_target) = (target_of(&members), target_of(&nonmembers));
        let mut groups = (None, None);
        if let Some(name) = &schema.patient
            && let (Some(a), Some(b)) = (members.column(name), nonmembers.column(name))
        {
            let mut of_members = joint_column(&a.cells, &b.cells).people();
            let of_others = of_members.split_off(members.rows());
            groups = (Some(of_members), Some(of_others));
        }
        let members = Records { features: Features::Table(members), target: in_target, groups: groups.0 };
        let nonmembers = Records { features: Features::Table(nonmembers), target: out_target, groups: groups.1 };
        Self::new(members, nonmembers, schema, warnings)
    }

    fn new(members: Records, nonmembers: Records, schema: Schema, warnings: Vec<String>) -> Result<Self, DataError> {
        for (records, what) in [(&members, "the member set"), (&nonmembers, "the non-member set")] {
            if records.is_empty() {
                return Err(DataError::Empty { what: what.to_owned() });
            }
        }
        let file_rows = ((0..members.len()).collect(), (0..nonmembers.len()).collect());
        Ok(Self {
            members,
            nonmembers,
            schema,
            registers: Vec::new(),
            auxiliaries: Vec::new(),
            hierarchies: BTreeMap::new(),
            file_rows,
            warnings,
        })
    }
}

/// The arrays of an `.npz` archive that hold features and labels.
#[derive(Debug, Clone, Default)]
pub struct Arrays {
    /// Name of the feature array.
    pub features: Option<String>,
    /// Name of the label array.
    pub labels: Option<String>,
}

fn is_tensor(path: &Path) -> bool {
    matches!(extension(path).as_str(), "npy" | "npz")
}

fn column_of<'t>(table: &'t Table, setting: &str, name: &str) -> Result<&'t super::Column, DataError> {
    let names: Vec<String> = table.columns().iter().map(|c| c.name.clone()).collect();
    table.column(name).ok_or_else(|| no_column(setting, name, "the data", &names))
}

fn check_roles(table: &Table, schema: &Schema) -> Result<(), DataError> {
    let one = |name: &Option<String>| name.iter().cloned().collect::<Vec<_>>();
    let threats = &schema.quasi_identifiers;
    let quasi: Vec<String> = threats.iter().flat_map(|threat| threat.columns.clone()).collect();
    let target = schema.target.as_ref().map(Outcome::columns).unwrap_or_default();
    let target = target.into_iter().map(str::to_owned).collect();
    let files = threats.iter().filter_map(|threat| threat.auxiliary.as_ref());
    let truths = files.filter_map(|file| file.truth_column()).map(str::to_owned).collect();
    let settings = [
        ("data.target", target),
        ("data.patient", one(&schema.patient)),
        ("columns.identifiers", schema.identifiers.clone()),
        ("columns.quasi_identifiers", quasi),
        ("threats.*.weights", threats.iter().filter_map(|threat| threat.weights.clone()).collect()),
        ("threats.*.households", threats.iter().filter_map(|threat| threat.households.clone()).collect()),
        ("threats.*.truth", truths),
        ("columns.sensitive", schema.sensitive.clone()),
        ("columns.hierarchies", schema.hierarchies.iter().map(|(column, _)| column.clone()).collect()),
        ("columns.leave_out", schema.leave_out.clone()),
    ];
    for (setting, names) in settings {
        for name in names {
            column_of(table, setting, &name)?;
        }
    }
    Ok(())
}

fn tensor_records(
    path: &Path,
    label_file: Option<&Path>,
    arrays: &Arrays,
    limits: Limits,
) -> Result<Records, DataError> {
    let shape = |what: String, help: &str| DataError::Shape { what, help: help.to_owned() };
    let mut loaded = load_tensor(path, limits)?;
    if let Some(label_file) = label_file {
        let labels = load_tensor(label_file, limits)?.into_iter().next();
        loaded.extend(labels.map(|(_, tensor)| ("labels of their own".to_owned(), tensor)));
    }
    let pick = |name: &Option<String>, setting: &str, vector: bool| -> Result<Option<usize>, DataError> {
        if let Some(name) = name {
            let found = loaded.iter().position(|(candidate, _)| candidate == name);
            return found.map(Some).ok_or_else(|| {
                let names: Vec<String> = loaded.iter().map(|(n, _)| n.clone()).collect();
                no_column(setting, name, &format!("`{}`", path.display()), &names)
            });
        }
        let fitting: Vec<usize> = (0..loaded.len()).filter(|&i| (loaded[i].1.row_len() == 1) == vector).collect();
        match fitting[..] {
            [one] => Ok(Some(one)),
            [] => Ok(None),
            _ => Err(shape(
                format!("`{}` holds {} arrays that could be meant", path.display(), fitting.len()),
                &format!("name one with `{setting}`"),
            )),
        }
    };
    let features = pick(&arrays.features, "data.array", false)?.ok_or_else(|| {
        shape(format!("`{}` holds no array of two or more dimensions", path.display()), "name one with `data.array`")
    })?;
    let labels = pick(&arrays.labels, "data.labels", true)?;
    let target = labels.and_then(|index| super::npy::labels(&loaded[index].1)).map(Target::from);
    let features = loaded.swap_remove(features).1;
    if target.iter().flat_map(Target::columns).any(|cells| cells.len() != features.rows()) {
        return Err(shape(
            format!("`{}` holds {} records and another number of labels", path.display(), features.rows()),
            "save one label per record",
        ));
    }
    Ok(Records { features: Features::Tensor(features), target, groups: None })
}

fn check_shapes(members: &Records, nonmembers: &Records) -> Result<(), DataError> {
    let (Features::Tensor(a), Features::Tensor(b)) = (&members.features, &nonmembers.features) else { return Ok(()) };
    if a.row_shape == b.row_shape && a.element() == b.element() {
        return Ok(());
    }
    Err(DataError::Shape {
        what: format!(
            "member records are {} {:?} and non-member records {} {:?}",
            a.element(),
            a.row_shape,
            b.element(),
            b.row_shape
        ),
        help: "save both sets with the same shape and element type".to_owned(),
    })
}
