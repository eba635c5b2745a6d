"""ART's and SACRO-ML's attribute attacks on the ONNX files of `attribute_inference.py`, beside what privet said about them.

    PYTHON_WITH_ART_AND_SACRO benches/attribute_peers.py WORK/attribute-inference

Every tool gets the same files and rows: 1,000 members and 1,000 others for SACRO-ML, which asks about one row at a time; ART learns
from 1,000 others and attacks all members and the remaining others. Texts are coded as numbers and turned back before onnxruntime is asked.

The tools answer different questions, which is why they are put side by side. ART's black-box attack learns the attribute from the other
columns and *the model's answer about the record as it is* (true value included); its baseline does without the answer. SACRO-ML
answers only where one value alone gives the model's own label most confidence, and is right or wrong there. privet's CSMIA answers about
everybody, from the known outcome; its case 1 is the part where one value alone reproduces it.
"""

import json
import logging
import pathlib
import sys
import time

import numpy as np
import onnxruntime
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin

DATA = {"gss": ("hapmar", "xmovie"), "adult": ("income", "marital")}
MODELS = [("gss", "forest"), ("gss", "tree"), ("adult", "forest"), ("adult", "logistic")]
ROWS = 1000
MEASURE = "inversion/attribute-inference-"


class Coded(ClassifierMixin, BaseEstimator):
    """An ONNX file as a scikit-learn classifier of coded rows."""

    def __init__(self, path, columns, levels, classes):
        self.path, self.columns, self.levels, self.classes = path, columns, levels, classes
        self.classes_ = np.arange(len(classes))

    def predict_proba(self, rows):
        if not hasattr(self, "_session"):
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads, options.log_severity_level = 1, 3
            self._session = onnxruntime.InferenceSession(self.path, options, providers=["CPUExecutionProvider"])
        feeds = {}
        for at, (column, port) in enumerate(zip(self.columns, self._session.get_inputs())):
            codes = np.asarray(rows)[:, at]
            levels = self.levels[column]
            feeds[port.name] = (codes.astype(np.int64) if levels is None else np.array(levels, dtype=object)[codes.astype(int)]).reshape(-1, 1)
        return self._session.run(None, feeds)[-1]

    def predict(self, rows):
        return self.predict_proba(rows).argmax(1)

    def __getstate__(self):
        return {name: value for name, value in self.__dict__.items() if name != "_session"}

    def fit(self, *_):
        return self


def coded(frame, levels):
    columns = [frame[c].to_numpy(float) if levels[c] is None else np.searchsorted(levels[c], frame[c].to_numpy(str)).astype(float) for c in frame.columns]
    return np.stack(columns, 1)


def art(model, sensitive, x, y, members, others):
    """Accuracy with and without the model's answers: members, others."""
    from art.attacks.inference.attribute_inference import AttributeInferenceBaseline, AttributeInferenceBlackBox
    from art.estimators.classification import BlackBoxClassifier

    classes = len(model.classes)
    target = BlackBoxClassifier(model.predict_proba, (x.shape[1],), classes, clip_values=(x.min(), x.max()))
    onehot = np.eye(classes)[y]
    learn, rest = others[:ROWS], others[ROWS:]
    attack = AttributeInferenceBlackBox(target, attack_model_type="rf", attack_feature=sensitive)
    attack.fit(x[learn], onehot[learn])
    plain = AttributeInferenceBaseline(attack_model_type="rf", attack_feature=sensitive)
    plain.fit(x[learn])
    values = sorted(np.unique(x[:, sensitive]))
    found = []
    # As in ART's examples: the predicted class, which is what it learned from in `fit`.
    for rows in (members, rest):
        known = np.delete(x[rows], sensitive, 1)
        guess = attack.infer(known, y=onehot[rows], pred=model.predict(x[rows]).reshape(-1, 1), values=values)
        base = plain.infer(known, values=values)
        truth = x[rows, sensitive]
        found.append(((guess.ravel() == truth).mean(), (base.ravel() == truth).mean()))
    return found


