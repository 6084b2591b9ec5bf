"""Work that is done in slices, so that no key waits behind it. Work is a generator that yields wherever it may rest.

`whole` does it at once, for who cannot go on without it; `Slices` a bit at a time.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Generator, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

Work = Generator[None, None, Result]

SLICE = 0.001
"""Seconds of a slice: short enough for what else comes in the same turn of the loop."""
REST = 0.005
"""Seconds between two slices, in which a key gets through all hands that it has to go through."""
EACH = 100
"""Nodes between two rests: some 0.2 ms."""


def pieces(items: Sequence[Item]) -> Generator[Sequence[Item]]:
    """All items in pieces, between which there may be a rest."""
    for at in range(0, len(items), EACH):
        yield items[at : at + EACH]


def whole(work: Work[Result]) -> Result:
    """Do all of it now."""
    return Slices(work).at_once()


class Slices(Generic[Result]):
    """Some work, and how far it is."""

    def __init__(self, work: Work[Result]) -> None:
        self._work = work
        self._result: list[Result] = []
        self.took = 0.0
        """Seconds so far, without the rests."""

    @property
    def result(self) -> Result:
        """What came of it, once it is done."""
        return self._result[0]

    def go_on(self) -> bool:
        """Do a slice. Gives whether all is done."""
        return self._do(SLICE)

    def at_once(self) -> Result:
        """Do the rest now."""
        self._do(math.inf)
        return self.result

    def _do(self, seconds: float) -> bool:
        began = now = time.perf_counter()
        try:
            while now - began < seconds:
                next(self._work)
                now = time.perf_counter()
        except StopIteration as end:
            self._result.append(end.value)
        self.took += time.perf_counter() - began
        return bool(self._result)

    async def finish(self, wanted: Callable[[], bool] = lambda: True) -> bool:
        """Do the rest, slice by slice, as long as it is wanted. Gives whether all is done."""
        while wanted():
            done = self.go_on()
            await asyncio.sleep(REST)
            if done:
                return wanted()
        return False
