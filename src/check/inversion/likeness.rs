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
use crate::learn::boosted::Boosted;
use crate::learn::forest::Forest;
use crate::learn::{Encoded, Learner, Regressor};

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
        let expected = self.expected(scale)?;
        let (of_members, of_others) = self.split(&expected);
        let scored = |replies: &Replies, posterior: &[f64], expected: &[f64]| {
            let of = replies.of.iter().zip(posterior).zip(expected);
            let of = of.map(|((reply, share), expected)| share.max(1e-300).ln() + reply.fit - expected).collect();
            Scored { name: NAME, meaning: Meaning::Posterior, of, confidence: None }
        };
        Some(Both {
            members: scored(&replies.members, members, of_members),
            others: scored(&replies.others, others, of_others),
        })
    }

    /// How well a model that learned from the attacker's records fits the outcome of each person with each candidate in place, on
    /// the scale of the replies.
    fn expected(&self, scale: f64) -> Option<Vec<f64>> {
        let (scene, planned) = (self.scene, self.planned);
        let candidates = planned.domain.len();
        let (data, varied) = self.with_candidates();
        let first = data.rows() - candidates;
        let known: Vec<usize> = planned.parts.auxiliary.iter().map(|row| scene.members.rows() + row).collect();
        let asked = [&self.rows.members[..], &self.rows.others[..]].concat();
        let seed = planned.seed.derive("likeness");
        let boosted = Boosted { rounds: 25, rate: 0.2, ..Boosted::default() };
        let mut expected = vec![0.0; asked.len() * candidates];
        let mut fill = |candidate: usize, fits: Vec<f64>| {
            expected.chunks_mut(candidates).zip(fits).for_each(|(of_person, fit)| of_person[candidate] = fit);
        };
        match (&scene.answers.0.truth, &scene.answers.1.truth) {
            (Truth::Classes(members), Truth::Classes(others)) => {
                let classes = scene.model.target.facts().classes.len();
                let labels = [&members[..], &others[..], &vec![0; candidates]].concat();
                let forest = Forest { trees: 50, least_leaf: 3 };
                let learner: &dyn Learner = if classes <= MOST_BOOSTED { &boosted } else { &forest };
                let model = learner.fit(&data, &known, &labels, classes, seed);
                for candidate in 0..candidates {
                    let p = model.probabilities(&data.with_all_as(&varied, first + candidate), &asked);
                    let of_outcome = |(p, &row): (&[f64], &usize)| p.get(labels[row] as usize).copied().unwrap_or(0.0);
                    fill(
                        candidate,
                        p.chunks(classes.max(1)).zip(&asked).map(|it| of_outcome(it).max(LEAST).ln()).collect(),
                    );
                }
            }
            (Truth::Values(members), Truth::Values(others)) => {
                let targets = [&members[..], &others[..], &vec![0.0; candidates]].concat();
                let model = Regressor::fit(&boosted, &data, &known, &targets, seed);
                for candidate in 0..candidates {
                    let found = model.values(&data.with_all_as(&varied, first + candidate), &asked);
                    let fit = |(value, &row): (f64, &usize)| {
                        (-0.5 * ((targets[row] - value) / scale).powi(2)).max(LEAST.ln())
                    };
                    fill(candidate, found.into_iter().zip(&asked).map(fit).collect());
                }
            }
            _ => return None,
        }
        Some(expected)
    }

    /// The model's inputs of members, of others, and of one record with each candidate in place; and the columns of the attribute
    /// among them.
    fn with_candidates(&self) -> (Encoded, Vec<usize>) {
        let (scene, planned) = (self.scene, self.planned);
        let candidates: Vec<usize> = (0..planned.domain.len()).collect();
        let (members, others) = (scene.inputs(scene.members), scene.inputs(scene.others));
        let placed = self.placed(scene.others, &vec![0; candidates.len()], &candidates);
        let mut data = Encoded::new(members.rows() + others.rows() + candidates.len());
        let mut varied = Vec::new();
        for column in members.columns().iter().filter(|column| scene.split.schema.is_feature(&column.name)) {
            if let (Some(of_others), Some(of_placed)) = (others.column(&column.name), placed.column(&column.name)) {
                if planned.attribute.columns.contains(&column.name) {
                    varied.push(data.width());
                }
                data.push(&[&column.cells, &of_others.cells, &of_placed.cells]);
            }
        }
        (data, varied)
    }
}
