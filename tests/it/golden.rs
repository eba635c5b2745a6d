//! privet's numbers against the golden files: SciPy, scikit-learn, statsmodels, pandas and pycanon (`tests/golden`).

use std::path::Path;

use privet::check::reidentification::Classes;
use privet::data::{Cells, Limits, Reading, load_table, load_tensor};
use privet::stats::interval::{Paired, beta_cdf, beta_quantile, clopper_pearson, newcombe, wilson};
use privet::stats::roc::{Roc, auc, sure_rank};
use privet::stats::{Estimate, Level};
use serde_json::Value;

use crate::support::{example, json, repo};

const CLOSE: f64 = 1e-9;

#[track_caller]
fn same(found: f64, expected: &Value, what: &str) {
    let expected = expected.as_f64().unwrap_or_else(|| panic!("{what}: the golden file has no number"));
    assert!((found - expected).abs() <= CLOSE, "{what}: {found} is not {expected}");
}

#[track_caller]
fn same_interval(found: &Estimate, expected: &Value, what: &str) {
    same(found.low, &expected[0], &format!("{what}, low"));
    same(found.high, &expected[1], &format!("{what}, high"));
}

fn level(value: &Value) -> Level {
    serde_json::from_value(value.clone()).unwrap()
}

fn count(value: &Value) -> usize {
    usize::try_from(value.as_u64().unwrap()).unwrap()
}

fn list<'v>(file: &'v Value, key: &str) -> &'v [Value] {
    let list = file[key].as_array().unwrap();
    assert!(!list.is_empty(), "{key} holds cases");
    list
}

/// The score arrays of a case.
fn scores(case: &Value, side: &str) -> Vec<f64> {
    let file = repo("tests/golden").join(case["files"][side].as_str().unwrap());
    let (_, tensor) = load_tensor(&file, Limits::default()).unwrap().remove(0);
    tensor.to_f64().unwrap()
}

fn cases() -> Vec<(String, Value)> {
    let file = json("tests/golden/membership.json");
    let cases: Vec<_> =
        file["cases"].as_object().unwrap().iter().map(|(name, case)| (name.clone(), case.clone())).collect();
    assert!(cases.len() >= 12, "the golden file holds its cases");
    cases
}

#[test]
fn area_and_delong_interval_equal_scikit_learn() {
    let mut intervals = 0;
    for (name, case) in cases() {
        let (members, nonmembers) = (scores(&case, "members"), scores(&case, "nonmembers"));
        assert_eq!((members.len(), nonmembers.len()), (count(&case["members"]), count(&case["nonmembers"])), "{name}");
        let estimate = auc(&members, &nonmembers, None, Level::P95);
        same(estimate.value, &case["auc"], &format!("{name}, area"));
        // Where the golden variance is 0 or absent, privet widens on purpose: see `degenerate_areas_keep_a_bound`.
        if case["delong_variance"].as_f64().is_some_and(|variance| variance > 0.0)
            && !case["auc_logit_interval_95"].is_null()
        {
            same_interval(&estimate, &case["auc_logit_interval_95"], &name);
            intervals += 1;
        }
    }
    assert!(intervals >= 7, "{intervals} intervals were compared");
}

/// Nothing is proven by a score without variation, nor everything by ten records: the interval never closes to a point.
#[test]
fn degenerate_areas_keep_a_bound() {
    for (name, case) in cases() {
        let estimate = auc(&scores(&case, "members"), &scores(&case, "nonmembers"), None, Level::P95);
        assert!(estimate.high - estimate.low > 1e-3, "{name}: {estimate:?}");
        assert!(estimate.covers(estimate.value), "{name}: {estimate:?}");
    }
}

#[test]
fn rates_at_a_false_positive_rate_equal_scikit_learn() {
    for (name, case) in cases() {
        let roc = Roc::new(&scores(&case, "members"), &scores(&case, "nonmembers"));
        for point in list(&case, "tpr_at_fpr") {
            let limit = point["limit"].as_f64().unwrap();
            same(roc.tpr_at_fpr(limit), &point["tpr"], &format!("{name}, TPR at {limit}"));
        }
        // Balanced accuracy (TPR + 1 - FPR) / 2 is largest where TPR - FPR is.
        same(
            f64::midpoint(1.0, roc.advantage()),
            &case["best_balanced_accuracy"]["value"],
            &format!("{name}, balanced accuracy"),
        );
    }
}

