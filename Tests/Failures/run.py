#!/usr/bin/env python3
"""Makes every system call of many runs fail, once each, and looks at what is left.

    run.py PROGRAM [-j N] [NAME...]

PROGRAM must be linked to libc dynamically, as that of the tests is. Of each run the calls are counted first (fault.c); then each is
made to fail in the ways that it can, or is interrupted or cut short, in a run of its own. After each:

- the status is 0, and then all outputs are those of a run without faults; or 1 or 2, with a line that says why;
- no output is there in part, no input has changed, nothing is left behind;
- where a run can be repeated (--incremental, jobs), the next one makes everything whole.

Prints the number of points that were tried, by run and in all. Status 1 if anything else has happened.
"""
import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading

EIO, EINTR, EAGAIN, ENOMEM, EACCES, EPERM, EMFILE, ENOSPC, ENOSYS = 5, 4, 11, 12, 13, 1, 24, 28, 38
# What each call can come to.
FAULTS = {
    "open": [EMFILE, EACCES, EINTR], "read": [EIO, EINTR, "short"], "pread": [EIO, EINTR, "short"],
    "write": [EIO, ENOSPC, EINTR, "short"], "pwrite": [EIO, ENOSPC, EINTR, "short"], "writev": [EIO, EINTR, "short"],
    "close": [EIO], "stat": [EIO, EACCES], "lstat": [EIO], "fstat": [EIO], "lseek": [EIO], "mmap": [ENOMEM],
    "ftruncate": [ENOSPC], "posix_fallocate": [ENOSPC, EINTR], "rename": [EIO, ENOSPC], "link": [EIO], "unlink": [EIO],
    "mkdir": [ENOSPC], "rmdir": [EIO], "fsync": [EIO], "fdatasync": [EIO, EINTR], "fchmod": [EPERM], "fchown": [EPERM],
    "flock": [EIO], "dup": [EMFILE], "opendir": [EMFILE, EACCES], "readdir": [EIO], "mkstemp": [ENOSPC],
    "mkdtemp": [ENOSPC], "access": [EIO], "realpath": [EIO], "pipe2": [EMFILE], "pthread_create": [EAGAIN],
    "syscall": [ENOSYS],
}
# What could not be removed is left.
REMOVALS = {"unlink", "rmdir"}


class Scenario:
    def __init__(self, name, *commands, stdin=None, again=None, grows=(), stdout=False):
        # The last command is the one with faults; those before it set the stage.
        self.name, self.commands, self.stdin, self.again, self.stdout = name, commands, stdin, again, stdout
        # Files that are written as the run goes on.
        self.grows = grows


def scenarios():
    one = lambda name, line, **more: Scenario(name, line, **more)
    yield one("gaussian", "gaussian a.png -o out.png")
    yield one("sobel", "sobel --float a.png -o out.tif")
    yield one("median", "median --radius 2 a.png -o out.png")
    yield one("edge", "edge a.png -o out.png")
    yield one("quantiles", "edge --quantiles --low 0.8 --high 0.9 a.png -o out.png")
    yield one("blobs", "blob-detect --max-sigma 4 --threshold 0.05 a.png -o out.csv --overlay seen.png")
    yield one("chain", "gaussian then tee smooth.tif then edge a.png -o out.png")
    yield one("command", "apply --command cat --tile 40x40 a.png -o out.png")
    yield one("processes", "apply --command cat --keep --tile 40x40 --frames npy a.png -o out.png")
    yield one("mask", "gaussian --mask m.png a.png -o out.png")
    for name in ["g16.png", "inter.png", "a.jpg", "strips.tif", "tiles.tif", "pages.tif", "levels.tif", "a.ppm", "a.pfm",
                 "a.npy", "zstd.tif"]:
        yield one(f"format {name}", f"gaussian {name} -o out.{name.split('.')[1]}")
    yield one("levels", "gaussian --levels 2 tiles.tif -o out.tif")
    yield one("sync", "gaussian --sync a.png -o out.png")
    yield one("pipe", "gaussian -", stdin="a.png", stdout=True)
    yield one("pipe of a TIFF", "gaussian -", stdin="strips.tif", stdout=True)
    yield one("spill", "gaussian --boundary wrap --max-memory 20K big.ppm -o out.ppm")
    yield one("spill of quantiles", "edge --quantiles --low 0.8 --high 0.9 --max-memory 200K big.ppm -o out.png")
    yield one("spill of a decoder", "gaussian --max-memory 40K inter.png -o out.png")
    yield one("batch", "median in -r -o out/ --report report.json", grows=("report.json",))
    yield one("tables", "blob-detect --max-sigma 3 in/a.png in/sub -o out/ --overlay seen/")
    yield Scenario("incremental", "median in -r -o out/ --incremental", again="median in -r -o out/ --incremental",
                   grows=("out/.imbrex-done", "out/sub/.imbrex-done"))
    yield Scenario("incremental again", "median in -r -o out/ --incremental", "!cp g.png in/b.png",
                   "median in -r -o out/ --incremental", again="median in -r -o out/ --incremental",
                   grows=("out/.imbrex-done", "out/sub/.imbrex-done"))
    yield one("in place", "median --radius 2 --in-place in/b.png")
    yield one("in place with a copy", "median --radius 2 --in-place=.old in/b.png")
    yield one("over itself", "median --radius 2 tiles.tif -o tiles.tif")
    yield one("sweep", "edge --low 0.05 --high {t} --vary t=0.1,0.2 a.png -o out-{t}.png --sheet sheet.png")
    yield one("pages", "median pages.tif -o out/ --name {stem}-{page}.{ext}")
    yield Scenario("job create", "job create job --parts 2 -- gaussian then edge a.png -o out.png",
                   again="job create job2 --parts 2 -- gaussian then edge a.png -o out.png")
    yield Scenario("job run", "job create job --parts 2 -- gaussian then edge a.png -o out.png", "job run job",
                   again="job run job")
    yield one("info", "info a.png pages.tif a.jpg", stdout=True)
    yield one("bench", "bench median --runs 1 --warmup 0 --jobs 1 --end-to-end a.png --json --plot plot.svg")


