#!/usr/bin/env python3
"""Runs all benchmarks beside the peers that are installed and writes them down, as a section of a page for this machine.

    make-page.py PROGRAM PAGE [--runs N] [--quick]

Sections of other machines stay as they are. The machine must be quiet: nothing else may run.
"""
import argparse
import datetime
import importlib
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
HEAD = """# Benchmarks

Every table here is written by `make bench-page`, on the machine that its section names.

Ratios are the peer's time over imbrex's, taken in turns in one run: above 1, imbrex is the faster. Times are medians; the spread is
the greatest time less the least, over the median. Shared machines are noisy: ratios carry from one machine to the next better than times do.
OpenCV runs with as many threads as imbrex has workers. Its Canny is a cruder one, and libvips' `gaussblur` is by default a coarser approximation.
"""


def machine():
    fields = {}
    try:
        for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
            key, _, value = line.partition(":")
            fields.setdefault(key.strip(), value.strip())
    except OSError:
        pass
    name = fields.get("model name", platform.processor() or platform.machine())
    if "cpu family" in fields:
        name += f" (family {fields['cpu family']}, model {fields['model']})"
    return f"{name}, {len(os.sched_getaffinity(0))} cores"


def version_of(command):
    if shutil.which(command[0]) is None:
        return None
    output = subprocess.run(command, capture_output=True, text=True)
    return (output.stdout or output.stderr).splitlines()[0].strip()


def versions(program):
    found = [version_of([program, "--version"]), version_of(["vips", "--version"]), version_of(["gm", "version"])]
    for module in ("cv2", "skimage", "scipy", "numpy", "dask"):
        try:
            found.append(f"{module} {importlib.import_module(module).__version__}")
        except ImportError:
            pass
    return "; ".join(text for text in found if text)


def table(script, *options, environment=None):
    """A heading's worth of text: the command and what it prints."""
    command = [sys.executable, str(HERE / script), *options]
    result = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **(environment or {})})
    prefix = " ".join(f"{key}={value}" for key, value in (environment or {}).items())
    shown = " ".join(filter(None, [prefix, script, "PROGRAM", *options[1:]]))
    if result.returncode != 0:
        return f"`{shown}` failed: {result.stderr.strip().splitlines()[-1] if result.stderr.strip() else result.returncode}\n"
    return f"`{shown}`\n\n{result.stdout.strip()}\n"


def section(arguments):
    program, runs = arguments.program, ["--runs", str(arguments.runs)]
    parts = [f"## {machine()}", f"{datetime.date.today().isoformat()}; {versions(program)}."]
    builds = [None] if arguments.quick else [None, "avx2"] if platform.machine() == "x86_64" else [None]
    for build in builds:
        parts.append("### Filters in memory" + (f", kernels for {build}" if build else ""))
        parts.append(table("bench-kernels.py", program, *runs, environment={"IMBREX_CPU": build} if build else None))
    parts += ["### Whole commands, files in memory", table("bench-peers.py", program, *runs)]
    if not arguments.quick:
        parts += ["### Whole commands, from disk, caches dropped", table("bench-peers.py", program, *runs, "--only", "gaussian", "--cold")]
        parts += ["### Functions of one's own", table("bench-apply.py", program)]
        parts += ["### Sweeps", table("bench-sweeps.py", program)]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("page")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="filters and whole commands only")
    arguments = parser.parse_args()
    page = pathlib.Path(arguments.page)
    old = re.split(r"(?m)^(?=## )", page.read_text())[1:] if page.exists() else []
    new = section(arguments)
    title = new.splitlines()[0]
    others = [text for text in old if text.splitlines()[0] != title]
    page.write_text(HEAD + "\n" + "\n".join(text.strip() + "\n" for text in [new, *others]))


if __name__ == "__main__":
    main()
