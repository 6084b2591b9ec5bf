"""When Python looks for values that only hold each other. Owns the collector of the process while a dashboard runs; gives it back at the end.

A full collection goes through all that lives: 60 ms with 5,000 nodes, and the key that comes meanwhile waits. So what lives is set
aside (`gc.freeze`), full collections of the rest are made here, where nobody has pressed a key for a moment, and now and then, in
a longer rest, one goes through everything after all.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

LOOK = 5.0
"""Seconds between two looks whether it is time."""
EVERY = 60.0
"""Seconds between two collections of what is new."""
CALM = 3.0
"""Seconds without a key before one."""
LATEST = 300.0
"""Seconds after which one is made also while keys are pressed."""
DEEP = 1800.0
"""Seconds between two collections of everything."""
REST = 30.0
"""Seconds without a key before one of these: nobody waits for it."""
_NEVER = 1 << 30


class Litter:
    """Begun once; `touched` with every key, `look` now and then."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._before: tuple[int, int, int] | None = None
        self._key = self._swept = self._deep = 0.0

    def hush(self) -> None:
        """No collection at all before `begin`: of what is made for the first paint nothing is litter, and looking for some takes a fifth of its time."""
        gc.disable()

    def begin(self) -> None:
        """Take the collector over. The first collection comes with the first calm."""
        gc.enable()
        if self._before is None:
            self._before = gc.get_threshold()
            gc.set_threshold(*self._before[:2], _NEVER)
            self._deep = self._clock()
            self._swept = self._deep - EVERY

    def touched(self) -> None:
        """A key was pressed."""
        self._key = self._clock()

    def look(self) -> None:
        """Collect, where that is due."""
        now = self._clock()
        if self._before is None:
            return
        calm, waited = now - self._key, now - self._swept
        deep = now - self._deep >= DEEP and calm >= REST
        if not deep and not (waited >= EVERY and calm >= CALM) and waited < LATEST:
            return
        if deep:
            gc.unfreeze()
            self._deep = now
        gc.collect()
        gc.freeze()
        self._swept = now

    def end(self) -> None:
        """Give it back as it was."""
        gc.enable()
        if self._before is not None:
            gc.set_threshold(*self._before)
            gc.unfreeze()
            self._before = None
