//! Two versions of a data set, side by side: what became easier to tell apart. What `privet compare` prints.
//!
//! A version is measured as a [`Profile`], which holds shares, counts of at least 11 and names of columns, and no value; it can be
//! kept instead of the data, so that a build compares with the last release without having it. The profile carries the
//! SHA-256 of its own text: an accident is noticed, a forgery is not.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::AssessError;
use super::assessment::InputFile;
use super::run::describe;
use crate::check::dataset::{ScanSettings, scan};
use crate::data::encode::{codes, column};
use crate::data::{DataError, Limits, Reading, Schema, Table, load_table};
use crate::detect::Class;
use crate::digest::Digest;
use crate::equivalence::{Classes, Column, Histogram};
use crate::finding::{Count, partition, share_of};
use crate::stats::Estimate;

/// What a profile says of itself.
const FORMAT: &str = "privet-profile-1";
/// Bands of group sizes: the least and the largest size.
const BANDS: [(u32, u32); 7] = [(1, 1), (2, 4), (5, 10), (11, 19), (20, 49), (50, 99), (100, u32::MAX)];
/// Groups of fewer people than this are small: the rule of the Centers for Medicare and Medicaid Services.
const SMALL: u32 = 11;
/// By how much a share has to rise to count as worse: a tenth of a percentage point.
const NOTABLE: f64 = 0.001;

/// How to read and measure a version.
#[derive(Debug, Clone, Default)]
pub struct How {
    /// Columns that others may know of a person.
    pub quasi_identifiers: Vec<String>,
    /// The column that says whose a record is: groups count people then.
    pub patient: Option<String>,
    /// Texts that mean a missing cell.
    pub missing: Vec<String>,
}

/// One version of a data set, without its values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// Format of the file.
    pub format: String,
    /// The file and its digest.
    pub file: InputFile,
    /// The quasi-identifiers.
    pub quasi_identifiers: Vec<String>,
    /// What groups count: records or people.
    pub unit: String,
    /// Records.
    pub records: Count,
    /// Records (or people) of the smallest group, a missing cell being a value of its own.
    pub k: u32,
    /// Share of records in groups of one.
    pub uniqueness: Estimate,
    /// Share of records in groups of fewer than 11.
    pub small: Estimate,
    /// Groups per record, the mean risk.
    pub average_risk: f64,
    /// Records by the size of their group, from the smallest band; what a total would give away is hidden.
    pub histogram: Vec<(String, Count)>,
    /// The columns.
    pub columns: Vec<ColumnProfile>,
    /// SHA-256 of all the above as JSON.
    pub seal: String,
}

/// What a column does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnProfile {
    /// Its name.
    pub name: String,
    /// What the list of identifiers says of it.
    pub class: Class,
    /// Share of records in groups of one, once this column is known as well.
    pub uniqueness_with: Estimate,
}

/// A column that got worse, or came in.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Risky {
    /// Its name.
    pub column: String,
    /// Whether it is new.
    pub new: bool,
    /// Why it is risky, in words.
    pub why: Vec<String>,
}

/// A number before and after.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// What it is.
    pub measure: String,
    /// Before.
    pub before: String,
    /// After.
    pub after: String,
    /// After less before, with its sign; empty where it would give away a count.
    pub change: String,
    /// Whether people became easier to tell apart.
    pub worse: bool,
}

/// Two versions side by side.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// The older version.
    pub before: InputFile,
    /// The newer version.
    pub after: InputFile,
    /// Numbers of the whole file.
    pub changes: Vec<Change>,
    /// Records by the size of their group.
    pub histogram: Vec<Change>,
    /// Columns that came in or got worse, and are risky.
    pub risky: Vec<Risky>,
    /// Columns that are gone.
    pub gone: Vec<String>,
}

impl Comparison {
    /// Whether anything got worse.
    pub fn is_worse(&self) -> bool {
        self.changes.iter().any(|change| change.worse) || !self.risky.is_empty()
    }
}

