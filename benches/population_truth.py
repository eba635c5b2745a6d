"""How near the population models come to a truth that is known: 20 draws from ARX's adult data, which are the population, and
from made populations that follow none of the models.

    cargo build --release
    python benches/population_truth.py --data FOLDER --work FOLDER [--privet target/release/privet] [--draws 20]

Three keys and sampling fractions from 0.02 to 0.5, and seven made populations. For each model the mean over the draws of its
answer beside the one that an independent implementation gave (in brackets, where it was recorded), the truth, and how often
its own interval covered it; under "judged" the value and the interval of the finding, which assumes no model. Exits with 1 when
- the share of the population that is unique is not the known one;
- the mean of Zayatz or the slided negative binomial is more than 0.008 from the recorded one (0.015 where 0.02 is drawn: the
  recorded ones are means of 20 other draws), or one of the models fits no draw where a number is recorded;
- the interval of the finding covers the truth in fewer than 17 of 20 draws, which is also where a limit just below the truth
  would be passed.

A second table tells of what else was recorded. The share unique in the sample must be pandas' in every draw, and its mean as near
to the recorded one as those of the models. Pitman's model is fitted by SciPy as well: whether there is a fit must be the same in
every draw, and the answers too but for the rounding to a tenth of a per cent. The recorded means of Pitman leave out draws
without a fit, and use the formula for large populations where privet has the number that is expected in this one, which is
lower. So the mean of SciPy's fits with that formula must be within three standard errors of their difference from the recorded
one (or 0.008), and privet's mean no more than 0.01 farther from the truth than the recorded one. Where some draws had no fit
when they were recorded, some must have none and others one.

A third table does the same as the first for the models of single records, the Gaussian copula and the log-linear model: share of
the population that is unique, and of the people unique in each draw the share that is unique in the population (tau 1) and the
share of right matches (tau 2), both counted in the population; and in how many draws the model gave no number, with the reason
it gave most often. Exits with 1 when the intervals of all draws that got a number hold fewer than 85 % of the truths.
"""

import collections
import sys

import common  # first: sets the number of threads

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import gammaln

KEYS = {
    "nine": ["sex", "age", "race", "marital-status", "education", "native-country", "workclass", "occupation", "salary-class"],
    "five": ["sex", "age", "race", "marital-status", "education"],
    "three": ["age", "education", "occupation"],
}
# Share of the population that is unique.
TRUTHS = {"nine": 0.514290, "five": 0.105663, "three": 0.063225}
# Sample uniqueness, Pitman (for a large population), Zayatz, slided negative binomial.
RECORDED = {
    ("nine", 0.02): (0.951, 0.586, 0.905, 0.899),
    ("nine", 0.1): (0.823, 0.529, 0.696, 0.647),
    ("nine", 0.2): (0.740, 0.538, 0.602, 0.542),
    ("nine", 0.5): (0.613, 0.534, 0.529, 0.520),
    ("five", 0.05): (0.458, 0.117, 0.228, 0.156),
    ("five", 0.2): (0.255, 0.122, 0.131, 0.120),
    ("three", 0.1): (0.327, 0.054, 0.130, 0.078),
    ("three", 0.5): (0.112, 0.067, 0.068, 0.066),
}
# Where Pitman's model did not fit all draws.
SOME_FAILED = {("three", 0.1)}
MODELS = ("Pitman", "Zayatz", "slided negative binomial")
# Models of single records, as the columns of their table are called, and what its first rows say.
OF_RECORDS = ("Gaussian copula", "log-linear model")
SAID = ("unique", "tau 1", "tau 2")


