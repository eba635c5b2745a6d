"""Time of privet's score-based part against onnxruntime in Python on the same rows and model, alternating in one run.

    cargo build --release
    python benches/scoring.py [--privet target/release/privet] [--repeats 7] [PLAN ...]

Needs onnxruntime, pandas and pyarrow (datasets/requirements.txt). What is compared:

- Scoring. Python: `InferenceSession.run` on all member and non-member rows, inputs already converted to arrays, all outputs
  asked for, with the session's default threads. privet: the steps `answers` (converting cells, asking about every row)
  and `membership/threshold` (all attacks, choice, intervals) from the envelope of report.json.
- Opening and scoring. Python: creating the session too. privet: the step `model` too (parsing, creating a session per
  thread, working out what the outputs mean).

The ratio of the medians is what counts; the absolute times belong to one machine.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import tempfile
import time
import tomllib

import numpy as np
import onnxruntime
import pandas as pd

TYPES = {"tensor(string)": object, "tensor(int64)": np.int64, "tensor(float)": np.float32, "tensor(double)": np.float64}
SCORING = ("answers", "membership/threshold")


def plain(name):
    """A name without what exporters change."""
    return "".join(c for c in name.lower() if c.isalnum())


def feeds(session, table):
    """One [N, 1] array per input, matched by normalised name."""
    columns = {plain(column): column for column in table.columns}
    return {
        port.name: table[columns[plain(port.name)]].to_numpy().astype(TYPES[port.type]).reshape(-1, 1)
        for port in session.get_inputs()
    }


def python_seconds(model, tables):
    """Seconds to create a session, and to run it."""
    start = time.perf_counter()
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    created = time.perf_counter() - start
    inputs = [feeds(session, table) for table in tables]
    start = time.perf_counter()
    for batch in inputs:
        session.run(None, batch)
    return created, time.perf_counter() - start


def privet_seconds(privet, plan, folder):
    """Seconds of the steps `model`, of scoring, and of the whole run."""
    subprocess.run([privet, "assess", plan, "--exit-zero", "-q", "--out", folder], check=True, capture_output=True)
    steps = dict(json.loads(pathlib.Path(folder, "report.json").read_text())["envelope"]["seconds"])
    return steps["model"], sum(steps[step] for step in SCORING), sum(steps.values())


def compare(plan, privet, repeats):
    settings = tomllib.loads(pathlib.Path(plan).read_text())
    base = pathlib.Path(plan).parent
    tables = [pd.read_parquet(base / settings["data"][key]) for key in ("members", "nonmembers")]
    theirs, ours = [], []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(repeats):
            theirs.append(python_seconds(base / settings["model"]["path"], tables))
            ours.append(privet_seconds(privet, plan, folder))
    created, ran = (statistics.median(column) for column in zip(*theirs))
    opened, scored, whole = (statistics.median(column) for column in zip(*ours))
    rows = sum(len(table) for table in tables)
    print(f"{plan}: {rows} rows, medians of {repeats} alternating runs")
    print(f"  scoring              onnxruntime {ran:.3f} s   privet {scored:.3f} s   ratio {scored / ran:.2f}")
    both = opened + scored
    print(f"  opening and scoring  onnxruntime {created + ran:.3f} s   privet {both:.3f} s   ratio {both / (created + ran):.2f}")
    print(f"  privet's whole run, all checks and the report: {whole:.2f} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("plans", nargs="*", default=["assessments/readmission.toml", "assessments/readmission-regularised.toml"])
    parser.add_argument("--privet", default="target/release/privet")
    parser.add_argument("--repeats", type=int, default=7)
    arguments = parser.parse_args()
    for plan in arguments.plans:
        compare(plan, arguments.privet, arguments.repeats)


if __name__ == "__main__":
    main()
