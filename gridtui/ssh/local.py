"""The same connection without a network: this machine, for `ansible_connection: local`. Owns the processes that it starts.

Each command runs as `/bin/sh -c`, in a session of its own, and its whole process group ends with it: nothing stays behind.
Knows neither asyncssh nor sshd.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal as signals
from collections.abc import Callable
from typing import cast

from ..errors import ConnectionLost, Evidence, ShellError, SshError
from ..model import clean
from .collect import Collector
from .connection import STDERR_TAIL, Channel, Completed, Receiver

SHELL = "/bin/sh"

GRACE = 1.0
"""Seconds between SIGTERM and SIGKILL for a command that is closed."""


class LocalConnection:
    """This machine. Always open until it is closed."""

    def __init__(self, node: str, sessions: int) -> None:
        self._node = node
        self._places = asyncio.Semaphore(sessions)
        self._processes: set[LocalChannel] = set()
        self._end: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def is_open(self) -> bool:
        return not self._end.done()

    @property
    def login_seconds(self) -> float:
        return 0.0

    async def run(
        self, command: str, *, input: bytes = b"", timeout: float | None = None, limit: int = 1 << 20
    ) -> Completed:
        collector = Collector(limit)
        try:
            async with asyncio.timeout(timeout):
                channel = await self._open(command, collector)
                collector.stop = channel.close
                channel.write(input)
                channel.write_eof()
                await collector.ended
        except TimeoutError:
            raise ShellError(
                f"{self._node}: the command did not end within {timeout:g} s",
                evidence=Evidence(self._node, clean(command, 500), None, clean(bytes(collector.stderr[-STDERR_TAIL:]))),
            ) from None
        finally:
            collector.stop()
        if not self.is_open:
            raise self._gone()
        status = channel.exit_status
        return Completed(
            -1 if status is None else status,
            bytes(collector.stdout),
            bytes(collector.stderr),
            collector.truncated,
            channel.signal,
        )

    async def open(self, command: str, receiver: Receiver) -> Channel:
        return await self._open(command, receiver)

    async def closed(self) -> SshError | None:
        await asyncio.shield(self._end)
        return None

    async def close(self) -> None:
        if not self._end.done():
            self._end.set_result(None)
        for channel in tuple(self._processes):
            channel.close()
        for channel in tuple(self._processes):
            await channel.gone.wait()

    async def _open(self, command: str, receiver: Receiver) -> LocalChannel:
        if not command:
            raise ShellError(f"{self._node}: no command")
        await self._places.acquire()
        try:
            if not self.is_open:
                raise self._gone()
            loop = asyncio.get_running_loop()
            channel = LocalChannel(receiver, self._ended)
            self._processes.add(channel)
            starting = asyncio.ensure_future(
                loop.subprocess_exec(lambda: channel, SHELL, "-c", command, start_new_session=True)
            )
            try:
                await asyncio.shield(starting)
            except asyncio.CancelledError:
                channel.detach()
                starting.add_done_callback(lambda _: channel.close())
                raise
        except (OSError, ValueError) as error:
            channel.gone.set()
            self._ended(channel)
            raise ShellError(
                f"{self._node}: {SHELL} cannot be started: {clean(str(error), 200)}",
                evidence=Evidence(self._node, clean(command, 500)),
            ) from None
        except SshError:
            self._places.release()
            raise
        if self._end.done():
            channel.close()  # closed while the shell was being started
        return channel

    def _ended(self, channel: LocalChannel) -> None:
        self._processes.discard(channel)
        self._places.release()

    def _gone(self) -> ConnectionLost:
        return ConnectionLost(f"{self._node}: the local transport is closed")


class LocalChannel(asyncio.SubprocessProtocol):
    """One process group. asyncio calls it; the receiver hears."""

    def __init__(self, receiver: Receiver, ended: Callable[[LocalChannel], None]) -> None:
        self._receiver: Receiver | None = receiver
        self._ended = ended
        self._transport: asyncio.SubprocessTransport | None = None
        self._stderr = bytearray()
        self._status: int | None = None
        self._killer: asyncio.TimerHandle | None = None
        self._closing = False
        self._writable = asyncio.Event()
        self._writable.set()
        self.signal = ""
        self.gone = asyncio.Event()

    @property
    def exit_status(self) -> int | None:
        return self._status

    @property
    def stderr(self) -> str:
        return clean(bytes(self._stderr))

    def write(self, data: bytes) -> None:
        if data and (pipe := self._stdin()):
            pipe.write(data)

    async def drain(self) -> None:
        await self._writable.wait()

    def write_eof(self) -> None:
        if pipe := self._stdin():
            pipe.close()  # after what is buffered

    def kill(self, signal: str) -> None:
        if self._transport and not self.gone.is_set():
            self._kill(signals.Signals[f"SIG{signal}"])

    def pause(self) -> None:
        if (pipe := self._stdout()) and pipe.is_reading():
            pipe.pause_reading()

    def resume(self) -> None:
        if (pipe := self._stdout()) and not pipe.is_closing():
            pipe.resume_reading()

    def close(self) -> None:
        if self._closing or self.gone.is_set():
            return
        self._closing = True
        if self._transport:
            self._terminate()  # else it is being started: `connection_made` does it

    def _terminate(self) -> None:
        self.write_eof()
        self._kill(signals.SIGTERM)
        self._killer = asyncio.get_running_loop().call_later(GRACE, self._kill, signals.SIGKILL)
        self.resume()

    def detach(self) -> None:
        """Nobody listens any more."""
        self._receiver = None

    # asyncio's callbacks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.SubprocessTransport, transport)
        if self._closing:
            self._terminate()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == 1:
            if self._receiver:
                self._receiver.received(data)
        elif complained := getattr(self._receiver, "complained", None):
            complained(data)
        else:
            self._stderr += data
            del self._stderr[:-STDERR_TAIL]

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        if fd == 0:
            self._writable.set()  # nobody reads any more

    def process_exited(self) -> None:
        assert self._transport is not None
        code = self._transport.get_returncode()
        assert code is not None
        if code < 0:
            with contextlib.suppress(ValueError):
                self.signal = signals.Signals(-code).name.removeprefix("SIG")
            code = 128 - code
        self._status = code
        if self._closing:
            # its children may hold the pipes open for ever: they go too, and nobody waits for them
            self._kill(signals.SIGKILL)
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._killer:
            self._killer.cancel()
        if self._transport:
            self._transport.close()
        receiver, self._receiver = self._receiver, None
        self.gone.set()
        self._writable.set()
        self._ended(self)
        if receiver:
            receiver.closed(None)

    def _kill(self, number: signals.Signals) -> None:
        """Signal the whole group. The leader may have ended while its children live: the group's number stays theirs."""
        assert self._transport is not None
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._transport.get_pid(), number)

    def _stdin(self) -> asyncio.WriteTransport | None:
        pipe = self._transport.get_pipe_transport(0) if self._transport else None
        return cast(asyncio.WriteTransport, pipe) if pipe and not pipe.is_closing() else None

    def _stdout(self) -> asyncio.ReadTransport | None:
        pipe = self._transport.get_pipe_transport(1) if self._transport else None
        return cast(asyncio.ReadTransport, pipe) if pipe else None
