//! The list of 45 CFR 164.514(b)(2)(i), and what may become of a column.

use serde::{Deserialize, Serialize};

/// An item of the list of identifiers in 45 CFR 164.514(b)(2)(i).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Item {
    /// (A) names.
    Names,
    /// (B) geographic subdivisions smaller than a state.
    Geography,
    /// (C) elements of dates except the year, and ages over 89.
    Dates,
    /// (D) telephone numbers.
    Telephone,
    /// (E) fax numbers.
    Fax,
    /// (F) e-mail addresses.
    Email,
    /// (G) social security numbers.
    SocialSecurity,
    /// (H) medical record numbers.
    RecordNumber,
    /// (I) health plan beneficiary numbers.
    HealthPlan,
    /// (J) account numbers.
    Account,
    /// (K) certificate and licence numbers.
    Licence,
    /// (L) vehicle identifiers and licence plates.
    Vehicle,
    /// (M) device identifiers and serial numbers.
    Device,
    /// (N) web addresses.
    Url,
    /// (O) internet protocol addresses.
    NetworkAddress,
    /// (P) biometric identifiers.
    Biometric,
    /// (Q) full-face photographs and comparable images.
    Photograph,
    /// (R) any other unique identifying number, characteristic or code.
    OtherCode,
}

impl Item {
    /// All items in the order of the regulation.
    pub const ALL: [Self; 18] = [
        Self::Names,
        Self::Geography,
        Self::Dates,
        Self::Telephone,
        Self::Fax,
        Self::Email,
        Self::SocialSecurity,
        Self::RecordNumber,
        Self::HealthPlan,
        Self::Account,
        Self::Licence,
        Self::Vehicle,
        Self::Device,
        Self::Url,
        Self::NetworkAddress,
        Self::Biometric,
        Self::Photograph,
        Self::OtherCode,
    ];

    /// The letter of the regulation, A to R.
    ///
    /// ```
    /// use privet::detect::Item;
    /// assert_eq!((Item::Names.letter(), Item::OtherCode.letter()), ('A', 'R'));
    /// ```
    pub fn letter(self) -> char {
        char::from(b'A' + self as u8)
    }

    /// Words for a reader, in the plural.
    pub fn words(self) -> &'static str {
        match self {
            Self::Names => "names",
            Self::Geography => "places smaller than a state",
            Self::Dates => "dates finer than a year, or ages over 89",
            Self::Telephone => "telephone numbers",
            Self::Fax => "fax numbers",
            Self::Email => "e-mail addresses",
            Self::SocialSecurity => "social security numbers",
            Self::RecordNumber => "medical record numbers",
            Self::HealthPlan => "health plan numbers",
            Self::Account => "account numbers",
            Self::Licence => "certificate and licence numbers",
            Self::Vehicle => "vehicle identifiers and plates",
            Self::Device => "device identifiers",
            Self::Url => "web addresses",
            Self::NetworkAddress => "network addresses",
            Self::Biometric => "biometric identifiers",
            Self::Photograph => "photographs",
            Self::OtherCode => "other unique codes",
        }
    }
}

/// By which list columns are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// The eighteen items of 45 CFR 164.514(b)(2)(i).
    #[default]
    SafeHarbor,
    /// The sixteen direct identifiers of 45 CFR 164.514(e)(2): dates, ages, town, state, postcode and other codes may stay.
    LimitedDataSet,
}

impl Mode {
    /// The rule in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::SafeHarbor => "Safe Harbor, 45 CFR 164.514(b)(2)",
            Self::LimitedDataSet => "limited data set, 45 CFR 164.514(e)(2)",
        }
    }
}

/// What may become of a column, from harmless to harmful.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Nothing was recognised, or what was recognised is allowed.
    Clear,
    /// Somebody has to look.
    Review,
    /// It may stay in a coarser form: a year, three digits of a postcode, ages of 90 and over as one.
    Conditional,
    /// It has to go.
    Prohibited,
}

impl Class {
    /// One word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Clear => "clear",
            Self::Review => "review",
            Self::Conditional => "conditional",
            Self::Prohibited => "prohibited",
        }
    }
}
