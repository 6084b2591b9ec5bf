"""Keeps what is seen: a value a metric each ten seconds, and what happens. Owns the time of it; the file is `Tape`'s, in a thread.

The loop is never kept waiting: what it does for a node takes some 25 µs each ten seconds. What cannot be written (a disk that is full, a
file that somebody keeps locked) waits in memory for an hour; the watching goes on, and `trouble` says what is wrong.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol, TypeVar

from ..errors import GridtuiError, LockedError, StateError
from ..events import Event, Learned
from ..model import Node, Status, clean
from ..settings import History
from . import codes
from .past import LOG, SLOTS, Past
from .recording import Recording
from .tape import WINDOW, Batch, Tape
from .tiers import DAY, FINE, STEP

FLUSH = 60.0
"""Seconds between two writes: what a loss of power costs."""
WAITING = WINDOW
"""Slots that wait in memory while nothing can be written."""
EVENTS = 10_000
"""Events that wait so."""
PRUNE = 3600.0
AT_ONCE = 32
"""Nodes that are asked before others get their turn: some 0.8 ms."""
BREATH = 0.005
"""Seconds between two such turns, in which a key gets through all hands: 5,000 nodes take a second of the slot's ten."""
PAUSE = 0.02
"""Seconds between two pieces of packing, which take the interpreter some milliseconds each."""
LEAVE = 5.0
"""Seconds that the end waits for the disk."""

Result = TypeVar("Result")


class Watched(Protocol):
    """What a recorder asks of who watches the nodes."""

    def taken(self, name: str) -> Sequence[float]:
        """What was seen of a node since the last call, one value for each metric of `RECORDED`, NaN where there is none."""

    def status(self, name: str) -> Status: ...


