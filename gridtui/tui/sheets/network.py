"""Interfaces, and the way to the node."""

from __future__ import annotations

from ...model import PingMethod, Status
from ...model import size as in_bytes
from .. import text
from ..top import METHODS
from .words import Parts, missing, pair, part


def network(status: Status, cells: int) -> list[Parts]:
    """Each interface's flow and errors."""
    value = part(status, "network")
    if lines := missing(status, value, "interfaces"):
        return lines
    longest = min(15, max((text.width(one.name) for one in value), default=1))
    lines = []
    for one in value:
        parts: list[tuple[str, str]] = [
            (text.fit(one.name, longest), "dim"),
            (f" ↓{text.amount(one.received):>6} ↑{text.amount(one.sent):>6}", "text"),
        ]
        if one.errors:
            parts.append((f"  {one.errors:.1f} errors/s", "warning"))
        lines.append(tuple(parts))
    return lines


def reach(status: Status, cells: int) -> list[Parts]:
    """Round trips, and what a sample costs."""
    trips = status.trips
    lines: list[Parts] = []
    if trips.method is PingMethod.LOCAL:
        lines.append((("this machine, nothing to measure", "dim"),))
    elif trips.sent:
        lines.append(pair("measured", f"by {METHODS[trips.method][0]}, {trips.sent} sent"))
        spread = " / ".join(text.seconds(value) for value in (trips.min, trips.avg, trips.max))
        lines += [
            pair("min/avg/max" if not at else "", part, label=12)
            for at, part in enumerate(text.fold(spread, max(12, cells - 12)))
        ]
        lines.append(pair("jitter", f"{text.seconds(trips.jitter)}, loss {text.percent(trips.loss)}"))
    sample = status.sample
    if sample is not None:
        cost = sample.cost
        cpu_time = "CPU not known" if cost.node_cpu is None else f"{cost.node_cpu * 1000:.1f} ms of its CPU"
        told = f"{cpu_time}, {in_bytes(cost.bytes)}, in {text.seconds(cost.seconds)}"
        lines += [
            pair("a sample" if not at else "", part) for at, part in enumerate(text.fold(told, max(12, cells - 10)))
        ]
        if (clock := sample.metrics.get("clock")) is not None:
            lines.append(pair("clock", _apart(clock)))
    return lines


def _apart(clock: float) -> str:
    """How far a node's clock is from the one here."""
    if abs(clock) < 0.001:
        return "as here"
    return f"{text.seconds(abs(clock))} {'ahead of' if clock > 0 else 'behind'} here"
