"""Write the numbers of the Gaussian copula that SciPy gives: copula.json beside this file.

    pip install numpy scipy
    python tests/golden/copula.py

Polychoric correlations by `scipy.optimize.minimize_scalar` on the likelihood of a table of counts whose cells are differences of
`scipy.stats.multivariate_normal.cdf`; probabilities of keys of four columns by the same function over their rectangles.
Nothing here calls privet.
"""

import json
from pathlib import Path

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.stats import multivariate_normal, norm

TABLES = [
    [[30, 12, 5, 1], [14, 25, 18, 6], [3, 11, 22, 40]],
    [[2, 9, 31], [8, 40, 17], [26, 12, 3], [5, 1, 0]],
    [[100, 3], [7, 20]],
]
CORRELATIONS = [[1, 0.5, -0.3, 0.1], [0.5, 1, 0.2, 0.4], [-0.3, 0.2, 1, -0.6], [0.1, 0.4, -0.6, 1]]
COUNTS = [[5, 20, 40, 30, 5], [70, 25, 5], [1, 1, 2, 6, 90], [50, 50]]
KEYS = [[0, 0, 0, 0], [2, 1, 3, 1], [4, 2, 4, 0], [1, 0, 1, 1], [3, None, 2, 0]]


def ends(counts):
    return np.r_[-np.inf, norm.ppf(np.cumsum(counts)[:-1] / np.sum(counts)), np.inf]


def rectangle(low, high, correlations, **settings):
    low, high = np.clip(low, -9, 9), np.clip(high, -9, 9)
    return float(multivariate_normal.cdf(high, np.zeros(len(high)), correlations, lower_limit=low, **settings))


def polychoric(table):
    table = np.array(table, float)
    h, k = ends(table.sum(1)), ends(table.sum(0))

    def loss(rho):
        cells = [(i, j) for i, j in np.ndindex(table.shape) if table[i, j] > 0]
        shares = [rectangle([h[i], k[j]], [h[i + 1], k[j + 1]], [[1, rho], [rho, 1]]) for i, j in cells]
        return -sum(table[cell] * np.log(share) for cell, share in zip(cells, shares))

    return float(minimize_scalar(loss, bounds=(-0.98, 0.98), method="bounded", options={"xatol": 1e-9}).x)


def share(key):
    kept = [column for column, code in enumerate(key) if code is not None]
    sides = [[ends(COUNTS[column])[key[column] + side] for column in kept] for side in (0, 1)]
    chosen = np.array(CORRELATIONS)[np.ix_(kept, kept)]
    return rectangle(*sides, chosen, abseps=1e-9, releps=1e-7, maxpts=20_000_000)


found = {
    "tables": [{"counts": table, "correlation": polychoric(table)} for table in TABLES],
    "correlations": CORRELATIONS,
    "margins": COUNTS,
    "keys": [[key, share(key)] for key in KEYS],
}
(Path(__file__).resolve().parent / "copula.json").write_text(json.dumps(found, indent=1) + "\n")
