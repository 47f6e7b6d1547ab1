#!/usr/bin/env python3
"""Runs a job of imbrex on dask: its graph as futures.

    python3 imbrex_dask.py JOB [--scheduler ADDRESS | --workers N] [--retries N] [--imbrex PROGRAM]

or from a notebook, beside other work on the same client:

    import imbrex_dask
    futures = imbrex_dask.submit("edges.job", client)
    failed = imbrex_dask.follow(futures)

Needs dask's `distributed`. Workers must see the job's directory, the pictures and imbrex under the same paths as here. Each thread of
a worker runs one task at a time, on one core.

A task whose worker is lost runs again on another. One that fails is tried again, and when it fails for good, what does not need it
goes on. Tasks that are done already are passed over, so a job may be submitted again and again.
"""
import argparse
import json
import logging
import os
import subprocess
import sys
import time
import uuid


def graph(job, imbrex="imbrex"):
    """What `imbrex job graph JOB --json` says."""
    ended = subprocess.run([imbrex, "job", "graph", os.fspath(job), "--json"], stdin=subprocess.DEVNULL, capture_output=True)
    if ended.returncode != 0:
        raise RuntimeError(ended.stderr.decode(errors="replace").strip() or f"{imbrex} ended with status {ended.returncode}")
    return json.loads(ended.stdout)


def _runner():
    # A function inside a function goes to the workers as it is: they need not have this module.
    def run(name, words, needs):
        """One task, in a process of its own; `needs` only makes dask wait for them."""
        import os
        import subprocess
        import time

        environment = {"IMBREX_JOBS": "1", **os.environ}
        ended = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, env=environment)
        if ended.returncode == 0:
            return name
        # Much that goes wrong is over after a moment.
        time.sleep(1)
        lines = [line.removeprefix("imbrex: ") for line in ended.stderr.decode(errors="replace").splitlines()]
        raise RuntimeError(f"{name}: {'; '.join(lines[:5]) or f'ended with status {ended.returncode}'}")

    return run


def submit(job, client, retries=2, imbrex="imbrex"):
    """Gives the tasks that are missing to a `distributed.Client`.

    Returns a dictionary from the tasks' names to their futures. dask keeps the tasks as long as somebody keeps the futures.
    """
    tasks = graph(job, imbrex)["tasks"]
    run, mark, futures = _runner(), uuid.uuid4().hex[:8], {}
    for task in tasks:
        if os.path.exists(task["done"]):
            continue
        words = [imbrex, *task["command"][1:]]
        needs = [futures[need] for need in task["needs"] if need in futures]
        # dask's pages group tasks by the word before the first dash. Parts of one picture must not wait for all of the next one:
        # what comes first in the plan goes first.
        futures[task["name"]] = client.submit(
            run, task["name"], words, needs, key=f"{task['wave']}-{mark}-{task['name']}", retries=retries,
            priority=-task["number"], pure=False)
    return futures


def follow(futures, stream=sys.stderr):
    """Says how far they are, until all have ended. Returns the messages of those that failed."""
    from distributed import as_completed

    count, done, failed, said = len(futures), 0, [], 0.0
    if not futures:
        print("imbrex: all tasks are done", file=stream)
    names = {future.key: name for name, future in futures.items()}
    terminal = stream.isatty()

    def say(text, end="\n"):
        stream.write(("\r\033[K" if terminal else "") + text + end)
        stream.flush()

    for future in as_completed(list(futures.values())):
        if future.status == "finished":
            done += 1
        elif future.cancelled():
            failed.append(f"{names[future.key]}: cancelled")
        else:
            message = str(future.exception())
            # What needs a task that failed has its error too.
            if message not in failed:
                failed.append(message)
                say(f"imbrex: {message}")
        now = time.monotonic()
        if now - said > (0.1 if terminal else 5) or done == count:
            said = now
            say(f"imbrex: {done} of {count} tasks done", "" if terminal and done < count else "\n")
    if failed:
        say(f"imbrex: {done} of {count} tasks done, {len(failed)} failed, {count - done - len(failed)} needed those")
    return failed


def _workers(tasks):
    """How many tasks this machine runs at once: by its cores, and by the memory that the greatest of them asks for."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1, min([cores, *(memory // task["memory"] for task in tasks if task["memory"] > 0)]))


def main():
    parser = argparse.ArgumentParser(description="Runs a job of imbrex on dask.", allow_abbrev=False)
    parser.add_argument("job", metavar="JOB", help="the job's directory")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--scheduler", metavar="ADDRESS", help="of a dask scheduler, or its file; default: workers of its own, on this machine")
    where.add_argument("--workers", metavar="N", type=int, help="how many of those (default: by cores and memory)")
    parser.add_argument("--retries", metavar="N", type=int, default=2, help="how often a task that fails is tried again (2)")
    parser.add_argument("--imbrex", metavar="PROGRAM", default="imbrex", help="the program, here and on the workers")
    options = parser.parse_args()
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        sys.exit(f"imbrex_dask: {sys.executable} has no distributed: pip install distributed")
    try:
        if options.scheduler is None:
            workers = options.workers or _workers(graph(options.job, options.imbrex)["tasks"])
            place = LocalCluster(
                n_workers=workers, threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs=logging.CRITICAL)
            client = Client(place)
        elif os.path.exists(options.scheduler):
            client = Client(scheduler_file=options.scheduler)
        else:
            client = Client(options.scheduler)
    except (OSError, RuntimeError) as error:
        sys.exit(f"imbrex_dask: {error}")
    with client:
        failed = follow(submit(options.job, client, options.retries, options.imbrex))
    if options.scheduler is None:
        place.close()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
