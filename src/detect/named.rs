//! What a column is when its name says so and its values agree: names, places, ages, record numbers and other items without
//! a form of their own.

use super::column::{Column, Order};
use super::decision::{Knowledge, Reading, term, uniqueness};
use super::forms::{bare_zip, zip_prefix};
use super::header::{Concept, Header};
use super::names::{Part, names};
use super::numbered::{numbered, unique_codes};
use super::numbers::STATES;
use super::{Class, Item, ages, temporal};

/// What agreeing and contradicting values add to the name of a column.
pub(super) const AGREES: f64 = 2.0;
pub(super) const CONTRADICTS: f64 = -6.0;

const STATE_NAMES: &str = "alabama|alaska|arizona|arkansas|california|colorado|connecticut|delaware|district of columbia|florida|\
    georgia|hawaii|idaho|illinois|indiana|iowa|kansas|kentucky|louisiana|maine|maryland|massachusetts|michigan|minnesota|\
    mississippi|missouri|montana|nebraska|nevada|new hampshire|new jersey|new mexico|new york|north carolina|north dakota|\
    ohio|oklahoma|oregon|pennsylvania|puerto rico|rhode island|south carolina|south dakota|tennessee|texas|utah|vermont|\
    virginia|washington|west virginia|wisconsin|wyoming|guam";

fn is_state(text: &str) -> bool {
    let text = text.trim();
    STATES.split(' ').any(|state| state == text) || STATE_NAMES.split('|').any(|state| state == text.to_lowercase())
}

/// States are allowed, and so is a column that the name calls a state, country or region.
pub(super) fn allowed(column: &Column<'_>, header: &Header) -> Option<Reading> {
    let people = [Concept::GivenName, Concept::Surname, Concept::FullName, Concept::City, Concept::County];
    let states = column.numbers.is_none() && column.distinct >= 2 && column.share(is_state) >= 0.9;
    (states && header.says_any(&people) == 0.0).then(|| Reading {
        item: None,
        rule: "B.state-allowed",
        class: Class::Clear,
        rows: column.rows,
        terms: vec![term("the values are states", 10.0)],
        remark: "states may stay",
    })
}

/// What a name takes away that speaks of something else: a coding system, a count, a measurement.
pub(super) fn contradiction(column: &Column<'_>, header: &Header, item: Item) -> f64 {
    let coded = header.says(Concept::Coding) > 0.0 && item != Item::Dates;
    let measured =
        is_measured(column, header) && !matches!(item, Item::Dates | Item::Email | Item::Url | Item::SocialSecurity);
    if coded {
        -5.0
    } else if measured {
        -3.0
    } else {
        0.0
    }
}

/// Whether the name speaks of a count, a kind or a measurement, and nothing in the values contradicts it: the source or the
/// status of a record number, where the values are record numbers, is one.
pub(super) fn is_measured(column: &Column<'_>, header: &Header) -> bool {
    header.measured && !(header.of_a_kind && column.distinct >= 20 && has_code_shape(column))
}

/// One shape with five digits or more covers nearly all values.
fn has_code_shape(column: &Column<'_>) -> bool {
    column.shapes().first().is_some_and(|shape| {
        let digits = shape.mask.chars().filter(|c| *c == '9').count();
        digits >= 5
            && shape.values as f64 >= 0.9 * column.values.len() as f64
            && !shape.mask.contains(['.', ' ', ':', '/'])
    })
}

/// All readings that start from the name of the column or from a dictionary. `dated` says that the values have the form of dates.
pub(super) fn readings(column: &Column<'_>, header: &Header, knowledge: &Knowledge<'_>, dated: bool) -> Vec<Reading> {
    let mut found: Vec<Reading> = Vec::new();
    found.extend(personal_names(column, header));
    found.extend(places(column, header));
    found.extend(postcodes(column, header, knowledge));
    found.extend(dates(column, header, knowledge));
    found.extend(ages::ages(column, header));
    found.extend(numbered(column, header));
    let dated = dated || found.iter().any(|reading| reading.item == Some(Item::Dates));
    match unread_date(column, header) {
        Some(reading) if !dated => found.push(reading),
        Some(_) => {}
        None => found.extend(unique_codes(column, header)),
    }
    found.extend(rare_occupations(column, header));
    found
}

/// Values of letters.
fn wordy(column: &Column<'_>) -> f64 {
    let word = |text: &str| {
        let letters = text.chars().filter(|c| c.is_alphabetic()).count();
        letters >= 2 && letters * 10 >= text.chars().count() * 7 && !text.bytes().any(|b| b.is_ascii_digit())
    };
    if column.numbers.is_some() {
        return CONTRADICTS;
    }
    if column.share(word) >= 0.8 { AGREES } else { CONTRADICTS }
}

