"""How a unit ended, and the end of its journal, on demand. Formats: systemctl(1) `show`, journalctl(1) `-o short-iso`.

What stands in a journal was written by whoever could log: it comes last, so it cannot be taken for anything else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..errors import ProbeError
from ..model import NOTHING, clean

JOURNAL_LIMIT = 512 * 1024
"""Bytes of output to allow for."""
LINES = 300
"""Lines of the journal that are asked for, the newest ones."""

_UNIT = re.compile(r"[A-Za-z0-9:_.@\\-]{1,250}\.[a-z]{1,16}")
_PROPERTIES = "ActiveState,SubState,Result,ExecMainCode,ExecMainStatus,NRestarts,StateChangeTimestamp"
_FIELD = re.compile(rb"([A-Za-z]{1,40})=(.{0,200})")
# journalctl tells nobody that it left out what the login may not read, but for a hint.
_BARRED = re.compile(rb"insufficient permissions|not seeing messages from other users|Permission denied", re.I)
_EMPTY = b"-- No entries --"


@dataclass(frozen=True, slots=True)
class Journal:
    """A unit's state and the end of its journal. All text is neutralised."""

    unit: str
    state: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    """Of `systemctl show`: ActiveState, Result, ExecMainStatus, ..."""
    lines: tuple[str, ...] = ()
    """Oldest first."""
    error: str = ""
    """Why there are no lines: no systemd, no permission."""
    barred: bool = False
    """The login may not read it."""


def journal_command(unit: str, count: int = LINES, *, sudo: bool = False) -> str:
    """The command to run. With `sudo`, the journal is read through `sudo -n`. Raises ProbeError for what is no unit's name."""
    if not _UNIT.fullmatch(unit) or unit.startswith("-"):
        raise ProbeError(f"{clean(unit, 80)} is no name of a unit")
    journalctl = f"{'sudo -n ' if sudo else ''}journalctl --no-pager -a -n {min(5000, max(1, count))} -o short-iso"
    script = (
        "LC_ALL=C SYSTEMD_COLORS=0 SYSTEMD_PAGER=; export LC_ALL SYSTEMD_COLORS SYSTEMD_PAGER; exec </dev/null; "
        "if [ ! -d /run/systemd/system ]; then exit 77; fi; if ! command -v journalctl >/dev/null; then exit 78; fi; "
        'T=; if timeout 5 true 2>/dev/null; then T="timeout 10"; fi; '
        f'$T systemctl show -p {_PROPERTIES} -- "$1" 2>/dev/null; echo; exec $T {journalctl} -u "$1"'
    )
    # No character of a unit's name means anything between single quotes, in any shell.
    return f"exec /bin/sh -c '{script}' sh '{unit}'"


def parse_journal(unit: str, status: int | None, stdout: bytes, stderr: bytes) -> Journal:
    """What the command said, and its exit status. Never raises."""
    if status == 77:
        return Journal(unit, error="systemd does not run there")
    if status == 78:
        return Journal(unit, error="there is no journalctl there")
    head, _, tail = stdout[:JOURNAL_LIMIT].partition(b"\n\n")
    if stdout.startswith(b"\n"):
        head, tail = b"", stdout[1:JOURNAL_LIMIT]
    state = {
        match[1].decode("ascii"): clean(match[2], 200) for match in map(_FIELD.fullmatch, head.split(b"\n")) if match
    }
    lines = tuple(clean(line, 2000) for line in tail.split(b"\n") if line.strip() and line.strip() != _EMPTY)
    if lines:
        return Journal(unit, state, lines[-5000:])
    complaint = next((clean(line, 300) for line in stderr.split(b"\n") if line.strip()), "")
    if _BARRED.search(stderr):
        return Journal(unit, state, error="this login may not read it (groups adm, systemd-journal)", barred=True)
    if status == 124:
        return Journal(unit, state, error="journalctl did not answer in 10 s")
    if status not in (0, None):
        return Journal(unit, state, error=complaint or f"journalctl ended with status {status}")
    return Journal(unit, state, error="the journal has no lines of it")
