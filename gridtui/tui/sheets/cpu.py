"""The processor: its time by kind, its load, each core."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...model import Status
from .. import text
from .words import Parts, Row, View, missing, pair, part

BARS = 8
"""Lines of bars on the page; more cores than fit stand in blocks of eight, a sign each."""
_CELL = 17
_TICKS = "▁▂▃▄▅▆▇"


def cpu(status: Status, cells: int, whole: bool = False) -> list[Parts]:
    """The total by kind, then each core; `whole`: with a bar each, however many there are."""
    value = part(status, "cpu")
    if lines := missing(status, value, "CPU figures"):
        return lines
    kinds = (("user", value.user), ("sys", value.system), ("wait", value.iowait), ("steal", value.steal))
    summary: list[tuple[str, str]] = []
    for name, share in kinds:
        summary += [(f"{name} ", "dim"), (f"{text.percent(share)} ", "text")]
    lines = [tuple(summary)]
    metrics = status.sample.metrics if status.sample else {}
    loads = "  ".join(text.number(metrics.get(name)) for name in ("load", "load5", "load15"))
    lines.append(pair("load", f"{loads}   on {value.count} CPUs", label=5))
    return lines + cores(value.cores, cells, whole)


def cores(found: Sequence[Any], cells: int, whole: bool = False) -> list[Parts]:
    """Bars in as many columns as fit; where these were too many lines, a sign a core."""
    if not found:
        return []
    columns = max(1, min(8 if whole else 4, cells // _CELL))
    rows = -(-len(found) // columns)
    if rows > BARS and not whole:
        return _blocks(found, cells)
    cell = cells // columns
    lines: list[Parts] = []
    for row in range(rows):
        parts: list[tuple[str, str]] = []
        for core in found[row::rows]:
            filled, rest = text.bar(core.share, max(3, cell - 11))
            parts += [(f"{core.number:>3} ", "dim"), (filled, "bar"), (rest, "track")]
            parts.append((text.fit(text.percent(core.share), 5, right=True) + "  ", "text"))
        lines.append(tuple(parts))
    return lines


def _blocks(found: Sequence[Any], cells: int) -> list[Parts]:
    """`  0 ▁▁▃▇▁▁▁▂ ▁▁▁▁▁▅▁▁`: the number of the first core of each line."""
    each = max(1, (cells - 5) // 9) * 8
    lines: list[Parts] = []
    for start in range(0, len(found), each):
        line = found[start : start + each]
        blocks = ["".join(map(_sign, line[at : at + 8])) for at in range(0, len(line), 8)]
        lines.append(((f"{line[0].number:>4} ", "dim"), (" ".join(blocks), "bar")))
    return lines


def _sign(core: Any) -> str:
    return text.UNKNOWN if core.share is None else _TICKS[min(6, int(core.share / 100 * 6.999))]


def rows(view: View, cells: int) -> list[Row]:
    """For the page."""
    return [Row(parts) for parts in cpu(view.status, cells, view.whole)]
