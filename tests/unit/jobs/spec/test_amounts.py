"""Sizes, spans and hours: what is read, what is refused, and that what is written is read back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridtui.errors import UsageError
from gridtui.jobs.model import Hours
from gridtui.jobs.spec import amounts
from gridtui.model import clean


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("0", 0),
        ("4096", 4096),
        ("1k", 1024),
        ("1 kB", 1024),
        ("8G", 8 << 30),
        ("8g", 8 << 30),
        ("8GB", 8 << 30),
        ("8GiB", 8 << 30),
        ("1.5T", 3 << 39),
        ("0.1k", 102),
        (" 2M ", 2 << 20),
        ("7p", 7 << 50),
        ("12b", 12),
    ],
)
def test_a_size(text: str, count: int) -> None:
    assert amounts.size(text) == count


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "8Q",
        "8 G B",
        "-1",
        "+1",
        "1e9",
        "0x10",
        "1.5",
        "8,5G",
        "G",
        "8GBs",
        "١٢",
        "9999999999999P",
        "inf",
        "1_000",
        "8\nG",
    ],
)
def test_no_size(text: str) -> None:
    with pytest.raises(UsageError, match=r"size|bytes"):
        amounts.size(text)


@settings(deadline=None)
@given(st.integers(0, amounts.MOST_BYTES))
def test_a_size_that_is_written_is_read(count: int) -> None:
    assert amounts.size(amounts.spell_size(count)) == count


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("0.5", 0.5),
        ("90s", 90),
        ("2h30m", 9000),
        ("2h 30 min", 9000),
        ("1.5h", 5400),
        ("1d12h", 129600),
        ("1w", 604800),
        ("3 sec", 3),
        ("1:30:00", 5400),
        ("100:00:01", 360001),
        ("2-01:00:00", 176400),
        ("0", 0),
    ],
)
def test_a_span(text: str, seconds: float) -> None:
    assert amounts.span(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1:30",
        "h",
        "1h1h",
        "30m2h",
        "1h30",
        "-5",
        "1:60:00",
        "2-24:00:00",
        "1e3",
        "5 parsecs",
        "99999d",
        "1h-30m",
        "٣s",
    ],
)
def test_no_span(text: str) -> None:
    with pytest.raises(UsageError):
        amounts.span(text)


def test_half_a_clock_is_asked_about() -> None:
    with pytest.raises(UsageError, match="1h30m, 1m30s"):
        amounts.span("1:30")


def test_no_time_at_all_is_no_wall_time() -> None:
    with pytest.raises(UsageError, match="no time at all"):
        amounts.positive_span("0s")


@settings(deadline=None)
@given(st.one_of(st.integers(0, amounts.MOST_SECONDS), st.decimals(0, 10**6, places=3)))
def test_a_span_that_is_written_is_read(seconds: float) -> None:
    assert amounts.span(amounts.spell_span(float(seconds))) == float(seconds)


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("22:00-06:00", Hours(1320, 360)),
        ("9-17", Hours(540, 1020)),
        ("0:00-24:00", Hours(0, 1440)),
        ("8:30 - 9", Hours(510, 540)),
    ],
)
def test_hours(text: str, hours: Hours) -> None:
    assert amounts.hours(text) == hours


@pytest.mark.parametrize("text", ["", "22", "22-", "25-3", "24:00-3:00", "1-24:30", "1:5-2:00", "a-b", "1-2-3"])
def test_no_hours(text: str) -> None:
    with pytest.raises(UsageError):
        amounts.hours(text)


@settings(deadline=None)
@given(st.integers(0, 1439), st.integers(0, 1440))
def test_hours_that_are_written_are_read(begin: int, end: int) -> None:
    assert amounts.hours(amounts.spell_hours(Hours(begin, end))) == Hours(begin, end)


@settings(deadline=None)
@given(st.text(max_size=20))
def test_whatever_is_typed_is_read_or_refused_in_one_line(text: str) -> None:
    said: list[str] = []
    for read in (amounts.size, amounts.span, amounts.hours, amounts.cpus, amounts.load):
        try:
            read(text)
        except UsageError as error:
            said.append(str(error))
    assert said == list(map(clean, said))


def test_cpus() -> None:
    assert [amounts.cpus(text) for text in ("1", "0.5", "64")] == [1.0, 0.5, 64.0]
    for text in ("0", "0.0", "-1", "1/2", "nan", "1e2", "100000"):
        with pytest.raises(UsageError):
            amounts.cpus(text)


def test_whole_numbers_have_bounds() -> None:
    assert amounts.whole("-5", -1000, 1000) == -5
    for text in ("1001", "-1001", "1.0", "", "9" * 40):
        with pytest.raises(UsageError, match="from -1000 to 1000"):
            amounts.whole(text, -1000, 1000)
