"""Rebuild everything under datasets/ from the raw public files.

usage: python datasets/build.py --raw DIR [readmission|heart|images|adult|shapes|stored ...]

DIR holds the raw files; README.md says which ones and where they are published.
Without a name, all parts are built. Seeds are fixed and library versions are pinned
in requirements.txt, so a second run writes the same bytes.
"""

import argparse
import gzip
import io
import json
import os
import re
from pathlib import Path

# One thread everywhere: the order of float additions must not depend on the machine.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np
import onnx
import onnxruntime as ort
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from lightgbm import LGBMClassifier
from onnx import TensorProto, helper, numpy_helper
from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm
from skl2onnx import to_onnx, update_registered_converter
from skl2onnx.common.data_types import (
    BooleanTensorType,
    DoubleTensorType,
    FloatTensorType,
    Int64TensorType,
    StringTensorType,
)
from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score, roc_curve
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.svm import SVC

HERE = Path(__file__).resolve().parent
SEED = 20260101

# Without this, skl2onnx does not know LightGBM inside a scikit-learn pipeline.
update_registered_converter(
    LGBMClassifier,
    "LightGbmLGBMClassifier",
    calculate_linear_classifier_output_shapes,
    convert_lightgbm,
    options={"nocl": [True, False], "zipmap": [True, False, "columns"]},
)


# ---------------------------------------------------------------- shared helpers


def open_raw(raw, *names):
    """The text of the first raw file that is there, plain or gzipped."""
    for name in names:
        for path in (raw / name, raw / (name + ".gz")):
            if path.exists():
                data = path.read_bytes()
                return gzip.decompress(data) if path.suffix == ".gz" else data
    raise SystemExit(f"missing raw file: {raw / names[0]} (see datasets/README.md)")


def write_parquet(frame, path):
    """Plain Parquet: `string` columns, no pandas metadata, zstd."""
    table = pa.Table.from_pandas(frame, preserve_index=False)
    fields = [
        pa.field(f.name, pa.string() if pa.types.is_large_string(f.type) else f.type)
        for f in table.schema
    ]
    table = table.cast(pa.schema(fields))
    pq.write_table(table, path, compression="zstd", compression_level=19)


def save_onnx(model, path):
    onnx.checker.check_model(model)
    # skl2onnx takes the operator sets from a Python set, in an order that changes per run.
    imports = sorted(model.opset_import, key=lambda o: (o.domain, o.version))
    del model.opset_import[:]
    model.opset_import.extend(imports)
    path.write_bytes(model.SerializeToString(deterministic=True))


def session(path):
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def norm(name):
    """skl2onnx turns every character that is not a letter or digit into `_`."""
    return "".join(c if c.isalnum() else "_" for c in name)


def column_feeds(frame, sess):
    """One [N, 1] array per model input, found by the normalised column name."""
    column_of = {norm(c): c for c in frame.columns}
    dtypes = {
        "tensor(string)": object,
        "tensor(int64)": np.int64,
        "tensor(float)": np.float32,
        "tensor(bool)": bool,
    }
    return {
        i.name: frame[column_of[i.name]].to_numpy(dtypes[i.type]).reshape(-1, 1)
        for i in sess.get_inputs()
    }


def true_label_probability(outputs, classes, y):
    """Probability of the true label, from a list of maps (ZipMap) or a tensor."""
    probs = outputs[-1]
    if isinstance(probs, list):
        return np.array([m[label] for m, label in zip(probs, y)], dtype=np.float64)
    index = {c: k for k, c in enumerate(classes)}
    rows = np.arange(len(y))
    return probs.astype(np.float64)[rows, [index[label] for label in y]]


def tpr_at(fpr, tpr, limit):
    """Largest TPR among the achievable thresholds whose FPR stays within the limit."""
    return float(tpr[fpr <= limit].max())


def report(name, member_score, nonmember_score, member_hit, nonmember_hit):
    """Print the loss-threshold membership attack; the score is p(true label)."""
    y = np.r_[np.ones(len(member_score)), np.zeros(len(nonmember_score))]
    s = np.r_[member_score, nonmember_score]
    fpr, tpr, _ = roc_curve(y, s, drop_intermediate=False)
    rates = ", ".join(f"{100 * f:g}% {tpr_at(fpr, tpr, f):.4f}" for f in (0.1, 0.01, 0.001))
    print(
        f"{name}: train accuracy {np.mean(member_hit):.4f}, test {np.mean(nonmember_hit):.4f}, "
        f"loss AUC {roc_auc_score(y, s):.4f}, TPR at FPR {rates}"
    )


# ------------------------------------------------------------------- readmission

READMISSION_INTS = [
    "encounter_id", "patient_nbr", "admission_type_id", "discharge_disposition_id",
    "admission_source_id", "time_in_hospital", "num_lab_procedures", "num_procedures",
    "num_medications", "number_outpatient", "number_emergency", "number_inpatient",
    "number_diagnoses",
]  # fmt: skip
READMISSION_NOT_INPUT = ["encounter_id", "patient_nbr", "weight", "readmitted"]


def load_readmission(raw):
    text = open_raw(raw, "diabetes130/diabetic_data.csv")
    # "None" is a value of two laboratory columns, so nothing may be read as missing.
    frame = pd.read_csv(io.BytesIO(text), dtype=str, keep_default_na=False)
    for column in READMISSION_INTS:
        frame[column] = frame[column].astype(np.int64)
    frame["readmitted"] = np.where(frame["readmitted"] == "NO", "NO", "YES")
    return frame


def take_patients(counts, patients, rows):
    """Whole patients, in the given order, that together have exactly `rows` encounters."""
    taken, total = set(), 0
    for patient in patients:
        if total + counts[patient] <= rows:
            taken.add(patient)
            total += counts[patient]
    assert total == rows
    return taken


def pseudonyms(values, rng):
    """A random, unique, order-free integer for each distinct value."""
    distinct = np.unique(values)
    numbers = rng.choice(900_000_000, size=len(distinct), replace=False) + 100_000_000
    return dict(zip(distinct.tolist(), numbers.tolist()))


