//! # What it measures
//! The share of the population the records were drawn from that is unique in it by the quasi-identifiers, estimated from the
//! records alone.
//!
//! # Who could do this
//! Somebody who does not know who is in the data and links them with a register of the whole population: a match is right
//! for certain where the person is unique there.
//!
//! # How
//! Pitman's sampling formula (Ewens' on its edge), Zayatz's estimator and the slided negative binomial model are fitted to the
//! numbers of groups of each size. A model that expects other numbers of groups of 1 to 5 and more than were counted
//! (chi-squared test, 5 %) is left out, and Dankar's rule chooses among the others. The interval assumes no model: whoever is
//! unique in the population is unique in the data too, which bounds the share from above (Clopper and Pearson), and uniques
//! that the number of pairs cannot explain bound it from below. Where no model fits, the share unique in the data is given.
//!
//! A second table asks models that look at every single record and not only at the sizes of groups: a Gaussian copula (each column
//! a normal variable that is cut into levels, correlated with the others) and a log-linear model (which pairs of columns depend on
//! each other is chosen by Skinner and Shlomo's dispersion). They say how many of the people who are unique in the data are
//! unique in the population (tau 1), and how many matches with them would be right (tau 2). One record of each patient is looked
//! at; intervals come from samples drawn from the fitted model and fitted again. These models are never judged.
//!
//! # Reading the number
//! Releases that follow Safe Harbor left 0.01 to 0.25 % of the people of US states unique (Benitez and Malin 2010), limited
//! data sets 10 to 60 %. Against somebody who knows that a person is in the data, the share unique in the records counts.
//!
//! # When it misleads
//! The records must be a simple random sample of the population: whole families, one clinic or everybody with a rare disease
//! are not. Where less than about a fifth of the population is in the data the interval often begins at 0: models that fit
//! equally well then differ by a factor of two and more, and only a register or a census tells.
//!
//! Models of single records were found off by factors where columns depend on each other in ways that they do not know (three
//! columns together, a diagnosis that only one sex has). One that expects far more or fewer people alone or in pairs than were
//! counted gives no number, nor does one whose dispersion shows dependence that it leaves out; but agreeing with the data is no
//! proof of being right about who is not in them.
//!
//! # Cost
//! At most 200 samples of the size of the data are drawn and fitted for every model of group sizes, 20 to 40 for those of single
//! records, which score at most 2,000 people; a few seconds. Models that would take longer say so instead.
//!
//! # References
//! Pitman 1995; Hoshino, Journal of Official Statistics 17 (2001); Zayatz 1991; Chen and Keller-McNulty, Journal of Official
//! Statistics 14 (1998); Dankar et al., BMC Medical Informatics and Decision Making 12:66 (2012); Skinner and Shlomo, Journal of
//! the American Statistical Association 103 (2008); Rocher, Hendrickx and de Montjoye, Nature Communications 10:3069 (2019).

use serde::Deserialize;

use super::{Grouped, counted, record_models, rounded_down};
use crate::check::{Check, CheckError, CheckMeta, Need, Output, Subject};
use crate::data::Cells;
use crate::finding::{
    Count, Evidence, Family, Finding, SMALLEST_SHOWN, Severity, Standing, Table, Unit, grouped as thousands,
};
use crate::population::{Answer, MISFIT, Uniques, group_with_evidence};
use crate::seed::Seed;
use crate::stats::interval::clopper_pearson;
use crate::stats::{Estimate, Level, Method};
use crate::watch::Watch;

pub(in crate::check) static META: CheckMeta = CheckMeta {
    id: "reidentification/population-uniqueness",
    title: "Uniqueness in the population",
    family: Family::Reidentification,
    measures: &["reidentification/population-uniqueness"],
    source: include_str!("population_uniqueness.rs"),
};

/// Shares from which the severity rises.
const SCALE: [f64; 4] = [0.0025, 0.01, 0.05, 0.2];

/// The check. It has no settings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PopulationUniqueness {}

