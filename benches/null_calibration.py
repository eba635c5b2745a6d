"""How often does each rule claim a leak where there is none? 1,000 relabellings, and planted leaks beside them.

    cargo build --release
    python benches/null_calibration.py --work SCRATCH [--privet target/release/privet] [--runs 1000]

Writes a score file of 1,000 members and 20,000 non-members whose scaled logits depend on a column x and on noise, none of
it on membership, and runs `privet selftest` on it: every run draws up to 1,000 fake members and as many others from the
non-members and carries out the whole membership assessment, the gate included. Printed: false fails, false bounds, and
what the uncorrected rules that other tools use would have claimed on the same runs. Exits with 1 when a rate of privet's
is proven to be over 5 %.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np

PLAN = """
[assessment]
name   = "null-calibration"
output = "null-calibration"
seed   = 7

[scores]
file   = "null.csv"
member = "member"
label  = "label"
kind   = "scaled-logit"
target = "target"

[checks."membership/surrogate-calibrated"]
surrogates = ["logistic"]

[checks."membership/permutation"]
permutations = 199
"""

OURS = ("false_fails", "false_rates", "false_areas", "false_epsilons", "false_permutations", "false_invalid")
OTHERS = ("uncorrected_epsilons", "uncorrected_areas")


def write_scores(path, members=1_000, others=20_000):
    rng = np.random.default_rng(11)
    rows = members + others
    x = rng.normal(size=rows)
    label = (rng.random(rows) < 1 / (1 + np.exp(-2 * x))).astype(int)
    target = 2 * np.where(label == 1, 2 * x, -2 * x) + rng.normal(size=rows)
    member = (np.arange(rows) < members).astype(int)
    lines = ["member,label,target,x"]
    lines += [f"{m},{y},{t:.6f},{v:.6f}" for m, y, t, v in zip(member, label, target, x)]
    path.write_text("\n".join(lines) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--privet", default="target/release/privet")
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--planted", type=int, default=50)
    arguments = parser.parse_args()
    folder = arguments.work / "null-calibration"
    folder.mkdir(parents=True, exist_ok=True)
    write_scores(folder / "null.csv")
    (folder / "plan.toml").write_text(PLAN)
    command = [arguments.privet, "selftest", str(folder / "plan.toml"), "--no-progress"]
    command += ["--runs", str(arguments.runs), "--planted", str(arguments.planted)]
    subprocess.run(command, check=True)
    certificate = json.loads((folder / "null-calibration" / "selftest.json").read_text())
    print()
    for name in OURS + OTHERS:
        share = certificate[name]["share"]
        print(f"{name:22s} {share['value']:6.1%}  ({share['low']:.1%} to {share['high']:.1%})")
    over = [name for name in OURS if certificate[name]["share"]["low"] > 0.05]
    print("proven over 5 %:", ", ".join(over) or "none")
    sys.exit(1 if over else 0)


if __name__ == "__main__":
    main()
