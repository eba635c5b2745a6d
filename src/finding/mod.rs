//! What a check may say. Layer row 1.
//!
//! A finding holds sentences, numbers with intervals, and evidence for charts and tables. It has no room for a cell, a
//! row or a record id, so nothing that renders findings can leak one.

mod count;
mod evidence;

pub use count::{Count, SMALLEST_SHOWN, grouped, part_of, partition, share_of};
pub use evidence::{Bar, CellPair, Curve, CurvePoint, Evidence, Histogram, Series, SizeShare, Table};

use serde::{Deserialize, Serialize};

use crate::stats::{Estimate, Method};

/// The family a check belongs to; the first part of its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// Is the experiment itself sound?
    Dataset,
    /// Can an attacker tell who was in the training data?
    Membership,
    /// Can an attacker learn a person's attributes from the model?
    Inversion,
    /// Does the model file itself contain people?
    Disclosure,
    /// Can people be singled out in the data?
    Reidentification,
    /// Can the model's answers be manipulated?
    Robustness,
}

impl Family {
    /// The id prefix, for example `membership`.
    pub fn id(self) -> &'static str {
        match self {
            Self::Dataset => "dataset",
            Self::Membership => "membership",
            Self::Inversion => "inversion",
            Self::Disclosure => "disclosure",
            Self::Reidentification => "reidentification",
            Self::Robustness => "robustness",
        }
    }

    /// A heading for a reader.
    pub fn title(self) -> &'static str {
        match self {
            Self::Dataset => "Validity of the experiment",
            Self::Membership => "Membership inference",
            Self::Inversion => "Inversion and attribute inference",
            Self::Disclosure => "Disclosure by the model file",
            Self::Reidentification => "Re-identification of the data",
            Self::Robustness => "Robustness: integrity, not privacy",
        }
    }
}

/// How bad, in the words of NIST SP 800-30. Proposed by a check, settled by the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Nothing beyond chance or baseline, or information only.
    VeryLow,
    /// Noticeable, small.
    Low,
    /// Needs a decision.
    Moderate,
    /// Should not be released as it is.
    High,
    /// Individuals are exposed.
    VeryHigh,
}

impl Severity {
    /// Words for a reader.
    pub fn words(self) -> &'static str {
        match self {
            Self::VeryLow => "very low",
            Self::Low => "low",
            Self::Moderate => "moderate",
            Self::High => "high",
            Self::VeryHigh => "very high",
        }
    }

    /// The level whose (ascending) upper limit is the first not below `value`.
    ///
    /// ```
    /// use privet::finding::Severity;
    /// assert_eq!(Severity::on_scale(0.03, [0.02, 0.05, 0.1, 0.2]), Severity::Low);
    /// ```
    pub fn on_scale(value: f64, limits: [f64; 4]) -> Self {
        let levels = [Self::VeryLow, Self::Low, Self::Moderate, Self::High];
        let level = levels.into_iter().zip(limits).find(|(_, limit)| value <= *limit);
        level.map_or(Self::VeryHigh, |(level, _)| level)
    }
}

/// Which direction of a measure is bad for privacy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Worse {
    /// Larger is worse, as for a rate of success.
    Higher,
    /// Smaller is worse, as for k.
    Lower,
}

/// The unit of a measure, for axes and sentences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// A share between 0 and 1, shown in per cent.
    Share,
    /// A difference of shares between -1 and 1, shown in percentage points.
    ShareDifference,
    /// An area under a curve between 0 and 1.
    Area,
    /// A number of people in a group.
    People,
    /// A number of things in a file.
    Items,
    /// Likeness of two records, or a difference of such: 1 for equal records, 0 for those of two strangers.
    Likeness,
    /// Epsilon of differential privacy, in natural logarithms of odds.
    Epsilon,
}

impl Unit {
    /// A value of this unit as text.
    ///
    /// ```
    /// use privet::finding::Unit;
    /// assert_eq!(Unit::Share.show(0.2814), "28.1 %");
    /// assert_eq!(Unit::Area.show(0.9504), "0.950");
    /// ```
    pub fn show(self, value: f64) -> String {
        format!("{}{}", self.digits(value), self.suffix())
    }

    /// Whether a value of this unit can be as large, or as small, as that.
    ///
    /// ```
    /// use privet::finding::Unit;
    /// assert!(Unit::Share.admits(0.07) && !Unit::Share.admits(7.0));
    /// ```
    pub fn admits(self, value: f64) -> bool {
        match self {
            Self::Share | Self::Area => (0.0..=1.0).contains(&value),
            Self::ShareDifference | Self::Likeness => (-1.0..=1.0).contains(&value),
            Self::People | Self::Items | Self::Epsilon => value >= 0.0,
        }
    }

