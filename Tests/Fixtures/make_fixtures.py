#!/usr/bin/env python3
"""Computes the reference results in this folder with scikit-image and SciPy.

Writes one JSON-lines file for each filter, a case a line (README.md describes the format).
Everything is seeded, so a second run with the same versions writes the same bytes.

    python make_fixtures.py            # all filters
    python make_fixtures.py edge       # only these
"""

import base64
import json
import math
import os
import pathlib
import sys

# NumPy's exp for AVX-512 is off by an ulp now and then, which decides ties: fixtures must not depend on the machine that makes them.
os.environ["NPY_DISABLE_CPU_FEATURES"] = "X86_V4 AVX512_ICL AVX512_SPR"

import numpy as np
import scipy.ndimage as ndi
import scipy.ndimage._filters as scipy_filters
from skimage import color, feature, filters, util

_gaussian_kernel1d = scipy_filters._gaussian_kernel1d


def _exact_gaussian_kernel1d(sigma, order, radius):
    """scipy's kernel with the C library's exp: as NumPy's without AVX-512, where this is run with NumPy already there."""
    if order != 0:
        return _gaussian_kernel1d(sigma, order, radius)
    weights = np.array([math.exp(-0.5 / (sigma * sigma) * x * x) for x in range(-radius, radius + 1)])
    return weights / weights.sum()


scipy_filters._gaussian_kernel1d = _exact_gaussian_kernel1d

FOLDER = pathlib.Path(__file__).resolve().parent
BOUNDARIES = ["reflect", "mirror", "nearest", "wrap", "constant"]
LITTLE_ENDIAN = {"uint8": "<u1", "uint16": "<u2", "float32": "<f4"}


# ---------------------------------------------------------------- pictures


def noise(height, width, channels=1, kind="uint8", seed=0):
    """Independent samples over the type's whole range; float32 goes from -0.5 to 1.5."""
    rng = np.random.default_rng([seed, height, width, channels])
    shape = (height, width) if channels == 1 else (height, width, channels)
    if kind == "float32":
        return rng.uniform(-0.5, 1.5, shape).astype(np.float32)
    return rng.integers(0, np.iinfo(kind).max, shape, dtype=kind, endpoint=True)


def smooth(height, width, channels=1, kind="uint8", seed=0, scale=3.0):
    """Blurred noise, stretched to the whole range: soft edges in every direction."""
    rng = np.random.default_rng([seed, height, width, channels, 1])
    planes = [ndi.gaussian_filter(rng.random((height, width)), scale) for _ in range(channels)]
    planes = [(p - p.min()) / (np.ptp(p) or 1) for p in planes]
    return quantized(planes[0] if channels == 1 else np.stack(planes, axis=-1), kind)


def quantized(unit, kind):
    """Samples of `kind` for values in [0, 1]; values beyond it stay in float32 and are clipped otherwise."""
    if kind == "float32":
        return unit.astype(np.float32)
    top = np.iinfo(kind).max
    # Noise of float64 must not decide where the exact result is a half.
    return np.floor(np.round(np.clip(unit, 0, 1) * top, 6) + 0.5).astype(kind)


