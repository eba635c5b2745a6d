//! # What it measures
//! The share of cells of newly added patients that follow from two versions of the model, the one before and this one, to 1 %.
//!
//! # Who could do this
//! Anybody who has both files: every recipient of an update. No query is needed and nothing about the patients; how many records
//! were added is known from release notes or tried.
//!
//! # How
//! The plan names the previous file under `[model] previous`. Where both files store a mean of the same columns (the offset of a
//! scaler, class means of naive Bayes), the new one recognised as the mean of the members or of one of their classes, the records
//! that were added sum to `n m' - (n - k) m`. This is worked out for every number k from 1 to 10, or for the number that the
//! setting `added` gives, and compared with the sums of k members that follow each other in the file: the share of columns in
//! which both are within 1 % of each other, at best. The same is done with the hold-out records as control.
//!
//! # Reading the number
//! 1 says that every cell of the added patient, or the sum over the added patients, can be computed. It counts when at least half
//! of the cells agree and hold-out records agree in half as many at most; then it is a fact, and the gate fails whatever the limits.
//! 0 where no mean changed, or where what follows is no record. A difference of fewer than 11 people is a small cell.
//!
//! # When it misleads
//! Too low: records that were added are not next to each other in the file, were added while others were taken out, or means are
//! weighted; linear weights without means give the added record away to who knows the other records, see
//! `inversion/informed-reconstruction`. Too high: columns of few values agree by chance; the control shows it.
//!
//! # Cost
//! No query. One pass of all records through the part of the model before the means; then in proportion to records times columns times
//! ten.
//!
//! # References
//! Bertran et al., "Reconstruction attacks on machine unlearning: simple models are vulnerable" (NeurIPS 2024); Dinur and Nissim,
//! PODS 2003, on differences of aggregates; CMS cell size suppression policy.

use rayon::prelude::*;
use serde::Deserialize;

use super::means::{Columns, groups, may_hold_means, row, rows_of, vectors};
use crate::check::disclosure::counted;
use crate::check::disclosure::images::{Image, Images};
use crate::check::{Check, CheckError, CheckMeta, Need, Output, Subject};
use crate::finding::{Count, Evidence, Family, Finding, SMALLEST_SHOWN, Severity, Standing, Table, Unit};
use crate::model::contents::{Lineage, StoredArray};
use crate::stats::Estimate;
use crate::watch::Watch;

pub(in crate::check) static META: CheckMeta = CheckMeta {
    id: "inversion/version-difference",
    title: "Patients added between two versions",
    family: Family::Inversion,
    measures: &[RECOVERED],
    source: include_str!("version_difference.rs"),
};

const RECOVERED: &str = "inversion/version-difference";
/// How near a cell has to be, as a share of its value.
const NEAR: f64 = 0.01;
/// The share of cells from which a sum of records is recognised.
const RECOGNISED: f64 = 0.5;

/// The check.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VersionDifference {
    /// How many records were added; 1 to 10 are tried where it is not given.
    added: Option<usize>,
}

/// What one pair of means gives away.
struct Tale {
    /// Whether the mean is one of all members, or of a class.
    of_class: bool,
    columns: usize,
    /// How many records were added, by the best agreement.
    added: usize,
    /// Share of cells that agree with members, and with hold-out records.
    members: f64,
    others: f64,
    /// Whether the sum, taken as that of fewer than 11 people, lies where records lie.
    plausible: bool,
}

impl Tale {
    /// Whether records were recovered, and not something that any record would agree with.
    fn counts(&self) -> bool {
        self.members >= RECOGNISED && self.others <= 0.5 * self.members
    }
}