impl Profile {
    /// Measures a table.
    ///
    /// # Errors
    /// When the file cannot be read, is empty, or lacks a column that is named.
    pub fn of_file(file: &Path, role: &str, how: &How) -> Result<Self, AssessError> {
        let input = describe(role, file)?;
        let reading = Reading { missing: how.missing.clone(), limits: Limits::default(), ..Reading::default() };
        let table = load_table(&[(file, "the file")], &reading)?.remove(0);
        if table.rows() == 0 {
            return Err(DataError::Empty { what: format!("`{}`", input.file) }.into());
        }
        let set = how
            .quasi_identifiers
            .iter()
            .map(|name| Ok(column(&cells(&table, &input, name, "--quasi-identifiers")?.cells)));
        let set: Vec<Column> = set.collect::<Result<_, AssessError>>()?;
        let people = how
            .patient
            .as_ref()
            .map(|name| Ok::<_, AssessError>(codes(&cells(&table, &input, name, "--patient")?.cells).0));
        let people: Option<Vec<u32>> = people.transpose()?;
        let set: Vec<&Column> = set.iter().collect();
        let classes = Classes::of(&set, people.as_deref());
        let rules = ScanSettings::default().rules().map_err(|what| refused(what, "report this as a bug"))?;
        let scanned = scan(&table, people.as_deref(), &Schema::default(), &ScanSettings::default(), &rules);
        let columns =
            table.columns().iter().zip(scanned).filter(|(column, _)| Some(&column.name) != how.patient.as_ref());
        let columns = columns.map(|(found, (scanned, _))| {
            let own = column(&found.cells);
            let with: Vec<&Column> = set.iter().copied().chain([&own]).collect();
            let with = if how.quasi_identifiers.contains(&found.name) {
                alone(&classes)
            } else {
                alone(&Classes::of(&with, people.as_deref()))
            };
            ColumnProfile {
                name: found.name.clone(),
                class: scanned.class,
                uniqueness_with: share_of(with, table.rows()),
            }
        });
        let columns = columns.collect();
        let profile = Self {
            format: FORMAT.to_owned(),
            file: input,
            quasi_identifiers: how.quasi_identifiers.clone(),
            unit: if people.is_some() { "people" } else { "records" }.to_owned(),
            records: Count::of(table.rows()),
            k: classes.sizes().iter().min().copied().unwrap_or(0),
            uniqueness: share_of(alone(&classes), table.rows()),
            small: share_of(within(&classes, 1, SMALL - 1), table.rows()),
            average_risk: Histogram::of_sizes(classes.sizes().iter().copied()).classes() as f64 / table.rows() as f64,
            histogram: bands(&classes),
            columns,
            seal: String::new(),
        };
        Ok(Self { seal: profile.sealed(), ..profile })
    }

    /// Reads a profile that was kept.
    ///
    /// # Errors
    /// When the file cannot be read, is no profile, or was changed.
    pub fn load(file: &Path) -> Result<Self, AssessError> {
        let name = super::summary::file_name(file);
        let bytes = std::fs::read(file).map_err(|source| DataError::Io { file: file.to_owned(), source })?;
        let profile: Self = serde_json::from_slice(&bytes).map_err(|_| {
            refused(format!("`{name}` is no profile of a data set"), "make one with `privet compare ... --keep FILE`")
        })?;
        if profile.format != FORMAT {
            return Err(refused(
                format!("`{name}` has another format than {FORMAT}"),
                "make it anew with this version of privet",
            ));
        }
        if profile.seal != profile.sealed() {
            let what = format!("the profile `{name}` is not what was written: its digest differs");
            return Err(AssessError::Integrity { what, help: "fetch the file again, or make it anew".to_owned() });
        }
        Ok(profile)
    }

    /// The digest of everything but the digest.
    fn sealed(&self) -> String {
        let open = Self { seal: String::new(), ..self.clone() };
        let text = serde_json::to_vec(&open).unwrap_or_default();
        Digest::of_bytes(&text).to_string()
    }
}

