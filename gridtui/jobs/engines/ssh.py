"""The embedded engine: nothing on the nodes but sshd. Ties the runner, the sandbox and staging together over the shared connections.

One channel a node, opened when it is first wanted and kept open. A node that does not answer gives no report; whoever asks again gets a
new channel. Knows no queue and takes no decision.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import ClassVar

from ...errors import ConnectError, EngineError, GridtuiError, InputError, SshError, StagingError, StateError
from ...model import Node, clean
from ...ssh import Pool
from .. import sandbox
from ..model import Cause, Key, Order, Phase, Report, Spec
from ..staging import Stage
from .link import Link
from .protocol import Ground, Nodes

PIECE = 256 << 10
"""Bytes of a log that are asked for at once."""
SLACK = 4096
"""Bytes that a log may be over its job's limit: the keeper's line about what is left out."""


class SshEngine:
    """Runs attempts on nodes of the inventory. Use it within one event loop, and end it with `close`."""

    name: ClassVar[str] = "ssh"
    places: ClassVar[bool] = True

    def __init__(self, nodes: Nodes, queue: str = "") -> None:
        self._nodes, self._queue = nodes, queue
        self._links: dict[str, Link] = {}
        self._news: asyncio.Queue[Report] = asyncio.Queue()
        self._stack = AsyncExitStack()
        self._opening = asyncio.Lock()
        self._pool: Pool | None = None
        self._stage: Stage | None = None

    async def inputs(self, spec: Spec) -> Mapping[str, int]:
        try:
            return (await (await self._staging()).manifest(spec.inputs)).digests
        except GridtuiError:
            return {}  # it is told where it is started

    async def start(self, orders: Sequence[Order]) -> Sequence[Report]:
        return [report for report in await asyncio.gather(*(self._start(order) for order in orders)) if report]

    async def _start(self, order: Order) -> Report | None:
        node = self._node(order.node)
        try:
            text = ""
            if order.spec.inputs:
                # a login of its own: what goes wrong with it says nothing of the channel
                text = (await (await self._staging()).bring(node, order.spec.inputs)).text
            async with self._link(node).runner() as runner:
                report = await runner.start(order, sandbox.shell(order, order.level), text)
        except SshError:
            return None
        except InputError as error:
            # It is missing here: no other node would help.
            return Report(order.key, Phase.ENDED, node.name, cause=Cause.EXIT, why=clean(str(error)))
        except StagingError as error:
            return Report(order.key, Phase.ENDED, node.name, cause=Cause.REFUSED, why=clean(str(error)))
        return report

    async def poll(self, node: str, keys: Sequence[Key]) -> Sequence[Report]:
        with contextlib.suppress(SshError):
            async with self._link(self._node(node)).runner() as runner:
                found = await runner.poll()
                known = {report.key for report in found}
                missing = [key for key in keys if key not in known]
                return [*found, *(await runner.poll(missing) if missing else ())]
        return []

    def ground(self, node: str) -> Ground | None:
        link = self._links.get(node)
        if link is None or link.greeting is None:
            return None
        greeting = link.greeting
        return Ground(
            link.levels,
            greeting.free,
            greeting.closed,
            greeting.idle_closed,
            self._stage.holds(node) if self._stage else frozenset(),
            greeting.fleeting,
        )

    async def changes(self) -> AsyncIterator[Report]:
        while True:
            report = await self._news.get()
            if report.cause is Cause.REFUSED and self._stage:
                self._stage.doubt(report.node)  # an input may have been missing there, or damaged
            yield report

    async def end(self, node: str, keys: Sequence[Key], *, grace: float) -> None:
        with contextlib.suppress(SshError):
            async with self._link(self._node(node)).runner() as runner:
                await runner.end(keys, grace)

    async def freeze(self, node: str, keys: Sequence[Key], frozen: bool) -> None:
        with contextlib.suppress(SshError):
            async with self._link(self._node(node)).runner() as runner:
                await runner.freeze(keys, frozen)

    async def read(self, node: str, key: Key, offset: int, limit: int) -> bytes:
        async with self._link(self._node(node)).runner() as runner:
            return await runner.read(key, offset, limit)

    async def fetch(
        self, node: str, key: Key, patterns: Sequence[str], into: Path, log: Path, limit: int
    ) -> Sequence[str]:
        part = log.with_name(f"{log.name}.part")
        offset, most = 0, limit + SLACK
        try:
            with part.open("wb") as stream:
                while offset < most and (data := await self.read(node, key, offset, PIECE)):
                    stream.write(data[: most - offset])
                    offset += len(data)
            part.replace(log)
        except OSError as error:
            raise StateError(f"{log} cannot be written: {error.strerror}") from error
        if not patterns:
            return ()
        where = self._node(node)
        async with self._link(where).runner() as runner:
            folder = f"{runner.folder(key)}/work"
        fetched = await (await self._staging()).fetch(where, folder, patterns, into)
        if not fetched.ok:
            raise EngineError("; ".join(fetched.troubles[:3]))
        return fetched.names

    async def forget(self, node: str, keys: Sequence[Key]) -> None:
        with contextlib.suppress(SshError):
            async with self._link(self._node(node)).runner() as runner:
                await runner.forget(keys)

    async def close(self) -> None:
        links, self._links = list(self._links.values()), {}
        await asyncio.gather(*(link.close() for link in links))
        if self._stage:
            await self._stage.close()
            self._stage = None
        await self._stack.aclose()
        self._pool = None

    def _node(self, name: str) -> Node:
        """Raises ConnectError for one that the inventory does not name any more."""
        if name not in self._nodes.nodes:
            raise ConnectError(f"{name or 'a node without a name'} is not in the inventory any more")
        return self._nodes.nodes[name]

    def _link(self, node: Node) -> Link:
        if node.name not in self._links:
            self._links[node.name] = Link(node, self._queue, self._pooled, self._news)
        return self._links[node.name]

    async def _pooled(self) -> Pool:
        async with self._opening:
            if self._pool is None:
                self._pool = await self._stack.enter_async_context(self._nodes.holding())
            return self._pool

    async def _staging(self) -> Stage:
        if self._stage is None:
            self._stage = Stage(self._nodes.settings.ssh)
        return self._stage
