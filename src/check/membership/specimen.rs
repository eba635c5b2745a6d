//! Cases that the attacks of the family share in their tests.

use super::permutation::Permutation;
use super::strongest::Strongest;
use super::threshold::Threshold;
use crate::check::specimen::{Case, integers, normal, numbers, uniform};
use crate::check::{Answers, Reference, Truth};
use crate::data::encode::{Slot, tensors};
use crate::data::{Column, Features, Schema, Table, ThreatModel};
use crate::model::{ModelFamily, Predictions, Scale};
use crate::seed::Seed;
use crate::stats::Estimate;
use crate::tensor::{Element, Tensor};

/// Two-class logits whose scaled logit of the true class is as given.
pub(super) fn answers(classes: Vec<u32>, signal: &[f64]) -> Answers {
    let row = |(&class, signal): (&u32, &f64)| [0.0, if class == 1 { *signal } else { -*signal }];
    let values = classes.iter().zip(signal).flat_map(row).collect();
    Answers {
        predictions: Predictions::Scores { scale: Scale::Logit, classes: 2, values, labels: None },
        truth: Truth::Classes(classes),
    }
}

/// Answers whose scaled logit of the true class is normal around `mean`.
pub(super) fn side(count: usize, mean: f64, seed: Seed) -> Answers {
    answers(uniform(count, 2, seed.derive("classes")), &normal(count, mean, seed.derive("signal")))
}

/// A two-class model whose scaled logit of the true class is normal around `mean` for members and around 0 for others.
pub(super) fn case(count: usize, mean: f64, seed: u64) -> Case {
    let seed = Seed::root(seed).derive("threshold specimen");
    let side = |name: &str, mean: f64| side(count, mean, seed.derive(name));
    let table = || Table::new(vec![numbers("x", vec![0.0; count])]);
    Case::tables(table(), table(), Schema::default()).with_model(
        Vec::new(),
        side("members", mean),
        side("nonmembers", 0.0),
        |_| Predictions::Labels(Vec::new()),
    )
}

/// Patients with as many records each; every record is independent evidence, `mean` standard deviations higher for members.
pub(super) fn patients(count: usize, records: usize, mean: f64, seed: u64) -> Case {
    of_patients(count, [records; 2], Seed::root(seed), |_| mean)
}

/// Patients of whom members have as many records as the first number says and others as many as the second. The first
/// record of a member is `mean` standard deviations higher, the others are like anybody's.
pub(super) fn unequal(count: usize, records: [usize; 2], seed: u64, mean: f64) -> Case {
    of_patients(count, records, Seed::root(seed), move |record| if record == 0 { mean } else { 0.0 })
}

fn of_patients(count: usize, records: [usize; 2], seed: Seed, mean: impl Fn(usize) -> f64) -> Case {
    let seed = seed.derive("patient specimen");
    let side = |side: usize| {
        let (rows, seed) = (count * records[side], seed.derive(["members", "nonmembers"][side]));
        let noise = normal(rows, 0.0, seed.derive("signal"));
        let shift = |row: usize| if side == 0 { mean(row % records[0]) } else { 0.0 };
        let signal: Vec<f64> = noise.iter().enumerate().map(|(row, noise)| noise + shift(row)).collect();
        let codes: Vec<u32> = (0..rows).map(|row| (side * count + row / records[side]) as u32).collect();
        (Table::new(vec![integers("p", &codes)]), answers(uniform(rows, 2, seed.derive("classes")), &signal))
    };
    let ((in_table, members), (out_table, nonmembers)) = (side(0), side(1));
    let schema = Schema { patient: Some("p".to_owned()), ..Schema::default() };
    Case::tables(in_table, out_table, schema)
        .with_model(Vec::new(), members, nonmembers, |_| Predictions::Labels(Vec::new()))
}

/// A case with the scores of the threshold attacks.
pub(super) fn attacked(case: Case, seed: u64) -> Case {
    case.scored_by(&Threshold {}, seed)
}

/// The area of the threshold attack on a case.
pub(super) fn threshold_area(case: &Case, seed: u64) -> Estimate {
    case.run(&Threshold {}, seed)[0].estimate.expect("the area is measured")
}

/// The area that limits judge, on all records.
pub(super) fn strongest(case: &Case, seed: u64) -> Estimate {
    judged(case, "membership/auc", seed)
}

/// A number that limits judge.
pub(super) fn judged(case: &Case, measure: &str, seed: u64) -> Estimate {
    let findings = case.run(&Strongest::default(), seed);
    let found = findings.into_iter().find(|finding| finding.measure == measure).and_then(|f| f.estimate);
    found.expect("the case is large enough")
}

/// The p-value over all attacks of a case, from few permutations.
pub(super) fn family_p(case: &Case, seed: u64) -> f64 {
    case.run(&Permutation::quick(), seed)[0].estimate.map_or(1.0, |estimate| estimate.value)
}