/// Compares two versions that were measured alike.
///
/// # Errors
/// When they were measured with other quasi-identifiers or another unit.
pub fn compare(before: &Profile, after: &Profile) -> Result<Comparison, AssessError> {
    if before.quasi_identifiers != after.quasi_identifiers || before.unit != after.unit {
        return Err(refused(
            "the two versions were measured with other quasi-identifiers, or by records here and people there"
                .to_owned(),
            "give the same --quasi-identifiers and --patient as for the kept profile",
        ));
    }
    let known = |name: &str| before.columns.iter().find(|column| column.name == name);
    let risky = after.columns.iter().filter_map(|column| risky(column, known(&column.name), after)).collect();
    let gone = before.columns.iter().filter(|column| after.columns.iter().all(|other| other.name != column.name));
    let histogram = before.histogram.iter().zip(&after.histogram).map(|((band, a), (_, b))| counted(band, *a, *b));
    Ok(Comparison {
        before: before.file.clone(),
        after: after.file.clone(),
        changes: changes(before, after),
        histogram: histogram.collect(),
        risky,
        gone: gone.map(|column| column.name.clone()).collect(),
    })
}

fn changes(before: &Profile, after: &Profile) -> Vec<Change> {
    let percent = |share: f64| format!("{:.2} %", 100.0 * share);
    let shares = |measure: &str, a: &Estimate, b: &Estimate| {
        let told = a.low == a.high && b.low == b.high;
        let show =
            |e: &Estimate| if e.low == e.high { percent(e.value) } else { format!("at most {}", percent(e.high)) };
        Change {
            measure: measure.to_owned(),
            before: show(a),
            after: show(b),
            change: if told { format!("{:+.2} points", 100.0 * (b.value - a.value)) } else { String::new() },
            worse: b.low > a.high + NOTABLE,
        }
    };
    let risk = Change {
        measure: "average risk of a record".to_owned(),
        before: percent(before.average_risk),
        after: percent(after.average_risk),
        change: format!("{:+.2} points", 100.0 * (after.average_risk - before.average_risk)),
        worse: after.average_risk > before.average_risk + NOTABLE,
    };
    let k = Change {
        measure: "smallest group, k".to_owned(),
        before: before.k.to_string(),
        after: after.k.to_string(),
        change: format!("{:+}", i64::from(after.k) - i64::from(before.k)),
        // Among large groups a smaller one is a draw of the data and singles nobody out.
        worse: after.k < before.k && after.k < SMALL,
    };
    vec![
        Change { worse: false, ..counted("records", before.records, after.records) },
        k,
        shares("records that stand alone", &before.uniqueness, &after.uniqueness),
        shares("records in groups of fewer than 11", &before.small, &after.small),
        risk,
    ]
}

/// A count before and after; the difference where both are shown.
fn counted(measure: &str, before: Count, after: Count) -> Change {
    let change = match (before, after) {
        (Count::Shown(a), Count::Shown(b)) => format!("{:+}", b as i64 - a as i64),
        _ => String::new(),
    };
    Change { measure: measure.to_owned(), before: before.to_string(), after: after.to_string(), change, worse: false }
}

/// Why a column of the newer version is risky, where it came in or got worse.
fn risky(column: &ColumnProfile, before: Option<&ColumnProfile>, after: &Profile) -> Option<Risky> {
    let mut why = Vec::new();
    let recognised = matches!(column.class, Class::Prohibited | Class::Conditional | Class::Review);
    if recognised && before.is_none_or(|before| before.class < column.class) {
        why.push(format!("the list of identifiers says: {}", column.class.word()));
    }
    let rise = column.uniqueness_with.low - after.uniqueness.high;
    let of_before = before.map_or(0.0, |before| before.uniqueness_with.high);
    if rise > NOTABLE && column.uniqueness_with.low > of_before + NOTABLE {
        why.push(format!("with it {:.2} % of the records stand alone", 100.0 * column.uniqueness_with.value));
    }
    (!why.is_empty()).then(|| Risky { column: column.name.clone(), new: before.is_none(), why })
}

/// Records in groups of one.
fn alone(classes: &Classes) -> usize {
    within(classes, 1, 1)
}

/// Records in groups of at least and at most so many.
fn within(classes: &Classes, least: u32, most: u32) -> usize {
    let inside = classes.sizes().iter().zip(classes.records()).filter(|(size, _)| (least..=most).contains(*size));
    inside.map(|(_, &records)| records as usize).sum()
}