/// The dictionary: x of n distinct values known, against the share of ordinary words that are known by chance.
fn dictionary(column: &Column<'_>, known: impl Fn(&str) -> bool, genuine: f64, chance: f64, most: f64) -> f64 {
    let (share, n) = (column.share(known), column.values.len() as f64);
    let hits = share * n;
    if share < 0.3 || hits < 5.0 {
        return 0.0;
    }
    (hits * (genuine / chance).ln() + (n - hits) * ((1.0 - genuine) / (1.0 - chance)).ln()).clamp(0.0, most)
}

fn personal_names(column: &Column<'_>, header: &Header) -> Option<Reading> {
    let lists = names();
    let said = header.says_any(&[Concept::GivenName, Concept::Surname, Concept::FullName]);
    // A surgeon may be a number, a ward a name.
    let person = header.says(Concept::Person) / 2.0;
    let known = [
        dictionary(column, |text| lists.is_part(text, Part::Given), 0.7, 0.06, 7.0),
        dictionary(column, |text| lists.is_part(text, Part::Surname), 0.6, 0.12, 4.0),
        dictionary(column, |text| lists.is_full(text), 0.6, 0.005, 9.0),
    ];
    let best = known.into_iter().fold(0.0, f64::max);
    if said + person + best == 0.0 {
        return None;
    }
    // Words that are no names at all: a label of a category.
    let few = if column.distinct < 10 && column.rows >= 100 { -4.0 } else { 0.0 };
    let other =
        if header.says_any(&[Concept::City, Concept::County, Concept::State, Concept::Coding]) > 0.0 && said == 0.0 {
            -4.0
        } else {
            0.0
        };
    let terms = vec![
        term("the name of the column", said.max(person)),
        term("the values are words", wordy(column).min(if said > 0.0 { AGREES } else { 0.0 })),
        term("the values are known names", best),
        term("few different values", few),
        term("the name of the column speaks of something else", other),
        uniqueness(column),
    ];
    Reading::weighed(Item::Names, "A.names", Class::Prohibited, column.rows, terms)
}

fn places(column: &Column<'_>, header: &Header) -> Vec<Reading> {
    let mut found = Vec::new();
    let weigh = |rule, said: f64, fits: f64, found: &mut Vec<Reading>| {
        let measured = if header.measured { -4.0 } else { 0.0 };
        if said > 0.0 {
            let terms = vec![
                term("the name of the column", said),
                term("the values agree with it", fits),
                term("the name speaks of a count, a kind or a measurement", measured),
            ];
            found.extend(Reading::weighed(Item::Geography, rule, Class::Prohibited, column.rows, terms));
        }
    };
    let words = wordy(column);
    let mixed = if column.numbers.is_none() { AGREES } else { CONTRADICTS };
    let machine = header.says_any(&[Concept::Ip, Concept::Email, Concept::Url, Concept::Device]) > 0.0;
    if !machine {
        weigh("B.street", header.says(Concept::Street), mixed, &mut found);
    }
    weigh("B.city", header.says(Concept::City), words, &mut found);
    weigh("B.county", header.says(Concept::County), words, &mut found);
    let lengths = |text: &str| {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        digits && matches!(text.len(), 4 | 5 | 10 | 11 | 12 | 14 | 15)
    };
    let census = if column.share(lengths) >= 0.9 { AGREES } else { CONTRADICTS };
    let state = header.tokens.iter().any(|token| token == "state");
    if !state {
        weigh("B.census-area", header.says(Concept::Census), census, &mut found);
    }
    let hash = |text: &str| {
        (5..=12).contains(&text.len())
            && text.bytes().all(|b| b"0123456789bcdefghjkmnpqrstuvwxyz".contains(&b))
            && text.bytes().any(|b| b.is_ascii_digit())
    };
    let geohash =
        if column.share(hash) >= 0.9 || column.share(|text| text.contains(',')) >= 0.9 { AGREES } else { CONTRADICTS };
    weigh("B.geohash", header.says(Concept::Geohash), geohash, &mut found);
    for (concept, most) in [(Concept::Latitude, 90.0), (Concept::Longitude, 180.0)] {
        let exact = |text: &str| text.rsplit_once('.').is_some_and(|(_, decimals)| decimals.len() > 1);
        let within =
            column.numbers.is_some_and(|numbers| numbers.low >= -most && numbers.high <= most && !numbers.whole);
        let fits = match (within, column.share(exact) > 0.3) {
            (true, true) => AGREES + 1.0,
            (true, false) => -1.0,
            (false, _) => CONTRADICTS,
        };
        weigh("B.coordinate", header.says(concept), fits, &mut found);
    }
    found
}

