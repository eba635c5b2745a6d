//! Free text: identifiers inside sentences.

use super::column::Column;
use super::decision::{Reading, term};
use super::header::{Concept, Header};
use super::names::{in_prose, titled};
use super::{Class, Identifier, Item, kinds};

/// Least words of a value that is prose.
const WORDS: usize = 4;
/// Distinct values whose words are searched.
const SEARCHED: usize = 500;

/// The item of a kind of identifier in a text.
fn item(kind: Identifier) -> Item {
    match kind {
        Identifier::SocialSecurity => Item::SocialSecurity,
        Identifier::RecordNumber => Item::RecordNumber,
        Identifier::Provider => Item::Licence,
        Identifier::Telephone => Item::Telephone,
        Identifier::Email => Item::Email,
        Identifier::Date => Item::Dates,
        Identifier::Postcode => Item::Geography,
        Identifier::NetworkAddress => Item::NetworkAddress,
        Identifier::UserPath => Item::OtherCode,
        Identifier::Url => Item::Url,
    }
}

/// A column of sentences: prohibited where an identifier is found, to be read by somebody otherwise.
pub(super) fn reading(column: &Column<'_>, header: &Header) -> Option<Reading> {
    if column.numbers.is_some() {
        return None;
    }
    let prose = |text: &str| {
        text.split_whitespace().count() >= WORDS && text.chars().filter(|c| c.is_alphabetic()).count() >= 12
    };
    let share = column.share(prose);
    let named = header.says(Concept::Notes) > 0.0;
    let free = share >= 0.3 && (column.distinct >= 20 || named);
    if !free && !named || share == 0.0 {
        return None;
    }
    let mut rows_with: Vec<(Item, usize)> = Vec::new();
    let mut add = |item: Item, rows: usize| match rows_with.iter_mut().find(|(known, _)| *known == item) {
        Some((_, known)) => *known += rows,
        None => rows_with.push((item, rows)),
    };
    for (text, rows) in column.values.iter().filter(|(text, _)| prose(text)).take(SEARCHED) {
        for kind in kinds(text) {
            add(item(kind), *rows);
        }
        if titled(text) || in_prose(text) {
            add(Item::Names, *rows);
        }
    }
    rows_with.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    let worst = rows_with.iter().find(|(item, _)| *item != Item::Dates).or(rows_with.first()).copied();
    Some(match worst {
        Some((item, rows)) => Reading {
            item: Some(item),
            rule: "R.free-text-identifiers",
            class: if item == Item::Dates { Class::Conditional } else { Class::Prohibited },
            rows,
            terms: vec![term("identifiers inside sentences", 6.0)],
            remark: "identifiers inside free text",
        },
        None => Reading {
            item: Some(Item::OtherCode),
            rule: "R.free-text",
            class: Class::Review,
            rows: column.rows,
            terms: vec![term("sentences", 3.0)],
            remark: "free text may name people; nothing was recognised",
        },
    })
}
