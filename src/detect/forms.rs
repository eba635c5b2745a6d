//! Forms of values: outer shape, validator, and how often a random text of that shape passes.

use super::checksum as check;
use super::header::Concept;
use super::names::last_first;
use super::street::{street, street_shape};
use super::zip::Zip3;
use super::{Class, Item, machines, numbers, temporal};

/// One form that the values of a column may have.
pub(super) struct Form {
    /// Letter and form, for example `G.ssn-dashed`.
    pub(super) rule: &'static str,
    pub(super) item: Item,
    /// What a name of a column says when it speaks of this.
    pub(super) concepts: &'static [Concept],
    /// The outer shape, for which `chance` holds.
    pub(super) shape: fn(&str) -> bool,
    pub(super) valid: fn(&str) -> bool,
    /// Share of random texts of the shape that are valid.
    pub(super) chance: f64,
    /// Log odds of the shape by itself.
    pub(super) telling: f64,
    /// The most that the validator may add.
    pub(super) most: f64,
    /// What a column of this form is.
    pub(super) class: Class,
    /// What it is where the name speaks of it too.
    pub(super) told: Class,
}

/// The most that a validator may add to the log odds.
const CAP: f64 = 10.0;

const fn form(
    rule: &'static str,
    item: Item,
    concepts: &'static [Concept],
    shape: fn(&str) -> bool,
    valid: fn(&str) -> bool,
    chance: f64,
    telling: f64,
) -> Form {
    let class = Class::Prohibited;
    Form { rule, item, concepts, shape, valid, chance, telling, most: CAP, class, told: class }
}

impl Form {
    const fn most(self, most: f64) -> Self {
        Self { most, ..self }
    }

    const fn class(self, class: Class, told: Class) -> Self {
        Self { class, told, ..self }
    }

    /// Whether a single value of this form stands out by itself.
    pub(super) fn is_strong(&self) -> bool {
        self.telling >= 6.0
    }
}

const SSN: &[Concept] = &[Concept::Ssn];
const DATES: &[Concept] = &[Concept::Date, Concept::BirthDate];
const PHONES: &[Concept] = &[Concept::Phone, Concept::Fax];
const PLACES: &[Concept] = &[Concept::Geohash, Concept::Latitude, Concept::Longitude];
const CODES: &[Concept] = &[Concept::Code, Concept::Record];