def sacro(model, column, sensitive, x, y, members, others):
    from sacroml.attacks import attribute_attack
    from sacroml.attacks.target import Target

    m, o = members[:ROWS], others[:ROWS]
    target = Target(model=model, dataset_name="bench", X_train=x[m], y_train=y[m], X_test=x[o], y_test=y[o],
                    X_train_orig=x[m], y_train_orig=y[m], X_test_orig=x[o], y_test_orig=y[o])  # fmt: skip
    # SACRO-ML looks values up by the feature's number and writes them at its indices, so both are given.
    for at in range(x.shape[1]):
        target.add_feature(column if at == sensitive else f"other{at}", [at], "str" if at == sensitive else "float")
    # The one attribute, by the function that its attack calls for every column.
    found = attribute_attack._infer_categorical(target, sensitive, 0)
    return [(found[side][0] / max(found[side][1], 1), found[side][1] / found[side][4], found[side][2] / 100) for side in ("train", "test")]


def privet(folder, name, kind, column):
    report = json.loads((folder / f"{name}-{kind}-report" / "report.json").read_text())
    finding = next(f for f in report["findings"] if f["measure"] == MEASURE + "excess" and f["scope"] == column)
    tables = {e["caption"]: [dict(zip(e["columns"], row)) for row in e["rows"]] for e in finding["evidence"] if e["kind"] == "table"}
    attacks = next(rows for caption, rows in tables.items() if caption.startswith("Every attack"))
    who = next(rows for caption, rows in tables.items() if caption.startswith("Who is"))
    csmia, imputed = attacks[0], attacks[-1]
    one = next((row for row in who if "case 1" in row["who"]), None)
    seconds = sum(s for step, s in report["envelope"]["seconds"] if step.startswith("inversion/attribute"))
    verdict = dict(next(f for f in report["findings"] if f["measure"] == MEASURE + "individual")["settings"])["verdict"]
    # The last row is imputation.
    return csmia, imputed, one, seconds, verdict, len(attacks) - 1


def main():
    logging.disable(logging.WARNING)
    folder = pathlib.Path(sys.argv[1]).resolve()
    print("\nSide by side: share of right guesses, members / non-members")
    for name, kind in MODELS:
        outcome, column = DATA[name]
        frames = [pd.read_csv(folder / f"{name}-{part}.csv", keep_default_na=False) for part in ("members", "others")]
        frame = pd.concat(frames, ignore_index=True)
        features = frame.drop(columns=outcome)
        levels = {c: None if pd.api.types.is_numeric_dtype(features[c]) else sorted(features[c].unique()) for c in features.columns}
        classes = sorted(frame[outcome].unique())
        model = Coded(str(folder / f"{name}-{kind}.onnx"), list(features.columns), levels, classes)
        x, y = coded(features, levels), np.searchsorted(classes, frame[outcome].to_numpy(str))
        members, others = np.arange(len(frames[0])), np.arange(len(frames[0]), len(frame))
        sensitive = list(features.columns).index(column)
        print(f"{name} {kind}, {column}")
        csmia, imputed, one, seconds, verdict, tried = privet(folder, name, kind, column)
        print(f"  privet    CSMIA {csmia['members']} / {csmia['non-members']}, imputation {imputed['members']} / {imputed['non-members']}, "
              + (f"case 1 {one['attack']} / {one['attack, non-members']}, " if one else "") + f"{verdict}; {seconds:.1f} s, {tried} attacks on all rows")  # fmt: skip
        start = time.perf_counter()
        (a, b), (c, d) = art(model, sensitive, x, y, members, others)
        print(f"  ART       with answers about true records {a:.1%} / {c:.1%}, baseline {b:.1%} / {d:.1%}; {time.perf_counter() - start:.1f} s")
        start = time.perf_counter()
        train, test = sacro(model, column, sensitive, x, y, members, others)
        print(f"  SACRO-ML  right {train[0]:.1%} / {test[0]:.1%} of the {train[1]:.1%} / {test[1]:.1%} it answers, most frequent value "
              f"{train[2]:.1%} / {test[2]:.1%}; {time.perf_counter() - start:.1f} s for {2 * ROWS:,} rows", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