impl Check for PopulationUniqueness {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Data, Need::Table, Need::QuasiIdentifiers]
    }

    fn run(&self, subject: &Subject<'_>, _watch: &dyn Watch) -> Result<Output, CheckError> {
        let Some(split) = subject.split else { return Ok(Output::default()) };
        let people = people(split.members.groups.as_deref()).unwrap_or(split.members.len());
        let mut findings = Vec::new();
        for grouped in Grouped::all(split) {
            let Some(size) = grouped.threat.population.as_ref().and_then(|population| population.size(people)) else {
                continue;
            };
            let seed = subject.seed.derive(META.id).derive(&grouped.threat.name);
            let mut finding = finding(&grouped, size, seed)?;
            // Where group sizes are withheld, or everybody is in the data, there is nothing to ask about single records.
            if let Some(table) =
                split.members.table().filter(|_| people < size as usize && !finding.evidence.is_empty())
            {
                let cells = |name: &String| table.column(name).map(|column| &column.cells);
                let cells: Vec<&Cells> = grouped.threat.columns.iter().filter_map(cells).collect();
                finding.evidence.push(record_models::table(&grouped, &cells, size as f64, seed));
            }
            findings.push(finding);
        }
        if findings.is_empty() {
            return Err(CheckError::NotApplicable {
                reason: "no threat model says how large the population is".to_owned(),
                remedy: "give `population = 1000000` (people) or `fraction = 0.1` (share of them in the data) under \
                         `[threats.NAME]`"
                    .to_owned(),
            });
        }
        Ok(findings.into())
    }
}

/// Number of people, where they are known.
fn people(groups: Option<&[u32]>) -> Option<usize> {
    let mut people = groups?.to_vec();
    people.sort_unstable();
    people.dedup();
    Some(people.len())
}

fn finding(grouped: &Grouped<'_>, population: u64, seed: Seed) -> Result<Finding, CheckError> {
    let sizes = grouped.classes.people_histogram();
    let (n, alone) = (sizes.records() as usize, sizes.of_size(1) as usize);
    // A person in several groups counts in each, so the sample may seem larger than the population.
    let people = (population as f64).max(n as f64);
    let found = Uniques::of(&sizes, people, seed).map_err(|no_fit| CheckError::NotApplicable {
        reason: format!("the population cannot be estimated: {no_fit}"),
        remedy: "give more records, or other quasi-identifiers".to_owned(),
    })?;
    let withheld = Count::of_part(alone, n) != Count::Shown(alone);
    let estimate = match Count::of_part(alone, n) {
        Count::Shown(_) => found.estimate,
        Count::Withheld if alone < SMALLEST_SHOWN => up_to_ten(n, n as f64 >= people),
        Count::Withheld | Count::Hidden => all_but_ten(&found.estimate, n),
    };
    let name = &grouped.threat.name;
    let mut finding = counted(META.id, META.measures[0], name, Unit::Share, estimate);
    let show = Unit::Share;
    finding.sentence = format!(
        "Of a population of {} people, {} by {} ({} whatever the population looks like; {} of the {} in the data are unique \
         there).",
        thousands(population),
        match found.model {
            _ if withheld => format!("at most {} are unique", show.show(estimate.high)),
            Some(_) => format!("{} are estimated to be unique", show.show(estimate.value)),
            None => format!("no more than about {} are unique, no model of it fits,", show.show(estimate.value)),
        },
        grouped.threat.columns.join(", "),
        show.show_interval(&estimate),
        Count::of_part(alone, n),
        Count::of(n),
    );
    finding.null_value = Some(0.0);
    finding.severity = Severity::on_scale(estimate.value, SCALE);
    if estimate.low <= SCALE[0] && estimate.high > SCALE[3] {
        finding.standing = Standing::Insufficient {
            reason: "the data allow anything from a very low to a very high share".to_owned(),
            needed: "a larger part of the population, or a register of it as `population`".to_owned(),
        };
    }
    if !withheld {
        finding.evidence.push(table(&found));
    }
    finding.limits = limits();
    finding.settings = vec![
        ("quasi-identifiers".to_owned(), grouped.threat.columns.join(", ")),
        ("population".to_owned(), thousands(population)),
        ("share of the population in the data".to_owned(), show.show(n as f64 / people)),
        (
            "model chosen by Dankar's rule among those that fit".to_owned(),
            found.model.map_or("none fits", |model| model.name()).to_owned(),
        ),
        (
            format!(
                "group in the data that is evidence of {SMALLEST_SHOWN} people in the population (exact Poisson test, 5 %)"
            ),
            group_with_evidence(SMALLEST_SHOWN, n as f64 / people, 0.05).to_string(),
        ),
    ];
    Ok(finding)
}

