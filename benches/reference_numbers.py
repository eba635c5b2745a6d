"""Numbers that sdcMicro and pycanon print on files that are too large, or not free, to lie in this repository.

    cargo build --release
    python benches/reference_numbers.py --data FOLDER --work FOLDER [--privet target/release/privet]

`--data` holds `sdcmicro/testdata.csv` and `sdcmicro/Tarragona.csv` (of the R package sdcMicro, GPL-2) and
`pycanon/adult_anonymized_3.csv.gz` and `_10` (Apache-2.0). Classes, small groups, individual risk by weights and households,
special uniques with five and seven keys, l-diversity of one group, what groups of anonymised Adult tell about the salary, and how
near the originals are to microaggregated numbers. Every number is judged; the exit code is 1 where one differs.

sdcMicro's individual risks are approximate from three records on. The script works out both, and shows that its own sums with
the approximation are sdcMicro's and with the exact formula privet's. sdcMicro prints l-diversity for every record, privet the
worst of all groups: the group of the first record is measured in a file of its own. sdcMicro's recursive number is the largest
l for which the group is (2, l)-diverse; privet prints the least c for l = 2, 3 and 4, which tells whether that is one or more
than three. privet prints four digits of the numbers in its tables.
"""

import json
import sys

import common  # first: sets the number of threads

import numpy as np
import pandas as pd

SEVEN = "urbrur roof walls water electcon relat sex".split()
FIVE = "urbrur roof walls water sex".split()
ADULT = "age education occupation relationship sex native-country".split()
# Records, k, classes, beta, t, delta (natural logarithm).
ANONYMISED = {
    3: (18_203, 3, 2837, 2.491177599, 0.713563698, 2.920612968),
    10: (7303, 10, 462, 1.739309827, 0.634944543, 2.803878921),
}
# Share of records whose numbers all lie within so many standard deviations of the microaggregated ones: sdcMicro's dRisk.
INTERVALS = {0.01: 0.143884892086, 0.05: 0.715827338129}
CONTRIBUTIONS = dict(zip(SEVEN, (12.045, 33.865, 18.098, 53.415, 22.515, 92.597, 24.949)))


class Judged:
    """Rows of what was found and what is known, and whether they agree."""

    def __init__(self):
        self.rows, self.good = [], True

    def __call__(self, what, found, known, within=0.0):
        right = abs(float(found) - known) <= within
        self.good = self.good and right
        self.rows.append((what, found, known, "yes" if right else "NO"))


def measured(options, path, keys, sensitive=None):
    more = ["--sensitive", sensitive] if sensitive else []
    out, _, _ = common.run_timed([options.privet, "measure", path, "--quasi-identifiers", ",".join(keys), "--json", *more])
    return json.loads(out)


def assessed(options, path, keys, fraction, more=""):
    """The findings of the two checks by measure."""
    kept = ("reidentification/individual-risk", "reidentification/special-uniques")
    name = f"testdata-{len(keys)}-{fraction}"
    plan = common.data_plan(options, name, path, keys, *kept, threat=f"fraction = {fraction}\n{more}")
    report, _, _ = common.run_privet(options.privet, plan)
    return {found["measure"].split("/")[1]: found for found in report["findings"]}


def individual_risks(table, keys, exact):
    """Risk of every record of weights of a hundred, by the exact formula or as sdcMicro approximates it."""
    f = table.groupby(keys)[keys[0]].transform("size").to_numpy(dtype=float)
    p = 0.01
    odds, log = p / (1 - p), np.log(1 / p)
    if not exact:
        return np.select([f == 1, f == 2], [odds * log, odds - odds**2 * log], p / (f - (1 - p)))
    terms, term = np.ones_like(f), np.ones_like(f)
    for i in range(1, 10_000):
        term = term * i * (1 - p) / (f + i)
        terms += term
        if term.max() < 1e-18:
            break
    return p / f * terms


def of_households(table, risks):
    """One less the product of what is left of the members, for every record."""
    return 1 - pd.Series(1 - risks).groupby(table["ori_hid"]).transform("prod").to_numpy()


def evidence(found, kind, caption=""):
    """The first table or chart of a kind whose caption starts like this; None where there is none."""
    fitting = (one for one in found["evidence"] if one["kind"] == kind and one.get("caption", "").startswith(caption))
    return next(fitting, None)


