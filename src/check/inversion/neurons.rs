//! The attack through hidden layers: do they look as they do for records whose value is right?
//!
//! For every candidate in turn the layers of a network are read for records that the attacker has, some of which have that value and
//! most of which have not, and for the people attacked. The ten neurons that tell right from wrong best make one score: each
//! activation by its place among the attacker's records, weighed by its correlation. One half of the attacker's records chooses and
//! weighs the neurons, the other tells how much more frequent a score is when the value is right. The imputer's posterior is
//! multiplied by that.
//!
//! An attribute that is no input has no candidates to put in place. There the neurons that go with it best, read for records as they
//! are, are features of the model of the answers.
//!
//! Reference: Jayaraman and Evans, CCS 2022 (white-box attack by neurons that correlate with the sensitive value).

use super::domain::Domain;
use super::imputer::Lessons;
use super::rules::{Meaning, Scored};
use super::scene::Given;
use super::work::{Attacked, Both, Work};
use crate::check::{CheckError, ModelFile};
use crate::data::encode::tensors;
use crate::data::{Features, Table};
use crate::model::contents::Lineage;
use crate::model::{Inside, ModelFamily, Stage};
use crate::tensor::Tensor;

/// Name for tables.
const NAME: &str = "imputation times hidden neurons (white box)";
/// Name of the attack on attributes that are no input.
const SEEN: &str = "model of the answers and of hidden neurons (white box)";
/// Neurons that are features of it.
const FEATURES: usize = 50;
/// Neurons that make a score.
const NEURONS: usize = 10;
/// Most records of the attacker that are asked about.
const MOST_KNOWN: usize = 2_000;
/// Widest layer that is read.
const WIDEST: usize = 4_096;
/// Ranges of scores whose frequencies are compared.
const RANGES: usize = 8;
/// Fewest records with and without a value in each half.
const FEWEST: usize = 10;

impl Work<'_> {
    /// The layers that may be read: those of networks, for somebody who knows all of a record.
    fn hidden(&self) -> Option<(&ModelFile, &Inside, Vec<String>)> {
        let network = self.scene.model.family == ModelFamily::Network && self.planned.terms.unknown.is_empty();
        let file = self.scene.file.filter(|_| network)?;
        let inside = file.inside.as_ref()?;
        let lineage = Lineage::of(&file.contents);
        let hidden = lineage.tensors().into_iter().filter(|(name, _)| !lineage.is_output(name));
        let names: Vec<String> = hidden.map(|(name, _)| name.to_owned()).collect();
        Some((file, inside, names))
    }

    /// Attacks on an attribute that is no input, by what the model says about records as they are and, of networks, by what their
    /// layers hold.
    ///
    /// # Errors
    /// When the layers cannot be read.
    pub(super) fn as_they_are(&self, patients: &[u32], auxiliary: &[usize]) -> Result<Vec<Attacked>, CheckError> {
        let mut attacks = vec![self.seen_answers(patients, auxiliary)];
        if let Some(both) = self.seen_neurons(patients)? {
            attacks.push(self.decided(SEEN, &both.members, &both.others));
        }
        Ok(attacks)
    }

    fn seen_neurons(&self, patients: &[u32]) -> Result<Option<Both<Scored>>, CheckError> {
        let (scene, parts, domain) = (self.scene, &self.planned.parts, &self.planned.domain);
        let Some((file, inside, names)) = self.hidden() else { return Ok(None) };
        let offset = scene.members.rows();
        let usable = parts.auxiliary.iter().copied().filter(|&row| domain.is_attackable(offset + row));
        let known: Vec<usize> = usable.take(MOST_KNOWN).collect();
        let as_is = |table: &Table, rows: &[usize]| {
            tensors(&Features::Table(scene.inputs(table).take(rows)), &scene.model.slots)
        };
        let mut inputs = as_is(scene.others, &known)?;
        for more in [as_is(scene.members, &parts.members)?, as_is(scene.others, &parts.others)?] {
            inputs.iter_mut().zip(more).for_each(|(all, more)| all.extend(more));
        }
        let stages = inside.stages(&file.contents, &names, &inputs, &|width| (1..=WIDEST).contains(&width))?.kept;
        let lessons: Vec<usize> = known.iter().map(|&row| offset + row).collect();
        let chosen = telling(&stages, &wanted(domain, &lessons), known.len());
        if chosen.is_empty() {
            return Ok(None);
        }
        let asked = [&self.rows.members[..], &self.rows.others].concat();
        let read: Vec<usize> = lessons.iter().chain(&asked).copied().collect();
        let mut data = scene.encoded(&self.planned.attribute, &[], Given::Answers);
        for (at, neuron) in chosen {
            let mut cells = vec![f64::NAN; data.rows()];
            let values = stages[at].values.iter().skip(neuron).step_by(stages[at].width);
            read.iter().zip(values).for_each(|(&row, &value)| cells[row] = f64::from(value));
            data.push_numbers(&cells);
        }
        let lessons = Lessons { data: &data, patients, auxiliary: &lessons };
        let found = lessons.impute(domain, &asked, self.planned.seed.derive("imputer"));
        let (members, others) = self.split(&found.posterior);
        let scored = |posterior: &[f64]| Scored {
            name: SEEN,
            meaning: Meaning::Posterior,
            of: posterior.iter().map(|share| share.max(1e-300).ln()).collect(),
            confidence: None,
        };
        Ok(Some(Both { members: scored(members), others: scored(others) }))
    }

    /// The attack on both sides; nothing for models that are no networks, whose layers the runtime does not give out, or for numbers.
    pub(super) fn neurons(&self, posterior: &[f64]) -> Result<Option<Both<Scored>>, CheckError> {
        let scene = self.scene;
        let Domain::Values { truth, .. } = &self.planned.domain else { return Ok(None) };
        let Some((file, inside, names)) = self.hidden() else { return Ok(None) };
        let offset = scene.members.rows();
        let parts = &self.planned.parts;
        let usable = parts.auxiliary.iter().copied().filter(|&row| self.planned.domain.is_attackable(offset + row));
        let known: Vec<usize> = usable.take(MOST_KNOWN).collect();
        let values: Vec<Option<u32>> = known.iter().map(|&row| truth[offset + row]).collect();
        let candidates = self.planned.domain.len();
        let people = parts.members.len() + parts.others.len();
        let mut of: Vec<f64> = posterior.iter().map(|share| share.max(1e-300).ln()).collect();
        let mut told = false;
        for candidate in 0..candidates {
            let mut inputs = self.inputs_with(scene.others, &known, candidate)?;
            for (table, rows) in [(scene.members, &parts.members), (scene.others, &parts.others)] {
                let more: Vec<Tensor> = self.inputs_with(table, rows, candidate)?;
                inputs.iter_mut().zip(more).for_each(|(all, more)| all.extend(more));
            }
            let stages = inside.stages(&file.contents, &names, &inputs, &|width| (2..=WIDEST).contains(&width))?;
            let right: Vec<bool> = values.iter().map(|value| *value == Some(candidate as u32)).collect();
            if let Some(weights) = evidence(&stages.kept, &right, people) {
                told = true;
                weights.iter().enumerate().for_each(|(person, weight)| of[person * candidates + candidate] += weight);
            }
        }
        if !told {
            return Ok(None);
        }
        let others = of.split_off(parts.members.len() * candidates);
        let scored = |of: Vec<f64>| Scored { name: NAME, meaning: Meaning::Posterior, of, confidence: None };
        Ok(Some(Both { members: scored(of), others: scored(others) }))
    }
}

