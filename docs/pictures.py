"""Make the pictures of the README and the guides from the running program: `make pictures`.

Starts simulated nodes, opens the dashboard over them without a terminal, and keeps what it shows as SVG. Nothing is drawn by hand.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from textual.pilot import Pilot

from gridtui.fleet import Fleet
from gridtui.jobs import Needs, Spec
from gridtui.model import Hush
from gridtui.settings import Settings
from gridtui.sim import start_process
from gridtui.tui import Dashboard

FOLDER = Path(__file__).parent / "pictures"
SIZE = (132, 34)
NODES = 24
SECONDS = 90
"""Until plots have a past."""
QUEUED = 40
"""Until jobs have ended in every way."""
PATIENCE = 200
"""Tenths of a second for which something is waited for."""


async def main() -> None:
    """Write each look and screen that a guide shows."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="gridtui-pictures-") as folder:
        os.environ["XDG_STATE_HOME"] = str(Path(folder, "state"))  # a queue of its own
        os.environ["LOGNAME"] = "ada"
        async with start_process(NODES, Path(folder), seed=1) as simulated:
            fleet = Fleet.open([simulated.inventory], Settings())
            await _queue(fleet)
            app = Dashboard(fleet, f"DEMO: {NODES} simulated nodes")
            try:
                async with app.run_test(size=SIZE) as pilot:
                    await pilot.pause(SECONDS)
                    await _looks(app, pilot)
                    await _screens(app, pilot)
                    await _past(app, pilot)
            finally:
                await fleet.close()


async def _looks(app: Dashboard, pilot: Pilot[int]) -> None:
    """The fleet in its three looks, by group, and some of it compared."""
    await _press(pilot, "home")
    _keep(app, "fleet")
    await _press(pilot, "u", "2")
    _keep(app, "map")
    await _press(pilot, "u", "u", "u", "3")
    if app.fleet_screen.by:
        app.fleet_screen.command_group("")
    await _press(pilot)
    _keep(app, "board")
    up = [name for name in app.fleet.nodes if app.fleet.status(name).reach.up]
    app.marks.set(up[:3])
    await _press(pilot, "1", "equals_sign")
    _keep(app, "compare")
    await _press(pilot, "escape", "U")


async def _screens(app: Dashboard, pilot: Pilot[int]) -> None:
    """A node's page, what is wrong, and the jobs."""
    await _press(pilot, "end", "up", "enter")
    await pilot.pause(3)
    _keep(app, "node")
    fleet = app.fleet
    ill = [name for name in fleet.nodes if fleet.status(name).verdict.alert]
    await fleet.mute(ill[:1], Hush.ACKNOWLEDGED, why="a new disk is on its way")
    await fleet.mute(ill[1:2], Hush.SILENCED, seconds=7200, why="the fans are changed")
    await _press(pilot, "escape", "a")
    _keep(app, "alerts")
    await _press(pilot, "escape", "J")
    await pilot.pause(QUEUED)
    _keep(app, "jobs")
    await _press(pilot, "escape")


async def _past(app: Dashboard, pilot: Pilot[int]) -> None:
    """The same fleet some time ago."""
    app.command_history("1m")
    await _until(pilot, lambda: app.replay is not None)
    await _press(pilot, "home", "1")
    _keep(app, "replay")


async def _press(pilot: Pilot[int], *keys: str) -> None:
    await pilot.press(*keys)
    await pilot.pause(1.5)  # what came meanwhile is drawn


async def _until(pilot: Pilot[int], done: Callable[[], bool]) -> None:
    for _ in range(PATIENCE):
        if done():
            return
        await pilot.pause(0.1)
    raise TimeoutError("what is to be pictured did not come")


async def _queue(fleet: Fleet) -> None:
    """What simulated nodes can say that they do."""
    render = Spec("blender -b scene.blend -f $GRIDTUI_INDEX", name="frames", where="role=render", needs=Needs(cpus=8))
    await fleet.submit(render, array=range(1, 241))
    await fleet.submit(Spec("python3 pi.py --seed $GRIDTUI_INDEX", name="monte-carlo"), array=range(1, 1001))
    await fleet.submit(Spec("python3 train.py", name="training", needs=Needs(cpus=4, gpus=1), priority=20))
    await fleet.submit(Spec("sleep 6; exit 3", name="import", retries=1), array=range(1, 6))
    await fleet.submit(Spec("restic backup /srv", name="backup", where="role=storage"), held=True)
    await fleet.submit(Spec("python3 fold.py", name="folding", needs=Needs(memory=2 << 40)))


def _keep(app: Dashboard, name: str) -> None:
    (FOLDER / f"{name}.svg").write_text(app.export_screenshot(title="gridtui", simplify=True))


if __name__ == "__main__":
    asyncio.run(main())
