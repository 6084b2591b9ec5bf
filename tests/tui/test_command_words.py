"""Commands with words that act: what is offered for them, and what they do, typed by keys on the screens where they are wanted."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from gridtui.model import Hush
from gridtui.tui.app import Dashboard
from gridtui.tui.screens.playbooks import PlaybooksScreen
from gridtui.tui.screens.transfer import TransferScreen
from gridtui.tui.widgets.candidates import Candidates
from gridtui.tui.widgets.command_line import CommandLine
from gridtui.tui.widgets.playbooks import PlaybookLines

from .gallery import exhibit, open_scene, shown
from .screens import screen_text, told, until

KEYS = {" ": "space", "_": "underscore", "/": "slash", "'": "apostrophe", "-": "minus", ".": "full_stop"}


async def type_in(pilot: Pilot[int], words: str) -> None:
    """A command, but for Enter."""
    await pilot.press("colon", *(KEYS.get(char, char) for char in words))


def offered(app: Dashboard) -> list[str]:
    """What may come next."""
    return [one.word for one in app.screen.query_one(Candidates).offers]


def said_of_lines(app: Dashboard) -> str:
    """What stands in the line."""
    return app.screen.query_one(CommandLine).line.value


@pytest.mark.parametrize("scene", ["fleet", "node", "jobs", "exec-diff"])
async def test_what_is_offered(scene: str) -> None:
    fleet = exhibit()
    app = shown(fleet)
    names = list(fleet.nodes)
    async with app.run_test(size=(120, 40)) as pilot:
        await open_scene(app, pilot, scene)
        ill = [name for name in names if fleet.status(name).verdict.alert]
        await fleet.mute(ill[:1], Hush.ACKNOWLEDGED, why="new fans")
        app.fleet_screen.command_save("night")
        for words, wanted in {
            "silence ": ["15m", "1h", "8h", "1d"],
            "maintain 1": ["15m", "1h", "1d"],
            "silence 1h n": ["new fans"],
            "acknowledge ": ["new fans"],
            "history ": ["15m", "1h", "8h", "1d", "7d"],
            "view ": ["night"],
            "compare @we": ["@web"],
            "playbooks ": list(fleet.playbooks().playbooks),
        }.items():
            await type_in(pilot, words)
            await until(pilot, lambda words=words: said_of_lines(app) == words)  # type: ignore[misc]
            assert offered(app) == wanted, words
            await pilot.press("escape")


async def test_commands_that_were_run_are_offered_again() -> None:
    app = shown(exhibit())
    async with app.run_test(size=(120, 40)) as pilot:
        await open_scene(app, pilot, "exec-diff")
        await pilot.press("escape")
        await type_in(pilot, "exec ca")
        await until(pilot, lambda: offered(app) == ["cat /etc/thing"])


@pytest.mark.parametrize("scene", ["fleet", "node", "jobs", "exec-diff", "alerts", "playbooks"])
async def test_a_playbook_is_chosen_by_its_name(scene: str) -> None:
    fleet = exhibit()
    app = shown(fleet)
    async with app.run_test(size=(120, 40)) as pilot:
        await open_scene(app, pilot, scene)
        await type_in(pilot, "playbooks motd")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, PlaybooksScreen) and app.screen.is_mounted)
        screen = app.screen
        assert isinstance(screen, PlaybooksScreen)
        await until(pilot, lambda: [one.name for one in screen.chosen()] == ["motd"])
        assert screen.names and screen.query_one(PlaybookLines).has_focus
        if scene == "node":
            assert len(screen.names) == 1


async def test_a_playbook_that_is_not_there() -> None:
    app = shown(exhibit())
    async with app.run_test(size=(120, 40)) as pilot:
        await open_scene(app, pilot, "fleet")
        await type_in(pilot, "playbooks mtod")
        await pilot.press("enter")
        await until(pilot, lambda: "did you mean `motd`?" in screen_text(app))
        assert app.screen is app.fleet_screen


@pytest.mark.parametrize("scene", ["fleet", "node", "jobs", "exec-diff"])
async def test_a_push_with_words(scene: str, tmp_path: Path) -> None:
    fleet = exhibit()
    app = shown(fleet)
    (tmp_path / "x").write_text("x")
    async with app.run_test(size=(120, 40)) as pilot:
        await open_scene(app, pilot, scene)
        app.open_command_line(f"push '{tmp_path}/x' /srv/www")
        await pilot.press("enter")
        await until(pilot, lambda: fleet.pushed)
        plan, names, _ = fleet.pushed[0]
        assert (plan.sources, plan.destination) == ((f"{tmp_path}/x",), "/srv/www")
        assert isinstance(app.screen, TransferScreen)
        assert len(names) == 1 if scene == "node" else names
        # Once more on its own screen, for the same nodes.
        screen = app.screen
        await until(pilot, lambda: not app.run_screen("push").running)
        app.open_command_line(f"push '{tmp_path}/x' /srv/elsewhere")
        await pilot.press("enter")
        await until(pilot, lambda: len(fleet.pushed) == 2)
        assert app.screen is screen and fleet.pushed[1][1] == names


@pytest.mark.parametrize(
    ("words", "wrong"),
    [("push x", "push wants a file, and a place on the nodes"), ("push 'x", "the words cannot be read")],
)
async def test_a_push_that_cannot_be_read(words: str, wrong: str) -> None:
    fleet = exhibit()
    app = shown(fleet)
    async with app.run_test(size=(120, 40)) as pilot:
        await open_scene(app, pilot, "fleet")
        await type_in(pilot, words)
        await pilot.press("enter")
        await until(pilot, lambda: wrong in screen_text(app))
        assert app.screen is app.fleet_screen and said_of_lines(app) == words
        assert not fleet.pushed and told(app) == []