def split_patients(frame, rows, rng):
    counts = frame["patient_nbr"].value_counts().to_dict()
    patients = rng.permutation(np.array(sorted(counts))).tolist()
    members = take_patients(counts, patients, rows)
    nonmembers = take_patients(counts, [p for p in patients if p not in members], rows)
    for column in ("encounter_id", "patient_nbr"):
        frame[column] = frame[column].map(pseudonyms(frame[column], rng))
    return members, nonmembers


def readmission_tables(raw):
    rng = np.random.default_rng(SEED)
    frame = load_readmission(raw)
    original = frame["patient_nbr"].copy()
    members, nonmembers = split_patients(frame, 10_000, rng)
    # Rows are shuffled too: the raw file is ordered by encounter.
    return [
        frame[original.isin(chosen)].iloc[rng.permutation(10_000)].reset_index(drop=True)
        for chosen in (members, nonmembers)
    ]


def readmission_pipeline(frame, features, estimator):
    strings = [c for c in features if c not in READMISSION_INTS]
    numbers = [c for c in features if c in READMISSION_INTS]
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    columns = ColumnTransformer([("text", encoder, strings), ("number", "passthrough", numbers)])
    return Pipeline([("columns", columns), ("model", estimator)]).fit(
        frame[features], frame["readmitted"]
    )


def readmission_export(pipeline, features, path, zipmap):
    types = [
        (c, Int64TensorType([None, 1]) if c in READMISSION_INTS else StringTensorType([None, 1]))
        for c in features
    ]
    options = {id(pipeline.steps[-1][1]): {"zipmap": zipmap}}
    model = to_onnx(
        pipeline, initial_types=types, options=options, name=f"readmission_{path.stem}",
        target_opset={"": 15, "ai.onnx.ml": 3},
    )  # fmt: skip
    save_onnx(model, path)


def readmission_check(name, path, pipeline, features, tables):
    sess, classes = session(path), list(pipeline.classes_)
    scores, hits, worst = [], [], 0.0
    for table in tables:
        y = table["readmitted"].to_numpy(object)
        outputs = sess.run(None, column_feeds(table, sess))
        scores.append(true_label_probability(outputs, classes, y))
        hits.append(np.asarray(outputs[0]) == y)
        native = true_label_probability([pipeline.predict_proba(table[features])], classes, y)
        worst = max(worst, np.abs(native - scores[-1]).max())
    report(name, *scores, *hits)
    print(f"  largest difference to the Python model {worst:.2g}, {path.stat().st_size} bytes")


def build_readmission(raw):
    out = HERE / "readmission"
    out.mkdir(exist_ok=True)
    tables = readmission_tables(raw)
    for table, name in zip(tables, ("members", "nonmembers")):
        write_parquet(table, out / f"{name}.parquet")
    members = tables[0]
    features = [
        c for c in members.columns if c not in READMISSION_NOT_INPUT and members[c].nunique() > 1
    ]
    print(f"readmission: {len(features)} inputs: {', '.join(features)}")
    overfit = RandomForestClassifier(
        n_estimators=20, bootstrap=True, min_samples_leaf=1, random_state=SEED, n_jobs=1
    )
    regularised = LGBMClassifier(
        n_estimators=60, learning_rate=0.05, max_depth=3, num_leaves=8, min_child_samples=200,
        reg_lambda=10.0, random_state=SEED, n_jobs=1, deterministic=True, verbose=-1,
    )  # fmt: skip
    for name, estimator, zipmap in (("overfit", overfit, True), ("regularised", regularised, False)):
        pipeline = readmission_pipeline(members, features, estimator)
        path = out / f"{name}.onnx"
        readmission_export(pipeline, features, path, zipmap)
        readmission_check(f"readmission/{name}", path, pipeline, features, tables)


# ------------------------------------------------------------------------- heart

HEART_FEATURES = [
    "age", "sex", "cp", "trestbps", "chol", "fbs", "restecg", "thalach", "exang",
    "oldpeak", "slope", "ca", "thal",
]  # fmt: skip


def load_heart(raw):
    """The 303 Cleveland rows as text; reads the UCI file and copies with `;` and a header."""
    text = open_raw(raw, "heart_uci/processed.cleveland.data").decode()
    rows = [line.replace(";", ",").split(",") for line in text.split()]
    if not rows[0][0][0].isdigit():
        rows = rows[1:]
    frame = pd.DataFrame(rows, columns=HEART_FEATURES + ["num"])
    frame["disease"] = (frame.pop("num").astype(float) > 0).astype(np.int64)
    return frame


def heart_matrix(frame):
    """[N, 13] float32 with NaN where the file says `?`."""
    return frame[HEART_FEATURES].replace("?", "nan").to_numpy(np.float32)


def heart_split(frame):
    half = np.random.default_rng(SEED).permutation(len(frame)) < len(frame) // 2
    return frame.assign(split=np.where(half, "train", "test"))


def native_lightgbm(model, width, name):
    """onnxmltools conversion: NaN stays NaN and follows the trees' default branches."""
    from onnxmltools import convert_lightgbm as convert
    from onnxmltools.convert.common.data_types import FloatTensorType as Float

    return convert(model, name=name, initial_types=[("input", Float([None, width]))],
                   target_opset=15)  # fmt: skip


def matrix_check(name, path, classes, sets):
    """Run the file on (x, y) of members and non-members and print the loss attack."""
    sess, scores, hits = session(path), [], []
    for x, y in sets:
        outputs = sess.run(None, {sess.get_inputs()[0].name: x})
        scores.append(true_label_probability(outputs, classes, y))
        hits.append(outputs[0] == y)
    report(name, *scores, *hits)


def build_heart(raw):
    out = HERE / "heart"
    out.mkdir(exist_ok=True)
    frame = heart_split(load_heart(raw))
    frame.to_csv(out / "heart.csv", sep=";", index=False, lineterminator="\n")
    parts = [frame[frame["split"] == s] for s in ("train", "test")]
    sets = [(heart_matrix(p), p["disease"].to_numpy(np.int64)) for p in parts]
    overfit = LGBMClassifier(
        n_estimators=200, num_leaves=31, min_child_samples=1, random_state=SEED, n_jobs=1,
        deterministic=True, verbose=-1,
    ).fit(*sets[0])  # fmt: skip
    save_onnx(native_lightgbm(overfit, 13, "heart_overfit"), out / "overfit.onnx")
    regularised = make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression(C=0.1))
    regularised.fit(*sets[0])
    model = to_onnx(
        regularised, initial_types=[("input", FloatTensorType([None, 13]))], target_opset=15,
        options={id(regularised.steps[-1][1]): {"zipmap": False}}, name="heart_regularised",
    )  # fmt: skip
    save_onnx(model, out / "regularised.onnx")
    for name in ("overfit", "regularised"):
        matrix_check(f"heart/{name}", out / f"{name}.onnx", [0, 1], sets)


