"""The border for text, and the small vocabulary of values."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtui.model import PingMethod, RoundTrips, State, clean, duration, size, worst


@given(st.text(), st.integers(1, 200))
def test_clean_text_holds_no_control_character_and_keeps_to_its_limit(text: str, limit: int) -> None:
    cleaned = clean(text, limit)
    assert len(cleaned) <= limit
    assert not any(
        unicodedata.category(char)[0] == "C" or unicodedata.category(char) in ("Zl", "Zp") for char in cleaned
    )
    assert clean(cleaned, limit) == cleaned


@given(st.binary())
def test_clean_takes_any_bytes(data: bytes) -> None:
    assert clean(data).isprintable()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain text", "plain text"),
        ("\x1b[31mred\x1b[0m", "·[31mred·[0m"),
        ("two\nlines\r\n", "two·lines··"),
        ("\x9b31m", "·31m"),
        ("a\u202eb", "a·b"),
        ("[red]markup[/red]", "[red]markup[/red]"),
        ("漢字 é", "漢字 é"),
        (b"\xff\xfe", "\ufffd\ufffd"),
    ],
)
def test_clean_neutralises(text: str | bytes, expected: str) -> None:
    assert clean(text) == expected


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ((), State.OK),
        ((State.OK, State.UNKNOWN), State.UNKNOWN),
        ((State.UNKNOWN, State.WARNING), State.WARNING),
        ((State.UNKNOWN, State.CRITICAL, State.WARNING), State.CRITICAL),
    ],
)
def test_the_worst_state(states: tuple[State, ...], expected: State) -> None:
    assert worst(*states) is expected


def test_loss_is_a_share_of_what_was_sent() -> None:
    assert RoundTrips(PingMethod.ICMP).loss == 0
    assert RoundTrips(PingMethod.ICMP, sent=4, received=3).loss == 25


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-3, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (3600, "1 h"),
        (7500, "2 h 5 min"),
        (86400 * 12 + 3600 * 3, "12 d 3 h"),
        (86400 + 60, "1 d"),
    ],
)
def test_durations(seconds: float, expected: str) -> None:
    assert duration(seconds) == expected


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1024, "1.0 kB"),
        (1536, "1.5 kB"),
        (200 * 1024**2, "200 MB"),
        (5 * 1024**5, "5.0 PB"),
    ],
)
def test_sizes(count: float, expected: str) -> None:
    assert size(count) == expected
