//! # What it measures
//! Whether the experiment can support a claim about membership at all: can members be told from non-members *without*
//! the model (the blind classifier), do records occur twice, do patients stand on both sides, do equal records carry
//! different labels?
//!
//! # Who could do this
//! Nobody needs to: this is a control. If a classifier that never saw the model separates the two sets, then so will any
//! attack, and its success says nothing about the model.
//!
//! # How
//! The blind classifier is boosted trees on all feature columns and the target, cross-fitted in five folds with the
//! records of a patient kept together; its area under the curve is computed from out-of-fold ranks, with an interval that
//! allows for several records a patient. Duplicates are exact matches over all feature columns and the target; near
//! duplicates are non-members that equal a member in all feature columns but one (tables of five and more).
//!
//! # Reading the number
//! An area of 0.5 is what a random split gives. An interval that lies over 0.5 by more than the tolerance (0.02) says that
//! the two sets differ, one that lies under it that non-members are copies of members; both make every result that
//! compares the sets invalid, undetermined whatever it says. So do exact copies across the sets beyond what copies within
//! the members explain, and more than 1 % of non-member patients with records among the members.
//!
//! # When it misleads
//! Near duplicates are information: tables of few distinct values have them by chance, as the share among the members
//! shows. A small file hides a small difference. Copies of members among non-members hide leakage; copies among the members
//! raise it.
//!
//! # Cost
//! Five fits of boosted trees on both sets; no query to the model.
//!
//! # References
//! Das, Zhang, Tramer, "Blind baselines beat membership inference attacks" (2024); Lopez-Paz and Oquab, "Revisiting
//! classifier two-sample tests" (2017); Humphries et al., "Investigating membership inference attacks under data
//! dependencies" (2020).

use std::collections::{HashMap, HashSet};

use serde::Deserialize;

use crate::check::blind::{self, Blind, Tolerance, apart_reason};
use crate::check::{Check, CheckError, CheckMeta, Need, Output, Subject};
use crate::data::encode::joint_codes;
use crate::data::{Cells, DataError, Features, Split};
use crate::finding::{Count, Evidence, Family, Finding, Severity, Standing, Table, Unit, Worse, part_of, share_of};
use crate::seed::Seed;
use crate::stats::interval::newcombe;
use crate::stats::{Estimate, Level};
use crate::watch::{Event, Watch};

pub(in crate::check) static META: CheckMeta = CheckMeta {
    id: "dataset/split-integrity",
    title: "Integrity of the split",
    family: Family::Dataset,
    measures: &[
        BLIND_AUC,
        "dataset/overlap",
        NEAR,
        "dataset/duplicates",
        "dataset/label-conflicts",
        "dataset/patient-overlap",
    ],
    source: include_str!("split_integrity.rs"),
};

/// The measure of the blind classifier; the runner reads its standing.
pub const BLIND_AUC: &str = "dataset/blind-auc";

/// The measure of records that differ from a member's in one column.
const NEAR: &str = "dataset/near-duplicates";
/// Fewest feature columns for which one column more or less tells a near copy from chance.
const FEWEST_COLUMNS: usize = 5;
/// Fewest patients (or records) on either side for a statement about the split.
const FEWEST: usize = 10;
/// Largest share of non-members that may be members too before the comparison is void.
const MOST_SHARED: f64 = 0.01;

/// The check.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SplitIntegrity {
    /// How far the blind classifier's interval may lie from 0.5, from 0 to 0.1.
    tolerance: Tolerance,
}

impl Check for SplitIntegrity {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Data]
    }

    fn run(&self, subject: &Subject<'_>, watch: &dyn Watch) -> Result<Output, CheckError> {
        let Some(split) = subject.split else { return Ok(Output::default()) };
        let mut findings = vec![self.blind(split, blind::seed(subject), watch)];
        findings.extend(duplicates(split)?);
        findings.extend(near_duplicates(split));
        findings.extend(patient_overlap(split));
        Ok(findings.into())
    }
}

