//! # What it measures
//! How often a copy of the model, made with questions alone, gives the same class as the model.
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
//! # Reading the number
//! 100 % says that whoever may ask has the model: protections of the interface (rate limits, rounding) do not keep attacks on the
//! file away, and findings about a linear model hold for the copy as well. The baseline is the class that the model names most
//! often. The finding informs; it is no disclosure by itself, its severity is always very low.
//!
//! # When it misleads
//! Too low: an attacker with more questions, or who knows the architecture, does better. Too high: where one class is rare,
//! agreement on the frequent one says little; compare with the baseline.
//!
//! # Cost
//! d + 1 questions, and 100, 1,000 and 10,000 as far as the setting `queries` allows (100 unless set); for each of these steps four
//! small models are trained.
//!
//! # References
//! Tramer et al., "Stealing machine learning models via prediction APIs", USENIX Security 2016; Orekondy et al., "Knockoff nets",
//! CVPR 2019.

use rand::Rng;
use rand::seq::SliceRandom;
use serde::Deserialize;

use crate::check::disclosure::counted;
use crate::check::records::{patients, side_by_side};
use crate::check::{Answers, Audited, Check, CheckError, CheckMeta, Need, Output, Subject};
use crate::data::encode::{Slot, tensors};
use crate::data::{Column, Features, Split, Table as Records};
use crate::finding::{Baseline, Evidence, Family, Finding, Standing, Table, Unit, grouped, share_of};
use crate::learn::boosted::Boosted;
use crate::learn::logistic::Logistic;
use crate::learn::{Learner, folds};
use crate::model::{Predictions, largest, log_probability};
use crate::seed::Seed;
use crate::stats::Level;
use crate::stats::interval::wilson;
use crate::tensor::{Element, Tensor, Values};
use crate::watch::Watch;

pub(in crate::check) static META: CheckMeta = CheckMeta {
    id: "inversion/extraction",
    title: "A copy made with questions",
    family: Family::Inversion,
    measures: &[AGREEMENT],
    source: include_str!("extraction.rs"),
};

const AGREEMENT: &str = "inversion/extraction-agreement";
/// Numbers of questions of the copies.
const BUDGETS: [usize; 3] = [100, 1_000, 10_000];
/// Most inputs of equations.
const MOST_INPUTS: usize = 10_000;
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