def drawing(height, width, kind="uint8"):
    """Flat shapes with hard edges on the pixel grid, symmetric ones among them: full of exact ties."""
    y, x = np.mgrid[0:height, 0:width]
    unit = np.zeros((height, width))
    unit[height // 8 : height // 2, width // 8 : width // 3] = 1
    unit[(y - 0.3 * height) ** 2 + (x - 0.7 * width) ** 2 <= (0.2 * min(height, width)) ** 2] = 0.6
    unit[np.abs(y - 0.75 * height) + np.abs(x - 0.3 * width) <= 0.17 * min(height, width)] = 0.8
    unit[(y - x > height - 0.9 * width) & (y > 0.6 * height) & (x > 0.55 * width)] = 0.4
    return quantized(unit, kind)


def steps(height, width, kind="uint8"):
    """Vertical bars on top, horizontal ones below, of equal height: every ridge of the gradient is flat."""
    y, x = np.mgrid[0:height, 0:width]
    unit = np.where(y < height // 2, (x // 4) % 2, (y // 3) % 2) * 0.75
    return quantized(unit, kind)


def diagonal(height, width, kind="uint8"):
    """Light and dark on either side of a diagonal."""
    y, x = np.mgrid[0:height, 0:width]
    return quantized((x > y).astype(float), kind)


def impulse(height, width, kind="uint8"):
    """One full pixel in the middle of nothing."""
    unit = np.zeros((height, width))
    unit[height // 2, width // 2] = 1
    return quantized(unit, kind)


def flat(height, width, value, kind="uint8"):
    """One value everywhere."""
    return np.full((height, width), value, dtype=kind)


def ragged_mask(height, width):
    """A disc with a hole and a bite, touching the picture's border; 1 and 255 both mean inside."""
    y, x = np.mgrid[0:height, 0:width]
    distance = np.hypot(y - 0.45 * height, x - 0.4 * width)
    inside = (distance < 0.48 * max(height, width)) & (distance > 2.2)
    inside[int(0.7 * height) :, int(0.5 * width) :] = False
    return np.where(inside, np.where((x + y) % 3 == 0, 1, 255), 0).astype(np.uint8)


def blobs_picture(height, width, blobs, kind="uint8", seed=0, ground=0.1, grain=0.01):
    """Gaussian spots (y, x, sigma, amplitude) at fractional places, with grain so that nothing ties."""
    y, x = np.mgrid[0:height, 0:width]
    unit = np.full((height, width), ground, dtype=float)
    for cy, cx, sigma, amplitude in blobs:
        unit += amplitude * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * sigma**2))
    unit += np.random.default_rng(seed).normal(0, grain, unit.shape)
    return quantized(unit, kind)


def unit_float(picture):
    """The picture in [0, 1] units as float64, as scikit-image's img_as_float; float32 as it is."""
    return picture.astype(np.float64) if picture.dtype == np.float32 else util.img_as_float64(picture)


def luma(picture):
    """Gray [0, 1] units of a gray or colour picture."""
    unit = unit_float(picture)
    return color.rgb2gray(unit) if unit.ndim == 3 else unit


# ---------------------------------------------------------------- writing


def encoded(array):
    """An array as the picture object of the JSON format."""
    name = array.dtype.name
    return {
        "width": array.shape[1],
        "height": array.shape[0],
        "channels": array.shape[2] if array.ndim == 3 else 1,
        "type": name,
        "samples": base64.b64encode(array.astype(LITTLE_ENDIAN[name]).tobytes()).decode(),
    }


class Cases:
    """The cases of one filter, in order."""

    def __init__(self):
        self.lines = {}

    def add(self, name, arguments, picture, expected, compare, mask=None, **more):
        """Appends a case; names are unique within a filter."""
        assert name not in self.lines, name
        line = {"name": name, "arguments": [str(a) for a in arguments], "input": encoded(picture)}
        if mask is not None:
            line["mask"] = encoded(mask)
        line["expected"] = expected if isinstance(expected, dict) else encoded(expected)
        line["compare"] = compare
        line.update(more)
        self.lines[name] = line

    def add_float_or_rounded(self, name, arguments, picture, result, as_float, mask=None):
        """Appends a case for a float64 result in [0, 1] units: as --float gives it, or in the input's type."""
        if as_float:
            self.add(name, [*arguments, "--float"], picture, result.astype(np.float32), "float", mask)
        else:
            self.add(name, arguments, picture, quantized(result, picture.dtype.name), "rounded", mask)

    def write(self, filter_name):
        """Writes FILTER.jsonl."""
        path = FOLDER / f"{filter_name}.jsonl"
        text = "".join(json.dumps(l, separators=(",", ":")) + "\n" for l in self.lines.values())
        path.write_text(text, encoding="ascii", newline="\n")
        print(f"{path.name}: {len(self.lines)} cases, {len(text) / 1024:.0f} KiB")


def boundary_arguments(mode, cval):
    """--boundary, and --cval where it has a meaning."""
    return ["--boundary", mode] + (["--cval", cval] if mode == "constant" else [])


# ---------------------------------------------------------------- gaussian


def gaussian_cases():
    """scikit-image's gaussian on float64, each channel by itself."""
    cases = Cases()

    def add(name, picture, sigma="1", truncate=None, boundary=None, cval=0, as_float=True):
        arguments = ["--sigma", sigma]
        arguments += ["--truncate", truncate] if truncate is not None else []
        arguments += boundary_arguments(boundary, cval) if boundary else []
        sigmas = [float(s) for s in sigma.split(",")]
        result = filters.gaussian(
            unit_float(picture),
            sigmas if len(sigmas) > 1 else sigmas[0],
            truncate=4 if truncate is None else truncate,
            mode=boundary or "nearest",
            cval=cval,
            channel_axis=-1 if picture.ndim == 3 else None,
        )
        cases.add_float_or_rounded(name, arguments, picture, result, as_float)

    for sigma in ["0", "0.1", "0.5", "1", "2", "3.7", "10", "2,0", "0,1.5", "0.8,4"]:
        add(f"sigma {sigma}", noise(23, 31, seed=1), sigma)
        add(f"sigma {sigma}, 8-bit result", noise(23, 31, seed=1), sigma, as_float=False)
    add("default options", noise(23, 31, seed=2))
    for truncate in [0.3, 2, 2.25, 6]:
        add(f"truncate {truncate}", noise(17, 20, seed=3), "1.6", truncate=truncate)
    for mode in BOUNDARIES:
        for cval in [0, 0.3] if mode == "constant" else [0]:
            label = f"{mode} {cval}" if mode == "constant" else mode
            add(f"{label}, sigma 2", noise(13, 19, seed=4), "2", boundary=mode, cval=cval)
            add(f"{label}, kernel larger than the picture", noise(5, 3, seed=5), "10", boundary=mode, cval=cval)
            add(f"{label}, one row", noise(1, 17, seed=6), "2.5", boundary=mode, cval=cval)
            add(f"{label}, one column", noise(17, 1, seed=6), "2.5", boundary=mode, cval=cval)
            add(f"{label}, one pixel", noise(1, 1, seed=7), "1", boundary=mode, cval=cval)
            add(f"{label}, float32", noise(9, 14, kind="float32", seed=8), "1,3", boundary=mode, cval=cval)
            add(f"{label}, RGB 8-bit result", noise(8, 11, 3, seed=9), "1.3", boundary=mode, cval=cval, as_float=False)
    for kind in ["uint8", "uint16", "float32"]:
        for channels in [1, 3]:
            colour = "gray" if channels == 1 else "RGB"
            add(f"{kind} {colour}", noise(12, 15, channels, kind, seed=10), "1.5")
            if kind != "float32":
                add(f"{kind} {colour}, same type", noise(12, 15, channels, kind, seed=10), "1.5", as_float=False)
    for value, kind in [(255, "uint8"), (65535, "uint16"), (1, "float32")]:
        for sigma in ["0.7", "3"]:
            picture = flat(11, 13, value, kind)
            add(f"flat {kind} {value}, sigma {sigma}", picture, sigma, as_float=kind == "float32")
    add("impulse", impulse(21, 21), "2")
    add("16-bit impulse, same type", impulse(21, 21, "uint16"), "2", as_float=False)
    add("two by two", noise(2, 2, seed=11), "1.2", boundary="mirror")
    add("soft 16-bit picture", smooth(40, 37, kind="uint16", seed=12), "4", as_float=False)
    return cases


# ---------------------------------------------------------------- sobel

OPERATORS = {"sobel": filters.sobel, "scharr": filters.scharr, "prewitt": filters.prewitt, "farid": filters.farid}
AXIS = {"magnitude": None, "horizontal": 0, "vertical": 1}


def roberts(unit, mode, cval):
    """scikit-image's roberts, which has no mode and always reflects, for any boundary."""
    kernels = [[[1, 0], [0, -1]], [[0, 1], [-1, 0]]]
    positive, negative = (ndi.convolve(unit, np.array(k, float), mode=mode, cval=cval) for k in kernels)
    result = np.sqrt(positive**2 + negative**2) / np.sqrt(2)
    assert mode != "reflect" or np.array_equal(result, filters.roberts(unit))
    return result


def edge_response(unit, operator, direction, mode, cval, mask):
    """The response of one channel, unclamped and signed."""
    if operator == "roberts":
        result = roberts(unit, mode, cval)
    else:
        result = OPERATORS[operator](unit, axis=AXIS[direction], mode=mode, cval=cval)
    if mask is not None:
        result = result * ndi.binary_erosion(mask != 0, np.ones((3, 3)), border_value=0)
    return result


def sobel_cases():
    """The edge operators on luma, or on each channel."""
    cases = Cases()

    def add(name, picture, operator="sobel", direction="magnitude", boundary=None, cval=0, mask=None,
            per_channel=False, as_float=True):
        arguments = ["--operator", operator, "--direction", direction]
        arguments += boundary_arguments(boundary, cval) if boundary else []
        arguments += ["--per-channel"] if per_channel else []
        options = (operator, direction, boundary or "reflect", cval, mask)
        if per_channel:
            unit = unit_float(picture)
            result = np.stack([edge_response(unit[..., c], *options) for c in range(unit.shape[2])], axis=-1)
        else:
            result = edge_response(luma(picture), *options)
        if not as_float and direction != "magnitude":
            result = 0.5 + result / 2
        cases.add_float_or_rounded(name, arguments, picture, result, as_float, mask)

    combinations = [(o, d) for o in OPERATORS for d in AXIS] + [("roberts", "magnitude")]
    for operator, direction in combinations:
        label = f"{operator} {direction}"
        add(label, noise(13, 17, seed=20), operator, direction)
        add(f"{label}, 8-bit result", noise(13, 17, seed=20), operator, direction, as_float=False)
        add(f"{label}, RGB", noise(7, 9, 3, seed=21), operator, direction)
        add(f"{label}, 16-bit result", noise(7, 9, kind="uint16", seed=22), operator, direction, as_float=False)
        add(f"{label}, float32", noise(7, 9, kind="float32", seed=23), operator, direction)
        add(f"{label}, mask", noise(14, 16, seed=24), operator, direction, mask=ragged_mask(14, 16))
    for operator in [*OPERATORS, "roberts"]:
        for mode in BOUNDARIES:
            for cval in [0, 0.3] if mode == "constant" else [0]:
                label = f"{operator} {mode} {cval}" if mode == "constant" else f"{operator} {mode}"
                for height, width in [(6, 8), (1, 9), (7, 1), (1, 1), (2, 3)]:
                    add(f"{label}, {height}x{width}", noise(height, width, seed=25), operator, boundary=mode, cval=cval)
        add(f"{operator} per channel", noise(8, 9, 3, seed=26), operator, per_channel=True)
        add(f"{operator} per channel, 8-bit result", noise(8, 9, 3, seed=26), operator, per_channel=True, as_float=False)
    for direction in ["horizontal", "vertical"]:
        for mode in ["wrap", "mirror", "constant"]:
            add(f"sobel {direction} {mode}", noise(6, 8, seed=27), direction=direction, boundary=mode, cval=0.5)
        add(f"per channel {direction}, 16-bit result", noise(6, 7, 3, "uint16", seed=28), direction=direction,
            per_channel=True, as_float=False)
        add(f"full steps {direction}, 8-bit result", diagonal(9, 9), direction=direction, as_float=False)
    add("flat 255, 8-bit result", flat(5, 6, 255), as_float=False)
    add("luma of RGB, 8-bit result", noise(12, 12, 3, seed=29), as_float=False)
    add("luma of 16-bit RGB, 16-bit result", noise(12, 12, 3, "uint16", seed=29), as_float=False)
    add("mask, 8-bit result", noise(14, 16, seed=24), as_float=False, mask=ragged_mask(14, 16))
    add("mask all zero", noise(5, 6, seed=24), mask=flat(5, 6, 0))
    add("mask all set", noise(5, 6, seed=24), mask=flat(5, 6, 255))
    add("drawing", drawing(32, 36), as_float=False)
    return cases


# ---------------------------------------------------------------- median


def border_indices(length, before, after, mode):
    """For each position from -before to length + after - 1 the index it is read from; -1 is cval."""
    positions = np.arange(-before, length + after)
    if mode == "nearest" or (mode == "mirror" and length == 1):
        return np.clip(positions, 0, length - 1)
    if mode == "wrap":
        return positions % length
    if mode == "reflect":
        folded = positions % (2 * length)
        return np.where(folded >= length, 2 * length - 1 - folded, folded)
    if mode == "mirror":
        folded = positions % (2 * length - 2)
        return np.where(folded >= length, 2 * length - 2 - folded, folded)
    return np.where((positions < 0) | (positions >= length), -1, positions)


def sorted_median(plane, footprint, mode, cval):
    """The definition spelled out: every window sorted, the value of rank floor(count / 2). NaN sorts last."""
    ry, rx = footprint.shape[0] // 2, footprint.shape[1] // 2
    rows = border_indices(plane.shape[0], ry, footprint.shape[0] - 1 - ry, mode)
    columns = border_indices(plane.shape[1], rx, footprint.shape[1] - 1 - rx, mode)
    padded = plane[np.ix_(rows, columns)]
    padded[(rows < 0)[:, None] | (columns < 0)[None, :]] = cval
    windows = np.lib.stride_tricks.sliding_window_view(padded, footprint.shape)[..., footprint]
    return np.sort(windows, axis=-1)[..., footprint.sum() // 2]


def median_plane(plane, footprint, mode, cval):
    """The definition's result, which SciPy's must equal (but for NaN, which SciPy leaves undefined)."""
    result = sorted_median(plane, footprint, mode, cval)
    if not np.isnan(plane).any():
        scipy_result = ndi.median_filter(plane, footprint=footprint, mode=mode, cval=cval)
        assert np.array_equal(result, scipy_result), (plane.shape, footprint.shape, mode)
    return result


def disk_footprint(radius):
    """Offsets at most `radius` away."""
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    return y * y + x * x <= radius * radius


def median_cases():
    """Medians in the input's own type."""
    cases = Cases()

    def add(name, picture, radius=None, size=None, disk=False, boundary=None, cval=0):
        if size is not None:
            arguments, footprint = ["--size", f"{size[0]}x{size[1]}"], np.ones(size, bool)
        elif disk:
            arguments, footprint = ["--radius", radius, "--shape", "disk"], disk_footprint(radius)
        else:
            arguments = ["--radius", radius] if radius is not None else []
            footprint = np.ones((2 * (radius or 1) + 1,) * 2, bool) if radius != 0 else np.ones((1, 1), bool)
        arguments += boundary_arguments(boundary, cval) if boundary else []
        # 0.2 of full scale is a whole number of 8- and of 16-bit steps (51 and 13107).
        scaled = cval if picture.dtype == np.float32 else round(cval * np.iinfo(picture.dtype).max)
        planes = picture[..., None] if picture.ndim == 2 else picture
        result = [median_plane(planes[..., c], footprint, boundary or "nearest", scaled) for c in range(planes.shape[2])]
        cases.add(name, arguments, picture, np.stack(result, -1).reshape(picture.shape), "exact")

    add("default options", noise(15, 18, seed=40))
    for kind in ["uint8", "uint16", "float32"]:
        for radius in [1, 2, 3, 7, 15]:
            add(f"{kind} radius {radius}", noise(23, 27, 1, kind, seed=41), radius)
        for radius in [1, 2, 5, 9]:
            add(f"{kind} disk {radius}", noise(21, 25, 1, kind, seed=42), radius, disk=True)
        for size in [(3, 7), (1, 5), (9, 1), (5, 3), (1, 1)]:
            add(f"{kind} size {size[0]}x{size[1]}", noise(17, 19, 1, kind, seed=43), size=size)
        for mode in BOUNDARIES:
            for cval in [0, 0.2, 1] if mode == "constant" else [0]:
                label = f"{kind} {mode} {cval}" if mode == "constant" else f"{kind} {mode}"
                add(f"{label}, radius 2", noise(9, 12, 1, kind, seed=44), 2, boundary=mode, cval=cval)
                add(f"{label}, disk 3", noise(9, 12, 1, kind, seed=44), 3, disk=True, boundary=mode, cval=cval)
                add(f"{label}, window larger than the picture", noise(4, 5, 1, kind, seed=45), 7, boundary=mode, cval=cval)
                add(f"{label}, one row", noise(1, 17, 1, kind, seed=46), 3, boundary=mode, cval=cval)
                add(f"{label}, one column", noise(17, 1, 1, kind, seed=46), 3, boundary=mode, cval=cval)
                add(f"{label}, one pixel", noise(1, 1, 1, kind, seed=47), 2, boundary=mode, cval=cval)
        add(f"{kind} RGB radius 2", noise(11, 13, 3, kind, seed=48), 2)
        add(f"{kind} RGB disk 2, wrap", noise(11, 13, 3, kind, seed=48), 2, disk=True, boundary="wrap")
    add("two values", (noise(20, 22, seed=49) > 127).astype(np.uint8) * 255, 3)
    add("few levels, radius 5", noise(24, 24, seed=50) // 64 * 64, 5)
    add("flat 255", flat(7, 8, 255), 2)
    add("flat 65535", flat(7, 8, 65535, "uint16"), 2)
    add("16-bit upper half of the range", noise(16, 18, 1, "uint16", seed=51) // 2 + 32768, 4)
    add("16-bit values that share their high byte", noise(16, 18, 1, "uint16", seed=52) % 256 + 40000, 4)
    wide = noise(15, 16, 1, "float32", seed=53) * np.float32(1e6)
    add("float32 far beyond [0, 1]", wide, 2)
    holes = noise(15, 16, 1, "float32", seed=54)
    holes[3, 4], holes[8, 9], holes[0, 0] = np.inf, -np.inf, np.inf
    add("float32 infinities", holes, 2)
    holes[10, 2:5] = np.nan
    add("float32 NaN among few neighbours", holes, 1)
    holes[4:9, 5:11] = np.nan
    add("float32 NaN in a patch", holes, 2)
    add("float32 NaN in a patch, disk", holes, 3, disk=True)
    return cases


# ---------------------------------------------------------------- edge


def edge_cases():
    """scikit-image's canny on the picture in [0, 1] units as float64."""
    cases = Cases()

    def add(name, picture, sigma=None, low=None, high=None, quantiles=False, mask=None, boundary=None, cval=0):
        arguments = []
        for option, value in [("--sigma", sigma), ("--low", low), ("--high", high)]:
            arguments += [option, value] if value is not None else []
        arguments += ["--quantiles"] if quantiles else []
        arguments += boundary_arguments(boundary, cval) if boundary else []
        unit = luma(picture)

        def canny(image):
            return feature.canny(image, 1 if sigma is None else sigma, low, high, None if mask is None else mask != 0,
                                 quantiles, mode=boundary or "constant", cval=cval)

        result = canny(unit)
        shaken = canny(unit + np.random.default_rng(0).normal(0, 1e-12, unit.shape))
        expected = np.where(result, 255, 0).astype(np.uint8)
        cases.add(name, arguments, picture, expected, "edge", mask, ties=not np.array_equal(result, shaken))

    drawings = {"drawing": drawing(40, 46), "steps": steps(32, 33), "diagonal": diagonal(20, 20), "impulse": impulse(15, 15)}
    for label, picture in drawings.items():
        for sigma in [0, 0.5, 1, 1.4, 2, 3]:
            add(f"{label}, sigma {sigma}", picture, sigma)
        for mode in BOUNDARIES:
            for cval in [0, 0.3, 1] if mode == "constant" else [0]:
                add(f"{label}, {mode} {cval}", picture, boundary=mode, cval=cval)
        add(f"{label}, quantiles", picture, low=0.8, high=0.95, quantiles=True)
        add(f"{label}, mask", picture, mask=ragged_mask(*picture.shape))
    for sigma in [0.5, 1, 1.4, 2, 3]:
        add(f"soft picture, sigma {sigma}", smooth(40, 42, seed=60), sigma, 0.05, 0.15)
    soft = smooth(40, 42, seed=61)
    add("default options", soft)
    for low, high in [(0, 0), (0, 0.2), (0.02, 0.3), (0.2, 0.2), (0.4, 0.8), (4, 5)]:
        add(f"thresholds {low} and {high}", soft, low=low, high=high)
    for low, high in [(0, 0), (0, 1), (0.1, 0.2), (0.5, 0.9), (0.9, 0.97), (1, 1)]:
        add(f"quantiles {low} and {high}", soft, low=low, high=high, quantiles=True)
    add("quantiles by default", soft, quantiles=True)
    for mode in BOUNDARIES:
        for cval in [0, 0.5] if mode == "constant" else [0]:
            label = f"{mode} {cval}" if mode == "constant" else mode
            add(f"soft picture, {label}", soft, 1.7, 0.05, 0.1, boundary=mode, cval=cval)
            add(f"soft picture with mask, {label}", soft, 1.7, 0.05, 0.1, boundary=mode, cval=cval, mask=ragged_mask(40, 42))
            add(f"tiny picture, {label}", noise(5, 5, seed=62), 2, 0.01, 0.02, boundary=mode, cval=cval)
    # scikit-image compares with the low threshold rounded to float32, so a ridge that equals its
    # own quantile stays or goes with the direction of that rounding.
    for level in [0.2, 0.4, 0.5, 0.9, 1]:
        add(f"quantile equal to a ridge of height {level}", quantized((np.mgrid[0:20, 0:21][1] // 5 % 2) * level, "uint8"),
            0, 0.9, 0.9, quantiles=True, boundary="nearest")
    add("mask and quantiles", soft, low=0.5, high=0.8, quantiles=True, mask=ragged_mask(40, 42))
    add("mask all zero", soft, mask=flat(40, 42, 0))
    add("mask all set", soft, mask=flat(40, 42, 255))
    add("grain", noise(40, 44, seed=63))
    add("grain, sigma 2", noise(40, 44, seed=63), 2, 0.05, 0.2)
    add("16-bit", smooth(45, 41, 1, "uint16", seed=64), 1.4, 0.05, 0.15)
    add("16-bit drawing", drawing(33, 39, "uint16"), 1)
    add("float32", smooth(45, 41, 1, "float32", seed=65) * np.float32(2) - np.float32(0.5), 1.4)
    add("RGB", smooth(40, 42, 3, seed=66), 1, 0.05, 0.15)
    add("RGB grain", noise(30, 31, 3, seed=67), 1.4, 0.1, 0.3)
    add("RGB 16-bit", smooth(30, 31, 3, "uint16", seed=68), 1, 0.05, 0.15)
    for height, width in [(1, 1), (1, 9), (9, 1), (2, 9), (9, 2), (3, 3), (3, 8), (5, 5), (4, 7)]:
        add(f"size {height}x{width}", noise(height, width, seed=69), 0.6, 0.05, 0.1)
        add(f"size {height}x{width}, quantiles", noise(height, width, seed=69), 1, 0.2, 0.5, quantiles=True)
    for value in [0, 128, 255]:
        add(f"flat {value}", flat(12, 13, value))
        add(f"flat {value}, thresholds 0", flat(12, 13, value), low=0, high=0, boundary="nearest")
    # One long weak edge with a strong end: hysteresis has to follow it all the way.
    y, x = np.mgrid[0:40, 0:60]
    ramp = np.where(y > 20 + 6 * np.sin(x / 9.0), 0.2 + 0.5 * (x / 59.0) ** 3, 0.15)
    add("weak edge with a strong end", quantized(ramp, "uint8"), 1, 0.1, 1.2)
    # A spiral: one component that crosses every line of any grid many times.
    angle, distance = np.arctan2(y - 19.5, x - 29.5), np.hypot(y - 19.5, x - 29.5)
    add("spiral", quantized(((distance / 6 - angle / (2 * np.pi)) % 1 < 0.5) * 0.8, "uint8"), 1, 0.2, 1.5)
    return cases


# ---------------------------------------------------------------- blob-detect

METHODS = {"log": feature.blob_log, "dog": feature.blob_dog, "doh": feature.blob_doh}


def pruned_in_order(peaks, overlap):
    """scikit-image's pruning with the pairs in sorted order; its own order is that of a hash set."""
    from skimage.feature.blob import _blob_overlap

    blobs = peaks.copy()
    for i in range(len(blobs)):
        for j in range(i + 1, len(blobs)):
            if blobs[i, 2] > 0 and blobs[j, 2] > 0 and _blob_overlap(blobs[i], blobs[j]) > overlap:
                blobs[j if blobs[i, 2] > blobs[j, 2] else i, 2] = 0
    return blobs[blobs[:, 2] > 0]


def random_spots(count, height, width, sigmas, seed):
    """Spots of bounded size at random places."""
    rng = np.random.default_rng(seed)
    return [
        (rng.uniform(0, height), rng.uniform(0, width), rng.uniform(*sigmas), rng.uniform(0.4, 0.8)) for _ in range(count)
    ]


def blob_cases():
    """scikit-image's blob_log, blob_dog and blob_doh; only cases that rounding cannot change."""
    cases = Cases()

    def add(name, picture, method, dark=False, num_sigma=None, log_scale=False, exclude_border=None, **options):
        arguments = ["--method", method]
        for option, value in options.items():
            arguments += ["--" + option.replace("_", "-"), value]
        arguments += ["--num-sigma", num_sigma] if num_sigma is not None else []
        arguments += ["--log-scale"] if log_scale else []
        arguments += ["--exclude-border", exclude_border] if exclude_border is not None else []
        arguments += ["--dark"] if dark else []
        keywords = dict(options)
        keywords.update({"num_sigma": num_sigma} if num_sigma is not None else {})
        keywords.update({"log_scale": True} if log_scale else {})
        keywords.update({"exclude_border": exclude_border} if exclude_border is not None else {})
        unit = 1 - luma(picture) if dark else luma(picture)
        blobs = METHODS[method](unit, **keywords)
        peaks = METHODS[method](unit, **{**keywords, "overlap": 1.0})
        assert np.array_equal(blobs, pruned_in_order(peaks, keywords.get("overlap", 0.5))), f"{name}: order of pairs matters"
        for seed in range(3):
            shaken = METHODS[method](unit + np.random.default_rng(seed).normal(0, 1e-7, unit.shape), **keywords)
            assert np.array_equal(blobs, shaken), f"{name}: rounding matters"
        cases.add(name, arguments, picture, {"blobs": blobs.tolist()}, "blobs")

    spots = random_spots(10, 66, 68, (1.5, 5), 80)
    few = [(12.3, 14.8, 2.2, 0.7), (30.6, 40.2, 4.1, 0.6), (44.1, 11.7, 3.0, 0.8), (50.4, 52.9, 1.6, 0.7)]
    cell = {k: blobs_picture(58, 60, few, k, 81) for k in ["uint8", "uint16", "float32"]}
    field = blobs_picture(66, 68, spots, seed=82)
    scales = {"min_sigma": 1, "max_sigma": 8}
    relaxed = {"log": {"threshold": 0.1}, "dog": {"threshold": 0.06}, "doh": {"threshold": 0.004}}
    for method in METHODS:
        options = {**scales, **relaxed[method]}
        for kind, picture in cell.items():
            add(f"{method} {kind}", picture, method, **options)
        add(f"{method} field", field, method, **options)
        add(f"{method} dark", 255 - field, method, dark=True, **options)
        rgb = np.stack([field, np.roll(field, 3, axis=1), field[::-1] // 2], axis=-1)[:48, :50]
        add(f"{method} RGB", np.ascontiguousarray(rgb), method, **options)
        # On plateaus of the box filters rounding picks the peaks, so doh gets no case that keeps all of them.
        for overlap in [0.2, 0.9] if method == "doh" else [0, 0.2, 0.9, 1]:
            add(f"{method} overlap {overlap}", field, method, overlap=overlap, **options)
        for relative in [0.15, 0.5, 0.9]:
            add(f"{method} threshold-rel {relative}", field, method, **options, threshold_rel=relative)
        add(f"{method} wide", blobs_picture(20, 96, [(9.4, 20.2, 3, 0.7), (11.3, 70.8, 4, 0.6)], seed=83), method, **options)
        add(f"{method} one row", blobs_picture(1, 60, [(0, 20.3, 3, 0.7), (0, 44.6, 2, 0.6)], seed=84), method, **options)
        add(f"{method} one pixel", flat(1, 1, 200), method, **options)
        add(f"{method} nothing found", cell["uint8"], method, min_sigma=1, max_sigma=6, threshold=3)
        edge = blobs_picture(50, 54, [(1.2, 20.3, 3, 0.8), (25.4, 52.6, 3, 0.7), (48.8, 1.3, 4, 0.8), (25.3, 24.2, 3, 0.7)], seed=85)
        add(f"{method} spots on the border", edge, method, **options)
        if method != "doh":
            add(f"{method} flat", flat(20, 20, 255), method, **options)
            add(f"{method} searched for dark blobs only", field, method, dark=True, **options)
            for border in [0, 1, 6]:
                add(f"{method} exclude-border {border}", edge, method, exclude_border=border, **options)
            add(f"{method} several scales above one", field, method, min_sigma=2.5, max_sigma=7, **relaxed[method])
    for method in ["log", "doh"]:
        options = {**scales, **relaxed[method]}
        for count in [1, 2, 3, 5, 20]:
            add(f"{method} num-sigma {count}", field, method, num_sigma=count, **options)
        add(f"{method} log-scale", field, method, log_scale=True, **options)
        add(f"{method} log-scale, num-sigma 15", field, method, log_scale=True, num_sigma=15, **options)
    for ratio in [1.2, 1.4, 2, 3]:
        add(f"dog sigma-ratio {ratio}", field, "dog", **scales, sigma_ratio=ratio, threshold=0.06)
    add("log scales larger than the picture", blobs_picture(18, 16, [(8.7, 7.6, 3, 0.8)], seed=86), "log",
        min_sigma=1, max_sigma=20, threshold=0.1)
    add("log default options", blobs_picture(70, 76, [(20.3, 23.7, 5, 0.8), (47.6, 52.4, 7, 0.7)], seed=87), "log")
    add("dog default options", blobs_picture(70, 76, [(20.3, 23.7, 5, 0.8), (47.6, 52.4, 7, 0.7)], seed=87, ground=0), "dog")
    add("doh default options", blobs_picture(70, 76, [(20.3, 23.7, 5, 0.8), (47.6, 52.4, 7, 0.7)], seed=87), "doh")
    return cases


FILTERS = {
    "gaussian": gaussian_cases,
    "sobel": sobel_cases,
    "median": median_cases,
    "edge": edge_cases,
    "blob-detect": blob_cases,
}


def main():
    for name in sys.argv[1:] or FILTERS:
        FILTERS[name]().write(name)


if __name__ == "__main__":
    main()
