"""Song-Mittal's four attacks on the saved Location-30 predictions of the MemGuard evaluation, by numpy and by privet.

    cargo build --release
    python benches/location30_saved.py --data RAW --work SCRATCH [--privet target/release/privet] [--reference-only]

RAW/location30 holds `dataset_location.tgz`, `location_target_predictions.npz`, `location_shadow_predictions.npz` and
`shuffle_index.npz`. Nothing is trained. What is shown: the attack accuracies that the authors' own script prints for the
undefended and the defended (MemGuard) target, the same from this file's numpy, and privet's from a score-file plan.

The recipe, to the letter:

- Rows. `shuffle_index["x"]` orders the rows of `bangkok` as they stand in the file. Target predictions: rows 0-999 of that
  order are the members, rows 2000-2999 the non-members. Shadow predictions: 3000-3499 members, 4000-4499 non-members.
- Values. `tc_output` (f32) undefended, `defense_output` (f64) defended; the shadow is taken defended too where the target
  is. All arithmetic is f64 here, f32 in the authors' file; the accuracies agree to the three digits printed (checked).
- Signals, larger = more like a member, p the probabilities, y the true class:
  confidence p_y; entropy sum p ln p, a term with p = 0 being 0; modified entropy (1 - p_y) ln p_y + sum_{j != y} p_j ln(1 - p_j),
  where p_y = 0 gives ln 1e-30 as the whole first term and p_j = 1 gives ln 1e-30 as the whole j-th term.
- Threshold of a class, on the shadow's rows of that class: every observed value is a candidate, tried in the order members
  (file order), then non-members; its accuracy is 0.5 (share of members >= value + share of non-members < value); the first
  candidate with the largest accuracy wins, later equal ones do not replace it; if none is above 0 the threshold is 0.
- Decision on the target: member if value >= the threshold of the row's true class.
- Accuracy: 0.5 (share of members called members + share of non-members called non-members), over all classes together.
- Correctness: 0.5 (accuracy on members + 1 - accuracy on non-members); no threshold is learned.
- AUC and TPR are of the undivided signal (one threshold for all classes).

Judged, and the exit code is 1 if one fails: privet's attack accuracies are the recorded ones but for the rounding of the third digit.

Location-30 has no licence: the score files are written below SCRATCH, never into the repository.
"""

import sys

import numpy as np

import common

PARTS = {"target": (slice(0, 1000), slice(2000, 3000)), "shadow": (slice(3000, 3500), slice(4000, 4500))}
OUTPUTS = {"undefended": "tc_output", "defended": "defense_output"}
SIGNALS = ("correctness", "confidence", "entropy", "modified entropy")
# The row of each signal, one threshold for all classes, in privet's table of all attacks.
PRIVET = dict(zip(SIGNALS, (f"{name}, one threshold" for name in ("correctness", "loss", "entropy", "modified entropy"))))
# How far privet's attack accuracy may be from the recorded one: both are rounded to three digits, .6155 either way.
NEAR = 0.001
# What the authors' script prints, and the global AUCs of confidence, entropy and modified entropy (research M6).
RECORDED = {
    "undefended": ((0.687, 0.763, 0.616, 0.781), (0.8698, 0.8444, 0.8711)),
    "defended": ((0.687, 0.691, 0.521, 0.688), (0.690, 0.601, 0.604)),
}


def load(folder):
    """For target and shadow: labels, membership, and probabilities by defence."""
    _, labels = common.location30(folder)
    here = folder / "location30"
    order = np.load(here / "shuffle_index.npz")["x"]
    parts = {}
    for part, (members, others) in PARTS.items():
        saved = np.load(here / f"location_{part}_predictions.npz")
        y = labels[np.r_[order[members], order[others]]]
        member = np.arange(len(y)) < members.stop - members.start
        parts[part] = y, member, {name: saved[key].astype(np.float64) for name, key in OUTPUTS.items()}
    return parts


def signals(p, y):
    """The four signals of the docstring."""
    rows = np.arange(len(y))
    chosen = p[rows, y]
    own = np.zeros_like(p, dtype=bool)
    own[rows, y] = True
    with np.errstate(divide="ignore", invalid="ignore"):
        entropy = np.where(p > 0, p * np.log(p), 0.0).sum(axis=1)
        others = np.where(p == 1, np.log(1e-30), p * np.log1p(-p))
        first = np.where(chosen == 0, np.log(1e-30), (1 - chosen) * np.log(chosen))
    return {
        "correctness": (p.argmax(axis=1) == y).astype(float),
        "confidence": chosen,
        "entropy": entropy,
        "modified entropy": first + np.where(own, 0.0, others).sum(axis=1),
    }


