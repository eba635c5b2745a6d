//! # What it measures
//! The share of cells of patients who were added between two versions of the model, or taken out, that follow from the two files.
//!
//! # Who could do this
//! Anybody who has both files: every recipient of an update. No query is needed and nothing about the patients; how many records
//! were added or taken out is known from release notes or tried. For linear models without stored means, records of other people
//! of the same kind.
//!
//! # How
//! The plan names the previous file under `[model] previous`. Where both files store a mean of the same columns (the offset of a
//! scaler, class means of naive Bayes), the new one recognised as the mean of the members or of one of their classes, the records
//! that were added sum to `n m' - (n - k) m`, those that were taken out to `(n + k) m - n m'`. Both are worked out for every number k
//! from 1 to 10, or for the number that the setting `changed` gives. A sum that was added is compared with the sums of k members
//! that follow each other in the file, with the hold-out records as control; one that was taken out with those of hold-out records,
//! where the record of somebody who is no longer trained on belongs, with the members as control: the share of columns in which
//! both are within 1 % of each other, at best.
//!
//! Where both files hold one linear map, its normal equations give a single record: `H (w' - w)` is a multiple of the record, with
//! its one for the intercept, and `H` is summed over the hold-out records. What follows is near the record, not equal to it: it counts
//! when a member lies so much nearer than any of as many hold-out records (in the root mean square over columns, in standard
//! deviations) that chance would do that once in a thousand times, the number of records within a distance growing with its power
//! to the number of columns of more than ten values. The share is that of cells within a quarter of a standard deviation.
//!
//! # Reading the number
//! 1 says that every cell of the patient, or the sum over the patients, can be computed. It counts when at least half of the
//! cells agree and the control agrees in half as many at most; then it is a fact, and the gate fails whatever the limits. What
//! follows from weights is an approximation and no fact, its severity is high. 0 where nothing changed, or where what follows is no record. A difference of fewer than 11 people is a small cell.
//!
//! # When it misleads
//! Too low: records that were added are not next to each other in the file, were added while others were taken out, or means are
//! weighted; who was taken out is not among the hold-out records. For normal equations: few hold-out records show the shape of the
//! population badly, as few members had it badly, a strong penalty, an optimiser that stopped early, or more than one record. Who knows all other records does better, see `inversion/informed-reconstruction`. Too
//! high: columns of few values agree by chance; the control shows it.
//!
//! # Cost
//! No query. One pass of all records through the part of the model before the means; then in proportion to records times columns times
//! twenty; normal equations cost one pass over the hold-out records.
//!
//! # References
//! Bertran et al., "Reconstruction attacks on machine unlearning: simple models are vulnerable" (NeurIPS 2024); Dinur and Nissim,
//! PODS 2003, on differences of aggregates; CMS cell size suppression policy.

use rayon::prelude::*;
use serde::Deserialize;

use super::means::{Columns, groups, may_hold_means, row, rows_of, vectors};
use super::normal_equations::record;
use super::tale::{Change, PLAUSIBLE, Source, Tale, of_weights};
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
/// Operators whose constants are weights.
const PRODUCTS: [&str; 4] = ["LinearClassifier", "LinearRegressor", "Gemm", "MatMul"];

/// The check.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VersionDifference {
    /// How many records were added or taken out; 1 to 10 are tried where it is not given.
    changed: Option<usize>,
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
        let linear = file.contents.linear().zip(previous.linear());
        let same = new.len() == old.len() && new.iter().zip(&old).all(|(new, old)| new.0 == old.0);
        if (new.is_empty() && linear.is_none()) || !same {
            let (reason, remedy) = if new.is_empty() {
                (
                    "the file stores nothing that could be means of columns, and no single linear map",
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
        let weighs = |array: &StoredArray<'_>| {
            linear.is_some() && array.place.operator().is_some_and(|operator| PRODUCTS.contains(&operator))
        };
        let arrays: Vec<StoredArray<'_>> =
            file.contents.arrays().into_iter().filter(|array| may_hold_means(array) || weighs(array)).collect();
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
                            let source = if group > 0 { Source::ClassMean } else { Source::Mean };
                            tales.extend(self.tale(&pair, rows, &others, source));
                        }
                    }
                }
            }
            if let (Some((new, old)), Some(truth)) = (&linear, truth)
                && self.changed.is_none_or(|changed| changed == 1)
                && let Some(record) = record(image, &others, (old, new), truth)
            {
                recognised += 1;
                tales.extend(of_weights(image, images.members, &record));
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
    /// What so many records that were added or taken out sum to, by column.
    fn sum(&self, change: Change, records: usize) -> Vec<f64> {
        let (n, k) = (self.columns.records as f64, records as f64);
        let pairs = self.new.iter().zip(self.old);
        match change {
            Change::Added => pairs.map(|(new, old)| n * new - (n - k) * old).collect(),
            Change::TakenOut => pairs.map(|(new, old)| (n + k) * old - n * new).collect(),
        }
    }

    /// The best share of cells in which the sum agrees with that of as many records in a row.
    fn agreement(&self, sum: &[f64], rows: &[usize], records: usize) -> f64 {
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
        let best = rows.par_windows(records).map(near).max().unwrap_or(0);
        best as f64 / self.columns.telling.len().max(1) as f64
    }

    /// Whether the sum lies where as many records would put it: within six standard deviations of the mean in every column.
    fn plausible(&self, sum: &[f64], records: usize) -> bool {
        let k = records as f64;
        let inside = |&column: &usize| {
            (sum[column] - k * self.columns.mean[column]).abs() <= PLAUSIBLE * k.sqrt() * self.columns.spread[column]
        };
        self.columns.telling.iter().all(inside)
    }
}