/// Every reported operating point lies on the curve: tied scores stay together.
#[test]
fn operating_points_are_achievable() {
    for (name, case) in cases() {
        let roc = Roc::new(&scores(&case, "members"), &scores(&case, "nonmembers"));
        for point in list(&case, "tpr_at_fpr") {
            let (fpr, tpr) = (point["fpr"].as_f64().unwrap(), point["tpr"].as_f64().unwrap());
            let on_curve = roc.points().iter().any(|p| (p.fpr - fpr).abs() < CLOSE && (p.tpr - tpr).abs() < CLOSE);
            assert!(on_curve, "{name}: ({fpr}, {tpr}) is no point of the curve");
        }
    }
}

#[test]
fn proportions_equal_scipy() {
    for row in list(&json("tests/golden/intervals.json"), "proportion") {
        let (k, n, at) = (count(&row["k"]), count(&row["n"]), level(&row["level"]));
        same_interval(&clopper_pearson(k, n, at), &row["clopper_pearson"], &format!("Clopper-Pearson {k} of {n}"));
        same_interval(&wilson(k, n, at), &row["wilson"], &format!("Wilson {k} of {n}"));
    }
}

#[test]
fn beta_distribution_equals_scipy() {
    for row in list(&json("tests/golden/intervals.json"), "beta") {
        let (a, b, x) = (row["a"].as_f64().unwrap(), row["b"].as_f64().unwrap(), row["x"].as_f64().unwrap());
        same(beta_cdf(a, b, x), &row["cdf"], &format!("Beta({a}, {b}) at {x}"));
        same(beta_quantile(a, b, 0.025), &row["ppf_0.025"], &format!("Beta({a}, {b}), 2.5 %"));
        same(beta_quantile(a, b, 0.975), &row["ppf_0.975"], &format!("Beta({a}, {b}), 97.5 %"));
    }
}

#[test]
fn differences_equal_newcombe() {
    let file = json("tests/golden/intervals.json");
    for row in list(&file, "newcombe_unpaired") {
        let [k1, n1, k2, n2] = ["k1", "n1", "k2", "n2"].map(|key| count(&row[key]));
        let found = newcombe(k1, n1, k2, n2, Level::P95);
        same(found.value, &row["difference"], "unpaired difference");
        same_interval(&found, &row["newcombe_95"], &format!("{k1}/{n1} - {k2}/{n2}"));
    }
    for row in list(&file, "paired") {
        let [both, first_only, second_only, neither] = [0, 1, 2, 3].map(|cell| count(&row["table"][cell]));
        let found = Paired { both, first_only, second_only, neither }.difference(Level::P95);
        same(found.value, &row["difference"], "paired difference");
        same_interval(&found, &row["newcombe_95"], &format!("paired {}", row["table"]));
    }
}

/// The ranks of the gate's bound. The upper rank is private: it is read off a curve on which rank k has k positives.
#[test]
fn ranks_of_the_gate_bound_equal_scipy() {
    for row in list(&json("tests/golden/intervals.json"), "order_statistics") {
        let (m, fpr) = (count(&row["m"]), row["f"].as_f64().unwrap());
        let sure = row["k0"].as_u64().map_or(0, |_| count(&row["k0"]));
        assert_eq!(sure_rank(m, fpr, Level::P95), sure, "k0 of {m} at {fpr}");
        let scores: Vec<f64> = (0..m).map(|score| score as f64).collect();
        let bounds = Roc::new(&scores, &scores).tpr_at_fpr_bounds(fpr, Level::P95);
        let low = if sure == 0 { 0.0 } else { clopper_pearson(sure - 1, m, Level::P95).low };
        let high = if row["k1"].is_null() { 1.0 } else { clopper_pearson(count(&row["k1"]), m, Level::P95).high };
        assert!((bounds.low - low).abs() < CLOSE, "low of {m} at {fpr}: {} is not {low}", bounds.low);
        assert!((bounds.high - high).abs() < CLOSE, "high of {m} at {fpr}: {} is not {high}", bounds.high);
    }
}

/// The quasi-identifiers of Adult as cells.
fn adult(columns: &[&str]) -> Vec<Cells> {
    let file = repo("datasets/adult/adult.parquet");
    let table = load_table(&[(Path::new(&file), "adult")], &Reading::default()).unwrap().remove(0);
    columns.iter().map(|name| table.column(name).unwrap().cells.clone()).collect()
}