/// From 1 to 10 people are unique in the data: every share below the upper end for ten would tell how many. Where the data
/// are everybody that is the share of ten.
fn up_to_ten(n: usize, everybody: bool) -> Estimate {
    let ten = clopper_pearson((SMALLEST_SHOWN - 1).min(n), n, Level::P95);
    let high = if everybody { ten.value } else { ten.high };
    Estimate { low: 0.0, high, method: Method::SuppressedCount, ..ten }
}

/// Where all but 1 to 10 records stand alone: up to everybody, at least what is left of the lower end in steps of 11 records or more.
fn all_but_ten(estimate: &Estimate, n: usize) -> Estimate {
    let low = rounded_down(estimate.low, n).unwrap_or(0.0);
    Estimate { value: 1.0, low, high: 1.0, method: Method::SuppressedCount, ..*estimate }
}

fn table(found: &Uniques) -> Evidence {
    let row = |answer: &Answer| {
        let mut cells = vec![answer.model.name().to_owned()];
        if found.model == Some(answer.model) {
            cells[0].push_str(" (chosen)");
        }
        match answer.share {
            Ok(share) => {
                let agrees = if answer.fit < MISFIT { "no" } else { "yes" };
                cells.extend([Unit::Share.show(share.value), Unit::Share.show_interval(&share)]);
                cells.push(format!("{agrees} (p = {:.3})", answer.fit));
            }
            Err(no_fit) => cells.extend(["no fit".to_owned(), no_fit.to_string(), String::new()]),
        }
        cells
    };
    Evidence::Table(Table {
        caption: "What each model of the population says; a model that does not agree with the groups is left out"
            .to_owned(),
        columns: ["model", "share unique in the population", "95 % interval under the model", "agrees with the groups"]
            .map(str::to_owned)
            .to_vec(),
        rows: found.models.iter().map(row).collect(),
    })
}

