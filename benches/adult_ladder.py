"""One reference model on a ladder of models from safe to over-fitted, and a shift that looks like a leak (Adult).

    cargo build --release
    python benches/adult_ladder.py --data RAW --work SCRATCH [--privet target/release/privet] [--reference-only]

Ladder. 10,000 members, 10,000 non-members and 10,000 rows for one reference (`default_rng(0).permutation` of the 32,561
rows of adult.data, in that order); 14 inputs with `fnlwgt`; text columns one-hot inside the ONNX file. The reference is the same
estimator fitted on its own rows; it saw neither set, so its plan has no masks. By numpy from the ONNX files: AUC of the
log odds of the true class (p kept in [1e-6, 1 - 1e-6]), and of target minus reference. Estimators: logistic regression;
LightGBM 100 trees; LightGBM over-grown (400 trees, 127 leaves, 1 row per leaf); forests of 100 trees, leaf 5 and leaf 1.
The recorded numbers (research M4) come from other gradient boosting of like size, so those two rows agree roughly.

Shift trap. The target is the ladder's LightGBM-100. The 12,561 rows that neither it nor the reference learned are cut at age
35: "members" younger, "non-members" older. The loss tells them apart although the model saw neither; so does the control
(the reference) as well. Judged, and the exit code is 1 otherwise: the verdict is undetermined, because the findings about the split
and about membership stand as invalid, and its reasons name the column `age`. `blind` is the AUC of a 5-fold LightGBM on the rows alone, with and without the age column
(with it: 1).

privet's numbers are of its threshold attack and of its difference to the references, one (`disjoint = true`) here; the verdict is of
all attacks with references and thresholds, surrogates and everything else being switched off.
"""

import sys

import common
import exports

import numpy as np
from lightgbm import LGBMClassifier
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler


def boosted(**more):
    return LGBMClassifier(random_state=0, n_jobs=1, deterministic=True, verbose=-1, **more)


# Name: estimator, recorded AUC of the loss, recorded AUC with one reference.
LADDER = {
    "logistic": (lambda: LogisticRegression(max_iter=1000), 0.503, None),
    "boosted-100": (lambda: boosted(n_estimators=100), 0.520, 0.557),
    "boosted-overgrown": (lambda: boosted(n_estimators=400, num_leaves=127, min_child_samples=1), 0.602, 0.662),
    "forest-leaf-5": (lambda: RandomForestClassifier(100, min_samples_leaf=5, random_state=0, n_jobs=1), 0.514, 0.564),
    "forest-leaf-1": (lambda: RandomForestClassifier(100, random_state=0, n_jobs=1), 0.635, 0.725),
}
# The names in privet's table of all attacks of the loss and of the difference to one reference.
PRIVET = ("scaled logit, one threshold", "difference to the references")
KEPT = ("dataset/split-integrity", "dataset/column-shift", "membership/threshold", "membership/calibrated", "membership/likelihood-ratio",
        "membership/rmia", "membership/strongest")  # fmt: skip
ROWS, CUT = 10_000, 35


def pipeline(estimator, frame):
    text = [c for c in frame.columns if exports.is_text(frame[c])]
    numbers = [c for c in frame.columns if c not in text]
    scaled = isinstance(estimator, LogisticRegression)
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    columns = ColumnTransformer([("text", encoder, text), ("number", StandardScaler() if scaled else "passthrough", numbers)])
    return Pipeline([("columns", columns), ("model", estimator)])


def model_file(name, make, frame, rows, part, folder):
    """The ONNX file of one estimator fitted on some rows; trained once."""
    path = folder / f"{name}-{part}.onnx"
    if not path.exists():
        x = frame.drop(columns="income")
        fitted = pipeline(make(), x).fit(x.iloc[rows], frame["income"].iloc[rows])
        exports.export(fitted, x, path)
    return path


def scores(path, frame, rows):
    part = frame.iloc[rows]
    classes = sorted(frame["income"].unique())
    return exports.log_odds(exports.true_class(path, part.drop(columns="income"), classes, part["income"]))


def plan(privet, name, target, reference, members, others):
    return f"""
[assessment]
name   = "{name}"
output = "{name}-report"
seed   = 1

[model]
path = "{target.name}"

[data]
members    = "{members}"
nonmembers = "{others}"
target     = "income"

[reference]
models   = ["{reference.name}"]
disjoint = true

{common.all_but(privet, "the bench compares attacks with and without a reference", *KEPT)}"""


