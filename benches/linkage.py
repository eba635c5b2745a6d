"""privet's linkage attack on FEBRL4, beside the Python Record Linkage Toolkit.

usage: python benches/linkage.py --work DIR --data DIR [--privet FILE]

`--data` holds `febrl/dataset4a.csv.gz` and `febrl/dataset4b.csv.gz` (Freely Extensible Biomedical Record Linkage, generated
people; distributed with the toolkit): 5,000 records each, 5,000 true links. 4b plays the data that were released, 4a the
attacker's file; the record number is used for scoring alone. Three tables: pairs that blocking compares against the numbers
that the toolkit and pandas count; the toolkit's guide; and linkage learned by EM in both programs on the same blocks, with
precision, recall and time. The toolkit (`pip install recordlinkage`) must be in the Python that runs this. The exit code is 1
when any line is not what it should be.
"""

import sys
import time

import common  # first: sets the number of threads

import pandas as pd
import recordlinkage
from recordlinkage.index import Block

COLUMNS = ("given_name", "surname", "date_of_birth", "suburb", "postcode", "state", "address_1")
UNION = ("given_name", "surname", "date_of_birth")
# Key: (pairs, true ones), counted with pandas.
BLOCKS = {
    ("given_name",): (77_249, 3287),
    ("date_of_birth",): (5107, 4469),
    ("date_of_birth", "postcode"): (3757, 3757),
    ("date_of_birth", "postcode", "surname"): (2481, 2481),
    ("soc_sec_id",): (4561, 4561),
    ("date_of_birth", "state"): (4349, 4203),
}


def febrl(folder, name):
    """One file with its person number; every cell is text, an empty one missing."""
    data = common.raw_bytes(folder, f"febrl/dataset4{name}.csv").decode()
    rows = [[cell.strip() for cell in line.split(",")] for line in data.splitlines()]
    table = pd.DataFrame(rows[1:], columns=rows[0])
    table["person"] = table.pop("rec_id").str.split("-").str[1].astype(int)
    return table


def plan(work, name, columns, *, block=(), threshold=0.9):
    """A plan that links 4a to 4b on some columns, comparing all pairs or those of some keys."""
    keys = ", ".join("[" + ", ".join(f'"{column}"' for column in key) + "]" for key in block)
    listed = ", ".join(f'"{column}"' for column in columns)
    return common.write_plan(work / f"{name}.toml", f"""
[data]
members = "b.csv"
nonmembers = "others.csv"

[columns]
identifiers = ["person"]

[columns.types]
date_of_birth = "text"

[threats.linked]
columns   = [{listed}]
auxiliary = "a.csv"
truth     = {{ person = "person" }}

[checks."reidentification/linkage"]
people    = 5000
pairs     = 25000000
threshold = {threshold}
block     = [{keys}]
""")


def measured(privet, path):
    """Estimates of the linkage by measure, the number of pairs, the baseline, and seconds of the check alone."""
    report, _, _ = common.run_privet(privet, path)
    found = {f["measure"].split("/")[1]: f for f in report["findings"] if f["check"] == "reidentification/linkage"}
    settings = dict(found["linkage"]["settings"])
    pairs = int(settings["compared"].replace("all ", "").split()[0].replace(",", ""))
    seconds = common.step_seconds(report, "reidentification/linkage")
    return {name: f["estimate"]["value"] for name, f in found.items()}, pairs, found["linkage"]["baseline"], seconds


def pandas_pairs(a, b, key):
    joined = a.dropna(subset=list(key)).merge(b.dropna(subset=list(key)), on=list(key), suffixes=("", "_b"))
    return len(joined), int((joined.person == joined.person_b).sum())


def toolkit_guide(a, b):
    """The toolkit's guide to linking two files: pairs that agree in more than two of five comparisons."""
    indexer = recordlinkage.Index()
    indexer.block("given_name")
    pairs = indexer.index(a, b)
    compare = recordlinkage.Compare()
    compare.string("surname", "surname", method="jarowinkler", threshold=0.85)
    compare.exact("date_of_birth", "date_of_birth")
    compare.exact("suburb", "suburb")
    compare.exact("state", "state")
    compare.string("address_1", "address_1", threshold=0.85)
    scores = compare.compute(pairs, a, b).sum(axis=1)
    return len(pairs), int((scores > 2).sum())


