//! # What it measures
//! For each sensitive attribute: how much more often an attacker with the model guesses a person's value right than an
//! attacker with the same knowledge and no model, on people the model was trained on and on people it never saw. Only the
//! difference is a finding; the rate alone is not, because values can be guessed from other columns.
//!
//! # Who could do this
//! Somebody who knows a person's other columns and outcome and can query the model, with records of other people to learn
//! from. Two of the attacks need the file as well.
//!
//! # How
//! The model is asked about the record with every candidate value in place of the true one; the indicators of a one-hot group
//! are set together, numbers with many values are tried at quantiles, and columns the attacker does not know are filled from
//! other records. Seven attacks turn the answers into guesses: confidence in three cases (CSMIA: one candidate reproduces the
//! outcome; several, the surest; none, the least sure mistake), the same from classes alone (LOMIA), prior times confidence,
//! imputation times confidence, Fredrikson's confusion matrix times prior, the loss expected in training (Yeom), and how much
//! better the outcome fits than a model says that never saw the person (the candidate that looks most like a member). For a
//! model of a number, errors in units of their usual size take the place of confidence. Where only trees look at a number, one
//! point is tried in each interval between their thresholds, in which the answer cannot change, as long as there are no more
//! than `intervals`; that the answers about people as they are agree with this is checked. Elsewhere the best fitting number is
//! refined between the points by golden-section search. With the file at hand, two more attacks: of trees, the share of the
//! candidate's leaf among all leaves that it allows, counted on members (Fredrikson's white-box attack); of networks, the ten
//! hidden neurons that tell right values from wrong ones best among the attacker's records. An attribute that is no input is
//! guessed by a model of the answers and, of networks, by one of the answers and of the fifty hidden neurons that go with the
//! attribute best. Ties go to the more frequent value and are counted. The attack is chosen on one half of
//! the attacked members and reported on the other. Candidates, prior and imputer come from non-members that are not attacked;
//! the imputer is the best of the most frequent value, boosted trees, logistic regression, a forest and nearest neighbours by
//! cross-validation. One record per patient is attacked, so that people are the units.
//!
//! # Reading the number
//! Four cells: attack and imputation, on members and on non-members. The model adds to imputation and does more so for members:
//! *individual disclosure*, being in the training data made the value guessable. It adds for both alike: *distribution
//! disclosure*, it passes on what holds for everybody. It only does better on members: *latent signal*. Otherwise no leak is
//! shown. Besides everybody, declared parts of the people are judged (a single candidate reproduces the outcome, the surest
//! guesses, rare values, groups by outcome and quasi-identifiers), since an average hides them; half of the error is kept for
//! everybody, half for the parts, each with Holm's correction. `-individual` is the share of all members exposed in the worst
//! part. A number is guessed right within a tolerance in units of its column (a tenth of the interquartile range by default).
//!
//! # When it misleads
//! Too low: an attacker who knows more, or the model's file, may do better. Too high: a weak imputer makes any model look
//! leaky; it uses all other columns, the outcome and all auxiliary records. A column that follows from others (weight from
//! height and body mass) is guessed without the model.
//!
//! # Cost
//! (members + non-members attacked) x candidates x fillings queries, counted before the first is sent; the setting `queries`
//! bounds it per attribute, and people are sampled to stay within. The attacks on the file send no queries: one pass of the
//! people through the part of the model before its trees, or through its layers, per candidate. Paths of trees are left out
//! beyond two million walks (people x candidates x trees) on a side, likeness to a member beyond 200,000 people x candidates, where either
//! would cost as much as the queries: the settings of the finding name what was left out. Neurons are learned from up to 2,000 of
//! the attacker's records, in layers of up to 4,096 numbers.
//!
//! # References
//! Fredrikson et al., USENIX Security 2014 and CCS 2015; Yeom et al., CSF 2018; Mehnaz et al., USENIX Security 2022;
//! Jayaraman and Evans, CCS 2022; Watson et al., ICLR 2022; Giomi et al., `PoPETs` 2023 (normalised gain); Newcombe, Statistics in Medicine 1998; Zou
//! and Donner, Statistics in Medicine 2008; Holm, Scandinavian Journal of Statistics 1979.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;

