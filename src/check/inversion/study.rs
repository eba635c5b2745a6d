//! One sensitive attribute from plan to cells: who is attacked at what cost, every attack, the choice among them on people
//! that do not report, and the slices that are judged.

use super::cells::{Cells, Guesses, Side};
use super::domain::{Attribute, Domain, Grid};
use super::imputer::{Imputed, Lessons, shares};
use super::replies::{Companions, Interview, People, REFINING, Replies};
use super::rules::{self, CSMIA, Case, Decided, Knowledge, Meaning, Scored, cases, decide};
use super::scene::{Given, Parts, Scene};
use super::verdict::Slice;
use crate::check::CheckError;
use crate::check::groups::Group;
use crate::data::Table;
use crate::learn::Encoded;
use crate::seed::Seed;
use crate::stats::{Estimate, Level};

/// Fewest people of a set that are reported on.
pub(super) const FEWEST: usize = 10;
/// How many of the surest guesses make a slice.
const SUREST: usize = 100;
/// The part of everybody that the surest make in another.
const SUREST_PART: usize = 20;
/// Records that an attacker who knows less learns from.
const KNOWN: [usize; 2] = [50, 500];
/// Name of the slice of case 1.
pub(super) const CASE_ONE: &str = "one value fits (case 1)";

/// What does not depend on the attribute.
#[derive(Clone, Copy)]
pub(super) struct Terms<'a> {
    /// Most questions per attribute.
    pub(super) queries: usize,
    pub(super) grid: Grid,
    /// Columns that the attacker does not know.
    pub(super) unknown: &'a [String],
    /// How many fillings of those are averaged.
    pub(super) draws: usize,
    /// Groups of people that are judged besides everybody.
    pub(super) groups: &'a [Group],
    pub(super) seed: Seed,
}

/// Why an attribute is not measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Fewer than two candidates.
    OneValue,
    /// Too few people with a known value.
    TooFew,
}

/// An attribute with the people who will be attacked: what it costs is known before anything is asked.
pub(super) struct Planned<'a> {
    pub(super) attribute: Attribute,
    domain: Domain,
    parts: Parts,
    /// Members whose value is a candidate, of how many.
    pub(super) known: (usize, usize),
    /// Whether fewer people are attacked than there are.
    pub(super) sampled: bool,
    /// Whether it is an input of the model.
    pub(super) is_input: bool,
    terms: Terms<'a>,
    seed: Seed,
}

/// How one attack fared, on everybody attacked.
pub(super) struct Fared {
    pub(super) name: &'static str,
    pub(super) members: Estimate,
    pub(super) others: Estimate,
    /// Expected success with ties broken by lot, members and others.
    pub(super) by_lot: (f64, f64),
    /// Matthews' correlation, members and others.
    pub(super) matthews: Option<(f64, f64)>,
    /// Share of members with several equally good candidates.
    pub(super) tied: f64,
}

/// What an attacker who learned from fewer records achieves.
pub(super) struct Knowing {
    pub(super) records: usize,
    pub(super) members: (Estimate, Estimate),
    pub(super) excess: Estimate,
    pub(super) outside: Estimate,
}

/// What was found about one attribute.
pub(super) struct Measured {
    pub(super) attribute: Attribute,
    /// The attack chosen on members that do not report.
    pub(super) chosen: &'static str,
    /// Everybody who reports.
    pub(super) everybody: Cells,
    /// Pre-declared parts of them.
    pub(super) slices: Vec<Slice>,
    pub(super) attacks: Vec<Fared>,
    pub(super) imputer: &'static str,
    /// Imputation on everybody attacked, members and others, with its Matthews' correlation.
    pub(super) imputed: (Estimate, Estimate, Option<(f64, f64)>),
    /// Imputation that does not know the outcome, on the members who report.
    pub(super) unaware: Estimate,
    pub(super) sweep: Vec<Knowing>,
    /// Share of members about whom the model says the same whatever the value.
    pub(super) silent: f64,
    pub(super) candidates: usize,
    pub(super) questions: usize,
    pub(super) plateau: Option<Plateau>,
    /// Whether a guess of a number may be off, and by how much where the plan says so.
    pub(super) tolerance: Option<Option<f64>>,
    pub(super) known: (usize, usize),
    pub(super) sampled: bool,
    pub(super) is_input: bool,
    pub(super) seen: Vec<&'static str>,
}

/// Where the model's confidence in the known outcome is largest, for numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Plateau {
    /// Share of members and of others whose number lies in it.
    pub(super) holds: (Estimate, Estimate),
    /// Median width in interquartile ranges, members and others.
    pub(super) width: (f64, f64),
}

