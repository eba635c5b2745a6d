//! Attribute inference on models of trees whose file is there, against answers worked out without it.

use super::attribute_inference::AttributeInference;
use super::specimen::Memory;
use crate::check::specimen::{Case, integers, normal, numbers, uniform};
use crate::check::{Answers, Truth};
use crate::data::encode::{Slot, tensors};
use crate::data::{Features, Schema, Table};
use crate::finding::{Evidence, Finding, Severity, Unit};
use crate::model::contents::Contents;
use crate::model::contents::specimen::{Attribute, Draft};
use crate::model::trees::Rows;
use crate::model::trees::specimen::{forest, planted};
use crate::model::{Predictions, Scale};
use crate::seed::Seed;
use crate::tensor::{Element, Tensor};

const MEASURE: &str = "inversion/attribute-inference-excess";

fn slots(columns: &[&str]) -> Vec<Slot> {
    vec![Slot {
        input: "x".to_owned(),
        columns: columns.iter().map(|&name| name.to_owned()).collect(),
        element: Element::F32,
        row_shape: vec![columns.len()],
    }]
}

/// The score of the second of two classes as an answer.
fn answer(inputs: &Tensor, score: impl Fn(&[f64]) -> f64) -> Predictions {
    let cells = inputs.to_f64().expect("numbers");
    let values = cells.chunks(inputs.row_len()).flat_map(|row| [0.0, score(row)]).collect();
    Predictions::Scores { scale: Scale::Logit, classes: 2, values, labels: None }
}

/// Records of the columns of a model that scores them like this, with classes that nothing predicts.
fn case(
    contents: Contents,
    names: &'static [&'static str],
    sides: [Table; 2],
    sensitive: &str,
    score: impl Fn(&[f64]) -> f64 + Clone + Send + Sync + 'static,
) -> Case {
    let [members, others] = sides.map(|table| {
        let y = uniform(table.rows(), 2, Seed::root(table.rows() as u64).derive("y"));
        let inputs = tensors(&Features::Table(table.clone()), &slots(names)).expect("numbers").remove(0);
        let answers = Answers { predictions: answer(&inputs, score.clone()), truth: Truth::Classes(y.clone()) };
        let columns = table.columns().iter().cloned().chain([integers("y", &y)]);
        (Table::new(columns.collect()), answers)
    });
    let schema = Schema { target: Some("y".into()), sensitive: vec![sensitive.to_owned()], ..Schema::default() };
    Case::tables(members.0, others.0, schema)
        .with_model(slots(names), members.1, others.1, move |inputs| answer(&inputs[0], score.clone()))
        .with_file(contents)
}

fn setting<'f>(finding: &'f Finding, name: &str) -> &'f str {
    finding.settings.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
}

/// The line of an attack in the table of all.
fn line(finding: &Finding, attack: &str) -> Vec<String> {
    let rows = finding.evidence.iter().find_map(|evidence| match evidence {
        Evidence::Table(table) if table.caption.starts_with("Every attack") => Some(&table.rows),
        _ => None,
    });
    rows.and_then(|rows| rows.iter().find(|row| row[0].contains(attack))).expect("the attack is tried").clone()
}

/// The number of a cell like `95.0 % (94.1 to 95.8 %)`.
fn percent(cell: &str) -> f64 {
    cell.split(" %").next().and_then(|number| number.parse().ok()).expect("a share")
}

fn excess(case: &Case) -> Finding {
    let findings = case.run(&AttributeInference::default(), 1);
    findings.into_iter().find(|finding| finding.measure == MEASURE).expect("the measure is reported")
}

const NAMES: &[&str] = &["x0", "x1", "x2"];

fn records(seed: u64) -> [Table; 2] {
    [("members", 150), ("others", 151)].map(|(side, rows)| {
        let column = |name: &&str| numbers(name, normal(rows, 0.0, Seed::root(seed).derive(side).derive(name)));
        Table::new(NAMES.iter().map(column).collect())
    })
}

/// What a forest says about a row, on its own.
fn score_of(contents: &Contents) -> impl Fn(&[f64]) -> f64 + Clone + Send + Sync + 'static {
    let ensemble = planted(contents);
    move |row: &[f64]| {
        let cells = row.iter().map(|&cell| cell as f32).collect();
        let tensor = Tensor { row_shape: vec![3], values: crate::tensor::Values::F32(cells) };
        ensemble.sums(&Rows::of(&tensor, &ensemble).expect("a row"))[0]
    }
}

