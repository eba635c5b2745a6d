//! Dates finer than a year.

use super::{apart, runs, words};

pub(super) const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

fn year(number: u64) -> bool {
    (1880..=2099).contains(&number)
}

/// Whether a month has such a day.
pub(super) fn day(year: u64, month: u64, day: u64) -> bool {
    let days = match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day)
}

/// The number of a month by its name or abbreviation, from 1.
pub(super) fn month_of(word: &str) -> Option<u64> {
    const FULL: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let word = word.to_lowercase();
    let at = MONTHS.iter().zip(FULL).position(|(short, full)| word == *short || word == full);
    at.or((word == "sept").then_some(8)).map(|at| at as u64 + 1)
}

/// Whether a text holds a date finer than a year.
pub(super) fn date(text: &str) -> bool {
    in_numbers(text) || in_words(text)
}

/// `1950-02-28`, `28.02.1950`, `2/28/1950`, `19500228`.
fn in_numbers(text: &str) -> bool {
    let runs = runs(text);
    let three = runs.windows(3).any(|part| {
        let between = (&text[part[0].end..part[1].start], &text[part[1].end..part[2].start]);
        let joined = between.0 == between.1 && matches!(between.0, "-" | "/" | ".");
        let lens = [part[0].len(), part[1].len(), part[2].len()];
        let [a, b, c] = [part[0].number(), part[1].number(), part[2].number()];
        let valid = match lens {
            [4, 1..=2, 1..=2] => year(a) && day(a, b, c),
            [1..=2, 1..=2, 4] => year(c) && (day(c, a, b) || day(c, b, a)),
            _ => false,
        };
        // A time may follow the day.
        let end = part[2].end;
        let then = text[end..].starts_with(['T', ' ']);
        joined && valid && (apart(text, part[0].start, end) || then && apart(text, part[0].start, part[0].start))
    });
    let eight = runs.iter().any(|run| {
        let number = run.number();
        let (y, m, d) = (number / 10_000, number / 100 % 100, number % 100);
        run.len() == 8 && year(y) && day(y, m, d) && apart(text, run.start, run.end)
    });
    three || eight
}

/// `Feb 28, 1950`, `28 February 1950`, `February 1950`.
fn in_words(text: &str) -> bool {
    let has_month = words(text).iter().any(|word| month_of(word).is_some());
    has_month && runs(text).iter().any(|run| run.len() == 4 && year(run.number()) && apart(text, run.start, run.end))
}
