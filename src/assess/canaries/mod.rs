//! Canaries: records that a fair coin puts into the training data or leaves out, so that one training run is an audit.
//!
//! [`draw`] chooses the records, flips the coins and seals them before training; [`audit`] verifies that nothing changed,
//! guesses the coins from the finished model and turns the guesses into lower bounds on epsilon. What is fixed
//! beforehand ([`Terms`]) is public and stands in the sealed file as well, so that neither can be changed alone.
//!
//! Reference: Steinke, Nasr and Jagielski, Privacy auditing with one (1) training run, `NeurIPS` 2023.

pub mod audit;
pub mod draw;

use serde::{Deserialize, Serialize};

use super::AssessError;
use crate::digest::Digest;
use crate::finding::grouped;
use crate::stats::Level;

/// Version of the files.
pub const SCHEMA: &str = "privet-canaries-1";
/// One guess of either kind per this many canaries, unless the user says otherwise. More guesses raise the ceiling and
/// cost accuracy: among 500 canaries whose scores are two standard deviations apart, guessing 5, 10, 20 or 45 % on either
/// side proves an epsilon of 2.7, 3.0, 2.8 or 1.8 on average. A tenth is near the best for leaks from half a standard
/// deviation to two; only a model that memorises outright would be shown to be worse with more.
const GUESSED: usize = 10;

/// What a canary is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// A record as it is.
    Natural,
    /// A record with the label of another class: nothing but memorising makes a model agree.
    Mislabelled,
}

impl Mode {
    /// One word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Natural => "natural",
            Self::Mislabelled => "mislabelled",
        }
    }
}

/// What is fixed before training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// Version of the files.
    pub schema: String,
    /// The seed of a rehearsal; nothing where the coins are worth something.
    pub rehearsal: Option<u64>,
    /// What a canary is.
    pub mode: Mode,
    /// Canaries, each with a coin.
    pub canaries: usize,
    /// How many of the highest scores will be guessed to be in.
    pub guessed_in: usize,
    /// How many of the lowest scores will be guessed to be out.
    pub guessed_out: usize,
    /// The delta at which epsilon is bounded.
    pub delta: f64,
    /// The level of the bounds.
    pub level: Level,
    /// The column with the planted label.
    pub target: String,
    /// Digest of the file of all canaries.
    pub canaries_sha256: Digest,
}

/// The secret file: who knows it knows the coins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sealed {
    /// What is fixed.
    pub terms: Terms,
    /// One character per row of the file of canaries: 1 for in, 0 for out.
    pub coins: String,
    /// Random, so that the commitment cannot be opened by trying all coins.
    pub salt: String,
    /// Digest of the file of rows to include.
    pub include_sha256: Digest,
}

/// The public file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Commitment {
    /// What is fixed.
    pub terms: Terms,
    /// Digest of the sealed file.
    pub sealed_sha256: Digest,
    /// Digest of the salt followed by the file of rows to include. The salt keeps anybody who has the canaries from
    /// finding the included ones by trying.
    pub salted_include_sha256: Digest,
}

impl Terms {
    /// Whether the numbers fit each other.
    fn check(&self) -> Result<(), String> {
        let guesses = self.guessed_in.saturating_add(self.guessed_out);
        if self.guessed_in == 0 && self.guessed_out == 0 {
            return Err("no guess is to be made".to_owned());
        }
        if guesses > self.canaries {
            return Err(format!("{} guesses are more than the {} canaries", grouped(guesses as u64), self.canaries));
        }
        if !(0.0..1.0).contains(&self.delta) {
            return Err("delta is not from 0 to less than 1".to_owned());
        }
        Level::new(self.level.value()).map(|_| ()).ok_or_else(|| "the level is not between 0 and 1".to_owned())
    }

    /// A line of warning for every output of a rehearsal.
    pub fn warning(&self) -> Option<String> {
        self.rehearsal.map(|seed| {
            format!(
                "REHEARSAL: the coins come from the seed {seed}, so anybody can compute them; nothing here is evidence"
            )
        })
    }
}

fn mismatch(what: impl Into<String>, help: &str) -> AssessError {
    AssessError::Mismatch { what: what.into(), help: help.to_owned() }
}
