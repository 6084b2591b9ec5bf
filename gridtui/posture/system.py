"""The rest of the answer: accounts, the kernel's settings, services, and what watches over the node. Pure.

Formats: os-release(5), passwd(5), shadow(5), sudoers(5), `systemd-analyze security`, timedatectl(1), /proc/sys (proc(5)), sysfs,
Lynis' report file, and what the question prints of its own (`question.sh`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from ..model import Unsupported, clean
from .answer import Absent, Accounts, Clock, Detection, Lynis, Mandatory, Reboot, Service, Services

_MOST = 64
_UNTOLD = Unsupported("not told")


def _rows(found: Mapping[str, bytes], name: str, most: int = _MOST) -> list[bytes]:
    """The first lines of a section. Raises KeyError where it did not come."""
    return [line.rstrip() for line in found[name].split(b"\n", most)[:most]]


def release(text: bytes) -> str:
    """`ID` of os-release."""
    match = re.search(rb"^ID=[\"']?([a-z0-9._-]{1,32})[\"']?$", text, re.M)
    return match[1].decode("ascii") if match else ""


_EXPOSURE = re.compile(
    r"\s*(?:\S{1,4}\s+)?([A-Za-z0-9:_.@\\-]{1,128}\.service)\s+([0-9]{1,2}\.[0-9])\s+[A-Z]{2,16}\b.{0,40}"
)


def services(found: Mapping[str, bytes], known: Services | None) -> Services | Unsupported | Absent:
    """How exposed each service is; `known` where the node says that nothing changed since."""
    if "services.none" in found:
        return Absent("no systemd")
    if "services.same" in found:
        checksum = found["services.same"].strip().decode("ascii", "replace")
        return known if known is not None and known.checksum == checksum else _UNTOLD
    if "services" not in found:
        return _UNTOLD
    first, *rows = _rows(found, "services", 512)
    if not re.fullmatch(rb"[0-9]{1,32}", first):
        return _UNTOLD
    matches = [match for row in rows if (match := _EXPOSURE.fullmatch(clean(row, 200)))]
    units = tuple(Service(match[1], float(match[2])) for match in matches if float(match[2]) <= 10)
    return Services(first.decode("ascii"), units) if units else Unsupported("malformed: systemd-analyze security")


_DAEMONS = ("chronyd", "ntpd", "openntpd", "ntpsec", "systemd-timesyn", "systemd-timesyncd")


def clock(found: Mapping[str, bytes], container: bool) -> Clock | Unsupported | Absent:
    """Whether something keeps the clock right. A container has its host's."""
    if container:
        return Absent("a container has its host's clock")
    if "clock" not in found:
        return _UNTOLD
    rows = [line.decode("ascii", "replace") for line in _rows(found, "clock")]
    daemons = [row for row in rows if row in _DAEMONS]
    if "NTPSynchronized=yes" in rows:
        return Clock(True, daemons[0] if daemons else "")
    if daemons:
        # Just started, or a daemon that timedatectl does not know: it keeps the clock, or will.
        return Clock("NTPSynchronized=no" not in rows, f"{daemons[0]} runs, and the clock is not synchronised")
    return Clock(False, "no time daemon runs")


def accounts(found: Mapping[str, bytes]) -> Accounts | Unsupported:
    """Accounts with uid 0 or an empty password."""
    rows = _rows(found, "accounts", 128)
    names: dict[bytes, list[str]] = {b"uid0": [], b"empty": []}
    for row in rows:
        kind, _, name = row.partition(b" ")
        if name and kind in names:
            names[kind].append(clean(name, 64))
    if not names[b"uid0"]:
        return Unsupported("malformed: no account has uid 0")
    return Accounts(tuple(dict.fromkeys(names[b"uid0"])), tuple(dict.fromkeys(names[b"empty"])), b"shadow" in rows)


_ALL = re.compile(
    r"NOPASSWD\s*:(?:\s*[A-Z_]+\s*:)*\s*(?:.*,\s*)?ALL\s*(?:$|,)|^Defaults\S*\s+(?:.*,\s*)?!authenticate\b"
)


def sudo(found: Mapping[str, bytes]) -> tuple[str, ...]:
    """Lines that let somebody run everything without a password. What aliases stand for is not looked up."""
    rows = (clean(row.strip().replace(b"\t", b" "), 160) for row in _rows(found, "sudo"))
    return tuple(row for row in rows if row and _ALL.search(row))


