//! # What it measures
//! Which sets of quasi-identifiers single out most people, how much each column contributes, and how many records would still
//! be unique after the one column is dropped or coarsened that helps most.
//!
//! # Who could do this
//! The owner of the data: it shows where to generalise before a release.
//!
//! # How
//! The unique records of every set of columns are counted on the table of groups. A column's contribution is its Shapley
//! value: the mean rise of the count over all orders in which columns could become known. Coarsening puts numbers into four
//! bands of about equally many records, and values held by fewer than one in a hundred records together.
//!
//! # Reading the number
//! The share left after the best single step. Where it is hardly smaller, one step does not help: several columns say the
//! same, or the records differ everywhere.
//!
//! # When it misleads
//! Values of the data, not of the model, are counted; what coarsening costs in use is not weighed. Contributions of columns
//! that say the same are shared among them.
//!
//! # Cost
//! 2^m counts on the table of groups for m columns, up to twelve; beyond that only the steps are tried.
//!
//! # References
//! Shapley 1953; Motwani and Xu 2007; Prasser and Kohlmayer, Medical Data Privacy Handbook (2015).

use serde::Deserialize;

use super::{Apart, Grouped, counted};
use crate::check::{Check, CheckError, CheckMeta, Need, Output, Subject};
use crate::data::Cells;
use crate::equivalence::{Classes, Column};
use crate::finding::{Bar, Count, Evidence, Family, Finding, SMALLEST_SHOWN, Severity, Table, Unit, part_of, share_of};
use crate::stats::rank::quantile;
use crate::uniques::Subsets;
use crate::watch::Watch;

pub(in crate::check) static META: CheckMeta = CheckMeta {
    id: "reidentification/column-search",
    title: "Columns that single people out",
    family: Family::Reidentification,
    measures: &["reidentification/unique-after-best-step"],
    source: include_str!("column_search.rs"),
};

/// Bands of a coarsened column of numbers.
const BANDS: usize = 4;
/// Sets named for each size, and the largest size named.
const NAMED: (usize, u32) = (3, 4);

/// The check. It has no settings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnSearch {}

/// One way to generalise, and the records that are unique after it.
struct Step {
    words: String,
    left: usize,
}

impl Check for ColumnSearch {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Data, Need::Table, Need::QuasiIdentifiers]
    }

    fn run(&self, subject: &Subject<'_>, watch: &dyn Watch) -> Result<Output, CheckError> {
        let Some(split) = subject.split else { return Ok(Output::default()) };
        let Some(table) = split.members.table() else { return Ok(Output::default()) };
        let of_threat = |grouped: &Grouped<'_>| {
            let cells: Vec<&Cells> = grouped
                .threat
                .columns
                .iter()
                .filter_map(|name| table.column(name))
                .map(|column| &column.cells)
                .collect();
            finding(grouped, &cells, watch)
        };
        Ok(Grouped::all(split).iter().map(of_threat).collect())
    }
}

fn finding(grouped: &Grouped<'_>, cells: &[&Cells], watch: &dyn Watch) -> Finding {
    let (columns, n) = (&grouped.threat.columns, grouped.records());
    let alone = grouped.below(2);
    let steps = steps(grouped, cells);
    let best = steps.first();
    let left = best.map_or(alone, |step| step.left.min(alone));
    let mut finding = counted(META.id, META.measures[0], &grouped.threat.name, Unit::Share, share_of(left, n));
    finding.null_value = Some(0.0);
    finding.sentence = match best {
        _ if alone == 0 => "No record is unique, so nothing has to be generalised.".to_owned(),
        Some(step) if step.left < alone => {
            format!("To {} helps most: it leaves {} records unique.", step.words, part_of(left, n))
        }
        _ => format!("No single column makes a difference: {} records stay unique.", part_of(left, n)),
    };
    finding.severity = match left as f64 / n.max(1) as f64 {
        0.0 => Severity::VeryLow,
        share if share <= 0.001 => Severity::Low,
        share if share <= 0.01 => Severity::Moderate,
        _ => Severity::High,
    };
    // The number of the sentence comes first; what differs from it by a few people is withheld.
    let mut apart = Apart::of(n);
    apart.text(left);
    let step_table = step_table(&steps, &mut apart);
    let own: Vec<Column> = grouped.columns.iter().map(Column::without_missing).collect();
    match Subsets::of(&own.iter().collect::<Vec<_>>(), grouped.people, watch) {
        Some(subsets) => {
            finding.evidence.extend(contributions(columns, &subsets, n));
            finding.evidence.push(strongest(columns, &subsets, &mut apart));
        }
        None => finding.limits.push(
            "Sets of columns are not counted: there are more than twelve columns, more than half a gigabyte of sets, or the run \
             was stopped."
                .to_owned(),
        ),
    }
    finding.evidence.push(step_table);
    finding.limits.push("Numbers that would tell of fewer than 11 records are not shown.".to_owned());
    finding.settings = vec![("quasi-identifiers".to_owned(), columns.join(", "))];
    finding
}

