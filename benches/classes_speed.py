"""Class statistics of large files: privet measure beside DuckDB, Polars, pandas and pycanon.

    pip install pycanon==1.3.6 "pandas<3" pyarrow polars duckdb
    python benches/classes_speed.py --work FOLDER --rows 10000000 --runs 5
    python benches/classes_speed.py --work FOLDER --rows 100000000 --runs 1

1. Rows x 8 generated quasi-identifiers (90, 2, 8, 16, 50, 5, 40 and 1,000 levels: nearly every record is alone, the worst
   case). Grouping alone: what privet says of its steps `classes` and `measures` beside the group-by of DuckDB and Polars, all of
   columns in memory of the same codes in 8 or 16 bits. The whole process, which reads the Parquet file, beside DuckDB on
   that file. Beyond 20 million rows only privet, and its memory.
2. The same generated rows with one cell in a hundred missing in four of the eight columns (--missing-rows of them).
3. Adult, six quasi-identifiers, income as sensitive: steps of privet (all measures) beside one vectorised group-by of pandas
   (k, l, entropy l, t), both in memory; the whole process beside pandas with reading and, with --pycanon, pycanon's functions
   one after the other.

Runs of the tools take turns; wall seconds are the least of the runs; ratios are peer / privet. All tools may use all cores. Ends
with 1 where a goal is missed.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

import numpy as np
import pandas as pd
from common import REPOSITORY, judged, print_table, step_seconds

LEVELS = {"age": 90, "sex": 2, "race": 8, "education": 16, "country": 50, "marital": 5, "work": 40, "zip3": 1000}
SIX = ["age", "education", "occupation", "relationship", "sex", "native-country"]

# A process is said to have used as much memory as the one that started it had at that moment: a small one starts privet.
LAUNCHER = """
import json, os, subprocess, sys, time
start = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE)
text = process.stdout.read().decode()
_, status, usage = os.wait4(process.pid, 0)
seconds = time.perf_counter() - start
print(json.dumps([text, status, seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024]))
"""


def generated(path, rows, missing=0.0):
    """Writes the rows in row groups of a million."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if path.exists():
        return
    rng = np.random.default_rng(7)
    schema = pa.schema([(name, pa.int32()) for name in LEVELS])
    with pq.ParquetWriter(path.with_suffix(".part"), schema) as writer:
        for start in range(0, rows, 1_000_000):
            size = min(1_000_000, rows - start)
            columns = []
            for at, levels in enumerate(LEVELS.values()):
                codes = rng.integers(0, levels, size, dtype=np.int32)
                mask = rng.random(size) < missing if missing and at < 4 else None
                columns.append(pa.array(codes, mask=mask))
            writer.write_table(pa.table(columns, schema=schema))
    path.with_suffix(".part").rename(path)


def taking_turns(runs, **tools):
    """Of every tool the least wall seconds of its runs, and its last answer."""
    best = dict.fromkeys(tools, (float("inf"), None))
    for _ in range(runs):
        for name, run in tools.items():
            start = time.perf_counter()
            answer = run()
            best[name] = min(best[name][0], time.perf_counter() - start), answer
    return best


class Privet:
    """Runs of `privet measure` on one file."""

    def __init__(self, *arguments):
        self.arguments = [*map(str, arguments), "--json"]
        self.whole = self.grouping = self.reading = self.processor = float("inf")
        self.memory = 0.0
        self.found = None

    def run(self):
        command = [sys.executable, "-S", "-c", LAUNCHER, *self.arguments]
        text, status, whole, processor, memory = json.loads(subprocess.check_output(command))
        if status != 0:
            raise SystemExit("privet failed")
        self.found = json.loads(text)
        self.whole = min(self.whole, whole)
        self.grouping = min(self.grouping, step_seconds(self.found, "classes", "measures"))
        self.reading = min(self.reading, step_seconds(self.found, "read"))
        self.processor = min(self.processor, processor)
        self.memory = max(self.memory, memory)

    def describe(self):
        note = f"reading {self.reading:.4f} s, {self.processor:.3f} CPU s, peak {self.memory:.0f} MB"
        line("privet measure, whole process", self.whole, None, note)
        line("privet measure, steps classes and measures", self.grouping)


def line(name, seconds, ours=None, note=""):
    ratio = "" if ours is None else f"{seconds / ours:8.1f} x"
    print(f"{name:<52} {seconds:9.4f} s {ratio:>11}  {note}", flush=True)


def title(text):
    print(f"\n{text}; load average {os.getloadavg()[0]:.1f}", flush=True)


