"""Special uniques: privet's answers and seconds beside those recorded of sdcMicro 5.8.1 on the same files.

    cargo build --release --bin privet --example special_uniques
    python benches/suda.py --data FOLDER --work FOLDER [--privet target/release/privet]

sdcMicro is in no package registry, so its numbers (all keys as integer codes, DIS with the sampling fraction 0.01, CPU seconds
of `suda2` alone) were recorded once. privet runs on one thread: the seconds of the check, which also sums up scores, groups the
records and writes its tables; and the processor seconds of the whole process with reading the file and writing the report.
The check takes no more processor seconds than either (the first are by the clock, and grow where the machine is shared), so the
ratio is by the smaller. What a report withholds because it tells of few records is judged as the library's example prints it
(`--special-uniques`, otherwise beside the binary). Exits with 1 when an answer differs, or it is below 10 on diabetes130 with 12 keys.
"""

import json
import os
import pathlib
import sys

import common  # first: sets the number of threads

import pandas as pd

os.environ["RAYON_NUM_THREADS"] = "1"

ADULT = (
    "age workclass fnlwgt education education_num marital_status occupation relationship race sex capital_gain capital_loss "
    "hours_per_week native_country income"
).split()
ADULT_6 = "age education marital_status race sex native_country"
ADULT_12 = (
    "age workclass education marital_status occupation relationship race sex capital_gain hours_per_week native_country income"
)
DIABETES_6 = "race gender age admission_type_id discharge_disposition_id medical_specialty"
DIABETES_12 = (
    "race gender age admission_type_id discharge_disposition_id admission_source_id time_in_hospital medical_specialty "
    "num_medications number_diagnoses A1Cresult insulin"
)
TESTDATA = "urbrur roof walls water electcon relat sex age"
# Name, file, keys; scored records, sum of scores, largest, sum of DIS, CPU seconds of sdcMicro.
RECORDED = [
    ("testdata", "testdata", TESTDATA, (1650, 409_148, 5_184, 211.5322), 0.05),
    ("adult, 6 keys", "adult", ADULT_6, (5594, 62_582, 120, 438.3126), 0.16),
    ("adult, 12 keys", "adult", ADULT_12, (26601, 47_777_817_062, 47_900_160, 14155.85), 1.8),
    ("adult100k_jitter", "adult100k_jitter", "age workclass education marital_status occupation race sex native_country",
     (23317, 3_075_637, 5_040, 2122.175), 1.1),  # fmt: skip
    ("adult1m_jitter", "adult1m_jitter", "age education marital_status race sex hours_per_week native_country",
     (131_301, 1_765_016, 336, 4907.709), 10.0),  # fmt: skip
    ("diabetes130, 6 keys", "diabetes", DIABETES_6, (5296, 29_165, 120, 236.9085), 0.45),
    ("diabetes130, 12 keys", "diabetes", DIABETES_12, (91_956, 41_980_074_578, 41_226_840, 58620.02), 26.5),
    ("sdctest_100k", "sdctest_100k", TESTDATA, (484, 62_107, 3_600, 14.07335), 0.57),
    ("sdctest_1m", "sdctest_1m", TESTDATA, (0, 0, 0, 0.0), 11.2),
]
CONTRIBUTIONS = {
    "adult, 6 keys": (83.88035, 53.86213, 34.62337, 22.15493, 16.65814, 67.00968),
    "diabetes130, 6 keys": (41.95097, 24.02880, 57.76101, 42.15327, 62.56472, 84.45054),
}


def data_file(options, name):
    """The table that privet reads, with nothing but a first line of names added."""
    shipped = options.data / "bench" / f"{name}.parquet"
    if shipped.exists():
        return shipped
    path = options.work / f"{name}.parquet"
    if not path.exists():
        if name == "adult":
            table = pd.read_csv(options.data / "adult" / "adult.data.gz", header=None, names=ADULT, skipinitialspace=True,
                                keep_default_na=False)  # fmt: skip
        elif name == "diabetes":
            table = pd.read_csv(options.data / "diabetes130" / "diabetic_data.csv.gz", dtype=str, keep_default_na=False)
        else:
            table = pd.read_csv(options.data / "sdcmicro" / f"{name}.csv")
        table.to_parquet(path, index=False)
    return path


