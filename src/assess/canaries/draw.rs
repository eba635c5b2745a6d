//! Before training: chooses canaries, flips a coin for each, seals the coins.
//!
//! The coins come from the operating system and not from the plan's seed: whoever knows the plan could compute them, and a
//! guess of a coin that can be computed proves nothing. The choice of the canaries and their labels come from the same
//! secret through a one-way function, so that they say nothing about the coins.

use std::path::{Path, PathBuf};

use rand::Rng;
use rand::seq::SliceRandom;

use super::{Commitment, GUESSED, Mode, SCHEMA, Sealed, Terms, mismatch};
use crate::assess::AssessError;
use crate::assess::plan::{DataPlan, Plan};
use crate::data::encode::codes;
use crate::data::{Cells, DataError, Format, Kind, Outcome, Schema, Source, Split, Table, load_table, load_verbatim};
use crate::digest::{Digest, hex};
use crate::finding::Count;
use crate::learn::folds;
use crate::seed::Seed;
use crate::stats::Level;
use crate::stats::one_run::{Guesses, lower_bound};

/// More labels than this are no classes.
const MOST_CLASSES: usize = 1_000;

/// What a user wants.
#[derive(Debug, Clone)]
pub struct Request {
    /// A table of candidates; the plan's non-members where there is none.
    pub candidates: Option<PathBuf>,
    /// Canaries.
    pub count: usize,
    /// What a canary is.
    pub mode: Mode,
    /// Guesses "in"; a tenth of the canaries where nothing is said.
    pub guessed_in: Option<usize>,
    /// Guesses "out"; a tenth of the canaries where nothing is said.
    pub guessed_out: Option<usize>,
    /// Delta.
    pub delta: f64,
    /// Level of the bounds.
    pub level: Level,
    /// A seed for rehearsals.
    pub seed: Option<u64>,
}

/// The four files, ready to be written.
pub struct Drawn {
    /// Rows to add to the training data: the canaries whose coin says in.
    pub include: Vec<u8>,
    /// All canaries.
    pub canaries: Vec<u8>,
    /// The secret file.
    pub sealed: String,
    /// The public file.
    pub commitment: String,
    /// Format of the first two.
    pub format: Format,
    /// What is fixed.
    pub terms: Terms,
    /// Candidates that could have been chosen.
    pub candidates: Count,
    /// The largest epsilon that the guesses could show.
    pub ceiling: f64,
}

/// The candidates: as the plan reads them, and to the letter.
struct Candidates {
    typed: Table,
    verbatim: Table,
    /// Rows that may be chosen.
    rows: Vec<usize>,
    /// The split column and a row that shows how a member reads, where one file holds both sets.
    member: Option<(String, usize)>,
    format: Format,
}

/// Chooses, flips and seals.
///
/// # Errors
/// When the plan lacks data or a target, the candidates cannot be read or are too few, or the numbers do not fit.
pub fn draw(plan: &Plan, request: &Request) -> Result<Drawn, AssessError> {
    let data = plan.data.as_ref().ok_or_else(|| {
        mismatch(
            format!("the plan `{}` names no data", plan.file.display()),
            "set `[data]`: it says how candidates are read and which column is the label",
        )
    })?;
    for file in sources(&data.source).into_iter().chain(request.candidates.as_deref()) {
        refuse_tensors(file)?;
    }
    let target = data.schema.target.clone().ok_or_else(|| {
        mismatch("canaries need a label and the plan names none", "set `[data] target` to the column that is predicted")
    })?;
    let Outcome::One(target) = target else {
        return Err(mismatch(
            "canaries get another label, and `[data] target` names several columns",
            "canaries are made for models of classes: set `[data] target` to one column",
        ));
    };
    let seed = match request.seed {
        Some(seed) => Seed::root(seed).derive("rehearsal of canaries"),
        None => Seed::fresh().map_err(|words| {
            mismatch(format!("the operating system gives no random numbers: {words}"), "run on another machine")
        })?,
    };
    let candidates = Candidates::load(data, request.candidates.as_deref())?;
    let eligible = eligible(&candidates, &data.schema, &target, seed)?;
    let mut rows = eligible.clone();
    rows.shuffle(&mut seed.derive("choice").stream());
    if rows.len() < request.count {
        return Err(mismatch(
            format!(
                "{} candidates (distinct, with a label, one a patient) are fewer than the {} canaries of `--count`",
                Count::of(rows.len()),
                request.count
            ),
            "give more records with `--candidates`, or lower `--count`",
        ));
    }
    rows.truncate(request.count);
    // What the audit will ask of the columns must hold now: after training it is too late.
    let (first, second) = rows.split_at(rows.len() / 2);
    let halves = (candidates.typed.take(first), candidates.typed.take(second));
    Split::of_tables(halves.0, halves.1, data.schema.clone(), Vec::new())?;
    let table = planted(&candidates, &rows, &target, request.mode, seed)?;
    seal(&candidates, &table, request, target, Count::of(eligible.len()), seed)
}

