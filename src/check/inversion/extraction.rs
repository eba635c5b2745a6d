//! # What it measures
//! How often a copy of the model, made with questions alone, gives the same class as the model; and, of a linear model, how many
//! members' records follow from the copy as they would from the file; and, for each sensitive attribute, how much a copy adds to
//! guesses of it.
//!
//! # Who could do this
//! Anybody who may ask the model, with records of the same kind that were not trained on. With the model's file in hand there is
//! nothing to extract: the number speaks of models that are offered as a service.
//!
//! # How
//! Half of the hold-out patients are the attacker's. Where all inputs are numbers and the model gives scores, d + 1 questions about
//! d inputs (the attacker's mean record, and that record with one input moved by a standard deviation) solve a linear model for
//! its weights: log-odds are linear in the inputs. Otherwise, and beside it, the model labels 100, 1,000 and 10,000 records, as
//! far as `queries` allows: the attacker's own, then records with each column drawn from a random record of theirs. Logistic
//! regression and boosted trees learn from the labels; a quarter of these chooses between them. A third of the other hold-out
//! patients chooses among the copies; the agreement is measured on the rest, one record a patient.
//!
//! To grade *interface only*, an attack that needs the file is tried on the linear copy: the last unknown record, for somebody who
//! knows all others, from the equations of an optimum (as `inversion/informed-reconstruction` does with the file), with the
//! inputs as they are and in standard deviations. And the sensitive attributes of members are guessed through the best copy that
//! learned from labels: it is given their records with every candidate value in turn, the model no question. The attacks by
//! confidence of `inversion/attribute-inference` make the guesses, the best of them chosen on half of the members; imputation from
//! the attacker's own records, with the outcome, is the adversary without a model; the same attacks on the model's own answers
//! stand beside them.
//!
//! # Reading the number
//! 100 % says that whoever may ask has the model: protections of the interface (rate limits, rounding) do not keep attacks on the
//! file away, and findings about a linear model hold for the copy as well. The baseline is the class that the model names most
//! often. The finding informs; it is no disclosure by itself, its severity is always very low. `-informed` is the share of
//! members whose record follows from the copy in nine of ten columns, within a twentieth of a standard deviation: where it is not
//! 0, keeping the file back is no safeguard against who knows the other records. Never more than moderate. `-attribute` is how
//! much more often a value is guessed right through the copy than by imputation, on members; the verdict is that of
//! `inversion/attribute-inference`. *Individual disclosure* through a copy: what is known of members leaves with the answers, and
//! limits to the interface come too late. Otherwise the severity is low at most; the model itself may say more than its copy.
//!
//! # When it misleads
//! Too low: an attacker with more questions, or who knows the architecture, does better. Too high: where one class is rare,
//! agreement on the frequent one says little; compare with the baseline. A copy that is at no optimum the check knows (early
//! stopping, other penalties, rounded answers) gives no record; then nothing is said of members.
//!
//! # Cost
//! d + 1 questions, and 100, 1,000 and 10,000 as far as the setting `queries` allows (100 unless set); for each of these steps four
//! small models are trained. For each sensitive attribute up to 1,000 members and 500 others, times at most 20 candidates, are put to
//! the copy, and to the model for comparison.
//!
//! # References
//! Tramer et al., "Stealing machine learning models via prediction APIs", USENIX Security 2016; Orekondy et al., "Knockoff nets",
//! CVPR 2019; Balle, Cherubin and Hayes, IEEE S&P 2022; Mehnaz et al., USENIX Security 2022.

use rand::seq::SliceRandom;
use serde::Deserialize;

use super::copied::Informed;
use super::learned::Taught;
use super::solved::{Copy, equations, numbers};
use super::through_copy::{ATTRIBUTE, Attributes, ID, Through};
use crate::check::disclosure::counted;
use crate::check::records::patients;
use crate::check::{Answers, Audited, Check, CheckError, CheckMeta, Need, Output, Subject};
use crate::data::Split;
use crate::data::encode::tensors;
use crate::finding::{
    Baseline, Evidence, Family, Finding, Severity, Standing, Table, Unit, grouped, part_of, share_of,
};
use crate::learn::folds;
use crate::model::Linear;
use crate::seed::Seed;
use crate::stats::Level;
use crate::stats::interval::wilson;
use crate::watch::Watch;

pub(in crate::check) static META: CheckMeta = CheckMeta {
    id: ID,
    title: "A copy made with questions",
    family: Family::Inversion,
    measures: &[AGREEMENT, INFORMED, ATTRIBUTE],
    source: include_str!("extraction.rs"),
};

