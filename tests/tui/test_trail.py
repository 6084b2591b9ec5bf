"""What was left and what was typed: the way forward, and the way back through a history."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtui.errors import UsageError
from gridtui.tui import trail, typed
from gridtui.tui.text import width
from gridtui.tui.trail import Step, Trail
from gridtui.tui.typed import Typed
from gridtui.tui.widgets.crumbs import BETWEEN, shortened


def test_forward_opens_what_was_left_last_first() -> None:
    way, opened = Trail(), list[str]()
    for name in ("jobs", "node"):
        way.left(Step(name, lambda name=name: opened.append(name)))  # type: ignore[misc]
    assert way.forward() and way.forward() and not way.forward()
    assert opened == ["node", "jobs"]


def test_going_elsewhere_forgets_the_way_forward_but_going_forward_does_not() -> None:
    way, dropped = Trail(), list[str]()

    def step(name: str) -> Step:
        return Step(name, way.forget, lambda: dropped.append(name))

    way.left(step("a"))
    way.left(step("b"))
    way.forward()  # opening it again says that the reader goes somewhere
    assert [one.crumb for one in way.ahead] == ["a"] and not dropped
    way.forget()
    assert not way.ahead and dropped == ["a"]


def test_a_step_that_cannot_be_taken_is_gone() -> None:
    way = Trail()

    def redo() -> None:
        raise UsageError("there is no such node any more")

    way.left(Step("a", redo))
    with pytest.raises(UsageError):
        way.forward()
    assert not way.forward()
    way.left(Step("b", lambda: None))
    way.forget()
    assert not way.ahead  # it is not on the way for ever


def test_the_trail_is_bounded() -> None:
    way, dropped = Trail(), list[int]()
    for number in range(trail.MOST + 3):
        way.left(Step(str(number), lambda: None, lambda number=number: dropped.append(number)))  # type: ignore[misc]
    assert len(way.ahead) == trail.MOST and dropped == [0, 1, 2]


# ---- crumbs ----


@pytest.mark.parametrize(
    ("parts", "ahead", "cells", "shown"),
    [
        (["fleet"], [], 40, "fleet"),
        (["fleet", "@web", "web01"], ["jobs"], 40, "fleet › @web › web01 › jobs"),
        (["fleet", "@web", "web01"], ["jobs"], 22, "fleet › @web › web01"),
        (["fleet", "@web", "web01"], [], 19, "fleet › … › web01"),
        (["fleet", "a", "b", "c", "web01"], [], 24, "fleet › … › c › web01"),
        (["fleet", "@web", "web01"], [], 8, "web01"),
        (["fleet", "@web", "web01"], [], 4, "web…"),
        (["fleet", "\x1b[31m"], [], 40, "fleet › ·[31m"),
    ],
)
def test_crumbs(parts: list[str], ahead: list[str], cells: int, shown: str) -> None:
    assert BETWEEN.join(part for _, part in shortened(parts, ahead, cells)) == shown


@given(
    st.lists(st.text(max_size=50), min_size=1, max_size=8),
    st.lists(st.text(max_size=50), max_size=3),
    st.integers(1, 120),
)
def test_crumbs_fit_and_the_last_one_is_there(parts: list[str], ahead: list[str], cells: int) -> None:
    found = shortened(parts, ahead, cells)
    assert sum(width(part) for _, part in found) + width(BETWEEN) * (len(found) - 1) <= cells
    assert any(at == len(parts) - 1 for at, _ in found)
    places = [at for at, _ in found if at >= 0]
    assert places == sorted(set(places))


# ---- what was typed ----


def test_older_and_newer_go_through_it_and_back_to_what_was_typed() -> None:
    lines = Typed(["a", "b"])
    lines.remember("c")
    assert [lines.older("dra") for _ in range(1)] == [None]  # none begins so
    lines.rest()
    assert [lines.older("") for _ in range(4)] == ["c", "b", "a", None]
    assert [lines.newer() for _ in range(4)] == ["b", "c", "", None]


def test_only_what_begins_as_it_was_typed() -> None:
    lines = Typed(["node a", "filter x", "node b"])
    assert [lines.older("no") for _ in range(3)] == ["node b", "node a", None]
    assert lines.newer() == "node b" and lines.newer() == "no"


def test_a_line_again_is_the_newest_and_stands_there_once() -> None:
    lines = Typed(["a", "b", "c"])
    lines.remember(" a ")
    assert lines.lines == ["b", "c", "a"]


def test_what_may_not_be_kept_is_not() -> None:
    kept: list[list[str]] = []
    lines = Typed(["old"], kept.append)
    lines.remember("exec mysql -p secret", kept=False)
    assert kept == []
    lines.remember("node a")
    assert kept == [["old", "node a"]]
    assert lines.lines == ["old", "exec mysql -p secret", "node a"]
    lines.remember("node a", kept=False)
    assert kept[-1] == ["old"]


def test_what_was_kept_is_looked_at() -> None:
    assert Typed([1, None, "", "a\x1b", "x" * (typed.LONGEST + 1), "fine"]).lines == ["fine"]


def test_it_is_bounded() -> None:
    lines = Typed(str(number) for number in range(typed.MOST * 2))
    lines.remember("new")
    assert len(lines.lines) == typed.MOST and lines.lines[-1] == "new"


@given(
    st.lists(st.one_of(st.sampled_from(["up", "down", "rest"]), st.text(max_size=4)), max_size=30), st.text(max_size=3)
)
def test_wherever_one_goes_one_comes_back(steps: list[str], draft: str) -> None:
    lines = Typed()
    for step in steps:
        if step == "up":
            lines.older(draft)
        elif step == "down":
            lines.newer()
        elif step == "rest":
            lines.rest()
        else:
            lines.remember(step)
    lines.rest()
    if lines.older(draft) is not None:
        while (line := lines.newer()) is not None:
            last = line
        assert last == draft
