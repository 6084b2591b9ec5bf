"""What the loop itself costs the node: CPU time of its shell and of all processes that it has run. Format: proc(5), /proc/PID/stat.

The kernel counts there in hundredths of a second, but exactly so in the sum: the mean over many answers is good to far less.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..model import NOTHING, Unsupported
from .frame import Tier
from .probe import Probe, malformed

# pid (comm) state ppid pgrp session tty tpgid flags minflt cminflt majflt cmajflt utime stime cutime cstime
_STAT = re.compile(rb"\d+ \([^\n]{0,64}\) [A-Za-z](?: -?\d{1,20}){10} (\d{1,15}) (\d{1,15}) (\d{1,15}) (\d{1,15}) ")
_TICK = 0.01  # USER_HZ is 100 on every architecture but alpha and ia64


def parse(text: bytes) -> float | Unsupported:
    """/proc/PID/stat of the loop to seconds of CPU, children included."""
    match = _STAT.match(text)
    if match is None:
        return malformed(text) if text else Unsupported("no /proc/PID/stat")
    return sum(map(int, match.groups())) * _TICK


def metrics(value: float) -> Mapping[str, float]:
    return NOTHING


PROBE = Probe("effort", Tier.FAST, parse, metrics, files=("/proc/self/stat",))
