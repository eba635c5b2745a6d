//! Unsalted digests of values that somebody could try out: MD5, SHA-1 and SHA-256.

use std::collections::HashSet;

use md5::Md5;
use rayon::prelude::*;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use super::names::all_names;
use super::temporal::date_of;

/// The digest that a column may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    Md5,
    Sha1,
    Sha256,
}

impl Algorithm {
    fn of_length(bytes: usize) -> Option<Self> {
        match bytes {
            16 => Some(Self::Md5),
            20 => Some(Self::Sha1),
            32 => Some(Self::Sha256),
            _ => None,
        }
    }

    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha1 => "SHA-1",
            Self::Sha256 => "SHA-256",
        }
    }

    pub(super) fn digest(self, text: &str) -> Vec<u8> {
        match self {
            Self::Md5 => Md5::digest(text).to_vec(),
            Self::Sha1 => Sha1::digest(text).to_vec(),
            Self::Sha256 => Sha256::digest(text).to_vec(),
        }
    }
}

/// The bytes of a digest written in hexadecimal or base64, and what made them by their number.
pub(super) fn parse(text: &str) -> Option<(Algorithm, Vec<u8>)> {
    let text = text.trim();
    let bytes = if matches!(text.len(), 32 | 40 | 64) { unhex(text)? } else { unbase64(text)? };
    Algorithm::of_length(bytes.len()).map(|algorithm| (algorithm, bytes))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let value = |byte: &u8| (*byte as char).to_digit(16).map(|value| value as u8);
    text.as_bytes().chunks(2).map(|pair| Some(value(&pair[0])? << 4 | value(pair.get(1)?)?)).collect()
}

/// Base64 of 16, 20 or 32 bytes, either alphabet, with or without padding.
fn unbase64(text: &str) -> Option<Vec<u8>> {
    let body = text.trim_end_matches('=');
    if !matches!(body.len(), 22 | 27 | 43) {
        return None;
    }
    let (mut bits, mut held, mut bytes) = (0_u32, 0, Vec::new());
    for byte in body.bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    Some(bytes)
}

/// A value in the ways in which people write it before they hash it.
pub(super) fn variants(text: &str) -> Vec<String> {
    let trimmed = text.trim();
    let without: String = trimmed.chars().filter(|c| !matches!(c, '-' | ' ' | '(' | ')' | '.' | '/')).collect();
    let mut all = vec![
        text.to_owned(),
        trimmed.to_owned(),
        trimmed.to_uppercase(),
        trimmed.to_lowercase(),
        without.to_lowercase(),
        without,
    ];
    all.sort();
    all.dedup();
    all
}

/// The small set of values from which most of some digests come, in words; nothing where none is it.
///
/// Tried are the whole numbers below `numbers`, bare and with zeros in front up to ten digits; every day from 1900 to 2099 in
/// four ways of writing; and the common names of the United States. O(numbers).
pub(super) fn small_space(algorithm: Algorithm, wanted: &HashSet<Vec<u8>>, numbers: u64) -> Option<&'static str> {
    let enough = wanted.len().div_ceil(2).max(3);
    let hit = |text: &str| wanted.contains(&algorithm.digest(text));
    let (from, to) = (date_day(1900), date_day(2100));
    let dates =
        || (from..to).into_par_iter().map(|day| date_of(day).iter().filter(|text| hit(text)).count()).sum::<usize>();
    let named =
        || all_names().par_iter().filter(|name| hit(name) || hit(&name.to_uppercase()) || hit(&capital(name))).count();
    let bare = || (0..numbers).into_par_iter().filter(|number| hit(&number.to_string())).count();
    let padded = |width: usize| {
        let most = numbers.min(10_u64.pow(width as u32)).min(200_000);
        (0..most).into_par_iter().filter(|number| hit(&format!("{number:0width$}"))).count()
    };
    if wanted.len() < 3 || numbers == 0 {
        return None;
    }
    if named() >= enough {
        return Some("common names");
    }
    if dates() >= enough {
        return Some("dates");
    }
    let numbered = bare() >= enough || (4..=10).any(|width| padded(width) >= enough);
    numbered.then_some("small numbers")
}

fn date_day(year: i64) -> i64 {
    super::temporal::day_number(year, 1, 1)
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().collect::<String>() + letters.as_str()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::hex;

    /// The digests of `abc` that RFC 1321, FIPS 180-4 print.
    #[test]
    fn digests_equal_the_standards() {
        let cases = [
            (Algorithm::Md5, "900150983cd24fb0d6963f7d28e17f72"),
            (Algorithm::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (Algorithm::Sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ];
        for (algorithm, text) in cases {
            assert_eq!(hex(&algorithm.digest("abc")), text);
            assert_eq!(parse(&text.to_uppercase()), Some((algorithm, algorithm.digest("abc"))));
        }
        // printf abc | openssl md5 -binary | base64
        assert_eq!(parse("kAFQmDzST7DWlj99KOF/cg=="), Some((Algorithm::Md5, Algorithm::Md5.digest("abc"))));
        assert_eq!(parse("zz0150983cd24fb0d6963f7d28e17f72"), None);
    }

    #[test]
    fn small_spaces_are_found() {
        let digests = |texts: &[&str]| texts.iter().map(|text| Algorithm::Sha256.digest(text)).collect::<HashSet<_>>();
        let search = |texts: &[&str]| small_space(Algorithm::Sha256, &digests(texts), 20_000);
        assert_eq!(search(&["17", "4711", "19999"]), Some("small numbers"));
        assert_eq!(search(&["0000017", "0004711", "0019999"]), Some("small numbers"));
        assert_eq!(search(&["1950-02-28", "2001-01-01", "1999-12-31"]), Some("dates"));
        assert_eq!(search(&["Mary", "John", "Linda"]), Some("common names"));
        assert_eq!(search(&["salted-17", "salted-4711", "salted-19999"]), None);
    }
}
