"""Write the golden numbers of the tests with SciPy, scikit-learn, statsmodels and pandas.

    python tests/golden/make_golden.py        # in the environment of datasets/requirements.txt

Writes membership.json (and scores/*.npy), intervals.json and kanonymity.json beside this
file. Nothing here calls privet: these are the numbers that privet has to reproduce.
"""

import json
import math
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import beta, binomtest, norm, rankdata
from sklearn.metrics import roc_auc_score, roc_curve
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import confint_proportions_2indep

HERE = Path(__file__).resolve().parent
DATA = HERE.parents[1] / "datasets"
sys.path.insert(0, str(DATA))
import build  # noqa: E402  the data sets' own loading and feeding code

FLOOR = 1e-38  # smallest probability that a score is taken from
FPRS = (0.1, 0.01, 0.001)
LEVEL = 0.95


def write_json(name, content):
    """Indented, innermost lists on one line. Floats in full, so they read back the same."""
    text = json.dumps(content, indent=1, allow_nan=False)
    inner = lambda m: "[" + " ".join(x.strip() for x in m[1].splitlines()).strip() + "]"
    (HERE / name).write_text(re.sub(r"\[\n([^\[\]{}]*)\]", inner, text) + "\n")


# ------------------------------------------------------------------- membership


def log_confidence(p):
    return np.log(np.maximum(np.asarray(p, dtype=np.float64), FLOOR))


def readmission_scores(model):
    """(score, hit) of all members and of all non-members."""
    sess = build.session(DATA / f"readmission/{model}.onnx")
    found = []
    for side in ("members", "nonmembers"):
        frame = pd.read_parquet(DATA / f"readmission/{side}.parquet")
        y = frame["readmitted"].to_numpy(object)
        outputs = sess.run(None, build.column_feeds(frame, sess))
        p = build.true_label_probability(outputs, ["NO", "YES"], y)
        found.append((log_confidence(p), np.asarray(outputs[0]) == y))
    return found


def heart_scores():
    frame = pd.read_csv(DATA / "heart/heart.csv", sep=";", dtype=str)
    sess = build.session(DATA / "heart/overfit.onnx")
    found = []
    for side in ("train", "test"):
        part = frame[frame["split"] == side]
        y = part["disease"].to_numpy(np.int64)
        outputs = sess.run(None, {"input": build.heart_matrix(part)})
        found.append((log_confidence(build.true_label_probability(outputs, [0, 1], y)), outputs[0] == y))
    return found


def image_scores():
    """From the logits: float32 logits to float64, then log-softmax, so that nothing is tied at 0."""
    sess = build.session(DATA / "images/network.onnx")
    found = []
    for side in ("members", "nonmembers"):
        data = np.load(DATA / f"images/{side}.npz")
        y, rows = data["labels"], np.arange(len(data["labels"]))
        z = sess.run(None, {"image": data["images"][:, None].astype(np.float32)})[0].astype(np.float64)
        margin = z[rows, y] - z[rows, 1 - y]
        score = np.maximum(-np.logaddexp(0, -margin), np.log(FLOOR))
        found.append((score, z.argmax(axis=1) == y))
    return found


def image_probability_scores():
    """The same through float32 probabilities: about half of the scores are exactly 0."""
    return [(log_confidence(np.exp(s).astype(np.float32)), hit) for s, hit in image_scores()]


def rounded(sides):
    """Probabilities rounded to 6 decimals: equal vote shares of the forest become ties again."""
    return [(log_confidence(np.round(np.exp(s), 6)), hit) for s, hit in sides]


def made_up_scores():
    """Cases with answers that can be checked by hand or that break careless code."""
    rng = np.random.default_rng(20260101)
    none = lambda s: (np.asarray(s, dtype=np.float64), None)
    return {
        "tied_integers": [none(rng.binomial(9, 0.55, 317)), none(rng.binomial(9, 0.45, 263))],
        "all_ties": [none(np.zeros(40)), none(np.zeros(25))],
        "perfect": [none(np.arange(10, 30)), none(np.arange(-30, 0))],
        "reversed": [none(np.arange(-5, 0)), none(np.arange(0, 7))],
        "two_by_three": [none([1.0, 3.0]), none([0.0, 1.0, 2.0])],
        "one_each": [none([1.0]), none([0.0])],
    }


def operating_point(fpr, tpr, thresholds, limit):
    """The achievable point with the largest TPR at FPR <= limit; of equals the lowest FPR."""
    ok = np.flatnonzero(fpr <= limit)
    best = ok[np.argmax(tpr[ok])]
    threshold = float(thresholds[best])
    return {"limit": limit, "tpr": float(tpr[best]), "fpr": float(fpr[best]),
            "threshold": threshold if np.isfinite(threshold) else None}  # fmt: skip