# ------------------------------------------------------------------------ images


def two_logits(net):
    """Weights of a binary MLPClassifier, its one logit z written as (-z/2, +z/2)."""
    w1, w2 = (w.astype(np.float32) for w in net.coefs_)
    b1, b2 = (b.astype(np.float32) for b in net.intercepts_)
    half = np.array([[-0.5, 0.5]], dtype=np.float32)
    return w1, b1, w2 @ half, b2 @ half


def image_network(net, side, scale, name):
    """uint8-valued floats -> Mul -> Flatten -> Gemm -> Relu -> Gemm -> logits."""
    w1, b1, w2, b2 = two_logits(net) if net.n_outputs_ == 1 else (
        net.coefs_[0], net.intercepts_[0], net.coefs_[1], net.intercepts_[1]
    )  # fmt: skip
    weights = {"scale": np.float32(scale), "w1": w1, "b1": b1, "w2": w2, "b2": b2}
    nodes = [
        helper.make_node("Mul", ["image", "scale"], ["scaled"]),
        helper.make_node("Flatten", ["scaled"], ["flat"], axis=1),
        helper.make_node("Gemm", ["flat", "w1", "b1"], ["hidden"]),
        helper.make_node("Relu", ["hidden"], ["active"]),
        helper.make_node("Gemm", ["active", "w2", "b2"], ["logits"]),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 1, side, side])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", w2.shape[1]])
    return assemble(name, nodes, [image], [logits], weights)


def assemble(name, nodes, inputs, outputs, weights=None, opsets=(("", 15),)):
    """A hand-written graph; all weights are stored as float32."""
    tensors = [
        numpy_helper.from_array(np.asarray(v, dtype=np.float32), k)
        for k, v in (weights or {}).items()
    ]
    graph = helper.make_graph(nodes, name, inputs, outputs, tensors)
    imports = [helper.make_opsetid(domain, version) for domain, version in opsets]
    return helper.make_model(
        graph, opset_imports=imports, ir_version=8, producer_name="privet-datasets"
    )


def build_images(raw):
    out = HERE / "images"
    out.mkdir(exist_ok=True)
    data = np.load(io.BytesIO(open_raw(raw, "pneumoniamnist/pneumoniamnist.npz")))
    images, labels = data["train_images"], data["train_labels"].ravel().astype(np.int64)
    # The same picture must not be on both sides, so only the first copy is kept.
    _, first = np.unique(images.reshape(len(images), -1), axis=0, return_index=True)
    chosen = np.random.default_rng(SEED).permutation(np.sort(first))[:1200]
    sets = {"members": chosen[:600], "nonmembers": chosen[600:]}
    for name, rows in sets.items():
        np.savez_compressed(out / f"{name}.npz", images=images[rows], labels=labels[rows])
    scale = 1 / 255
    net = MLPClassifier((64,), solver="lbfgs", alpha=0.01, tol=1e-6, max_iter=2000, random_state=SEED)
    members = sets["members"]
    net.fit(images[members].reshape(600, -1).astype(np.float32) * np.float32(scale), labels[members])
    save_onnx(image_network(net, 28, scale, "pneumonia"), out / "network.onnx")
    images_check(out / "network.onnx", [(images[r], labels[r]) for r in sets.values()])


def images_check(path, sets):
    scores, hits = [], []
    for x, y in sets:
        logits = session(path).run(None, {"image": x[:, None].astype(np.float32)})[0].astype(float)
        margin = logits[np.arange(len(y)), y] - logits[np.arange(len(y)), 1 - y]
        scores.append(-np.logaddexp(0, -margin))  # ln p(true label), exact in the far tail
        hits.append(margin > 0)
    report("images/network", *scores, *hits)


# ------------------------------------------------------------------------- adult

ADULT_COLUMNS = [
    "age", "workclass", "fnlwgt", "education", "education-num", "marital-status", "occupation",
    "relationship", "race", "sex", "capital-gain", "capital-loss", "hours-per-week",
    "native-country", "income",
]  # fmt: skip


def load_adult(raw):
    text = open_raw(raw, "adult/adult.data")
    return pd.read_csv(
        io.BytesIO(text), names=ADULT_COLUMNS, skipinitialspace=True, keep_default_na=False
    )


def build_adult(raw):
    out = HERE / "adult"
    out.mkdir(exist_ok=True)
    frame = load_adult(raw)
    write_parquet(frame, out / "adult.parquet")
    print(f"adult: {frame.shape[0]} rows, {frame.shape[1]} columns")


# ------------------------------------------------------------------------ shapes
#
# Every model is tiny. What matters is the form of its inputs and outputs, and that
# expected.json says what onnxruntime answers for the first rows of its table.

SHAPE_ROWS = 8
ADULT_TEXT = [
    "workclass", "education", "marital-status", "occupation", "relationship", "race", "sex",
    "native-country",
]  # fmt: skip
ADULT_MIXED = {  # one input per column, four element types
    "age": Int64TensorType, "education-num": Int64TensorType, "capital-gain": FloatTensorType,
    "hours-per-week": FloatTensorType, "us-born": BooleanTensorType, "workclass": StringTensorType,
    "marital-status": StringTensorType, "sex": StringTensorType,
}  # fmt: skip


def sklearn_table(bunch, rows, rng):
    """`rows` random rows of a scikit-learn table, the first half marked as training rows."""
    frame = pd.DataFrame(bunch.data, columns=[c.replace(" ", "_") for c in bunch.feature_names])
    frame["target"] = bunch.target
    frame = frame.iloc[rng.permutation(len(frame))[:rows]].reset_index(drop=True)
    return with_split(frame)


