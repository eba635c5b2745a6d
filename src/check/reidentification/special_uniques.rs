//! # What it measures
//! Which records a few columns already single out (special uniques), which columns do it, and how likely a match with a unique
//! record is right.
//!
//! # Who could do this
//! Somebody who knows only two or three facts about a person and can look into the data.
//!
//! # How
//! All minimal sample uniques of every record: column sets on which nobody else has its values while every smaller set is
//! shared (SUDA). A record's score adds (m - k)! for each of size k among m columns. A missing cell is no item: nobody is
//! unique through it. Records of one patient are one person.
//!
//! # Reading the number
//! The fewer columns single a record out, the rarer the person and the likelier unique in the population too. The contribution
//! of a column is the share of all scores from sets with it; contributions add up to more than 100 %.
//!
//! # When it misleads
//! Sets larger than `max-size` are not looked at, so scores are lower bounds where the report says so; where it is smaller
//! than `few`, the interval ends at the share unique on all columns. Scores compare records
//! of one file, not files. The probability of a right match rests on the number of pairs and on a simple random sample.
//!
//! # Cost
//! Grows with the number of column sets: seconds for twelve columns and 100,000 records; bounded for more.
//!
//! # References
//! Elliot, Manning and Ford 2002; Manning, Haglin and Keane, Data Mining and Knowledge Discovery 16 (2008); Skinner and Elliot,
//! JRSS B 64 (2002).

use serde::{Deserialize, Deserializer};

use super::{Apart, Grouped, counted};
use crate::check::settings::{between, within};
use crate::check::{Check, CheckError, CheckMeta, Need, Output, Subject};
use crate::equivalence::Column;
use crate::finding::{
    Bar, Count, Evidence, Family, Finding, SMALLEST_SHOWN, Severity, Standing, Table, Unit, share_of,
};
use crate::stats::interval::normal_quantile;
use crate::stats::{Estimate, Level, Method};
use crate::uniques::{MinimalUniques, Scores, Scoring, Settings, disclosure_share};
use crate::watch::Watch;

pub(in crate::check) static META: CheckMeta = CheckMeta {
    id: "reidentification/special-uniques",
    title: "Special uniques",
    family: Family::Reidentification,
    measures: &[SPECIAL, MATCH],
    source: include_str!("special_uniques.rs"),
};

const SPECIAL: &str = "reidentification/special-uniques";
const MATCH: &str = "reidentification/right-match";
/// Column sets that a table names.
const NAMED: usize = 10;
/// Columns up to which sets of every size are looked at unless the plan says otherwise.
const NARROW: usize = 12;

/// The check.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct SpecialUniques {
    /// The largest column set that is looked at; all sizes up to twelve columns and five beyond where nothing is said.
    #[serde(deserialize_with = "largest")]
    pub max_size: Option<usize>,
    /// The columns that are few: the measure counts records that so many or fewer single out.
    #[serde(deserialize_with = "within::<1, 64, _>")]
    pub few: usize,
}

fn largest<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    between(deserializer, 1, 64).map(Some)
}

impl Default for SpecialUniques {
    fn default() -> Self {
        Self { max_size: None, few: 3 }
    }
}

impl Check for SpecialUniques {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Data, Need::Table, Need::QuasiIdentifiers]
    }

    fn run(&self, subject: &Subject<'_>, watch: &dyn Watch) -> Result<Output, CheckError> {
        let Some(split) = subject.split else { return Ok(Output::default()) };
        let mut findings = Vec::new();
        for grouped in Grouped::all(split) {
            findings.extend(self.of_threat(&grouped, watch)?);
        }
        Ok(findings.into())
    }
}

