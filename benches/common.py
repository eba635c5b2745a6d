"""What the benches share: arguments, membership metrics, data of the shared folder, and running privet.

Everything here is numpy; nothing is taken from privet, so that its numbers can be checked against these.
"""

import argparse
import gzip
import io
import json
import os
import pathlib
import resource
import subprocess
import tarfile
import time

# One thread: the machine is shared, and times of one thread compare better.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np
import pandas as pd

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
FPRS = (0.1, 0.01, 0.001)


# ------------------------------------------------------------------- arguments


def arguments(doc, *, data=True):
    """A parser with the options that every bench has."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", "target"))
    parser.add_argument("--privet", type=pathlib.Path, default=target / "release" / "privet", help="the binary")
    parser.add_argument("--reference-only", action="store_true", help="print the Python numbers and do not run privet")
    parser.add_argument("--work", type=pathlib.Path, required=True,
                        help="a folder outside the repository for trained models, score files, plans and reports")  # fmt: skip
    if data:
        parser.add_argument("--data", type=pathlib.Path, required=True, help="the folder with the raw files")
    return parser


def checked(parser):
    """The parsed arguments; the work folder exists and is absolute, and the binary is there if it is needed."""
    found = parser.parse_args()
    found.work = found.work.resolve()
    found.work.mkdir(parents=True, exist_ok=True)
    if not found.reference_only:
        found.privet = found.privet.resolve()
        if not found.privet.is_file():
            parser.error(f"no privet at {found.privet}: build it, name it with --privet, or say --reference-only")
    return found


def cached(path, make):
    """The arrays stored at `path`, or those that `make` returns, stored for the next run."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        arrays = make()
        unfinished = path.with_suffix(".part.npz")
        np.savez_compressed(unfinished, **arrays)
        unfinished.rename(path)
    with np.load(path) as stored:
        return {name: stored[name] for name in stored.files}


# --------------------------------------------------------------------- metrics


def steps(score, member):
    """Members and non-members at or above each distinct score, from the largest down: whole blocks of ties."""
    order = np.argsort(-score, kind="stable")
    score, member = score[order], member[order].astype(bool)
    last = np.r_[np.flatnonzero(np.diff(score) != 0), len(score) - 1]
    return np.cumsum(member)[last], np.cumsum(~member)[last]


def auc(score, member):
    """Area under the curve; a tie counts one half."""
    hits, false = steps(score, member)
    tpr, fpr = np.r_[0, hits] / hits[-1], np.r_[0, false] / false[-1]
    return float(np.sum(np.diff(fpr) * (tpr[1:] + tpr[:-1])) / 2)


def tpr_at(score, member, limit):
    """The largest TPR among the achievable thresholds whose FPR is within the limit; no interpolation."""
    hits, false = steps(score, member)
    within = false <= np.floor(limit * false[-1] + 1e-9)
    return float(hits[within].max(initial=0) / hits[-1])


def metrics(score, member):
    """AUC and the TPRs at 10 %, 1 % and 0.1 % FPR."""
    return (auc(score, member), *(tpr_at(score, member, limit) for limit in FPRS))


# ------------------------------------------------------------------------ data


def raw_bytes(folder, name):
    """A raw file, plain or gzipped."""
    path = folder / name
    if path.exists():
        return path.read_bytes()
    packed = path.with_name(path.name + ".gz")
    if packed.exists():
        return gzip.decompress(packed.read_bytes())
    raise SystemExit(f"missing raw file: {path}")


def location30(folder):
    """Location-30: 5,010 rows of 446 bits, and labels 0 to 29, in the order of the file."""
    with tarfile.open(fileobj=io.BytesIO(raw_bytes(folder, "location30/dataset_location.tgz"))) as archive:
        text = archive.extractfile("bangkok").read().decode()
    rows = np.array([line.replace('"', "").split(",") for line in text.split()], dtype=np.float32)
    return rows[:, 1:], rows[:, 0].astype(np.int64) - 1


# ---------------------------------------------------------------------- privet


def write_plan(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.strip() + "\n")
    return path


