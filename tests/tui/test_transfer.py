"""The push screen: every key of it, guard rails, progress, what came of it; over a made-up fleet, through Textual's Pilot."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from gridtui.push import Ending, Progress, Stage, Transfer
from gridtui.settings import Guard, Settings
from gridtui.tui import moves
from gridtui.tui.app import Dashboard
from gridtui.tui.screens.question import ConfirmScreen
from gridtui.tui.screens.transfer import TransferScreen
from gridtui.tui.text import width
from gridtui.tui.widgets.prompt import Prompt
from gridtui.tui.widgets.transfers import TransferLines

from .fake import FakeFleet
from .screens import WIDE, begin, board, screen_text, until

MANY = Settings(guard=Guard(confirm_above=1000))


async def opened(pilot: Pilot[int], app: Dashboard) -> TransferScreen:
    """The push screen over all nodes."""
    await begin(app, pilot)
    await pilot.press("P")
    await until(pilot, lambda: isinstance(app.screen, TransferScreen) and isinstance(app.focused, Prompt))
    screen = app.screen
    assert isinstance(screen, TransferScreen)
    return screen


async def fill(pilot: Pilot[int], app: Dashboard, sources: str, destination: str) -> None:
    """Fill in the form and send it."""
    app.screen.query_one("#sources", Prompt).value = sources
    await pilot.press("enter")
    app.screen.query_one("#destination", Prompt).value = destination
    await pilot.press("enter")


async def test_progress_sum_and_summary(tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("x")
    fleet = FakeFleet(14, settings=MANY)
    fleet.held = {"gpu02", "web03"}
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(pilot, app)
        await pilot.press("f2")
        assert "via peers" in screen_text(app)
        await fill(pilot, app, f"'{tmp_path}/a file'", "/srv/x y")
        await until(pilot, lambda: "▸ 2 running" in screen_text(app) and "7%" in screen_text(app))
        plan, names, peers = fleet.pushed[0]
        assert (plan.sources, plan.destination, peers) == ((f"{tmp_path}/a file",), "/srv/x y", True)
        assert names == tuple(fleet.nodes)
        assert "2.9M/s" in screen_text(app) and "left" in screen_text(app)
        assert "web01 feeds [b]web02[/]" in screen_text(app)
        assert "FROM" in screen_text(app)
        fleet.let_go()
        await until(pilot, lambda: not screen.running)
        await until(pilot, lambda: "● 13 ok" in screen_text(app) and "✖ 1 failed" in screen_text(app))
        table = app.screen.query_one(TransferLines)
        assert table.node == "web06"  # what went wrong stands first
        assert "no space left on device: [b]/srv·[2J" in screen_text(app)
        await pilot.press("down")
        assert "failed: web06: no space" in screen_text(app)
        await pilot.press("P")
        assert isinstance(app.focused, Prompt)
        await pilot.press("escape")
        await until(pilot, lambda: app.focused is table)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.fleet_screen)


@pytest.mark.parametrize(
    ("sources", "destination", "words"),
    [
        ("", "/srv", "must not be empty"),
        ("'open", "/srv", "the sources cannot be read"),
        ("/no/such/thing", "/srv", "no such file or directory"),
        ("/etc/hostname", "~other/x", "another user's home"),
    ],
)
async def test_what_cannot_be_sent_is_told(sources: str, destination: str, words: str) -> None:
    fleet = FakeFleet(3)
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, app)
        await fill(pilot, app, sources, destination)
        await until(pilot, lambda: words in screen_text(app))
        assert not fleet.pushed


async def test_many_nodes_are_asked_about_first_and_a_stop_ends_it(tmp_path: Path) -> None:
    fleet = FakeFleet(14, settings=Settings(guard=Guard(confirm_above=13)))
    fleet.held = set(fleet.nodes)
    app = board(fleet)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, app)
        await fill(pilot, app, str(tmp_path), "/srv")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        await pilot.press("n")
        await until(pilot, lambda: "nothing was run" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        await pilot.press("y")
        await until(pilot, lambda: screen.running and len(fleet.pushed) == 1)
        await pilot.press("backspace")
        await until(pilot, lambda: "push runs on 14" in screen_text(app))
        await pilot.press("enter", "P")  # from a node's page: it is shown as it runs
        await until(pilot, lambda: app.screen is screen and "running" in screen_text(app))
        await pilot.press("escape", "y")
        await until(pilot, lambda: not screen.running and "14 cancelled" in screen_text(app))


async def test_it_is_refused_where_nothing_may_change() -> None:
    app = board(FakeFleet(3, settings=Settings(guard=Guard(read_only=True))))
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await pilot.press("P")
        await until(pilot, lambda: app._notifications)
        assert app.screen is app.fleet_screen


@pytest.mark.parametrize("cells", [8, 40, 76, 110, 156])
@pytest.mark.parametrize(
    ("progress", "done"),
    [
        (None, None),
        (Progress("a", Stage.LOCKED), None),
        (Progress("a", Stage.SENDING, 5, None, 1.0), None),
        (Progress("a", Stage.SENDING, 5 << 40, 4 << 40, 1e12, 10**6, 4, "データ" * 20), None),
        (None, Transfer("a", Ending.OK, 0, 1, 2, 3, 4)),
        (None, Transfer("a", Ending.UNREACHABLE, layer="tcp", error="x" * 400)),
    ],
)
def test_rows_keep_to_their_columns(progress: Progress | None, done: Transfer | None, cells: int) -> None:
    made = "".join(words for words, _ in moves.row("データ[b]\x1b", progress, done, cells))
    assert "\x1b" not in made
    assert width(made) <= max(cells + 1, 62)
    if done is None or done.ok:
        assert width(made) == width("".join(words for words, _ in moves.titles(cells)))
