"""Which file system, sensor or unit a number is about. Reads the parts of a sample; judges nothing.

Parts are read by attribute and not by type: health knows no probe. A part that is missing, unsupported or looks otherwise costs
that detail and nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

# Metric -> the part, the attribute with its items, an item's name, an item's value of this metric. An attribute may have
# several names, the first that is there counts; items may be a mapping of names to values, or names alone.
_SOURCES: Mapping[str, tuple[str, tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "disk": ("disk", ("filesystems", "mounts"), ("mount", "path"), ("percent", "used_percent", "share")),
    "disk.inodes": ("disk", ("filesystems", "mounts"), ("mount", "path"), ("inodes_percent", "inodes", "inode_share")),
    "temp": ("temp", ("sensors",), ("name", "label"), ("celsius", "value", "temp")),
    "gpu.temp": ("gpu", ("gpus", "devices"), ("name",), ("temp", "celsius")),
    "units.failed": ("units", ("failed", "names"), (), ()),
}


def culprits(metric: str, parts: Mapping[str, Any], alerts: Callable[[float], bool] | None) -> tuple[str, ...]:
    """Names of the items behind `metric` that are beyond its range, the worst first; of the worst alone when none is."""
    source = _SOURCES.get(metric)
    if source is None:
        return ()
    part, attributes, names, values = source
    items = _items(parts.get(part), attributes)
    if not names:
        return tuple(str(item) for item in items if isinstance(item, str))
    found: list[tuple[float, str]] = []
    for item in items:
        name, value = _first(item, names), _first(item, values)
        if isinstance(name, str) and isinstance(value, int | float) and math.isfinite(value):
            found.append((float(value), name))
    found.sort(key=lambda pair: -pair[0])
    beyond = tuple(name for value, name in found if alerts is not None and alerts(value))
    return beyond or tuple(name for _, name in found[:1])


def clock_error(parts: Mapping[str, Any]) -> float:
    """How far the measured clock offset may be off, in seconds; 0 when not known."""
    bound = _first(parts.get("clock"), ("error", "bound", "uncertainty"))
    return float(bound) if isinstance(bound, int | float) and math.isfinite(bound) and bound > 0 else 0.0


def _items(part: Any, attributes: Iterable[str]) -> Iterable[Any]:
    items = part if isinstance(part, tuple | list) else _first(part, attributes)
    return items if isinstance(items, tuple | list) else ()


def _first(thing: Any, attributes: Iterable[str]) -> Any:
    return next((getattr(thing, name) for name in attributes if hasattr(thing, name)), None)
