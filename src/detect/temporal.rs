//! Dates, times and ages as whole values of a column.

use super::dates::{MONTHS, day, month_of};

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
}

fn valid(year: u64, month: u64, of_month: u64) -> Option<Day> {
    let fits = (1880..=2099).contains(&year) && day(year, month, of_month);
    fits.then(|| Day { year, number: day_number(year as i64, month as i64, of_month as i64) })
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

/// `1950-02-28`, `2/28/1950`, `28.02.1950`, `2/28/50`, each with or without a time.
pub(super) fn written(text: &str) -> Option<Day> {
    let ([a, b, c], lens) = three_numbers(without_time(text))?;
    match lens {
        [4, 1..=2, 1..=2] => valid(a, b, c),
        [1..=2, 1..=2, 4] => valid(c, a, b).or_else(|| valid(c, b, a)),
        [1..=2, 1..=2, 2] => valid(1900 + c, a, b).or_else(|| valid(1900 + c, b, a)),
        _ => None,
    }
}

/// Three numbers of at most two digits, as in `2/28/50`: only this and not a version or a laboratory's number where all pass.
pub(super) fn short_written(text: &str) -> bool {
    three_numbers(without_time(text)).is_some_and(|(_, lens)| lens.iter().all(|&len| len <= 2))
        && written(text).is_some()
}

/// Words of a text and its numbers, for `28 Feb 1950`, `February 28, 1950`, `28-FEB-50`.
fn words(text: &str) -> Vec<&str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty()).collect()
}

/// A day with the month in letters.
pub(super) fn in_letters(text: &str) -> Option<Day> {
    let parts = words(without_time(text));
    let [a, b, c] = parts.as_slice() else { return None };
    let number = |part: &str| part.trim_end_matches(|c: char| c.is_ascii_lowercase()).parse::<u64>().ok();
    let full = |part: &str| number(part).map(|year| if part.len() == 2 { 1900 + year } else { year });
    let of = |year: &str, month: &str, of_month: &str| valid(full(year)?, month_of(month)?, number(of_month)?);
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
    if time { valid(number(0, 4)?, number(4, 6)?, number(6, 8)?) } else { None }
}

/// A date in any of the forms, to the day.
pub(super) fn any(text: &str) -> Option<Day> {
    written(text).or_else(|| compact(text)).or_else(|| in_letters(text))
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
    const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let lower = text.to_lowercase();
    DAYS.iter().any(|day| lower == *day || lower == day[..3])
        || MONTHS.contains(&lower.as_str())
        || month_of(&lower).is_some()
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
        [low] if open => Some((if lower.starts_with('>') && !lower.contains('=') { low + 1 } else { *low }, None)),
        [low, high] if *high > *low && *high < 200 => {
            // Half-open intervals of statistics programs: [80-90).
            Some((*low, Some(if lower.ends_with(')') { high - 1 } else { *high })))
        }
        _ => None,
    }
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
        ];
        for text in forms {
            assert_eq!(written(text).map(|day| day.number), Some(february), "{text}");
        }
        for text in ["28 Feb 1950", "February 28, 1950", "28-FEB-50", "1950 Feb 28", "Feb 28th, 1950"] {
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

    /// 366 of 10,000 and 220 of 10,000: about 0.08 % of random numbers of eight digits.
    #[test]
    fn few_random_numbers_are_dates() {
        let passing =
            (0..1_000_000_u64).filter(|n| compact(&format!("{:08}", n * 7_919 % 100_000_000)).is_some()).count();
        assert!((600..1000).contains(&passing), "{passing}");
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
