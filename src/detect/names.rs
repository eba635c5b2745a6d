//! Given names and surnames that are common in the United States, and the written forms of names.

use std::collections::HashSet;
use std::sync::OnceLock;

/// The two lists.
pub(super) struct Names {
    given: HashSet<&'static str>,
    surnames: HashSet<&'static str>,
}

/// Every word of both lists, in lower case.
pub(super) fn all_names() -> Vec<&'static str> {
    let names = names();
    let mut all: Vec<&str> = names.given.union(&names.surnames).copied().collect();
    all.sort_unstable();
    all
}

/// What part of a name a word may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Given,
    Surname,
}

fn list(text: &'static str) -> HashSet<&'static str> {
    text.lines().filter(|line| !line.starts_with('#')).flat_map(str::split_whitespace).collect()
}

pub(super) fn names() -> &'static Names {
    static NAMES: OnceLock<Names> = OnceLock::new();
    NAMES.get_or_init(|| Names {
        given: list(include_str!("tables/given.txt")),
        surnames: list(include_str!("tables/surnames.txt")),
    })
}

/// Titles before and after names.
const TITLES: [&str; 14] = ["mr", "mrs", "ms", "miss", "dr", "prof", "jr", "sr", "ii", "iii", "iv", "md", "phd", "dds"];

/// The words of a value that may be a name: letters, hyphens, apostrophes, a comma after the first word, titles.
fn words(text: &str) -> Option<Vec<String>> {
    let fits = |c: char| c.is_alphabetic() || " -'.,".contains(c);
    if text.len() > 60 || !text.chars().all(fits) || text.matches(',').count() > 1 {
        return None;
    }
    let split = text.split([' ', ',', '.']).filter(|word| !word.is_empty());
    let words: Vec<String> = split.map(str::to_lowercase).filter(|word| !TITLES.contains(&word.as_str())).collect();
    (1..=5).contains(&words.len()).then_some(words)
}

impl Names {
    /// Whether a word is such a part; of a double name either half counts.
    pub(super) fn holds(&self, word: &str, part: Part) -> bool {
        let list = match part {
            Part::Given => &self.given,
            Part::Surname => &self.surnames,
        };
        list.contains(word) || word.contains('-') && word.split('-').any(|half| list.contains(half))
    }

    /// Whether a value is a single word that is such a part.
    pub(super) fn is_part(&self, text: &str, part: Part) -> bool {
        words(text).is_some_and(|words| match words.as_slice() {
            [one] => self.holds(one, part),
            _ => false,
        })
    }

    /// Whether a value is a name in full: `Given [Middle] Surname` or `Surname, Given`, both known.
    pub(super) fn is_full(&self, text: &str) -> bool {
        let Some(words) = words(text) else { return false };
        let [first, .., last] = words.as_slice() else { return false };
        let (given, surname) = if text.contains(',') { (&words[1], first) } else { (first, last) };
        self.holds(given, Part::Given) && self.holds(surname, Part::Surname)
    }
}

/// The form `Last, First`, whatever the words.
pub(super) fn last_first(text: &str) -> bool {
    let Some((last, first)) = text.split_once(", ") else { return false };
    let word = |text: &str| {
        text.starts_with(char::is_uppercase)
            && text.len() <= 30
            && text.chars().all(|c| c.is_alphabetic() || " -'.".contains(c))
            && text.split(' ').count() <= 3
    };
    word(last) && word(first) && first.len() > 2
}

/// `Mr.`, `Mrs.`, `Dr.` and a capitalised word, or `patient name: Word`.
pub(super) fn titled(text: &str) -> bool {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.windows(2).any(|pair| {
        let title = matches!(pair[0].trim_start_matches('('), "Mr." | "Mrs." | "Ms." | "Dr." | "Mr" | "Mrs" | "Ms");
        title && pair[1].starts_with(char::is_uppercase) && pair[1].chars().filter(|c| c.is_alphabetic()).count() > 2
    })
}

/// Two capitalised words in a row that are a given name and a surname.
pub(super) fn in_prose(text: &str) -> bool {
    let names = names();
    let plain = |word: &str| word.trim_matches(|c: char| !c.is_alphabetic()).to_lowercase();
    let capital = |word: &str| word.starts_with(char::is_uppercase) && word.chars().any(char::is_lowercase);
    let words: Vec<&str> = text.split_whitespace().collect();
    words.windows(2).any(|pair| {
        capital(pair[0])
            && capital(pair[1])
            && pair[0].ends_with(char::is_alphabetic)
            && names.holds(&plain(pair[0]), Part::Given)
            && names.holds(&plain(pair[1]), Part::Surname)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_names() {
        let names = names();
        assert!(names.is_part("Jennifer", Part::Given) && names.is_part("SMITH", Part::Surname));
        assert!(
            names.is_full("Garcia, Maria")
                && names.is_full("Dr. James T. Wilson Jr.")
                && names.is_full("Ann Lee-Moore")
        );
        assert!(!names.is_full("Chest pain") && !names.is_full("Smith") && !names.is_full("42 Smith"));
        assert!(last_first("Qwxz, Abcd") && !last_first("fever, cough") && !last_first("Pain, a"));
        assert!(titled("seen by Dr. Kowalczyk today") && !titled("Mr. x") && !titled("no title"));
        assert!(in_prose("Daughter of Mary Johnson, lives alone") && !in_prose("Chest pain on exertion"));
    }
}
