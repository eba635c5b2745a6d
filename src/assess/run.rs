//! The run: load, ask, check, judge.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::AssessError;
use super::assessment::{
    Assessment, Envelope, InputFile, LimitSummary, MethodSummary, PolicySummary, Program, SCHEMA_VERSION, Skipped,
};
use super::evidence::Records;
use super::gate::{self, Verdict};
use super::plan::{DataPlan, ModelPlan, Plan, ReferencePlan};
use super::policy::{Policy, Undetermined};
use super::relate::relate;
use super::world::World;
use super::{selftest, summary};
use crate::check::{self, AnswerSource, Audited, Check, CheckError, Need, RecordRisk, Subject};
use crate::data::{DataError, Features, Source, Split};
use crate::digest::Digest;
use crate::finding::{Evidence, Finding};
use crate::model::graph::Graph;
use crate::model::runtime::Candidate;
use crate::model::{ModelError, Task};
use crate::watch::{Clock, Watch};

/// Carries out a plan.
///
/// # Errors
/// When data or model cannot be used; a check that does not apply is reported as skipped instead.
pub fn run(plan: &Plan, candidates: &[Candidate], watch: &dyn Watch) -> Result<Assessment, AssessError> {
    run_with_records(plan, candidates, watch).map(|(assessment, _)| assessment)
}

/// Carries out a plan and also hands over what is known about single records, which the assessment has no room for; nothing
/// where no membership attack ran.
///
/// # Errors
/// As [`run`].
pub fn run_with_records(
    plan: &Plan,
    candidates: &[Candidate],
    watch: &dyn Watch,
) -> Result<(Assessment, Option<Records>), AssessError> {
    let started = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let mut clock = Clock::new(watch);
    let mut inputs = clock.time("digests", || digests(plan))?;
    refuse_identical(&inputs)?;
    let world = World::prepare(plan, candidates, &mut clock)?;
    inputs.extend(world.trained.iter().cloned());
    let (split, audited, opened) = (world.split.as_ref(), world.audited.as_ref(), world.opened.as_ref());
    let accuracy_warning = plan.model.as_ref().map(|model| check_accuracy(model, audited)).transpose()?.flatten();
    let subject = world.subject(plan.seed);
    let checks = check::all(&plan.checks).map_err(|complaints| bad_settings(&complaints))?;
    let policy = applicable(plan, &subject, &checks);
    let Judged { findings, skipped, verdict, judgements, records } =
        judged(plan, &checks, &policy, &subject, &mut clock)?;
    let stated = plan.scores.as_ref().and_then(|scores| scores.random_split.as_deref());
    let mut warnings: Vec<String> = split.iter().flat_map(|split| split.warnings.clone()).collect();
    warnings.extend(stated.map(|how| format!("The split was not tested; the plan states: {how}")));
    warnings.extend(accuracy_warning);
    warnings.extend(unjudged(plan, &judgements, &skipped));
    let (certificate, stale) = selftest::certificate(plan, &inputs);
    warnings.extend(stale);
    let records = Records::of(records, split, &inputs);
    let assessment = Assessment {
        schema_version: SCHEMA_VERSION,
        name: plan.name.clone(),
        purpose: plan.purpose.clone(),
        stage: plan.stage,
        requested_by: plan.requested_by.clone(),
        verdict,
        judgements,
        methods: methods(&findings),
        findings,
        skipped,
        warnings,
        certificate,
        inferred: world.inferred.clone(),
        model: plan.model.as_ref().zip(opened).zip(input(&inputs, "model")).map(|((model, opened), file)| {
            summary::model(&model.path, &opened.graph, file.sha256.clone(), file.bytes, audited)
        }),
        data: split.map(|split| summary::data(split, audited)),
        inputs,
        policy: policy_summary(&policy),
        seed: plan.seed,
        program: Program {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            runtime_version: opened.map(|opened| opened.runtime.version.clone()).unwrap_or_default(),
            runtime_digest: opened.map(|opened| opened.runtime.digest().cloned()).transpose()?,
        },
        envelope: Envelope {
            started,
            seconds: clock.seconds,
            threads: rayon::current_num_threads(),
            platform: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            runtime_path: opened.map(|opened| opened.runtime.path.display().to_string()).unwrap_or_default(),
            record_evidence: None,
        },
    };
    Ok((assessment, records))
}

