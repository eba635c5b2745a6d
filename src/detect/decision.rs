//! What a column is: terms of evidence, added as log odds.
//!
//! A validator that a share p of random texts passes adds `x ln(q/p) + (n - x) ln((1-q)/(1-p))` for x of n distinct values
//! (q = 0.95), at most ten. Thresholds and weights are stated as constants; they were chosen on the tuning half of
//! `benches/identifiers.py` and measured on the other.

use super::column::{Column, Order};
use super::forms::{FORMS, Form};
use super::header::{Concept, Header};
use super::named;
use super::prose;
use super::street::holds_street;
use super::{Class, Item, Mode, Zip3, temporal};

/// Log odds from which a column is what it seems, and from which somebody should look.
pub(super) const CERTAIN: f64 = 6.0;
pub(super) const POSSIBLE: f64 = 3.0;
/// The pass rate of a column that is what it seems: cells are mistyped.
const GENUINE: f64 = 0.95;
/// Least share of distinct values with the shape of a form.
const FITTING: f64 = 0.6;

/// One term of a decision.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    /// What was seen.
    pub what: &'static str,
    /// What it adds, in natural logarithms of odds.
    pub log_odds: f64,
}

/// What a column seems to be.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reading {
    /// Item of the list; nothing where the column is allowed by name.
    pub(super) item: Option<Item>,
    /// Letter and form.
    pub(super) rule: &'static str,
    /// What becomes of it.
    pub(super) class: Class,
    /// Rows that the rule speaks of.
    pub(super) rows: usize,
    /// The evidence.
    pub(super) terms: Vec<Term>,
    /// A sentence more where the rule alone does not say enough.
    pub(super) remark: &'static str,
}

impl Reading {
    /// The sum of the terms.
    pub(super) fn log_odds(&self) -> f64 {
        self.terms.iter().map(|term| term.log_odds).sum()
    }

    /// A reading whose class follows from its terms; nothing where they are too weak.
    pub(super) fn weighed(item: Item, rule: &'static str, class: Class, rows: usize, terms: Vec<Term>) -> Option<Self> {
        let terms: Vec<Term> = terms.into_iter().filter(|term| term.log_odds != 0.0).collect();
        let mut reading = Self { item: Some(item), rule, class, rows, terms, remark: "" };
        match reading.log_odds() {
            odds if odds >= CERTAIN => {}
            odds if odds >= POSSIBLE => reading.class = class.min(Class::Review),
            _ => return None,
        }
        Some(reading)
    }

    /// The reading under a list that allows more.
    pub(super) fn under(mut self, mode: Mode) -> Self {
        if mode == Mode::SafeHarbor {
            return self;
        }
        let begins = |rules: &[&str]| rules.iter().any(|rule| self.rule.starts_with(rule));
        let exact = begins(&["B.street"]);
        if self.item == Some(Item::Dates) && begins(&["R.free-text"]) {
            self.class = Class::Review;
            self.remark = "dates may stay in a limited data set; somebody has to read the rest of the text";
            return self;
        }
        let allowed = match self.item {
            Some(Item::Dates) => true,
            Some(Item::Geography) => !exact && begins(&["B.zip", "B.city", "B.postcode"]),
            Some(Item::OtherCode) => !begins(&["R.free-text"]),
            _ => false,
        };
        if allowed {
            self.class = Class::Clear;
            self.remark = "allowed in a limited data set";
        } else if self.item == Some(Item::Geography) && !exact {
            self.class = self.class.min(Class::Review);
        }
        self
    }
}

pub(super) fn term(what: &'static str, log_odds: f64) -> Term {
    Term { what, log_odds }
}

/// What the uniqueness of values adds: nothing to learn from few rows.
pub(super) fn uniqueness(column: &Column<'_>) -> Term {
    let many = column.distinct >= 20;
    match column.uniqueness() {
        unique if unique > 0.95 && many => term("nearly every person has a value of their own", 1.0),
        unique if unique < 0.01 && column.distinct < 1000 && column.rows >= 1000 => {
            term("many people share each value", -2.0)
        }
        _ => term("", 0.0),
    }
}

/// What knowledge a decision draws on.
pub(super) struct Knowledge<'k> {
    pub(super) zip3: &'k Zip3,
    /// The year by which ages are counted.
    pub(super) year: i64,
}

/// The reading of a column by itself: the most harmful of those that hold, of these the one with most evidence.
pub(super) fn decide(column: &Column<'_>, header: &Header, knowledge: &Knowledge<'_>, mode: Mode) -> Option<Reading> {
    if column.distinct == 0 {
        return None;
    }
    let mut readings: Vec<Reading> = FORMS.iter().filter_map(|form| scattered(form, column)).collect();
    if let Some(allowed) = named::allowed(column, header) {
        readings.push(allowed);
    } else {
        readings.extend(FORMS.iter().filter_map(|form| by_form(form, column, header)));
        if readings.iter().all(|reading| reading.item != Some(Item::Dates)) {
            readings.extend(dates_together(column, header));
        }
        let dated = readings.iter().any(|reading| reading.item == Some(Item::Dates));
        readings.extend(named::readings(column, header, knowledge, dated));
    }
    readings.extend(prose::reading(column, header));
    let mut readings: Vec<Reading> = readings.into_iter().map(|reading| reading.under(mode)).collect();
    readings.sort_by(|a, b| {
        b.class.cmp(&a.class).then(b.log_odds().total_cmp(&a.log_odds())).then_with(|| a.rule.cmp(b.rule))
    });
    readings.into_iter().next()
}

