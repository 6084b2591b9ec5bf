"""What a node says of its sandboxes is read strictly, and the level that a job gets of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtui.jobs import sandbox
from gridtui.jobs.model import Level, Sandbox

P, B, S, C = Level.PLAIN, Level.BWRAP, Level.SYSTEMD, Level.CONTAINER


def test_all_that_a_node_can_say_is_read() -> None:
    said = "limits scope cpu memory tasks\nversion 252\nplain\nbwrap\nsystemd\nengine podman --cgroups=disabled\ncontainer\n"
    assert sandbox.parse(said) == sandbox.Offered(
        frozenset(Level), "scope", frozenset({"cpu", "memory", "tasks"}), "podman"
    )


@pytest.mark.parametrize(
    "said",
    [
        "",
        "Plain\nPLAIN\n plain",
        "plain bwrap",
        "limits none",
        "limits",
        "engine rkt",
        "engine podman --privileged",
        "\0plain",
        "limits scope a b c d e f g h i",
    ],
)
def test_what_is_not_understood_is_nothing(said: str) -> None:
    assert sandbox.parse(said) == sandbox.Offered()


@given(st.text(alphabet=st.sampled_from("plainbwrs yt\nlimt 0\x1b/"), max_size=400) | st.text(max_size=200))
def test_nothing_that_a_node_says_does_harm(said: str) -> None:
    offered = sandbox.parse(said)
    assert offered.levels <= set(Level)
    assert offered.limits in ("", "scope", "tree", "ulimit")
    assert offered.held <= {"memory", "tasks", "cpu"}


@pytest.mark.parametrize(
    ("asked", "levels", "reached"),
    [
        (Sandbox(), {P}, P),
        (Sandbox(), {P, B, S, C}, S),
        (Sandbox(most=P), {P, B, S, C}, P),
        (Sandbox(most=B), {P, S}, P),
        (Sandbox(least=B), {P}, None),
        (Sandbox(least=B), {P, B}, B),
        (Sandbox(least=S, most=S), {P, B, C}, None),
        (Sandbox(image="x"), {P, B, S, C}, C),
        (Sandbox(image="x"), {P, B, S}, None),
        (Sandbox(), {C}, None),
    ],
)
def test_the_strongest_that_may_be(asked: Sandbox, levels: set[Level], reached: Level | None) -> None:
    assert sandbox.reached(asked, levels) is reached
