"""Time and strength of membership attacks side by side in one run: ART, SACRO-ML and privet; numpy's RMIA and privet's.

    cargo build --release
    python benches/membership_speed.py --work SCRATCH --peers PYTHON [--privet target/release/privet] [--repeats 5]

PYTHON is the interpreter of another environment: `pip install adversarial-robustness-toolbox sacroml packaging onnxruntime
pyarrow` (several GB: torch). Without --peers the first table has privet alone; with --reference-only neither runs privet.

First table: one ONNX file (datasets/readmission/overfit.onnx), the same 10,000 + 10,000 rows, every program asks the file
itself through onnxruntime, alternating, medians of the repeats.

- ART: `MembershipInferenceBlackBox`, attack model `nn` (its default), `rf` or `gb`, over a `BlackBoxClassifier` whose predict function is the
  ONNX session (text columns as codes, since ART takes numbers only); fitted on a random half of members and non-members
  (seed 0), scored on the other half.
- SACRO-ML: `WorstCaseAttack(n_reps=10, test_prop=0.5)` on the file's probabilities, with its reports; AUC is its mean.
- privet: a plan with the learned attack alone (the threshold attacks and the held-out choice come with it), one with all checks of
  membership, and one with every check (assessments/readmission.toml). Its numbers are those of the strongest attack, on records that
  did not choose it; for the learned attack alone those of its row in the table of all attacks.

`whole` is the process from start to end with imports and reports; `attack` is fitting and scoring with the questions to the
model (ART: fit + infer; SACRO-ML: `attack()`, reports included; privet: the steps `answers` and `membership/*`). Judged, and the
exit code is 1 if one fails: like against like, privet's whole run with the learned attack alone takes less time than any peer's,
and its AUC is at most 0.01 below. All of membership costs more: most of that are 16 surrogates.
Times of one machine; the ratios are what counts. `cpu` counts both cores.

Second table: RMIA with 30 references on 10,000 records (5,000 of them members; synthetic scores: difficulty N(0, 2),
N(0, 1) noise per model, +3 where learned; each reference learned a random half), offline, a = 0.3, z = the 5,000
non-members. numpy: the n x z matrix of ratios as Privacy Meter computes it. privet: score-file mode on the same Parquet
file, with RMIA, thresholds and the held-out choice alone (`attack` is the step of RMIA, which computes both forms and the
interval), and with every attack.
"""

import json
import pathlib
import statistics
import sys
import tempfile
import time

import numpy as np
import pandas as pd

import common

READMISSION = common.REPOSITORY / "datasets" / "readmission"
SEED = 0


# ---------------------------------------------------- inside the peers' process


class Forest:
    """The ONNX file as a function of a matrix of numbers, text columns as codes."""

    def __init__(self):
        import onnxruntime

        onnxruntime.set_default_logger_severity(3)
        self.session = onnxruntime.InferenceSession(str(READMISSION / "overfit.onnx"), providers=["CPUExecutionProvider"])
        plain = lambda name: "".join(c for c in name.lower() if c.isalnum())
        tables = [pd.read_parquet(READMISSION / f"{name}.parquet") for name in ("members", "nonmembers")]
        both = pd.concat(tables, ignore_index=True)
        column_of = {plain(c): c for c in both.columns}
        self.columns = [column_of[plain(port.name)] for port in self.session.get_inputs()]
        self.values = [np.unique(both[c].to_numpy()) if port.type == "tensor(string)" else None
                       for c, port in zip(self.columns, self.session.get_inputs())]  # fmt: skip
        self.x = np.column_stack([both[c] if values is None else np.searchsorted(values, both[c].to_numpy())
                                  for c, values in zip(self.columns, self.values)]).astype(np.float32)  # fmt: skip
        self.classes = np.unique(both["readmitted"])
        self.y = np.searchsorted(self.classes, both["readmitted"].to_numpy())
        self.member = np.arange(len(both)) < len(tables[0])

    def probabilities(self, x):
        feeds = {}
        for k, (port, values) in enumerate(zip(self.session.get_inputs(), self.values)):
            codes = x[:, k].astype(np.int64)
            feeds[port.name] = (codes if values is None else values[codes]).reshape(-1, 1)
        maps = self.session.run(None, feeds)[-1]
        return np.array([[row[c] for c in self.classes] for row in maps], dtype=np.float32)


def attack_with_art(forest, kind):
    from art.attacks.inference.membership_inference import MembershipInferenceBlackBox
    from art.estimators.classification import BlackBoxClassifier

    half = np.random.default_rng(SEED).permutation(len(forest.y)) < len(forest.y) // 2
    member, other = forest.member, ~forest.member
    start = time.perf_counter()
    classifier = BlackBoxClassifier(forest.probabilities, (forest.x.shape[1],), len(forest.classes))
    attack = MembershipInferenceBlackBox(classifier, attack_model_type=kind)
    x, y = forest.x, forest.y
    attack.fit(x[half & member], y[half & member], x[half & other], y[half & other])
    score = np.asarray(attack.infer(x[~half], y[~half], probabilities=True)).ravel()
    seconds = time.perf_counter() - start
    return {"attack": seconds, "metrics": common.metrics(score, member[~half])}


