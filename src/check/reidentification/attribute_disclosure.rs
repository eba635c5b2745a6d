//! # What it measures
//! What is learned about a person once their group is found, without telling the group's records apart: diversity of the
//! sensitive values within groups (l-diversity, (alpha, k)), and how far their distribution is from that of the whole file
//! (t-closeness, beta-likeness, delta-disclosure).
//!
//! # Who could do this
//! Anybody who knows a person's quasi-identifiers and that the person is in the data. k-anonymity does not help: where all
//! of a group share a diagnosis, it is everybody's.
//!
//! # How
//! For every threat model and sensitive column the values of each group are compared with those of the file. A missing
//! value is a category of its own; where a patient column is declared, a person counts once per value. Every measure is
//! given as the worst over all groups, which tiny groups dominate, and as the share of records in groups that violate the
//! settings `l` (2), `c` (4), `alpha` (0.8), `t` (0.2), `beta` (4) and `delta` (1.6). t-closeness uses the hierarchy of
//! `[columns.hierarchies]` where there is one, the order of numbers otherwise, and equal distances for texts. With
//! `others_known = true` the other sensitive columns count as known to the attacker.
//!
//! # Reading the number
//! l = 1: some group has one value only, and whoever finds a person's group knows it. t = 0.2: a fifth of the probability
//! mass differs from what everybody knows about the file. A relative gain beta of 4: some value is five times as frequent in
//! a group as in the file.
//!
//! # When it misleads
//! Small groups always look homogeneous: compare with k. A column with one very frequent value has low diversity everywhere
//! and still tells little: compare with t. Values that mean nearly the same count as different in l.
//!
//! # Cost
//! One sort of the records per threat model and sensitive column.
//!
//! # References
//! Machanavajjhala et al., TKDD 2007 (l-diversity); Wong et al., KDD 2006 ((alpha, k)); Li, Li and Venkatasubramanian, ICDE
//! 2007 (t-closeness); Brickell and Shmatikov, KDD 2008 (delta-disclosure); Cao and Karras, PVLDB 2012 (beta-likeness).

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use super::diversity::{Answers, RECURSIVE, Told, Tree, told, worst};
use super::{Apart, Grouped, counted};
use crate::check::settings::{between, within};
use crate::check::{Check, CheckError, CheckMeta, Need, Output, Subject};
use crate::data::encode::column;
use crate::data::{Cells, DataError, Hierarchy, Split};
use crate::equivalence::{Classes, Column, Values};
use crate::finding::{Evidence, Family, Finding, Severity, Table, Unit, part_of, share_of};
use crate::stats::Estimate;
use crate::watch::Watch;

pub(in crate::check) static META: CheckMeta = CheckMeta {
    id: "reidentification/attribute-disclosure",
    title: "Attribute disclosure",
    family: Family::Reidentification,
    measures: &[
        "reidentification/records-without-diversity",
        "reidentification/l-diversity",
        "reidentification/t-closeness",
    ],
    source: include_str!("attribute_disclosure.rs"),
};

/// The check.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AttributeDisclosure {
    /// Fewest values of a group, at least 1; for distinct and entropy diversity.
    #[serde(deserialize_with = "within::<1, 1_000_000, _>")]
    pub l: usize,
    /// Recursive diversity: the most frequent value is less than so many times as frequent as all from the l-th on.
    #[serde(deserialize_with = "factor")]
    pub c: f64,
    /// Largest share of a value, from 0 to 1.
    #[serde(deserialize_with = "share")]
    pub alpha: f64,
    /// Largest distance, from 0 to 1.
    #[serde(deserialize_with = "share")]
    pub t: f64,
    /// Largest relative gain, at least 0.
    #[serde(deserialize_with = "factor")]
    pub beta: f64,
    /// Delta of delta-disclosure, in natural logarithms.
    #[serde(deserialize_with = "factor")]
    pub delta: f64,
    /// Whether the attacker knows the other sensitive columns.
    pub others_known: bool,
}

