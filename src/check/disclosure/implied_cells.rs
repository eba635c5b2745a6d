//! # What it measures
//! Counts of 1 to 10 people that can be derived from the file: from the probabilities in the leaves of trees, and from the
//! counts that isolation forests keep beside them.
//!
//! # Who could do this
//! Whoever holds the file. No data are needed: the share 2/5 in a leaf speaks of five people, or a multiple of five.
//!
//! # How
//! A leaf of a classifier states the share of each class among the records that reached it in training. The smallest
//! denominator q for which all its shares are fractions a/q within the rounding of the file divides the number of records in
//! the leaf. Leaves with q from 2 to 10 are looked up in the data: where they hold from 1 to 10 members, the file publishes
//! percentages from which a small cell follows. Leaves of one class state no denominator and are counted by
//! `disclosure/leaf-occupancy`. Isolation forests state the number of training records of every leaf outright: tables behind
//! the trees whose whole numbers add up to the same sample size.
//!
//! # Reading the number
//! The share of members who end in a leaf whose number of people, from 1 to 10, follows from the file, averaged over the
//! trees; for an isolation forest the share of the sample in leaves of 1 to 10. The rule of the Centers for Medicare and
//! Medicaid Services lets out no cell of 1 to 10, and no percentage from which one follows.
//!
//! # When it misleads
//! A share of one half stands in leaves of 2 and of 600: only the data tell them apart, so leaves are counted by their
//! members. Weights and bootstrap samples make other fractions than the records at hand. Boosted trees state no shares.
//!
//! # Cost
//! Ten divisions for every leaf, and one pass of the records through the trees.
//!
//! # References
//! Centers for Medicare and Medicaid Services, cell size suppression policy; Ferry et al., Trained random forests
//! completely reveal your dataset, ICML 2024.

use serde::Deserialize;

use super::grove::{Grove, Planted};
use super::{counted, share_text};
use crate::check::records::patients;
use crate::check::{Check, CheckError, CheckMeta, Need, Output, Subject};
use crate::finding::{Count, Evidence, Family, Finding, SMALLEST_SHOWN, Severity, Table, Unit, share_of};
use crate::model::trees::{Ensemble, Kind, Transform};
use crate::watch::Watch;

pub(in crate::check) static META: CheckMeta = CheckMeta {
    id: "disclosure/implied-cells",
    title: "Small counts that follow from the file",
    family: Family::Disclosure,
    measures: &[IMPLIED],
    source: include_str!("implied_cells.rs"),
};

const IMPLIED: &str = "disclosure/implied-cell-share";
const SCALE: [f64; 4] = [0.0, 0.02, 0.1, 0.3];
/// How far a share may be from a fraction, relative to it: a few roundings of 32-bit floats.
const ROUNDING: f64 = 3e-7;

/// The check. It has no settings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImpliedCells {}

impl Check for ImpliedCells {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::File]
    }

    fn run(&self, subject: &Subject<'_>, _watch: &dyn Watch) -> Result<Output, CheckError> {
        let Some(file) = subject.file else { return Ok(Output::default()) };
        // Counts that are stated need no data.
        let counts = file.contents.leaf_counts();
        let mut findings: Vec<Finding> = (!counts.is_empty()).then(|| stated(counts)).into_iter().collect();
        // The operator of opset 5 does not say whether it gives classes; the outcome does.
        let classes = subject.model.is_some_and(|model| !model.target.facts().classes.is_empty());
        let shares = |ensemble: &Ensemble| whole(ensemble).filter(|_| classes || ensemble.kind == Kind::Classes);
        let states_shares = file.contents.trees().iter().flatten().any(|ensemble| shares(ensemble).is_some());
        match subject.split {
            Some(split) if subject.model.is_some() => {
                let grove = Grove::of(subject)?;
                let stating: Vec<(&Planted<'_>, f64)> =
                    grove.planted.iter().filter_map(|planted| Some((planted, shares(planted.ensemble)?))).collect();
                if !stating.is_empty() || !grove.unread.is_empty() {
                    let mut finding = implied(&stating, &patients(split).0[..split.members.len()]);
                    grove.qualify(&mut finding);
                    findings.push(finding);
                }
            }
            _ if states_shares && findings.is_empty() => {
                return Err(CheckError::NotApplicable {
                    reason: "leaves state shares of classes, and without data a half of two people looks like a half of many"
                        .to_owned(),
                    remedy: "set `[data]`".to_owned(),
                });
            }
            _ => {}
        }
        if findings.is_empty() {
            return Err(CheckError::NotApplicable {
                reason: "the leaves of the file's trees, if it holds any, state no shares of classes".to_owned(),
                remedy: "nothing is missing: boosted trees and regressions are read by the other disclosure checks"
                    .to_owned(),
            });
        }
        Ok(findings.into())
    }
}