/// Every step, the one that leaves fewest first.
fn steps(grouped: &Grouped<'_>, cells: &[&Cells]) -> Vec<Step> {
    let columns: Vec<&Column> = grouped.columns.iter().collect();
    let left = |columns: &[&Column]| {
        let classes = Classes::of(columns, grouped.people);
        let alone = classes.sizes().iter().zip(classes.records()).filter(|(size, _)| **size < 2);
        alone.map(|(_, &records)| records as usize).sum::<usize>()
    };
    let mut steps = Vec::new();
    for (at, name) in grouped.threat.columns.iter().enumerate() {
        let rest: Vec<&Column> =
            columns.iter().enumerate().filter(|(j, _)| *j != at).map(|(_, column)| *column).collect();
        let dropped = if rest.is_empty() { 0 } else { left(&rest) };
        steps.push(Step { words: format!("drop `{name}`"), left: dropped });
        if let Some((coarse, how)) = coarser(columns[at], cells[at]) {
            let mut with = columns.clone();
            with[at] = &coarse;
            steps.push(Step { words: format!("{how} `{name}`"), left: left(&with) });
        }
    }
    steps.sort_by_key(|step| step.left);
    steps
}

/// A column with fewer values, and how it was made; nothing where it has too few.
fn coarser(column: &Column, cells: &Cells) -> Option<(Column, &'static str)> {
    let n = column.len();
    if let Some(numbers) = cells.numbers().filter(|_| column.levels() as usize > BANDS) {
        let mut sorted: Vec<f64> = numbers.iter().copied().filter(|value| !value.is_nan()).collect();
        if sorted.is_empty() {
            return None;
        }
        sorted.sort_by(f64::total_cmp);
        let edges: Vec<f64> = (1..BANDS).map(|band| quantile(&sorted, band as f64 / BANDS as f64)).collect();
        let band = |&value: &f64| {
            let place = edges.partition_point(|edge| *edge <= value) as u32;
            if value.is_nan() { BANDS as u32 } else { place }
        };
        return Some((Column::new(numbers.iter().map(band), BANDS as u32 + 1, None), "put into four bands"));
    }
    let mut counts = vec![0_usize; column.levels() as usize];
    (0..n).for_each(|row| counts[column.code(row) as usize] += 1);
    let rare = |code: u32| 100 * counts[code as usize] < n;
    if (0..column.levels()).filter(|&code| counts[code as usize] > 0 && rare(code)).count() < 2 {
        return None;
    }
    let codes = (0..n).map(|row| if rare(column.code(row)) { column.levels() } else { column.code(row) });
    Some((Column::new(codes, column.levels() + 1, None), "put together the rare values of"))
}

/// Records to which Shapley values are rounded where they could be taken apart into numbers of 1 to 10.
const ROUNDED: f64 = 2.0 * (SMALLEST_SHOWN - 1) as f64;

/// Whether one column more or less anywhere, or all columns, leave 1 to 10 records: a Shapley value is a mean of such differences.
fn differ_by_few(columns: usize, subsets: &Subsets, n: usize) -> bool {
    let few = |count: usize| Count::of(count) == Count::Withheld;
    let more = |set: usize, column: usize| subsets.unique(set | 1 << column).abs_diff(subsets.unique(set));
    few(n - subsets.unique((1 << columns) - 1))
        || (0..1 << columns).any(|set| (0..columns).any(|column| few(subsets.unique(set)) || few(more(set, column))))
}

