//! Groups of people by outcome and by columns: who is more exposed than others?
//!
//! A group is looked at only where both sets hold at least eleven of its patients; smaller ones are left out without a
//! trace, since their numbers would speak of single people.

use std::collections::BTreeMap;

use super::{CheckError, Subject, Truth};
use crate::data::encode::column;
use crate::data::{Cells, DataError, Split, ThreatModel};
use crate::equivalence::{Classes, Column};
use crate::finding::SMALLEST_SHOWN;
use crate::stats::rank::quantile;

/// Most levels of a column that is cut into groups by its values.
const MOST_LEVELS: usize = 30;
/// Bands of a column of numbers.
const BANDS: usize = 4;
/// Bands of the number of people who share a combination of quasi-identifiers: the most of each, and its name.
const CLASS_SIZES: [(u32, &str); 4] =
    [(1, "alone"), (4, "one of 2 to 4"), (10, "one of 5 to 10"), (u32::MAX, "one of 11 and more")];

/// Whose records they are.
#[derive(Clone, Copy)]
pub(super) struct Sides<'a> {
    /// Number of members; their rows come first.
    pub(super) members: usize,
    /// The patient of every row.
    pub(super) patients: &'a [u32],
}

impl Sides<'_> {
    fn is_member(&self, row: u32) -> bool {
        (row as usize) < self.members
    }
}

/// A group of records.
pub(super) struct Group {
    /// Column and level, for example `gender: Female` or `age: highest quarter`.
    pub(super) name: String,
    /// Its rows, members first, ascending.
    pub(super) rows: Vec<u32>,
}

/// Values that a plan spells out, by column: only these are named, others are numbered by their frequency, since a value may
/// be a secret of the data.
pub(super) type Values = BTreeMap<String, Vec<String>>;

/// The groups by the outcome and by the columns named, or by the quasi-identifiers where none are.
///
/// # Errors
/// When a named column does not exist.
pub(super) fn groups(
    subject: &Subject<'_>,
    sides: Sides<'_>,
    named: Option<&[String]>,
    values: &Values,
) -> Result<Vec<Group>, CheckError> {
    let Some(split) = subject.split else { return Ok(Vec::new()) };
    let mut groups = by_outcome(subject, sides);
    let mut columns: Vec<String> = named.map(<[String]>::to_vec).unwrap_or_default();
    if named.is_none() {
        for threat in &split.schema.quasi_identifiers {
            columns
                .extend(threat.columns.iter().filter(|name| !columns.contains(name)).cloned().collect::<Vec<String>>());
        }
    }
    if named.is_none() {
        groups.extend(by_class_size(split, sides));
    }
    for name in columns {
        let Some(cells) = pooled(split, &name) else {
            return Err(CheckError::Data(DataError::Shape {
                what: format!("`columns` of a check names `{name}`, which the data do not have"),
                help: "compare the name with the header of the file".to_owned(),
            }));
        };
        groups.extend(by_column(sides, &name, &cells, values.get(&name).map_or(&[], Vec::as_slice)));
    }
    Ok(groups)
}

fn by_outcome(subject: &Subject<'_>, sides: Sides<'_>) -> Vec<Group> {
    let Some(model) = subject.model else { return Vec::new() };
    let (Some(members), Some(nonmembers)) = (&model.members, &model.nonmembers) else { return Vec::new() };
    let (Truth::Classes(a), Truth::Classes(b)) = (&members.truth, &nonmembers.truth) else { return Vec::new() };
    let classes: Vec<u32> = a.iter().chain(b).copied().collect();
    let names = &model.target.facts().classes;
    let name = |class: u32| format!("outcome = {}", names.get(class as usize).map_or("", String::as_str));
    if names.len() > MOST_LEVELS { Vec::new() } else { large_enough(sides, &classes, names.len(), name) }
}

/// The groups by how many people share a person's quasi-identifiers: whether those who stand out in the data are the ones
/// whom the model gives away. People of both sets count, so that a size means the same for members and others.
fn by_class_size(split: &Split, sides: Sides<'_>) -> Vec<Group> {
    let of_threat = |threat: &ThreatModel| {
        let stacked = |name: &String| {
            let [a, b] = <[Cells; 2]>::try_from(pooled(split, name)?).ok()?;
            Some(column(&a.stacked(&b)?))
        };
        let Some(columns) = threat.columns.iter().map(stacked).collect::<Option<Vec<Column>>>() else {
            return Vec::new();
        };
        let classes = Classes::of(&columns.iter().collect::<Vec<_>>(), Some(sides.patients));
        let band =
            |&class: &u32| CLASS_SIZES.partition_point(|&(most, _)| most < classes.sizes()[class as usize]) as u32;
        let bands: Vec<u32> = classes.of_record().iter().map(band).collect();
        let by = if threat.name.is_empty() { threat.columns.join(", ") } else { format!("`{}`", threat.name) };
        large_enough(sides, &bands, CLASS_SIZES.len(), |band| format!("{} by {by}", CLASS_SIZES[band as usize].1))
    };
    split.schema.quasi_identifiers.iter().flat_map(of_threat).collect()
}

/// A column over both sides.
fn pooled(split: &Split, name: &str) -> Option<Vec<Cells>> {
    let (a, b) = (split.members.table()?.column(name)?, split.nonmembers.table()?.column(name)?);
    Some(vec![a.cells.clone(), b.cells.clone()])
}

