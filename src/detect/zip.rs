//! The first three digits of postcodes and the people behind them, with the vintage of the counts.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The most people behind a prefix that must become 000.
pub const FEW_PEOPLE: u32 = 20_000;
const TABLES: &str = include_str!("tables/zip3.toml");

/// People by prefix, or the list of prefixes with few.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zip3 {
    vintage: String,
    source: String,
    people: BTreeMap<String, u32>,
    /// Whether a prefix that is not listed has no people (a table), or many (a list of exceptions).
    complete: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    source: String,
    populations: Option<String>,
    restricted: Option<String>,
}

impl Zip3 {
    /// Names of the tables that come with privet, the one in use unless told otherwise first.
    pub const VINTAGES: [&str; 3] = ["census-2020", "census-2010", "census-2000"];

    /// A table that comes with privet; nothing for a name that is not in [`Zip3::VINTAGES`].
    ///
    /// ```
    /// use privet::detect::Zip3;
    /// let table = Zip3::vintage_of("census-2020").unwrap();
    /// assert!(table.is_small("036") && !table.is_small("100") && table.is_small("001"));
    /// assert!(!table.is_small("063"), "grown since 2000");
    /// ```
    ///
    /// # Panics
    /// Never: the file is part of the program and tested.
    pub fn vintage_of(name: &str) -> Option<Self> {
        Self::VINTAGES.contains(&name).then(|| Self::named(TABLES, name).expect("the tables are tested"))
    }

    /// Reads a table of the user's own: TOML with one section, named like the vintage, that holds `populations` (prefix and
    /// people, by turns) or `restricted` (the prefixes of 20,000 people or fewer), and `source`.
    ///
    /// # Errors
    /// What is wrong, without a value of the file.
    pub fn parse(text: &str) -> Result<Self, String> {
        let sections: BTreeMap<String, toml::Value> = toml::from_str(text).map_err(|_| "is not TOML".to_owned())?;
        match sections.keys().collect::<Vec<_>>().as_slice() {
            [one] => Self::named(text, one),
            _ => Err("needs one section, named like the vintage of its numbers".to_owned()),
        }
    }

    fn named(text: &str, vintage: &str) -> Result<Self, String> {
        let mut files: BTreeMap<String, File> = toml::from_str(text)
            .map_err(|_| "takes the texts `source` and either `populations` or `restricted`".to_owned())?;
        let File { source, populations, restricted } = files.remove(vintage).ok_or("has no such section")?;
        let prefix = |text: &str| {
            let fits = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
            fits.then(|| text.to_owned()).ok_or("has a prefix that is not three digits")
        };
        let (people, complete) = match (populations, restricted) {
            (Some(pairs), None) => {
                let words: Vec<&str> = pairs.split_whitespace().collect();
                let pair = |pair: &[&str]| -> Result<(String, u32), String> {
                    let [three, people] = pair else { return Err("has a prefix without people".to_owned()) };
                    let people = people.parse().map_err(|_| "has a population that is no whole number".to_owned())?;
                    Ok((prefix(three)?, people))
                };
                (words.chunks(2).map(pair).collect::<Result<_, String>>()?, true)
            }
            (None, Some(list)) => {
                let few = |three: &str| Ok::<_, String>((prefix(three)?, 0));
                (list.split_whitespace().map(few).collect::<Result<_, String>>()?, false)
            }
            _ => return Err("takes either `populations` or `restricted`".to_owned()),
        };
        Ok(Self { vintage: vintage.to_owned(), source, people, complete })
    }

    /// The vintage of the counts, for example `census-2020`.
    pub fn vintage(&self) -> &str {
        &self.vintage
    }

    /// Where the counts come from.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether three digits must become 000: 20,000 people or fewer, or no population known.
    pub fn is_small(&self, prefix: &str) -> bool {
        self.people.get(prefix).map_or(self.complete, |&people| people <= FEW_PEOPLE)
    }

    /// Whether a postcode may begin like this: a prefix of the table, or any where only exceptions are listed.
    pub(super) fn in_use(&self, prefix: &str) -> bool {
        !self.complete || self.people.contains_key(prefix)
    }

