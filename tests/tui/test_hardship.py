"""What the dashboard must withstand: five thousand rows, sizes and nodes that come and go, clocks that jump, and nodes that nobody knows."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from gridtui.events import Changed, Seen
from gridtui.model import Layer, Node, PingMethod, Reach, RoundTrips, State, Status, Verdict
from gridtui.tui.actions import BY_NAME
from gridtui.tui.bridge import Fresh

from .fake import FakeFleet, sick_fleet
from .gallery import SCENES, exhibit, open_scene, settle, shown
from .hostile import lines
from .screens import begin, board, screen_text, table, until

SIZES = ((20, 5), (1, 1), (200, 60), (20, 5), (80, 24), (5, 3), (120, 40))


@pytest.mark.parametrize("scene", SCENES)
async def test_any_size_and_back(scene: str) -> None:
    """What is shown after all of them is what was shown before."""
    app = shown(exhibit())
    async with app.run_test(size=(120, 40)) as pilot:
        await open_scene(app, pilot, scene)
        before = screen_text(app)
        for width, height in SIZES:
            await pilot.resize_terminal(width, height)
            await settle(app, pilot)
            given = screen_text(app).splitlines()
            assert len(given) == height
            assert not lines([" " * width, *given]), (width, height)
        assert screen_text(app) == before


JUMPS = (3 * 3600.0, -7 * 3600.0, -400 * 86400.0, 400 * 86400.0)


@pytest.mark.parametrize("scene", SCENES)
async def test_a_clock_that_jumps(scene: str) -> None:
    """Hours forward and back: nothing breaks, no age is negative, and what comes next is shown as usual."""
    fleet = exhibit()
    app = shown(fleet)
    async with app.run_test(size=(120, 40)) as pilot:
        await open_scene(app, pilot, scene)
        for jump in JUMPS:
            fleet.now += jump
            fleet.advance(2, [name for name in fleet.nodes if name != "silent"])
            fleet.note("resting", f"the clock jumped by {jump:.0f} s")
            await settle(app, pilot)
            assert "-" not in _ages(screen_text(app)), screen_text(app)
        assert app.failure is None
    assert app.failure is None


def _ages(text: str) -> str:
    """Ages below zero; times on an axis are meant to be."""
    return " ".join(re.findall(r"\S*-\d+[smhd]\b(?![┐┘])", text))


# ---- many nodes, and others than before ----


async def test_five_thousand_rows() -> None:
    """Also the last of them is a key away, sorted and grouped and filtered; of all of them only what is visible is made."""
    fleet = FakeFleet(5000)
    fleet.advance(1, full=False)
    app = board(fleet)
    async with app.run_test(size=(120, 40)) as pilot:
        await begin(app, pilot)
        lines = table(app)
        assert "5000 nodes" in screen_text(app)
        await pilot.press("end")
        assert lines.cursor == 4999
        assert len(lines._made) <= 2 * lines.size.height
        await pilot.press("home")
        for key in (BY_NAME["column_right"].key, BY_NAME["reverse"].key, BY_NAME["group"].key, BY_NAME["problems"].key):
            await pilot.press(key.split(",")[0])
            fleet.advance(1, full=False)
            app.on_fresh()
            await pilot.pause()
            await pilot.press("end", "pageup", "home")
        assert len(lines._made) <= 2 * lines.size.height
        assert len(lines._strips) <= 2 * lines.size.height
        wanted = list(fleet.nodes)[4321]
        await pilot.press("slash", *wanted, "enter")
        await until(pilot, lambda: lines.names == [wanted])
    assert app.failure is None


@pytest.mark.parametrize("group", ["", "state"])
@pytest.mark.parametrize("look", ["1", "2", "3"])
async def test_nodes_that_come_and_go(look: str, group: str) -> None:
    """A third of all goes down at once, then another, and all come back: the cursor stays on its node, and the counts are right."""
    fleet = FakeFleet(300)
    fleet.advance(1)
    names = list(fleet.nodes)
    app = board(fleet)
    async with app.run_test(size=(120, 40)) as pilot:
        await begin(app, pilot)
        app.fleet_screen.command_group(group)
        await pilot.press(look, "slash", *names[150], "enter", "slash", "ctrl+u", "enter")
        assert app.fleet_screen.under == [names[150]]
        for first, counted in ((0, " 100 down"), (1, " 200 down"), (None, " 300 up")):
            for name in names if first is None else names[first::3]:
                if first is None:
                    fleet.heal(name)
                else:
                    fleet.fail(name, Layer.ICMP, "no answer")
            fleet.advance(1, full=False)
            await until(pilot, lambda: counted in screen_text(app))  # noqa: B023 - waited for at once
            assert app.fleet_screen.under == [names[150]]
    assert app.failure is None


async def test_news_of_nodes_that_nobody_knows() -> None:
    """An event may come for a node that has left the inventory, or is not in it yet."""
    fleet = sick_fleet(20, ticks=4)
    app = board(fleet)
    async with app.run_test(size=(120, 40)) as pilot:
        await begin(app, pilot)
        stranger = Node("stranger", "198.18.99.1")
        reach, verdict = Reach(fleet.now), Verdict("stranger", State.OK, fleet.now)
        status = Status(stranger, reach, RoundTrips(PingMethod.ICMP), verdict)
        fleet.emit(Seen("stranger", status))
        fleet.note("stranger", "was renamed", alarm=True)
        fleet.emit(Changed(fleet.now, "stranger", verdict, replace(verdict, state=State.CRITICAL)))
        fleet.note(None, "all is told")
        await until(pilot, lambda: app.bridge.take_changed())
        app.post_message(Fresh())
        await pilot.press("e")
        await until(pilot, lambda: "was renamed" in screen_text(app))
        await pilot.press("enter")
        await settle(app, pilot)
        await pilot.press("escape", "escape")
        await until(pilot, lambda: app.screen is app.fleet_screen)
        assert "stranger" not in table(app).names
    assert app.failure is None
