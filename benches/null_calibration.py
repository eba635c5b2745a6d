"""How often does each rule claim a leak where there is none? 1,000 relabellings, and planted leaks beside them.

    cargo build --release
    python benches/null_calibration.py --work SCRATCH [--privet target/release/privet] [--runs 1000]

Writes a score file of 1,000 members and 20,000 non-members whose scaled logits depend on a column x and on noise, none of
it on membership, and runs `privet selftest` on it: every run draws up to 1,000 fake members and as many others from the
non-members and carries out the whole membership assessment, the gate included. Printed: false fails, false bounds, and
what uncorrected rules would have claimed on the same runs. Exits with 1 when a rate of privet's is proven to be over 5 %.

Then the rules of other tools, written after their sources, on as many draws of 1,000 + 1,000 (score: the target's scaled logit):

- the largest epsilon over all thresholds and four directions (members or non-members, above or below), from a lower bound of
  the ratio of two rates at 95 % by Bailey's, Katz's or Clopper and Pearson's interval (TensorFlow Privacy's rule; Meta's
  PrivacyGuard takes the last);
- the one-run bound of Steinke et al. maximised over the number of guesses, k highest as members and k lowest as
  non-members (Privacy Meter's rule);
- a quantile regression fitted to the non-members on whom its false-positive rate is then counted (SACRO-ML's rule), with
  privet's `membership/quantile` beside it: members and non-members should be flagged alike.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from scipy import stats
from sklearn.ensemble import GradientBoostingRegressor

import common

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


# ------------------------------------------------------- the rules of other tools

ALPHA = 0.05


def bailey(x, n, y, m):
    """Lower bound of a ratio of two rates: Bailey, The American Statistician 41 (1987)."""
    x, y = np.maximum(x, 0.5), np.maximum(y, 0.5)
    z, p, q = stats.norm.ppf(1 - ALPHA), 1 - x / n, 1 - y / m
    root = np.sqrt(np.maximum(p / x + q / y - z**2 * p * q / (9 * x * y), 0))
    return x * m / (n * y) * np.maximum((1 - z * root / 3) / (1 - z**2 * q / (9 * y)), 0) ** 3


def katz(x, n, y, m):
    """Lower bound of a ratio of two rates: Katz et al., Biometrics 34 (1978)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(1 / x - 1 / n + 1 / y - 1 / m)
        bound = np.exp(np.log(x * m / (n * y)) - stats.norm.ppf(1 - ALPHA) * error)
    return np.where((x > 0) & (y > 0), bound, 0)


def clopper_pearson(x, n, y, m):
    """Lower bound of a ratio of two rates: both exact bounds, each at half the error."""
    low = np.where(x > 0, stats.beta.ppf(ALPHA / 2, np.maximum(x, 1), n - x + 1), 0)
    high = np.where(y < m, stats.beta.ppf(1 - ALPHA / 2, y + 1, np.maximum(m - y, 1)), 1)
    return low / high


def four_directions(bound, members, others):
    """The largest epsilon over all thresholds and directions."""
    cuts = np.unique(np.concatenate([members, others]))
    n, m = len(members), len(others)
    above = lambda scores: len(scores) - np.searchsorted(np.sort(scores), cuts)
    a, b = above(members), above(others)
    pairs = [(a, n, b, m), (b, m, a, n), (n - a, n, m - b, m), (m - b, m, n - a, n)]
    with np.errstate(divide="ignore"):
        return max(float(np.log(bound(*pair)).max()) for pair in pairs)


