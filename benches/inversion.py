"""What privet recovers of training records from linear models, stored means, updates and answers, beside recorded figures.

usage: python benches/inversion.py --work DIR [--data DIR] [--privet FILE]

Trains models of scikit-learn on data sets that come with it, exports them, and runs privet. Beside each number stands the same
computed in numpy from the exported file, and the figure recorded when the methods were chosen. The exit code is 1 when privet
and numpy disagree, or a figure is missed.

H9   a softmax over the faces of 40 people: classes that are persons (needs --data)
H10  a softmax over digits: prototypes, and no member leak
H11  ridge regression, the last unknown record
H12  a scaler over 50,000 patients and over 50,001
H13  a copy of a logistic model from d + 1 questions
"""

import io
import pathlib
import re
import sys
import tarfile
import warnings

import common  # first: sets the number of threads

import numpy as np
import pandas as pd
import onnx
from skl2onnx import to_onnx
from scipy.ndimage import uniform_filter
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

warnings.filterwarnings("ignore")

LAST = "inversion/informed-reconstruction"
UPDATE = "inversion/version-difference"
COPY = "inversion/extraction-agreement"
EXCESS = "inversion/reconstruction-excess"
GAP = "inversion/reconstruction-member-gap"
SMALL = "inversion/reconstruction-small-classes"


def halves(x, y, seed=0, share=0.6):
    order = np.random.default_rng(seed).permutation(len(x))
    cut = int(len(x) * share)
    return (x[order[:cut]], y[order[:cut]]), (x[order[cut:]], y[order[cut:]])


def export(model, x, file):
    options = {id(model.steps[-1][1] if hasattr(model, "steps") else model): {"zipmap": False}}
    kind = model.steps[-1][1] if hasattr(model, "steps") else model
    proto = to_onnx(model, x[:1].astype(np.float32), options=options if hasattr(kind, "classes_") else None)
    file.write_bytes(proto.SerializeToString())
    return proto


def attribute(proto, name):
    found = [a for node in proto.graph.node for a in node.attribute if a.name == name]
    return np.array(found[0].floats, dtype=float)


# ----------------------------------------------------------------------- numpy


def near(guess, truth, spread):
    """Records recovered within 0.05 standard deviations in nine of ten columns."""
    return (np.abs(guess - truth) <= 0.05 * spread).mean(axis=1) >= 0.9


def last_of_optimum(z, residual, weights, strength):
    guess = np.empty_like(z)
    for t in range(len(z)):
        others = np.arange(len(z)) != t
        of_t = -residual[others].sum()
        guess[t] = -(strength * weights + residual[others] @ z[others]) / of_t
    return guess


def by_ridge(proto, x, y):
    w, b = attribute(proto, "coefficients"), attribute(proto, "intercepts")[0]
    return near(last_of_optimum(x, x @ w + b - y, w, 1.0), x, x.std(axis=0)).mean()


def by_logistic(proto, x, y):
    z = (x - attribute(proto, "offset")) * attribute(proto, "scale")
    w, b = attribute(proto, "coefficients")[x.shape[1]:], attribute(proto, "intercepts")[1]
    residual = 1 / (1 + np.exp(-(z @ w + b))) - y
    return near(last_of_optimum(z, residual, w, 1.0), z, z.std(axis=0)).mean()


def by_class_means(proto, x, y):
    theta = next(onnx.numpy_helper.to_array(t) for t in proto.graph.initializer if t.name == "theta")[0].astype(float)
    found = np.zeros(len(x), dtype=bool)
    for c in (0, 1):
        rows = np.flatnonzero(y == c)
        total = x[rows].sum(axis=0)
        guess = np.array([len(rows) * theta[c] - (total - x[t]) for t in rows])
        found[rows] = near(guess, x[rows], x.std(axis=0))
    return found.mean()


def by_mean(proto, x, y):
    m, total = attribute(proto, "offset"), x.sum(axis=0)
    return near(np.array([len(x) * m - (total - row) for row in x]), x, x.std(axis=0)).mean()


# ---------------------------------------------------------------------- privet


