//! Numbers with a form, a check digit, or a word beside them that says what they are.

use super::checksum::{npi, ssn_structure};
use super::{Run, apart, runs, words};

fn says(context: &[String], own: &[String], wanted: &[&str]) -> bool {
    context.iter().chain(own).any(|word| wanted.contains(&word.as_str()))
}

/// Runs of digits that one separator joins, as `123-45-6789`: their places in `runs`.
fn joined(text: &str, runs: &[Run<'_>], lengths: &[usize], separators: &[&str]) -> bool {
    runs.windows(lengths.len()).any(|part| {
        let fits = part.iter().zip(lengths).all(|(run, len)| run.len() == *len);
        let between = |separator: &&str| part.windows(2).all(|pair| &text[pair[0].end..pair[1].start] == *separator);
        fits && separators.iter().any(between) && apart(text, part[0].start, part[part.len() - 1].end)
    })
}

pub(super) fn social_security(text: &str, context: &[String]) -> bool {
    let runs = runs(text);
    let written = runs.windows(3).any(|part| {
        joined(text, part, &[3, 2, 4], &["-", " "])
            && ssn_structure(&[part[0].digits, part[1].digits, part[2].digits].concat())
    });
    let bare = |run: &Run<'_>| apart(text, run.start, run.end) && ssn_structure(run.digits);
    written || says(context, &words(text), &["ssn", "social"]) && runs.iter().any(bare)
}

/// Words beside which a code of four digits and more is somebody's number.
const OF_RECORDS: [&str; 12] = [
    "mrn",
    "patient",
    "patients",
    "pat",
    "pid",
    "encounter",
    "visit",
    "chart",
    "record",
    "account",
    "beneficiary",
    "member",
];

pub(super) fn record_number(text: &str, context: &[String]) -> bool {
    let own = words(text);
    let digits: usize = runs(text).iter().map(Run::len).sum();
    let longest = runs(text).iter().map(Run::len).max().unwrap_or(0);
    let told = own.iter().any(|word| word == "mrn") || {
        let named = |word: &String| OF_RECORDS.contains(&word.as_str());
        let number = ["id", "no", "nr", "number", "num", "identifier", "mrn"];
        own.windows(2).any(|pair| named(&pair[0]) && number.contains(&pair[1].as_str()))
    };
    if told && digits >= 4 && (longest >= 4 || digits >= 6) {
        return true;
    }
    let column = says(context, &[], &OF_RECORDS) && says(context, &[], &["id", "no", "nr", "number", "num", "mrn"])
        || says(context, &[], &["mrn"]);
    // One to three letters and six to twelve digits, and nothing else, are nobody's measurement.
    let letters = text.chars().take_while(char::is_ascii_alphabetic).count();
    let rest = &text[letters..];
    let rest = rest.strip_prefix('-').unwrap_or(rest);
    let code = (6..=12).contains(&rest.len()) && rest.bytes().all(|byte| byte.is_ascii_digit());
    code && (1..=3).contains(&letters) || column && digits >= 4 && text.len() <= 20
}

pub(super) fn provider(text: &str, context: &[String]) -> bool {
    let found = runs(text);
    let told = says(context, &words(text), &["npi", "provider"]);
    let one = |run: &Run<'_>| npi(run.digits);
    let whole = |run: &Run<'_>| run.len() == text.trim().len();
    found.iter().any(|run| one(run) && (whole(run) || told && apart(text, run.start, run.end)))
}

pub(super) fn telephone(text: &str, context: &[String]) -> bool {
    let found = runs(text);
    let north_american = |part: &[Run<'_>]| {
        let [area, exchange, line] = part else { return false };
        let lengths = area.len() == 3 && exchange.len() == 3 && line.len() == 4;
        let starts = |run: &Run<'_>| run.digits.starts_with(|c| ('2'..='9').contains(&c));
        let (first, second) = (&text[area.end..exchange.start], &text[exchange.end..line.start]);
        let joined =
            matches!((first, second), ("-" | " ", "-") | (".", ".") | (" ", " ") | (") " | ")", "-" | " " | "."));
        // An opening bracket and the country's 1 belong to the number.
        let before = text[..area.start].strip_suffix('(').unwrap_or(&text[..area.start]);
        let country = ["+1-", "+1 ", "+1.", "+1", "1-", "1 ", "1."].iter().find_map(|one| before.strip_suffix(one));
        let start = country.unwrap_or(before).len();
        lengths && starts(area) && starts(exchange) && joined && apart(text, start, line.end)
    };
    if found.windows(3).any(north_american) {
        return true;
    }
    // An international number: a plus, then 8 to 15 digits with single separators.
    let international = text.match_indices('+').any(|(at, _)| {
        let rest = &text[at + 1..];
        let end = rest.find(|c: char| !c.is_ascii_digit() && !" -()/.".contains(c)).unwrap_or(rest.len());
        let digits = rest[..end].bytes().filter(u8::is_ascii_digit).count();
        let alone = text[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric());
        alone && rest.starts_with(|c: char| ('1'..='9').contains(&c)) && (8..=15).contains(&digits)
    });
    let bare = says(context, &words(text), &["phone", "telephone", "tel", "fax", "mobile", "cell"]);
    international || bare && found.iter().any(|run| (10..=11).contains(&run.len()))
}

/// Two-letter abbreviations of states and territories of the United States.
pub(super) const STATES: &str = "AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND \
                      OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY PR GU VI";

pub(super) fn postcode(text: &str, context: &[String]) -> bool {
    let found = runs(text);
    if joined(text, &found, &[5, 4], &["-"]) {
        return true;
    }
    let told = says(context, &words(text), &["zip", "zipcode", "postcode", "postal", "plz"]);
    let five = |run: &&Run<'_>| run.len() == 5 && apart(text, run.start, run.end);
    let behind_state = |run: &Run<'_>| {
        let before = text[..run.start].trim_end();
        let state = before.rsplit(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
        before.len() < run.start && state.len() == 2 && STATES.split(' ').any(|known| known == state)
    };
    found.iter().filter(five).any(|run| told || behind_state(run))
}
