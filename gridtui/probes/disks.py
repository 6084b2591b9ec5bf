"""Disk I/O. Format: the kernel's Documentation/admin-guide/iostats.rst, /proc/diskstats; a sector there is always 512 bytes.

Whole, real disks only (`devices`): no partitions, loop, RAM, device-mapper or md devices.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass

from ..model import NOTHING, Unsupported, clean
from .devices import MOST, Devices
from .frame import Tier
from .probe import Probe, malformed

Counters = dict[bytes, tuple[int, int, int]]
"""Name to sectors read, sectors written, milliseconds in I/O, all since the boot."""

_LINE = re.compile(
    rb"^ *\d{1,7} +\d{1,7} (\S{1,64}) \d{1,20} \d{1,20} (\d{1,20}) \d{1,20} \d{1,20} \d{1,20} (\d{1,20}) \d{1,20} \d{1,20} (\d{1,20}) ",
    re.M,
)


@dataclass(frozen=True, slots=True)
class Disk:
    """One disk since the reading before; None without one."""

    name: str
    read: float | None = None
    """B/s."""
    written: float | None = None
    """B/s."""
    busy: float | None = None
    """Per cent of the time in which at least one request was under way."""


def counters(text: bytes, devices: Devices) -> Counters:
    """The real disks' counters."""
    wanted = devices.disk
    return {
        name: (int(read), int(written), int(busy))
        for name, read, written, busy in _LINE.findall(text)[: 4 * MOST]
        if wanted(name)
    }


def measure(out: MutableMapping[str, float], before: Counters, after: Counters, seconds: float) -> None:
    """Put the rates between two readings into `out`. A disk whose counters ran backwards (it was replaced) does not count."""
    read = written = 0
    busy = -1
    for name, new in after.items():
        old = before.get(name)
        if old is None or new[0] < old[0] or new[1] < old[1] or new[2] < old[2]:
            continue
        read += new[0] - old[0]
        written += new[1] - old[1]
        busy = max(busy, new[2] - old[2])
    if busy >= 0:
        out["disk.read"] = read * 512.0 / seconds
        out["disk.write"] = written * 512.0 / seconds
        out["disk.busy"] = min(100.0, busy / seconds / 10.0)


def parse(
    text: bytes, devices: Devices | None = None, before: Counters | None = None, seconds: float = 0.0
) -> tuple[Disk, ...] | Unsupported:
    """/proc/diskstats, and the reading before, to rates for each disk."""
    if not text:
        return Unsupported("no /proc/diskstats")
    after = counters(text, devices or Devices())
    if not after and _LINE.search(text) is None:
        return malformed(text) if text.strip() else Unsupported("no disks")
    found: list[Disk] = []
    for name, new in list(after.items())[:MOST]:
        out: dict[str, float] = {}
        if before is not None and seconds > 0:
            measure(out, before, {name: new}, seconds)
        found.append(Disk(clean(name, 64), out.get("disk.read"), out.get("disk.write"), out.get("disk.busy")))
    return tuple(found)


def metrics(value: object) -> Mapping[str, float]:
    return NOTHING


PROBE = Probe("disks", Tier.FAST, parse, metrics, files=("/proc/diskstats",))
