"""Small graphs with their answers and the slopes of these, for the test of privet's own differentiation.

usage: python tests/golden/reverse.py   (numpy, onnx, onnxruntime; writes tests/golden/reverse/)

Answers and central differences come from the reference evaluator of the onnx package in 64-bit arithmetic where its operators
keep it; those of ai.onnx.ml work in 32 bits and are differentiated by hand in numpy.
"""

import json
import pathlib

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

FOLDER = pathlib.Path(__file__).resolve().parent / "reverse"
stream = np.random.default_rng(7)


def node(kind, inputs, output, domain="", **attributes):
    return helper.make_node(kind, inputs.split(), output.split(), domain=domain, **attributes)


def built(name, nodes, constants, shape, output, opset, kind):
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info("x", kind, [None, *shape])],
        [helper.make_tensor_value_info(output, kind, None)],
        [numpy_helper.from_array(value, key) for key, value in constants.items()],
    )
    sets = [helper.make_opsetid("", opset), helper.make_opsetid("ai.onnx.ml", 1)]
    return helper.make_model(graph, opset_imports=sets, ir_version=7)


def write(name, model):
    (FOLDER / f"{name}.onnx").write_bytes(model.SerializeToString())
    return model


def onnx_runtime(model, x):
    """The answer of ONNX Runtime in 32 bits."""
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run([model.graph.output[0].name], {"x": x.astype(np.float32)})[0].astype(float)


def differences(evaluate, x, weights, h=1e-6):
    found = np.zeros(x.size)
    for at in range(x.size):
        step = np.zeros(x.size)
        step[at] = h
        step = step.reshape(x.shape)
        found[at] = ((evaluate(x + step) - evaluate(x - step)) * weights).sum() / (2 * h)
    return found


def case(name, x, y, weights, slopes, tolerance):
    return {"file": f"{name}.onnx", "shape": list(x.shape), "input": x.ravel().tolist(), "output": y.ravel().tolist(),
            "weights": weights.ravel().tolist(), "slopes": slopes.ravel().tolist(), "tolerance": tolerance}  # fmt: skip


def in_64_bits(name, nodes, constants, shape, opset=13):
    evaluator = ReferenceEvaluator(write(name, built(name, nodes, constants, shape, "y", opset, TensorProto.DOUBLE)))
    evaluate = lambda x: evaluator.run(None, {"x": x})[0].astype(float)
    x = stream.standard_normal((1, *shape))
    y = evaluate(x)
    weights = stream.standard_normal(y.shape)
    return case(name, x, y, weights, differences(evaluate, x, weights), 1e-6)


def bounded(entering, bounds, leaving):
    return helper.make_node("Clip", [entering, *bounds.split(" ")], [leaving])


def checked(name, nodes, constants, shape):
    """As `in_64_bits`; ONNX Runtime has to give the same answer, in 32 bits."""
    found = in_64_bits(name, nodes, constants, shape)
    narrow = {key: value.astype(np.float32) if value.dtype == float else value for key, value in constants.items()}
    model = built(name, nodes, narrow, shape, "y", 13, TensorProto.FLOAT)
    theirs = onnx_runtime(model, np.array(found["input"]).reshape(found["shape"])).ravel()
    assert np.allclose(theirs, found["output"], atol=1e-4), (name, theirs, found["output"])
    return found


def classical(name, nodes, width, slope):
    """Answers of ONNX Runtime in 32 bits; `slope` gives answers and the Jacobian from numpy in 64 bits."""
    model = write(name, built(name, nodes, {}, [width], nodes[-1].output[-1], 13, TensorProto.FLOAT))
    x = stream.standard_normal((1, width)).astype(np.float32).astype(float)
    y = onnx_runtime(model, x)
    answer = slope(x[0])
    assert np.allclose(answer, y[0], atol=1e-5), (answer, y)
    weights = stream.standard_normal(y.shape)
    found = np.array([((slope(x[0] + d) - slope(x[0] - d)) * weights[0]).sum() / 2e-6 for d in 1e-6 * np.eye(width)])
    return case(name, x, answer[None], weights, found, 1e-6)


def draw(*shape):
    return stream.standard_normal(shape)