/// The Shapley values in per cent of the records.
fn contributions(columns: &[String], subsets: &Subsets, n: usize) -> Option<Evidence> {
    let few = differ_by_few(columns.len(), subsets, n);
    let values =
        subsets.shapley().into_iter().map(|value| if few { (value / ROUNDED).round() * ROUNDED } else { value });
    let bar = |(name, value): (&String, f64)| Bar { label: name.clone(), value: 100.0 * value / n.max(1) as f64 };
    let mut bars: Vec<Bar> = columns.iter().zip(values).filter(|(_, value)| !few || *value != 0.0).map(bar).collect();
    bars.sort_by(|a, b| b.value.total_cmp(&a.value).then_with(|| a.label.cmp(&b.label)));
    let first = bars.first().filter(|bar| bar.value > 0.0)?;
    let title = format!("`{}` contributes most to uniqueness over all orders of columns", first.label);
    let axis = if few {
        format!("Shapley value (per cent of the records, to {ROUNDED} records)")
    } else {
        "Shapley value (per cent of the records)".to_owned()
    };
    Some(Evidence::Bars { title, axis, bars })
}

/// The sets of one to four columns that single out most records.
fn strongest(columns: &[String], subsets: &Subsets, apart: &mut Apart) -> Evidence {
    let n = apart.total;
    let name = |set: usize| {
        let inside = columns.iter().enumerate().filter(|(j, _)| set >> j & 1 == 1);
        inside.map(|(_, name)| name.as_str()).collect::<Vec<_>>().join(" + ")
    };
    let sets = (1..=NAMED.1.min(columns.len() as u32)).flat_map(|size| {
        let shown = |set: &usize| matches!(Count::of_part(subsets.unique(*set), n), Count::Shown(count) if count > 0);
        subsets.strongest(size).into_iter().filter(shown).take(NAMED.0).collect::<Vec<_>>()
    });
    let rows = sets.map(|set| vec![name(set), apart.part(subsets.unique(set))]).collect();
    Evidence::Table(Table {
        caption: "Columns that single out most records, by the number of columns".to_owned(),
        columns: vec!["columns".to_owned(), "unique records".to_owned()],
        rows,
    })
}

