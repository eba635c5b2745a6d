"""What privet finds in model files that hold training records, and in files that hold none.

usage: python benches/disclosure.py --work DIR [--data DIR] [--privet FILE]

Trains estimators of scikit-learn and LightGBM on data sets that come with scikit-learn (and, with `--data`, on
`survival/whas500.arff`), exports them, runs privet's stored-rows check on members and hold-out, and compares the number of
members found with what the estimator itself says that it keeps. A second table is about estimators that keep no record, a
third about time. The exit code is 1 when any line is not what it should be.
"""

import sys
import warnings

import common  # first: sets the number of threads

import numpy as np
import pandas as pd
from lightgbm import LGBMClassifier
from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm
from skl2onnx import to_onnx, update_registered_converter
from skl2onnx.common.data_types import FloatTensorType
from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from sklearn.decomposition import PCA, KernelPCA
from sklearn.ensemble import BaggingClassifier, GradientBoostingClassifier, RandomForestClassifier
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF
from sklearn.impute import KNNImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor, LocalOutlierFactor
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC, SVR, NuSVC

warnings.filterwarnings("ignore", category=FutureWarning)
warnings.filterwarnings("ignore", category=UserWarning)

update_registered_converter(
    LGBMClassifier,
    "LightGbmLGBMClassifier",
    calculate_linear_classifier_output_shapes,
    convert_lightgbm,
    options={"nocl": [True, False], "zipmap": [True, False, "columns"]},
)


# ------------------------------------------------------------------------ data


def whas500(folder):
    """Heart attacks in Worcester: 14 columns of 500 patients, and whether the patient died in follow-up."""
    lines = common.raw_bytes(folder, "survival/whas500.arff").decode().splitlines()
    rows = np.array([line.split(",") for line in lines[lines.index("@DATA") + 1 :] if line], dtype=float)
    return rows[:, :14], rows[:, 15].astype(int)


def data_sets(folder):
    """Name, features, classes."""
    sets = [(name, *load(return_X_y=True)) for name, load in (
        ("breast cancer", load_breast_cancer), ("wine", load_wine), ("iris", load_iris), ("digits", load_digits),
    )]  # fmt: skip
    x, y = load_diabetes(return_X_y=True)
    sets.append(("diabetes", x, (y > np.median(y)).astype(int)))
    if folder:
        sets.append(("WHAS500", *whas500(folder)))
    return [(name, np.asarray(x, dtype=np.float32), y) for name, x, y in sets]


def halves(x, seed=0, share=0.5):
    """Rows of members and of hold-out."""
    order = np.random.default_rng(seed).permutation(len(x))
    cut = int(len(x) * share)
    return order[:cut], order[cut:]


# ---------------------------------------------------------------------- models


def keepers():
    """Estimators that keep records: name, estimator, and which members it keeps."""

    def support(model, x):
        return model.steps[-1][1].support_ if hasattr(model, "steps") else model.support_

    def every(model, x):
        return np.arange(len(x))

    def of_folds(model, x):
        kept = set()
        for fitted, (train, _) in zip(model.calibrated_classifiers_, model.cv.split(x, model.truth)):
            kept.update(train[fitted.estimator.support_])
        return np.array(sorted(kept))

    def of_bags(model, x):
        # A bag is a weight of 0, 1, 2 ... per row. libsvm leaves rows of no weight out before it numbers them, so that
        # `support_` counts the rows of the bag, each once and in their order, and not those of the data.
        bags = zip(model.estimators_, model.estimators_samples_)
        kept = [np.unique(rows)[fitted.support_] for fitted, rows in bags]
        assert all(np.array_equal(x[rows], fitted.support_vectors_) for fitted, rows in zip(model.estimators_, kept))
        return np.unique(np.concatenate(kept))

    folds = StratifiedKFold(5)
    return [
        ("SVC", SVC(), support),
        ("NuSVC", NuSVC(nu=0.3), support),
        ("StandardScaler + SVC", make_pipeline(StandardScaler(), SVC()), support),
        ("MinMaxScaler + SVC, C=100", make_pipeline(MinMaxScaler(), SVC(C=100)), support),
        ("PCA + SVC", make_pipeline(StandardScaler(), PCA(5), SVC()), support),
        ("calibrated SVC, 5 folds", CalibratedClassifierCV(SVC(), cv=folds, ensemble=True), of_folds),
        ("10 bagged SVC", BaggingClassifier(SVC(probability=True), n_estimators=10, random_state=0), of_bags),
        ("k nearest neighbours", KNeighborsClassifier(), every),
        ("scaler + kernel PCA + logistic",
         make_pipeline(StandardScaler(), KernelPCA(5, kernel="rbf"), LogisticRegression()), every),
        ("kNN imputer + logistic", make_pipeline(KNNImputer(), LogisticRegression(max_iter=5000)), every),
    ]  # fmt: skip


