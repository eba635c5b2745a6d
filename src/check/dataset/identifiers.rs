//! # What it measures
//! Which columns of the training data fall under the eighteen items of 45 CFR 164.514(b)(2)(i), (A) names to (R) any other
//! unique code; and how many people stand alone by age, sex, race and place beside how many would in a Safe Harbor version.
//!
//! # Who could do this
//! Anybody who gets the data. A model that is trained on such a column may repeat it.
//!
//! # How
//! Every column is judged by its name, the shapes of its distinct values, check digits, dictionaries of names, uniqueness per
//! row and person, and other columns: copies, parts, dates that move together, digests that can be made again. Evidence is
//! added as log odds and listed; a validator counts by how rarely random values pass it. From 6 a column is what it seems,
//! from 3 somebody should look. Postcodes of three digits are compared with the population of `zip3`; years of birth and ages
//! with `year`. `limited_data_set = true` judges by the list of 164.514(e)(2). Columns that the plan declares as identifiers,
//! patient, split or left out are listed and not counted: they stay behind when the data go out.
//!
//! # Reading the number
//! The number of columns that have to go, and of columns that have to become coarser or that somebody has to look at. It says
//! something about the data set, not about the model; a model trained on it may still reveal nothing.
//!
//! # When it misleads
//! Names in free text and codes of local making have no form: "clear" says that nothing was recognised. Columns without a
//! telling name and without a form are not found. A code that was drawn at random for this data set may stay (164.514(c)):
//! accept it with a reason under `accepted`. Whoever knows that the rest identifies somebody may not use Safe Harbor at all.
//!
//! # Cost
//! One pass over the table and 2,000 distinct values a column; columns of digests cost `hash_search` digests each.
//!
//! # References
//! 45 CFR 164.514(b), (c), (e); Office for Civil Rights, "Guidance Regarding Methods for De-identification of Protected Health
//! Information" (2012); Malin, Benitez, Masys, "Never too old for anonymity" (2011); 2020 Census, table P1, for postcodes;
//! ISO/IEC 7812, ISO 13616, ISO 3779, 49 CFR 565 for check digits.

use serde::Deserialize;

use super::safe_harbor::{Alone, alone};
use super::scanned::{ScanSettings, Scanned, scan};
use crate::check::{Check, CheckError, CheckMeta, Need, Output, Subject};
use crate::detect::{Class, Demographic, Judgement, Rules};
use crate::finding::{Baseline, Evidence, Family, Finding, Severity, Standing, Table, Unit, Worse, part_of, share_of};
use crate::stats::Estimate;
use crate::watch::Watch;

pub(in crate::check) static META: CheckMeta = CheckMeta {
    id: "dataset/identifiers",
    title: "Identifiers of the Safe Harbor list",
    family: Family::Dataset,
    measures: &[PROHIBITED, UNSETTLED, ALONE],
    source: include_str!("identifiers.rs"),
};

/// Columns that have to go.
const PROHIBITED: &str = "dataset/prohibited-columns";
/// Columns that have to become coarser, or that somebody has to look at.
const UNSETTLED: &str = "dataset/unsettled-columns";
/// People who stand alone by what a stranger may know.
const ALONE: &str = "dataset/demographic-uniqueness";

/// The check.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(try_from = "ScanSettings")]
pub struct Identifiers {
    settings: ScanSettings,
    rules: Rules,
}

impl TryFrom<ScanSettings> for Identifiers {
    type Error = String;

    fn try_from(settings: ScanSettings) -> Result<Self, String> {
        let rules = settings.rules()?;
        Ok(Self { settings, rules })
    }
}