const AGREEMENT: &str = "inversion/extraction-agreement";
/// The share of members whose record follows from the copy.
const INFORMED: &str = "inversion/extraction-informed";
/// Numbers of questions of the copies.
const BUDGETS: [usize; 3] = [100, 1_000, 10_000];
/// Most records on which agreement is measured.
const MOST_MEASURED: usize = 5_000;
/// Fewest of them.
const FEWEST: usize = 30;

/// The check.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Extraction {
    /// Most questions for one copy; steps above it are left out.
    queries: usize,
}

impl Default for Extraction {
    fn default() -> Self {
        Self { queries: 100 }
    }
}

/// The attacker's records, and those on which agreement is measured, both rows of the non-members.
struct Parts {
    own: Vec<usize>,
    choosing: Vec<usize>,
    measured: Vec<usize>,
}

impl Check for Extraction {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Model, Need::Queries, Need::Data, Need::Target, Need::Classification]
    }

    fn run(&self, subject: &Subject<'_>, watch: &dyn Watch) -> Result<Output, CheckError> {
        let (Some(model), Some(split)) = (subject.model, subject.split) else { return Ok(Output::default()) };
        let Some(answers) = &model.nonmembers else { return Ok(Output::default()) };
        let seed = subject.seed.derive(META.id);
        let parts = Parts::of(split, seed);
        if parts.own.len() < FEWEST || parts.measured.len() < FEWEST {
            return Ok(vec![too_few()].into());
        }
        let asked: Vec<usize> = [&parts.choosing[..], &parts.measured].concat();
        let mut copies = Vec::new();
        copies.extend(equations(model, split, &parts.own, &asked, (META.id, watch))?);
        for budget in BUDGETS.into_iter().filter(|budget| *budget <= self.queries) {
            let taught = Taught::of(model, split, &parts.own, budget, seed, (META.id, watch))?;
            copies.extend(taught.map(|taught| taught.copy(split, &split.nonmembers.take(&asked).features)));
        }
        let truth: Vec<u32> = asked.iter().map(|&row| answers.predictions.class(row)).collect();
        let cut = parts.choosing.len();
        let right = |copy: &Copy, from: usize, to: usize| {
            copy.classes[from..to].iter().zip(&truth[from..to]).filter(|(copy, model)| copy == model).count()
        };
        let best = copies.iter().rev().max_by_key(|copy| right(copy, 0, cut));
        let Some(best) = best else {
            return Err(CheckError::NotApplicable {
                reason: "no copy could be made with the questions allowed".to_owned(),
                remedy: "allow 100 or more under `[checks.\"inversion/extraction\"] queries`".to_owned(),
            });
        };
        let n = parts.measured.len();
        let agreement = |copy: &Copy| wilson(right(copy, cut, truth.len()), n, Level::P95);
        let mut finding = counted(META.id, AGREEMENT, Unit::Share, agreement(best));
        finding.sentence = format!(
            "A copy made with {} questions ({}) gives the model's own class for {} of people it never saw.",
            grouped(best.questions as u64),
            best.how,
            Unit::Share.show(agreement(best).value)
        );
        finding.null_value = None;
        finding.baseline = Some(Baseline {
            name: "always the class that the model names most often".to_owned(),
            estimate: usual(answers, &parts, &truth[cut..]),
        });
        finding.evidence.push(table(copies.iter().map(|copy| (copy, Unit::Share.show_estimate(&agreement(copy))))));
        finding.limits.push(
            "A copy is no disclosure by itself: it lets attacks that need the file be tried without it. With the file in hand \
             there is nothing to extract."
                .to_owned(),
        );
        finding.settings = vec![
            ("questions allowed".to_owned(), grouped(self.queries as u64)),
            ("people measured, at most".to_owned(), grouped(MOST_MEASURED as u64)),
        ];
        let solved = copies.iter().find_map(|copy| Some((copy.questions, copy.linear.as_ref()?)));
        let informed = match solved {
            Some((questions, linear)) => attacked(model, split, linear)?.map(|found| (questions, found)),
            None => None,
        };
        let further = match informed {
            Some((questions, informed)) if informed.is_optimum() => Some(recovered(&informed, questions, split)),
            Some(_) => {
                finding.limits.push(
                    "The linear copy is at no optimum that the check knows: the last unknown record does not follow from it."
                        .to_owned(),
                );
                None
            }
            None => None,
        };
        let taught = copies.iter().rev().filter(|copy| copy.taught.is_some()).max_by_key(|copy| right(copy, 0, cut));
        let attributes = match taught {
            Some(copy) => {
                let through = Through { copy, own: &parts.own, others: &asked, seed: seed.derive("attributes") };
                through.attributes(subject, watch)?
            }
            None => Attributes::nothing("no copy has learned from labels"),
        };
        finding.settings.push(("attributes attacked through a copy".to_owned(), attributes.said));
        Ok(std::iter::once(finding).chain(further).chain(attributes.findings).collect::<Vec<Finding>>().into())
    }
}

