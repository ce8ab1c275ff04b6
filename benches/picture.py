# SPDX-License-Identifier: GPL-2.0-only
"""Time against keys, nodes, buckets and threads, as SVG."""

import math
from xml.sax.saxutils import escape

ORIGINAL, LINKED, ONE, TWO = "original", "linked", "bch-gc 1", "bch-gc 2"
# Colours that differ for everybody; label, colour, dashes.
SERIES = {
    ORIGINAL: ("original, bch2_gc", "#555555", ""),
    LINKED: ("linked, bch2_gc", "#0072b2", ""),
    ONE: ("bch-gc, one thread", "#d55e00", ""),
    TWO: ("bch-gc, two threads", "#e69f00", "6 3"),
}
# Title, unit below, and the images with their place on the axis; None: their nodes.
PANELS = [
    ("Keys", "extents, millions; nodes of 256 KiB",
     [("e100k", 0.1), ("e1m", 1), ("e4m", 4), ("e16m", 16)]),
    ("Nodes", "nodes of 256, 128, 64, 32 KiB; 4 M extents",
     [("e4m", None), ("n128k", None), ("n64k", None), ("n32k", None)]),
    ("Buckets", "buckets, millions; 1,000 extents",
     [("b4m", 4.2), ("b16m", 16.8), ("b24m", 25.2), ("b32m", 33.6)]),
]
# Image, label, colour.
THREADS = [("e4m", "4 M extents", "#d55e00"), ("ino", "2.1 M inodes and names", "#009e73"),
           ("n32k", "4 M extents, nodes of 32 KiB", "#cc79a7")]

WIDTH, HEIGHT, TOP, LEFT, GAP = 420, 270, 92, 84, 96


def text(x, y, said, anchor="middle", size=12, extra=""):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}"'
            f'{extra}>{escape(said)}</text>')


def plain(v):
    return f"{v:,.0f}" if v >= 10 else f"{v:g}"


class Panel:
    """A frame with its axes: places of values, and what is drawn."""

    def __init__(self, at, xs, ys, log_y):
        self.x0 = LEFT + at % 2 * (WIDTH + GAP)
        self.y0 = TOP + at // 2 * (HEIGHT + GAP)
        self.log_y = log_y
        xs = [math.log(x) for x in xs]
        pad = (max(xs) - min(xs)) * 0.06
        self.x_range = (min(xs) - pad, max(xs) + pad)
        self.y_range = (10 ** math.floor(math.log10(min(ys))),
                        10 ** math.ceil(math.log10(max(ys)))) if log_y else (0, max(ys) * 1.35)
        self.out = []

    def x(self, v):
        lo, hi = self.x_range
        return self.x0 + (math.log(v) - lo) / (hi - lo) * WIDTH

    def y(self, v):
        lo, hi = self.y_range
        part = math.log(v / lo) / math.log(hi / lo) if self.log_y else (v - lo) / (hi - lo)
        return self.y0 + (1 - part) * HEIGHT

    def axes(self, title, unit, marks):
        right, bottom = self.x0 + WIDTH, self.y0 + HEIGHT
        self.out.append(text(self.x0, self.y0 - 12, title, "start", 15, ' font-weight="bold"'))
        self.out.append(text(self.x0 + WIDTH / 2, bottom + 40, unit))
        lo, hi = self.y_range
        if self.log_y:
            ticks = [10.0 ** e for e in range(round(math.log10(lo)), round(math.log10(hi)) + 1)]
        else:
            step = 10 ** math.floor(math.log10(hi / 3))
            step *= next(m for m in (1, 2, 5, 10) if hi / (step * m) <= 6)
            ticks = [step * i for i in range(int(hi / step) + 1)]
        for v in ticks:
            y = self.y(v)
            self.out.append(f'<path d="M{self.x0} {y:.1f}H{right}" stroke="#dddddd"/>')
            self.out.append(text(self.x0 - 8, y + 4, f"{plain(v)} ms", "end"))
        for v in marks:
            x = self.x(v)
            self.out.append(f'<path d="M{x:.1f} {bottom}v5" stroke="#333333"/>')
            self.out.append(text(x, bottom + 20, plain(v)))
        self.out.append(f'<path d="M{self.x0} {self.y0}V{bottom}H{right}" fill="none" '
                        'stroke="#333333"/>')

    def line(self, points, colour, dashes=""):
        at = [(self.x(x), self.y(y)) for x, y in points]
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in at)
        dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
        self.out.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"'
                        f'{dashed}/>')
        self.out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in at]


def growth(f, nodes, at, title, unit, images):
    """A panel of time against a size."""
    images = [(image, x or nodes.get(image)) for image, x in images]
    images = [(image, x) for image, x in images if x]
    lines = {}
    for series in SERIES:
        points = [(x, f.get(image, series, "gc")) for image, x in images]
        lines[series] = [(x, y[0]) for x, y in points if y]
    ys = [y for points in lines.values() for _, y in points]
    if len({x for points in lines.values() for x, _ in points}) < 2:
        return []
    p = Panel(at, [x for _, x in images], ys, True)
    p.axes(title, unit, [x for _, x in images])
    for series, points in lines.items():
        if points:
            p.line(points, *SERIES[series][1:])
    return p.out


def threads(f, at):
    """A panel of time against threads."""
    lines = []
    for image, label, colour in THREADS:
        points = [(n, f.get(image, f"bch-gc {n}", "gc")) for n in (1, 2, 4)]
        if all(y for _, y in points):
            lines.append((label, colour, [(n, y[0]) for n, y in points]))
    if not lines:
        return []
    p = Panel(at, [1, 2, 4], [y for _, _, points in lines for _, y in points], False)
    p.axes("Threads", "threads of bch-gc", [1, 2, 4])
    for i, (label, colour, points) in enumerate(lines):
        p.line(points, colour)
        x, y = p.x0 + WIDTH - 230, p.y0 + 12 + 18 * i
        p.out.append(f'<path d="M{x} {y}h22" stroke="{colour}" stroke-width="2"/>')
        p.out.append(text(x + 28, y + 4, label, "start"))
    return p.out


def draw(f, nodes):
    """The picture; None if there are not enough images for any of it. `nodes`: how many
    an image has, by name."""
    panels = [growth(f, nodes, i, *panel) for i, panel in enumerate(PANELS)]
    panels.append(threads(f, len(PANELS)))
    if not any(panels):
        return None
    width, height = LEFT + 2 * WIDTH + GAP + 30, TOP + 2 * (HEIGHT + GAP) - 30
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
           f'width="{width}" height="{height}" font-family="sans-serif" fill="#333333">',
           f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
           text(LEFT, 24, "Mark and sweep: wall time, medians. bch-gc: the whole process.",
                "start", 14)]
    x = LEFT
    for series, (label, colour, dashes) in SERIES.items():
        if any(f.get(image, series, "gc") for image in f.all):
            dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
            out.append(f'<path d="M{x} 46h28" stroke="{colour}" stroke-width="2"{dashed}/>')
            out.append(text(x + 34, 50, label, "start"))
            x += 190
    out += [line for panel in panels for line in panel]
    return "\n".join(out + ["</svg>", ""])