fn step_table(steps: &[Step], apart: &mut Apart) -> Evidence {
    Evidence::Table(Table {
        caption: "What one step of generalisation would leave unique".to_owned(),
        columns: vec!["step".to_owned(), "unique records".to_owned()],
        rows: steps.iter().map(|step| vec![step.words.clone(), apart.part(step.left)]).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::specimen::{Case, Specimen, integers};
    use crate::data::{Schema, Table as Data, ThreatModel};

    /// A thousand records of which the first `alone` differ in both of two columns that say the same, and one that says
    /// nothing.
    fn case(alone: u32, twice: bool) -> Case {
        let value = |row: u32| if row < alone { row + 2 } else { row % 2 };
        let of = |own: bool| if own { (0..1000).map(value).collect::<Vec<_>>() } else { vec![0; 1000] };
        let table =
            || Data::new(vec![integers("a", &of(true)), integers("b", &of(twice)), integers("same", &[1; 1000])]);
        let schema = Schema { quasi_identifiers: vec![ThreatModel::of("", &["a", "b", "same"])], ..Schema::default() };
        Case::tables(table(), table(), schema)
    }

    impl Specimen for ColumnSearch {
        const MEASURE: &'static str = "reidentification/unique-after-best-step";

        fn null(seed: u64) -> (Case, f64) {
            // One column makes them unique, so one step is enough.
            (case(seed as u32 * 10, false), 0.0)
        }

        fn leaky() -> Case {
            case(600, true)
        }

        fn graded(seed: u64) -> (Case, f64) {
            (case(seed as u32, true), f64::from(seed as u32) / 1000.0)
        }
    }

    /// 45 records are unique by `a` alone and five more with `b`: 45 beside 50 would tell of five.
    #[test]
    fn counts_are_not_told_by_subtraction() {
        let a = |row: u32| if row < 45 { row + 10 } else { 0 };
        let b = |row: u32| if (45..50).contains(&row) { row } else { 0 };
        let table = || {
            let of = |value: &dyn Fn(u32) -> u32| (0..1000).map(value).collect::<Vec<_>>();
            Data::new(vec![integers("a", &of(&a)), integers("b", &of(&b))])
        };
        let schema = Schema { quasi_identifiers: vec![ThreatModel::of("", &["a", "b"])], ..Schema::default() };
        let found = Case::tables(table(), table(), schema).run(&ColumnSearch {}, 1).remove(0);
        let tables = found.evidence.iter().filter_map(|evidence| match evidence {
            Evidence::Table(table) => Some(table),
            _ => None,
        });
        let cells: Vec<&String> = tables.flat_map(|table| table.rows.iter().map(|row| &row[1])).collect();
        let shown = |text: &str| cells.iter().any(|cell| *cell == text);
        assert!(!(shown("45 of 1,000") && shown("50 of 1,000")), "{cells:?}");
        assert!(shown("withheld of 1,000"), "{cells:?}");
    }

    /// 20 of 1,045 are unique by `a` and 25 by `b`: a Shapley value is half a difference, and would tell of the five between them.
    #[test]
    fn shapley_values_do_not_tell_of_few() {
        let a = |row: u32| if row < 20 { row + 10 } else { 0 };
        let b = |row: u32| if (20..45).contains(&row) { row } else { 0 };
        let table = || {
            let of = |value: &dyn Fn(u32) -> u32| (0..1045).map(value).collect::<Vec<_>>();
            Data::new(vec![integers("a", &of(&a)), integers("b", &of(&b))])
        };
        let bars = |names: &[&str], table: Data| {
            let schema = Schema { quasi_identifiers: vec![ThreatModel::of("", names)], ..Schema::default() };
            let found = Case::tables(table.clone(), table, schema).run(&ColumnSearch {}, 1).remove(0);
            found.evidence.into_iter().find_map(|evidence| match evidence {
                Evidence::Bars { axis, bars, .. } => Some((axis, bars.iter().map(|bar| bar.value).collect::<Vec<_>>())),
                _ => None,
            })
        };
        let (axis, values) = bars(&["a", "b"], table()).unwrap();
        // No step is of 1 to 10 people here: 0, 20, 25 and 45.
        assert_eq!(
            (axis.as_str(), values),
            ("Shapley value (per cent of the records)", vec![2500.0 / 1045.0, 2000.0 / 1045.0])
        );
        let c = |row: u32| if row < 23 { row + 10 } else { 0 };
        let (axis, values) = bars(
            &["a", "c"],
            Data::new(vec![
                integers("a", &(0..1045).map(a).collect::<Vec<_>>()),
                integers("c", &(0..1045).map(c).collect::<Vec<_>>()),
            ]),
        )
        .unwrap();
        // Three more by `c` than by `a`: 13 and 10 in the mean of the orders.
        assert!(axis.ends_with("to 20 records)") && values == [2000.0 / 1045.0; 2], "{axis} {values:?}");
    }

    /// Two columns that say the same share what one would have; the third has nothing.
    #[test]
    fn contributions_are_shared() {
        let finding = case(400, true).run(&ColumnSearch {}, 1).remove(0);
        let Evidence::Bars { bars, .. } = &finding.evidence[0] else { panic!("bars are drawn") };
        let drawn: Vec<(&str, f64)> = bars.iter().map(|bar| (bar.label.as_str(), bar.value.round())).collect();
        assert_eq!(drawn, [("a", 20.0), ("b", 20.0), ("same", 0.0)]);
        assert!(finding.sentence.starts_with("No single column"), "{}", finding.sentence);
        let alone = case(400, false).run(&ColumnSearch {}, 1).remove(0);
        assert!(alone.sentence.contains("`a`") && alone.estimate.unwrap().value == 0.0, "{}", alone.sentence);
    }
}
