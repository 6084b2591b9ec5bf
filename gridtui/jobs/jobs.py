"""`Fleet.jobs`: what faces and scripts call. Owns who dispatches from here and where logs are read; the queue owns the truth.

    number = await fleet.jobs.submit(Spec("hostname; nproc", where="@render"))
    [job] = await fleet.jobs.wait([JobId(number)])
    async for piece in fleet.jobs.logs(job.id): ...

What only asks or notes something (`list`, `cancel`, `drain`, ...) is synchronous and takes milliseconds: it reads and writes the queue, and whoever
dispatches carries it out, in this process or another one.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ..errors import LockedError
from ..settings import state_folder
from ..stopping import Stop
from .model import ENDED, NOWHERE, After, Attempt, Group, Job, JobId, JobState, Lot, Spec
from .paths import absolute
from .queue import Awaited, Holder, Progress, Queue, Standing
from .queue.queue import NAME

if TYPE_CHECKING:
    # Loaded by who dispatches or looks at nodes: `gridtui job submit` must not wait for asyncssh.
    from . import engines, placement
    from .dispatcher import Dispatcher
    from .offering import Grid, Offering

    class Keeper(Grid, Protocol):
        """What jobs ask of the fleet."""

        def watching(self) -> AbstractAsyncContextManager[None]:
            """The fleet started, from here on if it was not."""

        def allow_changes(self) -> None: ...

        def alarm(self, node: str | None, text: str) -> None:
            """Something that asks for people's eyes; without a node it concerns this machine."""


LOOK = 0.2
"""Seconds between two looks at a queue that somebody else dispatches."""
SURVEY = 15.0
"""Seconds that nodes have to answer before `explain` says what is known."""
LEAVE = 5.0
"""Seconds that a polite end of the dispatching may take."""

BATCH = 500
"""Submissions that are asked for at once."""

Told = Callable[[Sequence[Progress]], None]
"""Hears how far the awaited submissions are, whenever that has changed."""


@dataclass(frozen=True, slots=True)
class Shown:
    """All that is known of one job."""

    job: Job
    spec: Spec
    attempts: Sequence[Attempt]
    """The oldest first."""
    after: Sequence[Awaited]


def kept() -> bool:
    """Whether there is a queue at all; makes none."""
    return (state_folder() / f"{NAME}.db").exists()


def _nothing(text: str) -> None:
    """Nobody listens."""


