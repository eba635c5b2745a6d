//! The columns of a table against the list of identifiers, with counts that may be shown.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::inventory;
use crate::data::{Role, Schema, Table};
use crate::detect::{self, Class, Item, Judgement, Mode, Rules, YEAR, Zip3};
use crate::finding::{Count, SMALLEST_SHOWN};

/// What a plan or the command line says about a scan.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScanSettings {
    /// Judge by the shorter list of 45 CFR 164.514(e)(2).
    pub limited_data_set: bool,
    /// The counts of people behind postcodes: `census-2020` (the default), `census-2010` or `census-2000`.
    pub zip3: Option<String>,
    /// A file with such counts instead, as `privet explain dataset/identifiers` describes it.
    pub zip3_file: Option<PathBuf>,
    /// Columns that may stay, each with the reason.
    pub accepted: BTreeMap<String, String>,
    /// The year by which ages are counted.
    pub year: Option<i64>,
    /// Whole numbers below this are tried as the source of digests.
    pub hash_search: Option<u64>,
}

impl ScanSettings {
    /// The rules that follow.
    ///
    /// # Errors
    /// What is wrong with which setting.
    pub fn rules(&self) -> Result<Rules, String> {
        let zip3 = match (&self.zip3, &self.zip3_file) {
            (Some(_), Some(_)) => return Err("`zip3` and `zip3_file` exclude each other".to_owned()),
            (_, Some(file)) => {
                let shown = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                let text = std::fs::read_to_string(file).map_err(|error| format!("`zip3_file` `{shown}`: {error}"))?;
                Zip3::parse(&text).map_err(|what| format!("`zip3_file` `{shown}` {what}"))?
            }
            (Some(name), None) => {
                Zip3::vintage_of(name).ok_or_else(|| format!("`zip3` is one of {}", Zip3::VINTAGES.join(", ")))?
            }
            (None, None) => Rules::default().zip3,
        };
        if let Some(column) =
            self.accepted.iter().find(|(_, reason)| reason.trim().is_empty()).map(|(column, _)| column)
        {
            return Err(format!("`accepted` gives no reason for the column `{column}`"));
        }
        let year = self.year.unwrap_or(YEAR);
        if !(1990..=2100).contains(&year) {
            return Err("`year` is a year from 1990 to 2100".to_owned());
        }
        let mode = if self.limited_data_set { Mode::LimitedDataSet } else { Mode::SafeHarbor };
        let hash_search = self.hash_search.unwrap_or_else(|| Rules::default().hash_search);
        Ok(Rules { mode, zip3, year, hash_search })
    }
}

/// What becomes of a column, for a report: no count of 1 to 10, no value.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Scanned {
    /// Its name.
    pub column: String,
    /// Its roles in the plan that keep it away from the model, in words; empty for what goes out with the data.
    pub declared: String,
    /// What becomes of it.
    pub class: Class,
    /// The item of the list.
    pub item: Option<Item>,
    /// The letter of the item, A to R.
    pub letter: Option<char>,
    /// Letter and form.
    pub rule: String,
    /// Rows that the rule speaks of.
    pub concerned: Count,
    /// Rows with a value.
    pub rows: Count,
    /// Whether nearly all people (or rows) have a value of their own.
    pub near_unique: bool,
    /// The terms of the decision: what was seen and the log odds.
    pub terms: Vec<(String, f64)>,
    /// Their sum.
    pub log_odds: f64,
    /// What more there is to say.
    pub remark: String,
    /// Shapes that at least eleven rows have: digits as `9`, letters as `A` and `a`.
    pub shapes: Vec<String>,
    /// Why it may stay, where the plan says so.
    pub accepted: Option<String>,
}

impl Scanned {
    /// Whether it counts: nobody accepted it, and it is not declared as something that stays behind.
    pub fn counts(&self) -> bool {
        self.accepted.is_none() && self.declared.is_empty()
    }
}

/// Scans a table. `groups` gives the person of each row, where people are known.
pub fn scan(
    table: &Table,
    groups: Option<&[u32]>,
    schema: &Schema,
    settings: &ScanSettings,
    rules: &Rules,
) -> Vec<(Scanned, Judgement)> {
    let columns = inventory::columns(table, groups);
    let cell = |column: usize, row: usize| table.columns()[column].cells.text(row);
    let judged = detect::scan(&columns, table.rows(), &cell, rules);
    judged.into_iter().map(|judgement| (shown(&judgement, table.rows(), schema, settings), judgement)).collect()
}

/// Roles that keep a column away from the model and from what is called the data set.
const APART: [Role; 5] = [Role::Identifier, Role::Patient, Role::Split, Role::Score, Role::LeftOut];

/// The counts of a column of `records`, as they may be shown: rows with a value and of these the concerned ones. Neither they nor
/// what lies between them gives away a count from 1 to 10.
fn counts(judgement: &Judgement, records: usize) -> (Count, Count) {
    let rows = Count::of_part(judgement.rows, records);
    let concerned = Count::of_part(judgement.concerned, judgement.rows);
    let concerned = match (concerned, Count::of_part(judgement.concerned, records)) {
        (Count::Shown(_), of_all) => of_all,
        (hidden, _) => hidden,
    };
    (rows, concerned)
}

fn shown(judgement: &Judgement, records: usize, schema: &Schema, settings: &ScanSettings) -> Scanned {
    let roles: Vec<String> =
        schema.roles(&judgement.column).iter().filter(|role| APART.contains(role)).map(ToString::to_string).collect();
    let shapes = judgement.shapes.iter().filter(|shape| shape.rows >= SMALLEST_SHOWN && judgement.class > Class::Clear);
    let (rows, concerned) = counts(judgement, records);
    let tenths = |odds: f64| (odds * 10.0).round() / 10.0;
    Scanned {
        column: judgement.column.clone(),
        declared: roles.join(", "),
        class: judgement.class,
        item: judgement.item,
        letter: judgement.item.map(Item::letter),
        rule: judgement.rule.to_owned(),
        concerned,
        rows,
        near_unique: judgement.uniqueness > 0.95 && judgement.distinct >= 20,
        terms: judgement.terms.iter().map(|term| (term.what.to_owned(), tenths(term.log_odds))).collect(),
        log_odds: tenths(judgement.terms.iter().map(|term| term.log_odds).sum()),
        remark: judgement.remark.clone(),
        shapes: shapes.map(|shape| shape.mask.clone()).collect(),
        accepted: settings.accepted.get(&judgement.column).cloned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Cells, Column, MISSING};
    use std::sync::Arc;

    /// E-mail addresses in all but three, in all but 20, in three of 300 records: what is missing cannot be subtracted.
    #[test]
    fn nothing_is_told_by_subtraction() {
        let column = |missing: u32| {
            let codes = (0..300).map(|row| if row < missing { MISSING } else { row }).collect();
            let dictionary = Arc::new((0..300).map(|row| format!("u{row}@example.org")).collect());
            Column { name: format!("email{missing}"), cells: Cells::Text { codes, dictionary } }
        };
        let table = Table::new([3, 20, 297, 0].map(column).into());
        let found = scan(&table, None, &Schema::default(), &ScanSettings::default(), &Rules::default());
        let shown: Vec<(Count, Count)> = found.iter().map(|(scanned, _)| (scanned.rows, scanned.concerned)).collect();
        let all = |count| (Count::Shown(count), Count::Shown(count));
        assert_eq!(shown, [(Count::Hidden, Count::Hidden), all(280), (Count::Withheld, Count::Withheld), all(300)]);
    }
}
