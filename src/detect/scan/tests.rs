//! Tables with known columns: every item of the list, every trap beside it, columns that follow from each other.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::*;
use crate::detect::digests::Algorithm;
use crate::detect::{Numbers, Order, checksum, temporal};
use crate::digest::hex;

/// A small generator, so that a test says what it draws: Knuth's constants for 64 bits.
pub(super) struct Draw(pub(super) u64);

impl Draw {
    pub(super) fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }

    pub(super) fn digits(&mut self, count: usize) -> String {
        (0..count).map(|_| char::from(b'0' + self.below(10) as u8)).collect()
    }
}

pub(super) fn of(count: usize, mut write: impl FnMut(usize, &mut Draw) -> String) -> Vec<String> {
    let mut draw = Draw(7);
    (0..count).map(|row| write(row, &mut draw)).collect()
}

pub(super) fn judged(table: &[(&str, Vec<String>)], rules: &Rules) -> Vec<Judgement> {
    let columns: Vec<Column<'_>> = table.iter().map(|(name, cells)| seen(name, cells)).collect();
    let cell = |column: usize, row: usize| Some(table[column].1[row].clone()).filter(|text| !text.is_empty());
    scan(&columns, table[0].1.len(), &cell, rules)
}

fn seen<'a>(name: &'a str, cells: &'a [String]) -> Column<'a> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    cells.iter().filter(|text| !text.is_empty()).for_each(|text| *counts.entry(text).or_insert(0) += 1);
    let numbers: Vec<f64> = counts.keys().filter_map(|text| text.parse().ok()).collect();
    let all = numbers.len() == counts.len();
    let counted = numbers.iter().copied().fold(0.0, f64::max) as usize == counts.len();
    let rows = counts.values().sum();
    Column {
        name,
        distinct: counts.len(),
        values: counts.into_iter().map(|(text, rows)| (Cow::Borrowed(text), rows)).collect(),
        rows,
        people: rows,
        pairs: rows,
        numbers: if all { Numbers::of(numbers) } else { None },
        order: if all && counted { Order::DenseRange } else { Order::Free },
    }
}

pub(super) fn one(name: &'static str, cells: Vec<String>) -> Judgement {
    judged(&[(name, cells)], &Rules::default()).remove(0)
}

#[track_caller]
pub(super) fn is(judgement: &Judgement, class: Class, rule: &str) {
    let terms: Vec<(&str, f64)> = judgement.terms.iter().map(|term| (term.what, term.log_odds)).collect();
    assert_eq!((judgement.class, judgement.rule), (class, rule), "`{}`: {terms:?}", judgement.column);
}

#[track_caller]
pub(super) fn clear(name: &'static str, cells: Vec<String>) {
    let judgement = one(name, cells);
    let terms: Vec<(&str, f64)> = judgement.terms.iter().map(|term| (term.what, term.log_odds)).collect();
    assert_eq!(judgement.class, Class::Clear, "`{name}` is taken for {}: {terms:?}", judgement.rule);
}

/// A column of every item under a telling name.
#[test]
fn every_item_is_found() {
    let pick = |list: &'static [&str]| {
        move |_: usize, draw: &mut Draw| list[draw.below(list.len() as u64) as usize].to_owned()
    };
    let names =
        &["Mary", "John", "Linda", "James", "Susan", "Robert", "Karen", "Michael", "Nancy", "David", "Betty", "Paul"];
    let cases: Vec<(char, &'static str, Vec<String>)> = vec![
        ('A', "first_name", of(100, pick(names))),
        ('B', "zip", of(100, |_, d| format!("021{}", d.digits(2)))),
        ('C', "dob", of(100, |_, d| format!("19{}-0{}-1{}", d.digits(2), d.below(9) + 1, d.below(10)))),
        ('D', "phone", of(100, |_, d| format!("(617) 4{}-{}", d.digits(2).replace("11", "12"), d.digits(4)))),
        ('E', "fax", of(100, |_, d| format!("617-4{}-{}", d.digits(2).replace("11", "12"), d.digits(4)))),
        ('F', "x", of(100, |row, _| format!("u{row}@example.org"))),
        ('G', "ssn", of(100, |_, d| format!("2{}-4{}-1{}", d.digits(2), d.below(10), d.digits(3)))),
        ('H', "MRN", of(100, |_, d| d.digits(8))),
        ('I', "member_id", of(100, |_, d| format!("W{}", d.digits(9)))),
        ('J', "account_number", of(100, |_, d| d.digits(10))),
        ('K', "driver_license", of(100, |_, d| format!("S{}", d.digits(8)))),
        ('L', "licence_plate", of(100, |row, d| format!("{}ABC{row}", d.below(10)))),
        ('M', "device_serial", of(100, |_, d| format!("SN{}", d.digits(7)))),
        ('N', "homepage", of(100, |row, _| format!("https://example.org/{row}"))),
        ('O', "client_ip", of(100, |_, d| format!("203.0.{}.{}", d.below(256), d.below(256)))),
        ('P', "fingerprint", of(100, |_, d| format!("Rk1SACAyMAAA{}", d.digits(20)))),
        ('Q', "photo", of(100, |row, _| format!("faces/{row}.jpg"))),
        ('R', "uuid", of(100, |row, d| format!("123e4567-e89b-42d3-a456-{:012x}", row as u64 * 7 + d.below(7)))),
    ];
    for (letter, name, cells) in cases {
        let judgement = one(name, cells);
        assert_eq!(judgement.item.map(Item::letter), Some(letter), "`{name}`: {}", judgement.rule);
        assert!(judgement.class >= Class::Conditional, "`{name}` is only {}", judgement.class.word());
    }
}

