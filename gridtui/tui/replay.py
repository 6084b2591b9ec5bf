"""A fleet as it was: the interface of `fleet.Fleet` over a recording, with a moment that can be moved. Draws nothing.

Nothing here reaches a node: what would ask or change one is refused, in words. Files are read, and the picture of a moment is made, in a
thread; the loop takes what is ready.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left, bisect_right
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from .. import inventory as inventories
from ..errors import StateError, UsageError
from ..events import Event
from ..model import Mute, Node, PingMethod, Reach, RoundTrips, State, Status, Verdict
from ..recorder import Recording, Stretch
from ..recorder.tiers import FINE, Tier
from ..settings import Settings

if TYPE_CHECKING:
    from ..health import Ground
    from ..posture.model import Look

VALUES = 300
"""Values of a plot's past."""
AHEAD = 360
"""Slots that are in memory beyond the moment that was asked for."""
LOG = 1000
"""Events that the log shows."""

Result = TypeVar("Result")


class Replay:
    """One recording. `start` opens it; `seek` moves the moment that is shown."""

    def __init__(self, path: Path, settings: Settings, nodes: Mapping[str, Node] | None = None) -> None:
        """With `nodes`, these are shown, whatever the recording has of them; else all of the recording."""
        self.path = path
        self.ask: Callable[[str], Awaitable[str | None]] | None = None
        self.time = 0.0
        """The moment that is shown."""
        self.since = self.until = 0.0
        self.step = float(FINE.step)
        """Seconds between two values here."""
        self.alarms: Sequence[float] = ()
        """When something happened that asked for attention."""
        guard = replace(settings.guard, read_only=True)
        intervals = replace(settings.intervals, fast=self.step, ping=self.step)
        self.settings = replace(settings, guard=guard, intervals=intervals)
        self.nodes: Mapping[str, Node] = {name: _plain(node) for name, node in (nodes or {}).items()}
        self.inventory = inventories.inventory_of(self.nodes.values())
        self._statuses: Mapping[str, Status] = {}
        self._recording: Recording | None = None
        self._stretch: Stretch | None = None
        self._tier: Tier = FINE
        self._log: Sequence[Event] = ()
        self._log_since = self._log_until = 0.0
        """From when to when the log is what it is."""
        self._thread = ThreadPoolExecutor(1, "replay")
        self._closed = asyncio.Event()
        self._wanted: float | None = None
        self._moving: asyncio.Task[None] | None = None

    # ---- the moment ----

    def open(self) -> None:
        """Open the file, which a thread may do. Raises StateError."""
        self._thread.submit(self._open).result()

    def _open(self) -> None:
        if self._recording is not None:
            return
        recording = Recording.open(self.path)
        if not recording.spans:
            recording.close()
            raise StateError(f"{self.path}: nothing was recorded yet")
        self._recording = recording
        self.since, self.until = recording.since, recording.until
        if not self.nodes:
            self.nodes = {name: _plain(node) for name, node in recording.nodes.items()}
            self.inventory = inventories.inventory_of(self.nodes.values())
        self.alarms = recording.alarms()

    async def seek(self, time: float) -> None:
        """Show another moment, within what there is. Of several that are asked for meanwhile only the newest is shown. Raises StateError."""
        self._wanted = max(self.since, min(self.until, time))
        if self._moving is None or self._moving.done():
            self._moving = asyncio.create_task(self._move())
        await asyncio.shield(self._moving)

    async def _move(self) -> None:
        while (wanted := self._wanted) is not None:
            self._wanted = None
            self._statuses, self._log = await self._do(self._picture, wanted)
            self.time = wanted

    def _picture(self, time: float) -> tuple[Mapping[str, Status], Sequence[Event]]:
        assert self._recording is not None
        stretch = self._stretch
        known = self._recording.nodes
        if stretch is None or not stretch.since <= time < stretch.until or not self._reaches(stretch, time):
            tier = self._tier = self._recording.tier(FINE.step, time)
            stretch = self._recording.stretch(time - VALUES * tier.step, time + AHEAD * tier.step, tier)
            self._stretch = stretch
            self.step = float(tier.step)
        statuses = {
            name: replace(stretch.status(name, time), node=node) for name, node in self.nodes.items() if name in known
        }
        log = self._log
        if not self._log_since <= time < self._log_until:
            log = self._recording.newest(time, LOG)
            self._log_since, self._log_until = time, self._recording.next_event(time)
        return statuses, log

    def _reaches(self, stretch: Stretch, time: float) -> bool:
        """Whether enough of the past is there for plots: after a leap back it may not be."""
        return time - stretch.since >= min(VALUES * stretch.step, time - self.since)

    def covers(self, time: float) -> bool:
        """Whether anything was recorded then."""
        return self._stretch is not None and self._stretch.recorded(time)

    def next_start(self, time: float) -> float | None:
        """When the next stretch begins that was recorded; None after the last."""
        spans = self._recording.spans if self._recording else ()
        return next((since for since, _ in spans if since > time), None)

    def alarm_after(self, time: float) -> float | None:
        """The first alarm after a moment."""
        at = bisect_right(self.alarms, time)
        return self.alarms[at] if at < len(self.alarms) else None

    def alarm_before(self, time: float) -> float | None:
        """The last alarm before a moment."""
        at = bisect_left(self.alarms, time)
        return self.alarms[at - 1] if at else None

    async def _do(self, work: Callable[..., Result], *words: Any) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *words)

    # ---- what a fleet tells ----

    async def start(self) -> None:
        """Open the recording and go to its beginning, unless that was done. Raises StateError."""
        await self._do(self._open)
        if not self.time:
            await self.seek(self.since)

    async def close(self) -> None:
        """Close the file."""
        self._closed.set()
        if self._moving is not None:
            self._moving.cancel()
            await asyncio.gather(self._moving, return_exceptions=True)
        self._thread.submit(lambda: self._recording.close() if self._recording else None)
        self._thread.shutdown(wait=False)

    async def events(self) -> AsyncIterator[Event]:
        """None comes by itself: whoever moves the moment knows that it moved."""
        await self._closed.wait()
        none: tuple[Event, ...] = ()
        for event in none:
            yield event

    def status(self, name: str) -> Status:
        """A node as it was at the moment."""
        if (status := self._statuses.get(name)) is not None:
            return status
        reach = Reach(self.time, error="nothing was recorded of it then", pending=True)
        return Status(self.nodes[name], reach, RoundTrips(PingMethod.ICMP), Verdict(name, State.UNKNOWN, 0.0))

    def history(self, name: str, metric: str) -> Sequence[float]:
        """Values up to the moment, `step` seconds apart."""
        return self._stretch.history(name, metric, self.time, VALUES) if self._stretch else ()

    def log(self) -> Sequence[Event]:
        """What had happened by then."""
        return self._log

    def select(self, text: str) -> list[str]:
        return inventories.select(text, self.inventory).resolve(self.inventory, self.status)

    def fold(self, names: Iterable[str]) -> str:
        return inventories.fold(names)

    @property
    def ping_method(self) -> PingMethod:
        return next((status.trips.method for status in self._statuses.values()), PingMethod.ICMP)

    def grounds(self, name: str) -> Sequence[Ground]:
        return ()  # rules and their samples are not recorded: what followed from them is

    def mutes(self) -> Sequence[Mute]:
        """What had been said of alerts by then, as far as it was in force."""
        return [mute for status in self._statuses.values() if (mute := status.verdict.mute) is not None]

    async def known_posture(self, problem: Callable[[StateError], None] | None = None) -> AsyncIterator[Look]:
        none: tuple[Look, ...] = ()
        for look in none:
            yield look

    @property
    def recording(self) -> Path | None:
        return self.path

    @property
    def recording_trouble(self) -> str:
        return ""

    # ---- what a fleet does, and a recording does not ----

    def allow_changes(self) -> NoReturn:
        """Raises UsageError."""
        raise UsageError("this is a recording: nothing can be asked of a node, or changed")

    @property
    def jobs(self) -> Any:
        return self.allow_changes()

    def retry(self, name: str) -> None:
        self.allow_changes()

    def shell(self, name: str) -> list[str]:
        self.allow_changes()

    def playbooks(self) -> Any:
        self.allow_changes()

    def playbook_runs(self) -> Any:
        self.allow_changes()

    async def _refuse(self, *_: Any, **__: Any) -> Any:
        self.allow_changes()

    top = journal = containers = signal = exec = push = _refuse
    playbook = rollback_playbook = mute = unmute = posture = _refuse


def _plain(node: Node) -> Node:
    # Values here are as far apart as they were recorded, whatever the node's own intervals are.
    return replace(node, interval=None, ping_interval=None)
