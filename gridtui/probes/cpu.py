"""CPU: shares of time since the reading before, in total and per core. Format: proc(5), /proc/stat; times in clock ticks."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass

from ..model import NOTHING, Unsupported
from .frame import Tier
from .probe import Probe, malformed

FILE = "/proc/stat"
CORES = 4096

Times = tuple[int, ...]
"""user, nice, system, idle, iowait, irq, softirq, steal; guest time is within user."""

# Kernels before 2.6.11 lack steal; none of them has an sshd that we could log in to.
_TOTAL = re.compile(rb"cpu +" + rb" ".join([rb"(\d{1,19})"] * 8) + rb"(?: \d{1,19}){0,4}\n")
_CORE = re.compile(rb"^cpu(\d{1,5}) " + rb" ".join([rb"(\d{1,19})"] * 8) + rb"(?: \d{1,19}){0,4}$", re.M)


@dataclass(frozen=True, slots=True)
class Core:
    """One logical CPU."""

    number: int
    share: float | None
    """Per cent in use since the reading before; None without one."""


@dataclass(frozen=True, slots=True)
class Cpu:
    """Shares of time since the reading before, in per cent; None without one."""

    count: int
    """Logical CPUs online."""
    share: float | None = None
    user: float | None = None
    system: float | None = None
    iowait: float | None = None
    steal: float | None = None
    cores: tuple[Core, ...] = ()


def totals(text: bytes) -> Times | None:
    """The first line's times, or None."""
    match = _TOTAL.match(text)
    return tuple(map(int, match.groups())) if match else None


def cores(text: bytes) -> dict[int, tuple[int, int]]:
    """Core number to (ticks in use, all ticks)."""
    found: dict[int, tuple[int, int]] = {}
    for groups in _CORE.findall(text)[:CORES]:
        number, user, nice, system, idle, iowait, irq, softirq, steal = map(int, groups)
        busy = user + nice + system + irq + softirq + steal
        found[number] = (busy, busy + idle + iowait)
    return found


def count(text: bytes) -> int:
    """Logical CPUs online: what `nproc --all` counts, but for CPUs that are off."""
    return min(text.count(b"\ncpu"), CORES)


def measure(out: MutableMapping[str, float], before: Times, after: Times) -> None:
    """Put the shares between two readings into `out`. Single times may run backwards (iowait does, proc(5)): they count as 0."""
    user, nice, system, idle, iowait, irq, softirq, steal = (
        new - old if new > old else 0 for new, old in zip(after, before, strict=True)
    )
    total = user + nice + system + idle + iowait + irq + softirq + steal
    if total:
        out["cpu"] = 100.0 * (total - idle - iowait) / total
        out["cpu.user"] = 100.0 * (user + nice) / total
        out["cpu.system"] = 100.0 * (system + irq + softirq) / total
        out["cpu.iowait"] = 100.0 * iowait / total
        out["cpu.steal"] = 100.0 * steal / total


def shares(before: Mapping[int, tuple[int, int]], after: Mapping[int, tuple[int, int]]) -> dict[int, float]:
    """Core number to per cent in use between two readings; cores without progress are absent."""
    found: dict[int, float] = {}
    for number, (busy, total) in after.items():
        old = before.get(number)
        if old is not None and total > old[1]:
            found[number] = min(100.0, max(0.0, 100.0 * (busy - old[0]) / (total - old[1])))
    return found


def parse(text: bytes, before: tuple[Times, Mapping[int, tuple[int, int]]] | None = None) -> Cpu | Unsupported:
    """/proc/stat, and the reading before, to shares."""
    now = totals(text)
    if now is None:
        return malformed(text) if text else Unsupported("no /proc/stat")
    out: dict[str, float] = {}
    part: dict[int, float] = {}
    present = cores(text)
    if before is not None:
        measure(out, before[0], now)
        part = shares(before[1], present)
    return Cpu(
        count(text),
        out.get("cpu"),
        out.get("cpu.user"),
        out.get("cpu.system"),
        out.get("cpu.iowait"),
        out.get("cpu.steal"),
        tuple(Core(number, part.get(number)) for number in sorted(present)),
    )


PROBE = Probe("cpu", Tier.FAST, parse, lambda value: NOTHING, files=(FILE,))