impl SpecialUniques {
    fn of_threat(&self, grouped: &Grouped<'_>, watch: &dyn Watch) -> Result<Vec<Finding>, CheckError> {
        let columns: Vec<&Column> = grouped.columns.iter().collect();
        let default = if columns.len() <= NARROW { columns.len() } else { Settings::default().max_size };
        let settings = Settings { max_size: self.max_size.unwrap_or(default), ..Settings::default() };
        let found = MinimalUniques::of(&columns, grouped.people, &settings, watch).map_err(|error| {
            CheckError::NotApplicable { reason: error.to_string(), remedy: "list fewer quasi-identifiers".to_owned() }
        })?;
        let scores = Scores::of(&found, Scoring::Factorial);
        let mut findings = vec![self.special(grouped, &found, &scores)];
        findings.extend(right_match(grouped, &scores));
        Ok(findings)
    }

    fn special(&self, grouped: &Grouped<'_>, found: &MinimalUniques, scores: &Scores) -> Finding {
        let (columns, n) = (&grouped.threat.columns, found.rows());
        let few = self.few.min(found.columns);
        let smallest = |row: usize| found.of_row(row).first().map(|set| set.count_ones() as usize);
        let special = (0..n).filter(|&row| smallest(row).is_some_and(|least| least <= few)).count();
        let cut = found.stopped || found.max_size < few;
        // Whoever is special has a score, and whoever has a score stands alone, which other checks say: differences are counts too.
        let mut apart = Apart::of(n);
        apart.show(grouped.below(2));
        let mut estimate = apart.share(special);
        if cut {
            // Whoever some columns single out is singled out by all of them.
            let most = share_of(grouped.below(2).max(special), n);
            let low = if shows(special) { estimate.low } else { 0.0 };
            estimate = Estimate { low, high: most.high.max(estimate.value), method: Method::CutSearch, ..estimate };
        }
        let mut finding = counted(META.id, SPECIAL, &grouped.threat.name, Unit::Share, estimate);
        finding.sentence = format!(
            "For {}{} training records, {} of the {} quasi-identifiers single the person out.",
            if cut { "at least " } else { "" },
            apart.part(special),
            if few == 1 { "one".to_owned() } else { format!("{few} or fewer") },
            columns.len()
        );
        finding.null_value = Some(0.0);
        let worst = if cut { estimate.high } else { special as f64 / n.max(1) as f64 };
        finding.severity = match worst {
            0.0 => Severity::VeryLow,
            share if share <= 0.001 => Severity::Moderate,
            share if share <= 0.01 => Severity::High,
            _ => Severity::VeryHigh,
        };
        let named = named(found);
        finding.evidence.extend(contributions(columns, found, scores, &named));
        let with_score = apart.part(scores.scored());
        finding.evidence.push(strongest(columns, &named, scores.scored(), &apart));
        let over = left_over(scores, &named);
        finding.evidence.extend(sizes(scores, &over, &apart));
        if !found.is_complete() {
            let why = if found.stopped { "the search was stopped" } else { "larger sets are not looked at" };
            finding.limits.push(format!(
                "Sets of up to {} of {} columns: {why}, so scores and contributions are lower bounds.",
                found.max_size, found.columns
            ));
        }
        finding
            .limits
            .push("Sets and contributions that would tell of fewer than 11 records are not shown.".to_owned());
        let largest = scores.of_row.iter().copied().fold(0.0, f64::max);
        finding.settings = vec![
            ("quasi-identifiers".to_owned(), columns.join(", ")),
            ("few columns".to_owned(), few.to_string()),
            ("largest set looked at".to_owned(), found.max_size.to_string()),
            ("records with a score".to_owned(), with_score),
        ];
        if shows(scores.scored()) && sum_tells_nothing(scores, &over, &apart) {
            finding
                .settings
                .push(("sum of the scores".to_owned(), format!("{:.0}", scores.of_row.iter().sum::<f64>())));
        }
        if shows(scores.scored()) {
            finding.settings.push(("largest score".to_owned(), format!("{largest:.0}")));
        }
        finding
    }
}

/// Whether a count of records may be shown.
fn shows(count: usize) -> bool {
    count >= SMALLEST_SHOWN
}

