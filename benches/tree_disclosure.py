"""What the trees of an ONNX file give away, measured by privet and by numpy on the same models.

    cargo build --release
    python benches/tree_disclosure.py --work FOLDER --data FOLDER [--privet target/release/privet]

Needs scikit-learn, skl2onnx, onnxmltools, xgboost and lightgbm. DATA holds `survival/whas500.arff` (it comes with
scikit-survival) and `adult/adult.data`; breast cancer and diabetes come with scikit-learn. Nothing of the numpy side is
taken from privet: thresholds are read with the onnx package, leaves with the libraries' own `apply`. Exits with 1 when a
number of privet's is not numpy's, or a claim of the table does not hold.

Claims (with the tolerance in brackets): split constants of XGBoost's `hist` are members' cells (1.00, exact); those of
LightGBM are midpoints (1.00, 0.01) and no cells (0.00, 0.01); those of HistGradientBoosting are cells in columns of more than 255
values (1.00, 0.01) and in no others (0.05); so many people hold a split constant alone (68 of 284 and 208 of 284 of breast
cancer and 78 of 221 of diabetes split into high and low at the median, exact; 81 of 250 of WHAS500, 2); a full
regression tree and a forest hold every member's outcome (1.00, 0.01).
"""

import json
import subprocess

import common  # first: sets the number of threads

import numpy as np
import onnx
import onnx.helper
import pandas as pd
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.ensemble import HistGradientBoostingClassifier, IsolationForest, RandomForestClassifier, RandomForestRegressor
from sklearn.model_selection import train_test_split
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from skl2onnx import to_onnx

CHECKS = [f"disclosure/{name}" for name in ("leaf-occupancy", "threshold-provenance", "implied-cells", "verbatim-outcomes")]
failures = []

# skl2onnx hands numpy's booleans over, which this version of onnx refuses.
_make_attribute = onnx.helper.make_attribute


def _plain(key, value, *rest, **named):
    if isinstance(value, (list, np.ndarray)) and len(value) and isinstance(value[0], (bool, np.bool_, np.integer)):
        value = [int(v) for v in value]
    return _make_attribute(key, value, *rest, **named)


onnx.helper.make_attribute = _plain


# ------------------------------------------------------------------------ models


def halves(x, y, seed=0, stratify=True):
    """Two halves of the same size."""
    a, b, c, d = train_test_split(x, y, test_size=0.5, random_state=seed, stratify=y if stratify else None)
    n = min(len(a), len(b))
    return a[:n], b[:n], c[:n], d[:n]


def tool(model, width, kind):
    from onnxmltools import convert_lightgbm, convert_xgboost
    from onnxmltools.convert.common.data_types import FloatTensorType

    types = [("x", FloatTensorType([None, width]))]
    if kind == "xgboost":
        return convert_xgboost(model, initial_types=types, target_opset=15)
    return convert_lightgbm(model, initial_types=types, target_opset=15, zipmap=False)


def skl(model, width):
    from skl2onnx.common.data_types import FloatTensorType

    classes = hasattr(model, "predict_proba")
    options = {id(model): {"zipmap": False}} if classes else None
    return to_onnx(model, initial_types=[("x", FloatTensorType([None, width]))], options=options, target_opset={"": 15, "ai.onnx.ml": 3})


# ------------------------------------------------------------------------- numpy


def constants(model):
    """Different (column, constant) pairs of comparisons of size."""
    found = set()
    for node in model.graph.node:
        if node.op_type.startswith("TreeEnsemble"):
            a = {x.name: x for x in node.attribute}
            for feature, value, mode in zip(a["nodes_featureids"].ints, a["nodes_values"].floats, a["nodes_modes"].strings):
                if mode != b"LEAF":
                    found.add((feature, float(np.float32(value))))
    return sorted(found)


def near(values, constant):
    """The value a constant equals within one unit in the last place."""
    gap = np.abs(values - constant)
    at = int(np.argmin(gap))
    return at if gap[at] <= np.finfo(np.float32).eps * abs(constant) else None