impl Check for VersionDifference {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::File, Need::Data, Need::Previous]
    }

    fn run(&self, subject: &Subject<'_>, _watch: &dyn Watch) -> Result<Output, CheckError> {
        let (Some(split), Some(file)) = (subject.split, subject.file) else { return Ok(Output::default()) };
        let Some(previous) = &file.previous else { return Ok(Output::default()) };
        let (new, old) = (vectors(&file.contents), vectors(previous));
        let same = new.len() == old.len() && new.iter().zip(&old).all(|(new, old)| new.0 == old.0);
        if new.is_empty() || !same {
            let (reason, remedy) = if new.is_empty() {
                (
                    "the file stores nothing that could be means of columns",
                    "nothing: there is nothing to take differences of",
                )
            } else {
                (
                    "the two versions store different constants",
                    "name a version with the same steps under `[model] previous`",
                )
            };
            return Err(CheckError::NotApplicable { reason: reason.to_owned(), remedy: remedy.to_owned() });
        }
        let arrays: Vec<StoredArray<'_>> = file.contents.arrays().into_iter().filter(may_hold_means).collect();
        let lineage = Lineage::of(&file.contents);
        let images = Images::of(subject, split, file, &lineage, &arrays)?;
        let truth = subject.model.and_then(|model| model.members.as_ref()).map(|answers| &answers.truth);
        let mut tales = Vec::new();
        let mut recognised = 0;
        let groups = groups(images.members, truth);
        for image in &images.list {
            let others: Vec<usize> = (images.members..image.values.len() / image.width).collect();
            for (group, rows) in groups.iter().enumerate() {
                let columns = Columns::of(image, rows);
                for ((_, new), (_, old)) in new.iter().zip(&old) {
                    for (new, old) in rows_of(new, image.width).into_iter().zip(rows_of(old, image.width)) {
                        if !columns.is_mean(new) {
                            continue;
                        }
                        recognised += 1;
                        if new != old {
                            let pair = Pair { image, columns: &columns, new, old };
                            tales.extend(self.tale(&pair, rows, &others, group > 0));
                        }
                    }
                }
            }
        }
        Ok(vec![finding(&tales, recognised, images.members)].into())
    }
}

/// Two versions of a mean.
struct Pair<'p> {
    image: &'p Image<'p>,
    columns: &'p Columns,
    new: &'p [f64],
    old: &'p [f64],
}

impl Pair<'_> {
    /// What `added` records sum to, by column.
    fn sum(&self, added: usize) -> Vec<f64> {
        let n = self.columns.records as f64;
        self.new.iter().zip(self.old).map(|(new, old)| n * new - (n - added as f64) * old).collect()
    }

    /// The best share of cells in which the sum agrees with that of as many records in a row.
    fn agreement(&self, sum: &[f64], rows: &[usize], added: usize) -> f64 {
        let near = |records: &[usize]| {
            let mut true_sum = vec![0.0; self.image.width];
            for &at in records {
                row(self.image, at).zip(&mut true_sum).for_each(|(value, sum)| *sum += value);
            }
            let agrees = |&&column: &&usize| {
                // A cell of zero has no per cent: one of the spread stands in.
                let truth = true_sum[column];
                let scale = if truth == 0.0 { self.columns.spread[column] } else { truth.abs() };
                (sum[column] - truth).abs() <= NEAR * scale
            };
            self.columns.telling.iter().filter(agrees).count()
        };
        let best = rows.par_windows(added).map(near).max().unwrap_or(0);
        best as f64 / self.columns.telling.len().max(1) as f64
    }

    /// Whether the sum lies where as many records would put it: within six standard deviations of the mean in every column.
    fn plausible(&self, sum: &[f64], added: usize) -> bool {
        let k = added as f64;
        let inside = |&column: &usize| {
            (sum[column] - k * self.columns.mean[column]).abs() <= 6.0 * k.sqrt() * self.columns.spread[column]
        };
        self.columns.telling.iter().all(inside)
    }
}

