"""How near the population models come to a truth that is known: 20 draws from ARX's adult data, which are the population.

    cargo build --release
    python benches/population_truth.py --data FOLDER --work FOLDER [--privet target/release/privet] [--draws 20]

Three keys and sampling fractions from 0.02 to 0.5. For each model the mean over the draws of its answer beside the one that an
independent implementation gave (in brackets, where it was recorded), the truth, and how often the interval covered it; for
Dankar's choice the interval reaches over all models. Exits with 1 when a mean is more than 0.03 (or 15 %) from the recorded
one, or Dankar's interval covers the truth in fewer than 14 of 20 draws.
"""

import sys

import common  # first: sets the number of threads

import numpy as np
import pandas as pd

KEYS = {
    "nine": ["sex", "age", "race", "marital-status", "education", "native-country", "workclass", "occupation", "salary-class"],
    "five": ["sex", "age", "race", "marital-status", "education"],
    "three": ["age", "education", "occupation"],
}
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
MODELS = ("Pitman", "Zayatz", "slided negative binomial")


def share(text):
    return float(text.replace(" %", "")) / 100


def interval(text):
    low, high = (text if " to " in text else f"{text} to {text}").replace(" %", "").split(" to ")
    return float(low) / 100, float(high) / 100


def ours(options, left_out, table, key, fraction, draw):
    rows = np.random.default_rng(1_000 + draw).choice(len(table), round(len(table) * fraction), replace=False)
    name = f"{key}-{fraction}-{draw}"
    table.iloc[rows].to_csv(options.work / f"{name}.csv", index=False)
    # A plan wants non-members; no re-identification check looks at them.
    table.drop(table.index[rows]).head(100).to_csv(options.work / f"{name}-others.csv", index=False)
    listed = ", ".join(f'"{column}"' for column in KEYS[key])
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
    (found,) = [found for found in report["findings"] if found["measure"] == "reidentification/population-uniqueness"]
    answers = {}
    for row in found["evidence"][0]["rows"]:
        model = row[0].removesuffix(" (chosen)")
        answers[model] = (share(row[1]), *interval(row[2])) if row[1] != "no fit" else None
    estimate = found["estimate"]
    answers["Dankar"] = (estimate["value"], estimate["low"], estimate["high"])
    return answers


def main():
    parser = common.arguments(__doc__)
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--keys", nargs="*", default=list(KEYS))
    options = common.checked(parser)
    table = pd.read_csv(options.data / "arx" / "adult.csv.gz", sep=";")
    left_out = common.all_but(options.privet, "a bench", "reidentification/population-uniqueness")
    rows, good = [], True
    for key in options.keys:
        sizes = table.groupby(KEYS[key]).size()
        truth = float((sizes == 1).sum() / len(table))
        for fraction in (0.02, 0.05, 0.1, 0.2, 0.5):
            draws = [ours(options, left_out, table, key, fraction, draw) for draw in range(options.draws)]
            cells = [f"{key} at {fraction}", f"{truth:.4f}"]
            recorded = RECORDED.get((key, fraction))
            for at, model in enumerate((*MODELS, "Ewens", "Dankar")):
                found = [draw[model] for draw in draws if draw.get(model)]
                if not found:
                    cells.append("no fit")
                    continue
                mean = float(np.mean([value for value, _, _ in found]))
                covered = sum(low - 5e-4 <= truth <= high + 5e-4 for _, low, high in found)
                known = recorded[1 + at] if recorded and at < len(MODELS) else None
                cells.append(f"{mean:.3f}" + (f" [{known:.3f}]" if known else "") + f" {covered}/{len(found)}")
                # Recorded means of Pitman leave out draws without a fit and use the formula for large populations.
                near = not known or model == "Pitman" or abs(mean - known) <= max(0.03, 0.15 * known)
                good = good and near and (model != "Dankar" or covered >= 0.7 * len(found))
            rows.append(cells)
    print(f"{options.draws} draws each; mean [recorded] and draws whose 95 % interval holds the truth")
    common.print_table(["key at fraction", "truth", *MODELS, "Ewens (edge)", "Dankar, all models"], rows)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
