"""The latency board as text with roles: round trips (or another metric) of many nodes over time, on one scale and one axis of time. Pure.

A cell of the strip is a span of time, the same on every row: what happened at one moment stands in one column. It shows the worst that
happened in it; an echo that was lost outweighs all others.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from . import text
from .arrange import Group
from .axes import ages, span
from .columns import GUTTER, Parts
from .heat import BARS, shade
from .metrics import STEPS, Metric, Scale
from .states import GLYPHS, ROLES, WORDS, Face, Kind

LEAST = 16
"""Cells that the strip needs; figures fall before it does."""

Strip = Sequence[float | None]
"""A value a cell: None where nothing was measured, NaN where an echo was lost."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What the values were together; None where there was none. `lost` is in per cent of all echoes."""

    now: float | None
    low: float | None = None
    median: float | None = None
    high: float | None = None
    """The 95th percentile: the nearest rank."""
    top: float | None = None
    lost: float | None = None


def figures(values: Sequence[float]) -> Figures:
    """The figures of a history, oldest first, NaN where there is a gap."""
    known = sorted([value for value in values if value == value])
    if not known:
        return Figures(None, lost=100.0 if values else None)
    count = len(known)
    middle = count // 2
    median = known[middle] if count % 2 else (known[middle - 1] + known[middle]) / 2
    last = values[-1]
    return Figures(
        last if last == last else None,
        known[0],
        median,
        known[min(count - 1, max(0, math.ceil(0.95 * count) - 1))],
        known[-1],
        100.0 * (len(values) - count) / len(values),
    )


def cell_span(seconds: float) -> float:
    """The span of a cell that is at least some seconds: whole ones, and round ones where they are many."""
    return float(math.ceil(seconds - 1e-9)) if seconds <= 60 else span(seconds)


def strip(values: Sequence[float], interval: float, now: float, cells: int, step: float) -> list[float | None]:
    """The newest values on `cells` cells of `step` seconds, the last of which holds `now`.

    Cells begin at whole multiples of their span, not at the newest value: so a value stays in its cell, and the strip moves by whole cells.
    """
    out: list[float | None] = [None] * cells
    if interval <= 0 or step <= 0 or cells <= 0 or not values:
        return out
    # A loss as infinity is the worst for `max`, which is a tenth of the cost of comparing one by one.
    worst = [math.inf if value != value else value for value in values]
    newest = math.floor(now / interval)
    oldest = newest - len(worst) + 1
    ratio = step / interval
    first = math.floor(now / step) - cells + 1
    start = math.ceil(first * ratio - 1e-9)
    # Cells before the oldest value are left out at once.
    skip = max(0, math.floor((oldest - 1) / ratio) - first - 1)
    if skip:
        start = math.ceil((first + skip) * ratio - 1e-9)
    for cell in range(min(skip, cells), cells):
        end = math.ceil((first + cell + 1) * ratio - 1e-9)
        if start > newest:
            break
        # A value stands for the time since the one before it, so cells between two belong to the later one.
        if start >= oldest:
            value = max(worst[start - oldest : end - oldest]) if end > start + 1 else worst[start - oldest]
        elif end > oldest:
            value = max(worst[: end - oldest])
        else:
            start = end
            continue
        out[cell] = math.nan if value == math.inf else value
        start = end
    return out


@dataclass(frozen=True, slots=True)
class Layout:
    """What stands where on a row, for one width."""

    width: int
    name: int
    figures: Sequence[str]
    """The names of the columns between name and strip."""
    cells: int
    """Of a figure."""
    strip: int


_COLUMNS = ("now", "min", "med", "p95", "max", "loss")
_FALL = ("min", "max", "med", "p95", "loss", "now")
"""The columns of figures, and in which order they fall where there is little room."""


