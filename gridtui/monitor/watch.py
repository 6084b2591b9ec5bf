"""One node, watched: its connection, its probe channel, its echoes, and what follows from them.

Owns the state machine of a node. The layers are told apart here: an echo that is lost raises a doubt, and a doubt is
settled by asking the open channel first and by walking up the layers (ICMP, TCP, banner) second, so that a lossy link
is no alarm and a dead node is named within a few seconds.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Protocol

from .. import health, ping, probes
from ..errors import ProbeError, ShellError, SshError
from ..events import Event, Learned, Noted, Rebooted
from ..model import Facts, Layer, Node, PingMethod, Reach, RoundTrips, Sample, Status, Verdict
from .channel import ProbeChannel
from .history import LENGTH, History
from .measured import Measured, failed_layer, trip_metrics

if TYPE_CHECKING:
    from ..settings import Intervals
    from ..ssh import Connection, Endpoint, Pool

RECENT = 60
"""Echoes that loss and round trips are figured over: the last minute at the default interval."""
NUDGE = 0.5
"""Seconds an open channel gets to answer when an echo was lost, before sshd is asked for its greeting."""
DOUBT = 1.25
"""Seconds for a TCP handshake when a node is in doubt: a lost SYN is sent again after one (RFC 6298). With the second between
two echoes and the echo's own, a node that lost its power is named after 3.25 s at most."""
GREETING = 1.5
"""Seconds for sshd's greeting, where TCP answers."""
GRACE = 3.0
"""Seconds after a lost connection in which failed attempts are not yet called down: sshd restarts in less."""
UNPROVEN = 3
"""Lost echoes that raise a doubt although none was ever answered: the node may have died in its first second. More of them are a filter."""
PROBE_PAUSE = 30.0
"""Seconds before a channel is opened again that failed: the shell, not the network, is at fault then."""
FACTS_TIMEOUT = 20.0


class Host(Protocol):
    """What a watch asks of the monitor that owns it."""

    pool: Pool
    pinger: ping.Pinger | None
    intervals: Intervals

    def emit(self, event: Event) -> None: ...
    def changed(self, watch: Watch) -> None:
        """The picture of the node is another one; its verdict may be, too."""