impl SplitIntegrity {
    fn blind(&self, split: &Split, seed: Seed, watch: &dyn Watch) -> Finding {
        let progress =
            |done| watch.on(&Event::Progress { step: META.id, done: done as u64, total: blind::FOLDS as u64 });
        let estimate = Blind::of_split(&blind::encoded(split), split, seed, &progress).area(split);
        let (apart, copied) = (self.tolerance.apart(&estimate), self.tolerance.copied(&estimate));
        let invalid = apart || copied;
        let standing = if !has_features(split) {
            Standing::Insufficient {
                reason: "the records have no columns by which members could be compared with non-members.".to_owned(),
                needed: "Add columns that describe the records, or state how they were drawn (`scores.random_split`)."
                    .to_owned(),
            }
        } else if estimate.n < FEWEST {
            Standing::Insufficient {
                reason: format!("fewer than {FEWEST} members or non-members cannot show whether the split is sound."),
                needed: "Hundreds of records on either side would.".to_owned(),
            }
        } else if copied {
            Standing::Invalid {
                reason: format!(
                    "members and non-members resemble each other more than chance allows (area {}, interval {}, without the \
                     model): non-members are probably copies of members. Draw the non-members from records that were not \
                     used for training.",
                    Unit::Area.show(estimate.value),
                    Unit::Area.show_interval(&estimate)
                ),
            }
        } else if apart {
            Standing::Invalid { reason: apart_reason(&estimate, None) }
        } else {
            Standing::Sound
        };
        let sentence = if invalid {
            "Members and non-members are not two samples of the same people; results that compare them are not valid."
        } else {
            "Members and non-members cannot be told apart without the model beyond the tolerance."
        };
        let mut finding = blank(BLIND_AUC, Unit::Area, sentence.to_owned(), estimate);
        finding.null_value = Some(0.5);
        finding.standing = standing;
        finding.severity = if invalid { Severity::High } else { Severity::VeryLow };
        finding.settings = vec![
            ("learner".to_owned(), blind::LEARNER.to_owned()),
            ("tolerance".to_owned(), self.tolerance.0.to_string()),
        ];
        finding.limits.push("A small file hides a small difference between the sets.".to_owned());
        finding
    }
}

fn blank(measure: &str, unit: Unit, sentence: String, estimate: Estimate) -> Finding {
    Finding {
        check: META.id.to_owned(),
        measure: measure.to_owned(),
        scope: String::new(),
        sentence,
        estimate: Some(estimate),
        unit,
        worse: Worse::Higher,
        null_value: Some(0.0),
        baseline: None,
        severity: Severity::VeryLow,
        standing: Standing::Sound,
        evidence: Vec::new(),
        limits: Vec::new(),
        settings: Vec::new(),
    }
}

/// Whether anything describes the records beside their outcome.
fn has_features(split: &Split) -> bool {
    match &split.members.features {
        Features::Table(table) => table.columns().iter().any(|column| split.schema.is_feature(&column.name)),
        Features::Tensor(_) => true,
    }
}

/// A digest of every record: features alone, and features with target. Codes are joint, so equal records are equal.
fn record_keys(split: &Split) -> (Vec<Vec<u32>>, Vec<Vec<u32>>) {
    let (n, m) = (split.members.len(), split.nonmembers.len());
    let (mut a, mut b) = (vec![Vec::new(); n], vec![Vec::new(); m]);
    let mut add = |x: &Cells, y: &Cells| {
        let (in_codes, out_codes, _) = joint_codes(x, y);
        a.iter_mut().zip(in_codes).for_each(|(key, code)| key.push(code));
        b.iter_mut().zip(out_codes).for_each(|(key, code)| key.push(code));
    };
    match (&split.members.features, &split.nonmembers.features) {
        (Features::Table(x), Features::Table(y)) => {
            for column in x.columns().iter().filter(|column| split.schema.is_feature(&column.name)) {
                if let Some(other) = y.column(&column.name) {
                    add(&column.cells, &other.cells);
                }
            }
        }
        (Features::Tensor(x), Features::Tensor(y)) => {
            for (keys, tensor) in [(&mut a, x), (&mut b, y)] {
                let values = tensor.to_f64().unwrap_or_default();
                for (key, row) in keys.iter_mut().zip(values.chunks(tensor.row_len().max(1))) {
                    key.extend(row.iter().flat_map(|v| [(v.to_bits() >> 32) as u32, v.to_bits() as u32]));
                }
            }
        }
        _ => {}
    }
    (a, b)
}

