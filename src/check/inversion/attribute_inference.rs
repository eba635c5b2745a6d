//! # What it measures
//! For each sensitive column that the model takes as input: how much more often an attacker who can query the model
//! guesses a person's value right than an attacker with the same knowledge and no model. The difference, in percentage
//! points, is the finding; the rate alone is not, because values can be guessed from other columns.
//!
//! # Who could do this
//! Somebody who knows a person's other columns and outcome and can query the model, with records of other people to learn
//! from.
//!
//! # How
//! The model is asked about the record with every candidate value in place of the true one. Three rules turn the answers
//! into a guess: Fredrikson's maximum a posteriori (prior times the model's confusion matrix), the confidence-based rule
//! (the candidate that reproduces the outcome with most confidence; where none does, the one with least confidence in a
//! wrong outcome), and the imputer's posterior times the model's confidence. The rule is chosen on one half of the
//! attacked members and reported on the other. Candidates, prior and imputer come from non-members that are not attacked.
//! One record per patient is attacked, among those whose value is known and a candidate.
//!
//! # Reading the number
//! Four cells: attack and imputation, on members and on non-members. More than imputation on both sets says that the model
//! passes on what holds for everybody; adding more on members than on non-members (the gap, a difference in differences)
//! says that being in the training data made a person's value guessable. Intervals are joint over the sensitive columns.
//!
//! # When it misleads
//! Too low: an attacker who knows more, or the model's file, may do better. Too high: a weak imputer makes any model look
//! leaky; it uses all other columns, the outcome and up to the whole auxiliary half.
//!
//! # Cost
//! (members + non-members attacked) x candidates queries; the setting `queries` bounds it.
//!
//! # References
//! Fredrikson et al., USENIX Security 2014 and CCS 2015; Yeom et al., CSF 2018; Mehnaz et al., USENIX Security 2022;
//! Jayaraman and Evans, CCS 2022; Newcombe, Statistics in Medicine 1998.

use serde::Deserialize;

use super::imputer::{self, Imputed};
use crate::check::{Answers, Audited, Check, CheckError, CheckMeta, Need, Output, Subject, Truth};
use crate::data::encode::{joint_codes, tensors};
use crate::data::{Cells, Features, Split, Table};
use crate::finding::{Baseline, CellPair, Count, Evidence, Family, Finding, Severity, Standing, Unit, Worse, part_of};
use crate::learn::{Encoded, folds};
use crate::model::{Predictions, largest, log_probability};
use crate::seed::Seed;
use crate::stats::interval::{Paired, difference, wilson};
use crate::stats::rank::quantile;
use crate::stats::{Estimate, Level};
use crate::watch::Watch;

pub(in crate::check) static META: CheckMeta = CheckMeta {
    id: "inversion/attribute-inference",
    title: "Attribute inference against imputation",
    family: Family::Inversion,
    measures: &[EXCESS, GAP],
    source: include_str!("attribute_inference.rs"),
};

const EXCESS: &str = "inversion/attribute-inference-excess";
const GAP: &str = "inversion/attribute-inference-member-gap";
/// Severity scale of the proven excess: the limits of the likelihood table (very low to high).
const SCALE: [f64; 4] = [0.01, 0.05, 0.10, 0.25];
/// Fewest records of a set that are reported on.
const FEWEST: usize = 10;
const RULES: [&str; 3] = ["maximum a posteriori (Fredrikson)", "confidence", "imputer times confidence"];

/// The check.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AttributeInference {
    /// Most rows to send to the model per sensitive column.
    queries: usize,
    /// Most candidate values per column, by falling frequency; numbers with more values are cut into as many bins.
    candidates: usize,
}

impl Default for AttributeInference {
    fn default() -> Self {
        Self { queries: 100_000, candidates: 20 }
    }
}