fn limits() -> Vec<String> {
    [
        "Holds for a simple random sample of the population; people drawn together (families, one clinic) make it too low or \
         too high.",
        "The value rests on a model, the interval on none. Models that agree with the groups equally well may differ by a factor \
         of two and more, so a value inside a wide interval is a guess.",
        "Models of single records (copula, log-linear) are shown beside it and never judged: research found such models off by \
         factors, and agreeing with the data does not prove that they are right about the people who are not in them.",
        "An attacker who knows that a person is in the data faces the share unique in the data, which is larger.",
        "A missing quasi-identifier counts as a value of its own, which never makes the share smaller.",
    ]
    .map(str::to_owned)
    .to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;

    use crate::check::specimen::{Case, Specimen, integers};
    use crate::data::{Population, Schema, Table as Data, ThreatModel};

    /// Records with these values from a population of a size.
    fn case(values: &[u32], population: u64) -> Case {
        let table = || Data::new(vec![integers("q", values)]);
        let threat = ThreatModel { population: Some(Population::Size(population)), ..ThreatModel::of("", &["q"]) };
        Case::tables(table(), table(), Schema { quasi_identifiers: vec![threat], ..Schema::default() })
    }

    /// A fifth of a population of 5,000 whose groups follow Pitman's law with theta 100 and alpha 0.5 (a record founds a group
    /// with probability (theta + alpha groups) / (theta + records), or joins one by its size less alpha); and the share of the
    /// population that is unique.
    fn sampled(seed: u64) -> (Vec<u32>, f64) {
        let mut stream = Seed::root(seed).derive("population").stream();
        let mut unit = move || (stream.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
        let (mut values, mut sizes): (Vec<u32>, Vec<f64>) = (Vec::new(), Vec::new());
        while values.len() < 5_000 {
            let records = values.len() as f64;
            if unit() < (100.0 + 0.5 * sizes.len() as f64) / (100.0 + records) {
                values.push(sizes.len() as u32);
                sizes.push(1.0);
                continue;
            }
            let joined = values[(unit() * records) as usize];
            if unit() * sizes[joined as usize] >= 0.5 {
                values.push(joined);
                sizes[joined as usize] += 1.0;
            }
        }
        let truth = sizes.iter().filter(|size| **size == 1.0).count() as f64 / values.len() as f64;
        values.truncate(1_000); // the records are exchangeable
        (values, truth)
    }

    impl Specimen for PopulationUniqueness {
        const MEASURE: &'static str = "reidentification/population-uniqueness";

        fn null(seed: u64) -> (Case, f64) {
            // Everybody has a double in the data, so nobody is unique in the population.
            (case(&(0..600).map(|row| row / 2 + seed as u32).collect::<Vec<_>>(), 5_000), 0.0)
        }

        fn leaky() -> Case {
            case(&(0..1_000).collect::<Vec<_>>(), 1_500)
        }

        fn graded(seed: u64) -> (Case, f64) {
            let (values, truth) = sampled(seed);
            (case(&values, 5_000), truth)
        }
    }

    #[test]
    fn without_a_population_it_does_not_run() {
        let table = || Data::new(vec![integers("q", &[1, 2, 2])]);
        let schema = Schema { quasi_identifiers: vec![ThreatModel::of("", &["q"])], ..Schema::default() };
        let refused = Case::tables(table(), table(), schema).refused(&PopulationUniqueness {}, 1);
        assert!(matches!(refused, CheckError::NotApplicable { .. }));
    }

    /// One in a thousand drawn, all different: nobody or everybody may be unique, and the report says that it cannot tell.
    #[test]
    fn nothing_is_claimed_of_a_small_sample() {
        let finding = case(&(0..100).collect::<Vec<_>>(), 100_000).run(&PopulationUniqueness {}, 1).remove(0);
        let estimate = finding.estimate.unwrap();
        assert!(estimate.covers(0.0) && estimate.covers(1.0), "{estimate:?}");
        assert!(matches!(finding.standing, Standing::Insufficient { .. }));
    }

    /// Nobody alone in 600 of 5,000 people leaves room for some.
    #[test]
    fn nobody_alone_is_no_exact_zero() {
        let estimate = PopulationUniqueness::null(0).0.run(&PopulationUniqueness {}, 1).remove(0).estimate.unwrap();
        assert!(
            (estimate.value, estimate.low) == (0.0, 0.0) && (0.006..0.007).contains(&estimate.high),
            "{estimate:?}"
        );
    }

    /// Seven unique people are not counted out by the bound, the sentence or the table.
    /// 994 of 1,000 stand alone, or 990: no number tells which.
    #[test]
    fn few_who_do_not_stand_alone_are_not_told() {
        let of = |alone: u32| {
            let values: Vec<u32> = (0..1000).map(|row| if row < alone { row } else { 5000 }).collect();
            case(&values, 20_000).run(&PopulationUniqueness {}, 1).remove(0)
        };
        let (some, others) = (of(994), of(992));
        let estimate = some.estimate.unwrap();
        assert_eq!((estimate.high, estimate.value, estimate.method), (1.0, 1.0, Method::SuppressedCount));
        assert_eq!((some.estimate, &some.sentence), (others.estimate, &others.sentence));
        assert!(some.sentence.contains("at most 100.0 % are unique"), "{}", some.sentence);
    }

    #[test]
    fn few_uniques_are_withheld() {
        let values: Vec<u32> = (0..500).map(|row: u32| if row < 7 { row + 100 } else { row % 9 }).collect();
        let finding = case(&values, 600).run(&PopulationUniqueness {}, 1).remove(0);
        let estimate = finding.estimate.unwrap();
        assert_eq!((estimate.value, estimate.low, estimate.method), (0.02, 0.0, Method::SuppressedCount));
        // Ten of 500 in the data may be more in the population.
        assert!((0.036..0.037).contains(&estimate.high), "{estimate:?}");
        assert!(finding.evidence.is_empty() && finding.sentence.contains("<11"), "{}", finding.sentence);
    }
}
