//! How well a newer version hides the people of the older one, where it is a masked version of the same records: perturbed,
//! microaggregated, rounded or recoded.
//!
//! Two questions. *Interval disclosure* of the columns of numbers: is the original still near its masked value? A record is
//! disclosed when all its numbers lie within `k` standard deviations (n - 1) of the masked column around their masked values;
//! that is what sdcMicro's `dRisk` says from 5.6.0 on. Older releases counted a record with at most one number outside
//! as well, which says little of few columns; both are given. *Distance linkage*: does somebody who has the originals find
//! whose a masked record is? Either by taking the nearest original in Gower's distance, or by linking a number of people
//! one to one such that the sum of the distances is least (Herranz, Nin, Rodriguez and Tassa, Data & Knowledge Engineering
//! 100, 2015, 78-93).
//!
//! Linkage looks at a seeded sample of 1,000 people at most. One to one takes time with the cube of that number. For the nearest
//! record time grows with people times records, so that fewer of them (200 at least) are looked for where that would be
//! more than 300 million distances.

use rayon::prelude::*;
use serde::Serialize;

use super::columns::{Compared, ComparedBy, numbers};
use super::pairs::{PairedBy, Pairs};
use super::{How, Version, cells, refused};
use crate::assess::AssessError;
use crate::data::Cells;
use crate::finding::{Count, SMALLEST_SHOWN, share_of};
use crate::linkage::{Coordinate, Gower, Inside, Intervals, assign};
use crate::seed::Seed;
use crate::stats::interval::{wilson, wilson_of_units};
use crate::stats::means::student;
use crate::stats::uniform::{below, shuffle};
use crate::stats::{Estimate, Level, Method};

/// Half widths of intervals, in standard deviations: those that sdcMicro's documentation uses.
const WIDTHS: [f64; 2] = [0.01, 0.05];
/// Most people who are linked.
const MOST: usize = 1000;
/// Fewest people whose nearest record is looked for, however many records there are.
const FEWEST: usize = 200;
/// Distances that are computed for the nearest record, as long as there are more than the fewest people.
const DISTANCES: usize = 300_000_000;

/// What two versions tell about the masking of the newer one.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Masking {
    /// How well it hides.
    Shown(Masked),
    /// Nothing.
    NotShown {
        /// Why not, in a sentence.
        not_shown: String,
    },
}

/// How well the newer version hides the people of the older one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Masked {
    /// Records of both versions that were compared; of some that are in both none, where their number would tell that 1 to 10
    /// people are in one version alone.
    pub records: Count,
    /// What counts: records or people.
    pub unit: String,
    /// What says which records belong together, in words.
    pub paired_by: String,
    /// The columns that were compared: the quasi-identifiers, and those whose intervals were asked for.
    pub columns: Vec<MaskedColumn>,
    /// Records whose numbers are still near their originals; empty where no column holds numbers.
    pub intervals: Vec<IntervalDisclosure>,
    /// People whose original is found by the distance over the quasi-identifiers.
    pub linkage: Vec<DistanceLinkage>,
    /// Why the numbers may be too low or too high, in sentences.
    pub limits: Vec<String>,
}

/// What was done to a column.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MaskedColumn {
    /// Its name.
    pub name: String,
    /// How its cells are compared.
    pub by: ComparedBy,
    /// Share of its cells that changed.
    pub changed: Estimate,
    /// Whether linkage looks at it.
    pub linked: bool,
    /// Whether intervals look at it.
    pub interval: bool,
}

/// Which records count as disclosed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// All numbers lie inside: sdcMicro from 5.6.0 on.
    All,
    /// At most one number lies outside, and one inside: older releases of sdcMicro.
    AllButOne,
}

impl Rule {
    fn holds(self, inside: Inside) -> bool {
        match self {
            Self::All => inside.all(),
            Self::AllButOne => inside.all_but_one(),
        }
    }
}