def testdata(options, judge):
    path = (options.data / "sdcmicro" / "testdata.csv").resolve()
    found = measured(options, path, SEVEN)
    below, n = dict(found["below"]), found["records"]
    judge("testdata: classes by seven keys", found["classes"], 412)
    judge("  records unique", round(found["uniqueness"]["value"] * n), 157)
    judge("  records in pairs", int(below[3]) - int(below[2]), 124)
    for size, count in ((2, 157), (3, 281), (5, 458)):
        judge(f"  records in groups of fewer than {size}", below[size], count)
    judge("  classes per record", found["average_risk"], 0.0899563318777, 1e-13)
    # Every record stands for a hundred people: the sum over records of 100 f, as separation is 1 - sum of f (f - 1) / n (n - 1).
    judge("  sum of Fk over records", 100 * (n + (1 - found["separation"]) * n * (n - 1)), 27_548_400, 1e-3)
    table = pd.read_csv(path)
    approximate, exact = (individual_risks(table, SEVEN, exact) for exact in (False, True))
    judge("  (approximate risks, by this script)", approximate.sum(), 10.7782989187, 1e-10)
    judge("  (and those of households)", of_households(table, approximate).sum(), 51.812927436, 1e-9)
    judge("  (exact risks, by this script)", exact.sum(), 10.7755251363, 1e-10)
    found = assessed(options, path, SEVEN, 0.01, 'weights = "sampling_weight"\nhouseholds = "ori_hid"')
    judge("  expected re-identifications", found["individual-risk"]["estimate"]["value"] * n, 10.7755251363, 1e-9)
    judge("  household risk", found["household-risk"]["estimate"]["value"], of_households(table, exact).mean(), 1e-12)


def uniques(options, judge):
    path = (options.data / "sdcmicro" / "testdata.csv").resolve()
    # Keys, fraction; records with a score, their sum, the sum and the largest DIS.
    known = [
        (SEVEN, 0.01, 157, 4890, 9.8310927, 0.6781426),
        (SEVEN, 0.02, 157, 4890, 17.1902952, 0.8097750),
        (FIVE, 0.01, 12, 19, 0.1391105, None),
    ]
    for keys, fraction, scored, total, sum_of_dis, largest_dis in known:
        found = assessed(options, path, keys, fraction)
        special, match = (dict(found[name]["settings"]) for name in ("special-uniques", "right-match"))
        with_score = special["records with a score"].split(" of ")[0]
        judge(f"testdata, {len(keys)} keys at {fraction}: records with a score", with_score, scored)
        # Of five keys it would tell of fewer than 11 sets.
        if keys is SEVEN:
            judge("  sum of the scores", special["sum of the scores"], total)
        else:
            judge("  sum of the scores is withheld", int("sum of the scores" not in special), 1)
        judge("  sum of DIS", match["sum of the record-level probabilities"], sum_of_dis, 6e-5)
        if largest_dis:
            judge("  largest DIS", match["largest record-level probability"], largest_dis, 6e-5)
            judge("  largest score", special["largest score"], 720)
        if (keys, fraction) != (SEVEN, 0.01):
            continue
        judge("  theta", found["right-match"]["estimate"]["value"], 0.012627684388, 5e-13)
        # Bars that would tell of fewer than 11 records are not drawn.
        bars = evidence(found["special-uniques"], "bars")
        for bar in bars["bars"] if bars else []:
            judge(f"  contribution of {bar['label']}", round(bar["value"], 3), CONTRIBUTIONS[bar["label"]], 5e-4)


def diversity(options, judge):
    path = (options.data / "sdcmicro" / "testdata.csv").resolve()
    keys = ["urbrur", "water", "sex"]
    table = pd.read_csv(path)
    group = options.work / "testdata-group.csv"
    table[(table[keys] == table.loc[0, keys]).all(axis=1)].to_csv(group, index=False)
    # Column; distinct l, entropy l and recursive l of the first record.
    for column, distinct, entropy, recursive in (("income", 468, 427.546947009, 466), ("walls", 3, 1.86169738523, 1)):
        told = {one["measure"].split("/")[1]: one for one in measured(options, path, keys, column)["sensitive"]}
        judge(f"testdata, {column} by three keys: least distinct l", told["l-diversity"]["estimate"]["value"], 1)
        told = {one["measure"].split("/")[1]: one for one in measured(options, group, keys, column)["sensitive"]}
        rows = {row[0]: row[1] for row in told["records-without-diversity"]["evidence"][0]["rows"]}
        judge("  distinct l of the first record", rows["distinct l"], distinct)
        judge("  entropy l", rows["entropy l"], entropy, 5.1e-5)
        c = {l: float(rows[f"recursive c for l = {l}"].replace("infinite", "inf")) for l in (2, 3, 4)}
        judge("  recursive l by c < 2, 4 at most", 1 + sum(c[l] < 2 for l in c), min(recursive, 4))


