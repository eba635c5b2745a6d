//! # What it measures
//! The risk that a record is re-identified, by the attacker of each threat model: prosecutor, journalist or marketer, times
//! the probability that an attack is tried at all; the share of records in groups that are too small; and, where the plan
//! names a register of the population, k-map and delta-presence; where it names margins of it (`population = { margins =
//! "census.csv" }`), an estimate of k-map and of the records that are unique in the population.
//!
//! # Who could do this
//! Prosecutor: somebody who knows that a certain person is in the data and knows the person's quasi-identifiers.
//! Journalist: somebody who knows a person of the population, not whether they are in the data. Marketer: somebody who
//! wants to re-identify as many records as possible.
//!
//! # How
//! With f people of the data and F of the population in a group: the prosecutor's largest risk is 1 / smallest f, the
//! journalist's 1 / smallest F, and the marketer re-identifies the mean over records of 1 / F. All averages are over records,
//! not over groups. F comes from the register of the population where the plan names one; a group of the data that the
//! register does not have is counted, warned of, and taken as F = f. Without a register both files together stand for the
//! population, which gives an upper bound. Margins count people over some of the columns (ZIP3 by age, age by sex); iterative
//! proportional fitting makes of them the table that has these totals and no dependence besides, and the F of a group is its f
//! and a Poisson number of others (Skinner and Shlomo); intervals are those of this law. k-map is the smallest F; delta-presence the largest f / F. The threshold is a
//! whole number of people (setting `smallest`, default 11), not a risk: rules that say 0.09 mean 1/11, which is above 0.09
//! and would be missed by one person. A missing cell is a value of its own, which never makes a group larger.
//!
//! # Reading the number
//! A risk of 1/11 = 0.09 is the usual limit for data that anybody may get, 1/5 to 1/3 for recipients bound by contract.
//! Distinction is groups per record, separation the share of pairs of records that can be told apart. A delta-presence of 1
//! says: whoever is in that group of the population is known to be in the data.
//!
//! # When it misleads
//! Too low: when the attacker knows more columns than the threat model lists, or the register holds people who cannot be in
//! the data, or the columns depend on each other in ways that no margin shows. Too high: when the register is incomplete, or values differ between register and data by error or time. The
//! probability of an attempt is an assumption of the plan, not a measurement.
//!
//! # Cost
//! One pass over the data, and one over the register.
//!
//! # References
//! El Emam, "Guide to the De-Identification of Personal Health Information" (2013); El Emam and Dankar, J Am Med Inform Assoc
//! 15 (2008) for k-map; Nergiz, Atzori and Clifton, SIGMOD 2007, for delta-presence; Motwani and Xu, ICDE 2007 for
//! distinction and separation; Prasser et al., ARX; Deming and Stephan, Annals of Mathematical Statistics 11 (1940) for the
//! fitting; Skinner and Shlomo, JASA 103 (2008).

use serde::Deserialize;

use super::margins::Estimated;
use super::population::{Beside, Journalist};
use super::{Apart, Grouped, STEPS, counted, rounded_down, severity_among, told};
use crate::check::settings::within;
use crate::check::{Check, CheckError, CheckMeta, Need, Output, Subject};
use crate::data::{Attacker, Population, Split, Table as Data};
use crate::finding::{Count, Evidence, Family, Finding, Severity, Table, Unit, part_of, share_of};
use crate::stats::Estimate;
use crate::watch::Watch;

pub(in crate::check) static META: CheckMeta = CheckMeta {
    id: "reidentification/record-risk",
    title: "Risk of re-identification",
    family: Family::Reidentification,
    measures: &[
        "reidentification/attacker-risk",
        "reidentification/records-at-risk",
        "reidentification/k-map",
        "reidentification/presence",
        "reidentification/population-unique-records",
    ],
    source: include_str!("record_risk.rs"),
};

/// The check.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RecordRisk {
    /// Groups of fewer people are too small; at least 2.
    #[serde(deserialize_with = "within::<2, 1_000_000, _>")]
    pub smallest: usize,
}

impl Default for RecordRisk {
    fn default() -> Self {
        Self { smallest: 11 }
    }
}

