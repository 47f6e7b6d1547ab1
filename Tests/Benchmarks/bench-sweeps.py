#!/usr/bin/env python3
"""Times a sweep beside what one would write without --vary: a shell loop, and loops in Python with the shared parts done by hand.

    bench-sweeps.py PROGRAM [--runs N] [--side PIXELS]

Pictures are gray PNGs of 8 bits, results are PNGs, all in memory; 2 workers everywhere. OpenCV's and scikit-image's loops decode once and smooth once for
each sigma; scikit-image's canny cannot be cut further, OpenCV's takes the gradients, which are made once. They write through OpenCV, at its
fastest compression. Programs take turns; medians are printed, and each as a multiple of one run of imbrex with one combination.
Peers that this Python does not have are skipped.
"""
import argparse
import importlib.util
import os
import pathlib
import shlex
import statistics
import subprocess
import sys
import tempfile
import time

LOWS, HIGHS = ["0.05", "0.1", "0.15", "0.2"], ["0.2", "0.25", "0.3", "0.35"]

OPENCV = """
import cv2
cv2.setNumThreads(2)
picture = cv2.imread('in.png', cv2.IMREAD_GRAYSCALE)
smooth = cv2.GaussianBlur(picture, (0, 0), 1.4)
dx, dy = cv2.Sobel(smooth, cv2.CV_16S, 1, 0), cv2.Sobel(smooth, cv2.CV_16S, 0, 1)
for low in {lows}:
    for high in {highs}:
        edges = cv2.Canny(dx, dy, low * 255, high * 255, L2gradient=True)
        cv2.imwrite(f'opencv-{{low}}-{{high}}.png', edges, [cv2.IMWRITE_PNG_COMPRESSION, 1])
"""

SKIMAGE = """
import cv2
from concurrent.futures import ThreadPoolExecutor
from skimage.feature import canny
picture = cv2.imread('in.png', cv2.IMREAD_GRAYSCALE) / 255
def make(pair):
    edges = canny(picture, 1.4, *pair).astype('u1') * 255
    cv2.imwrite(f'skimage-{{pair[0]}}-{{pair[1]}}.png', edges, [cv2.IMWRITE_PNG_COMPRESSION, 1])
with ThreadPoolExecutor(2) as pool:
    list(pool.map(make, [(low, high) for low in {lows} for high in {highs}]))
"""


def seconds(command):
    start = time.perf_counter()
    if subprocess.run(command, shell=True).returncode != 0:
        sys.exit(f"{command} failed")
    return time.perf_counter() - start


def measure(commands, runs):
    """Median seconds by name, taking turns; a first round is not counted. What takes long is run less often."""
    times = {name: [] for name in commands}
    for number in range(runs + 1):
        for name, command in commands.items():
            if number > 2 and statistics.median(times[name]) > 10:
                continue
            taken = seconds(command)
            if number > 0:
                times[name].append(taken)
    return {name: statistics.median(found) for name, found in times.items()}


