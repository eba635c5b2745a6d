//! # What it measures
//! Strings in the model file that identify people: identifiers by their form, values of the columns that are declared as
//! identifiers, and categories that fewer than eleven training records' owners have.
//!
//! # Who could do this
//! Anybody who has a copy of the file and a program that shows it; `strings` is enough.
//!
//! # How
//! Every string is read: categories, vocabularies and label maps of encoders, metadata of the model, its graphs, nodes, tensors
//! and functions, doc strings, producer fields, names, paths of external files. Each is searched for social security, record,
//! provider and telephone numbers, e-mail addresses, dates finer than a year, postcodes, and for every value of the
//! identifier and patient columns. Web and network addresses and paths with a user's name are listed and not counted: they
//! speak of whoever made the file. So are dates outside of categories. A category is rare when one to ten people among the
//! members have it, in the column where most have it. Categories that an encoder keeps as numbers are those of the column that
//! holds the same values, nine in ten at least.
//!
//! # Reading the number
//! The number of distinct strings of the file. One identifier is enough to make the file personal data. A rare category says
//! that somebody with it was in the training data; together with what else is known, that may point to a person.
//!
//! # When it misleads
//! Forms are guesses: a part number may look like a telephone number, and names of people have no form at all; declare name
//! columns under `[columns] identifiers`, and they are recognised. Numbers that were given out in place of texts
//! before the model are not recognised as categories. Strings in a language of their own, or hashed, are not recognised.
//!
//! # Cost
//! In proportion to the text of the file; no question to the model.
//!
//! # References
//! 45 CFR 164.514(b)(2), the identifiers of the Safe Harbor method; Centers for Medicare and Medicaid Services, cell size
//! suppression policy; ISO/IEC 7812-1 for the check digit of providers.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{counted, items};
use crate::check::{Check, CheckError, CheckMeta, Need, Output, Subject, records};
use crate::data::{Cells, Features, Role, Split, Table as Records};
use crate::detect::{Dictionary, Identifier, kinds};
use crate::finding::{Count, Evidence, Family, Finding, SMALLEST_SHOWN, Severity, Table, Unit, partition};
use crate::model::contents::{Contents, Stand, StoredString, TextKind};
use crate::watch::Watch;

pub(in crate::check) static META: CheckMeta = CheckMeta {
    id: "disclosure/stored-strings",
    title: "Identifiers and rare values in the file's strings",
    family: Family::Disclosure,
    measures: &[IDENTIFIERS, RARE],
    source: include_str!("stored_strings.rs"),
};

/// Distinct strings that hold an identifier.
const IDENTIFIERS: &str = "disclosure/identifier-strings";
/// Distinct categories that fewer than eleven people have.
const RARE: &str = "disclosure/rare-strings";
/// Name of what a dictionary finds.
const KNOWN: &str = "values of identifier columns";

/// The check. It has no settings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredStrings {}

impl Check for StoredStrings {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::File]
    }

    fn run(&self, subject: &Subject<'_>, _watch: &dyn Watch) -> Result<Output, CheckError> {
        let Some(file) = subject.file else { return Ok(Output::default()) };
        let strings = file.contents.strings();
        let dictionary = subject.split.map(dictionary).unwrap_or_default();
        let mut findings = vec![identifiers(&file.contents, &strings, &dictionary)];
        findings.extend(subject.split.and_then(|split| rare(&file.contents, &strings, split)));
        Ok(findings.into())
    }
}

/// The values of the columns that identify, of members and hold-out alike.
fn dictionary(split: &Split) -> Dictionary {
    let mut values: BTreeSet<String> = BTreeSet::new();
    for records in [&split.members, &split.nonmembers] {
        let columns = records.table().into_iter().flat_map(crate::data::Table::columns);
        for column in columns {
            let identifies = |role: &Role| matches!(role, Role::Identifier | Role::Patient);
            if split.schema.roles(&column.name).iter().any(identifies) {
                values.extend((0..column.cells.len()).filter_map(|row| column.cells.text(row)));
            }
        }
    }
    Dictionary::of(values.iter().map(String::as_str))
}