fn factor<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    between(deserializer, 0.0, 1_000.0)
}

fn share<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    between(deserializer, 0.0, 1.0)
}

impl Default for AttributeDisclosure {
    fn default() -> Self {
        Self { l: 2, c: 4.0, alpha: 0.8, t: 0.2, beta: 4.0, delta: 1.6, others_known: false }
    }
}

impl Check for AttributeDisclosure {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Data, Need::Table, Need::QuasiIdentifiers, Need::Sensitive]
    }

    fn run(&self, subject: &Subject<'_>, watch: &dyn Watch) -> Result<Output, CheckError> {
        let Some(split) = subject.split else { return Ok(Output::default()) };
        let sensitive = sensitive(split)?;
        let mut findings = Vec::new();
        for grouped in Grouped::all(split) {
            for (at, one) in sensitive.iter().enumerate() {
                // Who knows the value already learns nothing about it.
                if watch.stops() || grouped.threat.columns.contains(&one.name) {
                    continue;
                }
                let others = sensitive.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, other)| other);
                let known: Vec<&Column> = others.filter(|_| self.others_known).map(|other| &other.codes).collect();
                findings.extend(self.findings(&grouped, one, &known));
            }
        }
        Ok(findings.into())
    }
}

/// A sensitive column.
pub(super) struct Sensitive {
    name: String,
    pub(super) codes: Column,
    /// The number that each code stands for, a missing one last; nothing for texts.
    pub(super) rank: Option<Vec<f64>>,
    tree: Option<Tree>,
}

fn sensitive(split: &Split) -> Result<Vec<Sensitive>, CheckError> {
    let Some(table) = split.members.table() else { return Ok(Vec::new()) };
    let columns = split.schema.sensitive.iter().filter_map(|name| table.column(name));
    let of_column = |found: &crate::data::Column| {
        let plain = Sensitive::of(&found.name, &found.cells);
        let hierarchy = split.hierarchies.get(&found.name);
        let first = first_of_codes(&plain.codes);
        let tree = hierarchy.map(|hierarchy| tree(&found.name, &found.cells, &first, hierarchy)).transpose()?;
        Ok(Sensitive { tree, ..plain })
    };
    columns.map(of_column).collect()
}

impl Sensitive {
    /// A column without a hierarchy.
    pub(super) fn of(name: &str, cells: &Cells) -> Self {
        let codes = column(cells);
        let rank = cells.numbers().filter(|_| !matches!(cells, Cells::Bool(_)));
        let rank = rank.map(|numbers| {
            let first = first_of_codes(&codes);
            first.iter().map(|row| row.map_or(f64::NAN, |row| numbers[row])).collect()
        });
        Self { name: name.to_owned(), codes, rank, tree: None }
    }
}

/// The first record of every code.
fn first_of_codes(codes: &Column) -> Vec<Option<usize>> {
    let mut first = vec![None; codes.levels() as usize];
    for row in (0..codes.len()).rev() {
        first[codes.code(row) as usize] = Some(row);
    }
    first
}

/// The nodes above every code. A missing value is a branch of its own below the top.
fn tree(name: &str, cells: &Cells, first: &[Option<usize>], hierarchy: &Hierarchy) -> Result<Tree, CheckError> {
    let mut levels = vec![Vec::new(); hierarchy.height()];
    let mut numbers: Vec<BTreeMap<Option<String>, u32>> = vec![BTreeMap::new(); hierarchy.height()];
    let mut unknown = 0;
    for row in first {
        let text = row.and_then(|row| cells.text(row));
        let above = match &text {
            Some(text) => hierarchy.above(text),
            None => None,
        };
        unknown += usize::from(text.is_some() && above.is_none());
        for (height, (level, numbers)) in levels.iter_mut().zip(&mut numbers).enumerate() {
            let top = height + 1 == hierarchy.height();
            let node = above.map(|names| names[height].clone()).filter(|_| !top);
            let next = numbers.len() as u32;
            level.push(*numbers.entry(node).or_insert(next));
        }
    }
    if unknown > 0 {
        return Err(CheckError::Data(DataError::Shape {
            what: format!("the hierarchy of the column `{name}` lacks values that the column has"),
            help: "add a line for every value of the column, as the data write it".to_owned(),
        }));
    }
    Ok(Tree { levels })
}