class Jobs:
    """The jobs of this user, on this machine's queue."""

    def __init__(self, fleet: Keeper) -> None:
        self._fleet = fleet
        self._opened: Queue | None = None
        self.hear: Callable[[str], None] = _nothing
        """Hears, in a line each, what goes wrong while we dispatch. For faces that show no events of the fleet's."""
        self._dispatcher: Dispatcher | None = None
        """While we dispatch."""
        self._stop: Stop | None = None
        """What ends our dispatching."""
        self._over = asyncio.Event()
        """Nothing of ours dispatches."""
        self._over.set()

    @property
    def _queue(self) -> Queue:
        if self._opened is None:
            self._opened = Queue.open()
        return self._opened

    @property
    def queue_id(self) -> str:
        """Eight hexadecimal digits: what the names of our attempts begin with, on every node. Raises StateError."""
        return self._queue.id

    async def leave(self) -> None:
        """End our dispatching, if there is any, as its `stop` would; jobs on nodes go on."""
        if self._stop is not None:
            self._stop.ask()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), LEAVE)

    def close(self) -> None:
        """Let go of the queue."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    # ---- what there is ----

    def list(
        self,
        *,
        numbers: Sequence[int] = (),
        states: Iterable[JobState] = (),
        name: str = "",
        user: str = "",
        node: str = "",
        limit: int | None = None,
        newest: bool = False,
        skip: int = 0,
    ) -> Sequence[Job]:
        """Jobs, by number and index; `newest` turns that round. Raises StateError."""
        return self._queue.jobs(
            numbers=numbers,
            states=tuple(states),
            name=name,
            user=user,
            node=node,
            limit=limit,
            newest=newest,
            skip=skip,
        )

    def show(self, id: JobId) -> Shown:
        """Raises UsageError (no such job), StateError."""
        job = self._queue.job(id)
        return Shown(job, self._queue.spec(id.number), self._queue.attempts(id), self._queue.after(id.number))

    def progress(
        self,
        *,
        group: Group | None = None,
        numbers: Sequence[int] = (),
        limit: int | None = None,
        skip: int = 0,
        words: Sequence[str] = (),
    ) -> Sequence[Progress]:
        """How far submissions are; with `words` those that have them all in their name, user, labels or states. Raises StateError."""
        return self._queue.progress(group=group, numbers=numbers, limit=limit, skip=skip, words=words)

    def groups(self, words: Sequence[str] = ()) -> dict[Group, int]:
        """How many submissions wait, run and have ended, of those that `progress` gives for the same words."""
        return self._queue.groups(words)

    def counts(self) -> dict[JobState, int]:
        """How many jobs are in each state."""
        return self._queue.counts()

    def usage(self, since: float, until: float, step: float) -> Sequence[float]:
        """Mean CPUs that jobs held in each step of `step` seconds."""
        return self._queue.usage(since, until, step)

    def standing(self) -> dict[str, Standing]:
        """Nodes that are drained, avoided or in quarantine."""
        return self._queue.standing()

    def holder(self) -> Holder | None:
        """Who dispatches now."""
        return self._queue.holder()

    # ---- what people ask for ----

    async def submit(
        self,
        spec: Spec,
        *,
        array: Sequence[int] = (),
        each: Sequence[str] = (),
        after: Sequence[After] = (),
        held: bool = False,
    ) -> int:
        """Put a job into the queue, or an array: an element for each index of `array`, or for each line of `each` (then from 1).

        Paths in it may be relative to the current folder. Gives the submission's number. Raises SelectionError (requirements that nothing can be meant by), UsageError (read-only, a job
        to come after that is not there), StateError.
        """
        self._fleet.allow_changes()
        spec = absolute(spec)
        if spec.where.strip():
            self._fleet.select(spec.where)
        if spec.outputs or spec.into:
            from . import staging

            staging.parse(spec.outputs)
            staging.check(spec.into)
        return self._queue.submit(spec, array=array, each=each, after=after, held=held)

    def cancel(self, ids: Sequence[JobId]) -> Sequence[JobId]:
        """End jobs. An id without an index means all of its submission. Gives those that this changed, as all of these do."""
        self._fleet.allow_changes()
        return self._queue.cancel(ids)

    def retry(self, ids: Sequence[JobId]) -> Sequence[JobId]:
        """Queue jobs again that failed, were lost or cancelled."""
        self._fleet.allow_changes()
        return self._queue.retry(ids, time.time())

    def hold(self, ids: Sequence[JobId]) -> Sequence[JobId]:
        """Keep jobs from starting; those that run are stopped where they stand."""
        self._fleet.allow_changes()
        return self._queue.hold(ids)

    def release(self, ids: Sequence[JobId]) -> Sequence[JobId]:
        """Let held jobs start, and go on."""
        self._fleet.allow_changes()
        return self._queue.release(ids)

    def prioritise(self, ids: Sequence[JobId], priority: int) -> Sequence[JobId]:
        """Change the order among one user's jobs."""
        self._fleet.allow_changes()
        return self._queue.prioritise(ids, priority)

    def drain(self, node: str, why: str = "") -> None:
        """Give a node no more jobs; those that it has go on."""
        self._fleet.allow_changes()
        self._queue.drain(node, why)

    def undrain(self, node: str) -> None:
        """Give it jobs again, whatever it was kept from them for."""
        self._fleet.allow_changes()
        self._queue.undrain(node)

    # ---- dispatching ----

    async def dispatch(self, stop: Stop | None = None, *, until_done: bool = False) -> None:
        """Place, start, watch and fetch, until `stop` is asked; with `until_done` until nothing is left that can run.

        Jobs on nodes go on after that. Starts the fleet if it was not. Raises LockedError at once while somebody else dispatches; UsageError (no such
        engine; read-only), StateError.
        """
        await self._dispatch(stop, self._idle if until_done else None)

    async def _dispatch(self, stop: Stop | None, until: Callable[[], bool] | None) -> None:
        from . import engines
        from .dispatcher import Dispatcher

        self._fleet.allow_changes()
        settings = self._fleet.settings.jobs
        stop = stop or Stop()
        try:
            with self._queue.lease() as waker:
                self._stop = stop
                self._over.clear()
                engine = engines.make(settings.engine, self._fleet, self._queue.id)
                self._dispatcher = Dispatcher(self._queue, waker, engine, self._fleet, settings, self._note)
                try:
                    async with self._fleet.watching():
                        await self._dispatcher.run(stop, until)
                finally:
                    closing, self._dispatcher = self._dispatcher.engine, None
                    await closing.close()
        finally:
            if self._stop is stop:  # else it is another one that dispatches
                self._stop = None
                self._over.set()

    def _note(self, node: str | None, text: str) -> None:
        self._fleet.alarm(node, text)
        self.hear(f"{node}: {text}" if node else text)

    def _idle(self) -> bool:
        counts = self._queue.counts()
        return not any(count for state, count in counts.items() if state not in ENDED and state is not JobState.HELD)

    def live(self) -> bool:
        """Whether there are jobs that have not ended. Raises StateError."""
        return any(count for state, count in self._queue.counts().items() if state not in ENDED)

    @asynccontextmanager
    async def drained(self, names: Sequence[str], say: Callable[[str], None], stop: Stop) -> AsyncIterator[None]:
        """Nodes without jobs for as long as this lasts: they get no new ones, and those that run have ended before it begins.

        Jobs that do not end within the setting `drain` are lost with what is done to their nodes, and queued again. Nodes that somebody
        drained before stay drained. Dispatches itself meanwhile while nobody else does. Raises as `dispatch`, but for LockedError.
        """
        before = {name for name, one in self._queue.standing().items() if one.drained}
        ours = [name for name in names if name not in before]
        until = time.monotonic() + self._fleet.settings.jobs.drain
        for name in ours:
            self.drain(name, "it is to be rebooted")
        said = 0
        try:
            while left := self._placed(names):
                if stop.count or time.monotonic() > until:
                    one = left == 1
                    say(
                        f"{left} job{' has' if one else 's have'} not ended: queued again when {'its node is' if one else 'their nodes are'} gone"
                    )
                    break
                if left != said:
                    said = left
                    say(f"waiting for {left} job{'' if left == 1 else 's'} to end")
                try:
                    await self._dispatch(stop, lambda: not self._placed(names) or time.monotonic() > until)
                except LockedError:
                    await asyncio.sleep(LOOK)
            yield
        finally:
            for name in ours:
                self.undrain(name)

    def _placed(self, names: Sequence[str]) -> int:
        return sum(one.attempt.node in names for one in self._queue.placed())

    async def wait(
        self, ids: Sequence[JobId] = (), told: Told | None = None, stop: Stop | None = None
    ) -> Sequence[Job]:
        """Wait until jobs have ended, all without `ids`, and give them. Dispatches itself while nobody else does.

        Jobs go on when this is cancelled, or when `stop` is asked. Raises as `dispatch`, but for LockedError.
        """
        stop = stop or Stop()
        awaited = _Awaited(self._queue, ids, told)
        while not awaited.done() and not stop.count:
            try:
                await self._dispatch(stop, awaited.done)
            except LockedError:
                await asyncio.sleep(LOOK)
        return awaited.jobs()

    # ---- looking closer ----

    async def explain(self, id: JobId) -> Sequence[placement.Why]:
        """Why a job would be given to each of the nodes now, or not. Raises UsageError (no such job), SelectionError, StateError."""
        from . import placement

        job, spec = self._queue.job(id), self._queue.spec(id.number)
        async with self._surveyed(id) as offering:
            # Who does not dispatch has sent no inputs, and knows of none that lie on a node.
            inputs = await self._dispatcher.engine.inputs(spec) if self._dispatcher and spec.inputs else {}
            now = time.time()
            avoid = next((lot.avoid for lot in self._queue.lots(now) if lot.number == id.number), NOWHERE)
            lot = Lot(id.number, job.user, job.priority, spec, job.submitted, (id.index,), avoid=avoid)
            offers = offering.offers(self._fleet.nodes, self._queue.standing(), now)
            # Who dispatches alone knows of it.
            held = self._dispatcher.kept if self._dispatcher else {}
            kept = {node: placement.Kept(number, self._queue.spec(number).needs) for number, node in held.items()}
            return placement.explain(lot, offers, offering.match(), now, id.index, inputs, kept)

    async def logs(self, id: JobId, attempt: int | None = None, follow: bool = False) -> AsyncIterator[bytes]:
        """What an attempt (the newest, unless one is named) wrote, raw and hostile, in pieces. `follow` waits for more, until it has ended.

        Raises UsageError (no such job or attempt), SshError or EngineError (its node has the log, and cannot be reached).
        """
        from . import reading
        from .logs import Logs

        async with self._reaching() as engine:
            async for piece in reading.read(self._queue, Logs(self._queue.id), engine, id, attempt, follow):
                yield piece

    @asynccontextmanager
    async def _reaching(self) -> AsyncIterator[engines.Engine]:
        """The dispatcher's engine, or one for a moment."""
        from . import engines

        if self._dispatcher is not None:
            yield self._dispatcher.engine
            return
        engine = engines.make(self._fleet.settings.jobs.engine, self._fleet)
        try:
            yield engine
        finally:
            await engine.close()

    @asynccontextmanager
    async def _surveyed(self, leave: JobId) -> AsyncIterator[Offering]:
        """What nodes offer, once they have said what they can. What the job `leave` has of its node counts as free."""
        from .board import Board
        from .offering import Offering

        board = Board()
        placed = {one.attempt.key: one for one in self._queue.placed() if one.attempt.ended is None}
        for order in self._queue.orders(sorted(placed, key=lambda key: placed[key].attempt.placed)):
            one = placed[order.key]
            board.put(order, one.user, 0.0, one.attempt.placed, one.attempt.node)
        for card in board:
            if card.order.key.id == leave:
                board.end(card)  # and its load is still known to be ours
        async with self._fleet.watching(), self._reaching() as engine:
            if self._dispatcher is None or engine is not self._dispatcher.engine:
                await self._survey(engine)
            yield Offering(engine, self._fleet, board)

    async def _survey(self, engine: engines.Engine) -> None:
        async def one(name: str) -> None:
            while True:
                status = self._fleet.status(name)
                if status.reach.failed is not None:
                    return
                if status.reach.up and status.sample is not None and status.facts is not None:
                    await engine.poll(name, ())
                    return
                await asyncio.sleep(0.05)

        tasks = [asyncio.create_task(one(name)) for name in self._fleet.nodes]
        if tasks:
            _, left = await asyncio.wait(tasks, timeout=SURVEY)
            for task in left:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


