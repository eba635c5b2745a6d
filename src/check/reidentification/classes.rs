//! Equivalence classes: records that share every quasi-identifier.
//!
//! Two readings of a missing cell. *Own*: missing is a value of its own. *Wildcard*: a missing cell matches every value
//! (symmetric, not transitive, so there are no classes, only a count of matches per record). Own never gives the larger
//! number; both are reported and the worse is judged. Where patients are declared, sizes count patients, not rows.

use std::collections::HashMap;

use crate::data::Cells;
use crate::data::encode::codes;

/// Class sizes of a set of columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Classes {
    /// Size of the class of each record: people who share its quasi-identifiers, itself included.
    pub size_of_record: Vec<usize>,
    /// Number of classes.
    pub count: usize,
    /// People who match each record when missing cells match everything; the same as `size_of_record` where no cell is
    /// missing; nothing where cells are missing in more patterns than can be compared in bounded time.
    pub wildcard_of_record: Option<Vec<usize>>,
    /// Records with a missing quasi-identifier.
    pub incomplete: usize,
}

/// Sizes at which people are counted in reports.
pub(super) const STEPS: [usize; 4] = [2, 3, 5, 11];

impl Classes {
    /// Forms the classes. `groups` gives the patient of each record, if known. O(n x columns) plus, for records with
    /// missing cells, O(patterns^2 x n).
    ///
    /// ```
    /// use privet::check::reidentification::Classes;
    /// use privet::data::Cells;
    /// // sex M M F F -, as in the first table of ARX's wildcard test reduced to one column
    /// let sex = Cells::Integer(vec![Some(1), Some(1), Some(2), Some(2), None]);
    /// let classes = Classes::of(&[&sex], None);
    /// assert_eq!((classes.k(), classes.count), (1, 3));
    /// assert_eq!(classes.wildcard_of_record, Some(vec![3, 3, 3, 3, 5]));
    /// ```
    pub fn of(columns: &[&Cells], groups: Option<&[u32]>) -> Self {
        let rows = columns.first().map_or(0, |cells| cells.len());
        let coded: Vec<Vec<u32>> = columns.iter().map(|cells| codes(cells).0).collect();
        let class_of = number(rows, |row| coded.iter().map(|column| column[row]).collect());
        let count = class_of.iter().max().map_or(0, |&class| class as usize + 1);
        let sizes = people_per(&class_of, count, groups);
        let size_of_record: Vec<usize> = class_of.iter().map(|&class| sizes[class as usize]).collect();
        let missing: Vec<u64> = (0..rows)
            .map(|row| {
                columns
                    .iter()
                    .enumerate()
                    .filter(|(_, cells)| cells.is_missing(row))
                    .fold(0, |bits, (j, _)| bits | 1 << (j % 64))
            })
            .collect();
        let incomplete = missing.iter().filter(|&&pattern| pattern != 0).count();
        let wildcard_of_record = if incomplete == 0 {
            Some(size_of_record.clone())
        } else {
            wildcard(&coded, &missing, &class_of, count, groups)
        };
        Self { size_of_record, count, wildcard_of_record, incomplete }
    }

    /// Number of records.
    pub fn records(&self) -> usize {
        self.size_of_record.len()
    }

    /// The smallest class.
    pub fn k(&self) -> usize {
        self.size_of_record.iter().copied().min().unwrap_or(0)
    }

    /// The smallest number of matches when missing cells match everything.
    pub fn k_wildcard(&self) -> Option<usize> {
        self.wildcard_of_record.as_ref().map(|matches| matches.iter().copied().min().unwrap_or(0))
    }

    /// Records in classes smaller than `size`.
    pub fn below(&self, size: usize) -> usize {
        self.size_of_record.iter().filter(|&&f| f < size).count()
    }

    /// Records that match fewer than `size` people when missing cells match everything.
    pub fn below_wildcard(&self, size: usize) -> Option<usize> {
        self.wildcard_of_record.as_ref().map(|matches| matches.iter().filter(|&&f| f < size).count())
    }

    /// Mean over records of 1 / class size: the share an attacker who knows everybody is in the data would re-identify.
    pub fn average_risk(&self) -> f64 {
        self.size_of_record.iter().map(|&f| 1.0 / f as f64).sum::<f64>() / self.records().max(1) as f64
    }
}

/// Numbers equal keys alike, in order of first appearance.
fn number(rows: usize, key: impl Fn(usize) -> Vec<u32>) -> Vec<u32> {
    let mut index: HashMap<Vec<u32>, u32> = HashMap::new();
    (0..rows)
        .map(|row| {
            let next = index.len() as u32;
            *index.entry(key(row)).or_insert(next)
        })
        .collect()
}

