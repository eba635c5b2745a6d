//! Dates, times and ages as whole values of a column.

use super::dates::{MONTHS, day, month_of};
use super::tokens;

/// Days since 1970-01-01 of a valid date of the proleptic Gregorian calendar (Hinnant's algorithm).
pub(super) fn day_number(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let of_era = y.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// A day since 1970-01-01 in four ways of writing: `1950-02-28`, `19500228`, `02/28/1950`, `2/28/1950`.
pub(super) fn date_of(number: i64) -> [String; 4] {
    let shifted = number + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let part = (5 * of_year + 2) / 153;
    let day = of_year - (153 * part + 2) / 5 + 1;
    let month = if part < 10 { part + 3 } else { part - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    [
        format!("{year:04}-{month:02}-{day:02}"),
        format!("{year:04}{month:02}{day:02}"),
        format!("{month:02}/{day:02}/{year:04}"),
        format!("{month}/{day}/{year:04}"),
    ]
}

/// A date that a text is, to the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Day {
    pub(super) year: u64,
    pub(super) number: i64,
    /// Whether the text gives two digits of the year: `year` is of the twentieth century then unless only the next has the day.
    pub(super) short: bool,
}

/// The last year of dates with separators or letters: research files move them by a century or two.
const MOVED: u64 = 2299;
/// The last year of dates that are a number of eight digits: further on, too many numbers are dates.
const COMPACT: u64 = 2099;

fn valid_until(last: u64, year: u64, month: u64, of_month: u64) -> Option<Day> {
    let fits = (1880..=last).contains(&year) && day(year, month, of_month);
    fits.then(|| Day { year, number: day_number(year as i64, month as i64, of_month as i64), short: false })
}

fn valid(year: u64, month: u64, of_month: u64) -> Option<Day> {
    valid_until(MOVED, year, month, of_month)
}

/// A date of a year of two digits.
fn short_valid(year: u64, month: u64, of_month: u64) -> Option<Day> {
    let found = valid(1900 + year, month, of_month).or_else(|| valid(2000 + year, month, of_month))?;
    Some(Day { short: true, ..found })
}

impl Day {
    /// The year; of two digits the latest that is not after the given one.
    pub(super) fn year_by(self, latest: i64) -> i64 {
        let year = self.year as i64;
        if self.short { latest - (latest - year).rem_euclid(100) } else { year }
    }
}

/// The whole text without a time of day behind the date: `T` or a space, then digits, colons, a fraction, a zone.
fn without_time(text: &str) -> &str {
    let Some(at) = text.find(['T', ' ']) else { return text };
    let time = &text[at + 1..];
    let fits = time.contains(':')
        && time.starts_with(|c: char| c.is_ascii_digit())
        && time.chars().all(|c| c.is_ascii_digit() || ":.+-Z ".contains(c) || "APMapm".contains(c));
    if fits { &text[..at] } else { text }
}

fn three_numbers(text: &str) -> Option<([u64; 3], [usize; 3])> {
    let separator = text.chars().find(|c| !c.is_ascii_digit()).filter(|c| "-/.".contains(*c))?;
    let parts: Vec<&str> = text.split(separator).collect();
    let [a, b, c] = parts.as_slice() else { return None };
    let number = |part: &&str| part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse().ok()).flatten();
    Some(([number(a)?, number(b)?, number(c)?], [a.len(), b.len(), c.len()]))
}

/// `1950-02-28`, `2/28/1950`, `28.02.1950`, `2/28/50`, `50/02/28`, each with or without a time.
pub(super) fn written(text: &str) -> Option<Day> {
    let ([a, b, c], lens) = three_numbers(without_time(text))?;
    match lens {
        [4, 1..=2, 1..=2] => valid(a, b, c),
        [1..=2, 1..=2, 4] => valid(c, a, b).or_else(|| valid(c, b, a)),
        [1..=2, 1..=2, 2] => short_valid(c, a, b)
            .or_else(|| short_valid(c, b, a))
            .or_else(|| if lens[0] == 2 && lens[1] == 2 { short_valid(a, b, c) } else { None }),
        _ => None,
    }
}

/// Three numbers of at most two digits, as in `2/28/50`: only this and not a version or a laboratory's number where all pass.
pub(super) fn short_written(text: &str) -> bool {
    three_numbers(without_time(text)).is_some_and(|(_, lens)| lens.iter().all(|&len| len <= 2))
        && written(text).is_some()
}