    fn digits(self, value: f64) -> String {
        match self {
            Self::Share | Self::ShareDifference => {
                let digits = if value.abs() >= 0.01 || value == 0.0 { 1 } else { 2 };
                format!("{:.digits$}", value * 100.0)
            }
            Self::Area | Self::Likeness => format!("{value:.3}"),
            Self::People | Self::Items => format!("{value:.0}"),
            Self::Epsilon => format!("{value:.2}"),
        }
    }

    fn suffix(self) -> &'static str {
        match self {
            Self::Share => " %",
            Self::ShareDifference => " points",
            Self::Area | Self::Likeness | Self::People | Self::Items | Self::Epsilon => "",
        }
    }

    /// An interval of this unit as text.
    pub fn show_interval(self, estimate: &Estimate) -> String {
        if estimate.low == estimate.high {
            return self.show(estimate.value);
        }
        format!("{}{}", self.show_range(estimate), self.suffix())
    }

    /// A value of this unit with its interval as text, `95.0 % (94.1 to 95.8 %)`.
    pub fn show_estimate(self, estimate: &Estimate) -> String {
        format!("{} ({})", self.show(estimate.value), self.show_interval(estimate))
    }

    /// A value of this unit, or how far it may go where the number itself would tell of 1 to 10 people.
    pub fn show_at_most(self, estimate: &Estimate) -> String {
        let value = self.show(estimate.value);
        if estimate.method == Method::SuppressedCount { format!("at most {value}") } else { value }
    }

    /// An interval of this unit as text without the unit, where the value stands beside it.
    pub fn show_range(self, estimate: &Estimate) -> String {
        format!("{} to {}", self.digits(estimate.low), self.digits(estimate.high))
    }
}

/// Whether a number may be judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Standing {
    /// The experiment supports it.
    Sound,
    /// It was seen, not estimated, and nobody may see it: it fails the gate by itself, whatever the limits.
    Fact,
    /// Too few records to support the claim.
    Insufficient {
        /// Why, in a sentence.
        reason: String,
        /// What would be enough, in a sentence.
        needed: String,
    },
    /// The experiment cannot support any claim, whatever the number says.
    Invalid {
        /// Why, in a sentence.
        reason: String,
    },
}

impl Standing {
    /// Whether the number stands as it is.
    pub fn supports_claim(&self) -> bool {
        matches!(self, Self::Sound | Self::Fact)
    }
}

/// A number that the attack is compared with, obtained without the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// What it is.
    pub name: String,
    /// Its value.
    pub estimate: Estimate,
}

/// One result of one check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Id of the check, for example `membership/threshold`.
    pub check: String,
    /// Id of the measure, the key of policy limits, for example `membership/tpr-at-fpr-0.01`.
    pub measure: String,
    /// What part of the data it speaks of: empty for the whole, otherwise for example a column's name.
    pub scope: String,
    /// The result in plain words: people first, then the statistic.
    pub sentence: String,
    /// The number, missing only where none can be estimated.
    pub estimate: Option<Estimate>,
    /// Unit of the number.
    pub unit: Unit,
    /// Which direction is bad.
    pub worse: Worse,
    /// What a model (or a file) that leaks nothing would score, where there is such a value.
    pub null_value: Option<f64>,
    /// The best that can be done without the model, where that exists.
    pub baseline: Option<Baseline>,
    /// Proposed severity.
    pub severity: Severity,
    /// Whether the number may be judged.
    pub standing: Standing,
    /// Material for charts and tables.
    pub evidence: Vec<Evidence>,
    /// Why the number may be too low or too high.
    pub limits: Vec<String>,
    /// The settings that produced it.
    pub settings: Vec<(String, String)>,
}

impl Finding {
    /// The family of the check that made it.
    pub fn family(&self) -> Family {
        let families = [
            Family::Dataset,
            Family::Membership,
            Family::Inversion,
            Family::Disclosure,
            Family::Reidentification,
            Family::Robustness,
        ];
        let prefix = self.check.split('/').next().unwrap_or_default();
        families.into_iter().find(|family| family.id() == prefix).unwrap_or(Family::Dataset)
    }

    /// The measure with its scope, unique within an assessment.
    pub fn subject(&self) -> String {
        if self.scope.is_empty() { self.measure.clone() } else { format!("{} ({})", self.measure, self.scope) }
    }
}
