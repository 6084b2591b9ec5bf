"""The pinger: chooses how to ping, and paces the echoes of many nodes. Owns whose turn it is; packets are `icmp`'s and `knock`'s."""

from __future__ import annotations

import asyncio
import math
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Final

from ..errors import PingError
from ..model import PingMethod
from . import sockets
from .icmp import SLEPT, Deliver, Port, guarded
from .knock import Knocker
from .wheel import TICK, Wheel
from .wire import Target, target

_GOLDEN: Final = 0.6180339887498949
"""Steps of the golden ratio spread any number of starts evenly over an interval, however many are to come."""

_BUSY: Final = 25.0
"""Echoes a second beyond which arrivals wait for the next tick: a wake-up of the loop costs ten times what reading does."""

_LATE: Final = 0.25
"""Seconds by which an echo may start late; later it is skipped, as a loop that was blocked must not send all at once."""

CLOSED: Final = "the pinger was closed"


class _Watch:
    __slots__ = ("interval", "key", "live", "next", "on_echo", "port", "target", "timeout", "why")

    def __init__(
        self,
        key: str,
        aim: Target,
        interval: float,
        timeout: float,
        on_echo: Callable[[str, float | None], None],
        port: int,
    ) -> None:
        self.key = key
        self.target = aim
        self.interval = interval
        self.timeout = timeout
        self.on_echo = on_echo
        self.port = port
        self.next = 0.0
        self.live = True
        self.why = ""


