//! The members of a threat model beside a population that is known by its margins only.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::Grouped;
use crate::check::CheckError;
use crate::data::encode::joint_column;
use crate::data::{DataError, PEOPLE, Table};
use crate::equivalence::Column;
use crate::population::{MOST_CELLS, Margin, PopulationGroup, smallest_group, table_of_margins};
use crate::stats::interval::normal_quantile;
use crate::stats::{Estimate, Level, Method};

/// What the margins let expect of the population, for every class of the members.
pub(super) struct Estimated {
    /// The group of the population that each class belongs to.
    pub(super) groups: Vec<PopulationGroup>,
    /// Records of each class.
    records: Vec<u32>,
    /// Records whose combination the margins leave nobody in, or with a missing cell: their group is taken to be their class.
    pub(super) missing_records: usize,
    /// People of the population.
    pub(super) people: f64,
}

/// Why margins are no population.
struct Refused {
    what: String,
    help: &'static str,
}

fn refused<T>(what: impl Into<String>, help: &'static str) -> Result<T, Refused> {
    Err(Refused { what: what.into(), help })
}

/// One quasi-identifier: the level of every row of members and margins that has one.
struct Axis {
    column: Column,
    /// The level of each code that the margins have.
    level: Vec<Option<usize>>,
    levels: usize,
}

impl Axis {
    fn of(column: Column, members: usize) -> Self {
        let (mut level, mut levels) = (vec![None; column.levels() as usize], 0);
        for row in (members..column.len()).filter(|&row| !column.is_missing(row)) {
            level[column.code(row) as usize].get_or_insert_with(|| {
                levels += 1;
                levels - 1
            });
        }
        Self { column, level, levels }
    }

    fn at(&self, row: usize) -> Option<usize> {
        if self.column.is_missing(row) { None } else { self.level[self.column.code(row) as usize] }
    }
}

impl Estimated {
    /// Fits the table that has the margins and no dependence besides, and takes the members as a simple random sample of it.
    ///
    /// # Errors
    /// When the file of margins has no such table, or one of fewer people than there are members.
    pub(super) fn of(grouped: &Grouped<'_>, members: &Table, margins: &Table, file: &Path) -> Result<Self, CheckError> {
        fitted(grouped, members, margins).map_err(|refused| {
            let setting = format!("threats.{}.population", grouped.threat.name);
            let what = format!("`{setting}` names `{}`: {}", file.display(), refused.what);
            CheckError::Data(DataError::Shape { what, help: refused.help.to_owned() })
        })
    }

    /// k of the k-map: the middle and the tails of the law of the smallest group.
    pub(super) fn k_map(&self, n: usize) -> Estimate {
        let at = |level: f64| smallest_group(&self.groups, level) as f64;
        let tail = Level::P95.alpha() / 2.0;
        let (value, low, high) = (at(0.5), at(1.0 - tail), at(tail));
        Estimate { value, low, high, level: Level::P95, n, method: Method::ModelLaw }
    }

    /// Mean over records of 1 / people in the group: the share that a marketer re-identifies.
    pub(super) fn marketer(&self) -> Estimate {
        self.mean(PopulationGroup::match_probability)
    }

    /// Share of the records whose group has fewer than `size` people; unique in the population for a size of 2.
    pub(super) fn below(&self, size: usize) -> Estimate {
        self.mean(|group| {
            let reached = group.at_least(size as u64);
            (1.0 - reached, reached * (1.0 - reached))
        })
    }

    /// A mean over records of numbers that the groups have, independently, each with its mean and variance.
    fn mean(&self, of_group: impl Fn(&PopulationGroup) -> (f64, f64)) -> Estimate {
        let n: f64 = self.records.iter().map(|&records| f64::from(records)).sum();
        let (mut value, mut variance) = (0.0, 0.0);
        for (group, &records) in self.groups.iter().zip(&self.records) {
            let (of_mean, of_variance) = of_group(group);
            let share = f64::from(records) / n;
            value += share * of_mean;
            variance += share * share * of_variance;
        }
        let half = normal_quantile(1.0 - Level::P95.alpha() / 2.0) * variance.sqrt();
        let (low, high) = ((value - half).max(0.0), (value + half).min(1.0));
        Estimate { value, low, high, level: Level::P95, n: n as usize, method: Method::ModelLaw }
    }
}

