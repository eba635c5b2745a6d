//! What each column is: its role in the assessment and the type of its cells.

use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;

use super::ThreatModel;

/// The type of a column's cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Text, kept to the letter.
    Text,
    /// Whole numbers.
    Integer,
    /// Numbers.
    Float,
    /// True or false.
    Bool,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Float => "float",
            Self::Bool => "bool",
        })
    }
}

/// What a column is to the assessment. A column may have several roles (a quasi-identifier may be sensitive).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Identifies a person or record by itself; never used by an attack.
    Identifier,
    /// Says which records belong to one person.
    Patient,
    /// Known to others and usable for linking.
    QuasiIdentifier,
    /// What must not be learned about a person.
    Sensitive,
    /// What the model predicts.
    Target,
    /// Says member or non-member.
    Split,
    /// How many people of the population a record stands for.
    Weight,
    /// Says which records belong to one household.
    Household,
    /// What a model or an attack said about the record.
    Score,
    /// Left out by the plan.
    LeftOut,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Identifier => "identifier",
            Self::Patient => "patient",
            Self::QuasiIdentifier => "quasi-identifier",
            Self::Sensitive => "sensitive",
            Self::Target => "target",
            Self::Split => "split",
            Self::Weight => "sampling weight",
            Self::Household => "household",
            Self::Score => "score",
            Self::LeftOut => "left out",
        })
    }
}

/// The column or columns that a model predicts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// One column: a class or a number.
    One(String),
    /// A column of ones and zeros for each of several labels.
    Labels(Vec<String>),
    /// How long a record was followed, and whether that ended with the event.
    Survival {
        /// The column of times.
        time: String,
        /// The column of ones and zeros.
        event: String,
    },
}

impl Outcome {
    /// Its columns, in the order of the plan.
    pub fn columns(&self) -> Vec<&str> {
        match self {
            Self::One(name) => vec![name],
            Self::Labels(names) => names.iter().map(String::as_str).collect(),
            Self::Survival { time, event } => vec![time, event],
        }
    }
}

impl From<String> for Outcome {
    fn from(name: String) -> Self {
        Self::One(name)
    }
}

impl From<&str> for Outcome {
    fn from(name: &str) -> Self {
        Self::One(name.to_owned())
    }
}

/// Roles by column name, as the plan declares them.
#[derive(Debug, Clone, Default)]
pub struct Schema {
    /// Direct identifiers.
    pub identifiers: Vec<String>,
    /// The patient or group column.
    pub patient: Option<String>,
    /// Sets of quasi-identifiers, each a threat model; one unnamed set for a plain list.
    pub quasi_identifiers: Vec<ThreatModel>,
    /// Sensitive columns.
    pub sensitive: Vec<String>,
    /// Files of the hierarchies of columns.
    pub hierarchies: Vec<(String, PathBuf)>,
    /// What the model predicts.
    pub target: Option<Outcome>,
    /// The column that says member or non-member.
    pub split: Option<String>,
    /// Columns of a score file that hold scores.
    pub scores: Vec<String>,
    /// Columns left out.
    pub leave_out: Vec<String>,
}

impl Schema {
    /// The roles of a column, in the order of [`Role`].
    pub fn roles(&self, column: &str) -> Vec<Role> {
        let named = |names: &[String]| names.iter().any(|name| name == column);
        let is = |name: &Option<String>| name.as_deref() == Some(column);
        let threats = &self.quasi_identifiers;
        let quasi = threats.iter().any(|threat| named(&threat.columns));
        let candidates = [
            (named(&self.identifiers), Role::Identifier),
            (is(&self.patient), Role::Patient),
            (quasi, Role::QuasiIdentifier),
            (named(&self.sensitive), Role::Sensitive),
            (self.target.as_ref().is_some_and(|target| target.columns().contains(&column)), Role::Target),
            (is(&self.split), Role::Split),
            (threats.iter().any(|threat| is(&threat.weights)), Role::Weight),
            (threats.iter().any(|threat| is(&threat.households)), Role::Household),
            (named(&self.scores), Role::Score),
            (named(&self.leave_out), Role::LeftOut),
        ];
        candidates.into_iter().filter(|(has, _)| *has).map(|(_, role)| role).collect()
    }

    /// Whether a column describes a record (and is neither an identifier, a group, a weight, the target nor the split).
    pub fn is_feature(&self, column: &str) -> bool {
        let apart = [
            Role::Identifier,
            Role::Patient,
            Role::Target,
            Role::Split,
            Role::Weight,
            Role::Household,
            Role::Score,
            Role::LeftOut,
        ];
        !self.roles(column).iter().any(|role| apart.contains(role))
    }
}
