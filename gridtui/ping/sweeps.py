"""A sweep: a few echoes to each of many hosts, paced, with figures for each. Owns the pace; echoes are the pinger's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..errors import ResolveError
from ..model import PingMethod, RoundTrips
from .icmp import SLEPT
from .layers import address
from .pinger import CLOSED, Pinger
from .ring import Ring
from .wire import Target, target

PACE: Final = 5000.0
"""Echoes a second over ICMP, about 3.5 Mbit/s."""

TCP_PACE: Final = 1000.0
"""Handshakes a second where ICMP is not permitted."""

_SLOWEST: Final = 250.0
_BURST: Final = 32
_BEAT: Final = 0.004
"""Seconds between bursts."""


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep found of one host."""

    key: str
    host: str
    """The IP address, or the name that has none."""
    trips: RoundTrips
    values: tuple[float, ...]
    """Round trips in seconds, in the order they ended, NaN where lost."""
    why: str = ""
    """Why the newest loss; empty when all were answered."""


async def sweep(
    targets: Mapping[str, str],
    *,
    count: int = 1,
    interval: float = 1.0,
    timeout: float = 1.0,
    pace: float | None = None,
    ports: Mapping[str, int] | None = None,
    pinger: Pinger | None = None,
    on_echo: Callable[[str, float | None], None] | None = None,
) -> dict[str, Swept]:
    """Send `count` echoes to each of `targets` (key to IP address or name), `interval` seconds apart, in their order.

    At most `pace` echoes leave a second, fewer when a buffer overflows. `ports` (default 22) serve TCP alone. A host that
    does not answer, or whose name has no address, is a value of the result, which has every key. `on_echo(key, rtt)`
    is called as echoes end. Without a `pinger` one is opened, and closed at the end.
    """
    if pinger is None:
        with Pinger.open() as own:
            return await sweep(
                targets,
                count=count,
                interval=interval,
                timeout=timeout,
                pace=pace,
                ports=ports,
                pinger=own,
                on_echo=on_echo,
            )
    work = _Sweep(pinger, count, timeout, ports or {}, on_echo)
    await work.resolve(targets)
    limit = pace or (TCP_PACE if pinger.method is PingMethod.TCP else PACE)
    with pinger.hurry(work.end):
        await work.send(interval, limit)
        await work.finished
    return {key: work.result(key, host) for key, host in targets.items()}


class _Sweep:
    def __init__(
        self,
        pinger: Pinger,
        count: int,
        timeout: float,
        ports: Mapping[str, int],
        on_echo: Callable[[str, float | None], None] | None,
    ) -> None:
        self._pinger = pinger
        self._count = count
        self._timeout = timeout
        self._ports = ports
        self._on_echo = on_echo
        self._aims: dict[str, Target] = {}
        self._rings: dict[str, Ring] = {}
        self._why: dict[str, str] = {}
        self._open = 0
        """Echoes that have not ended."""
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def resolve(self, targets: Mapping[str, str]) -> None:
        names: dict[str, str] = {}
        for key, host in targets.items():
            self._rings[key] = Ring(self._count)
            try:
                self._aims[key] = target(host)
            except ValueError:
                names[key] = host
        if names:
            # Names wait for each other in the resolver's threads, but a dead one only for its own time-out.
            await asyncio.gather(*(self._resolve(key, name) for key, name in names.items()))
            self._aims = {key: self._aims[key] for key in targets if key in self._aims}
        self._open = self._count * len(self._aims)
        if not self._open:
            self.end()

    async def _resolve(self, key: str, name: str) -> None:
        try:
            self._aims[key] = target((await address(name))[0])
        except (ResolveError, ValueError) as error:
            self._why[key] = str(error)
            for _ in range(self._count):
                self._rings[key].add(None)
                if self._on_echo is not None:
                    self._on_echo(key, None)

    async def send(self, interval: float, pace: float) -> None:
        loop = asyncio.get_running_loop()
        start = loop.time()
        strained = self._pinger.strained
        for turn in range(self._count):
            await asyncio.sleep(start + turn * interval - loop.time())
            credit, before = 1.0, loop.time()
            for key, aim in self._aims.items():
                while credit < 1.0:
                    await asyncio.sleep(_BEAT)
                    now = loop.time()
                    # After a stall the lost time is not made good: what the receive buffer can take is bounded.
                    credit = min(_BURST, credit + (now - before) * pace)
                    before = now
                    if self._pinger.strained > strained:
                        strained = self._pinger.strained
                        pace = max(_SLOWEST, pace / 2)
                if self.finished.done():
                    return
                credit -= 1.0
                self._launch(key, aim)

    def _launch(self, key: str, aim: Target) -> None:
        self._pinger.launch(aim, self._timeout, self._ports.get(key, 22), key, self._ended)

    def _ended(self, key: Any, rtt: float | None, why: str) -> None:
        if self.finished.done():
            return
        if why is SLEPT:
            self._launch(key, self._aims[key])
            return
        self._rings[key].add(rtt)
        if rtt is None:
            self._why[key] = why
        self._open -= 1
        if not self._open:
            self.end()
        if self._on_echo is not None:
            self._on_echo(key, rtt)

    def end(self) -> None:
        """All ended, or the pinger was closed."""
        if not self.finished.done():
            self.finished.set_result(None)

    def result(self, key: str, host: str) -> Swept:
        ring = self._rings[key]
        aim = self._aims.get(key)
        unsent = "" if len(ring) else CLOSED
        return Swept(
            key,
            str(aim.sockaddr[0]) if aim else host,
            ring.trips(self._pinger.method),
            tuple(ring.values()),
            self._why.get(key, unsent),
        )
