//! privet's numbers against the golden files: SciPy, scikit-learn, statsmodels, pandas, pycanon, jax-privacy and Microsoft's
//! privacy-estimates (`tests/golden`).

use std::path::Path;

use privet::check::reidentification::Grouped;
use privet::data::{Cells, Limits, Reading, ThreatModel, load_table, load_tensor};
use privet::seed::Seed;
use privet::stats::bootstrap::{Interval, Resampling, bootstrap};
use privet::stats::epsilon::{Counts, joint_beta, lower_bound, rectangle, uncorrected_best_threshold};
use privet::stats::interval::{Paired, beta_cdf, beta_quantile, clopper_pearson, newcombe, wilson};
use privet::stats::multiple::{benjamini_hochberg, conformal_p_values};
use privet::stats::one_run::{self, Guesses, epsilon_of_gaussian, gaussian_delta, gaussian_lower_bound, p_value};
use privet::stats::paired::{Scored, auc_difference};
use privet::stats::permutation::{Design, Family, max_t};
use privet::stats::predictive::positive_predictive_value;
use privet::stats::rank::{spearman, top_share_jaccard};
use privet::stats::roc::{Roc, Statistic, auc, sure_rank};
use privet::stats::student::{ln_density, log_ndtr, normal_ln_density};
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

/// Within a tolerance of the golden number; `null` stands for infinity.
#[track_caller]
fn near(found: f64, expected: &Value, tolerance: f64, what: &str) {
    let expected = expected.as_f64().unwrap_or(f64::INFINITY);
    let far = (found - expected).abs() > tolerance * expected.abs().max(1.0);
    assert!(found == expected || !far, "{what}: {found} is not {expected}");
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
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
        let threat = ThreatModel::of(name, &columns);
        let grouped = Grouped::of(&threat, &cells.iter().collect::<Vec<_>>(), None);
        assert_eq!(grouped.records(), count(&expected["records"]), "{name}");
        let found = (grouped.k(), grouped.classes.count());
        assert_eq!(found, (count(&expected["k"]), count(&expected["classes"])), "{name}");
        assert_eq!(found, (count(&pycanon[name]["k"]), count(&pycanon[name]["classes"])), "{name}");
        assert_eq!(grouped.below(2), count(&expected["uniques"]), "{name}: unique records");
        for (size, records) in expected["records_in_classes_below"].as_object().unwrap() {
            assert_eq!(grouped.below(size.parse().unwrap()), count(records), "{name}: below {size}");
        }
        same(grouped.average_risk(), &expected["mean_risk_over_records"], name);
        let histogram = grouped.classes.histogram();
        let counts: Value =
            histogram.counts().iter().map(|(size, classes)| serde_json::json!([size, classes])).collect();
        assert_eq!(counts, expected["histogram_size_count"], "{name}: sizes");
    }
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

fn statistics() -> Value {
    json("tests/golden/statistics.json")
}

#[test]
fn paired_differences_equal_every_pair_compared() {
    for (number, case) in list(&statistics(), "paired").iter().enumerate() {
        let [p1, q1, p2, q2] =
            [("first", 0), ("first", 1), ("second", 0), ("second", 1)].map(|(score, side)| numbers(&case[score][side]));
        let codes = |side: usize| -> Option<Vec<u32>> {
            let codes = case["clusters"].as_array()?[side].as_array()?;
            Some(codes.iter().map(|code| u32::try_from(code.as_u64().unwrap()).unwrap()).collect())
        };
        let clusters = codes(0).zip(codes(1));
        let clusters = clusters.as_ref().map(|(p, q)| (p.as_slice(), q.as_slice()));
        let (first, second) = (Scored { positives: &p1, negatives: &q1 }, Scored { positives: &p2, negatives: &q2 });
        let found = auc_difference(first, second, clusters, Level::P95);
        same(found.value, &case["difference"], &format!("paired difference {number}"));
        same_interval(&found, &case["interval_95"], &format!("paired difference {number}"));
    }
}

