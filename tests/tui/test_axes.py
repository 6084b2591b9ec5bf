"""Round values and ages, and where they stand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtui.tui.axes import age, ages, span, values


@pytest.mark.parametrize(
    ("seconds", "round_"), [(0.2, 1), (1, 1), (3, 5), (61, 120), (86400, 86400), (90000, 172800), (0, 1)]
)
def test_spans_are_round(seconds: float, round_: float) -> None:
    assert span(seconds) == round_


@pytest.mark.parametrize(
    ("cells", "step", "line"),
    [
        (40, 1, "−30s┐          −15s┐           now┐"),
        (40, 5, "−3m┐        −2m┐         −1m┐        now┐"),
        (3, 1, ""),
        (0, 1, ""),
    ],
)
def test_ages_are_round(cells: int, step: float, line: str) -> None:
    found = ages(cells, step)
    assert len(found) == cells and found.split() == line.split()


@given(st.integers(0, 300), st.sampled_from([0.5, 1.0, 2.0, 5.0, 10.0, 60.0, 3600.0]))
def test_ages_stand_over_their_moment(cells: int, step: float) -> None:
    line = ages(cells, step)
    assert len(line) == cells
    shown = {f"−{age(number * span(step * 11))}┐": number * span(step * 11) for number in range(1, 300)}
    at = -1
    for word in line.split():
        at = line.index(word, at + 1) + len(word) - 1
        if word != "now┐":
            assert abs((cells - 1 - at) * step - shown[word]) <= step


@pytest.mark.parametrize(
    ("seconds", "words"), [(30, "30s"), (90, "1:30"), (5400, "1:30h"), (300, "5m"), (7200, "2h"), (172800, "2d")]
)
def test_age(seconds: float, words: str) -> None:
    assert age(seconds) == words


@pytest.mark.parametrize(
    ("low", "high", "most", "found"),
    [
        (0, 100, 6, [0, 20, 40, 60, 80, 100]),
        (0, 100, 5, [0, 25, 50, 75, 100]),
        (0, 100, 3, [0, 50, 100]),
        (0, 100, 2, [0, 100]),
        (0, 100, 1, [0, 100]),
        (20, 100, 5, [20, 40, 60, 80, 100]),
        (0, 0.05, 6, [0, 0.01, 0.02, 0.03, 0.04, 0.05]),
        (0, 1024, 3, [0, 512, 1024]),
        (0, 5 * 1024**2, 6, [0, *(n * 1024**2 for n in range(1, 6))]),
        (0, 7, 9, [0, 7]),
    ],
)
def test_values_are_round(low: float, high: float, most: int, found: list[float]) -> None:
    assert values(low, high, most, binary=high >= 1024) == pytest.approx(found)


@given(st.sampled_from([1, 2, 5]), st.integers(-9, 12), st.integers(2, 20))
def test_there_are_never_too_many_values(lead: int, power: int, most: int) -> None:
    found = values(0.0, lead * 10.0**power, most)
    assert 2 <= len(found) <= most and found[0] == 0
    assert found == sorted(found)
