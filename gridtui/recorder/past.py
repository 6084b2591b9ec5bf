"""What was recorded just before the start, so that plots and the event log have a past. Owns some bytes a node and 1,000 events; pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from ..events import Event
from .codes import INDEX, SCALES
from .tiers import STEP

SLOTS = 90
"""A quarter of an hour: longer than the longest plot at the default intervals."""
LOG = 1000
"""As many as the event log has."""


class Past:
    """The newest slots of each node before `until`."""

    def __init__(self, until: float, columns: Mapping[str, Sequence[bytes]], events: Sequence[Event] = ()) -> None:
        """`columns` are those of the last `SLOTS` slots before that of `until`, which is the last one of them."""
        self.until = until
        self.events = events
        """What happened before the start, oldest first."""
        self._columns = columns
        self._first = int(until) // STEP + 1 - SLOTS

    def values(self, name: str, metric: str, interval: float, count: int) -> Sequence[float]:
        """Up to `count` values `interval` seconds apart that end at `until`, oldest first, NaN where there was none; none before the first."""
        columns = self._columns.get(name)
        if columns is None or metric not in INDEX or count <= 0:
            return ()
        codes, values = columns[INDEX[metric]], SCALES[INDEX[metric]].values
        begin = self.until / STEP - self._first
        step = interval / STEP
        oldest = len(codes) - len(codes.lstrip(b"\0"))
        if oldest == len(codes):
            return ()
        count = min(count, math.ceil((begin - oldest) / step))
        found = []
        for back in range(count - 1, -1, -1):
            at = math.floor(begin - back * step)
            found.append(values[codes[at]] if oldest <= at < len(codes) else math.nan)
        return found