/// All forms. The chances are counted: see the tests of `checksum` and `temporal`.
pub(super) const FORMS: &[Form] = &[
    form(
        "A.last-first",
        Item::Names,
        &[Concept::FullName, Concept::Person],
        |t| t.contains(", "),
        last_first,
        0.1,
        0.0,
    )
    .most(5.0),
    form("B.street", Item::Geography, &[Concept::Street], street_shape, street, 0.02, 2.0),
    form(
        "B.city-state-zip",
        Item::Geography,
        &[Concept::Street, Concept::City],
        |t| t.contains(' '),
        city_state_zip,
        0.001,
        2.0,
    ),
    form("B.zip-plus-4", Item::Geography, &[Concept::Zip], |t| mask(t, "99999-9999"), |_| true, 0.9, 6.0)
        .class(Class::Conditional, Class::Conditional),
    form("B.postcode-canada", Item::Geography, &[Concept::Zip], canadian_shape, canadian, 0.4, 4.0)
        .class(Class::Conditional, Class::Conditional),
    form("B.postcode-britain", Item::Geography, &[Concept::Zip], british, |_| true, 0.9, 5.0)
        .class(Class::Conditional, Class::Conditional),
    form("B.coordinates", Item::Geography, PLACES, pair_shape, pair, 0.3, 4.0),
    form("B.plus-code", Item::Geography, PLACES, |t| t.contains('+') && t.len() >= 10, plus_code, 0.01, 2.0),
    form("C.date", Item::Dates, DATES, date_shape, |t| temporal::written(t).is_some(), 0.02, 2.0)
        .class(Class::Conditional, Class::Conditional),
    form("C.date-short-year", Item::Dates, DATES, short_date_shape, temporal::short_written, 0.09, 0.0)
        .class(Class::Conditional, Class::Conditional),
    form(
        "C.date-in-letters",
        Item::Dates,
        DATES,
        |t| t.contains(char::is_alphabetic),
        |t| temporal::in_letters(t).is_some(),
        0.0005,
        2.0,
    )
    .class(Class::Conditional, Class::Conditional),
    form(
        "C.date-compact",
        Item::Dates,
        DATES,
        |t| check::digits(t, 8),
        |t| temporal::compact(t).is_some(),
        0.0008,
        -2.0,
    )
    .class(Class::Conditional, Class::Conditional),
    form("C.timestamp-compact", Item::Dates, DATES, long_stamp, |t| temporal::compact(t).is_some(), 0.0005, 0.0)
        .class(Class::Conditional, Class::Conditional),
    form("C.month-year", Item::Dates, DATES, |t| (6..=14).contains(&t.len()), temporal::month_year, 0.02, 2.0)
        .class(Class::Conditional, Class::Conditional),
    form(
        "C.part-of-year",
        Item::Dates,
        &[Concept::DatePart, Concept::Date],
        |t| t.len() <= 8,
        temporal::part_of_year,
        0.01,
        0.0,
    )
    .class(Class::Review, Class::Review),
    form("C.named-day", Item::Dates, &[Concept::DatePart], |t| t.len() <= 9, temporal::named_day, 0.02, 0.0)
        .class(Class::Review, Class::Review),
    form("D.telephone", Item::Telephone, PHONES, phone_shape, |t| nanp_of(t).is_some(), 0.62, 5.5),
    form("D.telephone-digits", Item::Telephone, PHONES, ten_digits, |t| nanp_of(t).is_some(), 0.62, 0.0).most(3.0),
    form("D.telephone-abroad", Item::Telephone, PHONES, |t| t.starts_with('+'), international, 0.1, 4.0),
    form("F.email", Item::Email, &[Concept::Email], |t| t.contains('@'), email, 0.05, 6.0),
    form("G.ssn-dashed", Item::SocialSecurity, SSN, ssn_shape, |t| nine(t).is_some_and(|n| check::ssn(&n)), 0.889, 5.5),
    form("G.ssn-digits", Item::SocialSecurity, SSN, |t| check::digits(t, 9), check::ssn, 0.889, 0.0).most(3.0),
    form(
        "G.itin",
        Item::SocialSecurity,
        SSN,
        |t| nine(t).is_some_and(|n| n.starts_with('9')),
        |t| nine(t).is_some_and(|n| check::itin(&n)),
        0.44,
        0.0,
    ),
    form("I.mbi", Item::HealthPlan, &[Concept::Plan], |t| alnum(t, 11), check::mbi, 0.000_101, 0.0),
    form("I.hicn", Item::HealthPlan, &[Concept::Plan], hicn_shape, check::hicn, 0.4, 2.0),
    form("J.iban", Item::Account, &[Concept::Account], iban_shape, check::iban, 0.0103, 0.0),
    form("J.card", Item::Account, &[Concept::Account], card_shape, check::card, 0.04, 0.0),
    form("J.routing-number", Item::Account, &[Concept::Account], |t| check::digits(t, 9), check::aba, 0.037, 0.0)
        .class(Class::Review, Class::Review),
    form("K.dea", Item::Licence, &[Concept::Licence], dea_shape, check::dea, 0.1, 0.0),
    form(
        "K.npi",
        Item::Licence,
        &[Concept::Licence],
        |t| check::digits(t, 10) && t.starts_with(['1', '2']),
        check::npi,
        0.1,
        0.0,
    )
    .class(Class::Review, Class::Review),
    // The largest of the rates of several alphabets: 1 in 11 of digits, 1 in 33 of all characters that may occur, of which 22
    // are no check digit. So no column of long numbers is taken for vehicles.
    form("L.vin", Item::Vehicle, &[Concept::Vehicle], vin_shape, check::vin, 1.0 / 11.0, 0.0),
    form("M.imei", Item::Device, &[Concept::Device], |t| check::digits(t, 15), check::imei, 0.1, 0.0),
    form(
        "M.udi",
        Item::Device,
        &[Concept::Device],
        |t| t.starts_with("(01)") || t.starts_with("01") && t.len() > 16,
        check::udi,
        0.1,
        2.0,
    ),
    form(
        "M.gtin",
        Item::Device,
        &[Concept::Device],
        |t| (12..=14).contains(&t.len()) && all_digits(t),
        check::gtin,
        0.1,
        0.0,
    )
    .class(Class::Review, Class::Review),
    form("M.mac", Item::Device, &[Concept::Device], |t| t.len() == 17 || t.len() == 14, mac, 0.001, 0.0),
    form("N.url", Item::Url, &[Concept::Url], |t| t.contains('.'), url, 0.01, 4.0),
    form("O.ipv4", Item::NetworkAddress, &[Concept::Ip], |t| t.matches('.').count() == 3, ipv4, 0.05, 0.0),
    form(
        "O.ipv6",
        Item::NetworkAddress,
        &[Concept::Ip],
        |t| t.matches(':').count() >= 2,
        machines::network_address,
        0.01,
        2.0,
    ),
    form("P.vector", Item::Biometric, &[Concept::Biometric], |t| t.starts_with('['), vector, 0.05, 0.0)
        .class(Class::Review, Class::Prohibited),
    form("P.template", Item::Biometric, &[Concept::Biometric], |t| t.len() >= 12, biometric_magic, 0.001, 2.0),
    form("Q.image-path", Item::Photograph, &[Concept::Photo], |t| t.contains('.'), image_path, 0.01, 0.0)
        .class(Class::Review, Class::Prohibited),
    form("Q.image", Item::Photograph, &[Concept::Photo], |t| t.len() >= 24, image_magic, 0.001, 2.0)
        .class(Class::Review, Class::Prohibited),
    form("R.uuid", Item::OtherCode, CODES, |t| t.len() == 36, uuid, 0.000_1, 2.0),
    form("R.hex", Item::OtherCode, CODES, |t| matches!(t.len(), 24 | 32 | 40 | 64), hex, 0.000_1, 2.0),
    form("R.base64", Item::OtherCode, CODES, |t| t.len() >= 20 && !t.contains(' '), base64, 0.01, 0.0).most(3.0),
];

