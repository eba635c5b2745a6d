//! What a text of a file is: a number, a truth value, a missing cell; and which numbers a missing cell is where the file holds numbers.

use super::Kind;

/// From here on, not every whole number is a float: 2^53.
const INEXACT: f64 = 9_007_199_254_740_992.0;

/// Whether a type holds a text without making another value of it.
pub(super) fn fits(text: &str, kind: Kind) -> bool {
    match kind {
        Kind::Text => true,
        Kind::Integer => text.parse::<i64>().is_ok_and(|value| value.to_string() == text),
        Kind::Float => parse_float(text).is_some_and(|value| is_exact(text, value)),
        Kind::Bool => parse_bool(text).is_some(),
    }
}

/// Whether a float is the number that its text says, as far as whole numbers go: of two numbers of twenty digits it may make one. What is
/// written with an exponent is a measurement.
fn is_exact(text: &str, value: f64) -> bool {
    if value.abs() < INEXACT || text.contains(['e', 'E']) {
        return true;
    }
    let whole = match text.split_once('.') {
        Some((whole, decimals)) if decimals.bytes().all(|digit| digit == b'0') => whole,
        _ => text,
    };
    whole.strip_prefix('+').unwrap_or(whole) == format!("{value:.0}")
}

/// Whether a float is this whole number.
pub(super) fn is_exact_whole(value: i64) -> bool {
    i128::from(value) == (value as f64) as i128
}

/// A number as people write it; `007` is a code and `nan` a word.
pub(super) fn parse_float(text: &str) -> Option<f64> {
    let digits = text.trim_start_matches(['-', '+']).as_bytes();
    let code = digits.len() > 1 && digits[0] == b'0' && digits[1].is_ascii_digit();
    let starts = digits.first().is_some_and(|byte| byte.is_ascii_digit() || *byte == b'.');
    if code || !starts { None } else { text.parse::<f64>().ok().filter(|value| value.is_finite()) }
}

pub(super) fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}

/// The bits by which a float is told from others: -0 equals 0.
pub(super) fn bits(value: f64) -> u64 {
    (value + 0.0).to_bits()
}

/// The texts that mean a missing cell, and the values that they are in columns of numbers.
pub(super) struct Markers<'a> {
    texts: &'a [String],
    floats: Vec<u64>,
    wholes: Vec<i128>,
    bools: Vec<bool>,
}

impl<'a> Markers<'a> {
    pub(super) fn of(texts: &'a [String]) -> Self {
        let numbers = texts.iter().filter_map(|text| parse_float(text));
        // A column of 32 bits holds -9.99 as another number than one of 64.
        let floats = numbers.flat_map(|number| [bits(number), bits(f64::from(number as f32))]).collect();
        let whole = |text: &String| {
            let number = parse_float(text)?;
            let exact = number.fract() == 0.0 && number.abs() < INEXACT;
            text.parse().ok().or_else(|| exact.then_some(number as i128))
        };
        let wholes = texts.iter().filter_map(whole).collect();
        Self { texts, floats, wholes, bools: texts.iter().filter_map(|text| parse_bool(text)).collect() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    pub(super) fn text(&self, text: &str) -> bool {
        self.texts.iter().any(|marker| marker == text)
    }

    /// A float by its [`bits`].
    pub(super) fn float(&self, bits: u64) -> bool {
        self.floats.contains(&bits)
    }

    pub(super) fn whole(&self, value: impl Into<i128>) -> bool {
        self.wholes.contains(&value.into())
    }

    pub(super) fn bool(&self, value: bool) -> bool {
        self.bools.contains(&value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_float_holds_what_it_does_not_change() {
        for text in
            ["0.1", "1e300", "-1.5", "9007199254740991", "1.2345678901234567e19", "36893488147419103232", "+5.0"]
        {
            assert!(fits(text, Kind::Float), "{text}");
        }
        // 2^53 + 1, 3 * 10^19 + 1, an id of 17 digits, with and without decimals.
        for text in [
            "9007199254740993",
            "-9007199254740993",
            "30000000000000000001",
            "12345678901234567.0",
            "10000000000000000.5",
        ] {
            assert!(!fits(text, Kind::Float), "{text}");
        }
        assert!(is_exact_whole(-(1 << 53)) && is_exact_whole(1 << 60) && is_exact_whole(i64::MIN));
        assert!(!is_exact_whole((1 << 53) + 1) && !is_exact_whole(i64::MAX));
    }

    #[test]
    fn a_marker_is_the_number_that_it_says() {
        let texts = ["999", "-9.99", "007", "?", "True", "18446744073709551615"].map(str::to_owned);
        let markers = Markers::of(&texts);
        assert!(markers.whole(999_i64) && markers.whole(u64::MAX) && !markers.whole(7_i64) && !markers.whole(-9_i64));
        assert!([999.0, -9.99, f64::from(-9.99_f32)].into_iter().all(|value| markers.float(bits(value))));
        assert!(!markers.float(bits(7.0)) && markers.bool(true) && !markers.bool(false) && markers.text("?"));
    }
}
