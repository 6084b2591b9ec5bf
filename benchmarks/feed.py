"""A fleet for measuring: many nodes, one sample each every 2 s, at as little cost of its own as can be."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

from gridtui.events import Event, Seen
from gridtui.model import Node, PingMethod, Reach, RoundTrips, Sample, State, Status, Verdict
from gridtui.settings import Dashboard, Settings

VARIANTS = 97
_HIGHEST = {
    "cpu": 100.0,
    "load": 16.0,
    "mem": 100.0,
    "mem.used": 3.2e10,
    "mem.total": 3.2e10,
    "disk": 100.0,
    "net.rx": 1e8,
    "net.tx": 1e8,
    "temp": 90.0,
    "uptime": 1e7,
}


class Feed:
    """Values are drawn from ready-made ones, so that the feed costs little beside what it feeds."""

    def __init__(self, count: int) -> None:
        rng = random.Random(1)
        self.settings = Settings(dashboard=Dashboard(dispatch=False))
        self.jobs: object = None
        self.ask: object = None
        self.ping_method = PingMethod.ICMP
        self.recording: object = None
        self.recording_trouble = ""
        self._metrics = [{name: high * rng.random() for name, high in _HIGHEST.items()} for _ in range(VARIANTS)]
        self._rtts = [[0.001 * rng.random() for _ in range(300)] for _ in range(VARIANTS)]
        self._trips = [RoundTrips(PingMethod.ICMP, 300, 300, r[-1], min(r), r[0], max(r), 0.0001) for r in self._rtts]
        self.nodes = {
            f"node{n:04}": Node(f"node{n:04}", f"198.18.{n // 250}.{n % 250 + 1}", groups=(f"rack{n % 20:02}",))
            for n in range(count)
        }
        self._names = list(self.nodes)
        self._statuses = {name: self._first(name) for name in self._names}
        self._step = 0
        self._queue: dict[str, Seen] = {}
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def _first(self, name: str) -> Status:
        return Status(
            self.nodes[name], Reach(0.0, pending=True), RoundTrips(PingMethod.ICMP), Verdict(name, State.UNKNOWN, 0.0)
        )

    def select(self, text: str) -> list[str]:
        return [name for name in self._names if name.startswith(text)]

    def log(self) -> Sequence[Event]:
        return ()

    async def events(self) -> AsyncIterator[Event]:
        while True:
            while self._queue:
                yield self._queue.pop(next(iter(self._queue)))
            self._wake.clear()
            await self._wake.wait()

    def mutes(self) -> Sequence[object]:
        """Nothing is silenced."""
        return ()

    async def known_posture(self, problem: object = None) -> AsyncIterator[Any]:
        """Nothing is known."""
        for nothing in list[Any]():
            yield nothing

    async def close(self) -> None:
        if self._task:
            self._task.cancel()

    def retry(self, name: str) -> None:
        """Nothing to try."""

    async def top(self, name: str, count: int = 20) -> tuple[object, ...]:
        return ()

    def status(self, name: str) -> Status:
        return self._statuses[name]

    def history(self, name: str, metric: str) -> Sequence[float]:
        return self._rtts[(len(name) + self._step) % VARIANTS]

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        slices, at = 20, 0
        reach = Reach(0.0)
        while True:
            now = time.time()
            self._step += 1
            for index in range(at, len(self._names), slices):
                name = self._names[index]
                pick = (index * 31 + self._step) % VARIANTS
                verdict = self._statuses[name].verdict
                if verdict.state is State.UNKNOWN:
                    verdict = Verdict(name, State.OK, now)
                sample = Sample(name, now, metrics=self._metrics[pick % len(self._metrics)])
                status = Status(self.nodes[name], reach, self._trips[pick], verdict, sample)
                self._statuses[name] = status
                self._queue[name] = Seen(name, status)
            self._wake.set()
            at = (at + 1) % slices
            due += 2.0 / slices
            await asyncio.sleep(max(0.0, due - loop.time()))
