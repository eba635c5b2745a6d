//! Score files: what a model (and models like it) said about records, recorded by somebody else. Neither the model nor the
//! records need to leave the place where they are.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use super::AssessError;
use super::roles;
use super::settings::{Settings, text_list};
use crate::check::disclosure::Fed;
use crate::check::{AnswerSource, Answers, AttackScores, Audited, Entry, Reference, Shadow, Truth};
use crate::data::{Cells, Column, Outcome, Reading, Schema, Split, Table, load_table};
use crate::finding::Count;
use crate::model::{Metered, ModelError, ModelFacts, ModelFamily, Predictions, Scale, Target, Task, canonical_label};
use crate::tensor::Tensor;

/// What score columns hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScoreKind {
    /// A probability per class.
    Probabilities,
    /// A logit per class.
    Logits,
    /// One number: the logit of the true class against all others.
    ScaledLogit,
    /// One number: the cross-entropy loss.
    Loss,
    /// One number: the predicted value of a regression.
    Value,
}

/// Columns by name, or all whose name starts alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Columns {
    /// These.
    Named(Vec<String>),
    /// Those that start with this.
    StartingWith(String),
}

impl Columns {
    /// A list, a name, or a prefix with a star.
    fn of(value: &toml::Value) -> Option<Self> {
        if let Some(text) = value.as_str().filter(|text| !text.is_empty()) {
            return Some(match text.strip_suffix('*') {
                Some(prefix) if !prefix.is_empty() => Self::StartingWith(prefix.to_owned()),
                Some(_) => return None,
                None => Self::Named(vec![text.to_owned()]),
            });
        }
        text_list(value).filter(|names| !names.is_empty()).map(Self::Named)
    }
}

/// Scores of one reference model.
#[derive(Debug, Clone)]
pub struct ReferenceColumns {
    /// Its name.
    pub name: String,
    /// Score columns.
    pub scores: Columns,
    /// The column that says on which records it was trained; nothing where it saw none of them.
    pub member: Option<String>,
}

/// Scores of a shadow model on records of its own.
#[derive(Debug, Clone)]
pub struct ShadowFile {
    /// The file.
    pub file: PathBuf,
    /// Score columns.
    pub scores: Columns,
    /// Member column.
    pub member: String,
    /// Label column.
    pub label: String,
}

/// `[scores]`.
#[derive(Debug, Clone)]
pub struct ScoresPlan {
    /// The file.
    pub file: PathBuf,
    /// The column that says who is a member.
    pub member: String,
    /// What score columns hold.
    pub kind: ScoreKind,
    /// Score columns of the target.
    pub target: Option<Columns>,
    /// Columns with finished attack scores of other tools, larger for members.
    pub attacks: Vec<String>,
    /// Reference models.
    pub references: Vec<ReferenceColumns>,
    /// A shadow model.
    pub shadow: Option<ShadowFile>,
    /// How members were drawn, in words, where the file has no columns to test it with.
    pub random_split: Option<String>,
    /// Roles of the columns.
    pub schema: Schema,
    /// How to read the files.
    pub reading: Reading,
}

/// What a score file gives.
pub(super) struct Scored {
    pub(super) split: Split,
    pub(super) audited: Option<Audited>,
    pub(super) references: Vec<Reference>,
    pub(super) shadow: Option<Shadow>,
    pub(super) attacks: Vec<AttackScores>,
}

const KEYS: [&str; 11] = [
    "file",
    "member",
    "label",
    "patient",
    "kind",
    "target",
    "attacks",
    "references",
    "shadow",
    "random_split",
    "missing",
];
const KINDS: [&str; 5] = ["probabilities", "logits", "scaled-logit", "loss", "value"];