/// What the checks said and the gate made of it.
pub(super) struct Judged {
    pub(super) findings: Vec<Finding>,
    pub(super) skipped: Vec<Skipped>,
    pub(super) verdict: Verdict,
    pub(super) judgements: Vec<gate::Judgement>,
    /// What the checks know about single records.
    pub(super) records: Vec<RecordRisk>,
}

/// Runs checks and judges what they find.
pub(super) fn judged(
    plan: &Plan,
    checks: &[Box<dyn Check>],
    policy: &Policy,
    subject: &Subject<'_>,
    clock: &mut Clock<'_>,
) -> Result<Judged, AssessError> {
    let CarriedOut { mut findings, skipped, records } = carry_out(checks, subject, plan, clock)?;
    relate(&mut findings, plan.scores.as_ref().and_then(|scores| scores.random_split.as_deref()));
    let (mut verdict, judgements) = gate::judge(&findings, &skipped, policy);
    // Limits that count only where they can be measured would pass in silence.
    if verdict == Verdict::Pass && skipped.iter().any(|skipped| skipped.reason == STOPPED) {
        verdict = Verdict::Undetermined(vec![format!("Not all checks were made: {STOPPED}.")]);
    }
    mark_limits(&mut findings, policy);
    Ok(Judged { findings, skipped, verdict, judgements, records })
}

/// Why a check was not made that the user did not wait for.
const STOPPED: &str = "the run was interrupted";

/// What the checks handed over.
#[derive(Default)]
struct CarriedOut {
    findings: Vec<Finding>,
    skipped: Vec<Skipped>,
    records: Vec<RecordRisk>,
}

/// Runs the checks in their order; each sees the scores of the attacks before it.
fn carry_out(
    checks: &[Box<dyn Check>],
    subject: &Subject<'_>,
    plan: &Plan,
    clock: &mut Clock<'_>,
) -> Result<CarriedOut, AssessError> {
    let CarriedOut { mut findings, mut skipped, mut records } = CarriedOut::default();
    let mut scores = subject.scores.to_vec();
    for check in checks {
        let id = check.meta().id;
        if !plan.disabled.iter().any(|disabled| disabled.check == id) {
            check.fits(subject).map_err(|source| AssessError::Check { check: id.to_owned(), source })?;
        }
    }
    for check in checks {
        let id = check.meta().id;
        if let Some(off) = plan.disabled.iter().find(|disabled| disabled.check == id) {
            skipped.push(skip(id, &format!("switched off in the plan: {}", off.reason), "remove `enabled = false`"));
            continue;
        }
        let watch = clock.watch;
        if watch.stops() {
            skipped.push(skip(id, STOPPED, "run the plan again"));
            continue;
        }
        let subject = Subject { scores: &scores, ..*subject };
        if let Some(reason) = unmet(check.as_ref(), &subject) {
            skipped.push(reason);
            continue;
        }
        match clock.time(id, || check.run(&subject, watch)) {
            // Some checks end early then; what they have is no measurement.
            _ if watch.stops() => skipped.push(skip(id, STOPPED, "run the plan again")),
            Ok(output) => {
                findings.extend(output.findings);
                scores.extend(output.scores);
                records.extend(output.records);
            }
            Err(CheckError::NotApplicable { reason, remedy }) => skipped.push(skip(id, &reason, &remedy)),
            Err(source) => return Err(AssessError::Check { check: id.to_owned(), source }),
        }
    }
    Ok(CarriedOut { findings, skipped, records })
}

fn input<'i>(inputs: &'i [InputFile], role: &str) -> Option<&'i InputFile> {
    inputs.iter().find(|input| input.role == role)
}

