//! What columns have to do with each other: copies, parts, digests, dates that move together.

use std::collections::{BTreeMap, HashSet};

use super::column::Column;
use super::decision::{Reading, term};
use super::digests::{Algorithm, parse, small_space, variants};
use super::{Class, Item, temporal};

/// Rows that are compared.
const COMPARED: usize = 200;
/// Rows whose digests are tried against every other column.
const DIGESTED: usize = 32;
/// Least rows that must agree.
const LEAST: usize = 3;

/// What a column has to do with another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Relation {
    /// What it is, in words that end where the name of the other column follows.
    pub(super) words: String,
    /// The other column.
    pub(super) of: Option<usize>,
}

/// The cells of some rows, column by column.
pub(super) struct Rows {
    cells: Vec<Vec<Option<String>>>,
}

impl Rows {
    /// Reads rows that are spread over the file.
    pub(super) fn of(columns: usize, rows: usize, cell: &dyn Fn(usize, usize) -> Option<String>) -> Self {
        let step = rows.div_ceil(COMPARED).max(1);
        let read = |column| (0..rows).step_by(step).map(|row| cell(column, row)).collect();
        Self { cells: (0..columns).map(read).collect() }
    }

    /// Pairs of present cells of two columns.
    fn pairs(&self, a: usize, b: usize) -> impl Iterator<Item = (&str, &str)> {
        let both = self.cells[a].iter().zip(&self.cells[b]);
        both.filter_map(|(x, y)| Some((x.as_deref()?.trim(), y.as_deref()?.trim())))
    }
}

/// Whether all but one in ten of at least so many pairs fulfil a condition.
fn mostly<'p>(
    pairs: impl Iterator<Item = (&'p str, &'p str)>,
    least: usize,
    fits: impl Fn(&str, &str) -> bool,
) -> bool {
    let (mut all, mut fitting) = (0, 0);
    for (x, y) in pairs {
        all += 1;
        fitting += usize::from(fits(x, y));
        if all - fitting > COMPARED / 10 {
            return false;
        }
    }
    all >= least && fitting * 10 >= all * 9
}