/// Postcodes: by name, or by a distribution that is that of the population.
fn postcodes(column: &Column<'_>, header: &Header, knowledge: &Knowledge<'_>) -> Option<Reading> {
    let said = header.says(Concept::Zip);
    if column.numbers.is_some_and(|numbers| !numbers.whole) {
        return None;
    }
    let prefixes: Vec<(Option<String>, usize, usize)> = column
        .values
        .iter()
        .map(|(text, rows)| (zip_prefix(text.trim(), knowledge.zip3), *rows, bare_zip(text).len()))
        .collect();
    let fitting = prefixes.iter().filter(|(prefix, ..)| prefix.is_some()).count();
    if said == 0.0 {
        return by_population(column, header, &prefixes, knowledge);
    }
    if (fitting as f64) < 0.7 * prefixes.len() as f64 {
        return None;
    }
    // A number of up to three digits, or five with stars: three digits of a postcode.
    let short = |text: &str| bare_zip(text).len() <= 3;
    let three = column.share(short) >= 0.9;
    let (small, whole) = (few_behind(&prefixes, knowledge), long_among(&prefixes, knowledge));
    let terms = vec![term("the name of the column", said), term("the values are postcodes in use", AGREES)];
    if three && small == 0 && whole == 0 {
        return Some(Reading {
            item: Some(Item::Geography),
            rule: "B.zip3-allowed",
            class: Class::Clear,
            rows: 0,
            terms,
            remark: "three digits, each prefix with more than 20,000 people",
        });
    }
    let (rule, rows) = match (three, whole) {
        (true, 0) => ("B.zip3", small),
        (true, _) => ("B.zip5", small + whole),
        _ => ("B.zip5", column.rows),
    };
    let mut reading = Reading::weighed(Item::Geography, rule, Class::Conditional, rows, terms)?;
    reading.remark = if three && whole > 0 {
        "some of the postcodes have more than three digits"
    } else if three {
        "prefixes with 20,000 people or fewer must become 000"
    } else {
        "the first three digits may stay where more than 20,000 people live"
    };
    Some(reading)
}

/// Postcodes of a column: the three digits, the rows and the length of each.
type Prefixes = [(Option<String>, usize, usize)];

/// Rows whose three digits have few people behind them or none.
fn few_behind(prefixes: &Prefixes, knowledge: &Knowledge<'_>) -> usize {
    let small = |prefix: &String| prefix != "000" && knowledge.zip3.is_small(prefix);
    prefixes.iter().filter(|(prefix, ..)| prefix.as_ref().is_none_or(small)).map(|(_, rows, _)| rows).sum()
}

/// Rows of the others that have more than three digits.
fn long_among(prefixes: &Prefixes, knowledge: &Knowledge<'_>) -> usize {
    let large = |prefix: &String| prefix == "000" || !knowledge.zip3.is_small(prefix);
    let long = prefixes.iter().filter(|(prefix, _, len)| *len > 3 && prefix.as_ref().is_some_and(large));
    long.map(|(_, rows, _)| rows).sum()
}

/// Five digits that are spread like people over the country.
fn by_population(
    column: &Column<'_>,
    header: &Header,
    prefixes: &Prefixes,
    knowledge: &Knowledge<'_>,
) -> Option<Reading> {
    let five = prefixes.iter().all(|(_, _, len)| *len == 5);
    if !header.is_silent() || !five || prefixes.len() < 30 || column.order != Order::Free {
        return None;
    }
    let ratio = |prefix: &Option<String>| knowledge.zip3.log_ratio(prefix.as_deref().unwrap_or("000"));
    let odds: f64 = prefixes.iter().map(|(prefix, ..)| ratio(prefix)).sum::<Option<f64>>()?;
    let terms = vec![term("five digits, spread like the population", odds.clamp(-10.0, 4.0))];
    let mut reading = Reading::weighed(Item::Geography, "B.zip5", Class::Conditional, column.rows, terms)?;
    reading.remark = "the name of the column does not say so";
    Some(reading)
}

