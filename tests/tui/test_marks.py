"""Marks: whom an action is for, and the keys that set them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtui.tui.app import Dashboard
from gridtui.tui.marks import Marks

from .screens import WIDE, begin, board, screen_text, table, until

NODES = ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("marked", "shown", "targets", "words"),
    [
        ([], NODES, NODES, "all 4 nodes"),
        ([], ["c", "a"], ["c", "a"], "the 2 nodes shown"),
        ([], ["c"], ["c"], "the node shown"),
        ([], [], [], "the 0 nodes shown"),
        (["b"], NODES, ["b"], "the marked node"),
        (["a", "c"], ["c", "b", "a"], ["c", "a"], "the 2 marked nodes"),
        (["a", "c", "d"], ["c", "b"], ["c", "a", "d"], "the 3 marked nodes"),
    ],
)
def test_whom_an_action_is_for(marked: list[str], shown: list[str], targets: list[str], words: str) -> None:
    marks = Marks(NODES)
    marks.set(marked)
    assert marks.targets(shown) == targets
    assert marks.whom(shown, len(NODES)) == words


@given(st.lists(st.sampled_from(NODES), unique=True), st.lists(st.sampled_from(NODES), unique=True))
def test_inverting_twice_is_nothing_and_targets_are_each_node_once(marked: list[str], shown: list[str]) -> None:
    marks = Marks(NODES)
    marks.set(marked)
    targets = marks.targets(shown)
    assert len(set(targets)) == len(targets)
    assert set(targets) == set(marked or shown)
    marks.invert(shown)
    marks.invert(shown)
    assert marks.names == sorted(marked)


def marked(app: Dashboard) -> list[str]:
    return app.marks.names


async def test_keys() -> None:
    app = board()
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        names = table(app).names
        await pilot.press("space")
        assert marked(app) == [names[0]]
        assert table(app).node == names[1]  # it goes on
        assert f"*{'✖'}" in screen_text(app).replace(" ", "")
        assert "* 1 marked" in screen_text(app)
        await pilot.press("down", "down", "M")
        assert set(marked(app)) == set(names[:4])
        await pilot.press("tilde")
        assert set(marked(app)) == set(names[4:])
        await pilot.press("asterisk")
        assert set(marked(app)) == set(names)
        await pilot.press("space")
        assert set(marked(app)) == set(names) - {names[3]}
        await pilot.press("U")
        assert marked(app) == []
        assert "marked" not in screen_text(app)


async def test_marks_stay_through_filter_and_order_and_are_the_target() -> None:
    app = board()
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        names = table(app).names
        await pilot.press("space", "space", "slash", *"gpu", "enter")
        await until(pilot, lambda: app.focused is table(app))
        assert set(app.fleet_screen.targets) == set(names[:2])
        assert "* 2 marked" in screen_text(app)
        await pilot.press("greater_than_sign", "r", "escape")
        assert set(marked(app)) == set(names[:2])


async def test_mouse() -> None:
    app = board()
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        names = table(app).names
        await pilot.click("#table", offset=(20, 2), control=True)
        assert marked(app) == sorted(names[2:3], key=list(app.fleet.nodes).index)
        await pilot.click("#table", offset=(20, 5), shift=True)
        assert set(marked(app)) == set(names[2:6])
        await pilot.click("#table", offset=(20, 5), control=True)
        assert set(marked(app)) == set(names[2:5])
