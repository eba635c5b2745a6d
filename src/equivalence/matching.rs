//! Records with missing values: which classes could be the same person's?
//!
//! Two records match where they agree in every column that neither misses. That is symmetric and not transitive, so there
//! are no classes of it, only a count of matches for every class of equal records.
//!
//! Instead of comparing records with records, patterns are compared with patterns: the classes that miss the columns A and
//! the classes that miss the columns B are grouped together by the columns that neither misses, and every A of a group
//! matches every B of it. O(patterns x classes) expected.

use std::collections::BTreeMap;

use super::classes::Classes;
use super::column::Column;

/// Most classes that are grouped, over all pairs of patterns.
const MOST_GROUPED: usize = 400_000_000;
/// Most people that are looked at one by one.
const MOST_LISTED: usize = 200_000_000;

/// What matches the records of a class.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Matched {
    /// Mass of the records that are the same, missing values included: itself among them.
    pub own: f64,
    /// Mass of other records without missing values that match.
    pub complete: f64,
    /// Mass of other records with missing values that match.
    pub incomplete: f64,
}

impl Matched {
    /// A missing value matches everything.
    pub fn wildcard(&self) -> f64 {
        self.own + self.complete + self.incomplete
    }

    /// Other records with missing values count by the share `alpha`, from 0 to 1 (Templ, Kowarik and Meindl 2015). At 1 the
    /// same as [`Matched::wildcard`]; at 0 a record with a missing value still matches the complete ones it could be.
    pub fn weighted(&self, alpha: f64) -> f64 {
        self.own + self.complete + alpha * self.incomplete
    }
}

/// For every class the mass of what matches it. `mass` is what each class weighs: its number of records, or the sum of their
/// sampling weights. Nothing where there are too many patterns of missing values to compare in bounded time.
///
/// ```
/// use privet::equivalence::{Classes, Column, matches};
/// // M M F F ?
/// let sex = Column::new([0, 0, 1, 1, 2], 3, Some(2));
/// let classes = Classes::of(&[&sex], None);
/// let found = matches(&[&sex], &classes, &[2.0, 2.0, 1.0]).unwrap();
/// assert_eq!(found.iter().map(|m| m.wildcard()).collect::<Vec<_>>(), [3.0, 3.0, 5.0]);
/// assert_eq!(found.iter().map(|m| m.weighted(0.0)).collect::<Vec<_>>(), [2.0, 2.0, 5.0]);
/// ```
///
/// # Panics
/// When there is not one mass per class.
pub fn matches(columns: &[&Column], classes: &Classes, mass: &[f64]) -> Option<Vec<Matched>> {
    assert_eq!(mass.len(), classes.count(), "every class has its mass");
    let patterns = Patterns::of(columns, classes)?;
    let mut found: Vec<Matched> = mass.iter().map(|&own| Matched { own, ..Matched::default() }).collect();
    for a in 0..patterns.classes.len() {
        for b in a + 1..patterns.classes.len() {
            // Matching is symmetric: one grouping answers both.
            let joined = patterns.join(a, b);
            for (asked, of_asked, asking, of_asking) in
                [(a, &joined.asking, b, &joined.answering), (b, &joined.answering, a, &joined.asking)]
            {
                let mut sums = vec![0.0; joined.groups];
                for (&class, &group) in patterns.classes[asked].iter().zip(of_asked) {
                    sums[group as usize] += mass[class as usize];
                }
                let complete = patterns.missing[asked] == 0;
                for (&class, &group) in patterns.classes[asking].iter().zip(of_asking) {
                    let of_class = &mut found[class as usize];
                    *(if complete { &mut of_class.complete } else { &mut of_class.incomplete }) += sums[group as usize];
                }
            }
        }
    }
    Some(found)
}

