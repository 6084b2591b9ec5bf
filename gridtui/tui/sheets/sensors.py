"""Temperatures and GPUs."""

from __future__ import annotations

from ...model import Status
from ...model import size as in_bytes
from .. import text
from .words import Parts, missing, part, share


def temperatures(status: Status, cells: int) -> list[Parts]:
    """Sensors, hottest first."""
    value = part(status, "temperatures")
    if lines := missing(status, value, "sensors"):
        return lines
    lines = []
    for one in sorted(value, key=lambda one: -one.celsius):
        limit = f" critical at {text.degrees(one.critical)}" if one.critical else ""
        role = "critical" if one.critical and one.celsius >= one.critical else "text"
        name = text.fit(one.sensor, max(8, min(26, cells - 24)))
        lines.append(
            ((name, "dim"), (f" {text.fit(text.degrees(one.celsius), 5, right=True)}", role), (limit, "faint"))
        )
    return lines


def gpus(status: Status, cells: int) -> list[Parts]:
    """Each GPU's use, memory, temperature and power."""
    value = part(status, "gpus")
    if lines := missing(status, value, "GPU"):
        return lines
    lines = []
    for number, one in enumerate(value):
        lines.append(((f"{number} ", "dim"), (text.plain(one.name), "text")))
        lines.append(share("  use", one.share, cells, f"{text.degrees(one.celsius)} {text.number(one.watts)} W"))
        if one.memory:
            used = None if one.memory_used is None else 100 * one.memory_used / one.memory
            lines.append(share("  memory", used, cells, f"of {in_bytes(one.memory)}"))
    return lines
