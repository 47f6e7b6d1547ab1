#!/usr/bin/env python3
"""Lists public declarations without a documentation comment; status 1 if there are any.

    Tests/Style/public-docs.py [--count] [FOLDER...]        (Sources)

A declaration is documented if `///` stands above it and its attributes. What implements a requirement of one of the library's own
public protocols, or of the standard library's, has the requirement's documentation and needs none of its own; nor does `case` of
an enumeration, whose names speak, where the enumeration itself is documented.
"""

import pathlib
import re
import sys

DECLARATION = re.compile(
    r"^\s*(?:@\w+(?:\([^)]*\))?\s+)*public\s+(?:(?:static|class|final|convenience|required|override|nonisolated|mutating|indirect"
    r"|nonmutating|private\(set\)|package\(set\)|internal\(set\)|consuming|borrowing)\s+)*"
    r"(struct|class|enum|protocol|actor|func|var|let|init\??|subscript|typealias|extension|import)\b\s*(.*)")
STANDARD = {"description", "debugDescription", "hash(into:)", "==", "<", "rawValue", "allCases", "hashValue", "errorDescription"}


def name(kind, rest, lines, index):
    """What a declaration is called: `read(into:stride:count:)`, `width`."""
    if kind not in ("func", "init", "init?", "subscript"):
        return re.split(r"[^\w.`]", rest, maxsplit=1)[0]
    text = " ".join([rest] + [line.strip() for line in lines[index + 1:index + 12]])
    base = "init" if kind.startswith("init") else "subscript" if kind == "subscript" else re.match(r"[^\s(<]*", text).group()
    depth, start, labels = 0, text.find("("), []
    part = ""
    for character in text[start:]:
        if character in "([{<":
            depth += 1
            if depth == 1: continue
        if character in ")]}>":
            depth -= 1
            if depth <= 0:
                labels.append(part)
                break
        if character == "," and depth == 1:
            labels.append(part)
            part = ""
        else:
            part += character
    labels = [label.split(":")[0].split()[0] for label in labels if label.strip()]
    return f"{base}({''.join(label + ':' for label in labels)})"


def is_documented(lines, index):
    index -= 1
    while index >= 0 and re.match(r"^\s*(@|#if|#endif)", lines[index]): index -= 1
    return index >= 0 and lines[index].lstrip().startswith("///")


def requirements(files):
    """Names of the requirements of public protocols."""
    found = set(STANDARD)
    for lines in files.values():
        inside = None
        for index, line in enumerate(lines):
            if re.match(r"^\s*public protocol\b", line): inside = len(line) - len(line.lstrip())
            elif inside is not None and line.startswith(" " * inside + "}"): inside = None
            elif inside is not None:
                match = re.match(r"^\s*(?:static |mutating )*(func|var|init\??|subscript)\b\s*(.*)", line)
                if match: found.add(name(match[1], match[2] if match[1] != "init" else line[line.find("("):], lines, index))
    return found


def main():
    arguments = [word for word in sys.argv[1:] if word != "--count"]
    root = pathlib.Path(__file__).resolve().parents[2]
    files = {}
    for folder in arguments or ["Sources"]:
        path = root / folder
        for file in sorted(path.rglob("*.swift")) if path.is_dir() else [path]:
            files[file] = file.read_text().splitlines()
    every = {file: file.read_text().splitlines() for file in sorted((root / "Sources").rglob("*.swift"))}
    inherited, total, missing = requirements(every), 0, []
    for file, lines in files.items():
        for index, line in enumerate(lines):
            match = DECLARATION.match(line)
            if not match or match[1] in ("import", "extension"): continue
            total += 1
            if is_documented(lines, index): continue
            called = name(match[1], match[2] if not match[1].startswith("init") else line[line.find("("):], lines, index)
            if called in inherited: continue
            missing.append(f"{file.relative_to(root)}:{index + 1}: {match[1]} {called} has no documentation comment")
    if "--count" in sys.argv:
        print(f"{total} public declarations, {len(missing)} without a comment")
    elif missing:
        print("\n".join(missing))
        sys.exit(1)


main()