/// Words of a text and its numbers.
fn words(text: &str) -> Vec<&str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty()).collect()
}

const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

fn weekday(word: &str) -> bool {
    let lower = word.to_lowercase();
    DAYS.iter().any(|day| lower == *day || lower == day[..3])
}

/// What may stand behind a date beside digits: the half of the day and the zone.
const BEHIND: [&str; 14] = ["am", "pm", "a", "p", "m", "t", "z", "utc", "gmt", "h", "est", "edt", "cst", "pst"];

/// A day with the month in letters, with or without a time: `28 Feb 1950`, `February 28th, 1950`, `28-FEB-50`, `28FEB1950:10:30:00`
/// of SAS, `Feb 28 1950 12:00AM` of databases, `Thu, 28 Feb 1950 10:30:00 GMT` of messages.
pub(super) fn in_letters(text: &str) -> Option<Day> {
    if text.len() > 48 || !text.chars().all(|c| c.is_ascii_alphanumeric() || " ,-/.:+".contains(c)) {
        return None;
    }
    let mut parts = tokens(text);
    if parts.first().is_some_and(|first| weekday(first)) {
        parts.remove(0);
    }
    if let Some(at) = parts.iter().take(4).position(|part| matches!(part.as_str(), "st" | "nd" | "rd" | "th")) {
        parts.remove(at);
    }
    let (date, time) = parts.split_at_checked(3)?;
    let [a, b, c] = date else { return None };
    let timed = |part: &String| part.bytes().all(|b| b.is_ascii_digit()) || BEHIND.contains(&part.as_str());
    if !time.iter().all(timed) || time.len() > 8 || time.len() == 1 {
        return None;
    }
    let number = |part: &str| part.parse::<u64>().ok().filter(|_| part.len() <= 4);
    let of = |year: &str, month: &str, of_month: &str| {
        let (month, of_month) = (month_of(month)?, number(of_month)?);
        if year.len() == 2 {
            short_valid(number(year)?, month, of_month)
        } else {
            valid(number(year)?, month, of_month)
        }
    };
    of(c, b, a).or_else(|| of(c, a, b)).or_else(|| of(a, b, c))
}

/// A month of a year: `Feb 1950`, `1950-02`, `02/1950`.
pub(super) fn month_year(text: &str) -> bool {
    let parts = words(text);
    let [a, b] = parts.as_slice() else { return false };
    let year = |part: &str| part.len() == 4 && part.parse::<u64>().is_ok_and(|year| (1880..=2099).contains(&year));
    let month = |part: &str| {
        month_of(part).is_some() || part.len() == 2 && part.parse::<u64>().is_ok_and(|month| (1..=12).contains(&month))
    };
    let joined = text.len() == a.len() + b.len() + 1;
    joined && (year(a) && month(b) || year(b) && month(a))
}

/// `19500228`; with hours and minutes behind it, and more, as in messages of HL7 and DICOM: `19500228103000.000+0100`.
pub(super) fn compact(text: &str) -> Option<Day> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let tail = rest.chars().all(|c| c.is_ascii_digit() || ".+-".contains(c));
    let time = match digits.len() {
        8 => rest.is_empty(),
        10 | 12 | 14 => {
            let part = |at: usize, most: u64| {
                digits.get(at..at + 2).is_none_or(|two| two.parse().is_ok_and(|n: u64| n < most))
            };
            tail && part(8, 24) && part(10, 60) && part(12, 60)
        }
        _ => false,
    };
    let number = |from: usize, to: usize| digits.get(from..to)?.parse().ok();
    if time { valid_until(COMPACT, number(0, 4)?, number(4, 6)?, number(6, 8)?) } else { None }
}

/// A date in any of the forms, to the day.
pub(super) fn any(text: &str) -> Option<Day> {
    written(text).or_else(|| compact(text)).or_else(|| in_letters(text))
}

/// A date as people write it: like [`any`], but three numbers of at most two digits only where no dots are between them.
pub(super) fn day_of(text: &str) -> Option<Day> {
    any(text).filter(|day| !day.short || text.contains(char::is_alphabetic) || !text.contains('.'))
}