impl VersionDifference {
    /// The number of added records that explains a difference best.
    fn tale(&self, pair: &Pair<'_>, rows: &[usize], others: &[usize], of_class: bool) -> Option<Tale> {
        let tried = self.added.map_or(1..=SMALLEST_SHOWN - 1, |added| added..=added);
        let of = |added: usize| {
            let sum = pair.sum(added);
            Tale {
                of_class,
                columns: pair.columns.telling.len(),
                added,
                members: pair.agreement(&sum, rows, added),
                others: pair.agreement(&sum, others, added),
                plausible: pair.plausible(&sum, added),
            }
        };
        let tales = tried.filter(|added| (1..rows.len()).contains(added)).map(of);
        tales
            .max_by(|a, b| (a.members, b.added).partial_cmp(&(b.members, a.added)).unwrap_or(std::cmp::Ordering::Equal))
    }
}

fn finding(tales: &[Tale], recognised: usize, members: usize) -> Finding {
    let best = tales.iter().filter(|tale| tale.counts());
    let best = best.max_by(|a, b| a.members.total_cmp(&b.members));
    let value = best.map_or(0.0, |tale| tale.members);
    let mut finding = counted(META.id, RECOVERED, Unit::Share, Estimate::exact(value, members));
    finding.sentence = match best {
        Some(tale) => format!(
            "The two versions together give away {} of the cells of {}, to 1 %; hold-out records agree in {}.",
            Unit::Share.show(tale.members),
            if tale.added == 1 { "a patient who was added" } else { "the sum over the few patients who were added" },
            Unit::Share.show(tale.others)
        ),
        None if recognised == 0 => {
            "Neither version stores a mean of the members' columns: there is nothing to take a difference of."
                .to_owned()
        }
        None if tales.is_empty() => "No mean of columns changed between the versions.".to_owned(),
        None => "The difference between the versions is no record, and no sum of the records of few people.".to_owned(),
    };
    if best.is_some() {
        (finding.severity, finding.standing) = (Severity::VeryHigh, Standing::Fact);
    }
    if !tales.is_empty() {
        finding.evidence.push(table(tales));
    }
    finding.limits.push(
        "Records that were added are looked for next to each other in the file; records that were taken out are not looked for."
            .to_owned(),
    );
    finding
}