/// Share of all scores from sets with each column. A bar is drawn only where none of the counts behind it (records with a score, with
/// a set that has the column, without one, and what is left of the whole) is from 1 to 10, and none of the numbers of sets of each size,
/// with the column and without, nor what the named sets leave of them: a share of a sum may be taken apart.
fn contributions(
    columns: &[String],
    found: &MinimalUniques,
    scores: &Scores,
    named: &[(usize, u64)],
) -> Option<Evidence> {
    let (n, scored) = (found.rows(), scores.scored());
    let bar = |(at, (name, share)): (usize, (&String, &f64))| {
        let has = |set: &u64| set >> at & 1 == 1;
        let with = (0..n).filter(|&row| found.of_row(row).iter().any(has)).count();
        let mut telling = vec![scored, n - scored, with, scored.saturating_sub(with)];
        // Sets of each size, and of these those that are not named; first without the column, then with it.
        let mut sets = vec![[0_usize; 2]; columns.len() + 1];
        (0..n)
            .flat_map(|row| found.of_row(row))
            .for_each(|set| sets[set.count_ones() as usize][usize::from(has(set))] += 1);
        let mut over = sets.clone();
        named.iter().for_each(|(count, set)| over[set.count_ones() as usize][usize::from(has(set))] -= count);
        telling.extend(sets.iter().chain(&over).flatten());
        let shown = telling.iter().all(|&count| count == 0 || shows(count));
        shown.then(|| Bar { label: name.clone(), value: 100.0 * share })
    };
    let mut bars: Vec<Bar> = columns.iter().zip(&scores.of_column).enumerate().filter_map(bar).collect();
    if scored == 0 {
        return None;
    }
    bars.sort_by(|a, b| b.value.total_cmp(&a.value).then_with(|| a.label.cmp(&b.label)));
    let of_those = if bars.len() < columns.len() { "Of the columns drawn, " } else { "" };
    let title = format!("{of_those}`{}` takes part in most of what singles people out", bars.first()?.label);
    let axis = "share of all scores from sets with the column (per cent)".to_owned();
    Some(Evidence::Bars { title, axis, bars })
}

/// The column sets that single out most records, with how many, as masks.
fn named(found: &MinimalUniques) -> Vec<(usize, u64)> {
    let mut sets: Vec<u64> = (0..found.rows()).flat_map(|row| found.of_row(row)).copied().collect();
    sets.sort_unstable();
    let mut counts: Vec<(usize, u64)> = sets.chunk_by(|a, b| a == b).map(|same| (same.len(), same[0])).collect();
    counts.sort_by_key(|&(count, set)| (std::cmp::Reverse(count), set.count_ones(), set));
    counts.into_iter().filter(|(count, _)| shows(*count)).take(NAMED).collect()
}

/// These sets by name, of so many records with a score; never a value.
fn strongest(columns: &[String], named: &[(usize, u64)], scored: usize, apart: &Apart) -> Evidence {
    let name = |set: u64| {
        let inside = columns.iter().enumerate().filter(|(j, _)| set >> j & 1 == 1);
        inside.map(|(_, name)| name.as_str()).collect::<Vec<_>>().join(" + ")
    };
    let records = |count| match Count::of_part(count, scored) {
        Count::Shown(count) => apart.beside(count),
        hidden => hidden,
    };
    let row = |&(count, set): &(usize, u64)| vec![name(set), records(count).to_string()];
    Evidence::Table(Table {
        caption: "Columns that single out most records, none of them dispensable".to_owned(),
        columns: vec!["columns".to_owned(), "records".to_owned()],
        rows: named.iter().map(row).collect(),
    })
}

/// Sets of each number of columns that are not among those named, a set of two records counted twice.
fn left_over(scores: &Scores, named: &[(usize, u64)]) -> Vec<usize> {
    let over = |(at, &count): (usize, &usize)| {
        let of_size = named.iter().filter(|(_, set)| set.count_ones() as usize == at + 1);
        count - of_size.map(|(count, _)| count).sum::<usize>()
    };
    scores.by_size.iter().enumerate().map(over).collect()
}

/// Whether sets of some number of columns, or those left over of them, are 1 to 10, or so many more or less than the records that are
/// told of: a record has one set at least, and many have no other.
fn tells(scores: &Scores, over: &[usize], apart: &Apart) -> bool {
    let few = over.iter().any(|&count| Count::of(count) == Count::Withheld);
    few || scores.by_size.iter().any(|&count| apart.beside(count) != Count::Shown(count))
}