def ladder(arguments, frame, order, folder):
    members, others, kept = order[:ROWS], order[ROWS : 2 * ROWS], order[2 * ROWS : 3 * ROWS]
    rows, files = np.r_[members, others], {}
    member = np.arange(2 * ROWS) < ROWS
    frame.iloc[members].to_csv(folder / "members.csv", index=False)
    frame.iloc[others].to_csv(folder / "nonmembers.csv", index=False)
    table = []
    for name, (make, *recorded) in LADDER.items():
        files[name] = [model_file(name, make, frame, part, which, folder)
                       for which, part in (("target", members), ("reference", kept))]  # fmt: skip
        target, reference = (scores(path, frame, rows) for path in files[name])
        report = None
        if not arguments.reference_only:
            text = plan(arguments.privet, name, *files[name], "members.csv", "nonmembers.csv")
            written = common.write_plan(folder / f"{name}.toml", text)
            report, *_ = common.run_privet(arguments.privet, written)
        row = [name]
        for old, score, attack in zip(recorded, (target, target - reference), PRIVET):
            found = common.metrics(score, member)
            row += [common.rate(old), common.pair((found[0], found[2]))]
            if report:
                theirs = common.attack_metrics(report, attack)
                row.append(common.pair((theirs[0], theirs[2])))
        table.append(row + ([report["verdict"]["outcome"]] if report else []))
    print("Adult ladder, 10,000 + 10,000 rows: AUC, then AUC/TPR@1%")
    ours = [] if arguments.reference_only else ["privet"]
    verdict = [] if arguments.reference_only else ["verdict"]
    common.print_table(["model", "loss recorded", "numpy", *ours, "one reference recorded", "numpy", *ours, *verdict], table)
    return files


def blind(frame, young):
    x = frame.assign(**{c: frame[c].astype("category").cat.codes for c in frame.columns if exports.is_text(frame[c])})
    return common.auc(cross_val_predict(boosted(), x, young, cv=5, method="predict_proba")[:, 1], young)


def trap(arguments, frame, order, folder, files):
    unseen = np.r_[order[ROWS : 2 * ROWS], order[3 * ROWS :]]
    young = frame["age"].to_numpy()[unseen] < CUT
    target, control = (common.metrics(scores(path, frame, unseen), young) for path in files["boosted-100"])
    here = frame.iloc[unseen]
    print(f"\nShift trap: {young.sum()} rows under {CUT} as members, {(~young).sum()} others; the model saw none of them")
    rows = [
        ["target's loss, AUC/TPR@1%", ".762/.217", common.pair((target[0], target[2]))],
        ["control's loss, AUC", ".759", common.rate(control[0])],
        ["blind AUC without age", ".826", common.rate(blind(here.drop(columns="age"), young))],
        ["blind AUC with age", "-", common.rate(blind(here, young))],
    ]
    common.print_table(["", "recorded", "numpy"], rows)
    if arguments.reference_only:
        return 0
    here[young].to_csv(folder / "young.csv", index=False)
    here[~young].to_csv(folder / "older.csv", index=False)
    written = common.write_plan(folder / "trap.toml", plan(arguments.privet, "trap", *files["boosted-100"], "young.csv", "older.csv"))
    report, *_ = common.run_privet(arguments.privet, written)
    print(f"privet: blind AUC {common.rate(common.reading(report, 'dataset/blind-auc'))}, "
          f"membership AUC {common.rate(common.reading(report, 'membership/auc'))}")  # fmt: skip
    split, membership = (common.finding(report, name) for name in ("dataset/blind-auc", "membership/tpr-at-fpr-0.01"))
    verdict = report["verdict"]
    named = any("`age`" in reason for reason in verdict.get("because", []))
    rows = [
        ["verdict is undetermined", verdict["outcome"], common.judged(verdict["outcome"] == "undetermined")],
        ["because the split is invalid", split["standing"]["kind"], common.judged(split["standing"]["kind"] == "invalid")],
        ["so membership is invalid", membership["standing"]["kind"], common.judged(membership["standing"]["kind"] == "invalid")],
        ["and the verdict names `age`", "yes" if named else "no", common.judged(named)],
    ]
    common.print_table(["asked", "privet", ""], rows)
    for reason in verdict.get("because", []):
        print(f"  {reason}")
    return sum(row[-1] == "FAIL" for row in rows)


def main():
    arguments = common.checked(common.arguments(__doc__))
    folder = arguments.work / "adult-ladder"
    folder.mkdir(exist_ok=True)
    frame = exports.adult(arguments.data)
    order = np.random.default_rng(0).permutation(len(frame))
    if trap(arguments, frame, order, folder, ladder(arguments, frame, order, folder)):
        sys.exit("the shift trap caught privet")


if __name__ == "__main__":
    main()