def with_split(frame):
    """Alternate rows, so that the first rows hold members and non-members."""
    return frame.assign(split=np.where(np.arange(len(frame)) % 2 == 0, "train", "test"))


def adult_table(raw, rng):
    frame = load_adult(raw)
    frame = frame.iloc[rng.permutation(len(frame))[:300]].reset_index(drop=True)
    frame["us-born"] = np.where(frame["native-country"] == "United-States", "true", "false")
    for column in ("capital-gain", "hours-per-week"):
        frame[column] = frame[column].astype(float)
    return with_split(frame.drop(columns="fnlwgt"))


def heart_table(raw, rng):
    """Missing values are empty fields here, where heart/heart.csv has `?`."""
    frame = load_heart(raw).replace("?", "")
    return with_split(frame.iloc[rng.permutation(len(frame))].reset_index(drop=True))


def write_tables(raw, folder):
    """Write the shared tables, then read the CSV files back: models see what users see."""
    from sklearn import datasets

    rng = np.random.default_rng(SEED)
    frames = {
        "cancer": sklearn_table(datasets.load_breast_cancer(), 200, rng),
        "wine": sklearn_table(datasets.load_wine(), 178, rng),
        "diabetes": sklearn_table(datasets.load_diabetes(scaled=False), 200, rng),
        "adult": adult_table(raw, rng),
        "heart": heart_table(raw, rng),
    }
    frames["colliding"] = frames["wine"][["alcohol", "flavanoids", "target", "split"]].rename(
        columns={"alcohol": "a-b", "flavanoids": "a_b"}
    )
    for name, frame in frames.items():
        frame.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
    digits = datasets.load_digits()
    rows = rng.permutation(len(digits.target))[:400]
    images = digits.images[rows].astype(np.uint8)
    labels = digits.target[rows].astype(np.int64)
    members = np.arange(400) % 2 == 0
    digits = {"digits": (images, labels, members)}
    pair = np.isin(labels, [3, 7])
    digits["digits37"] = images[pair], labels[pair], members[pair]
    for name, (x, y, member) in digits.items():
        np.savez_compressed(folder / f"{name}.npz", images=x, labels=y, members=member)
    tables = {
        name: pd.read_csv(folder / f"{name}.csv", keep_default_na=name == "heart")
        for name in frames
    }
    return tables, digits


def features_of(frame):
    return [c for c in frame.columns if c not in ("target", "split", "disease", "income")]


def train_xy(frame, target="target", columns=None, dtype=np.float32):
    train = frame[frame["split"] == "train"]
    return train[columns or features_of(frame)].to_numpy(dtype), train[target].to_numpy()


def value(name, dims, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, dims)


def folded_linear(x, y):
    """A scaled logistic regression as one matrix and one bias, for hand-written graphs."""
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(x, y)
    scaler, linear = model[0], model[1]
    weight = (linear.coef_ / scaler.scale_).T
    bias = linear.intercept_ - scaler.mean_ @ weight
    return weight.astype(np.float32), bias.astype(np.float32)


def linear_graph(name, x, y, tail, output, batch="N"):
    """Gemm, then the nodes of `tail`, which turn `z` into the output."""
    weight, bias = folded_linear(x, y)
    nodes = [helper.make_node("Gemm", ["input", "w", "b"], ["z"]), *tail]
    inputs, outputs = [value("input", [batch, x.shape[1]])], [value(output, [batch, weight.shape[1]])]
    return assemble(name, nodes, inputs, outputs, {"w": weight, "b": bias})


def skl_model(name, pipeline, types, zipmap=True):
    options = {id(pipeline.steps[-1][1]): {"zipmap": zipmap}}
    return to_onnx(pipeline, initial_types=types, options=options, name=name, target_opset=15)


def scaled_logistic(x, y):
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(x, y)


def float_input(width):
    return [("input", FloatTensorType([None, width]))]


def shape_classifiers(tables):
    """Classifier outputs on numeric tables: maps, tensor, columns, label only, float64."""
    cancer, wine = train_xy(tables["cancer"]), train_xy(tables["wine"])
    yield "zipmap_int", "cancer", skl_model("zipmap_int", scaled_logistic(*cancer), float_input(30))
    yield "tensor", "cancer", skl_model("tensor", scaled_logistic(*cancer), float_input(30), False)
    yield "zipmap_columns", "wine", skl_model(
        "zipmap_columns", scaled_logistic(*wine), float_input(13), "columns"
    )
    label_only = skl_model("label_only", scaled_logistic(*wine), float_input(13), False)
    del label_only.graph.output[1]
    yield "label_only", "wine", label_only
    x64, y = train_xy(tables["cancer"], dtype=np.float64)
    types = [("input", DoubleTensorType([None, 30]))]
    yield "float64", "cancer", skl_model("float64", scaled_logistic(x64, y), types, False)


def shape_networks(tables):
    """One output and no label, as neural network exporters write them."""
    cancer, wine = train_xy(tables["cancer"]), train_xy(tables["wine"])
    sigmoid = [helper.make_node("Sigmoid", ["z"], ["probability"])]
    softmax = [helper.make_node("Softmax", ["z"], ["probabilities"], axis=1)]
    yield "sigmoid", "cancer", linear_graph("sigmoid", *cancer, sigmoid, "probability")
    yield "logit", "cancer", linear_graph("logit", *cancer, [], "z")
    yield "logits", "wine", linear_graph("logits", *wine, [], "z")
    yield "softmax_batch1", "wine", linear_graph(
        "softmax_batch1", *wine, softmax, "probabilities", batch=1
    )
    yield "nan_probability", "wine", nan_model(*wine)
    yield "label_disagrees", "wine", disagreeing_model(*wine)
    yield "colliding_names", "colliding", colliding_model(
        *train_xy(tables["colliding"], columns=["a-b", "a_b"])
    )


