"""What was seen of a node since it was last asked, as one number a metric: for who keeps less than every sample. Owns two counts a node."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence

from ..model import NOTHING
from .history import HISTORY, LENGTH
from .watch import Watch

NAN = math.nan
FRESH = 3.0
"""Intervals for which a sample stands for its node."""


class Taking:
    """Means over what came since the last call. Some 15 µs a call."""

    def __init__(self, metrics: Sequence[str], fast: float) -> None:
        self._metrics = metrics
        self._fast = fast
        self._marks: dict[str, tuple[int, int]] = {}

    def take(self, watch: Watch) -> list[float]:
        """One value for each of the metrics, NaN where there is none."""
        name, sample = watch.node.name, watch.sample
        samples, echoes = self._marks.get(name, (0, 0))
        self._marks[name] = watch.history.count, watch.ring.count
        fresh = min(LENGTH, watch.history.count - samples)
        rtt, loss = _echoes(watch.ring.newest(watch.ring.count - echoes))
        now: Mapping[str, float] = NOTHING
        # A node that is asked more rarely than that keeps its value until it is due again.
        patience = FRESH * (watch.node.interval or self._fast)
        if sample is not None and watch.reach.up and (fresh or time.time() - sample.time <= patience):
            now = sample.metrics
        values = []
        for metric in self._metrics:
            if metric == "rtt":
                values.append(rtt)
            elif metric == "loss":
                values.append(loss)
            elif fresh > 1 and metric in HISTORY:
                values.append(_mean(watch.history.newest(metric, fresh)))
            else:
                values.append(now.get(metric, NAN))
        return values


def _mean(values: Sequence[float]) -> float:
    total = sum(values)
    if total == total:
        return total / len(values)
    known = [value for value in values if value == value]
    return sum(known) / len(known) if known else NAN


def _echoes(trips: Sequence[float]) -> tuple[float, float]:
    """The mean of those that were answered, and the share of the others in per cent."""
    if not trips:
        return NAN, NAN
    known = [trip for trip in trips if trip == trip]
    return (sum(known) / len(known) if known else NAN), 100.0 * (len(trips) - len(known)) / len(trips)
