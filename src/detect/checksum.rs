//! Numbers with a structure or a check digit: whole texts in, yes or no out.
//!
//! Letters may be of either case; separators are taken off by [`bare`] where the written form has them.

/// The digits and letters of a text whose other characters are only spaces, dots and hyphens; nothing otherwise.
pub(super) fn bare(text: &str) -> Option<String> {
    let kept: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '.')).collect();
    kept.chars().all(|c| c.is_ascii_alphanumeric()).then(|| kept.to_ascii_uppercase())
}

pub(super) fn digits(text: &str, len: usize) -> bool {
    text.len() == len && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The value of a digit, of a letter from A = 10.
fn value(byte: u8) -> u32 {
    (byte as char).to_digit(36).unwrap_or(0)
}

fn weighted(text: &str, weights: &[u32]) -> u32 {
    text.bytes().zip(weights.iter().cycle()).map(|(byte, weight)| value(byte) * weight).sum()
}

/// The check digit of ISO/IEC 7812, over digits with a head start.
fn luhn_with(digits: &str, start: u32) -> bool {
    let weigh = |(at, byte): (usize, u8)| {
        let digit = value(byte);
        match (at % 2, digit * 2) {
            (0, _) => digit,
            (_, double) => double / 10 + double % 10,
        }
    };
    !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && (start + digits.bytes().rev().enumerate().map(weigh).sum::<u32>()).is_multiple_of(10)
}

/// Luhn's check digit. Pass rate of random digits: 1/10.
pub(super) fn luhn(text: &str) -> bool {
    luhn_with(text, 0)
}

/// A national provider identifier: ten digits from 1 or 2, Luhn behind the prefix 80840, which adds 24 to the sum.
pub(super) fn npi(text: &str) -> bool {
    digits(text, 10) && text.starts_with(['1', '2']) && luhn_with(text, 24)
}

/// A number of the Drug Enforcement Administration: two letters, seven digits, `(d1+d3+d5) + 2(d2+d4+d6)` ends in d7.
pub(super) fn dea(text: &str) -> bool {
    let Some((letters, number)) = text.split_at_checked(2) else { return false };
    let first = letters.starts_with(|c: char| "ABCDEFGHJKLMPRSTUX".contains(c.to_ascii_uppercase()));
    let second = letters.ends_with(|c: char| c.is_ascii_alphabetic() || c == '9');
    first && second && digits(number, 7) && weighted(&number[..6], &[1, 2]) % 10 == value(number.as_bytes()[6])
}

/// A routing number of the American Bankers Association: prefix in use, weights 3, 7, 1.
pub(super) fn aba(text: &str) -> bool {
    let prefix = text.get(..2).and_then(|two| two.parse::<u32>().ok()).unwrap_or(99);
    let used = matches!(prefix, 0..=12 | 21..=32 | 61..=72 | 80);
    digits(text, 9) && used && text != "000000000" && weighted(text, &[3, 7, 1]).is_multiple_of(10)
}

/// An international bank account number: ISO 13616, remainder 1 modulo 97.
pub(super) fn iban(text: &str) -> bool {
    let Some(text) = bare(text) else { return false };
    let bytes = text.as_bytes();
    let head = bytes.len() >= 15
        && bytes.len() <= 34
        && bytes[..2].iter().all(u8::is_ascii_alphabetic)
        && bytes[2..4].iter().all(u8::is_ascii_digit);
    let step = |rest: u32, byte: &u8| {
        let value = value(*byte);
        (rest * if value > 9 { 100 } else { 10 } + value) % 97
    };
    head && bytes[4..].iter().chain(&bytes[..4]).fold(0, step) == 1
}

/// A payment card: 13 to 19 digits, an issuer's prefix in use, Luhn.
pub(super) fn card(text: &str) -> bool {
    let Some(text) = bare(text) else { return false };
    let prefix = |len: usize| text.get(..len).and_then(|head| head.parse::<u32>().ok()).unwrap_or(0);
    let issued = match text.len() {
        13 => prefix(1) == 4,
        14 => matches!(prefix(3), 300..=305) || matches!(prefix(2), 36 | 38 | 39),
        15 => matches!(prefix(2), 34 | 37) || matches!(prefix(4), 1800 | 2131),
        16 => {
            prefix(1) == 4
                || matches!(prefix(2), 51..=55 | 65)
                || matches!(prefix(4), 2221..=2720 | 3528..=3589 | 6011)
                || matches!(prefix(3), 644..=649)
        }
        17..=19 => prefix(1) == 4 || matches!(prefix(2), 50 | 56..=58 | 62 | 63 | 67),
        _ => false,
    };
    issued && luhn(&text)
}

/// A vehicle identification number: 17 characters without I, O and Q, the ninth a check digit modulo 11.
pub(super) fn vin(text: &str) -> bool {
    const WEIGHTS: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
    let worth = |byte: u8| match byte.to_ascii_uppercase() {
        digit @ b'0'..=b'9' => Some(u32::from(digit - b'0')),
        b'I' | b'O' | b'Q' => None,
        letter @ b'A'..=b'H' => Some(u32::from(letter - b'A') + 1),
        letter @ b'J'..=b'R' => Some(u32::from(letter - b'J') + 1),
        letter @ b'S'..=b'Z' => Some(u32::from(letter - b'S') + 2),
        _ => None,
    };
    let worths: Option<Vec<u32>> = text.bytes().map(worth).collect();
    let Some(worths) = worths.filter(|worths| worths.len() == 17) else { return false };
    let rest = worths.iter().zip(WEIGHTS).map(|(worth, weight)| worth * weight).sum::<u32>() % 11;
    let check = text.as_bytes()[8].to_ascii_uppercase();
    if rest == 10 { check == b'X' } else { check == b'0' + rest as u8 }
}

/// An identity of mobile equipment: 15 digits, Luhn.
pub(super) fn imei(text: &str) -> bool {
    digits(text, 15) && luhn(text)
}

/// A global trade item number: 8, 12, 13 or 14 digits, weights 3 and 1 from the right.
pub(super) fn gtin(text: &str) -> bool {
    let fits = matches!(text.len(), 8 | 12 | 13 | 14) && text.bytes().all(|byte| byte.is_ascii_digit());
    let sum = |text: &str| -> u32 {
        text.bytes().rev().enumerate().map(|(at, byte)| value(byte) * if at % 2 == 0 { 1 } else { 3 }).sum()
    };
    fits && sum(text).is_multiple_of(10)
}

/// A unique device identifier of GS1: `(01)` and a GTIN of 14 digits, then whatever says which piece.
pub(super) fn udi(text: &str) -> bool {
    let rest = text.strip_prefix("(01)").or_else(|| text.strip_prefix("01").filter(|rest| rest.len() > 16));
    rest.and_then(|rest| rest.get(..14)).is_some_and(gtin)
}

/// A Medicare beneficiary identifier: 11 characters, without S, L, O, I, B and Z.
pub(super) fn mbi(text: &str) -> bool {
    let Some(text) = bare(text) else { return false };
    let letter = |byte: u8| byte.is_ascii_uppercase() && !b"SLOIBZ".contains(&byte);
    let fits = |(byte, kind): (u8, u8)| match kind {
        b'1' => (b'1'..=b'9').contains(&byte),
        b'9' => byte.is_ascii_digit(),
        b'A' => letter(byte),
        _ => byte.is_ascii_digit() || letter(byte),
    };
    text.len() == 11 && text.bytes().zip(*b"1AX9AX9AA99").all(fits)
}

/// The structure of a social security number: nine digits; area, group and serial that were ever given out.
pub(super) fn ssn_structure(nine: &str) -> bool {
    if !digits(nine, 9) {
        return false;
    }
    let (area, group, serial) = (&nine[..3], &nine[3..5], &nine[5..]);
    !(area == "000" || area == "666" || area.starts_with('9') || group == "00" || serial == "0000")
}

/// The structure of a social security number, and none of the numbers that were printed in advertisements.
pub(super) fn ssn(nine: &str) -> bool {
    let advertised = matches!(nine, "078051120" | "123456789" | "219099999") || nine.starts_with("98765432");
    ssn_structure(nine) && !advertised
}

/// A number of an individual taxpayer: 9xx, then 50-65, 70-88, 90-92, 94-99.
pub(super) fn itin(nine: &str) -> bool {
    let group = nine.get(3..5).and_then(|group| group.parse::<u32>().ok()).unwrap_or(0);
    digits(nine, 9) && nine.starts_with('9') && matches!(group, 50..=65 | 70..=88 | 90..=92 | 94..=99)
}

/// A health insurance claim number of old: a social security number and a suffix of a letter, or a letter and a digit.
pub(super) fn hicn(text: &str) -> bool {
    let Some(text) = bare(text) else { return false };
    let Some((number, suffix)) = text.split_at_checked(9) else { return false };
    let bytes = suffix.as_bytes();
    let ending = match bytes {
        [one] => b"ABCDEFHJKMTW".contains(one),
        [one, two] => b"ABCDEFHJKMTW".contains(one) && two.is_ascii_alphanumeric(),
        _ => false,
    };
    ssn(number) && ending
}

/// The ten digits of a number of the North American plan: area and exchange from 200, neither ends in 11.
pub(super) fn nanp(ten: &str) -> bool {
    let part = |three: &str| three.starts_with(|c| ('2'..='9').contains(&c)) && !three.ends_with("11");
    digits(ten, 10) && part(&ten[..3]) && part(&ten[3..6])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values that the issuers print as examples, and one digit changed.
    #[test]
    fn printed_examples_pass_and_their_neighbours_do_not() {
        type Validator = fn(&str) -> bool;
        let cases: [(Validator, &str, &str); 18] = [
            (npi, "1234567893", "1234567890"),
            (vin, "1M8GDM9AXKP042788", "1M8GDM9A1KP042788"),
            (vin, "11111111111111111", "11111111111111112"),
            (aba, "021000021", "021000022"),
            (dea, "AB1234563", "AB1234564"),
            (mbi, "1EG4-TE5-MK73", "1SG4-TE5-MK73"),
            (mbi, "1eg4te5mk73", "0EG4TE5MK73"),
            (iban, "GB82 WEST 1234 5698 7654 32", "GB82 WEST 1234 5698 7654 33"),
            (iban, "DE89370400440532013000", "DE89370400440532013001"),
            (card, "4111 1111 1111 1111", "4111 1111 1111 1112"),
            (card, "378282246310005", "178282246310005"),
            (imei, "490154203237518", "490154203237519"),
            (gtin, "00614141999996", "00614141999997"),
            (gtin, "4006381333931", "4006381333932"),
            (udi, "(01)00614141999996(21)A1", "(01)00614141999997(21)A1"),
            (hicn, "123-45-6788A", "123-45-6788Y"),
            (itin, "912701234", "912891234"),
            (nanp, "6175550123", "6119550123"),
        ];
        for (valid, good, bad) in cases {
            assert!(valid(good), "{good}");
            assert!(!valid(bad), "{bad}");
        }
    }

    #[test]
    fn social_security_numbers_have_a_structure() {
        assert!(ssn("219098999") && ssn("899999999"));
        for never in
            ["000123456", "666123456", "900123456", "123006789", "123450000", "078051120", "123456789", "987654321"]
        {
            assert!(!ssn(never), "{never}");
        }
    }

    /// The fourth and fifth digit, on both sides of every border.
    #[test]
    fn taxpayers_have_their_groups() {
        let groups: Vec<u32> = (0..100).filter(|group| itin(&format!("912{group:02}1234"))).collect();
        let expected: Vec<u32> = (50..=65).chain(70..=88).chain(90..=92).chain(94..=99).collect();
        assert_eq!((groups.len(), groups), (44, expected));
        assert!(itin("900501234") && !itin("899501234") && !itin("91250123") && !itin("9125012345"));
    }

    /// The share of texts that pass.
    fn rate(texts: impl Iterator<Item = String>, valid: fn(&str) -> bool) -> f64 {
        let texts: Vec<String> = texts.collect();
        texts.iter().filter(|text| valid(text)).count() as f64 / texts.len() as f64
    }

    /// Pass rates on random digits, as the terms of the decision take them: a tenth for Luhn (of any digits, of cards
    /// with a prefix in use, of mobile equipment), NPI, DEA and the weights of ABA.
    #[test]
    fn pass_rates_are_what_the_decision_assumes() {
        type Case = (&'static str, fn(&str) -> bool);
        // A full period of the last four digits behind fixed heads is exact for a check digit.
        let behind = |head: &'static str| (0..10_000).map(move |n| format!("{head}{n:04}"));
        let cases: [Case; 7] = [
            ("123456", npi),
            ("AB123", dea),
            ("02100", aba),
            ("411111111111", card),
            ("37828224631", card),
            ("49015420323", imei),
            ("793927", luhn),
        ];
        for (head, valid) in cases {
            assert_eq!(rate(behind(head), valid), 0.1, "{head}");
        }
    }

    /// 898 of 1,000 areas, 99 of 100 groups and 9,999 of 10,000 serials, whatever the other parts are: 0.889.
    #[test]
    fn structures_of_social_security_numbers_are_counted() {
        let passing = |numbers: &mut dyn Iterator<Item = String>| numbers.filter(|nine| ssn_structure(nine)).count();
        for (area, group, serial) in [(1, 1, 1), (899, 99, 9_999), (219, 9, 9_998)] {
            let areas = passing(&mut (0..1_000).map(|area| format!("{area:03}{group:02}{serial:04}")));
            let groups = passing(&mut (0..100).map(|group| format!("{area:03}{group:02}{serial:04}")));
            let serials = passing(&mut (0..10_000).map(|serial| format!("{area:03}{group:02}{serial:04}")));
            assert_eq!((areas, groups, serials), (898, 99, 9_999));
        }
        assert_eq!(898 * 99 * 9_999, 888_931_098);
        // Of the numbers in advertisements three have the structure.
        let advertised = ["078051120", "123456789", "219099999", "987654320", "987654329"];
        assert_eq!(advertised.map(ssn_structure), [true, true, true, false, false]);
        assert!(!advertised.iter().any(|nine| ssn(nine)));
    }

    /// Whatever stands elsewhere, one of the eleven characters from 0 to 9 and X is the check digit: 1/11 of these pass, 1/33 of
    /// the characters that a number may have, and 1/11 of numbers of digits, of which the eleventh rest has none.
    #[test]
    fn vehicles_pass_by_one_character_in_eleven() {
        let letters = "0123456789ABCDEFGHJKLMNPRSTUVWXYZ";
        let mut state = 1_u64;
        let mut other = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            letters.as_bytes()[(state >> 33) as usize % letters.len()] as char
        };
        for _ in 0..500 {
            let (head, tail): (String, String) = ((0..8).map(|_| other()).collect(), (0..8).map(|_| other()).collect());
            let passing: String =
                ('0'..='9').chain('A'..='Z').filter(|check| vin(&format!("{head}{check}{tail}"))).collect();
            assert!(passing.len() == 1 && "0123456789X".contains(&passing), "{head}_{tail}: {passing}");
        }
        let digits = (0..100_000).map(|n| format!("12345678{}1234{:04}", n / 10_000, n % 10_000));
        assert!((rate(digits, vin) - 1.0 / 11.0).abs() < 1e-4);
    }

    /// Characters that may stand at each place of an example: of 36^11 texts 1.296e13.
    #[test]
    fn beneficiaries_are_counted_by_place() {
        let example = "1EG4TE5MK73";
        let passing = |at: usize| {
            let (head, tail) = (&example[..at], &example[at + 1..]);
            ('0'..='9').chain('A'..='Z').filter(|c| mbi(&format!("{head}{c}{tail}"))).count() as u64
        };
        let places: Vec<u64> = (0..11).map(passing).collect();
        assert_eq!(places, [9, 20, 30, 10, 20, 30, 10, 20, 20, 10, 10]);
        assert_eq!(places.iter().product::<u64>(), 12_960_000_000_000);
    }
}
