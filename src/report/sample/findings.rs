//! Made-up findings. Layer row 6.

use crate::finding::{
    Bar, Baseline, CellPair, Curve, CurvePoint, Evidence, Finding, Histogram, Series, Severity, SizeShare, Standing,
    Table, Unit, Worse,
};
use crate::stats::{Estimate, Level, Method};

pub(super) fn estimate(value: f64, low: f64, high: f64, n: usize, method: Method) -> Estimate {
    Estimate { value, low, high, level: Level::P95, n, method }
}

fn finding(check: &str, measure: &str, unit: Unit, estimate: Estimate, severity: Severity, sentence: &str) -> Finding {
    Finding {
        check: check.to_owned(),
        measure: measure.to_owned(),
        scope: String::new(),
        sentence: sentence.to_owned(),
        estimate: Some(estimate),
        unit,
        worse: Worse::Higher,
        null_value: Some(0.0),
        baseline: None,
        severity,
        standing: Standing::Sound,
        evidence: Vec::new(),
        limits: Vec::new(),
        settings: Vec::new(),
    }
}

pub(super) fn exchangeable() -> Finding {
    let mut finding = finding(
        "dataset/exchangeability",
        "dataset/exchangeability-auc",
        Unit::Area,
        estimate(0.502, 0.493, 0.511, 13_904, Method::ClusteredDelongLogit),
        Severity::VeryLow,
        "Members and non-members cannot be told apart without the model.",
    );
    finding.null_value = Some(0.5);
    finding.limits = vec!["A difference in columns that the blind classifier does not see goes unnoticed.".to_owned()];
    finding
}

pub(super) fn auc() -> Finding {
    let mut finding = finding(
        "membership/threshold",
        "membership/auc",
        Unit::Area,
        estimate(0.950, 0.945, 0.955, 13_904, Method::ClusteredDelongLogit),
        Severity::VeryHigh,
        "In 95 of 100 pairs of a member and a non-member, the attack picks the member.",
    );
    finding.null_value = Some(0.5);
    finding.baseline = Some(Baseline {
        name: "classifier that never saw the model".to_owned(),
        estimate: estimate(0.502, 0.493, 0.511, 13_904, Method::ClusteredDelongLogit),
    });
    finding.evidence = vec![histogram()];
    finding.limits = vec![
        "An average over all thresholds: a model may expose a few people and still have an area near 0.5.".to_owned(),
        "A stronger attack, with reference models, may find more.".to_owned(),
    ];
    finding.settings = vec![("signal".to_owned(), "loss of the true label".to_owned())];
    finding
}

pub(super) fn tpr() -> Finding {
    let mut finding = finding(
        "membership/threshold",
        "membership/tpr-at-fpr-0.01",
        Unit::Share,
        estimate(0.28, 0.24, 0.32, 7_013, Method::DistributionFree),
        Severity::VeryHigh,
        "An attacker with this model can tell who was in the training data for 28 % of patients while being wrong about 1 % of \
         others.",
    );
    finding.null_value = Some(0.01);
    finding.evidence =
        vec![roc("The attack recognises members far above chance at every false-positive rate", 2.1, 0.001, 0.02)];
    finding.limits = vec![
        "The attack knows the true label and the exact record. Somebody who knows less does worse.".to_owned(),
        "A stronger attack, with reference models, may find more.".to_owned(),
    ];
    finding.settings = vec![
        ("signal".to_owned(), "loss of the true label".to_owned()),
        ("grouped by".to_owned(), "patient_nbr".to_owned()),
    ];
    finding
}

pub(super) fn tpr_low() -> Finding {
    let mut finding = finding(
        "membership/threshold",
        "membership/tpr-at-fpr-0.001",
        Unit::Share,
        estimate(0.061, 0.034, 0.088, 7_013, Method::DistributionFree),
        Severity::High,
        "An attacker can name 6 % of patients while being wrong about 0.1 % of others.",
    );
    finding.null_value = Some(0.001);
    finding
}

pub(super) fn attribute() -> Finding {
    let mut finding = finding(
        "inversion/attribute-inference",
        "inversion/attribute-inference-excess",
        Unit::ShareDifference,
        estimate(0.041, 0.022, 0.061, 7_013, Method::NewcombePaired),
        Severity::Moderate,
        "For 4 in 100 members the model gives away the main diagnosis where a guess without it fails.",
    );
    finding.scope = "diag_1".to_owned();
    finding.baseline = Some(Baseline {
        name: "imputation from the other columns".to_owned(),
        estimate: estimate(0.173, 0.165, 0.181, 7_013, Method::Wilson),
    });
    let pair = |name: &str, attack: f64, baseline: f64| CellPair {
        name: name.to_owned(),
        attack: estimate(attack, attack - 0.009, attack + 0.009, 7_013, Method::Wilson),
        baseline: estimate(baseline, baseline - 0.008, baseline + 0.008, 7_013, Method::Wilson),
    };
    finding.evidence = vec![Evidence::FourCells {
        title: "The model helps to guess the diagnosis of members, not of others".to_owned(),
        pairs: vec![pair("members", 0.214, 0.173), pair("non-members", 0.169, 0.171)],
    }];
    finding.limits =
        vec!["The attacker is given all other columns. Columns it would have to guess lower its success.".to_owned()];
    finding.settings = vec![("values tried".to_owned(), "the 50 most frequent".to_owned())];
    finding
}