fn by_column(whose: Sides<'_>, name: &str, sides: &[Cells], spelt: &[String]) -> Vec<Group> {
    let (first, second, levels) = crate::data::encode::joint_codes(&sides[0], &sides[1]);
    let level_codes = [first, second].concat();
    if levels <= MOST_LEVELS {
        let names = level_names(sides, &level_codes, levels, spelt);
        return large_enough(whose, &level_codes, levels, |code| format!("{name}: {}", names[code as usize]));
    }
    let numbers: Option<Vec<Vec<f64>>> = sides.iter().map(Cells::numbers).collect();
    let Some(numbers) = numbers.map(|sides| sides.concat()) else { return Vec::new() };
    let edges = quartiles(&numbers);
    let band = |value: f64| edges.partition_point(|edge| *edge <= value) as u32;
    let missing = edges.len() as u32 + 1;
    let bands: Vec<u32> = numbers.iter().map(|&value| if value.is_nan() { missing } else { band(value) }).collect();
    // Named by their place: an edge would be the number of a person.
    let names = ["lowest quarter", "second quarter", "third quarter", "highest quarter"];
    large_enough(whose, &bands, edges.len() + 2, |code| match names.get(code as usize) {
        Some(place) if code < missing && edges.len() + 1 == names.len() => format!("{name}: {place}"),
        _ if code < missing => format!("{name}: band {} of {}", code + 1, edges.len() + 1),
        _ => format!("{name}: missing"),
    })
}

/// The plan's own words for a level, or its place by frequency.
fn level_names(sides: &[Cells], level_codes: &[u32], levels: usize, spelt: &[String]) -> Vec<String> {
    let mut texts: Vec<Option<String>> = vec![None; levels];
    let mut counts = vec![0_usize; levels];
    let rows = sides.iter().flat_map(|cells| (0..cells.len()).map(move |row| (cells, row)));
    for ((cells, row), &code) in rows.zip(level_codes) {
        counts[code as usize] += 1;
        if counts[code as usize] == 1 {
            texts[code as usize] = Some(cells.text(row).unwrap_or_default());
        }
    }
    let mut order: Vec<usize> = (0..levels).collect();
    order.sort_by_key(|&code| (std::cmp::Reverse(counts[code]), code));
    let mut names = vec![String::new(); levels];
    for (place, &code) in order.iter().enumerate() {
        names[code] = match texts[code].as_deref() {
            Some("") => "missing".to_owned(),
            Some(text) if spelt.iter().any(|value| value == text) => text.to_owned(),
            _ => format!("value {} by frequency", place + 1),
        };
    }
    names
}

/// The quartiles, without repetition.
fn quartiles(numbers: &[f64]) -> Vec<f64> {
    let mut sorted: Vec<f64> = numbers.iter().copied().filter(|value| !value.is_nan()).collect();
    sorted.sort_by(f64::total_cmp);
    if sorted.is_empty() {
        return Vec::new();
    }
    let mut edges: Vec<f64> = (1..BANDS).map(|band| quantile(&sorted, band as f64 / BANDS as f64)).collect();
    edges.dedup();
    edges
}

fn large_enough(sides: Sides<'_>, codes: &[u32], levels: usize, name: impl Fn(u32) -> String) -> Vec<Group> {
    let mut rows: Vec<Vec<u32>> = vec![Vec::new(); levels];
    codes.iter().enumerate().for_each(|(row, &code)| rows[code as usize].push(row as u32));
    let patients = |rows: &[u32], members: bool| {
        let mut of: Vec<u32> = rows
            .iter()
            .filter(|&&row| sides.is_member(row) == members)
            .map(|&row| sides.patients[row as usize])
            .collect();
        of.sort_unstable();
        of.dedup();
        of.len()
    };
    let kept = rows
        .into_iter()
        .enumerate()
        .filter(|(_, rows)| patients(rows, true) >= SMALLEST_SHOWN && patients(rows, false) >= SMALLEST_SHOWN);
    let groups: Vec<Group> = kept.map(|(code, rows)| Group { name: name(code as u32), rows }).collect();
    // A single group is everybody.
    if groups.len() > 1 { groups } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::specimen::{Case, integers};
    use crate::data::{Schema, Table};

    /// 30 members and 30 others alone, 40 and 40 in groups of eleven and more.
    #[test]
    fn people_are_grouped_by_the_size_of_their_class() {
        let table = |first: u32| {
            let value = |row: u32| if row < 30 { 100 + first + row } else { row % 2 };
            Table::new(vec![integers("q", &(0..70).map(value).collect::<Vec<u32>>())])
        };
        let schema = Schema { quasi_identifiers: vec![ThreatModel::of("", &["q"])], ..Schema::default() };
        let case = Case::tables(table(0), table(1_000), schema);
        let patients: Vec<u32> = (0..140).collect();
        let groups = by_class_size(&case.split, Sides { members: 70, patients: &patients });
        let told: Vec<(&str, usize)> = groups.iter().map(|group| (&*group.name, group.rows.len())).collect();
        assert_eq!(told, [("alone by q", 60), ("one of 11 and more by q", 80)]);
    }

    #[test]
    fn equal_quartiles_are_one_edge() {
        assert_eq!(quartiles(&[1.0, 1.0, 1.0, 1.0, 2.0, 3.0, 4.0, 5.0]), [1.0, 1.5, 3.25]);
        assert_eq!(quartiles(&[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 9.0]), [0.0]);
    }
}