def nan_model(x, y):
    """ln(alcohol - 12.5) is NaN for some rows; added to all logits it changes nothing else."""
    pick = np.zeros((x.shape[1], 1), dtype=np.float32)
    pick[0] = 1
    weight, bias = folded_linear(x, y)
    nodes = [
        helper.make_node("Gemm", ["input", "w", "b"], ["z"]),
        helper.make_node("Gemm", ["input", "pick", "minus"], ["shifted"]),
        helper.make_node("Log", ["shifted"], ["log"]),
        helper.make_node("Add", ["z", "log"], ["z2"]),
        helper.make_node("Softmax", ["z2"], ["probabilities"], axis=1),
    ]
    weights = {"w": weight, "b": bias, "pick": pick, "minus": np.array([-12.5], np.float32)}
    return assemble("nan_probability", nodes, [value("input", ["N", 13])],
                    [value("probabilities", ["N", 3])], weights)  # fmt: skip


def disagreeing_model(x, y):
    """The label is chosen after weighting the classes, so it is not always the likeliest."""
    weight, bias = folded_linear(x, y)
    weights = {"w": weight * np.float32(0.2), "b": bias * np.float32(0.2),
               "cost": np.array([[1, 3, 1]], np.float32)}  # fmt: skip
    nodes = [
        helper.make_node("Gemm", ["input", "w", "b"], ["z"]),
        helper.make_node("Softmax", ["z"], ["probabilities"], axis=1),
        helper.make_node("Mul", ["probabilities", "cost"], ["weighted"]),
        helper.make_node("ArgMax", ["weighted"], ["label"], axis=1, keepdims=0),
    ]
    outputs = [value("label", ["N"], TensorProto.INT64), value("probabilities", ["N", 3])]
    return assemble("label_disagrees", nodes, [value("input", ["N", 13])], outputs, weights)


def colliding_model(x, y):
    """Two inputs, `a-b` and `a_b`, that become one name when `-` is replaced by `_`."""
    weight, bias = folded_linear(x, y)
    nodes = [
        helper.make_node("Concat", ["a-b", "a_b"], ["x"], axis=1),
        helper.make_node("Gemm", ["x", "w", "b"], ["z"]),
        helper.make_node("Softmax", ["z"], ["probabilities"], axis=1),
    ]
    inputs = [value("a-b", ["N", 1]), value("a_b", ["N", 1])]
    outputs = [value("probabilities", ["N", 3])]
    return assemble("colliding_names", nodes, inputs, outputs, {"w": weight, "b": bias})


def shape_text(tables):
    """Text inputs: one input per column of mixed types, and one text tensor."""
    train = tables["adult"][tables["adult"]["split"] == "train"]
    yield "columns_zipmap_string", "adult", mixed_columns_model(train)
    encode = OneHotEncoder(handle_unknown="ignore")
    text = make_pipeline(encode, LogisticRegression())
    text.fit(train[ADULT_TEXT].to_numpy(object), train["income"])
    types = [("input", StringTensorType([None, len(ADULT_TEXT)]))]
    yield "string_tensor", "adult", skl_model("string_tensor", text, types, False)


def mixed_columns_model(train):
    text = [c for c, t in ADULT_MIXED.items() if t is StringTensorType]
    numbers = [c for c in ADULT_MIXED if c not in text]
    columns = ColumnTransformer(
        [("text", OneHotEncoder(handle_unknown="ignore"), text), ("number", StandardScaler(), numbers)]
    )
    frame = train.assign(**{"us-born": train["us-born"].astype(str).str.lower().eq("true").astype(float)})
    model = Pipeline([("columns", columns), ("model", LogisticRegression())])
    model.fit(frame[list(ADULT_MIXED)], frame["income"])
    # The converter cannot scale booleans, so that input is made float and a Cast put before it.
    types = [
        (c, (FloatTensorType if t is BooleanTensorType else t)([None, 1]))
        for c, t in ADULT_MIXED.items()
    ]
    return boolean_input(skl_model("columns_zipmap_string", model, types), "us_born")


def boolean_input(model, name):
    for node in model.graph.node:
        for k, source in enumerate(node.input):
            if source == name:
                node.input[k] = name + "_float"
    cast = helper.make_node("Cast", [name], [name + "_float"], to=TensorProto.FLOAT)
    model.graph.node.insert(0, cast)
    for info in model.graph.input:
        if info.name == name:
            info.type.tensor_type.elem_type = TensorProto.BOOL
    return model


def shape_trees(tables):
    """Regression forest, and two boosted models that take NaN."""
    from onnxmltools import convert_xgboost
    from onnxmltools.convert.common.data_types import FloatTensorType as Float
    from xgboost import XGBClassifier

    forest = RandomForestRegressor(8, max_depth=6, random_state=SEED).fit(*train_xy(tables["diabetes"]))
    yield "regression_forest", "diabetes", to_onnx(
        forest, initial_types=float_input(10), name="regression_forest", target_opset=15
    )
    x, y = train_xy(tables["heart"], "disease")
    boosted = LGBMClassifier(
        n_estimators=20, num_leaves=15, min_child_samples=2, random_state=SEED, n_jobs=1,
        deterministic=True, verbose=-1,
    ).fit(x, y)  # fmt: skip
    yield "nan_lightgbm", "heart", native_lightgbm(boosted, 13, "nan_lightgbm")
    boosted = XGBClassifier(n_estimators=20, max_depth=4, random_state=SEED, n_jobs=1).fit(x, y)
    yield "nan_xgboost", "heart", convert_xgboost(
        boosted, name="nan_xgboost", initial_types=[("input", Float([None, 13]))], target_opset=15
    )
    boosted = LGBMClassifier(
        n_estimators=5, num_leaves=7, random_state=SEED, n_jobs=1, deterministic=True, verbose=-1
    ).fit(*train_xy(tables["wine"]))  # fmt: skip
    yield "trees_softmax", "wine", native_lightgbm(boosted, 13, "trees_softmax")
    yield "trees_opset5", "diabetes", numbered_trees()


