#!/usr/bin/env python3
"""Makes the manual pages: options from the program's own definitions, prose from the files in prose/.

    imbrex --dump-definitions | make.py FOLDER

The pages stand in the repository; `make manuals` makes them anew.
"""
import json
import pathlib
import re
import sys

DATE = "November 22, 2026"

PROSE = pathlib.Path(__file__).with_name("prose")
# The order of the pages' names.
PAGES = ["gaussian", "sobel", "median", "edge", "blob-detect", "apply", "info", "bench"]


def prose(name):
    """A page's text, in mdoc."""
    text = (PROSE / f"{name}.mdoc").read_text().rstrip("\n")
    return text.replace("@BOUNDARIES@", (PROSE / "boundaries.mdoc").read_text().rstrip("\n"))


def example_lines(name):
    return (PROSE / f"{name}.examples").read_text().splitlines()


def interface_page(root):
    """The manual of imbrex_filter.h, with the example that the tests build."""
    code = (root / "Tests/Plugins/sharpen.c").read_text()
    code = code[code.index("#include"):].replace("\\", "\\e")
    code = "\n".join("\\&" + line if line.startswith((".", "'")) else line for line in code.rstrip().split("\n"))
    return (f".\\\" Made by make.py; do not edit.\n.Dd {DATE}\n.Dt IMBREX-FILTER 3\n.Os\n.Sh NAME\n.Nm imbrex-filter\n"
            ".Nd plug-ins for imbrex\n.Sh SYNOPSIS\n.In imbrex_filter.h\n.Ft const imbrex_filter *const *\n"
            ".Fn imbrex_filters \"int32_t version\"\n.Sh DESCRIPTION\n" + escape(prose("filter")) + "\n" +
            ".Sh EXAMPLES\nA filter that sharpens, with one parameter:\n.Bd -literal\n" + code + "\n.Ed\n.Pp\n"
            "It is built and run by\n.Dl cc -shared -fPIC -O2 sharpen.c -o libsharpen.so\n"
            ".Dl imbrex apply --plugin ./libsharpen.so --set amount=2 in.tif -o out.tif\n"
            ".Sh SEE ALSO\n.Xr imbrex 1 ,\n.Xr imbrex-apply 1\n")


def sentence(abstract):
    """An abstract as part of a sentence."""
    return abstract[0].lower() + abstract[1:].rstrip(".")


def escape(text):
    text = text.replace("\\", "\\e").replace("×", "\\(mu").replace("−", "\\-").replace("…", "\\&...").replace("√", "\\(sr")
    text = re.sub(r"\. (?=[A-Z])", ".\n", text)  # mdoc wants each sentence on a line of its own.
    return text.replace("²", "\\(S2").replace("σ", "\\(*s")


def option(definition):
    value = f" Ar {definition['value']}" if definition["kind"] not in ("flag", "optional-text") else ""
    flags = ([f"Fl {definition['short']}"] if definition["short"] else []) + [f"Fl -{definition['name']}"]
    head = ".It " + " , ".join(flag + value for flag in flags)
    if definition["kind"] == "optional-text":
        head += f" Ns Op Ns = Ns Ar {definition['value']}"
    text = definition["help"] + (f" ({definition['note']})" if definition["note"] else "")
    return head + "\n" + escape(text)


def options(definitions):
    return ".Bl -tag -width Ds\n" + "\n".join(map(option, definitions)) + "\n.El\n"


def examples(lines):
    return ".Sh EXAMPLES\n" + "".join(f".Dl imbrex {line}\n" for line in lines)


def page(name, abstract, synopsis, body):
    title = name.upper()
    return (f".\\\" Made by make.py; do not edit.\n.Dd {DATE}\n.Dt {title} 1\n.Os\n.Sh NAME\n.Nm {name}\n.Nd {abstract}\n"
            f".Sh SYNOPSIS\n{synopsis}\n.Sh DESCRIPTION\n{body}")


