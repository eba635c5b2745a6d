//! The search for rows of records in every array of a file, and what may be called a find.
//!
//! Members are only half of the question: rows that hold-out records have as well say nothing. A find counts when hold-out
//! rows are not found, and when chance does not explain it: either so many rows are found that members and hold-out, being
//! alike, would not differ so, or each row says so much that no array would hold it by chance.

use std::collections::{BTreeSet, HashSet};

use rayon::prelude::*;

use super::images::{Image, Images};
use super::matching::{Index, Layout, Slack, TOLERANCE, row};
use crate::model::contents::{Lineage, Numbers, Precision, StoredArray, Unread};
use crate::stats::interval::beta_cdf;

/// The chance that is taken for none.
const CHANCE: f64 = 1e-6;
/// How much rarer hold-out rows must be than member rows, where some are found.
const RARER: f64 = 10.0;
/// Most rows of one array that are looked for in part.
const MOST_IN_PART: usize = 1000;

/// Rows found in one array, read in one layout, at one place.
pub(super) struct Find {
    /// Which array.
    pub(super) array: usize,
    /// Which image.
    pub(super) image: usize,
    /// Distinct rows that were looked for.
    pub(super) tested: usize,
    /// Members whose rows are there in full.
    pub(super) members: BTreeSet<u32>,
    /// Hold-out records whose rows are there in full.
    pub(super) others: BTreeSet<u32>,
    /// Members whose rows are there in part, and not in full.
    pub(super) members_in_part: usize,
    /// Likewise for hold-out records.
    pub(super) others_in_part: usize,
    /// Whether chance is out of the question.
    pub(super) certain: bool,
}

/// What the search came to.
#[derive(Default)]
pub(super) struct Search {
    /// The best find of each array that has one.
    pub(super) finds: Vec<Find>,
    /// Arrays that could not be read, with the reason.
    pub(super) unread: Vec<(usize, Unread)>,
    /// Numbers that were read.
    pub(super) numbers: usize,
}

/// Searches every array. O(numbers * images).
pub(super) fn search<'c>(arrays: &[StoredArray<'c>], images: &Images<'c>, lineage: &Lineage<'c>) -> Search {
    let indexed: Vec<(&Image<'_>, Index<'_>)> =
        images.list.par_iter().map(|image| (image, Index::new(image.width, &image.values))).collect();
    let narrowest = images.list.iter().map(|image| image.width).min().unwrap_or(usize::MAX);
    let of_array = |(at, array): (usize, &StoredArray<'c>)| -> Search {
        let mut result = Search::default();
        if array.len().is_some_and(|len| len < narrowest) {
            return result;
        }
        let numbers = match array.numbers() {
            Ok(numbers) => numbers,
            Err(unread) => {
                result.unread.push((at, unread));
                return result;
            }
        };
        result.numbers = numbers.values.len();
        let needs_lineage = indexed.iter().any(|(image, _)| image.tensor.is_some());
        let behind = if needs_lineage { lineage.behind(array) } else { BTreeSet::new() };
        let mut finds: Vec<Find> = Vec::new();
        for (values, slack) in readings(array, &numbers) {
            for (which, (image, index)) in indexed.iter().enumerate() {
                let fits = values.len().is_multiple_of(image.width) && values.len() >= image.width;
                if !fits || image.tensor.is_some_and(|tensor| behind.contains(tensor)) {
                    continue;
                }
                for layout in layouts(values.len(), image.width) {
                    let scene = Scene { values: &values, slack, index, width: image.width, members: images.members };
                    finds.extend(scene.find(layout, at, which));
                }
            }
        }
        let rank = |find: &Find| (find.certain, find.members.len(), find.others.len(), find.members_in_part);
        result.finds.extend(finds.into_iter().reduce(|best, next| if rank(&next) > rank(&best) { next } else { best }));
        result
    };
    let parts: Vec<Search> = arrays.par_iter().enumerate().map(of_array).collect();
    let mut whole = Search::default();
    for part in parts {
        whole.finds.extend(part.finds);
        whole.unread.extend(part.unread);
        whole.numbers += part.numbers;
    }
    whole
}

/// The numbers of an array as they are, and as the real numbers that they stand for, with how far they may be off.
fn readings(array: &StoredArray<'_>, numbers: &Numbers) -> Vec<(Vec<f64>, Slack)> {
    let share = match numbers.precision {
        Precision::Half => 2_f64.powi(-10),
        Precision::Brain => 2_f64.powi(-7),
        Precision::Single | Precision::Double | Precision::Whole => TOLERANCE,
    };
    let mut readings = vec![(numbers.values.clone(), Slack { share, absolute: 0.0 })];
    if let Some((values, half_step)) = array.quantised.as_ref().and_then(|q| q.real(&numbers.values, &array.shape)) {
        readings.push((values, Slack { share: TOLERANCE, absolute: half_step * (1.0 + TOLERANCE) }));
    }
    readings
}

