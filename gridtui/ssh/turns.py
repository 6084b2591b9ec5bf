"""Turns: how many logins may be in flight, and when the next one may start. Owns counting and waiting; knows no SSH.

sshd drops connections over MaxStartups (10:30:100) at random, before it says a word. So logins to one address are few, and fewer
still when it was seen to drop some.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

SPREAD = 0.01
"""Seconds of jitter for each login that is in flight already: a lone login starts at once."""


class Turns:
    """First come, first served, at most `limit` at once. The limit may be lowered while others wait."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.taken = 0
        self._queue: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Hold one turn."""
        while self.taken >= self.limit:
            waiter = asyncio.get_running_loop().create_future()
            self._queue.append(waiter)
            try:
                await waiter
            except asyncio.CancelledError:
                if waiter.done() and not waiter.cancelled():
                    self._next()  # it was ours: pass it on
                raise
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1
            self._next()

    @property
    def idle(self) -> bool:
        """Whether nobody holds or waits for a turn."""
        return not self.taken and not any(not waiter.done() for waiter in self._queue)

    def _next(self) -> None:
        while self._queue and self.taken < self.limit:
            waiter = self._queue.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return


class Gate:
    """Turns over all, and for each address."""

    def __init__(self, total: int, each: int) -> None:
        self._all = Turns(total)
        self._each = each
        self._places: dict[tuple[str, int], Turns] = {}

    def place(self, address: tuple[str, int]) -> Turns:
        """The turns of one address."""
        return self._places.setdefault(address, Turns(self._each))

    @asynccontextmanager
    async def turn(self, address: tuple[str, int]) -> AsyncIterator[None]:
        """Hold a turn at an address and over all, after some jitter when others are at it."""
        # the address first: who waits for a busy bastion must not keep a place that others could use
        async with self.place(address).turn(), self._all.turn():
            if others := self._all.taken - 1:
                await asyncio.sleep(random.uniform(0, SPREAD * others))  # noqa: S311 - spreading load, not a secret
            yield

    def crowded(self, address: tuple[str, int]) -> bool:
        """The server dropped us without a word. Lower the limit when others of ours were there too; whether it is worth another try."""
        place = self.place(address)
        if place.taken <= 1 and place.limit == self._each:
            return False
        place.limit = max(1, min(place.limit, place.taken) - 1)
        return True


class Backoff:
    """The pause before the next attempt: doubled after each failure, with jitter, and ended early by `wake`."""

    def __init__(self, first: float, longest: float) -> None:
        self._first, self._longest = first, longest
        self._failures = 0
        self._until = 0.0
        self._woken = asyncio.Event()

    @property
    def left(self) -> float:
        """Seconds that are still to wait."""
        return max(0.0, self._until - time.monotonic())

    def failed(self) -> None:
        """An attempt failed, or a connection did not live."""
        pause = min(self._longest, self._first * 2.0 ** min(self._failures, 30))
        self._failures += 1
        self._hold(pause * random.uniform(0.5, 1.0))  # noqa: S311

    def lost(self) -> None:
        """A healthy connection ended: whole racks come back at once, so spread the first attempts."""
        self._failures = 0
        self._hold(self._first * random.uniform(0.0, 1.0))  # noqa: S311

    def _hold(self, pause: float) -> None:
        self._woken.clear()
        self._until = time.monotonic() + pause

    def succeeded(self) -> None:
        """A connection has lived long enough: the next failure starts small again."""
        self._failures = 0

    def wake(self) -> None:
        """End the pause now."""
        self._until = 0.0
        self._woken.set()

    async def wait(self) -> None:
        """Wait for the rest of the pause."""
        while left := self.left:
            try:
                async with asyncio.timeout(left):
                    await self._woken.wait()
                return
            except TimeoutError:
                continue
