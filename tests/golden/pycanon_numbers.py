"""k-anonymity numbers of pyCANON on the Adult table, as JSON on standard output.

pyCANON needs older libraries than datasets/requirements.txt, so it has its own environment:

    python -m venv pc && pc/bin/pip install pycanon==1.3.6 pandas==2.3.3 pyarrow
    pc/bin/python tests/golden/pycanon_numbers.py > tests/golden/pycanon.json

make_golden.py copies these numbers into kanonymity.json.
"""

import json
from pathlib import Path

import pandas as pd
from pycanon.anonymity import k_anonymity
from pycanon.anonymity.utils.aux_anonymity import get_equiv_class
from pycanon.metrics import average_rir

HERE = Path(__file__).resolve().parent


def main():
    frame = pd.read_parquet(HERE.parents[1] / "datasets/adult/adult.parquet")
    found = {}
    for name, columns in json.loads((HERE / "qi_sets.json").read_text()).items():
        found[name] = {
            "k": int(k_anonymity(frame, columns)),
            "classes": len(get_equiv_class(frame, columns)),
            "average_rir": float(average_rir(frame, columns)),
        }
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