def provenance(pairs, x):
    """Per constant: equal to a cell, a midpoint; and the rows that alone hold one."""
    cells, midpoints, alone = [], [], set()
    x = x.astype(np.float32).astype(float)
    for feature, constant in pairs:
        column = x[:, feature]
        values, first, count = np.unique(column, return_index=True, return_counts=True)
        at = near(values, constant)
        cells.append(at is not None)
        below = np.searchsorted(values, constant)
        between = 0 < below < len(values) and at is None
        size = max(abs(values[below - 1]), abs(values[below])) if between else 0
        midpoints.append(
            bool(between and abs((values[below - 1] + values[below]) / 2 - constant) <= np.finfo(np.float32).eps * size)
        )
        if at is not None and count[at] == 1:
            alone.add(int(first[at]))
    return np.array(cells), np.array(midpoints), alone


# ------------------------------------------------------------------------ privet


def assess(options, name, model, members, others, target, regression=False):
    """The findings of the disclosure checks by measure."""
    folder = options.work / name
    folder.mkdir(exist_ok=True)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    frames = []
    for split, (x, y) in (("in", members), ("out", others)):
        frame = pd.DataFrame(x.astype(np.float32).astype(float), columns=[f"c{i}" for i in range(x.shape[1])])
        frames.append(frame.assign(target=y, split=split))
    pd.concat(frames).to_csv(folder / "records.csv", index=False)
    listed = subprocess.run([options.privet, "explain"], capture_output=True, text=True, check=True).stdout.splitlines()
    ids = [line.split()[0] for line in listed if line and not line.startswith(" ")]
    off = [f'[checks."{check}"]\nenabled = false\nreason = "not of this bench"\n' for check in ids if check not in CHECKS]
    task = "regression" if regression else "classification"
    plan = f"""
[assessment]
name = "{name}"
output = "out"
[model]
path = "model.onnx"
task = "{task}"
[data]
records = "records.csv"
split = "split"
member = "in"
nonmember = "out"
target = "target"
[policy]
profile = "cms"
{"".join(off)}"""
    (folder / "plan.toml").write_text(plan)
    run = subprocess.run([options.privet, "assess", folder / "plan.toml"], capture_output=True, text=True)
    if run.returncode not in (0, 1, 3):
        raise SystemExit(f"{name}: {run.stderr}")
    report = json.loads((folder / "out" / "report.json").read_text())
    found = {}
    for finding in report["findings"]:
        found[finding["measure"]] = finding
    seconds = dict(report["envelope"]["seconds"])
    return found, seconds


# ------------------------------------------------------------------------- table


def row(name, what, wanted, got, tolerance):
    good = got is not None and abs(wanted - got) <= tolerance
    shown = "-" if got is None else f"{got:.4f}"
    print(f"| {name} | {what} | {wanted:.4f} | {shown} | {tolerance:g} | {'yes' if good else 'NO'} |")
    if not good:
        failures.append(f"{name}: {what}")


def value(found, measure):
    estimate = found.get(measure, {}).get("estimate")
    return None if estimate is None else estimate["value"]


def thresholds(options, name, model, a, b, c, d, regression=False):
    pairs = constants(model)
    inside, outside = provenance(pairs, a), provenance(pairs, b)
    if not options.reference_only:
        found, _ = assess(options, name, model, (a, c), (b, d), None, regression)
        excess = [float(inside[i].mean() - outside[i].mean()) for i in (0, 1)]
        row(name, "constants equal to a cell, beyond chance", excess[0], value(found, "disclosure/threshold-cells-excess"), 1e-9)
        row(name, "midpoints, beyond chance", excess[1], value(found, "disclosure/threshold-midpoints-excess"), 1e-9)
        pinned = len(inside[2]) / len(a) - len(outside[2]) / len(b)
        # A count of 1 to 10 is replaced by the worst of them.
        small = any(1 <= len(side[2]) <= 10 for side in (inside, outside))
        row(name, "people who hold a constant alone, beyond chance", pinned, value(found, "disclosure/pinned-people-excess"), 10 / len(a) if small else 1e-9)
    return pairs, inside, outside


