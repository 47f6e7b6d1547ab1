#!/usr/bin/env python3
"""Computes the reference results for pictures of which not all pixels count, with SciPy and scikit-image.

Writes nodata.jsonl: lines as those of make_fixtures.py, each with its filter. What does not count is a number for no
data (--nodata), NaN, or a mask.

    python make_nodata.py
"""

from make_fixtures import BOUNDARIES, Cases, boundary_arguments, blobs_picture, noise, smooth, unit_float  # First, for NumPy.

import numpy as np
import scipy.ndimage as ndi
from skimage import feature, filters
from skimage.feature.blob import _prune_blobs


# Beyond the border, as numpy calls it.
PADS = {"nearest": "edge", "reflect": "symmetric", "mirror": "reflect", "wrap": "wrap", "constant": "constant"}


# ---------------------------------------------------------------- what counts


def patterns(height, width):
    """Where pixels count."""
    rng = np.random.default_rng([height, width])
    rows = np.ones((height, width), bool)
    rows[height // 4 : height // 2] = False
    block = np.ones((height, width), bool)
    block[height // 3 :, width // 3 : 2 * width // 3] = False
    one = np.ones((height, width), bool)
    one[0, width // 2] = False
    return {
        "random": rng.random((height, width)) > 0.4,
        "rows": rows,
        "block": block,
        "one": one,
        "lonely": rng.random((height, width)) > 0.95,
        "none": np.zeros((height, width), bool),
    }


def extended(array, before_y, after_y, before_x, after_x, mode, cval):
    """The array with what is beyond its border."""
    constant = {"constant_values": cval} if mode == "constant" else {}
    return np.pad(array, ((before_y, after_y), (before_x, after_x)), mode=PADS[mode], **constant)


# ---------------------------------------------------------------- formulas


def gaussian(unit, valid, sigma, mode, cval):
    """(w * f·v) / (w * v); what does not count stays."""
    values = ndi.gaussian_filter(np.where(valid, unit, 0), sigma, mode=mode, cval=cval)
    weights = ndi.gaussian_filter(valid.astype(float), sigma, mode=mode, cval=1)
    return np.where(valid, values / np.where(valid, weights, 1), unit)


def median(picture, valid, footprint, mode, cval):
    """Rank ⌊n / 2⌋ of the n samples of the window that count."""
    height, width = footprint.shape
    reach = (height // 2, height - 1 - height // 2, width // 2, width - 1 - width // 2)
    values, counts = extended(picture, *reach, mode, cval), extended(valid, *reach, mode, True)
    result = picture.copy()
    for y, x in zip(*np.nonzero(valid)):
        window = np.s_[y : y + height, x : x + width]
        found = np.sort(values[window][counts[window] & footprint])
        result[y, x] = found[len(found) // 2]
    return result


# Rows and columns that an operator looks at, before and after the pixel.
FOOTPRINTS = {"sobel": (1, 1), "scharr": (1, 1), "prewitt": (1, 1), "roberts": (0, 1), "farid": (2, 2)}


def footprint(valid, operator, mode):
    """Where all that the operator looks at counts."""
    before, after = FOOTPRINTS[operator]
    counts = extended(valid, before, after, before, after, mode, True)
    result = np.ones_like(valid)
    for dy in range(before + after + 1):
        for dx in range(before + after + 1):
            result &= counts[dy : dy + valid.shape[0], dx : dx + valid.shape[1]]
    return result


def sobel(unit, operator, mode, cval):
    """scikit-image's response, at the border by the mode."""
    if operator == "roberts":
        p = extended(unit, 0, 1, 0, 1, mode, cval)
        return np.hypot(p[1:, 1:] - p[:-1, :-1], p[1:, :-1] - p[:-1, 1:]) / np.sqrt(2)
    return getattr(filters, operator)(unit, mode=mode, cval=cval) if operator != "farid" else farid(unit, mode, cval)


def farid(unit, mode, cval):
    smoothing = [0.0376593171958126, 0.249153396177344, 0.426374573253687, 0.249153396177344, 0.0376593171958126]
    derivative = [0.109603762960254, 0.276690988455557, 0, -0.276690988455557, -0.109603762960254]
    parts = [
        ndi.convolve(unit, np.outer(a, b), mode=mode, cval=cval)
        for a, b in [(derivative, smoothing), (smoothing, derivative)]
    ]
    return np.hypot(*parts) / np.sqrt(2)


def blob_cube(unit, valid, method, scales, ratio):
    """Responses of the picture whose other pixels hold the mean of what counts around the pixel of the response."""
    f, v = np.where(valid, unit, 0), valid.astype(float)
    smooth = lambda a, s: ndi.gaussian_filter(a, s, mode="reflect")
    mean = lambda s: np.where(smooth(v, s) > 1e-15, smooth(f, s) / np.maximum(smooth(v, s), 1e-15), 0)
    if method == "log":
        laplace = lambda a, s: -ndi.gaussian_laplace(a, s, mode="reflect") * s**2
        slices = [laplace(f, s) + mean(s) * laplace(1 - v, s) for s in scales]
    else:
        filled = lambda s, m: smooth(f, s) + m * smooth(1 - v, s)
        slices = []
        for fine, coarse in zip(scales, scales[1:]):
            m = mean(coarse)
            slices.append((filled(fine, m) - filled(coarse, m)) / (ratio - 1))
    return np.stack(slices, axis=-1)


def blobs(unit, valid, method, low, high, count, threshold, ratio=1.6, overlap=0.5):
    if method == "log":
        scales = np.linspace(low, high, count)
    else:
        scales = low * ratio ** np.arange(int(np.log(high / low) / np.log(ratio) + 1) + 1)
    cube = blob_cube(unit, valid, method, scales, ratio)
    peaks = feature.peak_local_max(
        cube, threshold_abs=threshold, exclude_border=False, footprint=np.ones((3, 3, 3))
    )
    found = np.array([[y, x, scales[k]] for y, x, k in peaks if valid[y, x]]).reshape(-1, 3)
    return _prune_blobs(found, overlap) if len(found) else found


# ---------------------------------------------------------------- cases


class NodataCases(Cases):
    """Cases, each with its filter and with what makes pixels invalid."""

    def invalid(self, picture, valid, how):
        """The picture, arguments and mask with which these pixels do not count."""
        if how == "mask":
            return picture, [], np.where(valid, 255, 0).astype(np.uint8)
        picture = picture.copy()
        number = np.nan if how == "nan" else -9999 if picture.dtype.kind == "f" else 0
        # No other sample has the number.
        if picture.dtype.kind == "u":
            picture[picture == 0] = 1
        picture[~valid] = number
        return picture, ["--nodata", "nan" if how == "nan" else number], None

    def take(self, filter_name, name, arguments, picture, expected, compare, mask):
        self.add(f"{filter_name}: {name}", arguments, picture, expected, compare, mask, filter=filter_name)


def kinds():
    """Sample types, and how they say what does not count."""
    return [("uint8", "nodata"), ("uint16", "nodata"), ("float32", "nodata"), ("float32", "nan"), ("uint8", "mask"),
            ("float32", "mask")]


def modes():
    return [(mode, 0.3 if mode == "constant" else 0) for mode in BOUNDARIES]


def make():
    cases = NodataCases()
    for index, (kind, how) in enumerate(kinds()):
        for number, (pattern, valid) in enumerate(patterns(15, 19).items()):
            mode, cval = modes()[(index + number) % len(BOUNDARIES)]
            name = f"{kind}, {how}, {pattern}, {mode}"
            picture, given, mask = cases.invalid(noise(15, 19, kind=kind, seed=index), valid, how)
            unit = unit_float(picture)
            border = boundary_arguments(mode, cval)
            for sigma in [1, 9]:
                with np.errstate(invalid="ignore"):
                    result = gaussian(unit, valid, sigma, mode, cval)
                arguments = ["--sigma", sigma, "--float", *border, *given]
                cases.take(
                    "gaussian", f"{name}, sigma {sigma}", arguments, picture, result.astype(np.float32), "float", mask)
            y, x = np.mgrid[-3:4, -3:4]
            windows = {"--radius 1": np.ones((3, 3), bool), "--radius 2": np.ones((5, 5), bool),
                       "--radius 5": np.ones((11, 11), bool), "--size 1x7": np.ones((1, 7), bool),
                       "--shape disk --radius 3": y * y + x * x <= 9}
            constant = cval if kind == "float32" else np.floor(cval * np.iinfo(kind).max + 0.5)
            for window, shape in windows.items():
                result = median(picture, valid, shape, mode, constant)
                cases.take(
                    "median", f"{name}, {window}", [*window.split(), *border, *given], picture, result, "exact", mask)
            for operator in ["sobel", "roberts", "farid"]:
                with np.errstate(invalid="ignore"):
                    response = sobel(unit, operator, mode, cval)
                if how == "mask":
                    counts, rest = ndi.binary_erosion(valid, np.ones((3, 3)), border_value=0), 0.0
                else:
                    counts, rest = footprint(valid, operator, mode), float(given[1]) / (255 if kind == "uint8" else 1)
                result = np.where(counts, response, rest).astype(np.float32)
                cases.take(
                    "sobel", f"{name}, {operator}", ["--operator", operator, "--float", *border, *given], picture,
                    result, "float", mask)
    for index, (kind, how) in enumerate([("uint8", "nodata"), ("float32", "nan"), ("uint8", "mask")]):
        for number, (pattern, valid) in enumerate(patterns(40, 45).items()):
            mode, cval = ("constant", 0) if number % 2 == 0 else modes()[(index + number) % len(BOUNDARIES)]
            picture, given, mask = cases.invalid(smooth(40, 45, kind=kind, seed=index), valid, how)
            image = np.where(valid, unit_float(picture), 0)
            result = feature.canny(image, 1.4, 0.05, 0.1, mask=valid, mode=mode, cval=cval)
            arguments = ["--sigma", 1.4, "--low", 0.05, "--high", 0.1, *boundary_arguments(mode, cval), *given]
            cases.take(
                "edge", f"{kind}, {how}, {pattern}, {mode}", arguments, picture, np.where(result, 255, 0).astype(np.uint8),
                "edge", mask)
    spots = [(12, 14, 2.5, 0.7), (30, 40, 4, 0.6), (15, 45, 3, 0.75), (40, 12, 2, 0.5), (44, 60, 3, 0.6)]
    for index, (kind, how) in enumerate([("uint8", "nodata"), ("float32", "nan"), ("uint8", "mask")]):
        for pattern, valid in patterns(56, 70).items():
            if pattern == "lonely":
                continue
            picture, given, mask = cases.invalid(blobs_picture(56, 70, spots, kind, seed=index, grain=0.004), valid, how)
            for method, threshold in [("log", 0.15), ("dog", 0.1)]:
                unit = unit_float(picture)
                found = blobs(unit, valid, method, 1.5, 6, 7, threshold)
                arguments = ["--method", method, "--min-sigma", 1.5, "--max-sigma", 6, "--threshold", threshold, *given]
                arguments += ["--num-sigma", 7] if method == "log" else []
                cases.take(
                    "blob-detect", f"{kind}, {how}, {pattern}, {method}", arguments, picture,
                    {"blobs": found.tolist()}, "blobs", mask)
    cases.write("nodata")


if __name__ == "__main__":
    make()