def others():
    """Estimators that keep no record."""
    return [
        ("logistic", make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))),
        ("network 32-16", make_pipeline(StandardScaler(), MLPClassifier((32, 16), max_iter=300, random_state=0))),
        ("k-means", make_pipeline(StandardScaler(), KMeans(8, n_init=3, random_state=0))),
        ("PCA + logistic", make_pipeline(StandardScaler(), PCA(3), LogisticRegression(max_iter=1000))),
        ("LightGBM", LGBMClassifier(n_estimators=50, verbose=-1, n_jobs=1, random_state=0)),
        ("gradient boosting", GradientBoostingClassifier(n_estimators=50, random_state=0)),
        ("naive Bayes", GaussianNB()),
        ("forest", RandomForestClassifier(50, n_jobs=1, random_state=0)),
    ]


def to_file(model, width, path, **more):
    """Writes an ONNX file without ZipMap; an opset that every converter knows."""
    last = model.steps[-1][1] if hasattr(model, "steps") else model
    options = {id(last): {"zipmap": False}} if hasattr(last, "predict_proba") else None
    if isinstance(last, SVC):
        options = {id(last): {"zipmap": False}}
    types = [("x", FloatTensorType([None, width]))]
    onx = to_onnx(model, initial_types=types, options=options, target_opset={"": 18, "ai.onnx.ml": 3}, **more)
    path.write_bytes(onx.SerializeToString())


# ------------------------------------------------------------------------- run


def assess(arguments, name, x, y, rows, extra=""):
    """What privet says about stored rows, and its seconds for the check."""
    folder = arguments.work / name.replace(" ", "-").replace("+", "").replace(",", "")
    members, holdout = rows
    frame = pd.DataFrame(x.astype(float), columns=[f"c{k}" for k in range(x.shape[1])])
    frame["target"] = y
    for which, index in (("members", members), ("others", holdout)):
        frame.iloc[index].to_csv(folder / f"{which}.csv", index=False, lineterminator="\n")
    off = common.all_but(arguments.privet, "a bench of one check", "disclosure/stored-rows")
    plan = common.write_plan(folder / "plan.toml", f"""
[assessment]
name = "{name}"
[model]
path = "model.onnx"
{extra}
[data]
members = "members.csv"
nonmembers = "others.csv"
target = "target"
{off}""")
    report, *_ = common.run_privet(arguments.privet, plan)
    return common.finding(report, "disclosure/stored-rows"), common.step_seconds(report, "disclosure/stored-rows")


def folder_of(arguments, name):
    folder = arguments.work / name.replace(" ", "-").replace("+", "").replace(",", "")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def copies(x, members, kept):
    """Members whose row equals a kept one and that no hold-out record shares."""
    rows = {x[members[k]].tobytes() for k in kept}
    outside = {x[k].tobytes() for k in np.setdiff1d(np.arange(len(x)), members)}
    return sum(x[k].tobytes() in rows and x[k].tobytes() not in outside for k in members)


def found_in(finding, members):
    return round(finding["estimate"]["value"] * members)