impl Parts {
    /// By patient, one record each; the attacker may use several of one patient.
    fn of(split: &Split, seed: Seed) -> Self {
        let groups = patients(split).1;
        let half = folds::assign(&groups, &vec![0; groups.len()], 2, seed.derive("halves"));
        let (mut own, others): (Vec<usize>, Vec<usize>) = (0..groups.len()).partition(|&row| half[row] == 0);
        own.shuffle(&mut seed.derive("own").stream());
        let of_others: Vec<u32> = others.iter().map(|&row| groups[row]).collect();
        let one_each = folds::representatives(&of_others, seed.derive("one each"));
        let mut one_each: Vec<usize> = one_each.into_iter().map(|at| others[at]).collect();
        one_each.shuffle(&mut seed.derive("measured").stream());
        one_each.truncate(MOST_MEASURED);
        let measured = one_each.split_off(one_each.len() / 3);
        Self { own, choosing: one_each, measured }
    }
}

fn usual(answers: &Answers, parts: &Parts, truth: &[u32]) -> crate::stats::Estimate {
    let mut named: Vec<u32> = parts.own.iter().map(|&row| answers.predictions.class(row)).collect();
    named.sort_unstable();
    let most = named.chunk_by(|a, b| a == b).max_by_key(|same| same.len()).map_or(0, |same| same[0]);
    wilson(truth.iter().filter(|class| **class == most).count(), truth.len(), Level::P95)
}

/// The attack on a linear copy with the members' records and outcomes.
fn attacked(model: &Audited, split: &Split, copy: &Linear) -> Result<Option<Informed>, CheckError> {
    let inputs = tensors(&split.members.features, &model.slots)?;
    let truth = model.members.as_ref().map(|answers| &answers.truth);
    let rows = numbers(&inputs, &model.slots);
    Ok(rows.zip(truth).and_then(|(rows, truth)| Informed::of(copy, &rows, truth)))
}

fn recovered(informed: &Informed, questions: usize, split: &Split) -> Finding {
    let members = split.members.len();
    let share = share_of(informed.found, members);
    let mut finding = counted(META.id, INFORMED, Unit::Share, share);
    finding.sentence = format!(
        "Somebody who knows all other records and may only ask can compute the records of {} members, one at a time, from a copy \
         made with {} questions.",
        part_of(informed.found, members),
        grouped(questions as u64)
    );
    // A worst case over what an adversary knows: never more than moderate.
    finding.severity = Severity::on_scale(share.low, [0.01, 0.10, f64::INFINITY, f64::INFINITY]);
    finding.limits.push(
        "This is the risk from somebody who knows everybody else, a partner of the study and not an outsider."
            .to_owned(),
    );
    finding
}

fn table<'c>(copies: impl Iterator<Item = (&'c Copy, String)>) -> Evidence {
    Evidence::Table(Table {
        caption: "Agreement of a copy with the model, by the number of questions".to_owned(),
        columns: ["copy", "questions", "same class as the model"].map(str::to_owned).to_vec(),
        rows: copies.map(|(copy, share)| vec![copy.how.to_owned(), grouped(copy.questions as u64), share]).collect(),
    })
}