/// What was found where: distinct texts by kind and by what they are for.
#[derive(Default)]
struct Finds<'c> {
    found: BTreeMap<(&'static str, TextKind), BTreeSet<&'c str>>,
    places: BTreeMap<(&'static str, TextKind), BTreeSet<String>>,
    counted: BTreeSet<&'c str>,
}

impl<'c> Finds<'c> {
    fn add(&mut self, kind: &'static str, string: &'c StoredString<'_>, counts: bool) {
        let key = (kind, string.kind);
        self.found.entry(key).or_default().insert(&string.text);
        self.places.entry(key).or_default().insert(string.place.to_string());
        if counts {
            self.counted.insert(&string.text);
        }
    }
}

/// Whether a kind of identifier in a string of this kind speaks of a person in the data.
fn personal(kind: Identifier, of: TextKind) -> bool {
    let dated = matches!(of, TextKind::Category) || kind != Identifier::Date;
    kind.is_personal() && dated && of != TextKind::Producer && of != TextKind::Setting
}

fn identifiers(contents: &Contents, strings: &[StoredString<'_>], dictionary: &Dictionary) -> Finding {
    let coded = coded(contents);
    let mut finds = Finds::default();
    for string in strings {
        for kind in kinds(&string.text) {
            finds.add(kind.words(), string, personal(kind, string.kind));
        }
    }
    for string in strings.iter().chain(&coded) {
        if !dictionary.is_empty() && dictionary.found_in(&string.text).next().is_some() {
            finds.add(KNOWN, string, true);
        }
    }
    let count = finds.counted.len();
    let mut finding = counted(META.id, IDENTIFIERS, Unit::Items, items(count, strings.len() + coded.len()));
    finding.sentence = match count {
        0 => "No string of the model file was recognised as an identifier of a person.".to_owned(),
        _ => format!("{} strings of the model file hold identifiers of people.", Count::of(count)),
    };
    finding.severity = if count == 0 { Severity::VeryLow } else { Severity::VeryHigh };
    let row = |((kind, of), texts): (&(&'static str, TextKind), &BTreeSet<&str>)| {
        let places = &finds.places[&(*kind, *of)];
        let mut shown: Vec<&str> = places.iter().take(3).map(String::as_str).collect();
        if places.len() > 3 {
            shown.push("and elsewhere");
        }
        let counts = texts.iter().any(|text| finds.counted.contains(text));
        let counted = if counts { "yes" } else { "no" }.to_owned();
        vec![(*kind).to_owned(), of.words().to_owned(), shown.join("; "), Count::of(texts.len()).to_string(), counted]
    };
    let rows: Vec<Vec<String>> = finds.found.iter().map(row).collect();
    if !rows.is_empty() {
        let columns = ["what", "in", "where", "strings", "counted"];
        finding.evidence.push(Evidence::Table(Table {
            caption: "Strings of the file by what they hold; the strings themselves are not shown".to_owned(),
            columns: columns.map(str::to_owned).to_vec(),
            rows,
        }));
    }
    finding.limits.push(
        "Names of people have no form; they are recognised only where a column that holds them is declared under \
         `[columns] identifiers`."
            .to_owned(),
    );
    finding
}

/// Whole numbers of five digits and more that encoders keep as categories.
fn coded(contents: &Contents) -> Vec<StoredString<'static>> {
    const KEYS: [&str; 4] = ["cats_int64s", "keys_int64s", "pool_int64s", "int64_vocabulary"];
    const FIVE_DIGITS: f64 = 10_000.0;
    let mut found = Vec::new();
    for array in contents.arrays() {
        let holds = |stand: &Stand| match stand {
            Stand::Node { attribute: Some(attribute), .. } => KEYS.contains(&attribute.as_str()),
            _ => false,
        };
        if let (true, Ok(numbers)) = (holds(&array.place.stand), array.numbers()) {
            let long = numbers.values.into_iter().filter(|value| value.abs() >= FIVE_DIGITS);
            found.extend(long.map(|value| StoredString {
                place: array.place.clone(),
                kind: TextKind::Category,
                text: format!("{value:.0}").into(),
            }));
        }
    }
    found
}

/// A value with the number of different people who have it, by column.
type Held<'c> = BTreeMap<&'c str, Vec<(f64, usize)>>;

/// The values of the feature columns of numbers that hold no more than [`MOST_CODES`] of them.
fn held_numbers<'t>(table: &'t Records, split: &Split, people: &[u32]) -> Held<'t> {
    let mut held = Held::new();
    for column in table.columns().iter().filter(|column| split.schema.is_feature(&column.name)) {
        let Some(cells) = column.cells.numbers() else { continue };
        let mut pairs: Vec<(f64, u32)> =
            cells.into_iter().zip(people.iter().copied()).filter(|(cell, _)| cell.is_finite()).collect();
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        pairs.dedup();
        let values: Vec<(f64, usize)> = pairs.chunk_by(|a, b| a.0 == b.0).map(|same| (same[0].0, same.len())).collect();
        if values.len() <= MOST_CODES {
            held.insert(&column.name, values);
        }
    }
    held
}

