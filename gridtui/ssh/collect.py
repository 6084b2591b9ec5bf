"""A command's whole output, bounded. Owns what `Connection.run` keeps and what it throws away; knows no transport."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ..errors import SshError
from .connection import FLOOD


def _nothing() -> None:
    """Until a channel is there, there is nothing to stop."""


class Collector:
    """A receiver that keeps up to `limit` bytes of each stream, drops the rest, and ends a flood with `stop`."""

    def __init__(self, limit: int) -> None:
        self.stdout, self.stderr = bytearray(), bytearray()
        self.truncated = False
        self.stop: Callable[[], None] = _nothing
        self.ended: asyncio.Future[SshError | None] = asyncio.get_running_loop().create_future()
        self._limit = limit
        self._left = FLOOD * max(limit, 1 << 16)

    def received(self, data: bytes) -> None:
        """Standard output."""
        self._keep(self.stdout, data)

    def complained(self, data: bytes) -> None:
        """Standard error."""
        self._keep(self.stderr, data)

    def closed(self, error: SshError | None) -> None:
        """The last call."""
        if not self.ended.done():
            self.ended.set_result(error)

    def _keep(self, kept: bytearray, data: bytes) -> None:
        self._left -= len(data)
        room = self._limit - len(kept)
        if len(data) > room:
            self.truncated = True
            data = data[: max(0, room)]
            if self._left < 0:
                self.stop()
        kept += data
