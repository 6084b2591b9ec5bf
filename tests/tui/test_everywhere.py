"""What works everywhere does so on every screen: the line for commands, the help, the activity, the way back and forward."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from gridtui.settings import Guard
from gridtui.tui.app import Dashboard
from gridtui.tui.screens.activity import ActivityScreen
from gridtui.tui.screens.help import HelpScreen
from gridtui.tui.screens.place import Place
from gridtui.tui.widgets.command_line import CommandLine

from .fake import FakeFleet
from .gallery import SCENES, Scene, exhibit, open_scene, shown
from .screens import told, until

OVER = ("columns", "views", "node-signal", "alerts-silence", "help", "palette", "confirm", "secret", "cancel")
"""Scenes of what lies over a screen, and is left before anything else is done."""


async def _narrowed(app: Dashboard, pilot: Pilot[int]) -> None:
    await SCENES["jobs"](app, pilot)
    await pilot.press("slash", *"ada", "enter")
    assert isinstance(app.screen, Place) and app.screen.within == "ada"


async def _filtered(app: Dashboard, pilot: Pilot[int]) -> None:
    await pilot.press("slash", "at", *"web", "enter")
    assert app.fleet_screen.within == "@web"


MORE: dict[str, Scene] = {"jobs-narrowed": _narrowed, "fleet-filtered": _filtered}
PLACES = [*(name for name in SCENES if name not in OVER), *MORE]


async def opened(app: Dashboard, pilot: Pilot[int], name: str) -> Place:
    """The screen of a scene, where nothing is typed."""
    if name in MORE:
        await open_scene(app, pilot, "fleet")
        await MORE[name](app, pilot)
    else:
        await open_scene(app, pilot, name)
    if isinstance(app.focused, Input):
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.focused, Input))
    assert isinstance(app.screen, Place)
    return app.screen


def typing(app: Dashboard) -> bool:
    """Whether a command is typed."""
    line = app.screen.query_one(CommandLine)
    return bool(line.display) and app.focused is line.line


async def typed(app: Dashboard, pilot: Pilot[int], words: str) -> None:
    """Give a command; its letters are not pressed one by one, which takes long."""
    await pilot.press("colon")
    await until(pilot, lambda: typing(app))
    app.screen.query_one(CommandLine).line.value = words
    await pilot.press("enter")


def forbid(fleet: FakeFleet) -> None:
    """Nothing may change a node from now on."""
    fleet.settings = replace(fleet.settings, guard=Guard(read_only=True))


@pytest.mark.parametrize("name", PLACES)
async def test_commands_help_and_activity(name: str) -> None:
    fleet = exhibit()
    app = shown(fleet)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await opened(app, pilot, name)
        focused, within = app.focused, screen.within
        for theme in ("nord", "gruvbox"):
            # Esc leaves the line, and nothing else.
            await pilot.press("colon", "q")
            await until(pilot, lambda: typing(app) and app.screen.query_one(CommandLine).line.value == "q")
            await pilot.press("escape")
            await until(pilot, lambda: not typing(app))
            assert (app.screen, app.focused, screen.within) == (screen, focused, within)

            # A command that is typed is done here.
            await typed(app, pilot, f"theme {theme}")
            while app.theme != theme:
                await pilot.pause()
            assert (app.screen, app.focused, screen.within) == (screen, focused, within)

            await pilot.press("question_mark")
            await until(pilot, lambda: isinstance(app.screen, HelpScreen) and app.screen.is_mounted)
            await pilot.press("escape")
            await until(pilot, lambda: app.screen is screen)
            assert (app.focused, screen.within) == (focused, within)

            # The activity is there, and behind it this screen; from a command that is typed too.
            for way in (pilot.press("A"), typed(app, pilot, "activity")):
                await way
                await until(pilot, lambda: isinstance(app.screen, ActivityScreen) and app.screen.is_mounted)
                if not isinstance(screen, ActivityScreen):
                    await pilot.press("escape")
                    await until(pilot, lambda: app.screen is screen)
            assert screen.within == within
            assert told(app) == []
            forbid(fleet)  # and once more where nothing may change a node


@pytest.mark.parametrize("name", PLACES)
async def test_back_and_forward(name: str) -> None:
    fleet = exhibit()
    app = shown(fleet)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(app, pilot, name)
        forbid(fleet)
        way = [app.where()[0]]
        while len(way[-1]) > 1:
            await pilot.press("alt+left")
            await pilot.pause()
            way.append(app.where()[0])
            assert way[-1] != way[-2]
        await pilot.press("alt+left")  # there is no further back
        assert app.where()[0] == way.pop() and app.screen is app.fleet_screen
        while way:
            await pilot.press("alt+right")
            await pilot.pause()
            assert app.where()[0] == way.pop()
        assert app.where()[1] == []


@pytest.mark.parametrize("name", OVER)
async def test_over_a_question_no_command_is_typed(name: str) -> None:
    app = shown(exhibit())
    async with app.run_test(size=(120, 40)) as pilot:
        await open_scene(app, pilot, name)
        screen = app.screen
        assert not isinstance(screen, Place)
        await pilot.press("colon", "alt+left", "alt+right")
        assert app.screen is screen
        assert not app.screen.query(CommandLine)
