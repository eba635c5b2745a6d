//! # What it measures
//! Smallest and largest values of columns that can be read from the constants of the file where one to ten members have them,
//! and columns whose cells stand in the file as a sorted list.
//!
//! # Who could do this
//! Anybody who has a copy of the file. A scaler to the range from 0 to 1 holds two numbers a column, and the oldest patient's
//! age is one of them, or their quotient.
//!
//! # How
//! A record's numbers are taken as inputs, as columns of the table and at the stages inside the model. A constant with a number
//! for each column is compared with the members' smallest and largest values, and so are what a scaler with it maps to 0, 1
//! and -1: (0 - b) / a, (1 - b) / a, offset + 1 / scale, 1 / scale. It counts where four in five of the columns agree, and for the columns
//! whose extreme is not 0, 1 or -1, belongs to at most ten members, and is not the hold-out's. A constant of one number must
//! agree to the bit and have a fraction or four digits. A sorted list of ten and more distinct values counts where four in
//! five are cells of members and at most one in ten is a cell of the hold-out only.
//!
//! # Reading the number
//! The number of extremes, two a column at most, and the number of columns with a list. 0 is expected where data were
//! scaled by mean and deviation. The report names columns, not values.
//!
//! # When it misleads
//! An extreme that was rounded, clipped to a round number, or that eleven people share is not counted; one that hold-out
//! records reach as well is not either. A limit that clinicians set by hand and one patient happens to reach is counted.
//!
//! # Cost
//! One pass of all records through the first part of the model; then in proportion to the small constants of the file.
//!
//! # References
//! Centers for Medicare and Medicaid Services, cell size suppression policy; Hundepool et al., "Statistical disclosure
//! control" (2012), chapter 5, on minima and maxima as disclosive statistics.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::extremes::{Ends, Side, cells_in_list};
use super::images::{Image, Images};
use super::matching::{Layout, row};
use super::{WHOLE, counted};
use crate::check::{Check, CheckError, CheckMeta, Need, Output, Subject};
use crate::data::{Features, Split};
use crate::finding::{Evidence, Family, Finding, Severity, Standing, Table, Unit};
use crate::model::contents::{Lineage, StoredArray};
use crate::stats::Estimate;
use crate::watch::Watch;

pub(in crate::check) static META: CheckMeta = CheckMeta {
    id: "disclosure/column-extremes",
    title: "Extreme values and lists of cells in the file",
    family: Family::Disclosure,
    measures: &[EXTREMES, LISTS],
    source: include_str!("column_extremes.rs"),
};

/// Extremes of few people that the file gives away.
const EXTREMES: &str = "disclosure/column-extremes";
/// Columns whose cells are listed.
const LISTS: &str = "disclosure/cell-lists";
/// Larger arrays are no constants of a scaler and no list of quantiles.
const MOST_VALUES: usize = 1 << 20;
/// Most constants of one number per column that are paired with each other.
const MOST_PAIRED: usize = 64;

/// The check. It has no settings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnExtremes {}

impl Check for ColumnExtremes {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::File, Need::Data, Need::Table]
    }

    fn run(&self, subject: &Subject<'_>, _watch: &dyn Watch) -> Result<Output, CheckError> {
        let (Some(split), Some(file)) = (subject.split, subject.file) else { return Ok(Output::default()) };
        let arrays = file.contents.arrays();
        let lineage = Lineage::of(&file.contents);
        let images = Images::of(subject, split, file, &lineage, &arrays)?;
        let small = |array: &StoredArray<'_>| array.len().is_some_and(|len| (1..=MOST_VALUES).contains(&len));
        let (mut read, mut unread, mut large) = (Vec::new(), 0_usize, 0_usize);
        for array in arrays.iter().filter(|array| array.len() != Some(0)) {
            if !small(array) {
                large += usize::from(array.len().is_some());
                continue;
            }
            match array.numbers() {
                Ok(numbers) => read.push((array, numbers.values)),
                Err(_) => unread += 1,
            }
        }
        let behind: Vec<BTreeSet<&str>> = read.iter().map(|(array, _)| lineage.behind(array)).collect();
        let names = names(split);
        let mut tale = Tale::default();
        for image in &images.list {
            let before =
                |at: &usize| image.tensor.is_none_or(|tensor| !behind[*at].contains(tensor)) && !read[*at].1.is_empty();
            let usable: Vec<&[f64]> = (0..read.len()).filter(before).map(|at| read[at].1.as_slice()).collect();
            tale.image(image, images.members, &usable, &names);
        }
        let n = split.members.len();
        let mut findings = vec![tale.extremes(n), tale.lists(n)];
        let gap = (unread > 0).then(|| format!("{unread} arrays of the file could not be read."));
        for finding in &mut findings {
            if large > 0 {
                finding.limits.push(format!("{large} arrays of more than {MOST_VALUES} numbers were not looked at."));
            }
            finding.limits.extend(gap.iter().chain(&images.gaps).cloned());
            // Nothing found is not yet nothing there.
            let nothing = finding.estimate.is_some_and(|estimate| estimate.value == 0.0);
            if let Some(reason) = gap.iter().chain(&images.gaps).next().filter(|_| nothing) {
                finding.standing = Standing::Insufficient { reason: reason.clone(), needed: WHOLE.to_owned() };
            }
        }
        Ok(Output::from(findings))
    }
}

