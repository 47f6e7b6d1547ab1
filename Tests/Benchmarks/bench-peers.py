#!/usr/bin/env python3
"""Times imbrex beside libvips, ImageMagick, GraphicsMagick, OpenCV and scikit-image, as a user of each would call it.

    bench-peers.py PROGRAM [--runs N] [--size PIXELS]

Peers that are not installed are skipped: `vips`, `convert`, `gm` on the path; `skimage` in this Python (`cv2` and `numpy` are needed
to make the pictures). Commands take
turns, so that a slow moment of the machine does not fall on one of them alone; medians are printed, and the ratio of each
peer's time to imbrex's. The picture is a photograph (scikit-image's astronaut, enlarged) with noise, in memory-backed
temporary files. Peak memory is of the whole process.
"""
import argparse
import importlib.util
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

OPENCV = """
import sys, cv2
cv2.setNumThreads({threads})
image = cv2.imread(sys.argv[1], cv2.IMREAD_UNCHANGED)
def gray(x): return x if x.ndim == 2 else cv2.cvtColor(x, cv2.COLOR_BGR2GRAY)
{work}
cv2.imwrite(sys.argv[2], image)
"""

OPENCV_WORK = {
    "gaussian": "image = cv2.GaussianBlur(image, (17, 17), 2, borderType=cv2.BORDER_REPLICATE)",
    "sobel": "g = gray(image); x = cv2.Sobel(g, cv2.CV_32F, 1, 0); y = cv2.Sobel(g, cv2.CV_32F, 0, 1)\n"
    "image = cv2.convertScaleAbs(cv2.magnitude(x, y), alpha=0.25 / 2 ** 0.5)",
    "median": "image = cv2.medianBlur(image, 5)",
    "edge": "image = cv2.Canny(cv2.GaussianBlur(gray(image), (0, 0), 1.4), 60, 120)",
}

OPENCV_MANY = """
import sys, os, cv2
cv2.setNumThreads({threads})
for name in sorted(os.listdir(sys.argv[1])):
    image = cv2.imread(os.path.join(sys.argv[1], name), cv2.IMREAD_UNCHANGED)
    image = cv2.GaussianBlur(image, (17, 17), 2, borderType=cv2.BORDER_REPLICATE)
    cv2.imwrite(os.path.join(sys.argv[2], name), image)
"""

SKIMAGE = """
import sys, numpy as np
from skimage import io, filters, feature, color, util
import scipy.ndimage as ndi
image = io.imread(sys.argv[1])
def gray(x): return x if x.ndim == 2 else color.rgb2gray(x)
axis = None if image.ndim == 2 else -1
{work}
io.imsave(sys.argv[2], image, check_contrast=False)
"""

SKIMAGE_WORK = {
    "gaussian": "image = np.round(filters.gaussian(image, 2, channel_axis=axis) * 255).astype('uint8')",
    "sobel": "image = np.round(filters.sobel(gray(image)) * 255).astype('uint8')",
    "median": "image = ndi.median_filter(image, size=5 if axis is None else (5, 5, 1))",
    "edge": "image = util.img_as_ubyte(feature.canny(gray(image), 1.4))",
}


def run(command):
    """Seconds and peak KiB of one run."""
    start = time.monotonic()
    child = os.posix_spawnp(command[0], command, os.environ)
    _, status, usage = os.wait4(child, 0)
    seconds = time.monotonic() - start
    if status != 0:
        sys.exit(f"failed: {' '.join(command)}")
    return seconds, usage.ru_maxrss


# Makes the pictures, in a process of its own: a child's peak memory counts what its parent held when it was started.
PICTURES = """
import sys, cv2, numpy as np
folder, size = sys.argv[1], int(sys.argv[2])
try:
    from skimage import data
    small = data.astronaut()
except ImportError:
    y, x = np.mgrid[0:512, 0:512]
    small = np.stack([x // 2, y // 2, (x * y) % 256], -1).astype(np.uint8)
noise = np.random.default_rng(1).normal(0, 4, (size, size, 3))
large = cv2.resize(small, (size, size), interpolation=cv2.INTER_CUBIC) + noise
picture = np.clip(large + 0.5, 0, 255).astype(np.uint8)
gray = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
cv2.imwrite(folder + "/rgb.png", picture[..., ::-1])
cv2.imwrite(folder + "/rgb.jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])
cv2.imwrite(folder + "/gray.png", gray)
cv2.imwrite(folder + "/gray.tif", gray, [cv2.IMWRITE_TIFF_COMPRESSION, 1])
deep = gray.astype(np.float32) * 257 + np.random.default_rng(2).normal(0, 200, gray.shape)
cv2.imwrite(folder + "/gray16.png", np.clip(deep, 0, 65535).astype(np.uint16))
try:
    import tifffile
    tifffile.imwrite(folder + "/tiled.tif", gray, tile=(256, 256), compression="zlib", predictor=True)
except ImportError:
    pass
import os
os.mkdir(folder + "/many")
for i in range(200):
    y, x = (37 * i) % (size - 256), (91 * i) % (size - 256)
    cv2.imwrite(folder + f"/many/{i:03d}.png", picture[y : y + 256, x : x + 256, ::-1])
if len(sys.argv) > 3:
    cv2.imwrite(folder + "/big.tif", np.tile(gray, (5, 5))[:20000, :20000], [cv2.IMWRITE_TIFF_COMPRESSION, 1])
"""


