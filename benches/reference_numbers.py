"""Numbers that sdcMicro and pycanon print on files that are too large, or not free, to lie in this repository.

    cargo build --release --bin privet --example special_uniques
    python benches/reference_numbers.py --data FOLDER --work FOLDER [--privet target/release/privet]

`--data` holds `sdcmicro/testdata.csv`, `testdata2.csv` and `Tarragona.csv` (of the R package sdcMicro, GPL-2) and
`pycanon/adult_anonymized_3.csv.gz` and `_10` (Apache-2.0). Classes, small groups, individual risk by weights and households,
log-linear risk, special uniques with five and seven keys, l-diversity of the file and of one group, what local suppression leaves,
what groups of anonymised Adult tell about the salary, and how near the originals are to microaggregated numbers. Every number is
judged, and how many there are of each list; the exit code is 1 where one differs.

privet's report withholds counts of 1 to 10 and what they follow from. All numbers of special uniques are therefore compared as the
example `special_uniques` of the library prints them, which is expected beside the binary or where `--special-uniques` says; the
report's are compared where it prints them. They are compared once more on eleven copies of the file whose values are all different:
every count is eleven times as large, nothing else differs, and the report has nothing to withhold.

sdcMicro's individual risks are approximate from three records on. The script works out both, and shows that its own sums with
the approximation are sdcMicro's and with the exact formula privet's. sdcMicro's log-linear risks rest on faults that privet does
not have (docs/conformance.md names them): the script makes sdcMicro's numbers with the faults, and no more is judged of them.
sdcMicro prints l-diversity for every record, privet the worst of all groups: the file is measured, and the group of the first
record in a file of its own. sdcMicro's recursive number is the largest
l for which the group is (2, l)-diverse; privet prints the least c for l = 2, 3 and 4. The script works out both by the
definition. sdcMicro suppresses cells until groups are large enough and privet does not: the script suppresses as sdcMicro does,
and privet measures what that leaves. privet prints four digits of the numbers in its tables.
"""

import functools
import itertools
import json
import pathlib
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
# The same with at most one number outside, by which its older releases counted.
OLDER_INTERVALS = {0.01: 0.4149, 0.05: 0.8201}
# sdcMicro's individual risk with its approximation: records and sum of the weights of a group.
APPROXIMATE = {(3, 108): 0.01369863, (1, 45.5): 0.08579129, (1, 17): 0.17707583, (2, 100): 0.01877883, (1, 123.5): 0.03931625}
# Ten records of three columns, each standing for a hundred people, and the two risks of sdcMicro's `modRisk` by its methods.
TEN_ROWS = list(zip([2, 3, 2, 3, 3, 1, 2, 3, 2, 2], [2, 1, 2, 2, 1, 2, 1, 1, 1, 2], [5, 4, 4, 5, 4, 4, 3, 3, 2, 2]))
LOG_LINEAR = {
    "default": (0.552915951536, 0.705384209241),
    "CE": (0.541680157934, 0.698679733343),
    "weighted": (0.407966313196, 0.613254425551),
}
# Cells that sdcMicro suppresses of testdata2 for groups of two, at once and within each of five bands of age; the share of records
# that what is left leaves alone where a suppressed cell matches none but its like.
SUPPRESSED = {"all at once": (97, 0.6559), "by age": (109, 0.7634)}
# Records of testdata by score, minimal sample uniques by size, and the sum of score times number of the row.
BY_SCORE = {1: 6, 2: 24, 4: 4, 6: 28, 8: 1, 12: 10, 14: 3, 18: 2, 24: 36, 30: 7, 36: 1, 48: 17, 60: 1, 72: 4, 96: 1, 120: 9,
            132: 1, 144: 1, 720: 1}  # fmt: skip
