"""Attribute inference: the recorded figures of the confidence-based attack, the verdicts, what it costs, and the peers.

    cargo build --release
    python benches/attribute_inference.py --data RAW --work SCRATCH [--privet target/release/privet] [--reference-only]
    python benches/attribute_inference.py --data RAW --work SCRATCH --peers OTHER_PYTHON   # with ART and SACRO-ML

Data: the files of Mehnaz et al. (USENIX Security 2022), RAW/attribute/GSS_15235.csv and Adult_35222.csv. GSS predicts `hapmar`,
the sensitive attribute is `xmovie`; Adult predicts `income` without `fnlwgt`, the sensitive attribute is `marital`. Half of the rows
(`default_rng(0).permutation`) are members. Models: a full tree, a tree of 20 rows a leaf, a forest of 100 trees, a logistic
regression, all with one-hot texts and scaled numbers inside the ONNX file.

`recorded` was measured once (one other split, a forest that learned from 2,000 rows as imputer, 6,000 scored rows, ties broken by
lot); `numpy` is the same attack from the answers of the ONNX file on all rows; `privet` its table of every attack. For trees, whose
answers tie, the column `ties by lot` is the one to compare.

Judged, and the exit code is 1 if one fails: every A_mem and A_hold within 0.02 of numpy and, for forests and logistic regressions
(trees hang on single rows), within 0.03 of the recorded ones; for the GSS forest within 0.02, with Matthews' correlations and the accuracy
of imputation, and the correlation of a forest as imputer (the most frequent value is right as often and is the baseline); the verdicts
(individual for the GSS forest and, in its case-1 slice, the GSS full tree; none for the Adult logistic regression); no individual
disclosure after members and non-members are exchanged; case-1 precision of the GSS tree; the time of the audit of all of Adult's
columns against as many rows asked of onnxruntime, at most 1.2 times.
"""

import subprocess
import sys
import time

import common
import exports

import numpy as np
import onnxruntime
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import matthews_corrcoef
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

MODELS = {
    "tree": lambda: DecisionTreeClassifier(random_state=0),
    "tree-20": lambda: DecisionTreeClassifier(min_samples_leaf=20, random_state=0),
    "forest": lambda: RandomForestClassifier(100, random_state=0, n_jobs=1),
    "logistic": lambda: LogisticRegression(max_iter=1000),
}
# File, outcome, sensitive attribute, columns left out.
DATA = {
    "gss": ("attribute/GSS_15235.csv", "hapmar", "xmovie", []),
    "adult": ("attribute/Adult_35222.csv", "income", "marital", ["fnlwgt"]),
}
# A_mem, A_hold, I_mem, I_hold, MCC of members, others, imputer, case-1 accuracy of members and others.
RECORDED = {
    ("adult", "tree"): (0.663, 0.619, 0.748, 0.745, 0.33, 0.23, 0.50, 0.867, 0.758),
    ("adult", "forest"): (0.727, 0.690, 0.748, 0.745, 0.49, 0.39, 0.50, 0.853, 0.763),
    ("adult", "logistic"): (0.692, 0.700, 0.748, 0.745, 0.43, 0.43, 0.50, 0.734, 0.739),
    ("gss", "tree"): (0.672, 0.504, 0.800, 0.803, 0.29, -0.01, 0.11, 0.999, 0.531),
    ("gss", "tree-20"): (0.567, 0.520, 0.800, 0.803, 0.08, -0.01, 0.11, 0.673, 0.547),
    ("gss", "forest"): (0.950, 0.533, 0.800, 0.803, 0.85, 0.02, 0.11, 0.997, 0.550),
    ("gss", "logistic"): (0.616, 0.601, 0.800, 0.803, 0.06, 0.05, 0.11, 0.462, 0.531),
}
VERDICTS = {
    ("gss", "forest"): ("individual disclosure", None),
    ("gss", "tree"): ("individual disclosure", "one value fits (case 1)"),
    ("adult", "logistic"): ("no leak by the model shown", None),
}
CSMIA = "confidence in three cases (CSMIA)"
MEASURE = "inversion/attribute-inference-"
MOST_TIMES = 1.2


def raw(folder, name):
    file, outcome, sensitive, dropped = DATA[name]
    text = common.raw_bytes(folder, file)
    frame = pd.read_csv(pd.io.common.BytesIO(text), keep_default_na=False).drop(columns=dropped)
    return frame, outcome, sensitive