impl<'a> Planned<'a> {
    /// Plans the attack on an attribute.
    ///
    /// # Errors
    /// Why it cannot be measured.
    pub(super) fn of(scene: &Scene<'_>, attribute: Attribute, terms: Terms<'a>) -> Result<Self, Refusal> {
        let seed = terms.seed.derive(&attribute.name);
        let mut parts = scene.parts(seed);
        let tables = (scene.members, scene.others);
        let domain = Domain::of(&attribute, tables, &parts.auxiliary, terms.grid).ok_or(Refusal::OneValue)?;
        if domain.len() < 2 {
            return Err(Refusal::OneValue);
        }
        let offset = scene.members.rows();
        let all = parts.members.len();
        parts.members.retain(|&row| domain.is_attackable(row));
        parts.others.retain(|&row| domain.is_attackable(offset + row));
        let known = (parts.members.len(), all);
        let is_input = attribute.columns.iter().any(|name| scene.is_input(name));
        let mut planned = Self { attribute, domain, parts, known, sampled: false, is_input, terms, seed };
        let per_side = (terms.queries / planned.questions_each().max(1) / 2).max(1);
        planned.sampled = is_input && planned.parts.members.len().max(planned.parts.others.len()) > per_side;
        if is_input {
            planned.parts.members.truncate(per_side);
            planned.parts.others.truncate(per_side);
        }
        if planned.parts.members.len() < 2 * FEWEST || planned.parts.others.len() < FEWEST {
            return Err(Refusal::TooFew);
        }
        Ok(planned)
    }

    fn companions(&self) -> Companions<'_> {
        let Terms { unknown, draws, .. } = self.terms;
        Companions { columns: unknown, rows: &self.parts.auxiliary, draws, seed: self.seed.derive("companions") }
    }

    fn questions_each(&self) -> usize {
        let refining = if self.domain.is_smooth() { REFINING } else { 0 };
        if self.is_input { (self.domain.len() + refining) * self.companions().questions() } else { 0 }
    }

    /// Rows that the model will be asked about.
    pub(super) fn questions(&self) -> usize {
        (self.parts.members.len() + self.parts.others.len()) * self.questions_each()
    }

    /// Asks, attacks, and chooses.
    ///
    /// # Errors
    /// When the model cannot be asked.
    pub(super) fn measure(self, scene: &Scene<'_>, interview: &mut Interview<'_>) -> Result<Measured, CheckError> {
        let offset = scene.members.rows();
        let of_others: Vec<usize> = self.parts.others.iter().map(|row| offset + row).collect();
        let auxiliary: Vec<usize> = self.parts.auxiliary.iter().map(|row| offset + row).collect();
        let patients = scene.patients();
        let data = scene.encoded(&self.attribute, self.terms.unknown, Given::Outcome);
        let asked = [&self.parts.members[..], &of_others[..]].concat();
        let lessons = Lessons { data: &data, patients: &patients, auxiliary: &auxiliary };
        let imputed = lessons.impute(&self.domain, &asked, self.seed.derive("imputer"));
        let knowledge = scene.knowledge(&self.domain, &self.parts.auxiliary);
        let rows = Both { members: self.parts.members.clone(), others: of_others };
        let work = Work { planned: &self, scene, rows: &rows, data: &data, knowledge: &knowledge };
        interview.scale = scene.residual_scale(&self.parts.auxiliary);
        let asked = if self.is_input { Some(work.ask(interview)?) } else { None };
        let attacks = match &asked {
            Some((replies, refined)) => work.attacks(replies, refined, &imputed),
            None => vec![work.seen_answers(&patients, &auxiliary)],
        };
        let replies = asked.map(|(replies, _)| replies);
        let baseline = work.baseline(&imputed);
        Ok(work.measured(&attacks, &baseline, replies.as_ref(), &imputed, &patients, &auxiliary))
    }
}

/// Something about the attacked members and about the attacked others.
struct Both<T> {
    members: T,
    others: T,
}

/// An attack's guesses about both.
struct Attacked {
    name: &'static str,
    members: Decided,
    others: Decided,
}

/// What the steps of one measurement share.
struct Work<'a> {
    planned: &'a Planned<'a>,
    scene: &'a Scene<'a>,
    /// Rows in the count of members and then others.
    rows: &'a Both<Vec<usize>>,
    data: &'a Encoded,
    knowledge: &'a Knowledge,
}

