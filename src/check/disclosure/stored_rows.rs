//! # What it measures
//! The share of training records whose complete row stands in the model file, as the model takes it in or as it looks after
//! a transformation inside the model.
//!
//! # Who could do this
//! Anybody who has a copy of the file. Nothing is asked of the model, and nothing needs to be known of the people.
//!
//! # How
//! Every array of the file is read: constants, sparse and external ones, attributes of operators, sub-graphs, local functions,
//! training information. Records are compared with it as inputs, as columns of the table, and as they look at every stage
//! inside the model, for which the records pass once through the runtime; a tensor that depends on an array is not compared
//! with it. An array is read row by row and column by column, first to the bit, then within 0.00001 of the value or of the
//! spread of its column (half a step of a quantised array, the last digit of a short float). Rows of hold-out records are
//! looked for in the same way, and rows that both sets have count for neither. A find counts when hold-out rows are not
//! found, or ten times more rarely, and chance is out of the question: too many rows for two sets that are alike (one in a
//! million), or rows that say too much (the same chance, over all rows and records).
//!
//! # Reading the number
//! 0 is expected of linear models, networks, k-means, principal components, boosted trees and naive Bayes. Support-vector
//! machines keep some of the training records, nearest neighbours, Gaussian processes, outlier factors and kernel projections
//! all. A row that is found is a fact and no estimate: the file holds personal data, and the gate fails whatever the limits.
//! A row after a scaler is as good as the record: the scaler stands in the same file.
//!
//! # When it misleads
//! A row of two or three numbers may be found by chance; then hold-out rows are found as well and nothing is counted. A
//! centre of a cluster of one person is that person's row, and is found. Rows that were rounded, mixed or shifted are missed,
//! but for rows in part: those that equal a record in at least four numbers of five are told apart and not judged. Rows of
//! text are seen only after an encoder. Duplicates of a stored record are all counted.
//!
//! # Cost
//! One pass of all records through the part of the model before the last stored array; then in proportion to the numbers of the file times the
//! stages, under two seconds for a file of 20 MB and 20,000 records.
//!
//! # References
//! AI-SDC, SACRO-ML, instance-based model attack (2025); Shokri et al., "Membership inference attacks against machine
//! learning models" (2017), on models that keep their data; 45 CFR 164.514(b)(2); EDPB, Opinion 28/2024.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::images::Images;
use super::search::{Find, Search, search};
use super::{WHOLE, counted};
use crate::check::{Check, CheckError, CheckMeta, Need, Output, Subject};
use crate::finding::{Count, Evidence, Family, Finding, Severity, Standing, Table, Unit, part_of, share_of};
use crate::model::contents::{Lineage, StoredArray};
use crate::watch::Watch;

pub(in crate::check) static META: CheckMeta = CheckMeta {
    id: "disclosure/stored-rows",
    title: "Training records in the file",
    family: Family::Disclosure,
    measures: &[STORED],
    source: include_str!("stored_rows.rs"),
};

/// The share of members whose rows are in the file.
const STORED: &str = "disclosure/stored-rows";
/// Most arrays that the table lists.
const MOST_LISTED: usize = 20;

/// The check. It has no settings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredRows {}

impl Check for StoredRows {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::File, Need::Data]
    }

    fn run(&self, subject: &Subject<'_>, _watch: &dyn Watch) -> Result<Output, CheckError> {
        let (Some(split), Some(file)) = (subject.split, subject.file) else { return Ok(Output::default()) };
        let arrays = file.contents.arrays();
        let lineage = Lineage::of(&file.contents);
        let images = Images::of(subject, split, file, &lineage, &arrays)?;
        if images.list.is_empty() {
            return Err(CheckError::NotApplicable {
                reason: "the records have no two numbers that could stand in a file as a row".to_owned(),
                remedy: "nothing: see `disclosure/stored-strings` for texts".to_owned(),
            });
        }
        let found = search(&arrays, &images, &lineage);
        Ok(Output::from(vec![finding(&arrays, &images, &found)]))
    }
}