/// Twenty provider numbers are decisive without a name, twenty numbers of nine digits are not.
#[test]
fn check_digits_count_by_how_rarely_they_pass() {
    let npi = |row: usize, d: &mut Draw| {
        let body = format!("1{:02}{}", row, d.digits(6));
        (0..10).map(|check| format!("{body}{check}")).find(|ten| checksum::npi(ten)).unwrap()
    };
    is(&one("x7", of(20, npi)), Class::Review, "K.npi");
    let nine = one("x7", of(20, |_, d| format!("2{}1{}1{}", d.digits(2), d.below(10), d.digits(4))));
    assert!(nine.class <= Class::Review, "{}", nine.rule);
    is(
        &one("ssn", of(20, |_, d| format!("2{}1{}1{}", d.digits(2), d.below(10), d.digits(3)))),
        Class::Prohibited,
        "G.ssn-digits",
    );
    // The advertised number is nobody's.
    clear("c", vec!["078-05-1120".to_owned(); 40]);
    clear("ein", of(60, |_, d| format!("{}-{}", d.digits(2), d.below(50))));
}

#[test]
fn codes_of_medicine_are_no_postcodes_dates_or_telephones() {
    clear("cpt_code", of(200, |_, d| (10_004 + d.below(89_000)).to_string()));
    let unnamed = one("v1", of(200, |_, d| (10_004 + d.below(89_000)).to_string()));
    assert_ne!(unnamed.item, Some(Item::Geography), "{}", unnamed.rule);
    clear("loinc", of(200, |_, d| format!("{}-{}", 1000 + d.below(80_000), d.below(10))));
    clear("icd10", of(200, |_, d| format!("E{}.{}", d.digits(2), d.below(10))));
    let accession = one("lab_accession", of(200, |_, d| d.digits(8)));
    assert_ne!(accession.item, Some(Item::Dates), "random digits are no dates");
    clear("software_version", of(60, |_, d| format!("{}.{}.{}.{}", d.below(5), d.below(9), d.below(9), d.below(9))));
    clear("fw", of(60, |_, d| format!("{}.{}.{}.{}", d.below(5), d.below(9), d.below(9), d.below(9))));
    clear("code_system", of(60, |_, d| format!("2.16.840.1.{}", d.digits(6))));
    clear("risk_group", of(60, |row, _| ["D3", "H1", "INTRODUCTORY"][row % 3].to_owned()));
}

#[test]
fn measurements_counts_and_categories_are_clear() {
    clear("creatinine", of(300, |_, d| format!("{}.{}", d.below(4), d.digits(4))));
    clear("score", of(300, |_, d| d.below(101).to_string()));
    clear("platelets", of(300, |_, d| (100_000 + d.below(350_000)).to_string()));
    clear("bp", of(300, |_, d| format!("{}/{}", 90 + d.below(90), 50 + d.below(60))));
    clear("num_visits", of(300, |_, d| d.below(30).to_string()));
    clear("has_phone", of(300, |row, _| ["yes", "no"][row % 2].to_owned()));
    clear("race", of(300, |row, _| ["White", "Black", "Brown", "Asian"][row % 4].to_owned()));
    clear("drug_name", of(300, |row, _| ["jordan", "insulin", "metformin", "aspirin", "may"][row % 5].to_owned()));
    clear("visit_time", of(300, |_, d| format!("{:02}:{}0", d.below(24), d.below(6))));
    clear("discharge_disposition_id", of(300, |_, d| d.below(28).to_string()));
    clear("admission_year", of(300, |_, d| (2000 + d.below(20)).to_string()));
}