impl Check for AttributeInference {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Model, Need::Table, Need::Target, Need::Classification, Need::Sensitive]
    }

    fn run(&self, subject: &Subject<'_>, watch: &dyn Watch) -> Result<Output, CheckError> {
        let (Some(model), Some(split)) = (subject.model, subject.split) else { return Ok(Output::default()) };
        let (Some(members), Some(nonmembers)) = (split.members.table(), split.nonmembers.table()) else {
            return Ok(Output::default());
        };
        let (Some(in_answers), Some(out_answers)) = (&model.members, &model.nonmembers) else {
            return Ok(Output::default());
        };
        let level = Level::joint_95(2 * split.schema.sensitive.len()); // an excess and a gap per column
        let mut findings = Vec::new();
        for column in &split.schema.sensitive {
            if !model.slots.iter().any(|slot| slot.columns.contains(column)) {
                findings.push(no_input(column));
                continue;
            }
            let seed = subject.seed.derive(META.id).derive(column);
            let scene = Scene { model, split, members, nonmembers, in_answers, out_answers, column, level };
            findings.extend(self.attack(&scene, seed, watch)?);
        }
        Ok(findings.into())
    }
}

/// What an attack on one column works with.
struct Scene<'a> {
    model: &'a Audited,
    split: &'a Split,
    members: &'a Table,
    nonmembers: &'a Table,
    in_answers: &'a Answers,
    out_answers: &'a Answers,
    column: &'a str,
    level: Level,
}

/// The rows of each part: members and non-members that are attacked, non-members that the attacker learns from.
struct Parts {
    attacked_members: Vec<usize>,
    attacked_nonmembers: Vec<usize>,
    auxiliary: Vec<usize>,
}

/// Candidate values of a column: for each row of both tables its candidate, and for each candidate a row that has it.
struct Candidates {
    /// Candidate per member row, then per non-member row.
    truth: Vec<Option<u32>>,
    /// A non-member row with the candidate's value.
    exemplar: Vec<usize>,
}

/// Guesses on one set of records: which were right.
struct Outcome {
    /// Per rule.
    attack: Vec<Vec<bool>>,
    baseline: Vec<bool>,
    guesser: &'static str,
}

impl AttributeInference {
    fn attack(&self, scene: &Scene<'_>, seed: Seed, watch: &dyn Watch) -> Result<Vec<Finding>, CheckError> {
        let mut parts = scene.parts(seed);
        let candidates = scene.candidates(&parts.auxiliary, self.candidates);
        let count = candidates.exemplar.len();
        if count < 2 {
            return Ok(vec![one_value(scene.column)]);
        }
        let per_side = (self.queries / count / 2).max(1);
        let (known, asked_about) = scene.only_known(&mut parts, &candidates);
        parts.attacked_members.truncate(per_side);
        parts.attacked_nonmembers.truncate(per_side);
        let data = scene.other_columns();
        let offset = scene.members.rows();
        let asked: Vec<usize> = parts
            .attacked_members
            .iter()
            .copied()
            .chain(parts.attacked_nonmembers.iter().map(|row| offset + row))
            .collect();
        let auxiliary: Vec<usize> = parts.auxiliary.iter().map(|row| offset + row).collect();
        let imputed = imputer::impute(&data, &auxiliary, &candidates.truth, count, &asked, seed.derive("imputer"));
        let knowledge = Knowledge::of(scene, &candidates, &parts.auxiliary);
        let cut = parts.attacked_members.len() * count;
        let (of_members, of_nonmembers) = imputed.posterior.split_at(cut);
        let (of_members, of_nonmembers) = (of_members.to_vec(), of_nonmembers.to_vec());
        let side = |posterior, guesser| Imputed { posterior, guesser };
        let members = scene.outcome(
            Which::Members,
            &parts.attacked_members,
            &candidates,
            &knowledge,
            &side(of_members, imputed.guesser),
            watch,
        )?;
        let nonmembers = scene.outcome(
            Which::NonMembers,
            &parts.attacked_nonmembers,
            &candidates,
            &knowledge,
            &side(of_nonmembers, imputed.guesser),
            watch,
        )?;
        if members.baseline.len() < 2 * FEWEST || nonmembers.baseline.len() < FEWEST {
            return Ok(vec![too_few(scene.column)]);
        }
        Ok(self.findings(scene, &members, &nonmembers, count, &part_of(known, asked_about)))
    }