def toolkit_em(a, b):
    """EM by the toolkit on the union of blocks: precision, recall, seconds."""
    start = time.perf_counter()
    indexer = recordlinkage.Index([Block(column) for column in UNION])
    pairs = indexer.index(a, b)
    compare = recordlinkage.Compare()
    for column in ("given_name", "surname", "suburb", "address_1"):
        compare.string(column, column, method="jarowinkler", threshold=0.88)
    for column in ("date_of_birth", "postcode", "state"):
        compare.exact(column, column)
    features = compare.compute(pairs, a, b)
    links = recordlinkage.ECMClassifier().fit_predict(features)
    seconds = time.perf_counter() - start
    right = int((a.person.loc[links.get_level_values(0)].to_numpy() == b.person.loc[links.get_level_values(1)].to_numpy()).sum())
    return len(pairs), right / max(len(links), 1), right / len(a), seconds


def main():
    options = common.checked(common.arguments(__doc__))
    a, b = febrl(options.data, "a"), febrl(options.data, "b")
    a.to_csv(options.work / "a.csv", index=False)
    b.to_csv(options.work / "b.csv", index=False)
    b.head(50).assign(person=lambda t: -t.person - 1).to_csv(options.work / "others.csv", index=False)
    a, b = (table.replace("", pd.NA) for table in (a, b))
    right = []

    def judged(good):
        right.append(good)
        return common.judged(good)

    rows = []
    for key, expected in BLOCKS.items():
        counted = pandas_pairs(a, b, key)
        pairs = "-"
        good = counted == expected
        if not options.reference_only:
            path = plan(options.work, "block-" + "-".join(key), tuple(dict.fromkeys((*key, "surname", "state"))), block=[key])
            pairs = measured(options.privet, path)[1]
            good = good and pairs == expected[0]
        rows.append((" + ".join(key), expected[0], counted[0], pairs, f"{counted[1]:,}", judged(good)))
    common.print_table(("block", "known", "pandas", "privet", "true", ""), rows)

    print()
    pairs, matches = toolkit_guide(a, b)
    rows = [("pairs", pairs, 77_249, judged(pairs == 77_249)),
            ("more than two of five agree", matches, 3241, judged(abs(matches - 3241) <= 10))]
    common.print_table(("toolkit's guide", "counted", "known", ""), rows)

    print()
    rows = []
    pairs, precision, recall, theirs = toolkit_em(a, b)
    rows.append(("toolkit, union of blocks", f"{pairs:,}", f"{precision:.4f}", f"{recall:.4f}", "-", f"{theirs:.2f}", ""))
    if not options.reference_only:
        for name, block in (("union of blocks", [(column,) for column in UNION]), ("all pairs", [])):
            path = plan(options.work, name.replace(" ", "-"), COLUMNS, block=block)
            values, pairs, baseline, seconds = measured(options.privet, path)
            found, recall, precision = (values[k] for k in ("linkage", "linkage-claims", "linkage-precision"))
            good = precision > 0.99 and recall > 0.97 and (block or pairs == 25_000_000)
            rows.append((f"privet, {name}", f"{pairs:,}", f"{precision:.4f}", f"{recall:.4f}", f"{found:.4f}", f"{seconds:.2f}",
                         judged(good)))
            if block:
                print(f"time on the union of blocks: toolkit {theirs:.2f} s, privet {seconds:.2f} s, ratio {theirs / seconds:.1f}")
            exact = baseline["estimate"]["value"]
        rows.append(("exact join on all columns", "-", "-", "-", f"{exact:.4f}", "-", ""))
    common.print_table(("EM linkage", "pairs", "precision", "recall", "best match", "seconds", ""), rows)
    sys.exit(0 if all(right) else 1)


if __name__ == "__main__":
    main()
