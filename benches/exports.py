"""Tables with text and whole numbers, pipelines over them, and their ONNX files: what the tree benches share."""

import io

import common  # first: sets the number of threads

import numpy as np
import onnx
import onnxruntime
import pandas as pd
from lightgbm import LGBMClassifier
from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm
from skl2onnx import to_onnx, update_registered_converter
from skl2onnx.common.data_types import Int64TensorType, StringTensorType
from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes

# Without this, skl2onnx does not know LightGBM inside a scikit-learn pipeline.
update_registered_converter(
    LGBMClassifier,
    "LightGbmLGBMClassifier",
    calculate_linear_classifier_output_shapes,
    convert_lightgbm,
    options={"nocl": [True, False], "zipmap": [True, False, "columns"]},
)

ADULT = [
    "age", "workclass", "fnlwgt", "education", "education-num", "marital-status", "occupation", "relationship",
    "race", "sex", "capital-gain", "capital-loss", "hours-per-week", "native-country", "income",
]  # fmt: skip


def adult(folder):
    """The 32,561 rows of the training part; `?` is a value like others."""
    text = io.BytesIO(common.raw_bytes(folder, "adult/adult.data"))
    return pd.read_csv(text, header=None, names=ADULT, skipinitialspace=True, keep_default_na=False)


def is_text(column):
    return not pd.api.types.is_numeric_dtype(column)


def onnx_name(column):
    """skl2onnx turns every character that is not a letter or digit into `_`."""
    return "".join(c if c.isalnum() else "_" for c in column)


def export(pipeline, frame, path):
    """One input per column, label and [N, C] probabilities as outputs."""
    types = [(c, (StringTensorType if is_text(frame[c]) else Int64TensorType)([None, 1])) for c in frame.columns]
    options = {id(pipeline.steps[-1][1]): {"zipmap": False}}
    model = to_onnx(pipeline, initial_types=types, options=options, target_opset={"": 15, "ai.onnx.ml": 3})
    unfinished = path.with_suffix(".part")
    unfinished.write_bytes(model.SerializeToString())
    unfinished.rename(path)


def feeds(session, frame):
    column_of = {onnx_name(c): c for c in frame.columns}
    kinds = {"tensor(string)": object, "tensor(int64)": np.int64, "tensor(float)": np.float32}
    inputs = session.get_inputs()
    if len(inputs) == 1 and inputs[0].shape[-1] == frame.shape[1]:
        return {inputs[0].name: frame.to_numpy(np.float32)}
    return {i.name: frame[column_of[i.name]].to_numpy(kinds[i.type]).reshape(-1, 1) for i in inputs}


def counts_votes(path):
    """Whether the file holds a forest: probabilities that are sums of 32-bit shares, equal ones up to the last bits."""
    nodes = [node for node in onnx.load(path).graph.node if node.op_type == "TreeEnsembleClassifier"]
    after = [a.s for node in nodes for a in node.attribute if a.name == "post_transform"]
    return bool(nodes) and all(value == b"NONE" for value in after)


def true_class(path, frame, classes, labels):
    """f64 probability of the true class, from the file; `classes` in the order of its output.

    A forest's probabilities are rounded to 1e-6, so that equal shares of votes are ties whichever class they are of.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    answers = session.run(None, feeds(session, frame))[-1]
    if isinstance(answers, list):
        answers = np.array([[row[c] for c in classes] for row in answers])
    answers = answers.astype(np.float64).round(6 if counts_votes(path) else 17)
    place = {c: k for k, c in enumerate(classes)}
    return answers[np.arange(len(labels)), [place[label] for label in labels]]


def log_odds(p, floor=1e-6):
    """ln p - ln(1 - p) with p kept in [floor, 1 - floor]."""
    p = np.clip(p, floor, 1 - floor)
    return np.log(p) - np.log1p(-p)
