"""A dashboard over a made-up fleet that moves by itself, for the tests in a real terminal.

    python -m tests.tui.live [crash|simulated]

Its third node goes down a second after the start. With `crash`, a key (`z`) breaks the program from within. With `simulated`, the
fleet is a real one, of simulated nodes that speak real SSH.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from gridtui.fleet import Fleet
from gridtui.model import Layer
from gridtui.settings import Settings
from gridtui.sim import start_process
from gridtui.tui.app import Dashboard, serve

from .fake import FakeFleet


class Crashing(Dashboard):
    """Breaks at a key."""

    async def on_key(self, event: object) -> None:
        if getattr(event, "key", "") == "z":
            raise RuntimeError("broken on purpose")


async def main(crash: bool) -> int:
    """Run until it is left."""
    fleet = FakeFleet(12, live=True)
    loop = asyncio.get_running_loop()
    loop.call_later(1.5, fleet.fail, list(fleet.nodes)[2], Layer.TCP, "connection refused")
    return await serve((Crashing if crash else Dashboard)(fleet, "SIMULATED NODES"))


async def simulated() -> int:
    """The same over real connections."""
    with tempfile.TemporaryDirectory(prefix="gridtui-test-") as folder:
        async with start_process(6, Path(folder), seed=1) as running:
            return await serve(Dashboard(Fleet.open([running.inventory], Settings()), "SIMULATED NODES"))


if __name__ == "__main__":
    sys.exit(asyncio.run(simulated() if "simulated" in sys.argv else main("crash" in sys.argv)))