def run_timed(command):
    """Standard output of a command, its seconds, and its processor seconds (its children's too)."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True)
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))} ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout, seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def run_privet(privet, plan, out=None):
    """The report of one run, its seconds, and its processor seconds."""
    out = out or plan.parent / (plan.stem + "-report")
    _, seconds, processor = run_timed([privet, "assess", plan, "--exit-zero", "-q", "--out", out])
    return json.loads((out / "report.json").read_text()), seconds, processor


def step_seconds(report, *prefixes):
    """Seconds of the steps of a run whose names start with one of the prefixes."""
    return sum(seconds for step, seconds in report["envelope"]["seconds"] if step.startswith(prefixes))


def finding(report, measure):
    """The one finding about everybody with this measure; a report without it is an error, not a missing number."""
    for found in report["findings"]:
        if found["measure"] == measure and not found["scope"]:
            return found
    measures = sorted({found["measure"] for found in report["findings"]})
    raise SystemExit(f"the report has no finding `{measure}`, only {', '.join(measures)}")


def reading(report, measure):
    """The value of one finding, or NaN where the finding says that the data cannot show it."""
    estimate = finding(report, measure)["estimate"]
    return estimate["value"] if estimate else float("nan")


def table(report, measure, caption):
    """The rows of the table of a finding whose caption starts like this, each by the name of its column."""
    for evidence in finding(report, measure)["evidence"]:
        if evidence["kind"] == "table" and evidence["caption"].startswith(caption):
            return [dict(zip(evidence["columns"], row)) for row in evidence["rows"]]
    raise SystemExit(f"`{measure}` has no table `{caption}...`")


def share(cell):
    """0.178 from `17.8 %` and from `17.8 % (16.9 to 18.7 %)`; NaN from `not estimable`."""
    if cell == "not estimable":
        return float("nan")
    # Shares of few people are given as a range: its middle.
    ends = [float(end) / 100 for end in cell.split(" (")[0].removesuffix(" %").split(" to ")]
    return sum(ends) / len(ends)


def attack_metrics(report, attack):
    """AUC and TPRs of one attack on all records by its name, in the order of `metrics`, with the digits that are printed."""
    rows = {row["attack"]: row for row in table(report, "membership/auc", "Every attack on all records")}
    if attack not in rows:
        raise SystemExit(f"privet has no attack `{attack}`, only {'; '.join(rows)}")
    row = rows[attack]
    return (float(row["area"]), *(share(row[f"TPR at {100 * limit:g} %"]) for limit in FPRS))


def strongest_metrics(report):
    """What is judged: AUC and TPRs of the attack that was chosen on records that do not report."""
    return tuple(reading(report, f"membership/{name}") for name in ("auc", *(f"tpr-at-fpr-{limit:g}" for limit in FPRS)))


def switched_off(reason, *checks):
    """The lines of a plan that leave checks out."""
    return "".join(f'[checks."{check}"]\nenabled = false\nreason  = "{reason}"\n\n' for check in checks)

def all_but(privet, reason, *kept):
    """The lines of a plan that leave all checks out but these; a name that ends in `/` keeps a family."""
    listed = subprocess.run([privet, "explain"], capture_output=True, text=True, check=True).stdout
    checks = [line.split()[0] for line in listed.splitlines() if not line.startswith(" ")]
    unknown = [name for name in kept if not any(check.startswith(name) for check in checks)]
    if unknown:
        raise SystemExit(f"privet has no check {', '.join(unknown)}, only {', '.join(checks)}")
    families = tuple(name for name in kept if name.endswith("/"))
    return switched_off(reason, *(check for check in checks if check not in kept and not check.startswith(families)))


# ------------------------------------------------------------------- printing


def rate(value):
    """`.897`, or `-` for a missing value."""
    if value is None or np.isnan(value):
        return "-"
    return f"{value:.3f}".replace("0.", ".", 1) if 0 <= value < 1 else f"{value:.3f}"


def pair(values):
    """`AUC/TPR` as the research tables write them."""
    return "/".join(rate(value) for value in values)


def judged(good):
    """A cell that says whether a number is what was asked for."""
    return "pass" if good else "FAIL"


def print_table(header, rows):
    """Columns as wide as their longest cell; the first is left-aligned."""
    cells = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[k]) for row in cells) for k in range(len(header))]
    for row in cells:
        print("  ".join(cell.ljust(w) if k == 0 else cell.rjust(w) for k, (cell, w) in enumerate(zip(row, widths))).rstrip())


def write_csv(path, columns):
    """A CSV of named columns; floats with all their digits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(columns).to_csv(path, index=False, lineterminator="\n")