/// Whether the sum of the scores, which is a sum over sets by their number of columns, leaves open how many there are: where few are left
/// over, at least two numbers that nobody is told must stand beside them.
fn sum_tells_nothing(scores: &Scores, over: &[usize], apart: &Apart) -> bool {
    !tells(scores, over, apart) || over.iter().filter(|&&count| shows(count)).count() >= 2
}

/// How many sets there are of each number of columns, a set of two records counted twice; nothing where one of these numbers, or what
/// the named sets leave of it, is 1 to 10: the sum of the scores would give it away.
fn sizes(scores: &Scores, over: &[usize], apart: &Apart) -> Option<Evidence> {
    let last = scores.by_size.iter().rposition(|&count| count > 0).filter(|_| !tells(scores, over, apart))?;
    let shown = scores.by_size[..=last].iter().map(|&count| Count::of(count));
    Some(Evidence::Table(Table {
        caption: "Sets that single out a record, none of their columns dispensable, by how many columns they have"
            .to_owned(),
        columns: vec!["columns".to_owned(), "sets of all records".to_owned()],
        rows: shown.enumerate().map(|(at, count)| vec![(at + 1).to_string(), count.to_string()]).collect(),
    }))
}

/// File-level DIS for a threat with a sampling fraction.
fn right_match(grouped: &Grouped<'_>, scores: &Scores) -> Option<Finding> {
    let sizes = grouped.classes.people_histogram();
    let n = sizes.records() as usize;
    let population = grouped.threat.population.as_ref()?.size(n)?;
    let fraction = (n as f64 / population as f64).min(1.0);
    let (unique, paired) = (sizes.of_size(1) as usize, 2 * sizes.of_size(2) as usize);
    let few = |count: usize| count > 0 && !shows(count);
    let mut finding = counted(META.id, MATCH, &grouped.threat.name, Unit::Share, Estimate::exact(0.0, n));
    finding
        .limits
        .push("Assumes a simple random sample of the population and an attacker who matches at random.".to_owned());
    finding.settings = vec![
        ("quasi-identifiers".to_owned(), grouped.threat.columns.join(", ")),
        ("share of the population in the data".to_owned(), Unit::Share.show(fraction)),
    ];
    if few(unique) || few(paired) || few(n - unique - paired) {
        finding.estimate = None;
        finding.standing = Standing::Insufficient {
            reason: "the probability would tell of fewer than 11 records that are unique, a pair or neither".to_owned(),
            needed: "more records, or other quasi-identifiers".to_owned(),
        };
        "The probability that a unique match is right is withheld: it would tell of fewer than 11 records."
            .clone_into(&mut finding.sentence);
        return Some(finding);
    }
    let Some(share) = disclosure_share(unique, paired, fraction) else {
        finding.estimate = (unique == 0).then(|| Estimate::exact(0.0, n));
        if unique > 0 {
            finding.standing = Standing::Insufficient {
                reason: "no two records are a pair".to_owned(),
                needed: "records of which some share all quasi-identifiers two by two".to_owned(),
            };
        }
        finding.sentence = if unique == 0 {
            "No record is unique, so no unique match can be made.".to_owned()
        } else {
            "No two records are a pair, so the probability that a unique match is right cannot be estimated.".to_owned()
        };
        return Some(finding);
    };
    let estimate = on_logit(share, unique, paired / 2, n);
    let of_record = scores.disclosure(unique, share);
    let (expected, largest) = (of_record.iter().sum::<f64>(), of_record.iter().copied().fold(0.0, f64::max));
    finding.estimate = Some(estimate);
    finding.sentence = format!(
        "A match with a record that is unique in the data is right with a probability of {} ({}).",
        Unit::Share.show(share),
        Unit::Share.show_interval(&estimate)
    );
    finding.severity = Severity::on_scale(share, [0.05, 0.09, 0.2, 0.33]);
    if every_score_is_of_many(scores) {
        finding.settings.push(("sum of the record-level probabilities".to_owned(), format!("{expected:.4}")));
        finding.settings.push(("largest record-level probability".to_owned(), format!("{largest:.4}")));
    }
    Some(finding)
}