/// Records whose numbers lie near their masked values.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IntervalDisclosure {
    /// Half width of the interval, in standard deviations of the masked column.
    pub k: f64,
    /// Which records count.
    pub rule: Rule,
    /// Share of the records (of the people: the mean share of their records).
    pub disclosed: Estimate,
    /// The same for the masked record of somebody else, from 0 to 1: rounded down to three decimals, or to fewer where that
    /// would tell of fewer than 11 pairs of people.
    pub of_a_stranger: f64,
}

/// How somebody links masked records to originals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// Takes the nearest original; of several one at random.
    Nearest,
    /// Links one to one such that the sum of the distances is least.
    OneToOne,
}

/// People whose original is found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DistanceLinkage {
    /// How.
    pub way: Way,
    /// Original records among which theirs is.
    pub among: usize,
    /// Share of the people whose masked record is linked to an original of theirs.
    pub right: Estimate,
    /// The share that a random original would give.
    pub by_chance: f64,
}

/// Says how well the newer version hides the people of the older one; nothing but the reason where no records of the older
/// version are at hand, or nothing says which records belong together.
///
/// # Errors
/// When a column that is named is in either version not there, or holds no numbers.
pub fn masking<'a>(older: Option<&'a Version>, newer: &'a Version, how: &How) -> Result<Masking, AssessError> {
    let not_shown = |not_shown: &str| Ok(Masking::NotShown { not_shown: not_shown.to_owned() });
    hold_numbers(older, newer, how)?;
    let Some(older) = older else {
        return not_shown("the older version is a kept profile, which holds no records: name the data instead");
    };
    let both = |name: &String, setting: &str| {
        let side =
            |version: &'a Version| cells(&version.table, &version.input, name, setting).map(|found| &found.cells);
        Ok::<_, AssessError>((side(older)?, side(newer)?))
    };
    let patient = how.patient.as_ref().map(|name| both(name, "--patient")).transpose()?;
    let pairs = match Pairs::of(older.table.rows(), newer.table.rows(), patient) {
        Ok(pairs) if pairs.people.len() < SMALLEST_SHOWN => {
            return not_shown("fewer than 11 people are in both versions");
        }
        Ok(pairs) => pairs,
        Err(why) => return not_shown(&why),
    };
    let mut columns = Vec::new();
    let beside = how.numbers.iter().filter(|name| !how.quasi_identifiers.contains(name));
    for (at, name) in how.quasi_identifiers.iter().chain(beside).enumerate() {
        let (old, new) = both(name, "--quasi-identifiers")?;
        let interval = if how.numbers.is_empty() { both_numbers(old, new) } else { how.numbers.contains(name) };
        let linked = at < how.quasi_identifiers.len();
        columns.push(Judged { name: name.clone(), linked, interval, compared: Compared::of(old, new, &pairs.rows) });
    }
    let seed = Seed::root(how.seed).derive("compare/masking");
    Ok(Masking::Shown(Trial::of(pairs, columns, older.table.rows(), seed).masked(how.patient.is_some())))
}

/// Refuses a column for intervals that is not there or holds no numbers in a version that is at hand.
fn hold_numbers(older: Option<&Version>, newer: &Version, how: &How) -> Result<(), AssessError> {
    for name in &how.numbers {
        let kind = |version: &Version| {
            let found = cells(&version.table, &version.input, name, "--numbers")?;
            Ok::<_, AssessError>(numbers(&found.cells).map(|(by, _)| by))
        };
        let old = older.map(kind).transpose()?;
        let new = kind(newer)?;
        if new.is_none() || old.is_some_and(|old| old != new) {
            let place = if older.is_some() { "both versions" } else { "the newer version" };
            return Err(refused(
                format!("`--numbers` names the column `{name}`, which does not hold numbers (or dates) in {place}"),
                "name columns of numbers, and the texts that stand for a missing one with --missing",
            ));
        }
    }
    Ok(())
}

