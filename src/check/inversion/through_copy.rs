//! Sensitive attributes guessed through a copy of the model, without asking the model about anybody.
//!
//! The four cells and the verdict are those of `inversion/attribute-inference`; the copy takes the place of the model. Whether
//! "interface only" keeps an attribute is seen from the copy, the model, and imputation side by side.

use super::cells::{Cells, Guesses};
use super::domain::{Attribute, Domain, Grid};
use super::imputer::{Imputed, Lessons};
use super::replies::{Replies, Reply, log_confidence};
use super::rules::{self, Scored, decide};
use super::scene::{Given, Parts, Scene};
use super::solved::Copy;
use super::study::{FEWEST, Planned, Terms};
use super::verdict::{Judged, Slice, Verdict, judge};
use super::work::{Both, Work};
use crate::check::disclosure::counted;
use crate::check::records::patients;
use crate::check::{CheckError, Subject, Truth};
use crate::data::encode::tensors;
use crate::data::{Column, Features, Table};
use crate::finding::{Baseline, CellPair, Evidence, Finding, Severity, Table as Shown, Unit, grouped};
use crate::learn::folds;
use crate::model::{Predictions, Scale};
use crate::seed::Seed;
use crate::stats::{Estimate, Level};
use crate::watch::Watch;

/// Id of the check that these are findings of.
pub(super) const ID: &str = "inversion/extraction";
/// What a copy adds to guesses of a sensitive attribute.
pub(super) const ATTRIBUTE: &str = "inversion/extraction-attribute";
/// Most members that are attacked; half of them choose the attack.
const MOST_MEMBERS: usize = 1_000;
/// Most others.
const MOST_OTHERS: usize = 500;
/// How finely an attribute is searched.
const GRID: Grid = Grid { values: 20, points: 20, intervals: 0, tolerance: None };
/// Severity scale of what a copy adds.
const SCALE: [f64; 4] = [0.01, 0.05, 0.10, 0.25];

/// A copy and who uses it.
pub(super) struct Through<'a> {
    pub(super) copy: &'a Copy,
    /// Non-members whose records are the attacker's.
    pub(super) own: &'a [usize],
    /// Other non-members, one record of each patient, in random order.
    pub(super) others: &'a [usize],
    pub(super) seed: Seed,
}

/// What is said of the attributes.
pub(super) struct Attributes {
    pub(super) findings: Vec<Finding>,
    /// Which were attacked, or why none was.
    pub(super) said: String,
}

/// What was found about one attribute.
struct Found {
    attribute: String,
    copy: Attacked,
    model: Attacked,
    questions: usize,
}

/// The attack that was chosen, and how it fares on people who did not choose it.
struct Attacked {
    attack: &'static str,
    cells: Cells,
}

impl Attributes {
    /// No attribute, for a reason.
    pub(super) fn nothing(reason: &str) -> Self {
        Self { findings: Vec::new(), said: format!("none: {reason}") }
    }
}

