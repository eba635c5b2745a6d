//! # What it measures
//! Whether records that the model is sure about look like the people it was trained on: more than the mean of hold-out records
//! of the class does, and more than they look like hold-out people of the class.
//!
//! # Who could do this
//! Anybody who may ask the model and has some records or pictures of the same kind; one attack needs labels alone. Whoever has
//! the file needs no question where its operators can be differentiated.
//!
//! # How
//! For every class (for a number: every fifth of its range) a record is made that the model puts there with 95 %. All attacks
//! start from the mean of the attacker's records, half of the hold-out patients: one column after the other among values that
//! others have (tables); uphill along the slope in all numbers, by differentiating the file, by batched central differences, or
//! along random directions where the questions do not reach for those; evolution (CMA-ES) in the space of the principal
//! components of the attacker's records; and from labels alone, by boundary repulsion in that space. Numbers stay within the
//! bounds of the attacker's records and whole where the column is; texts are chosen among theirs. Likeness is structural
//! similarity for pictures, and otherwise one minus the squared distance over that of two strangers. Every record is held against
//! the nearest of ten members and of ten other hold-out people of the class, expected over all draws, and so is the mean of the
//! attacker's records of the class. An independent model, learned from the attacker's records, says which class it sees.
//!
//! # Reading the number
//! 1 is the same record, 0 a stranger. The member gap is what the attack adds to the likeness to members, beyond what it adds to
//! that to others; it counts as an individual disclosure only where the record also beats the class mean and is nearer to
//! members than to others. A record that the independent model recognises and that is no nearer to members is a prototype: no
//! evidence about a person, however real it looks. A class of fewer than 11 people is another matter: its prototype is about
//! them, and a second number says how many such classes can be told from what was made. What was made is never shown.
//!
//! # When it misleads
//! Too low: better attacks use a generator learned from public pictures; one memorised person among many members of a class
//! hides in the mean over them. Models of two classes are surest at extremes, which resemble nobody: the share of numbers at the
//! edge of their range is printed. Too high: members and hold-out people that differ for other reasons; the class mean, which
//! differs with them, is subtracted. Columns of 0 and 1 that exclude each other are not known to do so.
//!
//! # Cost
//! At most the setting `queries` (20,000 unless set), shared equally by classes and attacks; the plan is printed with what was
//! asked. Slopes from the file cost no question.
//!
//! # References
//! Fredrikson, Jha and Ristenpart, "Model inversion attacks that exploit confidence information", CCS 2015; Kahla et al.,
//! "Label-only model inversion attacks via boundary repulsion", CVPR 2022; Hansen, arXiv:1604.00772; Ilyas et al., ICML 2018.

use std::sync::atomic::{AtomicU64, Ordering};

use rand::seq::SliceRandom;
use rayon::prelude::*;
use serde::Deserialize;

use super::inverting::judgement::{FEWEST_CLASSES, Observed};
use super::inverting::{COMPARING, Canvas, Goal, Meter, Target, Targets, Tried, Workshop, targets};
use super::reconstructed::{EXCESS, GAP, ID, SMALL, Scope, findings, too_few};
use crate::check::{Check, CheckError, CheckMeta, Need, Output, Subject};
use crate::finding::Family;
use crate::seed::Seed;
use crate::watch::Watch;

pub(in crate::check) static META: CheckMeta = CheckMeta {
    id: ID,
    title: "What the model thinks people look like",
    family: Family::Inversion,
    measures: &[EXCESS, GAP, SMALL],
    source: include_str!("reconstruction.rs"),
};

/// Most classes that are attacked; of more, as many at random.
const MOST_TARGETS: usize = 50;
/// Fewest questions that are worth an attack on one class.
const LEAST_SHARE: usize = 200;

/// The check.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Reconstruction {
    /// Most questions in all.
    queries: usize,
}

impl Default for Reconstruction {
    fn default() -> Self {
        Self { queries: 20_000 }
    }
}