fn layouts(len: usize, width: usize) -> Vec<Layout> {
    if len == width { vec![Layout::Rows] } else { vec![Layout::Rows, Layout::Columns] }
}

/// One array beside one image.
struct Scene<'s> {
    values: &'s [f64],
    slack: Slack,
    index: &'s Index<'s>,
    width: usize,
    members: usize,
}

impl Scene<'_> {
    fn find(&self, layout: Layout, array: usize, image: usize) -> Option<Find> {
        let (mut seen, mut stored) = (HashSet::new(), Vec::with_capacity(self.width));
        let (mut members, mut others) = (BTreeSet::new(), BTreeSet::new());
        let (mut member_rows, mut other_rows) = (BTreeSet::new(), BTreeSet::new());
        let mut not_found: Vec<usize> = Vec::new();
        for at in 0..self.values.len() / self.width {
            row(self.values, layout, self.width, at, &mut stored);
            // A row of one value over and over (padding, weights of one) is nobody's.
            let varied = stored.iter().any(|value| value.to_bits() != stored[0].to_bits());
            if !varied || !seen.insert(stored.iter().map(|value| value.to_bits()).collect::<Vec<u64>>()) {
                continue;
            }
            let found = self.index.full(&stored, self.slack);
            if found.is_empty() {
                not_found.push(at);
            }
            let records = || found.iter().flat_map(|id| self.index.records(*id));
            let (inside, outside) = (records().any(|r| self.is_member(*r)), records().any(|r| !self.is_member(*r)));
            // A row that both sets have is nobody's in particular.
            match (inside, outside) {
                (true, false) => {
                    members.extend(records());
                    member_rows.extend(&found);
                }
                (false, true) => {
                    others.extend(records());
                    other_rows.extend(&found);
                }
                _ => {}
            }
        }
        let (in_part, others_in_part) = self.in_part(layout, &not_found, (&members, &others));
        let nothing = members.is_empty() && others.is_empty() && in_part == 0;
        (!nothing).then(|| Find {
            array,
            image,
            tested: seen.len(),
            certain: self.certain(&member_rows, &other_rows, seen.len()),
            members: members.into_iter().copied().collect(),
            others: others.into_iter().copied().collect(),
            members_in_part: in_part,
            others_in_part,
        })
    }

    fn is_member(&self, record: u32) -> bool {
        (record as usize) < self.members
    }

    /// Members and hold-out records found in part and not in full.
    fn in_part(&self, layout: Layout, rows: &[usize], full: (&BTreeSet<&u32>, &BTreeSet<&u32>)) -> (usize, usize) {
        let step = rows.len().div_ceil(MOST_IN_PART).max(1);
        let mut stored = Vec::with_capacity(self.width);
        let mut found: BTreeSet<u32> = BTreeSet::new();
        for &at in rows.iter().step_by(step) {
            row(self.values, layout, self.width, at, &mut stored);
            for id in self.index.in_part(&stored, self.slack) {
                found.extend(self.index.records(id));
            }
        }
        let rest = found.iter().filter(|record| !full.0.contains(record) && !full.1.contains(record));
        let (members, others): (Vec<u32>, Vec<u32>) = rest.partition(|record| self.is_member(**record));
        (members.len(), others.len())
    }

    /// Whether chance is out of the question.
    fn certain(&self, members: &BTreeSet<u32>, others: &BTreeSet<u32>, tested: usize) -> bool {
        let (found, control) = (members.len(), others.len());
        if found == 0 {
            return false;
        }
        let (of_members, of_others) = self.index.sides(self.members);
        let share = of_members as f64 / (of_members + of_others).max(1) as f64;
        // Were the two sets alike to the file, each find would be a member's with this chance.
        let by_number = beta_cdf(found as f64, control as f64 + 1.0, share) <= CHANCE;
        let rate = |count: usize, of: usize| count as f64 / of.max(1) as f64;
        let clean = control == 0 || rate(found, of_members) >= RARER * rate(control, of_others);
        if !clean || by_number {
            return clean && by_number;
        }
        let enough = (tested as f64 * (of_members + of_others) as f64 / CHANCE).log2();
        control == 0 && members.iter().all(|id| self.index.bits(*id, self.slack, enough) >= enough)
    }
}
