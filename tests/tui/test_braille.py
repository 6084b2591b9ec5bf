"""Curves, scales and ticks."""

from __future__ import annotations

import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtui.tui import braille, text

NAN = math.nan


@pytest.mark.parametrize(
    ("values", "rows"),
    [
        ([0, 0, 0, 0], ["  ", "⣀⣀"]),
        ([7, 7, 7, 7], ["⠉⠉", "  "]),
        ([0, 7], [" ⢸", " ⡸"]),  # neighbours are joined: a jump is a line, not two dots
        ([0, NAN, NAN, 7], [" ⠈", "⡀ "]),  # but not over what was lost
        ([99, -99, 0, 0], ["⢱ ", "⢸⣀"]),  # clamped to the axis
    ],
)
def test_curve(values: list[float], rows: list[str]) -> None:
    assert [braille.text(row) for row in braille.curve(values, 2, 2, 0, 7)] == rows


def test_fill_reaches_the_axis() -> None:
    assert [braille.text(row) for row in braille.curve([7, 3, 0, 0], 2, 2, 0, 7, fill=True)] == ["⡇ ", "⣿⣀"]


@given(
    st.lists(st.floats(allow_infinity=False) | st.just(NAN), max_size=400),
    st.integers(0, 40),
    st.integers(0, 10),
    st.floats(-1e6, 1e6),
)
def test_curve_keeps_to_its_cells(values: list[float], cells: int, rows: int, high: float) -> None:
    grid = braille.curve(values, cells, rows, 0.0, high)
    assert len(grid) == rows
    assert all(len(row) == cells and all(0 <= bits <= 255 for bits in row) for row in grid)


@pytest.mark.parametrize(
    ("values", "least", "base", "high"),
    [
        ([], 1, 10, 1),
        ([NAN], 1, 10, 1),
        ([0.3], 1, 10, 1),
        ([1.2], 1, 10, 2),
        ([4.9], 1, 10, 5),
        ([0.0007], 0.0001, 10, 0.001),
        ([73], 1, 10, 100),
        ([1025], 1, 1024, 2048),
        ([900], 1, 1024, 1024),
        ([3 << 20], 1, 1024, 5 << 20),
    ],
)
def test_ceiling(values: list[float], least: float, base: float, high: float) -> None:
    assert braille.ceiling(values, least, base) == pytest.approx(high)


@given(st.lists(st.floats(0, 1e15), min_size=1), st.sampled_from([10.0, 1024.0]))
def test_ceiling_is_above_all(values: list[float], base: float) -> None:
    assert braille.ceiling(values, 1.0, base) >= max(values) * (1 - 1e-9)


def test_axis() -> None:
    assert braille.axis(0, 100, 7, text.percent) == ["100%", "", "", "50%", "", "", "0%"]
    assert braille.axis(0, 100, 5, text.percent) == ["100%", "", "", "", "0%"]
    assert braille.axis(0, 100, 2, text.percent) == ["100%", "0%"]
    assert braille.axis(0, 100, 1, text.percent) == ["100%"]
    assert braille.axis(0, 100, 0, text.percent) == []


def test_a_curve_is_cheap() -> None:
    """5 ms is the aim for 160x20 on the slowest machine that this is built on; the least of many runs is what it costs."""
    values = [50 + 50 * math.sin(step) for step in range(320)]
    took = []
    for _ in range(20):
        started = time.process_time()
        grid = braille.curve(values, 160, 20, 0, 100)
        assert [braille.text(row) for row in grid]
        took.append(time.process_time() - started)
    assert min(took) < 0.005