    fn findings(
        &self,
        scene: &Scene<'_>,
        members: &Outcome,
        nonmembers: &Outcome,
        candidates: usize,
        coverage: &str,
    ) -> Vec<Finding> {
        // Rows are in random order: the first half chooses the rule, the second reports it.
        let half = members.baseline.len() / 2;
        let hits = |rule: usize| members.attack[rule][..half].iter().filter(|hit| **hit).count();
        let rule = (0..RULES.len()).rev().max_by_key(|&rule| hits(rule)).unwrap_or(0);
        let (attack, baseline) = (&members.attack[rule][half..], &members.baseline[half..]);
        let excess = Paired::of(attack, baseline).difference(scene.level);
        let outside = Paired::of(&nonmembers.attack[rule], &nonmembers.baseline).difference(scene.level);
        let right = |hits: &[bool]| hits.iter().filter(|hit| **hit).count();
        let rate = |hits: &[bool]| wilson(right(hits), hits.len(), scene.level);
        // What the model adds on members beyond what it adds on others: the imputer's own luck with either set drops out.
        let gap = difference(&excess, &outside);
        let settings = vec![
            ("rule, chosen on other members".to_owned(), RULES[rule].to_owned()),
            ("imputer".to_owned(), members.guesser.to_owned()),
            ("candidate values".to_owned(), candidates.to_string()),
            ("members whose value is a candidate".to_owned(), coverage.to_owned()),
            ("members reported on".to_owned(), Count::of(attack.len()).to_string()),
            ("non-members reported on".to_owned(), Count::of(nonmembers.baseline.len()).to_string()),
            ("queries allowed".to_owned(), self.queries.to_string()),
        ];
        let mut main = blank(scene.column, EXCESS, settings.clone());
        main.sentence = format!(
            "With the model, an attacker guesses `{}` right for {} of the members attacked; without it for {}. {}",
            scene.column,
            Unit::Share.show(rate(attack).value),
            Unit::Share.show(rate(baseline).value),
            meaning(&excess, &gap)
        );
        main.baseline = Some(Baseline {
            name: "imputation without the model, on the same members".to_owned(),
            estimate: rate(baseline),
        });
        main.severity = Severity::on_scale(excess.low, SCALE);
        main.evidence = vec![Evidence::FourCells {
            title: title(scene.column, &excess),
            pairs: vec![
                CellPair { name: "members".to_owned(), attack: rate(attack), baseline: rate(baseline) },
                CellPair {
                    name: "non-members".to_owned(),
                    attack: rate(&nonmembers.attack[rule]),
                    baseline: rate(&nonmembers.baseline),
                },
            ],
        }];
        main.limits.push(format!(
            "On non-members the model adds {} ({}).",
            Unit::ShareDifference.show(outside.value),
            Unit::ShareDifference.show_interval(&outside)
        ));
        main.estimate = Some(excess);
        let mut second = blank(scene.column, GAP, settings);
        second.sentence = format!(
            "The model adds {1} more right guesses of `{0}` on members than on people it never saw.",
            scene.column,
            Unit::ShareDifference.show(gap.value)
        );
        second.severity = Severity::on_scale(gap.low, SCALE);
        second.estimate = Some(gap);
        vec![main, second]
    }
}

/// The verdict of the four cells in words.
fn meaning(excess: &Estimate, gap: &Estimate) -> &'static str {
    match (excess.low > 0.0, gap.low > 0.0) {
        (true, true) => {
            "The gain is larger for members than for others: it comes from being in the training data, an individual disclosure."
        }
        (true, false) => "The model passes on what holds for the whole population, not for its members in particular.",
        (false, true) => {
            "The model helps more with members than with others, but adds nothing to good guesses on average."
        }
        (false, false) => "No leak beyond imputation is shown.",
    }
}

fn title(column: &str, excess: &Estimate) -> String {
    if excess.low > 0.0 {
        format!("The model helps to guess `{column}`")
    } else {
        format!("The model does not help to guess `{column}` beyond imputation")
    }
}

fn blank(column: &str, measure: &str, settings: Vec<(String, String)>) -> Finding {
    Finding {
        check: META.id.to_owned(),
        measure: measure.to_owned(),
        scope: column.to_owned(),
        sentence: String::new(),
        estimate: None,
        unit: Unit::ShareDifference,
        worse: Worse::Higher,
        null_value: Some(0.0),
        baseline: None,
        severity: Severity::VeryLow,
        standing: Standing::Sound,
        evidence: Vec::new(),
        limits: vec![
            "Only records whose value is known and one of the candidates are attacked; rarer values are not judged."
                .to_owned(),
            "One record per patient is attacked.".to_owned(),
        ],
        settings,
    }
}