class _Awaited:
    """Jobs that somebody waits for."""

    def __init__(self, queue: Queue, ids: Sequence[JobId], told: Told | None) -> None:
        self._queue, self._told = queue, told
        self._whole = {id.number for id in ids if id.index is None}
        self._single = {id for id in ids if id.index is not None and id.number not in self._whole}
        for id in ids:
            queue.job(id) if id.index is not None else queue.spec(id.number)  # raises UsageError where it is not there
        if not ids:
            live = (Group.RUNNING, Group.WAITING)
            self._whole = {one.number for group in live for one in queue.progress(group=group)}
        self._known: dict[int, Progress] = {}
        self._left = sorted({*self._whole, *(id.number for id in self._single)})
        """Submissions that had not ended when they were last looked at."""

    def done(self) -> bool:
        """Whether all have ended. Looks at the first of those that are left: as long as they have not, the others need not be asked for."""
        changed = False
        while batch := self._left[:BATCH]:
            found = {one.number: one for one in self._queue.progress(numbers=batch)}
            changed = changed or any(self._known.get(number) != one for number, one in found.items())
            self._known.update(found)
            self._left = [
                number for number in batch if number in found and found[number].group is not Group.ENDED
            ] + self._left[BATCH:]
            if self._left and self._left[0] in batch:
                break
        if changed and self._told:
            self._told([self._known[number] for number in sorted(self._known)])
        if any(number in self._whole for number in self._left):
            return False
        return all(self._queue.job(id).state in ENDED for id in self._single)

    def jobs(self) -> list[Job]:
        """They, as they are now."""
        whole = sorted(self._whole)
        found = [
            job
            for start in range(0, len(whole), BATCH)
            for job in self._queue.jobs(numbers=whole[start : start + BATCH])
        ]
        return sorted([*found, *map(self._queue.job, self._single)], key=lambda job: job.id)
