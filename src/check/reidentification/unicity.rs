//! # What it measures
//! In data with several records per person: the share of people whom a few of their own records single out, that is whom
//! nobody else in the file shares them all with (unicity).
//!
//! # Who could do this
//! Anybody who knows a few events of a person's life, for example a visit and what it was for, and can look into the data.
//!
//! # How
//! A point is a combination of quasi-identifiers on a record, for example code and date. From the distinct points of a person
//! p are drawn at random, for p from 1 to 4; the person is singled out when no other person has all of them. People
//! are counted, not records; those with fewer than p distinct points are left out for that p. The number reported is that of the
//! largest p for which at least eleven people have enough points.
//!
//! # Reading the number
//! 0 is no risk of this kind. Four points of place and hour singled out 95 % of the users of mobile phones.
//!
//! # When it misleads
//! Only the points that are declared as quasi-identifiers count; a record with a missing cell is a point of its own kind, which may
//! single out by what is missing. Points are drawn at random: somebody who knows rare events needs fewer.
//!
//! # Cost
//! People (at most `people`) times points times the people who share the rarest point.
//!
//! # References
//! de Montjoye et al., Scientific Reports 3 (2013) 1376; de Montjoye et al., Science 347 (2015) 536.

use serde::Deserialize;

use super::{Grouped, counted};
use crate::check::settings::within;
use crate::check::{Check, CheckError, CheckMeta, Need, Output, Subject};
use crate::finding::{Evidence, Family, Finding, SMALLEST_SHOWN, Severity, Table, Unit, share_of};
use crate::seed::Seed;
use crate::stats::interval::wilson;
use crate::stats::uniform::{below, shuffle};
use crate::stats::{Estimate, Level};
use crate::watch::Watch;

pub(in crate::check) static META: CheckMeta = CheckMeta {
    id: "reidentification/unicity",
    title: "Unicity of a few records",
    family: Family::Reidentification,
    measures: &["reidentification/unicity"],
    source: include_str!("unicity.rs"),
};

/// Most points that are drawn of a person.
const MOST_POINTS: usize = 4;

/// The check.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Unicity {
    /// Most people who are looked at; of more a sample is drawn.
    #[serde(deserialize_with = "within::<11, 1_000_000, _>")]
    people: usize,
}

impl Default for Unicity {
    fn default() -> Self {
        Self { people: 2_000 }
    }
}

impl Check for Unicity {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Data, Need::Table, Need::QuasiIdentifiers]
    }

    fn run(&self, subject: &Subject<'_>, _watch: &dyn Watch) -> Result<Output, CheckError> {
        let Some(split) = subject.split else { return Ok(Output::default()) };
        let Some(people) = split.members.groups.as_deref() else {
            return Err(CheckError::NotApplicable {
                reason: "every record counts as a person of its own".to_owned(),
                remedy: "name the column that says whose a record is: `[data] patient`".to_owned(),
            });
        };
        let seed = subject.seed.derive(META.id);
        let findings: Vec<Finding> = Grouped::all(split)
            .iter()
            .filter_map(|grouped| {
                self.finding(grouped, &Points::of(grouped, people), seed.derive(&grouped.threat.name))
            })
            .collect();
        if findings.is_empty() {
            return Err(CheckError::NotApplicable {
                reason: "there are fewer than eleven people".to_owned(),
                remedy: "give the records of more people".to_owned(),
            });
        }
        Ok(findings.into())
    }
}

/// Who has which points.
struct Points {
    /// The distinct points of each person, ascending.
    of_person: Vec<Vec<u32>>,
    /// The people who have a point, ascending.
    with_point: Vec<Vec<u32>>,
}

impl Points {
    fn of(grouped: &Grouped<'_>, people: &[u32]) -> Self {
        let persons = people.iter().max().map_or(0, |&last| last as usize + 1);
        let mut of_person = vec![Vec::new(); persons];
        for (&person, &point) in people.iter().zip(grouped.classes.of_record()) {
            of_person[person as usize].push(point);
        }
        let mut with_point = vec![Vec::new(); grouped.classes.count()];
        for (person, points) in of_person.iter_mut().enumerate() {
            points.sort_unstable();
            points.dedup();
            points.iter().for_each(|&point| with_point[point as usize].push(person as u32));
        }
        Self { of_person, with_point }
    }

    /// Whether nobody else has all of these points of a person.
    fn single_out(&self, points: &[u32], person: u32) -> bool {
        let rarest = points.iter().min_by_key(|&&point| self.with_point[point as usize].len());
        let Some(&rarest) = rarest else { return false };
        let has_all = |other: &u32| {
            let theirs = &self.of_person[*other as usize];
            points.iter().all(|point| theirs.binary_search(point).is_ok())
        };
        !self.with_point[rarest as usize].iter().any(|other| *other != person && has_all(other))
    }
}