/// What a whole text is that can only be a value.
pub(super) fn value_form(text: &str) -> Option<&'static str> {
    let date = |text: &str| {
        temporal::day_of(text).is_some_and(|day| !day.short || text.contains('/') || text.contains(char::is_alphabetic))
    };
    let kinds: [(&str, bool); 4] = [
        ("a social security number", ssn_shape(text) && nine(text).is_some_and(|n| check::ssn_structure(&n))),
        ("an e-mail address", text.contains('@') && email(text)),
        ("a date", date(text)),
        ("a telephone number", phone_shape(text) && nanp_of(text).is_some()),
    ];
    kinds.into_iter().find(|(_, is)| *is).map(|(words, _)| words)
}

/// A mask of nines, capital As and literal characters.
pub(super) fn mask(text: &str, mask: &str) -> bool {
    let fits = |(c, m): (char, char)| match m {
        '9' => c.is_ascii_digit(),
        'A' => c.is_ascii_alphabetic(),
        _ => c == m,
    };
    text.len() == mask.len() && text.chars().zip(mask.chars()).all(fits)
}

fn all_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether the bare text has such a length, letters and digits.
fn alnum(text: &str, len: usize) -> bool {
    check::bare(text).is_some_and(|bare| {
        bare.len() == len
            && bare.contains(|c: char| c.is_ascii_digit())
            && bare.contains(|c: char| c.is_ascii_alphabetic())
    })
}

/// The nine digits of `999999999`, `999-99-9999` or `999 99 9999`.
pub(super) fn nine(text: &str) -> Option<String> {
    (ssn_shape(text) || check::digits(text, 9)).then(|| text.chars().filter(char::is_ascii_digit).collect())
}

fn ssn_shape(text: &str) -> bool {
    mask(text, "999-99-9999") || mask(text, "999 99 9999")
}

fn hicn_shape(text: &str) -> bool {
    check::bare(text).is_some_and(|bare| {
        (10..=11).contains(&bare.len())
            && all_digits(&bare[..9])
            && bare[9..].starts_with(|c: char| c.is_ascii_alphabetic())
    })
}