class Pinger:
    """Echoes to any number of hosts over one socket a family. Belongs to the event loop that it is first used in."""

    def __init__(self, choice: sockets.Choice) -> None:
        self.method = choice.method
        """How round trips are measured here: ICMP, RAW or TCP."""
        self.why = choice.why
        """One line about why not in a better way, with the command that changes it; empty when there is none better."""
        self.mend = choice.mend
        """That command alone."""
        self.on_sleep: Callable[[float], None] | None = None
        """Called with the seconds when the controller slept: what was in flight and what was due meanwhile is not counted."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wheel: Wheel
        self._ports: dict[int, Port | PingError] = {}
        """By family; a family that cannot be opened keeps its error."""
        self._knocker: Knocker | None = None
        self._watches: dict[str, _Watch] = {}
        self._phase = 0.0
        self._rate = 0.0
        """Echoes a second of all watches."""
        self._waiting = 0
        """How many callers wait for an answer right now."""
        self._at_once = True
        self._ends: dict[object, Callable[[], None]] = {}
        self._closed = False

    @classmethod
    def open(cls, method: PingMethod | None = None) -> Pinger:
        """Pick the best way that this system permits, or take `method`. Raises PingError when that one is not permitted."""
        if method is None:
            return cls(sockets.choose())
        if method in (PingMethod.ICMP, PingMethod.RAW):
            sockets.open_socket(socket.AF_INET, method, setup=False).close()
        elif method is not PingMethod.TCP:
            raise PingError(f"a pinger cannot measure by {method.value}")
        return cls(sockets.Choice(method))

    def close(self) -> None:
        """Close the sockets. Watches end; who waits for an answer gets None."""
        if self._closed:
            return
        self._closed = True
        for watch in self._watches.values():
            watch.live = False
        self._watches.clear()
        for port in self._ports.values():
            if isinstance(port, Port):
                port.close()
        if self._knocker is not None:
            self._knocker.close()
        if self._loop is not None:
            self._wheel.close()
        for end in list(self._ends.values()):
            end()

    def __enter__(self) -> Pinger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def echo(self, host: str, timeout: float, port: int = 22) -> float | None:
        """One round trip to an IP address, in seconds; None when no answer came within `timeout`.

        `port` is where TCP knocks if ICMP is not permitted. Raises ValueError when `host` is no IP address.
        """
        return (await self.ask(host, timeout, port))[0]

    async def ask(self, host: str, timeout: float, port: int = 22) -> tuple[float | None, str]:
        """As `echo`, with the reason of a loss."""
        aim = target(host)
        future: asyncio.Future[tuple[float | None, str]] = asyncio.get_running_loop().create_future()

        def deliver(_: Any, rtt: float | None, why: str) -> None:
            if future.done():
                return
            if why is SLEPT:
                self.launch(aim, timeout, port, None, deliver)
            else:
                future.set_result((rtt, why))

        with self.hurry(lambda: deliver(None, None, CLOSED)):
            self.launch(aim, timeout, port, None, deliver)
            return await future

    def watch(
        self,
        key: str,
        host: str,
        interval: float,
        timeout: float,
        on_echo: Callable[[str, float | None], None],
        port: int = 22,
    ) -> None:
        """Send an echo to an IP address every `interval` seconds until `unwatch`; replaces an earlier watch of this key.

        `on_echo(key, rtt)` gets the round trip in seconds, or None for a loss (`reason` then says why). Starts are spread
        over the interval. What a sleeping controller missed is not counted as lost. Raises ValueError when `host` is no IP
        address, or the interval is under 40 ms.
        """
        if interval < 2 * TICK:
            raise ValueError(f"an interval of {interval:g} s is too short")
        self.unwatch(key)
        loop = self._start()
        watch = _Watch(key, target(host), interval, timeout, on_echo, port)
        self._watches[key] = watch
        self._phase = (self._phase + _GOLDEN) % 1.0
        watch.next = loop.time() + self._phase * interval
        self._wheel.add(watch.next, self._due, watch, None)
        self._rate += 1 / interval
        self._choose_reading()

    def unwatch(self, key: str) -> None:
        """End a watch; no call of its `on_echo` follows. Nothing happens when there is none."""
        watch = self._watches.pop(key, None)
        if watch is not None:
            watch.live = False
            self._rate -= 1 / watch.interval
            self._choose_reading()

    def reason(self, key: str) -> str:
        """Why the newest echo of a watch was lost; empty when it was answered."""
        watch = self._watches.get(key)
        return watch.why if watch else ""

    @contextmanager
    def hurry(self, end: Callable[[], None]) -> Iterator[None]:
        """While somebody waits: answers are read as they come. `end` is called when the pinger is closed meanwhile."""
        token = object()
        self._ends[token] = end
        self._waiting += 1
        self._choose_reading()
        try:
            yield
        finally:
            del self._ends[token]
            self._waiting -= 1
            if not self._closed:
                self._choose_reading()

    def launch(self, aim: Target, timeout: float, port: int, key: Any, deliver: Deliver) -> None:
        """Send one echo now, and get its end: `deliver(key, rtt, why)`. `why` is `SLEPT` when nothing can be said of it."""
        loop = self._start()
        if self.method is PingMethod.TCP:
            if self._knocker is None:
                self._knocker = Knocker(loop, self._wheel)
            self._knocker.launch(aim, port, timeout, key, deliver)
            return
        opened = self._ports.get(aim.family)
        if opened is None:
            try:
                opened = Port(aim.family, self.method, loop, self._wheel)
                opened.read_at_once(self._at_once)
            except PingError as error:
                opened = error
            self._ports[aim.family] = opened
        if isinstance(opened, Port):
            opened.launch(aim, timeout, key, deliver)
        else:
            loop.call_soon(guarded, loop, deliver, key, None, str(opened))

    @property
    def strained(self) -> int:
        """Rises whenever something went too fast: a full queue to the network, a reply that found the receive buffer full."""
        return sum(line.full + line.dropped for line in self._lines())

    def _lines(self) -> list[Port | Knocker]:
        lines: list[Port | Knocker] = [port for port in self._ports.values() if isinstance(port, Port)]
        return [*lines, self._knocker] if self._knocker is not None else lines

    def _start(self) -> asyncio.AbstractEventLoop:
        if self._closed:
            raise PingError(CLOSED)
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._wheel = Wheel(self._loop, self._before, self._slept)
        return self._loop

    def _choose_reading(self) -> None:
        at_once = self._waiting > 0 or self._rate <= _BUSY
        if at_once is not self._at_once:
            self._at_once = at_once
            for line in self._lines():
                line.read_at_once(at_once)

    def _before(self) -> None:
        # Always, before time-outs are dealt out: an answer may wait behind a loop that was busy.
        for line in self._lines():
            line.drain()

    def _slept(self, seconds: float) -> None:
        for line in self._lines():
            line.abandon()
        if self.on_sleep is not None and self._loop is not None:
            guarded(self._loop, self.on_sleep, seconds)

    def _due(self, watch: _Watch, _: None) -> None:
        if not watch.live:
            return
        now = self._wheel.now()
        interval = watch.interval
        late = now - watch.next
        if late <= min(_LATE, max(interval / 2, 2 * TICK)):
            self.launch(watch.target, watch.timeout, watch.port, watch, self._echoed)
        watch.next += interval * max(1, math.ceil(late / interval))
        self._wheel.add(watch.next, self._due, watch, None)

    def _echoed(self, watch: _Watch, rtt: float | None, why: str) -> None:
        if watch.live and why is not SLEPT:
            watch.why = why
            watch.on_echo(watch.key, rtt)
