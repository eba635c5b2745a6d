//! Two versions of a data set, side by side: what became easier to tell apart. What `privet compare` prints.
//!
//! A version is measured as a [`Profile`], which holds shares, counts of at least 11 and names of columns, and no value; it can be
//! kept instead of the data, so that a build compares with the last release without having it. The profile carries the
//! SHA-256 of its own text: an accident is noticed, a forgery is not.
//!
//! Where both versions are at hand and have the same records, [`masking`] says as well how well the newer one hides the people
//! of the older one.

mod columns;
pub mod masking;
mod pairs;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

use self::masking::Masking;
use super::AssessError;
use super::assessment::InputFile;
use super::run::describe;
use crate::check::dataset::{ScanSettings, scan};
use crate::data::encode::column;
use crate::data::{DataError, Limits, Reading, Schema, Table, load_table};
use crate::detect::Class;
use crate::digest::Digest;
use crate::equivalence::{Classes, Column};
use crate::finding::{Count, SMALLEST_SHOWN, partition, share_of};
use crate::stats::Estimate;

/// What a profile says of itself.
const FORMAT: &str = "privet-profile-2";
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
    /// Columns of numbers whose intervals are looked at, instead of those among the quasi-identifiers.
    pub numbers: Vec<String>,
    /// Root seed of the sample of people that are linked.
    pub seed: u64,
}

/// A version with its records, as it was read.
#[derive(Debug)]
pub struct Version {
    input: InputFile,
    table: Table,
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
    /// The column that says whose a record is, where groups count people.
    pub patient: Option<String>,
    /// Texts that meant a missing cell, sorted.
    pub missing: Vec<String>,
    /// Vintage of the counts of people behind postcodes.
    pub postcodes: String,
    /// The year by which ages were counted.
    pub year: i64,
    /// Records.
    pub records: Count,
    /// Records (or people) of the smallest group, a missing cell being a value of its own.
    pub k: u32,
    /// Share of records in groups of one.
    pub uniqueness: Estimate,
    /// Share of records in groups of fewer than 11.
    pub small: Estimate,
    /// Mean over the records of one by the size of their group.
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
    /// How well the newer version hides the people of the older one; nothing where only profiles were compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub masking: Option<Masking>,
}

impl Comparison {
    /// Whether anything got worse.
    pub fn is_worse(&self) -> bool {
        self.changes.iter().any(|change| change.worse) || !self.risky.is_empty()
    }
}

impl Version {
    /// Reads a table; `role` says what it is.
    ///
    /// # Errors
    /// When the file cannot be read or is empty.
    pub fn load(file: &Path, role: &str, how: &How) -> Result<Self, AssessError> {
        let input = describe(role, file)?;
        let reading = Reading { missing: how.missing.clone(), limits: Limits::default(), ..Reading::default() };
        let table = load_table(&[(file, "the file")], &reading)?.remove(0);
        if table.rows() == 0 {
            return Err(DataError::Empty { what: format!("`{}`", input.file) }.into());
        }
        Ok(Self { input, table })
    }
}

