"""What is kept of one reading to take rates at the next: in memory, or as JSON from one run of `check` to the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .cpu import CORES, Times, cores
from .devices import MOST

Devices = dict[bytes, tuple[int, int, int]]

_TOP = 1 << 70


@dataclass(slots=True)
class Counters:
    """Counters since boot, at one moment of the node's uptime."""

    boot_id: str
    uptime: float
    times: Times | None
    stat: bytes
    """/proc/stat's lines for the cores, gone through only when somebody asks; b"" when they come from JSON."""
    disks: Devices
    nets: Devices
    known: Mapping[int, tuple[int, int]] | None = None

    def cores(self) -> Mapping[int, tuple[int, int]]:
        """Core number to (ticks in use, all ticks)."""
        if self.known is None:
            self.known = cores(self.stat)
        return self.known

    def to_json(self) -> dict[str, Any]:
        """Compact and JSON-able."""
        return {
            "boot_id": self.boot_id,
            "uptime": self.uptime,
            "cpu": list(self.times or ()),
            "cores": {str(number): list(pair) for number, pair in self.cores().items()},
            "disks": {name.decode("latin-1"): list(value) for name, value in self.disks.items()},
            "nets": {name.decode("latin-1"): list(value) for name, value in self.nets.items()},
        }


def from_json(data: object) -> Counters | None:
    """Counters that `to_json` gave; None for anything else: a damaged state file costs one run's rates, never the run."""
    if not isinstance(data, dict):
        return None
    boot_id, uptime = data.get("boot_id"), data.get("uptime")
    if not isinstance(boot_id, str) or not boot_id or not isinstance(uptime, float | int) or not 0 <= uptime < 1e12:
        return None
    times = _numbers(data.get("cpu"), 8)
    found: dict[int, tuple[int, int]] = {}
    for number, pair in _table(data.get("cores"), CORES):
        numbers = _numbers(pair, 2)
        if numbers is not None and number.isascii() and number.isdigit() and len(number) < 6:
            found[int(number)] = (numbers[0], numbers[1])
    return Counters(boot_id, float(uptime), times, b"", _devices(data.get("disks")), _devices(data.get("nets")), found)


def _devices(data: object) -> Devices:
    found: Devices = {}
    for name, value in _table(data, MOST):
        numbers = _numbers(value, 3)
        if numbers is not None:
            found[name.encode("latin-1", "replace")] = (numbers[0], numbers[1], numbers[2])
    return found


def _table(data: object, most: int) -> list[tuple[str, object]]:
    if not isinstance(data, dict):
        return []
    return [(key, value) for key, value in data.items() if isinstance(key, str)][:most]


def _numbers(data: object, count: int) -> tuple[int, ...] | None:
    if not isinstance(data, list | tuple) or len(data) != count:
        return None
    numbers = tuple(item for item in data if type(item) is int and 0 <= item < _TOP)
    return numbers if len(numbers) == count else None