def attack_with_sacro(forest):
    from sacroml.attacks.target import Target
    from sacroml.attacks.worst_case_attack import WorstCaseAttack

    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        p = forest.probabilities(forest.x)
        target = Target(proba_train=p[forest.member], proba_test=p[~forest.member])
        attack = WorstCaseAttack(n_reps=10, test_prop=0.5, output_dir=folder)
        output = attack.attack(target)
        seconds = time.perf_counter() - start
    runs = output["attack_experiment_logger"]["attack_instance_logger"].values()
    mean = lambda key: float(np.mean([run[key] for run in runs]))
    return {"attack": seconds, "metrics": (mean("AUC"), float("nan"), float("nan"), mean("TPR@0.1%"))}


def peer(name):
    """What a peer's process does; its last line is the result."""
    forest = Forest()
    found = attack_with_sacro(forest) if name == "sacro" else attack_with_art(forest, name)
    print("\n" + json.dumps(found))


# ---------------------------------------------------------- the readmission model

PEERS = {"ART, learned attack, nn": "nn", "ART, learned attack, rf": "rf", "ART, learned attack, gb": "gb", "SACRO-ML, worst case": "sacro"}

# The checks of each of privet's plans that are left on; nothing: the plan of the repository, with every check.
LEARNED = ("membership/threshold", "membership/worst-case", "membership/strongest")
# No peer resamples: the bootstrap that stands beside the judged intervals, for reading, is left out where like meets like.
NO_BOOTSTRAP = '[checks."membership/strongest"]\nreplicates = 0\n'
LEARNED_ROW = "learned from all signals"
PRIVET = {
    "privet, learned attack alone": LEARNED,
    "privet, all of membership": ("membership/",),
    "privet, every check": None,
}


def readmission_plan(checks):
    return f"""
[assessment]
name   = "readmission-membership"
output = "membership-report"
seed   = 20261121

[model]
path = "{READMISSION}/overfit.onnx"

[data]
members    = "{READMISSION}/members.parquet"
nonmembers = "{READMISSION}/nonmembers.parquet"
target     = "readmitted"
patient    = "patient_nbr"

[columns]
identifiers = ["encounter_id"]

{checks}"""


def once(name, arguments):
    """Seconds of the whole process and of the attack, processor seconds, and the metrics."""
    if name in PEERS:
        out, whole, processor = common.run_timed([arguments.peers, __file__, "--peer", PEERS[name]])
        found = json.loads(out.splitlines()[-1])
        return whole, found["attack"], processor, found["metrics"]
    kept, plan = PRIVET[name], common.REPOSITORY / "assessments" / "readmission.toml"
    if kept:
        checks = common.all_but(arguments.privet, "these attacks are timed alone", *kept)
        checks += NO_BOOTSTRAP if kept is LEARNED else ""
        plan = common.write_plan(arguments.work / "speed" / "membership.toml", readmission_plan(checks))
    report, whole, processor = common.run_privet(arguments.privet, plan, arguments.work / "speed" / "report")
    found = common.attack_metrics(report, LEARNED_ROW) if kept is LEARNED else common.strongest_metrics(report)
    return whole, common.step_seconds(report, "answers", "membership/"), processor, found


def readmission(arguments):
    """Prints the first table; whether privet is no worse than its peers, like against like."""
    names = list(PEERS) if arguments.peers else []
    names += [] if arguments.reference_only else list(PRIVET)
    runs = {name: [] for name in names}
    for _ in range(arguments.repeats):
        for name in names:
            runs[name].append(once(name, arguments))
    if not names:
        return True
    medians = {name: [statistics.median(run[k] for run in of) for k in range(3)] for name, of in runs.items()}
    base = medians.get("privet, learned attack alone")
    rows = []
    for name, (whole, attack, processor) in medians.items():
        scores = runs[name][-1][3]
        row = [name, f"{whole:.2f}", f"{attack:.3f}", f"{processor:.2f}", *(common.rate(scores[k]) for k in (0, 2, 3))]
        rows.append(row + ([f"{whole / base[0]:.1f}", f"{attack / base[1]:.1f}"] if base else []))
    ratios = ["whole / learned alone", "attack / learned alone"] if base else []
    print(f"Readmission forest, 10,000 + 10,000 rows, seconds, medians of {arguments.repeats}")
    common.print_table(["program", "whole", "attack", "cpu", "AUC", "TPR@1%", "TPR@0.1%", *ratios], rows)
    worse = []
    for name in PEERS if arguments.peers and base else ():
        area = runs["privet, learned attack alone"][-1][3][0] - runs[name][-1][3][0]
        good = medians[name][0] > base[0] and area >= -0.01
        print(f"{common.judged(good)}: against {name}, {medians[name][0] / base[0]:.1f} times as fast, AUC {area:+.3f}")
        worse += [] if good else [name]
    return not worse


# -------------------------------------------------------------------------- RMIA

ROWS, REFERENCES, A = 10_000, 30, 0.3


