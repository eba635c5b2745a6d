//! # What it measures
//! Which columns tell members from non-members by themselves, without the model: every column as a detector of membership
//! (area under the curve, 0.5 is what a random split gives), whether cells are missing more often in one set, and whether
//! the outcome is distributed alike.
//!
//! # Who could do this
//! Nobody needs to: this is a control. It names what the blind classifier of `dataset/split-integrity` only notices.
//!
//! # How
//! A column is tried in up to four ways: numbers by their size (folded, an area of 0.3 counts as 0.7); levels, and ranges of
//! numbers, by how common they are among the members of four fifths of the patients, judged on the fifth; texts of many
//! levels by their order, in which digits count as numbers, so that running numbers and dates are found; and missing cells.
//! The intervals are DeLong's (Obuchowski's by patient), simultaneous over all columns and ways (Bonferroni). The outcome is
//! tried in the same way; for classes the chi-square test of equal shares stands beside it. Identifiers, patient numbers and
//! columns left out are tried too: a running number or a date betrays a split by time.
//!
//! # Reading the number
//! The area of the column that betrays most. Where its joint interval lies over 0.5 by more than the tolerance (0.02) the
//! two sets are no samples of the same people: results that compare them are void, and the column says why. A column that
//! is no feature is named and voids nothing: the model does not see it.
//!
//! # When it misleads
//! A small file hides a small shift. Sets may differ in a combination of columns though no single one shows it: the blind
//! classifier looks at all of them together. Many columns make the simultaneous intervals wider.
//!
//! # Cost
//! Sorting every column; no query to the model.
//!
//! # References
//! Das, Zhang, Tramer, "Blind baselines beat membership inference attacks" (2024); DeLong et al., Biometrics 1988;
//! Obuchowski, Biometrics 1997.

use rayon::prelude::*;
use serde::Deserialize;

use super::columns::{Column, MOST_LEVELS, Part, Way, columns};
use crate::check::blind::{FOLDS, Tolerance};
use crate::check::records::patients;
use crate::check::{Check, CheckError, CheckMeta, Need, Output, Subject};
use crate::data::Split;
use crate::finding::{Evidence, Family, Finding, Severity, Standing, Table, Unit, Worse};
use crate::learn::folds;
use crate::seed::Seed;
use crate::stats::contingency::chi_square;
use crate::stats::{Estimate, Level, roc};
use crate::watch::Watch;

pub(in crate::check) static META: CheckMeta = CheckMeta {
    id: "dataset/column-shift",
    title: "Columns that tell members from others",
    family: Family::Dataset,
    measures: &[COLUMN_SHIFT, LABEL_SHIFT],
    source: include_str!("column_shift.rs"),
};

/// The measure of the column that betrays most.
pub const COLUMN_SHIFT: &str = "dataset/column-shift";
/// The measure of the outcome.
pub const LABEL_SHIFT: &str = "dataset/label-shift";
/// The setting under which a finding lists the columns that differ.
pub const BY: &str = "columns that differ";

/// Fewest patients (or records) on either side.
const FEWEST: usize = 10;
/// Most columns that a sentence names.
const NAMED: usize = 3;
/// Most rows of the table.
const SHOWN: usize = 10;
/// Severity of an area by its lower end.
const SCALE: [f64; 4] = [0.52, 0.55, 0.6, 0.9];

/// The check.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ColumnShift {
    /// How far over 0.5 a column's interval may lie, from 0 to 0.1.
    tolerance: Tolerance,
}

/// A column tried in one way.
struct Tried<'c> {
    column: &'c Column,
    way: Way,
    area: Estimate,
}

/// Everything that all columns share.
struct Sides {
    members: usize,
    groups: Vec<u32>,
    grouped: bool,
    fold: Vec<usize>,
}

