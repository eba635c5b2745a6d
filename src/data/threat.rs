//! Threat models: who might recognise people in the data, by which columns, against which population.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// What an attacker wants and knows (El Emam and Dankar, J Am Med Inform Assoc 2008).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Attacker {
    /// Knows that a certain person is in the data and looks for that person.
    #[default]
    Prosecutor,
    /// Looks for any person of the population, and does not know who of it is in the data.
    Journalist,
    /// Wants to re-identify as many records as possible.
    Marketer,
}

impl fmt::Display for Attacker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Prosecutor => "prosecutor",
            Self::Journalist => "journalist",
            Self::Marketer => "marketer",
        })
    }
}

/// What is known about the population that the records come from.
#[derive(Debug, Clone, PartialEq)]
pub enum Population {
    /// Its number of people, at least 1.
    Size(u64),
    /// The share of it that is in the data, above 0 and at most 1.
    Fraction(f64),
    /// A table of it with the same columns: one row per person.
    Register(PathBuf),
    /// Totals of it over some of the columns: a table of them with a column [`PEOPLE`]; a cell that is empty says that the row
    /// counts people of every value.
    Margins(PathBuf),
}

/// The column of a file of margins that counts people.
pub const PEOPLE: &str = "people";

impl Population {
    /// Its number of people, given the number of people in the data; nothing where a file says it.
    ///
    /// ```
    /// use privet::data::Population;
    /// assert_eq!(Population::Fraction(0.1).size(300), Some(3000));
    /// ```
    pub fn size(&self, people: usize) -> Option<u64> {
        match self {
            Self::Size(size) => Some(*size),
            Self::Fraction(fraction) => Some((people as f64 / fraction).round() as u64),
            Self::Register(_) | Self::Margins(_) => None,
        }
    }
}

/// A file that an attacker has: to be linked to the records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auxiliary {
    /// The file.
    pub file: PathBuf,
    /// What the quasi-identifiers are called in it, in the order of the threat model's columns.
    pub columns: Vec<String>,
    /// A column of the records and one of the file that identify people in both; used to score links, never to find them.
    pub truth: Option<(String, String)>,
}

impl Auxiliary {
    /// The name of the truth in the records.
    pub fn truth_column(&self) -> Option<&str> {
        self.truth.as_ref().map(|(ours, _)| ours.as_str())
    }
}

/// A set of quasi-identifiers and who could use it.
#[derive(Debug, Clone, PartialEq)]
pub struct ThreatModel {
    /// Its name in the plan; empty for a plain list of columns.
    pub name: String,
    /// The quasi-identifiers: at least one column.
    pub columns: Vec<String>,
    /// Who gets the data, in the words of the plan.
    pub recipient: Option<String>,
    /// The attacker whose success is judged.
    pub attacker: Attacker,
    /// The population, where it is known.
    pub population: Option<Population>,
    /// Probability that an attack is tried at all, above 0 and at most 1.
    pub attempt: f64,
    /// The column of sampling weights: how many people of the population a record stands for.
    pub weights: Option<String>,
    /// The column that says which records belong to one household.
    pub households: Option<String>,
    /// A file that the attacker has.
    pub auxiliary: Option<Auxiliary>,
}

impl ThreatModel {
    /// A prosecutor who certainly tries, with nothing known about the population.
    ///
    /// ```
    /// use privet::data::{Attacker, ThreatModel};
    /// let neighbour = ThreatModel::of("neighbour", &["age", "sex"]);
    /// assert_eq!((neighbour.attacker, neighbour.attempt), (Attacker::Prosecutor, 1.0));
    /// ```
    pub fn of<S: AsRef<str>>(name: &str, columns: &[S]) -> Self {
        Self {
            name: name.to_owned(),
            columns: columns.iter().map(|column| column.as_ref().to_owned()).collect(),
            recipient: None,
            attacker: Attacker::default(),
            population: None,
            attempt: 1.0,
            weights: None,
            households: None,
            auxiliary: None,
        }
    }

    /// The file of the population, its register or its margins, where there is one.
    pub fn population_file(&self) -> Option<&Path> {
        match &self.population {
            Some(Population::Register(file) | Population::Margins(file)) => Some(file),
            _ => None,
        }
    }
}