def run(found, name, model, members, others, extra=""):
    """privet's report on a model of two tables."""
    folder = found.work / name
    folder.mkdir(exist_ok=True)
    for file, (x, y) in (("members.csv", members), ("others.csv", others)):
        table = pd.DataFrame(x, columns=[f"c{at}" for at in range(x.shape[1])]).assign(y=y)
        table.to_csv(folder / file, index=False, float_format="%.9g")
    plan = folder / "plan.toml"
    plan.write_text(
        f'[model]\npath = "{model}"\n{extra}\n[data]\nmembers = "members.csv"\nnonmembers = "others.csv"\ntarget = "y"\n'
        + common.all_but(found.privet, "not part of this bench", LAST, UPDATE, "inversion/extraction")
    )
    return common.run_privet(found.privet, plan)[0]


def value(report, measure):
    for finding in report["findings"]:
        if finding["measure"] == measure:
            return finding["estimate"]["value"] if finding["estimate"] else None
    return None


# ------------------------------------------------------------- inverted records


def faces(folder):
    """AT&T's faces, 28 by 23, and whose they are."""
    images, people = [], []
    with tarfile.open(fileobj=io.BytesIO(common.raw_bytes(folder, "att_faces/att_faces.tar.gz"))) as archive:
        for entry in sorted((e for e in archive if e.name.endswith(".pgm")), key=lambda e: e.name):
            raw = archive.extractfile(entry).read()
            header = re.match(rb"P5\s+(?:#.*\n)?(\d+)\s+(\d+)\s+(\d+)\s", raw)
            width, height = int(header[1]), int(header[2])
            images.append(np.frombuffer(raw[header.end():], np.uint8).reshape(height, width) / 255)
            people.append(int(re.search(r"s(\d+)/", entry.name)[1]) - 1)
    return np.array(images, dtype=np.float32), np.array(people)


def ssim(a, b):
    """Mean structural similarity of pictures between 0 and 1, windows of 7 by 7 that lie inside."""
    mean = lambda x: uniform_filter(x, 7)
    ma, mb = mean(a), mean(b)
    va, vb, vab = (49 / 48 * (mean(x * y) - mx * my) for x, y, mx, my in ((a, a, ma, ma), (b, b, mb, mb), (a, b, ma, mb)))
    full = (2 * ma * mb + 1e-4) * (2 * vab + 9e-4) / ((ma * ma + mb * mb + 1e-4) * (va + vb + 9e-4))
    return full[3:-3, 3:-3].mean()


def ascend(model, classes, start, steps=500, rate=0.01):
    """Plain gradient ascent on ln p from the public mean, as the recorded numbers were made."""
    x = np.tile(start, (len(classes), 1))
    weights, intercepts = model.coef_, model.intercept_
    if len(weights) == 1:  # the logit of the second of two classes
        weights, intercepts = np.concatenate([0 * weights, weights]), np.r_[0, intercepts]
    for _ in range(steps):
        z = x @ weights.T + intercepts
        p = np.exp(z - z.max(axis=1, keepdims=True))
        slope = -p / p.sum(axis=1, keepdims=True)
        slope[np.arange(len(classes)), classes] += 1
        x = np.clip(x + rate * slope @ weights, 0, 1)
    return x


def nearest(points, classes, images, labels, few, shape):
    """The likeness to the nearest of `few` of the class (of all where it is None), expected over draws, averaged over classes."""
    found = []
    for point, c in zip(points, classes):
        s = np.sort([ssim(point.reshape(shape), image) for image in images[labels == c].astype(float)])[::-1]
        m = len(s) if few is None else min(few, len(s))
        weights = [1.0]
        for k in range(1, len(s)):
            weights.append(weights[-1] * max(len(s) - k - m + 1, 0) / (len(s) - k))
        found.append(np.dot(s, weights) / np.sum(weights))
    return np.mean(found)