/// Nobody's value is guessable because they were in the training data.
pub(super) fn nobody_singled_out() -> Finding {
    let mut finding = finding(
        "inversion/attribute-inference",
        "inversion/attribute-inference-individual",
        Unit::Share,
        estimate(0.0, 0.0, 0.012, 7_013, Method::NewcombePaired),
        Severity::VeryLow,
        "For no member is having been in the training data what makes the main diagnosis guessable.",
    );
    finding.scope = "diag_1".to_owned();
    finding
}

/// A model file that gives nobody away.
pub(super) fn clean_file() -> Vec<Finding> {
    let of = |check: &str, measure: &str, unit: Unit, sentence: &str| {
        finding(check, measure, unit, Estimate::exact(0.0, 10_000), Severity::VeryLow, sentence)
    };
    let (strings, ends) = ("disclosure/stored-strings", "disclosure/column-extremes");
    vec![
        of(
            "disclosure/stored-rows",
            "disclosure/stored-rows",
            Unit::Share,
            "No training record stands in the model file.",
        ),
        of(strings, "disclosure/identifier-strings", Unit::Items, "No string of the file identifies a person."),
        of(ends, "disclosure/column-extremes", Unit::Items, "No extreme value of few people stands in the file."),
        of(ends, "disclosure/cell-lists", Unit::Items, "No column's cells stand in the file as a sorted list."),
    ]
}

pub(super) fn k(value: f64) -> Finding {
    let mut finding = finding(
        "reidentification/equivalence-classes",
        "reidentification/k",
        Unit::People,
        Estimate::exact(value, 10_000),
        if value < 5.0 { Severity::VeryHigh } else { Severity::Low },
        &format!("The smallest group of people who look alike has k = {value}."),
    );
    finding.worse = Worse::Lower;
    finding.null_value = None;
    finding.limits = vec!["An attacker who knows fewer columns meets larger groups.".to_owned()];
    finding.settings =
        vec![("quasi-identifiers".to_owned(), "race, gender, age, payer_code, medical_specialty".to_owned())];
    finding
}

pub(super) fn uniqueness(share: f64) -> Finding {
    let mut finding = finding(
        "reidentification/equivalence-classes",
        "reidentification/uniqueness",
        Unit::Share,
        Estimate::exact(share, 10_000),
        if share > 0.2 { Severity::VeryHigh } else { Severity::VeryLow },
        &format!("{:.0} of 100 people are the only one with their combination of quasi-identifiers.", share * 100.0),
    );
    let sizes = [1_usize, 2, 3, 4, 5, 7, 10, 11, 15, 20, 30, 50, 100, 200, 400];
    let points = sizes.map(|size| SizeShare { size, share: 1.0 - (1.0 - share) / (size as f64).powf(0.55) });
    finding.evidence = vec![
        Evidence::ClassSizes {
            title: "Most people stand alone or in small groups".to_owned(),
            points: points.to_vec(),
        },
        Evidence::Bars {
            title: "The specialty singles out most people".to_owned(),
            axis: "share of people alone that dropping the column would save".to_owned(),
            bars: [
                ("medical_specialty", 0.325),
                ("payer_code", 0.207),
                ("age", 0.094),
                ("race", 0.041),
                ("gender", 0.012),
            ]
            .map(|(label, value)| Bar { label: label.to_owned(), value })
            .to_vec(),
        },
        Evidence::Table(Table {
            caption: "Risk by attacker".to_owned(),
            columns: ["Attacker", "Highest risk", "Average risk"].map(str::to_owned).to_vec(),
            rows: vec![
                ["prosecutor", "1 in 1", "71.4 %"].map(str::to_owned).to_vec(),
                ["marketer", "", "71.4 %"].map(str::to_owned).to_vec(),
            ],
        }),
    ];
    finding
}

/// A curve that begins at `lowest` and lies above chance by `strength`.
pub(super) fn roc(title: &str, strength: f64, lowest: f64, width: f64) -> Evidence {
    let grid = (0..=36).map(|step| 10_f64.powf(-3.0 + f64::from(step) / 12.0)).filter(|fpr| *fpr >= lowest * 0.999);
    let points = grid.map(|fpr| {
        let tpr = fpr.powf(1.0 / (1.0 + strength * 1.3)).min(1.0);
        let spread = (width * tpr * (1.0 - tpr)).sqrt() * 0.5;
        CurvePoint { fpr, tpr, low: (tpr - spread).max(tpr * 0.4), high: (tpr + spread).min(1.0) }
    });
    Evidence::Roc(Curve { title: title.to_owned(), points: points.collect(), limit: Some((0.01, 0.03)) })
}

fn histogram() -> Evidence {
    let bins = 24;
    let edges = (0..=bins).map(|edge| -6.0 + 0.5 * f64::from(edge)).collect();
    let bell = |centre: f64, width: f64| -> Vec<f64> {
        let raw: Vec<f64> =
            (0..bins).map(|bin| (-((f64::from(bin) * 0.5 - 5.75 - centre) / width).powi(2)).exp()).collect();
        let sum: f64 = raw.iter().sum();
        raw.iter().map(|share| share / sum).collect()
    };
    Evidence::Distributions(Histogram {
        title: "Members score higher than non-members".to_owned(),
        axis: "confidence in the true label (logit)".to_owned(),
        edges,
        series: vec![
            Series { name: "members".to_owned(), shares: bell(2.6, 1.4) },
            Series { name: "non-members".to_owned(), shares: bell(0.3, 2.2) },
        ],
    })
}
