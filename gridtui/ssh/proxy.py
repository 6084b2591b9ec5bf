"""ProxyCommand: a program whose standard input and output are the connection. Owns its process; knows nothing of SSH.

asyncssh can start one itself, but splits the text without a shell and reads the program's errors as if the server had sent them.
Here it runs as ssh_config(5) says (the user's shell, `exec`), and its last words become evidence.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket

from ..model import clean

_TAIL = 2048


class Proxy:
    """One running ProxyCommand. `socket` is our end of it, for `asyncssh.connect(sock=...)`, which then owns it."""

    def __init__(self, process: asyncio.subprocess.Process, end: socket.socket) -> None:
        self.socket = end
        self._process = process
        self._stderr = bytearray()
        self._reader = asyncio.create_task(self._read(), name="proxy-command-stderr")

    @classmethod
    async def start(cls, command: str) -> Proxy:
        """Start shell text. Raises OSError when the shell cannot be started."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        try:
            process = await asyncio.create_subprocess_exec(
                *(shutil.which(os.environ.get("SHELL", "")) or "/bin/sh", "-c", f"exec {command}"),
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        return cls(process, ours)

    def said(self) -> str:
        """The last line of its standard error, neutralised."""
        lines = bytes(self._stderr).split(b"\n")
        return next((text for line in reversed(lines) if (text := clean(line.strip(), 200))), "")

    async def close(self) -> None:
        """End the program and all that it started."""
        self.socket.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        try:
            await asyncio.wait_for(self._process.wait(), 1.0)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            await self._process.wait()
        self._reader.cancel()
        await asyncio.wait([self._reader])

    async def _read(self) -> None:
        assert self._process.stderr is not None
        while data := await self._process.stderr.read(_TAIL):
            self._stderr += data
            del self._stderr[:-_TAIL]