impl Check for Identifiers {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Data, Need::Table]
    }

    fn run(&self, subject: &Subject<'_>, _watch: &dyn Watch) -> Result<Output, CheckError> {
        let Some(split) = subject.split else { return Ok(Output::default()) };
        let Some(table) = split.members.table() else { return Ok(Output::default()) };
        let groups = split.members.groups.as_deref();
        let (scanned, judged): (Vec<Scanned>, Vec<Judgement>) =
            scan(table, groups, &split.schema, &self.settings, &self.rules).into_iter().unzip();
        let mut findings = vec![self.prohibited(&scanned), self.unsettled(&scanned)];
        findings.extend(alone(table, groups, &judged, &self.rules).map(|alone| self.alone(&alone)));
        Ok(findings.into())
    }
}

impl Identifiers {
    fn finding(&self, measure: &str, unit: Unit, estimate: Estimate) -> Finding {
        let rules = &self.rules;
        Finding {
            check: META.id.to_owned(),
            measure: measure.to_owned(),
            scope: String::new(),
            sentence: String::new(),
            estimate: Some(estimate),
            unit,
            worse: Worse::Higher,
            null_value: None,
            baseline: None,
            severity: Severity::VeryLow,
            standing: Standing::Sound,
            evidence: Vec::new(),
            limits: vec![
                "Clear says that nothing was recognised: codes of local making and names in sentences have no form."
                    .to_owned(),
            ],
            settings: vec![
                ("list".to_owned(), rules.mode.words().to_owned()),
                ("postcodes".to_owned(), rules.zip3.vintage().to_owned()),
                ("year".to_owned(), rules.year.to_string()),
            ],
        }
    }

    fn prohibited(&self, scanned: &[Scanned]) -> Finding {
        let found: Vec<&Scanned> = counting(scanned, |class| class == Class::Prohibited);
        let mut finding = self.finding(PROHIBITED, Unit::Items, Estimate::exact(found.len() as f64, scanned.len()));
        finding.null_value = Some(0.0);
        finding.sentence = match found.len() {
            0 => format!(
                "No column that goes out with the data was recognised as one that has to go ({}).",
                self.rules.mode.words()
            ),
            1 => format!(
                "One column that goes out with the data has to go ({}): {}.",
                self.rules.mode.words(),
                names(&found)
            ),
            many => format!(
                "{many} columns that go out with the data have to go ({}): {}.",
                self.rules.mode.words(),
                names(&found)
            ),
        };
        finding.severity = if found.is_empty() { Severity::VeryLow } else { Severity::High };
        finding.limits.push("It speaks of the data set and not of the model.".to_owned());
        finding.evidence.extend(columns(scanned).map(Evidence::Table));
        finding.evidence.extend(terms(scanned).map(Evidence::Table));
        finding
    }

    fn unsettled(&self, scanned: &[Scanned]) -> Finding {
        let conditional = counting(scanned, |class| class == Class::Conditional);
        let review = counting(scanned, |class| class == Class::Review);
        let both = conditional.len() + review.len();
        let mut finding = self.finding(UNSETTLED, Unit::Items, Estimate::exact(both as f64, scanned.len()));
        finding.null_value = Some(0.0);
        let list = |what: &str, found: &[&Scanned]| {
            if found.is_empty() {
                format!("no column {what}")
            } else {
                format!("{} of the columns {what} ({})", found.len(), names(found))
            }
        };
        let sentence = format!(
            "{}; {}.",
            list("may stay only in a coarser form", &conditional),
            list("needs somebody to look", &review)
        );
        finding.sentence = sentence[..1].to_uppercase() + &sentence[1..];
        finding.severity = match (conditional.is_empty(), review.is_empty()) {
            (false, _) => Severity::Moderate,
            (true, false) => Severity::Low,
            (true, true) => Severity::VeryLow,
        };
        finding
    }

