"""Batches and how many may fail."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtui.errors import UsageError
from gridtui.exec import Amount, Plan, Task, amount, batches, joined


@pytest.mark.parametrize(
    ("sizes", "total", "wanted"),
    [
        ("1,10%,100%", 50, [1, 5, 44]),
        ("1,10%,100%", 1, [1]),
        ("1,10%,100%", 5, [1, 1, 3]),  # a share is at least one node
        ("10", 25, [10, 10, 5]),
        ("1,2", 7, [1, 2, 2, 2]),
        ("30%", 10, [3, 3, 3, 1]),
        ("100%", 3, [3]),
        ("5", 0, []),
    ],
)
def test_sizes(sizes: str, total: int, wanted: list[int]) -> None:
    assert Plan(batches=batches(sizes)).sizes(total) == wanted


@given(st.lists(st.builds(Amount, st.integers(1, 100), st.booleans()), max_size=5), st.integers(0, 500))
def test_batches_cover_all_nodes_once(sizes: list[Amount], total: int) -> None:
    found = Plan(batches=tuple(sizes)).sizes(total)
    assert sum(found) == total
    assert all(size > 0 for size in found)


@pytest.mark.parametrize(
    ("plan", "total", "may_fail"),
    [
        (Plan(), 50, 50),
        (Plan(batches=batches("1,100%")), 50, 0),
        (Plan(batches=batches("1,100%"), max_failures=amount("10%")), 50, 5),
        (Plan(max_failures=amount("3")), 50, 3),
        (Plan(max_failures=amount("0")), 50, 0),
        (Plan(max_failures=amount("10%")), 9, 0),
    ],
)
def test_how_many_may_fail(plan: Plan, total: int, may_fail: int) -> None:
    assert plan.tolerated(total) == may_fail


@pytest.mark.parametrize("bad", ["", "x", "-1", "1.5", "101%", "%", "1e3", "٣"])
def test_what_is_no_amount(bad: str) -> None:
    with pytest.raises(UsageError, match="neither a number of nodes nor a share"):
        amount(bad)


@pytest.mark.parametrize("bad", ["0", "0%", "1,,2", "1,0"])
def test_what_is_no_batch(bad: str) -> None:
    with pytest.raises(UsageError):
        batches(bad)


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (["uname", "-a"], "uname -a"),
        (["ls | wc -l"], "ls | wc -l"),
        (["echo", "a  b"], "echo a  b"),
        (["echo", "'a  b'"], "echo 'a  b'"),
    ],
)
def test_words_are_joined_as_ssh_joins_them(words: list[str], command: str) -> None:
    assert joined(words) == command


@pytest.mark.parametrize("bad", ["", "  ", "a\0b"])
def test_what_is_no_command(bad: str) -> None:
    with pytest.raises(UsageError):
        Task(bad)
