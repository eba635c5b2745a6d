//! Fredrikson's white-box attack on trees: how common is the way that a candidate makes a record take?
//!
//! The file tells the way of a record with each candidate in place. How many training records go each way is not in an ONNX file;
//! the attacker's own records, who are not members, are counted instead. (Counted on the members, each would find its own way
//! more travelled by one, whether the model had learned from it or not.) A candidate is weighed by its prior times the share of its leaf among the leaves that it
//! allows (`p_i / phi(v)`, `phi` over all leaves that the candidate alone does not rule out), on average over trees in the
//! logarithm. Candidates that do not reproduce the outcome are ruled out where another one does.
//!
//! Reference: Fredrikson, Jha and Ristenpart, CCS 2015, section 4 (white box with counts, which are estimated here).

use super::replies::Replies;
use super::rules::{Meaning, Scored};
use super::work::{Both, Work};
use crate::check::CheckError;
use crate::check::disclosure::grove::{Planted, reached};
use crate::data::Table;
use crate::model::trees::Rows;
use crate::tensor::Tensor;

/// Name for tables.
pub(super) const NAME: &str = "counts of paths in the trees (Fredrikson, white box)";
/// Most walks through trees on a side: people times candidates times trees. Each costs as much as a tree does in a question, so that the
/// attack would soon take as long as all questions.
const MOST_WALKS: usize = 1 << 21;
/// Most cells of the records with all candidates in place.
const MOST_CELLS: usize = 1 << 26;
/// What is added to the number of records in a leaf: some leaves hold none of the attacker's.
const PRIOR_COUNT: f64 = 0.5;

/// The cells of a feature that the attribute alone decides, by candidate.
type Decided = (u32, Vec<f64>);