/// A code of the outcome of every record: equal outcomes, of one column or several, have equal codes.
fn outcome_codes(split: &Split) -> (Vec<u32>, Vec<u32>) {
    let (n, m) = (split.members.len(), split.nonmembers.len());
    let mut codes = vec![0_u32; n + m];
    let (Some(a), Some(b)) = (&split.members.target, &split.nonmembers.target) else {
        return (vec![0; n], vec![0; m]);
    };
    for (a, b) in a.columns().iter().zip(b.columns()) {
        let (of_members, of_nonmembers, _) = joint_codes(a, b);
        let mut known: HashMap<(u32, u32), u32> = HashMap::new();
        for (code, next) in codes.iter_mut().zip(of_members.iter().chain(&of_nonmembers)) {
            let fresh = known.len() as u32;
            *code = *known.entry((*code, *next)).or_insert(fresh);
        }
    }
    let of_nonmembers = codes.split_off(n);
    (codes, of_nonmembers)
}

fn duplicates(split: &Split) -> Result<Vec<Finding>, CheckError> {
    let (members, nonmembers) = record_keys(split);
    let targets = outcome_codes(split);
    if !has_features(split) {
        return Ok(Vec::new());
    }
    refuse_equal_sets((&members, &targets.0), (&nonmembers, &targets.1))?;
    let mut of_members: HashMap<(&[u32], u32), usize> = HashMap::new();
    let mut labels_of: HashMap<&[u32], (u32, bool)> = HashMap::new();
    for (key, &target) in members.iter().zip(&targets.0) {
        *of_members.entry((key.as_slice(), target)).or_insert(0) += 1;
        let entry = labels_of.entry(key.as_slice()).or_insert((target, false));
        entry.1 |= entry.0 != target;
    }
    let pairs = |keys: &'_ [Vec<u32>], targets: &'_ [u32]| -> Vec<usize> {
        keys.iter()
            .zip(targets)
            .map(|(key, &target)| of_members.get(&(key.as_slice(), target)).copied().unwrap_or(0))
            .collect()
    };
    let across = pairs(&nonmembers, &targets.1).into_iter().filter(|&copies| copies > 0).count();
    let within = pairs(&members, &targets.0).into_iter().filter(|&copies| copies > 1).count();
    let conflicting = members.iter().filter(|key| labels_of.get(key.as_slice()).is_some_and(|entry| entry.1)).count();
    let (n, m) = (members.len(), nonmembers.len());
    let mut findings = vec![
        blank(
            "dataset/overlap",
            Unit::Share,
            format!("{} non-member records are exact copies of a member record.", part_of(across, m)),
            share_of(across, m),
        ),
        blank(
            "dataset/duplicates",
            Unit::Share,
            format!("{} member records have an exact copy among the members.", part_of(within, n)),
            share_of(within, n),
        ),
        blank(
            "dataset/label-conflicts",
            Unit::Share,
            format!("{} member records share all features with a record of another label.", part_of(conflicting, n)),
            share_of(conflicting, n),
        ),
    ];
    findings[0]
        .limits
        .push("Copies of members among the non-members make membership attacks look weaker than they are.".to_owned());
    findings[1]
        .limits
        .push("Repeated records are memorised more easily; their owners are more exposed than the average.".to_owned());
    // In tables of few distinct records copies occur by chance, among the members as often as across: only what goes
    // beyond that tells of a faulty split.
    if newcombe(across, m, within, n, Level::P95).low > MOST_SHARED {
        findings[0].severity = Severity::High;
        findings[0].standing = Standing::Invalid {
            reason: format!(
                "{} non-member records are exact copies of member records, far more than chance would give. Take them out of \
                 the non-members.",
                part_of(across, m)
            ),
        };
    }
    Ok(findings)
}

