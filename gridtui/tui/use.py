"""The grid's use over time: CPUs that our jobs hold, and CPUs that are free, a value each ten seconds. Pure; asks nobody.

Times are the controller's. What jobs held is kept by the queue, so it is asked for, also backwards; what was free is known only since the dashboard looks.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from ..model import Status

STEP = 10
"""Seconds between two values."""
LENGTH = 360
"""Values that are kept: an hour."""
SLICE = 30
"""Steps that are asked for at once, at most."""
CHEAP, DEAR = 0.0015, 0.005
"""Seconds that an answer may take for the next question to be twice as long, and from which on it is shorter."""
PATIENCE = 3
"""Dear answers for a single step, one after the other, after which nothing older is asked for: with a hundred jobs a second, an hour ago is far away."""


def free(statuses: Iterable[Status]) -> float:
    """CPUs of the nodes that answer, less what is loaded there."""
    found = 0.0
    for status in statuses:
        sample, facts = status.sample, status.facts
        if status.reach.up and sample is not None and facts is not None and facts.cpus:
            load = sample.metrics.get("load")
            if load is not None:
                found += max(0.0, facts.cpus - load)
    return found


class Use:
    """The last hour."""

    def __init__(self) -> None:
        self._ours: dict[int, float] = {}
        self._free: dict[int, float] = {}
        self._slice = 1
        self._dear = 0
        self._floor = 0
        """The step before which nothing is asked for."""

    def due(self, now: float) -> bool:
        """Whether it is time to tell what is free."""
        return int(now // STEP) - 1 not in self._free

    def look(self, now: float, cpus: float) -> None:
        """So many CPUs are free now; it stands for the step that has just passed, as what jobs held does."""
        _put(self._free, now, [(int(now // STEP) - 1, cpus)])

    def missing(self, now: float) -> tuple[int, int] | None:
        """The newest span (first step, one after the last) whose use by jobs is still to be asked for; the step that goes on is left out."""
        end = int(now // STEP)
        last = next((step for step in range(end - 1, end - 1 - LENGTH, -1) if step not in self._ours), None)
        if last is None or last < self._floor:
            return None
        first = last
        while first - 1 not in self._ours and first - 1 >= end - LENGTH and last - first + 1 < self._slice:
            first -= 1
        return first, last + 1

    def took(self, first: int, seconds: float) -> None:
        """The answer for the steps from `first` on took so long."""
        if seconds > DEAR:
            self._dear += self._slice == 1
            self._slice = max(1, self._slice // 4)
            if self._dear >= PATIENCE:
                self._floor = first
        elif seconds < CHEAP:
            self._slice, self._dear = min(SLICE, self._slice * 2), 0

    def held(self, now: float, first: int, cpus: Sequence[float]) -> None:
        """What jobs held in the steps from `first` on."""
        _put(self._ours, now, ((first + at, value) for at, value in enumerate(cpus)))

    def curves(self, now: float) -> tuple[list[float], list[float]]:
        """(held by jobs, free), oldest first, NaN where it is not known. The step that goes on is left out."""
        end = int(now // STEP)
        steps = range(end - LENGTH, end)
        return (
            [self._ours.get(step, math.nan) for step in steps],
            [self._free.get(step, math.nan) for step in steps],
        )


def _put(kept: dict[int, float], now: float, values: Iterable[tuple[int, float]]) -> None:
    kept.update(values)
    oldest = int(now // STEP) - LENGTH - 1
    # A clock that was set back leaves steps of the future: they go too.
    newest = int(now // STEP) + 1
    for step in [step for step in kept if not oldest <= step <= newest]:
        del kept[step]