def claim(name, what, wanted, got, tolerance):
    row(name, what, wanted, float(got), tolerance)


def boosted(options):
    from lightgbm import LGBMClassifier
    from xgboost import XGBClassifier, XGBRegressor

    x, y = load_breast_cancer(return_X_y=True)
    a, b, c, d = halves(x, y)
    width = x.shape[1]
    model = tool(XGBClassifier(n_estimators=100, tree_method="hist", n_jobs=1).fit(a, c), width, "xgboost")
    _, inside, outside = thresholds(options, "xgboost-cancer", model, a, b, c, d)
    claim("xgboost-cancer", "H3: cells", 1.0, inside[0].mean(), 0)
    claim("xgboost-cancer", "H3: by chance", 0.09, outside[0].mean(), 0.03)
    claim("xgboost-cancer", f"H6: people of {len(a)} who hold a constant alone", 68, len(inside[2]), 0)

    model = tool(LGBMClassifier(n_estimators=100, verbose=-1, n_jobs=1).fit(a, c), width, "lightgbm")
    _, inside, outside = thresholds(options, "lightgbm-cancer", model, a, b, c, d)
    claim("lightgbm-cancer", "H4: midpoints", 1.0, inside[1].mean(), 0.01)
    claim("lightgbm-cancer", "H4: cells", 0.0, inside[0].mean(), 0.01)

    fine = np.array([len(np.unique(a[:, i])) > 255 for i in range(width)])
    model = skl(HistGradientBoostingClassifier(random_state=0).fit(a, c), width)
    pairs, inside, _ = thresholds(options, "histgb-cancer", model, a, b, c, d)
    many = np.array([fine[feature] for feature, _ in pairs])
    claim("histgb-cancer", "H5: cells, columns of more than 255 values", 1.0, inside[0][many].mean(), 0.01)
    claim("histgb-cancer", "H5: cells, other columns", 0.0, inside[0][~many].mean() if (~many).any() else 0.0, 0.05)
    claim("histgb-cancer", f"H6: people of {len(a)} who hold a constant alone", 208, len(inside[2]), 0)

    x, y = load_diabetes(return_X_y=True, scaled=False)
    a, b, c, d = halves(x, y, stratify=False)
    model = tool(XGBRegressor(n_estimators=100, tree_method="hist", n_jobs=1).fit(a, c), x.shape[1], "xgboost")
    _, inside, outside = thresholds(options, "xgboost-diabetes", model, a, b, c, d, regression=True)
    claim("xgboost-diabetes", "H3: cells", 1.0, inside[0].mean(), 0)
    claim("xgboost-diabetes", "H3: by chance", 0.71, outside[0].mean(), 0.08)

    high = (y > np.median(y)).astype(int)
    a, b, c, d = halves(x, high)
    model = tool(XGBClassifier(n_estimators=100, tree_method="hist", n_jobs=1).fit(a, c), x.shape[1], "xgboost")
    _, inside, _ = thresholds(options, "xgboost-high-diabetes", model, a, b, c, d)
    claim("xgboost-high-diabetes", f"H6: people of {len(a)} who hold a constant alone", 78, len(inside[2]), 0)

    x, y = whas(options)
    a, b, c, d = halves(x, y)
    model = tool(XGBClassifier(n_estimators=100, tree_method="hist", n_jobs=1).fit(a, c), x.shape[1], "xgboost")
    _, inside, outside = thresholds(options, "xgboost-whas500", model, a, b, c, d)
    claim("xgboost-whas500", "H3: cells", 1.0, inside[0].mean(), 0)
    claim("xgboost-whas500", "H3: by chance", 0.69, outside[0].mean(), 0.08)
    claim("xgboost-whas500", f"H6: people of {len(a)} who hold a constant alone", 81, len(inside[2]), 2)