/// Names of the table's numeric columns by their digests.
fn names(split: &Split) -> BTreeMap<u64, String> {
    let Features::Table(members) = &split.members.features else { return BTreeMap::new() };
    let digest = |column: &crate::data::Column| {
        let values = column.cells.numbers()?.into_iter().map(|value| value as f32);
        Some((super::extremes::digest(values), column.name.clone()))
    };
    members.columns().iter().filter_map(digest).collect()
}

/// What the file gives away of each column, by the column's digest.
#[derive(Default)]
struct Tale {
    names: BTreeMap<u64, String>,
    ends: BTreeSet<(u64, Side)>,
    lists: BTreeSet<u64>,
}

impl Tale {
    fn image(&mut self, image: &Image<'_>, members: usize, arrays: &[&[f64]], names: &BTreeMap<u64, String>) {
        let columns: Vec<Ends> = (0..image.width).map(|column| Ends::of(image, column, members)).collect();
        for (at, ends) in columns.iter().enumerate() {
            let name = names.get(&ends.digest).cloned();
            let name = name.unwrap_or_else(|| format!("number {} of {}", at + 1, image.what));
            self.names.entry(ends.digest).or_insert(name);
        }
        let mut aligned: Vec<Vec<f64>> = Vec::new();
        for values in arrays {
            self.rows(image.width, values, &columns);
            if values.len() == image.width {
                aligned.push(values.to_vec());
            }
            if let [single] = values {
                self.single(*single, &columns);
            }
            self.listed(image.width, values, &columns);
        }
        aligned.truncate(MOST_PAIRED);
        for first in &aligned {
            for k in [1.0, -1.0] {
                self.vector(&first.iter().map(|scale| k / scale).collect::<Vec<f64>>(), &columns);
            }
            for second in &aligned {
                for k in [0.0, 1.0, -1.0] {
                    let of = |f: fn(f64, f64, f64) -> f64| -> Vec<f64> {
                        first.iter().zip(second).map(|(a, b)| f(k, *a, *b)).collect()
                    };
                    self.vector(&of(|k, a, b| (k - b) / a), &columns);
                    self.vector(&of(|k, a, b| b + k / a), &columns);
                }
            }
        }
    }

    /// The first and the last row of an array, in both layouts.
    fn rows(&mut self, width: usize, values: &[f64], columns: &[Ends]) {
        if !values.len().is_multiple_of(width) || values.len() < width {
            return;
        }
        let (last, mut vector) = (values.len() / width - 1, Vec::new());
        for layout in [Layout::Rows, Layout::Columns] {
            for at in [0, last] {
                row(values, layout, width, at, &mut vector);
                self.vector(&vector, columns);
            }
        }
    }

    /// A number per column.
    fn vector(&mut self, vector: &[f64], columns: &[Ends]) {
        for side in [Side::Low, Side::High] {
            let telling: Vec<(&Ends, bool)> = vector
                .iter()
                .zip(columns)
                .filter(|(_, ends)| ends.tells(side))
                .map(|(value, ends)| (ends, ends.meets(side, *value)))
                .collect();
            let met = telling.iter().filter(|(_, met)| *met).count();
            if met >= 2 && met * 5 >= telling.len() * 4 {
                let few = telling.iter().filter(|(ends, met)| *met && ends.belongs_to_few(side));
                self.ends.extend(few.map(|(ends, _)| (ends.digest, side)));
            }
        }
    }

