//! The instrument tested on the user's own data: does it fail a model that leaks nothing, and does it see a leak of known
//! size?
//!
//! Non-members are relabelled: a random half of their patients plays members. Nothing can be learned about membership then,
//! so every failure is a false one. After that a leak is planted: for a share of the fake members the answers become as sure
//! of the truth as those of a model that memorised them.

use super::AssessError;
use super::assessment::{Certificate, InputFile, Planted, Rate};
use super::gate::Verdict;
use super::plan::Plan;
use super::run::{Judged, applicable, bad_settings, digests, judged};
use super::world::World;
use crate::check::membership::epsilon::UNCORRECTED;
use crate::check::membership::surrogate_calibrated::CONTROL;
use crate::check::{self, Audited, Check, Truth};
use crate::digest::Digest;
use crate::finding::{Evidence, Finding, Standing};
use crate::learn::folds;
use crate::model::runtime::Candidate;
use crate::model::{Predictions, Scale};
use crate::seed::Seed;
use crate::watch::{Clock, Event, Unwatched, Watch};

/// The file in the output folder that holds the certificate.
pub const FILE: &str = "selftest.json";
/// The step's name.
const STEP: &str = "selftest";
/// Shares of fake members that are made to look memorised.
const PLANTED: [f64; 3] = [0.05, 0.1, 0.2];
/// Fewest fake members and fake non-members.
const FEWEST: usize = 20;
/// How much of a memorised record's logit lies beyond the surest non-member, in logits.
const BEYOND: f64 = 2.0;

/// How much is tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effort {
    /// Relabelled runs.
    pub runs: usize,
    /// Most patients (or records) on either side of a run.
    pub most: usize,
    /// Runs per planted leak.
    pub planted: usize,
}

impl Default for Effort {
    fn default() -> Self {
        Self { runs: 100, most: 1000, planted: 20 }
    }
}

/// Tests the instrument on a plan's own data.
///
/// # Errors
/// When data or model cannot be used, or there are too few non-members.
pub fn run(
    plan: &Plan,
    effort: Effort,
    candidates: &[Candidate],
    watch: &dyn Watch,
) -> Result<Certificate, AssessError> {
    let mut clock = Clock::new(watch);
    let inputs = digests(plan)?;
    let world = World::prepare(plan, candidates, &mut clock)?;
    let checks: Vec<Box<dyn Check>> = check::all(&plan.checks)
        .map_err(|complaints| bad_settings(&complaints))?
        .into_iter()
        .filter(|check| ["membership/", "dataset/"].iter().any(|family| check.meta().id.starts_with(family)))
        .collect();
    let bench = Bench { plan, world: &world, checks: &checks, effort };
    let total = (effort.runs + PLANTED.len() * effort.planted) as u64;
    let progress = |done: usize| watch.on(&Event::Progress { step: STEP, done: done as u64, total });
    watch.on(&Event::Started { step: STEP });
    let mut tally = Tally::default();
    let mut members = 0;
    for index in 0..effort.runs {
        let (fake, rest) = bench.relabel(index)?;
        members = fake.len();
        tally.add(&bench.judge(&world.relabelled(&fake, &rest)?, index)?);
        progress(index + 1);
    }
    let mut planted = Vec::new();
    for (at, share) in PLANTED.into_iter().enumerate() {
        let mut seen = Tally::default();
        for index in 0..effort.planted {
            let (fake, rest) = bench.relabel(effort.runs + index)?;
            let mut leaking = world.relabelled(&fake, &rest)?;
            if let Some(audited) = leaking.audited.as_mut() {
                memorise(audited, share, Seed::root(plan.seed).derive(STEP).derive(&format!("{share} {index}")));
            }
            seen.add(&bench.judge(&leaking, effort.runs + index)?);
            progress(effort.runs + at * effort.planted + index + 1);
        }
        let rate = |count: usize| Rate::of(count, effort.planted);
        planted.push(Planted { share, failed: rate(seen.fails), seen: rate(seen.rates) });
    }
    watch.on(&Event::Finished { step: STEP });
    let rate = |count: usize| Rate::of(count, effort.runs);
    Ok(Certificate {
        program: env!("CARGO_PKG_VERSION").to_owned(),
        inputs: audited_files(&inputs),
        seed: plan.seed,
        runs: effort.runs,
        members,
        false_fails: rate(tally.fails),
        false_rates: rate(tally.rates),
        false_areas: rate(tally.areas),
        false_epsilons: rate(tally.epsilons),
        uncorrected_epsilons: rate(tally.uncorrected_epsilons),
        uncorrected_areas: rate(tally.uncorrected_areas),
        false_permutations: rate(tally.permutations),
        false_invalid: rate(tally.invalid),
        planted,
    })
}