def rmia_file(path):
    rng = np.random.default_rng(SEED)
    difficulty = rng.normal(0, 2, ROWS)
    learned = rng.permuted(np.tile(np.arange(ROWS) < ROWS // 2, (REFERENCES + 1, 1)), axis=1).T
    phi = difficulty[:, None] + rng.normal(0, 1, learned.shape) + 3.0 * learned
    columns = {"member": learned[:, 0].astype(np.int64), "label": np.zeros(ROWS, np.int64), "target": phi[:, 0]}
    for r in range(REFERENCES):
        columns |= {f"ref{r}": phi[:, r + 1], f"ref{r}_in": learned[:, r + 1].astype(np.int64)}
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(columns).to_parquet(path, index=False)


def rmia_matrix(own, p, learned, member):
    """The share of population rows with a smaller ratio, by the matrix of all ratios."""
    out = np.where(learned, 0.0, p).sum(axis=1) / np.maximum((~learned).sum(axis=1), 1)
    ratio = own / (0.5 * ((1 + A) * out + (1 - A)))
    return np.average(ratio[:, None] / ratio[~member][None, :] > 1.0, axis=1)


def rmia_reference(path):
    """What the numpy process does: read, attack; its last line is the result."""
    table = pd.read_parquet(path)
    p = 1 / (1 + np.exp(-table[[f"ref{r}" for r in range(REFERENCES)]].to_numpy()))
    own = 1 / (1 + np.exp(-table["target"].to_numpy()))
    learned = table[[f"ref{r}_in" for r in range(REFERENCES)]].to_numpy(dtype=bool)
    member = table["member"].to_numpy(dtype=bool)
    start = time.perf_counter()
    score = rmia_matrix(own, p, learned, member)
    seconds = time.perf_counter() - start
    print(json.dumps({"attack": seconds, "metrics": common.metrics(score, member)}))


def rmia_plan(checks):
    references = "".join(f'[scores.references.r{r}]\nscores = "ref{r}"\nmember = "ref{r}_in"\n' for r in range(REFERENCES))
    return f"""
[assessment]
name   = "rmia-speed"
output = "rmia-report"
seed   = 1

[scores]
file   = "rmia.parquet"
member = "member"
label  = "label"
kind   = "scaled-logit"
target = "target"
random_split = "simulated: members are exchangeable with the others"
{references}
{checks}"""


def rmia(arguments):
    """Prints the second table; whether privet's step is the faster."""
    path = arguments.work / "speed" / "rmia.parquet"
    rmia_file(path)
    runs = {"numpy, n x z matrix": []}
    plans = {}
    if not arguments.reference_only:
        kept = ("membership/threshold", "membership/rmia", "membership/strongest")
        checks = common.all_but(arguments.privet, "RMIA is timed alone", *kept) + NO_BOOTSTRAP
        plans["privet, RMIA"] = common.write_plan(path.with_name("rmia-alone.toml"), rmia_plan(checks)), "membership/rmia"
        plans["privet, every attack"] = common.write_plan(path.with_name("rmia-all.toml"), rmia_plan("")), "membership/"
    for _ in range(arguments.repeats):
        out, whole, processor = common.run_timed([sys.executable, __file__, "--numpy-rmia", path])
        found = json.loads(out.splitlines()[-1])
        runs["numpy, n x z matrix"].append((whole, found["attack"], processor, found["metrics"]))
        for name, (plan, step) in plans.items():
            report, whole, processor = common.run_privet(arguments.privet, plan)
            found = whole, common.step_seconds(report, step), processor, common.attack_metrics(report, "RMIA, offline, a = 0.3")
            runs.setdefault(name, []).append(found)
    rows, medians = [], {}
    for name, of in runs.items():
        medians[name] = whole, attack, processor = [statistics.median(run[k] for run in of) for k in range(3)]
        scores = of[-1][3]
        rows.append([name, f"{whole:.2f}", f"{attack:.3f}", f"{processor:.2f}", *(common.rate(scores[k]) for k in (0, 2, 3))])
    print(f"\nRMIA, {REFERENCES} references, {ROWS:,} records, seconds, medians of {arguments.repeats}")
    common.print_table(["program", "whole", "attack", "cpu", "RMIA AUC", "TPR@1%", "TPR@0.1%"], rows)
    if not plans:
        return True
    numpy, alone = medians["numpy, n x z matrix"], medians["privet, RMIA"]
    print(f"numpy / privet with RMIA alone: whole {numpy[0] / alone[0]:.1f}, attack {numpy[1] / alone[1]:.1f}")
    return alone[1] < numpy[1]


def main():
    if "--peer" in sys.argv:
        return peer(sys.argv[sys.argv.index("--peer") + 1])
    if "--numpy-rmia" in sys.argv:
        return rmia_reference(pathlib.Path(sys.argv[-1]))
    parser = common.arguments(__doc__, data=False)
    parser.add_argument("--peers", type=pathlib.Path, help="python of the environment with ART and SACRO-ML")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = common.checked(parser)
    faster = readmission(arguments), rmia(arguments)
    if not all(faster):
        sys.exit("privet is slower somewhere")


if __name__ == "__main__":
    main()