def numbered_trees():
    """Two trees by hand in the operator of ai.onnx.ml 5: a set of codes, four comparisons, a missing value, the mean."""

    def floats(values):
        return numpy_helper.from_array(np.array(values, dtype=np.float32))

    node = helper.make_node(
        "TreeEnsemble", ["input"], ["variable"], domain="ai.onnx.ml", tree_roots=[0, 3],
        nodes_featureids=[2, 1, 3, 4, 9], nodes_splits=floats([26.5, 0, 95, 190, 85]),
        nodes_modes=numpy_helper.from_array(np.array([0, 6, 3, 2, 1], dtype=np.uint8)),
        membership_values=floats([2.0, np.nan]), nodes_missing_value_tracks_true=[0, 0, 0, 1, 0],
        nodes_truenodeids=[1, 0, 2, 4, 5], nodes_trueleafs=[0, 1, 1, 0, 1],
        nodes_falsenodeids=[2, 1, 3, 4, 6], nodes_falseleafs=[0, 1, 1, 1, 1],
        leaf_targetids=[0] * 7, leaf_weights=floats([60, 75, 140, 110, -30, 30, 45]), n_targets=1,
        post_transform=0, aggregate_function=0,
    )  # fmt: skip
    ends = [value("input", [None, 10])], [value("variable", [None, 1])]
    graph = helper.make_graph([node], "trees_opset5", *ends)
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", 5)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


def shape_digits(digits):
    """Image input, weights in a second file, and labels that do not start at 0."""
    images, labels, members = digits["digits"]
    x = images.reshape(len(images), -1)[members].astype(np.float32)
    net = MLPClassifier((32,), max_iter=200, random_state=SEED, n_iter_no_change=200, tol=0.0)
    net.fit(x * np.float32(1 / 16), labels[members])
    net.coefs_ = [w.astype(np.float32) for w in net.coefs_]
    net.intercepts_ = [b.astype(np.float32) for b in net.intercepts_]
    yield "image_logits", "digits", image_network(net, 8, 1 / 16, "image_logits")
    yield "external_data", "digits", image_network(net, 8, 1 / 16, "external_data")
    images, labels, members = digits["digits37"]
    model = scaled_logistic(images.reshape(len(images), -1)[members].astype(np.float32), labels[members])
    yield "labels_3_7", "digits37", skl_model("labels_3_7", model, float_input(64), False)


def unknown_operator():
    """An operator that no runtime knows; loading this file must fail with a clear message."""
    node = helper.make_node("Mystery", ["input"], ["output"], domain="example.custom")
    return assemble("unknown_operator", [node], [value("input", ["N", 13])],
                    [value("output", ["N", 3])], opsets=(("", 15), ("example.custom", 1)))  # fmt: skip


def save_shape(model, name, folder):
    path = folder / f"{name}.onnx"
    if name != "external_data":
        return save_onnx(model, path)
    path.with_suffix(".onnx.data").unlink(missing_ok=True)
    onnx.save_model(model, str(path), save_as_external_data=True, all_tensors_to_one_file=True,
                    location=f"{name}.onnx.data", size_threshold=0)  # fmt: skip
    path.with_suffix(".onnx.data").chmod(0o644)


# What an output means: (name of the output kind, class labels in the order of the columns).
SHAPE_MEANING = {
    "zipmap_int": ("maps", [0, 1]),
    "tensor": ("probabilities", [0, 1]),
    "zipmap_columns": ("columns", [0, 1, 2]),
    "label_only": ("none", [0, 1, 2]),
    "float64": ("probabilities", [0, 1]),
    "sigmoid": ("sigmoid", [0, 1]),
    "logit": ("logit", [0, 1]),
    "logits": ("logits", [0, 1, 2]),
    "softmax_batch1": ("probabilities", [0, 1, 2]),
    "nan_probability": ("probabilities", [0, 1, 2]),
    "label_disagrees": ("probabilities", [0, 1, 2]),
    "colliding_names": ("probabilities", [0, 1, 2]),
    "columns_zipmap_string": ("maps", ["<=50K", ">50K"]),
    "string_tensor": ("probabilities", ["<=50K", ">50K"]),
    "regression_forest": ("value", None),
    "nan_lightgbm": ("maps", [0, 1]),
    "nan_xgboost": ("probabilities", [0, 1]),
    "trees_softmax": ("maps", [0, 1, 2]),
    "trees_opset5": ("value", None),
    "image_logits": ("logits", list(range(10))),
    "external_data": ("logits", list(range(10))),
    "labels_3_7": ("probabilities", [3, 7]),
}


def shape_feeds(sess, table, tables, digits):
    """The first rows of the table as the model's inputs."""
    inputs = sess.get_inputs()
    if table in digits:
        images = digits[table][0][:SHAPE_ROWS].astype(np.float32)
        flat = len(inputs[0].shape) == 2
        return {inputs[0].name: images.reshape(SHAPE_ROWS, -1) if flat else images[:, None]}
    head = tables[table].head(SHAPE_ROWS)
    if table == "colliding":
        return {i.name: head[i.name].to_numpy(np.float32).reshape(-1, 1) for i in inputs}
    if len(inputs) > 1:
        return column_feeds(head, sess)
    if "string" in inputs[0].type:
        return {inputs[0].name: head[ADULT_TEXT].to_numpy(object)}
    dtype = np.float64 if "double" in inputs[0].type else np.float32
    return {inputs[0].name: head[features_of(head)].to_numpy(dtype)}


def run_rows(sess, feeds):
    """All rows at once, or one by one where the batch size is fixed at 1."""
    if sess.get_inputs()[0].shape[0] != 1:
        return sess.run(None, feeds)
    rows = [sess.run(None, {k: v[i : i + 1] for k, v in feeds.items()}) for i in range(SHAPE_ROWS)]
    return [np.concatenate(parts) for parts in zip(*rows)]


def plain(x):
    """JSON value: shortest text that gives the same float back; NaN becomes null."""
    if isinstance(x, (np.floating, float)):
        return None if np.isnan(x) else float(str(x))
    return x.item() if isinstance(x, np.generic) else x


