"""State that is damaged, foreign or from another version must not keep a node from being judged."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtui.health import Memory, Observation, judge, rules_for
from gridtui.model import Layer, Node, Reach, State
from gridtui.settings import Settings

RULES = rules_for(Node("n1", "n1"), Settings())


def ill() -> Memory:
    """A node with a bit of everything."""
    memory = Memory.blank("n1")
    for time, reach in (
        (100.0, Reach(100)),
        (160.0, Reach(160, Layer.TCP, "no")),
        (220.0, Reach(220, Layer.TCP, "no")),
    ):
        memory = judge(memory, Observation(reach, {"disk": 96.0, "uptime": 1.0}, time=time), RULES)
    return memory


def test_it_is_read_back() -> None:
    memory = ill()
    assert memory.verdict.state is State.CRITICAL and memory.levels["disk"].state is State.CRITICAL
    assert Memory.from_json("n1", json.loads(json.dumps(memory.to_json()))) == memory


def test_a_node_takes_about_a_thousand_bytes() -> None:
    assert len(json.dumps(ill().to_json())) < 1500


@pytest.mark.parametrize(
    "document",
    [None, [], "x", 7, {}, {"schema": 99}, {"schema": 1, "node": "other", "state": "OK", "since": 1, "time": 1}],
)
def test_what_is_no_memory_of_the_node_gives_a_new_one(document: Any) -> None:
    assert Memory.from_json("n1", document) == Memory.blank("n1")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("levels", "disk"), None),
        (("levels", "disk", "warn"), [True, 1]),
        (("levels", "disk", "crit"), [1, 1, 1]),
        (("levels", "disk", "missing"), -1),
        (("levels", "disk", "crit", 2), float("nan")),
        (("levels", "disk", "crit", 2), 10**400),
    ],
)
def test_a_bad_entry_is_dropped_and_the_rest_kept(path: tuple[Any, ...], value: Any) -> None:
    document = copy.deepcopy(ill().to_json())
    at: Any = document
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    memory = Memory.from_json("n1", document)
    assert "disk" not in memory.levels
    assert memory.verdict == ill().verdict and memory.reach == ill().reach


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("history", "0129"),
        ("history", 7),
        ("reasons", {}),
        ("reasons", [1, {}, {"rule": 3}]),
        ("levels", []),
        ("pace", "x"),
    ],
)
def test_a_bad_field_costs_that_field(key: str, value: Any) -> None:
    memory = Memory.from_json("n1", ill().to_json() | {key: value})
    assert memory.verdict.state is State.CRITICAL and memory.seen


def test_text_from_a_file_is_neutralised() -> None:
    document = ill().to_json()
    document["reasons"][0]["text"] = "\x1b[2J"
    assert Memory.from_json("n1", document).verdict.reasons[0].text == "·[2J"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(sorted(ill().to_json())), JSON))
def test_nothing_in_it_is_fatal(damage: dict[str, Any]) -> None:
    memory = Memory.from_json("n1", ill().to_json() | damage)
    for reach in (Reach(5000.0, pending=True), Reach(5060.0), Reach(5120.0, Layer.TCP)):
        memory = judge(memory, Observation(reach, {"disk": 96.0}), RULES)
        assert memory.verdict.node == "n1"
