#!/usr/bin/env python3
"""Breaks lines of kernels, plans and codecs one at a time, and checks that a test turns red each time.

    Tests/Mutation/run.py [--list] [--here] [NAME...]       (all)

Each mutant of mutants.py is built in a copy of the sources, .build-mutants/tree, with a scratch path beside it, and the tests that ought to notice
are run. The status is 1 if one of them lives: nobody would notice that line to be wrong, and a test is wanted. `--here` works in the
sources themselves with the scratch path of `make test`, which saves the first build; every file is put back, whatever happens.
"""

import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

from mutants import MUTANTS

ROOT = pathlib.Path(__file__).resolve().parents[2]
SECONDS = 900


def copied():
    """The files that git knows or would take, below .build-mutants; those that are the same keep their times."""
    tree = ROOT / ".build-mutants/tree"
    names = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    for name in names:
        source, target = ROOT / name, tree / name
        if not source.is_file() or target.is_file() and target.read_bytes() == source.read_bytes(): continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    return tree


def test(tree, scratch, filter):
    """Runs the tests that match: `red`, `green`, or `broken` where it does not build; and the tests that failed."""
    command = ["swift", "test", "-c", "release", "--scratch-path", scratch, "--filter", filter]
    try:
        run = subprocess.run(command, cwd=tree, capture_output=True, text=True, errors="replace", timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return "red", ["it hangs"]
    text = run.stdout + run.stderr
    if "Build complete!" not in text: return "broken", re.findall(r"error: .*", text)[:3]
    if run.returncode == 0: return "green", []
    return "red", sorted(set(re.findall(r"Test (\w+)\(.*? failed", text)))[:3] or ["it crashes"]


def main():
    names = [word for word in sys.argv[1:] if not word.startswith("--")]
    chosen = [mutant for mutant in MUTANTS if not names or mutant.name in names]
    unknown = set(names) - {mutant.name for mutant in MUTANTS}
    if unknown: sys.exit(f"run.py: no mutant is called {', '.join(sorted(unknown))}")
    if "--list" in sys.argv:
        print("\n".join(f"{mutant.name:24} {mutant.file}" for mutant in chosen))
        return
    # Ended from outside, it puts the file back too.
    for ending in (signal.SIGTERM, signal.SIGHUP): signal.signal(ending, lambda *_: sys.exit(1))
    isHere = "--here" in sys.argv
    tree, scratch = (ROOT, ".build-tests") if isHere else (copied(), str(ROOT / ".build-mutants/build"))
    alive = []
    for mutant in chosen:
        path = tree / mutant.file
        original = path.read_text()
        if original.count(mutant.original) < 1: sys.exit(f"{mutant.name}: {mutant.file} does not say {mutant.original!r} any more")
        start = time.monotonic()
        try:
            path.write_text(original.replace(mutant.original, mutant.broken, 1))
            state, failed = test(tree, scratch, mutant.tests)
        finally:
            path.write_text(original)
        print(f"{mutant.name:24} {state:6} {time.monotonic() - start:5.0f} s  {', '.join(failed)}", flush=True)
        if state != "red": alive.append(mutant.name)
    print(f"{len(chosen) - len(alive)} of {len(chosen)} were noticed" + (f"; not {', '.join(alive)}" if alive else ""))
    sys.exit(1 if alive else 0)


main()