/// For every class the number of people with a record that matches it, each counted once however many of their records
/// match. Nothing where people are unknown, or there is too much to compare in bounded time.
pub fn people_matches(columns: &[&Column], classes: &Classes) -> Option<Vec<u64>> {
    let members = classes.members()?;
    let patterns = Patterns::of(columns, classes)?;
    if patterns.missing == [0] {
        return Some(classes.sizes().iter().map(|&size| u64::from(size)).collect());
    }
    // People of one class are added up; only those of several may match twice and are told apart.
    let mut classes_of: BTreeMap<u32, u32> = BTreeMap::new();
    members.iter().for_each(|(_, person)| *classes_of.entry(*person).or_default() += 1);
    let mut single = vec![0_u64; classes.count()];
    let mut several: Vec<Vec<u32>> = vec![Vec::new(); classes.count()];
    for (class, person) in members {
        if classes_of[person] == 1 {
            single[*class as usize] += 1;
        } else {
            several[*class as usize].push(*person);
        }
    }
    let mut found = vec![0_u64; classes.count()];
    let mut listed = 0_usize;
    for (a, asking) in patterns.classes.iter().enumerate() {
        let mut people: Vec<Vec<u32>> = vec![Vec::new(); asking.len()];
        for (b, answering) in patterns.classes.iter().enumerate() {
            let joined = patterns.join(a, b);
            let mut sums = vec![0; joined.groups];
            let mut lists: Vec<Vec<u32>> = vec![Vec::new(); joined.groups];
            for (&class, &group) in answering.iter().zip(&joined.answering) {
                sums[group as usize] += single[class as usize];
                lists[group as usize].extend(&several[class as usize]);
            }
            for ((&class, &group), people) in asking.iter().zip(&joined.asking).zip(&mut people) {
                found[class as usize] += sums[group as usize];
                listed += lists[group as usize].len();
                if listed > MOST_LISTED {
                    return None;
                }
                people.extend(&lists[group as usize]);
            }
        }
        for (&class, mut people) in asking.iter().zip(people) {
            people.sort_unstable();
            people.dedup();
            found[class as usize] += people.len() as u64;
        }
    }
    Some(found)
}

/// Classes by what they miss.
struct Patterns<'a> {
    columns: &'a [&'a Column],
    first: &'a [u32],
    /// The columns that each pattern misses, as a bit per column, ascending.
    missing: Vec<u64>,
    /// The classes of each pattern.
    classes: Vec<Vec<u32>>,
}

/// The classes of two patterns by the columns that neither misses.
struct Joined {
    groups: usize,
    asking: Vec<u32>,
    answering: Vec<u32>,
}

impl<'a> Patterns<'a> {
    fn of(columns: &'a [&'a Column], classes: &'a Classes) -> Option<Self> {
        assert!(columns.len() <= 64, "a pattern has one bit per column");
        let missed = |row: u32| {
            let bits = columns.iter().enumerate().filter(|(_, column)| column.is_missing(row as usize));
            bits.fold(0_u64, |bits, (at, _)| bits | 1 << at)
        };
        let mut by_pattern: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
        for (class, &row) in classes.first().iter().enumerate() {
            by_pattern.entry(missed(row)).or_default().push(class as u32);
        }
        // A grouping costs as much as one of some thousand classes, however few it has.
        if by_pattern.len().saturating_mul(classes.count().max(by_pattern.len() * 2000)) > MOST_GROUPED {
            return None;
        }
        let (missing, of_patterns) = by_pattern.into_iter().unzip();
        Some(Self { columns, first: classes.first(), missing, classes: of_patterns })
    }

    fn join(&self, asking: usize, answering: usize) -> Joined {
        let missed = self.missing[asking] | self.missing[answering];
        let rows: Vec<u32> = self.classes[asking]
            .iter()
            .chain(&self.classes[answering])
            .map(|&class| self.first[class as usize])
            .collect();
        let known = self.columns.iter().enumerate().filter(|(at, _)| missed >> at & 1 == 0);
        let known: Vec<Column> = known.map(|(_, column)| column.take(&rows)).collect();
        if known.is_empty() {
            let alike = |classes: &[u32]| vec![0; classes.len()];
            return Joined {
                groups: 1,
                asking: alike(&self.classes[asking]),
                answering: alike(&self.classes[answering]),
            };
        }
        let joint = Classes::of(&known.iter().collect::<Vec<_>>(), None);
        let (asking, answering) = joint.of_record().split_at(self.classes[asking].len());
        Joined { groups: joint.count(), asking: asking.to_vec(), answering: answering.to_vec() }
    }
}
