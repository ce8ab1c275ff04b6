# SPDX-License-Identifier: GPL-2.0-only
"""Results as tables in Markdown."""

import shutil
import statistics

import goals
import picture

ORIGINAL, LINKED, ONE, TWO = "original", "linked", "bch-gc 1", "bch-gc 2"
HEADS = {ORIGINAL: "original", LINKED: "linked", ONE: "`bch-gc`", TWO: "two threads"}
PICTURE = "![Wall time against keys, nodes, buckets and threads](pictures/performance.svg)\n\n"
BEGIN, END = "<!-- bench: begin -->\n", "<!-- bench: end -->\n"

# Title, kind, columns, what it is.
TABLES = [
    ("Wall time", "gc", [ORIGINAL, LINKED, ONE, TWO],
     "Inside `bch2_gc`; `bch-gc`: the whole process. ms."),
    ("Processor time", "gc cpu", [ORIGINAL, LINKED, ONE],
     "Of the thread inside `bch2_gc`; of the whole process. ms."),
    ("Nothing in the page cache", "cold gc", [ORIGINAL, LINKED, ONE, TWO],
     "Wall time, as above: `bch-gc` reads superblock and journal too. ms."),
    ("Comparing and taking over alone", "comparing", [ORIGINAL, LINKED],
     "While the journal is blocked, wall time, ms."),
    ("Whole `fsck -n`", "whole", [ORIGINAL, LINKED], "Wall time, ms."),
    ("Whole `fsck -n`, nothing in the page cache", "cold whole", [ORIGINAL, LINKED],
     "Wall time, ms."),
    ("`bch2_gc_gens`, nodes in memory", "gens", [ORIGINAL, LINKED], "Wall time, ms."),
    ("Peak of the process", "peak", [ORIGINAL, LINKED, ONE, TWO], "MB."),
    ("Instructions", "instructions", [ORIGINAL, LINKED, ONE],
     "Inside `bch2_gc`; of the whole process of `bch-gc`. Millions, by callgrind."),
]


class Figures:
    """What was measured, by image, column and kind."""

    def __init__(self, all_of):
        self.all = all_of

    def get(self, image, column, kind):
        """Median and minimum; None if it was not measured."""
        values = self.all.get(image, {}).get(column, {}).get(kind)
        return (statistics.median(values), min(values)) if values else None

    def ratio(self, image, column, kind, to=ORIGINAL):
        """Of the medians, and of the minima."""
        a, b = self.get(image, column, kind), self.get(image, to, kind)
        return (a[0] / b[0], a[1] / b[1]) if a and b else None


def number(v):
    return f"{v:,.0f}" if v >= 100 else f"{v:.1f}" if v >= 10 else f"{v:.2f}"


def pair(values, one):
    """Median and minimum, or one number where they are written alike."""
    if not values:
        return ""
    said = [one(v) for v in values]
    return said[0] if said[0] == said[1] else f"{said[0]} / {said[1]}"


def ratio(v):
    return f"{v:.3f}" if v < 0.1 else f"{v:.2f}"


def rows(lines):
    head, *rest = lines
    return [f"| {' | '.join(line)} |" for line in [head, ["---"] * len(head)] + rest]


def table(f, kind, columns):
    """One kind of figure; None if there is none of it."""
    columns = [c for c in columns if any(f.get(image, c, kind) for image in f.all)]
    if not columns:
        return None
    head, lines = ["image"], []
    for c in columns:
        head.append(HEADS[c])
        if c != ORIGINAL and ORIGINAL in columns:
            head.append("ratio")
        if c == TWO and kind != "peak":
            head.append("of one thread")
    for image in f.all:
        line = [f"`{image}`"]
        for c in columns:
            scale = 1e6 if kind == "instructions" else 1
            figures = f.get(image, c, kind)
            line.append(pair(figures and [v / scale for v in figures], number))
            if c != ORIGINAL and ORIGINAL in columns:
                line.append(pair(f.ratio(image, c, kind), ratio))
            if c == TWO and kind != "peak":
                line.append(pair(f.ratio(image, c, kind, ONE), ratio))
        if any(line[1:]):
            lines.append(line)
    return rows([head] + lines)


def document(about, f):
    """All tables."""
    out = [f"{about['machine']}; {about['date']}; `{about['command']}`.",
           f"Runs of each program: {about['runs']}, in turn on each image, all of it in the page",
           "cache unless said otherwise. Medians / minima, and the ratios of both to the original.",
           ""]
    if about["busy"]:
        out += ["**The machine was busy when this was measured: wall times say little.**", ""]
    if not any(ORIGINAL in programs for programs in f.all.values()):
        out += ["No original was given (`BCACHEFS=`): there is nothing to compare with.", ""]
    if not about["root"]:
        out += ["Not measured as root: nothing is known of a cold page cache.", ""]
    for title, kind, columns, what in TABLES:
        lines = table(f, kind, columns)
        if lines:
            out += [f"### {title}", "", what, ""] + lines + [""]
    reached = goals.table(f, pair, ratio)
    if reached:
        out += ["### Goals", "", "Ratios to the original.", ""] + rows(reached) + [""]
    return "\n".join(out)


def write(dir, about, figures):
    """results.md and results.svg."""
    f = Figures(figures)
    with open(f"{dir}/results.md", "w", encoding="utf-8") as out:
        out.write(document(about, f))
    drawn = picture.draw(f, about["nodes"])
    if drawn:
        with open(f"{dir}/results.svg", "w", encoding="utf-8") as out:
            out.write(drawn)


def record(root, dir):
    """Both into the documentation."""
    path = f"{root}/docs/performance.md"
    with open(path, encoding="utf-8") as f:
        before, _, rest = f.read().partition(BEGIN)
    _, _, after = rest.partition(END)
    with open(f"{dir}/results.md", encoding="utf-8") as f:
        tables = f.read()
    with open(path, "w", encoding="utf-8") as f:
        f.write(f"{before}{BEGIN}{PICTURE}{tables}{END}{after}")
    shutil.copyfile(f"{dir}/results.svg", f"{root}/docs/pictures/performance.svg")