/// What the groups of a threat model tell about a sensitive column.
struct Seen<'a> {
    grouped: &'a Grouped<'a>,
    sensitive: &'a Sensitive,
    told: Vec<Told>,
    /// Records of the groups with each answer.
    records: Vec<usize>,
    worst: Told,
}

impl Seen<'_> {
    /// Records in groups that tell too much.
    fn records_where(&self, violates: impl Fn(&Told) -> bool) -> usize {
        let violating = self.told.iter().zip(&self.records).filter(|(told, _)| violates(told));
        violating.map(|(_, &records)| records).sum()
    }

    fn finding(&self, measure: &str, unit: Unit, value: f64, violating: usize) -> Finding {
        let (threat, n) = (self.grouped.threat, self.grouped.records());
        let scope = match threat.name.as_str() {
            "" => self.sensitive.name.clone(),
            name => format!("{name}: {}", self.sensitive.name),
        };
        let mut finding = counted(META.id, measure, &scope, unit, Estimate::exact(value, n));
        finding.severity = Severity::on_scale(violating as f64 / n.max(1) as f64, [0.0, 0.01, 0.05, 0.2]);
        finding.settings = vec![
            ("quasi-identifiers".to_owned(), threat.columns.join(", ")),
            ("sensitive".to_owned(), self.sensitive.name.clone()),
        ];
        finding
    }
}

impl AttributeDisclosure {
    pub(super) fn findings(&self, grouped: &Grouped<'_>, sensitive: &Sensitive, known: &[&Column]) -> Vec<Finding> {
        let more: Vec<&Column> = grouped.columns.iter().chain(known.iter().copied()).collect();
        let finer = (!known.is_empty()).then(|| Classes::of(&more, grouped.people));
        let classes = finer.as_ref().unwrap_or(&grouped.classes);
        let values = Values::of(classes, &sensitive.codes, grouped.people);
        let Answers { told, of_class } = told(&values, sensitive.rank.as_deref(), sensitive.tree.as_ref());
        let Some(worst) = worst(&told) else { return Vec::new() };
        let mut records = vec![0; told.len()];
        of_class.iter().zip(classes.records()).for_each(|(&at, &of_class)| records[at as usize] += of_class as usize);
        let seen = Seen { grouped, sensitive, told, records, worst };
        let (name, n) = (&sensitive.name, grouped.records());
        let few = seen.records_where(|told| told.distinct < self.l);
        let mut without = seen.finding("reidentification/records-without-diversity", Unit::Share, 0.0, few);
        without.estimate = Some(share_of(few, n));
        without.sentence =
            format!("{} records are in groups with fewer than {} different values of {name}.", part_of(few, n), self.l);
        without.evidence = vec![self.table(&seen, few)];
        let distinct = worst.distinct;
        let mut diversity = seen.finding("reidentification/l-diversity", Unit::Items, distinct as f64, few);
        diversity.sentence =
            format!("The number of different values of {name} in the least diverse group is {distinct}.");
        let (t, far) = (worst.closeness(), seen.records_where(|told| told.closeness() > self.t));
        let mut closeness = seen.finding("reidentification/t-closeness", Unit::Area, t, far);
        closeness.sentence = format!(
            "In the group that is least like the file, the distribution of {name} is {t:.3} away from the file's."
        );
        let mut findings = vec![without, diversity, closeness];
        for finding in &mut findings {
            finding.settings.push(("other sensitive columns known".to_owned(), self.others_known.to_string()));
        }
        findings
    }

