"""Uptime and boot id. Formats: proc(5), /proc/uptime; random(4), /proc/sys/kernel/random/boot_id."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..model import Unsupported
from .frame import Tier
from .probe import Probe, malformed

_UPTIME = re.compile(rb"(\d{1,11}\.\d\d) ")
_BOOT = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Uptime:
    """How long the machine runs, and which run of it this is."""

    seconds: float
    boot_id: str
    """Random, chosen at boot; '' where the node hides it."""


def parse(boot: bytes, uptime: bytes) -> Uptime | Unsupported:
    """The boot id and /proc/uptime."""
    match = _UPTIME.match(uptime)
    if match is None:
        return malformed(uptime) if uptime else Unsupported("no /proc/uptime")
    boot_id = boot.strip()
    return Uptime(float(match[1]), boot_id.decode("ascii") if _BOOT.fullmatch(boot_id) else "")


def metrics(value: Uptime) -> Mapping[str, float]:
    return {"uptime": value.seconds}


PROBE = Probe("uptime", Tier.FAST, parse, metrics, files=("/proc/sys/kernel/random/boot_id", "/proc/uptime"))
