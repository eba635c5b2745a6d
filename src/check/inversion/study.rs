//! One sensitive attribute from plan to cells: who is attacked at what cost, every attack, the choice among them on people
//! that do not report, and the slices that are judged.

use super::cells::Cells;
use super::domain::{Attribute, Domain, Grid};
use super::imputer::{Lessons, Trial};
use super::intervals::Intervals;
use super::replies::{Companions, Interview};
use super::scene::{Given, Parts, Scene};
use super::section::REFINING;
use super::verdict::Slice;
use super::work::{Both, Work};
use crate::check::CheckError;
use crate::check::groups::Group;
use crate::seed::Seed;
use crate::stats::Estimate;

/// Fewest people of a set that are reported on.
pub(super) const FEWEST: usize = 10;

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
    pub(super) domain: Domain,
    pub(super) parts: Parts,
    /// Members whose value is a candidate, of how many.
    pub(super) known: (usize, usize),
    /// Whether fewer people are attacked than there are.
    pub(super) sampled: bool,
    /// Whether it is an input of the model.
    pub(super) is_input: bool,
    pub(super) terms: Terms<'a>,
    pub(super) seed: Seed,
}

/// How one attack fared, on everybody attacked.
pub(super) struct Fared {
    pub(super) name: &'static str,
    pub(super) members: Estimate,
    pub(super) others: Estimate,
    /// Expected success with ties broken by lot, members and others.
    pub(super) by_lot: (Estimate, Estimate),
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
    /// How numbers were searched, in words.
    pub(super) search: Option<String>,
    /// By how much a guess of a number may be off, in words.
    pub(super) tolerance: Option<String>,
    pub(super) known: (usize, usize),
    pub(super) sampled: bool,
    pub(super) is_input: bool,
    pub(super) seen: Vec<&'static str>,
    /// How the adversaries without the model did that competed.
    pub(super) trials: Vec<Trial>,
    /// Attacks that would cost too much.
    pub(super) left_out: Vec<&'static str>,
}

/// Where the model's confidence in the known outcome is largest, for numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Plateau {
    /// Share of members and of others whose number lies in it.
    pub(super) holds: (Estimate, Estimate),
    /// Median width in interquartile ranges, members and others.
    pub(super) width: (f64, f64),
    /// Share of members and of others whose number lies in it while it is no wider than a right guess may be off to either
    /// side.
    pub(super) pinned: (Estimate, Estimate),
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
        let intervals = |numbers: &[f64]| scene.grove.and_then(|grove| Intervals::of(grove, numbers));
        let domain =
            Domain::of(&attribute, tables, &parts.auxiliary, terms.grid, intervals).ok_or(Refusal::OneValue)?;
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

    pub(super) fn companions(&self) -> Companions<'_> {
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
    pub(super) fn measure(self, scene: &Scene<'_>, interview: &Interview<'_>) -> Result<Measured, CheckError> {
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
        let interview = &Interview { scale: scene.residual_scale(&self.parts.auxiliary), ..*interview };
        let asked = if self.is_input { Some(work.ask(interview)?) } else { None };
        let attacks = match &asked {
            Some((replies, refined)) => {
                let mut attacks = work.attacks(replies, refined, &imputed);
                attacks.extend(work.further(replies, &imputed, interview.scale)?);
                attacks
            }
            None => work.as_they_are(&patients, &auxiliary)?,
        };
        let search = asked.as_ref().and_then(|(replies, _)| work.search(replies, interview));
        let replies = asked.map(|(replies, _)| replies);
        let baseline = work.baseline(&imputed);
        let measured = work.measured(&attacks, &baseline, replies.as_ref(), &imputed, &patients, &auxiliary);
        Ok(Measured { search, ..measured })
    }
}
