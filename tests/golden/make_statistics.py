"""Write the golden numbers of the audit statistics: statistics.json beside this file.

    pip install -r datasets/requirements.txt dp-accounting==0.6.0
    pip install --no-deps jax-privacy==2.0.0 privacy-estimates==0.1.0.post1
    python tests/golden/make_statistics.py

Nothing here calls privet: these are the numbers that privet has to reproduce. Where a peer
publishes the number (jax-privacy, Microsoft's privacy-estimates, SciPy), the peer computes it;
the rest is written out from the definition, without the short cuts that privet takes.
"""

import importlib.util
import itertools
import json
import math
import re
import sys
import warnings
from pathlib import Path

import numpy as np
import privacy_estimates
from privacy_estimates.utils import AttackResults
from scipy import integrate, optimize, special, stats

HERE = Path(__file__).resolve().parent
RNG = np.random.default_rng(20_261_122)


def jax_auditing():
    """jax_privacy.auditing without its package, which would import jax."""
    folder = importlib.util.find_spec("jax_privacy").submodule_search_locations[0]
    spec = importlib.util.spec_from_file_location("auditing", f"{folder}/auditing.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["auditing"] = module
    spec.loader.exec_module(module)
    return module


JAX = jax_auditing()


def write_json(name, content):
    """Indented, innermost lists on one line. Floats in full, so they read back the same."""
    text = json.dumps(content, indent=1, allow_nan=False)
    inner = lambda m: "[" + " ".join(x.strip() for x in m[1].splitlines()).strip() + "]"
    (HERE / name).write_text(re.sub(r"\[\n([^\[\]{}]*)\]", inner, text) + "\n")


# ------------------------------------------------------------- differences of areas


def kernel(p, q):
    """1 where a positive beats a negative, 1/2 where they tie: no ranks, every pair."""
    return (p[:, None] > q[None, :]) + 0.5 * (p[:, None] == q[None, :])


def covariance(kernels, of_p=None, of_q=None):
    """Covariance matrix of the areas: DeLong's, or Obuchowski's with clusters."""
    areas = np.array([k.mean() for k in kernels])
    v10 = np.array([k.mean(axis=1) for k in kernels])
    v01 = np.array([k.mean(axis=0) for k in kernels])
    n, m = v10.shape[1], v01.shape[1]
    if of_p is None:
        return areas, np.atleast_2d(np.cov(v10)) / n + np.atleast_2d(np.cov(v01)) / m
    clusters = np.union1d(of_p, of_q)
    sum10 = np.array([[(v[of_p == c] - a).sum() for c in clusters] for v, a in zip(v10, areas)])
    sum01 = np.array([[(v[of_q == c] - a).sum() for c in clusters] for v, a in zip(v01, areas)])
    i10, i01, i = len(np.unique(of_p)), len(np.unique(of_q)), len(clusters)
    s10 = i10 / ((i10 - 1) * n) * sum10 @ sum10.T
    s01 = i01 / ((i01 - 1) * m) * sum01 @ sum01.T
    s11 = i / (i - 1) * sum10 @ sum01.T
    return areas, s10 / n + s01 / m + (s11 + s11.T) / (n * m)


def paired():
    cases = []
    for n, m, digits, clusters in [(40, 30, 9, 0), (25, 60, 1, 0), (7, 5, 0, 0), (60, 50, 9, 20), (45, 70, 1, 15)]:
        truth = np.r_[RNG.normal(0.8, 1, n), RNG.normal(0, 1, m)]
        first = np.round(truth + RNG.normal(0, 0.5, n + m), digits)
        second = np.round(truth + RNG.normal(0, 1.0, n + m), digits)
        kernels = [kernel(s[:n], s[n:]) for s in (first, second)]
        groups = RNG.integers(0, clusters, n + m) if clusters else None
        areas, sigma = covariance(kernels, *((groups[:n], groups[n:]) if clusters else ()))
        value = areas[0] - areas[1]
        half = stats.norm.ppf(0.975) * math.sqrt(sigma[0, 0] + sigma[1, 1] - 2 * sigma[0, 1])
        case = {"first": [first[:n].tolist(), first[n:].tolist()], "second": [second[:n].tolist(), second[n:].tolist()]}
        case["clusters"] = [groups[:n].tolist(), groups[n:].tolist()] if clusters else None
        cases.append(case | {"difference": value, "interval_95": [value - half, value + half]})
    return cases


# --------------------------------------------------------------------- epsilon


def high(k, n, tail):
    return 1.0 if k >= n else stats.beta.ppf(1 - tail, k + 1, n - k)


def epsilon_of(fpr, fnr, delta):
    ratios = [math.log((1 - a - delta) / b) for a, b in ((fnr, fpr), (fpr, fnr)) if 1 - a > delta]
    return max([0.0, *ratios])


def exact_joint(counts, delta, p):
    """Quantile of epsilon under Jeffreys posteriors, by adaptive integration over one rate."""
    fnr = stats.beta(counts.FN + 0.5, counts.TP + 0.5)
    fpr = stats.beta(counts.FP + 0.5, counts.TN + 0.5)

    def within(eps):
        low = lambda x: max(0.0, 1 - delta - x * math.exp(eps), (1 - delta - x) * math.exp(-eps))
        up = lambda x: min(1.0, 1 + (delta - x) * math.exp(-eps), delta + (1 - x) * math.exp(eps))
        share = lambda u: fpr.cdf(up(fnr.ppf(u))) - fpr.cdf(low(fnr.ppf(u)))
        return integrate.quad(share, 0, 1, limit=500, epsabs=1e-7)[0]

    if within(0) >= p:
        return 0.0
    return optimize.brentq(lambda eps: within(eps) - p, 0, 20, xtol=1e-6)


def epsilon_counts():
    rows = []
    for tp, tn, fp, fn, delta, alpha in [
        (487, 1, 512, 0, 1e-5, 0.1), (90, 80, 20, 10, 1e-5, 0.05), (500, 500, 0, 0, 0.0, 0.05),
        (30, 300, 3, 270, 1e-3, 0.05), (52, 49, 51, 48, 1e-5, 0.1), (5, 5, 1, 1, 0.0, 0.2), (200, 990, 10, 800, 1e-5, 0.05),
    ]:
        counts = AttackResults(TP=tp, TN=tn, FP=fp, FN=fn)
        bounds = high(fp, fp + tn, alpha / 2), high(fn, fn + tp, alpha / 2)
        peer = lambda method: privacy_estimates.compute_eps_lo_hi(count=counts, delta=delta, alpha=alpha, method=method)
        finite = lambda pair: [x if math.isfinite(x) else None for x in map(float, pair)]
        row = {"counts": [tp, fp, fn, tn], "delta": delta, "level": 1 - alpha}
        row["lower_bound"] = epsilon_of(*bounds, delta)
        row["rectangle"] = finite(peer("beta"))  # Microsoft's
        row["joint_beta"] = [exact_joint(counts, delta, p) for p in (alpha / 2, 1 - alpha / 2)]
        if fp + fn > 0:
            row["joint_beta_of_microsoft"] = finite(peer("joint-beta"))
        rows.append(row)
    return rows


def uncorrected():
    rows = []
    for n, m, shift, digits in [(60, 80, 0.0, 9), (100, 50, 1.5, 1), (40, 40, -2.0, 9)]:
        p, q = np.round(RNG.normal(shift, 1, n), digits), np.round(RNG.normal(0, 1, m), digits)
        best = 0.0
        for threshold in np.union1d(p, q):
            rates = high((q >= threshold).sum(), m, 0.025), high((p < threshold).sum(), n, 0.025)
            best = max(best, epsilon_of(*rates, 1e-5))
        rows.append({"positives": p.tolist(), "negatives": q.tolist(), "delta": 1e-5, "bound": best})
    return rows


def one_run():
    rows = []
    for m, r, v, delta in [
        (100, 100, 100, 0.0), (500, 500, 500, 1e-5), (1000, 200, 180, 1e-5), (1000, 1000, 640, 1e-5), (400, 100, 52, 1e-6),
        (5000, 5000, 5000, 1e-6), (60, 40, 33, 1e-2),
    ]:
        row = {"coins": m, "guessed": r, "right": v, "delta": delta}
        row["p_values"] = [[eps, float(JAX._one_run_p_value(m, r, v, eps, delta))] for eps in (0.0, 0.5, 2.0, 4.0)]
        row["lower_bound"] = float(JAX._epsilon_one_run(0, m, r, v, 0.05, delta))
        row["gaussian_lower_bound"] = float(JAX._epsilon_one_run_fdp(0, m, r, v, 0.05, delta)) if delta else None
        rows.append(row)
    return rows


def gaussian():
    def delta_of(eps, mu):
        second = eps + special.log_ndtr(-eps / mu - mu / 2)
        return math.exp(special.log_ndtr(-eps / mu + mu / 2)) - math.exp(second)

    deltas = [[eps, mu, delta_of(eps, mu)] for eps, mu in [(0, 1), (1, 1), (3, 0.5), (8, 2), (0.1, 0.01), (20, 5)]]
    rates = []
    for fpr, fnr, delta in [(0.1, 0.2, 1e-5), (0.01, 0.6, 1e-6), (0.05, 0.05, 1e-3), (0.49, 0.5, 1e-5)]:
        mu = stats.norm.ppf(1 - fpr) - stats.norm.ppf(fnr)
        gap = lambda eps: delta_of(eps, mu) - delta
        rates.append([fpr, fnr, delta, optimize.brentq(gap, 0, 100, xtol=1e-12) if gap(0) > 0 else 0.0])
    return {"delta": deltas, "epsilon": rates}


def jax_gdp_on_useless_scores():
    """What jax-privacy prints for scores without any signal: for the record, privet must not reproduce it."""
    draw = lambda: JAX.CanaryScoreAuditor(RNG.normal(size=200), RNG.normal(size=200))
    return [float(draw().epsilon_from_gdp(0.05, 1e-5)) for _ in range(10)]


# ------------------------------------------------------- ranks, densities, corrections


def predictive():
    rows = []
    for tp, n, fp, m, prior in [(50, 100, 2, 200, 0.1), (10, 100, 1, 1000, 0.01), (0, 20, 0, 20, 0.5), (30, 30, 0, 500, 0.01)]:
        level = stats.binomtest(tp, n).proportion_ci(0.975, "exact"), stats.binomtest(fp, m).proportion_ci(0.975, "exact")
        at = lambda t, f: t * prior / (t * prior + f * (1 - prior)) if t + f > 0 else prior
        found = [at(tp / n, fp / m), at(level[0].low, level[1].high), at(level[0].high, level[1].low)]
        rows.append({"counts": [tp, n, fp, m], "prior": prior, "value_low_high": [float(x) for x in found]})
    return rows


def multiple():
    p = [RNG.uniform(0, 1, 12) ** 3, np.array([0.04, 0.04, 0.01, 0.2, 0.2]), np.array([0.5])]
    scores, negatives = np.round(RNG.normal(1, 1, 20), 1), np.round(RNG.normal(0, 1, 30), 1)
    conformal = [(1 + (negatives >= s).sum()) / (len(negatives) + 1) for s in scores]
    return {
        "benjamini_hochberg": [[x.tolist(), stats.false_discovery_control(x).tolist()] for x in p],
        "conformal": {"scores": scores.tolist(), "negatives": negatives.tolist(), "p": [float(x) for x in conformal]},
    }


def ranks():
    rows = []
    for n, digits in [(30, 9), (50, 0), (8, 1)]:
        a = np.round(RNG.normal(0, 1, n), digits)
        b = np.round(a + RNG.normal(0, 1, n), digits)
        top = lambda x: set(np.flatnonzero(x >= np.sort(x)[::-1][math.ceil(0.2 * n) - 1]))
        jaccard = len(top(a) & top(b)) / len(top(a) | top(b))
        rows.append({"first": a.tolist(), "second": b.tolist(), "spearman": float(stats.spearmanr(a, b)[0]), "jaccard_20": jaccard})
    return rows


def densities():
    t = [
        [x, mean, scale, dof, float(stats.t.logpdf(x, dof, mean, scale))]
        for x in (-1e3, -3.0, 0.0, 0.4, 25.0) for mean, scale in ((0.0, 1.0), (0.5, 0.01)) for dof in (0.3, 1.0, 4.5, 30.0, 199.0)
    ]
    normal = [[x, mean, scale, float(stats.norm.logpdf(x, mean, scale))] for x in (-40.0, 0.0, 3.0) for mean, scale in ((0.0, 1.0), (2.0, 7.0))]
    ndtr = [[x, float(special.log_ndtr(x))] for x in (-1e4, -100, -37.5, -20, -10.1, -10, -9.9, -5, -1, 0, 0.5, 3, 5.5, 8, 20)]
    return {"student": t, "normal": normal, "log_ndtr": ndtr}


# ------------------------------------------------------------------ resampling


def max_t():
    """All 924 labellings of twelve rows: exact p-values, alone and of the maximum (single step for the largest)."""
    labels = np.array([1] * 6 + [0] * 6)
    scores = np.round(RNG.normal(0, 1, (3, 12)) + np.array([[1.2], [0.5], [0.0]]) * labels, 1)
    everything = []
    for chosen in itertools.combinations(range(12), 6):
        mask = np.isin(np.arange(12), chosen)
        everything.append([kernel(s[mask], s[~mask]).mean() for s in scores])
    table, truth = np.array(everything), np.array([kernel(s[:6], s[6:]).mean() for s in scores])
    z, z_true = (table - table.mean(0)) / table.std(0), (truth - table.mean(0)) / table.std(0)
    order, worst, adjusted = np.argsort(-z_true), 0.0, np.zeros(3)
    for place, column in enumerate(order):
        worst = max(worst, float((z[:, order[place:]].max(1) >= z_true[column] - 1e-9).mean()))
        adjusted[column] = worst
    raw = (table >= truth - 1e-12).mean(0)
    return {"scores": scores.tolist(), "auc": truth.tolist(), "p": raw.tolist(), "adjusted": adjusted.tolist()}


def bootstrap():
    p, q = np.round(RNG.normal(1, 1, 40), 2), np.round(RNG.normal(0, 1, 50), 2)
    def auc(x, y, axis=-1):
        return ((x[..., :, None] > y[..., None, :]) + 0.5 * (x[..., :, None] == y[..., None, :])).mean(axis=(-1, -2))

    found = {"positives": p.tolist(), "negatives": q.tolist(), "auc": float(auc(p, q))}
    for method in ("percentile", "BCa"):
        result = stats.bootstrap((p, q), auc, n_resamples=100_000, method=method, batch=2_000, random_state=1)
        found[method] = [float(x) for x in result.confidence_interval]
    return found


def main():
    warnings.filterwarnings("ignore")  # Microsoft's integrals warn about their own tolerance
    write_json("statistics.json", {
        "paired": paired(),
        "epsilon_counts": epsilon_counts(),
        "uncorrected": uncorrected(),
        "one_run": one_run(),
        "gaussian": gaussian(),
        "jax_gdp_on_useless_scores": jax_gdp_on_useless_scores(),
        "predictive": predictive(),
        "multiple": multiple(),
        "ranks": ranks(),
        "densities": densities(),
        "max_t": max_t(),
        "bootstrap": bootstrap(),
    })


if __name__ == "__main__":
    main()
