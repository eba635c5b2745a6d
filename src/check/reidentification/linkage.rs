//! # What it measures
//! Whether people can be found in the data by linking another file to it: the share of people whose record an attacker picks
//! out as the best match, and how many links the attacker can claim with how many of them right.
//!
//! # Who could do this
//! Anybody who has a file with some of the same columns (a register, a payer's or another hospital's file, what is known of
//! friends) and gets the data. The file may have errors, gaps and people who are not in the data.
//!
//! # How
//! Probabilistic record linkage. Every pair of a record of the attacker's file and one of the data is compared column by column
//! (equal, similar, close, different; a missing cell says nothing), and weighed by how much more often the same person
//! agrees like this than two strangers do. Both are learned from the files themselves, without any true link: u from
//! random pairs, m by expectation and maximisation on the counts of patterns; agreement on a rare value weighs more. Where
//! nothing can be learned (no pattern would more likely than not be a match) the attacker expects that nine in ten columns
//! agree. Links are claimed one to one, largest weight first, where the probability reaches the threshold.
//! With a file under `[threats.NAME] auxiliary` that file is linked; the column named by `truth` is used for scoring alone.
//! Without one it is a rehearsal: the attacker's file is a random sample of members, one record per person, with a share of the
//! cells missing and a share of the others wrong, and of people who are not in the data. People are drawn and counted, not
//! records. Where more pairs than `pairs` would be compared, fewer people are drawn (200 at least), and then only pairs that
//! agree on a key are compared.
//!
//! # Reading the number
//! 0.5: half of the people whom the attacker knows are found by taking the best match. Beside it stand chance (one in the
//! number of people) and an exact join on all columns, which needs no method at all; of its matches a careful attacker claims
//! those that are alone on both sides. Pairs are counted by the number of columns that agree (equal; texts of Jaro-Winkler
//! similarity 0.92, dates and numbers mistyped, numbers close): where strangers and matches are apart, few pairs lie between.
//! Linkage is the demonstration for which k is the bound: in data of k-anonymity 11 nobody is found more often than about once in
//! eleven tries.
//!
//! # When it misleads
//! Too low where the attacker knows more columns, has fewer errors, or knows which columns are wrong; where people are left
//! unreached by blocking; where columns depend on each other (the weights add up as if they did not). Too high where
//! attackers have more errors than the rehearsal, know people who are less alike those at hand, or face a population with
//! many more people who are not in the data than the share that was mixed in. A rehearsal shows what somebody can do with the declared
//! columns; it does not show that such a file exists.
//!
//! # Cost
//! Pairs compared (20 million at most by default) times columns, twice; similarities once per pair of distinct values.
//!
//! # References
//! Fellegi and Sunter, JASA 1969; Jaro, JASA 1989; Winkler 1990; Enamorado, Fifield and Imai, American Political Science
//! Review 2019; Linacre et al. (Splink), International Journal of Population Data Science 2022; Wilson, JASA 1927.

use serde::{Deserialize, Deserializer};

use super::attacker::{AttackerFile, people_of};
use super::fields::{Comparing, Rates};
use super::found::{self, Attempt};
use super::pairing;
use crate::check::settings::{between, within};
use crate::check::{Check, CheckError, CheckMeta, Need, Output, Subject};
use crate::data::{Split, Table, ThreatModel};
use crate::finding::{Family, Finding};
use crate::linkage::{Field, link};
use crate::seed::Seed;
use crate::watch::{Event, Watch};

pub(in crate::check) static META: CheckMeta = CheckMeta {
    id: found::CHECK,
    title: "Linkage attack",
    family: Family::Reidentification,
    measures: &[found::FOUND, found::CLAIMED, found::PRECISION],
    source: include_str!("linkage.rs"),
};