fn iban_shape(text: &str) -> bool {
    check::bare(text).is_some_and(|bare| (15..=34).contains(&bare.len()) && mask(&bare[..4], "AA99"))
}

fn card_shape(text: &str) -> bool {
    check::bare(text).is_some_and(|bare| (13..=19).contains(&bare.len()) && all_digits(&bare))
}

fn dea_shape(text: &str) -> bool {
    mask(text, "AA9999999") || mask(text, "A99999999")
}

fn vin_shape(text: &str) -> bool {
    text.len() == 17
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && text.contains(|c: char| c.is_ascii_digit())
}

fn date_shape(text: &str) -> bool {
    temporal_shape(text, 8..=10) && text.split(|c: char| !c.is_ascii_digit()).any(|part| part.len() == 4)
}

fn short_date_shape(text: &str) -> bool {
    temporal_shape(text, 6..=8)
        && !text.contains('.')
        && text.split(|c: char| !c.is_ascii_digit()).take(3).all(|part| part.len() <= 2)
}

/// Digits with two separators at the beginning of a text.
fn temporal_shape(text: &str, lens: std::ops::RangeInclusive<usize>) -> bool {
    let head = text.split(['T', ' ']).next().unwrap_or_default();
    lens.contains(&head.len())
        && head.chars().all(|c| c.is_ascii_digit() || "-/.".contains(c))
        && head.chars().filter(|c| !c.is_ascii_digit()).count() == 2
}

fn long_stamp(text: &str) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    matches!(digits, 10 | 12 | 14) && text[digits..].chars().all(|c| c.is_ascii_digit() || ".+-".contains(c))
}

/// The ten digits of a number of the North American plan, without the country's 1 and an extension.
pub(super) fn nanp_of(text: &str) -> Option<String> {
    let main = text.split(['x', 'e']).next().unwrap_or_default();
    let digits: String = main.chars().filter(char::is_ascii_digit).collect();
    let ten = if digits.len() == 11 { digits.strip_prefix('1')?.to_owned() } else { digits };
    (check::nanp(&ten) && !check::npi(&ten)).then_some(ten)
}

/// Ways to write ten digits as a telephone number.
const WRITTEN: [&str; 11] = [
    "999-999-9999",
    "(999) 999-9999",
    "(999)999-9999",
    "(999)-999-9999",
    "(999) 999.9999",
    "(999)999.9999",
    "(999) 999 9999",
    "999.999.9999",
    "999 999 9999",
    "999 999-9999",
    "999-9999999",
];

fn phone_shape(text: &str) -> bool {
    let body = text
        .trim_start_matches("+1")
        .trim_start_matches("001")
        .trim_start_matches("1-")
        .trim_start_matches("1 ")
        .trim_start_matches(['-', ' ', '.']);
    let main = body.split(['x', 'e']).next().unwrap_or_default().trim_end();
    WRITTEN.iter().any(|m| mask(main, m))
        || body.len() < text.len() && check::digits(main, 10) && text.starts_with('+')
        || main.len() == 10 && all_digits(main) && body.len() > main.len() && body.contains('x')
}

fn ten_digits(text: &str) -> bool {
    check::digits(text, 10) || check::digits(text, 11) && text.starts_with('1')
}

fn international(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    (8..=15).contains(&digits) && text.chars().skip(1).all(|c| c.is_ascii_digit() || " -()./".contains(c))
}

/// One address or a few, with or without the name of whose they are: `Jane Doe <jane@example.org>`.
fn email(text: &str) -> bool {
    text.split_whitespace().count() <= 6 && machines::email(text)
}

/// Endings of hosts without a scheme.
const ENDINGS: [&str; 14] =
    ["com", "org", "net", "gov", "edu", "io", "info", "biz", "us", "uk", "de", "ca", "health", "me"];

fn url(text: &str) -> bool {
    if text.contains([' ', '@', ',']) || text.len() > 300 {
        return false;
    }
    let host = text.split(['/', ':', '?']).next().unwrap_or_default();
    let parts: Vec<&str> = host.split('.').collect();
    let known = parts.len() >= 2
        && parts.iter().all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'))
        && parts[0].contains(|c: char| c.is_ascii_alphabetic())
        && ENDINGS.contains(&parts[parts.len() - 1].to_ascii_lowercase().as_str());
    machines::url(text) || known
}