fn no_input(column: &str) -> Finding {
    let mut finding = blank(column, EXCESS, Vec::new());
    finding.sentence = format!("`{column}` is no input of the model and was not attacked.");
    finding.standing = Standing::Insufficient {
        reason: format!("`{column}` is declared sensitive and is no input of the model; this attack cannot test it."),
        needed: "Take it out of `[columns] sensitive`, or judge it by other means.".to_owned(),
    };
    finding
}

fn too_few(column: &str) -> Finding {
    let mut finding = blank(column, EXCESS, Vec::new());
    finding.sentence = format!("Too few records have a known value of `{column}` that could be attacked.");
    finding.standing = Standing::Insufficient {
        reason: format!("too few records have a known value of `{column}` among the candidates."),
        needed: "Hundreds of members and non-members with a known value would do.".to_owned(),
    };
    finding
}

fn one_value(column: &str) -> Finding {
    let mut finding = blank(column, EXCESS, Vec::new());
    finding.sentence = format!("`{column}` has a single value among the records an attacker could learn from.");
    finding.standing = Standing::Insufficient {
        reason: format!("`{column}` has fewer than two candidate values."),
        needed: "More non-member records, or another sensitive column.".to_owned(),
    };
    finding
}

#[derive(Clone, Copy)]
enum Which {
    Members,
    NonMembers,
}

/// What the attacker knows about candidates: how frequent they are, and how the model errs.
struct Knowledge {
    /// ln share of each candidate.
    prior: Vec<f64>,
    /// ln P(true class | predicted class), `[predicted][true]`.
    confusion: Vec<Vec<f64>>,
}

impl Knowledge {
    fn of(scene: &Scene<'_>, candidates: &Candidates, auxiliary: &[usize]) -> Self {
        let offset = scene.members.rows();
        let labels: Vec<u32> = candidates.truth.iter().map(|candidate| candidate.unwrap_or(0)).collect();
        let known: Vec<usize> =
            auxiliary.iter().map(|row| offset + row).filter(|&row| candidates.truth[row].is_some()).collect();
        let prior = imputer::shares(&known, &labels, candidates.exemplar.len()).into_iter().map(f64::ln).collect();
        let classes = scene.model.target.facts().classes.len().max(1);
        let mut counts = vec![vec![1.0_f64; classes]; classes];
        if let Truth::Classes(truth) = &scene.out_answers.truth {
            for &row in auxiliary {
                let predicted = scene.out_answers.predictions.class(row) as usize;
                if let Some(of_predicted) = counts.get_mut(predicted) {
                    of_predicted[truth[row] as usize] += 1.0;
                }
            }
        }
        let log_shares = |row: Vec<f64>| {
            let total: f64 = row.iter().sum();
            row.into_iter().map(|count| (count / total).ln()).collect()
        };
        Self { prior, confusion: counts.into_iter().map(log_shares).collect() }
    }
}

