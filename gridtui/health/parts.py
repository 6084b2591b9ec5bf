"""Which file system, sensor, GPU or unit a number is about. Reads the parts of a sample; judges nothing.

Parts are read by attribute and not by type: health knows no probe. A part that is missing, unsupported or looks otherwise costs
that detail and nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

# Metric -> the part (a tuple of items), and the attributes with an item's name and with its value of this metric.
_SOURCES: Mapping[str, tuple[str, str, str]] = {
    "disk": ("filesystems", "mount", "percent"),
    "disk.inodes": ("filesystems", "mount", "inodes_percent"),
    "temp": ("temperatures", "sensor", "celsius"),
    "gpu.temp": ("gpus", "name", "celsius"),
    "units.failed": ("units", "name", ""),
    "posture.drift": ("posture", "name", ""),
}


def culprits(metric: str, parts: Mapping[str, Any], alerts: Callable[[float], bool] | None) -> tuple[str, ...]:
    """Names of the items behind `metric` that are beyond its range, the worst first; of the worst alone when none is."""
    source = _SOURCES.get(metric)
    if source is None:
        return ()
    part, name_of, value_of = source
    items = parts.get(part)
    if not isinstance(items, tuple):
        return ()
    found: list[tuple[float, str]] = []
    for index, item in enumerate(items):
        name = getattr(item, name_of, None)
        value = getattr(item, value_of, None) if value_of else 0.0
        if not isinstance(name, str) or not isinstance(value, int | float) or not math.isfinite(value):
            continue
        # An image or a rescue partition may well be full: the metric does not count it either.
        if getattr(item, "read_only", False):
            continue
        # Eight GPUs of one machine have one name.
        found.append((float(value), f"GPU {index} ({name})" if part == "gpus" else name))
    found.sort(key=lambda pair: -pair[0])
    if not value_of:
        return tuple(name for _, name in found)
    beyond = tuple(name for value, name in found if alerts is not None and alerts(value))
    return beyond or tuple(name for _, name in found[:1])


def clock_error(parts: Mapping[str, Any]) -> float:
    """How far the measured clock offset may be off, in seconds; 0 when not known."""
    bound = getattr(parts.get("clock"), "error", None)
    return float(bound) if isinstance(bound, int | float) and math.isfinite(bound) and bound > 0 else 0.0