fn table(tales: &[Tale]) -> Evidence {
    let line = |tale: &Tale| {
        vec![
            if tale.of_class { "members of a class" } else { "all members" }.to_owned(),
            tale.columns.to_string(),
            Count::of(tale.added).to_string(),
            Unit::Share.show(tale.members),
            Unit::Share.show(tale.others),
            if tale.plausible { "yes" } else { "no" }.to_owned(),
        ]
    };
    Evidence::Table(Table {
        caption: "Means that changed between the versions".to_owned(),
        columns: [
            "mean of",
            "columns",
            "records added",
            "cells of members within 1 %",
            "cells of hold-out records",
            "possible as records of so few",
        ]
        .map(str::to_owned)
        .to_vec(),
        rows: tales.iter().map(line).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::specimen::{Case, Specimen, normal, numbers};
    use crate::data::{Schema, Table as Records};
    use crate::model::contents::Contents;
    use crate::model::contents::specimen::{Attribute, Draft};
    use crate::seed::Seed;

    const COLUMNS: usize = 10;
    const RECORDS: usize = 300;

    fn columns(seed: u64) -> Vec<Vec<f64>> {
        (0..COLUMNS).map(|at| normal(RECORDS, 5.0, Seed::root(seed).derive(&at.to_string()))).collect()
    }

    fn table(columns: &[Vec<f64>]) -> Records {
        Records::new(columns.iter().enumerate().map(|(at, c)| numbers(&format!("c{at}"), c.clone())).collect())
    }

    /// A scaler whose offsets are means over some rows; the first `rounded` of them have two digits.
    fn scaler(columns: &[Vec<f64>], rows: std::ops::Range<usize>, rounded: usize) -> Contents {
        let mean = |(at, column): (usize, &Vec<f64>)| {
            let mean = column[rows.clone()].iter().sum::<f64>() / rows.len() as f64;
            (if at < rounded { (mean * 10.0).round() / 10.0 } else { mean }) as f32
        };
        let offset = columns.iter().enumerate().map(mean).collect();
        let attributes = vec![("offset", Attribute::Floats(offset)), ("scale", Attribute::Floats(vec![1.5; COLUMNS]))];
        Draft::default().node("ai.onnx.ml", "Scaler", &["x"], attributes).contents()
    }

    /// The last `added` records were added; the first `rounded` columns were rounded before.
    fn case(added: usize, rounded: usize, seed: u64) -> Case {
        let (members, others) = (columns(seed), columns(seed + 1000));
        let case = Case::tables(table(&members), table(&others), Schema::default());
        let case = case.with_file(scaler(&members, 0..RECORDS, 0));
        case.with_previous(scaler(&members, 0..RECORDS - added, rounded))
    }

    impl Specimen for VersionDifference {
        const MEASURE: &'static str = RECOVERED;

        /// A hundred patients were added: nobody stands out.
        fn null(seed: u64) -> (Case, f64) {
            (case(100, 0, seed), 0.0)
        }

        fn leaky() -> Case {
            case(1, 0, 1)
        }

        /// Two columns in ten are rounded to one decimal: n times the rounding hides the cell.
        fn graded(seed: u64) -> (Case, f64) {
            (case(1, 2, seed), 0.8)
        }
    }

    fn only(case: &Case, check: &VersionDifference) -> Finding {
        case.run(check, 1).remove(0)
    }

    #[test]
    fn the_record_of_an_added_patient_is_a_fact() {
        let finding = only(&case(1, 0, 5), &VersionDifference::default());
        assert_eq!(finding.standing, Standing::Fact);
        assert_eq!(finding.estimate.map(|e| e.value), Some(1.0));
    }

    #[test]
    fn several_added_patients_give_their_sum() {
        for added in [2, 7, 10] {
            let finding = only(&case(added, 0, 5), &VersionDifference::default());
            assert_eq!(finding.standing, Standing::Fact, "{added} added: {}", finding.sentence);
            assert!(finding.sentence.contains("sum over the few"), "{}", finding.sentence);
            let wrong = only(&case(added, 0, 5), &VersionDifference { added: Some(1) });
            assert_eq!(wrong.standing, Standing::Sound, "{added} added are not one");
        }
    }

    #[test]
    fn swapped_sets_and_equal_versions_give_nothing() {
        let (members, others) = (columns(1), columns(2));
        let swapped = Case::tables(table(&others), table(&members), Schema::default());
        let swapped =
            swapped.with_file(scaler(&members, 0..RECORDS, 0)).with_previous(scaler(&members, 0..RECORDS - 1, 0));
        assert_eq!(only(&swapped, &VersionDifference::default()).standing, Standing::Sound);
        let same = Case::tables(table(&members), table(&others), Schema::default());
        let same = same.with_file(scaler(&members, 0..RECORDS, 0)).with_previous(scaler(&members, 0..RECORDS, 0));
        let finding = only(&same, &VersionDifference::default());
        assert!(finding.sentence.contains("No mean of columns changed"), "{}", finding.sentence);
    }

    /// Both sets hold the record: it tells nothing about who was added.
    #[test]
    fn a_control_that_agrees_withdraws_the_finding() {
        let members = columns(1);
        let case = Case::tables(table(&members), table(&members), Schema::default());
        let case = case.with_file(scaler(&members, 0..RECORDS, 0)).with_previous(scaler(&members, 0..RECORDS - 1, 0));
        assert_eq!(only(&case, &VersionDifference::default()).standing, Standing::Sound);
    }

    #[test]
    fn other_constants_are_not_compared() {
        let (members, others) = (columns(1), columns(2));
        let case =
            Case::tables(table(&members), table(&others), Schema::default()).with_file(scaler(&members, 0..RECORDS, 0));
        let attributes = vec![("offset", Attribute::Floats(vec![1.0; 3]))];
        let old = Draft::default().node("ai.onnx.ml", "Scaler", &["x"], attributes).contents();
        let refused = case.with_previous(old).refused(&VersionDifference::default(), 1).to_string();
        assert!(refused.contains("different constants"), "{refused}");
    }
}