/// Four numbers up to 255 that are not the machine itself; the numbers of versions are small, above all the first.
fn ipv4(text: &str) -> bool {
    let over = |least: u32| text.split('.').skip(1).filter(|part| part.parse::<u32>().is_ok_and(|n| n > least)).count();
    let large = text.split('.').any(|part| part.parse::<u32>().is_ok_and(|n| n > 31));
    large && machines::network_address(text) || over(31) >= 2 && over(99) >= 1 && machines::low_address(text)
}

fn mac(text: &str) -> bool {
    let colons = [':', '-'].iter().any(|sign| {
        let parts: Vec<&str> = text.split(*sign).collect();
        parts.len() == 6 && parts.iter().all(|part| part.len() == 2 && part.bytes().all(|b| b.is_ascii_hexdigit()))
    });
    let parts: Vec<&str> = text.split('.').collect();
    colons
        || parts.len() == 3 && parts.iter().all(|part| part.len() == 4 && part.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn uuid(text: &str) -> bool {
    let parts: Vec<usize> = text.split('-').map(str::len).collect();
    parts == [8, 4, 4, 4, 12] && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

fn hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
        && text.contains(|c: char| c.is_ascii_digit())
        && text.contains(|c: char| c.is_ascii_alphabetic())
}

/// Base64 that is no word: letters of both cases and digits.
fn base64(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let kinds: [fn(&u8) -> bool; 3] = [u8::is_ascii_lowercase, u8::is_ascii_uppercase, u8::is_ascii_digit];
    body.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte))
        && kinds.iter().all(|kind| body.bytes().any(|byte| kind(&byte)))
}

fn city_state_zip(text: &str) -> bool {
    numbers::postcode(text, &[]) && text.contains(|c: char| c.is_ascii_alphabetic())
}

fn canadian_shape(text: &str) -> bool {
    mask(text, "A9A 9A9") || mask(text, "A9A9A9") || mask(text, "A9A-9A9")
}

fn canadian(text: &str) -> bool {
    text.starts_with(|c: char| "ABCEGHJKLMNPRSTVXY".contains(c.to_ascii_uppercase()))
}

fn british(text: &str) -> bool {
    text.split_once(' ').is_some_and(|(out, inner)| {
        mask(inner, "9AA") && ["A9", "A99", "AA9", "AA99", "A9A", "AA9A"].iter().any(|m| mask(out, m))
    })
}

fn degrees(text: &str) -> Option<(f64, usize)> {
    let text = text.trim();
    let value = text.parse::<f64>().ok().filter(|value| value.is_finite())?;
    Some((value, text.rsplit_once('.').map_or(0, |(_, decimals)| decimals.len())))
}

fn pair_shape(text: &str) -> bool {
    let inner = text.trim_matches(['(', ')', '[', ']']);
    inner
        .split_once(',')
        .is_some_and(|(a, b)| degrees(a).is_some_and(|d| d.1 > 1) && degrees(b).is_some_and(|d| d.1 > 1))
}

fn pair(text: &str) -> bool {
    let inner = text.trim_matches(['(', ')', '[', ']']);
    let Some((a, b)) = inner.split_once(',') else { return false };
    degrees(a).is_some_and(|d| d.0.abs() <= 90.0) && degrees(b).is_some_and(|d| d.0.abs() <= 180.0 && d.0.abs() > 1.0)
}

fn plus_code(text: &str) -> bool {
    let alphabet = |part: &str| part.chars().all(|c| "23456789CFGHJMPQRVWX".contains(c.to_ascii_uppercase()));
    text.split_once('+').is_some_and(|(area, rest)| {
        area.len() == 8 && (2..=3).contains(&rest.len()) && alphabet(area) && alphabet(rest)
    })
}

/// A list of at least 64 numbers.
fn vector(text: &str) -> bool {
    let inner = text.trim_matches(['[', ']', '(', ')']);
    let parts: Vec<&str> = inner.split([',', ' ']).filter(|part| !part.is_empty()).collect();
    parts.len() >= 64 && parts.iter().all(|part| part.parse::<f64>().is_ok())
}