fn fitted(grouped: &Grouped<'_>, members: &Table, margins: &Table) -> Result<Estimated, Refused> {
    let names = &grouped.threat.columns;
    let cells = |name: &String| Some((&members.column(name)?.cells, &margins.column(name)?.cells));
    let columns = names.iter().filter_map(cells).map(|(a, b)| joint_column(a, b));
    let axes: Vec<Axis> = columns.map(|column| Axis::of(column, grouped.records())).collect();
    if let Some((_, name)) = axes.iter().zip(names).find(|(axis, _)| axis.levels == 0) {
        let help = "add rows that count people by it, or leave the column out of the threat model";
        return refused(format!("no row counts people by `{name}`"), help);
    }
    let levels: Vec<usize> = axes.iter().map(|axis| axis.levels).collect();
    let found = margins_of(&axes, &levels, grouped.records(), &counts(margins)?)?;
    let people: f64 = found.first().map_or(0.0, |margin| margin.totals.iter().sum());
    let table = table_of_margins(&levels, &found, None).or_else(|error| {
        let help = "give counts of the same people in every margin, in as few levels as the question needs";
        refused(error.to_string(), help)
    })?;
    let sample: f64 = grouped.classes.sizes().iter().map(|&size| f64::from(size)).sum();
    if people < sample {
        return refused(
            format!("its margins count {people:.0} people, fewer than the data have"),
            "give margins of the population that the records were drawn from",
        );
    }
    let expected = |row: usize| {
        let cell = axes.iter().zip(&levels).try_fold(0, |cell, (axis, levels)| Some(cell * levels + axis.at(row)?));
        cell.map_or(0.0, |cell| table[cell])
    };
    let mut estimated =
        Estimated { groups: Vec::new(), records: grouped.classes.records().to_vec(), missing_records: 0, people };
    for (class, (&first, &seen)) in grouped.classes.first().iter().zip(grouped.classes.sizes()).enumerate() {
        let unseen = expected(first as usize) * (1.0 - sample / people);
        estimated.groups.push(PopulationGroup { seen, unseen });
        if unseen <= 0.0 && people > sample {
            estimated.missing_records += estimated.records[class] as usize;
        }
    }
    Ok(estimated)
}

/// The counts of people of the rows.
fn counts(margins: &Table) -> Result<Vec<f64>, Refused> {
    let help = "write in every row the number of people that it counts";
    match margins.column(PEOPLE).and_then(|column| column.cells.numbers()) {
        None => refused(format!("its column `{PEOPLE}` is no column of numbers"), help),
        Some(counts) if counts.iter().any(|count| count.is_nan()) => {
            refused(format!("its column `{PEOPLE}` has missing cells"), help)
        }
        Some(counts) => Ok(counts),
    }
}