impl Through<'_> {
    /// Attacks every sensitive attribute that is an input of the model.
    ///
    /// # Errors
    /// When the model cannot be asked what the copy is compared with.
    pub(super) fn attributes(&self, subject: &Subject<'_>, watch: &dyn Watch) -> Result<Attributes, CheckError> {
        let Some(scene) = Scene::of(subject) else { return Ok(Attributes::nothing("the records are no table")) };
        let declared = &scene.split.schema.sensitive;
        if declared.is_empty() {
            return Ok(Attributes::nothing("no sensitive column is declared"));
        }
        let mut found = Vec::new();
        for name in declared.iter().filter(|name| scene.is_input(name)) {
            let attribute = Attribute { name: name.clone(), columns: vec![name.clone()] };
            if let Some(planned) = self.planned(&scene, attribute) {
                found.push(self.attacked(&scene, &planned, watch)?);
            }
        }
        if found.is_empty() {
            return Ok(Attributes::nothing(
                "no sensitive column is an input of the model with two values and enough people",
            ));
        }
        let everybody =
            |found: &Found| Slice { name: "everybody".to_owned(), cells: found.copy.cells.clone(), share: 1.0 };
        let judged = judge(found.iter().map(everybody).collect());
        let said = found.iter().map(|found| found.attribute.clone()).collect::<Vec<String>>().join(", ");
        let findings = found.iter().zip(&judged).map(|(found, judged)| finding(self.copy, found, judged)).collect();
        Ok(Attributes { findings, said })
    }

    /// Who is attacked; nothing where there are too few people or values.
    fn planned(&self, scene: &Scene<'_>, attribute: Attribute) -> Option<Planned<'static>> {
        let seed = self.seed.derive(&attribute.name);
        let domain = Domain::of(&attribute, (scene.members, scene.others), self.own, GRID, |_| None)?;
        let (groups, _) = patients(scene.split);
        let mut members = folds::representatives(&groups, seed.derive("members"));
        rand::seq::SliceRandom::shuffle(&mut members[..], &mut seed.derive("order").stream());
        let all = members.len();
        let offset = scene.members.rows();
        members.retain(|&row| domain.is_attackable(row));
        let known = (members.len(), all);
        let mut others: Vec<usize> = self.others.to_vec();
        others.retain(|&row| domain.is_attackable(offset + row));
        let sampled = members.len() > MOST_MEMBERS || others.len() > MOST_OTHERS;
        members.truncate(MOST_MEMBERS);
        others.truncate(MOST_OTHERS);
        let enough = domain.len() > 1 && members.len() >= 2 * FEWEST && others.len() >= FEWEST;
        let terms = Terms { queries: 0, grid: GRID, unknown: &[], draws: 1, groups: &[], seed };
        let parts = Parts { members, others, auxiliary: self.own.to_vec() };
        enough.then_some(Planned { attribute, domain, parts, known, sampled, is_input: true, terms, seed })
    }

    fn attacked(&self, scene: &Scene<'_>, planned: &Planned<'_>, watch: &dyn Watch) -> Result<Found, CheckError> {
        let offset = scene.members.rows();
        let behind = |rows: &[usize]| rows.iter().map(|row| offset + row).collect::<Vec<usize>>();
        let rows = Both { members: planned.parts.members.clone(), others: behind(&planned.parts.others) };
        let asked = [&rows.members[..], &rows.others].concat();
        let data = scene.encoded(&planned.attribute, &[], Given::Outcome);
        let patients = scene.patients();
        let lessons = Lessons { data: &data, patients: &patients, auxiliary: &behind(self.own) };
        let imputed = lessons.impute(&planned.domain, &asked, planned.seed.derive("imputer"));
        let knowledge = scene.knowledge(&planned.domain, self.own);
        let work = Work { planned, scene, rows: &rows, data: &data, knowledge: &knowledge };
        let candidates = planned.domain.len();
        let records = Features::Table(placed(scene, planned));
        let of_members = outcomes(&scene.answers.0.truth, &planned.parts.members);
        let of_others = outcomes(&scene.answers.1.truth, &planned.parts.others);
        let attacked = |answers: &Predictions| {
            let others = replies(answers, 0, &of_others, candidates);
            let members = replies(answers, of_others.len() * candidates, &of_members, candidates);
            attack_with(&work, &Both { members, others }, &imputed)
        };
        let of_copy = match &self.copy.taught {
            Some(taught) => Predictions::Scores {
                scale: Scale::Probability,
                classes: taught.classes(),
                values: taught.probabilities(scene.split, &records),
                labels: None,
            },
            None => Predictions::Labels(Vec::new()),
        };
        let copy = attacked(&of_copy);
        let of_model = scene.model.target.query(&tensors(&records, &scene.model.slots)?, ID, watch)?;
        let questions = asked.len() * candidates;
        Ok(Found { attribute: planned.attribute.name.clone(), copy, model: attacked(&of_model), questions })
    }
}

