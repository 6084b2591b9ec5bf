"""Logins for staging: one a node, kept while it is used and for a while after. Owns how much goes through at once.

sshd refuses the eleventh session of a connection (MaxSessions), and each rsync costs two processes here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from ...model import Node
from ...settings import Ssh
from ...ssh.masters import Link, Masters

IDLE = 300.0
"""Seconds without use after which a login is ended: a thousand nodes would be a thousand processes of 1.4 MB."""
EACH = 4
"""Sessions at once on one node."""
ALL = 16
"""Sessions at once over all nodes; as many again for what is large and may take hours."""


@dataclass(slots=True)
class _Door:
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(EACH))
    inside: int = 0
    alarm: asyncio.TimerHandle | None = None


class Doors:
    """Use it within one event loop, and `close` it."""

    def __init__(self, settings: Ssh, idle: float = IDLE) -> None:
        self._masters = Masters(settings)
        self._idle = idle
        self._doors: dict[str, _Door] = {}
        self._all, self._large = asyncio.Semaphore(ALL), asyncio.Semaphore(ALL)
        self._leaving: dict[str, asyncio.Task[None]] = {}

    @asynccontextmanager
    async def enter(self, node: Node, large: bool = False) -> AsyncIterator[Link]:
        """A turn at a node, logged in. Raises SshError."""
        door = self._doors.setdefault(node.name, _Door())
        door.inside += 1
        if door.alarm:
            door.alarm.cancel()
            door.alarm = None
        try:
            # the node first: who waits for a busy one must not keep a place that others could use
            async with door.turns:
                if leaving := self._leaving.get(node.name):
                    await asyncio.shield(leaving)
                link = await self._masters.open(node)
                async with self._large if large else self._all:
                    yield link
        finally:
            door.inside -= 1
            if not door.inside:
                door.alarm = asyncio.get_running_loop().call_later(self._idle, self._leave, node)

    def _leave(self, node: Node) -> None:
        del self._doors[node.name]
        task = asyncio.create_task(self._masters.drop(node), name=f"leave {node.name}")
        self._leaving[node.name] = task
        task.add_done_callback(lambda _: self._leaving.pop(node.name, None))

    async def close(self) -> None:
        """End all logins. Idempotent."""
        for door in self._doors.values():
            if door.alarm:
                door.alarm.cancel()
        self._doors.clear()
        await asyncio.gather(*self._leaving.values(), return_exceptions=True)
        await self._masters.close()
