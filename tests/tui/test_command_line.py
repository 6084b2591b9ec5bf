"""The line for commands, the box for a filter, the trail and the help, through Textual's Pilot."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from gridtui.errors import CommandError, UsageError
from gridtui.settings import Guard, Settings
from gridtui.tui.actions import ACTIONS
from gridtui.tui.app import Dashboard
from gridtui.tui.commands import COMMANDS
from gridtui.tui.screens.events import EventsScreen
from gridtui.tui.screens.fleet import FleetScreen
from gridtui.tui.screens.help import HelpScreen
from gridtui.tui.screens.job import JobScreen
from gridtui.tui.screens.jobs import JobsScreen
from gridtui.tui.screens.node import NodeScreen
from gridtui.tui.screens.place import Place
from gridtui.tui.screens.posture import PostureScreen
from gridtui.tui.widgets.candidates import Candidates
from gridtui.tui.widgets.command_line import CommandLine
from gridtui.tui.widgets.completing import Completing
from gridtui.tui.widgets.crumbs import Crumbs
from gridtui.tui.widgets.lines import Lines

from .fake import FakeFleet, sick_fleet
from .grid import busy
from .screens import WIDE, begin, board, screen_text, table, told, until


def line(app: Dashboard) -> Completing:
    """Where commands are typed on the screen that is shown."""
    return app.screen.query_one(CommandLine).line


def shown(app: Dashboard) -> bool:
    """Whether a command is typed."""
    return bool(app.screen.query_one(CommandLine).display)


def offered(app: Dashboard) -> list[str]:
    """What is offered."""
    return [offer.word for offer in app.screen.query_one(Candidates).offers]


def crumbs(app: Dashboard) -> str:
    """The line at the top, without what is said on every screen."""
    return screen_text(app).splitlines()[0].strip().split("  ")[0]


def jobs_board() -> Dashboard:
    fleet = sick_fleet(20, ticks=4)
    busy(fleet.jobs, fleet.now)
    return board(fleet)


async def command(pilot: Pilot[int], words: str) -> None:
    """Type a command, and wait for what it does."""
    await pilot.press("colon", *(" " if key == " " else key for key in _keys(words)), "enter")
    await pilot.pause()


def _keys(words: str) -> list[str]:
    named = {
        " ": "space",
        "_": "underscore",
        "-": "minus",
        "@": "at",
        "[": "left_square_bracket",
        "]": "right_square_bracket",
    }
    return [named.get(char, char) for char in words]


# ---- the line ----


async def test_it_opens_at_the_bottom_and_goes_again() -> None:
    app = board()
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await pilot.press("colon")
        await until(pilot, lambda: screen_text(app).splitlines()[-1].startswith(" :"))
        assert line(app).has_focus
        assert "Open the page of the node under the cursor" in screen_text(app)
        await pilot.press("escape")
        await until(pilot, lambda: not shown(app))
        assert table(app).has_focus
        assert not app.screen.query_one(Candidates).display
        await pilot.press("colon", "enter")  # nothing typed is nothing done
        await until(pilot, lambda: not shown(app))
        assert isinstance(app.screen, FleetScreen) and app.focused is table(app)


@pytest.mark.parametrize("name", ["node", "events", "jobs", "job", "posture"])
async def test_it_opens_on_every_screen(name: str) -> None:
    app = jobs_board()
    node = next(iter(app.fleet.nodes))
    words = {"node": f"node {node}", "posture": f"posture {node}", "job": "job 2.181"}.get(name, name)
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await command(pilot, words)
        await until(pilot, lambda: app.screen is not app.fleet_screen and app.screen.is_mounted)
        opened = app.screen
        await pilot.press("colon", "q")
        await until(pilot, lambda: app.focused is line(app) and line(app).value == "q")
        await pilot.press("escape")
        await until(pilot, lambda: not shown(app))
        assert app.screen is opened


async def test_typed_in_one_piece_nothing_is_lost_nor_taken_for_a_key() -> None:
    """A slow link delivers the colon, the command, Enter and what is meant for the screen behind it at once."""
    app = board()
    node = list(app.fleet.nodes)[-1]
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        keys = ["colon", *_keys(f"node {node}"), "enter", "e", "colon", *_keys("theme nord"), "enter", "escape"]
        for key in keys:
            app.post_message(events.Key(key, {"space": " ", "colon": ":"}.get(key, key if len(key) == 1 else None)))
        await until(pilot, lambda: app.theme == "nord")
        await until(pilot, lambda: isinstance(app.screen, NodeScreen) and app.screen.is_mounted)
        assert app.where()[0][-1] == node  # its page, the events over it, and back by Esc
        assert app.failure is None


async def test_a_colon_in_a_box_is_a_character() -> None:
    app = board()
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await pilot.press("slash", "colon")
        await until(pilot, lambda: app.screen.query_one("#filter", Input).value == ":")
        assert not shown(app)


async def test_over_a_question_and_the_help_there_is_no_line() -> None:
    app = board()
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        await pilot.press("colon", "alt+left", "alt+right")
        assert isinstance(app.screen, HelpScreen)


async def test_tab_and_arrows_choose() -> None:
    app = board()
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await pilot.press("colon", *_keys("theme gr"))
        await until(pilot, lambda: "gridtui-dark" in "".join(offered(app)) or "gruvbox" in offered(app))
        found = offered(app)
        assert line(app)._suggestion == f"theme {found[0]}"
        await pilot.press("tab")
        assert line(app).value == f"theme {found[0]}"
        await pilot.press("shift+tab")
        assert line(app).value == "theme gr"  # what was typed is one of them
        await pilot.press("shift+tab")
        assert line(app).value == f"theme {found[-1]}"
        await pilot.press("tab", "down")
        assert line(app).value == f"theme {found[0]}"
        await pilot.press("up")
        assert line(app).value == "theme gr"
        await pilot.press("right")  # the ghost
        assert line(app).value == f"theme {found[0]}"
        await pilot.press("enter")
        await until(pilot, lambda: app.theme == found[0])


async def test_the_only_offer_is_taken_and_what_follows_it_is_offered() -> None:
    app = board()
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await pilot.press("colon", *_keys("filter @w"), "tab")
        assert line(app).value == "filter @web" and not offered(app)
        await pilot.press("space")
        await until(pilot, lambda: offered(app) == [",", "&", "!", "^"])
        await pilot.press("ctrl+u", *_keys("node gpu02"), "tab")
        assert line(app).value == "node gpu02" and not offered(app)


async def test_a_click_takes_an_offer_and_the_wheel_shows_more() -> None:
    app = board()
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await pilot.press("colon", *"node", "space")
        await until(pilot, lambda: "gpu02" in offered(app) and app.screen.query_one(Candidates).size.height > 3)
        candidates = app.screen.query_one(Candidates)
        first = candidates.render_line(0).text
        candidates.post_message(events.MouseScrollDown(candidates, 1, 1, 0, 0, 0, False, False, False))
        await until(pilot, lambda: candidates.render_line(0).text != first)
        wanted = candidates.render_line(1).text.split()[0]
        await pilot.click(Candidates, offset=(4, 1))
        await until(pilot, lambda: line(app).value == f"node {wanted}")
        assert app.focused is line(app)


async def test_what_is_wrong_is_said_where_it_is_typed() -> None:
    app = board()
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await command(pilot, "nodee x")
        await until(pilot, lambda: "at 1: there is no command `nodee`" in screen_text(app))
        assert "did you mean `node`?" in screen_text(app)
        assert app.focused is line(app) and line(app).value == "nodee x"
        await pilot.press("backspace")
        await until(pilot, lambda: "there is no command" not in screen_text(app))
        await pilot.press("ctrl+u", *_keys("node web99"), "enter")
        await until(pilot, lambda: "at 6: there is no node `web99`" in screen_text(app))
        await pilot.press("ctrl+u", *_keys("filter @web "), "ampersand", *"lod>1", "enter")
        await until(pilot, lambda: "at " in screen_text(app).splitlines()[-2])
        assert isinstance(app.screen, FleetScreen) and shown(app)


async def test_a_command_that_cannot_be_done_stands_there_again_on_the_screen_that_is_shown() -> None:
    app = board()
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, EventsScreen) and app.screen.is_mounted)
        await command(pilot, "filter @nowhere")
        await until(pilot, lambda: "there is no group `nowhere`" in screen_text(app))
        assert shown(app) and line(app).value == "filter @nowhere"
        assert app.focused is line(app)


async def test_a_click_elsewhere_leaves_it() -> None:
    app = board()
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await pilot.press("colon", "n")
        await pilot.click("#table", offset=(5, 3))
        await until(pilot, lambda: not shown(app) and not app.screen.query_one(Candidates).display)


@pytest.mark.parametrize("size", [(20, 5), (40, 10), (80, 24)])
async def test_it_has_room_on_every_screen(size: tuple[int, int]) -> None:
    app = board()
    async with app.run_test(size=size) as pilot:
        await begin(app, pilot)
        await pilot.press("colon", *"no")
        await until(pilot, lambda: screen_text(app).splitlines()[-1].startswith(" :no"))
        assert len(screen_text(app).splitlines()) == size[1]
        await pilot.resize_terminal(100, 30)
        await until(pilot, lambda: screen_text(app).splitlines()[-1].startswith(" :no"))


# ---- every command ----


def test_every_command_has_somebody_who_does_it() -> None:
    """With words by `command_<name>`, alone by `action_<name>`, of some screen or of the app."""
    from .test_actions import OWNERS

    owners = [*OWNERS.values(), Dashboard]
    for name, found in COMMANDS.items():
        if found.args:
            assert any(hasattr(owner, f"command_{name}") for owner in owners), name
        if not found.least:
            assert any(hasattr(owner, f"action_{name}") for owner in owners), name


def test_every_method_for_a_command_is_in_the_registry() -> None:
    from .test_actions import OWNERS

    for owner in {*OWNERS.values(), Dashboard}:
        for method in dir(owner):
            if method.startswith("command_"):
                assert COMMANDS[method.removeprefix("command_")].args, method


@pytest.mark.timeout(240)  # some eighty commands, each with its screen
async def test_every_command_alone_is_done_or_refused_in_words() -> None:
    """From the fleet: what works there happens, what does not is said."""
    app = jobs_board()
    async with app.run_test(size=(100, 30)) as pilot:
        await begin(app, pilot)
        for name, found in COMMANDS.items():
            if name in ("quit", "shell"):
                continue  # they leave, both
            if name in app.commands_of(app.fleet_screen) and not found.least:
                app.obey(app.understand(name))
                await pilot.pause()
                await until(pilot, lambda: app.screen.is_mounted)
            else:
                with pytest.raises(CommandError, match=r"wants a|does not work here"):
                    app.understand(name)
            assert app.failure is None, name
            app.go_to(1)
            await until(pilot, lambda: app.screen is app.fleet_screen)


@pytest.mark.parametrize(
    ("words", "screen"),
    [
        ("node web03", NodeScreen),
        ("posture web03", PostureScreen),
        ("job 2.181", JobScreen),
        ("job 2[]", JobsScreen),
        ("jobs", JobsScreen),
        ("events", EventsScreen),
        ("help", HelpScreen),
    ],
)
async def test_views(words: str, screen: type) -> None:
    app = jobs_board()
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await command(pilot, words)
        await until(pilot, lambda: isinstance(app.screen, screen) and app.screen.is_mounted)
        assert app.failure is None


async def test_what_is_the_fleets_is_done_there_from_anywhere() -> None:
    app = board()
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, NodeScreen) and app.screen.is_mounted)
        await command(pilot, "filter @web")
        await until(
            pilot, lambda: (app.screen is app.fleet_screen and len(table(app).names) == 9) or len(app.screen_stack) == 1
        )
        assert app.fleet_screen.selection == "@web"
        await until(pilot, lambda: crumbs(app).startswith("fleet › @web"))


async def test_where_nothing_may_change_no_command_does() -> None:
    fleet = sick_fleet(20, ticks=4)
    fleet.settings = Settings(guard=Guard(read_only=True))
    fleet.refusal = UsageError("this is read-only")
    app = board(fleet)
    async with app.run_test(size=(100, 30)) as pilot:
        await begin(app, pilot)
        refused = 0
        for name, found in app.commands_of(app.fleet_screen).items():
            if found.changes:
                app.clear_notifications()
                words = f"{name} 1h" if found.args and app._owner(found, True) else name
                app.obey(app.understand(words))
                await until(pilot, lambda: any("read-only" in one for one in told(app)))
                assert app.screen is app.fleet_screen, name
                refused += 1
        assert refused and not fleet.ran and not fleet.pushed


async def test_a_command_is_run_on_whom_the_key_would_be_for() -> None:
    fleet = sick_fleet(20, ticks=4)
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await command(pilot, "mark gpu")
        wanted = set(app.marks.names)
        await command(pilot, "exec uname -r")
        await until(pilot, lambda: fleet.ran)
        task, names = fleet.ran[0]
        assert task.command == "uname -r" and set(names) == wanted and len(wanted) > 1
        await command(pilot, "exec uptime")  # on the screen itself: for the same
        await until(pilot, lambda: len(fleet.ran) == 2)
        assert set(fleet.ran[1][1]) == wanted
        await pilot.press("escape", "colon", "up")
        await until(pilot, lambda: line(app).value == "exec uptime")
        assert not [one for one in app.keeping.get("typed").get("command", []) if "exec" in one]


# ---- what was typed ----


async def test_up_brings_back_what_was_typed_also_after_a_restart() -> None:
    app = board()
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await command(pilot, "theme nord")
        await command(pilot, "sort cpu")
        await pilot.press("slash", *"@web", "enter")
        await until(pilot, lambda: app.fleet_screen.selection == "@web" and app.focused is table(app))
    again = board()
    async with again.run_test(size=WIDE) as pilot:
        await begin(again, pilot)
        await pilot.press("colon", "up")
        await until(pilot, lambda: line(again).value == "sort cpu")
        await pilot.press("up")
        await until(pilot, lambda: line(again).value == "theme nord")
        await pilot.press("down", "down")
        await until(pilot, lambda: line(again).value == "")
        await pilot.press("t", "up")
        await until(pilot, lambda: line(again).value == "theme nord")  # what begins so
        await pilot.press("escape", "slash", "up")
        await until(pilot, lambda: again.screen.query_one("#filter", Input).value == "@web")
    kept = list((Path(os.environ["XDG_STATE_HOME"]) / "gridtui").rglob("typed.json"))
    assert len(kept) == 1 and kept[0].stat().st_mode & 0o777 == 0o600


async def test_what_is_wrong_is_not_remembered() -> None:
    app = board()
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await command(pilot, "nonsense")
        await pilot.press("escape", "colon", "up")
        assert line(app).value == ""


# ---- the filter ----


async def test_a_filter_is_completed() -> None:
    app = board()
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await pilot.press("slash", *"@w")
        await until(pilot, lambda: offered(app) == ["@web"])
        await pilot.press("tab")
        await until(pilot, lambda: app.fleet_screen.selection == "@web")  # applied as if it was typed
        await pilot.press("enter")
        await until(pilot, lambda: app.focused is table(app))
        assert not app.screen.query_one(Candidates).display


async def test_keys_behind_a_filter_are_the_screens() -> None:
    app = board()
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        for key in ("slash", "at", "w", "e", "b", "enter", "e"):
            app.post_message(events.Key(key, {"slash": "/", "at": "@"}.get(key, key if len(key) == 1 else None)))
        await until(pilot, lambda: isinstance(app.screen, EventsScreen) and app.screen.is_mounted)
        assert app.fleet_screen.selection == "@web"


async def test_what_stands_in_a_filter_covers_its_keys_but_not_the_box() -> None:
    app = board()
    async with app.run_test(size=(80, 24)) as pilot:
        await begin(app, pilot)
        await pilot.press("slash", "s")
        await until(pilot, lambda: app.screen.query_one(Candidates).region.height > 1)
        box, candidates = app.screen.query_one("#filter"), app.screen.query_one(Candidates)
        await until(pilot, lambda: candidates.region.bottom == box.region.y)


# ---- the trail ----


async def test_back_and_forward_as_it_was() -> None:
    app = board()
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await pilot.press("slash", *"@web", "enter", "down", "enter")
        await until(pilot, lambda: isinstance(app.screen, NodeScreen) and app.screen.is_mounted)
        page = app.screen
        assert isinstance(page, NodeScreen)
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, EventsScreen) and app.screen.is_mounted)
        await until(pilot, lambda: crumbs(app) == f"fleet › @web › {page.node} › events")
        await pilot.press("alt+left")
        await until(pilot, lambda: app.screen is page)
        await pilot.press("alt+left")
        await until(pilot, lambda: app.screen is app.fleet_screen)
        await pilot.press("alt+left")
        await until(pilot, lambda: app.fleet_screen.selection == "")
        await until(pilot, lambda: crumbs(app) == f"fleet › @web › {page.node} › events")  # what lies ahead, faint
        await pilot.press("alt+left")  # there is nothing behind
        await pilot.press("alt+right")
        await until(pilot, lambda: app.fleet_screen.selection == "@web")
        await pilot.press("alt+right")
        await until(pilot, lambda: app.screen is page)
        await pilot.press("alt+right")
        await until(pilot, lambda: isinstance(app.screen, EventsScreen))
        await pilot.press("alt+right")
        await until(pilot, lambda: "nothing lies ahead" in told(app))
        assert app.failure is None


async def test_going_elsewhere_forgets_what_lay_ahead() -> None:
    app = board()
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, NodeScreen) and app.screen.is_mounted)
        page = app.screen
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.fleet_screen)
        assert [step.crumb for step in app.trail.ahead] == [page.crumb]  # type: ignore[attr-defined]
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, EventsScreen) and app.screen.is_mounted)
        assert not app.trail.ahead
        await until(pilot, lambda: not page.is_attached and not page.is_running)  # its widgets are given up


async def test_the_theme_may_be_another_one_by_then() -> None:
    app = board()
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, NodeScreen) and app.screen.is_mounted)
        page = app.screen
        await pilot.press("alt+left")
        await until(pilot, lambda: app.screen is app.fleet_screen)
        app.theme = "gridtui-light"
        await pilot.press("alt+right")
        await until(pilot, lambda: app.screen is page)
        await until(pilot, lambda: page.styles.background == app.fleet_screen.styles.background)


async def test_a_click_on_a_crumb_goes_there() -> None:
    app = board()
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await pilot.press("slash", *"@web", "enter", "enter")
        await until(pilot, lambda: isinstance(app.screen, NodeScreen) and app.screen.is_mounted)
        page = app.screen
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, EventsScreen) and app.screen.is_mounted)
        await until(pilot, lambda: "events" in crumbs(app))
        await pilot.click(Crumbs, offset=(1 + len("fleet › @"), 0))
        await until(pilot, lambda: app.screen is app.fleet_screen)
        assert app.fleet_screen.selection == "@web"
        await pilot.click(Crumbs, offset=(2, 0))  # the fleet without the filter
        await until(pilot, lambda: not app.fleet_screen.selection)
        await until(pilot, lambda: crumbs(app).endswith("events"))
        await pilot.click(Crumbs, offset=(1 + len("fleet › @web › w"), 0))  # forward, two at once
        await until(pilot, lambda: app.screen is page)
        assert app.fleet_screen.selection == "@web" and app.failure is None


async def test_a_node_that_is_gone_to_within_its_page_is_the_crumb() -> None:
    app = board()
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, NodeScreen) and app.screen.is_mounted)
        before = crumbs(app)
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: crumbs(app) != before)


@pytest.mark.parametrize(
    "name", ["node", "events", "jobs", "array", "job", "posture", "runs", "playbooks", "exec", "push"]
)
async def test_every_screen_is_a_part_of_the_trail_and_comes_back(name: str) -> None:
    app = jobs_board()
    node = next(iter(app.fleet.nodes))
    opened = {
        "node": lambda: app.open_node(node),
        "events": app.open_events,
        "jobs": app.open_jobs,
        "array": lambda: app.open_array(2),
        "job": lambda: app.command_job("2.181"),
        "posture": lambda: app.open_posture(node),
        "runs": app.open_runs,
        "playbooks": lambda: app.open_playbooks([node]),
        "exec": lambda: app.open_run("exec", [node]),
        "push": lambda: app.open_run("push", [node]),
    }
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        app.fleet_screen.call_later(opened[name])
        await until(pilot, lambda: app.screen is not app.fleet_screen and app.screen.is_mounted)
        screen = app.screen
        assert isinstance(screen, Place)
        await until(pilot, lambda: crumbs(app) == f"fleet › {screen.crumb}")
        app.action_trail_back()
        await until(pilot, lambda: app.screen is app.fleet_screen)
        for _ in range(2):
            await pilot.press("alt+right")
            await until(pilot, lambda: app.screen is screen)
            app.action_trail_back()
            await until(pilot, lambda: app.screen is app.fleet_screen)
        assert app.failure is None


# ---- the help and the palette ----


@pytest.mark.parametrize(
    ("key", "first"), [("", "Fleet"), ("enter", "A node's page"), ("e", "Event log"), ("J", "Jobs")]
)
async def test_the_help_begins_with_the_screen_below_it(key: str, first: str) -> None:
    app = board()
    async with app.run_test(size=(140, 60)) as pilot:
        await begin(app, pilot)
        if key:
            await pilot.press(key)
            await until(pilot, lambda: app.screen is not app.fleet_screen and app.screen.is_mounted)
        await pilot.press("question_mark")
        await until(
            pilot, lambda: isinstance(app.screen, HelpScreen) and app.screen.is_mounted and "Help" in screen_text(app)
        )
        await until(pilot, lambda: any(f" {first} " in one for one in screen_text(app).splitlines()[:6]))


async def test_the_help_is_searched() -> None:
    app = board()
    async with app.run_test(size=(140, 60)) as pilot:
        await begin(app, pilot)
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen) and app.screen.is_mounted)
        for key in ("slash", *"drain"):
            app.post_message(events.Key(key, "/" if key == "slash" else key))
        await until(
            pilot,
            lambda: "Give its node no more jobs" in screen_text(app) and "Take the next theme" not in screen_text(app),
        )
        await pilot.press("enter")
        assert isinstance(app.focused, Lines)
        await pilot.press("slash", *"zz")
        await until(pilot, lambda: "nothing has all of these words" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: "Open the page of the node" in screen_text(app))
        await pilot.press("G")
        await until(pilot, lambda: "an echo that was lost" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, FleetScreen))


async def test_the_palette_finds_nodes_and_commands() -> None:
    app = board()
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await pilot.press("ctrl+p", *"gpu02")
        await until(pilot, lambda: "Node: gpu02" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, NodeScreen) and app.screen.is_mounted)
        await pilot.press("ctrl+p", *"filter")
        await until(pilot, lambda: ":filter [SELECTION]" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, NodeScreen))
        app.open_command_line("filter ")
        await until(pilot, lambda: line(app).value == "filter " and "@web" in offered(app))


def test_every_key_of_the_registry_is_pressed_somewhere() -> None:
    """The new ones, here."""
    text = Path(__file__).read_text()
    for action in ACTIONS:
        if action.name in (
            "command_line",
            "trail_back",
            "trail_forward",
            *("complete", "complete_back", "enter_line", "leave_line"),
        ):
            assert any(f'"{key}"' in text for key in action.key.split(",")), action.name


async def test_a_fleet_without_anything_to_name_can_be_filtered() -> None:
    app = board(FakeFleet(0))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: getattr(app.fleet, "started", True))
        await pilot.press("slash", *"no", "tab", "escape")
        await pilot.press("colon", *"node", "space", "tab", "enter")
        await until(pilot, lambda: "wants a node" in screen_text(app))
        assert app.failure is None