fn both_numbers(older: &Cells, newer: &Cells) -> bool {
    match (numbers(older), numbers(newer)) {
        (Some((by, _)), Some((as_well, _))) => by == as_well,
        _ => false,
    }
}

/// A column and what looks at it.
struct Judged {
    name: String,
    linked: bool,
    interval: bool,
    compared: Compared,
}

/// Everything that is measured on.
struct Trial {
    pairs: Pairs,
    columns: Vec<MaskedColumn>,
    intervals: Intervals,
    /// Pairs of the same number in both, for each column of numbers.
    same: Vec<usize>,
    gower: Gower,
    /// Records of the older version.
    originals: usize,
    /// People who are linked, by their place among `pairs.people`, in random order, and a random pair of each.
    sample: Vec<(usize, usize)>,
    seed: Seed,
}

impl Trial {
    fn of(pairs: Pairs, judged: Vec<Judged>, originals: usize, seed: Seed) -> Self {
        let (mut columns, mut numbers, mut same, mut coordinates) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for Judged { name, linked, interval, compared } in judged {
            let changed = share_of(compared.changed, pairs.rows.len());
            columns.push(MaskedColumn { name, by: compared.by, changed, linked, interval });
            if let (true, Coordinate::Numbers { left, right }) = (interval, &compared.coordinate) {
                same.push(pairs.rows.iter().filter(|(old, new)| right[*old] == left[*new]).count());
                numbers.push((right.clone(), left.clone()));
            }
            if linked {
                coordinates.push(compared.coordinate);
            }
        }
        let mut stream = seed.derive("sample").stream();
        let mut order: Vec<usize> = (0..pairs.people.len()).collect();
        shuffle(&mut order, &mut stream);
        order.truncate(MOST);
        let one = |person: usize| (person, pairs.people[person][below(pairs.people[person].len(), &mut stream)]);
        let sample = order.into_iter().map(one).collect();
        Self {
            columns,
            intervals: Intervals::of(numbers),
            same,
            gower: Gower::of(coordinates),
            originals,
            sample,
            seed,
            pairs,
        }
    }

    fn masked(&self, people: bool) -> Masked {
        let costs = self.costs();
        Masked {
            records: Count::of(self.pairs.rows.len()),
            unit: if people { "people" } else { "records" }.to_owned(),
            paired_by: self.pairs.by.words().to_owned(),
            columns: self.columns.clone(),
            intervals: self.disclosed(),
            linkage: vec![self.nearest(), self.one_to_one(&costs)],
            limits: self.limits(&costs),
        }
    }

    fn disclosed(&self) -> Vec<IntervalDisclosure> {
        // With one column the rules are one.
        let rules: &[Rule] = match self.intervals.columns() {
            0 => &[],
            1 => &[Rule::All],
            _ => &[Rule::All, Rule::AllButOne],
        };
        let asked: Vec<(f64, Rule)> = WIDTHS.iter().flat_map(|&k| rules.iter().map(move |&rule| (k, rule))).collect();
        let of_person = |pairs: &Vec<usize>, k, rule: Rule| {
            let holds = |pair: &&usize| {
                let (old, new) = self.pairs.rows[**pair];
                rule.holds(self.intervals.inside(old, new, k))
            };
            pairs.iter().filter(holds).count() as f64 / pairs.len() as f64
        };
        let mut told = self.unchanged();
        let found = asked.into_iter().map(|(k, rule)| {
            let shares: Vec<f64> = self.pairs.people.par_iter().map(|pairs| of_person(pairs, k, rule)).collect();
            IntervalDisclosure { k, rule, disclosed: told.mean(&shares), of_a_stranger: self.of_strangers(k, rule) }
        });
        found.collect()
    }