/// Most of the values have the form.
fn by_form(form: &Form, column: &Column<'_>, header: &Header) -> Option<Reading> {
    let (mut shaped, mut valid, mut rows) = (0_usize, 0_usize, 0);
    for (text, held) in &column.values {
        let text = plain(text);
        if (form.shape)(text) {
            shaped += 1;
            if (form.valid)(text) {
                valid += 1;
                rows += held;
            }
        }
    }
    let total = column.values.len();
    if valid == 0 || (shaped as f64) < FITTING * total as f64 || (valid as f64) < FITTING * shaped as f64 {
        return None;
    }
    let said = header.says_any(form.concepts);
    let validator = bayes(valid, shaped, form.chance).clamp(-CAPPED, form.most);
    let other = if said == 0.0 { named::contradiction(column, header, form.item) } else { 0.0 };
    let class = if said > 0.0 { form.told } else { form.class };
    let mut terms = vec![
        term("the name of the column", said),
        term("the form of the values", form.telling),
        term("the check digit or the structure of the values", validator),
        term("the name of the column speaks of something else", other),
    ];
    if form.telling < 4.0 && form.item != Item::Dates {
        terms.push(uniqueness(column));
    }
    if column.order != Order::Free {
        terms.push(term("the values count the rows", -3.0));
    }
    let item = if form.item == Item::Telephone && header.says(Concept::Fax) > 0.0 { Item::Fax } else { form.item };
    let mut reading = Reading::weighed(item, rule(form, column), class, column.projected(rows), terms)?;
    if form.rule == "K.npi" {
        reading.remark = "a provider's number; it identifies the provider";
    }
    Some(reading)
}

/// A value without the spaces around it and the apostrophe by which spreadsheets mark a text.
fn plain(text: &str) -> &str {
    let text = text.trim();
    text.strip_prefix('\'').unwrap_or(text)
}

/// The rule of a form; of town, state and postcode that of streets where one stands before them.
fn rule(form: &Form, column: &Column<'_>) -> &'static str {
    let exact = form.rule == "B.city-state-zip" && column.share(holds_street) > 0.0;
    if exact { "B.street" } else { form.rule }
}

/// Dates of which no single form is that of most values.
fn dates_together(column: &Column<'_>, header: &Header) -> Option<Reading> {
    if column.numbers.is_some() {
        return None;
    }
    let day = |text: &str| temporal::day_of(plain(text)).is_some();
    let held: Vec<usize> = column.values.iter().filter(|(text, _)| day(text)).map(|(_, rows)| *rows).collect();
    let (valid, total) = (held.len(), column.values.len());
    if (valid as f64) < FITTING * total as f64 || valid == 0 {
        return None;
    }
    let said = header.says_any(&[Concept::Date, Concept::BirthDate]);
    let terms = vec![
        term("the name of the column", said),
        term("the form of the values", 2.0),
        term("the check digit or the structure of the values", bayes(valid, total, 0.09).clamp(-CAPPED, CAPPED)),
    ];
    let rows = column.projected(held.iter().sum());
    let mut reading = Reading::weighed(Item::Dates, "C.date", Class::Conditional, rows, terms)?;
    reading.remark = "dates in several forms";
    Some(reading)
}

/// The most that a validator may take away.
const CAPPED: f64 = 10.0;

/// The log Bayes factor of x passes among n against a pass rate by chance.
fn bayes(passes: usize, of: usize, chance: f64) -> f64 {
    let genuine = GENUINE.max(chance + (1.0 - chance) * 0.9);
    passes as f64 * (genuine / chance).ln() + (of - passes) as f64 * ((1.0 - genuine) / (1.0 - chance)).ln()
}

/// Some values of a column that is something else have a form that hardly happens by chance.
fn scattered(form: &Form, column: &Column<'_>) -> Option<Reading> {
    let strong =
        ["F.email", "G.ssn-dashed", "I.mbi", "D.telephone", "N.url", "R.uuid", "M.mac", "B.city-state-zip", "J.iban"];
    if !(form.is_strong() || strong.contains(&form.rule)) || column.numbers.is_some() {
        return None;
    }
    let hits: Vec<usize> = column
        .values
        .iter()
        .filter(|(text, _)| (form.shape)(plain(text)) && (form.valid)(plain(text)))
        .map(|(_, rows)| *rows)
        .collect();
    let by_chance = if form.telling == 0.0 { 3.0 * form.chance * column.values.len() as f64 } else { 0.0 };
    if hits.is_empty() || hits.len() as f64 <= by_chance || hits.len() as f64 >= FITTING * column.values.len() as f64 {
        return None;
    }
    let odds = if hits.len() >= 3 { CERTAIN } else { POSSIBLE };
    let terms = vec![term("some values have a form that hardly happens by chance", odds)];
    let rows = column.projected(hits.iter().sum());
    let mut reading = Reading::weighed(form.item, rule(form, column), form.class, rows, terms)?;
    reading.remark = "in some of the cells only";
    Some(reading)
}
