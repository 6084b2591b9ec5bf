"""Pictures of the screens over reproducible data. Look at the report before `--snapshot-update`."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from gridtui.playbooks.artefacts import Kept
from gridtui.settings import Guard, Settings
from gridtui.tui.app import Dashboard
from gridtui.tui.screens.job import JobScreen
from gridtui.tui.screens.jobs import JobsScreen
from gridtui.tui.widgets.jobs import JobLines
from gridtui.tui.widgets.output import OutputLines
from gridtui.tui.widgets.prompt import Prompt

from .fake import sick_fleet
from .grid import busy

SIZES = [(80, 24), (160, 50)]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize(
    ("name", "keys", "theme"),
    [
        ("fleet", [], "gridtui-dark"),
        ("fleet-light-grouped", ["u"], "gridtui-light"),
        ("fleet-wrong-filter", ["slash", *"@wbe"], "gridtui-dark"),
        ("node", ["down", "enter"], "gridtui-dark"),
        ("node-down-contrast", ["enter", "p"], "gridtui-contrast"),
        ("events", ["e"], "gridtui-safe"),
        ("help", ["question_mark"], "gridtui-mono"),
    ],
)
def test_picture(snap_compare: object, size: tuple[int, int], name: str, keys: list[str], theme: str) -> None:
    fleet = sick_fleet()
    app = Dashboard(fleet, "SIMULATED NODES", clock=lambda: fleet.now)
    app.theme = theme
    app.animation_level = "none"

    async def ready(pilot: Pilot[int]) -> None:
        while not fleet.started:
            await pilot.pause(0.01)
        await pilot.pause()
        app.fleet_screen._add_up()
        app.fleet_screen.order()  # what lies under another screen is drawn once
        for key in keys:
            await pilot.press(key)
            await pilot.pause()
        app.fleet_screen._add_up()
        if "slash" in keys:
            while not app.fleet_screen.complaint:
                await pilot.pause(0.01)
            app.fleet_screen.query_one("Input").cursor_blink = False  # type: ignore[attr-defined]
        if "p" in keys:
            while app.workers._workers and any(worker.group == "processes" for worker in app.workers):
                await pilot.pause(0.01)
        app.on_fresh()
        await pilot.pause()

    assert callable(snap_compare)
    assert snap_compare(app, terminal_size=size, run_before=ready)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", ["exec", "exec-diff-light", "push", "confirm"])
def test_picture_of_a_run(snap_compare: object, size: tuple[int, int], name: str) -> None:
    fleet = sick_fleet(settings=Settings(guard=Guard(confirm_above=20 if name == "confirm" else 1000)))
    fleet.held = {"gpu05", "web06"} if name in ("exec", "push") else set()
    app = Dashboard(fleet, "SIMULATED NODES", clock=lambda: fleet.now)
    app.theme = "gridtui-light" if "light" in name else "gridtui-dark"
    app.animation_level = "none"

    async def ready(pilot: Pilot[int]) -> None:
        while not fleet.started:
            await pilot.pause(0.01)
        await pilot.press("P" if name == "push" else "x")
        while not isinstance(app.focused, Prompt):
            await pilot.pause(0.01)
        for box in app.screen.query(Input):
            box.cursor_blink = False
        if name == "push":
            app.screen.query_one("#sources", Input).value = "/etc/hostname"
            app.screen.query_one("#destination", Input).value = "/srv/www"
            await pilot.press("f2", "enter", "enter")
        else:
            app.screen.query_one(Prompt).value = "cat /etc/thing"
            await pilot.press("f2" if name == "confirm" else "f3", "enter")
        run = app.run_screen("push" if name == "push" else "exec")
        while not (fleet.ran or fleet.pushed or name == "confirm"):
            await pilot.pause(0.01)
        if "diff" in name:
            while run.running:
                await pilot.pause(0.01)
            await pilot.pause()
            await pilot.press("d", "down", "enter")
        await pilot.pause()
        if name != "confirm":
            run.show()
        await pilot.pause()

    assert callable(snap_compare)
    assert snap_compare(app, terminal_size=size, run_before=ready)


@pytest.mark.parametrize("size", [(60, 24), *SIZES], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize(
    ("name", "theme"),
    [
        ("choice", "gridtui-dark"),
        ("choice-typing", "gridtui-light"),
        ("dry-run", "gridtui-light"),
        ("run", "gridtui-dark"),
        ("run-failures", "gridtui-safe"),
        ("runs", "gridtui-mono"),
        ("posture", "gridtui-contrast"),
    ],
)
def test_picture_of_playbooks(snap_compare: object, size: tuple[int, int], name: str, theme: str) -> None:
    fleet = sick_fleet(settings=Settings(guard=Guard(confirm_above=1000)))
    app = Dashboard(fleet, "SIMULATED NODES", clock=lambda: fleet.now)
    app.theme = theme
    app.animation_level = "none"
    outcomes = {"web06": "changed", "web07": "failed", "web03": "locked-out"}
    fleet.kept = [
        Kept("20260921T141300-aaaa", Path("/x/1"), fleet.now - 9000, ("base",), ("db01",), True, (), None),
        Kept("20260921T141320-0f3a", Path("/x/2"), fleet.now - 60, ("ssh", "motd"), ("a", "b"), False, (), outcomes),
    ]

    async def ready(pilot: Pilot[int]) -> None:
        while not fleet.started:
            await pilot.pause(0.01)
        await pilot.press("o" if name == "posture" else "b")
        await pilot.pause()
        if name == "posture":
            while not fleet.looked:
                await pilot.pause(0.01)
        else:
            await pilot.press("down", "down")
        if name == "choice-typing":
            await pilot.press("space", "u", "v")
            app.screen.query_one(Input).cursor_blink = False
        elif name == "runs":
            await pilot.press("h")
        elif name == "dry-run":
            await pilot.press("up", "enter")
        elif "run" in name:
            await pilot.press("r", "y")
        run = app.playbook_screen
        if "run" in name and name != "runs":
            while not fleet.played or not run.course.tasks or (run.running and name == "dry-run"):
                await pilot.pause(0.01)
            run._began = fleet.now - 12
            run._took = 12.0
            await pilot.pause()
            if "failures" in name:
                await pilot.press("f")
            run.show()
        await pilot.pause()

    assert callable(snap_compare)
    assert snap_compare(app, terminal_size=size, run_before=ready)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (160, 50)], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize(
    ("name", "theme"),
    [
        ("empty", "gridtui-dark"),
        ("busy", "gridtui-dark"),
        ("array", "gridtui-safe"),
        ("job", "gridtui-dark"),
        ("failed", "gridtui-light"),
        ("cancel", "gridtui-contrast"),
        ("node", "gridtui-mono"),
    ],
)
def test_picture_of_jobs(snap_compare: object, size: tuple[int, int], name: str, theme: str) -> None:
    fleet = sick_fleet()
    if name != "empty":
        busy(fleet.jobs, fleet.now)
    app = Dashboard(fleet, "SIMULATED NODES", clock=lambda: fleet.now)
    app.theme = theme
    app.animation_level = "none"

    async def ready(pilot: Pilot[int]) -> None:
        while not (fleet.started and fleet.jobs.found):
            await pilot.pause(0.01)
        for step in reversed(range(120)):
            app.desk.use.look(fleet.now - 10 * step, 90.0 - abs(60 - step) / 2)
        if name == "node":
            app.open_node("gpu05")
            while not app.desk.on_node:
                await pilot.pause(0.01)
        else:
            await pilot.press("J")
            while not (isinstance(app.screen, JobsScreen) and app.desk.holder):
                await pilot.pause(0.01)
            while app.desk.use.missing(fleet.now):
                app.desk.soon()
                app.on_fresh()
                await pilot.pause()
        if name in ("array", "job", "failed"):
            await pilot.press("enter")
            while not (isinstance(app.screen, JobsScreen) and app.screen.number and app.screen.query_one(JobLines).row):
                await pilot.pause(0.01)
        if name == "failed":
            await pilot.press(*["down"] * 7)
        if name in ("job", "failed"):
            await pilot.press("enter")
            while not (isinstance(app.screen, JobScreen) and app.screen.job()):
                await pilot.pause(0.01)
            screen, lines = app.screen, app.screen.query_one(OutputLines)
            assert isinstance(screen, JobScreen)
            while (
                lines.count != (48 if name == "job" else 1)
                or not lines.is_vertical_scroll_end
                or (screen._why is None if name == "job" else not screen._tail._ended)
                or screen._drawn != screen._tail.changes
            ):
                await pilot.pause(0.05)
        elif name == "cancel":
            await pilot.press("c")
        await pilot.pause()
        if name != "cancel":
            app.on_fresh()
        await pilot.pause()

    assert callable(snap_compare)
    assert snap_compare(app, terminal_size=size, run_before=ready)
