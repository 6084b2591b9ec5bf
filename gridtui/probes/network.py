"""Network I/O. Format: proc(5), /proc/net/dev.

Real interfaces only (`devices`): what passes a bridge, bond, VLAN, tunnel or veth passes a real one as well. Never `lo`.
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
"""Name to bytes received, bytes sent, errors and drops in both directions, all since the interface came up."""

# face | bytes packets errs drop fifo frame compressed multicast | bytes packets errs drop fifo colls carrier compressed
_LINE = re.compile(
    rb"^ *([^\s:]{1,15}): *(\d{1,20}) +\d{1,20} +(\d{1,20}) +(\d{1,20}) +\d{1,20} +\d{1,20} +\d{1,20} +\d{1,20}"
    rb" +(\d{1,20}) +\d{1,20} +(\d{1,20}) +(\d{1,20}) ",
    re.M,
)


@dataclass(frozen=True, slots=True)
class Interface:
    """One interface since the reading before; None without one."""

    name: str
    received: float | None = None
    """B/s."""
    sent: float | None = None
    """B/s."""
    errors: float | None = None
    """Errors and drops, 1/s."""


def counters(text: bytes, devices: Devices) -> Counters:
    """The real interfaces' counters."""
    wanted = devices.net
    return {
        name: (int(received), int(sent), int(a) + int(b) + int(c) + int(d))
        for name, received, a, b, sent, c, d in _LINE.findall(text)[: 4 * MOST]
        if wanted(name)
    }


def measure(out: MutableMapping[str, float], before: Counters, after: Counters, seconds: float) -> None:
    """Put the rates between two readings into `out`. An interface whose counters ran backwards (it was replaced) does not count."""
    received = sent = errors = 0
    known = False
    for name, new in after.items():
        old = before.get(name)
        if old is None or new[0] < old[0] or new[1] < old[1] or new[2] < old[2]:
            continue
        known = True
        received += new[0] - old[0]
        sent += new[1] - old[1]
        errors += new[2] - old[2]
    if known:
        out["net.rx"] = received / seconds
        out["net.tx"] = sent / seconds
        out["net.errors"] = errors / seconds


def parse(
    text: bytes, devices: Devices | None = None, before: Counters | None = None, seconds: float = 0.0
) -> tuple[Interface, ...] | Unsupported:
    """/proc/net/dev, and the reading before, to rates for each interface."""
    if not text:
        return Unsupported("no /proc/net/dev")
    if not text.startswith(b"Inter-|"):
        return malformed(text)
    found: list[Interface] = []
    for name, new in list(counters(text, devices or Devices()).items())[:MOST]:
        out: dict[str, float] = {}
        if before is not None and seconds > 0:
            measure(out, before, {name: new}, seconds)
        found.append(Interface(clean(name, 64), out.get("net.rx"), out.get("net.tx"), out.get("net.errors")))
    return tuple(found)


def metrics(value: object) -> Mapping[str, float]:
    return NOTHING


PROBE = Probe("network", Tier.FAST, parse, metrics, files=("/proc/net/dev",))
