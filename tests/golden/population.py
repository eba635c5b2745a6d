"""Write the numbers of the population models that SciPy gives: population.json beside this file.

    pip install numpy scipy
    python tests/golden/population.py

Pitman's law by direct maximisation of the sum form of the log-likelihood, its expected uniques by the Gamma function;
Zayatz's estimator by `scipy.stats.hypergeom`; the slided negative binomial by `scipy.optimize.root` on expectations that are
summed over `scipy.stats.nbinom` and `binom`; individual risks by `scipy.integrate.quad` of
p u^(f-1) / (p + (1 - p) u) over (0, 1). Nothing here calls privet.
"""

import json
from pathlib import Path

import numpy as np
from scipy.integrate import quad
from scipy.optimize import minimize, root
from scipy.special import gammaln
from scipy.stats import binom, hypergeom, nbinom

HERE = Path(__file__).resolve().parent
SAMPLES = [
    ([[1, 60], [2, 12], [3, 5], [7, 1]], 1_000),
    ([[1, 400], [2, 90], [3, 40], [4, 21], [5, 12], [6, 8], [9, 5], [14, 2], [31, 1]], 9_000),
    ([[1, 2_500], [2, 420], [3, 130], [4, 70], [5, 31], [8, 12], [13, 4]], 100_000),
]


def pitman(sizes):
    n, classes = sum(s * c for s, c in sizes), sum(c for _, c in sizes)
    i, j = np.arange(1, classes), np.arange(1, n)

    def loss(x):
        alpha = 1 / (1 + np.exp(-x[1]))
        theta = np.exp(x[0]) - alpha
        inside = sum(c * np.log(np.arange(1, s) - alpha).sum() for s, c in sizes)
        return -(np.log(theta + i * alpha).sum() - np.log(theta + j).sum() + inside)

    best = minimize(loss, [np.log(classes), 0.0], method="Nelder-Mead", options={"xatol": 1e-11, "fatol": 1e-13, "maxiter": 9999})
    alpha = 1 / (1 + np.exp(-best.x[1]))
    return float(np.exp(best.x[0]) - alpha), float(alpha)


def expected_uniques(theta, alpha, population):
    return float(
        np.exp(
            np.log(population)
            + gammaln(theta + 1)
            + gammaln(theta + alpha + population - 1)
            - gammaln(theta + alpha)
            - gammaln(theta + population)
        )
    )


def zayatz(sizes, population):
    n, classes = sum(s * c for s, c in sizes), sum(c for _, c in sizes)
    alone = dict(sizes)[1]
    chance = sum(c / classes * hypergeom.pmf(1, population, s, n) for s, c in sizes)
    return float(alone * (alone / classes * n / population / chance) / (n / population))


def negative_binomial(sizes, population):
    n, classes = sum(s * c for s, c in sizes), sum(c for _, c in sizes)
    f = n / population
    s, c = np.array(sizes, float).T
    first = (s * f**2 * (1 - f**2) ** (s - 1) * c).sum()
    second = ((1 - f) ** s * ((1 + f) ** s - 1) * c).sum()
    third = ((1 - f) ** s * c).sum() / (s * f * (1 - f) ** (s - 1) * c).sum()
    total = classes + c[0] * first / second * third**2
    y = np.arange(0, 60_000)

    def missed(x):
        alpha, beta = np.exp(x[0]), 1 / (1 + np.exp(-x[1]))
        mass = nbinom.pmf(y, alpha, beta)
        return [np.log(total * (mass * binom.pmf(k, y + 1, f)).sum() / dict(sizes)[k]) for k in (1, 2)]

    for start in [(a, b) for b in (-1.0, 0.0, -2.0, -3.0, 1.0) for a in (-1.0, 0.0, -2.0)]:
        found = root(missed, start, tol=1e-13)
        if found.success and max(map(abs, missed(found.x))) < 1e-9:
            alpha, beta = np.exp(found.x[0]), 1 / (1 + np.exp(-found.x[1]))
            return float(total), float(total * beta**alpha)
    raise SystemExit("no start converges")


models = []
for sizes, population in SAMPLES:
    theta, alpha = pitman(sizes)
    classes, uniques = negative_binomial(sizes, population)
    models.append(
        {
            "sizes": sizes,
            "population": population,
            "theta": theta,
            "alpha": alpha,
            "pitman": expected_uniques(theta, alpha, population),
            "zayatz": zayatz(sizes, population),
            "shlosser": classes,
            "negative_binomial": uniques,
        }
    )
risks = []
for f in (1, 2, 3, 4, 7, 20, 63, 64, 300):
    for p in (0.001, 0.02, 0.3, 0.49, 0.51, 0.9):
        integral = quad(lambda u: p * u ** (f - 1) / (p + (1 - p) * u), 0, 1, epsabs=0, epsrel=1e-13, limit=500)[0]
        risks.append([f, f / p, float(integral)])
(HERE / "population.json").write_text(json.dumps({"models": models, "risks": risks}, indent=1) + "\n")