class Watch:
    """One watched node. Made by `Monitor`; `run` is its only task, all else is called back from the loop."""

    def __init__(self, node: Node, rules: health.Rules, host: Host) -> None:
        self.node = node
        self.rules = rules
        self.method = PingMethod.LOCAL if node.local else PingMethod.ICMP
        self.ring = ping.Ring(LENGTH)
        """Echoes for plots; figures are taken over `_recent`."""
        self.history = History()
        self.facts: Facts | None = None
        self.sample: Sample | None = None
        now = time.time()
        self.reach = Reach(time=now, pending=True, method=self.method)
        self.memory = health.judge(
            health.Memory.blank(node.name, now), health.Observation(reach=self.reach, time=now), rules
        )
        self.shown: Verdict = self.memory.verdict
        """The verdict as last told, after parents were blamed; `Monitor` keeps it."""
        self._recent = ping.Ring(RECENT)
        self._host = host
        self._loop = asyncio.get_running_loop()
        self._endpoint: Endpoint | None = None
        self._address = ""
        self._connection: Connection | None = None
        self._channel: ProbeChannel | None = None
        self._skip: frozenset[str] = frozenset()
        self._failures = 0
        self._lost_at: float | None = None
        self._echoes_lost = 0
        self._echo_seen = False
        self._doubting: asyncio.Task[None] | None = None
        self._retry = asyncio.Event()

    # ---- what is known ----

    def status(self) -> Status:
        """The picture of now."""
        return Status(self.node, self.reach, self.trips(), self.shown, self.sample, self.facts)

    def trips(self) -> RoundTrips:
        """Figures over the recent echoes."""
        return self._recent.trips(self.method)

    @property
    def connection(self) -> Connection | None:
        """The open connection, if there is one."""
        return self._connection

    # ---- the one task ----

    async def run(self) -> None:
        """Connect, follow, and do so again, until cancelled. A failure is a value of this node, never an exception."""
        try:
            await self._locate()
            while True:
                try:
                    self._connection = await self._host.pool.connect(self.node)
                except SshError as error:
                    await self._unreached(error)
                    if self._endpoint and not self._endpoint.jump and self._address != self._endpoint.host:
                        await self._locate()  # a name may lead elsewhere by now
                    continue
                try:
                    await self._follow(self._connection)
                finally:
                    self._connection = None
        finally:
            if self._doubting:
                self._doubting.cancel()
            if self._channel:
                self._channel.close()

    def retry(self) -> None:
        """A person asks: forget a refused login and try now."""
        self._host.pool.forget(self.node)
        self._host.pool.wake(self.node)
        self._retry.set()

    def slept(self) -> None:
        """The controller was asleep: what is open may be dead; ask rather than believe it."""
        self._echoes_lost = 0
        if self._channel:
            self._channel.forgive()

    async def _locate(self) -> None:
        """Find where the node is, and start its echoes unless it is this machine or hidden behind another."""
        if self.node.local:
            return
        while True:
            try:
                self._endpoint = self._host.pool.endpoint(self.node)
                if self._endpoint.jump:
                    self.method = PingMethod.SSH
                    return
                self._address, _ = await ping.address(self._endpoint.host)
                break
            except SshError as error:
                self._down(Layer(error.layer), str(error))
                await self._wait(PROBE_PAUSE)
        pinger = self._host.pinger
        if pinger is not None:
            self.method = pinger.method
            intervals = self._host.intervals
            every = self.node.ping_interval or intervals.ping
            pinger.watch(
                self.node.name, self._address, every, intervals.ping_timeout, self._echoed, self._endpoint.port
            )

    async def _unreached(self, error: SshError) -> None:
        self._failures += 1
        now = self._loop.time()
        if self._lost_at is None:
            self._lost_at = now
        settled = self._failures >= 2 or now - self._lost_at >= GRACE or not self.reach.up
        if settled or not error.retry:
            self._down(failed_layer(error, self.method, self._echoes_lost >= 2), str(error))
        if not error.retry:
            await self._wait(None)

    async def _follow(self, connection: Connection) -> None:
        """Read samples over one connection until it ends."""
        facts = asyncio.create_task(self._learn(connection))
        self._skip = frozenset()
        try:
            while connection.is_open:
                channel = self._channel = ProbeChannel(self, self._host.intervals, self._skip)
                try:
                    await channel.follow(connection)
                    self._skip = frozenset()
                except ShellError as error:
                    self._down(Layer.SHELL, str(error))
                    await self._wait(PROBE_PAUSE, connection)
                except SshError:
                    break
                except ProbeError as error:
                    self._skip |= channel.suspects
                    text = str(error)
                    if channel.suspects:
                        text += f"; going on without {', '.join(sorted(channel.suspects))}"
                    self._host.emit(Noted(time.time(), self.node.name, text, alarm=True))
                    if not channel.suspects:
                        self._down(Layer.SHELL, text)
                        await self._wait(PROBE_PAUSE, connection)
                finally:
                    channel.close()
                    self._channel = None
            self._lost_at = self._loop.time()
            self._failures = 0
        finally:
            facts.cancel()

    async def _learn(self, connection: Connection) -> None:
        """Facts, once a connection."""
        try:
            done = await connection.run(probes.facts_command(), timeout=FACTS_TIMEOUT)
            facts = probes.parse_facts(self.node.name, done.stdout, time.time())
            if not facts.kernel and not facts.memory:
                raise no_facts(done.exit_status)
        except SshError as error:
            self._host.emit(Noted(time.time(), self.node.name, f"no facts: {error}"))
            return
        self.facts = facts
        self._host.emit(Learned(self.node.name, self.facts))
        self._host.changed(self)

    async def _wait(self, seconds: float | None, connection: Connection | None = None) -> None:
        """Wait for a person's retry, for `seconds`, or for the end of `connection`."""
        self._retry.clear()
        waits: list[asyncio.Future[object]] = [asyncio.ensure_future(self._retry.wait())]
        if connection is not None:
            waits.append(asyncio.ensure_future(connection.closed()))
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    # ---- called back ----

    def _echoed(self, _: str, rtt: float | None) -> None:
        self._add(rtt)
        if rtt is not None:
            self._echo_seen = True
            self._echoes_lost = 0
            if not self.reach.up and self._connection is None and self.reach.failed in (Layer.ICMP, Layer.TCP):
                self._host.pool.wake(self.node)
            return
        self._echoes_lost += 1
        if self._echo_seen or self._echoes_lost <= UNPROVEN:
            self.doubt()

    def _add(self, rtt: float | None) -> None:
        self.ring.add(rtt)
        self._recent.add(rtt)

    def doubt(self) -> None:
        """Find out now whether the node is still there."""
        if self.reach.up and self._doubting is None:
            self._doubting = asyncio.create_task(self._doubt())
            self._doubting.add_done_callback(self._doubted)

    def _doubted(self, task: asyncio.Task[None]) -> None:
        self._doubting = None
        if not task.cancelled() and (error := task.exception()):
            raise error

    async def _doubt(self) -> None:
        """Is the node gone? An answer on the open channel says no, without a new connection to sshd."""
        endpoint = self._endpoint
        began = self._loop.time()
        knocking: asyncio.Task[tuple[Layer | None, str]] | None = None
        if endpoint is not None and self._address:
            # A far node gets the second way of its answers, too.
            patience = DOUBT + min(1.0, self.trips().max or 0.0)
            knocking = asyncio.create_task(ping.knock(self._address, endpoint.port, patience, self._echoing))
        try:
            if channel := self._channel:
                channel.nudge()
                await asyncio.sleep(NUDGE)
            if self._answered(began) or knocking is None or endpoint is None or not self.reach.up:
                return
            layer, why = await knocking
            if layer is None and not self._answered(began):
                layer, why = await ping.diagnose(self._address, endpoint.port, GREETING, icmp=self._echoing())
            if layer is not None and not self._answered(began):
                self._down(layer, why)
        finally:
            if knocking is not None:
                knocking.cancel()

    def _echoing(self) -> bool:
        """Whether echoes are answered. Where none can be sent, ICMP is not what failed."""
        return self._echoes_lost < 1 or self.method not in (PingMethod.ICMP, PingMethod.RAW)

    def _answered(self, since: float) -> bool:
        """Whether anything came over the open channel since then."""
        return self._channel is not None and self._channel.answered_at >= since

    def took(self, sample: Sample, rtt: float) -> None:
        """A sample arrived on the probe channel, `rtt` seconds after it was asked for."""
        previous = self.sample
        if previous and previous.boot_id and sample.boot_id and previous.boot_id != sample.boot_id:
            self._host.emit(Rebooted(sample.time, self.node.name))
        if self.method is PingMethod.SSH:
            self._add(rtt)
        self.sample = sample
        self.history.add(sample.metrics)
        self._failures = 0
        self._lost_at = None
        if not self.reach.up:
            # What was lost while the node was down is told already: the link is judged by what comes from now on.
            self._recent = ping.Ring(RECENT)
            self.reach = Reach(sample.time, method=self.method)
        metrics = Measured(trip_metrics(self.trips()), sample.metrics)
        self._judge(health.Observation(reach=self.reach, metrics=metrics, parts=sample.parts, time=sample.time))

    def _down(self, layer: Layer, error: str) -> None:
        now = time.time()
        if self.reach.failed is not layer or self.reach.error != error:
            self.reach = Reach(now, layer, error, self.method)
        self.history.gap()
        self._judge(health.Observation(reach=self.reach, time=now))

    def _judge(self, observation: health.Observation) -> None:
        self.memory = health.judge(self.memory, observation, self.rules)
        self._host.changed(self)


def no_facts(status: int | None) -> ShellError:
    """What came back is not what was asked for: the account's shell runs something else, or nothing."""
    ended = "" if status in (0, None) else f" (exit status {status})"
    return ShellError(
        f"logged in, but the question for facts was not answered{ended}",
        hint="the account needs a login shell that runs commands",
    )