def jobs(program, python, folder, threads):
    """(name, {who: command}) of every comparison."""
    inputs = {
        "gray": "gray.png",
        "RGB": "rgb.png",
        "16-bit": "gray16.png",
        "RGB JPEG": "rgb.jpg",
        "gray TIFF": "gray.tif",
        "tiled deflate TIFF": "tiled.tif",
        "20000×20000 TIFF": "big.tif",
    }
    filters = {
        "gaussian": ["--sigma", "2"],
        "sobel": [],
        "median": ["--radius", "2"],
        "edge": ["--sigma", "1.4"],
    }
    for filter_name, options in filters.items():
        for kind, name in inputs.items():
            if filter_name != "gaussian" and kind not in ("gray", "RGB"):
                continue
            source = str(folder / name)
            if not os.path.exists(source):
                continue
            suffix = pathlib.Path(name).suffix

            def target(who):
                return str(folder / f"out-{who}{suffix}")

            commands = {"imbrex": [program, filter_name, *options, source, "-o", target("imbrex")]}
            if shutil.which("vips"):
                if filter_name == "gaussian":
                    same = {".jpg": "[Q=90]"}.get(suffix, "")
                    if name == "tiled.tif":
                        same = "[compression=deflate,tile,tile-width=256,tile-height=256,predictor=horizontal]"
                    commands["vips"] = ["vips", "gaussblur", source, target("vips") + same, "2"]
                elif filter_name == "sobel":
                    commands["vips"] = ["vips", "sobel", source, target("vips")]
            if filter_name == "gaussian":
                if shutil.which("convert") and shutil.which("identify"):
                    commands["ImageMagick"] = ["convert", source, "-gaussian-blur", "8x2", target("magick")]
                if shutil.which("gm"):
                    commands["GraphicsMagick"] = ["gm", "convert", source, "-gaussian", "8x2", target("gm")]
            commands["OpenCV"] = [
                python, "-c", OPENCV.format(threads=threads, work=OPENCV_WORK[filter_name]), source, target("opencv")]
            if importlib.util.find_spec("skimage"):
                commands["scikit-image"] = [
                    python, "-c", SKIMAGE.format(work=SKIMAGE_WORK[filter_name]), source, target("skimage")]
            if kind == "20000×20000 TIFF":  # Others hold it whole, or take minutes.
                commands = {who: command for who, command in commands.items() if who in ("imbrex", "vips")}
            yield f"{filter_name}, {kind}", commands
    many, one = str(folder / "many"), str(folder / "many/000.png")
    commands = {"imbrex": [program, "gaussian", "-q", "--sigma", "2", many, "-o", str(folder / "out-imbrex") + "/"]}
    os.makedirs(folder / "out-opencv", exist_ok=True)
    os.makedirs(folder / "out-vips", exist_ok=True)
    commands["OpenCV"] = [python, "-c", OPENCV_MANY.format(threads=threads), many, str(folder / "out-opencv")]
    if shutil.which("vips"):
        loop = 'for f in "$0"/*.png; do vips gaussblur "$f" "$1/${f##*/}" 2; done'
        commands["vips loop"] = ["sh", "-c", loop, many, str(folder / "out-vips")]
    yield "200 pictures of 256×256", commands
    commands = {"imbrex": [program, "gaussian", "--sigma", "2", one, "-o", str(folder / "out-one.png")]}
    if shutil.which("vips"):
        commands["vips"] = ["vips", "gaussblur", one, str(folder / "out-one-vips.png"), "2"]
    yield "one picture of 256×256", commands
    tiff = str(folder / "gray.tif")
    steps = ["median", "gaussian --sigma 1", "sobel"]
    pipe = '"$0" median "$1" --format pam | "$0" gaussian --sigma 1 --format pam | "$0" sobel --format tiff -o "$2"'
    yield "chain of median, gaussian and sobel, gray TIFF", {
        "imbrex": [program, *" then ".join(steps).split(), tiff, "-o", str(folder / "out-chain.tif")],
        "in a pipe": ["sh", "-c", pipe, program, tiff, str(folder / "out-pipe.tif")],
    }
    if (folder / "tiled.tif").exists():
        corner = str(folder / "out-corner.tif")
        subprocess.run([program, "gaussian", "--sigma", "0", "--region", "256x256+1024+1024", str(folder / "tiled.tif"),
                        "-o", corner], check=True)
        region = ["--region", "256x256+1500+1500", str(folder / "tiled.tif")]
        yield "region of 256×256", {
            "imbrex": [program, "gaussian", "--sigma", "2", *region, "-o", str(folder / "out-region.tif")],
            "a file of it": [program, "gaussian", "--sigma", "2", corner, "-o", str(folder / "out-file.tif")],
        }
    if shutil.which("pnmtopng"):
        for kind in ("gray", "RGB"):
            source, out = str(folder / inputs[kind]), str(folder / "out-small.png")
            filtered = [program, "gaussian", "--sigma", "2", source]
            yield f"small gaussian, {kind}", {
                "imbrex": [*filtered, "--compression", "small", "-o", out],
                "libpng": ["sh", "-c", 'for last; do :; done; "$0" gaussian --sigma 2 "$4" --format pnm | pnmtopng > "$last"', *filtered, out + ".png"],
            }


