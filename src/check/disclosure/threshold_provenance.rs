//! # What it measures
//! Whether the constants of the trees' splits are taken from the records of the training data: equal to a member's cell, or
//! the midpoint of two neighbouring members' cells; and how many people hold alone the value that a split states.
//!
//! # Who could do this
//! Whoever holds the file. No query is needed: the constants stand in it.
//!
//! # How
//! Every different pair of column and constant in a comparison of size is looked up among the members' cells of the tensor
//! that feeds the trees, in the precision of the file (one unit in the last place is forgiven, for exporters round). The same
//! is done with records from outside, which no constant was taken from: what they score is chance. Where there are more
//! members than others, chance is raised to the members' number (1 - (1 - c)^(n/m), never less than the truth); where
//! there are fewer, as many others are drawn. The gap is bounded by Newcombe's interval for paired proportions over
//! constants, or from the two intervals where the numbers of records differ.
//!
//! # Reading the number
//! Points beyond chance. 100: every constant is a value of somebody in the training data. A cell is an exact value (an age,
//! a cost); a midpoint tells two at once only to those who know one of them. People who hold such a value alone can be named
//! by it: 97 years old, the costliest stay.
//!
//! # When it misleads
//! In columns with few values every constant hits by chance, inside and outside, and nothing is shown. Constants of one tree
//! depend on each other, so the interval is somewhat too narrow. Forests place a constant midway between values that are
//! neighbours in a part of the records only; such midpoints are not found. Codes of categories are not looked at.
//!
//! # Cost
//! Sorting every column that is split on.
//!
//! # References
//! Chen and Guestrin, KDD 2016, section 3 (split candidates of XGBoost); Ke et al., NeurIPS 2017 (bins of LightGBM); 45 CFR
//! 164.514(b)(1) (a very small risk).

use rand::Rng;
use serde::Deserialize;

use super::counted;
use super::grove::{Grove, Planted, one_each};
use crate::check::records::patients;
use crate::check::{Check, CheckError, CheckMeta, Need, Output, Subject};
use crate::data::Split;
use crate::finding::{Count, Evidence, Family, Finding, SMALLEST_SHOWN, Severity, Table, Unit, grouped, part_of};
use crate::seed::Seed;
use crate::stats::interval::{Paired, difference, newcombe, wilson};
use crate::stats::{Estimate, Level};
use crate::watch::Watch;

pub(in crate::check) static META: CheckMeta = CheckMeta {
    id: "disclosure/threshold-provenance",
    title: "Split constants taken from patients",
    family: Family::Disclosure,
    measures: &[CELLS, MIDPOINTS, PINNED],
    source: include_str!("threshold_provenance.rs"),
};

const CELLS: &str = "disclosure/threshold-cells-excess";
const MIDPOINTS: &str = "disclosure/threshold-midpoints-excess";
const PINNED: &str = "disclosure/pinned-people-excess";
/// Severity scale of constants that are cells, and of people who hold one alone.
const SCALE: [f64; 4] = [0.02, 0.05, 0.1, 0.2];
/// Columns in the table.
const COLUMNS: usize = 40;

/// The check. It has no settings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThresholdProvenance {}

impl Check for ThresholdProvenance {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::File, Need::Queries, Need::Data]
    }

    fn run(&self, subject: &Subject<'_>, _watch: &dyn Watch) -> Result<Output, CheckError> {
        let Some(split) = subject.split else { return Ok(Output::default()) };
        let grove = Grove::of(subject)?;
        let traced = Traced::of(&grove, split, subject.seed.derive(META.id));
        let mut findings = traced.findings();
        findings.iter_mut().for_each(|finding| grove.qualify(finding));
        Ok(findings.into())
    }
}

/// For every constant, whether it hit among the members and among the others.
type Sides = (Vec<bool>, Vec<bool>);

/// What the constants of one column were found to be.
#[derive(Default)]
struct Column {
    name: String,
    /// For every constant: whether it is a cell of a member, of an equal number of others.
    cells: Sides,
    /// The same for midpoints.
    midpoints: Sides,
    /// People who alone hold a value that is a constant: rows of members and of others.
    pinned: (Vec<usize>, Vec<usize>),
}