def writable(found: Mapping[str, bytes]) -> tuple[str, ...]:
    """Paths that every user may write."""
    return tuple(clean(row, 200) for row in _rows(found, "writable") if row.startswith(b"/"))


def mandatory(found: Mapping[str, bytes], container: bool) -> Mandatory | Absent:
    """AppArmor's or SELinux' mode. A container has its host's kernel."""
    rows = dict(row.split(b" ", 1) for row in _rows(found, "mac") if b" " in row)
    modules = rows.get(b"lsm", b"").split(b",")
    if rows.get(b"selinux") in (b"0", b"1"):
        return Mandatory("selinux", "enforcing" if rows[b"selinux"] == b"1" else "permissive")
    if rows.get(b"apparmor") == b"Y" or b"apparmor" in modules:
        return Mandatory("apparmor", "enforcing")
    if container:
        return Absent("a container has its host's kernel")
    return Mandatory("", "")


_SYSCTL = re.compile(rb"/proc/sys/([a-z0-9_/]{1,64}):(-?[0-9]{1,6})")


def sysctls(found: Mapping[str, bytes]) -> Mapping[str, str] | Unsupported:
    """Kernel settings by their dotted names."""
    matches = [match for row in _rows(found, "sysctls") if (match := _SYSCTL.fullmatch(row))]
    values = {match[1].decode("ascii").replace("/", "."): match[2].decode("ascii") for match in matches}
    return MappingProxyType(values) if values else Unsupported("/proc/sys cannot be read")


def detection(found: Mapping[str, bytes]) -> Detection:
    """What the node's intrusion detection says; its format is described in `probes.ids`."""
    rows = _rows(found, "ids")
    values = {name: value for name, _, value in (row.partition(b"=") for row in rows)}
    if values.get(b"schema") != b"1" or b"end=1" not in rows:
        return Detection(False)
    changed = values.get(b"changed", b"")
    baseline, audit = values.get(b"baseline", b""), values.get(b"audit", b"")
    return Detection(
        True,
        int(changed) if re.fullmatch(rb"[0-9]{1,9}", changed) else None,
        baseline.decode("ascii") if baseline in (b"ok", b"changed", b"missing") else "",
        audit.decode("ascii") if audit in (b"running", b"stopped", b"container", b"none") else "",
    )


def reboot(found: Mapping[str, bytes]) -> Reboot | Unsupported:
    """Whether something newer is installed than what runs."""
    rows = _rows(found, "reboot")
    if b"complete" not in rows:
        return _UNTOLD
    if b"file" in rows:
        return Reboot(True, "the system asks for it (/run/reboot-required)")
    words = {name: clean(value, 80) for name, _, value in (row.partition(b" ") for row in rows) if value}
    newest, running = words.get(b"newest", ""), words.get(b"running", "")
    if newest and running and newest != running:
        return Reboot(True, f"kernel {newest} is installed, {running} runs")
    return Reboot(False)


def lynis(found: Mapping[str, bytes]) -> Lynis | Unsupported | Absent:
    """The last report's index and date."""
    if "lynis.none" in found:
        return Absent("Lynis has left no report")
    values = dict(row.split(b"=", 1) for row in _rows(found, "lynis") if b"=" in row)
    index = values.get(b"hardening_index", b"").strip()
    if not re.fullmatch(rb"[0-9]{1,3}", index) or int(index) > 100:
        return Unsupported("the report has no hardening index")
    return Lynis(int(index), clean(values.get(b"report_datetime_end", b""), 40))


_TIMES = re.compile(rb"([0-9]{1,6})m([0-9]{1,2}[.,][0-9]{1,6})s ([0-9]{1,6})m([0-9]{1,2}[.,][0-9]{1,6})s")


def cost(text: bytes) -> float | None:
    """`times` of the shell: user and system time of itself, then of its children. Seconds."""
    rows = [_TIMES.fullmatch(line.strip()) for line in text.split(b"\n")[:2]]
    if len(rows) < 2 or not all(rows):
        return None
    parts = [(int(row[i]), float(row[i + 1].replace(b",", b"."))) for row in rows if row for i in (1, 3)]
    return sum(60 * minutes + seconds for minutes, seconds in parts)