BY_SIZE = [1, 11, 94, 86, 35, 7, 1]
SCORES_BY_ROW = 14_072_234
CONTRIBUTIONS = dict(zip(SEVEN, (12.045, 33.865, 18.098, 53.415, 22.515, 92.597, 24.949)))
# Keys, fraction; records with a score, their sum, the largest score, the sum and the largest DIS.
UNIQUES = [
    (SEVEN, 0.01, 157, 4890, 720, 9.8310927, 0.6781426),
    (SEVEN, 0.02, 157, 4890, 720, 17.1902952, 0.8097750),
    (FIVE, 0.01, 12, 19, 2, 0.1391105, None),
]
THETA = 0.012627684388


class Judged:
    """Rows of what was found and what is known, and whether they agree."""

    def __init__(self):
        self.rows, self.good = [], True

    def __call__(self, what, found, known, within=0.0):
        right = abs(float(found) - known) <= within
        self.good = self.good and right
        self.rows.append((what, found, known, "yes" if right else "NO"))

    def reported(self, what, found, known, within=0.0, withheld=False):
        """A number of a report, None where it prints none, which is right where it may be withheld."""
        if found is None and withheld:
            self.rows.append((what, "withheld", known, "-"))
        else:
            self(what, np.nan if found is None else found, known, within)


def measured(options, path, keys, sensitive=None):
    more = ["--sensitive", sensitive] if sensitive else []
    out, _, _ = common.run_timed([options.privet, "measure", path, "--quasi-identifiers", ",".join(keys), "--json", *more])
    return json.loads(out)


def assessed(options, path, keys, fraction, more=""):
    """The findings of the two checks by measure."""
    kept = ("reidentification/individual-risk", "reidentification/special-uniques")
    name = f"{path.stem}-{len(keys)}-{fraction}"
    plan = common.data_plan(options, name, path, keys, *kept, threat=f"fraction = {fraction}\n{more}")
    report, _, _ = common.run_privet(options.privet, plan)
    return {found["measure"].split("/")[1]: found for found in report["findings"]}


def individual_risks(f, p, exact):
    """Risk of records in groups of f that are a share p of their people, by the exact formula or as sdcMicro approximates it."""
    f = np.asarray(f, dtype=float)
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
    judge("  (largest household, by this script)", table["ori_hid"].value_counts().max(), 12)
    sizes = table.groupby(SEVEN)[SEVEN[0]].transform("size")
    approximate, exact = (individual_risks(sizes, 0.01, exact) for exact in (False, True))
    judge("  (approximate risks, by this script)", approximate.sum(), 10.7782989187, 1e-10)
    judge("  (their mean)", approximate.mean(), 0.00235334037527, 5e-15)
    judge("  (and those of households)", of_households(table, approximate).sum(), 51.812927436, 1e-9)
    judge("  (their mean)", of_households(table, approximate).mean(), 0.0113128662524, 5e-14)
    judge("  (exact risks, by this script)", exact.sum(), 10.7755251363, 1e-10)
    judge("  (and those of households)", of_households(table, exact).sum(), 51.7995914641, 5e-11)
    found = assessed(options, path, SEVEN, 0.01, 'weights = "sampling_weight"\nhouseholds = "ori_hid"')
    judge("  expected re-identifications", found["individual-risk"]["estimate"]["value"] * n, 10.7755251363, 1e-9)
    judge("  household risk", found["household-risk"]["estimate"]["value"], of_households(table, exact).mean(), 1e-12)
    judge("  the same, added up", found["household-risk"]["estimate"]["value"] * n, 51.7995914641, 1e-9)


def approximate_risks(judge):
    for (f, people), known in APPROXIMATE.items():
        found = float(individual_risks([f], f / people, exact=False)[0])
        judge(f"(approximate risk of {f} for {people}, by this script)", found, known, 5e-9)


def poisson_means(design, counts, offset):
    """Means of a log-linear model by reweighted least squares, which end where R's `glm` ends: its last digits are R's."""
    means, before = counts + 0.1, np.inf
    while True:
        working, root = np.log(means) - offset + (counts - means) / means, np.sqrt(means)
        means = np.exp(design @ np.linalg.lstsq(design * root[:, None], working * root, rcond=1e-11)[0] + offset)
        deviance = 2 * (np.where(counts > 0, counts * np.log(np.maximum(counts, 1) / means), 0) - (counts - means)).sum()
        if abs(deviance - before) < 1e-8 * (abs(deviance) + 0.1):
            return means
        before = deviance