/// All columns.
struct Traced {
    columns: Vec<Column>,
    /// Records compared: members, others.
    records: (usize, usize),
    /// People: members, others.
    people: (usize, usize),
    /// People who hold a constant alone.
    pinned: (usize, usize),
}

impl Traced {
    fn of(grove: &Grove<'_>, split: &Split, seed: Seed) -> Self {
        let people = patients(split);
        let (n, m) = (people.0.len(), people.1.len());
        // More others than members would find more by chance: as many are drawn.
        let drawn = if m > n { sample(m, n, seed.derive("others")) } else { (0..m).collect() };
        let mut columns = Vec::new();
        for planted in &grove.planted {
            for (feature, constants) in constants(planted) {
                let (x, y) = (planted.members.column(feature), planted.nonmembers.column(feature));
                let y: Vec<f64> = drawn.iter().filter_map(|&row| y.get(row)).copied().collect();
                let of = |values: &[f64], rows: &[u32]| {
                    let known = Known::of(values, rows);
                    let cells: Vec<bool> = constants.iter().map(|&constant| known.has(constant)).collect();
                    let midpoints = constants.iter().map(|&constant| known.has_midpoint(constant)).collect();
                    let pinned = constants.iter().filter_map(|&constant| known.only_holder(constant)).collect();
                    (cells, midpoints, pinned)
                };
                let others: Vec<u32> = drawn.iter().map(|&row| people.1[row]).collect();
                let (inside, outside): ((_, _, Vec<u32>), (_, _, Vec<u32>)) = (of(&x, &people.0), of(&y, &others));
                let rows = |ids: Vec<u32>| ids.into_iter().map(|id| id as usize).collect();
                columns.push(Column {
                    name: planted.name(feature),
                    cells: (inside.0, outside.0),
                    midpoints: (inside.1, outside.1),
                    pinned: (rows(inside.2), rows(outside.2)),
                });
            }
        }
        let distinct = |pick: fn(&Column) -> &Vec<usize>| {
            let mut all: Vec<usize> = columns.iter().flat_map(pick).copied().collect();
            all.sort_unstable();
            all.dedup();
            all.len()
        };
        let pinned = (distinct(|column| &column.pinned.0), distinct(|column| &column.pinned.1));
        let others: Vec<u32> = drawn.iter().map(|&row| people.1[row]).collect();
        let count = (one_each(&people.0).len(), one_each(&others).len());
        Self { records: (n, drawn.len()), people: count, pinned, columns }
    }

    fn findings(&self) -> Vec<Finding> {
        vec![self.cells(), self.midpoints(), self.pinned()]
    }

    /// The share of constants that hit inside beyond those that hit outside.
    fn excess(&self, pick: fn(&Column) -> &Sides) -> (Estimate, f64, f64) {
        let flat = |side: fn(&Sides) -> &Vec<bool>| {
            self.columns.iter().flat_map(|column| side(pick(column))).copied().collect::<Vec<bool>>()
        };
        let (inside, outside) = (flat(|sides| &sides.0), flat(|sides| &sides.1));
        let total = inside.len();
        let hits = |flags: &[bool]| flags.iter().filter(|hit| **hit).count();
        let share = |flags: &[bool]| hits(flags) as f64 / total.max(1) as f64;
        let times = self.records.0 as f64 / self.records.1.max(1) as f64;
        if times <= 1.0 {
            return (Paired::of(&inside, &outside).difference(Level::P95), share(&inside), share(&outside));
        }
        // A constant is among n records by chance at most as often as among n/m draws of m, by concavity.
        let raised = |chance: f64| 1.0 - (1.0 - chance.clamp(0.0, 1.0)).powf(times);
        let outside_share = share(&outside);
        let bounds = wilson(hits(&outside), total.max(1), Level::P95);
        let chance =
            Estimate { value: raised(bounds.value), low: raised(bounds.low), high: raised(bounds.high), ..bounds };
        (difference(&wilson(hits(&inside), total.max(1), Level::P95), &chance), share(&inside), raised(outside_share))
    }