impl Profile {
    /// Measures a version.
    ///
    /// # Errors
    /// When it lacks a column that is named.
    pub fn of(version: &Version, how: &How) -> Result<Self, AssessError> {
        let Version { input, table } = version;
        let set = how
            .quasi_identifiers
            .iter()
            .map(|name| Ok(column(&cells(table, input, name, "--quasi-identifiers")?.cells)));
        let set: Vec<Column> = set.collect::<Result<_, AssessError>>()?;
        let people = how
            .patient
            .as_ref()
            .map(|name| Ok::<_, AssessError>(column(&cells(table, input, name, "--patient")?.cells).people()));
        let people: Option<Vec<u32>> = people.transpose()?;
        let set: Vec<&Column> = set.iter().collect();
        let classes = Classes::of(&set, people.as_deref());
        let rules = ScanSettings::default().rules().map_err(|what| refused(what, "report this as a bug"))?;
        let scanned = scan(table, people.as_deref(), &Schema::default(), &ScanSettings::default(), &rules);
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
            file: input.clone(),
            quasi_identifiers: how.quasi_identifiers.clone(),
            unit: if people.is_some() { "people" } else { "records" }.to_owned(),
            patient: how.patient.clone(),
            missing: how.missing.iter().cloned().collect::<BTreeSet<_>>().into_iter().collect(),
            postcodes: rules.zip3.vintage().to_owned(),
            year: rules.year,
            records: Count::of(table.rows()),
            k: classes.sizes().iter().min().copied().unwrap_or(0),
            uniqueness: share_of(alone(&classes), table.rows()),
            small: share_of(within(&classes, 1, SMALL - 1), table.rows()),
            average_risk: average_risk(&classes),
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
        let none = |_| {
            refused(format!("`{name}` is no profile of a data set"), "make one with `privet compare ... --keep FILE`")
        };
        let read: serde_json::Value = serde_json::from_slice(&bytes).map_err(none)?;
        // A profile of another release may lack fields: what it says of itself is looked at first.
        if read["format"].as_str().is_some_and(|format| format.starts_with("privet-profile-") && format != FORMAT) {
            return Err(refused(
                format!("`{name}` has another format than {FORMAT}"),
                "make it anew with this version of privet",
            ));
        }
        let profile: Self = serde_json::from_value(read).map_err(none)?;
        if profile.format != FORMAT {
            return Err(refused(
                format!("`{name}` is no profile of a data set"),
                "make one with `privet compare ... --keep FILE`",
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
/// When they were measured otherwise; the error says in what.
pub fn compare(before: &Profile, after: &Profile) -> Result<Comparison, AssessError> {
    measured_alike(before, after)?;
    let by_name = |profile: &'_ Profile| -> BTreeMap<String, ColumnProfile> {
        profile.columns.iter().map(|column| (column.name.clone(), column.clone())).collect()
    };
    let (old, new) = (by_name(before), by_name(after));
    let risky = after
        .columns
        .iter()
        .filter_map(|column| risky(column, old.get(&column.name), after, near(before, after)))
        .collect();
    let gone = before.columns.iter().filter(|column| !new.contains_key(&column.name));
    Ok(Comparison {
        before: before.file.clone(),
        after: after.file.clone(),
        changes: changes(before, after),
        histogram: bands_compared(before, after),
        risky,
        gone: gone.map(|column| column.name.clone()).collect(),
        masking: None,
    })
}

/// Refuses versions that were measured in different ways, and says in which.
fn measured_alike(before: &Profile, after: &Profile) -> Result<(), AssessError> {
    let list = |texts: &[String]| texts.iter().map(|text| format!("`{text}`")).collect::<Vec<_>>().join(", ");
    let patient = |profile: &Profile| profile.patient.iter().cloned().collect::<Vec<_>>();
    let ways: [(&str, String, String, &str); 5] = [
        (
            "quasi-identifiers",
            list(&before.quasi_identifiers),
            list(&after.quasi_identifiers),
            "give the same --quasi-identifiers as for the kept profile",
        ),
        (
            "column that says whose a record is",
            list(&patient(before)),
            list(&patient(after)),
            "give the same --patient as for the kept profile",
        ),
        (
            "texts that mean a missing cell",
            list(&before.missing),
            list(&after.missing),
            "give the same --missing as for the kept profile",
        ),
        ("counts of people behind postcodes", before.postcodes.clone(), after.postcodes.clone(), ANEW),
        ("year by which ages are counted", before.year.to_string(), after.year.to_string(), ANEW),
    ];
    let Some((what, old, new, help)) = ways.into_iter().find(|(_, old, new, _)| old != new) else { return Ok(()) };
    let said = |text: String| if text.is_empty() { "none".to_owned() } else { text };
    let what = format!("the two versions were measured with other {what}: {} before, {} after", said(old), said(new));
    Err(refused(what, help))
}

/// What to do about a profile of another release.
const ANEW: &str = "make the kept profile anew with this version of privet";

/// A share in per cent; in whole ones where the number of records must not follow from it.
fn percent(share: f64, whole: bool) -> String {
    if whole { format!("{:.0} %", 100.0 * share) } else { format!("{:.2} %", 100.0 * share) }
}

/// Whether 1 to 10 records more or less are in the newer version, which no share of it may tell.
fn near(before: &Profile, after: &Profile) -> bool {
    gives_away(before.records, after.records)
}

fn changes(before: &Profile, after: &Profile) -> Vec<Change> {
    let near = near(before, after);
    let points =
        |rise: f64| if near { format!("{:+.0} points", 100.0 * rise) } else { format!("{:+.2} points", 100.0 * rise) };
    let shares = |measure: &str, a: &Estimate, b: &Estimate| {
        let exact = |e: &Estimate| e.low == e.high;
        let show = |e: &Estimate, whole: bool| match exact(e) {
            true => percent(e.value, whole),
            false if whole => format!("at most {}", percent((100.0 * e.high).ceil() / 100.0, true)),
            false => format!("at most {}", percent(e.high, false)),
        };
        // A few people more or less would follow from the two shares.
        let people = |e: &Estimate| (e.value * e.n as f64).round() as usize;
        let few = exact(a) && exact(b) && few_between(people(a), people(b));
        let told = exact(a) && exact(b) && !few;
        // Where the number of records is withheld, of the fewest that there can be.
        let records = if near { a.n.saturating_sub(SMALLEST_SHOWN - 1) } else { b.n }.max(1);
        let most = ((people(a) + SMALLEST_SHOWN - 1) as f64 / records as f64).min(1.0);
        Change {
            measure: measure.to_owned(),
            before: show(a, false),
            after: if few { format!("at most {}", percent(most, false)) } else { show(b, near) },
            change: if told { points(b.value - a.value) } else { String::new() },
            worse: b.low > a.high + NOTABLE,
        }
    };
    let alone = shares("records that stand alone", &before.uniqueness, &after.uniqueness);
    let small = shares("records in groups of fewer than 11", &before.small, &after.small);
    // The mean follows from the groups; it would tell what the shares do not.
    let told = [&alone, &small].iter().all(|shares| !shares.change.is_empty());
    let rise = points(after.average_risk - before.average_risk);
    let risk = Change {
        measure: "average risk of a record".to_owned(),
        before: percent(before.average_risk, false),
        after: if told { percent(after.average_risk, near) } else { Count::Hidden.to_string() },
        change: if told { rise } else { String::new() },
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
    vec![Change { worse: false, ..counted("records", before.records, after.records) }, k, alone, small, risk]
}

/// Whether two counts differ by 1 to 10.
fn few_between(a: usize, b: usize) -> bool {
    (1..SMALLEST_SHOWN).contains(&a.abs_diff(b))
}

/// Whether two counts that are shown differ by 1 to 10: one of them must not be.
fn gives_away(before: Count, after: Count) -> bool {
    matches!((before, after), (Count::Shown(a), Count::Shown(b)) if few_between(a, b))
}

/// Records by the size of their group, before and after. Where a count of the newer version is hidden because it differs by few,
/// a second one is hidden too: the records of the whole would give the first away.
fn bands_compared(before: &Profile, after: &Profile) -> Vec<Change> {
    let mut newer: Vec<Count> = after.histogram.iter().map(|(_, count)| *count).collect();
    let older = before.histogram.iter().map(|(_, count)| *count);
    let few: Vec<bool> = older.zip(&newer).map(|(old, new)| gives_away(old, *new)).collect();
    let unseen = |count: &Count| !matches!(count, Count::Shown(_));
    if few.iter().filter(|few| **few).count() + newer.iter().filter(|count| unseen(count)).count() == 1 {
        let shown = |at: &usize| !few[*at] && matches!(newer[*at], Count::Shown(1..));
        let size = |at: &usize| if let Count::Shown(count) = newer[*at] { count } else { usize::MAX };
        if few.contains(&true)
            && let Some(second) = (0..newer.len()).filter(shown).min_by_key(size)
        {
            newer[second] = Count::Hidden;
        }
    }
    let bands = before.histogram.iter().zip(newer);
    bands.map(|((band, old), new)| counted(band, *old, new)).collect()
}

/// A count before and after; the difference where both are shown. Where they differ by 1 to 10 the newer one is hidden.
fn counted(measure: &str, before: Count, after: Count) -> Change {
    let after = if gives_away(before, after) { Count::Hidden } else { after };
    let change = match (before, after) {
        (Count::Shown(a), Count::Shown(b)) => format!("{:+}", b as i64 - a as i64),
        _ => String::new(),
    };
    Change { measure: measure.to_owned(), before: before.to_string(), after: after.to_string(), change, worse: false }
}

/// Why a column of the newer version is risky, where it came in or got worse.
fn risky(column: &ColumnProfile, before: Option<&ColumnProfile>, after: &Profile, near: bool) -> Option<Risky> {
    let mut why = Vec::new();
    let recognised = matches!(column.class, Class::Prohibited | Class::Conditional | Class::Review);
    if recognised && before.is_none_or(|before| before.class < column.class) {
        why.push(format!("the list of identifiers says: {}", column.class.word()));
    }
    let rise = column.uniqueness_with.low - after.uniqueness.high;
    let of_before = before.map_or(0.0, |before| before.uniqueness_with.high);
    if rise > NOTABLE && column.uniqueness_with.low > of_before + NOTABLE {
        why.push(format!("with it {} of the records stand alone", percent(column.uniqueness_with.value, near)));
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

/// Mean over the records of one by the size of their group: of a group of people each has several records.
fn average_risk(classes: &Classes) -> f64 {
    let pairs = || classes.sizes().iter().zip(classes.records());
    let records: f64 = pairs().map(|(_, &records)| f64::from(records)).sum();
    pairs().map(|(&size, &records)| f64::from(records) / f64::from(size.max(1))).sum::<f64>() / records.max(1.0)
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
mod tests;
