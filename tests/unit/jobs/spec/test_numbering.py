"""Indices, ids and dependencies as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridtui.errors import UsageError
from gridtui.jobs.model import After, End, JobId
from gridtui.jobs.spec import numbering


@pytest.mark.parametrize(
    ("text", "indices"),
    [
        ("1-5", (1, 2, 3, 4, 5)),
        ("0", (0,)),
        ("1-9:4", (1, 5, 9)),
        ("1-10:4", (1, 5, 9)),
        ("8,1-3", (8, 1, 2, 3)),
        ("7-7", (7,)),
    ],
)
def test_indices(text: str, indices: tuple[int, ...]) -> None:
    assert numbering.indices(text) == indices


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no indices"),
        ("5-1", "ends before it begins"),
        ("1-5:0", "counts by nothing"),
        ("1-5,3", "names 3 twice"),
        ("1--5", "no indices"),
        ("-1", "no indices"),
        ("1-1000%8", "how many run at once"),
        ("0-999999999", "more than 1,000,000"),
        ("1-500000,600000-1200000", "more than 1,000,000"),
        ("1-9999999999", "no indices"),
        ("a", "no indices"),
        ("1,", "no indices"),
    ],
)
def test_no_indices(text: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        numbering.indices(text)


@settings(deadline=None)
@given(st.lists(st.integers(0, 50), unique=True, max_size=40))
def test_indices_that_are_written_are_read(found: list[int]) -> None:
    text = numbering.spell_indices(found)
    assert (numbering.indices(text) if text else ()) == tuple(found)


@settings(deadline=None)
@given(st.integers(0, 1000), st.integers(1, 500), st.integers(1, 9))
def test_a_range_is_written_short(first: int, count: int, step: int) -> None:
    found = range(first, first + count * step, step)
    assert len(numbering.spell_indices(found)) < 24
    assert numbering.indices(numbering.spell_indices(found)) == tuple(found)


def test_ids() -> None:
    assert numbering.ids(["12", "13.4", "12"]) == (JobId(12), JobId(13, 4))
    assert numbering.ids(["12.1-5:2,14"]) == (JobId(12, 1), JobId(12, 3), JobId(12, 5), JobId(14))
    assert numbering.ids(["3-5"]) == (JobId(3), JobId(4), JobId(5))


@pytest.mark.parametrize(
    "text", ["", "0", "012", "a", "12.", ".3", "12.a", "5-3", "12.5-1", "1-9999999", "12..3", "1.2.3"]
)
def test_no_ids(text: str) -> None:
    with pytest.raises(UsageError):
        numbering.ids([text])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("12", [After(JobId(12))]),
        ("12:ok", [After(JobId(12))]),
        ("12,13.4:any", [After(JobId(12)), After(JobId(13, 4), End.ANY)]),
        ("12.1-5:2", [After(JobId(12, index)) for index in (1, 3, 5)]),
        ("12.1-5:2:failed", [After(JobId(12, index), End.FAILED) for index in (1, 3, 5)]),
    ],
)
def test_after(text: str, found: list[After]) -> None:
    assert numbering.after(text) == tuple(found)


def test_a_way_to_end_is_guessed() -> None:
    with pytest.raises(UsageError, match="did you mean failed"):
        numbering.after("12:fail")
    with pytest.raises(UsageError, match="no job's id"):
        numbering.after("afterok:ok")


@settings(deadline=None)
@given(st.integers(1, 10**9 - 1), st.none() | st.integers(0, 10**9 - 1), st.sampled_from(End))
def test_what_comes_after_is_read_back(number: int, index: int | None, how: End) -> None:
    one = After(JobId(number, index), how)
    assert numbering.after(numbering.spell_after(one)) == (one,)
