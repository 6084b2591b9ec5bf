"""Programs that must not outlive us. Owns how such a child starts and how it and all under it end; knows no ssh.

Each is the leader of a process group of its own, so that Ctrl-C at the terminal reaches us alone and we decide.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
from collections.abc import Mapping, Sequence

GRACE = 5.0
"""Seconds between asking a group to end and killing it."""

_PR_SET_PDEATHSIG = 1  # prctl(2)
_libc = ctypes.CDLL(None, use_errno=True)


def _with_parent() -> None:
    """In the child, before it runs the program: end when the parent does, however that ends (SIGKILL)."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


class _Protocol(asyncio.subprocess.SubprocessStreamProtocol):
    def __init__(self, limit: int, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(limit=limit, loop=loop)
        self.exited: asyncio.Future[None] = loop.create_future()

    def process_exited(self) -> None:
        super().process_exited()
        if not self.exited.done():
            self.exited.set_result(None)


class Child(asyncio.subprocess.Process):
    """A running program."""

    def __init__(
        self, transport: asyncio.SubprocessTransport, protocol: _Protocol, loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__(transport, protocol, loop)
        self._exited = protocol.exited

    async def wait(self) -> int:
        """Its exit status, at once when it has ended: asyncio's own waits for all who hold its pipes, too."""
        await asyncio.shield(self._exited)
        code = self.returncode
        assert code is not None
        return code


async def start(words: Sequence[str], env: Mapping[str, str] | None = None, limit: int = 1 << 16) -> Child:
    """Start a program with both outputs piped and nothing to read. Raises OSError where it cannot be run."""
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.subprocess_exec(
        lambda: _Protocol(limit, loop),
        *(os.fsencode(word) for word in words),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=env,
        start_new_session=True,
        preexec_fn=_with_parent,
    )
    return Child(transport, protocol, loop)


def ask(process: Child, number: signal.Signals = signal.SIGTERM) -> None:
    """Send a signal to the whole group, its leader gone or not: to be called while that is news, or the number may be another's."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def later(process: Child, seconds: float, number: signal.Signals = signal.SIGKILL) -> None:
    """Send a signal to the whole group in a while, if it still runs then."""
    asyncio.get_running_loop().call_later(seconds, lambda: ask(process, number) if process.returncode is None else None)


async def end(process: Child, grace: float = GRACE) -> None:
    """Ask the group to end, kill what is left of it, and wait for its leader."""
    ask(process)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(grace):
            await process.wait()
    ask(process, signal.SIGKILL)
    await process.wait()