def show(title, found):
    one = next(iter(found.values()))
    print(f"\n{title}\n\n| | seconds | of one run |\n| --- | ---: | ---: |")
    for name, taken in found.items():
        print(f"| {name} | {taken:.3f} | {taken / one:.1f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--side", type=int, default=4096)
    parser.add_argument("--picture", help="a picture to take instead of a synthetic one")
    options = parser.parse_args()
    program = shlex.quote(os.path.abspath(options.program))
    picture = options.picture and os.path.abspath(options.picture)
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        os.chdir(folder)
        if picture:
            subprocess.run(f"{program} gaussian --sigma 0 --bit-depth 8 {shlex.quote(picture)} -o in.png -q", shell=True, check=True)
        else:
            # Discs of all sizes and grays, with noise.
            import random
            random.seed(1)
            side = options.side
            rows = [bytearray(side) for _ in range(side)]
            for _ in range(side // 4):
                y, x, radius, gray = random.randrange(side), random.randrange(side), random.randrange(4, side // 12 + 5), random.randrange(256)
                for row in range(max(y - radius, 0), min(y + radius, side)):
                    reach = int((radius * radius - (row - y) ** 2) ** 0.5)
                    left, right = max(x - reach, 0), min(x + reach, side)
                    rows[row][left:right] = bytes([gray]) * (right - left)
            pathlib.Path("in.pgm").write_bytes(f"P5 {side} {side} 255\n".encode() + b"".join(rows))
            subprocess.run(f"{program} gaussian --sigma 1 in.pgm -o in.png", shell=True, check=True)
        vary = f"--vary l={','.join(LOWS)} --vary h={','.join(HIGHS)}"
        loop = "; ".join(f"{program} edge --sigma 1.4 --low {l} --high {h} in.png -o loop-{l}-{h}.png -j2" for l in LOWS for h in HIGHS)
        pairs = dict(lows=[float(l) for l in LOWS], highs=[float(h) for h in HIGHS])
        python = shlex.quote(sys.executable)
        commands = {
            "imbrex, one pair": f"{program} edge --sigma 1.4 --low 0.1 --high 0.2 in.png -o one.png -j2",
            "imbrex --vary, 16 pairs": f"{program} edge --sigma 1.4 --low '{{l}}' --high '{{h}}' {vary} in.png -o 'vary-{{l}}-{{h}}.png' -j2 -q",
            "a loop of imbrex": loop,
        }
        if importlib.util.find_spec("cv2"):
            pathlib.Path("cv.py").write_text(OPENCV.format(**pairs))
            commands["OpenCV, gradients once"] = f"{python} cv.py"
            if importlib.util.find_spec("skimage"):
                pathlib.Path("ski.py").write_text(SKIMAGE.format(**pairs))
                commands["scikit-image, decoded once"] = f"{python} ski.py"
        show("edge, 4 low × 4 high thresholds, written", measure(commands, options.runs))
        for l in LOWS:
            for h in HIGHS:
                if pathlib.Path(f"vary-{l}-{h}.png").read_bytes() != pathlib.Path(f"loop-{l}-{h}.png").read_bytes():
                    sys.exit(f"{l}, {h}: not what the loop makes")

        sigmas = "1,1.5,2,3,4"
        chain = "gaussian --sigma '{s}' then sobel then median --radius '{r}'"
        every = [(s, r) for s in sigmas.split(",") for r in "12"]
        show("gaussian of 5 sigmas then sobel then median of 2 radii, written", measure({
            "imbrex, one combination": f"{program} gaussian --sigma 2 then sobel then median --radius 1 in.png -o one.png -j2",
            "imbrex --vary, 10 combinations": f"{program} {chain} --vary s={sigmas} --vary r=1,2 in.png -o 'c-{{s}}-{{r}}.png' -j2 -q",
            "a loop of imbrex": "; ".join(f"{program} gaussian --sigma {s} then sobel then median --radius {r} in.png -o l-{s}-{r}.png -j2" for s, r in every),
        }, options.runs))

        # No pictures written: what the thresholds themselves cost.
        subprocess.run(f"{program} edge --sigma 1.4 --low 0.1 --high 0.3 in.png -o truth.png", shell=True, check=True)
        subprocess.run(f"{program} gaussian --sigma 0 --region 1024x1024+0+0 in.png -o small.png", shell=True, check=True)
        subprocess.run(f"{program} edge --sigma 1.4 --low 0.1 --high 0.3 small.png -o small-truth.png", shell=True, check=True)
        scored = f"{program} edge --sigma 1.4 --low '{{l}}' --high '{{h}}' small.png --truth small-truth.png --tolerance 0 -j2 -q"
        show("edge on 1024 × 1024, scored against a truth", measure({
            "one pair": f"{program} edge --sigma 1.4 --low 0.1 --high 0.2 small.png --truth small-truth.png --tolerance 0 -j2 > one.txt",
            "100 pairs": f"{scored} --vary l=0.02:0.2:0.02 --vary h=0.2:0.38:0.02 > all.txt",
            "1000 pairs": f"{scored} --vary l=0.01:0.2:0.01 --vary h=0.2:0.69:0.01 > all.txt",
        }, options.runs))


if __name__ == "__main__":
    main()