/// The check.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Linkage {
    /// Most people of the data (of an auxiliary file: people) in the attacker's file; at least 1.
    #[serde(deserialize_with = "within::<1, 1_000_000_000, _>")]
    people: usize,
    /// Share of the attacker's file that is people who are not in the data, in a rehearsal.
    #[serde(deserialize_with = "share")]
    others: f64,
    /// Share of its cells that are missing, in a rehearsal.
    #[serde(deserialize_with = "share")]
    missing: f64,
    /// Share of its other cells that are wrong, in a rehearsal.
    #[serde(deserialize_with = "share")]
    error: f64,
    /// Least probability of a link that is claimed.
    #[serde(deserialize_with = "share")]
    threshold: f64,
    /// Most pairs that are compared.
    #[serde(deserialize_with = "within::<1, 1_000_000_000, _>")]
    pairs: usize,
    /// Keys: lists of columns of which all must agree before a pair is compared. Without any they are chosen where needed.
    block: Vec<Vec<String>>,
}

impl Default for Linkage {
    fn default() -> Self {
        Self {
            people: 1000,
            others: 0.5,
            missing: 0.05,
            error: 0.05,
            threshold: 0.9,
            pairs: 20_000_000,
            block: Vec::new(),
        }
    }
}

fn share<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    between(deserializer, 0.0, 0.99)
}

impl Check for Linkage {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Data, Need::Table, Need::QuasiIdentifiers]
    }

    fn run(&self, subject: &Subject<'_>, watch: &dyn Watch) -> Result<Output, CheckError> {
        let Some(split) = subject.split else { return Ok(Output::default()) };
        self.known_columns(split)?;
        let seed = subject.seed.derive(META.id);
        let total = split.schema.quasi_identifiers.len() as u64;
        let mut findings = Vec::new();
        for (done, (threat, auxiliary)) in split.linked().enumerate() {
            findings.extend(self.attack(split, threat, auxiliary, seed.derive(&threat.name)));
            watch.on(&Event::Progress { step: META.id, done: done as u64 + 1, total });
        }
        Ok(findings.into())
    }
}

impl Linkage {
    /// Keys may name quasi-identifiers only.
    fn known_columns(&self, split: &Split) -> Result<(), CheckError> {
        let known = |name: &String| split.schema.quasi_identifiers.iter().any(|threat| threat.columns.contains(name));
        match self.block.iter().flatten().find(|name| !known(name)) {
            None => Ok(()),
            Some(name) => Err(CheckError::NotApplicable {
                reason: format!("`block` names the column `{name}`, which is no quasi-identifier"),
                remedy: "list quasi-identifiers in each key of `block`".to_owned(),
            }),
        }
    }

    /// Links one attacker's file to the data.
    fn attack(&self, split: &Split, threat: &ThreatModel, auxiliary: Option<&Table>, seed: Seed) -> Vec<Finding> {
        let Some(members) = split.members.table() else { return Vec::new() };
        let data: Option<Vec<_>> =
            threat.columns.iter().map(|name| members.column(name).map(|column| &column.cells)).collect();
        let Some(data) = data else { return Vec::new() };
        let comparing: Vec<Comparing> = data.iter().map(|cells| Comparing::of(cells)).collect();
        if data.len() > crate::linkage::MOST_FIELDS {
            return vec![found::too_many_columns(threat)];
        }
        let most = pairing::most_people(members.rows(), self.pairs);
        let file = if let Some(table) = auxiliary {
            AttackerFile::given(split, threat, table, self.people.min(most), seed)
        } else {
            AttackerFile::rehearsed(split, threat, &comparing, self.drawn(most), self.rates(), seed)
        };
        let Some(file) = file else { return Vec::new() };
        let sides = comparing.iter().zip(file.columns.iter().zip(&data));
        let fields: Vec<Field> = sides.map(|(comparing, (attacker, data))| comparing.field(attacker, data)).collect();
        let keys = self.block.iter().filter_map(|key| {
            key.iter().map(|name| threat.columns.iter().position(|column| column == name)).collect::<Option<Vec<_>>>()
        });
        let blocking = match pairing::choose(&fields, &keys.collect::<Vec<_>>(), self.pairs as u64) {
            Ok(blocking) => blocking,
            Err(pairs) => return vec![found::too_many_pairs(threat, pairs, self.pairs)],
        };
        let people = people_of(&split.members);
        let links = link(&fields, &blocking, &people, seed.derive("link"));
        let joined = pairing::exact_join(&fields, &people, seed.derive("join"));
        let attempt = Attempt {
            threat,
            file: &file,
            links: &links,
            joined: &joined,
            people: split.members.people(),
            comparing: &comparing,
            keys: &blocking.keys(),
            threshold: self.threshold,
            rates: auxiliary.is_none().then(|| self.rates()),
        };
        attempt.findings()
    }

