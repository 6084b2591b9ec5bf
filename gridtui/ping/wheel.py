"""One timer for everything that waits: a wheel of 20 ms slots. Owns when things happen; knows nothing of packets.

The event loop's own timers cost some 10 µs each to set and cancel; an entry here costs a third of one, and is never
cancelled: whoever is called looks whether it still matters. It also notices that the controller slept.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Callable
from typing import Any, Final

TICK: Final = 0.02
"""Seconds a slot. Things happen at most this much late, never early. At 1,000 echoes a second, 10 ms cost a third more CPU."""

ASLEEP: Final = 1.0
"""Seconds of silence of this process after which it counts as having slept: a suspend, a SIGSTOP, a blocked loop."""


class Wheel:
    """Calls functions at their time. `before()` is called ahead of each turn; `slept(seconds)` first of all after a gap."""

    __slots__ = ("_before", "_handle", "_loop", "_order", "_slept", "_slots", "_suspended", "_turning", "_wake")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, before: Callable[[], None], slept: Callable[[float], None]
    ) -> None:
        self._loop = loop
        self._before = before
        self._slept = slept
        self._slots: dict[int, list[tuple[Callable[..., None], Any, Any]]] = {}
        self._order: list[int] = []
        """A heap of the slots' numbers."""
        self._handle: asyncio.TimerHandle | None = None
        self._wake = 0.0
        self._suspended = 0.0
        self._turning = False

    def add(self, when: float, function: Callable[..., None], first: Any, second: Any) -> None:
        """Call `function(first, second)` at the loop's time `when`, or up to a tick later."""
        slot = int(when / TICK) + 1
        entries = self._slots.get(slot)
        if entries is None:
            self._slots[slot] = [(function, first, second)]
            heapq.heappush(self._order, slot)
            if not self._turning and (self._handle is None or slot * TICK < self._wake):
                self._set()
        else:
            entries.append((function, first, second))

    def now(self) -> float:
        """The loop's time."""
        return self._loop.time()

    def close(self) -> None:
        """Forget all."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        self._slots.clear()
        self._order.clear()

    def _set(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
        self._wake = self._order[0] * TICK
        # The loop's clock stands still while the machine is suspended; CLOCK_BOOTTIME does not (clock_gettime(2)).
        self._suspended = time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic()
        self._handle = self._loop.call_at(self._wake, self._turn)

    def _turn(self) -> None:
        self._handle = None
        self._turning = True
        try:
            self._before()
            late = max(0.0, self._loop.time() - self._wake)
            gap = late + time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic() - self._suspended
            if gap > ASLEEP:
                self._slept(gap)
            current = int(self._loop.time() / TICK)
            order, slots = self._order, self._slots
            while order and order[0] <= current:
                for function, first, second in slots.pop(heapq.heappop(order)):
                    try:
                        function(first, second)
                    except Exception as error:  # the others of this slot must have their turn
                        self._loop.call_exception_handler({"message": f"{function!r} raised", "exception": error})
        finally:
            self._turning = False
            if self._order and self._handle is None:
                self._set()
