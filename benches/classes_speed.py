"""Class statistics of large files: privet measure beside DuckDB, Polars, pandas and pycanon.

    python -m venv /tmp/reidvenv && /tmp/reidvenv/bin/pip install pycanon==1.3.6 "pandas<3" pyarrow polars duckdb
    /tmp/reidvenv/bin/python benches/classes_speed.py --work /tmp/classes --rows 10000000 --runs 3

1. Rows x 8 generated quasi-identifiers (90, 2, 8, 16, 50, 5, 40 and 1,000 levels: nearly every record is alone, the worst
   case). privet reads the Parquet file itself; DuckDB and Polars group columns of 16-bit codes that are in memory already.
2. Adult, six quasi-identifiers, income as sensitive: privet (reading the file, all measures) beside one vectorised group-by of
   pandas (k, l, entropy l, t) and, with --pycanon, pycanon's functions one after the other.
3. The same generated rows with one cell in a hundred missing in four of the eight columns (--missing-rows of them).

Wall seconds are the least of the runs; ratios are peer / privet. All tools may use all cores.
"""

import argparse
import json
import os
import pathlib
import subprocess
import time

import numpy as np
import pandas as pd

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
LEVELS = {"age": 90, "sex": 2, "race": 8, "education": 16, "country": 50, "marital": 5, "work": 40, "zip3": 1000}
SIX = ["age", "education", "occupation", "relationship", "sex", "native-country"]


def generated(path, rows, missing=0.0):
    """Writes the rows in row groups of a million and returns the columns as 16-bit codes, where they fit into memory."""
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


def timed(run, runs):
    """The least wall seconds, and the last answer."""
    best, answer = float("inf"), None
    for _ in range(runs):
        start = time.perf_counter()
        answer = run()
        best = min(best, time.perf_counter() - start)
    return best, answer


def privet(arguments, runs):
    """Least wall seconds, CPU seconds and peak memory (MB) of `privet measure`, and its JSON."""

    def run():
        process = subprocess.Popen([*arguments, "--json"], stdout=subprocess.PIPE)
        text = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        assert status == 0, "privet failed"
        return json.loads(text), usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024

    seconds, (found, cpu, memory) = timed(run, runs)
    return seconds, cpu, memory, found


def line(name, seconds, ours=None, note=""):
    ratio = "" if ours is None else f"{seconds / ours:8.1f} x"
    print(f"{name:<52} {seconds:9.3f} s {ratio:>11}  {note}", flush=True)


def large(arguments, binary):
    path = arguments.work / f"generated_{arguments.rows}.parquet"
    generated(path, arguments.rows)
    names = ",".join(LEVELS)
    print(f"\n{arguments.rows:,} rows x {len(LEVELS)}, load average {os.getloadavg()[0]:.1f}")
    ours, cpu, memory, found = privet([binary, "measure", path, "--quasi-identifiers", names], arguments.runs)
    line("privet measure, from Parquet", ours, None, f"{cpu:.2f} CPU s, {memory:.0f} MB, {found['classes']:,} groups, k {found['k']}")
    if arguments.rows > 20_000_000:
        return
    import duckdb
    import polars as pl

    frame = pl.read_parquet(path).cast(pl.UInt16)
    count = lambda: frame.group_by(list(LEVELS)).len().select(pl.len().alias("groups"), pl.col("len").min())  # noqa: E731
    seconds, answer = timed(count, arguments.runs)
    assert answer.row(0) == (found["classes"], found["k"])
    line("Polars group_by, codes in memory", seconds, ours)
    duck = duckdb.connect()
    table = frame.to_arrow()
    duck.register("rows", table)
    duck.execute("create table codes as select * from rows")
    query = f"select count(*), min(n) from (select count(*) n from codes group by {names})"
    seconds, answer = timed(lambda: duck.execute(query).fetchone(), arguments.runs)
    assert answer == (found["classes"], found["k"])
    line("DuckDB group by, codes in memory", seconds, ours)
    query = query.replace("from codes", f"from '{path}'")
    seconds, answer = timed(lambda: duck.execute(query).fetchone(), arguments.runs)
    line("DuckDB group by, from Parquet", seconds, ours)


