#!/usr/bin/env python3
"""Computes double.jsonl: what scikit-image makes, in double precision, of pictures that have more than 24 bits.

A case a line: the words of an imbrex command, the name of its input and the result as a NumPy file in Base64. Lines of inputs come
before. Seeded, so a second run with the same versions writes the same bytes.

    python make_double.py
"""

import make_fixtures  # First: it turns off what would depend on the processor.

import base64
import io
import json
import pathlib

import numpy as np
from skimage import color, filters, util

BOUNDARIES = make_fixtures.BOUNDARIES
HEIGHT, WIDTH = 11, 13


def encoded(array):
    file = io.BytesIO()
    np.save(file, array)
    return base64.b64encode(file.getvalue()).decode()


def pictures():
    rng = np.random.default_rng(1764)
    yield "float64", rng.uniform(-0.5, 1.5, (HEIGHT, WIDTH))
    yield "float64 colour", rng.uniform(0, 1, (HEIGHT, WIDTH, 3))
    for kind in ("uint32", "int32"):
        info = np.iinfo(kind)
        picture = rng.integers(info.min, info.max, (HEIGHT, WIDTH), dtype=kind, endpoint=True)
        picture[0, :3] = [info.min, info.max, 0]
        yield kind, picture


def cases(name, picture):
    unit = util.img_as_float64(picture)
    is_color = picture.ndim == 3
    axis = {"channel_axis": -1} if is_color else {}
    # Sums along rows, and down transposed columns.
    for sigma in (1.3, (0, 2), 5):
        for mode in BOUNDARIES if name == "float64" else BOUNDARIES[:1]:
            words = ["gaussian", "--sigma", ",".join(map(str, np.atleast_1d(sigma))), "--boundary", mode]
            cval = 0.3 if mode == "constant" else 0
            words += ["--cval", "0.3"] if cval else []
            yield words, filters.gaussian(unit, sigma, mode=mode, cval=cval, **axis)
    yield ["gaussian", "--sigma", "2", "--truncate", "2.5"], filters.gaussian(unit, 2, mode="nearest", truncate=2.5, **axis)
    gray = color.rgb2gray(unit) if is_color else unit
    operators = {"sobel": filters.sobel, "scharr": filters.scharr, "prewitt": filters.prewitt, "farid": filters.farid}
    for operator, function in operators.items():
        for mode in BOUNDARIES if name == "float64" else BOUNDARIES[:1]:
            words = ["sobel", "--operator", operator, "--boundary", mode]
            cval = 0.3 if mode == "constant" else 0
            words += ["--cval", "0.3"] if cval else []
            yield words, function(gray, mode=mode, cval=cval)
        for number, direction in enumerate(("horizontal", "vertical")):
            yield ["sobel", "--operator", operator, "--direction", direction], function(gray, axis=number)
    yield ["sobel", "--operator", "roberts"], filters.roberts(gray)
    if is_color:
        yield ["sobel", "--per-channel"], np.stack([filters.sobel(unit[..., c]) for c in range(3)], axis=-1)


def main():
    lines = []
    for name, picture in pictures():
        lines.append({"input": name, "file": encoded(picture)})
        for words, result in cases(name, picture):
            lines.append({"words": words, "of": name, "file": encoded(result)})
    path = pathlib.Path(__file__).resolve().parent / "double.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


if __name__ == "__main__":
    main()