/// Adds to the readings what the columns say about each other.
pub(super) fn relate(
    columns: &[Column<'_>],
    readings: &mut [Option<Reading>],
    rows: &Rows,
    numbers: u64,
) -> Vec<Option<Relation>> {
    let mut relations: Vec<Option<Relation>> = vec![None; columns.len()];
    for at in 0..columns.len() {
        if let Some((reading, relation)) = digest(at, columns, readings, rows, numbers) {
            (readings[at], relations[at]) = (Some(reading), Some(relation));
        }
    }
    copies(columns, readings, rows, &mut relations);
    moved(columns, readings, rows, &mut relations);
    embedding(columns, readings);
    relations
}

/// A column of digests of another column, or of a set of values small enough to try out.
fn digest(
    at: usize,
    columns: &[Column<'_>],
    readings: &[Option<Reading>],
    rows: &Rows,
    numbers: u64,
) -> Option<(Reading, Relation)> {
    let values = &columns[at].values;
    let parsed: Vec<(Algorithm, Vec<u8>)> = values.iter().filter_map(|(text, _)| parse(text)).collect();
    if values.len() < LEAST || parsed.len() * 10 < values.len() * 9 {
        return None;
    }
    let algorithm = parsed[0].0;
    let is_digest = |source: &str, digest: &str| {
        parse(digest).is_some_and(|(_, bytes)| variants(source).iter().any(|text| algorithm.digest(text) == bytes))
    };
    let others = (0..columns.len()).filter(|&other| other != at && columns[other].distinct >= LEAST);
    let source = { others }.find(|&other| mostly(rows.pairs(other, at).take(DIGESTED), LEAST, is_digest));
    let found = |item: Item, rule, words: String, of| {
        let reading = Reading {
            item: Some(item),
            rule,
            class: Class::Prohibited,
            rows: columns[at].rows,
            terms: vec![term("digests that can be made again", 10.0)],
            remark: "derived from information about the person, which 164.514(c) rules out",
        };
        Some((reading, Relation { words, of }))
    };
    if let Some(other) = source {
        let item = readings[other].as_ref().and_then(|reading| reading.item).unwrap_or(Item::OtherCode);
        return found(item, "R.hash-of-column", format!("{} of the column", algorithm.words()), Some(other));
    }
    let wanted: HashSet<Vec<u8>> =
        parsed.into_iter().filter(|(made, _)| *made == algorithm).map(|(_, bytes)| bytes).collect();
    let space = small_space(algorithm, &wanted, numbers)?;
    found(Item::OtherCode, "R.hash-of-few", format!("{} of {space}", algorithm.words()), None)
}

/// Copies of an identifying column, and parts of its values, are as identifying.
fn copies(columns: &[Column<'_>], readings: &mut [Option<Reading>], rows: &Rows, relations: &mut [Option<Relation>]) {
    let known: Vec<usize> = (0..columns.len())
        .filter(|&at| readings[at].as_ref().is_some_and(|r| r.class == Class::Prohibited && columns[at].distinct >= 20))
        .collect();
    for at in 0..columns.len() {
        let class = readings[at].as_ref().map_or(Class::Clear, |reading| reading.class);
        if class == Class::Prohibited || columns[at].distinct < 20 || relations[at].is_some() {
            continue;
        }
        let bare =
            |text: &str| text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>();
        let copy = |own: &str, other: &str| bare(own) == bare(other);
        let part = |own: &str, other: &str| {
            let (own, other) = (bare(own), bare(other));
            own.len() >= 4 && own.len() < other.len() && (other.starts_with(&own) || other.ends_with(&own))
        };
        let found = known.iter().find_map(|&other| {
            if mostly(rows.pairs(at, other), 10, copy) {
                Some((other, "R.copy", "copy of the column"))
            } else if mostly(rows.pairs(at, other), 10, part) {
                Some((other, "R.part", "part of the column"))
            } else {
                None
            }
        });
        if let Some((other, rule, words)) = found
            && let Some(source) = readings[other].clone()
        {
            let terms = vec![term("the same values as another column", 10.0)];
            readings[at] = Some(Reading { rule, rows: columns[at].rows, terms, remark: "", ..source });
            relations[at] = Some(Relation { words: words.to_owned(), of: Some(other) });
        }
    }
}

/// Days of the cells of a column: of dates, or of whole numbers that may count days.
fn days(cells: &[Option<String>], as_numbers: bool) -> Vec<Option<i64>> {
    let day = |text: &str| {
        if as_numbers { text.trim().parse().ok() } else { temporal::any(text.trim()).map(|day| day.number) }
    };
    cells.iter().map(|cell| cell.as_deref().and_then(day)).collect()
}

/// Columns whose distance in days from a date column is the same in every row: dates that were shifted, or numbers that
/// count days.
fn moved(columns: &[Column<'_>], readings: &mut [Option<Reading>], rows: &Rows, relations: &mut [Option<Relation>]) {
    let is_date = |reading: &Option<Reading>| {
        reading.as_ref().is_some_and(|r| r.item == Some(Item::Dates) && r.rule.starts_with("C.date"))
    };
    let dated: Vec<(usize, Vec<Option<i64>>)> = (0..columns.len())
        .filter(|&at| is_date(&readings[at]) && columns[at].numbers.is_none() && columns[at].distinct >= 5)
        .map(|at| (at, days(&rows.cells[at], false)))
        .collect();
    for at in 0..columns.len() {
        let whole = columns[at].numbers.is_some_and(|numbers| numbers.whole);
        let own_date = is_date(&readings[at]) && !whole;
        if relations[at].is_some()
            || !(own_date || whole && readings[at].as_ref().is_none_or(|r| r.rule == "C.date-unread"))
            || columns[at].distinct < 5
        {
            continue;
        }
        let own = days(&rows.cells[at], whole);
        let same_distance = |other: &Vec<Option<i64>>| {
            let gaps: Vec<i64> = own.iter().zip(other).filter_map(|(a, b)| (*a)?.checked_sub((*b)?)).collect();
            gaps.len() >= 20
                && gaps[0] != 0
                && gaps.iter().filter(|&&gap| gap == gaps[0]).count() * 20 >= gaps.len() * 19
        };
        let Some((other, _)) = dated.iter().find(|(other, days)| *other != at && same_distance(days)) else { continue };
        relations[at] =
            Some(Relation { words: "always the same number of days from the column".to_owned(), of: Some(*other) });
        if whole && let Some(source) = readings[*other].clone() {
            let terms = vec![term("a constant number of days from a date", 10.0)];
            readings[at] = Some(Reading { rule: "C.date-serial", rows: columns[at].rows, terms, ..source });
        }
    }
}

/// Columns numbered from one name, as many as face and voice models give, of numbers around zero.
fn embedding(columns: &[Column<'_>], readings: &mut [Option<Reading>]) {
    const SIZES: [usize; 4] = [128, 192, 256, 512];
    let stem = |name: &str| name.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned();
    let fits = |column: &Column<'_>| column.numbers.is_some_and(|numbers| !numbers.whole && numbers.low < 0.0);
    let mut stems: BTreeMap<String, usize> = BTreeMap::new();
    for column in columns.iter().filter(|column| fits(column) && stem(column.name) != column.name) {
        *stems.entry(stem(column.name)).or_insert(0) += 1;
    }
    for (at, column) in columns.iter().enumerate() {
        let family = stems.get(&stem(column.name)).is_some_and(|count| SIZES.contains(count));
        if family && readings[at].is_none() {
            readings[at] = Some(Reading {
                item: Some(Item::Biometric),
                rule: "P.embedding",
                class: Class::Review,
                rows: column.rows,
                terms: vec![term("numbered columns, as many as models of faces and voices give", 3.0)],
                remark: "an embedding of a face or a voice is a biometric identifier",
            });
        }
    }
}