/// Distinct people per class; rows where people are unknown.
fn people_per(class_of: &[u32], classes: usize, groups: Option<&[u32]>) -> Vec<usize> {
    let mut sizes = vec![0; classes];
    let Some(groups) = groups else {
        class_of.iter().for_each(|&class| sizes[class as usize] += 1);
        return sizes;
    };
    let mut pairs: Vec<(u32, u32)> = class_of.iter().copied().zip(groups.iter().copied()).collect();
    pairs.sort_unstable();
    pairs.dedup();
    pairs.iter().for_each(|&(class, _)| sizes[class as usize] += 1);
    sizes
}

/// Most pairs of a missing-cell pattern and a record that are compared.
const MOST_COMPARED: usize = 50_000_000;

/// For every record the people whose records agree with it in each column, a missing cell agreeing with everything.
///
/// Pattern by pattern: classes with missing cells in the columns A are compared with records missing B on the columns
/// outside both. Records of one class match the same people, so each class is counted once. O(patterns x n) hash joins,
/// nothing where that is too many.
fn wildcard(
    coded: &[Vec<u32>],
    missing: &[u64],
    class_of: &[u32],
    classes: usize,
    groups: Option<&[u32]>,
) -> Option<Vec<usize>> {
    let mut patterns: Vec<u64> = missing.to_vec();
    patterns.sort_unstable();
    patterns.dedup();
    if patterns.len().saturating_mul(missing.len()) > MOST_COMPARED {
        return None;
    }
    let rows_of: Vec<Vec<usize>> =
        patterns.iter().map(|&pattern| (0..missing.len()).filter(|&row| missing[row] == pattern).collect()).collect();
    let mut first_of_class = vec![usize::MAX; classes];
    for (row, &class) in class_of.iter().enumerate().rev() {
        first_of_class[class as usize] = row;
    }
    let mut matches = vec![0; classes];
    for asking in &patterns {
        let joins: Vec<Join<'_>> = patterns
            .iter()
            .zip(&rows_of)
            .map(|(answering, others)| {
                let both_known = |j: &usize| (asking | answering) >> (j % 64) & 1 == 0;
                let compared: Vec<&Vec<u32>> = (0..coded.len()).filter(both_known).map(|j| &coded[j]).collect();
                let found = matching(others, &compared, groups);
                (compared, found)
            })
            .collect();
        let mut people: Vec<u32> = Vec::new();
        for &row in first_of_class.iter().filter(|&&row| missing[row] == *asking) {
            let mut rows = 0;
            // A person may match under several patterns, so people are collected before they are counted.
            people.clear();
            for (compared, found) in &joins {
                match found.get(&key(compared, row)) {
                    Some(Matching::Rows(count)) => rows += count,
                    Some(Matching::People(same)) => people.extend(same),
                    None => {}
                }
            }
            people.sort_unstable();
            people.dedup();
            matches[class_of[row] as usize] = rows + people.len();
        }
    }
    Some(class_of.iter().map(|&class| matches[class as usize]).collect())
}

/// The columns that two patterns both know, and who shares which key in them.
type Join<'a> = (Vec<&'a Vec<u32>>, HashMap<Vec<u32>, Matching>);

/// Who shares a key.
enum Matching {
    /// So many rows.
    Rows(usize),
    /// These people, each once.
    People(Vec<u32>),
}

/// The codes of a row in some columns.
fn key(columns: &[&Vec<u32>], row: usize) -> Vec<u32> {
    columns.iter().map(|column| column[row]).collect()
}

