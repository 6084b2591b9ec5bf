"""The ring of a node's recent round trips and its figures. Pure; knows no socket.

All figures are kept up to date by `add`, in whole nanoseconds, so that they are exact however long the ring turns.
"""

from __future__ import annotations

from collections import deque
from itertools import islice

from ..model import PingMethod, RoundTrips

_NAN = float("nan")


class Ring:
    """The newest `size` echoes. `add` and `trips` cost about a microsecond each, whatever the size."""

    __slots__ = ("_answered", "_jitter", "_last", "_max", "_min", "_sum", "_window", "count", "size")

    def __init__(self, size: int) -> None:
        if size < 1:
            raise ValueError("a ring holds at least one echo")
        self.size = size
        self.count = 0
        """How many echoes were ever added."""
        self._window: deque[float] = deque()
        """Every echo in seconds, oldest first, NaN where lost."""
        self._answered: deque[int] = deque()
        """The answered ones alone, in nanoseconds."""
        self._sum = 0
        self._jitter = 0
        """Sum of the absolute differences of neighbours in `_answered`."""
        self._min: int | None = None
        self._max: int | None = None
        self._last: float | None = None

    def __len__(self) -> int:
        return len(self._window)

    def add(self, rtt: float | None) -> None:
        """One more echo: its round trip in seconds, or None when it was lost. The oldest makes room."""
        window, answered = self._window, self._answered
        if len(window) == self.size:
            oldest = window.popleft()
            if oldest == oldest:  # not NaN
                self._forget()
        self._last = rtt
        self.count += 1
        if rtt is None:
            window.append(_NAN)
            return
        value = round(rtt * 1e9)
        window.append(rtt)
        if answered:
            self._jitter += abs(value - answered[-1])
            if self._min is not None and value < self._min:
                self._min = value
            if self._max is not None and value > self._max:
                self._max = value
        else:
            self._min = self._max = value
        answered.append(value)
        self._sum += value

    def _forget(self) -> None:
        answered = self._answered
        value = answered.popleft()
        self._sum -= value
        if answered:
            self._jitter -= abs(value - answered[0])
        # An extreme that leaves is looked up again only when somebody asks.
        if value == self._min:
            self._min = None
        if value == self._max:
            self._max = None

    def trips(self, method: PingMethod) -> RoundTrips:
        """The figures over the ring. Jitter takes neighbours among the answered echoes; one alone has none (None)."""
        answered = self._answered
        count = len(answered)
        if not count:
            return RoundTrips(method, len(self._window), 0)
        if self._min is None:
            self._min = min(answered)
        if self._max is None:
            self._max = max(answered)
        return RoundTrips(
            method,
            len(self._window),
            count,
            self._last,
            self._min * 1e-9,
            self._sum * 1e-9 / count,
            self._max * 1e-9,
            self._jitter * 1e-9 / (count - 1) if count > 1 else None,
        )

    def values(self) -> list[float]:
        """Seconds, oldest first, NaN where lost."""
        return list(self._window)

    def newest(self, count: int) -> list[float]:
        """The newest `count` of them, in no order."""
        return list(islice(reversed(self._window), count))
