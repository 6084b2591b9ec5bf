"""Nodes for a dispatcher without a network: they are up, have been measured, and can go away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from gridtui.errors import SelectionError
from gridtui.events import Event, Seen
from gridtui.model import Facts, Layer, Node, PingMethod, Reach, RoundTrips, Sample, State, Status, Verdict
from gridtui.settings import Settings
from gridtui.ssh import Pool


class Grid:
    """As much of a Fleet as jobs ask for."""

    def __init__(self, names: Sequence[str], settings: Settings | None = None, cpus: int = 4) -> None:
        self.settings = settings or Settings()
        self.nodes: Mapping[str, Node] = {
            name: Node(name, name, vars=MappingProxyType({"gridtui_slots": cpus})) for name in names
        }
        self._failed: dict[str, Layer] = {}
        self._cpus = cpus
        self._readers: list[asyncio.Queue[Event]] = []
        self.watched = 0
        self.alarms: list[tuple[str | None, str]] = []

    def status(self, name: str) -> Status:
        now = time.time()
        reach = Reach(now, self._failed.get(name), "no answer" if name in self._failed else "")
        sample = Sample(name, now, metrics={"load": 0.0, "mem.total": float(8 << 30), "mem.free": float(8 << 30)})
        verdict = Verdict(name, State.OK, now)
        facts = Facts(name, cpus=self._cpus)
        return Status(self.nodes[name], reach, RoundTrips(PingMethod.ICMP), verdict, sample, facts)

    def select(self, text: str) -> list[str]:
        if text not in self.nodes:
            raise SelectionError(f"nothing is called {text}")
        return [text]

    async def events(self) -> AsyncIterator[Event]:
        queue: asyncio.Queue[Event] = asyncio.Queue()
        self._readers.append(queue)
        while True:
            yield await queue.get()

    def away(self, name: str, gone: bool) -> None:
        """The node does not answer any more, or does again."""
        if gone:
            self._failed[name] = Layer.TCP
        else:
            self._failed.pop(name, None)
        for reader in self._readers:
            reader.put_nowait(Seen(name, self.status(name)))

    @asynccontextmanager
    async def holding(self) -> AsyncIterator[Pool]:
        async with Pool(self.settings.ssh) as pool:
            yield pool

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        self.watched += 1
        yield
        self.watched -= 1

    def alarm(self, node: str | None, text: str) -> None:
        self.alarms.append((node, text))

    def allow_changes(self) -> None:
        """All may be changed."""

    def with_jobs(self, **values: Any) -> Grid:
        """The same with other settings for jobs."""
        self.settings = replace(self.settings, jobs=replace(self.settings.jobs, **values))
        return self
