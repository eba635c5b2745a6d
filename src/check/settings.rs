//! Settings of checks that have a range.

use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// Reads a whole number of a range: `#[serde(deserialize_with = "within::<1, 64, _>")]`.
pub(in crate::check) fn within<'de, const LEAST: usize, const MOST: usize, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<usize, D::Error> {
    let value = usize::deserialize(deserializer)?;
    if (LEAST..=MOST).contains(&value) {
        Ok(value)
    } else {
        Err(D::Error::custom(format!("{value} is not from {LEAST} to {MOST}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Settings {
        #[serde(deserialize_with = "within::<1, 64, _>")]
        copies: usize,
    }

    #[test]
    fn the_error_names_the_setting_and_its_range() {
        let read = |text: &str| toml::from_str::<toml::Table>(text).unwrap().try_into::<Settings>();
        assert_eq!(read("copies = 1").unwrap().copies + read("copies = 64").unwrap().copies, 65);
        for wrong in ["copies = 0", "copies = 65", "copies = -1"] {
            let error = read(wrong).unwrap_err().to_string();
            assert!(error.contains("copies"), "{error}");
        }
        assert!(read("copies = 0").unwrap_err().to_string().contains("0 is not from 1 to 64"));
    }
}