/// A week or a quarter of a year: `2019-W07`, `2019Q3`, `Q3 2019`.
pub(super) fn part_of_year(text: &str) -> bool {
    let upper = text.to_ascii_uppercase();
    let (year, rest): (Vec<char>, Vec<char>) = {
        let kept: String = upper.chars().filter(char::is_ascii_alphanumeric).collect();
        let at = kept.find(['W', 'Q']);
        match at {
            Some(0) if kept.len() == 6 => (kept[2..].chars().collect(), kept[..2].chars().collect()),
            Some(4) if kept.len() <= 7 => (kept[..4].chars().collect(), kept[4..].chars().collect()),
            _ => return false,
        }
    };
    let is_number = |chars: &[char]| !chars.is_empty() && chars.iter().all(char::is_ascii_digit);
    is_number(&year) && is_number(&rest[1..]) && (year[0] == '1' || year[0] == '2')
}

/// A month or a day of the week, by name.
pub(super) fn named_day(text: &str) -> bool {
    let lower = text.to_lowercase();
    weekday(text) || MONTHS.contains(&lower.as_str()) || month_of(&lower).is_some()
}

/// The lower end of an age or a range of ages that is written with `+`, `>`, a range or a bracket: `90+`, `>89`, `85-89`,
/// `[80-90)`, and whether nothing is above it.
pub(super) fn age_band(text: &str) -> Option<(u32, Option<u32>)> {
    let numbers: Vec<u32> = words(text).iter().filter_map(|part| part.parse().ok()).collect();
    let lower = text.to_lowercase();
    let open = lower.ends_with('+')
        || lower.starts_with(['>', '≥'])
        || ["over", "older", "above", "more"].iter().any(|word| lower.contains(word));
    match numbers.as_slice() {
        [low] if open && *low < 200 => {
            Some((if lower.starts_with('>') && !lower.contains('=') { low + 1 } else { *low }, None))
        }
        [low, high] if *high > *low && *high < 200 => {
            // Half-open intervals of statistics programs: [80-90).
            Some((*low, Some(if lower.ends_with(')') { high - 1 } else { *high })))
        }
        _ => None,
    }
}

/// An age in years, written as a number, with a unit behind it or as DICOM has it: `93`, `93 years`, `93 y/o`, `18 months`, `093Y`.
pub(super) fn age(text: &str) -> Option<f64> {
    if let Ok(number) = text.parse::<f64>() {
        return Some(number).filter(|number| number.is_finite());
    }
    let lower = text.to_lowercase();
    let end = lower.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = lower.split_at(end);
    let unit = unit.trim().trim_end_matches("old").trim_end_matches(['.', ' ', '-']);
    let in_a_year = match unit {
        "y" | "yr" | "yrs" | "year" | "years" | "yo" | "y/o" | "y.o" | "a" => 1.0,
        "m" | "mo" | "mos" | "month" | "months" => 12.0,
        "w" | "wk" | "wks" | "week" | "weeks" => 52.18,
        "d" | "day" | "days" => 365.25,
        _ => return None,
    };
    number.parse::<f64>().ok().map(|number| number / in_a_year)
}

