"""Train the over-fitted readmission forest on other records: the example of a training program for `[reference] command`.

usage: python datasets/train_readmission.py --data TRAIN.parquet --out MODEL.onnx --seed N

Needs the libraries of requirements.txt. The same pipeline as in build.py: only then are the models like the one
under test. It trains on every record of the file, whatever set the record belongs to.
"""

import argparse
from pathlib import Path

import pandas as pd
from skl2onnx import to_onnx
from skl2onnx.common.data_types import Int64TensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OrdinalEncoder

NOT_INPUT = ["encounter_id", "patient_nbr", "weight", "readmitted"]


def pipeline(strings, numbers, seed):
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    columns = ColumnTransformer([("text", encoder, strings), ("number", "passthrough", numbers)])
    forest = RandomForestClassifier(n_estimators=20, min_samples_leaf=1, random_state=seed, n_jobs=1)
    return Pipeline([("columns", columns), ("model", forest)])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, required=True)
    args = parser.parse_args()

    frame = pd.read_parquet(args.data)
    features = [c for c in frame.columns if c not in NOT_INPUT and frame[c].nunique() > 1]
    numbers = [c for c in features if pd.api.types.is_integer_dtype(frame[c])]
    strings = [c for c in features if c not in numbers]
    model = pipeline(strings, numbers, args.seed).fit(frame[features], frame["readmitted"])

    types = [
        (c, Int64TensorType([None, 1]) if c in numbers else StringTensorType([None, 1]))
        for c in features
    ]
    options = {id(model.steps[-1][1]): {"zipmap": True}}
    onnx = to_onnx(
        model, initial_types=types, options=options, name="readmission",
        target_opset={"": 15, "ai.onnx.ml": 3},
    )  # fmt: skip
    args.out.write_bytes(onnx.SerializeToString())


if __name__ == "__main__":
    main()
