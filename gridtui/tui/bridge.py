"""The one file that knows both worlds: reads a fleet's events, and tells the screens that there is something new.

Events arrive by the thousand a second; at most a few messages a second leave. The bridge never touches a widget: what it
knows waits in `Bridge` until the app takes it, so a message that replaces another one loses nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from textual.message import Message

from ..errors import StateError
from ..events import Event, Seen
from ..model import Hush, Mute, Node, PingMethod, Status
from ..settings import Settings

if TYPE_CHECKING:
    from .. import exec as execs
    from .. import push as pushes
    from ..exec.signals import Signalled
    from ..health import Ground
    from ..jobs.jobs import Shown
    from ..jobs.model import Group, Job, JobId, JobState
    from ..jobs.placement import Why
    from ..jobs.queue import Holder, Progress, Standing
    from ..playbooks.artefacts import Kept
    from ..playbooks.catalogue import Catalogue
    from ..playbooks.guard import Settled
    from ..playbooks.model import Outcome, Plan, Result, Told
    from ..posture.model import Look
    from ..probes import Containers, Journal, Process
    from ..stopping import Stop

PAUSE = 0.5
"""Seconds between two looks at the queue, which is also the most often that values are painted. State changes of a fleet are slower."""


class Sources(Protocol):
    """What the dashboard needs of an inventory."""

    @property
    def sources(self) -> tuple[Path, ...]: ...


class Jobs(Protocol):
    """What the dashboard needs of `jobs.Jobs`, described there. What is not a coroutine is one short transaction."""

    def counts(self) -> Mapping[JobState, int]: ...
    def groups(self, words: Sequence[str] = ()) -> Mapping[Group, int]: ...
    def progress(
        self,
        *,
        group: Group | None = None,
        numbers: Sequence[int] = (),
        limit: int | None = None,
        skip: int = 0,
        words: Sequence[str] = (),
    ) -> Sequence[Progress]: ...
    def list(
        self,
        *,
        numbers: Sequence[int] = (),
        states: Iterable[JobState] = (),
        node: str = "",
        limit: int | None = None,
        skip: int = 0,
        newest: bool = False,
    ) -> Sequence[Job]: ...
    def show(self, id: JobId) -> Shown: ...
    def holder(self) -> Holder | None: ...
    def standing(self) -> Mapping[str, Standing]: ...
    def usage(self, since: float, until: float, step: float) -> Sequence[float]: ...
    def cancel(self, ids: Sequence[JobId]) -> Sequence[JobId]: ...
    def retry(self, ids: Sequence[JobId]) -> Sequence[JobId]: ...
    def hold(self, ids: Sequence[JobId]) -> Sequence[JobId]: ...
    def release(self, ids: Sequence[JobId]) -> Sequence[JobId]: ...
    def prioritise(self, ids: Sequence[JobId], priority: int) -> Sequence[JobId]: ...
    def drain(self, node: str, why: str = "") -> None: ...
    def undrain(self, node: str) -> None: ...
    async def explain(self, id: JobId) -> Sequence[Why]: ...
    def logs(self, id: JobId, attempt: int | None = None, follow: bool = False) -> AsyncIterator[bytes]: ...
    async def dispatch(self, stop: Stop | None = None) -> None: ...


class Source(Protocol):
    """What the dashboard needs of `fleet.Fleet`, described there."""

    ask: Callable[[str], Awaitable[str | None]] | None

    @property
    def nodes(self) -> Mapping[str, Node]: ...
    @property
    def inventory(self) -> Sources: ...
    @property
    def settings(self) -> Settings: ...
    @property
    def ping_method(self) -> PingMethod: ...
    @property
    def jobs(self) -> Jobs: ...
    @property
    def recording(self) -> Path | None: ...
    @property
    def recording_trouble(self) -> str: ...
    def status(self, name: str) -> Status: ...
    def select(self, text: str) -> list[str]: ...
    def history(self, name: str, metric: str) -> Sequence[float]: ...
    def log(self) -> Sequence[Event]: ...
    def events(self) -> AsyncIterator[Event]: ...
    async def start(self) -> None: ...
    async def close(self) -> None: ...
    def retry(self, name: str) -> None: ...
    async def top(self, name: str, count: int = 20) -> tuple[Process, ...]: ...
    async def journal(self, name: str, unit: str, lines: int = 300) -> Journal: ...
    async def containers(self, name: str) -> Containers: ...
    def grounds(self, name: str) -> Sequence[Ground]: ...
    async def signal(
        self,
        name: str,
        process: Process,
        signal: str,
        *,
        sudo: bool = False,
        ask: Callable[[str], Awaitable[str | None]] | None = None,
    ) -> Signalled: ...
    def fold(self, names: Iterable[str]) -> str: ...
    def allow_changes(self) -> None: ...
    async def exec(
        self,
        task: execs.Task | str,
        *,
        names: Iterable[str] | None = None,
        lines: execs.OnLines | None = None,
        ended: Callable[[execs.Outcome], None] | None = None,
        ask: Callable[[str], Awaitable[str | None]] | None = None,
        stop: execs.Stop | None = None,
    ) -> dict[str, execs.Outcome]: ...
    async def push(
        self,
        plan: pushes.Plan,
        *,
        names: Iterable[str] | None = None,
        via_peers: bool = False,
        say: Callable[[str], None] | None = None,
        told: pushes.Told | None = None,
        ended: Callable[[pushes.Transfer], None] | None = None,
        stop: pushes.Stop | None = None,
    ) -> dict[str, pushes.Transfer]: ...
    def shell(self, name: str) -> list[str]: ...
    def playbooks(self) -> Catalogue: ...
    def playbook_runs(self) -> Sequence[Kept]: ...
    async def playbook(
        self,
        plan: Plan,
        *,
        names: Iterable[str] | None = None,
        told: Told | None = None,
        ended: Callable[[Outcome], None] | None = None,
        ask: Callable[[str], Awaitable[str | None]] | None = None,
        stop: Stop | None = None,
    ) -> Result: ...
    async def rollback_playbook(
        self,
        run: str = "",
        where: str = "",
        *,
        password: str | None = None,
        told: Told | None = None,
    ) -> Mapping[str, Settled]: ...
    def mutes(self) -> Sequence[Mute]: ...
    async def mute(
        self, names: Iterable[str], hush: Hush, *, seconds: float | None = None, why: str = ""
    ) -> Sequence[Mute]: ...
    async def unmute(self, names: Iterable[str], *hushes: Hush) -> Sequence[Mute]: ...
    async def posture(self, *, names: Iterable[str] | None = None) -> Mapping[str, Look]: ...
    def known_posture(self, problem: Callable[[StateError], None] | None = None) -> AsyncIterator[Look]: ...


class Fresh(Message, bubble=False):
    """There is something new in the bridge, or a second has passed."""

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, Fresh)


class Bridge:
    """The newest status of every node, and whether anything but numbers changed since the app last asked."""

    def __init__(self, fleet: Source, post: Callable[[Message], object]) -> None:
        self.fleet = fleet
        self._post = post
        self._statuses = {name: fleet.status(name) for name in fleet.nodes}
        self._changed = False
        self._lent: Source | None = None

    def lend(self, source: Source | None) -> None:
        """Let another source say how nodes are, until None does. What the fleet tells meanwhile is kept."""
        self._lent = source
        self._changed = True

    def touch(self) -> None:
        """Everything is news."""
        self._changed = True

    def status(self, name: str) -> Status:
        """The node as of its newest event: cheap enough to ask for all. Its round trips are as old as its sample."""
        return self._lent.status(name) if self._lent is not None else self._statuses[name]

    def live_status(self, name: str) -> Status:
        """The same of the fleet itself, whoever says how nodes are."""
        return self._statuses[name]

    def fresh_status(self, name: str) -> Status:
        """The node as it is now, round trips included: for what is on the screen."""
        if self._lent is not None:
            return self._lent.status(name)
        status = self._statuses[name] = self.fleet.status(name)
        return status

    def take_changed(self) -> bool:
        """Whether a verdict, a fact or the event log changed since the last call."""
        changed, self._changed = self._changed, False
        return changed

    async def run(self, started: Callable[[], None] = lambda: None) -> None:
        """Start the fleet, tell that it has `started`, and read its events until it is closed. Raises what `Fleet.start` raises."""
        await self.fleet.start()
        started()
        for name in self._statuses:
            self._statuses[name] = self.fleet.status(name)
        self._changed = True
        loop = asyncio.get_running_loop()
        turned = asyncio.Event()

        def turn() -> None:
            # Runs when this task waits, so when all that was queued has been read.
            turned.set()
            self._post(Fresh())

        loop.call_soon(turn)
        async for event in self.fleet.events():
            self._note(event)
            # The queue was empty before this event: rest, while the fleet's own queue keeps the latest of each node.
            # Without the rest every single event would wake this task, at 2,500 a second.
            if turned.is_set():
                await asyncio.sleep(PAUSE)
                turned.clear()
                loop.call_soon(turn)

    def _note(self, event: Event) -> None:
        if isinstance(event, Seen):
            before = self._statuses.get(event.node)
            self._statuses[event.node] = event.status
            verdict = event.status.verdict
            if (
                before is None
                or before.reach.up != event.status.reach.up
                or before.verdict.alert != verdict.alert
                # Of a node that is well nothing else tells that it is worked on now.
                or before.verdict.maintenance != verdict.maintenance
            ):
                self._changed = True
            return
        self._changed = True
        if event.node is not None and event.node in self._statuses:
            self._statuses[event.node] = self.fleet.status(event.node)
