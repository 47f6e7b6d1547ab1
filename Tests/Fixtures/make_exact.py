#!/usr/bin/env python3
"""Computes exact.jsonl: what SciPy and scikit-image make with options that they have beside the usual ones, and of signed pictures.

Ranks, percentiles and footprints; Roberts' diagonals; derivatives of the Gaussian; sigmas, borders and boundaries of each axis; edges and
blobs of signed integers. A case a line, inputs before (README.md has the format). Seeded, so a second run with the same versions writes
the same bytes.

    python make_exact.py
"""

import make_fixtures  # First: it turns off what would depend on the processor.

import base64
import io
import json
import pathlib

import numpy as np
import scipy.ndimage as ndi
from skimage import feature, filters, morphology, util

PADDING = {"reflect": "symmetric", "mirror": "reflect", "nearest": "edge", "wrap": "wrap", "constant": "constant"}
LINES = []
INPUTS = {}


def encoded(array):
    file = io.BytesIO()
    np.save(file, array)
    return base64.b64encode(file.getvalue()).decode()


def input_line(name, picture):
    LINES.append({"input": name, "file": encoded(picture)})
    INPUTS[name] = picture
    return picture


def case(of, words, wanted, tolerance=0, **files):
    """`files`: further pictures; words name them."""
    line = {"of": of, "words": [str(word) for word in words], "tolerance": tolerance}
    if files:
        line["files"] = {f"{name}.npy": encoded(picture) for name, picture in files.items()}
    if isinstance(wanted, list):
        line["rows"] = wanted
    else:
        # What has no more than 24 bits comes out as such.
        single = INPUTS[of].dtype in (np.uint8, np.int8, np.uint16, np.int16, np.float32)
        line["wanted"] = encoded(wanted.astype(np.float32) if single and wanted.dtype == np.float64 else wanted)
    LINES.append(line)


def padded(function, picture, modes, cval):
    """A function of a picture that goes on beyond its border as each axis has it."""
    for axis, mode in enumerate(modes):
        widths = [(0, 0)] * picture.ndim
        widths[axis] = (70, 70)
        picture = np.pad(picture, widths, mode=PADDING[mode], **({"constant_values": cval} if mode == "constant" else {}))
    return function(picture)[70:-70, 70:-70]


# ---------------------------------------------------------------- ranks


def shapes():
    """Words of the command line, their footprint, and whether it is a file."""
    disk, octagon = morphology.disk, morphology.octagon
    yield ["--radius", 1], np.ones((3, 3)), False
    yield ["--radius", 2], np.ones((5, 5)), False
    yield ["--size", "4x6"], np.ones((4, 6)), False
    yield ["--size", "2x1"], np.ones((2, 1)), False
    yield ["--size", "16x8"], np.ones((16, 8)), False
    yield ["--radius", 8], np.ones((17, 17)), False
    yield ["--shape", "disk", "--radius", 4], disk(4), False
    yield ["--shape", "cross", "--radius", 3], np.add.outer(*[np.arange(7) == 3] * 2), False
    yield ["--shape", "diamond", "--radius", 4], morphology.diamond(4), False
    yield ["--shape", "octagon", "--radius", 4], octagon(3, 3), False
    yield ["--shape", "octagon", "--radius", 6], octagon(5, 4), False
    rng = np.random.default_rng(21)
    ring = disk(4) - np.pad(disk(2), 2)
    sparse, even, single, large = rng.random((9, 7)) < 0.3, rng.random((8, 6)) < 0.6, np.zeros((3, 4)), rng.random((21, 19)) < 0.5
    single[0, 3] = 1
    for footprint in (ring, sparse, even, single, large):
        yield ["--footprint", "footprint.npy"], footprint, True
    # One that is not followed from row to row.
    tall = np.zeros((131, 3))
    tall[::13, ::2] = 1
    yield ["--footprint", "footprint.npy"], tall, True