impl Check for ColumnShift {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Data]
    }

    fn run(&self, subject: &Subject<'_>, _watch: &dyn Watch) -> Result<Output, CheckError> {
        let Some(split) = subject.split else { return Ok(Output::default()) };
        let columns = columns(split);
        if columns.is_empty() {
            return Err(CheckError::NotApplicable {
                reason: "the records have neither named columns nor an outcome".to_owned(),
                remedy: "give the records as a table, or their labels".to_owned(),
            });
        }
        let sides = Sides::of(split, subject.seed.derive(META.id));
        let jobs: Vec<(&Column, Way)> =
            columns.iter().flat_map(|column| column.ways.iter().map(move |&way| (column, way))).collect();
        let level = Level::joint_95(jobs.len());
        let mut tried: Vec<Tried<'_>> =
            jobs.into_par_iter().filter_map(|(column, way)| sides.attempt(column, way, level)).collect();
        tried.sort_by(|a, b| strength(b).total_cmp(&strength(a)).then(b.area.value.total_cmp(&a.area.value)));
        let features: Vec<&Tried<'_>> = tried.iter().filter(|t| t.column.part == Part::Feature).collect();
        let outcome = tried.iter().find(|t| t.column.part == Part::Outcome);
        let apart: Vec<&Tried<'_>> = tried.iter().filter(|t| matches!(t.column.part, Part::Apart(_))).collect();
        let mut findings: Vec<Finding> = self.of_features(&features, &tried).into_iter().collect();
        findings.extend(self.of_apart(&apart));
        findings.extend(outcome.map(|outcome| self.of_outcome(outcome, &sides)));
        Ok(findings.into())
    }
}

/// What sorts detectors: how far the interval lies over 0.5.
fn strength(tried: &Tried<'_>) -> f64 {
    tried.area.low
}

impl ColumnShift {
    fn of_features(&self, features: &[&Tried<'_>], all: &[Tried<'_>]) -> Option<Finding> {
        let worst = features.first()?;
        let mut finding = self.about(COLUMN_SHIFT, worst);
        let differ = distinct(features.iter().filter(|t| self.tolerance.apart(&t.area)).copied());
        if self.tolerance.apart(&worst.area) {
            if finding.standing == Standing::Sound {
                finding.standing = Standing::Invalid { reason: reason(worst, &differ) };
            }
            finding.sentence = format!(
                "The column `{}` alone tells members from non-members, by {}: the two sets are not samples of the same people.",
                worst.column.name,
                worst.way.words()
            );
            finding.settings.push((BY.to_owned(), named(&differ)));
        } else {
            "No single column tells members from non-members beyond the tolerance.".clone_into(&mut finding.sentence);
        }
        finding.limits.push(
            "Sets may differ in a combination of columns though no single one shows it; see the blind classifier."
                .to_owned(),
        );
        finding.evidence.push(table(all));
        Some(finding)
    }