use rayon::prelude::*;
use serde::Deserialize;

use super::domain::{Attribute, Grid};
use super::findings::{EXCESS, GAP, ID, INDIVIDUAL, findings, refused};
use super::replies::Interview;
use super::scene::Scene;
use super::study::{Measured, Planned, Refusal, Terms};
use super::verdict::{Slice, judge};
use crate::check::disclosure::grove::Grove;
use crate::check::groups::{Group, Sides, Values, groups};
use crate::check::settings::within;
use crate::check::{Check, CheckError, CheckMeta, Need, Output, Subject};
use crate::data::{DataError, Role, Schema, Table};
use crate::finding::{Family, Finding};
use crate::watch::Watch;

pub(in crate::check) static META: CheckMeta = CheckMeta {
    id: ID,
    title: "Attribute inference against imputation",
    family: Family::Inversion,
    measures: &[EXCESS, GAP, INDIVIDUAL],
    source: include_str!("attribute_inference.rs"),
};

/// Name of the whole.
const EVERYBODY: &str = "everybody";

/// The check.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AttributeInference {
    /// Most rows to send to the model per sensitive attribute.
    queries: usize,
    /// Most candidate values per attribute, by falling frequency; numbers with more values are tried at points.
    #[serde(deserialize_with = "within::<2, 10_000, _>")]
    candidates: usize,
    /// Points at which such a number is tried, at its quantiles.
    #[serde(deserialize_with = "within::<2, 10_000, _>")]
    points: usize,
    /// Most intervals between thresholds of trees of which each is tried once instead; with more of them points are tried.
    intervals: usize,
    /// How far a guess of a number may be off, in units of its column; a tenth of the interquartile range for others.
    tolerance: BTreeMap<String, f64>,
    /// Columns that are one attribute (the indicators of a one-hot group), by its name.
    one_hot: BTreeMap<String, Vec<String>>,
    /// Columns that the attacker does not know either.
    unknown: Vec<String>,
    /// How many fillings of those are averaged.
    #[serde(deserialize_with = "within::<1, 10_000, _>")]
    fillings: usize,
    /// Columns whose groups are judged besides everybody; the quasi-identifiers where none are named.
    columns: Option<Vec<String>>,
    /// Values that may be named, by column; others are numbered by their frequency.
    values: Values,
}

impl Default for AttributeInference {
    fn default() -> Self {
        Self {
            queries: 100_000,
            candidates: 20,
            points: 64,
            intervals: 256,
            tolerance: BTreeMap::new(),
            one_hot: BTreeMap::new(),
            unknown: Vec::new(),
            fillings: 32,
            columns: None,
            values: Values::new(),
        }
    }
}

impl Check for AttributeInference {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Model, Need::Queries, Need::Table, Need::Target, Need::OneOutcome, Need::Sensitive]
    }

    fn fits(&self, subject: &Subject<'_>) -> Result<(), CheckError> {
        Scene::of(subject).map_or(Ok(()), |scene| self.check_columns(scene.members))
    }

    fn run(&self, subject: &Subject<'_>, watch: &dyn Watch) -> Result<Output, CheckError> {
        let Some(scene) = Scene::of(subject) else { return Ok(Output::default()) };
        // Files without trees are attacked as well.
        let grove = Grove::of(subject).ok();
        let scene = Scene { grove: grove.as_ref(), ..scene };
        let attributes = self.attributes(&scene.split.schema);
        if attributes.is_empty() {
            return Err(CheckError::NotApplicable {
                reason: "the sensitive column is what the model predicts, which the attacker is given".to_owned(),
                remedy: "name a column under `[columns] sensitive` that is not `[data] target`".to_owned(),
            });
        }
        let patients = scene.patients();
        let sides = Sides { members: scene.members.rows(), patients: &patients };
        let groups = groups(subject, sides, self.columns.as_deref(), &self.values)?;
        let planned: Vec<(String, Result<Planned<'_>, Refusal>)> = attributes
            .into_iter()
            .map(|attribute| (attribute.name.clone(), self.planned(&scene, attribute, &groups, subject)))
            .collect();
        let questions: usize = planned.iter().filter_map(|(_, plan)| plan.as_ref().ok()).map(Planned::questions).sum();
        let planned_questions = questions as u64;
        let asked = AtomicU64::new(0);
        let interview = Interview {
            model: scene.model,
            step: META.id,
            watch,
            scale: 1.0,
            asked: &asked,
            planned: planned_questions,
        };
        // Attributes together: while one is thought about, the model is asked about another.
        let measured: Vec<_> = planned
            .into_par_iter()
            .map(|(name, plan)| (name, plan.map(|plan| plan.measure(&scene, &interview))))
            .collect();
        let mut found = Vec::new();
        let mut findings = Vec::new();
        for (name, result) in measured {
            match result {
                Ok(result) => found.push(result?),
                Err(refusal) => findings.push(refused(&name, refusal)),
            }
        }
        findings.extend(self.judged(&found));
        Ok(findings.into())
    }
}