impl Work<'_> {
    /// The trees of the file, where the attack can be made: all of them are in sight, and the attacker knows all other columns.
    fn trees_in_sight(&self) -> Option<&[Planted<'_>]> {
        let grove = self.scene.grove?;
        let blind = grove.planted.is_empty() || !grove.unread.is_empty() || !self.planned.terms.unknown.is_empty();
        (!blind).then_some(&grove.planted[..])
    }

    /// Whether the attack can be made, but would take too many walks or too much memory.
    pub(super) fn paths_cost_too_much(&self) -> bool {
        let Some(planted) = self.trees_in_sight() else { return false };
        let trees: usize = planted.iter().map(|planted| planted.ensemble.trees()).sum();
        let widest = planted.iter().map(|planted| planted.members.width()).max().unwrap_or(0);
        let people = self.planned.parts.members.len().max(self.planned.parts.others.len());
        let placed = people.saturating_mul(self.planned.domain.len());
        placed.saturating_mul(trees) > MOST_WALKS || placed.saturating_mul(widest) > MOST_CELLS
    }

    /// The attack on both sides; nothing where it cannot be made, or costs too much.
    pub(super) fn paths(&self, replies: &Both<Replies>) -> Result<Option<Both<Scored>>, CheckError> {
        let Some(planted) = self.trees_in_sight().filter(|_| !self.paths_cost_too_much()) else { return Ok(None) };
        let parts = &self.planned.parts;
        let masses: Vec<Vec<f64>> = planted.iter().map(|planted| masses(planted, &parts.auxiliary)).collect();
        let members = self.side_of_paths(planted, &masses, self.scene.members, &parts.members, &replies.members)?;
        let others = self.side_of_paths(planted, &masses, self.scene.others, &parts.others, &replies.others)?;
        Ok(members.zip(others).map(|(members, others)| Both { members, others }))
    }

    fn side_of_paths(
        &self,
        planted: &[Planted<'_>],
        masses: &[Vec<f64>],
        table: &Table,
        rows: &[usize],
        replies: &Replies,
    ) -> Result<Option<Scored>, CheckError> {
        let candidates = self.planned.domain.len();
        let trees: usize = planted.iter().map(|planted| planted.ensemble.trees()).sum();
        let names: Vec<&str> = planted.iter().map(|planted| planted.ensemble.input.as_str()).collect();
        let mut fed: Vec<Vec<Tensor>> = planted.iter().map(|_| Vec::with_capacity(candidates)).collect();
        for candidate in 0..candidates {
            let inputs = self.inputs_with(table, rows, candidate)?;
            let mut found = reached(self.scene.model, self.scene.file, &inputs, &names)?;
            for (of, name) in fed.iter_mut().zip(&names) {
                let Some(tensor) = found.get_mut(*name).map(|reached| reached.tensor.clone()) else { return Ok(None) };
                of.push(tensor);
            }
        }
        let mut sums = vec![0.0; rows.len() * candidates];
        for ((planted, mass), tensors) in planted.iter().zip(masses).zip(&fed) {
            let seen: Option<Vec<Rows<'_>>> = tensors.iter().map(|tensor| Rows::of(tensor, planted.ensemble)).collect();
            let Some(seen) = seen else { return Ok(None) };
            let Some(decided) = decided(&planted.ensemble.features(), &seen) else { return Ok(None) };
            for (candidate, seen) in seen.iter().enumerate() {
                let cell = |feature: u32| {
                    let known = decided.iter().find(|(known, _)| *known == feature);
                    known.map(|(_, cells)| cells[candidate])
                };
                let shares = planted.ensemble.route(0..planted.ensemble.trees(), seen, |tree, leaves| {
                    let allowed: f64 = planted.ensemble.reachable(tree, cell).iter().map(|&leaf| mass[leaf]).sum();
                    let own = planted.ensemble.leaves_of(tree);
                    let shares: Vec<f64> = mass[own.clone()].iter().map(|mass| (mass / allowed).ln()).collect();
                    leaves.into_iter().map(|leaf| shares[leaf as usize - own.start]).collect::<Vec<f64>>()
                });
                for of_tree in shares {
                    of_tree
                        .iter()
                        .enumerate()
                        .for_each(|(person, share)| sums[person * candidates + candidate] += share);
                }
            }
        }
        let mut of = Vec::with_capacity(sums.len());
        for (replies, sums) in replies.people().zip(sums.chunks(candidates)) {
            let any = replies.iter().any(|reply| reply.reproduces);
            of.extend(replies.iter().zip(sums).zip(&self.knowledge.prior).map(|((reply, sum), prior)| {
                if any && !reply.reproduces { f64::NEG_INFINITY } else { prior + sum / trees.max(1) as f64 }
            }));
        }
        Ok(Some(Scored { name: NAME, meaning: Meaning::Posterior, of, confidence: None }))
    }
}

/// How many of the attacker's records reach each leaf, and a little more.
fn masses(planted: &Planted<'_>, auxiliary: &[usize]) -> Vec<f64> {
    let mut masses = vec![PRIOR_COUNT; planted.ensemble.leaves.len()];
    let known = planted.nonmembers.take(auxiliary);
    for leaves in planted.ensemble.route(0..planted.ensemble.trees(), &known, |_, leaves| leaves) {
        leaves.into_iter().for_each(|leaf| masses[leaf as usize] += 1.0);
    }
    masses
}

/// The features that change with the candidate, with their cell for each; nothing where a cell depends on more than the
/// attribute, so that the candidate alone decides nothing. O(features x people x candidates).
fn decided(features: &[u32], seen: &[Rows<'_>]) -> Option<Vec<Decided>> {
    let mut decided = Vec::new();
    for &feature in features {
        let cells = |rows: &Rows<'_>| {
            (0..rows.len()).map(|row| rows.cell(row, feature as usize).to_bits()).collect::<Vec<u64>>()
        };
        let first = cells(seen.first()?);
        let varies = seen.iter().skip(1).any(|rows| cells(rows) != first);
        if !varies {
            continue;
        }
        let alike = |rows: &Rows<'_>| cells(rows).windows(2).all(|pair| pair[0] == pair[1]);
        if !seen.iter().all(alike) {
            return None;
        }
        decided.push((feature, seen.iter().map(|rows| rows.cell(0, feature as usize)).collect()));
    }
    Some(decided)
}