    /// The worst column that is no feature, where it betrays the split.
    fn of_apart(&self, apart: &[&Tried<'_>]) -> Option<Finding> {
        let worst = apart.first().filter(|worst| self.tolerance.apart(&worst.area))?;
        let differ = distinct(apart.iter().filter(|t| self.tolerance.apart(&t.area)).copied());
        let mut finding = self.about(COLUMN_SHIFT, worst);
        finding.severity = finding.severity.min(Severity::Moderate);
        finding.sentence = format!(
            "Members are told from non-members by {}, which {} no input of the comparison: the split is probably one by time, \
             place or order, and the people may differ in ways that no column shows.",
            named(&differ),
            if differ.len() == 1 { "is" } else { "are" }
        );
        finding.settings.push((BY.to_owned(), named(&differ)));
        finding.limits.push("Not a feature: it voids nothing by itself.".to_owned());
        Some(finding)
    }

    fn of_outcome(&self, outcome: &Tried<'_>, sides: &Sides) -> Finding {
        let mut finding = self.about(LABEL_SHIFT, outcome);
        let name = &outcome.column.name;
        if self.tolerance.apart(&outcome.area) {
            finding.sentence =
                format!("The outcome `{name}` is distributed otherwise among members than among others.");
            if finding.standing == Standing::Sound {
                finding.standing = Standing::Invalid { reason: reason(outcome, &[name.as_str()]) };
            }
            finding.settings.push((BY.to_owned(), named(&[name.as_str()])));
        } else {
            finding.sentence = format!("The outcome `{name}` is distributed alike in both sets within the tolerance.");
        }
        if outcome.column.levels <= MOST_LEVELS {
            finding.evidence.extend(sides.marginals(outcome.column));
        }
        finding
    }

    fn about(&self, measure: &str, tried: &Tried<'_>) -> Finding {
        let standing = if tried.area.n < FEWEST {
            Standing::Insufficient {
                reason: format!(
                    "fewer than {FEWEST} members or non-members cannot show whether the columns are alike."
                ),
                needed: "Hundreds of records on either side would.".to_owned(),
            }
        } else {
            Standing::Sound
        };
        Finding {
            check: META.id.to_owned(),
            measure: measure.to_owned(),
            scope: tried.column.name.clone(),
            sentence: String::new(),
            estimate: Some(tried.area),
            unit: Unit::Area,
            worse: Worse::Higher,
            null_value: Some(0.5),
            baseline: None,
            severity: Severity::on_scale(tried.area.low, SCALE),
            standing,
            evidence: Vec::new(),
            limits: vec!["A small file hides a small shift.".to_owned()],
            settings: vec![
                ("betrays by".to_owned(), tried.way.words().to_owned()),
                ("tolerance".to_owned(), self.tolerance.0.to_string()),
            ],
        }
    }
}

/// The names of columns in the order of the detectors, each once.
fn distinct<'c>(tried: impl Iterator<Item = &'c Tried<'c>>) -> Vec<&'c str> {
    let mut names: Vec<&str> = Vec::new();
    for one in tried {
        if !names.contains(&one.column.name.as_str()) {
            names.push(&one.column.name);
        }
    }
    names
}

/// The first few names in words.
fn named(names: &[&str]) -> String {
    let first: Vec<String> = names.iter().take(NAMED).map(|name| format!("`{name}`")).collect();
    let list = format!("the column{} {}", if names.len() == 1 { "" } else { "s" }, first.join(", "));
    if names.len() > NAMED { format!("{list} and {} others", names.len() - NAMED) } else { list }
}

fn reason(worst: &Tried<'_>, differ: &[&str]) -> String {
    format!(
        "members and non-members differ without the model, by {}: {} in `{}` alone tells them apart with an area of {} \
         (joint interval {}), where a random split gives 0.5. Any attack would seem to succeed. Restrict both sets to the range \
         that they share, or draw the non-members at random from the same source and time as the members.",
        named(differ),
        match worst.way {
            Way::Size => "the size of the number",
            Way::Level => "the value",
            Way::Order => "the place in order",
            Way::Missing => "a missing cell",
        },
        worst.column.name,
        Unit::Area.show(worst.area.value),
        Unit::Area.show_interval(&worst.area)
    )
}

/// The detectors that betray most, one a column.
fn table(tried: &[Tried<'_>]) -> Evidence {
    let mut seen: Vec<&str> = Vec::new();
    let mut rows = Vec::new();
    for one in tried {
        if seen.contains(&one.column.name.as_str()) || rows.len() == SHOWN {
            continue;
        }
        seen.push(&one.column.name);
        let role = match one.column.part {
            Part::Feature => "feature".to_owned(),
            Part::Outcome => "outcome".to_owned(),
            Part::Apart(role) => role.to_string(),
        };
        let area = &one.area;
        let cells = [
            one.column.name.clone(),
            role,
            one.way.words().to_owned(),
            Unit::Area.show(area.value),
            Unit::Area.show_interval(area),
        ];
        rows.push(cells.to_vec());
    }
    Evidence::Table(Table {
        caption: format!(
            "The columns that betray membership most, of {} columns tried in {} ways; intervals hold for all of them together",
            distinct(tried.iter()).len(),
            tried.len()
        ),
        columns: ["column", "role", "betrays by", "area", "joint 95 % interval"].map(str::to_owned).to_vec(),
        rows,
    })
}

impl Sides {
    fn of(split: &Split, seed: Seed) -> Self {
        let (in_groups, out_groups) = patients(split);
        let members = in_groups.len();
        let groups = [in_groups, out_groups].concat();
        let strata: Vec<u32> = (0..groups.len()).map(|row| u32::from(row < members)).collect();
        let fold = folds::assign(&groups, &strata, FOLDS, seed);
        Self { members, groups, grouped: split.members.groups.is_some(), fold }
    }

    /// A column as a detector; nothing where too few cells are there to be compared.
    fn attempt<'c>(&self, column: &'c Column, way: Way, level: Level) -> Option<Tried<'c>> {
        let scores: Vec<f64> = match way {
            Way::Size | Way::Order => column.values.clone(),
            Way::Missing => column.missing.iter().map(|&gap| f64::from(u8::from(gap))).collect(),
            Way::Level => self.commonness(&column.codes, column.levels),
        };
        let kept = |rows: std::ops::Range<usize>| rows.filter(|&row| !scores[row].is_nan()).collect::<Vec<usize>>();
        let (members, nonmembers) = (kept(0..self.members), kept(self.members..scores.len()));
        let few = |rows: &[usize], all: usize| rows.len() < FEWEST.min(all);
        if few(&members, self.members) || few(&nonmembers, scores.len() - self.members) {
            return None;
        }
        let of = |rows: &[usize]| rows.iter().map(|&row| scores[row]).collect::<Vec<f64>>();
        let who = |rows: &[usize]| rows.iter().map(|&row| self.groups[row]).collect::<Vec<u32>>();
        let clusters = self.grouped.then(|| (who(&members), who(&nonmembers)));
        let clusters = clusters.as_ref().map(|(a, b)| (a.as_slice(), b.as_slice()));
        let area = roc::auc(&of(&members), &of(&nonmembers), clusters, level);
        let area = if way == Way::Level { at_least_chance(area) } else { folded(area) };
        Some(Tried { column, way, area })
    }