/// What neurons are compared with: for every value whether it is that of a record, or the number.
fn wanted(domain: &Domain, rows: &[usize]) -> Vec<Vec<f64>> {
    match domain {
        Domain::Values { truth, .. } => {
            let of_value = |value: usize| {
                let is = |&row: &usize| f64::from(u8::from(truth[row] == Some(value as u32)));
                rows.iter().map(is).collect()
            };
            (0..domain.len()).map(of_value).collect()
        }
        Domain::Points { truth, .. } => vec![rows.iter().map(|&row| truth[row]).collect()],
    }
}

/// The neurons, by stage and place, whose activations for the first `known` records go best with any of what is wanted.
fn telling(stages: &[Stage], wanted: &[Vec<f64>], known: usize) -> Vec<(usize, usize)> {
    let mut neurons: Vec<(f64, usize, usize)> = Vec::new();
    for (at, stage) in stages.iter().enumerate() {
        for neuron in 0..stage.width {
            let cells = (0..known).map(|row| f64::from(stage.values[row * stage.width + neuron]));
            let with = |wanted: &Vec<f64>| correlation(cells.clone().zip(wanted.iter().copied())).abs();
            let most = wanted.iter().map(with).filter(|with| with.is_finite()).fold(0.0, f64::max);
            if most > 0.0 {
                neurons.push((most, at, neuron));
            }
        }
    }
    neurons.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    neurons.into_iter().take(FEATURES).map(|(_, at, neuron)| (at, neuron)).collect()
}