/// Flips the coins and puts the files together.
fn seal(
    candidates: &Candidates,
    table: &Table,
    request: &Request,
    target: String,
    eligible: Count,
    seed: Seed,
) -> Result<Drawn, AssessError> {
    let mut stream = seed.derive("coins").stream();
    let coins: Vec<bool> = (0..table.rows()).map(|_| stream.next_u64() >> 63 == 1).collect();
    let heads: Vec<usize> = (0..coins.len()).filter(|&row| coins[row]).collect();
    let mut included = table.take(&heads);
    if let Some((column, row)) = &candidates.member
        && let Some(cells) = candidates.verbatim.column(column)
    {
        // Rows that still said "not for training" would be filtered out again.
        included = included.with(column, &cells.cells.repeat(*row, heads.len()));
    }
    let (canaries, include) = (candidates.format.bytes(table)?, candidates.format.bytes(&included)?);
    let tenth = (request.count / GUESSED).max(1);
    let terms = Terms {
        schema: SCHEMA.to_owned(),
        rehearsal: request.seed,
        mode: request.mode,
        canaries: request.count,
        guessed_in: request.guessed_in.unwrap_or(tenth),
        guessed_out: request.guessed_out.unwrap_or(tenth),
        delta: request.delta,
        level: request.level,
        target,
        canaries_sha256: Digest::of_bytes(&canaries),
    };
    terms.check().map_err(|what| {
        mismatch(what, "choose `--count`, `--guess-in`, `--guess-out`, `--delta` and `--level` to fit each other")
    })?;
    let mut salt = [0_u8; 32];
    seed.derive("salt").stream().fill_bytes(&mut salt);
    let salt = hex(&salt);
    let coins = coins.iter().map(|&coin| if coin { '1' } else { '0' }).collect();
    let salted_include_sha256 = Digest::of_bytes(&[salt.as_bytes(), &include].concat());
    let sealed = Sealed { terms: terms.clone(), coins, salt, include_sha256: Digest::of_bytes(&include) };
    let sealed = pretty(&sealed);
    let sealed_sha256 = Digest::of_bytes(sealed.as_bytes());
    let commitment = pretty(&Commitment { terms: terms.clone(), sealed_sha256, salted_include_sha256 });
    let guessed = terms.guessed_in + terms.guessed_out;
    let perfect = Guesses { coins: terms.canaries, guessed, right: guessed };
    let ceiling = lower_bound(perfect, terms.delta, terms.level);
    Ok(Drawn { include, canaries, sealed, commitment, format: candidates.format, terms, candidates: eligible, ceiling })
}

fn pretty(value: &impl serde::Serialize) -> String {
    let text = serde_json::to_string_pretty(value).expect("texts and numbers are JSON");
    format!("{text}\n")
}

impl Candidates {
    /// Loads them together with the plan's files, so that types are settled as they will be in the audit.
    fn load(data: &DataPlan, given: Option<&Path>) -> Result<Self, AssessError> {
        let (own, others) = match (&data.source, given) {
            (_, Some(file)) => (file, sources(&data.source)),
            (Source::Two { members, nonmembers, .. }, None) => (nonmembers.as_path(), vec![members.as_path()]),
            (Source::One { records, .. }, None) => (records.as_path(), Vec::new()),
        };
        let files: Vec<(&Path, &str)> = std::iter::once((own, "the file of candidates"))
            .chain(others.into_iter().map(|file| (file, "a file of the plan")))
            .collect();
        let typed = load_table(&files, &data.reading)?.remove(0);
        let verbatim = load_verbatim(own, &data.reading)?;
        let (mut rows, mut member) = ((0..typed.rows()).collect(), None);
        if let (Source::One { member: inside, nonmember, .. }, None) = (&data.source, given) {
            let column = data.schema.split.clone().unwrap_or_default();
            let cells = &column_of(&typed, "data.split", &column)?.cells;
            let reads = |wanted: &str| -> Vec<usize> {
                (0..typed.rows()).filter(|&row| cells.text(row).as_deref() == Some(wanted)).collect()
            };
            rows = reads(nonmember);
            member = reads(inside).first().map(|&row| (column, row));
        }
        Ok(Self { typed, verbatim, rows, member, format: Format::of(own, &data.reading)? })
    }
}