/// Non-members that are no copy of a member but equal one in all feature columns except one.
fn near_duplicates(split: &Split) -> Option<Finding> {
    let (members, nonmembers) = match (&split.members.features, &split.nonmembers.features) {
        (Features::Table(_), Features::Table(_)) => record_keys(split),
        _ => return None,
    };
    let width = members.first().map_or(0, Vec::len);
    if width < FEWEST_COLUMNS {
        return None;
    }
    let (of_members, of_others) = (digests(&members), digests(&nonmembers));
    let twins: HashSet<u64> = of_members.iter().copied().collect();
    let mut copies: HashMap<u64, usize> = HashMap::new();
    of_members.iter().for_each(|&whole| *copies.entry(whole).or_insert(0) += 1);
    let (mut near, mut near_within) = (vec![false; nonmembers.len()], vec![false; members.len()]);
    for column in 0..width {
        // Without one column: how many members have the rest, copies of the record itself included.
        let rest = |key: &[u32], whole: u64| whole.wrapping_sub(mixed(column, key[column]));
        let mut same: HashMap<u64, usize> = HashMap::with_capacity(members.len());
        for (key, &whole) in members.iter().zip(&of_members) {
            *same.entry(rest(key, whole)).or_insert(0) += 1;
        }
        let alike = |key: &[u32], whole: u64| same.get(&rest(key, whole)).copied().unwrap_or(0);
        for (at, (key, &whole)) in nonmembers.iter().zip(&of_others).enumerate() {
            near[at] |= !twins.contains(&whole) && alike(key, whole) > 0;
        }
        for (at, (key, &whole)) in members.iter().zip(&of_members).enumerate() {
            near_within[at] |= copies[&whole] == 1 && alike(key, whole) > 1;
        }
    }
    let count = |flags: &[bool]| flags.iter().filter(|&&flag| flag).count();
    let (across, within) = (count(&near), count(&near_within));
    let mut finding = blank(
        NEAR,
        Unit::Share,
        format!(
            "{} non-member records equal a member record in all columns but one; among the members {} equal another member so.",
            part_of(across, nonmembers.len()),
            part_of(within, members.len())
        ),
        share_of(across, nonmembers.len()),
    );
    finding.limits.push(
        "Information only: where the members resemble each other as often, it is the coarseness of the table."
            .to_owned(),
    );
    Some(finding)
}

/// A digest per record from which a column can be taken out again: the sum of its cells' digests.
fn digests(keys: &[Vec<u32>]) -> Vec<u64> {
    let digest = |key: &Vec<u32>| {
        key.iter().enumerate().fold(0_u64, |sum, (column, &code)| sum.wrapping_add(mixed(column, code)))
    };
    keys.iter().map(digest).collect()
}