fn bands(classes: &Classes) -> Vec<(String, Count)> {
    let name = |&(least, most): &(u32, u32)| match (least, most) {
        (1, 1) => "alone".to_owned(),
        (least, u32::MAX) => format!("{least} and more"),
        (least, most) => format!("{least} to {most}"),
    };
    let counts: Vec<usize> = BANDS.iter().map(|&(least, most)| within(classes, least, most)).collect();
    BANDS.iter().map(name).zip(partition(&counts)).collect()
}

fn cells<'a>(
    table: &'a Table,
    input: &InputFile,
    name: &str,
    setting: &str,
) -> Result<&'a crate::data::Column, AssessError> {
    table.column(name).ok_or_else(|| {
        refused(
            format!("`{setting}` names the column `{name}`, which `{}` does not have", input.file),
            "compare the name with the header of the file",
        )
    })
}

fn refused(what: String, help: &str) -> AssessError {
    AssessError::Mismatch { what, help: help.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(text: &str) -> Profile {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("data.csv");
        std::fs::write(&file, text).unwrap();
        let how = How { quasi_identifiers: vec!["sex".to_owned(), "age".to_owned()], ..How::default() };
        Profile::of_file(&file, "data", &how).unwrap()
    }

    /// 200 people in two groups of a hundred; afterwards 40 of them are told apart by age, and a column of codes came in.
    fn versions() -> (Profile, Profile) {
        let age = |row: usize, split: bool| if split && row < 40 { 20 + row } else { 60 };
        let text = |split: bool| {
            let header = if split { "sex,age,code\n" } else { "sex,age\n" };
            let row = |row: usize| {
                let code = if split { format!(",c{row}") } else { String::new() };
                format!("{},{}{code}\n", ["f", "m"][row % 2], age(row, split))
            };
            header.to_owned() + &(0..200).map(row).collect::<String>()
        };
        (profile(&text(false)), profile(&text(true)))
    }

    #[test]
    fn what_got_worse_is_named() {
        let (before, after) = versions();
        let found = compare(&before, &after).unwrap();
        let told: Vec<(&str, &str, bool)> = found.changes.iter().map(|c| (&*c.measure, &*c.change, c.worse)).collect();
        // 40 of 200 stand alone; 2 groups of 200 become 42.
        assert_eq!(
            told,
            [
                ("records", "+0", false),
                ("smallest group, k", "-99", true),
                ("records that stand alone", "+20.00 points", true),
                ("records in groups of fewer than 11", "+20.00 points", true),
                ("average risk of a record", "+20.00 points", true),
            ]
        );
        let bands: Vec<&str> = found.histogram.iter().map(|change| &*change.change).collect();
        assert_eq!(bands, ["+40", "+0", "+0", "+0", "+0", "+160", "-200"]);
        assert_eq!(found.risky.iter().map(|risky| (&*risky.column, risky.new)).collect::<Vec<_>>(), [("code", true)]);
        assert!(found.is_worse());
    }

    #[test]
    fn nothing_is_worse_backwards_and_alike() {
        let (before, after) = versions();
        let back = compare(&after, &before).unwrap();
        assert!(!back.is_worse());
        assert_eq!(back.gone, ["code"]);
        assert!(!compare(&after, &after).unwrap().is_worse());
    }

    /// 100 and 100 people, or 101 and 99; ten and 190.
    #[test]
    fn a_smaller_group_is_worse_when_it_is_small() {
        let of = |first: usize| {
            let rows = (0..200).map(|row| if row < first { "f,60\n" } else { "m,60\n" });
            profile(&("sex,age\n".to_owned() + &rows.collect::<String>()))
        };
        let k = |before: usize, after: usize| compare(&of(before), &of(after)).unwrap().changes[1].worse;
        assert!(!k(100, 101));
        assert!(!k(100, 11));
        assert!(k(100, 10));
        assert!(k(10, 9));
        assert!(!k(9, 10));
    }

    #[test]
    fn a_kept_profile_says_the_same_and_a_changed_one_is_refused() {
        let (_, after) = versions();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kept.json");
        let text = serde_json::to_string_pretty(&after).unwrap();
        std::fs::write(&file, &text).unwrap();
        assert_eq!(Profile::load(&file).unwrap(), after);
        std::fs::write(&file, text.replace("\"k\": 1", "\"k\": 7")).unwrap();
        assert!(matches!(Profile::load(&file), Err(AssessError::Integrity { .. })));
    }
}
