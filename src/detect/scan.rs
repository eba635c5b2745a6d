//! All columns of a table against the list of identifiers.

use rayon::prelude::*;

use super::across::{Relation, Rows, relate};
use super::column::{Column, Shape};
use super::decision::{Knowledge, Reading, Term, decide};
use super::header::Header;
use super::{Class, Demographic, Item, Mode, Zip3};

/// By what columns are judged.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Which list.
    pub mode: Mode,
    /// People behind the first three digits of postcodes.
    pub zip3: Zip3,
    /// The year in which the youngest person of 90 was born 90 years ago.
    pub year: i64,
    /// Whole numbers below this are tried as the source of digests; 0 for none.
    pub hash_search: u64,
}

/// The year by which ages are counted unless told otherwise: that of the release.
pub const YEAR: i64 = 2026;

impl Default for Rules {
    fn default() -> Self {
        let zip3 = Zip3::vintage_of(Zip3::VINTAGES[0]).expect("the first table is there");
        Self { mode: Mode::default(), zip3, year: YEAR, hash_search: 1_000_000 }
    }
}

/// What a column is. Holds counts of rows as they are: they have to be suppressed before they are shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// Name of the column.
    pub column: String,
    /// What becomes of it.
    pub class: Class,
    /// The item of the list, where one was recognised.
    pub item: Option<Item>,
    /// Letter and form, for example `G.ssn-dashed`; empty where nothing was recognised.
    pub rule: &'static str,
    /// Rows that the rule speaks of.
    pub concerned: usize,
    /// Rows with a value.
    pub rows: usize,
    /// Distinct values.
    pub distinct: usize,
    /// Share of rows or people with a value of their own.
    pub uniqueness: f64,
    /// The evidence, as terms of log odds.
    pub terms: Vec<Term>,
    /// What more there is to say.
    pub remark: String,
    /// The most frequent shapes of the values.
    pub shapes: Vec<Shape>,
    /// What a stranger may know of a person and is not forbidden.
    pub demographic: Option<Demographic>,
}

/// Judges every column.
///
/// `cell` gives the text of a cell by column and row, nothing where it is missing; some rows are read for comparisons between
/// columns. O(columns x sampled values) plus, for columns of digests, O(`hash_search`).
pub fn scan(
    columns: &[Column<'_>],
    rows: usize,
    cell: &dyn Fn(usize, usize) -> Option<String>,
    rules: &Rules,
) -> Vec<Judgement> {
    let knowledge = Knowledge { zip3: &rules.zip3, year: rules.year };
    let headers: Vec<Header> = columns.par_iter().map(|column| Header::of(column.name)).collect();
    let mut readings: Vec<_> = columns
        .par_iter()
        .zip(&headers)
        .map(|(column, header)| decide(column, header, &knowledge, rules.mode))
        .collect();
    let compared = Rows::of(columns.len(), rows, cell);
    let relations = relate(columns, &mut readings, &compared, rules.hash_search);
    let judge = |(at, (reading, relation)): (usize, (Option<Reading>, Option<Relation>))| {
        let (column, header) = (&columns[at], &headers[at]);
        let related = relation.map(|relation| match relation.of {
            Some(other) => format!("{} `{}`", relation.words, columns[other].name),
            None => relation.words,
        });
        let remark = reading.as_ref().map_or("", |reading| reading.remark);
        let remarks: Vec<&str> =
            related.as_deref().into_iter().chain([remark]).filter(|text| !text.is_empty()).collect();
        Judgement {
            column: column.name.to_owned(),
            class: reading.as_ref().map_or(Class::Clear, |reading| reading.class),
            item: reading.as_ref().and_then(|reading| reading.item),
            rule: reading.as_ref().map_or("", |reading| reading.rule),
            concerned: reading.as_ref().map_or(0, |reading| reading.rows),
            rows: column.rows,
            distinct: column.distinct,
            uniqueness: column.uniqueness(),
            remark: remarks.join("; "),
            demographic: Demographic::of(column, header, reading.as_ref()),
            terms: reading.map(|reading| reading.terms).unwrap_or_default(),
            shapes: column.shapes().into_iter().take(3).collect(),
        }
    };
    readings.into_iter().zip(relations).enumerate().map(judge).collect()
}

#[cfg(test)]
mod disguised;
#[cfg(test)]
mod tests;
