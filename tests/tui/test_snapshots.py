"""Pictures of the screens over reproducible data. Look at the report before `--snapshot-update`."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from gridtui.tui.app import Dashboard

from .fake import sick_fleet

SIZES = [(80, 24), (160, 50)]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize(
    ("name", "keys", "theme"),
    [
        ("fleet", [], "gridtui-dark"),
        ("fleet-light-grouped", ["g"], "gridtui-light"),
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
        for key in keys:
            await pilot.press(key)
            await pilot.pause()
        app.fleet_screen._add_up()
        if "slash" in keys:
            while not app.fleet_screen._complaint:
                await pilot.pause(0.01)
            app.fleet_screen.query_one("Input").cursor_blink = False  # type: ignore[attr-defined]
        if "p" in keys:
            while app.workers._workers and any(worker.group == "processes" for worker in app.workers):
                await pilot.pause(0.01)
        app.on_fresh()
        await pilot.pause()

    assert callable(snap_compare)
    assert snap_compare(app, terminal_size=size, run_before=ready)
