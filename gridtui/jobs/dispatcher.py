"""The loop: reports in, placements out. The only writer of an attempt's transitions, while it holds the lease.

Owns when a round is made and what it does; knows no SQL, no shell and no screen. Whatever it knows besides the queue (`Board`) can be
lost: a dispatcher that starts asks every node for what the queue believes to be there. Commits come before messages: an attempt is in the
queue before its node hears of it, and a node is told to forget one only after its end, and its outputs, are in the queue.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from .. import settings as settings_
from ..errors import EngineError, GridtuiError, SshError, StateError
from ..events import Seen
from ..model import Status
from ..stopping import Stop
from .board import Board, Card
from .engines.protocol import Engine
from .logs import Logs
from .model import JobState, Key, Lot, Phase, Report
from .offering import Grid, Offering, pass_on
from .publishing import Publisher
from .queue import Queue, Waker
from .waiting import Reasons

TICK = 1.0
"""Seconds between two looks at what has no news: silent nodes, jobs for which no node was free."""
ASK = 30.0
"""Seconds without a word of any attempt on a node after which it is asked; sooner where nodes are given up sooner."""
ASK_AGAIN = 3.0
"""Seconds after which a node is asked again that did not answer, or did not confirm an order."""
END_AGAIN = 30.0
"""Seconds after which an attempt is told again to end, to stand still or to go on, where it did not."""
PRUNED = 500
"""Submissions that are forgotten at once."""
BURST = 256
"""Reports that one round takes: whoever shares the loop, a screen for one, gets its turn between two rounds."""
PRUNE = 3600.0
"""Seconds between two times at which ended submissions are forgotten."""
PATIENCE = 60.0
"""Seconds for which a queue that cannot be used (a full disk, a file that somebody keeps locked) does not end the dispatching."""
AGAIN = 2.0
"""Seconds between two tries then."""
WAITING = 1000
"""Attempts that wait in the queue of an engine which places by itself."""

OVER = (Phase.ENDED, Phase.LOST)

Done = tuple[Key, str, bool, str]
"""What was published: where the outputs lie, whether they do, else why not."""


class Dispatcher:
    """Dispatches one queue through one engine. `run` is called once, by whoever holds the lease."""

    def __init__(self, queue: Queue, waker: Waker, engine: Engine, grid: Grid, settings: settings_.Jobs) -> None:
        """`waker` is that of the queue's lease."""
        self._queue, self._waker, self._engine, self._grid, self._settings = queue, waker, engine, grid, settings
        self._board = Board()
        self._offering = Offering(engine, grid, self._board)
        self._reasons = Reasons(queue, self._offering, lambda: list(grid.nodes))
        self._logs = Logs(queue.id)
        self._publisher = Publisher(self._logs, engine, settings, self._published)
        self._inbox: dict[tuple[Key, str], Report] = {}
        """The last word of each node on each attempt: one that says much fills no memory."""
        self._done: list[Done] = []
        self._due = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._wishing = True
        """People may have asked for something."""
        self._stuck: dict[Callable[[], None], float] = {}
        """What cannot be done with the queue, and since when."""
        self._up: set[str] = set()
        self._fleeting: dict[str, str] = {}
        """Why jobs end with our connection, of nodes where they do or did."""
        self._inputs: dict[int, Mapping[str, int] | None] = {}
        """Of submissions that wait for nodes: digests and bytes; None while they are looked at."""

    async def run(self, stop: Stop | None = None, until: Callable[[], bool] | None = None) -> None:
        """Until `stop` is asked or `until` holds after a round. Attempts go on without us. Raises StateError (the queue, the state folder)."""
        stop = stop or Stop()
        stop.listen(self._due.set)
        self._loop = asyncio.get_running_loop()
        try:
            async with asyncio.TaskGroup() as self._group:
                try:
                    self._take_over()
                    for part in (self._listen, self._wakened, self._watch, self._tick):
                        self._begin(part())
                    while not stop.count and not (until and until()):
                        self._due.clear()
                        began = self._loop.time()
                        await self._patiently(self._round)
                        await asyncio.sleep(self._loop.time() - began)  # half of the time is for the nodes' messages
                        await self._due.wait()
                finally:
                    for task in self._tasks:
                        task.cancel()
                    with contextlib.suppress(StateError):
                        self._queue.tell_nothing()  # the reason is another one now: nobody dispatches
        except* GridtuiError as group:
            error: BaseException = group
            while isinstance(error, BaseExceptionGroup):
                error = error.exceptions[0]
            raise error from None

    async def _patiently(self, step: Callable[[], None]) -> None:
        """A step of which nothing is done where the queue cannot be used: it is made again for a while. Raises StateError after it."""
        try:
            step()
            self._stuck.pop(step, None)
        except StateError:
            now = self._loop.time()
            if now - self._stuck.setdefault(step, now) >= PATIENCE:
                raise
            self._due.set()
            await asyncio.sleep(AGAIN)

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
        for order in self._queue.orders(list(found)):
            placed = found[order.key]
            card = self._board.put(order, placed.user, now, placed.attempt.placed, placed.attempt.node)
            card.started = placed.state is not JobState.STARTING
            card.stands = placed.state is JobState.FROZEN
            if placed.attempt.ended is not None:
                self._board.end(card)

    async def _listen(self) -> None:
        async for report in self._engine.changes():
            self._heard((report,))

    async def _wakened(self) -> None:
        while True:
            if await self._waker.wait():
                self._wishing = True
                self._due.set()

    async def _watch(self) -> None:
        """Ask a node for its attempts when it comes, or comes back."""
        events = self._grid.events()
        for name in self._grid.nodes:
            self._look(self._grid.status(name))
        async for event in events:
            if isinstance(event, Seen):
                self._look(event.status)

    def _look(self, status: Status) -> None:
        name = status.node.name
        if not status.reach.up:
            self._up.discard(name)
        elif name not in self._up:
            self._up.add(name)
            self._ask(name)

    async def _tick(self) -> None:
        pruned = -PRUNE
        while True:
            if self._loop.time() - pruned >= PRUNE and not await self._prune():
                pruned = self._loop.time()
            await asyncio.sleep(TICK)
            self._queue.beat()
            await self._patiently(self._seek)
            if self._engine.places:
                await self._patiently(self._tell)
            self._wishing = True
            self._due.set()

    async def _prune(self) -> bool:
        """Forget some of what ended long ago; whether there may be more."""
        forgotten: list[int] = []
        with contextlib.suppress(StateError):
            forgotten = self._queue.prune(time.time(), days=self._settings.keep, limit=PRUNED)
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

    # ---- nodes without news ----

    def _seek(self) -> None:
        """Ask nodes that fell silent; give up those that were silent for too long."""
        now = self._loop.time()
        quiet = min(ASK, self._settings.lost_after / 4)
        for node, column in self._board.columns():
            silent = now - column.heard
            if column.cards and silent > self._settings.lost_after:
                self._lose(list(column.cards), f"nothing was heard of {node or self._engine.name} for too long")
            unsure = any(not card.started and not card.on_its_way for card in column.cards.values())
            mute = node in self._up and self._engine.places and self._engine.ground(node) is None
            # One that can run no jobs says so each time that it is asked.
            mute = mute and now - (column.asked or 0.0) >= min(ASK, ASK_AGAIN * 2 ** min(column.unanswered, 10))
            if mute or (column.cards and (unsure or silent > quiet)):
                self._ask(node)

    def _ask(self, node: str) -> None:
        column, now = self._board.column(node, self._loop.time()), self._loop.time()
        if not column.asking and (column.asked is None or now - column.asked >= ASK_AGAIN):
            column.asking, column.asked = True, now
            self._begin(self._asking(node))

    async def _asking(self, node: str) -> None:
        column = self._board.column(node)
        asked = {key: card.sending for key, card in column.cards.items() if not card.on_its_way}
        try:
            found = await self._engine.poll(node, list(asked))
            # What was sent meanwhile was not there yet when this was asked.
            self._heard(one for one in found if one.phase is not Phase.UNKNOWN or self._still(one.key, asked))
            if (ground := self._engine.ground(node)) is not None:
                self._warn(node, ground.fleeting)
                column.heard = self._loop.time()
                column.unanswered = -1
        finally:
            column.unanswered += 1
            column.asking = False
            self._due.set()

    def _warn(self, node: str, fleeting: str) -> None:
        """Let people know where jobs end with our connection, and where they do no more."""
        if fleeting != self._fleeting.get(node, ""):
            self._fleeting[node] = fleeting
            with contextlib.suppress(StateError):  # it is for people alone
                self._queue.warn({name: why for name, why in self._fleeting.items() if why})

    def _still(self, key: Key, asked: Mapping[Key, asyncio.Task[None] | None]) -> bool:
        card = self._board.get(key)
        return card is None or (key in asked and card.sending is asked[key])

    def _lose(self, keys: Sequence[Key], why: str) -> None:
        self._queue.lose(keys, why, time.time())
        for key in keys:
            self._drop(key)

    def _drop(self, key: Key) -> None:
        card = self._board.drop(key)
        self._publisher.leave(key)
        if card and card.sending and not any(other in self._board for other in card.together):
            card.sending.cancel()

    # ---- one round ----

    def _round(self) -> None:
        now = time.time()
        if self._inbox:
            reports = list(islice(self._inbox.values(), BURST))
            self._take(reports, now)
            for report in reports:
                del self._inbox[report.key, report.node]
            if self._inbox:
                self._due.set()
        if self._done:
            self._queue.published(self._done, now)
            done, self._done = self._done, []
            self._forget(key for key, *_ in done)
        if self._wishing:
            self._carry_out()
        self._place(now)

    def _take(self, reports: Sequence[Report], now: float) -> None:
        """Believe what is told of the newest attempts; have all others forgotten."""
        taken: dict[Key, Report] = {}
        again: dict[str, list[Card]] = defaultdict(list)
        lost: list[Key] = []
        there: dict[Key, str] = {}
        for report in reports:
            if report.key.queue != self._queue.id:
                continue  # another controller's: not our business
            if report.node:
                self._board.column(report.node).heard = self._loop.time()
                there[report.key] = report.node
            card = self._board.get(report.key)
            if card and self._engine.places and report.node not in ("", card.node):
                continue  # a node tells of an attempt that another one has: homes may be shared, and nodes may lie
            if report.phase is not Phase.UNKNOWN:
                taken[report.key] = report
                if card:
                    self._board.move(card, report.node, self._loop.time())
                    card.started = True
                    card.stands = report.phase is Phase.FROZEN
            elif card and not card.on_its_way:
                if card.started or card.end_asked is not None:
                    lost.append(report.key)
                else:
                    again[card.node].append(card)
        if lost:
            self._lose(lost, "its node has no trace of it any more")
        for cards in again.values():
            self._send(cards)
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
            self._begin(self._engine.forget(node, old))

    def _carry_out(self) -> None:
        """What people asked for since, of attempts that a node has."""
        now = self._loop.time()
        ends: dict[str, list[Key]] = defaultdict(list)
        stands: dict[tuple[str, bool], list[Key]] = defaultdict(list)
        wishes, held = self._queue.wishes(), set(self._queue.holds())
        self._wishing = False
        for key in wishes:
            card = self._board.get(key)
            if card is None or card.ended or (card.end_asked is not None and now - card.end_asked < END_AGAIN):
                continue
            card.end_asked = now
            if card.sending and len(card.together) == 1:
                card.sending.cancel()  # its inputs need not travel any further
            ends[card.node].append(key)
        for node, keys in ends.items():
            self._begin(self._ending(node, keys))
        for card in self._board:
            hold = card.order.key in held
            # One that its node froze by itself is told to go on, too: whether we or the owner wished that may be forgotten here, not there.
            deaf = card.stands != hold and (card.held_told is None or now - card.held_told >= END_AGAIN)
            if card.started and not card.ended and (card.held != hold or deaf):
                card.held, card.held_told = hold, now
                stands[card.node, hold].append(card.order.key)
        for (node, frozen), keys in stands.items():
            self._begin(self._engine.freeze(node, keys, frozen))

    async def _ending(self, node: str, keys: Sequence[Key]) -> None:
        """What is being sent comes first: an end that overtakes its start would be lost."""
        cards = [card for key in keys if (card := self._board.get(key))]
        if sending := {card.sending for card in cards if card.sending and card.on_its_way}:
            await asyncio.wait(sending)
        await self._engine.end(node, keys, grace=self._settings.grace)

    # ---- placing ----

    def _place(self, now: float) -> None:
        lots = self._queue.lots(now)
        if not lots:
            return
        if self._engine.places:
            known = self._with_inputs(lots)
            inputs = {number: found for number, found in self._inputs.items() if found}
            placements = self._offering.plan(known, self._up, self._queue.standing(), inputs, now)
        else:
            placements = pass_on(lots, WAITING - sum(not card.started for card in self._board))
        if not placements:
            return
        users = {lot.number: lot.user for lot in lots}
        by_node: dict[str, list[Card]] = defaultdict(list)
        for order in self._queue.place(placements, now):
            card = self._board.put(order, users[order.key.id.number], self._loop.time(), now)
            by_node[card.node].append(card)
        for cards in by_node.values():
            self._send(cards)

    def _with_inputs(self, lots: Sequence[Lot]) -> Sequence[Lot]:
        """Those whose inputs are known, or that have none; the others' are looked at meanwhile."""
        for number in self._inputs.keys() - {lot.number for lot in lots}:
            del self._inputs[number]
        for lot in lots:
            if lot.spec.inputs and lot.number not in self._inputs:
                self._inputs[lot.number] = None
                self._begin(self._look_at_inputs(lot))
        return [lot for lot in lots if not lot.spec.inputs or self._inputs[lot.number] is not None]

    async def _look_at_inputs(self, lot: Lot) -> None:
        found = await self._engine.inputs(lot.spec)
        if lot.number in self._inputs:
            self._inputs[lot.number] = found
            self._due.set()

    def _send(self, cards: Sequence[Card]) -> None:
        """Orders without inputs go together; one whose inputs travel must not keep others waiting, nor be kept by them."""
        light = [card for card in cards if not card.order.spec.inputs]
        for together in ([light] if light else []) + [[card] for card in cards if card.order.spec.inputs]:
            task = self._begin(self._sending(together))
            keys = tuple(card.order.key for card in together)
            for card in together:
                card.sending, card.together = task, keys

    async def _sending(self, cards: Sequence[Card]) -> None:
        self._heard(await self._engine.start([card.order for card in cards]))


async def _tolerant(work: Coroutine[Any, Any, None]) -> None:
    """What an engine could not do for one node, or cannot do at all, ends nothing else; it is asked again, or does without."""
    with contextlib.suppress(SshError, EngineError):
        await work
