//! One table against the list of identifiers, without a plan or a model: what `privet scan` prints.

use std::path::Path;

use serde::Serialize;

use super::AssessError;
use super::assessment::InputFile;
use super::run::describe;
use crate::check::dataset::{ScanSettings, Scanned, alone, scan};
use crate::data::encode::column;
use crate::data::{DataError, Reading, Schema, load_table};
use crate::detect::{Class, Mode};
use crate::finding::{Count, part_of, share_of};
use crate::stats::Estimate;

/// What a scan of a file says. Holds no value and no count of 1 to 10 people.
#[derive(Debug, Clone, Serialize)]
pub struct Scan {
    /// The file and its digest.
    pub file: InputFile,
    /// Its records.
    pub records: Count,
    /// By which list columns were judged.
    pub mode: Mode,
    /// Vintage and source of the counts of people behind postcodes.
    pub postcodes: (String, String),
    /// The year by which ages were counted.
    pub year: i64,
    /// Every column in the order of the file.
    pub columns: Vec<Scanned>,
    /// People who stand alone by what a stranger may know of them, where two such columns or more were recognised.
    pub alone: Option<AloneShown>,
}

/// Records that are the only ones with their age, sex, race and place, as far as those were recognised.
#[derive(Debug, Clone, Serialize)]
pub struct AloneShown {
    /// The columns.
    pub columns: Vec<String>,
    /// Share of records in the file.
    pub in_file: Estimate,
    /// Share in a Safe Harbor version of these columns.
    pub in_safe_harbor: Estimate,
    /// Both in words.
    pub sentence: String,
}

/// What became of the columns, from harmless to harmful.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Nothing was recognised.
    Clear,
    /// Somebody has to look at some columns.
    Review,
    /// Some columns have to go or to become coarser.
    Findings,
}

impl Scan {
    /// Columns of a class that nobody accepted.
    pub fn of_class(&self, class: Class) -> impl Iterator<Item = &Scanned> {
        self.columns.iter().filter(move |column| column.class == class && column.counts())
    }

    /// The worst that was found.
    pub fn outcome(&self) -> Outcome {
        let some = |class| self.of_class(class).next().is_some();
        if some(Class::Prohibited) || some(Class::Conditional) {
            Outcome::Findings
        } else if some(Class::Review) {
            Outcome::Review
        } else {
            Outcome::Clear
        }
    }
}

/// Scans a table. `person` names the column that says whose a record is.
///
/// # Errors
/// When the file cannot be read, holds no record, lacks a column that is named, or a setting makes no sense.
pub fn scan_file(file: &Path, person: Option<&str>, settings: &ScanSettings) -> Result<Scan, AssessError> {
    let refused = |what: String, help: &str| AssessError::Mismatch { what, help: help.to_owned() };
    let rules = settings.rules().map_err(|what| refused(what, "see `privet scan --help`"))?;
    let input = describe("records", file)?;
    let table = load_table(&[(file, "the file")], &Reading::default())?.remove(0);
    if table.rows() == 0 {
        return Err(DataError::Empty { what: format!("`{}`", input.file) }.into());
    }
    let missing = |setting: &str, column: &str| {
        refused(
            format!("`{setting}` names the column `{column}`, which the file does not have"),
            "compare the name with the header of the file",
        )
    };
    if let Some(column) = settings.accepted.keys().find(|column| table.column(column).is_none()) {
        return Err(missing("--accept", column));
    }
    let groups = match person {
        Some(name) => Some(column(&table.column(name).ok_or_else(|| missing("--patient", name))?.cells).people()),
        None => None,
    };
    let (columns, judged): (Vec<_>, Vec<_>) =
        scan(&table, groups.as_deref(), &Schema::default(), settings, &rules).into_iter().unzip();
    let n = table.rows();
    let alone = alone(&table, groups.as_deref(), &judged, &rules).map(|alone| AloneShown {
        in_file: share_of(alone.in_file, n),
        in_safe_harbor: share_of(alone.in_safe_harbor, n),
        sentence: format!(
            "{} records are the only ones with their {}; in a Safe Harbor version of these columns {} would be.",
            part_of(alone.in_file, n),
            alone.kinds.iter().map(|kind| kind.words()).collect::<Vec<_>>().join(", "),
            part_of(alone.in_safe_harbor, n)
        ),
        columns: alone.columns,
    });
    Ok(Scan {
        file: input,
        records: Count::of(n),
        mode: rules.mode,
        postcodes: (rules.zip3.vintage().to_owned(), rules.zip3.source().to_owned()),
        year: rules.year,
        columns,
        alone,
    })
}