def anonymised(options, judge):
    for k, (records, smallest, classes, beta, t, delta) in ANONYMISED.items():
        path = options.work / f"adult_anonymized_{k}.csv"
        table = pd.read_csv(options.data / "pycanon" / f"adult_anonymized_{k}.csv.gz", dtype=str, keep_default_na=False)
        # The numbers are those without the records that were suppressed.
        table[(table[ADULT] != "*").any(axis=1)].to_csv(path, index=False)
        found = measured(options, path, ADULT, "salary-class")
        judge(f"adult_anonymized_{k}: records", found["records"], records)
        judge("  k", found["k"], smallest)
        judge("  classes", found["classes"], classes)
        judge("  classes per record", found["average_risk"], classes / records, 1e-12)
        by_measure = {one["measure"].split("/")[1]: one for one in found["sensitive"]}
        judge("  distinct l", by_measure["l-diversity"]["estimate"]["value"], 1)
        # pycanon's t is the equal distance, and so is privet's of a column of texts.
        judge("  t, equal distances", round(by_measure["t-closeness"]["estimate"]["value"], 9), t, 1e-9)
        rows = {row[0]: row[1] for row in by_measure["records-without-diversity"]["evidence"][0]["rows"]}
        judge("  alpha", rows["alpha"], 1)
        judge("  beta, basic", rows["beta, basic"], beta, 5.1e-5)
        (name,) = [name for name in rows if name.startswith("delta")]
        judge("  delta over values that occur", rows[name], delta, 5.1e-5)


def microaggregated(table, size):
    """Means of groups by MDAV (Domingo-Ferrer and Torra 2005) on standardised columns: from the record farthest from the mean of
    all that are left, and then from the one farthest from that, each with its nearest neighbours. Where fewer than three groups
    are left one is taken, and what remains is the last."""
    scaled = table / table.std(axis=0)
    left, out = np.arange(len(table)), np.empty(table.shape)
    distance = lambda rows, point: ((scaled[rows] - point) ** 2).sum(axis=1)
    while len(left) >= 2 * size:
        seed = left[np.argmax(distance(left, scaled[left].mean(axis=0)))]
        for _ in range(2 if len(left) >= 3 * size else 1):
            far = distance(left, scaled[seed])
            seed = left[np.argmax(far)]
            group = left[np.argsort(far, kind="stable")[:size]]
            out[group] = table[group].mean(axis=0)
            left = left[~np.isin(left, group)]
    out[left] = table[left].mean(axis=0)
    return out


def found_by_distance(originals, masked):
    """The share of masked records whose nearest original by Gower's distance is their own; of several a random one is taken."""
    both = np.concatenate([originals, masked])
    distances = (np.abs(masked[:, None] - originals[None]) / np.ptp(both, axis=0)).mean(axis=2)
    nearest = distances <= distances.min(axis=1, keepdims=True) + 1e-9
    return float((np.diag(nearest) / nearest.sum(axis=1)).mean())


def tarragona(options, judge):
    path = (options.data / "sdcmicro" / "Tarragona.csv").resolve()
    table = pd.read_csv(path)
    keys = list(table.columns[4:7])
    masked = options.work / "tarragona-masked.csv"
    table[keys] = microaggregated(table[keys].to_numpy(float), 3)
    table.to_csv(masked, index=False)
    command = [options.privet, "compare", path, masked, "--quasi-identifiers", ",".join(keys), "--json", "--exit-zero"]
    out, _, _ = common.run_timed(command)
    found = json.loads(out)["masking"]
    for one in found["intervals"]:
        if one["rule"] == "all":
            name = f"Tarragona in groups of three: records within {one['k']} standard deviations"
            judge(name, one["disclosed"]["value"], INTERVALS[one["k"]], 5e-13)
    (nearest,) = [one for one in found["linkage"] if one["way"] == "nearest"]
    known = found_by_distance(pd.read_csv(path)[keys].to_numpy(float), table[keys].to_numpy(float))
    judge("  nearest original by Gower's distance (numpy)", nearest["right"]["value"], known, 1e-12)


def main():
    options = common.checked(common.arguments(__doc__))
    judge = Judged()
    testdata(options, judge)
    uniques(options, judge)
    diversity(options, judge)
    anonymised(options, judge)
    tarragona(options, judge)
    common.print_table(["number", "privet", "reference", "agrees"], judge.rows)
    return 0 if judge.good else 1


if __name__ == "__main__":
    sys.exit(main())