def lay_out(width: int, longest: int, metric: Metric) -> Layout:
    """Choose the columns that leave the strip its room."""
    cells = max(metric.cells, 4) + 1
    name = max(8, min(longest, 24 if width >= 120 else 14 if width >= 60 else 10))
    names = [column for column in _COLUMNS if column != "loss" or metric.name == "rtt"]
    rest = width - GUTTER - 4
    for column in _FALL:
        if rest - name - len(names) * cells >= LEAST:
            break
        names = [one for one in names if one != column]
    name = max(4, min(name, rest - LEAST)) if not names else name
    room = rest - name - len(names) * cells
    return Layout(width, name, names, cells, max(0, room))


def titles(layout: Layout, step: float) -> Parts:
    """The head of the columns, with the axis of time."""
    words = " " * (GUTTER + 2) + text.fit("NODE", layout.name)
    words += "".join(text.fit(name.upper(), layout.cells, right=True) for name in layout.figures)
    return ((words + "  ", "header"), (ages(layout.strip, step), "header"))


def row(
    name: str,
    seen: Face,
    found: Figures,
    line: Strip,
    metric: Metric,
    scale: Scale,
    layout: Layout,
    local: bool = False,
) -> Parts:
    """A node's row. A lost echo is marked as such; where the node is down altogether, faintly: one does not look for the moment there."""
    parts: list[tuple[str, str]] = [(f"{seen.glyph} ", seen.role)]
    parts.append((text.fit(name, layout.name), "dim" if seen.silent else "strong"))
    parts += [_figure(column, seen, found, metric, layout, local) for column in layout.figures]
    parts.append(("  ", "text"))
    lost = "faint" if seen.silent else "critical"
    run, role = "", ""
    steps = [(BARS[step], shade(metric, step)) for step in range(STEPS)]
    edges = [scale.edge(step) for step in range(1, STEPS)]
    for value in line:
        if value is None:
            glyph, here = " ", role
        elif value != value:
            glyph, here = (text.LOST, lost) if metric.name == "rtt" else (" ", role)
        else:
            glyph, here = steps[bisect_right(edges, value)]
        if here != role and run:
            parts.append((run, role or "text"))
            run = ""
        run, role = run + glyph, here
    parts.append((run, role or "text"))
    return tuple(parts)


def _figure(column: str, seen: Face, found: Figures, metric: Metric, layout: Layout, local: bool) -> tuple[str, str]:
    if column == "loss":
        if found.lost is None or local:
            return text.fit(text.UNKNOWN, layout.cells, right=True), "faint"
        words = "<1%" if 0 < found.lost < 0.5 else text.percent(found.lost)
        role = "faint" if seen.silent else "dim" if found.lost < 1 else "critical" if found.lost >= 20 else "warning"
        return text.fit(words, layout.cells, right=True), role
    values = {"now": found.now, "min": found.low, "med": found.median, "p95": found.high, "max": found.top}
    value = values[column]
    words, role = metric.form(value), "faint" if value is None or seen.silent else "text"
    if column == "now":
        if seen.silent:
            words, role = WORDS[seen.kind], seen.role
        elif local and metric.name == "rtt":
            words, role = "local", "dim"
        elif value is None and found.lost:
            words, role = "lost", "critical" if found.top is not None else "faint"
    elif value is not None and not seen.silent:
        role = "dim"
    return text.fit(words, layout.cells, right=True), role


def header(group: Group, metric: Metric, layout: Layout) -> Parts:
    """The row of a group: its name, how many are well, the mean."""
    counts = group.counts
    worst = min(counts, default=Kind.UP)
    mean = group.means.get(metric.name)
    words = f"{counts.get(Kind.UP, 0)}/{sum(counts.values())} up"
    more = f"  mean {metric.form(mean)}" if mean is not None else ""
    title = text.plain(f"{'  ' * group.depth}{'▸' if group.folded else '▾'} {group.title}")
    room = max(0, layout.width - GUTTER - 2)
    name = min(room, max(layout.name, text.width(title)))
    return (
        (f"{GLYPHS[worst]} ", ROLES[worst]),
        (text.fit(title, name), "title"),
        (text.fit(f"  {words}{more}", room - name), "dim"),
    )