/// The records of everybody attacked, others first, once with every candidate.
fn placed(scene: &Scene<'_>, planned: &Planned<'_>) -> Table {
    let candidates = planned.domain.len();
    let each =
        |rows: &[usize]| rows.iter().flat_map(|&row| std::iter::repeat_n(row, candidates)).collect::<Vec<usize>>();
    let (members, others) = (each(&planned.parts.members), each(&planned.parts.others));
    let tried: Vec<usize> = (0..members.len() + others.len()).map(|at| at % candidates).collect();
    let column = |of_others: &Column| {
        let cells = if planned.attribute.columns.contains(&of_others.name) {
            planned.domain.column(&of_others.cells, &tried)
        } else {
            let of_members = scene.members.column(&of_others.name)?;
            of_others.cells.take(&others).stacked(&of_members.cells.take(&members))?
        };
        Some(Column { name: of_others.name.clone(), cells })
    };
    Table::new(scene.others.columns().iter().filter_map(column).collect())
}

/// The known classes of people.
fn outcomes(truth: &Truth, rows: &[usize]) -> Vec<u32> {
    match truth.take(rows) {
        Truth::Classes(classes) => classes,
        _ => Vec::new(),
    }
}

/// Answers about people with every candidate in place, the first of them in row `from`, in the light of their outcomes.
fn replies(answers: &Predictions, from: usize, outcomes: &[u32], candidates: usize) -> Replies {
    let reply = |row: usize| {
        let (class, outcome) = (answers.class(from + row), outcomes[row / candidates]);
        let fit = log_confidence(answers, from + row, outcome as usize);
        let sure = log_confidence(answers, from + row, class as usize);
        Reply { reproduces: class == outcome, fit, sure, class }
    };
    let of = (0..outcomes.len() * candidates).map(reply).collect();
    Replies { candidates, of, outcomes: outcomes.to_vec() }
}

