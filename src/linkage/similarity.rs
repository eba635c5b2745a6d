//! How alike two texts are.

/// The Jaro similarity of two texts, from 0 to 1: a third of the shares of matching characters in either text and of those
/// that stand in the same order. Characters match within half the longer text's length less one. Two empty texts are equal.
///
/// Reference: Jaro, JASA 84 (1989) 414-420. O(characters squared).
///
/// ```
/// use privet::linkage::jaro;
/// // 6 of 6 match, one transposition: (1 + 1 + 5/6) / 3.
/// assert!((jaro("MARTHA", "MARHTA") - 17.0 / 18.0).abs() < 1e-12);
/// ```
pub fn jaro(first: &str, second: &str) -> f64 {
    let (a, b): (Vec<char>, Vec<char>) = (first.chars().collect(), second.chars().collect());
    let window = window(a.len(), b.len());
    let mut taken = vec![false; b.len()];
    let mut matched = Vec::with_capacity(a.len());
    for (i, letter) in a.iter().enumerate() {
        let (from, to) = (i.saturating_sub(window), (i + window + 1).min(b.len()));
        if let Some(j) = (from..to).find(|&j| !taken[j] && b[j] == *letter) {
            taken[j] = true;
            matched.push(*letter);
        }
    }
    let others = b.iter().zip(&taken).filter(|(_, taken)| **taken).map(|(letter, _)| letter);
    let moved = matched.iter().zip(others).filter(|(x, y)| x != y).count();
    ratio(a.len(), b.len(), matched.len(), moved)
}

/// The Jaro-Winkler similarity of two texts, from 0 to 1: where the Jaro similarity is above 0.7, a tenth of what is left to
/// 1 is added for every letter of a common beginning, four at most.
///
/// Reference: Winkler, Proceedings of the Section on Survey Research Methods, ASA (1990) 354-359.
///
/// ```
/// use privet::linkage::jaro_winkler;
/// assert!((jaro_winkler("DWAYNE", "DUANE") - 0.84).abs() < 1e-12);
/// ```
pub fn jaro_winkler(first: &str, second: &str) -> f64 {
    let common = first.chars().zip(second.chars()).take(4).take_while(|(a, b)| a == b).count();
    boosted(jaro(first, second), common)
}

fn boosted(jaro: f64, common: usize) -> f64 {
    if jaro > 0.7 { jaro + 0.1 * common as f64 * (1.0 - jaro) } else { jaro }
}

fn window(a: usize, b: usize) -> usize {
    (a.max(b) / 2).saturating_sub(1)
}

fn ratio(a: usize, b: usize, matched: usize, moved: usize) -> f64 {
    if a == 0 && b == 0 {
        return 1.0;
    }
    if matched == 0 {
        return 0.0;
    }
    let m = matched as f64;
    (m / a as f64 + m / b as f64 + (m - (moved / 2) as f64) / m) / 3.0
}

/// Longest text whose letters fit the bits of a word.
const MOST_LETTERS: usize = 64;

/// A text prepared for comparison with many others: the places of each letter as the bits of a word, where it is ASCII of at
/// most 64 letters. O(letters of the other text) a comparison then.
pub(super) struct Prepared<'t> {
    text: &'t str,
    places: Option<Box<[u64; 128]>>,
}

impl<'t> Prepared<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let places = (text.is_ascii() && text.len() <= MOST_LETTERS).then(|| {
            let mut places = Box::new([0; 128]);
            text.bytes().enumerate().for_each(|(at, letter)| places[usize::from(letter)] |= 1_u64 << at);
            places
        });
        Self { text, places }
    }

    /// The Jaro-Winkler similarity of another text (the first) with this one (the second).
    pub(super) fn jaro_winkler(&self, first: &str) -> f64 {
        let Some(places) = self.places.as_ref().filter(|_| first.is_ascii() && first.len() <= MOST_LETTERS) else {
            return jaro_winkler(first, self.text);
        };
        let (a, b) = (first.as_bytes(), self.text.as_bytes());
        let window = window(a.len(), b.len());
        let mut taken = 0_u64;
        let mut letters = [0_u8; MOST_LETTERS];
        let mut matched = 0;
        for (i, &letter) in a.iter().enumerate() {
            let near = ones(i + window + 1) & !ones(i.saturating_sub(window));
            let free = places[usize::from(letter)] & near & !taken;
            if free != 0 {
                taken |= free & free.wrapping_neg();
                letters[matched] = letter;
                matched += 1;
            }
        }
        let mut moved = 0;
        for letter in &letters[..matched] {
            moved += usize::from(b[taken.trailing_zeros() as usize] != *letter);
            taken &= taken - 1;
        }
        let common = a.iter().zip(b).take(4).take_while(|(x, y)| x == y).count();
        boosted(ratio(a.len(), b.len(), matched, moved), common)
    }
}

/// A word whose lowest `count` bits are set.
fn ones(count: usize) -> u64 {
    if count >= 64 { u64::MAX } else { (1 << count) - 1 }
}