/// Rows that have values in the same columns are a margin over these; combinations without a row hold nobody.
fn margins_of(axes: &[Axis], levels: &[usize], members: usize, counts: &[f64]) -> Result<Vec<Margin>, Refused> {
    let mut rows_of: BTreeMap<Vec<usize>, Vec<usize>> = BTreeMap::new();
    for row in 0..counts.len() {
        let over = (0..axes.len()).filter(|&axis| axes[axis].at(members + row).is_some()).collect();
        rows_of.entry(over).or_default().push(row);
    }
    let margin = |(over, rows): (Vec<usize>, Vec<usize>)| {
        let cells = over.iter().try_fold(1_usize, |cells, &axis| cells.checked_mul(levels[axis]));
        let Some(cells) = cells.filter(|&cells| cells <= MOST_CELLS) else {
            let help = "merge levels, for example ages to five years, in the data and in the file";
            return refused(format!("a margin has more than {MOST_CELLS} combinations"), help);
        };
        let (mut totals, mut seen) = (vec![0.0; cells], BTreeSet::new());
        for row in rows {
            let at = |place, &axis: &usize| place * levels[axis] + axes[axis].at(members + row).unwrap_or(0);
            let place = over.iter().fold(0, at);
            if !seen.insert(place) {
                return refused("two rows count the people of one combination", "write every combination once");
            }
            totals[place] = counts[row];
        }
        Ok(Margin { axes: over, totals })
    };
    rows_of.into_iter().map(margin).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::specimen::numbers;
    use crate::data::{Cells, Column as Named, ThreatModel};

    const NAMES: [&str; 3] = ["zip3", "sex", "age"];

    fn coded(name: &str, cells: Vec<Option<i64>>) -> Named {
        Named { name: name.to_owned(), cells: Cells::Integer(cells) }
    }

    /// Rows of ZIP3, sex, age and a count; nothing where the row counts people of every value.
    fn margins(rows: &[([Option<i64>; 3], f64)]) -> Table {
        let mut columns: Vec<Named> =
            (0..3).map(|j| coded(NAMES[j], rows.iter().map(|row| row.0[j]).collect())).collect();
        columns.push(numbers(PEOPLE, rows.iter().map(|row| row.1).collect()));
        Table::new(columns)
    }

    fn members(rows: &[[i64; 3]]) -> Table {
        Table::new((0..3).map(|j| coded(NAMES[j], rows.iter().map(|row| Some(row[j])).collect())).collect())
    }

    fn estimated(rows: &[[i64; 3]], known: &Table) -> Result<Estimated, CheckError> {
        let (threat, table) = (ThreatModel::of("a", &NAMES), members(rows));
        let cells: Vec<&Cells> = NAMES.iter().filter_map(|name| Some(&table.column(name)?.cells)).collect();
        Estimated::of(&Grouped::of(&threat, &cells, None), &table, known, Path::new("census.csv"))
    }

    /// One-way margins of 1,000 people: independence, so that a cell is N times the product of the shares, of which the sample
    /// of 10 has seen a hundredth.
    #[test]
    fn independent_margins_give_the_product() {
        let one = |axis: usize, level: i64, people: f64| {
            let mut row = [None; 3];
            row[axis] = Some(level);
            (row, people)
        };
        let known = margins(&[
            one(0, 21, 300.0),
            one(0, 100, 700.0),
            one(1, 0, 480.0),
            one(1, 1, 520.0),
            one(2, 30, 900.0),
            one(2, 90, 100.0),
        ]);
        let mut rows = vec![[100, 1, 30]; 8];
        rows.extend([[21, 0, 90], [21, 1, 90]]);
        let found = estimated(&rows, &known).unwrap_or_else(|_| panic!("these margins are right"));
        let unseen = [0.7 * 0.52 * 0.9, 0.3 * 0.48 * 0.1, 0.3 * 0.52 * 0.1].map(|share| 1000.0 * share * 0.99);
        for ((group, unseen), seen) in found.groups.iter().zip(unseen).zip([8, 1, 1]) {
            assert!(group.seen == seen && (group.unseen - unseen).abs() < 1e-6, "{group:?}");
        }
        assert_eq!((found.people, found.missing_records), (1000.0, 0));
        // Two records of ten may be unique, with probabilities exp(-unseen).
        let unique = found.below(2);
        let [a, b] = [unseen[1], unseen[2]].map(|unseen| (-unseen).exp());
        assert!((unique.value - (a + b) / 10.0).abs() < 1e-12 && unique.low <= unique.value);
        // The smallest group is one of these two.
        let k = found.k_map(10);
        assert!(k.low < k.value && k.value < k.high && k.low >= 6.0 && k.high <= 20.0, "{k:?}");
        assert!(
            found
                .marketer()
                .covers((8.0 / (8.0 + unseen[0]) + 1.0 / (1.0 + unseen[1]) + 1.0 / (1.0 + unseen[2])) / 10.0)
        );
    }

    /// A margin of two columns carries their dependence into the estimate.
    #[test]
    fn joint_margins_keep_their_dependence() {
        // Sex and age depend on each other; ZIP3 is by itself.
        let joint = |sex: i64, age: i64, people: f64| ([None, Some(sex), Some(age)], people);
        let known = margins(&[
            ([Some(21), None, None], 250.0),
            ([Some(22), None, None], 750.0),
            joint(0, 30, 10.0),
            joint(0, 90, 390.0),
            joint(1, 30, 600.0),
        ]);
        let found = estimated(&[[21, 0, 30], [22, 1, 30], [21, 1, 90], [23, 0, 30]], &known);
        let found = found.unwrap_or_else(|_| panic!("these margins are right"));
        let expected: Vec<f64> = found.groups.iter().map(|group| group.unseen / (1.0 - 4.0 / 1000.0)).collect();
        for (found, expected) in expected.iter().zip([2.5, 450.0, 0.0, 0.0]) {
            assert!((found - expected).abs() < 1e-6, "{expected}");
        }
        assert_eq!(found.missing_records, 2, "a combination that holds nobody, and a ZIP3 that is not there");
    }

    #[test]
    fn margins_that_are_no_population_say_why() {
        let (zip, sex, age) =
            (([Some(1), None, None], 9.0), ([None, Some(0), None], 9.0), ([None, None, Some(5)], 9.0));
        let refused = |rows: &[([Option<i64>; 3], f64)], members: usize| match estimated(
            &vec![[1, 0, 5]; members],
            &margins(rows),
        ) {
            Err(CheckError::Data(error)) => error.to_string(),
            _ => String::new(),
        };
        assert_eq!(refused(&[zip, sex, age], 3), "");
        let more = ([None, None, Some(5)], 10.0);
        for (rows, members, why) in [
            (vec![zip, sex], 3, "no row counts people by `age`"),
            (vec![zip, sex, more], 3, "the margins add up to different numbers of people"),
            (vec![zip, sex, age, age], 3, "two rows count the people of one combination"),
            (vec![zip, sex, age], 10, "its margins count 9 people, fewer than the data have"),
            (vec![zip, sex, ([None, None, Some(5)], f64::NAN)], 3, "its column `people` has missing cells"),
            (vec![zip, sex, ([None, None, Some(5)], -9.0)], 3, "a margin has a total that is no count"),
        ] {
            let found = refused(&rows, members);
            assert!(
                found.starts_with("`threats.a.population` names `census.csv`: ") && found.ends_with(why),
                "{found}"
            );
        }
    }
}
