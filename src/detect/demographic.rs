//! What tells people apart and is not forbidden: age, sex, race, place; and what a Safe Harbor version of it would say.

use super::column::Column;
use super::decision::Reading;
use super::forms::zip_prefix;
use super::header::{Concept, Header};
use super::{Rules, ages, temporal};

/// A column that a stranger may know of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Demographic {
    /// Date of birth.
    Birth,
    /// Year of birth.
    BirthYear,
    /// Age in years, as a number or a range.
    Age,
    /// Postcode, or its first three digits.
    Postcode,
    /// Town or county.
    Town,
    /// State.
    State,
    /// Sex.
    Sex,
    /// Race or ethnicity.
    Race,
}

impl Demographic {
    /// What a column is, from its name and from what was read in it.
    pub(super) fn of(column: &Column<'_>, header: &Header, reading: Option<&Reading>) -> Option<Self> {
        let rule = reading.map_or("", |reading| reading.rule);
        let token = |words: &[&str]| header.tokens.iter().any(|token| words.contains(&token.as_str()));
        let born = header.says_any(&[Concept::BirthDate, Concept::BirthYear]) > 0.0;
        if rule.starts_with("C.birth-year") {
            Some(Self::BirthYear)
        } else if rule.starts_with("C.date") && rule != "C.date-unread" && born {
            Some(Self::Birth)
        } else if rule.starts_with("C.age") {
            Some(Self::Age)
        } else if rule.starts_with("B.zip") {
            Some(Self::Postcode)
        } else if rule == "B.city" || rule == "B.county" {
            Some(Self::Town)
        } else if rule == "B.state-allowed" {
            Some(Self::State)
        } else if token(&["sex", "gender"]) && (2..=8).contains(&column.distinct) {
            Some(Self::Sex)
        } else if token(&["race", "ethnicity", "ethnic"]) && (2..=60).contains(&column.distinct) {
            Some(Self::Race)
        } else {
            None
        }
    }

    /// Words for a reader.
    pub fn words(self) -> &'static str {
        match self {
            Self::Birth => "date of birth",
            Self::BirthYear => "year of birth",
            Self::Age => "age",
            Self::Postcode => "postcode",
            Self::Town => "town or county",
            Self::State => "state",
            Self::Sex => "sex",
            Self::Race => "race",
        }
    }

    /// So many of the unit of a column of ages make a year, by the name of the column: 12 for `age_months`.
    ///
    /// ```
    /// use privet::detect::Demographic;
    /// assert_eq!((Demographic::in_a_year("age_months"), Demographic::in_a_year("age")), (12.0, 1.0));
    /// ```
    pub fn in_a_year(column: &str) -> f64 {
        ages::in_a_year(&Header::of(column))
    }

    /// What a Safe Harbor version of the file would hold instead of a value; nothing where it would hold none. Ages that are bare
    /// numbers count the unit of which `in_a_year` make a year; of years of two digits the latest century is meant that
    /// is not after the year of the rules.
    ///
    /// ```
    /// use privet::detect::{Demographic, Rules};
    /// let rules = Rules { year: 2026, ..Rules::default() };
    /// let coarse = |kind: Demographic, text: &str| kind.coarsened(text, 1.0, &rules).unwrap_or_default();
    /// assert_eq!(coarse(Demographic::Birth, "1970-02-28"), "1970");
    /// assert_eq!(coarse(Demographic::Birth, "1930-02-28"), "to 1936");
    /// assert_eq!(coarse(Demographic::Birth, "02/28/14"), "2014");
    /// assert_eq!(Demographic::Age.coarsened("91", 12.0, &rules).as_deref(), Some("91"));
    /// assert_eq!(coarse(Demographic::Postcode, "02139"), "021");
    /// assert_eq!(coarse(Demographic::Postcode, "03601"), "000");
    /// assert_eq!(coarse(Demographic::Age, "93"), "90+");
    /// assert_eq!(coarse(Demographic::Town, "Boston"), "");
    /// ```
    pub fn coarsened(self, text: &str, in_a_year: f64, rules: &Rules) -> Option<String> {
        let text = text.trim();
        let oldest = rules.year - 90;
        let year = |year: i64| if year <= oldest { format!("to {oldest}") } else { year.to_string() };
        match self {
            Self::Birth => temporal::any(text).map(|day| year(day.year_by(rules.year))),
            Self::BirthYear => text.parse::<f64>().ok().map(|born| year(born as i64)),
            Self::Age => {
                let old = ages::least(text, in_a_year).is_some_and(|age| age >= 90.0);
                Some(if old { "90+".to_owned() } else { text.to_owned() })
            }
            Self::Postcode => {
                let prefix = zip_prefix(text, &rules.zip3).filter(|prefix| !rules.zip3.is_small(prefix));
                Some(prefix.unwrap_or_else(|| "000".to_owned()))
            }
            Self::Town => None,
            Self::State | Self::Sex | Self::Race => Some(text.to_owned()),
        }
    }
}
