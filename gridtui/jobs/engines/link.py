"""One node's channel of the `ssh` engine: opened when it is first wanted, shared, and given up when it fails. Owns nothing of the jobs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from ...errors import ConnectError, SshError
from ...model import Node
from ...ssh import Pool
from .. import sandbox
from ..model import Level, Report
from ..runner import Greeting, Runner

REACH = 10.0
"""Seconds for a connection to be there. It goes on being made where others wait for it, too: the next one who asks may find it."""


class Link:
    """A node, and the runner that answers there."""

    def __init__(
        self, node: Node, queue: str, pool: Callable[[], Awaitable[Pool]], news: asyncio.Queue[Report]
    ) -> None:
        self._node, self._queue, self._pool, self._news = node, queue, pool, news
        self._runner: Runner | None = None
        self._opening = asyncio.Lock()
        self._listening: asyncio.Task[None] | None = None
        self.levels: frozenset[Level] = frozenset()
        """Sandboxes that work there, once it greeted."""

    @property
    def greeting(self) -> Greeting | None:
        """What the node said of itself; None while it does not answer."""
        return self._runner.greeting if self._runner and self._runner.is_open else None

    @asynccontextmanager
    async def runner(self) -> AsyncIterator[Runner]:
        """The node's runner, opened where it is not. Raises SshError; one that was raised inside gives the channel up."""
        runner = await self._open()
        try:
            yield runner
        except SshError:
            await self._give_up(runner)
            raise

    async def _open(self) -> Runner:
        async with self._opening:
            if self._runner is not None and self._runner.is_open:
                return self._runner
            if self._runner is not None:
                await self._give_up(self._runner)
            pool = await self._pool()
            try:
                async with asyncio.timeout(REACH):
                    connection = await pool.connect(self._node)
            except TimeoutError:
                raise ConnectError(f"{self._node.name}: not connected") from None
            self._runner = runner = await Runner.open(connection, self._node.name, queue=self._queue)
            self.levels = sandbox.parse(runner.greeting.levels).levels
            self._listening = asyncio.create_task(self._listen(runner))
            return runner

    async def _listen(self, runner: Runner) -> None:
        with contextlib.suppress(SshError):
            async for report in runner.reports():
                self._news.put_nowait(report)

    async def _give_up(self, runner: Runner) -> None:
        if self._runner is runner:
            self._runner = None
            listening, self._listening = self._listening, None
            if listening:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)
        await runner.close()

    async def close(self) -> None:
        """Let go of the channel."""
        async with self._opening:
            if self._runner:
                await self._give_up(self._runner)