    /// The share of members among the other patients' records of the same level, less the share among all of them. A
    /// level that nobody else has says nothing.
    fn commonness(&self, codes: &[u32], levels: usize) -> Vec<f64> {
        let mut scores = vec![0.0; codes.len()];
        for fold in 0..FOLDS {
            let mut counts = vec![(0.0_f64, 0.0_f64); levels];
            for (row, &code) in codes.iter().enumerate().filter(|(row, _)| self.fold[*row] != fold) {
                let cell = &mut counts[code as usize];
                if row < self.members { cell.0 += 1.0 } else { cell.1 += 1.0 }
            }
            let (members, others) = counts.iter().fold((0.0, 0.0), |sum, cell| (sum.0 + cell.0, sum.1 + cell.1));
            let base = members / f64::max(members + others, 1.0);
            for (row, &code) in codes.iter().enumerate().filter(|(row, _)| self.fold[*row] == fold) {
                let (a, b) = counts[code as usize];
                scores[row] = (a + base) / (a + b + 1.0) - base;
            }
        }
        scores
    }

    /// How the classes of the outcome differ between the sets; no class is named.
    fn marginals(&self, outcome: &Column) -> Option<Evidence> {
        let mut counts = vec![(0, 0); outcome.levels];
        for (row, &code) in outcome.codes.iter().enumerate() {
            if row < self.members { counts[code as usize].0 += 1 } else { counts[code as usize].1 += 1 }
        }
        let test = chi_square(&counts)?;
        let (n, m) = (self.members as f64, (outcome.codes.len() - self.members) as f64);
        let apart: f64 = counts.iter().map(|&(a, b)| (f64::from(a as u32) / n - f64::from(b as u32) / m).abs()).sum();
        let p = if test.p < 0.001 { "less than 0.001".to_owned() } else { format!("{:.3}", test.p) };
        let row = [
            (test.degrees + 1).to_string(),
            Unit::Share.show(apart / 2.0),
            format!("{:.1}", test.statistic),
            test.degrees.to_string(),
            p,
        ];
        let columns = ["classes", "share that would have to change", "chi-square", "degrees of freedom", "p"];
        Some(Evidence::Table(Table {
            caption: "Shares of the classes in both sets; the test counts records as independent".to_owned(),
            columns: columns.map(str::to_owned).to_vec(),
            rows: vec![row.to_vec()],
        }))
    }
}