/// Two published implementations of `DeLong`'s method; the first computes in part with 32-bit floats.
#[test]
fn delong_equals_published_packages() {
    let file = json("tests/golden/delong_published.json");
    let two_sided = 1.959_963_984_540_054;
    for row in list(&file, "areas") {
        let name = row["scores"].as_str().unwrap();
        let side = |which: &str| {
            let file = format!("scores/{name}_{which}.npy");
            scores(&serde_json::json!({ "files": { which: file } }), which)
        };
        let found = auc(&side("members"), &side("nonmembers"), None, Level::P95);
        let logit = |p: f64| (p / (1.0 - p)).ln();
        let error = (logit(found.high) - logit(found.low)) / 2.0 / two_sided * found.value * (1.0 - found.value);
        near(found.value, &row["area"], 1e-7, name);
        near(error, &row["error"], 1e-9, name);
    }
    for row in list(&file, "pairs") {
        let [p1, q1, p2, q2] =
            [("first", 0), ("first", 1), ("second", 0), ("second", 1)].map(|(score, side)| numbers(&row[score][side]));
        let (first, second) = (Scored { positives: &p1, negatives: &q1 }, Scored { positives: &p2, negatives: &q2 });
        let found = auc_difference(first, second, None, Level::P95);
        // The package subtracts the first from the second.
        near(-found.value / ((found.high - found.low) / 2.0 / two_sided), &row["z"], 1e-9, "difference");
    }
}

#[test]
fn epsilon_from_counts_equals_scipy_and_microsoft() {
    for row in list(&statistics(), "epsilon_counts") {
        let [true_positives, false_positives, false_negatives, true_negatives] =
            [0, 1, 2, 3].map(|cell| count(&row["counts"][cell]));
        let counts = Counts { true_positives, false_positives, false_negatives, true_negatives };
        let (delta, level, what) = (row["delta"].as_f64().unwrap(), level(&row["level"]), format!("{counts:?}"));
        near(lower_bound(counts, delta, level), &row["lower_bound"], CLOSE, &what);
        let corners = rectangle(counts, delta, level);
        near(corners.low, &row["rectangle"][0], CLOSE, &what);
        near(corners.high, &row["rectangle"][1], CLOSE, &what);
        let joint = joint_beta(counts, delta, level);
        near(joint.low, &row["joint_beta"][0], 5e-4, &what);
        near(joint.high, &row["joint_beta"][1], 5e-4, &what);
        if let Some(microsoft) = row["joint_beta_of_microsoft"].as_array() {
            // They stop within 0.01 of epsilon and 0.005 of probability.
            assert!((joint.low - microsoft[0].as_f64().unwrap()).abs() < 0.01, "{what}: {joint:?}");
            assert!((joint.high - microsoft[1].as_f64().unwrap()).abs() < 0.02, "{what}: {joint:?}");
        }
    }
}

#[test]
fn uncorrected_rule_is_the_largest_bound_of_all_thresholds() {
    for row in list(&statistics(), "uncorrected") {
        let (p, q) = (numbers(&row["positives"]), numbers(&row["negatives"]));
        let found = uncorrected_best_threshold(&p, &q, row["delta"].as_f64().unwrap(), Level::P95);
        same(found, &row["bound"], "best of all thresholds");
    }
}

#[test]
fn one_run_audit_equals_jax_privacy() {
    for row in list(&statistics(), "one_run") {
        let [coins, guessed, right] = ["coins", "guessed", "right"].map(|key| count(&row[key]));
        let guesses = Guesses { coins, guessed, right };
        let delta = row["delta"].as_f64().unwrap();
        for pair in list(row, "p_values") {
            let found = p_value(guesses, pair[0].as_f64().unwrap(), delta);
            near(found, &pair[1], CLOSE, &format!("{guesses:?}: p at {}", pair[0]));
        }
        // Their root is found to 1e-6.
        near(one_run::lower_bound(guesses, delta, Level::P95), &row["lower_bound"], 2e-6, &format!("{guesses:?}"));
        if delta > 0.0 {
            let found = gaussian_lower_bound(guesses, delta, Level::P95);
            near(found, &row["gaussian_lower_bound"], 5e-6, &format!("{guesses:?}, Gaussian"));
        }
    }
}

#[test]
fn gaussian_mechanism_equals_scipy() {
    let file = statistics();
    for row in list(&file["gaussian"], "delta") {
        let row = numbers(row);
        let found = gaussian_delta(row[0], row[1]);
        assert!((found - row[2]).abs() <= 1e-9 * row[2].max(1e-9), "{row:?}: {found}");
    }
    for row in list(&file["gaussian"], "epsilon") {
        let row = numbers(row);
        let found = epsilon_of_gaussian(row[0], row[1], row[2]);
        assert!((found - row[3]).abs() <= 1e-7, "{row:?}: {found}");
    }
}

/// jax-privacy 2.0.0 takes the size of a negative mu and so prints an epsilon of 1 to 12 for scores without any signal.
#[test]
fn useless_rates_prove_no_gaussian_epsilon() {
    let theirs = numbers(&statistics()["jax_gdp_on_useless_scores"]);
    assert!(theirs.iter().all(|&epsilon| epsilon > 1.0));
    for k in 0..=200 {
        let (fpr, fnr) = (clopper_pearson(k, 200, Level::P95), clopper_pearson(200 - k, 200, Level::P95));
        assert_eq!(epsilon_of_gaussian(fpr.high, fnr.high, 1e-5), 0.0, "{k} of 200 on both sides");
    }
}