/// What the shares of a leaf add up to, if the leaves state shares: one, or one by the number of trees.
fn whole(ensemble: &Ensemble) -> Option<f64> {
    if ensemble.transform != Transform::None || !ensemble.base.is_empty() {
        return None;
    }
    let trees = ensemble.trees() as f64;
    let leaves = 0..ensemble.leaves.len();
    let sum = |leaf: usize| ensemble.weights(leaf).iter().map(|weight| weight.value).sum::<f64>();
    let near = |a: f64, b: f64| (a - b).abs() <= 1e-5 * b;
    let most = leaves.clone().map(sum).fold(0.0, f64::max);
    let total = [1.0, 1.0 / trees].into_iter().find(|&total| near(most, total))?;
    let is_share = |leaf: usize| {
        let weights = ensemble.weights(leaf);
        let positive = weights.iter().all(|weight| weight.value >= 0.0);
        // One number a leaf: the share of the second of two classes.
        positive && (near(sum(leaf), total) || weights.len() <= 1 && sum(leaf) <= total * (1.0 + 1e-5))
    };
    leaves.into_iter().all(is_share).then_some(total)
}

/// The smallest denominator up to 10 that gives all shares of a leaf.
fn denominator(shares: &[f64]) -> Option<u32> {
    let fits = |q: u32| {
        shares.iter().all(|share| {
            let a = share * f64::from(q);
            (a - a.round()).abs() <= ROUNDING * a.max(1e-3)
        })
    };
    (1..SMALLEST_SHOWN as u32).find(|&q| fits(q))
}