fn finding(arrays: &[StoredArray<'_>], images: &Images<'_>, search: &Search) -> Finding {
    let certain: Vec<&Find> = search.finds.iter().filter(|find| find.certain).collect();
    let of = |side: fn(&Find) -> &BTreeSet<u32>| certain.iter().flat_map(|find| side(find)).collect::<BTreeSet<_>>();
    let (found, control) = (of(|find| &find.members).len(), of(|find| &find.others).len());
    let members = images.members;
    let others = images.list.first().map_or(0, |image| image.values.len() / image.width - members);
    let mut finding = counted(META.id, STORED, Unit::Share, share_of(found, members));
    finding.sentence = if found == 0 {
        "No training record stands in the model file as a row.".to_owned()
    } else {
        format!(
            "The complete rows of {} training records can be read from the model file without asking the model anything; of \
             hold-out records, {}.",
            part_of(found, members),
            part_of(control, others)
        )
    };
    if found > 0 {
        (finding.severity, finding.standing) = (Severity::VeryHigh, Standing::Fact);
    } else if let Some(reason) = gap(search, images) {
        finding.standing = Standing::Insufficient { reason, needed: WHOLE.to_owned() };
    }
    finding.evidence.extend(table(arrays, images, search));
    finding.settings = vec![
        ("arrays".to_owned(), arrays.len().to_string()),
        ("numbers read".to_owned(), search.numbers.to_string()),
        ("places compared".to_owned(), images.list.len().to_string()),
    ];
    finding.limits.clone_from(&images.gaps);
    finding.limits.push(
        "Rows that were rounded, mixed or shifted are not recognised. Rows that hold-out records have as well are not \
         counted."
            .to_owned(),
    );
    finding
}

/// Why nothing found is not yet nothing there.
fn gap(search: &Search, images: &Images<'_>) -> Option<String> {
    if let Some((_, first)) = search.unread.first() {
        return Some(format!(
            "{} arrays of the file could not be read; of the first, {}.",
            search.unread.len(),
            first.reason()
        ));
    }
    images.gaps.first().cloned()
}

/// Where rows were found, certain finds first.
fn table(arrays: &[StoredArray<'_>], images: &Images<'_>, search: &Search) -> Option<Evidence> {
    let mut finds: Vec<&Find> = search.finds.iter().collect();
    finds.sort_by_key(|find| (!find.certain, std::cmp::Reverse(find.members.len()), find.array));
    let row = |find: &&Find| {
        vec![
            arrays[find.array].place.to_string(),
            images.list[find.image].what.clone(),
            images.list[find.image].width.to_string(),
            Count::of(find.tested).to_string(),
            Count::of(find.members.len()).to_string(),
            Count::of(find.others.len()).to_string(),
            Count::of(find.members_in_part).to_string(),
            Count::of(find.others_in_part).to_string(),
            if find.certain { "yes" } else { "no" }.to_owned(),
        ]
    };
    let rows: Vec<Vec<String>> = finds.iter().take(MOST_LISTED).map(row).collect();
    (!rows.is_empty()).then(|| {
        let columns = [
            "array",
            "compared with",
            "numbers a row",
            "rows",
            "members in full",
            "hold-out in full",
            "members in part",
            "hold-out in part",
            "counted",
        ];
        Evidence::Table(Table {
            caption: "Arrays of the file in which rows of records were found".to_owned(),
            columns: columns.map(str::to_owned).to_vec(),
            rows,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::specimen::{Case, Specimen, normal, numbers};
    use crate::data::{Schema, Table as Records};
    use crate::model::contents::specimen::{Attribute, Draft};
    use crate::seed::Seed;

    const COLUMNS: usize = 6;

    /// Members and others of six columns, as columns.
    fn columns(records: usize, seed: u64) -> Vec<Vec<f64>> {
        (0..COLUMNS).map(|column| normal(records, 0.0, Seed::root(seed).derive(&column.to_string()))).collect()
    }

    fn table(columns: &[Vec<f64>]) -> Records {
        Records::new(columns.iter().enumerate().map(|(at, c)| numbers(&format!("c{at}"), c.clone())).collect())
    }

    /// The first `stored` rows as a file holds them.
    fn flat(columns: &[Vec<f64>], stored: usize) -> Vec<f32> {
        (0..stored).flat_map(|row| columns.iter().map(move |column| column[row] as f32)).collect()
    }

    fn vectors(values: Vec<f32>) -> Draft {
        Draft::default().node(
            "ai.onnx.ml",
            "SVMClassifier",
            &["x"],
            vec![("support_vectors", Attribute::Floats(values))],
        )
    }

    /// 300 members and 300 others; the file holds the first rows of the members.
    fn case(stored: usize, seed: u64) -> Case {
        let (members, others) = (columns(300, seed), columns(300, seed + 1000));
        let noise = columns(100, seed + 2000);
        let file = vectors(flat(&members, stored)).constant("w", &[100, COLUMNS], flat(&noise, 100)).contents();
        Case::tables(table(&members), table(&others), Schema::default()).with_file(file)
    }

    impl Specimen for StoredRows {
        const MEASURE: &'static str = STORED;

        fn null(seed: u64) -> (Case, f64) {
            (case(0, seed), 0.0)
        }

        fn leaky() -> Case {
            case(300, 1)
        }

        fn graded(seed: u64) -> (Case, f64) {
            let stored = 20 + seed as usize % 200;
            (case(stored, seed), stored as f64 / 300.0)
        }
    }

    fn only(case: &Case) -> Finding {
        case.run(&StoredRows::default(), 1).remove(0)
    }

    #[test]
    fn a_single_row_of_many_digits_is_a_fact_and_its_count_is_withheld() {
        let finding = only(&case(1, 5));
        assert_eq!((finding.severity, finding.standing), (Severity::VeryHigh, Standing::Fact));
        assert!(finding.sentence.contains("<11 of 300"), "{}", finding.sentence);
    }

    /// Both sets stand in the file: it is a list of the population, and tells nothing about training.
    #[test]
    fn a_file_that_holds_hold_out_rows_too_is_not_clean() {
        let (members, others) = (columns(300, 1), columns(300, 2));
        let values = [flat(&members, 150), flat(&others, 150)].concat();
        let case = Case::tables(table(&members), table(&others), Schema::default());
        let finding = only(&case.with_file(vectors(values).contents()));
        assert_eq!((finding.severity, finding.standing), (Severity::VeryLow, Standing::Sound));
        assert_eq!(finding.estimate.map(|e| e.value), Some(0.0));
    }

    #[test]
    fn swapping_members_and_hold_out_turns_the_finding_round() {
        let (members, others) = (columns(300, 1), columns(300, 2));
        let case = Case::tables(table(&others), table(&members), Schema::default());
        let finding = only(&case.with_file(vectors(flat(&members, 300)).contents()));
        assert_eq!(finding.standing, Standing::Sound);
    }

    #[test]
    fn every_layout_precision_and_copy_is_seen() {
        let (mut members, others) = (columns(300, 1), columns(300, 2));
        // The second half repeats the first: all copies count.
        members.iter_mut().for_each(|column| {
            let first = column[..150].to_vec();
            column[150..].copy_from_slice(&first);
        });
        let by_column: Vec<f32> = members.iter().flat_map(|c| c[..150].iter().map(|&v| v as f32)).collect();
        let off: Vec<f32> = flat(&members, 150).iter().map(|value| value * 1.000_004).collect();
        let files = [
            Draft::default().constant("w", &[COLUMNS, 150], by_column),
            Draft::default().constant("w", &[15, 10, COLUMNS], flat(&members, 150)),
            Draft::default().constant("w", &[150, COLUMNS], off),
        ];
        for file in files {
            let case = Case::tables(table(&members), table(&others), Schema::default());
            let finding = only(&case.with_file(file.contents()));
            assert_eq!(finding.estimate.map(|e| e.value), Some(1.0));
        }
    }

    /// Rows of two small whole numbers are in any array; the control says so.
    #[test]
    fn chance_hits_of_narrow_tables_do_not_count() {
        let whole = |seed: u64| -> Vec<Vec<f64>> {
            (0..2).map(|c| columns(300, seed + c).remove(0).iter().map(|v| (v * 9.0).round()).collect()).collect()
        };
        for seed in 0..20 {
            let (members, others, noise) = (whole(seed), whole(seed + 100), whole(seed + 200));
            let case = Case::tables(table(&members), table(&others), Schema::default());
            let finding = only(&case.with_file(vectors(flat(&noise, 300)).contents()));
            assert_eq!(finding.standing, Standing::Sound, "seed {seed}: {}", finding.sentence);
        }
    }
}
