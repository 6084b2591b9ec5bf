"""Security updates: which wait, how old the lists are that say so, and whether they are installed by themselves. Pure.

Formats: apt-get(8) `-s dist-upgrade` (`Inst name [old] (new origin [arch])`), `apt-config dump`, dnf's and yum's `updateinfo list`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..model import Unsupported
from .answer import Automatic, Updates

MOST = 512

_INST = re.compile(
    rb"Inst ([a-z0-9][a-z0-9+.-]{0,127})(?::[a-z0-9]{1,16})? (?:\[\S{1,128}\] )?\((\S{1,128}) (.{1,400}?)(?:\).*)?"
)
_SECURITY = re.compile(rb"(?i)\bDebian-Security:|[\w-]-security\b|\bsecurity\b|ESM:")
# dnf 4 and yum: `ADVISORY Important/Sec. package`; dnf 5: `ADVISORY security Important package date`.
_DNF4 = re.compile(rb"\S{1,64} +(?:[A-Za-z]{1,16}/)?Sec\.? +(\S{1,200})")
_DNF5 = re.compile(rb"\S{1,64} +security +\S{1,16} +(\S{1,200})(?: +.*)?")
_NEVRA = re.compile(rb"([A-Za-z0-9][A-Za-z0-9+._-]{0,127}?)-(?:[0-9]{1,9}:)?[^-]{1,64}-[^-]{1,64}")
_LISTED = re.compile(rb"listed ([0-9]{1,11})")


def updates(found: Mapping[str, bytes], here: int | None) -> Updates | Unsupported:
    """Pending updates. `here` is the node's own clock: the files' times are its, too."""
    for manager, reader in (("apt", _apt), ("dnf", _dnf)):
        text = found.get(f"updates.{manager}")
        if text is None:
            continue
        rows = [line.rstrip() for line in text.split(b"\n")[:2048]]
        times = [int(match[1]) for line in rows if (match := _LISTED.fullmatch(line))]
        age = None if here is None or not times else float(max(0, here - max(times)))
        if b"complete" not in rows:
            return Unsupported(f"{manager} gave no answer")
        return reader(rows, age)
    return Unsupported("not told")


def _apt(rows: list[bytes], age: float | None) -> Updates | Unsupported:
    lists = [line[5:] for line in rows if line.startswith(b"list ")]
    if not any(line.endswith(b"_Packages") or b"_Packages." in line for line in lists):
        return Unsupported("there are no package lists: apt-get update never ran")
    found = [match for line in rows if (match := _INST.fullmatch(line))]
    security = sorted({match[1].decode("ascii") for match in found if _SECURITY.search(match[3])})
    # Sources without a suite of their own for security give their updates with all others.
    source = any(b"security" in line.lower() for line in lists)
    return Updates("apt", tuple(security[:MOST]), len({match[1] for match in found}) - len(security), age, source)


def _dnf(rows: list[bytes], age: float | None) -> Updates | Unsupported:
    if age is None:
        return Unsupported("there are no package lists: dnf makecache never ran")
    packages = {match[1] for line in rows if (match := _DNF4.fullmatch(line) or _DNF5.fullmatch(line))}
    names = sorted({match[1].decode("ascii") for package in packages if (match := _NEVRA.fullmatch(package))})
    return Updates("dnf", tuple(names[:MOST]), 0, age)


_PERIODIC = re.compile(rb'APT::Periodic::(Enable|Unattended-Upgrade|Update-Package-Lists) "([0-9a-z]{1,16})";')
_TIMERS = (b"dnf-automatic.timer", b"dnf-automatic-install.timer", b"dnf5-automatic.timer")


def automatic(found: Mapping[str, bytes]) -> Automatic | Unsupported:
    """Whether security updates are installed without a person."""
    if "automatic.apt" in found:
        return _apt_automatic([line.strip() for line in found["automatic.apt"].split(b"\n")[:64]])
    if "automatic.dnf" in found:
        rows = [line.split() for line in found["automatic.dnf"].split(b"\n")[:64]]
        enabled = [
            row[0].decode("ascii") for row in rows if len(row) == 2 and row[0] in _TIMERS and row[1] == b"enabled"
        ]
        applies = any(
            b"".join(row).lower() in (b"apply_updates=yes", b"apply_updates=true", b"apply_updates=1") for row in rows
        )
        if not enabled:
            return Automatic(False, "no timer of dnf-automatic is enabled")
        if applies or "dnf-automatic-install.timer" in enabled:
            return Automatic(True, enabled[0])
        return Automatic(False, f"{enabled[0]} only tells of updates (apply_updates)")
    return Unsupported("not told")


def _apt_automatic(rows: list[bytes]) -> Automatic:
    values = {match[1].decode("ascii"): match[2] for line in rows if (match := _PERIODIC.fullmatch(line))}
    timer = next((line[6:].decode("ascii", "replace") for line in rows if line.startswith(b"timer ")), "enabled")
    off = (b"0", b"no", b"false")
    if b"program" not in rows:
        return Automatic(False, "unattended-upgrades is not installed")
    if values.get("Enable", b"1") in off or values.get("Unattended-Upgrade", b"0") in off:
        return Automatic(False, "APT::Periodic::Unattended-Upgrade is off")
    if timer not in ("enabled", "static", "enabled-runtime"):
        return Automatic(
            False, f"apt-daily-upgrade.timer is {timer if re.fullmatch('[a-z-]{1,20}', timer) else 'not enabled'}"
        )
    return Automatic(True, "unattended-upgrades")