def expected_of(name, table, path, tables, digits):
    sess = session(path)
    outputs = run_rows(sess, shape_feeds(sess, table, tables, digits))
    kind, classes = SHAPE_MEANING[name]
    found = {"file": path.name, "table": table, "loads": True, "scores": kind, "classes": classes}
    found["inputs"] = [{"name": i.name, "type": i.type, "shape": i.shape} for i in sess.get_inputs()]
    found["outputs"] = [{"name": o.name, "type": o.type, "shape": o.shape} for o in sess.get_outputs()]
    if name == "string_tensor":
        found["columns"] = ADULT_TEXT
    has_label = len(outputs) > 1 or kind == "none"
    if has_label:
        found["label"] = [plain(v) for v in np.asarray(outputs[0])]
    if kind == "maps":
        rows = [[m[c] for c in classes] for m in outputs[1]]
    elif kind == "columns":
        rows = np.column_stack([np.ravel(c) for c in outputs[1:]])
    else:
        rows = [] if kind == "none" else outputs[-1]
    if len(rows):
        found["values"] = [[plain(v) for v in np.ravel(np.asarray(r))] for r in map(as_float_row, rows)]
    return found


def as_float_row(row):
    """Map values arrive as Python floats; they are float32 in the file."""
    return np.asarray(row, dtype=np.float32) if isinstance(row, list) else row


def describe_tables(tables, digits):
    targets = {"adult": "income", "heart": "disease"}
    found = {
        name: {"file": f"tables/{name}.csv", "rows": len(t), "target": targets.get(name, "target"),
               "features": features_of(t)}
        for name, t in tables.items()
    }  # fmt: skip
    for name, (images, _, _) in digits.items():
        found[name] = {"file": f"tables/{name}.npz", "rows": len(images), "target": "labels",
                       "features": "images"}  # fmt: skip
    return found


# --------------------------------------------------- several labels and survival times
#
# Synthetic records: nobody stands behind them. An over-fitted and a regularised model each, so that tests can demand a
# leak of the one and none of the other.

TASK_ROWS = 400
FLAGS = ["cough", "fever", "rash"]
GRID = [50.0, 100.0, 200.0, 400.0, 800.0, 1600.0]


def synthetic_numbers(rng, width):
    x = rng.normal(size=(TASK_ROWS, width)).round(3)
    return pd.DataFrame(x, columns=[f"x{k + 1}" for k in range(width)])


def flags_table():
    """Three labels that depend on some of eight numbers and on each other."""
    rng = np.random.default_rng(SEED + 1)
    frame = synthetic_numbers(rng, 8)
    x = frame.to_numpy()
    common = rng.normal(size=TASK_ROWS)
    for k, (name, shift) in enumerate(zip(FLAGS, (0.0, -0.5, -1.0))):
        logit = shift + 0.8 * x[:, k] - 0.6 * x[:, k + 3] + common
        frame[name] = (rng.uniform(size=TASK_ROWS) < 1 / (1 + np.exp(-logit))).astype(np.int64)
    return with_split(frame)


def survival_table():
    """Weibull times whose hazard depends on two of six numbers; about a third is censored."""
    rng = np.random.default_rng(SEED + 2)
    frame = synthetic_numbers(rng, 6)
    x = frame.to_numpy()
    hazard = np.exp(0.8 * x[:, 0] - 0.5 * x[:, 1])
    time = 400 * (rng.exponential(size=TASK_ROWS) / hazard) ** (1 / 1.3)
    censored = rng.uniform(50, 1600, size=TASK_ROWS)
    frame["days"] = np.ceil(np.minimum(time, censored)).astype(np.int64)
    frame["died"] = (time <= censored).astype(np.int64)
    return with_split(frame)