    /// The numbers of records that did not change, as they are shown for each column of numbers, and of those that are no blanks:
    /// these lie inside, so that the number of others that do would follow. For people of several records each, in people.
    fn unchanged(&self) -> Told {
        let (records, people) = (self.pairs.rows.len() as f64, self.pairs.people.len() as f64);
        let shown = self.columns.iter().filter(|column| column.interval && column.changed.method == Method::Exact);
        let unchanged = shown.map(|column| ((1.0 - column.changed.value) * records).round());
        Told(unchanged.chain(self.same.iter().map(|&same| same as f64)).map(|n| n * people / records).collect())
    }

    /// The share of the pairs of an original and the masked record of somebody else, within the sample, for which a rule holds,
    /// rounded down.
    fn of_strangers(&self, k: f64, rule: Rule) -> f64 {
        let holds = |old: usize, new: usize| {
            let (old, new) = (self.pairs.rows[self.sample[old].1].0, self.pairs.rows[self.sample[new].1].1);
            rule.holds(self.intervals.inside(old, new, k))
        };
        let n = self.sample.len();
        let of = |old: usize| (0..n).filter(|&new| new != old && holds(old, new)).count();
        let found: usize = (0..n).into_par_iter().map(of).sum();
        rounded_down(found, n * (n - 1))
    }

    fn nearest(&self) -> DistanceLinkage {
        let own =
            |person: usize| self.pairs.people[person].iter().map(|&pair| self.pairs.rows[pair].0).collect::<Vec<_>>();
        let chance = |&(person, pair): &(usize, usize)| self.gower.chance_of(self.pairs.rows[pair].1, &own(person));
        let most = (DISTANCES / self.originals.max(1)).max(FEWEST);
        let sample = &self.sample[..most.min(self.sample.len())];
        let right: Vec<f64> = sample.par_iter().map(chance).collect();
        let records: usize = sample.iter().map(|&(person, _)| self.pairs.people[person].len()).sum();
        DistanceLinkage {
            way: Way::Nearest,
            among: self.originals,
            right: Told::default().mean(&right),
            by_chance: records as f64 / sample.len() as f64 / self.originals as f64,
        }
    }

    /// Distances of the sampled masked records (rows) to the sampled originals (columns).
    fn costs(&self) -> Vec<f64> {
        let row = |&(_, new): &(usize, usize)| {
            let new = self.pairs.rows[new].1;
            self.sample.iter().map(|&(_, old)| self.gower.distance(new, self.pairs.rows[old].0)).collect::<Vec<f64>>()
        };
        self.sample.par_iter().map(row).collect::<Vec<_>>().concat()
    }

    fn one_to_one(&self, costs: &[f64]) -> DistanceLinkage {
        let n = self.sample.len();
        // Of assignments that are as good the first that is found is taken: in the order of the file it would be the right one.
        let mut order: Vec<usize> = (0..n).collect();
        shuffle(&mut order, &mut self.seed.derive("columns").stream());
        let shuffled: Vec<f64> =
            (0..n).flat_map(|row| order.iter().map(move |column| costs[row * n + column])).collect();
        let linked = assign(&shuffled, n).into_iter().enumerate();
        let right: Vec<f64> = linked.map(|(row, column)| f64::from(u8::from(order[column] == row))).collect();
        DistanceLinkage { way: Way::OneToOne, among: n, right: Told::default().mean(&right), by_chance: 1.0 / n as f64 }
    }

    /// Whether masked records are nearer to their own originals than to those of others: by how much, person by person.
    fn belong_together(&self, costs: &[f64]) -> bool {
        let n = self.sample.len();
        let nearer = |row: usize| {
            let (all, own) = (costs[row * n..(row + 1) * n].iter().sum::<f64>(), costs[row * n + row]);
            (all - own) / (n - 1) as f64 - own
        };
        student(&(0..n).map(nearer).collect::<Vec<_>>(), Level::P95).is_some_and(|nearer| nearer.low > 0.0)
    }