pub(super) fn digests(plan: &Plan) -> Result<Vec<InputFile>, AssessError> {
    let mut files: Vec<(&str, PathBuf)> = vec![("plan", plan.file.clone())];
    files.extend(plan.model.iter().map(|model| ("model", model.path.clone())));
    files.extend(plan.model.iter().filter_map(|model| Some(("previous model", model.previous.clone()?))));
    match plan.data.as_ref().map(|data| &data.source) {
        Some(Source::Two { members, nonmembers, labels }) => {
            files.extend([("members", members.clone()), ("non-members", nonmembers.clone())]);
            if let Some((a, b)) = labels {
                files.extend([("member labels", a.clone()), ("non-member labels", b.clone())]);
            }
        }
        Some(Source::One { records, .. }) => files.push(("records", records.clone())),
        None => {}
    }
    if let Some(scores) = &plan.scores {
        files.push(("scores", scores.file.clone()));
        files.extend(scores.shadow.iter().map(|shadow| ("shadow scores", shadow.file.clone())));
    }
    let schemas = [plan.data.as_ref().map(|data| &data.schema), plan.scores.as_ref().map(|scores| &scores.schema)];
    for schema in schemas.into_iter().flatten() {
        files.extend(schema.hierarchies.iter().map(|(_, file)| ("hierarchy", file.clone())));
        for threat in &schema.quasi_identifiers {
            files.extend(threat.population_file().map(|file| ("population", file.to_owned())));
            files.extend(threat.auxiliary.as_ref().map(|auxiliary| ("auxiliary file", auxiliary.file.clone())));
        }
    }
    match &plan.reference {
        Some(ReferencePlan::Given { models, masks }) => {
            files.extend(models.iter().map(|model| ("reference model", model.clone())));
            files.extend(masks.iter().map(|masks| ("reference masks", masks.clone())));
        }
        Some(ReferencePlan::Trained(trainer)) => {
            files.extend(trainer.inputs.iter().map(|(_, path)| ("input of reference training", path.clone())));
        }
        None => {}
    }
    files.into_iter().map(|(role, path)| describe(role, &path)).collect()
}

pub(super) fn describe(role: &str, path: &Path) -> Result<InputFile, AssessError> {
    let io = |source| DataError::Io { file: path.to_owned(), source };
    Ok(InputFile {
        role: role.to_owned(),
        file: summary::file_name(path),
        sha256: Digest::of_file(path).map_err(io)?,
        bytes: std::fs::metadata(path).map_err(io)?.len(),
    })
}

fn refuse_identical(inputs: &[InputFile]) -> Result<(), AssessError> {
    match (input(inputs, "members"), input(inputs, "non-members")) {
        (Some(a), Some(b)) if a.sha256 == b.sha256 => Err(AssessError::Mismatch {
            what: "members and non-members are the same file: there is nothing to compare".to_owned(),
            help: "give records that the model was not trained on as `[data] nonmembers`".to_owned(),
        }),
        _ => Ok(()),
    }
}

/// Loads the records of a plan.
pub(super) fn load(data: &DataPlan) -> Result<Split, AssessError> {
    Ok(Split::load(&data.source, data.schema.clone(), &data.reading, &data.arrays)?)
}

/// Stops when the model does far worse (or better) than its owner says: the inputs are probably not what it expects.
fn check_accuracy(plan: &ModelPlan, audited: Option<&Audited>) -> Result<Option<String>, AssessError> {
    const FAR: f64 = 0.05;
    let Some(stated) = plan.accuracy else { return Ok(None) };
    let Some(measured) = audited.and_then(|a| a.members.as_ref()).and_then(summary::accuracy) else {
        return Ok(Some("`[model] accuracy` was stated and cannot be compared: no class is predicted.".to_owned()));
    };
    if (measured.value - stated).abs() <= FAR || measured.covers(stated) {
        return Ok(None);
    }
    Err(AssessError::Mismatch {
        what: format!(
            "the model is right about {:.1} % of the members, its owner states {:.1} %: the inputs are probably not what the \
             model expects",
            measured.value * 100.0,
            stated * 100.0
        ),
        help: "check column types, the markers listed under `[data] missing`, and the label order; or correct `[model] accuracy`"
            .to_owned(),
    })
}

/// Settings that no check understands; a loaded plan has none, one put together by a caller may.
pub(super) fn bad_settings(complaints: &[(String, String)]) -> AssessError {
    let list: Vec<String> = complaints.iter().map(|(id, complaint)| format!("`{id}`: {complaint}")).collect();
    AssessError::Mismatch {
        what: format!("settings that a check does not understand: {}", list.join("; ")),
        help: "`privet explain ID` says what a check takes".to_owned(),
    }
}