impl Check for RecordRisk {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Data, Need::Table, Need::QuasiIdentifiers]
    }

    fn run(&self, subject: &Subject<'_>, watch: &dyn Watch) -> Result<Output, CheckError> {
        let Some(split) = subject.split else { return Ok(Output::default()) };
        let registers = split.threats().map(|(_, register)| register);
        let all = Grouped::all(split);
        let mut findings = Vec::new();
        for (grouped, register) in all.iter().zip(registers).take_while(|_| !watch.stops()) {
            findings.extend(Facing::of(split, grouped, register, self.smallest)?.findings());
        }
        Ok(findings.into())
    }
}

/// A threat model and what its attackers face.
struct Facing<'a> {
    grouped: &'a Grouped<'a>,
    smallest: usize,
    /// The register's side of it, where there is one.
    register: Option<Beside>,
    /// What margins let expect, where there are any.
    estimated: Option<Estimated>,
    /// People of the population per class of the members.
    population: Vec<u64>,
    journalist: Journalist,
}

impl<'a> Facing<'a> {
    fn of(split: &Split, grouped: &'a Grouped<'a>, known: Option<&Data>, smallest: usize) -> Result<Self, CheckError> {
        let tables = (split.members.table(), split.nonmembers.table());
        let (mut register, mut estimated) = (None, None);
        match (tables.0, known, &grouped.threat.population) {
            (Some(members), Some(margins), Some(Population::Margins(file))) => {
                estimated = Some(Estimated::of(grouped, members, margins, file)?);
            }
            (Some(members), Some(people), _) => {
                register = Some(Beside::of(grouped, members, people, split.schema.patient.as_deref()));
            }
            _ => {}
        }
        let population = match (&register, &estimated, tables) {
            (Some(register), ..) => register.population.clone(),
            (None, Some(estimated), _) => {
                estimated.groups.iter().map(|group| u64::from(group.seen) + group.unseen.round() as u64).collect()
            }
            (None, None, (Some(members), Some(others))) => {
                let people = split.members.groups.as_deref().zip(split.nonmembers.groups.as_deref());
                let people = people.map(|(a, b)| [a, b].concat());
                Beside::of_both_files(grouped, members, others, people.as_deref())
            }
            _ => grouped.classes.sizes().iter().map(|&size| u64::from(size)).collect(),
        };
        let mut journalist = Journalist::of(grouped, &population);
        if let Some(estimated) = &estimated {
            journalist.k_map = estimated.k_map(grouped.records()).value as u64;
            journalist.marketer = estimated.marketer().value;
        }
        Ok(Self { grouped, smallest, register, estimated, population, journalist })
    }

    fn findings(&self) -> Vec<Finding> {
        let mut findings = vec![self.attacker_risk(), self.records_at_risk()];
        if self.register.is_some() {
            findings.extend([self.k_map(), self.presence()]);
        }
        if let Some(estimated) = &self.estimated {
            findings.extend([self.k_map(), self.unique(estimated)]);
        }
        for finding in &mut findings {
            finding.settings.extend(self.settings());
            finding.limits.extend(self.warnings());
        }
        findings
    }

    fn finding(&self, measure: &str, unit: Unit, value: f64) -> Finding {
        let estimate = Estimate::exact(value, self.grouped.records());
        counted(META.id, measure, &self.grouped.threat.name, unit, estimate)
    }