fn dates(column: &Column<'_>, header: &Header, knowledge: &Knowledge<'_>) -> Option<Reading> {
    let said = header.says_any(&[Concept::Date, Concept::BirthDate]);
    let born = header.says_any(&[Concept::BirthYear, Concept::BirthDate]);
    let numbers = column.numbers?;
    let (low, high) = (numbers.low, numbers.high);
    let years = ages::years(column);
    if born > 0.0 && years {
        return ages::birth_years(column, header, knowledge);
    }
    if header.says(Concept::DatePart) > 0.0
        && numbers.whole
        && low >= 0.0
        && high <= 53.0
        && column.distinct > 2
        && !header.measured
    {
        let terms = vec![term("the name of the column", header.says(Concept::DatePart))];
        return Reading::weighed(Item::Dates, "C.part-of-year", Class::Review, column.rows, terms);
    }
    if said == 0.0 || years {
        return None;
    }
    let serial = low >= 10_000.0 && high <= 60_000.0;
    let seconds = low >= 1e8 && high <= 4.2e9;
    let milliseconds = low >= 1e11 && high <= 4.2e12 || low >= 1e14 && high <= 4.2e15 || low >= 1e17 && high <= 4.2e18;
    let fits = if serial || seconds || milliseconds { AGREES } else { CONTRADICTS };
    let rule = if serial { "C.date-serial" } else { "C.date-epoch" };
    let measured = if header.measured { -3.0 } else { 0.0 };
    let terms = vec![
        term("the name of the column", said),
        term("numbers that count days or seconds", fits),
        term("the name speaks of a count, a kind or a measurement", measured),
    ];
    Reading::weighed(Item::Dates, rule, Class::Conditional, column.rows, terms)
}

/// The name speaks of a date, the values hold digits and are neither years nor times of day.
pub(super) fn unread_date(column: &Column<'_>, header: &Header) -> Option<Reading> {
    let said = header.says_any(&[Concept::Date, Concept::BirthDate]);
    let token = |words: &[&str]| header.tokens.iter().any(|token| words.contains(&token.as_str()));
    // The weight at birth, the order of births.
    let of_birth = token(&["birth"]) && header.tokens.len() > 1 && !token(&["date", "dt", "day", "time"]);
    let digits = |text: &str| text.bytes().any(|byte| byte.is_ascii_digit());
    let told = said >= 4.0 && !of_birth && !header.measured && column.distinct > 2;
    if !told || column.share(digits) < 0.5 || ages::years(column) || column.share(temporal::clock) >= 0.9 {
        return None;
    }
    let terms = vec![term("the name of the column", said)];
    let mut reading = Reading::weighed(Item::Dates, "C.date-unread", Class::Review, column.rows, terms)?;
    reading.remark = "the name speaks of a date; the values hold digits in a form that is not known";
    Some(reading)
}

/// Pictures, fingerprints and links that have no form but a telling name.
pub(super) fn by_name_alone(column: &Column<'_>, header: &Header) -> Vec<Reading> {
    let long = |text: &str| text.len() >= 8 && !text.contains(' ');
    let stuff = if column.numbers.is_none() && column.share(long) >= 0.8 && column.distinct >= 5 {
        AGREES
    } else {
        CONTRADICTS
    };
    let measured = if header.measured { -4.0 } else { 0.0 };
    let kinds = [
        (Concept::Biometric, Item::Biometric, "P.named"),
        (Concept::Photo, Item::Photograph, "Q.named"),
        (Concept::Url, Item::Url, "N.named"),
        (Concept::Email, Item::Email, "F.named"),
    ];
    let reading = |(concept, item, rule): (Concept, Item, &'static str)| {
        let said = header.says(concept);
        let terms = vec![
            term("the name of the column", said),
            term("the values agree with it", stuff),
            term("the name speaks of a count, a kind or a measurement", measured),
        ];
        if said > 0.0 { Reading::weighed(item, rule, Class::Prohibited, column.rows, terms) } else { None }
    };
    kinds.into_iter().filter_map(reading).collect()
}

/// Occupations and employers that one to ten people have may point to a person.
fn rare_occupations(column: &Column<'_>, header: &Header) -> Option<Reading> {
    let said = header.says(Concept::Occupation);
    let rare: usize = column.values.iter().filter(|(_, rows)| *rows == 1).map(|(_, rows)| rows).sum();
    if said < 4.0 || column.numbers.is_some() || rare == 0 {
        return None;
    }
    let terms = vec![term("the name of the column", said)];
    let mut reading = Reading::weighed(Item::OtherCode, "R.rare-occupation", Class::Review, rare, terms)?;
    reading.remark = "an occupation that only one person has may point to that person";
    Some(reading)
}
