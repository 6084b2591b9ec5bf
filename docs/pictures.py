"""Make the pictures of the README from the running program: `make pictures`.

Starts simulated nodes, opens the dashboard over them without a terminal, and keeps what it shows as SVG. Nothing is drawn by hand.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path

from gridtui.fleet import Fleet
from gridtui.jobs import Needs, Spec
from gridtui.settings import Settings
from gridtui.sim import start_process
from gridtui.tui import Dashboard

FOLDER = Path(__file__).parent / "pictures"
NODES = 24
SECONDS = 40
"""Until the sparklines have a past."""


async def main() -> None:
    """Write `fleet.svg`, `node.svg` and `jobs.svg`."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="gridtui-pictures-") as folder:
        os.environ["XDG_STATE_HOME"] = str(Path(folder, "state"))  # a queue of its own
        os.environ["LOGNAME"] = "ada"
        async with start_process(NODES, Path(folder), seed=1) as simulated:
            fleet = Fleet.open([simulated.inventory], Settings())
            await _queue(fleet)
            app = Dashboard(fleet, f"DEMO: {NODES} simulated nodes")
            try:
                async with app.run_test(size=(132, 34)) as pilot:
                    await pilot.pause(SECONDS)
                    _keep(app, "fleet")
                    await pilot.press("end", "up", "enter")
                    await pilot.pause(3)
                    _keep(app, "node")
                    await pilot.press("escape", "J")
                    await pilot.pause(SECONDS)
                    _keep(app, "jobs")
            finally:
                await fleet.close()


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
