"""Where nothing may change a node, no key, click, entry of the palette or command does: over the whole registry, on every screen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from textual.pilot import Pilot

from gridtui.settings import Guard, Settings
from gridtui.tui.actions import ACTIONS, BY_NAME, Action
from gridtui.tui.app import Dashboard
from gridtui.tui.commands import COMMANDS, Call
from gridtui.tui.widgets.bars import KeyBar
from gridtui.tui.widgets.output import OutputLines

from .fake import FakeFleet, sick_fleet
from .gallery import SCENES, exhibit, open_scene, shown
from .screens import WIDE, begin, board, screen_text, told, until

CHANGING = [action for action in ACTIONS if action.changes]
KEYS = sorted({key for action in CHANGING for key in action.key.split(",")})
FLEET = ("exec", "push", "signal", "shell", "rollback_playbook", "mute", "unmute")
JOBS = ("cancel", "retry", "hold", "release", "prioritise", "drain", "undrain", "dispatch")


def watched(fleet: FakeFleet) -> list[str]:
    """What is called of all that changes something, from now on."""
    called: list[str] = []

    def spy(owner: Any, name: str) -> None:
        original = getattr(owner, name)

        def call(*args: Any, **more: Any) -> Any:
            if not (name == "playbook" and args[0].check):
                called.append(name)
            return original(*args, **more)

        setattr(owner, name, call)

    for name in (*FLEET, "playbook"):
        spy(fleet, name)
    for name in JOBS:
        spy(fleet.jobs, name)
    return called


def read_only(fleet: FakeFleet) -> None:
    fleet.settings = replace(fleet.settings, guard=Guard(read_only=True))


async def back(app: Dashboard, screen: object) -> None:
    """To the scene's screen, if it is still there."""
    while app.screen is not screen and screen in app.screen_stack and len(app.screen_stack) > 1:
        await app.pop_screen()


# A question whose answer changes something cannot be asked there: this one was before.
ASKED = {"alerts-silence", "cancel", "confirm"}


@pytest.mark.parametrize("scene", [scene for scene in SCENES if scene not in ASKED])
async def test_no_key_changes_anything_on_any_screen(scene: str) -> None:
    fleet = exhibit()
    app = shown(fleet)
    async with app.run_test(size=(120, 40)) as pilot:
        await open_scene(app, pilot, scene)
        read_only(fleet)
        called = watched(fleet)
        screen = app.screen
        for key in KEYS:
            await pilot.press(key)
            await pilot.press("y")  # nor does an answer to a question
            await back(app, screen)
        await pilot.pause()
        assert called == []


async def pressed(app: Dashboard, pilot: Pilot[int], key: str) -> None:
    await pilot.press(key)
    await pilot.press("y")
    await pilot.pause()


@pytest.mark.parametrize(
    ("scene", "key", "name"), [("jobs", "c", "cancel"), ("job", "h", "hold"), ("node-jobs", "D", "drain")]
)
async def test_the_same_keys_do_change_something_elsewhere(scene: str, key: str, name: str) -> None:
    """Else the test above would prove nothing."""
    fleet = exhibit()
    app = shown(fleet)
    async with app.run_test(size=(120, 40)) as pilot:
        await open_scene(app, pilot, scene)
        called = watched(fleet)
        await pressed(app, pilot, key)
        await until(pilot, lambda: name in called)


@pytest.mark.parametrize("action", CHANGING, ids=lambda action: action.name)
async def test_every_way_to_an_action_says_so(action: Action) -> None:
    fleet = sick_fleet(9, ticks=1)
    read_only(fleet)
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        called = watched(fleet)

        async def says(do: Callable[[], Any]) -> None:
            app.clear_notifications()
            await pilot.pause()
            result = do()
            if hasattr(result, "__await__"):
                await result
            await until(pilot, lambda: any("read-only" in words for words in told(app)))

        await says(lambda: app.run_action(f"screen.{action.name}"))
        await says(lambda: app.run_action(f"app.{action.name}"))
        if (command := COMMANDS.get(action.name)) is not None:
            await says(lambda: app.obey(Call(command, "words" if command.args else "", action.name, 0)))
        assert app.screen is app.fleet_screen
        assert called == []


async def test_enter_below_a_dry_run_is_the_key_that_runs_it() -> None:
    fleet = exhibit()
    app = shown(fleet)
    async with app.run_test(size=(120, 40)) as pilot:
        await open_scene(app, pilot, "dry-run")
        read_only(fleet)
        called, screen = watched(fleet), app.screen
        app.set_focus(screen.query_one(OutputLines))
        await pilot.press("enter")
        await until(pilot, lambda: any("read-only" in words for words in told(app)))
        assert app.screen is screen
        assert called == []


def test_every_command_that_changes_something_is_an_action_that_does() -> None:
    for command in COMMANDS.values():
        assert not command.changes or BY_NAME[command.name].changes, command.name


async def test_the_palette_and_a_click_pass_there_too() -> None:
    fleet = sick_fleet(9, ticks=1)
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        called = watched(fleet)
        bar = app.screen.query_one(KeyBar)
        words = screen_text(app).splitlines()[bar.region.y]
        read_only(fleet)
        for entry in app.get_system_commands(app.screen):
            if entry.help.startswith(BY_NAME["exec"].help) or entry.title == BY_NAME["exec"].help:
                entry.callback()
        await until(pilot, lambda: len(told(app)) == 1)
        await pilot.click(KeyBar, offset=(words.index("x exec"), 0))
        await until(pilot, lambda: len(told(app)) == 2)
        assert app.screen is app.fleet_screen
        assert called == []


@pytest.mark.parametrize("banner", ["", "SIMULATED NODES"])
@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_every_screen_says_that_it_is_read_only(size: tuple[int, int], banner: str) -> None:
    fleet = FakeFleet(4, settings=Settings(guard=Guard(read_only=True)))
    app = board(fleet, banner)
    async with app.run_test(size=size) as pilot:
        await begin(app, pilot)
        for keys in ([], ["2"], ["enter"], ["escape", "e"], ["escape", "J"]):
            await pilot.press(*keys)
            await until(pilot, lambda: "read-only" in "".join(screen_text(app).splitlines()[:3]))


async def test_elsewhere_no_screen_does() -> None:
    app = board()
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        assert "read-only" not in screen_text(app)


async def test_keys_that_would_be_refused_are_not_named() -> None:
    fleet = FakeFleet(4)
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        bar = app.screen.query_one(KeyBar)
        assert "x exec" in screen_text(app)
        read_only(fleet)
        bar.refresh()
        await until(pilot, lambda: "x exec" not in screen_text(app))
        assert "Enter open" in screen_text(app) and "? help" in screen_text(app)
