"""The metrics that looks show, and the scales on which they stand together."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtui.errors import UsageError
from gridtui.model import PingMethod
from gridtui.monitor import HISTORY
from gridtui.tui import metrics, text
from gridtui.tui.metrics import BY_NAME, METRICS, STEPS, WITH_HISTORY, Scale, find, following, scale

from .test_rows import down, status


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("cpu", "45%"),
        ("mem", "20%"),
        ("load", "0.50"),
        ("disk", "60%"),
        ("rtt", "1.2 ms"),
        ("loss", "0%"),
        ("net.rx", text.UNKNOWN),
        ("gpu", text.UNKNOWN),
        ("posture", text.UNKNOWN),
        ("state", "up"),
    ],
)
def test_values_of_a_node(name: str, shown: str) -> None:
    metric = find(name)
    assert metric.form(metric.value(status(), None)) == shown


def test_what_is_not_measured_is_not_known() -> None:
    lost = status(sample=None)
    for name in ("cpu", "load", "net.tx"):
        assert find(name).value(lost, None) is None
    here = status().trips
    local = status(trips=type(here)(PingMethod.LOCAL))
    assert find("loss").value(local, None) is None
    assert find("state").form(find("state").value(down(), None)) == "down"


def test_histories_are_ones_that_are_kept() -> None:
    assert {metric.series for metric in WITH_HISTORY} <= {*HISTORY, "rtt"}


def test_an_unknown_metric_names_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        find("cpuu")
    assert "cpuu" in str(caught.value) and caught.value.hint == "did you mean `cpu`?"


def test_the_key_goes_round() -> None:
    assert following(METRICS[0]) is METRICS[1]
    assert following(METRICS[-1]) is METRICS[0]
    assert following(METRICS[0], step=-1) is METRICS[-1]
    assert following(BY_NAME["state"], WITH_HISTORY) is WITH_HISTORY[0]


@pytest.mark.parametrize(
    ("name", "values", "ends"),
    [
        ("cpu", [3.0, 120.0], (0, 100)),
        ("temp", [], (20, 100)),
        ("load", [], (0, 1)),
        ("load", [0.2, 3.1], (0, 5)),
        ("rtt", [], (0.0001, 0.001)),
        ("rtt", [0.0002, 0.031], (0.0001, 0.1)),
        ("rtt", [0.00001, 0.00006], (0.0001, 0.001)),  # all of them are good
        ("rtt", [0.000001, 2.0], (0.001, 10)),  # at most four decades: less is one colour anyway
        ("net.rx", [], (32, 1024)),
        ("net.rx", [0.0, 3.0, 3000.0], (1024, 32 * 1024)),
        ("net.rx", [0.0, 5e6], (1024**2, 32 * 1024**2)),
    ],
)
def test_scales_have_round_ends(name: str, values: list[float], ends: tuple[float, float]) -> None:
    found = scale(find(name), values)
    assert (found.low, found.high) == pytest.approx(ends)


@given(st.sampled_from(METRICS), st.lists(st.floats(0, 1e12), max_size=20), st.floats(0, 1e12) | st.just(math.inf))
def test_every_value_has_a_step(metric: metrics.Metric, values: list[float], value: float) -> None:
    found = scale(metric, values)
    assert 0 <= found.step(value) < STEPS
    assert found.low < found.high


@given(st.floats(1e-6, 1e6), st.floats(1.5, 1e6), st.booleans(), st.floats(0, 1e13), st.floats(0, 1e13))
def test_more_is_never_a_lower_step(low: float, times: float, log: bool, one: float, other: float) -> None:
    found = Scale(low, low * times, log)
    assert found.step(min(one, other)) <= found.step(max(one, other))


@pytest.mark.parametrize("log", [False, True])
def test_a_step_begins_at_its_edge(log: bool) -> None:
    found = Scale(0.001, 10, log)
    for step in range(STEPS):
        assert found.step(found.edge(step) * 1.0001) == step