    /// What groups tell, beside the records `few` that the finding counts.
    fn table(&self, seen: &Seen<'_>, few: usize) -> Evidence {
        let number = |value: f64| if value.is_finite() { format!("{value:.4}") } else { "infinite".to_owned() };
        let (worst, n) = (&seen.worst, seen.grouped.records());
        let mut rows = Vec::new();
        let mut apart = Apart::of(n);
        apart.text(few);
        let mut row = |what: &str, worst: String, wanted: String, violating: usize| {
            rows.push(vec![what.to_owned(), worst, wanted, apart.part(violating)]);
        };
        let (l, c) = (self.l, self.c);
        let count = |violates: &dyn Fn(&Told) -> bool| seen.records_where(violates);
        row("distinct l", worst.distinct.to_string(), format!("at least {l}"), few);
        // exp and ln round: an even class of l values must count as l.
        let short = |told: &Told| told.entropy < l as f64 * (1.0 - 1e-12);
        row("entropy l", number(worst.entropy), format!("at least {l}"), count(&short));
        for (at, values) in RECURSIVE.into_iter().enumerate() {
            let violating = count(&|told| told.recursive[at] >= c);
            row(&format!("recursive c for l = {values}"), number(worst.recursive[at]), format!("below {c}"), violating);
        }
        let alpha = count(&|told| told.alpha > self.alpha);
        row("alpha", number(worst.alpha), format!("at most {}", self.alpha), alpha);
        let mut distance = |what: &str, of: fn(&Told) -> Option<f64>| {
            if let Some(worst) = of(worst) {
                let far = count(&|told| of(told).is_some_and(|t| t > self.t));
                row(what, number(worst), format!("at most {}", self.t), far);
            }
        };
        distance("t, equal distances", |told| Some(told.equal));
        distance("t, ordered", |told| told.ordered);
        distance("t, hierarchy", |told| told.hierarchical);
        let at_most = || format!("at most {}", self.beta);
        row("beta, basic", number(worst.beta), at_most(), count(&|told| told.beta > self.beta));
        row("beta, enhanced", number(worst.enhanced), at_most(), count(&|told| told.enhanced > self.beta));
        let what = if worst.complete { "delta" } else { "delta over values that occur (infinite by definition)" };
        let disclosing = count(&|told| told.delta >= self.delta || !told.complete);
        row(what, number(worst.delta), format!("below {}", self.delta), disclosing);
        Evidence::Table(Table {
            caption: "What groups tell about the sensitive value".to_owned(),
            columns: ["measure", "worst group", "wanted", "records in groups that violate it"]
                .map(str::to_owned)
                .to_vec(),
            rows,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::check::settings::refused;
    use crate::check::specimen::{Case, Specimen, integers};
    use crate::data::{Schema, Table as Data, ThreatModel};

    /// Groups of the given values.
    fn case(groups: &[Vec<u32>]) -> Case {
        let q: Vec<u32> = groups.iter().zip(0..).flat_map(|(values, q)| values.iter().map(move |_| q)).collect();
        let table = || Data::new(vec![integers("q", &q), integers("s", &groups.concat())]);
        let schema = Schema {
            quasi_identifiers: vec![ThreatModel::of("", &["q"])],
            sensitive: vec!["s".to_owned()],
            ..Schema::default()
        };
        Case::tables(table(), table(), schema)
    }

    impl Specimen for AttributeDisclosure {
        const MEASURE: &'static str = "reidentification/records-without-diversity";

        fn null(seed: u64) -> (Case, f64) {
            let even = |_| (0..20).map(|row| (row + seed as u32) % 4).collect();
            (case(&(0..10).map(even).collect::<Vec<_>>()), 0.0)
        }

        fn leaky() -> Case {
            case(&(0..10).map(|value| vec![value; 10]).collect::<Vec<_>>())
        }

        fn graded(seed: u64) -> (Case, f64) {
            let same = 1 + seed as usize % 9;
            let group = |at: usize| (0..20).map(|row| if at < same { 0 } else { row % 2 }).collect();
            (case(&(0..10).map(group).collect::<Vec<_>>()), same as f64 / 10.0)
        }
    }

    #[test]
    fn settings_are_checked() {
        for (wrong, setting) in [
            ("l = 0", "`l`"),
            ("c = -1.0", "`c`"),
            ("t = -3.0", "`t`"),
            ("alpha = 9.0", "`alpha`"),
            ("beta = nan", "`beta`"),
        ] {
            let refused = refused::<AttributeDisclosure>(wrong);
            assert!(refused.contains(setting) && refused.contains("is not from"), "{refused}");
        }
        assert!(toml::from_str::<AttributeDisclosure>("l = 3\nt = 0.1").is_ok());
    }

    /// 60 records in groups of one value, 5 more in a group of two of which one is rare: the difference is no number to show.
    #[test]
    fn counts_are_not_told_by_subtraction() {
        let mut groups: Vec<Vec<u32>> = vec![vec![0; 20], vec![1; 20], vec![0; 20], vec![0, 0, 0, 0, 1]];
        groups.extend((0..10).map(|_| (0..20).map(|row| row % 2).collect()));
        let check = AttributeDisclosure { alpha: 0.7, ..AttributeDisclosure::default() };
        let found = case(&groups).run(&check, 1).remove(0);
        let Evidence::Table(table) = &found.evidence[0] else { panic!("a table") };
        let cell = |what: &str| table.rows.iter().find(|row| row[0] == what).expect("a row")[3].clone();
        assert_eq!((cell("distinct l"), cell("alpha")), ("60 of 265".to_owned(), "withheld of 265".to_owned()));
    }

    fn values(groups: &[u32], sensitive: &[u32]) -> Values {
        let column =
            |codes: &[u32]| Column::new(codes.iter().copied(), codes.iter().max().map_or(1, |&most| most + 1), None);
        Values::of(&Classes::of(&[&column(groups)], None), &column(sensitive), None)
    }

    /// What each class tells.
    fn of_each(values: &Values, rank: Option<&[f64]>, tree: Option<&Tree>) -> Vec<Told> {
        let answers = told(values, rank, tree);
        answers.of_class.iter().map(|&at| answers.told[at as usize]).collect()
    }

    /// Table 3 of the t-closeness paper, as in ARX's `test2.csv`: salaries 3 to 11 and diseases of nine people.
    #[test]
    fn tables_of_the_t_closeness_paper() {
        // Salaries 3..=11 in groups {3 4 5}, {6 8 11}, {7 9 10}.
        let salary: Vec<u32> = (0..9).collect();
        let groups = [0, 0, 0, 1, 2, 1, 2, 2, 1];
        let rank: Vec<f64> = (3..12).map(f64::from).collect();
        let of_groups = of_each(&values(&groups, &salary), Some(&rank), None);
        let ordered: Vec<f64> = of_groups.iter().map(|told| told.ordered.expect("numbers")).collect();
        assert!((ordered[0] - 0.375).abs() < 1e-12 && (ordered[1] - 1.0 / 6.0).abs() < 1e-12, "{ordered:?}");
        // gastric ulcer, gastritis, stomach cancer, gastritis, flu, bronchitis, bronchitis, pneumonia, stomach cancer
        let disease = [0, 1, 2, 1, 3, 4, 4, 5, 2];
        let organ = vec![0, 0, 0, 1, 1, 1];
        let system = vec![0, 0, 0, 1, 1, 1];
        let tree = Tree { levels: vec![organ, system, vec![0; 6]] };
        let groups = [0, 1, 0, 2, 2, 2, 1, 0, 1];
        let of_groups = of_each(&values(&groups, &disease), None, Some(&tree));
        let found: Vec<f64> = of_groups.iter().map(|told| told.hierarchical.expect("a tree")).collect();
        for (found, expected) in found.iter().zip([7.0 / 27.0, 5.0 / 27.0, 8.0 / 27.0]) {
            assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
        }
    }

    /// One class of 6 a, 3 b, 1 c beside one of 10 d: everything by hand.
    #[test]
    fn a_class_by_hand() {
        let sensitive = [0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3];
        let groups: Vec<u32> = (0..20).map(|row| row / 10).collect();
        let told = of_each(&values(&groups, &sensitive), None, None);
        let (mixed, same) = (told[0], told[1]);
        assert_eq!((mixed.distinct, mixed.alpha, mixed.complete), (3, 0.6, false));
        // 6 / (3 + 1), 6 / 1, and none from the fourth on
        assert_eq!(mixed.recursive, [1.5, 6.0, f64::INFINITY]);
        let entropy: f64 = -(0.6_f64 * 0.6_f64.ln() + 0.3 * 0.3_f64.ln() + 0.1 * 0.1_f64.ln());
        assert!((mixed.entropy - entropy.exp()).abs() < 1e-12);
        // Every value of the class is twice as frequent as in the table: gain 1, |ln 2|, and half of the mass elsewhere.
        assert!((mixed.beta - 1.0).abs() < 1e-12 && (mixed.delta - 2.0_f64.ln()).abs() < 1e-12);
        assert!((mixed.equal - 0.5).abs() < 1e-12);
        // A gain of 1 is allowed for a value of share p up to 1/e: a has 0.3.
        assert_eq!(mixed.enhanced, mixed.beta);
        assert_eq!((same.distinct, same.alpha, same.recursive), (1, 1.0, [f64::INFINITY; 3]));
        // d has half of the table: a gain of 1 exceeds ln 2 = 0.69.
        assert_eq!((same.beta, same.enhanced), (1.0, f64::INFINITY));
    }

    proptest! {
        #[test]
        fn laws_of_diversity(rows in prop::collection::vec((0_u32..4, 0_u32..6), 1..60)) {
            let (groups, sensitive): (Vec<u32>, Vec<u32>) = rows.iter().copied().unzip();
            let levels = sensitive.iter().max().map_or(1, |&most| most + 1);
            let rank: Vec<f64> = (0..levels).map(f64::from).collect();
            let tree = Tree { levels: vec![(0..levels).map(|code| code / 2).collect(), vec![0; levels as usize]] };
            let values = values(&groups, &sensitive);
            let n: u64 = values.total().iter().sum();
            for (class, told) in of_each(&values, Some(&rank), Some(&tree)).into_iter().enumerate() {
                let (ordered, hierarchical) = (told.ordered.unwrap(), told.hierarchical.unwrap());
                prop_assert!(told.distinct as f64 >= told.entropy - 1e-9 && told.entropy >= 1.0 - 1e-9);
                prop_assert!(told.equal <= 1.0 && (-1e-12..=told.equal + 1e-9).contains(&ordered));
                prop_assert!((-1e-12..=told.equal + 1e-9).contains(&hierarchical));
                prop_assert!(told.enhanced >= told.beta);
                // The ordered distance as its definition adds it up.
                let counts: Vec<(u32, u32)> = values.class(class).collect();
                let size: u32 = counts.iter().map(|&(_, count)| count).sum();
                let (mut sum, mut run, mut present) = (0.0, 0.0_f64, 0);
                let (mut whole, mut flat) = (0.0, 0.0);
                for code in 0..levels {
                    let p = values.total()[code as usize] as f64 / n as f64;
                    let q = counts.iter().find(|&&(c, _)| c == code).map_or(0.0, |&(_, count)| f64::from(count) / f64::from(size));
                    if p > 0.0 {
                        present += 1;
                        run += q - p;
                        sum += run.abs();
                    }
                    flat += (q - p).abs() / 2.0;
                    whole += q;
                }
                prop_assert!((whole - 1.0_f64).abs() < 1e-9 && (told.equal - flat).abs() < 1e-9);
                let expected = if present < 2 { 0.0 } else { sum / f64::from(present - 1) };
                prop_assert!((ordered - expected).abs() < 1e-9, "{} is not {}", ordered, expected);
                // No gain exactly where the class is like the table.
                prop_assert_eq!(told.beta < 1e-12, told.equal < 1e-12);
            }
        }
    }
}