impl Scene<'_> {
    /// Parts of the data by patient, in random order, one record per patient among the attacked.
    fn parts(&self, seed: Seed) -> Parts {
        let own = |count: usize| (0..count as u32).collect::<Vec<u32>>();
        let in_groups = self.split.members.groups.clone().unwrap_or_else(|| own(self.members.rows()));
        let out_groups = self.split.nonmembers.groups.clone().unwrap_or_else(|| own(self.nonmembers.rows()));
        let half_of = folds::assign(&out_groups, &vec![0; out_groups.len()], 2, seed.derive("auxiliary"));
        let (auxiliary, rest): (Vec<usize>, Vec<usize>) = (0..out_groups.len()).partition(|&row| half_of[row] == 0);
        let shuffled = |rows: Vec<usize>, groups: &[u32], name: &str| {
            let of_rows: Vec<u32> = rows.iter().map(|&row| groups[row]).collect();
            let mut chosen: Vec<usize> =
                folds::representatives(&of_rows, seed.derive(name)).into_iter().map(|i| rows[i]).collect();
            rand::seq::SliceRandom::shuffle(&mut chosen[..], &mut seed.derive(name).derive("order").stream());
            chosen
        };
        Parts {
            attacked_members: shuffled((0..in_groups.len()).collect(), &in_groups, "members"),
            attacked_nonmembers: shuffled(rest, &out_groups, "nonmembers"),
            auxiliary,
        }
    }

    /// Keeps the attacked records whose value is a candidate: a missing or rarer value can be guessed right by nobody, and
    /// counting it as a failure of both would shrink any leak. Returns how many members are left, of how many.
    fn only_known(&self, parts: &mut Parts, candidates: &Candidates) -> (usize, usize) {
        let all = parts.attacked_members.len();
        let offset = self.members.rows();
        parts.attacked_members.retain(|&row| candidates.truth[row].is_some());
        parts.attacked_nonmembers.retain(|&row| candidates.truth[offset + row].is_some());
        (parts.attacked_members.len(), all)
    }

    fn cells(&self) -> Option<(&Cells, &Cells)> {
        Some((&self.members.column(self.column)?.cells, &self.nonmembers.column(self.column)?.cells))
    }

    /// Candidates from auxiliary records: the most frequent values, or bins of a number with many values.
    fn candidates(&self, auxiliary: &[usize], most: usize) -> Candidates {
        let Some((in_cells, out_cells)) = self.cells() else {
            return Candidates { truth: Vec::new(), exemplar: Vec::new() };
        };
        let (in_codes, out_codes, levels) = joint_codes(in_cells, out_cells);
        let mut counts = vec![0_usize; levels];
        let mut exemplar_of = vec![usize::MAX; levels];
        for &row in auxiliary.iter().filter(|&&row| !out_cells.is_missing(row)) {
            counts[out_codes[row] as usize] += 1;
            exemplar_of[out_codes[row] as usize] = exemplar_of[out_codes[row] as usize].min(row);
        }
        let present = counts.iter().filter(|&&count| count > 0).count();
        if present > most
            && let (Some(in_numbers), Some(out_numbers)) = (numbers(in_cells), numbers(out_cells))
        {
            return binned_candidates(&in_numbers, &out_numbers, auxiliary, most);
        }
        let mut order: Vec<usize> = (0..levels).filter(|&code| counts[code] > 0).collect();
        order.sort_by_key(|&code| (std::cmp::Reverse(counts[code]), code));
        order.truncate(most);
        let mut candidate_of: Vec<Option<u32>> = vec![None; levels];
        order.iter().enumerate().for_each(|(candidate, &code)| candidate_of[code] = Some(candidate as u32));
        let truth = in_codes.iter().chain(&out_codes).map(|&code| candidate_of[code as usize]).collect();
        Candidates { truth, exemplar: order.into_iter().map(|code| exemplar_of[code]).collect() }
    }

    /// The other features and the outcome of both tables, for the imputer.
    fn other_columns(&self) -> Encoded {
        let mut data = Encoded::new(self.members.rows() + self.nonmembers.rows());
        for column in self.members.columns() {
            if column.name == self.column || !self.split.schema.is_feature(&column.name) {
                continue;
            }
            if let Some(other) = self.nonmembers.column(&column.name) {
                data.push(&[&column.cells, &other.cells]);
            }
        }
        if let (Some(a), Some(b)) = (&self.split.members.target, &self.split.nonmembers.target) {
            a.columns().iter().zip(b.columns()).for_each(|(a, b)| data.push(&[a, b]));
        }
        data
    }

    /// Asks the model about every candidate for some rows and applies all rules.
    fn outcome(
        &self,
        which: Which,
        rows: &[usize],
        candidates: &Candidates,
        knowledge: &Knowledge,
        imputed: &Imputed,
        watch: &dyn Watch,
    ) -> Result<Outcome, CheckError> {
        let (table, answers, offset) = match which {
            Which::Members => (self.members, self.in_answers, 0),
            Which::NonMembers => (self.nonmembers, self.out_answers, self.members.rows()),
        };
        let Truth::Classes(outcomes) = &answers.truth else {
            return Ok(Outcome {
                attack: vec![Vec::new(); RULES.len()],
                baseline: Vec::new(),
                guesser: imputed.guesser,
            });
        };
        let attacked = table.take(rows);
        let values = self.nonmembers.column(self.column).map(|column| &column.cells);
        let mut replies = Vec::with_capacity(candidates.exemplar.len());
        for &exemplar in &candidates.exemplar {
            let Some(values) = values else { break };
            let asked = Features::Table(attacked.with(self.column, &values.repeat(exemplar, rows.len())));
            replies.push(self.model.target.query(&tensors(&asked, &self.model.slots)?, META.id, watch)?);
        }
        let count = replies.len();
        let mut outcome =
            Outcome { attack: vec![Vec::new(); RULES.len()], baseline: Vec::new(), guesser: imputed.guesser };
        for (i, &row) in rows.iter().enumerate() {
            let class = outcomes[row];
            let posterior = &imputed.posterior[i * count..(i + 1) * count];
            let truth = candidates.truth[offset + row];
            let guesses = guesses(&replies, i, class, knowledge, posterior);
            outcome.baseline.push(truth == Some(largest(posterior)));
            outcome.attack.iter_mut().zip(guesses).for_each(|(hits, guess)| hits.push(truth == Some(guess)));
        }
        Ok(outcome)
    }
}