def log_linear(judge):
    """The risks of `modRisk` with its two faults: the mean of the sample where that of the population belongs, and a sum over the
    sample uniques divided by the cells that are not empty."""
    levels = [sorted(set(column)) for column in zip(*TEN_ROWS)]
    cells = list(itertools.product(*levels))
    counts = np.array([TEN_ROWS.count(cell) for cell in cells], dtype=float)
    weights = 100 * counts
    effects = [[cell[at] == level for at, own in enumerate(levels) for level in own[1:]] for cell in cells]
    main = np.c_[np.ones(len(cells)), np.array(effects, dtype=float)]
    share = np.divide(counts, weights, out=np.zeros_like(counts), where=weights > 0)
    ways = {"default": (main, 0.0), "CE": (main, np.log(share + 0.1)), "weighted": (np.c_[main, weights], 0.0)}
    for way, known in LOG_LINEAR.items():
        design, offset = ways[way]
        rest = 0.99 * poisson_means(design, counts, offset)[counts == 1]
        found = [risk.sum() / (counts > 0).sum() for risk in (np.exp(-rest), -np.expm1(-rest) / rest)]
        for at in range(2):
            judge(f"(modRisk of ten records, {way}: risk {at + 1}, by this script)", found[at], known[at], 6e-13)


def shown(found, setting):
    """A number among the settings of a finding; None where it is withheld."""
    text = dict(found["settings"]).get(setting, "").split(" of ")[0].replace(",", "")
    return float(text) if text.replace(".", "", 1).isdigit() else None


def uniques(options, judge):
    path = (options.data / "sdcmicro" / "testdata.csv").resolve()
    table = pd.read_csv(path)[SEVEN]
    many = options.work / "testdata-eleven.csv"
    pd.concat([table + 100 * copy for copy in range(11)]).to_csv(many, index=False)
    for file, times, name in ((path, 1, "testdata"), (many, 11, "eleven times testdata")):
        report = functools.partial(judge.reported, withheld=times == 1)
        for keys, fraction, scored, total, largest, sum_of_dis, largest_dis in UNIQUES:
            found = assessed(options, file, keys, fraction)
            special, match = found["special-uniques"], found["right-match"]
            what = f"{name}, {len(keys)} keys at {fraction}, as reported: records with a score"
            report(what, shown(special, "records with a score"), scored * times)
            # Of five keys it would tell of fewer than 11 sets.
            if keys is FIVE and times == 1:
                judge("  sum of the scores is withheld", int(shown(special, "sum of the scores") is None), 1)
            else:
                report("  sum of the scores", shown(special, "sum of the scores"), total * times)
            report("  largest score", shown(special, "largest score"), largest)
            expected = shown(match, "sum of the record-level probabilities")
            report("  sum of DIS", expected, sum_of_dis * times, 5e-5 + 5e-8 * times)
            if largest_dis:
                report("  largest DIS", shown(match, "largest record-level probability"), largest_dis, 5e-5 + 5e-8)
            if (keys, fraction) != (SEVEN, 0.01):
                continue
            judge("  theta", match["estimate"]["value"], THETA, 5e-13)
            # Bars that would tell of fewer than 11 records are not drawn.
            drawn = evidence(special, "bars")
            bars = {bar["label"]: round(bar["value"], 3) for bar in drawn["bars"]} if drawn else {}
            judge("  bars of other columns", len(set(bars) - set(SEVEN)), 0)
            for key, known in CONTRIBUTIONS.items():
                report(f"  contribution of {key}", bars.get(key), known, 5e-4)


