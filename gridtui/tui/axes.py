"""Axes: which values and which ages read well, and where they stand. Pure; knows no widget and no node."""

from __future__ import annotations

import math

SPANS = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 14400, 21600, 43200, 86400)
"""Seconds that read well between two ticks."""

_ROUND = (1.0, 2.0, 2.5, 5.0)


def span(seconds: float) -> float:
    """The round span at or above some seconds."""
    return next(
        (float(one) for one in SPANS if one >= seconds * (1 - 1e-9)), SPANS[-1] * math.ceil(seconds / SPANS[-1])
    )


def ages(cells: int, step: float, least: int = 11, corner: str = "┐") -> str:
    """An axis of time of `cells` cells of `step` seconds: round ages before the tick (`corner`) at their cell, `now` at the last one."""
    line = [" "] * cells
    if cells < 4 or step <= 0:
        return "".join(line)
    line[-4:] = "now" + corner
    gap = span(step * least)
    free = cells - 4
    for number in range(1, cells):
        at = cells - 1 - round(number * gap / step)
        words = f"−{age(number * gap)}{corner}"
        start = at - len(words) + 1
        if start < 0:
            break
        if at < free:
            line[start : at + 1] = words
            free = start
    return "".join(line)


def age(seconds: float) -> str:
    """A round age: `30s`, `5m`, `4:30`, `2h`, `1:30h`, `3d`."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.0f}s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02}" if whole % 60 else f"{whole // 60}m"
    if whole < 86400 or whole % 86400:
        return f"{whole // 3600}:{whole % 3600 // 60:02}h" if whole % 3600 else f"{whole // 3600}h"
    return f"{whole // 86400}d"


def values(low: float, high: float, most: int, binary: bool = False) -> list[float]:
    """Round values from `low` to `high`, at most `most` of them and at least the two ends. In `binary`, round is what bytes are counted in."""
    extent = high - low
    for parts in (10, 8, 5, 4, 3, 2):
        if parts < most and _is_round(extent / parts, binary):
            return [low + extent * part / parts for part in range(parts + 1)]
    return [low, high]


def _is_round(value: float, binary: bool) -> bool:
    if value <= 0 or value == math.inf:
        return False
    if binary:
        value /= math.pow(1024.0, math.floor(math.log(value, 1024) + 1e-9))
        if math.log2(value) % 1 == 0:
            return True
    mantissa = value / math.pow(10.0, math.floor(math.log10(value) + 1e-9))
    return any(abs(mantissa - one) < 1e-6 * one for one in _ROUND)
