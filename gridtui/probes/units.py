"""Failed systemd units. Format: systemctl(1), `list-units --plain --no-legend`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..model import Unsupported, clean
from .frame import Tier
from .probe import Probe, lines, malformed, marker

MOST = 512

# Older systemd puts a dot or an asterisk in front even of plain lists.
_UNIT = re.compile(rb"(?:[^ -~]{1,4} |\* )? *(\S{1,256}\.[a-z]{1,16}) +(\S{1,32}) +failed +\S{1,32}(?: +(.*))?")
_STATUS = re.compile(rb"status (\d{1,3})")


@dataclass(frozen=True, slots=True)
class Unit:
    """One failed unit."""

    name: str
    text: str
    """Its description."""


def parse(text: bytes) -> tuple[Unit, ...] | Unsupported:
    """`systemctl`'s list and, last, `status N`; or nothing where systemd does not run."""
    if not text.strip():
        return Unsupported("no systemd")
    *listed, last = lines(text.rstrip(b"\n"), 4 * MOST)
    status = _STATUS.fullmatch(last)
    if status is None:
        return malformed(last)
    if status[1] != b"0":
        return Unsupported(f"systemctl ended with status {status[1].decode()}")
    found = [match for line in listed if (match := _UNIT.fullmatch(line.rstrip()))]
    return tuple(Unit(clean(match[1], 256), clean(match[3] or b"", 256)) for match in found[:MOST])


def metrics(value: tuple[Unit, ...]) -> Mapping[str, float]:
    return {"units.failed": float(len(value))}


_SHELL = (
    f"{marker('units')}; if [ -d /run/systemd/system ]; then "
    '$T systemctl list-units --state=failed --all --full --plain --no-legend --no-pager; echo "status $?"; fi'
)

PROBE = Probe("units", Tier.SLOW, parse, metrics, sections=("units",), fragment=_SHELL)
