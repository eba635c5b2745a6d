"""The smallest changes that turn a model's answer, found by privet and by the Adversarial Robustness Toolbox.

    cargo build --release
    python benches/robustness.py --work FOLDER [--privet target/release/privet]

Needs scikit-learn, skl2onnx and adversarial-robustness-toolbox. A logistic regression on breast cancer (it comes with
scikit-learn), standardised columns, measurement error 1 for every column, so that the largest change is the L-infinity
distance. For a linear model that is |margin| / ||w||_1, and nothing can be nearer. Exits with 1 when a median is below the
closed form, or privet's search by scores is more than 1 % above it.
"""

import json
import subprocess
import sys
import time

import common  # first: sets the number of threads

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from skl2onnx import to_onnx

RECORDS = 40


def setting(finding, name):
    return next(value for key, value in finding["settings"] if key == name)


def median_of(finding):
    table = finding["evidence"][0]
    return float(next(row[2] for row in table["rows"] if row[0].startswith("median smallest")))


def ours(options, search, names, queries):
    plan = options.work / f"{search}.toml"
    errors = ", ".join(f"{name} = 1.0" for name in names)
    bounds = ", ".join(f"{name} = [-100.0, 100.0]" for name in names)
    plan.write_text(
        f"""[assessment]
output = "{search}"
[model]
path = "model.onnx"
[data]
members = "members.csv"
nonmembers = "others.csv"
target = "y"
[robustness]
measurement_error = {{ {errors} }}
bounds = {{ {bounds} }}
[checks."robustness/adversarial"]
search = "{search}"
decisions = 1250
queries = {queries}
budget = 0.5
"""
    )
    subprocess.run([options.privet, "assess", plan, "-q", "--exit-zero"], check=True, capture_output=True)
    report = json.loads((options.work / search / "report.json").read_text())
    finding = next(f for f in report["findings"] if f["measure"] == "robustness/adversarial-flip-rate")
    times = dict(report["envelope"]["seconds"])["robustness/adversarial"]
    return median_of(finding), int(setting(finding, "queries").replace(",", "")), times


def theirs(model, x):
    from art.attacks.evasion import HopSkipJump
    from art.estimators.classification import BlackBoxClassifier

    asked = 0

    def answer(rows):
        nonlocal asked
        asked += len(rows)
        return np.eye(2)[model.predict(rows)]

    target = BlackBoxClassifier(answer, x.shape[1:], 2, clip_values=(-100.0, 100.0))
    attack = HopSkipJump(target, norm=np.inf, max_iter=10, max_eval=300, init_eval=50, init_size=50, verbose=False)
    start = time.perf_counter()
    changed = attack.generate(x)
    seconds = time.perf_counter() - start
    flipped = model.predict(changed) != model.predict(x)
    return np.median(np.where(flipped, np.abs(changed - x).max(axis=1), np.inf)), asked, seconds


def main():
    options = common.checked(common.arguments(__doc__, data=False))
    x, y = load_breast_cancer(return_X_y=True)
    x = StandardScaler().fit_transform(x)[:, :10].astype(np.float32)
    inside, outside, yi, yo = train_test_split(x, y, test_size=0.5, random_state=0, stratify=y)
    model = LogisticRegression(max_iter=1000).fit(inside, yi)
    onnx = to_onnx(model, inside[:1], options={id(model): {"zipmap": False}}, target_opset={"": 15, "ai.onnx.ml": 3})
    (options.work / "model.onnx").write_bytes(onnx.SerializeToString())
    names = [f"c{at}" for at in range(x.shape[1])]
    for file, rows, labels in (("members", inside, yi), ("others", outside, yo)):
        pd.DataFrame(rows, columns=names).assign(y=labels).to_csv(options.work / f"{file}.csv", index=False)
    closed = np.abs(model.decision_function(outside)) / np.abs(model.coef_).sum()
    print(f"closed form, all {len(outside)} hold-out records: median {np.median(closed):.4f}")
    change, asked, seconds = theirs(model, outside[:RECORDS])
    exact = np.median(closed[:RECORDS])
    print(f"ART HopSkipJump, {RECORDS} records (closed form {exact:.4f}): {change:.4f}, {asked / RECORDS:.0f} questions a record, {seconds:.1f} s")
    failed = change < exact * 0.999
    if not options.reference_only:
        for search, queries in (("auto", 1_000_000), ("decisions", 1_500_000)):
            change, asked, times = ours(options, search, names, queries)
            print(f"privet, {search}: median {change:.1f} (rounded), {asked:,} questions in all, {times:.1f} s")  # fmt: skip
            low = np.median(closed)
            failed |= not low * 0.99 - 0.05 <= change <= low * 1.01 + 0.05
    sys.exit(int(failed))


main()
