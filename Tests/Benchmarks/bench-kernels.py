#!/usr/bin/env python3
"""Times imbrex's filters in memory beside OpenCV's and scikit-image's, with as many threads each.

    bench-kernels.py PROGRAM [--runs N] [--only TEXT] [--jobs N] [--size PIXELS]

imbrex's times are those of `imbrex bench` with that many workers; the others run in this process on the same picture, decoded.
Turns are taken, imbrex and peer, so that a slow moment of the machine does not fall on one of them alone; medians are printed,
and the ratio of the peer's time to imbrex's. The spread is that of imbrex's turns, greatest less least, over the median; MB moved are
the samples read and written, and "of copy" is the share of the rate at which as many workers copy memory. The picture is a photograph (scikit-image's astronaut, enlarged) with noise.
"""
import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

import cv2
import numpy as np
import tifffile


def pictures(folder, size):
    try:
        from skimage import data
        small = data.astronaut()
    except ImportError:
        y, x = np.mgrid[0:512, 0:512]
        small = np.stack([x // 2, y // 2, (x * y) % 256], -1).astype(np.uint8)
    noise = np.random.default_rng(1).normal(0, 4, (size, size, 3))
    large = cv2.resize(small, (size, size), interpolation=cv2.INTER_CUBIC) + noise
    rgb = np.clip(large + 0.5, 0, 255).astype(np.uint8)
    gray = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    deep = gray.astype(np.float32) * 257 + np.random.default_rng(2).normal(0, 200, gray.shape)
    made = {
        "8-bit gray": gray,
        "8-bit RGB": rgb,
        "16-bit gray": np.clip(deep, 0, 65535).astype(np.uint16),
        "float gray": (deep / 65535).astype(np.float32),
        "1 megapixel": gray[:1024, :1024].copy(),
    }
    paths = {}
    for name, picture in made.items():
        paths[name] = str(folder / f"{name.replace(' ', '-')}.tif")
        tifffile.imwrite(paths[name], picture, photometric="rgb" if picture.ndim == 3 else "minisblack")
    return made, paths


def gaussian_cv(sigma):
    size = 2 * int(4 * sigma + 0.5) + 1
    return lambda p: cv2.GaussianBlur(p, (size, size), sigma, borderType=cv2.BORDER_REPLICATE)


def sobel_cv(p):
    x, y = cv2.Sobel(p, cv2.CV_32F, 1, 0), cv2.Sobel(p, cv2.CV_32F, 0, 1)
    return cv2.convertScaleAbs(cv2.magnitude(x, y), alpha=0.25 / 2 ** 0.5)


def edge_cv(p):
    return cv2.Canny(cv2.GaussianBlur(p, (0, 0), 1.4), 60, 120)


def scipy_median(size):
    import scipy.ndimage as ndi
    return lambda p: ndi.median_filter(p, size=size, mode="nearest")


def disk_median(radius):
    from skimage.filters import rank
    from skimage.morphology import disk
    return lambda p: rank.median(p, disk(radius))


def blobs(method):
    from skimage import feature

    def find(p):
        options = {} if method == "dog" else {"num_sigma": 10}
        return getattr(feature, "blob_" + method)(p.astype(np.float32) / 255, max_sigma=30, **options)
    return find


# (name, picture, imbrex's arguments, peer, its function, the ratio that is aimed at)
JOBS = [
    ("gaussian σ 1", "8-bit gray", ["gaussian", "--sigma", "1"], "OpenCV", gaussian_cv(1), 2),
    ("gaussian σ 2", "8-bit gray", ["gaussian", "--sigma", "2"], "OpenCV", gaussian_cv(2), 2),
    ("gaussian σ 1", "8-bit RGB", ["gaussian", "--sigma", "1"], "OpenCV", gaussian_cv(1), 2),
    ("gaussian σ 2", "8-bit RGB", ["gaussian", "--sigma", "2"], "OpenCV", gaussian_cv(2), 2),
    ("gaussian σ 10", "8-bit gray", ["gaussian", "--sigma", "10"], "OpenCV", gaussian_cv(10), 2.5),
    ("gaussian σ 2", "16-bit gray", ["gaussian", "--sigma", "2"], "OpenCV", gaussian_cv(2), 1.3),
    ("gaussian σ 2", "float gray", ["gaussian", "--sigma", "2"], "OpenCV", gaussian_cv(2), 1.3),
    ("gaussian σ 50", "8-bit gray", ["gaussian", "--sigma", "50"], "OpenCV", gaussian_cv(50), 8),
    ("gaussian σ 50", "float gray", ["gaussian", "--sigma", "50"], "OpenCV", gaussian_cv(50), 3),
    ("sobel", "8-bit gray", ["sobel"], "OpenCV", sobel_cv, 4),
    ("median r 1", "8-bit gray", ["median"], "OpenCV", lambda p: cv2.medianBlur(p, 3), 0.9),
    ("median r 2", "8-bit gray", ["median", "--radius", "2"], "OpenCV", lambda p: cv2.medianBlur(p, 5), 1.8),
    ("median r 2", "16-bit gray", ["median", "--radius", "2"], "OpenCV", lambda p: cv2.medianBlur(p, 5), 1.8),
    ("median r 4", "8-bit gray", ["median", "--radius", "4"], "OpenCV", lambda p: cv2.medianBlur(p, 9), 5),
    ("median r 15", "8-bit gray", ["median", "--radius", "15"], "OpenCV", lambda p: cv2.medianBlur(p, 31), 4),
    ("median r 5", "1 megapixel 16-bit", ["median", "--radius", "5"], "scipy", ("median", 11), 30),
    ("median r 15", "1 megapixel 16-bit", ["median", "--radius", "15"], "scipy", ("median", 31), 30),
    ("median r 5", "1 megapixel float", ["median", "--radius", "5"], "scipy", ("median", 11), 30),
    ("median r 15", "1 megapixel float", ["median", "--radius", "15"], "scipy", ("median", 31), 30),
    ("median disk r 5", "1 megapixel", ["median", "--shape", "disk", "--radius", "5"], "scikit-image", ("disk", 5), 20),
    ("median disk r 15", "1 megapixel", ["median", "--shape", "disk", "--radius", "15"], "scikit-image", ("disk", 15), 20),
    ("edge σ 1.4", "8-bit gray", ["edge", "--sigma", "1.4"], "OpenCV", edge_cv, 1.6),
    ("blob-detect log", "1 megapixel", ["blob-detect", "--max-sigma", "30"], "scikit-image", ("blobs", "log"), 40),
    ("blob-detect dog", "1 megapixel", ["blob-detect", "--method", "dog", "--max-sigma", "30"], "scikit-image", ("blobs", "dog"), 40),
    ("blob-detect doh", "1 megapixel", ["blob-detect", "--method", "doh", "--max-sigma", "30"], "scikit-image", ("blobs", "doh"), 20),
]
LATE = {"median": scipy_median, "disk": disk_median, "blobs": blobs}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--size", type=int, default=4096)
    parser.add_argument("--only", default="", help="jobs whose name has this in it")
    arguments = parser.parse_args()
    cv2.setNumThreads(arguments.jobs)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        made, paths = pictures(folder, arguments.size)
        for kind in ("16-bit", "float"):
            key = f"1 megapixel {kind}"
            made[key] = made[f"{kind} gray"][:1024, :1024].copy()
            paths[key] = str(folder / f"small-{kind}.tif")
            tifffile.imwrite(paths[key], made[key], photometric="minisblack")
        print(f"{arguments.size}×{arguments.size}, {arguments.jobs} threads each, {platform.machine()}, "
              f"{arguments.runs} turns, medians, OpenCV {cv2.__version__}\n")
        print("| job | picture | imbrex ms | spread | peer | ms | ratio | aim | two workers against one | MB moved | of copy |")
        print("| --- | --- | ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |")
        for job, kind, options, peer, function, aim in JOBS:
            if arguments.only not in f"{job} {kind}":
                continue
            if isinstance(function, tuple):
                try:
                    function = LATE[function[0]](function[1])
                except ImportError:
                    continue
            picture = made[kind]
            ours, theirs, speedups, shares = [], [], [], []
            for turn in range(arguments.runs + 1):
                slow = turn > 1 and theirs and theirs[-1] > 4
                output = subprocess.run(
                    [arguments.program, "bench", *options, "--jobs", f"1,{arguments.jobs}", "--runs", "3", "--warmup", "1", "--json",
                     paths[kind]], capture_output=True, check=True).stdout
                runs = json.loads(output)["runs"]
                if not slow:
                    start = time.perf_counter()
                    function(picture)
                    elapsed = time.perf_counter() - start
                if turn == 0 and elapsed < 4:
                    continue  # Warm-up.
                ours.append(runs[-1]["seconds"]["median"])
                shares.append(runs[-1]["share_of_copy"])
                speedups.append(runs[1]["seconds"]["median"] / runs[-1]["seconds"]["median"])
                if not slow:
                    theirs.append(elapsed)
            mine, other = statistics.median(ours), statistics.median(theirs)
            spread = (max(ours) - min(ours)) / mine
            print(f"| {job} | {kind} | {mine * 1e3:.1f} | {spread:.0%} | {peer} | {other * 1e3:.1f} | {other / mine:.2f} | {aim} | "
                  f"{statistics.median(speedups):.2f} | {runs[-1]['bytes'] / 1e6:.1f} | {statistics.median(shares):.2f} |",
                  flush=True)


if __name__ == "__main__":
    main()
