//! Calendar dates from seconds since 1970. Layer row 6.
//!
//! Refuses to know the time: it formats what the envelope recorded.

/// The UTC date as `2026-11-21`, or nothing where no time was recorded.
///
/// Howard Hinnant's `civil_from_days`: years are counted from 1 March so that the leap day is the last of its year.
pub(super) fn utc_date(seconds: u64) -> Option<String> {
    if seconds == 0 {
        return None;
    }
    let days = seconds / 86_400 + 719_468; // days since 0000-03-01
    let era = days / 146_097; // 400 years
    let day_of_era = days % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153; // 0 is March
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    Some(format!("{year:04}-{month:02}-{day:02}"))
}

#[cfg(test)]
mod tests {
    use super::utc_date;

    #[test]
    fn dates_agree_with_the_date_command() {
        // date -u -d @SECONDS +%F
        let known = [
            (1, "1970-01-01"),
            (951_782_400, "2000-02-29"),
            (951_868_800, "2000-03-01"),
            (1_795_219_200, "2026-11-21"),
        ];
        for (seconds, date) in known {
            assert_eq!(utc_date(seconds).as_deref(), Some(date));
        }
        assert_eq!(utc_date(0), None);
    }
}