/// Intervals between thresholds say the same as a grid of a thousand points: how often the true number lies where the outcome fits
/// best.
#[test]
fn one_point_in_each_interval_is_as_good_as_a_fine_grid() {
    for seed in 0..4 {
        let score = score_of(&forest(seed, 6, 15, 3));
        let finding = excess(&case(forest(seed, 6, 15, 3), NAMES, records(seed), "x1", score.clone()));
        let count = planted(&forest(seed, 6, 15, 3)).cuts(1, true).len() + 1;
        let tried = setting(&finding, "numbers tried");
        assert!(tried.contains(&format!("each of {count} intervals")) && tried.contains("exact"), "{tried}");
        let [members, _] = records(seed);
        let y = uniform(150, 2, Seed::root(150).derive("y"));
        let columns: Vec<Vec<f64>> = members.columns().iter().map(|c| c.cells.numbers().unwrap()).collect();
        let held = |row: usize| {
            let fit = |x1: f64| {
                let score = score(&[columns[0][row], x1, columns[2][row]]);
                if y[row] == 1 { score } else { -score }
            };
            // Far beyond the last threshold on either side.
            let most = (-500..=500).map(|step| fit(f64::from(step) / 80.0)).fold(f64::NEG_INFINITY, f64::max);
            fit(columns[1][row]) >= most
        };
        let share = (0..150).filter(|&row| held(row)).count() as f64 / 150.0;
        let said = format!("hold the true one for {} of members", Unit::Share.show(share));
        assert!(finding.limits.iter().any(|limit| limit.contains(&said)), "{said}: {:?}", finding.limits);
    }
}

/// A model that looks at the number besides its trees is not said to be searched exactly; nor is one without trees.
#[test]
fn what_is_not_constant_between_thresholds_is_not_called_exact() {
    let score = score_of(&forest(1, 6, 15, 3));
    let beside = case(forest(1, 6, 15, 3), NAMES, records(1), "x1", move |row| score(row) + 0.3 * row[1]);
    assert!(setting(&excess(&beside), "numbers tried").contains("other parts"));
    let without = case(Draft::default().contents(), NAMES, records(1), "x1", |row| row[1]);
    assert_eq!(setting(&excess(&without), "numbers tried"), "64 points at quantiles");
}

/// `s` is 0: 10; `s` is 1 and `x` at most 0: 20, above: 30. The attack is worked out by hand.
#[test]
fn counts_of_paths_weigh_candidates() {
    let ints = |values: &[i64]| Attribute::Ints(values.to_vec());
    let modes = ["BRANCH_LEQ", "LEAF", "BRANCH_LEQ", "LEAF", "LEAF"].map(str::to_owned).to_vec();
    let attributes = vec![
        ("nodes_treeids", ints(&[0; 5])),
        ("nodes_nodeids", ints(&[0, 1, 2, 3, 4])),
        ("nodes_featureids", ints(&[0, 0, 1, 0, 0])),
        ("nodes_modes", Attribute::Texts(modes)),
        ("nodes_values", Attribute::Floats(vec![0.5, 0.0, 0.0, 0.0, 0.0])),
        ("nodes_truenodeids", ints(&[1, 0, 3, 0, 0])),
        ("nodes_falsenodeids", ints(&[2, 0, 4, 0, 0])),
        ("target_treeids", ints(&[0; 3])),
        ("target_nodeids", ints(&[1, 3, 4])),
        ("target_ids", ints(&[0; 3])),
        ("target_weights", Attribute::Floats(vec![1.0, -1.0, 2.0])),
    ];
    let contents = Draft::default().node("ai.onnx.ml", "TreeEnsembleRegressor", &["x"], attributes).contents();
    let score = |row: &[f64]| match (row[0] <= 0.5, row[1] <= 0.0) {
        (true, _) => 1.0,
        (false, true) => -1.0,
        (false, false) => 2.0,
    };
    // Above 0 both values of `s` say the same class: there the counts decide.
    let x = |rows: usize| normal(rows, 0.3, Seed::root(7).derive(&rows.to_string()));
    let s = |rows: usize| -> Vec<u32> {
        let draws = uniform(rows, 10, Seed::root(8).derive(&rows.to_string()));
        draws.iter().zip(x(rows)).map(|(&draw, x)| u32::from(draw < if x > 0.0 { 8 } else { 3 })).collect()
    };
    let table = |rows: usize| Table::new(vec![integers("s", &s(rows)), numbers("x", x(rows))]);
    let finding = excess(&case(contents, &["s", "x"], [table(300), table(301)], "s", score));
    let (of_s, of_x) = (s(300), x(300));
    let y = uniform(300, 2, Seed::root(300).derive("y"));
    // About as many of the attacker's records; 0.65 to 0.95 of those with 1 being high changes no guess, one half would.
    let count = |wanted: &dyn Fn(usize) -> bool| (0..300).filter(|&row| wanted(row)).count() as f64 + 0.5;
    let low = count(&|row| of_s[row] == 1 && of_x[row] <= 0.0);
    let high = count(&|row| of_s[row] == 1 && of_x[row] > 0.0);
    // The prior is that of the half of the others that the attacker has.
    let right = |row: &usize| {
        let above = of_x[*row] > 0.0;
        let classes = [1, u32::from(above)];
        let reproduces = classes.map(|class| class == y[*row]);
        // s = 0 allows one leaf; s = 1 two.
        let share = [1.0, if above { high } else { low } / (low + high)];
        let prior = [0.4, 0.6];
        let any = reproduces.contains(&true);
        let score = |v: usize| if any && !reproduces[v] { 0.0 } else { prior[v] * share[v] };
        u32::from(score(1) > score(0)) == of_s[*row]
    };
    let expected = (0..300).filter(right).count() as f64 / 300.0;
    let found = line(&finding, "counts of paths");
    assert!(found[1].starts_with(&format!("{} (", Unit::Share.show(expected))), "{found:?}");
}