def bench_keepers(arguments, sets):
    lines, good = [], True
    for data, x, y in sets:
        members, holdout = halves(x)
        for name, model, keeps in keepers():
            title = f"{data} {name}"
            folder = folder_of(arguments, title)
            if hasattr(model, "cv"):
                model.truth = y[members]
            model.fit(x[members], y[members])
            to_file(model, x.shape[1], folder / "model.onnx")
            output = "output = \"label\"" if hasattr(model, "predict") and not hasattr(model, "predict_proba") else ""
            finding, _ = assess(arguments, title, x, y, (members, holdout), output)
            truth, said = copies(x, members, keeps(model, x[members])), found_in(finding, len(members))
            fine = truth == said and (finding["standing"]["kind"] == "fact")
            good &= fine
            lines.append((data, name, len(members), truth, said, finding["standing"]["kind"], common.judged(fine)))
    x, y = load_diabetes(return_X_y=True)
    x = x.astype(np.float32)
    members, holdout = halves(x)
    for name, model in (
        ("kNN regressor", KNeighborsRegressor()),
        ("Gaussian process regressor", GaussianProcessRegressor(1.0 * RBF(0.2), optimizer=None, alpha=1.0)),
        ("SVR, C=100", SVR(C=100)),
    ):
        title = f"diabetes {name}"
        folder = folder_of(arguments, title)
        model.fit(x[members], y[members])
        to_file(model, x.shape[1], folder / "model.onnx")
        finding, _ = assess(arguments, title, x, y, (members, holdout), 'task = "regression"')
        kept = model.support_ if hasattr(model, "support_") else np.arange(len(members))
        truth, said = copies(x, members, kept), found_in(finding, len(members))
        fine = truth == said and finding["standing"]["kind"] == "fact"
        good &= fine
        lines.append(("diabetes", name, len(members), truth, said, finding["standing"]["kind"], common.judged(fine)))
    x, y = load_breast_cancer(return_X_y=True)
    x = x.astype(np.float32)
    members, holdout = halves(x)
    model = LocalOutlierFactor(novelty=True).fit(x[members])
    folder = folder_of(arguments, "breast cancer LOF")
    to_file(model, x.shape[1], folder / "model.onnx")
    finding, _ = assess(arguments, "breast cancer LOF", x, model.predict(x), (members, holdout), 'output = "label"')
    truth, said = copies(x, members, np.arange(len(members))), found_in(finding, len(members))
    fine = truth == said
    lines.append(("breast cancer", "outlier factor", len(members), truth, said, finding["standing"]["kind"],
                  common.judged(fine)))  # fmt: skip
    print("\nfiles that hold training records")
    header = ("data", "estimator", "members", "kept", "found", "standing", "")
    common.print_table(header, lines)
    return good and fine


def bench_recorded(arguments, x, y):
    """The recorded counts of WHAS500 (scaler and SVC, half of the patients, split by class with seed 0): they must come out exactly."""
    lines, good = [], True
    members, holdout = train_test_split(np.arange(len(x)), test_size=0.5, random_state=0, stratify=y)
    for cost, recorded in ((1, 168), (100, 151)):
        title = f"WHAS500 recorded {cost}"
        folder = folder_of(arguments, title)
        model = make_pipeline(StandardScaler(), SVC(C=cost)).fit(x[members], y[members])
        to_file(model, x.shape[1], folder / "model.onnx")
        counts = []
        for rows in ((members, holdout), (holdout, members)):
            finding, _ = assess(arguments, title, x, y, rows)
            counts.append(found_in(finding, len(rows[0])))
        fine = counts == [recorded, 0]
        good &= fine
        lines.append((f"C = {cost}", len(members), recorded, *counts, common.judged(fine)))
    print("\nWHAS500, standard scaler and SVC; the control gives the hold-out records as members")
    common.print_table(("", "members", "recorded", "found", "found of hold-out", ""), lines)
    return good