    /// The log of how much more likely a postcode of a random person begins like this than a random number of five digits;
    /// nothing where populations are not known.
    pub(super) fn log_ratio(&self, prefix: &str) -> Option<f64> {
        let total: f64 = self.people.values().map(|&people| f64::from(people)).sum();
        if !self.complete || total == 0.0 {
            return None;
        }
        let people = self.people.get(prefix).map_or(0.0, |&people| f64::from(people));
        Some(((people + 1000.0) / (total + 1e6) * 1000.0).ln())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The census counted 334,726,586 people in 894 prefixes; the three lists are those that were published.
    #[test]
    fn the_tables_are_whole() {
        let [new, old, older] = Zip3::VINTAGES.map(|name| Zip3::vintage_of(name).unwrap());
        assert_eq!(new.people.len(), 894);
        assert_eq!(new.people.values().map(|&people| u64::from(people)).sum::<u64>(), 334_726_586);
        let small: Vec<&str> = new.people.keys().map(String::as_str).filter(|p| new.is_small(p)).collect();
        let expected = "036 059 102 202 203 204 205 369 556 692 753 772 821 823 878 879 884 893";
        assert_eq!(small.join(" "), expected);
        // The whole lists: of 2010 as FHIR anonymizers are configured, of 2000 as HHS prints it and ARX holds it.
        let listed = |table: &Zip3| table.people.keys().map(String::as_str).collect::<Vec<_>>().join(" ");
        assert_eq!(listed(&old), "036 059 102 203 205 369 556 692 821 823 878 879 884 893");
        assert_eq!(listed(&older), "036 059 063 102 203 556 692 790 821 823 830 831 878 879 884 890 893");
        for list in [&old, &older] {
            assert!(list.people.keys().all(|three| list.is_small(three)), "{}", list.vintage());
        }
        for grown in ["063", "790", "830", "831", "890"] {
            assert!(older.is_small(grown) && !new.is_small(grown), "{grown}");
        }
        for missed in ["202", "204", "205", "369", "753", "772"] {
            assert!(!older.is_small(missed) && new.is_small(missed), "{missed}");
        }
        assert!(!new.is_small("576") && !new.is_small("999"), "20,310 and 21,178 people");
        assert!(new.is_small("000") && new.is_small("001"), "nobody lives there");
    }

    /// People of the 2020 census behind the prefixes of 20,000 or fewer, behind those just above, and behind those that were
    /// small in 2000 and are no more.
    #[test]
    fn people_behind_single_prefixes() {
        let table = Zip3::vintage_of("census-2020").unwrap();
        for (three, people) in [
            ("036", 13_153),
            ("059", 3_352),
            ("102", 15_082),
            ("202", 0),
            ("203", 772),
            ("204", 60),
            ("205", 44),
            ("369", 17_596),
            ("556", 16_415),
            ("692", 8_626),
            ("753", 0),
            ("772", 4_280),
            ("821", 392),
            ("823", 14_702),
            ("878", 17_364),
            ("879", 16_082),
            ("884", 16_740),
            ("893", 10_701),
            ("576", 20_310),
            ("999", 21_178),
            ("831", 22_228),
            ("994", 22_324),
            ("516", 22_642),
            ("830", 22_696),
            ("063", 263_260),
            ("790", 213_990),
            ("890", 708_276),
        ] {
            assert_eq!(table.people.get(three), Some(&people), "{three}");
            assert_eq!(table.is_small(three), people <= 20_000, "{three}");
        }
    }

    #[test]
    fn a_table_of_ones_own_is_read_or_refused() {
        let own = Zip3::parse("[mine]\nsource = \"x\"\npopulations = \"100 5 200 20001\"").unwrap();
        assert!(own.is_small("100") && !own.is_small("200") && own.is_small("300"));
        assert_eq!(own.vintage(), "mine");
        for bad in
            ["x", "[a]\n[b]", "[a]\npopulations = \"1 2\"", "[a]\nrestricted = \"1000\"", "[a]\npopulations = \"100\""]
        {
            assert!(Zip3::parse(bad).is_err(), "{bad}");
        }
    }
}