    /// One number alone.
    fn single(&mut self, value: f64, columns: &[Ends]) {
        for ends in columns {
            for side in [Side::Low, Side::High] {
                if ends.is_exactly(side, value) && ends.belongs_to_few(side) {
                    self.ends.insert((ends.digest, side));
                }
            }
        }
    }

    /// Sorted lists of cells: a whole array, or each column of a table of quantiles.
    fn listed(&mut self, width: usize, values: &[f64], columns: &[Ends]) {
        for ends in columns.iter().filter(|_| values.len() < MOST_VALUES / 16) {
            if cells_in_list(values, ends) {
                self.lists.insert(ends.digest);
            }
        }
        if width > 1 && values.len().is_multiple_of(width) {
            let rows = values.len() / width;
            for (column, ends) in columns.iter().enumerate() {
                let down: Vec<f64> = values.iter().skip(column).step_by(width).copied().collect();
                let along = &values[column * rows..(column + 1) * rows];
                if cells_in_list(&down, ends) || cells_in_list(along, ends) {
                    self.lists.insert(ends.digest);
                }
            }
        }
    }

    fn name(&self, digest: u64) -> String {
        self.names.get(&digest).cloned().unwrap_or_default()
    }

    fn extremes(&self, members: usize) -> Finding {
        let estimate = Estimate::exact(self.ends.len() as f64, members);
        let mut finding = counted(META.id, EXTREMES, Unit::Items, estimate);
        finding.sentence = match self.ends.len() {
            0 => "No smallest or largest value of a column that few people have can be read from the file.".to_owned(),
            count => format!(
                "{count} smallest or largest values of columns, each of at most 10 members, can be read from the file."
            ),
        };
        finding.severity = if self.ends.is_empty() { Severity::VeryLow } else { Severity::High };
        let row = |(digest, side): &(u64, Side)| vec![self.name(*digest), side.words().to_owned()];
        let mut rows: Vec<Vec<String>> = self.ends.iter().map(row).collect();
        rows.sort();
        finding.evidence.extend(table("Extremes that the file gives away", &["column", "which"], rows));
        finding
            .limits
            .push("Extremes that hold-out records reach too, or that 11 members share, do not count.".to_owned());
        finding
    }

    fn lists(&self, members: usize) -> Finding {
        let mut finding = counted(META.id, LISTS, Unit::Items, Estimate::exact(self.lists.len() as f64, members));
        finding.sentence = match self.lists.len() {
            0 => "No column's cells stand in the file as a sorted list.".to_owned(),
            count => format!("The cells of {count} columns stand in the file as sorted lists."),
        };
        finding.severity = if self.lists.is_empty() { Severity::VeryLow } else { Severity::High };
        let mut rows: Vec<Vec<String>> = self.lists.iter().map(|digest| vec![self.name(*digest)]).collect();
        rows.sort();
        finding.evidence.extend(table("Columns whose cells the file lists", &["column"], rows));
        finding
            .limits
            .push("A list shows the values of people one by one, without saying which belong together.".to_owned());
        finding
    }
}

