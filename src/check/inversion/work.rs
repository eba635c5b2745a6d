//! Every attack on one attribute, and the choice among them on members that do not report.

use super::cells::{Cells, Guesses, Side};
use super::domain::Domain;
use super::imputer::{Imputed, Lessons};
use super::replies::{Interview, People, Replies, Reply};
use super::rules::{self, CSMIA, Case, Decided, Knowledge, Meaning, Scored, cases, decide};
use super::scene::{Given, Scene};
use super::slices::CASE_ONE;
use super::study::{Fared, Measured, Planned};
use super::verdict::Slice;
use super::{likeness, paths};
use crate::check::{Answers, CheckError};
use crate::data::encode::tensors;
use crate::data::{Features, Table};
use crate::learn::Encoded;
use crate::stats::Level;
use crate::tensor::Tensor;

/// How far two answers about the same may differ: sums of 32-bit votes, and their rounding.
const AGREES: f64 = 3e-6;

/// Something about the attacked members and about the attacked others.
pub(super) struct Both<T> {
    pub(super) members: T,
    pub(super) others: T,
}

/// The refined number of each person, where one fits best.
type Refined = Vec<Option<f64>>;

/// An attack's guesses about both.
pub(super) struct Attacked {
    name: &'static str,
    members: Decided,
    others: Decided,
}

/// What the steps of one measurement share.
pub(super) struct Work<'a> {
    pub(super) planned: &'a Planned<'a>,
    pub(super) scene: &'a Scene<'a>,
    /// Rows in the count of members and then others.
    pub(super) rows: &'a Both<Vec<usize>>,
    /// What the adversaries know of everybody.
    pub(super) data: &'a Encoded,
    pub(super) knowledge: &'a Knowledge,
}