impl Work<'_> {
    /// Replies about every candidate, and numbers refined between them.
    fn ask(&self, interview: &mut Interview<'_>) -> Result<(Both<Replies>, Both<Vec<Option<f64>>>), CheckError> {
        let Planned { attribute, domain, parts, .. } = self.planned;
        let companions = self.planned.companions();
        let mut about = |table: &Table, rows: &[usize], truth: &crate::check::Truth| {
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

    fn decided(&self, name: &'static str, members: &Scored, others: &Scored) -> Attacked {
        let decide = |scored: &Scored, rows: &[usize]| {
            decide(scored, &self.planned.domain, &self.knowledge.prior, rows)
        };
        Attacked { name, members: decide(members, &self.rows.members), others: decide(others, &self.rows.others) }
    }

    /// All attacks that ask about every candidate.
    fn attacks(
        &self,
        replies: &Both<Replies>,
        refined: &Both<Vec<Option<f64>>>,
        imputed: &Imputed,
    ) -> Vec<Attacked> {
        let (of_members, of_others) = self.split(&imputed.posterior);
        let members = rules::all(&replies.members, self.knowledge, of_members);
        let others = rules::all(&replies.others, self.knowledge, of_others);
        let mut attacks: Vec<Attacked> =
            members.iter().zip(&others).map(|(a, b)| self.decided(a.name, a, b)).collect();
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

    /// The best fitting number, refined between the points; where several fit as well, the middle of them.
    fn refined(&self, replies: &Both<Replies>, refined: &Both<Vec<Option<f64>>>) -> Option<Attacked> {
        let Domain::Points { truth, tolerance, .. } = &self.planned.domain else { return None };
        let decided = |replies: &Replies, refined: &[Option<f64>], rows: &[usize]| {
            let mut decided = decide(&rules::best_fit(replies), &self.planned.domain, &[], rows);
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
    fn seen_answers(&self, patients: &[u32], auxiliary: &[usize]) -> Attacked {
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

    fn split<'p>(&self, posterior: &'p [f64]) -> (&'p [f64], &'p [f64]) {
        posterior.split_at(self.rows.members.len() * self.planned.domain.len())
    }

    /// The guesses of the adversary without the model.
    fn baseline(&self, imputed: &Imputed) -> Both<Guesses> {
        let (members, others) = self.split(&imputed.posterior);
        let scored = |posterior: &[f64]| Scored {
            name: "",
            meaning: Meaning::Posterior,
            of: posterior.iter().map(|share| share.max(1e-300).ln()).collect(),
            confidence: None,
        };
        let mut guesses = self.decided("", &scored(members), &scored(others));
        if let Domain::Values { truth, .. } = &self.planned.domain {
            // Guessed by the learner that is right most often, ranked by the one that knows best how sure to be.
            let (first, second) = imputed.guesses.split_at(self.rows.members.len());
            let all = [
                (&mut guesses.members.guesses, first, members, &self.rows.members),
                (&mut guesses.others.guesses, second, others, &self.rows.others),
            ];
            for (found, values, posterior, rows) in all {
                let probability = posterior.chunks(self.planned.domain.len()).zip(values);
                found.confidence = probability.map(|(posterior, &value)| posterior[value as usize]).collect();
                found.right = values.iter().zip(rows).map(|(&value, &row)| truth[row] == Some(value)).collect();
                found.values = values.to_vec();
            }
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

    fn side(&self, attack: &Guesses, baseline: &Guesses, rows: &[usize]) -> Side {
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

    fn measured(
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
            slices.extend(slice.map(|slice| Slice { share: members.len() as f64 / reporting.len().max(1) as f64, ..slice }));
        }
        let planned = self.planned;
        Measured {
            attribute: planned.attribute.clone(),
            chosen: chosen.name,
            slices,
            attacks: attacks.iter().zip(&whole).map(|(attack, cells)| fared(attack, cells)).collect(),
            imputer: imputed.guesser,
            imputed: (
                all.members.baseline.rate(Level::P95),
                all.others.baseline.rate(Level::P95),
                all.members.matthews().zip(all.others.matthews()).map(|(a, b)| (a.1, b.1)),
            ),
            unaware: self.unaware(imputed, &reporting, patients, auxiliary),
            sweep: self.sweep(replies, patients, auxiliary, &reporting),
            silent: replies.map_or(0.0, |replies| {
                replies.members.silent() as f64 / self.rows.members.len().max(1) as f64
            }),
            candidates: planned.domain.len(),
            questions: planned.questions(),
            plateau: replies.and_then(|replies| self.plateau(replies)),
            tolerance: match planned.domain {
                // What follows from the data is a difference of two people's numbers and stays unsaid.
                Domain::Points { .. } => Some(planned.terms.grid.tolerance),
                Domain::Values { .. } => None,
            },
            known: planned.known,
            sampled: planned.sampled,
            is_input: planned.is_input,
            seen: attacks.iter().map(|attack| attack.name).collect(),
            everybody,
        }
    }

    /// The slices of the chosen attack: the surest guesses, guesses of rare values, and groups of people.
    fn slices(&self, everybody: &Cells, reporting: &[usize], everyone: &[usize]) -> Vec<Slice> {
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
                (0..side.people()).filter(|&row| side.attack.values.get(row).is_some_and(|&guess| rare(guess))).collect()
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
    fn unaware(&self, imputed: &Imputed, reporting: &[usize], patients: &[u32], auxiliary: &[usize]) -> Estimate {
        let Planned { attribute, domain, terms, seed, .. } = self.planned;
        let data = self.scene.encoded(attribute, terms.unknown, Given::Columns);
        let rows: Vec<usize> = reporting.iter().map(|&at| self.rows.members[at]).collect();
        let lessons = Lessons { data: &data, patients, auxiliary };
        // The learner that won with the outcome, so that only the outcome differs.
        let found = lessons.impute_with(imputed.guesser, domain, &rows, seed.derive("imputer"));
        self.hits(&found, &rows).rate(Level::P95)
    }

    fn hits(&self, imputed: &Imputed, rows: &[usize]) -> Guesses {
        let domain = &self.planned.domain;
        let right = match domain {
            Domain::Points { truth, tolerance, .. } => {
                imputed.numbers.iter().zip(rows).map(|(v, &row)| (v - truth[row]).abs() <= *tolerance).collect()
            }
            Domain::Values { truth, .. } => {
                imputed.guesses.iter().zip(rows).map(|(&guess, &row)| truth[row] == Some(guess)).collect()
            }
        };
        Guesses { right, ..Guesses::default() }
    }

    /// Imputation times confidence by attackers who learned from fewer records.
    fn sweep(
        &self,
        replies: Option<&Both<Replies>>,
        patients: &[u32],
        auxiliary: &[usize],
        reporting: &[usize],
    ) -> Vec<Knowing> {
        let Some(replies) = replies else { return Vec::new() };
        let domain = &self.planned.domain;
        let asked = [&self.rows.members[..], &self.rows.others[..]].concat();
        let everyone: Vec<usize> = (0..self.rows.others.len()).collect();
        let of = |records: usize| {
            // Evenly spaced, which is at random in the order of the file.
            let known: Vec<usize> = (0..records).map(|at| auxiliary[at * auxiliary.len() / records]).collect();
            let lessons = Lessons { data: self.data, patients, auxiliary: &known };
            let imputed = lessons.impute(domain, &asked, self.planned.seed.derive("imputer"));
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
            let baseline = self.baseline(&imputed);
            let cells = Cells {
                members: self.side(&attack.0, &baseline.members, &self.rows.members),
                others: self.side(&attack.1, &baseline.others, &self.rows.others),
            }
            .take(reporting, &everyone);
            Knowing {
                records,
                members: (cells.members.attack.rate(Level::P95), cells.members.baseline.rate(Level::P95)),
                excess: cells.excess(Level::P95),
                outside: cells.others.excess(Level::P95),
            }
        };
        KNOWN.into_iter().filter(|&records| records < auxiliary.len()).map(of).collect()
    }

    /// For numbers: the points at which the known outcome is most probable, and whether the number lies among them.
    fn plateau(&self, replies: &Both<Replies>) -> Option<Plateau> {
        let Domain::Points { truth, points, spread, .. } = &self.planned.domain else { return None };
        let of = |replies: &Replies, rows: &[usize]| {
            let (mut held, mut widths) = (Vec::new(), Vec::new());
            for (replies, &row) in replies.people().zip(rows) {
                let top = replies.iter().map(|reply| reply.fit).fold(f64::NEG_INFINITY, f64::max);
                let best: Vec<usize> = (0..replies.len()).filter(|&v| replies[v].fit == top).collect();
                held.push(best.contains(&super::domain::nearest(points, truth[row])));
                let last = points.len() - 1;
                let stretch = |at: usize| 0.5 * (points[(at + 1).min(last)] - points[at.saturating_sub(1)]);
                widths.push(best.into_iter().map(stretch).sum::<f64>());
            }
            widths.sort_by(f64::total_cmp);
            let width = widths.get(widths.len() / 2).copied().unwrap_or(0.0) / spread.max(f64::MIN_POSITIVE);
            (Guesses { right: held, ..Guesses::default() }.rate(Level::P95), width)
        };
        let (members, others) = (of(&replies.members, &self.rows.members), of(&replies.others, &self.rows.others));
        Some(Plateau { holds: (members.0, others.0), width: (members.1, others.1) })
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
