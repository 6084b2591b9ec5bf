"""Hands events to any number of readers. Bounded: a reader that sleeps costs one waiting `Seen` a node and no more."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable

from ..events import Event, Seen
from ..model import Status

LOG = 1000
"""Events kept for the log, and waiting at most for one reader, `Seen` not counted."""


class Bus:
    """The one way out of a monitor. `status` makes the picture of a node when a `Seen` is read, not when it is sent:
    a slow reader gets the newest picture, and one that nobody reads is never made."""

    def __init__(self, status: Callable[[str], Status]) -> None:
        self._status = status
        self._readers: list[_Reader] = []
        self._closed = False
        self.log: deque[Event] = deque(maxlen=LOG)
        self.listener: Callable[[Event], None] | None = None
        """Told of everything but `Seen`, in the turn in which it happens."""

    def close(self) -> None:
        """No more events: every reader ends once it has what waits for it."""
        self._closed = True
        for reader in self._readers:
            reader.wake.set()

    def seen(self, node: str) -> None:
        """The picture of `node` changed."""
        for reader in self._readers:
            reader.seen[node] = None
            reader.wake.set()

    def emit(self, event: Event) -> None:
        """Something happened that is worth a line in the log."""
        self.log.append(event)
        if self.listener:
            self.listener(event)
        for reader in self._readers:
            reader.events.append(event)
            reader.wake.set()

    async def read(self) -> AsyncIterator[Event]:
        """Events from now on, until the reader stops or the bus is closed. Those of the log come before waiting pictures."""
        reader = _Reader()
        self._readers.append(reader)
        try:
            while not self._closed or reader.events or reader.seen:
                if not self._closed:
                    await reader.wake.wait()
                reader.wake.clear()
                while reader.events or reader.seen:
                    if reader.events:
                        yield reader.events.popleft()
                        continue
                    node = next(iter(reader.seen))
                    del reader.seen[node]
                    yield Seen(node, self._status(node))
        finally:
            self._readers.remove(reader)


class _Reader:
    __slots__ = ("events", "seen", "wake")

    def __init__(self) -> None:
        self.events: deque[Event] = deque(maxlen=LOG)
        self.seen: dict[str, None] = {}
        self.wake = asyncio.Event()