def large(arguments, binary, goals):
    path = arguments.work / f"generated_{arguments.rows}.parquet"
    generated(path, arguments.rows)
    names = ",".join(LEVELS)
    title(f"{arguments.rows:,} rows x {len(LEVELS)}")
    ours = Privet(binary, "measure", path, "--quasi-identifiers", names)
    if arguments.rows > 20_000_000:
        taking_turns(arguments.runs, privet=ours.run)
        ours.describe()
        if arguments.rows >= 100_000_000:
            goals.append(("memory from Parquet", f"{ours.memory:.0f} MB", "at most 4096 MB", ours.memory <= 4096))
        return
    import duckdb
    import polars as pl

    kinds = {name: pl.UInt8 if levels <= 256 else pl.UInt16 for name, levels in LEVELS.items()}
    frame = pl.read_parquet(path).cast(kinds)
    count = lambda: frame.group_by(list(LEVELS)).len().select(pl.len().alias("groups"), pl.col("len").min()).row(0)  # noqa: E731
    duck = duckdb.connect()
    duck.register("rows", frame.to_arrow())
    duck.execute("create table codes as select * from rows")
    query = f"select count(*), min(n) from (select count(*) n from codes group by {names})"
    query_file = query.replace("from codes", f"from '{path}'")
    best = taking_turns(
        arguments.runs,
        privet=ours.run,
        polars=count,
        duckdb=lambda: duck.execute(query).fetchone(),
        file=lambda: duck.execute(query_file).fetchone(),
    )
    ours.describe()
    answer = (ours.found["classes"], ours.found["k"])
    for name, what in [("polars", "Polars group_by"), ("duckdb", "DuckDB group by")]:
        seconds, theirs = best[name]
        assert theirs == answer
        line(f"{what}, same codes in memory", seconds, ours.grouping)
        ratio = seconds / ours.grouping
        goals.append((f"{what}, same codes in memory", f"{ratio:.1f} x", "at least 8 x", ratio >= 8))
    line("DuckDB group by, from Parquet", best["file"][0], ours.whole)
    if arguments.rows == 10_000_000:
        goals.append(("10 M rows from Parquet", f"{ours.whole:.3f} s", "under 2 s", ours.whole < 2))


def missing(arguments, binary, goals):
    path = arguments.work / f"missing_{arguments.missing_rows}.parquet"
    generated(path, arguments.missing_rows, 0.01)
    title(f"{arguments.missing_rows:,} rows, 1 % missing in four of eight columns, own and wildcard")
    ours = Privet(binary, "measure", path, "--quasi-identifiers", ",".join(LEVELS))
    taking_turns(arguments.runs, privet=ours.run)
    ours.describe()
    if arguments.missing_rows == 1_000_000:
        goals.append(("1 M rows with missing cells", f"{ours.whole:.3f} s", "under 5 s", ours.whole < 5))


def family(frame):
    """k, l, entropy l and t (equal distances) with vectorised group-bys."""
    sizes = frame.groupby(SIX, observed=True, sort=False).ngroup()
    counts = pd.DataFrame({"g": sizes, "s": frame["income"]}).groupby(["g", "s"], observed=True).size().reset_index(name="n")
    total = counts.groupby("g")["n"].transform("sum")
    q = counts["n"] / total
    p = counts["s"].map(frame["income"].value_counts(normalize=True)).astype(float)
    by = counts.assign(h=-q * np.log(q), moved=(q - p).abs(), met=p).groupby("g").agg(
        n=("n", "sum"), l=("n", "size"), h=("h", "sum"), moved=("moved", "sum"), met=("met", "sum"))
    t = 0.5 * (by["moved"] + 1 - by["met"])
    return int(by["n"].min()), int(by["l"].min()), float(np.exp(by["h"].min())), float(t.max())


def adult(arguments, binary, goals):
    path = REPOSITORY / "datasets/adult/adult.parquet"
    title("Adult, six quasi-identifiers, income")
    ours = Privet(binary, "measure", path, "--quasi-identifiers", ",".join(SIX), "--sensitive", "income")
    frame = pd.read_parquet(path)
    best = taking_turns(
        max(arguments.runs, 10),
        privet=ours.run,
        memory=lambda: family(frame),
        file=lambda: family(pd.read_parquet(path)),
    )
    ours.describe()
    t = next(f["estimate"]["value"] for f in ours.found["sensitive"] if f["measure"].endswith("t-closeness"))
    k, _, _, other = best["memory"][1]
    assert k == ours.found["k"] and abs(other - t) < 1e-9
    pandas = best["memory"][0]
    line("pandas group-by (k, l, entropy l, t), in memory", pandas, ours.grouping)
    line("pandas group-by, with reading the file", best["file"][0], ours.whole)
    ratio = pandas / ours.grouping
    goals.append(("pandas group-by, in memory", f"{ratio:.1f} x", "at least 10 x", ratio >= 10))
    if arguments.pycanon:
        pycanon(frame, ours, goals)


def pycanon(frame, ours, goals):
    """The functions one after the other, beside the whole process of privet, reading included."""
    from pycanon import anonymity

    line("pycanon k_anonymity", whole := taking_turns(1, k=lambda: anonymity.k_anonymity(frame, SIX))["k"][0], ours.whole)
    for name in ["l_diversity", "entropy_l_diversity", "alpha_k_anonymity", "recursive_c_l_diversity", "t_closeness",
                 "basic_beta_likeness", "enhanced_beta_likeness", "delta_disclosure"]:  # fmt: skip
        call = getattr(anonymity, name)
        seconds = taking_turns(1, it=lambda: call(frame, SIX, ["income"]))["it"][0]  # noqa: B023
        whole += seconds
        line(f"pycanon {name}", seconds, ours.whole)
    line("pycanon, the whole family", whole, ours.whole)
    ratio = whole / ours.whole
    goals.append(("pycanon, the whole family", f"{ratio:,.0f} x", "at least 1,000 x", ratio >= 1000))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", "target"))
    parser.add_argument("--privet", type=pathlib.Path, default=target / "release" / "privet", help="the binary")
    parser.add_argument("--work", type=pathlib.Path, required=True, help="a folder outside the repository for generated files")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--missing-rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--pycanon", action="store_true", help="run pycanon too (minutes)")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    binary = arguments.privet.resolve()
    goals = []
    adult(arguments, binary, goals)
    missing(arguments, binary, goals)
    large(arguments, binary, goals)
    print()
    print_table(["goal", "found", "wanted", ""], [[*goal, judged(good)] for *goal, good in goals])
    raise SystemExit(0 if all(good for *_, good in goals) else 1)


if __name__ == "__main__":
    main()