def fitted(name, kind, frame, outcome, rows, folder):
    """The ONNX file of one model; trained once."""
    path = folder / f"{name}-{kind}.onnx"
    if not path.exists():
        x = frame.drop(columns=outcome)
        texts = [c for c in x.columns if exports.is_text(x[c])]
        numbers = [c for c in x.columns if c not in texts]
        columns = ColumnTransformer([("text", OneHotEncoder(handle_unknown="ignore", sparse_output=False), texts),
                                     ("number", StandardScaler(), numbers)])  # fmt: skip
        exports.export(Pipeline([("columns", columns), ("model", MODELS[kind]())]).fit(x.iloc[rows], frame[outcome].iloc[rows]), x, path)
    return path


def session(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def answers(runtime, frame):
    return runtime.run(None, exports.feeds(runtime, frame))[-1].astype(np.float64)


def csmia(path, frame, outcome, sensitive):
    """Guess by lot among equals: expected accuracy, MCC with ties to the first value, share and accuracy of case 1."""
    runtime, values, classes = session(path), sorted(frame[sensitive].unique()), sorted(frame[outcome].unique())
    x = frame.drop(columns=outcome)
    p = np.stack([answers(runtime, x.assign(**{sensitive: value})) for value in values], 1).round(6)
    said, y = p.argmax(2), np.array([classes.index(v) for v in frame[outcome]])
    sure = np.take_along_axis(p, said[:, :, None], 2)[:, :, 0]
    match = said == y[:, None]
    score = np.where(match.any(1)[:, None], np.where(match, sure, -1.0), -sure)
    best = score == score.max(1, keepdims=True)
    truth = np.array([values.index(v) for v in frame[sensitive]])
    frequent = np.bincount(truth, minlength=len(values))
    guess = np.where(best, frequent, -1).argmax(1)
    right = best[np.arange(len(truth)), truth] / best.sum(1)
    one = match.sum(1) == 1
    return {"lot": right.mean(), "first": (guess == truth).mean(), "mcc": matthews_corrcoef(truth, guess),
            "ones": one.mean(), "of_ones": (guess == truth)[one].mean()}  # fmt: skip


def write(frame, path):
    if not path.exists():
        frame.to_csv(path, index=False)
    return path


def plan(privet, folder, name, model, members, others, outcome, sensitive):
    columns = ", ".join(f'"{column}"' for column in sensitive)
    return common.write_plan(folder / f"{name}.toml", f"""
[assessment]
name = "{name}"
output = "{name}-report"
seed = 1

[model]
path = "{model.name}"

[data]
members = "{members.name}"
nonmembers = "{others.name}"
target = "{outcome}"

[columns]
sensitive = [{columns}]

[checks."inversion/attribute-inference"]
queries = 1000000

{common.all_but(privet, "the bench is about attribute inference", "inversion/attribute-inference")}""")


def scoped(report, measure, scope):
    return next(f for f in report["findings"] if f["measure"] == MEASURE + measure and f["scope"] == scope)


def rows_of(finding, caption):
    table = next(e for e in finding["evidence"] if e["kind"] == "table" and e["caption"].startswith(caption))
    return [dict(zip(table["columns"], row)) for row in table["rows"]]


def read(report, sensitive):
    """What privet says about the attack and its verdict."""
    finding = scoped(report, "excess", sensitive)
    attacks = {row["attack"]: row for row in rows_of(finding, "Every attack")}
    one, imputed = attacks[CSMIA], next(row for name, row in attacks.items() if name.startswith("without the model"))
    slices = {row["who"]: row for row in rows_of(finding, "Who is exposed")}
    individual = dict(scoped(report, "individual", sensitive)["settings"])
    return {
        "members": common.share(one["members"]), "others": common.share(one["non-members"]),
        "lot": (common.share(one["members, ties by lot"]), common.share(one["non-members, ties by lot"])),
        "mcc": (float(one["MCC members"]), float(one["MCC non-members"]), float(imputed["MCC members"])),
        "imputed": (common.share(imputed["members"]), common.share(imputed["non-members"])),
        "forest": float(next(row["MCC"] for row in rows_of(finding, "Adversaries without") if row["adversary"] == "random forest")),
        "slices": slices, "verdict": individual["verdict"], "imputer": dict(finding["settings"])["imputer"],
    }  # fmt: skip


class Judge:
    def __init__(self):
        self.failed = []

    def near(self, what, found, wanted, tolerance):
        if not abs(found - wanted) <= tolerance:
            self.failed.append(f"{what}: {found:.3f} is not {wanted:.3f} +- {tolerance}")

    def true(self, what, holds):
        if not holds:
            self.failed.append(what)


def compared(arguments, folder, judge):
    lines, verdicts = [], []
    for name in DATA:
        frame, outcome, sensitive = raw(arguments.data, name)
        order = np.random.default_rng(0).permutation(len(frame))
        members, others = frame.iloc[order[: len(frame) // 2]], frame.iloc[order[len(frame) // 2 :]]
        files = write(members, folder / f"{name}-members.csv"), write(others, folder / f"{name}-others.csv")
        for kind in MODELS:
            model = fitted(name, kind, frame, outcome, order[: len(frame) // 2], folder)
            a, b = (csmia(model, part, outcome, sensitive) for part in (members, others))
            old = RECORDED.get((name, kind))
            line = [f"{name} {kind}", common.pair(old[:2]) if old else "-", common.pair((a["lot"], b["lot"]))]
            if not arguments.reference_only:
                report, *_ = common.run_privet(arguments.privet, plan(arguments.privet, folder, f"{name}-{kind}", model, *files, outcome, [sensitive]))
                found = read(report, sensitive)
                line += [common.pair(found["lot"]), common.pair((found["members"], found["others"])),
                         common.pair(old[2:4]) if old else "-", common.pair(found["imputed"]),
                         " ".join(f"{v:.2f}" for v in old[4:7]) if old else "-", " ".join(f"{v:.2f}" for v in found["mcc"])]  # fmt: skip
                check(judge, name, kind, old, (a, b), found, frame, sensitive, order)
                verdicts.append(verdict_row(name, kind, old, a, b, found))
                swapped, *_ = common.run_privet(arguments.privet, plan(arguments.privet, folder, f"{name}-{kind}-swapped", model, files[1], files[0], outcome, [sensitive]))
                turned = read(swapped, sensitive)
                verdicts[-1].append(turned["verdict"])
                judge.true(f"{name} {kind}: exchanged sets show an individual disclosure", turned["verdict"] != "individual disclosure")
            lines.append(line)
    print("CSMIA, members/non-members; imputation; Matthews' correlation of members, non-members, imputer")
    ours = [] if arguments.reference_only else ["ties by lot", "ties to frequent", "imputed recorded", "privet", "MCC recorded", "privet"]
    common.print_table(["model", "recorded", "numpy", *ours], lines)
    if verdicts:
        print("\nVerdicts; case 1: members/non-members and imputation on the same members")
        common.print_table(["model", "case 1 recorded", "numpy", "privet", "imputed", "verdict of case 1", "verdict", "exchanged"], verdicts)


def forest_imputes(frame, sensitive, order):
    """Accuracy and Matthews' correlation, on 6,000 members, of a forest that learned from 2,000 others, all columns and the outcome."""
    half = len(frame) // 2
    known, asked = frame.iloc[order[half : half + 2000]], frame.iloc[order[:6000]]
    columns = frame.drop(columns=sensitive)
    texts = [c for c in columns if not pd.api.types.is_numeric_dtype(columns[c])]
    encode = ColumnTransformer([("texts", OneHotEncoder(handle_unknown="ignore"), texts)], remainder="passthrough")
    forest = Pipeline([("encode", encode), ("forest", RandomForestClassifier(100, min_samples_leaf=3, random_state=0, n_jobs=1))])
    guesses = forest.fit(known[columns.columns], known[sensitive]).predict(asked[columns.columns])
    return (guesses == asked[sensitive]).mean(), matthews_corrcoef(asked[sensitive], guesses)


def case_one(found):
    return next((row for who, row in found["slices"].items() if "case 1" in who), None)


def check(judge, name, kind, old, reference, found, frame, sensitive, order):
    what = f"{name} {kind}"
    for side, part, lot in zip(("A_mem", "A_hold"), reference, found["lot"]):
        judge.near(f"{what} {side} against numpy", lot, part["lot"], 0.02)
    if (name, kind) == ("gss", "forest"):
        for label, value, wanted in zip(("A_mem", "A_hold"), (found["members"], found["others"]), (0.95, 0.53)):
            judge.near(f"H7 {label}", value, wanted, 0.02)
        judge.near("H7 I", found["imputed"][0], 0.80, 0.02)
        for label, value, wanted in zip(("members", "others"), found["mcc"], (0.85, 0.02)):
            judge.near(f"H7 MCC {label}", value, wanted, 0.02)
        # The recorded adversary was a forest that learned from 2,000 records. privet's competes on 1,500: within twice the error of
        # such a correlation, and never weaker than that.
        accuracy, correlation = forest_imputes(frame, sensitive, order)
        judge.near("H7 I of a forest", accuracy, 0.80, 0.02)
        judge.near("H7 MCC of imputation by a forest", correlation, 0.11, 0.02)
        judge.true("privet's forest imputes worse than that", found["forest"] > correlation - 2 / np.sqrt(1500))
    if (name, kind) == ("adult", "logistic"):
        for label, value, wanted in zip(("A_mem", "A_hold"), (found["members"], found["others"]), (0.692, 0.700)):
            judge.near(f"H8 {label}", value, wanted, 0.02)
    if old and "tree" not in kind:
        for label, value, wanted in zip(("A_mem", "A_hold"), found["lot"], old):
            judge.near(f"{what} {label} against the recorded one", value, wanted, 0.03)
    wanted = VERDICTS.get((name, kind))
    if wanted:
        verdict, slice_name = wanted
        judge.true(f"{what}: verdict {found['verdict']}, not {verdict}", found["verdict"] == verdict)
        if slice_name:
            judge.true(f"{what}: case 1 is {found['slices'][slice_name]['verdict']}", found["slices"][slice_name]["verdict"] == verdict)
            judge.near(f"{what}: case 1", common.share(found["slices"][slice_name]["attack"]), 0.999, 0.01)


def verdict_row(name, kind, old, a, b, found):
    one = case_one(found)
    ours = ["-", "-", "-"]
    if one:
        ours = [common.pair((common.share(one["attack"]), common.share(one["attack, non-members"]))),
                common.rate(common.share(one["imputation"])), one["verdict"]]  # fmt: skip
    return [f"{name} {kind}", common.pair(old[7:9]) if old else "-", common.pair((a["of_ones"], b["of_ones"])), *ours, found["verdict"]]


# ------------------------------------------------------------- white-box attacks


def sweep(arguments, folder, judge):
    """A forest on breast cancer, three columns as sensitive: how often the true number lies where the outcome fits best, by privet and
    by numpy with one record in each interval between thresholds; recorded over all columns: 0.911 of members, 0.802 of others."""
    from sklearn.datasets import load_breast_cancer
    from skl2onnx import to_onnx

    x, y = load_breast_cancer(return_X_y=True)
    x, names = x.astype(np.float32), [f"c{k}" for k in range(x.shape[1])]
    order = np.random.default_rng(0).permutation(len(x))
    members = order[: len(x) // 2]
    forest = RandomForestClassifier(100, random_state=0, n_jobs=1).fit(x[members], y[members])
    onx = to_onnx(forest, x[:1], options={id(forest): {"zipmap": False}}, target_opset={"": 15, "ai.onnx.ml": 3})
    model = folder / "cancer.onnx"
    model.write_bytes(onx.SerializeToString())
    frame = pd.DataFrame(x.astype(float), columns=names).assign(y=y)
    files = folder / "cancer-members.csv", folder / "cancer-others.csv"
    frame.iloc[members].to_csv(files[0], index=False)
    frame.iloc[order[len(x) // 2 :]].to_csv(files[1], index=False)
    runtime = session(model)
    sensitive = [0, 7, 20]

    def held(column):
        cuts = np.unique([t.tree_.threshold[k] for t in forest.estimators_ for k in np.flatnonzero(t.tree_.feature == column)])
        points = np.r_[cuts[0] - 1, (cuts[1:] + cuts[:-1]) / 2, cuts[-1] + 1].astype(np.float32)
        rows = np.repeat(x[members], len(points) + 1, axis=0).reshape(len(members), -1, x.shape[1])
        rows[:, 1:, column] = points
        p = runtime.run(None, {runtime.get_inputs()[0].name: rows.reshape(-1, x.shape[1])})[1].reshape(len(members), -1, 2)
        fit = p[np.arange(len(members)), :, y[members]].round(6)
        return len(points), (fit[:, 0] >= fit.max(1)).mean()

    wanted = {names[c]: held(c) for c in sensitive}
    lines = []
    found = {}
    if not arguments.reference_only:
        written = plan(arguments.privet, folder, "cancer", model, *files, "y", list(wanted))
        report, *_ = common.run_privet(arguments.privet, written)
        for name in wanted:
            finding = scoped(report, "excess", name)
            says = next(limit for limit in finding["limits"] if "hold the true one for" in limit)
            found[name] = (dict(finding["settings"])["numbers tried"], common.share(says.split(" for ")[1].split(" of members")[0]))
    for name, (count, share) in wanted.items():
        tried, ours = found.get(name, ("-", float("nan")))
        lines.append((name, count, common.rate(share), common.rate(ours), tried))
        if found:
            judge.near(f"sweep of {name}", ours, share, 0.001)
            judge.true(f"sweep of {name}: {tried}", f"each of {count} intervals" in tried and "exact" in tried)
    print("\nBest fitting intervals that hold the true number, members")
    common.print_table(["column", "intervals", "numpy", "privet", "numbers tried"], lines)


def white_box(arguments, folder):
    """Attacks on the file beside the others: trees, a forest and a network on GSS. Printed, not judged."""
    from sklearn.neural_network import MLPClassifier

    if arguments.reference_only:
        return
    frame, outcome, sensitive = raw(arguments.data, "gss")
    order = np.random.default_rng(0).permutation(len(frame))
    half = len(frame) // 2
    files = write(frame.iloc[order[:half]], folder / "gss-members.csv"), write(frame.iloc[order[half:]], folder / "gss-others.csv")
    MODELS["network"] = lambda: MLPClassifier((64, 32), max_iter=200, random_state=0)
    lines = []
    for kind in ("tree", "tree-20", "network"):
        model = fitted("gss", kind, frame, outcome, order[:half], folder)
        written = plan(arguments.privet, folder, f"gss-{kind}-white", model, *files, outcome, [sensitive])
        if kind == "network":
            # The file does not say which score is which class.
            classes = ", ".join(f'"{value}"' for value in sorted(frame[outcome].unique()))
            written.write_text(written.read_text().replace("[data]", f"classes = [{classes}]\n\n[data]"))
        report, *_ = common.run_privet(arguments.privet, written)
        finding = scoped(report, "excess", sensitive)
        lines += [(f"gss {kind}", row["attack"], row["members"], row["non-members"]) for row in rows_of(finding, "Every attack")]
        lines.append((f"gss {kind}", "chosen: " + dict(finding["settings"])["attack, chosen on other members"], "", ""))
    print("\nEvery attack, members and non-members")
    common.print_table(["model", "attack", "members", "non-members"], lines)
    MODELS.pop("network")


# ----------------------------------------------------------------------- cost


def cost(arguments, folder, judge):
    """All columns of Adult against the forest: seconds of the audit, and of as many rows asked of onnxruntime on as many threads."""
    frame, outcome, _ = raw(arguments.data, "adult")
    order = np.random.default_rng(0).permutation(len(frame))
    model = folder / "adult-forest.onnx"
    columns = [c for c in frame.columns if c != outcome]
    written = plan(arguments.privet, folder, "adult-all", model, folder / "adult-members.csv", folder / "adult-others.csv", outcome, columns)
    report, *_ = common.run_privet(arguments.privet, written)
    seconds = common.step_seconds(report, "inversion/attribute-inference")
    queries = sum(int(dict(scoped(report, "excess", c)["settings"])["queries planned and sent"].replace(",", "")) for c in columns)
    threads = report["envelope"]["threads"]
    x = frame.drop(columns=outcome).iloc[order]
    runtimes = [session(model) for _ in range(threads)]
    batches = [exports.feeds(runtimes[0], x.iloc[at : at + 1024]) for at in range(0, len(x), 1024)]
    count = -(-queries // 1024)
    from concurrent.futures import ThreadPoolExecutor

    def ask(thread):
        for at in range(thread, count, threads):
            runtimes[thread].run(None, batches[at % len(batches)])

    start = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(ask, range(threads)))
    raw_seconds = time.perf_counter() - start
    print(f"\nCost: {len(columns)} columns, {queries:,} queries, {threads} threads: audit {seconds:.2f} s, onnxruntime alone {raw_seconds:.2f} s, "
          f"{seconds / raw_seconds:.2f} times (at most {MOST_TIMES})")  # fmt: skip
    judge.true(f"the audit takes {seconds / raw_seconds:.2f} times the queries alone", seconds <= MOST_TIMES * raw_seconds)


def main():
    parser = common.arguments(__doc__)
    parser.add_argument("--peers", help="a Python with ART and SACRO-ML, for the table side by side")
    parser.add_argument("--only", choices=["figures", "white-box", "cost", "peers"], help="one part")
    arguments = common.checked(parser)
    folder = arguments.work / "attribute-inference"
    folder.mkdir(exist_ok=True)
    judge = Judge()
    if arguments.only in (None, "figures"):
        compared(arguments, folder, judge)
    if arguments.only in (None, "white-box"):
        sweep(arguments, folder, judge)
        white_box(arguments, folder)
    if arguments.only in (None, "cost") and not arguments.reference_only:
        cost(arguments, folder, judge)
    if arguments.peers and arguments.only in (None, "peers"):
        done = subprocess.run([arguments.peers, common.REPOSITORY / "benches" / "attribute_peers.py", folder], check=False)
        judge.true("the peers did not finish", done.returncode == 0)
    for reason in judge.failed:
        print(f"FAIL {reason}")
    if judge.failed:
        sys.exit(1)


if __name__ == "__main__":
    main()