impl ScoresPlan {
    /// Reads `[scores]`; roles of other columns come from `[columns]`.
    pub(super) fn of(s: &mut Settings, folder: &Path, columns: &Schema) -> Option<Self> {
        s.table("scores")?;
        s.only("scores", &KEYS);
        for (key, help) in [
            ("file", "name the table with one row per record"),
            ("member", "name the column that says 1 for members and 0 for others"),
        ] {
            if !s.has("scores", key) {
                s.complain(&format!("scores.{key}"), format!("`[scores]` has no `{key}`"), help);
            }
        }
        let file = s.existing(folder, "scores", "file")?;
        let target = columns_at(s, "scores", "target");
        let attacks = s.texts("scores", "attacks").unwrap_or_default();
        if target.is_none() && attacks.is_empty() && s.mistakes.is_empty() {
            s.complain(
                "scores.target",
                "`[scores]` has neither `target` nor `attacks`",
                "name the score columns of the target, or columns with attack scores of another tool",
            );
        }
        if target.is_some() && !s.has("scores", "label") {
            s.complain("scores.label", "`[scores]` has no `label`", "name the column of the true class or value");
        }
        let schema = Schema {
            target: s.text("scores", "label").map(Outcome::One),
            patient: s.text("scores", "patient"),
            split: s.text("scores", "member"),
            ..columns.clone()
        };
        roles::check(s, &schema);
        let missing = s.texts("scores", "missing").unwrap_or_default();
        Some(Self {
            file,
            member: s.text("scores", "member")?,
            kind: s.word("scores", "kind", &KINDS).unwrap_or(ScoreKind::Probabilities),
            target,
            attacks,
            references: references(s),
            shadow: shadow(s, folder),
            random_split: s.text("scores", "random_split"),
            schema,
            reading: Reading { missing, ..Reading::default() },
        })
    }

    /// Loads the file and what the columns say.
    ///
    /// # Errors
    /// When the file cannot be read, or a column is missing or does not hold what it should.
    pub(super) fn load(&self) -> Result<Scored, AssessError> {
        let table = load_table(&[(self.file.as_path(), "the score file")], &self.reading)?.remove(0);
        let member = flags(&table, &self.member, "scores.member")?;
        let rows = |wanted: bool| -> Vec<usize> { (0..member.len()).filter(|&row| member[row] == wanted).collect() };
        let sides = (rows(true), rows(false));
        let mut used: Vec<String> = self.attacks.clone();
        let target = self.target.as_ref().map(|columns| resolve(&table, columns, "scores.target")).transpose()?;
        used.extend(target.iter().flatten().cloned());
        let mut of_references = Vec::new();
        for reference in &self.references {
            let setting = format!("scores.references.{}", reference.name);
            let columns = resolve(&table, &reference.scores, &setting)?;
            used.extend(columns.iter().cloned().chain(reference.member.clone()));
            of_references.push((reference, columns));
        }
        let split = self.split(&table, &sides, used)?;
        let label = self.schema.target.as_ref().and_then(|target| target.columns().first().copied());
        let labels = label.map(|name| column(&table, name, "scores.label")).transpose()?;
        let reader = match (&target, labels) {
            (Some(columns), Some(label)) => Some(Reader::of(self.kind, columns, &label.cells)?),
            _ => None,
        };
        let mut references = Vec::new();
        if let (Some(reader), Some(label)) = (&reader, labels) {
            for (reference, columns) in of_references {
                references.push(reader.reference(&table, reference, &columns, &label.cells, &sides)?);
            }
        }
        let shadow = match (&self.shadow, &reader) {
            (Some(shadow), Some(reader)) => Some(reader.shadow(shadow, &self.reading)?),
            _ => None,
        };
        let audited = match (reader, target, labels) {
            (Some(reader), Some(columns), Some(label)) => {
                Some(reader.audited(&table, &columns, &label.cells, &sides)?)
            }
            _ => None,
        };
        let attacks = self.attacks.iter().map(|name| finished(&table, name, &sides)).collect::<Result<_, _>>()?;
        Ok(Scored { split, audited, references, shadow, attacks })
    }

    /// Both sides, with everything that is a score taken out of the features.
    fn split(
        &self,
        table: &Table,
        (members, nonmembers): &(Vec<usize>, Vec<usize>),
        used: Vec<String>,
    ) -> Result<Split, AssessError> {
        let mut schema = self.schema.clone();
        schema.scores.extend(used);
        let split = Split::of_tables(table.take(members), table.take(nonmembers), schema, Vec::new())?;
        Ok(split.with_context(&self.reading)?)
    }
}

fn columns_at(s: &mut Settings, table: &str, key: &str) -> Option<Columns> {
    s.take(table, key, "a list of columns, a column, or a prefix with a star (\"p_*\")", Columns::of)
}

fn references(s: &mut Settings) -> Vec<ReferenceColumns> {
    let mut references = Vec::new();
    for name in s.keys("scores.references") {
        let table = format!("scores.references.{name}");
        s.only(&table, &["scores", "member"]);
        if !s.has(&table, "scores") {
            s.complain(&table, format!("`[{table}]` has no `scores`"), "name the score columns of this reference");
        }
        let member = s.text(&table, "member");
        references.extend(columns_at(s, &table, "scores").map(|scores| ReferenceColumns { name, scores, member }));
    }
    references
}

