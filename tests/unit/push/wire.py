"""A wire between a client and a server on loopback that can be cut and mended, and counts. Owns its listener and connections."""

from __future__ import annotations

import asyncio
import contextlib
from types import TracebackType
from typing import Self


class Wire:
    """Forwards TCP to a port. A cut wire takes and gives nothing, and closes nothing: as a pulled plug."""

    def __init__(self, port: int, cut_after: int | None = None) -> None:
        self._target = port
        self.port = 0
        self.there = 0
        """Bytes that reached the server."""
        self.cut_after = cut_after
        """Cut by itself after so many bytes to the server."""
        self.here = 0
        """Bytes that came from the server."""
        self.cut_here_after: int | None = None
        """Cut by itself after so many bytes from the server."""
        self.was_cut = asyncio.Event()
        self._whole = asyncio.Event()
        self._whole.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            writer.close()
        for writer in self._writers:
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def cut(self) -> None:
        """Pull the plug."""
        self._whole.clear()
        self.was_cut.set()

    def mend(self) -> None:
        """What was in flight arrives, as TCP would send it again."""
        self.cut_after = self.cut_here_after = None
        self._whole.set()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._whole.wait()
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        self._writers += [writer, far_writer]
        for source, target, counted in ((reader, far_writer, True), (far_reader, writer, False)):
            task = asyncio.create_task(self._pump(source, target, counted))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, counted: bool) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(1 << 15):
                await self._whole.wait()
                if counted:
                    self.there += len(data)
                    if self.cut_after is not None and self.there >= self.cut_after:
                        self.cut()
                        await self._whole.wait()
                else:
                    self.here += len(data)
                    if self.cut_here_after is not None and self.here >= self.cut_here_after:
                        self.cut()
                        await self._whole.wait()
                target.write(data)
                await target.drain()
        # an end, or a reset: the other side hears of it when the wire is whole again
        await self._whole.wait()
        target.close()