def whas(options):
    """Admission data of 500 heart attacks and whether the patient died."""
    lines = common.raw_bytes(options.data, "survival/whas500.arff").decode().splitlines()
    names = [line.split()[1] for line in lines if line.upper().startswith("@ATTRIBUTE")]
    rows = [line.split(",") for line in lines[lines.index("@DATA") + 1 :] if line]
    frame = pd.DataFrame(rows, columns=names).astype(float)
    return frame.drop(columns=["lenfol", "fstat"]).to_numpy(), frame["fstat"].astype(int).to_numpy()


def small_share(leaves, limit=11):
    """Share of rows in leaves of fewer than `limit` rows, averaged over trees."""
    shares = []
    for tree in leaves.T:
        _, at, count = np.unique(tree, return_inverse=True, return_counts=True)
        shares.append((count[at] < limit).mean())
    return float(np.mean(shares))


def alone_share(leaves, others):
    rows, count = np.unique(leaves, axis=0, return_counts=True)
    taken = {r.tobytes() for r in np.ascontiguousarray(others)}
    return sum(1 for r, k in zip(rows, count) if k == 1 and np.ascontiguousarray(r).tobytes() not in taken) / len(leaves)


def suppressed(share, n):
    """A share of 1 to 10 people reads as ten."""
    return 10 / n if 0 < round(share * n) < 11 else (n - 1) / n if 0 < n - round(share * n) < 11 else share


def occupancy(options):
    x, y = whas(options)
    a, b, c, d = halves(x, y)
    for least in (1, 5, 11):
        tree = DecisionTreeClassifier(min_samples_leaf=least, random_state=0).fit(a.astype(np.float32), c)
        leaves = tree.apply(a.astype(np.float32)).reshape(-1, 1)
        name = f"whas500-tree-{least}"
        _, at, count = np.unique(leaves, return_inverse=True, return_counts=True)
        print(f"|  | {name}: leaves, singletons | {len(count)}, {(count == 1).sum()} | | | |")
        if options.reference_only:
            continue
        found, _ = assess(options, name, skl(tree, x.shape[1]), (a, c), (b, d), None)
        row(name, "members in leaves below 11", suppressed(small_share(leaves), len(a)), value(found, "disclosure/small-leaf-share"), 1e-9)
        # Mixed leaves of at most ten members state a denominator of 2 to 10.
        mixed = np.array([len(np.unique(c[at.ravel() == leaf])) > 1 for leaf in range(len(count))])
        small = mixed & (count <= 10)
        row(name, "members in small cells that follow from the file", suppressed(float(count[small].sum() / len(a)), len(a)),
            value(found, "disclosure/implied-cell-share"), 1e-9)  # fmt: skip
    forest(options, "adult-forest", *adult(options))
    isolation(options)


def isolation(options):
    """Counts of sampled records that isolation forests state leaf by leaf, against the trees' own."""
    a, b, c, d = halves(*load_breast_cancer(return_X_y=True))
    for trees, samples in ((20, "auto"), (50, 64)):
        name = f"isolation-forest-{trees}"
        model = IsolationForest(n_estimators=trees, max_samples=samples, random_state=0).fit(a.astype(np.float32))
        counts = [t.tree_.n_node_samples[t.tree_.children_left == -1] for t in model.estimators_]
        share = sum(k[k < 11].sum() for k in counts) / sum(k.sum() for k in counts)
        if options.reference_only:
            print(f"|  | {name}: sampled records in leaves of 1 to 10 | {share:.4f} | | | |")
            continue
        onx = to_onnx(model, a[:1].astype(np.float32), target_opset={"": 15, "ai.onnx.ml": 3})
        found, _ = assess(options, name, onx, (a, np.zeros(len(a))), (b, np.ones(len(b))), None, regression=True)
        stated = found["disclosure/implied-cell-share"]
        row(name, "sampled records in leaves of 1 to 10", float(share), stated["estimate"]["value"], 1e-9)
        said = {line[0]: line[1] for line in stated["evidence"][0]["rows"]}
        for what, wanted in (("with a single record", lambda k: k == 1), ("with 1 to 10 records", lambda k: k < 11), ("all", lambda k: k > 0)):
            got = said[what].replace(",", "")
            row(name, f"leaves {what}", sum(int(wanted(k).sum()) for k in counts), float(got) if got.isdigit() else None, 0)