fn shadow(s: &mut Settings, folder: &Path) -> Option<ShadowFile> {
    s.table("scores.shadow")?;
    s.only("scores.shadow", &["file", "scores", "member", "label"]);
    for key in ["file", "scores", "member", "label"] {
        if !s.has("scores.shadow", key) {
            let path = format!("scores.shadow.{key}");
            s.complain(&path, format!("`[scores.shadow]` has no `{key}`"), "set it, or drop `[scores.shadow]`");
        }
    }
    Some(ShadowFile {
        file: s.existing(folder, "scores.shadow", "file")?,
        scores: columns_at(s, "scores.shadow", "scores")?,
        member: s.text("scores.shadow", "member")?,
        label: s.text("scores.shadow", "label")?,
    })
}

fn mismatch(what: String, help: &str) -> AssessError {
    AssessError::Mismatch { what, help: help.to_owned() }
}

fn column<'t>(table: &'t Table, name: &str, setting: &str) -> Result<&'t Column, AssessError> {
    table.column(name).ok_or_else(|| {
        mismatch(
            format!("`{setting}` names the column `{name}`, which the file does not have"),
            "compare the name with the header of the file",
        )
    })
}

fn resolve(table: &Table, columns: &Columns, setting: &str) -> Result<Vec<String>, AssessError> {
    match columns {
        Columns::Named(names) => {
            names.iter().map(|name| column(table, name, setting).map(|column| column.name.clone())).collect()
        }
        Columns::StartingWith(prefix) => {
            let names = table.columns().iter().map(|column| &column.name);
            let found: Vec<String> = names.filter(|name| name.starts_with(prefix.as_str())).cloned().collect();
            if found.is_empty() {
                return Err(mismatch(
                    format!("`{setting}` is `{prefix}*` and no column starts with `{prefix}`"),
                    "compare the prefix with the header of the file",
                ));
            }
            Ok(found)
        }
    }
}

/// A column of ones and zeros.
pub(super) fn flags(table: &Table, name: &str, setting: &str) -> Result<Vec<bool>, AssessError> {
    let cells = &column(table, name, setting)?.cells;
    let flag = |row: usize| match cells.text(row).as_deref() {
        Some("1" | "true" | "True" | "TRUE") => Some(true),
        Some("0" | "false" | "False" | "FALSE") => Some(false),
        _ => None,
    };
    let flags: Option<Vec<bool>> = (0..cells.len()).map(flag).collect();
    flags.ok_or_else(|| {
        mismatch(
            format!("`{setting}` names the column `{name}`, which holds something else than 1 and 0"),
            "write 1 for a record that the model was trained on and 0 for any other",
        )
    })
}

/// A column of finite numbers.
fn numbers(table: &Table, name: &str, setting: &str) -> Result<Vec<f64>, AssessError> {
    let values = column(table, name, setting)?.cells.numbers();
    let missing = values.as_ref().map(|values| values.iter().filter(|value| !value.is_finite()).count());
    match (values, missing) {
        (Some(values), Some(0)) => Ok(values),
        (Some(_), Some(missing)) => Err(mismatch(
            format!("column `{name}` of `{setting}` holds no finite number in {} records", Count::of(missing)),
            "score every record, with finite numbers",
        )),
        _ => Err(mismatch(format!("column `{name}` of `{setting}` holds no numbers"), "name columns of scores")),
    }
}

fn pooled(values: &[f64], (members, nonmembers): &(Vec<usize>, Vec<usize>)) -> Vec<f64> {
    members.iter().chain(nonmembers).map(|&row| values[row]).collect()
}

fn finished(table: &Table, name: &str, sides: &(Vec<usize>, Vec<usize>)) -> Result<AttackScores, AssessError> {
    let values = numbers(table, name, "scores.attacks")?;
    Ok(AttackScores {
        check: crate::check::membership::strongest::ID,
        name: format!("{name}, from the score file"),
        of_record: pooled(&values, sides),
        entry: Entry::Competes,
        draws: None,
    })
}

/// Turns score columns into predictions.
struct Reader {
    kind: ScoreKind,
    /// Labels in the order of the score columns.
    classes: Vec<String>,
}

