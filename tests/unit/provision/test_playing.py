"""In which order playbooks are run: for each node as its profile says, and together where that can be."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtui.model import Node
from gridtui.provision import bare
from gridtui.provision.contact import Jumps
from gridtui.provision.errand import Errand, News
from gridtui.provision.key import Key
from gridtui.provision.model import Plan
from gridtui.provision.password import Password
from gridtui.provision.playing import Playing, _next
from gridtui.provision.profile import Profile
from gridtui.provision.root import Root
from gridtui.provision.steps import Visit
from gridtui.settings import Settings
from gridtui.stopping import Stop

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


def test_nothing_that_a_node_says_becomes_a_variable() -> None:
    # To Ansible these variables are templates: one that a node could fill would run its code on the controller.
    plan = Plan()
    playing = Playing(plan, {}, [], Settings(), None, Stop())
    node = Node("n", "198.51.100.1")
    errand = Errand(node, Profile(), "grid", News())
    errand.key = Key("ssh-ed25519 AAAA")
    visit = errand.visit = Visit(node, errand.key, plan, Settings().ssh, Jumps())
    visit.found = bare.Found(0, "{{ lookup('pipe', 'id') }}", machine="{{ 1 }}", os="{{ 1 }}")
    contact: Any = SimpleNamespace(user="admin")
    visit.root = Root(contact, "", Password())
    assert playing._extra(errand)["ansible_user"] == "admin"
    assert "{{" not in str(playing._extra(errand))
