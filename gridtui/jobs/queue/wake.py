"""A tap on the dispatcher's shoulder: a datagram to a socket in the state folder, so that a job starts when it is submitted and not at
the next look. Owns the socket. It carries nothing and may be lost: the dispatcher looks by itself now and then."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from ...errors import StateError

NAME = "dispatcher.wake"


def wake(folder: Path) -> None:
    """Tap. Never waits, never fails."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as tap, _short(folder) as path:
        tap.setblocking(False)
        tap.sendto(b"\0", path)


class Waker:
    """Feels the taps. Belongs to whoever holds the lease; a context manager."""

    def __init__(self, folder: Path) -> None:
        """Raises StateError."""
        self._path = folder / NAME
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            # Whoever holds the lease is alone: what lies there is a dead one's.
            self._path.unlink(missing_ok=True)
            with _short(folder) as path:
                self._socket.bind(path)
        except OSError as error:
            self._socket.close()
            raise StateError(f"{self._path} cannot be made: {error.strerror}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()
        with contextlib.suppress(OSError):
            self._path.unlink()

    def fileno(self) -> int:
        """For a selector."""
        return self._socket.fileno()

    def drain(self) -> bool:
        """Take all taps; whether there were any."""
        felt = False
        with contextlib.suppress(BlockingIOError):
            while self._socket.recv(16):
                felt = True
        return felt

    async def wait(self, timeout: float | None = None) -> bool:
        """Wait for a tap, and take all that came. False when the time was over first."""
        import asyncio

        if self.drain():
            return True
        loop = asyncio.get_running_loop()
        tapped = asyncio.Event()
        loop.add_reader(self._socket, tapped.set)
        try:
            async with asyncio.timeout(timeout):
                await tapped.wait()
        except TimeoutError:
            pass
        finally:
            loop.remove_reader(self._socket)
        return self.drain()


@contextlib.contextmanager
def _short(folder: Path) -> Iterator[str]:
    # A socket's name has 107 bytes at most (unix(7)); the folder's may be longer.
    handle = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{handle}/{NAME}"
    finally:
        os.close(handle)
