# SPDX-License-Identifier: GPL-2.0-only
"""What was asked of the speed, and whether it is reached."""

ORIGINAL, LINKED, ONE, TWO = "original", "linked", "bch-gc 1", "bch-gc 2"

# What, kind, images, the goals: linked, bch-gc, bch-gc at best,
# two threads of one.
GOALS = [
    ("instructions", "instructions", ["e1m"], (0.30, 0.10, 0.06, None)),
    ("wall", "gc", ["e4m", "e4mseq"], (0.33, 0.10, 0.05, 0.6)),
    ("instructions", "instructions", ["frag"], (0.53, 0.25, 0.15, None)),
    ("wall", "gc", ["ino"], (0.56, 0.10, 0.05, 0.6)),
    ("wall", "gc", ["n32k"], (0.45, 0.10, 0.05, 0.7)),
    ("wall", "gc", ["b24m", "b24mseq"], (0.29, 0.25, 0.10, None)),
    ("comparing", "comparing", ["b24m", "b24mseq"], (0.11, None, None, None)),
    ("cold", "cold gc", ["e4m"], (0.31, 0.15, 0.10, None)),
    ("peak", "peak", ["b32m", "b32mseq"], (0.75, None, None, None)),
    ("gens, in memory", "gens", ["e4m"], (0.5, None, None, None)),
    ("whole `fsck -n`", "whole", ["e4m"], (0.58, None, None, None)),
]


def table(f, pair, ratio):
    """The goals beside what was measured, or None without an original."""
    lines = []
    for what, kind, names, (linked, one, best, two) in GOALS:
        for image in f.all:
            if image.rpartition("-")[2] not in names:
                continue
            line, found = [f"`{image}`", what], False
            for goal, column, to in [(linked, LINKED, ORIGINAL), (one, ONE, ORIGINAL),
                                     (two, TWO, ONE)]:
                got = goal is not None and f.ratio(image, column, kind, to)
                found |= bool(got) and to == ORIGINAL
                limit = "" if goal is None else f"{goal:.2f}"
                line += [f"{limit}, at best {best:.2f}" if column == ONE and best else limit,
                         pair(got, ratio) if got else ""]
            if found:
                lines.append(line)
    head = ["image", "what", "linked: goal", "reached", "`bch-gc`: goal", "reached",
            "two threads of one: goal", "reached"]
    return [head] + lines if lines else None
