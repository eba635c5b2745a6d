"""What privet recovers of training records from linear models, stored means, updates and answers, beside recorded figures.

usage: python benches/inversion.py --work DIR [--privet FILE]

Trains models of scikit-learn on data sets that come with it, exports them, and runs privet. Beside each number stands the same
computed in numpy from the exported file, and the figure recorded when the methods were chosen. The exit code is 1 when privet
and numpy disagree, or a figure is missed.

H11  ridge regression, the last unknown record
H12  a scaler over 50,000 patients and over 50,001
H13  a copy of a logistic model from d + 1 questions
"""

import sys
import warnings

import common  # first: sets the number of threads

import numpy as np
import pandas as pd
import onnx
from skl2onnx import to_onnx
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

warnings.filterwarnings("ignore")

LAST = "inversion/informed-reconstruction"
UPDATE = "inversion/version-difference"
COPY = "inversion/extraction-agreement"


def halves(x, y, seed=0, share=0.6):
    order = np.random.default_rng(seed).permutation(len(x))
    cut = int(len(x) * share)
    return (x[order[:cut]], y[order[:cut]]), (x[order[cut:]], y[order[cut:]])


def export(model, x, file):
    options = {id(model.steps[-1][1] if hasattr(model, "steps") else model): {"zipmap": False}}
    kind = model.steps[-1][1] if hasattr(model, "steps") else model
    proto = to_onnx(model, x[:1].astype(np.float32), options=options if hasattr(kind, "classes_") else None)
    file.write_bytes(proto.SerializeToString())
    return proto


def attribute(proto, name):
    found = [a for node in proto.graph.node for a in node.attribute if a.name == name]
    return np.array(found[0].floats, dtype=float)


# ----------------------------------------------------------------------- numpy


def near(guess, truth, spread):
    """Records recovered within 0.05 standard deviations in nine of ten columns."""
    return (np.abs(guess - truth) <= 0.05 * spread).mean(axis=1) >= 0.9


def last_of_optimum(z, residual, weights, strength):
    guess = np.empty_like(z)
    for t in range(len(z)):
        others = np.arange(len(z)) != t
        of_t = -residual[others].sum()
        guess[t] = -(strength * weights + residual[others] @ z[others]) / of_t
    return guess


def by_ridge(proto, x, y):
    w, b = attribute(proto, "coefficients"), attribute(proto, "intercepts")[0]
    return near(last_of_optimum(x, x @ w + b - y, w, 1.0), x, x.std(axis=0)).mean()


def by_logistic(proto, x, y):
    z = (x - attribute(proto, "offset")) * attribute(proto, "scale")
    w, b = attribute(proto, "coefficients")[x.shape[1]:], attribute(proto, "intercepts")[1]
    residual = 1 / (1 + np.exp(-(z @ w + b))) - y
    return near(last_of_optimum(z, residual, w, 1.0), z, z.std(axis=0)).mean()


def by_class_means(proto, x, y):
    theta = next(onnx.numpy_helper.to_array(t) for t in proto.graph.initializer if t.name == "theta")[0].astype(float)
    found = np.zeros(len(x), dtype=bool)
    for c in (0, 1):
        rows = np.flatnonzero(y == c)
        total = x[rows].sum(axis=0)
        guess = np.array([len(rows) * theta[c] - (total - x[t]) for t in rows])
        found[rows] = near(guess, x[rows], x.std(axis=0))
    return found.mean()


def by_mean(proto, x, y):
    m, total = attribute(proto, "offset"), x.sum(axis=0)
    return near(np.array([len(x) * m - (total - row) for row in x]), x, x.std(axis=0)).mean()


# ---------------------------------------------------------------------- privet


