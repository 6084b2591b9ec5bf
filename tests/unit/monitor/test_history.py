"""The short history against plain lists."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtui.monitor import HISTORY, LENGTH, History

values = st.dictionaries(st.sampled_from([*HISTORY, "loss"]), st.floats(width=32, allow_nan=False), max_size=4)


@given(st.lists(st.one_of(st.none(), values), max_size=40), st.integers(0, 2 * LENGTH))
def test_it_is_the_last_values_of_each_metric(steps: list[dict[str, float] | None], lead: int) -> None:
    history = History()
    expected: dict[str, list[float]] = {name: [] for name in HISTORY}
    for step in [{"cpu": float(number)} for number in range(lead)] + steps:
        if step is None:
            history.gap()
        else:
            history.add(step)
        for name in HISTORY:
            expected[name].append((step or {}).get(name, math.nan))
    for name in HISTORY:
        kept = list(history.values(name))
        assert len(kept) == min(len(expected[name]), LENGTH)
        assert all(
            seen == wanted or (math.isnan(seen) and math.isnan(wanted))
            for seen, wanted in zip(kept, expected[name][-LENGTH:], strict=True)
        )


def test_what_is_read_does_not_change_afterwards() -> None:
    history = History()
    history.add({"cpu": 1.0})
    before = history.values("cpu")
    history.add({"cpu": 2.0})
    assert list(before) == [1.0]


def test_a_metric_that_is_not_kept() -> None:
    with pytest.raises(KeyError):
        History().values("loss")