/// The attack that is right most often on one half of the members, on the other half and on the others, beside imputation.
fn attack_with(work: &Work<'_>, replies: &Both<Replies>, imputed: &Imputed) -> Attacked {
    let (members, others) = (&work.rows.members, &work.rows.others);
    let (posterior, posterior_of_others) = work.split(&imputed.posterior);
    let guessed = |scored: &Scored, rows: &[usize]| -> Guesses {
        decide(scored, &work.planned.domain, &work.knowledge.prior, rows).guesses
    };
    let of_members: Vec<(&'static str, Guesses)> = rules::all(&replies.members, work.knowledge, posterior)
        .iter()
        .map(|scored| (scored.name, guessed(scored, members)))
        .collect();
    let half = members.len() / 2;
    let hits = |guesses: &Guesses| guesses.right[..half].iter().filter(|right| **right).count();
    // The first of equals.
    let best = (0..of_members.len()).rev().max_by_key(|&at| hits(&of_members[at].1)).unwrap_or(0);
    let of_others = guessed(&rules::all(&replies.others, work.knowledge, posterior_of_others)[best], others);
    let baseline = work.baseline(imputed);
    let all = Cells {
        members: work.side(&of_members[best].1, &baseline.members, members),
        others: work.side(&of_others, &baseline.others, others),
    };
    let (reporting, everyone): (Vec<usize>, Vec<usize>) =
        ((half..members.len()).collect(), (0..others.len()).collect());
    Attacked { attack: of_members[best].0, cells: all.take(&reporting, &everyone) }
}

fn share(guesses: &Guesses) -> String {
    Unit::Share.show(guesses.rate(Level::P95).value)
}

fn with_interval(guesses: &Guesses) -> String {
    Unit::Share.show_estimate(&guesses.rate(Level::P95))
}

fn difference(estimate: &Estimate) -> String {
    Unit::ShareDifference.show_estimate(estimate)
}

fn finding(copy: &Copy, found: &Found, judged: &Judged) -> Finding {
    let (name, cells) = (&found.attribute, &found.copy.cells);
    let mut finding = counted(ID, ATTRIBUTE, Unit::ShareDifference, judged.excess);
    finding.scope.clone_from(name);
    finding.sentence = format!(
        "Through a copy made with {} questions, and without asking the model about anybody, `{name}` is guessed right for {} of the \
         members attacked; without any model for {}, through the model itself for {}. {} ({}).",
        grouped(copy.questions as u64),
        share(&cells.members.attack),
        share(&cells.members.baseline),
        share(&found.model.cells.members.attack),
        meaning(judged.verdict),
        judged.verdict.name()
    );
    finding.baseline = Some(Baseline {
        name: "imputation without a model, on the same members".to_owned(),
        estimate: cells.members.baseline.rate(judged.excess.level),
    });
    finding.severity = match judged.verdict {
        Verdict::Individual => Severity::on_scale(judged.individual().low, SCALE).max(Severity::Low),
        _ => Severity::on_scale(judged.excess.low, SCALE).min(Severity::Low),
    };
    let level = judged.excess.level;
    let pair = |name: &str, attack: &Guesses, baseline: &Guesses| CellPair {
        name: name.to_owned(),
        attack: attack.rate(level),
        baseline: baseline.rate(level),
    };
    finding.evidence = vec![
        Evidence::FourCells {
            title: format!("`{name}` guessed through a copy, beside imputation without a model"),
            pairs: vec![
                pair("members", &cells.members.attack, &cells.members.baseline),
                pair("non-members", &cells.others.attack, &cells.others.baseline),
            ],
        },
        Evidence::Table(table(copy, found)),
    ];
    finding.limits.push(
        "The model may say more than this copy, and a copy made with more questions more: `inversion/attribute-inference` asks the \
         model itself."
            .to_owned(),
    );
    finding.limits.push(format!("The copy adds {} on non-members.", difference(&cells.others.excess(level))));
    finding.settings = vec![
        ("verdict".to_owned(), judged.verdict.name().to_owned()),
        ("copy".to_owned(), copy.how.to_owned()),
        ("attack, chosen on other members".to_owned(), found.copy.attack.to_owned()),
        ("questions about the people attacked, for the comparison alone".to_owned(), grouped(found.questions as u64)),
    ];
    finding
}

fn meaning(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Individual => {
            "What the model knows of its members leaves with its answers: keeping the file back, or limiting further questions, does \
             not protect them"
        }
        Verdict::Distribution => "The copy passes on what holds for everybody, about members no more than about others",
        Verdict::Latent => {
            "The copy does better on members than on others, but no better than guessing without a model"
        }
        Verdict::None => "The copy adds nothing that is shown",
    }
}

fn table(copy: &Copy, found: &Found) -> Shown {
    let row = |who: String, Attacked { attack, cells }: &Attacked| {
        let [members, others] = [&cells.members, &cells.others].map(|side| difference(&side.excess(Level::P95)));
        let (of_members, of_others) = (with_interval(&cells.members.attack), with_interval(&cells.others.attack));
        vec![who, (*attack).to_owned(), of_members, members, of_others, others]
    };
    let sides = [&found.copy.cells.members, &found.copy.cells.others].map(|side| with_interval(&side.baseline));
    let [members, others] = sides;
    let alone = vec!["no model".to_owned(), "imputation".to_owned(), members, String::new(), others, String::new()];
    Shown {
        caption: "Right guesses through the copy, through the model, and without either".to_owned(),
        columns: ["through", "attack", "members", "more than imputation", "non-members", "more than imputation"]
            .map(str::to_owned)
            .to_vec(),
        rows: vec![
            row(format!("the copy ({})", copy.how), &found.copy),
            row("the model itself".to_owned(), &found.model),
            alone,
        ],
    }
}