def threshold(members, others):
    best, accuracy = 0.0, 0.0
    for value in np.r_[members, others]:
        found = 0.5 * (np.mean(members >= value) + np.mean(others < value))
        if found > accuracy:
            best, accuracy = value, found
    return best


def accuracy(shadow, target, classes):
    """Attack accuracy with a threshold per class; each side is (values, labels, membership)."""
    values, labels, member = target
    called = np.zeros(len(values), dtype=bool)
    for k in range(classes):
        known = [shadow[0][(shadow[1] == k) & (shadow[2] == side)] for side in (True, False)]
        here = labels == k
        called[here] = values[here] >= threshold(*known)
    return 0.5 * (called[member].mean() + (~called[~member]).mean())


def reference(parts, defence):
    """By signal: accuracy, AUC, TPRs."""
    (y, member, p), (shadow_y, shadow_member, shadow_p) = parts["target"], parts["shadow"]
    ours, theirs = signals(p[defence], y), signals(shadow_p[defence], shadow_y)
    found = {}
    for name in SIGNALS:
        if name == "correctness":
            share = 0.5 * (ours[name][member].mean() + 1 - ours[name][~member].mean())
        else:
            share = accuracy((theirs[name], shadow_y, shadow_member), (ours[name], y, member), p[defence].shape[1])
        found[name] = (share, *common.metrics(ours[name], member))
    return found


def write_scores(parts, defence, folder):
    """`target.csv` and `shadow.csv`: member, label, p_0 to p_29."""
    for part, (y, member, p) in parts.items():
        columns = {"member": member.astype(int), "label": y}
        columns |= {f"p_{k}": column for k, column in enumerate(p[defence].T)}
        common.write_csv(folder / f"{part}.csv", columns)


def plan(defence, checks):
    return f"""
[assessment]
name   = "location30-saved-{defence}"
output = "plan-report"
seed   = 1

[scores]
file   = "target.csv"
member = "member"
label  = "label"
kind   = "probabilities"
target = "p_*"

[scores.shadow]
file   = "shadow.csv"
member = "member"
label  = "label"
scores = "p_*"

{checks}"""


def privet_accuracies(report):
    """Attack accuracy by signal, with the shadow's thresholds."""
    rows = common.table(report, "membership/transfer-accuracy", "Attack accuracy")
    found = {row["signal"]: float(row["accuracy"]) for row in rows}
    missing = [signal for signal in SIGNALS if signal not in found]
    if missing:
        raise SystemExit(f"privet has no attack accuracy of {', '.join(missing)}, only of {', '.join(found)}")
    return found


def main():
    arguments = common.checked(common.arguments(__doc__))
    parts = load(arguments.data)
    rows, failed = [], 0
    if not arguments.reference_only:
        kept = ("membership/threshold", "membership/transfer", "membership/strongest")
        checks = common.all_but(arguments.privet, "the bench compares threshold attacks", *kept)
    for defence, (accuracies, aucs) in RECORDED.items():
        found = reference(parts, defence)
        report = None
        if not arguments.reference_only:
            folder = arguments.work / "location30-saved" / defence
            write_scores(parts, defence, folder)
            report, *_ = common.run_privet(arguments.privet, common.write_plan(folder / "plan.toml", plan(defence, checks)))
            theirs = privet_accuracies(report)
        for signal, recorded, area in zip(SIGNALS, accuracies, (float("nan"), *aucs)):
            ours = [found[signal][k] for k in (0, 1, 3)]
            row = [f"{defence}, {signal}", f"{recorded:.3f}", f"{ours[0]:.4f}", f"{area:.4f}", f"{ours[1]:.4f}", f"{ours[2]:.4f}"]
            if report:
                good = abs(theirs[signal] - recorded) <= NEAR + 1e-9
                failed += not good
                row += [f"{theirs[signal]:.3f}", common.judged(good)]
                row += [f"{value:.3f}" for value in np.array(common.attack_metrics(report, PRIVET[signal]))[[0, 2]]]
            rows.append(row)
    header = ["target, signal", "recorded", "numpy", "AUC recorded", "AUC", "TPR@1%"]
    if not arguments.reference_only:
        header += ["privet", "as recorded", "privet AUC", "privet TPR@1%"]
    common.print_table(header, rows)
    if failed:
        sys.exit(f"{failed} of the attack accuracies differ from the recorded ones")


if __name__ == "__main__":
    main()