#[test]
fn rows_may_be_counted_and_states_named() {
    clear("row", of(300, |row, _| (row + 1).to_string()));
    clear("id", of(300, |row, _| (row + 1).to_string()));
    is(
        &one("residence", of(300, |row, _| ["Virginia", "Georgia", "Texas", "Maine"][row % 4].to_owned())),
        Class::Clear,
        "B.state-allowed",
    );
    is(&one("st", of(300, |row, _| ["VA", "GA", "TX", "ME"][row % 4].to_owned())), Class::Clear, "B.state-allowed");
}

/// A name that says that a column identifies is enough for a look, however short the numbers and few the rows.
#[test]
fn numbers_that_count_the_rows_are_looked_at_under_a_telling_name() {
    for name in ["mrn", "pid", "patient_id", "subject_id", "ssn", "account_number"] {
        for rows in [6, 12, 200, 2_000] {
            let judgement = one(name, of(rows, |row, _| (row + 1).to_string()));
            assert_eq!(judgement.class, Class::Review, "`{name}` of {rows} rows");
        }
    }
    let judgement = one("subject_id", of(12, |row, _| format!("S{row}")));
    assert_eq!(judgement.class, Class::Review, "short codes of few rows");
    clear("num_patient_id", of(200, |row, _| (row + 1).to_string()));
    clear("visit_number", of(200, |row, _| (row % 9).to_string()));
    clear("policy", of(12, |row, _| format!("{}{}", "abcdefghijkl".split_at(row).0, "tax")));
    clear("account", of(200, |row, _| format!("-{row}.5")));
}

#[test]
fn ages_over_eighty_nine_are_one_group() {
    clear("age", of(300, |row, _| (row % 90).to_string()));
    is(&one("age", of(300, |row, _| (row % 95).to_string())), Class::Conditional, "C.age");
    is(&one("AgeAtVisit", of(300, |row, _| (17 + row % 74).to_string())), Class::Review, "C.age-top");
    clear("age_group", of(300, |row, _| ["18-64", "65-89", "90+"][row % 3].to_owned()));
    clear("age", of(300, |row, _| ["[70-80)", "[80-90)", "[90-100)"][row % 3].to_owned()));
    is(&one("age", of(300, |row, _| ["80-89", "90-94", "95-99"][row % 3].to_owned())), Class::Conditional, "C.age");
    clear("age_days", of(300, |row, _| (row * 3).to_string()));
    let year = |from: usize| of(300, move |row, _| (from + row % 60).to_string());
    is(&one("yob", year(1930)), Class::Conditional, "C.birth-year");
    is(&one("birth_year", year(1937)), Class::Clear, "C.birth-year-allowed");
    assert_eq!(one("yob", year(1930)).concerned, 35, "1930 to 1936, five each");
}

#[test]
fn postcodes_are_compared_with_the_population() {
    is(&one("zip", of(300, |_, d| format!("{}", 2100 + d.below(99)))), Class::Conditional, "B.zip5");
    is(&one("zip3", of(300, |row, _| ["021", "100", "606"][row % 3].to_owned())), Class::Clear, "B.zip3-allowed");
    let small = one("zip3", of(300, |row, _| ["021", "036", "000"][row % 3].to_owned()));
    is(&small, Class::Conditional, "B.zip3");
    assert_eq!(small.concerned, 100, "036 has 13,153 people");
    // 063 grew between the censuses.
    let cells = || of(300, |row, _| ["021", "063"][row % 2].to_owned());
    let rules = |vintage| Rules { zip3: Zip3::vintage_of(vintage).unwrap(), ..Rules::default() };
    assert_eq!(judged(&[("zip", cells())], &rules("census-2000")).remove(0).class, Class::Conditional);
    assert_eq!(judged(&[("zip", cells())], &rules("census-2020")).remove(0).class, Class::Clear);
}

#[test]
fn free_text_is_read_by_its_sentences() {
    let with = |text: &'static str| {
        of(60, move |row, _| if row == 7 { text.to_owned() } else { format!("patient {row} stable and eating well") })
    };
    is(&one("comments", with("call the daughter at 617-555-0123 today")), Class::Prohibited, "R.free-text-identifiers");
    is(&one("comments", with("seen by Dr. Kowalczyk on the ward today")), Class::Prohibited, "R.free-text-identifiers");
    is(&one("comments", with("no complaints at all on the ward")), Class::Review, "R.free-text");
    let mixed =
        of(
            60,
            |row, _| {
                if row % 9 == 0 { format!("u{row}@example.org") } else { "none".to_owned() + &"x".repeat(row % 3) }
            },
        );
    is(&one("contact_remark", mixed), Class::Prohibited, "F.email");
}

