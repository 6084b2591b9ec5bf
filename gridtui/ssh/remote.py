"""A connection over asyncssh. Owns its channels: how many at once, how much output is kept, how each ends.

Callback sessions of bytes, without readline: at 200 streams a quarter less CPU. Knows nothing of logins and of sharing.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal as signals
from collections import deque
from typing import Any

import asyncssh

from ..errors import ConnectionLost, Evidence, ShellError, SshError
from ..model import clean
from . import failures
from .collect import Collector
from .connection import STDERR_TAIL, Channel, Completed, Receiver
from .login import LoggedIn

_FULL = (
    asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED,
    asyncssh.OPEN_CONNECT_FAILED,
    asyncssh.OPEN_RESOURCE_SHORTAGE,
)
"""How servers say that a connection has all the sessions it may have (RFC 4254, 5.1; OpenSSH says CONNECT_FAILED)."""

LINGER = (0.05, 0.2, 0.5, 1.0)
"""Pauses before a refused channel is tried again though none of ours is open: sshd counts a session until its process has ended."""


RETRY = 1.0
"""Seconds after which a waiting command asks the server once more, though it refused a channel before."""

STUCK = 5.0
"""Seconds after which nobody waits any longer for sessions that only commands hold which were given up."""


class RemoteConnection:
    """An authenticated connection to one node."""

    def __init__(self, made: LoggedIn, where: str, node: str, sessions: int) -> None:
        self._ssh, self._client, self._proxy = made.connection, made.client, made.proxy
        self._seconds = made.seconds
        self._where, self._node = where, node
        self._sessions = self._limit = sessions
        self._starting = 0
        self._used = 0
        self.lingering = 0
        """Channels that were given up, and whose commands the server has not seen end yet."""
        self._served = False
        self._queue: deque[asyncio.Future[None]] = deque()
        self._closing = False

    @property
    def is_open(self) -> bool:
        return not self._closing and not self._client.ended.done() and not self._ssh.is_closed()

    @property
    def closing(self) -> bool:
        """Whether we ended it."""
        return self._closing

    @property
    def login_seconds(self) -> float:
        return self._seconds

    @property
    def ssh(self) -> asyncssh.SSHClientConnection:
        """asyncssh's connection: what a node behind this one is tunnelled through."""
        return self._ssh

    @property
    def pinned(self) -> str:
        """The fingerprint that this login added to known_hosts, or ''."""
        return self._client.trust.pinned

    async def run(
        self, command: str, *, input: bytes = b"", timeout: float | None = None, limit: int = 1 << 20
    ) -> Completed:
        collector = Collector(limit)
        try:
            async with asyncio.timeout(timeout):
                channel = await self._open(command, collector)
                collector.stop = channel.abort
                channel.write(input)
                channel.write_eof()
                error = await collector.ended
        except TimeoutError:
            raise ShellError(
                f"{self._where}: the command did not end within {timeout:g} s",
                evidence=Evidence(self._node, clean(command, 500), None, clean(bytes(collector.stderr[-STDERR_TAIL:]))),
            ) from None
        finally:
            collector.stop()
        if error is None and channel.exit_status == -1 and not self.is_open:
            error = self.lost()
        if error:
            raise error
        return Completed(
            channel.exit_status if channel.exit_status is not None else -1,
            bytes(collector.stdout),
            bytes(collector.stderr),
            collector.truncated,
            channel.signal,
        )

    async def open(self, command: str, receiver: Receiver) -> Channel:
        return await self._open(command, receiver)

    async def closed(self) -> SshError | None:
        cause = await asyncio.shield(self._client.ended)
        return None if self._closing else failures.lost(cause, self._where, self._node)

    async def close(self) -> None:
        if not self._client.ended.done():  # what ended by itself keeps its cause
            self._closing = True
        self._ssh.close()
        try:
            await asyncio.wait_for(self._ssh.wait_closed(), 1.0)
        except TimeoutError:
            self._ssh.abort()
            await self._ssh.wait_closed()
        finally:
            for waiter in self._queue:
                if not waiter.done():
                    waiter.set_result(None)
            if self._proxy:
                await self._proxy.close()

    def lost(self, cause: BaseException | None = None) -> ConnectionLost:
        """The error for who finds the connection gone."""
        ended = self._client.ended
        return failures.lost(cause or (ended.result() if ended.done() else None), self._where, self._node)

    async def _open(self, command: str, receiver: Receiver) -> RemoteChannel:
        if not command:
            raise ShellError(f"{self._where}: no command")  # asyncssh would start an interactive shell
        pauses = iter(LINGER)
        while True:
            await self._slot()
            session = RemoteChannel(self, receiver)
            creating = asyncio.ensure_future(self._create(session, command))
            try:
                await asyncio.shield(creating)
            except asyncio.CancelledError:
                session.detach()
                creating.add_done_callback(session.abandoned)
                raise
            except asyncssh.ChannelOpenError as error:
                session.detach()
                session.free()
                if not self.is_open:
                    raise self.lost() from None
                if error.code not in _FULL:
                    raise self._refused(error, command) from None
                if self._used:
                    self._limit = max(1, self._used - self._starting)  # that many it does serve: wait for one to end
                    continue
                pause = next(pauses, None) if self._served else None
                if pause is None:
                    raise self._refused(error, command) from None
                await asyncio.sleep(pause)
                continue
            except (OSError, asyncssh.Error) as error:
                session.detach()
                session.free()
                raise self.lost(error) from None
            self._served = True
            return session

    async def _create(self, session: RemoteChannel, command: str) -> None:
        # Bytes that are no UTF-8 stand in a text as surrogates (PEP 383); asyncssh passes bytes on as they are.
        text: Any = command.encode("utf-8", "surrogateescape")
        try:
            await self._ssh.create_session(
                lambda: session, text, encoding=None, request_pty=False, x11_forwarding=False
            )
        except AttributeError:
            if self.is_open:
                raise
            # The connection ended behind the node's answer to the command: asyncssh has let go of the session by then.
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_CONNECT_FAILED, "the connection ended") from None

    def _refused(self, error: asyncssh.ChannelOpenError, command: str) -> ShellError:
        return ShellError(
            f"{self._where}: logged in, but no command can be run: {clean(error.reason, 200)}",
            hint="see MaxSessions, ForceCommand and the account's login shell there",
            evidence=Evidence(self._node, clean(command, 500)),
        )

    async def _slot(self) -> None:
        """Wait for a free channel, first come first served. Raises ConnectionLost, and ShellError when none will ever be free."""
        begun = asyncio.get_running_loop().time()
        while self._used >= self._limit and self.is_open:
            waiter = asyncio.get_running_loop().create_future()
            self._queue.append(waiter)
            try:
                done, _ = await asyncio.wait(
                    {waiter, self._client.ended}, timeout=RETRY, return_when=asyncio.FIRST_COMPLETED
                )
            except asyncio.CancelledError:
                if waiter.done() and not waiter.cancelled():
                    self._next()  # the turn was ours: pass it on
                raise
            finally:
                with contextlib.suppress(ValueError):
                    self._queue.remove(waiter)
                waiter.cancel()
            if not done:
                waited = asyncio.get_running_loop().time() - begun
                if self.lingering >= self._used and waited >= STUCK:
                    raise ShellError(
                        f"{self._where}: {self.lingering} commands that were given up still run there and hold every session",
                        hint="end them on the node, or raise MaxSessions there",
                    )
                # the limit was learnt from a refusal while channels came and went: it may have been too low
                self._limit = min(self._sessions, self._limit + 1)
        if not self.is_open:
            raise self.lost()
        self._used += 1

    def release(self) -> None:
        """A channel ended."""
        self._used -= 1
        self._next()

    def _next(self) -> None:
        while self._queue:
            waiter = self._queue.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return


