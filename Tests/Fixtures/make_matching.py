#!/usr/bin/env python3
"""Computes how many pairs edges of two pictures make at most, with SciPy: matching.jsonl (README.md describes it).

    python make_matching.py
"""

import json
import pathlib

import numpy as np
import scipy.ndimage as ndi
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import maximum_bipartite_matching
from scipy.spatial import cKDTree


def matched(found, truth, tolerance):
    a, b = np.argwhere(found), np.argwhere(truth)
    if len(a) == 0 or len(b) == 0:
        return 0
    # Whole numbers, so that no rounding decides about a pair.
    near = cKDTree(a).query_ball_tree(cKDTree(b), tolerance + 1e-6)
    pairs = [
        (i, j) for i, others in enumerate(near) for j in others if ((a[i] - b[j]) ** 2).sum() <= tolerance * tolerance
    ]
    if not pairs:
        return 0
    rows, columns = np.array(pairs).T
    graph = csr_matrix((np.ones(len(pairs), np.uint8), (rows, columns)), shape=(len(a), len(b)))
    return int((maximum_bipartite_matching(graph, perm_type="column") >= 0).sum())


def noise(rng, height, width, density):
    return rng.random((height, width)) < density


def lines(rng, height, width, level):
    """Outlines of blurred noise: thin lines that are everywhere about as long as the picture."""
    field = ndi.gaussian_filter(rng.standard_normal((height, width)), 4)
    inside = field > level * field.std()
    return inside & ~ndi.binary_erosion(inside)


def cases():
    rng = np.random.default_rng(2004)
    sizes = [(1, 1), (1, 90), (70, 1), (17, 64), (23, 65), (40, 130), (60, 200)]
    for height, width in sizes:
        for tolerance in [0, 1, 1.5, 3, 4.3]:
            densities = rng.choice([0.02, 0.1, 0.3, 0.7, 1], 2)
            yield "noise", noise(rng, height, width, densities[0]), noise(rng, height, width, densities[1]), tolerance
    for tolerance in [1, 2, 3, 5.5, 12]:
        found = lines(rng, 90, 140, 0.2)
        yield "lines", found, lines(rng, 90, 140, 0.3), tolerance
        yield "lines beside themselves", found, np.roll(found, (2, 3), (0, 1)), tolerance
        yield "lines and noise", found, noise(rng, 90, 140, 0.05), tolerance
    block = np.zeros((40, 120), bool)
    block[:, 10:80] = True
    # Every pair must be moved on by some columns, through the whole block.
    for shift in [1, 3, 6, 10]:
        for tolerance in [1, 3]:
            yield "a block and its shift", block, np.roll(block, shift, 1), tolerance


def main():
    lines = []
    for index, (name, found, truth, tolerance) in enumerate(cases()):
        height, width = found.shape
        lines.append(json.dumps({
            "name": f"{name} {index}", "width": width, "height": height, "tolerance": tolerance,
            "found": np.packbits(found).tobytes().hex(), "truth": np.packbits(truth).tobytes().hex(),
            "matched": matched(found, truth, tolerance),
        }, separators=(",", ":")))
    path = pathlib.Path(__file__).resolve().parent / "matching.jsonl"
    path.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
