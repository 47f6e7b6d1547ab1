#!/usr/bin/env python3
"""Times `imbrex apply`: an identity command beside cat, and a Python function beside dask's map_overlap and scikit-image's apply_parallel.

    bench-apply.py PROGRAM [--runs N] [--side PIXELS]

The identity command is `cat` with --keep. What it has to reach is `cat FILE | cat | cat > /dev/null`: the same bytes through the same number
of pipes. The Python function is scipy's Gaussian of sigma 2, on a 16-bit picture in a TIFF (an uncompressed NumPy file for
peers, which is the least that they could read), with 2 workers. Programs take turns, so that a slow moment of the machine does not fall
on one of them alone; medians are printed. Peak memory is of all processes of a program together, looked at fifty times a second.
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
import threading
import time

FUNCTION = """
from scipy import ndimage
def function(tile):
    return ndimage.gaussian_filter(tile, 2, mode='nearest')
"""

KEPT = FUNCTION + """
import sys
from types import SimpleNamespace
from numpy.lib import format
pipe = SimpleNamespace(read=sys.stdin.buffer.read, write=sys.stdout.buffer.write)
while sys.stdin.buffer.peek(1):
    format.write_array(pipe, function(format.read_array(pipe)))
    sys.stdout.buffer.flush()
"""

DASK = FUNCTION + """
import sys, numpy, dask, dask.array
if __name__ == '__main__':
    image = numpy.load(sys.argv[1])
    image = dask.array.from_array(image, chunks=({chunk}, {chunk}))
    made = image.map_overlap(function, depth=8, boundary='nearest', dtype=image.dtype)
    numpy.save(sys.argv[2], made.compute(scheduler='{scheduler}', num_workers=2))
"""

SKIMAGE = FUNCTION + """
import sys, numpy
from skimage.util import apply_parallel
image = numpy.load(sys.argv[1])
made = apply_parallel(function, image, chunks=({chunk}, {chunk}), depth=8, mode='nearest', dtype=image.dtype, compute=True)
numpy.save(sys.argv[2], made)
"""


def group_memory(group):
    """Bytes of all processes of a session, shared pages counted by their share."""
    total = 0
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            # Behind the name, which may hold anything: state, parent, group, session.
            if int(pathlib.Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()[3]) != group:
                continue
            for line in pathlib.Path(f"/proc/{entry}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) << 10
        except OSError:
            continue
    return total


def run(command, watches=False):
    """Seconds, and peak memory in bytes."""
    start = time.perf_counter()
    process = subprocess.Popen(command, shell=True, start_new_session=True)
    peak, done = [0], threading.Event()

    def watch():
        while not done.wait(0.02):
            peak[0] = max(peak[0], group_memory(process.pid))

    watcher = threading.Thread(target=watch)
    if watches:
        watcher.start()
    status = process.wait()
    seconds = time.perf_counter() - start
    done.set()
    if watches:
        watcher.join()
    if status != 0:
        sys.exit(f"{command} failed")
    return seconds, peak[0]


def measure(commands, runs):
    """By name: median seconds, median peak memory, taking turns; times and memory in runs of their own."""
    times, peaks = {name: [] for name in commands}, {name: [] for name in commands}
    for number in range(runs + 1):
        for name, command in commands.items():
            seconds, _ = run(command)
            if number > 0:
                times[name].append(seconds)
    for name, command in commands.items():
        peaks[name] = [run(command, watches=True)[1] for _ in range(3)]
    return {name: (statistics.median(times[name]), statistics.median(peaks[name])) for name in commands}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--side", type=int, default=4096)
    options = parser.parse_args()
    options.program = os.path.abspath(options.program)
    program, side = shlex.quote(options.program), options.side
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        os.chdir(folder)
        with open("rgb.ppm", "wb") as file:
            file.write(f"P6\n{side} {side}\n255\n".encode())
            for _ in range(side):
                file.write(os.urandom(side * 3))
        found = measure({
            "cat": "cat rgb.ppm | cat | cat > /dev/null",
            "apply": f"{program} apply --keep --command cat rgb.ppm --format pam -o - > /dev/null",
        }, options.runs * 3)
        bytes_ = os.path.getsize("rgb.ppm")
        print(f"identity, {side} × {side} RGB\n")
        print("| | MB/s | of cat | peak MB |\n| --- | ---: | ---: | ---: |")
        for name, (seconds, peak) in found.items():
            print(f"| {name} | {bytes_ / seconds / 1e6:.0f} | {found['cat'][0] / seconds:.2f} | {peak / 1e6:.0f} |")
        if not all(importlib.util.find_spec(name) for name in ("numpy", "scipy")):
            return
        import numpy
        picture = (numpy.add.outer(numpy.arange(side), numpy.arange(side)) * 7 % 30000
                   + numpy.random.default_rng(1).integers(0, 9000, (side, side))).astype("u2")
        numpy.save("in.npy", picture)
        with open("in.pgm", "wb") as file:
            file.write(f"P5\n{side} {side}\n65535\n".encode() + picture.astype(">u2").tobytes())
        del picture
        subprocess.run([options.program, "gaussian", "--sigma", "0", "in.pgm", "-o", "in.tif"], check=True)
        python = shlex.quote(sys.executable)
        pathlib.Path("kept.py").write_text(KEPT)
        commands = {"imbrex apply --keep": f"{program} apply -j2 --halo 8 --keep --frames npy --command '{python} kept.py' in.tif -o out.tif"}
        if importlib.util.find_spec("dask"):
            for scheduler in ("threads", "processes"):
                pathlib.Path(f"{scheduler}.py").write_text(DASK.format(chunk=1024, scheduler=scheduler))
                commands[f"dask map_overlap, {scheduler}"] = f"{python} {scheduler}.py in.npy {scheduler}.npy"
        if importlib.util.find_spec("dask") and importlib.util.find_spec("skimage"):
            pathlib.Path("parallel.py").write_text(SKIMAGE.format(chunk=1024))
            commands["skimage apply_parallel"] = f"{python} parallel.py in.npy parallel.npy"
        found = measure(commands, options.runs)
        subprocess.run([options.program, "gaussian", "--sigma", "0", "out.tif", "-o", "out.pgm"], check=True)
        size = side * side * 2
        mine = numpy.frombuffer(open("out.pgm", "rb").read()[-size:], ">u2").reshape(side, side)
        print(f"\nGaussian of sigma 2 by scipy, {side} × {side} 16-bit gray, 2 workers\n")
        print("| | seconds | peak MB | same pixels |\n| --- | ---: | ---: | --- |")
        for name, (seconds, peak) in found.items():
            file = {"dask map_overlap, threads": "threads.npy", "dask map_overlap, processes": "processes.npy",
                    "skimage apply_parallel": "parallel.npy"}.get(name)
            same = "" if file is None else "yes" if numpy.array_equal(mine, numpy.load(file)) else "no"
            print(f"| {name} | {seconds:.2f} | {peak / 1e6:.0f} | {same} |")


if __name__ == "__main__":
    main()