impl AttributeInference {
    /// The sensitive attributes: one-hot groups, then columns that belong to none and are not what the model predicts.
    fn attributes(&self, schema: &Schema) -> Vec<Attribute> {
        let group =
            |(name, columns): (&String, &Vec<String>)| Attribute { name: name.clone(), columns: columns.clone() };
        let grouped = |name: &String| self.one_hot.values().flatten().any(|column| column == name);
        let single = |name: &String| Attribute { name: name.clone(), columns: vec![name.clone()] };
        let singles = schema
            .sensitive
            .iter()
            .filter(|name| !grouped(name) && !schema.roles(name).contains(&Role::Target))
            .map(single);
        self.one_hot.iter().filter(|(_, columns)| !columns.is_empty()).map(group).chain(singles).collect()
    }

    fn check_columns(&self, table: &Table) -> Result<(), CheckError> {
        let named = [
            ("one_hot", self.one_hot.values().flatten().collect::<Vec<&String>>()),
            ("unknown", self.unknown.iter().collect()),
            ("tolerance", self.tolerance.keys().collect()),
        ];
        for (setting, names) in named {
            if let Some(name) = names.into_iter().find(|name| table.column(name).is_none()) {
                return Err(CheckError::Data(DataError::Shape {
                    what: format!("`{setting}` of `{}` names `{name}`, which the data do not have", META.id),
                    help: "compare the name with the header of the file".to_owned(),
                }));
            }
        }
        Ok(())
    }

