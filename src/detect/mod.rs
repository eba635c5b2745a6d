//! Identifiers of people in texts and in the columns of tables. Layer row 0.
//!
//! A text goes in, kinds of identifiers come out ([`kinds`]); columns go in, and for each comes out which item of 45 CFR
//! 164.514(b)(2)(i) it falls under, with the evidence ([`scan()`]). No text ever comes out. What is recognised follows the list of 45 CFR
//! 164.514(b)(2) as far as form tells: numbers with a form or a check digit of their own, dates finer than a year,
//! addresses of machines, paths with a user's name. Names of people have no form; they are recognised by a
//! [`Dictionary`] of values that are known to identify. Refuses to guess: a bare number of five digits is a postcode only
//! beside a word that says so.
//!
//! ```
//! use privet::detect::{Identifier, kinds};
//! assert_eq!(kinds("call 617-555-0123"), [Identifier::Telephone]);
//! assert_eq!(kinds("age over 65"), []);
//! ```

mod across;
mod ages;
mod checksum;
mod column;
mod dates;
mod decision;
mod demographic;
mod dictionary;
mod digests;
mod forms;
mod header;
mod item;
mod machines;
mod named;
mod names;
mod numbered;
mod numbers;
mod prose;
mod scan;
mod street;
mod temporal;
mod zip;

pub use column::{Column, Numbers, Order, SAMPLE, Shape, is_absent, mask};
pub use decision::Term;
pub use demographic::Demographic;
pub use dictionary::Dictionary;
pub use item::{Class, Item, Mode};
pub use scan::{Judgement, Rules, YEAR, scan};
pub use zip::{FEW_PEOPLE, Zip3};

use std::collections::BTreeMap;

/// A kind of identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Identifier {
    /// A social security number.
    SocialSecurity,
    /// The number of a medical record, patient, encounter, account or member.
    RecordNumber,
    /// A national provider identifier, with its check digit.
    Provider,
    /// A telephone or fax number.
    Telephone,
    /// An e-mail address.
    Email,
    /// A date finer than a year.
    Date,
    /// A postcode of five digits or nine.
    Postcode,
    /// An address of a machine on a network.
    NetworkAddress,
    /// The path of a file, with a user's name.
    UserPath,
    /// The address of a page.
    Url,
}

impl Identifier {
    /// Words for a reader, in the plural.
    pub fn words(self) -> &'static str {
        match self {
            Self::SocialSecurity => "social security numbers",
            Self::RecordNumber => "record, patient or account numbers",
            Self::Provider => "national provider identifiers",
            Self::Telephone => "telephone numbers",
            Self::Email => "e-mail addresses",
            Self::Date => "dates finer than a year",
            Self::Postcode => "postcodes",
            Self::NetworkAddress => "network addresses",
            Self::UserPath => "file paths with a user's name",
            Self::Url => "web addresses",
        }
    }

    /// Whether it speaks of a person, rather than of a machine or of whoever wrote the software.
    pub fn is_personal(self) -> bool {
        !matches!(self, Self::Url | Self::NetworkAddress | Self::UserPath)
    }
}

/// The kinds of identifiers in a text, each once, in their order. O(length).
pub fn kinds(text: &str) -> Vec<Identifier> {
    kinds_beside(text, "")
}

/// Likewise for a value beside words that say what it is: the name of its column.
///
/// ```
/// use privet::detect::{Identifier, kinds_beside};
/// assert_eq!(kinds_beside("02139", "zip_code"), [Identifier::Postcode]);
/// assert_eq!(kinds_beside("02139", "cost"), []);
/// ```
pub fn kinds_beside(text: &str, context: &str) -> Vec<Identifier> {
    let context = words(context);
    let checks: [(Identifier, bool); 10] = [
        (Identifier::SocialSecurity, numbers::social_security(text, &context)),
        (Identifier::RecordNumber, numbers::record_number(text, &context)),
        (Identifier::Provider, numbers::provider(text, &context)),
        (Identifier::Telephone, numbers::telephone(text, &context)),
        (Identifier::Email, machines::email(text)),
        (Identifier::Date, dates::date(text)),
        (Identifier::Postcode, numbers::postcode(text, &context)),
        (Identifier::NetworkAddress, machines::network_address(text)),
        (Identifier::UserPath, machines::user_path(text)),
        (Identifier::Url, machines::url(text)),
    ];
    checks.into_iter().filter(|(_, found)| *found).map(|(kind, _)| kind).collect()
}