    /// People of the data and others in a rehearsal of at most so many people.
    fn drawn(&self, most: usize) -> (usize, usize) {
        let total = (self.people as f64 / (1.0 - self.others)).min(most as f64);
        let known = (total * (1.0 - self.others)).round() as usize;
        (known.max(1), (total * self.others).round() as usize)
    }

    fn rates(&self) -> Rates {
        Rates { missing: self.missing, error: self.error }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::specimen::{Case, Specimen, integers};
    use crate::data::Schema;
    use crate::finding::{Evidence, Severity, Unit};

    fn table(columns: &[(&str, Vec<u32>)]) -> Table {
        Table::new(columns.iter().map(|(name, values)| integers(name, values)).collect())
    }

    fn case(columns: &[(&str, Vec<u32>)], schema: Schema) -> Case {
        let table = || table(columns);
        let names: Vec<&str> = columns.iter().map(|(name, _)| *name).filter(|name| *name != "patient").collect();
        let schema = Schema { quasi_identifiers: vec![ThreatModel::of("", &names)], ..schema };
        Case::tables(table(), table(), schema)
    }

    impl Specimen for Linkage {
        const MEASURE: &'static str = found::FOUND;

        /// Everybody is alike: the best match is a random person.
        fn null(_seed: u64) -> (Case, f64) {
            (case(&[("q", vec![1; 150]), ("r", vec![2; 150])], Schema::default()), 1.0 / 150.0)
        }

        /// Everybody stands alone in two columns.
        fn leaky() -> Case {
            let columns = |rows: std::ops::Range<u32>| {
                let own = rows.clone().map(|row| row * 7 % 2111).collect();
                [("q", own), ("r", rows.map(|row| row * 7919 % 3001).collect())]
            };
            let schema = Schema { quasi_identifiers: vec![ThreatModel::of("", &["q", "r"])], ..Schema::default() };
            Case::tables(table(&columns(0..300)), table(&columns(300..600)), schema)
        }

        /// Twenty groups of equal size: who has the right group picks one of its people. 95 % of the cells are there, 95 % of those
        /// are right, and a wrong one is the right one again one time in 20.
        fn graded(seed: u64) -> (Case, f64) {
            let size = 2 + seed as usize % 10;
            let groups: Vec<u32> = (0..20 * size).map(|row| row as u32 % 20).collect();
            let right = 0.95 * (0.95 + 0.05 / 20.0) / size as f64 + 0.05 / (20 * size) as f64;
            (case(&[("q", groups)], Schema::default()), right)
        }
    }

    #[test]
    fn claims_are_made_and_scored() {
        let findings = Linkage::leaky().run(&Linkage::default(), 1);
        let value = |measure: &str| findings.iter().find(|f| f.measure == measure).and_then(|f| f.estimate).unwrap();
        assert_eq!(value(found::FOUND).n, 300, "people of the data, without the others");
        assert!(value(found::FOUND).value > 0.95, "two columns repair each other's errors");
        let exact = findings[0].baseline.as_ref().unwrap().estimate.value;
        // Both cells are there and right: (0.95 x 0.95)^2 = 0.8145.
        assert!((exact - 0.8145).abs() < 0.07, "{exact}");
        assert!(value(found::CLAIMED).value > 0.8 && value(found::PRECISION).value > 0.85);
        assert_eq!(findings[0].severity, Severity::VeryHigh);
        // The others' values are of other people, so that the matches of an exact join are all single.
        let table = |caption: &str| {
            let of =
                |evidence: &&Evidence| matches!(evidence, Evidence::Table(table) if table.caption.starts_with(caption));
            let Some(Evidence::Table(table)) = findings[0].evidence.iter().find(of) else {
                panic!("no table {caption}")
            };
            table.rows.clone()
        };
        let cell =
            |row: &str| table("What").into_iter().find(|cells| cells[0].starts_with(row)).expect("a row")[2].clone();
        assert_eq!(cell("exact join, single matches only: people"), Unit::Share.show(exact));
        // All pairs of 600 records and 300, most of strangers.
        let pairs = table("Pairs compared");
        assert_eq!(pairs.iter().map(|cells| cells[0].as_str()).collect::<Vec<_>>(), ["2", "1", "0"]);
        assert_eq!((pairs[2][2].as_str(), pairs[0][1].parse::<usize>().is_ok()), ("0", true), "{pairs:?}");
    }

    /// Five people of the data: neither a share, nor the number of pairs, nor an interval tells that they are five.
    #[test]
    fn few_known_people_give_no_number() {
        let findings = Linkage::leaky().run(&Linkage { people: 5, ..Linkage::default() }, 1);
        let [finding] = findings.as_slice() else { panic!("one finding") };
        assert!(
            finding.estimate.is_none() && matches!(finding.standing, crate::finding::Standing::Insufficient { .. })
        );
        let settings: Vec<&str> = finding.settings.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(settings, ["quasi-identifiers"]);
        assert_eq!(finding.evidence.len(), 1, "the weights of the columns");
    }

    /// One patient with many records is one person: found by any of them, counted once.
    #[test]
    fn patients_are_counted_not_records() {
        let patients: Vec<u32> = (0..200).map(|row| if row < 100 { 0 } else { row }).collect();
        let values: Vec<u32> = patients.iter().map(|patient| patient * 13).collect();
        let schema = Schema { patient: Some("patient".to_owned()), ..Schema::default() };
        let case = case(&[("patient", patients), ("q", values)], schema);
        let findings = case.run(&Linkage::default(), 1);
        assert_eq!(findings[0].estimate.unwrap().n, 101);
        assert_eq!(findings[0].null_value, Some(1.0 / 101.0));
    }

    #[test]
    fn a_budget_is_kept_by_fewer_people_and_then_by_blocks() {
        let settings = |pairs: usize| Linkage { pairs, ..Linkage::default() };
        let setting = |finding: &Finding, name: &str| {
            finding.settings.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap()
        };
        let case = Linkage::leaky();
        let small = case.run(&settings(70_000), 1);
        assert_eq!(small[0].estimate.unwrap().n, 117, "half of 70,000 / 300");
        let blocked = case.run(&settings(20_000), 1);
        assert_eq!(blocked[0].estimate.unwrap().n, 100, "half of the 200 that are always drawn");
        assert!(setting(&blocked[0], "compared").contains("agree on"), "{:?}", blocked[0].settings);
        // Everybody is alike: no key helps, and the check says so.
        let refused = Linkage::null(1).0.run(&settings(10_000), 1);
        assert!(refused[0].estimate.is_none() && !refused[0].standing.supports_claim());
    }

    #[test]
    fn settings_are_checked() {
        for wrong in ["error = 1.5", "people = 0", "threshold = -0.1", "who = 1"] {
            assert!(toml::from_str::<Linkage>(wrong).is_err(), "{wrong}");
        }
        let keyed = Linkage { block: vec![vec!["none".to_owned()]], ..Linkage::default() };
        assert!(matches!(Linkage::leaky().refused(&keyed, 1), CheckError::NotApplicable { .. }));
    }
}