/// Whether two texts differ by exactly one inserted, left-out or replaced character or by two neighbours swapped.
///
/// ```
/// use privet::linkage::one_edit;
/// assert!(one_edit("19151111", "19151171") && one_edit("4223", "4232") && one_edit("12", "123"));
/// assert!(!one_edit("4223", "4223") && !one_edit("4223", "2432"));
/// ```
pub fn one_edit(first: &str, second: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (first.chars().collect(), second.chars().collect());
    let (short, long) = if a.len() <= b.len() { (&a, &b) } else { (&b, &a) };
    let start = short.iter().zip(long.iter()).take_while(|(x, y)| x == y).count();
    match long.len() - short.len() {
        0 if start == short.len() => false,
        0 => {
            let swapped = start + 1 < short.len() && short[start] == long[start + 1] && short[start + 1] == long[start];
            short[start + 1..] == long[start + 1..] || swapped && short[start + 2..] == long[start + 2..]
        }
        1 => short[start..] == long[start + 1..],
        _ => false,
    }
}

/// The days from 1970-01-01 to a date written `1950-02-28` or `19500228`; nothing for any other text.
///
/// ```
/// use privet::linkage::days;
/// assert_eq!((days("1970-03-01"), days("20000229"), days("1999-02-29")), (Some(59), Some(11_016), None));
/// ```
pub fn days(text: &str) -> Option<i64> {
    let digits: String = match text.len() {
        8 => text.to_owned(),
        10 if text.bytes().enumerate().all(|(at, byte)| (byte == b'-') == (at == 4 || at == 7)) => {
            text.replace('-', "")
        }
        _ => return None,
    };
    if digits.len() != 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: i64 = digits.parse().ok()?;
    let (year, month, day) = (number / 10_000, number / 100 % 100, number % 100);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let lengths = [31, 28 + i64::from(leap), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let length = lengths.get(usize::try_from(month - 1).ok()?)?;
    if day < 1 || day > *length || year < 1 {
        return None;
    }
    let before = lengths.iter().take(month as usize - 1).sum::<i64>();
    let past = year - 1;
    Some(past * 365 + past / 4 - past / 100 + past / 400 + before + day - 1 - 719_162)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The table of Winkler's papers.
    #[test]
    fn published_pairs() {
        for (a, b, jaro_value, winkler) in [
            ("MARTHA", "MARHTA", 0.944_444_444, 0.961_111_111),
            ("DWAYNE", "DUANE", 0.822_222_222, 0.84),
            ("DIXON", "DICKSONX", 0.766_666_667, 0.813_333_333),
            ("JONES", "JOHNSON", 0.790_476_190, 0.832_380_952),
            ("ABROMS", "ABRAMS", 0.888_888_889, 0.922_222_222),
            ("", "", 1.0, 1.0),
            ("", "A", 0.0, 0.0),
        ] {
            assert!((jaro(a, b) - jaro_value).abs() < 1e-9, "{a} {b} {}", jaro(a, b));
            assert!((jaro_winkler(a, b) - winkler).abs() < 1e-9, "{a} {b}");
        }
    }

    /// Optimal string alignment of one step, by making every such step.
    fn neighbours(text: &str, letters: &str) -> Vec<String> {
        let base: Vec<char> = text.chars().collect();
        let mut all = Vec::new();
        for at in 0..=base.len() {
            for letter in letters.chars() {
                let mut longer = base.clone();
                longer.insert(at, letter);
                all.push(longer);
                if at < base.len() {
                    let mut other = base.clone();
                    other[at] = letter;
                    all.push(other);
                }
            }
            if at < base.len() {
                let mut shorter = base.clone();
                shorter.remove(at);
                all.push(shorter);
            }
            if at + 1 < base.len() {
                let mut swapped = base.clone();
                swapped.swap(at, at + 1);
                all.push(swapped);
            }
        }
        all.into_iter().filter(|other| *other != base).map(|other| other.into_iter().collect()).collect()
    }

    proptest! {
        #[test]
        fn bits_equal_the_definition(a in "[ab\u{e9}c]{0,12}", b in "[abcd]{0,70}") {
            prop_assert_eq!(Prepared::new(&b).jaro_winkler(&a), jaro_winkler(&a, &b));
            prop_assert_eq!(Prepared::new(&a).jaro_winkler(&b), jaro_winkler(&b, &a));
            prop_assert_eq!(jaro(&a, &a), 1.0);
        }

        #[test]
        fn one_edit_equals_all_edits(a in "[abc]{0,5}", b in "[abc]{0,6}") {
            prop_assert_eq!(one_edit(&a, &b), neighbours(&a, "abc").contains(&b));
        }
    }

    #[test]
    fn days_follow_one_another() {
        let mut expected = days("18991231").unwrap();
        let mut seen = 0;
        for date in 19_000_101..20_010_101 {
            if let Some(day) = days(&date.to_string()) {
                expected += 1;
                seen += 1;
                assert_eq!(day, expected);
            }
        }
        assert_eq!(seen, 36_525 + 365, "the days of 1900 to 2000");
        assert_eq!(days("2000-1-01x"), None);
    }
}