def run(found, name, model, members, others, extra=""):
    """privet's report on a model of two tables."""
    folder = found.work / name
    folder.mkdir(exist_ok=True)
    for file, (x, y) in (("members.csv", members), ("others.csv", others)):
        table = pd.DataFrame(x, columns=[f"c{at}" for at in range(x.shape[1])]).assign(y=y)
        table.to_csv(folder / file, index=False, float_format="%.9g")
    plan = folder / "plan.toml"
    plan.write_text(
        f'[model]\npath = "{model}"\n{extra}\n[data]\nmembers = "members.csv"\nnonmembers = "others.csv"\ntarget = "y"\n'
        + common.all_but(found.privet, "not part of this bench", LAST, UPDATE, "inversion/extraction")
    )
    return common.run_privet(found.privet, plan)[0]


def value(report, measure):
    for finding in report["findings"]:
        if finding["measure"] == measure:
            return finding["estimate"]["value"] if finding["estimate"] else None
    return None


def main():
    found = common.checked(common.arguments(__doc__, data=False))
    lines = []
    x, y = load_diabetes(return_X_y=True)
    diabetes = halves(x.astype(np.float32).astype(float), y)
    x, y = load_breast_cancer(return_X_y=True)
    cancer = halves(x.astype(np.float32).astype(float), y)
    cases = [
        ("H11 ridge, diabetes", "ridge", Ridge(1.0), diabetes, by_ridge, 1.0),
        ("logistic, tolerance 1e-8", "logistic", make_pipeline(StandardScaler(), LogisticRegression(tol=1e-8, max_iter=10000)),
         cancer, by_logistic, 0.84),
        ("Gaussian naive Bayes", "bayes", GaussianNB(), cancer, by_class_means, 1.0),
    ]  # fmt: skip
    for title, name, model, (members, others), numpy_says, recorded in cases:
        file = found.work / f"{name}.onnx"
        proto = export(model.fit(*members), members[0], file)
        reference = numpy_says(proto, *members)
        if name == "logistic":  # a scaler's mean is a second way, and the check takes the better one
            print(f"{title}: of the optimum alone, numpy {reference:.3f}, recorded {recorded}")
            reference, recorded = max(reference, by_mean(proto, *members)), 1.0
            title = "  with the scaler's mean"
        report = None if found.reference_only else run(found, name, file, members, others)
        lines.append((title, report and value(report, LAST), reference, recorded))
        if name == "logistic" and report:
            routes = next(f for f in report["findings"] if f["measure"] == LAST)["evidence"][0]
            print("   privet's ways:", *(" | ".join(row) for row in routes["rows"]), sep="\n     ")
            lines.append(("H13 copy of it, 31 questions", value(report, COPY), 1.0, 1.0))

    # H12: breast cancer with noise, 50,000 patients and one more.
    stream = np.random.default_rng(1)
    x, y = cancer[0]
    rows = stream.integers(0, len(x), 50_001)
    many = np.abs(x[rows] * (1 + 0.05 * stream.standard_normal((len(rows), x.shape[1])))).astype(np.float32)
    many = (many + np.float32(1e-3)).astype(float)
    files = []
    for name, count in (("before", 50_000), ("after", 50_001)):
        model = make_pipeline(StandardScaler(), LogisticRegression()).fit(many[:count], y[rows[:count]])
        file = found.work / f"{name}.onnx"
        files.append((file, export(model, many, file)))
    old, new = (attribute(proto, "offset") for _, proto in files)
    implied = 50_001 * new - 50_000 * old
    reference = (np.abs(implied - many[-1]) <= 0.01 * np.abs(many[-1])).mean()
    report = None
    if not found.reference_only:
        report = run(found, "update", files[1][0], (many, y[rows]), cancer[1], f'previous = "{files[0][0]}"')
    lines.append(("H12 update, n = 50,000", report and value(report, UPDATE), reference, 1.0))

    print(f"\n{'':34} {'privet':>8} {'numpy':>8} {'recorded':>9}")
    bad = 0
    for title, privet, reference, recorded in lines:
        wrong = not found.reference_only and (privet is None or abs(privet - reference) > 0.01 or privet < recorded - 0.02)
        bad += wrong
        shown = "-" if privet is None else f"{privet:.3f}"
        print(f"{title:34} {shown:>8} {reference:8.3f} {recorded:9.3f} {'WRONG' if wrong else ''}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