#[test]
fn predictive_values_equal_scipy() {
    for row in list(&statistics(), "predictive") {
        let [tp, n, fp, m] = [0, 1, 2, 3].map(|cell| count(&row["counts"][cell]));
        let at = Level::P95.shared(2);
        let (tpr, fpr) = (clopper_pearson(tp, n, at), clopper_pearson(fp, m, at));
        let found = positive_predictive_value(&tpr, &fpr, row["prior"].as_f64().unwrap());
        for (number, expected) in [found.value, found.low, found.high].iter().zip(list(row, "value_low_high")) {
            same(*number, expected, &format!("predictive value of {}", row["counts"]));
        }
    }
}

#[test]
fn corrections_equal_scipy() {
    let file = statistics();
    for pair in list(&file["multiple"], "benjamini_hochberg") {
        let adjusted = benjamini_hochberg(&numbers(&pair[0]));
        adjusted
            .iter()
            .zip(pair[1].as_array().unwrap())
            .for_each(|(found, expected)| same(*found, expected, "q-value"));
    }
    let case = &file["multiple"]["conformal"];
    let found = conformal_p_values(&numbers(&case["scores"]), &numbers(&case["negatives"]));
    assert_eq!(found, numbers(&case["p"]));
}

#[test]
fn rankings_agree_as_in_scipy() {
    for row in list(&statistics(), "ranks") {
        let (first, second) = (numbers(&row["first"]), numbers(&row["second"]));
        same(spearman(&first, &second).unwrap(), &row["spearman"], "Spearman");
        same(top_share_jaccard(&first, &second, 0.2).unwrap(), &row["jaccard_20"], "Jaccard of the top 20 %");
    }
}

#[test]
fn log_densities_equal_scipy() {
    let file = statistics();
    for row in list(&file["densities"], "student") {
        let x = numbers(row);
        near(ln_density(x[0], x[1], x[2], x[3]), &row[4], 1e-11, &format!("Student {row}"));
    }
    for row in list(&file["densities"], "normal") {
        let x = numbers(row);
        near(normal_ln_density(x[0], x[1], x[2]), &row[3], 1e-12, &format!("normal {row}"));
    }
    for row in list(&file["densities"], "log_ndtr") {
        let x = numbers(row);
        assert!((log_ndtr(x[0]) / x[1] - 1.0).abs() < 1e-12, "{row}: {}", log_ndtr(x[0]));
    }
}

/// Drawn permutations against all 924 labellings of twelve rows. The adjusted values compare areas of different scores,
/// whose standardised steps lie within 0.01 of each other here: drawing the standard deviation moves some across.
#[test]
fn permutation_p_values_approach_those_of_all_labellings() {
    let case = &statistics()["max_t"];
    let scores: Vec<Vec<f64>> = list(case, "scores").iter().map(numbers).collect();
    let scores: Vec<&[f64]> = scores.iter().map(Vec::as_slice).collect();
    let positive: Vec<bool> = (0..12).map(|row| row < 6).collect();
    let rows: Vec<u32> = (0..12).collect();
    let design = Design { positive: &positive, clusters: None, strata: None };
    let family = Family { scores: &scores, groups: &[&rows], statistics: &[Statistic::Auc] };
    let found = max_t(&design, &family, 20_000, Seed::root(1));
    for (at, tested) in found.tested.iter().enumerate() {
        same(tested.observed, &case["auc"][at], "area");
        near(tested.p, &case["p"][at], 0.012, "p-value");
        near(tested.adjusted, &case["adjusted"][at], 0.03, "adjusted p-value");
    }
}

/// Both draw at random, so the ends agree as far as 100,000 and 20,000 replicates of a discrete statistic do.
#[test]
fn bootstrap_intervals_approach_those_of_scipy() {
    let case = &statistics()["bootstrap"];
    let (p, q) = (numbers(&case["positives"]), numbers(&case["negatives"]));
    for (interval, key) in [(Interval::Percentile, "percentile"), (Interval::Bca, "BCa")] {
        let resampling = Resampling { replicates: 20_000, interval, ..Resampling::new(Seed::root(1)) };
        let found = bootstrap(&p, &q, None, &[Statistic::Auc], &resampling)[0];
        same(found.value, &case["auc"], "area");
        near(found.low, &case[key][0], 0.003, key);
        near(found.high, &case[key][1], 0.003, key);
    }
}
