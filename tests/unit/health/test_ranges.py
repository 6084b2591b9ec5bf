"""The grammar of threshold ranges, against the table of the monitoring-plugins guidelines."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtui.health import Range

INF = math.inf
FINITE = st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("text", "alerts", "fine"),
    [
        # The five rows of the guidelines.
        ("10", [-0.1, 10.1, INF, -INF], [0, 5, 10]),
        ("10:", [9.9, -INF], [10, 11, INF]),
        ("~:10", [10.1, INF], [10, 0, -5, -INF]),
        ("10:20", [9.9, 20.1], [10, 15, 20]),
        ("@10:20", [10, 15, 20], [9.9, 20.1]),
        # And their edges.
        ("0", [-1, 0.5, 1], [0]),
        ("@0", [0], [-1, 1]),
        ("~:", [], [-INF, 0, INF]),
        ("@~:", [-INF, 0, INF], []),
        ("-5:-2", [-6, -1], [-5, -3, -2]),
        (" 10 ", [11], [10]),
        ("1.5:.5e", None, None),
    ],
)
def test_alerts(text: str, alerts: list[float] | None, fine: list[float] | None) -> None:
    if alerts is None or fine is None:
        with pytest.raises(ValueError, match="no range"):
            Range.parse(text)
        return
    limit = Range.parse(text)
    assert [value for value in alerts if not limit.alerts(value)] == []
    assert [value for value in fine if limit.alerts(value)] == []
    assert not limit.alerts(math.nan) and not limit.clears(math.nan)


@pytest.mark.parametrize(
    ("text", "unit", "error"),
    [
        ("", "", "'' is an empty range; write 10, 10:, ~:10, 10:20 or @10:20"),
        ("@", "", "'@' is an empty range; write 10, 10:, ~:10, 10:20 or @10:20"),
        (":", "", "':' is no range: nothing stands before the colon; write 0: or ~:"),
        (":10", "", "':10' is no range: nothing stands before the colon; write 0:10 or ~:10"),
        ("~", "", "'~' is no range: write ~: and the highest value that is fine, as in ~:10"),
        ("10:~", "", "'10:~' is no range: `~` is minus infinity; leave the end empty for infinity"),
        ("20:10", "", "'20:10' is no range: its start 20 is above its end 10"),
        ("-3", "", "'-3' is no range: it means 0:-3, whose end is below 0; write ~:-3"),
        ("1:2:3", "", "'1:2:3' is no range: it has more than one colon"),
        ("ten", "", "'ten' is no range: 'ten' is no number; write 10, 10:, ~:10, 10:20 or @10:20"),
        ("1 000", "", "'1 000' is no range: '000' does not fit a value in a plain number"),
        ("nan", "", "'nan' is no range: 'nan' is no number; write 10, 10:, ~:10, 10:20 or @10:20"),
        ("١", "", "'١' is no range: '١' is no number; write 10, 10:, ~:10, 10:20 or @10:20"),
        ("8G", "%", "'8G' is no range: 'G' does not fit a value in per cent: write %"),
        ("5%", "", "'5%' is no range: '%' does not fit a value in a plain number"),
        ("5 apples", "°C", "'5 apples' is no range: 'apples' does not fit a value in °C: write °c, c"),
    ],
)
def test_errors_say_what_to_write(text: str, unit: str, error: str) -> None:
    with pytest.raises(ValueError) as caught:
        Range.parse(text, unit)
    assert str(caught.value) == error


def test_numbers_beyond_floats_are_refused() -> None:
    with pytest.raises(ValueError, match="too large"):
        Range.parse("9" * 400)
    with pytest.raises(ValueError, match="above its end"):
        Range(2, 1)
    with pytest.raises(ValueError):
        Range(math.nan, 1)


@pytest.mark.parametrize(
    ("text", "unit", "limit"),
    [
        ("90%", "%", Range(0, 90)),
        ("8G:", "B", Range(8 * 2**30)),
        ("8 GiB:", "B", Range(8 * 2**30)),
        ("512mb:2t", "B", Range(512 * 2**20, 2 * 2**40)),
        ("50ms", "s", Range(0, 0.05)),
        ("250us:1s", "s", Range(0.00025, 1)),
        ("~:2h", "s", Range(-INF, 7200)),
        ("-1s:1s", "s", Range(-1, 1)),
        ("85°C", "°C", Range(0, 85)),
        ("1.5kW", "W", Range(0, 1500)),
        ("100M/s", "B/s", Range(0, 100 * 2**20)),
        ("5/s", "1/s", Range(0, 5)),
        ("@.5:5.", "", Range(0.5, 5, True)),
    ],
)
def test_units_for_people(text: str, unit: str, limit: Range) -> None:
    assert Range.parse(text, unit) == limit


@st.composite
def ranges(draw: st.DrawFn) -> Range:
    low, high = sorted((draw(FINITE), draw(FINITE)))
    start = draw(st.sampled_from([low, 0.0, -INF]))
    end = draw(st.sampled_from([max(high, start), INF]))
    return Range(start, end, draw(st.booleans()))


@given(ranges())
def test_what_is_written_is_read_back(limit: Range) -> None:
    text = str(limit)
    assert Range.parse(text) == limit
    # The guidelines' class of numbers, and nothing else.
    assert re.fullmatch(r"@?(~:|[-0-9.]+:)?[-0-9.]*", text)


@given(ranges(), st.floats(allow_nan=False))
def test_inside_is_the_opposite(limit: Range, value: float) -> None:
    assert limit.alerts(value) != Range(limit.start, limit.end, not limit.inside).alerts(value)


@given(ranges(), st.floats(allow_nan=False), st.none() | st.floats(0, 1e6))
def test_nothing_both_alerts_and_clears(limit: Range, value: float, margin: float | None) -> None:
    assert not (limit.alerts(value) and limit.clears(value, margin))


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6), st.none() | st.floats(0, 1e6))
def test_something_always_clears_a_closed_range(start: float, width: float, margin: float | None) -> None:
    assert Range(start, start + width).clears(start + width / 2, margin)


@pytest.mark.parametrize(
    ("text", "margin", "clears", "holds"),
    [
        ("90", 2, [88, 50, 0], [88.1, 90]),
        ("90", None, [85.5, 0], [85.6, 90]),
        ("10:", 1, [11, INF], [10, 10.9]),
        ("-1:1", 0.2, [0, 0.8, -0.8], [0.9, -0.9]),
        ("0", None, [0], [1]),
        ("@10:20", 2, [7.9, 22.1], [8, 22, 9.9]),
        ("@10", None, [10.6, -0.1], [10.5]),
        ("10:11", 5, [10.5], [10.1, 10.9]),
    ],
)
def test_the_margin_of_clearing(text: str, margin: float | None, clears: list[float], holds: list[float]) -> None:
    limit = Range.parse(text)
    assert [value for value in clears if not limit.clears(value, margin)] == []
    assert [value for value in holds if limit.clears(value, margin)] == []
