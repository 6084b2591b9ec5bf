"""What tests of the recorder share: a made-up fleet that can be asked, and time that passes when told."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from pathlib import Path

from gridtui.events import Event
from gridtui.model import Node, PingMethod, Reach, RoundTrips, State, Status, Verdict
from gridtui.recorder import RECORDED, Recorder
from gridtui.settings import History

START = 1_790_000_000.0 // 86400 * 86400 + 6 * 3600
"""Six in the morning (UTC) of a day."""


def nodes(*names: str) -> dict[str, Node]:
    return {name: Node(name, f"198.18.0.{number}", groups=("all-of-it",)) for number, name in enumerate(names, 1)}


class Field:
    """Nodes whose CPU is told by a function of the time."""

    def __init__(self, cpu: Callable[[str, float], float] = lambda name, now: 50.0) -> None:
        self.now = START
        self.steady = 0.0
        self.cpu = cpu
        self.state = State.OK
        self.told: list[tuple[str, bool]] = []
        self._woken = asyncio.Event()
        self._asleep = asyncio.Event()
        self._until = 0.0

    def taken(self, name: str) -> Sequence[float]:
        values = {"cpu": self.cpu(name, self.now), "rtt": 0.001, "loss": 0.0, "net.rx": 1000.0}
        return [values.get(metric, math.nan) for metric in RECORDED]

    def status(self, name: str) -> Status:
        reach = Reach(self.now)
        return Status(nodes(name)[name], reach, RoundTrips(PingMethod.ICMP), Verdict(name, self.state, self.now))

    def recorder(self, path: Path, *names: str, kept: History | None = None) -> Recorder:
        return Recorder(
            lambda: path,
            kept or History(),
            nodes(*(names or ("web01", "web02"))),
            self,
            lambda text, alarm: self.told.append((text, alarm)),
            clock=lambda: self.now,
            pause=self.pause,
        )

    async def pause(self, seconds: float) -> None:
        self._until = seconds
        self._asleep.set()
        await self._woken.wait()
        self._woken.clear()

    async def slot(self, count: int = 1) -> None:
        """Let so many slots pass."""
        for _ in range(count):
            await self._asleep.wait()
            self._asleep.clear()
            self.now += self._until
            self._woken.set()
        await self._asleep.wait()


async def recorded(path: Path, field: Field, slots: int, *names: str, events: Sequence[Event] = ()) -> None:
    """A whole recording."""
    recorder = field.recorder(path, *names)
    await recorder.start()
    for event in events:
        recorder.happened(event)
    await field.slot(slots)
    await recorder.close()


async def until(what: Callable[[], object]) -> None:
    """Wait for what must come true; the time-out of the test is the limit."""
    while not what():  # noqa: ASYNC110 - it comes true in a thread
        await asyncio.sleep(0.005)
