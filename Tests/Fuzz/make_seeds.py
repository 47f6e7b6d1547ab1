#!/usr/bin/env python3
"""Unpacks the files of ../Fixtures/formats.jsonl, and TestImages, into a folder for each format: seeds for the fuzzer."""
import base64, json, os, shutil, sys

here = os.path.dirname(os.path.abspath(__file__))
target = sys.argv[1]
for name in ("png", "jpeg", "tiff", "pnm", "npy"):
    os.makedirs(os.path.join(target, name), exist_ok=True)
with open(os.path.join(here, "../Fixtures/formats.jsonl")) as lines:
    for line in lines:
        case = json.loads(line)
        kind, rest = case["name"].split(" ", 1)
        data = base64.b64decode(case["file"])
        if len(data) < 4096:
            with open(os.path.join(target, kind, "".join(c if c.isalnum() else "-" for c in rest)), "wb") as file:
                file.write(data)
with open(os.path.join(here, "../Fixtures/levels.jsonl")) as lines:
    for number, line in enumerate(lines):
        data = base64.b64decode(json.loads(line)["file"])
        if len(data) < 16384:
            with open(os.path.join(target, "tiff", f"levels-{number}"), "wb") as file:
                file.write(data)
folder = os.path.join(here, "../../TestImages")
for root, _, files in os.walk(folder):
    for name in files:
        kind = {"png": "png", "jpg": "jpeg", "tif": "tiff", "ppm": "pnm", "pgm": "pnm", "pam": "pnm", "pfm": "pnm", "pbm": "pnm", "npy": "npy"}.get(name.rsplit(".", 1)[-1])
        path = os.path.join(root, name)
        if kind and os.path.getsize(path) < 8192:
            shutil.copy(path, os.path.join(target, kind, name))
for number, text in enumerate([b"P1\n3 2\n1 0 1\n0 1 0\n", b"P2\n# c\n2 2 9\n1 2 3 9\n", b"P3\n1 2 255\n1 2 3 4 5 6\n",
                               b"P4\n9 2\n" + bytes(4), b"P5 2 2 65535\n" + bytes(8), b"P6\n1 1\n255\nabc",
                               b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\nabcd",
                               b"PF\n1 1\n-1.0\n" + bytes(12), b"Pf\n1 1\n1.0\n" + bytes(4)]):
    with open(os.path.join(target, "pnm", f"text-{number}"), "wb") as file:
        file.write(text)
with open(os.path.join(here, "../Fixtures/npy.jsonl")) as lines:
    for number, line in enumerate(lines):
        with open(os.path.join(target, "npy", f"array-{number}"), "wb") as file:
            file.write(base64.b64decode(json.loads(line)["file"]))
