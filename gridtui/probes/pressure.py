"""Pressure stall information. Format: the kernel's Documentation/accounting/psi.rst. Absent before Linux 4.20 and where disabled."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..model import Unsupported
from .frame import Tier
from .probe import Probe, malformed

_SOME = re.compile(rb"some avg10=(\d{1,3}\.\d\d) ")
_FULL = re.compile(rb"\nfull avg10=(\d{1,3}\.\d\d) ")


@dataclass(frozen=True, slots=True)
class Pressure:
    """Per cent of the last 10 s in which some, or all, tasks waited. None where the kernel does not tell."""

    cpu: float | None
    memory: float | None
    io: float | None
    memory_full: float | None
    io_full: float | None


def parse(cpu: bytes, memory: bytes, io: bytes) -> Pressure | Unsupported:
    """/proc/pressure/cpu, memory and io."""
    values = (_value(_SOME.match(cpu)), _value(_SOME.match(memory)), _value(_SOME.match(io)))
    if values == (None, None, None):
        return malformed(cpu) if cpu.strip() else Unsupported("the kernel has no pressure information")
    return Pressure(*values, _value(_FULL.search(memory)), _value(_FULL.search(io)))


def _value(match: re.Match[bytes] | None) -> float | None:
    return min(100.0, float(match[1])) if match else None


def metrics(value: Pressure) -> Mapping[str, float]:
    pairs = (
        ("psi.cpu", value.cpu),
        ("psi.mem", value.memory),
        ("psi.io", value.io),
        ("psi.mem.full", value.memory_full),
        ("psi.io.full", value.io_full),
    )
    return {name: number for name, number in pairs if number is not None}


PROBE = Probe(
    "pressure",
    Tier.FAST,
    parse,
    metrics,
    files=("/proc/pressure/cpu", "/proc/pressure/memory", "/proc/pressure/io"),
)
