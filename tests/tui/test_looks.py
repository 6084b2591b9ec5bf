"""One screen, several looks: what they share."""

from __future__ import annotations

import pytest

from gridtui.errors import UsageError
from gridtui.model import Layer
from gridtui.tui.app import Dashboard
from gridtui.tui.metrics import METRICS
from gridtui.tui.screens.looking import LOOKS
from gridtui.tui.screens.node import NodeScreen
from gridtui.tui.widgets.heat import HeatMap

from .fake import FakeFleet
from .screens import WIDE, begin, board, screen_text, table, told, until


def look(app: Dashboard) -> str:
    return app.fleet_screen.look


async def test_keys() -> None:
    app = board()
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        seen = [look(app)]
        for _ in LOOKS:
            await pilot.press("v")
            seen.append(look(app))
        assert seen == [*LOOKS, LOOKS[0]]
        await pilot.press("2")
        assert look(app) == "map"
        assert app.focused is app.fleet_screen.query_one(HeatMap)
        await until(pilot, lambda: "STATE" not in screen_text(app))
        await pilot.press("m")
        pane = app.fleet_screen.coloured
        assert pane is not None and pane.metric == METRICS[1]
        await until(pilot, lambda: METRICS[1].title in screen_text(app))
        await pilot.press("3")
        assert look(app) == "board"
        await pilot.press("1", "m")
        assert look(app) == "table"
        assert told(app)[-1].startswith("the table shows many")


async def test_the_cursor_the_filter_the_marks_and_the_folds_are_shared() -> None:
    app = board()
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await pilot.press("down", "down", "down")
        here = table(app).node
        for key in ("2", "3", "1"):
            await pilot.press(key)
            assert app.fleet_screen.pane.node == here
        await pilot.press("2", "space")
        assert app.marks.names == [here]
        beside = app.fleet_screen.pane.node
        assert beside != here  # it goes on
        await pilot.press("1")
        assert table(app).node == beside
        await pilot.press("2", "slash", *"gpu", "enter")
        await until(pilot, lambda: app.focused is app.fleet_screen.body)
        assert app.fleet_screen.pane.names and all(name.startswith("gpu") for name in app.fleet_screen.pane.names)
        assert app.fleet_screen.targets == [here]
        await pilot.press("escape", "u", "Z")
        assert app.fleet_screen.pane.names == []
        await pilot.press("3")
        assert app.fleet_screen.pane.names == []
        await pilot.press("Z")
        assert len(app.fleet_screen.pane.names) == len(app.fleet.nodes)


@pytest.mark.parametrize("key", ["2", "3"])
async def test_a_node_is_opened_from_every_look_and_its_page_goes_on_in_its_order(key: str) -> None:
    app = board()
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await pilot.press(key)
        names = app.fleet_screen.shown
        app.fleet_screen.pane.seek(names[1])
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, NodeScreen) and app.screen.node == names[1])
        await pilot.press("right_square_bracket", "escape")
        await until(pilot, lambda: app.screen is app.fleet_screen)
        assert app.fleet_screen.pane.node == names[2]


async def test_tiles_stay_at_their_places_unless_they_are_sorted_on_purpose() -> None:
    fleet = FakeFleet(12)
    fleet.advance(2)
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await pilot.press("2")
        fleet.fail(list(fleet.nodes)[-1], Layer.TCP, "refused")
        await until(pilot, lambda: "✖ 1 down" in screen_text(app))
        assert app.fleet_screen.pane.names == list(fleet.nodes)
        app.fleet_screen.command_sort("cpu")
        assert app.fleet_screen.pane.names != list(fleet.nodes)


async def test_commands() -> None:
    app = board()
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        screen = app.fleet_screen
        screen.command_look("map temp")
        assert screen.coloured is not None and screen.coloured.metric.name == "temp"
        screen.command_look("table")
        assert look(app) == "table"
        for words in ("mapp", "", "map cpuu", "board posture", "table cpu"):
            with pytest.raises(UsageError):
                screen.command_look(words)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60), (40, 10), (20, 5)])
async def test_every_look_at_any_size(size: tuple[int, int]) -> None:
    app = board()
    async with app.run_test(size=size) as pilot:
        await begin(app, pilot)
        for key in ("2", "u", "m", "3", "m", "down", "Z", "z", "1", "2"):
            await pilot.press(key)
        await pilot.resize_terminal(20, 5)
        await pilot.press("3", "j", "2", "l", "space", "1", "k")
        await pilot.resize_terminal(*WIDE)
        await until(pilot, lambda: "● " in screen_text(app) and app.size.width == WIDE[0])
        assert len(app.fleet_screen.shown) == len(app.fleet.nodes)


@pytest.mark.parametrize("key", ["1", "2", "3"])
async def test_what_is_for_one_node_is_for_the_one_under_the_cursor_of_the_look(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = board()
    opened: list[list[str]] = []
    monkeypatch.setattr(app, "open_shell", opened.append)
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await pilot.press(key, "j", "j")
        there = app.fleet_screen.pane.node
        assert there is not None
        await pilot.press("s", "R")
        assert opened == [[there]]
        assert isinstance(app.fleet, FakeFleet)
        assert app.fleet.retried == [there]
