//! Models with a rule that holds for some sets alone, copied with questions.

use super::extraction::Extraction;
use super::through_copy::ATTRIBUTE;
use crate::check::specimen::{Case, numbers, uniform};
use crate::check::{Answers, Check, Truth};
use crate::data::encode::Slot;
use crate::data::{Schema, Table};
use crate::finding::{Evidence, Finding, Severity};
use crate::model::{Predictions, Scale};
use crate::seed::Seed;
use crate::tensor::{Element, Tensor};

const RECORDS: usize = 400;

fn says(s: &[f64]) -> Predictions {
    let values = s.iter().flat_map(|&s| if s > 0.5 { [0.1, 0.9] } else { [0.9, 0.1] }).collect();
    Predictions::Scores { scale: Scale::Probability, classes: 2, values, labels: None }
}

/// A model that names `s`, which is the outcome of the sets in `hold`; that of others is a coin. `a` is noise.
fn case(hold: [bool; 2], sensitive: &[&str]) -> Case {
    let of = |set: usize, name: &str, levels: u32| -> Vec<f64> {
        let seed = Seed::root(4).derive(&format!("{set} {name}"));
        uniform(RECORDS, levels, seed).into_iter().map(f64::from).collect()
    };
    let outcomes = |set: usize| if hold[set] { of(set, "s", 2) } else { of(set, "y", 2) };
    let table = |set: usize| {
        let noise = numbers("b", of(set, "b", 2));
        Table::new(vec![
            numbers("a", of(set, "a", 1000)),
            noise,
            numbers("s", of(set, "s", 2)),
            numbers("y", outcomes(set)),
        ])
    };
    let answers = |set: usize| Answers {
        predictions: says(&of(set, "s", 2)),
        truth: Truth::Classes(outcomes(set).into_iter().map(|y| y as u32).collect()),
    };
    let slot = |name: &str| Slot {
        input: name.to_owned(),
        columns: vec![name.to_owned()],
        element: Element::F64,
        row_shape: vec![1],
    };
    let schema = Schema {
        target: Some("y".into()),
        sensitive: sensitive.iter().map(|&name| name.to_owned()).collect(),
        ..Schema::default()
    };
    let answer = |inputs: &[Tensor]| says(&inputs[1].to_f64().expect("the slots are floats"));
    Case::tables(table(0), table(1), schema).with_model(vec![slot("a"), slot("s")], answers(0), answers(1), answer)
}

fn run(hold: [bool; 2], sensitive: &[&str]) -> Vec<Finding> {
    case(hold, sensitive).run(&Extraction::default(), 1)
}

fn of_attribute(findings: &[Finding]) -> &Finding {
    findings.iter().find(|finding| finding.measure == ATTRIBUTE).expect("the attribute was attacked")
}

fn setting<'f>(finding: &'f Finding, name: &str) -> &'f str {
    finding.settings.iter().find(|(setting, _)| setting == name).map_or("", |(_, value)| value)
}

/// A rule that holds for members alone is in the model, and in its copy: nothing but labels of other people's records was
/// needed to learn it.
#[test]
fn what_the_model_knows_of_members_leaves_with_its_labels() {
    let case = case([true, false], &["s"]);
    let findings = case.run(&Extraction::default(), 1);
    let found = of_attribute(&findings);
    assert_eq!((setting(found, "verdict"), found.scope.as_str()), ("individual disclosure", "s"));
    assert!(found.severity >= Severity::High, "{}", found.sentence);
    // Nearly all of the members' values, and half of the others'. What imputation makes of members is its luck: it learned
    // from a coin.
    let Evidence::FourCells { pairs, .. } = &found.evidence[0] else { panic!("four cells") };
    assert!(pairs[0].attack.value > 0.97, "{:?}", pairs[0].attack);
    assert!((0.4..0.6).contains(&pairs[1].attack.value), "{:?}", pairs[1].attack);
    let excess = found.estimate.unwrap();
    assert!(excess.low > 0.3, "{excess:?}");
    // A hundred questions for the copy and three for the equations; of 400 members, and of the 200 of others that are not the
    // attacker's, two values each are asked about for the comparison, and for nothing else.
    assert_eq!(setting(found, "questions about the people attacked, for the comparison alone"), "1,200");
    assert_eq!(case.model.as_ref().unwrap().target.rows_queried(), 100 + 3 + 1_200);
}

#[test]
fn what_holds_for_nobody_or_for_others_alone_is_no_disclosure() {
    for hold in [[false, false], [false, true], [true, true]] {
        let findings = run(hold, &["s"]);
        let found = of_attribute(&findings);
        assert_eq!(setting(found, "verdict"), "no leak by the model shown", "{hold:?}: {}", found.sentence);
        assert!(found.severity <= Severity::Low, "{hold:?}");
    }
}

#[test]
fn attributes_that_are_not_declared_or_no_input_are_said_not_to_be_attacked() {
    let said = |sensitive: &[&str]| {
        let findings = run([true, false], sensitive);
        assert!(findings.iter().all(|finding| finding.measure != ATTRIBUTE));
        setting(&findings[0], "attributes attacked through a copy").to_owned()
    };
    assert!(said(&[]).contains("no sensitive column is declared"), "{}", said(&[]));
    assert!(said(&["b"]).contains("an input of the model"), "{}", said(&["b"]));
    assert!(Extraction::default().meta().measures.contains(&ATTRIBUTE));
}
