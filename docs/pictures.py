"""Make the pictures of the README from the running program: `make pictures`.

Starts simulated nodes, opens the dashboard over them without a terminal, and keeps what it shows as SVG. Nothing is drawn by hand.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from gridtui.fleet import Fleet
from gridtui.settings import Settings
from gridtui.sim import start_process
from gridtui.tui import Dashboard

FOLDER = Path(__file__).parent / "pictures"
NODES = 24
SECONDS = 40
"""Until the sparklines have a past."""


async def main() -> None:
    """Write `fleet.svg` and `node.svg`."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="gridtui-pictures-") as folder:
        async with start_process(NODES, Path(folder), seed=1) as simulated:
            app = Dashboard(Fleet.open([simulated.inventory], Settings()), f"DEMO: {NODES} simulated nodes")
            try:
                async with app.run_test(size=(132, 34)) as pilot:
                    await pilot.pause(SECONDS)
                    _keep(app, "fleet")
                    await pilot.press("end", "up", "enter")
                    await pilot.pause(3)
                    _keep(app, "node")
            finally:
                await app.fleet.close()


def _keep(app: Dashboard, name: str) -> None:
    (FOLDER / f"{name}.svg").write_text(app.export_screenshot(title="gridtui", simplify=True))


if __name__ == "__main__":
    asyncio.run(main())