def main():
    FOLDER.mkdir(exist_ok=True)
    cases = [
        # Strides, pads, groups; a softmax without an axis, as skl2onnx writes it.
        in_64_bits(
            "pictures",
            [
                node("Conv", "x w b", "a", kernel_shape=[3, 3], strides=[2, 1], pads=[1, 0, 1, 2], group=2),
                node("BatchNormalization", "a s t m v", "c"),
                node("Relu", "c", "d"),
                node("MaxPool", "d", "e", kernel_shape=[2, 2], strides=[1, 2], pads=[1, 0, 0, 1]),
                node("AveragePool", "e", "f", kernel_shape=[2, 3], pads=[0, 1, 1, 0], count_include_pad=1),
                node("AveragePool", "f", "g", kernel_shape=[2, 2], pads=[1, 1, 0, 0]),
                node("Flatten", "g", "h"),
                node("Gemm", "h k l", "z", transB=1, alpha=0.7, beta=1.3),
                node("Softmax", "z", "y"),
            ],
            {"w": draw(4, 1, 3, 3), "b": draw(4), "s": draw(4), "t": draw(4), "m": draw(4), "v": draw(4) ** 2 + 0.5,
             "k": draw(3, 60), "l": draw(3)},  # fmt: skip
            [2, 9, 7], 11,
        ),  # fmt: skip
        in_64_bits(
            "dilated",
            [
                node("Conv", "x w", "a", kernel_shape=[3], dilations=[2], pads=[1, 2]),
                node("LeakyRelu", "a", "b", alpha=0.2),
                node("MaxPool", "b", "c", kernel_shape=[2], strides=[2]),
                node("Transpose", "c", "d", perm=[0, 2, 1]),
                node("MatMul", "d k", "e"),
                node("LogSoftmax", "e", "f", axis=1),
                node("Unsqueeze", "f ax", "g"),
                node("GlobalAveragePool", "g", "h"),
                node("Squeeze", "h sq", "y"),
            ],
            {"w": draw(3, 2, 3), "k": draw(3, 4), "ax": np.array([1]), "sq": np.array([2, 3])},
            [2, 11],
        ),  # fmt: skip
        in_64_bits(
            "numbers",
            [
                node("MatMul", "x w", "a"),
                node("Add", "a b", "c"),
                node("Tanh", "c", "d"),
                node("Sigmoid", "c", "e"),
                node("Mul", "d e", "f"),
                node("Exp", "f", "g"),
                node("Sqrt", "g", "h"),
                node("Log", "g", "i"),
                node("Neg", "i", "j"),
                node("Concat", "h j d", "k", axis=1),
                node("Reshape", "k s", "l"),
                node("Sub", "l m", "n"),
                node("Div", "n q", "o"),
                node("Identity", "o", "p"),
                node("Softmax", "p", "r", axis=1),
                node("Flatten", "r", "y"),
            ],
            {"w": draw(5, 4), "b": draw(4), "s": np.array([0, 3, -1]), "m": draw(3, 1), "q": draw(1, 4) ** 2 + 1},
            [5],
        ),  # fmt: skip
        # A product in a square of its own: slopes that come together at one tensor.
        in_64_bits(
            "twice",
            [node("Gemm", "x w", "a"), node("Mul", "a a", "b"), node("Add", "b a", "c"), node("Relu", "c", "y")],
            {"w": draw(4, 3)}, [4],
        ),  # fmt: skip
    ]
    offset, scale = draw(4).astype(np.float32).tolist(), (draw(4) ** 2 + 0.1).astype(np.float32).tolist()
    weights, intercepts = draw(3, 4).astype(np.float32), draw(3).astype(np.float32)
    scaler = lambda output: node("Scaler", "x", output, "ai.onnx.ml", offset=offset, scale=scale)
    scaled = lambda x: (x - np.array(offset)) * np.array(scale)
    linear = lambda z: z @ weights.astype(float).T + intercepts.astype(float)
    softmax = lambda z: np.exp(z - z.max()) / np.exp(z - z.max()).sum()
    classifier = lambda entering, then: node(
        "LinearClassifier", entering, "label z", "ai.onnx.ml", coefficients=weights.ravel().tolist(),
        intercepts=intercepts.tolist(), classlabels_ints=[0, 1, 2], post_transform=then)  # fmt: skip
    cases += [
        classical("softmax", [scaler("a"), classifier("a", "SOFTMAX")], 4, lambda x: softmax(linear(scaled(x)))),
        classical(
            "votes",
            [scaler("a"), node("Normalizer", "a", "b", "ai.onnx.ml", norm="L2"), classifier("b", "LOGISTIC"),
             node("Normalizer", "z", "y", "ai.onnx.ml", norm="L1")],
            4,
            lambda x: (lambda p: p / p.sum())(1 / (1 + np.exp(-linear(scaled(x) / np.linalg.norm(scaled(x)))))),
        ),  # fmt: skip
        classical(
            "regressor",
            [scaler("a"), node("LinearRegressor", "a", "y", "ai.onnx.ml", coefficients=weights[0].tolist(), intercepts=[0.25])],
            4,
            lambda x: (scaled(x) @ weights[0].astype(float) + 0.25)[None],
        ),  # fmt: skip
    ]
    # What frameworks write: bounds as inputs, one of them left out, padding that is worked out, windows that hang over the end.
    # (The reference evaluator gives MaxPool with SAME_LOWER a size that ONNX Runtime and the standard do not.)
    cases += [
        checked(
            "padded",
            [
                node("Conv", "x w b", "a", kernel_shape=[3, 4], strides=[2, 3], auto_pad="SAME_UPPER"),
                bounded("a", "lo hi", "c"),
                node("MaxPool", "c", "d", kernel_shape=[2, 3], strides=[1, 2], auto_pad="SAME_UPPER"),
                node("AveragePool", "d", "e", kernel_shape=[2, 2], auto_pad="SAME_LOWER"),
                node("Conv", "e k", "f", kernel_shape=[2, 1], auto_pad="SAME_LOWER"),
                node("Conv", "f v", "g", kernel_shape=[2, 2], auto_pad="VALID"),
                node("Flatten", "g", "y"),
            ],
            {"w": draw(3, 2, 3, 4), "b": draw(3), "lo": np.array(-2.5), "hi": np.array(3.5), "k": draw(3, 3, 2, 1),
             "v": draw(2, 3, 2, 2)},  # fmt: skip
            [2, 8, 11],
        ),  # fmt: skip
        checked(
            "hanging",
            [
                bounded("x", "lo", "a"),
                node("MaxPool", "a", "b", kernel_shape=[3, 2], strides=[2, 3], pads=[1, 0, 0, 1], ceil_mode=1),
                bounded("b", " hi", "c"),
                node("AveragePool", "c", "d", kernel_shape=[2, 3], strides=[2, 2], ceil_mode=1),
                node("GlobalMaxPool", "a", "e"),
                node("GlobalAveragePool", "d", "f"),
                node("Concat", "e f", "g", axis=1),
                node("Flatten", "g", "y"),
            ],
            {"lo": np.array(-0.8), "hi": np.array(0.9)},
            [2, 8, 10],
        ),  # fmt: skip
        checked(
            "line",
            [
                node("Conv", "x w", "a", kernel_shape=[4], strides=[3], auto_pad="SAME_LOWER"),
                node("AveragePool", "a", "b", kernel_shape=[2], strides=[3], ceil_mode=1),
                node("Flatten", "b", "y"),
            ],
            {"w": draw(3, 2, 4)},
            [2, 13],
        ),  # fmt: skip
        # Bounds that depend on the input themselves.
        checked(
            "moving",
            [
                node("MatMul", "x w", "a"),
                node("Gemm", "x u", "p"),
                node("Squeeze", "p s", "lo"),
                bounded("a", "lo hi", "y"),
            ],
            {"w": draw(4, 6), "u": 0.3 * draw(4, 1), "s": np.array([0, 1]), "hi": np.array(0.7)},
            [4],
        ),  # fmt: skip
    ]
    (FOLDER / "cases.json").write_text(json.dumps(cases))
    print(*(f"{c['file']}: {len(c['input'])} inputs, {len(c['output'])} outputs" for c in cases), sep="\n")


if __name__ == "__main__":
    main()