impl VersionDifference {
    /// The number of records, added or taken out, that explains a difference best.
    fn tale(&self, pair: &Pair<'_>, rows: &[usize], others: &[usize], source: Source) -> Option<Tale> {
        let tried = self.changed.map_or(1..=SMALLEST_SHOWN - 1, |changed| changed..=changed);
        let of = |(change, records): (Change, usize)| {
            let sum = pair.sum(change, records);
            let (inside, outside) = (pair.agreement(&sum, rows, records), pair.agreement(&sum, others, records));
            let (found, control) = if change == Change::Added { (inside, outside) } else { (outside, inside) };
            Tale {
                source,
                change,
                columns: pair.columns.telling.len(),
                records,
                found,
                control,
                plausible: pair.plausible(&sum, records),
                chance: None,
            }
        };
        let tried = tried.filter(|records| (1..rows.len()).contains(records));
        let tales = tried.flat_map(|records| [(Change::Added, records), (Change::TakenOut, records)]).map(of);
        // What counts first; of equals the fewest records.
        let rank = |tale: &Tale| (tale.counts(), tale.found);
        tales.reduce(|best, next| if rank(&next) > rank(&best) { next } else { best })
    }
}

fn finding(tales: &[Tale], recognised: usize, members: usize) -> Finding {
    let best = tales.iter().filter(|tale| tale.counts());
    let best = best.max_by(|a, b| a.found.total_cmp(&b.found));
    let value = best.map_or(0.0, |tale| tale.found);
    let mut finding = counted(META.id, RECOVERED, Unit::Share, Estimate::exact(value, members));
    finding.sentence = match best {
        Some(tale) => format!(
            "The two versions together give away {} of the cells of {} {}, {}; {} records agree in {}.",
            Unit::Share.show(tale.found),
            if tale.source == Source::Weights { "a patient who was" } else { "the sum over the few patients who were" },
            tale.change.words(),
            tale.source.nearness(),
            if tale.change == Change::Added { "hold-out" } else { "members'" },
            Unit::Share.show(tale.control)
        ),
        None if recognised == 0 => {
            "Neither version stores a mean of the members' columns or a linear map that can be compared: there is nothing to take a \
             difference of."
                .to_owned()
        }
        None if tales.is_empty() => "No mean of columns changed between the versions.".to_owned(),
        None => "The difference between the versions is no record, and no sum of the records of few people.".to_owned(),
    };
    match best.map(|tale| tale.source) {
        Some(Source::Mean | Source::ClassMean) => {
            (finding.severity, finding.standing) = (Severity::VeryHigh, Standing::Fact);
        }
        Some(Source::Weights) => finding.severity = Severity::High,
        None => {}
    }
    if !tales.is_empty() {
        finding.evidence.push(table(tales));
    }
    finding.limits.push(
        "Records that were added or taken out are looked for next to each other in the file; those taken out only among the hold-out \
         records. Changes both ways at once are not looked for."
            .to_owned(),
    );
    finding
}