    fn alone(&self, alone: &Alone) -> Finding {
        let n = alone.records;
        let mut finding = self.finding(ALONE, Unit::Share, share_of(alone.in_file, n));
        let kinds: Vec<&str> = alone.kinds.iter().map(|kind| kind.words()).collect();
        finding.sentence = format!(
            "{} training records are the only ones with their {}; in a Safe Harbor version of these columns {} would be.",
            part_of(alone.in_file, n),
            kinds.join(", "),
            part_of(alone.in_safe_harbor, n)
        );
        finding.baseline = Some(Baseline {
            name: "a Safe Harbor version: year of birth, ages from 90 as one, three digits of the postcode or 000, no town".to_owned(),
            estimate: share_of(alone.in_safe_harbor, n),
        });
        let excess = (alone.in_file as f64 - alone.in_safe_harbor as f64) / n as f64;
        finding.severity = Severity::on_scale(excess, [0.0, 0.01, 0.1, 0.5]);
        finding.settings.push(("columns".to_owned(), alone.columns.join(", ")));
        finding.limits = vec![
            "Alone in the file is not alone in the population: of the people of a state, 0.01 % to 0.25 % are alone in a Safe \
             Harbor version (Benitez and Malin 2010), while a small sample has many."
                .to_owned(),
            "Only columns that the scan recognised take part.".to_owned(),
        ];
        if !alone.kinds.contains(&Demographic::Postcode) && !alone.kinds.contains(&Demographic::Town) {
            finding.limits.push("No place was recognised: with one, fewer people would share the rest.".to_owned());
        }
        finding
    }
}

fn counting(scanned: &[Scanned], fits: impl Fn(Class) -> bool) -> Vec<&Scanned> {
    scanned.iter().filter(|column| column.counts() && fits(column.class)).collect()
}

fn names(found: &[&Scanned]) -> String {
    const SHOWN: usize = 12;
    let mut list: Vec<String> = found.iter().take(SHOWN).map(|column| format!("`{}`", column.column)).collect();
    if found.len() > SHOWN {
        list.push(format!("and {} more", found.len() - SHOWN));
    }
    list.join(", ")
}

/// Columns about which there is something to say, the most harmful first.
fn columns(scanned: &[Scanned]) -> Option<Table> {
    let mut said: Vec<&Scanned> = scanned.iter().filter(|column| !column.rule.is_empty()).collect();
    said.sort_by_key(|column| std::cmp::Reverse(column.class));
    let row = |column: &&Scanned| {
        let item = column.item.map(|item| format!("({}) {}", item.letter(), item.words())).unwrap_or_default();
        let kept = match (&column.accepted, column.declared.as_str()) {
            (Some(reason), _) => format!("accepted: {reason}"),
            (None, "") => "goes out".to_owned(),
            (None, declared) => format!("declared: {declared}"),
        };
        vec![
            column.column.clone(),
            kept,
            column.class.word().to_owned(),
            item,
            column.rule.clone(),
            column.concerned.to_string(),
            column.shapes.join("   "),
            column.remark.clone(),
        ]
    };
    let rows: Vec<Vec<String>> = said.iter().map(row).collect();
    let columns = ["column", "part", "class", "item", "rule", "rows", "shapes (9 digit, A a letter)", "remark"];
    (!rows.is_empty()).then(|| Table {
        caption: "Columns that were recognised; values are never shown".to_owned(),
        columns: columns.map(str::to_owned).to_vec(),
        rows,
    })
}

/// The evidence, term by term.
fn terms(scanned: &[Scanned]) -> Option<Table> {
    let said = scanned.iter().filter(|column| column.class > Class::Clear);
    let rows: Vec<Vec<String>> = said
        .flat_map(|column| {
            column
                .terms
                .iter()
                .map(move |(what, odds)| vec![column.column.clone(), what.clone(), format!("{odds:+.1}")])
        })
        .collect();
    (!rows.is_empty()).then(|| Table {
        caption: "Evidence for each column, in natural logarithms of odds: from 6 it is what it seems, from 3 somebody should look"
            .to_owned(),
        columns: ["column", "evidence", "log odds"].map(str::to_owned).to_vec(),
        rows,
    })
}

#[cfg(test)]
mod tests;