def main():
    folder = pathlib.Path(sys.argv[1])
    lists = json.load(sys.stdin)
    filters = {definition["name"]: definition for definition in lists["filters"]}
    commands = {definition["name"]: definition for definition in lists["commands"]}
    sections = {section["title"]: section["options"] for section in lists["sections"]}
    names = [*PAGES, "job"]
    if set(names) != set(filters) | set(commands):
        sys.exit(f"make.py: the pages {sorted(names)} are not the filters and commands {sorted(filters | commands)}")

    see = [".Xr imbrex 1"] + [f".Xr imbrex-{name} 1" for name in sorted(names)]

    def see_also(without):
        entries = [entry for entry in see if entry != f".Xr {without} 1"]
        return ".Sh SEE ALSO\n" + " ,\n".join(entries) + "\n"

    for name in PAGES:
        definition = filters.get(name) or commands[name]
        own = definition["options"]
        body = ""
        if name == "bench":
            synopsis = (".Nm imbrex bench\n.Ar FILTER\n.Op Ar filter options\n.Op Ar options\n"
                        ".Oo Cm then Ar FILTER Oo Ar options Oc Oc Ns ...\n.Ar INPUT")
        elif name == "info":
            synopsis = ".Nm imbrex info\n.Op Fl -json\n.Ar INPUT ..."
        else:
            then = "" if definition["makes_table"] else ".Oo Cm then Ar FILTER Oo Ar options Oc Oc Ns ...\n"
            synopsis = f".Nm imbrex {name}\n.Op Ar options\n{then}.Op Ar INPUT ...\n.Op Fl o Ar OUTPUT"
            body = "Options that all filters share are in\n.Xr imbrex 1 .\n"
            if definition["makes_table"]:
                own = own + sections["Tables"]
        text = escape(prose(name)) + "\n.Sh OPTIONS\n" + body + options(own) + examples(example_lines(name))
        (folder / f"imbrex-{name}.1").write_text(
            page(f"imbrex-{name}", sentence(definition["abstract"]), synopsis, text + see_also(f"imbrex-{name}")))
    (folder / "imbrex-filter.3").write_text(interface_page(pathlib.Path(__file__).resolve().parent.parent))
    job = commands["job"]
    synopsis = (".Nm imbrex job create\n.Ar JOB\n.Fl -parts Ar N\n.Op Fl -tiled-copy\n.Fl - Ar FILTER ...\n"
                ".Nm imbrex job run\n.Ar JOB\n.Op Fl -task Ar NAME | Fl -first Ar N\n"
                ".Nm imbrex job status\n.Ar JOB\n.Op Fl -json\n"
                ".Nm imbrex job graph\n.Ar JOB\n.Fl -json | -dot | -make\n"
                ".Nm imbrex job submit\n.Ar JOB\n.Fl -engine Cm slurm | dask\n.Op Fl -go\n.Op Fl -wait\n.Op Fl - Ar option ...")
    text = escape(prose("job") + "\n").replace("@OPTIONS@", options(job["options"]))
    (folder / "imbrex-job.1").write_text(
        page("imbrex-job", sentence(job["abstract"]), synopsis, text + see_also("imbrex-job")))
    everywhere = "".join(f".Ss {title}\n{options(own)}" for title, own in sections.items() if title != "Tables")
    listed = "\n".join(f".It Cm {name}\n{sentence(definition['abstract'])};\n.Xr imbrex-{name} 1"
                       for name, definition in (filters | commands).items())
    text = escape(prose("imbrex").replace("@LIST@", listed)) + "\n" + everywhere + escape(prose("imbrex-end")) + "\n"
    text += examples(example_lines("imbrex"))
    (folder / "imbrex.1").write_text(
        page("imbrex", "filter pictures in overlapping tiles on every core",
             ".Nm\n.Ar FILTER\n.Op Ar options\n.Oo Cm then Ar FILTER Oo Ar options Oc Oc Ns ...\n.Op Ar INPUT ...\n"
             ".Op Fl o Ar OUTPUT", text + see_also("imbrex")))


if __name__ == "__main__":
    main()