impl Work<'_> {
    /// Replies about every candidate, and numbers refined between them.
    pub(super) fn ask(&self, interview: &Interview<'_>) -> Result<(Both<Replies>, Both<Refined>), CheckError> {
        let Planned { attribute, domain, parts, .. } = self.planned;
        let companions = self.planned.companions();
        let about = |table: &Table, rows: &[usize], truth: &crate::check::Truth| {
            let records = self.scene.inputs(table).take(rows);
            let people = People { records, outcomes: truth.take(rows), known: self.scene.others };
            let replies = interview.about(&people, attribute, domain, companions)?;
            let refined = interview.refined(&people, attribute, domain, &replies, companions)?;
            Ok::<_, CheckError>((replies, refined))
        };
        let members = about(self.scene.members, &parts.members, &self.scene.answers.0.truth)?;
        let others = about(self.scene.others, &parts.others, &self.scene.answers.1.truth)?;
        Ok((Both { members: members.0, others: others.0 }, Both { members: members.1, others: others.1 }))
    }

    pub(super) fn decided(&self, name: &'static str, members: &Scored, others: &Scored) -> Attacked {
        let decide =
            |scored: &Scored, rows: &[usize]| decide(scored, &self.planned.domain, &self.knowledge.prior, rows);
        Attacked { name, members: decide(members, &self.rows.members), others: decide(others, &self.rows.others) }
    }

    /// All attacks that ask about every candidate.
    pub(super) fn attacks(&self, replies: &Both<Replies>, refined: &Both<Refined>, imputed: &Imputed) -> Vec<Attacked> {
        let (of_members, of_others) = self.split(&imputed.posterior);
        let members = rules::all(&replies.members, self.knowledge, of_members);
        let others = rules::all(&replies.others, self.knowledge, of_others);
        let mut attacks: Vec<Attacked> = members.iter().zip(&others).map(|(a, b)| self.decided(a.name, a, b)).collect();
        let learned = |replies: &Replies, rows: &[usize], name: &str| {
            rules::lomia(replies, self.data, rows, self.planned.seed.derive("label only").derive(name))
        };
        let members = learned(&replies.members, &self.rows.members, "members");
        let others = learned(&replies.others, &self.rows.others, "others");
        if let (Some(a), Some(b)) = (members, others) {
            attacks.push(self.decided(a.name, &a, &b));
        }
        attacks.extend(self.refined(replies, refined));
        attacks
    }

    /// Attacks that learn what a member looks like or read the file.
    pub(super) fn further(
        &self,
        replies: &Both<Replies>,
        imputed: &Imputed,
        scale: f64,
    ) -> Result<Vec<Attacked>, CheckError> {
        let found = [
            self.likeness(replies, &imputed.posterior, scale),
            self.paths(replies)?,
            self.neurons(&imputed.posterior)?,
        ];
        let decided = |both: Both<Scored>| self.decided(both.members.name, &both.members, &both.others);
        Ok(found.into_iter().flatten().map(decided).collect())
    }

    /// The attacks that could be made and would cost too much, in words.
    pub(super) fn left_out(&self, imputed: &Imputed) -> Vec<&'static str> {
        let likeness = self.likeness_costs_too_much(&imputed.posterior).then_some(likeness::NAME);
        likeness.into_iter().chain(self.paths_cost_too_much().then_some(paths::NAME)).collect()
    }

    /// Records as the model takes them, with a candidate put into each.
    pub(super) fn placed(&self, table: &Table, rows: &[usize], candidates: &[usize]) -> Table {
        let records = self.scene.inputs(table).take(rows);
        self.planned.attribute.columns.iter().fold(records, |records, name| match self.scene.others.column(name) {
            Some(column) => records.with(name, &self.planned.domain.column(&column.cells, candidates)),
            None => records,
        })
    }

    /// The model's inputs for records with one candidate put into all.
    pub(super) fn inputs_with(
        &self,
        table: &Table,
        rows: &[usize],
        candidate: usize,
    ) -> Result<Vec<Tensor>, CheckError> {
        let records = self.placed(table, rows, &vec![candidate; rows.len()]);
        Ok(tensors(&Features::Table(records), &self.scene.model.slots)?)
    }

    /// How a number was searched, in words. Where one point was tried in each interval between thresholds, the answers about people
    /// as they are must be those of the interval that their number lies in, or more than the trees depends on the number.
    pub(super) fn search(&self, replies: &Both<Replies>, interview: &Interview<'_>) -> Option<String> {
        let Domain::Points { truth, points, intervals, .. } = &self.planned.domain else { return None };
        if intervals.is_none() {
            return Some(format!("{} points at quantiles", points.len()));
        }
        let sides = [
            (&replies.members, &self.planned.parts.members, self.scene.answers.0, 0),
            (&replies.others, &self.planned.parts.others, self.scene.answers.1, self.scene.members.rows()),
        ];
        let agrees = |replies: &[Reply], answers: &Answers, row: usize, offset: usize| {
            let own = interview.read(&answers.predictions, &answers.truth, row);
            let there = replies[self.planned.domain.place(truth[offset + row])];
            (own.fit.exp() - there.fit.exp()).abs() <= AGREES && own.reproduces == there.reproduces
        };
        let exact = self.planned.terms.unknown.is_empty()
            && sides.into_iter().all(|(replies, rows, answers, offset)| {
                replies.people().zip(rows).all(|(replies, &row)| agrees(replies, answers, row, offset))
            });
        Some(format!(
            "one point in each of {} intervals between thresholds of the trees{}",
            points.len(),
            if exact { ", exact for everybody attacked" } else { "; other parts of the model may depend on it too" }
        ))
    }

    /// The best fitting number, refined between the points; where several fit as well, the middle of them.
    fn refined(&self, replies: &Both<Replies>, refined: &Both<Refined>) -> Option<Attacked> {
        let Domain::Points { truth, tolerance, .. } = &self.planned.domain else { return None };
        let decided = |replies: &Replies, refined: &[Option<f64>], rows: &[usize]| {
            let mut decided = decide(&rules::best_fit(replies), &self.planned.domain, &self.knowledge.prior, rows);
            for (at, (value, &row)) in refined.iter().zip(rows).enumerate() {
                if let Some(value) = value {
                    decided.guesses.right[at] = (value - truth[row]).abs() <= *tolerance;
                }
            }
            decided
        };
        Some(Attacked {
            name: rules::BEST_FIT,
            members: decided(&replies.members, &refined.members, &self.rows.members),
            others: decided(&replies.others, &refined.others, &self.rows.others),
        })
    }

    /// The attack on an attribute that is no input: what the model says about the record as it is, learned from others.
    pub(super) fn seen_answers(&self, patients: &[u32], auxiliary: &[usize]) -> Attacked {
        let Planned { attribute, domain, seed, terms, .. } = self.planned;
        let data = self.scene.encoded(attribute, terms.unknown, Given::Answers);
        let asked = [&self.rows.members[..], &self.rows.others[..]].concat();
        let lessons = Lessons { data: &data, patients, auxiliary };
        let found = lessons.impute(domain, &asked, seed.derive("imputer"));
        let (members, others) = self.split(&found.posterior);
        let scored = |posterior: &[f64]| Scored {
            name: "model of the answers",
            meaning: Meaning::Posterior,
            of: posterior.iter().map(|share| share.max(1e-300).ln()).collect(),
            confidence: None,
        };
        self.decided("model of the answers", &scored(members), &scored(others))
    }

    pub(super) fn split<'p>(&self, posterior: &'p [f64]) -> (&'p [f64], &'p [f64]) {
        posterior.split_at(self.rows.members.len() * self.planned.domain.len())
    }

    /// The guesses of the adversary without the model.
    pub(super) fn baseline(&self, imputed: &Imputed) -> Both<Guesses> {
        let (members, others) = self.split(&imputed.posterior);
        let scored = |posterior: &[f64]| Scored {
            name: "",
            meaning: Meaning::Posterior,
            of: posterior.iter().map(|share| share.max(1e-300).ln()).collect(),
            confidence: None,
        };
        let mut guesses = self.decided("", &scored(members), &scored(others));
        if let Domain::Values { .. } = &self.planned.domain {
            let (first, second) = imputed.sureness.split_at(self.rows.members.len());
            guesses.members.guesses.confidence = first.to_vec();
            guesses.others.guesses.confidence = second.to_vec();
        }
        if let Domain::Points { truth, tolerance, .. } = &self.planned.domain {
            // A number is guessed itself, not the point next to it.
            let (first, second) = imputed.numbers.split_at(self.rows.members.len());
            let right = |numbers: &[f64], rows: &[usize]| {
                numbers.iter().zip(rows).map(|(v, &row)| (v - truth[row]).abs() <= *tolerance).collect()
            };
            guesses.members.guesses.right = right(first, &self.rows.members);
            guesses.others.guesses.right = right(second, &self.rows.others);
        }
        Both { members: guesses.members.guesses, others: guesses.others.guesses }
    }

    pub(super) fn side(&self, attack: &Guesses, baseline: &Guesses, rows: &[usize]) -> Side {
        let truth = match &self.planned.domain {
            Domain::Values { truth, .. } => rows.iter().map(|&row| truth[row].unwrap_or(0)).collect(),
            Domain::Points { .. } => Vec::new(),
        };
        Side { attack: attack.clone(), baseline: baseline.clone(), truth }
    }

    fn cells(&self, attack: &Attacked, baseline: &Both<Guesses>) -> Cells {
        Cells {
            members: self.side(&attack.members.guesses, &baseline.members, &self.rows.members),
            others: self.side(&attack.others.guesses, &baseline.others, &self.rows.others),
        }
    }

    pub(super) fn measured(
        &self,
        attacks: &[Attacked],
        baseline: &Both<Guesses>,
        replies: Option<&Both<Replies>>,
        imputed: &Imputed,
        patients: &[u32],
        auxiliary: &[usize],
    ) -> Measured {
        // People are in random order: the first half of the members chooses the attack, the second half reports.
        let half = self.rows.members.len() / 2;
        let reporting: Vec<usize> = (half..self.rows.members.len()).collect();
        let everyone: Vec<usize> = (0..self.rows.others.len()).collect();
        let hits = |attack: &Attacked| attack.members.guesses.right[..half].iter().filter(|right| **right).count();
        // The first of equals.
        let chosen = attacks.iter().rev().max_by_key(|attack| hits(attack)).unwrap_or(&attacks[0]);
        let whole: Vec<Cells> = attacks.iter().map(|attack| self.cells(attack, baseline)).collect();
        let all = self.cells(chosen, baseline);
        let everybody = all.take(&reporting, &everyone);
        let mut slices = self.slices(&everybody, &reporting, &everyone);
        if let Some(replies) = replies
            && let Some(csmia) = attacks.iter().position(|attack| attack.name == CSMIA)
        {
            let ones = |replies: &Replies, among: &[usize]| -> Vec<usize> {
                let cases = cases(replies);
                among.iter().copied().filter(|&row| cases[row] == Case::One).collect()
            };
            let (members, others) = (ones(&replies.members, &reporting), ones(&replies.others, &everyone));
            let slice = Slice::of(CASE_ONE.to_owned(), &whole[csmia], &members, &others);
            // The share is of those who report.
            slices.extend(
                slice.map(|slice| Slice { share: members.len() as f64 / reporting.len().max(1) as f64, ..slice }),
            );
        }
        let planned = self.planned;
        Measured {
            attribute: planned.attribute.clone(),
            chosen: chosen.name,
            slices,
            attacks: attacks.iter().zip(&whole).map(|(attack, cells)| fared(attack, cells)).collect(),
            imputer: imputed.guesser,
            trials: imputed.trials.clone(),
            imputed: (
                all.members.baseline.rate(Level::P95),
                all.others.baseline.rate(Level::P95),
                all.members.matthews().zip(all.others.matthews()).map(|(a, b)| (a.1, b.1)),
            ),
            unaware: self.unaware(imputed, &reporting, patients, auxiliary),
            sweep: self.sweep(replies, imputed, patients, auxiliary, &reporting),
            silent: replies
                .map_or(0.0, |replies| replies.members.silent() as f64 / self.rows.members.len().max(1) as f64),
            candidates: planned.domain.len(),
            questions: planned.questions(),
            plateau: replies.and_then(|replies| self.plateau(replies)),
            search: None,
            tolerance: match planned.domain {
                // What follows from the data is a difference of two people's numbers and stays unsaid.
                Domain::Points { .. } => Some(planned.terms.grid.tolerance.map_or_else(
                    || "a tenth of the interquartile range".to_owned(),
                    |tolerance| format!("{tolerance} units of the column"),
                )),
                Domain::Values { .. } => None,
            },
            known: planned.known,
            sampled: planned.sampled,
            is_input: planned.is_input,
            seen: attacks.iter().map(|attack| attack.name).collect(),
            left_out: replies.map_or_else(Vec::new, |_| self.left_out(imputed)),
            everybody,
        }
    }
}

fn fared(attack: &Attacked, cells: &Cells) -> Fared {
    Fared {
        name: attack.name,
        members: cells.members.attack.rate(Level::P95),
        others: cells.others.attack.rate(Level::P95),
        by_lot: (attack.members.by_lot, attack.others.by_lot),
        matthews: cells.members.matthews().zip(cells.others.matthews()).map(|(a, b)| (a.0, b.0)),
        tied: attack.members.tied,
    }
}