def ours(options, label, file, keys):
    plan = common.data_plan(
        options, label.replace(", ", "-").replace(" ", "-"), file, keys.split(), "reidentification/special-uniques",
        threat="fraction = 0.01", more='[checks."reidentification/special-uniques"]\nmax-size = 12\n',
    )  # fmt: skip
    report, _, processor = common.run_privet(options.privet, plan)
    of = {found["measure"]: found for found in report["findings"]}
    special = of["reidentification/special-uniques"]
    settings = dict(special["settings"])
    settings.update(of.get("reidentification/right-match", {"settings": []})["settings"])

    def number(name):
        text = settings.get(name, "withheld").replace(",", "").split(" of ")[0]
        return None if text == "withheld" else float(text)

    names = ("records with a score", "sum of the scores", "largest score", "sum of the record-level probabilities")
    answers = tuple(number(name) for name in names)
    bars = {bar["label"]: bar["value"] for found in special["evidence"] if found["kind"] == "bars" for bar in found["bars"]}
    seconds = common.step_seconds(report, "reidentification/special-uniques")
    return answers, tuple(bars.get(key) for key in keys.split()), seconds, processor


def of_library(options, file, keys):
    """The same answers and contributions from the library, which withholds nothing."""
    out, _, _ = common.run_timed([options.special_uniques, file, ",".join(keys.split()), "0.01"])
    found = json.loads(out)
    scores = {int(score): records for score, records in found["records_with_score"].items()}
    answers = (sum(scores.values()), found["sum"], max(scores, default=0), found["sum_of_dis"])
    return answers, tuple(100 * share for share in found["contributions"])


def agree(found, known, within):
    """Whether all that is printed is as known; what is withheld is None."""
    return all(a is None or abs(a - b) <= max(within, 1e-6 * abs(b)) for a, b in zip(found, known))


def main():
    parser = common.arguments(__doc__)
    parser.add_argument("--special-uniques", type=pathlib.Path, help="the example of the library")
    options = common.checked(parser)
    options.special_uniques = options.special_uniques or options.privet.parent / "examples" / "special_uniques"
    rows, good = [], True
    for label, name, keys, recorded, theirs in RECORDED:
        file = data_file(options, name).resolve()
        printed, bars, seconds, processor = ours(options, label, file, keys)
        none = recorded[0] == 0
        answers, contributions = (recorded, bars) if none else of_library(options, file, keys)
        # The report prints the sum of probabilities with four decimals.
        same = agree(printed, recorded, 6e-4) and agree(answers, recorded, 6e-5) and (not none or printed[0] == 0)
        same = same and agree(bars, contributions, 1e-5) and agree(contributions, CONTRIBUTIONS.get(label, contributions), 1e-5)
        bound = min(seconds, processor)
        fast = label != "diabetes130, 12 keys" or bound <= 0.1 * theirs
        good = good and same and fast
        withheld = sum(answer is None for answer in printed)
        rows.append([label, *(f"{answer:.0f}" for answer in answers[:3]), f"{answers[3]:.4f}",
                     "equal" if same else f"DIFFERS from {recorded}", f"{4 - withheld} of 4", f"{theirs:.2f}", f"{seconds:.2f}",
                     f"{theirs / bound:.1f}", f"{processor:.2f}"])  # fmt: skip
    common.print_table(
        ["data", "scored", "sum of scores", "largest", "sum of DIS", "sdcMicro's", "in the report", "sdcMicro s", "privet s", "ratio",
         "whole process s"], rows)  # fmt: skip
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