#[test]
fn classes_of_adult_equal_pandas_and_pycanon() {
    let golden = json("tests/golden/kanonymity.json");
    let pycanon = json("tests/golden/pycanon.json");
    let sets = golden["sets"].as_object().unwrap();
    assert_eq!(sets.len(), 6);
    for (name, expected) in sets {
        let columns: Vec<&str> = list(expected, "columns").iter().map(|name| name.as_str().unwrap()).collect();
        let cells = adult(&columns);
        let classes = Classes::of(&cells.iter().collect::<Vec<_>>(), None);
        assert_eq!(classes.records(), count(&expected["records"]), "{name}");
        assert_eq!((classes.k(), classes.count), (count(&expected["k"]), count(&expected["classes"])), "{name}");
        assert_eq!(
            (classes.k(), classes.count),
            (count(&pycanon[name]["k"]), count(&pycanon[name]["classes"])),
            "{name}"
        );
        assert_eq!(classes.below(2), count(&expected["uniques"]), "{name}: unique records");
        for (size, records) in expected["records_in_classes_below"].as_object().unwrap() {
            assert_eq!(classes.below(size.parse().unwrap()), count(records), "{name}: below {size}");
        }
        same(classes.average_risk(), &expected["mean_risk_over_records"], name);
        assert_eq!(histogram(&classes), expected["histogram_size_count"], "{name}: sizes");
        // No cell of Adult is missing, so the two readings of a missing cell agree.
        assert_eq!(classes.wildcard_of_record.as_ref(), Some(&classes.size_of_record), "{name}");
    }
}

/// `[[size, classes of that size], ...]`, ascending.
fn histogram(classes: &Classes) -> Value {
    let mut sizes = std::collections::BTreeMap::<usize, usize>::new();
    classes.size_of_record.iter().for_each(|&size| *sizes.entry(size).or_default() += 1);
    sizes.into_iter().map(|(size, records)| serde_json::json!([size, records / size])).collect()
}

/// The row of an attack in the table of all attacks.
fn attack(report: &Value, name: &str) -> Vec<String> {
    let evidence = list(report, "findings").iter().filter(|finding| finding["measure"] == "membership/auc");
    let mut tables =
        evidence.flat_map(|finding| list(finding, "evidence")).filter(|evidence| evidence["kind"] == "table");
    let table = tables.next().unwrap();
    assert!(table["caption"].as_str().unwrap().starts_with("Every attack on all records"));
    let row = list(table, "rows").iter().find(|row| row[0] == name).unwrap();
    row.as_array().unwrap().iter().map(|cell| cell.as_str().unwrap().to_owned()).collect()
}

#[test]
fn accuracy_end_to_end_equals_scikit_learn() {
    let golden = json("tests/golden/membership.json");
    for (plan, case) in [
        ("readmission", "readmission_overfit"),
        ("readmission-regularised", "readmission_regularised"),
        ("heart", "heart_overfit"),
        ("images", "images"),
    ] {
        let (report, expected) = (example(plan).desk.report(), &golden["all_rows"][case]);
        for side in ["accuracy_members", "accuracy_nonmembers"] {
            same(report["model"][side]["value"].as_f64().unwrap(), &expected[side], &format!("{plan}, {side}"));
        }
    }
}

/// The loss attack on all records, in the digits that the table shows.
fn loss_attack_equals(plan: &str, case: &str) {
    let expected = &json("tests/golden/membership.json")["all_rows"][case];
    let row = attack(&example(plan).desk.report(), "loss, one threshold");
    assert_eq!(row[1], format!("{:.3}", expected["auc"].as_f64().unwrap()), "{plan}: area");
    for (cell, point) in row[3..].iter().zip(list(expected, "tpr_at_fpr")) {
        if cell != "not estimable" {
            let shown: f64 = cell.trim_end_matches(" %").parse().unwrap();
            let expected = point["tpr"].as_f64().unwrap() * 100.0;
            assert!((shown - expected).abs() <= 0.05 + CLOSE, "{plan}: {cell} shown, {expected} % expected");
        }
    }
}

/// The forest's answers are sums of float32 votes: equal shares of votes must be ties, as in the rounded scores.
#[test]
fn loss_attack_on_a_forest_equals_scikit_learn() {
    loss_attack_equals("readmission", "readmission_overfit_rounded");
}

#[test]
fn loss_attack_on_boosted_trees_equals_scikit_learn() {
    loss_attack_equals("readmission-regularised", "readmission_regularised");
}

#[test]
fn loss_attack_on_logits_equals_scikit_learn() {
    loss_attack_equals("images", "images");
}
