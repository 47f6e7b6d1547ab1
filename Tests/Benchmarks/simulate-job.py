#!/usr/bin/env python3
"""How long a job takes with more workers than there are here, from the times that its tasks have taken.

usage: simulate-job.py JOB [--rates JOB] [--workers 1,2,4,8,16,32,64] [--latency SECONDS]

Tasks start as an engine starts them: a free worker takes the first task whose needs are done. A task that has been run counts with its
time; one that has not with its pixels at the rate of its kind, in this job or in the one of --rates. So a plan that is too large to be
run here can be looked at. Also prints the length of the critical path, below which no number of workers comes, and what tasks hand on.
"""
import argparse
import heapq
import json
import pathlib
import re


def kind(name):
    """What a task does, without its number: 0-edge-labels, join."""
    return re.sub(r"^p\d+-", "", re.sub(r"-\d{4,}$", "", name))


def times(job):
    """Measured seconds by task name."""
    return {f.name: json.loads(f.read_text())["seconds"] for f in (pathlib.Path(job) / "done").iterdir() if not f.name.startswith(".")}


def rates(job):
    """Seconds a pixel of each kind of task; a merge counts what the wave before it reads."""
    plan, measured = read(job), times(job)
    sums = {}
    for task in plan["tasks"]:
        if task["name"] in measured:
            seconds, pixels = sums.get(kind(task["name"]), (0, 0))
            sums[kind(task["name"])] = (seconds + measured[task["name"]], pixels + weight(task, plan))
    return {k: s / max(p, 1) for k, (s, p) in sums.items()}


def read(job):
    plan = json.loads((pathlib.Path(job) / "plan.json").read_text())
    plan["numbers"] = {task["name"]: n for n, task in enumerate(plan["tasks"])}
    return plan


def weight(task, plan):
    return task["pixels"] or sum(plan["tasks"][plan["numbers"][n]]["pixels"] for n in task["needs"])


def makespan(tasks, needs, seconds, workers, latency):
    missing = [len(n) for n in needs]
    followers = [[] for _ in tasks]
    for number, list_ in enumerate(needs):
        for other in list_:
            followers[other].append(number)
    ready = [n for n, count in enumerate(missing) if count == 0]
    heapq.heapify(ready)
    running, now, free = [], 0.0, workers
    while ready or running:
        while ready and free:
            number = heapq.heappop(ready)
            heapq.heappush(running, (now + seconds[number] + latency, number))
            free -= 1
        now, number = heapq.heappop(running)
        free += 1
        for other in followers[number]:
            missing[other] -= 1
            if missing[other] == 0:
                heapq.heappush(ready, other)
    return now


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("job")
    parser.add_argument("--rates", help="a job of the same filters that has been run")
    parser.add_argument("--workers", default="1,2,4,8,16,32,64")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds that an engine takes to start a task")
    arguments = parser.parse_args()
    plan, measured = read(arguments.job), times(arguments.job)
    rate = rates(arguments.rates or arguments.job)
    tasks = plan["tasks"]
    needs = [[plan["numbers"][n] for n in task["needs"]] for task in tasks]
    seconds = [measured.get(t["name"], rate.get(kind(t["name"]), 0) * weight(t, plan)) for t in tasks]
    path = []
    for number in range(len(tasks)):
        path.append(seconds[number] + arguments.latency + max((path[n] for n in needs[number]), default=0))
    print(f"{len(tasks)} tasks, {sum(seconds):.1f} s in all, critical path {max(path):.1f} s")
    print("| workers | seconds | speed-up | efficiency |\n| ---: | ---: | ---: | ---: |")
    one = None
    for workers in map(int, arguments.workers.split(",")):
        span = makespan(tasks, needs, seconds, workers, arguments.latency)
        one = one or span
        print(f"| {workers} | {span:.1f} | {one / span:.2f} | {one / span / workers:.2f} |")


main()