def best_balanced(fpr, tpr, thresholds):
    accuracy = (tpr + 1 - fpr) / 2
    best = int(np.argmax(np.round(accuracy, 12)))
    threshold = float(thresholds[best])
    return {"value": float(accuracy[best]), "threshold": threshold if np.isfinite(threshold) else None}


def delong_midrank(m, n):
    """DeLong's variance of the AUC by mid-ranks (Sun and Xu 2014)."""
    both = rankdata(np.r_[m, n])
    v10 = (both[: len(m)] - rankdata(m)) / len(n)
    v01 = 1 - (both[len(m) :] - rankdata(n)) / len(m)
    return sample_variance(v10) / len(m) + sample_variance(v01) / len(n)


def delong_direct(m, n):
    """The same by its definition: structural components over all pairs."""
    psi = (m[:, None] > n[None, :]) + 0.5 * (m[:, None] == n[None, :])
    return sample_variance(psi.mean(axis=1)) / len(m) + sample_variance(psi.mean(axis=0)) / len(n)


def sample_variance(x):
    return float(np.var(x, ddof=1)) if len(x) > 1 else float("nan")


def delong_variance(m, n):
    by_rank, direct = delong_midrank(m, n), delong_direct(m, n)
    if math.isnan(direct):
        return None  # one row on a side: no variance
    assert math.isclose(by_rank, direct, rel_tol=1e-9, abs_tol=1e-15), (by_rank, direct)
    return direct


def logit_interval(auc, variance):
    """95 % interval of the AUC on the logit scale, from DeLong's variance; none at 0 and 1."""
    if variance is None or not 0 < auc < 1:
        return None
    centre, half = math.log(auc / (1 - auc)), norm.ppf(0.975) * math.sqrt(variance) / (auc * (1 - auc))
    return [1 / (1 + math.exp(-(centre - half))), 1 / (1 + math.exp(-(centre + half)))]


def curve(m, n):
    y = np.r_[np.ones(len(m)), np.zeros(len(n))]
    return y, np.r_[m, n]


def measure(sides):
    (m, hit_m), (n, hit_n) = sides
    y, s = curve(m, n)
    fpr, tpr, thresholds = roc_curve(y, s, drop_intermediate=False)
    auc, variance = float(roc_auc_score(y, s)), delong_variance(m, n)
    found = {
        "members": len(m), "nonmembers": len(n), "distinct_scores": len(np.unique(s)), "auc": auc,
        "delong_variance": variance, "auc_logit_interval_95": logit_interval(auc, variance),
        "tpr_at_fpr": [operating_point(fpr, tpr, thresholds, f) for f in FPRS],
        "best_balanced_accuracy": best_balanced(fpr, tpr, thresholds),
    }  # fmt: skip
    if hit_m is not None:
        found["accuracy_members"] = float(np.mean(hit_m))
        found["accuracy_nonmembers"] = float(np.mean(hit_n))
    return found


def save_scores(name, sides):
    folder = HERE / "scores"
    folder.mkdir(exist_ok=True)
    for (score, _), side in zip(sides, ("members", "nonmembers")):
        np.save(folder / f"{name}_{side}.npy", score.astype("<f8"))
    return {side: f"scores/{name}_{side}.npy" for side in ("members", "nonmembers")}


def every(sides, stride):
    return [(s[::stride], None if h is None else h[::stride]) for s, h in sides]


def membership():
    cases, full = {}, {}
    overfit = readmission_scores("overfit")
    real = {
        "readmission_overfit": (overfit, 5),
        "readmission_overfit_rounded": (rounded(overfit), 5),
        "readmission_regularised": (readmission_scores("regularised"), 5),
        "heart_overfit": (heart_scores(), 1),
        "images": (image_scores(), 1),
        "images_float32_probability": (image_probability_scores(), 1),
    }
    for name, (sides, stride) in real.items():
        full[name] = measure(sides)
        sample = every(sides, stride)
        cases[name] = {"files": save_scores(name, sample), "stride": stride, **measure(sample)}
    for name, sides in made_up_scores().items():
        cases[name] = {"files": save_scores(name, sides), "stride": 1, **measure(sides)}
    about = (
        "Score: ln max(p, 1e-38) of the true label, larger for members; onnxruntime 1.31.1, one thread, "
        "cast to float64, not clamped at 1 (the forest gives 1.0000001 for some rows; the case _rounded is "
        "free of that); images: log-softmax of the logits in float64. cases: every stride-th row from "
        "row 0, arrays in files; all_rows: the same on every row. A threshold t calls score >= t a member; "
        "null is the threshold above every score. tpr_at_fpr: largest TPR of any threshold with FPR <= limit, "
        "tied scores kept together. delong_variance: null with one row on a side. auc_logit_interval_95: null "
        "where the AUC is 0 or 1 (or there is no variance)."
    )
    write_json("membership.json", {"about": about, "cases": cases, "all_rows": full})
    return full