    fn planned<'a>(
        &'a self,
        scene: &Scene<'_>,
        attribute: Attribute,
        groups: &'a [Group],
        subject: &Subject<'_>,
    ) -> Result<Planned<'a>, Refusal> {
        let grid = Grid {
            values: self.candidates,
            points: self.points,
            intervals: self.intervals,
            tolerance: attribute.columns.first().and_then(|name| self.tolerance.get(name)).copied(),
        };
        let terms = Terms {
            queries: self.queries,
            grid,
            unknown: &self.unknown,
            draws: self.fillings,
            groups,
            seed: subject.seed.derive(META.id),
        };
        Planned::of(scene, attribute, terms)
    }

    /// Judges everybody of all attributes together, and all parts of them together.
    fn judged(&self, found: &[Measured]) -> Vec<Finding> {
        let whole = |found: &Measured| Slice { name: EVERYBODY.to_owned(), cells: found.everybody.clone(), share: 1.0 };
        let everybody = judge(found.iter().map(whole).collect());
        let mut parts = judge(found.iter().flat_map(|found| found.slices.clone()).collect()).into_iter();
        let mut all = Vec::new();
        for (found, everybody) in found.iter().zip(&everybody) {
            let own: Vec<_> = parts.by_ref().take(found.slices.len()).collect();
            all.extend(findings(found, everybody, &own, self.queries));
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::inversion::specimen::{Memory, Task};
    use crate::check::specimen::{Case, Specimen};

    fn case(count: usize, remembered: usize, seed: u64) -> Case {
        Memory { count, remembered, seed, ..Memory::default() }.case()
    }

    impl Specimen for AttributeInference {
        const MEASURE: &'static str = EXCESS;

        fn null(seed: u64) -> (Case, f64) {
            (case(300, 0, seed), 0.0)
        }

        fn leaky() -> Case {
            case(400, 400, 1)
        }

        /// Half of the members are remembered: right for them, a guess among four for the others.
        fn graded(seed: u64) -> (Case, f64) {
            (case(600, 300, seed), 0.375)
        }
    }

    fn of<'f>(findings: &'f [Finding], measure: &str) -> &'f Finding {
        findings.iter().find(|finding| finding.measure == measure).expect("the measure is reported")
    }

    fn verdict(findings: &[Finding]) -> &str {
        let settings = &of(findings, INDIVIDUAL).settings;
        settings.iter().find(|(name, _)| name == "verdict").map_or("", |(_, verdict)| verdict)
    }

    #[test]
    fn four_cells_tell_members_from_others_and_swapping_turns_the_verdict_round() {
        let memory = Memory { count: 600, remembered: 600, seed: 3, ..Memory::default() };
        let findings = memory.case().run(&AttributeInference::default(), 3);
        assert_eq!(verdict(&findings), "individual disclosure");
        assert!(of(&findings, EXCESS).sentence.contains("Being in the training data"), "{}", findings[0].sentence);
        let gap = of(&findings, GAP).estimate.unwrap();
        assert!(gap.low > 0.5, "{gap:?}");
        // All members are exposed: 100 % against a guess among four.
        let exposed = of(&findings, INDIVIDUAL).estimate.unwrap();
        assert!(exposed.low > 0.5 && exposed.value > 0.65 && exposed.value < 0.85, "{exposed:?}");
        let swapped = Memory { swapped: true, ..memory }.case().run(&AttributeInference::default(), 3);
        assert_eq!(verdict(&swapped), "no leak by the model shown");
        assert!(of(&swapped, GAP).estimate.unwrap().high < -0.5);
    }

    #[test]
    fn what_holds_for_everybody_is_a_distribution_disclosure() {
        // The model knows everybody, members and others alike: what a rule about the population would do.
        let memory = Memory { count: 600, remembered: 1200, seed: 4, ..Memory::default() };
        let findings = memory.case().run(&AttributeInference::default(), 4);
        assert_eq!(verdict(&findings), "distribution disclosure");
        assert!(of(&findings, INDIVIDUAL).estimate.unwrap().low <= 0.0);
    }

    /// A hundred of 1,200 members: no average shows that as clearly as the surest guesses.
    #[test]
    fn a_few_remembered_people_are_found_in_a_slice() {
        let findings = case(1200, 150, 5).run(&AttributeInference::default(), 5);
        assert_eq!(verdict(&findings), "individual disclosure");
        let individual = of(&findings, INDIVIDUAL);
        assert!(individual.severity >= crate::finding::Severity::Moderate, "{}", individual.sentence);
        let null = case(1200, 0, 5).run(&AttributeInference::default(), 5);
        assert_eq!(verdict(&null), "no leak by the model shown");
        assert!(of(&null, INDIVIDUAL).estimate.unwrap().high < 0.12);
    }

    /// The sensitive column last, first, or of negative numbers; tensors under other names: the same findings.
    #[test]
    fn places_names_and_signs_change_nothing() {
        let memory = Memory { count: 300, remembered: 150, seed: 6, ..Memory::default() };
        let numbers = |memory: Memory| {
            let findings = memory.case().run(&AttributeInference::default(), 6);
            (of(&findings, EXCESS).estimate, of(&findings, GAP).estimate, of(&findings, INDIVIDUAL).estimate)
        };
        let plain = numbers(memory);
        assert_eq!(plain, numbers(Memory { last: true, ..memory }));
        assert_eq!(plain, numbers(Memory { input_prefix: "other_", ..memory }));
        assert_eq!(plain, numbers(Memory { shift: -9.0, ..memory }));
        assert_eq!(plain, numbers(Memory { batch: Some(7), ..memory }), "batches of seven");
    }

    /// Others are drawn from records in another order; what is said of people stays.
    #[test]
    fn the_order_of_records_changes_no_verdict() {
        for (remembered, said) in [(600, "individual disclosure"), (0, "no leak by the model shown")] {
            let memory = Memory { count: 600, remembered, seed: 12, ..Memory::default() };
            let [plain, turned] =
                [false, true].map(|turned| Memory { turned, ..memory }.case().run(&AttributeInference::default(), 12));
            assert_eq!((verdict(&plain), verdict(&turned)), (said, said));
            for measure in [EXCESS, GAP, INDIVIDUAL] {
                let (a, b) = (of(&plain, measure).estimate.unwrap(), of(&turned, measure).estimate.unwrap());
                assert!(a.covers(b.value) && b.covers(a.value), "{measure}: {a:?} and {b:?}");
            }
        }
    }

    #[test]
    fn a_model_of_numbers_that_remembers_is_an_individual_disclosure() {
        let memory = Memory { count: 600, remembered: 600, seed: 7, task: Task::Number, ..Memory::default() };
        assert_eq!(verdict(&memory.case().run(&AttributeInference::default(), 7)), "individual disclosure");
        let forgets = Memory { remembered: 0, ..memory };
        assert_eq!(verdict(&forgets.case().run(&AttributeInference::default(), 7)), "no leak by the model shown");
    }

    /// A negative number with more values than candidates, within a tolerance in its own units.
    #[test]
    fn negative_numbers_are_found_within_their_tolerance() {
        let memory = Memory { count: 600, remembered: 600, seed: 8, levels: 400, shift: -500.0, ..Memory::default() };
        let tolerance = BTreeMap::from([("s".to_owned(), 8.0)]);
        let check = AttributeInference { tolerance, ..AttributeInference::default() };
        let findings = memory.case().run(&check, 8);
        assert_eq!(verdict(&findings), "individual disclosure");
        let excess = of(&findings, EXCESS).estimate.unwrap();
        assert!(excess.low > 0.6, "{excess:?}");
        let forgets = Memory { remembered: 0, ..memory };
        assert_eq!(verdict(&forgets.case().run(&check, 8)), "no leak by the model shown");
    }

    #[test]
    fn an_attribute_that_is_no_input_is_guessed_from_the_answers() {
        let memory = Memory { count: 600, remembered: 600, seed: 9, answers_tell: true, ..Memory::default() };
        let findings = memory.case().run(&AttributeInference::default(), 9);
        assert!(of(&findings, EXCESS).sentence.starts_with("With the model"), "{}", findings[0].sentence);
        // The answers say it about everybody.
        assert_eq!(verdict(&findings), "distribution disclosure");
        let silent = Memory { answers_tell: false, input: false, ..memory };
        assert_eq!(verdict(&silent.case().run(&AttributeInference::default(), 9)), "no leak by the model shown");
    }

    #[test]
    fn costs_are_kept_and_people_sampled() {
        let check = AttributeInference { queries: 400, ..AttributeInference::default() };
        let case = case(600, 600, 10);
        let findings = case.run(&check, 10);
        let asked = case.model.as_ref().unwrap().target.rows_queried();
        assert!(asked <= 400, "{asked}");
        let settings = &of(&findings, EXCESS).settings;
        assert!(settings.iter().any(|(name, value)| name == "queries planned and sent" && *value == asked.to_string()));
        assert!(of(&findings, EXCESS).limits.iter().any(|limit| limit.contains("random sample")));
    }

    /// Companions that are filled in blur what a model remembers by its other columns.
    #[test]
    fn unknown_companions_are_filled_from_others() {
        let memory = Memory { count: 300, remembered: 300, seed: 11, ..Memory::default() };
        let check = AttributeInference { unknown: vec!["id".to_owned()], fillings: 4, ..AttributeInference::default() };
        let case = memory.case();
        let findings = case.run(&check, 11);
        // 150 + 150 people, four values, four fillings.
        assert_eq!(case.model.as_ref().unwrap().target.rows_queried() % 16, 0);
        assert_eq!(verdict(&findings), "no leak by the model shown", "the model knows people by their id alone");
    }

    #[test]
    fn a_setting_that_names_no_column_is_an_error() {
        let check = AttributeInference { unknown: vec!["nothing".to_owned()], ..AttributeInference::default() };
        let error = case(60, 0, 1).refused(&check, 1).to_string();
        assert!(error.contains("`unknown`") && error.contains("`nothing`"), "{error}");
    }
}