def every_unique(options, judge):
    """The numbers that a report withholds, from the library."""
    path = options.data / "sdcmicro" / "testdata.csv"
    for keys, fraction, scored, total, largest, sum_of_dis, largest_dis in UNIQUES:
        out, _, _ = common.run_timed([options.special_uniques, path, ",".join(keys), str(fraction)])
        found = json.loads(out)
        by_score, by_size = (BY_SCORE, BY_SIZE) if keys is SEVEN else ({1: 5, 2: 7}, [0, 0, 7, 5, 0])
        scores = {int(score): count for score, count in found["records_with_score"].items()}
        judge(f"testdata, {len(keys)} keys at {fraction}, from the library: records with a score", sum(scores.values()), scored)
        judge("  sum of the scores", found["sum"], total)
        judge("  largest score", max(scores), largest)
        judge("  sum of DIS", found["sum_of_dis"], sum_of_dis, 5e-8)
        if largest_dis:
            judge("  largest DIS", found["largest_dis"], largest_dis, 5e-8)
        if fraction != 0.01:
            continue
        judge("  sizes of minimal sample uniques", len(found["sets_by_size"]), len(by_size))
        for size, known in enumerate(by_size, start=1):
            judge(f"  minimal sample uniques of {size} columns", found["sets_by_size"][size - 1], known)
        judge("  minimal sample uniques in all", sum(found["sets_by_size"]), sum(by_size))
        judge("  different scores", len(scores), len(by_score))
        for score, known in by_score.items():
            judge(f"  records of score {score}", scores.get(score, 0), known)
        if keys is SEVEN:
            judge("  theta", found["theta"], THETA, 5e-13)
            judge("  sum of score times row", found["sum_of_score_times_row"], SCORES_BY_ROW)
            judge("  contributions", len(found["contributions"]), len(CONTRIBUTIONS))
            for key, share in zip(keys, found["contributions"]):
                judge(f"  contribution of {key}", round(100 * share, 3), CONTRIBUTIONS[key], 5e-4)


def recursive_c(values, l):
    """The least c above which the group is recursively (c, l)-diverse: the most frequent over the l-th and rarer."""
    counts = values.value_counts().to_numpy()
    return counts[0] / counts[l - 1 :].sum() if len(counts) >= l else np.inf


def recursive_l(values, c):
    """The largest l for which the group is recursively (c, l)-diverse."""
    return max((l for l in range(2, values.nunique() + 1) if recursive_c(values, l) < c), default=1)


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
        rows = {row[0]: row[1] for row in told["records-without-diversity"]["evidence"][0]["rows"]}
        judge("  least distinct l, in the table", rows["distinct l"], 1)
        judge("  least entropy l", rows["entropy l"], 1, 5.1e-5)
        # No c makes a group of one value (c, 2)-diverse, so the least recursive l is 1.
        judge("  recursive c for l = 2 is infinite", int(rows["recursive c for l = 2"] == "infinite"), 1)
        least = min(recursive_l(values, 2) for _, values in table.groupby(keys)[column])
        judge("  (least recursive l for c = 2, by this script)", least, 1)
        told = {one["measure"].split("/")[1]: one for one in measured(options, group, keys, column)["sensitive"]}
        rows = {row[0]: row[1] for row in told["records-without-diversity"]["evidence"][0]["rows"]}
        judge("  distinct l of the first record", rows["distinct l"], distinct)
        judge("  entropy l", rows["entropy l"], entropy, 5.1e-5)
        values = pd.read_csv(group)[column]
        judge("  (recursive l for c = 2, by this script)", recursive_l(values, 2), recursive)
        for l in (2, 3, 4):
            found, known = rows[f"recursive c for l = {l}"], recursive_c(values, l)
            if np.isinf(known):
                judge(f"  recursive c for l = {l} is infinite", int(found == "infinite"), 1)
            else:
                judge(f"  recursive c for l = {l}", found, known, 5.1e-5)


def apart(table, record):
    """In how many columns a record differs from each; what is suppressed differs from nothing."""
    return ((table != record) & ~np.isnan(table) & ~np.isnan(record)).sum(axis=1)