def one_run(members, others):
    """The largest bound over the number of guesses: Steinke, Nasr and Jagielski, NeurIPS 2023, delta = 0."""
    member = np.r_[np.ones(len(members)), np.zeros(len(others))][np.argsort(-np.r_[members, others], kind="stable")]
    k = np.arange(1, len(member) // 2 + 1)
    right = np.cumsum(member)[k - 1] + np.cumsum(1 - member[::-1])[k - 1]
    low = np.where(right > 0, stats.beta.ppf(ALPHA, np.maximum(right, 1), 2 * k - right + 1), 0)
    with np.errstate(divide="ignore"):
        return float(np.log(low / (1 - low)).max())


def other_rules(folder, runs):
    table = np.genfromtxt(folder / "null.csv", delimiter=",", names=True)
    scores = table["target"]
    pool = np.flatnonzero(table["member"] == 0)
    rng = np.random.default_rng(3)
    rules = {"Bailey": bailey, "Katz": katz, "Clopper-Pearson": clopper_pearson}
    claims = {f"best of all thresholds, four directions, {name}": [] for name in rules}
    claims["one-run bound, best number of guesses"] = []
    for _ in range(runs):
        rows = rng.choice(pool, 2_000, replace=False)
        members, others = scores[rows[:1_000]], scores[rows[1_000:]]
        for name, bound in rules.items():
            claims[f"best of all thresholds, four directions, {name}"].append(four_directions(bound, members, others))
        claims["one-run bound, best number of guesses"].append(one_run(members, others))
    print(f"\nRules of other tools, {runs} draws of 1,000 + 1,000: how often epsilon is claimed to be above 0, and how much")
    for name, epsilons in claims.items():
        share, high = np.mean(np.array(epsilons) > 0), np.quantile(epsilons, 0.95)
        print(f"{name:58s} {share:6.1%}   95th percentile {max(high, 0):.2f}")


QUANTILE_PLAN = """
[assessment]
name   = "null-quantile"
output = "report"
seed   = {seed}

[scores]
file   = "draw.csv"
member = "member"
label  = "label"
kind   = "scaled-logit"
target = "target"
"""


def quantile_flags(privet, folder, draws, error=0.1):
    """Members and non-members flagged at a promised error: by an in-sample regression and by privet."""
    table = np.genfromtxt(folder / "null.csv", delimiter=",", names=True)
    pool = np.flatnonzero(table["member"] == 0)
    rng = np.random.default_rng(5)
    in_sample, ours = [], []
    for draw in range(draws):
        rows = rng.choice(pool, 1_200, replace=False)
        member = np.arange(len(rows)) < 600
        x = np.c_[table["x"], table["label"]][rows]
        scores = table["target"][rows]
        model = GradientBoostingRegressor(loss="quantile", alpha=1 - error, random_state=draw)
        over = scores > model.fit(x[~member], scores[~member]).predict(x)
        in_sample.append((over[member].mean(), over[~member].mean()))
        lines = ["member,label,target,x"]
        lines += [f"{int(m)},{int(table['label'][r])},{table['target'][r]:.6f},{table['x'][r]:.6f}" for m, r in zip(member, rows)]
        (folder / "draw.csv").write_text("\n".join(lines) + "\n")
        plan = common.write_plan(folder / "draw.toml", QUANTILE_PLAN.format(seed=draw + 1) + common.all_but(
            privet, "the quantile attack is looked at alone", "membership/quantile"))  # fmt: skip
        report, _, _ = common.run_privet(privet, plan)
        shown = flags(report, error)
        ours += [shown] if shown else []
    print(f"\nQuantile regression at a promised error of {error:.0%}, {draws} draws of 600 + 600: flagged")
    for name, found in {"fitted and counted on the same non-members": in_sample, "privet": ours}.items():
        gap = np.array(found)[:, 0] - np.array(found)[:, 1]
        z = gap.mean() / (gap.std(ddof=1) / len(gap) ** 0.5)
        means = np.mean(found, axis=0)
        print(f"{name:44s} members {means[0]:.1%}, non-members {means[1]:.1%}, difference {gap.mean():+.1%} (z = {z:.1f})")
    return abs(z) < 3


def flags(report, error):
    """The shares that privet prints, of members and of non-members; nothing where a count is withheld."""
    for row in common.table(report, "membership/quantile-auc", "Records flagged"):
        if abs(common.share(row["promised error"]) - error) < 1e-9:
            cells = [row[f"{side} flagged"] for side in ("members", "non-members")]
            withheld = any(cell.startswith("under") for cell in cells)
            return None if withheld else [common.share(cell.split(" (")[0]) for cell in cells]
    raise SystemExit(f"privet promises no error of {error:.0%}")


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
    other_rules(folder, arguments.runs)
    alike = quantile_flags(arguments.privet, folder, 30)
    print("members and non-members are flagged alike by privet:", "yes" if alike else "no")
    sys.exit(1 if over or not alike else 0)


if __name__ == "__main__":
    main()