impl Unicity {
    fn finding(&self, grouped: &Grouped<'_>, points: &Points, seed: Seed) -> Option<Finding> {
        let measured: Vec<(usize, Estimate)> =
            (1..=MOST_POINTS).filter_map(|p| Some((p, self.unicity(points, p, seed)?))).collect();
        let &(p, estimate) = measured.last()?;
        let mut finding = counted(META.id, "reidentification/unicity", &grouped.threat.name, Unit::Share, estimate);
        let what = grouped.threat.columns.join(", ");
        let of = if p == 1 { "one record".to_owned() } else { format!("{p} different records") };
        finding.sentence = format!(
            "Who knows {what} of {of} of a person finds nobody else with them for {} of the people.",
            Unit::Share.show(estimate.value)
        );
        finding.severity = match estimate.low {
            0.0 => Severity::VeryLow,
            share if share <= 0.01 => Severity::Moderate,
            share if share <= 0.1 => Severity::High,
            _ => Severity::VeryHigh,
        };
        finding.settings = vec![("points known".to_owned(), p.to_string()), ("a point is".to_owned(), what)];
        let row = |(p, estimate): &(usize, Estimate)| {
            vec![p.to_string(), Unit::Share.show(estimate.value), Unit::Share.show_interval(estimate)]
        };
        finding.evidence.push(Evidence::Table(Table {
            caption: "People whom nobody else shares so many of their records with".to_owned(),
            columns: ["records known", "singled out", "interval"].map(str::to_owned).to_vec(),
            rows: measured.iter().map(row).collect(),
        }));
        finding.limits.push("Points are drawn at random; somebody who knows rare events needs fewer.".to_owned());
        Some(finding)
    }

    /// The share of people with at least `p` points whom `p` of them single out; nothing for fewer than eleven people.
    fn unicity(&self, points: &Points, p: usize, seed: Seed) -> Option<Estimate> {
        let mut stream = seed.derive(&p.to_string()).stream();
        let enough = |person: &u32| points.of_person[*person as usize].len() >= p;
        let mut people: Vec<u32> = (0..points.of_person.len() as u32).filter(enough).collect();
        if people.len() < SMALLEST_SHOWN {
            return None;
        }
        let all = people.len();
        if all > self.people {
            shuffle(&mut people, &mut stream);
            people.truncate(self.people.max(SMALLEST_SHOWN));
        }
        let mut alone = 0;
        for &person in &people {
            let mut known = points.of_person[person as usize].clone();
            for place in 0..p {
                let drawn = place + below(known.len() - place, &mut stream);
                known.swap(place, drawn);
            }
            alone += usize::from(points.single_out(&known[..p], person));
        }
        // Of a whole file the share is a fact that must not tell of few; of a sample it has an interval.
        Some(if people.len() == all { share_of(alone, all) } else { wilson(alone, people.len(), Level::P95) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::specimen::{Case, Specimen, integers};
    use crate::data::{Schema, Table, ThreatModel};

    /// 1,000 people with two records each; so many have records that nobody else has, the others share theirs by tens.
    fn case(alone: u32) -> Case {
        let person = |row: u32| row / 2;
        let value = |row: u32| match person(row) {
            unique if unique < alone => 10_000 + row,
            shared => shared % 100 * 2 + row % 2,
        };
        let table = |first: u32| {
            let rows = first..first + 2_000;
            Table::new(vec![
                integers("patient", &rows.clone().map(person).collect::<Vec<u32>>()),
                integers("code", &rows.map(value).collect::<Vec<u32>>()),
            ])
        };
        Case::tables(table(0), table(2_000), schema())
    }

    /// Codes of patients.
    fn schema() -> Schema {
        Schema {
            patient: Some("patient".to_owned()),
            quasi_identifiers: vec![ThreatModel::of("", &["code"])],
            ..Schema::default()
        }
    }

    impl Specimen for Unicity {
        const MEASURE: &'static str = "reidentification/unicity";

        fn null(_seed: u64) -> (Case, f64) {
            (case(0), 0.0)
        }

        fn leaky() -> Case {
            case(1_000)
        }

        fn graded(seed: u64) -> (Case, f64) {
            let alone = 100 + seed as u32;
            (case(alone), f64::from(alone) / 1_000.0)
        }
    }

    /// Two people share a first point, none both: one point finds nobody of the pair for sure, two find both.
    #[test]
    fn two_points_tell_apart_whom_one_does_not() {
        let rows: Vec<(u32, u32)> = (0..20).flat_map(|person| [(person, person / 2), (person, 100 + person)]).collect();
        let table = || {
            Table::new(vec![
                integers("patient", &rows.iter().map(|row| row.0).collect::<Vec<u32>>()),
                integers("code", &rows.iter().map(|row| row.1).collect::<Vec<u32>>()),
            ])
        };
        let case = Case::tables(table(), table(), schema());
        let people = case.split.members.groups.clone().unwrap();
        let all = Grouped::all(&case.split);
        let points = Points::of(&all[0], &people);
        let shared = points.with_point.iter().position(|people| people.len() == 2).unwrap() as u32;
        let person = points.with_point[shared as usize][0];
        assert!(!points.single_out(&[shared], person));
        assert!(points.single_out(&points.of_person[person as usize].clone(), person));
        let findings = case.run(&Unicity::default(), 1);
        assert_eq!(findings[0].estimate.unwrap().value, 1.0);
        assert_eq!(findings[0].settings[0].1, "2");
    }
}
