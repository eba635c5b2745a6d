//! Cases that the attacks of the family share in their tests.

use super::threshold::Threshold;
use crate::check::specimen::{Case, normal, numbers, uniform};
use crate::check::{Answers, Truth};
use crate::data::{Schema, Table};
use crate::model::{Predictions, Scale};
use crate::seed::Seed;

/// Two-class logits whose scaled logit of the true class is as given.
pub(super) fn answers(classes: Vec<u32>, signal: &[f64]) -> Answers {
    let row = |(&class, signal): (&u32, &f64)| [0.0, if class == 1 { *signal } else { -*signal }];
    let values = classes.iter().zip(signal).flat_map(row).collect();
    Answers {
        predictions: Predictions::Scores { scale: Scale::Logit, classes: 2, values, labels: None },
        truth: Truth::Classes(classes),
    }
}

/// A two-class model whose scaled logit of the true class is normal around `mean` for members and around 0 for others.
pub(super) fn case(count: usize, mean: f64, seed: u64) -> Case {
    let seed = Seed::root(seed).derive("threshold specimen");
    let side = |name: &str, mean: f64| {
        let seed = seed.derive(name);
        answers(uniform(count, 2, seed.derive("classes")), &normal(count, mean, seed.derive("signal")))
    };
    let table = || Table::new(vec![numbers("x", vec![0.0; count])]);
    Case::tables(table(), table(), Schema::default()).with_model(
        Vec::new(),
        side("members", mean),
        side("nonmembers", 0.0),
        |_| Predictions::Labels(Vec::new()),
    )
}

/// A case with the scores of the threshold attacks.
pub(super) fn attacked(case: Case, seed: u64) -> Case {
    case.scored_by(&Threshold {}, seed)
}