fn table(tales: &[Tale]) -> Evidence {
    let line = |tale: &Tale| {
        vec![
            tale.source.words().to_owned(),
            tale.change.words().to_owned(),
            tale.columns.to_string(),
            Count::of(tale.records).to_string(),
            Unit::Share.show(tale.found),
            Unit::Share.show(tale.control),
            if tale.plausible { "yes" } else { "no" }.to_owned(),
        ]
    };
    Evidence::Table(Table {
        caption: "What changed between the versions, and the records that explain it best".to_owned(),
        columns: [
            "what changed",
            "records were",
            "columns",
            "how many",
            "cells that agree",
            "cells that agree with the control",
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
    use crate::check::{Answers, Truth};
    use crate::data::{Schema, Table as Records};
    use crate::model::Predictions;
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
            let wrong = only(&case(added, 0, 5), &VersionDifference { changed: Some(1) });
            assert_eq!(wrong.standing, Standing::Sound, "{added} added are not one");
        }
    }

    /// Who was taken out is among the hold-out records now: the last of them was trained on before.
    #[test]
    fn the_record_of_a_patient_who_was_taken_out_is_a_fact() {
        let (members, others) = (columns(5), columns(6));
        let with = |taken: usize| -> Vec<Vec<f64>> {
            members.iter().zip(&others).map(|(a, b)| [&a[..], &b[RECORDS - taken..]].concat()).collect()
        };
        for taken in [1, 3] {
            let case = Case::tables(table(&members), table(&others), Schema::default());
            let case = case.with_file(scaler(&members, 0..RECORDS, 0));
            let case = case.with_previous(scaler(&with(taken), 0..RECORDS + taken, 0));
            let finding = only(&case, &VersionDifference::default());
            assert_eq!(finding.standing, Standing::Fact, "{}", finding.sentence);
            assert!(finding.sentence.contains("taken out") && finding.estimate.map(|e| e.value) == Some(1.0));
        }
    }

    /// The optimum of squared errors over some rows, by its normal equations.
    fn least_squares(columns: &[Vec<f64>], target: &[f64], rows: std::ops::Range<usize>) -> Contents {
        let width = columns.len() + 1;
        let own = |at: usize| -> Vec<f64> { std::iter::once(1.0).chain(columns.iter().map(|c| c[at])).collect() };
        let mut system = vec![vec![0.0; width + 1]; width];
        for at in rows {
            let own = own(at);
            for (line, a) in system.iter_mut().zip(&own) {
                let known = own.iter().chain(std::iter::once(&target[at]));
                line.iter_mut().zip(known).for_each(|(sum, b)| *sum += a * b);
            }
        }
        for pivot in 0..width {
            let line = system[pivot].clone();
            for (_, other) in system.iter_mut().enumerate().filter(|(at, _)| *at != pivot) {
                let share = other[pivot] / line[pivot];
                other.iter_mut().zip(&line).for_each(|(cell, own)| *cell -= share * own);
            }
        }
        let solved: Vec<f32> = (0..width).map(|at| (system[at][width] / system[at][at]) as f32).collect();
        let attributes = vec![
            ("coefficients", Attribute::Floats(solved[1..].to_vec())),
            ("intercepts", Attribute::Floats(vec![solved[0]])),
        ];
        Draft::default().node("ai.onnx.ml", "LinearRegressor", &["x"], attributes).contents()
    }

    /// A linear regression to which one record was added: with the shape of 3,000 others, its normal equations lead to that record
    /// and no other. A hundred added records lead nowhere, and exchanged sides to somebody who was taken out.
    #[test]
    fn weights_lead_to_the_record_by_their_normal_equations() {
        let wide = |rows: usize, seed: u64| -> Vec<Vec<f64>> {
            (0..8).map(|at| normal(rows, 1.0, Seed::root(seed).derive(&format!("weights {at}")))).collect()
        };
        let (members, others) = (wide(3_000, 1), wide(3_000, 2));
        let noise = normal(3_000, 0.0, Seed::root(3));
        let target: Vec<f64> = (0..3_000).map(|at| members[0][at] - 2.0 * members[1][at] + noise[at]).collect();
        let finding = |added: usize, swapped: bool| {
            let answers = |truth: Vec<f64>| Answers {
                predictions: Predictions::Values(vec![0.0; truth.len()]),
                truth: Truth::Values(truth),
            };
            let (first, second) = if swapped { (&others, &members) } else { (&members, &others) };
            let case = Case::tables(table(first), table(second), Schema::default()).with_target(
                crate::model::Task::Regression,
                None,
                Vec::new(),
                (answers(target.clone()), answers(target.clone())),
                |_| Predictions::Values(Vec::new()),
            );
            let case = case.with_file(least_squares(&members, &target, 0..3_000));
            let case = case.with_previous(least_squares(&members, &target, 0..3_000 - added));
            only(&case, &VersionDifference::default())
        };
        let one = finding(1, false);
        assert_eq!((one.severity, one.standing.clone()), (Severity::High, Standing::Sound), "{}", one.sentence);
        assert!(one.sentence.contains("a patient who was added, to a quarter"), "{}", one.sentence);
        assert!(one.estimate.is_some_and(|e| e.value >= 0.75), "{}", one.sentence);
        assert_eq!(finding(100, false).severity, Severity::VeryLow, "a hundred records are nobody's");
        assert!(finding(1, true).sentence.contains("taken out"));
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
