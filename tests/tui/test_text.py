"""Numbers and names as text of a known width."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from gridtui.tui import text

NAN = math.nan


@pytest.mark.parametrize(
    ("words", "cells", "shown"),
    [
        ("web01", 8, "web01   "),
        ("web01", 5, "web01"),
        ("web01", 4, "web…"),
        ("web01", 1, "…"),
        ("web01", 0, ""),
        ("東京一号", 8, "東京一号"),
        ("東京一号", 7, "東京一…"),
        ("東京一号", 6, "東京 …"),  # half of a wide character would push all after it by a cell
        ("[red]x[/]", 12, "[red]x[/]   "),
        ("a\x1b[31mb\n", 10, "a·[31mb·  "),
    ],
)
def test_fit(words: str, cells: int, shown: str) -> None:
    assert text.fit(words, cells) == shown


def test_fit_right() -> None:
    assert text.fit("7%", 5, right=True) == "   7%"


@given(st.text(), st.integers(0, 40), st.booleans())
def test_fit_is_exact_and_harmless(words: str, cells: int, right: bool) -> None:
    shown = text.fit(words, cells, right)
    assert cell_len(shown) == cells
    assert not any(char in shown for char in "\x1b\r\n\t\x07\u202e")


@pytest.mark.parametrize(
    ("form", "value", "shown"),
    [
        (text.percent, 0.0, "0%"),
        (text.percent, 99.6, "100%"),
        (text.percent, None, "·"),
        (text.percent, NAN, "·"),
        (text.seconds, 0.0, "0 ms"),
        (text.seconds, 0.0000002, "<1 µs"),
        (text.seconds, 0.0000142, "14 µs"),
        (text.seconds, 0.0000999, "100 µs"),
        (text.seconds, 0.00021, "0.21 ms"),
        (text.seconds, 0.0123, "12.3 ms"),
        (text.seconds, 0.24, "240 ms"),
        (text.seconds, 1.25, "1.2 s"),
        (text.seconds, None, "·"),
        (text.number, 0.42, "0.42"),
        (text.number, 12.34, "12.3"),
        (text.number, 140.0, "140"),
        (text.number, 31_000.0, "31k"),
        (text.number, NAN, "·"),
        (text.amount, 0.0, "0"),
        (text.amount, 512.0, "512"),
        (text.amount, 1536.0, "1.5k"),
        (text.amount, 12.3 * 2**20, "12.3M"),
        (text.amount, 5.0 * 2**60, "5120P"),
        (text.amount, None, "·"),
        (text.degrees, 46.7, "47°"),
        (text.degrees, None, "·"),
        (text.age, 0.0, "0s"),
        (text.age, 59.9, "59s"),
        (text.age, 180.0, "3m"),
        (text.age, 7500.0, "2h 5m"),
        (text.age, 12 * 86400 + 3 * 3600.0, "12d 3h"),
        (text.age, 400 * 86400.0, "400d"),
        (text.age, -5.0, "0s"),
        (text.age, None, "·"),
    ],
)
def test_forms(form: object, value: float | None, shown: str) -> None:
    assert callable(form)
    assert form(value) == shown


@given(st.floats(0, 1e15))
def test_amounts_stay_narrow(value: float) -> None:
    assert len(text.amount(value)) <= 6


@pytest.mark.parametrize(
    ("value", "filled", "rest"),
    [
        (0.0, "", "────"),
        (1.0, "╸", "───"),  # something is not nothing
        (50.0, "━━", "──"),
        (62.5, "━━╸", "─"),
        (100.0, "━━━━", ""),
        (250.0, "━━━━", ""),
        (None, "", "    "),
    ],
)
def test_bar(value: float | None, filled: str, rest: str) -> None:
    assert text.bar(value, 4) == (filled, rest)


@pytest.mark.parametrize(
    ("values", "cells", "shown"),
    [
        ([], 4, "    "),
        ([1, 1, 1], 4, " ▁▁▁"),
        ([1, 1.1, 1], 3, "▁▁▁"),
        ([1, 2, 1], 3, "▁▇▁"),
        ([1, NAN, 1], 3, "▁×▁"),
        ([NAN, NAN], 3, " ××"),
        ([9, 9, 1, 2], 2, "▁▇"),
    ],
)
def test_spark(values: list[float], cells: int, shown: str) -> None:
    assert text.spark(values, cells) == shown


def test_spark_is_calm_under_its_least_span() -> None:
    assert text.spark([0.00004, 0.00009, 0.00005], 3, least=0.0005) == "▁▁▁"