    fn constants(&self) -> usize {
        self.columns.iter().map(|column| column.cells.0.len()).sum()
    }

    fn shared(&self, measure: &str, unit: Unit, estimate: Estimate) -> Finding {
        let mut finding = counted(META.id, measure, unit, estimate);
        finding.settings = vec![
            ("different constants in comparisons of size".to_owned(), grouped(self.constants() as u64)),
            ("columns".to_owned(), grouped(self.columns.len() as u64)),
            ("records compared".to_owned(), format!("{} and {}", Count::of(self.records.0), Count::of(self.records.1))),
        ];
        finding
    }

    fn cells(&self) -> Finding {
        let (estimate, inside, outside) = self.excess(|column| &column.cells);
        let mut finding = self.shared(CELLS, Unit::ShareDifference, estimate);
        finding.sentence = format!(
            "{} of the {} constants that the trees compare with are the exact value of a cell in the training data; by chance \
             it would be {}.",
            Unit::Share.show(inside),
            grouped(self.constants() as u64),
            Unit::Share.show(outside)
        );
        finding.severity = Severity::on_scale(estimate.low, SCALE).min(Severity::High);
        finding.evidence.push(self.table());
        finding
            .limits
            .push("Constants of one tree depend on each other; the interval takes them as independent.".to_owned());
        finding.limits.push(
            "Remedy: bin the columns before training (whole years, tens of units), or round the constants in the file: `privet \
             repair`."
                .to_owned(),
        );
        finding
    }

    fn midpoints(&self) -> Finding {
        let (estimate, inside, outside) = self.excess(|column| &column.midpoints);
        let mut finding = self.shared(MIDPOINTS, Unit::ShareDifference, estimate);
        finding.sentence = format!(
            "{} of the {} constants lie in the middle between two neighbouring values of the training data; by chance it would \
             be {}. A midpoint tells a value to those who know the other.",
            Unit::Share.show(inside),
            grouped(self.constants() as u64),
            Unit::Share.show(outside)
        );
        finding.severity = Severity::on_scale(estimate.low, SCALE).min(Severity::Moderate);
        finding
            .limits
            .push("Constants of one tree depend on each other; the interval takes them as independent.".to_owned());
        finding
    }

    fn pinned(&self) -> Finding {
        let ((k, n), (j, m)) = ((self.pinned.0, self.people.0), (self.pinned.1, self.people.1));
        let small = |count: usize| (1..SMALLEST_SHOWN).contains(&count);
        // The interval is a function of the counts: where one is withheld, it is that of the count that is worst.
        let shown = |count: usize, worst: usize| if small(count) { worst } else { count };
        let estimate =
            newcombe(shown(k, k.min(n).min(SMALLEST_SHOWN - 1)), n.max(1), shown(j, 1), m.max(1), Level::P95);
        let mut finding = self.shared(PINNED, Unit::ShareDifference, estimate);
        finding.sentence = format!(
            "The file states a value that {} people of the training data hold alone in its column; outside the training data \
             these would be {}.",
            part_of(k, n),
            part_of(j, m)
        );
        finding.severity = Severity::on_scale(estimate.low, SCALE);
        finding.limits.push(
            "Counted are values that a single person among the records at hand holds; in a larger population others may share \
             them."
                .to_owned(),
        );
        finding
    }

