"""Structural similarity of small pictures by scikit-image, for the test of privet's own.

usage: python tests/golden/similarity.py > tests/golden/similarity.json   (scikit-image, numpy)
"""

import json

import numpy as np
from skimage.metrics import structural_similarity

stream = np.random.default_rng(1)
cases = []
for shape, axis, scale in (((9, 11), None, 1.0), ((1, 8, 8), 0, 1.0), ((3, 10, 7), 0, 255.0), ((12, 9, 3), 2, 1.0)):
    a = np.round(stream.random(shape) * scale, 4)
    for b in (np.round(np.clip(a + 0.1 * scale * stream.standard_normal(shape), 0, scale), 4), np.round(stream.random(shape) * scale, 4)):
        value = structural_similarity(a, b, win_size=7, data_range=scale, channel_axis=axis)
        cases.append({"shape": list(shape), "range": scale, "similarity": float(value),
                      "a": a.ravel().tolist(), "b": b.ravel().tolist()})  # fmt: skip
print(json.dumps(cases))