/// What the whole of a text is, where its form alone says that it is a value of a record and not the name of a column: words for a
/// reader, without the text.
///
/// ```
/// use privet::detect::value_form;
/// assert_eq!(value_form("219-09-8999"), Some("a social security number"));
/// assert_eq!(value_form("1950-02-28"), Some("a date"));
/// assert_eq!((value_form("ssn"), value_form("visit 2"), value_form("1.2.10")), (None, None, None));
/// ```
pub fn value_form(text: &str) -> Option<&'static str> {
    forms::value_form(text.trim())
}

/// A name or path of a file as it may be shown: without whatever looks like an identifier.
///
/// ```
/// use privet::detect::shown;
/// assert_eq!(shown("skl2onnx 1.20.0"), "skl2onnx 1.20.0");
/// assert_eq!(shown("/home/jdoe/a.py"), "(withheld: file paths with a user's name)");
/// ```
pub fn shown(text: &str) -> String {
    kinds(text).first().map_or_else(|| text.to_owned(), |kind| format!("(withheld: {})", kind.words()))
}

/// How many of many values hold which identifiers: the summary of a column.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Values looked at.
    pub values: usize,
    /// Values with each kind.
    pub by_kind: BTreeMap<Identifier, usize>,
}

impl Tally {
    /// The summary of values beside the name of their column.
    pub fn of<'t>(values: impl IntoIterator<Item = &'t str>, column: &str) -> Self {
        let mut tally = Self::default();
        for value in values {
            tally.values += 1;
            for kind in kinds_beside(value, column) {
                *tally.by_kind.entry(kind).or_insert(0) += 1;
            }
        }
        tally
    }
}

/// Lower-case words of letters, in order; `patientID` and `patient_id` read alike.
fn words(text: &str) -> Vec<String> {
    let mut words = tokens(text);
    words.retain(|word| word.starts_with(char::is_alphabetic));
    words
}

/// Lower-case words of letters, and runs of digits, in order.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut before = ' ';
    for letter in text.chars() {
        if letter.is_alphabetic() || letter.is_ascii_digit() {
            let starts = letter.is_alphabetic() != before.is_alphabetic()
                || letter.is_ascii_digit() != before.is_ascii_digit()
                || before.is_lowercase() && letter.is_uppercase();
            if starts {
                tokens.push(String::new());
            }
            if let Some(token) = tokens.last_mut() {
                token.extend(letter.to_lowercase());
            }
        }
        before = letter;
    }
    tokens
}

/// Runs of digits with what stands before and after each.
struct Run<'t> {
    digits: &'t str,
    start: usize,
    end: usize,
}

fn runs(text: &str) -> Vec<Run<'_>> {
    let mut found: Vec<Run<'_>> = Vec::new();
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        while at < bytes.len() && bytes[at].is_ascii_digit() {
            at += 1;
        }
        if at > start {
            found.push(Run { digits: &text[start..at], start, end: at });
        }
        at += 1;
    }
    found
}

impl Run<'_> {
    fn number(&self) -> u64 {
        self.digits.parse().unwrap_or(u64::MAX)
    }

    fn len(&self) -> usize {
        self.digits.len()
    }
}

/// Whether a stretch of a text stands by itself: no letter, digit or dot-and-digit touches it.
fn apart(text: &str, start: usize, end: usize) -> bool {
    let (mut before, mut after) = (text[..start].chars().rev(), text[end..].chars());
    let joins = |first: Option<char>, second: Option<char>| match first {
        Some(c) if c.is_alphanumeric() => true,
        Some('.' | '-' | ':' | ',') => second.is_some_and(|c| c.is_ascii_digit()),
        _ => false,
    };
    !joins(before.next(), before.next()) && !joins(after.next(), after.next())
}