/// The guess of every rule for one record.
fn guesses(replies: &[Predictions], row: usize, class: u32, knowledge: &Knowledge, posterior: &[f64]) -> [u32; 3] {
    let confidence: Vec<f64> = replies.iter().map(|reply| log_confidence(reply, row, class as usize)).collect();
    let predicted: Vec<u32> = replies.iter().map(|reply| reply.class(row)).collect();
    let map: Vec<f64> = predicted
        .iter()
        .zip(&knowledge.prior)
        .map(|(&p, prior)| {
            prior + knowledge.confusion.get(p as usize).map_or(f64::NEG_INFINITY, |row| row[class as usize])
        })
        .collect();
    // Confidence rule: candidates that reproduce the outcome by most confidence; where none does, by least confidence in
    // what they predict instead. The prior breaks ties.
    let reproduces = predicted.contains(&class);
    let by_confidence: Vec<f64> = (0..replies.len())
        .map(|v| match (reproduces, predicted[v] == class) {
            (true, true) => confidence[v],
            (true, false) => f64::NEG_INFINITY,
            (false, _) => -log_confidence(&replies[v], row, predicted[v] as usize),
        })
        .collect();
    let joint: Vec<f64> = posterior.iter().zip(&confidence).map(|(p, c)| p.max(1e-300).ln() + c).collect();
    [best(&map, &knowledge.prior), best(&by_confidence, &knowledge.prior), largest(&joint)]
}

/// The largest score, the more frequent candidate among equals.
fn best(scores: &[f64], prior: &[f64]) -> u32 {
    let mut best = 0;
    for candidate in 1..scores.len() {
        if (scores[candidate], prior[candidate]) > (scores[best], prior[best]) {
            best = candidate;
        }
    }
    best as u32
}

/// ln of the model's confidence in a class; a model that only names classes is taken to be right 99 times in 100.
fn log_confidence(reply: &Predictions, row: usize, class: usize) -> f64 {
    match reply {
        Predictions::Scores { scale, classes, values, .. } => {
            let scores = &values[row * classes..(row + 1) * classes];
            if class < *classes { log_probability(*scale, scores, class) } else { f64::NEG_INFINITY }
        }
        Predictions::Labels(labels) => if labels[row] as usize == class { 0.99_f64 } else { 0.01 }.ln(),
        // The check needs a model of classes.
        _ => 0.0,
    }
}

fn numbers(cells: &Cells) -> Option<Vec<f64>> {
    match cells {
        Cells::Integer(values) => Some(values.iter().map(|v| v.map_or(f64::NAN, |v| v as f64)).collect()),
        Cells::Float(values) => Some(values.clone()),
        Cells::Text { .. } | Cells::Bool(_) => None,
    }
}

