"""Memory and swap in use, and how much of the time tasks waited for something."""

from __future__ import annotations

from ...model import Status
from ...model import size as in_bytes
from .. import text
from .words import Parts, missing, pair, part, share


def memory(status: Status, cells: int) -> list[Parts]:
    """Memory and swap."""
    metrics = status.sample.metrics if status.sample else {}
    value = part(status, "memory")
    if lines := missing(status, value, "memory figures"):
        return lines
    lines = [share("memory", metrics.get("mem"), cells, "of " + in_bytes(value.total))]
    lines.append(pair("", f"{in_bytes(value.available)} free, {in_bytes(value.cached + value.buffers)} caches", "dim"))
    if value.swap_total:
        lines.append(share("swap", metrics.get("swap"), cells, "of " + in_bytes(value.swap_total)))
    else:
        lines.append(pair("swap", "none", "dim"))
    return lines


def pressure(status: Status, cells: int) -> list[Parts]:
    """The share of the last 10 s in which some tasks waited, and in which all did."""
    value = part(status, "pressure")
    if lines := missing(status, value, "pressure information"):
        return lines
    kinds = (("cpu", value.cpu, None), ("memory", value.memory, value.memory_full), ("io", value.io, value.io_full))
    return [
        share(name, some, cells, f"all {text.percent(full)}" if full is not None else "")
        for name, some, full in kinds
        if some is not None
    ]
