//! The attack through membership: the candidate whose record looks most like a member.
//!
//! What makes a record look like a member is that the model fits its outcome better than a model that never saw it: the difference
//! of the two logarithms is the membership score that is calibrated by difficulty. The model that never saw it learns from the
//! records that the attacker has. Weighed by the imputer, which knows how probable the candidate is among people at large, the
//! score is the posterior of the candidate under the two hypotheses.
//!
//! References: Yeom et al., CSF 2018 (attribute inference through membership); Watson et al., ICLR 2022 (calibration by difficulty).

use super::imputer::MOST_BOOSTED;
use super::replies::Replies;
use super::rules::{Meaning, Scored};
use super::work::{Both, Work};
use crate::check::Truth;
use crate::check::records::side_by_side;
use crate::data::{Features, Table};
use crate::learn::boosted::Boosted;
use crate::learn::forest::Forest;
use crate::learn::{Learner, Regressor};

/// Name for tables.
pub(super) const NAME: &str = "imputation times likeness to a member (calibrated membership)";
/// The least probability that a model of the attacker gives an outcome: it is no surer than its records allow.
const LEAST: f64 = 0.01;

/// Most people times candidates that a model of the attacker is asked about: beyond, it would cost as much as all questions.
const MOST_ASKED: usize = 200_000;

impl Work<'_> {
    /// Whether the attack can be made, but a model of the attacker would be asked too much.
    pub(super) fn likeness_costs_too_much(&self, posterior: &[f64]) -> bool {
        self.planned.terms.unknown.is_empty() && posterior.len() > MOST_ASKED
    }

    /// The attack on both sides. `posterior` is what the adversary without the model thinks of every candidate; `scale` the size of
    /// usual errors of the model's numbers. Nothing where the attacker does not know all other columns, or there are
    /// too many people and candidates.
    pub(super) fn likeness(&self, replies: &Both<Replies>, posterior: &[f64], scale: f64) -> Option<Both<Scored>> {
        if !self.planned.terms.unknown.is_empty() || self.likeness_costs_too_much(posterior) {
            return None;
        }
        let (members, others) = self.split(posterior);
        let parts = &self.planned.parts;
        let answers = self.scene.answers;
        let of_members = self.expected(self.scene.members, &parts.members, &answers.0.truth, scale)?;
        let of_others = self.expected(self.scene.others, &parts.others, &answers.1.truth, scale)?;
        let scored = |replies: &Replies, posterior: &[f64], expected: &[f64]| {
            let of = replies.of.iter().zip(posterior).zip(expected);
            let of = of.map(|((reply, share), expected)| share.max(1e-300).ln() + reply.fit - expected).collect();
            Scored { name: NAME, meaning: Meaning::Posterior, of, confidence: None }
        };
        Some(Both {
            members: scored(&replies.members, members, &of_members),
            others: scored(&replies.others, others, &of_others),
        })
    }

    /// How well a model that learned from the attacker's records fits the outcome of each person with each candidate in place, on
    /// the scale of the replies.
    fn expected(&self, table: &Table, rows: &[usize], truth: &Truth, scale: f64) -> Option<Vec<f64>> {
        let (scene, planned) = (self.scene, self.planned);
        let candidates = planned.domain.len();
        let people: Vec<usize> = rows.iter().flat_map(|&row| std::iter::repeat_n(row, candidates)).collect();
        let placed: Vec<usize> = (0..people.len()).map(|at| at % candidates).collect();
        let asked = self.placed(table, &people, &placed);
        let known = &planned.parts.auxiliary;
        let own = scene.inputs(scene.others).take(known);
        let total = known.len() + people.len();
        let data = side_by_side(scene.split, &Features::Table(own), &Features::Table(asked), total);
        let (train, wanted): (Vec<usize>, Vec<usize>) = (0..total).partition(|&row| row < known.len());
        let seed = planned.seed.derive("likeness");
        let boosted = Boosted { rounds: 25, rate: 0.2, ..Boosted::default() };
        match (&scene.answers.1.truth, truth) {
            (Truth::Classes(all), Truth::Classes(own)) => {
                let classes = scene.model.target.facts().classes.len();
                let mut labels: Vec<u32> = known.iter().map(|&row| all[row]).collect();
                labels.resize(total, 0);
                let forest = Forest { trees: 50, least_leaf: 3 };
                let learner: &dyn Learner = if classes <= MOST_BOOSTED { &boosted } else { &forest };
                let p = learner.fit(&data, &train, &labels, classes, seed).probabilities(&data, &wanted);
                let of = p.chunks(classes.max(1)).zip(&people);
                Some(of.map(|(p, &row)| p.get(own[row] as usize).map_or(LEAST, |p| p.max(LEAST)).ln()).collect())
            }
            (Truth::Values(all), Truth::Values(own)) => {
                let mut targets: Vec<f64> = known.iter().map(|&row| all[row]).collect();
                targets.resize(total, 0.0);
                let found = Regressor::fit(&boosted, &data, &train, &targets, seed).values(&data, &wanted);
                let fit = |(value, &row): (f64, &usize)| (-0.5 * ((own[row] - value) / scale).powi(2)).max(LEAST.ln());
                Some(found.into_iter().zip(&people).map(fit).collect())
            }
            _ => None,
        }
    }
}