impl Reader {
    /// Works out which column belongs to which class: by the end of its name, else by the label as a position.
    fn of(kind: ScoreKind, columns: &[String], labels: &Cells) -> Result<Self, AssessError> {
        let wide = matches!(kind, ScoreKind::Probabilities | ScoreKind::Logits);
        if !wide {
            if columns.len() != 1 {
                return Err(mismatch(
                    format!("`scores.target` names {} columns, and scores of this kind are one number", columns.len()),
                    "name one column, or set `scores.kind` to \"probabilities\" or \"logits\"",
                ));
            }
            return Ok(Self { kind, classes: distinct(labels) });
        }
        let labels = distinct(labels);
        let prefix = shared_prefix(columns);
        let suffixes: Vec<String> = columns.iter().map(|name| canonical_label(&name[prefix..])).collect();
        if labels.iter().all(|label| suffixes.contains(&canonical_label(label))) {
            return Ok(Self { kind, classes: suffixes });
        }
        let count = columns.len().max(2); // one column is the probability of the second of two classes
        let positions: Vec<String> = (0..count).map(|at| at.to_string()).collect();
        if labels.iter().all(|label| positions.contains(&canonical_label(label))) {
            return Ok(Self { kind, classes: positions });
        }
        Err(mismatch(
            "the labels are neither the ends of the score columns' names nor their positions from 0".to_owned(),
            "name the columns after the classes (p_yes, p_no), or number the labels from 0 in their order",
        ))
    }

    fn truth(&self, labels: &Cells, rows: &[usize]) -> Result<Truth, AssessError> {
        if self.kind == ScoreKind::Value {
            let values = labels.numbers().unwrap_or_default();
            if values.len() == labels.len() && rows.iter().all(|&row| values[row].is_finite()) {
                return Ok(Truth::Values(rows.iter().map(|&row| values[row]).collect()));
            }
            return Err(mismatch(
                "`scores.label` must hold numbers for `kind = \"value\"`".to_owned(),
                "name another column",
            ));
        }
        let index: BTreeMap<String, u32> =
            self.classes.iter().enumerate().map(|(at, class)| (canonical_label(class), at as u32)).collect();
        let code = |&row: &usize| labels.text(row).and_then(|text| index.get(&canonical_label(&text)).copied());
        let codes: Option<Vec<u32>> = rows.iter().map(code).collect();
        codes.map(Truth::Classes).ok_or_else(|| {
            mismatch(
                "`scores.label` is missing or no class of the target for some records".to_owned(),
                "give every record its true class",
            )
        })
    }

    fn predictions(
        &self,
        table: &Table,
        columns: &[String],
        setting: &str,
        truth: &Truth,
        rows: &[usize],
    ) -> Result<Predictions, AssessError> {
        let columns: Vec<Vec<f64>> =
            columns.iter().map(|name| numbers(table, name, setting)).collect::<Result<_, _>>()?;
        if self.kind == ScoreKind::Value {
            return Ok(Predictions::Values(rows.iter().map(|&row| columns[0][row]).collect()));
        }
        let classes = self.classes.len().max(2);
        let Truth::Classes(truth) = truth else { unreachable!("classes unless values") };
        let mut values = Vec::with_capacity(rows.len() * classes);
        for (&row, &class) in rows.iter().zip(truth) {
            match (self.kind, &columns[..]) {
                (ScoreKind::Probabilities, [only]) => values.extend([1.0 - only[row], only[row]]),
                (ScoreKind::Logits, [only]) => values.extend([0.0, only[row]]),
                (ScoreKind::Probabilities | ScoreKind::Logits, columns) => {
                    values.extend(columns.iter().map(|column| column[row]));
                }
                // Logits whose true class has the given odds against all others together.
                _ => {
                    let odds = match self.kind {
                        ScoreKind::Loss => -columns[0][row].max(1e-38).exp_m1().ln(),
                        _ => columns[0][row],
                    };
                    let own = odds + ((classes - 1) as f64).ln();
                    values.extend((0..classes).map(|j| if j == class as usize { own } else { 0.0 }));
                }
            }
        }
        let scale = if self.kind == ScoreKind::Probabilities { Scale::Probability } else { Scale::Logit };
        if scale == Scale::Probability && values.iter().any(|value| !(-1e-6..=1.0 + 1e-6).contains(value)) {
            return Err(mismatch(
                format!("`{setting}` holds values outside 0 to 1, which are no probabilities"),
                "set `scores.kind = \"logits\"`, or write probabilities",
            ));
        }
        Ok(Predictions::Scores { scale, classes, values, labels: None })
    }

