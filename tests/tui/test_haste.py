"""Hands and clocks that are faster than screens: keys before a screen is made, news meanwhile, and what still runs when it goes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from textual import events
from textual.binding import Binding
from textual.command import CommandInput, CommandList, CommandPalette, Hit, Hits
from textual.css.query import NoMatches
from textual.screen import Screen
from textual.system_commands import SystemCommandsProvider
from textual.widget import Widget
from textual.widgets import LoadingIndicator

from gridtui.jobs.model import JobId
from gridtui.tui.actions import ACTIONS
from gridtui.tui.app import Dashboard
from gridtui.tui.bridge import Fresh
from gridtui.tui.screens.exec import ExecScreen
from gridtui.tui.screens.palette import Palette
from gridtui.tui.screens.question import ConfirmScreen, SecretScreen
from gridtui.tui.screens.transfer import TransferScreen

from .fake import sick_fleet
from .grid import busy
from .screens import begin, board, until


def run_screen(app: Dashboard, name: str) -> None:
    """A new one: those that change something are made once and kept."""
    if name in app.runs:
        app.uninstall_screen(name)
    app.runs[name] = ExecScreen() if name == "exec" else TransferScreen()
    app.install_screen(app.runs[name], name)
    app.open_run(name, list(app.fleet.nodes))


OPEN: dict[str, Callable[[Dashboard], object]] = {
    "node": lambda app: app.open_node(next(iter(app.fleet.nodes))),
    "events": lambda app: app.open_events(),
    "help": lambda app: app.action_help(),
    "exec": lambda app: run_screen(app, "exec"),
    "push": lambda app: run_screen(app, "push"),
    "runs": lambda app: app.open_runs(),
    "posture": lambda app: app.open_posture(next(iter(app.fleet.nodes))),
    "jobs": lambda app: app.open_jobs(),
    "array": lambda app: app.open_array(2),
    "job": lambda app: app.open_job(JobId(2, 181)),
    "palette": lambda app: app.action_command_palette(),
    "confirm": lambda app: app.push_screen(ConfirmScreen("Sure?", [("words", "text")], "y", "n")),
    "secret": lambda app: app.push_screen(SecretScreen("Password:")),
}


def full_board() -> Dashboard:
    """With jobs too."""
    fleet = sick_fleet(20, ticks=4)
    busy(fleet.jobs, fleet.now)
    return board(fleet)


def keys_of(name: str) -> list[str]:
    """A key for each action of a screen, and two that mean nothing there, or not by the table."""
    words = [action.key for action in ACTIONS if {"array": "jobs"}.get(name, name) in action.scopes]
    if name == "palette":
        words = [binding.key for binding in CommandPalette.BINDINGS if isinstance(binding, Binding)]
    return [*dict.fromkeys([*(keys.split(",")[0].strip() for keys in words), "enter", "z"])]


def forwarded(key: str) -> events.Key:
    """A key that has been through the screen and comes back to the app."""
    event = events.Key(key, key if len(key) == 1 else None)
    event._set_forwarded()
    return event


@pytest.mark.parametrize("name", OPEN)
async def test_a_key_before_the_screen_is_made(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reader types on: the key has gone through the screen before when the next one, without widgets yet, is on top."""
    app = full_board()
    go_on, on_top = asyncio.Event(), asyncio.Event()
    compose = Screen.mount_composed_widgets

    async def late(screen: Screen[object], widgets: list[Widget]) -> None:
        await go_on.wait()
        await compose(screen, widgets)

    def opened() -> None:
        OPEN[name](app)
        on_top.set()

    async with app.run_test(size=(100, 30)) as pilot:
        await begin(app, pilot)
        monkeypatch.setattr(Screen, "mount_composed_widgets", late)
        for key in keys_of(name):
            go_on.clear()
            on_top.clear()
            app.fleet_screen.call_later(opened)
            await on_top.wait()
            app.post_message(forwarded(key))
            app.post_message(Fresh())
            for _ in range(20):
                await asyncio.sleep(0)
            go_on.set()
            await until(pilot, lambda: app.screen.is_mounted)
            assert app.failure is None, key
            while len(app.screen_stack) > 1:
                await app.pop_screen()
    assert app.failure is None


@pytest.mark.parametrize("name", OPEN)
async def test_keys_behind_the_one_that_leaves(name: str) -> None:
    """They come to a screen that loses its widgets."""
    app = board()
    async with app.run_test(size=(100, 30)) as pilot:
        await begin(app, pilot)
        app.fleet_screen.call_later(lambda: OPEN[name](app))
        await until(pilot, lambda: app.screen is not app.fleet_screen and app.screen.is_mounted)
        leaving = app.screen
        app.exit(0)
        for child in leaving.children:
            await child._close_messages()
        leaving._nodes._clear()
        for key in keys_of(name):
            await app.on_event(forwarded(key))
    assert app.failure is None