fn skip(check: &str, reason: &str, remedy: &str) -> Skipped {
    let meta = check::METAS.iter().find(|meta| meta.id == check);
    let measures = meta.map(|meta| meta.measures.iter().map(|&measure| measure.to_owned()).collect());
    Skipped {
        check: check.to_owned(),
        reason: reason.to_owned(),
        remedy: remedy.to_owned(),
        measures: measures.unwrap_or_default(),
    }
}

/// Why a check cannot run on this subject, if so.
fn unmet(check: &dyn Check, subject: &Subject<'_>) -> Option<Skipped> {
    let missing = check.needs().iter().find_map(|need| lacking(*need, subject))?;
    Some(skip(check.meta().id, missing.0, missing.1))
}

fn lacking(need: Need, subject: &Subject<'_>) -> Option<(&'static str, &'static str)> {
    let split = subject.split;
    let lacks = match need {
        Need::Model => subject.model.is_none(),
        Need::Queries => subject.model.is_none_or(|model| model.source != AnswerSource::Model),
        Need::File => subject.file.is_none(),
        Need::References => subject.references.is_empty(),
        Need::Shadow => subject.shadow.is_none(),
        Need::Scores => subject.scores.is_empty(),
        Need::Data => split.is_none(),
        Need::Table => split.is_none_or(|split| matches!(split.members.features, Features::Tensor(_))),
        Need::Target => split.is_none_or(|split| split.members.target.is_none() || split.nonmembers.target.is_none()),
        Need::Classification => subject.model.is_none_or(|model| model.target.facts().task != Task::Classification),
        Need::OneOutcome => subject
            .model
            .is_none_or(|model| !matches!(model.target.facts().task, Task::Classification | Task::Regression)),
        Need::Sensitive => split.is_none_or(|split| split.schema.sensitive.is_empty()),
        Need::QuasiIdentifiers => split.is_none_or(|split| split.schema.quasi_identifiers.is_empty()),
        Need::Previous => subject.file.is_none_or(|file| file.previous.is_none()),
    };
    lacks.then_some(match need {
        Need::Queries | Need::File if subject.model.is_none() => ("there is no model", "set `[model] path`"),
        Need::Model => ("there is no model, or no data to ask it about", "set `[model] path` and `[data]`"),
        Need::Queries => ("there is no model that could be asked, only recorded scores", "set `[model] path`"),
        Need::File => ("there is no model file, only recorded scores", "set `[model] path`"),
        Need::References => ("there are no reference models", "set `[reference]`, see the README"),
        Need::Shadow => ("there is no shadow model with records of its own", "set `[scores.shadow]`"),
        Need::Scores => ("no membership attack ran", "see why each of them was skipped"),
        Need::Data => ("there are no data", "set `[data] members` and `nonmembers`"),
        Need::Table => ("the records are tensors, not a table", "give the records as a table"),
        Need::Target => ("no target column or label array is known", "set `[data] target`"),
        Need::Classification => {
            ("the model does not choose one of several classes", "use a model that predicts classes")
        }
        Need::OneOutcome => {
            ("the model says neither one of several classes nor a number", "use a model of classes or of a number")
        }
        Need::Sensitive => ("no sensitive column is declared", "set `[columns] sensitive`"),
        Need::QuasiIdentifiers => ("no quasi-identifier is declared", "set `[columns] quasi_identifiers`"),
        Need::Previous => ("no previous version of the model is named", "set `[model] previous`"),
    })
}

/// Whether a lack is one of the assessment's scope (no model, no table) and not of a declaration that was left out.
fn out_of_scope(need: Need, subject: &Subject<'_>) -> bool {
    match need {
        Need::Model | Need::Queries | Need::File | Need::Table | Need::Classification | Need::OneOutcome => true,
        // A file alone is scanned, and what only records could show stays in doubt: a scan of strings is no pass.
        Need::Data => subject.file.is_none(),
        Need::Scores => subject.model.is_none(),
        Need::References | Need::Shadow | Need::Target | Need::Sensitive | Need::QuasiIdentifiers | Need::Previous => {
            false
        }
    }
}

