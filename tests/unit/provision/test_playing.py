"""In which order playbooks are run: for each node as its profile says, and together where that can be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtui.provision.playing import _next

NAMES = ("base", "ssh", "firewall", "sandbox", "own")


def order(lists: list[list[str]]) -> tuple[list[str], list[list[str]]]:
    """The runs, and what each node saw of them."""
    left = [list(one) for one in lists]
    runs: list[str] = []
    seen: list[list[str]] = [[] for _ in lists]
    while (current := _next(left)) is not None:
        runs.append(current)
        for index, one in enumerate(left):
            if one[:1] == [current]:
                seen[index].append(one.pop(0))
    return runs, seen


@pytest.mark.parametrize(
    ("lists", "expected"),
    [
        ([], []),
        ([[]], []),
        ([["base", "ssh"], ["base", "ssh"]], ["base", "ssh"]),
        ([["ssh"], ["base", "ssh"]], ["base", "ssh"]),
        ([["base", "own", "ssh"], ["base", "ssh"]], ["base", "own", "ssh"]),
        ([["base", "ssh"], ["ssh", "base"]], ["base", "ssh", "base"]),
    ],
)
def test_one_run_for_all_where_that_can_be(lists: list[list[str]], expected: list[str]) -> None:
    assert order(lists)[0] == expected


@given(
    st.lists(
        st.permutations(NAMES).flatmap(lambda names: st.integers(0, 5).map(lambda count: names[:count])), max_size=6
    )
)
def test_each_node_gets_its_own_in_its_order(lists: list[list[str]]) -> None:
    _, seen = order(lists)
    assert seen == lists