/// A copy: how it was made, and its class for each record measured.
struct Copy {
    how: &'static str,
    questions: usize,
    classes: Vec<u32>,
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
        copies.extend(equations(model, split, &parts, &asked, watch)?);
        for budget in BUDGETS.into_iter().filter(|budget| *budget <= self.queries) {
            copies.extend(learned(model, split, &parts, &asked, budget, seed, watch)?);
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
        finding.evidence.push(table(copies.iter().map(|copy| (copy, Unit::Share.show(agreement(copy).value)))));
        finding.limits.push(
            "A copy is no disclosure by itself: it lets attacks that need the file be tried without it. With the file in hand \
             there is nothing to extract."
                .to_owned(),
        );
        finding.settings = vec![("questions allowed".to_owned(), grouped(self.queries as u64))];
        Ok(vec![finding].into())
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

// ------------------------------------------------------------------ equations

/// The inputs of some records as one row of numbers each; nothing where an input is no float.
fn numbers(inputs: &[Tensor], slots: &[Slot]) -> Option<Vec<Vec<f64>>> {
    let floats = |slot: &Slot| matches!(slot.element, Element::F32 | Element::F64);
    if slots.is_empty() || !slots.iter().all(floats) {
        return None;
    }
    let parts: Vec<(usize, Vec<f64>)> =
        inputs.iter().map(|tensor| Some((tensor.row_len(), tensor.to_f64()?))).collect::<Option<_>>()?;
    let row = |at: usize| parts.iter().flat_map(move |(width, values)| values[at * width..(at + 1) * width].to_vec());
    Some((0..inputs.first().map_or(0, Tensor::rows)).map(|at| row(at).collect()).collect())
}

/// Rows of numbers as the inputs of the model.
fn inputs(rows: &[Vec<f64>], slots: &[Slot]) -> Vec<Tensor> {
    let mut from = 0;
    let of_slot = |slot: &Slot| {
        let width: usize = slot.row_shape.iter().product();
        let cells = || rows.iter().flat_map(|row| row[from..from + width].iter().copied());
        let values = match slot.element {
            Element::F64 => Values::F64(cells().collect()),
            _ => Values::F32(cells().map(|value| value as f32).collect()),
        };
        from += width;
        Tensor { row_shape: slot.row_shape.clone(), values }
    };
    slots.iter().map(of_slot).collect()
}

/// Log-odds of each class against the first, by record; nothing where only classes are named.
fn log_odds(predictions: &Predictions) -> Option<Vec<Vec<f64>>> {
    let Predictions::Scores { scale, classes, values, .. } = predictions else { return None };
    let of_row = |row: &[f64]| {
        let first = log_probability(*scale, row, 0);
        (0..*classes).map(|class| log_probability(*scale, row, class) - first).collect()
    };
    Some(values.chunks(*classes).map(of_row).collect())
}

/// The linear model that d + 1 answers determine.
fn equations(
    model: &Audited,
    split: &Split,
    parts: &Parts,
    asked: &[usize],
    watch: &dyn Watch,
) -> Result<Option<Copy>, CheckError> {
    let of = |rows: &[usize]| -> Result<Option<Vec<Vec<f64>>>, CheckError> {
        let features = split.nonmembers.take(rows).features;
        Ok(numbers(&tensors(&features, &model.slots)?, &model.slots))
    };
    let (Some(own), Some(others)) = (of(&parts.own)?, of(asked)?) else { return Ok(None) };
    let width = own.first().map_or(0, Vec::len);
    if width == 0 || width > MOST_INPUTS {
        return Ok(None);
    }
    let (base, step): (Vec<f64>, Vec<f64>) = (0..width).map(|at| centre(&own.iter().map(|row| row[at]))).unzip();
    let mut questions = vec![base.clone(); width + 1];
    for (at, question) in questions.iter_mut().skip(1).enumerate() {
        question[at] += step[at];
    }
    // The question as the model reads it: a 32-bit input moves what was asked by its last digit.
    let asked_for = inputs(&questions, &model.slots);
    let Some(read) = numbers(&asked_for, &model.slots) else { return Ok(None) };
    let Some(odds) = log_odds(&model.target.query(&asked_for, META.id, watch)?) else { return Ok(None) };
    let weight = |at: usize, class: usize| (odds[at + 1][class] - odds[0][class]) / (read[at + 1][at] - read[0][at]);
    let classes = odds[0].len();
    let weights: Vec<Vec<f64>> = (0..classes).map(|class| (0..width).map(|at| weight(at, class)).collect()).collect();
    let class_of = |row: &Vec<f64>| {
        let score = |class: usize| {
            // A missing cell is taken for the mean.
            let moved = row.iter().zip(&read[0]).map(|(value, base)| if value.is_nan() { 0.0 } else { value - base });
            odds[0][class] + weights[class].iter().zip(moved).map(|(weight, moved)| weight * moved).sum::<f64>()
        };
        largest(&(0..classes).map(score).collect::<Vec<f64>>())
    };
    let how = "the equations of a linear model";
    Ok(Some(Copy { how, questions: width + 1, classes: others.iter().map(class_of).collect() }))
}

/// Mean and standard deviation of the cells that are there; 1 where they do not vary.
fn centre(cells: &(impl Iterator<Item = f64> + Clone)) -> (f64, f64) {
    let present = || cells.clone().filter(|cell| cell.is_finite());
    let n = (present().count() as f64).max(1.0);
    let mean = present().sum::<f64>() / n;
    let spread = (present().map(|cell| (cell - mean).powi(2)).sum::<f64>() / n).sqrt();
    (mean, if spread > 0.0 { spread } else { 1.0 })
}

// ------------------------------------------------------------------ learning from labels

/// A copy that learned from the labels that the model gives to `budget` records; nothing where there are not as many.
fn learned(
    model: &Audited,
    split: &Split,
    parts: &Parts,
    asked: &[usize],
    budget: usize,
    seed: Seed,
    watch: &dyn Watch,
) -> Result<Option<Copy>, CheckError> {
    let Some(questions) = questions(split, &parts.own, budget, seed.derive("questions")) else { return Ok(None) };
    let answers = model.target.query(&tensors(&questions, &model.slots)?, META.id, watch)?;
    let labels: Vec<u32> = (0..budget).map(|row| answers.class(row)).collect();
    let classes = model.target.facts().classes.len();
    let known: Vec<usize> = (0..budget).filter(|&row| (labels[row] as usize) < classes).collect();
    let data = side_by_side(split, &questions, &split.nonmembers.take(asked).features, budget + asked.len());
    let learners: [(&dyn Learner, &'static str); 2] = [
        (&Logistic::default(), "logistic regression on its labels"),
        (&Boosted { rounds: 25, rate: 0.2, ..Boosted::default() }, "boosted trees on its labels"),
    ];
    let quarter = |wanted: bool| -> Vec<usize> {
        known.iter().enumerate().filter(|(at, _)| at.is_multiple_of(4) == wanted).map(|(_, &row)| row).collect()
    };
    let (test, train) = (quarter(true), quarter(false));
    let predicted = |learner: &dyn Learner, train: &[usize], rows: &[usize]| -> Vec<u32> {
        let p = learner.fit(&data, train, &labels, classes, seed.derive("copy")).probabilities(&data, rows);
        p.chunks(classes).map(largest).collect()
    };
    let hits = |learner: &dyn Learner| {
        let guesses = predicted(learner, &train, &test);
        guesses.iter().zip(&test).filter(|(guess, row)| **guess == labels[**row]).count()
    };
    let rated = learners.iter().rev().max_by_key(|(learner, _)| hits(*learner));
    let Some((learner, how)) = rated else { return Ok(None) };
    let rows: Vec<usize> = (budget..budget + asked.len()).collect();
    Ok(Some(Copy { how, questions: budget, classes: predicted(*learner, &known, &rows) }))
}

/// Records to ask about: the attacker's own, then mixtures of their columns. Tensors are not mixed.
fn questions(split: &Split, own: &[usize], budget: usize, seed: Seed) -> Option<Features> {
    let first = &own[..budget.min(own.len())];
    let table = match &split.nonmembers.features {
        Features::Tensor(tensor) => return (first.len() == budget).then(|| Features::Tensor(tensor.take(first))),
        Features::Table(table) => table,
    };
    let column = |column: &Column| {
        let mut stream = seed.derive(&column.name).stream();
        let mixed = (first.len()..budget).map(|_| own[stream.next_u32() as usize % own.len()]);
        let rows: Vec<usize> = first.iter().copied().chain(mixed).collect();
        Column { name: column.name.clone(), cells: column.cells.take(&rows) }
    };
    Some(Features::Table(Records::new(table.columns().iter().map(column).collect())))
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
    use crate::data::Schema;
    use crate::finding::Severity;
    use crate::model::Scale;

    const RECORDS: usize = 900;

    fn slot(name: &str) -> Slot {
        Slot { input: name.to_owned(), columns: vec![name.to_owned()], element: Element::F64, row_shape: vec![1] }
    }

    /// A number of an id that nothing predicts.
    fn mixed(id: f64) -> u32 {
        let bits = (id as u64).wrapping_add(0x9e37_79b9).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        ((bits ^ (bits >> 31)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 40) as u32
    }

    fn scores(right: &[u32]) -> Predictions {
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
            Answers { predictions: scores(&classes), truth: Truth::Classes(classes) }
        };
        let answer = move |inputs: &[Tensor]| {
            let (Values::F64(ids), Values::F64(s)) = (&inputs[0].values, &inputs[1].values) else {
                unreachable!("the slots are floats")
            };
            scores(&ids.iter().zip(s).map(|(id, s)| class(*id, *s)).collect::<Vec<u32>>())
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
            |part: &str| Answers { predictions: scores(&classes(part)), truth: Truth::Classes(classes(part)) };
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
}