/// A case with `references` models that saw none of the records. Records differ in how hard they are (standard deviation
/// `hardness`); the model is surer of its members by `mean` standard deviations of its own noise.
pub(super) fn referenced(count: usize, mean: f64, hardness: f64, references: usize, seed: u64) -> Case {
    let seed = Seed::root(seed).derive("reference specimen");
    let side = |name: &str, mean: f64| {
        let seed = seed.derive(name);
        let classes = uniform(count, 2, seed.derive("classes"));
        let hard: Vec<f64> = normal(count, 0.0, seed.derive("hard")).iter().map(|h| h * hardness).collect();
        let said = |seed: Seed, mean: f64| -> Vec<f64> {
            normal(count, mean, seed).iter().zip(&hard).map(|(own, hard)| own + hard).collect()
        };
        let target = answers(classes.clone(), &said(seed.derive("target"), mean));
        let of_references: Vec<Predictions> = (0..references)
            .map(|index| answers(classes.clone(), &said(seed.derive(&format!("reference {index}")), 0.0)).predictions)
            .collect();
        (target, of_references)
    };
    let ((members, in_references), (nonmembers, out_references)) = (side("members", mean), side("nonmembers", 0.0));
    let table = || Table::new(vec![numbers("x", vec![0.0; count])]);
    let case = Case::tables(table(), table(), Schema::default())
        .with_model(Vec::new(), members, nonmembers, |_| Predictions::Labels(Vec::new()));
    let pairs = in_references.into_iter().zip(out_references).enumerate();
    let reference = |(index, predictions): (usize, (Predictions, Predictions))| Reference {
        name: format!("r{index}"),
        predictions,
        trained_on: (vec![false; count], vec![false; count]),
    };
    Case { references: pairs.map(reference).collect(), ..case }
}

/// A regression with as many references, every second one trained on a record. Whoever has not seen a record errs by a
/// number of its own (standard deviation 1), whoever has by nothing, each with noise of one.
pub(super) fn erring(count: usize, references: usize, seed: u64) -> Case {
    let seed = Seed::root(seed).derive("erring specimen");
    let side = |name: &str, member: bool| {
        let seed = seed.derive(name);
        let truth = normal(count, 50.0, seed.derive("truth"));
        let error = normal(count, 0.0, seed.derive("error"));
        let said = |seed: Seed, seen: &dyn Fn(usize) -> bool| {
            let noise = normal(count, 0.0, seed);
            let of_row = |row: usize| truth[row] - noise[row] - if seen(row) { 0.0 } else { error[row] };
            Predictions::Values((0..count).map(of_row).collect())
        };
        let masks: Vec<Vec<bool>> =
            (0..references).map(|index| (0..count).map(|row| (row + index) % 2 == 0).collect()).collect();
        let of_references: Vec<Predictions> = masks
            .iter()
            .zip(0..)
            .map(|(mask, i)| said(seed.derive(&format!("reference {i}")), &|row| mask[row]))
            .collect();
        let predictions = said(seed.derive("target"), &|_| member);
        (Answers { predictions, truth: Truth::Values(truth) }, of_references, masks)
    };
    let ((members, in_references, masks), (nonmembers, out_references, _)) =
        (side("members", true), side("nonmembers", false));
    let table = || Table::new(vec![numbers("x", vec![0.0; count])]);
    let case = Case::tables(table(), table(), Schema::default())
        .with_model(Vec::new(), members, nonmembers, |_| Predictions::Values(Vec::new()));
    let reference = |((index, mask), predictions): ((usize, Vec<bool>), (Predictions, Predictions))| Reference {
        name: format!("r{index}"),
        predictions,
        trained_on: (mask.clone(), mask),
    };
    let pairs = masks.into_iter().enumerate().zip(in_references.into_iter().zip(out_references));
    Case { references: pairs.map(reference).collect(), ..case }
}

/// A case whose outcome depends on a column, and whose model knows how much: its scaled logit is twice the true one plus
/// noise of standard deviation one, plus `mean` for members.
pub(super) fn learnable(count: usize, mean: f64, seed: u64) -> Case {
    let seed = Seed::root(seed).derive("surrogate specimen");
    let side = |name: &str, mean: f64| {
        let seed = seed.derive(name);
        let x = normal(count, 0.0, seed.derive("x"));
        let chance = uniform(count, 1_000_000, seed.derive("outcome"));
        let logits: Vec<f64> = x.iter().map(|x| 2.0 * x).collect();
        let classes: Vec<u32> = logits
            .iter()
            .zip(&chance)
            .map(|(logit, &u)| u32::from(f64::from(u) / 1e6 < 1.0 / (1.0 + (-logit).exp())))
            .collect();
        let noise = normal(count, mean, seed.derive("noise"));
        let own =
            |((&class, logit), noise): ((&u32, &f64), &f64)| 2.0 * if class == 1 { *logit } else { -logit } + noise;
        let signal: Vec<f64> = classes.iter().zip(&logits).zip(&noise).map(own).collect();
        (Table::new(vec![numbers("x", x)]), answers(classes, &signal))
    };
    let ((in_table, members), (out_table, nonmembers)) = (side("members", mean), side("nonmembers", 0.0));
    let mut case =
        Case::tables(in_table, out_table, Schema::default())
            .with_model(Vec::new(), members, nonmembers, |_| Predictions::Labels(Vec::new()));
    if let Some(model) = case.model.as_mut() {
        model.family = ModelFamily::Linear;
    }
    case
}

