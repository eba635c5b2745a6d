//! # What it measures
//! How many members end in each leaf of the trees: the share of members who end in leaves with fewer than 11 people, and the
//! share who are alone in their combination of leaves.
//!
//! # Who could do this
//! Whoever holds the file: the way to a leaf is a rule about the people in it, written out in the file.
//!
//! # How
//! The trees are read from the file and every record is sent through them as the runtime does. Where a patient column is
//! declared, people are counted, not records. Reported are leaves with one person, fewer than 5, 10 and 11; leaves in which
//! all members have the same outcome (class disclosure); members whose outcome is shared by fewer than 11 people of their
//! leaf (small groups); members alone in their combination of leaves over all trees that no record outside the training data
//! shares, next to the same share for those outside; and records minus parameters (residual degrees of freedom: twice the
//! number of splits, plus one per leaf and class beyond the first).
//!
//! # Reading the number
//! The share of members in leaves below 11, averaged over the trees. 0: no rule of the file speaks of fewer than 11 people,
//! the smallest cell that the Centers for Medicare and Medicaid Services let out. Larger leaves do not end class disclosure:
//! everybody in a pure leaf has the outcome that the file states.
//!
//! # When it misleads
//! The file does not say whether trees were grown on bootstrap samples, on a part of the data, or with weights; then the
//! leaves held other counts in training than these. Many trees cut the data into combinations that single out nearly
//! everybody: compare with the share outside.
//!
//! # Cost
//! Trees x records x depth comparisons.
//!
//! # References
//! Smith et al., Safe machine learning model release (SACRO-ML: structural attacks, 2022 on); Centers for Medicare and Medicaid
//! Services, cell size suppression policy; Samarati and Sweeney 1998.

use serde::Deserialize;

use super::grove::{Grove, Planted};
use super::leaves::{Cut, Occupancy, alone, occupancy};
use super::{counted, share_text};
use crate::check::records::patients;
use crate::check::{Check, CheckError, CheckMeta, Need, Output, Subject, Truth};
use crate::data::Split;
use crate::finding::{
    Baseline, Count, Evidence, Family, Finding, SMALLEST_SHOWN, Severity, Table, Unit, grouped, share_of,
};
use crate::stats::Level;
use crate::stats::interval::newcombe;
use crate::watch::Watch;

pub(in crate::check) static META: CheckMeta = CheckMeta {
    id: "disclosure/leaf-occupancy",
    title: "People in the leaves of trees",
    family: Family::Disclosure,
    measures: &[SMALL, ALONE],
    source: include_str!("leaf_occupancy.rs"),
};

const SMALL: &str = "disclosure/small-leaf-share";
const ALONE: &str = "disclosure/alone-in-all-trees";
/// Severity scale of both shares.
const SCALE: [f64; 4] = [0.01, 0.05, 0.2, 0.5];
/// Rules shown.
const RULES: usize = 5;
const BOOTSTRAP: &str = "The file does not say whether trees were grown on bootstrap samples or with weights; then the leaves \
                         held other numbers of people in training than are counted here.";

/// The check. It has no settings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeafOccupancy {}

impl Check for LeafOccupancy {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::File, Need::Queries, Need::Data]
    }

    fn run(&self, subject: &Subject<'_>, _watch: &dyn Watch) -> Result<Output, CheckError> {
        let Some(split) = subject.split else { return Ok(Output::default()) };
        let grove = Grove::of(subject)?;
        let classes = match subject.model.and_then(|model| model.members.as_ref()).map(|answers| &answers.truth) {
            Some(Truth::Classes(classes)) => Some(classes.as_slice()),
            _ => None,
        };
        let people = patients(split);
        let occupancy = occupancy(&grove, classes, (&people.0, &people.1));
        let mut findings = vec![small(&grove, &occupancy, split)];
        let alone = alone(&occupancy.cells.0, &occupancy.cells.1, &people.0);
        let others = alone_outside(&occupancy, &people.1);
        findings.push(joint(&grove, alone, others, split));
        findings.iter_mut().for_each(|finding| grove.qualify(finding));
        Ok(findings.into())
    }
}

fn alone_outside(occupancy: &Occupancy, people: &[u32]) -> usize {
    alone(&occupancy.cells.1, &occupancy.cells.0, people)
}