    fn answers(
        &self,
        table: &Table,
        columns: &[String],
        setting: &str,
        labels: &Cells,
        rows: &[usize],
    ) -> Result<Answers, AssessError> {
        let truth = self.truth(labels, rows)?;
        Ok(Answers { predictions: self.predictions(table, columns, setting, &truth, rows)?, truth })
    }

    fn reference(
        &self,
        table: &Table,
        reference: &ReferenceColumns,
        columns: &[String],
        labels: &Cells,
        (members, nonmembers): &(Vec<usize>, Vec<usize>),
    ) -> Result<Reference, AssessError> {
        let setting = format!("scores.references.{}", reference.name);
        let mask = match &reference.member {
            Some(name) => flags(table, name, &setting)?,
            None => vec![false; labels.len()],
        };
        let side = |rows: &[usize]| -> Result<(Predictions, Vec<bool>), AssessError> {
            let truth = self.truth(labels, rows)?;
            let predictions = self.predictions(table, columns, &setting, &truth, rows)?;
            Ok((predictions, rows.iter().map(|&row| mask[row]).collect()))
        };
        let ((in_predictions, in_mask), (out_predictions, out_mask)) = (side(members)?, side(nonmembers)?);
        Ok(Reference {
            name: reference.name.clone(),
            predictions: (in_predictions, out_predictions),
            trained_on: (in_mask, out_mask),
        })
    }

    fn shadow(&self, plan: &ShadowFile, reading: &Reading) -> Result<Shadow, AssessError> {
        let table = load_table(&[(plan.file.as_path(), "the shadow's score file")], reading)?.remove(0);
        let member = flags(&table, &plan.member, "scores.shadow.member")?;
        let labels = &column(&table, &plan.label, "scores.shadow.label")?.cells;
        let columns = resolve(&table, &plan.scores, "scores.shadow.scores")?;
        let side = |wanted: bool| {
            let rows: Vec<usize> = (0..member.len()).filter(|&row| member[row] == wanted).collect();
            if rows.is_empty() {
                return Err(mismatch(
                    "the shadow's file has records of one kind only".to_owned(),
                    "record both what it was trained on and what it was not",
                ));
            }
            self.answers(&table, &columns, "scores.shadow.scores", labels, &rows)
        };
        Ok(Shadow { members: side(true)?, nonmembers: side(false)? })
    }

    fn audited(
        &self,
        table: &Table,
        columns: &[String],
        labels: &Cells,
        (members, nonmembers): &(Vec<usize>, Vec<usize>),
    ) -> Result<Audited, AssessError> {
        let task = if self.kind == ScoreKind::Value { Task::Regression } else { Task::Classification };
        let facts = ModelFacts { task, classes: self.classes.clone(), batch: None };
        Ok(Audited {
            target: Arc::new(Metered::new(Box::new(Recorded { facts }))),
            source: AnswerSource::ScoreFile,
            family: ModelFamily::Unknown,
            slots: Vec::new(),
            members: Some(self.answers(table, columns, "scores.target", labels, members)?),
            nonmembers: Some(self.answers(table, columns, "scores.target", labels, nonmembers)?),
            fed: Fed::default(),
        })
    }
}

/// The distinct labels, in order of first appearance.
fn distinct(labels: &Cells) -> Vec<String> {
    let (codes, levels) = crate::data::encode::codes(labels);
    let mut names: Vec<Option<String>> = vec![None; levels];
    for (row, &code) in codes.iter().enumerate() {
        if names[code as usize].is_none() {
            names[code as usize] = labels.text(row);
        }
    }
    names.into_iter().flatten().collect()
}

/// The length of what all names start with.
fn shared_prefix(names: &[String]) -> usize {
    let Some(first) = names.first() else { return 0 };
    let shared = |name: &String| first.bytes().zip(name.bytes()).take_while(|(a, b)| a == b).count();
    let mut length = names.iter().skip(1).map(shared).min().unwrap_or(0);
    // A digit or a sign belongs to the class: p_10 and p_11 share p_ only.
    while length > 0 && first[..length].ends_with(|c: char| c.is_ascii_digit() || c == '-') {
        length -= 1;
    }
    while !first.is_char_boundary(length) {
        length -= 1;
    }
    length
}

/// A model of which only recorded answers are left.
struct Recorded {
    facts: ModelFacts,
}

impl Target for Recorded {
    fn facts(&self) -> &ModelFacts {
        &self.facts
    }

    fn query(&self, _inputs: &[Tensor]) -> Result<Predictions, ModelError> {
        Err(ModelError::Run { what: "only recorded scores are known, so nothing new can be asked".to_owned() })
    }
}