    /// The columns with most constants. No value is in it.
    fn table(&self) -> Evidence {
        let mut order: Vec<&Column> = self.columns.iter().collect();
        order.sort_by(|a, b| b.cells.0.len().cmp(&a.cells.0.len()).then(a.name.cmp(&b.name)));
        let share = |flags: &[bool]| {
            Unit::Share.show(flags.iter().filter(|hit| **hit).count() as f64 / flags.len().max(1) as f64)
        };
        let pair = |(inside, outside): &Sides| format!("{} / {}", share(inside), share(outside));
        let row = |column: &&Column| {
            let mut pinned = column.pinned.0.clone();
            pinned.sort_unstable();
            pinned.dedup();
            vec![
                column.name.clone(),
                grouped(column.cells.0.len() as u64),
                pair(&column.cells),
                pair(&column.midpoints),
                Count::of_part(pinned.len(), self.people.0).to_string(),
            ]
        };
        Evidence::Table(Table {
            caption: format!(
                "Where the constants of each column come from, members / others{}",
                if order.len() > COLUMNS {
                    format!("; the {COLUMNS} columns with most constants")
                } else {
                    String::new()
                }
            ),
            columns: ["column", "constants", "equal to a cell", "midpoint of two cells", "people who hold one alone"]
                .map(str::to_owned)
                .to_vec(),
            rows: order.iter().take(COLUMNS).map(row).collect(),
        })
    }
}

/// The different constants of every column that is compared by size, ascending.
fn constants(planted: &Planted<'_>) -> Vec<(usize, Vec<f64>)> {
    let splits = planted.ensemble.splits.iter().filter(|split| split.mode.orders() && split.value.is_finite());
    let mut pairs: Vec<(u32, f64)> = splits.map(|split| (split.feature, split.value + 0.0)).collect();
    pairs.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    pairs.dedup();
    let columns = pairs.chunk_by(|a, b| a.0 == b.0);
    columns.map(|group| (group[0].0 as usize, group.iter().map(|pair| pair.1).collect())).collect()
}

/// `count` of `all` rows at random, by the first steps of a Fisher-Yates shuffle.
fn sample(all: usize, count: usize, seed: Seed) -> Vec<usize> {
    let mut rows: Vec<usize> = (0..all).collect();
    let mut stream = seed.stream();
    for at in 0..count.min(all) {
        rows.swap(at, at + stream.next_u64() as usize % (all - at));
    }
    rows.truncate(count);
    rows
}

/// The different values of a column and who holds them.
struct Known {
    values: Vec<f64>,
    /// The person who alone holds the value, if it is one person.
    holder: Vec<Option<u32>>,
}

/// The distance within which two numbers of the file's precision are the same: one unit in the last place of a 32-bit float.
fn unit(value: f64) -> f64 {
    f64::from(f32::EPSILON) * value.abs()
}

impl Known {
    fn of(cells: &[f64], people: &[u32]) -> Self {
        let held = cells.iter().zip(people).filter(|(cell, _)| cell.is_finite());
        let mut pairs: Vec<(f64, u32)> = held.map(|(&cell, &person)| (cell + 0.0, person)).collect();
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let (mut values, mut holder) = (Vec::new(), Vec::new());
        for group in pairs.chunk_by(|a, b| a.0 == b.0) {
            values.push(group[0].0);
            holder.push(group.iter().all(|pair| pair.1 == group[0].1).then_some(group[0].1));
        }
        Self { values, holder }
    }

    /// The place of the value that a constant equals.
    fn place(&self, constant: f64) -> Option<usize> {
        let after = self.values.partition_point(|value| *value < constant);
        let near = [after.checked_sub(1), Some(after)].into_iter().flatten().filter(|&at| at < self.values.len());
        let distance = |at: usize| (self.values[at] - constant).abs();
        near.min_by(|&a, &b| distance(a).total_cmp(&distance(b))).filter(|&at| distance(at) <= unit(constant))
    }

    fn has(&self, constant: f64) -> bool {
        self.place(constant).is_some()
    }

    /// Whether a constant lies in the middle of two neighbouring values and is neither of them.
    fn has_midpoint(&self, constant: f64) -> bool {
        let after = self.values.partition_point(|value| *value < constant);
        let Some((low, high)) = after.checked_sub(1).zip((after < self.values.len()).then_some(after)) else {
            return false;
        };
        let (low, high) = (self.values[low], self.values[high]);
        let middle = low + (high - low) / 2.0;
        // Rounding of the sum and of its half, in the precision of the larger neighbour.
        !self.has(constant) && (middle - constant).abs() <= unit(low.abs().max(high.abs()))
    }

