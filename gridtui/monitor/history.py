"""The short history of one node: a ring of floats a metric, 4 bytes a value. Owns memory, knows no time."""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping, Sequence

HISTORY = ("cpu", "mem", "load", "net.rx", "net.tx", "disk.read", "disk.write", "gpu", "temp")
"""The metrics that are kept, one value a sample. Round trips (`rtt`) have a ring of their own, one value an echo."""

LENGTH = 300
"""Values kept of each metric: ten minutes at the default interval of 2 s."""

_INDEX = {name: index for index, name in enumerate(HISTORY)}
_EMPTY = array("f", [math.nan]) * (LENGTH * len(HISTORY))


class History:
    """Recent values by metric. One flat array for all metrics: 10.8 kB a node, no object a value."""

    __slots__ = ("_count", "_values")

    def __init__(self) -> None:
        self._values = array("f", _EMPTY)
        self._count = 0

    def add(self, metrics: Mapping[str, float]) -> None:
        """Take the values of one sample; a metric that is absent leaves a gap (NaN)."""
        at = self._count % LENGTH
        values = self._values
        get = metrics.get
        for name in HISTORY:
            values[at] = get(name, math.nan)
            at += LENGTH
        self._count += 1

    @property
    def count(self) -> int:
        """How many values were ever added."""
        return self._count

    def gap(self) -> None:
        """Leave a gap in every metric: nothing was seen."""
        self.add({})

    def values(self, metric: str) -> Sequence[float]:
        """The values of `metric`, oldest first, at most `LENGTH`. Raises KeyError for a metric that is not kept."""
        start = _INDEX[metric] * LENGTH
        ring = self._values[start : start + LENGTH]
        if self._count < LENGTH:
            return ring[: self._count]
        at = self._count % LENGTH
        return ring[at:] + ring[:at]

    def newest(self, metric: str, count: int) -> Sequence[float]:
        """The newest `count` values of `metric`, at most `LENGTH`, in no order. Raises KeyError for a metric that is not kept."""
        start, at = _INDEX[metric] * LENGTH, self._count % LENGTH
        count = min(count, LENGTH, self._count)
        found = self._values[start + max(0, at - count) : start + at]
        return found if at >= count else found + self._values[start + LENGTH - (count - at) : start + LENGTH]