/// A cell as a number that looks random (the finisher of `SplitMix64`).
fn mixed(column: usize, code: u32) -> u64 {
    let mut z = ((column as u64) << 32 | u64::from(code)).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The same records on both sides, in whatever order or file format, are a mistake and no experiment.
fn refuse_equal_sets(
    (members, in_targets): (&[Vec<u32>], &[u32]),
    (nonmembers, out_targets): (&[Vec<u32>], &[u32]),
) -> Result<(), CheckError> {
    if members.len() != nonmembers.len() {
        return Ok(());
    }
    let sorted = |keys: &'_ [Vec<u32>], targets: &'_ [u32]| {
        let mut order: Vec<(Vec<u32>, u32)> = keys.iter().cloned().zip(targets.iter().copied()).collect();
        order.sort_unstable();
        order
    };
    if sorted(members, in_targets) != sorted(nonmembers, out_targets) {
        return Ok(());
    }
    Err(CheckError::Data(DataError::Shape {
        what: "members and non-members hold the same records: there is nothing to compare".to_owned(),
        help: "give records that the model was not trained on as the non-members".to_owned(),
    }))
}

fn patient_overlap(split: &Split) -> Option<Finding> {
    let (Some(a), Some(b)) = (&split.members.groups, &split.nonmembers.groups) else { return None };
    let distinct = |codes: &[u32]| {
        let mut codes = codes.to_vec();
        codes.sort_unstable();
        codes.dedup();
        codes
    };
    let (members, nonmembers) = (distinct(a), distinct(b));
    let both = nonmembers.iter().filter(|code| members.binary_search(code).is_ok()).count();
    let mut finding = blank(
        "dataset/patient-overlap",
        Unit::Share,
        format!("{} non-member patients have records among the members too.", part_of(both, nonmembers.len())),
        share_of(both, nonmembers.len()),
    );
    if both as f64 > MOST_SHARED * nonmembers.len() as f64 {
        finding.severity = Severity::High;
        finding.standing = Standing::Invalid {
            reason: format!(
                "{} non-member patients have records among the members too. Split by patient, or take these patients out of \
                 the non-members.",
                part_of(both, nonmembers.len())
            ),
        };
    }
    finding
        .limits
        .push("A patient on both sides makes a non-member look like a member: the attack looks weaker.".to_owned());
    finding.evidence.push(Evidence::Table(Table {
        caption: "Patients and records".to_owned(),
        columns: ["set", "records", "patients"].map(str::to_owned).to_vec(),
        rows: vec![
            vec!["members".to_owned(), Count::of(a.len()).to_string(), Count::of(members.len()).to_string()],
            vec!["non-members".to_owned(), Count::of(b.len()).to_string(), Count::of(nonmembers.len()).to_string()],
        ],
    }));
    Some(finding)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::specimen::{Case, Specimen, integers, normal, numbers, uniform};
    use crate::data::{Schema, Table};

    /// Four columns, the first of which is shifted among the members.
    fn case(count: usize, shift: f64, seed: u64) -> Case {
        let seed = Seed::root(seed).derive("split specimen");
        let table = |name: &str, shift: f64| {
            let seed = seed.derive(name);
            Table::new(vec![
                numbers("a", normal(count, shift, seed.derive("a"))),
                numbers("b", normal(count, 0.0, seed.derive("b"))),
                integers("c", &uniform(count, 5, seed.derive("c"))),
                integers("y", &uniform(count, 2, seed.derive("y"))),
            ])
        };
        let schema = Schema { target: Some("y".into()), ..Schema::default() };
        Case::tables(table("members", shift), table("nonmembers", 0.0), schema)
    }

    impl Specimen for SplitIntegrity {
        const MEASURE: &'static str = BLIND_AUC;

        fn null(seed: u64) -> (Case, f64) {
            (case(250, 0.0, seed), 0.5)
        }

        fn leaky() -> Case {
            case(400, 2.0, 1)
        }

        /// The best classifier of a shift of one has an area of Phi(1 / sqrt 2) = 0.7602; ours comes near it.
        fn graded(seed: u64) -> (Case, f64) {
            (case(1000, 1.0, seed), 0.7602)
        }
    }

    #[test]
    fn copies_conflicts_and_patients_are_counted() {
        let table =
            |x: &[u32], y: &[u32], p: &[u32]| Table::new(vec![integers("x", x), integers("y", y), integers("p", p)]);
        // members: rows 0-19 all equal, rows 20-39 equal but half of them labelled otherwise
        let x: Vec<u32> = (0..40).map(|row| row / 20).collect();
        let y: Vec<u32> = (0..40).map(|row| u32::from(row >= 30)).collect();
        let p: Vec<u32> = (0..40).collect();
        let members = table(&x, &y, &p);
        let nonmembers = table(&[0; 40], &[0; 40], &(15..55).collect::<Vec<u32>>());
        let schema = Schema { target: Some("y".into()), patient: Some("p".to_owned()), ..Schema::default() };
        let findings = Case::tables(members, nonmembers, schema).run(&SplitIntegrity::default(), 1);
        let value = |measure: &str| findings.iter().find(|f| f.measure == measure).unwrap().estimate.unwrap().value;
        assert_eq!(value("dataset/overlap"), 1.0);
        assert_eq!(value("dataset/duplicates"), 1.0);
        assert_eq!(value("dataset/label-conflicts"), 0.5);
        assert_eq!(value("dataset/patient-overlap"), 25.0 / 40.0);
    }

    #[test]
    fn near_copies_differ_in_one_column() {
        let table = |rows: std::ops::Range<u32>, change: fn(u32) -> Option<u32>| {
            let column = |column: u32| {
                let cell = |row: u32| 100 * row + column + if change(row) == Some(column) { 7 } else { 0 };
                integers(&format!("c{column}"), &rows.clone().map(cell).collect::<Vec<_>>())
            };
            Table::new((0..5).map(column).collect())
        };
        let share = |findings: &[Finding], measure: &str| {
            findings.iter().find(|f| f.measure == measure).and_then(|f| f.estimate).unwrap().value
        };
        // Non-members 0-19 are members but for column 3, 20-39 are members, 40-79 are nobody.
        let others = table(0..80, |row| (row < 20).then_some(3));
        let members = table(0..40, |_| None);
        let findings = Case::tables(members, others, Schema::default()).run(&SplitIntegrity::default(), 1);
        assert_eq!(share(&findings, NEAR), 20.0 / 80.0);
        assert_eq!(share(&findings, "dataset/overlap"), 20.0 / 80.0);
        let few = |rows| Table::new(table(rows, |_| None).columns()[..4].to_vec());
        let findings = Case::tables(few(0..30), few(30..60), Schema::default()).run(&SplitIntegrity::default(), 1);
        assert!(findings.iter().all(|finding| finding.measure != NEAR), "four columns are too few");
    }
}
