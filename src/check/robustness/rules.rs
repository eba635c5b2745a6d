//! The table `[robustness]` of a plan: how exactly columns are measured, and what may be changed how.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::relation::Relation;
use crate::check::settings;

/// Share of a column's standard deviation that is taken for its measurement error where none is declared.
const DEFAULT_ERROR: f64 = 0.05;

/// Which way a column may be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Only to larger values.
    Up,
    /// Only to smaller values.
    Down,
}

/// What a plan says about the columns, shared by the checks of the family.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rules {
    /// One standard deviation of the error of measurement, in the column's unit.
    pub measurement_error: BTreeMap<String, f64>,
    /// The same where a column has none, as a share of its standard deviation.
    pub default_error: f64,
    /// Smallest and largest value; without, those seen among non-members.
    pub bounds: BTreeMap<String, [f64; 2]>,
    /// Values are changed by multiples of this; whole numbers by 1.
    pub step: BTreeMap<String, f64>,
    /// Columns that nobody can change.
    pub immutable: Vec<String>,
    /// The only columns that can be changed, where it is given.
    pub mutable: Option<Vec<String>>,
    /// Columns that can only grow or shrink.
    pub direction: BTreeMap<String, Direction>,
    /// Groups of columns of which one is 1 and the others 0.
    pub one_hot: Vec<Vec<String>>,
    /// What holds between columns.
    pub relations: Vec<Relation>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            measurement_error: BTreeMap::new(),
            default_error: DEFAULT_ERROR,
            bounds: BTreeMap::new(),
            step: BTreeMap::new(),
            immutable: Vec::new(),
            mutable: None,
            direction: BTreeMap::new(),
            one_hot: Vec::new(),
            relations: Vec::new(),
        }
    }
}

impl Rules {
    /// The rules of a table of a plan.
    ///
    /// # Errors
    /// The first complaint about it.
    pub fn of(table: &toml::Table) -> Result<Self, String> {
        let rules: Self = toml::Value::Table(table.clone()).try_into().map_err(|error| settings::complaint(&error))?;
        rules.complaint().map_or(Ok(rules), Err)
    }

    fn complaint(&self) -> Option<String> {
        let positive = |setting: &str, values: &BTreeMap<String, f64>| {
            let bad = values.iter().find(|(_, value)| !(value.is_finite() && **value > 0.0));
            bad.map(|(column, _)| format!("`{setting}` of `{column}` must be above 0"))
        };
        let bounds = || {
            let bad = self.bounds.iter().find(|(_, [low, high])| !(low.is_finite() && high.is_finite() && low < high));
            bad.map(|(column, _)| format!("`bounds` of `{column}` must be two numbers, the smaller one first"))
        };
        let share = || {
            let fits = self.default_error.is_finite() && self.default_error > 0.0 && self.default_error <= 1.0;
            (!fits).then(|| "`default_error` must be above 0 and not above 1".to_owned())
        };
        let both = || {
            let mutable = self.mutable.as_deref().unwrap_or_default();
            let column = mutable.iter().find(|column| self.immutable.contains(column))?;
            Some(format!("`{column}` stands under `mutable` and under `immutable`"))
        };
        let groups = || {
            let small = self.one_hot.iter().any(|group| group.len() < 2);
            let mut all: Vec<&String> = self.one_hot.iter().flatten().collect();
            all.sort();
            let twice = all.windows(2).any(|pair| pair[0] == pair[1]);
            (small || twice).then(|| "a group of `one_hot` needs two columns or more, each in one group".to_owned())
        };
        positive("measurement_error", &self.measurement_error)
            .or_else(|| positive("step", &self.step))
            .or_else(bounds)
            .or_else(share)
            .or_else(both)
            .or_else(groups)
    }

    /// Every column that is named, with the setting that names it.
    pub(super) fn named(&self) -> Vec<(&'static str, &str)> {
        let mutable = self.mutable.as_deref().unwrap_or_default();
        let lists: [(&'static str, Vec<&String>); 7] = [
            ("robustness.measurement_error", self.measurement_error.keys().collect()),
            ("robustness.bounds", self.bounds.keys().collect()),
            ("robustness.step", self.step.keys().collect()),
            ("robustness.immutable", self.immutable.iter().collect()),
            ("robustness.mutable", mutable.iter().collect()),
            ("robustness.direction", self.direction.keys().collect()),
            ("robustness.one_hot", self.one_hot.iter().flatten().collect()),
        ];
        let of_lists = lists
            .into_iter()
            .flat_map(|(setting, columns)| columns.into_iter().map(move |column| (setting, column.as_str())));
        let of_relations = self.relations.iter().flat_map(Relation::columns);
        of_lists.chain(of_relations.map(|column| ("robustness.relations", column))).collect()
    }

    /// Whether an attacker may change a number of this name at all.
    pub(super) fn may_change(&self, column: &str) -> bool {
        let named = |names: &[String]| names.iter().any(|name| name == column);
        !named(&self.immutable) && self.mutable.as_deref().is_none_or(named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(text: &str) -> Result<Rules, String> {
        Rules::of(&text.parse().unwrap())
    }

    #[test]
    fn a_table_of_rules_is_read() {
        let rules = rules(
            "measurement_error = { systolic = 2.0 }\nbounds = { systolic = [60, 250] }\nimmutable = [\"age\"]\n\
             direction = { weight = \"up\" }\none_hot = [[\"a\", \"b\"]]\nrelations = [\"diastolic <= systolic\"]",
        )
        .unwrap();
        assert!(!rules.may_change("age") && rules.may_change("systolic"));
        assert_eq!(rules.direction["weight"], Direction::Up);
        assert_eq!(rules.named().len(), 8);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for text in [
            "measurement_error = { a = 0.0 }",
            "bounds = { a = [2, 1] }",
            "step = { a = -1.0 }",
            "default_error = 2.0",
            "mutable = [\"a\"]\nimmutable = [\"a\"]",
            "one_hot = [[\"a\"]]",
            "one_hot = [[\"a\", \"b\"], [\"b\", \"c\"]]",
            "relations = [\"a\"]",
            "mesurement_error = { a = 1.0 }",
        ] {
            assert!(rules(text).is_err(), "{text}");
        }
    }
}