fn small(grove: &Grove<'_>, occupancy: &Occupancy, split: &Split) -> Finding {
    let (n, trees) = (split.members.len(), grove.trees());
    let below = occupancy.of_cut(Cut::Below(SMALLEST_SHOWN));
    let mut estimate = share_of(below.members, n * trees);
    estimate.n = n;
    let mut finding = counted(META.id, SMALL, Unit::Share, estimate);
    let share = share_text(below.members, n * trees);
    finding.sentence = match (below.members, trees) {
        (0, _) => "Every leaf that a member of the training data reaches holds at least 11 people.".to_owned(),
        (_, 1) => {
            format!("{share} of the members end in a leaf that fewer than 11 people share: a rule about so few people.")
        }
        _ => format!(
            "{share} of the members, on average over {trees} trees, end in a leaf that fewer than 11 people share: a rule about \
             so few people."
        ),
    };
    finding.severity = Severity::on_scale(estimate.low, SCALE);
    finding.evidence.push(table(occupancy, split, trees));
    finding.evidence.extend(rules(grove, occupancy, split));
    let parameters: usize = grove.planted.iter().map(|planted| parameters(planted)).sum();
    finding.settings = vec![
        ("trees".to_owned(), grouped(trees as u64)),
        ("leaves".to_owned(), grouped(occupancy.leaves as u64)),
        ("deepest leaf".to_owned(), grove.planted.iter().map(|p| p.ensemble.depth()).max().unwrap_or(0).to_string()),
        ("parameters".to_owned(), grouped(parameters as u64)),
        ("residual degrees of freedom".to_owned(), (n as i64 - parameters as i64).to_string()),
    ];
    finding.limits.push(BOOTSTRAP.to_owned());
    finding.limits.push(
        "Remedy: train with at least 11 records a leaf (`min_samples_leaf`, `min_child_samples`, `min_child_weight`), or merge \
         small leaves in the file: `privet repair`."
            .to_owned(),
    );
    finding
}

/// Two per split (column and constant), one per leaf and class beyond the first.
fn parameters(planted: &Planted<'_>) -> usize {
    let ensemble = planted.ensemble;
    2 * ensemble.splits.len() + ensemble.leaves.len() * ensemble.targets.saturating_sub(1).max(1)
}

fn table(occupancy: &Occupancy, split: &Split, trees: usize) -> Evidence {
    let (n, m) = (split.members.len(), split.nonmembers.len());
    let row = |cut: &Cut| {
        let counts = occupancy.of_cut(*cut);
        vec![
            cut.words().to_owned(),
            grouped_leaves(counts.leaves),
            share_text(counts.members, n * trees),
            share_text(counts.worst_tree, n),
            share_text(counts.nonmembers, m * trees),
        ]
    };
    let cuts = Cut::ALL.iter().filter(|cut| occupancy.classes || !cut.needs_classes());
    Evidence::Table(Table {
        caption: "Members in leaves of trees, and records from outside that reach the same leaves".to_owned(),
        columns: [
            "leaves with",
            "leaves",
            "members, mean over trees",
            "members, worst tree",
            "outside, mean over trees",
        ]
        .map(str::to_owned)
        .to_vec(),
        rows: cuts.map(row).collect(),
    })
}

/// A number of leaves may be the number of people alone in them.
fn grouped_leaves(leaves: usize) -> String {
    Count::of(leaves).to_string()
}

/// The shortest rules about single people, without a value: which columns, how many conditions.
fn rules(grove: &Grove<'_>, occupancy: &Occupancy, split: &Split) -> Option<Evidence> {
    let rows: Vec<Vec<String>> = occupancy
        .shortest(RULES)
        .into_iter()
        .filter_map(|(planted, leaf)| {
            let planted = grove.planted.get(planted)?;
            let path = planted.ensemble.path(leaf);
            let mut names: Vec<String> = Vec::new();
            for &feature in &path {
                let name = planted.name(feature as usize);
                if !names.contains(&name) {
                    names.push(name);
                }
            }
            let is_quasi = |name: &&String| {
                let plain = name.trim_end_matches(" (encoded)");
                split.schema.quasi_identifiers.iter().any(|threat| threat.columns.iter().any(|column| column == plain))
            };
            let quasi: Vec<String> = names.iter().filter(is_quasi).cloned().collect();
            Some(vec![
                path.len().to_string(),
                listed(&names),
                if quasi.is_empty() { "none".to_owned() } else { listed(&quasi) },
            ])
        })
        .collect();
    (!rows.is_empty()).then(|| {
        Evidence::Table(Table {
            caption: "The shortest rules that single people out. Values are withheld; the file holds them".to_owned(),
            columns: ["conditions", "columns", "quasi-identifiers among them"].map(str::to_owned).to_vec(),
            rows,
        })
    })
}

fn listed(names: &[String]) -> String {
    const SHOWN: usize = 8;
    let shown = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN { format!("{shown} and {} more", names.len() - SHOWN) } else { shown }
}