    fn only_holder(&self, constant: f64) -> Option<u32> {
        self.place(constant).and_then(|at| self.holder[at])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::disclosure::tree_specimen::Planting;
    use crate::check::specimen::{Case, Specimen, normal, uniform};

    fn case(members: Vec<f64>, others: Vec<f64>, constants: Vec<f64>) -> Case {
        let cuts = constants.into_iter().map(|value| value as f32).collect();
        Planting { members, others, cuts, ..Planting::default() }.case(|_| vec![0.5])
    }

    fn whole(count: usize, name: &str, seed: u64) -> Vec<f64> {
        uniform(count, 1000, Seed::root(seed).derive(name)).into_iter().map(f64::from).collect()
    }

    fn bells(name: &str, seed: u64) -> Vec<f64> {
        normal(200, 0.0, Seed::root(seed).derive(name))
    }

    impl Specimen for ThresholdProvenance {
        const MEASURE: &'static str = CELLS;

        /// Whole numbers hit by chance, inside as often as outside.
        fn null(seed: u64) -> (Case, f64) {
            (case(whole(300, "members", seed), whole(300, "others", seed), whole(300, "constants", seed)), 0.0)
        }

        fn leaky() -> Case {
            let members = bells("members", 1);
            case(members.clone(), bells("others", 1), members)
        }

        /// 50 of 200 constants are cells.
        fn graded(seed: u64) -> (Case, f64) {
            let members = bells("members", seed);
            let constants = [&members[..50], &bells("constants", seed)[50..]].concat();
            (case(members, bells("others", seed), constants), 0.25)
        }
    }

    fn measure<'f>(findings: &'f [Finding], id: &str) -> &'f Finding {
        findings.iter().find(|finding| finding.measure == id).unwrap()
    }

    #[test]
    fn midpoints_are_no_cells() {
        let mut members = bells("members", 2);
        members.sort_by(f64::total_cmp);
        let middle = members.windows(2).map(|pair| f64::midpoint(f64::from(pair[0] as f32), f64::from(pair[1] as f32)));
        let findings = case(members.clone(), bells("others", 2), middle.collect()).run(&ThresholdProvenance {}, 1);
        assert!(measure(&findings, CELLS).estimate.unwrap().value < 0.01);
        assert!(measure(&findings, MIDPOINTS).estimate.unwrap().low > 0.95);
    }

    /// Four times as many members find by chance up to 1 - (1 - c)^4, and that is what they are compared with.
    #[test]
    fn more_members_hit_more_by_chance() {
        let excess = |seed: u64| {
            let case = case(whole(800, "members", seed), whole(200, "others", seed), whole(300, "constants", seed));
            measure(&case.run(&ThresholdProvenance {}, 1), CELLS).estimate.unwrap()
        };
        let covered = (0..20).filter(|&seed| excess(seed).covers(0.0)).count();
        assert!(covered >= 17, "{covered} of 20");
    }

    /// Every constant is a cell of one person; 100 people hold one.
    #[test]
    fn people_who_hold_a_constant_alone_are_counted() {
        let members = bells("members", 3);
        let constants = members[..100].to_vec();
        let findings = case(members, bells("others", 3), constants).run(&ThresholdProvenance {}, 1);
        let pinned = measure(&findings, PINNED);
        assert_eq!(pinned.estimate.unwrap().value, 0.5, "{}", pinned.sentence);
        assert!(pinned.sentence.contains("100 of 200"), "{}", pinned.sentence);
    }

    #[test]
    fn a_unit_in_the_last_place_is_forgiven_and_two_are_not() {
        let known = Known::of(&[1.0, 3.0], &[0, 1]);
        let next = |value: f32, steps: u32| f64::from(f32::from_bits(value.to_bits() + steps));
        assert!(known.has(1.0) && known.has(next(1.0, 1)) && !known.has(next(1.0, 2)));
        assert!(known.has_midpoint(2.0) && !known.has_midpoint(2.1) && !known.has_midpoint(1.0));
        assert_eq!((known.only_holder(3.0), known.only_holder(2.0)), (Some(1), None));
    }
}