fn table(caption: &str, columns: &[&str], rows: Vec<Vec<String>>) -> Option<Evidence> {
    (!rows.is_empty()).then(|| {
        let columns = columns.iter().map(|&column| column.to_owned()).collect();
        Evidence::Table(Table { caption: caption.to_owned(), columns, rows })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::specimen::{Case, Specimen, normal, numbers};
    use crate::data::{Schema, Table as Records};
    use crate::model::contents::specimen::{Attribute, Draft};
    use crate::seed::Seed;

    const COLUMNS: usize = 130;

    fn columns(count: usize, seed: u64) -> Vec<Vec<f64>> {
        (0..count).map(|c| normal(60, 10.0, Seed::root(seed).derive(&c.to_string()))).collect()
    }

    fn table(columns: &[Vec<f64>]) -> Records {
        Records::new(columns.iter().enumerate().map(|(at, c)| numbers(&format!("c{at}"), c.clone())).collect())
    }

    fn largest(values: &[f64]) -> f64 {
        values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
    }

    fn smallest(values: &[f64]) -> f64 {
        values.iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// A file that clips the first columns one by one at their largest value.
    fn case(stored: usize, seed: u64) -> Case {
        let (members, others) = (columns(COLUMNS, seed), columns(COLUMNS, seed + 1000));
        let mut file = Draft::default();
        for (at, column) in members.iter().enumerate() {
            let limit = if at < stored { largest(column) } else { largest(column) + 0.1 };
            file = file.constant(&format!("max{at}"), &[], vec![limit as f32]);
        }
        Case::tables(table(&members), table(&others), Schema::default()).with_file(file.contents())
    }

    impl Specimen for ColumnExtremes {
        const MEASURE: &'static str = EXTREMES;

        fn null(seed: u64) -> (Case, f64) {
            (case(0, seed), 0.0)
        }

        fn leaky() -> Case {
            case(COLUMNS, 1)
        }

        fn graded(seed: u64) -> (Case, f64) {
            (case(seed as usize, seed), seed as f64)
        }
    }

    fn run(members: &[Vec<f64>], others: &[Vec<f64>], file: Draft) -> (f64, f64) {
        let case = Case::tables(table(members), table(others), Schema::default()).with_file(file.contents());
        let findings = case.run(&ColumnExtremes::default(), 1);
        (findings[0].estimate.unwrap().value, findings[1].estimate.unwrap().value)
    }

    /// x * a + b with a = 1 / (max - min), b = -min / (max - min); and the offset and scale of a Scaler.
    #[test]
    fn both_ends_are_worked_out_of_a_scaler() {
        let (members, others) = (columns(5, 1), columns(5, 2));
        let of = |f: fn(f64, f64) -> f64| -> Vec<f32> {
            members.iter().map(|c| f(smallest(c), largest(c)) as f32).collect()
        };
        let two = Draft::default().constant("a", &[1, 5], of(|low, high| 1.0 / (high - low))).constant(
            "b",
            &[5],
            of(|low, high| -low / (high - low)),
        );
        assert_eq!(run(&members, &others, two).0, 10.0);
        let scaler = vec![
            ("offset", Attribute::Floats(of(|low, _| low))),
            ("scale", Attribute::Floats(of(|low, high| 1.0 / (high - low)))),
        ];
        assert_eq!(run(&members, &others, Draft::default().node("ai.onnx.ml", "Scaler", &["x"], scaler)).0, 10.0);
        let other = Draft::default().constant("a", &[5], others.iter().map(|c| largest(c) as f32).collect());
        assert_eq!(run(&members, &others, other).0, 0.0, "what others reach says nothing of members");
    }

    #[test]
    fn mean_and_deviation_give_no_extreme_away() {
        let (members, others) = (columns(5, 1), columns(5, 2));
        let mean: Vec<f32> = members.iter().map(|c| (c.iter().sum::<f64>() / 60.0) as f32).collect();
        let scaler = vec![("offset", Attribute::Floats(mean)), ("scale", Attribute::Floats(vec![1.02; 5]))];
        assert_eq!(run(&members, &others, Draft::default().node("ai.onnx.ml", "Scaler", &["x"], scaler)), (0.0, 0.0));
    }

    #[test]
    fn a_table_of_quantiles_lists_the_cells() {
        let (mut members, others) = (columns(5, 1), columns(5, 2));
        members.iter_mut().for_each(|column| column.sort_by(f64::total_cmp));
        let by_row: Vec<f32> = (0..60).flat_map(|row| members.iter().map(move |c| c[row] as f32)).collect();
        assert_eq!(run(&members, &others, Draft::default().constant("q", &[60, 5], by_row)), (10.0, 5.0));
        let alone: Vec<f32> = members[3].iter().map(|&value| value as f32).collect();
        assert_eq!(run(&members, &others, Draft::default().constant("q", &[60], alone)).1, 1.0);
        let sorted: Vec<f32> = (0..60).map(|at| at as f32 / 3.0).collect();
        assert_eq!(run(&members, &others, Draft::default().constant("q", &[60], sorted)).1, 0.0);
    }
}