/// Values of a digit of a person's number. So few that noise of a tenth of their standard deviation is rounded away.
const DIGIT: usize = 4;
/// Digits of a person's number.
const DIGITS: usize = 5;

/// People with a number (five columns of digits) and a measurement `z`. The model knows the outcome of the first
/// `remembered` members by their number, whatever `z` says, and is sure of it; about everybody else it answers with what
/// amounts to a coin thrown anew for every value of `z`.
pub(super) fn remembering(count: usize, remembered: usize, seed: u64) -> Case {
    assert!(2 * count <= DIGIT.pow(DIGITS as u32), "everybody has a number");
    let seed = Seed::root(seed).derive("remembering specimen");
    let truth = uniform(2 * count, 2, seed.derive("truth"));
    let z = normal(2 * count, 0.0, seed.derive("z"));
    let table = |rows: std::ops::Range<usize>| {
        let digit = |place: usize| -> Vec<u32> {
            rows.clone().map(|row| (row / DIGIT.pow(place as u32) % DIGIT) as u32).collect()
        };
        let mut columns: Vec<Column> =
            (0..DIGITS).map(|place| integers(&format!("digit {place}"), &digit(place))).collect();
        columns.push(numbers("z", z[rows.clone()].to_vec()));
        columns.push(integers("y", &truth[rows.clone()]));
        Table::new(columns)
    };
    let (members, nonmembers) = (table(0..count), table(count..2 * count));
    let known = truth[..remembered].to_vec();
    asked(members, nonmembers, (0..DIGITS).map(|place| format!("digit {place}")).collect(), known, &truth)
}

/// A case of two tables whose model is asked about both.
fn asked(members: Table, nonmembers: Table, digits: Vec<String>, known: Vec<u32>, truth: &[u32]) -> Case {
    let slot = |input: &str, columns: Vec<String>| Slot {
        input: input.to_owned(),
        row_shape: vec![columns.len()],
        columns,
        element: Element::F64,
    };
    let schema =
        Schema { target: Some("y".into()), quasi_identifiers: vec![ThreatModel::of("", &digits)], ..Schema::default() };
    let slots = vec![slot("number", digits), slot("z", vec!["z".to_owned()])];
    let answer = move |inputs: &[Tensor]| {
        let (Some(digits), Some(z)) = (inputs[0].to_f64(), inputs[1].to_f64()) else {
            unreachable!("the slots are floats")
        };
        let number = |digits: &[f64]| digits.iter().rev().fold(0, |number, &digit| number * DIGIT + digit as usize);
        let of_row = |(digits, z): (&[f64], &f64)| {
            // The last bits of a measurement are as good as a coin.
            let coin = if z.to_bits().count_ones() % 2 == 0 { 1.0 } else { -1.0 };
            let sure = known.get(number(digits)).map(|&class| if class == 1 { 8.0 } else { -8.0 });
            [0.0, sure.unwrap_or(coin * (0.1 + z.abs()))]
        };
        let values = digits.chunks(DIGITS).zip(&z).flat_map(of_row).collect();
        Predictions::Scores { scale: Scale::Logit, classes: 2, values, labels: None }
    };
    let side = |table: &Table, truth: &[u32]| Answers {
        predictions: answer(&tensors(&Features::Table(table.clone()), &slots).expect("the columns feed the model")),
        truth: Truth::Classes(truth.to_vec()),
    };
    let (of_members, of_nonmembers) = truth.split_at(members.rows());
    let answers = (side(&members, of_members), side(&nonmembers, of_nonmembers));
    Case::tables(members, nonmembers, schema).with_model(slots, answers.0, answers.1, answer)
}

/// A model that is surer of the young, asked about members whose age is shifted; beyond what age says it is surer of members
/// by `mean` standard deviations of its own noise.
pub(super) fn shifted(count: usize, shift: f64, mean: f64, seed: u64) -> Case {
    let seed = Seed::root(seed).derive("shift specimen");
    let side = |name: &str, shift: f64, mean: f64| {
        let seed = seed.derive(name);
        let age = normal(count, shift, seed.derive("age"));
        let own = normal(count, mean, seed.derive("noise"));
        let signal: Vec<f64> = own.iter().zip(&age).map(|(own, age)| own - 0.5 * age).collect();
        let other = normal(count, 0.0, seed.derive("other"));
        let answers = answers(uniform(count, 2, seed.derive("classes")), &signal);
        (Table::new(vec![numbers("age", age), numbers("other", other)]), answers)
    };
    let ((in_table, members), (out_table, nonmembers)) = (side("members", shift, mean), side("nonmembers", 0.0, 0.0));
    Case::tables(in_table, out_table, Schema::default())
        .with_model(Vec::new(), members, nonmembers, |_| Predictions::Labels(Vec::new()))
}
