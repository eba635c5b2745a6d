//! Settings of checks that have a range, and what is said of settings that are wrong.

use std::fmt::Display;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// Reads a number that is from `least` to `most`, or refuses it with both.
pub(in crate::check) fn between<'de, T, D>(deserializer: D, least: T, most: T) -> Result<T, D::Error>
where
    T: Deserialize<'de> + PartialOrd + Display + Copy,
    D: Deserializer<'de>,
{
    let value = T::deserialize(deserializer)?;
    let inside = value >= least && value <= most;
    if inside { Ok(value) } else { Err(D::Error::custom(format!("{value} is not from {least} to {most}"))) }
}

/// The same of a whole number: `#[serde(deserialize_with = "within::<1, 64, _>")]`.
pub(in crate::check) fn within<'de, const LEAST: usize, const MOST: usize, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<usize, D::Error> {
    between(deserializer, LEAST, MOST)
}

/// What is wrong with the settings of a check, with the name of the setting.
pub(in crate::check) fn complaint(error: &toml::de::Error) -> String {
    error.to_string().trim().replace('\n', " ")
}

/// What is said of the settings of a check that are wrong, read as a plan's are.
#[cfg(test)]
pub(in crate::check) fn refused<T: serde::de::DeserializeOwned + std::fmt::Debug>(text: &str) -> String {
    let settings = toml::Value::Table(text.parse().expect("TOML"));
    complaint(&settings.try_into::<T>().expect_err(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Settings {
        #[serde(deserialize_with = "within::<1, 64, _>")]
        copies: usize,
    }

    #[test]
    fn the_complaint_names_the_setting_and_its_range() {
        let read = |text: &str| toml::Value::Table(text.parse().unwrap()).try_into::<Settings>();
        assert_eq!(read("copies = 1").unwrap().copies + read("copies = 64").unwrap().copies, 65);
        let said = refused::<Settings>;
        assert_eq!(said("copies = 0"), "0 is not from 1 to 64 in `copies`");
        assert_eq!(said("copies = 65"), "65 is not from 1 to 64 in `copies`");
        assert!(said("copies = -1").ends_with("in `copies`") && said("copies = \"x\"").ends_with("in `copies`"));
        assert!(said("copies = 1\ncopeis = 2").contains("copeis"));
    }

    #[test]
    fn what_is_no_number_is_outside_of_every_range() {
        let read = |text: &str| {
            let share = text.parse::<toml::Value>().unwrap();
            between(share, 0.0, 1.0).is_ok()
        };
        assert!(read("0.5") && read("0.0") && read("1.0"));
        assert!(!read("nan") && !read("inf") && !read("-0.1"));
    }
}