def suppressed(table, k, order):
    """sdcMicro's local suppression: as long as there are records that fewer than k agree with, a cell of each is suppressed, in
    the first column of the order in which it differs from one of its nearest neighbours. Of larger groups k records are looked at."""
    frame = pd.DataFrame(table)
    kept = frame[frame.groupby(list(frame.columns)).cumcount() < k].index.to_numpy()
    out, few = table.copy(), table[kept].copy()
    while True:
        agree = np.array([(apart(few, record) == 0).sum() for record in few])
        short = np.flatnonzero(agree < k)
        if not len(short):
            out[kept] = few
            return out
        for at in short[np.argsort(agree[short], kind="stable")]:
            distance = apart(few, few[at])
            nearest = few[distance == distance[distance > 0].min()]
            differs = ((few[at] != nearest) & ~np.isnan(nearest)).any(axis=0) & ~np.isnan(few[at])
            few[at, next(column for column in order if differs[column])] = np.nan


def suppression(options, judge):
    table = pd.read_csv(options.data / "sdcmicro" / "testdata2.csv")
    ages = table["age"]
    edges = np.linspace(ages.min(), ages.max(), 6)
    edges[[0, -1]] += np.array([-1, 1]) * np.ptp(ages) / 1000
    most_levels_first = np.argsort([-table[key].nunique() for key in SEVEN], kind="stable")
    bands = {"all at once": np.zeros(len(table), int), "by age": np.digitize(ages, edges, right=True)}
    for way, band in bands.items():
        masked = table[SEVEN].to_numpy(float)
        for one in np.unique(band):
            masked[band == one] = suppressed(masked[band == one], 2, most_levels_first)
        judge(f"testdata2, {way}: (cells suppressed, by this script)", np.isnan(masked).sum(), SUPPRESSED[way][0])
        path = options.work / f"testdata2-{way.replace(' ', '-')}.csv"
        pd.DataFrame(masked, columns=SEVEN).astype("Int64").assign(band=band).to_csv(path, index=False)
        found = measured(options, path, [*SEVEN, "band"])
        agree = np.array([((apart(masked, masked[i]) == 0) & (band == band[i])).sum() for i in range(len(masked))])
        judge("  smallest group where a suppressed cell matches all", found["k_wildcard"], agree.min())
        judge("  (which is two)", agree.min(), 2)
        own = pd.DataFrame(masked).assign(band=band).groupby([*range(7), "band"], dropna=False).size()
        judge("  smallest group where it matches none but its like", found["k"], own.min())
        judge("  records alone in that reading", found["uniqueness"]["value"], (own == 1).sum() / len(table), 1e-12)
        judge("  the same, to four digits", found["uniqueness"]["value"], SUPPRESSED[way][1], 5e-5)


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
    shares = {(one["rule"], one["k"]): one["disclosed"]["value"] for one in found["intervals"]}
    judge("Tarragona in groups of three: intervals", len(shares), len(INTERVALS) + len(OLDER_INTERVALS))
    for k, known in INTERVALS.items():
        judge(f"  records within {k} standard deviations", shares.get(("all", k), np.nan), known, 5e-13)
    for k, known in OLDER_INTERVALS.items():
        judge(f"  with at most one number outside {k}", shares.get(("all-but-one", k), np.nan), known, 5e-5)
    (nearest,) = [one for one in found["linkage"] if one["way"] == "nearest"]
    known = found_by_distance(pd.read_csv(path)[keys].to_numpy(float), table[keys].to_numpy(float))
    judge("  nearest original by Gower's distance (numpy)", nearest["right"]["value"], known, 1e-12)


def main():
    parser = common.arguments(__doc__)
    parser.add_argument("--special-uniques", type=pathlib.Path, help="the example of the library")
    options = common.checked(parser)
    options.special_uniques = options.special_uniques or options.privet.parent / "examples" / "special_uniques"
    judge = Judged()
    testdata(options, judge)
    approximate_risks(judge)
    log_linear(judge)
    uniques(options, judge)
    every_unique(options, judge)
    diversity(options, judge)
    suppression(options, judge)
    anonymised(options, judge)
    tarragona(options, judge)
    common.print_table(["number", "privet", "reference", "agrees"], judge.rows)
    return 0 if judge.good else 1


if __name__ == "__main__":
    sys.exit(main())