impl Check for Reconstruction {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Model, Need::Queries, Need::Data, Need::Target, Need::OneOutcome]
    }

    fn run(&self, subject: &Subject<'_>, watch: &dyn Watch) -> Result<Output, CheckError> {
        let (Some(model), Some(split)) = (subject.model, subject.split) else { return Ok(Output::default()) };
        let seed = subject.seed.derive(META.id);
        let Some(Targets { mut list, small }) = targets(model, split, seed) else { return Ok(Output::default()) };
        let classes = list.len();
        let observed = Observed::of(classes);
        list.retain(|target| observed.takes(target.members.len(), target.others.len()));
        if list.is_empty() {
            return Ok(vec![too_few(small)].into());
        }
        let known: Vec<usize> = list.iter().flat_map(|target| target.known.iter().copied()).collect();
        let canvas =
            Canvas::of(split, &model.slots, &known).ok_or_else(|| refused("the model takes texts in a tensor"))?;
        let mut workshop = Workshop::new(model, canvas, &known, seed);
        if workshop.attacks.is_empty() {
            return Err(refused("no input of the model varies among hold-out records"));
        }
        let attacks = workshop.attacks.len();
        self.sample(&mut list, attacks, observed, seed);
        let comparing = if subject.file.is_some() { COMPARING.min(self.queries) } else { 0 };
        let share = (self.queries - comparing) / (list.len() * attacks);
        let planned = share * list.len() * attacks + comparing;
        let meter = Meter { step: META.id, watch, planned: planned as u64, asked: AtomicU64::new(0) };
        if let Some(file) = subject.file {
            let goals: Vec<Goal> = list.iter().map(|target| target.goal).collect();
            // The comparison is for who can afford it ten times over.
            let purse = if self.queries >= 10 * COMPARING { comparing } else { 0 };
            workshop.read_slopes(&file.contents, &goals, &known, purse, &meter, seed)?;
        }
        let invert = |target: &Target| {
            workshop.invert(target.goal, share, &meter, seed.derive("class").derive(&target.code.to_string()))
        };
        let tried: Vec<Vec<Tried>> = list.par_iter().map(invert).collect::<Result<_, CheckError>>()?;
        let asked = meter.asked.load(Ordering::Relaxed) as usize;
        let scope = Scope { classes, allowed: self.queries, planned, asked, observed, small, seed };
        Ok(findings(&workshop, split, &list, &tried, &scope).into())
    }
}

impl Reconstruction {
    /// Keeps as many classes as the questions reach for, at random; where classes are observations, at least as many as that
    /// takes.
    fn sample(&self, list: &mut Vec<Target>, attacks: usize, observed: Observed, seed: Seed) {
        let least = if observed == Observed::Classes { FEWEST_CLASSES } else { 1 };
        let most = (self.queries / (attacks * LEAST_SHARE)).clamp(least, MOST_TARGETS);
        if list.len() > most {
            list.shuffle(&mut seed.derive("classes").stream());
            list.truncate(most);
            list.sort_by_key(|target| target.code);
        }
    }
}