/// The area of a detector whose direction nobody knows beforehand: the farther of it and its mirror image.
fn folded(area: Estimate) -> Estimate {
    let value = area.value.max(1.0 - area.value);
    if area.low > 0.5 {
        area
    } else if area.high < 0.5 {
        Estimate { value, low: 1.0 - area.high, high: 1.0 - area.low, ..area }
    } else {
        Estimate { value, low: 0.5, high: area.high.max(1.0 - area.low), ..area }
    }
}

/// The area of a detector that learned its direction on other records: under 0.5 it found nothing.
fn at_least_chance(area: Estimate) -> Estimate {
    Estimate { value: area.value.max(0.5), low: area.low.max(0.5), high: area.high.max(0.5), ..area }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::check::specimen::{Case, Specimen, integers, normal, numbers, uniform};
    use crate::data::{Cells, Column as Named, Schema, Table as Records};

    /// Six columns: a shifted number, one that is not, levels, a running number, gaps, and the outcome.
    fn case(count: usize, shift: f64, seed: u64) -> Case {
        let seed = Seed::root(seed).derive("column specimen");
        let table = |name: &str, shift: f64, first: usize| {
            let seed = seed.derive(name);
            Records::new(vec![
                numbers("age", normal(count, -shift, seed.derive("age"))),
                numbers("weight", normal(count, 0.0, seed.derive("weight"))),
                texts("ward", &uniform(count, 6, seed.derive("ward")), "ward"),
                texts("record", &(0..count as u32).map(|row| first as u32 + row).collect::<Vec<_>>(), "R-"),
                numbers(
                    "gaps",
                    uniform(count, 4, seed.derive("gaps"))
                        .iter()
                        .map(|&v| if v == 0 { f64::NAN } else { f64::from(v) })
                        .collect(),
                ),
                integers("y", &uniform(count, 2, seed.derive("y"))),
            ])
        };
        let schema = Schema { target: Some("y".into()), identifiers: vec!["record".to_owned()], ..Schema::default() };
        Case::tables(table("members", shift, 0), table("nonmembers", 0.0, 0), schema)
    }

    fn texts(name: &str, codes: &[u32], stem: &str) -> Named {
        let levels = codes.iter().max().map_or(0, |&code| code + 1);
        let dictionary = Arc::new((0..levels).map(|level| format!("{stem}{level}")).collect());
        Named { name: name.to_owned(), cells: Cells::Text { codes: codes.to_vec(), dictionary } }
    }

    impl Specimen for ColumnShift {
        const MEASURE: &'static str = COLUMN_SHIFT;

        fn null(seed: u64) -> (Case, f64) {
            (case(250, 0.0, seed), 0.5)
        }

        fn leaky() -> Case {
            case(400, 2.0, 1)
        }

        /// Members are younger by one standard deviation: Phi(1 / sqrt 2), whatever the direction.
        fn graded(seed: u64) -> (Case, f64) {
            (case(1000, 1.0, seed), 0.760_249_938_906_524)
        }
    }

    fn of<'f>(findings: &'f [Finding], measure: &str, scope: &str) -> &'f Finding {
        findings.iter().find(|f| f.measure == measure && f.scope == scope).unwrap()
    }

    fn invalid(finding: &Finding) -> bool {
        matches!(finding.standing, Standing::Invalid { .. })
    }

    #[test]
    fn the_shifted_column_is_named() {
        let findings = case(400, 1.0, 3).run(&ColumnShift::default(), 3);
        let finding = of(&findings, COLUMN_SHIFT, "age");
        let Standing::Invalid { reason } = &finding.standing else { panic!("a shift voids") };
        assert!(reason.contains("`age`") && reason.contains("Restrict"), "{reason}");
        assert!(finding.settings.contains(&(BY.to_owned(), "the column `age`".to_owned())));
    }

    #[test]
    fn a_clean_split_is_rarely_voided() {
        let voided = |seed: u64| case(250, 0.0, seed).run(&ColumnShift::default(), seed).iter().any(invalid);
        let voided = (500..560).filter(|&seed| voided(seed)).count();
        assert!(voided <= 3, "{voided} of 60");
    }

    /// Two sets of one table whose members come first: whatever way a column betrays them is found.
    fn halves(columns: Vec<Named>, schema: Schema) -> Vec<Finding> {
        let table = Records::new(columns);
        let half = table.rows() / 2;
        let rows = |range: std::ops::Range<usize>| table.take(&range.collect::<Vec<_>>());
        Case::tables(rows(0..half), rows(half..2 * half), schema).run(&ColumnShift::default(), 1)
    }

    fn noise(count: usize) -> Named {
        numbers("noise", normal(count, 0.0, Seed::root(9).derive("noise")))
    }

    #[test]
    fn a_running_number_is_named_and_voids_only_as_a_feature() {
        let running = |name: &str| texts(name, &(0..400).collect::<Vec<u32>>(), "case-");
        let apart = Schema { identifiers: vec!["record".to_owned()], ..Schema::default() };
        let findings = halves(vec![noise(400), running("record")], apart);
        let finding = of(&findings, COLUMN_SHIFT, "record");
        assert_eq!(finding.standing, Standing::Sound);
        assert!(finding.sentence.contains("`record`") && finding.sentence.contains("time"), "{}", finding.sentence);
        let findings = halves(vec![noise(400), running("record")], Schema::default());
        assert!(invalid(of(&findings, COLUMN_SHIFT, "record")));
    }

    #[test]
    fn dates_levels_gaps_and_spreads_are_found() {
        let of_half = |a: u32, b: u32| (0..400).map(|row| if row < 200 { a } else { b }).collect::<Vec<u32>>();
        let dates = Named {
            name: "seen".to_owned(),
            cells: Cells::Text {
                codes: (0..400).collect(),
                dictionary: Arc::new(
                    (0..400).map(|day| format!("20{:02}-0{}-11", 10 + day / 40, 1 + day % 9)).collect(),
                ),
            },
        };
        let some = uniform(400, 3, Seed::root(4).derive("some"));
        let wards: Vec<u32> =
            some.iter().zip(of_half(0, 1)).map(|(&level, half)| if level == 0 { 3 + half } else { level }).collect();
        let gaps = some
            .iter()
            .zip(of_half(0, 1))
            .map(|(&v, half)| if v == 0 && half == 1 { f64::NAN } else { f64::from(v.max(1)) });
        let wide = normal(400, 0.0, Seed::root(5).derive("wide"));
        let spread = wide.iter().zip(of_half(1, 4)).map(|(v, scale)| v * f64::from(scale));
        let columns: [(&str, Named); 4] = [
            ("seen", dates),
            ("ward", texts("ward", &wards, "w")),
            ("gap", numbers("gap", gaps.collect())),
            ("spread", numbers("spread", spread.collect())),
        ];
        for (name, column) in columns {
            let findings = halves(vec![noise(400), column], Schema::default());
            assert!(invalid(of(&findings, COLUMN_SHIFT, name)), "{name}");
        }
    }

    #[test]
    fn label_shift_is_caught_for_classes_and_numbers() {
        let schema = || Schema { target: Some("y".into()), ..Schema::default() };
        let classes: Vec<u32> = uniform(600, 10, Seed::root(6))
            .iter()
            .enumerate()
            .map(|(row, &u)| u32::from(u < if row < 300 { 6 } else { 3 }))
            .collect();
        let findings = halves(vec![noise(600), integers("y", &classes)], schema());
        let finding = of(&findings, LABEL_SHIFT, "y");
        assert!(invalid(finding) && !finding.evidence.is_empty());
        let values: Vec<f64> = normal(600, 0.0, Seed::root(7))
            .iter()
            .enumerate()
            .map(|(row, v)| v + if row < 300 { 1.0 } else { 0.0 })
            .collect();
        assert!(invalid(of(&halves(vec![noise(600), numbers("y", values)], schema()), LABEL_SHIFT, "y")));
    }
}