fn matching(rows: &[usize], columns: &[&Vec<u32>], groups: Option<&[u32]>) -> HashMap<Vec<u32>, Matching> {
    let mut found: HashMap<Vec<u32>, Matching> = HashMap::new();
    for &row in rows {
        let entry = found.entry(key(columns, row));
        match (groups, entry.or_insert_with(|| groups.map_or(Matching::Rows(0), |_| Matching::People(Vec::new())))) {
            (_, Matching::Rows(count)) => *count += 1,
            (Some(groups), Matching::People(people)) => people.push(groups[row]),
            (None, Matching::People(_)) => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn column(values: &[i64]) -> Cells {
        // 0 stands for a missing cell in these fixtures
        Cells::Integer(values.iter().map(|&v| (v != 0).then_some(v)).collect())
    }

    /// The three tables of ARX's `TestWildcardMatching`, which sdcMicro (alpha = 1) and brute force agree with.
    #[test]
    fn wildcard_tables_of_arx() {
        let (sex, zip) = (column(&[1, 1, 1, 0, 0, 2, 2, 1]), column(&[11, 11, 11, 11, 11, 12, 0, 0]));
        let classes = Classes::of(&[&sex, &zip], None);
        assert_eq!(classes.wildcard_of_record, Some(vec![6, 6, 6, 7, 7, 2, 4, 6]));
        assert_eq!(classes.size_of_record, [3, 3, 3, 2, 2, 1, 1, 1]);
        let age = column(&[0, 68, 68, 0, 0, 0, 68, 68, 68, 68]);
        let sex = column(&[2, 2, 0, 0, 0, 0, 2, 0, 2, 2]);
        let zip = column(&[5, 5, 5, 5, 5, 5, 0, 6, 6, 6]);
        let classes = Classes::of(&[&age, &sex, &zip], None);
        assert_eq!(classes.wildcard_of_record, Some(vec![7, 7, 7, 7, 7, 7, 10, 4, 4, 4]));
        assert_eq!(classes.size_of_record, [1, 1, 1, 3, 3, 3, 1, 1, 2, 2]);
        let age = column(&[73, 73, 0, 0, 0, 67, 67, 67, 67, 67]);
        let code = column(&[7, 7, 7, 7, 2, 2, 2, 7, 7, 7]);
        let classes = Classes::of(&[&age, &code], None);
        assert_eq!(classes.wildcard_of_record, Some(vec![4, 4, 7, 7, 3, 3, 3, 5, 5, 5]));
        assert_eq!(classes.size_of_record, [2, 2, 2, 2, 1, 2, 2, 3, 3, 3]);
    }

    /// ARX's seven rows: nobody shares age, gender and ZIP; average risk 1.
    #[test]
    fn seven_rows_of_arx() {
        let age = column(&[34, 45, 66, 70, 34, 70, 45]);
        let gender = column(&[1, 2, 1, 2, 2, 1, 1]);
        let zip = column(&[81667, 81675, 81925, 81931, 81931, 81931, 81931]);
        let classes = Classes::of(&[&age, &gender, &zip], None);
        assert_eq!((classes.k(), classes.count, classes.below(2)), (1, 7, 7));
        assert!((classes.average_risk() - 1.0).abs() < 1e-12);
    }

    /// A patient with three identical rows hides among nobody.
    #[test]
    fn people_are_counted_not_rows() {
        let classes = Classes::of(&[&column(&[5, 5, 5, 6, 6])], Some(&[0, 0, 0, 1, 2]));
        assert_eq!(classes.size_of_record, [1, 1, 1, 2, 2]);
    }

    /// Distinct people (or rows) whose cells agree with a row's wherever both are there.
    fn brute_force(columns: &[Vec<i64>], people: &[u32], grouped: bool) -> Vec<usize> {
        let agree = |a: usize, b: usize| columns.iter().all(|c| c[a] == 0 || c[b] == 0 || c[a] == c[b]);
        let matching = |a: usize| {
            let mut found: Vec<u32> = (0..people.len())
                .filter(|&b| agree(a, b))
                .map(|b| if grouped { people[b] } else { b as u32 })
                .collect();
            found.sort_unstable();
            found.dedup();
            found.len()
        };
        (0..people.len()).map(matching).collect()
    }

    proptest! {
        #[test]
        fn wildcards_equal_brute_force(rows in prop::collection::vec((0_i64..3, 0_i64..3, 0_i64..4, 0_u32..12), 1..60)) {
            let columns = [
                rows.iter().map(|row| row.0).collect::<Vec<_>>(),
                rows.iter().map(|row| row.1).collect(),
                rows.iter().map(|row| row.2).collect(),
            ];
            let people: Vec<u32> = rows.iter().map(|row| row.3).collect();
            let cells: Vec<Cells> = columns.iter().map(|values| column(values)).collect();
            let cells: Vec<&Cells> = cells.iter().collect();
            for groups in [None, Some(people.as_slice())] {
                let classes = Classes::of(&cells, groups);
                let expected = brute_force(&columns, &people, groups.is_some());
                prop_assert_eq!(classes.wildcard_of_record.as_ref(), Some(&expected));
                // A missing cell read as a value of its own never matches more people.
                prop_assert!(classes.size_of_record.iter().zip(&expected).all(|(own, wild)| own <= wild));
            }
        }
    }
}
