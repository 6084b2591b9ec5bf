from __future__ import annotations

import math
import statistics
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtui.model import PingMethod
from gridtui.ping import Ring

echoes = st.lists(st.none() | st.floats(min_value=0, max_value=3600, allow_nan=False), max_size=80)


@given(size=st.integers(1, 12), values=echoes)
def test_the_figures_are_those_of_the_newest_echoes(size: int, values: list[float | None]) -> None:
    ring = Ring(size)
    for index, value in enumerate(values):
        ring.add(value)
        if index % 5 == 0:
            ring.trips(PingMethod.RAW)  # asking in between changes nothing
    window = values[-size:]
    answered = [value for value in window if value is not None]
    trips = ring.trips(PingMethod.RAW)

    assert (trips.method, trips.sent, trips.received) == (PingMethod.RAW, len(window), len(answered))
    assert trips.loss == pytest.approx(100 * (len(window) - len(answered)) / len(window) if window else 0)
    assert [None if math.isnan(value) else value for value in ring.values()] == window
    if answered:
        assert trips.last == window[-1]
        assert trips.min == pytest.approx(min(answered), abs=2e-9)
        assert trips.max == pytest.approx(max(answered), abs=2e-9)
        assert trips.avg == pytest.approx(statistics.fmean(answered), abs=2e-9)
    else:
        assert (trips.last, trips.min, trips.avg, trips.max, trips.jitter) == (None,) * 5
    if len(answered) > 1:
        assert trips.jitter == pytest.approx(statistics.fmean(abs(b - a) for a, b in pairwise(answered)), abs=4e-9)
    else:
        assert trips.jitter is None


def test_it_does_not_drift_however_long_it_turns() -> None:
    ring = Ring(3)
    ring.add(3600.0)
    for _ in range(100_000):
        ring.add(0.1)
    trips = ring.trips(PingMethod.ICMP)
    assert (trips.min, trips.avg, trips.max, trips.jitter) == pytest.approx((0.1, 0.1, 0.1, 0.0), abs=1e-12)


def test_a_ring_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Ring(0)