/// A time of day without a date: `10:30`.
pub(super) fn clock(text: &str) -> bool {
    text.contains(':') && text.len() <= 15 && text.chars().all(|c| c.is_ascii_digit() || ":. APMapm".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn day_numbers_equal_the_calendar() {
        assert_eq!(day_number(1970, 1, 1), 0);
        assert_eq!(day_number(2000, 2, 29), 11_016);
        assert_eq!(day_number(1907, 3, 14), -22_939);
        for number in [-25_567, -1, 0, 11_016, 20_000] {
            let [iso, compact, ..] = date_of(number);
            assert_eq!(written(&iso).map(|day| day.number), Some(number));
            assert_eq!(super::compact(&compact).map(|day| day.number), Some(number));
        }
    }

    #[test]
    fn every_form_is_read() {
        let february = day_number(1950, 2, 28);
        let forms = [
            "1950-02-28",
            "1950/2/28",
            "2/28/1950",
            "28.02.1950",
            "1950-02-28T10:30:00Z",
            "02/28/1950 10:30 PM",
            "2/28/50",
            "50/02/28",
        ];
        for text in forms {
            assert_eq!(written(text).map(|day| day.number), Some(february), "{text}");
        }
        for text in [
            "28 Feb 1950",
            "February 28, 1950",
            "28-FEB-50",
            "1950 Feb 28",
            "Feb 28th, 1950",
            "28FEB1950",
            "28FEB50",
            "28FEB1950:10:30:00",
            "28FEB1950:10:30:00.000",
            "Feb 28 1950 12:00AM",
            "28-FEB-50 10.30.00.000000 AM",
            "Tue, 28 Feb 1950 10:30:00 GMT",
            "Tue, 28 Feb 1950 10:30:00 +0100",
            "Tuesday, February 28th, 1950",
        ] {
            assert_eq!(in_letters(text).map(|day| day.number), Some(february), "{text}");
        }
        for text in ["19500228", "195002281030", "19500228103000.000+0100"] {
            assert_eq!(compact(text).map(|day| day.number), Some(february), "{text}");
        }
        for text in ["Feb 1950", "1950-02", "02/1950"] {
            assert!(month_year(text), "{text}");
        }
        for text in
            ["1950", "1.2.3.4", "1950-02-30", "12345678", "20201301", "10:30", "1/2", "99-99-9999", "195002282530"]
        {
            assert!(any(text).is_none() && !month_year(text), "{text}");
        }
        assert!(
            part_of_year("2019-W07") && part_of_year("Q3 2019") && !part_of_year("QT2019A") && !part_of_year("2019")
        );
        assert!(named_day("Tue") && named_day("March") && !named_day("Marching"));
    }

    /// The 29th of February of 00 was in 2000; research files move dates into the next centuries.
    #[test]
    fn centuries() {
        let year = |text: &str, latest: i64| any(text).map(|day| day.year_by(latest));
        assert_eq!(year("03/14/07", 2026), Some(2007));
        assert_eq!(year("03/14/27", 2026), Some(1927));
        assert_eq!(year("03/14/26", 2026), Some(2026));
        assert_eq!(year("29-FEB-00", 2026), Some(2000));
        assert_eq!(year("03/14/1907", 2026), Some(1907));
        assert_eq!(year("2119-03-14", 2026), Some(2119));
        assert_eq!((any("21190314"), any("2319-03-14"), any("1 Feb 1950 and more")), (None, None, None));
        assert_eq!((in_letters("28 Feb"), in_letters("12 MAY 1950 7"), in_letters("é28 Feb 1950")), (None, None, None));
    }

    #[test]
    fn ages_with_units() {
        for (text, years) in [("93", 93.0), ("93 years", 93.0), ("093Y", 93.0), ("93 y/o", 93.0), ("18 months", 1.5)] {
            assert_eq!(age(text), Some(years), "{text}");
        }
        assert_eq!((age("93 beds"), age("years"), age("")), (None, None, None));
        assert!(clock("10:30") && clock("10:30:00 PM") && !clock("1950-02-28 10:30") && !clock("1030"));
    }

    /// Of all numbers of eight digits 80,354 are days of the 220 years from 1880 to 2099, which is the chance that the decision
    /// takes: 0.08 %. With a narrower definition, the 128 years from 1900 to 2027, it would be 366 * 128 of 10^8: 0.05 %.
    #[test]
    fn few_random_numbers_are_dates() {
        let passes = |year: u64, rest: u64| compact(&format!("{year:04}{rest:04}")).is_some();
        // Every number of a year, for a year of each kind; then the first and the leap day of every year.
        let of_year = |year: u64| (0..10_000).filter(|&rest| passes(year, rest)).count();
        assert_eq!([1879, 1880, 1900, 1999, 2000, 2099, 2100].map(of_year), [0, 366, 365, 365, 366, 365, 0]);
        let days = |years: std::ops::Range<u64>| {
            let of_year = |year| if passes(year, 229) { 366 } else { 365 };
            years.filter(|&year| passes(year, 101)).map(of_year).sum::<u64>()
        };
        assert_eq!((days(0..10_000), days(1900..2028)), (80_354, 46_751));
    }

    #[test]
    fn ranges_of_ages() {
        assert_eq!(age_band("90+"), Some((90, None)));
        assert_eq!(age_band(">89"), Some((90, None)));
        assert_eq!(age_band("[90-100)"), Some((90, Some(99))));
        assert_eq!(age_band("85-89"), Some((85, Some(89))));
        assert_eq!(age_band("85"), None);
    }
}
