"""One node, looked at once: echoes beside a login, one or two samples, and away. What `check` and `facts` stand on.

Owns the order of things within one look; keeps nothing. Never raises for a node: what failed is in the value.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .. import ping, probes
from ..errors import ProbeError, ShellError, SshError
from ..model import Facts, Layer, Node, PingMethod, Reach, RoundTrips, Sample
from .channel import hanging
from .measured import failed_layer
from .watch import no_facts

if TYPE_CHECKING:
    from ..ssh import Channel, Connection, Pool

Question = Callable[["Node", "Connection"], Awaitable[Any]]
"""Something more that is asked over the connection of a look."""

ECHOES = 3
SPACING = 0.03
"""Seconds between the echoes of one look: all are out while the login runs."""
RATE_PAUSE = 0.2
"""Seconds between the two readings that rates are taken from, where no run before left its counters."""
OVERDUE = 10.0
"""Seconds for one answer of the probe."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What one look at a node showed."""

    node: Node
    reach: Reach
    trips: RoundTrips
    sample: Sample | None = None
    facts: Facts | None = None
    counters: Mapping[str, Any] | None = None
    """For the next run's rates: JSON-able, see `probes.Reading.counters`."""
    also: Any = None
    """What the further question gave."""
    seconds: float = 0.0


async def examine(
    node: Node,
    pool: Pool,
    pinger: ping.Pinger | None,
    *,
    counters: Mapping[str, Any] | None = None,
    sample: bool = True,
    facts: bool = False,
    timeout: float = 1.0,
    also: Question | None = None,
) -> Examined:
    """Look at `node` once. `counters` are those of the run before, or None; `timeout` is that of an echo, in seconds.

    `also` is a further question over the same connection, after all others; it has a time limit of its own and never raises.
    """
    began = time.monotonic()
    now = time.time()
    ring = ping.Ring(ECHOES)
    if node.local:
        method, echoes = PingMethod.LOCAL, None
    else:
        try:
            endpoint = pool.endpoint(node)
            # Behind a jump host there is nothing to ping from here: the login tells whether it is there.
            target = None if endpoint.jump else (await ping.address(endpoint.host))[0]
        except SshError as error:
            failed = Reach(now, Layer(error.layer), str(error))
            return Examined(node, failed, ring.trips(PingMethod.ICMP), seconds=time.monotonic() - began)
        method = PingMethod.SSH if target is None or pinger is None else pinger.method
        echoes = (
            asyncio.create_task(_echo(pinger, target, endpoint.port, timeout, ring))
            if pinger is not None and target is not None
            else None
        )
    try:
        look, problem = await _look(node, pool, counters, sample, facts, also)
        if echoes:
            await echoes
    finally:
        if echoes:
            echoes.cancel()
    trips = ring.trips(method)
    reach = replace(look.reach, method=method)
    if problem is not None:
        reach = replace(reach, failed=failed_layer(problem, method, trips.sent > 0 and trips.received == 0))
    return replace(look, reach=reach, trips=trips, seconds=time.monotonic() - began)


async def _echo(pinger: ping.Pinger, host: str, port: int, timeout: float, ring: ping.Ring) -> None:
    async def one(after: float) -> None:
        await asyncio.sleep(after)
        ring.add(await pinger.echo(host, timeout, port))

    await asyncio.gather(*(one(index * SPACING) for index in range(ECHOES)))


async def _look(
    node: Node,
    pool: Pool,
    counters: Mapping[str, Any] | None,
    sample: bool,
    facts: bool,
    also: Question | None,
) -> tuple[Examined, SshError | None]:
    """What was seen without echoes, and what failed below the probe."""
    blank = Examined(node, Reach(time.time(), pending=True), RoundTrips(PingMethod.ICMP))
    try:
        connection = await pool.connect(node)
        try:
            learned = await _facts(node, connection) if facts else None
            taken, after = await _sample(node, connection, counters) if sample else (None, None)
            told = await also(node, connection) if also else None
        finally:
            await connection.close()
    except SshError as error:
        return replace(blank, reach=Reach(time.time(), Layer(error.layer), str(error))), error
    except ProbeError as error:
        return replace(blank, reach=Reach(time.time(), Layer.SHELL, str(error))), None
    return replace(blank, reach=Reach(time.time()), sample=taken, facts=learned, counters=after, also=told), None


async def _facts(node: Node, connection: Connection) -> Facts:
    done = await connection.run(probes.facts_command(), timeout=OVERDUE * 2)
    facts = probes.parse_facts(node.name, done.stdout, time.time())
    if not facts.kernel and not facts.memory:
        raise no_facts(done.exit_status)
    return facts


async def _sample(
    node: Node, connection: Connection, counters: Mapping[str, Any] | None
) -> tuple[Sample, Mapping[str, Any]]:
    """All probes once, and the fast ones again after `RATE_PAUSE` where the run before left no counters of this boot.

    A part that hangs (a file system, a broken driver) is left out in a second try, so that one of them does not make
    the whole node unknown.
    """
    skip: frozenset[str] = frozenset()
    while True:
        asker = _Asker(node, counters, skip)
        channel = await connection.open(probes.COMMAND, asker)
        try:
            asker.channel = channel
            channel.write(probes.script(asker.nonce, skip=skip))
            taken = await asker.ask(probes.Tier.SLOW)
            if "cpu" not in taken.metrics:
                await asyncio.sleep(RATE_PAUSE)
                taken = await asker.ask(probes.Tier.FAST)
            return taken, asker.reading.counters()
        except TimeoutError:
            suspects = hanging(asker.decoder) - skip
            if not suspects:
                raise ProbeError(f"no answer to a sample within {OVERDUE:g} s") from None
            skip |= suspects
        finally:
            channel.close()


class _Asker:
    """`ssh.Receiver` that turns the answers of one probe channel into something to wait for."""

    def __init__(self, node: Node, counters: Mapping[str, Any] | None, skip: frozenset[str]) -> None:
        self.nonce = probes.new_nonce()
        self.decoder = probes.Decoder(self.nonce)
        self.reading = probes.Reading(node.name, counters=counters)
        self.channel: Channel | None = None
        self._asked = 0.0
        self._ended: Exception | None = None
        self._answer: asyncio.Future[Sample] = asyncio.get_running_loop().create_future()

    async def ask(self, tier: probes.Tier) -> Sample:
        """One sample. Raises TimeoutError, ProbeError, SshError."""
        assert self.channel is not None
        if self._ended:
            raise self._ended  # it came before the question
        self._answer = asyncio.get_running_loop().create_future()
        self._asked = time.time()
        self.channel.write(self.decoder.tick(tier))
        async with asyncio.timeout(OVERDUE):
            return await self._answer

    def received(self, data: bytes) -> None:
        try:
            for block in self.decoder.feed(data):
                sample = self.reading.sample(block, time.time(), self._asked)
                if not self._answer.done():
                    self._answer.set_result(sample)
        except ProbeError as error:
            self._fail(error)

    def closed(self, error: SshError | None) -> None:
        self._fail(
            error
            or ShellError(
                "the login shell ended before it answered", hint="the account needs a login shell that runs commands"
            )
        )

    def _fail(self, error: Exception) -> None:
        self._ended = self._ended or error
        if not self._answer.done():
            self._answer.set_exception(error)
            self._answer.exception()  # nobody may be waiting: then it is no news