# -------------------------------------------------------------------- intervals


def one_proportion():
    counts = [(0, 1), (1, 1), (0, 10), (1, 10), (5, 10), (10, 10), (0, 100), (1, 368), (37, 1000),
              (178, 1000), (3, 10_000), (9_999, 10_000), (1_783, 10_000)]  # fmt: skip
    rows = []
    for k, n in counts:
        for level in (0.90, 0.95, 0.99):
            test = binomtest(k, n)
            exact, wilson = (test.proportion_ci(level, m) for m in ("exact", "wilson"))
            rows.append({"k": k, "n": n, "level": level,
                         "clopper_pearson": [float(exact.low), float(exact.high)],
                         "wilson": [float(wilson.low), float(wilson.high)]})  # fmt: skip
    return rows


def order_statistics(m, f, a):
    """Which ranks of m sorted non-member scores bound a false-positive rate of f.

    The FPR at the k-th largest score of m follows Beta(k, m - k + 1). k0 is the largest rank
    that keeps it at or below f with probability 1 - a/2 (null: m is too small); k1 the
    smallest rank that keeps it above f with that probability.
    """
    k = np.arange(1, m + 1)
    p = beta.cdf(f, k, m - k + 1)  # falls as k grows
    below, above = np.flatnonzero(p >= 1 - a / 2), np.flatnonzero(p <= a / 2)
    k0 = int(k[below[-1]]) if len(below) else None
    k1 = int(k[above[0]]) if len(above) else None
    at = lambda rank: float(p[rank - 1]) if rank and 1 <= rank <= m else None
    return {"m": m, "f": f, "a": a, "k0": k0, "p_at_k0": at(k0), "p_at_k0_plus_1": at((k0 or 0) + 1),
            "k1": k1, "p_at_k1": at(k1), "p_at_k1_minus_1": at((k1 or 0) - 1)}  # fmt: skip


def beta_values():
    points = [(1, 1, 0.3), (0.5, 0.5, 0.2), (1, 368, 0.01), (1, 367, 0.01), (3, 366, 0.01), (50, 951, 0.05),
              (900, 9101, 0.1), (5, 9996, 0.001), (9_999, 2, 0.9995)]  # fmt: skip
    return [{"a": a, "b": b, "x": x, "cdf": float(beta.cdf(x, a, b)),
             "ppf_0.025": float(beta.ppf(0.025, a, b)), "ppf_0.975": float(beta.ppf(0.975, a, b))}
            for a, b, x in points]  # fmt: skip


def wilson(k, n):
    ci = binomtest(int(k), int(n)).proportion_ci(LEVEL, "wilson")
    return float(ci.low), float(ci.high)


def newcombe_unpaired(k1, n1, k2, n2):
    """Hybrid score interval of p1 - p2 (Newcombe 1998b, method 10), checked with statsmodels."""
    (l1, u1), (l2, u2), p1, p2 = wilson(k1, n1), wilson(k2, n2), k1 / n1, k2 / n2
    d = p1 - p2
    own = [d - math.hypot(p1 - l1, u2 - p2), d + math.hypot(u1 - p1, p2 - l2)]
    other = confint_proportions_2indep(k1, n1, k2, n2, method="newcomb", compare="diff", alpha=1 - LEVEL)
    assert np.allclose(own, other, atol=1e-9), (own, other)
    return own


def newcombe_paired(a, b, c, d, corrected):
    """Square-and-add interval of p1 - p2, p1 = (a+b)/n, p2 = (a+c)/n (Newcombe 1998c).

    `corrected`: the correlation with Newcombe's continuity correction (his method 10),
    otherwise the plain one.
    """
    n = a + b + c + d
    (l1, u1), (l2, u2), p1, p2 = wilson(a + b, n), wilson(a + c, n), (a + b) / n, (a + c) / n
    phi, diff = correlation(a, b, c, d, corrected), p1 - p2
    low = (p1 - l1) ** 2 - 2 * phi * (p1 - l1) * (u2 - p2) + (u2 - p2) ** 2
    high = (p2 - l2) ** 2 - 2 * phi * (p2 - l2) * (u1 - p1) + (u1 - p1) ** 2
    return [diff - math.sqrt(max(low, 0)), diff + math.sqrt(max(high, 0))]


