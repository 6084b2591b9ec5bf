"""One task on one connection, from the request for a channel to an outcome. Owns what is kept, what is passed on, and how it is ended.

Knows nothing of other nodes, batches and fan-out; never raises for the node.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Literal

from ..errors import ShellError, SshError
from ..model import clean, size
from ..ssh import Channel, Connection
from .lines import Lines
from .reaping import reap
from .sudo import Password, Refused, Stage, Talk
from .task import Ending, Outcome, Task

Stream = Literal["stdout", "stderr"]
OnLines = Callable[[str, Stream, Sequence[bytes]], None]
"""Node, stream, lines without their newlines: called from the loop with all that came at once, must not wait."""

GRACE = 3.0
"""Seconds that a command has to end after SIGTERM, before its channel is closed."""
GRACE_ROOT = 0.2
"""The same where sshd does not pass signals on: the logins of root."""
FLOOD = 64
"""Where output is only gathered, a command is ended once it wrote this many times its limit."""
_PIECE = 1 << 16


class Budget:
    """Bytes of output that all nodes of a run together may keep."""

    def __init__(self, total: int) -> None:
        self._left = total

    def take(self, wanted: int) -> int:
        """How many of `wanted` bytes may be kept."""
        granted = max(0, min(wanted, self._left))
        self._left -= granted
        return granted


class Execution:
    """`ssh.Receiver` of one command. `finish` is called once; `interrupt` and `abandon` while it runs."""

    def __init__(
        self,
        node: str,
        task: Task,
        connection: Connection,
        budget: Budget,
        *,
        lines: OnLines | None = None,
        password: Password | None = None,
        grace: float = GRACE,
        remote: bool = True,
    ) -> None:
        self._node, self._task, self._connection, self._budget = node, task, connection, budget
        self._on_lines, self._password = lines, password
        self._grace, self._remote = grace, remote
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._talk = Talk() if task.sudo else None
        self._opened = asyncio.Event()
        """`_channel` is there. A quick sudo asks before `open` has returned."""
        self._stdout, self._stderr = bytearray(), bytearray()
        self._out = Lines() if lines else None
        self._err = Lines() if lines else None
        self._truncated = self._speaks = False
        self._flood = FLOOD * max(task.limit, _PIECE) if lines is None else None
        self._channel: Channel | None = None
        self._closed = False
        self._lost: SshError | None = None
        self._why: tuple[Ending, str] | None = None
        self._abandoned = False
        self._wake: asyncio.Future[None] = self._loop.create_future()
        self._runner: asyncio.Task[object] | None = None
        self._helper: asyncio.Task[None] | None = None
        self._tasting = False
        self._sudo_error = ""
        self._alarm: asyncio.TimerHandle | None = None

    async def finish(self) -> Outcome:
        """Run it to its end, whichever that is."""
        self._runner = asyncio.current_task()
        self._set_alarm()
        try:
            return await self._finish()
        finally:
            if self._alarm:
                self._alarm.cancel()
            if self._helper:
                self._helper.cancel()
            if self._tasting and self._password:
                self._password.unclear()
            if self._channel and not self._closed:
                self._channel.close()

    def interrupt(self, ending: Ending, why: str) -> None:
        """End it: SIGTERM and the end of its input, some seconds, then its channel goes."""
        if self._why is None and not self._closed:
            self._why = (ending, why)
            if self._channel is None and self._runner and not self._speaks:
                self._runner.cancel()  # else the channel is there, and `open` about to return
            else:
                self._rouse()

    def abandon(self) -> None:
        """End it without waiting for anything."""
        self._abandoned = True
        self.interrupt(Ending.CANCELLED, "stopped")
        if self._channel and not self._closed:
            self._channel.kill("KILL")
        self._rouse()

    # ssh.Receiver

    def received(self, data: bytes) -> None:
        """Standard output."""
        self._speaks = True
        self._keep(self._stdout, data)
        if self._out:
            self._pass_on("stdout", self._out.feed(data))

    def complained(self, data: bytes) -> None:
        """Standard error."""
        self._speaks = True
        if self._talk and self._talk.stage is not Stage.STARTED:
            data = self._heard(data)
        if data:
            self._keep(self._stderr, data)
            if self._err:
                self._pass_on("stderr", self._err.feed(data))

    def closed(self, error: SshError | None) -> None:
        """The last call."""
        self._closed, self._lost = True, error
        if self._out and self._err:
            self._pass_on("stdout", self._out.end())
            self._pass_on("stderr", self._err.end())
        self._rouse()

    # how it goes

    async def _finish(self) -> Outcome:
        command = self._talk.command(self._task.command) if self._talk else self._task.command
        try:
            self._channel = await self._connection.open(command, self)
        except asyncio.CancelledError:
            if self._why is None:
                raise
            if self._runner:
                self._runner.uncancel()
            return self._outcome(left=True)  # the request may be on its way
        except SshError as error:
            self._closed = True
            return self._unreachable(error)
        self._opened.set()
        if self._talk is None:
            self._feed()
        while not self._closed and self._why is None:
            await self._news()
        ended = True if self._closed else await self._put_down(self._channel)
        return self._outcome(left=not ended)

    async def _put_down(self, channel: Channel) -> bool:
        """Make it end, as well as that can be done from here. Whether it did, as far as can be seen."""
        forceful = self._why is not None and self._why[0] is not Ending.CANCELLED
        channel.kill("TERM")
        channel.write_eof()
        if await self._ends(self._grace):
            return True
        if forceful and not self._abandoned:
            channel.kill("KILL")
            if await self._ends(self._grace):
                return True
        channel.close()
        if not self._remote:
            return await self._ends(GRACE)  # the local transport kills the whole process group
        if self._abandoned or not self._connection.is_open:
            return False
        reaping = asyncio.create_task(reap(self._connection, *(("TERM", "KILL") if forceful else ("TERM",))))
        try:
            while not reaping.done() and not self._abandoned:
                self._wake = self._loop.create_future()
                await asyncio.wait((reaping, self._wake), return_when=asyncio.FIRST_COMPLETED)
            return reaping.done() and reaping.result()
        finally:
            reaping.cancel()

    async def _ends(self, seconds: float) -> bool:
        """Whether it ends by itself within `seconds`; sooner when somebody loses patience."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not (self._closed or self._abandoned):
                    await self._news()
        return self._closed and self._lost is None

    async def _news(self) -> None:
        """Wait until something happened since this was called last."""
        try:
            await self._wake
        finally:
            self._wake = self._loop.create_future()  # a time-out cancels the one that was waited for

    def _rouse(self) -> None:
        if not self._wake.done():
            self._wake.set_result(None)

    def _set_alarm(self) -> None:
        if (seconds := self._task.timeout) is not None:
            self._alarm = self._loop.call_later(
                seconds, self.interrupt, Ending.TIMEOUT, f"did not end within {seconds:g} s"
            )

    # input

    def _feed(self) -> None:
        """Give it its standard input: at once when it is short, in pieces as they are taken when it is not."""
        assert self._channel is not None
        if len(self._task.stdin) <= _PIECE:
            self._channel.write(self._task.stdin)
            self._channel.write_eof()
        else:
            self._helper = asyncio.create_task(self._pour(self._channel))

    async def _pour(self, channel: Channel) -> None:
        data = memoryview(self._task.stdin)
        while data and not self._closed:
            channel.write(bytes(data[:_PIECE]))
            data = data[_PIECE:]
            await channel.drain()
        channel.write_eof()

    # sudo

    def _heard(self, data: bytes) -> bytes:
        """Standard error while the talk with sudo goes on; returns what is the command's own."""
        assert self._talk is not None
        rest = self._talk.feed(data)
        if self._talk.stage is Stage.STARTED:
            self._judged(accepted=True)
            if self._channel:
                self._feed()
            else:
                self._loop.call_soon(self._feed)
        elif self._talk.stage is Stage.ASKED:
            self._talk.stage = Stage.ANSWERED
            self._helper = asyncio.create_task(self._answer())
        elif self._talk.stage is Stage.WRONG and self._channel:
            self._judged(accepted=False)
            self._channel.write_eof()  # it gives up then, and no second try counts towards a lock-out
        return rest

    async def _answer(self) -> None:
        assert self._talk is not None
        if self._alarm:
            self._alarm.cancel()  # the person who types may take as long as that takes
        try:
            if self._password is None:
                raise Refused("sudo asks for a password, and there is nobody to ask for it")
            secret = await self._password.get(self._node)
        except Refused as refused:
            await self._opened.wait()
            self._end_sudo(str(refused))
            return
        self._tasting = True
        self._set_alarm()
        await self._opened.wait()
        if self._channel:
            self._channel.write(f"{secret}\n".encode())

    def _end_sudo(self, why: str) -> None:
        self._sudo_error = why
        if self._channel:
            self._channel.write_eof()

    def _judged(self, *, accepted: bool) -> None:
        if self._tasting and self._password:
            self._tasting = False
            if accepted:
                self._password.accepted()
            else:
                self._password.refused(self._node)

    # output

    def _keep(self, kept: bytearray, data: bytes) -> None:
        room = min(len(data), self._task.limit - len(kept))
        granted = self._budget.take(room) if room > 0 else 0
        if granted < len(data):
            self._truncated = self._truncated or self._task.limit > 0
        kept += data[:granted] if granted < len(data) else data
        if self._flood is not None:
            self._flood -= len(data)
            if self._flood < 0 and self._why is None:
                self.interrupt(Ending.FAILED, f"wrote more than {size(FLOOD * max(self._task.limit, _PIECE))}: ended")

    def _pass_on(self, stream: Stream, lines: Sequence[bytes]) -> None:
        if lines and self._on_lines:
            self._on_lines(self._node, stream, lines)

    # the outcome

    def _outcome(self, *, left: bool) -> Outcome:
        channel = self._channel
        status = channel.exit_status if channel else None
        known = status if status is not None and status >= 0 else None
        if self._why:
            ending, error = self._why
            if ending is Ending.CANCELLED and known == 0 and self._closed:
                ending, error = Ending.OK, ""  # it was as good as done
            return self._made(ending, known, error, left=left)
        if self._lost:
            return self._unreachable(self._lost, left=True)
        if self._talk and self._talk.stage is not Stage.STARTED:
            return self._made(Ending.FAILED, known, self._sudo_error or self._talk.why(known))
        if known is None:
            return self._made(Ending.FAILED, None, "the node never told how the command ended")
        if channel and channel.signal:
            return self._made(Ending.FAILED, known, f"ended by SIG{clean(channel.signal, 20)}")
        return self._made(Ending.FAILED if known else Ending.OK, known, "")

    def _unreachable(self, error: SshError, *, left: bool = False) -> Outcome:
        if isinstance(error, ShellError):
            left = False
        return self._made(Ending.UNREACHABLE, None, str(error), left=left, layer=error)

    def _made(
        self, ending: Ending, status: int | None, error: str, *, left: bool = False, layer: SshError | None = None
    ) -> Outcome:
        return Outcome(
            self._node,
            ending,
            status,
            bytes(self._stdout),
            bytes(self._stderr),
            self._loop.time() - self._began,
            layer.layer if layer else None,
            error,
            self._truncated,
            left,
        )