def missing(arguments, binary):
    path = arguments.work / f"missing_{arguments.missing_rows}.parquet"
    generated(path, arguments.missing_rows, 0.01)
    print(f"\n{arguments.missing_rows:,} rows, 1 % missing in four of eight columns, load average {os.getloadavg()[0]:.1f}")
    ours, cpu, memory, found = privet([binary, "measure", path, "--quasi-identifiers", ",".join(LEVELS)], arguments.runs)
    note = f"{cpu:.2f} CPU s, {memory:.0f} MB, k {found['k']}, wildcard k {found['k_wildcard']}"
    line("privet measure, own and wildcard, from Parquet", ours, None, note)


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


def adult(arguments, binary):
    path = REPOSITORY / "datasets/adult/adult.parquet"
    print(f"\nAdult, six quasi-identifiers, income; load average {os.getloadavg()[0]:.1f}")
    command = [binary, "measure", path, "--quasi-identifiers", ",".join(SIX), "--sensitive", "income"]
    ours, cpu, memory, found = privet(command, max(arguments.runs, 5))
    t = next(f["estimate"]["value"] for f in found["sensitive"] if f["measure"].endswith("t-closeness"))
    line("privet measure, whole process, all measures", ours, None, f"{cpu:.3f} CPU s, {memory:.0f} MB, k {found['k']}, t {t:.6f}")
    frame = pd.read_parquet(path)
    seconds, (k, l, entropy, other) = timed(lambda: family(frame), max(arguments.runs, 5))
    assert k == found["k"] and abs(other - t) < 1e-9
    line("pandas group-by (k, l, entropy l, t), in memory", seconds, ours)
    seconds, _ = timed(lambda: family(pd.read_parquet(path)), max(arguments.runs, 5))
    line("pandas group-by, with reading the file", seconds, ours)
    if arguments.pycanon:
        from pycanon import anonymity

        calls = [
            ("k_anonymity", lambda: anonymity.k_anonymity(frame, SIX)),
            ("l_diversity", lambda: anonymity.l_diversity(frame, SIX, ["income"])),
            ("entropy_l_diversity", lambda: anonymity.entropy_l_diversity(frame, SIX, ["income"])),
            ("alpha_k_anonymity", lambda: anonymity.alpha_k_anonymity(frame, SIX, ["income"])),
            ("recursive_c_l_diversity", lambda: anonymity.recursive_c_l_diversity(frame, SIX, ["income"])),
            ("t_closeness", lambda: anonymity.t_closeness(frame, SIX, ["income"])),
            ("basic_beta_likeness", lambda: anonymity.basic_beta_likeness(frame, SIX, ["income"])),
            ("enhanced_beta_likeness", lambda: anonymity.enhanced_beta_likeness(frame, SIX, ["income"])),
            ("delta_disclosure", lambda: anonymity.delta_disclosure(frame, SIX, ["income"])),
        ]
        whole = 0.0
        for name, call in calls:
            seconds, _ = timed(call, 1)
            whole += seconds
            line(f"pycanon {name}", seconds, ours)
        line("pycanon, the whole family", whole, ours)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", "target"))
    parser.add_argument("--privet", type=pathlib.Path, default=target / "release" / "privet", help="the binary")
    parser.add_argument("--work", type=pathlib.Path, required=True, help="a folder outside the repository for generated files")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--missing-rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--pycanon", action="store_true", help="run pycanon too (minutes)")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    binary = arguments.privet.resolve()
    large(arguments, binary)
    missing(arguments, binary)
    adult(arguments, binary)


if __name__ == "__main__":
    main()