/// Bins between auxiliary quantiles; the exemplar of a bin is the auxiliary record in its middle.
fn binned_candidates(members: &[f64], nonmembers: &[f64], auxiliary: &[usize], bins: usize) -> Candidates {
    let mut rows: Vec<usize> = auxiliary.iter().copied().filter(|&row| !nonmembers[row].is_nan()).collect();
    rows.sort_by(|&a, &b| nonmembers[a].total_cmp(&nonmembers[b]));
    let sorted: Vec<f64> = rows.iter().map(|&row| nonmembers[row]).collect();
    let mut edges: Vec<f64> = (1..bins).map(|i| quantile(&sorted, i as f64 / bins as f64)).collect();
    edges.dedup();
    let bin = |value: f64| edges.partition_point(|edge| *edge < value);
    let mut exemplar = Vec::new();
    let mut renumbered: Vec<Option<u32>> = vec![None; edges.len() + 1];
    for (index, candidate) in renumbered.iter_mut().enumerate() {
        let inside: Vec<usize> = rows.iter().copied().filter(|&row| bin(nonmembers[row]) == index).collect();
        if let Some(&middle) = inside.get(inside.len() / 2) {
            *candidate = Some(exemplar.len() as u32);
            exemplar.push(middle);
        }
    }
    let truth =
        members.iter().chain(nonmembers).map(|&value| if value.is_nan() { None } else { renumbered[bin(value)] });
    Candidates { truth: truth.collect(), exemplar }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::specimen::{Case, Specimen, integers, numbers, uniform};
    use crate::data::Schema;
    use crate::data::encode::Slot;
    use crate::model::Scale;
    use crate::tensor::{Element, Tensor, Values};

    const VALUES: u32 = 4;

    /// Records with a sensitive column `s` that nothing predicts, and a model that remembers the first `remembered` members:
    /// it is sure of their outcome exactly when `s` is right, and says 60 % otherwise.
    fn case(count: usize, remembered: usize, seed: u64) -> Case {
        let seed = Seed::root(seed).derive("attribute specimen");
        let id = |start: usize| (0..count).map(|row| (start + row) as f64).collect::<Vec<f64>>();
        let draw = |name: &str, levels: u32| uniform(count, levels, seed.derive(name));
        let (s, y) = (draw("members s", VALUES), draw("members y", 2));
        let (other_s, other_y) = (draw("nonmembers s", VALUES), draw("nonmembers y", 2));
        let table = |start: usize, s: &[u32], y: &[u32]| {
            Table::new(vec![numbers("id", id(start)), integers("s", s), integers("y", y)])
        };
        let schema = Schema { target: Some("y".into()), sensitive: vec!["s".to_owned()], ..Schema::default() };
        let slot = |name: &str| Slot {
            input: name.to_owned(),
            columns: vec![name.to_owned()],
            element: Element::F64,
            row_shape: vec![1],
        };
        let known = (s.clone(), y.clone());
        let answer = move |inputs: &[Tensor]| {
            let (Values::F64(ids), Values::F64(asked)) = (&inputs[0].values, &inputs[1].values) else {
                unreachable!("the slots are floats")
            };
            let of_row = |(id, asked): (&f64, &f64)| {
                let row = *id as usize;
                let p = if row >= remembered {
                    0.6
                } else if (*asked - f64::from(known.0[row])).abs() < 0.5 {
                    if known.1[row] == 1 { 0.99 } else { 0.01 }
                } else if known.1[row] == 1 {
                    0.01
                } else {
                    0.99
                };
                [1.0 - p, p]
            };
            let values = ids.iter().zip(asked).flat_map(of_row).collect();
            Predictions::Scores { scale: Scale::Probability, classes: 2, values, labels: None }
        };
        let answers = |y: Vec<u32>| Answers {
            predictions: Predictions::Scores {
                scale: Scale::Probability,
                classes: 2,
                values: y.iter().flat_map(|_| [0.4, 0.6]).collect(),
                labels: None,
            },
            truth: Truth::Classes(y),
        };
        Case::tables(table(0, &s, &y), table(count, &other_s, &other_y), schema).with_model(
            vec![slot("id"), slot("s")],
            answers(y),
            answers(other_y),
            answer,
        )
    }

    impl Specimen for AttributeInference {
        const MEASURE: &'static str = EXCESS;

        fn null(seed: u64) -> (Case, f64) {
            (case(300, 0, seed), 0.0)
        }

        fn leaky() -> Case {
            case(400, 400, 1)
        }

        /// Half of the members are remembered: right for them, a guess among four for the others.
        fn graded(seed: u64) -> (Case, f64) {
            (case(600, 300, seed), 0.375)
        }
    }

    #[test]
    fn four_cells_tell_members_from_others() {
        let findings = case(600, 600, 3).run(&AttributeInference::default(), 3);
        assert!(findings[0].sentence.contains("individual disclosure"), "{}", findings[0].sentence);
        let gap = findings.iter().find(|finding| finding.measure == GAP).unwrap().estimate.unwrap();
        assert!(gap.low > 0.5, "{gap:?}");
    }

    #[test]
    fn numbers_with_many_values_are_cut_into_bins() {
        let many: Vec<f64> = (0..1000).map(f64::from).collect();
        let candidates = binned_candidates(&many, &many, &(0..1000).collect::<Vec<usize>>(), 10);
        assert_eq!(candidates.exemplar.len(), 10);
        assert_eq!(candidates.truth[0], Some(0));
        assert_eq!(candidates.truth[1999], Some(9));
    }
}