def cox(features, time, event, penalty):
    """Coefficients that maximise Breslow's partial likelihood with a ridge penalty."""
    from scipy.optimize import minimize

    order = np.argsort(-time, kind="stable")
    x, t, d = features[order], time[order], event[order].astype(float)
    last = np.searchsorted(-t, -t, side="right") - 1  # all tied records are at risk together

    def loss(beta):
        risk = x @ beta
        top = risk.max()
        weight = np.exp(risk - top)
        total = np.cumsum(weight)[last]
        mean = np.cumsum(weight[:, None] * x, axis=0)[last] / total[:, None]
        value = (d * (risk - top - np.log(total))).sum()
        return penalty * beta @ beta - value, 2 * penalty * beta - d @ (x - mean)

    return minimize(loss, np.zeros(x.shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": 500}).x


def breslow(risk, time, event, grid):
    """The cumulative baseline hazard at the times of a grid."""
    steps = [(event & (time == t)).sum() / np.exp(risk[time >= t]).sum() for t in grid]
    return np.array(steps)


def hidden_layer(rng, width, units):
    """A random layer of rectified units: with more of them than records, a linear model on top memorises."""
    return rng.normal(size=(width, units)).astype(np.float32), rng.normal(size=units).astype(np.float32)


def two_layers(name, layer, weight, bias, tail, outputs, more=None):
    """Gemm, Relu, Gemm to `z`, then the nodes of `tail`; without a layer one Gemm."""
    gemm = lambda a, w, b, y: helper.make_node("Gemm", [a, w, b], [y])
    weights = {"w": weight.astype(np.float32), "b": bias.astype(np.float32), **(more or {})}
    nodes = [gemm("input", "w", "b", "z")]
    if layer is not None:
        weights |= {"w0": layer[0], "b0": layer[1]}
        relu = helper.make_node("Relu", ["h"], ["r"])
        nodes = [gemm("input", "w0", "b0", "h"), relu, gemm("r", "w", "b", "z")]
    width = (layer[0] if layer is not None else weight).shape[0]
    return assemble(name, nodes + tail, [value("input", ["N", width])], outputs, weights)


def flags_models(frame):
    rng = np.random.default_rng(SEED + 3)
    train = frame[frame["split"] == "train"]
    x, y = train[[c for c in frame if c.startswith("x")]].to_numpy(np.float32), train[FLAGS].to_numpy()
    layer = hidden_layer(rng, x.shape[1], 300)
    hidden = np.maximum(x @ layer[0] + layer[1], 0)
    fits = [LogisticRegression(C=1.0, max_iter=2000).fit(hidden, y[:, k]) for k in range(3)]
    weight, bias = np.column_stack([f.coef_[0] for f in fits]), np.array([f.intercept_[0] for f in fits])
    sigmoid = [helper.make_node("Sigmoid", ["z"], ["probabilities"])]
    yield "flags_overfit", two_layers(
        "flags_overfit", layer, weight, bias, sigmoid, [value("probabilities", ["N", 3])]
    )
    fits = [LogisticRegression(C=0.01).fit(x, y[:, k]) for k in range(3)]
    weight, bias = np.column_stack([f.coef_[0] for f in fits]), np.array([f.intercept_[0] for f in fits])
    # The outputs stand in another order than the labels of the plan.
    names = FLAGS[::-1]
    cut = [helper.make_node("Sigmoid", ["z"], ["p"]), helper.make_node("Split", ["p"], FLAGS, axis=1)]
    outputs = [value(n, ["N", 1]) for n in names]
    yield "flags_regularised", two_layers("flags_regularised", None, weight, bias, cut, outputs)


def survival_models(frame):
    rng = np.random.default_rng(SEED + 4)
    train = frame[frame["split"] == "train"]
    x = train[[c for c in frame if c.startswith("x")]].to_numpy(np.float32)
    time, event = train["days"].to_numpy(float), train["died"].to_numpy(bool)
    risk = [value("z", ["N", 1])]
    linear = cox(x.astype(float), time, event, 5.0)[:, None]
    yield "survival_regularised", two_layers("survival_regularised", None, linear, np.zeros(1), [], risk)
    layer = hidden_layer(rng, x.shape[1], 300)
    hidden = np.maximum(x @ layer[0] + layer[1], 0).astype(float)
    beta = cox(hidden, time, event, 0.2)
    centre = np.array([-(hidden @ beta).mean()])
    yield "survival_overfit", two_layers("survival_overfit", layer, beta[:, None], centre, [], risk)
    known = hidden @ beta + centre
    events = np.unique(time[event])
    cumulative = np.cumsum(breslow(known, time, event, events))
    at_grid = np.array([cumulative[events <= t][-1] if (events <= t).any() else 0.0 for t in GRID])
    tail = [
        helper.make_node("Exp", ["z"], ["ratio"]),
        helper.make_node("Mul", ["ratio", "minus_hazard"], ["ln_survival"]),
        helper.make_node("Exp", ["ln_survival"], ["survival"]),
    ]
    hazard = {"minus_hazard": -at_grid[None, :].astype(np.float32)}
    yield "survival_curve", two_layers(
        "survival_curve", layer, beta[:, None], centre, tail, [value("survival", ["N", len(GRID)])], hazard
    )


def build_tasks(folder):
    """Tables and models; what onnxruntime answers for the first rows, by output."""
    found = {}
    for table, frame, models in (
        ("flags", flags_table(), flags_models),
        ("survival", survival_table(), survival_models),
    ):
        frame.to_csv(folder / "tables" / f"{table}.csv", index=False, lineterminator="\n")
        x = frame[[c for c in frame if c.startswith("x")]].to_numpy(np.float32)[:SHAPE_ROWS]
        for name, model in models(frame):
            save_onnx(model, folder / f"{name}.onnx")
            sess = session(folder / f"{name}.onnx")
            answers = sess.run(None, {"input": x})
            named = zip((o.name for o in sess.get_outputs()), answers)
            found[name] = {"table": table, "outputs": {o: [[plain(v) for v in r] for r in a] for o, a in named}}
    return found


def write_json(path, content):
    """Indented, but with each innermost list on one line."""
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    inner = lambda m: "[" + " ".join(line.strip() for line in m[1].splitlines()).strip() + "]"
    path.write_text(re.sub(r"\[\n([^\[\]{}]*)\]", inner, text) + "\n")


def build_shapes(raw):
    out = HERE / "shapes"
    (out / "tables").mkdir(parents=True, exist_ok=True)
    tables, digits = write_tables(raw, out / "tables")
    models = {}
    for group in (shape_classifiers, shape_networks, shape_text, shape_trees):
        for name, table, model in group(tables):
            models[name] = (table, model)
    for name, table, model in shape_digits(digits):
        models[name] = (table, model)
    expected = {}
    for name, (table, model) in models.items():
        save_shape(model, name, out)
        expected[name] = expected_of(name, table, out / f"{name}.onnx", tables, digits)
    save_shape(unknown_operator(), "unknown_operator", out)
    expected["unknown_operator"] = {"file": "unknown_operator.onnx", "table": "wine", "loads": False}
    tasks = build_tasks(out)
    content = {"tables": describe_tables(tables, digits), "models": expected, "tasks": tasks}
    write_json(out / "expected.json", content)
    print(f"shapes: {len(expected)} models")


# ------------------------------------------------------------------------ stored


def build_stored(_raw):
    """Models that keep training records, or extreme values of them, in their files."""
    out = HERE / "stored"
    out.mkdir(exist_ok=True)
    table = pd.read_csv(HERE / "shapes" / "tables" / "cancer.csv")
    x, y = train_xy(table)
    models = {
        "svc": make_pipeline(StandardScaler(), SVC(C=1.0)),
        "knn": make_pipeline(KNeighborsClassifier(n_neighbors=5)),
        "minmax": make_pipeline(MinMaxScaler(), LogisticRegression(max_iter=1000)),
    }
    for name, pipeline in models.items():
        pipeline.fit(x, y)
        model = to_onnx(
            pipeline, initial_types=[("input", FloatTensorType([None, x.shape[1]]))], target_opset={"": 18, "ai.onnx.ml": 3},
            options={id(pipeline.steps[-1][1]): {"zipmap": False}}, name=f"stored_{name}",
        )  # fmt: skip
        save_onnx(model, out / f"{name}.onnx")
        print(f"stored/{name}: {len(x)} members")
    kept = x[models["svc"].steps[-1][1].support_]
    print(f"stored/svc: {len(np.unique(kept, axis=0))} members are support vectors")


# -------------------------------------------------------------------------- main


PARTS = {
    "readmission": build_readmission,
    "heart": build_heart,
    "images": build_images,
    "adult": build_adult,
    "shapes": build_shapes,
    "stored": build_stored,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--raw", type=Path, required=True, help="folder with the raw files")
    parser.add_argument("parts", nargs="*", help=f"any of {', '.join(PARTS)}; default: all")
    args = parser.parse_args()
    for name in args.parts or PARTS:
        if name not in PARTS:
            parser.error(f"unknown part {name!r}")
        PARTS[name](args.raw)


if __name__ == "__main__":
    main()