def correlation(a, b, c, d, corrected):
    n, product = a + b + c + d, (a + b) * (c + d) * (a + c) * (b + d)
    if product == 0:
        return 0.0
    numerator = a * d - b * c
    if corrected and numerator > 0:
        numerator = max(numerator - n / 2, 0)
    return numerator / math.sqrt(product)


def paired_tables():
    """[a, b, c, d]: both right, only the first, only the second, neither."""
    rows = []
    for a, b, c, d in [(1, 1, 7, 12), (36, 12, 2, 4), (10, 0, 0, 5), (0, 6, 1, 0), (900, 40, 12, 48),
                       (5, 3, 3, 9), (0, 0, 0, 20), (100, 1, 0, 0)]:  # fmt: skip
        exact = float(binomtest(b, b + c, 0.5).pvalue) if b + c else 1.0
        if b + c:
            assert math.isclose(exact, mcnemar([[a, b], [c, d]], exact=True).pvalue, rel_tol=1e-12)
        rows.append({"table": [a, b, c, d], "difference": (b - c) / (a + b + c + d), "mcnemar_exact_p": exact,
                     "newcombe_95": newcombe_paired(a, b, c, d, True),
                     "newcombe_95_plain_correlation": newcombe_paired(a, b, c, d, False)})  # fmt: skip
    return rows


def unpaired_tables():
    pairs = [(56, 70, 48, 80), (9, 10, 3, 10), (0, 10, 0, 20), (10, 10, 0, 10), (178, 1000, 10, 1000),
             (5, 5000, 1, 4000)]  # fmt: skip
    return [{"k1": a, "n1": b, "k2": c, "n2": d, "difference": a / b - c / d,
             "newcombe_95": newcombe_unpaired(a, b, c, d)} for a, b, c, d in pairs]  # fmt: skip


def auc_intervals(full):
    keys = ("auc", "delong_variance", "auc_logit_interval_95")
    return {name: {k: row[k] for k in keys} for name, row in full.items()}


def intervals(full):
    cases = json.loads((HERE / "membership.json").read_text())["cases"]
    sizes, rates = (100, 367, 368, 1000, 3688, 10_000), (0.1, 0.01, 0.001)
    write_json("intervals.json", {
        "about": "SciPy binomtest (Clopper-Pearson, Wilson without continuity correction), scipy.stats.beta, "
                 "Newcombe's intervals at 95 %, McNemar's exact two-sided p, DeLong on the logit scale. "
                 "order_statistics: see the function of that name in make_golden.py.",
        "proportion": one_proportion(),
        "order_statistics": [order_statistics(m, f, 0.05) for m in sizes for f in rates],
        "beta": beta_values(),
        "newcombe_unpaired": unpaired_tables(),
        "paired": paired_tables(),
        "auc_cases": auc_intervals(cases),
        "auc_all_rows": auc_intervals(full),
    })  # fmt: skip


# ------------------------------------------------------------------- k-anonymity


def class_sizes(frame, columns):
    return frame.groupby(columns, dropna=False, observed=True, sort=False).size().to_numpy()


def anonymity_of(frame, columns):
    sizes = class_sizes(frame, columns)
    n = int(sizes.sum())
    assert n == len(frame)
    histogram = np.unique(sizes, return_counts=True)
    return {
        "columns": columns, "records": n, "classes": len(sizes), "k": int(sizes.min()),
        "largest_class": int(sizes.max()), "uniques": int((sizes == 1).sum()),
        "records_in_classes_below": {str(k): int(sizes[sizes < k].sum()) for k in (2, 3, 5, 11)},
        # Each record of a class of f has 1/f, so a class adds 1: the mean is classes / records.
        "mean_risk_over_records": len(sizes) / n,
        "histogram_size_count": [[int(s), int(c)] for s, c in zip(*histogram)],
    }  # fmt: skip


def kanonymity():
    frame = pd.read_parquet(DATA / "adult/adult.parquet")
    peer = json.loads((HERE / "pycanon.json").read_text())
    found = {}
    for name, columns in json.loads((HERE / "qi_sets.json").read_text()).items():
        row = anonymity_of(frame, columns)
        row["pycanon"] = peer[name]
        assert peer[name]["k"] == row["k"] and peer[name]["classes"] == row["classes"], name
        found[name] = row
    about = (
        "Adult, 32,561 rows, `?` as a value of its own. pandas group-by; pycanon 1.3.6. pycanon's average_rir is the "
        "mean of 1/f over CLASSES, not over records: larger than mean_risk_over_records, do not compare the two."
    )
    write_json("kanonymity.json", {"about": about, "sets": found})


def main():
    full = membership()
    intervals(full)
    kanonymity()


if __name__ == "__main__":
    main()