/// The files of a plan's records.
pub(super) fn sources(source: &Source) -> Vec<&Path> {
    match source {
        Source::Two { members, nonmembers, .. } => vec![members, nonmembers],
        Source::One { records, .. } => vec![records],
    }
}

/// Canaries are rows of tables.
pub(super) fn refuse_tensors(file: &Path) -> Result<(), AssessError> {
    let ending = file.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    if matches!(ending.as_deref(), Some("npy" | "npz")) {
        return Err(mismatch(
            format!("`{}` holds tensors, and canaries are rows of a table", file.display()),
            "give the records as CSV or Parquet",
        ));
    }
    Ok(())
}

fn column_of<'t>(table: &'t Table, setting: &str, name: &str) -> Result<&'t crate::data::Column, AssessError> {
    table.column(name).ok_or_else(|| {
        DataError::NoColumn {
            setting: setting.to_owned(),
            column: name.to_owned(),
            place: "the file of candidates".to_owned(),
            close: None,
        }
        .into()
    })
}

/// Candidates with a label, no two of which describe a record alike or belong to one patient: coins must not share a
/// person, or one guess would be counted twice.
fn eligible(candidates: &Candidates, schema: &Schema, target: &str, seed: Seed) -> Result<Vec<usize>, AssessError> {
    let label = &column_of(&candidates.typed, "data.target", target)?.cells;
    let mut rows: Vec<usize> = candidates.rows.iter().copied().filter(|&row| !label.is_missing(row)).collect();
    if let Some(patient) = &schema.patient {
        let cells = &column_of(&candidates.typed, "data.patient", patient)?.cells;
        let (groups, levels) = codes(cells);
        // A record without a patient number is a patient of its own.
        let group = |&row: &usize| if cells.is_missing(row) { (levels + row) as u32 } else { groups[row] };
        let groups: Vec<u32> = rows.iter().map(group).collect();
        rows = folds::representatives(&groups, seed.derive("patients")).into_iter().map(|at| rows[at]).collect();
    }
    let features: Vec<Vec<u32>> = candidates
        .typed
        .columns()
        .iter()
        .filter(|column| schema.is_feature(&column.name))
        .map(|column| codes(&column.cells).0)
        .collect();
    let mut seen = std::collections::BTreeSet::new();
    rows.retain(|&row| seen.insert(features.iter().map(|column| column[row]).collect::<Vec<u32>>()));
    Ok(rows)
}

/// The chosen rows to the letter, with the labels as they will be asked.
fn planted(
    candidates: &Candidates,
    rows: &[usize],
    target: &str,
    mode: Mode,
    seed: Seed,
) -> Result<Table, AssessError> {
    let table = candidates.verbatim.take(rows);
    if mode == Mode::Natural {
        return Ok(table);
    }
    let cells = &column_of(&candidates.typed, "data.target", target)?.cells;
    let written = &column_of(&candidates.verbatim, "data.target", target)?.cells;
    let exemplars = exemplars(cells)?;
    let (of_row, _) = codes(cells);
    let classes: Vec<(u32, usize)> = exemplars.into_iter().map(|row| (of_row[row], row)).collect();
    let mut stream = seed.derive("labels").stream();
    let other = |&row: &usize| -> usize {
        let others: Vec<usize> =
            classes.iter().filter(|(class, _)| *class != of_row[row]).map(|(_, exemplar)| *exemplar).collect();
        others[(stream.next_u64() % others.len() as u64) as usize]
    };
    let labels: Vec<usize> = rows.iter().map(other).collect();
    Ok(table.with(target, &written.take(&labels)))
}

/// A row of every class.
fn exemplars(cells: &Cells) -> Result<Vec<usize>, AssessError> {
    let broken = |values: &[f64]| values.iter().any(|value| !value.is_nan() && value.fract() != 0.0);
    if matches!(cells, Cells::Float(values) if broken(values)) {
        return Err(mismatch(
            format!("the target holds {} values, not classes, so it cannot be mislabelled", Kind::Float),
            "use `--mode natural`",
        ));
    }
    let (of_row, levels) = codes(cells);
    let mut first: Vec<Option<usize>> = vec![None; levels];
    for (row, &code) in of_row.iter().enumerate().filter(|(row, _)| !cells.is_missing(*row)) {
        first[code as usize].get_or_insert(row);
    }
    let exemplars: Vec<usize> = first.into_iter().flatten().collect();
    if !(2..=MOST_CLASSES).contains(&exemplars.len()) {
        return Err(mismatch(
            format!(
                "the target has {} classes among the candidates; a wrong label needs another class",
                exemplars.len()
            ),
            "check `[data] target`, or use `--mode natural`",
        ));
    }
    Ok(exemplars)
}
