"""Load averages and processes. Format: proc(5), /proc/loadavg."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..model import Unsupported
from .frame import Tier
from .probe import Probe, malformed

_LOAD = re.compile(rb"(\d{1,7}\.\d\d) (\d{1,7}\.\d\d) (\d{1,7}\.\d\d) (\d{1,7})/(\d{1,7}) ")


@dataclass(frozen=True, slots=True)
class Load:
    """Load averages, and threads as the kernel counts them (each thread is a task)."""

    one: float
    five: float
    fifteen: float
    running: int
    """Runnable tasks."""
    tasks: int
    """All tasks."""


def parse(text: bytes) -> Load | Unsupported:
    """/proc/loadavg."""
    match = _LOAD.match(text)
    if match is None:
        return malformed(text) if text else Unsupported("no /proc/loadavg")
    one, five, fifteen, running, tasks = match.groups()
    return Load(float(one), float(five), float(fifteen), int(running), int(tasks))


def metrics(value: Load) -> Mapping[str, float]:
    return {
        "load": value.one,
        "load5": value.five,
        "load15": value.fifteen,
        "procs": float(value.tasks),
        "procs.running": float(value.running),
    }


PROBE = Probe("load", Tier.FAST, parse, metrics, files=("/proc/loadavg",))
