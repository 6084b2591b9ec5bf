"""The probe's channel on one connection: asks on time, decodes what comes, and notices what does not come.

Owns the pace of one node's samples; what follows from a sample is the watch's.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Protocol

from .. import probes
from ..errors import ProbeError, ShellError, SshError
from ..model import Node, Sample, duration

if TYPE_CHECKING:
    from ..settings import Intervals
    from ..ssh import Channel, Connection

SILENT = 3.0
"""Seconds without an answer to a sample that raise a doubt by themselves: not every node answers echoes."""
SKIPPED = 600.0
"""Seconds for which a part that hung is left out."""


class Watched(Protocol):
    """Who is told of a node's samples."""

    node: Node

    def took(self, sample: Sample, rtt: float) -> None:
        """A sample arrived, `rtt` seconds after it was asked for."""

    def doubt(self) -> None:
        """The node has been silent: find out whether it is still there."""


class ProbeChannel:
    """The probe's channel on one connection: asks on time, decodes what comes, and notices what does not come."""

    def __init__(self, watch: Watched, intervals: Intervals, skip: frozenset[str]) -> None:
        self.suspects: frozenset[str] = frozenset()
        """After `ProbeError`: the parts that were being waited for."""
        self.answered_at = -1.0
        self._watch = watch
        self._skip = skip
        self._intervals = intervals
        self._loop = asyncio.get_running_loop()
        self._nonce = probes.new_nonce()
        self._decoder = probes.Decoder(self._nonce)
        self._reading = probes.Reading(watch.node.name)
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._channel: Channel | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._asked: tuple[probes.Tier, float, float] | None = None
        self._slow_at = self._gpu_at = -1e9
        self._gpus = False
        self._opened_at = self._loop.time()

    async def follow(self, connection: Connection) -> None:
        """Until the channel ends. Raises ShellError (no shell), ProbeError (bad or overdue answer), SshError.

        Returns after `SKIPPED` seconds when parts are left out, so that they are tried again.
        """
        self._channel = await connection.open(probes.COMMAND, self)
        self._channel.write(probes.script(self._nonce, skip=self._skip))
        self._due()
        await self._ended

    def close(self) -> None:
        """End the loop on the node by ending its input."""
        if self._timer:
            self._timer.cancel()
        if self._channel:
            self._channel.close()
            self._channel = None
        if not self._ended.done():
            self._ended.cancel()

    def nudge(self) -> None:
        """Ask now, unless an answer is awaited already."""
        if self._asked is None:
            self._ask(probes.Tier.FAST)

    def forgive(self) -> None:
        """Give an awaited answer its time again, and ask when none is awaited."""
        if self._asked:
            tier, _, wall = self._asked
            self._asked = tier, self._loop.time(), wall
        else:
            self._ask(probes.Tier.FAST)

    # ---- ssh.Receiver ----

    def received(self, data: bytes) -> None:
        """Bytes from the node."""
        try:
            blocks = self._decoder.feed(data)
        except ProbeError as error:
            self._end(error)
            return
        for block in blocks:
            self._answered(block)

    def closed(self, error: SshError | None) -> None:
        """The channel ended."""
        if error is None:
            seen = self.answered_at >= 0
            error = ShellError(
                "the probe's shell ended" if seen else "the login shell ended before it answered",
                hint="" if seen else "the account needs a login shell that runs commands",
            )
        self._end(error)

    # ---- the pace ----

    def _due(self) -> None:
        watch = self._watch
        intervals = self._intervals
        now = self._loop.time()
        interval = watch.node.interval or intervals.fast
        self._timer = self._loop.call_at(now + interval, self._due)
        if self._asked:
            asked_at = self._asked[1]
            if now - asked_at > SILENT:
                watch.doubt()
            if now - asked_at > intervals.overdue:
                self.suspects = hanging(self._decoder) - self._skip
                self._end(ProbeError(f"no answer to a sample for {duration(now - asked_at)}"))
            return
        if self._skip and now - self._opened_at > SKIPPED and not self._ended.done():
            self._ended.set_result(None)
            return
        slow = watch.node.slow_interval or intervals.slow
        if now - self._slow_at >= slow:
            self._slow_at = self._gpu_at = now
            self._ask(probes.Tier.SLOW)
        elif self._gpus and now - self._gpu_at >= intervals.gpu:
            self._gpu_at = now
            self._ask(probes.Tier.GPU)
        else:
            self._ask(probes.Tier.FAST)

    def _ask(self, tier: probes.Tier) -> None:
        if self._channel:
            self._asked = tier, self._loop.time(), time.time()
            self._channel.write(self._decoder.tick(tier))

    def _answered(self, block: probes.Block) -> None:
        now = self._loop.time()
        wall = time.time()
        self.answered_at = now
        asked = self._asked
        self._asked = None
        seconds = now - asked[1] if asked else 0.0
        sample = self._reading.sample(block, wall, asked[2] if asked else wall)
        if block.tier is probes.Tier.SLOW:
            self._gpus = sample.metrics.get("gpu.count", 0) > 0
        self._watch.took(sample, seconds)

    def _end(self, error: SshError | ProbeError) -> None:
        if not self._ended.done():
            self._ended.set_exception(error)


def hanging(decoder: probes.Decoder) -> frozenset[str]:
    """The probe that an overdue answer stopped at, as a set to skip; empty when it is one that cannot be left out."""
    section = decoder.section
    return frozenset(probe.name for probe in probes.PROBES if section in probe.sections)