/// The certificate of a plan's output folder, if it was made on the same model and data; a warning where it was not.
pub(super) fn certificate(plan: &Plan, inputs: &[InputFile]) -> (Option<Certificate>, Option<String>) {
    let Ok(text) = std::fs::read_to_string(plan.output.join(FILE)) else { return (None, None) };
    match serde_json::from_str::<Certificate>(&text) {
        Ok(found) if found.inputs == audited_files(inputs) => (Some(found), None),
        _ => (
            None,
            Some(
                "The self-test in the output folder was made on another model or other data and is left out."
                    .to_owned(),
            ),
        ),
    }
}

/// Digests of everything but the plan, which may be reworded.
fn audited_files(inputs: &[InputFile]) -> Vec<Digest> {
    inputs.iter().filter(|input| input.role != "plan").map(|input| input.sha256.clone()).collect()
}

/// What every run shares.
struct Bench<'a> {
    plan: &'a Plan,
    world: &'a World,
    checks: &'a [Box<dyn Check>],
    effort: Effort,
}

impl Bench<'_> {
    /// Rows of the non-members that play members, and the others: no patient in both, at most as many as the effort allows.
    fn relabel(&self, index: usize) -> Result<(Vec<usize>, Vec<usize>), AssessError> {
        let nonmembers = self.world.split.as_ref().map(|split| &split.nonmembers);
        let rows = nonmembers.map_or(0, crate::data::Records::len);
        let declared = nonmembers.and_then(|records| records.groups.clone());
        let groups = declared.unwrap_or_else(|| (0..rows as u32).collect());
        let seed = Seed::root(self.plan.seed).derive(STEP).derive(&index.to_string());
        let patients = groups.iter().collect::<std::collections::BTreeSet<_>>().len();
        // As many equal parts as keep a part under the bound; the first two play.
        let parts = (patients.div_ceil(self.effort.most)).max(2);
        let part = folds::assign(&groups, &vec![0; rows], parts, seed);
        let of = |wanted: usize| -> Vec<usize> { (0..rows).filter(|&row| part[row] == wanted).collect() };
        let (fake, rest) = (of(0), of(1));
        if fake.len() < FEWEST || rest.len() < FEWEST {
            return Err(AssessError::Mismatch {
                what: "there are too few non-members to test the instrument with".to_owned(),
                help: format!("give at least {} non-members", 2 * FEWEST),
            });
        }
        Ok((fake, rest))
    }

    fn judge(&self, world: &World, index: usize) -> Result<Judged, AssessError> {
        let seed = self.plan.seed.wrapping_add(1 + index as u64);
        let subject = world.subject(seed);
        let mut policy = applicable(self.plan, &subject, self.checks);
        policy.retain(|measure| measure.starts_with("membership/"));
        let mut clock = Clock::new(&Unwatched);
        judged(self.plan, self.checks, &policy, &subject, &mut clock)
    }
}

/// What happened over the runs.
#[derive(Default)]
struct Tally {
    fails: usize,
    rates: usize,
    areas: usize,
    epsilons: usize,
    uncorrected_epsilons: usize,
    uncorrected_areas: usize,
    permutations: usize,
    invalid: usize,
}

impl Tally {
    fn add(&mut self, judged: &Judged) {
        let estimate = |measure: &str| {
            let found = judged.findings.iter().find(|finding| finding.measure == measure);
            found.and_then(|finding| finding.estimate)
        };
        let over = |measure: &str, chance: f64| usize::from(estimate(measure).is_some_and(|e| e.low > chance));
        self.fails += usize::from(matches!(judged.verdict, Verdict::Fail(_)));
        self.rates += over("membership/tpr-at-fpr-0.01", 0.01);
        self.areas += over("membership/auc", 0.5);
        self.epsilons += over("membership/epsilon-equivalent", 0.0);
        self.uncorrected_epsilons += usize::from(uncorrected_epsilon(&judged.findings) > 0.0);
        let any = judged.findings.iter().any(|finding| {
            let of_attack = finding.measure.ends_with("-auc") && finding.measure.starts_with("membership/");
            let combined = ["membership/subgroup-auc", "membership/whole-patient-auc", CONTROL]
                .contains(&finding.measure.as_str());
            of_attack && !combined && finding.estimate.is_some_and(|estimate| estimate.low > 0.5)
        });
        self.uncorrected_areas += usize::from(any);
        self.permutations += usize::from(estimate("membership/permutation-p").is_some_and(|e| e.value < 0.05));
        // What voids the judged numbers; a remedy that finds nothing to remedy does not count.
        let invalid = |finding: &Finding| {
            finding.measure == "membership/auc" && matches!(finding.standing, Standing::Invalid { .. })
        };
        self.invalid += usize::from(judged.findings.iter().any(invalid));
    }
}

