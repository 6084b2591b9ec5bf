"""The socket under a first contact: made directly, by a ProxyCommand or through a jump host; bounded in bytes. Knows nothing of SSH.

paramiko reads a banner line of any length, and packets without end before anybody logged in. So it reads through `Wire`, which has a
budget: what a server sends beyond it is not read, and the connection is over.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
from typing import Protocol

EARLY = 256 << 10
"""Bytes that a server may send before the login is done: a dozen times what key exchange and the longest banner take."""


class Stream(Protocol):
    """What paramiko asks of a socket; its own channels are one too."""

    def recv(self, size: int, /) -> bytes: ...
    def send(self, data: bytes, /) -> int: ...
    def settimeout(self, seconds: float | None, /) -> None: ...
    def close(self) -> None: ...


class Flooded(EOFError):
    """The server sent more than anybody asked for. An EOFError, so that paramiko takes it for the end."""


class Wire:
    """A stream with a budget of bytes to be read. `budget` is set anew by who expects more."""

    def __init__(self, stream: Stream, process: subprocess.Popen[bytes] | None = None) -> None:
        self._stream = stream
        self._process = process
        self._closed = False  # paramiko reads this name
        self.budget = EARLY
        self.received = 0
        """Bytes that came so far."""
        self.flooded = False
        """Whether it ended because the budget was used up."""

    def recv(self, size: int) -> bytes:
        if self.budget <= 0:
            self.flooded = True
            raise Flooded
        data = self._stream.recv(size)
        self.budget -= len(data)
        self.received += len(data)
        return data

    def send(self, data: bytes) -> int:
        return self._stream.send(data)

    def settimeout(self, seconds: float | None) -> None:
        self._stream.settimeout(seconds)

    def close(self) -> None:
        """End it, and the ProxyCommand with all that it started. Idempotent."""
        self._closed = True
        with contextlib.suppress(OSError, EOFError):
            self._stream.close()
        if process := self._process:
            self._process = None
            for number in (signal.SIGTERM, signal.SIGKILL):
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, number)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(1.0)
                    break


def dial(host: str, port: int, timeout: float) -> Wire:
    """A TCP connection, over each of the name's addresses in turn. Raises OSError (socket.gaierror), TimeoutError."""
    return Wire(socket.create_connection((host, port), timeout))


def proxied(command: str) -> Wire:
    """The standard streams of a ProxyCommand (ssh_config(5)): shell text, run by the user's shell. Raises OSError."""
    ours, theirs = socket.socketpair()
    try:
        process = subprocess.Popen(
            [shutil.which(os.environ.get("SHELL", "")) or "/bin/sh", "-c", f"exec {command}"],
            stdin=theirs.fileno(),
            stdout=theirs.fileno(),
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    return Wire(ours, process)