/// The candidate that makes a remembered person look like a member is the true one; strangers are told nothing.
#[test]
fn likeness_to_a_member_finds_what_is_remembered() {
    let of = |remembered: usize| {
        let case = Memory { count: 600, remembered, seed: 4, ..Memory::default() }.case();
        let found = line(&excess(&case), "likeness to a member");
        [&found[1], &found[2]].map(|cell| percent(cell))
    };
    let [members, others] = of(600);
    assert!(members > 95.0 && others < 35.0, "{members} {others}");
    let [members, others] = of(0);
    assert!(members < 33.0 && others < 33.0, "{members} {others}");
}

/// A model that learned from nobody here: fine intervals of `x`, each cut by `s`, and scores that know neither. Members are others
/// to it, and no attack may tell them apart, though each of them makes its own way through the tree.
#[test]
fn a_tree_that_learned_from_others_gives_nothing_away() {
    const CUTS: usize = 100;
    let ints = |values: Vec<i64>| Attribute::Ints(values);
    // Nodes: a chain of cuts of x; below each a cut of s with two leaves.
    let (mut modes, mut features, mut values, mut yes, mut no) = (vec![], vec![], vec![], vec![], vec![]);
    let mut leaves = Vec::new();
    for cut in 0..CUTS {
        let at = 4 * cut as i64;
        modes.extend(["BRANCH_LEQ", "BRANCH_LEQ", "LEAF", "LEAF"].map(str::to_owned));
        features.extend([1, 0, 0, 0]);
        values.extend([if cut + 1 == CUTS { 1e9 } else { -2.5 + 5.0 * cut as f32 / CUTS as f32 }, 0.5, 0.0, 0.0]);
        yes.extend([at + 1, at + 2, 0, 0]);
        // The last cut has nothing above it: another leaf of it.
        no.extend([if cut + 1 == CUTS { at + 2 } else { at + 4 }, at + 3, 0, 0]);
        leaves.extend([at + 2, at + 3]);
    }
    let last = modes.len() as i64;
    modes.push("LEAF".to_owned());
    features.push(0);
    values.push(0.0);
    yes.push(0);
    no.push(0);
    no[4 * (CUTS - 1)] = last;
    leaves.push(last);
    let sign = |x: f64| if (((x + 2.5) * 20.0).ceil() as i64).clamp(0, CUTS as i64 - 1) % 2 == 0 { 1.0 } else { -1.0 };
    let count = modes.len();
    let weights = (0..leaves.len()).map(|at| if at / 2 % 2 == 0 { 1.0 } else { -1.0 }).collect();
    let attributes = vec![
        ("nodes_treeids", ints(vec![0; count])),
        ("nodes_nodeids", ints((0..count as i64).collect())),
        ("nodes_featureids", ints(features)),
        ("nodes_modes", Attribute::Texts(modes)),
        ("nodes_values", Attribute::Floats(values)),
        ("nodes_truenodeids", ints(yes)),
        ("nodes_falsenodeids", ints(no)),
        ("target_treeids", ints(vec![0; leaves.len()])),
        ("target_nodeids", ints(leaves.clone())),
        ("target_ids", ints(vec![0; leaves.len()])),
        ("target_weights", Attribute::Floats(weights)),
    ];
    let contents = Draft::default().node("ai.onnx.ml", "TreeEnsembleRegressor", &["x"], attributes).contents();
    let table = |rows: usize| {
        let seed = Seed::root(9).derive(&rows.to_string());
        Table::new(vec![integers("s", &uniform(rows, 2, seed.derive("s"))), numbers("x", normal(rows, 0.0, seed))])
    };
    let case = case(contents, &["s", "x"], [table(1000), table(1001)], "s", move |row: &[f64]| sign(row[1]));
    let finding = excess(&case);
    let found = line(&finding, "counts of paths");
    let share = percent(&found[1]);
    assert!((44.0..56.0).contains(&share), "half of the values are guessed by chance: {found:?}");
    assert!(finding.severity < Severity::Low, "{:?}", finding.severity);
}