fn joint(grove: &Grove<'_>, alone: usize, others: usize, split: &Split) -> Finding {
    let (n, m) = (split.members.len(), split.nonmembers.len());
    let estimate = share_of(alone, n);
    let mut finding = counted(META.id, ALONE, Unit::Share, estimate);
    finding.sentence = format!(
        "{} of the members are alone in their combination of leaves over all {} trees, and no record from outside shares it; \
         among those outside it is {}.",
        share_text(alone, n),
        grove.trees(),
        share_text(others, m)
    );
    finding.null_value = None;
    finding.baseline =
        Some(Baseline { name: "the same share outside the training data".to_owned(), estimate: share_of(others, m) });
    // Being alone is no trace of training as long as it is as common outside.
    let excess = newcombe(alone, n, others, m, Level::P95);
    finding.severity = Severity::on_scale(excess.low, SCALE);
    finding.limits.push(BOOTSTRAP.to_owned());
    finding
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::disclosure::tree_specimen::{Planting, evenly};
    use crate::check::specimen::{Case, Specimen};

    /// `small` leaves of five members each and the rest in two large ones, of 200.
    fn leaves(small: usize) -> Case {
        let members: Vec<f64> = (0..200).map(f64::from).collect();
        let mut cuts: Vec<f32> = (1..=small).map(|leaf| 5.0 * leaf as f32 - 0.5).collect();
        cuts.push(150.5);
        Planting { members, others: evenly(200, 0.25), cuts, ..Planting::default() }.case(|_| vec![0.5])
    }

    impl Specimen for LeafOccupancy {
        const MEASURE: &'static str = SMALL;

        fn null(_: u64) -> (Case, f64) {
            (leaves(0), 0.0)
        }

        fn leaky() -> Case {
            leaves(29)
        }

        fn graded(seed: u64) -> (Case, f64) {
            let small = 4 + seed as usize % 20;
            (leaves(small), small as f64 / 40.0)
        }
    }

    fn rows(finding: &Finding) -> Vec<Vec<String>> {
        finding
            .evidence
            .iter()
            .find_map(|e| if let Evidence::Table(t) = e { Some(t.rows.clone()) } else { None })
            .unwrap()
    }

    /// 20 leaves of ten members, alternately of one class and mixed.
    #[test]
    fn outcomes_are_counted_in_their_leaves() {
        let members: Vec<f64> = (0..200).map(f64::from).collect();
        let cuts: Vec<f32> = (1..20).map(|leaf| 10.0 * leaf as f32 - 0.5).collect();
        let classes = (0..200).map(|row| u32::from(row / 10 % 2 == 1 && row % 2 == 0)).collect();
        let case = Planting { members, others: evenly(200, 0.25), cuts, classes: Some(classes), ..Planting::default() };
        let findings = case.case(|_| vec![0.5]).run(&LeafOccupancy {}, 1);
        let share = |at: usize| rows(&findings[0])[at][2].clone();
        // Cuts in the order of the table: 1, 5, 10, 11, pure, pure and small, small groups (those of mixed leaves).
        let expected = ["0.0 %", "0.0 %", "0.0 %", "100.0 %", "50.0 %", "50.0 %", "50.0 %"];
        assert_eq!([0, 1, 2, 3, 4, 5, 6].map(share), expected);
    }

    /// Two records of one patient in a leaf are one person.
    #[test]
    fn a_patient_is_counted_once() {
        let members: Vec<f64> = (0..220).map(f64::from).collect();
        let patients = Some(((0..220).map(|row| row / 2).collect(), (1000..1220).collect()));
        let cuts: Vec<f32> = (1..10).map(|leaf| 20.0 * leaf as f32 - 0.5).collect();
        let planting = Planting { members, others: evenly(220, 0.25), cuts, patients, ..Planting::default() };
        let findings = planting.case(|_| vec![0.5]).run(&LeafOccupancy {}, 1);
        // Nine leaves of 20 records are ten people each, the last one holds 40 records.
        let share = findings[0].estimate.unwrap();
        assert!((share.value - 180.0 / 220.0).abs() < 1e-12, "{share:?}");
    }

    /// Alone: a member whose leaf no other member and nobody from outside reaches.
    #[test]
    fn company_from_outside_counts() {
        let case = |others: Vec<f64>| {
            let members: Vec<f64> = (0..50).map(f64::from).collect();
            let cuts = (1..50).map(|leaf| leaf as f32 - 0.5).collect();
            Planting { members, others, cuts, ..Planting::default() }.case(|_| vec![0.5])
        };
        let alone = |case: Case| case.run(&LeafOccupancy {}, 1)[1].estimate.unwrap();
        assert_eq!(alone(case(vec![0.0; 50])).low, 0.8, "all but 1 to 10 of 50: 49");
        assert_eq!(alone(case((0..50).map(f64::from).collect())).value, 0.0);
    }

    #[test]
    fn no_value_is_shown_and_no_small_count() {
        let findings = leaves(29).run(&LeafOccupancy {}, 1);
        let text = serde_json::to_string(&findings).unwrap();
        assert!(!text.contains("150.5") && !text.contains("4.5"), "{text}");
    }
}