    /// What speaks against the pairs. Neither an order nor a column of people is believed: the column may have been given new
    /// values out of the same range, or number the rows.
    fn doubts(&self, costs: &[f64]) -> Vec<String> {
        let mut doubts = Vec::new();
        if !self.belong_together(costs) {
            let or = match self.pairs.by {
                PairedBy::Person | PairedBy::PersonInPart => {
                    "the column that says whose a record is has other values in the newer version, and then these numbers say \
                     nothing: compare without --patient where the rows are in the same order."
                }
                PairedBy::Order | PairedBy::OrderAndPerson | PairedBy::OrderAndNewNames => {
                    "the rows are not the same records in the same order, and then these numbers say nothing."
                }
            };
            doubts.push(format!(
                "Records are no nearer to their own originals than to those of others: either the masking hides everything, or {or}"
            ));
        } else if matches!(self.pairs.by, PairedBy::Order | PairedBy::OrderAndNewNames) {
            doubts
                .push("Too low where the rows of the versions are not the same records in the same order.".to_owned());
        }
        if self.pairs.by == PairedBy::PersonInPart {
            doubts.push(
                "The versions have equal numbers of records, but only a part of the values of the column that says whose a record \
                 is occurs in both. Too low where it was given new values: those that are equal by chance pair the records of \
                 different people."
                    .to_owned(),
            );
        }
        doubts
    }

    fn limits(&self, costs: &[f64]) -> Vec<String> {
        let mut limits = self.doubts(costs);
        if self.intervals.columns() > 0 {
            limits.push(
                "Intervals: what is missing in either version is not compared. Too high where an extreme number widens those of its column, or a code is written as a number; a \
                 number outside may be known from another column. A stranger's share is rounded down."
                    .to_owned(),
            );
        }
        limits.push(
            "Linkage: too low for somebody who knows more columns or how the masking was done; too high for somebody whose \
             data have errors. One to one holds among the people who were drawn, and finds fewer among more."
                .to_owned(),
        );
        let local = self.columns.iter().filter(|column| column.by == ComparedBy::LocalRecoding && column.linked);
        let local: Vec<String> = local.map(|column| format!("`{}`", column.name)).collect();
        if !local.is_empty() {
            limits.push(format!(
                "{}: numbers became texts in more than one way, so that cells that changed count as different: linkage is too low. \
                 A text that stands for a missing cell is named with --missing.",
                local.join(", ")
            ));
        }
        limits
    }
}

/// A part of a number of pairs, from 0 to 1, rounded down to thousandths, hundredths or tenths: the finest that stand for 11
/// pairs at least.
fn rounded_down(found: usize, pairs: usize) -> f64 {
    let parts = [1000_usize, 100].into_iter().find(|parts| pairs >= parts * SMALLEST_SHOWN).unwrap_or(10);
    (found * parts / pairs) as f64 / parts as f64
}

/// Sums over people that were shown, from which none may follow that tells of 1 to 10 people.
#[derive(Default)]
struct Told(Vec<f64>);

impl Told {
    /// The mean of shares, one of each person, with its interval. Where their sum lies within 10 of nobody, of everybody or of a
    /// sum that was shown, it is shown as any such sum would be, its upper end as the value.
    fn mean(&mut self, shares: &[f64]) -> Estimate {
        let (n, sum) = (shares.len(), shares.iter().sum::<f64>());
        let few = (SMALLEST_SHOWN - 1) as f64;
        let near = |other: &f64| sum != *other && (sum - other).abs() <= few;
        let Some(other) = [0.0, n as f64].iter().chain(&self.0).copied().find(near) else {
            self.0.push(sum);
            return wilson_of_units(shares, 1, Level::P95);
        };
        let (least, most) = if sum > other { (other, other + few) } else { (other - few, other) };
        let end = |sum: f64| wilson((sum.round() as usize).min(n), n, Level::P95);
        let (low, high) = (end(least.max(0.0)), end(most));
        Estimate { value: high.value, low: low.low, high: high.high, method: Method::SuppressedCount, ..high }
    }
}

#[cfg(test)]
mod tests;