/// WSQ, ISO/IEC 19794 minutiae, iris and face records, in base64 or hexadecimal digits.
fn biometric_magic(text: &str) -> bool {
    const MAGIC: [&str; 8] = ["/6D/", "ffa0ffa", "Rk1SA", "464d5200", "SUlSA", "49495200", "RkFDA", "46414300"];
    MAGIC.iter().any(|magic| text.starts_with(magic))
}

const IMAGES: [&str; 13] =
    [".jpg", ".jpeg", ".png", ".dcm", ".tif", ".tiff", ".gif", ".bmp", ".heic", ".nii", ".webp", ".jp2", ".nii.gz"];

fn image_path(text: &str) -> bool {
    let lower = text.to_lowercase();
    text.len() <= 300 && IMAGES.iter().any(|ending| lower.ends_with(ending))
}

/// JPEG, PNG, GIF, BMP, TIFF or DICOM in base64, or a data URL of an image.
fn image_magic(text: &str) -> bool {
    const MAGIC: [&str; 6] = ["/9j/", "iVBORw0KGgo", "R0lGOD", "SUkqA", "TU0AK", "data:image/"];
    MAGIC.iter().any(|magic| text.starts_with(magic))
        || text.len() > 180 && text.bytes().take(24).all(|b| b == b'A') && text.contains("RElDT")
}

/// A postcode without what stands for digits that were taken off, and without the decimals of a data frame.
pub(super) fn bare_zip(text: &str) -> &str {
    let text = text.trim();
    text.strip_suffix(".0").unwrap_or(text).trim_end_matches(['*', 'X', 'x'])
}