/// ln of how much more frequent the layers' score of each person is among records whose value is right. The stages hold the
/// attacker's records, of which `right` says whether the value in place is theirs, and then the people. Nothing where either kind is
/// too rare.
fn evidence(stages: &[Stage], right: &[bool], people: usize) -> Option<Vec<f64>> {
    let known = right.len();
    let half = |odd: bool| (0..known).filter(move |row| (row % 2 == 1) == odd);
    let enough = |odd: bool| {
        let with = half(odd).filter(|&row| right[row]).count();
        with >= FEWEST && half(odd).count() - with >= FEWEST
    };
    if !(enough(false) && enough(true)) {
        return None;
    }
    let choosing: Vec<usize> = half(false).collect();
    let mut neurons: Vec<(f64, usize, usize)> = Vec::new();
    for (at, stage) in stages.iter().enumerate() {
        for neuron in 0..stage.width {
            let cells = choosing.iter().map(|&row| f64::from(stage.values[row * stage.width + neuron]));
            let correlation = correlation(cells.zip(choosing.iter().map(|&row| f64::from(u8::from(right[row])))));
            if correlation.is_finite() && correlation != 0.0 {
                neurons.push((correlation, at, neuron));
            }
        }
    }
    neurons.sort_by(|a, b| b.0.abs().total_cmp(&a.0.abs()).then((a.1, a.2).cmp(&(b.1, b.2))));
    neurons.truncate(NEURONS);
    if neurons.is_empty() {
        return None;
    }
    let mut scores = vec![0.0; known + people];
    for (weight, at, neuron) in neurons {
        let stage = &stages[at];
        let cell = |row: usize| stage.values[row * stage.width + neuron];
        let mut sorted: Vec<f32> = choosing.iter().map(|&row| cell(row)).collect();
        sorted.sort_by(f32::total_cmp);
        for (row, score) in scores.iter_mut().enumerate() {
            *score += weight * sorted.partition_point(|known| *known < cell(row)) as f64 / sorted.len() as f64;
        }
    }
    Some(ratios(&scores, right, known))
}

/// ln ratios of frequencies, right over wrong, of the range that each score behind the first `known` falls into; ranges hold
/// equally many of the odd ones among the known, which are compared.
fn ratios(scores: &[f64], right: &[bool], known: usize) -> Vec<f64> {
    let odd: Vec<usize> = (0..known).filter(|row| row % 2 == 1).collect();
    let mut sorted: Vec<f64> = odd.iter().map(|&row| scores[row]).collect();
    sorted.sort_by(f64::total_cmp);
    let cuts: Vec<f64> = (1..RANGES).map(|cut| sorted[cut * sorted.len() / RANGES]).collect();
    let range = |score: f64| cuts.partition_point(|cut| *cut <= score);
    let mut counts = [[1.0_f64; RANGES]; 2];
    odd.iter().for_each(|&row| counts[usize::from(right[row])][range(scores[row])] += 1.0);
    let totals = counts.map(|of| of.iter().sum::<f64>());
    let ratio = |score: &f64| {
        let at = range(*score);
        (counts[1][at] / totals[1] / (counts[0][at] / totals[0])).ln()
    };
    scores[known..].iter().map(ratio).collect()
}

/// Pearson's correlation; NaN where one does not vary.
fn correlation(pairs: impl Iterator<Item = (f64, f64)> + Clone) -> f64 {
    let n = pairs.clone().count() as f64;
    let (a, b) = pairs.clone().fold((0.0, 0.0), |(a, b), (x, y)| (a + x / n, b + y / n));
    let (xx, yy, xy) = pairs.fold((0.0, 0.0, 0.0), |(xx, yy, xy), (x, y)| {
        (xx + (x - a).powi(2), yy + (y - b).powi(2), xy + (x - a) * (y - b))
    });
    xy / (xx * yy).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::specimen::uniform;
    use crate::seed::Seed;

    /// One neuron of three lights up for records whose value is right, nine times in ten; people whose neuron is lit are told apart
    /// by ln of about nine, noise by nothing.
    #[test]
    fn the_neuron_that_tells_is_found_among_others() {
        let known = 2_000;
        let of = |salt: &str| -> Vec<f32> {
            let draws = uniform(known + 2, 1_000, Seed::root(3).derive(salt));
            draws.into_iter().map(|draw| draw as f32 / 1_000.0).collect()
        };
        let [mine, noise, a, b, c] = ["right", "noise", "a", "b", "c"].map(of);
        let right: Vec<bool> = mine[..known].iter().map(|draw| *draw < 0.25).collect();
        let lit = |row: usize| right[row] == (noise[row] < 0.9);
        let mut values: Vec<f32> = (0..known).flat_map(|row| [a[row], f32::from(u8::from(lit(row))), b[row]]).collect();
        values.extend([0.5, 1.0, 0.5, 0.5, 0.0, 0.5]);
        let stage = |values: Vec<f32>| Stage { name: "hidden".to_owned(), width: 3, values };
        let found = evidence(&[stage(values)], &right, 2).expect("there are enough of both");
        assert!(found[0] > 1.0 && found[1] < -1.0, "{found:?}");
        let noise = (0..known + 2).flat_map(|row| [a[row], b[row], c[row]]).collect();
        let silent = evidence(&[stage(noise)], &right, 2).expect("there are enough of both");
        assert!(silent.iter().all(|ratio| ratio.abs() < 0.7), "{silent:?}");
        assert!(evidence(&[], &vec![false; known], 0).is_none(), "nobody has the value");
    }
}