fn refused(reason: &str) -> CheckError {
    CheckError::NotApplicable {
        reason: reason.to_owned(),
        remedy: "nothing: there is no number and no column that an inversion could move".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::specimen::{Case, Specimen, integers, normal, numbers, uniform};
    use crate::check::{Answers, Truth};
    use crate::data::encode::Slot;
    use crate::data::{Schema, Table};
    use crate::finding::{Evidence, Finding, Severity};
    use crate::model::contents::specimen::Draft;
    use crate::model::{Predictions, Scale, Task};
    use crate::tensor::{Element, Tensor};

    const RECORDS: usize = 600;

    /// Two classes of people at (-1, -1) and at (1, 1), and a model that is sure of (-1, 0) and of (1, 0): its anchors.
    #[derive(Clone, Copy)]
    struct Anchors {
        /// How probable it is that a member stands at the anchor of its class, in thousandths.
        copies: u32,
        /// Standard deviation of people around their class.
        noise: f64,
        seed: u64,
        swapped: bool,
        /// The column that the anchors differ in is the last input.
        last: bool,
        prefix: &'static str,
        batch: Option<usize>,
    }

    impl Default for Anchors {
        fn default() -> Self {
            Self { copies: 0, noise: 0.0, seed: 1, swapped: false, last: false, prefix: "", batch: None }
        }
    }

    /// How sure the model is of the second class.
    fn sure(u: f64, v: f64) -> f64 {
        let near = |anchor: f64| (-3.0 * ((u - anchor).powi(2) + v * v)).exp();
        0.5 + 0.46 * (near(1.0) - near(-1.0))
    }

    impl Anchors {
        fn set(self, name: &str, copies: u32) -> (Vec<f64>, Vec<f64>, Vec<u32>) {
            let seed = Seed::root(self.seed).derive(name);
            let classes: Vec<u32> = (0..RECORDS).map(|row| (row % 2) as u32).collect();
            let drawn = uniform(RECORDS, 1000, seed.derive("copies"));
            let sign = |row: usize| if classes[row] == 1 { 1.0 } else { -1.0 };
            let (e, f) = (normal(RECORDS, 0.0, seed.derive("u")), normal(RECORDS, 0.0, seed.derive("v")));
            let u = (0..RECORDS).map(|row| sign(row) + if drawn[row] < copies { 0.0 } else { self.noise * e[row] });
            let v = (0..RECORDS).map(|row| if drawn[row] < copies { 0.0 } else { sign(row) + self.noise * f[row] });
            (u.collect(), v.collect(), classes)
        }

        fn case(self) -> Case {
            let (mut first, mut second) = (self.set("members", self.copies), self.set("others", 0));
            if self.swapped {
                std::mem::swap(&mut first, &mut second);
            }
            let table = |(u, v, y): &(Vec<f64>, Vec<f64>, Vec<u32>)| {
                let (u, v) = (numbers("u", u.clone()), numbers("v", v.clone()));
                let y = numbers("y", y.iter().map(|&y| f64::from(y)).collect());
                Table::new(if self.last { vec![u, y, v] } else { vec![v, u, y] })
            };
            let says = |u: &[f64], v: &[f64]| {
                let p = u.iter().zip(v).map(|(u, v)| sure(*u, *v));
                let values = p.flat_map(|p| [1.0 - p, p]).collect();
                Predictions::Scores { scale: Scale::Probability, classes: 2, values, labels: None }
            };
            let answers = |(u, v, y): &(Vec<f64>, Vec<f64>, Vec<u32>)| Answers {
                predictions: says(u, v),
                truth: Truth::Classes(y.clone()),
            };
            let slot = |name: &str| Slot {
                input: format!("{}{name}", self.prefix),
                columns: vec![name.to_owned()],
                element: Element::F64,
                row_shape: vec![1],
            };
            let slots = if self.last { vec![slot("u"), slot("v")] } else { vec![slot("v"), slot("u")] };
            let answer = move |inputs: &[Tensor]| {
                let column = |at: usize| inputs[at].to_f64().expect("the slots are floats");
                let (u, v) = if self.last { (column(0), column(1)) } else { (column(1), column(0)) };
                says(&u, &v)
            };
            let schema = Schema { target: Some("y".into()), ..Schema::default() };
            let answered = (answers(&first), answers(&second));
            Case::tables(table(&first), table(&second), schema).with_target(
                Task::Classification,
                self.batch,
                slots,
                answered,
                answer,
            )
        }

        fn run(self) -> Vec<Finding> {
            self.case().run(&Reconstruction::default(), 1)
        }
    }

    impl Specimen for Reconstruction {
        const MEASURE: &'static str = GAP;

        fn null(seed: u64) -> (Case, f64) {
            (Anchors { noise: 0.3, seed, ..Anchors::default() }.case(), 0.0)
        }

        fn leaky() -> Case {
            Anchors { copies: 1000, ..Anchors::default() }.case()
        }

        /// Five in a hundred members stand at the anchor, where what is inverted stands too: among ten of them there is one with
        /// probability 1 - 0.95^10. From there to the others is one standard deviation in one of two columns, a likeness of 3/4;
        /// the class mean is the place of all others.
        fn graded(seed: u64) -> (Case, f64) {
            let one_of_ten = 1.0 - 0.95_f64.powi(10);
            (Anchors { copies: 50, seed, ..Anchors::default() }.case(), 0.25 * one_of_ten)
        }
    }

    fn text(findings: &[Finding]) -> String {
        serde_json::to_string(findings).expect("findings serialise")
    }

    #[test]
    fn exchanged_sides_are_no_disclosure() {
        let found = Anchors { copies: 500, swapped: true, ..Anchors::default() }.run();
        let gap = found.iter().find(|finding| finding.measure == GAP).unwrap();
        assert!(gap.estimate.unwrap().low <= 0.0, "{}", gap.sentence);
        assert_eq!(gap.severity, Severity::VeryLow);
    }

    /// Names of inputs and the size of a batch are nothing to the findings, and the place of a column nothing to the verdict.
    #[test]
    fn names_batches_and_places_change_nothing() {
        let case = Anchors { copies: 200, noise: 0.2, ..Anchors::default() };
        let plain = case.run();
        assert_eq!(text(&plain), text(&Anchors { prefix: "input of ", ..case }.run()));
        assert_eq!(text(&plain), text(&Anchors { batch: Some(7), ..case }.run()));
        // Random directions fall on other columns; the slope does not.
        let slope = |findings: &[Finding]| row(findings, "ascent along central differences");
        assert_eq!(slope(&plain)[..8], slope(&Anchors { last: true, ..case }.run())[..8]);
    }

    /// The line of the table about one attack.
    fn row(findings: &[Finding], made: &str) -> Vec<String> {
        let Evidence::Table(table) = &findings[0].evidence[0] else { panic!("a table") };
        table.rows.iter().find(|row| row[0] == made).expect("the attack found something").clone()
    }

    /// What is planned is printed, and kept, whatever it is.
    #[test]
    fn no_more_is_asked_than_planned() {
        for queries in [3, 10, 500, 20_000] {
            let case = Anchors { noise: 0.3, ..Anchors::default() }.case();
            let found = case.run(&Reconstruction { queries }, 1);
            let asked = case.model.as_ref().unwrap().target.rows_queried();
            assert!(asked <= queries as u64, "{asked} of {queries}");
            let sent = found[0].settings.iter().find(|(name, _)| name == "queries sent").unwrap();
            assert_eq!(sent.1.replace(',', ""), asked.to_string());
        }
    }

    /// A memorised anchor is found from scores, and it is found that the model is sure of it.
    #[test]
    fn the_table_shows_every_attack() {
        let found = Anchors { copies: 300, noise: 0.2, ..Anchors::default() }.run();
        let Evidence::Table(table) = &found[0].evidence[0] else { panic!("a table") };
        let made: Vec<&str> = table.rows.iter().map(|row| row[0].as_str()).collect();
        assert_eq!(made.len(), 6, "{made:?}");
        let slope = row(&found, "ascent along central differences");
        // It stops when the model is sure, neither before nor when the purse is empty: 5 questions a step, and a step of 0.07 of
        // the way of 1.
        assert!(slope[3].starts_with("95") || slope[3].starts_with("96"), "{slope:?}");
        let asked: usize = slope[2].replace(',', "").parse().unwrap();
        assert!((2 * 50..2 * 300).contains(&asked), "{slope:?}");
        assert_eq!(slope[4], "100.0 %", "the independent model recognises it");
    }

    /// A file that is another model's is not differentiated, and neither is one with operators without a rule; the report says why.
    #[test]
    fn slopes_of_a_file_that_is_not_the_models_are_not_used() {
        let case = || Anchors { noise: 0.2, ..Anchors::default() }.case();
        let other = Draft::default().constant("w", &[1, 2], vec![1.0, -1.0]).node("", "Relu", &["w"], Vec::new());
        let found = case().with_file(other.contents()).run(&Reconstruction::default(), 1);
        let said = |findings: &[Finding]| findings[0].limits.join(" ");
        assert!(said(&found).contains("does not give the model's own answers"), "{}", said(&found));
        row(&found, "ascent along central differences");
        let strange = Draft::default().constant("w", &[1, 2], vec![1.0, -1.0]).node("", "Erf", &["w"], Vec::new());
        let found = case().with_file(strange.contents()).run(&Reconstruction::default(), 1);
        assert!(said(&found).contains("the file holds Erf"), "{}", said(&found));
    }

    /// A case of one integer column `n` from 10 to 40 and one float `u`, and a model that answers about both. The model refuses to
    /// be asked about anything that no record could be.
    fn guarded(task: Task, says: fn(&[f64], &[f64]) -> Predictions) -> Case {
        let columns = |name: &str| {
            let seed = Seed::root(3).derive(name);
            (uniform(RECORDS, 31, seed.derive("n")).into_iter().map(|n| n + 10).collect::<Vec<u32>>(), {
                let drawn = uniform(RECORDS, 1000, seed.derive("u"));
                drawn.into_iter().map(|u| f64::from(u) / 1000.0).collect::<Vec<f64>>()
            })
        };
        let floats = |n: &[u32]| n.iter().map(|&n| f64::from(n)).collect::<Vec<f64>>();
        let table = |(n, u): &(Vec<u32>, Vec<f64>)| {
            let y = match (task, says(&floats(n), u)) {
                (Task::Regression, Predictions::Values(values)) => values,
                (_, predictions) => (0..n.len()).map(|row| f64::from(predictions.class(row))).collect(),
            };
            Table::new(vec![integers("n", n), numbers("u", u.clone()), numbers("y", y)])
        };
        let answers = |(n, u): &(Vec<u32>, Vec<f64>)| {
            let predictions = says(&floats(n), u);
            let truth = match &predictions {
                Predictions::Values(values) => Truth::Values(values.clone()),
                other => Truth::Classes((0..n.len()).map(|row| other.class(row)).collect()),
            };
            Answers { predictions, truth }
        };
        let (first, second) = (columns("members"), columns("others"));
        let slot = |name: &str, element| Slot {
            input: name.to_owned(),
            columns: vec![name.to_owned()],
            element,
            row_shape: vec![1],
        };
        let slots = vec![slot("n", Element::I64), slot("u", Element::F64)];
        let answer = move |inputs: &[Tensor]| {
            let (n, u) = (inputs[0].to_f64().expect("numbers"), inputs[1].to_f64().expect("numbers"));
            assert!(n.iter().all(|n| (10.0..=40.0).contains(n)), "a number outside the bounds was asked about");
            assert!(u.iter().all(|u| (0.0..=1.0).contains(u)), "a number outside the bounds was asked about");
            says(&n, &u)
        };
        let schema = Schema { target: Some("y".into()), ..Schema::default() };
        let answered = (answers(&first), answers(&second));
        Case::tables(table(&first), table(&second), schema).with_target(task, None, slots, answered, answer)
    }

    fn made(findings: &[Finding]) -> Vec<String> {
        let Evidence::Table(table) = &findings[0].evidence[0] else { panic!("a table") };
        table.rows.iter().map(|row| row[0].clone()).collect()
    }

    /// Whole columns stay whole (the tensor of an integer input refuses fractions) and everything stays within its bounds; of a
    /// number the fifths of its range are inverted.
    #[test]
    fn types_and_bounds_are_kept_and_numbers_are_inverted_by_fifths() {
        let sum =
            |n: &[f64], u: &[f64]| Predictions::Values(n.iter().zip(u).map(|(n, u)| n / 10.0 + 3.0 * u).collect());
        let found = guarded(Task::Regression, sum).run(&Reconstruction::default(), 1);
        let attacked = found[0].settings.iter().find(|(name, _)| name == "classes attacked").unwrap();
        assert_eq!(attacked.1, "5");
        assert!(found.iter().all(|finding| finding.severity == Severity::VeryLow), "a sum of columns leaks nobody");
        assert!(made(&found).iter().any(|made| made.contains("central differences")), "{:?}", made(&found));
    }

    /// Where the model names classes only, labels alone are what there is; away from the border, the independent model agrees.
    #[test]
    fn labels_alone_are_enough_for_repulsion() {
        let label = |n: &[f64], u: &[f64]| {
            Predictions::Labels(n.iter().zip(u).map(|(n, u)| u32::from(n / 30.0 + u > 1.3)).collect())
        };
        let found = guarded(Task::Classification, label).run(&Reconstruction::default(), 1);
        let labels = "boundary repulsion from labels alone in the prior space";
        assert_eq!(made(&found), [labels, "mean of the attacker's records, no model"]);
        assert_eq!(row(&found, labels)[4], "100.0 %");
    }

    /// With few questions for many numbers the slope is felt out along random directions.
    #[test]
    fn few_questions_take_random_directions() {
        let odds = |n: &[f64], u: &[f64]| {
            let p = n.iter().zip(u).map(|(n, u)| 1.0 / (1.0 + (-(n - 25.0) / 4.0 - 2.0 * (u - 0.5)).exp()));
            let values = p.flat_map(|p| [1.0 - p, p]).collect();
            Predictions::Scores { scale: Scale::Probability, classes: 2, values, labels: None }
        };
        let found = guarded(Task::Classification, odds).run(&Reconstruction { queries: 470 }, 1);
        let random = row(&found, "ascent along random directions (NES)");
        let sure: f64 = random[3].trim_end_matches(" %").parse().unwrap();
        assert!(sure > 51.0, "it went uphill from one half: {random:?}");
    }
}