#[test]
fn columns_that_follow_from_others_are_named() {
    let ssn = || of(60, |_, d| format!("2{}-4{}-1{}", d.digits(2), d.below(10), d.digits(3)));
    let bare = |text: &String| text.replace('-', "");
    let hashed = |algorithm: Algorithm, of: &dyn Fn(&String) -> String| {
        ssn().iter().map(|s| hex(&algorithm.digest(&of(s)))).collect::<Vec<_>>()
    };
    for (algorithm, word) in [(Algorithm::Md5, "MD5"), (Algorithm::Sha1, "SHA-1"), (Algorithm::Sha256, "SHA-256")] {
        let table = [("ssn", ssn()), ("key", hashed(algorithm, &bare))];
        let key = judged(&table, &Rules::default()).remove(1);
        is(&key, Class::Prohibited, "R.hash-of-column");
        assert!(key.remark.starts_with(&format!("{word} of the column `ssn`")), "{}", key.remark);
        assert_eq!(key.item, Some(Item::SocialSecurity));
        let limited = judged(&table, &Rules { mode: Mode::LimitedDataSet, ..Rules::default() }).remove(1);
        assert_eq!(limited.class, Class::Prohibited, "a digest of a number is that number");
    }
    let salted =
        judged(&[("ssn", ssn()), ("key", hashed(Algorithm::Sha256, &|s| format!("pepper{s}")))], &Rules::default())
            .remove(1);
    assert_eq!(salted.rule, "R.hex");
    let few = of(60, |row, _| hex(&Algorithm::Sha256.digest(&(row * 17).to_string())));
    is(
        &judged(&[("key", few)], &Rules { hash_search: 10_000, ..Rules::default() }).remove(0),
        Class::Prohibited,
        "R.hash-of-few",
    );
    let tail = judged(&[("ssn", ssn()), ("x1", ssn().iter().map(|s| s[7..].to_owned()).collect())], &Rules::default())
        .remove(1);
    is(&tail, Class::Prohibited, "R.part");
    let born = || of(60, |row, d| format!("19{}-0{}-1{}", 50 + row % 40, d.below(9) + 1, d.below(10)));
    let day = |text: &String| temporal::any(text).unwrap().number;
    let shifted = born().iter().map(|text| temporal::date_of(day(text) + 40)[0].clone()).collect();
    let later = judged(&[("dob", born()), ("x2", shifted)], &Rules::default()).remove(1);
    assert!(
        later.class == Class::Conditional && later.remark.contains("same number of days from the column `dob`"),
        "{}",
        later.remark
    );
    let serial = born().iter().map(|text| (day(text) + 25_569).to_string()).collect();
    is(&judged(&[("dob", born()), ("x3", serial)], &Rules::default()).remove(1), Class::Conditional, "C.date-serial");
}

#[test]
fn a_limited_data_set_may_keep_more() {
    let table = [
        ("dob", of(60, |row, d| format!("19{}-0{}-1{}", 50 + row % 40, d.below(9) + 1, d.below(10)))),
        ("zip", of(60, |_, d| format!("021{}", d.digits(2)))),
        ("street", of(60, |row, _| format!("{row} Main Street"))),
        ("mrn", of(60, |_, d| d.digits(8))),
        ("uuid", of(60, |row, _| format!("123e4567-e89b-42d3-a456-{row:012x}"))),
    ];
    let classes =
        |mode| judged(&table, &Rules { mode, ..Rules::default() }).iter().map(|j| j.class.word()).collect::<Vec<_>>();
    assert_eq!(classes(Mode::SafeHarbor), ["conditional", "conditional", "prohibited", "prohibited", "prohibited"]);
    assert_eq!(classes(Mode::LimitedDataSet), ["clear", "clear", "prohibited", "prohibited", "clear"]);
}

/// Shapes and remarks hold no cell.
#[test]
fn nothing_of_a_cell_comes_out() {
    let cells = of(60, |row, _| format!("Zebulon{row}-4711"));
    let judgement = one("patient_id", cells);
    let said = format!("{judgement:?}");
    assert!(!said.contains("ebulon") && !said.contains("4711"), "{said}");
    assert!(judgement.shapes.iter().all(|shape| shape.mask.chars().all(|c| "Aa9-…".contains(c))));
}