/// What the rule of other tools claims, from the table that stands beside the bound.
fn uncorrected_epsilon(findings: &[Finding]) -> f64 {
    let tables = findings.iter().flat_map(|finding| &finding.evidence).filter_map(|evidence| match evidence {
        Evidence::Table(table) => table.rows.iter().find(|row| row[0] == UNCORRECTED),
        _ => None,
    });
    tables.filter_map(|row| row[1].parse::<f64>().ok()).fold(0.0, f64::max)
}

/// Makes the answers about a share of the members as sure of the truth as memorised ones: surer than about any non-member.
fn memorise(audited: &mut Audited, share: f64, seed: Seed) {
    let (Some(members), Some(others)) = (audited.members.as_mut(), audited.nonmembers.as_ref()) else { return };
    let rows = members.truth.len();
    let chosen = folds::representatives(&(0..rows as u32).collect::<Vec<u32>>(), seed);
    let part =
        folds::assign(&(0..rows as u32).collect::<Vec<u32>>(), &vec![0; rows], (1.0 / share).round() as usize, seed);
    let chosen = chosen.into_iter().filter(|&row| part[row] == 0);
    let signal = check::membership::signal::Signal::main(&others.predictions);
    // Risk scores have no signal without a baseline, and none is asked for here.
    let surest = signal.scores(&others.predictions, &others.truth).into_iter().fold(f64::NEG_INFINITY, f64::max);
    for row in chosen {
        match (&mut members.predictions, &members.truth) {
            (Predictions::Scores { scale, classes, values, .. }, Truth::Classes(truth)) => {
                let scores = &mut values[row * *classes..(row + 1) * *classes];
                sure(*scale, scores, truth[row] as usize, surest.clamp(-30.0, 30.0) + BEYOND);
            }
            (Predictions::Values(values), Truth::Values(truth)) => values[row] = truth[row],
            (Predictions::Labels(labels), Truth::Classes(truth)) => labels[row] = truth[row],
            (Predictions::Flags { scale, labels, values }, Truth::Flags { values: truth, .. }) => {
                let logit = surest.clamp(-30.0, 30.0) + BEYOND;
                for (score, holds) in values[row * *labels..(row + 1) * *labels].iter_mut().zip(&truth[row * *labels..])
                {
                    let mut pair = [0.0; 2];
                    sure(*scale, &mut pair, usize::from(*holds), logit);
                    *score = if *scale == Scale::Logit { pair[1] - pair[0] } else { pair[1] };
                }
            }
            (Predictions::Risks(risks), Truth::Survival { times, events, .. }) => {
                risks[row] = foreseen(&others.predictions, &others.truth, times[row], events[row]);
            }
            (Predictions::Curves { times: grid, values }, Truth::Survival { times, events, .. }) => {
                let curve = &mut values[row * grid.len()..(row + 1) * grid.len()];
                for (survival, &at) in curve.iter_mut().zip(grid.iter()) {
                    *survival = f64::from(u8::from(!events[row] || at < times[row]));
                }
            }
            _ => {}
        }
    }
}

/// The score of somebody whose event was foreseen: as high among the non-members' as the event is early among their times,
/// and the lowest for nobody's event.
fn foreseen(others: &Predictions, truth: &Truth, time: f64, event: bool) -> f64 {
    let (Predictions::Risks(risks), Truth::Survival { times, .. }) = (others, truth) else { return 0.0 };
    let mut sorted = risks.clone();
    sorted.sort_by(f64::total_cmp);
    let later = if event { times.iter().filter(|&&other| other > time).count() } else { 0 };
    sorted.get(later.min(sorted.len().saturating_sub(1))).copied().unwrap_or(0.0)
}

/// Scores whose true class has the given logit against all others, who share the rest equally.
fn sure(scale: Scale, scores: &mut [f64], class: usize, logit: f64) {
    let others = (scores.len() - 1).max(1) as f64;
    let rest = 1.0 / (1.0 + logit.exp());
    for (at, score) in scores.iter_mut().enumerate() {
        *score = match (scale, at == class) {
            (Scale::Logit, true) => logit + others.ln(),
            (Scale::Logit, false) => 0.0,
            (Scale::Probability, true) => 1.0 - rest,
            (Scale::Probability, false) => rest / others,
        };
    }
}