#[cfg(test)]
mod tests {
    use super::Identifier::*;
    use super::*;

    #[test]
    fn every_kind_is_recognised_by_its_form() {
        let cases: [(&str, &[Identifier]); 45] = [
            ("123-45-6789", &[SocialSecurity]),
            ("SSN 123456789", &[SocialSecurity]),
            ("000-45-6789", &[]),
            ("666-45-6789", &[]),
            ("923-45-6789", &[]),
            ("123-00-6789", &[]),
            ("9123-45-6789", &[]),
            ("MRN: 4711082", &[RecordNumber]),
            ("patient_id=AB12345", &[RecordNumber]),
            ("medical record no. 00-12-34-56", &[RecordNumber]),
            ("P0012345", &[RecordNumber]),
            ("node_12345", &[]),
            ("MatMul_1234567", &[]),
            ("1234567893", &[Provider]),
            ("NPI 1234567893", &[Provider]),
            ("1234567890", &[]),
            ("(617) 555-0123", &[Telephone]),
            ("617.555.0123", &[Telephone]),
            ("call 617-555-0123", &[Telephone]),
            ("1-617-555-0123", &[Telephone]),
            ("tel:+1 (617) 555-0123 x", &[Telephone]),
            ("A617-555-0123", &[]),
            ("61-617-555-0123", &[]),
            ("+49 30 901820", &[Telephone]),
            ("117-555-0123", &[]),
            ("jane.doe@example.org", &[Email]),
            ("a @ b", &[]),
            ("user@host", &[]),
            ("born 1950-02-28", &[Date]),
            ("1950-02-30", &[]),
            ("2/28/1950", &[Date]),
            ("28.02.1950", &[Date]),
            ("19500228", &[Date]),
            ("Feb 28, 1950", &[Date]),
            ("28 February 1950", &[Date]),
            ("in 1950", &[]),
            ("1.20.0", &[]),
            ("Cambridge, MA 02139", &[Postcode]),
            ("02139-4307", &[Postcode]),
            ("diag 25001", &[]),
            ("192.168.0.17", &[NetworkAddress]),
            ("300.1.1.1", &[]),
            ("/home/jdoe/models/a.py", &[UserPath]),
            ("C:\\Users\\jdoe\\a.py", &[UserPath]),
            ("https://example.org/x", &[Url]),
        ];
        for (text, expected) in cases {
            assert_eq!(kinds(text), expected, "{text}");
        }
    }

    /// The example of the standard for the check digit: 123456789 gives 3.
    #[test]
    fn the_check_digit_of_a_provider_counts() {
        let passing = (1_234_567_890_u64..1_234_567_900).filter(|n| kinds(&n.to_string()).contains(&Provider)).count();
        assert_eq!(passing, 1);
    }

    #[test]
    fn names_of_exporters_are_clean() {
        for name in [
            "onnx::MatMul_123",
            "probability_tensor",
            "/layers.0/linear/MatMul_output_0",
            "input_1",
            "variable1",
            "ai.onnx.ml",
            "skl2onnx",
            "1.20.0",
            "2.7.1+cu118",
            "layer4.1.conv2.weight",
            "float_input",
            "[N, 3, 224, 224]",
            "Scan_cdistd_1",
            "pytorch",
            "Sc_Scancst1",
            "ArrayFeatureExtractor",
            "0",
            "1",
            ">50K",
            "10-20",
            "[70-80)",
        ] {
            assert_eq!(kinds(name), [], "{name}");
        }
    }

    #[test]
    fn a_column_is_summed_up() {
        let tally = Tally::of(["02139", "10001", "n/k"], "ZipCode");
        assert_eq!((tally.values, tally.by_kind.get(&Postcode)), (3, Some(&2)));
    }
}
