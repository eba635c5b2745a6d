"""Surrogates trained by the auditor against tree ensembles and a support vector machine: what they add to the loss.

    cargo build --release
    python benches/trees.py --data RAW --work SCRATCH [--privet target/release/privet] [--reference-only] [NAME ...]

Every target is an ONNX file. Cells are AUC / TPR at 1 % / TPR at 0.1 % FPR, by scikit-learn surrogates here and by privet's own.
`recorded` is research M9 on models of the same kind but other rows (5,000 + 5,000 from another cut of the same readmission data,
20,000 + 20,000 for the regularised LightGBM, 50 trees instead of 20): sizes of effects, not values to hit.

Targets: readmission `overfit` (forest) and `regularised` (LightGBM) as they stand in datasets/, and an over-fitted LightGBM (400 trees,
63 leaves, 1 row per leaf) trained on the same members with datasets/build.py; Adult without `fnlwgt`, 10,000 + 10,000 rows
(`default_rng(0)`), forest of 100 trees and LightGBM (300 trees, 63 leaves, 5 rows); heart: Cleveland's 297 complete rows,
148 + 148 (`default_rng(1)`), `SVC(C=100, gamma=0.5)` on scaled inputs with Platt's probabilities.

Surrogate recipe: B = 8 random halves of all rows (`default_rng(b + 1000)`), blind to membership; `LogisticRegression(C=1)` or a
forest of 100 trees on the table with text one-hot and numbers scaled; phi = log odds of the true class, p kept in [1e-6, 1 - 1e-6],
for target and surrogates alike; mean, square of the mean, sd over the surrogates that did not learn the row, and the class one-hot
are the features of a ridge regression (strength 1) of the target's phi, learned on half of the non-members and applied to the
other half of all rows, both ways; the score is the residual. Rows are the unit here; privet keeps patients together.
"""

import importlib.util
import io
import warnings

import common
import exports

import numpy as np
import pandas as pd
from lightgbm import LGBMClassifier
from location30_references import difficulty, ridge_residual
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.svm import SVC

READMISSION = common.REPOSITORY / "datasets" / "readmission"
HALVES = 8
# Loss, logistic surrogates, forest surrogates (research 2.5, second table).
RECORDED = {
    "readmission forest": ((0.950, 0.279, 0.044), (0.980, 0.595, 0.151), (0.986, 0.766, 0.329)),
    "readmission LightGBM over-fitted": ((0.942, 0.014, 0.000), (0.957, 0.259, 0.052), (0.959, 0.398, 0.130)),
    "readmission LightGBM regularised": ((0.505, 0.010, 0.001), (0.510, 0.010, 0.001), (0.509, 0.011, 0.001)),
    "Adult forest": ((0.614, 0.000, 0.000), (0.637, 0.029, 0.006), (0.695, 0.045, 0.004)),
    "Adult boosted": ((0.546, 0.000, 0.000), (0.590, 0.018, 0.001), (0.589, 0.014, 0.003)),
    "heart SVC": ((0.989, 0.473, 0.460), (0.993, 0.743, 0.507), (0.994, 0.912, 0.845)),
}
ATTACKS = ("loss", "logistic surrogates", "forest surrogates")
# The name of each attack in privet's findings.
PRIVET = ("loss", "surrogate-logistic", "surrogate-forest")


class Target:
    """A model file, its member and non-member rows in one table, and what a plan says about them."""

    def __init__(self, path, tables, target, features, plan_lines=""):
        self.path, self.target, self.features, self.plan_lines = path, target, features, plan_lines
        self.tables = tables
        both = pd.concat(tables, ignore_index=True)
        self.x, self.labels = both[features], both[target].to_numpy()
        self.classes, self.y = np.unique(self.labels, return_inverse=True)
        self.member = np.arange(len(both)) < len(tables[0])

    def phi(self):
        return exports.log_odds(exports.true_class(self.path, self.x, list(self.classes), self.labels))


# --------------------------------------------------------------------- targets


