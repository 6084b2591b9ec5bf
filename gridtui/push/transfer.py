"""One rsync between here and one node: starts it, follows it, ends it, and says what came of it. Owns that child and nothing else.

Knows no fan-out (`run`) and no login (`ssh.masters`): it is given a link.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable

from ..errors import LayerName
from ..ssh import children
from ..ssh.masters import Link
from . import command
from .model import Ending, Plan, Progress, Stage, Transfer
from .output import Report, Said, Step, reason

RETRY = 0.5
"""Seconds between two tries where another transfer to the same place goes on."""
_SPAN = 3.0
"""Seconds over which a rate is taken."""
_LAST_WORDS = 0.5
"""Seconds that rsync's ssh has after rsync has ended."""
_SETTLE = 1.0
"""Seconds for a master to notice that its connection is gone, after rsync has."""

_SILENT = b"io timeout after "
_CUT = (10, 12, 20, 30, 255)
"""Exit statuses that a lost connection gives."""

Told = Callable[[Progress], None]


class NoRsync(Exception):
    """There is no rsync on the node. `distribution` is its `ID` of os-release(5), or empty."""

    def __init__(self, distribution: str) -> None:
        super().__init__(distribution)
        self.distribution = distribution


class Rsync:
    """One transfer. `finish` is called once; `interrupt` and `abandon` at any time."""

    def __init__(self, plan: Plan, link: Link, *, rate: int | None = None, told: Told | None = None) -> None:
        self._plan, self._link, self._rate = plan, link, rate
        self._told = told
        self._node = link.node.name
        self._process: children.Child | None = None
        self._stopped: tuple[Ending, str] | None = None
        self._wake = asyncio.Event()
        self._pace = Pace()
        self._silent = False
        self._files = 0
        self._left: int | None = None

    def interrupt(self, ending: Ending, why: str) -> None:
        """Ask it to end; what has arrived is kept for the next one."""
        self._stopped = self._stopped or (ending, why)
        self._wake.set()
        if process := self._process:
            children.ask(process)
            # on a dead link its ssh waits for the node, and it for its ssh
            children.later(process, children.GRACE)

    def abandon(self) -> None:
        """Kill it."""
        self.interrupt(Ending.CANCELLED, "stopped")
        if self._process:
            children.ask(self._process, signal.SIGKILL)

    async def finish(self) -> Transfer:
        """Run it to its end, waiting for its turn at the place. Raises NoRsync."""
        began = time.monotonic()
        until = began + self._plan.options.wait
        while True:
            result, said = await self._once(began)
            if self._stopped or said.marked(command.BUSY) is None:
                break
            if time.monotonic() >= until:
                why = "another transfer to the same place goes on there"
                return Transfer(self._node, Ending.FAILED, seconds=time.monotonic() - began, error=why)
            self._tell(Progress(self._node, Stage.LOCKED))
            try:
                async with asyncio.timeout(RETRY):
                    await self._wake.wait()
            except TimeoutError:
                continue
        if not self._stopped and (distribution := said.marked(command.MISSING)) is not None:
            raise NoRsync(distribution)
        return result

    async def _once(self, began: float) -> tuple[Transfer, Said]:
        report, said = Report(), Said()
        words = command.words(self._plan, self._link.node, self._link.words, self._rate, self._told is not None)
        try:
            process = self._process = await children.start(words, command.environment())
        except OSError as error:
            said.feed(f"rsync cannot be run here: {error.strerror}\n".encode())
            return self._result(None, report, said, began), said
        readers = asyncio.gather(self._read(process, report), self._listen(process, said))
        try:
            if self._stopped:
                children.ask(process)
            code = await process.wait()
            # its ssh has the last words of the node. On a dead link there are none, and the end of the stream does not come
            # either: the master holds it open
            await asyncio.wait([readers], timeout=_LAST_WORDS)
        finally:
            await children.end(process)
            readers.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await readers
            report.end()
            said.end()
            self._process = None
        if code in _CUT and not self._stopped:
            await self._settle()
        return self._result(code, report, said, began), said

    async def _read(self, process: children.Child, report: Report) -> None:
        assert process.stdout
        while data := await process.stdout.read(1 << 16):
            if step := report.feed(data):
                self._step(step)

    async def _listen(self, process: children.Child, said: Said) -> None:
        assert process.stderr
        while data := await process.stderr.read(1 << 14):
            said.feed(data)
            if not self._silent and _SILENT in data:
                # it would listen for another 30 s for what the other side may say to that, and so would its ssh
                self._silent = True
                children.later(process, _SETTLE)

    def _step(self, step: Step) -> None:
        # rsync says the number of files only when one is done
        self._files = step.files if step.files is not None else self._files
        self._left = step.left if step.left is not None else self._left
        rate = self._pace.at(time.monotonic(), step.bytes)
        self._tell(Progress(self._node, Stage.SENDING, step.bytes, step.total, rate, self._files, self._left))

    def _tell(self, progress: Progress) -> None:
        if self._told:
            self._told(progress)

    async def _settle(self) -> None:
        """rsync notices a lost connection a moment before the master has ended, which knows why."""
        process = self._link.process
        if process is not None and process.returncode is None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_SETTLE):
                    await process.wait()

    def _result(self, code: int | None, report: Report, said: Said, began: float) -> Transfer:
        status, error, layer = self._judge(code, said)
        stats = report.stats
        changes = tuple(report.changes)
        if report.more:
            changes += (f"… and {report.more} more",)
        return Transfer(
            self._node,
            status,
            exit=code if code is None or code >= 0 else 128 - code,
            bytes=stats.get("sent", 0) + stats.get("received", 0),
            size=stats.get("size", 0),
            literal=stats.get("literal", 0),
            files=stats.get("files", 0),
            deleted=stats.get("deleted", 0),
            seconds=time.monotonic() - began,
            error=error,
            stderr=said.lines if status is not Ending.OK else (),
            layer=layer,
            changes=changes,
        )

    def _judge(self, code: int | None, said: Said) -> tuple[Ending, str, LayerName | None]:
        if code == 0:
            return Ending.OK, "", None
        if self._stopped:
            return *self._stopped, None
        if self._silent:
            return Ending.TIMEOUT, f"no byte came for {self._plan.options.timeout} s", None
        if code is None:
            return Ending.FAILED, said.lines[-1], None
        if lost := self._link.lost():
            return Ending.UNREACHABLE, lost.message.removeprefix(f"{self._node}: "), lost.layer
        if code in (30, 35):
            return Ending.TIMEOUT, f"no byte came for {self._plan.options.timeout} s", None
        text = "\n".join(said.lines)
        if self._plan.options.sudo and "password is required" in text:
            return Ending.FAILED, "sudo asks for a password there: rsync needs a NOPASSWD rule (docs/PUSH.md)", None
        if code == 255 and not self._link.node.local:
            return Ending.UNREACHABLE, reason(code, said), "shell"
        return Ending.FAILED, reason(code, said), None


class Pace:
    """Bytes a second over the last few seconds. Pure."""

    def __init__(self) -> None:
        self._seen: list[tuple[float, int]] = []

    def at(self, now: float, count: int) -> float:
        """The rate, `count` bytes being there at `now`."""
        self._seen.append((now, count))
        while len(self._seen) > 2 and self._seen[1][0] <= now - _SPAN:
            del self._seen[0]
        (then, before), (last, after) = self._seen[0], self._seen[-1]
        return max(0.0, (after - before) / (last - then)) if last > then else 0.0