def adult(options):
    names = ["age", "workclass", "fnlwgt", "education", "education-num", "marital", "occupation", "relationship", "race", "sex",
             "gain", "loss", "hours", "country", "income"]  # fmt: skip
    import io

    text = io.BytesIO(common.raw_bytes(options.data, "adult/adult.data"))
    frame = pd.read_csv(text, header=None, names=names, skipinitialspace=True).sample(2000, random_state=0)
    # Nineteen yes-or-no columns, as in the DRAFT benchmark.
    x = np.column_stack([
        frame.age < 30, frame.age > 50, frame.workclass == "Private", frame["education-num"] > 12, frame["education-num"] < 9,
        frame.marital == "Married-civ-spouse", frame.marital == "Never-married", frame.occupation == "Exec-managerial",
        frame.occupation == "Prof-specialty", frame.occupation == "Craft-repair", frame.occupation == "Sales",
        frame.relationship == "Husband", frame.race == "White", frame.sex == "Male", frame.gain > 0, frame.loss > 0, frame.hours < 35,
        frame.hours > 45, frame.country == "United-States",
    ]).astype(float)  # fmt: skip
    return x, (frame.income == ">50K").to_numpy().astype(int)


def forest(options, name, x, y):
    a, b, c, d = halves(x, y)
    model = RandomForestClassifier(100, random_state=0, n_jobs=1).fit(a.astype(np.float32), c)
    inside, outside = model.apply(a.astype(np.float32)), model.apply(b.astype(np.float32))
    if options.reference_only:
        return
    found, _ = assess(options, name, skl(model, x.shape[1]), (a, c), (b, d), None)
    row(name, "members in leaves below 11, mean over trees", small_share(inside), value(found, "disclosure/small-leaf-share"), 1e-9)
    row(name, "members alone in all trees, nobody outside", suppressed(alone_share(inside, outside), len(a)),
        value(found, "disclosure/alone-in-all-trees"), 1e-9)  # fmt: skip


def outcomes(options):
    x, y = load_diabetes(return_X_y=True, scaled=False)
    a, b, c, d = halves(x, y, stratify=False)
    a32, b32 = a.astype(np.float32), b.astype(np.float32)
    for name, model in (("diabetes-tree", DecisionTreeRegressor(random_state=0)), ("diabetes-forest", RandomForestRegressor(100, random_state=0, n_jobs=1))):
        model.fit(a32, c)
        trees = getattr(model, "estimators_", [model])
        stated = set(np.concatenate([t.tree_.value[t.tree_.children_left == -1].ravel() for t in trees]).tolist())
        claim(name, "H15: members' outcomes in some leaf", 1.0, np.mean([v in stated for v in c]), 0.01)

        def read(rows, truth):
            values = np.array([t.predict(rows) for t in trees]).astype(np.float32)
            most = []
            for column in values.T:
                v, k = np.unique(column, return_counts=True)
                # privet takes the last of equally frequent ones in ascending order.
                most.append(v[len(k) - 1 - np.argmax(k[::-1])])
            return float(np.mean(np.isclose(most, truth, rtol=5e-7)))

        if not options.reference_only:
            found, _ = assess(options, name, skl(model, x.shape[1]), (a, c), (b, d), None, regression=True)
            wanted = suppressed_gap(read(a32, c), read(b32, d), len(a), len(b))
            row(name, "outcomes read off leaves, beyond outside", wanted, value(found, "disclosure/verbatim-outcome-excess"), 1e-9)


def suppressed_gap(p, q, n, m):
    k, j = round(p * n), round(q * m)
    return (min(10, n) if 0 < k < 11 else k) / n - (1 if 0 < j < 11 else j) / m


def main():
    options = common.checked(common.arguments(__doc__))
    print("| model | number | numpy | privet | tolerance | holds |\n|---|---|---|---|---|---|")
    boosted(options)
    occupancy(options)
    outcomes(options)
    if failures:
        raise SystemExit("does not hold: " + "; ".join(failures))


if __name__ == "__main__":
    main()