/// Whether every score is that of 11 records or more: sums over records by their score may be taken apart.
fn every_score_is_of_many(scores: &Scores) -> bool {
    let mut sorted: Vec<f64> = scores.of_row.iter().copied().filter(|&score| score > 0.0).collect();
    sorted.sort_by(f64::total_cmp);
    sorted.chunk_by(|a, b| a == b).all(|same| shows(same.len()))
}

/// The numbers of uniques and of pairs are taken as Poisson; the delta method on the logit scale.
fn on_logit(share: f64, unique: usize, pairs: usize, n: usize) -> Estimate {
    let logit = (share / (1.0 - share)).ln();
    let half = normal_quantile(1.0 - Level::P95.alpha() / 2.0) * (1.0 / unique as f64 + 1.0 / pairs as f64).sqrt();
    let back = |x: f64| 1.0 / (1.0 + (-x).exp());
    let (low, high) = if share >= 1.0 { (1.0, 1.0) } else { (back(logit - half), back(logit + half)) };
    Estimate { value: share, low, high, level: Level::P95, n, method: Method::DeltaLogit }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::settings::refused;
    use crate::check::specimen::{Case, Specimen, integers};
    use crate::data::{Population, Schema, Table as Data, ThreatModel};
    use crate::watch::Unwatched;

    /// A thousand records of which the first `alone` are singled out by `a` with `b`, the others stand in groups.
    fn case(alone: u32, population: Option<Population>) -> Case {
        let row = |row: u32| if row < alone { (row / 30, row % 30) } else { (100 + row % 2, 100) };
        let table = || {
            Data::new(vec![
                integers("a", &(0..1000).map(|r| row(r).0).collect::<Vec<_>>()),
                integers("b", &(0..1000).map(|r| row(r).1).collect::<Vec<_>>()),
                integers("same", &[1; 1000]),
            ])
        };
        let threat = ThreatModel { population, ..ThreatModel::of("", &["a", "b", "same"]) };
        Case::tables(table(), table(), Schema { quasi_identifiers: vec![threat], ..Schema::default() })
    }

    impl Specimen for SpecialUniques {
        const MEASURE: &'static str = SPECIAL;

        fn null(_seed: u64) -> (Case, f64) {
            (case(0, None), 0.0)
        }

        fn leaky() -> Case {
            case(600, None)
        }

        fn graded(seed: u64) -> (Case, f64) {
            (case(seed as u32, None), f64::from(seed as u32) / 1000.0)
        }
    }

    #[test]
    fn columns_are_named_and_values_are_not() {
        let finding = case(600, None).run(&SpecialUniques::default(), 1).remove(0);
        let Evidence::Bars { bars, .. } = &finding.evidence[0] else { panic!("bars are drawn") };
        assert_eq!(
            bars.iter().map(|bar| (bar.label.as_str(), bar.value)).collect::<Vec<_>>(),
            [("a", 100.0), ("b", 100.0), ("same", 0.0)]
        );
        let Evidence::Table(table) = &finding.evidence[1] else { panic!("sets are named") };
        assert_eq!(table.rows, [["a + b", "600"]]);
        let Evidence::Table(table) = &finding.evidence[2] else { panic!("sets are counted") };
        assert_eq!(table.rows, [["1", "0"], ["2", "600"]]);
    }

    /// 30 sets of two columns are named, five more of two others are not: their number is not told by subtraction.
    #[test]
    fn sets_are_not_told_by_subtraction() {
        let of = |named: &[(usize, u64)]| {
            let table = [(0..40).collect(), vec![0; 40]].map(|codes: Vec<u32>| Column::new(codes, 40, None));
            let found = MinimalUniques::of(&table.each_ref(), None, &Settings::default(), &Unwatched).unwrap();
            let mut scores = Scores::of(&found, Scoring::Factorial);
            scores.by_size = vec![0, 35, 60];
            let over = left_over(&scores, named);
            let apart = Apart::of(1000);
            let counts = sizes(&scores, &over, &apart).map(|evidence| match evidence {
                Evidence::Table(table) => table.rows.into_iter().map(|row| row[1].clone()).collect::<Vec<_>>(),
                other => panic!("not a table: {other:?}"),
            });
            (counts, sum_tells_nothing(&scores, &over, &apart))
        };
        // Five sets of two columns are left over, and 60 of three: the sum would say so if the 60 were known, and it is said that they
        // are the only ones.
        assert_eq!(of(&[(30, 0b11)]), (None, false));
        assert_eq!(of(&[(35, 0b11), (20, 0b111)]), (Some(["0", "35", "60"].map(str::to_owned).to_vec()), true));
        assert!(of(&[]).1, "nothing is named");
    }

    /// U phi / (U phi + P (1 - phi)) without pairs: said, not 1.
    #[test]
    fn without_pairs_there_is_no_probability() {
        let findings = case(600, Some(Population::Fraction(0.1))).run(&SpecialUniques::default(), 1);
        let found = findings.iter().find(|finding| finding.measure == MATCH).unwrap();
        assert!(found.estimate.is_none() && found.sentence.contains("cannot be estimated"));
    }

    #[test]
    fn a_cut_search_says_so() {
        let check = SpecialUniques { max_size: Some(1), few: 3 };
        let finding = case(600, None).run(&check, 1).remove(0);
        // Nothing is found among single columns, and 600 are singled out by all: between the two lies the truth (0.6).
        let estimate = finding.estimate.unwrap();
        assert_eq!((estimate.low, estimate.high, estimate.method), (0.0, 0.6, Method::CutSearch));
        assert!(finding.settings.contains(&("few columns".to_owned(), "3".to_owned())));
        assert!(finding.sentence.starts_with("For at least 0"), "{}", finding.sentence);
        assert!(finding.limits.iter().any(|limit| limit.contains("up to 1 of 3")));
        // Sets as large as asked for are all looked at: counted.
        let whole = case(600, None).run(&SpecialUniques { max_size: Some(2), few: 2 }, 1).remove(0);
        assert_eq!(whole.estimate.unwrap(), Estimate::exact(0.6, 1000));
    }

    /// Six unique records give no number, and the limit on it finds a finding to doubt.
    #[test]
    fn few_uniques_withhold_the_probability() {
        let findings = case(6, Some(Population::Fraction(0.1))).run(&SpecialUniques::default(), 1);
        let found = findings.iter().find(|finding| finding.measure == MATCH).unwrap();
        assert!(found.estimate.is_none() && matches!(found.standing, Standing::Insufficient { .. }));
    }

    /// 40 records are singled out by `a` alone, five of 45 need `b`: no bar tells of the five.
    #[test]
    fn bars_do_not_tell_of_few() {
        let a = (0..1000)
            .map(|row| {
                if row < 40 {
                    row + 10
                } else if row < 45 {
                    1
                } else {
                    row % 2
                }
            })
            .collect::<Vec<_>>();
        let b = (0..1000).map(|row| if (40..45).contains(&row) { row } else { 0 }).collect::<Vec<_>>();
        let table = || Data::new(vec![integers("a", &a), integers("b", &b)]);
        let schema = Schema { quasi_identifiers: vec![ThreatModel::of("", &["a", "b"])], ..Schema::default() };
        let finding = Case::tables(table(), table(), schema).run(&SpecialUniques::default(), 1).remove(0);
        assert!(!finding.evidence.iter().any(|evidence| matches!(evidence, Evidence::Bars { .. })));
    }

    /// Records by their values of `a`, `b` and `c`.
    fn by_rows(rows: u32, of_row: impl Fn(u32) -> [u32; 3], population: Option<Population>) -> Case {
        let column = |at: usize| (0..rows).map(|row| of_row(row)[at]).collect::<Vec<_>>();
        let table = || Data::new(vec![integers("a", &column(0)), integers("b", &column(1)), integers("c", &column(2))]);
        let threat = ThreatModel { population, ..ThreatModel::of("", &["a", "b", "c"]) };
        Case::tables(table(), table(), Schema { quasi_identifiers: vec![threat], ..Schema::default() })
    }

    /// 64 stand alone by `a`, five more by `b` and `c`: 69 stand alone in all, which other checks say.
    #[test]
    fn the_special_among_those_alone_are_not_told_by_subtraction() {
        let of_row = |row: u32| match row {
            0..64 => [100 + row, 0, 0],
            64..69 => [0, row, 77],
            69..90 => [0, 99, 77],
            _ => [0, 64 + row % 5, 50],
        };
        let finding =
            by_rows(709, of_row, None).run(&SpecialUniques { few: 1, ..SpecialUniques::default() }, 1).remove(0);
        let estimate = finding.estimate.unwrap();
        assert_eq!(
            (estimate.low, estimate.high, estimate.method),
            (59.0 / 709.0, 68.0 / 709.0, Method::SuppressedCount)
        );
        let shown = serde_json::to_string(&finding).unwrap();
        assert!(shown.contains("69 of 709") && !shown.contains("64 of"), "{shown}");
        let Evidence::Table(named) = &finding.evidence[0] else { panic!("the sets are named, and no bar is drawn") };
        assert_eq!(named.rows, [["a", "withheld"]]);
    }

    /// 30 are singled out by `a` and `b`, 30 by `b` and `c`, 8 by `a` and `c`: the sum of scores behind a bar would tell of the 8.
    #[test]
    fn bars_do_not_tell_of_what_the_named_sets_leave() {
        let of_row = |row: u32| match row {
            0..30 => [10 + row % 6, 20 + row / 6, 1],
            30..60 => [0, 40 + row % 6, 50 + row / 6],
            60..68 => [30 + row % 2, 1, 70 + row / 2],
            _ => [0, 1, 1],
        };
        let finding = by_rows(1000, of_row, None).run(&SpecialUniques::default(), 1).remove(0);
        let Evidence::Table(named) = &finding.evidence[0] else { panic!("no bar is drawn") };
        assert_eq!(named.rows, [["a + b", "30"], ["b + c", "30"]]);
        assert_eq!(finding.evidence.len(), 1, "nor are the sets counted");
    }

    /// 980 alone, 14 in pairs and six in a group: value and interval would give all three.
    #[test]
    fn few_who_are_neither_unique_nor_a_pair_withhold_the_probability() {
        let of_row = |row: u32| match row {
            0..980 => [100 + row, 0, 0],
            980..994 => [100 + row / 2, 7, 0],
            _ => [0, 0, 7],
        };
        let findings = by_rows(1000, of_row, Some(Population::Fraction(0.1))).run(&SpecialUniques::default(), 1);
        let found = findings.iter().find(|finding| finding.measure == MATCH).unwrap();
        assert!(found.estimate.is_none() && matches!(found.standing, Standing::Insufficient { .. }));
    }

    /// The sum over records tells how many have each score.
    #[test]
    fn sums_over_records_are_shown_where_every_score_is_of_many() {
        let scores = |few: usize| {
            let mut of_row = vec![1.0; 64];
            of_row.extend(vec![2.0; few]);
            let table = Column::new([0, 1], 2, None);
            let found = MinimalUniques::of(&[&table], None, &Settings::default(), &Unwatched).unwrap();
            let mut scores = Scores::of(&found, Scoring::Factorial);
            scores.of_row = of_row;
            scores
        };
        assert!(!every_score_is_of_many(&scores(8)));
        assert!(every_score_is_of_many(&scores(0)) && every_score_is_of_many(&scores(11)));
    }

    #[test]
    fn settings_are_checked() {
        for (wrong, setting) in [("few = 0", "`few`"), ("max-size = 0", "`max-size`")] {
            let refused = refused::<SpecialUniques>(wrong);
            assert!(refused.contains(setting) && refused.contains("is not from 1 to 64"), "{refused}");
        }
        assert_eq!(toml::from_str::<SpecialUniques>("max-size = 4").expect("fits").max_size, Some(4));
    }
}
