//! Free text: identifiers inside sentences.

use super::column::Column;
use super::decision::{CERTAIN, POSSIBLE, Reading, term};
use super::header::{Concept, Header};
use super::names::{in_prose, titled};
use super::{Class, Identifier, Item, kinds, temporal};

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

/// A column of sentences: prohibited where an identifier is found, to be read by somebody otherwise. Of other texts those are
/// searched that have a word beside something else, as `MRN 1234567`.
pub(super) fn reading(column: &Column<'_>, header: &Header) -> Option<Reading> {
    if column.numbers.is_some() {
        return None;
    }
    let prose = |text: &str| {
        text.split_whitespace().count() >= WORDS && text.chars().filter(|c| c.is_alphabetic()).count() >= 12
    };
    let share = column.share(prose);
    let named = header.says(Concept::Notes) > 0.0;
    let free = share > 0.0 && (named || share >= 0.3 && column.distinct >= 20);
    let mut found: Vec<Found> = Vec::new();
    for (text, rows) in column.values.iter().filter(|(text, _)| free && prose(text) || beside_word(text)).take(SEARCHED)
    {
        for item in items(text, free) {
            match found.iter_mut().find(|known| known.item == item) {
                Some(known) => (known.values, known.rows) = (known.values + 1, known.rows + rows),
                None => found.push(Found { item, values: 1, rows: *rows }),
            }
        }
    }
    // What no list allows comes first, then places, then dates.
    let harm = |item: Item| match item {
        Item::Dates => 0,
        Item::Geography => 1,
        _ => 2,
    };
    found.sort_by(|a, b| harm(b.item).cmp(&harm(a.item)).then(b.rows.cmp(&a.rows)).then(a.item.cmp(&b.item)));
    match found.first() {
        Some(worst) => {
            let odds = if free || worst.values >= 3 { CERTAIN } else { POSSIBLE };
            let class = if worst.item == Item::Dates { Class::Conditional } else { Class::Prohibited };
            let terms = vec![term("identifiers inside sentences", odds)];
            let rows = column.projected(worst.rows);
            let mut reading = Reading::weighed(worst.item, "R.free-text-identifiers", class, rows, terms)?;
            reading.remark =
                if free { "identifiers inside free text" } else { "identifiers beside words in some cells" };
            Some(reading)
        }
        None if free => Some(Reading {
            item: Some(Item::OtherCode),
            rule: "R.free-text",
            class: Class::Review,
            rows: column.rows,
            terms: vec![term("sentences", 3.0)],
            remark: "free text may name people; nothing was recognised",
        }),
        None => None,
    }
}

/// An item of the list inside texts: distinct values and rows that hold it.
struct Found {
    item: Item,
    values: usize,
    rows: usize,
}

/// Whether a word of letters stands beside something else, and the whole is no date.
fn beside_word(text: &str) -> bool {
    let text = text.trim();
    let word = text.split(|c: char| !c.is_alphabetic()).any(|word| word.chars().count() >= 2);
    word && text.contains([' ', ':', '=', '#']) && temporal::day_of(text).is_none() && !temporal::month_year(text)
}

/// The items of the list in a text. Outside of free text places are left to the forms of addresses, and machines and pages to
/// theirs.
fn items(text: &str, free: bool) -> Vec<Item> {
    let counts = |kind: &Identifier| free || kind.is_personal() && *kind != Identifier::Postcode;
    let mut items: Vec<Item> = kinds(text).into_iter().filter(counts).map(item).collect();
    if titled(text) || free && in_prose(text) {
        items.push(Item::Names);
    }
    items
}
