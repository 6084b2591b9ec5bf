"""What the node runs on: mains or battery, and how full that is. Format: the kernel's Documentation/ABI/testing/sysfs-class-power.

A supply is `Mains`, `USB` or `Wireless` (online or not), `UPS`, or `Battery` (charging or not). Batteries of mice and headsets are
there too; their scope is `Device`. Machines without any of these (servers, virtual machines, most desktops) run on mains.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..model import Unsupported
from .frame import Tier
from .probe import Probe, lines, malformed, marker

MOST = 64
"""Supplies looked at on one node."""

_LINE = re.compile(rb"/sys/class/power_supply/([^/]{1,64})/(type|scope|online|status|capacity|present):(.{0,64})")
_CAPACITY = re.compile(rb"[0-9]{1,3}")
_CHARGERS = frozenset({b"Mains", b"USB", b"Wireless"})
_STORES = frozenset({b"Battery", b"UPS"})
_WELL = frozenset({b"Full", b"Not charging"})
_WORDS = frozenset({b"Charging", b"Discharging", b"Not charging", b"Full", b"Unknown"})


@dataclass(frozen=True, slots=True)
class Power:
    """Where the power comes from."""

    on_battery: bool | None
    """None where there is a battery and neither it nor a charger tells."""
    batteries: int = 0
    percent: float | None = None
    """How full, the mean of all batteries; None where they do not tell, or there is none."""
    status: str = ""
    """Of the first battery, in the kernel's words: Charging, Discharging, Not charging, Full, Unknown."""


def parse(text: bytes) -> Power | Unsupported:
    """Lines `PATH:VALUE`; nothing where there is no supply."""
    if not text.strip():
        return Unsupported("no battery")
    supplies: dict[bytes, dict[bytes, bytes]] = {}
    for line in lines(text.rstrip(b"\n"), 6 * MOST):
        match = _LINE.fullmatch(line)
        if match is None:
            return malformed(line)
        supplies.setdefault(match[1], {})[match[2]] = match[3].strip()
    own = [supply for supply in supplies.values() if supply.get(b"scope") != b"Device"]
    stores = [supply for supply in own if supply.get(b"type") in _STORES and supply.get(b"present") != b"0"]
    chargers = [supply for supply in own if supply.get(b"type") in _CHARGERS and b"online" in supply]
    if not stores:
        return Power(False) if chargers else Unsupported("no battery")
    full = [min(100, int(value)) for supply in stores if _CAPACITY.fullmatch(value := supply.get(b"capacity", b""))]
    words = [supply.get(b"status", b"") for supply in stores]
    # A weak charger does not keep up: then the battery discharges on mains. That is mains still, as the kernel counts it
    # (power_supply_is_system_supplied). Boards without a driver for the charger have the battery's word alone.
    if any(supply[b"online"] != b"0" for supply in chargers):
        on_battery: bool | None = False
    elif b"Discharging" in words:
        on_battery = True
    elif b"Charging" in words:
        on_battery = False
    else:
        on_battery = True if chargers else False if any(word in _WELL for word in words) else None
    return Power(
        on_battery=on_battery,
        batteries=len(stores),
        percent=sum(full) / len(full) if full else None,
        status=words[0].decode("ascii") if words[0] in _WORDS else "",
    )


def metrics(value: Power) -> Mapping[str, float]:
    found = {} if value.on_battery is None else {"battery.on": float(value.on_battery)}
    if value.percent is not None:
        found["battery"] = value.percent
    return found


# A function, because "$@" is another probe's. Drivers may have to ask an embedded controller: hence the time limit.
_SETUP = (
    'pw() { set +f; set -- /sys/class/power_supply/*/type; if [ -e "$1" ]; then '
    "$T grep -s . /dev/null /sys/class/power_supply/*/type /sys/class/power_supply/*/scope /sys/class/power_supply/*/online "
    "/sys/class/power_supply/*/status /sys/class/power_supply/*/capacity /sys/class/power_supply/*/present; fi; set -f; }"
)

PROBE = Probe("power", Tier.SLOW, parse, metrics, sections=("power",), setup=_SETUP, fragment=f"{marker('power')}; pw")
