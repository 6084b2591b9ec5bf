"""One command over paramiko, bounded in time and in bytes; as root through sudo or su where that is wanted. Owns the talk on its channel.

The password for sudo or su goes to their standard input, when they ask, and nowhere else.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import paramiko

from ..errors import ConnectionLost, Evidence, ShellError
from ..model import clean
from ..ssh.connection import FLOOD, Completed
from .wire import Wire

_PIECE = 32768
_WINDOW = 8 << 20
"""Bytes that may be under way when a command is cut off: more than paramiko's window."""
_LOOK = 0.5
"""Seconds between two looks whether the connection still lives."""
GRACE = 10.0
"""Seconds for a channel to open, and for an exit status after the end of output."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What follows from a piece of standard error."""

    rest: bytes = b""
    """What of it belongs to the command."""
    write: bytes = b""
    """What to write to its standard input."""
    end: bool = False
    """Whether to end its standard input then; no more is heard after that."""


Hear = Callable[[bytes], Answer]
"""Is given standard error as it comes."""


def run(
    transport: paramiko.Transport,
    wire: Wire,
    where: str,
    command: str,
    *,
    input: bytes = b"",
    timeout: float = 60.0,
    limit: int = 1 << 20,
    hear: Hear | None = None,
) -> Completed:
    """Run shell text to its end. Raises ConnectionLost, and ShellError (no channel; not done in time).

    With `hear` standard input stays open until its answer says otherwise.
    """
    until = time.monotonic() + timeout
    wire.budget = limit * FLOOD + _WINDOW
    try:
        channel = transport.open_session(timeout=min(GRACE, timeout))
    except (paramiko.SSHException, EOFError, OSError) as error:
        if not transport.is_active():
            raise _lost(where, error) from None
        raise ShellError(f"{where}: no channel for a command: {clean(str(error), 200)}") from None
    try:
        return _Running(channel, transport, where, limit, hear).finish(command, input, until, timeout)
    except (paramiko.SSHException, EOFError, OSError) as error:
        raise _lost(where, error) from None
    finally:
        with suppress(paramiko.SSHException, EOFError, OSError):
            channel.close()


def _lost(where: str, error: Exception) -> ConnectionLost:
    text = clean(str(error) or type(error).__name__, 200)
    return ConnectionLost(f"{where}: connection lost: {text}", evidence=Evidence(stderr=text))


class _News(threading.Event):
    """Set when either output of a channel has something, or its end has come.

    In place of `Channel.fileno`: that makes a pipe, into which paramiko's thread may write just when `close` has closed it. The connection
    is over then, or the byte goes into whatever has the number by now.
    """

    def __init__(self, channel: paramiko.Channel) -> None:
        super().__init__()
        channel.in_buffer.set_event(self)
        channel.in_stderr_buffer.set_event(self)

    def clear(self) -> None:
        """One of the two is empty: that says nothing of the other."""

    def take(self, timeout: float) -> None:
        """Wait for the next, that many seconds at most."""
        self.wait(timeout)
        super().clear()


class _Running:
    """A command while it runs."""

    def __init__(
        self, channel: paramiko.Channel, transport: paramiko.Transport, where: str, limit: int, hear: Hear | None
    ) -> None:
        self._channel, self._transport, self._where, self._limit = channel, transport, where, limit
        self._hear = hear
        self._parts: dict[str, bytearray] = {"out": bytearray(), "err": bytearray()}
        self._count = 0
        self._truncated = False

    def finish(self, command: str, given: bytes, until: float, timeout: float) -> Completed:
        channel = self._channel
        channel.settimeout(GRACE)
        channel.exec_command(command)
        if given:
            channel.sendall(given)
        if self._hear is None:
            channel.shutdown_write()
        news = _News(channel)
        while not (channel.eof_received or channel.closed):
            left = until - time.monotonic()
            if left <= 0:
                raise self._late(command, timeout)
            news.take(min(left, _LOOK))
            self._read()
            if self._flooded:
                break
            if not self._transport.is_active():
                raise EOFError("the node closed it, or does not answer")
        self._read()
        if not self._flooded:  # else it was cut off, and goes on
            channel.status_event.wait(max(0.1, min(GRACE, until - time.monotonic())))
        # -1 while it is not known; 128 + n after signal n is what the server's shell gives, else nothing is told
        status = channel.exit_status if channel.status_event.is_set() else -1
        out, err = bytes(self._parts["out"]), bytes(self._parts["err"])
        return Completed(status, out, err, truncated=self._truncated)

    @property
    def _flooded(self) -> bool:
        return self._count > self._limit * FLOOD

    def _read(self) -> None:
        """Take what is there. Of a flood no more than is needed to know it for one: each byte taken lets the node send another,
        and the wire's budget does not last for ever."""
        channel = self._channel
        while channel.recv_ready() and not self._flooded:
            self._keep("out", channel.recv(_PIECE))
        while channel.recv_stderr_ready() and not self._flooded:
            data = channel.recv_stderr(_PIECE)
            if self._hear:
                answer = self._hear(data)
                data = answer.rest
                if answer.write:
                    channel.sendall(answer.write)
                if answer.end:
                    self._hear = None
                    channel.shutdown_write()
            self._keep("err", data)

    def _keep(self, name: str, data: bytes) -> None:
        self._count += len(data)
        room = self._limit - len(self._parts[name])
        self._parts[name] += data[:room]
        self._truncated = self._truncated or len(data) > room

    def _late(self, command: str, timeout: float) -> ShellError:
        return ShellError(
            f"{self._where}: a command was not done within {timeout:g} s",
            evidence=Evidence(command=clean(command, 200), stderr=clean(bytes(self._parts["err"][-1000:]))),
        )


def await_line(
    channel: paramiko.Channel, command: str, line: bytes, timeout: float, hear: Hear | None
) -> tuple[bool, bytes, int]:
    """Start a command that goes on, and wait until it says `line`: whether it did, its standard error, its exit status (-1: not ended).

    Raises paramiko's errors.
    """
    until = time.monotonic() + timeout
    channel.settimeout(GRACE)
    channel.exec_command(command)
    news = _News(channel)
    out, err = b"", b""
    while True:
        while channel.recv_ready() and time.monotonic() < until:
            out = (out + channel.recv(_PIECE))[-_PIECE:]
        while channel.recv_stderr_ready() and time.monotonic() < until:
            data = channel.recv_stderr(_PIECE)
            if hear:
                answer = hear(data)
                data = answer.rest
                if answer.write:
                    channel.sendall(answer.write)
                if answer.end:
                    hear = None
                    channel.shutdown_write()
            err = (err + data)[-_PIECE:]
        if line in out:
            return True, err, -1
        if channel.eof_received or channel.closed:
            channel.status_event.wait(GRACE)
            return False, err, channel.exit_status if channel.status_event.is_set() else -1
        if time.monotonic() > until:
            return False, err or b"it does not answer", -1
        news.take(min(_LOOK, max(0.0, until - time.monotonic())))
