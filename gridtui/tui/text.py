"""Numbers and names as short text of a known width. Owns formats, bars and sparklines; knows no widget and no node.

Unknown is `UNKNOWN`, never a zero. Everything here gives plain text: no markup, no control characters.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size

from ..model import clean

UNKNOWN = "·"
"""Stands for a value that is not known."""

LOST = "×"
"""Stands for a lost echo in a sparkline."""

_TICKS = "▁▂▃▄▅▆▇"  # without the full block, which would run into the row above


def width(text: str) -> int:
    """Cells that `text` takes in a terminal."""
    return len(text) if text.isascii() else cell_len(text)


def fit(text: str, cells: int, right: bool = False) -> str:
    """`text` in exactly `cells` cells: padded, or cut with an ellipsis; a wide character is never cut in half."""
    if cells <= 0:
        return ""
    text = clean(text)
    have = width(text)
    if have > cells:
        return set_cell_size(text, cells - 1) + "…"
    pad = " " * (cells - have)
    return pad + text if right else text + pad


def plain(text: str) -> str:
    """Text from a node or an inventory, neutralised, at its own length."""
    return clean(text)


def percent(value: float | None) -> str:
    """`7%`, `100%`."""
    return UNKNOWN if _missing(value) else f"{value:.0f}%"


def seconds(value: float | None) -> str:
    """A round trip in at most seven cells: `14 µs`, `0.21 ms`, `12.3 ms`, `240 ms`, `1.2 s`. Nothing at all is `0 ms`, as an axis begins."""
    if value is None or math.isnan(value):
        return UNKNOWN
    milli = value * 1000
    if milli < 0.1:
        micro = milli * 1000
        return "0 ms" if micro <= 0 else "<1 µs" if micro < 0.5 else f"{micro:.0f} µs"
    if milli < 1:
        return f"{milli:.2f} ms"
    if milli < 100:
        return f"{milli:.1f} ms"
    if milli < 1000:
        return f"{milli:.0f} ms"
    return f"{value:.1f} s"


def number(value: float | None) -> str:
    """A plain number in at most five cells: `0.42`, `12.3`, `140`, `3.2k`."""
    if value is None or math.isnan(value):
        return UNKNOWN
    if value < 10:
        return f"{value:.2f}"
    if value < 100:
        return f"{value:.1f}"
    if value < 10_000:
        return f"{value:.0f}"
    return f"{value / 1000:.0f}k"


def amount(value: float | None) -> str:
    """Bytes (or bytes a second) in at most five cells: `0`, `512`, `1.5k`, `12.3M` (1 k = 1024)."""
    if value is None or math.isnan(value):
        return UNKNOWN
    if value < 1000:
        return f"{value:.0f}"
    for unit in "kMGTP":
        value /= 1024
        if value < 1000 or unit == "P":
            break
    return f"{value:.0f}{unit}" if value >= 100 else f"{value:.1f}{unit}"


def degrees(value: float | None) -> str:
    """`47°`."""
    return UNKNOWN if _missing(value) else f"{value:.0f}°"


def age(value: float | None) -> str:
    """A duration in at most seven cells: `42s`, `3m`, `2h 5m`, `12d 3h`, `400d`."""
    if value is None or math.isnan(value):
        return UNKNOWN
    left = max(0, int(value))
    if left < 60:
        return f"{left}s"
    if left < 3600:
        return f"{left // 60}m"
    if left < 86400:
        return f"{left // 3600}h {left % 3600 // 60}m"
    days, hours = left // 86400, left % 86400 // 3600
    return f"{days}d {hours}h" if days < 100 else f"{days}d"


def bar(value: float | None, cells: int) -> tuple[str, str]:
    """A bar of 0 to 100 per cent as (filled, rest): heavy against light lines, so that it also reads without colour."""
    if value is None or math.isnan(value):
        return "", " " * cells
    halves = round(max(0.0, min(100.0, value)) / 100 * cells * 2)
    if value > 0 and not halves:
        halves = 1
    filled = "━" * (halves // 2) + "╸" * (halves % 2)
    return filled, "─" * (cells - len(filled))


def spark(values: Sequence[float], cells: int, least: float = 0.0) -> str:
    """The newest `cells` values as ticks, right-aligned; NaN is `LOST`.

    The floor is the smallest value; the ceiling is at least twice the floor and at least `least` above it, so that a steady
    line stays low and calm and only what doubles stands out.
    """
    recent = values[-cells:] if cells > 0 else ()
    known = [value for value in recent if value == value]  # not NaN
    if not known:
        return (LOST * len(recent)).rjust(cells)
    low = min(known)
    span = max(max(known) - low, low, least, 1e-9)
    ticks = [LOST if value != value else _TICKS[min(6, int((value - low) / span * 6.999))] for value in recent]
    return "".join(ticks).rjust(cells)


def ticks(values: Sequence[float], cells: int, high: float | None = None, least: float = 1.0) -> str:
    """The newest `cells` values as ticks over zero, right-aligned; NaN is a blank. `high` is the top; None: the most there is, `least` at the least."""
    recent = values[-cells:] if cells > 0 else ()
    top = high if high is not None else max((value for value in recent if value == value), default=least)
    top = max(top, least)
    return "".join(
        [" " if value != value else _TICKS[min(6, max(0, int(value / top * 6.999)))] for value in recent]
    ).rjust(cells)


def _missing(value: float | None) -> bool:
    return value is None or math.isnan(value)


def window(text: str, start: int, cells: int) -> str:
    """The part of neutral `text` that begins at cell `start` and takes at most `cells` cells. A wide character that is cut at the left is a blank."""
    if text.isascii():
        return text[start : start + cells]
    at = used = 0
    shown: list[str] = []
    for char in text:
        takes = cell_len(char)
        if at >= start:
            if used + takes > cells:
                break
            shown.append(char)
            used += takes
        elif at + takes > start:
            shown.append(" ")
            used += 1
        at += takes
    return "".join(shown)


def fold(text: str, cells: int) -> list[str]:
    """Neutral `text` in lines of at most `cells` cells: broken behind blanks and commas where there are some, else anywhere."""
    lines: list[str] = []
    line, room = "", cells
    for piece in re.findall(r"[^ ,]*[ ,]?", text):
        takes = width(piece)
        if takes > room and line:
            lines.append(line.rstrip())
            line, room = "", cells
        while takes > cells:
            head = window(piece, 0, cells)
            lines.append(head)
            piece = piece[len(head) :]
            takes = width(piece)
        line += piece
        room -= takes
    return [*lines, line.rstrip()] if line.strip() or not lines else lines