def build_module():
    """datasets/build.py, for its readmission pipeline and export."""
    spec = importlib.util.spec_from_file_location("build", common.REPOSITORY / "datasets" / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def readmission(name, folder, _data):
    tables = [pd.read_parquet(READMISSION / f"{part}.parquet") for part in ("members", "nonmembers")]
    build = build_module()
    features = [c for c in tables[0].columns if c not in build.READMISSION_NOT_INPUT and tables[0][c].nunique() > 1]
    path = READMISSION / ("overfit.onnx" if name == "readmission forest" else "regularised.onnx")
    if name == "readmission LightGBM over-fitted":
        path = folder / "readmission-lightgbm.onnx"
        if not path.exists():
            model = LGBMClassifier(n_estimators=400, num_leaves=63, min_child_samples=1, random_state=build.SEED,
                                   n_jobs=1, deterministic=True, verbose=-1)  # fmt: skip
            build.readmission_export(build.readmission_pipeline(tables[0], features, model), features, path, False)
    lines = 'patient = "patient_nbr"\n\n[columns]\nidentifiers = ["encounter_id"]'
    return Target(path, tables, "readmitted", features, lines)


def adult(name, folder, data):
    frame = exports.adult(data).drop(columns="fnlwgt")
    order = np.random.default_rng(0).permutation(len(frame))
    tables = [frame.iloc[order[:10_000]], frame.iloc[order[10_000:20_000]]]
    x = tables[0].drop(columns="income")
    path = folder / f"{name.replace(' ', '-').lower()}.onnx"
    if not path.exists():
        model = RandomForestClassifier(100, random_state=0, n_jobs=1)
        if name == "Adult boosted":
            model = LGBMClassifier(n_estimators=300, num_leaves=63, min_child_samples=5, random_state=0, n_jobs=1,
                                   deterministic=True, verbose=-1)  # fmt: skip
        text = [c for c in x.columns if exports.is_text(x[c])]
        encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
        numbers = [c for c in x.columns if c not in text]
        columns = ColumnTransformer([("text", encoder, text), ("number", "passthrough", numbers)])
        exports.export(Pipeline([("columns", columns), ("model", model)]).fit(x, tables[0]["income"]), x, path)
    return Target(path, tables, "income", list(x.columns))


def heart(_name, folder, data):
    text = io.BytesIO(common.raw_bytes(data, "heart_uci/processed.cleveland.data"))
    frame = pd.read_csv(text, sep=";", na_values="?").dropna()
    features = list(frame.columns[:-1])
    frame = frame[features].assign(disease=(frame[frame.columns[-1]] > 0).astype(np.int64))
    order = np.random.default_rng(1).permutation(len(frame))
    tables = [frame.iloc[order[:148]], frame.iloc[order[148:296]]]
    path = folder / "heart-svc.onnx"
    if not path.exists():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = make_pipeline(StandardScaler(), SVC(C=100, gamma=0.5, probability=True, random_state=0))
            model.fit(tables[0][features].to_numpy(np.float32), tables[0]["disease"])
            types = [("input", FloatTensorType([None, len(features)]))]
            options = {id(model.steps[-1][1]): {"zipmap": False}}
            onnx = to_onnx(model, initial_types=types, options=options, target_opset={"": 15, "ai.onnx.ml": 3})
        path.write_bytes(onnx.SerializeToString())
    return Target(path, tables, "disease", features)


TARGETS = {name: {"r": readmission, "A": adult, "h": heart}[name[0]] for name in RECORDED}


# ------------------------------------------------------------------ surrogates


def design(x, dense):
    """Text one-hot and numbers scaled, without a look at membership."""
    text = [c for c in x.columns if exports.is_text(x[c])]
    numbers = [c for c in x.columns if c not in text]
    encoder = OneHotEncoder(sparse_output=not dense, dtype=np.float32)
    columns = [("text", encoder, text)] if text else []
    columns.append(("number", StandardScaler(), numbers))
    return ColumnTransformer(columns, sparse_threshold=0 if dense else 1).fit_transform(x)


def surrogate_scores(x, y, kind):
    """phi of each surrogate on each row, and who learned what."""
    table = design(x, dense=kind == "forest")
    phi, learned = np.empty((len(y), HALVES)), np.zeros((len(y), HALVES), dtype=bool)
    for b in range(HALVES):
        learned[np.random.default_rng(b + 1000).permutation(len(y))[: len(y) // 2], b] = True
        model = RandomForestClassifier(100, random_state=b, n_jobs=1) if kind == "forest" else LogisticRegression(max_iter=1000)
        p = model.fit(table[learned[:, b]], y[learned[:, b]]).predict_proba(table)
        phi[:, b] = exports.log_odds(p[np.arange(len(y)), y])
    return {"phi": phi, "learned": learned}


def reference(name, target, work):
    phi = target.phi()
    found = [phi]
    for kind in ("logistic", "forest"):
        # The surrogates depend on the rows, not on the model under audit, so models of the same rows share them.
        path = work / f"surrogates-{name.split()[0].lower()}-{kind}.npz"
        stored = common.cached(path, lambda: surrogate_scores(target.x, target.y, kind))
        mean, spread = difficulty(stored["phi"], stored["learned"])
        features = np.column_stack([mean, mean**2, spread, np.eye(len(target.classes))[target.y]])
        found.append(ridge_residual(phi, features, target.member))
    return [common.metrics(score, target.member) for score in found]


# ---------------------------------------------------------------------- privet


def plan(name, target, folder):
    stem = name.replace(" ", "-").lower()
    for part, table in zip(("members", "nonmembers"), target.tables):
        table.to_csv(folder / f"{stem}-{part}.csv", index=False)
    text = f"""
[assessment]
name   = "{stem}"
output = "{stem}-report"
seed   = 1

[model]
path = "{target.path}"

[data]
members    = "{stem}-members.csv"
nonmembers = "{stem}-nonmembers.csv"
target     = "{target.target}"
{target.plan_lines}
"""
    return common.write_plan(folder / f"{stem}.toml", text)


def three(values):
    return common.pair((values[0], values[2], values[3])) if len(values) == 4 else common.pair(values)


def main():
    parser = common.arguments(__doc__)
    parser.add_argument("names", nargs="*", help=f"any of {', '.join(RECORDED)}; default: all")
    arguments = common.checked(parser)
    folder = arguments.work / "trees"
    folder.mkdir(exist_ok=True)
    rows = []
    for name in arguments.names or RECORDED:
        target = TARGETS[name](name, folder, arguments.data)
        ours, report = reference(name, target, folder), None
        if not arguments.reference_only:
            report, seconds, _ = common.run_privet(arguments.privet, plan(name, target, folder))
        for attack, recorded, found, theirs in zip(ATTACKS, RECORDED[name], ours, PRIVET):
            row = [f"{name}, {attack}", three(recorded), three(found)]
            if report:
                row += [three(common.attack_metrics(report, theirs)), f"{seconds:.1f} s" if attack == "loss" else ""]
            rows.append(row)
    more = [] if arguments.reference_only else ["privet", "whole run"]
    common.print_table(["target, attack", "recorded", "scikit-learn", *more], rows)


if __name__ == "__main__":
    main()
