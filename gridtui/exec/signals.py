"""A signal to a process of a node: only to the very process that was looked at. Owns the shell text and what its answer means.

A number is given to another process as soon as its own has ended. So the node compares the boot and the start time, which together
with the number no other process has, and sends in the same moment.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from ..errors import UsageError
from ..model import clean
from ..ssh import quote
from .task import Ending, Outcome

SIGNALS: dict[str, str] = {
    "TERM": "asks it to end",
    "KILL": "ends it at once; it can save nothing",
    "HUP": "many services read their settings again; ends others",
    "INT": "interrupts it, as Ctrl-C does",
    "STOP": "freezes it until CONT",
    "CONT": "lets it go on after STOP",
}
"""The signals that can be sent, with what they do."""
TIMEOUT = 15.0
"""Seconds that it may take."""
TIMEOUT_SUDO = 120.0
"""Seconds that it may take where somebody has to type sudo's password."""

_BOOT = re.compile(r"[0-9a-f-]{36}|")

# /proc/PID/stat (proc(5)): the name may hold blanks, brackets and newlines, so what counts begins behind the last bracket; the start
# time is the 22nd field, the 20th from there.
_SCRIPT = """set -f; exec 2>&1
if [ "$3" ]; then read -r b </proc/sys/kernel/random/boot_id && [ "$b" = "$3" ] || { echo rebooted; exit 0; }; fi
l=$(cat "/proc/$2/stat" 2>/dev/null) && [ "$l" ] || { echo gone; exit 0; }
p=$2 t=$4 g=$1
set -- ${l##*) }
[ "${20}" = "$t" ] || { echo other; exit 0; }
[ "$1" != Z ] || { echo gone; exit 0; }
o=$(kill -s "$g" "$p") && { echo sent; exit 0; }
[ -d "/proc/$p" ] || { echo gone; exit 0; }
echo denied"""


class Fate(StrEnum):
    """What came of a signal."""

    SENT = "sent"
    GONE = "gone"
    """The process has ended; where another one has its number by now, that one got nothing."""
    DENIED = "denied"
    """The login may not."""
    FAILED = "failed"
    """It was not found out: no connection, no sudo, no answer."""


@dataclass(frozen=True, slots=True)
class Signalled:
    """What came of a signal. `text` says so in a line."""

    fate: Fate
    text: str

    @property
    def ok(self) -> bool:
        return self.fate is Fate.SENT


def command(pid: int, started: int, boot: str, signal: str) -> str:
    """Shell text for any login shell. Raises UsageError for a signal that is not one of `SIGNALS`, or what is no process."""
    if signal not in SIGNALS:
        raise UsageError(f"{clean(signal, 20)} is no signal that can be sent", hint=f"one of {', '.join(SIGNALS)}")
    if not 1 < pid < 1 << 31 or started < 0 or not _BOOT.fullmatch(boot):
        raise UsageError(f"process {pid} gets no signal from here")
    return f"exec /bin/sh -c {quote(_SCRIPT)} sh {signal} {pid} {quote(boot)} {started}"


_SAID = {
    "sent": (Fate.SENT, "sent"),
    "gone": (Fate.GONE, "not sent: it has ended"),
    "other": (Fate.GONE, "not sent: it has ended, and another process has its number"),
    "rebooted": (Fate.GONE, "not sent: the node was started anew since it was looked at"),
    "denied": (Fate.DENIED, "not sent: this login may not"),
}


def read(outcome: Outcome) -> Signalled:
    """What a run of the command came to."""
    last = outcome.stdout[-100:].strip().rpartition(b"\n")[2].decode("ascii", "replace")
    if outcome.status is Ending.OK and last in _SAID:
        return Signalled(*_SAID[last])
    return Signalled(
        Fate.FAILED, f"not sent: {outcome.error or clean(outcome.stderr, 200) or 'the node did not answer'}"
    )