class Harness:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.library = folder / "fault.so"
        source = pathlib.Path(__file__).with_name("fault.c")
        compiler = next(c for c in ["cc", "clang"] if shutil.which(c))
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-w", source, "-o", self.library], check=True)
        self.inputs = folder / "inputs"
        self.make_inputs()
        self.problems, self.points, self.lock = [], 0, threading.Lock()

    def run(self, line, folder, fault=None, log=None, stdin=None):
        if line.startswith("!"):
            subprocess.run(line[1:].split(), cwd=folder, check=True)
            return None
        environment = dict(os.environ, IMBREX_JOBS="1", TMPDIR=str(folder / "tmp"), SWIFT_BACKTRACE="enable=no")
        if fault or log:
            environment["LD_PRELOAD"] = str(self.library)
        if fault:
            environment["IMBREX_FAULT"] = fault
        if log:
            environment["IMBREX_FAULT_LOG"] = str(log)
        with open(folder / stdin if stdin else os.devnull, "rb") as source:
            return subprocess.run([self.program, *line.split()], cwd=folder, env=environment, stdin=source,
                                  capture_output=True, timeout=60)

    def make_inputs(self):
        images = pathlib.Path(__file__).parents[2] / "TestImages"
        os.makedirs(self.inputs / "in/sub")
        os.mkdir(self.inputs / "tmp")

        def make(line):
            outcome = self.run(line, self.inputs)
            assert outcome.returncode == 0, (line, outcome.stderr)

        make(f"median --radius 0 --region 80x60+40+30 {images}/photo.png -o a.png")
        make(f"median --radius 0 --region 80x60+140+130 {images}/photo.png -o g.png")
        make(f"median --radius 0 --region 80x60+10+10 {images}/cells.png -o m.png")
        make("median --radius 0 --bit-depth 16 a.png -o g16.png")
        make(f"median --radius 0 --region 80x60+4+4 {images}/interlaced.png -o inter.png")
        for name, options in [("a.jpg", ""), ("a.ppm", ""), ("a.npy", ""), ("strips.tif", "--compression lzw"),
                              ("tiles.tif", "--compression deflate --tiles 32x32"), ("zstd.tif", "--compression zstd"),
                              ("levels.tif", "--levels 2 --tiles 16x16 --compression deflate")]:
            make(f"median --radius 0 {options} a.png -o {name}")
        make("gaussian --float a.png -o a.pfm")
        make(f"median --radius 0 --region 300x200+40+30 {images}/photo.png -o big.ppm")
        # Two pages: a stream of two pictures, as a TIFF.
        ppm = (self.inputs / "a.ppm").read_bytes()
        (self.inputs / "two.ppm").write_bytes(ppm + ppm)
        make("median --radius 0 two.ppm -o pages.tif")
        for source, target in [("a.png", "in/a.png"), ("a.jpg", "in/b.jpg"), ("g.png", "in/b.png"), ("g.png", "in/sub/c.png")]:
            shutil.copy(self.inputs / source, self.inputs / target)

    @staticmethod
    def tree(folder):
        return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}

    def stage(self, scenario, folder):
        shutil.copytree(self.inputs, folder)
        for line in scenario.commands[:-1]:
            outcome = self.run(line, folder)
            assert outcome is None or outcome.returncode == 0, (line, outcome.stderr)

    def copy(self, scenario, stage, folder):
        # A job knows where it was made.
        if scenario.name.startswith("job"):
            self.stage(scenario, folder)
        else:
            shutil.copytree(stage, folder)

    def measure(self, scenario):
        stage = self.folder / f"stage {scenario.name}".replace("/", "-")
        self.stage(scenario, stage)
        reference = pathlib.Path(str(stage) + " reference")
        self.copy(scenario, stage, reference)
        log = self.folder / f"log {scenario.name}"
        outcome = self.run(scenario.commands[-1], reference, log=log, stdin=scenario.stdin)
        assert outcome.returncode == 0, (scenario.name, outcome.stderr)
        calls = log.read_text().split()
        return stage, self.tree(stage), self.tree(reference), outcome.stdout, calls

    def check(self, scenario, measured, number, call, what):
        stage, before, after, printed, _ = measured
        # The thread's own folder: paths of one length, so that runs are alike.
        folder = self.folder / f"run{threading.get_ident()}"
        shutil.rmtree(folder, ignore_errors=True)
        self.copy(scenario, stage, folder)
        def problem(text):
            with self.lock:
                self.problems.append(f"{scenario.name}: {call} {number} -> {what}: {text}")
                print(self.problems[-1], flush=True)
        try:
            outcome = self.run(scenario.commands[-1], folder, fault=f"{number}:{what}", stdin=scenario.stdin)
        except subprocess.TimeoutExpired:
            return problem("hangs")
        with self.lock:
            self.points += 1
        status, errors = outcome.returncode, outcome.stderr.decode(errors="replace")
        left = self.tree(folder)
        is_growing = lambda name: name in scenario.grows
        if status not in (0, 1, 2):
            problem(f"status {status}: {errors[-300:]}")
        elif status != 0:
            lines = errors.splitlines()
            # What cannot be written cannot be told either.
            if not lines and call not in ("write", "writev"):
                problem(f"status {status} without a word")
            if not all(line.startswith("imbrex: ") for line in lines):
                problem(f"what is said: {errors[-300:]}")
        for name, content in left.items():
            inside_job = name.startswith(("job/", "job2/"))
            if name in after and content == after[name] or name in before and content == before[name]:
                continue
            if is_growing(name) or inside_job:
                continue
            if name in after or name in before:
                problem(f"{name} is neither old nor new ({len(content)} bytes), status {status}")
            elif call not in REMOVALS:
                problem(f"{name} is left, status {status}")
        for name in before:
            if name not in left:
                problem(f"{name} is gone")
        if status == 0:
            for name, content in after.items():
                if name.startswith("job"):
                    continue
                if name not in left:
                    # Nothing noted: the next run does it again.
                    if not is_growing(name):
                        problem(f"{name} is missing, status 0")
                elif left[name] != content and not is_growing(name):
                    problem(f"{name} is not as it should be, status 0")
            if scenario.stdout and outcome.stdout != printed:
                problem("standard output is not as it should be, status 0")
        if scenario.again:
            outcome = self.run(scenario.again, folder)
            if scenario.name == "job create":
                if outcome.returncode != 0:
                    problem(f"a job cannot be made any more: {outcome.stderr}")
            else:
                left = self.tree(folder)
                wrong = [n for n, c in after.items() if not is_growing(n) and not n.startswith("job") and left.get(n) != c]
                if outcome.returncode != 0 or wrong:
                    problem(f"the next run does not mend it: {wrong} {outcome.stderr}")

    def perform(self, wanted, workers):
        with concurrent.futures.ThreadPoolExecutor(workers) as pool:
            for scenario in scenarios():
                if wanted and scenario.name not in wanted:
                    continue
                measured, start = self.measure(scenario), self.points
                tasks = [pool.submit(self.check, scenario, measured, number, call, what)
                         for number, call in enumerate(measured[-1], 1) for what in FAULTS[call]]
                for task in tasks:
                    task.result()
                print(f"{scenario.name}: {len(measured[-1])} calls, {self.points - start} points", flush=True)


def main():
    arguments = sys.argv[1:]
    program, workers = os.path.abspath(arguments.pop(0)), 2
    if arguments[:1] == ["-j"]:
        workers, arguments = int(arguments[1]), arguments[2:]
    with tempfile.TemporaryDirectory(prefix="imbrex-failures-") as folder:
        harness = Harness(program, pathlib.Path(folder))
        harness.perform(arguments, workers)
        print(f"{harness.points} failure points, {len(harness.problems)} wrong ends")
        return 1 if harness.problems else 0


if __name__ == "__main__":
    sys.exit(main())
