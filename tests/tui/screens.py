"""What tests through Textual's Pilot share: an app over a made-up fleet, waiting, and what is on the screen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from textual.pilot import Pilot

from gridtui.tui.app import Dashboard
from gridtui.tui.widgets.fleet_table import FleetTable

from .fake import FakeFleet, sick_fleet

WIDE = (160, 50)


def board(fleet: FakeFleet | None = None, banner: str = "") -> Dashboard:
    """The dashboard over `fleet`, with the fleet's clock."""
    fleet = fleet or sick_fleet(20, ticks=4)
    return Dashboard(fleet, banner, clock=lambda: fleet.now)


async def until(pilot: Pilot[int], what: Callable[[], object]) -> None:
    """Wait for what must come true; the time-out of the test is the limit."""
    while not what():
        await pilot.pause()
        await asyncio.sleep(0.005)


def table(app: Dashboard) -> FleetTable:
    """The fleet's table."""
    return app.fleet_screen.query_one(FleetTable)


def screen_text(app: Dashboard) -> str:
    """What is on the screen, line by line."""
    lines = app.screen._compositor.render_strips()
    return "\n".join(strip.text for strip in lines)


async def begin(app: Dashboard, pilot: Pilot[int]) -> None:
    """Wait until the fleet has started and is shown."""
    await until(pilot, lambda: getattr(app.fleet, "started", True))
    await until(pilot, lambda: table(app).names)
    await pilot.pause()


def told(app: Dashboard) -> list[str]:
    """What was told in passing, oldest first: tests draw no toasts."""
    return [one.message for one in app._notifications]
