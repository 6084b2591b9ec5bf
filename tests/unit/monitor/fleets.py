"""A running fleet over real servers, and what it says, to be waited for."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from gridtui.events import Changed, Event
from gridtui.fleet import Fleet
from gridtui.inventory import Inventory
from gridtui.model import Node
from gridtui.settings import Intervals, Settings, Ssh

QUICK = Intervals(ping=0.2, ping_timeout=0.5, fast=0.3, slow=0.9, overdue=1.5)
CALM = dict.fromkeys(
    ("load.cpu", "cpu.steal", "psi.mem.full", "loss", "clock", "mem", "disk", "disk.inodes", "temp", "units.failed"),
    "off",
)
"""No rule but `reach`: what is tested must not depend on how the machine feels."""


def quick(ssh: Ssh, intervals: Intervals = QUICK) -> Settings:
    """Settings under which seconds are enough."""
    return Settings(intervals=intervals, ssh=ssh, thresholds=CALM)


class Watched:
    """A fleet that runs, with everything that it emitted."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.events: list[Event] = []
        self._news = asyncio.Event()

    async def follow(self) -> None:
        async for event in self.fleet.events():
            self.events.append(event)
            self._news.set()

    async def until(self, holds: Callable[[], bool], timeout: float, what: str) -> float:
        """Wait, from event to event, until `holds`. Seconds that it took."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout(timeout):
                while not holds():
                    self._news.clear()
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._news.wait(), 0.1)
        except TimeoutError:
            raise AssertionError(f"{what} not within {timeout:g} s; {self.fleet.log()}") from None
        return loop.time() - began

    async def all_up(self, names: Sequence[str], timeout: float = 30) -> None:
        def holds() -> bool:
            statuses = [self.fleet.status(name) for name in names]
            return all(status.reach.up and status.verdict.layer is None for status in statuses)

        await self.until(holds, timeout, f"{names} up")

    def changes(self, name: str) -> list[Changed]:
        return [event for event in self.events if isinstance(event, Changed) and event.node == name]


@asynccontextmanager
async def watching(fleet: Fleet) -> AsyncIterator[Watched]:
    """The fleet, running, while the context lasts."""
    async with fleet:
        watched = Watched(fleet)
        follower = asyncio.create_task(watched.follow())
        try:
            yield watched
        finally:
            follower.cancel()
            await asyncio.gather(follower, return_exceptions=True)


def inventory_of(*nodes: Node) -> Inventory:
    """An inventory that is written nowhere."""
    names = tuple(node.name for node in nodes)
    return Inventory(
        {node.name: node for node in nodes},
        {"all": names, "ungrouped": names},
        {"all": ("ungrouped",), "ungrouped": ()},
        {"all": (), "ungrouped": names},
    )
