"""Logged-in users and their idle time. Formats: who(1), the session files of systemd-logind (/run/systemd/sessions), stat(1).

Who is logged in comes from utmp (`who`); where there is none (systems are leaving it), from logind's sessions that have a terminal
or a screen; where there is neither, from the owners of the pseudo-terminals. Idle is the time since the terminal was last read, as `w` counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..model import Unsupported, clean
from .frame import Tier
from .probe import Probe, lines, marker

MOST = 512

_WHO = re.compile(rb"(\S{1,64}) +((?:pts/|tty|hvc|console|:|ttyS)\S{0,30})(?: |$)(.*)")
_HOST = re.compile(rb"\(([^()]{1,128})\) *$")
_FIELD = re.compile(rb"/run/systemd/sessions/(\w{1,32}):(USER|TTY|TYPE|CLASS|REMOTE_HOST|STATE)=(.*)")
_TTY = re.compile(rb"(\d{1,11}) (\d{1,10}) /dev/(\S{1,32})")
_NOW = re.compile(rb"now (\d{1,11})(?:\.\d{1,9})?")


@dataclass(frozen=True, slots=True)
class Session:
    """One login."""

    user: str
    terminal: str
    host: str
    """From where, '' for the console or where it is not known."""
    idle: float | None
    """Seconds since the terminal was last read; None without a terminal."""


def parse(who: bytes, sessions: bytes, terminals: bytes) -> tuple[Session, ...] | Unsupported:
    """`who`'s lines behind `utmp yes` or `utmp no`; logind's fields; `now SECONDS` and `stat`'s access times of terminals."""
    head, _, rest = who.partition(b"\n")
    if head not in (b"utmp yes", b"utmp no"):
        return Unsupported("not told who is logged in")
    now = _NOW.match(terminals)
    idle: dict[bytes, float] = {}
    owner: dict[bytes, str] = {}
    for line in lines(terminals, 4 * MOST):
        if match := _TTY.fullmatch(line):
            if now is not None:
                idle[match[3]] = max(0.0, float(int(now[1]) - int(match[1])))
            owner[match[3]] = match[2].decode("ascii")
    found = [_session(*entry, idle) for entry in _who(rest)]
    if found or head == b"utmp yes":
        return tuple(found)
    if sessions.strip():
        return tuple(_session(*entry, idle) for entry in _logind(sessions))
    return tuple(
        _session(f"uid {uid}".encode(), name, b"", idle)
        for name, uid in list(owner.items())[:MOST]
        if name.startswith(b"pts/") and name != b"pts/ptmx"
    )


def _session(user: bytes, terminal: bytes, host: bytes, idle: Mapping[bytes, float]) -> Session:
    return Session(clean(user, 64), clean(terminal, 32), clean(host, 128), idle.get(terminal))


def _who(text: bytes) -> list[tuple[bytes, bytes, bytes]]:
    found = []
    for line in lines(text, MOST):
        if match := _WHO.match(line):
            host = _HOST.search(match[3])
            found.append((match[1], match[2], host[1] if host else b""))
    return found


def _logind(text: bytes) -> list[tuple[bytes, bytes, bytes]]:
    fields: dict[bytes, dict[bytes, bytes]] = {}
    for line in lines(text, 8 * MOST):
        if match := _FIELD.fullmatch(line):
            fields.setdefault(match[1], {})[match[2]] = match[3]
    found = []
    for session in list(fields.values())[:MOST]:
        screen = session.get(b"TYPE") in (b"x11", b"wayland", b"mir")
        person = session.get(b"CLASS", b"user").startswith(b"user") and session.get(b"STATE") != b"closing"
        if person and b"USER" in session and (screen or session.get(b"TTY")):
            found.append((session[b"USER"], session.get(b"TTY", b""), session.get(b"REMOTE_HOST", b"")))
    return found


def metrics(value: tuple[Session, ...]) -> Mapping[str, float]:
    out = {"users": float(len(value))}
    idle = [session.idle for session in value if session.idle is not None]
    if idle:
        out["users.idle"] = min(idle)
    return out


# The glob's last digit leaves out logind's ID.ref files: they are pipes, and reading one would block. `who` reads utmp and nothing
# else; where nobody is logged in, there is no terminal to look at. $d is the clock that the header has.
_SETUP = (
    "u() { w=; s=; if [ -e /run/utmp ] || [ -e /var/run/utmp ]; then echo 'utmp yes'; w=$(who | sed 1000q); printf '%s\\n' \"$w\"; else echo 'utmp no'; "
    "set +f; set -- /run/systemd/sessions/*[0-9]; set -f; "
    "s=$(grep -s -E '^(USER|TTY|TYPE|CLASS|REMOTE_HOST|STATE)=' /dev/null \"$@\" | sed 3000q); [ -d /run/systemd/sessions ] || w=1; fi; "
    f"{marker('users.sessions')}; printf '%s\\n' \"$s\"; {marker('users.terminals')}; "
    'if [ "$w$s" ]; then set +f; set -- /dev/pts/[0-9]* /dev/tty[1-9] /dev/tty1[0-2] /dev/ttyS[0-9] /dev/hvc0 /dev/console; set -f; '
    'echo "now ${d%.*}"; stat -c "%X %u %n" -- "$@"; fi; }'
)
_SHELL = f"{marker('users.who')}; u"

PROBE = Probe(
    "users",
    Tier.SLOW,
    parse,
    metrics,
    sections=("users.who", "users.sessions", "users.terminals"),
    setup=_SETUP,
    fragment=_SHELL,
)
