"""Temperatures. Formats: the kernel's Documentation/hwmon/sysfs-interface.rst and driver-api/thermal/sysfs-api.rst (millidegrees)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..model import Unsupported, clean
from .frame import Tier
from .probe import Probe, lines, marker

MOST = 512

_LINE = re.compile(
    rb"/sys/class/(hwmon/hwmon|thermal/thermal_zone)(\d{1,5})/(?:device/)?(name|type|temp|temp(\d{1,4})_(input|label|crit)):(.*)"
)
_MILLI = re.compile(rb"-?\d{1,7}")
# Sensors that are not wired report rails such as -128, 0, 127.5 or 255 degrees; nothing that runs is that cold or hot.
_LOWEST, _HIGHEST = -55.0, 150.0


@dataclass(frozen=True, slots=True)
class Temperature:
    """One sensor, °C."""

    sensor: str
    celsius: float
    critical: float | None = None
    """Where the hardware itself calls it critical."""


def parse(text: bytes) -> tuple[Temperature, ...] | Unsupported:
    """Lines `PATH:VALUE` of hwmon's and the thermal zones' files."""
    names: dict[tuple[bytes, bytes], str] = {}
    labels: dict[tuple[bytes, bytes, bytes], str] = {}
    inputs: dict[tuple[bytes, bytes, bytes], float] = {}
    limits: dict[tuple[bytes, bytes, bytes], float] = {}
    for line in lines(text, 4 * MOST):
        match = _LINE.fullmatch(line)
        if match is None:
            continue
        kind, number, file, index, what, value = match.groups()
        if file in (b"name", b"type"):
            names[kind, number] = clean(value, 32)
        elif what == b"label":
            labels[kind, number, index] = clean(value, 32)
        elif _MILLI.fullmatch(value) and _LOWEST < (celsius := int(value) / 1000) < _HIGHEST:
            (limits if what == b"crit" else inputs)[kind, number, index or b""] = celsius
    if not inputs:
        return Unsupported("no temperature sensors")
    found: list[Temperature] = []
    for (kind, number, index), celsius in list(inputs.items())[:MOST]:
        base = names.get((kind, number)) or f"{kind.decode().rpartition('/')[2]}{number.decode()}"
        label = labels.get((kind, number, index)) or (f"temp{index.decode()}" if index else "")
        found.append(Temperature(f"{base} {label}".strip(), celsius, limits.get((kind, number, index))))
    return tuple(found)


def metrics(value: tuple[Temperature, ...]) -> Mapping[str, float]:
    return {"temp": max(item.celsius for item in value)}


_SHELL = (
    "t() { set +f; set -- /sys/class/hwmon/hwmon*/temp*_input /sys/class/thermal/thermal_zone*/temp "
    "/sys/class/hwmon/hwmon*/name /sys/class/hwmon/hwmon*/temp*_label /sys/class/hwmon/hwmon*/temp*_crit /sys/class/thermal/thermal_zone*/type; set -f; "
    'for i in "$@"; do case $i in *input|*/temp) if [ -e "$i" ]; then $T grep -s . /dev/null "$@"; break; fi;; esac; done; }'
)

PROBE = Probe(
    "temperatures",
    Tier.SLOW,
    parse,
    metrics,
    sections=("temperatures",),
    setup=_SHELL,
    fragment=f"{marker('temperatures')}; t",
)