def drop_caches(folder):
    """Writes the files in a folder to disk and lets go of their pages."""
    for path in folder.rglob("*"):
        if path.is_file():
            with open(path, "rb") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def input_size(command, folder):
    """Bytes of the pictures that a command names, its output left out."""
    named = {word for word in command[1:-1] if word.startswith(str(folder)) and "out" not in pathlib.Path(word).name}
    files = [file for word in named for file in ([pathlib.Path(word)] if os.path.isfile(word) else pathlib.Path(word).rglob("*"))]
    return sum(file.stat().st_size for file in files if file.is_file())


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("program")
    arguments.add_argument("--runs", type=int, default=5)
    arguments.add_argument("--size", type=int, default=4096)
    arguments.add_argument("--only", default="", help="jobs whose name has this in it")
    arguments.add_argument("--skip", action="append", default=[], help="a tool to leave out")
    arguments.add_argument("--cold", action="store_true", help="files on disk, whose pages are dropped before each run")
    arguments.add_argument("--big", action="store_true", help="also a 20000×20000 TIFF, of 400 MB")
    arguments = arguments.parse_args()
    program = str(pathlib.Path(arguments.program).resolve())
    threads = len(os.sched_getaffinity(0))
    # In memory where there is such a place, so that the disk is not what is measured.
    memory = "/dev/shm"
    in_memory = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2 << 30
    folder = pathlib.Path(tempfile.mkdtemp(dir=memory if in_memory and not arguments.cold else None))
    try:
        subprocess.run([sys.executable, "-c", PICTURES, str(folder), str(arguments.size), *["big"] * arguments.big], check=True)
        where = "from disk, caches dropped" if arguments.cold else "files in memory"
        print(f"{arguments.size}×{arguments.size}, {threads} cores, {platform.machine()}, {where}, {arguments.runs} runs, medians\n")
        print("| job | tool | seconds | spread | × imbrex | peak MiB | input KiB | output KiB |")
        print("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |")
        for name, commands in jobs(program, sys.executable, folder, threads):
            if arguments.only not in name:
                continue
            commands = {who: command for who, command in commands.items() if who not in arguments.skip}
            samples = {who: [] for who in commands}
            for round_number in range(arguments.runs + 1):
                for who, command in commands.items():
                    # Slow peers are not made to run more often than it takes to see that they are slow.
                    if round_number > 2 and statistics.median(s for s, _ in samples[who]) > 5:
                        continue
                    if arguments.cold:
                        drop_caches(folder)
                    sample = run(command)
                    if round_number > 0:
                        samples[who].append(sample)
            base = statistics.median(s for s, _ in samples["imbrex"])
            for who, command in commands.items():
                seconds = statistics.median(s for s, _ in samples[who])
                memory = max(m for _, m in samples[who]) / 1024
                written = pathlib.Path(command[3].split("[")[0] if command[0] == "vips" else command[-1])
                parts = written.iterdir() if written.is_dir() else [written]
                size = sum(part.stat().st_size for part in parts) / 1024
                times = [s for s, _ in samples[who]]
                spread = (max(times) - min(times)) / seconds
                print(f"| {name} | {who} | {seconds:.3f} | {spread:.0%} | {seconds / base:.2f} | {memory:.0f} | "
                      f"{input_size(command, folder) / 1024:.0f} | {size:.0f} |", flush=True)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
