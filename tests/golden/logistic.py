"""Write logistic.json: the probabilities of scikit-learn's logistic regression on small random tables.

    python tests/golden/logistic.py        # in the environment of datasets/requirements.txt

Nothing here calls privet: these are the numbers that `learn::logistic` has to reproduce. The tables hold what an
encoding can go wrong on: rare levels, missing texts, missing numbers, columns of 0 and 1, a column of one value.
"""

import json
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

HERE = Path(__file__).resolve().parent
ROWS, TRAIN = 120, 80


def indicators(codes):
    """One column per level of two rows or more, one for all rarer levels, one for missing (-1)."""
    values, counts = np.unique(codes, return_counts=True)
    columns = [codes == value for value, count in zip(values, counts) if count > 1]
    rare = np.isin(codes, values[counts == 1])
    return columns + ([rare] if rare.any() else [])


def design(texts, numbers):
    columns = [column for codes in texts for column in indicators(codes)]
    for values in numbers:
        missing = np.isnan(values)
        known = values[~missing]
        if set(known) <= {0.0, 1.0}:
            columns.append(values == 1)
        elif known.std() > 0:
            columns.append(np.where(missing, 0, (values - known.mean()) / known.std()))
        if missing.any():
            columns.append(missing)
    return np.column_stack(columns).astype(float)


def case(classes, weight, seed):
    rng = np.random.default_rng(seed)
    texts = [rng.integers(0, 4, ROWS), rng.zipf(1.7, ROWS).clip(0, 40), rng.integers(-1, 3, ROWS)]
    numbers = [rng.normal(50, 20, ROWS).round(3), rng.integers(0, 2, ROWS).astype(float), np.full(ROWS, 3.0)]
    gaps = rng.exponential(2, ROWS).round(3)
    gaps[rng.random(ROWS) < 0.15] = np.nan
    numbers.append(gaps)
    signal = texts[0] - 1.5 + (numbers[0] - 50) / 20 + numbers[1] + rng.normal(0, 1, ROWS)
    labels = np.searchsorted(np.quantile(signal, np.arange(1, classes) / classes), signal)
    x = design(texts, numbers)
    model = LogisticRegression(C=weight, tol=1e-12, max_iter=100_000).fit(x[:TRAIN], labels[:TRAIN])
    return {
        "classes": classes,
        "weight": weight,
        "train": TRAIN,
        "texts": [codes.tolist() for codes in texts],
        "numbers": [[None if np.isnan(v) else float(v) for v in values] for values in numbers],
        "labels": labels.tolist(),
        "probabilities": [[float(p) for p in row] for row in model.predict_proba(x)],
    }


cases = [case(2, 1.0, 1), case(2, 10.0, 2), case(3, 1.0, 3), case(7, 1.0, 4)]
(HERE / "logistic.json").write_text("[\n" + ",\n".join(json.dumps(one, allow_nan=False) for one in cases) + "\n]\n")
