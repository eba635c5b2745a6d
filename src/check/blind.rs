//! The blind classifier: tells members from non-members without the model. One home for the checks that use it: one asks
//! whether it succeeds, another matches records on what it says.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::Subject;
use super::records::{encoded_features, patients};
use crate::data::Split;
use crate::finding::Unit;
use crate::learn::boosted::Boosted;
use crate::learn::{Encoded, Learner, folds};
use crate::seed::Seed;
use crate::stats::rank::midranks;
use crate::stats::{Estimate, Level, roc};

/// Folds of the cross-fitting.
pub(super) const FOLDS: usize = 5;
/// How near to 0 and 1 its probabilities are taken.
const SURE: f64 = 1e-9;
/// The learner in words.
pub(super) const LEARNER: &str = "boosted trees, 50 rounds of depth 4, five folds by patient";

/// How far an interval may lie from 0.5 before two sets count as different, from 0 to 0.1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Tolerance(pub(super) f64);

impl Default for Tolerance {
    fn default() -> Self {
        Self(0.02)
    }
}

impl<'de> Deserialize<'de> for Tolerance {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = f64::deserialize(deserializer)?;
        if (0.0..=0.1).contains(&value) { Ok(Self(value)) } else { Err(D::Error::custom("must be from 0 to 0.1")) }
    }
}

impl Tolerance {
    /// Whether a whole interval lies over 0.5.
    pub(super) fn apart(self, area: &Estimate) -> bool {
        area.low > 0.5 + self.0
    }

    /// Whether a whole interval lies under 0.5: the sets resemble each other more than chance allows.
    pub(super) fn copied(self, area: &Estimate) -> bool {
        area.high < 0.5 - self.0
    }
}

/// Features and outcome of members and then of non-members.
pub(super) fn encoded(split: &Split) -> Encoded {
    let mut data = encoded_features(split);
    if let (Some(a), Some(b)) = (&split.members.target, &split.nonmembers.target) {
        a.columns().iter().zip(b.columns()).for_each(|(a, b)| data.push(&[a, b]));
    }
    data
}

/// The seed of the classifier on the whole split: whoever asks gets the same numbers.
pub(super) fn seed(subject: &Subject<'_>) -> Seed {
    subject.seed.derive("dataset/split-integrity")
}

/// What the classifier says about some rows, each asked of a model that saw neither the row nor its patient.
pub(super) struct Blind {
    /// The fold of each row.
    pub(super) fold: Vec<usize>,
    /// Log-odds of being a member.
    pub(super) logit: Vec<f64>,
    /// The share of its fold that a row beats. Models of different folds are not on one scale; ranks within a fold are.
    pub(super) rank: Vec<f64>,
}

impl Blind {
    /// Cross-fits on `rows` of `data`. `groups` gives for each of them what must share a fold; `labels` is 1 for members
    /// and holds a label per row of `data`.
    pub(super) fn fit(
        data: &Encoded,
        rows: &[usize],
        groups: &[u32],
        labels: &[u32],
        seed: Seed,
        progress: &dyn Fn(usize),
    ) -> Self {
        let strata: Vec<u32> = rows.iter().map(|&row| labels[row]).collect();
        let fold = folds::assign(groups, &strata, FOLDS, seed);
        let (mut logit, mut rank) = (vec![0.0; rows.len()], vec![0.5; rows.len()]);
        for one in 0..FOLDS {
            let (test, train): (Vec<usize>, Vec<usize>) = (0..rows.len()).partition(|&at| fold[at] == one);
            if test.is_empty() || train.is_empty() {
                continue;
            }
            let at = |places: &[usize]| places.iter().map(|&place| rows[place]).collect::<Vec<usize>>();
            let p = Boosted::default().fit(data, &at(&train), labels, 2, seed).probabilities(data, &at(&test));
            let p: Vec<f64> = (0..test.len()).map(|i| p[2 * i + 1]).collect();
            for ((&place, p), ranked) in test.iter().zip(&p).zip(midranks(&p)) {
                logit[place] = (p.max(SURE) / (1.0 - p).max(SURE)).ln();
                rank[place] = (ranked - 0.5) / test.len() as f64;
            }
            progress(one + 1);
        }
        Self { fold, logit, rank }
    }

    /// On the whole split.
    pub(super) fn of_split(data: &Encoded, split: &Split, seed: Seed, progress: &dyn Fn(usize)) -> Self {
        let (n, m) = (split.members.len(), split.nonmembers.len());
        let (in_groups, out_groups) = patients(split);
        let rows: Vec<usize> = (0..n + m).collect();
        Self::fit(data, &rows, &[in_groups, out_groups].concat(), &labels(split), seed, progress)
    }

    /// Its area on the whole split, with an interval that allows for several records a patient.
    pub(super) fn area(&self, split: &Split) -> Estimate {
        let (in_groups, out_groups) = patients(split);
        let clusters = split.members.groups.is_some().then_some((in_groups.as_slice(), out_groups.as_slice()));
        let (members, nonmembers) = self.rank.split_at(split.members.len());
        roc::auc(members, nonmembers, clusters, Level::P95)
    }
}

/// 1 for members, 0 for others.
pub(super) fn labels(split: &Split) -> Vec<u32> {
    let n = split.members.len();
    (0..n + split.nonmembers.len()).map(|row| u32::from(row < n)).collect()
}

/// Why two sets that the classifier tells apart cannot be compared; `columns` names those that betray most.
pub fn apart_reason(area: &Estimate, columns: Option<&str>) -> String {
    let mostly = columns.map_or_else(String::new, |columns| format!(", mostly by {columns}"));
    let remedy = if columns.is_some() {
        "Restrict both sets to the range that they share, or draw the non-members"
    } else {
        "Draw the non-members"
    };
    format!(
        "members and non-members differ without the model{mostly}: a classifier that never saw it tells them apart with an area \
         of {} (interval {}), where a random split gives 0.5. Any attack would seem to succeed. {remedy} at random from the \
         same source and time as the members.",
        Unit::Area.show(area.value),
        Unit::Area.show_interval(area)
    )
}
