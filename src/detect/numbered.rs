//! What identifies by a number or a code without a form of its own: told by its name, or by having one value for each person.

use super::column::{Column, Order};
use super::decision::{Reading, Term, term, uniqueness};
use super::header::{Concept, EXACT, Header};
use super::named::{AGREES, CONTRADICTS, by_name_alone, contradiction, is_measured};
use super::{Class, Item};

/// What identifies by a number of no known form, told by its name.
pub(super) fn numbered(column: &Column<'_>, header: &Header) -> Vec<Reading> {
    let kinds: [(Concept, Item, &'static str); 12] = [
        (Concept::Ssn, Item::SocialSecurity, "G.named"),
        (Concept::SsnEnd, Item::SocialSecurity, "G.last-four"),
        (Concept::Record, Item::RecordNumber, "H.named"),
        (Concept::Plan, Item::HealthPlan, "I.named"),
        (Concept::Account, Item::Account, "J.named"),
        (Concept::Licence, Item::Licence, "K.named"),
        (Concept::Vehicle, Item::Vehicle, "L.named"),
        (Concept::Plate, Item::Vehicle, "L.plate"),
        (Concept::Device, Item::Device, "M.named"),
        (Concept::Phone, Item::Telephone, "D.named"),
        (Concept::Fax, Item::Fax, "E.named"),
        (Concept::Ip, Item::NetworkAddress, "O.named"),
    ];
    let measured = is_measured(column, header);
    let mut found = Vec::new();
    for (concept, item, rule) in kinds {
        let said = header.says(concept);
        if said == 0.0 {
            continue;
        }
        if !measured && let Some(reading) = numbers_of_one(column, concept, (said, item, rule)) {
            found.push(reading);
            continue;
        }
        let terms = vec![
            term("the name of the column", said),
            term("the values look like codes", code_like(column, concept)),
            term("the name speaks of a count, a kind or a measurement", if measured { -4.0 } else { 0.0 }),
            row_numbers(column),
            uniqueness(column),
        ];
        found.extend(Reading::weighed(item, rule, Class::Prohibited, column.rows, terms));
    }
    found.extend(by_name_alone(column, header));
    found
}

/// Short numbers, such as those that count the rows, under a name that plainly says that they identify, each in one record only:
/// they identify nobody by themselves, but a list may lead from them to people.
fn numbers_of_one(
    column: &Column<'_>,
    concept: Concept,
    (said, item, rule): (f64, Item, &'static str),
) -> Option<Reading> {
    let identifies = matches!(
        concept,
        Concept::Ssn
            | Concept::Record
            | Concept::Plan
            | Concept::Account
            | Concept::Licence
            | Concept::Vehicle
            | Concept::Device
    );
    let number = |text: &str| text.bytes().any(|byte| byte.is_ascii_digit()) && !text.contains(char::is_whitespace);
    let whole = column.numbers.is_none_or(|numbers| numbers.whole && numbers.low >= 0.0);
    let one_each = column.distinct >= 5 && column.uniqueness() > 0.95;
    let short = column.order != Order::Free || code_like(column, concept) <= 0.0;
    if !(identifies && said >= EXACT && one_each && whole && short && column.share(number) >= 0.8) {
        return None;
    }
    let terms = vec![term("the name of the column", said)];
    let mut reading = Reading::weighed(item, rule, Class::Review, column.rows, terms)?;
    reading.remark = "short numbers, each in one record; look whether a list leads from them to people";
    Some(reading)
}

/// Codes have digits, and few people share one.
fn code_like(column: &Column<'_>, concept: Concept) -> f64 {
    if column.numbers.is_some_and(|numbers| !numbers.whole || numbers.low < 0.0) {
        return CONTRADICTS;
    }
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).count();
    let wanted = match concept {
        Concept::Phone | Concept::Fax => 7,
        Concept::SsnEnd => 4,
        Concept::Ssn => 6,
        Concept::Plate => 1,
        _ => 3,
    };
    let code = |text: &str| digits(text) >= wanted && text.len() <= 40 && text.matches(' ').count() <= 3;
    let four = |text: &str| {
        text.len() == 4 && digits(text) == 4 || text.len() <= 4 && text.bytes().all(|b| b.is_ascii_digit())
    };
    let fits = if concept == Concept::SsnEnd { column.share(four) } else { column.share(code) };
    match (fits >= 0.8, column.distinct) {
        (true, 20..) => AGREES,
        (true, 5..) => 0.0,
        (true, _) if column.rows < 20 => 0.0,
        _ if column.distinct >= 20 && column.uniqueness() > 0.95 => 0.0,
        _ => CONTRADICTS,
    }
}

fn row_numbers(column: &Column<'_>) -> Term {
    match column.order {
        Order::Free => term("", 0.0),
        Order::RowNumber | Order::DenseRange => term("the values count the rows", -3.0),
    }
}

/// Nearly every person has a value of their own, and the values look like codes.
pub(super) fn unique_codes(column: &Column<'_>, header: &Header) -> Option<Reading> {
    let said = header.says(Concept::Code);
    let unique = uniqueness(column);
    if unique.log_odds <= 0.0 {
        return None;
    }
    let shapes = column.shapes();
    let dominant = shapes.first()?;
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).count();
    let fixed = dominant.values as f64 >= 0.9 * column.values.len() as f64;
    let code = |text: &str| {
        // Nobody's measurement has seven digits; readings such as 120/80 and versions are no codes.
        let long = if column.numbers.is_some() && said == 0.0 { 7 } else { 5 };
        let plain = text.chars().all(|c| c.is_alphanumeric() || "-_:+=".contains(c));
        (long..=64).contains(&text.len()) && plain && digits(text) >= 3
    };
    let mixed = column.share(|text| text.contains(|c: char| c.is_ascii_alphabetic())) >= 0.9;
    let measured = column.numbers.is_some_and(|numbers| !numbers.whole || numbers.low < 0.0);
    let terms = vec![
        unique,
        term("the name of the column", said),
        term(
            "one shape covers nearly all values",
            if fixed && dominant.mask.len() >= 5 && column.share(code) >= 0.9 { 2.0 } else { 0.0 },
        ),
        term("the values look like codes", if column.share(code) >= 0.9 { 1.0 } else { -1.0 }),
        term("letters and digits", if mixed && column.share(code) >= 0.9 { 1.0 } else { 0.0 }),
        term("numbers with decimals or signs", if measured { -4.0 } else { 0.0 }),
        term("the name of the column speaks of something else", contradiction(column, header, Item::OtherCode)),
        row_numbers(column),
    ];
    let class = if said > 0.0 { Class::Prohibited } else { Class::Review };
    let mut reading = Reading::weighed(Item::OtherCode, "R.unique-code", class, column.rows, terms)?;
    reading.remark =
        "a code that was drawn at random for this data set may stay, 164.514(c): then accept it with the reason";
    Some(reading)
}