/// Most different numbers of a column that is taken for one of categories, and of an encoder of categories.
const MOST_CODES: usize = 10_000;
/// How much of the values of an encoder and of a column must be the same for the one to be taken for the other's.
const SAME_VALUES: f64 = 0.9;

/// How many people have each of the categories that encoders keep as numbers, with its column: the one whose values are those of the
/// encoder. Of several such columns the one with the fewest rare values speaks, so that a list of small numbers that any column
/// has accuses none.
fn held_codes<'t>(contents: &Contents, held: &Held<'t>) -> Vec<(usize, &'t str)> {
    const KEYS: [&str; 3] = ["cats_int64s", "keys_int64s", "keys_floats"];
    let mut found: BTreeMap<(&'t str, u64), usize> = BTreeMap::new();
    for array in contents.arrays() {
        let holds = matches!(
            &array.place.stand,
            Stand::Node { attribute: Some(attribute), .. } if KEYS.contains(&attribute.as_str())
        );
        let (true, Ok(numbers)) =
            (holds && array.len().is_some_and(|len| (2..=MOST_CODES).contains(&len)), array.numbers())
        else {
            continue;
        };
        let mut keys = numbers.values;
        keys.sort_by(f64::total_cmp);
        keys.dedup();
        let known = |value: f64| keys.binary_search_by(|key| key.total_cmp(&(value + 0.0))).is_ok();
        let shared = |values: &[(f64, usize)]| values.iter().filter(|(value, _)| known(*value)).copied().collect();
        let of_column = |(name, values): (&&'t str, &Vec<(f64, usize)>)| {
            let shared: Vec<(f64, usize)> = shared(values);
            let all = keys.len() + values.len() - shared.len();
            (shared.len() as f64 >= SAME_VALUES * all as f64).then_some((*name, shared))
        };
        let rare = |(_, shared): &(&str, Vec<(f64, usize)>)| {
            shared.iter().filter(|(_, people)| *people < SMALLEST_SHOWN).count()
        };
        if let Some((name, shared)) = held.iter().filter_map(of_column).min_by_key(rare) {
            found.extend(shared.into_iter().map(|(value, people)| ((name, value.to_bits()), people)));
        }
    }
    found.into_iter().map(|((name, _), people)| (people, name)).collect()
}

/// Categories of the file that one to ten people among the members have.
fn rare(contents: &Contents, strings: &[StoredString<'_>], split: &Split) -> Option<Finding> {
    let Features::Table(table) = &split.members.features else { return None };
    let people = records::patients(split).0;
    // For each text the column where most people have it, and how many.
    let mut held: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
    for column in table.columns().iter().filter(|column| split.schema.is_feature(&column.name)) {
        let Cells::Text { codes, dictionary } = &column.cells else { continue };
        let mut pairs: Vec<(u32, u32)> = codes.iter().copied().zip(people.iter().copied()).collect();
        pairs.sort_unstable();
        pairs.dedup();
        for same in pairs.chunk_by(|a, b| a.0 == b.0) {
            let Some(text) = dictionary.get(same[0].0 as usize) else { continue };
            let most = held.entry(text).or_insert((0, ""));
            if same.len() > most.0 {
                *most = (same.len(), &column.name);
            }
        }
    }
    let categories: BTreeSet<&str> =
        strings.iter().filter(|string| string.kind == TextKind::Category).map(|string| string.text.as_ref()).collect();
    let mut known: Vec<(usize, &str)> = categories.iter().filter_map(|text| held.get(text)).copied().collect();
    let codes = held_codes(contents, &held_numbers(table, split, &people));
    let total = categories.len() + codes.len();
    known.extend(codes);
    let few = |count: usize| (1..SMALLEST_SHOWN).contains(&count);
    let count = known.iter().filter(|(people, _)| few(*people)).count();
    let mut finding = counted(META.id, RARE, Unit::Items, items(count, total));
    finding.sentence = match count {
        0 => "No category in the model file belongs to fewer than 11 people among the members.".to_owned(),
        _ => format!(
            "{} categories in the model file belong to fewer than 11 people each among the members.",
            Count::of(count)
        ),
    };
    finding.severity = if count == 0 { Severity::VeryLow } else { Severity::Moderate };
    let mut columns: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (people, column) in known {
        let entry = columns.entry(column).or_default();
        entry.0 += 1;
        entry.1 += usize::from(few(people));
    }
    columns.retain(|_, (_, rare)| *rare > 0);
    // The columns add up to the number in the sentence: one that is withheld must not be what is left over.
    let shown = partition(&columns.values().map(|(_, rare)| *rare).collect::<Vec<usize>>());
    let row = |((column, (all, _)), rare): ((&&str, &(usize, usize)), Count)| {
        vec![(*column).to_owned(), Count::of(*all).to_string(), rare.to_string()]
    };
    let rows: Vec<Vec<String>> = columns.iter().zip(shown).map(row).collect();
    if !rows.is_empty() {
        let columns = ["column", "categories in the file", "of fewer than 11 people"];
        finding.evidence.push(Evidence::Table(Table {
            caption: "Rare categories in the file by column".to_owned(),
            columns: columns.map(str::to_owned).to_vec(),
            rows,
        }));
    }
    finding.limits.push(
        "Categories that were coded as numbers are compared where nine in ten of an encoder's values are those of one column as it \
         stands in the data; numbers that were given out in place of texts are not recognised."
            .to_owned(),
    );
    Some(finding)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::specimen::{Case, Specimen, normal, numbers};
    use crate::data::{Column, Schema};
    use crate::model::contents::specimen::{Attribute, Draft};
    use crate::seed::Seed;
    use std::sync::Arc;

    fn texts(name: &str, values: Vec<String>) -> Column {
        let codes = (0..values.len() as u32).collect();
        Column { name: name.to_owned(), cells: Cells::Text { codes, dictionary: Arc::new(values) } }
    }

    fn name(at: usize, set: &str) -> String {
        format!("{set}son, Quentin{at}x")
    }

    /// 200 members with names; the file's encoder keeps the first of them beside harmless categories.
    fn case(stored: usize, seed: u64) -> Case {
        let table = |set: &str| {
            let names = (0..200).map(|at| name(at, set)).collect();
            Records::new(vec![numbers("x", normal(200, 0.0, Seed::root(seed))), texts("name", names)])
        };
        let schema = Schema { identifiers: vec!["name".to_owned()], ..Schema::default() };
        let mut categories = vec!["low".to_owned(), "high".to_owned(), "age over 65".to_owned()];
        categories.extend((0..stored).map(|at| name(at, "Member")));
        let encoder = vec![("cats_strings", Attribute::Texts(categories)), ("zeros", Attribute::Int(1))];
        let file = Draft::default().node("ai.onnx.ml", "OneHotEncoder", &["name"], encoder);
        Case::tables(table("Member"), table("Other"), schema).with_file(file.contents())
    }

    impl Specimen for StoredStrings {
        const MEASURE: &'static str = IDENTIFIERS;

        fn null(seed: u64) -> (Case, f64) {
            (case(0, seed), 0.0)
        }

        fn leaky() -> Case {
            case(200, 1)
        }

        fn graded(seed: u64) -> (Case, f64) {
            (case(seed as usize, seed), seed as f64)
        }
    }

    fn of(draft: Draft) -> Finding {
        Case { file: None, ..case(0, 1) }.with_file(draft.contents()).run(&StoredStrings::default(), 1).remove(0)
    }

    #[test]
    fn metadata_is_read_and_dates_of_the_makers_do_not_count() {
        let clean = of(Draft::default().metadata("trained", "2026-01-31").metadata("source", "https://example.org/a"));
        assert_eq!((clean.estimate.map(|e| e.value), clean.severity), (Some(0.0), Severity::VeryLow));
        assert_eq!(clean.evidence.len(), 1, "they are listed");
        let draft = || Draft::default().metadata("note", "see MRN 4711082");
        assert_eq!(of(draft()).severity, Severity::VeryHigh);
        let born = vec![("cats_strings", Attribute::Texts(vec!["1950-02-28".to_owned()]))];
        assert_eq!(of(Draft::default().node("ai.onnx.ml", "OneHotEncoder", &["x"], born)).severity, Severity::VeryHigh);
    }

    /// Patient numbers as whole numbers of an encoder; small ones are any encoder's.
    #[test]
    fn coded_identifiers_are_compared_too() {
        let patients = |first: u32| (0..200).map(|at| first + at).collect::<Vec<u32>>();
        let table = |first: u32| Records::new(vec![crate::check::specimen::integers("id", &patients(first))]);
        let schema = Schema { patient: Some("id".to_owned()), ..Schema::default() };
        let keys = vec![("keys_int64s", Attribute::Ints((0..50).chain(4_711_000..4_711_020).collect()))];
        let file = Draft::default().node("ai.onnx.ml", "LabelEncoder", &["id"], keys).contents();
        let finding = Case::tables(table(4_711_000), table(5_000_000), schema).with_file(file);
        assert_eq!(finding.run(&StoredStrings::default(), 1)[0].estimate.map(|e| e.value), Some(20.0));
    }

    /// Codes 1 to 4, of which one belongs to 3 of the members; another column has the same codes, all of them often. And one
    /// encoder whose values are nobody's.
    #[test]
    fn rare_codes_are_those_of_the_column_with_the_same_values() {
        let codes = |row: u32| if row < 3 { 4 } else { 1 + row % 3 };
        let column = |name: &str, of: &dyn Fn(u32) -> u32| {
            crate::check::specimen::integers(name, &(0..200).map(of).collect::<Vec<u32>>())
        };
        let run = |columns: &dyn Fn() -> Vec<Column>| {
            let keys = |values: Vec<i64>| vec![("cats_int64s", Attribute::Ints(values))];
            let file = Draft::default().node("ai.onnx.ml", "OneHotEncoder", &["c"], keys((1..=4).collect())).node(
                "ai.onnx.ml",
                "OneHotEncoder",
                &["d"],
                keys((100..150).collect()),
            );
            let case = Case::tables(Records::new(columns()), Records::new(columns()), Schema::default());
            let finding = case.with_file(file.contents()).run(&StoredStrings::default(), 1).remove(1);
            (finding.severity, finding.estimate.map(|e| (e.low, e.high, e.n)))
        };
        let one = || vec![column("c", &codes), column("z", &|row| row)];
        assert_eq!(run(&one), (Severity::Moderate, Some((1.0, 10.0, 4))));
        let two = || vec![column("c", &codes), column("often", &|row| 1 + row % 4)];
        assert_eq!(run(&two), (Severity::VeryLow, Some((0.0, 0.0, 4))), "the list fits a column without rare values");
    }

    /// Two categories that 3 and 11 of the members have, and one that none has.
    #[test]
    fn a_category_of_ten_people_or_fewer_is_rare() {
        let value = |row: usize| match row {
            0..3 => "rare".to_owned(),
            3..14 => "eleven".to_owned(),
            _ => "common".to_owned(),
        };
        let table = || Records::new(vec![texts("c", (0..200).map(value).collect())]);
        let kept = ["rare", "eleven", "common", "nobody"].map(str::to_owned).to_vec();
        let encoder = vec![("cats_strings", Attribute::Texts(kept))];
        let file = Draft::default().node("ai.onnx.ml", "OneHotEncoder", &["c"], encoder).contents();
        // The texts of each row are separate dictionary entries above; here equal texts must share a code.
        let shared = |table: Records| {
            let column = &table.columns()[0];
            let text = |row: usize| column.cells.text(row).unwrap_or_default();
            let levels = ["rare", "eleven", "common"];
            let codes = (0..200).map(|row| levels.iter().position(|l| *l == text(row)).unwrap_or(0) as u32).collect();
            let dictionary = Arc::new(levels.map(str::to_owned).to_vec());
            Records::new(vec![Column { name: "c".to_owned(), cells: Cells::Text { codes, dictionary } }])
        };
        let case = Case::tables(shared(table()), shared(table()), Schema::default()).with_file(file);
        let finding = case.run(&StoredStrings::default(), 1).remove(1);
        let range = finding.estimate.map(|e| (e.low, e.high));
        assert_eq!((finding.severity, range), (Severity::Moderate, Some((1.0, 10.0))));
        assert!(finding.sentence.starts_with("<11"), "{}", finding.sentence);
    }
}