fn too_few() -> Finding {
    let mut finding = counted(META.id, AGREEMENT, Unit::Share, share_of(0, 1));
    finding.estimate = None;
    finding.null_value = None;
    "Too few hold-out records to make a copy and to measure it.".clone_into(&mut finding.sentence);
    finding.standing = Standing::Insufficient {
        reason: "too few hold-out patients to make a copy of the model with and to measure it on.".to_owned(),
        needed: "A hundred hold-out patients would do.".to_owned(),
    };
    finding
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Truth;
    use crate::check::specimen::{Case, Specimen, numbers as column, uniform};
    use crate::data::encode::Slot;
    use crate::data::{Schema, Table as Records};
    use crate::model::{Predictions, Scale};
    use crate::tensor::{Element, Tensor, Values};

    const RECORDS: usize = 900;

    fn slot(name: &str) -> Slot {
        Slot { input: name.to_owned(), columns: vec![name.to_owned()], element: Element::F64, row_shape: vec![1] }
    }

    /// A number of an id that nothing predicts.
    fn mixed(id: f64) -> u32 {
        let bits = (id as u64).wrapping_add(0x9e37_79b9).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        ((bits ^ (bits >> 31)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 40) as u32
    }

    fn answered(right: &[u32]) -> Predictions {
        let values = right.iter().flat_map(|&class| if class == 1 { [0.1, 0.9] } else { [0.9, 0.1] }).collect();
        Predictions::Scores { scale: Scale::Probability, classes: 2, values, labels: None }
    }

    /// A model that names `s`, but for the given tenths of ids, where it names the other class.
    fn case(noisy_tenths: u32, seed: u64) -> Case {
        let class = move |id: f64, s: f64| u32::from(s > 0.5) ^ u32::from(mixed(id) % 10 < noisy_tenths);
        let seed = Seed::root(seed).derive("extraction specimen");
        // Ids in the order of nothing: a copy cannot learn what is noise of them.
        let ids = |part: u32| -> Vec<f64> {
            uniform(RECORDS, 1 << 30, seed.derive(&format!("ids {part}"))).into_iter().map(f64::from).collect()
        };
        let of = |part: u32| -> Vec<f64> {
            uniform(RECORDS, 2, seed.derive(&format!("s {part}"))).into_iter().map(f64::from).collect()
        };
        let table =
            |part: u32| Records::new(vec![column("id", ids(part)), column("s", of(part)), column("y", of(part))]);
        let answers = |part: u32| {
            let classes: Vec<u32> = ids(part).iter().zip(of(part)).map(|(id, s)| class(*id, s)).collect();
            Answers { predictions: answered(&classes), truth: Truth::Classes(classes) }
        };
        let answer = move |inputs: &[Tensor]| {
            let (Values::F64(ids), Values::F64(s)) = (&inputs[0].values, &inputs[1].values) else {
                unreachable!("the slots are floats")
            };
            answered(&ids.iter().zip(s).map(|(id, s)| class(*id, *s)).collect::<Vec<u32>>())
        };
        let schema = Schema { target: Some("y".into()), ..Schema::default() };
        Case::tables(table(0), table(1), schema).with_model(vec![slot("id"), slot("s")], answers(0), answers(1), answer)
    }

    impl Specimen for Extraction {
        const MEASURE: &'static str = AGREEMENT;
        const WORST: Severity = Severity::VeryLow;

        /// Half of the ids are turned round: a coin.
        fn null(seed: u64) -> (Case, f64) {
            (case(5, seed), 0.5)
        }

        fn leaky() -> Case {
            case(0, 1)
        }

        fn graded(seed: u64) -> (Case, f64) {
            (case(2, seed), 0.8)
        }
    }

    /// A logistic model of three inputs: four questions, and every class the same.
    #[test]
    fn a_linear_model_is_solved_with_one_question_more_than_inputs() {
        let names = ["a", "b", "c"];
        let values =
            |part: &str, name: &str| crate::check::specimen::normal(300, 2.0, Seed::root(5).derive(part).derive(name));
        let odds = |a: f64, b: f64, c: f64| 0.5 * a - 2.0 * b + 1.5 * c + 0.3;
        let classes = |part: &str| -> Vec<u32> {
            let columns = names.map(|name| values(part, name));
            (0..300).map(|at| u32::from(odds(columns[0][at], columns[1][at], columns[2][at]) > 0.0)).collect()
        };
        let table = |part: &str| {
            let y = classes(part).into_iter().map(f64::from).collect();
            let features = names.map(|name| column(name, values(part, name)));
            Records::new(features.into_iter().chain([column("y", y)]).collect())
        };
        let answers =
            |part: &str| Answers { predictions: answered(&classes(part)), truth: Truth::Classes(classes(part)) };
        let answer = move |inputs: &[Tensor]| {
            let cells: Vec<Vec<f64>> = inputs.iter().filter_map(Tensor::to_f64).collect();
            let p = |at: usize| 1.0 / (1.0 + (-odds(cells[0][at], cells[1][at], cells[2][at])).exp());
            let values = (0..cells[0].len()).flat_map(|at| [1.0 - p(at), p(at)]).collect();
            Predictions::Scores { scale: Scale::Probability, classes: 2, values, labels: None }
        };
        let schema = Schema { target: Some("y".into()), ..Schema::default() };
        let case = Case::tables(table("in"), table("out"), schema).with_model(
            names.map(slot).to_vec(),
            answers("in"),
            answers("out"),
            answer,
        );
        let finding = case.run(&Extraction { queries: 100 }, 1).remove(0);
        assert_eq!(finding.estimate.map(|e| e.value), Some(1.0));
        assert!(finding.sentence.contains("with 4 questions"), "{}", finding.sentence);
        let asked = case.model.as_ref().unwrap().target.rows_queried();
        assert_eq!(asked, 104, "four for the equations, a hundred for the copy");
    }

    /// The optimum of a logistic loss with an L2 penalty of 1, by Newton's method; the first number is the intercept.
    fn logistic(rows: &[[f64; 3]], y: &[u32]) -> [f64; 4] {
        let mut w = [0.0; 4];
        for _ in 0..50 {
            let mut system = [[0.0; 5]; 4];
            (1..4).for_each(|at| (system[at][at], system[at][4]) = (1.0, -w[at]));
            for (row, &y) in rows.iter().zip(y) {
                let own = [1.0, row[0], row[1], row[2]];
                let p = 1.0 / (1.0 + (-own.iter().zip(&w).map(|(a, b)| a * b).sum::<f64>()).exp());
                for (a, line) in system.iter_mut().enumerate() {
                    (0..4).for_each(|b| line[b] += p * (1.0 - p) * own[a] * own[b]);
                    line[4] += (f64::from(y) - p) * own[a];
                }
            }
            for pivot in 0..4 {
                let line = system[pivot];
                for other in (0..4).filter(|other| *other != pivot) {
                    let share = system[other][pivot] / line[pivot];
                    (0..5).for_each(|at| system[other][at] -= share * line[at]);
                }
            }
            (0..4).for_each(|at| w[at] += system[at][4] / system[at][at]);
        }
        w
    }

    /// A logistic regression at its optimum: with four questions and all other records every record follows. Moved off the
    /// optimum, or with members it was not trained on, none does.
    #[test]
    fn a_copy_gives_away_the_last_record_as_the_file_does() {
        let rows = |part: &str| -> Vec<[f64; 3]> {
            let of = |name: &str| crate::check::specimen::normal(300, 1.0, Seed::root(6).derive(part).derive(name));
            let (a, b, c) = (of("a"), of("b"), of("c"));
            (0..300).map(|at| [a[at], b[at], c[at]]).collect()
        };
        let y = |part: &str| uniform(300, 2, Seed::root(7).derive(part));
        let trained = logistic(&rows("in"), &y("in"));
        let run = |members: &str, moved: f64| {
            let w = [trained[0], trained[1] + moved, trained[2], trained[3]];
            let p = move |row: &[f64]| 1.0 / (1.0 + (-(w[0] + w[1] * row[0] + w[2] * row[1] + w[3] * row[2])).exp());
            let scored = move |rows: Vec<[f64; 3]>| {
                let values = rows.iter().flat_map(|row| [1.0 - p(row), p(row)]).collect();
                Predictions::Scores { scale: Scale::Probability, classes: 2, values, labels: None }
            };
            let table = |part: &str| {
                let cells = |at: usize| rows(part).iter().map(|row| row[at]).collect();
                let y = column("y", y(part).into_iter().map(f64::from).collect());
                Records::new(vec![column("a", cells(0)), column("b", cells(1)), column("c", cells(2)), y])
            };
            let answers = |part: &str| Answers { predictions: scored(rows(part)), truth: Truth::Classes(y(part)) };
            let answer = move |inputs: &[Tensor]| {
                let cells: Vec<Vec<f64>> = inputs.iter().filter_map(Tensor::to_f64).collect();
                scored((0..cells[0].len()).map(|at| [cells[0][at], cells[1][at], cells[2][at]]).collect())
            };
            let schema = Schema { target: Some("y".into()), ..Schema::default() };
            let case = Case::tables(table(members), table("out"), schema).with_model(
                ["a", "b", "c"].map(slot).to_vec(),
                answers(members),
                answers("out"),
                answer,
            );
            case.run(&Extraction { queries: 100 }, 1)
        };
        let share = |findings: &[Finding]| {
            let found = findings.iter().find(|finding| finding.measure == INFORMED);
            found.and_then(|finding| finding.estimate).map(|estimate| estimate.value)
        };
        assert_eq!(share(&run("in", 0.0)), Some(1.0));
        for (members, moved) in [("in", 0.5), ("strangers", 0.0)] {
            let findings = run(members, moved);
            assert!(share(&findings).unwrap_or(0.0) < 0.05, "{:?}", share(&findings));
        }
    }
}