def bench_others(arguments, sets):
    lines, good = [], True
    for data, x, y in sets:
        members, holdout = halves(x)
        for name, model in others():
            title = f"{data} {name}"
            folder = folder_of(arguments, title)
            model.fit(x[members], y[members])
            to_file(model, x.shape[1], folder / "model.onnx")
            centres = isinstance(model, Pipeline) and isinstance(model.steps[-1][1], KMeans)
            truth, extra = (model.predict(x), 'output = "label"') if centres else (y, "")
            finding, _ = assess(arguments, title, x, truth, (members, holdout), extra)
            said, kind = finding["estimate"]["value"], finding["standing"]["kind"]
            fine = said == 0 and kind == "sound"
            good &= fine
            lines.append((data, name, len(members), f"{said:.3f}", kind, common.judged(fine)))
    print("\nfiles that hold none")
    common.print_table(("data", "estimator", "members", "share found", "standing", ""), lines)
    return good


def bench_time(arguments):
    """The scan of a forest of 20 MB by all checks of the file: seconds by check, and processor seconds beyond a run of none of them."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(20000, 20)).astype(np.float32)
    y = (x[:, 0] + x[:, 1] * x[:, 2] + rng.normal(size=20000) > 0).astype(int)
    members, holdout = halves(x)
    folder = folder_of(arguments, "time forest")
    model = RandomForestClassifier(190, n_jobs=-1, random_state=0).fit(x[members], y[members])
    to_file(model, x.shape[1], folder / "model.onnx")
    size = (folder / "model.onnx").stat().st_size / 1e6
    frame = pd.DataFrame(x.astype(float), columns=[f"c{k}" for k in range(20)]).assign(target=y)
    for which, index in (("members", members), ("others", holdout)):
        frame.iloc[index].to_csv(folder / f"{which}.csv", index=False, lineterminator="\n")

    def run(*kept):
        off = common.all_but(arguments.privet, "a bench of some checks", *kept)
        plan = common.write_plan(folder / "plan.toml", f"""
[assessment]
name = "time"
[model]
path = "model.onnx"
[data]
members = "members.csv"
nonmembers = "others.csv"
target = "target"
{off}""")
        return common.run_privet(arguments.privet, plan)

    report, whole, processor = run("disclosure/")
    # Reading the data and asking the model about them are no part of the scan.
    _, without, processor_without = run("membership/threshold")
    seconds = common.step_seconds(report, "disclosure/")
    print(f"\na forest of {size:.0f} MB, 10,000 + 10,000 records, {len(model.estimators_)} trees: the file scan by check")
    steps = [(step, took) for step, took in report["envelope"]["seconds"] if step.startswith("disclosure/")]
    common.print_table(("check", "seconds"), [(step, f"{took:.2f}") for step, took in steps])
    own = processor - processor_without
    per = 20 / size
    fine = min(seconds, own) * per < 2
    print(f"all of them {seconds:.2f} s, {own:.2f} processor s; the run {whole:.1f} s, without them {without:.1f} s; "
          f"per 20 MB {seconds * per:.2f} s, {own * per:.2f} processor s (limit 2 s, the smaller counts on a machine that others use) "
          f"{common.judged(fine)}")  # fmt: skip
    return fine


def main():
    parser = common.arguments(__doc__, data=False)
    parser.add_argument("--data", type=common.pathlib.Path, help="the folder with the raw files of WHAS500")
    parser.add_argument("--only", choices=("keepers", "others", "time"), help="one table")
    arguments = common.checked(parser)
    sets = data_sets(arguments.data)
    good = True
    if arguments.only in (None, "keepers"):
        good &= bench_keepers(arguments, [entry for entry in sets if entry[0] in ("breast cancer", "WHAS500")])
        if arguments.data:
            good &= bench_recorded(arguments, *sets[-1][1:])
    if arguments.only in (None, "others"):
        good &= bench_others(arguments, sets)
    if arguments.only in (None, "time"):
        good &= bench_time(arguments)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