/// A postcode of five digits or nine, of three digits, or one whose leading zeros a spreadsheet ate; its first three digits.
pub(super) fn zip_prefix(text: &str, table: &Zip3) -> Option<String> {
    let head = bare_zip(text.split('-').next().unwrap_or_default());
    if !all_digits(head) || head.is_empty() {
        return None;
    }
    let prefix = match head.len() {
        5 | 9 => head[..3].to_owned(),
        4 => format!("0{}", &head[..2]),
        3 => head.to_owned(),
        2 | 1 => format!("{head:0>3}"),
        _ => return None,
    };
    (prefix == "000" || table.in_use(&prefix)).then_some(prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forms_of(text: &str) -> Vec<&'static str> {
        FORMS.iter().filter(|form| (form.shape)(text) && (form.valid)(text)).map(|form| form.rule).collect()
    }

    /// The chances of forms whose random texts can be counted; the tests of the validators count them by their parts.
    #[test]
    fn chances_are_counted() {
        let chance = |rule: &str| FORMS.iter().find(|form| form.rule == rule).map(|form| form.chance).unwrap();
        let every = |alphabet: f64| f64::powi(alphabet, 11);
        let beneficiaries = 9.0 * 20_f64.powi(4) * 30_f64.powi(2) * 1e4;
        // 9.85e-5 of all texts of eleven digits and letters, a little more of those that have both.
        assert!((beneficiaries / every(36.0) - 9.846_4e-5).abs() < 5e-10);
        for (rule, counted) in [
            ("C.date-compact", 80_354e-8),
            ("G.ssn-digits", 898.0 * 99.0 * 9_999.0 / 1e9),
            ("G.ssn-dashed", 898.0 * 99.0 * 9_999.0 / 1e9),
            ("G.itin", 0.44),
            ("I.mbi", beneficiaries / (every(36.0) - every(10.0) - every(26.0))),
            ("K.npi", 0.1),
            ("L.vin", 1.0 / 11.0),
            ("M.imei", 0.1),
        ] {
            let chance = chance(rule);
            assert!((chance / counted - 1.0).abs() < 0.005, "{rule}: {chance} is not {counted}");
        }
        // Twenty random numbers that all pass: for providers that does not happen, for social security numbers it does.
        assert!((chance("K.npi").powi(20) / 1e-20 - 1.0).abs() < 1e-9);
        assert!((chance("G.ssn-digits").powi(20) - 0.095).abs() < 5e-4);
    }

    #[test]
    fn every_form_has_an_example() {
        let cases: [(&str, &str); 50] = [
            ("A.last-first", "Qwxz, Abcd"),
            ("B.street", "1600 Pennsylvania Ave NW"),
            ("B.city-state-zip", "Boston, MA 02139"),
            ("B.zip-plus-4", "02139-4307"),
            ("B.postcode-canada", "K1A 0B1"),
            ("B.postcode-britain", "SW1A 1AA"),
            ("B.coordinates", "(42.3601, -71.0589)"),
            ("B.plus-code", "87JC9W76+5G"),
            ("C.date", "1950-02-28"),
            ("C.date", "2/28/1950 10:30"),
            ("C.date-short-year", "2/28/50"),
            ("C.date-in-letters", "28-Feb-1950"),
            ("C.date-compact", "19500228"),
            ("C.timestamp-compact", "20190228103000"),
            ("C.month-year", "Feb 1950"),
            ("C.part-of-year", "2019Q3"),
            ("C.named-day", "Tuesday"),
            ("D.telephone", "(617) 555-0123"),
            ("D.telephone", "617.555.0123x42"),
            ("D.telephone", "(617)555.0123"),
            ("D.telephone", "1 (617) 555-0123"),
            ("F.email", "jane.doe@example.org, joe@example.org"),
            ("O.ipv4", "8.120.240.7"),
            ("C.date-in-letters", "28FEB2019:10:30:00"),
            ("C.date-short-year", "50/02/28"),
            ("D.telephone", "+1-617-555-0123"),
            ("D.telephone-digits", "6175550123"),
            ("D.telephone-abroad", "+49 30 901820"),
            ("F.email", "jane.doe@example.org"),
            ("G.ssn-dashed", "219-09-8999"),
            ("G.ssn-digits", "219098999"),
            ("G.itin", "912-70-1234"),
            ("I.mbi", "1EG4-TE5-MK73"),
            ("I.hicn", "219-09-8999A"),
            ("J.iban", "GB82 WEST 1234 5698 7654 32"),
            ("J.card", "4111-1111-1111-1111"),
            ("J.routing-number", "021000021"),
            ("K.dea", "AB1234563"),
            ("K.npi", "1234567893"),
            ("L.vin", "1M8GDM9AXKP042788"),
            ("M.imei", "490154203237518"),
            ("M.mac", "00:1A:2B:3C:4D:5E"),
            ("N.url", "https://example.org/x"),
            ("N.url", "portal.example.com/u/7"),
            ("O.ipv4", "192.168.0.17"),
            ("O.ipv6", "2001:db8:85a3::8a2e:370:7334"),
            ("Q.image-path", "scans/0042.DCM"),
            ("Q.image", "/9j/4AAQSkZJRgABAQAAAQABAAD"),
            ("R.uuid", "123e4567-e89b-12d3-a456-426614174000"),
            ("R.hex", "d41d8cd98f00b204e9800998ecf8427e"),
        ];
        for (rule, text) in cases {
            assert!(forms_of(text).contains(&rule), "{text}: {:?}", forms_of(text));
        }
    }

    /// What only looks like an identifier has none of these forms, or a form that needs the name of the column to count.
    #[test]
    fn codes_versions_and_measurements_have_no_form() {
        for text in [
            "1.2.3.4",
            "4.52.17.3",
            "10.1.2",
            "2.16.840.1.113883",
            "I25.10",
            "D3",
            "H1",
            "INTRODUCTORY",
            "4548-4",
            "120/80",
            "7.35",
            "<5",
            "A+",
            "Q4",
        ] {
            assert_eq!(forms_of(text), Vec::<&str>::new(), "{text}");
        }
    }

    #[test]
    fn prefixes_of_postcodes() {
        let table = Zip3::vintage_of("census-2020").expect("it is there");
        for (text, prefix) in [
            ("02139", "021"),
            ("2139", "021"),
            ("021", "021"),
            ("21", "021"),
            ("02139-4307", "021"),
            ("021**", "021"),
            ("2139.0", "021"),
            ("000", "000"),
        ] {
            assert_eq!(zip_prefix(text, &table).as_deref(), Some(prefix), "{text}");
        }
        assert_eq!(zip_prefix("00100", &table), None, "nobody lives there");
        assert_eq!(zip_prefix("K1A", &table), None);
    }
}