    /// What the population is made of.
    fn stand_in(&self) -> &'static str {
        match (&self.register, &self.estimated) {
            (Some(_), _) => "the register of the population",
            (None, Some(_)) => "a population estimated from margins",
            (None, None) => "both files as population",
        }
    }

    fn attacker_risk(&self) -> Finding {
        let threat = self.grouped.threat;
        let (risk, what) = match threat.attacker {
            Attacker::Prosecutor => (1.0 / self.grouped.k().max(1) as f64, "the most exposed person".to_owned()),
            Attacker::Journalist => {
                (1.0 / self.journalist.k_map.max(1) as f64, format!("the most exposed person, {}", self.stand_in()))
            }
            Attacker::Marketer => (self.journalist.marketer, format!("an average record, {}", self.stand_in())),
        };
        let judged = risk * threat.attempt;
        let mut finding = self.finding("reidentification/attacker-risk", Unit::Share, judged);
        let tried = match threat.attempt {
            1.0 => String::new(),
            attempt => format!(", counting that {} of such recipients would try", Unit::Share.show(attempt)),
        };
        finding.sentence = format!(
            "A {} would re-identify {what} with a risk of {}{tried}.",
            threat.attacker,
            Unit::Share.show(judged)
        );
        finding.severity = severity_among(1.0 / judged);
        if let Some(risk) = self.expected_risk() {
            let tried = |risk: f64| risk * threat.attempt;
            finding.estimate = Some(Estimate { value: judged, low: tried(risk.low), high: tried(risk.high), ..risk });
        }
        finding.evidence = vec![self.risks()];
        finding
    }

    /// The risk of an attacker who does not know who is in the data, where margins say what to expect.
    fn expected_risk(&self) -> Option<Estimate> {
        let estimated = self.estimated.as_ref()?;
        match self.grouped.threat.attacker {
            Attacker::Prosecutor => None,
            Attacker::Journalist => {
                let k = estimated.k_map(self.grouped.records());
                Some(Estimate { value: 1.0 / k.value, low: 1.0 / k.high, high: 1.0 / k.low, ..k })
            }
            Attacker::Marketer => Some(estimated.marketer()),
        }
    }

    fn risks(&self) -> Evidence {
        let (threat, journalist) = (self.grouped.threat, &self.journalist);
        let risk = |value: f64| format!("{value:.4}");
        let row = |who: String, highest: f64, average: f64| {
            vec![who, risk(highest), risk(average), risk(highest * threat.attempt), risk(average * threat.attempt)]
        };
        let (grouped, n) = (self.grouped, self.grouped.records());
        // The mean risk of records is the number of groups by that of records, from which a count that is withheld may follow.
        let mut prosecutor = row("prosecutor".to_owned(), 1.0 / grouped.k().max(1) as f64, grouped.average_risk());
        if !told(STEPS.map(|step| grouped.below(step)), n) {
            let least = |risk: f64| {
                rounded_down(risk, n).map_or(Count::Hidden.to_string(), |least| format!("at least {least:.2}"))
            };
            (prosecutor[2], prosecutor[4]) =
                (least(grouped.average_risk()), least(grouped.average_risk() * threat.attempt));
        }
        let highest = 1.0 / journalist.k_map.max(1) as f64;
        let rows = vec![
            prosecutor,
            row(format!("journalist ({})", self.stand_in()), highest, journalist.average()),
            row(format!("marketer ({})", self.stand_in()), journalist.marketer, journalist.marketer),
        ];
        Evidence::Table(Table {
            caption: "Risk by attacker; the last two columns times the probability of an attempt".to_owned(),
            columns: ["attacker", "highest", "average over records", "highest, if tried", "average, if tried"]
                .map(str::to_owned)
                .to_vec(),
            rows,
        })
    }

    fn records_at_risk(&self) -> Finding {
        let (grouped, n) = (self.grouped, self.grouped.records());
        let at_risk = match grouped.threat.attacker {
            Attacker::Prosecutor => grouped.below(self.smallest),
            Attacker::Journalist | Attacker::Marketer => self.small_in_population(self.smallest),
        };
        let mut finding = self.finding("reidentification/records-at-risk", Unit::Share, 0.0);
        let estimated = self.estimated.as_ref().filter(|_| grouped.threat.attacker != Attacker::Prosecutor);
        let estimate = estimated.map_or_else(|| share_of(at_risk, n), |estimated| estimated.below(self.smallest));
        finding.estimate = Some(estimate);
        finding.sentence = if estimated.is_some() {
            format!(
                "{} of the records are expected to be in groups of fewer than {} people of the population.",
                Unit::Share.show(estimate.value),
                self.smallest
            )
        } else {
            format!("{} records are in groups of fewer than {} people.", part_of(at_risk, n), self.smallest)
        };
        let share = if estimated.is_some() { estimate.value } else { at_risk as f64 / n.max(1) as f64 };
        finding.severity = Severity::on_scale(share, [0.0, 0.01, 0.05, 0.2]);
        let mut apart = Apart::of(n);
        apart.text(at_risk);
        let data = STEPS.map(|step| apart.text(grouped.below(step)));
        let population = STEPS.map(|step| apart.text(self.small_in_population(step)));
        let rows = STEPS.iter().zip(data).zip(population).map(|((step, data), population)| {
            vec![format!("fewer than {step} people (risk above 1/{step})"), data, population]
        });
        finding.evidence = vec![Evidence::Table(Table {
            caption: "Records in groups that are too small".to_owned(),
            columns: vec!["group".to_owned(), "in the data".to_owned(), format!("in {}", self.stand_in())],
            rows: rows.collect(),
        })];
        finding
    }

    /// Records whose group in the population is smaller than `size`.
    fn small_in_population(&self, size: usize) -> usize {
        self.grouped.counted(|class| self.population[class] < size as u64)
    }

    fn k_map(&self) -> Finding {
        let k = self.journalist.k_map;
        let mut finding = self.finding("reidentification/k-map", Unit::People, k as f64);
        finding.sentence = format!("The smallest group of the population that a record points to has {k}.");
        finding.severity = severity_among(k as f64);
        if let Some(estimated) = &self.estimated {
            let estimate = estimated.k_map(self.grouped.records());
            finding.sentence = format!(
                "The smallest group of the population that a record points to is estimated to have {k} ({}).",
                Unit::People.show_interval(&estimate)
            );
            finding.estimate = Some(estimate);
        }
        finding
    }

    /// Records whose person is expected to be the only one of the population with their quasi-identifiers.
    fn unique(&self, estimated: &Estimated) -> Finding {
        let estimate = estimated.below(2);
        let mut finding = self.finding("reidentification/population-unique-records", Unit::Share, estimate.value);
        finding.sentence = format!(
            "{} of the records are expected to be the only ones of the population with their quasi-identifiers ({}).",
            Unit::Share.show(estimate.value),
            Unit::Share.show_interval(&estimate)
        );
        finding.severity = Severity::on_scale(estimate.value, [0.0, 0.0004, 0.01, 0.05]);
        finding.null_value = Some(0.0);
        finding.estimate = Some(estimate);
        finding
    }

    fn presence(&self) -> Finding {
        let (least, most) = self.journalist.presence;
        let mut finding = self.finding("reidentification/presence", Unit::Share, most);
        finding.sentence = format!(
            "Whoever is in the most exposed group of the population is in the data with a probability of {}.",
            Unit::Share.show(most)
        );
        finding.severity = Severity::on_scale(most, [0.05, 0.2, 0.5, 0.8]);
        let least = if self.register.as_ref().is_some_and(|register| register.unseen > 0) { 0.0 } else { least };
        finding.settings = vec![("delta-presence".to_owned(), format!("from {least:.6} to {most:.6}"))];
        finding
    }

    fn settings(&self) -> Vec<(String, String)> {
        let (grouped, threat) = (self.grouped, self.grouped.threat);
        let records = grouped.classes.histogram();
        let mut settings = vec![
            ("quasi-identifiers".to_owned(), threat.columns.join(", ")),
            ("attacker".to_owned(), threat.attacker.to_string()),
            ("probability of an attempt".to_owned(), threat.attempt.to_string()),
            ("smallest group".to_owned(), self.smallest.to_string()),
            ("distinction (groups per record)".to_owned(), format!("{:.6}", records.distinction())),
            ("separation (pairs of records told apart)".to_owned(), format!("{:.6}", records.separation())),
        ];
        if grouped.people.is_some() {
            let rows = records.smallest();
            settings.push(("smallest group in rows, not people".to_owned(), rows.to_string()));
        }
        settings.extend(threat.recipient.iter().map(|recipient| ("recipient".to_owned(), recipient.clone())));
        let population = match &threat.population {
            Some(Population::Size(size)) => Some(format!("{size} people")),
            Some(Population::Fraction(fraction)) => {
                Some(format!("{} of it is in the data", Unit::Share.show(*fraction)))
            }
            Some(Population::Register(_)) => Some("a register".to_owned()),
            Some(Population::Margins(_)) => {
                self.estimated.as_ref().map(|estimated| format!("margins of {:.0} people", estimated.people))
            }
            None => None,
        };
        settings.extend(population.map(|population| ("population".to_owned(), population)));
        settings
    }

    fn warnings(&self) -> Vec<String> {
        if let Some(estimated) = &self.estimated {
            return self.assumptions(estimated);
        }
        let Some(register) = &self.register else {
            return vec![
                "No register of the population is named: both files together stand for it, so journalist and marketer risk \
                 are upper bounds."
                    .to_owned(),
            ];
        };
        let mut warnings = Vec::new();
        if !register.people {
            warnings.push(match self.grouped.people {
                Some(_) => {
                    "The register lacks the patient column, so every row of it counts as a person: people with several rows \
                     make groups of the population too large and the risk too low."
                        .to_owned()
                }
                None => "Every row of the register counts as a person.".to_owned(),
            });
        }
        if register.missing > 0 {
            warnings.push(format!(
                "{} records share their quasi-identifiers with nobody of the register; their group in the population is taken \
                 to be their group in the data. The register is incomplete, or its values are written another way.",
                part_of(register.missing_records, self.grouped.records())
            ));
        }
        if register.too_small > 0 {
            warnings.push(format!(
                "{} groups have more people in the data than in the register; they are taken to be as large as in the data.",
                Count::of(register.too_small)
            ));
        }
        warnings
    }

    fn assumptions(&self, estimated: &Estimated) -> Vec<String> {
        let mut assumptions = vec![
            "The population is an estimate: people are spread over the quasi-identifiers as the margins say and independently \
             beyond that, and the records are a simple random sample of them. Where the columns depend on each other in ways \
             that no margin shows, groups are smaller than estimated and the risk is higher; the intervals do not cover this."
                .to_owned(),
        ];
        if estimated.missing_records > 0 {
            assumptions.push(format!(
                "{} records have a combination in which the margins leave nobody, or a missing cell; their group in the \
                 population is taken to be their group in the data.",
                part_of(estimated.missing_records, self.grouped.records())
            ));
        }
        assumptions
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::check::specimen::{Case, Specimen, integers};
    use crate::data::{Schema, ThreatModel};

    fn values(sizes: &[usize]) -> Vec<u32> {
        sizes.iter().enumerate().flat_map(|(value, &size)| std::iter::repeat_n(value as u32, size)).collect()
    }

    fn case(sizes: &[usize], threat: ThreatModel, register: Option<&[usize]>) -> Case {
        let table = |sizes: &[usize]| Data::new(vec![integers("q", &values(sizes))]);
        let schema = Schema { quasi_identifiers: vec![threat], ..Schema::default() };
        let mut case = Case::tables(table(sizes), table(sizes), schema);
        case.split.registers = vec![register.map(|sizes| Arc::new(table(sizes)))];
        case
    }

    fn prosecutor() -> ThreatModel {
        ThreatModel::of("", &["q"])
    }

    impl Specimen for RecordRisk {
        const MEASURE: &'static str = "reidentification/attacker-risk";

        fn null(seed: u64) -> (Case, f64) {
            let size = 50 + seed as usize;
            (case(&[size; 4], prosecutor(), None), 1.0 / size as f64)
        }

        fn leaky() -> Case {
            case(&[1; 40], prosecutor(), None)
        }

        fn graded(seed: u64) -> (Case, f64) {
            let k = 1 + seed as usize % 13;
            let threat = ThreatModel { attempt: 0.25, ..prosecutor() };
            (case(&[30, k + 5, k, 44], threat, None), 0.25 / k as f64)
        }
    }

    fn value(findings: &[Finding], measure: &str) -> f64 {
        let found = findings.iter().find(|finding| finding.measure.ends_with(measure)).expect("measured");
        found.estimate.expect("a number").value
    }

    /// Two of four, three of thirty, one of one: 1/4, 1/30 and 1 for the journalist; (2/4 + 3/30 + 1/1) / 6 for the marketer.
    #[test]
    fn a_register_by_hand() {
        let journalist = ThreatModel { attacker: Attacker::Journalist, ..prosecutor() };
        let run = |threat: &ThreatModel, sizes: &[usize], register: &[usize]| {
            case(sizes, threat.clone(), Some(register)).run(&RecordRisk::default(), 1)
        };
        let found = run(&journalist, &[2, 3, 1], &[4, 30, 1, 9]);
        assert_eq!(value(&found, "attacker-risk"), 1.0);
        assert_eq!(value(&found, "k-map"), 1.0);
        assert_eq!(value(&found, "presence"), 1.0);
        let marketer = ThreatModel { attacker: Attacker::Marketer, ..prosecutor() };
        let found = run(&marketer, &[2, 3, 1], &[4, 30, 1, 9]);
        assert!((value(&found, "attacker-risk") - 1.6 / 6.0).abs() < 1e-12);
        // A register without the last class: its people are taken from the data, and the reader is told.
        let found = run(&journalist, &[20, 30, 40], &[400, 300]);
        assert_eq!((value(&found, "k-map"), value(&found, "attacker-risk")), (40.0, 1.0 / 40.0));
        assert!(
            found[0].limits.iter().any(|limit| limit.starts_with("40 of 90 records share"))
                && found[0].limits.iter().any(|limit| limit.starts_with("Every row of the register")),
            "{:?}",
            found[0].limits
        );
    }

    /// Everybody is in the register with twenty rows and alone: twenty rows are no twenty people, and where the register does
    /// not say who is who the reader is told.
    #[test]
    fn rows_of_a_person_are_one_person() {
        let people: Vec<u32> = (0..60).collect();
        let twenty: Vec<u32> = (0..1200).map(|row| row / 20).collect();
        let members = || Data::new(vec![integers("pid", &people), integers("q", &people)]);
        let schema = Schema {
            patient: Some("pid".to_owned()),
            quasi_identifiers: vec![ThreatModel { attacker: Attacker::Journalist, ..prosecutor() }],
            ..Schema::default()
        };
        let run = |register: Data| {
            let mut case = Case::tables(members(), members(), schema.clone());
            case.split.registers = vec![Some(Arc::new(register))];
            case.run(&RecordRisk::default(), 1)
        };
        let found = run(Data::new(vec![integers("pid", &twenty), integers("q", &twenty)]));
        assert_eq!((value(&found, "k-map"), value(&found, "attacker-risk")), (1.0, 1.0));
        let found = run(Data::new(vec![integers("q", &twenty)]));
        assert_eq!(value(&found, "k-map"), 20.0);
        assert!(found[0].limits.iter().any(|limit| limit.contains("lacks the patient column")));
    }

    /// 30 records in groups of fewer than 11, five more of fewer than 12: one number only.
    #[test]
    fn counts_are_not_told_by_subtraction() {
        let sizes: Vec<usize> = [[1; 25].to_vec(), vec![2, 3, 40, 40]].concat();
        let found = case(&sizes, prosecutor(), None).run(&RecordRisk { smallest: 3 }, 1);
        let at_risk = found.iter().find(|finding| finding.measure.ends_with("records-at-risk")).unwrap();
        let Evidence::Table(table) = &at_risk.evidence[0] else { panic!("a table") };
        // 27 are shown as share and sentence; 25 and 30 would tell of two and of three.
        let shown: Vec<&str> = table.rows.iter().map(|row| row[1].as_str()).collect();
        assert_eq!(shown, ["withheld", "27", "withheld", "withheld"]);
    }

    #[test]
    fn settings_are_checked() {
        assert!(
            toml::from_str::<RecordRisk>("smallest = 1").is_err()
                && toml::from_str::<RecordRisk>("smallest = 2").is_ok()
        );
    }

    /// A limit of eleven people is met by eleven, and 0.09 is not a number to compare with.
    #[test]
    fn eleven_are_eleven() {
        let at = |size: usize| {
            value(&case(&[size; 9], prosecutor(), None).run(&RecordRisk::default(), 1), "records-at-risk")
        };
        assert_eq!((at(10), at(11)), (1.0, 0.0));
    }
}
