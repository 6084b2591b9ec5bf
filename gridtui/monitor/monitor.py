"""All nodes, watched continuously. Owns the watches, the verdicts as told (parents blamed), and the heartbeat."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace

from .. import health, ping
from ..errors import PingError, StateError
from ..events import Changed, Event, Noted
from ..model import Node, PingMethod, Status, Verdict, duration
from ..settings import Settings
from ..ssh import Pool
from .bus import Bus
from .history import LENGTH
from .mutes import Mutes
from .taking import Taking
from .watch import Watch

HEARTBEAT = 1.0
SLEPT = 10.0
"""A heartbeat this many seconds late means that the controller slept (or was stopped), not that it was busy."""
PARENT_GRACE = 2.5
"""Seconds a node's bad news waits while its parent is being asked, so that one dead gateway is one alert."""

CHILD_GRACE = 10.0
"""Seconds that a node behind a parent that came back has to come back, too, before its silence counts as its own."""


class Monitor:
    """Watches `nodes` from `start` to `close`. Every method is called from the loop and never waits but for those two."""

    def __init__(self, nodes: Mapping[str, Node], settings: Settings, pool: Pool, mutes: Mutes | None = None) -> None:
        self.nodes = nodes
        self.mutes = mutes or Mutes(nodes)
        self.intervals = settings.intervals
        self.pool = pool
        self.pinger: ping.Pinger | None = None
        self.bus = Bus(self.status)
        self._settings = settings
        self._watches: dict[str, Watch] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._parents = {name: node.parent for name, node in nodes.items() if node.parent}
        self._deferred: dict[str, asyncio.TimerHandle] = {}
        self._hushed: set[str] = set()
        self._alone = all(node.local for node in nodes.values())

    async def start(self) -> None:
        """Open the ping sockets and begin. Returns at once; nodes answer when they do. Raises SettingsError (a threshold)."""
        for name, node in self.nodes.items():
            self._watches[name] = Watch(node, health.rules_for(node, self._settings, live=True), self)
        if not self._alone:
            try:
                self.pinger = ping.Pinger.open()
            except PingError as error:
                self.emit(Noted(time.time(), None, str(error)))
        self._tasks = [asyncio.create_task(self._beat()), asyncio.create_task(self._listen())]
        self._tasks += [asyncio.create_task(self._begin(watch)) for watch in self._watches.values()]

    async def close(self) -> None:
        """End everything that was begun."""
        for timer in self._deferred.values():
            timer.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        if self.pinger:
            self.pinger.close()
            self.pinger = None
        self.bus.close()

    @property
    def method(self) -> PingMethod:
        """How round trips are measured here."""
        if self._alone:
            return PingMethod.LOCAL
        return self.pinger.method if self.pinger else PingMethod.TCP

    def status(self, name: str) -> Status:
        """The picture of `name` now. Raises KeyError."""
        return self._watches[name].status()

    def watch(self, name: str) -> Watch:
        """The watch of `name`. Raises KeyError."""
        return self._watches[name]

    def history(self, name: str, metric: str) -> Sequence[float]:
        """Recent values of `metric`, oldest first, NaN where there was none. Raises KeyError."""
        watch = self._watches[name]
        return watch.ring.values() if metric == "rtt" else watch.history.values(metric)

    length = LENGTH
    """How many values `history` gives at most."""

    def taking(self, metrics: Sequence[str]) -> Taken:
        """For who keeps one value of `metrics` now and then."""
        return Taken(self, metrics)

    def events(self) -> AsyncIterator[Event]:
        """What happens from now on, until `close`."""
        return self.bus.read()

    # ---- what a watch asks of its host ----

    def emit(self, event: Event) -> None:
        self.bus.emit(event)

    def changed(self, watch: Watch) -> None:
        """Tell the picture, and the verdict if it is another one than was told."""
        name, verdict, shown = watch.node.name, watch.memory.verdict, watch.shown
        if name in self._deferred:
            if shown.layer is not None and verdict.layer is None:
                self._tell(name)  # back, while its time to come back ran
        else:
            fell = verdict.layer is not None and shown.layer is None
            told = replace(verdict, blamed=shown.blamed) if shown.blamed and verdict.layer else verdict
            told = self.mutes.muted(told, time.time())
            if not health.changed(shown, told):
                watch.shown = told
            elif fell and (parent := self._watches.get(self._parents.get(name, ""))) and not parent.reach.failed:
                parent.doubt()
                self._deferred[name] = asyncio.get_running_loop().call_later(PARENT_GRACE, self._tell, name)
            else:
                self._tell(name)
        self.bus.seen(name)

    # ---- verdicts ----

    def _tell(self, name: str) -> None:
        if timer := self._deferred.pop(name, None):
            timer.cancel()
        watch = self._watches[name]
        before, verdict = watch.shown, watch.memory.verdict
        blamed = self._blamed(name)
        after = self.mutes.muted(replace(verdict, blamed=blamed) if blamed else verdict, time.time())
        watch.shown = after
        if health.changed(before, after):
            self.emit(Changed(time.time(), name, before, after))
            self.bus.seen(name)
        if (before.layer is None) != (after.layer is None):
            for child in self._parents:
                blamed, behind = self._blamed(child), self._watches[child]
                if child in self._deferred or blamed == behind.shown.blamed:
                    continue
                if blamed is None and behind.memory.verdict.layer is not None:
                    self.pool.wake(behind.node)
                    self._deferred[child] = asyncio.get_running_loop().call_later(CHILD_GRACE, self._tell, child)
                else:
                    self._tell(child)

    def _blamed(self, name: str) -> str | None:
        """The topmost dead parent that explains why `name` is down."""
        lineage: dict[str, Verdict] = {}
        at: str | None = name
        while at in self._watches and at not in lineage:
            lineage[at] = self._watches[at].memory.verdict
            at = self._parents.get(at)
        return health.blame(lineage, self._parents)[name].blamed if len(lineage) > 1 else None

    # ---- what people said ----

    def hush(self) -> None:
        """What people said of alerts is another thing, or time has passed: tell of whom that makes an alert, or none."""
        now = time.time()
        for name in self._hushed | self.mutes.names:
            watch = self._watches[name]
            before = watch.shown
            # Maintenance of the inventory is in the memory's verdict; that which ran out is not.
            after = self.mutes.muted(replace(before, maintenance=watch.rules.maintenance, mute=None), now)
            if after != before:
                watch.shown = after
                if health.changed(before, after):
                    self.emit(Changed(now, name, before, after))
                self.bus.seen(name)
        self._hushed = set(self.mutes.names)

    async def _listen(self) -> None:
        """Follow what other dashboards and the command line say, and end what was acknowledged when its alert has ended."""
        while True:
            await asyncio.to_thread(self.mutes.look)
            self.hush()
            verdicts = (self._watches[name].memory.verdict for name in self.mutes.names)
            if ended := self.mutes.settled(verdicts, time.time()):
                try:
                    await asyncio.to_thread(self.mutes.end, ended)
                except StateError as error:
                    self.mutes.problem = error
            if problem := self.mutes.problem:
                self.mutes.problem = None
                self.emit(Noted(time.time(), None, str(problem)))
            await asyncio.sleep(HEARTBEAT)

    # ---- tasks ----

    async def _begin(self, watch: Watch) -> None:
        # Spread over the first second, so that a thousand nodes do not resolve in one turn of the loop.
        await asyncio.sleep(random.random() * min(1.0, len(self.nodes) / 500))  # noqa: S311
        try:
            await watch.run()
        except Exception as error:
            self.emit(
                Noted(time.time(), watch.node.name, f"internal error: {type(error).__name__}: {error}", alarm=True)
            )
            raise

    async def _beat(self) -> None:
        """Notice that the controller slept: the wall clock jumps while the loop stood still."""
        while True:
            before = time.time()
            await asyncio.sleep(HEARTBEAT)
            late = time.time() - before - HEARTBEAT
            if late > SLEPT:
                self.emit(Noted(time.time(), None, f"this machine slept or its clock jumped by {duration(late)}"))
                for watch in self._watches.values():
                    watch.slept()


class Taken:
    """A monitor, as a recorder sees it."""

    def __init__(self, monitor: Monitor, metrics: Sequence[str]) -> None:
        self.status = monitor.status
        self._monitor = monitor
        self._taking = Taking(metrics, monitor.intervals.fast)

    def taken(self, name: str) -> Sequence[float]:
        """What was seen of a node since the last call, one value for each of the metrics, NaN where there is none."""
        return self._taking.take(self._monitor.watch(name))
