//! The models against SciPy: `tests/golden/population.json`, made by the script beside it.

use serde::Deserialize;

use super::fixtures::of;
use super::{Pitman, SlidedNegativeBinomial, individual_risk, zayatz};

#[derive(Deserialize)]
struct Golden {
    models: Vec<Sample>,
    risks: Vec<(usize, f64, f64)>,
}

#[derive(Deserialize)]
struct Sample {
    sizes: Vec<(u32, usize)>,
    population: f64,
    theta: f64,
    alpha: f64,
    pitman: f64,
    zayatz: f64,
    shlosser: f64,
    negative_binomial: f64,
}

fn close(found: f64, expected: f64, within: f64) {
    assert!((found - expected).abs() <= within * expected.abs(), "{found} is not {expected}");
}

fn golden() -> Golden {
    let file = std::fs::read_to_string("tests/golden/population.json").unwrap();
    serde_json::from_str(&file).unwrap()
}

#[test]
fn models_equal_scipy() {
    for sample in golden().models {
        let sizes = of(&sample.sizes);
        let law = Pitman::fit(&sizes).unwrap();
        // Nelder and Mead's method finds the flat top to about the root of the machine's precision.
        close(law.theta, sample.theta, 1e-5);
        close(law.alpha, sample.alpha, 1e-5);
        close(law.uniques(sample.population), sample.pitman, 1e-5);
        close(zayatz(&sizes, sample.population).unwrap(), sample.zayatz, 1e-9);
        let negative = SlidedNegativeBinomial::fit(&sizes, sample.population).unwrap();
        close(negative.classes, sample.shlosser, 1e-12);
        close(negative.uniques(), sample.negative_binomial, 1e-7);
    }
}

#[test]
fn risks_equal_scipy() {
    for (f, people, risk) in golden().risks {
        close(individual_risk(f, people), risk, 1e-10);
    }
}