def selections(count):
    yield [], lambda x, **k: ndi.median_filter(x, **k)
    for rank in (0, -1, count // 3):
        yield ["--rank", rank], lambda x, rank=rank, **k: ndi.rank_filter(x, rank, **k)
    for percent in (10, 66.7, -20, 100):
        yield ["--percentile", percent], lambda x, percent=percent, **k: ndi.percentile_filter(x, percent, **k)


def rank_cases():
    rng = np.random.default_rng(7)
    height, width = 15, 18
    pictures = {
        "uint8": rng.integers(0, 256, (height, width), dtype=np.uint8),
        "uint8 colour": rng.integers(0, 256, (height, width, 3), dtype=np.uint8),
        "uint16": rng.integers(0, 65536, (height, width), dtype=np.uint16),
        "int16": rng.integers(-32768, 32768, (height, width), dtype=np.int16),
        "float32": rng.normal(0, 1, (height, width)).astype(np.float32),
        "float64": rng.normal(0, 1, (height, width)),
        "few values": rng.integers(0, 3, (height, width), dtype=np.uint8) * 100,
    }
    for name, picture in pictures.items():
        input_line(name, picture)
    modes = ["nearest", "reflect", "mirror", "wrap", "constant"]
    number = 0
    for name, picture in pictures.items():
        for words, footprint, is_file in shapes():
            footprint = footprint.astype(bool)
            files = {"footprint": footprint.astype(np.uint8)} if is_file else {}
            for more, function in selections(int(footprint.sum())):
                number += 1
                # All of one type; of the others one after the other.
                if name != "uint8" and number % 5 != 0:
                    continue
                mode = modes[number % 5] if name == "uint8" else modes[number // 5 % 5]
                cval = 0.2 * (np.iinfo(picture.dtype).max if picture.dtype.kind != "f" else 1)
                # SciPy reads what is not there where a footprint is much larger than the picture.
                taken = lambda plane: padded(lambda x: function(x, footprint=footprint), plane, (mode, mode), cval)
                if picture.ndim == 3:
                    result = np.stack([taken(picture[..., c]) for c in range(3)], axis=-1)
                else:
                    result = taken(picture)
                boundary = ["--boundary", mode] + (["--cval", "0.2"] if mode == "constant" else [])
                case(name, ["median", *words, *more, *boundary], result, **files)


def covered_cases():
    """Ranks among the samples that count, by hand."""
    rng = np.random.default_rng(8)
    for name, kind in (("uint8 with gaps", np.uint8), ("uint16 with gaps", np.uint16), ("float64 with gaps", np.float64)):
        picture = rng.integers(1, 200, (17, 21)).astype(kind)
        picture[rng.random(picture.shape) < 0.3] = 0
        picture[4:12, 3:9] = 0
        input_line(name, picture)
        for words, footprint, is_file in shapes():
            files = {"footprint": footprint.astype(np.uint8)} if is_file else {}
            height, width = footprint.shape
            top, left = height // 2, width // 2
            padded = np.pad(picture, ((top, height - 1 - top), (left, width - 1 - left)), mode="edge")
            offsets = np.argwhere(footprint)
            for more, rank in (
                ([], lambda n: n // 2),
                (["--percentile", 66.7], lambda n: int(n * 66.7 / 100)),
                (["--rank", 0], lambda n: 0),
                (["--rank", int(footprint.sum()) // 2], lambda n, k=int(footprint.sum()) // 2: min(k, n - 1)),
                (["--rank", -2 if footprint.sum() > 1 else -1], lambda n: max(n - (2 if footprint.sum() > 1 else 1), 0)),
            ):
                result = picture.copy()
                for y, x in np.argwhere(picture != 0):
                    window = np.sort([v for v in (padded[y + dy, x + dx] for dy, dx in offsets) if v != 0])
                    if len(window):
                        result[y, x] = window[rank(len(window))]
                case(name, ["median", "--nodata", "0", *words, *more], result, **files)


# ---------------------------------------------------------------- signed pictures


def signed_pictures():
    y, x = np.mgrid[0:32, 0:36]
    rng = np.random.default_rng(9)
    for kind in (np.int8, np.int16, np.int32, np.uint32):
        info = np.iinfo(kind)
        name = info.dtype.name
        unit = {
            "ramp": (x + 2 * y) / 150,
            "steps": ((x // 6 + y // 5) % 4) / 3,
            "drawing": make_fixtures.drawing(32, 36, "float32").astype(float),
            "noise": rng.random((32, 36)),
        }
        for label, values in unit.items():
            whole = np.round(values * (float(info.max) - info.min)) + info.min
            yield f"{name} {label}", np.clip(whole, info.min, info.max).astype(kind)


def signed_cases():
    for name, picture in signed_pictures():
        input_line(name, picture)
        unit = util.img_as_float64(picture)
        for sigma, low, high, mode in ((1, 0.1, 0.2, "constant"), (2, 0.01, 0.02, "reflect"), (0.6, 0.3, 0.9, "nearest")):
            words = ["edge", "--sigma", sigma, "--low", low, "--high", high, "--boundary", mode]
            edges = feature.canny(unit, sigma, low, high, mode=mode)
            case(name, words, edges.astype(np.uint8) * 255)
        blobs = feature.blob_log(unit, 1.5, 6, 4, threshold=0.2)
        case(name, ["blob-detect", "--min-sigma", 1.5, "--max-sigma", 6, "--num-sigma", 4], blobs.tolist(), 1e-9)
        if "noise" not in name:
            continue
        case(name, ["gaussian", "--sigma", 1.3, "--float"], filters.gaussian(unit, 1.3), 1e-6 if name.startswith(("int8", "int16")) else 1e-12)
        case(name, ["sobel", "--float"], filters.sobel(unit), 1e-6 if name.startswith(("int8", "int16")) else 1e-12)


# ---------------------------------------------------------------- axes


def axis_cases():
    rng = np.random.default_rng(11)
    noise = input_line("noise", rng.uniform(-0.5, 1.5, (15, 17)))
    colour = input_line("colour", rng.random((11, 9, 3)))
    bytes8 = input_line("bytes", rng.integers(0, 256, (16, 19), dtype=np.uint8))
    words16 = input_line("words", rng.integers(0, 65536, (16, 19), dtype=np.uint16))
    unit8 = util.img_as_float64(bytes8)

    for sign, function in (("positive", filters.roberts_pos_diag), ("negative", filters.roberts_neg_diag)):
        words = ["sobel", "--operator", "roberts", "--direction", f"{sign}-diagonal"]
        case("noise", words, function(noise), 1e-12)
        case("bytes", [*words, "--float"], function(unit8), 1e-6)
        response = function(unit8)
        case("bytes", words, np.floor((0.5 + response / 2) * 255 + 0.5).astype(np.uint8), 1)

    for sigma in ((1.2, 1.2), (2, 0.8), (0, 1.5), (9, 20), (0.4, 0.4)):
        for order in ((1, 0), (0, 1), (1, 1), (2, 0), (0, 2), (3, 1), (2, 3), (4, 0)):
            for mode in ("nearest", "constant", "mirror"):
                words = ["gaussian", "--sigma", "{},{}".format(*sigma), "--order", "{},{}".format(*order), "--boundary", mode]
                words += ["--cval", "0.3"] if mode == "constant" else []
                result = ndi.gaussian_filter(noise, sigma, order=order, mode=mode, cval=0.3)
                scale = max(1, np.abs(result).max())
                case("noise", words, result, 1e-12 * scale)
                if mode == "nearest" and sigma[0] in (1.2, 9):
                    result = ndi.gaussian_filter(unit8, sigma, order=order, mode=mode)
                    case("bytes", [*words, "--float"], result, 3e-6)
                    case("bytes", words, np.clip(np.floor((0.5 + result / 2) * 255 + 0.5), 0, 255).astype(np.uint8), 1)
                    result = ndi.gaussian_filter(colour, (*sigma, 0), order=(*order, 0), mode=mode)
                    case("colour", words, result, 1e-12)
    case("noise", ["gaussian", "--sigma", 2, "--order", 1, "--truncate", 2.5], ndi.gaussian_filter(noise, 2, 1, mode="nearest", truncate=2.5), 1e-12)
    result = ndi.gaussian_filter(words16.astype(float), 1.5, (0, 1), mode="nearest")
    case("words", ["gaussian", "--sigma", 1.5, "--order", "0,1", "--preserve-range"], result.astype(np.float32), 0.02)

    for modes in (("reflect", "wrap"), ("wrap", "nearest"), ("constant", "mirror"), ("mirror", "constant"), ("nearest", "reflect")):
        boundary = ["--boundary", ",".join(modes)] + (["--cval", "0.3"] if "constant" in modes else [])
        for sigma in ((1.3, 1.3), (5, 5), (0.7, 12)):
            result = ndi.gaussian_filter(noise, sigma, mode=modes, cval=0.3)
            case("noise", ["gaussian", "--sigma", "{},{}".format(*sigma), *boundary], result, 1e-12)
            result = ndi.gaussian_filter(unit8, sigma, mode=modes, cval=0.3)
            case("bytes", ["gaussian", "--sigma", "{},{}".format(*sigma), "--float", *boundary], result, 1e-6)
            result = ndi.gaussian_filter(noise, sigma, (1, 0), mode=modes, cval=0.3)
            case("noise", ["gaussian", "--sigma", "{},{}".format(*sigma), "--order", "1,0", *boundary], result, 1e-12)
        for operator in ("sobel", "farid", "roberts"):
            result = padded(getattr(filters, operator), noise, modes, 0.3)
            case("noise", ["sobel", "--operator", operator, *boundary], result, 1e-12)
        for words, size in ((["--radius", 1], 3), (["--radius", 4], 9), (["--size", "4x6"], (4, 6)), (["--radius", 10], 21)):
            for name, picture in (("bytes", bytes8), ("words", words16), ("noise", noise)):
                cval = 0.2 * (1 if picture.dtype.kind == "f" else np.iinfo(picture.dtype).max)
                result = padded(lambda x: ndi.median_filter(x, size), picture, modes, cval)
                case(name, ["median", *words, *[word.replace("0.3", "0.2") for word in boundary]], result)
    for word, mode in (("grid-mirror", "reflect"), ("grid-wrap", "wrap"), ("grid-constant", "constant")):
        case("noise", ["gaussian", "--sigma", 2, "--boundary", word], ndi.gaussian_filter(noise, 2, mode=word), 1e-12)
        case("bytes", ["median", "--radius", 2, "--boundary", word], ndi.median_filter(bytes8, 5, mode=mode))

    photo = make_fixtures.smooth(40, 46, seed=5)
    drawing = make_fixtures.drawing(40, 46)
    for name, picture in (("photo", photo), ("drawing", drawing)):
        unit = util.img_as_float64(input_line(name, picture))
        for sigma in ((2, 0.7), (0, 1.5), (1, 3)):
            for mode in ("constant", "reflect", "wrap"):
                edges = feature.canny(unit, sigma, 0.05, 0.1, mode=mode)
                words = ["edge", "--sigma", "{},{}".format(*sigma), "--low", 0.05, "--high", 0.1, "--boundary", mode]
                case(name, words, edges.astype(np.uint8) * 255)
    spots = [(30, 40, 5, 0.8), (70, 35, 3, 0.7), (60, 95, 7, 0.8), (22, 90, 4, 0.9), (90, 70, 3, 0.6), (8, 12, 3, 0.7)]
    y, x = np.mgrid[0:100, 0:120]
    unit = 0.05 + sum(a * np.exp(-((y - cy) ** 2 / (2 * s**2) + (x - cx) ** 2 / (8 * s**2))) for cy, cx, s, a in spots)
    unit += np.random.default_rng(3).normal(0, 0.01, unit.shape)
    picture = input_line("ellipses", make_fixtures.quantized(unit / unit.max(), "uint8"))
    unit = util.img_as_float64(picture)
    for method, least, most in (("log", (2, 4), (8, 16)), ("log", (2, 3), (8, 20)), ("log", 2, (8, 16)), ("dog", (2, 4), (8, 16)), ("dog", (1.5, 2), (12, 9))):
        for more, options in (
            ([], {}),
            (["--overlap", 0.2, "--exclude-border", "9,14"], {"overlap": 0.2, "exclude_border": (9, 14)}),
            (["--log-scale", "--num-sigma", 6], {"log_scale": True, "num_sigma": 6}),
            (["--sigma-ratio", 1.3], {"sigma_ratio": 1.3}),
        ):
            if (method == "dog") == ("log_scale" in options) and "overlap" not in options or method == "log" and "sigma_ratio" in options:
                continue
            function = {"log": feature.blob_log, "dog": feature.blob_dog}[method]
            blobs = function(unit, least, most, threshold=0.12 if method == "log" else 0.07, **options)
            text = [",".join(map(str, np.atleast_1d(s))) for s in (least, most)]
            words = ["blob-detect", "--method", method, "--min-sigma", text[0], "--max-sigma", text[1]]
            words += ["--threshold", 0.12 if method == "log" else 0.07, *more]
            case("ellipses", words, blobs.tolist(), 1e-9)
    for border in ((0, 12), (12, 0), (3, 20)):
        blobs = feature.blob_log(unit, 2, 10, 5, threshold=0.1, exclude_border=border)
        words = ["blob-detect", "--min-sigma", 2, "--max-sigma", 10, "--num-sigma", 5, "--threshold", 0.1]
        case("ellipses", [*words, "--exclude-border", "{},{}".format(*border)], blobs.tolist(), 1e-9)


def main():
    rank_cases()
    covered_cases()
    signed_cases()
    axis_cases()
    path = pathlib.Path(__file__).resolve().parent / "exact.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in LINES))
    print(f"{path.name}: {len(LINES)} lines, {path.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
