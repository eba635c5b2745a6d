//! Ages and years of birth: how many people are over 89, and whether they are one group.

use super::column::Column;
use super::decision::{Knowledge, Reading, term};
use super::header::{Concept, Header};
use super::named::AGREES;
use super::{Class, Item, temporal};

/// Units of a column of ages that are numbers, by its name: so many make a year.
pub(super) fn in_a_year(header: &Header) -> f64 {
    let says = |words: &[&str]| header.tokens.iter().any(|token| words.contains(&token.as_str()));
    if says(&["days", "day"]) {
        365.25
    } else if says(&["months", "month", "mos", "mo"]) {
        12.0
    } else if says(&["weeks", "week", "wks", "wk"]) {
        52.18
    } else {
        1.0
    }
}

/// An age or a range of ages in years: the least, the most (nothing where it is open) and whether it is a single age.
struct Band {
    low: f64,
    high: Option<f64>,
    single: bool,
}

fn band(text: &str, in_a_year: f64) -> Option<Band> {
    if let Some((low, high)) = temporal::age_band(text) {
        let years = |age: u32| f64::from(age) / in_a_year;
        return Some(Band { low: years(low), high: high.map(years), single: false });
    }
    let unit = if text.ends_with(|c: char| c.is_alphabetic() || c == '.') { 1.0 } else { in_a_year };
    let age = temporal::age(text)? / unit;
    Some(Band { low: age, high: Some(age), single: true })
}

/// The least age in years that a text says, of a column of ages in a unit.
pub(super) fn least(text: &str, in_a_year: f64) -> Option<f64> {
    band(text, in_a_year).map(|band| band.low)
}

/// Whether enough of the distinct values or nearly all rows fulfil a condition; the others may be mistyped or stand for
/// something missing.
fn mostly(column: &Column<'_>, least: f64, fits: impl Fn(&str) -> bool) -> bool {
    let (mut with, mut all) = (0, 0);
    for (text, rows) in &column.values {
        all += rows;
        with += if fits(text.trim()) { *rows } else { 0 };
    }
    column.share(&fits) >= least || with * 10 >= all * 9
}

/// Ages over 89 unless they are one group.
pub(super) fn ages(column: &Column<'_>, header: &Header) -> Option<Reading> {
    let said = header.says(Concept::Age);
    if said == 0.0 {
        return None;
    }
    let unit = in_a_year(header);
    let bands: Vec<(Band, usize)> =
        column.values.iter().filter_map(|(text, rows)| Some((band(text.trim(), unit)?, *rows))).collect();
    let is_age = |text: &str| band(text, unit).is_some_and(|band| (0.0..=130.0).contains(&band.low));
    let least = if column.numbers.is_some() { 0.8 } else { 0.5 };
    if !mostly(column, least, is_age) {
        return None;
    }
    let over = |band: &Band| {
        (0.0..=130.0).contains(&band.low)
            && band.high.map_or(band.low >= 90.0, |high| high >= 90.0 && high.floor() <= 199.0)
    };
    let old: Vec<&(Band, usize)> = bands.iter().filter(|(band, _)| over(band)).collect();
    let rows = old.iter().map(|(_, rows)| rows).sum();
    let terms = vec![term("the name of the column", said), term("the values are ages", AGREES)];
    let allowed = |remark| {
        let (item, rule, class) = (Some(Item::Dates), "C.age-allowed", Class::Clear);
        Some(Reading { item, rule, class, rows: 0, terms: terms.clone(), remark })
    };
    let whole = |band: &Band| !band.single && band.low == 90.0 && band.high.is_none_or(|high| high >= 99.0);
    match old.as_slice() {
        [] => allowed("nobody is older than 89"),
        [(one, _)] if whole(one) => allowed("ages from 90 are one group"),
        [_] => {
            let mut reading = Reading::weighed(Item::Dates, "C.age-top", Class::Review, rows, terms)?;
            reading.remark = "one age or range over 89: harmless if it stands for all of them";
            Some(reading)
        }
        _ => {
            let mut reading = Reading::weighed(Item::Dates, "C.age", Class::Conditional, rows, terms)?;
            reading.remark = "ages over 89 must become one group";
            Some(reading)
        }
    }
}

/// Whether the numbers of a column are years; a few that are none may stand for something missing.
pub(super) fn years(column: &Column<'_>) -> bool {
    let year =
        |text: &str| text.parse::<f64>().is_ok_and(|year| year.fract() == 0.0 && (1850.0..=2100.0).contains(&year));
    column.numbers.is_some() && mostly(column, 0.8, year)
}

/// Years of birth that show an age of 90 or more.
pub(super) fn birth_years(column: &Column<'_>, header: &Header, knowledge: &Knowledge<'_>) -> Option<Reading> {
    let born = header.says_any(&[Concept::BirthYear, Concept::BirthDate]);
    if born == 0.0 || !years(column) {
        return None;
    }
    let old = 1850.0..=(knowledge.year - 90) as f64;
    let is_old = |text: &str| text.trim().parse::<f64>().is_ok_and(|year| old.contains(&year));
    let rows: usize = column.values.iter().filter(|(text, _)| is_old(text)).map(|(_, rows)| rows).sum();
    let terms = vec![term("the name of the column", born), term("years", AGREES)];
    if rows == 0 {
        return Some(Reading {
            item: Some(Item::Dates),
            rule: "C.birth-year-allowed",
            class: Class::Clear,
            rows: 0,
            terms,
            remark: "years of birth of people below 90 may stay",
        });
    }
    let mut reading = Reading::weighed(Item::Dates, "C.birth-year", Class::Conditional, rows, terms)?;
    reading.remark = "years of birth that show an age of 90 or more";
    Some(reading)
}