/// `people` says whose each member's record is: a leaf is small when few people are in it, however many records they have.
fn implied(stating: &[(&Planted<'_>, f64)], people: &[u32]) -> Finding {
    let n = people.len();
    let (mut trees, mut with_fraction, mut small_leaves, mut exact, mut members) = (0, 0, 0, 0, 0);
    for (planted, total) in stating {
        let ensemble = planted.ensemble;
        trees += ensemble.trees();
        let counts = ensemble.route(0..ensemble.trees(), &planted.members, |tree, leaves| {
            let range = ensemble.leaves_of(tree);
            // Records and people of each leaf.
            let mut counts = vec![(0_usize, 0_usize); range.len()];
            let mut pairs: Vec<(u32, u32)> = leaves.into_iter().zip(people.iter().copied()).collect();
            pairs.sort_unstable();
            for alike in pairs.chunk_by(|a, b| a == b) {
                if let Some(count) = counts.get_mut((alike[0].0 as usize).saturating_sub(range.start)) {
                    *count = (count.0 + alike.len(), count.1 + 1);
                }
            }
            counts
        });
        for (leaf, (records, count)) in counts.into_iter().flatten().enumerate() {
            let shares: Vec<f64> = ensemble.weights(leaf).iter().map(|weight| weight.value / total).collect();
            let Some(q) = denominator(&shares).filter(|&q| q > 1) else { continue };
            with_fraction += 1;
            if (1..SMALLEST_SHOWN).contains(&count) {
                small_leaves += 1;
                members += records;
                exact += usize::from(records.is_multiple_of(q as usize));
            }
        }
    }
    let leaves = stating.iter().map(|(planted, _)| planted.ensemble.leaves.len()).sum();
    let mut estimate = share_of(members, (n * trees).max(1));
    estimate.n = n;
    let mut finding = counted(META.id, IMPLIED, Unit::Share, estimate);
    let shown = share_text(members, (n * trees).max(1));
    finding.sentence = if members == 0 {
        "No leaf states shares of classes from which a number of 1 to 10 people of the training data follows."
            .to_owned()
    } else {
        format!(
            "{shown} of the members end in a leaf of a tree whose percentages give away that 1 to 10 people are in it{}.",
            if trees == 1 { String::new() } else { format!(", averaged over {trees} trees") }
        )
    };
    finding.severity = Severity::on_scale(estimate.low, SCALE).min(Severity::High);
    let rows = [
        ("leaves whose shares are fractions with a denominator from 2 to 10", with_fraction),
        ("of these, leaves with 1 to 10 members in the data", small_leaves),
        ("of these, leaves whose members are a multiple of the denominator, as the file says", exact),
    ];
    finding.evidence.push(Evidence::Table(Table {
        caption: "Leaves whose percentages give a small number away".to_owned(),
        columns: ["what", "leaves"].map(str::to_owned).to_vec(),
        rows: rows.map(|(what, count)| vec![what.to_owned(), Count::of_part(count, leaves).to_string()]).to_vec(),
    }));
    finding.limits.push(
        "Trees grown on bootstrap samples or with weights state other fractions; then members and denominators disagree.".to_owned(),
    );
    finding.limits.push(
        "Remedy: train with at least 11 records a leaf, or merge small leaves in the file: `privet repair`.".to_owned(),
    );
    finding
}

/// The counts that an isolation forest states.
fn stated(counts: &[Vec<u64>]) -> Finding {
    let small = |count: &&u64| (1..SMALLEST_SHOWN as u64).contains(count);
    let (mut records, mut of) = (0_u64, 0_u64);
    for tree in counts {
        records += tree.iter().filter(small).sum::<u64>();
        of += tree.iter().sum::<u64>();
    }
    let leaves = |wanted: &dyn Fn(&u64) -> bool| counts.iter().flatten().filter(|count| wanted(count)).count();
    let total = counts.iter().map(Vec::len).sum::<usize>();
    let estimate = share_of(records as usize, of as usize);
    let mut finding = counted(META.id, IMPLIED, Unit::Share, estimate);
    "isolation forest".clone_into(&mut finding.scope);
    finding.sentence = format!(
        "{} of the sampled records are in leaves of 1 to 10: the file states the number of training records of every leaf.",
        share_text(records as usize, of as usize)
    );
    finding.severity = if records > 0 { Severity::High } else { Severity::VeryLow };
    let row = |what: &str, count: usize| vec![what.to_owned(), Count::of_part(count, total).to_string()];
    finding.evidence.push(Evidence::Table(Table {
        caption: format!("Counts that the file states for the leaves of {} trees", counts.len()),
        columns: ["leaves", "number"].map(str::to_owned).to_vec(),
        rows: vec![
            row("with a single record", leaves(&|count| *count == 1)),
            row("with 1 to 10 records", leaves(&|count| *count < SMALLEST_SHOWN as u64)),
            row("all", total),
        ],
    }));
    finding.limits.push("Trees of an isolation forest are grown on samples; a count speaks of the sample.".to_owned());
    finding
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::disclosure::tree_specimen::{Planting, evenly};
    use crate::check::specimen::{Case, Specimen};

    /// 200 members in leaves of five; the first `mixed` leaves state two of five, the others one class.
    fn leaves(mixed: usize) -> Case {
        let members: Vec<f64> = (0..200).map(f64::from).collect();
        let cuts = (1..40).map(|leaf| 5.0 * leaf as f32 - 0.5).collect();
        let planting = Planting { members, others: evenly(200, 0.25), cuts, ..Planting::default() };
        planting.case(|leaf| vec![if leaf < mixed { 0.4 } else { 1.0 }])
    }

    impl Specimen for ImpliedCells {
        const MEASURE: &'static str = IMPLIED;

        /// Shares of one half in leaves of 50: no small cell follows.
        fn null(_: u64) -> (Case, f64) {
            let members: Vec<f64> = (0..200).map(f64::from).collect();
            let planting =
                Planting { members, others: evenly(200, 0.25), cuts: vec![49.5, 99.5, 149.5], ..Planting::default() };
            (planting.case(|leaf| vec![if leaf == 0 { 1.0 } else { 0.5 }]), 0.0)
        }

        fn leaky() -> Case {
            leaves(39)
        }

        fn graded(seed: u64) -> (Case, f64) {
            let mixed = 4 + seed as usize % 30;
            (leaves(mixed), mixed as f64 / 40.0)
        }
    }

    #[test]
    fn denominators_of_shares_in_32_bits() {
        let share = |a: u32, q: u32| f64::from(a as f32 / q as f32 / 100.0) * 100.0;
        for q in 2..=10 {
            for a in (1..q).filter(|a| (2..=*a).all(|d| a % d > 0 || q % d > 0)) {
                assert_eq!(denominator(&[share(a, q), share(q - a, q)]), Some(q), "{a}/{q}");
            }
        }
        assert_eq!(denominator(&[1.0]), Some(1));
        assert_eq!(denominator(&[share(3, 11)]), None);
        assert_eq!(denominator(&[0.123_456]), None);
    }
}