/// The policy without limits for what this assessment does not cover: families out of scope, and checks switched off with
/// a reason. Both are listed as skipped.
pub(super) fn applicable(plan: &Plan, subject: &Subject<'_>, checks: &[Box<dyn Check>]) -> Policy {
    let mut policy = plan.policy.clone();
    policy.limits.retain(|limit| {
        let Some(meta) = check::METAS.iter().find(|meta| meta.measures.contains(&limit.measure.as_str())) else {
            return true;
        };
        let off = plan.disabled.iter().any(|disabled| disabled.check == meta.id);
        let needs = checks.iter().find(|check| check.meta().id == meta.id).map_or(&[][..], |check| check.needs());
        let scoped_out = needs.iter().any(|need| out_of_scope(*need, subject) && lacking(*need, subject).is_some());
        !off && (!scoped_out || limit.from_plan)
    });
    policy
}

/// The limits of the profile that were not judged, each with the reason: they must not vanish.
fn unjudged(plan: &Plan, judged: &[gate::Judgement], skipped: &[Skipped]) -> Vec<String> {
    let missing = plan.policy.limits.iter().filter(|limit| !judged.iter().any(|j| j.measure == limit.measure));
    let reason = |measure: &String| {
        let because = skipped.iter().find(|skipped| skipped.measures.contains(measure));
        because.map_or("there are too few records, or nothing is declared to measure it by".to_owned(), |skipped| {
            skipped.reason.clone()
        })
    };
    let mut by_reason: Vec<(String, Vec<String>)> = Vec::new();
    for limit in missing {
        let (reason, measure) = (reason(&limit.measure), format!("`{}`", limit.measure));
        match by_reason.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, measures)) => measures.push(measure),
            None => by_reason.push((reason, vec![measure])),
        }
    }
    let said = |(reason, measures): (String, Vec<String>)| match measures.as_slice() {
        [measure] => format!("The limit on {measure} was not judged: {reason}."),
        _ => format!("The limits on {} were not judged: {reason}.", measures.join(", ")),
    };
    by_reason.into_iter().map(said).collect()
}

/// Marks the policy's limit on curves.
fn mark_limits(findings: &mut [Finding], policy: &Policy) {
    for finding in findings {
        let Some(limit) = policy.limits.iter().find(|limit| limit.measure == finding.measure) else { continue };
        for evidence in &mut finding.evidence {
            if let (Evidence::Roc(curve), Some(fpr)) = (evidence, finding.null_value) {
                curve.limit = Some((fpr, limit.limit));
            }
        }
    }
}

/// What the checks that found something say about themselves.
fn methods(findings: &[Finding]) -> Vec<MethodSummary> {
    let ran = check::METAS.iter().filter(|meta| findings.iter().any(|finding| finding.check == meta.id));
    let method = |meta: &&check::CheckMeta| MethodSummary {
        check: meta.id.to_owned(),
        title: meta.title.to_owned(),
        who: meta.section("Who could do this"),
        how: meta.section("How"),
        references: meta.section("References"),
    };
    ran.map(method).collect()
}

fn policy_summary(policy: &Policy) -> PolicySummary {
    let summary = |limit: &super::policy::Limit| LimitSummary {
        measure: limit.measure.clone(),
        limit: limit.limit,
        reason: limit.reason.clone(),
        origin: if limit.from_plan { "plan" } else { "profile" }.to_owned(),
    };
    PolicySummary {
        profile: policy.profile.clone(),
        undetermined: match policy.undetermined {
            Undetermined::Fail => "fail",
            Undetermined::Warn => "warn",
        }
        .to_owned(),
        limits: policy.limits.iter().map(summary).collect(),
    }
}

/// The facts of a model file alone, for `privet inspect`.
///
/// # Errors
/// When the file is no ONNX model.
pub fn inspect(path: &Path) -> Result<super::assessment::ModelSummary, AssessError> {
    let (graph, bytes) = Graph::load(path)?;
    let digest = Digest::of_bytes(&bytes);
    if bytes.is_empty() {
        return Err(ModelError::NotOnnx { file: path.into(), what: "it is empty".to_owned() }.into());
    }
    Ok(summary::model(path, &graph, digest, bytes.len() as u64, None))
}