class Recorder:
    """Records from `start` to `close`. `tell` gets a line when there is no recording, or again."""

    def __init__(
        self,
        path: Callable[[], Path],
        kept: History,
        nodes: Mapping[str, Node],
        watched: Watched,
        tell: Callable[[str, bool], None] = lambda text, alarm: None,
        sources: Sequence[str] = (),
        clock: Callable[[], float] = time.time,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.trouble = ""
        """Why nothing is recorded at the moment; empty where it is."""
        self.lost = False
        """Whether nobody records: where another one does, nothing is missing."""
        self.past: Past | None = None
        self._path = path
        self._kept = kept
        self._nodes = nodes
        self._watched = watched
        self._tell = tell
        self._sources = sources
        self._clock = clock
        self._pause = pause
        self._thread = ThreadPoolExecutor(1, "history")
        self._tape: Tape | None = None
        self._batch = Batch()
        self._waiting: list[Batch] = []
        self._began = 0.0
        self._last = 0
        """The last slot that was taken."""
        self._pictured = False
        self._breath = BREATH
        self._even_since = self._flushed_at = time.monotonic()
        self._pruned_at = self._even_since - PRUNE / 2
        self._task: asyncio.Task[None] | None = None
        self._writing: asyncio.Task[None] | None = None
        """Beside the slots: a disk that keeps us waiting is not to cost any."""

    # ---- from the loop ----

    async def start(self) -> None:
        """Begin. Returns at once."""
        self._last = self._slot() - 1
        self._began = self._clock()
        self._fresh()
        self._task = asyncio.create_task(self._guarded(self._record))

    async def close(self) -> None:
        """Write what is left, and let others record."""
        if self._task is None:
            return
        tasks = [task for task in (self._task, self._writing) if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._task = None
        self._breath = 0.0
        with contextlib.suppress(TimeoutError, GridtuiError):
            async with asyncio.timeout(LEAVE):
                tape = await self._do(self._open)
                if self._slot() > self._last:
                    await self._take(self._slot())
                await self._write(tape)
                await self._do(tape.close)
        if self._tape is not None:
            self._thread.submit(self._tape.close)
        self._thread.shutdown(wait=False)

    def happened(self, event: Event) -> None:
        """Something happened."""
        if isinstance(event, Learned):
            self._batch.facts[event.node] = event.facts
            return
        reach = self._watched.status(event.node).reach if event.node in self._nodes and event.node else None
        self._batch.events.append((event, reach))
        del self._batch.events[:-EVENTS]

    # ---- the one task ----

    async def _guarded(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            await work()
        except Exception as error:
            # A defect of ours is told, and does not end the watching.
            self._ill(f"internal error: {type(error).__name__}: {error}", alarm=True)
            raise

    async def _record(self) -> None:
        await self._recall()
        self._flush_beside()
        while True:
            # A little behind the slot's end, so that the timer does not come before the clock gets there.
            await self._pause(STEP - self._clock() % STEP + 0.05)
            slot = self._slot() - 1
            if slot == self._last:
                continue  # the clock was set back by less than a slot: what is seen adds up until the next one
            await self._take(slot)
            due = time.monotonic() - self._flushed_at >= FLUSH
            if due or self._batch.events or slot % WINDOW == WINDOW - 1:
                self._flush_beside()

    def _flush_beside(self) -> None:
        self._flushed_at = time.monotonic()
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._guarded(self._flush))

    def _slot(self) -> int:
        return int(self._clock()) // STEP

    async def _take(self, slot: int) -> None:
        """What was seen up to the end of `slot`."""
        if slot != self._last + 1:
            # The clock was set, or this machine slept: what comes is a stretch of its own, even where there is one of that time.
            self._fresh()
            self._even_since = time.monotonic()
        elif slot % WINDOW == 0:
            self._turn()
        if not self._pictured or slot * STEP // DAY != self._last * STEP // DAY:
            await self._picture(slot * STEP)
        taken = bytearray()
        async for name in self._in_turns():
            taken += codes.encode(self._watched.taken(name))
        if not self._batch.slots:
            self._batch.start = slot
        self._batch.slots.append(bytes(taken))
        self._last = slot

    async def _picture(self, now: float) -> None:
        """How every node is: what a replay begins with."""
        states = []
        async for name in self._in_turns():
            status = self._watched.status(name)
            states.append((now, name, (status.verdict, status.reach)))
        self._batch.states += states
        self._pictured = True

    async def _in_turns(self) -> AsyncIterator[str]:
        """All nodes, so that nothing else has to wait for long."""
        for index, name in enumerate(self._nodes, 1):
            yield name
            if index % AT_ONCE == 0:
                await asyncio.sleep(self._breath)

    def _turn(self) -> None:
        """What was added so far waits to be written."""
        batch = self._batch
        batch.until = self._clock()
        self._batch = Batch()
        self._waiting.append(batch)
        while len(self._waiting) > 1 and sum(len(one.slots) for one in self._waiting) > WAITING:
            oldest = self._waiting.pop(0)
            following = self._waiting[0]
            following.events[:0] = oldest.events
            del following.events[:-EVENTS]
            if following.begins is None:
                following.begins = oldest.begins

    def _fresh(self) -> None:
        """What comes is a new stretch."""
        if self._batch.slots or self._batch.events or self._batch.facts:
            self._turn()
        self._batch.begins = self._clock()
        self._pictured = False

    # ---- the disk ----

    async def _flush(self) -> None:
        try:
            tape = await self._do(self._open)
            await self._write(tape)
            self._well()
            await self._tidy(tape)
        except LockedError as error:
            # Whoever was first records: nothing that is seen here is missing there.
            self._waiting.clear()
            self._batch = Batch()
            self._fresh()
            self._ill(str(error), alarm=False)
        except StateError as error:
            if self._tape is not None and await self._mended(self._tape, error):
                self._fresh()
                self._ill(f"{error}; a new one was begun", alarm=True)
            else:
                self._ill(str(error), alarm=True)

    def _open(self) -> Tape:
        # Noted here and not by who waits, who may be cancelled meanwhile: a lock that nobody knows of would be held on.
        tape = self._tape = self._tape or Tape(self._path(), self._kept)
        return tape

    async def _write(self, tape: Tape) -> None:
        self._turn()
        while self._waiting:
            batch = self._waiting[0]
            await self._do(self._add, tape, batch)
            self._waiting.remove(batch)

    def _add(self, tape: Tape, batch: Batch) -> None:
        if batch.written:
            return  # who waited for it was cancelled
        if batch.begins is not None or not tape.begun:
            tape.begin(self._nodes.values(), batch.until if batch.begins is None else batch.begins, self._sources)
            batch.begins = None
        tape.add(batch)
        batch.written = True

    async def _tidy(self, tape: Tape) -> None:
        more = True
        while more:
            more = await self._do(tape.settle, self._clock())
            await asyncio.sleep(PAUSE)
        if time.monotonic() - self._pruned_at >= PRUNE:
            self._pruned_at = time.monotonic()
            await self._do(tape.prune, self._clock(), time.monotonic() - self._even_since)

    async def _mended(self, tape: Tape, error: StateError) -> bool:
        try:
            return await self._do(tape.mend, error)
        except StateError:
            return False

    async def _recall(self) -> None:
        """What was recorded before the start."""
        with contextlib.suppress(GridtuiError):  # told by the flush that follows, which needs the same file
            self.past = await self._do(self._read_past)

    def _read_past(self) -> Past | None:
        path = self._path()
        if not path.exists():
            return None
        with Recording.open(path) as recording:
            now = self._clock()
            last = int(now) // STEP
            columns = recording.columns(FINE, last + 1 - SLOTS, SLOTS, self._nodes)
            # Another dashboard may record: what happens from now on, this one sees itself.
            events = recording.newest(self._began, LOG)
            return Past(now, columns, [event for event in events if event.node is None or event.node in self._nodes])

    async def _do(self, work: Callable[..., Result], *arguments: object) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)

    # ---- what is said of it ----

    def _ill(self, text: str, alarm: bool) -> None:
        self.lost = alarm
        if text != self.trouble:
            self.trouble = text
            self._tell(f"no history is recorded: {clean(text)}", alarm)

    def _well(self) -> None:
        self.lost = False
        if self.trouble:
            self.trouble = ""
            self._tell("history is recorded again", False)
