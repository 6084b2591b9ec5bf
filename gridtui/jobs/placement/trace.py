"""What our own jobs have put on a node's load average, so that what others put there can be told. Pure arithmetic; knows no node.

The kernel's load average of one minute moves towards the number of tasks that run, and forgets with a time constant of 60 s
(kernel/sched/loadavg.c). A job that was just placed does not show in it yet, and one that has ended shows for minutes: both are
followed here with the same formula, from the CPUs that our jobs asked for.
"""

from __future__ import annotations

import math
from bisect import bisect_right

MINUTE = 60.0
"""Seconds of the average's time constant."""
_KEEP = 256
"""Changes that are kept: a sample is a few seconds old when it is used, and the load is wanted as of then."""


def shown(age: float) -> float:
    """The share, 0 to 1, in which something that runs for `age` seconds shows in an average of one minute."""
    return 1.0 - math.exp(-age / MINUTE) if age > 0 else 0.0


class Trace:
    """One node's: follow what our jobs have there, and ask for their load at a time."""

    __slots__ = ("_cpus", "_loads", "_times")

    def __init__(self) -> None:
        self._times: list[float] = []
        self._cpus: list[float] = []
        self._loads: list[float] = []

    def follow(self, cpus: float, now: float) -> None:
        """From `now` on, our jobs have that many CPUs. A clock that was set back counts as no time at all."""
        if not self._times:
            self._put(now, cpus, 0.0)
            return
        now = max(now, self._times[-1])
        if cpus == self._cpus[-1]:
            return
        load = self.load(now)
        if now == self._times[-1]:
            self._cpus[-1] = cpus
            return
        self._put(now, cpus, load)
        if len(self._times) >= 2 * _KEEP:
            del self._times[:_KEEP], self._cpus[:_KEEP], self._loads[:_KEEP]

    def load(self, when: float) -> float:
        """What the average of one minute has of our jobs at that time."""
        at = bisect_right(self._times, when) - 1
        if at < 0:
            return self._loads[0] if self._times else 0.0
        cpus = self._cpus[at]
        return cpus + (self._loads[at] - cpus) * math.exp((self._times[at] - when) / MINUTE)

    def _put(self, time: float, cpus: float, load: float) -> None:
        self._times.append(time)
        self._cpus.append(cpus)
        self._loads.append(load)
