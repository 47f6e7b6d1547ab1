#!/usr/bin/env python3
"""Writes npy.jsonl: NumPy arrays of every type, order and version, and what NumPy writes of the same array as imbrex has it.

A case a line: a name, a file, and the file that a filter makes which leaves every pixel alone, both in Base64. Seeded.

    python make_npy.py
"""

import base64
import io
import json
import pathlib

import numpy as np

TYPES = ["?", "|u1", "|i1", "<u2", ">u2", "<i2", ">i2", "<u4", ">u4", "<i4", ">i4", "<u8", ">u8", "<i8", ">i8",
         "<f2", ">f2", "<f4", ">f4", "<f8", ">f8"]
SHAPES = [(5, 9, 1), (5, 9, 2), (5, 9, 3), (3, 5, 16), (3, 5, 19), (1, 5, 19), (3, 5, 9, 3), (1, 3, 5, 20), (3, 7, 5, 1)]
rng = np.random.default_rng(7)


def samples(kind, shape):
    kind = np.dtype(kind)
    if kind.kind == "b":
        return rng.integers(0, 2, shape).astype(bool)
    if kind.kind == "f":
        return rng.normal(size=shape).astype(kind)
    info = np.iinfo(kind)
    made = rng.integers(info.min, info.max, shape, dtype=kind.newbyteorder("="), endpoint=True)
    # As many digits as a double has.
    return ((made >> 12) if kind.itemsize == 8 else made).astype(kind)


def saved(array, version=None):
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version=version)
    return file.getvalue()


def by_hand(text, array):
    """A header that NumPy reads, but does not write."""
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode() + array.tobytes()


def main():
    cases = []

    def add(name, file, array):
        made = (array * np.uint8(255)) if array.dtype == bool else array
        made = np.ascontiguousarray(made)
        cases.append((name, file, saved(made)))
        assert np.array_equal(np.load(io.BytesIO(file)), array)

    for kind in TYPES:
        array = samples(kind, (5, 19))
        add(f"{kind} C", saved(array), array)
        add(f"{kind} Fortran", saved(np.asfortranarray(array)), array)
    for shape in SHAPES:
        for kind in ("<u2", ">i2", "<f8"):
            array = samples(kind, shape)
            add(f"{kind} {shape} C", saved(array), array)
            add(f"{kind} {shape} Fortran", saved(np.asfortranarray(array)), array)
    array = samples("<u2", (5, 19))
    add("version 2", saved(array, (2, 0)), array)
    add("version 3", saved(array, (3, 0)), array)
    add("Python 2", by_hand("{'descr': '<u2', 'fortran_order': False, 'shape': (5L, 19L), }\n", array), array)
    add("other spaces", by_hand('{"shape":(5,19) ,"fortran_order":False,"descr":"<u2"}', array), array)
    path = pathlib.Path(__file__).resolve().parent / "npy.jsonl"
    encode = lambda file: base64.b64encode(file).decode()
    path.write_text("".join(json.dumps({"name": n, "file": encode(f), "made": encode(m)}) + "\n" for n, f, m in cases))


if __name__ == "__main__":
    main()
