"""Curves as braille dots: two columns and four rows of dots in a cell. Owns dots, scales and ticks; pure, knows no widget."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from . import axes

# The bit of each dot in a braille cell (Unicode block 2800), by row from the top and column.
_BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))

Grid = list[list[int]]
"""Rows of cells from the top, each cell the bits of its dots."""


def curve(values: Sequence[float], cells: int, rows: int, low: float, high: float, fill: bool = False) -> Grid:
    """The newest values as a line, right-aligned, one value a dot column.

    NaN is a gap. With `fill`, everything under the line is dotted too. Values outside of `low`..`high` are clamped.
    """
    grid: Grid = [[0] * cells for _ in range(rows)]
    dots_x, dots_y = cells * 2, rows * 4
    recent = values[-dots_x:] if dots_x > 0 else ()
    top = dots_y - 1
    if top < 0:
        return grid
    span = high - low
    start = dots_x - len(recent)
    before: int | None = None
    for offset, value in enumerate(recent):
        if value != value:  # NaN
            before = None
            continue
        # Clamped before it is scaled: far outside, the product would overflow.
        y = top - round((min(max(value, low), high) - low) / span * top) if span > 0 else top
        x = start + offset
        cell, column = x >> 1, x & 1
        if fill:
            first, last = y, top
        elif before is None or before == y:
            first = last = y
        elif before < y:
            first, last = before + 1, y
        else:
            first, last = y, before - 1
        for dot in range(first, last + 1):
            grid[dot >> 2][cell] |= _BITS[dot & 3][column]
        before = y
    return grid


_CHARS = " " + "".join(chr(0x2800 | bits) for bits in range(1, 256))


def text(row: Sequence[int]) -> str:
    """One row of a grid as characters; an empty cell is a blank."""
    return "".join([_CHARS[bits] for bits in row])


def level(value: float, rows: int, low: float, high: float) -> int:
    """The row of cells, from the top, in which `curve` draws a value."""
    top = rows * 4 - 1
    if high <= low:
        return rows - 1
    return (top - round((min(max(value, low), high) - low) / (high - low) * top)) >> 2


def ceiling(values: Sequence[float], least: float = 1.0, base: float = 10.0) -> float:
    """A round number at or above all `values` and `least`: 1, 2 or 5 times a power of ten, or of 1024 in binary units."""
    highest = max((value for value in values if value == value), default=0.0)
    highest = max(highest, least)
    if base == 10.0:
        power = 10.0 ** math.floor(math.log10(highest))
        steps: tuple[float, ...] = (1, 2, 5, 10)
    else:
        power = 1024.0 ** math.floor(math.log(highest, 1024) + 1e-12)
        steps = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1024)
    return next((step * power for step in steps if step * power >= highest * (1 - 1e-12)), steps[-1] * power)


def axis(low: float, high: float, rows: int, name: Callable[[float], str], binary: bool = False) -> list[str]:
    """The label of each row from the top: round values where a curve would have them, three rows apart or more. Others are blank."""
    labels = [""] * rows
    if rows <= 0:
        return labels
    if rows == 1:
        return [name(high)]
    for value in axes.values(low, high, 1 + max(1, (rows - 1) // 3), binary):
        labels[level(value, rows, low, high)] = name(value)
    return labels