def softmax_of_pictures(found, name, images, labels, members, few, queries, recorded):
    """Rows of a table about a softmax over pictures, in numpy and in privet, beside what was recorded, and how many are off."""
    shape, classes = images.shape[1:], np.unique(labels)
    flat = images.reshape(len(images), -1)
    model = LogisticRegression(max_iter=2000).fit(flat[members], labels[members])
    folder = found.work / name
    folder.mkdir(exist_ok=True)
    export(model, flat, folder / "model.onnx")
    others = ~members
    evaluator = LogisticRegression(max_iter=2000).fit(flat[others], labels[others])
    # Half of the hold-out is the attacker's, as in privet; the recorded numbers used all of it for both.
    attacker = np.flatnonzero(others)[::2]
    points = ascend(model, classes, flat[attacker].mean(axis=0).astype(float))
    rest = np.setdiff1d(np.flatnonzero(others), attacker)
    of = lambda rows, few: nearest(points, classes, images[rows], labels[rows], few, shape)
    inside = np.flatnonzero(members)
    whole = {
        "recognised": (evaluator.predict(points) == classes).mean(),
        "members": of(inside, None),
        "others": of(np.flatnonzero(others), None),
        "members, of few": of(inside, few),
        "others, of few": of(rest, few),
    }
    rows = [["numpy, recorded definition", whole["recognised"], whole["members"], whole["others"]]]
    if recorded:
        rows.append(["  recorded (+- 0.04)", *recorded])
    rows.append(["numpy, nearest of few", whole["recognised"], whole["members, of few"], whole["others, of few"]])
    bad = sum(abs(a - b) > 0.04 for a, b in zip(rows[0][1:], recorded or ()))
    report = None
    if not found.reference_only:
        for file, at in (("members.npz", members), ("others.npz", others)):
            np.savez(folder / file, images=images[at], labels=labels[at])
        plan = folder / "plan.toml"
        plan.write_text(
            '[model]\npath = "model.onnx"\n\n[data]\nmembers = "members.npz"\nnonmembers = "others.npz"\narray = "images"\n'
            f'labels = "labels"\n\n[checks."inversion/reconstruction"]\nqueries = {queries}\n\n'
            + common.all_but(found.privet, "not part of this bench", "inversion/reconstruction")
        )
        report, seconds, _ = common.run_privet(found.privet, plan)
        for row in common.table(report, EXCESS, "Inverted records"):
            share = lambda cell: float("nan") if cell == "-" else float(cell.removesuffix(" %")) / 100
            numbers = [share(row["recognised by an independent model"]), float(row["likeness to members"]), float(row["likeness to others"])]
            rows.append([f"privet, {row['made']}", *numbers])
            if row["made"] == "ascent along slopes of the file":
                bad += any(abs(a - b) > 0.04 for a, b in zip(numbers[1:], (whole["members, of few"], whole["others, of few"])))
        print(f"\n{name}: privet {seconds:.1f} s in all, of which {common.step_seconds(report, 'inversion/reconstruction'):.1f} s here; "
              + "; ".join(f"{k} {v}" for k, v in common.finding(report, EXCESS)["settings"]))  # fmt: skip
    common.print_table(
        [f"{name}, {len(classes)} classes", "recognised", "to members", "to others"],
        [[row[0], *(common.rate(value) for value in row[1:])] for row in rows],
    )
    return report, bad


def show(report, *measures):
    for measure in measures:
        for finding in report["findings"]:
            if finding["measure"] == measure:
                e = finding["estimate"]
                print(f"  {measure}: {e['value']:.3f} ({e['low']:.3f} to {e['high']:.3f}), {finding['severity']}")
                print(f"    {finding['sentence']}")


def inverted(found):
    """H9 and H10: what is off."""
    digits = load_digits()
    members = np.random.default_rng(0).random(len(digits.target)) < 0.5
    images = (digits.images / 16).astype(np.float32)
    report, bad = softmax_of_pictures(found, "digits", images, digits.target, members, 10, 60_000, (1.0, 0.887, 0.881))
    if report:
        show(report, EXCESS, GAP)
        good = common.finding(report, GAP)["severity"] == "very-low" and common.finding(report, EXCESS)["estimate"]["value"] < 0
        print("H10 no member leak, and the class mean is nearer:", common.judged(good))
        bad += not good
    if found.data is None:
        print("\nH9 needs --data: left out")
        return bad
    images, people = faces(found.data)
    members = np.zeros(len(people), dtype=bool)
    stream = np.random.default_rng(0)
    for person in np.unique(people):
        members[stream.permutation(np.flatnonzero(people == person))[:7]] = True
    report, more = softmax_of_pictures(found, "faces", images, people, members, 1, 200_000, (0.975, 0.776, 0.702))
    bad += more
    if report:
        show(report, EXCESS, GAP, SMALL)
        told = common.finding(report, SMALL)["estimate"]["value"]
        rows = common.table(report, EXCESS, "Inverted records")
        gap = max(float(row["likeness to members"]) - float(row["likeness to others"]) for row in rows if "of the file" in row["made"])
        print(f"H9 people told from what was made {told:.3f} (recorded 0.975, at least 0.9):", common.judged(told >= 0.9))
        print(f"H9 nearer to members than to others by {gap:.3f} (recorded 0.07, at least 0.03):", common.judged(gap >= 0.03))
        bad += (told < 0.9) + (gap < 0.03)
    with np.load(found.data / "pneumoniamnist" / "pneumoniamnist.npz") as stored:
        train, y = stored["train_images"] / np.float32(255), stored["train_labels"].ravel()
        test = np.concatenate([stored["val_images"], stored["test_images"]]) / np.float32(255)
        test_y = np.concatenate([stored["val_labels"], stored["test_labels"]]).ravel()
    some = stream.permutation(len(train))[:1000]
    images, labels = np.concatenate([train[some], test]), np.concatenate([y[some], test_y])
    members = np.arange(len(labels)) < 1000
    report, _ = softmax_of_pictures(found, "pneumonia", images, labels.astype(int), members, 10, 20_000, None)
    if report:
        show(report, EXCESS, GAP)
    return bad


