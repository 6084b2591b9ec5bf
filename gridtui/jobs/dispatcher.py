"""The loop: reports in, placements out. The only writer of an attempt's transitions, while it holds the lease.

Owns when a round is made and what it does; knows no SQL, no shell and no screen. Whatever it knows besides the queue (`Board`) can be
lost: a dispatcher that starts asks every node for what the queue believes to be there. Commits come before messages: an attempt is in the
queue before its node hears of it, and a node is told to forget one only after its end, and its outputs, are in the queue.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import math
import time
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from .. import settings as settings_
from ..errors import EngineError, GridtuiError, SshError, StateError
from ..stopping import Stop
from ..store.database import damaged
from .board import Board, Card
from .engines.guarded import Guarded, Note
from .engines.protocol import Engine
from .logs import Logs
from .model import Cause, JobState, Key, Phase, Report
from .offering import Grid, Offering
from .placing import Placing
from .publishing import Publisher
from .queue import Queue, Waker
from .silence import Silence
from .waiting import Reasons
from .wishes import Wishes

TICK = 1.0
"""Seconds between two looks at what has no news: silent nodes, jobs for which no node was free."""
PRUNED = 500
"""Submissions that are forgotten at once."""
BURST = 128
"""Reports that are taken, ends that are published and orders that are placed at once: some 30 ms with what is sent to nodes then. Whoever shares the loop, a screen for
one, gets its turn between two."""
SETTLED = 15.0
"""Seconds after which what there is lasts: a thousand connections have 400,000 values, and whenever the collector looks through them all
the loop stands still for half a second. It leaves them alone from then on."""
TURN, PAUSE = 0.03, 0.25
"""Seconds: a round that took so long pauses before its next step; the longest pause, where the machine is slow or has much else to do."""
PRUNE = 3600.0
"""Seconds between two times at which ended submissions are forgotten."""
COMPLAIN = 3.0
"""Seconds after which it is told that the queue cannot be used (a full disk, a file that somebody keeps locked)."""
SOON, AGAIN = 0.1, 2.0
"""Seconds between two tries, before and after that."""

T = TypeVar("T")

OVER = (Phase.ENDED, Phase.LOST)

Done = tuple[Key, str, bool, str]
"""What was published: where the outputs lie, whether they do, else why not."""


class Dispatcher:
    """Dispatches one queue through one engine. `run` is called once, by whoever holds the lease."""

    def __init__(
        self,
        queue: Queue,
        waker: Waker,
        engine: Engine,
        grid: Grid,
        settings: settings_.Jobs,
        note: Note | None = None,
    ) -> None:
        """`waker` is that of the queue's lease; `note` hears what goes wrong and does not end the dispatching."""
        self._note = note or (lambda node, text: None)
        self.engine: Engine = Guarded(engine, self._note)
        """It, but for what it raises."""
        self._queue, self._waker, self._grid, self._settings = queue, waker, grid, settings
        self._due = asyncio.Event()
        self._board = Board()
        self._offering = Offering(self.engine, grid, self._board)
        self._reasons = Reasons(queue, self._offering, lambda: list(grid.nodes))
        self._logs = Logs(queue.id)
        self._publisher = Publisher(self._logs, self.engine, settings, self._published)
        self._silence = Silence(
            queue, self.engine, grid, self._board, settings.lost_after, self._begin, self._heard, self._lose
        )
        self._placing = Placing(
            queue,
            self.engine,
            self._board,
            self._offering,
            self._silence.up,
            self._begin,
            self._heard,
            self._due.set,
        )
        self._wishes = Wishes(queue, self.engine, self._board, settings.grace, self._begin)
        self._inbox: dict[tuple[Key, str], Report] = {}
        """The last word of each node on each attempt: one that says much fills no memory."""
        self._done: list[Done] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._wishing = True
        """People may have asked for something."""
        self._froze = False
        """We keep the collector from what was there when all had begun."""
        self._stuck: float | None = None
        """Since when the queue cannot be used."""
        self._complained = False
        """That was told."""

    @property
    def kept(self) -> Mapping[int, str]:
        """Submissions for which room is kept, and on which node."""
        return self._offering.kept

    async def run(self, stop: Stop | None = None, until: Callable[[], bool] | None = None) -> None:
        """Until `stop` is asked or `until` holds after a round. Attempts go on without us. Raises StateError (a damaged queue)."""
        stop = stop or Stop()
        stop.listen(self._due.set)
        self._loop = asyncio.get_running_loop()
        try:
            async with asyncio.TaskGroup() as self._group:
                try:
                    self._take_over()
                    for part in (self._listen, self._wakened, self._silence.watch, self._tick):
                        self._begin(part())
                    while not stop.count:
                        self._due.clear()
                        try:
                            if until and self._hastily(until):
                                break
                            await self._round()
                        except StateError as hindrance:
                            await self._hindered(hindrance)
                        await self._due.wait()
                finally:
                    if self._froze:
                        gc.unfreeze()
                    for task in self._tasks:
                        task.cancel()
                    with contextlib.suppress(StateError), self._queue.hasty():
                        self._queue.tell_nothing()  # the reason is another one now: nobody dispatches
        except* GridtuiError as group:
            error: BaseException = group
            while isinstance(error, BaseExceptionGroup):
                error = error.exceptions[0]
            raise error from None

    async def _round(self) -> None:
        """Half of the time is for nodes' messages, and for whoever shares the loop: after the round, and within one that takes long."""
        began = self._loop.time()
        for step in (self._receive, self._publish, self._carry_out, self._placing.plan, self._place):
            self._hastily(step)
            if (took := self._loop.time() - began) > TURN or step == self._place:
                await asyncio.sleep(min(took, PAUSE))
                began = self._loop.time()
        self._stuck = None
        if self._complained:
            self._complained = False
            self._note(None, "the queue of jobs can be used again")

    def _hastily(self, step: Callable[[], T]) -> T:
        """A step of which nothing is done where the queue cannot be used now: it is made again. Raises StateError then."""
        with self._queue.hasty():
            return step()

    async def _hindered(self, error: StateError) -> None:
        """The queue cannot be used (somebody keeps it locked, a full disk): told once, and tried again. Raises it where it is damaged."""
        if damaged(error):
            raise error
        now = self._loop.time()
        self._stuck = now if self._stuck is None else self._stuck
        lasting = now - self._stuck >= COMPLAIN
        if lasting and not self._complained:
            self._complained = True
            self._note(None, f"{error}; jobs on nodes go on, none is started or ended here until it can be used")
        await asyncio.sleep(AGAIN if lasting else SOON)
        self._due.set()

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._group.create_task(_tolerant(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: work.close())  # where it was cancelled before it began
        return task

    # ---- what comes in ----

    def _take_over(self) -> None:
        """Put on the board what an earlier dispatcher left."""
        found = {placed.attempt.key: placed for placed in self._queue.placed()}
        now = self._loop.time()
        for order in self._queue.orders(sorted(found, key=lambda key: found[key].attempt.placed)):
            placed = found[order.key]
            card = self._board.put(order, placed.user, now, placed.attempt.placed, placed.attempt.node)
            card.started = placed.state is not JobState.STARTING
            card.stands = placed.state is JobState.FROZEN
            if placed.attempt.ended is not None:
                self._board.end(card)

    async def _listen(self) -> None:
        async for report in self.engine.changes():
            self._heard((report,))

    async def _wakened(self) -> None:
        while True:
            if await self._waker.wait():
                self._wishing = True
                self._due.set()

    async def _tick(self) -> None:
        pruned = -PRUNE
        settled = self._loop.time() + SETTLED
        while True:
            if self._loop.time() >= settled:
                settled = math.inf  # once: to count what is frozen is to go through it, 10 ms in a dashboard
                if not gc.get_freeze_count():
                    self._froze = True
                    gc.freeze()
            if self._loop.time() - pruned >= PRUNE and not await self._prune():
                pruned = self._loop.time()
            await asyncio.sleep(TICK)
            self._queue.beat()
            try:
                self._hastily(self._silence.seek)
                if self.engine.places:
                    self._hastily(self._tell)
            except StateError as error:
                await self._hindered(error)
            self._wishing = True
            self._due.set()

    async def _prune(self) -> bool:
        """Forget some of what ended long ago; whether there may be more."""
        try:
            forgotten = self._hastily(lambda: self._queue.prune(time.time(), days=self._settings.keep, limit=PRUNED))
        except StateError:
            return True
        for number in forgotten:
            await asyncio.to_thread(self._logs.remove, number)
        return len(forgotten) == PRUNED

    def _heard(self, reports: Iterable[Report]) -> None:
        for report in reports:
            before = self._inbox.get((report.key, report.node))
            if before is None or before.phase not in OVER:  # the end may be told before the answer to the start
                self._inbox[report.key, report.node] = report
        self._due.set()

    def _tell(self) -> None:
        """Why what waits does wait."""
        now = time.time()
        self._reasons.tell(self._queue.lots(now), self._queue.standing(), now, self._loop.time())

    # ---- one round: each step holds the loop for a moment, whatever there is to do ----

    def _receive(self) -> None:
        reports = list(islice(self._inbox.values(), BURST))
        self._take(reports, time.time())
        for report in reports:
            del self._inbox[report.key, report.node]
        if self._inbox:
            self._due.set()

    def _publish(self) -> None:
        done = self._done[:BURST]
        self._queue.published(done, time.time())
        del self._done[:BURST]
        self._forget(key for key, *_ in done)
        if self._done:
            self._due.set()

    def _carry_out(self) -> None:
        if self._wishing:
            self._wishes.carry_out(self._loop.time())
            self._wishing = False

    def _place(self) -> None:
        self._placing.place(BURST)

    # ---- what is told of attempts ----

    def _take(self, reports: Sequence[Report], now: float) -> None:
        """Believe what is told of the newest attempts; have all others forgotten."""
        taken: dict[Key, Report] = {}
        again: dict[str, list[Card]] = defaultdict(list)
        lost: list[Key] = []
        there: dict[Key, str] = {}
        for report in reports:
            if report.key.queue != self._queue.id:
                continue  # another controller's: not our business
            card = self._board.get(report.key)
            if report.node:
                self._board.heard(report.node, self._loop.time())
                there[report.key] = report.node
            elif card:
                self._board.heard(card.node, self._loop.time())
            if card and self.engine.places and report.node not in ("", card.node):
                continue  # a node tells of an attempt that another one has: homes may be shared, and nodes may lie
            if report.phase is not Phase.UNKNOWN:
                taken[report.key] = report
                if card:
                    self._board.move(card, report.node, self._loop.time())
                    card.started, card.waits = True, report.phase is Phase.WAITING
                    card.stands = report.phase is Phase.FROZEN
            elif card and not card.on_its_way:
                if card.started or card.end_asked is not None:
                    lost.append(report.key)
                elif card.fault:  # the engine was asked to start it, failed, and has it not
                    taken[report.key] = Report(report.key, Phase.ENDED, card.node, cause=Cause.REFUSED, why=card.fault)
                else:
                    again[card.node].append(card)
        if lost:
            self._lose(lost, "its node has no trace of it any more")
        for cards in again.values():
            self._placing.send(cards)
        if taken:
            self._believe(taken, there, now)

    def _believe(self, reports: Mapping[Key, Report], there: Mapping[Key, str], now: float) -> None:
        found = self._queue.take(list(reports.values()), now)
        for key in found.fetch:
            if card := self._board.get(key):
                self._board.end(card)
                self._publisher.bring(card, reports[key], self._begin)
        fetched = set(found.fetch)
        for key, report in reports.items():
            if report.phase in OVER and key not in fetched:
                self._drop(key)
        self._forget(found.forget, there)

    def _lose(self, keys: Sequence[Key], why: str) -> None:
        self._queue.lose(keys, why, time.time())
        for key in keys:
            self._drop(key)

    def _drop(self, key: Key) -> None:
        card = self._board.drop(key)
        self._publisher.leave(key)
        if card and card.sending and not any(other in self._board for other in card.together):
            card.sending.cancel()

    def _published(self, key: Key, fetched: str, ok: bool, why: str) -> None:
        self._done.append((key, fetched, ok, why))
        self._due.set()

    def _forget(self, keys: Iterable[Key], there: Mapping[Key, str] | None = None) -> None:
        """Have attempts removed from their nodes. Where that fails, the node tells of them again when it is asked the next time."""
        by_node: dict[str, list[Key]] = defaultdict(list)
        for key in keys:
            card = self._board.get(key)
            by_node[card.node if card else (there or {}).get(key, "")].append(key)
            self._drop(key)
        for node, old in by_node.items():
            self._begin(self.engine.forget(node, old))


async def _tolerant(work: Coroutine[Any, Any, None]) -> None:
    """What an engine could not do for one node, or cannot do at all, ends nothing else; it is asked again, or does without."""
    with contextlib.suppress(SshError, EngineError):
        await work
