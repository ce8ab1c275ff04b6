#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What bch-gc takes for a key, a pointer, a node and a bucket; how well that tells
what it takes for images that were not measured for it; and what it comes to for file
systems that are larger than any image here.

usage: growth.py BUILD_DIR [--report]

BENCH_DIR   where images are made and kept (BUILD_DIR/bench)
RUNS        of which the one with the least processor time counts (5)
COUNT       0: no instructions are counted (it takes some minutes)
RECORD      1: the tables go into docs/performance.md too

--report: from the last results, nothing is run."""

import json
import math
import os
import subprocess
import sys

import images
from counts import count
from timing import Timer

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BEGIN, END = "<!-- growth: begin -->\n", "<!-- growth: end -->\n"

# The costs follow from these; and these are told by the costs.
MEASURED = ["e100k", "e1m", "e4m", "e4mseq", "ino", "n32k", "n128k", "e4m4d", "b4m", "b16m",
            "b24m", "b24mseq", "b32m"]
TOLD = ["e16m", "b100m", "b1g"]

# Its instructions are not counted: that takes minutes.
LONG = "e16m"

REGION = 32
COSTS = ["a key", "its pointer, if it has one", "a pointer, if it has several",
         "a pointer to another bucket than the one before: more", "a bucket with an alloc key",
         "a region of 32 buckets that holds something", "a node", "a bucket", "a run"]
MEMORY = ["a bucket", "a region of 32 buckets that holds something", "a node", "a run"]


def work(size):
    """By cost, how often."""
    names = ["keys", "lone", "several", "jumps", "alloc", "regions", "nodes", "buckets"]
    return [size[name] for name in names] + [1]


def room(size):
    """The same of memory."""
    return [size["buckets"], size["regions"], size["nodes"], 1]


def solve(rows, values):
    """Costs that are not below 0, for which the sum of the squares of the relative
    errors is least. Costs that would be below are left out, one by one."""
    used = list(range(len(rows[0])))
    while True:
        m = [[row[i] / v for i in used] + [1.0] for row, v in zip(rows, values)]
        n = len(used)
        a = [[sum(r[i] * r[j] for r in m) for j in range(n + 1)] for i in range(n)]
        # Elimination, the largest pivot first, over columns of one scale.
        scale = [math.sqrt(a[i][i]) or 1.0 for i in range(n)]
        for i in range(n):
            a[i] = [x / scale[i] / (scale[j] if j < n else 1) for j, x in enumerate(a[i])]
        for i in range(n):
            p = max(range(i, n), key=lambda r: abs(a[r][i]))
            a[i], a[p] = a[p], a[i]
            for r in range(n):
                if r != i and a[r][i]:
                    f = a[r][i] / a[i][i]
                    a[r] = [x - f * y for x, y in zip(a[r], a[i])]
        costs = [a[i][n] / a[i][i] / scale[i] for i in range(n)]
        below = [i for i in range(n) if costs[i] < 0]
        if not below:
            all_costs = [0.0] * len(rows[0])
            for i, c in zip(used, costs):
                all_costs[i] = c
            return all_costs
        del used[min(below, key=lambda i: costs[i] * scale[i])]


def told(row, costs):
    return sum(n * c for n, c in zip(row, costs))


class Measured:
    """An image: its size, and what a check of it takes."""

    def __init__(self, image, program, size, timer, runs, counted):
        self.name = image.name
        said = subprocess.run([size] + image.files, check=True, stdout=subprocess.PIPE)
        self.size = json.loads(said.stdout)
        command = [program, "check", "--quiet", "--threads=1"] + image.files
        image.warm(program)
        whole = [timer.run(command, image.exits, {})[0] for _ in range(runs)]
        self.cpu = min(cpu for _, _, cpu, _ in whole)
        self.peak = min(peak for _, _, _, peak in whole) * 1e6
        self.instructions = count(command) if counted and image.name != LONG else None


def kept(path, all_measured):
    """What was measured, as it is read again by --report."""
    with open(path, "w", encoding="utf-8") as f:
        json.dump([vars(m) for m in all_measured], f, indent=1)


def read(path):
    """The same, from the file."""
    def one(figures):
        m = Measured.__new__(Measured)
        vars(m).update(figures)
        return m
    with open(path, encoding="utf-8") as f:
        return [one(figures) for figures in json.load(f)]


# What a file system is thought to be: bytes of a bucket, of a file, of an extent.
BUCKET, FILE, EXTENT = 512 << 10, 1 << 20, 128 << 10
SIZES = [("16 TB", 16e12), ("100 TB", 100e12), ("1 PB", 1e15)]
# Cold reads of the machine on which the original was measured, bytes a second.
READ = 0.8e9
# The original there: ms a million keys, pointers, a thousand nodes, a million buckets.
ORIGINAL = (282, 80, 120, 44)
ORIGINAL_BUCKET = 62


def large(bytes_, per_node):
    """The size of a full file system."""
    extents, files = bytes_ / EXTENT, bytes_ / FILE
    keys, buckets = extents + 2 * files, bytes_ / BUCKET
    nodes = (keys + buckets) / per_node
    return {"keys": keys, "lone": extents, "several": 0, "jumps": extents, "alloc": buckets,
            "nodes": nodes, "buckets": buckets, "regions": math.ceil(buckets / REGION)}


def table(head, rows):
    yield "| " + " | ".join(head) + " |"
    yield "|" + " --- |" * len(head)
    yield from ("| " + " | ".join(row) + " |" for row in rows)


def number(v):
    return f"{v:,.0f}" if abs(v) >= 100 else f"{v:.3g}"


def span(seconds):
    return f"{seconds / 60:.0f} min" if seconds >= 600 else f"{seconds:.0f} s"


def amount(v):
    return f"{v / 1e9:.1f} GB" if v >= 1e9 else f"{v / 1e6:.0f} MB"


def error(said, value):
    return f"{said / value - 1:+.0%}"


def lines(all_measured):
    base = [m for m in all_measured if m.name in MEASURED]
    counted = all(m.instructions for m in base)
    work_rows, room_rows = [work(m.size) for m in base], [room(m.size) for m in base]
    cpu = solve(work_rows, [m.cpu for m in base])
    instructions = solve(work_rows, [m.instructions for m in base]) if counted else None
    memory = solve(room_rows, [m.peak for m in base])

    yield "What one of each takes:"
    yield ""
    rows = [[name] + ([number(instructions[i])] if counted else []) + [number(cpu[i] * 1e6)]
            for i, name in enumerate(COSTS)]
    yield from table([""] + ["instructions"] * counted + ["ns of processor time"], rows)
    yield ""
    yield from table(["", "bytes"], [[name, number(c)] for name, c in zip(MEMORY, memory)])
    yield ""
    yield ("What that tells of each image, against what was measured. The costs follow from "
           "all but the last three.")
    yield ""
    rows = []
    for m in sorted(all_measured, key=lambda m: m.name in TOLD):
        s, w = m.size, work(m.size)
        row = [m.name] + [f"{s[k]:,}" for k in ("keys", "nodes", "alloc", "buckets")]
        if counted:
            n = m.instructions
            row += [f"{n / 1e6:,.0f} M", error(told(w, instructions), n)] if n else ["", ""]
        peak = told(room(s), memory)
        row += [f"{m.cpu:,.0f} ms", error(told(w, cpu), m.cpu), amount(m.peak),
                error(peak, m.peak)]
        rows.append(row)
    head = ["image", "keys", "nodes", "alloc keys", "buckets"]
    head += ["instructions", "told"] * counted + ["processor", "told", "peak", "told"]
    yield from table(head, rows)

    # In a larger table more of it is out of the processor's caches.
    all_cpu = solve([work(m.size) for m in all_measured], [m.cpu for m in all_measured])
    e16m = next(m.size for m in all_measured if m.name == "e16m")
    per_node = (e16m["keys"] + e16m["alloc"]) / e16m["nodes"]
    yield ""
    yield (f"Full file systems of one copy: extents of {EXTENT >> 10} KiB, files of "
           f"{FILE >> 20} MiB with a name each, buckets of {BUCKET >> 10} KiB, nodes of 256 KiB "
           f"that hold {per_node:,.0f} keys as those of e16m do, read cold at {READ / 1e9} GB a "
           "second; time by the costs that follow from all images. One thread; the original by the growth of its `bch2_gc` and 62 bytes a bucket, "
           "without its nodes in memory.")
    yield ""
    rows = []
    for name, bytes_ in SIZES:
        s = large(bytes_, per_node)
        seconds, reading = told(work(s), all_cpu) / 1e3, s["nodes"] * (256 << 10) / READ
        original = told([s["keys"] / 1e6, s["lone"] / 1e6, s["nodes"] / 1e3,
                         s["buckets"] / 1e6], ORIGINAL) / 1e3
        rows.append([name, f"{s['keys'] / 1e6:,.0f} M", f"{s['nodes'] / 1e3:,.0f} k",
                     f"{s['buckets'] / 1e6:,.0f} M", span(seconds), span(reading),
                     amount(told(room(s), memory)), amount(32 * s["buckets"]), span(original),
                     amount(ORIGINAL_BUCKET * s["buckets"])])
    yield from table(["size", "keys", "nodes", "buckets", "processor", "reading", "memory",
                      "more in order", "original, processor", "memory"], rows)


def main():
    build = os.path.abspath(sys.argv[1])
    dir = os.path.abspath(os.environ.get("BENCH_DIR") or f"{build}/bench")
    runs = int(os.environ.get("RUNS") or 5)
    counted = os.environ.get("COUNT") != "0"

    def example(package, name):
        said = subprocess.run(
            ["cargo", "build", "--quiet", "--locked", "--release", f"--package={package}",
             f"--example={name}", "--message-format=json"], cwd=ROOT, check=True,
            stdout=subprocess.PIPE, text=True).stdout.splitlines()
        return [e for e in (json.loads(line).get("executable") for line in said) if e][-1]

    if sys.argv[2:] == ["--report"]:
        show(read(f"{dir}/growth.json"))
        return
    size, mkimage = example("gc-v0", "size"), example("gc-image-write", "mkimage")
    timer, all_measured = None, []
    for image in images.generated(MEASURED + TOLD, dir, ROOT, mkimage):
        timer = timer or Timer(ROOT, dir)
        print(f"measuring {image.name}", file=sys.stderr, flush=True)
        all_measured.append(Measured(image, f"{build}/bch-gc", size, timer, runs, counted))
        kept(f"{dir}/growth.json", all_measured)
    show(all_measured)


def show(all_measured):
    """Prints the tables, and puts them into the page."""
    text = "\n".join(lines(all_measured)) + "\n"
    print(text, end="")
    if os.environ.get("RECORD") == "1":
        path = f"{ROOT}/docs/performance.md"
        with open(path, encoding="utf-8") as f:
            before, _, rest = f.read().partition(BEGIN)
        if END not in rest:
            raise SystemExit(f"growth: {path} has no place for the tables")
        with open(path, "w", encoding="utf-8") as f:
            f.write(before + BEGIN + text + END + rest.partition(END)[2])


if __name__ == "__main__":
    main()