class RemoteChannel(asyncssh.SSHClientSession[bytes]):
    """One session channel. asyncssh calls it; the receiver hears."""

    def __init__(self, connection: RemoteConnection, receiver: Receiver) -> None:
        self._connection = connection
        self._receiver: Receiver | None = receiver
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None
        self._status: int | None = None
        self._stderr = bytearray()
        self._closing = False
        self._holds = True
        self._lingers = False
        self._writable = asyncio.Event()
        self._writable.set()
        self.signal = ""

    @property
    def exit_status(self) -> int | None:
        return self._status

    @property
    def stderr(self) -> str:
        return clean(bytes(self._stderr))

    def write(self, data: bytes) -> None:
        if self._channel and data:
            with contextlib.suppress(OSError):  # it ended in this moment; `closed` tells
                self._channel.write(data)

    async def drain(self) -> None:
        await self._writable.wait()

    def write_eof(self) -> None:
        if self._channel:
            with contextlib.suppress(OSError):
                self._channel.write_eof()

    def kill(self, signal: str) -> None:
        if self._channel and self._status is None:
            with contextlib.suppress(OSError):
                self._channel.send_signal(signal)

    def pause(self) -> None:
        if self._channel:
            self._channel.pause_reading()

    def resume(self) -> None:
        if self._channel:
            self._channel.resume_reading()

    def close(self) -> None:
        self._closing = True
        if self._channel:
            self._terminate()
            self._channel.close()

    def abort(self) -> None:
        """End it without sending what still waits."""
        self._closing = True
        if self._channel:
            self._terminate()
            self._channel.abort()

    def _terminate(self) -> None:
        """Ask for SIGTERM to the command's process group (RFC 4254, 6.9; OpenSSH since 7.9, but not for root's logins).

        Closing alone ends nothing there: the command runs on, and sshd counts its session until it has ended by itself.
        """
        if self._channel and self._status is None:
            if self._holds and not self._lingers:
                self._lingers = True
                self._connection.lingering += 1
            with contextlib.suppress(OSError):
                self._channel.send_signal("TERM")

    def detach(self) -> None:
        """Nobody listens any more."""
        self._receiver = None

    def abandoned(self, creating: asyncio.Future[None]) -> None:
        """Whoever asked for this channel gave up before it was there."""
        if not creating.cancelled() and creating.exception() is None:
            self.abort()
        else:
            self.free()

    def free(self) -> None:
        """Give the place on the connection back, once."""
        if self._holds:
            self._holds = False
            if self._lingers:
                self._connection.lingering -= 1
            self._connection.release()

    # asyncssh's callbacks

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        self._channel = chan

    def data_received(self, data: bytes, datatype: Any) -> None:
        if datatype == asyncssh.EXTENDED_DATA_STDERR:
            if complained := getattr(self._receiver, "complained", None):
                complained(data)
            else:
                self._stderr += data
                del self._stderr[:-STDERR_TAIL]
        elif self._receiver:
            self._receiver.received(data)

    def eof_received(self) -> bool:
        return True  # the exit status is still to come

    def exit_status_received(self, status: int) -> None:
        self._status = status

    def exit_signal_received(self, signal: str, core_dumped: bool, msg: str, lang: str) -> None:
        self.signal = clean(signal, 20)
        number = getattr(signals, f"SIG{self.signal}", None)
        self._status = 128 + number if isinstance(number, signals.Signals) else -1

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._channel = None
        self._writable.set()
        receiver, self._receiver = self._receiver, None
        self.free()
        if self._status is None:
            self._status = -1
        if receiver:
            ours = self._closing or self._connection.closing
            gone = exc is not None or not self._connection.is_open
            receiver.closed(self._connection.lost(exc) if gone and not ours else None)