def main():
    parser = common.arguments(__doc__, data=False)
    parser.add_argument("--data", type=pathlib.Path, help="the folder with the raw files, for H9")
    parser.add_argument("--inverted-only", action="store_true", help="H9 and H10 alone")
    found = common.checked(parser)
    wrong = inverted(found)
    if found.inverted_only:
        return 1 if wrong else 0
    lines = []
    x, y = load_diabetes(return_X_y=True)
    diabetes = halves(x.astype(np.float32).astype(float), y)
    x, y = load_breast_cancer(return_X_y=True)
    cancer = halves(x.astype(np.float32).astype(float), y)
    cases = [
        ("H11 ridge, diabetes", "ridge", Ridge(1.0), diabetes, by_ridge, 1.0),
        ("logistic, tolerance 1e-8", "logistic", make_pipeline(StandardScaler(), LogisticRegression(tol=1e-8, max_iter=10000)),
         cancer, by_logistic, 0.84),
        ("Gaussian naive Bayes", "bayes", GaussianNB(), cancer, by_class_means, 1.0),
    ]  # fmt: skip
    for title, name, model, (members, others), numpy_says, recorded in cases:
        file = found.work / f"{name}.onnx"
        proto = export(model.fit(*members), members[0], file)
        reference = numpy_says(proto, *members)
        if name == "logistic":  # a scaler's mean is a second way, and the check takes the better one
            print(f"{title}: of the optimum alone, numpy {reference:.3f}, recorded {recorded}")
            reference, recorded = max(reference, by_mean(proto, *members)), 1.0
            title = "  with the scaler's mean"
        report = None if found.reference_only else run(found, name, file, members, others)
        lines.append((title, report and value(report, LAST), reference, recorded))
        if name == "logistic" and report:
            routes = next(f for f in report["findings"] if f["measure"] == LAST)["evidence"][0]
            print("   privet's ways:", *(" | ".join(row) for row in routes["rows"]), sep="\n     ")
            lines.append(("H13 copy of it, 31 questions", value(report, COPY), 1.0, 1.0))

    # H12: breast cancer with noise, 50,000 patients and one more.
    stream = np.random.default_rng(1)
    x, y = cancer[0]
    rows = stream.integers(0, len(x), 50_001)
    many = np.abs(x[rows] * (1 + 0.05 * stream.standard_normal((len(rows), x.shape[1])))).astype(np.float32)
    many = (many + np.float32(1e-3)).astype(float)
    files = []
    for name, count in (("before", 50_000), ("after", 50_001)):
        model = make_pipeline(StandardScaler(), LogisticRegression()).fit(many[:count], y[rows[:count]])
        file = found.work / f"{name}.onnx"
        files.append((file, export(model, many, file)))
    old, new = (attribute(proto, "offset") for _, proto in files)
    implied = 50_001 * new - 50_000 * old
    reference = (np.abs(implied - many[-1]) <= 0.01 * np.abs(many[-1])).mean()
    report = None
    if not found.reference_only:
        report = run(found, "update", files[1][0], (many, y[rows]), cancer[1], f'previous = "{files[0][0]}"')
    lines.append(("H12 update, n = 50,000", report and value(report, UPDATE), reference, 1.0))

    print(f"\n{'':34} {'privet':>8} {'numpy':>8} {'recorded':>9}")
    bad = 0
    for title, privet, reference, recorded in lines:
        wrong = not found.reference_only and (privet is None or abs(privet - reference) > 0.01 or privet < recorded - 0.02)
        bad += wrong
        shown = "-" if privet is None else f"{privet:.3f}"
        print(f"{title:34} {shown:>8} {reference:8.3f} {recorded:9.3f} {'WRONG' if wrong else ''}")
    return 1 if bad or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