@pytest.mark.parametrize("name", OPEN)
async def test_news_for_a_screen_that_loses_its_widgets(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program ends: the clock, and what the screen has told itself, come after its widgets went."""
    app = board()
    looked: list[bool] = []

    def look(screen: Screen[object]) -> None:
        looked.append(True)
        screen.query_one("#keys")

    async def close() -> None:
        leaving = app.screen
        for child in leaving.children:
            await child._close_messages()
        leaving._nodes._clear()
        app.post_message(Fresh())
        leaving.call_later(look, leaving)
        await asyncio.sleep(0.05)
        await Dashboard._close_all(app)

    async with app.run_test(size=(100, 30)) as pilot:
        await begin(app, pilot)
        app.fleet_screen.call_later(lambda: OPEN[name](app))
        await until(pilot, lambda: app.screen is not app.fleet_screen and app.screen.is_mounted)
        monkeypatch.setattr(app, "_close_all", close)
    assert looked
    assert app.failure is None


async def test_what_waits_for_a_paint_comes_when_its_screen_is_gone() -> None:
    """Textual keeps it with the screen on top, and that one calls it."""
    app = full_board()
    looked: list[bool] = []
    async with app.run_test(size=(100, 30)) as pilot:
        await begin(app, pilot)
        app.fleet_screen.call_later(app.open_jobs)
        await until(pilot, lambda: app.screen is not app.fleet_screen and app.screen.is_mounted)
        leaving = app.screen

        def look() -> None:
            looked.append(True)
            leaving.query_one("#keys")

        await app.pop_screen()
        app.screen._invoke_later(look, leaving)
        app.screen.refresh()
        await until(pilot, lambda: looked)
        await pilot.pause()
        assert app.failure is None


async def test_a_widget_that_is_missing_on_a_screen_that_stays_is_a_mistake() -> None:
    app = board()

    async def look() -> None:
        async with app.run_test(size=(100, 30)) as pilot:
            await begin(app, pilot)
            app.screen.call_later(lambda: app.screen.query_one("#nothing"))
            await until(pilot, lambda: app.failure)

    with pytest.raises(NoMatches):
        await look()
    assert isinstance(app.failure, NoMatches)


@pytest.mark.parametrize("leave", ["pop", "exit"])
@pytest.mark.parametrize("name", OPEN)
async def test_a_screen_that_goes_while_it_is_made(name: str, leave: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key that closes it comes before its widgets: what is still under way to it finds nothing there."""
    app = full_board()
    composing, go_on = asyncio.Event(), asyncio.Event()
    compose = Screen.mount_composed_widgets
    made: list[Screen[object]] = []

    async def late(screen: Screen[object], widgets: list[Widget]) -> None:
        made.append(screen)
        composing.set()
        await go_on.wait()
        if screen._pruning:
            return  # as a mount does that comes after the widgets were taken away
        await compose(screen, widgets)

    async with app.run_test(size=(100, 30)) as pilot:
        await begin(app, pilot)
        monkeypatch.setattr(Screen, "mount_composed_widgets", late)
        app.fleet_screen.call_later(lambda: OPEN[name](app))
        await composing.wait()
        if leave == "pop":
            leaving = app.pop_screen()
        else:
            app.exit(0)
        for _ in range(20):
            await asyncio.sleep(0)
        go_on.set()
        if leave == "pop":
            await leaving
            await until(pilot, lambda: app.screen is app.fleet_screen and made[0].is_mounted)
    assert app.failure is None


@pytest.mark.parametrize("found", [0, 1])
@pytest.mark.parametrize("leave", ["escape", "exit"])
async def test_a_palette_that_goes_while_it_searches(monkeypatch: pytest.MonkeyPatch, leave: str, found: int) -> None:
    """What was typed behind the key that closes it arrives after that key, and is searched for while its widgets go."""
    searching, gone, answer, go_on = (asyncio.Event() for _ in range(4))

    async def search(provider: SystemCommandsProvider, words: str) -> Hits:
        searching.set()
        await answer.wait()
        for _ in range(found):
            yield Hit(1, words, lambda: None)

    async def late(widget: Widget) -> None:
        gone.set()  # its sister, the list, before it: children go from the first to the last
        await go_on.wait()

    async def end() -> None:
        await gone.wait()
        answer.set()
        await asyncio.sleep(0.3)  # longer than the palette looks for answers (0.1 s), and than what it does then
        go_on.set()

    monkeypatch.setattr(SystemCommandsProvider, "search", search)
    monkeypatch.setattr(LoadingIndicator, "_on_unmount", late)
    monkeypatch.setattr(CommandPalette, "_NO_MATCHES_COUNTDOWN", 0.01)
    monkeypatch.setattr(CommandPalette, "_BUSY_COUNTDOWN", 0.01)
    app = board()
    async with app.run_test(size=(100, 30)) as pilot:
        await begin(app, pilot)
        await pilot.press("ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, Palette) and app.screen.query_one(CommandList).option_count)
        palette = app.screen
        assert isinstance(palette, Palette)
        typed = CommandInput.Changed(palette.query_one(CommandInput), "words")
        if leave == "escape":
            palette._action_escape()
            palette.post_message(typed)
        else:
            palette.post_message(typed)
            await searching.wait()
            app.exit(0)
        ending = asyncio.create_task(end())
    await ending
    assert app.failure is None


async def test_the_fleet_starts_also_when_the_first_paint_never_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key in that very moment puts another screen on top of the one whose paint is waited for."""
    monkeypatch.setattr(Dashboard, "call_after_refresh", lambda *words: True)
    monkeypatch.setattr("gridtui.tui.app.BEAT", 0.05)
    app = board()
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: getattr(app.fleet, "started", False))
    assert app.failure is None
