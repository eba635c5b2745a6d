"""Write DeLong's numbers of two published packages: delong_published.json beside this file.

    pip install numpy MLstatkit==0.1.91 confidenceinterval==1.0.5
    python tests/golden/delong_published.py

Standard errors of the area by `confidenceinterval` (method "delong"), and z of the difference of two areas on the same rows
by `MLstatkit.Delong_test`, on the scores of `scores/`; the second score of a pair is the first with noise. Nothing here calls
privet.
"""

import json
from pathlib import Path

import numpy as np
from confidenceinterval import roc_auc_score
from MLstatkit import Delong_test
from scipy.stats import norm

HERE = Path(__file__).resolve().parent
NAMES = ("readmission_overfit", "readmission_regularised", "heart_overfit", "images", "tied_integers")


def side(name, which):
    return np.load(HERE / "scores" / f"{name}_{which}.npy").astype(float)


areas, pairs = [], []
for name in NAMES:
    members, others = side(name, "members"), side(name, "nonmembers")
    truth = np.r_[np.ones(len(members), int), np.zeros(len(others), int)]
    scores = np.r_[members, others]
    area, (low, high) = roc_auc_score(truth, scores, confidence_level=0.95, method="delong")
    areas.append({"scores": name, "area": float(area), "error": float((high - low) / 2 / norm.ppf(0.975))})

rng = np.random.default_rng(20_261_122)
for rows in (40, 150):
    first = rng.normal(size=2 * rows) + np.repeat([1.0, 0.0], rows)
    second = np.round(first + rng.normal(size=2 * rows), 1)
    truth = np.repeat([1, 0], rows)
    z = Delong_test(truth, first, second)[0]
    split = lambda score: [score[:rows].tolist(), score[rows:].tolist()]
    pairs.append({"first": split(first), "second": split(second), "z": float(np.ravel(z)[0])})

(HERE / "delong_published.json").write_text(json.dumps({"areas": areas, "pairs": pairs}, indent=1) + "\n")
print(areas, [pair["z"] for pair in pairs])