def of_groups(people, share, size):
    """A share of people who are unique, the others in groups of one size."""
    alone = round(people * share)
    return np.r_[np.arange(alone), alone + np.arange(people - alone) // size]


def lognormal():
    """50,000 people in 8,000 cells of lognormal weight."""
    rng = np.random.default_rng(0)
    weights = rng.lognormal(0, 2.5, 8000)
    return rng.choice(8000, 50_000, p=weights / weights.sum())


def ages_and_places():
    """60,000 people by age, place and sex, of whom one in a hundred has a value of their own (a slip of the pen)."""
    rng = np.random.default_rng(0)
    places = rng.choice(40, 60_000, p=np.r_[np.full(10, 0.07), np.full(30, 0.01)])
    keys = rng.integers(18, 90, 60_000) * 1000 + places * 10 + rng.integers(0, 2, 60_000)
    return np.where(rng.random(60_000) < 0.01, 10**7 + np.arange(60_000), keys)


# Populations that no model describes: people by group, and the share of them that is drawn.
MADE = {
    "2 % unique, groups of 400": (lambda: of_groups(100_000, 0.02, 400), 0.02),
    "10 % unique, groups of 1,000": (lambda: of_groups(100_000, 0.1, 1000), 0.05),
    "5 % unique, groups of 100": (lambda: of_groups(20_000, 0.05, 100), 0.3),
    "lognormal cells": (lognormal, 0.05),
    "lognormal cells, more drawn": (lognormal, 0.3),
    "ages and places, 1 % odd": (ages_and_places, 0.05),
    "ages and places, more drawn": (ages_and_places, 0.2),
}


def near(fraction):
    """How far the mean of 20 draws may be from that of 20 others."""
    return 0.015 if fraction <= 0.02 else 0.008


def pitman(sizes, people):
    """The share of the people who are unique by the Pitman model whose likelihood is largest for the groups of a sample: as expected
    in a population of that size, and by the formula for large ones. None where the likelihood is largest at the edge, alpha 0."""
    sizes, counts = np.unique(sizes, return_counts=True)
    groups, n = counts.sum(), (sizes * counts).sum()

    def parameters(at):
        alpha = 1 / (1 + np.exp(-at[0]))
        return alpha, np.exp(at[1]) - alpha

    def unlikely(at):
        alpha, theta = parameters(at)
        if not 0 < alpha < 1:
            return np.inf
        of_groups = (groups - 1) * np.log(alpha) + gammaln(groups + theta / alpha) - gammaln(1 + theta / alpha)
        within = (counts * (gammaln(sizes - alpha) - gammaln(1 - alpha))).sum()
        return gammaln(n + theta) - gammaln(1 + theta) - of_groups - within

    search = {"method": "Nelder-Mead", "options": {"xatol": 1e-9, "fatol": 1e-10, "maxiter": 4000, "maxfev": 4000}}
    found = min((minimize(unlikely, [start, np.log(n)], **search) for start in (-1.4, 1.4)), key=lambda one: one.fun)
    alpha, theta = parameters(found.x)
    if alpha < 1e-4:
        return None
    scale = gammaln(1 + theta) - gammaln(theta + alpha)
    expected = scale + gammaln(theta + alpha + people - 1) - gammaln(theta + people)
    return float(np.exp(expected)), float(np.exp(scale + (alpha - 1) * np.log(people)))


def share(text):
    return float(text.replace(" %", "")) / 100


def interval(text):
    low, high = (text if " to " in text else f"{text} to {text}").replace(" %", "").split(" to ")
    return float(low) / 100, float(high) / 100


def ours(options, left_out, table, key, columns, fraction, draw):
    rows = np.random.default_rng(1_000 + draw).choice(len(table), round(len(table) * fraction), replace=False)
    name = "".join(letter if letter.isalnum() else "-" for letter in f"{key}-{fraction}-{draw}")
    table.iloc[rows].to_csv(options.work / f"{name}.csv", index=False)
    # A plan wants non-members; no re-identification check looks at them.
    table.drop(table.index[rows]).head(100).to_csv(options.work / f"{name}-others.csv", index=False)
    listed = ", ".join(f'"{column}"' for column in columns)
    plan = common.write_plan(
        options.work / f"{name}.toml",
        f"""
[assessment]
seed = {draw}
[data]
members = "{name}.csv"
nonmembers = "{name}-others.csv"
[threats.bench]
columns = [{listed}]
population = {len(table)}
"""
        + left_out,
    )
    report, _, _ = common.run_privet(options.privet, plan)
    by_measure = {found["measure"].split("/")[1]: found for found in report["findings"]}
    found = by_measure["population-uniqueness"]
    sizes = table.iloc[rows].groupby(columns).size().to_numpy()
    alone = by_measure["uniqueness"]["estimate"]
    answers = {"alone": (alone["value"], (sizes == 1).sum() / len(rows)), "SciPy": pitman(sizes, len(table))}
    # No table where 1 to 10 people are unique in the data.
    for row in found["evidence"][0]["rows"] if found["evidence"] else []:
        model = row[0].removesuffix(" (chosen)")
        answers[model] = (share(row[1]), *interval(row[2])) if row[1] != "no fit" else None
    estimate = found["estimate"]
    answers["judged"] = (estimate["value"], estimate["low"], estimate["high"])
    return answers, of_records(found), truths(table, rows, columns)


def of_records(found):
    """For every model of single records three answers (value, low, high), or the reason why there is none."""
    if len(found["evidence"]) < 2:
        return {}
    evidence = found["evidence"][1]
    answers = {}
    for at, model in enumerate(OF_RECORDS, start=1):
        assert evidence["columns"][at] == model
        cells = [row[at] for row in evidence["rows"]]
        agrees = next(row[at] for row in evidence["rows"] if row[0] == "agrees with the groups")
        if agrees.startswith("no number: "):
            answers[model] = agrees.removeprefix("no number: ")
        else:
            halves = [cell.removesuffix(")").split(" (") for cell in cells[:3]]
            answers[model] = [(share(value), *interval(ends)) for value, ends in halves]
    return answers


def truths(table, rows, columns):
    """The share of the population that is unique; of the people unique in a sample the share that is, and of right matches."""
    population = table.groupby(columns)[columns[0]].transform("size")
    drawn = table.iloc[rows]
    alone = population.iloc[rows][drawn.groupby(columns)[columns[0]].transform("size").to_numpy() == 1]
    return (float((population == 1).mean()), float((alone == 1).mean()), float((1 / alone).mean()))


def main():
    parser = common.arguments(__doc__)
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--keys", nargs="*", default=list(KEYS))
    options = common.checked(parser)
    table = pd.read_csv(options.data / "arx" / "adult.csv.gz", sep=";")
    left_out = common.all_but(options.privet, "a bench", "reidentification/population-uniqueness", "reidentification/uniqueness")
    sources = [(key, table, KEYS[key], fraction) for key in options.keys for fraction in (0.02, 0.05, 0.1, 0.2, 0.5)]
    sources += [(name, pd.DataFrame({"group": make()}), ["group"], fraction) for name, (make, fraction) in MADE.items()]
    rows, known, right, single, held = [], [], [], [], []
    for key, table, columns, fraction in sources:
        truth = float((table.groupby(columns).size() == 1).sum() / len(table))
        draws = [ours(options, left_out, table, key, columns, fraction, draw) for draw in range(options.draws)]
        # One column has no combinations, which is what these models are about.
        if len(columns) > 1:
            single += [records_row(f"{key} at {fraction}", model, draws, held) for model in OF_RECORDS]
        draws = [answers for answers, _, _ in draws]
        row, good = models_row(key, fraction, truth, draws)
        rows.append([*row, common.judged(good)])
        row, also = recorded_row(key, fraction, truth, draws)
        known.append([*row, common.judged(also)])
        right += [good, also]
    print(f"{options.draws} draws each; mean [recorded] and draws whose 95 % interval holds the truth")
    common.print_table(["key at fraction", "truth", *MODELS, "Ewens (edge)", "judged", "width", "wrongly passed", ""], rows)
    print("\nUnique in the sample, and Pitman beside SciPy: mean [recorded]")
    common.print_table(["key at fraction", "truth", "unique in the sample", "pandas", "fits", "SciPy's", "Pitman", "SciPy",
                        "largest difference", "SciPy, large population", "standard error", ""], known)  # fmt: skip
    print("\nModels of single records: mean answer / mean truth, and draws whose 95 % interval holds the truth")
    common.print_table(["key at fraction", "model", *SAID, "no number", "most often because"], single)
    if held:
        right.append(np.mean(held) >= 0.85)
        print(f"\n{np.mean(held):.1%} of {len(held)} intervals hold the truth: {common.judged(right[-1])}")
    return 0 if all(right) else 1


def models_row(key, fraction, truth, draws):
    """A row of the first table, and whether the means are the recorded ones and the intervals of the finding cover."""
    cells, good = [f"{key} at {fraction}", f"{truth:.4f}"], key not in TRUTHS or abs(truth - TRUTHS[key]) <= 5.1e-7
    recorded = RECORDED.get((key, fraction))
    for at, model in enumerate((*MODELS, "Ewens", "judged")):
        found = [draw[model] for draw in draws if draw.get(model)]
        known = recorded[1 + at] if recorded and at < len(MODELS) else None
        if not found:
            cells.append("no fit" + (f" [{known:.3f}]" if known else ""))
            good = good and not known and model != "judged"
            continue
        mean = float(np.mean([value for value, _, _ in found]))
        # The intervals of the models are printed with a tenth of a per cent.
        slack = 0 if model == "judged" else 5e-4
        covered = sum(low - slack <= truth <= high + slack for _, low, high in found)
        cells.append(f"{mean:.3f}" + (f" [{known:.3f}]" if known else "") + f" {covered}/{len(found)}")
        # Pitman's means are compared in the second table.
        good = good and (not known or model == "Pitman" or abs(mean - known) <= near(fraction))
        good = good and (model != "judged" or covered >= 0.85 * len(draws))
    passed = sum(draw["judged"][2] <= truth - 1e-9 for draw in draws)
    width = float(np.mean([draw["judged"][2] - draw["judged"][1] for draw in draws]))
    return [*cells, f"{width:.3f}", passed], good


def recorded_row(key, fraction, truth, draws):
    """A row of the second table, and whether all of it is as it should be."""
    ours, pandas = np.array([draw["alone"] for draw in draws]).T
    pairs = [(draw["Pitman"][0], *draw["SciPy"]) for draw in draws if draw.get("Pitman") and draw["SciPy"]]
    fits, theirs = (sum(bool(draw.get(model)) for draw in draws) for model in ("Pitman", "SciPy"))
    # In a draw where 1 to 10 people are unique no table is printed.
    same = all(bool(draw["Pitman"]) == bool(draw["SciPy"]) for draw in draws if "Pitman" in draw)
    good = bool(same and np.abs(ours - pandas).max() < 1e-12)
    alone, cells = f"{ours.mean():.4f}", ["-"] * 5
    if pairs:
        found, exact, large = np.array(pairs).T
        apart, error = np.abs(found - exact).max(), large.std(ddof=min(1, len(large) - 1)) / np.sqrt(len(large))
        good = bool(good and apart <= 5.1e-4)
        cells = [f"{found.mean():.4f}", f"{exact.mean():.4f}", f"{apart:.5f}", f"{large.mean():.4f}", f"{error:.4f}"]
    recorded = RECORDED.get((key, fraction))
    if recorded:
        alone += f" [{recorded[0]:.3f}]"
        good = good and bool(pairs) and abs(ours.mean() - recorded[0]) <= near(fraction)
        good = good and ((key, fraction) not in SOME_FAILED or 0 < fits < len(draws))
    if recorded and pairs:
        cells[3] += f" [{recorded[1]:.3f}]"
        # Both means have an error of their own.
        good = good and abs(large.mean() - recorded[1]) <= max(0.008, 3 * np.sqrt(2) * error)
        good = bool(good and abs(found.mean() - truth) <= abs(recorded[1] - truth) + 0.01)
    return [f"{key} at {fraction}", f"{truth:.6f}", alone, f"{pandas.mean():.4f}", fits, theirs, *cells], good


def records_row(name, model, draws, held):
    """A row of the table of models of single records; whether each interval holds its truth is added to `held`."""
    found = [(answers[model], truth) for _, answers, truth in draws if isinstance(answers.get(model), list)]
    reasons = [answers.get(model, "1 to 10 people are unique in the data") for _, answers, _ in draws]
    reasons = collections.Counter(reason.split(":")[0].split(" (")[0] for reason in reasons if isinstance(reason, str))
    cells = [name, model]
    for at in range(len(SAID)):
        # Intervals are printed with a tenth of a per cent.
        covered = [low - 5e-4 <= truth[at] <= high + 5e-4 for (_, low, high), truth in ((a[at], t) for a, t in found)]
        held += covered
        means = [np.mean([a[at][0] for a, _ in found]), np.mean([t[at] for _, t in found])] if found else []
        cells.append(f"{means[0]:.3f} / {means[1]:.3f} {sum(covered)}/{len(found)}" if found else "-")
    return [*cells, sum(reasons.values()), reasons.most_common(1)[0][0] if reasons else ""]


if __name__ == "__main__":
    sys.exit(main())
