//! Parts of the people, attackers who know less, and how narrowly a number is pinned: what is reported beside everybody.

use super::cells::{Cells, Guesses, Side};
use super::domain::Domain;
use super::imputer::{Imputed, Lessons, shares};
use super::replies::Replies;
use super::rules::{self, decide};
use super::scene::Given;
use super::study::{Knowing, Planned, Plateau};
use super::verdict::Slice;
use super::work::{Both, Work};
use crate::stats::{Estimate, Level};

/// How many of the surest guesses make a slice.
const SUREST: usize = 100;
/// The part of everybody that the surest make in another.
const SUREST_PART: usize = 20;
/// Records that an attacker who knows less learns from.
const KNOWN: [usize; 3] = [50, 500, 5_000];
/// Name of the slice of case 1.
pub(super) const CASE_ONE: &str = "one value fits (case 1)";

impl Work<'_> {
    /// The slices of the chosen attack: the surest guesses, guesses of rare values, and groups of people.
    pub(super) fn slices(&self, everybody: &Cells, reporting: &[usize], everyone: &[usize]) -> Vec<Slice> {
        let mut slices = Vec::new();
        let (members, others) = (everybody.members.people(), everybody.others.people());
        let mut surest = |name: String, of_members: usize, of_others: usize| {
            let rows = (everybody.members.attack.surest(of_members), everybody.others.attack.surest(of_others));
            // Ties may make it everybody.
            if rows.0.len() < members {
                slices.extend(Slice::of(name, everybody, &rows.0, &rows.1));
            }
        };
        if members >= 2 * SUREST && others >= 2 * SUREST {
            surest(format!("the {SUREST} surest guesses"), SUREST, SUREST);
        }
        surest("the surest 5 % of guesses".to_owned(), members / SUREST_PART, others / SUREST_PART);
        if let Domain::Values { .. } = self.planned.domain {
            let count = self.planned.domain.len() as f64;
            let rare = |guess: u32| self.knowledge.prior[guess as usize].exp() < 0.5 / count;
            let of = |side: &Side| -> Vec<usize> {
                (0..side.people())
                    .filter(|&row| side.attack.values.get(row).is_some_and(|&guess| rare(guess)))
                    .collect()
            };
            let name = "a rare value is guessed".to_owned();
            slices.extend(Slice::of(name, everybody, &of(&everybody.members), &of(&everybody.others)));
        }
        let offset = self.scene.members.rows();
        for group in self.planned.terms.groups {
            let within = |rows: &[usize], all: &[usize]| -> Vec<usize> {
                (0..rows.len()).filter(|&at| group.rows.binary_search(&(all[rows[at]] as u32)).is_ok()).collect()
            };
            debug_assert!(self.rows.others.iter().all(|&row| row >= offset));
            let rows = (within(reporting, &self.rows.members), within(everyone, &self.rows.others));
            slices.extend(Slice::of(group.name.clone(), everybody, &rows.0, &rows.1));
        }
        slices
    }

    /// Imputation without the outcome, on the members who report.
    pub(super) fn unaware(
        &self,
        imputed: &Imputed,
        reporting: &[usize],
        patients: &[u32],
        auxiliary: &[usize],
    ) -> Estimate {
        let Planned { attribute, domain, terms, seed, .. } = self.planned;
        let data = self.scene.encoded(attribute, terms.unknown, Given::Columns);
        let rows: Vec<usize> = reporting.iter().map(|&at| self.rows.members[at]).collect();
        let lessons = Lessons { data: &data, patients, auxiliary };
        // The learner that won with the outcome, so that only the outcome differs.
        let found = lessons.impute_with(imputed.guesser, domain, &rows, seed.derive("imputer"));
        self.hits(&found, &rows).rate(Level::P95)
    }

    pub(super) fn hits(&self, imputed: &Imputed, rows: &[usize]) -> Guesses {
        let domain = &self.planned.domain;
        let right = match domain {
            Domain::Points { truth, tolerance, .. } => {
                imputed.numbers.iter().zip(rows).map(|(v, &row)| (v - truth[row]).abs() <= *tolerance).collect()
            }
            Domain::Values { truth, .. } => {
                let guesses = imputed.posterior.chunks(domain.len()).map(crate::model::largest);
                guesses.zip(rows).map(|(guess, &row)| truth[row] == Some(guess)).collect()
            }
        };
        Guesses { right, ..Guesses::default() }
    }

    /// Imputation times confidence by attackers who learned from fewer records, and by the one who learned from all (`all`).
    pub(super) fn sweep(
        &self,
        replies: Option<&Both<Replies>>,
        all: &Imputed,
        patients: &[u32],
        auxiliary: &[usize],
        reporting: &[usize],
    ) -> Vec<Knowing> {
        let Some(replies) = replies else { return Vec::new() };
        let domain = &self.planned.domain;
        let asked = [&self.rows.members[..], &self.rows.others[..]].concat();
        let everyone: Vec<usize> = (0..self.rows.others.len()).collect();
        let by = |known: &[usize], imputed: &Imputed| {
            let (members, others) = self.split(&imputed.posterior);
            let prior: Vec<f64> = shares(
                &known.iter().copied().filter(|&row| domain.is_attackable(row)).collect::<Vec<usize>>(),
                &domain.labels(),
                domain.len(),
            );
            let decided = |replies: &Replies, posterior: &[f64], rows: &[usize]| {
                decide(&rules::imputed(replies, posterior), domain, &prior, rows).guesses
            };
            let attack = (
                decided(&replies.members, members, &self.rows.members),
                decided(&replies.others, others, &self.rows.others),
            );
            let baseline = self.baseline(imputed);
            let cells = Cells {
                members: self.side(&attack.0, &baseline.members, &self.rows.members),
                others: self.side(&attack.1, &baseline.others, &self.rows.others),
            }
            .take(reporting, &everyone);
            Knowing {
                records: known.len(),
                members: (cells.members.attack.rate(Level::P95), cells.members.baseline.rate(Level::P95)),
                excess: cells.excess(Level::P95),
                outside: cells.others.excess(Level::P95),
            }
        };
        let of = |records: usize| {
            // Evenly spaced, which is at random in the order of the file.
            let known: Vec<usize> = (0..records).map(|at| auxiliary[at * auxiliary.len() / records]).collect();
            let lessons = Lessons { data: self.data, patients, auxiliary: &known };
            by(&known, &lessons.impute(domain, &asked, self.planned.seed.derive("imputer")))
        };
        // More than half of all records are not worth another competition.
        let fewer = KNOWN.into_iter().filter(|records| 2 * records <= auxiliary.len()).map(of);
        fewer.chain(std::iter::once_with(|| by(auxiliary, all))).collect()
    }

    /// For numbers: the points at which the known outcome is most probable, and whether the number lies among them.
    pub(super) fn plateau(&self, replies: &Both<Replies>) -> Option<Plateau> {
        let domain = &self.planned.domain;
        let Domain::Points { truth, points, spread, tolerance, intervals, .. } = domain else { return None };
        let last = points.len() - 1;
        let stretch = |at: usize| match intervals {
            Some(intervals) => intervals.width(at),
            None => 0.5 * (points[(at + 1).min(last)] - points[at.saturating_sub(1)]),
        };
        let of = |replies: &Replies, rows: &[usize]| {
            let (mut held, mut pinned, mut widths) = (Vec::new(), Vec::new(), Vec::new());
            for (replies, &row) in replies.people().zip(rows) {
                let top = replies.iter().map(|reply| reply.fit).fold(f64::NEG_INFINITY, f64::max);
                let best: Vec<usize> = (0..replies.len()).filter(|&v| replies[v].fit == top).collect();
                let holds = best.contains(&domain.place(truth[row]));
                let width = best.into_iter().map(stretch).sum::<f64>();
                held.push(holds);
                pinned.push(holds && width <= 2.0 * tolerance);
                widths.push(width);
            }
            widths.sort_by(f64::total_cmp);
            let width = widths.get(widths.len() / 2).copied().unwrap_or(0.0) / spread.max(f64::MIN_POSITIVE);
            let rate = |right: Vec<bool>| Guesses { right, ..Guesses::default() }.rate(Level::P95);
            (rate(held), width, rate(pinned))
        };
        let (members, others) = (of(&replies.members, &self.rows.members), of(&replies.others, &self.rows.others));
        Some(Plateau { holds: (members.0, others.0), width: (members.1, others.1), pinned: (members.2, others.2) })
    }
}
